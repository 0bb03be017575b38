//! A log from its first record to its last, across what is missing between: where the state is known
//! behind a gap, it goes on from there.

use crate::trouble::Trouble;
use adapters::trace::{End, RecordsAhead, Trace};
use engine::core::Core;
use engine::fact::Record;

/// The records of a log, and the gaps between them.
pub(crate) struct Reel<'t> {
    trace: &'t Trace,
    records: RecordsAhead<'t>,
    next: u64,
    end: End,
    gaps: u64,
}

/// What comes next. Nearly always a record, and moved once.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Next {
    Record(u64, Record),
    /// Records are missing; this is the state after them.
    Leap(Box<Leap>),
}

/// Where a log goes on.
pub(crate) struct Leap {
    pub(crate) core: Core,
    /// The first record that is there again.
    pub(crate) next: u64,
    /// How many are missing, and why, in words.
    pub(crate) missing: u64,
    pub(crate) why: String,
}

impl<'t> Reel<'t> {
    /// Begins with the first record; gives the state before it, and its number.
    pub(crate) fn begin(trace: &'t Trace) -> Result<(Reel<'t>, Core, u64), Trouble> {
        let (core, next) = trace.state_before(trace.first())?;
        let records = trace.records_ahead(next, further_threads());
        Ok((Reel { trace, records, next, end: End::Complete, gaps: 0 }, core, next))
    }

    /// How it ended. What was missing on the way is damage too.
    pub(crate) fn end(self) -> Result<(), Trouble> {
        Trouble::of_end(self.end)?;
        match self.gaps {
            0 => Ok(()),
            1 => Err(Trouble::Damage("records are missing in one place; the rest was used".into())),
            gaps => Err(Trouble::Damage(format!(
                "records are missing in {gaps} places; the rest was used"
            ))),
        }
    }

    /// Why there is nothing more, if that is not as it should be.
    pub(crate) fn damage(&self) -> Option<String> {
        match &self.end {
            End::Complete if self.gaps > 0 => {
                Some(format!("records are missing in {} places", self.gaps))
            }
            End::Complete => None,
            End::Damaged(why) | End::Unusable(why) => Some(why.clone()),
        }
    }

    fn leap(&mut self) -> Option<Leap> {
        let gap = self.trace.gaps().iter().find(|gap| gap.from >= self.next)?;
        let (core, next) = self.trace.state_before(gap.to).ok()?;
        // Without an image behind it nobody knows how everything is there.
        if next != gap.to {
            return None;
        }
        let (missing, why) = (gap.to - gap.from, gap.why.clone());
        self.records = self.trace.records_ahead(next, further_threads());
        (self.next, self.gaps) = (next, self.gaps + 1);
        Some(Leap { core, next, missing, why })
    }
}

/// One decodes while the other applies; more would have nothing to do.
pub(super) fn further_threads() -> usize {
    std::thread::available_parallelism().map_or(0, |cores| (cores.get() - 1).min(1))
}

impl Iterator for Reel<'_> {
    type Item = Next;

    fn next(&mut self) -> Option<Next> {
        if let Some((seq, record)) = self.records.next() {
            self.next = seq + 1;
            return Some(Next::Record(seq, record));
        }
        match self.leap() {
            Some(leap) => Some(Next::Leap(Box::new(leap))),
            None => {
                let over = self.trace.records_ahead(u64::MAX, 0);
                self.end = std::mem::replace(&mut self.records, over).end();
                None
            }
        }
    }
}
