//! The sequences that clients see, one test each (the PBX's SOAP reference, sections 6 and 9).

#![allow(clippy::unwrap_used)]

use super::*;
use crate::simulator::estate::Device;
use crate::soap::types::{AnyInfo, CallInfo, UserInfo};
use crate::soap::{Answer, Interface, Operation};
use engine::id::{CallHandle, UserHandle};

/// A PBX and one client of it, in virtual time.
struct Desk {
    pbx: PbxModel,
    now: Millis,
    session: u32,
    key: u32,
}

impl Desk {
    /// A session of `TAPI` whose snapshot was fetched.
    fn new() -> Desk {
        let mut desk = Desk::with_switches(&[]);
        desk.drain();
        desk
    }

    /// A session that was just opened, of a PBX with these switches.
    fn with_switches(switches: &[(&str, &str)]) -> Desk {
        let mut pbx = PbxModel::new(&Estate::built_in(), 7);
        for (name, value) in switches {
            pbx.switches.set(name, value).unwrap();
        }
        let mut desk = Desk { pbx, now: Millis(1_000), session: 0, key: 0 };
        desk.initialize();
        desk
    }

    fn initialize(&mut self) {
        let operation = Operation::Initialize { user: "TAPI".into(), appl: "test".into() };
        let Answer::Initialize { session, key } = self.ask(&operation) else { panic!() };
        (self.session, self.key) = (session, key);
    }

    fn asker() -> Asker {
        Asker {
            connection: ConnectionId(1),
            account: Account::Administrator,
            interface: Interface::V1000,
        }
    }

    fn outcome(&mut self, operation: &Operation) -> Outcome {
        self.pbx.request(self.now, &Desk::asker(), operation).outcome
    }

    fn ask(&mut self, operation: &Operation) -> Answer {
        match self.outcome(operation) {
            Outcome::Answer(answer) => answer,
            other => panic!("{operation:?} came to {other:?}"),
        }
    }

    /// One Poll that must not have to wait.
    fn poll(&mut self) -> AnyInfo {
        let Outcome::Wait(ticket) = self.outcome(&Operation::Poll { session: self.session }) else {
            panic!("no such session");
        };
        match self.pbx.poll(self.now, ticket) {
            Polled::Done(Outcome::Answer(Answer::Poll(any))) => any,
            other => panic!("{other:?}"),
        }
    }

    /// Everything that waits.
    fn drain(&mut self) -> AnyInfo {
        let mut all = AnyInfo::default();
        while !self.pbx.sessions.get(&self.session).unwrap().is_quiet() {
            let any = self.poll();
            all.user.extend(any.user);
            all.call.extend(any.call);
        }
        all
    }

    /// The call events that wait, as `handle state msg`.
    fn events(&mut self) -> Vec<String> {
        self.drain().call.iter().map(line).collect()
    }

    fn watch(&mut self, cn: &str) -> UserHandle {
        self.watch_with(cn, false, "")
    }

    fn watch_with(&mut self, cn: &str, disc: bool, hw: &str) -> UserHandle {
        let operation = Operation::UserInitialize {
            session: self.session,
            user: cn.into(),
            xfer: false,
            disc,
            hw: hw.into(),
        };
        let Answer::UserInitialize(handle) = self.ask(&operation) else { panic!() };
        handle
    }

    fn call(&mut self, user: UserHandle, number: &str) -> CallHandle {
        let operation = Operation::UserCall {
            user,
            cn: "".into(),
            e164: number.into(),
            h323: "".into(),
            reg: 0,
            info: Vec::new(),
            rc: 0,
            srce164: "".into(),
        };
        let Answer::UserCall(handle) = self.ask(&operation) else { panic!() };
        handle
    }

    fn clear(&mut self, call: u32, cause: u32) {
        self.ask(&Operation::UserClear { call: CallHandle(call), cause, info: Vec::new() });
    }

    fn connect(&mut self, call: u32) {
        self.ask(&Operation::UserConnect { call: CallHandle(call) });
    }

    fn redirect(&mut self, call: u32, number: &str) -> bool {
        let operation = Operation::UserRedirect {
            call: CallHandle(call),
            cn: "".into(),
            e164: number.into(),
            h323: "".into(),
            info: Vec::new(),
            rc: 0,
        };
        self.ask(&operation) == Answer::UserRedirect(true)
    }
}

fn line(info: &CallInfo) -> String {
    let gone = if info.active { "" } else { " gone" };
    format!("{} {} {}{gone}", info.call.0, info.state, info.msg)
}

fn party<'c>(info: &'c CallInfo, role: &str) -> Option<&'c str> {
    info.no.iter().find(|no| &*no.kind == role).map(|no| no.e164.text())
}

fn conf(info: &CallInfo) -> &str {
    info.info.iter().find(|info| &*info.kind == "conf").unwrap().vals.text()
}

fn cause(info: &CallInfo) -> Option<i32> {
    info.info.iter().find(|info| &*info.kind == "cause").map(|info| info.vali)
}

const ANNA: &str = "Anna Berg";
const BOB: &str = "Bob & <Sons>";
const JURGEN: &str = "Jürgen Müller";

/// Anna (20), Bob (21) and Jürgen (22, two devices) are watched; handles 1, 2, 3.
fn three() -> Desk {
    let mut desk = Desk::new();
    for cn in [ANNA, BOB, JURGEN] {
        desk.watch(cn);
    }
    desk
}

/// Anna (7001) talks to Bob (7002), who was called.
fn talking() -> Desk {
    let mut desk = three();
    desk.pbx.phone_dials("20", "21").unwrap();
    desk.pbx.phone_answers("21").unwrap();
    desk.drain();
    desk
}

// ---- sessions --------------------------------------------------------------------------------

#[test]
fn the_snapshot_begins_with_the_session_user_and_ends_with_an_empty_name() {
    let mut desk = Desk::with_switches(&[]);
    let any = desk.poll();
    assert_eq!(any.user.len(), 15);
    assert_eq!(any.user[0].cn.text(), "TAPI");
    assert!(any.user[..14].iter().all(|user| !user.cn.is_empty() && user.active));
    assert!(any.user[14].cn.is_empty() && any.user[14].active);
    assert!(desk.pbx.sessions[&desk.session].is_quiet());
}

