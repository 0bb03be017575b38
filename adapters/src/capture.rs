//! Capture files (`*.tspt`): a piece of a log as one file, to be replayed elsewhere.
//!
//! A short header, then frames: the very bytes that lie in a log. All numbers are little-endian:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | magic `TSPT` |
//! | 4 | 1 | format, 1 |
//! | 5 | 1 | flags: 1 if names and numbers were replaced |
//! | 6 | 1 | length of the version |
//! | 7 | | version of the program that wrote the file |
//! | | 4 | CRC-32 of all of the above |
//! | | | frames, see `engine::frame` |
//!
//! Damage anywhere in the frames leaves exactly the records before it, as in a log.

use engine::fact::Record;
use engine::frame::{
    Chain, Frame, FrameError, FrameWriter, HEADER_BYTES, MAX_RECORDS, missing_before,
};
use std::io::{self, Read, Write};

/// First bytes of a capture file.
pub const MAGIC: [u8; 4] = *b"TSPT";
/// Version of the header.
pub const FORMAT: u8 = 1;
/// How capture files are called.
pub const EXTENSION: &str = "tspt";

const ANONYMISED: u8 = 1;
const FIXED_BYTES: usize = 7;

/// What a capture file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Whether names and numbers were replaced.
    pub anonymised: bool,
    /// Version of the program that wrote it.
    pub version: String,
}

impl About {
    /// What a file written by this program says.
    #[must_use]
    pub fn this_program(anonymised: bool) -> About {
        About { anonymised, version: env!("CARGO_PKG_VERSION").into() }
    }
}

/// Why a capture file cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The operating system refuses.
    #[error("the capture file: {0}")]
    Io(#[from] io::Error),
    /// The file is something else.
    #[error("this is no capture file of Tapline")]
    Foreign,
    /// A newer version of the program wrote it.
    #[error(
        "the capture file has format {found}, but this program knows formats up to {FORMAT}; use \
         the version that wrote it, or a later one"
    )]
    NewerFormat {
        /// The format found.
        found: u8,
    },
    /// Its header was changed after it was written, or is cut off.
    #[error("the header of the capture file is damaged")]
    DamagedHeader,
    /// A frame cannot be read, or a record not be written.
    #[error("the capture file is intact up to record {next}, not included: {error}")]
    Frame {
        /// Sequence number of the first record that is not there.
        next: u64,
        /// Why.
        error: FrameError,
    },
    /// The records to be written do not follow one another.
    #[error("record {found} cannot follow in a capture file where {expected} should")]
    OutOfOrder {
        /// The next sequence number.
        expected: u64,
        /// The one given.
        found: u64,
    },
}

/// Writes a capture file. [`CaptureWriter::finish`] completes it.
pub struct CaptureWriter<W> {
    out: W,
    /// `None` before the first record, which may have any number.
    chain: Option<Chain>,
    /// The number after the last record given.
    next: u64,
    records: Vec<Record>,
    frames: FrameWriter,
    bytes: Vec<u8>,
}

impl<W: Write> CaptureWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// [`CaptureError::Io`].
    pub fn new(mut out: W, about: &About) -> Result<CaptureWriter<W>, CaptureError> {
        // Its length must fit in one byte; our own versions are a few characters.
        let fits = |len: &usize| about.version.is_char_boundary(*len);
        let longest = about.version.len().min(usize::from(u8::MAX));
        let version = &about.version[..(0..=longest).rev().find(fits).unwrap_or(0)];
        let flags = if about.anonymised { ANONYMISED } else { 0 };
        let mut header = MAGIC.to_vec();
        header.extend_from_slice(&[FORMAT, flags, version.len() as u8]);
        header.extend_from_slice(version.as_bytes());
        header.extend_from_slice(&crc32fast::hash(&header).to_le_bytes());
        out.write_all(&header)?;
        let (frames, bytes) = (FrameWriter::default(), Vec::new());
        let records = Vec::with_capacity(MAX_RECORDS);
        Ok(CaptureWriter { out, chain: None, next: 0, records, frames, bytes })
    }

    /// Writes the next record. Numbers follow one another, but for what a `HostFact::Gap` leaves
    /// out.
    ///
    /// # Errors
    /// [`CaptureError::Io`], [`CaptureError::OutOfOrder`], and [`CaptureError::Frame`] for a record
    /// that is too large.
    pub fn push(&mut self, seq: u64, record: Record) -> Result<(), CaptureError> {
        let missing = missing_before(&record).unwrap_or(0);
        if self.chain.is_none() {
            self.next = seq.saturating_sub(missing);
            self.chain = Some(Chain::at(self.next, None));
        }
        let expected = self.next.saturating_add(missing);
        if seq != expected {
            return Err(CaptureError::OutOfOrder { expected, found: seq });
        }
        self.next = seq.saturating_add(1);
        self.records.push(record);
        if self.records.len() == MAX_RECORDS { self.write_frame() } else { Ok(()) }
    }

    /// Writes what is left and gives the writer back.
    ///
    /// # Errors
    /// As [`CaptureWriter::push`].
    pub fn finish(mut self) -> Result<W, CaptureError> {
        while !self.records.is_empty() {
            self.write_frame()?;
        }
        self.out.flush()?;
        Ok(self.out)
    }

    fn write_frame(&mut self) -> Result<(), CaptureError> {
        let chain = self.chain.unwrap_or(Chain::START);
        self.bytes.clear();
        let written = self
            .frames
            .write(chain, &self.records, &mut self.bytes)
            .map_err(|error| CaptureError::Frame { next: chain.next(), error })?;
        self.out.write_all(&self.bytes)?;
        self.records.drain(..written.count);
        self.chain = Some(written.chain);
        Ok(())
    }
}

