//! What the page gets to know, as short as it goes: arrays in a fixed order, texts by their number in a
//! table. `page/data.js` reads it; the two change together.

use serde::{Serialize, Serializer};
use std::collections::HashMap;

/// Calls whose ladders lie in one block. A block is read by the page when one of its calls is opened.
pub(super) const CALLS_PER_BLOCK: usize = 32;

/// A text by its number in a table; [`Text::NONE`] for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Text(i32);

impl Text {
    pub(super) const NONE: Text = Text(-1);
}

/// Texts, each once.
#[derive(Debug, Default)]
pub(super) struct Texts {
    numbers: HashMap<String, i32>,
    texts: Vec<String>,
}

impl Texts {
    /// The number of a text, which is a new one if it was not there yet.
    pub(super) fn of(&mut self, text: &str) -> Text {
        if text.is_empty() {
            return Text::NONE;
        }
        if let Some(number) = self.numbers.get(text) {
            return Text(*number);
        }
        let number = i32::try_from(self.texts.len()).unwrap_or(i32::MAX);
        self.numbers.insert(text.to_owned(), number);
        self.texts.push(text.to_owned());
        Text(number)
    }

    /// A text by its number.
    #[cfg(test)]
    pub(super) fn text(&self, text: Text) -> &str {
        usize::try_from(text.0).ok().and_then(|at| self.texts.get(at)).map_or("", String::as_str)
    }

    /// Begins anew, and keeps the room.
    pub(super) fn clear(&mut self) {
        self.numbers.clear();
        self.texts.clear();
    }
}

impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.texts.serialize(to)
    }
}

/// Some calls with the texts of their ladders.
#[derive(Debug, Default, Serialize)]
pub(super) struct Block {
    pub(super) texts: Texts,
    pub(super) calls: Vec<Call>,
}

/// One call: what its ladder shows.
#[derive(Debug)]
pub(super) struct Call {
    /// PBXs that have a column.
    pub(super) pbxs: Vec<u16>,
    pub(super) legs: Vec<Leg>,
    pub(super) steps: Vec<Step>,
    /// For each leg, at which steps its state becomes another one.
    pub(super) bands: Vec<Vec<Band>>,
    /// For each leg, at which steps something reads otherwise.
    pub(super) readings: Vec<Vec<Reading>>,
    pub(super) story: Vec<Sentence>,
    /// Keys of calls that belong with it.
    pub(super) related: Vec<Text>,
    /// Steps for which there was no room.
    pub(super) left_out: u64,
    /// Number of the record to which the first step's is the distance.
    pub(super) first: u64,
}

/// A line that takes part.
#[derive(Debug)]
pub(super) struct Leg {
    /// Its place in [`Index::lines`].
    pub(super) line: usize,
    /// Which call of the line, counted from 1; 0 if no callback spoke of it.
    pub(super) number: u32,
    /// dwCallID, as people write it.
    pub(super) call_id: Text,
    pub(super) parties: Text,
}

/// One step of a ladder.
#[derive(Debug)]
pub(super) struct Step {
    /// Milliseconds since the step before; for the first one, since the call began.
    pub(super) ms: u64,
    /// Records since the step before.
    pub(super) records: u64,
    /// Columns: PBXs, then legs, then the application; -1 for what concerns all.
    pub(super) from: i32,
    pub(super) to: i32,
    pub(super) kind: StepKind,
    /// What stands at the arrow.
    pub(super) label: Text,
    pub(super) detail: Text,
    /// The id of the request that it belongs to.
    pub(super) request: Text,
}

/// How a step is drawn. The page knows them by their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepKind {
    Event,
    Asked,
    Ordered,
    Answered,
    Completed,
    Failed,
    Told,
    Deadline,
    LinkLost,
    LinkUp,
    Resync,
    Surprise,
    Breach,
    Other,
}

/// From this step on, a leg is in this state.
#[derive(Debug)]
pub(super) struct Band {
    pub(super) step: usize,
    pub(super) state: Text,
    pub(super) mode: Text,
}

