//! Carries out what the engine asks of one PBX, and tells what came of it.
//!
//! ```text
//! Exchange = start { ask } drop
//! ```
//!
//! Asks go in, events come out; nothing is decided here. An ask that fails is a fact like any
//! other: whether to try again, and when, is the engine's business.
//!
//! Poll has a connection to itself, because it blocks for up to a minute. Records of users that
//! somebody waits for have a second one, those that are only read to be shown a third; all other
//! asks go one after the other over a fourth. They are made when they are first needed, and afresh
//! for each attempt to hold a session, so that nothing of a lost session reaches the next one. When
//! an attempt is left, or its session has been ended, what is still under way for it is abandoned:
//! its connections are closed, its asks get no answer, and asks for it that come late are not sent.
//!
//! Where to ask stands in the ask: there is no table of PBXs here.
//!
//! Events go into a bounded queue. While it is full the answer to a Poll waits outside, so the
//! engine does not ask for the next Poll, and the PBX keeps its events.

mod causes;
#[cfg(feature = "feeding")]
pub mod feeding;
mod hearing;
pub(crate) mod session_key;
mod story;
pub(crate) mod translation;

use crate::capture::{RawMessage, Way};
use crate::http::{Answer as HttpAnswer, Connection, Place, Post, Tls, TrustError};
use crate::metrics::{Answered, Metrics};
use crate::secret::Account;
use crate::settings::Settings;
use crate::soap::{Interface, Operation, decode};
use causes::Causes;
use engine::effect::{Ask, Order, Request};
use engine::fact::{Event, Failure, PbxFact, Question, Reply};
use engine::id::{Attempt, Link, PbxId};
use hearing::Hearing;
use session_key::SessionKey;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use story::Story;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::Instant;
use tracing::Instrument;
use translation::{is_administration, operation, repeat, second};

/// How PBXs are asked: all those of a settings file alike.
#[derive(Clone)]
pub struct Manner {
    /// The account to use.
    pub account: Arc<Account>,
    /// How to know that PBXs are the ones they claim to be.
    pub tls: Tls,
    /// How long to wait for them.
    pub patience: Patience,
    /// Who keeps what is said, word by word, if somebody does.
    pub witness: Option<Witness>,
    /// Where it is counted what is asked, and what came of it.
    pub metrics: Arc<Metrics>,
}

/// Is given each message between the provider and a PBX, without secrets, and must not take long.
pub type Witness = Arc<dyn Fn(RawMessage) + Send + Sync>;

impl Manner {
    /// What the settings name.
    ///
    /// # Errors
    /// [`TrustError`] if HTTPS is wanted and the certificates to trust cannot be used.
    pub fn of(settings: &Settings) -> Result<Manner, TrustError> {
        let https = settings.pbxs.iter().any(|tree| tree.master.https);
        let tls = if https { Tls::new(&settings.trust)? } else { Tls::unused()? };
        let account = Arc::clone(&settings.account);
        let (patience, witness, metrics) = (Patience::default(), None, Arc::default());
        Ok(Manner { account, tls, patience, witness, metrics })
    }
}

/// How PBXs are asked now. Each attempt is made as they are asked when it begins, to its end: a session
/// belongs to the account that opened it.
#[derive(Clone)]
pub struct Manners(watch::Receiver<Arc<Manner>>);

impl Manners {
    /// As they are now, and may be changed.
    #[must_use]
    pub fn new(manner: Manner) -> (watch::Sender<Arc<Manner>>, Manners) {
        let (change, now) = watch::channel(Arc::new(manner));
        (change, Manners(now))
    }

    fn now(&self) -> Arc<Manner> {
        Arc::clone(&self.0.borrow())
    }
}

impl From<Manner> for Manners {
    /// For good.
    fn from(manner: Manner) -> Manners {
        Manners::new(manner).1
    }
}

/// How long answers may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// To a Poll. A PBX answers one after 60 s even if there is nothing to tell.
    pub poll: Duration,
    /// To anything else.
    pub control: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { poll: Duration::from_secs(70), control: Duration::from_secs(10) }
    }
}

/// The exchange with one PBX. When its last clone is dropped, its connections are closed.
#[derive(Clone, Debug)]
pub struct Exchange {
    asks: mpsc::UnboundedSender<Ask>,
}

