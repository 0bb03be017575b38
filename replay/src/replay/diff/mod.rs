//! `tapline replay diff`: where two replays part, and why.
//!
//! Lines are compared one by one, since which of two lines hears first of a call may be a matter of
//! chance: two logs of the same calls need not tell it alike. Of each message only a hash is kept,
//! so that long logs need little; where they part is played once more to be shown.

mod retimed;
mod side;

pub(super) use retimed::under;

use crate::command_line::ReplayDiff;
use crate::output::{self, Output};
use crate::settings::keys;
use crate::trouble::Trouble;
use adapters::settings::Settings;
use adapters::trace::End;
use engine::fact::Configuration;
use serde_json::{Value, json};
use side::{Message, Side};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

/// Messages shown before the two part, and after.
const BEFORE: usize = 10;
const AFTER: usize = 3;

/// Compares.
pub(super) fn show(options: &ReplayDiff) -> Result<(), Trouble> {
    let (a, b) = sides(options)?;
    let mut output = Output::new(options.json);
    let ((streams_a, end_a), (streams_b, end_b)) = (streams(&a)?, streams(&b)?);
    let counts = [&streams_a, &streams_b].map(|streams| streams.values().map(Vec::len).sum());
    match first_parting(&streams_a, &streams_b) {
        None => {
            same(counts, &mut output)?;
            Trouble::of_end(end_a)?;
            Trouble::of_end(end_b)
        }
        Some(parting) => {
            let found = Found::look(&a, &b, parting)?;
            found.show(options, counts, &mut output)
        }
    }
}

fn sides(options: &ReplayDiff) -> Result<(Side, Side), Trouble> {
    let a = Side::open(&options.a)?;
    match (&options.b, &options.settings) {
        (Some(b), None) => Ok((a, Side::open(b)?)),
        (None, Some(file)) => Ok((a, Side::under(&options.a, settings_in(file)?)?)),
        // The command line does not let this through.
        _ => Err(Trouble::Usage("diff takes a second log, or --settings".into())),
    }
}

/// What a settings file says, as far as the engine needs it.
pub(super) fn settings_in(file: &Path) -> Result<Configuration, Trouble> {
    let settings = Settings::read(file).map_err(|error| Trouble::Settings(error.to_string()))?;
    Ok(settings.configuration())
}

/// By line: the hash of each message, and the record that led to it.
type Streams = BTreeMap<String, Vec<(u64, u64)>>;

fn streams(side: &Side) -> Result<(Streams, End), Trouble> {
    let mut streams = Streams::new();
    let end = side.each(&mut |message| {
        let mut hasher = DefaultHasher::new();
        message.essence().to_string().hash(&mut hasher);
        streams.entry(message.line.clone()).or_default().push((hasher.finish(), message.record));
    })?;
    Ok((streams, end))
}

/// Where two replays part.
struct Parting {
    line: String,
    /// How many messages of the line are the same before.
    at: usize,
}

fn first_parting(a: &Streams, b: &Streams) -> Option<Parting> {
    let none = Vec::new();
    let lines = a.keys().chain(b.keys());
    let partings = lines.filter_map(|line| {
        let (a, b) = (a.get(line).unwrap_or(&none), b.get(line).unwrap_or(&none));
        let same = a.iter().zip(b).take_while(|((a, _), (b, _))| a == b).count();
        let next = [a.get(same), b.get(same)].into_iter().flatten().map(|(_, seq)| *seq).min()?;
        Some((next, Parting { line: line.clone(), at: same }))
    });
    partings.min_by_key(|(seq, _)| *seq).map(|(_, parting)| parting)
}

fn same(counts: [usize; 2], output: &mut Output) -> Result<(), Trouble> {
    let summary = json!({ "summary": { "identical": true, "messages": counts } });
    output.summary(&format!("Both lead to the same {} messages.", counts[0]), &summary)
}

/// Where two replays part, with what is around it.
struct Found {
    line: String,
    same: usize,
    before: Vec<Message>,
    a: Vec<Message>,
    b: Vec<Message>,
    cause: Cause,
}

