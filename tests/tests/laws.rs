//! The laws that every history obeys.
#![allow(clippy::unwrap_used, missing_docs)]

use engine::core::Core;
use engine::effect::{Effect, Effects};
use engine::fact::{Event, PbxFact, Record};
use engine::id::LineId;
use engine::invariant::{Breach, Watch};
use engine::strategy::{any_record, histories};
use engine::time::{Millis, Timer};
use proptest::prelude::*;
use std::collections::{BTreeSet, VecDeque};

/// Folds a history under the watch of the invariants.
fn fold(records: &[Record]) -> Result<(Core, Effects), Breach> {
    let (mut core, mut watch, mut all) = (Core::default(), Watch::default(), Effects::new());
    for record in records {
        let from = all.len();
        watch.before(record)?;
        core.apply(record.clone(), &mut all);
        watch.after(record, &all[from..], &core)?;
    }
    Ok((core, all))
}

fn tellings_of(effects: &[Effect], line: LineId) -> Vec<&Effect> {
    effects.iter().filter(|effect| matches!(effect, Effect::Tell(t) if t.line == line)).collect()
}

/// A fact about one line only, and which handle tells whose.
fn call_fact(record: &Record) -> Option<u32> {
    match &record.event {
        Event::Pbx(_, _, PbxFact::Call(info)) => Some(info.user),
        _ => None,
    }
}

/// Makes the engine forget that somebody asked twice for the same rest of the time.
fn without_wakes(effects: Effects) -> Effects {
    effects.into_iter().filter(|effect| matches!(effect, Effect::Tell(_))).collect()
}

/// The next timer that comes due, as a record.
fn next_due(due: &mut BTreeSet<(Millis, Timer)>, now: Millis) -> Option<Record> {
    let (at, timer) = due.pop_first()?;
    Some(Record { at: at.max(now), event: Event::Due(timer) })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// I-01 to I-12, I-23, I-24 at every record.
    #[test]
    fn every_history_keeps_the_invariants(records in histories(200)) {
        prop_assert_eq!(fold(&records).err(), None);
    }

    /// Who watches only the lines that a record touches misses nothing.
    #[test]
    fn a_line_that_a_record_does_not_touch_reads_as_before(records in histories(40)) {
        let (mut core, mut watch, mut out) = (Core::default(), Watch::default(), Effects::new());
        for record in &records {
            let before: Vec<_> = core.lines().map(|line| line.view()).collect();
            let mut touched = Vec::new();
            out.clear();
            watch.before(record).unwrap();
            core.apply_noting(record.clone(), &mut out, &mut touched);
            prop_assert_eq!(watch.after_touching(record, &out, &core, &touched).err(), None);
            let is_known = |line: LineId| before.iter().any(|view| view.identity.line == line);
            for view in before.iter().filter(|view| !touched.contains(&view.identity.line)) {
                let after = core.view(view.identity.line);
                prop_assert_eq!(after.as_ref(), Some(view));
            }
            let mut new = core.lines().map(|line| line.id()).filter(|line| !is_known(*line));
            prop_assert!(new.all(|line| touched.contains(&line)));
        }
    }

    /// I-06, to the end: when all deadlines have passed, every request has completed once.
    #[test]
    fn every_request_completes_once_whatever_happens(records in histories(160)) {
        let (mut core, mut watch) = (Core::default(), Watch::default());
        let mut records: VecDeque<Record> = records.into();
        let mut due = BTreeSet::new();
        let mut now = Millis(0);
        while let Some(record) = records.pop_front().or_else(|| next_due(&mut due, now)) {
            now = record.at;
            let mut effects = Effects::new();
            prop_assert_eq!(watch.before(&record).err(), None);
            core.apply(record.clone(), &mut effects);
            prop_assert_eq!(watch.after(&record, &effects, &core).err(), None);
            due.extend(effects.into_iter().filter_map(|effect| match effect {
                Effect::Wake(at, timer @ Timer::Deadline(..)) => Some((at, timer)),
                _ => None,
            }));
        }
        prop_assert_eq!(watch.all_completed().err(), None);
    }

    /// I-13.
    #[test]
    fn a_doubled_call_fact_changes_nothing(
        records in histories(80), at in any::<prop::sample::Index>(),
    ) {
        let facts: Vec<usize> =
            (0..records.len()).filter(|i| call_fact(&records[*i]).is_some()).collect();
        prop_assume!(!facts.is_empty());
        let doubled = facts[at.index(facts.len())];
        let mut twice = records.clone();
        twice.insert(doubled + 1, records[doubled].clone());
        let (once_core, once) = fold(&records).unwrap();
        let (twice_core, twice) = fold(&twice).unwrap();
        prop_assert_eq!(without_wakes(once), without_wakes(twice));
        for line in once_core.lines() {
            prop_assert_eq!(Some(line.view()), twice_core.view(line.id()));
        }
    }

    /// I-14.
    #[test]
    fn facts_of_different_lines_commute(
        records in histories(80), at in any::<prop::sample::Index>(),
    ) {
        let pairs: Vec<usize> = (1..records.len())
            .filter(|i| match (call_fact(&records[i - 1]), call_fact(&records[*i])) {
                (Some(first), Some(second)) => first != second,
                _ => false,
            })
            .collect();
        prop_assume!(!pairs.is_empty());
        let second = pairs[at.index(pairs.len())];
        let mut swapped = records.clone();
        swapped.swap(second - 1, second);
        let time: Millis = records[second - 1].at;
        swapped[second - 1].at = time;
        let mut straight = records;
        straight[second].at = time;
        swapped[second].at = time;
        let (straight_core, straight) = fold(&straight).unwrap();
        let (swapped_core, swapped) = fold(&swapped).unwrap();
        for line in straight_core.lines() {
            prop_assert_eq!(Some(line.view()), swapped_core.view(line.id()));
            let id = line.id();
            prop_assert_eq!(tellings_of(&straight, id), tellings_of(&swapped, id));
        }
    }

    /// I-16, on one machine: nothing but the log has an influence.
    #[test]
    fn the_same_log_gives_the_same_state_and_effects(records in histories(120)) {
        prop_assert_eq!(fold(&records), fold(&records));
    }

    /// `Core::apply` is total: it takes any record whatsoever.
    #[test]
    fn records_that_make_no_sense_are_taken_without_a_panic(
        records in prop::collection::vec(any_record(), 0..80),
    ) {
        let (mut core, mut effects) = (Core::default(), Effects::new());
        for record in records {
            core.apply(record, &mut effects);
            effects.clear();
        }
    }
}
