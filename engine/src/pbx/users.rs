//! The users of a PBX and their calls: who is monitored, and whose events these are.

use super::{
    Asking, Changes, Clue, MAX_EARLY, MAX_SCOPE, MAX_USER_FAILURES, Monitoring, Pbx, SETTLE_MS,
    ToLines, Watched,
};
use crate::effect::{Effect, Effects, Limit, Report, Request, Surprise};
use crate::fact::{CallInfo, UserInfo};
use crate::id::{LineId, UserHandle};
use crate::line::LineInput;
use crate::pii::Personal;
use crate::time::{Millis, Timer};
use std::collections::VecDeque;
use std::sync::Arc;

/// What a PBX says of a user who is at home there.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    /// A device is registered.
    pub(super) registered: bool,
    /// The configuration changed.
    pub(super) changed: bool,
}

impl Pbx {
    pub(super) fn user(
        &mut self,
        at: Millis,
        user: UserInfo,
        clue: Clue,
        out: &mut Effects,
        lines: &mut ToLines,
    ) {
        // The end of the snapshot; such a record later means nothing.
        let ends = user.cn.is_empty() && !self.snapshot_ended;
        self.objects += u32::from(!self.snapshot_ended && !ends);
        self.snapshot_ended |= ends;
        if ends && self.objects >= MAX_SCOPE {
            out.push(Effect::Report(Report::ScopeFull(self.id, self.objects)));
        }
        match clue {
            Clue::Line { line, identity } => {
                self.rename(line, &user.cn);
                lines.extend(identity.map(|identity| (line, LineInput::Identity(identity))));
                if self.is_up() {
                    let seen = Seen { registered: user.registered, changed: user.cfg };
                    self.take(at, line, user.cn, seen, out, lines);
                }
            }
            clue => self.heard(clue, out, lines),
        }
    }

    /// What a record means that is about nobody who is at home here.
    pub(super) fn heard(&mut self, clue: Clue, out: &mut Effects, lines: &mut ToLines) {
        match clue {
            Clue::Foreign { line, identity, rival, revived } => {
                lines.extend(identity.map(|identity| (line, LineInput::Identity(identity))));
                lines.extend(revived.then_some((line, LineInput::Known)));
                if let Some(rival) = rival {
                    out.push(Effect::Report(Report::TwoHomes(line, rival, self.id)));
                }
                if self.lines.contains_key(&line) {
                    self.forget(line);
                    lines.push((line, LineInput::LinkLost(self.link())));
                }
            }
            Clue::Removed(line) => {
                self.forget(line);
                lines.push((line, LineInput::Removed));
            }
            // A trunk, or all of them: their numbers mean something to the lines.
            Clue::Renamed(renamed) => lines.extend(renamed),
            Clue::End(changes, renamed) => {
                lines.extend(renamed);
                if changes != Changes::default() {
                    out.push(Effect::Report(Report::Changed(self.id, changes)));
                }
            }
            Clue::Limit(limit) => out.push(Effect::Report(Report::LimitReached(limit))),
            _ => {}
        }
    }

    /// A user who is not monitored yet is to be asked for under the name that he has by now, also
    /// where his line keeps the one it has because the box is still being tried.
    fn rename(&mut self, line: LineId, cn: &Personal) {
        let known = self.lines.get(&line);
        if known.is_none_or(|known| known.monitoring != Monitoring::Wanted) {
            return;
        }
        match &mut self.asking {
            Some(asking) if asking.line == line => {
                let is_other = asking.renamed.is_some() || asking.cn != *cn;
                asking.renamed = is_other.then(|| cn.clone());
            }
            _ => {
                let mut waiting = self.waiting.iter_mut();
                if let Some((_, known)) = waiting.find(|(waiting, _)| *waiting == line) {
                    known.clone_from(cn);
                }
            }
        }
    }

    /// A user who is at home here.
    pub(super) fn take(
        &mut self,
        at: Millis,
        line: LineId,
        cn: Personal,
        seen: Seen,
        out: &mut Effects,
        lines: &mut ToLines,
    ) {
        let Seen { registered, changed } = seen;
        let known = self.lines.get(&line).copied();
        if !registered && known.is_some_and(|known| known.registered) {
            self.hasten_trial(at, out);
        }
        self.serves |= registered;
        lines.push((line, LineInput::Seen { link: self.link(), registered, changed }));
        let asked = known.map(|known| known.monitoring).filter(|m| *m != Monitoring::Refused);
        let monitoring = asked.unwrap_or(Monitoring::Wanted);
        let failures = known.map_or(0, |known| known.failures);
        self.lines.insert(line, Watched { monitoring, registered, failures });
        if asked.is_none() {
            // His running calls are still to be reported, perhaps long after those of the others.
            self.settled = false;
            self.waiting.push_back((line, cn));
            self.ask_next_user(out);
        }
    }

