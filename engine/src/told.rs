//! Compares the callbacks that a replay derives with those the log says were made.
//!
//! The log carries `Event::Told` records: for every callback that the engine derived, what became
//! of it, in the order in which the host's thread took them from its queue. That order is the
//! order of deriving, so the comparison needs no search: the next callback told must be the next
//! one derived.
//!
//! Three things end before they are told, and are no difference: what was under way when the log
//! ends, what was under way when a session of the telephony server ended without a clean stop, and
//! what belongs to records that could not be logged (`HostFact::Gap`).

mod stretch;

pub use stretch::Stretch;

use crate::codec;
use crate::effect::{Effect, Telling};
use crate::fact::{Event, HostFact, Outcome, Record, Told};
use std::collections::VecDeque;

/// CRC-32 of a callback, as [`Told`] records it.
#[must_use]
pub fn crc(telling: &Telling) -> u32 {
    codec::telling_crc(telling)
}

/// Watches a replay. Feed it every record together with the effects it had; it keeps the callbacks
/// that were derived and not yet told, and stops comparing at the first difference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verifier {
    waiting: VecDeque<Derived>,
    /// Callbacks of records before this one cannot be derived: the replay began later, or the
    /// records are missing from the log.
    known_from: u64,
    tally: Tally,
    difference: Option<Difference>,
}

/// Most callbacks kept waiting to be told. The provider's own queue is far shorter, so more are
/// waiting only in a log that tells of none, such as one made by a test.
const MAX_WAITING: usize = 1 << 20;

/// A callback that a record led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// Sequence number of the record.
    pub seq: u64,
    /// The callback.
    pub telling: Telling,
}

/// How much was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records replayed.
    pub records: u64,
    /// Callbacks derived from them.
    pub derived: u64,
    /// Callbacks found equal to those the log tells of, however they ended.
    pub compared: u64,
    /// Of these, delivered to the host.
    pub delivered: u64,
    /// Of these, withheld because the host had closed the line or call, or not yet taken it.
    pub withheld: u64,
    /// Of these, completions that a close or a shutdown had delivered already.
    pub forced: u64,
    /// Derived, but never told of: under way at the end of the log or of a session.
    pub untold: u64,
    /// Told of, but caused by records that this replay does not have.
    pub unknown: u64,
    /// Records that the log says are missing.
    pub missing_records: u64,
}

/// The first difference between the log and its replay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// The log tells of a callback that the replay does not derive at all.
    #[error("record {told_at} tells of a callback of record {}, which leads to none", .told.seq)]
    NotDerived {
        /// The record that tells.
        told_at: u64,
        /// What it tells.
        told: Told,
    },
    /// The replay derives a callback that the log passes over.
    #[error("record {} leads to a callback that the log passes over: {:?}", .derived.seq, .derived.telling)]
    NotTold {
        /// The record that tells of the next one instead.
        told_at: u64,
        /// The callback passed over.
        derived: Derived,
    },
    /// Same place, another callback.
    #[error("record {} leads to another callback than the one made then: {:?}", .derived.seq, .derived.telling)]
    Content {
        /// The record that tells.
        told_at: u64,
        /// What it tells.
        told: Told,
        /// What the replay derives in its place.
        derived: Derived,
    },
    /// The callback told is derived, but others before it were not told yet.
    #[error("record {told_at} tells of a callback of record {} before its turn", .told.seq)]
    Order {
        /// The record that tells.
        told_at: u64,
        /// What it tells.
        told: Told,
        /// What it should have told of first.
        derived: Derived,
    },
}

impl Verifier {
    /// Begins with the given record: callbacks of earlier ones are not derived here.
    #[must_use]
    pub fn starting_at(seq: u64) -> Verifier {
        Verifier { known_from: seq, ..Verifier::default() }
    }

    /// Goes on behind records that this replay does not have; the next one has this number.
    pub fn leap(&mut self, next: u64, missing: u64) {
        self.tally.missing_records += missing;
        self.forget_waiting();
        self.known_from = next;
    }

    /// Takes one record and what it led to.
    pub fn take(&mut self, seq: u64, record: &Record, effects: &[Effect]) {
        self.take_record(seq, record);
        self.take_effects(seq, effects);
    }

    /// Takes one record, for a caller that gives it away before it knows what it leads to.
    pub fn take_record(&mut self, seq: u64, record: &Record) {
        self.tally.records += 1;
        match &record.event {
            Event::Told(told) => told.iter().for_each(|told| self.compare(seq, *told)),
            Event::Host(HostFact::Started) => self.forget_waiting(),
            Event::Host(HostFact::Gap(missing)) => {
                self.leap(seq, *missing);
            }
            _ => {}
        }
    }

