//! The blocks of a capture file, one after the other.
//!
//! Frames and chunks of images are as they lie in a log. A note is all else, little-endian:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | magic `TPLN` |
//! | 4 | 1 | kind: 1 gap, 2 raw message, 3 index; others are passed over |
//! | 5 | 4 | length of what it says |
//! | 9 | 4 | CRC-32 of kind, length and what it says |
//! | 13 | | what it says |
//!
//! The end is the last block: `TPLE`, the offset of the index (8 bytes), and the CRC-32 of both.

use engine::frame::{self, Frame, FrameError};
use engine::snapshot;
use std::io::{self, Read};

/// First bytes of a note.
pub(super) const NOTE: [u8; 4] = *b"TPLN";
/// First bytes of the end.
pub(super) const END: [u8; 4] = *b"TPLE";

/// Bytes of the end.
pub(super) const END_BYTES: usize = 16;

/// The longest note: the index of a file of some ten gigabytes.
pub(super) const NOTE_BYTES_MAX: usize = 16 * 1024 * 1024;

const NOTE_HEADER_BYTES: usize = 13;

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gap,
    Raw,
    Index,
    /// A later version knows.
    Other,
}

impl Kind {
    fn number(self) -> u8 {
        match self {
            Kind::Gap => 1,
            Kind::Raw => 2,
            Kind::Index => 3,
            Kind::Other => 0,
        }
    }

    fn of(number: u8) -> Kind {
        let is = |kind: &Kind| kind.number() == number;
        [Kind::Gap, Kind::Raw, Kind::Index].into_iter().find(is).unwrap_or(Kind::Other)
    }
}

/// A note as bytes.
pub(super) fn note(kind: Kind, says: &[u8]) -> Vec<u8> {
    let mut note = Vec::with_capacity(NOTE_HEADER_BYTES + says.len());
    note.extend_from_slice(&NOTE);
    note.push(kind.number());
    // Those who write notes keep to the limit above.
    note.extend_from_slice(&(says.len() as u32).to_le_bytes());
    note.extend_from_slice(&note_checksum(&note[4..9], says).to_le_bytes());
    note.extend_from_slice(says);
    note
}

fn note_checksum(head: &[u8], says: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(head);
    hasher.update(says);
    hasher.finalize()
}

/// The end as bytes.
pub(super) fn end(index_at: u64) -> [u8; END_BYTES] {
    let mut end = [0; END_BYTES];
    end[..4].copy_from_slice(&END);
    end[4..12].copy_from_slice(&index_at.to_le_bytes());
    let crc = crc32fast::hash(&end[..12]);
    end[12..].copy_from_slice(&crc.to_le_bytes());
    end
}

/// The offset of the index, if these bytes are the end of a file.
pub(super) fn read_end(bytes: &[u8]) -> Option<u64> {
    let said: &[u8; END_BYTES] = bytes.try_into().ok()?;
    let at = u64::from_le_bytes(*said[4..].first_chunk()?);
    (end(at) == *said).then_some(at)
}

