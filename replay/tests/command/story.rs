//! The way of a fault from the telephone to a test of this project: a hang-up that the provider
//! never sees, because the answer that tells of it is lost while a standby takes over.

use super::time_machine::objects;
use super::*;
use std::path::{Path, PathBuf};

/// No call of that day lasted longer.
const EXPECTED: &str = "no call longer than 11s";

/// A folder, and paths in it.
struct Desk(tempfile::TempDir);

impl Desk {
    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }
}

#[test]
fn a_hang_up_that_was_never_seen_becomes_a_test_that_passes() {
    let (site, support) = (Desk(tempfile::tempdir().unwrap()), Desk(tempfile::tempdir().unwrap()));

    // At the site: it happens, and is captured. What leaves the house names nobody.
    let log = it_happens(&site);
    let captured = site.path("captured.tspt");
    assert_ends(&run(&["capture", "--last", "1h", "--log", &log, "-o", &captured]), 0, "");
    let sent = site.path("sent.tspt");
    assert_ends(&run(&["replay", "anonymise", &captured, "-o", &sent]), 0, "");
    let bytes = std::fs::read(&sent).unwrap();
    for name in ["Anna Berg", "Bob & <Sons>"] {
        assert!(!bytes.windows(name.len()).any(|part| part == name.as_bytes()), "{name}");
    }

    // At the support: the same happens again, in another folder and without names.
    let received = support.path("received.tspt");
    std::fs::copy(&sent, &received).unwrap();
    assert_ends(&run(&["replay", &received, "--quiet"]), 0, "");

    // The record that shows it: nobody has heard of the call for too long.
    let found = run(&["replay", "bisect", &received, "--until", EXPECTED, "--json"]);
    assert_ends(&found, 0, "");
    let breach = objects(&found)[0]["record"].as_u64().unwrap();
    let lost = link_losses(&received);
    assert!(lost.len() == 2 && lost[1] < breach, "{lost:?} and {breach}");

    // The page for everybody.
    let page = support.path("report.html");
    assert_ends(&run(&["report", &received, "-o", &page]), 0, "");
    assert!(std::fs::read_to_string(&page).unwrap().contains("</html>"));

    // Would a setting have helped? The call ends then.
    let settings = support.write(
        "other.toml",
        "account = \"a\"\npassword = \"b\"\nuser = \"TAPI\"\n[[pbx]]\nmaster = \"hq\"\n\
         [lines]\ncalls_kept_ms = 3000\n",
    );
    let differs = run(&["replay", "diff", &received, "--settings", &settings, "--json"]);
    assert_ends(&differs, 1, "They part at line");
    let found = &objects(&differs)[0];
    assert!(found["a"].as_array().unwrap().is_empty(), "nothing more was told then: {found}");
    assert_eq!(found["b"][0]["state"], "DISCONNECTED", "{found}");
    let settings_of_cause = found["cause"]["settings"].as_array().unwrap();
    assert!(settings_of_cause.iter().any(|key| key["setting"] == "calls_kept_ms"), "{found}");

    // The test that keeps it so.
    let histories = support.path("histories");
    for (name, more) in [("hang-up", &[][..]), ("mended", &["--settings", &*settings][..])] {
        let mut words = vec!["replay", "to-test", name, &*received, "--into", &*histories];
        words.extend(more);
        assert_ends(&run(&words), 0, "");
    }
    assert_ends(&run(&["replay", "golden", &histories]), 0, "");
    let callbacks = |name: &str| {
        std::fs::read_to_string(Path::new(&histories).join(name).with_extension("txt")).unwrap()
    };
    assert_eq!(callbacks("hang-up").matches("CALLSTATE IDLE").count(), 0);
    assert_eq!(callbacks("mended").matches("CALLSTATE IDLE").count(), 2);
    let mended = support.path("histories/mended.tspt");
    let holds = run(&["replay", "bisect", &mended, "--until", EXPECTED]);
    assert_ends(&holds, 1, "never fails in");
}

/// Plays the scenario; the path of the log.
fn it_happens(site: &Desk) -> String {
    let scenario = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/histories/hang-up-never-seen.scene");
    let into = site.path("");
    let output = run(&["sim", "--script", scenario.to_str().unwrap(), "--into", &into]);
    assert_ends(&output, 0, "");
    site.path("hang-up-never-seen.tspt")
}

/// Records at which a PBX was lost.
fn link_losses(log: &str) -> Vec<u64> {
    let all = objects(&run(&["replay", "run", log, "--json"]));
    let mut records: Vec<u64> = all
        .iter()
        .filter(|object| object["message"] == "LINE_LINEDEVSTATE")
        .filter(|object| object["states"].to_string().contains("OUTOFSERVICE"))
        .map(|object| object["record"].as_u64().unwrap())
        .collect();
    records.dedup();
    records
}
