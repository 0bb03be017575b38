//! Why a capture file cannot be written or read.

use super::FORMAT;
use engine::codec::CodecError;
use engine::frame::FrameError;
use engine::snapshot::SnapshotError;
use std::io;

/// Why a capture file cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The operating system refuses.
    #[error("the capture file: {0}")]
    Io(#[from] io::Error),
    /// The file is something else.
    #[error("this is no capture file of Tapline")]
    Foreign,
    /// Another version of the program wrote it.
    #[error(
        "the capture file has format {found}, but this program knows format {FORMAT}; use the \
         version that wrote it"
    )]
    OtherFormat {
        /// The format found.
        found: u8,
    },
    /// Its header was changed after it was written, or is cut off.
    #[error("the header of the capture file is damaged")]
    DamagedHeader,
    /// A frame cannot be read, or a record not be written.
    #[error("the capture file is intact up to record {next}, not included: {error}")]
    Frame {
        /// Sequence number of the first record that is not there.
        next: u64,
        /// Why.
        error: FrameError,
    },
    /// Something else than a frame cannot be read.
    #[error("the capture file is intact up to record {next}, not included: {what}")]
    Damaged {
        /// Sequence number of the first record that is not there.
        next: u64,
        /// What shows it.
        what: String,
    },
    /// Records are missing, as the file itself says.
    #[error(
        "the capture file holds the records up to {next}, not included, and goes on behind a gap: {why}"
    )]
    Gap {
        /// Sequence number of the first record that is not there.
        next: u64,
        /// Why.
        why: String,
    },
    /// The file ends without its end.
    #[error(
        "the capture file is intact up to record {next}, not included, and ends there without its \
         end mark: it was cut off, or is still being written"
    )]
    CutOff {
        /// Sequence number of the first record that is not there.
        next: u64,
    },
    /// The records to be written do not follow one another.
    #[error("record {found} cannot follow in a capture file where {expected} should")]
    OutOfOrder {
        /// The next sequence number.
        expected: u64,
        /// The one given.
        found: u64,
    },
    /// The state is too large for an image.
    #[error("the state cannot be written: {0}")]
    State(#[from] SnapshotError),
}

impl CaptureError {
    /// Whether a newer version of the program wrote what cannot be read, so that nothing is wrong
    /// with it.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        match self {
            CaptureError::Frame { error, .. } => error.is_newer(),
            CaptureError::State(SnapshotError::State(CodecError::NewerSchema { .. })) => true,
            _ => false,
        }
    }
}