impl Exchange {
    /// Starts the tasks of the exchange on a runtime, which may be of one thread only. Events that
    /// belong together come in one batch: those of a Poll with the `Polled` that ends them.
    #[must_use]
    pub fn start(
        on: &Handle,
        pbx: PbxId,
        manners: impl Into<Manners>,
        events: mpsc::Sender<Vec<Event>>,
    ) -> Exchange {
        // Without a bound of its own: the engine never has more open than one ask per line and one
        // per request, both of which have limits (invariant I-24), and it must not wait here.
        let (asks, received) = mpsc::unbounded_channel();
        let line = Line { pbx, causes: Causes::default(), events };
        on.spawn(distribute(Arc::new(line), manners.into(), received));
        Exchange { asks }
    }

    /// Asks something. Returns at once; the answer comes as an event.
    pub fn ask(&self, ask: Ask) {
        // It fails only when the runtime is gone, and with it whoever waits for the answer.
        let _ = self.asks.send(ask);
    }
}

/// What all connections to a PBX share.
struct Line {
    pbx: PbxId,
    causes: Causes,
    events: mpsc::Sender<Vec<Event>>,
}

/// Hands each ask to the connection that it belongs to.
async fn distribute(line: Arc<Line>, manners: Manners, mut asks: mpsc::UnboundedReceiver<Ask>) {
    // One, or two while a master is tried beside its standby; and such as are just ending.
    let mut open: BTreeMap<Attempt, Lanes> = BTreeMap::new();
    let mut newest = Attempt(0);
    let mut tasks: JoinSet<Ending> = JoinSet::new();
    loop {
        let ask = tokio::select! {
            ask = asks.recv() => ask,
            Some(ended) = tasks.join_next_with_id() => {
                let id = match &ended {
                    Ok((id, _)) => *id,
                    Err(error) => error.id(),
                };
                let of = |(_, lanes): &(&Attempt, &Lanes)| lanes.has(id);
                let Some(attempt) = open.iter().find(of).map(|(attempt, _)| *attempt) else {
                    continue;
                };
                if let Some(event) = died(line.pbx, attempt, &ended) {
                    let _ = line.events.send(vec![event]).await;
                }
                if matches!(ended, Ok((_, Ending::OfSession))) {
                    open.remove(&attempt);
                }
                continue;
            }
        };
        let Some(ask) = ask else { return };
        if matches!(ask.request, Request::Leave) {
            // Dropping them hangs up.
            open.remove(&ask.attempt);
            continue;
        }
        if ask.attempt > newest {
            newest = ask.attempt;
            open.insert(newest, Lanes::asking(manners.now()));
        }
        match open.get_mut(&ask.attempt) {
            Some(lanes) => lanes.put(ask, &line, &mut tasks),
            None => {
                tracing::debug!(pbx = line.pbx.0, attempt = ask.attempt.0, "ask of an old attempt");
            }
        }
    }
}

/// How a task of the exchange ended.
enum Ending {
    /// Nothing more is asked of it.
    Done,
    /// The session that it belongs to has been ended.
    OfSession,
}

/// What to tell if a task of the exchange ended by a fault in the program. Somebody may wait for
/// its answer for ever; a failed Poll makes the engine begin again with everything new.
fn died<T>(pbx: PbxId, attempt: Attempt, ended: &Result<T, JoinError>) -> Option<Event> {
    let error = ended.as_ref().err().filter(|error| error.is_panic())?;
    tracing::error!(pbx = pbx.0, %error, "a task of the exchange died");
    let failed = PbxFact::Failed(Question::Poll, Failure::Broken);
    Some(Event::Pbx(pbx, attempt, failed))
}

/// The connections of one attempt: at most four to each place. They are closed when it is dropped.
struct Lanes {
    manner: Arc<Manner>,
    /// Known when its session has been opened: there is one for each attempt at most.
    key: Arc<OnceLock<SessionKey>>,
    open: Vec<(Arc<Place>, Purpose, mpsc::UnboundedSender<Ask>)>,
    tasks: Vec<AbortHandle>,
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Poll,
    Control,
    /// Records of users that somebody waits for: a PBX may take long over them, and no call must
    /// wait for that.
    Administration,
    /// Records of users that are read to be shown: of thousands of lines when a service starts.
    Survey,
    /// Where a slave is, which its parent is asked once.
    Location,
}

impl Lanes {
    fn asking(manner: Arc<Manner>) -> Lanes {
        Lanes { manner, key: Arc::default(), open: Vec::new(), tasks: Vec::new() }
    }

