//! `tapline lines` and `tapline ids`, with the provider at work and without it.

use super::*;
use std::path::Path;

/// A provider at work, by `tapline run`.
pub(super) struct AtWork {
    child: Child,
    messages: std::sync::mpsc::Receiver<String>,
}

impl AtWork {
    pub(super) fn start(settings: &Path) -> AtWork {
        let mut child = tapline()
            .args(["run", "--json", "--config"])
            .arg(settings)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, messages) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).try_for_each(|line| sender.send(line)).ok()
        });
        AtWork { child, messages }
    }

    pub(super) fn until(&self, wanted: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.messages.recv_timeout(left).expect(wanted);
            if line.contains(wanted) {
                return line;
            }
        }
    }

    /// Ends it as Ctrl-C does.
    pub(super) fn end(mut self) {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-INT", &pid]).status().unwrap();
        assert_eq!(wait(&mut self.child).code(), Some(0));
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) struct Site {
    folder: tempfile::TempDir,
    pub(super) settings: String,
}

impl Site {
    pub(super) fn at(authority: &str) -> Site {
        let folder = settings_for(authority, "secret");
        let settings = folder.path().join("tapline.toml").to_str().unwrap().to_owned();
        Site { folder, settings }
    }

    pub(super) fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Output {
        run(&[arguments, &["--config", &self.settings]].concat())
    }

    /// The objects that a command prints: those of lines, and the summary.
    pub(super) fn objects(&self, arguments: &[&str]) -> (Vec<Value>, Value) {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert_ends(&output, 0, "");
        let mut objects: Vec<Value> =
            stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let summary = objects.pop().unwrap()["summary"].clone();
        (objects, summary)
    }

    /// Permanent ids by GUID, of all lines there are and were.
    fn ids(&self) -> std::collections::BTreeMap<String, u64> {
        let (there, _) = self.objects(&["lines"]);
        let (gone, _) = self.objects(&["lines", "--defunct"]);
        let id = |line: &Value| (text(line, "guid"), line["id"].as_u64().unwrap());
        there.iter().chain(&gone).map(id).collect()
    }
}

pub(super) fn text(object: &Value, key: &str) -> String {
    object[key].as_str().unwrap().to_owned()
}

/// The lines of people; the TAPI user has one as well.
fn people(site: &Site, more: &[&str]) -> (Vec<Value>, Value) {
    let (mut lines, summary) = site.objects(&[&["lines"], more].concat());
    lines.retain(|line| line["number"] != "");
    (lines, summary)
}

/// Waits until the lines of people are as wanted.
pub(super) fn wait_for_lines(site: &Site, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (lines, _) = people(site, &[]);
        if is_so(&lines) {
            return lines;
        }
        assert!(Instant::now() < deadline, "{lines:#?}");
    }
}

#[cfg(unix)]
#[test]
fn lines_are_listed_at_work_and_after_it_and_a_preview_changes_nothing() {
    let simulator = Simulator::start(&[]);
    let site = Site::at(&simulator.authority);
    assert_ends(&site.run(&["lines"]), 5, "there is no log");
    let provider = AtWork::start(Path::new(&site.settings));
    provider.until("LINE_CREATE");
    let lines = wait_for_lines(&site, |lines| {
        lines.iter().filter(|line| line["state"] == "in service").count() == 12
    });
    assert_eq!(lines[0]["number"], "20");
    assert_eq!(text(&lines[0], "name"), "Anna Berg");
    assert!(!text(&lines[0], "pbx").is_empty());
    let (preview, summary) = people(&site, &["--preview", "name-and-number"]);
    assert_eq!((preview.len(), &summary["live"]), (12, &true.into()));
    assert!(text(&preview[0], "preview").ends_with(" (20)"), "{}", preview[0]);
    let (same, summary) = people(&site, &["--preview", "%n"]);
    assert_eq!(summary["shared_names"], 12, "the TAPI user has one too");
    assert!(same.iter().filter(|line| line["name_of"].is_null()).count() <= 1);
    assert_ends(&site.run(&["lines", "--preview", "%q"]), 2, "unknown placeholder %q");
    assert_ends(&site.run(&["lines", "--preview", "all"]), 2, "no placeholder");
    assert_eq!(people(&site, &[]).0, lines, "nothing has changed");
    provider.end();
    let (after, summary) = people(&site, &[]);
    assert_eq!((after.len(), &summary["live"]), (12, &false.into()));
    let table = stdout(&site.run(&["lines"]));
    assert!(table.contains("No provider is at work") && table.contains("Anna Berg"), "{table}");
}

