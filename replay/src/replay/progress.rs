//! How far long work has come, on standard error.

use crate::output;
use std::time::{Duration, Instant};

/// How often to say how far it is.
const EVERY: Duration = Duration::from_secs(5);
/// After how many records to look at the clock.
const LOOK_EVERY: u64 = 1 << 14;

/// Says every few seconds how far it is.
pub(crate) struct Progress {
    what: &'static str,
    count: u64,
    shown: Instant,
}

impl Progress {
    /// `what` is what is counted, in the plural.
    pub(crate) fn new(what: &'static str) -> Progress {
        Progress { what, count: 0, shown: Instant::now() }
    }

    /// One more record.
    pub(crate) fn record(&mut self) {
        self.count += 1;
        if self.count.is_multiple_of(LOOK_EVERY) {
            self.look();
        }
    }

    /// So many more records, which took a while.
    pub(crate) fn records(&mut self, count: u64) {
        self.count += count;
        self.look();
    }

    fn look(&mut self) {
        if self.shown.elapsed() > EVERY {
            self.shown = Instant::now();
            // Nothing is lost if nobody reads how far it is.
            let _ = output::hint(&format!("{} {} so far", self.count, self.what));
        }
    }
}
