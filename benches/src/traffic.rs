//! What a PBX tells: its users, and calls that come in at them, as answers to Poll.

use adapters::soap::types::{AnyInfo, CallInfo, Info, No, UserInfo};
use adapters::soap::{Answer, Dialect};
use engine::fact::PbxFact;
use engine::id::{CallHandle, Guid, LineId, UserHandle};
use std::ops::Range;
use std::sync::Arc;

/// Calls in an answer.
pub const CALLS_IN_ANSWER: usize = 20;
/// Users in an answer.
const USERS_IN_ANSWER: u32 = 100;
/// Facts in a portion.
const FACTS_AT_ONCE: u32 = 64;
/// Calls that go on at the same time.
const AT_ONCE: u32 = 2_000;

/// One event of a call's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    msg: &'static str,
    state: u32,
    cause: Option<i32>,
    /// It changes the TAPI state, so there is a LINE_CALLSTATE.
    pub is_told: bool,
}

const fn step(msg: &'static str, state: u32) -> Step {
    Step { msg, state, cause: None, is_told: true }
}

/// The life of a call at the user who is called: rung, answered, put on hold and fetched back so
/// many times, and hung up at the other end.
#[must_use]
pub fn life(holds: usize) -> Vec<Step> {
    let mut steps = vec![
        step("x-setup", 0x81),
        Step { is_told: false, ..step("r-alert", 0x84) },
        step("r-conn", 0x85),
    ];
    for _ in 0..holds {
        steps.extend([step("r-held", 0x185), step("r-retrieved", 0x85)]);
    }
    steps.push(Step { cause: Some(16), ..step("x-rel", 0x86) });
    steps.push(step("del", 0x86));
    steps
}

/// Answers with the users of these devices, and the one that ends the list. They are made one at a
/// time, so that they take no memory that would be counted as the provider's.
pub fn users(devices: Range<u32>) -> impl Iterator<Item = Arc<[u8]>> {
    let pages = devices.clone().step_by(USERS_IN_ANSWER as usize).map(move |first| {
        let last = devices.end.min(first + USERS_IN_ANSWER);
        (first..last).map(user).collect()
    });
    let end = UserInfo { active: true, ..UserInfo::default() };
    pages.chain([vec![end]]).map(|user| {
        Answer::Poll(AnyInfo { user, ..AnyInfo::default() }).write(&Dialect::default()).into()
    })
}

/// The facts that the PBX reports the calls of these devices from now on, in portions.
pub fn monitored(devices: Range<u32>) -> impl Iterator<Item = Vec<PbxFact>> {
    devices.clone().step_by(FACTS_AT_ONCE as usize).map(move |first| {
        let last = devices.end.min(first + FACTS_AT_ONCE);
        let fact = |line| PbxFact::UserInitialized(LineId(line), UserHandle(line));
        (first + 1..=last).map(fact).collect()
    })
}

/// Answers with the events of a call at each of the devices, in the order of time.
pub struct Calls {
    /// The answers.
    pub answers: Vec<Arc<[u8]>>,
    /// For each event, its device id and its step.
    pub events: Vec<(u32, Step)>,
}

/// One call for each of these devices, at most `AT_ONCE` of them at the same time.
#[must_use]
pub fn calls(devices: &[u32], holds: usize) -> Calls {
    let steps = life(holds);
    let blocks = devices.chunks(AT_ONCE as usize);
    let events: Vec<_> = blocks
        .flat_map(|block| {
            let steps = steps.iter();
            steps.flat_map(move |step| block.iter().map(move |device| (*device, *step)))
        })
        .collect();
    let answer = |events: &[(u32, Step)]| {
        let call = events.iter().map(|(device, step)| call(*device, step)).collect();
        Answer::Poll(AnyInfo { call, ..AnyInfo::default() }).write(&Dialect::default()).into()
    };
    Calls { answers: events.chunks(CALLS_IN_ANSWER).map(answer).collect(), events }
}

fn user(device: u32) -> UserInfo {
    UserInfo {
        active: true,
        cn: format!("Extension {device:06}").as_str().into(),
        dn: format!("Jörg Müßig {device}").as_str().into(),
        h323: format!("ext{device:06}").as_str().into(),
        e164: number(device).as_str().into(),
        kind: "ep".into(),
        state: 1,
        guid: Guid(u128::from(device + 1).to_be_bytes()).to_string().as_str().into(),
        ..UserInfo::default()
    }
}

/// An event at a device whose user has the handle of its line. A number is used again for the
/// next call when its call is over, as at a PBX.
fn call(device: u32, step: &Step) -> CallInfo {
    let party = |kind: &str, name: String, e164: String| No {
        kind: kind.into(),
        cn: name.as_str().into(),
        dn: name.as_str().into(),
        e164: e164.as_str().into(),
        h323: "".into(),
    };
    let info = |kind: &str, vali, vals: &str| Info { kind: kind.into(), vali, vals: vals.into() };
    let conf = Guid((u128::from(device) << 64 | 0x5D1F_0A72).to_be_bytes()).to_string();
    let mut infos = vec![info("conf", 0, &conf)];
    infos.extend(step.cause.map(|cause| info("cause", cause, "")));
    CallInfo {
        user: UserHandle(device + 1),
        call: CallHandle(device + 1),
        reg: 0,
        active: step.msg != "del",
        state: step.state,
        no: vec![
            party("this", format!("Extension {device:06}"), number(device)),
            party("peer", String::new(), format!("00301{device:06}")),
        ],
        msg: step.msg.into(),
        info: infos,
    }
}

fn number(device: u32) -> String {
    format!("{}", 200_000 + device)
}
