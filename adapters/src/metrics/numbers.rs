//! What counting is done with: single numbers that any thread changes without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A number that only grows. It begins anew when the provider does.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn raise(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    pub(crate) fn lower(&self, by: u64) {
        self.0.fetch_sub(by, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long something took, in classes.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// Those of each class of [`Histogram::LIMITS`], and the longer ones.
    counts: [AtomicU64; Histogram::LIMITS.len() + 1],
    sum_ns: AtomicU64,
}

/// A histogram at one moment.
#[derive(Debug, PartialEq)]
pub(crate) struct Distribution {
    /// How many took up to each of the limits, as they are written, and how many there are.
    pub(crate) up_to: Vec<(&'static str, u64)>,
    /// How many there are.
    pub(crate) count: u64,
    /// All of them together, in seconds.
    pub(crate) sum_s: f64,
}

impl Histogram {
    /// The longest of each class in microseconds, and in seconds as it is written: from the flush of
    /// a quick disk up to what no application waits for.
    const LIMITS: [(u64, &'static str); 17] = [
        (50, "0.00005"),
        (100, "0.0001"),
        (250, "0.00025"),
        (500, "0.0005"),
        (1_000, "0.001"),
        (2_500, "0.0025"),
        (5_000, "0.005"),
        (10_000, "0.01"),
        (25_000, "0.025"),
        (50_000, "0.05"),
        (100_000, "0.1"),
        (250_000, "0.25"),
        (500_000, "0.5"),
        (1_000_000, "1"),
        (2_500_000, "2.5"),
        (5_000_000, "5"),
        (10_000_000, "10"),
    ];

    pub(crate) fn observe(&self, took: Duration) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let class = Histogram::LIMITS.partition_point(|(limit_us, _)| limit_us * 1_000 < ns);
        // There is one class more than there are limits.
        if let Some(count) = self.counts.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// The sum may already hold what the counts do not, or the other way round, when somebody
    /// observes meanwhile; the counts themselves agree.
    pub(crate) fn read(&self) -> Distribution {
        let mut count = 0;
        let mut up_to = Vec::with_capacity(Histogram::LIMITS.len());
        let mut counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        for ((_, limit), of_class) in Histogram::LIMITS.iter().zip(counts.by_ref()) {
            count += of_class;
            up_to.push((*limit, count));
        }
        count += counts.sum::<u64>();
        let sum = Duration::from_nanos(self.sum_ns.load(Ordering::Relaxed));
        Distribution { up_to, count, sum_s: sum.as_secs_f64() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_grow_and_are_written_as_they_are() {
        let limits = Histogram::LIMITS;
        assert!(limits.is_sorted_by(|(one, _), (other, _)| one < other));
        for (us, written) in limits {
            assert_eq!(Duration::from_micros(us).as_secs_f64(), written.parse::<f64>().unwrap());
        }
    }

    #[test]
    fn what_took_as_long_as_a_limit_is_within_it() {
        let histogram = Histogram::default();
        for us in [0, 50, 51, 1_000, 10_000_000, 10_000_001, 3_600_000_000] {
            histogram.observe(Duration::from_micros(us));
        }
        let Distribution { up_to, count, sum_s } = histogram.read();
        let at = |limit: &str| up_to.iter().find(|(of, _)| *of == limit).unwrap().1;
        assert_eq!((at("0.00005"), at("0.0001"), at("0.001"), at("10"), count), (2, 3, 4, 5, 7));
        assert!((sum_s - 3_620.001_102).abs() < 1e-6, "{sum_s}");
        assert!(up_to.is_sorted_by_key(|(_, count)| *count));
    }

    #[test]
    fn what_takes_for_ever_is_counted_too() {
        let histogram = Histogram::default();
        histogram.observe(Duration::MAX);
        assert_eq!(histogram.read().count, 1);
    }
}
