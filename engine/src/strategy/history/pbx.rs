//! What the PBX says.

use super::*;
use crate::place::Place;
use std::sync::Arc;

impl History {
    pub(super) fn connect(&mut self) {
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
        self.fact(PbxFact::Initialized { session, place });
        for user in 0..self.users.len() {
            if self.users[user].exists {
                self.user_info(user);
            }
        }
        self.fact(PbxFact::User(UserInfo { active: true, ..UserInfo::default() }.into()));
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

    pub(super) fn lose(&mut self, how: u8) {
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

    pub(super) fn polled(&mut self, count: u32, elapsed_ms: u32) {
        self.fact(PbxFact::Polled { count, elapsed_ms });
    }

    pub(super) fn register(&mut self, user: usize, registered: bool) {
        self.users[user].registered = registered;
        if self.users[user].exists {
            self.user_info(user);
        }
    }

    pub(super) fn exist(&mut self, user: usize, exists: bool) {
        if self.users[user].exists == exists {
            return;
        }
        self.users[user].exists = exists;
        if !exists {
            self.legs.retain(|leg| leg.user != user);
        }
        self.user_info(user);
    }

    pub(super) fn trunk(&mut self, active: bool) {
        self.fact(PbxFact::User(
            UserInfo {
                active,
                guid: Guid([99; 16]),
                cn: Personal::from("Trunk"),
                e164: Personal::from("0"),
                kind: "gw".into(),
                object: "trunk".into(),
                ..UserInfo::default()
            }
            .into(),
        ));
    }

    pub(super) fn user_info(&mut self, user: usize) {
        let (cn, e164) = NAMES[user];
        let calls = self.legs.iter().filter(|leg| leg.user == user).count() as u16;
        self.fact(PbxFact::User(
            UserInfo {
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
            }
            .into(),
        ));
    }

    pub(super) fn call_inside(&mut self, from: u8, to: u8) {
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

    pub(super) fn dial(&mut self, user: usize, peer: u8) {
        let (call, handle) = (self.born_call(user), self.number());
        self.new_leg(user, call, handle, false, peer);
    }

    pub(super) fn ring(&mut self, user: usize, peer: u8) {
        let (call, handle) = (self.born_call(user), self.number());
        self.new_leg(user, call, handle, true, peer);
    }

    pub(super) fn born_call(&mut self, user: usize) -> CallId {
        // The engine counts those it hears of.
        self.users[user].born_calls += u32::from(self.is_heard(user));
        CallId { line: line_of(user), serial: self.users[user].born_calls }
    }

    pub(super) fn new_leg(&mut self, user: usize, id: CallId, handle: u32, called: bool, peer: u8) {
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
    pub(super) fn is_heard(&self, user: usize) -> bool {
        self.is_up && self.users[user].exists && self.legs.len() < 24
    }

    /// An application's line, and a call on it that is talked on; the telephone holds the others.
    pub(super) fn talk(&mut self, user: usize, peer: u8) {
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

    pub(super) fn advance(&mut self, leg: usize) {
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

    pub(super) fn hang_up(&mut self, leg: usize, cause: u8) {
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

    pub(super) fn delete(&mut self, leg: usize) {
        self.report(leg, Msg::Del, false);
        self.legs.remove(leg);
    }

    pub(super) fn hold(&mut self, leg: usize) {
        if self.legs[leg].state == CONNECTED {
            self.legs[leg].held = !self.legs[leg].held;
            self.report(leg, Msg::Update, true);
        }
    }

    pub(super) fn transfer(&mut self, leg: usize, to: u8) {
        if (ALERTING..=CONNECTED).contains(&self.legs[leg].state) {
            self.legs[leg].peer = to;
            self.report(leg, Msg::RCt, true);
        }
    }

    pub(super) fn double(&mut self) {
        if let (true, Some(fact)) = (self.is_up, self.last_fact.clone()) {
            self.fact(fact);
        }
    }

    pub(super) fn report(&mut self, leg: usize, msg: Msg, active: bool) {
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
            parties: if active { [this, peer].into() } else { Parties::NONE },
            conf: leg.conf,
            cause: leg.cause,
            uui: None,
        };
        self.fact(PbxFact::Call(info));
    }
}
