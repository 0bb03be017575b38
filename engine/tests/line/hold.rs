//! Hold, back from hold, swap, and the second call that is answered.

use crate::site::{Site, born};
use engine::effect::{Effect, Order};
use engine::fact::{Command, Configuration, Failure, HostFact, PbxSettings, Reply};
use engine::id::{CallHandle, LineId};
use engine::place::Place;
use engine::tapi::call_feature;
use engine::time::{Millis, Timer};

/// Ben (line 2) talks to Anna.
fn talking() -> Site {
    let mut site = Site::new();
    site.call(201, 132);
    site.call(201, 133);
    site.effects.clear();
    site
}

/// Ben talks to Anna on the second call and has the first one on hold.
fn two_calls() -> Site {
    let mut site = talking();
    site.call(201, 389);
    site.call(202, 133);
    site.effects.clear();
    site
}

const TAKEN: Reply = Reply::Taken;

#[test]
fn a_call_is_on_hold_when_the_pbx_shows_it_and_not_before() {
    let mut site = talking();
    site.app(2, 5, Command::Hold(born(2, 1)));
    assert_eq!(site.ordered(), [Order::UserHold { call: CallHandle(201) }]);
    site.reply(2, 5, TAKEN);
    assert!(site.told(2).is_empty(), "that the PBX took the order proves nothing");
    site.call(201, 389);
    assert_eq!(
        site.told(2),
        ["call1 ONHOLD 0x0", "5 done", "address 0x20", "line 0x800 0 0"],
        "state, completion, counts"
    );
    let counts = site.view(2).counts();
    assert_eq!((counts.active, counts.held), (0, 1));

    site.app(2, 6, Command::Unhold(born(2, 1)));
    assert_eq!(site.ordered(), [Order::UserRetrieve { call: CallHandle(201) }]);
    site.call(201, 133);
    assert_eq!(site.calls_told(2), ["call1 CONNECTED 0x1", "6 done"]);
}

#[test]
fn a_call_held_at_the_phone_reads_the_same_and_so_does_the_way_back() {
    let mut site = talking();
    site.call(201, 389);
    site.call(201, 133);
    assert_eq!(site.calls_told(2), ["call1 ONHOLD 0x0", "call1 CONNECTED 0x1"]);
}

#[test]
fn a_call_held_by_the_other_party_stays_connected_and_says_so_in_its_mode() {
    let mut site = talking();
    site.call(201, 645);
    site.call(201, 133);
    assert_eq!(site.calls_told(2), ["call1 CONNECTED 0x4", "call1 CONNECTED 0x1"]);
    site.call(201, 645);
    site.app(2, 5, Command::Hold(born(2, 1)));
    site.call(201, 901);
    let told = site.calls_told(2);
    assert_eq!(told, ["call1 CONNECTED 0x4", "call1 ONHOLD 0x0", "5 done"], "both sides hold");
}

#[test]
fn a_pbx_that_stays_silent_fails_a_hold_at_its_deadline_and_changes_nothing() {
    let mut site = talking();
    site.app(2, 5, Command::Hold(born(2, 1)));
    site.reply(2, 5, TAKEN);
    site.deadline(2, 5);
    assert_eq!(site.told(2), ["5 OPERATIONFAILED"]);
    site.app(2, 6, Command::Hold(born(2, 1)));
    site.reply(2, 6, Reply::Failed(Failure::Unreachable));
    site.deadline(2, 6);
    assert_eq!(site.told(2), ["6 OPERATIONFAILED"], "once");
    site.app(2, 7, Command::Hold(born(2, 1)));
    site.reply(2, 7, Reply::Failed(Failure::TimedOut));
    assert!(site.told(2).is_empty(), "it may have been obeyed");
    site.call(201, 389);
    assert_eq!(site.calls_told(2), ["call1 ONHOLD 0x0", "7 done"]);
}

#[test]
fn a_deadline_is_as_long_as_the_settings_say() {
    for (setting, expected) in [(0, 5_000), (700, 700)] {
        let mut site = talking();
        site.host(HostFact::Configured(Configuration {
            user: "TAPI".into(),
            pbxs: vec![PbxSettings { master: Place::at("pbx"), standby: None }],
            name_template: "%c".into(),
            request_deadline_ms: setting,
            ..Configuration::default()
        }));
        site.effects.clear();
        site.app(2, 5, Command::Hold(born(2, 1)));
        let deadline = Timer::Deadline(LineId(2), site.ticket(2, 5));
        let wake = Effect::Wake(Millis(site.now + expected), deadline);
        assert!(site.effects.contains(&wake), "{:?}", site.effects);
        assert!(site.told(2).is_empty(), "a deadline is nothing that a line claims");
    }
}

#[test]
fn a_call_that_ends_meanwhile_ends_the_request_too() {
    let mut site = talking();
    site.app(2, 5, Command::Hold(born(2, 1)));
    site.cleared(201, 134, Some(16));
    site.del(201);
    assert_eq!(
        site.calls_told(2),
        ["call1 DISCONNECTED 0x1", "5 INVALCALLSTATE", "call1 IDLE 0x0"]
    );
    site.deadline(2, 5);
    assert!(site.told(2).is_empty());
}