#[cfg(unix)]
#[test]
fn a_line_is_removed_by_command_told_to_applications_and_comes_back_with_its_id() {
    let simulator = Simulator::start(&[]);
    let site = Site::at(&simulator.authority);
    let provider = AtWork::start(Path::new(&site.settings));
    provider.until("LINE_CREATE");
    let lines = wait_for_lines(&site, |lines| {
        lines.iter().filter(|line| line["state"] == "in service").count() == 12
    });
    let id = |number: &str| {
        let line = lines.iter().find(|line| line["number"] == number).unwrap();
        line["id"].as_u64().unwrap()
    };
    let words = |id: u64| id.to_string();
    let ids = site.ids();
    assert_ends(&site.run(&["lines", "remove", &words(id("22"))]), 4, "a PBX reports its user");
    assert_ends(&site.run(&["lines", "remove", "4711"]), 2, "no line with the id 4711");
    simulator.control("remove-user 21");
    provider.until("LINE_REMOVE");
    let (gone, _) = site.objects(&["lines", "--defunct"]);
    assert_eq!((gone.len(), &gone[0]["reason"]), (1, &"deleted".into()));
    assert!(gone[0]["age_ms"].as_u64().unwrap() < 600_000, "{}", gone[0]);
    // The PBX is away, so nobody vouches for the others.
    simulator.control("reboot 600");
    wait_for_lines(&site, |lines| lines.iter().all(|line| line["state"] == "no PBX"));
    assert_ends(&site.run(&["lines", "remove", &words(id("22"))]), 0, "");
    provider.until("LINE_REMOVE");
    provider.end();
    assert_ends(&site.run(&["lines", "remove", &words(id("23"))]), 0, "");
    let (gone, _) = site.objects(&["lines", "--defunct"]);
    let reasons: Vec<_> =
        gone.iter().map(|line| (line["id"].as_u64().unwrap(), text(line, "reason"))).collect();
    let removed = || "removed".to_owned();
    let expected = [(id("21"), "deleted".into()), (id("22"), removed()), (id("23"), removed())];
    assert_eq!(reasons, expected);
    assert_eq!(site.ids(), ids);
    // The same users at a PBX that is there.
    drop(simulator);
    let simulator = Simulator::start(&[]);
    let settings = std::fs::read_to_string(&site.settings).unwrap();
    let old = settings.lines().find(|line| line.starts_with("master")).unwrap();
    let new = format!("master = \"{}\"", simulator.authority);
    std::fs::write(&site.settings, settings.replace(old, &new)).unwrap();
    let provider = AtWork::start(Path::new(&site.settings));
    provider.until("LINE_CREATE");
    wait_for_lines(&site, |lines| lines.len() == 12);
    assert_eq!(site.ids(), ids, "whoever returns has his id");
    provider.end();
}

