//! What a session promises the telephony server.

use super::KnownCall;
use super::testing::{LINE, Said, Stage, call, on_event, state_of, view, wait_for};
use crate::abi::{
    HDrvCall, HDrvLine, LINE_ADDRESSSTATE, LINE_CALLINFO, LINE_CALLSTATE, LINE_CREATE,
    LINE_NEWCALL, LINE_REMOVE,
};
use engine::effect::{Notice, Telling, What};
use engine::fact::{Command, HostFact, Outcome};
use engine::id::{CallId, LineId, Opening, RequestId};
use engine::tapi::{CallState, LineErr};
use engine::view::LineView;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const FIRST: Opening = Opening(1);
const FAILED: i32 = LineErr::OperationFailed.code();

fn make_call(stage: &Stage, line: HDrvLine, request: u32) -> Result<HDrvCall, LineErr> {
    let command = |call| Command::MakeCall {
        call,
        number: "21".into(),
        block_id: false,
        country_code: 0,
        call_param_flags: 0,
    };
    let server = stage.server.number + 500;
    let mut handle = 0;
    stage.session.make(request, line, server, command, |made| handle = made)?;
    Ok(handle)
}

fn made_call(stage: &Stage) -> CallId {
    stage.engine.commands().last().and_then(Command::call).expect("a command")
}

// ---- lines ---------------------------------------------------------------------------------

#[test]
fn an_open_line_is_allocated_until_it_is_closed() {
    let (stage, line) = Stage::opened();
    let open = || {
        stage.session.open_line(stage.device(), 1, 0x0003_0000, on_event, |_| panic!("no handle"))
    };
    assert_eq!(open(), Err(LineErr::Allocated));
    assert_eq!(stage.session.close_line(line), Ok(()));
    assert_eq!(stage.session.close_line(line), Err(LineErr::InvalLineHandle));
    assert_ne!(stage.open(), line, "a handle never comes twice");
    let version = 0x0003_0000;
    assert_eq!(
        stage.engine.facts(),
        [
            HostFact::LineOpened { line: LINE, opening: FIRST, version },
            HostFact::LineClosed { line: LINE, opening: FIRST },
            HostFact::LineOpened { line: LINE, opening: Opening(2), version },
        ]
    );
}

#[test]
fn a_line_opens_by_a_known_id_and_version_only() {
    let stage = Stage::new();
    let open = |device, version| {
        stage.session.open_line(device, 1, version, on_event, |_| panic!("no handle"))
    };
    assert_eq!(open(stage.device() + 1, 0x0003_0000), Err(LineErr::BadDeviceId));
    assert_eq!(open(stage.device(), 0x0003_0001), Err(LineErr::IncompatibleApiVersion));
    stage.publish(LineView { removed: true, ..view(LINE, &[]) });
    assert_eq!(open(stage.device(), 0x0003_0000), Err(LineErr::NoDevice));
    assert_eq!(stage.engine.events(), []);
}

#[test]
fn what_is_said_reaches_the_line_that_it_was_meant_for() {
    let (stage, line) = Stage::opened();
    let heard = stage.say(FIRST, Notice::AddressState(0x28));
    assert_eq!(stage.settle(heard), Outcome::Delivered);
    let server_line = stage.server.number + 1;
    assert_eq!(stage.server.log(), [Said::Event(server_line, 0, LINE_ADDRESSSTATE, 0, 0x28)]);

    stage.session.close_line(line).unwrap();
    let late = stage.say(FIRST, Notice::AddressState(0x28));
    assert_eq!(stage.settle(late), Outcome::Withheld);
    stage.open();
    let later_still = stage.say(FIRST, Notice::AddressState(0x28));
    assert_eq!(stage.settle(later_still), Outcome::Withheld, "meant for an earlier opening");
    assert_eq!(stage.server.log().len(), 1);
}

#[test]
fn a_new_line_is_announced_and_lives_under_the_id_that_the_server_gives_it() {
    let stage = Stage::new();
    let (line, device) = (LineId(9), stage.device() + 30);
    let about = |notice| Telling { line, opening: Opening(0), what: What::Notice(notice) };
    stage.show(line, &[]);
    assert_eq!(stage.settle(stage.tell(about(Notice::LineCreated))), Outcome::Delivered);
    let provider = stage.server.number;
    assert_eq!(stage.server.log(), [Said::Event(0, 0, LINE_CREATE, provider, 9)]);
    assert_eq!(stage.session.devices().create(9, device), Ok(()));
    assert_eq!(stage.session.device(device), Ok(line));

    stage.publish(LineView { removed: true, ..view(line, &[]) });
    assert_eq!(stage.settle(stage.tell(about(Notice::LineRemoved))), Outcome::Delivered);
    let removed = Said::Event(0, 0, LINE_REMOVE, device as usize, 0);
    assert_eq!(stage.server.log().last(), Some(&removed));
    assert_eq!(stage.session.device(device), Err(LineErr::NoDevice));
}

