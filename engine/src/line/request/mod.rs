//! Requests of applications that are under way: each completes exactly once (invariant I-06).
//!
//! A request completes when the PBX's events prove it, when the PBX refuses it, or when a deadline
//! passes; not because the PBX took the order. What proves and refutes each kind, and what its
//! deadline means, is in one table: `proof.rs`. The other files say what is ordered for a kind, and
//! what an answer to the order means.

mod answer;
mod conference;
mod errand;
mod hold;
mod make;
mod park;
mod pickup;
mod proof;
mod rule;
mod transfer;

use errand::Errand;
use make::Dialling;
pub use rule::Rule;
pub(super) use transfer::Departure;

use super::call::Standing;
use super::{Known, Line, MAX_REQUESTS, Monitor};
use crate::capability;
use crate::effect::{Ask, Effect, Effects, Limit, Order, Report, Request};
use crate::fact::{Command, Completion, Reply};
use crate::id::{CallHandle, CallId, Correlation, Link, Opening, RequestId, Ticket};
use crate::tapi::LineErr;
use crate::time::{Millis, Timer};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A request under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    /// Under this name the PBX answers, and the deadline comes.
    pub(super) ticket: Ticket,
    /// The call that it is about, or that it makes.
    pub(super) call: CallId,
    pub(super) kind: Kind,
    /// The PBX has said yes, or named the leg that it was asked for.
    pub(super) taken: bool,
    /// Its deadline has passed: it keeps nothing from being shown any more.
    pub(super) overdue: bool,
    /// The host closed the line or call and had its completion; only the call's fate is awaited.
    pub(super) completed: bool,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// A new call.
    MakeCall,
    /// An offered call.
    Answer,
    /// The end of a call.
    Drop,
    /// A call on hold.
    Hold,
    /// A call back from hold.
    Unhold,
    /// The call on hold, and this one back.
    SwapHold {
        /// The one on hold when it was asked.
        held: CallId,
    },
    /// The call on hold, and this one made.
    SetupTransfer {
        /// The new call.
        consultation: CallId,
    },
    /// The far ends of both calls joined.
    CompleteTransfer {
        /// The other call.
        consultation: CallId,
        /// Which of the two was hung up meanwhile.
        hung_up: HungUp,
    },
    /// Both calls joined with this line's user, in a conference.
    Confer {
        /// The other call.
        consultation: CallId,
        /// The conference that they are to make.
        conference: CallId,
    },
    /// The call sent to somebody else: a blind transfer, or a redirection.
    SendAway,
    /// The station at which a call is to be picked up. The PBX is asked for its name first.
    FindStation,
    /// A call that rings elsewhere.
    Pickup,
    /// The object at which a call is to be parked. The PBX is asked for its name first.
    FindPlace,
    /// The call parked somewhere.
    Park,
    /// The call on hold, and another one made to join it.
    SetupConference {
        /// The conference.
        conference: CallId,
        /// The new call.
        consultation: CallId,
    },
    /// The conference of this call and its members.
    AddToConference {
        /// The call that joins.
        consultation: CallId,
    },
    /// The same, proved; its members are just being told.
    Joined,
    /// That the PBX takes an order.
    Errand(Errand),
}

/// Which calls of a pair that is to be joined were hung up instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum HungUp {
    /// Neither.
    Nobody,
    /// This one.
    One(CallId),
    /// Both.
    Both,
}

/// What became of a command at once.
pub(super) type Outcome = Result<Progress, LineErr>;

/// How far a command got at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is under way.
    UnderWay,
    /// It is done.
    Done,
}

impl Kind {
    /// The conference that it makes besides a call.
    fn begins(&self) -> Option<CallId> {
        match *self {
            Kind::SetupConference { conference, .. } => Some(conference),
            _ => None,
        }
    }
}

impl Pending {
    /// The call that it makes.
    pub(super) fn made(&self) -> Option<CallId> {
        match self.kind {
            Kind::MakeCall | Kind::Pickup | Kind::FindStation => Some(self.call),
            Kind::SetupTransfer { consultation } | Kind::SetupConference { consultation, .. } => {
                Some(consultation)
            }
            Kind::Confer { conference, .. } => Some(conference),
            _ => None,
        }
    }