/// From this step on, this can be read of a leg: the fields of [`READINGS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) step: usize,
    pub(super) fields: [Text; READINGS],
}

/// Line, other calls, features, caller, called, connected, redirecting, redirection, origin, reason.
pub(super) const READINGS: usize = 10;

/// What happened, and the step that shows it; -1 if none does.
#[derive(Debug)]
pub(super) struct Sentence {
    pub(super) text: Text,
    pub(super) step: i64,
    /// The rule that decided; a text of its own, as few rules decide many calls.
    pub(super) rule: Text,
}

/// Everything that the page reads at once.
#[derive(Debug, Default, Serialize)]
pub(super) struct Index {
    pub(super) about: About,
    pub(super) texts: Texts,
    pub(super) pbxs: Vec<(u16, String)>,
    pub(super) lines: Vec<Line>,
    pub(super) calls: Vec<Entry>,
    pub(super) events: Vec<Moment>,
    pub(super) links: Vec<LinkSpan>,
}

/// The record as a whole.
#[derive(Debug, Default, Serialize)]
pub(super) struct About {
    pub(super) file: String,
    /// Of this program.
    pub(super) version: &'static str,
    pub(super) records: u64,
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
    pub(super) per_block: usize,
    /// What else is worth knowing, in a few words each.
    pub(super) facts: Vec<String>,
    /// What is missing, cut or damaged, in sentences.
    pub(super) notes: Vec<String>,
}

/// A line at the end of the record.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: u32,
    pub(super) number: String,
    pub(super) name: String,
    pub(super) pbx: Text,
    pub(super) state: Text,
    pub(super) calls: u64,
}

/// A call in the list of all.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) at_ms: u64,
    pub(super) for_ms: u64,
    pub(super) title: String,
    pub(super) outcome: Text,
    /// What is odd about it, in a word or two.
    pub(super) odd: Text,
    pub(super) lines: Vec<usize>,
    pub(super) key: String,
}

/// Something that happened to the whole.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) at_ms: u64,
    pub(super) seq: u64,
    pub(super) kind: MomentKind,
    pub(super) what: Text,
    /// The PBX that it concerns, or -1.
    pub(super) pbx: i32,
}

/// What it is. The page knows them by their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MomentKind {
    Session,
    Settings,
    LinkUp,
    LinkLost,
    TakeOver,
    Gap,
    Breach,
    Surprise,
    Estate,
}

/// How a PBX could be reached for a while.
#[derive(Debug)]
pub(super) struct LinkSpan {
    pub(super) pbx: u16,
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
    pub(super) state: LinkState,
    pub(super) what: Text,
}

/// How a PBX can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LinkState {
    /// At its own place.
    Up,
    /// At its standby.
    Standby,
    Down,
    /// Not known: records are missing.
    Missing,
}

/// Structures as arrays, in the order in which the page reads them.
macro_rules! as_array {
    ($($name:ident($($field:tt),+);)+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                ($(&self.$field,)+).serialize(to)
            }
        }
    )+};
}

as_array! {
    Call(pbxs, legs, steps, bands, readings, story, related, left_out, first);
    Leg(line, number, call_id, parties);
    Step(ms, records, from, to, kind, label, detail, request);
    Band(step, state, mode);
    Sentence(text, step, rule);
    Line(id, number, name, pbx, state, calls);
    Entry(at_ms, for_ms, title, outcome, odd, lines, key);
    Moment(at_ms, seq, kind, what, pbx);
    LinkSpan(pbx, from_ms, to_ms, state, what);
}

impl Serialize for Reading {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let step = i64::try_from(self.step).unwrap_or(i64::MAX);
        to.collect_seq(std::iter::once(step).chain(self.fields.iter().map(|text| text.0.into())))
    }
}

impl Serialize for StepKind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(*self as u8)
    }
}

impl Serialize for MomentKind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(*self as u8)
    }
}
