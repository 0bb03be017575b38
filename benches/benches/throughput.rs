//! From the bytes of a PBX's answers to the callbacks of an application: decoded, logged with a
//! flush for each frame, folded by the actors, told through the C interface. Flat out, on one line
//! to a hundred thousand, and at a steady pace, where the delay counts.

use benches::figures::{Disk, are_wanted, median, percentile, processor_seconds, wait_for};
use benches::provider::Fed;
use benches::traffic::{self, CALLS_IN_ANSWER, Calls};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tapline::abi::{HDrvCall, LINE_CALLSTATE};
use tapline::stand::Listener;

/// Events a second flat out, at a thousand lines.
const RATE_LIMIT: f64 = 150_000.0;
/// The slowest of a hundred events at a steady pace, in flushes of this disk.
const DELAY_LIMIT: f64 = 5.0;

/// Lines, holds in a call, and whether the limit is set for it. With few lines calls are longer:
/// no phone has thousands of calls a second.
const FLAT_OUT: [(u32, usize); 6] =
    [(1, 200), (10, 20), (100, 1), (1_000, 1), (10_000, 1), (100_000, 1)];
/// The number of lines at which a limit is set.
const LIMITED_LINES: u32 = 1_000;
/// Events on their way at most.
const ON_THEIR_WAY: u64 = 4_096;
/// Lines with a call, of however many there are.
const BUSY_LINES: usize = 10_000;
const OFFERED: u32 = 10_000;

fn main() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    if !are_wanted() {
        return flat_out(folder, 10, 1, Duration::ZERO);
    }
    // Given a number of lines, with that one only: to look into it with a profiler.
    let only: Option<u32> = std::env::var("LINES").ok().and_then(|lines| lines.parse().ok());
    for (lines, holds) in FLAT_OUT {
        if only.is_none_or(|only| only == lines) {
            flat_out(folder, lines, holds, Duration::from_secs(3));
        }
    }
    if only.is_none_or(|only| only == 0) {
        steady(folder);
    }
}

/// Prints how many events a second come through.
#[allow(clippy::print_stdout)] // that is what it is for
fn flat_out(folder: &Path, lines: u32, holds: usize, duration: Duration) {
    let listener = Arc::new(Clock::of(&Calls { answers: Vec::new(), events: Vec::new() }));
    let provider = Fed::start(folder, listener.clone()).with_lines(lines);
    let every = (lines as usize).div_ceil(BUSY_LINES);
    let devices: Vec<u32> = (0..lines).step_by(every).collect();
    let calls = traffic::calls(&devices, holds);
    let told = calls.events.iter().filter(|(_, step)| step.is_told).count() as u64;
    let ends = calls.answers.iter().scan(0, |told, _| {
        *told += CALLS_IN_ANSWER as u64;
        Some(*told)
    });
    let ends: Vec<u64> = ends.collect();
    let mut rates = Vec::new();
    let before = processor_seconds();
    let begin = Instant::now();
    while begin.elapsed() < duration || rates.is_empty() {
        let before = listener.told.load(Ordering::Relaxed);
        let lap = Instant::now();
        for (answer, end) in calls.answers.iter().zip(&ends) {
            // Nearly every event is told, so this bounds those on their way.
            let on_their_way = || {
                let through = listener.told.load(Ordering::Relaxed) - before;
                end.saturating_sub(through * calls.events.len() as u64 / told)
            };
            if on_their_way() > ON_THEIR_WAY {
                wait_for(|| on_their_way() < ON_THEIR_WAY / 2);
            }
            assert!(provider.feed.answer(Arc::clone(answer)), "the provider runs");
        }
        let all = || listener.told.load(Ordering::Relaxed) - before >= told;
        assert!(wait_for(all), "{} of {told} were told", listener.told.load(Ordering::Relaxed));
        rates.push(calls.events.len() as f64 / lap.elapsed().as_secs_f64());
    }
    let events = (rates.len() * calls.events.len()) as f64;
    let used = processor_seconds().into_iter().map(|(name, seconds)| {
        let each = (seconds - before.get(&name).unwrap_or(&0.0)) / events * 1e6;
        (name, each)
    });
    let used: Vec<(String, f64)> = used.collect();
    let total: f64 = used.iter().map(|(_, each)| each).sum();
    let used = used.iter().filter(|(_, each)| *each > 0.05);
    let used: Vec<String> = used.map(|(name, each)| format!("{name} {each:.1}")).collect();
    println!(
        "throughput/{lines}-lines: {total:.1} us of processor time an event: {}",
        used.join(", ")
    );
    let rate = median(rates);
    let limit = if lines == LIMITED_LINES {
        format!("limit {RATE_LIMIT:.0}, ratio {:.2}", rate / RATE_LIMIT)
    } else {
        "no limit set".into()
    };
    println!("ratio throughput/{lines}-lines {rate:.0} events/s ({limit})");
}

