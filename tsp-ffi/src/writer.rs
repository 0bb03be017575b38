//! Writer of structures of variable size (TSPI: Memory Allocation; Variably Sized Data
//! Structures; invariant I-21).
//!
//! The server says how large its buffer is; the version says how much of the structure exists.
//! What has no room is left out whole and only counted, so that the server can come again with
//! enough. Bytes that belong to the server are neither read nor written.

use crate::abi::{Answer, Extent, Version};
use engine::tapi::LineErr;
use std::marker::PhantomData;

/// A structure being written: first its texts by [`Writer::place`], then all the rest by
/// [`Writer::finish`].
pub(crate) struct Writer<T: Answer> {
    base: *mut u8,
    total: usize,
    fixed: usize,
    used: usize,
    needed: usize,
    shape: PhantomData<T>,
}

impl<T: Answer> Writer<T> {
    /// Begins a structure in the server's buffer.
    ///
    /// # Errors
    /// [`LineErr::InvalPointer`] for a null pointer; [`LineErr::StructureTooSmall`] if the total
    /// size written in the buffer does not even hold the fixed part.
    ///
    /// # Safety
    /// `base` is null, or points to a buffer whose first four bytes are its size and which no one
    /// else writes until the writer is gone.
    pub(crate) unsafe fn begin(base: *mut T, version: Version) -> Result<Writer<T>, LineErr> {
        let base = base.cast::<u8>();
        if base.is_null() {
            return Err(LineErr::InvalPointer);
        }
        // SAFETY: not null, and the caller vouches for the first four bytes.
        let total = unsafe { base.cast::<u32>().read_unaligned() } as usize;
        let fixed = T::fixed_size(version);
        if total < fixed {
            return Err(LineErr::StructureTooSmall);
        }
        Ok(Writer { base, total, fixed, used: fixed, needed: fixed, shape: PhantomData })
    }

