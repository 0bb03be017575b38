//! Reading a log from any record on, for replay and capture.

use super::error::OpenError;
use super::fold::{Fold, Stop};
use super::folder::{Copy, Folder, Found, Lock, end_of, holds_log, noted_reach};
use super::salvage::Salvaged;
use super::storage::{Storage, StorageError, Stored};
use engine::core::Core;
use engine::fact::Record;
use engine::frame::{Chain, Frame, FrameError, Recent};
use engine::snapshot::{self, Place, SnapshotError};
use engine::time::Millis;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A log open for reading only. Nothing is repaired; of a damaged storage, what is intact is read.
pub struct LogReader {
    source: Source,
    first: u64,
    /// What showed that records behind the last one that can be read are lost.
    loss: Option<String>,
    path: PathBuf,
    _lock: Lock,
}

impl LogReader {
    /// Opens the log in the folder `path`, or the storage in it, waiting as long as `wait` for
    /// another process to let go of it.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: &Path, wait: Duration) -> Result<LogReader, OpenError> {
        if !holds_log(path) {
            let what = "there is no log in this folder".to_owned();
            return Err(OpenError::Unreadable { path: path.to_owned(), what });
        }
        let folder = Folder::new(path, wait);
        let lock = folder.lock()?;
        let (source, loss) = open_source(folder, path)?;
        let first = first_of(source.as_ref()).map_err(|error| folder.failed(error))?;
        Ok(LogReader { source, first, loss, path: path.to_owned(), _lock: lock })
    }

    /// Sequence number of the oldest record.
    #[must_use]
    pub fn first_seq(&self) -> u64 {
        self.first
    }

    /// The state that the log leads to, as far as it is intact, and the time of its last record.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn state(&self) -> Result<(Core, Millis), OpenError> {
        match Fold::of(self.source.as_ref()) {
            Ok(fold) => Ok((fold.core, fold.place.last_at)),
            Err(Stop::Newer(error)) => {
                Err(OpenError::Newer { path: self.path.clone(), what: error.to_string() })
            }
            Err(Stop::Storage(error)) => Err(OpenError::of(&self.path, error)),
        }
    }

    /// The places at which the state is kept, in the order of the log.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn images(&self) -> Result<Vec<Place>, OpenError> {
        let source = self.source.as_ref();
        let failed = |error| OpenError::of(&self.path, error);
        let mut places = Vec::new();
        let snapshots = source.snapshots().map_err(failed)?;
        for next in snapshots.into_iter().filter(|next| *next >= self.first) {
            let beginning = source.chunk(next, 0).map_err(failed)?;
            places.extend(beginning.and_then(|chunk| Some(snapshot::find_chunk(&chunk)?.place)));
        }
        places.reverse();
        Ok(places)
    }

    /// The state kept at one of these places.
    ///
    /// # Errors
    /// See [`SnapshotError`]; what the storage refuses is missing.
    pub fn image(&self, place: Place) -> Result<(Core, Place), SnapshotError> {
        snapshot::read(|number| self.source.as_ref().chunk(place.next, number).ok().flatten())
    }

    /// The last record that can be read, and its time.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn last(&self) -> Result<Option<(u64, Millis)>, OpenError> {
        last_of(self.source.as_ref()).map_err(|error| OpenError::of(&self.path, error))
    }

    /// A chunk of a snapshot, as it is.
    pub(crate) fn chunk(&self, place: Place, number: u32) -> Option<Vec<u8>> {
        Some(self.source.as_ref().chunk(place.next, number).ok()??.to_vec())
    }

    /// The frame that holds a record, or the first one behind it; `None` at the end of the log, and
    /// why it is no frame if it is none.
    pub(crate) fn frame_with(&self, seq: u64) -> Result<Option<Vec<u8>>, String> {
        match frame_with(self.source.as_ref(), seq) {
            Ok(Some(bytes)) => Ok(Some(bytes.to_vec())),
            Ok(None) => self.loss.clone().map_or(Ok(None), Err),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The number of the first record that is not earlier than `time`; the one after the last
    /// record if there is none. Found by halving, so only a few frames are read.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn seq_at(&self, time: Millis) -> Result<u64, OpenError> {
        find_time(self.source.as_ref(), self.first, time)
            .map_err(|error| OpenError::of(&self.path, error))
    }

    /// The records from a sequence number on, as far as they are intact.
    #[must_use]
    pub fn records_from(&self, seq: u64) -> Records<'_> {
        Records { loss: self.loss.as_deref(), ..Records::of(&self.source, seq) }
    }
}

