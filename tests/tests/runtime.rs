//! The runtime as a whole: a real HTTP server, a real sled folder, all threads.
#![allow(clippy::unwrap_used, missing_docs)]

use adapters::journal::LogReader;
use adapters::runtime::{Audience, Caused, Prepared, Runtime};
use adapters::settings::Settings;
use adapters::simulator::{Estate, Options, Simulator};
use engine::core::Core;
use engine::effect::{Effect, Notice, What};
use engine::fact::{Command, Event, HostFact, Outcome, Told};
use engine::id::{CallId, LineId, Opening, RequestId};
use engine::tapi::CallState;
use engine::told::{Verifier, crc};
use engine::view::LineView;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Hears all, and can wait for something.
#[derive(Default)]
struct Ear {
    heard: Mutex<Vec<Caused>>,
    more: Condvar,
    is_behind: AtomicBool,
}

impl Audience for Ear {
    fn hear(&self, batch: Vec<Caused>) {
        self.heard.lock().unwrap().extend(batch);
        self.more.notify_all();
    }

    fn is_behind(&self) -> bool {
        self.is_behind.load(Ordering::SeqCst)
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

impl Ear {
    fn wait_for(&self, what: &str, is_it: impl Fn(&What) -> bool) -> Caused {
        let deadline = Instant::now() + PATIENCE;
        let mut heard = self.heard.lock().unwrap();
        loop {
            if let Some(found) = heard.iter().find(|caused| is_it(&caused.telling.what)) {
                return found.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what} in {heard:#?}");
            heard = self.more.wait_timeout(heard, left).unwrap().0;
        }
    }
}

fn settings(simulator: &Simulator, log: &Path) -> Settings {
    let text = format!(
        "account = \"_TAPI_\"\npassword = \"secret\"\nuser = \"TAPI\"\n\
         [[pbx]]\nmaster = \"{}\"\n[log]\npath = {:?}\n",
        simulator.address(),
        log
    );
    Settings::parse(&text, Path::new("test.toml")).unwrap()
}

fn start(simulator: &Simulator, folder: &TempDir) -> (Runtime, Arc<Ear>) {
    let ear = Arc::new(Ear::default());
    let log = folder.path().join("log");
    let prepared = Prepared::with_settings(settings(simulator, &log)).unwrap();
    (prepared.start(ear.clone()).unwrap(), ear)
}

/// Waits until a line with that number is in service and gives its view.
fn line(runtime: &Runtime, number: &str) -> LineView {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        for id in 1..=20 {
            if let Some(guard) = runtime.views().read(LineId(id)) {
                let view = guard.as_ref().unwrap();
                if view.identity.number.to_text() == number && view.in_service {
                    return LineView::clone(view);
                }
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let seen: Vec<_> = (1..=20)
        .filter_map(|id| Some((**runtime.views().read(LineId(id))?.as_ref()?).clone()))
        .map(|view| (view.identity.number.to_text(), view.connected, view.in_service))
        .collect();
    panic!("line {number} did not come into service: {seen:?}");
}

fn open(runtime: &Runtime, number: &str) -> LineId {
    let line = line(runtime, number).identity.line;
    let opening = Opening(line.0);
    let fact = HostFact::LineOpened { line, opening, version: 0x0003_0000 };
    runtime.submit(Event::Host(fact)).unwrap();
    line
}

fn is_state(what: &What, wanted: CallState) -> bool {
    matches!(what, What::Notice(Notice::CallState { state, .. }) if *state == wanted)
}

#[test]
fn a_call_rings_through_to_the_audience_and_its_log_replays_to_the_same_callbacks() {
    let folder = TempDir::new().unwrap();
    let simulator = Simulator::start(&Estate::built_in(), Options::default()).unwrap();
    let (runtime, ear) = start(&simulator, &folder);
    let called = open(&runtime, "20");
    let calling = open(&runtime, "21");
    runtime.settle(Instant::now() + PATIENCE);

    simulator.control("call 21 20").unwrap();
    let offered = ear.wait_for("offering", |what| is_state(what, CallState::Offering));
    assert_eq!(offered.telling.line, called);
    let view = line(&runtime, "20");
    assert_eq!(view.calls[0].info.caller.number.to_text(), "21");
    let answer = Command::Answer(view.calls[0].id);
    runtime.submit(Event::App(called, Opening(called.0), RequestId(1), answer)).unwrap();
    ear.wait_for("answer", |what| matches!(what, What::Completed(RequestId(1), Ok(()))));
    simulator.control("hangup 21").unwrap();
    ear.wait_for("idle", |what| is_state(what, CallState::Idle));

    let made = CallId { line: calling, serial: CallId::FIRST_MADE };
    let make = Command::MakeCall {
        call: made,
        number: "22".into(),
        block_id: false,
        country_code: 0,
        call_param_flags: 0,
    };
    runtime.submit(Event::App(calling, Opening(calling.0), RequestId(2), make)).unwrap();
    ear.wait_for("made", |what| matches!(what, What::Completed(RequestId(2), Ok(()))));
    ear.wait_for("ringback", |what| is_state(what, CallState::Ringback));
    let drop = Command::Drop(made);
    runtime.submit(Event::App(calling, Opening(calling.0), RequestId(3), drop)).unwrap();
    ear.wait_for("dropped", |what| matches!(what, What::Completed(RequestId(3), Ok(()))));

    let told: Vec<Told> = (ear.heard.lock().unwrap().iter())
        .map(|c| Told { seq: c.seq, crc: crc(&c.telling), outcome: Outcome::Delivered })
        .collect();
    runtime.told(&told);
    assert_eq!(simulator.with_model(|pbx| pbx.session_count()), 1);
    runtime.stop(Duration::from_secs(5));
    assert_eq!(simulator.with_model(|pbx| pbx.session_count()), 0, "the session was ended");

    let heard = ear.heard.lock().unwrap().clone();
    let log = LogReader::open(&folder.path().join("log"), PATIENCE).unwrap();
    let (mut core, mut derived, mut verifier) = (Core::default(), Vec::new(), Verifier::default());
    for record in log.records_from(0) {
        let (seq, record) = record.unwrap();
        let mut effects = Vec::new();
        core.apply(record.clone(), &mut effects);
        verifier.take(seq, &record, &effects);
        derived.extend(effects.into_iter().filter_map(|effect| match effect {
            Effect::Tell(telling) => Some(Caused { seq, telling }),
            _ => None,
        }));
    }
    assert_eq!(derived, heard);
    assert_eq!(verifier.difference(), None);
    assert!(verifier.tally().compared >= 10, "{:?}", verifier.tally());
}

/// A host that does not return from a callback must not fill the memory (I-24).
#[test]
fn while_the_audience_is_behind_what_happens_waits_at_the_pbx_and_requests_are_still_answered() {
    let folder = TempDir::new().unwrap();
    let simulator = Simulator::start(&Estate::built_in(), Options::default()).unwrap();
    let (runtime, ear) = start(&simulator, &folder);
    let calling = open(&runtime, "21");
    let called = open(&runtime, "20");
    runtime.settle(Instant::now() + PATIENCE);
    ear.is_behind.store(true, Ordering::SeqCst);
    // The Poll that is out already brings this one; no other follows it.
    simulator.control("call 21 20").unwrap();
    ear.wait_for("the first call", |what| is_state(what, CallState::Offering));
    let polls = || simulator.control("count Poll").unwrap();
    let before = polls();
    simulator.control("call 23 21").unwrap();
    let drop = Command::Drop(line(&runtime, "20").calls[0].id);
    runtime.submit(Event::App(called, Opening(called.0), RequestId(1), drop)).unwrap();
    // The PBX has taken it, though nobody hears of it: that would be the next Poll.
    let deadline = Instant::now() + PATIENCE;
    while simulator.control("count UserClear").unwrap() != "1" {
        assert!(Instant::now() < deadline, "the request reaches the PBX");
        std::thread::sleep(Duration::from_millis(2));
    }
    runtime.settle(Instant::now() + PATIENCE);
    assert_eq!(polls(), before, "the PBX is not polled");
    ear.is_behind.store(false, Ordering::SeqCst);
    ear.wait_for("the end of the request", |what| {
        matches!(what, What::Completed(RequestId(1), Ok(())))
    });
    let second = ear.wait_for("the second call", |what| {
        matches!(what, What::Notice(Notice::NewCall(call)) if call.line == calling && call.serial > 1)
    });
    assert_eq!(second.telling.line, calling);
    runtime.stop(Duration::from_secs(5));
}
