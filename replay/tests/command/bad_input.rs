//! Captures that begin in the middle, have a gap, or are damaged, with every command that reads them.

use super::time_machine::{history, objects};
use super::*;
use adapters::capture::{About, CaptureWriter};
use adapters::trace::Trace;
use engine::core::Core;
use engine::effect::Effects;
use engine::fact::Record;
use engine::snapshot::Place;
use engine::time::Millis;
use std::path::Path;

const NAME: &str = "transfer-with-consultation";

fn records() -> Vec<Record> {
    let trace = Trace::open(Path::new(&history(NAME))).unwrap();
    trace.records_from(0).map(|(_, record)| record).collect()
}

fn state_after(records: &[Record]) -> Core {
    let (mut core, mut effects) = (Core::default(), Effects::new());
    records.iter().for_each(|record| core.apply(record.clone(), &mut effects));
    core
}

/// A capture of some of the records, each part behind an image of its own if it is not the first.
fn capture_of(folder: &tempfile::TempDir, parts: &[std::ops::Range<usize>]) -> String {
    let all = records();
    let path = folder.path().join("part.tspt");
    let about = About::this_program(false);
    let mut writer = CaptureWriter::new(std::fs::File::create(&path).unwrap(), &about).unwrap();
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            writer.gap(part.start as u64, "the disk was full").unwrap();
        }
        if part.start > 0 {
            let last_at = all.get(part.start - 1).map_or(Millis(0), |record| record.at);
            let place = Place { next: part.start as u64, last_at };
            writer.image(&state_after(&all[..part.start]), place).unwrap();
        }
        for at in part.clone() {
            writer.push(at as u64, all[at].clone()).unwrap();
        }
    }
    writer.finish().unwrap();
    path.to_str().unwrap().to_owned()
}

/// What can be read at the end, but for the numbers of calls, which depend on the beginning.
fn lines_at_the_end(log: &str) -> (Option<i32>, Vec<Value>) {
    let output = run(&["replay", "state", "--json", log]);
    let mut lines = objects(&output);
    lines.pop();
    for line in &mut lines {
        for call in line["calls"].as_array_mut().unwrap() {
            call["call"] = Value::Null;
        }
    }
    (output.status.code(), lines)
}

#[test]
fn a_capture_that_begins_in_the_middle_is_replayed_from_its_image() {
    let folder = tempfile::tempdir().unwrap();
    let count = records().len();
    let capture = capture_of(&folder, std::slice::from_ref(&(50..count)));
    let info = &objects(&run(&["replay", "info", "--json", &capture]))[0];
    assert_eq!((&info["first_record"], &info["damage"]), (&50.into(), &Value::Null));
    assert_ends(&run(&["replay", "check", &capture]), 0, "");
    assert_ends(&run(&["replay", "stats", &capture]), 0, "");
    assert_eq!(lines_at_the_end(&capture), lines_at_the_end(&history(NAME)));
    let messages = |log: &str| {
        let from = ["replay", "run", "--json", "--from", "50", log];
        let mut messages = objects(&run(&from));
        messages.pop();
        messages.iter_mut().for_each(|message| message["call"] = Value::Null);
        messages
    };
    let told = messages(&capture);
    assert!(told.len() > 20);
    let plain = |messages: Vec<Value>| -> Vec<String> {
        // Nor is it known what a request asked that is older than the capture.
        let essence = |message: &Value| {
            format!("{} {} {}", message["record"], message["message"], message["state"])
        };
        messages.iter().map(essence).collect()
    };
    assert_eq!(plain(told), plain(messages(&history(NAME))));
}

#[test]
fn a_gap_is_named_and_what_is_behind_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let count = records().len();
    let capture = capture_of(&folder, &[0..40, 60..count]);
    let shown = run(&["replay", "run", &capture]);
    assert_ends(&shown, 6, "records are missing in one place");
    let text = stdout(&shown);
    assert!(text.contains("20 records before 60 are missing: the disk was full"), "{text}");
    let check = run(&["replay", "check", "--json", &capture]);
    assert_ends(&check, 6, "missing");
    assert_eq!(objects(&check)[0]["summary"]["breaches"], 0, "{}", stdout(&check));
    let info = &objects(&run(&["replay", "info", "--json", &capture]))[0];
    assert_eq!((&info["missing_records"], &info["records"]), (&20.into(), &(count - 20).into()));
    assert_eq!(lines_at_the_end(&capture).1, lines_at_the_end(&history(NAME)).1);
    let found = run(&["replay", "bisect", &capture, "--until", "call #1 of 20 is CONNECTED"]);
    assert!(matches!(found.status.code(), Some(0 | 6)), "{}", stderr(&found));
}

#[test]
fn of_a_capture_that_was_cut_off_every_command_uses_what_is_intact() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(history(NAME)).unwrap();
    let path = folder.path().join("cut.tspt");
    // The last frame and the index are gone.
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let cut = path.to_str().unwrap();
    for command in ["info", "run", "check", "stats", "state"] {
        let output = run(&["replay", command, cut]);
        assert_eq!(output.status.code(), Some(6), "{command}: {}", stderr(&output));
    }
    assert_ends(&run(&["replay", "bisect", cut, "--until", "lines < 99"]), 6, "");
    assert_ends(&run(&["replay", "diff", cut, cut]), 6, "");
    let small = folder.path().join("small.tspt");
    let small = small.to_str().unwrap();
    let shrunk = run(&["replay", "shrink", cut, "--keep", "lines < 3", "-o", small]);
    assert!(matches!(shrunk.status.code(), Some(1 | 6)), "{}", stderr(&shrunk));
    for (name, text) in [("empty.tspt", ""), ("foreign.tspt", "SQLite format 3")] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        for command in ["info", "run", "check", "stats", "state", "step"] {
            let output = run(&["replay", command, path.to_str().unwrap()]);
            assert_ends(&output, 5, name);
        }
    }
}
