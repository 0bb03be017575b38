//! A PBX without a wire, for measurements: answers to Polls are put in by hand, as bytes, and go
//! the way that they go in an [`Exchange`]. What is asked of it is granted or left unanswered.

use super::Exchange;
use crate::soap::decode_poll;
use engine::diversion::UserRecord;
use engine::effect::{Ask, Order, Request};
use engine::fact::{Event, Failure, Identification, PbxFact, Question, Reply};
use engine::id::{Attempt, PbxId};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Where the answers are put in. They are not waited for by a Poll: the PBX that is played here is
/// always ahead of its reader. While the provider is busy, putting in waits.
#[derive(Clone, Debug)]
pub struct Feed(mpsc::Sender<Portion>);

/// The other end, to be started in place of an exchange.
#[derive(Debug)]
pub struct FedPbx(mpsc::Receiver<Portion>);

#[derive(Debug)]
enum Portion {
    /// An answer to Poll, as it comes from the wire.
    Answer(Arc<[u8]>),
    /// Facts that other operations bring.
    Facts(Vec<PbxFact>),
}

/// Portions that may wait: so few that they are not the queue that is measured.
const WAITING: usize = 4;

/// A PBX to be fed.
#[must_use]
pub fn feed() -> (Feed, FedPbx) {
    let (give, take) = mpsc::channel(WAITING);
    (Feed(give), FedPbx(take))
}

impl Feed {
    /// Puts in the body of an answer to Poll. False if the provider has ended.
    pub fn answer(&self, body: Arc<[u8]>) -> bool {
        self.0.blocking_send(Portion::Answer(body)).is_ok()
    }

    /// Puts in facts. False if the provider has ended.
    pub fn facts(&self, facts: Vec<PbxFact>) -> bool {
        self.0.blocking_send(Portion::Facts(facts)).is_ok()
    }
}

impl FedPbx {
    /// Starts it as the first PBX of the settings.
    pub(crate) fn start(self, on: &Handle, events: mpsc::Sender<Vec<Event>>) -> Exchange {
        let (asks, received) = mpsc::unbounded_channel();
        on.spawn(serve(received, self.0, events));
        Exchange { asks }
    }
}

async fn serve(
    mut asks: mpsc::UnboundedReceiver<Ask>,
    mut portions: mpsc::Receiver<Portion>,
    events: mpsc::Sender<Vec<Event>>,
) {
    let mut attempt = Attempt(0);
    let mut has_session = false;
    loop {
        let batch: Vec<Event> = tokio::select! {
            biased;
            ask = asks.recv() => match ask {
                Some(ask) => {
                    attempt = ask.attempt;
                    has_session |= matches!(ask.request, Request::Initialize { .. });
                    Vec::from_iter(granted(attempt, &ask.request))
                }
                None => return,
            },
            Some(portion) = portions.recv(), if has_session => match portion {
                Portion::Answer(body) => said(attempt, polled(&body)).collect(),
                Portion::Facts(facts) => said(attempt, facts).collect(),
            },
        };
        if !batch.is_empty() && events.send(batch).await.is_err() {
            return;
        }
    }
}

fn said(attempt: Attempt, facts: Vec<PbxFact>) -> impl Iterator<Item = Event> {
    facts.into_iter().map(move |fact| Event::Pbx(PbxId(0), attempt, fact))
}

/// What a PBX that knows us answers at once. Users are granted by [`Feed::facts`], and forward
/// nothing.
fn granted(attempt: Attempt, request: &Request) -> Option<Event> {
    let fact = match request {
        Request::Version => PbxFact::Identified(Identification {
            system: "Fed".into(),
            location: "fed".into(),
            ..Identification::default()
        }),
        Request::Initialize { .. } => PbxFact::Initialized { session: 1, place: Arc::default() },
        Request::Echo { .. } => PbxFact::Echoed(true),
        Request::End { .. } => PbxFact::Ended,
        Request::Order { line, ticket, order: Order::ShowUser { .. }, .. } => {
            let record = Reply::Record(UserRecord::default());
            return Some(Event::Reply(*line, *ticket, record));
        }
        _ => return None,
    };
    Some(Event::Pbx(PbxId(0), attempt, fact))
}

fn polled(body: &[u8]) -> Vec<PbxFact> {
    let mut facts = Vec::new();
    let ended = match decode_poll(body, &mut facts) {
        Ok(count) => PbxFact::Polled { count: count.users + count.calls, elapsed_ms: 0 },
        Err(error) => PbxFact::Failed(Question::Poll, Failure::Garbled(error.to_string().into())),
    };
    facts.push(ended);
    facts
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use engine::id::{Correlation, LineId, Ticket};

    #[tokio::test]
    async fn a_line_is_told_that_it_forwards_nothing() {
        let (_feed, pbx) = feed();
        let (events, mut heard) = mpsc::channel(4);
        let exchange = pbx.start(&Handle::current(), events);
        let (line, ticket) = (LineId(3), Ticket::question(7));
        let order = Order::ShowUser { cn: "Anna".into(), own: false };
        let correlation = Correlation::new(line, ticket);
        let request = Request::Order { line, ticket, correlation, order };
        let (pbx, attempt, place) = (PbxId(0), Attempt(1), Arc::default());
        exchange.ask(Ask { pbx, attempt, place, request });
        let record = Reply::Record(UserRecord::default());
        assert_eq!(heard.recv().await.unwrap(), [Event::Reply(line, ticket, record)]);
    }
}
