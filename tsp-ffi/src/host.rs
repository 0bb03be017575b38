//! The life of the provider in its process: enumerated, initialised, shut down, and again.

use crate::abi::{AsyncCompletion, HProvider, LineEvent, Version};
use crate::current::CURRENT;
use crate::inbox::Inbox;
use crate::platform;
use crate::session::{Devices, Parts, Server, Session};
use adapters::journal::OpenError;
use adapters::runtime::{Audience, Prepared, StartError};
use engine::id::LineId;
use engine::tapi::LineErr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The provider of this process.
pub(crate) static HOST: Host = Host { stage: Mutex::new(Stage::Idle), generation: Mutex::new(1) };

/// A provider that goes from stage to stage. Exports that only use a session do not come here.
pub(crate) struct Host {
    stage: Mutex<Stage>,
    /// Where the next session's handles begin, so that none of an earlier one means anything.
    generation: Mutex<u64>,
}

enum Stage {
    /// Nothing is open.
    Idle,
    /// The lines have been counted, and the log is open, if it could be opened.
    Enumerated(Box<Enumerated>),
    /// A session is running, with so many lines enumerated.
    Running(usize),
    /// A session is ending.
    Ending,
}

struct Enumerated {
    prepared: Result<Prepared, LineErr>,
    lines: Vec<LineId>,
    create: Option<LineEvent>,
    provider: HProvider,
}

/// What `TSPI_providerInit` brings.
pub(crate) struct Init {
    pub(crate) version: u32,
    pub(crate) line_base: u32,
    pub(crate) lines: usize,
    pub(crate) completion: Option<AsyncCompletion>,
}

/// How long a shutdown may take in all: 5 s with something to spare.
const SHUTDOWN: Duration = Duration::from_millis(4_500);
/// How long of this it may wait for functions that are under way.
const LEAVING: Duration = Duration::from_millis(500);

impl Host {
    /// Counts the lines known from earlier sessions. What is wrong with settings or log is said
    /// by [`Host::init`], which has the codes for it; until then there are no lines.
    ///
    /// # Errors
    /// [`LineErr::OperationFailed`] while a session is ending.
    pub(crate) fn enumerate(
        &self,
        provider: HProvider,
        create: Option<LineEvent>,
    ) -> Result<usize, LineErr> {
        let mut stage = self.stage();
        match &*stage {
            Stage::Running(lines) => return Ok(*lines),
            Stage::Ending => return Err(LineErr::OperationFailed),
            // Settings may have changed; and an open log would be in our own way.
            Stage::Idle | Stage::Enumerated(_) => *stage = Stage::Idle,
        }
        let enumerated = Enumerated::open(provider, create);
        let count = enumerated.lines.len();
        *stage = Stage::Enumerated(Box::new(enumerated));
        Ok(count)
    }

    /// Starts a session. Waits for no PBX. Does nothing if one is running.
    ///
    /// # Errors
    /// [`LineErr::IncompatibleApiVersion`]; [`LineErr::InvalPointer`] without a completion
    /// procedure; [`LineErr::IniFileCorrupt`] for settings that cannot be used;
    /// [`LineErr::NoMultipleInstance`] if the log is in use; [`LineErr::OperationFailed`].
    pub(crate) fn init(&self, init: &Init) -> Result<(), LineErr> {
        let mut stage = self.stage();
        if matches!(*stage, Stage::Running(_)) {
            return Ok(());
        }
        if matches!(*stage, Stage::Ending) {
            return Err(LineErr::OperationFailed);
        }
        Version::read(init.version)?;
        let completion = init.completion.ok_or(LineErr::InvalPointer)?;
        let enumerated = match std::mem::replace(&mut *stage, Stage::Idle) {
            Stage::Enumerated(enumerated) => *enumerated,
            _ => Enumerated::open(0, None),
        };
        platform::pin();
        let session = self.start(init, completion, enumerated)?;
        *stage = Stage::Running(session.devices().enumerated());
        CURRENT.put(session);
        Ok(())
    }

    fn start(
        &self,
        init: &Init,
        completion: AsyncCompletion,
        enumerated: Enumerated,
    ) -> Result<Arc<Session>, LineErr> {
        let Enumerated { prepared, mut lines, create, provider } = enumerated;
        if lines.len() != init.lines {
            tracing::warn!(counted = lines.len(), told = init.lines, "another number of lines");
            lines.truncate(init.lines);
        }
        let inbox = Arc::new(Inbox::new());
        let audience: Arc<dyn Audience> = Arc::<Inbox>::clone(&inbox);
        let runtime = prepared?.start(audience).map_err(|error| blame(&error))?;
        let session = Arc::new(Session::new(Parts {
            views: Arc::clone(runtime.views()),
            devices: Devices::new(init.line_base, lines),
            server: Server { completion, create, provider },
            intake: Box::new(runtime),
            inbox,
            generation: *self.generation.lock().unwrap_or_else(PoisonError::into_inner),
        }));
        if let Err(error) = session.start() {
            tracing::error!("no thread for callbacks: {error}");
            session.end(SHUTDOWN);
            return Err(LineErr::NoMem);
        }
        Ok(session)
    }

    /// Ends the session, if one is running: completes what is open, stops all threads. No
    /// callback is made once it has returned.
    pub(crate) fn shutdown(&self) {
        let mut stage = self.stage();
        match *stage {
            Stage::Ending => return,
            Stage::Idle | Stage::Enumerated(_) => {
                *stage = Stage::Idle;
                return;
            }
            Stage::Running(_) => *stage = Stage::Ending,
        }
        // Callbacks that are still under way may call us.
        drop(stage);
        if let Some(session) = CURRENT.take(LEAVING) {
            session.end(SHUTDOWN - LEAVING);
            *self.generation.lock().unwrap_or_else(PoisonError::into_inner) =
                session.next_generation();
        }
        *self.stage() = Stage::Idle;
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Enumerated {
    fn open(provider: HProvider, create: Option<LineEvent>) -> Enumerated {
        let prepared = Prepared::open(&platform::settings_path()).map_err(|error| blame(&error));
        let known = prepared.as_ref().map(Prepared::lines).unwrap_or_default();
        let lines =
            known.iter().filter(|view| !view.removed).map(|view| view.identity.line).collect();
        Enumerated { prepared, lines, create, provider }
    }
}

/// The code for what is wrong, and a line in the log that says what to do.
fn blame(error: &StartError) -> LineErr {
    tracing::error!("the provider cannot start: {error}");
    match error {
        StartError::Settings(_) => LineErr::IniFileCorrupt,
        StartError::Unusable(_) => LineErr::IniFileCorrupt,
        StartError::Journal(OpenError::InUse { .. }) => LineErr::NoMultipleInstance,
        StartError::Journal(_) => LineErr::OperationFailed,
        StartError::Thread(_) => LineErr::ResourceUnavail,
    }
}