    fn has(&self, task: tokio::task::Id) -> bool {
        self.tasks.iter().any(|handle| handle.id() == task)
    }

    fn put(&mut self, ask: Ask, line: &Arc<Line>, tasks: &mut JoinSet<Ending>) {
        let purpose = match ask.request {
            Request::Poll { .. } => Purpose::Poll,
            Request::LocationUrl { .. } => Purpose::Location,
            Request::Order { order: Order::ShowUser { own: false, .. }, .. } => Purpose::Survey,
            Request::Order { ref order, .. } if is_administration(order) => Purpose::Administration,
            _ => Purpose::Control,
        };
        let known =
            self.open.iter().position(|(place, of, _)| *of == purpose && *place == ask.place);
        let index = known.unwrap_or_else(|| {
            let (asks, received) = mpsc::unbounded_channel();
            let (manner, place) = (Arc::clone(&self.manner), Arc::clone(&ask.place));
            let key = Arc::clone(&self.key);
            let lane = Lane::new(Arc::clone(line), &manner, ask.attempt, place, key);
            self.tasks.push(tasks.spawn(lane.serve(received)));
            self.open.push((Arc::clone(&ask.place), purpose, asks));
            self.open.len() - 1
        });
        let sent = self.open[index].2.send(ask);
        if purpose == Purpose::Location {
            // Its parent has better things to do than to keep connections open.
            self.open.remove(index);
        }
        if sent.is_err() {
            // The lane ended because nobody takes events any more; nobody waits for this either.
            tracing::debug!(pbx = line.pbx.0, "ask of a runtime that ends");
        }
    }
}

/// One connection and the asks that go over it, one after the other.
struct Lane {
    line: Arc<Line>,
    patience: Patience,
    attempt: Attempt,
    place: Arc<Place>,
    connection: Result<Connection, Failure>,
    /// The interface of the session, known once it was asked for.
    interface: Interface,
    /// The key of the session, which all connections of the attempt share.
    key: Arc<OnceLock<SessionKey>>,
    hearing: Option<Hearing>,
    metrics: Arc<Metrics>,
}

impl Lane {
    fn new(
        line: Arc<Line>,
        manner: &Manner,
        attempt: Attempt,
        place: Arc<Place>,
        key: Arc<OnceLock<SessionKey>>,
    ) -> Lane {
        let Manner { account, tls, patience, witness, metrics } = manner;
        let hearing = witness.as_ref().map(|witness| Hearing {
            witness: Arc::clone(witness),
            account: Arc::clone(account),
            link: Link { pbx: line.pbx, attempt },
        });
        let connection = Connection::new(&place, Arc::clone(account), tls).map_err(|error| {
            line.causes.tell(line.pbx, &place, &error.to_string());
            Failure::Certificate
        });
        let (patience, interface) = (*patience, Interface::default());
        let metrics = Arc::clone(metrics);
        Lane { line, patience, attempt, place, connection, interface, key, hearing, metrics }
    }

    async fn serve(mut self, mut asks: mpsc::UnboundedReceiver<Ask>) -> Ending {
        while let Some(ask) = asks.recv().await {
            let batch = self.carry_out(&ask.request).await;
            if self.line.events.send(batch).await.is_err() {
                break;
            }
            if matches!(ask.request, Request::End { .. }) {
                return Ending::OfSession;
            }
        }
        Ending::Done
    }

    async fn carry_out(&mut self, request: &Request) -> Vec<Event> {
        if let Request::Initialize { interface, .. }
        | Request::UserInitialize { interface, .. }
        | Request::LocationUrl { interface, .. } = request
        {
            self.interface = (*interface).into();
        }
        let localised = match translation::local_number(request, self.interface) {
            None => None,
            Some(question) => Some(self.localised(request, &question).await),
        };
        let request = localised.as_ref().unwrap_or(request);
        let key = self.key.get().copied();
        let operation = operation(request, self.interface, &self.place, key);
        let begun = Instant::now();
        let mut outcome = self.post(&operation, request).await;
        let opened = outcome.as_ref().ok();
        if let Some(key) = opened.and_then(|answer| SessionKey::of(operation.kind(), answer)) {
            let _ = self.key.set(key);
        }
        if let Request::Order {
            order: order @ Order::SetNoAnswerTime { .. }, line, ticket, ..
        } = request
        {
            let shown = outcome.and_then(|answer| {
                translation::read(&answer, |body| decode(operation.kind(), body))
            });
            match shown.map_err(Reply::Failed).and_then(|shown| second(order, shown)) {
                Ok(operation) => outcome = self.post(&operation, request).await,
                Err(reply) => return vec![Event::Reply(*line, *ticket, reply)],
            }
        }
        match request {
            Request::Poll { .. } => self.polled(outcome, begun.elapsed()),
            _ => {
                let link = Link { pbx: self.line.pbx, attempt: self.attempt };
                let kind = operation.kind();
                vec![translation::answered(link, &self.place, request, kind, outcome)]
            }
        }
    }

