//! `tapline replay raw`: what was said word by word.

use super::moment::Point;
use crate::command_line::ReplayRaw;
use crate::output::{self, Output};
use crate::rows::{Clock, harmless};
use crate::trouble::Trouble;
use adapters::capture::{RawMessage, Way};
use adapters::trace::Trace;
use serde_json::{Value, json};

/// Lists the messages of a capture, or prints them.
pub(super) fn show(options: &ReplayRaw) -> Result<(), Trouble> {
    let trace = Trace::open(&options.log)?;
    let mut output = Output::new(options.json);
    let (mut shown, mut count, mut bytes) = (None, 0u64, 0u64);
    for (next, message) in trace.raw_messages()? {
        let shown = shown.get_or_insert_with(|| Shown::new(options, &trace, &message));
        if !shown.lets_through(next, &message) {
            continue;
        }
        (count, bytes) = (count + 1, bytes + message.body.len() as u64);
        match output {
            Output::Machines => output::line(&object(next, &message).to_string())?,
            Output::People { .. } => {
                if count == 1 {
                    output::line("time (UTC)     record  PBX  message")?;
                }
                output::line(&row(next, &message))?;
                if options.full {
                    output::line(&body(&message))?;
                }
            }
        }
    }
    let sentence = match (count, trace.about().raw) {
        (0, false) => "No message is in it word by word; `tapline help replay raw` says how they \
                       get there."
            .to_owned(),
        _ => format!("{count} messages of {bytes} bytes"),
    };
    output.summary(&sentence, &json!({ "summary": { "messages": count, "bytes": bytes } }))?;
    let mut records = trace.records_from(trace.first());
    records.by_ref().for_each(drop);
    // Messages end where records do.
    Trouble::of_end(records.end())
}

/// A message in a few words: `← Poll 200, 1204 bytes`.
pub(super) fn in_brief(message: &RawMessage) -> String {
    let RawMessage { operation, body, .. } = message;
    let (arrow, status) = match message.way {
        Way::Question => ("→", String::new()),
        Way::Answer(status) => ("←", format!(" {status}")),
    };
    format!("{arrow} {}{status}, {} bytes", harmless(operation), body.len())
}

fn row(next: u64, message: &RawMessage) -> String {
    let time = Clock::of(message.at).time();
    format!("{time}  {next:>7}  {:>3}  {}", message.pbx.0, in_brief(message))
}

/// The envelope, so that it does nothing to a terminal.
fn body(message: &RawMessage) -> String {
    let text = String::from_utf8_lossy(&message.body);
    let lines = text.lines().map(|line| format!("    {}", harmless(line)));
    lines.collect::<Vec<_>>().join("\n")
}

fn object(next: u64, message: &RawMessage) -> Value {
    let RawMessage { at, pbx, attempt, way, operation, body } = message;
    let (way, status) = match way {
        Way::Question => ("question", None),
        Way::Answer(status) => ("answer", Some(*status)),
    };
    json!({
        "at_ms": at.0,
        "record": next,
        "pbx": pbx.0,
        "attempt": attempt.0,
        "way": way,
        "status": status,
        "operation": operation,
        "body": String::from_utf8_lossy(body),
    })
}

/// Which messages are shown.
struct Shown<'a> {
    options: &'a ReplayRaw,
    from: Option<Point>,
    to: Option<Point>,
}

impl<'a> Shown<'a> {
    fn new(options: &'a ReplayRaw, trace: &Trace, message: &RawMessage) -> Shown<'a> {
        let first = trace.records_from(trace.first()).next();
        let first = first.map_or(message.at, |(_, record)| record.at);
        let point = |moment: Option<super::Moment>| moment.map(|moment| moment.in_log(first));
        Shown { options, from: point(options.from), to: point(options.to) }
    }

    fn lets_through(&self, next: u64, message: &RawMessage) -> bool {
        let ReplayRaw { pbx, operation, .. } = self.options;
        self.from.is_none_or(|from| from.has_come(next, message.at))
            && self.to.is_none_or(|to| !to.is_over(next, message.at))
            && pbx.is_none_or(|pbx| message.pbx.0 == pbx)
            && operation.as_ref().is_none_or(|name| message.operation.eq_ignore_ascii_case(name))
    }
}
