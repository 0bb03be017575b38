//! What proves a request, what refutes it, and what its deadline means: one table. `rule.rs` has its
//! words for those who explain a log.
//!
//! | request | proved by | refuted by | when the deadline passes |
//! |---|---|---|---|
//! | make a call | the PBX names its leg, and holds what it talks on or goes on | no leg | done if a leg was named, else failed |
//! | answer | CONNECTED | the call ends | done if the PBX has it connected, else failed |
//! | drop | IDLE | – | done: the call becomes IDLE |
//! | hold | held in any way | the call ends | failed |
//! | unhold | CONNECTED | the call ends | done if the PBX has it connected, else failed |
//! | swap | the one held, the other CONNECTED | one of them ends | done if the PBX has them so, else failed |
//! | set up a transfer | leg named, and the call held, over, or taken back | no leg | done if a leg was named, else failed |
//! | complete a transfer | both IDLE, not both hung up | one is hung up, and the other does not follow at once | failed |
//! | complete it as a conference | both connected | one of them ends | the other facility, then failed |
//! | send away | the PBX says yes, and IDLE | the PBX says no | failed |
//! | set up a conference | leg named, and the call held or over | no leg | done if a leg was named, else failed |
//! | add to a conference | both members connected | one of them ends | the other facility, then failed |
//! | park | IDLE, the PBX having said yes | any other end | done if the PBX says yes, else failed |
//! | digits, user-user information | the PBX says yes | the call ends | failed |
//! | pick up | leg named, and its first event | no leg, or its end | failed |
//! | forward | the user's record, read again, says so | a step is refused, or the record says otherwise three times | failed, and undone |
//!
//! What the PBX answers to any other void operation proves nothing; that it could not be asked
//! refutes all but a drop. If it was asked and only its answer is lost, it may have obeyed, and
//! what it reports decides.

use super::{HungUp, Kind, Pending};
use crate::call::{PbxState, StateAndMode, reading};
use crate::effect::Effects;
use crate::fact::Completion;
use crate::id::{CallId, Ticket};
use crate::line::Line;
use crate::line::call::Standing;
use crate::tapi::{CallState, LineErr};
use crate::time::Millis;

impl Kind {
    /// How long the proof may take; `proof_ms` is the setting.
    pub(super) fn deadline_ms(&self, proof_ms: u32) -> u64 {
        let proof_ms = u64::from(proof_ms);
        match self {
            // The PBX may call the user's own phone before it answers.
            Kind::MakeCall | Kind::SetupTransfer { .. } | Kind::SetupConference { .. } => {
                2 * proof_ms
            }
            _ => proof_ms,
        }
    }
}

impl Line {
    /// What the states of the calls say about a request; `None` as long as they say nothing.
    fn judge(&self, pending: &Pending) -> Option<Completion> {
        let gone = Err(LineErr::InvalCallState);
        let state = self.state_of(pending.call);
        match pending.kind {
            Kind::MakeCall => {
                (pending.taken && !self.waits_for_hold(pending.call)).then_some(Ok(()))
            }
            Kind::FindStation | Kind::Joined => None,
            Kind::Errand(_) | Kind::FindPlace => over(state).then_some(gone),
            Kind::Park => {
                let parked = pending.taken
                    || self.index_of(pending.call).is_some_and(|index| self.was_parked(index));
                let proved = parked && state == CallState::Idle;
                over(state).then_some(if proved { Ok(()) } else { gone })
            }
            Kind::Answer => match state {
                CallState::Connected | CallState::OnHold => Some(Ok(())),
                _ => over(state).then_some(gone),
            },
            Kind::Drop => (state == CallState::Idle).then_some(Ok(())),
            Kind::Hold if is_held(state) => Some(Ok(())),
            Kind::Unhold if state == CallState::Connected => Some(Ok(())),
            Kind::Hold | Kind::Unhold => over(state).then_some(gone),
            Kind::SwapHold { held } => match (state, self.state_of(held)) {
                (active, CallState::Connected) if is_held(active) => Some(Ok(())),
                (active, held) => (over(active) || over(held)).then_some(gone),
            },
            Kind::SetupTransfer { consultation } => {
                let waits = !is_held(state) && !over(state) && !self.is_leaving(consultation);
                (pending.taken && !waits).then_some(Ok(()))
            }
            Kind::SetupConference { .. } => (pending.taken
                && (self.is_held_at_the_pbx(pending.call) || over(state)))
            .then_some(Ok(())),
            Kind::Confer { consultation, .. } => {
                if over(state) || over(self.state_of(consultation)) {
                    return Some(gone);
                }
                if self.identity.single_active_call {
                    // The setting came meanwhile, and with it there are no conferences.
                    return Some(Err(LineErr::OperationUnavail));
                }
                self.talk_together(pending.call, consultation).then_some(Ok(()))
            }
            Kind::AddToConference { consultation } => {
                if over(state) || over(self.state_of(consultation)) {
                    return Some(gone);
                }
                self.is_joined(pending.call, consultation).then_some(Ok(()))
            }
            Kind::CompleteTransfer { hung_up: HungUp::Both, .. } => Some(gone),
            Kind::CompleteTransfer { consultation, .. } => {
                let both = (state, self.state_of(consultation));
                (both == (CallState::Idle, CallState::Idle)).then_some(Ok(()))
            }
            Kind::SendAway => (pending.taken && state == CallState::Idle).then_some(Ok(())),
            Kind::Pickup => self
                .first_event_of(pending)
                .then(|| if over(state) { Err(LineErr::OperationFailed) } else { Ok(()) }),
        }
    }

