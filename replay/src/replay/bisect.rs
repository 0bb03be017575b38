//! `tapline replay bisect`: the first record after which an expectation fails, and the evidence.

use super::expectation::{Expectation, Trial, Turn};
use super::progress::Progress;
use super::reel::{Next, Reel};
use super::{reading, records};
use crate::command_line::ReplayBisect;
use crate::output::Output;
use crate::rows::{Clock, Row};
use crate::trouble::Trouble;
use adapters::trace::Trace;
use engine::fact::Record;
use engine::time::Millis;
use engine::view::LineView;
use serde_json::{Value, json};

/// Looks for the record.
pub(super) fn show(options: &ReplayBisect) -> Result<(), Trouble> {
    let expectation = Expectation::read(&options.until)?;
    let trace = Trace::open(&options.log)?;
    let mut output = Output::new(options.json);
    let (mut reel, core, next) = Reel::begin(&trace)?;
    let mut trial = Trial::new(&expectation, core, next);
    let mut progress = Progress::new("records");
    let (mut from, mut has_begun, mut held_at) = (None, options.from.is_none(), None);
    let mut count = 0u64;
    for next in &mut reel {
        let (seq, record) = match next {
            Next::Record(seq, record) => (seq, record),
            Next::Leap(leap) => {
                trial = Trial::new(&expectation, leap.core, leap.next);
                continue;
            }
        };
        progress.record();
        count += 1;
        if let Some(moment) = options.from {
            let from = *from.get_or_insert_with(|| moment.in_log(record.at));
            if !has_begun && from.has_come(seq, record.at) {
                has_begun = true;
                trial.forget();
            }
        }
        let at = record.at;
        match trial.take(record.clone()) {
            Turn::Holds => held_at = Some((seq, at)),
            Turn::Fails(why) if has_begun => {
                let found = Found { seq, record: &record, held_at, why: &why, trial: &trial };
                return found.show(&options.until, &mut output);
            }
            Turn::Fails(_) | Turn::None => {}
        }
    }
    reel.end()?;
    Err(Trouble::NotFound(match trial.has_held() {
        true => format!("`{}` never fails in {count} records", options.until),
        false => format!(
            "`{}` never holds in {count} records, so there is none after which it fails",
            options.until
        ),
    }))
}

/// The record, and what shows that it is the one.
struct Found<'a> {
    seq: u64,
    record: &'a Record,
    held_at: Option<(u64, Millis)>,
    why: &'a [String],
    trial: &'a Trial,
}

impl Found<'_> {
    fn show(&self, until: &str, output: &mut Output) -> Result<(), Trouble> {
        let playback = self.trial.playback();
        let rows: Vec<Row> = playback.rows().collect();
        let lines: Vec<LineView> = self
            .trial
            .lines_concerned()
            .into_iter()
            .filter_map(|line| playback.core().view(line))
            .collect();
        let time = Clock::of(self.record.at);
        if let Output::Machines = output {
            let object = json!({
                "expected": until,
                "held_from": self.held_at.map(|held| held.0),
                "record": self.seq,
                "time": time.whole(),
                "record_says": self.trial.in_words(self.record),
                "why": self.why,
                "messages": rows.iter().map(Row::for_machines).collect::<Vec<Value>>(),
                "lines": lines
                    .iter()
                    .map(|view| reading::object(view, playback, self.record.at))
                    .collect::<Vec<Value>>(),
            });
            return crate::output::line(&object.to_string());
        }
        output.heading(&format!("`{until}` fails after record {}, {}", self.seq, time.whole()))?;
        if let Some((seq, at)) = self.held_at {
            output
                .remark(&format!("It held first after record {seq}, {}.", Clock::of(at).whole()))?;
        }
        output.heading("The record")?;
        output.remark(&self.trial.in_words(self.record))?;
        output.heading("Why")?;
        self.why.iter().try_for_each(|why| output.remark(why))?;
        output.heading("What it led to")?;
        if rows.is_empty() {
            output.remark("no message")?;
        }
        rows.iter().try_for_each(|row| output.remark(&row.for_people()))?;
        output.heading("What applications read now")?;
        for view in &lines {
            let calls = reading::calls_in_brief(view, playback);
            let state = crate::rows::state_word(Some(view));
            let name = records::line_name(view.identity.line, playback.core());
            let row = format!("{}: {state}  {calls}", crate::rows::harmless(&name));
            output.remark(row.trim_end())?;
        }
        Ok(())
    }
}
