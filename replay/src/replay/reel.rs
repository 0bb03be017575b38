//! A log from its first record to its last, across what is missing between: where the state is known
//! behind a gap, it goes on from there.

use crate::trouble::Trouble;
use adapters::trace::{self, End, Reached, Records, Trace, Witness};
use engine::core::Core;
use engine::fact::Record;

/// The records of a log, and the gaps between them.
pub(crate) struct Reel<'t> {
    trace: &'t Trace,
    records: Records<'t>,
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
        let records = trace.records_from(next);
        Ok((Reel { trace, records, next, end: End::Complete, gaps: 0 }, core, next))
    }

    /// Goes on in stretches, on all cores, as far as they lead; the state there, if they do. See
    /// [`Trace::in_stretches`].
    pub(crate) fn in_stretches<W: Witness>(
        &mut self,
        begin: impl Fn(u64) -> W + Sync,
        join: impl FnMut(W) -> bool,
    ) -> Result<Option<Core>, Trouble> {
        let reached = self.trace.in_stretches(self.next, trace::at_a_time(), begin, join)?;
        let Some(Reached { core, next }) = reached else { return Ok(None) };
        (self.records, self.next) = (self.trace.records_from(next), next);
        Ok(Some(core))
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
        self.records = self.trace.records_from(next);
        (self.next, self.gaps) = (next, self.gaps + 1);
        Some(Leap { core, next, missing, why })
    }
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
                let over = self.trace.records_from(u64::MAX);
                self.end = std::mem::replace(&mut self.records, over).end();
                None
            }
        }
    }
}
