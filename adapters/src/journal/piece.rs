//! Pieces of a frame that is too large for one value of the storage.
//!
//! The first piece is the beginning of the frame as it is; the others name themselves, so that they
//! are found again in the bytes of a storage that cannot be opened. All numbers little-endian:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | magic `TPLP` |
//! | 4 | 8 | sequence number of the frame's first record |
//! | 12 | 2 | number of the piece, from 1 |
//! | 14 | 2 | length of what follows |
//! | 16 | | a piece of the frame, which has a checksum of its own |

/// First bytes of every piece but the first.
pub(super) const MAGIC: [u8; 4] = *b"TPLP";

/// Most bytes in one value of the storage, which is what a frame may have to be stored whole: most
/// batches at full speed do. With 17 of them a leaf of the storage still fits into its segment, see
/// `storage.rs`. Only writing depends on it; what is read may be in pieces of any length.
pub(super) const MAX_BYTES: usize = 3 * 1024;

const HEADER_BYTES: usize = 16;

/// A piece of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// Sequence number of the frame's first record.
    pub(super) first: u64,
    /// Which piece it is, from 1.
    pub(super) number: u16,
    /// Its part of the frame.
    pub(super) bytes: &'a [u8],
}

impl<'a> Piece<'a> {
    /// Cuts a frame: what is stored as its beginning, and the pieces behind that.
    pub(super) fn cut(first: u64, frame: &'a [u8]) -> (&'a [u8], impl Iterator<Item = Piece<'a>>) {
        let (beginning, rest) = frame.split_at(frame.len().min(MAX_BYTES));
        let pieces = rest.chunks(MAX_BYTES - HEADER_BYTES).zip(1..);
        (beginning, pieces.map(move |(bytes, number)| Piece { first, number, bytes }))
    }

    /// The bytes to store.
    pub(super) fn stored(&self) -> Vec<u8> {
        let mut stored = Vec::with_capacity(HEADER_BYTES + self.bytes.len());
        stored.extend_from_slice(&MAGIC);
        stored.extend_from_slice(&self.first.to_le_bytes());
        stored.extend_from_slice(&self.number.to_le_bytes());
        // Fits, by the constant above.
        stored.extend_from_slice(&(self.bytes.len() as u16).to_le_bytes());
        stored.extend_from_slice(self.bytes);
        stored
    }

    /// The piece at the beginning of these bytes, if there is one.
    pub(super) fn read(stored: &'a [u8]) -> Option<Piece<'a>> {
        let stored = stored.strip_prefix(&MAGIC)?;
        let (first, stored) = stored.split_first_chunk()?;
        let (number, stored) = stored.split_first_chunk()?;
        let (len, stored) = stored.split_first_chunk()?;
        let bytes = stored.get(..usize::from(u16::from_le_bytes(*len)))?;
        let (first, number) = (u64::from_le_bytes(*first), u16::from_le_bytes(*number));
        Some(Piece { first, number, bytes })
    }

    /// How many bytes it takes where it is stored.
    pub(super) fn stored_len(&self) -> usize {
        HEADER_BYTES + self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_any_length_is_cut_and_joined_again() {
        let frame: Vec<u8> = (0..70_000u32).map(|n| n as u8).collect();
        for len in [0, 1, MAX_BYTES - 1, MAX_BYTES, MAX_BYTES + 1, 2 * MAX_BYTES, 70_000] {
            let (beginning, pieces) = Piece::cut(7, &frame[..len]);
            let mut joined = beginning.to_vec();
            for (piece, number) in pieces.zip(1..) {
                assert_eq!((piece.first, piece.number), (7, number));
                let stored = piece.stored();
                assert!(stored.len() <= MAX_BYTES && stored.len() == piece.stored_len());
                assert_eq!(Piece::read(&[&stored[..], b"behind"].concat()), Some(piece));
                assert_eq!(Piece::read(&stored[..stored.len() - 1]), None);
                joined.extend_from_slice(piece.bytes);
            }
            assert_eq!(joined, frame[..len]);
        }
    }
}
