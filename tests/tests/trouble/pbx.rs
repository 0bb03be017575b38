//! A PBX that refuses us, cannot be reached, or answers nonsense.

use super::*;
use adapters::exchange::Patience;
use adapters::runtime::{Audience, Caused, Prepared};
use adapters::settings::Settings;
use adapters::simulator::Tls;
use engine::id::LineId;
use engine::tapi::{CallState, LineErr, line_dev_state};
use std::sync::Arc;
use tests::meddler::{BlackHole, CLOSED, Meddler, Rule};
use tests::premises::settings_for;

/// When the third attempt has come, after 1 s and 2 s more, the diary has had the chance to say the
/// same thing twice.
const ATTEMPTS: usize = 3;

#[test]
fn a_wrong_password_is_told_with_what_to_correct() {
    let pbx = simulator();
    let settings = settings_for(&pbx.address().to_string()).replace("secret", "sceret");
    session_without_lines(&Premises::with(&settings), "account or password is not accepted");
    assert_eq!(pbx.control("count Initialize").unwrap(), "0", "nothing got through");
}

#[test]
fn a_user_that_the_pbx_does_not_know_is_told_with_what_to_check() {
    let pbx = simulator();
    let settings = settings_for(&pbx.address().to_string()).replace("\"TAPI\"", "\"Nobody\"");
    session_without_lines(&Premises::with(&settings), "check `user`");
    assert_eq!(pbx.control("sessions").unwrap(), "0");
}

#[test]
fn a_host_that_refuses_connections_is_told_with_what_to_check() {
    session_without_lines(&Premises::at(CLOSED), "check host and port");
}

#[test]
fn a_black_hole_holds_up_neither_start_nor_shutdown() {
    let hole = BlackHole::open();
    let premises = Premises::at(hole.address());
    // Right after the start, in the middle of the first attempt.
    let mut server = Server::load(&premises);
    let before = server.threads();
    server.ask("start").within(INIT).well();
    shut_down(&mut server, &before);
    drop(server);
    session_without_lines(&premises, "check host and port");
}

#[test]
fn without_its_pbx_the_lines_of_before_are_there_and_out_of_service() {
    let pbx = simulator();
    let premises = Premises::at(pbx.address());
    let mut server = Server::in_service(&premises, LINES);
    let ids = server.permanent_ids();
    server.ask("stop").well();
    drop(pbx);
    let before = server.threads();
    server.ask("start").within(INIT).well();
    assert_eq!(server.permanent_ids(), ids);
    for line in server.lines() {
        assert!(line.open && !line.connected && !line.in_service, "{line:?}");
        let refused = server.ask(&format!("make {} 21", line.device));
        refused.refused_with(LineErr::InvalLineState);
    }
    premises.assert_said_once("check host and port");
    shut_down(&mut server, &before);
    premises.replay().assert_sound();
}

#[test]
fn a_pbx_that_takes_connections_but_says_nothing_holds_up_neither_start_nor_shutdown() {
    let pbx = simulator();
    let meddler = Meddler::before(pbx.address());
    meddler.set("Version", Rule::Silence);
    let premises = Premises::at(meddler.address());
    let mut server = Server::load(&premises);
    let before = server.threads();
    server.ask("start").within(INIT).well();
    wait_for("the question for the version", || (meddler.seen("Version") > 0).then_some(()));
    shut_down(&mut server, &before);
    premises.replay().assert_sound();
}

#[test]
fn a_certificate_that_is_not_the_pinned_one_is_told_with_what_to_correct() {
    let options = Options { tls: Some(Tls::SelfSigned), ..Options::default() };
    let pbx = Simulator::start(&Estate::built_in(), options).unwrap();
    let premises = Premises::at("not yet");
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(premises.folder().join("other.pem"), other.cert.pem()).unwrap();
    let settings = settings_for(&pbx.address().to_string())
        .replace("[[pbx]]", "https = true\n[tls]\ncertificate_file = \"other.pem\"\n[[pbx]]");
    premises.write(&settings);
    session_without_lines(&premises, "its certificate is not trusted");
    assert_eq!(pbx.control("count Version").unwrap(), "0", "nothing was told to a stranger");
}

