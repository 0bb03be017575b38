//! One of the two that are compared: a log, a log under other settings, or what another version of
//! the program printed of a log.

use super::super::progress::Progress;
use super::super::records;
use super::retimed::Retimed;
use crate::playback::Playback;
use crate::rows::Row;
use crate::trouble::Trouble;
use adapters::trace::{End, Trace};
use engine::core::Core;
use engine::fact::{Configuration, Event, HostFact, Record};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// One of the two.
pub(super) struct Side {
    path: PathBuf,
    kind: Kind,
}

enum Kind {
    Log,
    Under(Box<Configuration>),
    /// Output of `tapline replay run --json`.
    Printed,
}

/// One message.
#[derive(Clone)]
pub(super) struct Message {
    /// Whose it is: what the line is called in both.
    pub(super) line: String,
    /// The record that led to it.
    pub(super) record: u64,
    pub(super) object: Value,
    /// For people.
    pub(super) text: String,
    /// What the record says; empty if that is not at hand.
    pub(super) says: Option<String>,
}

impl Message {
    /// What must be equal: neither when nor by which record, nor how the line, the request and the
    /// call are called.
    pub(super) fn essence(&self) -> Value {
        let mut object = self.object.clone();
        if let Some(object) = object.as_object_mut() {
            for key in ["time", "record", "line", "correlation", "conf"] {
                object.remove(key);
            }
        }
        object
    }
}

/// A line of printed messages longer than this is none.
const LONGEST_LINE: u64 = 1 << 20;

impl Side {
    /// A log, a capture, or printed messages: these begin with a brace.
    pub(super) fn open(path: &Path) -> Result<Side, Trouble> {
        let mut first = [0; 1];
        let is_printed = path.is_file()
            && File::open(path).and_then(|mut file| file.read_exact(&mut first)).is_ok()
            && first == *b"{";
        let kind = if is_printed { Kind::Printed } else { Kind::Log };
        Ok(Side { path: path.to_owned(), kind })
    }

    /// A log under other settings.
    pub(super) fn under(path: &Path, settings: Configuration) -> Result<Side, Trouble> {
        match Side::open(path)?.kind {
            Kind::Printed => Err(Trouble::Usage(format!(
                "{} has messages and no records, so it cannot be replayed under other settings",
                path.display()
            ))),
            _ => Ok(Side { path: path.to_owned(), kind: Kind::Under(Box::new(settings)) }),
        }
    }

    /// The settings under which it is replayed, if they are others.
    pub(super) fn settings(&self) -> Option<&Configuration> {
        match &self.kind {
            Kind::Under(settings) => Some(settings),
            _ => None,
        }
    }

    /// Whether both are replays of one log, as far as is known: what was printed does not say of
    /// which.
    pub(super) fn is_of_the_same_log_as(&self, other: &Side) -> bool {
        self.path == other.path
            || matches!(self.kind, Kind::Printed)
            || matches!(other.kind, Kind::Printed)
    }

    /// The settings in force when the log begins.
    pub(super) fn first_settings(&self) -> Result<Option<Configuration>, Trouble> {
        let trace = Trace::open(&self.path)?;
        let (core, next) = trace.state_before(trace.first())?;
        if let Some(settings) = core.estate().configuration() {
            return Ok(Some(settings.clone()));
        }
        let found = trace.records_from(next).find_map(|(_, record)| match record.event {
            Event::Host(HostFact::Configured(settings)) => Some(settings),
            _ => None,
        });
        Ok(found)
    }

    /// Gives all messages in their order, as far as it is intact, and says how it ends.
    pub(super) fn each(&self, take: &mut dyn FnMut(&Message)) -> Result<End, Trouble> {
        match &self.kind {
            Kind::Printed => self.each_printed(take),
            Kind::Log => self.each_derived(None, take),
            Kind::Under(settings) => self.each_derived(Some(settings), take),
        }
    }

