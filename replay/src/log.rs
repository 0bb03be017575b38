//! A log to be read: the folder of a journal, or a capture file.

use crate::trouble::Trouble;
use adapters::capture::{About, CaptureError, CaptureReader};
use adapters::journal::{LogReader, ReadError, Records, Unreadable};
use engine::fact::Record;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

/// A log that was opened for reading.
pub(crate) enum Log {
    Journal(LogReader),
    Capture(CaptureReader<BufReader<File>>),
}

/// The records of a log. Iterate over them, then ask how they [ended](LogRecords::end).
pub(crate) struct LogRecords<'a> {
    source: Source<'a>,
    next: u64,
    end: LogEnd,
}

enum Source<'a> {
    Journal(Records<'a>),
    Capture(&'a mut CaptureReader<BufReader<File>>),
}

/// How a log ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogEnd {
    /// As it was left.
    Complete,
    /// Something is damaged; what is before it was read.
    Damaged(String),
    /// It cannot be replayed from here on: a newer version wrote the rest, or what came before its
    /// first record is not in it.
    Unusable(String),
}

/// How long to wait for another process that is about to let go of the log.
const IN_USE_PATIENCE: Duration = Duration::from_secs(2);

impl Log {
    /// Opens the folder of a journal, or a capture file.
    pub(crate) fn open(path: &Path) -> Result<Log, Trouble> {
        let name = path.display();
        // Looking for a log must not make one.
        if !path.exists() {
            return Err(Trouble::Log(format!("there is no log {name}")));
        }
        if path.is_file() {
            let file = File::open(path).map_err(|error| Trouble::file("read", path, error))?;
            let reader = CaptureReader::new(BufReader::new(file))
                .map_err(|error| Trouble::Log(format!("{name}: {error}")))?;
            return Ok(Log::Capture(reader));
        }
        let reader = LogReader::open(path, IN_USE_PATIENCE)
            .map_err(|error| Trouble::Log(error.to_string()))?;
        Ok(Log::Journal(reader))
    }

    /// What a capture file says of itself; `None` for the folder of a log.
    pub(crate) fn about(&self) -> Option<&About> {
        match self {
            Log::Journal(_) => None,
            Log::Capture(reader) => Some(reader.about()),
        }
    }

    /// All records, as far as they are intact.
    pub(crate) fn records(&mut self) -> LogRecords<'_> {
        let source = match self {
            Log::Journal(reader) => Source::Journal(reader.records_from(reader.first_seq())),
            Log::Capture(reader) => Source::Capture(reader),
        };
        LogRecords { source, next: 0, end: LogEnd::Complete }
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
        let record = match &mut self.source {
            Source::Journal(records) => records.next()?.map_err(|error| LogEnd::of(&error)),
            Source::Capture(reader) => reader.next()?.map_err(|error| LogEnd::of_capture(&error)),
        };
        match record {
            Ok((first, _)) if self.next == 0 && first > 0 => {
                self.end = LogEnd::Unusable(format!(
                    "the log begins with record {first}; a replay needs it from its very beginning"
                ));
                None
            }
            Ok((seq, record)) => {
                self.next = seq + 1;
                Some((seq, record))
            }
            Err(end) => {
                self.end = end;
                None
            }
        }
    }
}

impl LogEnd {
    fn of(error: &ReadError) -> LogEnd {
        match &error.why {
            Unreadable::Frame(frame) if frame.is_newer() => LogEnd::newer(error),
            _ => LogEnd::damaged(error),
        }
    }

    fn of_capture(error: &CaptureError) -> LogEnd {
        match error {
            CaptureError::Frame { error: frame, .. } if frame.is_newer() => LogEnd::newer(error),
            _ => LogEnd::damaged(error),
        }
    }

    fn newer(error: &impl std::fmt::Display) -> LogEnd {
        LogEnd::Unusable(format!("{error}; a newer version wrote the rest: use that one"))
    }

    fn damaged(error: &impl std::fmt::Display) -> LogEnd {
        LogEnd::Damaged(format!("{error}. What comes before was replayed, and is as it was told"))
    }
}
