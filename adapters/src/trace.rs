//! One way to read a log, whether it lies in the folder of a journal or in a capture file.
//!
//! What happened is in the records; where a reader may begin is said by the images: places at which
//! the state is kept. A log that begins with record 0 needs none.

mod stretches;

pub use stretches::{Reached, Witness, at_a_time};

use crate::capture::{
    About, CaptureError, CaptureFile, CaptureWriter, Frames as CaptureFrames, Gap, RawMessage,
    Records as CaptureRecords,
};
use crate::journal::{LogReader, OpenError, ReadError, Records as LogRecords, Unreadable};
use engine::core::Core;
use engine::fact::Record;
use engine::frame::{Chain, Frame};
use engine::snapshot::{Place, SnapshotError};
use engine::time::Millis;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long to wait for another process that is about to let go of a log.
const IN_USE_PATIENCE: Duration = Duration::from_secs(2);

/// A log open for reading: the folder of a journal, or a capture file.
pub struct Trace {
    path: PathBuf,
    source: Source,
    about: About,
    first: u64,
    images: Vec<Place>,
}

enum Source {
    Log(LogReader),
    Capture(CaptureFile),
}

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// There is nothing at this path.
    #[error("there is no log {}", .0.display())]
    NotThere(PathBuf),
    /// The system refuses.
    #[error("cannot read {}: {error}", .path.display())]
    Io {
        /// The log.
        path: PathBuf,
        /// What it says.
        error: io::Error,
    },
    /// The log of a journal.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// A capture file.
    #[error("{}: {error}", .path.display())]
    Capture {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: CaptureError,
    },
    /// It does not say how everything was at a record, nor at one before it.
    #[error(
        "{} begins with record {first}, and how everything was then cannot be had from it: {why}",
        .path.display()
    )]
    NoState {
        /// The log.
        path: PathBuf,
        /// Its first record.
        first: u64,
        /// What is wrong with the images in it.
        why: String,
    },
}

impl Trace {
    /// Opens the folder of a log, or a capture file. A log that another process works on is waited
    /// for, but not for long. Nothing is changed, and nothing is made.
    ///
    /// # Errors
    /// See [`TraceError`].
    pub fn open(path: &Path) -> Result<Trace, TraceError> {
        // Looking for a log must not make one.
        if !path.exists() {
            return Err(TraceError::NotThere(path.to_owned()));
        }
        if path.is_file() { Trace::of_capture(path) } else { Trace::of_log(path) }
    }

    fn of_log(path: &Path) -> Result<Trace, TraceError> {
        let reader = LogReader::open(path, IN_USE_PATIENCE)?;
        let (first, images) = (reader.first_seq(), reader.images()?);
        let about = About::this_program(false);
        Ok(Trace { path: path.to_owned(), source: Source::Log(reader), about, first, images })
    }

    fn of_capture(path: &Path) -> Result<Trace, TraceError> {
        let file = CaptureFile::open(path).map_err(|error| TraceError::capture(path, error))?;
        let (about, first, images) = (file.about().clone(), file.first(), file.images());
        Ok(Trace { path: path.to_owned(), source: Source::Capture(file), about, first, images })
    }

    /// What it says of itself. The log of a journal has its true names, and was written by this
    /// program as far as one can tell.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The file or folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sequence number of the first record that is in it.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The numbers of the first and the last record, and the time of the last one.
    ///
    /// # Errors
    /// See [`TraceError`].
    pub fn extent(&self) -> Result<(u64, u64, Millis), TraceError> {
        let last = match &self.source {
            Source::Log(reader) => reader.last()?,
            Source::Capture(file) => file.last(),
        };
        let (seq, at) = last.unwrap_or((self.first, Millis(0)));
        Ok((self.first, seq, at))
    }

    /// The places at which the state is kept, in the order of the log. One may turn out to be
    /// unreadable.
    #[must_use]
    pub fn images(&self) -> &[Place] {
        &self.images
    }