// ---- calls that the PBX brings -------------------------------------------------------------

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

// ---- requests ------------------------------------------------------------------------------

#[test]
fn a_made_call_exists_from_its_completion_on() {
    let (stage, line) = Stage::opened();
    let request = stage.request();
    let handle = make_call(&stage, line, request).unwrap();
    assert_eq!(stage.session.call(handle), Err(LineErr::InvalCallHandle), "pending");
    let made = made_call(&stage);
    assert!(made.is_made());

    let session = Arc::clone(&stage.session);
    let was_valid = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&was_valid);
    stage.server.react(move |said| {
        if let Said::Completion(..) = said {
            seen.store(session.call(handle).is_ok(), Ordering::Relaxed);
        }
    });
    stage.complete(FIRST, request, Ok(()));
    let state = stage.say(FIRST, state_of(made, CallState::Dialing));
    assert_eq!(stage.settle(state), Outcome::Delivered);
    assert!(was_valid.load(Ordering::Relaxed), "valid inside the completion already");
    let number = stage.server.number;
    assert_eq!(
        stage.server.log(),
        [
            Said::Completion(request, 0),
            Said::Event(number + 1, number + 500, LINE_CALLSTATE, 0x10, 1),
        ]
    );
}

#[test]
fn a_call_that_could_not_be_made_never_existed() {
    let (stage, line) = Stage::opened();
    let request = stage.request();
    let handle = make_call(&stage, line, request).unwrap();
    let made = made_call(&stage);
    stage.complete(FIRST, request, Err(LineErr::OperationFailed));
    let state = stage.say(FIRST, state_of(made, CallState::Dialing));
    assert_eq!(stage.settle(state), Outcome::Withheld);
    assert_eq!(stage.server.log(), [Said::Completion(request, FAILED)]);
    assert_eq!(stage.session.call(handle), Err(LineErr::InvalCallHandle));
    // Some servers close it all the same.
    assert_eq!(stage.session.close_call(handle), Ok(()));
    assert_eq!(stage.session.close_call(handle), Err(LineErr::InvalCallHandle));
}

#[test]
fn handles_of_calls_that_could_not_be_made_do_not_pile_up() {
    let (stage, line) = Stage::opened();
    let handles: Vec<HDrvCall> = (0..70)
        .map(|_| {
            let request = stage.request();
            let handle = make_call(&stage, line, request).unwrap();
            stage.settle(stage.complete(FIRST, request, Err(LineErr::OperationFailed)));
            handle
        })
        .collect();
    let closed = |handle: &&HDrvCall| stage.session.close_call(**handle) == Ok(());
    assert_eq!(handles.iter().filter(closed).count(), 64, "the latest ones");
    assert_eq!(stage.session.close_line(line), Ok(()));
}

#[test]
fn a_host_that_is_far_behind_with_its_callbacks_gets_no_more_to_do() {
    let (stage, line) = Stage::opened();
    let handle = stage.bring(FIRST, call(1), CallState::Connected);
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    stage.server.react(move |_| {
        let _ = wait.lock().unwrap().recv();
    });
    for _ in 0..=crate::inbox::FULL + crate::inbox::LOT {
        stage.say(FIRST, Notice::AddressState(0x20));
    }
    let request = stage.request();
    let drop_call = || stage.session.ask(request, handle, Command::Drop);
    assert_eq!(drop_call(), Err(LineErr::ResourceUnavail));
    assert_eq!(make_call(&stage, line, request), Err(LineErr::ResourceUnavail));
    // It may still close what it has, and once it returns all is well again.
    drop(go_on);
    wait_for("the queue to be shorter", || drop_call().is_ok());
    assert_eq!(stage.session.close_line(line), Ok(()));
}

