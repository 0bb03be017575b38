//! One line: its identity, its link to the PBX, its calls, and the requests under way on it.
//!
//! A line's state depends on the inputs routed to it, in their order, and on nothing else
//! (invariant I-14: facts of different lines commute).

mod call;
mod request;

use self::call::{Call, Change, Standing};
use self::request::{Kind, MAKE_CALL_DEADLINE_MS, PROOF_DEADLINE_MS, Pending};
use crate::call::{self as table, Phase, StateAndMode, Way};
use crate::effect::{
    Address, Ask, Effect, Effects, Limit, Notice, Report, Request, Surprise, Telling, What,
};
use crate::fact::{CallInfo, Command, Completion, HostFact, Msg, Reply};
use crate::id::{Attempt, CallHandle, CallId, LineId, Opening, PbxId, RequestId, UserHandle};
use crate::tapi::{
    CallState, LineErr, address_state, call_info_state, disconnect_mode, line_dev_state,
};
use crate::time::{Millis, Timer};
use crate::view::{CallCard, Counts, Identity, LineView};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most calls kept on one line, idle ones that the host has not closed included (I-24).
pub const MAX_CALLS: usize = 64;
/// Most requests of applications under way on one line (I-24).
pub const MAX_REQUESTS: usize = 64;
/// Most events kept back while the PBX owes us the handle of a call we asked for (I-24).
pub const MAX_EARLY: usize = 64;
/// Time between two rings of an alerting call. The PBX does not report cadences.
pub const RING_MS: u64 = 5_000;
/// How long calls outlive the loss of their PBX session before they are ended (I-17).
pub const GRACE_MS: u64 = 15_000;
/// How long to wait before offering a call again that the host refused with LINE_NEWCALL.
pub const NEW_CALL_AGAIN_MS: u64 = 500;

/// What can happen to a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineInput {
    /// A session of the telephony server begins.
    Started,
    /// Name, number or PBX changed.
    Identity(Arc<Identity>),
    /// Its PBX reported the user; whether a device is registered.
    Seen {
        /// A device is registered.
        registered: bool,
    },
    /// The PBX reports calls of the user from now on.
    Monitored {
        /// Which PBX.
        pbx: PbxId,
        /// In which attempt.
        attempt: Attempt,
        /// At which of its addresses.
        address: Address,
        /// The PBX's handle for the user.
        user: UserHandle,
    },
    /// The session of that attempt is lost.
    LinkLost(Attempt),
    /// After that attempt's session began, all running calls have been reported.
    Settled(Attempt),
    /// The user was deleted or left the scope.
    Removed,
    /// A call event of that attempt, with the DWORD that stands for its conf GUID.
    Call(Attempt, CallInfo, u32),
    /// From the telephony server.
    Host(HostFact),
    /// A request of an application.
    Command(Opening, RequestId, Command),
    /// The PBX's answer to what was asked for a request.
    Reply(RequestId, Reply),
    /// A timer.
    Due(Timer),
}

/// The state of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    identity: Arc<Identity>,
    monitor: Option<Monitor>,
    connected: bool,
    registered: bool,
    removed: bool,
    open: Option<Open>,
    born: u32,
    calls: Vec<Call>,
    requests: Vec<Pending>,
    early: Vec<(Attempt, CallInfo, u32)>,
}

/// Where to ask about this line's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Monitor {
    pbx: PbxId,
    attempt: Attempt,
    address: Address,
    user: UserHandle,
}

/// What the host wants to hear while it has the line open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    opening: Opening,
    version: u32,
    line_states: u32,
    address_states: u32,
}

/// What status messages are made from: compared before and after each input.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Status {
    connected: bool,
    in_service: bool,
    counts: Counts,
}

impl Line {
    /// A line that nobody has heard of before.
    #[must_use]
    pub fn new(identity: Arc<Identity>) -> Line {
        Line {
            identity,
            monitor: None,
            connected: false,
            registered: false,
            removed: false,
            open: None,
            born: 0,
            calls: Vec::new(),
            requests: Vec::new(),
            early: Vec::new(),
        }
    }

    /// Tells the telephony server that the line exists.
    pub fn announce(&self, out: &mut Effects) {
        out.push(Effect::Tell(Telling {
            line: self.identity.line,
            opening: Opening(0),
            what: What::Notice(Notice::LineCreated),
        }));
    }

