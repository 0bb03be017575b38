//! Closing something with something under way.

use super::*;

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
