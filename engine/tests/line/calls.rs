//! Calls as the PBX reports them, and what TAPI hears of them: one test for each behaviour. All of
//! them run under the watch of the invariants.

mod devices;
mod opening;
mod over_a_loss;

use crate::site::{PBX, Site, born, call, party, user};
use engine::effect::{Effect, Order, Report, Request};
use engine::fact::*;
use engine::id::*;
use engine::line::MAX_EARLY;
use engine::tapi::party_id::ADDRESS;
use engine::tapi::{
    CallState, LineErr, call_feature, call_info_state, disconnect_mode, line_dev_state, origin,
};
use engine::time::Timer;
use std::sync::Arc;

#[test]
fn an_incoming_call_is_offered_answered_at_the_phone_and_cleared_by_the_caller() {
    let mut site = Site::new();
    site.call(201, 129);
    assert_eq!(
        site.told(2),
        ["new call1", "call1 OFFERING 0x1", "address 0x28", "line 0x800 0 0", "line 0x2 1 0"]
    );
    let view = site.view(2);
    let card = &view.calls[0].info;
    assert_eq!((card.caller.number.to_text(), card.origin), ("20".into(), origin::INTERNAL));
    assert!(view.ringing && card.call_id != 0);
    site.call(201, 132);
    assert!(site.told(2).is_empty(), "still offering");
    site.call(201, 133);
    let connected_id = call_info_state::CONNECTEDID;
    let expected = [format!("call1 info {connected_id:#x}"), "call1 CONNECTED 0x1".into()];
    assert_eq!(site.told(2), expected);
    site.call(201, 134);
    site.del(201);
    assert_eq!(
        site.told(2),
        ["call1 DISCONNECTED 0x1", "call1 IDLE 0x0", "address 0x24", "line 0x800 0 0"]
    );
    assert_eq!(site.view(2).calls[0].state, CallState::Idle, "readable until the host closes it");
    site.host(HostFact::CallClosed(born(2, 1)));
    assert!(site.view(2).calls.is_empty());
}

#[test]
fn a_made_call_completes_before_its_first_state_even_if_its_events_overtake_the_answer() {
    let mut site = Site::new();
    let id = site.make_call(7, 0);
    assert!(matches!(&site.ordered()[..], [Order::UserCall { user: UserHandle(11), .. }]));
    site.call(101, 1);
    site.call(101, 3);
    site.call(201, 129);
    assert!(site.calls_told(1).is_empty(), "nothing before the completion");
    assert!(site.view(1).calls.is_empty(), "a pending handle is not counted");
    site.reply(1, 7, Reply::Calling(CallHandle(101)));
    let told = site.calls_told(1);
    assert_eq!(told[..2], ["7 done", "made0 DIALING 0x0"]);
    assert_eq!(told.last().unwrap(), "made0 PROCEEDING 0x0");
    site.call(101, 4);
    site.call(101, 5);
    site.call(101, 6);
    site.del(101);
    let told = site.calls_told(1);
    let states: Vec<_> = told.iter().filter(|words| !words.contains("info")).collect();
    assert_eq!(
        states,
        ["made0 RINGBACK 0x0", "made0 CONNECTED 0x1", "made0 DISCONNECTED 0x1", "made0 IDLE 0x0"]
    );
    let call_ids = site.view(1).call(id).unwrap().info.call_id;
    assert_eq!(call_ids, site.view(2).calls[0].info.call_id, "both legs have one call id");
}

#[test]
fn what_is_told_of_a_made_call_does_not_depend_on_whether_events_overtake_the_answer() {
    let told = |overtaking: bool| {
        let mut site = Site::new();
        site.make_call(7, 0);
        let answer = |site: &mut Site| site.reply(1, 7, Reply::Calling(CallHandle(101)));
        let events = |site: &mut Site| [1, 3, 4].map(|state| site.call(101, state));
        if overtaking {
            events(&mut site);
            answer(&mut site);
        } else {
            answer(&mut site);
            events(&mut site);
        }
        site.told(1)
    };
    assert!(told(true).len() > 4);
    assert_eq!(told(true), told(false));
}

#[test]
fn who_calls_is_known_at_the_first_state_of_a_made_call() {
    let mut site = Site::new();
    let id = site.make_call(7, 0);
    site.reply(1, 7, Reply::Calling(CallHandle(101)));
    let card = site.view(1).call(id).unwrap().info.clone();
    assert_eq!((card.caller.number.to_text(), card.caller.flags), ("20".into(), ADDRESS));
    assert_eq!((card.called.number.to_text(), card.called.flags), ("21".into(), ADDRESS));
    site.call(101, 1);
    let card = site.view(1).call(id).unwrap().info.clone();
    assert_eq!(card.caller.name.to_text(), "Anna", "the PBX adds the name");
}

