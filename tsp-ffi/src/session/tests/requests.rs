//! Requests of applications, and the calls they make.

use super::*;

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
fn a_made_call_counts_from_its_completion_on() {
    let (stage, line) = Stage::opened();
    let request = stage.request();
    make_call(&stage, line, request).unwrap();
    let made = made_call(&stage);
    stage.show(LINE, &[(made, CallState::Dialing), (call(3), CallState::Connected)]);
    let active = |session: &Session| session.look_and_count(LINE, |_, counts| counts.active);
    assert_eq!(active(&stage.session), Some(1), "what the PBX has done is not told yet");

    let session = Arc::clone(&stage.session);
    let counted = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&counted);
    stage.server.react(move |said| {
        if let Said::Completion(..) = said {
            seen.store(active(&session).unwrap_or(0), Ordering::Relaxed);
        }
    });
    stage.settle(stage.complete(FIRST, request, Ok(())));
    assert_eq!(counted.load(Ordering::Relaxed), 2, "inside the completion already");
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
