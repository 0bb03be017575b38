//! Logs so long that they are verified in stretches, and then the same record by record.

use super::time_machine::objects;
use super::*;
use adapters::capture::{About, CaptureWriter};
use engine::core::Core;
use engine::effect::Effects;
use engine::fact::{Event, Record};
use engine::snapshot::Place;
use engine::strategy::{History, Step, and_what_was_told};
use std::fs::File;
use std::ops::Range;
use std::path::Path;

/// Between two images there are so many records: enough for a stretch of its own.
const IMAGE_EVERY: u64 = 10_500;

/// Calls on open lines, and after every few records what was told of them.
fn records() -> Vec<Record> {
    let call = |n: u32| {
        let n = n as u8;
        let [advance, again] = [Step::Advance(n), Step::Advance(n)];
        [Step::CallFromOutside(n), advance, again, Step::HangUp(n, n), Step::Delete(n)]
    };
    let steps = (0..8).map(Step::Open).chain((0..7_500).flat_map(call));
    let records = and_what_was_told(History::play(&steps.collect::<Vec<_>>()));
    assert!(records.len() as u64 > 3 * IMAGE_EVERY, "{} are not enough", records.len());
    records
}

/// A capture of them with images; some may be missing.
fn capture(folder: &Path, records: &[Record], missing: Range<u64>) -> String {
    let path = folder.join("long.tspt");
    let about = About::this_program(false);
    let mut writer = CaptureWriter::new(File::create(&path).unwrap(), &about).unwrap();
    let (mut core, mut effects, mut last_at) = (Core::default(), Effects::new(), records[0].at);
    for (seq, record) in (0..).zip(records) {
        let is_behind = seq > 0 && seq == missing.end;
        if is_behind {
            writer.gap(seq, "the disk was full").unwrap();
        }
        if is_behind || seq > 0 && seq % IMAGE_EVERY == 0 {
            writer.image(&core, Place { next: seq, last_at }).unwrap();
        }
        if !missing.contains(&seq) {
            writer.push(seq, record.clone()).unwrap();
        }
        last_at = record.at;
        core.apply(record.clone(), &mut effects);
        effects.clear();
    }
    writer.finish().unwrap();
    path.to_str().unwrap().to_owned()
}

/// How it ends and what it says of the whole is the same as if each record had been looked at, to see
/// whether it has to be shown.
fn assert_agree(log: &str, code: i32) -> Value {
    let quiet = run(&["replay", "run", "--quiet", "--json", log]);
    let whole = run(&["replay", "run", "--from", "999999", "--json", log]);
    assert_ends(&quiet, code, "");
    assert_eq!(quiet.status.code(), whole.status.code());
    assert_eq!(complaints(&quiet), complaints(&whole));
    let summary = objects(&quiet).pop().unwrap();
    assert_eq!(Some(&summary), objects(&whole).last());
    summary["summary"].clone()
}

/// What it says on standard error, but for how far it had come when it took long.
fn complaints(output: &Output) -> Vec<String> {
    let lines = stderr(output);
    lines.lines().filter(|line| !line.ends_with("so far")).map(str::to_owned).collect()
}

#[test]
fn a_long_log_comes_to_the_same_in_stretches_and_in_one_pass() {
    let folder = tempfile::tempdir().unwrap();
    let records = records();
    let summary = assert_agree(&capture(folder.path(), &records, 0..0), 0);
    assert_eq!(summary["records"], records.len());
    assert!(summary["compared"].as_u64().unwrap() > 10_000, "{summary}");

    // Behind a gap it goes on in stretches as well.
    let summary = assert_agree(&capture(folder.path(), &records, 11_000..11_030), 6);
    assert_eq!(summary["records"], records.len() - 30);
    assert_eq!(summary["missing_records"], 30);
}

#[test]
fn a_difference_in_a_long_log_is_the_first_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut records = records();
    let mut wrong = records.iter_mut().skip(2 * IMAGE_EVERY as usize + 700);
    let told = wrong.find_map(|record| match &mut record.event {
        Event::Told(told) => told.last_mut(),
        _ => None,
    });
    told.unwrap().crc ^= 1;
    let summary = assert_agree(&capture(folder.path(), &records, 0..0), 1);
    assert_eq!(summary["identical"], false);
}
