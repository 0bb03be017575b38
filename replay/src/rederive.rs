//! `tapline replay`: the messages that a log leads to, compared with those that were told.

use crate::command_line::Replay;
use crate::output::Output;
use crate::rows::{CallCount, Clock, LineTag, Parties, Row, Said};
use crate::trouble::Trouble;
use adapters::trace::{End, Trace};
use engine::core::Core;
use engine::effect::{Effect, Effects, Telling, What};
use engine::fact::{Event, HostFact, Record};
use engine::id::{CallId, LineId, RequestId};
use engine::told::{Difference, Tally, Verifier};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Replays a log and shows what it leads to.
pub(crate) fn show(options: &Replay) -> Result<(), Trouble> {
    let log = Trace::open(&options.log)?;
    let mut output = Output::new(options.json);
    let (core, next) = log.state_before(log.first())?;
    let mut replay = Rederivation::going_on(core, next);
    let mut records = log.records_from(next);
    for (seq, record) in &mut records {
        if record.event == Event::Host(HostFact::Started) {
            let clock = Clock::of(record.at);
            output.heading(&format!("The telephony server starts at {}", clock.whole()))?;
        }
        let rows = replay.take(seq, &record);
        rows.iter().try_for_each(|row| output.row(row))?;
        if let Some(trouble) = replay.difference() {
            output.summary("", &replay.summary(Some(&trouble.to_string())))?;
            return Err(trouble);
        }
    }
    conclude(&mut output, &replay, records.end())
}

fn conclude(output: &mut Output, replay: &Rederivation, end: End) -> Result<(), Trouble> {
    let sentence = verdict(&replay.tally());
    output.summary(&sentence, &replay.summary(None))?;
    Trouble::of_end(end)
}

/// What a replay without a difference has shown.
pub(crate) fn verdict(tally: &Tally) -> String {
    let Tally { records, derived, compared, withheld, forced, untold, unknown, .. } = *tally;
    let mut text = format!("{records} records replayed to {derived} callbacks");
    text.push_str(&match compared {
        0 => "; the log does not tell of any, so there is nothing to compare".to_owned(),
        _ => format!("; {compared} compared with those made then: identical"),
    });
    for (count, what) in [
        (withheld, "withheld from a host that had closed the line or the call"),
        (forced, "forced early by a close"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} of them {what}"));
        }
    }
    for (count, what) in [
        (untold, "under way when the log or a session ended"),
        (unknown, "told of records that this log no longer has"),
        (tally.missing_records, "records missing, because the log could not be written"),
    ] {
        if count > 0 {
            text.push_str(&format!("; {count} {what}"));
        }
    }
    text
}

/// A log on its way through the engine.
pub(crate) struct Rederivation {
    core: Core,
    verifier: Verifier,
    effects: Effects,
    /// What was asked by requests under way.
    asked: BTreeMap<RequestId, (&'static str, Option<CallId>)>,
    count: CallCount<LineId, CallId>,
}

impl Rederivation {
    /// Begins with the state before a record, which for the first one of all is an engine that knows
    /// nothing.
    pub(crate) fn going_on(core: Core, next: u64) -> Rederivation {
        Rederivation {
            core,
            verifier: Verifier::starting_at(next),
            effects: Effects::new(),
            asked: BTreeMap::new(),
            count: CallCount::new(),
        }
    }

    /// Takes one record; the answer are the callbacks it leads to, as rows.
    pub(crate) fn take(&mut self, seq: u64, record: &Record) -> Vec<Row> {
        self.note(record);
        let at = record.at;
        self.effects.clear();
        self.core.apply(record.clone(), &mut self.effects);
        self.verifier.take(seq, record, &self.effects);
        let effects = std::mem::take(&mut self.effects);
        let tellings = effects.iter().filter_map(|effect| match effect {
            Effect::Tell(telling) => Some(telling),
            _ => None,
        });
        let rows = tellings.map(|telling| self.row(at, telling)).collect();
        self.effects = effects;
        rows
    }

    /// What the last record led to.
    pub(crate) fn effects(&self) -> &[Effect] {
        &self.effects
    }

    pub(crate) fn tally(&self) -> Tally {
        self.verifier.tally()
    }

    /// The first difference between what was told and what is derived.
    pub(crate) fn difference(&self) -> Option<Trouble> {
        let difference = self.verifier.difference()?;
        Some(if self.verifier.has_gap() {
            // The engine of then knew something that this log does not.
            Trouble::Damage(format!(
                "{difference}. That is no wonder: {} records before it are missing, because the \
                 log could not be written then; up to there all is as it was told",
                self.tally().missing_records
            ))
        } else {
            Trouble::Difference(describe(difference))
        })
    }

    /// The summary as an object.
    pub(crate) fn summary(&self, difference: Option<&str>) -> Value {
        let tally = self.tally();
        json!({
            "summary": {
                "records": tally.records,
                "callbacks": tally.derived,
                "compared": tally.compared,
                "delivered": tally.delivered,
                "withheld": tally.withheld,
                "forced": tally.forced,
                "untold": tally.untold,
                "unknown": tally.unknown,
                "missing_records": tally.missing_records,
                "identical": difference.is_none(),
                "difference": difference,
            }
        })
    }

    fn note(&mut self, record: &Record) {
        match &record.event {
            Event::Host(HostFact::Started) => {
                // Handles and request numbers begin anew.
                self.asked.clear();
                self.count = CallCount::new();
            }
            Event::App(_, _, request, command) => {
                self.asked.insert(*request, (command.function(), command.call()));
            }
            _ => {}
        }
    }

    fn row(&mut self, at: engine::time::Millis, telling: &Telling) -> Row {
        let (asked, call) = match &telling.what {
            What::Completed(request, _) => match self.asked.remove(request) {
                Some((function, call)) => (Some(function), call),
                None => (None, None),
            },
            What::Notice(notice) => (None, notice.call()),
        };
        let view = self.core.view(telling.line);
        let parties = call
            .and_then(|call| view.as_ref()?.call(call).cloned())
            .map(|call| Parties::from(&*call.info));
        Row {
            at,
            line: view.map(|view| LineTag {
                id: view.identity.permanent.0,
                name: view.identity.name.to_text(),
                number: view.identity.number.to_text(),
            }),
            call: call.map(|call| self.count.of(telling.line, call)),
            said: Said::derived(&telling.what, asked),
            parties,
        }
    }
}

/// What was told then, as far as the log knows it, and what is derived now.
fn describe(difference: &Difference) -> String {
    let (told, derived) = match difference {
        Difference::NotDerived { told, .. } => (Some(told), None),
        Difference::NotTold { derived, .. } => (None, Some(derived)),
        Difference::Content { told, derived, .. } | Difference::Order { told, derived, .. } => {
            (Some(told), Some(derived))
        }
    };
    let told = told.map_or_else(
        || "nothing".to_owned(),
        |told| format!("a callback with checksum {:08x} ({:?})", told.crc, told.outcome),
    );
    let derived = derived.map_or_else(
        || "nothing".to_owned(),
        |derived| {
            let crc = engine::told::crc(&derived.telling);
            format!("one with checksum {crc:08x}: {:?}", derived.telling)
        },
    );
    format!("{difference}\n  told then:   {told}\n  derived now: {derived}")
}