#[test]
fn a_made_call_that_the_pbx_refuses_leaves_nothing_but_its_completion() {
    let mut site = Site::new();
    site.make_call(7, 0);
    site.reply(1, 7, Reply::Calling(CallHandle(0)));
    assert_eq!(site.told(1), ["7 OPERATIONFAILED"]);
    assert!(site.view(1).calls.is_empty());
}

#[test]
fn a_made_call_that_the_pbx_never_answers_fails_at_the_deadline_and_is_announced_if_it_comes_late()
{
    let mut site = Site::new();
    site.make_call(7, 0);
    site.deadline(1, 7);
    assert_eq!(site.told(1), ["7 OPERATIONFAILED"]);
    site.reply(1, 7, Reply::Calling(CallHandle(101)));
    assert!(site.told(1).is_empty());
    site.call(101, 4);
    assert_eq!(site.calls_told(1), ["new call1", "call1 RINGBACK 0x0"]);
}

#[test]
fn a_busy_called_party_is_busy_tone_and_then_disconnected_busy() {
    let mut site = Site::new();
    site.call(101, 1);
    site.pbx(PbxFact::Call(CallInfo { cause: Some(17), ..call(101, 6) }));
    site.del(101);
    let told = site.calls_told(1);
    assert_eq!(
        told,
        [
            "new call1",
            "call1 DIALING 0x0",
            "call1 BUSY 0x1",
            "call1 DISCONNECTED 0x20",
            "call1 IDLE 0x0"
        ]
    );
}

#[test]
fn an_answer_completes_when_the_pbx_shows_the_call_connected() {
    let mut site = Site::new();
    site.call(201, 132);
    site.told(2);
    site.app(2, 9, Command::Answer(born(2, 1)));
    assert!(matches!(&site.ordered()[..], [Order::UserConnect { call: CallHandle(201) }]));
    site.reply(2, 9, Reply::Taken);
    assert!(site.told(2).is_empty(), "taken is not done");
    site.call(201, 133);
    let told = site.calls_told(2);
    assert_eq!(told[1..], ["call1 CONNECTED 0x1", "9 done"]);
}

#[test]
fn an_answer_to_a_call_that_goes_away_meanwhile_fails() {
    let mut site = Site::new();
    site.call(201, 132);
    site.app(2, 9, Command::Answer(born(2, 1)));
    site.call(201, 134);
    site.told(1);
    let told = site.calls_told(2);
    assert_eq!(told[told.len() - 2..], ["call1 DISCONNECTED 0x1", "9 INVALCALLSTATE"]);
    site.app(2, 10, Command::Answer(born(2, 1)));
    assert_eq!(site.calls_told(2), ["10 INVALCALLSTATE"]);
}

#[test]
fn a_drop_goes_idle_first_and_completes_after_it_once() {
    let mut site = Site::new();
    site.call(101, 1);
    site.call(101, 5);
    site.told(1);
    site.app(1, 5, Command::Drop(born(1, 1)));
    site.app(1, 6, Command::Drop(born(1, 1)));
    assert_eq!(site.asked().len(), 1, "the second drop asks nothing");
    site.call(101, 7);
    site.del(101);
    assert_eq!(site.calls_told(1), ["call1 IDLE 0x0", "5 done", "6 done"]);
    site.app(1, 7, Command::Drop(born(1, 1)));
    assert_eq!(site.calls_told(1), ["7 done"], "dropping an idle call is no error");
}

#[test]
fn a_drop_that_the_pbx_ignores_goes_idle_at_the_deadline() {
    let mut site = Site::new();
    site.call(101, 5);
    site.told(1);
    site.app(1, 5, Command::Drop(born(1, 1)));
    site.deadline(1, 5);
    assert_eq!(site.calls_told(1), ["call1 IDLE 0x0", "5 done"]);
    site.call(101, 5);
    assert!(site.calls_told(1).is_empty(), "nothing after IDLE");
}

#[test]
fn a_rejected_offer_is_rejected_with_the_cause_for_it() {
    let mut site = Site::new();
    site.call(201, 132);
    site.app(2, 5, Command::Drop(born(2, 1)));
    assert!(matches!(&site.ordered()[..], [Order::UserClear { cause: 21, .. }]));
}

#[test]
fn calls_that_end_while_the_leg_of_another_one_is_awaited_long_are_over() {
    let mut site = Site::new();
    site.make_call(7, 0);
    site.call(151, 132);
    for _ in 0..40 {
        site.call(151, 389);
        site.call(151, 133);
    }
    site.call(151, 134);
    site.del(151);
    site.reply(1, 7, Reply::Calling(CallHandle(101)));
    let states: Vec<CallState> = site.view(1).calls.iter().map(|call| call.state).collect();
    let live = states.iter().filter(|state| **state != CallState::Idle).count();
    assert_eq!(live, 1, "{states:?}");
}

