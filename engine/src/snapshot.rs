//! The whole state at one place of the log, as chunks of bytes.
//!
//! A snapshot saves reading the log from its beginning; it can be thrown away as long as the log
//! reaches back to its first record. It is cut into chunks of at most 2 KiB, each with a header
//! of its own, so that storage never sees a value larger than a frame; all numbers are
//! little-endian:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | magic `TPLS` |
//! | 4 | 2 | version, [`VERSION`] |
//! | 6 | 2 | flags: 1 in the last chunk |
//! | 8 | 8 | sequence number of the next record |
//! | 16 | 8 | time of the last record |
//! | 24 | 4 | number of the chunk, from 0 |
//! | 28 | 4 | length of the piece |
//! | 32 | 4 | CRC-32 of everything else in the chunk |
//! | 36 | | a piece of the state |

use crate::codec::{self, CodecError};
use crate::core::Core;
use crate::time::Millis;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Version of the shape of the state. Counts up with every change of any type in it, however
/// small; a snapshot of another version is not read, and the log is folded instead.
pub const VERSION: u16 = 36;
/// First bytes of every chunk.
pub const MAGIC: [u8; 4] = *b"TPLS";
/// Most bytes in a chunk.
pub const MAX_CHUNK_BYTES: usize = 1024;
/// Most chunks in a snapshot.
pub const MAX_CHUNKS: u32 =
    codec::MAX_STATE_BYTES.div_ceil(MAX_CHUNK_BYTES - HEADER_BYTES) as u32 + 1;

/// Bytes of a chunk before its piece of the state.
pub const HEADER_BYTES: usize = 36;
const LAST: u16 = 1;

/// Which place of the log a snapshot pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Sequence number of the next record: all before it are in the picture.
    pub next: u64,
    /// Time of the last record in it.
    pub last_at: Millis,
}

/// Why a snapshot cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// A chunk is not there.
    #[error("chunk {0} is missing")]
    Missing(u32),
    /// A chunk was changed after it was written, or is none.
    #[error("chunk {chunk} is damaged: {what}")]
    Damaged {
        /// Which one.
        chunk: u32,
        /// What shows it.
        what: &'static str,
    },
    /// Written by another version of the program, intact.
    #[error("snapshot version {found} is not the one of this program, {known}")]
    OtherVersion {
        /// The version found.
        found: u16,
        /// The one of this program.
        known: u16,
    },
    /// The state itself cannot be read, or is too large to be written.
    #[error("the state in the snapshot: {0}")]
    State(#[from] CodecError),
}

/// Writes a snapshot chunk by chunk. `store` gets the number of each chunk and its bytes; its error
/// ends the writing.
///
/// # Errors
/// [`WriteError::Snapshot`] if the state is larger than [`codec::MAX_STATE_BYTES`], otherwise what
/// `store` says.
pub fn write<E>(
    core: &Core,
    place: Place,
    store: impl FnMut(u32, &[u8]) -> Result<(), E>,
) -> Result<(), WriteError<E>> {
    write_state(core, place, store)
}

fn write_state<T: Serialize, E>(
    state: &T,
    place: Place,
    mut store: impl FnMut(u32, &[u8]) -> Result<(), E>,
) -> Result<(), WriteError<E>> {
    let mut cutter = Cutter { chunk: Vec::with_capacity(MAX_CHUNK_BYTES), number: 0, place };
    cutter.begin();
    let mut outcome = Ok(());
    codec::encode_state(state, &mut |mut bytes: &[u8]| {
        while outcome.is_ok() && !bytes.is_empty() {
            if cutter.chunk.len() == MAX_CHUNK_BYTES {
                outcome = cutter.finish(0, &mut store);
            }
            let room = MAX_CHUNK_BYTES - cutter.chunk.len();
            let (piece, rest) = bytes.split_at(room.min(bytes.len()));
            cutter.chunk.extend_from_slice(piece);
            bytes = rest;
        }
    })
    .map_err(|error| WriteError::Snapshot(error.into()))?;
    outcome.map_err(WriteError::Store)?;
    cutter.finish(LAST, &mut store).map_err(WriteError::Store)
}

