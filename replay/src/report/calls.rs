//! The calls of a report: each is written when it is over, and stays as an entry in the list.

use super::conversation;
use super::data::{Block, CALLS_PER_BLOCK, Entry, Line, Text, Texts};
use super::file::ReportFile;
use super::reading::Readings;
use super::summing_up;
use crate::ladder::{Ladder, Ladders};
use crate::playback::Playback;
use crate::replay::{Point, Which};
use crate::rows::state_word;
use crate::trouble::Trouble;
use engine::core::Core;
use engine::fact::Record;
use engine::id::LineId;
use engine::invariant::Breach;
use engine::time::Millis;
use std::collections::BTreeMap;

/// Calls with something odd that a report takes beyond its limit: what one looks for is not to be cut.
const MOST_ODD: usize = 2_000;
/// Bytes of ladders beyond which calls are only counted: browsers keep pages in memory.
const MOST_BYTES: u64 = 128 << 20;

/// Which calls are wanted.
#[derive(Default)]
pub(super) struct Filter {
    pub(super) line: Option<Which>,
    pub(super) number: Option<String>,
    pub(super) from: Option<Point>,
}

impl Filter {
    fn lets_through(&self, ladder: &Ladder) -> bool {
        let Filter { line, number, from } = self;
        let is_of = |which: &Which| ladder.legs.iter().any(|leg| which.names(&leg.tag));
        let has = |number: &String| {
            ladder.legs.iter().any(|leg| leg.tag.number == *number || leg.parties().have(number))
        };
        line.as_ref().is_none_or(is_of)
            && number.as_ref().is_none_or(has)
            && from.is_none_or(|from| from.has_come(ladder.last.0, ladder.last.1))
    }
}

/// The calls on their way through a log.
pub(super) struct Calls {
    ladders: Ladders,
    readings: Readings,
    filter: Filter,
    block: Block,
    entries: Vec<Entry>,
    /// Entries of calls with something odd beyond the limit.
    odd_beyond: usize,
    most: usize,
    left_out: u64,
}

impl Calls {
    pub(super) fn new(most: usize) -> Calls {
        Calls {
            ladders: Ladders::default(),
            readings: Readings::default(),
            filter: Filter::default(),
            block: Block::default(),
            entries: Vec::new(),
            odd_beyond: 0,
            most,
            left_out: 0,
        }
    }

    /// Only these from now on.
    pub(super) fn let_through(&mut self, filter: Filter) {
        self.filter = filter;
    }

    /// Takes a record that the playback has taken.
    pub(super) fn take(
        &mut self,
        seq: u64,
        record: &Record,
        playback: &Playback,
        breach: Option<&Breach>,
    ) {
        self.readings.take(seq, playback);
        self.ladders.take(seq, record, playback);
        if let Some(Breach { number, what }) = breach {
            self.ladders.breach(seq, record.at, *number, what);
        }
    }

    /// Writes the calls that are over.
    pub(super) fn write_what_is_over(
        &mut self,
        file: &mut ReportFile,
        lines: &mut Lines,
        texts: &mut Texts,
        core: &Core,
    ) -> Result<(), Trouble> {
        let over = self.ladders.take_over();
        over.iter().try_for_each(|ladder| self.write(ladder, file, lines, texts, core))
    }

    fn write(
        &mut self,
        ladder: &Ladder,
        file: &mut ReportFile,
        lines: &mut Lines,
        texts: &mut Texts,
        core: &Core,
    ) -> Result<(), Trouble> {
        let odd = summing_up::odd(ladder);
        if !self.filter.lets_through(ladder) || !self.has_room(odd.is_some(), file) {
            ladder.legs.iter().for_each(|leg| drop(self.readings.of(leg.call)));
            return Ok(());
        }
        let call = conversation::of(
            ladder,
            &mut self.readings,
            |line| lines.place_of(line),
            &mut self.block.texts,
        );
        let mut of_lines: Vec<usize> = call.legs.iter().map(|leg| leg.line).collect();
        of_lines.dedup();
        of_lines.iter().for_each(|line| lines.count(*line));
        self.block.calls.push(call);
        self.entries.push(Entry {
            at_ms: ladder.begun.1.0,
            for_ms: ladder.last.1.since(ladder.begun.1),
            title: summing_up::title(ladder, |line| names_of(&[line], core)),
            outcome: texts.of(&summing_up::outcome(ladder)),
            odd: odd.map_or(Text::NONE, |odd| texts.of(&odd)),
            lines: of_lines,
            key: ladder.key.to_string(),
        });
        if self.block.calls.len() == CALLS_PER_BLOCK { self.write_block(file) } else { Ok(()) }
    }

