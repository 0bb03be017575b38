//! One PBX: where it is, the session with it, from the first question to the last, and what to do
//! when it is lost.
//!
//! ```text
//! Idle ─Configured→ (Locating ─LocationUrl→) Identifying ─Version→ Initializing ─Initialize→ Up
//!                              ↑                                        │ refused          │ ⇅ Echo
//!                              └──── Reconnect ── Waiting ←─────────────┴────────── lost ──┘
//! ```
//! While Up exactly one Poll is pending, and at most one `UserInitialize`. A PBX of the settings may
//! have a standby: the two are tried in turn, and while the standby serves, its master is looked at
//! from time to time in an attempt beside the session (`trial.rs`). So are other credentials tried,
//! if the settings change them while a session is held.

mod reach;
mod session;
mod trial;
mod users;

pub use self::reach::{Credentials, Reach};
use self::trial::Trial;
use self::users::Seen;
use crate::effect::{Ask, Effect, Effects, Interface, Limit, Report, Request};
use crate::estate::Located;
use crate::fact::{CallInfo, Failure, PbxFact, Question};
use crate::forwarding::Case;
use crate::handles::Handles;
use crate::id::{Attempt, LineId, Link, PbxId};
use crate::line::LineInput;
use crate::pii::Personal;
use crate::place::Place;
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
/// How often a master is looked at while its standby serves (reference of the PBX, 4.6).
pub const PROBE_MS: u64 = 30_000;

/// Most events kept back while the PBX owes us the handle of a user (I-24).
pub const MAX_EARLY: usize = 256;
/// A user whose `UserInitialize` is answered by an error is asked for again, after all others; so
/// often at most, or a box that stumbles over one user would be asked about him for ever.
pub const MAX_USER_FAILURES: u8 = 3;

/// Most objects that a PBX reports of all groups of one user together; others it leaves out without
/// a word (reference of the PBX, 8.1).
pub const MAX_SCOPE: u32 = 2_000;

/// What can happen to a PBX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PbxInput {
    /// A session of the telephony server begins.
    Started,
    /// It is to be looked after, in this way from now on.
    Configured {
        /// How it is reached.
        reach: Reach,
        /// On whose behalf to ask, and with which account.
        credentials: Credentials,
        /// How long to wait before it is asked for the first time, in milliseconds.
        pause_ms: u32,
    },
    /// It is not to be looked after any more.
    Gone,
    /// It is worth a look now: it may be there again, or somewhere else.
    Look,
    /// Its session may be over without a word.
    Check,
    /// It is the same box as another PBX, which is looked after instead.
    Double(PbxId),
    /// A user's home is elsewhere from now on.
    Leave(LineId),
    /// A user of whom it spoke before is at home here from now on.
    Take {
        /// His line.
        line: LineId,
        /// His Long Name.
        cn: Personal,
        /// A device of his is registered.
        registered: bool,
    },
    /// A limit that concerns no PBX more than another.
    Reached(Limit),
    /// Something that the estate has to report, and that changes nothing here.
    Say(Report),
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
    /// Whose record it is: somebody who is at home at this PBX; and who that is now if it changed.
    Line {
        /// The line.
        line: LineId,
        /// Its identity, if it is new or changed.
        identity: Option<Arc<Identity>>,
    },
    /// The same of somebody who is at home elsewhere, or nowhere.
    Foreign {
        /// The line.
        line: LineId,
        /// Its identity, if it is new or changed.
        identity: Option<Arc<Identity>>,
        /// Another PBX that says, as this one does, that he is at home there.
        rival: Option<PbxId>,
        /// Nobody spoke of him before.
        revived: bool,
    },
    /// The user of this line is deleted, or out of scope, and no PBX speaks of him any more.
    Removed(LineId),
    /// What is known of the call the event belongs to.
    Call(CallClue),
    /// Lines whose identity changed with what the PBX said of itself.
    Renamed(Vec<(LineId, LineInput)>),
    /// All objects have been reported: what is other than when the PBX was last seen, and lines
    /// whose identity changed with it.
    End(Changes, Vec<(LineId, LineInput)>),
    /// Where a slave is.
    Located(Located),
    /// This is the same box as another PBX, which is looked after instead.
    Double(PbxId),
    /// The estate is full.
    Limit(Limit),
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