/// Why a snapshot could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError<E> {
    /// The state cannot be written at all.
    #[error(transparent)]
    Snapshot(SnapshotError),
    /// The chunks could not be stored.
    #[error("{0}")]
    Store(E),
}

/// Reads a snapshot chunk by chunk. `fetch` gives the bytes of the chunk of that number, or `None`
/// if there is none.
///
/// # Errors
/// Every [`SnapshotError`]; each chunk is checked before a byte of it is used.
pub fn read<C: AsRef<[u8]>>(
    fetch: impl FnMut(u32) -> Option<C>,
) -> Result<(Core, Place), SnapshotError> {
    let (mut core, place): (Core, Place) = read_state(fetch)?;
    core.complete();
    Ok((core, place))
}

fn read_state<T: DeserializeOwned, C: AsRef<[u8]>>(
    fetch: impl FnMut(u32) -> Option<C>,
) -> Result<(T, Place), SnapshotError> {
    let mut joiner = Joiner::begin(fetch)?;
    let place = joiner.header.place;
    let mut failure = None;
    let state = codec::decode_state(&mut |mut wanted: &mut [u8]| {
        while !wanted.is_empty() {
            if let Err(error) = joiner.fill(&mut wanted) {
                failure = error;
                return false;
            }
        }
        true
    });
    match (state, failure) {
        (_, Some(error)) => Err(error),
        (Err(error), None) => Err(error.into()),
        (Ok(_), None) if !joiner.is_at_end() => {
            Err(damaged(joiner.header.number, "bytes after the state"))
        }
        (Ok(state), None) => Ok((state, place)),
    }
}

/// A chunk as it lies among other bytes, of whatever version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundChunk {
    /// The place its snapshot pictures.
    pub place: Place,
    /// Its number in the snapshot.
    pub number: u32,
    /// Whether it is the last one.
    pub is_last: bool,
    /// Whether it has the version of this program.
    pub is_ours: bool,
    /// How long it is.
    pub len: usize,
}

/// An intact chunk at the beginning of `bytes`, if there is one.
#[must_use]
pub fn find_chunk(bytes: &[u8]) -> Option<FoundChunk> {
    let header: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
    let len = HEADER_BYTES.checked_add(u32_at(header, 28) as usize)?;
    let number = u32_at(header, 24);
    let (header, version) = Header::of_any_version(bytes.get(..len)?, number).ok()?;
    let (place, is_last, is_ours) = (header.place, header.last, version == VERSION);
    Some(FoundChunk { place, number, is_last, is_ours, len })
}

/// Cuts the state into chunks.
struct Cutter {
    chunk: Vec<u8>,
    number: u32,
    place: Place,
}

impl Cutter {
    fn begin(&mut self) {
        self.chunk.clear();
        self.chunk.resize(HEADER_BYTES, 0);
    }

    fn finish<E>(
        &mut self,
        flags: u16,
        store: &mut impl FnMut(u32, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let header = Header { last: flags == LAST, place: self.place, number: self.number };
        header.seal(&mut self.chunk);
        store(self.number, &self.chunk)?;
        self.number += 1;
        self.begin();
        Ok(())
    }
}

/// Joins chunks into the state.
struct Joiner<C, F> {
    fetch: F,
    chunk: C,
    header: Header,
    used: usize,
}

impl<C: AsRef<[u8]>, F: FnMut(u32) -> Option<C>> Joiner<C, F> {
    fn begin(mut fetch: F) -> Result<Self, SnapshotError> {
        let chunk = fetch(0).ok_or(SnapshotError::Missing(0))?;
        let header = Header::read(chunk.as_ref(), 0)?;
        Ok(Joiner { fetch, chunk, header, used: HEADER_BYTES })
    }

