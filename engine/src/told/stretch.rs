//! A stretch of a log, verified at the same time as what comes before it.
//!
//! Callbacks of the last records before a stretch are told of in it. Which of them were still to be
//! told nobody knows who begins in the middle; so what is told of them is kept, in the order in
//! which it came, and checked when the verifier of what comes before is there.

use super::{Derived, MAX_WAITING, Tally, Verifier, crc};
use crate::effect::Effect;
use crate::fact::{Event, HostFact, Record, Told};

/// Watches a stretch in the middle of a replay, until a [`Verifier`] [takes it in](Verifier::join).
#[derive(Clone, Debug)]
pub struct Stretch {
    /// Sees the stretch as if the log began here.
    verifier: Verifier,
    start: u64,
    /// Told of callbacks of records before the stretch, as long as some may have been waiting.
    earlier: Vec<Told>,
    turn: Option<Turn>,
    /// How many such were told behind the turn, and the latest record that they are about.
    late: u64,
    late_about: Option<u64>,
    /// The log says that records before one in this stretch are missing.
    has_leapt: bool,
    most_waiting: usize,
}

/// From where on no callback of a record before the stretch is waiting, if all is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Here one of the stretch was told: it had its turn, so all before it had had theirs.
    Compared,
    /// A session ended, or records are missing: what was waiting is not told any more.
    Forgotten,
}

impl Stretch {
    /// Begins with the given record.
    #[must_use]
    pub fn starting_at(seq: u64) -> Stretch {
        Stretch {
            verifier: Verifier::starting_at(seq),
            start: seq,
            earlier: Vec::new(),
            turn: None,
            late: 0,
            late_about: None,
            has_leapt: false,
            most_waiting: 0,
        }
    }

    /// Takes one record.
    pub fn take_record(&mut self, seq: u64, record: &Record) {
        match &record.event {
            Event::Told(told) => {
                self.verifier.tally.records += 1;
                told.iter().for_each(|told| self.compare(seq, *told));
            }
            event => {
                if let Event::Host(fact @ (HostFact::Started | HostFact::Gap(_))) = event {
                    self.turn.get_or_insert(Turn::Forgotten);
                    self.has_leapt |= matches!(fact, HostFact::Gap(_));
                }
                self.verifier.take_record(seq, record);
            }
        }
    }

    /// Takes what the record just taken led to.
    pub fn take_effects(&mut self, seq: u64, effects: &[Effect]) {
        self.verifier.take_effects(seq, effects);
        self.most_waiting = self.most_waiting.max(self.verifier.waiting.len());
    }

    /// How many records it has taken.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.verifier.tally.records
    }

    fn compare(&mut self, told_at: u64, told: Told) {
        if self.has_leapt || told.seq >= self.start {
            self.turn.get_or_insert(Turn::Compared);
            self.verifier.compare(told_at, told);
        } else if self.turn.is_some() {
            self.late += 1;
            self.late_about = self.late_about.max(Some(told.seq));
        } else if self.earlier.len() <= MAX_WAITING {
            self.earlier.push(told);
        }
    }
}

impl Verifier {
    /// Goes on behind a stretch, as if it had taken all of it itself. If one pass would have met a
    /// difference there, it takes nothing, and says so by `false`; also if more is waiting than
    /// it keeps. Then the stretch has to be taken record by record.
    ///
    /// The stretch must begin with the record behind the last one taken here, and what its records
    /// led to must be what they lead to behind those.
    #[must_use]
    pub fn join(&mut self, stretch: Stretch) -> bool {
        let Some(answered) = self.answered_by(&stretch) else { return false };
        let Stretch { verifier, earlier, turn, late, has_leapt, .. } = stretch;
        for told in earlier {
            match told.seq < self.known_from {
                true => self.tally.unknown += 1,
                false => self.count(told.outcome),
            }
        }
        self.tally.unknown += late;
        self.waiting.drain(..answered);
        if turn.is_some() {
            self.forget_waiting();
        }
        self.tally.add(&verifier.tally);
        self.waiting.extend(verifier.waiting);
        if has_leapt {
            self.known_from = verifier.known_from;
        }
        true
    }

