//! The end of a session, and everything at once.

use super::*;

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