#[cfg(unix)]
#[test]
fn ids_of_the_vendors_registry_are_those_of_the_lines_from_the_first_start_on() {
    let simulator = Simulator::start(&[]);
    let site = Site::at(&simulator.authority);
    let key = "[HKEY_LOCAL_MACHINE\\SOFTWARE\\innovaphone\\innovaphone® PBX V7 TSP\\lineGUIDs]";
    let entries = (20..32)
        .map(|n| format!("\"111122223333444455556666777700{n}\"=dword:{:08x}\r\n", 7000 + n));
    let file: String =
        ["Windows Registry Editor Version 5.00\r\n\r\n".to_owned(), format!("{key}\r\n")]
            .into_iter()
            .chain(entries)
            .collect();
    let bytes = [0xFF, 0xFE].into_iter().chain(file.encode_utf16().flat_map(u16::to_le_bytes));
    std::fs::write(site.file("vendor.reg"), bytes.collect::<Vec<u8>>()).unwrap();
    let import = site.run(&["ids", "import", &site.file("vendor.reg")]);
    assert_ends(&import, 0, "");
    assert!(stdout(&import).contains("12 ids are imported"), "{}", stdout(&import));
    let (gone, _) = site.objects(&["lines", "--defunct"]);
    assert!(gone.len() == 12 && gone.iter().all(|line| line["reason"] == "imported"), "{gone:?}");
    let provider = AtWork::start(Path::new(&site.settings));
    let created = provider.until("\"number\":\"20\"");
    assert!(created.contains("LINE_CREATE") && created.contains("7020"), "{created}");
    let lines = wait_for_lines(&site, |lines| lines.len() == 12);
    assert!(lines.iter().all(|line| {
        let number: u64 = text(line, "number").parse().unwrap();
        line["id"] == 7000 + number
    }));
    // While it is at work: what is new comes in, what is other is said, and nothing is changed.
    let anna = "11112222333344445555666677770020";
    let more = format!(
        "# tapline ids 1\nid,guid\n1,{anna}\n7021,aaaabbbbccccddddeeeeffff00000001\n\
         5,aaaabbbbccccddddeeeeffff00000002\n"
    );
    std::fs::write(site.file("more.csv"), more).unwrap();
    let import = site.run(&["ids", "import", &site.file("more.csv")]);
    assert_ends(&import, 1, "not all ids could be imported");
    let said = stdout(&import);
    assert!(said.contains("has 7020 here and keeps it"), "{said}");
    assert!(said.contains("here that belongs to 11112222333344445555666677770021"), "{said}");
    assert!(said.contains("1 ids are imported by the provider at work"), "{said}");
    let ids = site.ids();
    // Those of the TAPI user and of the one imported now are among them.
    assert_eq!((ids.len(), ids[anna], ids["aaaabbbbccccddddeeeeffff00000002"]), (14, 7020, 5));
    provider.end();
    assert_eq!(site.ids(), ids);
}

#[cfg(unix)]
#[test]
fn a_table_that_was_exported_carries_all_ids_into_a_new_log() {
    let simulator = Simulator::start(&[]);
    let site = Site::at(&simulator.authority);
    let provider = AtWork::start(Path::new(&site.settings));
    provider.until("LINE_CREATE");
    wait_for_lines(&site, |lines| lines.len() == 12);
    let ids = site.ids();
    let table = site.file("ids.csv");
    assert_ends(&site.run(&["ids", "export", &table]), 0, "");
    assert_ends(&site.run(&["ids", "export", &table]), 7, "ids.csv");
    provider.end();
    simulator.control("order reverse");
    let other = Site::at(&simulator.authority);
    assert_ends(&other.run(&["ids", "import", &table]), 0, "");
    let provider = AtWork::start(Path::new(&other.settings));
    provider.until("LINE_CREATE");
    wait_for_lines(&other, |lines| lines.len() == 12);
    assert_eq!(other.ids(), ids, "whatever the order in which users are reported");
    let again = other.run(&["ids", "import", &table]);
    assert_ends(&again, 0, "");
    assert!(stdout(&again).contains("13 were there already"), "{}", stdout(&again));
    provider.end();
}

#[test]
fn a_table_that_makes_no_sense_is_refused_as_a_whole() {
    let site = Site::at("192.0.2.1");
    for (text, code, message) in [
        ("hello", 2, "neither a table"),
        ("# tapline ids 1\n1,abc\n", 2, "line 2"),
        ("# tapline ids 9\n", 2, "another version"),
    ] {
        std::fs::write(site.file("ids.csv"), text).unwrap();
        assert_ends(&site.run(&["ids", "import", &site.file("ids.csv")]), code, message);
    }
    assert_ends(&site.run(&["ids", "import", "/no/such/file"]), 2, "/no/such/file");
    assert!(!site.folder.path().join("log").exists(), "no log was made for it");
    assert_ends(&run(&["lines"]), 2, "--config");
    assert_ends(&run(&["ids", "export", "x"]), 2, "--config");
}