/// What is other than before a session began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Lines that were not there.
    pub added: u32,
    /// Lines with another name or number.
    pub renamed: u32,
    /// Lines that are not there any more.
    pub gone: u32,
    /// Lines that stay out of service, as the box that serves now does not know their users: it is
    /// a standby, whose picture is older than that of the box it stands in for.
    pub missing: u32,
}

/// What goes on from a PBX to lines. A new line begins with its identity.
pub type ToLines = Vec<(LineId, LineInput)>;

/// The state of a PBX.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pbx {
    id: PbxId,
    reach: Reach,
    credentials: Credentials,
    phase: Phase,
    /// The present attempt.
    attempt: Attempt,
    /// The latest one, which may be a trial.
    latest: Attempt,
    /// Where the present attempt asks.
    place: Arc<Place>,
    /// Which of the ways of its reach the present attempt takes.
    turn: u32,
    /// Attempts since the last pause, or since a good session.
    tried: u32,
    interface: Interface,
    /// Pauses in a row without a good session between them.
    failures: u32,
    /// When the present session began.
    up_since: Millis,
    /// Quick empty Polls in a row.
    quick: u32,
    users: Handles<LineId>,
    lines: BTreeMap<LineId, Watched>,
    waiting: VecDeque<(LineId, Personal)>,
    asking: Option<Asking>,
    /// Events of a user whose handle is not known yet: a Poll may bring the running calls of a
    /// user before the answer to its `UserInitialize`, which comes on another connection.
    early: Vec<(CallInfo, CallClue)>,
    /// Objects reported before the end of the snapshot.
    objects: u32,
    snapshot_ended: bool,
    settled: bool,
    /// A user of this session is registered, or was.
    serves: bool,
    /// An attempt to go back to the master.
    trial: Option<Trial>,
    /// Trials since the standby was turned to.
    trials: u32,
    /// Number of the plan for the next one.
    plan: u32,
    /// That plan is one for soon, or the present trial is to be followed by another one soon.
    is_hastened: bool,
    /// The present session was opened with other credentials than those in force.
    is_stale: bool,
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    Idle,
    Locating,
    Identifying,
    Initializing,
    Up {
        session: u32,
    },
    Checking {
        session: u32,
    },
    Waiting,
    /// The same box is looked after under another number.
    Double,
    Stopped,
}

/// What is known of a line in the present session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Watched {
    monitoring: Monitoring,
    /// A device is registered.
    registered: bool,
    /// How often `UserInitialize` was answered in no way that makes sense.
    failures: u8,
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
    cn: Personal,
    /// The user's new name, if it was renamed meanwhile: under the old one the PBX may not know it.
    renamed: Option<Personal>,
}

impl Pbx {
    /// A PBX that nothing is known of yet.
    #[must_use]
    pub fn new(id: PbxId) -> Pbx {
        Pbx {
            id,
            reach: Reach::default(),
            credentials: Credentials::default(),
            phase: Phase::Idle,
            attempt: Attempt(0),
            latest: Attempt(0),
            place: Arc::default(),
            turn: 0,
            tried: 0,
            interface: Interface::V10,
            failures: 0,
            up_since: Millis(0),
            quick: 0,
            users: Handles::default(),
            lines: BTreeMap::new(),
            waiting: VecDeque::new(),
            asking: None,
            early: Vec::new(),
            objects: 0,
            snapshot_ended: false,
            settled: false,
            serves: false,
            trial: None,
            trials: 0,
            plan: 0,
            is_hastened: false,
            is_stale: false,
        }
    }

