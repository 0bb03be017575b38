//! Transfers: by a consultation, blind, and of a call that is only offered.

use super::{HungUp, Kind, Outcome, Pending, Progress, make};
use crate::call::CAUSE_ELSEWHERE;
use crate::effect::{Effect, Effects, Order};
use crate::fact::Consultation;
use crate::id::{CallId, Ticket};
use crate::line::Line;
use crate::line::call::{Call, LEFT_MS};
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
    /// Both calls of that transfer went at once: IDLE for each, in this order.
    Both(Ticket, [CallId; 2]),
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

    /// The calls of a transfer are over, the original first. Where the PBX has ended one leg only, the
    /// other one should follow.
    pub(in crate::line) fn both_left(
        &mut self,
        at: Millis,
        ticket: Ticket,
        pair: [CallId; 2],
        out: &mut Effects,
    ) {
        for call in pair {
            if let Some(index) = self.index_of(call) {
                let call = &self.calls[index];
                if call.leg.is_some() && !call.pbx.is_cleared() {
                    self.calls[index].left_by = Some(ticket);
                    out.push(Effect::Wake(at + LEFT_MS, Timer::Deadline(self.id(), ticket)));
                }
                self.enter(at, index, (CallState::Idle, 0), out);
            }
        }
    }

    /// The time is over in which the legs of a transfer end. Where one has not, somebody has
    /// transferred the other one with a third call, at the telephone and at the same moment: this one
    /// goes on, and applications, who were told that it is over, hear of it as of another call.
    pub(in crate::line) fn look_for_left(&mut self, at: Millis, ticket: Ticket, out: &mut Effects) {
        while let Some(index) = self.calls.iter().position(|call| call.stayed_after_all(at, ticket))
        {
            self.calls[index].left_by = None;
            let Some(target) = self.reads_as(index) else { continue };
            self.begin_as_another(at, index, target, out);
        }
        self.forget_ended();
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
                    return Departure::Both(pending.ticket, [pending.call, consultation]);
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
