//! Gathers ladders from the records of a log, as they go by. What is kept is what goes on: a
//! conversation that is over is given away.

mod calls;
mod causes;
mod ends;
mod steps;

use super::{Ending, Ground, Key, Ladder, Mark, StepKind};
use crate::playback::Playback;
use crate::replay::pbx_name;
use engine::effect::{Effect, Notice, What};
use engine::fact::{Event, Function, HostFact, Record};
use engine::id::{Attempt, CallId, Correlation, LineId, PbxId, RequestId, Ticket};
use engine::line::Rule;
use engine::time::Millis;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Most steps of one ladder.
const MAX_STEPS: usize = 2_000;
/// Most legs of one ladder.
const MAX_LEGS: usize = 64;
/// Most call events kept of legs that nobody knows yet.
const MAX_EARLY: usize = 512;
/// How long answers that come late still belong to a conversation that is over.
const LINGER_MS: u64 = 5_000;

/// The conversations that go on, and those that are over and were not taken away yet.
#[derive(Default)]
pub(crate) struct Ladders {
    live: BTreeMap<u64, Conversation>,
    next: u64,
    by_key: BTreeMap<Key, u64>,
    calls: BTreeMap<CallId, Place>,
    /// Those of them that their lines have not been found without: what is gone stays so, and lines are
    /// looked at with each record.
    present: BTreeSet<CallId>,
    handles: BTreeMap<Handle, CallId>,
    requests: BTreeMap<Correlation, Asked>,
    /// What lines ask by themselves, or in several questions for a request.
    questions: BTreeMap<(LineId, Ticket), Correlation>,
    /// Events of legs that the PBX has not named yet.
    early: VecDeque<(Handle, Heard)>,
    /// Conversations that seem to be over, and since when.
    leaving: VecDeque<(Millis, u64)>,
    over: Vec<Ladder>,
    /// Those that the record at hand is about.
    concerned: BTreeSet<u64>,
}

/// Where a call is: in which conversation, as which leg.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    conversation: u64,
    leg: usize,
}

/// A leg in a session of a PBX.
type Handle = (PbxId, Attempt, u32);

struct Conversation {
    ladder: Ladder,
    over_since: Option<Millis>,
    requests: Vec<Correlation>,
    handles: Vec<Handle>,
}

/// A request of an application.
struct Asked {
    function: Function,
    calls: Vec<CallId>,
    /// Where it is if it is about no call.
    conversation: Option<u64>,
    rule: Option<&'static Rule>,
    pbx: PbxId,
    is_open: bool,
}

/// Something that was said, before it is known where it belongs.
#[derive(Clone)]
struct Heard {
    seq: u64,
    at: Millis,
    ground: Ground,
    correlation: Option<Correlation>,
    way: Way,
    what: StepKind,
}

/// From whom to whom.
#[derive(Clone, Copy)]
enum Way {
    FromPbx(PbxId),
    ToPbx(PbxId),
    FromApplication,
    ToApplication,
    AtLine,
    AtPbx(PbxId),
}

impl Ladders {
    /// Takes a record, and the log behind it.
    pub(crate) fn take(&mut self, seq: u64, record: &Record, playback: &Playback) {
        let at = record.at;
        self.concerned.clear();
        self.give_away(at);
        if record.event == Event::Host(HostFact::Started) {
            self.end_all(Ending::Restarted);
        }
        let here = Here { seq, at, ground: Ground::of(record), playback };
        if let Event::App(_, _, request, command) = &record.event {
            self.asked(&here, *request, command);
        }
        for line in playback.touched() {
            self.look_at(*line, &here);
        }
        self.cause(record, &here);
        self.effects(&here);
        for line in playback.touched() {
            self.states(*line, &here);
        }
        self.name_pbxs(playback);
        self.look_for_ends(at);
    }

    /// PBXs that have just come into a conversation are called there as they are called now.
    fn name_pbxs(&mut self, playback: &Playback) {
        for id in &self.concerned {
            let Some(conversation) = self.live.get_mut(id) else { continue };
            for (pbx, name) in &mut conversation.ladder.pbxs {
                if name.is_empty() {
                    *name = pbx_name(*pbx, playback.core());
                }
            }
        }
    }

    /// The record at hand breaks an invariant.
    pub(crate) fn breach(&mut self, seq: u64, at: Millis, number: u8, words: &str) {
        for id in self.concerned.clone() {
            let words = words.to_owned();
            let heard = Heard {
                seq,
                at,
                ground: Ground::Other,
                correlation: None,
                way: Way::AtLine,
                what: StepKind::Breach { number, words },
            };
            self.put(id, None, heard);
        }
    }

    /// So many records are missing here: what became of the conversations is not known.
    pub(crate) fn leap(&mut self, seq: u64, at: Millis, missing: u64) {
        for id in self.live.keys().copied().collect::<Vec<_>>() {
            let what = StepKind::Mark(Mark::Gap(missing));
            self.put(
                id,
                None,
                Heard { seq, at, ground: Ground::Other, correlation: None, way: Way::AtLine, what },
            );
        }
        self.end_all(Ending::Unknown);
    }

    /// Takes away the conversations that are over, the one first that was over first.
    pub(crate) fn take_over(&mut self) -> Vec<Ladder> {
        std::mem::take(&mut self.over)
    }

    /// The conversations that go on, or were over just now.
    pub(crate) fn going_on(&self) -> impl Iterator<Item = &Ladder> {
        self.live.values().map(|conversation| &conversation.ladder)
    }

    /// The log ends: all that are left.
    pub(crate) fn finish(mut self) -> Vec<Ladder> {
        self.end_all(Ending::GoingOn);
        self.over
    }
}

/// A record at hand, and the log behind it.
struct Here<'a> {
    seq: u64,
    at: Millis,
    ground: Ground,
    playback: &'a Playback,
}

impl Here<'_> {
    fn heard(&self, correlation: Option<Correlation>, way: Way, what: StepKind) -> Heard {
        Heard { seq: self.seq, at: self.at, ground: self.ground, correlation, way, what }
    }

    /// Whether the host hears of a call for the first time.
    fn brings(&self, call: CallId) -> bool {
        self.playback.effects().iter().any(|effect| {
            matches!(effect, Effect::Tell(telling)
                if telling.what == What::Notice(Notice::NewCall(call)))
        })
    }

    /// How a request ended by this record, and whether the host is told.
    fn is_told(&self, line: LineId, request: RequestId) -> bool {
        self.playback.effects().iter().any(|effect| {
            matches!(effect, Effect::Tell(telling)
                if telling.line == line
                    && matches!(telling.what, What::Completed(done, _) if done == request))
        })
    }
}
