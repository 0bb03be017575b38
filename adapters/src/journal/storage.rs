//! Frames and snapshot chunks in sled. The only file that knows sled.
//!
//! What sled 0.34 demands of its user, and what is done about it here:
//!
//! - Its flush on Linux is `sync_file_range`, which a power loss undoes. [`Storage::flush`] adds
//!   `fdatasync` of sled's file.
//! - A leaf of its tree holds up to 17 values, and a leaf larger than a quarter of a segment goes
//!   to a file of its own that nobody ever syncs. So no value is larger than 3 KiB (a larger
//!   frame is stored in pieces). A segment is far larger than a leaf: with small ones sled soon puts
//!   new leaves where old ones were, and of a file that is cut off less of the beginning is left.
//! - Its cache thinks of giving something back only once 64 accesses have come together in one of
//!   256 places, whatever its limit is. So some ten thousand of the latest values stay in memory,
//!   which is another reason to keep them small.
//! - Its flusher thread syncs an idle disk for ever, and a write error that it meets at the wrong
//!   moment leaves a waiting flush waiting. It is not started; its other duty, rewriting sparse
//!   segments, makes no difference to a log (measured with retention and snapshots).
//! - Its seven `sled-io` threads belong to the process, not to the database: they are started with
//!   the first write, are never more than a few, and stay for as long as the process lives.
//! - It panics on a damaged file, at opening and later. Every call is guarded.
//! - After a write error the database is of no more use and must be opened anew.
//! - The lock on its file may outlive the database for a moment, while an `sled-io` thread ends its
//!   work. Opening retries.

use super::piece::Piece;
#[cfg(target_os = "linux")]
use super::room::Room;
use engine::frame::Frame;
use std::fmt;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const SEGMENT_BYTES: usize = 2 * 1024 * 1024;
const CACHE_BYTES: u64 = 1024 * 1024;
const PAUSE_BETWEEN_OPENINGS: Duration = Duration::from_millis(20);
const FORMAT_KEY: &[u8] = b"format";
const FIRST_KEY: &[u8] = b"first";
/// Before the place of a snapshot.
const MARK_KEY: u8 = b'@';

/// One sled database: the trees of a log.
pub(super) struct Storage {
    /// Taken only when the storage is dropped.
    trees: Option<Trees>,
    #[cfg(target_os = "linux")]
    file: std::fs::File,
    #[cfg(target_os = "linux")]
    room: Room,
}

struct Trees {
    db: sled::Db,
    /// Frames by the sequence number of their first record, big-endian; the pieces of a large
    /// frame but the first have the number of the piece behind it.
    log: sled::Tree,
    /// Chunks by the next sequence number and their own number, big-endian.
    snap: sled::Tree,
    /// `format`, written last when a storage is made; `first`, the place before which all may be
    /// removed; and for each snapshot what is known of it, see `retention.rs`.
    meta: sled::Tree,
    /// The permanent ids, see `roll.rs`.
    ids: sled::Tree,
}

/// Bytes out of the storage.
#[derive(Clone)]
pub(super) struct Stored(sled::IVec);

impl Deref for Stored {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Stored {
    fn from(bytes: Vec<u8>) -> Stored {
        Stored(bytes.into())
    }
}

impl AsRef<[u8]> for Stored {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Why the storage does not do what it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StorageError {
    /// Another process, or another part of this one, has it open.
    InUse,
    /// The disk is full.
    Full,
    /// The operating system refuses, for another reason.
    Io(String),
    /// The files contradict themselves.
    Damaged(String),
    /// Made by another version of sled, or with other parameters.
    Foreign(String),
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StorageError::InUse => f.write_str("another process uses it"),
            StorageError::Full => f.write_str("the disk is full"),
            StorageError::Io(what) | StorageError::Damaged(what) | StorageError::Foreign(what) => {
                f.write_str(what)
            }
        }
    }
}

type Outcome<T> = Result<T, StorageError>;

