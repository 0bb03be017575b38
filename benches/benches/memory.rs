//! Memory of an idle line: how much a process grows that runs the whole provider, when its PBX
//! reports so many users and the host opens the line of each. Everything that grows is counted:
//! engine, actors, views, handles, what the log's storage keeps, and what the allocator does not
//! give back.

use benches::figures::are_wanted;
use benches::provider::Fed;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tapline::abi::HDrvCall;
use tapline::stand::{Counting, Listener, bytes_in_use};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes a line.
const LIMIT: f64 = 2048.0;
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
    let provider = Fed::start(Path::new(env!("CARGO_TARGET_TMPDIR")), Arc::new(Nobody));
    std::thread::sleep(Duration::from_millis(300));
    let (before, heap) = (resident_bytes(), bytes_in_use());
    let provider = provider.with_lines(lines);
    // Notes about the callbacks are written, and the snapshot that may be due.
    std::thread::sleep(Duration::from_millis(1_500));
    let (Some(before), Some(after)) = (before, resident_bytes()) else {
        return println!("memory: not known on this system");
    };
    let each = (after - before) / f64::from(lines);
    println!(
        "ratio memory/{lines}-lines {each:.0} bytes a line, {:.2} of the limit (limit {LIMIT}); \
         allocated {:.0} of them; the process without lines {:.1} MiB",
        each / LIMIT,
        (bytes_in_use() as f64 - heap as f64) / f64::from(lines),
        before / f64::from(1 << 20)
    );
    drop(provider);
}

/// Linux only.
fn resident_bytes() -> Option<f64> {
    const PAGE_BYTES: f64 = 4096.0;
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split(' ').nth(1)?.parse::<f64>().ok()? * PAGE_BYTES)
}

struct Nobody;

impl Listener for Nobody {
    fn opened(&self, _device: u32) {}
    fn heard(&self, _device: u32, _call: HDrvCall, _message: u32, _first: usize) {}
}
