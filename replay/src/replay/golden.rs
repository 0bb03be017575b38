//! `tapline replay to-test` and `golden`: histories with the callbacks that they must lead to.

use crate::command_line::{ReplayGolden, ReplayToTest};
use crate::output::{self, Output};
use crate::playback::Playback;
use crate::rows::Clock;
use crate::trouble::Trouble;
use adapters::capture::EXTENSION;
use adapters::simulation;
use adapters::trace::Trace;
use engine::fact::{Event, Record};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// Ending of the files with callbacks.
const CALLBACKS: &str = "txt";
/// Ending of the files with scenarios.
pub(crate) const SCENARIO: &str = "scene";
/// Most records of a test.
const MOST_RECORDS: usize = 50_000;
/// Longer names would not fit a list of tests.
const LONGEST_NAME: usize = 64;

/// Makes a test of a log or capture.
pub(super) fn to_test(options: &ReplayToTest) -> Result<(), Trouble> {
    let ReplayToTest { name, log, into, settings, .. } = options;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_plain) {
        return Err(Trouble::Usage(format!(
            "{name:?} is no name for a test: take small letters, digits and hyphens"
        )));
    }
    let path = into.join(format!("{name}.{EXTENSION}"));
    if path.exists() {
        let name = path.display();
        return Err(Trouble::Usage(format!("{name} is there already; nothing is overwritten")));
    }
    let trace = Trace::open(log)?;
    if trace.first() > 0 {
        return Err(Trouble::Log(format!(
            "{} begins with record {}; a test must begin with the first one: `tapline replay shrink` \
             may find a part that stands by itself",
            log.display(),
            trace.first()
        )));
    }
    let mut records = trace.records_from(0);
    let mut kept: Vec<Record> = Vec::new();
    for (_, record) in (&mut records).filter(|(_, record)| !is_told(record)) {
        if kept.len() == MOST_RECORDS {
            return Err(Trouble::Usage(format!(
                "more than {MOST_RECORDS} records make no test that anybody could read; `tapline \
                 replay shrink` finds the part that matters"
            )));
        }
        kept.push(record);
    }
    let end = records.end();
    if let Some(file) = settings {
        kept = super::diff::under(super::diff::settings_in(file)?, kept);
    }
    fs::create_dir_all(into).map_err(|error| Trouble::file("make", into, error))?;
    super::written::write_capture(&path, &kept, trace.about().anonymised)?;
    let callbacks = callbacks(&path)?;
    let beside = path.with_extension(CALLBACKS);
    fs::write(&beside, &callbacks).map_err(|error| Trouble::file("write", &beside, error))?;
    let count = callbacks.lines().count();
    let sentence = format!(
        "{} with {} records and {} with {count} callbacks: a test from now on. Look through the \
         callbacks: they are what this program derives today, right or wrong.",
        path.display(),
        kept.len(),
        beside.display()
    );
    let summary = json!({ "summary": {
        "history": path.display().to_string(),
        "records": kept.len(),
        "callbacks": count,
    } });
    Output::new(options.json).summary(&sentence, &summary)?;
    Trouble::of_end(end)
}