    /// Whether one more call may go in; counted if not.
    fn has_room(&mut self, is_odd: bool, file: &ReportFile) -> bool {
        let has_room = file.bytes() < MOST_BYTES;
        if has_room && self.entries.len() - self.odd_beyond < self.most {
            return true;
        }
        if has_room && is_odd && self.odd_beyond < MOST_ODD {
            self.odd_beyond += 1;
            return true;
        }
        self.left_out += 1;
        false
    }

    fn write_block(&mut self, file: &mut ReportFile) -> Result<(), Trouble> {
        file.block(&self.block)?;
        self.block.texts.clear();
        self.block.calls.clear();
        Ok(())
    }

    /// Records before this one are missing: what still went on is over as far as one knows.
    pub(super) fn leap(&mut self, seq: u64, at: Millis, missing: u64) {
        self.ladders.leap(seq, at, missing);
    }

    /// Writes what still goes on at the end.
    pub(super) fn end(
        &mut self,
        file: &mut ReportFile,
        lines: &mut Lines,
        texts: &mut Texts,
        core: &Core,
    ) -> Result<(), Trouble> {
        let left = std::mem::take(&mut self.ladders).finish();
        left.iter().try_for_each(|ladder| self.write(ladder, file, lines, texts, core))?;
        if self.block.calls.is_empty() { Ok(()) } else { self.write_block(file) }
    }

    /// What was left out, in a sentence.
    pub(super) fn note(&self) -> Option<String> {
        let left_out = self.left_out;
        (left_out > 0).then(|| {
            format!(
                "{left_out} calls more are not in this report, which would be too large for a browser; \
                 --from, --to, --line and --number choose others."
            )
        })
    }

    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }
}

/// The lines of a report, in the order in which calls name them.
#[derive(Default)]
pub(super) struct Lines {
    places: BTreeMap<LineId, usize>,
    calls: Vec<u64>,
}

impl Lines {
    fn place_of(&mut self, line: LineId) -> usize {
        let next = self.calls.len();
        let place = *self.places.entry(line).or_insert(next);
        if place == next {
            self.calls.push(0);
        }
        place
    }

    fn count(&mut self, place: usize) {
        if let Some(calls) = self.calls.get_mut(place) {
            *calls += 1;
        }
    }

    /// All lines as they are at the end.
    pub(super) fn at_the_end(mut self, core: &Core, texts: &mut Texts) -> Vec<Line> {
        for line in core.lines() {
            self.place_of(line.id());
        }
        let mut lines: Vec<(usize, LineId)> =
            self.places.iter().map(|(line, place)| (*place, *line)).collect();
        lines.sort_unstable();
        let line = |(place, line): (usize, LineId)| {
            let view = core.view(line);
            let identity = view.as_ref().map(|view| &view.identity);
            let text = |of: fn(&engine::view::Identity) -> &engine::view::Wide| {
                identity.map_or_else(String::new, |identity| of(identity).to_text())
            };
            Line {
                id: identity.map_or(line.0, |identity| identity.permanent.0),
                number: text(|identity| &identity.number),
                name: text(|identity| &identity.name),
                pbx: texts.of(&text(|identity| &identity.switch)),
                state: texts.of(match &view {
                    Some(view) if view.removed => "no more",
                    view => state_word(view.as_ref()),
                }),
                calls: self.calls[place],
            }
        };
        lines.into_iter().map(line).collect()
    }
}

/// Lines by number and name, for a sentence.
pub(super) fn names_of(lines: &[LineId], core: &Core) -> String {
    let name = |line: &LineId| {
        let view = core.view(*line)?;
        let (number, name) = (view.identity.number.to_text(), view.identity.name.to_text());
        Some(format!("{number} {name}").trim().to_owned())
    };
    // More than a few say nothing.
    let names: Vec<String> = lines.iter().take(3).filter_map(name).collect();
    if names.is_empty() { "no line".to_owned() } else { names.join(", ") }
}
