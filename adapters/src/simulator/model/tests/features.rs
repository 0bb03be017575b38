//! Hold, transfer, pickup, park and the like (sections 6.6 to 6.11, 9.4 to 9.6).

use super::*;

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

#[test]
fn a_conference_is_made_and_parted_at_the_phone() {
    let mut desk = three();
    desk.pbx.phone_dials("20", "21").unwrap();
    desk.pbx.phone_answers("21").unwrap();
    assert!(desk.pbx.phone_confers("20", true).is_err(), "two calls are needed");
    desk.pbx.phone_dials("20", "22").unwrap();
    desk.pbx.phone_answers("22").unwrap();
    desk.drain();
    desk.pbx.phone_confers("20", true).unwrap();
    assert_eq!(desk.events(), ["7001 5 update", "7002 133 r-retrieved"]);
    desk.pbx.phone_confers("20", false).unwrap();
    assert_eq!(desk.events().len(), 2);
}

#[test]
fn a_call_is_parked_and_taken_by_another_phone() {
    let mut desk = talking();
    desk.pbx.phone_parks("21", Some("22")).unwrap();
    let events = desk.events();
    assert!(events.contains(&"7001 517 r-held".to_owned()), "{events:?}");
    assert!(desk.pbx.phone_picks_up("21", "20", true).is_err(), "nothing is parked there");
    desk.pbx.phone_picks_up("21", "22", true).unwrap();
    let events = desk.events();
    assert!(events.contains(&"7001 5 r-retrieved".to_owned()), "{events:?}");
}

#[test]
fn phones_transfer_and_send_away() {
    let mut desk = three();
    desk.pbx.phone_dials("20", "21").unwrap();
    desk.pbx.phone_sends_away("21", "22").unwrap();
    desk.pbx.phone_answers("22").unwrap();
    assert!(desk.pbx.phone_sends_away("22", "999").is_err());
    assert!(desk.pbx.phone_transfers("22").is_err(), "two calls are needed");
    desk.pbx.phone_hangs_up("20").unwrap();
    desk.pbx.phone_dials("20", "21").unwrap();
    desk.pbx.phone_answers("21").unwrap();
    desk.pbx.phone_dials("20", "22").unwrap();
    desk.pbx.phone_answers("22").unwrap();
    desk.pbx.phone_transfers("20").unwrap();
    desk.pbx.phone_hangs_up("21").unwrap();
    desk.drain();
    assert!(desk.pbx.is_idle());
}

#[test]
fn texts_and_digits_reach_a_phone() {
    let mut desk = talking();
    desk.pbx.user_info_arrives("20", "Hello%20there").unwrap();
    let call = desk.drain().call.remove(0);
    assert!(call.info.iter().any(|i| &*i.kind == "uui" && i.vals.text() == "Hello%20there"));
    desk.ask(&Operation::UserDTMF { call: CallHandle(7001), recv: false, dtmf: "12#".into() });
    assert_eq!(desk.pbx.digits_heard("21").unwrap(), "12#");
}
