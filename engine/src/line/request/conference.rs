//! Conferences of three, mixed by the telephone.
//!
//! The telephone joins its two topmost calls on a remote control facility (reference of the PBX,
//! 6.10); all that the PBX shows of it is that neither is on hold. To TAPI the conference is a call
//! of its own, which the PBX knows nothing of: it lives as long as it has two members, or one and a
//! call that is to become the other.

use super::proof::over;
use super::{Kind, Outcome, Pending, Progress, make};
use crate::call::{StateAndMode, Way, reading, way};
use crate::effect::{Effects, Order};
use crate::fact::Consultation;
use crate::id::{CallId, Ticket};
use crate::line::Line;
use crate::line::call::{Call, Standing};
use crate::tapi::{CallState, LineErr, connected_mode};
use crate::time::Millis;

/// Remote control facility: the conference of three on.
const CONFERENCE_ON: u32 = 10;
/// The same for telephones of before: on, if it is off.
const CONFERENCE_TOGGLE: u32 = 4;
/// Other members than the user of the line.
const MEMBERS: usize = 2;

impl Line {
    /// The call is put on hold and another one made, as for a transfer.
    pub(super) fn setup_conference(
        &mut self,
        at: Millis,
        ticket: Ticket,
        call: CallId,
        conference: CallId,
        (wanted, across): (Consultation, bool),
        out: &mut Effects,
    ) -> Outcome {
        let (monitor, leg) = self.leg_of(call)?;
        self.no_conference_begins()?;
        if !self.make_room(out) || !self.make_room_for_one_more(out) {
            return Err(LineErr::CallUnavail);
        }
        let index = self.index_of(call).ok_or(LineErr::InvalCallHandle)?;
        let Consultation { call: consultation, number, block_id, call_param_flags } = wanted;
        let mut card = make::card(0, call_param_flags);
        card.related_call_id = self.calls[index].card.call_id;
        // To drop it takes this call back from hold.
        self.calls[index].consultation = Some(consultation);
        let made = self.made(consultation, number.clone(), card, at);
        let parent = Call::conference(conference, consultation, at);
        self.calls.extend([parent, made]);
        self.pend(at, ticket, call, Kind::SetupConference { conference, consultation }, out);
        self.order(monitor, ticket, Order::UserHold { call: leg }, out);
        let dialling = make::Dialling { block_id, across };
        self.order(monitor, ticket, dialling.order(monitor.user, number), out);
        Ok(Progress::UnderWay)
    }

    /// From its completion on the first call is a member.
    pub(super) fn conference_begun(
        &mut self,
        at: Millis,
        call: CallId,
        conference: CallId,
        out: &mut Effects,
    ) {
        self.announce_made(at, conference, out);
        if let Some(index) = self.index_of(call).filter(|index| self.calls[*index].is_live()) {
            self.become_member(at, index, conference, out);
        }
    }

    pub(super) fn add_to_conference(
        &mut self,
        at: Millis,
        ticket: Ticket,
        conference: CallId,
        consultation: CallId,
        out: &mut Effects,
    ) -> Outcome {
        let (monitor, leg) = self.leg_of(consultation)?;
        self.pend(at, ticket, conference, Kind::AddToConference { consultation }, out);
        self.order(monitor, ticket, Order::UserRc { call: leg, rc: CONFERENCE_ON }, out);
        Ok(Progress::UnderWay)
    }

    /// `TSPI_lineCompleteTransfer` as a conference: the call on hold comes back beside the other one.
    pub(super) fn confer(
        &mut self,
        at: Millis,
        ticket: Ticket,
        (call, consultation): (CallId, CallId),
        conference: CallId,
        out: &mut Effects,
    ) -> Outcome {
        self.leg_of(call)?;
        self.leg_of(consultation)?;
        self.no_conference_begins()?;
        let talking = if self.is_held_at_the_pbx(call) { consultation } else { call };
        let (monitor, leg) = self.leg_of(talking)?;
        if !self.make_room(out) {
            return Err(LineErr::ResourceUnavail);
        }
        self.calls.push(Call::conference(conference, consultation, at));
        self.pend(at, ticket, call, Kind::Confer { consultation, conference }, out);
        self.order(monitor, ticket, Order::UserRc { call: leg, rc: CONFERENCE_ON }, out);
        Ok(Progress::UnderWay)
    }

