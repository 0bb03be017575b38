//! The session that exports work on, reached without a lock.
//!
//! An export that wants the session counts itself in, looks at the pointer, and counts itself out
//! when it is done. Whoever takes the session away clears the pointer first and then waits until
//! nobody is counted in. The counters are several, chosen by where the caller's stack lies, so
//! that threads do not fight over one cache line.

use crate::session::Session;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A place for a session.
pub(crate) struct Current {
    session: AtomicPtr<Session>,
    inside: [Counter; COUNTERS],
}

const COUNTERS: usize = 16;

/// Alone on its cache line.
#[repr(align(64))]
struct Counter(AtomicUsize);

/// A session that cannot go away while this lasts. Not to be kept across a wait.
pub(crate) struct Entered<'a> {
    session: &'a Session,
    counter: &'a AtomicUsize,
}

impl Current {
    pub(crate) const fn new() -> Current {
        Current {
            session: AtomicPtr::new(std::ptr::null_mut()),
            inside: [const { Counter(AtomicUsize::new(0)) }; COUNTERS],
        }
    }

    /// The session, if there is one.
    pub(crate) fn enter(&self) -> Option<Entered<'_>> {
        let counter = &self.inside[stack_number() % COUNTERS].0;
        // Counting in comes before looking, in the one order of all threads; `take` clears before
        // it counts. So either we find the place empty, or `take` finds us.
        counter.fetch_add(1, Ordering::SeqCst);
        let session = self.session.load(Ordering::SeqCst);
        if session.is_null() {
            counter.fetch_sub(1, Ordering::Release);
            return None;
        }
        // SAFETY: the pointer came from `Arc::into_raw`, and that count is given back only when
        // every counter was seen at 0 after the place was cleared, which ours now prevents.
        Some(Entered { session: unsafe { &*session }, counter })
    }

    /// The session, to keep for a while.
    pub(crate) fn share(&self) -> Option<Arc<Session>> {
        let entered = self.enter()?;
        let session = std::ptr::from_ref(entered.session);
        // SAFETY: the pointer came from `Arc::into_raw`, and its count is held while `entered`
        // lasts, so there is one to add to.
        unsafe {
            Arc::increment_strong_count(session);
            Some(Arc::from_raw(session))
        }
    }

    /// Puts a session in place. There must be none.
    pub(crate) fn put(&self, session: Arc<Session>) {
        let before = self.session.swap(Arc::into_raw(session).cast_mut(), Ordering::SeqCst);
        debug_assert!(before.is_null());
    }

    /// Takes the session out: from now on nobody enters. If someone does not come out in time,
    /// the session is kept in memory for good.
    pub(crate) fn take(&self, within: Duration) -> Option<Arc<Session>> {
        let session = self.session.swap(std::ptr::null_mut(), Ordering::SeqCst);
        if session.is_null() {
            return None;
        }
        // SAFETY: the pointer came from `Arc::into_raw`, whose count we now own; a second one
        // makes sure that it lives if the first must be left to someone inside.
        let shared = unsafe {
            Arc::increment_strong_count(session);
            Arc::from_raw(session)
        };
        if self.wait_until_empty(Instant::now() + within) {
            // SAFETY: nobody is inside, and nobody gets in, so the count of the place is unused.
            drop(unsafe { Arc::from_raw(session) });
        } else {
            tracing::error!("a function of the provider does not return; its session is kept");
        }
        Some(shared)
    }

    fn wait_until_empty(&self, deadline: Instant) -> bool {
        for counter in &self.inside {
            while counter.0.load(Ordering::SeqCst) != 0 {
                if Instant::now() >= deadline {
                    return false;
                }
                std::thread::yield_now();
            }
        }
        true
    }
}

impl Deref for Entered<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.session
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.counter.fetch_sub(1, Ordering::Release);
    }
}

/// A number that differs between most threads and costs nothing: stacks are at least this far
/// apart.
fn stack_number() -> usize {
    const STACK_BITS: u32 = 16;
    let here = 0_u8;
    std::ptr::from_ref(&here).addr() >> STACK_BITS
}
