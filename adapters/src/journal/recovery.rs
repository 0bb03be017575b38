//! Opening a log: which state it leads to, and what to do when it is damaged.

use super::error::OpenError;
use super::fold::{Fold, Stop};
use super::folder::{Copy, Folder, Found, Lock, note_first};
use super::reader::{Source, SourceRef};
use super::retention::{Holdings, Mark};
use super::salvage::Salvaged;
use super::storage::{Storage, StorageError};
use engine::core::Core;
use engine::frame::Chain;
use engine::snapshot;
use engine::time::Millis;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// How many records the state knows that the log has lost. If there are any, the log says so
    /// already, in a `HostFact::Gap`.
    pub missing: u64,
    /// What was damaged, if something was.
    pub damage: Option<Damage>,
}

/// What was damaged, and where it can still be looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the log was damaged: {what}. Everything before record {next} was read and work goes on from \
     there; what came after is lost. The damaged storage is kept in {}; check the disk",
    .kept_in.display()
)]
pub struct Damage {
    /// Sequence number of the first record that could not be read.
    pub next: u64,
    /// What showed the damage.
    pub what: String,
    /// The damaged storage, as the attempt to open it left it. Nothing is written to it from now on.
    pub kept_in: PathBuf,
}

/// A log opened for appending.
pub(super) struct Opened {
    pub(super) lock: Lock,
    pub(super) storage: Storage,
    pub(super) dir: PathBuf,
    pub(super) chain: Chain,
    pub(super) holdings: Holdings,
    pub(super) recovered: Recovered,
}

/// Opens the newest storage of a log, or makes the first one; moves on to a new one if it is
/// damaged.
pub(super) fn open(path: &Path, wait: Duration) -> Result<Opened, OpenError> {
    std::fs::create_dir_all(path).map_err(|error| OpenError::io(path, &error))?;
    let folder = Folder::new(path, wait);
    let lock = folder.lock()?;
    let (number, found) = folder.open_newest()?;
    let dir = folder.storage_dir(number);
    let (source, fold, damage) = fold(folder, &dir, found)?;
    let (storage, dir, damage) = match (source, damage) {
        (Source::Storage(storage), None) => (storage, dir, None),
        (source, what) => {
            let next = fold.chain.next();
            let damage = Damage { next, what: what.unwrap_or_default(), kept_in: dir };
            tracing::error!("{damage}");
            let moved = move_on(folder, number, source.as_ref(), next);
            let (storage, dir) = moved.map_err(|error| folder.failed(error))?;
            (storage, dir, Some(damage))
        }
    };
    let holdings = Holdings::of(&storage, fold.began, fold.bytes);
    let holdings = holdings.map_err(|error| folder.failed(error))?;
    let chain = fold.chain;
    Ok(Opened { lock, storage, dir, chain, holdings, recovered: recovered(fold, damage) })
}

/// A log folded: from where, to what, and what was damaged.
type Folded = (Source, Fold, Option<String>);

/// Folds the log of a storage into a state; if the storage turns out to be damaged only then, what
/// can be salvaged of it.
fn fold(folder: Folder<'_>, dir: &Path, found: Found) -> Result<Folded, OpenError> {
    let (storage, copy) = match found {
        Found::Damaged(salvaged, what) => return fold_salvaged(folder, salvaged, what),
        Found::Whole(storage, copy) => (storage, copy),
    };
    match Fold::of(SourceRef::Storage(&storage)) {
        Ok(fold) => {
            let damage = fold.damage.as_ref().map(ToString::to_string);
            // If a frame is damaged, the storage itself is sound, and evidence enough.
            copy.into_iter().for_each(Copy::remove);
            Ok((Source::Storage(storage), fold, damage))
        }
        Err(Stop::Storage(StorageError::Damaged(what))) => {
            drop(storage);
            fold_salvaged(folder, folder.salvage(dir, copy)?, what)
        }
        Err(stop) => {
            copy.into_iter().for_each(Copy::remove);
            Err(stopped(folder, stop))
        }
    }
}

fn fold_salvaged(
    folder: Folder<'_>,
    salvaged: Salvaged,
    what: String,
) -> Result<Folded, OpenError> {
    let hole = salvaged.first_hole();
    // Behind a hole work goes on if there is a snapshot that bridges it.
    let salvaged = salvaged.with_islands();
    let fold = Fold::of(SourceRef::Salvaged(&salvaged)).map_err(|stop| stopped(folder, stop))?;
    let what = match hole.filter(|hole| hole.end < fold.chain.next()) {
        Some(Range { start, end }) => {
            let last = end - 1;
            format!(
                "{what}; records {start} to {last} cannot be read any more, but those behind them"
            )
        }
        None => what,
    };
    Ok((Source::Salvaged(salvaged), fold, Some(what)))
}

fn stopped(folder: Folder<'_>, stop: Stop) -> OpenError {
    match stop {
        Stop::Storage(error) => folder.failed(error),
        Stop::Newer(error) => folder.newer(error.to_string()),
    }
}

fn recovered(fold: Fold, damage: Option<Damage>) -> Recovered {
    Recovered {
        next_seq: fold.place.next.max(fold.chain.next()),
        last_at: fold.place.last_at,
        folded: fold.folded,
        missing: fold.place.next.saturating_sub(fold.chain.next()),
        core: fold.core,
        damage,
    }
}

/// Puts all frames before `next`, all snapshots and the roll of ids into a new storage.
fn move_on(
    folder: Folder<'_>,
    number: u32,
    source: SourceRef<'_>,
    next: u64,
) -> Result<(Storage, PathBuf), StorageError> {
    let (storage, dir) = folder.begin_after(number)?;
    let from = source.first()?;
    let mut snapshots = source.snapshots()?;
    let (mut seq, mut before) = (source.frame_up_to(from)?.map_or(from, |(first, _)| first), 0);
    while let Some((first, bytes)) = source.frame_from(seq)?.filter(|(first, _)| *first < next) {
        while let Some(place) = snapshots.pop_if(|place| *place <= first) {
            copy_snapshot(source, &storage, place, before)?;
        }
        storage.put_frame(first, &bytes)?;
        before += bytes.len() as u64;
        seq = first + 1;
    }
    while let Some(place) = snapshots.pop() {
        copy_snapshot(source, &storage, place, before)?;
    }
    for number in 0.. {
        let Some(part) = source.ids(number)? else { break };
        storage.put_ids(number, &part)?;
    }
    if from > 0 {
        storage.set_first(from)?;
        if let Err(error) = note_first(&dir, from) {
            return Err(StorageError::Io(error.to_string()));
        }
    }
    folder.complete(&storage, &dir)?;
    Ok((storage, dir))
}

/// Copies a snapshot, if it is whole as far as one can see.
fn copy_snapshot(
    source: SourceRef<'_>,
    storage: &Storage,
    place: u64,
    before: u64,
) -> Result<(), StorageError> {
    let mut mark = None;
    let mut bytes = 0;
    for number in 0..snapshot::MAX_CHUNKS {
        let Some(chunk) = source.chunk(place, number)? else { break };
        storage.put_chunk(place, number, &chunk)?;
        bytes += chunk.len() as u64;
        if let Some(found) = snapshot::find_chunk(&chunk).filter(|found| found.is_last) {
            mark = Some(Mark { place: found.place, before, bytes });
            break;
        }
    }
    mark.map_or(Ok(()), |mark| storage.set_mark(place, &mark.stored()))
}