    /// A conference of two members needs no third call: it is CONNECTED when it is first told of.
    pub(super) fn conference_begins_joined(&mut self, conference: CallId) {
        if let Some(index) = self.index_of(conference) {
            let call = &mut self.calls[index];
            call.consultation = None;
            (call.state, call.mode) = (CallState::Connected, connected_mode::ACTIVE);
        }
    }

    /// Both calls of a transfer are members; nothing waits for a consultation any more.
    pub(super) fn both_joined(
        &mut self,
        at: Millis,
        calls: [CallId; 2],
        conference: CallId,
        out: &mut Effects,
    ) {
        for call in &mut self.calls {
            call.consultation = call.consultation.filter(|other| !calls.contains(other));
        }
        for call in calls {
            if let Some(index) = self.index_of(call) {
                self.become_member(at, index, conference, out);
            }
        }
    }

    /// A telephone has one conference, and one that is asked for is not among its calls yet.
    fn no_conference_begins(&self) -> Result<(), LineErr> {
        let begins =
            |kind: &Kind| matches!(kind, Kind::SetupConference { .. } | Kind::Confer { .. });
        match self.requests.iter().any(|pending| begins(&pending.kind)) {
            true => Err(LineErr::InvalCallState),
            false => Ok(()),
        }
    }

    /// Whether the PBX has both of two calls connected.
    pub(super) fn talk_together(&self, call: CallId, other: CallId) -> bool {
        let both = [call, other];
        both.into_iter().all(|call| self.index_of(call).is_some_and(|at| talks(&self.calls[at])))
    }

    /// Whether the PBX has every member of a conference, and one more call, connected.
    pub(super) fn is_joined(&self, conference: CallId, consultation: CallId) -> bool {
        let joins = |call: &&Call| call.id == consultation || call.member_of == Some(conference);
        self.calls.iter().filter(joins).filter(|call| talks(call)).count() == MEMBERS
    }

    /// The second call is a member too, and the conference begins.
    pub(super) fn joined(
        &mut self,
        at: Millis,
        conference: CallId,
        consultation: CallId,
        out: &mut Effects,
    ) {
        // Nothing waits any more for it, nor for the call that was made to join and did not.
        let made = self.index_of(conference).and_then(|index| self.calls[index].consultation);
        let joined = [Some(consultation), made];
        for call in &mut self.calls {
            call.consultation = call.consultation.filter(|other| !joined.contains(&Some(*other)));
        }
        if let Some(index) = self.index_of(consultation) {
            self.become_member(at, index, conference, out);
        }
        if let Some(index) = self.index_of(conference) {
            self.enter(at, index, (CallState::Connected, connected_mode::ACTIVE), out);
        }
    }

    /// Telephones of before know the other facility only.
    pub(super) fn join_overdue(&mut self, at: Millis, position: usize, out: &mut Effects) {
        let Pending { ticket, taken, call, ref kind, .. } = self.requests[position];
        let talking = match *kind {
            Kind::AddToConference { consultation } => consultation,
            Kind::Confer { consultation, .. } if self.is_held_at_the_pbx(call) => consultation,
            _ => call,
        };
        match self.leg_of(talking) {
            // `taken` stands for the second attempt: the answer to the facility says nothing.
            Ok((monitor, leg)) if !taken => {
                self.requests[position].taken = true;
                self.order(
                    monitor,
                    ticket,
                    Order::UserRc { call: leg, rc: CONFERENCE_TOGGLE },
                    out,
                );
                self.wait_once_more(at, ticket, out);
            }
            _ => self.fail(at, position, LineErr::OperationFailed, out),
        }
    }

    /// Hanging up a conference hangs up its members.
    pub(super) fn clear_members(&mut self, conference: CallId, ticket: Ticket, out: &mut Effects) {
        for index in 0..self.calls.len() {
            if self.calls[index].member_of == Some(conference) && self.calls[index].is_live() {
                self.calls[index].leaving = true;
                self.clear(index, ticket, out);
            }
        }
    }