    /// Fills the beginning of `wanted` and cuts that off. An error of `None` is the plain end of
    /// the state.
    fn fill(&mut self, wanted: &mut &mut [u8]) -> Result<(), Option<SnapshotError>> {
        if self.used == self.chunk.as_ref().len() {
            if self.header.last {
                return Err(None);
            }
            self.next_chunk().map_err(Some)?;
        }
        let piece = &self.chunk.as_ref()[self.used..];
        let len = piece.len().min(wanted.len());
        let (filled, rest) = std::mem::take(wanted).split_at_mut(len);
        filled.copy_from_slice(&piece[..len]);
        *wanted = rest;
        self.used += len;
        Ok(())
    }

    fn next_chunk(&mut self) -> Result<(), SnapshotError> {
        let number = self.header.number + 1;
        if number >= MAX_CHUNKS {
            return Err(damaged(number, "more chunks than a snapshot may have"));
        }
        let chunk = (self.fetch)(number).ok_or(SnapshotError::Missing(number))?;
        let header = Header::read(chunk.as_ref(), number)?;
        if header.place != self.header.place {
            return Err(damaged(number, "it belongs to another snapshot"));
        }
        (self.chunk, self.header, self.used) = (chunk, header, HEADER_BYTES);
        Ok(())
    }

    fn is_at_end(&self) -> bool {
        self.header.last && self.used == self.chunk.as_ref().len()
    }
}

#[derive(Clone, Copy, Debug)]
struct Header {
    last: bool,
    place: Place,
    number: u32,
}

impl Header {
    fn seal(&self, chunk: &mut [u8]) {
        let flags = if self.last { LAST } else { 0 };
        chunk[0..4].copy_from_slice(&MAGIC);
        chunk[4..6].copy_from_slice(&VERSION.to_le_bytes());
        chunk[6..8].copy_from_slice(&flags.to_le_bytes());
        chunk[8..16].copy_from_slice(&self.place.next.to_le_bytes());
        chunk[16..24].copy_from_slice(&self.place.last_at.0.to_le_bytes());
        chunk[24..28].copy_from_slice(&self.number.to_le_bytes());
        // At most 2 KiB by the constant above.
        let len = (chunk.len() - HEADER_BYTES) as u32;
        chunk[28..32].copy_from_slice(&len.to_le_bytes());
        let crc = checksum(chunk);
        chunk[32..36].copy_from_slice(&crc.to_le_bytes());
    }

    fn read(chunk: &[u8], number: u32) -> Result<Header, SnapshotError> {
        let (header, found) = Header::of_any_version(chunk, number)?;
        if found != VERSION {
            return Err(SnapshotError::OtherVersion { found, known: VERSION });
        }
        if header.number != number {
            return Err(damaged(number, "it is in another one's place"));
        }
        Ok(header)
    }

    /// The header of an intact chunk, and its version, on which nothing before it depends.
    fn of_any_version(chunk: &[u8], number: u32) -> Result<(Header, u16), SnapshotError> {
        let header: &[u8; HEADER_BYTES] =
            chunk.first_chunk().ok_or(damaged(number, "it is cut off"))?;
        if header[..4] != MAGIC || chunk.len() > MAX_CHUNK_BYTES {
            return Err(damaged(number, "it is no chunk of a snapshot"));
        }
        if u32_at(header, 32) != checksum(chunk) {
            return Err(damaged(number, "the checksum differs"));
        }
        let version = u16::from_le_bytes([header[4], header[5]]);
        let place = Place { next: u64_at(header, 8), last_at: Millis(u64_at(header, 16)) };
        let last = u16::from_le_bytes([header[6], header[7]]) & LAST != 0;
        Ok((Header { last, place, number: u32_at(header, 24) }, version))
    }
}

fn u32_at(header: &[u8; HEADER_BYTES], at: usize) -> u32 {
    u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

fn u64_at(header: &[u8; HEADER_BYTES], at: usize) -> u64 {
    u64::from(u32_at(header, at)) | u64::from(u32_at(header, at + 4)) << 32
}

/// CRC-32 of a chunk without the checksum itself.
fn checksum(chunk: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&chunk[..32]);
    hasher.update(&chunk[HEADER_BYTES..]);
    hasher.finalize()
}

fn damaged(chunk: u32, what: &'static str) -> SnapshotError {
    SnapshotError::Damaged { chunk, what }
}

#[cfg(test)]
mod shape;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::strategy::{core_after, histories};
    use proptest::prelude::*;
    use std::convert::Infallible;

