//! Looking into a log while it is being written.

use super::reader::{self, Records, SourceRef};
use super::storage::StorageError;
use super::{AppendError, Journal};
use engine::snapshot::Place;
use engine::time::Millis;

impl Journal {
    /// The records from a sequence number on, as far as they are intact. Opens nothing, so it
    /// works while the journal is in use; reads frame by frame.
    #[must_use]
    pub fn records_from(&self, seq: u64) -> Option<Records<'_>> {
        self.storage.as_ref().map(|storage| Records::new(storage, seq))
    }

    /// The last record and its time.
    pub(crate) fn last(&self) -> Result<Option<(u64, Millis)>, String> {
        self.read(reader::last_of)
    }

    /// The first record that is not earlier than this time, or the number after the last one.
    pub(crate) fn seq_at(&self, time: Millis) -> Result<u64, String> {
        self.read(|source| reader::find_time(source, self.holdings.first, time))
    }

    /// The frame that holds a record, or the first one behind it.
    pub(crate) fn frame_with(&self, seq: u64) -> Result<Option<Vec<u8>>, String> {
        let frame = self.read(|source| reader::frame_with(source, seq))?;
        Ok(frame.map(|bytes| bytes.to_vec()))
    }

    /// The places of the snapshots, in the order of the log.
    pub(crate) fn snapshots(&self) -> Vec<Place> {
        self.holdings.marks.iter().map(|mark| mark.place).collect()
    }

    /// A chunk of a snapshot, as it is.
    pub(crate) fn chunk(&self, place: Place, number: u32) -> Option<Vec<u8>> {
        Some(self.storage.as_ref()?.chunk(place.next, number).ok()??.to_vec())
    }

    fn read<T>(
        &self,
        read: impl FnOnce(SourceRef<'_>) -> Result<T, StorageError>,
    ) -> Result<T, String> {
        let storage = self.storage.as_ref().ok_or_else(|| AppendError::Down.to_string())?;
        read(SourceRef::Storage(storage)).map_err(|error| error.to_string())
    }
}