#[test]
fn the_snapshot_comes_in_batches_of_the_size_that_the_switch_says() {
    for (size, polls) in [("1", 15), ("7", 3), ("15", 1), ("all", 1)] {
        let mut desk = Desk::with_switches(&[("snapshot_batch", size)]);
        let mut count = 0;
        let mut users: Vec<UserInfo> = Vec::new();
        while !users.last().is_some_and(|user| user.cn.is_empty()) {
            users.extend(desk.poll().user);
            count += 1;
        }
        assert_eq!((count, users.len()), (polls, 15), "batches of {size}");
    }
}

#[test]
fn the_snapshot_can_run_the_other_way() {
    let mut desk = Desk::with_switches(&[]);
    desk.pbx.set_reverse_order(true);
    desk.initialize();
    let users = desk.poll().user;
    assert_eq!(users[0].cn.text(), "TAPI");
    assert_eq!(users[1].cn.text(), "Trunk 1");
    assert_eq!(users[13].cn.text(), ANNA);
}

#[test]
fn events_wait_for_the_snapshot_unless_they_may_come_between() {
    for (interleave, early) in [("off", 0), ("on", 3)] {
        let switches = [("snapshot_batch", "1"), ("snapshot_interleave", interleave)];
        let mut desk = Desk::with_switches(&switches);
        desk.watch(ANNA);
        desk.pbx.phone_dials("20", "21").unwrap();
        assert_eq!(desk.poll().call.len(), early, "{interleave}");
        assert_eq!(desk.drain().call.len(), 3 - early);
    }
}

#[test]
fn a_session_is_refused_to_unknown_users_and_to_accounts_of_others() {
    let mut desk = Desk::new();
    let refused = Answer::Initialize { session: 0, key: 0 };
    let nobody = Operation::Initialize { user: "Nobody".into(), appl: "".into() };
    assert_eq!(desk.ask(&nobody), refused);
    let anna = desk.pbx.directory.named(ANNA).unwrap();
    let asker = Asker { account: Account::User(anna), ..Desk::asker() };
    let tapi = Operation::Initialize { user: "TAPI".into(), appl: "".into() };
    let own = Operation::Initialize { user: ANNA.into(), appl: "".into() };
    assert_eq!(desk.pbx.request(desk.now, &asker, &tapi).outcome, Outcome::Answer(refused.clone()));
    assert_ne!(desk.pbx.request(desk.now, &asker, &own).outcome, Outcome::Answer(refused));
}

#[test]
fn a_user_outside_the_scope_cannot_be_monitored_and_is_not_told() {
    let mut desk = Desk::new();
    let own = Operation::Initialize { user: ANNA.into(), appl: "".into() };
    let Answer::Initialize { session, .. } = desk.ask(&own) else { panic!() };
    desk.session = session;
    assert_eq!(desk.drain().user.len(), 2, "itself and the terminator");
    assert_eq!(desk.watch(BOB), UserHandle(0));
    assert_ne!(desk.watch(ANNA), UserHandle(0));
}

#[test]
fn flags_newer_than_the_box_are_ignored_or_refused() {
    let old = ("interface", "v800");
    let desk = Desk::with_switches(&[old]);
    assert_eq!(desk.pbx.sessions[&desk.session].interface, Interface::V800);
    let desk = Desk::with_switches(&[old, ("unknown_v_flags", "return-0")]);
    assert_eq!((desk.session, desk.key), (0, 0));
}

#[test]
fn echo_knows_the_session_by_its_key() {
    let mut desk = Desk::new();
    let (session, key) = (desk.session, desk.key);
    assert_eq!(desk.ask(&Operation::Echo { session, key }), Answer::Echo { alive: true });
    let wrong = Operation::Echo { session, key: key ^ 1 };
    assert_eq!(desk.ask(&wrong), Answer::Echo { alive: false });
    desk.ask(&Operation::End { session });
    assert_eq!(desk.ask(&Operation::Echo { session, key }), Answer::Echo { alive: false });
}

#[test]
fn a_poll_waits_until_the_time_is_over_and_ends_empty() {
    let mut desk = Desk::new();
    let Outcome::Wait(ticket) = desk.outcome(&Operation::Poll { session: desk.session }) else {
        panic!()
    };
    assert_eq!(ticket.until, desk.now + 60_000);
    assert_eq!(desk.pbx.poll(desk.now, ticket), Polled::Wait(ticket.until));
    let empty = Polled::Done(Outcome::Answer(Answer::Poll(AnyInfo::default())));
    assert_eq!(desk.pbx.poll(ticket.until, ticket), empty);
}

#[test]
fn a_second_poll_ends_the_first() {
    let mut desk = three();
    let poll = Operation::Poll { session: desk.session };
    let (Outcome::Wait(first), Outcome::Wait(second)) = (desk.outcome(&poll), desk.outcome(&poll))
    else {
        panic!()
    };
    desk.pbx.phone_dials("20", "21").unwrap();
    let empty = Polled::Done(Outcome::Answer(Answer::Poll(AnyInfo::default())));
    assert_eq!(desk.pbx.poll(desk.now, first), empty);
    assert!(matches!(desk.pbx.poll(desk.now, second), Polled::Done(_)));
}

#[test]
fn a_poll_whose_session_is_ended_gets_what_the_switch_says() {
    let empty = Outcome::Answer(Answer::Poll(AnyInfo::default()));
    for (value, wanted) in
        [("empty", empty), ("fault", Outcome::invalid_session(500)), ("close", Outcome::Close)]
    {
        let mut desk = Desk::with_switches(&[("end_pending_poll", value)]);
        desk.drain();
        let session = desk.session;
        let Outcome::Wait(ticket) = desk.outcome(&Operation::Poll { session }) else { panic!() };
        desk.ask(&Operation::End { session });
        assert_eq!(desk.pbx.poll(desk.now, ticket), Polled::Done(wanted));
    }
}

#[test]
fn an_unknown_session_is_answered_in_seven_ways() {
    let empty = Outcome::Answer(Answer::Poll(AnyInfo::default()));
    for (value, wanted) in [
        ("fault-500", Outcome::invalid_session(500)),
        ("fault-200", Outcome::invalid_session(200)),
        ("http-404", Outcome::Status(404)),
        ("http-400", Outcome::Status(400)),
        ("empty-poll", empty),
        ("empty-element", Outcome::EmptyElement(Kind::Poll)),
        ("close", Outcome::Close),
    ] {
        let mut desk = Desk::with_switches(&[("unknown_session", value)]);
        assert_eq!(desk.outcome(&Operation::Poll { session: 99_999 }), wanted, "{value}");
    }
}

