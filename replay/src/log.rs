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

impl Log {
    /// Opens the folder of a journal, or a capture file.
    pub(crate) fn open(path: &Path) -> Result<Log, Trouble> {
        Err(Trouble::Log(format!("{} cannot be read yet", path.display())))
    }

    /// Sequence number of the first record.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The state before the first record.
    pub(crate) fn base(&self) -> Core {
        self.base.clone().unwrap_or_default()
    }

    /// How it ended.
    pub(crate) fn end(&self) -> LogEnd {
        self.end.clone()
    }
}

impl Iterator for Log {
    type Item = (u64, Record);

    fn next(&mut self) -> Option<(u64, Record)> {
        self.records.next()
    }
}
