//! One session with a provider: what the telephony server knows, and the callbacks that fill it.
//!
//! The callbacks of the interface carry no context, so the session they belong to stands in a
//! static. No lock is held while the provider is called, since it may call back from inside.

use super::error::Refusal;
use super::library::{AsyncCompletion, LineEvent};
use super::message::{Asked, DeviceId, Kind, Message, TapiCall};
use super::structures::LineCaps;
use engine::time::Millis;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// What the telephony server does on its own, outside of the callback that asks for it.
pub(super) enum Errand {
    /// Answer LINE_CREATE: create the device, open its line.
    Adopt { temporary: usize, device: DeviceId },
    /// Answer LINE_REMOVE or LINE_CLOSE.
    Close(DeviceId),
    /// The session is over.
    End,
}

/// A session. The queue of messages has no bound: a telephony server has to take what comes, and
/// memory is the limit.
pub(super) struct Session {
    /// HPROVIDER, and the only way to tell the callbacks of one session from those of another.
    number: usize,
    messages: Sender<Message>,
    errands: Sender<Errand>,
    book: Mutex<Book>,
    changed: Condvar,
}

/// What is known of lines, calls and requests.
#[derive(Default)]
pub(super) struct Book {
    pub(super) lines: BTreeMap<DeviceId, LineRecord>,
    by_handle: BTreeMap<usize, DeviceId>,
    pub(super) calls: BTreeMap<TapiCall, CallRecord>,
    requests: BTreeMap<u32, (DeviceId, Asked)>,
    next_device: u32,
    last_request: u32,
}

/// A line.
#[derive(Default)]
pub(super) struct LineRecord {
    /// The provider's handle, 0 while the line is not open.
    pub(super) handle: usize,
    pub(super) version: u32,
    pub(super) caps: Arc<LineCaps>,
    pub(super) address: Arc<str>,
    /// Why it could not be opened.
    pub(super) trouble: Option<Arc<super::ServerError>>,
}

/// A call.
pub(super) struct CallRecord {
    pub(super) line: DeviceId,
    /// The provider's handle, 0 until `TSPI_lineMakeCall` has returned.
    pub(super) handle: usize,
}

static CURRENT: Mutex<Option<Arc<Session>>> = Mutex::new(None);
static SESSIONS: AtomicUsize = AtomicUsize::new(1);
/// HTAPILINE and HTAPICALL: small numbers, never used twice in a process.
static HANDLES: AtomicUsize = AtomicUsize::new(0x100);

impl Session {
    /// Makes a session the one whose callbacks are heard; `None` if there is one already.
    pub(super) fn begin(
        line_base: u32,
        messages: Sender<Message>,
        errands: Sender<Errand>,
    ) -> Option<Arc<Session>> {
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        if current.is_some() {
            return None;
        }
        let session = Arc::new(Session {
            number: SESSIONS.fetch_add(1, Ordering::Relaxed),
            messages,
            errands,
            book: Mutex::new(Book { next_device: line_base, ..Book::default() }),
            changed: Condvar::new(),
        });
        *current = Some(Arc::clone(&session));
        Some(session)
    }

    /// The thread that runs the errands finishes those before this one, and ends.
    pub(super) fn end_errands(&self) {
        self.errand(Errand::End);
    }

