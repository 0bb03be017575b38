//! Calls that go out (sections 6.3 and 9.3).

use super::*;

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

#[test]
fn a_phone_that_was_called_first_is_told_to_whom_its_call_was_diverted() {
    let mut desk = three();
    desk.pbx.switches.set("ucall_mode", "pbx-calls-first").unwrap();
    desk.pbx.phone_diverts("21", engine::diversion::Kind::Always, Some("22")).unwrap();
    desk.call(UserHandle(1), "21");
    desk.pbx.phone_answers("20").unwrap();
    let calls = desk.drain().call;
    let told = calls.iter().rfind(|info| party(info, "this") == Some("20")).unwrap();
    assert_eq!((line(told), party(told, "peer")), ("7001 133 update".to_owned(), Some("22")));
}
