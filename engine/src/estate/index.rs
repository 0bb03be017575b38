//! Lines by their names and numbers, so that none is looked for one after the other.

use crate::id::LineId;
use std::collections::BTreeSet;

/// What a line is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Long Name.
    LongName,
    /// Address, or extension within the node.
    Number,
    /// Numbering node, with the tree of PBXs that it is of.
    Node,
}

/// A text by which a line is found, as far as that is needed: 0 is none.
pub(super) type Key = u32;

/// Lines by hashes of texts. What is found has to be compared with what was looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index(BTreeSet<(Key, LineId)>);

impl Index {
    /// Puts a line under another key than before; 0 is none.
    pub(super) fn change(&mut self, line: LineId, before: Key, now: Key) {
        if before != now {
            self.0.remove(&(before, line));
            if now != 0 {
                self.0.insert((now, line));
            }
        }
    }

    /// The lines under a key.
    pub(super) fn find(&self, key: Key) -> impl Iterator<Item = LineId> {
        self.0.range((key, LineId(0))..=(key, LineId(u32::MAX))).map(|(_, line)| *line)
    }
}

/// The key of a text.
pub(super) fn key(by: By, text: &str) -> Key {
    if text.is_empty() {
        return 0;
    }
    let hash = hash(std::iter::once(by as u8).chain(text.bytes()));
    // Both halves, mixed.
    ((hash >> 32) as Key ^ hash as Key).max(1)
}

/// FNV-1a, 64 bit.
pub(super) fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.fold(0xcbf2_9ce4_8422_2325, |state: u64, byte| {
        (state ^ u64::from(byte)).wrapping_mul(PRIME)
    })
}
