//! Back to the master: while its standby serves, a master is looked at from time to time. When it
//! answers, a session is opened there beside the one with the standby; when the users are
//! registered there, that session takes the place of the other one.
//!
//! For a slave its parent knows best: it is asked again, when there is a hint, whether the slave is
//! still the box that has registered there. If it is another one, that is turned to.
//!
//! A session whose account, password or user the settings have changed is left in the same way: not
//! before there is one with the new ones beside it. So a slip of the pen costs nobody a call.

use super::users::Seen;
use super::{LONGEST_PAUSE_MS, PROBE_MS, Pbx, REFUSED_PAUSE_MS, Reach, ToLines};
use crate::effect::{Effect, Effects, Interface, Report, Request};
use crate::estate::Located;
use crate::fact::{Failure, PbxFact, Question, UserInfo};
use crate::id::{Attempt, LineId, PbxId};
use crate::line::LineInput;
use crate::pbx::Clue;
use crate::pii::Personal;
use crate::place::Place;
use crate::time::{Millis, Timer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// After a phone went away from the standby, so long is waited for others to follow.
const HASTE_MS: u64 = 1_000;

/// An attempt at the master beside the session with the standby, or with other credentials beside
/// the session with the former ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trial {
    pub(super) attempt: Attempt,
    /// It is made for its credentials, at the place of the session itself.
    renews: bool,
    /// For a slave: how many places of its parent were asked in a row.
    parents: u32,
    place: Arc<Place>,
    interface: Interface,
    /// Number of its session, once there is one.
    session: Option<u32>,
    /// Lines of users who are at home there, with their Long Names, and whether they are registered.
    users: BTreeMap<LineId, (Personal, bool)>,
}

impl Pbx {
    /// Plans the next look at the master. As long as nobody is registered at the standby, it is
    /// likely that the master will be back soon.
    pub(super) fn plan_trial(&mut self, at: Millis, out: &mut Effects) {
        let soon_ms = LONGEST_PAUSE_MS.min(1_000 << self.trials.min(5));
        if self.is_stale {
            self.plan_trial_in(at, REFUSED_PAUSE_MS, out);
        } else if self.is_at_standby() {
            self.plan_trial_in(at, if self.serves { PROBE_MS } else { soon_ms }, out);
        }
    }

    /// There is a hint that another box serves: a phone went away, or the parent said something.
    pub(super) fn hasten_trial(&mut self, at: Millis, out: &mut Effects) {
        if self.trial.is_none() && !self.is_hastened {
            self.plan_trial_in(at, HASTE_MS, out);
        }
        // One that is under way may have asked too early, or asks for something else.
        self.is_hastened = true;
    }

    fn plan_trial_in(&mut self, at: Millis, pause_ms: u64, out: &mut Effects) {
        let is_of_slave = matches!(self.reach, Reach::Through { .. });
        if self.is_at_standby() || is_of_slave || self.is_stale {
            // Whatever was planned before is not any more.
            self.plan = self.plan.wrapping_add(1);
            out.push(Effect::Wake(at + pause_ms, Timer::Probe(self.id, self.plan)));
        }
    }

    /// The credentials in force are others than those of the present session.
    pub(super) fn renew(&mut self, out: &mut Effects) {
        // What was looked for at another box is to be looked for again.
        self.is_hastened |= self.trial.as_ref().is_some_and(|trial| !trial.renews);
        self.end_trial(out);
        self.is_stale = true;
        self.begin_trial(out);
    }

    pub(super) fn begin_trial(&mut self, out: &mut Effects) {
        if self.trial.is_some() {
            return;
        }
        let (place, request) = match &self.reach {
            _ if self.is_stale => (Arc::clone(&self.place), Request::Probe),
            Reach::Direct { master, .. } if self.is_at_standby() => {
                (Arc::clone(master), Request::Probe)
            }
            Reach::Through { name, .. } => {
                let Some(parent) = self.reach.place(self.turn) else { return };
                (Arc::clone(parent), Request::locate(name))
            }
            Reach::Direct { .. } => return,
        };
        self.trials = self.trials.saturating_add(1);
        // Other credentials do not say whether another box serves.
        self.is_hastened &= self.is_stale;
        self.latest.0 += 1;
        let attempt = self.latest;
        self.ask_in(attempt, &place, request, out);
        let (interface, users) = (Interface::V10, BTreeMap::new());
        let renews = self.is_stale;
        let parents = 1;
        self.trial =
            Some(Trial { attempt, renews, parents, place, interface, session: None, users });
    }

    /// Asks another place of the parent of a slave where that is, if there is one that was not asked:
    /// its standby may serve while the parent itself is down, or idle. Returns whether it does.
    fn ask_other_parent(&mut self, out: &mut Effects) -> bool {
        let (Reach::Through { parents, .. }, Some(trial)) = (&self.reach, &self.trial) else {
            return false;
        };
        let asked = trial.parents;
        if trial.renews || asked as usize >= parents.len() {
            return false;
        }
        self.end_trial(out);
        self.turn = (self.turn + 1) % self.reach.ways();
        let is_hastened = self.is_hastened;
        self.begin_trial(out);
        self.is_hastened = is_hastened;
        if let Some(trial) = &mut self.trial {
            trial.parents = asked + 1;
        }
        true
    }

    /// Gives up for now what is tried.
    pub(super) fn end_trial(&mut self, out: &mut Effects) {
        let Some(trial) = self.trial.take() else { return };
        let request = match trial.session {
            Some(session) => Request::End { session },
            None => Request::Leave,
        };
        self.ask_in(trial.attempt, &trial.place, request, out);
    }

