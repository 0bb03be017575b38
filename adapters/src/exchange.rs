//! Carries out what the engine asks of one PBX tree, and tells what came of it.
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
//! a newer attempt begins, what is still under way for the older one is abandoned: its connections
//! are closed, its asks get no answer, and asks for it that come late are not sent.
//!
//! Events go into a bounded queue. While it is full the answer to a Poll waits outside, so the
//! engine does not ask for the next Poll, and the PBX keeps its events.

mod causes;
#[cfg(feature = "feeding")]
pub mod feeding;
pub(crate) mod translation;

use crate::http::{Answer as HttpAnswer, Connection, Place, Post, Tls, TrustError};
use crate::secret::Account;
use crate::settings::{Settings, Tree};
use crate::soap::{Interface, Operation, decode};
use causes::Causes;
use engine::effect::{Address, Ask, Order, Request};
use engine::fact::{Event, Failure, PbxFact, Question, Reply};
use engine::id::{Attempt, PbxId};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use translation::{is_administration, operation, repeat, second};

/// Everything needed to reach one PBX tree.
#[derive(Clone)]
pub struct Site {
    /// The tree.
    pub pbx: PbxId,
    /// Where its master is.
    pub master: Place,
    /// Where its standby is, if it has one.
    pub standby: Option<Place>,
    /// The account to use at both.
    pub account: Arc<Account>,
    /// How to know that they are the ones they claim to be.
    pub tls: Tls,
    /// How long to wait for them.
    pub patience: Patience,
}

