//! One PBX: the session with it, from the first question to the last, and what to do when it is
//! lost.
//!
//! ```text
//! Idle ─Configured→ Identifying ─Version→ Initializing ─Initialize→ Up ⇄ Checking (Echo)
//!                        ↑                     │ refused                │ lost
//!                        └──── Reconnect ── Waiting ←───────────────────┘
//! ```
//! While Up exactly one Poll is pending, and at most one `UserInitialize`.

use crate::effect::{Address, Ask, Effect, Effects, Interface, Limit, Report, Request, Surprise};
use crate::fact::{CallInfo, Failure, PbxFact, PbxSettings, Question, UserInfo};
use crate::forwarding::Case;
use crate::id::{Attempt, LineId, PbxId, UserHandle};
use crate::line::LineInput;
use crate::pii::Personal;
use crate::time::{Millis, Timer};
use crate::view::Identity;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// An empty Poll that took less than this is suspicious (reference of the PBX, 1.11).
pub const QUICK_POLL_MS: u32 = 5_000;
/// Pause before the next Poll of a session that exists but answers empty at once.
pub const POLL_PAUSE_MS: u64 = 1_000;
/// Pause before asking again a PBX that refuses the account or the user.
pub const REFUSED_PAUSE_MS: u64 = 30_000;
/// Longest pause between attempts to reach a PBX.
pub const LONGEST_PAUSE_MS: u64 = 30_000;
/// A session that lasted this long was a good one: when it is lost, the PBX is asked again at once.
/// After a shorter one the pauses go on growing, or a PBX that opens sessions and then makes no
/// sense would be asked every second for ever.
pub const GOOD_SESSION_MS: u64 = 60_000;
/// After the last `UserInitialize`, running calls have been reported when this has passed.
pub const SETTLE_MS: u64 = 2_000;

/// Most events kept back while the PBX owes us the handle of a user (I-24).
pub const MAX_EARLY: usize = 256;

/// What can happen to a PBX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PbxInput {
    /// A session of the telephony server begins.
    Started,
    /// The settings in force from now on.
    Configured {
        /// Where it is.
        settings: PbxSettings,
        /// On whose behalf to ask.
        user: Personal,
    },
    /// The provider stops.
    Stopping,
    /// A timer.
    Due(Timer),
    /// The PBX said something in that attempt; with what the estate knows about it.
    Fact(Attempt, PbxFact, Clue),
}

/// What the estate knows about a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clue {
    /// Nothing.
    None,
    /// Whose record it is, and who that is now if it changed.
    Line {
        /// The line.
        line: LineId,
        /// Its identity, if it is new or changed.
        identity: Option<Arc<Identity>>,
    },
    /// What is known of the call the event belongs to.
    Call(CallClue),
    /// Lines whose identity changed with what the PBX said of itself.
    Renamed(Vec<(LineId, LineInput)>),
    /// The estate is full.
    TooManyLines,
}

/// What the estate knows of the call that an event belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallClue {
    /// The DWORD that stands for its conf GUID, 0 if it has none.
    pub call_id: u32,
    /// For which case the user who diverted it did so; only with the first event of a leg, and if
    /// it is known.
    pub forwarded: Option<Case>,
}

/// What goes on from a PBX to lines. A new line begins with its identity.
pub type ToLines = Vec<(LineId, LineInput)>;

/// The state of a PBX.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pbx {
    id: PbxId,
    settings: PbxSettings,
    user: Personal,
    phase: Phase,
    attempt: Attempt,
    address: Address,
    interface: Interface,
    /// Attempts in a row that ended without a good session.
    failures: u32,
    /// When the present session began.
    up_since: Millis,
    /// Quick empty Polls in a row.
    quick: u32,
    users: BTreeMap<u32, LineId>,
    lines: BTreeMap<LineId, Monitoring>,
    waiting: VecDeque<(LineId, Personal)>,
    asking: Option<Asking>,
    /// Events of a user whose handle is not known yet: a Poll may bring the running calls of a
    /// user before the answer to its `UserInitialize`, which comes on another connection.
    early: Vec<(CallInfo, CallClue)>,
    snapshot_ended: bool,
    settled: bool,
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    Idle,
    Identifying,
    Initializing,
    Up { session: u32, key: u32 },
    Checking { session: u32, key: u32 },
    Waiting,
    Stopped,
}

/// How far monitoring of a line is in the present session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Monitoring {
    Wanted,
    Refused,
    On,
}

/// A `UserInitialize` that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Asking {
    line: LineId,
    /// The user's new name, if it was renamed meanwhile: under the old one the PBX may not know it.
    renamed: Option<Personal>,
}

