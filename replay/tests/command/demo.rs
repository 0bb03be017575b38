//! `tapline demo`.

use super::*;

#[test]
fn one_seed_gives_the_same_rows_but_for_times_and_ends_well() {
    let runs = [run(&["demo", "--seed", "5"]), run(&["demo", "--seed", "5"])];
    for output in &runs {
        assert_ends(output, 0, "");
        assert!(stdout(output).contains("identical"), "{}", stdout(output));
    }
    let [first, second] = runs.map(|output| without_times(&stdout(&output)));
    assert!(first.len() > 300, "{first:#?}");
    assert_eq!(first, second);
    let all = first.join("\n");
    for name in ["王小明", "Zoë Ångström", "Bob & <Sons>", "DISCONNECTED (REJECT)", "ONHOLD"]
    {
        assert!(all.contains(name), "no {name} in {all}");
    }
    assert!(!all.contains('\u{1b}'), "colour in a pipe");
}

/// The rows and headings; times and the port in the first line differ from run to run.
fn without_times(text: &str) -> Vec<String> {
    let is_time =
        |row: &str| row.len() > 12 && row.as_bytes()[2] == b':' && row.as_bytes()[8] == b'.';
    text.lines()
        .skip(1)
        // The day, and how many records the log needed.
        .filter(|row| !row.ends_with("(UTC)") && !row.contains("records replayed"))
        .map(|row| if is_time(row) { row[12..].to_owned() } else { row.to_owned() })
        .collect()
}

#[test]
fn for_machines_there_is_one_object_a_line_and_a_summary_last() {
    let output = run(&["demo", "--json"]);
    assert_ends(&output, 0, "");
    let text = stdout(&output);
    let mut objects: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = objects.pop().unwrap();
    assert_eq!(summary["summary"]["identical"], true);
    assert_eq!(summary["summary"]["messages"], objects.len());
    for object in &objects {
        assert!(object["message"].is_string() && object["time"].is_string(), "{object}");
    }
    let states: Vec<&str> = objects.iter().filter_map(|object| object["state"].as_str()).collect();
    for state in ["OFFERING", "RINGBACK", "CONNECTED", "ONHOLD", "DISCONNECTED", "IDLE"] {
        assert!(states.contains(&state), "{state}");
    }
}

#[test]
fn what_is_kept_replays_to_the_messages_that_were_printed() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("demo");
    let output = run(&["demo", "--json", "--keep", kept.to_str().unwrap()]);
    assert_ends(&output, 0, "");
    let messages = std::fs::read_to_string(kept.join("messages.jsonl")).unwrap();
    assert!(stdout(&output).starts_with(&messages));
    assert!(kept.join("tapline.toml").is_file());

    let replay = run(&["replay", "--json", kept.join("log").to_str().unwrap()]);
    assert_ends(&replay, 0, "");
    let derived = stdout(&replay);
    assert!(derived.lines().count() > messages.lines().count());
    assert_holds_all(&derived, &messages);
    let capture = run(&["replay", "--json", kept.join("demo.tspt").to_str().unwrap()]);
    assert_ends(&capture, 0, "");
    assert_eq!(stdout(&capture), derived);

    let again = run(&["demo", "--keep", kept.to_str().unwrap()]);
    assert_ends(&again, 2, "not empty");
}

#[test]
fn a_site_is_shown_with_what_happens_at_its_pbxs_and_replays_to_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("site");
    let output = run(&["demo", "--estate", "--keep", kept.to_str().unwrap()]);
    assert_ends(&output, 0, "");
    let text = stdout(&output);
    for part in [
        "  │ └ kiosk     740 Émile Frank",
        "branch                fails; branch-standby takes over",
        "LINEDEVSTATE DISCONNECTED OUTOFSERVICE",
        "CALLSTATE CONNECTED (ACTIVEHELD)",
        "31 Dora Eng-Berg            LINEDEVSTATE CAPSCHANGE",
        "39 Lea Moon                 REMOVE",
        "9 lines, 9 in service, 6 with calls: as at the PBXs",
        // Behind it may stand that some were withheld: a line that is removed is closed meanwhile.
        "compared with those made then: identical",
        "; what this host received is the same.",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let log = kept.join("log");
    assert_ends(&run(&["replay", log.to_str().unwrap()]), 0, "");
}

#[test]
fn a_site_is_shown_to_machines_as_objects() {
    let output = run(&["demo", "--estate", "--json"]);
    assert_ends(&output, 0, "");
    let text = stdout(&output);
    let objects: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let with = |key: &str| objects.iter().filter(|object| !object[key].is_null()).count();
    let summary = &objects.last().unwrap()["summary"];
    assert_eq!(summary["identical"], true);
    assert_eq!(summary["messages"], with("message"));
    assert_eq!(summary["comparisons"], with("as_at_the_pbxs"));
    assert!(with("event") > 20, "{text}");
    assert_eq!(with("message") + with("as_at_the_pbxs") + with("event") + 1, objects.len());
}

#[cfg(unix)]
#[test]
fn after_a_kill_in_the_middle_the_log_holds_every_message_that_was_printed() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().to_str().unwrap();
    let mut child = tapline()
        .args(["demo", "--json", "--seed", "9", "--keep", kept])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(child.stdout.take().unwrap());
    let mut messages = String::new();
    for _ in 0..150 {
        printed.read_line(&mut messages).unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let replay = run(&["replay", "--json", folder.path().join("log").to_str().unwrap()]);
    assert_ends(&replay, 0, "");
    assert_holds_all(&stdout(&replay), &messages);
}

/// Each message is among those derived, and those of one line are in the same order. Times
/// and parties may differ: the host reads them later than the engine derives them. Only a
/// replay knows the record behind a message, the PBX's key of the call, and the id of the request.
fn assert_holds_all(derived: &str, messages: &str) {
    let essence = |line: &str| {
        let mut object: Value = serde_json::from_str(line).unwrap();
        let keys = [
            "time",
            "record",
            "conf",
            "correlation",
            "origin",
            "caller",
            "called",
            "connected",
            "redirecting",
            "redirection",
        ];
        keys.iter().for_each(|key| drop(object.as_object_mut().unwrap().remove(*key)));
        object
    };
    let mut derived: Vec<Value> = derived.lines().map(essence).collect();
    for message in messages.lines().map(essence) {
        let at = derived.iter().position(|object| *object == message);
        let at = at.unwrap_or_else(|| panic!("{message} is not derived"));
        derived.remove(at);
    }
}

#[test]
fn a_library_that_is_not_there_is_named() {
    let output = run(&["demo", "--library", "/no/such/provider.so"]);
    assert_ends(&output, 4, "/no/such/provider.so");
}

#[test]
fn a_library_that_is_no_provider_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.so");
    std::fs::write(&path, "not a library").unwrap();
    assert_ends(&run(&["demo", "--library", path.to_str().unwrap()]), 4, "text.so");
}
