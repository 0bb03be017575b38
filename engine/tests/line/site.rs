//! A provider with one PBX and three opened lines, driven record by record under the watch of the
//! invariants: what the tests of calls share.

use engine::core::Core;
use engine::effect::{Effect, Effects, Notice, Order, Request, What};
use engine::fact::*;
use engine::id::*;
use engine::invariant::Watch;
use engine::place::Place;
use engine::time::{Millis, Timer};
use engine::view::LineView;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A provider with one PBX and three opened lines: Anna (line 1, user handle 11), Ben (2, 12) and
/// Cleo (3, 13), driven record by record.
pub struct Site {
    pub core: Core,
    pub watch: Watch,
    pub now: u64,
    pub attempt: Attempt,
    /// Commands of each line so far, and under which ticket a request was last.
    turns: BTreeMap<u32, u32>,
    tickets: BTreeMap<(u32, u32), Ticket>,
    /// Legs that the PBX has reported and not ended.
    pub legs: BTreeSet<u32>,
    /// Everything wanted since it was last taken.
    pub effects: Effects,
}

pub const PBX: PbxId = PbxId(0);

impl Site {
    pub fn new() -> Site {
        let mut site = Site::closed();
        for line in 1..=3 {
            site.open(line);
        }
        site.effects.clear();
        site
    }

    /// The same before any line was opened.
    pub fn closed() -> Site {
        let mut site = Site {
            core: Core::default(),
            watch: Watch::default(),
            now: 1_000,
            attempt: Attempt(1),
            turns: BTreeMap::new(),
            tickets: BTreeMap::new(),
            legs: BTreeSet::new(),
            effects: Vec::new(),
        };
        site.host(HostFact::Started);
        site.host(HostFact::Configured(Configuration {
            user: "TAPI".into(),
            pbxs: vec![PbxSettings { master: Place::at("pbx"), standby: None }],
            name_template: "%c".into(),
            ..Configuration::default()
        }));
        site.session(10);
        site
    }

    pub fn session(&mut self, handles_from: u32) {
        self.pbx(PbxFact::Identified(Identification::default()));
        self.pbx(PbxFact::Initialized { session: 41, place: Arc::default() });
        for (n, cn) in [(1, "Anna"), (2, "Ben"), (3, "Cleo")] {
            self.pbx(PbxFact::User(user(n, cn).into()));
        }
        self.pbx(PbxFact::User(UserInfo { active: true, ..UserInfo::default() }.into()));
        self.pbx(PbxFact::Polled { count: 4, elapsed_ms: 1 });
        for n in 1..=3 {
            self.pbx(PbxFact::UserInitialized(LineId(n), UserHandle(handles_from + n)));
        }
    }

    pub fn open(&mut self, line: u32) {
        let (line, opening) = (LineId(line), Opening(line));
        self.host(HostFact::LineOpened { line, opening, version: 0x0003_0000 });
        let (line_states, address_states) = (0x1FF_FFFF, 0x1FF);
        self.host(HostFact::StatusMessages { line, line_states, address_states });
    }

    pub fn event(&mut self, event: Event) {
        self.now += 1;
        let record = Record { at: Millis(self.now), event };
        let before = self.effects.len();
        self.watch.before(&record).unwrap();
        self.core.apply(record.clone(), &mut self.effects);
        self.watch.after(&record, &self.effects[before..], &self.core).unwrap();
    }

    pub fn host(&mut self, fact: HostFact) {
        self.event(Event::Host(fact));
    }

    pub fn pbx(&mut self, fact: PbxFact) {
        self.event(Event::Pbx(PBX, self.attempt, fact));
    }

    pub fn call(&mut self, leg: u32, state: u32) {
        self.legs.insert(leg);
        self.pbx(PbxFact::Call(call(leg, state)));
    }

    pub fn del(&mut self, leg: u32) {
        self.legs.remove(&leg);
        let info =
            CallInfo { active: false, msg: Msg::Del, parties: Parties::NONE, ..call(leg, 0) };
        self.pbx(PbxFact::Call(info));
    }

    pub fn app(&mut self, line: u32, request: u32, command: Command) {
        let turn = self.turns.entry(line).or_default();
        *turn += 1;
        let ticket = Ticket { request: RequestId(request), turn: *turn };
        self.tickets.insert((line, request), ticket);
        self.event(Event::App(LineId(line), Opening(line), RequestId(request), command));
    }

    pub fn reply(&mut self, line: u32, request: u32, reply: Reply) {
        let ticket = self.ticket(line, request);
        self.answer(line, ticket, reply);
    }

    /// The answer to what was asked under that name.
    pub fn answer(&mut self, line: u32, ticket: Ticket, reply: Reply) {
        self.event(Event::Reply(LineId(line), ticket, reply));
    }

    pub fn deadline(&mut self, line: u32, request: u32) {
        let ticket = self.ticket(line, request);
        self.event(Event::Due(Timer::Deadline(LineId(line), ticket)));
    }

    /// All names under which a line asked for something for an application.
    pub fn tickets(&self, line: u32) -> Vec<Ticket> {
        let of_line = self.tickets.iter().filter(|((of, _), _)| *of == line);
        of_line.map(|(_, ticket)| *ticket).collect()
    }