#[test]
fn a_session_dies_some_time_after_its_last_connection() {
    let mut desk = Desk::new();
    desk.pbx.connection_closed(ConnectionId(1), Millis(5_000));
    assert_eq!(desk.pbx.next_due(), Some(Millis(15_000)));
    desk.pbx.advance(Millis(14_999));
    assert_eq!(desk.pbx.session_count(), 1);
    desk.pbx.advance(Millis(15_000));
    assert_eq!(desk.pbx.session_count(), 0);
    assert_eq!(desk.pbx.next_due(), None);
}

#[test]
fn a_session_lives_while_any_connection_that_used_it_is_open() {
    let mut desk = Desk::new();
    let other = Asker { connection: ConnectionId(2), ..Desk::asker() };
    let echo = Operation::Echo { session: desk.session, key: desk.key };
    desk.pbx.request(desk.now, &other, &echo);
    desk.pbx.connection_closed(ConnectionId(1), Millis(5_000));
    desk.pbx.connection_closed(ConnectionId(3), Millis(5_000));
    assert_eq!(desk.pbx.next_due(), None);
    desk.pbx.connection_closed(ConnectionId(2), Millis(6_000));
    assert_eq!(desk.pbx.next_due(), Some(Millis(16_000)));
}

#[test]
fn a_connection_that_comes_in_time_keeps_the_session() {
    let mut desk = Desk::new();
    desk.pbx.connection_closed(ConnectionId(1), Millis(5_000));
    desk.now = Millis(10_000);
    let echo = Operation::Echo { session: desk.session, key: desk.key };
    assert_eq!(desk.ask(&echo), Answer::Echo { alive: true });
    desk.pbx.advance(Millis(60_000));
    assert_eq!(desk.pbx.session_count(), 1);
}

#[test]
fn a_reboot_forgets_sessions_and_handles_and_keeps_calls() {
    let mut desk = talking();
    let (session, key) = (desk.session, desk.key);
    let before = desk.pbx.calls();
    desk.pbx.reboot(desk.now, 5_000, false);
    assert!(desk.pbx.is_down(desk.now) && !desk.pbx.is_down(desk.now + 5_000));
    desk.now = desk.now + 5_000;
    desk.initialize();
    assert_eq!(desk.session, session, "session numbers start again");
    assert_ne!(desk.key, key);
    assert_eq!(desk.ask(&Operation::Echo { session, key }), Answer::Echo { alive: false });
    desk.drain();
    assert_eq!(desk.watch(BOB), UserHandle(1));
    let replayed = desk.drain().call;
    assert_eq!(replayed.iter().map(line).collect::<Vec<_>>(), ["7001 133 update"]);
    assert_eq!(conf(&replayed[0]), before[0].conf.to_string(), "the call is known by its conf");
}

#[test]
fn calls_can_get_lost_in_a_reboot() {
    let mut desk = talking();
    desk.pbx.reboot(desk.now, 0, true);
    assert!(desk.pbx.is_idle());
}

// ---- incoming ----------------------------------------------------------------------------------

#[test]
fn an_incoming_call_answered_by_soap_and_cleared_by_the_caller() {
    let mut desk = three();
    desk.pbx.external_calls("20", "301234567", "").unwrap();
    let any = desk.drain();
    assert_eq!(
        any.call.iter().map(line).collect::<Vec<_>>(),
        ["7001 129 r-setup", "7001 132 x-alert"]
    );
    assert_eq!(party(&any.call[0], "peer"), Some("0301234567"));
    assert_eq!(party(&any.call[0], "this"), Some("20"));
    let anna = any.user.iter().find(|user| user.cn.text() == ANNA).unwrap();
    assert_eq!((anna.channel, anna.alert), (1, 1));
    desk.connect(7001);
    let any = desk.drain();
    assert_eq!(any.call.iter().map(line).collect::<Vec<_>>(), ["7001 133 x-conn"]);
    assert_eq!((any.user[0].channel, any.user[0].alert), (1, 0));
    desk.pbx.far_end("20", FarAction::HangUp(16)).unwrap();
    let any = desk.drain();
    assert_eq!(
        any.call.iter().map(line).collect::<Vec<_>>(),
        ["7001 134 r-rel", "7001 134 del gone"]
    );
    assert_eq!(cause(&any.call[0]), Some(16));
    assert!(any.call[1].no.is_empty() && any.call[1].info.is_empty());
    assert_eq!((any.user[0].channel, any.user[0].alert), (0, 0));
    assert!(desk.pbx.is_idle());
}

#[test]
fn an_incoming_call_rejected_by_soap() {
    let mut desk = three();
    desk.pbx.phone_dials("20", "21").unwrap();
    desk.drain();
    desk.clear(7002, 21);
    let calls = desk.drain().call;
    assert_eq!(
        calls.iter().map(line).collect::<Vec<_>>(),
        ["7002 135 x-rel", "7002 135 del gone", "7001 6 r-disc", "7001 6 del gone"]
    );
    assert_eq!(cause(&calls[2]), Some(21));
}

#[test]
fn an_incoming_call_abandoned_by_the_caller() {
    let mut desk = three();
    desk.pbx.phone_dials("20", "21").unwrap();
    desk.drain();
    desk.pbx.phone_hangs_up("20").unwrap();
    let calls = desk.drain().call;
    assert_eq!(
        calls.iter().map(line).collect::<Vec<_>>(),
        ["7001 7 x-rel", "7001 7 del gone", "7002 134 r-rel", "7002 134 del gone"]
    );
    assert_eq!(cause(&calls[2]), Some(16));
}

#[test]
fn an_unanswered_call_given_up_by_the_pbx() {
    let mut desk = three();
    desk.pbx.phone_dials("20", "21").unwrap();
    desk.drain();
    desk.pbx.gives_up("21", 19).unwrap();
    let calls = desk.drain().call;
    assert_eq!(
        calls.iter().map(line).collect::<Vec<_>>(),
        ["7002 134 r-rel", "7002 134 del gone", "7001 6 r-disc", "7001 6 del gone"]
    );
    assert_eq!((cause(&calls[0]), cause(&calls[2])), (Some(16), Some(19)));
}

