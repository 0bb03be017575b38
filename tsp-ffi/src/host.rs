//! The life of the provider in its process: enumerated, initialised, shut down, and again.

use crate::abi::{AsyncCompletion, HProvider, LineEvent, Version};
use crate::current::Current;
use crate::inbox::Inbox;
use crate::platform;
use crate::session::{Devices, Parts, Server, Session};
use adapters::journal::OpenError;
use adapters::runtime::{Audience, Prepared, Runtime, StartError};
use engine::id::LineId;
use engine::tapi::LineErr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The provider of this process.
pub(crate) static HOST: Host = Host::new();

/// A provider that goes from stage to stage. Exports that only use a session do not come here.
pub(crate) struct Host {
    /// The session that exports work on.
    pub(crate) current: Current,
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
    const fn new() -> Host {
        Host { current: Current::new(), stage: Mutex::new(Stage::Idle), generation: Mutex::new(1) }
    }

    /// Counts the lines known from earlier sessions. What is wrong with settings or log is said
    /// by [`Host::init`], which has the codes for it; until then there are no lines.
    ///
    /// # Errors
    /// [`LineErr::OperationFailed`] while a session is ending.
    pub(crate) fn enumerate(
        &self,
        settings: &Path,
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
        let enumerated = Enumerated::open(settings, provider, create);
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
    pub(crate) fn init(&self, settings: &Path, init: &Init) -> Result<(), LineErr> {
        self.init_by(settings, init, Prepared::start)
    }

    /// The same with another way to start what was prepared.
    pub(crate) fn init_by(
        &self,
        settings: &Path,
        init: &Init,
        start: impl FnOnce(Prepared, Arc<dyn Audience>) -> Result<Runtime, StartError>,
    ) -> Result<(), LineErr> {
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
            _ => Enumerated::open(settings, 0, None),
        };
        let session = self.start(init, completion, enumerated, start)?;
        *stage = Stage::Running(session.devices().enumerated());
        self.current.put(session);
        Ok(())
    }

