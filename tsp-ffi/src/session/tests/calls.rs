//! Calls that the PBX brings.

use super::*;

#[test]
fn a_call_is_offered_first_and_then_known_by_the_servers_handle() {
    let (stage, _) = Stage::opened();
    let handle = stage.bring(FIRST, call(1), CallState::Offering);
    stage.settle(stage.say(FIRST, Notice::CallInfo(call(1), 0x8000)));
    let (line, server) = (stage.server.number + 1, stage.server.number + 100);
    assert_eq!(
        stage.server.log(),
        [
            Said::Event(line, 0, LINE_NEWCALL, handle, 0),
            Said::Event(line, server, LINE_CALLSTATE, 2, 1),
            Said::Event(line, server, LINE_CALLINFO, 0x8000, 0),
        ]
    );
    assert_eq!(stage.session.call(handle).map(|known| known.id), Ok(call(1)));
}

#[test]
fn a_refused_call_is_silent_until_it_is_offered_again_and_taken() {
    let (stage, _) = Stage::opened();
    stage.server.takes_calls.store(false, Ordering::Relaxed);
    stage.show(LINE, &[(call(1), CallState::Offering)]);
    stage.say(FIRST, Notice::NewCall(call(1)));
    let state = stage.say(FIRST, state_of(call(1), CallState::Offering));
    assert_eq!(stage.settle(state), Outcome::Withheld);
    assert_eq!(stage.server.log().len(), 1, "LINE_NEWCALL and nothing else");
    assert_eq!(stage.engine.facts().last(), Some(&HostFact::NewCallRefused(call(1))));
    let Said::Event(_, _, _, refused, _) = stage.server.log()[0] else { panic!("an event") };
    assert_eq!(stage.session.call(refused), Err(LineErr::InvalCallHandle));

    stage.server.takes_calls.store(true, Ordering::Relaxed);
    let handle = stage.bring(FIRST, call(1), CallState::Offering);
    assert!(stage.session.call(handle).is_ok());
    assert_eq!(stage.server.log().len(), 3);
}

#[test]
fn a_call_that_the_server_has_is_not_offered_again() {
    let (stage, _) = Stage::opened();
    stage.bring(FIRST, call(1), CallState::Offering);
    assert_eq!(stage.settle(stage.say(FIRST, Notice::NewCall(call(1)))), Outcome::Withheld);
}

#[test]
fn a_call_closed_inside_its_own_offer_is_gone() {
    let (stage, _) = Stage::opened();
    let session = Arc::clone(&stage.session);
    stage.server.react(move |said| {
        if let Said::Event(_, _, LINE_NEWCALL, handle, _) = said {
            assert!(session.call(handle).is_ok(), "valid from the offer on");
            assert_eq!(session.close_call(handle), Ok(()));
        }
    });
    stage.show(LINE, &[(call(1), CallState::Offering)]);
    stage.say(FIRST, Notice::NewCall(call(1)));
    let state = stage.say(FIRST, state_of(call(1), CallState::Offering));
    assert_eq!(stage.settle(state), Outcome::Withheld);
    assert_eq!(stage.engine.facts().last(), Some(&HostFact::CallClosed(call(1))));
}

#[test]
fn a_closed_call_is_not_spoken_of_and_its_handle_is_stale() {
    let (stage, _) = Stage::opened();
    let handle = stage.bring(FIRST, call(1), CallState::Connected);
    assert_eq!(stage.session.close_call(handle), Ok(()));
    assert_eq!(stage.session.close_call(handle), Err(LineErr::InvalCallHandle));
    let late = stage.say(FIRST, state_of(call(1), CallState::Idle));
    assert_eq!(stage.settle(late), Outcome::Withheld);
    assert_eq!(stage.server.log().len(), 2);
}

#[test]
fn closing_a_line_makes_its_calls_stale() {
    let (stage, line) = Stage::opened();
    let handle = stage.bring(FIRST, call(1), CallState::Connected);
    stage.session.close_line(line).unwrap();
    assert_eq!(stage.session.call(handle), Err(LineErr::InvalCallHandle));
    assert_eq!(stage.session.close_call(handle), Err(LineErr::InvalCallHandle));
}

#[test]
fn a_value_set_by_the_application_can_be_read_at_once() {
    let (stage, _) = Stage::opened();
    let handle = stage.bring(FIRST, call(1), CallState::Connected);
    stage.session.set_app_specific(handle, 0).unwrap();
    stage.session.set_media(handle, 6).unwrap();
    let KnownCall { app_specific, media, .. } = stage.session.call(handle).unwrap();
    assert_eq!((app_specific, media), (Some(0), Some(6)));
    let facts = stage.engine.facts();
    assert!(
        facts.ends_with(&[HostFact::AppSpecific(call(1), 0), HostFact::MediaMode(call(1), 6),])
    );
}
