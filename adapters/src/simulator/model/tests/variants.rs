//! What the switches change.

use super::*;

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
