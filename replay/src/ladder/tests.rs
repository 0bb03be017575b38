//! Ladders of the golden histories.

use super::story::Kind;
use super::*;
use crate::playback::Playback;
use adapters::trace::Trace;
use engine::core::Core;
use engine::effect::What;
use engine::fact::{Event, PbxFact, Record};
use engine::strategy::{self, History, histories as histories_of};
use proptest::prelude::*;
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

#[test]
fn every_step_of_every_history_has_a_sentence_and_there_is_one_of_each_kind() {
    let mut kinds = BTreeSet::new();
    for name in histories() {
        for ladder in ladders_of(&name).0 {
            let sentences = story(&ladder);
            let steps: Vec<usize> = sentences.iter().map(|sentence| sentence.step).collect();
            assert_eq!(steps, (0..ladder.steps.len()).collect::<Vec<_>>(), "{name}");
            for Sentence { text, kind, .. } in &sentences {
                assert!(text.ends_with('.') && !text.contains("  "), "{name}: {text}");
                kinds.insert(*kind);
            }
            assert!(summary(&ladder).ends_with('.'), "{name}: {}", summary(&ladder));
            assert!(odd(&ladder).iter().all(|odd| odd.ends_with('.')), "{name}");
            assert_eq!(Drawing::of(&ladder).rungs.len(), ladder.steps.len(), "{name}");
        }
    }
    let all = [
        Kind::Asked,
        Kind::Ordered,
        Kind::Answered,
        Kind::Event,
        Kind::Completed,
        Kind::State,
        Kind::Told,
        Kind::Deadline,
        Kind::Link,
        Kind::Closed,
        Kind::NotTaken,
        Kind::Surprise,
    ];
    // No history breaks an invariant.
    assert_eq!(kinds, BTreeSet::from(all));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Histories that make less sense than any PBX, and restarts in between.
    #[test]
    fn whatever_happens_every_callback_about_a_call_is_told(records in histories_of(150)) {
        let (all, tellings) = of_records(&records);
        prop_assert_eq!(told_in(&all), tellings);
        for ladder in &all {
            prop_assert_eq!(story(ladder).len(), ladder.steps.len());
            prop_assert_eq!(Drawing::of(ladder).rungs.len(), ladder.steps.len());
            prop_assert!(summary(ladder).ends_with('.'));
        }
    }
}

/// The events of a call that comes and goes while the answer to `UserCall` is awaited are kept back,
/// and told at once when it is there.
#[test]
fn a_call_that_was_over_before_anybody_was_told_has_its_steps() {
    use strategy::Step::*;
    let steps = [
        Connect,
        Open(1),
        MakeCall(1, 1),
        CallFromOutside(1),
        Advance(0),
        HangUp(0, 0),
        Delete(0),
        Reply(0),
    ];
    let (all, tellings) = of_records(&History::play(&steps));
    let is_brief = |ladder: &&Ladder| {
        let told = ladder.steps.iter().filter(|step| matches!(step.what, StepKind::Told(_)));
        let told: Vec<u64> = told.map(|step| step.seq).collect();
        told.len() >= 3 && told.first() == told.last()
    };
    assert_eq!(all.iter().filter(is_brief).count(), 1, "{all:#?}");
    assert_eq!(told_in(&all), tellings);
}

/// The ladders of records, and how many callbacks about calls they lead to.
fn of_records(records: &[Record]) -> (Vec<Ladder>, usize) {
    let (mut playback, mut ladders) = (Playback::from(Core::default()), Ladders::default());
    let (mut all, mut tellings) = (Vec::new(), 0);
    for (seq, record) in (0..).zip(records) {
        playback.take(record.clone());
        ladders.take(seq, record, &playback);
        all.extend(ladders.take_over());
        let about = playback
            .told()
            .filter(|(telling, call)| call.is_some() && matches!(telling.what, What::Notice(_)));
        tellings += about.count();
    }
    all.extend(ladders.finish());
    (all, tellings)
}

fn told_in(ladders: &[Ladder]) -> usize {
    let steps = ladders.iter().flat_map(|ladder| &ladder.steps);
    steps.filter(|step| matches!(step.what, StepKind::Told(_))).count()
}

/// The story of the only call of a history, a line for each sentence.
fn told(name: &str, leg: &str) -> Vec<String> {
    let (ladders, _) = ladders_of(name);
    let mut found = ladders.iter().filter(|l| l.legs.iter().any(|known| known.name() == leg));
    let ladder = found.next().unwrap_or_else(|| panic!("{name} has no {leg}"));
    let sentence = |sentence: Sentence| {
        let rule = sentence.rule.map_or_else(String::new, |rule| format!(" [{rule}]"));
        format!("{} {}{rule}", ladder.steps[sentence.step].seq, sentence.text)
    };
    let mut lines = vec![summary(ladder)];
    lines.extend(story(ladder).into_iter().map(sentence));
    lines.extend(odd(ladder));
    lines
}

