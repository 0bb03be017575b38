//! The journal: an append-only log of records with snapshots of the state they lead to.
//!
//! A log is a folder. In it lies one storage, `log-1`; when that is found damaged, it stays as it
//! is, and what can be read of it goes on in `log-2`. Nothing that was ever logged is deleted or
//! written over.
//!
//! One thread appends: it takes what is queued, at most a frame of it, and gives it to
//! [`Journal::append`] in one go. A batch costs one flush, so the batches grow with the load by
//! themselves.

mod error;
mod fold;
mod folder;
mod piece;
mod reader;
mod recovery;
#[cfg(target_os = "linux")]
mod room;
mod salvage;
mod storage;
#[cfg(test)]
mod tests;

pub use error::OpenError;
pub use reader::{LogReader, ReadError, Records, Unreadable};
pub use recovery::{Damage, Recovered};

use engine::core::Core;
use engine::effect::Effects;
use engine::fact::{Event, HostFact, Record};
use engine::frame::{Chain, Frame, FrameError, FrameWriter, missing_before};
use engine::snapshot::{self, Place, SnapshotError, WriteError};
use folder::Lock;
use recovery::Opened;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use storage::{Storage, StorageError};

/// Longest time that records stay unflushed with [`Durability::Behind`].
pub const BEHIND: Duration = Duration::from_millis(100);

/// Snapshots kept. The older one is there for the case that the newer one cannot be read.
const SNAPSHOTS_KEPT: usize = 2;

/// How much of a snapshot is written between flushes: 64 KiB. What is not flushed lies in memory.
const CHUNKS_A_FLUSH: u32 = 32;

/// When a record is safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Before anybody is told of it: a power loss undoes nothing that an application was told.
    #[default]
    BeforeCallback,
    /// Within [`BEHIND`]: faster on slow disks; a crash may undo the last moments.
    Behind,
}

/// A log open for appending.
pub struct Journal {
    path: PathBuf,
    /// Where the storage lies.
    dir: PathBuf,
    durability: Durability,
    /// `None` after a failed write, until [`Journal::resume`] succeeds.
    storage: Option<Storage>,
    /// Declared after the storage, so that it is let go of last.
    lock: Option<Lock>,
    chain: Chain,
    unflushed_since: Option<Instant>,
    writer: FrameWriter,
    batch: Batch,
}

/// The frames of one batch, in buffers that are used again.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    /// First record of each frame, and where it ends in `bytes`.
    frames: Vec<(u64, usize)>,
}

/// Records that are frames by now, and wait to be written.
#[derive(Debug)]
#[must_use = "what is framed is not yet written"]
pub struct Framed {
    /// Where the chain stands once they are.
    chain: Chain,
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
    fn at_opening(self, path: &Path) -> OpenError {
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

impl Journal {
    /// Opens the log in the folder `path`, or makes it, and recovers the state it leads to. While
    /// another process has it, tries again for as long as `wait`.
    ///
    /// # Errors
    /// See [`OpenError`]. A damaged log is no error: what is intact is recovered, and
    /// [`Recovered::damage`] says the rest.
    pub fn open(
        path: &Path,
        durability: Durability,
        wait: Duration,
    ) -> Result<(Journal, Recovered), OpenError> {
        let Opened { lock, storage, dir, chain, mut recovered } = recovery::open(path, wait)?;
        let mut journal = Journal {
            path: path.to_owned(),
            dir,
            durability,
            storage: Some(storage),
            lock: Some(lock),
            chain,
            unflushed_since: None,
            writer: FrameWriter::default(),
            batch: Batch::default(),
        };
        if recovered.missing > 0 {
            journal.tell_missing(&mut recovered).map_err(|error| error.at_opening(path))?;
        }
        Ok((journal, recovered))
    }

    /// Appends records, the first of them with sequence number `first`. With
    /// [`Durability::BeforeCallback`] they are safe when this returns.
    ///
    /// Numbers may be left out only by saying so: a record `HostFact::Gap(n)` gets a number `n`
    /// later than it would have got otherwise.
    ///
    /// # Errors
    /// See [`AppendError`]. After [`AppendError::Full`] and [`AppendError::Failed`] it is not known
    /// whether these records are in the log; [`Journal::resume`] tells.
    pub fn append(&mut self, first: u64, records: &[Record]) -> Result<(), AppendError> {
        let framed = self.frame(first, records)?;
        self.write(framed)?;
        self.make_room();
        Ok(())
    }

    /// The first half of [`Journal::append`]: makes frames of the records, and writes nothing. So
    /// the records can be worked on elsewhere while they are being written.
    ///
    /// # Errors
    /// [`AppendError::Down`], [`AppendError::OutOfOrder`], [`AppendError::Refused`].
    pub fn frame(&mut self, first: u64, records: &[Record]) -> Result<Framed, AppendError> {
        if self.storage.is_none() {
            return Err(AppendError::Down);
        }
        if let Some(first_record) = records.first() {
            let expected = self.chain.next() + missing_before(first_record).unwrap_or(0);
            if first != expected {
                return Err(AppendError::OutOfOrder { expected, found: first });
            }
        }
        Ok(Framed { chain: self.make_frames(records)? })
    }

    /// The second half of [`Journal::append`]. What was framed before and not written is dropped.
    ///
    /// # Errors
    /// As [`Journal::append`].
    #[allow(clippy::needless_pass_by_value)] // what is written is used up
    pub fn write(&mut self, framed: Framed) -> Result<(), AppendError> {
        let Framed { chain } = framed;
        if chain == self.chain {
            return Ok(());
        }
        self.with_storage(|storage, batch| {
            let mut start = 0;
            for (first, end) in &batch.frames {
                storage.put_frame(*first, &batch.bytes[start..*end])?;
                start = *end;
            }
            Ok(())
        })?;
        self.chain = chain;
        let since = *self.unflushed_since.get_or_insert_with(Instant::now);
        match self.durability {
            Durability::Behind if since.elapsed() < BEHIND => Ok(()),
            _ => self.flush(),
        }
    }

    /// Makes all that was appended safe. With [`Durability::Behind`] the caller does this when
    /// nothing more comes; otherwise it is done already.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn flush(&mut self) -> Result<(), AppendError> {
        if self.unflushed_since.take().is_some() {
            self.with_storage(|storage, _| storage.flush())?;
        }
        Ok(())
    }

    /// Sees to it that there is room on the disk for what comes next: then a flush takes less time.
    pub fn make_room(&mut self) {
        if let Some(storage) = &mut self.storage {
            storage.make_room();
        }
    }

    /// Since when something appended is not yet safe.
    #[must_use]
    pub fn unflushed_since(&self) -> Option<Instant> {
        self.unflushed_since
    }

    /// The records that were framed last, for one who has passed them on and could not write them.
    #[must_use]
    pub fn framed(&self) -> Vec<Record> {
        let mut start = 0;
        let frames = self.batch.frames.iter().map(|(_, end)| {
            let frame = &self.batch.bytes[start..*end];
            start = *end;
            frame
        });
        // We have just made them ourselves.
        let frames = frames.filter_map(|bytes| Frame::read_exact(bytes).ok());
        frames.flat_map(|frame| frame.records().flatten()).map(|(_, record)| record).collect()
    }

    /// Sequence number of the next record.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.chain.next()
    }

