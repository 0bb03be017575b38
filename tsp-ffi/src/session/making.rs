//! Which calls are only being made. The engine shows a call as soon as the PBX has it; for the server
//! it neither exists nor counts before the completion of its request has been told (O-1), and that
//! waits for whatever callback is under way.

use engine::id::CallId;
use engine::view::{Counts, LineView};
use std::sync::atomic::{AtomicU64, Ordering};

/// A bit for each of the calls made last: read without a lock, by whoever asks how a line is.
pub(super) struct Making {
    bits: Box<[AtomicU64]>,
}

/// So many calls are told apart. The request for one that was so many calls before has had its
/// completion, since every request has a deadline.
const PLACES: usize = 1 << 16;

impl Making {
    pub(super) fn new() -> Making {
        Making { bits: (0..PLACES / 64).map(|_| AtomicU64::new(0)).collect() }
    }

    /// The call is being made from now on.
    pub(super) fn begin(&self, call: CallId) {
        let (word, bit) = self.place(call);
        word.fetch_or(bit, Ordering::Release);
    }

    /// The call is made, and the server is about to hear of it.
    pub(super) fn end(&self, call: CallId) {
        let (word, bit) = self.place(call);
        word.fetch_and(!bit, Ordering::Release);
    }

    /// The calls of a line that the server may count.
    pub(super) fn counts(&self, view: &LineView) -> Counts {
        view.counts_of(|call| {
            let (word, bit) = self.place(call);
            !call.is_made() || word.load(Ordering::Acquire) & bit == 0
        })
    }

    fn place(&self, call: CallId) -> (&AtomicU64, u64) {
        // Calls are numbered in the order in which they are made.
        let place = call.serial as usize % PLACES;
        (&self.bits[place / 64], 1 << (place % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::testing::{LINE, call, view};
    use engine::tapi::CallState;

    const MADE: CallId = CallId { line: LINE, serial: CallId::FIRST_MADE | 7 };

    #[test]
    fn a_call_counts_when_it_is_no_longer_being_made() {
        let making = Making::new();
        let calls = [(MADE, CallState::Dialing), (call(7), CallState::OnHold)];
        let view = view(LINE, &calls);
        let active = || (making.counts(&view).active, making.counts(&view).held);
        assert_eq!(active(), (1, 1));
        making.begin(MADE);
        assert_eq!(active(), (0, 1), "a call from the PBX is not made here, whatever its number");
        making.begin(CallId { serial: MADE.serial + 1, ..MADE });
        making.end(CallId { serial: MADE.serial + 1, ..MADE });
        assert_eq!(active(), (0, 1));
        making.end(MADE);
        assert_eq!(active(), (1, 1));
    }

    #[test]
    fn the_numbers_of_calls_begin_again_without_harm() {
        let making = Making::new();
        let later = CallId { serial: MADE.serial + PLACES as u32, ..MADE };
        making.begin(MADE);
        making.begin(later);
        making.end(later);
        assert_eq!(making.counts(&view(LINE, &[(later, CallState::Connected)])).active, 1);
    }
}