impl Pbx {
    /// A PBX that nothing is known of yet.
    #[must_use]
    pub fn new(id: PbxId) -> Pbx {
        Pbx {
            id,
            settings: PbxSettings::default(),
            user: Personal::default(),
            phase: Phase::Idle,
            attempt: Attempt(0),
            address: Address::Master,
            interface: Interface::V10,
            failures: 0,
            up_since: Millis(0),
            quick: 0,
            users: BTreeMap::new(),
            lines: BTreeMap::new(),
            waiting: VecDeque::new(),
            asking: None,
            early: Vec::new(),
            snapshot_ended: false,
            settled: false,
        }
    }

    /// Takes one input; what it means for lines is added to `lines`.
    pub fn apply(&mut self, at: Millis, input: PbxInput, out: &mut Effects, lines: &mut ToLines) {
        match input {
            PbxInput::Started => {
                let attempt = self.attempt;
                *self = Pbx { attempt, ..Pbx::new(self.id) };
            }
            PbxInput::Configured { settings, user } => {
                self.settings = settings;
                self.user = user;
                if matches!(self.phase, Phase::Idle | Phase::Stopped) {
                    self.begin(out);
                }
            }
            PbxInput::Stopping => self.stop(out),
            PbxInput::Due(timer) => self.due(at, timer, out, lines),
            PbxInput::Fact(attempt, fact, clue) => {
                let over = matches!(self.phase, Phase::Idle | Phase::Waiting | Phase::Stopped);
                if attempt == self.attempt && !over {
                    self.fact(at, fact, clue, out, lines);
                } else {
                    too_late(&fact, clue, lines);
                }
            }
        }
    }

    fn fact(
        &mut self,
        at: Millis,
        fact: PbxFact,
        clue: Clue,
        out: &mut Effects,
        lines: &mut ToLines,
    ) {
        match fact {
            PbxFact::Identified(_) => self.identified(clue, out, lines),
            PbxFact::Initialized { session, key } => self.initialized(at, session, key, out),
            PbxFact::User(user) => self.user(user, clue, out, lines),
            PbxFact::Call(info) => self.call(info, &clue, out, lines),
            PbxFact::Polled { count, elapsed_ms } => self.polled(count, elapsed_ms, out),
            PbxFact::UserInitialized(line, handle) => {
                self.user_initialized(line, handle, out, lines);
            }
            PbxFact::Echoed(exists) => self.echoed(at, exists, out, lines),
            PbxFact::Failed(question, failure) => self.failed(at, question, failure, out, lines),
            PbxFact::Ended => {}
        }
        self.watch_for_end_of_replay(at, out);
    }
}

// ---- the session --------------------------------------------------------------------------

impl Pbx {
    fn begin(&mut self, out: &mut Effects) {
        self.attempt.0 += 1;
        self.phase = Phase::Identifying;
        self.interface = Interface::V10;
        self.quick = 0;
        self.snapshot_ended = false;
        self.settled = false;
        self.ask(Request::Version, out);
    }

    fn identified(&mut self, clue: Clue, out: &mut Effects, lines: &mut ToLines) {
        if let Clue::Renamed(renamed) = clue {
            lines.extend(renamed);
        }
        if self.phase == Phase::Identifying {
            self.initialize(out);
        }
    }

    fn initialize(&mut self, out: &mut Effects) {
        self.phase = Phase::Initializing;
        let (user, interface) = (self.user.clone(), self.interface);
        self.ask(Request::Initialize { user, interface }, out);
    }

    fn initialized(&mut self, at: Millis, session: u32, key: u32, out: &mut Effects) {
        if self.phase != Phase::Initializing {
            return;
        }
        if session == 0 {
            return self.refused(at, out);
        }
        self.up_since = at;
        self.phase = Phase::Up { session, key };
        out.push(Effect::Report(Report::SessionUp(self.id, self.address)));
        self.ask(Request::Poll { session }, out);
    }

    /// Refused with these interface flags: an older box may know fewer (reference, 0.3). Refused
    /// with all of them: the user is unknown, or this account may not use it.
    fn refused(&mut self, at: Millis, out: &mut Effects) {
        match self.interface {
            Interface::V10 => self.interface = Interface::V8,
            Interface::V8 => self.interface = Interface::V7,
            Interface::V7 => {
                out.push(Effect::Report(Report::UserRefused(self.id)));
                return self.wait(at, REFUSED_PAUSE_MS, out);
            }
        }
        self.initialize(out);
    }