    /// Copies an item behind what is there, if it has room as a whole. An empty item is absent.
    pub(crate) fn place(&mut self, bytes: &[u8]) -> Extent {
        if bytes.is_empty() {
            return Extent::default();
        }
        self.needed = self.needed.saturating_add(bytes.len());
        if bytes.len() > self.total - self.used {
            return Extent::default();
        }
        // SAFETY: used + bytes.len() <= total, the size of the buffer that `begin` was given, and
        // the caller of `begin` lets no one else write there, so the ranges do not overlap.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.base.add(self.used), bytes.len());
        }
        let extent = Extent { size: bytes.len() as u32, offset: self.used as u32 };
        self.used += bytes.len();
        extent
    }

    /// Lets an item be written behind what is there, if it has room as a whole. `fill` gets the
    /// place, all zero, and how far it is from the begin of the structure.
    pub(crate) fn place_with(&mut self, size: usize, fill: impl FnOnce(&mut [u8], u32)) -> Extent {
        if size == 0 {
            return Extent::default();
        }
        self.needed = self.needed.saturating_add(size);
        if size > self.total - self.used {
            return Extent::default();
        }
        // SAFETY: used + size <= total, the size of the buffer that `begin` was given, and the
        // caller of `begin` lets no one else write there; zeroing initialises all of it.
        let place = unsafe {
            let start = self.base.add(self.used);
            start.write_bytes(0, size);
            std::slice::from_raw_parts_mut(start, size)
        };
        fill(place, self.used as u32);
        let extent = Extent { size: size as u32, offset: self.used as u32 };
        self.used += size;
        extent
    }

    /// Writes the fixed part, as far as the version knows it, around what belongs to the server.
    pub(crate) fn finish(self, mut value: T) {
        value.set_sizes(u32::try_from(self.needed).unwrap_or(u32::MAX), self.used as u32);
        let mut from = 0;
        for (servers_from, servers_to) in T::SERVERS.iter().copied() {
            self.copy(&value, from, servers_from);
            from = servers_to;
        }
        self.copy(&value, from, self.fixed);
    }

    fn copy(&self, value: &T, from: usize, to: usize) {
        let to = to.min(self.fixed);
        if from < to {
            // SAFETY: to <= fixed <= total, the size of the buffer, and fixed <= size_of::<T>();
            // `Answer` promises a value without padding, so every byte of it is initialised.
            unsafe {
                std::ptr::copy_nonoverlapping(
                    std::ptr::from_ref(value).cast::<u8>().add(from),
                    self.base.add(from),
                    to - from,
                );
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::abi::{
        LineAddressCaps, LineAddressStatus, LineCallInfo, LineCallStatus, LineDevCaps,
        LineDevStatus, VarString,
    };
    use proptest::prelude::*;

    const GUARD: u8 = 0xA5;

    /// What a query left behind.
    struct Left {
        result: Result<Vec<Extent>, LineErr>,
        buffer: Vec<u8>,
    }

    /// Writes a structure whose own bytes are all 0x11 into a guarded buffer that claims `total`.
    fn write<T: Answer>(total: usize, version: Version, items: &[Vec<u8>]) -> Left {
        let mut buffer = vec![GUARD; total.max(4) + 64];
        buffer[..4].copy_from_slice(&(total as u32).to_le_bytes());
        // SAFETY: `Answer` is made of integers only, for which every byte pattern is a value.
        let value = unsafe {
            let mut value = T::default();
            std::ptr::write_bytes(
                std::ptr::from_mut(&mut value).cast::<u8>(),
                0x11,
                size_of::<T>(),
            );
            value
        };
        // SAFETY: the buffer begins with its size and is ours alone.
        let result =
            unsafe { Writer::<T>::begin(buffer.as_mut_ptr().cast(), version) }.map(|mut writer| {
                let extents = items.iter().map(|item| writer.place(item)).collect();
                writer.finish(value);
                extents
            });
        Left { result, buffer }
    }

    fn number(buffer: &[u8], at: usize) -> usize {
        u32::from_le_bytes(buffer[at..at + 4].try_into().unwrap()) as usize
    }

    fn check<T: Answer>(total: usize, version: Version, items: &[Vec<u8>]) {
        let Left { result, buffer } = write::<T>(total, version, items);
        let fixed = T::fixed_size(version);
        assert_eq!(number(&buffer, 0), total, "the total size is the server's");
        let Ok(extents) = result else {
            assert_eq!(result, Err(LineErr::StructureTooSmall));
            assert!(total < fixed);
            assert!(buffer[4..].iter().all(|byte| *byte == GUARD), "nothing is touched");
            return;
        };
        assert!(total >= fixed);

        let (needed, used) = (number(&buffer, 4), number(&buffer, 8));
        assert_eq!(needed, fixed + items.iter().map(Vec::len).sum::<usize>());
        assert!(used <= needed && used <= total);
        if total >= needed {
            assert_eq!(used, needed, "with room for all, all is there");
        }

        let mut at = fixed;
        for (item, extent) in items.iter().zip(extents) {
            let Extent { size, offset } = extent;
            if size == 0 {
                assert_eq!(offset, 0);
                assert!(item.is_empty() || at + item.len() > total, "left out only without room");
            } else {
                assert_eq!(offset as usize, at, "items are contiguous behind the fixed part");
                at += size as usize;
                assert_eq!(&buffer[offset as usize..at], item, "an item is there as a whole");
            }
        }
        assert_eq!(at, used);

        let servers = |index| T::SERVERS.iter().any(|(from, to)| (*from..*to).contains(&index));
        for (index, byte) in buffer.iter().enumerate().skip(12) {
            let expected = if index >= used || servers(index) { GUARD } else { 0x11 };
            assert!(index >= fixed && index < used || *byte == expected, "byte {index}");
        }
    }

    fn check_all(total: usize, version: Version, items: &[Vec<u8>]) {
        check::<LineDevCaps>(total, version, items);
        check::<LineAddressCaps>(total, version, items);
        check::<LineCallInfo>(total, version, items);
        check::<LineCallStatus>(total, version, items);
        check::<LineDevStatus>(total, version, items);
        check::<LineAddressStatus>(total, version, items);
        check::<VarString>(total, version, items);
    }

    proptest! {
        // A query with any total size, of any version, with any texts.
        #[test]
        fn sizes_are_right_and_nothing_past_the_total_is_touched(
            total in 0usize..700,
            version in prop::sample::select(Version::ALL.as_slice()),
            items in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..12),
        ) {
            check_all(total, version, &items);
        }
    }

    #[test]
    fn the_bounds_of_every_version_are_exact() {
        let items = [b"four".to_vec()];
        for version in Version::ALL {
            for fixed in [24, 56, 64, 88, 228, 252, 268, 292, 324, 344] {
                for total in fixed - 1..=fixed + 5 {
                    check_all(total, version, &items);
                }
            }
        }
    }

    #[test]
    fn an_item_without_room_does_not_keep_a_shorter_one_out() {
        let items = [vec![1; 40], vec![2; 8]];
        let Left { result, .. } = write::<LineCallStatus>(70, Version::V3_0, &items);
        let extents = result.unwrap();
        assert_eq!(extents, [Extent::default(), Extent { size: 8, offset: 56 }]);
    }

    #[test]
    fn a_null_pointer_is_refused() {
        // SAFETY: null is allowed.
        let begun = unsafe { Writer::<LineCallStatus>::begin(std::ptr::null_mut(), Version::V3_0) };
        assert_eq!(begun.err(), Some(LineErr::InvalPointer));
    }
}
