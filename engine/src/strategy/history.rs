//! Plausible histories: what could really have been said, in an order in which it could have been.
//!
//! A history is played from a list of small [`Step`]s, so that a failing one shrinks to few steps
//! and stays plausible while it does. The model behind it is deliberately simple: one PBX, eight
//! users, legs that go through the states of the PBX's SOAP reference, sections 3 and 6. It knows
//! nothing of how the engine decides, only what it would be told.

use super::step::Step;
use crate::diversion::{Diversion, Kind, Sources, Target, UserRecord};
use crate::fact::*;
use crate::forwarding::{Forward, Forwarding};
use crate::id::*;
use crate::pii::Personal;
use crate::place::Place;
use crate::time::{Millis, Timer};
use std::sync::Arc;

/// The model that turns steps into records.
#[derive(Clone, Debug)]
pub struct History {
    records: Vec<Record>,
    now: Millis,
    /// The present attempt to hold a session, and whether it holds.
    attempt: u32,
    is_up: bool,
    /// Grows with everything that gets a number: handles, requests, openings.
    count: u32,
    users: Vec<User>,
    legs: Vec<Leg>,
    requests: Vec<Open>,
    last_fact: Option<PbxFact>,
}

/// A user of the PBX. The engine numbers its lines in the order in which it hears of them, which
/// is the order of this model's users.
#[derive(Clone, Debug)]
struct User {
    registered: bool,
    exists: bool,
    handle: u32,
    opening: u32,
    born_calls: u32,
    made_calls: u32,
    /// The latest one that an application asked for.
    conference: Option<CallId>,
}

/// One user's end of a call.
#[derive(Clone, Debug)]
struct Leg {
    user: usize,
    id: CallId,
    handle: u32,
    conf: Guid,
    /// Whether the user is the one called.
    called: bool,
    /// Call-state bits without direction and hold.
    state: u32,
    held: bool,
    peer: u8,
    cause: Option<u8>,
}

/// A request of an application that the PBX has not answered yet.
#[derive(Clone, Debug)]
struct Open {
    request: RequestId,
    call: CallId,
    peer: u8,
    makes_call: bool,
    /// The PBX is asked for a name first.
    looks_up: bool,
    /// The answer names a parked leg.
    parks: bool,
}

const PBX: PbxId = PbxId(0);
const SETUP: u32 = 1;
const PROCEEDING: u32 = 3;
const ALERTING: u32 = 4;
const CONNECTED: u32 = 5;
const CLEARED_BY_PEER: u32 = 6;
const CLEARED_BY_USER: u32 = 7;
const CALLED: u32 = 0x80;
const ON_HOLD: u32 = 0x100;

impl History {
    /// Plays the steps, after a beginning that every history has: the host starts and is
    /// configured, and the PBX comes up.
    #[must_use]
    pub fn play(steps: &[Step]) -> Vec<Record> {
        let mut history = History::begin();
        steps.iter().for_each(|step| history.step(*step));
        history.records
    }

