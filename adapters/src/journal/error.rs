//! Why a log cannot be opened or written, in words for the one who runs the provider.

use super::storage::StorageError;
use engine::frame::FrameError;
use engine::snapshot::SnapshotError;
use std::path::{Path, PathBuf};

/// Why a log cannot be opened. Every message names the log and says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "another process works on the log {}; stop it, or give this one a log of its own",
        .path.display()
    )]
    InUse {
        /// The log.
        path: PathBuf,
    },
    /// A newer version of the program wrote it. Nothing was changed.
    #[error(
        "the log {} is newer than this program: {what}. Install the version that wrote it, or \
         give this one a log of its own", .path.display()
    )]
    Newer {
        /// The log.
        path: PathBuf,
        /// What shows it.
        what: String,
    },
    /// The disk is full.
    #[error("the disk of the log {} is full; make room on it", .path.display())]
    Full {
        /// The log.
        path: PathBuf,
    },
    /// The operating system refuses.
    #[error(
        "the log {} cannot be used: {what}. Check that the folder can be made and written by the \
         account of this service", .path.display()
    )]
    Io {
        /// The log.
        path: PathBuf,
        /// What it says.
        what: String,
    },
    /// What lies there is no log of this program, or damaged beyond reading.
    #[error(
        "the log {} cannot be read: {what}. Move it away, or give this program a log of its own",
        .path.display()
    )]
    Unreadable {
        /// The log.
        path: PathBuf,
        /// What shows it.
        what: String,
    },
}

impl OpenError {
    pub(super) fn io(path: &Path, error: &std::io::Error) -> OpenError {
        OpenError::Io { path: path.to_owned(), what: error.to_string() }
    }

    pub(super) fn of(path: &Path, error: StorageError) -> OpenError {
        let path = path.to_owned();
        match error {
            StorageError::InUse => OpenError::InUse { path },
            StorageError::Full => OpenError::Full { path },
            StorageError::Io(what) => OpenError::Io { path, what },
            StorageError::Damaged(what) | StorageError::Foreign(what) => {
                OpenError::Unreadable { path, what }
            }
        }
    }
}

/// Why records are not in the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The disk is full.
    #[error("the disk of the log is full; make room on it")]
    Full,
    /// The operating system or the storage refuses, for another reason.
    #[error("the log cannot be written: {0}")]
    Failed(String),
    /// An earlier write failed, and the journal was not resumed since.
    #[error("the log could not be written before and was not resumed yet")]
    Down,
    /// The records do not follow those in the log. A fault of the caller.
    #[error("record {expected} should be appended next, not {found}")]
    OutOfOrder {
        /// Sequence number of the next record.
        expected: u64,
        /// The one given.
        found: u64,
    },
    /// A record is too large. None of the batch is in the log; without this record it can be.
    #[error(transparent)]
    Refused(FrameError),
    /// The state is too large for a snapshot. The log itself goes on.
    #[error(transparent)]
    Snapshot(SnapshotError),
}

impl AppendError {
    pub(super) fn at_opening(self, path: &Path) -> OpenError {
        let path = path.to_owned();
        match self {
            AppendError::Full => OpenError::Full { path },
            other => OpenError::Io { path, what: other.to_string() },
        }
    }
}

impl From<StorageError> for AppendError {
    fn from(error: StorageError) -> AppendError {
        match error {
            StorageError::Full => AppendError::Full,
            other => AppendError::Failed(other.to_string()),
        }
    }
}