    /// Where records are missing between others. Records end there; how things go on behind it is
    /// known where an image follows.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        match &self.source {
            Source::Log(_) => &[],
            Source::Capture(file) => file.gaps(),
        }
    }

    /// The messages of PBXs that are in it word by word, each with the number of the next record behind
    /// it; a log has none.
    ///
    /// # Errors
    /// [`TraceError::Io`].
    pub fn raw_messages(
        &self,
    ) -> Result<impl Iterator<Item = (u64, RawMessage)> + use<>, TraceError> {
        let messages = match &self.source {
            Source::Log(_) => None,
            Source::Capture(file) => {
                let messages = file.raw_messages();
                Some(messages.map_err(|error| TraceError::capture(&self.path, error))?)
            }
        };
        Ok(messages.into_iter().flatten())
    }

    /// The state from which to go on so as to be at record `seq` soonest, before that record acts,
    /// and the number of the record that follows the state: `seq` itself or an earlier one.
    ///
    /// # Errors
    /// [`TraceError::NoState`] if the log neither begins with record 0 nor has an image up to there
    /// that this program can read.
    pub fn state_before(&self, seq: u64) -> Result<(Core, u64), TraceError> {
        let mut why = None;
        for place in self.images.iter().rev().filter(|place| place.next <= seq) {
            match self.image(place) {
                Ok((core, place)) => return Ok((core, place.next)),
                Err(error) => why = why.or(Some(error)),
            }
        }
        if self.first == 0 {
            return Ok((Core::default(), 0));
        }
        let why = why.unwrap_or_else(|| format!("there is no image of it before record {seq}"));
        Err(TraceError::NoState { path: self.path.clone(), first: self.first, why })
    }

    fn image(&self, place: &Place) -> Result<(Core, Place), String> {
        match &self.source {
            Source::Log(reader) => reader.image(*place).map_err(|error| in_words(&error)),
            Source::Capture(file) => file.image(*place).map_err(|error| in_words(&error)),
        }
    }

    /// The records from a sequence number on, as far as they are intact. Iterate over them, then ask
    /// how they [ended](Records::end).
    #[must_use]
    pub fn records_from(&self, seq: u64) -> Records<'_> {
        let source = match &self.source {
            Source::Log(reader) => RecordSource::Log(reader.records_from(seq.max(self.first))),
            Source::Capture(file) => RecordSource::Capture(Box::new(file.records_from(seq))),
        };
        Records { source, end: End::Complete }
    }

    /// The frames that hold the records from a sequence number on, as they are, or what ends them too
    /// early.
    pub(crate) fn frames_from(&self, seq: u64) -> Frames<'_> {
        match &self.source {
            Source::Log(reader) => Frames::Log { reader, next: Some(seq.max(self.first)) },
            Source::Capture(file) => Frames::Capture(Box::new(file.frames_from(seq))),
        }
    }

    /// Copies the image of a place as it is.
    pub(crate) fn copy_image<W: Write>(
        &self,
        place: Place,
        to: &mut CaptureWriter<W>,
    ) -> Result<(), CaptureError> {
        self.chunks(place)?.try_for_each(|chunk| to.chunk(&chunk))
    }

    /// The chunks of the image of a place, as they are.
    fn chunks(&self, place: Place) -> Result<Box<dyn Iterator<Item = Vec<u8>> + '_>, CaptureError> {
        Ok(match &self.source {
            Source::Log(reader) => {
                Box::new((0..).map_while(move |number| reader.chunk(place, number)))
            }
            Source::Capture(file) => Box::new(file.chunks(place)?.into_iter().flatten()),
        })
    }

    /// The number of the first record that is not earlier than `time`; the one after the last record
    /// if there is none.
    ///
    /// # Errors
    /// [`TraceError::Io`], [`TraceError::Log`].
    pub fn seq_at(&self, time: Millis) -> Result<u64, TraceError> {
        match &self.source {
            Source::Log(reader) => Ok(reader.seq_at(time)?),
            Source::Capture(file) => {
                file.seq_at(time).map_err(|error| TraceError::capture(&self.path, error))
            }
        }
    }
}

