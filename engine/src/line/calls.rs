//! How events of legs become calls of a line, and calls go through their states.

use super::blind::Known;
use super::call::{Call, Change, Standing};
use super::request::Departure;
use super::{Line, MAX_CALLS, MAX_EARLY, RING_MS};
use crate::call::{self as table, Phase, StateAndMode, Way};
use crate::effect::{Effect, Effects, Limit, Notice, Report, Surprise};
use crate::fact::{CallInfo, Msg};
use crate::id::{CallId, Link};
use crate::pbx::CallClue;
use crate::tapi::{CallState, line_dev_state};
use crate::time::{Millis, Timer};

impl Line {
    pub(super) fn call_event(
        &mut self,
        at: Millis,
        link: Link,
        info: CallInfo,
        clue: CallClue,
        out: &mut Effects,
    ) {
        if self.monitor.is_none_or(|monitor| monitor.link != link) {
            return;
        }
        let handle = info.handle();
        if let Some(index) = self.calls.iter().position(|call| call.leg == Some(handle)) {
            if self.calls[index].goes_on_after_all(at, &info) {
                self.calls[index].leg = None;
                return self.begin_call(at, info, clue, out);
            }
            return self.leg_event(at, index, info, clue, out);
        }
        if let Some(index) = self.calls.iter().position(|call| call.forks.contains(&handle)) {
            return self.fork_event(at, index, info, clue, out);
        }
        if self.awaits_leg() {
            // It may be the call that the PBX is about to name in its answer to UserCall, and be
            // over before that comes.
            if self.early.len() >= MAX_EARLY {
                out.push(Effect::Report(Report::LimitReached(Limit::EarlyEvents)));
                self.give_up_legs(at, out);
            }
            self.early.push((link, info, clue));
            return;
        }
        if !info.active || info.msg == Msg::Del {
            return;
        }
        if let Some(index) = self.orphan_of(&info) {
            self.calls[index].orphaned = false;
            self.calls[index].leg = Some(handle);
            self.clear_at_last(index, out);
            let (id, known) = (self.calls[index].id, Known::of(&self.calls[index]));
            self.leg_event(at, index, info, clue, out);
            if let Some(index) = self.index_of(id) {
                self.seen_again(index, &known);
            }
            return;
        }
        if let Some(index) = self.offering_twin_of(&info) {
            self.calls[index].forks.push(handle);
            return;
        }
        self.begin_call(at, info, clue, out);
    }

    /// A call of before the session was lost that this event continues. A leg that is not answered
    /// is none that had been connected: the call came back to this user by another one. Of one who
    /// calls himself there are two with the same GUID, one in each direction, which never changes; a
    /// call that was made and of whose leg nothing was heard may have one in either.
    fn orphan_of(&self, info: &CallInfo) -> Option<usize> {
        let state = table::PbxState::new(info.state);
        let begins = is_before_answer(state);
        let continued = |call: &Call| {
            let was_heard = call.pbx != table::PbxState::new(0);
            let is_same_way = call.pbx.is_incoming() == state.is_incoming();
            call.orphaned
                && !info.conf.is_nil()
                && call.conf == info.conf
                && !(begins && call.was_connected)
                && (is_same_way || !was_heard)
        };
        self.calls.iter().position(continued)
    }

    /// A user with several devices has one leg on each for the same incoming call. They are one
    /// call to TAPI, as long as nobody has answered.
    fn offering_twin_of(&self, info: &CallInfo) -> Option<usize> {
        let rings = is_ringing(table::PbxState::new(info.state));
        self.calls.iter().position(|call| {
            rings
                && !info.conf.is_nil()
                && call.conf == info.conf
                && call.leg.is_some()
                && call.state == CallState::Offering
                // One that was answered may still be shown as offered.
                && is_ringing(call.pbx)
                && call.forks.len() < MAX_CALLS
        })
    }

    fn begin_call(&mut self, at: Millis, info: CallInfo, clue: CallClue, out: &mut Effects) {
        if !self.make_room(out) {
            return;
        }
        self.born += 1;
        self.begun_unseen();
        let id = CallId { line: self.id(), serial: self.born };
        let mut call = Call::reported(id, &info, at);
        let change = call.take(info, clue, self.identity.is_uui_encoded);
        let target = change.reading.unwrap_or((call.state, call.mode));
        let target = self.beside_others(None, target);
        if table::may_begin(call.outgoing, target.0) {
            (call.state, call.mode) = target;
        }
        self.calls.push(call);
        let index = self.calls.len() - 1;
        if self.open.is_some() {
            self.announce_call(index, out);
        }
        self.enter(at, index, target, out);
    }

