//! How long the log is kept, and how its beginning is removed.
//!
//! The log is cut at snapshots: records go only when how everything was behind them is kept twice,
//! in two later snapshots that were read again, byte by byte, and found intact. It is done in small
//! steps between appends, so that nobody waits for it:
//!
//! 1. `Cut::Checking`: the two snapshots are read, some chunks at a time.
//! 2. The place is noted, inside the storage and outside, and flushed. From here on what is before it
//!    does not count, whether it is still there or not.
//! 3. `Cut::Removing`: frames, then the snapshots before the place.
//!
//! A crash in any step leaves a log that begins at the old place or at the new one. What was left
//! before the new one is removed next time.
//!
//! What is kept of a snapshot beside its chunks is its *mark*, little-endian: time of its last record
//! (8 bytes), bytes of frames that were ever appended before it (8), bytes of its chunks (8).

use super::roll;
use super::storage::{Storage, StorageError};
use engine::snapshot::{self, Place};
use engine::time::Millis;
use std::time::{Duration, Instant};

/// How long the log is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Records older than this go.
    pub age: Duration,
    /// The oldest go when the folder of the log would hold more than about this.
    pub bytes: u64,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { age: Duration::from_secs(90 * 24 * 60 * 60), bytes: 2048 * 1024 * 1024 }
    }
}

/// What a byte of a frame takes on the disk, in percent, with all that the storage writes around it,
/// and what it takes besides. Measured with 10 and 50 MB that were kept while 300 went through.
const ON_DISK_PERCENT: u64 = 210;
const ON_DISK_BESIDES: u64 = 24 * 1024 * 1024;

/// After a cut there is room for some time: what is left is at most so much of what may be.
const LEFT_PERCENT: u64 = 90;

/// Snapshots that follow each other closer than this, in bytes of frames and in time, are thinned.
const APART_BYTES: u64 = 1024 * 1024;
const APART: Duration = Duration::from_secs(24 * 60 * 60);

/// Chunks, or values, in one step.
const STEP: usize = 32;

/// What is known of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) place: Place,
    /// Bytes of frames that were ever appended before it.
    pub(super) before: u64,
    /// Bytes of its chunks.
    pub(super) bytes: u64,
}

impl Mark {
    pub(super) fn stored(&self) -> [u8; 24] {
        let mut stored = [0; 24];
        stored[..8].copy_from_slice(&self.place.last_at.0.to_le_bytes());
        stored[8..16].copy_from_slice(&self.before.to_le_bytes());
        stored[16..].copy_from_slice(&self.bytes.to_le_bytes());
        stored
    }

    fn read(next: u64, stored: &[u8]) -> Option<Mark> {
        let number = |at: usize| Some(u64::from_le_bytes(*stored.get(at..)?.first_chunk()?));
        let place = Place { next, last_at: Millis(number(0)?) };
        Some(Mark { place, before: number(8)?, bytes: number(16)? })
    }

    /// The marks of all snapshots of a storage that are complete and not before its beginning, in
    /// the order of the log.
    pub(super) fn all(storage: &Storage) -> Result<Vec<Mark>, StorageError> {
        let first = storage.first()?;
        let mut marks = Vec::new();
        for next in storage.snapshots()?.into_iter().filter(|next| *next >= first) {
            marks.extend(storage.mark(next)?.and_then(|stored| Mark::read(next, &stored)));
        }
        marks.reverse();
        Ok(marks)
    }
}

/// What is kept of a log, so that it need not be counted again.
#[derive(Clone, Debug, Default)]
pub(super) struct Holdings {
    /// Where the log begins; 0 if it was never cut.
    pub(super) first: u64,
    /// Its snapshots.
    pub(super) marks: Vec<Mark>,
    /// Bytes of frames that were ever appended.
    pub(super) appended: u64,
    /// How many ids are on the roll.
    pub(super) ids: usize,
}

impl Holdings {
    /// Of a storage that was folded from a snapshot, or the beginning, on: so many bytes.
    pub(super) fn of(storage: &Storage, from: u64, bytes: u64) -> Result<Holdings, StorageError> {
        let (first, marks) = (storage.first()?, Mark::all(storage)?);
        let before = marks.iter().find(|mark| mark.place.next == from);
        let appended = before.map_or(0, |mark| mark.before) + bytes;
        Ok(Holdings { first, marks, appended, ids: roll::count(storage)? })
    }

