//! The journal: an append-only log of records with snapshots of the state they lead to.
//!
//! A log is a folder. In it lies one storage, `log-1`; when that is found damaged, it stays as it
//! is, and what can be read of it goes on in `log-2`. Nothing that was ever logged is written over.
//! What is deleted is the beginning, when it is too old or there is too much, see [`Retention`].
//!
//! One thread appends: it takes what is queued, at most a frame of it, and gives it to
//! [`Journal::append`] in one go. A batch costs one flush, so the batches grow with the load by
//! themselves.

mod error;
mod fold;
mod folder;
mod look;
mod piece;
mod reader;
mod recovery;
mod retention;
mod roll;
#[cfg(target_os = "linux")]
mod room;
mod salvage;
mod storage;
#[cfg(test)]
mod tests;
mod trim;

pub use error::{AppendError, OpenError};
pub use reader::{LogReader, ReadError, Records, Unreadable};
pub use recovery::{Damage, Recovered};
pub use retention::Retention;

use engine::core::Core;
use engine::effect::Effects;
use engine::fact::{Event, HostFact, Record};
use engine::frame::{Chain, Frame, FrameWriter, missing_before};
use engine::snapshot::{self, Place, WriteError};
use folder::Lock;
use recovery::Opened;
use retention::{Cut, Holdings, Mark, superfluous};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use storage::{Storage, StorageError};
use trim::begun;

/// Longest time that records stay unflushed with [`Durability::Behind`].
pub const BEHIND: Duration = Duration::from_millis(100);

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
    holdings: Holdings,
    retention: Retention,
    /// What is being removed.
    cut: Option<Cut>,
    listener: Option<Listener>,
    bytes_written: u64,
}

/// Is given frames that were written.
type Listener = Box<dyn FnMut(&[u8]) + Send>;

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
        let Opened { lock, storage, dir, chain, holdings, mut recovered } =
            recovery::open(path, wait)?;
        let cut = begun(&holdings);
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
            holdings,
            retention: Retention::default(),
            cut,
            listener: None,
            bytes_written: 0,
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
        self.holdings.appended += self.batch.bytes.len() as u64;
        self.bytes_written += self.batch.bytes.len() as u64;
        if let Some(listener) = &mut self.listener {
            listener(&self.batch.bytes);
        }
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

    /// From now on gives all frames that are written to somebody, one behind the other. He must not
    /// take long.
    pub fn listen(&mut self, listener: impl FnMut(&[u8]) + Send + 'static) {
        self.listener = Some(Box::new(listener));
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
            let Opened { lock, storage, dir, chain, holdings, .. } =
                recovery::open(&self.path, wait)?;
            self.storage = Some(storage);
            self.lock = Some(lock);
            self.dir = dir;
            self.chain = chain;
            self.cut = begun(&holdings);
            self.holdings = holdings;
            self.unflushed_since = None;
        }
        Ok(self.chain.next())
    }

    /// Whether a write failed and [`Journal::resume`] is due.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.storage.is_none()
    }

    /// Keeps the state at a place of the log, so that recovery need not go further back, and a reader
    /// need not begin at the beginning. One that is close to its neighbours is forgotten for it.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn keep_snapshot(&mut self, core: &Core, place: Place) -> Result<(), AppendError> {
        self.keep_and_give(core, place, |_| ())
    }

    /// The same, and gives each chunk to somebody as well.
    pub(crate) fn keep_and_give(
        &mut self,
        core: &Core,
        place: Place,
        mut give: impl FnMut(&[u8]),
    ) -> Result<(), AppendError> {
        let (mut ids, mut bytes) = (self.holdings.ids, 0);
        let before = self.holdings.appended;
        self.with_storage(|storage, _| {
            // What is left of one that was never finished must not mix with this one.
            storage.remove_snapshot(place.next)?;
            roll::keep(storage, core, &mut ids)?;
            let written = snapshot::write(core, place, |number, chunk| {
                storage.put_chunk(place.next, number, chunk)?;
                bytes += chunk.len() as u64;
                give(chunk);
                if number % CHUNKS_A_FLUSH == CHUNKS_A_FLUSH - 1 { storage.flush() } else { Ok(()) }
            });
            match written {
                Err(WriteError::Store(error)) => return Err(error),
                Err(WriteError::Snapshot(error)) => return Ok(Err(AppendError::Snapshot(error))),
                Ok(()) => storage.set_mark(place.next, &Mark { place, before, bytes }.stored())?,
            }
            Ok(Ok(storage.flush()?))
        })??;
        self.holdings.ids = ids;
        self.holdings.mark(Mark { place, before, bytes });
        if let Some(index) = superfluous(&self.holdings.marks) {
            let old = self.holdings.marks.remove(index).place.next;
            self.with_storage(|storage, _| storage.remove_snapshot(old))?;
        }
        self.unflushed_since = None;
        folder::note_reach(&self.dir, self.chain.next());
        Ok(())
    }

    /// Sets how long the log is kept.
    pub fn retain(&mut self, retention: Retention) {
        self.retention = retention;
    }

    /// Time of the last record in the newest snapshot, if there is one.
    #[must_use]
    pub fn newest_snapshot(&self) -> Option<Place> {
        self.holdings.marks.last().map(|mark| mark.place)
    }

    /// Sequence number of the first record that is kept; 0 if nothing was ever removed.
    #[must_use]
    pub fn first_seq(&self) -> u64 {
        self.holdings.first
    }

    /// Bytes of frames that were written since the log was opened.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.bytes_written
    }

    /// Bytes of the frames and snapshots that are kept; the storage takes more.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.holdings.bytes()
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
