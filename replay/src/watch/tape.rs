//! What was seen so far of a log: its records as moments, its lines and how they were when, and its
//! conversations. Stepping in time is then a matter of looking.

use crate::ladder::{Key, Ladder, Ladders};
use crate::playback::Playback;
use crate::replay::record_kind;
use crate::rows::{LineTag, state_word};
use engine::core::Core;
use engine::fact::Record;
use engine::id::LineId;
use engine::time::Millis;
use std::collections::{BTreeMap, VecDeque};

/// Most moments kept.
const MOST_MOMENTS: usize = 1 << 20;
/// Most conversations kept that are over.
const MOST_OVER: usize = 10_000;
/// Most changes kept of one line.
const MOST_CHANGES: usize = 1_000;

/// What was seen so far.
pub(super) struct Tape {
    playback: Playback,
    ladders: Ladders,
    moments: VecDeque<Point>,
    lines: BTreeMap<LineId, Track>,
    over: VecDeque<Ladder>,
    /// Conversations that were let go.
    left_out: u64,
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) seq: u64,
    pub(super) at: Millis,
    /// Of which kind it is.
    pub(super) kind: &'static str,
}

/// A line, and how it was from which record on.
pub(super) struct Track {
    pub(super) tag: LineTag,
    states: VecDeque<(u64, &'static str)>,
}

impl Track {
    /// How it was after a record; none if it was not there yet.
    pub(super) fn state_at(&self, seq: u64) -> Option<&'static str> {
        let known = self.states.partition_point(|(since, _)| *since <= seq);
        known.checked_sub(1).and_then(|last| self.states.get(last)).map(|(_, state)| *state)
    }

    fn note(&mut self, seq: u64, state: &'static str) {
        if self.states.back().is_none_or(|(_, last)| *last != state) {
            if self.states.len() == MOST_CHANGES {
                self.states.pop_front();
            }
            self.states.push_back((seq, state));
        }
    }
}

impl Tape {
    /// Begins with the state before a record.
    pub(super) fn new(core: Core, next: u64) -> Tape {
        let mut tape = Tape {
            playback: Playback::from(core),
            ladders: Ladders::default(),
            moments: VecDeque::new(),
            lines: BTreeMap::new(),
            over: VecDeque::new(),
            left_out: 0,
        };
        let before = next.saturating_sub(1);
        let lines: Vec<LineId> = tape.playback.core().lines().map(engine::line::Line::id).collect();
        lines.into_iter().for_each(|line| tape.look_at(line, before));
        tape
    }

    /// Takes a record.
    pub(super) fn take(&mut self, seq: u64, record: &Record) {
        if self.moments.len() == MOST_MOMENTS {
            self.moments.pop_front();
        }
        self.moments.push_back(Point { seq, at: record.at, kind: record_kind(record) });
        self.playback.take(record.clone());
        self.ladders.take(seq, record, &self.playback);
        for ladder in self.ladders.take_over() {
            if self.over.len() == MOST_OVER {
                self.over.pop_front();
                self.left_out += 1;
            }
            self.over.push_back(ladder);
        }
        for line in self.playback.touched().to_vec() {
            self.look_at(line, seq);
        }
    }

    /// Records are missing; this is the state behind them.
    pub(super) fn leap(&mut self, core: Core, next: u64, missing: u64) {
        self.ladders.leap(next, self.playback.at(), missing);
        self.playback.set_core(core);
    }

    pub(super) fn moments(&self) -> &VecDeque<Point> {
        &self.moments
    }

    /// The lines that there were, by permanent id.
    pub(super) fn lines(&self) -> Vec<(LineId, &Track)> {
        let mut lines: Vec<_> = self.lines.iter().map(|(line, track)| (*line, track)).collect();
        lines.sort_by_key(|(_, track)| track.tag.id);
        lines
    }

    /// The conversations, in the order in which they began.
    pub(super) fn conversations(&self) -> Vec<&Ladder> {
        let mut all: Vec<&Ladder> = self.over.iter().chain(self.ladders.going_on()).collect();
        all.sort_by_key(|ladder| ladder.begun);
        all
    }

    /// A conversation that was seen before, by its key and its first record: the same key may come
    /// again.
    pub(super) fn conversation(&self, name: Name) -> Option<&Ladder> {
        let mut all = self.over.iter().chain(self.ladders.going_on());
        all.find(|ladder| Name::of(ladder) == name)
    }

    /// How many conversations were let go, since there were too many.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    fn look_at(&mut self, line: LineId, seq: u64) {
        let Some(view) = self.playback.core().view(line) else { return };
        let state = if view.removed { "removed" } else { state_word(Some(&view)) };
        let tag = LineTag::from(&view);
        let track = self
            .lines
            .entry(line)
            .or_insert_with(|| Track { tag: tag.clone(), states: VecDeque::new() });
        track.tag = tag;
        track.note(seq, state);
    }
}

/// What a conversation is remembered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name(Key, u64);

impl Name {
    pub(super) fn of(ladder: &Ladder) -> Name {
        Name(ladder.key, ladder.begun.0)
    }
}