    /// A snapshot was kept.
    pub(super) fn mark(&mut self, mark: Mark) {
        self.marks.retain(|other| other.place.next != mark.place.next);
        let index = self.marks.partition_point(|other| other.place.next < mark.place.next);
        self.marks.insert(index, mark);
    }

    /// How much the frames and snapshots that are left take.
    pub(super) fn bytes(&self) -> u64 {
        let before = if self.first == 0 { None } else { self.marks.first() };
        let frames = self.appended.saturating_sub(before.map_or(0, |mark| mark.before));
        frames + self.marks.iter().map(|mark| mark.bytes).sum::<u64>()
    }
}

/// The snapshot that may go because of a new one: the two newest stay, and of the others those that
/// are far enough from their neighbours.
pub(super) fn superfluous(marks: &[Mark]) -> Option<usize> {
    let index = marks.len().checked_sub(3)?;
    // Without one before it, it is the beginning, and what it follows may be gone.
    let (before, it, behind) =
        (marks.get(index.checked_sub(1)?)?, &marks[index], &marks[index + 1]);
    let bytes = behind.before.saturating_sub(before.before);
    let time_ms = behind.place.last_at.since(before.place.last_at);
    let is_near = bytes < APART_BYTES.max(it.bytes) && u128::from(time_ms) < APART.as_millis();
    is_near.then_some(index)
}

/// The beginning of the log on its way out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    /// Two snapshots are looked at before anything goes: that with which the log is to begin, and
    /// the one behind it.
    Checking { at: Place, behind: Option<Place>, chunk: u32 },
    /// What is before this place goes.
    Removing { first: u64 },
}

/// What a step came to.
pub(super) enum Step {
    /// There is more to do.
    Goes(Cut),
    /// Two snapshots are intact: the log may begin at the first of them, here, from now on.
    Checked(Place),
    /// The snapshot of this place is damaged.
    Damaged(Place),
    /// The beginning is gone.
    Done,
}

impl Retention {
    /// Where to cut, if something is too old or too much: the mark of the snapshot with which the
    /// log is to begin. `besides` is what else of its folder counts.
    pub(super) fn cut(&self, holdings: &Holdings, besides: u64, now: Millis) -> Option<usize> {
        let marks = &holdings.marks;
        // One more must follow.
        let last = marks.len().checked_sub(2)?;
        let age_ms = u64::try_from(self.age.as_millis()).unwrap_or(u64::MAX);
        let is_old = |mark: &Mark| now.since(mark.place.last_at) > age_ms;
        let by_age = marks[..=last].iter().rposition(is_old);
        let may_be = self.bytes.saturating_sub(besides + ON_DISK_BESIDES) / ON_DISK_PERCENT * 100;
        let left = |index: usize| {
            let frames = holdings.appended.saturating_sub(marks[index].before);
            frames + marks[index..].iter().map(|mark| mark.bytes).sum::<u64>()
        };
        let enough = may_be / 100 * LEFT_PERCENT;
        let by_size = (holdings.bytes() > may_be)
            .then(|| (0..=last).find(|index| left(*index) <= enough).unwrap_or(last));
        let index = by_age.max(by_size)?;
        (marks[index].place.next > holdings.first).then_some(index)
    }

    /// What frames and snapshots of so many bytes take on the disk.
    pub(super) fn on_disk(bytes: u64) -> u64 {
        bytes.saturating_mul(ON_DISK_PERCENT) / 100 + ON_DISK_BESIDES
    }
}

impl Cut {
    /// Begins by looking at the snapshots.
    pub(super) fn at(marks: &[Mark], index: usize) -> Option<Cut> {
        let (at, behind) = (marks.get(index)?.place, marks.get(index + 1)?.place);
        Some(Cut::Checking { at, behind: Some(behind), chunk: 0 })
    }

    /// Does a little more of it, for at most about so long.
    pub(super) fn go_on(
        mut self,
        storage: &Storage,
        within: Duration,
    ) -> Result<Step, StorageError> {
        let until = Instant::now() + within;
        loop {
            match self.step(storage)? {
                Step::Goes(cut) if Instant::now() < until => self = cut,
                step => return Ok(step),
            }
        }
    }

    fn step(self, storage: &Storage) -> Result<Step, StorageError> {
        match self {
            Cut::Checking { at, behind, chunk } => {
                let place = behind.unwrap_or(at);
                match check(storage, place, chunk)? {
                    Check::Intact(chunk) => Ok(Step::Goes(Cut::Checking { at, behind, chunk })),
                    Check::Whole if behind.is_some() => {
                        Ok(Step::Goes(Cut::Checking { at, behind: None, chunk: 0 }))
                    }
                    Check::Whole => Ok(Step::Checked(at)),
                    Check::Damaged => Ok(Step::Damaged(place)),
                }
            }
            Cut::Removing { first } => remove(storage, first),
        }
    }
}

