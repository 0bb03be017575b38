//! `tapline capture`, with the provider at work and without it.

use super::lines::{AtWork, Site};
use super::*;
use std::path::Path;

fn summary(output: &Output) -> Value {
    let object: Value = serde_json::from_str(stdout(output).lines().last().unwrap()).unwrap();
    object["summary"].clone()
}

/// A provider at work, and 20 calling 21.
#[cfg(unix)]
fn at_work_with_a_call(simulator: &Simulator, site: &Site) -> AtWork {
    let provider = AtWork::start(Path::new(&site.settings));
    provider.until("LINE_CREATE");
    simulator.control("register 20 on");
    simulator.control("register 21 on");
    simulator.control("call 20 21");
    provider.until("OFFERING");
    provider
}

fn replayed(file: &str) -> Value {
    let output = run(&["replay", "--json", file]);
    assert_ends(&output, 0, "");
    summary(&output)
}

#[cfg(unix)]
#[test]
fn what_happens_at_a_provider_at_work_is_captured_while_it_goes_on() {
    let simulator = Simulator::start(&[]);
    let site = Site::at(&simulator.authority);
    let provider = at_work_with_a_call(&simulator, &site);

    let (live, whole) = (site.file("live.tspt"), site.file("whole.tspt"));
    let output = site.run(&["capture", "--json", "--last", "10m", "-o", &live]);
    assert_ends(&output, 0, "");
    let said = summary(&output);
    assert_eq!((&said["live"], &said["first"]), (&true.into(), &0.into()), "{said}");
    assert!(said["records"].as_u64().unwrap() > 20, "{said}");
    assert_eq!(replayed(&live)["identical"], true);
    assert_ends(&site.run(&["capture", "--last", "10m", "-o", &live]), 7, "live.tspt");

    simulator.control("hangup 20");
    provider.until("IDLE");
    provider.end();
    let output = site.run(&["capture", "--json", "-o", &whole]);
    assert_ends(&output, 0, "");
    let all = summary(&output);
    assert_eq!(all["live"], false);
    assert!(all["records"].as_u64() > said["records"].as_u64(), "{all}");
    assert_eq!(replayed(&whole), replayed(&site.file("log")));

    // A part of a capture, from the middle on.
    let part = site.file("part.tspt");
    let middle = (all["records"].as_u64().unwrap() / 2).to_string();
    let output = run(&["capture", "--from", &middle, "-o", &part, "--log", &whole]);
    assert_ends(&output, 0, "");
    assert!(stdout(&output).contains("tapline replay"), "{}", stdout(&output));
    let replay = replayed(&part);
    assert_eq!(replay["identical"], true);
    assert!(replay["records"].as_u64() < all["records"].as_u64());
}

/// Invariant I-25.
#[cfg(unix)]
#[test]
fn rolling_captures_hold_what_was_said_word_by_word_and_no_secret() {
    use adapters::capture::{RawMessage, Way};
    use adapters::soap::{Kind, decode_poll};
    use adapters::trace::Trace;
    use engine::fact::{Event, PbxFact};

    let simulator = Simulator::start(&[]);
    let site = Site::at(&simulator.authority);
    let settings = std::fs::read_to_string(&site.settings).unwrap();
    let settings = format!("{settings}\n[capture]\non = true\npath = \"films\"\nraw = true\n");
    std::fs::write(&site.settings, settings).unwrap();
    let provider = at_work_with_a_call(&simulator, &site);
    simulator.control("hangup 20");
    provider.until("IDLE");
    provider.end();

    let films: Vec<_> = std::fs::read_dir(site.file("films")).unwrap().flatten().collect();
    assert_eq!(films.len(), 1);
    let film = films[0].path();
    let bytes = std::fs::read(&film).unwrap();
    let around = |text: &str| {
        let at = bytes.windows(text.len()).position(|part| part == text.as_bytes())?;
        let around = &bytes[at.saturating_sub(60)..bytes.len().min(at + 60)];
        Some(String::from_utf8_lossy(around).into_owned())
    };
    assert!(around("Anna Berg").is_some(), "names are in it");
    assert_eq!(around("secret"), None, "the password is not");

    // It replays like the log, and what was said leads to what was logged.
    assert_eq!(replayed(film.to_str().unwrap()), replayed(&site.file("log")));
    let trace = Trace::open(&film).unwrap();
    assert!(trace.about().raw);
    let placed: Vec<(u64, RawMessage)> = trace.raw_messages().unwrap().collect();
    let messages: Vec<&RawMessage> = placed.iter().map(|(_, message)| message).collect();
    let of = |operation: &str| {
        let is_it = move |message: &&RawMessage| message.operation == operation;
        messages.iter().copied().filter(is_it).collect::<Vec<_>>()
    };
    for message in &messages {
        let body = String::from_utf8_lossy(&message.body);
        // Elsewhere it is known too, as the name of a user like any other.
        assert!(!body.contains("_TAPI_"), "{body}");
    }
    assert_eq!(of(Kind::Initialize.name())[0].way, Way::Question);
    let answers = of(Kind::Poll.name());
    let answers = answers.iter().filter(|message| message.way == Way::Answer(200));
    let mut calls = 0;
    for answer in answers {
        let mut facts = Vec::new();
        assert!(decode_poll(&answer.body, &mut facts).is_ok());
        calls += facts.iter().filter(|fact| matches!(fact, PbxFact::Call(_))).count();
    }
    let logged = trace
        .records_from(0)
        .filter(|(_, record)| matches!(record.event, Event::Pbx(_, _, PbxFact::Call(_))));
    assert_eq!(calls, logged.count());

    // What came of an answer is behind it.
    for (next, answer) in placed.iter().filter(|(_, message)| message.way == Way::Answer(200)) {
        let mut facts = Vec::new();
        if answer.operation != Kind::Poll.name() || decode_poll(&answer.body, &mut facts).is_err() {
            continue;
        }
        let mut behind = trace.records_from(*next).filter_map(|(_, record)| match record.event {
            Event::Pbx(_, _, fact) => Some(fact),
            _ => None,
        });
        // Of users the account is blanked.
        facts.retain(|fact| matches!(fact, PbxFact::Call(_)));
        assert!(facts.iter().all(|fact| behind.any(|found| found == *fact)), "{answer:?}");
    }
}

