//! Hold, back from hold, and both at once.
//!
//! The telephone talks on one call: it puts that on hold by itself when another is taken back
//! (reference of the PBX, 6.6). In which order it reports the two is not documented, so a call that
//! comes back is shown as CONNECTED only when no other call of the line is (see `proof.rs`).

use super::{Kind, Outcome, Progress};
use crate::effect::{Effects, Order};
use crate::id::{CallId, Ticket};
use crate::line::Line;
use crate::tapi::{CallState, LineErr};
use crate::time::Millis;

impl Line {
    pub(super) fn hold(
        &mut self,
        at: Millis,
        ticket: Ticket,
        call: CallId,
        out: &mut Effects,
    ) -> Outcome {
        let (monitor, leg) = self.leg_of(call)?;
        self.pend(at, ticket, call, Kind::Hold, out);
        self.order(monitor, ticket, Order::UserHold { call: leg }, out);
        Ok(Progress::UnderWay)
    }

    /// Taking back a call that waits for its transfer gives the transfer up, and with it the
    /// consultation (TSPI: lineUnhold). A conference that waits for its second member is taken back
    /// by its first one, who is then alone with the user: an ordinary call.
    pub(super) fn unhold(
        &mut self,
        at: Millis,
        ticket: Ticket,
        call: CallId,
        out: &mut Effects,
    ) -> Outcome {
        let call = self.first_member_of(call).unwrap_or(call);
        let (monitor, leg) = self.leg_of(call)?;
        let index = self.index_of(call).ok_or(LineErr::InvalCallHandle)?;
        if self.is_masked(index) {
            self.unmask(at, index, out);
            return Ok(Progress::Done);
        }
        let waits = matches!(
            self.calls[index].state,
            CallState::OnHoldPendTransfer | CallState::Conferenced
        );
        let consultation = self.calls[index].consultation.take();
        if let Some(other) = consultation.and_then(|other| self.index_of(other))
            && self.calls[other].is_live()
            && waits
        {
            self.calls[other].leaving = true;
            self.clear(other, ticket, out);
        }
        self.pend(at, ticket, call, Kind::Unhold, out);
        self.order(monitor, ticket, Order::UserRetrieve { call: leg }, out);
        Ok(Progress::UnderWay)
    }

    pub(super) fn swap_hold(
        &mut self,
        at: Millis,
        ticket: Ticket,
        active: CallId,
        held: CallId,
        out: &mut Effects,
    ) -> Outcome {
        let (monitor, active_leg) = self.leg_of(active)?;
        let (_, held_leg) = self.leg_of(held)?;
        if let Some(masked) = self.index_of(held).filter(|index| self.is_masked(*index)) {
            self.unmask(at, masked, out);
            return Ok(Progress::Done);
        }
        self.pend(at, ticket, active, Kind::SwapHold { held }, out);
        self.order(monitor, ticket, Order::UserHold { call: active_leg }, out);
        self.order(monitor, ticket, Order::UserRetrieve { call: held_leg }, out);
        Ok(Progress::UnderWay)
    }

    /// Whether a call on hold is one that waits for its transfer: it has a consultation, or takes
    /// the place of the one that has.
    pub(super) fn waits_for_transfer(&self, index: usize) -> bool {
        let call = &self.calls[index];
        let takes_the_place = |held: CallId| {
            self.index_of(held).is_some_and(|held| self.calls[held].consultation == Some(call.id))
        };
        call.consultation.is_some()
            || self.requests.iter().any(|pending| match pending.kind {
                Kind::SwapHold { held } if pending.call == call.id => takes_the_place(held),
                _ => false,
            })
    }

    /// After a swap the other call of the pair is the one that waits.
    pub(super) fn swapped(&mut self, active: CallId, held: CallId) {
        let (Some(active), Some(held)) = (self.index_of(active), self.index_of(held)) else {
            return;
        };
        if self.calls[held].consultation == Some(self.calls[active].id) {
            self.calls[held].consultation = None;
            self.calls[active].consultation = Some(self.calls[held].id);
        }
    }
}
