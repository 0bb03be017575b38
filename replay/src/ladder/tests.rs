//! Ladders of the golden histories.

use super::*;
use crate::playback::Playback;
use adapters::trace::Trace;
use engine::effect::What;
use engine::fact::{Event, PbxFact};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// All ladders of a history, and its callbacks about calls.
fn ladders_of(name: &str) -> (Vec<Ladder>, usize) {
    let (mut playback, trace) = begin(name);
    let mut ladders = Ladders::default();
    let mut all = Vec::new();
    let mut tellings = 0;
    for (seq, record) in trace.records_from(0) {
        playback.take(record.clone());
        ladders.take(seq, &record, &playback);
        all.extend(ladders.take_over());
        tellings += playback
            .told()
            .filter(|(telling, call)| call.is_some() && matches!(telling.what, What::Notice(_)))
            .count();
    }
    all.extend(ladders.finish());
    (all, tellings)
}

/// A history before its first record, which is that of a log.
fn begin(name: &str) -> (Playback, Trace) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/histories");
    let trace = Trace::open(&folder.join(name).with_extension("tspt")).unwrap();
    let (core, next) = trace.state_before(trace.first()).unwrap();
    assert_eq!(next, 0);
    (Playback::from(core), trace)
}

fn histories() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/histories");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "tspt"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn every_callback_about_a_call_is_in_one_ladder() {
    for name in histories() {
        let (ladders, tellings) = ladders_of(&name);
        let steps = ladders.iter().flat_map(|ladder| &ladder.steps);
        let told = steps.filter(|step| matches!(step.what, StepKind::Told(_))).count();
        assert_eq!(told, tellings, "{name}");
    }
}

#[test]
fn every_call_event_of_a_leg_that_a_line_has_is_in_a_ladder() {
    for name in histories() {
        let (ladders, _) = ladders_of(&name);
        let steps = || ladders.iter().flat_map(|ladder| &ladder.steps);
        let legs: BTreeSet<u32> = steps().filter_map(leg_of).collect();
        let (mut playback, trace) = begin(&name);
        let mut missing = Vec::new();
        for (seq, record) in trace.records_from(0) {
            playback.take(record.clone());
            if let Event::Pbx(_, _, PbxFact::Call(info)) = &record.event
                && legs.contains(&info.call)
                && !steps().any(|step| step.seq == seq && leg_of(step) == Some(info.call))
            {
                missing.push(seq);
            }
        }
        assert_eq!(missing, [0; 0], "{name}");
    }
}

#[test]
fn steps_are_in_the_order_of_the_log_and_name_legs_that_there_are() {
    for name in histories() {
        for ladder in ladders_of(&name).0 {
            assert!(ladder.steps.is_sorted_by_key(|step| step.seq), "{name}");
            assert!(
                ladder
                    .steps
                    .iter()
                    .all(|step| (ladder.begun.0..=ladder.last.0).contains(&step.seq))
            );
            let legs = ladder.legs.len();
            for step in &ladder.steps {
                assert!(step.leg.is_none_or(|leg| leg < legs), "{name}: {step:?}");
            }
            for leg in &ladder.legs {
                assert!(leg.bands.is_sorted_by_key(|band| band.seq), "{name}: {leg:?}");
            }
        }
    }
}

#[test]
fn a_request_goes_from_the_application_by_its_order_to_its_end_under_one_id() {
    let (ladders, _) = ladders_of("call-answered");
    let [ladder] = &ladders[..] else { panic!("one call: {ladders:#?}") };
    let of_request = ladder.steps.iter().filter(|step| step.correlation.is_some());
    let seen: Vec<String> = of_request
        .map(|step| format!("{} {} {}", step.seq, step.correlation.unwrap(), step.label()))
        .collect();
    assert_eq!(
        seen,
        [
            "41 r3.1 lineAnswer",
            "41 r3.1 UserConnect leg 7002",
            "43 r3.1 CALLINFO CONNECTEDID",
            "43 r3.1 CALLSTATE CONNECTED",
            "43 r3.1 lineAnswer done",
            "46 r3.1 taken",
        ]
    );
    assert_eq!(ladder.ending, Ending::Over);
    let names: Vec<String> = ladder.legs.iter().map(Leg::name).collect();
    assert_eq!(names, ["20 Anna Berg #1", "21 Bob & <Sons> #1"]);
}

#[test]
fn who_made_the_call_comes_first_and_a_consultation_is_related() {
    let (ladders, _) = ladders_of("conference-by-transfer");
    let named = |ladder: &Ladder| ladder.legs.iter().map(Leg::name).collect::<Vec<_>>();
    let first = ladders.iter().find(|ladder| ladder.begun.0 == 33).unwrap();
    assert_eq!(named(first), ["20 Anna Berg #1", "21 Bob & <Sons> #1"]);
    let second = ladders.iter().find(|ladder| first.related == [ladder.key]).unwrap();
    assert_eq!(named(second), ["20 Anna Berg #2", "22 Jürgen Müller #1"]);
    assert!(second.related.contains(&first.key));
}

fn leg_of(step: &Step) -> Option<u32> {
    match &step.what {
        StepKind::Event(event) => Some(event.leg),
        _ => None,
    }
}
