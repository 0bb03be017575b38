//! A ladder as the page shows it.

use super::data::{Band, Call, Leg, READINGS, Reading, Sentence, Step, StepKind, Text, Texts};
use super::reading::{CallReading, Readings};
use crate::ladder::{
    self, Column, Key, Kind as Told, Ladder, LegEvent, Mark, Step as LadderStep, StepKind as Kind,
};
use crate::rows::{Said, words};
use engine::id::{LineId, PbxId};

/// What the page needs of a ladder; `line_at` gives the place of a line in the list of all.
pub(super) fn of(
    ladder: &Ladder,
    readings: &mut Readings,
    mut line_at: impl FnMut(LineId) -> usize,
    texts: &mut Texts,
) -> Call {
    let pbxs = pbxs_of(ladder);
    let of_legs = ladder.legs.iter().map(|leg| Leg {
        line: line_at(leg.line),
        number: leg.number.unwrap_or(0),
        call_id: match leg.call_id() {
            0 => Text::NONE,
            id => texts.of(&format!("{id:08x}")),
        },
        parties: texts.of(&leg.parties().in_brief()),
    });
    let mut legs: Vec<Leg> = of_legs.collect();
    if let (true, Key::Request(id)) = (legs.is_empty(), ladder.key) {
        // A request that is about no call has its line all the same.
        let (number, call_id, parties) = (0, Text::NONE, Text::NONE);
        legs.push(Leg { line: line_at(id.line), number, call_id, parties });
    }
    let columns = Columns { pbxs: &pbxs, legs: legs.len() };
    let bands = (0..ladder.legs.len()).map(|leg| bands_of(ladder, leg, texts));
    let mut bands: Vec<Vec<Band>> = bands.collect();
    let readings = ladder.legs.iter().map(|leg| {
        let of_call = match leg.goes_on_as {
            // They are wanted once more, by the conversation in which the call goes on.
            Some(_) => readings.up_to(ladder.last.0, leg.call),
            None => readings.of(leg.call),
        };
        of_call.iter().map(|reading| reading_of(ladder, reading, texts)).collect()
    });
    let mut readings: Vec<Vec<Reading>> = readings.collect();
    bands.resize_with(legs.len(), Vec::new);
    readings.resize_with(legs.len(), Vec::new);
    Call {
        steps: steps_of(ladder, &columns, texts),
        pbxs: pbxs.iter().map(|pbx| pbx.0).collect(),
        legs,
        bands,
        readings,
        story: story_of(ladder, texts),
        related: ladder.related.iter().map(|key| texts.of(&key.to_string())).collect(),
        left_out: ladder.left_out,
        first: ladder.begun.0,
    }
}

/// PBXs that say something, or are asked, in the order in which they appear.
fn pbxs_of(ladder: &Ladder) -> Vec<PbxId> {
    let mut pbxs = Vec::new();
    let spoken = ladder.steps.iter().flat_map(|step| [step.from, step.to]);
    for column in spoken {
        if let Column::Pbx(pbx) = column
            && !pbxs.contains(&pbx)
        {
            pbxs.push(pbx);
        }
    }
    pbxs
}

/// The columns of a ladder: PBXs, legs, the application.
struct Columns<'a> {
    pbxs: &'a [PbxId],
    legs: usize,
}

impl Columns<'_> {
    fn place(&self, column: Column) -> i32 {
        let place = match column {
            Column::Pbx(pbx) => self.pbxs.iter().position(|known| *known == pbx).unwrap_or(0),
            Column::Line(leg) => self.pbxs.len() + leg.min(self.legs),
            Column::Application => self.pbxs.len() + self.legs,
        };
        i32::try_from(place).unwrap_or(i32::MAX)
    }
}

/// When the states of a leg begin: with the record that brings one; of several in one record, each
/// further one with the callback that tells it.
fn bands_of(ladder: &Ladder, leg: usize, texts: &mut Texts) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    let mut before = None;
    for band in &ladder.legs[leg].bands {
        let mut step = step_of(ladder, band.seq);
        if let (Some(last), true) = (bands.last(), before == Some(band.seq)) {
            let from = last.step + 1;
            let told = ladder.steps.iter().skip(from).take_while(|step| step.seq == band.seq);
            let is_it = |step: &LadderStep| {
                step.leg == Some(leg)
                    && matches!(&step.what, Kind::Told(Said::CallState { state, .. })
                        if *state == band.state.bits())
            };
            step = told.into_iter().position(is_it).map_or(last.step, |at| from + at);
        }
        before = Some(band.seq);
        bands.push(Band {
            step,
            state: texts.of(band.state.name()),
            mode: words::call_state_mode(band.state.bits(), band.mode)
                .map_or(Text::NONE, |mode| texts.of(&mode)),
        });
    }
    bands
}

/// The first step of a record, or else the last one before it.
fn step_of(ladder: &Ladder, seq: u64) -> usize {
    let at = ladder.steps.partition_point(|step| step.seq < seq);
    let is_there = ladder.steps.get(at).is_some_and(|step| step.seq == seq);
    if is_there { at } else { at.saturating_sub(1) }
}