#[test]
fn an_anonymous_caller_has_no_number() {
    let mut desk = three();
    desk.pbx.external_calls("20", "", "").unwrap();
    assert_eq!(party(&desk.drain().call[0], "peer"), Some(""));
}

#[test]
fn the_name_of_the_caller_becomes_known_later() {
    let mut desk = three();
    desk.pbx.external_calls("20", "301234567", "").unwrap();
    desk.drain();
    desk.pbx.identifies("20", "Ada King").unwrap();
    let calls = desk.drain().call;
    assert_eq!(line(&calls[0]), "7001 132 update");
    assert_eq!(calls[0].no.iter().find(|no| &*no.kind == "peer").unwrap().dn.text(), "Ada King");
}

#[test]
fn two_calls_at_once_and_the_first_is_put_on_hold_by_answering_the_second() {
    let mut desk = three();
    desk.pbx.external_calls("20", "1", "").unwrap();
    desk.connect(7001);
    desk.pbx.phone_dials("21", "20").unwrap();
    desk.drain();
    assert_eq!(desk.pbx.users().iter().find(|user| user.ext == "20").unwrap().calls, 2);
    desk.connect(7003);
    assert_eq!(
        desk.events(),
        ["7001 261 update", "7003 133 x-conn", "7002 5 r-conn"].map(|line| {
            // The held leg was called, so bit 0x80 is set.
            line.replace("261", "389")
        })
    );
    desk.ask(&Operation::UserHold { call: CallHandle(7003), remote: false });
    desk.ask(&Operation::UserRetrieve { call: CallHandle(7001) });
    assert_eq!(desk.events(), ["7003 389 update", "7002 517 r-held", "7001 133 update"]);
}

#[test]
fn a_phone_that_does_not_ring_by_itself_rings_when_it_is_told_to() {
    let mut desk = three();
    desk.pbx.set_trait("21", Trait::AutoAlert, false).unwrap();
    desk.pbx.phone_dials("20", "21").unwrap();
    assert_eq!(desk.events(), ["7001 1 x-setup", "7001 3 r-call-proc", "7002 129 r-setup"]);
    desk.pbx.set_trait("21", Trait::AutoAlert, true).unwrap();
    assert_eq!(desk.events(), ["7002 132 x-alert", "7001 4 r-alert"]);
}

// ---- outgoing ----------------------------------------------------------------------------------

#[test]
fn an_outgoing_call_answered_at_the_phone_and_cleared_by_soap() {
    let mut desk = three();
    assert_eq!(desk.call(UserHandle(1), "21"), CallHandle(7001));
    let calls = desk.drain().call;
    assert_eq!(
        calls.iter().map(line).collect::<Vec<_>>(),
        [
            "7001 1 x-setup",
            "7001 3 r-call-proc",
            "7002 129 r-setup",
            "7002 132 x-alert",
            "7001 4 r-alert"
        ]
    );
    assert_eq!(party(&calls[0], "peer"), None, "the number is not known yet");
    assert_eq!(party(&calls[1], "peer"), Some("21"));
    assert!(calls.iter().all(|info| conf(info) == conf(&calls[0])));
    assert_eq!((calls[0].user, calls[2].user), (UserHandle(1), UserHandle(2)));
    desk.pbx.phone_answers("21").unwrap();
    assert_eq!(desk.events(), ["7002 133 x-conn", "7001 5 r-conn"]);
    desk.clear(7001, 16);
    assert_eq!(
        desk.events(),
        ["7001 7 x-rel", "7001 7 del gone", "7002 134 r-rel", "7002 134 del gone"]
    );
    assert!(desk.pbx.is_idle());
    assert_eq!(desk.pbx.last_dialled(), "21");
    assert_eq!(desk.pbx.request_count(Kind::UserCall), 1);
}

#[test]
fn an_outgoing_call_over_the_trunk_goes_as_far_as_the_far_end_takes_it() {
    let mut desk = three();
    desk.call(UserHandle(1), "0301234567");
    let calls = desk.drain().call;
    assert_eq!(
        calls.iter().map(line).collect::<Vec<_>>(),
        ["7001 1 x-setup", "7001 3 r-call-proc"]
    );
    assert_eq!(party(&calls[1], "peer"), Some("0301234567"));
    desk.pbx.far_end("20", FarAction::Alert).unwrap();
    desk.pbx.far_end("20", FarAction::Answer).unwrap();
    assert_eq!(desk.events(), ["7001 4 r-alert", "7001 5 r-conn"]);
    assert!(matches!(desk.pbx.far_end("20", FarAction::Busy), Err(Refusal::NotNow { .. })));
    desk.pbx.phone_hangs_up("20").unwrap();
    assert!(desk.pbx.is_idle() || !desk.events().is_empty());
    assert!(desk.pbx.calls().is_empty());
}

#[test]
fn a_call_to_a_busy_user_fails_with_cause_17() {
    let mut desk = three();
    desk.pbx.set_trait("21", Trait::Busy, true).unwrap();
    let call = desk.call(UserHandle(1), "21");
    let calls = desk.drain().call;
    assert_eq!(
        calls.iter().map(line).collect::<Vec<_>>(),
        ["7001 1 x-setup", "7001 3 r-call-proc", "7001 6 r-disc", "7001 6 del gone"]
    );
    assert_eq!((call, cause(&calls[2])), (CallHandle(7001), Some(17)));
}

#[test]
fn a_call_that_the_far_end_refuses_as_busy_fails_with_cause_17() {
    let mut desk = three();
    desk.call(UserHandle(1), "0112");
    desk.pbx.far_end("20", FarAction::Busy).unwrap();
    let calls = desk.drain().call;
    assert_eq!(line(&calls[2]), "7001 6 r-disc");
    assert_eq!(cause(&calls[2]), Some(17));
}

#[test]
fn calls_to_unregistered_and_to_unknown_numbers_fail() {
    let mut desk = three();
    desk.pbx.set_trait("21", Trait::Registered, false).unwrap();
    for (number, wanted) in [("21", 20), ("999", 1)] {
        desk.call(UserHandle(1), number);
        let calls = desk.drain().call;
        assert_eq!(cause(&calls[calls.len() - 2]), Some(wanted), "{number}");
    }
}