    pub(super) fn trial_fact(
        &mut self,
        at: Millis,
        fact: PbxFact,
        clue: Clue,
        out: &mut Effects,
        lines: &mut ToLines,
    ) {
        let Some(trial) = &mut self.trial else { return };
        let (attempt, place) = (trial.attempt, Arc::clone(&trial.place));
        match fact {
            PbxFact::Located(_) => self.relocated(at, clue, out, lines),
            PbxFact::Probed => self.initialize_trial(out),
            // An older box may know fewer flags.
            PbxFact::Initialized { session: 0, .. }
            | PbxFact::Failed(Question::Initialize, Failure::Fault(_) | Failure::Status(_))
                if trial.interface.older().is_some() =>
            {
                trial.interface = trial.interface.older().unwrap_or_default();
                self.initialize_trial(out);
            }
            PbxFact::Initialized { session: session @ 1.., .. } => {
                trial.session = Some(session);
                self.ask_in(attempt, &place, Request::Poll { session }, out);
            }
            PbxFact::User(user) => self.trial_user(at, *user, clue, out, lines),
            // Nothing before the end of the snapshot: something is wrong there.
            PbxFact::Polled { count: 0, .. } => self.give_up_trial(at, out),
            PbxFact::Polled { .. } => {
                if let Some(session) = trial.session {
                    self.ask_in(attempt, &place, Request::Poll { session }, out);
                }
            }
            PbxFact::Failed(Question::Locate, _) => {
                if !self.ask_other_parent(out) {
                    self.end_trial(out);
                    // The hint that led here still holds.
                    let again_ms = if self.is_hastened { HASTE_MS } else { PROBE_MS };
                    self.plan_trial_in(at, again_ms, out);
                }
            }
            // Refused, failed, or something that was not asked.
            fact => {
                if trial.renews {
                    out.extend(why_not(self.id, place, fact).map(Effect::Report));
                }
                self.give_up_trial(at, out);
            }
        }
    }

    /// A user's home is here from now on, or elsewhere.
    pub(super) fn note_in_trial(&mut self, line: LineId, user: Option<(Personal, bool)>) {
        let Some(trial) = &mut self.trial else { return };
        match user {
            Some(user) => drop(trial.users.insert(line, user)),
            None => drop(trial.users.remove(&line)),
        }
    }

    fn initialize_trial(&self, out: &mut Effects) {
        let Some(Trial { attempt, place, interface, .. }) = &self.trial else { return };
        let (user, interface) = (self.credentials.user.clone(), *interface);
        self.ask_in(*attempt, place, Request::Initialize { user, interface }, out);
    }

    /// The parent of a slave has said where that is now.
    fn relocated(&mut self, at: Millis, clue: Clue, out: &mut Effects, lines: &mut ToLines) {
        let is_found = matches!(clue, Clue::Located(Located::At(_)));
        if !is_found && self.ask_other_parent(out) {
            return;
        }
        self.end_trial(out);
        if let Clue::Located(Located::At(place)) = clue
            && place != self.place
        {
            self.retire(out, lines);
            self.tried = 0;
            self.begin(out);
        } else if std::mem::take(&mut self.is_hastened) {
            self.hasten_trial(at, out);
        }
    }

    fn give_up_trial(&mut self, at: Millis, out: &mut Effects) {
        self.end_trial(out);
        if !self.is_stale && std::mem::take(&mut self.is_hastened) {
            self.hasten_trial(at, out);
        } else {
            self.plan_trial(at, out);
        }
    }

    fn trial_user(
        &mut self,
        at: Millis,
        user: UserInfo,
        clue: Clue,
        out: &mut Effects,
        lines: &mut ToLines,
    ) {
        let Some(trial) = &mut self.trial else { return };
        let is_end = user.cn.is_empty();
        match clue {
            Clue::Line { line, identity } => {
                lines.extend(identity.map(|identity| (line, LineInput::Identity(identity))));
                trial.users.insert(line, (user.cn, user.registered));
            }
            clue => {
                if let Clue::Removed(line) | Clue::Foreign { line, .. } = clue {
                    trial.users.remove(&line);
                }
                self.heard(clue, out, lines);
            }
        }
        if is_end {
            self.decide(at, out, lines);
        }
    }

    /// All users of the master have been reported: it is taken if somebody is registered there, or
    /// nobody is at the standby; a session with the credentials in force is taken in any case.
    fn decide(&mut self, at: Millis, out: &mut Effects, lines: &mut ToLines) {
        let Some(trial) = &self.trial else { return };
        let is_in_use = trial.users.values().any(|(_, registered)| *registered);
        if !trial.renews && !is_in_use && self.serves {
            return self.give_up_trial(at, out);
        }
        let Some(Trial { attempt, renews, place, interface, session, users, .. }) =
            self.trial.take()
        else {
            return;
        };
        let Some(session) = session else { return };
        out.push(Effect::Report(match renews {
            true => Report::Renewed(self.id),
            false => Report::BackAtMaster(self.id),
        }));
        self.retire(out, lines);
        self.turn = if renews { self.turn } else { 0 };
        (self.attempt, self.place, self.tried, self.is_stale) = (attempt, place, 1, false);
        self.interface = interface;
        (self.quick, self.serves, self.settled, self.snapshot_ended) = (0, false, false, true);
        self.up(at, session, out);
        for (line, (cn, registered)) in users {
            self.take(at, line, cn, Seen { registered, changed: false }, out, lines);
        }
        self.watch_for_end_of_replay(at, out);
    }
}

/// Why there is no session with the credentials in force.
fn why_not(pbx: PbxId, place: Arc<Place>, fact: PbxFact) -> Option<Report> {
    match fact {
        PbxFact::Initialized { .. } => Some(Report::UserRefused(pbx)),
        PbxFact::Failed(_, failure) => Some(Report::NotRenewed(pbx, place, failure)),
        _ => None,
    }
}
