//! Golden histories: tests/histories has logs and the callbacks that they must lead to.

use super::*;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("tests/histories")
}

/// If the callbacks should be others from now on: `tapline replay golden --accept tests/histories`,
/// in the commit that explains it.
#[test]
fn every_history_leads_to_the_callbacks_that_it_should() {
    let output = run(&["replay", "golden", "--json", folder().to_str().unwrap()]);
    assert_ends(&output, 0, "");
    let summary: Value = serde_json::from_str(stdout(&output).lines().last().unwrap()).unwrap();
    assert!(summary["summary"]["histories"].as_u64().unwrap() >= 40, "{summary}");
}

#[test]
fn every_scenario_can_be_played_anew_and_breaks_no_invariant() {
    let logs = tempfile::tempdir().unwrap();
    let into = logs.path().to_str().unwrap();
    let output = run(&["sim", "--script", folder().to_str().unwrap(), "--into", into]);
    assert_ends(&output, 0, "");
    for name in ["call-answered", "standby-takes-over", "provider-killed-in-a-call"] {
        let log = logs.path().join(format!("{name}.tspt"));
        assert_ends(&run(&["replay", "check", log.to_str().unwrap()]), 0, "");
    }
    // However a PBX writes it, the same is read: not a message or a millisecond is other.
    let callbacks = |dialect: &str| {
        let log = logs.path().join(format!("dialect-{dialect}.tspt"));
        let output = run(&["replay", "run", log.to_str().unwrap()]);
        assert_ends(&output, 0, "");
        let text = stdout(&output);
        text.lines().filter(|line| !line.contains("records replayed")).collect::<String>()
    };
    let usual = callbacks("typed");
    for dialect in [
        "booleans-as-digits",
        "default-namespace",
        "empty-arrays-absent",
        "empty-arrays-nil",
        "item-names-all-item",
        "item-names-of-info",
        "latin-1",
        "typed-arrays",
        "unqualified",
    ] {
        assert_eq!(callbacks(dialect), usual, "{dialect}");
    }
}

#[test]
fn a_history_that_leads_to_something_else_is_named_with_the_first_callback_until_it_is_accepted() {
    let copy = tempfile::tempdir().unwrap();
    for name in ["call-answered", "call-busy"] {
        for ending in ["tspt", "txt"] {
            let file = format!("{name}.{ending}");
            std::fs::copy(folder().join(&file), copy.path().join(&file)).unwrap();
        }
    }
    let dir = copy.path().to_str().unwrap();
    assert_ends(&run(&["replay", "golden", dir]), 0, "");
    let expected = copy.path().join("call-answered.txt");
    let before = std::fs::read_to_string(&expected).unwrap();
    let at = before.lines().position(|line| line.contains("CONNECTED")).unwrap();
    let changed: Vec<&str> =
        before.lines().enumerate().filter(|(line, _)| *line != at).map(|(_, text)| text).collect();
    std::fs::write(&expected, changed.join("\n")).unwrap();
    let output = run(&["replay", "golden", dir]);
    assert_ends(&output, 1, "--accept");
    let says = format!("call-answered, line {}:", at + 1);
    assert!(stdout(&output).contains(&says), "{}", stdout(&output));
    assert_ends(&run(&["replay", "golden", "--accept", dir]), 0, "");
    assert_eq!(std::fs::read_to_string(&expected).unwrap(), before);
    assert_ends(&run(&["replay", "golden", dir]), 0, "");
}

#[test]
fn a_capture_becomes_a_test_under_a_new_and_plain_name() {
    let made = tempfile::tempdir().unwrap();
    let into = made.path().to_str().unwrap();
    let history = folder().join("call-answered.tspt");
    let history = history.to_str().unwrap();
    assert_ends(&run(&["replay", "to-test", "a-call", history, "--into", into]), 0, "");
    let callbacks = std::fs::read_to_string(made.path().join("a-call.txt")).unwrap();
    assert_eq!(callbacks, std::fs::read_to_string(folder().join("call-answered.txt")).unwrap());
    assert_ends(&run(&["replay", "golden", into]), 0, "");
    let again = run(&["replay", "to-test", "a-call", history, "--into", into]);
    assert_ends(&again, 2, "is there already");
    assert_ends(&run(&["replay", "to-test", "../x", history, "--into", into]), 2, "no name");
}

/// What must be among the histories; `linePrepareAddToConference` is never admitted.
#[test]
fn the_histories_have_every_function_and_every_way_in_which_asking_a_pbx_fails() {
    use adapters::trace::Trace;
    use engine::fact::{Event, Function, PbxFact, Reply};
    use std::collections::BTreeSet;
    let mut functions = BTreeSet::new();
    let mut failures = BTreeSet::new();
    let word = |debug: String| debug.split(['(', ' ']).next().unwrap().to_owned();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "tspt") {
            let trace = Trace::open(&path).unwrap();
            for (_, record) in trace.records_from(0) {
                match record.event {
                    Event::App(_, _, _, command) => drop(functions.insert(command.function())),
                    Event::Pbx(_, _, PbxFact::Failed(_, failure))
                    | Event::Reply(_, _, Reply::Failed(failure)) => {
                        failures.insert(word(format!("{failure:?}")));
                    }
                    _ => {}
                }
            }
        }
    }
    // What is always refused says nothing.
    let refused = Function::PrepareAddToConference;
    for function in Function::ALL.into_iter().filter(|function| *function != refused) {
        assert!(functions.contains(&function), "no history has {function}: {functions:?}");
    }
    for failure in
        ["Unreachable", "AccessDenied", "Broken", "TimedOut", "Status", "Fault", "Garbled"]
    {
        assert!(failures.contains(failure), "no history has {failure}: {failures:?}");
    }
}