#[test]
fn a_failure_that_stays_the_same_is_told_once() {
    let pbx = simulator();
    let meddler = Meddler::before(pbx.address());
    let page = Rule::body("text/html", b"<html><body>Welcome to your printer</body></html>");
    for operation in ["Version", "Initialize"] {
        meddler.set(operation, page.clone());
    }
    let premises = Premises::at(meddler.address());
    let mut server = Server::load(&premises);
    server.ask("start").within(INIT).well();
    wait_for("several attempts", || (meddler.seen("Version") >= ATTEMPTS).then_some(()));
    premises.assert_said_once("is this an innovaphone PBX?");
    // Another failure is news, and so is the end of all failures.
    meddler.set("Version", Rule::Cut(20));
    assert_eq!(premises.diary_lines("the connection broke").len(), 1);
    meddler.set("Version", Rule::Pass);
    meddler.set("Initialize", Rule::Pass);
    server.wait_for_service(LINES);
    premises.assert_said_once("13 lines known and monitored");
    assert!(premises.diary().lines().count() < 12, "the diary floods:\n{}", premises.diary());
    server.ask("stop").well();
    premises.replay().assert_sound();
}

/// A Poll is answered like this while a call is up. The session is given up, the lines are out of
/// service, and calls are refused until the PBX makes sense again; then all is as it was.
fn a_spoilt_poll(rule: Rule, says: &str) {
    let pbx = simulator();
    let meddler = Meddler::before(pbx.address());
    let premises = Premises::at(meddler.address());
    let (mut server, before) = in_service(&premises);
    let ids = server.permanent_ids();
    let Ringing { calling, call, .. } = Ringing::at(&mut server);

    meddler.set("Poll", rule);
    pbx.control("answer 21").unwrap();
    server.wait_for("out of service", |heard| {
        heard.line == Some(calling) && heard.is_line_state(line_dev_state::OUTOFSERVICE)
    });
    server.ask(&format!("make {calling} 22")).refused_with(LineErr::InvalLineState);
    let polls = meddler.seen("Poll");
    wait_for("several attempts", || (meddler.seen("Poll") >= polls + ATTEMPTS).then_some(()));
    premises.assert_said_once(says);

    meddler.set("Poll", Rule::Pass);
    server.wait_for_service(LINES);
    assert_eq!(server.permanent_ids(), ids);
    server.ask(&format!("drop {call}"));
    server.wait_for("idle", |heard| heard.call == Some(call) && heard.is_state(CallState::Idle));
    shut_down(&mut server, &before);
    let replayed = premises.replay();
    replayed.assert_sound();
    assert_eq!(replayed.permanent_ids(), ids);
}

#[test]
fn a_truncated_answer_costs_the_session_and_nothing_else() {
    a_spoilt_poll(Rule::Cut(300), "the connection broke");
}

#[test]
fn an_answer_of_five_megabytes_costs_the_session_and_nothing_else() {
    let body = vec![b' '; 5 << 20];
    a_spoilt_poll(Rule::body("text/xml", &body), "longer than");
}

#[test]
fn an_answer_that_is_no_xml_costs_the_session_and_nothing_else() {
    let page = b"<!DOCTYPE html><title>Maintenance</title><br>Please come back later & again";
    a_spoilt_poll(Rule::body("text/html", page), "is this an innovaphone PBX?");
}

#[test]
fn a_pending_poll_holds_up_neither_requests_nor_shutdown() {
    let pbx = simulator();
    let meddler = Meddler::before(pbx.address());
    let premises = Premises::at(meddler.address());
    let (mut server, before) = in_service(&premises);
    // From now on Polls do not return; the last one that was passed on is still answered.
    meddler.set("Poll", Rule::Silence);
    let device = server.device("20");
    let placed = server.ask(&format!("make {device} 21")).well();
    server.wait_for("the completion", |heard| {
        heard.kind == "completed"
            && heard.numbers == [placed["request"].as_u64().unwrap() as u32, 0]
    });
    shut_down(&mut server, &before);
    wait_for("the end of the session", || (pbx.control("sessions").unwrap() == "0").then_some(()));
    premises.replay().assert_sound();
}

