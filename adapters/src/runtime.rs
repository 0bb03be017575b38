//! The provider at work.
//!
//! ```text
//!  PBX ⇄ io thread ──events──┐                      ┌── callbacks → audience (the sink)
//!  host, applications ───────┤→ journal thread ──→ core thread
//!  timers (io thread) ───────┘   stamp, frame,      └── questions, timers → io thread
//!                                flush
//! ```
//! Everything that can influence a line goes through the one queue in front of the journal thread,
//! which is bounded: it holds back the Polls of the PBXs (the PBX queues) and refuses requests of
//! applications ([`Busy`]). The way back, from the core to the io thread and to the audience, is
//! not bounded, or a full circle could stand still; what travels there is a few effects for each
//! record that was let in. An audience that falls behind holds back the Polls in its turn.

mod capture_thread;
mod core_thread;
mod gate;
mod io_thread;
mod journal_thread;
mod message;
mod reports;
mod requests;
mod settings_thread;
mod showing;

use crate::clock::Clock;
use crate::diary;
use crate::exchange::{Manner, Manners, Patience};
use crate::journal::{Journal, OpenError};
use crate::metrics::{self, Metrics, Page, Queue};
use crate::settings::{Captures, Settings, SettingsError};
use crate::views::Views;
use capture_thread::{CaptureThread, Inlet};
use core_thread::CoreThread;
use engine::core::Core;
use engine::effect::{Effects, Telling};
use engine::fact::{Event, HostFact, Told};
use engine::line::{Line, LineInput};
use engine::snapshot::Place;
use engine::time::Millis;
use engine::view::LineView;
use gate::Gate;
use io_thread::{IoThread, Pbxs};
use journal_thread::JournalThread;
use message::{Intake, QUEUE};
use settings_thread::{InForce, SettingsThread};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

/// A callback with the record that caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caused {
    /// Sequence number of the record.
    pub seq: u64,
    /// What to tell.
    pub telling: Telling,
}

/// Whoever makes the callbacks. `hear` is called by the core thread, in the order of the log, and
/// must not block: it queues. Views published before are at least as new as the tellings (I-07).
pub trait Audience: Send + Sync + 'static {
    /// Takes the callbacks of a committed batch.
    fn hear(&self, batch: Vec<Caused>);

    /// Whether so much waits to be told that no more should be caused for the time being (I-24).
    /// Then the PBXs are not polled, so that what happens waits there.
    fn is_behind(&self) -> bool {
        false
    }

    /// What waits to be told, for those who watch over it.
    fn waiting(&self) -> Waiting {
        Waiting::default()
    }
}

/// What waits to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Callbacks that wait now.
    pub now: usize,
    /// With so many of them the audience is behind.
    pub most: usize,
}

/// A log that was opened and read, before anything runs: what `TSPI_providerEnumDevices` needs.
pub struct Prepared {
    /// The file that the settings came from, if they came from one.
    path: Option<PathBuf>,
    settings: Settings,
    patience: Patience,
    journal: Journal,
    core: Core,
    next_seq: u64,
    last_at: Millis,
    metrics: Arc<Metrics>,
}