    /// Takes what the record just taken led to.
    pub fn take_effects(&mut self, seq: u64, effects: &[Effect]) {
        for effect in effects {
            let Effect::Tell(telling) = effect else { continue };
            self.tally.derived += 1;
            if self.difference.is_some() {
                continue;
            }
            if self.waiting.len() == MAX_WAITING {
                self.forget_waiting();
                self.known_from = seq;
            }
            self.waiting.push_back(Derived { seq, telling: telling.clone() });
        }
    }

    /// The first difference, as soon as there is one.
    #[must_use]
    pub fn difference(&self) -> Option<&Difference> {
        self.difference.as_ref()
    }

    /// Whether the log says that records are missing: after that the state of the replay may be
    /// another one than it was, so a difference is no proof of a fault.
    #[must_use]
    pub fn has_gap(&self) -> bool {
        self.tally.missing_records > 0
    }

    /// How much was compared so far; what is still under way counts as untold.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = self.tally;
        tally.untold += self.waiting.len() as u64;
        tally
    }

    fn forget_waiting(&mut self) {
        self.tally.untold += self.waiting.len() as u64;
        self.waiting.clear();
    }

    fn compare(&mut self, told_at: u64, told: Told) {
        if self.difference.is_some() {
            return;
        }
        if told.seq < self.known_from {
            self.tally.unknown += 1;
            return;
        }
        let is_same = |derived: &Derived| derived.is(&told);
        self.difference = match self.waiting.pop_front() {
            None => Some(Difference::NotDerived { told_at, told }),
            Some(next) if is_same(&next) => {
                self.count(told.outcome);
                None
            }
            Some(next) if self.waiting.iter().any(is_same) => {
                Some(Difference::Order { told_at, told, derived: next })
            }
            Some(next) if next.seq == told.seq => {
                Some(Difference::Content { told_at, told, derived: next })
            }
            Some(next) if next.seq < told.seq => {
                Some(Difference::NotTold { told_at, derived: next })
            }
            Some(_) => Some(Difference::NotDerived { told_at, told }),
        };
    }

    fn count(&mut self, outcome: Outcome) {
        self.tally.compared += 1;
        match outcome {
            Outcome::Delivered => self.tally.delivered += 1,
            Outcome::Withheld => self.tally.withheld += 1,
            Outcome::Forced => self.tally.forced += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::{Notice, What};
    use crate::id::{LineId, Opening};
    use crate::time::Millis;

    /// A log in small: the records, and what each leads to.
    #[derive(Default)]
    struct Log(Vec<(Record, Vec<Effect>)>);

    impl Log {
        fn host(self, fact: HostFact) -> Log {
            self.record(Event::Host(fact), &[])
        }

        fn leading_to(self, tellings: &[Telling]) -> Log {
            self.record(Event::Due(crate::time::Timer::Grace(LineId(1), 0)), tellings)
        }

        fn told(self, told: &[(u64, &Telling, Outcome)]) -> Log {
            let told = told
                .iter()
                .map(|(seq, telling, outcome)| Told {
                    seq: *seq,
                    crc: crc(telling),
                    outcome: *outcome,
                })
                .collect();
            self.record(Event::Told(told), &[])
        }

        fn record(mut self, event: Event, tellings: &[Telling]) -> Log {
            let effects = tellings.iter().cloned().map(Effect::Tell).collect();
            self.0.push((Record { at: Millis(0), event }, effects));
            self
        }

        fn verify(self) -> Verifier {
            self.verify_from(0)
        }

        fn verify_from(self, start: u64) -> Verifier {
            let mut verifier = Verifier::starting_at(start);
            for (seq, (record, effects)) in (start..).zip(&self.0) {
                verifier.take(seq, record, effects);
            }
            verifier
        }
    }

    fn telling(bits: u32) -> Telling {
        let what = What::Notice(Notice::AddressState(bits));
        Telling { line: LineId(1), opening: Opening(1), what }
    }

    use Outcome::{Delivered, Forced, Withheld};

    #[test]
    fn what_was_told_in_order_is_equal_and_counted_by_outcome() {
        let [a, b, c, d] = [1, 2, 3, 4].map(telling);
        let verifier = Log::default()
            .leading_to(&[a.clone(), b.clone()])
            .leading_to(&[])
            .leading_to(&[c.clone(), d])
            .told(&[(0, &a, Delivered), (0, &b, Withheld), (2, &c, Forced)])
            .verify();
        assert_eq!(verifier.difference(), None);
        let tally = verifier.tally();
        assert_eq!((tally.records, tally.derived, tally.compared), (4, 4, 3));
        assert_eq!((tally.delivered, tally.withheld, tally.forced, tally.untold), (1, 1, 1, 1));
    }

    #[test]
    fn another_callback_in_the_same_place_is_a_difference_of_content() {
        let verifier =
            Log::default().leading_to(&[telling(1)]).told(&[(0, &telling(9), Delivered)]).verify();
        assert!(matches!(verifier.difference(), Some(Difference::Content { told_at: 1, .. })));
        assert_eq!(verifier.tally().compared, 0);
    }

    #[test]
    fn a_callback_passed_over_is_found() {
        let [a, b] = [1, 2].map(telling);
        let log = Log::default().leading_to(&[a]).leading_to(&[b]);
        let verifier = log.told(&[(1, &telling(3), Delivered)]).verify();
        let Some(Difference::NotTold { derived, .. }) = verifier.difference() else {
            panic!("{:?}", verifier.difference())
        };
        assert_eq!(derived.seq, 0);
    }

    #[test]
    fn a_callback_nobody_derives_is_found() {
        let told = [(0, &telling(1), Delivered), (0, &telling(1), Delivered)];
        let verifier = Log::default().leading_to(&[telling(1)]).told(&told).verify();
        assert!(matches!(verifier.difference(), Some(Difference::NotDerived { .. })));
        assert_eq!(verifier.tally().compared, 1);
    }

    #[test]
    fn callbacks_told_in_another_order_are_found() {
        let [a, b] = [1, 2].map(telling);
        let told = [(0, &b, Delivered), (0, &a, Delivered)];
        let verifier = Log::default().leading_to(&[a.clone(), b.clone()]).told(&told).verify();
        assert!(matches!(verifier.difference(), Some(Difference::Order { .. })));
    }

    #[test]
    fn only_the_first_difference_is_kept() {
        let verifier = Log::default()
            .told(&[(0, &telling(1), Delivered)])
            .leading_to(&[telling(2)])
            .told(&[(1, &telling(3), Delivered)])
            .verify();
        assert!(matches!(verifier.difference(), Some(Difference::NotDerived { told_at: 0, .. })));
    }

    #[test]
    fn what_was_under_way_when_a_session_broke_off_is_untold_and_no_difference() {
        let [a, b] = [1, 2].map(telling);
        let verifier = Log::default()
            .leading_to(&[a])
            .host(HostFact::Started)
            .leading_to(std::slice::from_ref(&b))
            .told(&[(2, &b, Delivered)])
            .verify();
        assert_eq!(verifier.difference(), None);
        assert_eq!((verifier.tally().compared, verifier.tally().untold), (1, 1));
    }

    #[test]
    fn callbacks_of_records_before_the_replay_are_unknown_and_no_difference() {
        let [a, b] = [1, 2].map(telling);
        let verifier = Log::default()
            .leading_to(std::slice::from_ref(&b))
            .told(&[(70, &a, Delivered), (100, &b, Delivered)])
            .verify_from(100);
        assert_eq!(verifier.difference(), None);
        assert_eq!((verifier.tally().compared, verifier.tally().unknown), (1, 1));
    }

    #[test]
    fn a_gap_excuses_what_could_not_be_logged() {
        let [a, b] = [1, 2].map(telling);
        let mut verifier = Verifier::default();
        let tell = |telling: &Telling| vec![Effect::Tell(telling.clone())];
        let event = |event| Record { at: Millis(0), event };
        let told = |seq, telling: &Telling| {
            event(Event::Told(vec![Told { seq, crc: crc(telling), outcome: Delivered }]))
        };
        verifier.take(0, &event(Event::Host(HostFact::Started)), &tell(&a));
        verifier.take(10, &event(Event::Host(HostFact::Gap(9))), &tell(&b));
        verifier.take(11, &told(5, &telling(7)), &[]);
        verifier.take(12, &told(10, &b), &[]);
        assert_eq!(verifier.difference(), None);
        assert!(verifier.has_gap());
        let tally = verifier.tally();
        assert_eq!((tally.unknown, tally.compared, tally.missing_records), (1, 1, 9));
    }
}