    /// A leg goes on whose call applications take for over: it is another call from now on.
    pub(super) fn begin_as_another(
        &mut self,
        at: Millis,
        index: usize,
        target: StateAndMode,
        out: &mut Effects,
    ) {
        self.born += 1;
        let id = CallId { line: self.id(), serial: self.born };
        let mut call = self.calls[index].as_another(id, at);
        (call.state, call.mode) = self.beside_others(None, target);
        if !self.make_room(out) {
            return;
        }
        self.calls.push(call);
        if self.open.is_some() {
            self.announce_call(self.calls.len() - 1, out);
        }
    }

    /// Makes room for one more call; idle ones that the host forgot to close go first.
    pub(super) fn make_room(&mut self, out: &mut Effects) -> bool {
        if self.calls.len() < MAX_CALLS {
            return true;
        }
        out.push(Effect::Report(Report::LimitReached(Limit::Calls)));
        match self.calls.iter().position(|call| !call.is_live()) {
            Some(index) => {
                self.calls.remove(index);
                true
            }
            None => false,
        }
    }

    /// The same for another one beside it.
    pub(super) fn make_room_for_one_more(&mut self, out: &mut Effects) -> bool {
        if self.calls.len() + 1 < MAX_CALLS {
            return true;
        }
        match self.calls.iter().position(|call| !call.is_live()) {
            Some(index) => {
                self.calls.remove(index);
                true
            }
            None => {
                out.push(Effect::Report(Report::LimitReached(Limit::Calls)));
                false
            }
        }
    }

    pub(super) fn announce_call(&mut self, index: usize, out: &mut Effects) {
        self.calls[index].standing = Standing::Announced;
        self.tell(Notice::NewCall(self.calls[index].id), out);
        self.tell_state(index, out);
    }

    fn leg_event(
        &mut self,
        at: Millis,
        index: usize,
        info: CallInfo,
        clue: CallClue,
        out: &mut Effects,
    ) {
        let call = &mut self.calls[index];
        let Change { info: bits, reading, ended } =
            call.take(info, clue, self.identity.is_uui_encoded);
        if !call.is_live() {
            if ended.is_some() {
                call.leg = None;
                self.forget_ended();
            }
            return;
        }
        let over = ended.is_some() || call.pbx.is_cleared();
        let others_ring = over && !call.was_connected && !call.forks.is_empty();
        self.tell_info(index, bits, out);
        if others_ring {
            // This device gave up; the others still ring.
            let call = &mut self.calls[index];
            call.leg = Some(call.forks.remove(0));
            call.cause = None;
            return;
        }
        if over {
            self.leave(at, index, ended, reading, out);
        } else if let Some(target) = reading.and_then(|target| self.shown(index, target)) {
            self.enter(at, index, target, out);
        }
        self.settle(at, out);
        self.forget_ended();
    }

    /// The leg of a call is over.
    fn leave(
        &mut self,
        at: Millis,
        index: usize,
        ended: Option<u32>,
        reading: Option<StateAndMode>,
        out: &mut Effects,
    ) {
        let departure = self.departure(index);
        self.hung_up(at, index, out);
        if ended.is_some() {
            self.calls[index].leg = None;
        }
        match (departure, ended, reading) {
            (Departure::Both(ticket, pair), ..) => self.both_left(at, ticket, pair, out),
            (Departure::Quiet, ..) => self.enter(at, index, (CallState::Idle, 0), out),
            (Departure::Told, Some(mode), _) => self.end_call(at, index, mode, out),
            (Departure::Told, None, Some(target)) => self.enter(at, index, target, out),
            (Departure::Told, None, None) => {}
        }
    }

    fn fork_event(
        &mut self,
        at: Millis,
        index: usize,
        info: CallInfo,
        clue: CallClue,
        out: &mut Effects,
    ) {
        let handle = info.handle();
        let state = table::PbxState::new(info.state);
        let call = &mut self.calls[index];
        if !info.active || info.msg == Msg::Del || state.is_cleared() {
            call.forks.retain(|fork| *fork != handle);
        } else if matches!(state.phase(), Phase::Connect | Phase::Parked) {
            call.forks.retain(|fork| *fork != handle);
            if call.is_live() && call.pbx.phase() == Phase::Connect {
                // One device answers, and the others give up. Two legs that are answered are two
                // calls: somebody was sent his own call, and both of its ends rang.
                return self.begin_call(at, info, clue, out);
            }
            // Answered on this device: it carries the call from now on.
            call.forks.extend(call.leg.replace(handle));
            self.leg_event(at, index, info, clue, out);
        }
    }

