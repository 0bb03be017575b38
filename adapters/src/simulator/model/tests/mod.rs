//! The sequences that clients see, one test each (the PBX's SOAP reference, sections 6 and 9).

#![allow(clippy::unwrap_used)]

mod features;
mod forwards;
mod incoming;
mod laws;
mod objects;
mod outgoing;
mod sessions;
mod variants;

use super::*;
use crate::simulator::estate::Device;
use crate::soap::types::{AnyInfo, CallInfo, UserInfo};
use crate::soap::{Answer, Interface, Operation};
use engine::id::{CallHandle, UserHandle};

/// A PBX and one client of it, in virtual time.
struct Desk {
    pbx: PbxModel,
    now: Millis,
    session: u32,
    key: u32,
    /// Some step was not told, because a switch said so.
    skipped: bool,
}

impl Desk {
    /// A session of `TAPI` whose snapshot was fetched.
    fn new() -> Desk {
        let mut desk = Desk::with_switches(&[]);
        desk.drain();
        desk
    }

    /// A session that was just opened, of a PBX with these switches.
    fn with_switches(switches: &[(&str, &str)]) -> Desk {
        let mut pbx = PbxModel::new(&Estate::built_in(), 7);
        for (name, value) in switches {
            pbx.switches.set(name, value).unwrap();
        }
        let mut desk = Desk { pbx, now: Millis(1_000), session: 0, key: 0, skipped: false };
        desk.initialize();
        desk
    }

    fn initialize(&mut self) {
        let operation = Operation::Initialize { user: "TAPI".into(), appl: "test".into() };
        let Answer::Initialize { session, key } = self.ask(&operation) else { panic!() };
        (self.session, self.key) = (session, key);
    }

    fn asker() -> Asker {
        Asker {
            connection: ConnectionId(1),
            account: Account::Administrator,
            interface: Interface::V1000,
        }
    }

    fn outcome(&mut self, operation: &Operation) -> Outcome {
        self.pbx.request(self.now, &Desk::asker(), operation).outcome
    }

    fn ask(&mut self, operation: &Operation) -> Answer {
        match self.outcome(operation) {
            Outcome::Answer(answer) => answer,
            other => panic!("{operation:?} came to {other:?}"),
        }
    }

    /// One Poll that must not have to wait.
    fn poll(&mut self) -> AnyInfo {
        let Outcome::Wait(ticket) = self.outcome(&Operation::Poll { session: self.session }) else {
            panic!("no such session");
        };
        match self.pbx.poll(self.now, ticket) {
            Polled::Done(Outcome::Answer(Answer::Poll(any))) => any,
            other => panic!("{other:?}"),
        }
    }

    /// Everything that waits.
    fn drain(&mut self) -> AnyInfo {
        let mut all = AnyInfo::default();
        while !self.pbx.sessions.get(&self.session).unwrap().is_quiet() {
            let any = self.poll();
            all.user.extend(any.user);
            all.call.extend(any.call);
        }
        all
    }

    /// The call events that wait, as `handle state msg`.
    fn events(&mut self) -> Vec<String> {
        self.drain().call.iter().map(line).collect()
    }

    fn watch(&mut self, cn: &str) -> UserHandle {
        self.watch_with(cn, false, "")
    }

    fn watch_with(&mut self, cn: &str, disc: bool, hw: &str) -> UserHandle {
        let operation = Operation::UserInitialize {
            session: self.session,
            user: cn.into(),
            xfer: false,
            disc,
            hw: hw.into(),
        };
        let Answer::UserInitialize(handle) = self.ask(&operation) else { panic!() };
        handle
    }

    fn call(&mut self, user: UserHandle, number: &str) -> CallHandle {
        let operation = user_call(user, number);
        let Answer::UserCall(handle) = self.ask(&operation) else { panic!() };
        handle
    }

    fn clear(&mut self, call: u32, cause: u32) {
        self.ask(&Operation::UserClear { call: CallHandle(call), cause, info: Vec::new() });
    }

    fn connect(&mut self, call: u32) {
        self.ask(&Operation::UserConnect { call: CallHandle(call) });
    }

    fn redirect(&mut self, call: u32, number: &str) -> bool {
        let operation = redirect_to(CallHandle(call), number);
        self.ask(&operation) == Answer::UserRedirect(true)
    }
}

fn user_call(user: UserHandle, number: &str) -> Operation {
    Operation::UserCall {
        user,
        cn: "".into(),
        e164: number.into(),
        h323: "".into(),
        reg: 0,
        info: Vec::new(),
        rc: 0,
        srce164: "".into(),
    }
}

fn redirect_to(call: CallHandle, number: &str) -> Operation {
    Operation::UserRedirect {
        call,
        cn: "".into(),
        e164: number.into(),
        h323: "".into(),
        info: Vec::new(),
        rc: 0,
    }
}

fn line(info: &CallInfo) -> String {
    let gone = if info.active { "" } else { " gone" };
    format!("{} {} {}{gone}", info.call.0, info.state, info.msg)
}

fn party<'c>(info: &'c CallInfo, role: &str) -> Option<&'c str> {
    info.no.iter().find(|no| &*no.kind == role).map(|no| no.e164.text())
}

fn conf(info: &CallInfo) -> &str {
    info.info.iter().find(|info| &*info.kind == "conf").unwrap().vals.text()
}

fn cause(info: &CallInfo) -> Option<i32> {
    info.info.iter().find(|info| &*info.kind == "cause").map(|info| info.vali)
}

const ANNA: &str = "Anna Berg";
const BOB: &str = "Bob & <Sons>";
const JURGEN: &str = "Jürgen Müller";

/// Anna (20), Bob (21) and Jürgen (22, two devices) are watched; handles 1, 2, 3.
fn three() -> Desk {
    let mut desk = Desk::new();
    for cn in [ANNA, BOB, JURGEN] {
        desk.watch(cn);
    }
    desk
}

/// Anna (7001) talks to Bob (7002), who was called.
fn talking() -> Desk {
    let mut desk = three();
    desk.pbx.phone_dials("20", "21").unwrap();
    desk.pbx.phone_answers("21").unwrap();
    desk.drain();
    desk
}
