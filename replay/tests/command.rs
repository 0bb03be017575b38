//! The built `tapline` command, as people and programs meet it.

#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Nothing here takes a tenth of this.
const PATIENCE: Duration = Duration::from_secs(60);

fn tapline() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapline"));
    command.stdin(Stdio::null());
    command
}

/// Runs it to its end, which must come in time.
fn run(arguments: &[&str]) -> Output {
    let mut child =
        tapline().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdout = read_all(child.stdout.take().unwrap());
    let stderr = read_all(child.stderr.take().unwrap());
    let status = wait(&mut child);
    Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

fn read_all(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
fn assert_ends(output: &Output, code: i32, message: &str) {
    let errors = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{errors}");
    assert!(errors.contains(message), "no {message:?} in: {errors}");
}

/// A folder with a settings file for this PBX.
fn settings_for(master: &str, password: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!(
        "account = \"_TAPI_\"\npassword = \"{password}\"\nuser = \"TAPI\"\n\
         [[pbx]]\nmaster = \"{master}\"\n[log]\npath = \"log\"\n"
    );
    std::fs::write(folder.path().join("tapline.toml"), settings).unwrap();
    folder
}

#[path = "command/bad_input.rs"]
mod bad_input;
#[path = "command/bisect.rs"]
mod bisect;
#[path = "command/capture.rs"]
mod capture;
#[path = "command/diff.rs"]
mod diff;
#[path = "command/histories.rs"]
mod histories;
#[path = "command/lines.rs"]
mod lines;
#[path = "command/settings.rs"]
mod settings;
#[path = "command/step.rs"]
mod step;
#[path = "command/time_machine.rs"]
mod time_machine;

mod command_line {
    use super::*;

    #[test]
    fn without_a_command_it_teaches_what_to_begin_with() {
        assert_ends(&run(&[]), 2, "tapline demo");
    }

    #[test]
    fn what_makes_no_sense_is_said_and_ends_with_code_2() {
        assert_ends(&run(&["dmeo"]), 2, "demo");
        assert_ends(&run(&["demo", "--seed", "many"]), 2, "many");
        assert_ends(&run(&["replay"]), 2, "FILE_OR_LOG");
        assert_ends(&run(&["run"]), 2, "--config");
        assert_ends(&run(&["verify"]), 2, "--config");
        assert_ends(&run(&["simulate", "--listen", "nowhere"]), 2, "nowhere");
    }

    #[test]
    fn the_help_has_exit_codes_and_every_command_has_examples() {
        let help = run(&["help"]);
        assert_eq!(help.status.code(), Some(0));
        for code in ["0  all went well", "1  a replay", "6  the log is damaged"] {
            assert!(stdout(&help).contains(code), "{}", stdout(&help));
        }
        for command in ["demo", "run", "verify", "simulate", "replay", "lines", "ids"] {
            let help = stdout(&run(&["help", command]));
            assert!(help.contains("Examples:\n  tapline "), "{help}");
        }
    }

    #[test]
    fn whoever_stops_reading_gets_no_complaint_but_no_success_either() {
        let mut child =
            tapline().arg("demo").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut String::new()).unwrap();
        drop(stdout);
        let stderr = read_all(child.stderr.take().unwrap());
        assert_eq!(wait(&mut child).code(), Some(7));
        assert_eq!(String::from_utf8(stderr.join().unwrap()).unwrap(), "");
    }
}

mod demo {
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
        let states: Vec<&str> =
            objects.iter().filter_map(|object| object["state"].as_str()).collect();
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
    /// replay knows the record behind a message.
    fn assert_holds_all(derived: &str, messages: &str) {
        let essence = |line: &str| {
            let mut object: Value = serde_json::from_str(line).unwrap();
            let keys = [
                "time",
                "record",
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
}

mod run_command {
    use super::*;

    #[test]
    fn a_slip_in_the_settings_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tapline.toml");
        std::fs::write(&path, "acount = \"x\"\n").unwrap();
        let output = run(&["run", "--config", path.to_str().unwrap()]);
        assert_ends(&output, 3, "acount");
        assert!(stderr(&output).contains("line 1"), "{}", stderr(&output));
        assert_ends(&run(&["run", "--config", "/no/such/file.toml"]), 3, "/no/such/file.toml");
    }

    #[test]
    fn a_host_that_nobody_answers_at_is_said_at_once() {
        // A port that was free a moment ago: nobody listens there.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let folder = settings_for(&port.to_string(), "secret");
        let output =
            run(&["run", "--config", folder.path().join("tapline.toml").to_str().unwrap()]);
        assert_ends(&output, 4, &port.to_string());
    }

    #[test]
    fn a_wrong_password_is_said_at_once() {
        let simulator = Simulator::start(&[]);
        let folder = settings_for(&simulator.authority, "wrong");
        let output =
            run(&["run", "--config", folder.path().join("tapline.toml").to_str().unwrap()]);
        assert_ends(&output, 4, "password");
    }

    #[test]
    fn a_user_that_the_pbx_does_not_know_is_said_at_once() {
        let simulator = Simulator::start(&[]);
        let folder = settings_for(&simulator.authority, "secret");
        let path = folder.path().join("tapline.toml");
        let settings = std::fs::read_to_string(&path).unwrap().replace("\"TAPI\"", "\"Nobody\"");
        std::fs::write(&path, settings).unwrap();
        assert_ends(&run(&["run", "--config", path.to_str().unwrap()]), 4, "Nobody");
    }

    #[cfg(unix)]
    #[test]
    fn it_shows_the_calls_of_a_pbx_and_ends_the_session_at_ctrl_c() {
        let simulator = Simulator::start(&[]);
        let folder = settings_for(&simulator.authority, "secret");
        let mut child = tapline()
            .args(["run", "--json", "--config"])
            .arg(folder.path().join("tapline.toml"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut until = |wanted: &str| {
            lines.by_ref().map(Result::unwrap).find(|line| line.contains(wanted)).unwrap()
        };
        for _ in 0..12 {
            until("LINE_CREATE");
        }
        simulator.wait_for("sessions", "ok 1");
        simulator.control("call 20 21");
        let offering = until("OFFERING");
        assert!(offering.contains("Anna Berg"), "{offering}");
        // SAFETY-free way to press Ctrl-C: the shell's own.
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert_eq!(wait(&mut child).code(), Some(0));
        assert_eq!(simulator.control("sessions"), "ok 0");
    }
}

mod verify {
    use super::*;

    fn verify(authority: &str, password: &str, more: &[&str]) -> Output {
        let folder = settings_for(authority, password);
        let path = folder.path().join("tapline.toml");
        run(&[&["verify", "--config", path.to_str().unwrap()], more].concat())
    }

    #[test]
    fn settings_that_work_end_with_0_and_a_row_for_each_check() {
        let simulator = Simulator::start(&[]);
        let output = verify(&simulator.authority, "secret", &[]);
        assert_ends(&output, 0, "");
        let rows = stdout(&output);
        for check in ["settings", "reach", "credentials", "session", "users", "trunk", "nodes"] {
            assert!(
                rows.contains(&format!("\npass  {check} "))
                    || rows.starts_with(&format!("pass  {check} ")),
                "{check}: {rows}"
            );
        }
        assert!(rows.contains(&format!("master http://{}", simulator.authority)), "{rows}");
        assert!(rows.ends_with(" warned, 0 failed.\n") && !rows.contains('\x1b'), "{rows}");
    }

    #[test]
    fn a_check_that_fails_says_what_to_do_and_ends_with_1() {
        let simulator = Simulator::start(&[]);
        let output = verify(&simulator.authority, "wrong", &[]);
        assert_ends(&output, 1, "a check failed");
        let rows = stdout(&output);
        let after = rows.split("fail  credentials ").nth(1).unwrap();
        assert!(after.lines().nth(1).unwrap().contains("→ correct account and password"), "{rows}");
    }

    #[test]
    fn for_machines_there_is_one_object_a_check_and_a_summary_last() {
        let simulator = Simulator::start(&[]);
        let output = verify(&simulator.authority, "wrong", &["--json"]);
        let mut objects: Vec<Value> =
            stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let summary = objects.pop().unwrap();
        assert_eq!(summary["summary"]["failed"], 1);
        let failed: Vec<&Value> = objects.iter().filter(|row| row["verdict"] == "fail").collect();
        assert_eq!(failed.len(), 1);
        assert_eq!(
            (&failed[0]["check"], &failed[0]["rank"]),
            (&"credentials".into(), &"master".into())
        );
        assert!(failed[0]["advice"].is_string() && objects[0]["advice"].is_null());
    }

    #[test]
    fn a_settings_file_that_is_not_there_is_a_check_that_failed() {
        let output = run(&["verify", "--config", "/no/such/file.toml"]);
        assert_ends(&output, 1, "a check failed");
        assert!(stdout(&output).starts_with("fail  settings "), "{}", stdout(&output));
    }
}

mod simulate {
    use super::*;

    #[test]
    fn the_first_line_says_where_it_listens_and_commands_are_answered() {
        let mut simulator = Simulator::start(&[]);
        assert_eq!(simulator.control("call 20 21"), "ok");
        assert!(simulator.control("calls").contains("\"20\""));
        assert!(simulator.control("nonsense").starts_with("error: "));
        writeln!(simulator.typed(), "sessions").unwrap();
        assert_eq!(simulator.printed("ok"), "ok 0");
        writeln!(simulator.typed(), "quit").unwrap();
        assert_eq!(wait(&mut simulator.child).code(), Some(0));
    }

    #[test]
    fn a_pipe_that_ends_leaves_it_running() {
        let mut simulator = Simulator::start(&[]);
        drop(simulator.child.stdin.take());
        // Long enough for a program that would end to have ended: it looks every 100 ms.
        let watched = Instant::now() + Duration::from_millis(500);
        while Instant::now() < watched {
            assert_eq!(simulator.child.try_wait().unwrap(), None);
            assert_eq!(simulator.control("sessions"), "ok 0");
        }
        simulator.control("quit");
        assert_eq!(wait(&mut simulator.child).code(), Some(0));
    }

    #[test]
    fn a_slip_in_the_estate_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("estate.toml");
        std::fs::write(&path, "[[user]]\ncn = \"Anna\"\nextension = \"20\"\n").unwrap();
        assert_ends(&run(&["simulate", "--estate", path.to_str().unwrap()]), 3, "extension");
    }

    #[test]
    fn a_port_that_is_taken_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        assert_ends(&run(&["simulate", "--listen", &address]), 7, &address);
    }
}

mod replay {
    use super::*;
    use adapters::capture::{About, CaptureWriter};
    use adapters::journal::LogReader;
    use engine::fact::{Event, Record};
    use engine::frame::HEADER_BYTES;
    use std::path::{Path, PathBuf};
    use std::sync::OnceLock;

    /// The log of a demo, made once.
    fn demo_log() -> PathBuf {
        static KEPT: OnceLock<tempfile::TempDir> = OnceLock::new();
        let kept = KEPT.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let output = run(&["demo", "--keep", folder.path().to_str().unwrap()]);
            assert_ends(&output, 0, "");
            folder
        });
        kept.path().join("log")
    }

    /// A copy of it, to be damaged.
    fn copied_log() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(&demo_log(), folder.path());
        folder
    }

    fn copy_folder(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
            let target = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                copy_folder(&entry.path(), &target);
            } else {
                std::fs::copy(entry.path(), target).unwrap();
            }
        }
    }

    /// The records of the demo's log as a capture file.
    fn capture(change: impl FnMut(&mut Record)) -> (tempfile::TempDir, PathBuf) {
        let log = copied_log();
        let reader = LogReader::open(log.path(), PATIENCE).unwrap();
        let mut records: Vec<(u64, Record)> =
            reader.records_from(0).collect::<Result<_, _>>().unwrap();
        records.iter_mut().map(|(_, record)| record).for_each(change);
        let mut writer = CaptureWriter::new(Vec::new(), &About::this_program(false)).unwrap();
        for (seq, record) in records {
            writer.push(seq, record).unwrap();
        }
        let path = log.path().join("calls.tspt");
        std::fs::write(&path, writer.finish().unwrap()).unwrap();
        (log, path)
    }

    fn replay(path: &Path) -> Output {
        run(&["replay", path.to_str().unwrap()])
    }

    #[test]
    fn a_log_that_is_not_there_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nothing");
        assert_ends(&replay(&path), 5, "nothing");
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_is_no_log_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("letter.txt");
        std::fs::write(&path, "Dear Tapline, this is not a log. ".repeat(100)).unwrap();
        assert_ends(&replay(&path), 5, "letter.txt");
        assert_ends(&replay(folder.path()), 5, "no log");
    }

    #[test]
    fn a_log_that_another_process_works_on_is_left_alone() {
        let log = copied_log();
        let _other = LogReader::open(log.path(), PATIENCE).unwrap();
        assert_ends(&replay(log.path()), 5, "another process");
    }

    #[test]
    fn a_log_with_damage_in_it_is_shown_up_to_there() {
        let whole = stdout(&replay(&demo_log()));
        let log = copied_log();
        let damaged = damage_frame_in_the_middle(&log.path().join("log-1").join("db"));
        let output = replay(log.path());
        assert_ends(&output, 6, &format!("intact up to record {damaged}"));
        let shown = stdout(&output);
        let rows: Vec<&str> = shown.lines().take_while(|line| !line.contains("records")).collect();
        assert!(rows.len() > 100, "{shown}");
        assert!(whole.starts_with(&rows.join("\n")), "{shown}");
        // Looking at it has not made it any worse.
        assert_ends(&replay(log.path()), 6, &format!("intact up to record {damaged}"));
    }

    /// Damages one frame wherever the storage has a copy of it; the answer is its first record.
    fn damage_frame_in_the_middle(path: &Path) -> u64 {
        let mut bytes = std::fs::read(path).unwrap();
        let first_at = |bytes: &[u8], at: usize| {
            u64::from_le_bytes(bytes[at + 6..at + 14].try_into().unwrap())
        };
        let frames: Vec<usize> =
            (0..bytes.len() - 64).filter(|at| bytes[*at..].starts_with(b"TPLF")).collect();
        let mut firsts: Vec<u64> = frames.iter().map(|at| first_at(&bytes, *at)).collect();
        firsts.sort_unstable();
        firsts.dedup();
        let middle = firsts[firsts.len() / 2];
        for at in frames {
            if first_at(&bytes, at) == middle {
                // The first byte of its first record: the smallest frame has no more than that.
                bytes[at + HEADER_BYTES + 1] ^= 0x40;
            }
        }
        std::fs::write(path, bytes).unwrap();
        middle
    }

    #[test]
    fn a_capture_file_shows_the_same_as_the_log_it_was_made_from() {
        let (_folder, path) = capture(|_| ());
        let output = replay(&path);
        assert_ends(&output, 0, "");
        assert_eq!(stdout(&output), stdout(&replay(&demo_log())));
    }

    #[test]
    fn the_first_difference_from_what_was_told_ends_it_with_code_1() {
        let mut is_first = true;
        let (_folder, path) = capture(|record| {
            if let Event::Told(told) = &mut record.event
                && std::mem::take(&mut is_first)
            {
                told[0].crc ^= 1;
            }
        });
        let output = replay(&path);
        assert_ends(&output, 1, "told then");
        assert!(stderr(&output).contains("derived now: one with checksum"), "{}", stderr(&output));

        let output = run(&["replay", "--json", path.to_str().unwrap()]);
        let last: Value = serde_json::from_str(stdout(&output).lines().last().unwrap()).unwrap();
        assert_eq!(last["summary"]["identical"], false);
    }

    #[test]
    fn a_capture_file_that_was_cut_off_is_shown_up_to_there() {
        let (_folder, path) = capture(|_| ());
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let output = replay(&path);
        assert_ends(&output, 6, "intact up to record");
        assert!(stdout(&output).contains("CALLSTATE"), "{}", stdout(&output));
    }

    #[test]
    fn a_capture_file_of_a_newer_version_is_named_as_that() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.tspt");
        let mut header = [b"TSPT".as_slice(), &[9, 0, 3], b"9.0"].concat();
        header.extend(crc32(&header).to_le_bytes());
        std::fs::write(&path, header).unwrap();
        assert_ends(&replay(&path), 5, "format 9");
    }

    /// CRC-32 as in Ethernet and zip.
    fn crc32(bytes: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = crc >> 1 ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
            }
        }
        !crc
    }
}

