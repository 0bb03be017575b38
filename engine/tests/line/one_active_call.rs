//! The setting that never two calls of a line are connected (I-19). The watch of the invariants
//! looks on in each test.

use crate::site::{Site, born};
use engine::capability;
use engine::fact::*;
use engine::id::{LineId, Opening};
use engine::place::Place;
use engine::tapi::{CallState, address_state, call_feature, line_dev_state};

/// Two calls of Anna: one connected, one on hold.
fn connected_and_held(single_active_call: bool) -> Site {
    let mut site = Site::new();
    configure(&mut site, single_active_call);
    site.call(101, 261);
    site.call(102, 5);
    site.told(1);
    site
}

fn configure(site: &mut Site, single_active_call: bool) {
    site.host(HostFact::Configured(Configuration {
        user: "TAPI".into(),
        pbxs: vec![PbxSettings { master: Place::at("pbx"), standby: None }],
        name_template: "%c".into(),
        single_active_call,
        ..Configuration::default()
    }));
}

fn states(site: &Site) -> Vec<CallState> {
    site.view(1).calls.iter().map(|call| call.state).collect()
}

#[test]
fn a_conference_made_at_the_phone_shows_one_connected_call_and_the_other_when_that_is_over() {
    let mut site = connected_and_held(true);
    site.call(101, 5);
    assert!(site.calls_told(1).is_empty(), "the conference is not seen");
    site.call(102, 6);
    assert_eq!(site.calls_told(1), ["call2 DISCONNECTED 0x1", "call1 CONNECTED 0x1"]);
    site.del(102);
    site.call(101, 6);
    assert_eq!(site.calls_told(1), ["call2 IDLE 0x0", "call1 DISCONNECTED 0x1"]);
}

#[test]
fn of_dropped_calls_that_the_pbx_never_cleared_one_is_connected_when_the_line_is_open_again() {
    let mut site = Site::new();
    configure(&mut site, true);
    for leg in [101, 102] {
        site.call(leg, 5);
        site.app(1, leg, Command::Drop(born(1, leg - 100)));
        site.deadline(1, leg);
    }
    site.host(HostFact::LineClosed { line: LineId(1), opening: Opening(1) });
    site.open(1);
    let told = site.calls_told(1);
    assert!(told.contains(&"call3 CONNECTED 0x1".to_owned()), "{told:?}");
    assert!(told.contains(&"call4 ONHOLD 0x0".to_owned()), "{told:?}");
}

#[test]
fn without_the_setting_both_calls_of_a_conference_are_connected() {
    let mut site = connected_and_held(false);
    site.call(101, 5);
    assert_eq!(site.calls_told(1), ["call1 CONNECTED 0x1"]);
    assert_eq!(states(&site), [CallState::Connected, CallState::Connected]);
}

#[test]
fn of_a_masked_call_only_that_can_be_asked_which_takes_no_pbx() {
    let mut site = connected_and_held(true);
    site.call(101, 5);
    let view = site.view(1);
    let with_each_other = call_feature::SWAPHOLD | call_feature::COMPLETETRANSF;
    let masked = call_feature::DROP | call_feature::UNHOLD | call_feature::SWAPHOLD;
    assert_eq!(view.calls[0].features, masked);
    assert_eq!(view.calls[1].features & with_each_other, call_feature::SWAPHOLD);
    let (call, consultation) = (born(1, 1), born(1, 2));
    site.app(1, 5, Command::CompleteTransfer { call, consultation, conference: None });
    assert_eq!(site.calls_told(1), ["5 INVALCALLSTATE"]);
    site.call(101, 261);
    let view = site.view(1);
    assert_eq!(view.calls[0].features, masked | call_feature::COMPLETETRANSF, "really on hold");
    assert_eq!(view.calls[1].features & with_each_other, with_each_other);
}

#[test]
fn the_setting_changes_the_capabilities_of_line_and_address_and_both_are_told() {
    let mut site = Site::new();
    configure(&mut site, true);
    let told = site.told(1);
    assert_eq!(
        told,
        [
            format!("address {:#x}", address_state::CAPSCHANGE),
            format!("line {:#x} 0 0", line_dev_state::CAPSCHANGE),
        ]
    );
    assert_eq!(capability::most_in_conference(&site.view(1)), 0);
}

#[test]
fn a_masked_call_is_shown_when_the_other_one_is_held() {
    let mut site = connected_and_held(true);
    site.call(101, 5);
    site.call(102, 261);
    assert_eq!(site.calls_told(1), ["call2 ONHOLD 0x0", "call1 CONNECTED 0x1"]);
}

#[test]
fn the_first_call_goes_on_hold_before_the_one_just_answered_is_connected() {
    let mut site = Site::new();
    configure(&mut site, true);
    site.call(102, 5);
    site.call(101, 132);
    site.told(1);
    // Some telephones report the answer before the hold.
    site.call(101, 133);
    let told = site.calls_told(1);
    assert_eq!(
        told.iter().filter(|words| !words.contains("info")).collect::<Vec<_>>(),
        ["call1 ONHOLD 0x0", "call2 CONNECTED 0x1"]
    );
    site.call(102, 261);
    assert!(site.calls_told(1).is_empty(), "now it is true");
    site.call(101, 134);
    site.del(101);
    assert_eq!(states(&site), [CallState::OnHold, CallState::Idle]);
    site.call(102, 5);
    assert_eq!(site.view(1).call(born(1, 1)).unwrap().state, CallState::Connected);
}

#[test]
fn a_second_connected_call_found_at_open_is_announced_on_hold() {
    let mut site = Site::closed();
    configure(&mut site, true);
    site.call(101, 5);
    site.call(102, 5);
    site.effects.clear();
    site.open(1);
    assert_eq!(
        site.calls_told(1),
        ["new call1", "call1 CONNECTED 0x1", "new call2", "call2 ONHOLD 0x0"]
    );
}

#[test]
fn the_setting_takes_effect_while_calls_are_running() {
    let mut site = connected_and_held(false);
    site.call(101, 5);
    site.told(1);
    configure(&mut site, true);
    assert_eq!(site.calls_told(1), ["call2 ONHOLD 0x0"]);
    configure(&mut site, false);
    assert_eq!(site.calls_told(1), ["call2 CONNECTED 0x1"]);
}