    /// One `UserInitialize` at a time: a small box must not be flooded.
    fn ask_next_user(&mut self, out: &mut Effects) {
        let Some(session) = self.session() else { return };
        if self.asking.is_some() {
            return;
        }
        if let Some((line, cn)) = self.waiting.pop_front() {
            if self.waiting.is_empty() {
                // It was long once and will not be again.
                self.waiting = VecDeque::new();
            }
            self.asking = Some(Asking { line, cn: cn.clone(), renamed: None });
            let interface = self.interface;
            self.ask(Request::UserInitialize { session, line, cn, interface }, out);
        }
    }

    /// The box answered by an error, which may be over the next time.
    pub(super) fn user_failed(&mut self, line: LineId, out: &mut Effects, lines: &mut ToLines) {
        let asked = self.asking.as_ref().filter(|asking| asking.line == line);
        let watched = self.lines.get_mut(&line).filter(|watched| {
            watched.monitoring == Monitoring::Wanted && watched.failures < MAX_USER_FAILURES
        });
        if let (Some(asked), Some(watched)) = (asked, watched) {
            watched.failures += 1;
            let cn = asked.renamed.as_ref().unwrap_or(&asked.cn).clone();
            self.waiting.push_back((line, cn));
            self.asking = None;
            return self.ask_next_user(out);
        }
        self.user_initialized(line, UserHandle(0), out, lines);
    }

    pub(super) fn user_initialized(
        &mut self,
        line: LineId,
        handle: UserHandle,
        out: &mut Effects,
        lines: &mut ToLines,
    ) {
        let asked = self.asking.take_if(|asking| asking.line == line);
        let renamed = asked.and_then(|asked| asked.renamed).filter(|_| handle.0 == 0);
        match (self.lines.get_mut(&line), renamed) {
            (Some(_), Some(cn)) => self.waiting.push_front((line, cn)),
            (Some(state), None) if handle.0 == 0 => {
                state.monitoring = Monitoring::Refused;
                out.push(Effect::Report(Report::LineRefused(line)));
            }
            (Some(state), None) => {
                state.monitoring = Monitoring::On;
                self.users.insert(handle.0, line);
                let (link, place) = (self.link(), Arc::clone(&self.place));
                lines.push((line, LineInput::Monitored { link, place, user: handle }));
            }
            (None, _) => {}
        }
        for (info, clue) in std::mem::take(&mut self.early) {
            self.call(info, &Clue::Call(clue), out, lines);
        }
        self.ask_next_user(out);
    }

    pub(super) fn forget(&mut self, line: LineId) {
        self.lines.remove(&line);
        self.users.retain(|owner| owner != line);
        self.waiting.retain(|(waiting, _)| *waiting != line);
    }

    pub(super) fn call(
        &mut self,
        info: CallInfo,
        clue: &Clue,
        out: &mut Effects,
        lines: &mut ToLines,
    ) {
        let &Clue::Call(clue) = clue else { return };
        match self.users.get(info.user) {
            Some(line) => lines.push((line, LineInput::Call(self.link(), info, clue))),
            None if self.asking.is_none() => {
                out.push(Effect::Report(Report::Surprise(Surprise::UnknownUser)));
            }
            None if self.early.len() < MAX_EARLY => self.early.push((info, clue)),
            None => out.push(Effect::Report(Report::LimitReached(Limit::EarlyEvents))),
        }
    }

    /// The replay of running calls follows each `UserInitialize` soon; nothing marks its end.
    pub(super) fn watch_for_end_of_replay(&mut self, at: Millis, out: &mut Effects) {
        let up = self.is_up();
        let all_asked = self.snapshot_ended && self.waiting.is_empty() && self.asking.is_none();
        if up && all_asked && !self.settled {
            self.settled = true;
            out.push(Effect::Wake(at + SETTLE_MS, Timer::Settled(self.id, self.attempt.0)));
        }
    }
}
