//! Opening a log: which storage, which state, and what to do when it is damaged.

use super::reader::{Source, SourceRef, read_frame};
use super::salvage::Salvaged;
use super::storage::{Storage, StorageError};
use engine::core::Core;
use engine::frame::{Chain, Frame, FrameError};
use engine::snapshot::{self, Place, SnapshotError};
use engine::time::Millis;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Version of how a log lies in its storage.
const FORMAT: u16 = 1;

const STORAGE_PREFIX: &str = "log-";

/// What a log led to.
#[derive(Debug)]
pub struct Recovered {
    /// The state.
    pub core: Core,
    /// Sequence number of the next record.
    pub next_seq: u64,
    /// Time of the last record; time must not run back from here (invariant I-23).
    pub last_at: Millis,
    /// How many records were read to get there; those before are in a snapshot.
    pub folded: u64,
    /// How many records the state knows that the log has lost. If there are any, the next record
    /// must be `HostFact::Gap` with this number.
    pub missing: u64,
    /// What was damaged, if something was.
    pub damage: Option<Damage>,
}

/// What was damaged, and where it can still be looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the log was damaged: {what}. Records from {next} on are lost from it; \
     the damaged storage is kept in {}", .kept_in.display()
)]
pub struct Damage {
    /// Sequence number of the first record that could not be read.
    pub next: u64,
    /// What showed the damage.
    pub what: String,
    /// The damaged storage, untouched.
    pub kept_in: PathBuf,
}

/// Why a log cannot be opened. Every message names the log and says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "another process works on the log {}; stop it, or give this one a log of its own",
        .path.display()
    )]
    InUse {
        /// The log.
        path: PathBuf,
    },
    /// A newer version of the program wrote it. Nothing was changed.
    #[error(
        "the log {} is newer than this program: {what}. Install the version that wrote it, or \
         give this one a log of its own", .path.display()
    )]
    Newer {
        /// The log.
        path: PathBuf,
        /// What shows it.
        what: String,
    },
    /// The disk is full.
    #[error("the disk of the log {} is full; make room on it", .path.display())]
    Full {
        /// The log.
        path: PathBuf,
    },
    /// The operating system refuses.
    #[error(
        "the log {} cannot be used: {what}. Check that the folder can be made and written by the \
         account of this service", .path.display()
    )]
    Io {
        /// The log.
        path: PathBuf,
        /// What it says.
        what: String,
    },
    /// What lies there is no log of this program, or damaged beyond reading.
    #[error(
        "the log {} cannot be read: {what}. Move it away, or give this program a log of its own",
        .path.display()
    )]
    Unreadable {
        /// The log.
        path: PathBuf,
        /// What shows it.
        what: String,
    },
}

impl OpenError {
    pub(super) fn of(path: &Path, error: StorageError) -> OpenError {
        let path = path.to_owned();
        match error {
            StorageError::InUse => OpenError::InUse { path },
            StorageError::Full => OpenError::Full { path },
            StorageError::Io(what) => OpenError::Io { path, what },
            StorageError::Damaged(what) | StorageError::Foreign(what) => {
                OpenError::Unreadable { path, what }
            }
        }
    }
}

/// A log opened for appending.
pub(super) struct Opened {
    pub(super) storage: Storage,
    pub(super) chain: Chain,
    pub(super) recovered: Recovered,
}

/// Opens the newest storage of a log, or makes the first one; moves on to a new one if it is
/// damaged.
pub(super) fn open(path: &Path, wait: Duration) -> Result<Opened, OpenError> {
    let deadline = Instant::now() + wait;
    std::fs::create_dir_all(path)
        .map_err(|error| OpenError::Io { path: path.to_owned(), what: error.to_string() })?;
    let (number, source, damage) = match newest(path, deadline)? {
        (number, Found::Whole(storage)) => (number, Source::Storage(storage), None),
        (number, Found::Damaged(salvaged, what)) => {
            (number, Source::Salvaged(salvaged), Some(what))
        }
    };
    let fold = Fold::of(source.as_ref(), path)?;
    match (source, damage.or(fold.damage.as_ref().map(ToString::to_string))) {
        (Source::Storage(storage), None) => {
            Ok(Opened { storage, chain: fold.chain, recovered: fold.recovered(None) })
        }
        (source, what) => {
            let what = what.unwrap_or_default();
            let damage =
                Damage { next: fold.chain.next(), what, kept_in: storage_dir(path, number) };
            tracing::error!("{damage}");
            let storage = move_on(path, number + 1, source.as_ref(), fold.chain.next(), deadline)
                .map_err(|error| OpenError::of(path, error))?;
            Ok(Opened { storage, chain: fold.chain, recovered: fold.recovered(Some(damage)) })
        }
    }
}

