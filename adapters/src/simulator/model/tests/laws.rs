//! What must hold after any sequence of actions, sensible or not.

use super::*;
use crate::simulator::control;
use proptest::prelude::*;
use std::collections::BTreeMap;

const SWITCHES: [&str; 12] = [
    "disc_event only-del",
    "disc_event before-del",
    "own_clear_state 6",
    "setup_progress setup-connect",
    "ucall_mode pbx-calls-first",
    "ucall_mode phone-dials",
    "multi_leg per-device",
    "multi_leg one",
    "ct_state fall",
    "hold_msg x-hold",
    "no_content changed",
    "snapshot_interleave on",
];

const NUMBERS: [&str; 9] = ["20", "21", "22", "23", "2", "0", "0112", "99", ""];

/// A line for the control.
fn command() -> impl Strategy<Value = String> {
    let ext = || prop::sample::select(&NUMBERS[..4]);
    let number = prop::sample::select(&NUMBERS[..8]);
    let verb = prop::sample::select(vec![
        "answer",
        "reject",
        "hangup",
        "hold",
        "retrieve",
        "far alert",
        "far answer",
        "far busy",
        "far hangup",
        "give-up",
        "remove-user",
    ]);
    let flag = prop::sample::select(vec!["busy", "refuse", "silent", "register"]);
    prop_oneof![
        6 => (ext(), number).prop_map(|(from, to)| format!("call {from} {to}")),
        3 => ext().prop_map(|to| format!("ring {to} 301234567 Ada")),
        12 => (verb, ext()).prop_map(|(verb, ext)| format!("{verb} {ext}")),
        2 => (flag, ext(), any::<bool>())
            .prop_map(|(flag, ext, on)| format!("{flag} {ext} {}", if on { "on" } else { "off" })),
        1 => (ext(), any::<bool>()).prop_map(|(ext, on)| {
            format!("phone {ext} {}", if on { "auto-alert" } else { "no-alert" })
        }),
        1 => ext().prop_map(|ext| format!("identify {ext} Eve")),
        1 => prop::sample::select(&SWITCHES[..]).prop_map(|switch| format!("set {switch}")),
    ]
}

/// Something a client asks; handles are chosen near those that exist.
fn operation() -> impl Strategy<Value = Operation> {
    let call = || (7001_u32..7012).prop_map(CallHandle);
    let user = || (1_u32..6).prop_map(UserHandle);
    let number = || prop::sample::select(&NUMBERS[..]);
    prop_oneof![
        (user(), number()).prop_map(|(user, number)| super::user_call(user, number)),
        call().prop_map(|call| Operation::UserClear { call, cause: 16, info: Vec::new() }),
        call().prop_map(|call| Operation::UserConnect { call }),
        call().prop_map(|call| Operation::UserHold { call, remote: false }),
        call().prop_map(|call| Operation::UserRetrieve { call }),
        (call(), call()).prop_map(|(a, b)| Operation::UserTransfer { a, b }),
        (call(), number()).prop_map(|(call, number)| super::redirect_to(call, number)),
        (call(), prop::sample::select(vec![4, 10, 11]))
            .prop_map(|(call, rc)| Operation::UserRc { call, rc }),
        call().prop_map(|call| Operation::UserPark { call, cn: "王小明".into(), position: -1 }),
        (user(), prop_oneof![Just(CallHandle(0)), call()]).prop_map(|(user, call)| {
            Operation::UserPickup {
                user,
                cn: "".into(),
                call,
                group: "".into(),
                reg: 0,
                info: Vec::new(),
            }
        }),
    ]
}

#[derive(Clone, Debug)]
enum Action {
    Say(String),
    Ask(Operation),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![command().prop_map(Action::Say), operation().prop_map(Action::Ask)]
}

/// What one client believes, from the events alone.
#[derive(Default)]
struct Belief {
    legs: BTreeMap<u32, u32>,
    ended: Vec<u32>,
}

impl Belief {
    fn hear(&mut self, info: &CallInfo) {
        assert!(!self.ended.contains(&info.call.0), "{} comes after the end", line(info));
        if info.active {
            assert_ne!(info.state & 0xF, 0, "{}", line(info));
            self.legs.insert(info.call.0, info.state);
        } else {
            assert_eq!(&*info.msg, "del");
            assert!(self.legs.remove(&info.call.0).is_some(), "{} of an unknown leg", line(info));
            self.ended.push(info.call.0);
        }
    }
}

/// The handles and states that the session should know, by the truth.
fn truth(pbx: &PbxModel) -> BTreeMap<u32, u32> {
    let calls = pbx.calls();
    let legs = calls.iter().flat_map(|call| &call.legs);
    legs.flat_map(|leg| leg.handles.iter().map(|(_, handle)| (*handle, leg.state))).collect()
}

/// Every leg that is more than begun has somebody at the other end.
fn check_pairs(pbx: &PbxModel) {
    for (id, leg) in pbx.legs.iter() {
        let alone = pbx.legs.opposite(id).is_empty();
        let may_be = leg.phase <= Phase::SetupAck || leg.then.is_some();
        assert!(!alone || may_be, "{leg:?} has no other end");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_a_session_was_told_adds_up_to_the_truth(actions in prop::collection::vec(action(), 1..40)) {
        let mut desk = Desk::new();
        for cn in [ANNA, BOB, JURGEN, "王小明"] {
            desk.watch(cn);
        }
        let mut belief = Belief::default();
        for action in actions {
            match &action {
                Action::Say(command) => {
                    let now = desk.now;
                    let _ = control::execute(command, &mut desk.pbx, now);
                }
                Action::Ask(operation) => {
                    let _ = desk.outcome(operation);
                }
            }
            for info in desk.drain().call {
                belief.hear(&info);
            }
            check_pairs(&desk.pbx);
            if desk.pbx.switches.setup_progress == Default::default() {
                let told: BTreeMap<u32, u32> = truth(&desk.pbx);
                let stale = belief.legs.iter().any(|(call, state)| told.get(call) != Some(state));
                // Steps that were skipped earlier are caught up with at the next event of the leg.
                prop_assert!(!stale || desk.skipped, "{action:?}: {:?} but {told:?}", belief.legs);
            } else {
                desk.skipped = true;
            }
        }
        // Whatever happened, everybody can hang up, and nothing is left.
        for ext in ["20", "21", "22", "23"] {
            while desk.pbx.phone_hangs_up(ext).is_ok() {}
        }
        for info in desk.drain().call {
            belief.hear(&info);
        }
        // A parked call has nobody to hang it up, and two outside parties may be joined.
        let left: Vec<u32> = truth(&desk.pbx).into_keys().collect();
        prop_assert_eq!(belief.legs.keys().copied().collect::<Vec<_>>(), left);
        let own = |leg: &ListedLeg| leg.ext != "0" && leg.phase != Phase::Parked;
        let calls = desk.pbx.calls();
        prop_assert!(!calls.iter().flat_map(|call| &call.legs).any(own), "{:?}", calls);
    }
}
