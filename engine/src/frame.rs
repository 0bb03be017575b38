//! Frames: the one form in which records are stored and carried.
//!
//! The same bytes lie in the log, in a capture file and in the golden tests. A frame holds 1 to 256
//! records; all numbers are little-endian:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | magic `TPLF` |
//! | 4 | 1 | format, [`FORMAT`] |
//! | 5 | 1 | flags, 0 |
//! | 6 | 8 | sequence number of the first record |
//! | 14 | 4 | length of the payload |
//! | 18 | 4 | checksum of the frame before, 0 in the first one |
//! | 22 | 4 | CRC-32 of everything else in the frame |
//! | 26 | 2 | number of records |
//! | 28 | 2 | schema of the records, see `codec.rs` |
//! | 30 | 8 | milliseconds since 1970 from which the records count their time |
//! | 38 | | payload: for each record its length (LEB128) and its bytes |
//!
//! A later format may change what follows offset 26, but not what comes before it, so that a frame
//! from the future is told from a damaged one by its checksum.
//!
//! The checksum covers the header, so damage anywhere costs exactly the frame it is in and those
//! behind it: what can be read is always an intact prefix.

pub use crate::codec::Recent;
use crate::codec::{self, CodecError, SCHEMA};
use crate::fact::{Event, HostFact, Record};
use crate::time::Millis;

/// First bytes of every frame.
pub const MAGIC: [u8; 4] = *b"TPLF";
/// Version of the frame's own layout.
pub const FORMAT: u8 = 1;
/// Bytes before the payload.
pub const HEADER_BYTES: usize = 38;
/// Most records in a frame, which is what one flush makes safe. A flush costs the processor several
/// hundred microseconds whatever it writes, so a busy log wants more than a few records in each.
pub const MAX_RECORDS: usize = 256;
/// Most bytes in a frame of more than one record.
pub const MAX_SHARED_BYTES: usize = 64 * 1024;
/// Most bytes in any frame: one record of the largest size, its length and the header.
pub const MAX_FRAME_BYTES: usize = HEADER_BYTES + MAX_LENGTH_BYTES + codec::MAX_RECORD_BYTES;

/// Why bytes are not the next frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The bytes end inside the frame: the writer was interrupted, or the end was cut off.
    #[error("the frame is cut off")]
    Truncated,
    /// Bytes of the frame were changed after it was written.
    #[error("the frame is damaged: {0}")]
    Damaged(&'static str),
    /// This never was a frame of Tapline.
    #[error("these bytes are no frame of Tapline")]
    Foreign,
    /// Written by a newer version of the program, intact.
    #[error(
        "written in frame format {found}, but this program knows formats up to {known}; \
         use the version that wrote it, or a later one"
    )]
    NewerFormat {
        /// The format found.
        found: u8,
        /// The newest one known here.
        known: u8,
    },
    /// The frame is intact, but a record in it cannot be read: a newer schema, or a fault of the
    /// writer.
    #[error("record {seq} cannot be read: {error}")]
    Record {
        /// Sequence number of the record.
        seq: u64,
        /// Why.
        error: CodecError,
    },
    /// The frame is intact, but it does not follow the one before it.
    #[error("the chain is broken: {0}")]
    ChainBroken(Break),
    /// A record is too large to be written.
    #[error("record {seq} cannot be written: {error}")]
    Refused {
        /// Sequence number of the record.
        seq: u64,
        /// Why.
        error: CodecError,
    },
}

impl FrameError {
    /// Whether a newer version of the program wrote this, so that nothing is wrong with the bytes.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        matches!(
            self,
            FrameError::NewerFormat { .. }
                | FrameError::Record { error: CodecError::NewerSchema { .. }, .. }
        )
    }
}

/// How a frame fails to follow the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// It begins with another record than the next one, and does not say that records are missing.
    #[error("record {expected} should follow, but {found} does")]
    Sequence {
        /// The next sequence number.
        expected: u64,
        /// The one found.
        found: u64,
    },
    /// It names another predecessor.
    #[error("it was not written after the frame before it")]
    Predecessor,
}

