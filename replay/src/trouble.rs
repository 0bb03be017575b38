//! What can go wrong, in words that say what to do, each with its exit code.

use adapters::trace::{End, TraceError};
use std::io;
use std::path::{Path, PathBuf};
use tapline::telephony_server::ServerError;

/// Why the command ends early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// A replay led to something else.
    #[error("{0}")]
    Difference(String),
    /// A record breaks an invariant, or an expectation fails.
    #[error("{0}")]
    Breach(String),
    /// What was looked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// A check of the settings failed.
    #[error("{0}")]
    Verification(String),
    /// The command line, beyond what clap can see.
    #[error("{0}")]
    Usage(String),
    /// The settings or the estate.
    #[error("{0}")]
    Settings(String),
    /// The provider library is not where it should be.
    #[error(
        "no provider library: looked for {}; build it with `cargo build -p tsp-ffi`, or name it \
         with --library", .0.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    NoLibrary(Vec<PathBuf>),
    /// The provider, seen from the telephony server.
    #[error(transparent)]
    Provider(#[from] ServerError),
    /// The provider did not do what was waited for.
    #[error("{0}")]
    Expectation(String),
    /// The PBX.
    #[error("{0}")]
    Pbx(String),
    /// The log cannot be read at all.
    #[error("{0}")]
    Log(String),
    /// The log is damaged; its intact part was shown.
    #[error("{0}")]
    Damage(String),
    /// A simulation found a fault.
    #[error("{0}")]
    Simulation(String),
    /// A file, a port, a thread.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        error: io::Error,
    },
    /// Ctrl-C, before what was asked for was there.
    #[error("interrupted; nothing is left behind")]
    Interrupted,
    /// Whoever reads our output has seen enough.
    #[error("the output was closed")]
    OutputClosed,
}

impl From<TraceError> for Trouble {
    fn from(error: TraceError) -> Trouble {
        match error {
            TraceError::Io { path, error } => Trouble::file("read", &path, error),
            error => Trouble::Log(error.to_string()),
        }
    }
}

impl Trouble {
    /// The exit code, as `tapline help` documents it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Trouble::Difference(_)
            | Trouble::Breach(_)
            | Trouble::NotFound(_)
            | Trouble::Verification(_) => 1,
            Trouble::Usage(_) => 2,
            Trouble::Settings(_) => 3,
            Trouble::NoLibrary(_)
            | Trouble::Provider(_)
            | Trouble::Expectation(_)
            | Trouble::Pbx(_) => 4,
            Trouble::Log(_) => 5,
            Trouble::Damage(_) => 6,
            Trouble::System { .. } | Trouble::OutputClosed => 7,
            Trouble::Simulation(_) => 8,
            Trouble::Interrupted => 130,
        }
    }

    /// A file that could not be read or written.
    pub(crate) fn file(verb: &str, path: &Path, error: io::Error) -> Trouble {
        Trouble::System { what: format!("cannot {verb} {}", path.display()), error }
    }

    /// A log that does not end as it was left; what comes before was used.
    pub(crate) fn of_end(end: End) -> Result<(), Trouble> {
        match end {
            End::Complete => Ok(()),
            End::Damaged(why) => Err(Trouble::Damage(format!(
                "{why}. What comes before was replayed, and is as it was told"
            ))),
            End::Unusable(why) => Err(Trouble::Log(why)),
        }
    }

    /// Output that could not be written.
    pub(crate) fn output(error: io::Error) -> Trouble {
        // As Windows may put it.
        const PIPE_NOT_CONNECTED: i32 = 233;
        let is_closed = error.kind() == io::ErrorKind::BrokenPipe
            || cfg!(windows) && error.raw_os_error() == Some(PIPE_NOT_CONNECTED);
        if is_closed {
            return Trouble::OutputClosed;
        }
        Trouble::System { what: "cannot write the output".into(), error }
    }
}
