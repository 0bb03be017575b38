//! The one thread that makes callbacks, in the order of the log.

use super::book::{About, BookedCall, BookedLine};
use super::{KnownCall, Session};
use crate::abi::{
    HTapiCall, LINE_ADDRESSSTATE, LINE_CALLINFO, LINE_CALLSTATE, LINE_CREATE, LINE_GENERATE,
    LINE_LINEDEVSTATE, LINE_NEWCALL, LINE_REMOVE,
};
use crate::inbox::{Folding, Item, LOT};
use crate::platform;
use engine::effect::{Notice, Telling, What};
use engine::fact::{Completion, HostFact, Outcome, Told};
use engine::id::{CallId, LineId, Opening, RequestId};
use engine::tapi::CallState;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

/// Message, call, and the three parameters of a LINEEVENT.
type Words = (u32, HTapiCall, usize, usize, usize);

impl Session {
    /// The life of the thread.
    pub(super) fn make_callbacks(self: Arc<Self>) {
        let mut lot = Vec::with_capacity(LOT);
        while self.inbox.take(&mut lot) {
            let told = lot.drain(..).map(|item| self.tell(&item)).collect();
            if let Some(intake) = &*self.intake.read().unwrap_or_else(PoisonError::into_inner) {
                intake.told(told);
            }
        }
    }

    fn tell(&self, item: &Item) -> Told {
        let Item { caused, folding } = item;
        // A fault of ours costs one callback and not the telephony service.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.deliver(&caused.telling, *folding)))
            .unwrap_or_else(|_| {
                tracing::error!("a fault while making a callback; please report");
                Outcome::Withheld
            });
        Told { seq: caused.seq, crc: engine::told::crc(&caused.telling), outcome }
    }

    fn deliver(&self, telling: &Telling, folding: Folding) -> Outcome {
        let Folding::Kept(more_bits) = folding else { return Outcome::Withheld };
        let Telling { line, opening, ref what } = *telling;
        match *what {
            What::Completed(request, result) => self.complete(line, opening, request, result),
            What::Notice(Notice::LineCreated) => self.announce(line),
            What::Notice(Notice::LineRemoved) => self.withdraw(line),
            What::Notice(Notice::NewCall(call)) => self.offer(opening, call),
            What::Notice(Notice::CallState {
                call,
                state: CallState::Conferenced,
                mode,
                media,
            }) => self.conferenced(opening, call, mode, media),
            What::Notice(Notice::CallState { call, state, mode, media }) => {
                let words = (state.bits() as usize, mode as usize, media as usize);
                self.event_of_call(opening, call, LINE_CALLSTATE, words)
            }
            What::Notice(Notice::CallInfo(call, bits)) => {
                let words = ((bits | more_bits) as usize, 0, 0);
                self.event_of_call(opening, call, LINE_CALLINFO, words)
            }
            What::Notice(Notice::AddressState(bits)) => {
                // Every line has the one address 0.
                self.event_of_line(line, opening, LINE_ADDRESSSTATE, (0, bits as usize, 0))
            }
            What::Notice(Notice::LineDevState(bits, second, third)) => {
                let words = (bits as usize, second as usize, third as usize);
                self.event_of_line(line, opening, LINE_LINEDEVSTATE, words)
            }
            What::Notice(Notice::Generated { call, term, tag }) => {
                let words = (term as usize, tag as usize, platform::ticks_ms() as usize);
                self.event_of_call(opening, call, LINE_GENERATE, words)
            }
        }
    }

    fn event_of_line(
        &self,
        line: LineId,
        opening: Opening,
        message: u32,
        (p1, p2, p3): (usize, usize, usize),
    ) -> Outcome {
        let book = self.turn();
        let Some(booked) = book.line(line, opening) else { return Outcome::Withheld };
        let say = event(booked, (message, 0, p1, p2, p3));
        drop(self.speak(book, About::Line(line), say));
        Outcome::Delivered
    }

    fn event_of_call(
        &self,
        opening: Opening,
        call: CallId,
        message: u32,
        (p1, p2, p3): (usize, usize, usize),
    ) -> Outcome {
        let book = self.turn();
        let Some((booked, server)) = book.call(call, opening) else { return Outcome::Withheld };
        let say = event(booked, (message, server, p1, p2, p3));
        drop(self.speak(book, About::Call(call), say));
        Outcome::Delivered
    }

    /// A member of a conference names the server's handle of it; the engine knows it by its name.
    fn conferenced(&self, opening: Opening, call: CallId, serial: u32, media: u32) -> Outcome {
        let parent = CallId { line: call.line, serial };
        let server = self.book().calls.get(&parent).map_or(0, |booked| booked.server);
        let words = (CallState::Conferenced.bits() as usize, server, media as usize);
        self.event_of_call(opening, call, LINE_CALLSTATE, words)
    }