/// An intact frame, still as bytes.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    first: u64,
    count: u16,
    prev_crc: u32,
    crc: u32,
    schema: u16,
    base: Millis,
    payload: &'a [u8],
    whole: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads the frame at the beginning of `bytes` and checks it; also says how long it is.
    ///
    /// # Errors
    /// All of [`FrameError`] but the chain and the records, which are looked at later.
    pub fn read(bytes: &'a [u8]) -> Result<(Frame<'a>, usize), FrameError> {
        let magic = &bytes[..bytes.len().min(MAGIC.len())];
        if !MAGIC.starts_with(magic) {
            return Err(FrameError::Foreign);
        }
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or(FrameError::Truncated)?;
        let len = Frame::len_of(header)?;
        let whole = bytes.get(..len).ok_or(FrameError::Truncated)?;
        let mut fields = Fields(&header[MAGIC.len()..]);
        let [format, _flags] = fields.take();
        let first = u64::from_le_bytes(fields.take());
        let _payload_len = fields.take::<4>();
        let prev_crc = u32::from_le_bytes(fields.take());
        let crc = u32::from_le_bytes(fields.take());
        let count = u16::from_le_bytes(fields.take());
        let schema = u16::from_le_bytes(fields.take());
        let base = Millis(u64::from_le_bytes(fields.take()));
        if checksum(whole) != crc {
            return Err(FrameError::Damaged("the checksum differs"));
        }
        if format != FORMAT {
            return Err(FrameError::NewerFormat { found: format, known: FORMAT });
        }
        if count == 0 || usize::from(count) > MAX_RECORDS {
            return Err(FrameError::Damaged("an impossible number of records"));
        }
        if first.checked_add(u64::from(count)).is_none() {
            return Err(FrameError::Damaged("sequence numbers beyond the last one"));
        }
        codec::check_schema(schema).map_err(|error| FrameError::Record { seq: first, error })?;
        let payload = &whole[HEADER_BYTES..];
        Ok((Frame { first, count, prev_crc, crc, schema, base, payload, whole }, len))
    }

    /// How long the frame is whose header this is, for a reader that gets its bytes from a stream.
    /// Nothing else is checked.
    ///
    /// # Errors
    /// [`FrameError::Foreign`], [`FrameError::Damaged`] if it claims to be longer than any frame.
    pub fn len_of(header: &[u8; HEADER_BYTES]) -> Result<usize, FrameError> {
        if !header.starts_with(&MAGIC) {
            return Err(FrameError::Foreign);
        }
        let payload_len = u32::from_le_bytes([header[14], header[15], header[16], header[17]]);
        let len = HEADER_BYTES + payload_len as usize;
        if len > MAX_FRAME_BYTES {
            return Err(FrameError::Damaged("a length beyond the limit"));
        }
        Ok(len)
    }

    /// The first record a frame with this header claims to have, before anything was checked.
    #[must_use]
    pub fn claimed_first(header: &[u8; HEADER_BYTES]) -> u64 {
        u64::from_le_bytes(Fields(&header[6..]).take())
    }

    /// Reads a frame that fills `bytes` exactly, as a value of the log does.
    ///
    /// # Errors
    /// As [`Frame::read`]; bytes behind the frame are damage.
    pub fn read_exact(bytes: &'a [u8]) -> Result<Frame<'a>, FrameError> {
        let (frame, len) = Frame::read(bytes)?;
        if len == bytes.len() { Ok(frame) } else { Err(FrameError::Damaged("surplus bytes")) }
    }

    /// Sequence number of the first record.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Sequence number after the last record.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.first + u64::from(self.count)
    }

    /// How many records it has; never none.
    #[must_use]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.count.into()
    }

    /// All of it, as it was read.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.whole
    }

    /// The time of its first record.
    #[must_use]
    pub fn at(&self) -> Millis {
        self.base
    }

    /// The checksum, by which the next frame names this one.
    #[must_use]
    pub fn crc(&self) -> u32 {
        self.crc
    }

    /// The records with their sequence numbers, one at a time.
    #[must_use]
    pub fn records(&self) -> Records<'a> {
        Records {
            seq: self.first,
            left: self.count,
            schema: self.schema,
            base: self.base,
            rest: self.payload,
            recent: None,
        }
    }

    /// The same for one frame of many, with what was read of late at hand.
    pub fn records_knowing<'r>(&self, recent: &'r mut Recent) -> Records<'r>
    where
        'a: 'r,
    {
        Records { recent: Some(recent), ..self.records() }
    }
}

/// Records of one frame. Ends after the first error.
#[derive(Debug)]
pub struct Records<'a> {
    seq: u64,
    left: u16,
    schema: u16,
    base: Millis,
    rest: &'a [u8],
    recent: Option<&'a mut Recent>,
}

