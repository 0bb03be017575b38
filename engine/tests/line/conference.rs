//! Conferences of three that an application makes.

use crate::site::{Site, born};
use engine::effect::Order;
use engine::fact::*;
use engine::id::*;
use engine::place::Place;
use engine::tapi::{CallState, call_feature, origin, party_id};
use engine::time::Timer;

const PARENT: CallId = CallId { line: LineId(1), serial: CallId::FIRST_MADE };
const SECOND: CallId = CallId { line: LineId(1), serial: CallId::FIRST_MADE + 1 };

fn setup() -> Command {
    let consultation =
        Consultation { call: SECOND, number: "22".into(), block_id: false, call_param_flags: 0 };
    Command::SetupConference { call: Some(born(1, 1)), conference: PARENT, consultation }
}

/// Anna talks, and has asked for a conference.
fn asked() -> Site {
    let mut site = Site::new();
    site.call(101, 5);
    site.told(1);
    site.asked();
    site.app(1, 5, setup());
    site
}

/// The second call is ringing, the first one is a member.
fn begun() -> Site {
    let mut site = asked();
    site.call(101, 261);
    site.reply(1, 5, Reply::Taken);
    site.reply(1, 5, Reply::Calling(CallHandle(102)));
    site.call(102, 4);
    site.told(1);
    site.asked();
    site
}

fn add(site: &mut Site, request: u32) {
    site.app(1, request, Command::AddToConference { conference: PARENT, consultation: SECOND });
}

/// All three talk.
fn conferring() -> Site {
    let mut site = begun();
    site.call(102, 5);
    site.told(1);
    add(&mut site, 6);
    site.reply(1, 6, Reply::Taken);
    site.call(101, 5);
    site.told(1);
    site.asked();
    site
}

fn states(site: &Site) -> Vec<CallState> {
    site.view(1).calls.iter().map(|call| call.state).collect()
}

use CallState::{Conferenced, Connected, Disconnected, Idle, OnHold, OnHoldPendConf};

#[test]
fn a_conference_begins_with_one_member_and_a_call_to_the_next() {
    let mut site = asked();
    assert!(matches!(
        &site.ordered()[..],
        [Order::UserHold { call: CallHandle(101) }, Order::UserCall { e164, .. }]
            if e164.text() == "22"
    ));
    site.call(101, 261);
    assert!(site.calls_told(1).is_empty(), "it becomes a member, not a call on hold");
    site.reply(1, 5, Reply::Taken);
    site.reply(1, 5, Reply::Calling(CallHandle(102)));
    assert_eq!(
        site.calls_told(1),
        ["5 done", "made0 ONHOLDPENDCONF 0x0", "call1 CONFERENCED 0x80000000", "made1 DIALING 0x0"]
    );
    let view = site.view(1);
    let parent = view.call(PARENT).unwrap();
    assert_eq!(parent.info.origin, origin::CONFERENCE);
    let waits = call_feature::DROP | call_feature::UNHOLD;
    assert_eq!(parent.features, waits, "nobody can be added yet");
    let card = &parent.info;
    for party in [&card.caller, &card.called, &card.connected, &card.redirecting, &card.redirection]
    {
        assert_eq!(party.flags, party_id::UNAVAIL, "a conference is nobody");
    }
}

#[test]
fn the_second_member_is_added_when_the_pbx_has_both_connected() {
    let mut site = begun();
    add(&mut site, 6);
    assert_eq!(site.calls_told(1), ["6 INVALCALLSTATE"], "it is ringing");
    site.call(102, 5);
    site.told(1);
    let features = site.view(1).call(PARENT).unwrap().features;
    let waits = call_feature::DROP | call_feature::UNHOLD;
    assert_eq!(features, waits | call_feature::ADDTOCONF);
    add(&mut site, 7);
    assert!(matches!(&site.ordered()[..], [Order::UserRc { call: CallHandle(102), rc: 10 }]));
    site.reply(1, 7, Reply::Taken);
    assert!(site.calls_told(1).is_empty(), "told is not done");
    site.call(101, 5);
    assert_eq!(
        site.calls_told(1),
        ["made1 CONFERENCED 0x80000000", "made0 CONNECTED 0x1", "7 done"]
    );
    assert_eq!(states(&site), [Conferenced, Connected, Conferenced]);
}

