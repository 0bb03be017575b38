//! How long it takes from the answer of a PBX to the callbacks that it leads to.

use super::numbers::Histogram;
use engine::fact::{Outcome, Told};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Answers that are remembered; of more than these the oldest are not measured. There are never so
/// many under way but where nobody makes callbacks.
const MOST: usize = 4096;

/// An answer of a PBX that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Sequence number of its first record.
    pub(crate) first: u64,
    /// How many records it has.
    pub(crate) count: u64,
    /// When it had been read.
    pub(crate) at: Instant,
}

/// The measurement.
#[derive(Debug, Default)]
pub(crate) struct Lag {
    /// Those whose callbacks may still come, in the order of the log.
    waiting: Mutex<VecDeque<Arrival>>,
    pub(super) took: Histogram,
}

impl Lag {
    /// Takes in answers whose records follow those of before.
    pub(crate) fn arrived(&self, arrivals: &mut Vec<Arrival>) {
        if arrivals.is_empty() {
            return;
        }
        let mut waiting = self.waiting();
        waiting.extend(arrivals.drain(..));
        let excess = waiting.len().saturating_sub(MOST);
        waiting.drain(..excess);
    }

    /// Callbacks were made, in the order of the log: an answer has got through with the first of
    /// its own.
    pub(super) fn told(&self, told: &[Told]) {
        let Some(last) = told.last().map(|told| told.seq) else { return };
        let now = Instant::now();
        let mut waiting = self.waiting();
        while let Some(arrival) = waiting.front().filter(|arrival| arrival.first <= last) {
            if was_told(arrival, told) {
                self.took.observe(now.saturating_duration_since(arrival.at));
            }
            waiting.pop_front();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Arrival>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn was_told(arrival: &Arrival, told: &[Told]) -> bool {
    let before = told.partition_point(|told| told.seq < arrival.first);
    let mut of_it =
        told[before..].iter().take_while(|told| told.seq < arrival.first + arrival.count);
    of_it.any(|told| told.outcome != Outcome::Withheld)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn told(seq: u64, outcome: Outcome) -> Told {
        Told { seq, crc: 0, outcome }
    }

    fn arrival(first: u64, count: u64) -> Arrival {
        Arrival { first, count, at: Instant::now() }
    }

    #[test]
    fn an_answer_is_measured_once_by_the_first_callback_that_was_made_for_it() {
        let lag = Lag::default();
        let before = Instant::now();
        lag.arrived(&mut vec![arrival(10, 5), arrival(15, 1), arrival(20, 2), arrival(30, 1)]);
        lag.told(&[told(9, Outcome::Delivered)]);
        assert_eq!(lag.took.read().count, 0, "nothing of these");
        let outcomes = [
            told(12, Outcome::Delivered),
            told(14, Outcome::Delivered),
            told(15, Outcome::Withheld),
            told(21, Outcome::Forced),
        ];
        lag.told(&outcomes);
        assert_eq!(lag.took.read().count, 2, "the first one, and the forced one");
        lag.told(&[told(21, Outcome::Delivered), told(40, Outcome::Delivered)]);
        assert_eq!(lag.took.read().count, 2, "30 led to nothing");
        assert!(lag.took.read().sum_s <= 2.0 * before.elapsed().as_secs_f64());
    }

    #[test]
    fn what_nobody_makes_callbacks_of_is_forgotten_in_the_end() {
        let lag = Lag::default();
        for first in 0..3 * MOST as u64 {
            lag.arrived(&mut vec![arrival(first, 1)]);
        }
        assert_eq!(lag.waiting().len(), MOST);
        lag.told(&[told(u64::MAX, Outcome::Delivered)]);
        assert!(lag.waiting().is_empty());
        assert!(Duration::from_secs_f64(lag.took.read().sum_s).is_zero());
    }
}
