//! Handles that the telephony server holds of opened lines and calls.
//!
//! A handle is an index with a generation, never a pointer, so one that is stale, foreign or
//! invented finds nothing. Looking one up takes no lock and allocates nothing. It is safe against
//! a close at the same time: the entry is copied out under a counter that changes with every
//! write (a sequence lock over atomics), so a reader gets the whole entry as it was before the
//! close, or none.

use std::array;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// What a table keeps for a handle: a few words that can be copied.
pub(crate) trait Entry: Copy {
    /// Tells the handles of one table from those of another: 0 or 1.
    const KIND: usize;
    /// As words.
    fn pack(self) -> [u64; WORDS];
    /// From the words of [`Entry::pack`].
    fn unpack(words: [u64; WORDS]) -> Self;
}

/// Words of an entry.
pub(crate) const WORDS: usize = 6;

/// Bits of a handle: one for the kind, some for the index, the rest for the generation. With 32
/// bits a slot has 4096 generations; [`Table::insert`] makes them last by letting freed slots
/// rest.
const INDEX_BITS: u32 = if usize::BITS == 64 { 24 } else { 19 };
const GENERATION_SHIFT: u32 = 1 + INDEX_BITS;
const GENERATION_MASK: u64 = (1 << (usize::BITS - GENERATION_SHIFT)) - 1;

/// Most handles of a kind at a time (invariant I-24). The index of all ones is never reached, so
/// a handle of all ones is none.
const CAPACITY: usize = (1 << if usize::BITS == 64 { 20 } else { 19 }) - 1;
const CHUNK: usize = 256;
/// Freed slots that rest before the one freed first is used again.
const RESTING: usize = 512;

/// A slot: its stamp and the words of its entry.
struct Slot {
    /// `generation << 24 | writes << 1 | live`, where an odd count of writes says that one is
    /// going on.
    stamp: AtomicU64,
    words: [AtomicU64; WORDS],
}

const LIVE: u64 = 1;
const WRITE: u64 = 2;
const WRITES_MASK: u64 = (1 << STAMP_SHIFT) - WRITE;
const STAMP_SHIFT: u32 = 24;

/// A table of handles of one kind.
pub(crate) struct Table<E: Entry> {
    chunks: Box<[OnceLock<Box<[Slot; CHUNK]>>]>,
    /// Serialises writers; readers never take it.
    free: Mutex<Free>,
    entry: PhantomData<fn() -> E>,
}

struct Free {
    /// Slots from here on were never used.
    fresh: usize,
    /// Freed slots, the one freed first in front.
    resting: VecDeque<usize>,
    /// Generation of slots used for the first time.
    first_generation: u64,
    /// Highest generation given out.
    highest_generation: u64,
}

impl<E: Entry> Table<E> {
    /// A table whose handles have at least the given generation.
    pub(crate) fn new(first_generation: u64) -> Table<E> {
        Table {
            chunks: (0..CAPACITY.div_ceil(CHUNK)).map(|_| OnceLock::new()).collect(),
            free: Mutex::new(Free {
                fresh: 0,
                resting: VecDeque::new(),
                first_generation: usable(first_generation),
                highest_generation: first_generation,
            }),
            entry: PhantomData,
        }
    }

    /// Where the generations of the next table must begin, so that no handle of this one means
    /// anything there.
    pub(crate) fn next_generation(&self) -> u64 {
        self.writing().highest_generation + 1
    }

    /// Copies the entry of a handle; `None` if the handle is not, or no longer, one of ours.
    pub(crate) fn read(&self, handle: usize) -> Option<E> {
        let slot = self.slot(handle)?;
        loop {
            let before = slot.stamp.load(Ordering::Acquire);
            if !is_stamp_of(before, handle) {
                return None;
            }
            if before & WRITE != 0 {
                std::hint::spin_loop();
                continue;
            }
            let words = array::from_fn(|word| slot.words[word].load(Ordering::Relaxed));
            // Orders the loads above before the load below: if any of them saw a later write,
            // the stamp is seen to have changed.
            fence(Ordering::Acquire);
            if slot.stamp.load(Ordering::Relaxed) == before {
                return Some(E::unpack(words));
            }
        }
    }

