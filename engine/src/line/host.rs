//! What the telephony server does to a line: open, close, handles, setters.

use super::call::Standing;
use super::{Line, NEW_CALL_AGAIN_MS, Open};
use crate::effect::{Effect, Effects, Notice};
use crate::fact::HostFact;
use crate::id::{CallId, Opening};
use crate::tapi::call_info_state;
use crate::time::{Millis, Timer};
use crate::view::CallCard;
use std::sync::Arc;

impl Line {
    pub(super) fn host(&mut self, at: Millis, fact: &HostFact, out: &mut Effects) {
        match *fact {
            HostFact::LineOpened { opening, version, .. } => self.opened(opening, version, out),
            HostFact::LineClosed { opening, .. } => self.closed(opening, out),
            HostFact::CallClosed(call) => self.call_closed(call, out),
            HostFact::StatusMessages { line_states, address_states, .. } => {
                if let Some(open) = &mut self.open {
                    open.line_states = line_states;
                    open.address_states = address_states;
                }
            }
            HostFact::AppSpecific(call, value) => self.set_card(
                call,
                |card| card.app_specific = value,
                // Told even if it is the same value: the application asked for it.
                call_info_state::APPSPECIFIC,
                out,
            ),
            HostFact::MediaMode(call, media) => {
                self.set_card(call, |card| card.media = media, 0, out);
            }
            HostFact::NewCallRefused(call) => self.new_call_refused(at, call, out),
            HostFact::Stopping => {
                self.fail_requests(out);
                self.fail_forwards(out);
            }
            HostFact::Started
            | HostFact::Configured(_)
            | HostFact::Gap(_)
            | HostFact::LineDismissed(_)
            | HostFact::IdsImported(_) => {}
        }
    }

    fn opened(&mut self, opening: Opening, version: u32, out: &mut Effects) {
        self.open = Some(Open { opening, version, line_states: 0, address_states: 0 });
        for index in 0..self.calls.len() {
            let call = &mut self.calls[index];
            let unknown = matches!(call.standing, Standing::Unannounced | Standing::Closed);
            if !unknown || !call.is_live() && !self.begin_anew(index) {
                continue;
            }
            let call = &mut self.calls[index];
            if call.leg.is_some() || call.orphaned {
                self.announce_call(index, out);
            } else {
                // Made under the last opening, and the PBX has not named its leg yet.
                call.standing = Standing::Unannounced;
            }
        }
        self.forwards_changed(out);
    }

    /// A call that was dropped, and read as over although the PBX never confirmed it, goes on there:
    /// from now on it is another one. Returns whether it is.
    fn begin_anew(&mut self, index: usize) -> bool {
        let call = &self.calls[index];
        if call.leg.is_none() || call.pbx.is_cleared() {
            return false;
        }
        let Some(state) = self.reads_as(index) else { return false };
        let state = self.beside_others(None, state);
        self.born += 1;
        let id = CallId { line: self.id(), serial: self.born };
        let call = &mut self.calls[index];
        (call.id, call.leaving) = (id, false);
        (call.state, call.mode) = state;
        call.is_live()
    }

    fn closed(&mut self, opening: Opening, out: &mut Effects) {
        if self.open.is_none_or(|open| open.opening != opening) {
            return;
        }
        self.complete_for_closing(|_| true, out);
        self.fail_forwards(out);
        self.open = None;
        for call in &mut self.calls {
            call.standing = match call.standing {
                Standing::Pending | Standing::Closed => Standing::Closed,
                _ => Standing::Unannounced,
            };
        }
        self.forget_ended();
    }

    fn call_closed(&mut self, id: CallId, out: &mut Effects) {
        self.complete_for_closing(|pending| pending.concerns(id), out);
        if let Some(call) = self.calls.iter_mut().find(|call| call.id == id) {
            call.standing = Standing::Closed;
        }
        self.forget_ended();
    }

    fn set_card(
        &mut self,
        id: CallId,
        set: impl FnOnce(&mut CallCard),
        always: u32,
        out: &mut Effects,
    ) {
        let Some(index) = self.calls.iter().position(|call| call.id == id && call.is_visible())
        else {
            return;
        };
        let call = &mut self.calls[index];
        let before = Arc::clone(&call.card);
        set(Arc::make_mut(&mut call.card));
        let bits = crate::card::difference(&before, &call.card) | always;
        if call.is_live() {
            self.tell_info(index, bits, out);
        }
    }

    fn new_call_refused(&mut self, at: Millis, id: CallId, out: &mut Effects) {
        if let Some(call) = self.calls.iter_mut().find(|call| call.id == id && call.is_visible()) {
            call.standing = Standing::Refused;
            call.refusals += 1;
            let timer = Timer::NewCallAgain(id, call.refusals);
            out.push(Effect::Wake(at + NEW_CALL_AGAIN_MS, timer));
        }
    }

    pub(super) fn new_call_again(&mut self, id: CallId, refusals: u32, out: &mut Effects) {
        let Some(index) = self.calls.iter().position(|call| call.id == id) else { return };
        let call = &mut self.calls[index];
        if call.standing != Standing::Refused || call.refusals != refusals {
            return;
        }
        if call.is_live() {
            call.standing = Standing::Announced;
            self.tell(Notice::NewCall(id), out);
            self.tell_state(index, out);
        } else {
            self.calls[index].standing = Standing::Closed;
            self.forget_ended();
        }
    }
}
