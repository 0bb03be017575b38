//! A log from its beginning to its end: the states it begins with, its records, what is missing.

use crate::trace::{End, Records, Trace, TraceError};
use engine::core::Core;
use engine::fact::Record;
use engine::snapshot::Place;
use engine::time::Millis;

/// One step.
pub(super) enum Step {
    /// It begins here, or goes on behind a gap, with this state.
    Begins(Box<Core>, Place),
    /// A record.
    Record(u64, Record),
    /// Records up to this one, not included, are missing, and why.
    Gap(u64, String),
    /// It ends before it should.
    Damage(u64, String),
}

/// On the way through a log.
pub(super) struct Journey<'t> {
    trace: &'t Trace,
    records: Option<Records<'t>>,
    next: u64,
    is_over: bool,
}

impl<'t> Journey<'t> {
    pub(super) fn through(trace: &'t Trace) -> Journey<'t> {
        Journey { trace, records: None, next: trace.first(), is_over: false }
    }

    fn begin(&mut self) -> Result<Step, TraceError> {
        let (core, next) = self.trace.state_before(self.next)?;
        let place = self.trace.images().iter().find(|place| place.next == next);
        self.next = next;
        self.records = Some(self.trace.records_from(next));
        let place = place.copied().unwrap_or(Place { next, last_at: Millis(0) });
        Ok(Step::Begins(Box::new(core), place))
    }

    /// What to do where the records end.
    fn end(&mut self, end: End) -> Option<Step> {
        let why = match end {
            End::Complete => {
                self.is_over = true;
                return None;
            }
            End::Damaged(why) | End::Unusable(why) => why,
        };
        let behind = self.trace.images().iter().find(|place| place.next > self.next);
        match behind {
            Some(place) => {
                self.next = place.next;
                Some(Step::Gap(place.next, why))
            }
            None => {
                self.is_over = true;
                Some(Step::Damage(self.next, why))
            }
        }
    }
}

impl Iterator for Journey<'_> {
    type Item = Result<Step, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let Some(records) = &mut self.records else { return Some(self.begin()) };
        if let Some((seq, record)) = records.next() {
            self.next = seq + 1;
            return Some(Ok(Step::Record(seq, record)));
        }
        let end = self.records.take()?.end();
        self.end(end).map(Ok)
    }
}
