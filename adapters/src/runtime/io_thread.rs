//! The io thread: the exchanges with the PBXs, and the timers.

use super::message::{Intake, PORTION};
use super::{Audience, StartError};
use crate::clock::{self, Clock};
#[cfg(feature = "feeding")]
use crate::exchange::feeding::FedPbx;
use crate::exchange::{Exchange, Manners};
use engine::effect::{Ask, Request};
use engine::fact::{Event, PbxFact, Question};
use engine::id::PbxId;
use engine::time::{Millis, Timer};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Answers of PBXs that may wait in front of the journal's queue.
const ANSWERS: usize = 16;

/// The PBXs of the settings, before anything is asked of them.
pub(crate) enum Pbxs {
    /// Reached over the network.
    Real(Manners),
    /// One that is fed by hand.
    #[cfg(feature = "feeding")]
    Fed(FedPbx),
}

impl Pbxs {
    fn start(self, on: Handle, answers: mpsc::Sender<Vec<Event>>) -> Exchanges {
        #[cfg_attr(not(feature = "feeding"), allow(unused_mut))]
        let mut open = BTreeMap::new();
        let manners = match self {
            Pbxs::Real(manners) => Some(manners),
            #[cfg(feature = "feeding")]
            Pbxs::Fed(pbx) => {
                open.insert(PbxId(0), pbx.start(&on, answers.clone()));
                None
            }
        };
        Exchanges { on, manners, answers, open }
    }
}

/// The exchanges with all PBXs that were ever asked something. The estate limits their number.
struct Exchanges {
    on: Handle,
    /// What a new one is made with, if there are to be new ones.
    manners: Option<Manners>,
    answers: mpsc::Sender<Vec<Event>>,
    open: BTreeMap<PbxId, Exchange>,
}

impl Exchanges {
    fn ask(&mut self, ask: Ask) {
        if let Some(exchange) = self.open.get(&ask.pbx) {
            return exchange.ask(ask);
        }
        if let Some(manners) = self.manners.clone() {
            let exchange = Exchange::start(&self.on, ask.pbx, manners, self.answers.clone());
            self.open.entry(ask.pbx).or_insert(exchange).ask(ask);
        }
    }
}

/// The way from the core to the io thread.
#[derive(Clone)]
pub(crate) struct Outlet {
    asks: mpsc::UnboundedSender<Vec<Ask>>,
    wishes: mpsc::UnboundedSender<Vec<(Millis, Timer)>>,
    /// `End` requests that have not been answered.
    endings: Arc<AtomicU32>,
}

impl Outlet {
    /// Takes the questions of a batch: waking the io thread costs more than what it is told.
    pub(crate) fn ask(&self, asks: Vec<Ask>) {
        if asks.is_empty() {
            return;
        }
        let ends = asks.iter().filter(|ask| matches!(ask.request, Request::End { .. })).count();
        self.endings.fetch_add(u32::try_from(ends).unwrap_or(0), Ordering::AcqRel);
        // The io thread ends only after the core thread.
        let _ = self.asks.send(asks);
    }

    /// Takes the timers that a batch wishes for.
    pub(crate) fn wake(&self, wishes: Vec<(Millis, Timer)>) {
        if !wishes.is_empty() {
            let _ = self.wishes.send(wishes);
        }
    }
}

/// The running thread.
pub(crate) struct IoThread {
    outlet: Outlet,
    thread: std::thread::JoinHandle<()>,
}