/// Opens a log for reading only, or one storage of it.
pub(super) fn open_source(path: &Path, wait: Duration) -> Result<Source, OpenError> {
    let deadline = Instant::now() + wait;
    let what = || "there is no log in this folder".to_owned();
    if !path.is_dir() || !Storage::file_in(path).is_file() && numbers(path).is_empty() {
        return Err(OpenError::Unreadable { path: path.to_owned(), what: what() });
    }
    let found = if Storage::file_in(path).is_file() {
        open_one(path, path, deadline)?
    } else {
        newest(path, deadline)?.1
    };
    Ok(match found {
        Found::Whole(storage) => Source::Storage(storage),
        Found::Damaged(salvaged, _) => Source::Salvaged(salvaged),
    })
}

enum Found {
    Whole(Storage),
    Damaged(Salvaged, String),
}

/// The newest storage that was completed; the first one is complete as it is made.
fn newest(path: &Path, deadline: Instant) -> Result<(u32, Found), OpenError> {
    let mut numbers = numbers(path);
    if numbers.is_empty() {
        numbers.push(1);
    }
    let oldest = numbers[0];
    for number in numbers.into_iter().rev() {
        let dir = storage_dir(path, number);
        let found = open_one(path, &dir, deadline)?;
        let Found::Whole(storage) = &found else { return Ok((number, found)) };
        let format = storage.format().map_err(|error| OpenError::of(path, error))?;
        match format {
            Some(FORMAT) => return Ok((number, found)),
            Some(format) => {
                let what = format!("format {format}, where this program knows {FORMAT}");
                return Err(OpenError::Newer { path: path.to_owned(), what });
            }
            None if number == oldest => {
                storage.set_format(FORMAT).map_err(|error| OpenError::of(path, error))?;
                keep_folder_entries(path, &dir);
                return Ok((number, found));
            }
            // Moving on to this one was interrupted; the one before still has everything.
            None => tracing::warn!("{} was never completed and is not used", dir.display()),
        }
    }
    // The oldest is always taken above.
    Err(OpenError::Unreadable { path: path.to_owned(), what: "no storage".into() })
}

fn open_one(path: &Path, dir: &Path, deadline: Instant) -> Result<Found, OpenError> {
    match Storage::open(dir, deadline) {
        Ok(storage) => Ok(Found::Whole(storage)),
        Err(StorageError::Damaged(what)) => {
            let salvaged = Salvaged::scan(&Storage::file_in(dir)).map_err(|error| {
                OpenError::Io { path: path.to_owned(), what: error.to_string() }
            })?;
            Ok(Found::Damaged(salvaged, what))
        }
        Err(error) => Err(OpenError::of(path, error)),
    }
}

/// Puts all intact frames before `next`, and all snapshots, into a new storage.
fn move_on(
    path: &Path,
    mut number: u32,
    source: SourceRef<'_>,
    next: u64,
    deadline: Instant,
) -> Result<Storage, StorageError> {
    while storage_dir(path, number).exists() {
        number += 1;
    }
    let dir = storage_dir(path, number);
    let storage = Storage::open(&dir, deadline)?;
    let mut seq = 0;
    while let Some((first, bytes)) = source.frame_from(seq)?.filter(|(first, _)| *first < next) {
        storage.put_frame(first, &bytes)?;
        seq = first + 1;
    }
    for place in source.snapshots()? {
        for number in 0..snapshot::MAX_CHUNKS {
            let Some(chunk) = source.chunk(place, number)? else { break };
            storage.put_chunk(place, number, &chunk)?;
        }
    }
    storage.flush()?;
    storage.set_format(FORMAT)?;
    keep_folder_entries(path, &dir);
    Ok(storage)
}

/// The state a source leads to, and where it ends.
struct Fold {
    core: Core,
    /// After the last record in the state.
    place: Place,
    /// After the last intact frame of the log.
    chain: Chain,
    folded: u64,
    damage: Option<FrameError>,
}

