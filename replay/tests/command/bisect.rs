//! `tapline replay bisect` and `shrink`, on golden histories.

use super::time_machine::{history, objects};
use super::*;

#[test]
fn the_record_after_which_an_expectation_fails_is_named_with_its_evidence() {
    let history = history("poll-answer-lost");
    let call = "call #1 of 20 is CONNECTED";
    let output = run(&["replay", "bisect", &history, "--until", call, "--json"]);
    assert_ends(&output, 0, "");
    let found = &objects(&output)[0];
    let at = found["record"].as_u64().unwrap();
    assert!(found["held_from"].as_u64().unwrap() < at);
    assert_eq!(found["why"][0], "call #1 of 20 is CONNECTED: not so");
    let messages = found["messages"].as_array().unwrap();
    assert_eq!(messages[0]["state"], "DISCONNECTED");
    // What applications could read says the same, just before and then.
    let state = |at: u64| {
        let at = at.to_string();
        let state = run(&["replay", "state", &history, "--line", "20", "--json", "--at", &at]);
        objects(&state)[0]["calls"][0]["state"].clone()
    };
    assert_eq!((state(at - 1), state(at)), ("CONNECTED".into(), "IDLE".into()));

    let words = stdout(&run(&["replay", "bisect", &history, "--until", call]));
    for word in ["fails after record", "It held first", "The record", "What it led to"] {
        assert!(words.contains(word), "{words}");
    }
}

#[test]
fn time_alone_can_make_an_expectation_fail() {
    let history = history("call-answered");
    let bisect = |until: &str| run(&["replay", "bisect", &history, "--until", until]);
    assert_ends(&bisect("no call longer than 3s"), 0, "");
    assert_ends(&bisect("no call longer than 10s"), 1, "never fails in");
    assert_ends(&bisect("line 99 in-service"), 1, "never holds in");
    let later = ["replay", "bisect", &history, "--until", "calls == 0", "--from", "+60"];
    assert_ends(&run(&later), 1, "never");
    assert_ends(&bisect("invariants"), 1, "never fails in");
}

#[test]
fn an_expression_that_makes_no_sense_is_shown_with_a_mark_below_it() {
    let history = history("call-answered");
    let output = run(&["replay", "bisect", &history, "--until", "line 20 in-servce"]);
    assert_ends(&output, 2, "\nline 20 in-servce\n        ^ ");
    assert_ends(&output, 2, "did you mean in-service?");
    let output = run(&["replay", "bisect", &history, "--until", "I-15"]);
    assert_ends(&output, 2, "I-01 I-02");
    assert!(stdout(&run(&["help", "replay", "bisect"])).contains("CALLIS = is [not] STATE"));
}

#[test]
fn a_trace_shrinks_to_what_it_takes_always_the_same_and_becomes_a_test() {
    let folder = tempfile::tempdir().unwrap();
    let history = history("transfer-with-consultation");
    let keep = "no call is ONHOLDPENDTRANSFER";
    let small = |name: &str| {
        let path = folder.path().join(name).to_str().unwrap().to_owned();
        let output = run(&["replay", "shrink", &history, "--keep", keep, "-o", &path, "--json"]);
        assert_ends(&output, 0, "");
        let summary = objects(&output)[0]["summary"].clone();
        (path, summary)
    };
    let (path, summary) = small("a.tspt");
    let (again, _) = small("b.tspt");
    assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(again).unwrap());
    let (left, before) = (summary["left"].as_u64().unwrap(), summary["records"].as_u64().unwrap());
    assert!(left * 3 < before, "{summary}");
    assert_eq!(summary["is_minimal"], true);
    let info = &objects(&run(&["replay", "info", &path, "--json"]))[0];
    assert_eq!((&info["first_record"], &info["records"]), (&0.into(), &left.into()), "dense again");
    let found = run(&["replay", "bisect", &path, "--until", keep, "--json"]);
    assert_ends(&found, 0, "");
    assert_eq!(objects(&found)[0]["record"], left - 1, "nothing comes after the failure");

    let into = folder.path().join("histories").to_str().unwrap().to_owned();
    assert_ends(&run(&["replay", "to-test", "pending", &path, "--into", &into]), 0, "");
    let golden = run(&["replay", "golden", &into]);
    assert_ends(&golden, 0, "");
    assert!(stdout(&golden).starts_with("\n1 histories"));
    let twice = run(&["replay", "shrink", &history, "--keep", keep, "-o", &path]);
    assert_ends(&twice, 2, "is there already");
    let path = folder.path().join("c.tspt").to_str().unwrap().to_owned();
    let never = run(&["replay", "shrink", &history, "--keep", "lines < 99", "-o", &path]);
    assert_ends(&never, 1, "nothing to keep");
}