#[test]
fn a_request_that_cannot_be_queued_is_refused_and_leaves_nothing_behind() {
    let (stage, line) = Stage::opened();
    let call_handle = stage.bring(FIRST, call(1), CallState::Offering);
    stage.engine.is_busy.store(true, Ordering::Relaxed);
    let request = stage.request();
    assert_eq!(make_call(&stage, line, request), Err(LineErr::ResourceUnavail));
    let asked = stage.session.ask(request, call_handle, Command::Answer);
    assert_eq!(asked, Err(LineErr::ResourceUnavail));
    stage.engine.is_busy.store(false, Ordering::Relaxed);
    let asked = stage.session.ask(request, call_handle, Command::Answer);
    assert_eq!(asked, Ok(RequestId(request)), "the id is free again");
    stage.session.close_line(line).unwrap();
    assert_eq!(stage.server.completions(request), [FAILED]);
}

#[test]
fn a_request_id_must_be_one_and_must_not_be_under_way() {
    let (stage, _) = Stage::opened();
    let handle = stage.bring(FIRST, call(1), CallState::Connected);
    let drop_call = |request| stage.session.ask(request, handle, Command::Drop);
    assert_eq!(drop_call(0), Err(LineErr::InvalParam));
    assert_eq!(drop_call(0x8000_0000), Err(LineErr::InvalParam));
    let request = stage.request();
    assert_eq!(drop_call(request), Ok(RequestId(request)));
    assert_eq!(drop_call(request), Err(LineErr::InvalParam));
    stage.settle(stage.complete(FIRST, request, Ok(())));
    assert_eq!(drop_call(request), Ok(RequestId(request)));
}

#[test]
fn a_request_must_be_legal_in_the_state_that_is_shown() {
    let (stage, line) = Stage::opened();
    let handle = stage.bring(FIRST, call(1), CallState::Connected);
    let answer = stage.session.ask(stage.request(), handle, Command::Answer);
    assert_eq!(answer, Err(LineErr::InvalCallState));
    stage.publish(LineView { in_service: false, ..view(LINE, &[]) });
    assert_eq!(make_call(&stage, line, stage.request()), Err(LineErr::InvalLineState));
    assert_eq!(stage.engine.commands(), []);
}

// ---- closing with something under way ------------------------------------------------------

#[test]
fn closing_a_line_completes_what_is_open_before_it_returns() {
    let (stage, line) = Stage::opened();
    let request = stage.request();
    let handle = make_call(&stage, line, request).unwrap();
    assert_eq!(stage.session.close_line(line), Ok(()));
    assert_eq!(stage.server.log(), [Said::Completion(request, FAILED)]);
    assert_eq!(stage.session.close_call(handle), Err(LineErr::InvalCallHandle));

    let late = stage.complete(FIRST, request, Err(LineErr::OperationFailed));
    assert_eq!(stage.settle(late), Outcome::Forced);
    assert_eq!(stage.server.log().len(), 1, "exactly once");
}

#[test]
fn closing_a_call_completes_its_requests_and_no_others() {
    let (stage, line) = Stage::opened();
    let handle = stage.bring(FIRST, call(1), CallState::Connected);
    let (drop_request, other) = (stage.request(), stage.request());
    stage.session.ask(drop_request, handle, Command::Drop).unwrap();
    make_call(&stage, line, other).unwrap();
    assert_eq!(stage.session.close_call(handle), Ok(()));
    assert_eq!(stage.server.completions(drop_request), [FAILED]);
    assert_eq!(stage.server.completions(other), []);
    assert_eq!(stage.settle(stage.complete(FIRST, drop_request, Ok(()))), Outcome::Forced);
    assert_eq!(stage.settle(stage.complete(FIRST, other, Ok(()))), Outcome::Delivered);
    assert_eq!(stage.server.completions(drop_request), [FAILED]);
}

#[test]
fn a_call_that_is_only_being_made_can_be_closed() {
    let (stage, line) = Stage::opened();
    let request = stage.request();
    let handle = make_call(&stage, line, request).unwrap();
    let made = made_call(&stage);
    assert_eq!(stage.session.close_call(handle), Ok(()));
    assert_eq!(stage.server.completions(request), [FAILED]);
    assert_eq!(stage.engine.facts().last(), Some(&HostFact::CallClosed(made)));
    let state = stage.say(FIRST, state_of(made, CallState::Dialing));
    assert_eq!(stage.settle(state), Outcome::Withheld);
}

#[test]
fn a_request_number_used_again_after_a_close_gets_its_own_completion() {
    let (stage, line) = Stage::opened();
    let handle = stage.bring(FIRST, call(1), CallState::Connected);
    let request = stage.request();
    stage.session.ask(request, handle, Command::Drop).unwrap();
    stage.session.close_call(handle).unwrap();
    make_call(&stage, line, request).unwrap();
    assert_eq!(stage.settle(stage.complete(FIRST, request, Ok(()))), Outcome::Forced);
    assert_eq!(stage.server.completions(request), [FAILED], "that was the first one's");
    assert_eq!(stage.settle(stage.complete(FIRST, request, Ok(()))), Outcome::Delivered);
    assert_eq!(stage.server.completions(request), [FAILED, 0]);
}

