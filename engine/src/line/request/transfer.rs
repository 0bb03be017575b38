//! Transfers: by a consultation, blind, and of a call that is only offered.

use super::{HungUp, Kind, Outcome, Pending, Progress, make};
use crate::call::CAUSE_ELSEWHERE;
use crate::effect::{Effect, Effects, Order};
use crate::fact::Consultation;
use crate::id::{CallId, Ticket};
use crate::line::Line;
use crate::line::call::Call;
use crate::pii::Personal;
use crate::tapi::{CallState, LineErr};
use crate::time::{Millis, Timer};

/// How long the other leg of a transfer may take when one is over: the PBX ends both together.
const TOGETHER_MS: u64 = 1_000;

/// How a call whose leg is over is to be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::line) enum Departure {
    /// Somebody else ended it: DISCONNECTED, then IDLE.
    Told,
    /// This side ended it or sent it away: IDLE at once.
    Quiet,
    /// Both calls of a transfer went at once: IDLE for each, in this order.
    Both(CallId, CallId),
}

impl Line {
    /// The orders go out together; the PBX takes them one after the other.
    pub(super) fn setup_transfer(
        &mut self,
        at: Millis,
        ticket: Ticket,
        call: CallId,
        wanted: Consultation,
        across: bool,
        out: &mut Effects,
    ) -> Outcome {
        let (monitor, leg) = self.leg_of(call)?;
        if !self.make_room(out) {
            return Err(LineErr::CallUnavail);
        }
        let index = self.index_of(call).ok_or(LineErr::InvalCallHandle)?;
        let Consultation { call: consultation, number, block_id, call_param_flags } = wanted;
        let mut card = make::card(0, call_param_flags);
        card.related_call_id = self.calls[index].card.call_id;
        self.calls[index].consultation = Some(consultation);
        let made = self.made(consultation, number.clone(), card, at);
        self.calls.push(made);
        self.pend(at, ticket, call, Kind::SetupTransfer { consultation }, out);
        self.order(monitor, ticket, Order::UserHold { call: leg }, out);
        let dialling = make::Dialling { block_id, across };
        self.order(monitor, ticket, dialling.order(monitor.user, number), out);
        Ok(Progress::UnderWay)
    }

    /// Without its consultation the call only was put on hold, which nobody asked for.
    pub(super) fn undo_setup(&mut self, at: Millis, pending: &Pending, out: &mut Effects) {
        let Some(index) = self.index_of(pending.call) else { return };
        self.calls[index].consultation = None;
        if self.calls[index].state == CallState::OnHoldPendTransfer {
            self.enter(at, index, (CallState::OnHold, 0), out);
        }
        if let Ok((monitor, leg)) = self.leg_of(pending.call) {
            self.order(monitor, pending.ticket, Order::UserRetrieve { call: leg }, out);
        }
    }

    /// Dropping a consultation leads back to the call that waits for its transfer. The first member
    /// of a conference is taken back when that is over.
    pub(super) fn resume_original_of(
        &mut self,
        consultation: CallId,
        ticket: Ticket,
        out: &mut Effects,
    ) {
        let waits = |call: &&mut Call| {
            call.consultation == Some(consultation)
                && !call.is_conference
                && call.member_of.is_none()
        };
        let original = self.calls.iter_mut().find(waits);
        let Some(original) = original else { return };
        original.consultation = None;
        let original = original.id;
        if let Ok((monitor, leg)) = self.leg_of(original) {
            self.order(monitor, ticket, Order::UserRetrieve { call: leg }, out);
        }
    }

    /// No call waits for a transfer whose consultation is gone.
    pub(in crate::line) fn forget_consultations(&mut self) {
        for index in 0..self.calls.len() {
            if let Some(other) = self.calls[index].consultation
                && !self.calls.iter().any(|call| call.id == other && call.is_live())
            {
                self.calls[index].consultation = None;
            }
        }
    }

    pub(super) fn complete_transfer(
        &mut self,
        at: Millis,
        ticket: Ticket,
        call: CallId,
        consultation: CallId,
        out: &mut Effects,
    ) -> Outcome {
        let (monitor, a) = self.leg_of(call)?;
        let (_, b) = self.leg_of(consultation)?;
        self.pend(
            at,
            ticket,
            call,
            Kind::CompleteTransfer { consultation, hung_up: HungUp::Nobody },
            out,
        );
        self.order(monitor, ticket, Order::UserTransfer { a, b }, out);
        Ok(Progress::UnderWay)
    }

    pub(super) fn send_away(
        &mut self,
        at: Millis,
        ticket: Ticket,
        call: CallId,
        (number, across): (Personal, bool),
        out: &mut Effects,
    ) -> Outcome {
        let (monitor, leg) = self.leg_of(call)?;
        self.pend(at, ticket, call, Kind::SendAway, out);
        let redirect = Order::UserRedirect { call: leg, e164: number };
        self.order(monitor, ticket, make::addressed(monitor.user, across, redirect), out);
        Ok(Progress::UnderWay)
    }

    /// A leg is over, and its cause does not say that the call goes on elsewhere. If it was to be
    /// transferred, that is the end of the transfer, unless the other leg is over at once, too: which
    /// cause the second of them has is not documented.
    pub(in crate::line) fn hung_up(&mut self, at: Millis, index: usize, out: &mut Effects) {
        let call = &self.calls[index];
        let may_have_gone = match call.cause {
            Some(cause) => cause == CAUSE_ELSEWHERE,
            None => !call.leaving,
        };
        if may_have_gone {
            return;
        }
        let (id, line) = (call.id, self.id());
        for pending in self.requests.iter_mut().filter(|pending| pending.concerns(id)) {
            if let Kind::CompleteTransfer { hung_up, .. } = &mut pending.kind {
                match *hung_up {
                    HungUp::Nobody => {
                        *hung_up = HungUp::One(id);
                        let deadline = Timer::Deadline(line, pending.ticket);
                        out.push(Effect::Wake(at + TOGETHER_MS, deadline));
                    }
                    HungUp::One(first) if first != id => *hung_up = HungUp::Both,
                    HungUp::One(_) | HungUp::Both => {}
                }
            }
        }
    }

    /// How a call whose leg is over is to be ended. The PBX says of a leg whose far end it gave to
    /// somebody else that the call goes on elsewhere; if it gives no cause at all, a request that
    /// would explain the end is believed for this call, but not for the other one of a pair.
    pub(in crate::line) fn departure(&self, index: usize) -> Departure {
        let call = &self.calls[index];
        let elsewhere = call.cause == Some(CAUSE_ELSEWHERE);
        let maybe = elsewhere || call.cause.is_none();
        for pending in self.requests.iter().filter(|pending| pending.concerns(call.id)) {
            match pending.kind {
                Kind::CompleteTransfer { consultation, .. } if elsewhere => {
                    return Departure::Both(pending.call, consultation);
                }
                Kind::CompleteTransfer { .. } if maybe => return Departure::Quiet,
                Kind::Park if pending.taken => return Departure::Quiet,
                Kind::SendAway if maybe || pending.taken => return Departure::Quiet,
                _ => {}
            }
        }
        // Whoever parked it, here or at the telephone: nobody hung up.
        if call.leaving || self.was_parked(index) { Departure::Quiet } else { Departure::Told }
    }
}