#[test]
fn no_event_is_let_go_when_the_leg_of_another_call_is_awaited_too_long() {
    let mut site = Site::new();
    site.make_call(7, 0);
    site.call(151, 132);
    for _ in 0..MAX_EARLY / 2 {
        site.call(151, 389);
        site.call(151, 133);
    }
    let told = site.calls_told(1);
    assert_eq!(told[..3], ["7 RESOURCEUNAVAIL", "new call1", "call1 OFFERING 0x1"]);
    assert_eq!(told.last().unwrap(), "call1 CONNECTED 0x1", "what was kept back, and what was not");
    site.call(151, 134);
    site.del(151);
    assert_eq!(site.calls_told(1), ["call1 DISCONNECTED 0x1", "call1 IDLE 0x0"]);
    // The PBX made the call after all.
    site.call(101, 1);
    site.reply(1, 7, Reply::Calling(CallHandle(101)));
    assert_eq!(site.calls_told(1), ["new call2", "call2 DIALING 0x0"]);
}

#[test]
fn a_deleted_user_idles_its_calls_before_the_line_is_removed_and_comes_back_under_its_id() {
    let mut site = Site::new();
    site.call(101, 5);
    site.told(1);
    site.pbx(PbxFact::User(UserInfo { active: false, ..user(1, "Anna") }.into()));
    let told: Vec<_> = site
        .told(1)
        .into_iter()
        .filter(|w| !w.starts_with("line") && !w.starts_with("addr"))
        .collect();
    assert_eq!(told, ["call1 DISCONNECTED 0x800", "call1 IDLE 0x0", "removed"]);
    assert!(site.view(1).removed);
    site.pbx(PbxFact::User(user(1, "Anna").into()));
    assert!(site.told(1).contains(&"created".to_owned()));
}

#[test]
fn a_refused_new_call_is_offered_again_with_its_state_of_then() {
    let mut site = Site::new();
    site.call(201, 129);
    site.told(2);
    site.host(HostFact::NewCallRefused(born(2, 1)));
    site.call(201, 133);
    assert!(site.calls_told(2).is_empty(), "nothing until it is taken");
    site.event(Event::Due(Timer::NewCallAgain(born(2, 1), 1)));
    assert_eq!(site.calls_told(2), ["new call1", "call1 CONNECTED 0x1"]);
}

#[test]
fn an_alerting_call_rings_until_it_is_answered() {
    let mut site = Site::new();
    site.call(201, 132);
    site.event(Event::Due(Timer::Ring(born(2, 1), 1)));
    site.event(Event::Due(Timer::Ring(born(2, 1), 2)));
    site.call(201, 133);
    site.event(Event::Due(Timer::Ring(born(2, 1), 3)));
    let rings: Vec<_> = site.told(2).into_iter().filter(|w| w.starts_with("line 0x2 ")).collect();
    assert_eq!(rings, ["line 0x2 1 0", "line 0x2 1 1", "line 0x2 1 2"]);
}

#[test]
fn a_line_that_did_not_ask_for_status_messages_gets_none() {
    let mut site = Site::closed();
    site.effects.clear();
    let (line, opening) = (LineId(2), Opening(1));
    site.host(HostFact::LineOpened { line, opening, version: 0x0003_0000 });
    site.call(201, 132);
    assert_eq!(site.told(2), ["new call1", "call1 OFFERING 0x1"]);
}

#[test]
fn an_empty_poll_that_returns_at_once_does_not_spin() {
    let mut site = Site::new();
    site.asked();
    let quick = PbxFact::Polled { count: 0, elapsed_ms: 3 };
    site.pbx(quick.clone());
    assert!(matches!(&site.asked()[..], [Request::Poll { .. }]));
    site.pbx(quick);
    assert!(matches!(&site.asked()[..], [Request::Echo { session: 41 }]));
    site.pbx(PbxFact::Echoed(true));
    assert!(site.asked().is_empty(), "a pause first");
    assert!(site.effects.iter().any(|e| matches!(e, Effect::Wake(_, Timer::PollPause(..)))));
    site.event(Event::Due(Timer::PollPause(PBX, 1)));
    assert!(matches!(&site.asked()[..], [Request::Poll { .. }]));
}

#[test]
fn a_call_that_is_over_can_be_dropped_without_its_pbx() {
    let mut site = Site::new();
    site.call(101, 5);
    site.call(101, 6);
    site.pbx(PbxFact::Failed(Question::Poll, Failure::Broken));
    site.told(1);
    assert_eq!(site.view(1).calls[0].features, call_feature::DROP);
    site.app(1, 5, Command::Drop(born(1, 1)));
    assert_eq!(site.calls_told(1), ["call1 IDLE 0x0", "5 done"]);
}