#[test]
fn a_telephone_that_knows_only_the_other_facility_gets_it() {
    let mut site = begun();
    site.call(102, 5);
    site.told(1);
    add(&mut site, 6);
    site.asked();
    site.deadline(1, 6);
    assert!(matches!(&site.ordered()[..], [Order::UserRc { rc: 4, .. }]));
    assert!(site.calls_told(1).is_empty());
    site.deadline(1, 6);
    assert_eq!(site.calls_told(1), ["6 OPERATIONFAILED"]);
    assert_eq!(states(&site), [Conferenced, OnHoldPendConf, Connected]);
}

#[test]
fn who_is_left_by_the_other_member_is_connected_and_the_conference_over() {
    let mut site = conferring();
    site.app(1, 7, Command::RemoveFromConference(SECOND));
    assert!(matches!(&site.ordered()[..], [Order::UserClear { call: CallHandle(102), .. }]));
    site.call(102, 7);
    assert_eq!(
        site.calls_told(1),
        ["made1 IDLE 0x0", "7 done", "made0 IDLE 0x0", "call1 CONNECTED 0x1"]
    );
    site.app(1, 8, Command::RemoveFromConference(born(1, 1)));
    assert_eq!(site.calls_told(1), ["8 INVALCALLSTATE"]);
}

#[test]
fn a_member_who_hangs_up_is_disconnected_and_the_conference_over() {
    let mut site = conferring();
    site.call(101, 6);
    assert_eq!(
        site.calls_told(1),
        ["call1 DISCONNECTED 0x1", "made0 IDLE 0x0", "made1 CONNECTED 0x1"].map(str::to_owned)
    );
}

#[test]
fn a_conference_that_another_call_joined_does_not_wait_for_the_one_that_was_made_for_it() {
    let mut site = begun();
    site.call(102, 5);
    site.call(103, 132 | 0x80);
    site.call(102, 261);
    site.call(103, 133);
    site.told(1);
    let joining = Command::AddToConference { conference: PARENT, consultation: born(1, 2) };
    site.app(1, 6, joining);
    site.reply(1, 6, Reply::Taken);
    site.call(101, 5);
    assert_eq!(states(&site), [Conferenced, Connected, OnHold, Conferenced]);
    site.call(103, 134);
    assert_eq!(states(&site), [Connected, Idle, OnHold, Disconnected]);
    site.call(102, 5);
    site.call(101, 261);
    assert_eq!(states(&site)[0], OnHold, "nor does its first member");
}

#[test]
fn a_member_who_was_given_to_somebody_who_rings_is_connected_when_the_conference_is_over() {
    let mut site = begun();
    site.call(101, 4);
    assert_eq!(states(&site), [Conferenced, OnHoldPendConf, CallState::Ringback]);
    site.call(102, 6);
    site.del(102);
    assert_eq!(states(&site), [Connected, Idle, Idle]);
}

#[test]
fn no_second_conference_is_begun_while_one_is_asked_for() {
    let mut site = asked();
    site.ordered();
    let [conference, call] = [2, 3].map(|n| CallId { serial: CallId::FIRST_MADE + n, ..PARENT });
    let consultation =
        Consultation { call, number: "23".into(), block_id: false, call_param_flags: 0 };
    let again = Command::SetupConference { call: Some(born(1, 1)), conference, consultation };
    site.app(1, 6, again);
    assert_eq!(site.calls_told(1), ["6 INVALCALLSTATE"]);
    assert!(site.ordered().is_empty());
}

#[test]
fn hanging_up_a_conference_hangs_up_its_members() {
    let mut site = conferring();
    site.app(1, 7, Command::Drop(PARENT));
    assert_eq!(site.ordered().len(), 2);
    site.call(101, 7);
    site.call(102, 7);
    let told = site.calls_told(1);
    assert_eq!(states(&site), [Idle, Idle, Idle]);
    assert!(told.contains(&"7 done".to_owned()) && !told.iter().any(|w| w.contains("DISC")));
}

#[test]
fn dropping_the_second_call_before_it_joins_leads_back_to_the_first() {
    let mut site = begun();
    site.app(1, 7, Command::Drop(SECOND));
    assert!(matches!(&site.ordered()[..], [Order::UserClear { call: CallHandle(102), .. }]));
    site.call(102, 7);
    site.del(102);
    assert_eq!(site.ordered(), [Order::UserRetrieve { call: CallHandle(101) }]);
    assert_eq!(states(&site), [OnHold, Idle, Idle], "as the PBX has it");
    site.call(101, 5);
    assert_eq!(states(&site), [Connected, Idle, Idle]);
}