/// The frame that holds a record, or the first one behind it.
pub(super) fn frame_with(source: SourceRef<'_>, seq: u64) -> Result<Option<Stored>, StorageError> {
    let holds = |bytes: &Stored| Frame::read_exact(bytes).map_or(true, |frame| frame.next() > seq);
    match source.frame_up_to(seq)?.filter(|(_, bytes)| holds(bytes)) {
        Some((_, bytes)) => Ok(Some(bytes)),
        None => Ok(source.frame_from(seq)?.map(|(_, bytes)| bytes)),
    }
}

/// The last record that can be read, and its time.
pub(super) fn last_of(source: SourceRef<'_>) -> Result<Option<(u64, Millis)>, StorageError> {
    let end = end_of(source)?;
    let Some((_, bytes)) = source.frame_up_to(end.saturating_sub(1))? else { return Ok(None) };
    let Ok(frame) = Frame::read_exact(&bytes) else { return Ok(None) };
    Ok(frame.records().map_while(Result::ok).last().map(|(seq, record)| (seq, record.at)))
}

/// The number of the first record from `first` on that is not earlier than `time`; the one after the
/// last record if there is none. Found by halving.
pub(super) fn find_time(
    source: SourceRef<'_>,
    first: u64,
    time: Millis,
) -> Result<u64, StorageError> {
    // The frame that holds `low` begins before the time, the one that holds `high` does not.
    let (mut low, mut high) = (first, end_of(source)?.max(first));
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let frame = source.frame_up_to(middle)?;
        let is_later = |bytes: &[u8]| Frame::read_exact(bytes).is_ok_and(|f| f.at() >= time);
        let is_later = frame.is_some_and(|(_, bytes)| is_later(&bytes));
        *(if is_later { &mut high } else { &mut low }) = middle;
    }
    let start = source.frame_up_to(low)?.map_or(low, |(begins, _)| begins.max(first));
    let mut next = start;
    for item in Records::over(source, start) {
        let Ok((seq, record)) = item else { break };
        if record.at >= time {
            return Ok(seq);
        }
        next = seq + 1;
    }
    Ok(next)
}

/// Where a log begins: where it was cut, or else with its first record.
fn first_of(source: SourceRef<'_>) -> Result<u64, StorageError> {
    match source.first()? {
        0 => Ok(source.frame_from(0)?.map_or(0, |(first, _)| first)),
        first => Ok(first),
    }
}

/// The newest storage of a log, or the one that lies in the folder itself; what can be salvaged of
/// it, if a single frame cannot be had. A page of it may be unreadable where the bytes of its
/// frames still are. With it comes what showed that something behind its end is lost.
fn open_source(folder: Folder<'_>, path: &Path) -> Result<(Source, Option<String>), OpenError> {
    let (dir, found) = if Storage::file_in(path).is_file() {
        (path.to_owned(), folder.open(path)?)
    } else {
        let (number, found) = folder.open_newest()?;
        (folder.storage_dir(number), found)
    };
    let (storage, copy) = match found {
        Found::Damaged(salvaged, what) => {
            let salvaged = salvaged.with_islands();
            let loss = loses_its_end(&salvaged, &dir).then_some(what);
            return Ok((Source::Salvaged(salvaged), loss));
        }
        Found::Whole(storage, copy) => (storage, copy),
    };
    // A large one is not read through: what cannot be had is found out by who gets there.
    if Copy::is_large(&dir) || all_frames_can_be_had(&storage) {
        copy.into_iter().for_each(Copy::remove);
        return Ok((Source::Storage(storage), None));
    }
    drop(storage);
    let salvaged = folder.salvage(&dir, copy)?.with_islands();
    let what = || "a page of the storage cannot be read".to_owned();
    let loss = loses_its_end(&salvaged, &dir).then(what);
    Ok((Source::Salvaged(salvaged), loss))
}