    /// Its permanent id.
    #[must_use]
    pub fn id(&self) -> LineId {
        self.identity.line
    }

    /// Takes one input. Total: surprises are handled, counted and reported.
    pub fn apply(&mut self, at: Millis, input: LineInput, out: &mut Effects) {
        let before = self.status();
        match input {
            LineInput::Started => self.started(),
            LineInput::Identity(identity) => self.identified(identity, out),
            LineInput::Seen { registered } => self.seen(registered, out),
            LineInput::Monitored { pbx, attempt, address, user } => {
                self.monitor = Some(Monitor { pbx, attempt, address, user });
            }
            LineInput::LinkLost(attempt) => self.link_lost(attempt, at, out),
            LineInput::Settled(attempt) => self.settled(attempt, at, out),
            LineInput::Removed => self.removed(at, out),
            LineInput::Call(attempt, info, call_id) => {
                self.call_event(at, attempt, info, call_id, out);
            }
            LineInput::Host(fact) => self.host(at, fact, out),
            LineInput::Command(opening, id, command) => {
                self.command(at, opening, id, command, out);
            }
            LineInput::Reply(id, reply) => self.reply(at, id, reply, out),
            LineInput::Due(timer) => self.due(at, timer, out),
        }
        self.report_status(before, out);
    }

    /// What applications may read now.
    #[must_use]
    pub fn view(&self) -> LineView {
        let in_service = self.in_service();
        LineView {
            identity: Arc::clone(&self.identity),
            connected: self.connected,
            in_service,
            removed: self.removed,
            ringing: self
                .calls
                .iter()
                .any(|call| call.is_visible() && call.state == CallState::Offering),
            calls: self
                .calls
                .iter()
                .filter(|call| call.is_visible())
                .map(|call| Arc::new(call.view(in_service)))
                .collect(),
        }
    }

    fn in_service(&self) -> bool {
        self.connected && self.registered && self.monitor.is_some() && !self.removed
    }
}

// ---- the line as a whole ------------------------------------------------------------------

impl Line {
    /// Handles, requests and PBX sessions do not outlive the telephony server's session.
    fn started(&mut self) {
        self.monitor = None;
        self.connected = false;
        self.registered = false;
        self.open = None;
        self.calls = Vec::new();
        self.requests = Vec::new();
        self.early = Vec::new();
    }

    fn identified(&mut self, identity: Arc<Identity>, out: &mut Effects) {
        if *self.identity == *identity {
            return;
        }
        let renumbered = self.identity.number != identity.number;
        self.identity = identity;
        if renumbered {
            self.tell_address(address_state::CAPSCHANGE, out);
        }
        self.tell_line(line_dev_state::CAPSCHANGE, 0, 0, out);
    }

    fn seen(&mut self, registered: bool, out: &mut Effects) {
        if self.removed {
            self.removed = false;
            self.announce(out);
        }
        self.connected = true;
        self.registered = registered;
    }

    fn link_lost(&mut self, attempt: Attempt, at: Millis, out: &mut Effects) {
        self.connected = false;
        if self.monitor.is_some_and(|monitor| monitor.attempt != attempt) {
            return;
        }
        self.monitor = None;
        self.early.clear();
        self.fail_requests(out);
        let mut any = false;
        for call in &mut self.calls {
            call.leg = None;
            call.forks.clear();
            call.orphaned = call.is_live();
            any |= call.orphaned;
        }
        self.calls.retain(|call| call.is_visible() || call.is_live());
        if any {
            out.push(Effect::Wake(at + GRACE_MS, Timer::Grace(self.id(), attempt.0)));
        }
    }

    /// The PBX has reported what is left: a call that it did not report is over (I-17).
    fn settled(&mut self, attempt: Attempt, at: Millis, out: &mut Effects) {
        if self.monitor.is_some_and(|monitor| monitor.attempt == attempt) {
            if self.calls.iter().any(|call| call.orphaned) {
                out.push(Effect::Report(Report::Surprise(Surprise::Zombie)));
            }
            self.end_orphans(at, disconnect_mode::UNKNOWN, out);
        }
    }

