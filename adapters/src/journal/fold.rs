//! The state that a log leads to.

use super::reader::{SourceRef, read_frame};
use super::roll;
use super::storage::StorageError;
use engine::core::Core;
use engine::effect::Effects;
use engine::fact::Record;
use engine::frame::{Chain, Frame, FrameError, Recent};
use engine::snapshot::{self, Place, SnapshotError};

/// The state a source leads to, and where it ends.
pub(super) struct Fold {
    pub(super) core: Core,
    /// After the last record in the state.
    pub(super) place: Place,
    /// After the last intact frame of the log.
    pub(super) chain: Chain,
    pub(super) folded: u64,
    /// The place it began at, and the bytes of the frames it read from there.
    pub(super) began: u64,
    pub(super) bytes: u64,
    pub(super) damage: Option<FrameError>,
    /// What the records lead to again is of no interest: all of it was told when it happened, or
    /// is void since.
    discarded: Effects,
    recent: Recent,
}

/// Why a fold does not come to its end.
pub(super) enum Stop {
    Storage(StorageError),
    Newer(FrameError),
}

impl From<StorageError> for Stop {
    fn from(error: StorageError) -> Stop {
        Stop::Storage(error)
    }
}

impl Fold {
    /// Reads the newest good snapshot and folds what follows it, frame by frame.
    pub(super) fn of(source: SourceRef<'_>) -> Result<Fold, Stop> {
        let (core, place) = match newest_good_snapshot(source)? {
            Some(snapshot) => snapshot,
            None => beginning(source)?,
        };
        let (chain, discarded) = (Chain::START, Effects::new());
        let (began, folded, bytes) = (place.next, 0, 0);
        let (damage, recent) = (None, Recent::default());
        let mut fold = Fold { core, place, chain, folded, began, bytes, damage, discarded, recent };
        fold.find_place(source)?;
        while fold.damage.is_none() {
            let Some((_, bytes)) = source.frame_from(fold.chain.next())? else { break };
            fold.bytes += bytes.len() as u64;
            fold.take(&bytes);
        }
        match fold.damage.take_if(|damage| damage.is_newer()) {
            Some(newer) => Err(Stop::Newer(newer)),
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
        let (next, recent) = (self.place.next, &mut self.recent);
        match read_frame(&mut self.chain, bytes, next, recent, &mut records) {
            Ok(()) => records.into_iter().for_each(|(seq, record)| self.apply(seq, record)),
            Err(error) => self.damage = Some(error),
        }
    }

    fn apply(&mut self, seq: u64, record: Record) {
        self.place = Place { next: seq + 1, last_at: record.at.max(self.place.last_at) };
        self.folded += 1;
        self.core.apply(record, &mut self.discarded);
        self.discarded.clear();
    }
}

/// The state before the first record. Where the beginning of the log is no longer there, and no
/// snapshot of this version, that is what must outlive both: the permanent ids.
fn beginning(source: SourceRef<'_>) -> Result<(Core, Place), StorageError> {
    let next = source.first()?;
    if next == 0 {
        return Ok(Default::default());
    }
    tracing::warn!(
        "how everything was at record {next}, with which the log begins, was written by another \
         version of this program and is not used; the permanent ids of all lines are kept"
    );
    let place = Place { next, ..Place::default() };
    Ok((roll::state(|number| source.ids(number), place.last_at)?, place))
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
