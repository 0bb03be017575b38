//! A log to be read: the folder of a journal.

use crate::trouble::Trouble;
use adapters::journal::{LogReader, ReadError, Records, Unreadable};
use engine::fact::Record;
use std::path::Path;
use std::time::Duration;

/// A log that was opened for reading.
pub(crate) struct Log {
    reader: LogReader,
}

/// The records of a log. Iterate over them, then ask how they [ended](LogRecords::end).
pub(crate) struct LogRecords<'a> {
    records: Records<'a>,
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

/// How long to wait for another process that is about to let go of the log.
const IN_USE_PATIENCE: Duration = Duration::from_secs(2);

impl Log {
    /// Opens the folder of a journal.
    pub(crate) fn open(path: &Path) -> Result<Log, Trouble> {
        // Looking for a log must not make one.
        if !path.exists() {
            return Err(Trouble::Log(format!("there is no log {}", path.display())));
        }
        let reader = LogReader::open(path, IN_USE_PATIENCE)
            .map_err(|error| Trouble::Log(error.to_string()))?;
        Ok(Log { reader })
    }

    /// Sequence number of the first record.
    pub(crate) fn first(&self) -> u64 {
        self.reader.first_seq()
    }

    /// All records, as far as they are intact.
    pub(crate) fn records(&self) -> LogRecords<'_> {
        LogRecords { records: self.reader.records_from(self.first()), end: LogEnd::Complete }
    }
}

impl LogRecords<'_> {
    /// How it ended.
    pub(crate) fn end(self) -> LogEnd {
        self.end
    }
}

impl Iterator for LogRecords<'_> {
    type Item = (u64, Record);

    fn next(&mut self) -> Option<(u64, Record)> {
        match self.records.next()? {
            Ok(record) => Some(record),
            Err(error) => {
                self.end = LogEnd::of(&error);
                None
            }
        }
    }
}

impl LogEnd {
    fn of(error: &ReadError) -> LogEnd {
        let advice = "what comes before was read";
        match &error.why {
            Unreadable::Frame(frame) if frame.is_newer() => {
                LogEnd::Newer(format!("{error}; {advice}. Install the version that wrote the rest"))
            }
            _ => LogEnd::Damaged(format!("{error}; {advice}")),
        }
    }
}