impl TraceError {
    fn capture(path: &Path, error: CaptureError) -> TraceError {
        let path = path.to_owned();
        match error {
            CaptureError::Io(error) => TraceError::Io { path, error },
            error => TraceError::Capture { path, error },
        }
    }
}

fn in_words(error: &SnapshotError) -> String {
    match error {
        SnapshotError::OtherVersion { .. } => {
            format!("{error}; another version of this program wrote it, and can read it")
        }
        other => other.to_string(),
    }
}

/// The records of a [`Trace`] with their sequence numbers.
pub struct Records<'a> {
    source: RecordSource<'a>,
    end: End,
}

enum RecordSource<'a> {
    Log(LogRecords<'a>),
    Capture(Box<CaptureRecords>),
}

/// Frames as they are; ends after the first that cannot be had.
pub(crate) enum Frames<'a> {
    Log { reader: &'a LogReader, next: Option<u64> },
    Capture(Box<CaptureFrames>),
}

impl Iterator for Frames<'_> {
    type Item = Result<Vec<u8>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Frames::Log { reader, next } => {
                let item = reader.frame_with((*next)?).transpose()?;
                let frame = item.as_ref().ok().and_then(|bytes| Frame::read_exact(bytes).ok());
                *next = frame.map(|frame| frame.next());
                Some(item)
            }
            Frames::Capture(frames) => {
                let item = frames.next_with(|_, bytes| Ok(bytes.to_vec()))?;
                Some(item.map_err(|error| error.to_string()))
            }
        }
    }
}

/// How the records of a log end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// As it was left.
    Complete,
    /// Something is damaged; everything before it was read.
    Damaged(String),
    /// A newer version wrote the rest.
    Unusable(String),
}

impl Records<'_> {
    /// How they ended; of any use only when the last one was taken.
    #[must_use]
    pub fn end(self) -> End {
        self.end
    }

    /// The chain up to the frame of the last record that was taken.
    fn chain_so_far(&self) -> Option<Chain> {
        match &self.source {
            RecordSource::Log(records) => records.chain_so_far(),
            RecordSource::Capture(records) => records.chain_so_far(),
        }
    }
}

impl Iterator for Records<'_> {
    type Item = (u64, Record);

    fn next(&mut self) -> Option<(u64, Record)> {
        let item = match &mut self.source {
            RecordSource::Log(records) => records.next()?.map_err(|error| End::of_log(&error)),
            RecordSource::Capture(records) => {
                records.next()?.map_err(|error| End::of_capture(&error))
            }
        };
        item.map_err(|end| self.end = end).ok()
    }
}

impl End {
    fn of_log(error: &ReadError) -> End {
        match &error.why {
            Unreadable::Frame(frame) if frame.is_newer() => End::newer(error),
            _ => End::Damaged(error.to_string()),
        }
    }

    fn of_capture(error: &CaptureError) -> End {
        if error.is_newer() { End::newer(error) } else { End::Damaged(error.to_string()) }
    }

