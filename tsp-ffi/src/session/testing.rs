//! A telephony server and an engine for the tests of this crate, as small as can be.
//!
//! C procedures carry no context, so every stage has a number, and all handles, request ids,
//! device ids and provider names that it uses lie between `number` and `number + 999` times 1000.

use super::{Devices, Parts, Server, Session};
use crate::abi::{HDrvCall, HDrvLine, HTapiCall, LINE_NEWCALL};
use crate::inbox::Inbox;
use crate::intake::Intake;
use adapters::runtime::{Audience, Busy, Caused};
use adapters::views::Views;
use engine::call::{Siblings, features};
use engine::effect::{Notice, Telling, What};
use engine::fact::{Command, Completion, Event, HostFact, Outcome, Told};
use engine::id::{CallId, Guid, LineId, Opening, RequestId};
use engine::tapi::CallState;
use engine::time::Millis;
use engine::view::{CallCard, CallView, Identity, LineView, PartyId, Wide};
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// A session with its surroundings.
pub(crate) struct Stage {
    pub(crate) session: Arc<Session>,
    pub(crate) server: Arc<TestServer>,
    pub(crate) engine: Arc<TestEngine>,
    views: Arc<Views>,
    inbox: Arc<Inbox>,
    seq: AtomicU64,
}

/// What the server was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Line, call, message and its first two parameters.
    Event(usize, usize, u32, usize, usize),
    /// Request and result.
    Completion(u32, i32),
}

type Reaction = Box<dyn Fn(Said) + Send + Sync>;

/// The server's side.
pub(crate) struct TestServer {
    pub(crate) number: usize,
    log: Mutex<Vec<Said>>,
    reaction: Mutex<Option<Arc<Reaction>>>,
    /// Whether it takes calls offered by LINE_NEWCALL.
    pub(crate) takes_calls: AtomicBool,
    /// Handles of the calls it was offered, in order.
    offered: Mutex<Vec<HDrvCall>>,
    given: AtomicU32,
    requests: AtomicU32,
    pub(crate) nested: AtomicBool,
}

/// The engine's side: keeps what was submitted.
#[derive(Default)]
pub(crate) struct TestEngine {
    events: Mutex<Vec<Event>>,
    told: Mutex<Vec<Told>>,
    pub(crate) is_busy: AtomicBool,
    pub(crate) is_stopped: AtomicBool,
}

pub(crate) const LINE: LineId = LineId(1);

/// A call that the PBX brought to [`LINE`].
pub(crate) fn call(serial: u32) -> CallId {
    CallId { line: LINE, serial }
}

impl Stage {
    /// A running session with the given lines.
    pub(crate) fn with_lines(lines: &[LineId]) -> Stage {
        static STAGES: AtomicU32 = AtomicU32::new(1);
        let number = STAGES.fetch_add(1, Ordering::Relaxed) as usize * 1000;
        let server = Arc::new(TestServer {
            number,
            log: Mutex::default(),
            reaction: Mutex::default(),
            takes_calls: AtomicBool::new(true),
            offered: Mutex::default(),
            given: AtomicU32::new(100),
            requests: AtomicU32::new(0),
            nested: AtomicBool::new(false),
        });
        servers().lock().unwrap().insert(number / 1000, Arc::clone(&server));
        let (views, inbox) = (Arc::new(Views::default()), Arc::new(Inbox::new()));
        let engine = Arc::new(TestEngine::default());
        let session = Arc::new(Session::new(Parts {
            views: Arc::clone(&views),
            metrics: Arc::default(),
            devices: Devices::new(number as u32, lines.to_vec()),
            server: Server { completion: on_completion, create: Some(on_event), provider: number },
            intake: Box::new(Arc::clone(&engine)),
            inbox: Arc::clone(&inbox),
            generation: 1,
        }));
        session.start().unwrap();
        let stage = Stage { session, server, engine, views, inbox, seq: AtomicU64::new(1) };
        lines.iter().for_each(|line| stage.show(*line, &[]));
        stage
    }

    /// A running session with one line.
    pub(crate) fn new() -> Stage {
        Stage::with_lines(&[LINE])
    }