    fn polled(&mut self, count: u32, elapsed_ms: u32, out: &mut Effects) {
        let Phase::Up { session, key } = self.phase else { return };
        if count > 0 || elapsed_ms >= QUICK_POLL_MS {
            self.quick = 0;
        } else {
            self.quick += 1;
        }
        if self.quick >= 2 {
            // Perhaps the session is unknown and the box says so by empty answers: never spin.
            self.phase = Phase::Checking { session, key };
            self.ask(Request::Echo { session, key }, out);
        } else {
            self.ask(Request::Poll { session }, out);
        }
    }

    fn echoed(&mut self, at: Millis, exists: bool, out: &mut Effects, lines: &mut ToLines) {
        let Phase::Checking { session, key } = self.phase else { return };
        if exists {
            self.phase = Phase::Up { session, key };
            self.quick = 0;
            let timer = Timer::PollPause(self.id, self.attempt.0);
            out.push(Effect::Wake(at + POLL_PAUSE_MS, timer));
        } else {
            let failure = Failure::Fault("the session does not exist any more".into());
            self.lost(at, failure, out, lines);
        }
    }

    fn failed(
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
                    self.refused(at, out);
                }
            }
            // Some old boxes may not know Version; Initialize decides.
            (Question::Version, Phase::Identifying) if is_answered(&failure) => {
                self.initialize(out);
            }
            (Question::UserInitialize(line), _) if is_answered(&failure) => {
                self.user_initialized(line, UserHandle(0), out, lines);
            }
            (Question::Poll, Phase::Up { session, key })
                if matches!(failure, Failure::Fault(_)) =>
            {
                self.phase = Phase::Checking { session, key };
                self.ask(Request::Echo { session, key }, out);
            }
            (_, Phase::Idle | Phase::Waiting | Phase::Stopped) => {}
            _ => self.lost(at, failure, out, lines),
        }
    }

    fn lost(&mut self, at: Millis, failure: Failure, out: &mut Effects, lines: &mut ToLines) {
        let was_up = matches!(self.phase, Phase::Up { .. } | Phase::Checking { .. });
        if was_up && at >= self.up_since + GOOD_SESSION_MS {
            self.failures = 0;
        }
        let pause_ms = match failure {
            Failure::AccessDenied | Failure::Certificate => REFUSED_PAUSE_MS,
            _ => LONGEST_PAUSE_MS.min(1_000 << self.failures.min(5)),
        };
        out.push(Effect::Report(Report::SessionLost(self.id, self.address, failure)));
        if was_up {
            lines.extend(self.lines.keys().map(|line| (*line, LineInput::LinkLost(self.attempt))));
        }
        self.wait(at, pause_ms, out);
    }

    /// Ends this attempt; the next goes to the other address, if there is one.
    fn wait(&mut self, at: Millis, pause_ms: u64, out: &mut Effects) {
        self.users.clear();
        self.lines.clear();
        self.waiting.clear();
        self.asking = None;
        self.early.clear();
        self.failures += 1;
        self.phase = Phase::Waiting;
        if self.settings.standby.is_some() {
            self.address = match self.address {
                Address::Master => Address::Standby,
                Address::Standby => Address::Master,
            };
        }
        out.push(Effect::Wake(at + pause_ms, Timer::Reconnect(self.id, self.attempt.0)));
    }

    fn stop(&mut self, out: &mut Effects) {
        if let Phase::Up { session, .. } | Phase::Checking { session, .. } = self.phase {
            self.ask(Request::End { session }, out);
        }
        self.phase = Phase::Stopped;
    }

    fn due(&mut self, at: Millis, timer: Timer, out: &mut Effects, lines: &mut ToLines) {
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
                if attempt == self.attempt.0 =>
            {
                let known = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
                out.push(Effect::Report(Report::Synchronised(self.id, known)));
                let settled = |line: &LineId| (*line, LineInput::Settled(self.attempt));
                lines.extend(self.lines.keys().map(settled));
            }
            _ => {}
        }
        let _ = at;
    }

    fn ask(&self, request: Request, out: &mut Effects) {
        let (pbx, attempt, address) = (self.id, self.attempt, self.address);
        out.push(Effect::Ask(Ask { pbx, attempt, address, request }));
    }
}

/// What a fact means whose session is over: it says nothing of sessions or calls any more, but the
/// estate has taken in who is who, and the lines must not think otherwise.
fn too_late(fact: &PbxFact, clue: Clue, lines: &mut ToLines) {
    match clue {
        Clue::Renamed(renamed) => lines.extend(renamed),
        Clue::Line { line, .. } if matches!(fact, PbxFact::User(user) if !user.active) => {
            lines.push((line, LineInput::Removed));
        }
        Clue::Line { line, identity: Some(identity) } => {
            lines.push((line, LineInput::Identity(identity)));
        }
        Clue::Line { .. } | Clue::None | Clue::Call(_) | Clue::TooManyLines => {}
    }
}

