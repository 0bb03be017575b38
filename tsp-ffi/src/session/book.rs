//! What has to change in one piece.

use crate::abi::{HDrvCall, HDrvLine, HTapiCall, HTapiLine, LineEvent};
use engine::id::{CallId, LineId, Opening, RequestId};
use std::collections::{BTreeMap, HashMap};

/// Who may be called back about what, and which requests are open.
#[derive(Default)]
pub(super) struct Book {
    /// Opened lines.
    pub(super) lines: HashMap<LineId, BookedLine>,
    /// Calls that the server has a handle of.
    pub(super) calls: HashMap<CallId, BookedCall>,
    /// Requests that have not completed.
    pub(super) requests: HashMap<RequestId, OpenRequest>,
    /// Requests whose completion a close delivered; the engine's own is still on its way.
    forced: BTreeMap<(Opening, RequestId), u32>,
    /// Callbacks that the server has not returned from.
    pub(super) speaking: Vec<Speech>,
    /// How many threads wait for one of them to return.
    pub(super) awaiting: u32,
    /// The session is ending: nothing is said any more.
    pub(super) is_over: bool,
    openings: u32,
    made_calls: u32,
    own_requests: u32,
    speeches: u64,
}

/// An opened line.
pub(super) struct BookedLine {
    pub(super) handle: HDrvLine,
    pub(super) opening: Opening,
    pub(super) server: HTapiLine,
    pub(super) event: LineEvent,
    /// Its calls, in the order in which they came.
    pub(super) calls: Vec<UnderLine>,
}

/// A call of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnderLine {
    pub(super) call: CallId,
    /// It could not be made, and has not been closed.
    failed: bool,
}

/// A call that the server has a handle of.
pub(super) struct BookedCall {
    pub(super) handle: HDrvCall,
    /// 0 while the server is being asked for it.
    pub(super) server: HTapiCall,
}

/// A request that has not completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenRequest {
    pub(super) opening: Opening,
    /// The call or the line whose close completes it.
    pub(super) about: About,
    /// The calls whose handles are valid from its completion on, or never.
    pub(super) makes: [Option<CallId>; 2],
}

/// A callback that the server has not returned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Speech {
    pub(super) number: u64,
    pub(super) thread: u64,
    pub(super) about: About,
}

/// What a callback, or a close, is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// The provider as a whole.
    Provider,
    /// A line.
    Line(LineId),
    /// A call.
    Call(CallId),
}

impl About {
    /// Whether closing this makes a callback about `other` one too many.
    pub(super) fn covers(self, other: About) -> bool {
        match (self, other) {
            (About::Provider, _) => true,
            (About::Line(line), About::Line(other)) => line == other,
            (About::Line(line), About::Call(other)) => line == other.line,
            (About::Call(call), About::Call(other)) => call == other,
            _ => false,
        }
    }
}

/// Most handles of one line kept for calls that could not be made (invariant I-24).
const MOST_FAILED: usize = 64;

/// Most forced completions remembered (invariant I-24). The engine answers every one of them, so
/// only a fault lets them pile up; then the oldest is forgotten.
const MOST_FORCED: usize = 1 << 16;

impl Book {
    pub(super) fn next_opening(&mut self) -> Opening {
        self.openings = self.openings.wrapping_add(1).max(1);
        Opening(self.openings)
    }

    /// A name for a call that an application makes on the line; none is used twice in a session
    /// (after 2^31 of them the first ones are long forgotten).
    pub(super) fn next_made_call(&mut self, line: LineId) -> CallId {
        let serial = CallId::FIRST_MADE | self.made_calls;
        self.made_calls = (self.made_calls + 1) & !CallId::FIRST_MADE;
        CallId { line, serial }
    }

    /// A number for a request that the server gives none.
    pub(super) fn next_own_request(&mut self) -> RequestId {
        let own = RequestId(RequestId::FIRST_OWN | self.own_requests);
        self.own_requests = (self.own_requests + 1) & !RequestId::FIRST_OWN;
        own
    }

    pub(super) fn next_speech(&mut self) -> u64 {
        self.speeches += 1;
        self.speeches
    }

    /// The line, if it is still open as it was then.
    pub(super) fn line(&self, line: LineId, opening: Opening) -> Option<&BookedLine> {
        self.lines.get(&line).filter(|booked| booked.opening == opening)
    }

    /// The call, if its line is still open as it was then and the server has taken it.
    pub(super) fn call(&self, call: CallId, opening: Opening) -> Option<(&BookedLine, HTapiCall)> {
        let line = self.line(call.line, opening)?;
        let server = self.calls.get(&call)?.server;
        (server != 0).then_some((line, server))
    }

    /// Books a call under its line.
    pub(super) fn add_call(&mut self, call: CallId, booked: BookedCall) {
        if let Some(line) = self.lines.get_mut(&call.line) {
            line.calls.push(UnderLine { call, failed: false });
            self.calls.insert(call, booked);
        }
    }