    fn begin() -> History {
        let user = User {
            registered: true,
            exists: true,
            handle: 0,
            opening: 0,
            born_calls: 0,
            made_calls: 0,
            conference: None,
        };
        let mut history = History {
            records: Vec::new(),
            now: Millis(1_700_000_000_000),
            attempt: 0,
            is_up: false,
            count: 0,
            users: vec![user; NAMES.len()],
            legs: Vec::new(),
            requests: Vec::new(),
            last_fact: None,
        };
        history.restart();
        history.connect();
        history
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Wait(ms) => self.now = self.now + u64::from(ms),
            Step::Connect => self.connect(),
            Step::Lose(how) => self.lose(how),
            Step::EmptyPoll => self.polled(0, 60_000),
            Step::Register(user, registered) => self.register(pick(user, &self.users), registered),
            Step::Exist(user, exists) => self.exist(pick(user, &self.users), exists),
            Step::CallFromOutside(user) => self.ring(pick(user, &self.users), OUTSIDE),
            Step::CallInside(from, to) => self.call_inside(from, to),
            Step::Talk(user, peer) => self.talk(pick(user, &self.users), peer),
            Step::Advance(leg) => self.with_leg(leg, History::advance),
            Step::HangUp(leg, cause) => self.with_leg(leg, |h, leg| h.hang_up(leg, cause)),
            Step::Delete(leg) => self.with_leg(leg, History::delete),
            Step::Hold(leg) => self.with_leg(leg, History::hold),
            Step::Transfer(leg, to) => self.with_leg(leg, |h, leg| h.transfer(leg, to)),
            Step::Double => self.double(),
            Step::Open(user) => self.open(pick(user, &self.users)),
            Step::Close(user) => self.close(pick(user, &self.users)),
            Step::StatusMessages(user, bits) => self.status_messages(user, bits),
            Step::ForgetCall(leg, refused) => self.with_leg(leg, |h, leg| h.forget(leg, refused)),
            Step::MakeCall(user, to) => self.make_call(pick(user, &self.users), to),
            Step::Answer(leg) => self.with_leg(leg, |h, leg| h.ask(leg, Command::Answer)),
            Step::Drop(leg) => self.with_leg(leg, |h, leg| h.ask(leg, Command::Drop)),
            Step::Forward(user, what) => self.forward(pick(user, &self.users), what),
            Step::Record(user, which, how) => self.record(pick(user, &self.users), which, how),
            Step::Trunk(active) => self.trunk(active),
            Step::Ask(kind, leg, other) => {
                self.with_leg(leg, |h, leg| h.ask_more(kind, leg, other));
            }
            Step::AskBeyond(kind, leg, other) => {
                self.with_leg(leg, |h, leg| h.ask_beyond(kind, leg, other));
            }
            Step::Confer(user, to) => self.confer(pick(user, &self.users), to),
            Step::Reply(how) => self.reply(how),
            Step::Due(kind, which) => self.due(kind, which),
            Step::SingleActiveCall(on) => self.configure(on),
            Step::Restart => self.restart(),
            Step::Stop => self.host(HostFact::Stopping),
        }
    }

    // ---- the host and its applications ----

    fn restart(&mut self) {
        self.is_up = false;
        self.requests.clear();
        self.legs.clear();
        self.users.iter_mut().for_each(|user| user.opening = 0);
        self.host(HostFact::Started);
        self.configure(false);
    }

    fn configure(&mut self, single_active_call: bool) {
        self.host(HostFact::Configured(Configuration {
            user: Personal::from("TAPI"),
            pbxs: vec![PbxSettings { master: Place::at("pbx.example.com"), standby: None }],
            name_template: "%c".into(),
            single_active_call,
            ..Configuration::default()
        }));
    }

    fn open(&mut self, user: usize) {
        if self.users[user].opening == 0 {
            let opening = self.number();
            self.users[user].opening = opening;
            let (line, opening) = (line_of(user), Opening(opening));
            self.host(HostFact::LineOpened { line, opening, version: 0x0003_0000 });
        }
    }

    fn close(&mut self, user: usize) {
        let opening = std::mem::take(&mut self.users[user].opening);
        if opening != 0 {
            self.host(HostFact::LineClosed { line: line_of(user), opening: Opening(opening) });
        }
    }

    fn status_messages(&mut self, user: u8, bits: u8) {
        let line = line_of(pick(user, &self.users));
        let bits = u32::from(bits);
        self.host(HostFact::StatusMessages { line, line_states: bits, address_states: bits });
    }

    fn forget(&mut self, leg: usize, refused: bool) {
        let call = self.legs[leg].id;
        self.host(if refused {
            HostFact::NewCallRefused(call)
        } else {
            HostFact::CallClosed(call)
        });
    }

    fn make_call(&mut self, user: usize, peer: u8) {
        if self.users[user].opening == 0 {
            return;
        }
        let call = self.next_made(user);
        let number = Personal::from(name(peer).1);
        let command = Command::MakeCall {
            call,
            number,
            block_id: peer.is_multiple_of(7),
            country_code: 0,
            call_param_flags: 0,
        };
        self.request(user, call, peer, command);
    }

    fn ask(&mut self, leg: usize, command: impl Fn(CallId) -> Command) {
        let Leg { user, id, peer, .. } = self.legs[leg];
        if self.users[user].opening != 0 {
            self.request(user, id, peer, command(id));
        }
    }

    /// None, one or two forwards.
    fn forward(&mut self, user: usize, what: u8) {
        if self.users[user].opening == 0 {
            return;
        }
        let modes = [1, 1 << (what % 16), 1 << (what / 16)];
        let forward = |mode: &u32| Forward::of(*mode, "30".into(), NAMES[0].1.into());
        let forwards = modes.iter().skip(1 + usize::from(what % 3)).filter_map(forward).collect();
        let (request, rings) = (RequestId(self.number()), u32::from(what % 5));
        let opening = Opening(self.users[user].opening);
        let command = Command::Forward(Forwarding { forwards, rings });
        self.say(Event::App(line_of(user), opening, request, command));
    }

    /// The model does not know what was asked, so the answer may be one to something else.
    fn record(&mut self, user: usize, which: u8, how: u8) {
        let kinds = [Kind::Always, Kind::Busy, Kind::NoAnswer];
        let diversion = |n: u8| Diversion {
            kind: kinds[usize::from(how / 8 + n) % 3],
            to: Target::Number(NAMES[0].1.into()),
            sources: Sources::All,
            element: Personal::from("<cd/>"),
        };
        let reply = match how % 8 {
            0 => Reply::Failed(Failure::TimedOut),
            1 => Reply::Failed(Failure::Fault("not by this account".into())),
            2 => Reply::Refused,
            3 | 4 => Reply::Taken,
            _ => Reply::Record(UserRecord {
                diversions: (0..how % 3).map(diversion).collect(),
                no_answer_s: how.is_multiple_of(2).then_some(15),
                print: u32::from(how),
            }),
        };
        let request = RequestId(RequestId::FIRST_OF_LINE | u32::from(which));
        self.say(Event::Reply(line_of(user), request, reply));
    }

    /// A function that goes with a leg as it stands, now and then one that does not.
    fn ask_more(&mut self, kind: u8, leg: usize, other: u8) {
        let Leg { user, id: call, state, held, called, .. } = self.legs[leg];
        if self.users[user].opening == 0 {
            return;
        }
        let beside = self.legs.iter().find(|leg| leg.user == user && leg.id != call);
        let second = beside.map_or(call, |leg| leg.id);
        let number = Personal::from(name(other).1);
        let (swap, complete) = (
            Command::SwapHold { active: call, held: second },
            Command::CompleteTransfer { call, consultation: second, conference: None },
        );
        let command = match (state, held, kind % 5) {
            (CONNECTED, false, 0) | (_, _, 4) => Command::Hold(call),
            (CONNECTED, false, 1) => swap,
            (CONNECTED, false, 2) => Command::BlindTransfer { call, number },
            (CONNECTED, false, _) => return self.consult(user, call, other),
            (CONNECTED, true, 0) => Command::Unhold(call),
            (CONNECTED, true, _) => complete,
            (_, _, 0 | 1) if called => Command::Redirect { call, number },
            _ => return self.pick_up(user, other),
        };
        self.request(user, call, other, command);
    }

    /// The same for digits, texts, parking and conferences.
    fn ask_beyond(&mut self, kind: u8, leg: usize, other: u8) {
        let Leg { user, id: call, .. } = self.legs[leg];
        if self.users[user].opening == 0 {
            return;
        }
        let number = || Personal::from(name(other).1);
        let conference = self.users[user].conference.unwrap_or(call);
        let command = match kind % 11 {
            0 => Command::Dial { call, number: number() },
            1 | 2 => {
                let digits = if kind % 11 == 1 { number() } else { Personal::default() };
                let request = RequestId(RequestId::FIRST_OWN + self.number());
                let command = Command::GenerateDigits { call, digits, tag: u32::from(other) };
                return self.request_as(request, user, call, other, command);
            }
            3 => Command::SendUserUserInfo { call, user_info: number() },
            4 => Command::Park { call, at: ParkPlace::Nondirected },
            5 => Command::Park { call, at: ParkPlace::Directed(number()) },
            6 => {
                let made = self.next_made(user);
                let command = Command::Unpark { call: made, from: number() };
                return self.request(user, made, other, command);
            }
            7 => {
                let (conference, made) = (self.next_made(user), self.next_made(user));
                self.users[user].conference = Some(conference);
                let consultation = Consultation {
                    call: made,
                    number: number(),
                    block_id: false,
                    call_param_flags: 0,
                };
                let command =
                    Command::SetupConference { call: Some(call), conference, consultation };
                return self.request(user, made, other, command);
            }
            8 => Command::AddToConference { conference, consultation: call },
            9 => Command::RemoveFromConference(call),
            _ => Command::Drop(conference),
        };
        self.request(user, call, other, command);
    }

    /// A conference as it goes when nothing comes between; chance alone would hardly ever make one.
    fn confer(&mut self, user: usize, to: u8) {
        let before = self.legs.len();
        self.talk(user, to);
        if self.legs.len() == before || self.users[user].opening == 0 {
            return;
        }
        let first = before;
        self.ask_beyond(7, first, to);
        self.hold(first);
        // Whatever was asked before is answered first.
        while !self.requests.is_empty() {
            self.reply(2);
        }
        let second = self.legs.len() - 1;
        if second == first {
            return;
        }
        (0..3).for_each(|_| self.advance(second));
        self.ask_beyond(8, second, to);
        self.hold(first);
        self.reply(2);
    }

    fn consult(&mut self, user: usize, call: CallId, to: u8) {
        let made = self.next_made(user);
        let consultation = Consultation {
            call: made,
            number: name(to).1.into(),
            block_id: false,
            call_param_flags: 0,
        };
        self.request(user, made, to, Command::SetupTransfer { call, consultation });
    }

    fn pick_up(&mut self, user: usize, from: u8) {
        let place = match from % 3 {
            0 => PickupFrom::Anywhere,
            1 => PickupFrom::Group("sales".into()),
            _ => PickupFrom::Station(name(from).1.into()),
        };
        let made = self.next_made(user);
        self.request(user, made, from, Command::Pickup { call: made, from: place });
    }

    fn next_made(&mut self, user: usize) -> CallId {
        let serial = CallId::FIRST_MADE + self.users[user].made_calls;
        self.users[user].made_calls += 1;
        CallId { line: line_of(user), serial }
    }

    fn request(&mut self, user: usize, call: CallId, peer: u8, command: Command) {
        let request = RequestId(self.number());
        self.request_as(request, user, call, peer, command);
    }

    fn request_as(
        &mut self,
        request: RequestId,
        user: usize,
        call: CallId,
        peer: u8,
        command: Command,
    ) {
        let makes_call = command.makes()[0].is_some();
        let parks = matches!(command, Command::Park { .. });
        let looks_up = matches!(
            command,
            Command::Pickup { from: PickupFrom::Station(_), .. }
                | Command::Park { at: ParkPlace::Directed(_), .. }
        );
        self.requests.push(Open { request, call, peer, makes_call, looks_up, parks });
        let opening = Opening(self.users[user].opening);
        self.say(Event::App(line_of(user), opening, request, command));
    }

    fn reply(&mut self, how: u8) {
        if self.requests.is_empty() {
            return;
        }
        let Open { request, call, peer, makes_call, looks_up, parks } = self.requests.remove(0);
        if looks_up && !how.is_multiple_of(4) {
            let found = (how % 4 != 1).then(|| Personal::from("Ben"));
            let known = Open { request, call, peer, makes_call, looks_up: false, parks };
            self.requests.extend(found.is_some().then_some(known));
            return self.say(Event::Reply(call.line, request, Reply::Found(found)));
        }
        let handle = self.number();
        let reply = match (how % 4, makes_call) {
            (0, _) => Reply::Failed(Failure::TimedOut),
            (1, true) => Reply::Calling(CallHandle(0)),
            (1, false) => Reply::Refused,
            (_, true) => Reply::Calling(CallHandle(handle)),
            _ if parks => Reply::Parked(CallHandle(handle)),
            (_, false) => Reply::Taken,
        };
        let leads_to_leg = reply == Reply::Calling(CallHandle(handle));
        let reply = Event::Reply(call.line, request, reply);
        let user = call.line.0 as usize - 1;
        // The first event of the leg may come in before the answer that names it.
        if leads_to_leg && how >= 128 {
            self.new_leg(user, call, handle, false, peer);
            self.say(reply);
        } else {
            self.say(reply);
            if leads_to_leg {
                self.new_leg(user, call, handle, false, peer);
            }
        }
    }

    fn due(&mut self, kind: u8, which: u8) {
        let generation = u32::from(which % 4);
        let leg = self.legs.get(usize::from(which) % self.legs.len().max(1));
        let line = line_of(pick(which, &self.users));
        let timer = match (kind % 7, leg, self.requests.first()) {
            (0, ..) => Timer::Reconnect(PBX, self.attempt),
            (1, ..) => Timer::PollPause(PBX, self.attempt),
            (2, ..) => Timer::Settled(PBX, self.attempt),
            (3, _, Some(open)) => Timer::Deadline(open.call.line, open.request),
            (4, Some(leg), _) => Timer::Ring(leg.id, generation),
            (5, Some(leg), _) => Timer::NewCallAgain(leg.id, generation),
            _ => Timer::Grace(line, self.attempt),
        };
        self.say(Event::Due(timer));
    }

    // ---- the PBX ----

    fn connect(&mut self) {
        if self.is_up {
            return;
        }
        self.is_up = true;
        // After a loss the engine waits to be woken; at any other time it ignores this.
        self.say(Event::Due(Timer::Reconnect(PBX, self.attempt)));
        self.attempt += 1;
        self.fact(PbxFact::Identified(Identification {
            system: "example".into(),
            location: "master".into(),
            firmware: "13r3".into(),
            serial: "00-90-33-00-00-01".into(),
            wsdl_version: 1,
        }));
        let session = self.number();
        let place = Arc::new(Place::at("pbx.example.com"));
        self.fact(PbxFact::Initialized { session, key: session ^ 0x5A5A, place });
        for user in 0..self.users.len() {
            if self.users[user].exists {
                self.user_info(user);
            }
        }
        self.fact(PbxFact::User(UserInfo { active: true, ..UserInfo::default() }));
        self.polled(self.users.len() as u32 + 1, 20);
        for user in 0..self.users.len() {
            if self.users[user].exists {
                self.users[user].handle = self.number();
                let handle = UserHandle(self.users[user].handle);
                self.fact(PbxFact::UserInitialized(line_of(user), handle));
            }
        }
        for leg in 0..self.legs.len() {
            self.report(leg, Msg::Update, true);
        }
    }

    fn lose(&mut self, how: u8) {
        if !self.is_up {
            return;
        }
        let (question, failure) = match how % 5 {
            0 => (Question::Poll, Failure::Broken),
            1 => (Question::Poll, Failure::TimedOut),
            2 => (Question::Poll, Failure::Fault("no such session".into())),
            3 => (Question::Echo, Failure::Unreachable),
            _ => (Question::Poll, Failure::Status(503)),
        };
        self.fact(PbxFact::Failed(question, failure));
        self.is_up = false;
        // Calls that end meanwhile are not heard of any more.
        self.legs.retain(|leg| leg.state <= CONNECTED);
    }

    fn polled(&mut self, count: u32, elapsed_ms: u32) {
        self.fact(PbxFact::Polled { count, elapsed_ms });
    }

    fn register(&mut self, user: usize, registered: bool) {
        self.users[user].registered = registered;
        if self.users[user].exists {
            self.user_info(user);
        }
    }

    fn exist(&mut self, user: usize, exists: bool) {
        if self.users[user].exists == exists {
            return;
        }
        self.users[user].exists = exists;
        if !exists {
            self.legs.retain(|leg| leg.user != user);
        }
        self.user_info(user);
    }

    fn trunk(&mut self, active: bool) {
        self.fact(PbxFact::User(UserInfo {
            active,
            guid: Guid([99; 16]),
            cn: Personal::from("Trunk"),
            e164: Personal::from("0"),
            kind: "gw".into(),
            object: "trunk".into(),
            ..UserInfo::default()
        }));
    }

    fn user_info(&mut self, user: usize) {
        let (cn, e164) = NAMES[user];
        let calls = self.legs.iter().filter(|leg| leg.user == user).count() as u16;
        self.fact(PbxFact::User(UserInfo {
            active: self.users[user].exists,
            registered: self.users[user].registered,
            channel: calls,
            guid: Guid([user as u8 + 1; 16]),
            cn: Personal::from(cn),
            dn: Personal::from(cn),
            h323: Personal::from(cn),
            e164: Personal::from(e164),
            kind: "ep".into(),
            node: "root".into(),
            cfg: calls == 0,
            ..UserInfo::default()
        }));
    }

    fn call_inside(&mut self, from: u8, to: u8) {
        let (from, to) = (pick(from, &self.users), pick(to, &self.users));
        if from == to {
            return;
        }
        self.dial(from, to as u8);
        let conf = self.legs.last().map(|leg| leg.conf);
        self.ring(to, from as u8);
        // Both ends of a call have the same name.
        if let (Some(conf), Some(leg)) = (conf, self.legs.last_mut()) {
            leg.conf = conf;
        }
    }

    fn dial(&mut self, user: usize, peer: u8) {
        let (call, handle) = (self.born_call(user), self.number());
        self.new_leg(user, call, handle, false, peer);
    }

    fn ring(&mut self, user: usize, peer: u8) {
        let (call, handle) = (self.born_call(user), self.number());
        self.new_leg(user, call, handle, true, peer);
    }

    fn born_call(&mut self, user: usize) -> CallId {
        // The engine counts those it hears of.
        self.users[user].born_calls += u32::from(self.is_heard(user));
        CallId { line: line_of(user), serial: self.users[user].born_calls }
    }

    fn new_leg(&mut self, user: usize, id: CallId, handle: u32, called: bool, peer: u8) {
        if !self.is_heard(user) {
            return;
        }
        let conf = Guid([handle as u8; 16]);
        let (state, held, cause) = (SETUP, false, None);
        self.legs.push(Leg { user, id, handle, conf, called, state, held, peer, cause });
        let msg = if called { Msg::RSetup } else { Msg::XSetup };
        self.report(self.legs.len() - 1, msg, true);
    }

    /// A leg nobody monitors is not heard of.
    fn is_heard(&self, user: usize) -> bool {
        self.is_up && self.users[user].exists && self.legs.len() < 24
    }

    /// An application's line, and a call on it that is talked on; the telephone holds the others.
    fn talk(&mut self, user: usize, peer: u8) {
        self.open(user);
        for leg in 0..self.legs.len() {
            if self.legs[leg].user == user && !self.legs[leg].held {
                self.hold(leg);
            }
        }
        if self.is_heard(user) {
            self.ring(user, peer);
            let leg = self.legs.len() - 1;
            self.advance(leg);
            self.advance(leg);
        }
    }

    fn advance(&mut self, leg: usize) {
        let called = self.legs[leg].called;
        let (state, msg) = match (self.legs[leg].state, called) {
            (SETUP, false) => (PROCEEDING, Msg::RCallProc),
            (SETUP, true) => (ALERTING, Msg::XAlert),
            (PROCEEDING, _) => (ALERTING, Msg::RAlert),
            (ALERTING, false) => (CONNECTED, Msg::RConn),
            (ALERTING, true) => (CONNECTED, Msg::XConn),
            _ => return,
        };
        self.legs[leg].state = state;
        self.report(leg, msg, true);
    }

    fn hang_up(&mut self, leg: usize, cause: u8) {
        if self.legs[leg].state > CONNECTED {
            return;
        }
        let by_user = cause.is_multiple_of(2);
        let causes = [16, 17, 19, 1, 21, 26, 34, 102];
        self.legs[leg].cause = Some(causes[usize::from(cause / 2) % causes.len()]);
        self.legs[leg].state = if by_user { CLEARED_BY_USER } else { CLEARED_BY_PEER };
        let msg = if by_user { Msg::XRel } else { Msg::RRel };
        self.report(leg, msg, true);
    }

    fn delete(&mut self, leg: usize) {
        self.report(leg, Msg::Del, false);
        self.legs.remove(leg);
    }

    fn hold(&mut self, leg: usize) {
        if self.legs[leg].state == CONNECTED {
            self.legs[leg].held = !self.legs[leg].held;
            self.report(leg, Msg::Update, true);
        }
    }

    fn transfer(&mut self, leg: usize, to: u8) {
        if (ALERTING..=CONNECTED).contains(&self.legs[leg].state) {
            self.legs[leg].peer = to;
            self.report(leg, Msg::RCt, true);
        }
    }

    fn double(&mut self) {
        if let (true, Some(fact)) = (self.is_up, self.last_fact.clone()) {
            self.fact(fact);
        }
    }

    fn report(&mut self, leg: usize, msg: Msg, active: bool) {
        let leg = &self.legs[leg];
        let (cn, e164) = NAMES[leg.user];
        let (peer_cn, peer_e164) = name(leg.peer);
        let this = Party {
            role: Role::This,
            cn: Personal::from(cn),
            e164: Personal::from(e164),
            ..Party::default()
        };
        let peer = Party {
            role: Role::Peer,
            cn: Personal::from(peer_cn),
            e164: Personal::from(peer_e164),
            ..Party::default()
        };
        let bits = if leg.called { CALLED } else { 0 } | if leg.held { ON_HOLD } else { 0 };
        let info = CallInfo {
            user: self.users[leg.user].handle,
            call: leg.handle,
            active,
            state: leg.state | bits,
            msg,
            parties: if active { vec![this, peer] } else { Vec::new() },
            conf: leg.conf,
            cause: leg.cause,
            uui: None,
        };
        self.fact(PbxFact::Call(info));
    }

    // ---- saying it ----

    fn with_leg(&mut self, leg: u8, then: impl FnOnce(&mut History, usize)) {
        if !self.legs.is_empty() {
            let leg = pick(leg, &self.legs);
            then(self, leg);
        }
    }

    fn number(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    fn host(&mut self, fact: HostFact) {
        self.say(Event::Host(fact));
    }

    /// A PBX that is not connected says nothing.
    fn fact(&mut self, fact: PbxFact) {
        if self.is_up {
            self.last_fact = Some(fact.clone());
            self.say(Event::Pbx(PBX, Attempt(self.attempt), fact));
        }
    }

    fn say(&mut self, event: Event) {
        self.now = self.now + 1;
        self.records.push(Record { at: self.now, event });
    }
}