#[test]
fn a_completion_names_its_ground_and_its_rule() {
    let lines = told("call-answered", "21 Bob & <Sons> #1");
    assert_eq!(
        lines[0],
        "20 Anna Berg called 21 Bob & <Sons>; answered after 1.0 s; over 2.9 s later (cause 16: \
         normal call clearing)."
    );
    let of_record = |seq: &str| -> Vec<&str> {
        lines.iter().filter_map(|line| line.strip_prefix(seq)).map(str::trim).collect()
    };
    assert_eq!(
        of_record("41 "),
        [
            "The application asks lineAnswer for 21 Bob & <Sons> #1 (request 1, r3.1).",
            "The provider orders UserConnect (leg 7002) of PBX hq for r3.1.",
        ]
    );
    assert_eq!(
        of_record("43 "),
        [
            "PBX hq says that leg 7002 of 21 Bob & <Sons> #1 is connected (x-conn, state 0x85).",
            "The application is told of 21 Bob & <Sons> #1: CALLINFO CONNECTEDID.",
            "The application hears that 21 Bob & <Sons> #1 is CONNECTED. [table of call states: a \
             leg to the user, connected, reads CONNECTED]",
            "lineAnswer (r3.1) is done: this call event proves it. [table of proofs, \"answer\", \
             proved by: CONNECTED]",
        ]
    );
    assert_eq!(of_record("46 "), ["PBX hq answers r3.1: taken."]);
}

#[test]
fn a_forward_that_is_done_names_the_rule_that_proves_it() {
    let (ladders, _) = ladders_of("forward-set-and-cancelled");
    let sentences: Vec<_> = ladders.iter().flat_map(story).collect();
    let rules: Vec<&str> =
        sentences.iter().filter_map(|sentence| sentence.rule.as_deref()).collect();
    let wanted = "table of proofs, \"forward\", proved by: the user's record, read again, says so";
    assert!(rules.contains(&wanted), "{rules:?}");
}

#[test]
fn a_call_whose_end_nobody_saw_says_so() {
    let lines = told("hang-up-lost-in-a-standby-switch", "20 Anna Berg #1");
    let has = |wanted: &str| lines.iter().any(|line| line.ends_with(wanted));
    for wanted in [
        "20 Anna Berg #1: nobody saw its end: it was found gone after the session came back.",
        "A surprise, which was handled: a call that no event ended was found gone.",
        "There is a session with PBX hq again, at http://hq2.example/PBX0/user.soap.",
    ] {
        assert!(has(wanted), "{wanted}\n{lines:#?}");
    }
}

#[test]
fn a_session_is_lost_once_however_often_it_cannot_be_had_back() {
    let (ladders, _) = ladders_of("hang-up-never-seen");
    let steps = &ladders.iter().find(|ladder| ladder.legs.len() == 2).unwrap().steps;
    let marks = steps.iter().filter_map(|step| match &step.what {
        StepKind::Mark(Mark::LinkLost(_)) => Some("lost"),
        StepKind::Mark(Mark::LinkUp(_)) => Some("again"),
        _ => None,
    });
    assert_eq!(marks.collect::<Vec<_>>(), ["lost", "again", "lost"]);
}

#[test]
fn a_request_that_nothing_proved_in_time_ends_by_its_deadline() {
    let lines = told("request-never-acted-upon", "21 Bob & <Sons> #1");
    let line = lines.iter().find(|line| line.contains("nothing has proved it in time"));
    let line = line.unwrap_or_else(|| panic!("{lines:#?}"));
    assert!(line.contains("at its deadline: "), "{line}");
}

#[test]
fn a_breach_is_told_where_it_happens() {
    let (mut playback, trace) = begin("call-answered");
    let mut ladders = Ladders::default();
    for (seq, record) in trace.records_from(0).take(45) {
        playback.take(record.clone());
        ladders.take(seq, &record, &playback);
    }
    ladders.breach(44, Millis(0), 7, "a read shows something else");
    let ladder = ladders.going_on().next().unwrap();
    let last = story(ladder).pop().unwrap();
    assert_eq!(last.text, "This breaks invariant I-07: a read shows something else.");
    assert!(odd(ladder).contains(&format!("record 44: {}", last.text)));
    assert!(odd(ladder).contains(&"it has not ended when the log ends.".to_owned()));
}

#[test]
fn a_drawn_ladder_has_an_arrow_for_each_step() {
    let (ladders, _) = ladders_of("call-answered");
    let drawing = Drawing::of(&ladders[0]);
    assert_eq!(
        drawing.header,
        "                     PBX hq       20 Anna Ber… 21 Bob & <S… application"
    );
    let rungs: Vec<&str> = drawing.rungs.iter().map(|rung| rung.text.as_str()).collect();
    for expected in [
        "     35 22:13:25.002 │───────────▶┆            ·            │ leg 7001 x-setup: set up",
        "     41 22:13:26.000 │            ┆            ┆◀───────────│ lineAnswer r3.1",
        "     41 22:13:26.000 │◀────────────────────────┆            │ UserConnect leg 7002 r3.1",
        "     44 22:13:26.005 │            ┃────────────────────────▶│ CALLSTATE CONNECTED",
    ] {
        assert!(rungs.contains(&expected), "{expected}\n{}", rungs.join("\n"));
    }
}

fn leg_of(step: &Step) -> Option<u32> {
    match &step.what {
        StepKind::Event(event) => Some(event.leg),
        _ => None,
    }
}