#[test]
fn an_incomplete_number_waits_for_more_digits() {
    let mut desk = three();
    desk.call(UserHandle(1), "2");
    assert_eq!(desk.events(), ["7001 1 x-setup", "7001 2 r-setup-ack"]);
    desk.ask(&Operation::UserInfo {
        call: CallHandle(7001),
        recv: false,
        cdpn: "1".into(),
        key: "".into(),
        dsp: "".into(),
    });
    assert_eq!(desk.events()[0], "7001 3 r-call-proc");
}

#[test]
fn a_refusing_phone_returns_0_and_a_silent_one_nothing() {
    let mut desk = three();
    desk.pbx.set_trait("20", Trait::Refuses, true).unwrap();
    assert_eq!(desk.call(UserHandle(1), "21"), CallHandle(0));
    desk.pbx.set_trait("20", Trait::Refuses, false).unwrap();
    desk.pbx.phone_dials("21", "20").unwrap();
    desk.drain();
    desk.pbx.set_trait("20", Trait::Silent, true).unwrap();
    desk.connect(7002);
    desk.clear(7002, 16);
    assert!(desk.events().is_empty());
    let call = Operation::UserCall {
        user: UserHandle(1),
        cn: "".into(),
        e164: "21".into(),
        h323: "".into(),
        reg: 0,
        info: Vec::new(),
        rc: 0,
        srce164: "".into(),
    };
    assert_eq!(desk.outcome(&call), Outcome::Silence);
}

#[test]
fn a_caller_can_hide_his_number() {
    let mut desk = three();
    desk.ask(&Operation::UserCall {
        user: UserHandle(1),
        cn: BOB.into(),
        e164: "".into(),
        h323: "".into(),
        reg: 0,
        info: Vec::new(),
        rc: 0,
        srce164: "R".into(),
    });
    let calls = desk.drain().call;
    assert_eq!(party(&calls[2], "peer"), Some(""));
}

#[test]
fn a_pbx_that_calls_the_phone_first_shows_it_as_called_until_joined() {
    let mut desk = three();
    desk.pbx.switches.set("ucall_mode", "pbx-calls-first").unwrap();
    desk.call(UserHandle(1), "21");
    assert_eq!(desk.events(), ["7001 129 r-setup", "7001 132 x-alert"]);
    desk.pbx.phone_answers("20").unwrap();
    assert_eq!(desk.events(), ["7001 133 x-conn", "7002 129 r-setup", "7002 132 x-alert"]);
    desk.pbx.phone_answers("21").unwrap();
    assert_eq!(desk.events(), ["7002 133 x-conn", "7001 5 r-conn"]);
}

// ---- variants ------------------------------------------------------------------------------------

#[test]
fn the_switches_change_what_is_told_and_nothing_else() {
    let told = |name: &str, value: &str| {
        let mut desk = three();
        desk.pbx.switches.set(name, value).unwrap();
        desk.call(UserHandle(1), "21");
        desk.pbx.phone_answers("21").unwrap();
        desk.ask(&Operation::UserHold { call: CallHandle(7001), remote: false });
        desk.clear(7001, 16);
        let events = desk.events();
        assert!(desk.pbx.is_idle());
        events.into_iter().filter(|line| line.starts_with("7001")).collect::<Vec<_>>().join(", ")
    };
    let before = "7001 1 x-setup, 7001 3 r-call-proc, 7001 4 r-alert, 7001 5 r-conn";
    assert_eq!(
        told("userinit_replay", "on"),
        format!("{before}, 7001 261 update, 7001 7 x-rel, 7001 7 del gone")
    );
    assert_eq!(
        told("disc_event", "only-del"),
        format!("{before}, 7001 261 update, 7001 7 del gone")
    );
    assert_eq!(
        told("own_clear_state", "6"),
        format!("{before}, 7001 261 update, 7001 6 r-rel, 7001 6 del gone")
    );
    assert_eq!(
        told("hold_msg", "x-hold"),
        format!("{before}, 7001 261 x-hold, 7001 7 x-rel, 7001 7 del gone")
    );
    assert_eq!(
        told("setup_progress", "setup-connect"),
        "7001 1 x-setup, 7001 5 r-conn, 7001 261 update, 7001 7 x-rel, 7001 7 del gone"
    );
}

#[test]
fn parties_can_be_told_only_when_they_change() {
    let mut desk = three();
    desk.pbx.switches.set("no_content", "changed").unwrap();
    desk.call(UserHandle(1), "21");
    let calls = desk.drain().call;
    let kinds = |info: &CallInfo| info.no.iter().map(|no| no.kind.to_string()).collect::<Vec<_>>();
    assert_eq!(kinds(&calls[0]), ["this"]);
    assert_eq!(kinds(&calls[1]), ["peer"]);
    assert!(kinds(&calls[4]).is_empty());
}

#[test]
fn a_leg_cleared_in_two_steps_lasts_until_the_receiver_is_down() {
    let mut desk = Desk::new();
    desk.watch_with(ANNA, true, "");
    desk.watch_with(ANNA, false, "");
    desk.pbx.phone_dials("20", "21").unwrap();
    desk.pbx.phone_answers("21").unwrap();
    desk.drain();
    desk.pbx.phone_hangs_up("21").unwrap();
    assert_eq!(desk.events(), ["7001 6 r-disc", "7002 6 r-rel", "7002 6 del gone"]);
    desk.pbx.phone_hangs_up("20").unwrap();
    assert_eq!(desk.events(), ["7001 6 del gone"]);
    assert!(desk.pbx.is_idle());
}

#[test]
fn a_leg_that_lasts_only_for_a_monitor_goes_with_it() {
    let mut desk = Desk::new();
    let handle = desk.watch_with(ANNA, true, "");
    desk.pbx.phone_dials("20", "999").unwrap();
    assert_eq!(desk.events().last().unwrap(), "7001 6 r-disc");
    assert!(!desk.pbx.calls().is_empty());
    desk.ask(&Operation::UserEnd { user: handle });
    assert!(desk.pbx.is_idle());
}

#[test]
fn running_calls_are_told_to_a_new_monitor_in_the_way_of_the_switch() {
    for (value, wanted) in
        [("update", "7003 133 update"), ("last-msg", "7003 133 x-conn"), ("empty", "7003 133 ")]
    {
        let mut desk = talking();
        desk.pbx.switches.set("userinit_replay_msg", value).unwrap();
        desk.watch(BOB);
        assert_eq!(desk.events(), [wanted]);
    }
    let mut desk = talking();
    desk.pbx.switches.set("userinit_replay", "off").unwrap();
    desk.watch(BOB);
    assert!(desk.events().is_empty());
}