impl Storage {
    /// The file in which sled keeps nearly everything.
    pub(super) fn file_in(dir: &Path) -> PathBuf {
        dir.join("db")
    }

    /// Opens or makes the database, trying until `deadline` while another process has it.
    pub(super) fn open(dir: &Path, deadline: Instant) -> Outcome<Storage> {
        loop {
            match Storage::open_now(dir) {
                Err(StorageError::InUse) if Instant::now() < deadline => {
                    std::thread::sleep(PAUSE_BETWEEN_OPENINGS);
                }
                outcome => return outcome,
            }
        }
    }

    fn open_now(dir: &Path) -> Outcome<Storage> {
        guarded(|| {
            let db = sled::Config::new()
                .path(dir)
                .cache_capacity(CACHE_BYTES)
                .segment_size(SEGMENT_BYTES)
                .flush_every_ms(None)
                .open()?;
            let (log, snap) = (db.open_tree("log")?, db.open_tree("snap")?);
            let (meta, ids) = (db.open_tree("meta")?, db.open_tree("ids")?);
            #[cfg(target_os = "linux")]
            let file = std::fs::File::open(Storage::file_in(dir))?;
            Ok(Storage {
                trees: Some(Trees { db, log, snap, meta, ids }),
                #[cfg(target_os = "linux")]
                room: Room::of(&Storage::file_in(dir))?,
                #[cfg(target_os = "linux")]
                file,
            })
        })
    }

    fn trees(&self) -> &Trees {
        // Only `drop` takes them, and nothing is called after it.
        self.trees.as_ref().expect("a storage has its trees until it is dropped")
    }

    /// Makes everything put so far outlive the process, and a power loss.
    pub(super) fn flush(&self) -> Outcome<()> {
        guarded(|| {
            self.trees().db.flush()?;
            // Elsewhere sled does this itself.
            #[cfg(target_os = "linux")]
            self.file.sync_data()?;
            Ok(())
        })
    }

    /// Sees to it that there is room ahead, where that makes flushes faster.
    pub(super) fn make_room(&mut self) {
        #[cfg(target_os = "linux")]
        self.room.look();
    }

    // ---- what the storage is ----

    /// Format of the log, if the storage was completed.
    pub(super) fn format(&self) -> Outcome<Option<u16>> {
        let value = guarded(|| self.trees().meta.get(FORMAT_KEY))?;
        Ok(value.map(|bytes| bytes.iter().rev().fold(0, |n, byte| n << 8 | u16::from(*byte))))
    }

    /// Completes the storage: from now on it is the one to open.
    pub(super) fn set_format(&self, format: u16) -> Outcome<()> {
        guarded(|| {
            self.trees().meta.insert(FORMAT_KEY, &format.to_le_bytes())?;
            Ok(())
        })?;
        self.flush()
    }

    /// The place before which everything may have been removed; 0 if nothing was.
    pub(super) fn first(&self) -> Outcome<u64> {
        let value = guarded(|| self.trees().meta.get(FIRST_KEY))?;
        let first = value.and_then(|bytes| Some(u64::from_le_bytes(*bytes.first_chunk()?)));
        Ok(first.unwrap_or(0))
    }

    /// Notes that everything before this place may be removed; not yet flushed.
    pub(super) fn set_first(&self, first: u64) -> Outcome<()> {
        guarded(|| {
            self.trees().meta.insert(FIRST_KEY, &first.to_le_bytes())?;
            Ok(())
        })
    }

    // ---- frames ----

    /// Puts a frame; not yet flushed.
    pub(super) fn put_frame(&self, first: u64, frame: &[u8]) -> Outcome<()> {
        guarded(|| {
            let (beginning, pieces) = Piece::cut(first, frame);
            self.trees().log.insert(first.to_be_bytes(), beginning)?;
            for piece in pieces {
                self.trees().log.insert(piece_key(first, piece.number), piece.stored())?;
            }
            Ok(())
        })
    }