#[test]
fn taking_back_a_conference_that_waits_leads_back_to_its_first_member() {
    for retrieved_first in [false, true] {
        let mut site = begun();
        site.app(1, 7, Command::Unhold(PARENT));
        assert!(matches!(
            &site.ordered()[..],
            [
                Order::UserClear { call: CallHandle(102), .. },
                Order::UserRetrieve { call: CallHandle(101) }
            ]
        ));
        if retrieved_first {
            site.call(101, 5);
        }
        site.call(102, 7);
        site.del(102);
        if !retrieved_first {
            site.call(101, 5);
        }
        assert_eq!(states(&site), [Connected, Idle, Idle]);
        let mut told = site.calls_told(1);
        told.retain(|words| !words.contains("info"));
        let held = (!retrieved_first).then_some("call1 ONHOLD 0x0");
        let expected = ["made1 IDLE 0x0", "made0 IDLE 0x0"]
            .into_iter()
            .chain(held)
            .chain(["call1 CONNECTED 0x1", "7 done"]);
        assert_eq!(told, expected.collect::<Vec<_>>());
    }
    let mut site = conferring();
    site.app(1, 8, Command::Unhold(PARENT));
    assert_eq!(site.calls_told(1), ["8 INVALCALLSTATE"], "it does not wait any more");
}

#[test]
fn a_call_made_for_a_conference_has_no_consultation_of_its_own() {
    let mut site = begun();
    site.call(102, 5);
    site.told(1);
    let third = CallId { line: LineId(1), serial: CallId::FIRST_MADE + 2 };
    let fourth = CallId { serial: third.serial + 1, ..third };
    let consultation =
        Consultation { call: third, number: "23".into(), block_id: false, call_param_flags: 0 };
    let transfer = Command::SetupTransfer { call: SECOND, consultation: consultation.clone() };
    let conference =
        Command::SetupConference { call: Some(SECOND), conference: fourth, consultation };
    for (request, command) in [(7, transfer), (8, conference)] {
        site.app(1, request, command);
        assert_eq!(site.calls_told(1), [format!("{request} INVALCALLSTATE")]);
    }
}

#[test]
fn beside_a_conference_a_call_is_offered_nothing_that_would_need_the_conference() {
    let mut site = conferring();
    site.call(103, 132 | 0x80);
    site.call(103, 133);
    site.call(103, 389);
    site.told(1);
    let features = site.view(1).call(born(1, 2)).unwrap().features;
    let with_it = call_feature::SWAPHOLD | call_feature::COMPLETETRANSF;
    assert_eq!(features & (with_it | call_feature::UNHOLD), call_feature::UNHOLD);
    for (request, command) in [
        (7, Command::SwapHold { active: PARENT, held: born(1, 2) }),
        (8, Command::CompleteTransfer { call: born(1, 2), consultation: PARENT, conference: None }),
    ] {
        site.app(1, request, command);
        assert_eq!(site.calls_told(1), [format!("{request} INVALCALLSTATE")]);
    }
    site.call(103, 133);
    let features = site.view(1).call(born(1, 2)).unwrap().features;
    assert_eq!(features & call_feature::SETUPCONF, 0, "a telephone has one conference");
}

#[test]
fn a_second_who_hangs_up_before_joining_leads_back_to_the_first() {
    let mut site = begun();
    site.call(102, 5);
    site.effects.clear();
    site.call(102, 6);
    assert_eq!(site.ordered(), [Order::UserRetrieve { call: CallHandle(101) }]);
    assert_eq!(
        site.calls_told(1),
        ["made1 DISCONNECTED 0x1", "made0 IDLE 0x0", "call1 ONHOLD 0x0"],
        "who is left by a conference is an ordinary call"
    );
    site.call(101, 5);
    site.del(102);
    assert_eq!(site.calls_told(1), ["call1 CONNECTED 0x1", "made1 IDLE 0x0"]);
    assert!(site.ordered().is_empty(), "once");
}

#[test]
fn a_second_who_is_busy_leads_back_to_the_first_also_if_the_telephone_is_slower() {
    let mut site = begun();
    site.cleared(102, 6, Some(17));
    site.del(102);
    assert_eq!(site.ordered(), [Order::UserRetrieve { call: CallHandle(101) }]);
    assert_eq!(states(&site), [OnHold, Idle, Idle], "as the PBX has it");
    site.call(101, 5);
    assert_eq!(states(&site), [Connected, Idle, Idle]);
}