impl Prepared {
    /// Reads the settings, opens the log and recovers the lines from it. Once started, the provider
    /// follows that file: what changes in it comes into force.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn open(settings: &Path) -> Result<Prepared, StartError> {
        let read = Settings::read(settings);
        if read.is_err() {
            // Whoever looks for the reason has no settings to say where.
            diary::write_to(&Settings::default_log());
        }
        Ok(Prepared { path: Some(settings.to_owned()), ..Prepared::with_settings(read?)? })
    }

    /// The same with settings already read, which stay as they are.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn with_settings(settings: Settings) -> Result<Prepared, StartError> {
        diary::write_to(&settings.log);
        diary::say_up_to(settings.level);
        let (mut journal, recovered) =
            Journal::open(&settings.log, settings.durability, IN_USE_PATIENCE)?;
        journal.retain(settings.retention);
        Ok(Prepared {
            path: None,
            settings,
            patience: Patience::default(),
            journal,
            core: recovered.core,
            next_seq: recovered.next_seq,
            last_at: recovered.last_at,
            metrics: Arc::default(),
        })
    }

    /// Waits for answers of PBXs for other times than usual, which tests have not got.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Prepared {
        self.patience = patience;
        self
    }

    /// The lines known from earlier sessions, by permanent id.
    #[must_use]
    pub fn lines(&self) -> Vec<Arc<LineView>> {
        self.core.lines().map(Line::view).filter(|view| !view.removed).map(Arc::new).collect()
    }

    /// Starts the threads. Does not wait for any PBX.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(mut self, audience: Arc<dyn Audience>) -> Result<Runtime, StartError> {
        let mut manner =
            Manner::of(&self.settings).map_err(|error| StartError::Unusable(error.to_string()))?;
        manner.patience = self.patience;
        manner.metrics = Arc::clone(&self.metrics);
        let capturing = self.begin_capture()?;
        if let (Some(capturing), Some(Captures { raw: true, .. })) =
            (&capturing, &self.settings.captures)
        {
            let inlet = Arc::clone(&capturing.inlet);
            manner.witness = Some(Arc::new(move |message| inlet.raw(&message)));
        }
        let (change, manners) = Manners::new(manner);
        let path = self.path.clone();
        let (listen, wanted) = watch::channel(self.settings.metrics);
        let in_force = InForce::new(self.settings.clone(), change, listen);
        let mut runtime = self.start_with(Pbxs::Real(manners), capturing, audience, wanted)?;
        if let Some(path) = path {
            let thread = SettingsThread::start(
                path,
                in_force,
                runtime.intake.clone(),
                Arc::clone(&runtime.page),
            )?;
            runtime.settings = Some(thread);
        }
        Ok(runtime)
    }

    /// The same with a PBX that is fed by hand in place of those in the settings.
    ///
    /// # Errors
    /// See [`StartError`].
    #[cfg(feature = "feeding")]
    pub fn start_fed(
        mut self,
        pbx: crate::exchange::feeding::FedPbx,
        audience: Arc<dyn Audience>,
    ) -> Result<Runtime, StartError> {
        let capturing = self.begin_capture()?;
        let (_, wanted) = watch::channel(self.settings.metrics);
        self.start_with(Pbxs::Fed(pbx), capturing, audience, wanted)
    }

    /// Begins to write captures, if the settings say so.
    fn begin_capture(&mut self) -> Result<Option<Capturing>, StartError> {
        let Some(captures) = self.settings.captures.clone() else { return Ok(None) };
        let place = Place { next: self.next_seq, last_at: self.last_at };
        let (inlet, thread) =
            CaptureThread::start(captures, place, self.core.clone(), Arc::clone(&self.metrics))?;
        let inlet = Arc::new(inlet);
        let listening = Arc::clone(&inlet);
        self.journal.listen(move |frames| listening.frames(frames));
        Ok(Some(Capturing { inlet, thread }))
    }

    fn start_with(
        self,
        pbxs: Pbxs,
        capturing: Option<Capturing>,
        audience: Arc<dyn Audience>,
        listen: watch::Receiver<Option<SocketAddr>>,
    ) -> Result<Runtime, StartError> {
        let (inlet, capture) = capturing.map(|c| (c.inlet, c.thread)).unzip();
        let Prepared { settings, journal, core, next_seq, last_at, metrics, .. } = self;
        let clock = Clock::after(last_at);
        let views = Arc::new(Views::default());
        publish_as_found(&core, last_at, &views);
        let (intake, queue) = mpsc::channel(QUEUE);
        let queues = queues(&intake, &audience);
        let page = Arc::new(Page::new(Arc::clone(&metrics), Arc::clone(&views), queues));
        let (shown, metrics_at) = watch::channel(None);
        let showing = metrics::serve(Arc::clone(&page), listen, shown);
        let io = IoThread::start(clock, pbxs, intake.clone(), Arc::clone(&audience), showing)?;
        let outlet = io.outlet();
        let gate = Gate::new(Arc::clone(&views), audience, outlet, Arc::clone(&metrics));
        let gate = Arc::new(gate);
        let core = CoreThread::start(core, Arc::clone(&gate), intake.clone())?;
        let journal = JournalThread::start(
            journal,
            next_seq,
            last_at,
            clock,
            queue,
            core.inlet(),
            gate,
            inlet,
            Arc::clone(&metrics),
        )?;
        let stopping = AtomicBool::new(false);
        let settings_thread = None;
        let runtime = Runtime {
            views,
            metrics,
            page,
            metrics_at,
            intake,
            io,
            core,
            journal,
            capture,
            stopping,
            settings: settings_thread,
        };
        runtime.note(Event::Host(HostFact::Started));
        runtime.note(Event::Host(HostFact::Configured(settings.configuration())));
        Ok(runtime)
    }
}

/// What may have to wait, for the metrics page. Whoever looks must not keep a queue open.
fn queues(intake: &mpsc::Sender<Intake>, audience: &Arc<dyn Audience>) -> Vec<Queue> {
    let (intake, audience) = (intake.downgrade(), Arc::clone(audience));
    let waiting = move || {
        let intake = intake.upgrade();
        intake.map_or(0, |intake| (intake.max_capacity() - intake.capacity()) as u64)
    };
    let log = Queue { name: "log", most: QUEUE as u64, waiting: Box::new(waiting) };
    let most = audience.waiting().most as u64;
    let waiting = move || audience.waiting().now as u64;
    vec![log, Queue { name: "callbacks", most, waiting: Box::new(waiting) }]
}

/// Captures that are being written.
struct Capturing {
    inlet: Arc<Inlet>,
    thread: CaptureThread,
}

/// How long to wait for another process to let go of the log. `TSPI_providerInit` must return
/// within a second.
const IN_USE_PATIENCE: Duration = Duration::from_millis(600);

/// Lines of earlier sessions are asked for as soon as the provider has started, which may be before
/// the core thread has published anything. In this session they have no calls and no PBX yet.
fn publish_as_found(core: &Core, at: Millis, views: &Views) {
    let mut effects = Effects::new();
    for line in core.lines() {
        let mut line = line.clone();
        line.apply(at, LineInput::Started, &mut effects);
        views.publish(line.id(), Arc::new(line.view()));
    }
}