    /// Tries to go on after a failed write, and says which record the log expects next. If the
    /// caller has numbered further meanwhile, its next record must be a `HostFact::Gap`.
    ///
    /// # Errors
    /// As [`Journal::open`]; the journal then stays as it is, and this can be tried again.
    pub fn resume(&mut self, wait: Duration) -> Result<u64, OpenError> {
        if self.storage.is_none() {
            self.lock = None;
            let Opened { lock, storage, dir, chain, .. } = recovery::open(&self.path, wait)?;
            self.storage = Some(storage);
            self.lock = Some(lock);
            self.dir = dir;
            self.chain = chain;
            self.unflushed_since = None;
        }
        Ok(self.chain.next())
    }

    /// Whether a write failed and [`Journal::resume`] is due.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.storage.is_none()
    }

    /// Keeps the state at a place of the log, so that recovery need not go further back, and
    /// forgets all but the newest two.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn keep_snapshot(&mut self, core: &Core, place: Place) -> Result<(), AppendError> {
        self.with_storage(|storage, _| {
            // What is left of one that was never finished must not mix with this one.
            storage.remove_snapshot(place.next)?;
            let written = snapshot::write(core, place, |number, chunk| {
                storage.put_chunk(place.next, number, chunk)?;
                if number % CHUNKS_A_FLUSH == CHUNKS_A_FLUSH - 1 { storage.flush() } else { Ok(()) }
            });
            match written {
                Err(WriteError::Store(error)) => return Err(error),
                Err(WriteError::Snapshot(error)) => return Ok(Err(AppendError::Snapshot(error))),
                Ok(()) => storage.flush()?,
            }
            for old in storage.snapshots()?.into_iter().skip(SNAPSHOTS_KEPT) {
                storage.remove_snapshot(old)?;
            }
            Ok(Ok(()))
        })??;
        self.unflushed_since = None;
        folder::note_reach(&self.dir, self.chain.next());
        Ok(())
    }

    /// The records from a sequence number on, as far as they are intact. Opens nothing, so it
    /// works while the journal is in use; reads frame by frame.
    #[must_use]
    pub fn records_from(&self, seq: u64) -> Option<Records<'_>> {
        self.storage.as_ref().map(|storage| Records::new(storage, seq))
    }

    /// Flushes and closes. The threads that are left belong to the storage's process-wide pool;
    /// they hold nothing of this log.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn close(mut self) -> Result<(), AppendError> {
        if self.is_down() {
            return Ok(());
        }
        self.flush()?;
        folder::note_reach(&self.dir, self.chain.next());
        Ok(())
    }

    /// Logs that records are missing which the state, from a snapshot, knows.
    fn tell_missing(&mut self, recovered: &mut Recovered) -> Result<(), AppendError> {
        let event = Event::Host(HostFact::Gap(recovered.missing));
        let gap = Record { at: recovered.last_at, event };
        self.append(recovered.next_seq, std::slice::from_ref(&gap))?;
        recovered.next_seq += 1;
        recovered.core.apply(gap, &mut Effects::new());
        Ok(())
    }

    /// Makes frames of the records; touches nothing but the buffers.
    fn make_frames(&mut self, records: &[Record]) -> Result<Chain, AppendError> {
        self.batch.bytes.clear();
        self.batch.frames.clear();
        let (mut chain, mut rest) = (self.chain, records);
        while !rest.is_empty() {
            let written = self
                .writer
                .write(chain, rest, &mut self.batch.bytes)
                .map_err(AppendError::Refused)?;
            let first = written.chain.next() - written.count as u64;
            self.batch.frames.push((first, self.batch.bytes.len()));
            chain = written.chain;
            rest = &rest[written.count..];
        }
        Ok(chain)
    }

    /// Does something with the storage, and lets go of it when it fails.
    fn with_storage<T>(
        &mut self,
        action: impl FnOnce(&Storage, &Batch) -> Result<T, StorageError>,
    ) -> Result<T, AppendError> {
        let storage = self.storage.as_ref().ok_or(AppendError::Down)?;
        action(storage, &self.batch).map_err(|error| {
            self.storage = None;
            error.into()
        })
    }
}