    /// The first frame that begins with this record or a later one.
    pub(super) fn frame_from(&self, seq: u64) -> Outcome<Option<(u64, Stored)>> {
        guarded(|| {
            let log = &self.trees().log;
            let mut entry = match log.get(seq.to_be_bytes())? {
                Some(value) => Some((sled::IVec::from(&seq.to_be_bytes()), value)),
                None => log.get_gt(seq.to_be_bytes())?,
            };
            // What begins with a piece belongs to an earlier frame.
            while let Some((key, value)) = entry {
                if let Ok(first) = <[u8; 8]>::try_from(&key[..]) {
                    return Ok(Some((u64::from_be_bytes(first), self.whole(first, value)?)));
                }
                entry = log.get_gt(&key)?;
            }
            Ok(None)
        })
    }

    /// The last frame that begins with this record or an earlier one.
    pub(super) fn frame_up_to(&self, seq: u64) -> Outcome<Option<(u64, Stored)>> {
        guarded(|| {
            let mut entry = self.trees().log.get_lt(upper_bound(seq))?;
            while let Some((key, value)) = entry {
                if let Ok(first) = <[u8; 8]>::try_from(&key[..]) {
                    return Ok(Some((u64::from_be_bytes(first), self.whole(first, value)?)));
                }
                entry = self.trees().log.get_lt(&key)?;
            }
            Ok(None)
        })
    }

    /// Removes the oldest values of frames that begin before this record, at most so many, and says
    /// whether there are none left; not yet flushed.
    pub(super) fn remove_frames(&self, before: u64, most: usize) -> Outcome<bool> {
        guarded(|| {
            let log = &self.trees().log;
            for _ in 0..most {
                match log.first()? {
                    Some((key, _)) if key[..] < before.to_be_bytes()[..] => log.remove(key)?,
                    _ => return Ok(true),
                };
            }
            Ok(false)
        })
    }

    /// Joins the pieces of a frame to its beginning.
    fn whole(&self, first: [u8; 8], value: sled::IVec) -> Result<Stored, sled::Error> {
        let len = value.first_chunk().and_then(|header| Frame::len_of(header).ok());
        if len.is_none_or(|len| len <= value.len()) {
            return Ok(Stored(value));
        }
        let mut frame = value.to_vec();
        for number in 1.. {
            let stored = self.trees().log.get(piece_key(u64::from_be_bytes(first), number))?;
            match stored.as_deref().and_then(Piece::read) {
                Some(piece) => frame.extend_from_slice(piece.bytes),
                None => break,
            }
        }
        Ok(frame.into())
    }

    // ---- snapshots ----

    /// The places of all snapshots, whole or not, latest first.
    pub(super) fn snapshots(&self) -> Outcome<Vec<u64>> {
        guarded(|| {
            let (mut places, mut entry) = (Vec::new(), self.trees().snap.last()?);
            while let Some((key, _)) = entry {
                let place = key.first_chunk().map_or(0, |next| u64::from_be_bytes(*next));
                places.push(place);
                entry = self.trees().snap.get_lt(place.to_be_bytes())?;
            }
            Ok(places)
        })
    }

    /// The place of the oldest snapshot.
    pub(super) fn oldest_snapshot(&self) -> Outcome<Option<u64>> {
        guarded(|| {
            let first = self.trees().snap.first()?;
            Ok(first.and_then(|(key, _)| Some(u64::from_be_bytes(*key.first_chunk()?))))
        })
    }

    /// A chunk of the snapshot at a place.
    pub(super) fn chunk(&self, place: u64, number: u32) -> Outcome<Option<Stored>> {
        guarded(|| Ok(self.trees().snap.get(chunk_key(place, number))?.map(Stored)))
    }

    /// Puts a chunk; not yet flushed.
    pub(super) fn put_chunk(&self, place: u64, number: u32, chunk: &[u8]) -> Outcome<()> {
        guarded(|| {
            self.trees().snap.insert(chunk_key(place, number), chunk)?;
            Ok(())
        })
    }