#[test]
fn a_pbx_that_falls_silent_does_not_hold_up_shutdown() {
    let pbx = simulator();
    let meddler = Meddler::before(pbx.address());
    let premises = Premises::at(meddler.address());
    let (mut server, before) = in_service(&premises);
    let ids = server.permanent_ids();
    for operation in ["Poll", "End", "Echo", "UserCall"] {
        meddler.set(operation, Rule::Silence);
    }
    let device = server.device("20");
    server.ask(&format!("make {device} 21")).well();
    wait_for("the request", || (meddler.seen("UserCall") > 0).then_some(()));
    shut_down(&mut server, &before);
    // The log was closed in order, so the next session has it at once, with all that was known.
    server.ask("start").within(INIT).well();
    assert_eq!(server.permanent_ids(), ids);
    server.ask("stop").within(SHUTDOWN).well();
    premises.replay().assert_sound();
}

/// Hears nothing.
struct Deaf;

impl Audience for Deaf {
    fn hear(&self, _: Vec<Caused>) {}
}

/// The real time would be more than a minute, so here the patience is shorter.
#[test]
fn a_poll_that_never_returns_is_given_up_and_the_session_begins_anew() {
    let pbx = simulator();
    let meddler = Meddler::before(pbx.address());
    let premises = Premises::at(meddler.address());
    let settings = Settings::read(&premises.settings()).unwrap();
    let patience = Patience { poll: Duration::from_millis(500), ..Patience::default() };
    let prepared = Prepared::with_settings(settings).unwrap().with_patience(patience);
    let runtime = prepared.start(Arc::new(Deaf)).unwrap();
    let connected = || {
        let line = runtime.views().read(LineId(1))?;
        Some(line.as_ref()?.connected)
    };
    wait_for("a line in service", || (connected() == Some(true)).then_some(()));
    meddler.set("Poll", Rule::Silence);
    wait_for("the end of the session", || (connected() == Some(false)).then_some(()));
    meddler.set("Poll", Rule::Pass);
    wait_for("a line in service again", || (connected() == Some(true)).then_some(()));
    runtime.stop(SHUTDOWN);
    premises.replay().assert_sound();
}

#[test]
fn a_pbx_that_reboots_in_mid_call_ends_its_calls_and_comes_back() {
    let pbx = simulator();
    let premises = Premises::at(pbx.address());
    let (mut server, before) = in_service(&premises);
    let ids = server.permanent_ids();
    let Ringing { calling, called, call } = Ringing::at(&mut server);
    pbx.control("answer 21").unwrap();
    let connected = |heard: &tests::server::Heard| heard.is_state(CallState::Connected);
    server.wait_for("connected", |heard| heard.call == Some(call) && connected(heard));

    server.forget();
    pbx.control("reboot 0.3 lose-calls").unwrap();
    for line in [calling, called] {
        server.wait_for("out of service", |heard| {
            heard.line == Some(line) && heard.is_line_state(line_dev_state::OUTOFSERVICE)
        });
        server
            .wait_for("idle", |heard| heard.line == Some(line) && heard.is_state(CallState::Idle));
    }
    server.wait_for_service(LINES);
    assert_eq!(server.permanent_ids(), ids);
    // Which request meets the reboot first decides what is told of it.
    assert!(
        !premises.diary_lines(&format!("no session with http://{}/", pbx.address())).is_empty()
    );
    premises.assert_said_once("13 lines known and monitored");
    // The same again works as before.
    server.forget();
    let Ringing { call, .. } = Ringing::at(&mut server);
    server.ask(&format!("drop {call}")).well();
    server.wait_for("idle", |heard| heard.call == Some(call) && heard.is_state(CallState::Idle));
    shut_down(&mut server, &before);
    let replayed = premises.replay();
    replayed.assert_sound();
    assert_eq!(replayed.permanent_ids(), ids);
}

/// A provider whose lines are in service, and the threads that there were before.
fn in_service(premises: &Premises) -> (Server, Vec<String>) {
    let mut server = Server::load(premises);
    let before = server.threads();
    server.ask("start").within(INIT).well();
    server.wait_for_service(LINES);
    (server, before)
}

/// A call from 20 to 21, whose phone rings.
struct Ringing {
    calling: u32,
    called: u32,
    call: u64,
}

impl Ringing {
    fn at(server: &mut Server) -> Ringing {
        let (calling, called) = (server.device("20"), server.device("21"));
        let call = server.make_call(calling, "21");
        server.wait_for("ringing", |heard| {
            heard.line == Some(called) && heard.is_state(CallState::Offering)
        });
        Ringing { calling, called, call }
    }
}