    /// A request to call a number of another numbering node, with the digits that lead there. A PBX
    /// that does not say which gets the number as it is.
    async fn localised(&mut self, request: &Request, question: &Operation) -> Request {
        let answer = match self.post(question, request).await {
            Ok(answer) => translation::read(&answer, |body| decode(question.kind(), body)).ok(),
            Err(_) => None,
        };
        if answer.is_none() {
            let pbx = self.line.pbx.0;
            tracing::warn!(pbx, "it does not say how a number of another node is dialled");
        }
        translation::localised(request, answer)
    }

    async fn post(
        &mut self,
        operation: &Operation,
        request: &Request,
    ) -> Result<HttpAnswer, Failure> {
        let connection = self.connection.as_mut().map_err(|failure| failure.clone())?;
        let envelope = operation.write(self.interface);
        let post = Post {
            action: envelope.action.into(),
            body: envelope.body.into_bytes(),
            within: match request {
                Request::Poll { .. } => self.patience.poll,
                _ => self.patience.control,
            },
            repeat: repeat(request),
        };
        if let Some(hearing) = &self.hearing {
            hearing.take(operation.kind(), Way::Question, &post.body);
        }
        let link = Link { pbx: self.line.pbx, attempt: self.attempt };
        let story = Story::of(request, operation.kind(), link);
        let begun = Instant::now();
        let outcome = connection.post(&post).instrument(story.span()).await;
        let took = begun.elapsed();
        story.ends(&outcome, took);
        self.metrics.asked(link.pbx, operation.kind(), Answered::of(&outcome), took);
        if let (Some(hearing), Ok(answer)) = (&self.hearing, &outcome) {
            hearing.take(operation.kind(), Way::Answer(answer.status), &answer.body);
        }
        if let (Err(_), Some(cause)) = (&outcome, connection.cause()) {
            self.line.causes.tell(self.line.pbx, &self.place, cause);
        }
        outcome
    }

    /// The facts of a Poll, or the one that it failed.
    fn polled(&self, outcome: Result<HttpAnswer, Failure>, elapsed: Duration) -> Vec<Event> {
        let (facts, counted) = translation::polled(outcome, elapsed);
        if let Some(counted) = counted {
            self.line.causes.forget();
            if counted.skipped > 0 {
                let (pbx, records) = (self.line.pbx.0, counted.skipped);
                tracing::warn!(pbx, records, "records of a Poll could not be read");
            }
        }
        let fact = |fact| Event::Pbx(self.line.pbx, self.attempt, fact);
        facts.into_iter().map(fact).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::path::Path;

    const SETTINGS: &str = "account = \"a\"\npassword = \"p\"\nuser = \"TAPI\"\n\
        [[pbx]]\nmaster = \"one\"\n";

    #[test]
    fn pbxs_are_asked_with_the_account_of_the_settings() {
        let settings = Settings::parse(SETTINGS, Path::new("tapline.toml")).unwrap();
        let manner = Manner::of(&settings).unwrap();
        assert_eq!((&*manner.account.name, manner.account.password.reveal()), ("a", "p"));
    }

    #[tokio::test]
    async fn a_task_that_dies_is_told_to_the_engine_as_a_failed_poll() {
        let mut tasks: JoinSet<()> = JoinSet::new();
        tasks.spawn(async { panic!("a fault in the program") });
        let ended = tasks.join_next().await.unwrap();
        let failed = PbxFact::Failed(Question::Poll, Failure::Broken);
        let expected = Event::Pbx(PbxId(1), Attempt(4), failed);
        assert_eq!(died(PbxId(1), Attempt(4), &ended), Some(expected));
        let done: Result<(), JoinError> = Ok(());
        assert_eq!(died(PbxId(1), Attempt(4), &done), None);
    }
}
