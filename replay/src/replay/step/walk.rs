//! A place in a log that can be moved both ways. Back means: from a copy of the state that was kept
//! on the way, and forward again.

use super::super::moment::Moment;
use super::super::reading::{self, Field};
use super::super::{records, state};
use crate::playback::Playback;
use crate::rows::{LineTag, Row};
use crate::trouble::Trouble;
use adapters::trace::{End, Records, Trace};
use engine::id::LineId;
use engine::time::Millis;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// After how many records a copy of the state is kept, to begin with.
const KEEP_EVERY: u64 = 500;
/// Most copies kept; then every other one is let go.
const MOST_KEPT: usize = 128;

/// A place in a log.
pub(super) struct Walk<'t> {
    trace: &'t Trace,
    records: Records<'t>,
    playback: Playback,
    /// The last record that is in the state.
    last: Option<u64>,
    fields: BTreeMap<LineId, Vec<Field>>,
    kept: Vec<Kept>,
    keep_every: u64,
    end: Option<End>,
}

/// A copy of the state.
struct Kept {
    last: Option<u64>,
    playback: Playback,
}

/// What a record did.
pub(super) struct Stepped {
    pub(super) seq: u64,
    pub(super) at: Millis,
    /// The record in words.
    pub(super) says: String,
    pub(super) rows: Vec<Row>,
    pub(super) changes: Vec<Change>,
}

/// A field that reads otherwise than before.
pub(super) struct Change {
    pub(super) line: LineTag,
    pub(super) field: String,
    before: Option<String>,
    after: Option<String>,
}

impl<'t> Walk<'t> {
    /// Before the first record.
    pub(super) fn begin(trace: &'t Trace) -> Result<Walk<'t>, Trouble> {
        let (core, next) = trace.state_before(trace.first())?;
        let playback = Playback::from(core);
        let kept = vec![Kept { last: None, playback: playback.clone() }];
        let mut walk = Walk {
            trace,
            records: trace.records_from(next),
            playback,
            last: None,
            fields: BTreeMap::new(),
            kept,
            keep_every: KEEP_EVERY,
            end: None,
        };
        walk.read_all();
        Ok(walk)
    }

    pub(super) fn playback(&self) -> &Playback {
        &self.playback
    }

    /// The last record that is in the state.
    pub(super) fn last(&self) -> Option<u64> {
        self.last
    }

    /// The first record there is.
    pub(super) fn first(&self) -> u64 {
        self.trace.first()
    }

    /// Takes the next record; none at the end.
    pub(super) fn forward(&mut self) -> Result<Option<Stepped>, Trouble> {
        let Some((seq, record)) = self.records.next() else {
            if self.end.is_none() {
                let over = std::mem::replace(&mut self.records, self.trace.records_from(u64::MAX));
                self.end = Some(over.end());
            }
            return Ok(None);
        };
        self.playback.take(record.clone());
        self.last = Some(seq);
        self.keep(seq);
        let mut changes = Vec::new();
        for line in self.playback.touched().to_vec() {
            self.read(line, &mut changes);
        }
        Ok(Some(Stepped {
            seq,
            at: record.at,
            says: records::in_words(&record, self.playback.core()),
            rows: self.playback.rows().collect(),
            changes,
        }))
    }

    /// Goes to where this record is the last one, forward or back.
    pub(super) fn go_to(&mut self, seq: u64) -> Result<Option<Stepped>, Trouble> {
        if self.last.is_none_or(|last| last < seq) {
            // Only what the last one does is of interest.
            return self.on_to(seq);
        }
        let is_before = |kept: &&Kept| kept.last.is_none_or(|last| last < seq);
        if let Some(kept) = self.kept.iter().rev().find(is_before) {
            self.last = kept.last;
            self.playback = kept.playback.clone();
            let next = self.last.map_or(self.trace.first(), |last| last + 1);
            self.records = self.trace.records_from(next);
            self.end = None;
            self.read_all();
        }
        self.on_to(seq)
    }

    pub(super) fn rewind(&mut self) -> Result<Option<Stepped>, Trouble> {
        let first = &self.kept[0];
        (self.last, self.playback) = (first.last, first.playback.clone());
        self.records = self.trace.records_from(self.trace.first());
        self.end = None;
        self.read_all();
        Ok(None)
    }

    pub(super) fn run_out(&mut self) -> Result<Option<Stepped>, Trouble> {
        self.on_to(u64::MAX)
    }

    pub(super) fn seek(&mut self, moment: Moment) -> Result<Option<Stepped>, Trouble> {
        let end = state::end_of(self.trace, moment)?;
        match end.checked_sub(1).filter(|seq| *seq >= self.trace.first()) {
            Some(seq) => self.go_to(seq),
            None => self.rewind(),
        }
    }

    /// Why there is nothing more.
    pub(super) fn end_in_words(&self) -> String {
        match &self.end {
            Some(End::Damaged(why) | End::Unusable(why)) => format!("No further: {why}"),
            _ => "This is the end.".to_owned(),
        }
    }

    fn on_to(&mut self, seq: u64) -> Result<Option<Stepped>, Trouble> {
        let mut stepped = None;
        while self.last.is_none_or(|last| last < seq) {
            match self.forward()? {
                Some(next) => stepped = Some(next),
                None => break,
            }
        }
        Ok(stepped)
    }

    fn keep(&mut self, seq: u64) {
        let newest = self.kept.last().and_then(|kept| kept.last).unwrap_or(self.trace.first());
        if seq < newest.saturating_add(self.keep_every) {
            return;
        }
        self.kept.push(Kept { last: Some(seq), playback: self.playback.clone() });
        if self.kept.len() > MOST_KEPT {
            let mut count = 0;
            self.kept.retain(|_| {
                count += 1;
                count % 2 == 1
            });
            self.keep_every *= 2;
        }
    }

    fn read_all(&mut self) {
        let views: Vec<_> = self.playback.core().lines().map(engine::line::Line::view).collect();
        let read = |view| reading::fields(view, &self.playback);
        self.fields = views.iter().map(|view| (view.identity.line, read(view))).collect();
    }

    /// Reads a line anew, and notes what has changed.
    fn read(&mut self, line: LineId, changes: &mut Vec<Change>) {
        let Some(view) = self.playback.core().view(line) else { return };
        let fields = reading::fields(&view, &self.playback);
        let before = self.fields.insert(line, fields.clone()).unwrap_or_default();
        let value = |fields: &[Field], name: &str| {
            fields.iter().find(|field| field.name == name).map(|field| field.reads.clone())
        };
        let gone = before.iter().filter(|field| value(&fields, &field.name).is_none());
        for field in fields.iter().chain(gone) {
            let (was, is) = (value(&before, &field.name), value(&fields, &field.name));
            if was != is {
                let line = LineTag::from(&view);
                changes.push(Change { line, field: field.name.clone(), before: was, after: is });
            }
        }
    }
}

impl Change {
    pub(super) fn for_people(&self) -> String {
        let LineTag { number, name, .. } = &self.line;
        let line = crate::rows::harmless(&format!("{number} {name}"));
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "—".to_owned());
        let (before, after) = (text(&self.before), text(&self.after));
        format!("  {}  {}: {before} \x1b[2m→\x1b[0m {after}", line.trim(), self.field)
    }

    pub(super) fn object(&self) -> Value {
        json!({
            "line": { "id": self.line.id, "number": self.line.number, "name": self.line.name },
            "field": self.field,
            "before": self.before,
            "after": self.after,
        })
    }
}