impl Site {
    /// The sites that the settings name, in their order.
    ///
    /// # Errors
    /// [`TrustError`] if HTTPS is wanted and the certificates to trust cannot be used.
    pub fn all(settings: &Settings) -> Result<Vec<Site>, TrustError> {
        let https = settings.pbxs.iter().any(|tree| tree.master.https);
        let tls = if https { Tls::new(&settings.trust)? } else { Tls::unused()? };
        let site = |(number, tree): (u16, &Tree)| Site {
            pbx: PbxId(number),
            master: tree.master.clone(),
            standby: tree.standby.clone(),
            account: Arc::clone(&settings.account),
            tls: tls.clone(),
            patience: Patience::default(),
        };
        Ok((0..).zip(&settings.pbxs).map(site).collect())
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

/// The exchange with one PBX tree. When its last clone is dropped, its connections are closed.
#[derive(Clone, Debug)]
pub struct Exchange {
    asks: mpsc::UnboundedSender<Ask>,
}

impl Exchange {
    /// Starts the tasks of the exchange on a runtime, which may be of one thread only. Events that
    /// belong together come in one batch: those of a Poll with the `Polled` that ends them.
    #[must_use]
    pub fn start(on: &Handle, site: Site, events: mpsc::Sender<Vec<Event>>) -> Exchange {
        // Without a bound of its own: the engine never has more open than one ask per line and one
        // per request, both of which have limits (invariant I-24), and it must not wait here.
        let (asks, received) = mpsc::unbounded_channel();
        on.spawn(distribute(site, received, events));
        Exchange { asks }
    }

    /// Asks something. Returns at once; the answer comes as an event.
    pub fn ask(&self, ask: Ask) {
        // It fails only when the runtime is gone, and with it whoever waits for the answer.
        let _ = self.asks.send(ask);
    }
}

/// Hands each ask to the connection that it belongs to.
async fn distribute(
    site: Site,
    mut asks: mpsc::UnboundedReceiver<Ask>,
    events: mpsc::Sender<Vec<Event>>,
) {
    let site = Arc::new(site);
    let causes = Arc::new(Causes::default());
    let mut lanes = Lanes::new(Attempt(0), Arc::clone(&causes));
    loop {
        let ask = tokio::select! {
            ask = asks.recv() => ask,
            Some(ended) = lanes.tasks.join_next() => {
                if let Some(event) = died(&site, lanes.attempt, ended) {
                    let _ = events.send(vec![event]).await;
                }
                continue;
            }
        };
        let Some(ask) = ask else { return };
        if ask.attempt > lanes.attempt {
            // Dropping the old ones aborts them.
            lanes = Lanes::new(ask.attempt, Arc::clone(&causes));
        }
        if ask.attempt == lanes.attempt {
            lanes.put(ask, &site, &events);
        } else {
            tracing::debug!(pbx = site.pbx.0, attempt = ask.attempt.0, "ask of an old attempt");
        }
    }
}

/// What to tell if a task of the exchange ended by a fault in the program. Somebody may wait for
/// its answer for ever; a failed Poll makes the engine begin again with everything new.
fn died(site: &Site, attempt: Attempt, ended: Result<(), JoinError>) -> Option<Event> {
    let error = ended.err().filter(JoinError::is_panic)?;
    tracing::error!(pbx = site.pbx.0, %error, "a task of the exchange died");
    let failed = PbxFact::Failed(Question::Poll, Failure::Broken);
    Some(Event::Pbx(site.pbx, attempt, failed))
}

/// The connections of one attempt: at most four to each address.
struct Lanes {
    attempt: Attempt,
    causes: Arc<Causes>,
    open: Vec<(Address, Purpose, mpsc::UnboundedSender<Ask>)>,
    tasks: JoinSet<()>,
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
}

impl Lanes {
    fn new(attempt: Attempt, causes: Arc<Causes>) -> Lanes {
        Lanes { attempt, causes, open: Vec::new(), tasks: JoinSet::new() }
    }

    fn put(&mut self, ask: Ask, site: &Arc<Site>, events: &mpsc::Sender<Vec<Event>>) {
        let purpose = match ask.request {
            Request::Poll { .. } => Purpose::Poll,
            Request::Order { order: Order::ShowUser { own: false, .. }, .. } => Purpose::Survey,
            Request::Order { ref order, .. } if is_administration(order) => Purpose::Administration,
            _ => Purpose::Control,
        };
        let key = (ask.address, purpose);
        let known = self.open.iter().find(|(address, purpose, _)| (*address, *purpose) == key);
        let sent = match known {
            Some((_, _, asks)) => asks.send(ask),
            None => {
                let (asks, received) = mpsc::unbounded_channel();
                let causes = Arc::clone(&self.causes);
                let lane = Lane::new(Arc::clone(site), self.attempt, ask.address, causes);
                self.tasks.spawn(lane.serve(received, events.clone()));
                let sent = asks.send(ask);
                self.open.push((key.0, key.1, asks));
                sent
            }
        };
        if sent.is_err() {
            // The lane ended because nobody takes events any more; nobody waits for this either.
            tracing::debug!(pbx = site.pbx.0, "ask of a runtime that ends");
        }
    }
}

fn connect(site: &Site, address: Address, causes: &Causes) -> Result<Connection, Failure> {
    let place = match address {
        Address::Master => Some(&site.master),
        Address::Standby => site.standby.as_ref(),
    };
    let place = place.ok_or(Failure::Unreachable)?;
    Connection::new(place, Arc::clone(&site.account), &site.tls).map_err(|error| {
        causes.tell(site.pbx, address, &error.to_string());
        Failure::Certificate
    })
}

/// One connection and the asks that go over it, one after the other.
struct Lane {
    site: Arc<Site>,
    attempt: Attempt,
    address: Address,
    causes: Arc<Causes>,
    connection: Result<Connection, Failure>,
    /// The interface of the session, known once it was asked for.
    interface: Interface,
}

impl Lane {
    fn new(site: Arc<Site>, attempt: Attempt, address: Address, causes: Arc<Causes>) -> Lane {
        let connection = connect(&site, address, &causes);
        Lane { site, attempt, address, causes, connection, interface: Interface::default() }
    }

    async fn serve(
        mut self,
        mut asks: mpsc::UnboundedReceiver<Ask>,
        events: mpsc::Sender<Vec<Event>>,
    ) {
        while let Some(ask) = asks.recv().await {
            let batch = self.carry_out(&ask.request).await;
            if events.send(batch).await.is_err() {
                return;
            }
        }
    }

    async fn carry_out(&mut self, request: &Request) -> Vec<Event> {
        if let Request::Initialize { interface, .. } | Request::UserInitialize { interface, .. } =
            request
        {
            self.interface = (*interface).into();
        }
        let operation = operation(request, self.interface);
        let begun = Instant::now();
        let mut outcome = self.post(&operation, request).await;
        if let Request::Order { order: order @ Order::SetNoAnswerTime { .. }, line, request: id } =
            request
        {
            let shown = outcome.and_then(|answer| {
                translation::read(&answer, |body| decode(operation.kind(), body))
            });
            match shown.map_err(Reply::Failed).and_then(|shown| second(order, shown)) {
                Ok(operation) => outcome = self.post(&operation, request).await,
                Err(reply) => return vec![Event::Reply(*line, *id, reply)],
            }
        }
        match request {
            Request::Poll { .. } => self.polled(outcome, begun.elapsed()),
            _ => {
                let (pbx, attempt) = (self.site.pbx, self.attempt);
                vec![translation::answered(pbx, attempt, request, operation.kind(), outcome)]
            }
        }
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
                Request::Poll { .. } => self.site.patience.poll,
                _ => self.site.patience.control,
            },
            repeat: repeat(request),
        };
        let outcome = connection.post(&post).await;
        if let (Err(_), Some(cause)) = (&outcome, connection.cause()) {
            self.causes.tell(self.site.pbx, self.address, cause);
        }
        outcome
    }

