//! Settings that cannot be used, and places that cannot be written.

use super::*;
use engine::tapi::LineErr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use tests::meddler::CLOSED;
use tests::premises::settings_for;
use tests::server::program;

/// The user that owns nothing.
const NOBODY: u32 = 65534;

/// The process as an ordinary user. Root may write everywhere and has its diary in a folder of the
/// system; so where root runs the tests, it is somebody else who tries.
fn as_a_user(premises: &Premises) -> Option<Server> {
    let mut command = Command::new(program());
    // Only root may give something away.
    if chown(premises.folder(), Some(NOBODY), None).is_ok() {
        command.uid(NOBODY);
        let mut probe = Command::new(program());
        if probe.uid(NOBODY).stdin(Stdio::null()).stderr(Stdio::null()).output().is_err() {
            eprintln!("skipped: only root may run {}", program().display());
            return None;
        }
    }
    Some(Server::by(command, premises))
}

/// The diary of a user for what is not yet, or cannot be, beside a log.
fn diary_of_the_user(premises: &Premises) -> String {
    let path = premises.folder().join("state/tapline/log/tapline.log");
    std::fs::read_to_string(path).unwrap_or_default()
}

#[track_caller]
fn assert_one_line(diary: &str, parts: &[&str]) {
    let lines: Vec<_> = diary.lines().collect();
    let [line] = lines[..] else { panic!("one line was wanted, not: {diary}") };
    for part in parts {
        assert!(line.contains(part), "{part} is missing in: {line}");
    }
}

#[test]
fn a_typo_in_the_settings_is_told_with_its_line_and_what_was_meant() {
    let premises = Premises::with(&settings_for(CLOSED).replace("password", "pasword"));
    let Some(mut server) = as_a_user(&premises) else { return };
    let before = server.threads();
    server.ask("start").within(INIT).refused_with(LineErr::IniFileCorrupt);
    assert_eq!(server.threads(), before);
    // There are no settings to say where the log is.
    assert_one_line(
        &diary_of_the_user(&premises),
        &["tapline.toml", "line 2", "pasword", "did you mean \"password\"?"],
    );
    // Mended, it works in the same process.
    premises.write(&settings_for(CLOSED));
    server.ask("start").within(INIT).well();
    shut_down(&mut server, &before);
    premises.replay().assert_sound();
}

#[test]
fn a_log_folder_that_cannot_be_made_is_told_where_it_can_be_read() {
    let premises = Premises::at(CLOSED);
    let file = premises.folder().join("a file");
    std::fs::write(&file, "not a folder").unwrap();
    refused_for_its_log(&premises.with_log(&file.join("log")));
}

#[test]
fn a_log_folder_that_may_not_be_written_is_told_where_it_can_be_read() {
    let premises = Premises::at(CLOSED);
    std::fs::create_dir(premises.log()).unwrap();
    std::fs::set_permissions(premises.log(), std::fs::Permissions::from_mode(0o555)).unwrap();
    refused_for_its_log(&premises);
}

fn refused_for_its_log(premises: &Premises) {
    let Some(mut server) = as_a_user(premises) else { return };
    let before = server.threads();
    server.ask("start").within(INIT).refused_with(LineErr::OperationFailed);
    assert_eq!(server.threads(), before);
    let log: &Path = premises.log();
    assert_one_line(
        &diary_of_the_user(premises),
        &[&log.display().to_string(), "can be made and written by the account"],
    );
}
