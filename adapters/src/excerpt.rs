//! A part of a log as a capture file: the last ten minutes, or from here to there.
//!
//! The file begins with the state at its first record, so that it replays by itself; frames are copied
//! as they are. Where the log is damaged, what is intact is taken, and the gap is named in the file.

use crate::capture::{About, CaptureError, CaptureWriter, Gap};
use crate::trace::{Trace, TraceError};
use engine::core::Core;
use engine::effect::Effects;
use engine::frame::Frame;
use engine::snapshot::Place;
use engine::time::Millis;
use std::io::Write;

/// A moment of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The record with this number.
    Seq(u64),
    /// The first record that is not earlier.
    At(Millis),
    /// So many milliseconds before the last record.
    BeforeEnd(u64),
}

/// Which part of a log: from its beginning and to its end, unless something else is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub from: Option<Moment>,
    /// Where it ends; this moment is in it.
    pub to: Option<Moment>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// Sequence number of the first record; no later than what was wished for.
    pub first: u64,
    /// Sequence number after the last one.
    pub next: u64,
    /// What is missing in between.
    pub gaps: Vec<Gap>,
    /// Why it ends before the log does, if that is damaged.
    pub damage: Option<String>,
    /// How long the file is, in bytes.
    pub bytes: u64,
}

/// Why a part of a log cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ExcerptError {
    /// The log cannot be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The capture file cannot be written.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// Nothing is in that part.
    #[error("the log holds the records from {first} to {last}, and none of them is in that part")]
    Empty {
        /// The first record of the log.
        first: u64,
        /// The last one.
        last: u64,
    },
}

impl Moment {
    /// In a log that ends at this time; `seq_at` finds a time in it.
    pub(crate) fn seq<E>(
        self,
        last_at: Millis,
        seq_at: impl FnOnce(Millis) -> Result<u64, E>,
    ) -> Result<u64, E> {
        match self {
            Moment::Seq(seq) => Ok(seq),
            Moment::At(at) => seq_at(at),
            Moment::BeforeEnd(ms) => seq_at(Millis(last_at.0.saturating_sub(ms))),
        }
    }

    /// The first record that is behind it.
    pub(crate) fn seq_behind<E>(
        self,
        last_at: Millis,
        seq_at: impl FnOnce(Millis) -> Result<u64, E>,
    ) -> Result<u64, E> {
        match self {
            Moment::Seq(seq) => Ok(seq.saturating_add(1)),
            Moment::At(at) => seq_at(at + 1),
            Moment::BeforeEnd(ms) => seq_at(Millis(last_at.0.saturating_sub(ms)) + 1),
        }
    }
}

/// Writes a part of a log as a capture file. Whole frames are taken, so it may begin a few records
/// earlier and end a few later.
///
/// # Errors
/// See [`ExcerptError`]. A damaged log is no error.
pub fn write<W: Write>(trace: &Trace, span: Span, out: W) -> Result<(Excerpt, W), ExcerptError> {
    let (first, last, last_at) = trace.extent()?;
    let at = |time| trace.seq_at(time);
    let from = span.from.map_or(Ok(first), |moment| moment.seq(last_at, at))?.max(first);
    let to = span.to.map_or(Ok(u64::MAX), |moment| moment.seq_behind(last_at, at))?;
    if from > last || to <= from {
        return Err(ExcerptError::Empty { first, last });
    }
    let about = About { raw: false, ..trace.about().clone() };
    let writer = CaptureWriter::new(out, &about)?;
    Taking { trace, writer, from: None, next: from, to, gaps: Vec::new() }.take_all()
}

/// Work on one file.
struct Taking<'t, W> {
    trace: &'t Trace,
    writer: CaptureWriter<W>,
    /// Where the file begins.
    from: Option<u64>,
    next: u64,
    to: u64,
    gaps: Vec<Gap>,
}