#[test]
fn the_same_user_monitored_twice_hears_everything_twice() {
    let mut desk = Desk::new();
    assert_ne!(desk.watch(BOB), desk.watch(BOB));
    desk.pbx.external_calls("21", "1", "").unwrap();
    assert_eq!(
        desk.events(),
        ["7001 129 r-setup", "7002 129 r-setup", "7001 132 x-alert", "7002 132 x-alert"]
    );
}

#[test]
fn a_user_of_two_devices_can_have_a_leg_on_each() {
    let mut desk = three();
    desk.pbx.switches.set("multi_leg", "per-device").unwrap();
    desk.pbx.phone_dials("20", "22").unwrap();
    assert_eq!(
        desk.events(),
        [
            "7001 1 x-setup",
            "7001 3 r-call-proc",
            "7002 129 r-setup",
            "7003 129 r-setup",
            "7002 132 x-alert",
            "7001 4 r-alert",
            "7003 132 x-alert"
        ]
    );
    desk.connect(7003);
    let calls = desk.drain().call;
    assert_eq!(
        calls.iter().map(line).collect::<Vec<_>>(),
        ["7002 134 r-rel", "7002 134 del gone", "7003 133 x-conn", "7001 5 r-conn"]
    );
    assert_eq!(cause(&calls[0]), Some(26));
}

#[test]
fn one_device_that_rejects_leaves_the_other_ringing() {
    let mut desk = three();
    desk.pbx.switches.set("multi_leg", "per-device").unwrap();
    desk.pbx.phone_dials("20", "22").unwrap();
    desk.drain();
    desk.clear(7002, 21);
    assert_eq!(desk.events(), ["7002 135 x-rel", "7002 135 del gone"]);
    desk.clear(7003, 21);
    assert_eq!(desk.events().last().unwrap(), "7001 6 del gone");
}

#[test]
fn a_monitor_of_one_device_hears_no_more_when_another_answers() {
    let mut desk = Desk::new();
    desk.watch_with(JURGEN, false, "jurgen");
    desk.watch_with(JURGEN, false, "jurgen-dect");
    let unknown = desk.watch_with(JURGEN, false, "no-such-device");
    assert_ne!(unknown, UserHandle(0));
    desk.pbx.external_calls("22", "1", "").unwrap();
    assert_eq!(desk.events().len(), 4, "both devices ring, the unknown one does not");
    desk.connect(7002);
    assert_eq!(desk.events(), ["7001 132 del gone", "7002 133 x-conn"]);
}

#[test]
fn a_stale_call_handle_is_ignored_or_a_fault() {
    let mut desk = three();
    desk.clear(9999, 16);
    assert!(!desk.redirect(9999, "20"));
    desk.pbx.switches.set("stale_call_handle", "fault").unwrap();
    let clear = Operation::UserClear { call: CallHandle(9999), cause: 16, info: Vec::new() };
    assert!(matches!(desk.outcome(&clear), Outcome::Fault { status: 500, .. }));
}

// ---- features --------------------------------------------------------------------------------------

#[test]
fn hold_and_retrieve_are_seen_from_both_ends() {
    let mut desk = talking();
    desk.ask(&Operation::UserHold { call: CallHandle(7002), remote: false });
    assert_eq!(desk.events(), ["7002 389 update", "7001 517 r-held"]);
    desk.ask(&Operation::UserHold { call: CallHandle(7002), remote: false });
    assert!(desk.events().is_empty(), "it is on hold already");
    desk.ask(&Operation::UserHold { call: CallHandle(7001), remote: false });
    assert_eq!(desk.events(), ["7001 773 update", "7002 901 r-held"]);
    desk.ask(&Operation::UserRetrieve { call: CallHandle(7002) });
    desk.ask(&Operation::UserRetrieve { call: CallHandle(7001) });
    assert_eq!(
        desk.events(),
        ["7002 645 update", "7001 261 r-retrieved", "7001 5 update", "7002 133 r-retrieved"]
    );
}

#[test]
fn a_blind_transfer_by_redirect() {
    let mut desk = talking();
    assert!(desk.redirect(7002, "22"));
    let calls = desk.drain().call;
    assert_eq!(
        calls.iter().map(line).collect::<Vec<_>>(),
        [
            "7002 134 r-rel",
            "7002 134 del gone",
            "7003 129 r-setup",
            "7001 5 r-ct",
            "7003 132 x-alert"
        ]
    );
    assert_eq!(cause(&calls[0]), Some(26));
    assert_eq!((party(&calls[2], "peer"), party(&calls[2], "ct")), (Some("20"), Some("21")));
    assert_eq!((party(&calls[3], "peer"), party(&calls[3], "ct")), (Some("22"), Some("21")));
    assert_eq!(conf(&calls[2]), conf(&calls[3]));
    desk.connect(7003);
    assert_eq!(desk.events(), ["7003 133 x-conn", "7001 5 r-conn"]);
    desk.clear(7001, 16);
    desk.drain();
    assert!(desk.pbx.is_idle());
}

#[test]
fn the_far_end_of_a_blind_transfer_may_fall_back_to_ringing() {
    let mut desk = talking();
    desk.pbx.switches.set("ct_state", "fall").unwrap();
    assert!(desk.redirect(7002, "22"));
    assert_eq!(desk.events()[3], "7001 4 r-ct");
}

#[test]
fn a_transfer_to_a_busy_user_is_not_taken() {
    let mut desk = talking();
    desk.pbx.set_trait("22", Trait::Busy, true).unwrap();
    assert!(!desk.redirect(7002, "22"));
    assert!(!desk.redirect(7002, "999"));
    assert!(desk.events().is_empty());
}

#[test]
fn a_ringing_call_is_deflected() {
    let mut desk = three();
    desk.pbx.phone_dials("20", "21").unwrap();
    desk.drain();
    assert!(desk.redirect(7002, "22"));
    let calls = desk.drain().call;
    assert_eq!(
        calls.iter().map(line).collect::<Vec<_>>(),
        [
            "7002 134 r-rel",
            "7002 134 del gone",
            "7003 129 r-setup",
            "7001 4 update",
            "7003 132 x-alert"
        ]
    );
    assert_eq!((party(&calls[2], "leg2"), party(&calls[2], "leg2orig")), (Some("21"), Some("21")));
    assert_eq!(party(&calls[3], "peer"), Some("22"));
}