    /// The same with the line open.
    pub(crate) fn opened() -> (Stage, HDrvLine) {
        let stage = Stage::new();
        let line = stage.open();
        (stage, line)
    }

    pub(crate) fn device(&self) -> u32 {
        self.server.number as u32
    }

    /// Opens the first line at version 3.0.
    pub(crate) fn open(&self) -> HDrvLine {
        let mut handle = 0;
        let server_line = self.server.number + 1;
        self.session
            .open_line(self.device(), server_line, 0x0003_0000, on_event, |h| handle = h)
            .unwrap();
        assert_ne!(handle, 0);
        handle
    }

    /// Publishes a view of a line in service with the given calls.
    pub(crate) fn show(&self, line: LineId, calls: &[(CallId, CallState)]) {
        self.publish(view(line, calls));
    }

    pub(crate) fn publish(&self, view: LineView) {
        self.views.publish(view.identity.line, Arc::new(view));
    }

    /// The engine says something about an opening of [`LINE`]; returns the sequence number.
    pub(crate) fn say(&self, opening: Opening, notice: Notice) -> u64 {
        self.tell(Telling { line: LINE, opening, what: What::Notice(notice) })
    }

    /// The engine completes a request of an opening of [`LINE`].
    pub(crate) fn complete(&self, opening: Opening, request: u32, result: Completion) -> u64 {
        let what = What::Completed(RequestId(request), result);
        self.tell(Telling { line: LINE, opening, what })
    }

    pub(crate) fn tell(&self, telling: Telling) -> u64 {
        let seq = self.seq.fetch_add(1, Ordering::Relaxed);
        self.inbox.hear(vec![Caused { seq, telling }]);
        seq
    }

    /// Brings a call: shows it, announces it, and returns the handle that the server got.
    pub(crate) fn bring(&self, opening: Opening, id: CallId, state: CallState) -> HDrvCall {
        self.show(id.line, &[(id, state)]);
        self.say(opening, Notice::NewCall(id));
        self.settle(self.say(opening, state_of(id, state)));
        self.server.last_offered()
    }

    /// Waits until what was said under that number, and before, has been told of.
    pub(crate) fn settle(&self, seq: u64) -> Outcome {
        let told = || self.engine.told.lock().unwrap().iter().find(|told| told.seq == seq).copied();
        wait_for("what was said to be told", || told().is_some());
        told().unwrap().outcome
    }

    /// A request id that was not used before.
    pub(crate) fn request(&self) -> u32 {
        self.server.number as u32 + self.server.requests.fetch_add(1, Ordering::Relaxed)
    }
}

impl TestServer {
    /// The handle of the call that it was offered last.
    pub(crate) fn last_offered(&self) -> HDrvCall {
        *self.offered.lock().unwrap().last().unwrap()
    }

    /// All that was said, in order.
    pub(crate) fn log(&self) -> Vec<Said> {
        self.log.lock().unwrap().clone()
    }

    /// Results of a request's completions.
    pub(crate) fn completions(&self, request: u32) -> Vec<i32> {
        let of_request = |said: &Said| match *said {
            Said::Completion(completed, result) if completed == request => Some(result),
            _ => None,
        };
        self.log.lock().unwrap().iter().filter_map(of_request).collect()
    }

    /// What to do inside callbacks from now on.
    pub(crate) fn react(&self, reaction: impl Fn(Said) + Send + Sync + 'static) {
        *self.reaction.lock().unwrap() = Some(Arc::new(Box::new(reaction)));
    }

    fn hear(&self, said: Said) {
        thread_local!(static DEPTH: Cell<u32> = const { Cell::new(0) });
        if DEPTH.get() > 0 {
            self.nested.store(true, Ordering::Relaxed);
        }
        DEPTH.set(DEPTH.get() + 1);
        self.log.lock().unwrap().push(said);
        let reaction = self.reaction.lock().unwrap().clone();
        if let Some(reaction) = reaction {
            reaction(said);
        }
        DEPTH.set(DEPTH.get() - 1);
    }
}

impl TestEngine {
    /// All that was submitted, in order.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    /// Facts of the host among it.
    pub(crate) fn facts(&self) -> Vec<HostFact> {
        let fact = |event| if let Event::Host(fact) = event { Some(fact) } else { None };
        self.events().into_iter().filter_map(fact).collect()
    }