    /// Whether the PBX owes us the handle of a leg.
    pub(super) fn awaits_leg(&self) -> bool {
        let brings_leg = matches!(
            self.kind,
            Kind::MakeCall
                | Kind::Pickup
                | Kind::SetupTransfer { .. }
                | Kind::SetupConference { .. }
        );
        brings_leg && !self.taken
    }

    /// Whether it has to do with a call.
    pub(super) fn concerns(&self, call: CallId) -> bool {
        let other = match self.kind {
            Kind::SwapHold { held: other }
            | Kind::SetupTransfer { consultation: other }
            | Kind::SetupConference { consultation: other, .. }
            | Kind::AddToConference { consultation: other }
            | Kind::CompleteTransfer { consultation: other, .. }
            | Kind::Confer { consultation: other, .. } => Some(other),
            _ => None,
        };
        self.call == call || other == Some(call)
    }
}

impl Line {
    pub(super) fn command(
        &mut self,
        at: Millis,
        opening: Opening,
        id: RequestId,
        command: Command,
        known: Known,
        out: &mut Effects,
    ) {
        self.turns = self.turns.wrapping_add(1);
        let ticket = Ticket { request: id, turn: self.turns };
        let correlation = Correlation::new(self.id(), ticket);
        out.push(Effect::Report(Report::RequestBegun(correlation, id, command.function())));
        if self.open.is_none_or(|open| open.opening != opening) {
            // The host closed the line meanwhile and has had its completion.
            return self.report_end(ticket, Err(LineErr::OperationFailed), out);
        }
        if self.requests.len() + self.forward_requests() >= MAX_REQUESTS {
            out.push(Effect::Report(Report::LimitReached(Limit::Requests)));
            return self.complete(ticket, Err(LineErr::ResourceUnavail), out);
        }
        // No completion says how digits ended.
        let digits = match &command {
            Command::GenerateDigits { call, tag, digits } if !digits.is_empty() => {
                Some((*call, *tag))
            }
            _ => None,
        };
        // The line may have changed since the library admitted it.
        let admitted = capability::admit(&self.view(), &command);
        match admitted.and_then(|()| self.begin(at, ticket, command, known, out)) {
            Ok(Progress::Done) => self.complete(ticket, Ok(()), out),
            Ok(Progress::UnderWay) => {}
            Err(error) => match digits {
                Some((call, tag)) => {
                    self.tell_generated(call, tag, false, out);
                    self.report_end(ticket, Err(error), out);
                }
                None => self.complete(ticket, Err(error), out),
            },
        }
    }

    fn begin(
        &mut self,
        at: Millis,
        ticket: Ticket,
        command: Command,
        known: Known,
        out: &mut Effects,
    ) -> Outcome {
        match command {
            Command::MakeCall { call, number, block_id, country_code, call_param_flags } => {
                let card = make::card(country_code, call_param_flags);
                let across = known.across.contains(&number);
                let made = self.made(call, number, card, at);
                self.make_call(at, ticket, made, Dialling { block_id, across }, out)
            }
            Command::Answer(call) => self.answer(at, ticket, call, out),
            Command::Drop(call) => self.drop_call(at, ticket, call, out),
            Command::SetCallParams(_) => Ok(Progress::Done),
            Command::Hold(call) => self.hold(at, ticket, call, out),
            Command::Unhold(call) => self.unhold(at, ticket, call, out),
            Command::SwapHold { active, held } => self.swap_hold(at, ticket, active, held, out),
            Command::SetupTransfer { call, consultation } => {
                let across = known.across.contains(&consultation.number);
                self.setup_transfer(at, ticket, call, consultation, across, out)
            }
            Command::CompleteTransfer { call, consultation, conference: None } => {
                self.complete_transfer(at, ticket, call, consultation, out)
            }
            Command::CompleteTransfer { call, consultation, conference: Some(conference) } => {
                self.confer(at, ticket, (call, consultation), conference, out)
            }
            Command::BlindTransfer { call, number } | Command::Redirect { call, number } => {
                let across = known.across.contains(&number);
                self.send_away(at, ticket, call, (number, across), out)
            }
            Command::Pickup { call, from } => {
                self.pick_up(at, ticket, call, (from, &known.across), out)
            }
            Command::SetupConference { call: Some(call), conference, consultation } => {
                let across = known.across.contains(&consultation.number);
                let wanted = (consultation, across);
                self.setup_conference(at, ticket, call, conference, wanted, out)
            }
            Command::AddToConference { conference, consultation } => {
                self.add_to_conference(at, ticket, conference, consultation, out)
            }
            Command::RemoveFromConference(call) => self.drop_call(at, ticket, call, out),
            Command::Park { call, at: place } => {
                self.park(at, ticket, call, (place, &known.across), out)
            }
            Command::Unpark { call, .. } => self.unpark(at, ticket, call, known.parked, out),
            Command::Dial { call, number } => {
                let across = known.across.contains(&number);
                self.dial(at, ticket, call, (number, across), out)
            }
            Command::GenerateDigits { call, digits, tag } => {
                self.generate_digits(at, ticket, call, (digits, tag), out)
            }
            Command::SendUserUserInfo { call, user_info } => {
                self.send_user_info(at, ticket, call, &user_info, out)
            }
            Command::Forward(forwarding) => {
                self.forward(at, ticket, &forwarding, known.across, out)
            }
            _ => Err(LineErr::OperationUnavail),
        }
    }

