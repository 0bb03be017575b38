//! `tapline replay diff`: of two logs, under other settings, of two builds.

use super::time_machine::{history, objects};
use super::*;

/// A settings file for no PBX in particular.
fn settings(more: &str) -> (tempfile::TempDir, String) {
    let folder = settings_for("pbx.example.com", "secret");
    let path = folder.path().join("tapline.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}{more}")).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn a_log_is_the_same_as_itself_and_as_itself_under_the_same_settings() {
    let (_folder, same) = settings("");
    for name in ["call-answered", "request-never-acted-upon", "network-down-for-long"] {
        let log = history(name);
        assert_ends(&run(&["replay", "diff", &log, &log]), 0, "");
        assert_ends(&run(&["replay", "diff", &log, "--settings", &same]), 0, "");
    }
}

#[test]
fn other_settings_lead_elsewhere_and_are_named_as_the_cause() {
    let log = history("single-active-call");
    let (_folder, other) = settings("");
    let output = run(&["replay", "diff", &log, "--settings", &other, "--json"]);
    let found = match output.status.code() {
        Some(1) => &objects(&output)[0],
        _ => panic!("{}", stderr(&output)),
    };
    let cause = found["cause"]["settings"].as_array().unwrap();
    assert!(cause.iter().any(|key| key["setting"] == "single_active_call"), "{cause:?}");
    assert!(found["before"].as_array().unwrap().len() <= 10);
    assert_ne!(found["a"][0], found["b"][0]);
    let words = stdout(&run(&["replay", "diff", &log, "--settings", &other]));
    assert!(words.contains("setting single_active_call: true → false"), "{words}");
}

/// A deadline that is over sooner is over sooner in the replay too, although no such timer is in
/// the log.
#[test]
fn timers_come_due_when_other_settings_would_have_them() {
    let log = history("request-never-acted-upon");
    let (_folder, other) = settings("[lines]\nrequest_deadline_ms = 2000\n");
    let output = run(&["replay", "diff", &log, "--settings", &other, "--json"]);
    assert_ends(&output, 1, "They part at line 21");
    let found = &objects(&output)[0];
    let reply = |side: &Value| {
        let messages = side.as_array().unwrap().clone();
        let reply = messages.into_iter().find(|message| message["message"] == "ASYNC_COMPLETION");
        reply.unwrap()["time"].as_str().unwrap().to_owned()
    };
    let (then, now) = (reply(&found["a"]), reply(&found["b"]));
    assert!(then.ends_with("22:13:31.000Z") && now.ends_with("22:13:28.000Z"), "{then} {now}");
}

#[test]
fn two_logs_part_at_a_message_and_the_first_record_that_differs_is_shown() {
    let (a, b) = (history("call-answered"), history("call-abandoned"));
    let output = run(&["replay", "diff", &a, &b]);
    assert_ends(&output, 1, "They part at line");
    let words = stdout(&output);
    for word in ["the same up to here", "Cause", "asks lineAnswer on line 21"] {
        assert!(words.contains(word), "{words}");
    }
}

#[test]
fn what_another_build_printed_is_compared_with_what_this_one_derives() {
    let log = history("transfer-blind");
    let folder = tempfile::tempdir().unwrap();
    let printed = folder.path().join("then.jsonl");
    let rows = stdout(&run(&["replay", "run", "--json", &log]));
    std::fs::write(&printed, &rows).unwrap();
    let path = printed.to_str().unwrap();
    assert_ends(&run(&["replay", "diff", &log, path]), 0, "");
    let other = rows.replacen("\"CONNECTED\"", "\"RINGBACK\"", 1);
    std::fs::write(&printed, other).unwrap();
    let output = run(&["replay", "diff", &log, path]);
    assert_ends(&output, 1, "They part at line");
    assert!(stdout(&output).contains("the programs differ"), "{}", stdout(&output));
    std::fs::write(&printed, "{\"message\": ").unwrap();
    assert_ends(&run(&["replay", "diff", &log, path]), 2, "line 1");
    assert_ends(&run(&["replay", "diff", &log]), 2, "<B>");
    assert!(
        stdout(&run(&["help", "replay", "diff"])).contains("diff day.tspt --settings other.toml")
    );
}