    /// Completes what the present states prove: state first, completion second (O-5).
    pub(in crate::line) fn settle(&mut self, at: Millis, out: &mut Effects) {
        while let Some((position, result)) = self.next_verdict() {
            let pending = self.requests[position].clone();
            if let (Kind::SwapHold { held }, Ok(())) = (&pending.kind, result) {
                self.swapped(pending.call, *held);
            }
            if let (Kind::AddToConference { consultation }, Ok(())) = (&pending.kind, result) {
                // States first, completion second (O-5). The request must not be judged again
                // while they are entered.
                self.requests[position].kind = Kind::Joined;
                self.joined(at, pending.call, *consultation, out);
            }
            if let (Kind::Confer { conference, .. }, Ok(())) = (&pending.kind, result) {
                self.conference_begins_joined(*conference);
            }
            let Some(position) = self.position_of(pending.ticket) else { continue };
            self.finish(position, result, out);
            self.made_or_not(at, &pending, result, out);
        }
        self.show_connected(at, out);
    }

    /// What a request made is told of from now on, or never: not where the host has had another
    /// completion, because it closed the call for which it was made.
    fn made_or_not(
        &mut self,
        at: Millis,
        pending: &Pending,
        result: Completion,
        out: &mut Effects,
    ) {
        let is_made = result.is_ok() && !pending.completed;
        if let Kind::SetupConference { conference, .. } = pending.kind {
            if is_made {
                self.conference_begun(at, pending.call, conference, out);
            } else {
                self.abandon(conference);
                self.show_as_it_is(at, pending.call, out);
            }
        }
        match pending.made() {
            Some(made) if is_made => self.announce_made(at, made, out),
            Some(made) => self.abandon(made),
            None => {}
        }
        if let Kind::Confer { consultation, conference } = pending.kind {
            if is_made {
                self.both_joined(at, [pending.call, consultation], conference, out);
            } else {
                self.show_as_it_is(at, pending.call, out);
                self.show_as_it_is(at, consultation, out);
            }
        }
    }

    /// Shows a call as the PBX has it, now that no request wants it shown otherwise.
    pub(super) fn show_as_it_is(&mut self, at: Millis, call: CallId, out: &mut Effects) {
        if let Some(index) = self.index_of(call).filter(|index| self.calls[*index].leg.is_some())
            && let Some(target) = self.reads_as(index).and_then(|target| self.shown(index, target))
        {
            self.enter(at, index, target, out);
        }
    }

    fn next_verdict(&self) -> Option<(usize, Completion)> {
        self.requests
            .iter()
            .enumerate()
            .find_map(|(position, pending)| Some((position, self.judge(pending)?)))
    }

    /// A call that came to nothing before it could be told of. It is forgotten with its leg.
    pub(super) fn abandon(&mut self, made: CallId) {
        if let Some(index) = self.index_of(made)
            && self.calls[index].standing == Standing::Pending
        {
            self.calls[index].standing = Standing::Closed;
        }
    }

    pub(in crate::line) fn deadline(&mut self, at: Millis, ticket: Ticket, out: &mut Effects) {
        let Some(position) = self.position_of(ticket) else { return };
        let pending = self.requests[position].clone();
        match pending.kind {
            Kind::Drop => self.drop_anyway(at, position, out),
            Kind::Park => self.park_overdue(at, position, out),
            Kind::AddToConference { .. } | Kind::Confer { .. } => {
                self.join_overdue(at, position, out);
            }
            Kind::CompleteTransfer { hung_up: HungUp::One(_), .. } => {
                self.fail(at, position, LineErr::InvalCallState, out);
            }
            Kind::MakeCall | Kind::SetupTransfer { .. } | Kind::SetupConference { .. }
                if pending.taken =>
            {
                self.finish(position, Ok(()), out);
                self.made_or_not(at, &pending, Ok(()), out);
            }
            _ => {
                // What the PBX shows is what there is, whatever else is connected.
                self.requests[position].overdue = true;
                self.show_connected(at, out);
                if let Some(position) = self.position_of(ticket) {
                    self.fail(at, position, LineErr::OperationFailed, out);
                }
            }
        }
    }