impl Fold {
    /// Reads the newest good snapshot and folds what follows it, frame by frame.
    fn of(source: SourceRef<'_>, path: &Path) -> Result<Fold, OpenError> {
        let failed = |error| OpenError::of(path, error);
        let (core, place) = newest_good_snapshot(source).map_err(failed)?.unwrap_or_default();
        let mut fold = Fold { core, place, chain: Chain::START, folded: 0, damage: None };
        fold.find_place(source).map_err(failed)?;
        while fold.damage.is_none() {
            let entry = source.frame_from(fold.chain.next()).map_err(failed)?;
            let Some((_, bytes)) = entry else { break };
            fold.take(&bytes);
        }
        match fold.damage.take_if(|damage| damage.is_newer()) {
            Some(newer) => Err(OpenError::Newer { path: path.to_owned(), what: newer.to_string() }),
            None => Ok(fold),
        }
    }

    /// Finds the frame behind the snapshot: the one that holds the next record, or would.
    fn find_place(&mut self, source: SourceRef<'_>) -> Result<(), StorageError> {
        let next = self.place.next;
        if next == 0 {
            if let Some((first, _)) = source.frame_from(0)?.filter(|(first, _)| *first > 0) {
                // Older frames are gone, and no snapshot bridges them.
                self.chain = Chain::at(first, None);
            }
            return Ok(());
        }
        let Some((_, bytes)) = source.frame_up_to(next - 1)? else {
            self.chain = Chain::at(next, None);
            return Ok(());
        };
        match Frame::read_exact(&bytes) {
            Ok(frame) => {
                self.chain = Chain::at(frame.next(), Some(frame.crc()));
                // The snapshot was made in the middle of this frame.
                let rest = frame
                    .records()
                    .skip_while(|record| record.as_ref().is_ok_and(|(seq, _)| *seq < next));
                rest.map_while(Result::ok).for_each(|(seq, record)| self.apply(seq, record));
            }
            Err(_) => self.chain = Chain::at(next, None),
        }
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) {
        let mut records = Vec::new();
        match read_frame(&mut self.chain, bytes, self.place.next, &mut records) {
            Ok(()) => records.into_iter().for_each(|(seq, record)| self.apply(seq, record)),
            Err(error) => self.damage = Some(error),
        }
    }

    fn apply(&mut self, seq: u64, record: engine::fact::Record) {
        let mut effects = Vec::new();
        self.place = Place { next: seq + 1, last_at: record.at.max(self.place.last_at) };
        self.folded += 1;
        self.core.apply(record, &mut effects);
    }

    fn recovered(self, damage: Option<Damage>) -> Recovered {
        Recovered {
            core: self.core,
            next_seq: self.place.next.max(self.chain.next()),
            last_at: self.place.last_at,
            folded: self.folded,
            missing: self.place.next.saturating_sub(self.chain.next()),
            damage,
        }
    }
}

fn newest_good_snapshot(source: SourceRef<'_>) -> Result<Option<(Core, Place)>, StorageError> {
    for place in source.snapshots()? {
        let mut failure = None;
        let read = snapshot::read(|number| match source.chunk(place, number) {
            Ok(chunk) => chunk,
            Err(error) => {
                failure = Some(error);
                None
            }
        });
        match (read, failure) {
            (_, Some(error)) => return Err(error),
            (Ok(snapshot), None) => return Ok(Some(snapshot)),
            (Err(SnapshotError::OtherVersion { .. }), None) => {}
            (Err(error), None) => tracing::warn!("snapshot at record {place} is not used: {error}"),
        }
    }
    Ok(None)
}

fn storage_dir(path: &Path, number: u32) -> PathBuf {
    path.join(format!("{STORAGE_PREFIX}{number}"))
}

/// The numbers of the storages in a log, ascending.
fn numbers(path: &Path) -> Vec<u32> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut numbers: Vec<u32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix(STORAGE_PREFIX)?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers
}

/// On Linux the name of a new file is safe only when its folder is synced. Elsewhere folders cannot
/// be, and failing here loses nothing that was promised to anyone yet.
fn keep_folder_entries(path: &Path, dir: &Path) {
    #[cfg(target_os = "linux")]
    for folder in [path, dir] {
        if let Err(error) = std::fs::File::open(folder).and_then(|folder| folder.sync_all()) {
            tracing::warn!("{} could not be synced: {error}", folder.display());
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (path, dir);
}