/// Reads a capture file, frame by frame; an iterator over its records. Ends after the first error.
pub struct CaptureReader<R> {
    input: R,
    about: About,
    chain: Option<Chain>,
    frame: std::vec::IntoIter<(u64, Record)>,
    bytes: Vec<u8>,
    is_over: bool,
}

/// Whether a file that begins with these bytes is a capture file.
#[must_use]
pub fn is_capture(beginning: &[u8]) -> bool {
    beginning.starts_with(&MAGIC)
}

impl<R: Read> CaptureReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// See [`CaptureError`].
    pub fn new(mut input: R) -> Result<CaptureReader<R>, CaptureError> {
        let mut header = Vec::new();
        read_up_to(&mut input, FIXED_BYTES, &mut header)?;
        let &[m0, m1, m2, m3, format, flags, version_len] = header.as_slice() else {
            let is_ours = !header.is_empty() && MAGIC.starts_with(&header[..header.len().min(4)]);
            return Err(if is_ours { CaptureError::DamagedHeader } else { CaptureError::Foreign });
        };
        if [m0, m1, m2, m3] != MAGIC {
            return Err(CaptureError::Foreign);
        }
        read_up_to(&mut input, usize::from(version_len) + 4, &mut header)?;
        let (said, crc) = header.split_last_chunk().ok_or(CaptureError::DamagedHeader)?;
        if crc32fast::hash(said) != u32::from_le_bytes(*crc) {
            return Err(CaptureError::DamagedHeader);
        }
        if format != FORMAT {
            return Err(CaptureError::NewerFormat { found: format });
        }
        let version = String::from_utf8_lossy(&said[FIXED_BYTES..]).into_owned();
        let about = About { anonymised: flags & ANONYMISED != 0, version };
        let frame = Vec::new().into_iter();
        Ok(CaptureReader { input, about, chain: None, frame, bytes: Vec::new(), is_over: false })
    }

    /// What the file says of itself.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Reads the next frame; false at the end of the file.
    fn next_frame(&mut self) -> Result<bool, CaptureError> {
        self.bytes.clear();
        read_up_to(&mut self.input, HEADER_BYTES, &mut self.bytes)?;
        if self.bytes.is_empty() {
            return Ok(false);
        }
        if let Some(header) = self.bytes.first_chunk() {
            let len = Frame::len_of(header).map_err(|error| self.unreadable(error))?;
            read_up_to(&mut self.input, len - HEADER_BYTES, &mut self.bytes)?;
        }
        let frame = Frame::read_exact(&self.bytes).map_err(|error| self.unreadable(error))?;
        // The file may begin anywhere in a log.
        let mut chain = self.chain.unwrap_or(Chain::at(frame.first(), None));
        let linked = chain.link(&frame);
        let records = linked.and_then(|()| frame.records().collect::<Result<Vec<_>, _>>());
        self.frame = records.map_err(|error| self.unreadable(error))?.into_iter();
        self.chain = Some(chain);
        Ok(true)
    }

    fn unreadable(&self, error: FrameError) -> CaptureError {
        CaptureError::Frame { next: self.chain.map_or(0, |chain| chain.next()), error }
    }
}

