//! The journal beside its limits in the same run: appending beside a raw file with the same bytes
//! and a true sync for each batch, replay beside decoding alone.

use adapters::journal::{Durability, Journal, LogReader};
use criterion::{BatchSize, Criterion, Throughput};
use engine::fact::{CallInfo, Event, Msg, Party, PbxFact, Record, Role};
use engine::frame::{Chain, Frame, FrameWriter, Frames, Recent};
use engine::id::{Attempt, Guid, PbxId};
use engine::time::Millis;
use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The ratios to reach.
const APPEND_LIMIT: f64 = 0.8;
const REPLAY_LIMIT: f64 = 0.4;
/// Or, for replay, this many records a second.
const REPLAY_RATE: f64 = 2.0e6;

/// Records in the log that is replayed.
const REPLAYED: u64 = 500_000;
const WAIT: Duration = Duration::from_secs(10);

/// Records in a batch, which is one frame.
const BATCH: usize = 64;

fn main() {
    let mut criterion =
        Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3));
    criterion = criterion.configure_from_args();
    appending(&mut criterion);
    replaying(&mut criterion);
    criterion.final_summary();
    if std::env::args().any(|argument| argument == "--bench") {
        report_append();
        report_replay();
    }
}

/// An event of a call as a PBX sends it: two parties, the name of the call.
fn call(n: u64) -> Record {
    let party = |role, cn: &str, e164: &str| Party {
        role,
        cn: cn.into(),
        dn: cn.into(),
        e164: e164.into(),
        h323: "".into(),
    };
    let info = CallInfo {
        user: (n % 200) as u32,
        call: n as u32,
        active: true,
        state: 132,
        msg: Msg::XAlert,
        parties: [
            party(Role::This, "Jörg Müßig", "22"),
            party(Role::Peer, "Ann Arbor", "00703173009"),
        ]
        .into(),
        conf: Guid([n as u8; 16]),
        cause: None,
        uui: None,
    };
    let at = Millis(1_700_000_000_000 + n / 10);
    Record { at, event: Event::Pbx(PbxId(0), Attempt(1), PbxFact::Call(info)) }
}

fn batch() -> Vec<Record> {
    (0..BATCH as u64).map(call).collect()
}

/// The bytes of a batch, as they go to the disk.
fn frame_of(records: &[Record]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = FrameWriter::default().write(Chain::START, records, &mut bytes);
    assert_eq!(written.expect("a frame").count, records.len(), "one frame");
    bytes
}

fn journal(folder: &Path, durability: Durability) -> Journal {
    Journal::open(folder, durability, WAIT).expect("a new log").0
}

fn append(journal: &mut Journal, records: &[Record]) {
    journal.append(journal.next_seq(), records).expect("it is written");
}

fn write_and_sync(file: &mut File, bytes: &[u8]) {
    file.write_all(bytes).and_then(|()| file.sync_data()).expect("it is written");
}

fn appending(criterion: &mut Criterion) {
    let (records, folder) = (batch(), folder());
    let bytes = frame_of(&records);
    let mut group = criterion.benchmark_group("journal/append");
    group.throughput(Throughput::Elements(records.len() as u64));
    let mut raw = File::create(folder.path().join("raw")).expect("a new file");
    group.bench_function("raw file with fdatasync", |bencher| {
        bencher.iter(|| write_and_sync(&mut raw, &bytes));
    });
    let mut before = journal(&folder.path().join("before"), Durability::BeforeCallback);
    group.bench_function("before the callback", |bencher| {
        bencher.iter(|| append(&mut before, &records));
    });
    let mut behind = journal(&folder.path().join("behind"), Durability::Behind);
    group.bench_function("behind", |bencher| bencher.iter(|| append(&mut behind, &records)));
    group.finish();
}

fn replaying(criterion: &mut Criterion) {
    let (_folder, reader, bytes) = log_to_replay();
    let mut group = criterion.benchmark_group("journal/replay");
    group.sample_size(10).throughput(Throughput::Elements(REPLAYED));
    group.bench_function("decode alone", |bencher| bencher.iter(|| decode(black_box(&bytes))));
    group.bench_function("from the log", |bencher| {
        bencher.iter_batched(|| (), |()| replay(&reader), BatchSize::PerIteration);
    });
    group.finish();
}

