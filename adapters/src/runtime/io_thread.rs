//! The io thread: the exchanges with the PBXs, and the timers.

use super::StartError;
use super::message::{Intake, PORTION};
use crate::clock::{self, Clock};
#[cfg(feature = "feeding")]
use crate::exchange::feeding::FedPbx;
use crate::exchange::{Exchange, Patience, Site};
use crate::settings::Settings;
use engine::effect::{Ask, Request};
use engine::fact::{Event, PbxFact, Question};
use engine::time::{Millis, Timer};
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
    Real(Vec<Site>),
    /// One that is fed by hand.
    #[cfg(feature = "feeding")]
    Fed(FedPbx),
}

impl Pbxs {
    pub(crate) fn of(settings: &Settings) -> Result<Pbxs, StartError> {
        let sites = Site::all(settings).map_err(|e| StartError::Unusable(e.to_string()))?;
        Ok(Pbxs::Real(sites))
    }

    pub(crate) fn set_patience(&mut self, patience: Patience) {
        match self {
            Pbxs::Real(sites) => sites.iter_mut().for_each(|site| site.patience = patience),
            #[cfg(feature = "feeding")]
            Pbxs::Fed(_) => {}
        }
    }

    #[allow(clippy::needless_pass_by_value)] // the last sender must not be left over
    fn start(self, on: &Handle, answers: mpsc::Sender<Vec<Event>>) -> Vec<Exchange> {
        match self {
            Pbxs::Real(sites) => {
                sites.into_iter().map(|site| Exchange::start(on, site, answers.clone())).collect()
            }
            #[cfg(feature = "feeding")]
            Pbxs::Fed(pbx) => vec![pbx.start(on, answers)],
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
    pub(crate) fn start(
        clock: Clock,
        pbxs: Pbxs,
        intake: mpsc::Sender<Intake>,
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
                let exchanges = pbxs.start(&handle, answers);
                handle.spawn(forward(answered, intake.clone(), endings));
                handle.spawn(clock::keep_timers(clock, wished, move |timer| {
                    let intake = intake.clone();
                    async move { send(&intake, Intake::Event(Event::Due(timer))).await }
                }));
                distribute(questions, &exchanges).await;
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

/// Hands each question to the exchange with its PBX. Ends when the core does.
async fn distribute(mut questions: mpsc::UnboundedReceiver<Vec<Ask>>, exchanges: &[Exchange]) {
    while let Some(asks) = questions.recv().await {
        for ask in asks {
            if let Some(exchange) = exchanges.get(usize::from(ask.pbx.0)) {
                exchange.ask(ask);
            }
        }
    }
}

/// Brings answers to the journal, whole, so that one answer is in one frame if it fits in. While
/// its queue is full they wait here, and then in the exchange, and then at the PBX.
async fn forward(
    mut answered: mpsc::Receiver<Vec<Event>>,
    intake: mpsc::Sender<Intake>,
    endings: Arc<AtomicU32>,
) {
    while let Some(mut events) = answered.recv().await {
        let ended = events.iter().filter(|event| is_end(event)).count();
        while events.len() > PORTION {
            let rest = events.split_off(PORTION);
            send(&intake, Intake::Events(std::mem::replace(&mut events, rest))).await;
        }
        send(&intake, Intake::Events(events)).await;
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