    /// How many of the callbacks that are waiting here were told of in the stretch; `None` if there
    /// is a difference.
    fn answered_by(&self, stretch: &Stretch) -> Option<usize> {
        let Stretch { verifier, earlier, turn, late_about, most_waiting, .. } = stretch;
        if self.difference.is_some()
            || verifier.difference.is_some()
            || self.waiting.len() + most_waiting >= MAX_WAITING
            || earlier.len() > MAX_WAITING
        {
            return None;
        }
        let is_known = |told: &&Told| told.seq >= self.known_from;
        let mut waiting = self.waiting.iter();
        for told in earlier.iter().filter(is_known) {
            waiting.next().filter(|derived| derived.is(told))?;
        }
        let left = waiting.len();
        let is_overtaken = *turn == Some(Turn::Compared) && left > 0;
        let is_late = late_about.is_some_and(|seq| seq >= self.known_from);
        (!is_overtaken && !is_late).then_some(self.waiting.len() - left)
    }
}

impl Derived {
    /// Whether this is what was told.
    pub(super) fn is(&self, told: &Told) -> bool {
        self.seq == told.seq && crc(&self.telling) == told.crc
    }
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        let Tally { records, derived, compared, delivered, withheld, forced, .. } = other;
        let Tally { untold, unknown, missing_records, .. } = other;
        self.records += records;
        self.derived += derived;
        self.compared += compared;
        self.delivered += delivered;
        self.withheld += withheld;
        self.forced += forced;
        self.untold += untold;
        self.unknown += unknown;
        self.missing_records += missing_records;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::{Notice, Telling, What};
    use crate::fact::Outcome;
    use crate::id::{LineId, Opening};
    use crate::time::{Millis, Timer};
    use proptest::prelude::*;
    use std::collections::VecDeque;