    fn end_orphans(&mut self, at: Millis, mode: u32, out: &mut Effects) {
        for index in 0..self.calls.len() {
            if self.calls[index].orphaned {
                self.calls[index].orphaned = false;
                self.end_call(at, index, mode, out);
            }
        }
        self.forget_ended();
    }

    /// Calls first, then the line (I-12).
    fn removed(&mut self, at: Millis, out: &mut Effects) {
        if self.removed {
            return;
        }
        self.fail_requests(out);
        self.early.clear();
        for index in 0..self.calls.len() {
            self.calls[index].leg = None;
            self.calls[index].orphaned = false;
            self.end_call(at, index, disconnect_mode::UNAVAIL, out);
        }
        self.forget_ended();
        self.monitor = None;
        self.connected = false;
        self.registered = false;
        self.removed = true;
        out.push(Effect::Tell(Telling {
            line: self.id(),
            opening: Opening(0),
            what: What::Notice(Notice::LineRemoved),
        }));
    }

    fn due(&mut self, at: Millis, timer: Timer, out: &mut Effects) {
        match timer {
            Timer::Deadline(_, id) => self.deadline(at, id, out),
            Timer::Ring(call, count) => self.ring(at, call, count, out),
            Timer::Grace(_, attempt) => {
                let back = self.monitor.is_some_and(|monitor| monitor.attempt.0 > attempt);
                // A new session that still reports its calls decides by itself (`settled`).
                if !back {
                    self.end_orphans(at, disconnect_mode::TEMPFAILURE, out);
                }
            }
            Timer::NewCallAgain(call, refusals) => self.new_call_again(call, refusals, out),
            Timer::Reconnect(..) | Timer::PollPause(..) | Timer::Settled(..) => {}
        }
    }
}

// ---- the host -----------------------------------------------------------------------------

