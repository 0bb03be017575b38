//! Plausible histories: what could really have been said, in an order in which it could have been.
//!
//! A history is played from a list of small [`Step`]s, so that a failing one shrinks to few steps
//! and stays plausible while it does. The model behind it is deliberately simple: one PBX, eight
//! users, legs that go through the states of the PBX's SOAP reference, sections 3 and 6. It knows
//! nothing of how the engine decides, only what it would be told.

mod host;
mod pbx;

use super::step::Step;
use crate::fact::*;
use crate::id::*;
use crate::pii::Personal;
use crate::time::{Millis, Timer};

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
    /// Commands so far.
    turns: u32,
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
    ticket: Ticket,
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

/// A history of a call from outside for each of these users, one after the other, each of which is
/// cleared.
#[must_use]
pub fn calls_from_outside(users: impl IntoIterator<Item = u8>) -> Vec<Record> {
    let steps = users.into_iter().flat_map(|n| {
        [Step::CallFromOutside(n), Step::Advance(n), Step::HangUp(n, n), Step::Delete(n)]
    });
    History::play(&steps.collect::<Vec<_>>())
}

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
            turns: 0,
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
}

impl History {
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
mod tests;
