//! The io thread: the exchanges with the PBXs, and the timers.

use super::StartError;
use super::journal_thread::Intake;
use crate::clock::{self, Clock};
use crate::exchange::{Exchange, Patience, Site};
use crate::http::Tls;
use crate::settings::Settings;
use engine::effect::{Ask, Request};
use engine::fact::{Event, PbxFact, Question};
use engine::id::PbxId;
use engine::time::{Millis, Timer};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Answers of PBXs that may wait in front of the journal's queue.
const ANSWERS: usize = 16;

/// The way from the core to the io thread.
#[derive(Clone)]
pub(crate) struct Outlet {
    asks: mpsc::UnboundedSender<Ask>,
    wishes: mpsc::UnboundedSender<(Millis, Timer)>,
    /// `End` requests that have not been answered.
    endings: Arc<AtomicU32>,
}

impl Outlet {
    pub(crate) fn ask(&self, ask: Ask) {
        if matches!(ask.request, Request::End { .. }) {
            self.endings.fetch_add(1, Ordering::AcqRel);
        }
        // The io thread ends only after the core thread.
        let _ = self.asks.send(ask);
    }

    pub(crate) fn wake(&self, at: Millis, timer: Timer) {
        let _ = self.wishes.send((at, timer));
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
        settings: &Settings,
        intake: mpsc::Sender<Intake>,
    ) -> Result<IoThread, StartError> {
        let tls = Tls::new(&settings.trust).map_err(|e| StartError::Unusable(e.to_string()))?;
        let sites = sites(settings, &tls);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (asks, questions) = mpsc::unbounded_channel();
        let (wishes, wished) = mpsc::unbounded_channel();
        let endings = Arc::new(AtomicU32::new(0));
        let outlet = Outlet { asks, wishes, endings: Arc::clone(&endings) };
        let thread = std::thread::Builder::new().name("tapline-io".into()).spawn(move || {
            let handle = runtime.handle().clone();
            runtime.block_on(async move {
                let (answers, answered) = mpsc::channel(ANSWERS);
                let exchanges =
                    sites.into_iter().map(|site| Exchange::start(&handle, site, answers.clone()));
                let exchanges: Vec<Exchange> = exchanges.collect();
                handle.spawn(forward(answered, intake.clone(), endings));
                handle.spawn(clock::keep_timers(clock, wished, move |timer| {
                    let intake = intake.clone();
                    async move { put(&intake, Event::Due(timer)).await }
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

fn sites(settings: &Settings, tls: &Tls) -> Vec<Site> {
    let site = |(id, tree): (u16, &crate::settings::Tree)| Site {
        pbx: PbxId(id),
        master: tree.master.clone(),
        standby: tree.standby.clone(),
        account: Arc::clone(&settings.account),
        tls: tls.clone(),
        patience: Patience::default(),
    };
    (0..).zip(&settings.pbxs).map(site).collect()
}

/// Hands each question to the exchange with its PBX. Ends when the core does.
async fn distribute(mut questions: mpsc::UnboundedReceiver<Ask>, exchanges: &[Exchange]) {
    while let Some(ask) = questions.recv().await {
        if let Some(exchange) = exchanges.get(usize::from(ask.pbx.0)) {
            exchange.ask(ask);
        }
    }
}

/// Brings answers to the journal. While its queue is full they wait here, and then in the
/// exchange, and then at the PBX.
async fn forward(
    mut answered: mpsc::Receiver<Vec<Event>>,
    intake: mpsc::Sender<Intake>,
    endings: Arc<AtomicU32>,
) {
    while let Some(events) = answered.recv().await {
        for event in events {
            let ended = matches!(
                event,
                Event::Pbx(_, _, PbxFact::Ended | PbxFact::Failed(Question::End, _))
            );
            put(&intake, event).await;
            if ended {
                endings.fetch_sub(1, Ordering::AcqRel);
            }
        }
    }
}

async fn put(intake: &mpsc::Sender<Intake>, event: Event) {
    // The journal ends before the io thread does; what comes after is for nobody.
    let _ = intake.send(Intake::Event(event)).await;
}
