//! One session of the telephony server, from `TSPI_providerInit` to `TSPI_providerShutdown`.
//!
//! What synchronous functions read (views, handles) is reached without a lock. What has to happen
//! in one piece (open and close, a request and its place in the log, who may be called back) is
//! written in one book under one lock, which is never held while the host is called.

mod asking;
mod book;
mod closing;
mod devices;
mod entry;
mod making;
mod opening;
mod speaking;
mod telling;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod testing;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub(crate) use devices::Devices;
pub(crate) use entry::{KnownCall, OpenedLine};

use crate::abi::{AsyncCompletion, HDrvCall, HDrvLine, HProvider, LineEvent};
use crate::inbox::Inbox;
use crate::intake::Intake;
use crate::registry::Table;
use adapters::metrics::Metrics;
use adapters::runtime::Busy;
use adapters::views::Views;
use book::Book;
use engine::fact::Event;
use engine::id::LineId;
use engine::tapi::LineErr;
use engine::view::{Counts, LineView};
use making::Making;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;

/// A running session.
pub(crate) struct Session {
    views: Arc<Views>,
    metrics: Arc<Metrics>,
    lines: Table<OpenedLine>,
    calls: Table<KnownCall>,
    making: Making,
    devices: Devices,
    server: Server,
    /// None once the session is ending.
    intake: RwLock<Option<Box<dyn Intake>>>,
    inbox: Arc<Inbox>,
    book: Mutex<Book>,
    /// Rung when a callback has returned and someone waits for that.
    calm: Condvar,
    sink: Mutex<Option<JoinHandle<()>>>,
}

/// The telephony server's procedures that belong to no line, and its name for us.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server {
    /// Takes completions.
    pub(crate) completion: AsyncCompletion,
    /// Takes LINE_CREATE and LINE_REMOVE; absent if lines were never enumerated.
    pub(crate) create: Option<LineEvent>,
    /// First parameter of LINE_CREATE.
    pub(crate) provider: HProvider,
}

/// What a session is made of.
pub(crate) struct Parts {
    pub(crate) views: Arc<Views>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) devices: Devices,
    pub(crate) server: Server,
    pub(crate) intake: Box<dyn Intake>,
    pub(crate) inbox: Arc<Inbox>,
    /// Where the generations of handles begin.
    pub(crate) generation: u64,
}

impl Session {
    /// A session that makes no callbacks yet.
    pub(crate) fn new(parts: Parts) -> Session {
        let Parts { views, metrics, devices, server, intake, inbox, generation } = parts;
        Session {
            views,
            metrics,
            lines: Table::new(generation),
            calls: Table::new(generation),
            making: Making::new(),
            devices,
            server,
            intake: RwLock::new(Some(intake)),
            inbox,
            book: Mutex::new(Book::default()),
            calm: Condvar::new(),
            sink: Mutex::new(None),
        }
    }

    /// Starts the one thread that makes callbacks.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(self: &Arc<Self>) -> std::io::Result<()> {
        let session = Arc::clone(self);
        let thread = std::thread::Builder::new().name("tapline sink".into());
        let handle = thread.spawn(move || session.make_callbacks())?;
        *self.sink.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle);
        Ok(())
    }

    /// The line of a device id.
    ///
    /// # Errors
    /// [`LineErr::BadDeviceId`] if it was never given out, [`LineErr::NoDevice`] if the line is
    /// gone for good.
    pub(crate) fn device(&self, device: u32) -> Result<LineId, LineErr> {
        let line = self.devices.line(device)?;
        self.look(line, |view| if view.removed { Err(LineErr::NoDevice) } else { Ok(line) })
            .unwrap_or(Err(LineErr::BadDeviceId))
    }

    /// What is counted.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The devices.
    pub(crate) fn devices(&self) -> &Devices {
        &self.devices
    }

    /// An opened line.
    ///
    /// # Errors
    /// [`LineErr::InvalLineHandle`] for a handle that is not, or no longer, one.
    pub(crate) fn line(&self, handle: HDrvLine) -> Result<OpenedLine, LineErr> {
        self.lines.read(handle).ok_or(LineErr::InvalLineHandle)
    }

    /// A call.
    ///
    /// # Errors
    /// [`LineErr::InvalCallHandle`] for a handle that is not, or no longer, one, and for a call
    /// that is only being made: it exists for the server when its request has completed.
    pub(crate) fn call(&self, handle: HDrvCall) -> Result<KnownCall, LineErr> {
        self.calls.read(handle).filter(|call| !call.is_pending).ok_or(LineErr::InvalCallHandle)
    }

    /// Lets someone look at the present view of a line; `None` if it has none.
    pub(crate) fn look<R>(&self, line: LineId, at: impl FnOnce(&LineView) -> R) -> Option<R> {
        let view = self.views.read(line)?;
        view.as_deref().map(at)
    }

    /// The same with how many calls the server may count, which is without those that are only being
    /// made.
    pub(crate) fn look_and_count<R>(
        &self,
        line: LineId,
        at: impl FnOnce(&LineView, Counts) -> R,
    ) -> Option<R> {
        self.look(line, |view| at(view, self.making.counts(view)))
    }

    /// Where the generations of the next session's handles must begin.
    pub(crate) fn next_generation(&self) -> u64 {
        self.lines.next_generation().max(self.calls.next_generation())
    }

    /// Does something while every lock of the session is held.
    #[cfg(test)]
    pub(crate) fn with_all_locks_held<T>(&self, what: impl FnOnce() -> T) -> T {
        let _book = self.book();
        let _intake = self.intake.write().unwrap_or_else(PoisonError::into_inner);
        let _sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        self.lines.with_lock_held(|| {
            self.calls
                .with_lock_held(|| self.devices.with_lock_held(|| self.inbox.with_lock_held(what)))
        })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an event in line for the log. Called with the book open, so that the log has events
    /// in the order in which the book has them.
    fn submit(&self, event: Event) -> Result<(), Busy> {
        match &*self.intake.read().unwrap_or_else(PoisonError::into_inner) {
            Some(intake) => intake.submit(event),
            None => Err(Busy),
        }
    }

    /// The same for facts of the host, which are always taken while the session lasts.
    fn note(&self, fact: engine::fact::HostFact) {
        if self.submit(Event::Host(fact)).is_err() {
            tracing::debug!("a fact of the host came after the end of the session");
        }
    }
}