enum Check {
    /// Up to this chunk.
    Intact(u32),
    Whole,
    Damaged,
}

/// Looks at some chunks of a snapshot.
fn check(storage: &Storage, place: Place, from: u32) -> Result<Check, StorageError> {
    for number in from..from + STEP as u32 {
        let chunk = storage.chunk(place.next, number)?;
        match chunk.as_deref().and_then(snapshot::find_chunk) {
            Some(found) if found.place == place && found.number == number && found.is_ours => {
                if found.is_last {
                    return Ok(Check::Whole);
                }
            }
            _ => return Ok(Check::Damaged),
        }
    }
    Ok(Check::Intact(from + STEP as u32))
}

/// Removes some of what is before a place.
fn remove(storage: &Storage, first: u64) -> Result<Step, StorageError> {
    // The frame that holds the place stays.
    let begins = match storage.frame_up_to(first)? {
        Some((begins, bytes)) => match engine::frame::Frame::read_exact(&bytes) {
            Ok(frame) if frame.next() <= first => first,
            _ => begins,
        },
        None => first,
    };
    if !storage.remove_frames(begins, STEP)? {
        return Ok(Step::Goes(Cut::Removing { first }));
    }
    match storage.oldest_snapshot()? {
        Some(place) if place < first => {
            storage.remove_chunks(place, STEP)?;
            Ok(Step::Goes(Cut::Removing { first }))
        }
        _ => Ok(Step::Done),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(next: u64, at_h: u64, before: u64, bytes: u64) -> Mark {
        let place = Place { next, last_at: Millis(at_h * 3_600_000) };
        Mark { place, before, bytes }
    }

    const MB: u64 = 1024 * 1024;

    #[test]
    fn snapshots_are_thinned_where_they_are_close_in_bytes_and_in_time() {
        let near = [mark(1, 1, 0, 9), mark(2, 2, 9, 9), mark(3, 3, 99, 9), mark(4, 4, 999, 9)];
        assert_eq!(superfluous(&near), Some(1));
        assert_eq!(superfluous(&near[..3]), None, "the first one is what a cut log begins with");
        let far =
            [mark(1, 1, 0, 9), mark(2, 2, 9, 9), mark(3, 3, 2 * MB, 9), mark(4, 4, 3 * MB, 9)];
        assert_eq!(superfluous(&far), None);
        let days = [mark(1, 1, 0, 9), mark(2, 25, 9, 9), mark(3, 49, 9, 9), mark(4, 50, 9, 9)];
        assert_eq!(superfluous(&days), None);
    }

    #[test]
    fn two_snapshots_stay_whatever_the_age() {
        let marks = vec![mark(10, 1, 0, 9), mark(20, 2, 9, 9), mark(30, 3, 99, 9)];
        let retention = Retention { age: Duration::from_secs(3600), bytes: u64::MAX };
        let holdings = Holdings { marks, ..Holdings::default() };
        let at = |hours: u64| retention.cut(&holdings, 0, Millis(hours * 3_600_000));
        assert_eq!(at(2), None);
        assert_eq!(at(3), Some(0));
        assert_eq!(at(1000), Some(1));
        let begun = Holdings { first: 20, ..holdings };
        assert_eq!(retention.cut(&begun, 0, Millis(u64::MAX)), None, "it begins there already");
    }

    #[test]
    fn the_oldest_goes_when_there_is_too_much() {
        let marks = (0..10).map(|n| mark(n * 100, 1, n * 10 * MB, MB)).collect();
        let holdings = Holdings { marks, appended: 100 * MB, ..Holdings::default() };
        assert_eq!(holdings.bytes(), 110 * MB);
        let cut = |bytes: u64, besides: u64| {
            let retention = Retention { age: Duration::MAX, bytes };
            retention.cut(&holdings, besides, Millis(0))
        };
        assert_eq!(cut(Retention::on_disk(111 * MB), 0), None);
        assert_eq!(cut(Retention::on_disk(111 * MB), 30 * MB), Some(3), "damaged ones count");
        assert_eq!(cut(Retention::on_disk(50 * MB), 0), Some(6));
        assert_eq!(cut(0, 0), Some(8));
    }
}