    /// Under which name the latest request of that number is asked for.
    pub fn ticket(&self, line: u32, request: u32) -> Ticket {
        self.tickets[&(line, request)]
    }

    /// A leg in its last phase, with a cause.
    pub fn cleared(&mut self, leg: u32, state: u32, cause: Option<u8>) {
        self.legs.insert(leg);
        self.pbx(PbxFact::Call(CallInfo { cause, ..call(leg, state) }));
    }

    pub fn make_call(&mut self, request: u32, serial: u32) -> CallId {
        let id = CallId { line: LineId(1), serial: CallId::FIRST_MADE + serial };
        let command = Command::MakeCall {
            call: id,
            number: "21".into(),
            block_id: false,
            country_code: 0,
            call_param_flags: 0,
        };
        self.app(1, request, command);
        id
    }

    /// Takes what was told about a line, in words.
    pub fn told(&mut self, line: u32) -> Vec<String> {
        let told = self.effects.iter().filter_map(|effect| match effect {
            Effect::Tell(telling) if telling.line == LineId(line) => Some(words(&telling.what)),
            _ => None,
        });
        let told = told.collect();
        self.effects.retain(|e| !matches!(e, Effect::Tell(t) if t.line == LineId(line)));
        told
    }

    /// The same without status messages.
    pub fn calls_told(&mut self, line: u32) -> Vec<String> {
        let mut told = self.told(line);
        told.retain(|words| !words.starts_with("line ") && !words.starts_with("address "));
        told
    }

    /// What was asked of the PBX since last asked for.
    pub fn asked(&mut self) -> Vec<Request> {
        let asked = self.effects.iter().filter_map(|effect| match effect {
            Effect::Ask(ask) => Some(ask.request.clone()),
            _ => None,
        });
        let asked = asked.collect();
        self.effects.retain(|effect| !matches!(effect, Effect::Ask(_)));
        asked
    }

    /// The orders among it.
    pub fn ordered(&mut self) -> Vec<Order> {
        let orders = self.asked().into_iter().filter_map(|request| match request {
            Request::Order { order, .. } => Some(order),
            _ => None,
        });
        orders.collect()
    }

    pub fn view(&self, line: u32) -> LineView {
        self.core.view(LineId(line)).unwrap()
    }
}

pub fn party(role: Role, cn: &str, e164: &str) -> Party {
    Party { role, cn: cn.into(), e164: e164.into(), ..Party::default() }
}

pub fn user(n: u32, cn: &str) -> UserInfo {
    UserInfo {
        active: true,
        registered: true,
        cn: cn.into(),
        e164: (19 + n).to_string().as_str().into(),
        kind: "ep".into(),
        guid: Guid::read(cn),
        ..UserInfo::default()
    }
}

/// An event of leg `leg`, of user 11 for legs in the 100s, 12 for the 200s, 13 for the 300s; the
/// legs 1xx, 2xx, 3xx with the same xx have one conf.
pub fn call(leg: u32, state: u32) -> CallInfo {
    let me = leg / 100;
    let party = |role, n: u32| Party {
        role,
        cn: ["", "Anna", "Ben", "Cleo"][n as usize].into(),
        e164: (19 + n).to_string().as_str().into(),
        ..Party::default()
    };
    CallInfo {
        user: 10 + me,
        call: leg,
        active: true,
        state,
        parties: [party(Role::This, me), party(Role::Peer, if me == 1 { 2 } else { 1 })].into(),
        conf: Guid::read(&format!("conf {}", leg % 100)),
        ..CallInfo::default()
    }
}

pub fn words(what: &What) -> String {
    match what {
        What::Completed(id, Ok(())) => format!("{} done", id.0),
        What::Completed(id, Err(error)) => format!("{} {error}", id.0),
        What::Notice(Notice::NewCall(call)) => format!("new {}", serial(*call)),
        What::Notice(Notice::CallState { call, state, mode, .. }) => {
            format!("{} {} {mode:#x}", serial(*call), state.name())
        }
        What::Notice(Notice::CallInfo(call, bits)) => format!("{} info {bits:#x}", serial(*call)),
        What::Notice(Notice::AddressState(bits)) => format!("address {bits:#x}"),
        What::Notice(Notice::LineDevState(bits, p2, p3)) => format!("line {bits:#x} {p2} {p3}"),
        What::Notice(Notice::Generated { call, term, tag }) => {
            format!("{} generated {term} {tag}", serial(*call))
        }
        What::Notice(Notice::LineCreated) => "created".into(),
        What::Notice(Notice::LineRemoved) => "removed".into(),
    }
}

pub fn serial(call: CallId) -> String {
    match call.serial.checked_sub(CallId::FIRST_MADE) {
        Some(made) => format!("made{made}"),
        None => format!("call{}", call.serial),
    }
}

pub fn made(line: u32, serial: u32) -> CallId {
    CallId { line: LineId(line), serial: CallId::FIRST_MADE + serial }
}

pub fn born(line: u32, serial: u32) -> CallId {
    CallId { line: LineId(line), serial }
}