#[test]
fn a_consultation_transfer_joins_the_far_ends_under_the_conf_of_the_first_call() {
    let mut desk = talking();
    let first = desk.pbx.calls()[0].conf;
    desk.ask(&Operation::UserHold { call: CallHandle(7002), remote: false });
    assert_eq!(desk.call(UserHandle(2), "22"), CallHandle(7003));
    desk.pbx.phone_answers("22").unwrap();
    let first = desk.pbx.calls().iter().map(|call| call.conf).find(|conf| *conf == first).unwrap();
    desk.drain();
    desk.ask(&Operation::UserTransfer { a: CallHandle(7002), b: CallHandle(7003) });
    let calls = desk.drain().call;
    assert_eq!(
        calls.iter().map(line).collect::<Vec<_>>(),
        [
            "7001 5 r-ct",
            "7004 133 r-ct",
            "7002 134 r-rel",
            "7002 134 del gone",
            "7003 6 r-rel",
            "7003 6 del gone"
        ]
    );
    assert_eq!((party(&calls[0], "peer"), party(&calls[0], "ct")), (Some("22"), Some("21")));
    assert_eq!((party(&calls[1], "peer"), party(&calls[1], "ct")), (Some("20"), Some("21")));
    assert_eq!(conf(&calls[1]), first.to_string());
    desk.clear(7004, 16);
    assert_eq!(desk.events().last().unwrap(), "7001 6 del gone");
    assert!(desk.pbx.is_idle());
}

#[test]
fn a_consultation_call_that_still_rings_can_be_transferred() {
    let mut desk = talking();
    desk.ask(&Operation::UserHold { call: CallHandle(7002), remote: false });
    desk.call(UserHandle(2), "22");
    desk.drain();
    desk.ask(&Operation::UserTransfer { a: CallHandle(7003), b: CallHandle(7002) });
    assert_eq!(desk.events()[..2], ["7001 5 r-ct", "7004 132 r-ct"]);
    desk.pbx.phone_answers("22").unwrap();
    assert_eq!(desk.events(), ["7004 133 x-conn", "7001 5 r-conn"]);
}

#[test]
fn a_ringing_call_is_picked_up() {
    let mut desk = three();
    desk.pbx.phone_dials("20", "21").unwrap();
    desk.drain();
    let pickup = Operation::UserPickup {
        user: UserHandle(3),
        cn: BOB.into(),
        call: CallHandle(0),
        group: "".into(),
        reg: 0,
        info: Vec::new(),
    };
    assert_eq!(desk.ask(&pickup), Answer::UserPickup(CallHandle(7003)));
    let calls = desk.drain().call;
    assert_eq!(
        calls.iter().map(line).collect::<Vec<_>>(),
        ["7002 134 r-rel", "7002 134 del gone", "7003 133 x-conn", "7001 5 r-conn"]
    );
    assert_eq!((party(&calls[2], "ct"), party(&calls[2], "picking")), (Some("21"), Some("")));
    assert_eq!(party(&calls[3], "peer"), Some("22"));
    assert_eq!(desk.ask(&pickup), Answer::UserPickup(CallHandle(0)), "nothing rings there now");
}

#[test]
fn a_call_is_parked_and_unparked() {
    let mut desk = talking();
    let park = Operation::UserPark { call: CallHandle(7002), cn: JURGEN.into(), position: -1 };
    assert_eq!(desk.ask(&park), Answer::UserPark(CallHandle(7003)));
    let calls = desk.drain().call;
    assert_eq!(
        calls.iter().map(line).collect::<Vec<_>>(),
        ["7003 136 update", "7002 134 r-rel", "7002 134 del gone", "7001 517 r-held"]
    );
    assert_eq!(party(&calls[1], "parked-to"), Some("22"));
    let unpark = Operation::UserPickup {
        user: UserHandle(2),
        cn: "".into(),
        call: CallHandle(7003),
        group: "".into(),
        reg: 0,
        info: Vec::new(),
    };
    assert_eq!(desk.ask(&unpark), Answer::UserPickup(CallHandle(7004)));
    assert_eq!(
        desk.events(),
        ["7003 134 r-rel", "7003 134 del gone", "7004 133 x-conn", "7001 5 r-retrieved"]
    );
}

#[test]
fn a_three_party_conference_takes_the_held_call_back() {
    let mut desk = talking();
    desk.call(UserHandle(1), "22");
    desk.pbx.phone_answers("22").unwrap();
    desk.drain();
    desk.ask(&Operation::UserRc { call: CallHandle(7003), rc: 4 });
    assert_eq!(desk.events(), ["7001 5 update", "7002 133 r-retrieved"]);
    desk.ask(&Operation::UserRc { call: CallHandle(7003), rc: 11 });
    assert_eq!(desk.events(), ["7001 261 update", "7002 645 r-held"]);
}

#[test]
fn user_user_information_and_messages_arrive() {
    let mut desk = talking();
    desk.ask(&Operation::UserUUI { call: CallHandle(7001), recv: false, uui: "hi".into() });
    let calls = desk.drain().call;
    assert_eq!(line(&calls[0]), "7002 133 r-info");
    assert!(calls[0].info.iter().any(|info| &*info.kind == "uui" && info.vals.text() == "hi"));
    let message = Operation::UserMessage {
        user: UserHandle(1),
        e164: "22".into(),
        h323: "".into(),
        msg: "x".into(),
        src_e164: "".into(),
        src_h323: "".into(),
    };
    assert_eq!(desk.ask(&message), Answer::UserMessage(CallHandle(7003)));
    assert_eq!(desk.events(), ["7003 5 msg-sent", "7003 5 del gone"]);
}

// ---- objects ---------------------------------------------------------------------------------------

