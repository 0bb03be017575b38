//! Capture files (`*.tspt`): a piece of a log as one file, to be replayed elsewhere.
//!
//! A short header, then blocks, each of which says by its first bytes what it is and how long. All
//! numbers are little-endian. The header:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | magic `TSPT` |
//! | 4 | 1 | format, 2 |
//! | 5 | 1 | flags: 1 if names and numbers were replaced, 2 if what PBXs said is in it word by word |
//! | 6 | 1 | length of the version |
//! | 7 | | version of the program that wrote the file |
//! | | 4 | CRC-32 of all of the above |
//!
//! The blocks:
//!
//! | first bytes | what |
//! |---|---|
//! | `TPLF` | a frame: the very bytes that lie in a log, see `engine::frame` |
//! | `TPLS` | a chunk of an image, as in a log too, see `engine::snapshot` |
//! | `TPLN` | a note: gap, raw message, index; see `block.rs` |
//! | `TPLE` | the end, with the place of the index before it |
//!
//! A file that does not begin with record 0 begins with an image; a long one has more of them, so
//! that any record is reached soon. An image may stand anywhere: it says itself which place it is of.
//!
//! The index only saves looking through the file. Where it is missing, the file is cut off, and what
//! is left is looked through. Damage ends the records, as in a log; but where an image follows it, one
//! may go on from there, and the records between are a *gap*.

mod block;
mod error;
mod index;
mod raw;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use error::CaptureError;
pub use index::Gap;
pub use raw::{RawMessage, Way};
pub(crate) use reader::Frames;
pub use reader::{CaptureFile, Records};
pub use writer::CaptureWriter;

/// First bytes of a capture file.
pub const MAGIC: [u8; 4] = *b"TSPT";
/// Version of the file's layout.
pub const FORMAT: u8 = 2;
/// How capture files are called.
pub const EXTENSION: &str = "tspt";

const ANONYMISED: u8 = 1;
const RAW: u8 = 2;

/// Bytes of the header before the version.
const FIXED_BYTES: usize = 7;

/// What a capture file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Whether names and numbers were replaced.
    pub anonymised: bool,
    /// Whether messages of PBXs are in it word by word.
    pub raw: bool,
    /// Version of the program that wrote it.
    pub version: String,
}

impl About {
    /// What a file written by this program says.
    #[must_use]
    pub fn this_program(anonymised: bool) -> About {
        About { anonymised, raw: false, version: env!("CARGO_PKG_VERSION").into() }
    }

    /// The header of a file.
    fn header(&self) -> Vec<u8> {
        // Its length must fit in one byte; our own versions are a few characters.
        let fits = |len: &usize| self.version.is_char_boundary(*len);
        let longest = self.version.len().min(usize::from(u8::MAX));
        let version = &self.version[..(0..=longest).rev().find(fits).unwrap_or(0)];
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        let flags = flag(self.anonymised, ANONYMISED) | flag(self.raw, RAW);
        let mut header = MAGIC.to_vec();
        header.extend_from_slice(&[FORMAT, flags, version.len() as u8]);
        header.extend_from_slice(version.as_bytes());
        header.extend_from_slice(&crc32fast::hash(&header).to_le_bytes());
        header
    }

    /// Reads the header; also says how long it is.
    fn read(input: &mut impl std::io::Read) -> Result<(About, u64), CaptureError> {
        let mut header = Vec::new();
        block::read_up_to(input, FIXED_BYTES, &mut header)?;
        let &[m0, m1, m2, m3, format, flags, version_len] = header.as_slice() else {
            let is_ours = !header.is_empty() && MAGIC.starts_with(&header[..header.len().min(4)]);
            return Err(if is_ours { CaptureError::DamagedHeader } else { CaptureError::Foreign });
        };
        if [m0, m1, m2, m3] != MAGIC {
            return Err(CaptureError::Foreign);
        }
        block::read_up_to(input, usize::from(version_len) + 4, &mut header)?;
        let (said, crc) = header.split_last_chunk().ok_or(CaptureError::DamagedHeader)?;
        if said.len() < FIXED_BYTES || crc32fast::hash(said) != u32::from_le_bytes(*crc) {
            return Err(CaptureError::DamagedHeader);
        }
        if format != FORMAT {
            return Err(CaptureError::OtherFormat { found: format });
        }
        let version = String::from_utf8_lossy(&said[FIXED_BYTES..]).into_owned();
        let is = |flag: u8| flags & flag != 0;
        Ok((About { anonymised: is(ANONYMISED), raw: is(RAW), version }, header.len() as u64))
    }
}