/// A log, and its frames in memory.
fn log_to_replay() -> (TempDir, LogReader, Vec<u8>) {
    let folder = folder();
    let mut journal = journal(folder.path(), Durability::Behind);
    let (mut writer, mut chain, mut bytes) = (FrameWriter::default(), Chain::START, Vec::new());
    for first in (0..REPLAYED).step_by(BATCH) {
        let end = (first + BATCH as u64).min(REPLAYED);
        let records: Vec<Record> = (first..end).map(call).collect();
        append(&mut journal, &records);
        chain = writer.write(chain, &records, &mut bytes).expect("a frame").chain;
    }
    journal.close().expect("it is written");
    let reader = LogReader::open(folder.path(), WAIT).expect("the log");
    (folder, reader, bytes)
}

fn decode(bytes: &[u8]) -> u64 {
    let mut recent = Recent::default();
    let whole = |frame: Frame<'_>| -> u64 {
        frame.records_knowing(&mut recent).map(|item| u64::from(black_box(item).is_ok())).sum()
    };
    let frames = Frames::new(bytes, Chain::START).map(|frame| frame.expect("an intact frame"));
    frames.map(whole).sum()
}

fn replay(reader: &LogReader) -> u64 {
    reader.records_from(0).map(|item| u64::from(black_box(item).is_ok())).sum()
}

fn folder() -> TempDir {
    // Beside the build, where there is a real disk; temporary folders often are in memory.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tempfile::tempdir_in(target).expect("a folder in the target directory")
}

/// Prints the ratio, of many short runs of both in turn, so that whatever else the machine does
/// meets both alike.
#[allow(clippy::print_stdout)] // that is what it is for
fn report_append() {
    const ROUNDS: usize = 101;
    const BATCHES: usize = 15;
    let (records, folder) = (batch(), folder());
    let bytes = frame_of(&records);
    let mut raw = File::create(folder.path().join("raw")).expect("a new file");
    let mut before = journal(&folder.path().join("before"), Durability::BeforeCallback);
    let (mut raw_times, mut times, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let raw_round = repeated(BATCHES, || write_and_sync(&mut raw, &bytes));
        let round = repeated(BATCHES, || append(&mut before, &records));
        ratios.push(sum(&raw_round).as_secs_f64() / sum(&round).as_secs_f64());
        raw_times.extend(raw_round);
        times.extend(round);
    }
    // Alone, because what it leaves unwritten would burden the others.
    let mut behind = journal(&folder.path().join("behind"), Durability::Behind);
    let behind = repeated(ROUNDS * BATCHES, || append(&mut behind, &records));
    println!("journal/append raw file {}", Summary::of(raw_times));
    println!("journal/append before   {}", Summary::of(times));
    println!("journal/append behind   {}", Summary::of(behind));
    ratios.sort_by(f64::total_cmp);
    println!("ratio journal/append {:.2} (limit {APPEND_LIMIT})", ratios[ROUNDS / 2]);
}

fn repeated(times: usize, mut work: impl FnMut()) -> Vec<Duration> {
    (0..times).map(|_| timed(&mut work)).collect()
}

fn sum(times: &[Duration]) -> Duration {
    times.iter().sum()
}

#[allow(clippy::print_stdout)] // that is what it is for
fn report_replay() {
    let (_folder, reader, bytes) = log_to_replay();
    let (mut alone, mut replayed) = (Vec::new(), Vec::new());
    for _ in 0..9 {
        alone.push(timed(|| assert_eq!(decode(black_box(&bytes)), REPLAYED)));
        replayed.push(timed(|| assert_eq!(replay(&reader), REPLAYED)));
    }
    alone.sort_unstable();
    replayed.sort_unstable();
    let rate = |times: &[Duration]| REPLAYED as f64 / times[times.len() / 2].as_secs_f64();
    let (alone, replayed) = (rate(&alone), rate(&replayed));
    println!("journal/replay decode alone {:.2} M records/s", alone / 1e6);
    println!("journal/replay from the log {:.2} M records/s", replayed / 1e6);
    let (ratio, rate) = (replayed / alone, REPLAY_RATE / 1e6);
    println!("ratio journal/replay {ratio:.2} (limit {REPLAY_LIMIT}, or {rate} M records/s)");
}

fn timed(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

/// Times of appending one batch.
struct Summary {
    mean: Duration,
    median: Duration,
    p99: Duration,
}

impl Summary {
    fn of(mut times: Vec<Duration>) -> Summary {
        times.sort_unstable();
        Summary {
            mean: times.iter().sum::<Duration>() / times.len() as u32,
            median: times[times.len() / 2],
            p99: times[times.len() * 99 / 100],
        }
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rate = BATCH as f64 / self.mean.as_secs_f64() / 1e3;
        let Summary { median, p99, .. } = self;
        write!(f, "{rate:7.0} k records/s, a batch median {median:.1?}, p99 {p99:.1?}")
    }
}
