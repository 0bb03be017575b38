//! A log that is newer, damaged, or in use.

use super::*;
use engine::tapi::{CallState, LineErr};
use std::path::PathBuf;
use tests::premises::Replayed;

/// A log with some calls in it, and the lines that it knows.
fn lived_in() -> (Simulator, Premises, Vec<(String, u32)>) {
    let pbx = simulator();
    let premises = Premises::at(pbx.address());
    let mut server = Server::in_service(&premises, LINES);
    let ids = server.permanent_ids();
    for _ in 0..3 {
        a_call(&pbx, &mut server);
    }
    server.ask("stop").well();
    (pbx, premises, ids)
}

/// 20 calls 21, who answers; then it is over.
pub(super) fn a_call(pbx: &Simulator, server: &mut Server) {
    let (calling, called) = (server.device("20"), server.device("21"));
    server.forget();
    pbx.control("call 20 21").unwrap();
    server.wait_for("ringing", |heard| {
        heard.line == Some(called) && heard.is_state(CallState::Offering)
    });
    pbx.control("answer 21").unwrap();
    pbx.control("hangup 20").unwrap();
    for line in [calling, called] {
        server
            .wait_for("idle", |heard| heard.line == Some(line) && heard.is_state(CallState::Idle));
    }
}

fn storage(premises: &Premises) -> PathBuf {
    premises.log().join("log-1").join("db")
}

#[test]
fn a_log_of_a_newer_version_is_left_as_it_is() {
    let (_pbx, premises, _) = lived_in();
    let later = sled::Config::new()
        .path(premises.log().join("log-1"))
        .segment_size(2 * 1024 * 1024)
        .open()
        .unwrap();
    later.open_tree("meta").unwrap().insert("format", &[2, 0]).unwrap();
    later.flush().unwrap();
    drop(later);
    let before = premises.diary();
    let mut server = Server::load(&premises);
    let threads = server.threads();
    server.ask("start").within(INIT).refused_with(LineErr::OperationFailed);
    assert_eq!(server.threads(), threads);
    let said = premises.diary().split_off(before.len());
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("is newer than this program"), "{said}");
    assert!(said.contains("Install the version that wrote it"), "{said}");
    assert!(!premises.log().join("log-2").exists(), "nothing was begun in its place");
}

/// After damage the provider starts, says so once, keeps what was intact and the damaged storage,
/// and goes on.
fn goes_on_after(damage: impl FnOnce(&mut Vec<u8>)) {
    let (pbx, premises, ids) = lived_in();
    let intact = premises.replay();
    let mut bytes = std::fs::read(storage(&premises)).unwrap();
    damage(&mut bytes);
    std::fs::write(storage(&premises), &bytes).unwrap();
    let diary = premises.diary();

    let mut server = Server::load(&premises);
    let before = server.threads();
    server.ask("start").within(INIT).well();
    server.wait_for_service(LINES);
    assert_eq!(server.permanent_ids(), ids, "permanent ids are for ever");
    a_call(&pbx, &mut server);
    shut_down(&mut server, &before);

    let said = premises.diary().split_off(diary.len());
    let told: Vec<_> = said.lines().filter(|line| line.contains("was damaged")).collect();
    let [told] = told[..] else { panic!("damage is told once, not: {said}") };
    assert!(told.contains("log-1"), "{told}");
    let replayed = premises.replay();
    replayed.assert_sound();
    let in_common = |other: &Replayed| {
        other.records.iter().zip(&intact.records).take_while(|(a, b)| a == b).count()
    };
    let kept = in_common(&replayed);
    let still_there = in_common(&Replayed::of(&premises.log().join("log-1")));
    assert!(still_there >= kept, "{still_there} of {kept} are left in the damaged storage");
    assert!(kept > 0 && kept < replayed.records.len(), "{kept} of {}", replayed.records.len());
    // With a new session behind what was kept.
    assert!(replayed.records.len() > kept + LINES);
}

#[test]
fn a_log_with_a_flipped_bit_goes_on_after_its_intact_part() {
    goes_on_after(|bytes| {
        let frames: Vec<usize> = frames(bytes);
        // In the middle of a frame in the second half.
        bytes[frames[frames.len() * 2 / 3] + 60] ^= 0x10;
    });
}

#[test]
fn a_log_that_was_cut_off_goes_on_after_its_intact_part() {
    goes_on_after(|bytes| {
        let frames = frames(bytes);
        bytes.truncate(frames[frames.len() * 2 / 3] + 20);
    });
}

/// Where frames begin in a storage.
fn frames(bytes: &[u8]) -> Vec<usize> {
    let frames: Vec<usize> = bytes
        .windows(engine::frame::MAGIC.len())
        .enumerate()
        .filter(|(_, window)| **window == engine::frame::MAGIC)
        .map(|(at, _)| at)
        .collect();
    assert!(frames.len() > 5, "there are frames in it");
    frames
}

#[test]
fn a_second_process_on_the_same_log_is_turned_away_and_disturbs_nothing() {
    let pbx = simulator();
    let premises = Premises::at(pbx.address());
    let mut first = Server::in_service(&premises, LINES);
    let mut second = Server::load(&premises);
    let before = second.threads();
    second.ask("start").within(INIT).refused_with(LineErr::NoMultipleInstance);
    assert_eq!(second.threads(), before);
    premises.assert_said_once("another process works on the log");
    a_call(&pbx, &mut first);
    first.ask("stop").well();
    premises.replay().assert_sound();
    // As soon as the first lets go, the second can have it.
    second.ask("start").within(INIT).well();
    second.wait_for_service(LINES);
    shut_down(&mut second, &before);
    premises.replay().assert_sound();
}