#[test]
fn two_requests_on_one_call_are_each_proved_by_what_they_asked_for() {
    let mut site = talking();
    site.app(2, 5, Command::Hold(born(2, 1)));
    site.app(2, 6, Command::Hold(born(2, 1)));
    site.app(2, 7, Command::Drop(born(2, 1)));
    site.call(201, 389);
    assert_eq!(site.calls_told(2), ["call1 ONHOLD 0x0", "5 done", "6 done"]);
    site.cleared(201, 135, Some(16));
    assert_eq!(site.calls_told(2), ["call1 IDLE 0x0", "7 done"]);
}

#[test]
fn a_swap_never_shows_two_connected_calls_in_whichever_order_they_are_reported() {
    for active_first in [true, false] {
        let mut site = two_calls();
        site.app(2, 5, Command::SwapHold { active: born(2, 2), held: born(2, 1) });
        let [held, active] = [CallHandle(201), CallHandle(202)];
        let orders = [Order::UserHold { call: active }, Order::UserRetrieve { call: held }];
        assert_eq!(site.ordered(), orders);
        let events = if active_first { [(202, 389), (201, 133)] } else { [(201, 133), (202, 389)] };
        for (leg, state) in events {
            site.call(leg, state);
        }
        let told = site.calls_told(2);
        assert_eq!(told, ["call2 ONHOLD 0x0", "call1 CONNECTED 0x1", "5 done"], "{active_first}");
    }
}

#[test]
fn a_swap_of_which_only_half_comes_to_pass_fails_and_shows_what_there_is() {
    let mut site = two_calls();
    site.app(2, 5, Command::SwapHold { active: born(2, 2), held: born(2, 1) });
    site.call(201, 133);
    assert!(site.told(2).is_empty(), "not while the other one is connected");
    site.deadline(2, 5);
    assert_eq!(site.calls_told(2), ["call1 CONNECTED 0x1", "5 OPERATIONFAILED"]);

    let mut site = two_calls();
    site.app(2, 5, Command::SwapHold { active: born(2, 2), held: born(2, 1) });
    site.call(202, 389);
    site.deadline(2, 5);
    assert_eq!(site.calls_told(2), ["call2 ONHOLD 0x0", "5 OPERATIONFAILED"]);
}

#[test]
fn a_swap_ends_with_either_of_its_calls() {
    let mut site = two_calls();
    site.app(2, 5, Command::SwapHold { active: born(2, 2), held: born(2, 1) });
    site.cleared(201, 134, Some(16));
    assert_eq!(site.calls_told(2), ["call1 DISCONNECTED 0x1", "5 INVALCALLSTATE"]);
}

#[test]
fn a_second_call_that_is_answered_puts_the_first_on_hold_before_it_is_connected() {
    for hold_first in [true, false] {
        let mut site = talking();
        site.call(202, 132);
        site.effects.clear();
        site.app(2, 5, Command::Answer(born(2, 2)));
        let events = if hold_first { [(201, 389), (202, 133)] } else { [(202, 133), (201, 389)] };
        for (leg, state) in events {
            site.call(leg, state);
        }
        let mut told = site.calls_told(2);
        told.retain(|words| !words.contains("info"));
        assert_eq!(told, ["call1 ONHOLD 0x0", "call2 CONNECTED 0x1", "5 done"], "{hold_first}");
    }
}

#[test]
fn a_second_call_is_answered_even_if_the_phone_keeps_both() {
    let mut site = talking();
    site.call(202, 132);
    site.app(2, 5, Command::Answer(born(2, 2)));
    site.call(202, 133);
    site.effects.clear();
    site.deadline(2, 5);
    assert_eq!(site.calls_told(2), ["call2 CONNECTED 0x1", "5 done"]);
}

#[test]
fn what_may_be_asked_of_a_call_depends_on_the_others() {
    let site = two_calls();
    let features = |serial| site.view(2).call(born(2, serial)).unwrap().features;
    let of_two = call_feature::SWAPHOLD | call_feature::COMPLETETRANSF;
    assert_eq!(features(1) & of_two, of_two);
    assert_eq!(features(2) & of_two, of_two);
    let alone = talking();
    let features = alone.view(2).call(born(2, 1)).unwrap().features;
    assert_eq!(features & of_two, 0);
    assert_ne!(features & call_feature::HOLD, 0);
}

#[test]
fn a_call_is_held_only_where_it_talks() {
    let mut site = Site::new();
    site.call(201, 132);
    site.effects.clear();
    for (request, command) in [(5, Command::Hold(born(2, 1))), (6, Command::Unhold(born(2, 1)))] {
        site.app(2, request, command);
        assert_eq!(site.told(2), [format!("{request} INVALCALLSTATE")]);
    }
    site.app(2, 7, Command::Hold(born(2, 9)));
    assert_eq!(site.told(2), ["7 INVALCALLHANDLE"]);
    assert!(site.ordered().is_empty());
}