    fn each_printed(&self, take: &mut dyn FnMut(&Message)) -> Result<End, Trouble> {
        let trouble = |error| Trouble::file("read", &self.path, error);
        let mut input = BufReader::new(File::open(&self.path).map_err(trouble)?);
        for number in 1.. {
            let mut line = Vec::new();
            let mut limited = input.by_ref().take(LONGEST_LINE);
            if limited.read_until(b'\n', &mut line).map_err(trouble)? == 0 {
                return Ok(End::Complete);
            }
            let object: Value = serde_json::from_slice(&line).map_err(|error| {
                let path = self.path.display();
                Trouble::Usage(format!(
                    "{path}, line {number}: {error}; is it output of `run --json`?"
                ))
            })?;
            if object["message"].is_null() {
                continue;
            }
            let record = object["record"].as_u64().unwrap_or(0);
            let text = format!("{record:>8}  {object}");
            take(&Message { line: line_of(&object), record, object, text, says: None });
        }
        Ok(End::Complete)
    }

    fn each_derived(
        &self,
        settings: Option<&Configuration>,
        take: &mut dyn FnMut(&Message),
    ) -> Result<End, Trouble> {
        let trace = Trace::open(&self.path)?;
        let (core, next) = trace.state_before(trace.first())?;
        let mut playback = Playback::from(core.clone());
        let mut retimed = settings.map(|settings| Retimed::new(core, settings.clone()));
        let mut records = trace.records_from(next);
        let mut progress = Progress::new("records");
        for (seq, record) in &mut records {
            progress.record();
            match &mut retimed {
                None => play(seq, &record, &mut playback, take),
                Some(retimed) => {
                    for record in retimed.take(record) {
                        play(seq, &record, &mut playback, take);
                        retimed.wished(playback.effects());
                    }
                }
            }
        }
        Ok(records.end())
    }
}

fn play(seq: u64, record: &Record, playback: &mut Playback, take: &mut dyn FnMut(&Message)) {
    playback.take(record.clone());
    let rows: Vec<Row> = playback.rows().collect();
    if rows.is_empty() {
        return;
    }
    let says = records::in_words(record, playback.core());
    for row in rows {
        let mut object = row.for_machines();
        object["record"] = seq.into();
        let text = format!("{seq:>8}  {}", row.for_people());
        let line = line_of(&object);
        take(&Message { line, record: seq, object, text, says: Some(says.clone()) });
    }
}

/// What a line is called in both: by its number or name and its permanent id.
fn line_of(object: &Value) -> String {
    let line = &object["line"];
    match line["number"].as_str().filter(|number| !number.is_empty()) {
        Some(number) => format!("{number} (id {})", line["id"]),
        None => format!("id {}", line["id"]),
    }
}

/// Other settings, with what belongs to the log itself: its PBXs and who speaks to them.
pub(super) fn for_this_log(wanted: &Configuration, was: &Configuration) -> Configuration {
    Configuration {
        user: was.user.clone(),
        pbxs: was.pbxs.clone(),
        access: was.access,
        ..wanted.clone()
    }
}

/// A record of each of two logs, in words; none where one has ended.
pub(super) type Pair = (Option<String>, Option<String>);

/// The first records of two logs that say different things, in words, if that is before the records
/// of that number.
pub(super) fn first_other_record(a: &Side, b: &Side, until: u64) -> Result<Option<Pair>, Trouble> {
    let (a, b) = (Trace::open(&a.path)?, Trace::open(&b.path)?);
    let begin = |trace: &Trace| trace.state_before(trace.first());
    let ((mut core_a, next_a), (mut core_b, next_b)) = (begin(&a)?, begin(&b)?);
    let is_told = |item: &(u64, Record)| matches!(item.1.event, Event::Told(_));
    let mut records_a = a.records_from(next_a).filter(|item| !is_told(item));
    let mut records_b = b.records_from(next_b).filter(|item| !is_told(item));
    let mut effects = Vec::new();
    loop {
        let (a, b) = (records_a.next(), records_b.next());
        if a.is_none() && b.is_none() || a.as_ref().is_some_and(|(seq, _)| *seq > until) {
            return Ok(None);
        }
        let event = |item: &Option<(u64, Record)>| item.as_ref().map(|(_, r)| r.event.clone());
        let is_same = event(&a) == event(&b);
        let mut fold = |core: &mut Core, item: &Option<(u64, Record)>| {
            let (seq, record) = item.as_ref()?;
            core.apply(record.clone(), &mut effects);
            effects.clear();
            (!is_same).then(|| format!("record {seq}: {}", records::in_words(record, core)))
        };
        let words = (fold(&mut core_a, &a), fold(&mut core_b, &b));
        if !is_same {
            return Ok(Some(words));
        }
    }
}