const NAMES: [(&str, &str); 8] = [
    ("Ann Arbor", "20"),
    ("Bob & <Sons>", "21"),
    ("Jörg Müßig", "22"),
    ("李小龍", "23"),
    ("Zoë 📞", "24"),
    ("Reception", "25"),
    ("Workshop", "26"),
    ("Door", "27"),
];

/// A peer that is none of the users.
const OUTSIDE: u8 = 200;

fn name(peer: u8) -> (&'static str, &'static str) {
    NAMES.get(usize::from(peer)).copied().unwrap_or(("", "00703173009"))
}

fn line_of(user: usize) -> LineId {
    LineId(user as u32 + 1)
}

fn pick<T>(which: u8, among: &[T]) -> usize {
    usize::from(which) % among.len()
}

#[cfg(test)]
mod tests {
    use super::super::step::histories;
    use crate::core::Core;
    use crate::effect::{Effect, Notice, Request, What};
    use crate::tapi::CallState;
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::TestRunner;
    use std::collections::BTreeSet;

    /// Names of all that the engine makes of some hundred histories.
    fn effects_of_many_histories() -> BTreeSet<String> {
        let mut runner = TestRunner::deterministic();
        let mut names = BTreeSet::new();
        for _ in 0..600 {
            let history = histories(160).new_tree(&mut runner).expect("a history").current();
            let (mut core, mut effects) = (Core::default(), Vec::new());
            history.into_iter().for_each(|record| core.apply(record, &mut effects));
            names.extend(effects.iter().map(name_of));
        }
        names
    }

