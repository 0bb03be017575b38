//! Requests of applications that are under way: each completes exactly once (invariant I-06).
//!
//! A request completes when the PBX's events prove it, when the PBX refuses it, or when a deadline
//! passes; not because the PBX took the order.

use super::call::{Call, Standing};
use super::errand::Errand;
use super::{Line, MAX_REQUESTS, Monitor};
use crate::effect::{Ask, Effect, Effects, Limit, Order, Report, Request};
use crate::fact::{Command, Completion, Reply};
use crate::id::{CallHandle, CallId, LineId, Opening, RequestId};
use crate::tapi::{CallState, LineErr, generate_term};
use crate::time::{Millis, Timer};
use crate::view::CallCard;
use serde::{Deserialize, Serialize};

/// A request under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) id: RequestId,
    pub(super) call: CallId,
    pub(super) kind: Kind,
    /// The host closed the line or call and had its completion; only the call's fate is awaited.
    pub(super) completed: bool,
}

/// What is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// `UserCall` to answer with a handle.
    MakeCall,
    /// The call to become CONNECTED.
    Answer,
    /// The call to become IDLE.
    Drop,
    /// The PBX to take the order.
    Errand(Errand),
}

/// How long the PBX may take to answer `UserCall` (TSPI: lost PBX answer).
pub(super) const MAKE_CALL_DEADLINE_MS: u64 = 10_000;
/// How long events may take to prove an answer or a drop.
pub(super) const PROOF_DEADLINE_MS: u64 = 5_000;

