//! Removing what is too old or too much, a little at a time between two batches.

use super::retention::{Cut, Holdings, Retention, Step};
use super::{AppendError, Journal, folder};
use engine::time::Millis;
use std::path::PathBuf;
use std::time::Duration;

impl Journal {
    /// Looks whether something is too old or too much, and if so begins to remove it, which
    /// [`Journal::trim`] goes on with.
    pub fn look_for_excess(&mut self, now: Millis) {
        if self.cut.is_some() || self.is_down() {
            return;
        }
        let log = Retention::on_disk(self.holdings.bytes());
        let besides = self.clear_away(log);
        let index = self.retention.cut(&self.holdings, besides, now);
        self.cut = index.and_then(|index| Cut::at(&self.holdings.marks, index));
    }

    /// Whether there is something to [trim](Journal::trim).
    #[must_use]
    pub fn has_excess(&self) -> bool {
        self.cut.is_some() && !self.is_down()
    }

    /// Removes a little of what is too old or too much, for about so long.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn trim(&mut self, within: Duration) -> Result<(), AppendError> {
        let Some(cut) = self.cut else { return Ok(()) };
        self.cut = match self.with_storage(|storage, _| cut.go_on(storage, within))? {
            Step::Goes(cut) => Some(cut),
            Step::Done => None,
            Step::Damaged(place) => {
                tracing::error!(
                    "the snapshot at record {} is damaged and is not counted on; check the disk",
                    place.next
                );
                self.holdings.marks.retain(|mark| mark.place != place);
                None
            }
            Step::Checked(place) => Some(self.begin_at(place.next)?),
        };
        Ok(())
    }

    /// From now on the log begins with this record.
    fn begin_at(&mut self, first: u64) -> Result<Cut, AppendError> {
        self.with_storage(|storage, _| {
            storage.set_first(first)?;
            storage.flush()
        })?;
        // Without it only a storage that cannot be opened any more is read wrongly.
        if let Err(error) = folder::note_first(&self.dir, first) {
            tracing::warn!(
                "in {} it cannot be noted where the log begins: {error}",
                self.dir.display()
            );
        }
        tracing::info!("the log now begins with record {first}; older ones are removed");
        self.holdings.first = first;
        self.holdings.marks.retain(|mark| mark.place.next >= first);
        Ok(Cut::Removing { first })
    }

    /// Removes the oldest of the storages that the log has moved on from, if they are too old, or
    /// there is too much beside a log that takes so many bytes. Says how much they take that stay.
    fn clear_away(&self, log: u64) -> u64 {
        let left = folder::left_behind(&self.path, &self.dir);
        let mut bytes: u64 = left.iter().map(|left| left.bytes).sum();
        for left in left {
            let age = left.modified.and_then(|at| at.elapsed().ok()).unwrap_or_default();
            let why = if age > self.retention.age {
                "it is older than the log is to be kept"
            } else if log + bytes > self.retention.bytes {
                "with it the log takes more room than it may"
            } else {
                continue;
            };
            let (dir, mb) = (left.dir.display(), left.bytes / (1024 * 1024));
            tracing::warn!("the damaged storage {dir}, of {mb} MB, is removed: {why}");
            bytes -= left.bytes;
            remove_aside(left.dir);
        }
        bytes
    }
}

/// What is left of a beginning that was being removed when the log was closed.
pub(super) fn begun(holdings: &Holdings) -> Option<Cut> {
    (holdings.first > 0).then_some(Cut::Removing { first: holdings.first })
}

/// Removes a folder in a thread of its own: to let go of a large file takes its time.
fn remove_aside(dir: PathBuf) {
    let remove = move || {
        if let Err(error) = std::fs::remove_dir_all(&dir) {
            tracing::warn!("{} cannot be removed: {error}", dir.display());
        }
    };
    if let Err(error) = std::thread::Builder::new().name("tapline-remove".into()).spawn(remove) {
        tracing::warn!("cannot start a thread: {error}");
    }
}