#[test]
fn a_second_who_is_gone_before_the_first_is_on_hold_leads_back_to_the_first_too() {
    let mut site = asked();
    site.reply(1, 5, Reply::Calling(CallHandle(102)));
    site.cleared(102, 6, Some(17));
    site.del(102);
    site.asked();
    site.call(101, 261);
    assert_eq!(site.ordered(), [Order::UserRetrieve { call: CallHandle(101) }]);
    site.call(101, 5);
    assert_eq!(states(&site), [Connected, Idle, Idle]);
}

#[test]
fn a_conference_given_up_for_another_call_leaves_the_first_member_on_hold() {
    let mut site = begun();
    site.call(102, 5);
    site.effects.clear();
    site.host(HostFact::CallClosed(PARENT));
    assert!(site.ordered().is_empty(), "the user talks to somebody");
    assert_eq!(states(&site), [OnHold, Connected]);
}

#[test]
fn a_first_member_who_hangs_up_leaves_the_second_call_alone() {
    let mut site = begun();
    site.call(102, 5);
    site.effects.clear();
    site.call(101, 6);
    site.del(101);
    assert!(site.ordered().is_empty());
    assert_eq!(states(&site), [Idle, Idle, Connected]);
}

#[test]
fn a_conference_that_the_pbx_cannot_begin_leaves_the_call_as_it_was() {
    let mut site = asked();
    site.asked();
    site.call(101, 261);
    site.reply(1, 5, Reply::Taken);
    site.reply(1, 5, Reply::Calling(CallHandle(0)));
    assert_eq!(site.calls_told(1), ["5 OPERATIONFAILED", "call1 ONHOLD 0x0"]);
    assert!(matches!(&site.ordered()[..], [Order::UserRetrieve { .. }]));
    site.call(101, 5);
    assert_eq!(states(&site), [Connected]);
}

#[test]
fn a_conference_whose_handle_is_closed_is_two_calls_again() {
    let mut site = conferring();
    site.host(HostFact::CallClosed(PARENT));
    assert_eq!(states(&site), [Connected, Connected]);
}

#[test]
fn calls_of_a_conference_are_announced_for_themselves_when_the_line_is_opened_again() {
    let mut site = conferring();
    site.host(HostFact::LineClosed { line: LineId(1), opening: Opening(1) });
    site.open(1);
    let told = site.calls_told(1);
    assert!(told.iter().all(|words| !words.contains("CONFERENCED")), "{told:?}");
    assert_eq!(states(&site), [Connected, Connected]);
}

#[test]
fn a_conference_can_be_asked_for_nothing_but_its_members() {
    let mut site = conferring();
    for (request, command) in [
        (11, Command::Hold(PARENT)),
        (12, Command::BlindTransfer { call: PARENT, number: "22".into() }),
        (13, Command::Park { call: PARENT, at: ParkPlace::Nondirected }),
    ] {
        site.app(1, request, command);
        assert_eq!(site.calls_told(1), [format!("{request} INVALCALLSTATE")]);
    }
    assert_eq!(site.view(1).call(PARENT).unwrap().features, call_feature::DROP);
}

#[test]
fn a_line_that_shows_one_active_call_has_no_conferences() {
    let mut site = Site::new();
    site.call(101, 5);
    site.host(HostFact::Configured(Configuration {
        user: "TAPI".into(),
        pbxs: vec![PbxSettings { master: Place::at("pbx"), standby: None }],
        name_template: "%c".into(),
        single_active_call: true,
        ..Configuration::default()
    }));
    site.told(1);
    site.app(1, 5, setup());
    assert_eq!(site.calls_told(1), ["5 OPERATIONUNAVAIL"]);
    let features = site.view(1).calls[0].features;
    assert_eq!(features & call_feature::SETUPCONF, 0);
}

#[test]
fn the_setting_for_one_active_call_ends_a_conference_for_applications() {
    let mut site = conferring();
    site.host(HostFact::Configured(Configuration {
        user: "TAPI".into(),
        pbxs: vec![PbxSettings { master: Place::at("pbx"), standby: None }],
        name_template: "%c".into(),
        single_active_call: true,
        ..Configuration::default()
    }));
    let mut shown = states(&site);
    shown.sort();
    assert_eq!(shown, [Idle, Connected, OnHold]);
}

#[test]
fn a_lost_session_ends_a_conference_with_its_calls() {
    let mut site = conferring();
    site.pbx(PbxFact::Failed(Question::Poll, Failure::Broken));
    site.event(Event::Due(Timer::Grace(LineId(1), 1)));
    assert_eq!(states(&site), [Idle, Idle, Idle]);
}
