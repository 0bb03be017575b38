//! Calls over the loss of the session with their PBX: known again, or ended.

use super::*;

#[test]
fn the_two_calls_of_one_who_calls_himself_keep_apart_over_a_loss() {
    let mut site = Site::new();
    site.make_call(7, 0);
    site.reply(1, 7, Reply::Calling(CallHandle(101)));
    let leg = |leg: u32, user: u32, state: u32| {
        let known = call(101, 4);
        PbxFact::Call(CallInfo { call: leg, user, state, ..known })
    };
    site.pbx(leg(101, 11, 4));
    site.pbx(leg(102, 11, 132));
    let calls = |site: &Site| -> Vec<(CallId, CallState)> {
        site.view(1).calls.iter().map(|call| (call.id, call.state)).collect()
    };
    let before = calls(&site);
    assert_eq!(before.len(), 2);
    site.pbx(PbxFact::Failed(Question::Poll, Failure::Broken));
    site.event(Event::Due(Timer::Reconnect(PBX, 1)));
    site.attempt = Attempt(2);
    site.session(20);
    // The one that rings comes first; the one that was dialled is not that one.
    site.pbx(leg(302, 21, 132));
    site.pbx(leg(301, 21, 4));
    assert_eq!(calls(&site), before);
}

#[test]
fn a_lost_session_takes_lines_out_of_service_and_calls_end_after_the_grace_time() {
    let mut site = Site::new();
    site.call(101, 5);
    site.told(1);
    site.pbx(PbxFact::Failed(Question::Poll, Failure::Broken));
    let both = line_dev_state::DISCONNECTED | line_dev_state::OUTOFSERVICE;
    assert_eq!(site.told(1), [format!("line {both:#x} 0 0")]);
    assert_eq!(site.view(1).calls[0].features, 0, "nothing works out of service");
    site.event(Event::Due(Timer::Grace(LineId(1), 1)));
    let told = site.calls_told(1);
    let failed = disconnect_mode::TEMPFAILURE;
    assert_eq!(told, [format!("call1 DISCONNECTED {failed:#x}"), "call1 IDLE 0x0".into()]);
}

#[test]
fn a_call_that_survived_a_lost_session_goes_on_under_its_handle_and_one_that_did_not_ends() {
    let mut site = Site::new();
    site.call(101, 5);
    site.call(102, 261);
    site.pbx(PbxFact::Failed(Question::Poll, Failure::Broken));
    site.event(Event::Due(Timer::Reconnect(PBX, 1)));
    site.attempt = Attempt(2);
    site.session(10);
    site.told(1);
    // The handles start again after a reboot; only the conf GUID tells which call it is.
    let replayed = CallInfo { conf: call(101, 5).conf, ..call(177, 5) };
    site.pbx(PbxFact::Call(replayed));
    site.event(Event::Due(Timer::Grace(LineId(1), 1)));
    assert!(site.calls_told(1).is_empty(), "the new session decides, not the old timer");
    site.event(Event::Due(Timer::Settled(PBX, 2)));
    assert_eq!(site.calls_told(1), ["call2 DISCONNECTED 0x2", "call2 IDLE 0x0"]);
    assert_eq!(site.view(1).calls[0].state, CallState::Connected);
}

#[test]
fn a_call_of_a_line_that_the_new_session_does_not_monitor_ends_with_the_resync() {
    let mut site = Site::new();
    site.call(101, 5);
    site.pbx(PbxFact::Failed(Question::Poll, Failure::Broken));
    site.event(Event::Due(Timer::Reconnect(PBX, 1)));
    site.attempt = Attempt(2);
    site.pbx(PbxFact::Identified(Identification::default()));
    site.pbx(PbxFact::Initialized { session: 42, place: Arc::default() });
    site.pbx(PbxFact::User(user(1, "Anna").into()));
    site.pbx(PbxFact::User(UserInfo { active: true, ..UserInfo::default() }.into()));
    site.pbx(PbxFact::UserInitialized(LineId(1), UserHandle(0)));
    site.told(1);
    site.event(Event::Due(Timer::Settled(PBX, 2)));
    assert_eq!(site.calls_told(1), ["call1 DISCONNECTED 0x2", "call1 IDLE 0x0"]);
}

#[test]
fn a_call_that_rings_here_again_after_a_resync_is_not_the_one_that_was_connected() {
    let mut site = Site::new();
    site.call(201, 133);
    site.calls_told(2);
    site.pbx(PbxFact::Failed(Question::Poll, Failure::Broken));
    site.event(Event::Due(Timer::Reconnect(PBX, 1)));
    site.attempt = Attempt(2);
    site.session(10);
    // Meanwhile it was transferred away and back: the same conf rings at Ben.
    site.call(201, 132);
    assert_eq!(site.calls_told(2), ["new call2", "call2 OFFERING 0x1"]);
    site.event(Event::Due(Timer::Settled(PBX, 2)));
    let told = site.calls_told(2);
    assert!(told[0].starts_with("call1 DISCONNECTED") && told[1] == "call1 IDLE 0x0", "{told:?}");
}

#[test]
fn a_leg_that_is_not_answered_after_a_resync_is_not_the_call_that_was_connected() {
    let mut site = Site::new();
    site.call(101, 1);
    site.call(101, 5);
    site.pbx(PbxFact::Failed(Question::Poll, Failure::Broken));
    site.event(Event::Due(Timer::Reconnect(PBX, 1)));
    site.attempt = Attempt(2);
    site.session(10);
    site.calls_told(1);
    // Anna was sent her own call meanwhile: she has both ends of it, and one still hears ringing.
    site.call(101, 4);
    assert_eq!(site.calls_told(1), ["new call2", "call2 RINGBACK 0x0"]);
    site.pbx(PbxFact::Call(CallInfo { call: 199, conf: call(101, 0).conf, ..call(101, 5) }));
    site.event(Event::Due(Timer::Settled(PBX, 2)));
    assert!(site.calls_told(1).is_empty(), "the connected one goes on under its handle");
}

#[test]
fn a_call_that_was_made_is_known_again_by_the_direction_of_its_leg() {
    let mut site = Site::new();
    site.make_call(7, 0);
    site.reply(1, 7, Reply::Calling(CallHandle(101)));
    site.call(101, 4);
    site.pbx(PbxFact::Failed(Question::Poll, Failure::Broken));
    site.event(Event::Due(Timer::Reconnect(PBX, 1)));
    site.attempt = Attempt(2);
    site.session(10);
    site.calls_told(1);
    // Ben sent the call back to Anna: it rings at her, too.
    site.call(101, 132);
    assert_eq!(site.calls_told(1), ["new call1", "call1 OFFERING 0x1"]);
    site.pbx(PbxFact::Call(CallInfo { call: 199, conf: call(101, 0).conf, ..call(101, 4) }));
    site.event(Event::Due(Timer::Settled(PBX, 2)));
    assert!(site.calls_told(1).is_empty(), "the made one still hears ringing");
}
