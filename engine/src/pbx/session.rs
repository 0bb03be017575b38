//! The session: from `Version` to `End`, and how its loss is noticed.

use super::{
    Clue, GOOD_SESSION_MS, POLL_PAUSE_MS, Pbx, Phase, QUICK_POLL_MS, REFUSED_PAUSE_MS, ToLines,
    is_answered,
};
use crate::effect::{Effect, Effects, Interface, Report, Request};
use crate::fact::{Failure, Question};
use crate::handles::Handles;
use crate::id::PbxId;
use crate::line::LineInput;
use crate::time::{Millis, Timer};
use std::sync::Arc;

impl Pbx {
    pub(super) fn identified(&mut self, clue: Clue, out: &mut Effects, lines: &mut ToLines) {
        match clue {
            Clue::Renamed(renamed) => lines.extend(renamed),
            Clue::Double(of) => return self.double(of, out, lines),
            _ => {}
        }
        if self.phase == Phase::Identifying {
            self.initialize(out);
        }
    }

    fn initialize(&mut self, out: &mut Effects) {
        self.phase = Phase::Initializing;
        let (user, interface) = (self.credentials.user.clone(), self.interface);
        self.ask(Request::Initialize { user, interface }, out);
    }

    pub(super) fn initialized(
        &mut self,
        at: Millis,
        session: u32,
        out: &mut Effects,
        lines: &mut ToLines,
    ) {
        if self.phase != Phase::Initializing {
            return;
        }
        if session == 0 {
            return self.refused(at, out, lines);
        }
        self.up(at, session, out);
        self.ask(Request::Poll { session }, out);
    }

    pub(super) fn up(&mut self, at: Millis, session: u32, out: &mut Effects) {
        self.up_since = at;
        self.phase = Phase::Up { session };
        out.push(Effect::Report(Report::SessionUp(self.id, Arc::clone(&self.place))));
        self.plan_trial(at, out);
        if std::mem::take(&mut self.is_hastened) {
            self.hasten_trial(at, out);
        }
    }

    /// Refused with these interface flags: an older box may know fewer (reference, 0.3). Refused
    /// with all of them: the user is unknown, or this account may not use it; or the box is a
    /// standby that has nothing to do.
    fn refused(&mut self, at: Millis, out: &mut Effects, lines: &mut ToLines) {
        let Some(older) = self.interface.older() else {
            let pause_ms = if self.is_at_standby() { 0 } else { REFUSED_PAUSE_MS };
            out.push(Effect::Report(Report::UserRefused(self.id)));
            return self.next(at, pause_ms, out, lines);
        };
        self.interface = older;
        self.initialize(out);
    }

    pub(super) fn polled(&mut self, count: u32, elapsed_ms: u32, out: &mut Effects) {
        let Phase::Up { session } = self.phase else { return };
        if count > 0 || elapsed_ms >= QUICK_POLL_MS {
            self.quick = 0;
        } else {
            self.quick += 1;
        }
        if self.quick >= 2 {
            // Perhaps the session is unknown and the box says so by empty answers: never spin.
            self.phase = Phase::Checking { session };
            self.ask(Request::Echo { session }, out);
        } else {
            self.ask(Request::Poll { session }, out);
        }
    }

    /// Asks whether the session is still there while its Poll says nothing.
    pub(super) fn check(&mut self, out: &mut Effects) {
        if let Phase::Up { session } = self.phase {
            self.ask(Request::Echo { session }, out);
        }
    }

    pub(super) fn echoed(
        &mut self,
        at: Millis,
        exists: bool,
        out: &mut Effects,
        lines: &mut ToLines,
    ) {
        match self.phase {
            Phase::Checking { session } if exists => {
                self.phase = Phase::Up { session };
                self.quick = 0;
                let timer = Timer::PollPause(self.id, self.attempt.0);
                out.push(Effect::Wake(at + POLL_PAUSE_MS, timer));
            }
            Phase::Up { .. } | Phase::Checking { .. } if !exists => {
                let failure = Failure::Fault("the session does not exist any more".into());
                self.lost(at, failure, out, lines);
            }
            _ => {}
        }
    }

    pub(super) fn failed(
        &mut self,
        at: Millis,
        question: Question,
        failure: Failure,
        out: &mut Effects,
        lines: &mut ToLines,
    ) {
        match (question, self.phase) {
            (Question::End, _) => {}
            (Question::Initialize, Phase::Initializing) if is_answered(&failure) => {
                if self.interface == Interface::V7 {
                    self.lost(at, failure, out, lines);
                } else {
                    self.refused(at, out, lines);
                }
            }
            // Some old boxes may not know Version; Initialize decides.
            (Question::Version, Phase::Identifying) if is_answered(&failure) => {
                self.initialize(out);
            }
            (Question::UserInitialize(line), _) if is_answered(&failure) => {
                self.user_failed(line, out, lines);
            }
            // What was asked before, and is answered twice: `ends_session` says the same.
            (Question::Initialize | Question::Version, _) if is_answered(&failure) => {}
            (Question::Poll, Phase::Checking { .. }) if matches!(failure, Failure::Fault(_)) => {}
            (Question::Poll, Phase::Up { session }) if matches!(failure, Failure::Fault(_)) => {
                self.phase = Phase::Checking { session };
                self.ask(Request::Echo { session }, out);
            }
            (_, Phase::Idle | Phase::Waiting | Phase::Double | Phase::Stopped) => {}
            _ => self.lost(at, failure, out, lines),
        }
    }

