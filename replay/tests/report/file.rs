//! The command: what it takes, what it leaves, and how it ends.

use super::*;

fn report(log: &Path, page: &Path, more: &[&str]) -> Output {
    let arguments = ["report", log.to_str().unwrap(), "-o", page.to_str().unwrap()];
    tapline(&[&arguments[..], more].concat())
}

#[track_caller]
fn assert_ends(output: &Output, code: i32, message: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(message), "no {message:?} in {said}");
}

fn files(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_history_becomes_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    let histories = history("x").parent().unwrap().to_owned();
    let mut calls = 0;
    for name in files(&histories).iter().filter(|name| name.ends_with(".tspt")) {
        let output = report(&histories.join(name), &page, &["--json"]);
        assert_ends(&output, 0, "");
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        calls += said["summary"]["calls"].as_u64().unwrap();
    }
    assert!(calls > 80, "{calls} calls");
}

/// What a page reads at once.
fn index_of(page: &Path) -> Value {
    let html = std::fs::read_to_string(page).unwrap();
    let index = html.split(" id=\"index\">").nth(1).unwrap().split("</script>").next().unwrap();
    serde_json::from_str(index).unwrap()
}

/// The calls of a page as its list has them: title, what became of it, what is odd.
fn calls_of(page: &Path) -> Vec<[String; 3]> {
    let index = index_of(page);
    let text = |number: &Value| match number.as_u64() {
        Some(number) => index["texts"][number as usize].as_str().unwrap().to_owned(),
        None => String::new(),
    };
    let calls = index["calls"].as_array().unwrap().iter();
    calls
        .map(|call| [call[2].as_str().unwrap().to_owned(), text(&call[3]), text(&call[4])])
        .collect()
}

#[test]
fn the_list_says_who_called_whom_what_became_of_it_and_what_is_odd() {
    for (name, call) in [
        ("call-busy", ["20 Anna Berg → 21 Bob & <Sons>", "busy", ""]),
        ("call-rejected", ["20 Anna Berg → 21 Bob & <Sons>", "rejected", ""]),
        ("call-to-nobody", ["20 Anna Berg → 99", "no such number", ""]),
        ("call-abandoned", ["20 Anna Berg → 21 Bob & <Sons>", "not answered", ""]),
        ("call-outside", ["20 Anna Berg → 0301234567", "talked 1.9 s", ""]),
        ("call-from-outside", ["00301234567 Café Zoë → 20 Anna Berg", "talked 1.9 s", ""]),
        ("forward-set-and-cancelled", ["21 Bob & <Sons>: lineForward", "done", ""]),
        ("conference-of-three", ["20 Anna Berg: a conference", "talked 2.9 s", ""]),
        (
            "provider-killed-in-a-call",
            ["20 Anna Berg → 21 Bob & <Sons>", "answered, cut off by a start", ""],
        ),
        (
            "network-down-while-a-call-ends",
            ["20 Anna Berg → 21 Bob & <Sons>", "talked 16.0 s", "end not seen"],
        ),
        (
            "request-never-acted-upon",
            ["20 Anna Berg → 21 Bob & <Sons>", "not answered", "deadline"],
        ),
    ] {
        let report = report_of(&history(name));
        let calls = calls_of(&report.page);
        assert!(calls.contains(&call.map(str::to_owned)), "{name}: {calls:?}");
    }
}

#[test]
fn what_is_intact_of_a_damaged_capture_is_in_the_page_and_the_rest_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(capture_of_calls(folder.path(), 200)).unwrap();
    let (log, page) = (folder.path().join("damaged.tspt"), folder.path().join("page.html"));
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 0x10;
    for damaged in [bytes[..bytes.len() / 2].to_vec(), flipped] {
        std::fs::write(&log, &damaged).unwrap();
        assert_ends(&report(&log, &page, &[]), 6, "");
        let html = std::fs::read_to_string(&page).unwrap();
        assert!(html.contains("\"notes\":[\"") && html.contains("block-0"));
        // A gap on the time line, which is kind 5 of the page's list.
        let events = index_of(&page)["events"].as_array().unwrap().clone();
        assert_eq!(events.last().unwrap()[2], 5, "{events:?}");
        std::fs::remove_file(&page).unwrap();
    }
}

#[test]
fn what_is_no_log_leads_to_no_page() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let foreign = folder.path().join("letter.tspt");
    std::fs::write(&foreign, "Dear Tapline").unwrap();
    assert_ends(&report(&foreign, &page, &[]), 5, "letter.tspt");
    std::fs::write(&foreign, "").unwrap();
    assert_ends(&report(&foreign, &page, &[]), 5, "letter.tspt");
    assert_ends(&report(&folder.path().join("absent"), &page, &[]), 5, "absent");
    assert_eq!(files(folder.path()), ["letter.tspt"]);
}

#[test]
fn a_capture_is_never_overwritten_by_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let log = capture_of_calls(folder.path(), 3);
    let before = std::fs::read(&log).unwrap();
    assert_ends(&report(&log, &log, &[]), 2, "is no report");
    assert_eq!(std::fs::read(&log).unwrap(), before);
    assert_eq!(files(folder.path()), ["calls.tspt"]);
}

#[test]
fn a_page_is_cut_at_so_many_calls_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (log, page) = (capture_of_calls(folder.path(), 50), folder.path().join("page.html"));
    let output = report(&log, &page, &["--calls", "20", "--json"]);
    assert_ends(&output, 0, "");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["summary"]["calls"], 20);
    let note = said["summary"]["notes"][0].as_str().unwrap();
    assert!(note.contains("30 calls") && note.contains("--from"), "{note}");
}

#[test]
fn filters_choose_calls() {
    let folder = tempfile::tempdir().unwrap();
    let (log, page) = (capture_of_calls(folder.path(), 64), folder.path().join("page.html"));
    let calls = |more: &[&str]| {
        let output = report(&log, &page, &[more, &["--json"]].concat());
        assert_ends(&output, 0, "");
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        said["summary"]["calls"].as_u64().unwrap()
    };
    let all = calls(&[]);
    assert_eq!(all, 64);
    assert_eq!(calls(&["--line", "20"]), 8);
    assert_eq!(calls(&["--number", "00703173009"]), all);
    assert_eq!(calls(&["--number", "999"]), 0);
    let early = calls(&["--to", "150"]);
    let late = calls(&["--from", "151"]);
    assert!(early > 0 && late > 0 && early + late >= all && early < all, "{early} and {late}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_half_written() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().unwrap();
    // Many enough not to be over before it is interrupted.
    let log = capture_of_calls(folder.path(), 20_000);
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tapline"))
        .args(["report", log.to_str().unwrap(), "-o", out.join("page.html").to_str().unwrap()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // When something has been written, the work has begun long since.
    let has_begun = || {
        let entries = std::fs::read_dir(&out).unwrap().flatten();
        entries.flat_map(|entry| entry.metadata()).any(|file| file.len() > 0)
    };
    while !has_begun() && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let said = BufReader::new(child.stderr.take().unwrap()).lines();
    let said: Vec<String> = said.map_while(Result::ok).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said:?}");
    assert_eq!(files(&out), Vec::<String>::new());
}