/// Most notes about callbacks in one record, which keeps it far below what a frame can hold.
const TOLD_IN_A_RECORD: usize = 256;

/// Why the provider cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings are wrong; says the file, the line and the key.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The log cannot be used; says why and what to do.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// The settings name something else that cannot be used, such as a certificate.
    #[error("{0}")]
    Unusable(String),
    /// The system gives no more threads.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// The queue of the journal is full: the request cannot be taken now (LINEERR_RESOURCEUNAVAIL).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much is waiting to be logged; try again later")]
pub struct Busy;

/// The running provider.
pub struct Runtime {
    views: Arc<Views>,
    metrics: Arc<Metrics>,
    page: Arc<Page>,
    metrics_at: watch::Receiver<Option<SocketAddr>>,
    intake: mpsc::Sender<Intake>,
    io: IoThread,
    core: CoreThread,
    journal: JournalThread,
    capture: Option<CaptureThread>,
    stopping: AtomicBool,
    settings: Option<SettingsThread>,
}

impl Runtime {
    /// What applications may read.
    #[must_use]
    pub fn views(&self) -> &Arc<Views> {
        &self.views
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// The metrics page as it is now.
    #[must_use]
    pub fn metrics_page(&self) -> Arc<str> {
        self.page.read()
    }

    /// Where the metrics page is shown now, if it is.
    #[must_use]
    pub fn metrics_at(&self) -> Option<SocketAddr> {
        *self.metrics_at.borrow()
    }

    /// Puts an event from the host or an application in line for the log.
    ///
    /// # Errors
    /// [`Busy`] if an application's request finds the queue full. Facts of the host wait instead:
    /// they must not get lost, and nothing that the host does can hold up the queue.
    pub fn submit(&self, event: Event) -> Result<(), Busy> {
        if matches!(event, Event::App(..)) {
            self.intake.try_send(Intake::Event(event)).map_err(|_| Busy)
        } else {
            self.note(event);
            Ok(())
        }
    }

    /// Notes for the log what became of callbacks; written along with the next frame.
    pub fn told(&self, told: &[Told]) {
        self.metrics.told(told);
        told.chunks(TOLD_IN_A_RECORD).for_each(|told| self.note(Event::Told(told.to_vec())));
    }

    /// Completes what is open, ends the PBX sessions, writes a snapshot and stops all threads.
    /// Returns when all of them have ended, or when the time is over.
    pub fn stop(self, within: Duration) {
        let deadline = Instant::now() + within;
        // First, or settings could come into force after the end.
        if let Some(settings) = &self.settings {
            settings.close();
        }
        self.note(Event::Host(HostFact::Stopping));
        self.settle(deadline);
        // A PBX that does not answer must cost neither the snapshot nor the end of the threads.
        self.io.end_sessions(deadline.min(Instant::now() + within / 2));
        self.settle(deadline);
        self.note_intake(Intake::Snapshot);
        self.settle(deadline);
        self.note_intake(Intake::Stop);
        let Runtime { intake, io, core, journal, capture, settings, .. } = self;
        drop(intake);
        let threads = [journal.into_handle(), core.into_handle(), io.into_handle()];
        let settings = settings.map(SettingsThread::into_handle);
        let capture = capture.map(CaptureThread::into_handle);
        for thread in threads.into_iter().chain(settings).chain(capture) {
            join_until(thread, deadline);
        }
    }

    /// Waits until everything submitted before has been committed and applied, and its callbacks
    /// have been handed to the audience; or until the deadline.
    pub fn settle(&self, deadline: Instant) {
        let (done, arrived) = oneshot::channel();
        self.note_intake(Intake::Barrier(done));
        let patience = deadline.saturating_duration_since(Instant::now());
        wait_for(arrived, patience);
    }

    fn note(&self, event: Event) {
        self.note_intake(Intake::Event(event));
    }

    fn note_intake(&self, intake: Intake) {
        // The journal thread ends only by `stop`, after which nobody can call this.
        if self.intake.blocking_send(intake).is_err() && !self.stopping.load(Ordering::Relaxed) {
            tracing::error!("the journal thread is gone");
        }
    }
}

/// Waits for a oneshot from a thread without a runtime.
fn wait_for(arrived: oneshot::Receiver<()>, patience: Duration) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
        return;
    };
    runtime.block_on(async {
        // Both ends of a barrier mean the same to the one who waits.
        let _ = tokio::time::timeout(patience, arrived).await;
    });
}

/// Joins a thread, but does not hang on it: a telephony service that cannot stop is a known plague.
fn join_until(thread: std::thread::JoinHandle<()>, deadline: Instant) {
    let mut pause = Duration::from_micros(50);
    while !thread.is_finished() {
        if Instant::now() >= deadline {
            tracing::error!("a thread did not end in time and is left behind");
            return;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
    }
    if thread.join().is_err() {
        tracing::error!("a thread ended in a panic; please report");
    }
}