    fn start(
        &self,
        init: &Init,
        completion: AsyncCompletion,
        enumerated: Enumerated,
        start: impl FnOnce(Prepared, Arc<dyn Audience>) -> Result<Runtime, StartError>,
    ) -> Result<Arc<Session>, LineErr> {
        let Enumerated { prepared, mut lines, create, provider } = enumerated;
        if lines.len() != init.lines {
            tracing::warn!(counted = lines.len(), told = init.lines, "another number of lines");
            lines.truncate(init.lines);
        }
        let inbox = Arc::new(Inbox::new());
        let audience: Arc<dyn Audience> = Arc::<Inbox>::clone(&inbox);
        let runtime = start(prepared?, audience).map_err(|error| blame(&error))?;
        let session = Arc::new(Session::new(Parts {
            views: Arc::clone(runtime.views()),
            metrics: Arc::clone(runtime.metrics()),
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
        if let Some(session) = self.current.take(LEAVING) {
            session.end(SHUTDOWN - LEAVING);
            *self.generation.lock().unwrap_or_else(PoisonError::into_inner) =
                session.next_generation();
        }
        *self.stage() = Stage::Idle;
    }

    /// Does something while nobody can start or end a session.
    #[cfg(test)]
    pub(crate) fn with_stage_held<T>(&self, what: impl FnOnce() -> T) -> T {
        let _stage = self.stage();
        let _generation = self.generation.lock().unwrap_or_else(PoisonError::into_inner);
        what()
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Enumerated {
    fn open(settings: &Path, provider: HProvider, create: Option<LineEvent>) -> Enumerated {
        // Before the log is opened, not when a session begins: a host may count the lines, and unload
        // the library.
        platform::pin();
        let prepared = Prepared::open(settings).map_err(|error| blame(&error));
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::session::testing::{on_completion, on_event};
    use std::path::PathBuf;
    use std::time::Instant;
    use tempfile::TempDir;

    /// Settings with a log of their own and a PBX that is not there.
    fn settings() -> (TempDir, PathBuf) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("tapline.toml");
        std::fs::write(
            &path,
            "account = '_TAPI_'\npassword = 'secret'\nuser = 'TAPI'\nhttps = false\n\
             [[pbx]]\nmaster = '127.0.0.1:9'\n[log]\npath = 'log'\n",
        )
        .unwrap();
        (folder, path)
    }

    fn init(line_base: u32) -> Init {
        Init { version: 0x0003_0000, line_base, lines: 0, completion: Some(on_completion) }
    }

    #[test]
    fn a_session_starts_at_once_without_its_pbx_and_ends_in_time() {
        let (_folder, path) = settings();
        let host = Host::new();
        for base in [0, 100] {
            assert_eq!(host.enumerate(&path, 1, Some(on_event)), Ok(0));
            let begun = Instant::now();
            assert_eq!(host.init(&path, &init(base)), Ok(()));
            assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
            assert!(host.current.enter().is_some());

            let before = host.current.share().map(|session| Arc::as_ptr(&session));
            assert_eq!(host.init(&path, &init(base + 1)), Ok(()), "a second one is ignored");
            assert_eq!(host.enumerate(&path, 1, None), Ok(0));
            assert_eq!(host.current.share().map(|session| Arc::as_ptr(&session)), before);

            let begun = Instant::now();
            host.shutdown();
            assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
            assert!(host.current.enter().is_none());
        }
        host.shutdown();
    }

    #[test]
    fn a_session_can_start_without_enumeration() {
        let (_folder, path) = settings();
        let host = Host::new();
        assert_eq!(host.init(&path, &init(0)), Ok(()));
        host.shutdown();
    }

    #[test]
    fn settings_that_cannot_be_used_are_the_answer_of_init() {
        let (folder, path) = settings();
        let host = Host::new();
        let missing = folder.path().join("none.toml");
        assert_eq!(host.enumerate(&missing, 1, None), Ok(0));
        assert_eq!(host.init(&missing, &init(0)), Err(LineErr::IniFileCorrupt));
        std::fs::write(&missing, "account = ").unwrap();
        assert_eq!(host.init(&missing, &init(0)), Err(LineErr::IniFileCorrupt));
        assert_eq!(host.init(&path, &init(0)), Ok(()), "mended, it works");
        host.shutdown();
    }

    #[test]
    fn a_log_in_use_admits_no_second_provider() {
        let (_folder, path) = settings();
        let (first, second) = (Host::new(), Host::new());
        assert_eq!(first.init(&path, &init(0)), Ok(()));
        let begun = Instant::now();
        assert_eq!(second.init(&path, &init(0)), Err(LineErr::NoMultipleInstance));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        first.shutdown();
        assert_eq!(second.init(&path, &init(0)), Ok(()));
        second.shutdown();
    }

    #[test]
    fn a_version_or_procedure_that_cannot_be_used_starts_nothing() {
        let (_folder, path) = settings();
        let host = Host::new();
        let old = Init { version: 0x0001_0004, ..init(0) };
        assert_eq!(host.init(&path, &old), Err(LineErr::IncompatibleApiVersion));
        let mute = Init { completion: None, ..init(0) };
        assert_eq!(host.init(&path, &mute), Err(LineErr::InvalPointer));
        assert!(host.current.enter().is_none());
    }

    #[test]
    fn handles_of_a_later_session_begin_after_those_of_an_earlier_one() {
        let (_folder, path) = settings();
        let host = Host::new();
        host.init(&path, &init(0)).unwrap();
        let generation = host.current.share().unwrap().next_generation();
        host.shutdown();
        host.init(&path, &init(0)).unwrap();
        assert!(host.current.share().unwrap().next_generation() > generation);
        host.shutdown();
    }
}
