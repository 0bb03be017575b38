//! `tapline replay explain`, and one call found by all its names.

use super::time_machine::history;
use super::*;

fn objects(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn explained(log: &str, call: &str) -> Vec<Value> {
    let output = run(&["replay", "explain", log, call, "--json"]);
    assert_ends(&output, 0, "");
    objects(&output)
}

#[test]
fn a_call_is_the_same_by_guid_number_line_and_request() {
    let log = history("call-answered");
    let by_line = explained(&log, "21#1");
    let summary = &by_line.last().unwrap()["summary"];
    let conf = summary["conf"].as_str().unwrap();
    let number = summary["legs"][0]["call_id"].as_u64().unwrap();
    let names = [conf.to_owned(), conf[..8].to_uppercase(), format!("{number:08x}"), "r3.1".into()];
    for name in names {
        assert_eq!(explained(&log, &name), by_line, "{name}");
    }
    assert_eq!(explained(&log, "@3#1"), by_line);
    assert_eq!(summary["odd"], Value::Array(Vec::new()));
    assert_eq!(summary["ending"], "over");
}

#[test]
fn each_sentence_has_its_record_its_time_and_its_request() {
    let log = history("call-answered");
    let sentences = explained(&log, "r3.1");
    let done = sentences.iter().find(|sentence| sentence["kind"] == "completed").unwrap();
    assert_eq!(done["correlation"], "r3.1");
    assert_eq!(done["record"], 43);
    assert_eq!(done["line"]["number"], "21");
    assert_eq!(done["time"], "2023-11-14T22:13:26.005Z");
    assert!(done["rule"].as_str().unwrap().contains("answer"), "{done}");
    // The same id filters messages, and names the records.
    let output = run(&["replay", "run", &log, "--request", "r3.1", "--json"]);
    assert_ends(&output, 0, "");
    let rows = objects(&output);
    let (summary, rows) = rows.split_last().unwrap();
    assert_eq!(summary["summary"]["identical"], true);
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(rows.iter().all(|row| row["correlation"] == "r3.1" && row["record"] == 43));
}

#[test]
fn the_conf_guid_filters_messages_of_all_lines() {
    let log = history("transfer-taken-back");
    let first = explained(&log, "20#1");
    let conf = first.last().unwrap()["summary"]["conf"].as_str().unwrap().to_owned();
    let output = run(&["replay", "run", &log, "--call", &conf, "--json"]);
    let rows = objects(&output);
    let lines: std::collections::BTreeSet<&str> =
        rows.iter().filter_map(|row| row["line"]["number"].as_str()).collect();
    assert_eq!(lines, ["20", "21"].into());
    let about = rows.iter().filter(|row| row["message"].is_string());
    assert!(about.clone().count() > 10 && about.clone().all(|row| row["conf"] == conf.as_str()));
}

#[test]
fn a_ladder_is_drawn_and_what_is_odd_is_said() {
    let log = history("hang-up-lost-in-a-standby-switch");
    let output = run(&["replay", "explain", &log, "20#1", "--ladder"]);
    assert_ends(&output, 0, "");
    let text = stdout(&output);
    for expected in
        ["┃────────────────────────▶│ CALLSTATE CONNECTED", "What is odd:", "session lost"]
    {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}

#[test]
fn what_cannot_be_meant_is_said() {
    let log = history("transfer-with-consultation");
    let explain = |call: &str| run(&["replay", "explain", &log, call]);
    assert_ends(&explain("ffffffff"), 1, "no call");
    assert_ends(&explain("20#9"), 1, "line 20 has no call #9");
    assert_ends(&explain("999#1"), 1, "no line 999");
    assert_ends(&explain("r9.9"), 1, "no such request");
    assert_ends(&explain("nonsense"), 2, "is no call");
    assert_ends(&run(&["replay", "explain", "/no/such", "20#1"]), 5, "/no/such");
    // A line's count begins anew with the telephony server.
    let log = history("provider-killed-in-a-call");
    let output = run(&["replay", "explain", &log, "20#1"]);
    assert!([0, 2].contains(&output.status.code().unwrap()), "{}", stderr(&output));
}
