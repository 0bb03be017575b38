//! The queue between the core thread, which must never wait, and the thread that makes the
//! callbacks, which waits for the telephony server as long as that takes.
//!
//! A server that does not return from a callback must not make it grow without end (invariant
//! I-24). When it is full, PBXs are not polled, telephones do not ring on, and requests are
//! refused.

use adapters::runtime::{Audience, Caused, Waiting};
use engine::effect::{Notice, What};
use engine::id::{CallId, Opening};
use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Callbacks that wait, in the order of the log.
pub(crate) struct Inbox {
    queue: Mutex<Queue>,
    filled: Condvar,
}

/// A callback that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// As derived.
    pub(crate) caused: Caused,
    /// What became of it in the queue.
    pub(crate) folding: Folding,
}

/// A slow host makes the queue long. Then one LINE_CALLINFO says what several would have said:
/// whoever reads the call finds all of it anyway. Call states are never touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folding {
    /// As derived, with these LINECALLINFOSTATE bits of later messages added.
    Kept(u32),
    /// Its bits went into an earlier message that still waits; nothing is left to say.
    Folded,
}

struct Queue {
    items: VecDeque<Item>,
    /// Position of the front item, counted from the beginning of the session.
    front: u64,
    /// Where the latest LINE_CALLINFO of a call was put while the queue was long.
    latest_info: HashMap<(Opening, CallId), u64>,
    is_awaited: bool,
    is_open: bool,
}

/// From this length on the queue is full. What was let in before may still add to it: an answer of
/// a PBX, and the requests that are under way.
pub(crate) const FULL: usize = 16_384;
/// From this length on the queue is long.
const LONG: usize = 4096;
/// Most items taken at a time: what is told of them goes into one record.
pub(crate) const LOT: usize = 256;

impl Inbox {
    pub(crate) fn new() -> Inbox {
        Inbox {
            queue: Mutex::new(Queue {
                items: VecDeque::new(),
                front: 0,
                latest_info: HashMap::new(),
                is_awaited: false,
                is_open: true,
            }),
            filled: Condvar::new(),
        }
    }