    pub(super) fn lost(
        &mut self,
        at: Millis,
        failure: Failure,
        out: &mut Effects,
        lines: &mut ToLines,
    ) {
        if self.is_up() && at >= self.up_since + GOOD_SESSION_MS {
            self.failures = 0;
            // There is no other way than this one to be tried at once.
            self.tried = 1;
        }
        let refused = matches!(failure, Failure::AccessDenied | Failure::Certificate);
        if !refused && self.try_last_place(out) {
            return;
        }
        let pause_ms = if refused && !self.has_standby_left() { REFUSED_PAUSE_MS } else { 0 };
        let place = Arc::clone(&self.place);
        out.push(Effect::Report(Report::SessionLost(self.id, place, failure)));
        self.ask(Request::Leave, out);
        self.next(at, pause_ms, out, lines);
    }

    /// What was known of this session is void.
    pub(super) fn drop_session(&mut self, out: &mut Effects, lines: &mut ToLines) {
        self.end_trial(out);
        if self.is_up() {
            let link = self.link();
            lines.extend(self.lines.keys().map(|line| (*line, LineInput::LinkLost(link))));
        }
        self.users = Handles::default();
        self.lines.clear();
        self.waiting.clear();
        self.asking = None;
        self.early.clear();
    }

    /// Ends whatever is under way; what comes next is for the caller to say.
    pub(super) fn retire(&mut self, out: &mut Effects, lines: &mut ToLines) {
        match (self.session(), self.phase) {
            (Some(session), _) => self.ask(Request::End { session }, out),
            (None, Phase::Locating | Phase::Identifying | Phase::Initializing) => {
                self.ask(Request::Leave, out);
            }
            _ => {}
        }
        self.drop_session(out, lines);
    }

    /// Another PBX is the same box, and is looked after instead.
    pub(super) fn double(&mut self, of: PbxId, out: &mut Effects, lines: &mut ToLines) {
        self.retire(out, lines);
        self.phase = Phase::Double;
        out.push(Effect::Report(Report::SameBox(self.id, of)));
    }

    pub(super) fn stop(&mut self, out: &mut Effects) {
        if let Some(session) = self.session() {
            self.ask(Request::End { session }, out);
        }
        self.end_trial(out);
        self.phase = Phase::Stopped;
    }

    pub(super) fn due(&mut self, timer: Timer, out: &mut Effects, lines: &mut ToLines) {
        match (timer, self.phase) {
            (Timer::Reconnect(_, attempt), Phase::Waiting) if attempt == self.attempt.0 => {
                self.begin(out);
            }
            (Timer::PollPause(_, attempt), Phase::Up { session, .. })
                if attempt == self.attempt.0 =>
            {
                self.ask(Request::Poll { session }, out);
            }
            (Timer::Settled(_, attempt), Phase::Up { .. } | Phase::Checking { .. })
                if attempt == self.attempt.0 && self.settled =>
            {
                let known = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
                out.push(Effect::Report(Report::Synchronised(self.id, known)));
                let link = self.link();
                lines.extend(self.lines.keys().map(|line| (*line, LineInput::Settled(link))));
            }
            (Timer::Probe(_, plan), Phase::Up { .. } | Phase::Checking { .. })
                if plan == self.plan =>
            {
                self.begin_trial(out);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::fact::PbxFact;
    use crate::id::{Attempt, LineId};
    use crate::pbx::{PbxInput, ends_session};
    use crate::place::Place;

    fn up(is_checking: bool) -> Pbx {
        let mut pbx = Pbx::new(PbxId(0));
        (pbx.attempt, pbx.latest) = (Attempt(1), Attempt(1));
        pbx.reach =
            super::super::Reach::Direct { master: Arc::new(Place::at("hq")), standby: None };
        let session = 4;
        pbx.phase = match is_checking {
            false => Phase::Up { session },
            true => Phase::Checking { session },
        };
        pbx
    }

    fn facts() -> Vec<PbxFact> {
        let questions = [
            Question::Version,
            Question::Initialize,
            Question::Poll,
            Question::Echo,
            Question::UserInitialize(LineId(1)),
        ];
        let failures = [
            Failure::Fault("no".into()),
            Failure::Status(404),
            Failure::Status(500),
            Failure::Status(503),
            Failure::Broken,
            Failure::TimedOut,
            Failure::AccessDenied,
            Failure::Unreachable,
        ];
        let failed = questions.into_iter().flat_map(|question| {
            failures.iter().map(move |failure| PbxFact::Failed(question, failure.clone()))
        });
        failed.chain([PbxFact::Echoed(true), PbxFact::Echoed(false)]).collect()
    }

    #[test]
    fn a_session_is_over_exactly_when_the_estate_takes_it_for_over() {
        for is_checking in [false, true] {
            for fact in facts() {
                let mut pbx = up(is_checking);
                let input = PbxInput::Fact(Attempt(1), fact.clone(), Clue::None);
                pbx.apply(Millis(1_000), input, &mut Vec::new(), &mut Vec::new());
                assert_eq!(pbx.is_up(), !ends_session(&fact), "{fact:?}, checking: {is_checking}");
            }
        }
    }
}