/// Closes a call with a request under way from inside a callback about it.
fn close_from_inside(close: impl Fn(&Stage, HDrvLine, HDrvCall) + Send + Sync + 'static) {
    let (stage, line) = Stage::opened();
    let stage = Arc::new(stage);
    let handle = stage.bring(FIRST, call(1), CallState::Connected);
    let request = stage.request();
    stage.session.ask(request, handle, Command::Drop).unwrap();

    let completed_inside = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&completed_inside);
    let weak = Arc::downgrade(&stage);
    stage.server.react(move |said| {
        if let (Said::Event(_, _, LINE_CALLINFO, ..), Some(stage)) = (said, weak.upgrade()) {
            close(&stage, line, handle);
            *seen.lock().unwrap() = stage.server.completions(request);
        }
    });
    stage.say(FIRST, Notice::CallInfo(call(1), 0x8000));
    wait_for("the close", || stage.server.completions(request) == [FAILED]);
    wait_for("its return", || *completed_inside.lock().unwrap() == [FAILED]);
    assert!(!stage.server.nested.load(Ordering::Relaxed), "no callback inside another");
}

#[test]
fn a_call_closed_inside_a_callback_completes_first_and_beside_it() {
    close_from_inside(|stage, _, call| assert_eq!(stage.session.close_call(call), Ok(())));
}

#[test]
fn a_line_closed_inside_a_callback_completes_first_and_beside_it() {
    close_from_inside(|stage, line, _| assert_eq!(stage.session.close_line(line), Ok(())));
}

#[test]
fn a_session_ended_inside_a_callback_completes_first_and_beside_it() {
    close_from_inside(|stage, _, _| stage.session.end(Duration::from_secs(4)));
}

#[test]
fn a_close_waits_for_a_callback_about_what_it_closes() {
    let (stage, _) = Stage::opened();
    let handle = stage.bring(FIRST, call(1), CallState::Connected);
    let (entered, is_entered) = mpsc::channel();
    let (release, is_released) = mpsc::channel::<()>();
    let is_released = Mutex::new(is_released);
    stage.server.react(move |_| {
        entered.send(()).unwrap();
        // Released by the test, or by its end.
        let _ = is_released.lock().unwrap().recv();
    });
    stage.say(FIRST, Notice::CallInfo(call(1), 0x8000));
    is_entered.recv().unwrap();

    let session = Arc::clone(&stage.session);
    let closed = Arc::new(AtomicBool::new(false));
    let done = Arc::clone(&closed);
    let closer = thread::spawn(move || {
        session.close_call(handle).unwrap();
        done.store(true, Ordering::SeqCst);
    });
    wait_for("the close to begin", || stage.session.call(handle) == Err(LineErr::InvalCallHandle));
    wait_for("the close to wait", || stage.session.book().awaiting == 1);
    assert!(!closed.load(Ordering::SeqCst));
    release.send(()).unwrap();
    closer.join().unwrap();
    assert!(closed.load(Ordering::SeqCst));
}

#[test]
fn a_close_does_not_wait_for_callbacks_about_something_else() {
    let stage = Stage::with_lines(&[LINE, LineId(2)]);
    stage.open();
    let mut other = 0;
    stage
        .session
        .open_line(stage.device() + 1, stage.server.number + 2, 0x0003_0000, on_event, |h| {
            other = h
        })
        .unwrap();
    let (entered, is_entered) = mpsc::channel();
    let (release, is_released) = mpsc::channel::<()>();
    let is_released = Mutex::new(is_released);
    stage.server.react(move |_| {
        entered.send(()).unwrap();
        let _ = is_released.lock().unwrap().recv();
    });
    stage.say(FIRST, Notice::AddressState(0x20));
    is_entered.recv().unwrap();
    assert_eq!(stage.session.close_line(other), Ok(()));
    release.send(()).unwrap();
}

// ---- the end -------------------------------------------------------------------------------

