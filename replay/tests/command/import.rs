//! `tapline replay import` and `tapline replay raw`: traffic as a capture, and what was said.

use super::*;

fn traffic(name: &str) -> String {
    format!("{}/../tests/traffic/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Imports it into a folder of its own.
fn imported(name: &str, more: &[&str]) -> (tempfile::TempDir, String, Output) {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("out.tspt").to_str().unwrap().to_owned();
    let file = traffic(name);
    let mut arguments = vec!["replay", "import", &file, "-o", &capture, "--json"];
    arguments.extend(more);
    let output = run(&arguments);
    (folder, capture, output)
}

/// What was told of calls, line by line, without times.
fn of_calls(rows: &str) -> Vec<Value> {
    const FIELDS: [&str; 13] = [
        "call",
        "line",
        "message",
        "state",
        "mode",
        "items",
        "caller",
        "called",
        "connected",
        "redirecting",
        "redirection",
        "origin",
        "reason",
    ];
    let rows = rows.lines().map(|row| serde_json::from_str::<Value>(row).unwrap());
    let mut rows: Vec<Value> = rows.filter(|row| row["call"].is_number()).collect();
    for row in &mut rows {
        row.as_object_mut().unwrap().retain(|field, _| FIELDS.contains(&field.as_str()));
    }
    // In which order different lines hear of something does not matter.
    rows.sort_by_key(|row| row["line"].to_string());
    rows
}

#[test]
fn the_traffic_of_a_provider_leads_to_what_it_told_of_calls() {
    let (_folder, capture, output) = imported("phone-calls.pcap", &[]);
    assert_ends(&output, 0, "");
    let said: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(said["summary"]["calls"], 5, "{said}");
    let told = of_calls(&std::fs::read_to_string(traffic("phone-calls.jsonl")).unwrap());
    assert!(told.len() > 30);
    let replayed = run(&["replay", "run", "--json", &capture]);
    assert_ends(&replayed, 0, "");
    assert_eq!(of_calls(&stdout(&replayed)), told);
    assert_ends(&run(&["replay", "check", &capture]), 0, "");
    assert_ends(
        &run(&["replay", "import", &traffic("phone-calls.pcap"), "-o", &capture]),
        7,
        "out",
    );
}

#[test]
fn what_was_ordered_is_listed_and_what_came_of_it_is_told() {
    let (_folder, capture, output) = imported("orders.pcap", &["--no-raw"]);
    assert_ends(&output, 0, "");
    let output = run(&["replay", "raw", "--json", "--operation", "UserCall", &capture]);
    assert_ends(&output, 0, "");
    let text = stdout(&output);
    let messages: Vec<Value> = text.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    let (summary, messages) = messages.split_last().unwrap();
    assert!(summary["summary"]["messages"].as_u64().unwrap() >= 2);
    assert!(messages[0]["body"].as_str().unwrap().contains("UserCall"));
    assert_eq!((&messages[0]["way"], &messages[1]["status"]), (&"question".into(), &200.into()));
    // The call is there behind the answer.
    let from = messages[1]["record"].to_string();
    let rows = run(&["replay", "run", "--from", &from, "--records", &capture]);
    assert_ends(&rows, 0, "");
    assert!(stdout(&rows).contains("RINGBACK") && stdout(&rows).contains("raw  → UserC"));
}

#[test]
fn messages_are_printed_in_a_harmless_form_and_a_log_has_none() {
    let (_folder, capture, _) = imported("phone-calls.pcap", &[]);
    let all = run(&["replay", "raw", "--full", "--operation", "poll", &capture]);
    assert_ends(&all, 0, "");
    let text = stdout(&all);
    assert!(text.contains("PollResponse") && text.contains("Anna Berg"));
    assert!(!text.contains('\x1b') && !text.contains('\r'));
    let none = run(&["replay", "raw", "--pbx", "7", &capture]);
    assert!(stdout(&none).contains("0 messages"));
    let history = traffic("../histories/call-busy.tspt");
    let log = run(&["replay", "raw", &history]);
    assert_ends(&log, 0, "");
    assert!(stdout(&log).contains("No message is in it word by word"));
}

#[test]
fn what_cannot_be_imported_is_said_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (input, output) = (place("in.pcap"), place("out.tspt"));
    let import = |input: &str| run(&["replay", "import", input, "-o", &output]);
    assert_ends(&import("/nowhere/traffic.pcap"), 7, "/nowhere/traffic.pcap");
    let whole = std::fs::read(traffic("phone-calls.pcap")).unwrap();
    for (bytes, words) in [
        (&b"not one packet"[..], "no file of packets"),
        (&[][..], "no file of packets"),
        (&whole[..24], "no SOAP over plain HTTP"),
        (&std::fs::read(traffic("phone-calls.jsonl")).unwrap(), "no file of packets"),
    ] {
        std::fs::write(&input, bytes).unwrap();
        assert_ends(&import(&input), 5, words);
    }
    assert!(!std::path::Path::new(&output).exists());
    std::fs::write(&input, &whole[..whole.len() * 2 / 3]).unwrap();
    assert_ends(&import(&input), 6, "cut off in the middle of a packet");
    assert!(std::path::Path::new(&output).exists());
}