fn reading_of(ladder: &Ladder, reading: &CallReading, texts: &mut Texts) -> Reading {
    let mut fields = [Text::NONE; READINGS];
    for (field, text) in fields.iter_mut().zip(&reading.fields) {
        *field = texts.of(text);
    }
    Reading { step: step_of(ladder, reading.seq), fields }
}

fn steps_of(ladder: &Ladder, columns: &Columns<'_>, texts: &mut Texts) -> Vec<Step> {
    let (mut seq, mut at) = ladder.begun;
    let steps = ladder.steps.iter().map(|step| {
        let Shown { kind, label, detail } = shown(step);
        let (from, to) = match kind {
            StepKind::LinkLost
            | StepKind::LinkUp
            | StepKind::Resync
            | StepKind::Surprise
            | StepKind::Breach
            | StepKind::Other => (-1, -1),
            _ => (columns.place(step.from), columns.place(step.to)),
        };
        let shown = Step {
            ms: step.at.since(at),
            records: step.seq.saturating_sub(seq),
            from,
            to,
            kind,
            label: texts.of(&label),
            detail: texts.of(&detail),
            request: step.correlation.map_or(Text::NONE, |id| texts.of(&id.to_string())),
        };
        (seq, at) = (step.seq, step.at);
        shown
    });
    steps.collect()
}

/// A step in words.
struct Shown {
    kind: StepKind,
    /// What stands at the arrow: a few words.
    label: String,
    detail: String,
}

impl Shown {
    fn new(kind: StepKind, label: impl Into<String>, detail: impl Into<String>) -> Shown {
        Shown { kind, label: label.into(), detail: detail.into() }
    }
}

fn shown(step: &LadderStep) -> Shown {
    let words = step.label();
    match &step.what {
        Kind::Asked { function, request, words } => {
            let id = match request.is_own() {
                true => String::new(),
                false => format!("request {}", request.0),
            };
            Shown::new(StepKind::Asked, function.name(), joined(&[words, &id]))
        }
        Kind::Ordered { operation, words } => Shown::new(StepKind::Ordered, *operation, words),
        Kind::Answered { is_good, .. } => {
            let kind = if *is_good { StepKind::Answered } else { StepKind::Failed };
            Shown::new(kind, words, "")
        }
        Kind::Event(event) => event_shown(event, &words),
        Kind::Completed { result, rule, .. } => {
            let kind = if result.is_ok() { StepKind::Completed } else { StepKind::Failed };
            let rule = rule.map_or_else(String::new, |rule| format!("rule “{}”", rule.request));
            Shown::new(kind, words, joined(&[&format!("by {}", step.ground.in_words()), &rule]))
        }
        Kind::Told(_) => Shown::new(StepKind::Told, words, ""),
        Kind::Deadline => Shown::new(StepKind::Deadline, words, ""),
        Kind::Closed => Shown::new(StepKind::Asked, words, "the host closes its handle"),
        Kind::NotTaken => Shown::new(StepKind::Asked, words, "the host does not take the call"),
        Kind::Surprise(_) => Shown::new(StepKind::Surprise, words, ""),
        Kind::Breach { .. } => Shown::new(StepKind::Breach, words, ""),
        Kind::Mark(Mark::LinkLost(why)) => Shown::new(StepKind::LinkLost, why, ""),
        Kind::Mark(Mark::LinkUp(place)) => Shown::new(StepKind::LinkUp, place, ""),
        Kind::Mark(Mark::Resynced) => Shown::new(StepKind::Resync, words, ""),
        Kind::Mark(Mark::Gap(_)) => Shown::new(StepKind::Other, words, ""),
    }
}

/// The message at the arrow, or what it says of the leg where the PBX names none; the rest beside it.
fn event_shown(event: &LegEvent, words: &str) -> Shown {
    let message = event.message();
    let label = if message.is_empty() { event.phase() } else { message };
    Shown::new(StepKind::Event, label, format!("{words}, state {:#x}", event.state))
}

/// What is there, with commas.
fn joined(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

/// What happened, in sentences that name their evidence: first the whole in one, and what is odd. What
/// orders, answers and callbacks say is in the ladder, and is left out here.
fn story_of(ladder: &Ladder, texts: &mut Texts) -> Vec<Sentence> {
    let whole = std::iter::once(ladder::summary(ladder)).chain(ladder::odd(ladder));
    let of_whole = |text: String| Sentence { text: texts.of(&text), step: -1, rule: Text::NONE };
    let mut story: Vec<Sentence> = whole.map(of_whole).collect();
    let of_steps = ladder::story(ladder).into_iter().filter(|sentence| {
        !matches!(sentence.kind, Told::Ordered | Told::Answered | Told::Told | Told::Closed)
    });
    story.extend(of_steps.map(|sentence| Sentence {
        text: texts.of(&sentence.text),
        step: i64::try_from(sentence.step).unwrap_or(-1),
        rule: texts.of(&sentence.rule.unwrap_or_default()),
    }));
    story
}