impl IoThread {
    /// `showing` is done beside all else, and ends with it: the metrics page.
    pub(crate) fn start(
        clock: Clock,
        pbxs: Pbxs,
        intake: mpsc::Sender<Intake>,
        audience: Arc<dyn Audience>,
        showing: impl Future<Output = ()> + Send + 'static,
    ) -> Result<IoThread, StartError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (asks, questions) = mpsc::unbounded_channel();
        let (wishes, wished) = mpsc::unbounded_channel();
        let endings = Arc::new(AtomicU32::new(0));
        let outlet = Outlet { asks, wishes, endings: Arc::clone(&endings) };
        let thread = std::thread::Builder::new().name("tapline-io".into()).spawn(move || {
            let handle = runtime.handle().clone();
            runtime.block_on(async move {
                let (answers, answered) = mpsc::channel(ANSWERS);
                let mut exchanges = pbxs.start(handle.clone(), answers);
                handle.spawn(forward(answered, intake.clone(), endings));
                handle.spawn(showing);
                let listening = Arc::clone(&audience);
                handle.spawn(clock::keep_timers(clock, wished, move |timer| {
                    remind(timer, intake.clone(), Arc::clone(&listening))
                }));
                distribute(questions, &*audience, |ask| exchanges.ask(ask)).await;
            });
            // A name look-up that hangs must not hold up the end of the provider.
            runtime.shutdown_timeout(Duration::from_millis(100));
        })?;
        Ok(IoThread { outlet, thread })
    }

    pub(crate) fn outlet(&self) -> Outlet {
        self.outlet.clone()
    }

    /// Waits until every `End` has been answered, or the deadline.
    pub(crate) fn end_sessions(&self, deadline: Instant) {
        while self.outlet.endings.load(Ordering::Acquire) > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    /// Lets the thread end as soon as the core thread has.
    pub(crate) fn into_handle(self) -> std::thread::JoinHandle<()> {
        self.thread
    }
}

/// Brings a timer that came due to the journal. A ring only tells something, so it waits while the
/// audience is behind; there is one for each call at most.
async fn remind(timer: Timer, intake: mpsc::Sender<Intake>, audience: Arc<dyn Audience>) {
    let due = Intake::Event(Event::Due(timer));
    if !matches!(timer, Timer::Ring(..)) || !audience.is_behind() {
        return send(&intake, due).await;
    }
    // The journal ends when nobody can send to it any more, so this must not keep it from ending.
    let intake = intake.downgrade();
    tokio::spawn(async move {
        while audience.is_behind() {
            tokio::time::sleep(HOLD).await;
        }
        if let Some(intake) = intake.upgrade() {
            send(&intake, due).await;
        }
    });
}

/// How long something is held back before the audience is looked at again.
const HOLD: Duration = Duration::from_millis(20);

/// Hands each question to the exchange with its PBX. While the audience is behind, Polls wait here,
/// and what happens waits at the PBX; everything else is asked at once, so that requests of
/// applications and the end of a session are not held up. Ends when the core does.
async fn distribute(
    mut questions: mpsc::UnboundedReceiver<Vec<Ask>>,
    audience: &dyn Audience,
    mut ask: impl FnMut(Ask),
) {
    // At most one for each session: the next one is asked for when this one has been answered.
    let mut held: Vec<Ask> = Vec::new();
    loop {
        let asks = if held.is_empty() {
            questions.recv().await
        } else {
            let next = tokio::time::timeout(HOLD, questions.recv()).await;
            next.unwrap_or_else(|_| Some(Vec::new()))
        };
        let Some(asks) = asks else { return };
        for question in asks {
            match question.request {
                Request::Poll { .. } => held.push(question),
                _ => {
                    if ends_polling(&question.request) {
                        held.retain(|poll| {
                            (poll.pbx, poll.attempt) != (question.pbx, question.attempt)
                        });
                    }
                    ask(question);
                }
            }
        }
        if !audience.is_behind() {
            held.drain(..).for_each(&mut ask);
        }
    }
}

/// Whether a question means that the session before it is not polled any more.
fn ends_polling(request: &Request) -> bool {
    matches!(request, Request::End { .. } | Request::Leave)
}