    /// What a log may hold, as far as a verifier cares.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// A record that leads to so many callbacks.
        Lead(u8),
        /// So many of those that wait are told, in their order.
        Tell(u8),
        /// One is told that waits, but not with its turn; or whose content is another one.
        TellOutOfTurn(u8),
        TellOtherwise,
        /// One of any record, perhaps of before the log.
        TellAny(u8),
        Start,
        /// Some records are missing.
        Gap(u8),
    }

    fn steps(with_faults: bool) -> impl Strategy<Value = Vec<Step>> {
        let faults = u32::from(with_faults);
        let step = prop_oneof![
            30 => (0..4u8).prop_map(Step::Lead),
            30 => (0..5u8).prop_map(Step::Tell),
            faults => (1..4u8).prop_map(Step::TellOutOfTurn),
            faults => Just(Step::TellOtherwise),
            faults => any::<u8>().prop_map(Step::TellAny),
            1 => Just(Step::Start),
            1 => (0..9u8).prop_map(Step::Gap),
        ];
        proptest::collection::vec(step, 1..80)
    }

    type Log = Vec<(u64, Record, Vec<Effect>)>;

    fn played(steps: &[Step], start: u64) -> Log {
        let (mut log, mut waiting, mut seq) = (Log::new(), VecDeque::new(), start);
        let told = |seq, telling: &Telling| {
            let outcome =
                [Outcome::Delivered, Outcome::Withheld, Outcome::Forced][seq as usize % 3];
            Told { seq, crc: crc(telling), outcome }
        };
        for (number, step) in (0..).zip(steps) {
            let mut effects = Vec::new();
            let event = match *step {
                Step::Lead(count) => {
                    let tellings = (0..count).map(|n| telling(number % 5 + u32::from(n)));
                    tellings.for_each(|telling| {
                        waiting.push_back((seq, telling.clone()));
                        effects.push(Effect::Tell(telling));
                    });
                    Event::Due(Timer::Grace(LineId(1), 0))
                }
                Step::Tell(count) => {
                    let count = waiting.len().min(usize::from(count));
                    let of = |(seq, telling): (u64, Telling)| told(seq, &telling);
                    Event::Told(waiting.drain(..count).map(of).collect())
                }
                Step::TellOutOfTurn(turn) => {
                    let taken = waiting.remove(usize::from(turn));
                    Event::Told(taken.iter().map(|(seq, telling)| told(*seq, telling)).collect())
                }
                Step::TellOtherwise => {
                    let taken = waiting.pop_front();
                    Event::Told(taken.iter().map(|(seq, _)| told(*seq, &telling(99))).collect())
                }
                Step::TellAny(about) => Event::Told(vec![told(u64::from(about), &telling(1))]),
                Step::Start => {
                    waiting.clear();
                    Event::Host(HostFact::Started)
                }
                Step::Gap(missing) => {
                    waiting.clear();
                    seq += u64::from(missing);
                    Event::Host(HostFact::Gap(u64::from(missing)))
                }
            };
            log.push((seq, Record { at: Millis(0), event }, effects));
            seq += 1;
        }
        log
    }

    fn telling(bits: u32) -> Telling {
        let what = What::Notice(Notice::AddressState(bits));
        Telling { line: LineId(1), opening: Opening(1), what }
    }

    fn in_one_pass(mut verifier: Verifier, log: &[(u64, Record, Vec<Effect>)]) -> Verifier {
        log.iter().for_each(|(seq, record, effects)| verifier.take(*seq, record, effects));
        verifier
    }

    /// Cut at these places; a stretch that is not taken in is taken record by record. Also how
    /// many those were.
    fn in_stretches(start: u64, log: &Log, cuts: &[prop::sample::Index]) -> (Verifier, u32) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(log.len())).collect();
        cuts.extend([0, log.len()]);
        cuts.sort_unstable();
        let (mut verifier, mut refused) = (Verifier::starting_at(start), 0);
        for piece in cuts.windows(2).map(|ends| &log[ends[0]..ends[1]]) {
            let first = piece.first().map_or(start, |(seq, ..)| *seq);
            let mut stretch = Stretch::starting_at(first);
            for (seq, record, effects) in piece {
                stretch.take_record(*seq, record);
                stretch.take_effects(*seq, effects);
            }
            let before = verifier.clone();
            if !verifier.join(stretch) {
                assert_eq!(verifier, before, "nothing is changed");
                verifier = in_one_pass(before, piece);
                refused += 1;
                assert_ne!(verifier.difference(), None, "refused for a difference only");
            }
        }
        (verifier, refused)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn stretches_joined_are_one_pass_wherever_a_log_is_cut(
            steps in steps(true),
            start in 0..60u64,
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let log = played(&steps, start);
            let whole = in_one_pass(Verifier::starting_at(start), &log);
            prop_assert_eq!(in_stretches(start, &log, &cuts).0, whole);
        }

        #[test]
        fn a_log_without_a_difference_is_never_refused(
            steps in steps(false),
            start in 0..60u64,
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let log = played(&steps, start);
            let whole = in_one_pass(Verifier::starting_at(start), &log);
            prop_assert_eq!(whole.difference(), None);
            prop_assert_eq!(in_stretches(start, &log, &cuts), (whole, 0));
        }
    }

    #[test]
    fn more_than_is_kept_waiting_is_refused() {
        let lead = |stretch: &mut Stretch, seq| {
            stretch.take_effects(seq, &[Effect::Tell(telling(1)), Effect::Tell(telling(2))]);
        };
        let (mut first, mut second) = (Stretch::starting_at(0), Stretch::starting_at(1 << 20));
        (0..1 << 18).for_each(|seq| lead(&mut first, seq));
        (1 << 20..(1 << 20) + (1 << 18)).for_each(|seq| lead(&mut second, seq));
        let mut verifier = Verifier::default();
        assert!(verifier.join(first));
        assert!(!verifier.join(second));
        assert_eq!(verifier.tally().untold, 1 << 19);
    }
}
