//! What is counted of the requests of applications.

use super::numbers::{Counter, Gauge, Histogram};
use engine::fact::{Completion, Function};
use engine::id::Correlation;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Requests that are remembered until they end. Each line has a limit of its own that is far below
/// this, so only a fault of ours can lead here; then what is begun later is not measured.
const MOST: usize = 1 << 16;

/// How requests end, as [`Ending`] has it.
pub(super) const ENDINGS: [&str; 3] = ["succeeded", "failed", "refused"];

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// As asked.
    Succeeded,
    /// It was taken, and completed with an error.
    Failed,
    /// It was answered with an error at once.
    Refused,
}

/// Requests by function.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    ended: [[Counter; ENDINGS.len()]; Function::ALL.len()],
    begun: Mutex<BTreeMap<Correlation, (Function, Instant)>>,
    pub(super) open: Gauge,
    /// From when a request was logged until its completion was on its way.
    pub(super) took: Histogram,
}

/// A request that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// What was asked.
    pub(crate) function: Function,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Requests {
    /// A request was taken.
    pub(crate) fn begun(&self, id: Correlation, function: Function) {
        let mut begun = self.all();
        if begun.len() < MOST {
            begun.insert(id, (function, Instant::now()));
        }
        self.open.set(begun.len() as u64);
    }

    /// A request is over. None if its beginning is not known.
    pub(crate) fn ended(&self, id: Correlation, completion: Completion) -> Option<Ended> {
        let mut begun = self.all();
        let (function, since) = begun.remove(&id)?;
        self.open.set(begun.len() as u64);
        drop(begun);
        let took = since.elapsed();
        self.took.observe(took);
        self.count(function, completion.map_or(Ending::Failed, |()| Ending::Succeeded));
        Some(Ended { function, took })
    }

    /// A function was answered with an error at once.
    pub(crate) fn refused(&self, function: Function) {
        self.count(function, Ending::Refused);
    }

    /// How often each function ended, in the order of [`ENDINGS`].
    pub(super) fn read(&self) -> impl Iterator<Item = (Function, [u64; ENDINGS.len()])> + '_ {
        let counts = self.ended.iter().map(|of| of.each_ref().map(Counter::read));
        Function::ALL.into_iter().zip(counts)
    }

    fn count(&self, function: Function, ending: Ending) {
        if let Some(index) = Function::ALL.iter().position(|of| *of == function) {
            self.ended[index][ending as usize].add(1);
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Correlation, (Function, Instant)>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use engine::tapi::LineErr;

    fn counts(requests: &Requests, function: Function) -> [u64; ENDINGS.len()] {
        requests.read().find(|(of, _)| *of == function).unwrap().1
    }

    #[test]
    fn a_request_is_open_from_its_beginning_to_its_end_and_then_counted_by_how_it_ended() {
        let requests = Requests::default();
        let [first, second, unknown] = ["r1.1", "r2.1", "r3.1"].map(|id| id.parse().unwrap());
        requests.begun(first, Function::MakeCall);
        requests.begun(second, Function::Drop);
        assert_eq!(requests.open.read(), 2);
        assert_eq!(requests.ended(first, Ok(())).unwrap().function, Function::MakeCall);
        let failed = Err(LineErr::OperationFailed);
        assert_eq!(requests.ended(second, failed).unwrap().function, Function::Drop);
        assert_eq!(requests.ended(unknown, Ok(())), None, "it began before we did");
        requests.refused(Function::MakeCall);
        assert_eq!(requests.open.read(), 0);
        assert_eq!(counts(&requests, Function::MakeCall), [1, 0, 1]);
        assert_eq!(counts(&requests, Function::Drop), [0, 1, 0]);
        assert_eq!(counts(&requests, Function::Hold), [0, 0, 0]);
        assert_eq!(requests.took.read().count, 2, "what is refused at once takes no time");
    }
}