    /// Waits for items and takes up to [`LOT`] of them into `lot`; false once it is closed.
    pub(crate) fn take(&self, lot: &mut Vec<Item>) -> bool {
        let mut queue = self.queue();
        while queue.items.is_empty() && queue.is_open {
            queue.is_awaited = true;
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.is_awaited = false;
        let count = queue.items.len().min(LOT);
        lot.extend(queue.items.drain(..count));
        queue.front += count as u64;
        if queue.items.len() < LONG {
            queue.latest_info.clear();
            if queue.items.capacity() > 2 * LONG {
                queue.items.shrink_to(LONG);
            }
        }
        queue.is_open
    }

    /// Whether nothing more should be caused that can be avoided.
    pub(crate) fn is_full(&self) -> bool {
        self.queue().items.len() >= FULL
    }

    /// Whether nothing waits and whoever takes has done with what was taken.
    pub(crate) fn is_at_rest(&self) -> bool {
        let queue = self.queue();
        queue.items.is_empty() && queue.is_awaited
    }

    /// Takes nothing more and forgets what waits: the session is over.
    pub(crate) fn close(&self) {
        let mut queue = self.queue();
        queue.is_open = false;
        queue.items.clear();
        drop(queue);
        self.filled.notify_all();
    }

    /// Does something while nobody can put in or take out.
    #[cfg(test)]
    pub(crate) fn with_lock_held<T>(&self, what: impl FnOnce() -> T) -> T {
        let _queue = self.queue();
        what()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Audience for Inbox {
    fn hear(&self, batch: Vec<Caused>) {
        let mut queue = self.queue();
        if !queue.is_open {
            return;
        }
        for caused in batch {
            queue.push(caused);
        }
        let is_awaited = queue.is_awaited;
        drop(queue);
        if is_awaited {
            self.filled.notify_one();
        }
    }

    fn is_behind(&self) -> bool {
        self.is_full()
    }

    fn waiting(&self) -> Waiting {
        Waiting { now: self.queue().items.len(), most: FULL }
    }
}

impl Queue {
    fn push(&mut self, caused: Caused) {
        let mut folding = Folding::Kept(0);
        if self.items.len() >= LONG
            && let What::Notice(Notice::CallInfo(call, bits)) = caused.telling.what
        {
            folding = self.fold((caused.telling.opening, call), bits);
        }
        self.items.push_back(Item { caused, folding });
    }

    /// An earlier message may say it all: it was due before anything that follows it.
    fn fold(&mut self, key: (Opening, CallId), bits: u32) -> Folding {
        let position = self.front + self.items.len() as u64;
        if let Some(earlier) = self.latest_info.get(&key)
            && let Some(index) = earlier.checked_sub(self.front)
            && let Some(Item { folding: Folding::Kept(more), .. }) =
                self.items.get_mut(index as usize)
        {
            *more |= bits;
            return Folding::Folded;
        }
        self.latest_info.insert(key, position);
        Folding::Kept(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::effect::Telling;
    use engine::id::LineId;
    use engine::tapi::CallState;
    use std::sync::Arc;
    use std::thread;

    fn call(serial: u32) -> CallId {
        CallId { line: LineId(1), serial }
    }

    fn caused(seq: u64, notice: Notice) -> Caused {
        let what = What::Notice(notice);
        Caused { seq, telling: Telling { line: LineId(1), opening: Opening(1), what } }
    }

    fn info(seq: u64, serial: u32, bits: u32) -> Caused {
        caused(seq, Notice::CallInfo(call(serial), bits))
    }

    fn state(seq: u64, serial: u32) -> Caused {
        let state = CallState::Connected;
        caused(seq, Notice::CallState { call: call(serial), state, mode: 1, media: 4 })
    }

    fn drain(inbox: &Inbox) -> Vec<Item> {
        let mut items = Vec::new();
        loop {
            let before = items.len();
            if inbox.queue().items.is_empty() {
                return items;
            }
            inbox.take(&mut items);
            assert!(items.len() - before <= LOT);
        }
    }

    #[test]
    fn what_is_heard_is_taken_in_order() {
        let inbox = Inbox::new();
        inbox.hear((0..1000).map(|seq| info(seq, 1, 0x20)).collect());
        let seqs: Vec<u64> = drain(&inbox).iter().map(|item| item.caused.seq).collect();
        assert_eq!(seqs, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn a_long_queue_folds_call_infos_and_keeps_every_call_state() {
        let inbox = Inbox::new();
        inbox.hear((0..LONG as u64).map(|seq| state(seq, 9)).collect());
        inbox.hear(vec![
            info(5000, 1, 0x1),
            info(5001, 2, 0x2),
            state(5002, 1),
            info(5003, 1, 0x4),
            state(5004, 1),
            info(5005, 1, 0x8),
        ]);
        let items = drain(&inbox);
        assert_eq!(items.len(), LONG + 6);
        let tail: Vec<_> = items[LONG..].iter().map(|item| item.folding).collect();
        use Folding::{Folded, Kept};
        assert_eq!(tail, [Kept(0xC), Kept(0), Kept(0), Folded, Kept(0), Folded]);
    }

    #[test]
    fn a_queue_is_full_until_enough_of_it_was_taken() {
        let inbox = Inbox::new();
        inbox.hear((0..FULL as u64).map(|seq| state(seq, 9)).collect());
        assert!(inbox.is_full() && inbox.is_behind());
        inbox.take(&mut Vec::new());
        assert!(!inbox.is_full());
    }

    #[test]
    fn a_call_info_already_taken_takes_no_more_in() {
        let inbox = Inbox::new();
        inbox.hear((0..LONG as u64).map(|seq| state(seq, 9)).collect());
        inbox.hear(vec![info(5000, 1, 0x1)]);
        drain(&inbox);
        inbox.hear((0..LONG as u64).map(|seq| state(seq, 9)).collect());
        inbox.hear(vec![info(5001, 1, 0x2)]);
        assert_eq!(drain(&inbox).last().map(|item| item.folding), Some(Folding::Kept(0)));
    }

    #[test]
    fn whoever_waits_is_woken_by_what_is_heard_and_by_the_end() {
        let inbox = Arc::new(Inbox::new());
        let waiting = Arc::clone(&inbox);
        let reader = thread::spawn(move || {
            let (mut lot, mut count) = (Vec::new(), 0);
            while waiting.take(&mut lot) {
                count += lot.len();
                lot.clear();
            }
            count
        });
        for seq in 0..100 {
            inbox.hear(vec![info(seq, 1, 1)]);
        }
        while !inbox.queue().items.is_empty() {
            thread::yield_now();
        }
        inbox.close();
        assert_eq!(reader.join().ok(), Some(100));
        inbox.hear(vec![info(200, 1, 1)]);
        assert!(inbox.queue().items.is_empty(), "what comes after the end is forgotten");
    }
}