    /// LINE_NEWCALL: the server writes its handle of the call into a cell of ours, or leaves it
    /// 0 if it cannot take the call now.
    fn offer(&self, opening: Opening, call: CallId) -> Outcome {
        let mut book = self.turn();
        let Some(line) = book.line(call.line, opening) else { return Outcome::Withheld };
        let (line_handle, server_line, procedure) = (line.handle, line.server, line.event);
        if book.calls.contains_key(&call) {
            // The server has it; a call is offered once.
            return Outcome::Withheld;
        }
        let Some(opened) = self.lines.read(line_handle) else { return Outcome::Withheld };
        let known = KnownCall {
            id: call,
            line_handle,
            opening,
            version: opened.version,
            device: opened.device,
            is_pending: false,
            app_specific: None,
            media: None,
        };
        let Some(handle) = self.calls.insert(known) else {
            self.note(HostFact::NewCallRefused(call));
            return Outcome::Withheld;
        };
        book.add_call(call, BookedCall { handle, server: 0 });
        let mut cell: HTapiCall = 0;
        let place = (&raw mut cell).expose_provenance();
        book = self.speak(book, About::Call(call), || {
            // SAFETY: the server gave us this procedure with the line, which cannot be closed
            // while we are in it; the cell outlives the call.
            unsafe { procedure(server_line, 0, LINE_NEWCALL, handle, place, 0) };
        });
        // Closed from inside the callback, there is nothing to keep.
        let is_still_there = book.calls.get(&call).is_some_and(|booked| booked.handle == handle);
        match (is_still_there, cell) {
            (false, _) => {}
            (true, 0) => {
                book.remove_call(call);
                self.calls.remove(handle);
                self.note(HostFact::NewCallRefused(call));
            }
            (true, server) => {
                if let Some(booked) = book.calls.get_mut(&call) {
                    booked.server = server;
                }
            }
        }
        Outcome::Delivered
    }

    fn complete(
        &self,
        line: LineId,
        opening: Opening,
        request: RequestId,
        result: Completion,
    ) -> Outcome {
        let mut book = self.turn();
        if book.was_forced(opening, request) {
            return Outcome::Forced;
        }
        let Some(open) = book.claim(opening, request) else {
            tracing::error!(?line, ?request, "a completion of no open request; please report");
            return Outcome::Withheld;
        };
        for made in open.makes.into_iter().flatten() {
            // The handle is valid from the completion on, or never.
            let handle = book.calls.get(&made).map(|booked| booked.handle);
            match (handle, result) {
                (Some(handle), Ok(())) => {
                    self.calls.update(handle, |call| call.is_pending = false);
                    self.making.end(made);
                }
                // It stays pending, which is to say unknown to every function but the close that
                // some servers make of it all the same.
                (Some(_), Err(_)) => {
                    if let Some(oldest) = book.keep_failed(made) {
                        self.calls.remove(oldest);
                    }
                }
                (None, _) => {}
            }
        }
        tracing::debug!("line {}: request {} is completed: {result:?}", line.0, request.0);
        let completion = self.server.completion;
        drop(self.speak(book, open.about, || {
            // SAFETY: the server gave us this procedure for exactly this use, and it is valid
            // until `TSPI_providerShutdown` returns, which waits for it.
            unsafe { completion(request.0, result.map_or_else(|error| error.code(), |()| 0)) };
        }));
        Outcome::Delivered
    }

    /// LINE_CREATE.
    fn announce(&self, line: LineId) -> Outcome {
        let book = self.turn();
        let Some(create) = self.server.create.filter(|_| !book.is_over) else {
            return Outcome::Withheld;
        };
        let Some(temporary) = self.devices.announce(line) else { return Outcome::Withheld };
        let provider = self.server.provider;
        drop(self.speak(book, About::Provider, || {
            // SAFETY: the server gave us this procedure for exactly this use, and it is valid
            // until `TSPI_providerShutdown` returns, which waits for it.
            unsafe { create(0, 0, LINE_CREATE, provider, temporary, 0) };
        }));
        Outcome::Delivered
    }

    /// LINE_REMOVE.
    fn withdraw(&self, line: LineId) -> Outcome {
        let book = self.turn();
        let device = self.devices.remove(line);
        let (Some(create), Some(device), false) = (self.server.create, device, book.is_over) else {
            return Outcome::Withheld;
        };
        drop(self.speak(book, About::Line(line), || {
            // SAFETY: as for LINE_CREATE.
            unsafe { create(0, 0, LINE_REMOVE, device as usize, 0, 0) };
        }));
        Outcome::Delivered
    }
}

/// A LINEEVENT to the procedure that came with the line.
fn event(line: &BookedLine, (message, call, p1, p2, p3): Words) -> impl FnOnce() + use<> {
    let (procedure, server) = (line.event, line.server);
    move || {
        // SAFETY: the server gave us this procedure with the line, which cannot be closed while
        // we are in it.
        unsafe { procedure(server, call, message, p1, p2, p3) };
    }
}