    /// Callbacks from now on find nobody.
    pub(super) fn end(&self) {
        *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// What is known. Not to be held while the provider is called.
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known and wakes who waits for it.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Book) -> T) -> T {
        let result = change(&mut self.book());
        self.changed.notify_all();
        result
    }

    /// Waits until the book fulfils a condition; false if the deadline came first.
    pub(super) fn wait(&self, deadline: Instant, condition: impl Fn(&Book) -> bool) -> bool {
        let mut book = self.book();
        loop {
            if condition(&book) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(book, left);
            book = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn say(&self, line: Option<DeviceId>, kind: Kind) {
        // Nobody listens any more if the receiver is gone; that is the listener's choice.
        let _ = self.messages.send(Message { at: now(), line, kind });
    }

    fn errand(&self, errand: Errand) {
        let _ = self.errands.send(errand);
    }

    fn line_event(&self, line: usize, call: usize, message: u32, parameters: [usize; 3]) {
        let (device, kind) = self.book().understand(self.number, line, call, message, parameters);
        match (&kind, device) {
            (Kind::LineCreated, Some(device)) => {
                self.errand(Errand::Adopt { temporary: parameters[1], device });
            }
            (Kind::LineRemoved | Kind::LineClosed, Some(device)) => {
                self.errand(Errand::Close(device));
            }
            _ => {}
        }
        self.say(device, kind);
    }

    fn completed(&self, request: u32, result: i32) {
        let result = if result == 0 { Ok(()) } else { Err(Refusal(result)) };
        let (line, asked) = self.book().complete(request, result.is_ok());
        self.say(line, Kind::Completed { request, asked, result });
    }
}

impl Book {
    /// The device id for a new line.
    pub(super) fn new_device(&mut self) -> DeviceId {
        let device = DeviceId(self.next_device);
        self.next_device += 1;
        self.lines.insert(device, LineRecord::default());
        device
    }

    /// HTAPILINE for an opening of a line.
    pub(super) fn new_opening(&mut self, device: DeviceId) -> usize {
        let handle = new_handle();
        self.by_handle.insert(handle, device);
        handle
    }

    /// Forgets the openings and the calls of a line.
    pub(super) fn forget_opening(&mut self, device: DeviceId) {
        self.by_handle.retain(|_, opened| *opened != device);
        self.calls.retain(|_, call| call.line != device);
        if let Some(line) = self.lines.get_mut(&device) {
            line.handle = 0;
        }
    }

    pub(super) fn new_call(&mut self, line: DeviceId, handle: usize) -> TapiCall {
        let call = TapiCall(new_handle());
        self.calls.insert(call, CallRecord { line, handle });
        call
    }

    /// A number for a request, noted before it is made: its completion may come first.
    pub(super) fn new_request(&mut self, line: DeviceId, asked: Asked) -> u32 {
        self.last_request = self.last_request % 0x7FFF_FFFF + 1;
        self.requests.insert(self.last_request, (line, asked));
        self.last_request
    }

    /// Forgets a request that was refused at once.
    pub(super) fn forget_request(&mut self, request: u32) {
        self.requests.remove(&request);
    }

    fn complete(&mut self, request: u32, well: bool) -> (Option<DeviceId>, Option<Asked>) {
        let Some((line, asked)) = self.requests.remove(&request) else {
            return (None, None);
        };
        if !well && asked.function == MAKE_CALL {
            // The handle of a call that could not be made is dead without being closed.
            asked.call.map(|call| self.calls.remove(&call));
        }
        (Some(line), Some(asked))
    }

    fn understand(
        &mut self,
        session: usize,
        line: usize,
        call: usize,
        message: u32,
        parameters: [usize; 3],
    ) -> (Option<DeviceId>, Kind) {
        let stray = Kind::Stray { call, message, parameters };
        let numbers = parameters.map(u32::try_from);
        match (message, line, parameters) {
            (LINE_CREATE, 0, [provider, _, 0]) if call == 0 && provider == session => {
                return (Some(self.new_device()), Kind::LineCreated);
            }
            (LINE_REMOVE, 0, [device, 0, 0]) if call == 0 => {
                let device = u32::try_from(device).ok().map(DeviceId);
                let known = device.filter(|device| self.lines.contains_key(device));
                return (known, if known.is_some() { Kind::LineRemoved } else { stray });
            }
            _ => {}
        }
        let Some(&device) = self.by_handle.get(&line) else {
            return (None, stray);
        };
        let kind = match (message, call, numbers) {
            // The second parameter leads to where our handle goes; the callback writes it there.
            (LINE_NEWCALL, 0, _) if parameters[0] != 0 => {
                Kind::NewCall(self.new_call(device, parameters[0]))
            }
            (LINE_CLOSE, 0, _) => Kind::LineClosed,
            (LINE_ADDRESSSTATE, 0, [Ok(address), Ok(states), Ok(0)]) => {
                Kind::AddressState { address, states }
            }
            (LINE_LINEDEVSTATE, 0, [Ok(states), Ok(second), Ok(third)]) => {
                Kind::LineDevState { states, second, third }
            }
            (LINE_CALLSTATE, _, [Ok(state), Ok(mode), Ok(media)]) if self.has(call, device) => {
                Kind::CallState { call: TapiCall(call), state, mode, media }
            }
            (LINE_CALLINFO, _, [Ok(items), Ok(0), Ok(0)]) if self.has(call, device) => {
                Kind::CallInfo { call: TapiCall(call), items }
            }
            // The third parameter is a tick count.
            (LINE_GENERATE, _, [Ok(term), Ok(tag), Ok(_)]) if self.has(call, device) => {
                Kind::Generated { call: TapiCall(call), term, tag }
            }
            _ => stray,
        };
        (Some(device), kind)
    }

    fn has(&self, call: usize, line: DeviceId) -> bool {
        self.calls.get(&TapiCall(call)).is_some_and(|record| record.line == line)
    }
}

/// How `Asked` names the request that makes calls.
pub(super) const MAKE_CALL: &str = "lineMakeCall";

const LINE_ADDRESSSTATE: u32 = 0;
const LINE_CALLINFO: u32 = 1;
const LINE_CALLSTATE: u32 = 2;
const LINE_CLOSE: u32 = 3;
const LINE_GENERATE: u32 = 7;
const LINE_LINEDEVSTATE: u32 = 8;
const LINE_CREATE: u32 = 19;
const LINE_REMOVE: u32 = 25;
const LINE_NEWCALL: u32 = 500;

fn new_handle() -> usize {
    HANDLES.fetch_add(1, Ordering::Relaxed)
}

fn now() -> Millis {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

fn current() -> Option<Arc<Session>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// What the provider calls for everything about lines and calls.
pub(super) const ON_LINE_EVENT: LineEvent = on_line_event;
/// What the provider calls when a request has ended.
pub(super) const ON_COMPLETION: AsyncCompletion = on_completion;

extern "system" fn on_line_event(
    line: usize,
    call: usize,
    message: u32,
    first: usize,
    second: usize,
    third: usize,
) {
    let Some(session) = current() else {
        return;
    };
    if message == LINE_NEWCALL {
        session.new_call(line, call, first, second, third);
    } else {
        session.line_event(line, call, message, [first, second, third]);
    }
}

extern "system" fn on_completion(request: u32, result: i32) {
    if let Some(session) = current() {
        session.completed(request, result);
    }
}

impl Session {
    /// LINE_NEWCALL: our handle goes to where the second parameter leads, before the callback
    /// returns and before anyone can read the message.
    fn new_call(&self, line: usize, call: usize, theirs: usize, place: usize, third: usize) {
        let parameters = [theirs, place, third];
        let (device, kind) =
            self.book().understand(self.number, line, call, LINE_NEWCALL, parameters);
        if let (Kind::NewCall(ours), false) = (&kind, place == 0) {
            // SAFETY: with LINE_NEWCALL the interface makes the second parameter a pointer to an
            // HTAPICALL that is ours to write until the callback returns.
            unsafe { std::ptr::with_exposed_provenance_mut::<usize>(place).write(ours.0) };
        }
        self.say(device, kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book_with_a_line() -> (Book, DeviceId, usize) {
        let mut book = Book { next_device: 3, ..Book::default() };
        let device = book.new_device();
        let line = book.new_opening(device);
        (book, device, line)
    }

    #[test]
    fn messages_are_understood_by_handle_and_number() {
        let (mut book, device, line) = book_with_a_line();
        let (of, kind) = book.understand(9, line, 0, LINE_NEWCALL, [0x77, 0, 0]);
        let Kind::NewCall(call) = kind else { panic!("{kind:?}") };
        assert_eq!(of, Some(device));
        let (_, kind) = book.understand(9, line, call.0, LINE_CALLSTATE, [2, 1, 4]);
        assert_eq!(kind, Kind::CallState { call, state: 2, mode: 1, media: 4 });
        let (_, kind) = book.understand(9, line, call.0, LINE_CALLINFO, [0x8000, 0, 0]);
        assert_eq!(kind, Kind::CallInfo { call, items: 0x8000 });
        let (of, kind) = book.understand(9, 0, 0, LINE_CREATE, [9, 12, 0]);
        assert_eq!((of, kind), (Some(DeviceId(4)), Kind::LineCreated));
        let (of, kind) = book.understand(9, 0, 0, LINE_REMOVE, [4, 0, 0]);
        assert_eq!((of, kind), (Some(DeviceId(4)), Kind::LineRemoved));
    }

    #[test]
    fn what_breaks_the_rules_is_a_stray() {
        let (mut book, _, line) = book_with_a_line();
        let wrong: [(usize, usize, u32, [usize; 3]); 7] = [
            (line + 1, 0, LINE_ADDRESSSTATE, [0, 0x20, 0]),
            (line, 1, LINE_ADDRESSSTATE, [0, 0x20, 0]),
            (line, 0, LINE_NEWCALL, [0, 0, 0]),
            (line, 0x9999, LINE_CALLSTATE, [1, 0, 4]),
            (line, 0, 12, [0, 0, 0]),
            (0, 0, LINE_CREATE, [8, 1, 0]),
            (0, 0, LINE_REMOVE, [99, 0, 0]),
        ];
        for (of, call, message, parameters) in wrong {
            let (_, kind) = book.understand(9, of, call, message, parameters);
            assert_eq!(kind, Kind::Stray { call, message, parameters });
        }
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn garbage_in_the_upper_half_of_a_parameter_is_a_stray() {
        let (mut book, _, line) = book_with_a_line();
        let (_, kind) = book.understand(9, line, 0, LINE_LINEDEVSTATE, [1 << 40 | 2, 1, 0]);
        assert!(matches!(kind, Kind::Stray { .. }));
    }

    #[test]
    fn a_request_completes_once_and_a_call_that_failed_is_forgotten() {
        let (mut book, device, _) = book_with_a_line();
        let call = book.new_call(device, 0);
        let asked = Asked { function: MAKE_CALL, call: Some(call) };
        let request = book.new_request(device, asked);
        assert_eq!(book.complete(request, false), (Some(device), Some(asked)));
        assert!(book.calls.is_empty());
        assert_eq!(book.complete(request, false), (None, None));
    }

    #[test]
    fn request_numbers_are_positive_for_ever() {
        let (mut book, device, _) = book_with_a_line();
        book.last_request = 0x7FFF_FFFE;
        let asked = Asked { function: "lineDrop", call: Some(TapiCall(1)) };
        assert_eq!(book.new_request(device, asked), 0x7FFF_FFFF);
        assert_eq!(book.new_request(device, asked), 1);
    }
}
