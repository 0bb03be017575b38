//! Many byte strings looked for at once.

use super::super::survey::{Survey, is_short_number};
use super::kind;
use engine::id::Guid;
use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read};

/// A shorter one would be found by chance.
const FEWEST_BYTES: usize = 6;

/// How much of a file is looked at at once.
const WINDOW_BYTES: usize = 1024 * 1024;

/// What is looked for.
pub(super) struct Needles {
    /// By their first bytes.
    by_start: HashMap<[u8; FEWEST_BYTES], Vec<(Vec<u8>, &'static str)>>,
    /// A bit for each two bytes with which one begins, so that most places need no further look.
    starts: Vec<bool>,
    longest: usize,
}

impl Needles {
    /// All that can be told from chance.
    pub(super) fn of(survey: &Survey) -> Needles {
        let mut needles =
            Needles { by_start: HashMap::new(), starts: vec![false; 1 << 16], longest: 0 };
        let texts = survey.parts.iter().filter(|text| survey.holds(text));
        for text in texts.filter(|text| !is_short_number(text)) {
            // Names of nodes and PBXs are kept in small letters, too.
            for text in BTreeSet::from([text.trim().to_owned(), text.trim().to_lowercase()]) {
                needles.add(text.as_bytes().to_vec(), kind(&text));
                for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
                    needles.add(text.encode_utf16().flat_map(bytes).collect(), kind(&text));
                }
            }
        }
        survey.guids.keys().for_each(|guid| needles.add_guid(*guid));
        needles
    }

    fn add_guid(&mut self, guid: Guid) {
        const KIND: &str = "a GUID";
        let bytes = guid.0;
        let mut mixed = bytes;
        // As Windows keeps it in memory.
        mixed[..4].reverse();
        mixed[4..6].reverse();
        mixed[6..8].reverse();
        let digits = guid.to_string();
        let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
        for text in [parts.join("-"), digits.clone()] {
            self.add(text.to_ascii_uppercase().into_bytes(), KIND);
            self.add(text.into_bytes(), KIND);
        }
        self.add(bytes.to_vec(), KIND);
        self.add(mixed.to_vec(), KIND);
    }

    fn add(&mut self, needle: Vec<u8>, kind: &'static str) {
        let Some(start) = needle.first_chunk::<FEWEST_BYTES>().copied() else { return };
        self.starts[usize::from(u16::from_le_bytes([start[0], start[1]]))] = true;
        self.longest = self.longest.max(needle.len());
        self.by_start.entry(start).or_default().push((needle, kind));
    }

    /// What is found in these bytes.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<&'static str> {
        bytes.windows(FEWEST_BYTES).enumerate().find_map(|(at, window)| {
            if !self.starts[usize::from(u16::from_le_bytes([window[0], window[1]]))] {
                return None;
            }
            let needles = self.by_start.get(window)?;
            let found = needles.iter().find(|(needle, _)| bytes[at..].starts_with(needle));
            found.map(|(_, kind)| *kind)
        })
    }

    /// What is found in a file.
    pub(super) fn find_in(&self, mut file: impl Read) -> io::Result<Option<&'static str>> {
        let mut window = Vec::new();
        loop {
            let read = file.by_ref().take(WINDOW_BYTES as u64).read_to_end(&mut window)?;
            if let Some(kind) = self.find(&window) {
                return Ok(Some(kind));
            }
            if read == 0 {
                return Ok(None);
            }
            // One may lie across.
            window.drain(..window.len().saturating_sub(self.longest));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn needles() -> Needles {
        let mut survey = Survey::default();
        for text in ["Anna Berg", "0301234567", "20", "4711"] {
            survey.parts.insert(text.to_owned());
        }
        survey.guids.insert(Guid::read("00112233445566778899aabbccddeeff"), false);
        Needles::of(&survey)
    }

    #[test]
    fn texts_and_guids_are_found_in_every_spelling() {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        for hay in [
            &b"..Anna Berg.."[..],
            b"anna berg",
            b"40301234567",
            &wide("(Anna Berg)"),
            b"00112233-4455-6677-8899-AABBCCDDEEFF",
            b"x00112233445566778899aabbccddeeff",
            b"\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
        ] {
            assert!(needles().find(hay).is_some(), "{hay:?}");
        }
        for hay in [&b"..Anna Bern.."[..], b"471120", b"Anna", b""] {
            assert_eq!(needles().find(hay), None, "{hay:?}");
        }
    }

    #[test]
    fn one_that_lies_across_two_windows_is_found() {
        for at in [WINDOW_BYTES - 4, WINDOW_BYTES - 20, 2 * WINDOW_BYTES - 1, 3 * WINDOW_BYTES] {
            let mut hay = vec![b'.'; 3 * WINDOW_BYTES + 100];
            assert_eq!(needles().find_in(hay.as_slice()).unwrap(), None);
            hay[at..at + 9].copy_from_slice(b"Anna Berg");
            assert_eq!(needles().find_in(hay.as_slice()).unwrap(), Some("a name"), "{at}");
        }
    }
}