    /// Takes one input; what it means for lines is added to `lines`.
    pub fn apply(&mut self, at: Millis, input: PbxInput, out: &mut Effects, lines: &mut ToLines) {
        match input {
            PbxInput::Started => {
                let (attempt, latest, plan) = (self.attempt, self.latest, self.plan);
                *self = Pbx { attempt, latest, plan, ..Pbx::new(self.id) };
            }
            PbxInput::Configured { reach, credentials, pause_ms } => {
                self.configured(at, reach, credentials, pause_ms, out, lines);
            }
            PbxInput::Stopping => self.stop(out),
            PbxInput::Reached(limit) => out.push(Effect::Report(Report::LimitReached(limit))),
            PbxInput::Say(report) => out.push(Effect::Report(report)),
            PbxInput::Fact(_, _, clue) if self.is_idle() => too_late(clue, lines),
            _ if self.is_idle() => {}
            PbxInput::Gone => {
                self.retire(out, lines);
                self.phase = Phase::Idle;
                out.push(Effect::Report(Report::PbxLeft(self.id)));
            }
            PbxInput::Double(of) => self.double(of, out, lines),
            PbxInput::Look => self.look(at, out),
            PbxInput::Check => self.check(out),
            PbxInput::Leave(line) => {
                self.note_in_trial(line, None);
                self.forget(line);
                lines.push((line, LineInput::LinkLost(self.link())));
            }
            PbxInput::Take { line, cn, registered } => {
                self.note_in_trial(line, Some((cn.clone(), registered)));
                if self.is_up() {
                    let seen = Seen { registered, changed: false };
                    self.take(at, line, cn, seen, out, lines);
                }
            }
            PbxInput::Due(timer) => self.due(timer, out, lines),
            PbxInput::Fact(attempt, fact, clue) => {
                let over = matches!(self.phase, Phase::Waiting | Phase::Double);
                if attempt == self.attempt && !over {
                    self.fact(at, fact, clue, out, lines);
                } else if self.trial.as_ref().is_some_and(|trial| trial.attempt == attempt) {
                    self.trial_fact(at, fact, clue, out, lines);
                } else {
                    too_late(clue, lines);
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
            PbxFact::Located(_) => self.located(at, clue, out, lines),
            PbxFact::Identified(_) => self.identified(clue, out, lines),
            PbxFact::Initialized { session, .. } => {
                self.initialized(at, session, out, lines);
            }
            PbxFact::User(user) => self.user(at, *user, clue, out, lines),
            PbxFact::Call(info) => self.call(info, &clue, out, lines),
            PbxFact::Polled { count, elapsed_ms } => self.polled(count, elapsed_ms, out),
            PbxFact::UserInitialized(line, handle) => {
                self.user_initialized(line, handle, out, lines);
            }
            PbxFact::Echoed(exists) => self.echoed(at, exists, out, lines),
            PbxFact::Failed(question, failure) => self.failed(at, question, failure, out, lines),
            PbxFact::Probed | PbxFact::Ended => {}
        }
        self.watch_for_end_of_replay(at, out);
    }

    fn link(&self) -> Link {
        Link { pbx: self.id, attempt: self.attempt }
    }

    /// Whether nobody wants anything of it.
    fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle | Phase::Stopped)
    }

    fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Up { .. } | Phase::Checking { .. })
    }

    fn session(&self) -> Option<u32> {
        match self.phase {
            Phase::Up { session, .. } | Phase::Checking { session, .. } => Some(session),
            _ => None,
        }
    }

    fn ask(&self, request: Request, out: &mut Effects) {
        self.ask_in(self.attempt, &self.place, request, out);
    }

    fn ask_in(&self, attempt: Attempt, place: &Arc<Place>, request: Request, out: &mut Effects) {
        let place = Arc::clone(place);
        out.push(Effect::Ask(Box::new(Ask { pbx: self.id, attempt, place, request })));
    }
}

/// Whether a session, if there was one, is over with this fact.
pub(crate) fn ends_session(fact: &PbxFact) -> bool {
    match fact {
        PbxFact::Ended | PbxFact::Echoed(false) => true,
        PbxFact::Failed(question, failure) => match question {
            Question::Poll => !matches!(failure, Failure::Fault(_)),
            Question::Initialize | Question::Version | Question::UserInitialize(_) => {
                !is_answered(failure)
            }
            Question::Echo | Question::End | Question::Locate | Question::Probe => true,
        },
        _ => false,
    }
}

/// What a fact means whose session is over: it says nothing of sessions or calls any more, but the
/// estate has taken in who is who, and the lines must not think otherwise.
fn too_late(clue: Clue, lines: &mut ToLines) {
    match clue {
        Clue::Renamed(renamed) | Clue::End(_, renamed) => lines.extend(renamed),
        Clue::Removed(line) => lines.push((line, LineInput::Removed)),
        Clue::Line { line, identity } => {
            lines.extend(identity.map(|identity| (line, LineInput::Identity(identity))));
        }
        Clue::Foreign { line, identity, revived, .. } => {
            lines.extend(identity.map(|identity| (line, LineInput::Identity(identity))));
            lines.extend(revived.then_some((line, LineInput::Known)));
        }
        _ => {}
    }
}

/// The box answered, only not as hoped: asking differently may help.
fn is_answered(failure: &Failure) -> bool {
    matches!(failure, Failure::Fault(_) | Failure::Status(400 | 404 | 500))
}