impl Iterator for Records<'_> {
    type Item = Result<(u64, Record), FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            let surplus = !std::mem::take(&mut self.rest).is_empty();
            return surplus.then_some(Err(FrameError::Damaged("surplus bytes in the payload")));
        }
        let seq = self.seq;
        let item = self.take_record();
        if item.is_ok() {
            self.seq += 1;
            self.left -= 1;
        } else {
            self.left = 0;
            self.rest = &[];
        }
        Some(item.map(|record| (seq, record)))
    }
}

impl Records<'_> {
    fn take_record(&mut self) -> Result<Record, FrameError> {
        let (len, used) =
            read_length(self.rest).ok_or(FrameError::Damaged("a length in the payload"))?;
        let bytes = self
            .rest
            .get(used..used + len)
            .ok_or(FrameError::Damaged("a record beyond the payload"))?;
        self.rest = &self.rest[used + len..];
        let recent = self.recent.as_deref_mut();
        codec::decode_knowing(recent, bytes, self.schema, self.base)
            .map_err(|error| FrameError::Record { seq: self.seq, error })
    }
}

/// Where a chain of frames stands: what the next frame must look like.
///
/// A frame follows if it names the checksum of the one before it and begins with the next record.
/// Records may be missing only where the log says so itself: a frame that begins with
/// [`HostFact::Gap`] may begin that many numbers later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    next: u64,
    prev_crc: Option<u32>,
}

impl Chain {
    /// Before the first frame of a log, whose first record is number 0.
    pub const START: Chain = Chain { next: 0, prev_crc: Some(0) };

    /// In the middle of a log, before record `next`. `prev_crc` is the checksum of the frame
    /// before, or `None` if it is not known.
    #[must_use]
    pub fn at(next: u64, prev_crc: Option<u32>) -> Chain {
        Chain { next, prev_crc }
    }

    /// Sequence number of the next record.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Checksum to put into the next frame.
    #[must_use]
    pub fn prev_crc(&self) -> u32 {
        self.prev_crc.unwrap_or(0)
    }

    /// Takes the next frame into the chain.
    ///
    /// # Errors
    /// [`FrameError::ChainBroken`]; the chain is then unchanged.
    pub fn link(&mut self, frame: &Frame<'_>) -> Result<(), FrameError> {
        if self.prev_crc.is_some_and(|crc| crc != frame.prev_crc) {
            return Err(FrameError::ChainBroken(Break::Predecessor));
        }
        if frame.first != self.next && !self.is_told_gap(frame) {
            let (expected, found) = (self.next, frame.first);
            return Err(FrameError::ChainBroken(Break::Sequence { expected, found }));
        }
        self.next = frame.next();
        self.prev_crc = Some(frame.crc);
        Ok(())
    }

    fn is_told_gap(&self, frame: &Frame<'_>) -> bool {
        let Some(missing) = frame.first.checked_sub(self.next) else { return false };
        let first = frame.records().next().and_then(Result::ok);
        first.is_some_and(|(_, record)| missing_before(&record) == Some(missing))
    }
}

/// How many records are missing before this one, if it says so.
#[must_use]
pub fn missing_before(record: &Record) -> Option<u64> {
    match record.event {
        Event::Host(HostFact::Gap(missing)) => Some(missing),
        _ => None,
    }
}

/// The frames in a run of bytes, checked one by one and as a chain. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    rest: &'a [u8],
    chain: Chain,
}

impl<'a> Frames<'a> {
    /// Reads from the beginning of `bytes`, which stand at the given place of a log.
    #[must_use]
    pub fn new(bytes: &'a [u8], chain: Chain) -> Frames<'a> {
        Frames { rest: bytes, chain }
    }

    /// Where the chain stands after the frames read so far.
    #[must_use]
    pub fn chain(&self) -> Chain {
        self.chain
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let item = Frame::read(self.rest).and_then(|(frame, len)| {
            self.chain.link(&frame)?;
            Ok((frame, len))
        });
        self.rest = item.as_ref().map_or(&[], |(_, len)| &self.rest[*len..]);
        Some(item.map(|(frame, _)| frame))
    }
}

/// Writes records as frames. Keeps its buffers, so that a record costs no allocation.
#[derive(Debug, Default)]
pub struct FrameWriter {
    record: Vec<u8>,
}

/// What [`FrameWriter::write`] wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// How many of the records are in the frame; at least one.
    pub count: usize,
    /// Where the chain stands now.
    pub chain: Chain,
}