    /// Keeps the handle of a call that could not be made, so that it can be closed. A server that
    /// never does must not use up all handles: the oldest one of the line is given back then.
    pub(super) fn keep_failed(&mut self, call: CallId) -> Option<HDrvCall> {
        let line = self.lines.get_mut(&call.line)?;
        // Nothing is said about it.
        self.calls.get_mut(&call)?.server = 0;
        let under = line.calls.iter_mut().find(|under| under.call == call)?;
        under.failed = true;
        let mut failed = line.calls.iter().filter(|under| under.failed);
        let oldest = failed.next()?.call;
        if failed.count() < MOST_FAILED {
            return None;
        }
        self.remove_call(oldest).map(|booked| booked.handle)
    }

    /// Takes a call out.
    pub(super) fn remove_call(&mut self, call: CallId) -> Option<BookedCall> {
        if let Some(line) = self.lines.get_mut(&call.line) {
            line.calls.retain(|under| under.call != call);
        }
        self.calls.remove(&call)
    }

    /// The calls that requests were to make which a close completes.
    pub(super) fn made_for(&self, about: About) -> Vec<CallId> {
        let closed = self.requests.values().filter(|request| about.covers(request.about));
        closed.flat_map(|request| request.makes.into_iter().flatten()).collect()
    }

    /// Takes out the requests that a close completes, and expects the engine to complete them
    /// once more.
    pub(super) fn force(&mut self, about: About) -> Vec<RequestId> {
        let mut forced: Vec<RequestId> = self
            .requests
            .iter()
            .filter(|(_, request)| about.covers(request.about))
            .map(|(id, _)| *id)
            .collect();
        forced.sort_unstable();
        for id in &forced {
            if let Some(request) = self.requests.remove(id) {
                *self.forced.entry((request.opening, *id)).or_insert(0) += 1;
            }
        }
        while self.forced.len() > MOST_FORCED {
            self.forced.pop_first();
        }
        forced
    }

    /// Whether the engine's completion is one that a close delivered already. A server may use
    /// the number of a request again, so they are counted.
    pub(super) fn was_forced(&mut self, opening: Opening, request: RequestId) -> bool {
        let Some(count) = self.forced.get_mut(&(opening, request)) else { return false };
        *count -= 1;
        if *count == 0 {
            self.forced.remove(&(opening, request));
        }
        true
    }

    /// Claims the completion of a request: whoever gets it delivers it (invariant I-06).
    pub(super) fn claim(&mut self, opening: Opening, request: RequestId) -> Option<OpenRequest> {
        self.requests.get(&request).filter(|open| open.opening == opening)?;
        self.requests.remove(&request)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const CALL: CallId = CallId { line: LineId(1), serial: 5 };
    const OTHER: CallId = CallId { line: LineId(1), serial: 6 };

    #[test]
    fn a_close_covers_what_lies_within_it() {
        let other = CallId { line: LineId(1), serial: 6 };
        let abroad = CallId { line: LineId(2), serial: 5 };
        for about in [About::Provider, About::Line(LineId(1)), About::Call(CALL)] {
            assert!(About::Provider.covers(about));
        }
        assert!(About::Line(LineId(1)).covers(About::Call(CALL)));
        assert!(!About::Line(LineId(1)).covers(About::Call(abroad)));
        assert!(!About::Line(LineId(1)).covers(About::Provider));
        assert!(About::Call(CALL).covers(About::Call(CALL)));
        assert!(!About::Call(CALL).covers(About::Call(other)));
        assert!(!About::Call(CALL).covers(About::Line(LineId(1))));
    }

    #[test]
    fn a_request_is_claimed_once_or_forced_once() {
        let mut book = Book::default();
        let open = OpenRequest { opening: Opening(1), about: About::Call(CALL), makes: [None; 2] };
        book.requests.insert(RequestId(7), open);
        assert_eq!(book.claim(Opening(2), RequestId(7)), None, "another opening");
        assert_eq!(book.claim(Opening(1), RequestId(7)), Some(open));
        assert_eq!(book.claim(Opening(1), RequestId(7)), None);

        let open = OpenRequest { makes: [Some(OTHER), None], ..open };
        book.requests.insert(RequestId(8), open);
        assert_eq!(book.made_for(About::Call(CALL)), [OTHER]);
        assert_eq!(book.made_for(About::Call(OTHER)), []);
        assert_eq!(book.force(About::Call(CALL)), [RequestId(8)]);
        assert_eq!(book.claim(Opening(1), RequestId(8)), None);
        assert!(book.was_forced(Opening(1), RequestId(8)));
        assert!(!book.was_forced(Opening(1), RequestId(8)));
    }

    #[test]
    fn names_of_made_calls_lie_in_their_own_range_and_differ() {
        let mut book = Book { made_calls: !CallId::FIRST_MADE - 1, ..Book::default() };
        let made: Vec<CallId> = (0..4).map(|_| book.next_made_call(LineId(1))).collect();
        assert!(made.iter().all(|call| call.is_made()));
        assert!((0..4).all(|i| (0..i).all(|j| made[i] != made[j])));
    }
}
