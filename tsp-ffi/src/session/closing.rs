//! Closing calls, lines and the session.
//!
//! A close first takes everything out of the book, so that nothing new is said about it, then
//! settles what was under way (see `speaking.rs`).

use super::Session;
use super::book::About;
use super::speaking::CLOSE_PATIENCE;
use crate::abi::{HDrvCall, HDrvLine};
use engine::fact::HostFact;
use engine::tapi::LineErr;
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

impl Session {
    /// Forgets a call, also one that is only being made. At the PBX it goes on.
    ///
    /// # Errors
    /// [`LineErr::InvalCallHandle`].
    pub(crate) fn close_call(self: &Arc<Self>, handle: HDrvCall) -> Result<(), LineErr> {
        let mut book = self.book();
        let call = self.calls.remove(handle).ok_or(LineErr::InvalCallHandle)?.id;
        book.remove_call(call);
        let made = book.made_for(About::Call(call));
        let forced = book.force(About::Call(call));
        self.note(HostFact::CallClosed(call));
        // Of a call whose request fails now nothing may be said (O-2), even if the engine has made
        // it meanwhile.
        for made in made.into_iter().filter(|made| *made != call) {
            if let Some(oldest) = book.keep_failed(made) {
                self.calls.remove(oldest);
            }
            self.note(HostFact::CallClosed(made));
        }
        drop(book);
        self.settle(About::Call(call), forced, CLOSE_PATIENCE);
        Ok(())
    }

    /// Closes a line with all its calls. At the PBX they go on.
    ///
    /// # Errors
    /// [`LineErr::InvalLineHandle`].
    pub(crate) fn close_line(self: &Arc<Self>, handle: HDrvLine) -> Result<(), LineErr> {
        let mut book = self.book();
        let opened = self.lines.remove(handle).ok_or(LineErr::InvalLineHandle)?;
        let (line, opening) = (opened.line, opened.opening);
        if let Some(booked) = book.lines.remove(&line) {
            for under in booked.calls {
                if let Some(call) = book.calls.remove(&under.call) {
                    self.calls.remove(call.handle);
                }
            }
        }
        let forced = book.force(About::Line(line));
        self.note(HostFact::LineClosed { line, opening });
        drop(book);
        self.settle(About::Line(line), forced, CLOSE_PATIENCE);
        Ok(())
    }

    /// Ends the session: completes what is open, stops the provider, and makes no callback once
    /// it has returned.
    pub(crate) fn end(self: &Arc<Self>, within: Duration) {
        let deadline = Instant::now() + within;
        let mut book = self.book();
        let lines = std::mem::take(&mut book.lines);
        let calls = std::mem::take(&mut book.calls);
        for line in lines.values() {
            self.lines.remove(line.handle);
        }
        for call in calls.values() {
            self.calls.remove(call.handle);
        }
        let forced = book.force(About::Provider);
        book.is_over = true;
        drop(book);
        // Half of the time is kept for the log: a host that hangs must not cost the snapshot.
        self.settle(About::Provider, forced, within / 2);
        self.have_all_noted(deadline.min(Instant::now() + within / 4));
        let intake = self.intake.write().unwrap_or_else(PoisonError::into_inner).take();
        // What came in meanwhile, from a host that calls while it shuts down.
        let late = self.book().force(About::Provider);
        self.settle(About::Provider, late, within / 4);
        if let Some(intake) = intake {
            intake.stop(deadline.saturating_duration_since(Instant::now()));
        }
        self.inbox.close();
        let sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sink) = sink {
            join(sink, deadline);
        }
    }

    /// Waits until what the host was told is noted for the log: a replay is to find all of it.
    fn have_all_noted(&self, deadline: Instant) {
        let sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        // The thread that makes callbacks notes nothing while it is here.
        if sink.as_ref().is_none_or(|sink| sink.thread().id() == std::thread::current().id()) {
            return;
        }
        drop(sink);
        while !self.inbox.is_at_rest() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Waits for the thread that makes callbacks, unless that is who ends the session.
fn join(sink: JoinHandle<()>, deadline: Instant) {
    if sink.thread().id() == std::thread::current().id() {
        return;
    }
    while !sink.is_finished() {
        if Instant::now() >= deadline {
            tracing::error!("the host does not return from a callback; its thread is left behind");
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    // It catches its own panics; there is nothing left to do about one.
    let _ = sink.join();
}