    /// CRC-32 of the shape of the state that belongs to [`VERSION`].
    const SHAPE: u32 = 0x6cdf_6bba;

    #[test]
    fn another_shape_of_the_state_has_another_version() {
        let shape = shape::shape_of::<Core>();
        let crc = crc32fast::hash(shape.as_bytes());
        assert_eq!(
            crc, SHAPE,
            "the shape of the state has changed. Raise VERSION, so that snapshots of the old \
             shape are not read, and set SHAPE to {crc:#x}. The shape is now:\n{shape}"
        );
    }

    #[test]
    fn a_shape_tells_names_and_order_of_fields_and_variants() {
        #[derive(serde::Deserialize)]
        #[allow(dead_code)]
        struct Outer {
            one: Option<Inner>,
            many: std::collections::BTreeMap<u8, Vec<(bool, Box<str>)>>,
        }
        #[derive(serde::Deserialize)]
        #[allow(dead_code)]
        enum Inner {
            Unit,
            Tuple(u32, Number),
            Struct { at: Number },
            Wrapped(Number),
        }
        #[derive(serde::Deserialize)]
        #[allow(dead_code)]
        struct Number(u64);
        let expected = [
            "Inner 0 Unit()",
            "Inner 1 Tuple(u32, Number(u64))",
            "Inner 2 Struct(at: Number(u64))",
            "Inner 3 Wrapped(Number(u64))",
            "Outer {one: Inner?, many: [u8 to [(bool, string)]]}",
        ];
        assert_eq!(shape::shape_of::<Outer>().lines().collect::<Vec<_>>(), expected);
    }

    const PLACE: Place = Place { next: 1234, last_at: Millis(5678) };

    fn chunks_of(core: &Core) -> Vec<Vec<u8>> {
        let mut chunks = Vec::new();
        let outcome = write(core, PLACE, |number, chunk| {
            assert_eq!(number as usize, chunks.len());
            chunks.push(chunk.to_vec());
            Ok::<(), Infallible>(())
        });
        assert_eq!(outcome, Ok(()));
        chunks
    }

    fn read_back(chunks: &[Vec<u8>]) -> Result<(Core, Place), SnapshotError> {
        read(|number| chunks.get(number as usize))
    }

    #[test]
    fn what_the_store_says_ends_the_writing() {
        let outcome = write(&Core::default(), PLACE, |_, _| Err("full"));
        assert_eq!(outcome, Err(WriteError::Store("full")));
    }

    #[test]
    fn a_snapshot_of_another_version_is_told_from_a_damaged_one() {
        let mut chunks = chunks_of(&Core::default());
        chunks[0][4] ^= 0x80;
        assert!(matches!(read_back(&chunks), Err(SnapshotError::Damaged { chunk: 0, .. })));
        let crc = checksum(&chunks[0]);
        chunks[0][32..36].copy_from_slice(&crc.to_le_bytes());
        let found = VERSION ^ 0x80;
        let error = SnapshotError::OtherVersion { found, known: VERSION };
        assert_eq!(read_back(&chunks), Err(error));
    }

    /// A state of several chunks, whatever the real one looks like.
    fn large_state() -> (Vec<u64>, Vec<Vec<u8>>) {
        let state: Vec<u64> = (0..30_000).map(|n| n << 20).collect();
        let mut chunks = Vec::new();
        let store = |_, chunk: &[u8]| {
            chunks.push(chunk.to_vec());
            Ok::<(), Infallible>(())
        };
        assert_eq!(write_state(&state, PLACE, store), Ok(()));
        (state, chunks)
    }

    fn read_large(chunks: &[Vec<u8>]) -> Result<Vec<u64>, SnapshotError> {
        read_state(|number| chunks.get(number as usize)).map(|(state, _)| state)
    }