/// Brings answers to the journal, whole, so that one answer is in one frame if it fits in. While
/// its queue is full they wait here, and then in the exchange, and then at the PBX.
async fn forward(
    mut answered: mpsc::Receiver<Vec<Event>>,
    intake: mpsc::Sender<Intake>,
    endings: Arc<AtomicU32>,
) {
    while let Some(mut events) = answered.recv().await {
        let at = Instant::now();
        let ended = events.iter().filter(|event| is_end(event)).count();
        while events.len() > PORTION {
            let rest = events.split_off(PORTION);
            send(&intake, Intake::Events(std::mem::replace(&mut events, rest), at)).await;
        }
        send(&intake, Intake::Events(events, at)).await;
        endings.fetch_sub(u32::try_from(ended).unwrap_or(0), Ordering::AcqRel);
    }
}

fn is_end(event: &Event) -> bool {
    matches!(event, Event::Pbx(_, _, PbxFact::Ended | PbxFact::Failed(Question::End, _)))
}

async fn send(intake: &mpsc::Sender<Intake>, what: Intake) {
    // The journal ends before the io thread does; what comes after is for nobody.
    let _ = intake.send(what).await;
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::runtime::Caused;
    use engine::id::Attempt;
    use std::sync::atomic::AtomicBool;

    #[derive(Default)]
    struct Slow(AtomicBool);

    impl Audience for Slow {
        fn hear(&self, _batch: Vec<Caused>) {}

        fn is_behind(&self) -> bool {
            self.0.load(Ordering::SeqCst)
        }
    }

    fn question(pbx: u16, request: Request) -> Ask {
        Ask { pbx: PbxId(pbx), attempt: Attempt(1), place: Arc::default(), request }
    }

    #[tokio::test]
    async fn polls_wait_for_an_audience_that_is_behind_and_nothing_else_does() {
        let audience = Arc::new(Slow(AtomicBool::new(true)));
        let (asks, questions) = mpsc::unbounded_channel();
        let (asked, mut heard) = mpsc::unbounded_channel();
        let listening = Arc::clone(&audience);
        let work = tokio::spawn(async move {
            distribute(questions, &*listening, |ask| asked.send(ask.request).unwrap()).await;
        });
        let poll = |session| Request::Poll { session };
        let end = Request::End { session: 1 };
        asks.send(vec![question(0, poll(1)), question(1, poll(2)), question(0, end.clone())])
            .unwrap();
        assert_eq!(heard.recv().await, Some(end), "the end of a session does not wait");
        let echo = Request::Echo { session: 2 };
        asks.send(vec![question(1, echo.clone())]).unwrap();
        assert_eq!(heard.recv().await, Some(echo), "nothing but Polls waits");
        audience.0.store(false, Ordering::SeqCst);
        assert_eq!(heard.recv().await, Some(poll(2)), "the ended session is not polled");
        asks.send(vec![question(0, poll(3))]).unwrap();
        assert_eq!(heard.recv().await, Some(poll(3)));
        drop(asks);
        work.await.unwrap();
        assert_eq!(heard.recv().await, None);
    }

    #[tokio::test]
    async fn rings_wait_for_an_audience_that_is_behind_and_deadlines_do_not() {
        use engine::id::{CallId, LineId, RequestId, Ticket};
        let audience: Arc<Slow> = Arc::new(Slow(AtomicBool::new(true)));
        let (intake, mut journal) = mpsc::channel(4);
        let ring = Timer::Ring(CallId { line: LineId(1), serial: 1 }, 3);
        let deadline = Timer::Deadline(LineId(1), Ticket { request: RequestId(7), turn: 1 });
        let listening: Arc<dyn Audience> = Arc::<Slow>::clone(&audience);
        remind(ring, intake.clone(), Arc::clone(&listening)).await;
        remind(deadline, intake.clone(), listening).await;
        let mut due = async || match journal.recv().await {
            Some(Intake::Event(Event::Due(timer))) => timer,
            _ => panic!("no timer"),
        };
        assert_eq!(due().await, deadline);
        audience.0.store(false, Ordering::SeqCst);
        assert_eq!(due().await, ring);
    }
}
