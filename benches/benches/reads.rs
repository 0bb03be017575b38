//! Synchronous reads of a call through the C interface: how many a second, how long under writes,
//! and that nothing is allocated. That nothing is locked is a test of `tsp-ffi`, which reads while
//! every lock of the provider is held.

use adapters::simulator::{Estate, Options, Simulator};
use benches::figures::{are_wanted, median, percentile, rate, wait_for};
use benches::provider::{Fed, settings};
use benches::traffic;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tapline::abi::{HDrvCall, LINE_CALLSTATE, LINE_NEWCALL};
use tapline::stand::{Buffer, Counting, Listener, Stand, allocations, releases};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Reads a second, on one thread.
const LIMIT: f64 = 8.0e6;
/// Phones of the simulator's own estate.
const LINES: u32 = 12;

fn main() {
    let rounds = if are_wanted() { 41 } else { 1 };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    at_rest(folder, rounds);
    under_writes(folder, Duration::from_millis(100) * rounds);
}

/// A read of one kind.
type Read = fn(&Stand, HDrvCall, &mut Buffer) -> Result<(), i32>;
const READS: [(&str, Read); 2] =
    [("GetCallInfo", Stand::call_info), ("GetCallStatus", Stand::call_status)];

/// A call of the simulator's, over HTTP, with all that belongs to it.
#[allow(clippy::print_stdout, clippy::expect_used)] // figures; and without a call there are none
fn at_rest(folder: &Path, rounds: u32) {
    const TIMES: u32 = 400_000;
    let simulator =
        Simulator::start(&Estate::built_in(), Options::default()).expect("a loopback port");
    let folder = tempfile::tempdir_in(folder).expect("a folder beside the build");
    let settings = settings(folder.path(), &simulator.address().to_string());
    let listener = Arc::new(Calls::default());
    let stand = Stand::start(&settings, listener.clone()).expect("the provider starts");
    assert!(wait_for(|| listener.opened.load(Ordering::Relaxed) >= LINES), "the lines are open");
    std::thread::sleep(Duration::from_millis(500));
    simulator.control("call 21 20").expect("it calls");
    assert!(wait_for(|| listener.call() != 0), "the call is there");

    let call = listener.call();
    let mut buffer = Buffer::new(1024);
    let mut rates = READS.map(|_| Vec::with_capacity(rounds as usize));
    let (mut allocated, mut released) = (0, 0);
    // The first read of a thread makes a note of the thread, once.
    assert_eq!(stand.call_info(call, &mut buffer), Ok(()));
    assert!(buffer.caller_bytes() > 0, "it knows who calls");
    for _ in 0..rounds {
        for ((_, read), rates) in READS.iter().zip(&mut rates) {
            let before = (allocations(), releases());
            let reached = rate(TIMES, || {
                let answer = read(&stand, black_box(call), black_box(&mut buffer));
                assert_eq!(answer, Ok(()));
            });
            allocated += allocations() - before.0;
            released += releases() - before.1;
            rates.push(reached);
        }
    }
    for ((name, _), rates) in READS.iter().zip(rates) {
        let rate = median(rates);
        println!(
            "ratio reads/{name} {:.2} M/s, {:.2} of the limit (limit {:.0} M/s)",
            rate / 1e6,
            rate / LIMIT,
            LIMIT / 1e6
        );
    }
    println!("reads/at-rest: {allocated} allocations and {released} releases by the reader");
    assert_eq!(allocated, 0, "a read allocates");
}

/// The same while the line that is read changes as fast as the provider takes it.
#[allow(clippy::print_stdout)]
fn under_writes(folder: &Path, duration: Duration) {
    let listener = Arc::new(Calls::default());
    let provider = Fed::start(folder, listener.clone()).with_lines(100);
    let calls = traffic::calls(&[0], 2_000);
    // Without its end, so that it goes on for ever.
    let held = &calls.answers[1..calls.answers.len() - 1];
    assert!(provider.feed.answer(Arc::clone(&calls.answers[0])), "the provider runs");
    assert!(wait_for(|| listener.call() != 0), "the call is there");
    let (call, done) = (listener.call(), AtomicBool::new(false));
    let before = listener.changes.load(Ordering::Relaxed);
    let begin = Instant::now();
    let mut reads = READS.map(|_| Vec::with_capacity(1 << 20));
    let (mut allocated, mut released) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for answer in held.iter().cycle() {
                if done.load(Ordering::Relaxed) || !provider.feed.answer(Arc::clone(answer)) {
                    return;
                }
            }
        });
        let mut buffer = Buffer::new(1024);
        while begin.elapsed() < duration {
            for ((_, read), taken) in READS.iter().zip(&mut reads) {
                for _ in 0..1_000 {
                    let before = (allocations(), releases());
                    let begin = Instant::now();
                    let answer = read(&provider.stand, call, &mut buffer);
                    let nanoseconds = begin.elapsed().as_nanos() as f64;
                    allocated += allocations() - before.0;
                    released += releases() - before.1;
                    taken.push(nanoseconds);
                    assert_eq!(answer, Ok(()));
                }
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    println!("reads/under-writes: {allocated} allocations and {released} releases by the reader");
    assert_eq!(allocated, 0, "a read allocates");
    let changes = listener.changes.load(Ordering::Relaxed) - before;
    let writes = changes as f64 / begin.elapsed().as_secs_f64();
    for ((name, _), taken) in READS.iter().zip(reads) {
        let (p50, p99) = (percentile(taken.clone(), 0.5), percentile(taken, 0.99));
        println!(
            "ratio reads/{name}-under-writes p50 {p50:.0} ns p99 {p99:.0} ns with {writes:.0} \
             changes of the call a second (no limit set; two looks at the clock included)"
        );
    }
}

/// Remembers the first call.
#[derive(Default)]
struct Calls {
    opened: AtomicU32,
    call: AtomicUsize,
    changes: AtomicU64,
}

impl Calls {
    fn call(&self) -> HDrvCall {
        self.call.load(Ordering::Acquire)
    }
}

impl Listener for Calls {
    fn opened(&self, _device: u32) {
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    fn heard(&self, _device: u32, call: HDrvCall, message: u32, _first: usize) {
        match message {
            LINE_NEWCALL if self.call() == 0 => self.call.store(call, Ordering::Release),
            LINE_CALLSTATE => drop(self.changes.fetch_add(1, Ordering::Relaxed)),
            _ => {}
        }
    }
}