    /// Commands among it.
    pub(crate) fn commands(&self) -> Vec<Command> {
        let command =
            |event| if let Event::App(.., command) = event { Some(command) } else { None };
        self.events().into_iter().filter_map(command).collect()
    }
}

impl Intake for Arc<TestEngine> {
    fn submit(&self, event: Event) -> Result<(), Busy> {
        if self.is_busy.load(Ordering::Relaxed) && matches!(event, Event::App(..)) {
            return Err(Busy);
        }
        self.events.lock().unwrap().push(event);
        Ok(())
    }

    fn told(&self, told: Vec<Told>) {
        self.told.lock().unwrap().extend(told);
    }

    fn stop(self: Box<Self>, _within: Duration) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }
}

/// A line in service with the given calls.
pub(crate) fn view(line: LineId, calls: &[(CallId, CallState)]) -> LineView {
    LineView {
        identity: Arc::new(Identity {
            line,
            permanent: engine::id::PermanentId(line.0),
            guid: Guid::read("00112233445566778899aabbccddeeff"),
            name: Wide::from_text("Bob & <Sons> Müßig 李 📞"),
            number: Wide::from_text("20"),
            switch: Wide::from_text("IP6000 10.00"),
            cn: "Bob".into(),
            trunks: Arc::default(),
            modify_forwards: false,
            request_deadline_ms: 5_000,
            calls_kept_ms: 15_000,
            single_active_call: false,
            is_uui_encoded: false,
        }),
        forwards: Arc::default(),
        connected: true,
        in_service: true,
        removed: false,
        ringing: calls.iter().any(|(_, state)| *state == CallState::Offering),
        calls: calls.iter().map(|(id, state)| Arc::new(call_view(*id, *state))).collect(),
    }
}

fn call_view(id: CallId, state: CallState) -> CallView {
    let party = |number, name| PartyId::new(Wide::from_text(number), Wide::from_text(name), 0x20);
    CallView {
        id,
        state,
        mode: 1,
        features: features(state, Siblings::ANY, true),
        features_2: 0,
        is_conference: false,
        is_masked: false,
        since: Millis(951_782_400_000),
        info: Arc::new(CallCard {
            origin: 2,
            reason: 1,
            call_id: 77,
            related_call_id: 66,
            media: 4,
            caller: party("21", "Zoë Ünal"),
            called: party("20", ""),
            ..CallCard::default()
        }),
    }
}

pub(crate) fn state_of(call: CallId, state: CallState) -> Notice {
    Notice::CallState { call, state, mode: 1, media: 4 }
}

/// Waits for something that must come to pass.
pub(crate) fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn servers() -> &'static Mutex<HashMap<usize, Arc<TestServer>>> {
    static SERVERS: OnceLock<Mutex<HashMap<usize, Arc<TestServer>>>> = OnceLock::new();
    SERVERS.get_or_init(Mutex::default)
}

fn server_of(number: usize) -> Arc<TestServer> {
    Arc::clone(servers().lock().unwrap().get(&(number / 1000)).expect("a stage's number"))
}

/// LINEEVENT and the line-create procedure.
pub(crate) unsafe extern "system" fn on_event(
    line: usize,
    call: HTapiCall,
    message: u32,
    p1: usize,
    p2: usize,
    _p3: usize,
) {
    let server = server_of(if line == 0 { p1 } else { line });
    if message == LINE_NEWCALL {
        server.offered.lock().unwrap().push(p1);
        server.hear(Said::Event(line, call, message, p1, 0));
        let given = if server.takes_calls.load(Ordering::Relaxed) {
            server.number + server.given.fetch_add(1, Ordering::Relaxed) as usize
        } else {
            0
        };
        // SAFETY: the second parameter of LINE_NEWCALL is the place of the server's handle.
        unsafe { std::ptr::with_exposed_provenance_mut::<HTapiCall>(p2).write(given) };
    } else {
        server.hear(Said::Event(line, call, message, p1, p2));
    }
}

/// ASYNC_COMPLETION.
pub(crate) unsafe extern "system" fn on_completion(request: u32, result: i32) {
    server_of(request as usize).hear(Said::Completion(request, result));
}