impl FrameWriter {
    /// Appends to `out` one frame with as many of the records as go into one. The first of them
    /// gets the number `chain` stands at, or, if it is a [`HostFact::Gap`], one so much later.
    ///
    /// # Errors
    /// [`FrameError::Refused`] if the first record is larger than [`codec::MAX_RECORD_BYTES`];
    /// `out` is then as it was. A later record that large ends the frame before it.
    ///
    /// # Panics
    /// If there are no records.
    pub fn write(
        &mut self,
        chain: Chain,
        records: &[Record],
        out: &mut Vec<u8>,
    ) -> Result<Written, FrameError> {
        assert!(!records.is_empty(), "a frame has at least one record");
        let records = &records[..records.len().min(MAX_RECORDS)];
        let first = chain.next.saturating_add(missing_before(&records[0]).unwrap_or(0));
        // Time does not run back within a log, but a frame must be able to hold any records.
        let base = records.iter().map(|record| record.at).min().unwrap_or_default();
        let start = out.len();
        out.resize(start + HEADER_BYTES, 0);
        let count = self.write_records(base, records, start, out).map_err(|error| {
            out.truncate(start);
            FrameError::Refused { seq: first, error }
        })?;
        let crc = seal(&mut out[start..], first, chain.prev_crc(), count, base);
        Ok(Written { count, chain: Chain { next: first + count as u64, prev_crc: Some(crc) } })
    }

    fn write_records(
        &mut self,
        base: Millis,
        records: &[Record],
        start: usize,
        out: &mut Vec<u8>,
    ) -> Result<usize, CodecError> {
        for (index, record) in records.iter().enumerate() {
            // A gap can only be told at the beginning of a frame.
            if index > 0 && missing_before(record).is_some() {
                return Ok(index);
            }
            self.record.clear();
            match codec::encode(record, base, &mut self.record) {
                Err(error) if index == 0 => return Err(error),
                Err(_) => return Ok(index),
                Ok(()) => {}
            }
            let len = out.len() - start + MAX_LENGTH_BYTES + self.record.len();
            if index > 0 && len > MAX_SHARED_BYTES {
                return Ok(index);
            }
            push_length(self.record.len(), out);
            out.extend_from_slice(&self.record);
        }
        Ok(records.len())
    }
}

/// Fills in the header of a frame whose payload is complete; gives its checksum.
fn seal(frame: &mut [u8], first: u64, prev_crc: u32, count: usize, base: Millis) -> u32 {
    // Both fit by the limits above: at most 256 records, at most about 1 MiB.
    let payload_len = (frame.len() - HEADER_BYTES) as u32;
    let count = count as u16;
    frame[0..4].copy_from_slice(&MAGIC);
    frame[4] = FORMAT;
    frame[5] = 0;
    frame[6..14].copy_from_slice(&first.to_le_bytes());
    frame[14..18].copy_from_slice(&payload_len.to_le_bytes());
    frame[18..22].copy_from_slice(&prev_crc.to_le_bytes());
    frame[26..28].copy_from_slice(&count.to_le_bytes());
    frame[28..30].copy_from_slice(&SCHEMA.to_le_bytes());
    frame[30..38].copy_from_slice(&base.0.to_le_bytes());
    let crc = checksum(frame);
    frame[22..26].copy_from_slice(&crc.to_le_bytes());
    crc
}

/// CRC-32 of a frame without the checksum itself.
fn checksum(frame: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&frame[..22]);
    hasher.update(&frame[26..]);
    hasher.finalize()
}

/// Takes little-endian fields off a header of known size.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        // The header is a slice of fixed size, and the fields above add up to it.
        let (field, rest) = self.0.split_first_chunk().expect("the header holds its fields");
        self.0 = rest;
        *field
    }
}

/// Most bytes of a length: 21 bits hold the largest record.
const MAX_LENGTH_BYTES: usize = 3;

fn push_length(mut len: usize, out: &mut Vec<u8>) {
    while len >= 0x80 {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
}

/// A length and how many bytes it took.
fn read_length(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut len = 0;
    for (index, byte) in bytes.iter().enumerate().take(MAX_LENGTH_BYTES) {
        len |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((len, index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests;
