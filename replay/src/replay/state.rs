//! `tapline replay state`: what applications would have read at a moment.

use super::moment::{Moment, Point};
use super::progress::Progress;
use super::{Which, reading};
use crate::command_line::ReplayState;
use crate::output::Output;
use crate::playback::Playback;
use crate::rows::{Clock, ColumnWidths, cells, fitted, heading, state_word};
use crate::trouble::Trouble;
use adapters::trace::{End, Trace};
use engine::view::LineView;
use serde_json::json;
use std::path::Path;

/// Shows the state at a moment.
pub(super) fn show(options: &ReplayState) -> Result<(), Trouble> {
    let place = reach(&options.log, options.at)?;
    let (playback, line) = (&place.playback, options.line.as_ref());
    let mut output = Output::new(options.json);
    output.remark(&heading(&place.in_words()))?;
    print(playback, line, &mut output)?;
    let views = views(playback, line);
    let calls: usize = views.iter().map(|view| view.calls.len()).sum();
    let summary = json!({ "summary": {
        "record": place.seq,
        "time": Clock::of(playback.at()).whole(),
        "lines": views.len(),
        "calls": calls,
    } });
    output.summary(&format!("{} lines, {calls} calls.", views.len()), &summary)?;
    place.end.map_or(Ok(()), Trouble::of_end)
}

/// Shows what can be read: of all lines in a table, of a certain one everything.
pub(super) fn print(
    playback: &Playback,
    line: Option<&Which>,
    output: &mut Output,
) -> Result<(), Trouble> {
    let views = views(playback, line);
    if let (Some(which), true) = (line, views.is_empty()) {
        return Err(Trouble::Usage(no_such_line(which, playback)));
    }
    match (&mut *output, line) {
        (Output::Machines, _) => views.iter().try_for_each(|view| {
            let object = reading::object(view, playback, playback.at());
            crate::output::line(&object.to_string())
        }),
        (output, Some(_)) => views.iter().try_for_each(|view| detail(view, playback, output)),
        (output, None) => table(&views, playback, output),
    }
}

/// A place in a log, with the state there.
pub(super) struct Reached {
    pub(super) playback: Playback,
    /// The last record that is in the state; `None` before the first.
    pub(super) seq: Option<u64>,
    /// How the log ended, if it was read to its end.
    end: Option<End>,
}

/// Records that are replayed from the beginning, so that calls have their numbers, rather than from
/// the nearest image: they take less than a twentieth of a second.
const NEAR: u64 = 20_000;

/// Goes up to a moment of a log, or to its end. Far from its beginning it starts at an image of the
/// state; calls of before that have no numbers then.
pub(super) fn reach(log: &Path, at: Option<Moment>) -> Result<Reached, Trouble> {
    let trace = Trace::open(log)?;
    let end = match at {
        Some(at) => end_of(&trace, at)?,
        None => u64::MAX,
    };
    let has_gaps = trace.gaps().iter().any(|gap| gap.from < end);
    let is_near = !has_gaps && (end.saturating_sub(trace.first()) <= NEAR || at.is_none());
    let (core, next) = trace.state_before(if is_near { trace.first() } else { end })?;
    let mut playback = Playback::from(core);
    let image = trace.images().iter().find(|place| place.next == next);
    let mut seq = image.map(|_| next.saturating_sub(1));
    if let Some(place) = image {
        playback.set_time(place.last_at);
    }
    let mut records = trace.records_from(next);
    let mut progress = Progress::new("records");
    for (next, record) in &mut records {
        if next >= end {
            return Ok(Reached { playback, seq, end: None });
        }
        progress.record();
        playback.take(record);
        seq = Some(next);
    }
    Ok(Reached { playback, seq, end: Some(records.end()) })
}

/// The number of the first record after a moment.
pub(super) fn end_of(trace: &Trace, at: Moment) -> Result<u64, Trouble> {
    let first = || trace.records_from(trace.first()).next();
    Ok(match first().map_or(Point::Seq(0), |(_, record)| at.in_log(record.at)) {
        Point::Seq(seq) => seq.saturating_add(1),
        Point::At(time) => trace.seq_at(time + 1)?,
    })
}

impl Reached {
    fn in_words(&self) -> String {
        let time = Clock::of(self.playback.at()).whole();
        match (self.seq, &self.end) {
            (None, _) => "Before the first record".to_owned(),
            (Some(seq), None) => format!("After record {seq}, of {time}"),
            (Some(seq), Some(_)) => format!("After record {seq}, of {time}, the last one"),
        }
    }
}

/// The lines that there are, or those that are meant.
pub(super) fn views(playback: &Playback, which: Option<&Which>) -> Vec<LineView> {
    let views = playback.core().lines().map(engine::line::Line::view);
    let mut views: Vec<LineView> = match which {
        Some(which) => views.filter(|view| which.is(&view.identity)).collect(),
        None => views.filter(|view| !view.removed).collect(),
    };
    views.sort_by_key(|view| view.identity.permanent);
    views
}

/// Says which line was meant instead, as far as one can guess.
pub(super) fn no_such_line(which: &Which, playback: &Playback) -> String {
    let views = views(playback, None);
    let known = views.iter().map(|view| view.identity.number.to_text());
    let some: Vec<String> = known.filter(|number| !number.is_empty()).take(12).collect();
    let some = match some.as_slice() {
        [] => "there is none at all".to_owned(),
        some => {
            format!("there are {}{}", some.join(", "), if views.len() > 12 { ", …" } else { "" })
        }
    };
    format!("there is no line {which} at that moment; {some}")
}

const LINES: ColumnWidths<4> = [("id", 6), ("line", 28), ("state", 15), ("calls", 0)];

fn table(views: &[LineView], playback: &Playback, output: &mut Output) -> Result<(), Trouble> {
    output.remark(&heading(&cells(&LINES, LINES.map(|(name, _)| name))))?;
    for view in views {
        let identity = &view.identity;
        let name = format!("{} {}", identity.number.to_text(), identity.name.to_text());
        let calls = reading::calls_in_brief(view, playback);
        let id = identity.permanent.0.to_string();
        output.remark(&cells(&LINES, [&id, name.trim(), state_word(Some(view)), &calls]))?;
    }
    Ok(())
}

fn detail(view: &LineView, playback: &Playback, output: &mut Output) -> Result<(), Trouble> {
    let id = view.identity.permanent.0;
    output.heading(&format!("Line {} (id {id})", view.identity.number.to_text()))?;
    let fields = reading::fields(view, playback);
    fields.iter().try_for_each(|field| {
        output.remark(&format!("{}  {}", fitted(&field.name, 20), field.reads))
    })
}