    /// Gives out a handle; `None` if [`CAPACITY`] is reached. A handle is never 0.
    pub(crate) fn insert(&self, entry: E) -> Option<usize> {
        let mut free = self.writing();
        let index = if free.resting.len() > RESTING || free.fresh == CAPACITY {
            free.resting.pop_front()?
        } else {
            free.fresh += 1;
            free.fresh - 1
        };
        let slot = &self.chunks[index / CHUNK].get_or_init(new_chunk)[index % CHUNK];
        let stamp = slot.stamp.load(Ordering::Relaxed);
        let generation = match stamp >> STAMP_SHIFT {
            0 => free.first_generation,
            last => usable(last + 1),
        };
        free.highest_generation = free.highest_generation.max(generation);
        // Not live while it is written, so readers of any handle find nothing meanwhile.
        slot.write(generation << STAMP_SHIFT, entry, LIVE);
        Some(handle::<E>(index, generation))
    }

    /// Changes the entry of a handle; `None` if there is none.
    pub(crate) fn update(&self, handle: usize, change: impl FnOnce(&mut E)) -> Option<()> {
        let _writing = self.writing();
        let mut entry = self.read(handle)?;
        change(&mut entry);
        let slot = self.slot(handle)?;
        slot.write(slot.stamp.load(Ordering::Relaxed), entry, LIVE);
        Some(())
    }

    /// Takes a handle back. Whoever looks it up from now on finds nothing.
    pub(crate) fn remove(&self, handle: usize) -> Option<E> {
        let mut free = self.writing();
        let entry = self.read(handle)?;
        let slot = self.slot(handle)?;
        let stamp = slot.stamp.load(Ordering::Relaxed);
        slot.stamp.store(stamp & !LIVE, Ordering::Release);
        free.resting.push_back(index_of(handle));
        Some(entry)
    }

    /// Does something while nobody can write.
    #[cfg(test)]
    pub(crate) fn with_lock_held<T>(&self, what: impl FnOnce() -> T) -> T {
        let _free = self.writing();
        what()
    }

    fn slot(&self, handle: usize) -> Option<&Slot> {
        if handle & 1 != E::KIND {
            return None;
        }
        let index = index_of(handle);
        Some(&self.chunks.get(index / CHUNK)?.get()?[index % CHUNK])
    }

    fn writing(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Writes an entry; the caller keeps other writers away.
    fn write<E: Entry>(&self, stamp: u64, entry: E, live: u64) {
        let begun = stamp & !WRITES_MASK | (stamp + WRITE) & WRITES_MASK;
        self.stamp.store(begun, Ordering::Relaxed);
        // Orders the store above before the stores below for a reader that sees one of them.
        fence(Ordering::Release);
        for (word, value) in self.words.iter().zip(entry.pack()) {
            word.store(value, Ordering::Relaxed);
        }
        let ended = begun & !WRITES_MASK | (begun + WRITE) & WRITES_MASK;
        self.stamp.store(ended | live, Ordering::Release);
    }
}

fn new_chunk() -> Box<[Slot; CHUNK]> {
    Box::new(array::from_fn(|_| Slot {
        stamp: AtomicU64::new(0),
        words: [const { AtomicU64::new(0) }; WORDS],
    }))
}

fn handle<E: Entry>(index: usize, generation: u64) -> usize {
    // The mask leaves as many bits as the shift leaves room for.
    ((generation & GENERATION_MASK) as usize) << GENERATION_SHIFT | index << 1 | E::KIND
}

fn index_of(handle: usize) -> usize {
    handle >> 1 & ((1 << INDEX_BITS) - 1)
}

fn is_stamp_of(stamp: u64, handle: usize) -> bool {
    stamp & LIVE != 0
        && stamp >> STAMP_SHIFT & GENERATION_MASK == (handle >> GENERATION_SHIFT) as u64
}

/// The generation, or the next one that does not look like 0 in a handle, because small numbers
/// are what a confused host invents.
fn usable(generation: u64) -> u64 {
    if generation & GENERATION_MASK == 0 { generation + 1 } else { generation }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    /// An entry whose words all follow from one number, so that a torn copy shows.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Whole(u64);

    impl Entry for Whole {
        const KIND: usize = 1;

        fn pack(self) -> [u64; WORDS] {
            array::from_fn(|word| self.0.wrapping_mul(word as u64 + 1))
        }

        fn unpack(words: [u64; WORDS]) -> Whole {
            let whole = Whole(words[0]);
            assert_eq!(whole.pack(), words, "a torn entry");
            whole
        }
    }

    #[test]
    fn a_handle_finds_its_entry_until_it_is_taken_back() {
        let table = Table::new(1);
        let a = table.insert(Whole(7)).unwrap();
        let b = table.insert(Whole(8)).unwrap();
        assert_ne!(a, b);
        assert_eq!((table.read(a), table.read(b)), (Some(Whole(7)), Some(Whole(8))));
        assert_eq!(table.update(a, |entry| entry.0 = 9), Some(()));
        assert_eq!(table.read(a), Some(Whole(9)));
        assert_eq!(table.remove(a), Some(Whole(9)));
        assert_eq!(table.read(a), None);
        assert_eq!(table.remove(a), None);
        assert_eq!(table.update(a, |entry| entry.0 = 1), None);
        assert_eq!(table.read(b), Some(Whole(8)));
    }

    #[test]
    fn a_handle_that_was_never_given_out_finds_nothing() {
        let table = Table::new(1);
        let real = table.insert(Whole(1)).unwrap();
        for handle in [0, 1, 2, 3, usize::MAX, usize::MAX - 1, 1 << 20, real ^ 1, real + 2] {
            assert_eq!(table.read(handle), None, "{handle:#x}");
            assert_eq!(table.remove(handle), None, "{handle:#x}");
        }
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        for _ in 0..100_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let handle = random as usize;
            assert!(handle == real || table.read(handle).is_none(), "{handle:#x}");
        }
    }