    /// After each input: a conference with too few members is over, and who is left is as the PBX
    /// has it.
    pub(in crate::line) fn settle_conferences(&mut self, at: Millis, out: &mut Effects) {
        for index in 0..self.calls.len() {
            let call = &self.calls[index];
            if call.is_conference
                && call.is_live()
                && call.standing != Standing::Pending
                && !self.has_members(index)
            {
                self.enter(at, index, (CallState::Idle, 0), out);
            }
        }
        for index in 0..self.calls.len() {
            if self.calls[index].member_of.is_some() && self.conference_of(index).is_none() {
                self.calls[index].member_of = None;
                self.take_back(index, out);
                let call = &self.calls[index];
                if call.state == CallState::Conferenced
                    && let Some(target) = reading(call.pbx, call.circumstances())
                {
                    self.enter(at, index, left_alone(target), out);
                }
            }
        }
    }

    /// Who is left by a conference is an ordinary call (TSPI: a member leaves): if it was put on hold
    /// for somebody who did not join, it is taken back, unless the user is busy otherwise.
    fn take_back(&self, index: usize, out: &mut Effects) {
        let call = &self.calls[index];
        let is_alone = !self
            .calls
            .iter()
            .any(|other| other.id != call.id && !other.is_conference && !over(other.state));
        if call.is_live()
            && !call.leaving
            && call.pbx.is_held()
            && is_alone
            && let Ok((monitor, leg)) = self.leg_of(call.id)
        {
            self.order(monitor, Ticket::UNASKED, Order::UserRetrieve { call: leg }, out);
        }
    }

    /// How a member is shown whose leg talks or is on hold.
    pub(super) fn as_member(&self, index: usize) -> Option<StateAndMode> {
        self.conference_of(index).map(conferenced)
    }

    /// The first of the members of a conference.
    pub(super) fn first_member_of(&self, conference: CallId) -> Option<CallId> {
        self.calls.iter().find(|call| call.member_of == Some(conference)).map(|call| call.id)
    }

    fn has_members(&self, index: usize) -> bool {
        if self.identity.single_active_call {
            // The setting came while it was going on.
            return false;
        }
        let conference = &self.calls[index];
        // One who has hung up is none any more.
        let member = |call: &&Call| {
            call.member_of == Some(conference.id) && call.state == CallState::Conferenced
        };
        let members = self.calls.iter().filter(member).count();
        let is_to_join = |call: &Call| {
            conference.consultation == Some(call.id)
                && !over(call.state)
                && call.member_of.is_none()
        };
        members == MEMBERS || members == 1 && self.calls.iter().any(is_to_join)
    }

    /// The conference that a call is a member of, as long as there is one that TAPI knows.
    fn conference_of(&self, index: usize) -> Option<CallId> {
        let parent = self.calls[index].member_of?;
        let parent = &self.calls[self.index_of(parent)?];
        (parent.is_live() && parent.is_visible()).then_some(parent.id)
    }

    fn become_member(&mut self, at: Millis, index: usize, conference: CallId, out: &mut Effects) {
        self.calls[index].member_of = Some(conference);
        self.enter(at, index, conferenced(conference), out);
    }
}

/// Whether the PBX has a call connected, however it is shown.
fn talks(call: &Call) -> bool {
    matches!(reading(call.pbx, call.circumstances()), Some((CallState::Connected, _)))
}

/// How a call is shown that was a member and is none any more. One whose far end was given to
/// somebody who has not answered yet stays CONNECTED, like every call that has been.
fn left_alone(target: StateAndMode) -> StateAndMode {
    match way(CallState::Conferenced, target.0) {
        Way::Stay => (CallState::Connected, connected_mode::ACTIVE),
        Way::Direct | Way::Through(_) => target,
    }
}

/// The mode of a member names its conference; the library makes the server's handle of it.
fn conferenced(conference: CallId) -> StateAndMode {
    (CallState::Conferenced, conference.serial)
}
