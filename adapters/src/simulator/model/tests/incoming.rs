//! Calls that come in (sections 6.4 and 9.2).

use super::*;

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