    #[test]
    fn no_handle_comes_twice_in_a_table_or_in_the_next() {
        let mut seen = HashSet::new();
        let mut generation = 1;
        for _ in 0..3 {
            let table = Table::new(generation);
            for number in 0..20_000 {
                let handle = table.insert(Whole(number)).unwrap();
                assert!(handle > 0xFFFF, "{handle:#x} is a number that a host could invent");
                assert!(seen.insert(handle), "{handle:#x} came twice");
                table.remove(handle).unwrap();
            }
            generation = table.next_generation();
        }
    }

    #[test]
    fn the_table_is_full_at_its_capacity_and_has_room_again_after_a_close() {
        let table = Table::new(1);
        let mut last = 0;
        for number in 0..CAPACITY as u64 {
            last = table.insert(Whole(number)).unwrap();
        }
        assert_eq!(table.insert(Whole(0)), None);
        table.remove(last).unwrap();
        assert!(table.insert(Whole(0)).is_some());
        assert_eq!(table.insert(Whole(0)), None);
    }

    #[test]
    fn readers_see_whole_entries_while_others_open_change_and_close() {
        let table = Table::<Whole>::new(1);
        let shared: Vec<AtomicU64> = (0..8).map(|_| AtomicU64::new(0)).collect();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let readers: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        let mut found = 0_u64;
                        while !stop.load(Ordering::Relaxed) {
                            for handle in &shared {
                                let handle = handle.load(Ordering::Acquire) as usize;
                                // The low 32 bits of an entry name its handle.
                                if let Some(Whole(value)) = table.read(handle) {
                                    assert_eq!(value as u32, handle as u32);
                                    found += 1;
                                }
                            }
                        }
                        found
                    })
                })
                .collect();
            let writers: Vec<_> = shared
                .chunks(4)
                .map(|mine| {
                    let table = &table;
                    scope.spawn(move || {
                        for round in 0..20_000_u64 {
                            let place = &mine[round as usize % mine.len()];
                            let old = place.load(Ordering::Relaxed) as usize;
                            let new = table.insert(Whole(0)).unwrap();
                            for turn in 1..4 {
                                let value = turn << 32 | new as u64 & 0xFFFF_FFFF;
                                table.update(new, |entry| entry.0 = value).unwrap();
                            }
                            place.store(new as u64, Ordering::Release);
                            assert_eq!(table.remove(old).is_some(), round >= mine.len() as u64);
                            assert_eq!(table.read(old), None);
                        }
                    })
                })
                .collect();
            for writer in writers {
                writer.join().unwrap();
            }
            stop.store(true, Ordering::Relaxed);
            for reader in readers {
                assert!(reader.join().unwrap() > 0, "a reader that found nothing saw no race");
            }
        });
    }
}