/// Prints the delay at a steady pace, beside the flushes of this disk, taken in turns.
#[allow(clippy::print_stdout)] // that is what it is for
fn steady(folder: &Path) {
    const ROUNDS: usize = 9;
    let lines = LIMITED_LINES;
    let devices: Vec<u32> = (0..lines).collect();
    let calls = traffic::calls(&devices, 1);
    let listener = Arc::new(Clock::of(&calls));
    let provider = Fed::start(folder, listener.clone()).with_lines(lines);
    let (mut p50s, mut p99s, mut in_flushes) = (Vec::new(), Vec::new(), Vec::new());
    let mut disk = Disk::new(folder, 4 * 1024);
    for _ in 0..ROUNDS {
        // In this order, so that the ones at the pace come right before what they are held against.
        let in_a_row = median(disk.flushes(500));
        let flush = median(disk.flushes_at(pause(), 500));
        listener.begin_again();
        offer(&provider, &calls, &listener);
        assert!(wait_for(|| listener.is_done()), "all are told");
        let delays = listener.delays();
        let (p50, p99) = (percentile(delays.clone(), 0.5), percentile(delays, 0.99));
        println!(
            "throughput/steady: p50 {:.2} ms, p99 {:.2} ms, a flush {:.2} ms, one of many in a row {:.2} ms",
            p50 * 1e3,
            p99 * 1e3,
            flush * 1e3,
            in_a_row * 1e3
        );
        p50s.push(p50 * 1e3);
        p99s.push(p99 * 1e3);
        in_flushes.push(p99 / flush);
    }
    println!(
        "ratio throughput/steady-{OFFERED} p50 {:.2} ms p99 {:.2} ms, in flushes {:.1} (limit {DELAY_LIMIT})",
        median(p50s),
        median(p99s),
        median(in_flushes)
    );
}

/// Between two answers.
fn pause() -> Duration {
    Duration::from_secs(1) * CALLS_IN_ANSWER as u32 / OFFERED
}

/// Puts in an answer whenever one is due. An event is offered when its answer was due, even if
/// the provider did not take it then.
fn offer(provider: &Fed, calls: &Calls, listener: &Clock) {
    let mut due = Instant::now();
    for (number, answer) in calls.answers.iter().enumerate() {
        due += pause();
        let offered = if Instant::now() < due {
            while Instant::now() < due {
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            // Waking up late is not the provider's doing.
            Instant::now()
        } else {
            due
        };
        let first = number * CALLS_IN_ANSWER;
        listener.offered(first..first + CALLS_IN_ANSWER, offered);
        assert!(provider.feed.answer(Arc::clone(answer)), "the provider runs");
    }
}

/// Counts what is told, and when.
struct Clock {
    begin: Instant,
    told: AtomicU64,
    /// For each device, its events that are told, in order.
    events: Vec<Vec<u32>>,
    /// For each device, how many of them were.
    next: Vec<AtomicU32>,
    /// For each event, when it was offered, in nanoseconds.
    offered: Vec<AtomicU64>,
    /// And how long it took.
    delays: Vec<AtomicU64>,
}

impl Clock {
    fn of(calls: &Calls) -> Clock {
        let devices = calls.events.iter().map(|(device, _)| device + 1).max().unwrap_or(0);
        let mut events = vec![Vec::new(); devices as usize];
        for (number, (device, step)) in (0..).zip(&calls.events) {
            if step.is_told {
                events[*device as usize].push(number);
            }
        }
        let zeros = || calls.events.iter().map(|_| AtomicU64::new(0)).collect();
        Clock {
            begin: Instant::now(),
            told: AtomicU64::new(0),
            next: events.iter().map(|_| AtomicU32::new(0)).collect(),
            events,
            offered: zeros(),
            delays: zeros(),
        }
    }

    fn offered(&self, events: std::ops::Range<usize>, at: Instant) {
        let at = (at - self.begin).as_nanos() as u64;
        for offered in self.offered.iter().take(events.end).skip(events.start) {
            offered.store(at, Ordering::Relaxed);
        }
    }

    fn begin_again(&self) {
        self.next.iter().for_each(|next| next.store(0, Ordering::Relaxed));
        self.told.store(0, Ordering::Relaxed);
    }

    fn is_done(&self) -> bool {
        let all: usize = self.events.iter().map(Vec::len).sum();
        self.told.load(Ordering::Relaxed) as usize == all
    }

    /// Seconds.
    fn delays(&self) -> Vec<f64> {
        let told = self.events.iter().flatten();
        told.map(|event| self.delays[*event as usize].load(Ordering::Relaxed) as f64 / 1e9)
            .collect()
    }
}

impl Listener for Clock {
    fn opened(&self, _device: u32) {}

    fn heard(&self, device: u32, _call: HDrvCall, message: u32, _first: usize) {
        if message != LINE_CALLSTATE {
            return;
        }
        if let Some(events) = self.events.get(device as usize) {
            let number = self.next[device as usize].fetch_add(1, Ordering::Relaxed);
            if let Some(event) = events.get(number as usize) {
                let now = self.begin.elapsed().as_nanos() as u64;
                let offered = self.offered[*event as usize].load(Ordering::Relaxed);
                self.delays[*event as usize].store(now - offered, Ordering::Relaxed);
            }
        }
        self.told.fetch_add(1, Ordering::Release);
    }
}
