//! Users with several devices: which legs are one call.

use super::*;

#[test]
fn a_user_with_two_devices_has_one_call_whichever_answers() {
    let mut site = Site::new();
    site.call(201, 132);
    let twin = |state| CallInfo { call: 299, conf: call(201, 0).conf, ..call(201, state) };
    site.pbx(PbxFact::Call(twin(132)));
    site.pbx(PbxFact::Call(twin(133)));
    site.pbx(PbxFact::Call(CallInfo { cause: Some(26), ..call(201, 134) }));
    site.del(201);
    let told = site.calls_told(2);
    assert_eq!(told.iter().filter(|words| words.starts_with("new")).count(), 1);
    assert_eq!(told.last().unwrap(), "call1 CONNECTED 0x1");
    site.pbx(PbxFact::Call(twin(134)));
    assert_eq!(site.calls_told(2), ["call1 DISCONNECTED 0x1"]);
}

#[test]
fn what_a_device_says_when_it_gives_up_is_told_although_the_other_one_still_rings() {
    let mut site = Site::new();
    site.call(201, 132);
    site.pbx(PbxFact::Call(CallInfo { call: 299, conf: call(201, 0).conf, ..call(201, 132) }));
    site.calls_told(2);
    let renamed = [party(Role::This, "Ben Berg", "21"), party(Role::Peer, "Anna", "20")].into();
    let gives_up = CallInfo { parties: renamed, cause: Some(26), ..call(201, 134) };
    site.pbx(PbxFact::Call(gives_up));
    assert_eq!(site.calls_told(2), [format!("call1 info {:#x}", call_info_state::CALLEDID)]);
}

#[test]
fn two_legs_that_ring_for_one_call_and_are_both_answered_are_two_calls() {
    let mut site = Site::new();
    // Both ends of the call were sent to Ben.
    site.call(201, 132);
    let other = |state| CallInfo { call: 299, conf: call(201, 0).conf, ..call(201, state) };
    site.pbx(PbxFact::Call(other(132)));
    site.pbx(PbxFact::Call(other(133)));
    assert_eq!(site.calls_told(2).last().unwrap(), "call1 CONNECTED 0x1");
    site.call(201, 133);
    assert_eq!(site.calls_told(2), ["new call2", "call2 CONNECTED 0x1"]);
    site.call(201, 645);
    assert_eq!(site.calls_told(2), ["call2 CONNECTED 0x4"]);
    site.del(201);
    assert_eq!(site.calls_told(2), ["call2 DISCONNECTED 0x1", "call2 IDLE 0x0"]);
    assert_eq!(site.view(2).call(born(2, 1)).unwrap().state, CallState::Connected);
}

#[test]
fn a_leg_that_rings_is_a_call_of_its_own_beside_one_that_was_answered_and_is_not_shown_so_yet() {
    let mut site = Site::new();
    // Ben calls himself, and answers before the other end stops being active.
    site.call(202, 5);
    site.call(201, 132);
    site.app(2, 5, Command::Answer(born(2, 2)));
    site.call(201, 133);
    assert_eq!(site.view(2).calls[1].state, CallState::Offering, "one at a time");
    site.told(2);
    // The other end was given to himself once more.
    let again = CallInfo { call: 299, conf: call(201, 0).conf, ..call(201, 132) };
    site.pbx(PbxFact::Call(again));
    assert_eq!(site.calls_told(2), ["new call3", "call3 OFFERING 0x1"]);
}
