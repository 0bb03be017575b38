//! A disk that is full: calls go on, and the log catches up when there is room again.

use super::*;
use engine::tapi::LineErr;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use tests::page::{Page, shown_at};

/// A small disk of its own; unmounted when dropped.
struct SmallDisk {
    place: TempDir,
}

impl SmallDisk {
    /// Only root can have one.
    fn mount() -> Option<SmallDisk> {
        let place = TempDir::new().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "tapline-test"])
            .arg(place.path())
            .output();
        mounted.is_ok_and(|output| output.status.success()).then_some(SmallDisk { place })
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut filler = std::fs::File::create(self.filler()).unwrap();
        let block = vec![0; 1 << 20];
        let mut size = block.len();
        while size > 0 {
            if std::io::Write::write_all(&mut filler, &block[..size]).is_err() {
                size /= 2;
            }
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> std::path::PathBuf {
        self.place.path().join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that was killed may still have a file open.
        let _ = Command::new("umount").arg("-l").arg(self.place.path()).status();
    }
}

#[test]
fn on_a_full_disk_calls_go_on_and_the_log_catches_up() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: a small disk can only be mounted by root");
        return;
    };
    let pbx = simulator();
    let premises = Premises::at(pbx.address()).with_log(&disk.place.path().join("log"));
    let mut server = Server::load(&premises);
    let before = server.threads();
    server.ask("start").within(INIT).well();
    server.wait_for_service(LINES);
    disk.fill();
    calls_until_the_log_is_down(&pbx, &mut server, &premises);
    super::log::a_call(&pbx, &mut server);
    disk.make_room();
    premises.assert_said_once("make room on it");
    caught_up(&pbx, &mut server, &premises, &before);
}

#[test]
fn on_a_full_disk_a_session_begins_or_is_refused_and_nothing_is_lost() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: a small disk can only be mounted by root");
        return;
    };
    let pbx = simulator();
    let premises = Premises::at(pbx.address()).with_log(&disk.place.path().join("log"));
    let mut server = Server::in_service(&premises, LINES);
    let ids = server.permanent_ids();
    server.ask("stop").well();
    let logged = premises.replay();
    disk.fill();
    let before = server.threads();
    let started = server.ask("start").within(INIT);
    if started.result.is_ok() {
        server.wait_for_service(LINES);
        calls_until_the_log_is_down(&pbx, &mut server, &premises);
        shut_down(&mut server, &before);
    } else {
        // To open it, the storage may have to write. Without the log nobody knows the permanent
        // ids of the lines, so there is nothing to begin a session with.
        started.refused_with(LineErr::OperationFailed);
        assert_eq!(server.threads(), before);
    }
    disk.make_room();
    premises.assert_said_once("make room on it");
    // What was told without a log is not in it; what was in it is.
    let replayed = premises.replay();
    assert_eq!(replayed.damage, None);
    assert_eq!(replayed.verifier.difference(), None);
    assert_eq!(replayed.permanent_ids(), ids);
    assert!(replayed.records.starts_with(&logged.records));
    server.ask("start").within(INIT).well();
    server.wait_for_service(LINES);
    assert_eq!(server.permanent_ids(), ids);
    shut_down(&mut server, &before);
}

#[test]
fn at_the_limit_of_a_file_calls_go_on_and_the_log_catches_up() {
    let pbx = simulator();
    let settings = tests::premises::settings_for(&pbx.address().to_string());
    let premises = Premises::with(&(settings + "[metrics]\nlisten = \"127.0.0.1:0\"\n"));
    // Past the limit a process is killed, unless it does not mind.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(tests::server::program());
    let mut server = Server::by(command, &premises);
    let before = server.threads();
    server.ask("start").within(INIT).well();
    server.wait_for_service(LINES);
    let shown = shown_at(&premises, 1);
    let storage = premises.log().join("log-1").join("db");
    if !limit(&server, Some(&storage)) {
        eprintln!("skipped: there is no prlimit on this machine");
        return;
    }
    calls_until_the_log_is_down(&pbx, &mut server, &premises);
    super::log::a_call(&pbx, &mut server);
    let page = Page::at(shown);
    assert_eq!(page.value("tapline_log_up"), 0.0);
    assert!(page.value("tapline_log_unwritten_records") > 0.0);
    assert!(limit(&server, None));
    premises.assert_said_once("the log cannot be written");
    wait_for("the log to be written again", || {
        let page = Page::at(shown);
        let is_whole = page.value("tapline_log_unwritten_records") == 0.0;
        (page.value("tapline_log_up") == 1.0 && is_whole).then_some(())
    });
    caught_up(&pbx, &mut server, &premises, &before);
}

/// Limits the files of the process to the size of this one, or not at all.
fn limit(server: &Server, file: Option<&Path>) -> bool {
    let size = file.map(|file| std::fs::metadata(file).unwrap().len());
    let soft = size.map_or("unlimited".to_owned(), |size| size.to_string());
    Command::new("prlimit")
        .arg(format!("--pid={}", server.process()))
        .arg(format!("--fsize={soft}:unlimited"))
        .status()
        .is_ok_and(|status| status.success())
}

/// Makes calls until records are not written any more. All of them come through.
fn calls_until_the_log_is_down(pbx: &Simulator, server: &mut Server, premises: &Premises) {
    let deadline = Instant::now() + tests::PATIENCE;
    while !premises.diary().contains("calls go on") {
        assert!(Instant::now() < deadline, "the log never went down:\n{}", premises.diary());
        super::log::a_call(pbx, server);
    }
}

/// With room again the log is whole, and holds all that happened meanwhile.
fn caught_up(pbx: &Simulator, server: &mut Server, premises: &Premises, before: &[String]) {
    wait_for("the log to be written again", || {
        super::log::a_call(pbx, server);
        premises.diary().contains("the log is written again").then_some(())
    });
    premises.assert_said_once("calls go on");
    let ids = server.permanent_ids();
    shut_down(server, before);
    let replayed = premises.replay();
    replayed.assert_sound();
    assert_eq!(replayed.permanent_ids(), ids);
}