    fn newer(error: &impl std::fmt::Display) -> End {
        End::Unusable(format!("{error}; a newer version wrote the rest: use that one"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::journal::{Durability, Journal};
    use engine::effect::Effects;
    use engine::strategy::{calls_from_outside, core_after};
    use std::fs::File;
    use tempfile::TempDir;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A log with images at two places, and a capture file of it.
    pub(super) fn log_and_capture(folder: &TempDir, records: &[Record]) -> [PathBuf; 2] {
        let (log, capture) = (folder.path().join("log"), folder.path().join("calls.tspt"));
        let mut journal = Journal::open(&log, Durability::BeforeCallback, PATIENCE).unwrap().0;
        for (cut, batch) in (0..).zip(records.chunks(10)) {
            journal.append(journal.next_seq(), batch).unwrap();
            if [3, 6].contains(&cut) {
                let before = &records[..journal.next_seq() as usize];
                let place = Place { next: journal.next_seq(), last_at: before.last().unwrap().at };
                journal.keep_snapshot(&core_after(before), place).unwrap();
            }
        }
        journal.close().unwrap();
        let mut writer =
            CaptureWriter::new(File::create(&capture).unwrap(), &About::this_program(false))
                .unwrap();
        for (seq, record) in (0..).zip(records) {
            if [35, 70].contains(&seq) {
                let (core, last_at) = (core_after(&records[..seq]), records[seq - 1].at);
                writer.image(&core, Place { next: seq as u64, last_at }).unwrap();
            }
            writer.push(seq as u64, record.clone()).unwrap();
        }
        writer.finish().unwrap();
        [log, capture]
    }

    #[test]
    fn a_log_and_its_capture_are_read_alike_from_any_record() {
        let (folder, records) = (TempDir::new().unwrap(), calls_from_outside(0..30));
        for path in log_and_capture(&folder, &records) {
            let trace = Trace::open(&path).unwrap();
            assert_eq!(trace.first(), 0);
            for from in [0, 1, 9, 10, 11, 45, records.len(), records.len() + 7] {
                let mut read = trace.records_from(from as u64);
                let found: Vec<(u64, Record)> = read.by_ref().collect();
                let expected = (0u64..).zip(records.iter().cloned()).skip(from);
                assert_eq!(found, expected.collect::<Vec<_>>(), "{path:?} from {from}");
                assert_eq!(read.end(), End::Complete);
            }
        }
    }

    #[test]
    fn the_state_before_any_record_is_reached_from_the_image_before_it() {
        let (folder, records) = (TempDir::new().unwrap(), calls_from_outside(0..30));
        for path in log_and_capture(&folder, &records) {
            let trace = Trace::open(&path).unwrap();
            for seq in [0, 39, 40, 41, 70, 75, records.len() as u64] {
                let (mut core, next) = trace.state_before(seq).unwrap();
                assert!(next <= seq);
                let nearest = trace.images().iter().map(|place| place.next);
                assert_eq!(next, nearest.filter(|place| *place <= seq).max().unwrap_or(0));
                let mut effects = Effects::new();
                for (_, record) in trace.records_from(next).take((seq - next) as usize) {
                    core.apply(record, &mut effects);
                }
                assert!(core == core_after(&records[..seq as usize]), "{path:?} before {seq}");
            }
        }
    }

    #[test]
    fn a_time_is_found_among_the_records() {
        let (folder, records) = (TempDir::new().unwrap(), calls_from_outside(0..30));
        for path in log_and_capture(&folder, &records) {
            let trace = Trace::open(&path).unwrap();
            let last = records.last().unwrap().at;
            for time in
                [Millis(0), records[0].at, records[33].at, records[33].at + 1, last, last + 1]
            {
                let expected = records.iter().filter(|record| record.at < time).count() as u64;
                assert_eq!(trace.seq_at(time).unwrap(), expected, "{path:?} at {time:?}");
            }
        }
    }

    #[test]
    fn what_is_not_there_or_no_log_is_named() {
        let folder = TempDir::new().unwrap();
        let absent = folder.path().join("absent");
        assert!(matches!(Trace::open(&absent), Err(TraceError::NotThere(_))));
        assert!(!absent.exists());
        assert!(matches!(Trace::open(folder.path()), Err(TraceError::Log(_))));
        let letter = folder.path().join("letter.txt");
        std::fs::write(&letter, "Dear Tapline").unwrap();
        let error = Trace::open(&letter).err().unwrap();
        assert!(error.to_string().contains("letter.txt"), "{error}");
    }
}
