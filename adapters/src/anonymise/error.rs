//! Why nothing can be anonymised.

use super::survey::MAX_ORIGINALS;
use super::tree::NoTree;
use crate::capture::CaptureError;
use crate::trace::TraceError;
use std::io;
use std::path::PathBuf;

/// Why there is no anonymised capture.
#[derive(Debug, thiserror::Error)]
pub enum AnonymiseError {
    /// The log cannot be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The new file cannot be written.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The operating system refuses.
    #[error("cannot write {}: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it says.
        error: io::Error,
    },
    /// Nothing is overwritten.
    #[error("{} is there already; nothing is overwritten", .0.display())]
    IsThere(PathBuf),
    /// The path is that of a folder.
    #[error("{} is no name for a file", .0.display())]
    NoName(PathBuf),
    /// Somebody does not want it any more.
    #[error("stopped; nothing was written")]
    Stopped,
    /// There are more texts and GUIDs than are kept in memory.
    #[error(
        "more than {MAX_ORIGINALS} different texts and GUIDs are in it; take a part of it first, \
         with tapline capture --log LOG --from TIME --to TIME"
    )]
    TooMuch,
    /// A fault of this program.
    #[error("a record cannot be written otherwise, which is a fault of this program: {0}")]
    Shape(String),
    /// The new file does not behave as the old one.
    #[error(
        "the anonymised capture behaves otherwise than the log from record {seq} on, so it is not \
         kept; another key may help (give none, or another one)"
    )]
    Otherwise {
        /// The first record that leads to something else.
        seq: u64,
    },
    /// Something is left in the new file.
    #[error(
        "{kind} of the log would still be in the anonymised capture, so it is not kept; another \
         key may help (give none, or another one)"
    )]
    Left {
        /// What it is: `a name`, `a number`, `a GUID`. What exactly is better not said.
        kind: &'static str,
    },
}

impl From<NoTree> for AnonymiseError {
    fn from(error: NoTree) -> AnonymiseError {
        AnonymiseError::Shape(error.to_string())
    }
}
