//! `tapline replay`: the messages that a log leads to, compared with those that were told.

use crate::command_line::Replay;
use crate::log::{Log, LogEnd};
use crate::output::Output;
use crate::rows::{CallCount, Clock, LineTag, Parties, Row, Said};
use crate::trouble::Trouble;
use engine::core::Core;
use engine::effect::{Effect, Effects, Telling, What};
use engine::fact::{Command, Event, HostFact, Record};
use engine::id::{CallId, LineId, RequestId};
use engine::told::{Difference, Tally, Verifier};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Replays a log and shows what it leads to.
pub(crate) fn show(options: &Replay) -> Result<(), Trouble> {
    let mut log = Log::open(&options.log)?;
    let mut output = Output::new(options.json);
    let mut replay = Rederivation::from_log(&log);
    for (seq, record) in &mut log {
        if record.event == Event::Host(HostFact::Started) {
            let clock = Clock::of(record.at);
            output.heading(&format!("The telephony server starts at {}", clock.whole()))?;
        }
        let rows = replay.take(seq, record);
        rows.iter().try_for_each(|row| output.row(row))?;
        if let Some(difference) = replay.difference() {
            let difference = difference.to_string();
            output.summary("", &replay.summary(Some(&difference)))?;
            return Err(Trouble::Difference(difference));
        }
    }
    conclude(&mut output, &replay, &log.end())
}

fn conclude(output: &mut Output, replay: &Rederivation, end: &LogEnd) -> Result<(), Trouble> {
    let sentence = verdict(&replay.tally());
    output.summary(&sentence, &replay.summary(None))?;
    match end {
        LogEnd::Complete => Ok(()),
        LogEnd::Damaged(why) => Err(Trouble::Damage(why.clone())),
        LogEnd::Newer(why) => Err(Trouble::Log(why.clone())),
    }
}

/// What a replay without a difference has shown.
pub(crate) fn verdict(tally: &Tally) -> String {
    let Tally { records, derived, compared, delivered, withheld, forced, untold, unknown, .. } =
        *tally;
    let mut text = format!(
        "{records} records replayed to {derived} callbacks; {compared} compared with those made \
         then: identical ({delivered} delivered"
    );
    for (count, what) in [(withheld, "withheld"), (forced, "forced by a close")] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text.push(')');
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
    asked: BTreeMap<RequestId, (&'static str, CallId)>,
    count: CallCount<LineId, CallId>,
}

impl Rederivation {
    /// Begins where the log begins: with nothing, or with the state before its first record.
    pub(crate) fn from_log(log: &Log) -> Rederivation {
        Rederivation::starting(log.first(), log.base())
    }

    fn starting(first: u64, core: Core) -> Rederivation {
        Rederivation {
            core,
            verifier: Verifier::starting_at(first),
            effects: Effects::new(),
            asked: BTreeMap::new(),
            count: CallCount::new(),
        }
    }

    /// Takes one record; the answer are the callbacks it leads to, as rows.
    pub(crate) fn take(&mut self, seq: u64, record: Record) -> Vec<Row> {
        self.note(&record);
        let at = record.at;
        self.effects.clear();
        self.core.apply(record.clone(), &mut self.effects);
        self.verifier.take(seq, &record, &self.effects);
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

    pub(crate) fn difference(&self) -> Option<&Difference> {
        self.verifier.difference()
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
                self.asked.insert(*request, (function(command), command.call()));
            }
            _ => {}
        }
    }

    fn row(&mut self, at: engine::time::Millis, telling: &Telling) -> Row {
        let (asked, call) = match &telling.what {
            What::Completed(request, _) => match self.asked.remove(request) {
                Some((function, call)) => (Some(function), Some(call)),
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
                id: telling.line.0,
                name: view.identity.name.to_text(),
                number: view.identity.number.to_text(),
            }),
            call: call.map(|call| self.count.of(telling.line, call)),
            said: Said::derived(&telling.what, asked),
            parties,
        }
    }
}

fn function(command: &Command) -> &'static str {
    match command {
        Command::MakeCall { .. } => "lineMakeCall",
        Command::Answer(_) => "lineAnswer",
        Command::Drop(_) => "lineDrop",
        Command::SetCallParams(_) => "lineSetCallParams",
    }
}