    /// The facts of a Poll, or the one that it failed.
    fn polled(&self, outcome: Result<HttpAnswer, Failure>, elapsed: Duration) -> Vec<Event> {
        let (facts, counted) = translation::polled(outcome, elapsed);
        if let Some(counted) = counted {
            self.causes.forget();
            if counted.skipped > 0 {
                let (pbx, records) = (self.site.pbx.0, counted.skipped);
                tracing::warn!(pbx, records, "records of a Poll could not be read");
            }
        }
        let fact = |fact| Event::Pbx(self.site.pbx, self.attempt, fact);
        facts.into_iter().map(fact).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::path::Path;

    const SETTINGS: &str = "account = \"a\"\npassword = \"p\"\nuser = \"TAPI\"\n\
        [[pbx]]\nmaster = \"one\"\n[[pbx]]\nmaster = \"two\"\nstandby = \"three:81\"\n";

    fn sites() -> Vec<Site> {
        let settings = Settings::parse(SETTINGS, Path::new("tapline.toml")).unwrap();
        Site::all(&settings).unwrap()
    }

    #[test]
    fn each_tree_of_the_settings_is_a_site_under_its_number() {
        let sites = sites();
        let shown: Vec<_> = sites
            .iter()
            .map(|site| (site.pbx.0, site.master.to_string(), site.standby.is_some()))
            .collect();
        let one = "http://one/PBX0/user.soap".to_owned();
        let two = "http://two/PBX0/user.soap".to_owned();
        assert_eq!(shown, [(0, one, false), (1, two, true)]);
        assert_eq!(sites[1].account.password.reveal(), "p");
    }

    #[tokio::test]
    async fn a_task_that_dies_is_told_to_the_engine_as_a_failed_poll() {
        let site = sites().remove(1);
        let mut tasks: JoinSet<()> = JoinSet::new();
        tasks.spawn(async { panic!("a fault in the program") });
        let ended = tasks.join_next().await.unwrap();
        let failed = PbxFact::Failed(Question::Poll, Failure::Broken);
        let expected = Event::Pbx(PbxId(1), Attempt(4), failed);
        assert_eq!(died(&site, Attempt(4), ended), Some(expected));
        assert_eq!(died(&site, Attempt(4), Ok(())), None);
    }
}