    fn name_of(effect: &Effect) -> String {
        match effect {
            Effect::Tell(telling) => match &telling.what {
                What::Notice(Notice::CallState { state, .. }) => state.name().to_owned(),
                What::Notice(notice) => kind(&format!("{notice:?}")),
                What::Completed(_, completion) => format!("Completed {}", completion.is_ok()),
            },
            Effect::Ask(ask) => match &ask.request {
                Request::Order { order, .. } => kind(&format!("{order:?}")),
                request => kind(&format!("{request:?}")),
            },
            other => kind(&format!("{other:?}")),
        }
    }

    fn kind(debug: &str) -> String {
        debug.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
    }

    #[test]
    fn histories_lead_the_engine_to_all_it_can_do() {
        let seen = effects_of_many_histories();
        let states = [
            CallState::Idle,
            CallState::Offering,
            CallState::Dialing,
            CallState::Proceeding,
            CallState::Ringback,
            CallState::Connected,
            CallState::OnHold,
            CallState::OnHoldPendTransfer,
            CallState::OnHoldPendConf,
            CallState::Conferenced,
            CallState::Disconnected,
        ];
        let requests =
            [Request::Version, Request::Poll { session: 0 }, Request::End { session: 0 }];
        let expected = ["LineCreated", "LineRemoved", "NewCall", "CallInfo", "AddressState"]
            .into_iter()
            .chain(["LineDevState", "Completed true", "Completed false", "Wake"])
            .chain(["ShowUser"])
            .chain(["Initialize", "UserInitialize", "UserCall", "UserConnect", "UserClear"])
            .chain(["UserHold", "UserRetrieve", "UserTransfer", "UserRedirect", "UserPickup"])
            .chain(["FindUser", "UserDTMF", "UserUUI", "UserPark", "UserRc", "Generated"])
            .map(str::to_owned)
            .chain(states.iter().map(|state| state.name().to_owned()))
            .chain(requests.iter().map(|request| kind(&format!("{request:?}"))));
        let missing: Vec<String> = expected.filter(|name| !seen.contains(name)).collect();
        assert!(missing.is_empty(), "no history leads to {missing:?}, only to {seen:?}");
    }
}
