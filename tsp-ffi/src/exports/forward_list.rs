//! Reader of LINEFORWARDLIST.
//!
//! An entry has 24 bytes up to version 3.0 and 32 from 3.1 on, but the public header knows only the
//! long one, so hosts compiled with it may send long entries on a line of an older version. With
//! several entries the two can be told apart: read with the wrong length, something in the second
//! entry makes no sense.

use crate::abi::LineForwardList;
use engine::capability;
use engine::dial::Dialable;
use engine::forwarding::Forward;
use engine::pii::Personal;
use engine::tapi::LineErr;

/// A list as the host sent it.
pub(super) struct ForwardList {
    base: *const u8,
    total: usize,
    count: usize,
}

/// What an entry says, before its texts are looked at.
#[derive(Clone, Copy)]
struct Entry {
    mode: u32,
    caller: Text,
    destination: Text,
}

/// Where a text is.
#[derive(Clone, Copy)]
struct Text {
    size: usize,
    offset: usize,
}

/// The fixed part.
const HEAD: usize = 8;
/// Bytes of an entry: of all versions that we speak, and of 3.1.
const STRIDES: [usize; 2] = [24, 32];

impl ForwardList {
    /// The forwards in a list; none if there is no list.
    ///
    /// # Errors
    /// [`LineErr::StructureTooSmall`] if the list does not even hold its entries,
    /// [`LineErr::InvalParam`] if it has too many, or makes no sense, [`LineErr::InvalAddress`] for
    /// a number that cannot be dialled.
    ///
    /// # Safety
    /// The pointer is null, or leads to a buffer of the size in its first member.
    pub(super) unsafe fn read(from: *const LineForwardList) -> Result<Vec<Forward>, LineErr> {
        if from.is_null() {
            return Ok(Vec::new());
        }
        let base = from.cast::<u8>();
        // SAFETY: not null, and the caller vouches for the first member.
        let total = unsafe { base.cast::<u32>().read_unaligned() } as usize;
        if total < HEAD {
            return Err(LineErr::StructureTooSmall);
        }
        let mut list = ForwardList { base, total, count: 0 };
        list.count = list.number(4) as usize;
        if list.count > capability::MAX_FORWARD_ENTRIES {
            return Err(LineErr::InvalParam);
        }
        if list.total < HEAD + list.count * STRIDES[0] {
            return Err(LineErr::StructureTooSmall);
        }
        let entries = STRIDES.into_iter().find_map(|stride| list.entries(stride));
        entries.ok_or(LineErr::InvalParam)?.into_iter().map(|entry| list.forward(entry)).collect()
    }

    /// The entries, if they make sense with this length.
    fn entries(&self, stride: usize) -> Option<Vec<Entry>> {
        let behind = HEAD + self.count * stride;
        if behind > self.total {
            return None;
        }
        let is_sound = |text: Text| {
            let Text { size, offset } = text;
            let inside =
                offset >= behind && offset.checked_add(size).is_some_and(|end| end <= self.total);
            size % 2 == 0 && (inside || (size == 0 && offset == 0))
        };
        (0..self.count)
            .map(|index| self.entry(HEAD + index * stride))
            .map(|entry| {
                let sound = entry.mode.is_power_of_two() && entry.mode < ANY_MODE;
                (sound && is_sound(entry.caller) && is_sound(entry.destination)).then_some(entry)
            })
            .collect()
    }

    fn entry(&self, at: usize) -> Entry {
        let text = |place| Text {
            size: self.number(at + place) as usize,
            offset: self.number(at + place + 4) as usize,
        };
        Entry { mode: self.number(at), caller: text(4), destination: text(16) }
    }

    fn forward(&self, entry: Entry) -> Result<Forward, LineErr> {
        let caller = self.dialable(entry.caller)?;
        let to = self.dialable(entry.destination)?;
        Forward::of(entry.mode, caller, to).ok_or(LineErr::InvalParam)
    }

    /// A number; empty if none is given.
    fn dialable(&self, text: Text) -> Result<Personal, LineErr> {
        let longest = 2 * super::LONGEST_TEXT;
        if text.size > longest {
            return Err(LineErr::InvalAddress);
        }
        let units = (text.offset..text.offset + text.size).step_by(2).map(|at| self.unit(at));
        let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
        let text = String::from_utf16(&units).map_err(|_| LineErr::InvalAddress)?;
        if text.is_empty() {
            return Ok(Personal::default());
        }
        // A forward has no dial tone to wait for and nobody to prompt.
        Dialable::read(&text).map(Dialable::into_number).map_err(|_| LineErr::InvalAddress)
    }

    fn number(&self, at: usize) -> u32 {
        debug_assert!(at + 4 <= self.total);
        // SAFETY: every caller stays within the total size, for which the caller of `read` vouches.
        unsafe { self.base.add(at).cast::<u32>().read_unaligned() }
    }

    fn unit(&self, at: usize) -> u16 {
        debug_assert!(at + 2 <= self.total);
        // SAFETY: as above; `entries` has found all texts to lie within the total size.
        unsafe { self.base.add(at).cast::<u16>().read_unaligned() }
    }
}

