//! Memory of an idle line: how much a process grows that runs the whole provider, when its PBX
//! reports so many users and the host opens the line of each. Everything that grows is counted:
//! engine, actors, views, handles, what the log's storage keeps, and what the allocator does not
//! give back. The provider has worked for a while before, so that the buffers of its log, which do
//! not depend on the number of lines, are there.

use benches::figures::{are_wanted, resident_bytes, wait_for};
use benches::provider::Fed;
use benches::traffic;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tapline::abi::{HDrvCall, LINE_CALLSTATE};
use tapline::stand::{Counting, Listener, bytes_in_use};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes a line.
const LIMIT: f64 = 2048.0;
/// Lines that are there before.
const BEFORE: u32 = 100;
/// Says to a process of its own how many lines it shall have.
const LINES: &str = "TAPLINE_BENCH_LINES";

fn main() {
    let lines = std::env::var(LINES).ok().and_then(|lines| lines.parse().ok());
    match lines {
        Some(lines) => measure(lines),
        None if are_wanted() => [10_000, 100_000].into_iter().for_each(run),
        None => run(10),
    }
}

/// A process has to be new to be measured.
#[allow(clippy::expect_used)]
fn run(lines: u32) {
    let itself = std::env::current_exe().expect("a program knows where it lies");
    let ended = Command::new(itself).env(LINES, lines.to_string()).status();
    assert!(ended.is_ok_and(|status| status.success()), "the measuring process failed");
}

#[allow(clippy::print_stdout)] // that is what it is for
fn measure(lines: u32) {
    let told = Arc::new(Told::default());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let provider = Fed::start(folder, told.clone()).with_lines(BEFORE);
    work(&provider, &told);
    std::thread::sleep(Duration::from_millis(500));
    let (before, heap) = (resident_bytes(), bytes_in_use());
    let provider = provider.with_lines(BEFORE + lines);
    // Notes about the callbacks are written, and the snapshot that may be due.
    std::thread::sleep(Duration::from_millis(1_500));
    let (Some(before), Some(after)) = (before, resident_bytes()) else {
        return println!("memory: not known on this system");
    };
    let each = (after - before) / f64::from(lines);
    println!(
        "ratio memory/{lines}-lines {each:.0} bytes a line, {:.2} of the limit (limit {LIMIT}); \
         allocated {:.0} of them; the process before {:.1} MiB",
        each / LIMIT,
        (bytes_in_use() as f64 - heap as f64) / f64::from(lines),
        before / f64::from(1 << 20)
    );
    drop(provider);
}

/// Fills the buffers of the log, and the cache of its storage, which keeps some ten thousand values.
fn work(provider: &Fed, told: &Told) {
    const ROUNDS: u64 = 500;
    let devices: Vec<u32> = (0..BEFORE).collect();
    let calls = traffic::calls(&devices, 1);
    let expected = calls.events.iter().filter(|(_, step)| step.is_told).count() as u64;
    for round in 1..=ROUNDS {
        for answer in &calls.answers {
            assert!(provider.feed.answer(Arc::clone(answer)), "the provider runs");
        }
        let all = || told.0.load(Ordering::Relaxed) >= round * expected;
        assert!(wait_for(all), "all calls are told");
    }
}

/// Counts changes of calls.
#[derive(Default)]
struct Told(AtomicU64);

impl Listener for Told {
    fn opened(&self, _device: u32) {}

    fn heard(&self, _device: u32, _call: HDrvCall, message: u32, _first: usize) {
        if message == LINE_CALLSTATE {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}
