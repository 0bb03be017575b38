//! Answering a call and ending one.

use super::{Kind, Outcome, Pending, Progress};
use crate::effect::{Effects, Order};
use crate::id::{CallId, Ticket};
use crate::line::Line;
use crate::tapi::{CallState, LineErr};
use crate::time::Millis;

/// Q.850: normal clearing.
const CAUSE_NORMAL: u8 = 16;
/// Q.850: call rejected. Busy (17) would start a call forward on busy.
const CAUSE_REJECTED: u8 = 21;

impl Line {
    /// The telephone puts the call on hold that it talks on (reference of the PBX, 6.6).
    pub(super) fn answer(
        &mut self,
        at: Millis,
        ticket: Ticket,
        call: CallId,
        out: &mut Effects,
    ) -> Outcome {
        let (monitor, leg) = self.leg_of(call)?;
        self.pend(at, ticket, call, Kind::Answer, out);
        self.order(monitor, ticket, Order::UserConnect { call: leg }, out);
        Ok(Progress::UnderWay)
    }

    pub(super) fn drop_call(
        &mut self,
        at: Millis,
        ticket: Ticket,
        call: CallId,
        out: &mut Effects,
    ) -> Outcome {
        let index = self.index_of(call).ok_or(LineErr::InvalCallHandle)?;
        if !self.calls[index].is_live() {
            // Some applications drop twice and show an error box for a refusal.
            return Ok(Progress::Done);
        }
        if self.monitor.is_none() && self.calls[index].state == CallState::Disconnected {
            // There is nothing left that a PBX would have to do.
            self.enter(at, index, (CallState::Idle, 0), out);
            return Ok(Progress::Done);
        }
        self.monitor.ok_or(LineErr::OperationFailed)?;
        // Whoever had the line open before may have asked for it too, and the PBX not have obeyed.
        let is_asked_for = |pending: &Pending| pending.kind == Kind::Drop && pending.call == call;
        let already = self.requests.iter().any(is_asked_for);
        self.calls[index].leaving = true;
        self.pend(at, ticket, call, Kind::Drop, out);
        if !already {
            self.clear(index, ticket, out);
            self.clear_members(call, ticket, out);
            self.resume_original_of(call, ticket, out);
        }
        Ok(Progress::UnderWay)
    }

    /// Clears all legs of a call at the PBX.
    pub(super) fn clear(&self, index: usize, ticket: Ticket, out: &mut Effects) {
        let Some(monitor) = self.monitor else { return };
        let call = &self.calls[index];
        let cause = if call.state == CallState::Offering { CAUSE_REJECTED } else { CAUSE_NORMAL };
        for leg in call.leg.into_iter().chain(call.forks.iter().copied()) {
            self.order(monitor, ticket, Order::UserClear { call: leg, cause }, out);
        }
    }

    /// A call that was dropped before the PBX had reported it again: its leg is known now.
    pub(in crate::line) fn clear_at_last(&mut self, index: usize, out: &mut Effects) {
        let call = &self.calls[index];
        if !call.leaving {
            return;
        }
        let is_it = |pending: &&Pending| pending.kind == Kind::Drop && pending.call == call.id;
        let ticket = self.requests.iter().find(is_it).map(|pending| pending.ticket);
        let ticket = ticket.unwrap_or({
            // The deadline was sooner; whatever the PBX answers, nobody waits for it.
            Ticket::UNASKED
        });
        self.clear(index, ticket, out);
    }

    /// A call that the PBX had cleared before needs no further proof.
    pub(super) fn drop_answered(&mut self, at: Millis, position: usize, out: &mut Effects) {
        let call = self.requests[position].call;
        if self.calls.iter().any(|dropped| dropped.id == call && dropped.pbx.is_cleared()) {
            self.drop_anyway(at, position, out);
        }
    }

    /// The TAPI call must not hang because the PBX is silent (TSPI: lineDrop).
    pub(super) fn drop_anyway(&mut self, at: Millis, position: usize, out: &mut Effects) {
        let id = self.requests[position].call;
        if let Some(index) = self.calls.iter().position(|call| call.id == id && call.is_live()) {
            self.hung_up(at, index, out);
            self.enter(at, index, (CallState::Idle, 0), out);
        }
        self.settle(at, out);
        self.forget_ended();
    }
}
