//! The folder of a log: its storages, the lock on it, and the care taken when one is opened.

use super::error::OpenError;
use super::reader::SourceRef;
use super::salvage::Salvaged;
use super::storage::{Storage, StorageError};
use engine::frame::Frame;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Version of how a log lies in its storage.
const FORMAT: u16 = 1;

const STORAGE_PREFIX: &str = "log-";
const REACH_FILE: &str = "reach";
const FIRST_FILE: &str = "first";

/// How often to look whether another process has let go of the log.
const PAUSE_BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// The folder of a log, and until when to wait for another process that has it.
#[derive(Clone, Copy)]
pub(super) struct Folder<'a> {
    path: &'a Path,
    deadline: Instant,
}

/// What opening one storage found.
pub(super) enum Found {
    /// Opened, and nothing speaks against it so far. The copy is for the case that something will.
    Whole(Storage, Option<Copy>),
    /// What could be salvaged, and what was wrong.
    Damaged(Salvaged, String),
}

impl<'a> Folder<'a> {
    /// The folder, to be waited for as long as `wait` from now.
    pub(super) fn new(path: &'a Path, wait: Duration) -> Folder<'a> {
        Folder { path, deadline: Instant::now() + wait }
    }

    /// Keeps other processes away.
    pub(super) fn lock(&self) -> Result<Lock, OpenError> {
        Lock::take(self.path, self.deadline)
    }

    /// Where a storage lies.
    pub(super) fn storage_dir(&self, number: u32) -> PathBuf {
        self.path.join(format!("{STORAGE_PREFIX}{number}"))
    }

    /// The error of the storage, with the name of the log.
    pub(super) fn failed(&self, error: StorageError) -> OpenError {
        OpenError::of(self.path, error)
    }

    /// The error that a newer version wrote the log.
    pub(super) fn newer(&self, what: String) -> OpenError {
        OpenError::Newer { path: self.path.to_owned(), what }
    }

    /// The newest storage that was completed; the first one is complete as it is made.
    pub(super) fn open_newest(&self) -> Result<(u32, Found), OpenError> {
        let mut numbers = numbers(self.path);
        if numbers.is_empty() {
            numbers.push(1);
        }
        let oldest = numbers[0];
        for number in numbers.into_iter().rev() {
            let dir = self.storage_dir(number);
            let found = self.open(&dir)?;
            let Found::Whole(storage, _) = &found else { return Ok((number, found)) };
            match storage.format().map_err(|error| self.failed(error))? {
                Some(FORMAT) => return Ok((number, found)),
                Some(format) => {
                    let what = format!("format {format}, where this program knows {FORMAT}");
                    return Err(self.newer(what));
                }
                None if number == oldest => {
                    self.complete(storage, &dir).map_err(|error| self.failed(error))?;
                    return Ok((number, found));
                }
                // Moving on to this one was interrupted; the one before still has everything.
                None => tracing::warn!("{} was never completed and is not used", dir.display()),
            }
        }
        // The oldest is always taken above.
        Err(OpenError::Unreadable { path: self.path.to_owned(), what: "no storage".into() })
    }

    /// Opens one storage, and sees to it that opening loses nothing.
    ///
    /// sled takes damage in its newest segment for a write that was interrupted: it opens without
    /// complaint, drops everything behind the damage, and writes over it. So a copy is made and
    /// looked through first, and if the log once went further than the storage does afterwards, the
    /// copy is the log.
    pub(super) fn open(&self, dir: &Path) -> Result<Found, OpenError> {
        let copy = Copy::before_opening(dir);
        let storage = match Storage::open(dir, self.deadline) {
            Ok(storage) => storage,
            Err(StorageError::Damaged(what)) => {
                return Ok(Found::Damaged(self.salvage(dir, copy)?, what));
            }
            Err(error) => {
                copy.into_iter().for_each(Copy::remove);
                return Err(self.failed(error));
            }
        };
        let reach = copy.as_ref().map_or(0, |copy| copy.salvaged.reach()).max(noted_reach(dir));
        let what = match end_of(SourceRef::Storage(&storage)) {
            Ok(end) if reach <= end => return Ok(Found::Whole(storage, copy)),
            Ok(end) => format!("the storage ends at record {end}, but once held {reach}"),
            Err(StorageError::Damaged(what)) => what,
            Err(error) => return Err(self.failed(error)),
        };
        drop(storage);
        Ok(Found::Damaged(self.salvage(dir, copy)?, what))
    }

    /// What can be salvaged of a storage that nobody has open.
    pub(super) fn salvage(&self, dir: &Path, copy: Option<Copy>) -> Result<Salvaged, OpenError> {
        match copy {
            Some(copy) => Ok(copy.salvaged),
            None => Salvaged::scan(&Storage::file_in(dir), noted_first(dir))
                .map_err(|error| OpenError::io(self.path, &error)),
        }
    }

    /// Makes a storage behind the one with this number; it is not used before it is completed.
    pub(super) fn begin_after(&self, number: u32) -> Result<(Storage, PathBuf), StorageError> {
        let is_free = |number: &u32| !self.storage_dir(*number).exists();
        let dir = self.storage_dir((number + 1..).find(is_free).unwrap_or(u32::MAX));
        Ok((Storage::open(&dir, self.deadline)?, dir))
    }

    /// Completes a storage: from now on it is the one to open.
    pub(super) fn complete(&self, storage: &Storage, dir: &Path) -> Result<(), StorageError> {
        storage.flush()?;
        storage.set_format(FORMAT)?;
        keep_folder_entries(self.path, dir);
        Ok(())
    }
}

/// Notes outside the storage how far the log goes, so that a file cut off between two frames is
/// not taken for a shorter log. Only a hint: it may be older than the log, never newer.
pub(super) fn note_reach(dir: &Path, next: u64) {
    if let Err(error) = std::fs::write(dir.join(REACH_FILE), next.to_string()) {
        tracing::warn!("{} could not be written: {error}", dir.join(REACH_FILE).display());
    }
}

pub(super) fn noted_reach(dir: &Path) -> u64 {
    noted(&dir.join(REACH_FILE))
}

/// Notes outside the storage where the log begins from now on, for the case that the storage cannot
/// be opened: what was removed from it may still lie in the bytes of its file.
pub(super) fn note_first(dir: &Path, first: u64) -> std::io::Result<()> {
    // First beside it, so that there is always a whole one.
    let draft = dir.join("first.draft");
    let mut file = File::create(&draft)?;
    std::io::Write::write_all(&mut file, first.to_string().as_bytes())?;
    file.sync_all()?;
    std::fs::rename(draft, dir.join(FIRST_FILE))
}

pub(super) fn noted_first(dir: &Path) -> u64 {
    noted(&dir.join(FIRST_FILE))
}

fn noted(path: &Path) -> u64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

/// A storage that the log has moved on from, because it was damaged.
pub(super) struct Left {
    pub(super) dir: PathBuf,
    pub(super) bytes: u64,
    pub(super) modified: Option<SystemTime>,
}

/// The storages that the log has moved on from, the oldest first.
pub(super) fn left_behind(path: &Path, current: &Path) -> Vec<Left> {
    let dirs = numbers(path).into_iter().map(|n| path.join(format!("{STORAGE_PREFIX}{n}")));
    dirs.filter(|dir| dir != current)
        .map(|dir| {
            let file = Storage::file_in(&dir).metadata();
            let modified = file.and_then(|file| file.modified()).ok();
            Left { bytes: bytes_in(&dir), modified, dir }
        })
        .collect()
}

/// What the files in a folder take.
fn bytes_in(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|data| data.len()).sum()
}

