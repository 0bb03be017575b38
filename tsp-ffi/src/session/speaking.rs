//! Taking turns in calling the host back.
//!
//! Callbacks are made one at a time, nearly always by the sink thread. The rules that meet here
//! (TSPI, section "threading"):
//!
//! - While a completion is being delivered, no other callback may be made, and none may ever be
//!   nested in another on one thread.
//! - `TSPI_lineClose`, `TSPI_lineCloseCall` and `TSPI_providerShutdown` return only when the
//!   requests that they end have had their completions, and when no callback about what they
//!   closed is under way.
//! - The host may call any function, those three included, from inside a callback, and may hold
//!   locks of its own.
//!
//! So a close on a thread of the host delivers its completions itself when it is its turn. A close
//! from inside a callback cannot: its own thread is the one that must not nest. There a thread
//! made for the purpose delivers them, beside the callback that waits for them. Every wait here
//! has an end, because a host that holds a lock which its own callback wants would otherwise hang
//! the telephony service for good; when patience ends, the work goes on and the log says so.

use super::Session;
use super::book::{About, Book, Speech};
use engine::id::RequestId;
use engine::tapi::LineErr;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// How long a callback waits for another one to return before it is made beside it.
const TURN_PATIENCE: Duration = Duration::from_secs(1);
/// How long a close waits for callbacks about what it closed.
pub(super) const CLOSE_PATIENCE: Duration = Duration::from_secs(4);

impl Session {
    /// Opens the book when no callback is under way.
    pub(super) fn turn(&self) -> MutexGuard<'_, Book> {
        self.turn_within(TURN_PATIENCE)
    }

    fn turn_within(&self, patience: Duration) -> MutexGuard<'_, Book> {
        let book = self.book();
        if book.speaking.is_empty() {
            return book;
        }
        let deadline = Instant::now() + patience.min(TURN_PATIENCE);
        self.wait_until(book, deadline, |book| book.speaking.is_empty())
    }

    /// Makes a callback. The book is closed meanwhile; what the callback is about is on record,
    /// so that whoever closes it can wait.
    pub(super) fn speak<'a>(
        &'a self,
        mut book: MutexGuard<'a, Book>,
        about: About,
        say: impl FnOnce(),
    ) -> MutexGuard<'a, Book> {
        let number = book.next_speech();
        book.speaking.push(Speech { number, thread: this_thread(), about });
        drop(book);
        say();
        let mut book = self.book();
        book.speaking.retain(|speech| speech.number != number);
        if book.awaiting > 0 {
            self.calm.notify_all();
        }
        book
    }

    /// The second half of a close, after the book has forgotten what was closed: delivers the
    /// completions of the requests that ended with it, and waits for callbacks about it.
    pub(super) fn settle(
        self: &Arc<Self>,
        about: About,
        forced: Vec<RequestId>,
        patience: Duration,
    ) {
        let deadline = Instant::now() + patience;
        let me = this_thread();
        let is_inside = self.book().speaking.iter().any(|speech| speech.thread == me);
        if !forced.is_empty() {
            if is_inside {
                self.complete_beside(about, forced, patience);
            } else {
                drop(self.complete_forced(self.turn_within(patience / 2), about, &forced));
            }
        }
        let is_quiet = |book: &Book| {
            !book.speaking.iter().any(|speech| speech.thread != me && about.covers(speech.about))
        };
        drop(self.wait_until(self.book(), deadline, is_quiet));
    }

    /// Delivers completions on a thread of their own and waits for it.
    fn complete_beside(self: &Arc<Self>, about: About, forced: Vec<RequestId>, patience: Duration) {
        let (done, is_done) = mpsc::channel();
        let session = Arc::clone(self);
        let requests = forced.clone();
        let thread = std::thread::Builder::new().name("tapline close".into()).spawn(move || {
            drop(session.complete_forced(session.book(), about, &requests));
            // Whoever waited may have lost patience.
            let _ = done.send(());
        });
        match thread {
            Ok(_) => {
                if is_done.recv_timeout(patience).is_err() {
                    tracing::error!("the host does not return from a completion; a close goes on");
                }
            }
            // Better nested than never.
            Err(_) => drop(self.complete_forced(self.book(), about, &forced)),
        }
    }

    fn complete_forced<'a>(
        &'a self,
        book: MutexGuard<'a, Book>,
        about: About,
        forced: &[RequestId],
    ) -> MutexGuard<'a, Book> {
        let completion = self.server.completion;
        self.speak(book, about, || {
            for request in forced {
                // SAFETY: the server gave us this procedure for exactly this use, and it is
                // valid until `TSPI_providerShutdown` returns, which waits for it.
                unsafe { completion(request.0, LineErr::OperationFailed.code()) };
            }
        })
    }

    fn wait_until<'a>(
        &'a self,
        mut book: MutexGuard<'a, Book>,
        deadline: Instant,
        is_so: impl Fn(&Book) -> bool,
    ) -> MutexGuard<'a, Book> {
        while !is_so(&book) {
            let patience = deadline.saturating_duration_since(Instant::now());
            if patience.is_zero() {
                tracing::error!("the host does not return from a callback; going on without it");
                break;
            }
            book.awaiting += 1;
            (book, _) =
                self.calm.wait_timeout(book, patience).unwrap_or_else(PoisonError::into_inner);
            book.awaiting -= 1;
        }
        book
    }
}

/// A number for the thread; cheaper than its `ThreadId`, and asked for at every callback.
fn this_thread() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local!(static NUMBER: Cell<u64> = const { Cell::new(0) });
    NUMBER.with(|number| {
        if number.get() == 0 {
            number.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        number.get()
    })
}