    /// Removes the snapshot at a place.
    pub(super) fn remove_snapshot(&self, place: u64) -> Outcome<()> {
        while !self.remove_chunks(place, usize::MAX)? {}
        Ok(())
    }

    /// Removes chunks of the snapshot at a place, at most so many, and what is known of it; says
    /// whether there are none left. Not yet flushed.
    pub(super) fn remove_chunks(&self, place: u64, most: usize) -> Outcome<bool> {
        guarded(|| {
            let snap = &self.trees().snap;
            self.trees().meta.remove(mark_key(place))?;
            let mut left = most;
            for key in snap.scan_prefix(place.to_be_bytes()).keys() {
                if left == 0 {
                    return Ok(false);
                }
                snap.remove(key?)?;
                left -= 1;
            }
            Ok(true)
        })
    }

    /// What is known of the snapshot at a place.
    pub(super) fn mark(&self, place: u64) -> Outcome<Option<Stored>> {
        guarded(|| Ok(self.trees().meta.get(mark_key(place))?.map(Stored)))
    }

    /// Notes something about the snapshot at a place; not yet flushed.
    pub(super) fn set_mark(&self, place: u64, mark: &[u8]) -> Outcome<()> {
        guarded(|| {
            self.trees().meta.insert(mark_key(place), mark)?;
            Ok(())
        })
    }

    // ---- permanent ids ----

    /// Part of the table of ids.
    pub(super) fn ids(&self, number: u32) -> Outcome<Option<Stored>> {
        guarded(|| Ok(self.trees().ids.get(number.to_be_bytes())?.map(Stored)))
    }

    /// The last part of the table of ids.
    pub(super) fn last_ids(&self) -> Outcome<Option<Stored>> {
        guarded(|| Ok(self.trees().ids.last()?.map(|(_, value)| Stored(value))))
    }

    /// Puts a part of the table of ids; not yet flushed.
    pub(super) fn put_ids(&self, number: u32, part: &[u8]) -> Outcome<()> {
        guarded(|| {
            self.trees().ids.insert(number.to_be_bytes(), part)?;
            Ok(())
        })
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        let trees = self.trees.take();
        if catch_unwind(AssertUnwindSafe(|| drop(trees))).is_err() {
            tracing::error!("the log's storage could not be closed cleanly");
        }
    }
}

fn piece_key(first: u64, number: u16) -> [u8; 10] {
    let mut key = [0; 10];
    key[..8].copy_from_slice(&first.to_be_bytes());
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}

/// Behind all pieces of the frame that begins with this record.
fn upper_bound(seq: u64) -> [u8; 10] {
    piece_key(seq, u16::MAX)
}

fn mark_key(place: u64) -> [u8; 9] {
    let mut key = [MARK_KEY; 9];
    key[1..].copy_from_slice(&place.to_be_bytes());
    key
}

fn chunk_key(place: u64, number: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&place.to_be_bytes());
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}

/// Calls sled and turns what it says, or that it panics, into our error.
fn guarded<T>(call: impl FnOnce() -> Result<T, sled::Error>) -> Outcome<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error.into()),
        Err(panic) => {
            let what = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no reason given");
            Err(StorageError::Damaged(format!("the storage gave up: {what}")))
        }
    }
}

impl From<sled::Error> for StorageError {
    fn from(error: sled::Error) -> StorageError {
        use std::io::ErrorKind;
        match error {
            sled::Error::Io(error) => match error.kind() {
                // sled has no error of its own for this.
                _ if error.to_string().starts_with("could not acquire lock") => StorageError::InUse,
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StorageError::Full,
                _ => StorageError::Io(error.to_string()),
            },
            sled::Error::Unsupported(what) => StorageError::Foreign(what),
            sled::Error::ReportableBug(what) => StorageError::Io(what),
            // Where exactly, sled does not say.
            sled::Error::Corruption { .. } => {
                StorageError::Damaged("a checksum of its storage does not fit".into())
            }
            sled::Error::CollectionNotFound(_) => {
                StorageError::Damaged("a part of its storage is missing".into())
            }
        }
    }
}