    pub(super) fn reply(&mut self, at: Millis, ticket: Ticket, reply: Reply, out: &mut Effects) {
        let Some(position) = self.position_of(ticket) else {
            return self.forward_reply(ticket, reply, out);
        };
        match (self.requests[position].kind.clone(), reply) {
            (Kind::Errand(errand), reply) => self.errand_answered(at, ticket, errand, &reply, out),
            (Kind::MakeCall, Reply::Calling(leg)) if leg.0 != 0 => {
                self.calling(at, position, leg, out);
            }
            (
                Kind::SetupTransfer { consultation: made }
                | Kind::SetupConference { consultation: made, .. },
                Reply::Calling(leg),
            ) if leg.0 != 0 => {
                self.leg_named(at, position, made, leg, out);
            }
            (Kind::Pickup, Reply::Calling(leg)) if leg.0 != 0 => {
                self.leg_named(at, position, self.requests[position].call, leg, out);
            }
            // The answer to `UserHold`; that to `UserCall` follows.
            (Kind::SetupTransfer { .. } | Kind::SetupConference { .. }, Reply::Taken) => {}
            // That the telephone was told does not mean that it has done it.
            (Kind::AddToConference { .. } | Kind::Confer { .. }, Reply::Taken) => {}
            (Kind::FindStation, Reply::Found(Some(cn))) => {
                self.station_found(at, position, cn, out);
            }
            (Kind::FindPlace, Reply::Found(Some(cn))) => self.place_found(at, position, cn, out),
            (Kind::Park, Reply::Parked(leg)) if leg.0 != 0 => {
                self.requests[position].taken = true;
                self.settle(at, out);
            }
            (Kind::FindStation | Kind::FindPlace, Reply::Found(None)) => {
                self.fail(at, position, LineErr::InvalAddress, out);
            }
            (
                Kind::MakeCall
                | Kind::SetupTransfer { .. }
                | Kind::SetupConference { .. }
                | Kind::FindStation
                | Kind::FindPlace
                | Kind::Park
                | Kind::Pickup,
                _,
            ) => self.fail(at, position, LineErr::OperationFailed, out),
            (Kind::Drop, Reply::Failed(_)) => self.drop_anyway(at, position, out),
            (Kind::Drop, _) => self.drop_answered(at, position, out),
            (_, Reply::Failed(failure)) if !failure.leaves_it_open() => {
                self.fail(at, position, LineErr::OperationFailed, out);
            }
            (_, Reply::Refused) => self.fail(at, position, LineErr::OperationFailed, out),
            (_, _) => {
                self.requests[position].taken = true;
                self.settle(at, out);
            }
        }
    }

    /// The PBX is gone or the provider stops: nothing that is under way can be proved any more.
    pub(super) fn fail_requests(&mut self, out: &mut Effects) {
        while !self.requests.is_empty() {
            self.finish(0, Err(LineErr::OperationFailed), out);
        }
        // Whether the PBX has heard that they are to end is not known.
        self.calls.iter_mut().for_each(|call| call.leaving = false);
        self.calls.retain(|call| call.standing != Standing::Pending);
        self.forget_consultations();
    }

