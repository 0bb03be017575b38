//! `tapline replay anonymise`: copies that may leave the house.

use super::*;
use std::path::PathBuf;

const KEY: &str = "000102030405060708090a0b0c0d0e0f";

fn history(name: &str) -> String {
    format!("{}/../tests/histories/{name}.tspt", env!("CARGO_MANIFEST_DIR"))
}

fn anonymise(log: &str, output: &str, more: &[&str]) -> Output {
    let mut arguments = vec!["replay", "anonymise", log, "-o", output, "--json"];
    arguments.extend(more);
    run(&arguments)
}

/// A folder, and a name in it.
fn place(name: &str) -> (tempfile::TempDir, PathBuf, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let text = path.to_str().unwrap().to_owned();
    (folder, path, text)
}

#[test]
fn a_copy_replays_to_the_same_callbacks_and_is_said_to_be_one() {
    let (_folder, _, copy) = place("copy.tspt");
    let log = history("transfer-with-consultation");
    let output = anonymise(&log, &copy, &[]);
    assert_ends(&output, 0, "");
    let said: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert!(said["summary"]["proof"]["sought"].as_u64().unwrap() > 10, "{said}");
    assert!(!stdout(&output).contains("Anna"));
    let summary = |path: &str| {
        let output = run(&["replay", "--json", path]);
        assert_ends(&output, 0, "");
        let text = stdout(&output);
        let object: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        object["summary"].clone()
    };
    assert_eq!(summary(&copy), summary(&log));
    let info = run(&["replay", "info", "--json", &copy]);
    assert!(stdout(&info).contains("\"anonymised\":true"), "{}", stdout(&info));
}

#[test]
fn the_same_key_makes_the_same_copy_and_none_is_overwritten() {
    let (folder, a, a_text) = place("a.tspt");
    let (b, key) = (folder.path().join("b.tspt"), folder.path().join("key"));
    let log = history("call-busy");
    assert_ends(&anonymise(&log, &a_text, &["--key-hex", KEY]), 0, "");
    assert_ends(&anonymise(&log, b.to_str().unwrap(), &["--key-hex", KEY]), 0, "");
    assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
    assert_ends(&anonymise(&log, &a_text, &[]), 2, "is there already");
    std::fs::write(&key, "a line that nobody guesses\n").unwrap();
    std::fs::remove_file(&a).unwrap();
    assert_ends(&anonymise(&log, &a_text, &["--key", key.to_str().unwrap()]), 0, "");
    assert_ne!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
}

#[test]
fn what_is_no_key_and_what_is_no_log_is_said_to_be_none() {
    let (folder, path, copy) = place("copy.tspt");
    let log = history("call-busy");
    assert_ends(&anonymise(&log, &copy, &["--key-hex", "0011"]), 2, "at least 16 bytes");
    assert_ends(&anonymise(&log, &copy, &["--key-hex", "not hexadecimal"]), 2, "hexadecimal");
    assert_ends(&anonymise(&log, &copy, &["--key", "/nowhere/key"]), 7, "/nowhere/key");
    assert_ends(&anonymise("/nowhere/log", &copy, &[]), 5, "/nowhere/log");
    let foreign = folder.path().join("foreign.tspt");
    for (content, words) in [
        (&b""[..], "no capture file"),
        (b"something else altogether", "no capture file"),
        (b"TSPT\x63\0\x010\0\0\0\0", "damaged"),
    ] {
        std::fs::write(&foreign, content).unwrap();
        assert_ends(&anonymise(foreign.to_str().unwrap(), &copy, &[]), 5, words);
    }
    assert!(!path.exists());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "only what was put there");
}

#[test]
fn a_copy_of_a_damaged_capture_has_what_is_intact() {
    let (folder, _, copy) = place("copy.tspt");
    let bytes = std::fs::read(history("call-busy")).unwrap();
    let cut = folder.path().join("cut.tspt");
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let output = anonymise(cut.to_str().unwrap(), &copy, &[]);
    assert_ends(&output, 6, "what is intact is in the file");
    assert!(std::path::Path::new(&copy).exists());
}
