//! Where to ask: the ways to a PBX, and which one is next.

use super::{LONGEST_PAUSE_MS, Pbx, Phase, REFUSED_PAUSE_MS, ToLines};
use crate::effect::{Effect, Effects, Interface, Report, Request};
use crate::estate::Located;
use crate::pbx::Clue;
use crate::pii::Personal;
use crate::place::Place;
use crate::time::{Millis, Timer};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How a PBX is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// The settings say where it is.
    Direct {
        /// Its master.
        master: Arc<Place>,
        /// The standby of that.
        standby: Option<Arc<Place>>,
    },
    /// Another PBX knows where it is.
    Through {
        /// Where that one may be; empty if that is not known yet.
        parents: Vec<Arc<Place>>,
        /// Short Name of the object that stands for it there.
        name: Box<str>,
        /// Where it was last, for when its parent cannot be asked.
        last: Option<Arc<Place>>,
    },
}

/// On whose behalf a PBX is asked, and with which account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The PBX user (long name) whose groups are the scope.
    pub user: Personal,
    /// Which account, see [`crate::fact::Configuration::access`].
    pub access: u32,
}

impl Default for Reach {
    fn default() -> Reach {
        Reach::Through { parents: Vec::new(), name: Box::default(), last: None }
    }
}

impl Reach {
    /// How many ways there are to it. One that was found through another PBX may be elsewhere now,
    /// so it is asked for a second time.
    pub(super) fn ways(&self) -> u32 {
        match self {
            Reach::Direct { standby: None, .. } => 1,
            Reach::Direct { standby: Some(_), .. } | Reach::Through { .. } => 2,
        }
    }

    /// The place that is asked first on that way.
    pub(super) fn place(&self, turn: u32) -> Option<&Arc<Place>> {
        match self {
            Reach::Direct { master, standby } => Some(if turn.is_multiple_of(2) {
                master
            } else {
                standby.as_ref().unwrap_or(master)
            }),
            Reach::Through { parents, .. } => {
                let count = u32::try_from(parents.len()).unwrap_or(1).max(1);
                parents.get((turn % count) as usize)
            }
        }
    }

    pub(super) fn standby(&self) -> Option<&Arc<Place>> {
        match self {
            Reach::Direct { standby, .. } => standby.as_ref(),
            Reach::Through { .. } => None,
        }
    }
}

impl Pbx {
    pub(super) fn configured(
        &mut self,
        at: Millis,
        reach: Reach,
        credentials: Credentials,
        pause_ms: u32,
        out: &mut Effects,
        lines: &mut ToLines,
    ) {
        let is_news = self.credentials != credentials;
        self.credentials = credentials;
        let before = std::mem::replace(&mut self.reach, reach);
        let is_there = self.is_still_there(&before);
        match self.phase {
            Phase::Idle | Phase::Stopped => {
                if let Reach::Through { name, .. } = &self.reach {
                    out.push(Effect::Report(Report::SlaveFound(self.id, name.clone())));
                }
                self.turn = 0;
                self.tried = 0;
                self.failures = 0;
                if pause_ms > 0 {
                    self.phase = Phase::Waiting;
                    self.wake(at + u64::from(pause_ms), out);
                } else {
                    self.begin(out);
                }
            }
            Phase::Double => {}
            Phase::Waiting if is_news || before != self.reach => self.look(at, out),
            // Calls go on in the session that is there until there is another one.
            Phase::Up { .. } | Phase::Checking { .. } if is_there && is_news => self.renew(out),
            _ if is_there && !is_news => {}
            _ => {
                self.retire(out, lines);
                (self.turn, self.tried) = (0, 0);
                self.begin(out);
            }
        }
    }

    /// Whether the place that is asked now is still one that may be.
    fn is_still_there(&self, before: &Reach) -> bool {
        match &self.reach {
            Reach::Direct { master, standby } => {
                [Some(master), standby.as_ref()].contains(&Some(&self.place))
            }
            // Where it is, it said itself; that its parent is elsewhere now matters next time.
            Reach::Through { .. } => matches!(before, Reach::Through { .. }),
        }
    }

    /// Whether master or standby has not been tried since the last pause.
    pub(super) fn has_standby_left(&self) -> bool {
        self.reach.standby().is_some() && self.tried < self.reach.ways()
    }

    /// Whether the present attempt goes to a standby.
    pub(super) fn is_at_standby(&self) -> bool {
        self.reach.standby().is_some_and(|standby| *standby == self.place)
    }