    /// DISCONNECTED with its mode if the call is not there yet, then IDLE (I-04).
    pub(super) fn end_call(&mut self, at: Millis, index: usize, mode: u32, out: &mut Effects) {
        if self.calls[index].is_live() {
            self.enter(at, index, (CallState::Disconnected, mode), out);
            self.enter(at, index, (CallState::Idle, 0), out);
        }
    }

    /// Brings a call into a state by a legal way (I-03), then settles requests that this proves.
    pub(super) fn enter(
        &mut self,
        at: Millis,
        index: usize,
        target: StateAndMode,
        out: &mut Effects,
    ) {
        let from = self.calls[index].state;
        let target = self.beside_others(Some(index), target);
        match table::way(from, target.0) {
            Way::Direct => {}
            Way::Stay if from == target.0 => return,
            Way::Stay => {
                let surprise = Surprise::IllegalTransition(from, target.0);
                return out.push(Effect::Report(Report::Surprise(surprise)));
            }
            Way::Through(passed) => {
                // No event says that digits are being dialled: a call that goes on from its dial
                // tone has been through that.
                if from != CallState::DialTone {
                    let surprise = Surprise::IllegalTransition(from, target.0);
                    out.push(Effect::Report(Report::Surprise(surprise)));
                }
                for state in passed.into_iter().flatten() {
                    self.set_state(at, index, (state, table::passing_mode(state)), out);
                }
            }
        }
        if target.0 == CallState::Idle {
            self.cancel_digits(self.calls[index].id, out);
        }
        self.set_state(at, index, target, out);
        self.settle(at, out);
    }

    fn set_state(&mut self, at: Millis, index: usize, target: StateAndMode, out: &mut Effects) {
        if target.0 == CallState::Connected {
            // First those that stop being active, then the one that becomes it. There is more than
            // one only when the setting has just been switched on.
            while let Some(other) = self.in_the_way_of(index) {
                self.set_state(at, other, (CallState::OnHold, 0), out);
            }
        }
        let call = &mut self.calls[index];
        if (call.state, call.mode) == target {
            return;
        }
        (call.state, call.mode) = target;
        call.since = at;
        self.tell_state(index, out);
    }

    /// Calls that the host knows and that ring.
    pub(super) fn offered(&self) -> impl Iterator<Item = CallId> {
        let rings = |call: &&Call| call.is_visible() && call.state == CallState::Offering;
        self.calls.iter().filter(rings).map(|call| call.id)
    }

    /// Lets the line ring for calls that did not before: after what is told of the address (O-7).
    pub(super) fn begin_ringing(&self, at: Millis, before: &[CallId], out: &mut Effects) {
        for call in self.offered() {
            if !before.contains(&call) {
                self.ring(at, call, 0, out);
            }
        }
    }

    pub(super) fn ring(&self, at: Millis, id: CallId, count: u32, out: &mut Effects) {
        if self.open.is_some() && self.offered().any(|call| call == id) {
            self.tell_line(line_dev_state::RINGING, 1, count, out);
            out.push(Effect::Wake(at + RING_MS, Timer::Ring(id, count + 1)));
        }
    }

    /// Drops what neither the host nor the PBX knows any more.
    pub(super) fn forget_ended(&mut self) {
        self.forget_consultations();
        self.calls.retain(|call| {
            let needed_by_pbx = call.leg.is_some() || call.orphaned;
            let asked_for = || self.requests.iter().any(|pending| pending.concerns(call.id));
            match call.standing {
                Standing::Announced | Standing::Refused | Standing::Pending => true,
                Standing::Unannounced if call.is_live() => needed_by_pbx || asked_for(),
                Standing::Unannounced => call.leg.is_some() && !call.pbx.is_cleared(),
                Standing::Closed => needed_by_pbx || asked_for(),
            }
        });
    }
}

/// Whether a leg is offered to this user and not answered.
fn is_ringing(state: table::PbxState) -> bool {
    state.is_incoming() && is_before_answer(state)
}

/// Whether nobody has answered yet at the other end of a leg, or at this one.
fn is_before_answer(state: table::PbxState) -> bool {
    matches!(state.phase(), Phase::Setup | Phase::Overlap | Phase::Proceeding | Phase::Alert)
}