/// All LINEFORWARDMODE bits, those that are only reported included, are below this.
const ANY_MODE: u32 = 0x4_0000;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An entry in words: mode, caller, destination.
    type Words<'a> = (u32, &'a str, &'a str);

    fn list(entries: &[Words<'_>], stride: usize) -> Vec<u8> {
        let mut bytes = vec![0; HEAD + entries.len() * stride];
        let put = |bytes: &mut Vec<u8>, at: usize, value: usize| {
            bytes[at..at + 4].copy_from_slice(&(value as u32).to_le_bytes());
        };
        for (index, (mode, caller, destination)) in entries.iter().enumerate() {
            let at = HEAD + index * stride;
            put(&mut bytes, at, *mode as usize);
            for (place, text) in [(4, caller), (16, destination)] {
                if text.is_empty() {
                    continue;
                }
                let offset = bytes.len();
                bytes.extend(text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
                let size = bytes.len() - offset;
                put(&mut bytes, at + place, size);
                put(&mut bytes, at + place + 4, offset);
            }
            if stride == 32 {
                put(&mut bytes, at + 24, usize::from(!caller.is_empty()));
                put(&mut bytes, at + 28, 1);
            }
        }
        let total = bytes.len();
        put(&mut bytes, 0, total);
        put(&mut bytes, 4, entries.len());
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Vec<(u32, String, String)>, LineErr> {
        // SAFETY: the tests see to it that the bytes begin with no more than their number.
        let forwards = unsafe { ForwardList::read(bytes.as_ptr().cast()) }?;
        let words = |f: &Forward| (f.mode(), f.callers.number().to_owned(), f.to.text().to_owned());
        Ok(forwards.iter().map(words).collect())
    }

    fn owned(entries: &[Words<'_>]) -> Vec<(u32, String, String)> {
        entries.iter().map(|(mode, caller, to)| (*mode, (*caller).into(), (*to).into())).collect()
    }

    #[test]
    fn no_list_and_an_empty_list_name_no_forward() {
        // SAFETY: null is allowed.
        assert_eq!(unsafe { ForwardList::read(std::ptr::null()) }, Ok(Vec::new()));
        assert_eq!(read(&list(&[], 24)), Ok(Vec::new()));
    }

    #[test]
    fn both_lengths_of_entries_read_the_same() {
        let entries = [(0x10, "", "30"), (0x400, "", "31"), (0x8, "23", "0555"), (0x1000, "", "9")];
        for count in 1..=entries.len() {
            for stride in STRIDES {
                let read = read(&list(&entries[..count], stride));
                assert_eq!(read, Ok(owned(&entries[..count])), "{count} of {stride}");
            }
        }
    }

    #[test]
    fn a_list_that_makes_no_sense_is_refused_as_a_whole() {
        let bad = Err(LineErr::InvalParam);
        for mode in [0, 3, 0x1_0000, 0x2_0000, 0x4_0000, 0x8000_0000] {
            assert_eq!(read(&list(&[(0x10, "", "30"), (mode, "", "30")], 24)), bad, "{mode:#x}");
            assert_eq!(read(&list(&[(mode, "", "30")], 24)), bad, "{mode:#x}");
        }
        let many = vec![(1, "", "30"); capability::MAX_FORWARD_ENTRIES + 1];
        assert_eq!(read(&list(&many, 24)), bad);
        for (place, value) in
            [(28, 8), (28, 4000), (28, u32::MAX), (24, 5), (24, 4000), (24, u32::MAX)]
        {
            let mut bytes = list(&[(1, "", "30")], 24);
            bytes[place..place + 4].copy_from_slice(&value.to_le_bytes());
            assert_eq!(read(&bytes), bad, "{value} at {place}");
        }
    }

    #[test]
    fn a_list_smaller_than_its_entries_is_too_small() {
        for total in [0_u32, 7, 8, 31] {
            let mut bytes = list(&[(1, "", "30")], 24);
            bytes[..4].copy_from_slice(&total.to_le_bytes());
            assert_eq!(read(&bytes), Err(LineErr::StructureTooSmall), "{total}");
        }
        let mut bytes = list(&[(1, "", "30")], 24);
        bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(read(&bytes), Err(LineErr::InvalParam));
    }

    #[test]
    fn numbers_are_read_as_in_other_functions_and_what_cannot_be_dialled_is_no_address() {
        assert_eq!(read(&list(&[(1, "", "T1-2 (3)")], 24)), Ok(owned(&[(1, "", "123")])));
        for number in ["1?2", "1W2", "1$2", "abc!", "-", "1;"] {
            assert_eq!(read(&list(&[(1, "", number)], 24)), Err(LineErr::InvalAddress), "{number}");
        }
        let long = "1".repeat(5000);
        assert_eq!(read(&list(&[(1, "", &long)], 24)), Err(LineErr::InvalAddress));
    }

    proptest! {
        // Whatever stands in a list, nothing outside of it is looked at; Miri and the guard pages
        // of the conformance host see the rest.
        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 8..200),
            count in 0..6u32,
        ) {
            let mut bytes = bytes;
            let total = bytes.len() as u32;
            bytes[..4].copy_from_slice(&total.to_le_bytes());
            bytes[4..8].copy_from_slice(&count.to_le_bytes());
            if let Ok(forwards) = read(&bytes) {
                prop_assert_eq!(forwards.len(), count as usize);
            }
        }

        #[test]
        fn what_is_in_a_list_is_read(
            entries in proptest::collection::vec(
                (0..16u32, "[1-9][0-9]{0,8}", "[0-9*#]{1,12}"), 1..8,
            ),
            stride in proptest::sample::select(STRIDES.to_vec()),
        ) {
            let entries: Vec<Words<'_>> = entries
                .iter()
                .map(|(bit, caller, to)| {
                    let caller = if bit % 4 == 3 { caller.as_str() } else { "" };
                    (1 << bit, caller, to.as_str())
                })
                .collect();
            prop_assert_eq!(read(&list(&entries, stride)), Ok(owned(&entries)));
        }
    }
}
