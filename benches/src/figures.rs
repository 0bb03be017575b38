//! Medians, percentiles, and how long this disk takes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// The middle one.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn median(values: Vec<f64>) -> f64 {
    percentile(values, 0.5)
}

/// The one that so large a share of the others does not exceed.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn percentile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = (values.len() as f64 * share) as usize;
    values[index.min(values.len() - 1)]
}

/// How many times a second something was done, over so many times.
pub fn rate(times: u32, mut work: impl FnMut()) -> f64 {
    let begin = Instant::now();
    for _ in 0..times {
        work();
    }
    f64::from(times) / begin.elapsed().as_secs_f64()
}

/// Whether figures are wanted, or cargo only tries whether the bench runs at all.
#[must_use]
pub fn are_wanted() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// A file to which a frame is written and truly synced, again and again: one flush of this disk.
pub struct Disk {
    file: File,
    frame: Vec<u8>,
}

impl Disk {
    /// A new file in the folder, for frames of so many bytes.
    ///
    /// # Panics
    /// If the disk does not take it.
    #[must_use]
    #[allow(clippy::expect_used)]
    pub fn new(folder: &Path, frame_bytes: usize) -> Disk {
        let file = File::create(folder.join("flushes")).expect("a file can be made");
        Disk { file, frame: vec![0x5A; frame_bytes] }
    }

    /// Seconds for each of so many flushes.
    ///
    /// # Panics
    /// If the disk does not take it.
    #[allow(clippy::expect_used)]
    pub fn flushes(&mut self, count: usize) -> Vec<f64> {
        let mut flush = || {
            let begin = Instant::now();
            self.file.write_all(&self.frame).expect("the disk takes a frame");
            self.file.sync_data().expect("the disk syncs");
            begin.elapsed().as_secs_f64()
        };
        (0..count).map(|_| flush()).collect()
    }

    /// The same with a pause before each, as they come at a steady pace: a disk, and the processor
    /// that waits for it, take longer when they have been idle.
    ///
    /// # Panics
    /// If the disk does not take it.
    pub fn flushes_at(&mut self, pace: Duration, count: usize) -> Vec<f64> {
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            std::thread::sleep(pace);
            times.extend(self.flushes(1));
        }
        times
    }
}

/// Waits for a condition; false if it does not come true in a minute.
pub fn wait_for(condition: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    true
}

/// Seconds of processor time that each thread of this process has used, by its name. Unlike the
/// time on the clock, this says something also on a machine that others use.
///
/// Linux only; elsewhere nothing is known.
#[must_use]
pub fn processor_seconds() -> BTreeMap<String, f64> {
    let mut seconds = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        // A thread may have ended meanwhile.
        let Ok(name) = std::fs::read_to_string(task.path().join("comm")) else { continue };
        let Ok(used) = std::fs::read_to_string(task.path().join("schedstat")) else { continue };
        let nanoseconds = used.split(' ').next().and_then(|used| used.parse::<f64>().ok());
        *seconds.entry(name.trim().to_owned()).or_insert(0.0) += nanoseconds.unwrap_or(0.0) / 1e9;
    }
    seconds
}

/// Bytes of memory that this process has in use, as the system counts them.
///
/// Linux only; elsewhere nothing is known.
#[must_use]
pub fn resident_bytes() -> Option<f64> {
    const PAGE_BYTES: f64 = 4096.0;
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split(' ').nth(1)?.parse::<f64>().ok()? * PAGE_BYTES)
}
