//! How long a report of a million records takes, and how much memory, beside decoding them alone.

use adapters::capture::{About, CaptureWriter};
use adapters::trace::Trace;
use engine::fact::{Event, PbxFact};
use engine::id::Guid;
use engine::strategy::calls_from_outside;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Seconds that a report of a million records may take.
const TIME_LIMIT_S: f64 = 5.0;
/// Memory that it may take, in megabytes.
const MEMORY_LIMIT_MB: f64 = 200.0;

/// Records of one call from outside, as they are made here.
const RECORDS_OF_A_CALL: usize = 4;

/// How much longer a record may take where conf GUIDs come again and again.
const REPEATED_LIMIT: f64 = 3.0;

/// Prints them.
#[allow(clippy::print_stdout, clippy::expect_used)] // that is what it is for
fn main() {
    // Without the word, cargo only tries whether the bench runs at all.
    let are_figures_wanted = std::env::args().any(|argument| argument == "--bench");
    let (records, rounds) = if are_figures_wanted { (1_000_000, 5) } else { (10_000, 1) };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let (log, page) = (folder.path().join("calls.tspt"), folder.path().join("report.html"));
    let written = write(&log, records, Keys::Own);
    let (mut decoded, mut reported, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        decoded.push(decode(&log, written));
        let (seconds, megabytes) = report(&log, &page);
        reported.push(seconds);
        memory.push(megabytes);
    }
    let per_million = 1e6 / written as f64;
    let (decoded, reported) = (median(decoded) * per_million, median(reported) * per_million);
    let bytes = std::fs::metadata(&page).expect("a report").len();
    println!(
        "report/build {written} records: {reported:.2} s a million, {:.1} MB page; decoding alone \
         {decoded:.2} s",
        bytes as f64 / 1e6
    );
    println!("ratio report/time {reported:.2} s (limit {TIME_LIMIT_S})");
    println!("ratio report/decode {:.1} times decoding alone", reported / decoded);
    println!("ratio report/memory {:.0} MB (limit {MEMORY_LIMIT_MB})", median(memory));

    // A PBX that takes GUIDs from a small store: 256 for all calls.
    let repeated = write(&log, records / 10, Keys::Of256);
    let rounds = (0..rounds).map(|_| report(&log, &page).0);
    let ratio = median(rounds.collect()) * 1e6 / repeated as f64 / reported;
    println!("ratio report/repeated-guids {ratio:.1} times as long (limit {REPEATED_LIMIT})");
}

/// The conf GUIDs of calls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// Each call has its own.
    Own,
    /// They have 256 between them.
    Of256,
}

/// Writes a capture of about so many records, with calls that come and go; gives how many.
#[allow(clippy::expect_used)]
fn write(log: &Path, records: usize, keys: Keys) -> usize {
    let calls = (0..records / RECORDS_OF_A_CALL).map(|n| n as u8);
    let mut records = calls_from_outside(calls);
    for record in &mut records {
        // Each call has a key of its own, however many there are.
        if let Event::Pbx(_, _, PbxFact::Call(call)) = &mut record.event
            && keys == Keys::Own
        {
            call.conf = Guid((u128::from(call.call) << 64).to_be_bytes());
        }
    }
    let out = BufWriter::new(File::create(log).expect("a new file"));
    let mut writer = CaptureWriter::new(out, &About::this_program(false)).expect("it is written");
    let count = records.len();
    for (seq, record) in (0..).zip(records) {
        writer.push(seq, record).expect("it is written");
    }
    writer.finish().expect("it is written");
    count
}

/// Seconds that it takes to read all records and do nothing with them.
#[allow(clippy::expect_used)]
fn decode(log: &Path, written: usize) -> f64 {
    let begin = Instant::now();
    let trace = Trace::open(log).expect("it was just written");
    assert_eq!(trace.records_from(0).count(), written);
    begin.elapsed().as_secs_f64()
}

/// Seconds that a report takes, and the most memory that it had, in megabytes.
#[allow(clippy::expect_used)]
fn report(log: &Path, page: &Path) -> (f64, f64) {
    let begin = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tapline"))
        .arg("report")
        .args([log, Path::new("-o"), page])
        .stdout(Stdio::null())
        .spawn()
        .expect("the command runs");
    let mut most = 0.0_f64;
    loop {
        most = most.max(peak_megabytes(&child));
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            assert!(status.success(), "{status}");
            return (begin.elapsed().as_secs_f64(), most);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The middle one.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The most memory that a process has had so far. Linux only; elsewhere nothing is known.
fn peak_megabytes(child: &Child) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
    let status = status.unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}