/// The box answered, only not as hoped: asking differently may help.
fn is_answered(failure: &Failure) -> bool {
    matches!(failure, Failure::Fault(_) | Failure::Status(400 | 404 | 500))
}

// ---- users and calls ----------------------------------------------------------------------

impl Pbx {
    fn user(&mut self, user: UserInfo, clue: Clue, out: &mut Effects, lines: &mut ToLines) {
        if user.cn.is_empty() {
            // The end of the snapshot; such a record later means nothing.
            self.snapshot_ended = true;
            if let Clue::Renamed(renamed) = clue {
                lines.extend(renamed);
            }
            return;
        }
        let (line, identity) = match clue {
            Clue::Line { line, identity } => (line, identity),
            // A trunk: its number means something to the lines.
            Clue::Renamed(renamed) => return lines.extend(renamed),
            Clue::TooManyLines => {
                return out.push(Effect::Report(Report::LimitReached(Limit::Lines)));
            }
            _ => return,
        };
        if !user.active {
            self.forget(line);
            return lines.push((line, LineInput::Removed));
        }
        let renamed = identity.is_some();
        if let Some(identity) = identity {
            lines.push((line, LineInput::Identity(identity)));
        }
        lines.push((line, LineInput::Seen { registered: user.registered, changed: user.cfg }));
        match self.lines.get(&line).copied() {
            None | Some(Monitoring::Refused) => {
                self.lines.insert(line, Monitoring::Wanted);
                self.waiting.push_back((line, user.cn));
                self.ask_next_user(out);
            }
            Some(Monitoring::Wanted) if renamed => match &mut self.asking {
                Some(asking) if asking.line == line => asking.renamed = Some(user.cn),
                _ => {
                    let mut waiting = self.waiting.iter_mut();
                    if let Some((_, cn)) = waiting.find(|(waiting, _)| *waiting == line) {
                        *cn = user.cn;
                    }
                }
            },
            Some(Monitoring::Wanted | Monitoring::On) => {}
        }
    }

    /// One `UserInitialize` at a time: a small box must not be flooded.
    fn ask_next_user(&mut self, out: &mut Effects) {
        let (Phase::Up { session, .. } | Phase::Checking { session, .. }) = self.phase else {
            return;
        };
        if self.asking.is_some() {
            return;
        }
        if let Some((line, cn)) = self.waiting.pop_front() {
            if self.waiting.is_empty() {
                // It was long once and will not be again.
                self.waiting = VecDeque::new();
            }
            self.asking = Some(Asking { line, renamed: None });
            let interface = self.interface;
            self.ask(Request::UserInitialize { session, line, cn, interface }, out);
        }
    }

    fn user_initialized(
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
                *state = Monitoring::Refused;
                out.push(Effect::Report(Report::LineRefused(line)));
            }
            (Some(state), None) => {
                *state = Monitoring::On;
                self.users.insert(handle.0, line);
                let (pbx, attempt, address) = (self.id, self.attempt, self.address);
                let input = LineInput::Monitored { pbx, attempt, address, user: handle };
                lines.push((line, input));
            }
            (None, _) => {}
        }
        for (info, clue) in std::mem::take(&mut self.early) {
            self.call(info, &Clue::Call(clue), out, lines);
        }
        self.ask_next_user(out);
    }

    fn forget(&mut self, line: LineId) {
        self.lines.remove(&line);
        self.users.retain(|_, owner| *owner != line);
        self.waiting.retain(|(waiting, _)| *waiting != line);
    }

    fn call(&mut self, info: CallInfo, clue: &Clue, out: &mut Effects, lines: &mut ToLines) {
        let &Clue::Call(clue) = clue else { return };
        match self.users.get(&info.user) {
            Some(line) => lines.push((*line, LineInput::Call(self.attempt, info, clue))),
            None if self.asking.is_some() && self.early.len() < MAX_EARLY => {
                self.early.push((info, clue));
            }
            None => out.push(Effect::Report(Report::Surprise(Surprise::UnknownUser))),
        }
    }

    /// The replay of running calls follows each `UserInitialize` soon; nothing marks its end.
    fn watch_for_end_of_replay(&mut self, at: Millis, out: &mut Effects) {
        let up = matches!(self.phase, Phase::Up { .. } | Phase::Checking { .. });
        let all_asked = self.snapshot_ended && self.waiting.is_empty() && self.asking.is_none();
        if up && all_asked && !self.settled {
            self.settled = true;
            out.push(Effect::Wake(at + SETTLE_MS, Timer::Settled(self.id, self.attempt.0)));
        }
    }
}