impl Line {
    fn host(&mut self, at: Millis, fact: HostFact, out: &mut Effects) {
        match fact {
            HostFact::LineOpened { opening, version, .. } => self.opened(at, opening, version, out),
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
                self.set_card(call, |card| card.media = media, 0, out)
            }
            HostFact::NewCallRefused(call) => self.new_call_refused(at, call, out),
            HostFact::Stopping => self.fail_requests(out),
            HostFact::Started | HostFact::Configured(_) | HostFact::Gap(_) => {}
        }
    }

    fn opened(&mut self, at: Millis, opening: Opening, version: u32, out: &mut Effects) {
        self.open = Some(Open { opening, version, line_states: 0, address_states: 0 });
        for index in 0..self.calls.len() {
            let call = &mut self.calls[index];
            let unknown = matches!(call.standing, Standing::Unannounced | Standing::Closed);
            if unknown && call.is_live() && (call.leg.is_some() || call.orphaned) {
                self.announce_call(at, index, out);
            }
        }
    }

    fn closed(&mut self, opening: Opening, out: &mut Effects) {
        if self.open.is_none_or(|open| open.opening != opening) {
            return;
        }
        self.complete_for_closing(|_| true, out);
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
        self.complete_for_closing(|pending| pending.call == id, out);
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

    fn new_call_again(&mut self, id: CallId, refusals: u32, out: &mut Effects) {
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

// ---- calls --------------------------------------------------------------------------------

impl Line {
    fn call_event(
        &mut self,
        at: Millis,
        attempt: Attempt,
        info: CallInfo,
        call_id: u32,
        out: &mut Effects,
    ) {
        if self.monitor.is_none_or(|monitor| monitor.attempt != attempt) {
            return;
        }
        let handle = info.handle();
        if let Some(index) = self.calls.iter().position(|call| call.leg == Some(handle)) {
            return self.leg_event(at, index, info, call_id, out);
        }
        if let Some(index) = self.calls.iter().position(|call| call.forks.contains(&handle)) {
            return self.fork_event(at, index, info, call_id, out);
        }
        if !info.active || info.msg == Msg::Del {
            return;
        }
        if self.requests.iter().any(|pending| pending.kind == Kind::MakeCall) {
            // It may be the call that the PBX is about to name in its answer to UserCall.
            if self.early.len() < MAX_EARLY {
                self.early.push((attempt, info, call_id));
            } else {
                out.push(Effect::Report(Report::LimitReached(Limit::EarlyEvents)));
            }
            return;
        }
        if let Some(index) = self.orphan_of(&info) {
            self.calls[index].orphaned = false;
            self.calls[index].leg = Some(handle);
            return self.leg_event(at, index, info, call_id, out);
        }
        if let Some(index) = self.offering_twin_of(&info) {
            self.calls[index].forks.push(handle);
            return;
        }
        self.begin_call(at, info, call_id, out);
    }

    /// A call of before the session was lost that this event continues.
    fn orphan_of(&self, info: &CallInfo) -> Option<usize> {
        let outgoing = !table::PbxState::new(info.state).is_incoming();
        self.calls.iter().position(|call| {
            call.orphaned
                && !info.conf.is_nil()
                && call.conf == info.conf
                && (call.outgoing == outgoing || call.dialled.is_some())
        })
    }

    /// A user with several devices has one leg on each for the same incoming call. They are one
    /// call to TAPI, as long as nobody has answered.
    fn offering_twin_of(&self, info: &CallInfo) -> Option<usize> {
        let state = table::PbxState::new(info.state);
        let ringing = state.is_incoming()
            && matches!(
                state.phase(),
                Phase::Setup | Phase::Overlap | Phase::Proceeding | Phase::Alert
            );
        self.calls.iter().position(|call| {
            ringing
                && !info.conf.is_nil()
                && call.conf == info.conf
                && call.leg.is_some()
                && call.state == CallState::Offering
                && call.forks.len() < MAX_CALLS
        })
    }

    fn begin_call(&mut self, at: Millis, info: CallInfo, call_id: u32, out: &mut Effects) {
        if !self.make_room(out) {
            return;
        }
        self.born += 1;
        let id = CallId { line: self.id(), serial: self.born };
        let mut call = Call::reported(id, &info, at);
        let change = call.take(info, call_id);
        let target = change.reading.unwrap_or((call.state, call.mode));
        if table::may_begin(call.outgoing, target.0) {
            (call.state, call.mode) = target;
        }
        self.calls.push(call);
        let index = self.calls.len() - 1;
        if self.open.is_some() {
            self.announce_call(at, index, out);
        }
        self.enter(at, index, target, out);
    }

    /// Makes room for one more call; idle ones that the host forgot to close go first.
    fn make_room(&mut self, out: &mut Effects) -> bool {
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

    fn announce_call(&mut self, at: Millis, index: usize, out: &mut Effects) {
        self.calls[index].standing = Standing::Announced;
        self.tell(Notice::NewCall(self.calls[index].id), out);
        self.tell_state(index, out);
        if self.calls[index].state == CallState::Offering {
            self.ring(at, self.calls[index].id, 0, out);
        }
    }

    fn leg_event(
        &mut self,
        at: Millis,
        index: usize,
        info: CallInfo,
        call_id: u32,
        out: &mut Effects,
    ) {
        let call = &mut self.calls[index];
        let Change { info: bits, reading, ended } = call.take(info, call_id);
        if !call.is_live() {
            if ended.is_some() {
                call.leg = None;
                self.forget_ended();
            }
            return;
        }
        let over = ended.is_some() || call.pbx.is_cleared();
        if over && !call.was_connected && !call.forks.is_empty() {
            // This device gave up; the others still ring.
            call.leg = Some(call.forks.remove(0));
            call.cause = None;
            return;
        }
        self.tell_info(index, bits, out);
        if over && self.is_being_dropped(index) {
            if ended.is_some() {
                self.calls[index].leg = None;
            }
            self.enter(at, index, (CallState::Idle, 0), out);
        } else if let Some(mode) = ended {
            self.calls[index].leg = None;
            self.end_call(at, index, mode, out);
        } else if let Some(target) = reading {
            self.enter(at, index, target, out);
        }
        self.forget_ended();
    }

    fn fork_event(
        &mut self,
        at: Millis,
        index: usize,
        info: CallInfo,
        call_id: u32,
        out: &mut Effects,
    ) {
        let handle = info.handle();
        let state = table::PbxState::new(info.state);
        let call = &mut self.calls[index];
        if !info.active || info.msg == Msg::Del || state.is_cleared() {
            call.forks.retain(|fork| *fork != handle);
        } else if matches!(state.phase(), Phase::Connect | Phase::Parked) {
            // Answered on this device: it carries the call from now on.
            call.forks.retain(|fork| *fork != handle);
            call.forks.extend(call.leg.replace(handle));
            self.leg_event(at, index, info, call_id, out);
        }
    }

    /// DISCONNECTED with its mode if the call is not there yet, then IDLE (I-04).
    fn end_call(&mut self, at: Millis, index: usize, mode: u32, out: &mut Effects) {
        if self.calls[index].is_live() {
            self.enter(at, index, (CallState::Disconnected, mode), out);
            self.enter(at, index, (CallState::Idle, 0), out);
        }
    }

    /// Brings a call into a state by a legal way (I-03), then settles requests that this proves.
    fn enter(&mut self, at: Millis, index: usize, target: StateAndMode, out: &mut Effects) {
        let from = self.calls[index].state;
        match table::way(from, target.0) {
            Way::Direct => {}
            Way::Stay if from == target.0 => return,
            Way::Stay => {
                let surprise = Surprise::IllegalTransition(from, target.0);
                return out.push(Effect::Report(Report::Surprise(surprise)));
            }
            Way::Through(passed) => {
                let surprise = Surprise::IllegalTransition(from, target.0);
                out.push(Effect::Report(Report::Surprise(surprise)));
                for state in passed.into_iter().flatten() {
                    self.set_state(at, index, (state, table::passing_mode(state)), out);
                }
            }
        }
        self.set_state(at, index, target, out);
        self.settle_requests(index, out);
    }

    fn set_state(&mut self, at: Millis, index: usize, target: StateAndMode, out: &mut Effects) {
        let call = &mut self.calls[index];
        if (call.state, call.mode) == target {
            return;
        }
        (call.state, call.mode) = target;
        call.since = at;
        self.tell_state(index, out);
    }

    fn ring(&mut self, at: Millis, id: CallId, count: u32, out: &mut Effects) {
        let rings = self
            .calls
            .iter()
            .any(|call| call.id == id && call.is_visible() && call.state == CallState::Offering);
        if rings && self.open.is_some() {
            self.tell_line(line_dev_state::RINGING, 1, count, out);
            out.push(Effect::Wake(at + RING_MS, Timer::Ring(id, count + 1)));
        }
    }

    /// Drops what neither the host nor the PBX knows any more.
    fn forget_ended(&mut self) {
        self.calls.retain(|call| {
            let needed_by_pbx = call.leg.is_some() || call.orphaned;
            match call.standing {
                Standing::Announced | Standing::Refused | Standing::Pending => true,
                Standing::Unannounced => call.is_live() && needed_by_pbx,
                Standing::Closed => {
                    needed_by_pbx || self.requests.iter().any(|pending| pending.call == call.id)
                }
            }
        });
    }
}

// ---- requests -----------------------------------------------------------------------------

impl Line {
    fn command(
        &mut self,
        at: Millis,
        opening: Opening,
        id: RequestId,
        command: Command,
        out: &mut Effects,
    ) {
        if self.open.is_none_or(|open| open.opening != opening) {
            // The host closed the line meanwhile and has had its completion.
            return;
        }
        if self.requests.len() >= MAX_REQUESTS {
            out.push(Effect::Report(Report::LimitReached(Limit::Requests)));
            return self.complete(id, Err(LineErr::ResourceUnavail), out);
        }
        let call = command.call();
        let result = match command {
            Command::MakeCall { call, number, block_id, country_code, call_param_flags } => {
                let card = CallCard {
                    media: crate::tapi::MEDIA_INTERACTIVE_VOICE,
                    call_param_flags,
                    country_code,
                    ..CallCard::default()
                };
                let made = Call::made(call, number, card, at);
                self.make_call(at, id, made, block_id, out)
            }
            Command::Answer(call) => self.answer(at, id, call, out),
            Command::Drop(call) => self.drop_call(at, id, call, out),
            Command::SetCallParams(call) => self.set_call_params(call).map(Some),
        };
        match result {
            Ok(Some(())) => self.complete(id, Ok(()), out),
            Ok(None) => {}
            Err(error) => {
                // A made call that cannot even be asked for leaves nothing behind.
                self.calls.retain(|made| made.id != call || made.standing != Standing::Pending);
                self.complete(id, Err(error), out);
            }
        }
    }

    /// `Ok(None)`: under way. `Ok(Some(()))`: done.
    fn make_call(
        &mut self,
        at: Millis,
        id: RequestId,
        made: Call,
        block_id: bool,
        out: &mut Effects,
    ) -> Result<Option<()>, LineErr> {
        let monitor = self.monitor.filter(|_| self.in_service()).ok_or(LineErr::InvalLineState)?;
        if !self.make_room(out) {
            return Err(LineErr::CallUnavail);
        }
        let number = made.dialled.clone().unwrap_or_default();
        self.pend(at, id, made.id, Kind::MakeCall, MAKE_CALL_DEADLINE_MS, out);
        self.calls.push(made);
        let (line, request, user) = (self.id(), id, monitor.user);
        ask(monitor, Request::UserCall { line, request, user, e164: number, block_id }, out);
        Ok(None)
    }

    fn answer(
        &mut self,
        at: Millis,
        id: RequestId,
        call: CallId,
        out: &mut Effects,
    ) -> Result<Option<()>, LineErr> {
        let call = self.visible(call)?;
        if !matches!(call.state, CallState::Offering | CallState::Accepted) {
            return Err(LineErr::InvalCallState);
        }
        let (call, leg) = (call.id, call.leg);
        let monitor = self.monitor.ok_or(LineErr::OperationFailed)?;
        let leg = leg.ok_or(LineErr::OperationFailed)?;
        self.pend(at, id, call, Kind::Answer, PROOF_DEADLINE_MS, out);
        ask(monitor, Request::UserConnect { line: self.id(), request: id, call: leg }, out);
        Ok(None)
    }

    fn drop_call(
        &mut self,
        at: Millis,
        id: RequestId,
        call: CallId,
        out: &mut Effects,
    ) -> Result<Option<()>, LineErr> {
        let index = self.visible_index(call)?;
        if !self.calls[index].is_live() {
            // Some applications drop twice and show an error box for a refusal.
            return Ok(Some(()));
        }
        let monitor = self.monitor.ok_or(LineErr::OperationFailed)?;
        let already = self.is_being_dropped(index);
        self.pend(at, id, call, Kind::Drop, PROOF_DEADLINE_MS, out);
        if already {
            return Ok(None);
        }
        let dropped = &self.calls[index];
        let cause =
            if dropped.state == CallState::Offering { CAUSE_REJECTED } else { CAUSE_NORMAL };
        let line = self.id();
        for leg in dropped.leg.into_iter().chain(dropped.forks.iter().copied()) {
            ask(monitor, Request::UserClear { line, request: id, call: leg, cause }, out);
        }
        Ok(None)
    }

    fn set_call_params(&self, call: CallId) -> Result<(), LineErr> {
        match self.visible(call)?.state {
            CallState::Idle | CallState::Disconnected => Err(LineErr::InvalCallState),
            _ => Ok(()),
        }
    }

    fn reply(&mut self, at: Millis, id: RequestId, reply: Reply, out: &mut Effects) {
        let Some(position) = self.requests.iter().position(|pending| pending.id == id) else {
            return;
        };
        let Pending { call, kind, .. } = self.requests[position];
        match (kind, reply) {
            (Kind::MakeCall, Reply::Calling(handle)) if handle.0 != 0 => {
                self.calling(at, position, handle, out);
            }
            (Kind::MakeCall, _) => self.not_calling(at, position, out),
            (Kind::Answer, Reply::Failed(_)) => {
                self.finish(position, Err(LineErr::OperationFailed), out);
            }
            (Kind::Drop, Reply::Failed(_)) => self.drop_anyway(at, call, out),
            (Kind::Drop, _) => {
                // A call that the PBX had cleared before needs no further proof.
                let cleared =
                    self.calls.iter().any(|dropped| dropped.id == call && dropped.pbx.is_cleared());
                if cleared {
                    self.drop_anyway(at, call, out);
                }
            }
            (Kind::Answer, _) => {}
        }
    }

    /// The PBX took the order: completion first, then the first state (O-1, I-05).
    fn calling(&mut self, at: Millis, position: usize, leg: CallHandle, out: &mut Effects) {
        let id = self.requests[position].call;
        self.finish(position, Ok(()), out);
        if let Some(index) = self.calls.iter().position(|call| call.id == id) {
            self.calls[index].leg = Some(leg);
            if self.calls[index].standing == Standing::Pending {
                self.calls[index].standing = Standing::Announced;
                self.calls[index].since = at;
                self.tell_state(index, out);
            }
        }
        self.release_early(at, out);
    }

    fn not_calling(&mut self, at: Millis, position: usize, out: &mut Effects) {
        let id = self.requests[position].call;
        self.calls.retain(|call| call.id != id);
        self.finish(position, Err(LineErr::OperationFailed), out);
        self.release_early(at, out);
    }

    fn release_early(&mut self, at: Millis, out: &mut Effects) {
        if self.requests.iter().any(|pending| pending.kind == Kind::MakeCall) {
            return;
        }
        for (attempt, info, call_id) in std::mem::take(&mut self.early) {
            self.call_event(at, attempt, info, call_id, out);
        }
    }

    fn deadline(&mut self, at: Millis, id: RequestId, out: &mut Effects) {
        let Some(position) = self.requests.iter().position(|pending| pending.id == id) else {
            return;
        };
        let Pending { call, kind, .. } = self.requests[position];
        match kind {
            Kind::MakeCall => self.not_calling(at, position, out),
            Kind::Answer => self.finish(position, Err(LineErr::OperationFailed), out),
            Kind::Drop => self.drop_anyway(at, call, out),
        }
    }

    /// The TAPI call must not hang because the PBX is silent (TSPI: lineDrop).
    fn drop_anyway(&mut self, at: Millis, id: CallId, out: &mut Effects) {
        match self.calls.iter().position(|call| call.id == id && call.is_live()) {
            Some(index) => self.enter(at, index, (CallState::Idle, 0), out),
            None => self.finish_all(|p| p.call == id && p.kind == Kind::Drop, Ok(()), out),
        }
        self.forget_ended();
    }

    /// Completes what the present state of a call proves: state first, completion second (O-5).
    fn settle_requests(&mut self, index: usize, out: &mut Effects) {
        let Call { id, state, .. } = self.calls[index];
        match state {
            CallState::Connected => {
                self.finish_all(|p| p.call == id && p.kind == Kind::Answer, Ok(()), out);
            }
            CallState::Disconnected => {
                let gone = Err(LineErr::InvalCallState);
                self.finish_all(|p| p.call == id && p.kind == Kind::Answer, gone, out);
            }
            CallState::Idle => {
                let gone = Err(LineErr::InvalCallState);
                self.finish_all(|p| p.call == id && p.kind == Kind::Answer, gone, out);
                self.finish_all(|p| p.call == id && p.kind == Kind::Drop, Ok(()), out);
            }
            _ => {}
        }
    }

    /// The PBX is gone or the provider stops: nothing that is under way can be proved any more.
    fn fail_requests(&mut self, out: &mut Effects) {
        self.finish_all(|_| true, Err(LineErr::OperationFailed), out);
        self.calls.retain(|call| call.standing != Standing::Pending);
    }

    /// The host closes something: it gets its completions now, the PBX's answer still matters for
    /// a call that was asked for.
    fn complete_for_closing(&mut self, which: impl Fn(&Pending) -> bool, out: &mut Effects) {
        for position in 0..self.requests.len() {
            if which(&self.requests[position]) && !self.requests[position].completed {
                self.requests[position].completed = true;
                self.complete(self.requests[position].id, Err(LineErr::OperationFailed), out);
            }
        }
        self.requests.retain(|pending| !pending.completed || pending.kind == Kind::MakeCall);
    }

    fn finish_all(
        &mut self,
        which: impl Fn(&Pending) -> bool,
        result: Completion,
        out: &mut Effects,
    ) {
        while let Some(position) = self.requests.iter().position(&which) {
            self.finish(position, result, out);
        }
    }

    fn finish(&mut self, position: usize, result: Completion, out: &mut Effects) {
        let pending = self.requests.remove(position);
        if !pending.completed {
            self.complete(pending.id, result, out);
        }
    }

    fn pend(
        &mut self,
        at: Millis,
        id: RequestId,
        call: CallId,
        kind: Kind,
        deadline_ms: u64,
        out: &mut Effects,
    ) {
        self.requests.push(Pending { id, call, kind, completed: false });
        out.push(Effect::Wake(at + deadline_ms, Timer::Deadline(self.id(), id)));
    }

    fn is_being_dropped(&self, index: usize) -> bool {
        let id = self.calls[index].id;
        self.requests.iter().any(|pending| pending.call == id && pending.kind == Kind::Drop)
    }

    fn visible(&self, id: CallId) -> Result<&Call, LineErr> {
        self.visible_index(id).map(|index| &self.calls[index])
    }

    fn visible_index(&self, id: CallId) -> Result<usize, LineErr> {
        self.calls
            .iter()
            .position(|call| call.id == id && call.is_visible())
            .ok_or(LineErr::InvalCallHandle)
    }
}

/// Q.850: normal clearing.
const CAUSE_NORMAL: u8 = 16;
/// Q.850: call rejected. Busy (17) would start a call forward on busy.
const CAUSE_REJECTED: u8 = 21;

fn ask(monitor: Monitor, request: Request, out: &mut Effects) {
    let Monitor { pbx, attempt, address, .. } = monitor;
    out.push(Effect::Ask(Ask { pbx, attempt, address, request }));
}

// ---- telling ------------------------------------------------------------------------------

impl Line {
    fn status(&self) -> Status {
        let mut counts = Counts::default();
        for call in self.calls.iter().filter(|call| call.is_visible()) {
            counts.active += u32::from(call.state.counts_as_active());
            counts.held += u32::from(call.state.counts_as_held());
            counts.hold_pending += u32::from(call.state.counts_as_hold_pending());
        }
        Status { connected: self.connected, in_service: self.in_service(), counts }
    }

    /// Messages about the address and the line come after those about calls (O-7).
    fn report_status(&mut self, before: Status, out: &mut Effects) {
        let after = self.status();
        if before == after {
            return;
        }
        let total = |counts: Counts| counts.active + counts.held + counts.hold_pending;
        if before.counts != after.counts {
            let in_use = match (total(before.counts), total(after.counts)) {
                (0, 0) => 0,
                (0, _) => address_state::INUSEONE,
                (_, 0) => address_state::INUSEZERO,
                _ => 0,
            };
            self.tell_address(in_use | address_state::NUMCALLS, out);
            self.tell_line(line_dev_state::NUMCALLS, 0, 0, out);
        }
        let link = match (before.connected, after.connected) {
            (false, true) => line_dev_state::CONNECTED,
            (true, false) => line_dev_state::DISCONNECTED,
            _ => 0,
        };
        let service = match (before.in_service, after.in_service) {
            (false, true) => line_dev_state::INSERVICE,
            (true, false) => line_dev_state::OUTOFSERVICE,
            _ => 0,
        };
        if link | service != 0 {
            self.tell_line(link | service, 0, 0, out);
        }
    }

    fn tell_state(&self, index: usize, out: &mut Effects) {
        let call = &self.calls[index];
        if call.standing == Standing::Announced {
            let (state, mode, media) = (call.state, call.mode, call.card.media);
            self.tell(Notice::CallState { call: call.id, state, mode, media }, out);
        }
    }

    fn tell_info(&self, index: usize, bits: u32, out: &mut Effects) {
        let call = &self.calls[index];
        if bits != 0 && call.standing == Standing::Announced {
            self.tell(Notice::CallInfo(call.id, bits), out);
        }
    }

    fn tell_address(&self, bits: u32, out: &mut Effects) {
        let wanted = self.open.map_or(0, |open| open.address_states) & bits;
        if wanted != 0 {
            self.tell(Notice::AddressState(wanted), out);
        }
    }

    fn tell_line(&self, bits: u32, second: u32, third: u32, out: &mut Effects) {
        let wanted = self.open.map_or(0, |open| open.line_states) & bits;
        if wanted != 0 {
            self.tell(Notice::LineDevState(wanted, second, third), out);
        }
    }

    fn tell(&self, notice: Notice, out: &mut Effects) {
        if let Some(open) = self.open {
            let what = What::Notice(notice);
            out.push(Effect::Tell(Telling { line: self.id(), opening: open.opening, what }));
        }
    }

    fn complete(&self, id: RequestId, result: Completion, out: &mut Effects) {
        if let Some(open) = self.open {
            let what = What::Completed(id, result);
            out.push(Effect::Tell(Telling { line: self.id(), opening: open.opening, what }));
        }
    }
}