impl<R: Read> Iterator for CaptureReader<R> {
    type Item = Result<(u64, Record), CaptureError>;

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
                Ok(false) => self.is_over = true,
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

/// Appends the next `len` bytes, or as many as there are.
fn read_up_to(input: &mut impl Read, len: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
    input.by_ref().take(len as u64).read_to_end(bytes).map(|_| ())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use engine::fact::{Event, HostFact};
    use engine::strategy::{any_record, histories};
    use engine::time::Millis;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn started(at: u64) -> Record {
        Record { at: Millis(at), event: Event::Host(HostFact::Started) }
    }

    fn capture_of(first: u64, records: &[Record]) -> Vec<u8> {
        let mut writer = CaptureWriter::new(Vec::new(), &About::this_program(false)).unwrap();
        let mut seq = first;
        for record in records {
            seq += missing_before(record).unwrap_or(0);
            writer.push(seq, record.clone()).unwrap();
            seq += 1;
        }
        writer.finish().unwrap()
    }

    fn read_all(bytes: &[u8]) -> (Vec<(u64, Record)>, Option<CaptureError>) {
        let (mut records, mut error) = (Vec::new(), None);
        for item in CaptureReader::new(bytes).unwrap() {
            match item {
                Ok(record) => records.push(record),
                Err(stop) => error = Some(stop),
            }
        }
        (records, error)
    }

    #[test]
    fn a_file_says_what_it_is_and_who_wrote_it() {
        for anonymised in [false, true] {
            let about = About { anonymised, version: "1.2.3".into() };
            let bytes = CaptureWriter::new(Vec::new(), &about).unwrap().finish().unwrap();
            assert!(is_capture(&bytes));
            let reader = CaptureReader::new(&bytes[..]).unwrap();
            assert_eq!(*reader.about(), about);
            assert_eq!(reader.count(), 0);
        }
        let about = About { anonymised: false, version: "é".repeat(400) };
        let bytes = CaptureWriter::new(Vec::new(), &about).unwrap().finish().unwrap();
        assert_eq!(CaptureReader::new(&bytes[..]).unwrap().about().version, "é".repeat(127));
    }

    #[test]
    fn other_files_newer_files_and_damaged_headers_are_told_apart() {
        let open = |bytes: &[u8]| CaptureReader::new(bytes).err().unwrap();
        assert!(matches!(open(b"SQLite format 3"), CaptureError::Foreign));
        assert!(matches!(open(b""), CaptureError::Foreign));
        let mut bytes = capture_of(0, &[]);
        for cut in 1..bytes.len() {
            assert!(matches!(open(&bytes[..cut]), CaptureError::DamagedHeader), "cut at {cut}");
        }
        bytes[8] ^= 1;
        assert!(matches!(open(&bytes), CaptureError::DamagedHeader));
        bytes[4] = 2;
        let end = bytes.len() - 4;
        let crc = crc32fast::hash(&bytes[..end]);
        bytes[end..].copy_from_slice(&crc.to_le_bytes());
        assert!(matches!(open(&bytes), CaptureError::NewerFormat { found: 2 }));
    }

    #[test]
    fn the_numbers_of_the_records_must_follow_one_another() {
        let mut writer = CaptureWriter::new(Vec::new(), &About::this_program(false)).unwrap();
        writer.push(7, started(0)).unwrap();
        let error = writer.push(9, started(1)).unwrap_err();
        assert!(matches!(error, CaptureError::OutOfOrder { expected: 8, found: 9 }));
        let gap = Record { at: Millis(2), event: Event::Host(HostFact::Gap(4)) };
        writer.push(12, gap).unwrap();
        let bytes = writer.finish().unwrap();
        let numbers: Vec<u64> = read_all(&bytes).0.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(numbers, [7, 12]);
    }

    proptest! {
        #[test]
        fn any_records_from_any_place_of_a_log_come_back(
            first in 0..1u64 << 40, records in vec(any_record(), 0..150),
        ) {
            let (read, error) = read_all(&capture_of(first, &records));
            prop_assert!(error.is_none());
            let records_read: Vec<&Record> = read.iter().map(|(_, record)| record).collect();
            prop_assert_eq!(records_read, records.iter().collect::<Vec<_>>());
        }

        #[test]
        fn damage_to_any_byte_of_the_frames_leaves_records_before_it(
            records in histories(12), at: prop::sample::Index, flip in 1..=255u8,
        ) {
            let mut bytes = capture_of(0, &records);
            let header = capture_of(0, &[]).len();
            let at = header + at.index(bytes.len() - header);
            // Whole frames before the damage, and nothing else.
            let intact: usize = engine::frame::Frames::new(&bytes[header..at], Chain::START)
                .map_while(Result::ok)
                .map(|frame| frame.records().count())
                .sum();
            bytes[at] ^= flip;
            let (read, error) = read_all(&bytes);
            prop_assert!(error.is_some());
            prop_assert_eq!(read.len(), intact);
            prop_assert!(read.iter().zip(&records).all(|((_, read), record)| read == record));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let mut file = capture_of(0, &[]);
            file.extend_from_slice(&bytes);
            let _ = read_all(&file);
            let _ = CaptureReader::new(&bytes[..]);
        }
    }
}
