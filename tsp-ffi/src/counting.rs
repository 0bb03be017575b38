//! An allocator that counts, so that "nothing is allocated" can be shown and not only said.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, with a count of what is asked of it. A program that wants the count
/// makes it its `#[global_allocator]`.
pub struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static RELEASES: Cell<u64> = const { Cell::new(0) };
}
static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// How often this thread has allocated, or changed the size of an allocation.
#[must_use]
pub fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

/// How often this thread has given an allocation back, whoever made it.
#[must_use]
pub fn releases() -> u64 {
    RELEASES.with(Cell::get)
}

/// Bytes that the process has allocated and not given back.
#[must_use]
pub fn bytes_in_use() -> usize {
    IN_USE.load(Ordering::Relaxed)
}

fn count(more: usize, less: usize) {
    let which = if more == 0 { &RELEASES } else { &ALLOCATIONS };
    // A thread that ends has nothing to count any more.
    let _ = which.try_with(|count| count.set(count.get() + 1));
    // Wraps where less is given back than was taken; the sum of all is right.
    IN_USE.fetch_add(more.wrapping_sub(less), Ordering::Relaxed);
}

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) };
    }
}