/// Why they part, as far as it can be told.
enum Cause {
    /// Other settings: which, and what they were and are.
    Settings(Vec<(&'static str, String, String)>),
    /// The logs say different things before that: the first pair.
    Records(Option<String>, Option<String>),
    /// They are the same log.
    Program,
}

impl Found {
    fn look(a: &Side, b: &Side, parting: Parting) -> Result<Found, Trouble> {
        let Parting { line, at } = parting;
        let (before, a_after) = around(a, &line, at)?;
        let (_, b_after) = around(b, &line, at)?;
        let first = |messages: &[Message]| messages.first().map(|message| message.record);
        let until = first(&a_after).into_iter().chain(first(&b_after)).max().unwrap_or(u64::MAX);
        let cause = match (b.settings(), b.is_of_the_same_log_as(a)) {
            (Some(wanted), _) => Cause::Settings(changed(a, wanted)?),
            (None, true) => Cause::Program,
            (None, false) => match side::first_other_record(a, b, until)? {
                Some((a, b)) => Cause::Records(a, b),
                None => Cause::Program,
            },
        };
        Ok(Found { line, same: at, before, a: a_after, b: b_after, cause })
    }

    fn show(
        &self,
        options: &ReplayDiff,
        counts: [usize; 2],
        output: &mut Output,
    ) -> Result<(), Trouble> {
        let names = [options.a.display().to_string(), self.name_of_b(options)];
        let sentence = format!(
            "They part at line {}, after {} messages of it that are the same.",
            self.line, self.same
        );
        if let Output::Machines = output {
            let objects = |messages: &[Message]| {
                messages.iter().map(|message| message.object.clone()).collect::<Vec<Value>>()
            };
            output::line(
                &json!({
                    "line": self.line,
                    "same": self.same,
                    "before": objects(&self.before),
                    "a": objects(&self.a),
                    "b": objects(&self.b),
                    "cause": self.cause.object(),
                })
                .to_string(),
            )?;
        } else {
            self.print(&names, output)?;
        }
        let summary = json!({ "summary": { "identical": false, "messages": counts } });
        output.summary(&sentence, &summary)?;
        Err(Trouble::Difference(sentence))
    }

    fn name_of_b(&self, options: &ReplayDiff) -> String {
        match (&options.b, &options.settings) {
            (Some(b), _) => b.display().to_string(),
            (None, Some(settings)) => format!("under {}", settings.display()),
            (None, None) => String::new(),
        }
    }

    fn print(&self, names: &[String; 2], output: &mut Output) -> Result<(), Trouble> {
        output.heading(&format!("Line {}: the same up to here", self.line))?;
        self.before.iter().try_for_each(|message| output.remark(&message.text))?;
        for (name, messages) in names.iter().zip([&self.a, &self.b]) {
            output.heading(name)?;
            if messages.is_empty() {
                output.remark("nothing more")?;
            }
            for message in messages {
                output.remark(&message.text)?;
                if let Some(record) = &message.says {
                    output.remark(&format!("          \x1b[2mby\x1b[0m {record}"))?;
                }
            }
        }
        output.heading("Cause")?;
        self.cause.sentences().iter().try_for_each(|sentence| output.remark(sentence))
    }
}

/// The messages of a line before a place, and those from there on.
fn around(side: &Side, line: &str, at: usize) -> Result<(Vec<Message>, Vec<Message>), Trouble> {
    let (mut before, mut after, mut count) = (Vec::new(), Vec::new(), 0);
    side.each(&mut |message| {
        if message.line == line {
            if count + BEFORE >= at && count < at {
                before.push(message.clone());
            } else if (at..at + AFTER).contains(&count) {
                after.push(message.clone());
            }
            count += 1;
        }
    })?;
    Ok((before, after))
}

/// Settings that are others than those in force when the log began.
fn changed(
    a: &Side,
    wanted: &Configuration,
) -> Result<Vec<(&'static str, String, String)>, Trouble> {
    let Some(was) = a.first_settings()? else { return Ok(Vec::new()) };
    Ok(keys(&was, &side::for_this_log(wanted, &was)))
}

impl Cause {
    fn sentences(&self) -> Vec<String> {
        match self {
            Cause::Settings(keys) if keys.is_empty() => {
                vec![
                    "The settings are the same as at the beginning of the log; later ones differ."
                        .into(),
                ]
            }
            Cause::Settings(keys) => {
                keys.iter().map(|(key, from, to)| format!("setting {key}: {from} → {to}")).collect()
            }
            Cause::Records(a, b) => {
                let words = |record: &Option<String>| {
                    record.clone().unwrap_or_else(|| "it ends before that".into())
                };
                vec![
                    "The logs differ before that; the first records that do:".into(),
                    format!("  {}", words(a)),
                    format!("  {}", words(b)),
                ]
            }
            Cause::Program => {
                vec!["The same records lead to something else: the programs differ.".into()]
            }
        }
    }

    fn object(&self) -> Value {
        match self {
            Cause::Settings(keys) => {
                let keys: Vec<Value> = keys
                    .iter()
                    .map(|(key, from, to)| json!({ "setting": key, "from": from, "to": to }))
                    .collect();
                json!({ "settings": keys })
            }
            Cause::Records(a, b) => json!({ "records": [a, b] }),
            Cause::Program => json!({ "program": true }),
        }
    }
}
