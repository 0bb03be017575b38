//! Writing a capture file.

use super::block::{self, Kind};
use super::index::{FrameAt, GapAt, ImageAt, Index};
use super::{About, CaptureError};
use engine::core::Core;
use engine::fact::Record;
use engine::frame::{Chain, Frame, FrameWriter, MAX_RECORDS, missing_before};
use engine::snapshot::{self, Place, WriteError};
use std::io::Write;

/// The longest reason of a gap, in bytes.
const WHY_BYTES_MAX: usize = 500;

/// Writes a capture file, from records or from frames as they are. [`CaptureWriter::finish`]
/// completes it; without that it is a file that was cut off.
pub struct CaptureWriter<W> {
    out: W,
    /// How long the file is.
    len: u64,
    index: Index,
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
        let header = about.header();
        out.write_all(&header)?;
        let (index, len) = (Index::default(), header.len() as u64);
        let (frames, bytes) = (FrameWriter::default(), Vec::new());
        let records = Vec::with_capacity(MAX_RECORDS);
        Ok(CaptureWriter { out, len, index, chain: None, next: 0, records, frames, bytes })
    }

    /// How long the file is so far, in bytes; records that wait for others are not counted.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The number after the last record that was given.
    pub(crate) fn next_seq(&self) -> u64 {
        self.next
    }

    /// Whether neither a record nor an image is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index == Index::default() && self.records.is_empty()
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
        if self.records.len() == MAX_RECORDS { self.write_records() } else { Ok(()) }
    }

    /// Writes a frame as it is. Whoever writes some records and some frames does so across a
    /// [gap](CaptureWriter::gap) only, since each frame names the one before it.
    ///
    /// # Errors
    /// [`CaptureError::Io`], and [`CaptureError::Frame`] if it is none, or does not follow.
    pub fn frame(&mut self, bytes: &[u8]) -> Result<(), CaptureError> {
        self.write_all_records()?;
        let next = self.next;
        let refused = |error| CaptureError::Frame { next, error };
        let frame = Frame::read_exact(bytes).map_err(refused)?;
        let mut chain = self.chain.unwrap_or(Chain::at(frame.first(), None));
        chain.link(&frame).map_err(refused)?;
        self.put_frame(&frame, bytes, chain)
    }

    fn put_frame(
        &mut self,
        frame: &Frame<'_>,
        bytes: &[u8],
        chain: Chain,
    ) -> Result<(), CaptureError> {
        let entry = FrameAt { first: frame.first(), at: frame.at(), offset: self.len };
        self.out.write_all(bytes)?;
        self.index.frame(entry);
        self.len += bytes.len() as u64;
        (self.chain, self.next) = (Some(chain), chain.next());
        Ok(())
    }

    /// Writes how everything is at a place: at the beginning, before the first record, or later.
    ///
    /// # Errors
    /// [`CaptureError::Io`], and [`CaptureError::State`] for a state that is too large.
    pub fn image(&mut self, core: &Core, place: Place) -> Result<(), CaptureError> {
        self.write_all_records()?;
        self.index.image(ImageAt { place, offset: self.len });
        let (out, len) = (&mut self.out, &mut self.len);
        let written = snapshot::write(core, place, |_, chunk| {
            *len += chunk.len() as u64;
            out.write_all(chunk)
        });
        written.map_err(|error| match error {
            WriteError::Store(error) => CaptureError::Io(error),
            WriteError::Snapshot(error) => CaptureError::State(error),
        })
    }

    /// Writes the next chunk of an image as it is; the first one begins the image.
    ///
    /// # Errors
    /// [`CaptureError::Io`], and [`CaptureError::Damaged`] if it is none.
    pub fn chunk(&mut self, bytes: &[u8]) -> Result<(), CaptureError> {
        self.write_all_records()?;
        let Some(chunk) = snapshot::find_chunk(bytes).filter(|chunk| chunk.len == bytes.len())
        else {
            let what = "an image that should be copied is damaged".to_owned();
            return Err(CaptureError::Damaged { next: self.next, what });
        };
        if chunk.number == 0 {
            self.index.image(ImageAt { place: chunk.place, offset: self.len });
        }
        self.put(bytes)
    }

    /// Writes what a message says; see [`RawMessage`](super::RawMessage). One that is too long for a
    /// note is left out.
    ///
    /// # Errors
    /// [`CaptureError::Io`].
    pub(crate) fn raw(&mut self, says: &[u8]) -> Result<(), CaptureError> {
        self.write_all_records()?;
        if says.len() > block::NOTE_BYTES_MAX {
            return Ok(());
        }
        self.put(&block::note(Kind::Raw, says))
    }

    /// Says that the records up to `to`, not included, are missing, and why. What follows begins
    /// with an image, or nobody can make anything of it.
    ///
    /// # Errors
    /// [`CaptureError::Io`].
    pub fn gap(&mut self, to: u64, why: &str) -> Result<(), CaptureError> {
        self.write_all_records()?;
        let mut says = Vec::new();
        says.extend_from_slice(&self.next.to_le_bytes());
        says.extend_from_slice(&to.to_le_bytes());
        let fits = |len: &usize| why.is_char_boundary(*len);
        let len = (0..=why.len().min(WHY_BYTES_MAX)).rev().find(fits).unwrap_or(0);
        says.extend_from_slice(&why.as_bytes()[..len]);
        self.index.gap(GapAt { from: self.next, to, offset: self.len });
        (self.chain, self.next) = (None, to);
        self.put(&block::note(Kind::Gap, &says))
    }

    /// Writes what is left, the index and the end, and gives the writer back.
    ///
    /// # Errors
    /// As [`CaptureWriter::push`].
    pub fn finish(mut self) -> Result<W, CaptureError> {
        self.write_all_records()?;
        let index_at = self.len;
        self.put(&block::note(Kind::Index, &self.index.says()))?;
        self.put(&block::end(index_at))?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// Hands all that was written on to the system, so that it is in the file if this process dies.
    ///
    /// # Errors
    /// As [`CaptureWriter::push`].
    pub fn flush(&mut self) -> Result<(), CaptureError> {
        self.write_all_records()?;
        Ok(self.out.flush()?)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), CaptureError> {
        self.out.write_all(bytes)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn write_all_records(&mut self) -> Result<(), CaptureError> {
        while !self.records.is_empty() {
            self.write_records()?;
        }
        Ok(())
    }

    fn write_records(&mut self) -> Result<(), CaptureError> {
        let chain = self.chain.unwrap_or(Chain::START);
        let (mut bytes, next) = (std::mem::take(&mut self.bytes), self.next);
        bytes.clear();
        let refused = |error| CaptureError::Frame { next: chain.next(), error };
        let written = self.frames.write(chain, &self.records, &mut bytes).map_err(refused)?;
        let frame = Frame::read_exact(&bytes).map_err(refused)?;
        self.put_frame(&frame, &bytes, written.chain)?;
        (self.bytes, self.next) = (bytes, next);
        self.records.drain(..written.count);
        Ok(())
    }
}
