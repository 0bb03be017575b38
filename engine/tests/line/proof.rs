//! What becomes of every kind of request: proved, while its call ends, when the PBX never answers,
//! and in a race with every other request on the same calls. In each of these it completes exactly
//! once, and nothing is left behind.

mod cases;
mod play;

use crate::site::born;
use cases::{CASES, Case, FAILED};
use engine::fact::*;
use engine::id::*;
use engine::time::Timer;
use play::{Play, REQUEST, RIVAL, number_of};
use std::collections::BTreeSet;

// ---- the situations ------------------------------------------------------------------------

#[test]
fn every_request_is_done_once_when_the_pbx_proves_it() {
    for case in CASES {
        let mut play = case.begun();
        play.prove(case, REQUEST);
        assert_eq!(play.ended[0], ["done"], "{}", case.name);
        assert_eq!(play.end(case.name)[0].len(), 1, "{}", case.name);
    }
}

#[test]
fn every_request_ends_once_when_its_calls_are_hung_up_meanwhile() {
    for case in CASES {
        let mut play = case.begun();
        play.hang_up();
        let [at_once, by_the_answer] = case.hung_up;
        assert_eq!(play.ended[0].join(" "), at_once, "{}: when they are hung up", case.name);
        if !by_the_answer.is_empty() {
            play.refuse(case, REQUEST);
            assert_eq!(play.ended[0], [by_the_answer], "{}: when the PBX refuses", case.name);
        }
        assert_eq!(play.end(case.name)[0].len(), 1, "{}", case.name);
    }
}

#[test]
fn every_request_ends_once_when_the_pbx_never_answers() {
    for case in CASES {
        let mut play = case.begun();
        play.wait();
        assert_eq!(play.ended[0], [case.silent], "{}", case.name);
        assert_eq!(play.end(case.name)[0].len(), 1, "{}", case.name);
    }
}

#[test]
fn every_request_ends_once_when_the_host_closes_its_calls_or_the_line_meanwhile() {
    for case in CASES {
        for whole_line in [false, true] {
            let mut play = case.begun();
            let calls: Vec<CallId> = play.site.view(1).calls.iter().map(|call| call.id).collect();
            if whole_line {
                let (line, opening) = (LineId(1), Opening(1));
                play.site.host(HostFact::LineClosed { line, opening });
            } else {
                calls.into_iter().for_each(|id| play.site.host(HostFact::CallClosed(id)));
            }
            play.hear();
            // Too late for the host; what was made must not stay.
            play.prove(case, REQUEST);
            let what = format!("{}, the line closed: {whole_line}", case.name);
            let ended = play.end(&what);
            // No LINE_GENERATE for what is closed; the host needs none.
            let none = matches!((case.ask)(), Command::GenerateDigits { .. });
            assert!(ended[0].len() == 1 || none && ended[0].is_empty(), "{what}: {ended:?}");
        }
    }
}

#[test]
fn every_request_ends_once_when_the_session_is_lost_meanwhile() {
    for case in CASES {
        let mut play = case.begun();
        play.site.pbx(PbxFact::Failed(Question::Poll, Failure::Broken));
        play.site.event(Event::Due(Timer::Grace(LineId(1), 1)));
        play.site.legs.clear();
        play.hear();
        let ended = play.ended[0].join(" ");
        let done_before = ["done", "cancelled"].contains(&ended.as_str());
        assert!(done_before || ended == FAILED, "{}: {ended}", case.name);
        assert_eq!(play.end(case.name)[0].len(), 1, "{}", case.name);
    }
}

/// How a race of two requests goes on, and what happens then.
type Ending = (&'static str, fn(&mut Play, &Case, &Case));

const ENDINGS: &[Ending] = &[
    ("the PBX obeys both", |play, first, second| {
        play.prove(first, REQUEST);
        play.prove(second, RIVAL);
    }),
    ("the PBX obeys both the other way round", |play, first, second| {
        play.prove(second, RIVAL);
        play.prove(first, REQUEST);
    }),
    ("the calls are hung up", |play, first, second| {
        play.hang_up();
        play.refuse(first, REQUEST);
        play.refuse(second, RIVAL);
    }),
    ("the PBX never answers", |_, _, _| {}),
    ("the PBX obeys the first, then the calls are hung up", |play, first, _| {
        play.prove(first, REQUEST);
        play.hang_up();
    }),
];

#[test]
fn two_requests_that_race_on_one_line_end_once_each() {
    for first in CASES {
        for second in CASES {
            for (ending, go_on) in ENDINGS {
                let what = format!("{}, and {}: {ending}", first.name, second.name);
                let mut play = first.begun();
                play.ask(second, RIVAL);
                go_on(&mut play, first, second);
                let ended = play.end(&what);
                let digits = matches!((second.ask)(), Command::GenerateDigits { .. });
                assert_eq!(ended[0].len(), 1, "{what}: {ended:?}");
                // Digits for a call that cannot be spoken of have nothing to be told by.
                assert!(ended[1].len() == 1 || digits && ended[1].is_empty(), "{what}: {ended:?}");
            }
        }
    }
}

// ---- what comes late -----------------------------------------------------------------------

#[test]
fn what_was_meant_for_a_request_that_is_done_does_not_touch_the_next_one_with_its_number() {
    for case in CASES {
        let mut play = Play { site: (case.stage)(), ended: Default::default() };
        let number = number_of(&(case.ask)(), REQUEST);
        play.site.app(1, number, Command::SetCallParams(born(1, 1)));
        let stale = play.site.ticket(1, number);
        play.site.told(1);
        play.ask(case, REQUEST);
        let ended = play.ended[0].len();
        play.site.event(Event::Due(Timer::Deadline(LineId(1), stale)));
        play.hear();
        assert_eq!(play.ended[0].len(), ended, "{}: the deadline", case.name);
        play.site.answer(1, stale, Reply::Failed(Failure::Fault("too late".into())));
        play.hear();
        assert_eq!(play.ended[0].len(), ended, "{}: the answer", case.name);
        play.prove(case, REQUEST);
        assert_eq!(play.ended[0], ["done"], "{}", case.name);
    }
}

// ---- nothing is left out -------------------------------------------------------------------

#[test]
fn there_is_a_case_for_every_function() {
    let tried: BTreeSet<&str> = CASES.iter().map(|case| (case.ask)().function().name()).collect();
    let all = [
        "lineAddToConference",
        "lineAnswer",
        "lineBlindTransfer",
        "lineCompleteTransfer",
        "lineDial",
        "lineDrop",
        "lineForward",
        "lineGenerateDigits",
        "lineHold",
        "lineMakeCall",
        "linePark",
        "linePickup",
        "lineRedirect",
        "lineRemoveFromConference",
        "lineSendUserUserInfo",
        "lineSetCallParams",
        "lineSetupConference",
        "lineSetupTransfer",
        "lineSwapHold",
        "lineUnhold",
        "lineUnpark",
    ];
    assert_eq!(tried, BTreeSet::from(all), "all but linePrepareAddToConference, which is refused");
}