#[test]
fn the_end_completes_what_is_open_and_nothing_is_said_after_it() {
    let (stage, line) = Stage::opened();
    let call_handle = stage.bring(FIRST, call(1), CallState::Offering);
    let (made, answered) = (stage.request(), stage.request());
    make_call(&stage, line, made).unwrap();
    stage.session.ask(answered, call_handle, Command::Answer).unwrap();
    stage.session.end(Duration::from_secs(4));
    assert!(stage.engine.is_stopped.load(Ordering::Relaxed));
    assert_eq!(stage.server.completions(made), [FAILED]);
    assert_eq!(stage.server.completions(answered), [FAILED]);
    assert_eq!(stage.session.line(line), Err(LineErr::InvalLineHandle));
    assert_eq!(stage.session.call(call_handle), Err(LineErr::InvalCallHandle));
    assert!(stage.session.sink.lock().unwrap().is_none(), "its thread is joined");

    let said = stage.server.log().len();
    stage.say(FIRST, Notice::CallInfo(call(1), 0x20));
    stage.complete(FIRST, made, Ok(()));
    assert_eq!(Arc::strong_count(&stage.session), 1, "nobody is left to say anything");
    assert_eq!(stage.server.log().len(), said);
}

#[test]
fn a_host_that_never_returns_from_a_callback_cannot_hold_up_the_end() {
    let (stage, line) = Stage::opened();
    let (entered, is_entered) = mpsc::channel();
    let (release, is_released) = mpsc::channel::<()>();
    let is_released = Mutex::new(is_released);
    stage.server.react(move |said| {
        if let Said::Event(..) = said {
            entered.send(()).unwrap();
            let _ = is_released.lock().unwrap().recv();
        }
    });
    let request = stage.request();
    make_call(&stage, line, request).unwrap();
    stage.say(FIRST, Notice::AddressState(0x20));
    is_entered.recv().unwrap();
    let begun = Instant::now();
    stage.session.end(Duration::from_millis(300));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(stage.server.completions(request), [FAILED]);
    assert!(stage.engine.is_stopped.load(Ordering::Relaxed));
    drop(release);
}

// ---- all at once ---------------------------------------------------------------------------

/// Invariant I-06 under fire: threads make calls and close calls and lines while an engine
/// completes what it is asked, and every request that was taken completes exactly once.
#[test]
fn every_request_taken_completes_exactly_once_whatever_is_closed_meanwhile() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 200;
    let lines: Vec<LineId> = (1..=THREADS as u32).map(LineId).collect();
    // Request ids of this test go beyond a stage's thousand, so it completes its own.
    let stage = Stage::with_lines(&lines);
    let taken = Mutex::new(Vec::new());
    let (over, next) = (AtomicBool::new(false), AtomicUsize::new(0));
    let request = AtomicU32::new(0);
    thread::scope(|scope| {
        let engine = scope.spawn(|| {
            loop {
                let events = stage.engine.events();
                let from = next.swap(events.len(), Ordering::Relaxed);
                for event in &events[from..] {
                    if let engine::fact::Event::App(line, opening, id, _) = *event {
                        let what = What::Completed(id, Ok(()));
                        stage.tell(Telling { line, opening, what });
                    }
                }
                if over.load(Ordering::Relaxed) && stage.engine.events().len() == events.len() {
                    return;
                }
                thread::yield_now();
            }
        });
        let hosts: Vec<_> = (0..THREADS)
            .map(|index| {
                let (stage, taken, request) = (&stage, &taken, &request);
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        let mut line = 0;
                        stage
                            .session
                            .open_line(
                                stage.device() + index as u32,
                                stage.server.number + index + 1,
                                0x0003_0000,
                                on_event,
                                |handle| line = handle,
                            )
                            .unwrap();
                        // Stays within the stage's numbers: 4 * 200 < 1000.
                        let id =
                            stage.server.number as u32 + request.fetch_add(1, Ordering::Relaxed);
                        let call = make_call(stage, line, id).unwrap();
                        taken.lock().unwrap().push(id);
                        if round % 3 == 0 {
                            // It may have failed or been closed; both are fine.
                            let _ = stage.session.close_call(call);
                        }
                        if round % 2 == 0 {
                            thread::yield_now();
                        }
                        stage.session.close_line(line).unwrap();
                        assert_eq!(stage.server.completions(id).len(), 1, "before it returned");
                    }
                })
            })
            .collect();
        hosts.into_iter().for_each(|host| host.join().unwrap());
        over.store(true, Ordering::Relaxed);
        engine.join().unwrap();
    });
    stage.session.end(Duration::from_secs(4));
    for id in taken.into_inner().unwrap() {
        assert_eq!(stage.server.completions(id).len(), 1, "request {id}");
    }
    assert!(!stage.server.nested.load(Ordering::Relaxed));
}