    /// The host closes something: it gets its completions now, the PBX's answer still matters for
    /// a call that was asked for.
    pub(super) fn complete_for_closing(
        &mut self,
        which: impl Fn(&Pending) -> bool,
        out: &mut Effects,
    ) {
        for position in 0..self.requests.len() {
            if which(&self.requests[position]) && !self.requests[position].completed {
                self.requests[position].completed = true;
                let ticket = self.requests[position].ticket;
                self.complete(ticket, Err(LineErr::OperationFailed), out);
                // What was to be made has failed for the host: it is never told of (O-2).
                let Pending { ref kind, .. } = self.requests[position];
                let made = [self.requests[position].made(), kind.begins()];
                made.into_iter().flatten().for_each(|made| self.abandon(made));
            }
        }
        self.requests.retain(|pending| !pending.completed || pending.awaits_leg());
    }

    /// Ends a request without success. A call that it was to make is as if it had never been; if
    /// the PBX makes it after all, it is announced as a new one.
    fn fail(&mut self, at: Millis, position: usize, error: LineErr, out: &mut Effects) {
        let pending = self.requests[position].clone();
        self.finish(position, Err(error), out);
        let mut forget = |made| {
            self.calls.retain(|call| call.id != made || call.standing == Standing::Announced);
        };
        [pending.made(), pending.kind.begins()].into_iter().flatten().for_each(&mut forget);
        if let Kind::SetupTransfer { .. } | Kind::SetupConference { .. } = pending.kind {
            self.undo_setup(at, &pending, out);
            self.show_as_it_is(at, pending.call, out);
        }
        if let Kind::Confer { consultation, .. } = pending.kind {
            self.show_as_it_is(at, pending.call, out);
            self.show_as_it_is(at, consultation, out);
        }
        self.forget_ended();
    }

    fn finish(&mut self, position: usize, result: Completion, out: &mut Effects) {
        let pending = self.requests.remove(position);
        if let Kind::Errand(Errand::Digits { tag }) = pending.kind {
            self.tell_generated(pending.call, tag, result.is_ok(), out);
            if !pending.completed {
                self.report_end(pending.ticket, result, out);
            }
        } else if !pending.completed {
            self.complete(pending.ticket, result, out);
        }
    }

    fn pend(&mut self, at: Millis, ticket: Ticket, call: CallId, kind: Kind, out: &mut Effects) {
        let due = at + kind.deadline_ms(self.identity.request_deadline_ms);
        let pending =
            Pending { ticket, call, kind, taken: false, overdue: false, completed: false };
        self.requests.push(pending);
        out.push(Effect::Wake(due, Timer::Deadline(self.id(), ticket)));
    }

    /// Gives a request as much time again.
    fn wait_once_more(&self, at: Millis, ticket: Ticket, out: &mut Effects) {
        if let Some(position) = self.position_of(ticket) {
            let due =
                at + self.requests[position].kind.deadline_ms(self.identity.request_deadline_ms);
            out.push(Effect::Wake(due, Timer::Deadline(self.id(), ticket)));
        }
    }

    fn position_of(&self, ticket: Ticket) -> Option<usize> {
        self.requests.iter().position(|pending| pending.ticket == ticket)
    }

    pub(super) fn index_of(&self, id: CallId) -> Option<usize> {
        self.calls.iter().position(|call| call.id == id)
    }

    /// The leg of a call that the application can see, and whom to ask about it.
    fn leg_of(&self, id: CallId) -> Result<(Monitor, CallHandle), LineErr> {
        let call = self.calls.iter().find(|call| call.id == id && call.is_visible());
        let call = call.ok_or(LineErr::InvalCallHandle)?;
        let monitor = self.monitor.ok_or(LineErr::OperationFailed)?;
        Ok((monitor, call.leg.ok_or(LineErr::OperationFailed)?))
    }

    pub(super) fn order(&self, monitor: Monitor, ticket: Ticket, order: Order, out: &mut Effects) {
        self.order_for(ticket, monitor, ticket, order, out);
    }

    /// The same for a request that takes several questions, each with a ticket of its own.
    pub(super) fn order_for(
        &self,
        whom: Ticket,
        monitor: Monitor,
        ticket: Ticket,
        order: Order,
        out: &mut Effects,
    ) {
        let Link { pbx, attempt } = monitor.link;
        let place = Arc::clone(&self.place);
        let correlation = Correlation::new(self.id(), whom);
        let request = Request::Order { line: self.id(), ticket, correlation, order };
        out.push(Effect::Ask(Box::new(Ask { pbx, attempt, place, request })));
    }
}
