//! What it costs to capture what happens, and how soon the state at any record of a long log is had.

use adapters::capture::{About, CaptureWriter};
use adapters::journal::{Durability, Journal, LogReader};
use adapters::trace::Trace;
use benches::figures::{are_wanted, median, percentile};
use benches::flood::flood;
use engine::core::Core;
use engine::effect::Effects;
use engine::fact::Record;
use engine::snapshot::Place;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::time::{Duration, Instant};

/// What may be lost of the rate of events when they are captured as well.
const COST_LIMIT: f64 = 0.05;
/// How long the state at any record may take, in milliseconds.
const STATE_LIMIT_MS: f64 = 100.0;

/// Records between two images, as in the provider.
const IMAGE_EVERY: u64 = 50_000;
const PATIENCE: Duration = Duration::from_secs(30);

fn main() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (rounds, lap, records) = match are_wanted() {
        true => (7, Duration::from_secs(2), 10_000_000),
        false => (1, Duration::ZERO, 60_000),
    };
    cost(folder, rounds, lap);
    seek(folder, records);
}

/// Prints what capturing takes of the rate, in turns.
#[allow(clippy::print_stdout)] // that is what it is for
fn cost(folder: &Path, rounds: usize, lap: Duration) {
    let rates = |more: &str| flood(folder, more, lap).0;
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        without.push(rates(""));
        with.push(rates("[capture]\non = true\n"));
    }
    let (without, with) = (median(without), median(with));
    println!("capture/cost {without:.0} callbacks/s without, {with:.0} with");
    println!("ratio capture/cost {:.3} (limit {COST_LIMIT})", 1.0 - with / without);
}

/// Prints how long it takes to open a log and a capture, and to have the state at records of it.
#[allow(clippy::print_stdout, clippy::expect_used)]
fn seek(folder: &Path, records: u64) {
    let traffic = records_of_some_seconds(folder);
    let kept = tempfile::tempdir_in(folder).expect("a folder beside the build");
    let (log, capture) = (kept.path().join("log"), kept.path().join("all.tspt"));
    write_both(&log, &capture, &traffic, records);
    for (name, path) in [("log", log), ("capture", capture)] {
        let begin = Instant::now();
        let trace = Trace::open(&path).expect("it was just written");
        let opened = begin.elapsed();
        // Everywhere, and in no order.
        let states = (1..=40_u64).map(|n| n * 7_919 * 104_729 % records).map(|seq| {
            let begin = Instant::now();
            let core = state_at(&trace, seq);
            let took = begin.elapsed().as_secs_f64() * 1e3;
            assert!(core.lines().count() > 0 || seq < 10_000, "there are lines at {seq}");
            took
        });
        let states: Vec<f64> = states.collect();
        println!(
            "capture/{name} of {records} records: opened in {opened:.1?}, a state in {:.1} ms",
            median(states.clone())
        );
        let worst = percentile(states, 1.0);
        println!("ratio capture/state-in-{name} {worst:.1} ms (limit {STATE_LIMIT_MS})");
    }
}

fn state_at(trace: &Trace, seq: u64) -> Core {
    let (mut core, next) = trace.state_before(seq).expect("it begins with the first record");
    let mut effects = Effects::new();
    for (_, record) in trace.records_from(next).take_while(|(number, _)| *number < seq) {
        core.apply(record, &mut effects);
        effects.clear();
    }
    core
}

/// What a provider logged while calls came and went.
#[allow(clippy::expect_used)]
fn records_of_some_seconds(folder: &Path) -> Vec<Record> {
    let (_, provider) = flood(folder, "", Duration::ZERO);
    let kept = provider.stop_and_keep();
    let log = LogReader::open(&kept.path().join("log"), PATIENCE).expect("a log");
    log.records_from(0).map(|item| item.expect("an intact log").1).collect()
}

/// Writes records again and again, to a log and to a capture, with images.
#[allow(clippy::expect_used)]
fn write_both(log: &Path, capture: &Path, traffic: &[Record], count: u64) {
    let mut journal = Journal::open(log, Durability::Behind, PATIENCE).expect("a new log").0;
    let out = BufWriter::new(File::create(capture).expect("a new file"));
    let mut writer = CaptureWriter::new(out, &About::this_program(false)).expect("it is written");
    let span = traffic.last().map_or(0, |last| last.at.0) - traffic[0].at.0 + 1;
    let again = |lap: u64| {
        traffic.iter().map(move |record| Record { at: record.at + lap * span, ..record.clone() })
    };
    let mut records = (0..).flat_map(again).take(count as usize);
    let (mut core, mut effects, mut next) = (Core::default(), Effects::new(), 0);
    while next < count {
        let batch: Vec<Record> = records.by_ref().take(250).collect();
        journal.append(next, &batch).expect("it is written");
        let last_at = batch.last().map_or_else(Default::default, |record| record.at);
        for record in batch {
            writer.push(next, record.clone()).expect("it is written");
            core.apply(record, &mut effects);
            effects.clear();
            next += 1;
        }
        if next % IMAGE_EVERY == 0 {
            let place = Place { next, last_at };
            journal.keep_snapshot(&core, place).expect("it is written");
            writer.image(&core, place).expect("it is written");
        }
    }
    journal.close().expect("it is written");
    writer.finish().expect("it is written");
}
