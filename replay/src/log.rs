//! A log to be read: the folder of a journal, or a capture file.

use crate::trouble::Trouble;
use engine::core::Core;
use engine::fact::Record;
use std::path::Path;

/// A log that was opened for reading. Iterate over it, then ask how it [ended](Log::end).
pub(crate) struct Log {
    records: std::vec::IntoIter<(u64, Record)>,
    first: u64,
    base: Option<Core>,
    end: LogEnd,
}

/// How a log ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogEnd {
    /// As it was left.
    Complete,
    /// Something is damaged; what is before it was read.
    Damaged(String),
    /// Something was written by a newer version; what is before it was read.
    Newer(String),
}
