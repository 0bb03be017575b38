//! A provider under calls as fast as it takes them, and the log that it leaves.

use crate::figures::wait_for;
use crate::provider::Fed;
use crate::traffic::{self, CALLS_IN_ANSWER};
use adapters::capture::CaptureFile;
use adapters::excerpt::{self, Span};
use adapters::trace::Trace;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tapline::abi::HDrvCall;
use tapline::stand::Listener;

/// Lines on which calls come in.
pub const LINES: u32 = 1_000;
/// Events on their way at most.
const ON_THEIR_WAY: u64 = 4_096;

#[derive(Default)]
struct Count(AtomicU64);

impl Listener for Count {
    fn opened(&self, _: u32) {}

    fn heard(&self, _: u32, _: HDrvCall, _: u32, _: usize) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Callbacks a second that come through a provider with these settings, for so long; once through
/// the calls at least. Also the provider itself.
///
/// # Panics
/// If the provider stops.
#[must_use]
pub fn flood(folder: &Path, more: &str, lap: Duration) -> (f64, Fed) {
    let count = Arc::new(Count::default());
    let provider = Fed::start_with(folder, more, count.clone()).with_lines(LINES);
    let calls = traffic::calls(&(0..LINES).collect::<Vec<_>>(), 1);
    let (all, told) = (calls.events.len(), calls.events.iter().filter(|(_, s)| s.is_told).count());
    let heard = || count.0.load(Ordering::Relaxed);
    let (begin, before, mut offered) = (Instant::now(), heard(), 0_u64);
    while offered == 0 || begin.elapsed() < lap {
        for answer in &calls.answers {
            let through = || (heard() - before) * all as u64 / told as u64;
            let on_their_way = || offered.saturating_sub(through());
            if on_their_way() > ON_THEIR_WAY {
                wait_for(|| on_their_way() < ON_THEIR_WAY / 2);
            }
            assert!(provider.feed.answer(Arc::clone(answer)), "the provider runs");
            offered += CALLS_IN_ANSWER as u64;
        }
    }
    ((heard() - before) as f64 / begin.elapsed().as_secs_f64(), provider)
}

/// A capture file of what a provider logged in so long a flood, with what it told.
///
/// # Panics
/// If the provider stops, or the disk refuses.
#[allow(clippy::expect_used)]
pub fn capture(folder: &Path, lap: Duration, file: &Path) -> CaptureFile {
    let (_, provider) = flood(folder, "", lap);
    let kept = provider.stop_and_keep();
    let log = Trace::open(&kept.path().join("log")).expect("a log");
    let out = BufWriter::new(File::create(file).expect("a new file"));
    excerpt::write(&log, Span::default(), out).expect("it is written");
    CaptureFile::open(file).expect("it was just written")
}