impl<W: Write> Taking<'_, W> {
    fn take_all(mut self) -> Result<(Excerpt, W), ExcerptError> {
        let mut damage = None;
        loop {
            self.begin()?;
            let Some(why) = self.take_frames()? else { break };
            let images = self.trace.images();
            let Some(place) = images.iter().find(|place| place.next > self.next) else {
                self.writer.gap(self.next, &why)?;
                damage = Some(why);
                break;
            };
            let place = *place;
            if place.next >= self.to {
                damage = Some(why);
                break;
            }
            self.writer.gap(place.next, &why)?;
            self.gaps.push(Gap { from: self.next, to: place.next, why });
            self.next = place.next;
        }
        let (first, next) = (self.from.unwrap_or(self.next), self.next);
        let bytes = self.writer.len();
        let out = self.writer.finish()?;
        Ok((Excerpt { first, next, gaps: self.gaps, damage, bytes }, out))
    }

    /// Writes the state at the frame that holds the next record.
    fn begin(&mut self) -> Result<(), ExcerptError> {
        // The frame may begin earlier, but not before the log is of use.
        let begins = self.trace.frames_from(self.next).next().and_then(Result::ok);
        let begins = begins.and_then(|bytes| Some(Frame::read_exact(&bytes).ok()?.first()));
        let wanted = begins.map_or(self.next, |first| first.min(self.next));
        match self.state_at(wanted.max(self.trace.first()))? {
            Some((core, place)) => {
                self.writer.image(&core, place)?;
                self.from.get_or_insert(place.next);
            }
            None => self.from = self.from.or(Some(0)),
        }
        Ok(())
    }

    /// The state before a record; `None` before the first one of all. An image that only another
    /// version can read is copied as it is.
    fn state_at(&mut self, seq: u64) -> Result<Option<(Core, Place)>, ExcerptError> {
        if seq == 0 {
            return Ok(None);
        }
        let (mut core, mut next) = self.trace.state_before(seq)?;
        let (mut effects, mut last_at) = (Effects::new(), Millis(0));
        if let Some(place) = self.trace.images().iter().find(|place| place.next == next) {
            last_at = place.last_at;
        }
        for (number, record) in self.trace.records_from(next).take_while(|(n, _)| *n < seq) {
            (next, last_at) = (number + 1, record.at);
            core.apply(record, &mut effects);
            effects.clear();
        }
        Ok(Some((core, Place { next, last_at })))
    }

    /// Copies frames, with the images between them. The answer is what ended it too early.
    fn take_frames(&mut self) -> Result<Option<String>, ExcerptError> {
        let (trace, begins) = (self.trace, self.next);
        let mut images = trace.images().iter().filter(|place| place.next > begins).peekable();
        for item in trace.frames_from(self.next) {
            let bytes = match item {
                Ok(bytes) => bytes,
                Err(why) => return Ok(Some(why)),
            };
            let first = Frame::read_exact(&bytes).map_or(u64::MAX, |frame| frame.first());
            if first >= self.to {
                return Ok(None);
            }
            while let Some(place) = images.next_if(|place| place.next <= first) {
                trace.copy_image(*place, &mut self.writer)?;
            }
            match self.writer.frame(&bytes) {
                Ok(()) => self.next = self.writer.next_seq(),
                Err(error @ CaptureError::Io(_)) => return Err(error.into()),
                Err(CaptureError::Frame { error, .. }) => return Ok(Some(error.to_string())),
                Err(error) => return Ok(Some(error.to_string())),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::journal::{Durability, Journal};
    use engine::fact::Record;
    use engine::strategy::{calls_from_outside, core_after};
    use std::path::{Path, PathBuf};
    use std::time::Duration;
    use tempfile::TempDir;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A log of frames of ten records, with images behind record 100 and 200.
    fn log_of(folder: &Path, records: &[Record]) -> PathBuf {
        let log = folder.join("log");
        let mut journal = Journal::open(&log, Durability::Behind, PATIENCE).unwrap().0;
        for batch in records.chunks(10) {
            journal.append(journal.next_seq(), batch).unwrap();
            let next = journal.next_seq();
            if [100, 200].contains(&next) {
                let before = &records[..next as usize];
                let place = Place { next, last_at: before.last().unwrap().at };
                journal.keep_snapshot(&core_after(before), place).unwrap();
            }
        }
        journal.close().unwrap();
        log
    }

    fn excerpt(trace: &Trace, span: Span) -> Result<(Excerpt, TempDir, Trace), ExcerptError> {
        let (excerpt, bytes) = write(trace, span, Vec::new())?;
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("part.tspt");
        std::fs::write(&path, bytes).unwrap();
        let part = Trace::open(&path)?;
        Ok((excerpt, folder, part))
    }

    fn span(from: u64, to: u64) -> Span {
        Span { from: Some(Moment::Seq(from)), to: Some(Moment::Seq(to)) }
    }

    #[test]
    fn a_part_replays_by_itself_to_the_same_states() {
        let (folder, records) = (TempDir::new().unwrap(), calls_from_outside(0..90));
        assert!(records.len() > 300);
        let trace = Trace::open(&log_of(folder.path(), &records)).unwrap();
        for (from, to, first) in
            [(0, 1000, 0), (0, 55, 0), (1, 5, 0), (57, 93, 50), (100, 250, 100), (199, 205, 190)]
        {
            let (excerpt, _part, part) = excerpt(&trace, span(from, to)).unwrap();
            let next = (to / 10 * 10 + 10).min(records.len() as u64);
            assert_eq!((excerpt.first, excerpt.next), (first, next), "from {from} to {to}");
            assert_eq!((excerpt.gaps.len(), &excerpt.damage), (0, &None));
            assert_eq!(part.first(), first);
            for seq in [first, first + 3, next] {
                let (mut core, start) = part.state_before(seq).unwrap();
                let before = part.records_from(start).take_while(|(n, _)| *n < seq);
                before.for_each(|(_, record)| core.apply(record, &mut Effects::new()));
                assert!(core == core_after(&records[..seq as usize]), "{seq} from {from}");
            }
            let mut read = part.records_from(first);
            let found: Vec<_> = read.by_ref().collect();
            let expected = (0..).zip(records.iter().cloned());
            let expected = expected.take(next as usize).skip(first as usize);
            assert_eq!(found, expected.collect::<Vec<_>>());
            assert_eq!(read.end(), crate::trace::End::Complete);
        }
    }

    #[test]
    fn a_part_of_a_part_and_of_its_last_minutes() {
        let (folder, records) = (TempDir::new().unwrap(), calls_from_outside(0..90));
        let trace = Trace::open(&log_of(folder.path(), &records)).unwrap();
        let (_, _whole, whole) = excerpt(&trace, span(45, 1000)).unwrap();
        let images: Vec<u64> = whole.images().iter().map(|place| place.next).collect();
        assert_eq!(images, [40, 100, 200], "images are carried along");
        let ms = 60_000;
        let last = Span { from: Some(Moment::BeforeEnd(ms)), to: None };
        let since = Millis(records.last().unwrap().at.0 - ms);
        let expected = records.iter().filter(|record| record.at < since).count() as u64;
        for source in [&trace, &whole] {
            let (excerpt, _part, part) = excerpt(source, last).unwrap();
            assert_eq!(excerpt.first, expected.max(source.first()) / 10 * 10);
            assert_eq!(excerpt.next, records.len() as u64);
            let (mut core, start) = part.state_before(u64::MAX).unwrap();
            part.records_from(start).for_each(|(_, r)| core.apply(r, &mut Effects::new()));
            assert!(core == core_after(&records));
        }
    }

    #[test]
    fn a_part_without_a_record_is_refused() {
        let (folder, records) = (TempDir::new().unwrap(), calls_from_outside(0..90));
        let trace = Trace::open(&log_of(folder.path(), &records)).unwrap();
        for (from, to) in [(5, 4), (records.len() as u64, 10_000)] {
            let error = excerpt(&trace, span(from, to)).err().unwrap();
            assert!(matches!(error, ExcerptError::Empty { first: 0, .. }), "{error}");
        }
    }

    #[test]
    fn of_a_damaged_log_what_is_intact_is_taken_and_the_gap_is_named() {
        let (folder, records) = (TempDir::new().unwrap(), calls_from_outside(0..90));
        let log = log_of(folder.path(), &records);
        let file = log.join("log-1/db");
        let mut bytes = std::fs::read(&file).unwrap();
        let frames: Vec<usize> = (0..bytes.len() - 64)
            .filter(|at| Frame::read(&bytes[*at..]).is_ok_and(|(frame, _)| frame.first() == 150))
            .collect();
        frames.into_iter().for_each(|at| bytes[at + 50] ^= 1);
        std::fs::write(&file, bytes).unwrap();
        let trace = Trace::open(&log).unwrap();
        let (excerpt, _part, part) = excerpt(&trace, span(95, 1000)).unwrap();
        assert_eq!((excerpt.first, excerpt.next), (90, records.len() as u64));
        let gap = &excerpt.gaps[..];
        assert!(matches!(gap, [Gap { from: 150, to: 200, .. }]), "{gap:?}");
        assert_eq!(part.gaps(), gap);
        let mut read = part.records_from(90);
        assert_eq!(read.by_ref().count(), 60);
        assert!(matches!(read.end(), crate::trace::End::Damaged(_)));
        let (mut core, start) = part.state_before(u64::MAX).unwrap();
        part.records_from(start).for_each(|(_, record)| core.apply(record, &mut Effects::new()));
        assert!(core == core_after(&records));
    }
}