    /// Begins the next attempt.
    pub(super) fn begin(&mut self, out: &mut Effects) {
        self.latest.0 += 1;
        self.attempt = self.latest;
        self.interface = Interface::V10;
        self.quick = 0;
        self.objects = 0;
        self.snapshot_ended = false;
        self.settled = false;
        self.serves = false;
        self.trials = 0;
        self.is_hastened = false;
        self.is_stale = false;
        self.tried += 1;
        let Some(place) = self.reach.place(self.turn).cloned() else {
            // Its parent has to be found first; that will be said.
            self.phase = Phase::Waiting;
            return;
        };
        self.place = place;
        match &self.reach {
            Reach::Direct { .. } => {
                self.phase = Phase::Identifying;
                self.ask(Request::Version, out);
            }
            Reach::Through { name, .. } => {
                self.phase = Phase::Locating;
                self.ask(Request::locate(name), out);
            }
        }
    }

    pub(super) fn located(
        &mut self,
        at: Millis,
        clue: Clue,
        out: &mut Effects,
        lines: &mut ToLines,
    ) {
        let (Phase::Locating, Clue::Located(located)) = (self.phase, clue) else { return };
        let (report, pause_ms) = match located {
            Located::At(place) => {
                if let Reach::Through { last, .. } = &mut self.reach {
                    *last = Some(Arc::clone(&place));
                }
                self.place = place;
                self.phase = Phase::Identifying;
                return self.ask(Request::Version, out);
            }
            Located::Nowhere => (Report::SlaveAbsent(self.id, Arc::clone(&self.place)), 0),
            Located::Offline => (Report::SlaveOffline(self.id, Arc::clone(&self.place)), 0),
            Located::Unreadable => {
                (Report::SlaveAstray(self.id, Arc::clone(&self.place)), REFUSED_PAUSE_MS)
            }
            Located::Plain(place) => (Report::SlavePlain(self.id, place), REFUSED_PAUSE_MS),
        };
        out.push(Effect::Report(report));
        self.ask(Request::Leave, out);
        self.next(at, pause_ms, out, lines);
    }

    /// No box of its parent could be asked where it is: it is looked for where it was last. Returns
    /// whether there is such a place.
    pub(super) fn try_last_place(&mut self, out: &mut Effects) -> bool {
        let Reach::Through { last: Some(last), .. } = &self.reach else { return false };
        if self.phase != Phase::Locating || self.tried < self.reach.ways() {
            return false;
        }
        self.place = Arc::clone(last);
        self.phase = Phase::Identifying;
        // Whether it is there still, its parent is asked as soon as there is a session.
        self.is_hastened = true;
        out.push(Effect::Report(Report::AtLastPlace(self.id, Arc::clone(&self.place))));
        self.ask(Request::Version, out);
        true
    }

    /// Ends this attempt. The next one takes the next way at once if it was not tried since the
    /// last pause; otherwise there is a pause, at least of `pause_ms`, longer each time.
    pub(super) fn next(
        &mut self,
        at: Millis,
        pause_ms: u64,
        out: &mut Effects,
        lines: &mut ToLines,
    ) {
        self.drop_session(out, lines);
        // A parent that knew the way will know it again.
        if self.phase == Phase::Locating || matches!(self.reach, Reach::Direct { .. }) {
            self.turn = (self.turn + 1) % self.reach.ways();
        }
        if self.tried < self.reach.ways() && pause_ms == 0 {
            return self.begin(out);
        }
        let growing_ms = LONGEST_PAUSE_MS.min(1_000 << self.failures.min(5));
        self.tried = 0;
        self.failures += 1;
        self.phase = Phase::Waiting;
        self.wake(at + growing_ms.max(pause_ms), out);
    }

    fn wake(&self, at: Millis, out: &mut Effects) {
        out.push(Effect::Wake(at, Timer::Reconnect(self.id, self.attempt.0)));
    }

    /// Looks for a PBX now that would be looked for later; one that has a session is asked soon
    /// whether it is still the right one.
    pub(super) fn look(&mut self, at: Millis, out: &mut Effects) {
        match self.phase {
            Phase::Waiting | Phase::Double => {
                self.tried = 0;
                self.begin(out);
            }
            Phase::Up { .. } | Phase::Checking { .. } => self.hasten_trial(at, out),
            // Where it is may have been asked too early: it is asked again once there is a session.
            Phase::Locating | Phase::Identifying | Phase::Initializing => {
                self.is_hastened |= matches!(self.reach, Reach::Through { .. });
            }
            Phase::Idle | Phase::Stopped => {}
        }
    }
}