    #[test]
    fn a_large_state_is_cut_into_full_chunks_and_joined_again() {
        let (state, chunks) = large_state();
        let (last, full) = chunks.split_last().unwrap();
        assert!(full.len() > 2 && full.iter().all(|chunk| chunk.len() == MAX_CHUNK_BYTES));
        assert!(last.len() <= MAX_CHUNK_BYTES);
        assert_eq!(read_large(&chunks), Ok(state));
    }

    #[test]
    fn a_chunk_that_is_missing_or_in_another_ones_place_is_found() {
        let (_, chunks) = large_state();
        assert_eq!(read_large(&chunks[..2]), Err(SnapshotError::Missing(2)));
        let mut swapped = chunks;
        swapped.swap(1, 2);
        assert!(matches!(read_large(&swapped), Err(SnapshotError::Damaged { chunk: 1, .. })));
    }

    #[test]
    fn chunks_of_two_snapshots_do_not_mix() {
        let (_, mut chunks) = large_state();
        let earlier = Place { next: 1, ..PLACE };
        Header { last: false, place: earlier, number: 1 }.seal(&mut chunks[1]);
        assert!(matches!(read_large(&chunks), Err(SnapshotError::Damaged { chunk: 1, .. })));
    }

    #[test]
    fn a_state_with_bytes_left_over_is_refused() {
        let (_, mut chunks) = large_state();
        let number = chunks.len() as u32 - 1;
        let last = chunks.last_mut().unwrap();
        last.push(0);
        Header { last: true, place: PLACE, number }.seal(last);
        assert!(matches!(read_large(&chunks), Err(SnapshotError::Damaged { .. })));
    }

    proptest! {
        #[test]
        fn the_state_after_any_history_comes_back(records in histories(40)) {
            let core = core_after(&records);
            let chunks = chunks_of(&core);
            prop_assert!(chunks.iter().all(|chunk| chunk.len() <= MAX_CHUNK_BYTES));
            let found = find_chunk(&[&chunks[0][..], b"what follows"].concat());
            let (is_last, len) = (chunks.len() == 1, chunks[0].len());
            prop_assert_eq!(found, Some(FoundChunk { place: PLACE, number: 0, is_last, is_ours: true, len }));
            prop_assert_eq!(read_back(&chunks), Ok((core, PLACE)));
        }

        #[test]
        fn damage_to_any_byte_of_a_snapshot_is_found(
            records in histories(20), at: prop::sample::Index, flip in 1..=255u8,
        ) {
            let mut chunks = chunks_of(&core_after(&records));
            let number = at.index(chunks.len());
            let byte = at.index(chunks[number].len());
            chunks[number][byte] ^= flip;
            prop_assert!(read_back(&chunks).is_err());
        }

        #[test]
        fn a_snapshot_cut_anywhere_is_refused(records in histories(20), at: prop::sample::Index) {
            let mut chunks = chunks_of(&core_after(&records));
            let last = chunks.len() - 1;
            let keep = at.index(chunks[last].len());
            chunks[last].truncate(keep);
            prop_assert!(read_back(&chunks).is_err());
        }

        /// Invariant I-15.
        #[test]
        fn a_snapshot_and_the_tail_equal_the_whole_fold(
            records in histories(60), at: prop::sample::Index,
        ) {
            let cut = at.index(records.len());
            let (mut resumed, _) = read_back(&chunks_of(&core_after(&records[..cut]))).unwrap();
            let mut whole = core_after(&records[..cut]);
            let (mut of_resumed, mut of_whole) = (Vec::new(), Vec::new());
            for record in &records[cut..] {
                resumed.apply(record.clone(), &mut of_resumed);
                whole.apply(record.clone(), &mut of_whole);
            }
            prop_assert_eq!(of_resumed, of_whole);
            prop_assert!(resumed.estate().is_sound());
            prop_assert!(whole.estate().is_sound());
            prop_assert_eq!(resumed, whole);
        }
    }
}
