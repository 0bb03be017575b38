//! Making a call, and the handle that the PBX gives it.

use super::{Kind, Outcome, Pending, Progress};
use crate::call::Phase;
use crate::effect::{Effect, Effects, Order};
use crate::fact::CallInfo;
use crate::id::{CallHandle, CallId, Link, Ticket, UserHandle};
use crate::line::Line;
use crate::line::call::{Call, Standing};
use crate::pbx::CallClue;
use crate::pii::Personal;
use crate::tapi::{CallState, LineErr, MEDIA_INTERACTIVE_VOICE};
use crate::time::{Millis, Timer};
use crate::view::CallCard;

/// How long a call that is made waits for another one to be put on hold, if the PBX says nothing of
/// either. It is only about the order in which they are told.
const HOLD_PATIENCE_MS: u64 = 1_000;

/// How a number is to be called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialling {
    /// Hide the caller's number.
    pub(super) block_id: bool,
    /// The number counts from the root of the numbering.
    pub(super) across: bool,
}

impl Dialling {
    /// The order for it.
    pub(super) fn order(self, user: UserHandle, e164: Personal) -> Order {
        let Dialling { block_id, across } = self;
        addressed(user, across, Order::UserCall { user, e164, block_id })
    }
}

/// An order of a user whose number may count from the root of the numbering.
pub(super) fn addressed(user: UserHandle, across: bool, order: Order) -> Order {
    if across { Order::Across { user, order: Box::new(order) } } else { order }
}

/// What is known of a call that is only being made.
pub(super) fn card(country_code: u32, call_param_flags: u32) -> CallCard {
    CallCard {
        media: MEDIA_INTERACTIVE_VOICE,
        call_param_flags,
        country_code,
        ..CallCard::default()
    }
}

impl Line {
    /// A call that is asked for at this line.
    pub(super) fn made(&self, id: CallId, number: Personal, card: CallCard, at: Millis) -> Call {
        Call::made(id, number, card, at).at_line(&self.identity.number.to_text())
    }

    pub(super) fn make_call(
        &mut self,
        at: Millis,
        ticket: Ticket,
        made: Call,
        dialling: Dialling,
        out: &mut Effects,
    ) -> Outcome {
        let monitor = self.monitor.ok_or(LineErr::InvalLineState)?;
        if !self.make_room(out) {
            return Err(LineErr::CallUnavail);
        }
        let number = made.dialled.clone().unwrap_or_default();
        self.pend(at, ticket, made.id, Kind::MakeCall, out);
        self.calls.push(made);
        let order = dialling.order(monitor.user, number);
        self.order(monitor, ticket, order, out);
        Ok(Progress::UnderWay)
    }

    /// The PBX took the order: completion first, then the first state (O-1, I-05). The telephone puts
    /// a call on hold that it talks on, and that is told first (TSPI: several calls on one line).
    pub(super) fn calling(
        &mut self,
        at: Millis,
        position: usize,
        leg: CallHandle,
        out: &mut Effects,
    ) {
        let Pending { ticket, call, .. } = self.requests[position];
        if self.talks_beside(call) {
            out.push(Effect::Wake(at + HOLD_PATIENCE_MS, Timer::Deadline(self.id(), ticket)));
        }
        self.leg_named(at, position, call, leg, out);
    }

    /// Whether a call that is made has to wait until another one is put on hold for it.
    pub(super) fn waits_for_hold(&self, made: CallId) -> bool {
        let begins =
            |index: usize| matches!(self.calls[index].pbx.phase(), Phase::Init | Phase::Setup);
        self.talks_beside(made) && self.index_of(made).is_some_and(begins)
    }

    fn talks_beside(&self, made: CallId) -> bool {
        let talks = |call: &Call| {
            call.is_visible() && call.state == CallState::Connected && !call.is_conference
        };
        self.calls.iter().any(|call| call.id != made && talks(call))
    }

    /// The PBX named the leg of a call that may have to wait for something else.
    pub(super) fn leg_named(
        &mut self,
        at: Millis,
        position: usize,
        made: CallId,
        leg: CallHandle,
        out: &mut Effects,
    ) {
        let ticket = self.requests[position].ticket;
        self.requests[position].taken = true;
        if let Some(index) = self.index_of(made) {
            self.calls[index].leg = Some(leg);
            if self.calls[index].leaving {
                // Given up before it had a name.
                self.clear(index, ticket, out);
            } else if self.calls[index].standing == Standing::Unannounced && self.open.is_some() {
                // Made when the line was open before: a new call now.
                self.announce_call(index, out);
            }
        }
        self.settle(at, out);
    }

    /// The request that made it has completed: from now on it is told of.
    pub(super) fn announce_made(&mut self, at: Millis, made: CallId, out: &mut Effects) {
        let Some(index) = self.index_of(made) else { return };
        if self.calls[index].standing == Standing::Pending {
            self.calls[index].standing = Standing::Announced;
            self.calls[index].since = at;
            self.tell_state(index, out);
        }
    }

    /// Takes in the events that were kept back, each with its own status messages: what is told
    /// must not depend on whether events overtook the answer to `UserCall`.
    pub(in crate::line) fn release_early(&mut self, at: Millis, out: &mut Effects) {
        while let Some(now) = self.no_longer_early() {
            for (link, info, clue) in now {
                let (before, offered) = (self.status(), self.offered().collect::<Vec<_>>());
                self.call_event(at, link, info, clue, out);
                self.settle_conferences(at, out);
                self.settle_active(at, out);
                self.report_status(before, out);
                self.begin_ringing(at, &offered, out);
            }
        }
    }

    /// Those whose time has come, if there are any. While another leg is still to be named, those of
    /// known legs go on: what comes for these from now on must not overtake them.
    fn no_longer_early(&mut self) -> Option<Vec<(Link, CallInfo, CallClue)>> {
        if self.early.is_empty() {
            return None;
        }
        let awaits_leg = self.awaits_leg();
        let (now, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.early)
            .into_iter()
            .partition(|(_, info, _)| !awaits_leg || self.has_leg(info.handle()));
        self.early = later;
        (!now.is_empty()).then_some(now)
    }

    /// More has been kept back than there is room for. To lose any of it would leave calls standing
    /// that are over, so that nobody waits for a name any longer: who asked for a call hears that it
    /// came to nothing, and if the PBX makes it after all, it is a new one.
    pub(in crate::line) fn give_up_legs(&mut self, at: Millis, out: &mut Effects) {
        while let Some(position) = self.requests.iter().position(Pending::awaits_leg) {
            self.fail(at, position, LineErr::ResourceUnavail, out);
        }
    }

    fn has_leg(&self, handle: CallHandle) -> bool {
        self.calls.iter().any(|call| call.leg == Some(handle) || call.forks.contains(&handle))
    }

    /// Whether the PBX owes us the handle of a leg.
    pub(in crate::line) fn awaits_leg(&self) -> bool {
        self.requests.iter().any(super::Pending::awaits_leg)
    }
}