/// Whether there is a log, or a storage of one, in a folder.
pub(super) fn holds_log(path: &Path) -> bool {
    Storage::file_in(path).is_file() || !numbers(path).is_empty()
}

/// The storage's file as it was before it was opened.
pub(super) struct Copy {
    salvaged: Salvaged,
    file: PathBuf,
}

impl Copy {
    /// Larger files are not copied: the service must be up within a second. What damage costs them
    /// silently is at most what is in their newest segment.
    const MAX_BYTES: u64 = 128 * 1024 * 1024;

    /// Whether the storage is too large to be copied.
    pub(super) fn is_large(dir: &Path) -> bool {
        Storage::file_in(dir).metadata().is_ok_and(|file| file.len() > Copy::MAX_BYTES)
    }

    /// Makes the copy; none if there is nothing to copy, or no room, or too much. A copy that is
    /// there already was made before an earlier opening that found damage, and knows more.
    fn before_opening(dir: &Path) -> Option<Copy> {
        let (original, file) = (Storage::file_in(dir), dir.join("db.before"));
        if !file.exists() {
            let len = original.metadata().ok()?.len();
            let unfinished = dir.join("db.copy");
            if len > Copy::MAX_BYTES || std::fs::copy(&original, &unfinished).is_err() {
                let _ = std::fs::remove_file(&unfinished);
                return None;
            }
            std::fs::rename(&unfinished, &file).ok()?;
        }
        let salvaged = Salvaged::scan(&file, noted_first(dir)).ok()?;
        Some(Copy { salvaged, file })
    }

    pub(super) fn remove(self) {
        drop(self.salvaged);
        if let Err(error) = std::fs::remove_file(&self.file) {
            tracing::warn!("{} is not needed and stays: {error}", self.file.display());
        }
    }
}

/// The sequence number after the last intact frame; beyond all if a newer version wrote it.
pub(super) fn end_of(source: SourceRef<'_>) -> Result<u64, StorageError> {
    let mut entry = source.frame_up_to(u64::MAX)?;
    while let Some((first, bytes)) = entry {
        match Frame::read_exact(&bytes) {
            Ok(frame) => return Ok(frame.next()),
            Err(error) if error.is_newer() => return Ok(u64::MAX),
            Err(_) if first == 0 => break,
            Err(_) => entry = source.frame_up_to(first - 1)?,
        }
    }
    Ok(0)
}

/// Keeps other processes away from a log for as long as it lives.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(path: &Path, deadline: Instant) -> Result<Lock, OpenError> {
        let options = File::options().create(true).truncate(false).write(true).clone();
        let file = options.open(path.join("lock")).map_err(|error| OpenError::io(path, &error))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(TryLockError::Error(error)) => return Err(OpenError::io(path, &error)),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(PAUSE_BETWEEN_TRIES);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(OpenError::InUse { path: path.to_owned() });
                }
            }
        }
    }
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
        if let Err(error) = File::open(folder).and_then(|folder| folder.sync_all()) {
            tracing::warn!("{} could not be synced: {error}", folder.display());
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (path, dir);
}
