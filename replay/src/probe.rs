//! A first look at the PBXs, so that `tapline run` can say at once what is wrong. The provider
//! itself goes on trying for ever, and can only show its lines out of service meanwhile.

use crate::trouble::Trouble;
use adapters::exchange::{Exchange, Manner};
use adapters::http::Place;
use adapters::settings::{Settings, Tree};
use engine::effect::{Ask, Interface, Request};
use engine::fact::{Event, Failure, PbxFact};
use engine::id::{Attempt, PbxId};
use engine::pii::Personal;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Asks every PBX who it is, and for a session, which is ended again. The answer says, one
/// sentence for each, which PBXs will not be seen.
///
/// # Errors
/// None of them will be seen; or the settings name certificates that cannot be used.
pub(crate) fn look(settings: &Settings) -> Result<Vec<String>, Trouble> {
    let manner = Manner::of(settings).map_err(|error| Trouble::Settings(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::System { what: "cannot start a thread".into(), error })?;
    let mut absent = Vec::new();
    for tree in &settings.pbxs {
        if let Err(why) = runtime.block_on(look_at(tree, &manner, settings)) {
            absent.push(why);
        }
    }
    // A name look-up that hangs must not hang us.
    runtime.shutdown_timeout(Duration::from_millis(100));
    match absent.len() {
        none if none == settings.pbxs.len() => Err(Trouble::Pbx(absent.join("; "))),
        _ => Ok(absent),
    }
}

/// The master, or the standby in its place.
async fn look_at(tree: &Tree, manner: &Manner, settings: &Settings) -> Result<(), String> {
    let master = Question::to(&tree.master, manner).ask_all(&settings.user).await;
    let Err(why) = master else { return Ok(()) };
    let why = words(&why, &tree.master.to_string(), settings);
    let Some(standby) = &tree.standby else { return Err(why) };
    let second = Question::to(standby, manner).ask_all(&settings.user).await;
    second
        .map_err(|second| format!("{why}; and {}", words(&second, &standby.to_string(), settings)))
}

/// Why a PBX will not be seen.
enum Obstacle {
    Failure(Failure),
    /// No session for this user, in any version of the interface.
    UserRefused,
}

/// One PBX at one place.
struct Question {
    exchange: Exchange,
    answers: mpsc::Receiver<Vec<Event>>,
    place: Arc<Place>,
}

/// Its number; nobody else is asked at the same time.
const PBX: PbxId = PbxId(0);

/// Answers that may wait; there is never more than one.
const ANSWERS: usize = 4;

impl Question {
    /// Must be called inside the runtime.
    fn to(place: &Place, manner: &Manner) -> Question {
        let (send, answers) = mpsc::channel(ANSWERS);
        let on = tokio::runtime::Handle::current();
        let exchange = Exchange::start(&on, PBX, manner.clone(), send);
        Question { exchange, answers, place: Arc::new(place.clone()) }
    }

    async fn ask_all(mut self, user: &Personal) -> Result<(), Obstacle> {
        self.ask(Request::Version).await.map_err(Obstacle::Failure)?;
        for interface in [Interface::V10, Interface::V8, Interface::V7] {
            let request = Request::Initialize { user: user.clone(), interface };
            match self.ask(request).await {
                Ok(PbxFact::Initialized { session, .. }) if session != 0 => {
                    // A session that is not ended is forgotten by the PBX after a while.
                    let _ = self.ask(Request::End { session }).await;
                    return Ok(());
                }
                // An older PBX does not know the flags, and may say so by a fault.
                Ok(_) | Err(Failure::Fault(_)) => {}
                Err(failure) => return Err(Obstacle::Failure(failure)),
            }
        }
        Err(Obstacle::UserRefused)
    }

    async fn ask(&mut self, request: Request) -> Result<PbxFact, Failure> {
        let place = Arc::clone(&self.place);
        self.exchange.ask(Ask { pbx: PBX, attempt: Attempt(1), place, request });
        // Every ask is answered, if only by a failure; the exchange has its own patience.
        let answer = self.answers.recv().await.and_then(|events| events.into_iter().next());
        match answer {
            Some(Event::Pbx(_, _, PbxFact::Failed(_, failure))) => Err(failure),
            Some(Event::Pbx(_, _, fact)) => Ok(fact),
            _ => Err(Failure::Broken),
        }
    }
}

fn words(obstacle: &Obstacle, place: &str, settings: &Settings) -> String {
    let account = &settings.account.name;
    match obstacle {
        Obstacle::Failure(failure) => match failure {
            Failure::Unreachable => format!(
                "nobody answers at {place}; check the host and the port in the settings, and \
                 whether the PBX can be reached from here"
            ),
            Failure::Certificate => format!(
                "the certificate of {place} is not one to trust; name it, or its authority, under \
                 [tls] in the settings"
            ),
            Failure::AccessDenied => format!(
                "{place} does not accept the account {account} with this password; check both in \
                 the settings and at the PBX"
            ),
            Failure::Broken => format!("{place} hangs up before it answers; is it a PBX?"),
            Failure::TimedOut => format!("{place} takes the connection, but does not answer"),
            Failure::Status(status) => format!(
                "{place} answers with HTTP status {status}; check the path of its SOAP interface"
            ),
            Failure::Fault(text) => format!("{place} refuses: {text}"),
            Failure::Garbled(what) => {
                format!("{place} gives an answer that is not SOAP ({what}); is it a PBX?")
            }
        },
        Obstacle::UserRefused => format!(
            "{place} gives no session for the user {}; check that the user is there under this \
             long name, and that the account {account} may use it",
            settings.user.text()
        ),
    }
}