// ---- a simulator in a process of its own ----------------------------------------------------------

struct Simulator {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    authority: String,
}

impl Simulator {
    fn start(arguments: &[&str]) -> Simulator {
        let mut child = tapline()
            .arg("simulate")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        output.read_line(&mut first).unwrap();
        let authority = first.trim().strip_prefix("listening on http://").unwrap().to_owned();
        Simulator { child, output, authority }
    }

    fn typed(&mut self) -> &mut impl Write {
        self.child.stdin.as_mut().unwrap()
    }

    /// The next line it prints that begins so.
    fn printed(&mut self, beginning: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "it prints no more");
            if line.starts_with(beginning) {
                return line.trim().to_owned();
            }
        }
    }

    /// Has a command done over HTTP; the answer is its line.
    fn control(&self, command: &str) -> String {
        let mut stream = TcpStream::connect(&self.authority).unwrap();
        write!(
            stream,
            "POST /control HTTP/1.1\r\nHost: {}\r\nContent-Type: text/plain\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{command}",
            self.authority,
            command.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split("\r\n\r\n").nth(1).unwrap_or_default().trim().to_owned()
    }

    fn wait_for(&self, command: &str, answer: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.control(command) != answer {
            assert!(Instant::now() < deadline, "{command} never said {answer}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a program ended by itself; a program that does not is killed.
mod sim {
    use super::*;

    #[test]
    fn a_seed_that_ends_well_says_what_happened_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let keep = folder.path().to_str().unwrap();
        let output = run(&["sim", "--seed", "3", "--keep", keep]);
        assert_ends(&output, 0, "");
        let said = stdout(&output);
        assert!(said.contains("Seed 3") && said.contains("ended well"), "{said}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_happens_is_told_with_the_seconds_since_the_beginning() {
        let said = stdout(&run(&["sim", "--seed", "3", "--verbose"]));
        let first = said.lines().next().unwrap();
        assert!(first.trim_start().starts_with("0.000  PROVIDER starts"), "{first}");
        for word in ["RECORD", "ASK", "GOT", "CALLBACK", "PEOPLE", "HOST"] {
            assert!(said.contains(word), "nothing of {word}");
        }
    }

    #[test]
    fn many_seeds_are_one_object_each_and_a_summary_for_machines() {
        let output = run(&["sim", "--seeds", "3..6", "--json"]);
        assert_ends(&output, 0, "");
        let said = stdout(&output);
        let objects: Vec<Value> =
            said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let seeds: Vec<u64> = objects.iter().filter_map(|object| object["seed"].as_u64()).collect();
        assert_eq!(seeds, [3, 4, 5]);
        assert_eq!(objects[3]["summary"]["seeds"], 3);
    }

    #[test]
    fn a_range_without_a_seed_is_refused() {
        assert_ends(&run(&["sim", "--seeds", "6..6"]), 2, "no seed is in 6..6");
        assert_ends(&run(&["sim", "--seeds", "6"]), 2, "0..200");
    }
}

fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
