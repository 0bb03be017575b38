//! Picking up a call that rings elsewhere.

use crate::site::{Site, call, made};
use engine::effect::Order;
use engine::fact::{CallInfo, Command, Party, PbxFact, PickupFrom, Reply, Role};
use engine::id::{CallHandle, UserHandle};
use engine::tapi::reason;

fn pick(from: PickupFrom) -> Command {
    Command::Pickup { call: made(1, 0), from }
}

fn order(cn: &str, group: &str) -> Order {
    let (user, call) = (UserHandle(11), CallHandle(0));
    Order::UserPickup { user, cn: cn.into(), group: group.into(), call }
}

/// The leg at which Anna picks up what was ringing at Ben's, from Cleo.
fn picked(leg: u32, state: u32) -> PbxFact {
    let mut info = call(leg, state);
    let party = |role, cn: &str, e164: &str| Party {
        role,
        cn: cn.into(),
        e164: e164.into(),
        ..Party::default()
    };
    info.parties = [
        party(Role::This, "Anna", "20"),
        party(Role::Peer, "Cleo", "22"),
        party(Role::Ct, "Ben", "21"),
        party(Role::Picking, "", ""),
    ]
    .into();
    PbxFact::Call(info)
}

#[test]
fn a_picked_up_call_completes_first_and_then_is_connected() {
    for overtaking in [true, false] {
        let mut site = Site::new();
        site.app(1, 5, pick(PickupFrom::Group("sales".into())));
        assert_eq!(site.ordered(), [order("", "sales")]);
        if overtaking {
            site.pbx(picked(101, 133));
        }
        site.reply(1, 5, Reply::Calling(CallHandle(101)));
        if !overtaking {
            assert!(site.told(1).is_empty(), "not before its first event");
            site.pbx(picked(101, 133));
        }
        assert_eq!(site.calls_told(1), ["5 done", "made0 CONNECTED 0x1"], "{overtaking}");
        let view = site.view(1);
        let info = &view.call(made(1, 0)).unwrap().info;
        assert_eq!(info.reason, reason::PICKUP);
        assert_eq!(info.caller.number.to_text(), "22");
        assert_eq!(info.called.number.to_text(), "21");
    }
}

#[test]
fn a_call_picked_up_may_be_offered_first() {
    let mut site = Site::new();
    site.app(1, 5, pick(PickupFrom::Anywhere));
    assert_eq!(site.ordered(), [order("", "")]);
    site.reply(1, 5, Reply::Calling(CallHandle(101)));
    site.pbx(picked(101, 129));
    let told = site.calls_told(1);
    assert_eq!(told, ["5 done", "made0 OFFERING 0x1"]);
}

#[test]
fn the_station_is_looked_up_before_it_is_robbed() {
    let mut site = Site::new();
    site.app(1, 5, pick(PickupFrom::Station("21".into())));
    let (user, e164) = (UserHandle(11), "21".into());
    assert_eq!(site.ordered(), [Order::FindUser { user, e164 }]);
    site.reply(1, 5, Reply::Found(Some("Ben".into())));
    assert_eq!(site.ordered(), [order("Ben", "")]);
    site.reply(1, 5, Reply::Calling(CallHandle(101)));
    site.pbx(picked(101, 133));
    assert_eq!(site.calls_told(1), ["5 done", "made0 CONNECTED 0x1"]);
}

#[test]
fn a_station_that_nobody_has_is_no_address_and_an_empty_one_has_nothing_to_pick_up() {
    let mut site = Site::new();
    site.app(1, 5, pick(PickupFrom::Station("99".into())));
    site.reply(1, 5, Reply::Found(None));
    assert_eq!(site.told(1), ["5 INVALADDRESS"]);
    site.app(1, 6, pick(PickupFrom::Anywhere));
    site.reply(1, 6, Reply::Calling(CallHandle(0)));
    assert_eq!(site.told(1), ["6 OPERATIONFAILED"]);
    assert!(site.view(1).calls.is_empty());
}

#[test]
fn a_silent_pbx_fails_a_pickup_and_a_leg_that_comes_late_is_a_new_call() {
    let mut site = Site::new();
    site.app(1, 5, pick(PickupFrom::Anywhere));
    site.reply(1, 5, Reply::Calling(CallHandle(101)));
    site.deadline(1, 5);
    assert_eq!(site.told(1), ["5 OPERATIONFAILED"]);
    site.pbx(picked(101, 133));
    assert_eq!(site.calls_told(1), ["new call1", "call1 CONNECTED 0x1"]);
}

#[test]
fn a_pickup_that_ends_before_it_begins_fails() {
    let mut site = Site::new();
    site.app(1, 5, pick(PickupFrom::Anywhere));
    site.reply(1, 5, Reply::Calling(CallHandle(101)));
    site.pbx(picked(101, 134));
    site.del(101);
    assert_eq!(site.calls_told(1), ["5 OPERATIONFAILED"]);
    assert!(site.view(1).calls.is_empty());
}

#[test]
fn the_station_that_was_robbed_hears_that_its_call_was_picked_up() {
    let mut site = Site::new();
    site.call(201, 132);
    site.effects.clear();
    let robbed = CallInfo { cause: Some(26), ..call(201, 134) };
    site.pbx(PbxFact::Call(robbed));
    site.del(201);
    assert_eq!(site.calls_told(2), ["call1 DISCONNECTED 0x8", "call1 IDLE 0x0"]);
}