impl Line {
    pub(super) fn command(
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
                let own = self.identity.number.to_text();
                let made = Call::made(call, &own, number, card, at);
                self.make_call(at, id, made, block_id, out)
            }
            Command::Answer(call) => self.answer(at, id, call, out),
            Command::Drop(call) => self.drop_call(at, id, call, out),
            Command::SetCallParams(call) => self.set_call_params(call).map(Some),
            Command::Dial { call, number } => self.dial(at, id, call, &number, out),
            Command::GenerateDigits { call, digits, tag } => {
                self.generate_digits(at, id, call, (digits, tag), out)
            }
            Command::SendUserUserInfo { call, user_info } => {
                self.send_user_info(at, id, call, &user_info, out)
            }
            _ => Err(LineErr::OperationUnavail),
        };
        match result {
            Ok(Some(())) => self.complete(id, Ok(()), out),
            Ok(None) => {}
            Err(error) => {
                // A made call that cannot even be asked for leaves nothing behind.
                self.calls
                    .retain(|made| Some(made.id) != call || made.standing != Standing::Pending);
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
        let order = Order::UserCall { user: monitor.user, e164: number, block_id };
        ask(monitor, self.id(), id, order, out);
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
        ask(monitor, self.id(), id, Order::UserConnect { call: leg }, out);
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
            ask(monitor, line, id, Order::UserClear { call: leg, cause }, out);
        }
        Ok(None)
    }

    fn set_call_params(&self, call: CallId) -> Result<(), LineErr> {
        match self.visible(call)?.state {
            CallState::Idle | CallState::Disconnected => Err(LineErr::InvalCallState),
            _ => Ok(()),
        }
    }

    pub(super) fn reply(&mut self, at: Millis, id: RequestId, reply: Reply, out: &mut Effects) {
        let Some(position) = self.requests.iter().position(|pending| pending.id == id) else {
            return;
        };
        let Pending { call, kind, .. } = self.requests[position];
        match (kind, reply) {
            (Kind::Errand(errand), reply) => {
                self.errand_answered(at, position, errand, &reply, out);
            }
            (Kind::MakeCall, Reply::Calling(handle)) if handle.0 != 0 => {
                self.calling(at, position, handle, out);
            }
            (Kind::MakeCall, _) => self.not_calling(position, out),
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
    }

    fn not_calling(&mut self, position: usize, out: &mut Effects) {
        let id = self.requests[position].call;
        self.calls.retain(|call| call.id != id);
        self.finish(position, Err(LineErr::OperationFailed), out);
    }

    /// Takes in the events that were kept back, each with its own status messages: what is told
    /// must not depend on whether events overtook the answer to `UserCall`.
    pub(super) fn release_early(&mut self, at: Millis, out: &mut Effects) {
        if self.early.is_empty()
            || self.requests.iter().any(|pending| pending.kind == Kind::MakeCall)
        {
            return;
        }
        for (attempt, info, call_id) in std::mem::take(&mut self.early) {
            let before = self.status();
            self.call_event(at, attempt, info, call_id, out);
            self.settle_active(at, out);
            self.report_status(before, out);
        }
    }

    pub(super) fn deadline(&mut self, at: Millis, id: RequestId, out: &mut Effects) {
        let Some(position) = self.requests.iter().position(|pending| pending.id == id) else {
            return;
        };
        let Pending { call, kind, .. } = self.requests[position];
        match kind {
            Kind::MakeCall => self.not_calling(position, out),
            Kind::Answer | Kind::Errand(_) => {
                self.finish(position, Err(LineErr::OperationFailed), out);
            }
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
    pub(super) fn settle_requests(&mut self, index: usize, out: &mut Effects) {
        let Call { id, state, .. } = self.calls[index];
        match state {
            CallState::Connected => {
                self.finish_all(|p| p.call == id && p.kind == Kind::Answer, Ok(()), out);
            }
            CallState::Disconnected => {
                let gone = Err(LineErr::InvalCallState);
                self.finish_all(|p| p.call == id && p.kind == Kind::Answer, gone, out);
                self.end_errands(id, |_| true, out);
            }
            CallState::Idle => {
                let gone = Err(LineErr::InvalCallState);
                self.finish_all(|p| p.call == id && p.kind == Kind::Answer, gone, out);
                self.end_errands(id, |_| true, out);
                self.finish_all(|p| p.call == id && p.kind == Kind::Drop, Ok(()), out);
            }
            _ => {}
        }
    }

    /// The PBX is gone or the provider stops: nothing that is under way can be proved any more.
    pub(super) fn fail_requests(&mut self, out: &mut Effects) {
        self.finish_all(|_| true, Err(LineErr::OperationFailed), out);
        self.calls.retain(|call| call.standing != Standing::Pending);
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
                self.complete(self.requests[position].id, Err(LineErr::OperationFailed), out);
            }
        }
        self.requests.retain(|pending| !pending.completed || pending.kind == Kind::MakeCall);
    }

    pub(super) fn finish_all(
        &mut self,
        which: impl Fn(&Pending) -> bool,
        result: Completion,
        out: &mut Effects,
    ) {
        while let Some(position) = self.requests.iter().position(&which) {
            self.finish(position, result, out);
        }
    }

    pub(super) fn finish(&mut self, position: usize, result: Completion, out: &mut Effects) {
        let pending = self.requests.remove(position);
        if let Kind::Errand(Errand::Digits { tag }) = pending.kind {
            let term = if result.is_ok() { generate_term::DONE } else { generate_term::CANCEL };
            self.tell_generated(pending.call, term, tag, out);
        } else if !pending.completed {
            self.complete(pending.id, result, out);
        }
    }

    pub(super) fn pend(
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

    pub(super) fn is_being_dropped(&self, index: usize) -> bool {
        let id = self.calls[index].id;
        self.requests.iter().any(|pending| pending.call == id && pending.kind == Kind::Drop)
    }

    pub(super) fn visible(&self, id: CallId) -> Result<&Call, LineErr> {
        self.visible_index(id).map(|index| &self.calls[index])
    }

    pub(super) fn visible_index(&self, id: CallId) -> Result<usize, LineErr> {
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

pub(super) fn ask(
    monitor: Monitor,
    line: LineId,
    request: RequestId,
    order: Order,
    out: &mut Effects,
) {
    let Monitor { pbx, attempt, address, .. } = monitor;
    let request = Request::Order { line, request, order };
    out.push(Effect::Ask(Ask { pbx, attempt, address, request }));
}
