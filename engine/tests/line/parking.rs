//! Calls that are parked and taken from where they are parked.

use crate::site::{Site, born, call};
use engine::effect::Order;
use engine::fact::*;
use engine::id::*;
use engine::tapi::{CallState, reason};

fn party(role: Role, n: u32) -> Party {
    let cn = ["", "Anna", "Ben", "Cleo"][n as usize];
    Party { role, cn: cn.into(), e164: (19 + n).to_string().as_str().into(), ..Party::default() }
}

/// Anna talks.
fn talking() -> Site {
    let mut site = Site::new();
    site.call(101, 5);
    site.told(1);
    site.asked();
    site
}

fn park(at: ParkPlace) -> Command {
    Command::Park { call: born(1, 1), at }
}

/// The leg of the one who parked it goes.
fn released(site: &mut Site) {
    let mut info = CallInfo { cause: Some(26), msg: Msg::RRel, ..call(101, 6) };
    info.parties = info.parties.iter().cloned().chain([party(Role::ParkedTo, 3)]).collect();
    site.pbx(PbxFact::Call(info));
    site.del(101);
}

#[test]
fn a_call_is_parked_where_the_application_says_and_is_idle_without_having_been_disconnected() {
    let mut site = talking();
    site.app(1, 5, park(ParkPlace::Directed("22".into())));
    assert!(matches!(&site.ordered()[..], [Order::FindUser { e164, .. }] if e164.text() == "22"));
    site.reply(1, 5, Reply::Found(Some("Cleo".into())));
    assert!(matches!(
        &site.ordered()[..],
        [Order::UserPark { call: CallHandle(101), cn, position: -1 }] if cn.text() == "Cleo"
    ));
    site.reply(1, 5, Reply::Parked(CallHandle(309)));
    assert!(site.told(1).is_empty(), "a handle is no proof");
    released(&mut site);
    assert_eq!(site.calls_told(1), ["call1 IDLE 0x0", "5 done"]);
}

#[test]
fn the_leg_may_go_before_the_pbx_has_answered() {
    let mut site = talking();
    site.app(1, 5, park(ParkPlace::Nondirected));
    assert!(matches!(&site.ordered()[..], [Order::UserPark { cn, .. }] if cn.is_empty()));
    released(&mut site);
    assert_eq!(site.calls_told(1), ["call1 IDLE 0x0", "5 done"]);
    site.reply(1, 5, Reply::Parked(CallHandle(309)));
    assert!(site.told(1).is_empty());
}

#[test]
fn a_call_that_ends_while_it_is_parked_was_not_parked() {
    let mut site = talking();
    site.app(1, 5, park(ParkPlace::Nondirected));
    site.call(101, 6);
    assert_eq!(site.calls_told(1), ["call1 DISCONNECTED 0x1", "5 INVALCALLSTATE"]);
}

#[test]
fn a_place_that_is_not_there_or_refuses_leaves_the_call_as_it_is() {
    let mut site = talking();
    site.app(1, 5, park(ParkPlace::Directed("99".into())));
    site.reply(1, 5, Reply::Found(None));
    assert_eq!(site.told(1), ["5 INVALADDRESS"]);
    site.app(1, 6, park(ParkPlace::Nondirected));
    site.reply(1, 6, Reply::Parked(CallHandle(0)));
    assert_eq!(site.told(1), ["6 OPERATIONFAILED"]);
    site.app(1, 7, park(ParkPlace::Nondirected));
    site.deadline(1, 7);
    assert_eq!(site.told(1), ["7 OPERATIONFAILED"]);
    assert_eq!(site.view(1).calls[0].state, CallState::Connected);
}

#[test]
fn what_the_pbx_says_is_parked_is_idle_at_the_deadline() {
    let mut site = talking();
    site.app(1, 5, park(ParkPlace::Nondirected));
    site.reply(1, 5, Reply::Parked(CallHandle(309)));
    site.deadline(1, 5);
    assert_eq!(site.calls_told(1), ["call1 IDLE 0x0", "5 done"]);
}

#[test]
fn a_call_parked_at_the_telephone_is_idle_too() {
    let mut site = talking();
    released(&mut site);
    assert_eq!(site.calls_told(1), ["call1 IDLE 0x0"]);
}

#[test]
fn a_call_parked_here_is_on_hold_and_says_why() {
    let mut site = Site::new();
    site.call(309, 136);
    assert_eq!(site.calls_told(3), ["new call1", "call1 ONHOLD 0x0"]);
    assert_eq!(site.view(3).calls[0].info.reason, reason::PARKED);
}

fn unpark(from: &str) -> Command {
    let call = CallId { line: LineId(2), serial: CallId::FIRST_MADE };
    Command::Unpark { call, from: from.into() }
}

#[test]
fn another_line_takes_the_call_by_the_leg_that_is_parked() {
    let mut site = Site::new();
    site.call(309, 136);
    site.asked();
    site.told(2);
    site.app(2, 5, unpark("22"));
    assert!(matches!(
        &site.ordered()[..],
        [Order::UserPickup { user: UserHandle(12), call: CallHandle(309), .. }]
    ));
    site.reply(2, 5, Reply::Calling(CallHandle(209)));
    let mut info = call(209, 133);
    let picking = Party { role: Role::Picking, ..Party::default() };
    info.parties = info.parties.iter().cloned().chain([party(Role::Ct, 3), picking]).collect();
    site.pbx(PbxFact::Call(info));
    let told = site.calls_told(2);
    assert_eq!(told[..1], ["5 done"]);
    assert_eq!(told.last().unwrap(), "made0 CONNECTED 0x1");
    let view = site.view(2);
    assert_eq!(view.calls[0].info.reason, reason::UNPARK);
    assert_eq!(view.calls[0].info.redirecting.name.to_text(), "Cleo");
    site.del(309);
    site.app(2, 6, unpark("22"));
    assert_eq!(site.calls_told(2), ["6 OPERATIONFAILED"], "it is taken");
}

#[test]
fn nothing_is_taken_from_where_nothing_is_parked() {
    let mut site = Site::new();
    site.app(2, 5, unpark("22"));
    assert_eq!(site.calls_told(2), ["5 OPERATIONFAILED"]);
    site.call(309, 136);
    site.app(2, 6, unpark("77"));
    assert_eq!(site.calls_told(2), ["6 OPERATIONFAILED"]);
    assert!(site.view(2).calls.is_empty());
}