/// Invariant I-25. The simulator says the key; the session is also asked for by it.
#[cfg(unix)]
#[test]
fn the_key_of_a_session_is_in_nothing_that_is_kept_of_it() {
    let simulator = Simulator::start(&[]);
    let site = Site::at(&simulator.authority);
    let settings = std::fs::read_to_string(&site.settings).unwrap();
    let more = "level = \"trace\"\n[capture]\non = true\npath = \"films\"\nraw = true\n";
    std::fs::write(&site.settings, settings + more).unwrap();
    let provider = at_work_with_a_call(&simulator, &site);
    let said = simulator.control("session-keys");
    let key: u32 = said.strip_prefix("ok ").unwrap().parse().unwrap();
    // Polls without anything in them make the engine ask whether there is a session.
    simulator.control("set poll_timeout 1ms");
    simulator.control("hangup 20");
    simulator.wait_until("count Echo", |count| count != "ok 0");
    simulator.control("set poll_timeout 60s");
    simulator.control("call 20 21");
    provider.until("OFFERING");
    let live = site.file("live.tspt");
    assert_ends(&site.run(&["capture", "--last", "10m", "-o", &live]), 0, "");
    provider.end();
    let (log, html, text) =
        (site.file("log"), site.file("report.html"), site.file("callbacks.txt"));
    assert_ends(&run(&["report", &log, "-o", &html]), 0, "");
    std::fs::write(&text, run(&["replay", "run", "--json", &log]).stdout).unwrap();

    let kept = files_below(Path::new(&site.file("")));
    for wanted in ["log/tapline.log", "live.tspt", "report.html", "callbacks.txt", "films/"] {
        assert!(kept.iter().any(|(name, bytes)| name.contains(wanted) && !bytes.is_empty()));
    }
    let all = kept.iter().map(|(_, bytes)| &bytes[..]).collect::<Vec<_>>().concat();
    assert!(holds(&all, b"Anna Berg") && holds(&all, b"Echo"), "what is looked for can be found");
    for (name, bytes) in &kept {
        let found = ways_to_write(key).into_iter().find(|written| holds(bytes, written));
        assert_eq!(found, None, "{key} in {name}");
    }
}

/// A key in letters, in ASCII and in UTF-16, and as a number in a file.
#[cfg(unix)]
fn ways_to_write(key: u32) -> Vec<Vec<u8>> {
    let texts = [key.to_string(), format!("{key:x}"), format!("{key:X}")];
    let wide = texts.iter().map(|text| text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    let numbers = [key.to_le_bytes().to_vec(), key.to_be_bytes().to_vec()];
    texts.iter().map(|text| text.as_bytes().to_vec()).chain(wide).chain(numbers).collect()
}

#[cfg(unix)]
fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|part| part == wanted)
}

/// All files below a folder, with what is in them.
#[cfg(unix)]
fn files_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: std::path::PathBuf| match path.is_dir() {
        true => files_below(&path),
        false => vec![(path.to_str().unwrap().to_owned(), std::fs::read(&path).unwrap())],
    };
    entries.flat_map(of).collect()
}

#[test]
fn what_cannot_be_captured_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (demo, out) = (path("demo"), path("out.tspt"));
    assert_ends(&run(&["capture", "-o", &out, "--log", &demo]), 5, "there is no log");
    assert!(!Path::new(&out).exists(), "nothing is left of it");
    assert_ends(&run(&["demo", "--keep", &demo]), 0, "");
    let log = format!("{demo}/log");
    let none = run(&["capture", "--from", "5", "--to", "4", "-o", &out, "--log", &log]);
    assert_ends(&none, 2, "none of them");
    assert_ends(&run(&["capture", "--last", "10", "-o", &out, "--log", &log]), 2, "duration");
    assert!(!Path::new(&out).exists(), "nothing is left of it");
}