#[test]
fn digits_dialled_at_the_phone_are_no_surprise_though_no_event_tells_of_them() {
    for (next, expected) in [(3, "PROCEEDING"), (4, "RINGBACK"), (5, "CONNECTED")] {
        let mut site = Site::new();
        site.call(101, 2);
        assert_eq!(site.calls_told(1), ["new call1", "call1 DIALTONE 0x4"]);
        site.effects.clear();
        site.call(101, next);
        let surprised = |effect: &Effect| matches!(effect, Effect::Report(Report::Surprise(_)));
        assert!(!site.effects.iter().any(surprised), "{expected}");
        let mut told = site.calls_told(1);
        told.retain(|words| !words.contains("info"));
        assert_eq!(told[0], "call1 DIALING 0x0");
        assert!(told[1].starts_with(&format!("call1 {expected}")), "{told:?}");
    }
    let mut site = Site::new();
    site.call(101, 4);
    site.effects.clear();
    site.call(101, 261);
    let surprised = |effect: &Effect| matches!(effect, Effect::Report(Report::Surprise(_)));
    assert!(site.effects.iter().any(surprised), "a call is not held before it is answered");
}

#[test]
fn an_application_on_a_line_out_of_service_is_told_so() {
    let mut site = Site::new();
    site.pbx(PbxFact::User(UserInfo { registered: false, ..user(1, "Anna") }.into()));
    site.told(1);
    site.make_call(7, 0);
    assert_eq!(site.told(1), [format!("7 {}", LineErr::InvalLineState)]);
}

#[test]
fn a_call_that_is_over_before_the_pbx_has_named_it_ends() {
    let mut site = Site::new();
    let made = site.make_call(1, 0);
    site.call(101, 1);
    site.cleared(101, 6, Some(1));
    site.del(101);
    site.reply(1, 1, Reply::Calling(CallHandle(101)));
    let told = site.calls_told(1);
    assert_eq!(told[0], "1 done");
    assert_eq!(told.last().unwrap(), "made0 IDLE 0x0");
    assert_eq!(site.view(1).call(made).unwrap().state, CallState::Idle);
}

#[test]
fn a_call_that_is_made_beside_another_one_is_told_when_that_is_on_hold() {
    let held_first = ["call1 ONHOLD 0x0", "2 done", "made0 DIALING 0x0"];
    let mut site = Site::new();
    site.call(101, 133);
    site.effects.clear();
    site.make_call(2, 0);
    site.reply(1, 2, Reply::Calling(CallHandle(102)));
    assert!(site.calls_told(1).is_empty(), "two calls would be active");
    site.call(102, 1);
    assert!(site.calls_told(1).is_empty(), "it has only begun");
    site.call(101, 389);
    assert_eq!(site.calls_told(1), held_first);

    let mut site = Site::new();
    site.call(101, 133);
    site.effects.clear();
    site.make_call(2, 0);
    site.call(101, 389);
    site.reply(1, 2, Reply::Calling(CallHandle(102)));
    assert_eq!(site.calls_told(1), held_first, "the answer may come last");
}

#[test]
fn a_call_that_is_made_beside_another_one_waits_no_longer_than_it_takes_to_go_on() {
    let mut site = Site::new();
    site.call(101, 133);
    site.effects.clear();
    site.make_call(2, 0);
    site.reply(1, 2, Reply::Calling(CallHandle(102)));
    site.call(102, 3);
    let told = site.calls_told(1);
    assert_eq!(told[..2], ["2 done", "made0 PROCEEDING 0x0"], "completed before it proceeds");
    let mut site = Site::new();
    site.call(101, 133);
    site.effects.clear();
    site.make_call(2, 0);
    site.reply(1, 2, Reply::Calling(CallHandle(102)));
    site.deadline(1, 2);
    assert_eq!(site.calls_told(1), ["2 done", "made0 DIALING 0x0"], "some telephones hold nothing");
    site.deadline(1, 2);
    assert!(site.calls_told(1).is_empty(), "once");
}

#[test]
fn what_came_before_a_leg_was_named_is_not_left_behind_while_another_leg_is_awaited() {
    let mut site = Site::new();
    site.make_call(1, 0);
    site.make_call(2, 1);
    site.call(101, 1);
    site.call(101, 3);
    site.reply(1, 1, Reply::Calling(CallHandle(101)));
    let told = site.calls_told(1);
    assert_eq!(told[..2], ["1 done", "made0 DIALING 0x0"]);
    assert_eq!(told.last().unwrap(), "made0 PROCEEDING 0x0");
    site.cleared(101, 6, Some(1));
    site.del(101);
    site.calls_told(1);
    // The other call comes to nothing; the first one must not rise again.
    site.reply(1, 2, Reply::Calling(CallHandle(0)));
    let told = site.calls_told(1);
    assert!(told.iter().all(|words| !words.starts_with("new")), "{told:?}");
}