/// A block that is intact in itself.
#[derive(Clone, Copy, Debug)]
pub(super) enum Block<'a> {
    Frame(Frame<'a>),
    /// A chunk of an image.
    Chunk(snapshot::FoundChunk),
    Note(Kind, &'a [u8]),
    End,
}

/// Why there is no next block.
#[derive(Debug)]
pub(super) enum NoBlock {
    Io(io::Error),
    Frame(FrameError),
    Damaged(&'static str),
}

/// Reads blocks from a stream.
pub(super) struct Blocks<R> {
    input: R,
    /// Where the next block begins.
    offset: u64,
    bytes: Vec<u8>,
}

impl<R: Read> Blocks<R> {
    /// From a stream that stands at this offset of a file.
    pub(super) fn new(input: R, offset: u64) -> Blocks<R> {
        Blocks { input, offset, bytes: Vec::new() }
    }

    /// The stream, wherever it stands.
    pub(super) fn into_input(self) -> R {
        self.input
    }

    /// Where the next block begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next block; `None` where the stream ends between two.
    pub(super) fn next(&mut self) -> Result<Option<Block<'_>>, NoBlock> {
        self.bytes.clear();
        self.fill(4)?;
        let Some(magic) = self.bytes.first_chunk::<4>().copied() else {
            return match self.bytes.len() {
                0 => Ok(None),
                _ => Err(NoBlock::Frame(FrameError::Truncated)),
            };
        };
        match magic {
            frame::MAGIC => self.frame().map(Some),
            snapshot::MAGIC => self.chunk().map(Some),
            NOTE => self.note().map(Some),
            END => self.end().map(Some),
            _ => Err(NoBlock::Frame(FrameError::Foreign)),
        }
    }

    fn frame(&mut self) -> Result<Block<'_>, NoBlock> {
        self.fill(frame::HEADER_BYTES)?;
        if let Some(header) = self.bytes.first_chunk() {
            let len = Frame::len_of(header).map_err(NoBlock::Frame)?;
            self.fill(len)?;
        }
        let frame = Frame::read_exact(&self.bytes).map_err(NoBlock::Frame)?;
        self.offset += self.bytes.len() as u64;
        Ok(Block::Frame(frame))
    }

    fn chunk(&mut self) -> Result<Block<'_>, NoBlock> {
        const LEN_AT: usize = 28;
        self.fill(snapshot::HEADER_BYTES)?;
        let len = self.u32_at(LEN_AT).ok_or(NoBlock::Damaged("an image is cut off"))?;
        let len = snapshot::HEADER_BYTES + len as usize;
        if len > snapshot::MAX_CHUNK_BYTES {
            return Err(NoBlock::Damaged("a chunk of an image claims to be too long"));
        }
        self.fill(len)?;
        let damaged = NoBlock::Damaged("a chunk of an image is damaged");
        let chunk = snapshot::find_chunk(&self.bytes).ok_or(damaged)?;
        self.offset += self.bytes.len() as u64;
        Ok(Block::Chunk(chunk))
    }

    fn note(&mut self) -> Result<Block<'_>, NoBlock> {
        self.fill(NOTE_HEADER_BYTES)?;
        let cut_off = || NoBlock::Damaged("a note is cut off");
        let len = self.u32_at(5).ok_or_else(cut_off)? as usize;
        let crc = self.u32_at(9).ok_or_else(cut_off)?;
        if len > NOTE_BYTES_MAX {
            return Err(NoBlock::Damaged("a note claims to be too long"));
        }
        self.fill(NOTE_HEADER_BYTES + len)?;
        let says = self.bytes.get(NOTE_HEADER_BYTES..NOTE_HEADER_BYTES + len);
        let says = says.ok_or_else(cut_off)?;
        if note_checksum(&self.bytes[4..9], says) != crc {
            return Err(NoBlock::Damaged("a note is damaged"));
        }
        self.offset += self.bytes.len() as u64;
        Ok(Block::Note(Kind::of(self.bytes[4]), says))
    }

    fn end(&mut self) -> Result<Block<'_>, NoBlock> {
        self.fill(END_BYTES)?;
        if read_end(&self.bytes).is_none() {
            return Err(NoBlock::Damaged("the end is damaged"));
        }
        self.offset += self.bytes.len() as u64;
        Ok(Block::End)
    }

    /// The bytes of the block that was read last.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads on until there are so many bytes, or the stream ends.
    fn fill(&mut self, len: usize) -> Result<(), NoBlock> {
        let missing = len.saturating_sub(self.bytes.len());
        read_up_to(&mut self.input, missing, &mut self.bytes).map_err(NoBlock::Io)
    }

    fn u32_at(&self, at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(*self.bytes.get(at..)?.first_chunk()?))
    }
}

/// Appends the next `len` bytes, or as many as there are.
pub(super) fn read_up_to(input: &mut impl Read, len: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
    input.by_ref().take(len as u64).read_to_end(bytes).map(|_| ())
}