    /// What of a call's reading may be shown now.
    pub(in crate::line) fn shown(
        &self,
        index: usize,
        target: StateAndMode,
    ) -> Option<StateAndMode> {
        match target.0 {
            CallState::OnHold | CallState::Connected if self.as_member(index).is_some() => {
                self.as_member(index)
            }
            // It becomes a member, not a call on hold.
            CallState::OnHold if self.begins_a_conference(index) => None,
            // Nor one that talks by itself.
            CallState::Connected if self.joins_a_conference(index) => None,
            CallState::OnHold if self.waits_for_transfer(index) => {
                Some((CallState::OnHoldPendTransfer, 0))
            }
            CallState::Connected if self.waits_to_connect(index) => None,
            _ => Some(target),
        }
    }

    /// Whether a call that a request connects must wait, so that a line never shows two calls as
    /// CONNECTED on the way from one to the other.
    pub(in crate::line) fn waits_to_connect(&self, index: usize) -> bool {
        let call = &self.calls[index];
        let asked = self
            .requests
            .iter()
            .any(|pending| connects(pending) == Some(call.id) && !pending.overdue);
        asked
            && call.state != CallState::Connected
            && self.calls.iter().any(|other| {
                other.id != call.id && other.is_visible() && other.state == CallState::Connected
            })
    }

    /// Shows as CONNECTED what waited for another call to go on hold.
    fn show_connected(&mut self, at: Millis, out: &mut Effects) {
        let next = self
            .requests
            .iter()
            .filter_map(|pending| self.index_of(connects(pending)?))
            .find(|index| self.is_hidden(*index) && !self.waits_to_connect(*index));
        if let Some(index) = next
            && let Some(target) = self.reads_as(index)
        {
            self.enter(at, index, target, out);
        }
    }

    /// Whether an application wants a call back, or answered.
    pub(in crate::line) fn is_asked_to_connect(&self, call: CallId) -> bool {
        self.requests.iter().any(|pending| connects(pending) == Some(call))
    }

    fn begins_a_conference(&self, index: usize) -> bool {
        let id = self.calls[index].id;
        let begins = |pending: &Pending| matches!(pending.kind, Kind::SetupConference { .. });
        self.requests.iter().any(|pending| pending.call == id && begins(pending))
    }

    fn joins_a_conference(&self, index: usize) -> bool {
        let id = self.calls[index].id;
        let joins = |pending: &Pending| matches!(pending.kind, Kind::Confer { .. });
        self.requests.iter().any(|pending| joins(pending) && pending.concerns(id))
    }

    pub(super) fn is_held_at_the_pbx(&self, call: CallId) -> bool {
        self.index_of(call).is_some_and(|index| self.calls[index].pbx.is_held())
    }

    fn is_hidden(&self, index: usize) -> bool {
        let call = &self.calls[index];
        call.is_live()
            && call.leg.is_some()
            && call.state != CallState::Connected
            // A member is shown for itself when its conference is over.
            && self.as_member(index).is_none()
            && matches!(self.reads_as(index), Some((CallState::Connected, _)))
    }

    /// How the PBX has a call now.
    pub(in crate::line) fn reads_as(&self, index: usize) -> Option<StateAndMode> {
        reading(self.calls[index].pbx, self.calls[index].circumstances())
    }

    fn state_of(&self, call: CallId) -> CallState {
        self.index_of(call).map_or(CallState::Idle, |index| self.calls[index].state)
    }

    fn is_leaving(&self, call: CallId) -> bool {
        self.index_of(call).is_some_and(|index| self.calls[index].leaving)
    }

    fn first_event_of(&self, pending: &Pending) -> bool {
        pending.taken
            && self
                .index_of(pending.call)
                .is_none_or(|index| self.calls[index].pbx != PbxState::new(0))
    }
}

/// The call that a request is to make CONNECTED.
fn connects(pending: &Pending) -> Option<CallId> {
    match pending.kind {
        Kind::Answer | Kind::Unhold => Some(pending.call),
        Kind::SwapHold { held } => Some(held),
        _ => None,
    }
}

fn is_held(state: CallState) -> bool {
    state.counts_as_held() || state.counts_as_hold_pending()
}

pub(super) fn over(state: CallState) -> bool {
    matches!(state, CallState::Disconnected | CallState::Idle)
}
