//! Conferences of three that an application makes.
#![allow(clippy::unwrap_used, missing_docs)]

mod site;

use engine::effect::Order;
use engine::fact::*;
use engine::id::*;
use engine::place::Place;
use engine::tapi::{CallState, call_feature, origin};
use engine::time::Timer;
use site::{Site, born};

const PARENT: CallId = CallId { line: LineId(1), serial: CallId::FIRST_MADE };
const SECOND: CallId = CallId { line: LineId(1), serial: CallId::FIRST_MADE + 1 };

fn reply(site: &mut Site, request: u32, reply: Reply) {
    site.event(Event::Reply(LineId(1), RequestId(request), reply));
}

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
    reply(&mut site, 5, Reply::Taken);
    reply(&mut site, 5, Reply::Calling(CallHandle(102)));
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
    reply(&mut site, 6, Reply::Taken);
    site.call(101, 5);
    site.told(1);
    site.asked();
    site
}

fn states(site: &Site) -> Vec<CallState> {
    site.view(1).calls.iter().map(|call| call.state).collect()
}

use CallState::{Conferenced, Connected, Idle, OnHold, OnHoldPendConf};

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
    reply(&mut site, 5, Reply::Taken);
    reply(&mut site, 5, Reply::Calling(CallHandle(102)));
    assert_eq!(
        site.calls_told(1),
        ["5 done", "made0 ONHOLDPENDCONF 0x0", "call1 CONFERENCED 0x80000000", "made1 DIALING 0x0"]
    );
    let view = site.view(1);
    let parent = view.call(PARENT).unwrap();
    assert_eq!(parent.info.origin, origin::CONFERENCE);
    assert_eq!(parent.features, call_feature::DROP, "nobody can be added yet");
}

#[test]
fn the_second_member_is_added_when_the_pbx_has_both_connected() {
    let mut site = begun();
    add(&mut site, 6);
    assert_eq!(site.calls_told(1), ["6 INVALCALLSTATE"], "it is ringing");
    site.call(102, 5);
    site.told(1);
    let features = site.view(1).call(PARENT).unwrap().features;
    assert_eq!(features, call_feature::DROP | call_feature::ADDTOCONF);
    add(&mut site, 7);
    assert!(matches!(&site.ordered()[..], [Order::UserRc { call: CallHandle(102), rc: 10 }]));
    reply(&mut site, 7, Reply::Taken);
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
    site.event(Event::Due(Timer::Deadline(LineId(1), RequestId(6))));
    assert!(matches!(&site.ordered()[..], [Order::UserRc { rc: 4, .. }]));
    assert!(site.calls_told(1).is_empty());
    site.event(Event::Due(Timer::Deadline(LineId(1), RequestId(6))));
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
    assert!(matches!(
        &site.ordered()[..],
        [Order::UserClear { .. }, Order::UserRetrieve { call: CallHandle(101) }]
    ));
    site.call(102, 7);
    site.del(102);
    assert_eq!(states(&site), [OnHold, Idle, Idle], "as the PBX has it");
    site.call(101, 5);
    assert_eq!(states(&site), [Connected, Idle, Idle]);
}

#[test]
fn a_conference_that_the_pbx_cannot_begin_leaves_the_call_as_it_was() {
    let mut site = asked();
    site.asked();
    site.call(101, 261);
    reply(&mut site, 5, Reply::Taken);
    reply(&mut site, 5, Reply::Calling(CallHandle(0)));
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