#[test]
fn users_that_come_go_and_change_are_told_once_each() {
    let mut desk = Desk::new();
    desk.pbx.add_user("40", "Eva").unwrap();
    desk.pbx.set_trait("40", Trait::Registered, false).unwrap();
    desk.pbx.rename("40", "Eva Cruz").unwrap();
    desk.pbx.remove_user("40").unwrap();
    let users = desk.drain().user;
    let seen: Vec<_> =
        users.iter().map(|user| (user.cn.text(), user.active, user.state, user.cfg)).collect();
    assert_eq!(
        seen,
        [
            ("Eva", true, 1, false),
            ("Eva", true, 0, false),
            ("Eva Cruz", true, 0, true),
            ("Eva Cruz", false, 0, false)
        ]
    );
    assert!(users.iter().all(|user| user.guid == users[0].guid));
}

#[test]
fn the_calls_of_a_removed_user_end_before_it_goes() {
    let mut desk = talking();
    desk.pbx.remove_user("21").unwrap();
    let any = desk.drain();
    let seen: Vec<_> = any.call.iter().map(line).collect();
    assert_eq!(seen[1], "7002 134 del gone");
    assert!(!any.user.last().unwrap().active);
    assert!(desk.pbx.is_idle());
}

#[test]
fn find_user_lists_from_a_starting_point() {
    let mut desk = Desk::new();
    let mut find = |cn: &str, h323: &str, e164: &str, count, next| {
        let operation = Operation::FindUser {
            cn: cn.into(),
            h323: h323.into(),
            e164: e164.into(),
            count,
            next,
            nohide: true,
        };
        let Answer::FindUser(users) = desk.ask(&operation) else { panic!() };
        users.iter().map(|user| user.cn.text().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(find("", "", "", 2, 0), [ANNA, BOB]);
    assert_eq!(find(ANNA, "", "", 2, 1), [BOB, "Dora Eng"]);
    assert_eq!(find("", "xiaoming", "", 1, 0), ["王小明"]);
    assert_eq!(find("", "", "30", 1, 0), ["Dora Eng"]);
    assert_eq!(find("", "", "", 1000, 0).len(), 14);
}

#[test]
fn looking_things_up() {
    let mut estate = Estate::built_in();
    estate.locations.push(Location {
        name: "branch".into(),
        url: "http://192.0.2.2/PBX0/user.soap".into(),
        tls_url: None,
        registered: true,
    });
    let mut desk = Desk::new();
    desk.pbx.locations = estate.locations;
    let url = |desk: &mut Desk, loc: &str, tls| {
        desk.ask(&Operation::LocationUrl { loc: loc.into(), tls })
    };
    let found = |text: &str| Answer::LocationUrl(text.into());
    assert_eq!(url(&mut desk, "branch", false), found("http://192.0.2.2/PBX0/user.soap"));
    assert_eq!(url(&mut desk, "branch", true), found("https://192.0.2.2/PBX0/user.soap"));
    assert_eq!(url(&mut desk, "nowhere", false), found(""));
    let devices = Operation::Devices { session: desk.session, user: JURGEN.into() };
    let Answer::Devices(devices) = desk.ask(&devices) else { panic!() };
    assert_eq!(devices.len(), 2);
    let anna = desk.watch(ANNA);
    let mut where_to = |number: &str| {
        let operation =
            Operation::UserFindDestination { user: anna, e164: number.into(), h323: "".into() };
        let Answer::UserFindDestination { incomplete, user } = desk.ask(&operation) else {
            panic!()
        };
        (incomplete, user.map(|user| user.cn.text().to_owned()))
    };
    assert_eq!(where_to("21"), (false, Some(BOB.into())));
    assert_eq!(where_to("2"), (true, None));
    assert_eq!(where_to("0"), (true, None));
    assert_eq!(where_to("0112"), (false, Some("Trunk 1".into())));
    assert_eq!(where_to("999"), (false, None));
}

#[test]
fn admin_shows_one_object_and_says_what_it_does_not_know() {
    let mut desk = Desk::new();
    let show = |cn: &str| Operation::Admin {
        xml: format!("<show><user cn=\"{cn}\"/></show>").as_str().into(),
    };
    let Answer::Admin(shown) = desk.ask(&show("Bob &amp; &lt;Sons&gt;")) else { panic!() };
    assert!(shown.text().contains("cn=\"Bob &amp; &lt;Sons&gt;\""), "{}", shown.text());
    assert!(!shown.text().contains("secret"));
    assert_eq!(desk.ask(&show("Nobody")), Answer::Admin("<show/>".into()));
    let add = Operation::Admin { xml: "<add-attrib/>".into() };
    assert!(
        matches!(desk.outcome(&add), Outcome::Fault { text, .. } if text.contains("only <show>"))
    );
    let anna = desk.pbx.directory.named(ANNA).unwrap();
    let asker = Asker { account: Account::User(anna), ..Desk::asker() };
    assert!(matches!(
        desk.pbx.request(desk.now, &asker, &show(ANNA)).outcome,
        Outcome::Fault { .. }
    ));
}

#[test]
fn the_same_seed_gives_the_same_events() {
    let run = || {
        let mut desk = talking();
        desk.call(UserHandle(2), "22");
        desk.redirect(7001, "23");
        (desk.drain(), desk.key)
    };
    assert_eq!(run(), run());
}

#[test]
fn a_queue_that_nobody_fetches_ends_the_session() {
    let mut desk = Desk::new();
    for _ in 0..=session::QUEUE_LIMIT {
        desk.pbx
            .sessions
            .get_mut(&desk.session)
            .unwrap()
            .push(session::Happening::User(UserInfo::default()));
    }
    desk.pbx.advance(desk.now);
    assert_eq!(desk.pbx.session_count(), 0);
}

#[test]
fn the_numbering_of_a_node_is_its_own() {
    let mut estate = Estate::built_in();
    estate.users.push(User {
        cn: "Nora North".into(),
        h323: Some("nora".into()),
        e164: "20".into(),
        node: "north".into(),
        nodenum: "7".into(),
        kind: "ep".into(),
        groups: vec!["tapi".into()],
        devices: vec![Device { hw: "nora".into(), text: String::new() }],
        registered: true,
        ..User::default()
    });
    let mut pbx = PbxModel::new(&estate, 1);
    pbx.phone_dials("20", "720").unwrap();
    assert_eq!(pbx.calls()[0].legs[1].ext, "720", "from the root, by the node's number");
    pbx.phone_hangs_up("20").unwrap();
    let nora = pbx.directory.numbered("720").unwrap();
    assert_eq!(pbx.local_number(nora, "721"), "21");
}