/// Whether the log once went further than the chain of what was salvaged.
fn loses_its_end(salvaged: &Salvaged, dir: &Path) -> bool {
    let end = end_of(SourceRef::Salvaged(salvaged)).unwrap_or(0);
    salvaged.reach().max(noted_reach(dir)) > end
}

fn all_frames_can_be_had(storage: &Storage) -> bool {
    let Ok(mut next) = storage.first() else { return false };
    loop {
        match storage.frame_from(next) {
            Ok(Some((first, _))) => next = first + 1,
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// Records in the order of the log. Ends after the first error.
pub struct Records<'a> {
    source: SourceRef<'a>,
    from: u64,
    chain: Option<Chain>,
    frame: std::vec::IntoIter<(u64, Record)>,
    recent: Recent,
    /// What to say at the end, if that is not the end of the log.
    loss: Option<&'a str>,
    is_over: bool,
}

/// Why the records of a log end before it does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log is intact up to record {next}, not included: {why}")]
pub struct ReadError {
    /// Sequence number of the first record that cannot be read.
    pub next: u64,
    /// Why it cannot.
    pub why: Unreadable,
}

/// Why a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The frame it should be in.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The storage under it.
    #[error("{0}")]
    Storage(String),
}

impl<'a> Records<'a> {
    pub(super) fn new(storage: &'a Storage, from: u64) -> Records<'a> {
        Records::over(SourceRef::Storage(storage), from)
    }

    fn of(source: &'a Source, from: u64) -> Records<'a> {
        Records::over(source.as_ref(), from)
    }

    fn over(source: SourceRef<'a>, from: u64) -> Records<'a> {
        let frame = Vec::new().into_iter();
        let recent = Recent::default();
        Records { source, from, chain: None, frame, recent, loss: None, is_over: false }
    }

    /// Reads frames until one has a record that is wanted.
    fn next_frame(&mut self) -> Result<bool, ReadError> {
        let mut records = Vec::with_capacity(engine::frame::MAX_RECORDS);
        while records.is_empty() {
            let mut chain = match self.chain {
                Some(chain) => chain,
                None => self.source.chain_at(self.from).map_err(|why| self.unreadable(&why))?,
            };
            let entry = self.source.frame_from(chain.next());
            let Some((_, bytes)) = entry.map_err(|why| self.unreadable(&why))? else {
                return Ok(false);
            };
            let next = chain.next();
            read_frame(&mut chain, &bytes, self.from, &mut self.recent, &mut records)
                .map_err(|error| ReadError { next: next.max(self.from), why: error.into() })?;
            self.chain = Some(chain);
        }
        self.frame = records.into_iter();
        Ok(true)
    }

    /// The chain up to the frame of the last record that was taken.
    pub(crate) fn chain_so_far(&self) -> Option<Chain> {
        self.chain
    }

    fn unreadable(&self, error: &StorageError) -> ReadError {
        let next = self.chain.map_or(self.from, |chain| chain.next().max(self.from));
        ReadError { next, why: Unreadable::Storage(error.to_string()) }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<(u64, Record), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.frame.next() {
                return Some(Ok(record));
            }
            if self.is_over {
                return None;
            }
            match self.next_frame() {
                Ok(true) => {}
                Ok(false) => {
                    self.is_over = true;
                    let what = self.loss.map(ToOwned::to_owned);
                    return what.map(|what| Err(self.unreadable(&StorageError::Damaged(what))));
                }
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

/// Reads one frame of a log into the chain, and its records from number `from` on into `records`:
/// all of them, or with an error none.
pub(super) fn read_frame(
    chain: &mut Chain,
    bytes: &[u8],
    from: u64,
    recent: &mut Recent,
    records: &mut Vec<(u64, Record)>,
) -> Result<(), FrameError> {
    let frame = Frame::read_exact(bytes)?;
    let mut linked = *chain;
    linked.link(&frame)?;
    let before = records.len();
    for record in frame.records_knowing(recent) {
        match record {
            Ok((seq, record)) if seq >= from => records.push((seq, record)),
            Ok(_) => {}
            Err(error) => {
                records.truncate(before);
                return Err(error);
            }
        }
    }
    *chain = linked;
    Ok(())
}

/// Where the frames and snapshots of a log come from.
pub(super) enum Source {
    /// From a storage in order.
    Storage(Storage),
    /// From the bytes of one that cannot be opened any more.
    Salvaged(Salvaged),
}

/// A borrowed [`Source`].
#[derive(Clone, Copy)]
pub(super) enum SourceRef<'a> {
    Storage(&'a Storage),
    Salvaged(&'a Salvaged),
}

impl Source {
    pub(super) fn as_ref(&self) -> SourceRef<'_> {
        match self {
            Source::Storage(storage) => SourceRef::Storage(storage),
            Source::Salvaged(salvaged) => SourceRef::Salvaged(salvaged),
        }
    }
}

impl SourceRef<'_> {
    /// The first frame that begins with this record or a later one.
    pub(super) fn frame_from(&self, seq: u64) -> Result<Option<(u64, Stored)>, StorageError> {
        match self {
            SourceRef::Storage(storage) => storage.frame_from(seq),
            SourceRef::Salvaged(salvaged) => salvaged.frame_from(seq),
        }
    }

    /// The last frame that begins with this record or an earlier one.
    pub(super) fn frame_up_to(&self, seq: u64) -> Result<Option<(u64, Stored)>, StorageError> {
        match self {
            SourceRef::Storage(storage) => storage.frame_up_to(seq),
            SourceRef::Salvaged(salvaged) => salvaged.frame_up_to(seq),
        }
    }

    /// The places of all snapshots, latest first.
    pub(super) fn snapshots(&self) -> Result<Vec<u64>, StorageError> {
        match self {
            SourceRef::Storage(storage) => storage.snapshots(),
            SourceRef::Salvaged(salvaged) => Ok(salvaged.snapshots()),
        }
    }

    /// The place before which everything may have been removed; 0 if nothing was.
    pub(super) fn first(&self) -> Result<u64, StorageError> {
        match self {
            SourceRef::Storage(storage) => storage.first(),
            SourceRef::Salvaged(salvaged) => Ok(salvaged.first()),
        }
    }

    /// A part of the roll of permanent ids.
    pub(super) fn ids(&self, number: u32) -> Result<Option<Stored>, StorageError> {
        match self {
            SourceRef::Storage(storage) => storage.ids(number),
            SourceRef::Salvaged(salvaged) => salvaged.ids(number),
        }
    }

    /// A chunk of the snapshot at a place.
    pub(super) fn chunk(&self, place: u64, number: u32) -> Result<Option<Stored>, StorageError> {
        match self {
            SourceRef::Storage(storage) => storage.chunk(place, number),
            SourceRef::Salvaged(salvaged) => salvaged.chunk(place, number),
        }
    }

    /// The chain before the frame that holds record `seq`, or before the next frame if none does.
    fn chain_at(&self, seq: u64) -> Result<Chain, StorageError> {
        let holder = self.frame_up_to(seq)?.filter(|(_, bytes)| {
            // A frame that cannot be read may hold it; reading will tell.
            Frame::read_exact(bytes).map_or(true, |frame| frame.next() > seq)
        });
        let start = match holder {
            Some((first, _)) => first,
            None => match self.frame_from(seq)? {
                Some((first, _)) => first,
                None => return Ok(Chain::at(seq, None)),
            },
        };
        if start == 0 {
            return Ok(Chain::START);
        }
        let before = self.frame_up_to(start - 1)?;
        let crc = before.and_then(|(_, bytes)| Frame::read_exact(&bytes).ok().map(|f| f.crc()));
        Ok(Chain::at(start, crc))
    }
}