/// Plays all histories of a folder and compares, or accepts what has changed.
pub(super) fn play(options: &ReplayGolden) -> Result<(), Trouble> {
    if options.renew {
        renew(&options.folder)?;
    }
    let histories = files(&options.folder, EXTENSION)?;
    if histories.is_empty() {
        let folder = options.folder.display();
        return Err(Trouble::Usage(format!("there is no history (*.{EXTENSION}) in {folder}")));
    }
    let (mut different, mut output) = (Vec::new(), Output::new(options.json));
    for history in &histories {
        let name = history.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let now = callbacks(history)?;
        let beside = history.with_extension(CALLBACKS);
        let then = match fs::read_to_string(&beside) {
            Ok(text) => text.replace("\r\n", "\n"),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Trouble::file("read", &beside, error)),
        };
        if let Some(difference) = first_difference(&then, &now) {
            let Difference { line, expected, derived } = &difference;
            let row = format!(
                "{name}, line {line}:\n  \x1b[32mexpected\x1b[0m  {expected}\n  \x1b[31mderived\x1b[0m   \
                 {derived}"
            );
            let object = json!({
                "history": name, "line": line, "expected": expected, "derived": derived,
            });
            output.check(&row, &object)?;
            different.push(name);
            if options.accept {
                fs::write(&beside, &now).map_err(|error| Trouble::file("write", &beside, error))?;
            }
        }
    }
    let count = histories.len();
    let summary = json!({ "summary": {
        "histories": count, "different": different, "accepted": options.accept,
    } });
    let sentence = match different.len() {
        0 => format!("{count} histories lead to the callbacks that they should."),
        some if options.accept => {
            format!(
                "{some} of {count} histories lead to others from now on; say why in the commit."
            )
        }
        some => {
            format!("{some} of {count} histories lead to other callbacks: {}", different.join(", "))
        }
    };
    output.summary(&sentence, &summary)?;
    match different.is_empty() || options.accept {
        true => Ok(()),
        false => Err(Trouble::Difference(format!(
            "{sentence}. If they should, accept them in the commit that explains it: tapline replay \
             golden --accept {}",
            options.folder.display()
        ))),
    }
}

/// Plays the scenarios of a folder anew.
fn renew(folder: &Path) -> Result<(), Trouble> {
    for scenario in files(folder, SCENARIO)? {
        let trouble = |error| Trouble::file("read", &scenario, error);
        let text = fs::read_to_string(&scenario).map_err(trouble)?;
        let log = simulation::play(&text)
            .map_err(|error| Trouble::Simulation(format!("{}, {error}", scenario.display())))?;
        let log: Vec<Record> = log.into_iter().filter(|record| !is_told(record)).collect();
        super::written::write_capture(&scenario.with_extension(EXTENSION), &log, false)?;
    }
    Ok(())
}

/// What was told then has no influence; the callbacks that are derived now are what counts.
fn is_told(record: &Record) -> bool {
    matches!(record.event, Event::Told(_))
}

/// The files of a folder with that ending.
fn files(folder: &Path, wanted: &str) -> Result<Vec<PathBuf>, Trouble> {
    let trouble = |error| Trouble::file("read", folder, error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(trouble)? {
        let path = entry.map_err(trouble)?.path();
        if path.extension().is_some_and(|ending| ending == wanted) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The callbacks that a history leads to, one a line, with the record behind each.
fn callbacks(history: &Path) -> Result<String, Trouble> {
    let trace = Trace::open(history)?;
    let (core, next) = trace.state_before(trace.first())?;
    let mut playback = Playback::from(core);
    let mut text = String::new();
    let mut day = None;
    let mut records = trace.records_from(next);
    for (seq, record) in &mut records {
        playback.take(record);
        for row in playback.rows() {
            let clock = Clock::of(row.at);
            if day.replace(clock.day) != Some(clock.day) {
                text.push_str(&format!("{}\n", clock.date()));
            }
            let row = row.for_people();
            text.push_str(&format!("{seq:>5}  {}\n", output::without_colour(&row)));
        }
    }
    Trouble::of_end(records.end())?;
    Ok(text)
}

/// Where two lists of callbacks part.
struct Difference {
    /// Counted from 1.
    line: usize,
    expected: String,
    derived: String,
}

fn first_difference(then: &str, now: &str) -> Option<Difference> {
    let (mut then, mut now) = (then.lines(), now.lines());
    for line in 1.. {
        let (expected, derived) = (then.next(), now.next());
        if expected.is_none() && derived.is_none() {
            return None;
        }
        if expected != derived {
            let text = |line: Option<&str>| line.unwrap_or("nothing").trim().to_owned();
            return Some(Difference { line, expected: text(expected), derived: text(derived) });
        }
    }
    None
}
