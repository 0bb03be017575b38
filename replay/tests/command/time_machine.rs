//! The family of `tapline replay`, on the capture of a scripted scenario.

use super::*;

/// The log of a demo, to look at.
fn demo() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("demo");
    assert_ends(&run(&["demo", "--seed", "3", "--keep", kept.to_str().unwrap()]), 0, "");
    let log = kept.join("log").to_str().unwrap().to_owned();
    (folder, log)
}

/// A golden history.
pub(super) fn history(name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    folder.join(format!("tests/histories/{name}.tspt")).to_str().unwrap().to_owned()
}

pub(super) fn objects(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_log_says_what_it_is_what_is_in_it_and_that_every_invariant_holds() {
    let (_folder, log) = demo();
    let info = run(&["replay", "info", "--json", &log]);
    assert_ends(&info, 0, "");
    let info = &objects(&info)[0];
    assert_eq!(
        (&info["is"], &info["damage"], &info["sessions"]),
        (&"log".into(), &Value::Null, &1.into())
    );
    assert_eq!(info["lines"]["there"], 13);
    assert!(info["pbxs"][0]["name"].as_str().unwrap().starts_with("hq"), "{info}");
    let records = info["records"].as_u64().unwrap();
    let kinds = info["records_by_kind"].as_object().unwrap();
    assert_eq!(kinds.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), records);

    let check = run(&["replay", "check", "--json", &log]);
    assert_ends(&check, 0, "");
    let summary = &objects(&check)[0]["summary"];
    assert_eq!((&summary["records"], &summary["breaches"]), (&records.into(), &0.into()));

    let stats = run(&["replay", "stats", "--json", &log]);
    assert_ends(&stats, 0, "");
    let stats = &objects(&stats)[0];
    assert_eq!(stats["records"], records);
    assert!(stats["calls"]["talked"].as_u64().unwrap() > 5, "{stats}");
}

#[test]
fn filters_show_a_part_of_the_messages_and_compare_all() {
    let (_folder, log) = demo();
    let all = run(&["replay", "run", "--json", &log]);
    assert_ends(&all, 0, "");
    let all = objects(&all);
    let summary = all.last().unwrap();
    let messages = &all[..all.len() - 1];
    let shown = |filter: &[&str]| {
        let output = run(&[&["replay", "run", "--json", &log], filter].concat());
        assert_ends(&output, 0, "");
        let mut objects = objects(&output);
        assert_eq!(objects.pop().as_ref(), Some(summary), "all is compared all the same");
        objects
    };
    let of_20 = |message: &&Value| message["line"]["number"] == "20";
    let expected: Vec<Value> = messages.iter().filter(of_20).cloned().collect();
    assert!(expected.len() > 10);
    assert_eq!(shown(&["--line", "20"]), expected);
    let id = format!("@{}", expected[0]["line"]["id"]);
    assert_eq!(shown(&["--line", &id]), expected);
    assert_eq!(shown(&["--line", "Anna Berg"]), expected);
    let first: Vec<Value> =
        expected.iter().filter(|message| message["call"] == 1).cloned().collect();
    assert_eq!(shown(&["--line", "20", "--call", "#1"]), first);
    let middle = messages[messages.len() / 2]["record"].as_u64().unwrap();
    let early = shown(&["--to", &middle.to_string()]);
    let late = shown(&["--from", &(middle + 1).to_string()]);
    assert_eq!([early, late].concat(), messages);
    assert_eq!(shown(&["--from", "+3600"]).len(), 0);
    let about = shown(&["--number", "20"]);
    assert!(about.len() > expected.len() && about.len() < messages.len());
    assert_eq!(
        objects(&run(&["replay", "--quiet", "--json", &log])),
        std::slice::from_ref(summary)
    );
}

#[test]
fn the_state_at_a_record_is_what_the_callbacks_before_it_said() {
    let (_folder, log) = demo();
    let messages = objects(&run(&["replay", "run", "--json", &log]));
    let connected = messages.iter().find(|message| message["state"] == "CONNECTED").unwrap();
    let at = connected["record"].to_string();
    let line = format!("@{}", connected["line"]["id"]);
    let state = run(&["replay", "state", &log, "--at", &at, "--line", &line, "--json"]);
    assert_ends(&state, 0, "");
    let state = &objects(&state)[0];
    let calls = state["calls"].as_array().unwrap();
    let call = calls.iter().find(|call| call["call"] == connected["call"]).unwrap();
    assert_eq!(call["state"], "CONNECTED");
    assert!(call["features"].as_array().unwrap().contains(&"DROP".into()), "{call}");
    let words = stdout(&run(&["replay", "state", &log, "--at", &at, "--line", &line]));
    assert!(words.contains("in service            yes") && words.contains("CONNECTED"), "{words}");
    let table = stdout(&run(&["replay", "state", &log, "--at", &at]));
    assert!(
        table.contains(&format!("After record {at}")) && table.contains(" CONNECTED "),
        "{table}"
    );
    assert_ends(&run(&["replay", "state", &log, "--line", "77"]), 2, "no line 77 at that moment");
    assert_ends(&run(&["replay", "state", &log, "--at", "noon"]), 2, "number of a record");
    assert_ends(&run(&["replay", "state", "/nowhere"]), 5, "no log /nowhere");
}
