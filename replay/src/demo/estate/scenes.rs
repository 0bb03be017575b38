//! What is played: PBXs fail and come back, standbys take over, users move, come and go.

use super::super::story::{Act, Actor, Deed, Extension, Mark};
use engine::tapi::{CallState, call_info_state};

/// Something that happens at the site, step by step.
pub(super) struct Scene {
    /// What it shows, in a sentence.
    pub(super) title: &'static str,
    pub(super) steps: Vec<Step>,
}

/// One thing that happens, and what it must lead to.
pub(super) struct Step {
    /// Where, and what, for people; `None` if the messages say it.
    pub(super) happening: Option<(String, String)>,
    /// What has to be done first, and leads to nothing by itself.
    pub(super) before: Vec<Deed>,
    pub(super) act: Act,
    pub(super) cast: Cast,
}

/// Whether somebody joins by it.
pub(super) enum Cast {
    Stays,
    Grows(Actor),
}

/// The whole play.
pub(super) fn all() -> Vec<Scene> {
    vec![
        phones_register(),
        calls_at_three_pbxs(),
        a_slave_fails(),
        the_master_fails(),
        a_slave_without_standby(),
        a_call_across_nodes(),
        the_other_tree(),
        a_user_moves(),
        people_change(),
    ]
}

fn phones_register() -> Scene {
    let at = [
        ("hq", "20"),
        ("hq", "21"),
        ("branch", "30"),
        ("branch", "31"),
        ("kiosk", "740"),
        ("depot", "50"),
        ("depot", "51"),
        ("works", "60"),
        ("works", "61"),
    ];
    let register = |(pbx, ext)| Step {
        happening: None,
        ..step(pbx, "", &format!("at {pbx} register {ext} on"), &[(ext, &IN)])
    };
    Scene { title: "The phones register", steps: at.into_iter().map(register).collect() }
}

fn calls_at_three_pbxs() -> Scene {
    let call = |pbx: &str, from, to| {
        step(
            pbx,
            &format!("{from} calls {to}"),
            &format!("at {pbx} call {from} {to}"),
            &[(from, &RINGS_THERE), (to, &OFFERED)],
        )
    };
    let answer = |pbx: &str, from, to| {
        step(
            pbx,
            &format!("{to} answers"),
            &format!("at {pbx} answer {to}"),
            &[(to, &CONNECTED), (from, &CONNECTED)],
        )
    };
    Scene {
        title: "Calls at three PBXs of two trees; the one at works is made by lineMakeCall",
        steps: vec![
            call("hq", "20", "21"),
            answer("hq", "20", "21"),
            call("branch", "30", "31"),
            answer("branch", "30", "31"),
            Step {
                happening: None,
                act: Act {
                    deed: Deed::MakeCall("60".into(), "61".into()),
                    outcome: outcome(&[
                        ("60", &[&[Mark::Done], &RINGS_THERE[..]].concat()),
                        ("61", &OFFERED),
                    ]),
                },
                ..silent()
            },
            Step {
                happening: None,
                act: Act {
                    deed: Deed::Answer("61".into()),
                    outcome: outcome(&[("61", &[CONNECTED[0], Mark::Done]), ("60", &CONNECTED)]),
                },
                ..silent()
            },
        ],
    }
}

fn a_slave_fails() -> Scene {
    let out: [(&str, &[Mark]); 2] = [("30", &PAIR), ("31", &PAIR)];
    Scene {
        title: "A slave fails; its phones turn to its standby, and their call goes on there",
        steps: vec![
            Step {
                before: vec![Deed::Pbx("stop branch".into())],
                ..step("branch", "fails; branch-standby takes over", "take-over branch", &out)
            },
            step(
                "branch-standby",
                "31 puts the call on hold",
                "at branch-standby hold 31",
                &[("31", &[Mark::State(CallState::OnHold)]), ("30", &CONNECTED)],
            ),
            step("branch", "is back, and so are its phones", "start branch", &out),
            step(
                "branch",
                "31 takes the call back",
                "at branch retrieve 31",
                &[("31", &CONNECTED), ("30", &CONNECTED)],
            ),
            step("branch", "30 hangs up", "at branch hangup 30", &[("30", &GONE), ("31", &GONE)]),
        ],
    }
}

fn the_master_fails() -> Scene {
    let out: [(&str, &[Mark]); 2] = [("20", &PAIR), ("21", &PAIR)];
    Scene {
        title: "The master fails; the slaves below it are not affected",
        steps: vec![
            Step {
                before: vec![Deed::Pbx("stop hq".into())],
                ..step("hq", "fails; hq-standby takes over", "take-over hq", &out)
            },
            step(
                "depot",
                "meanwhile 50 calls 51",
                "at depot call 50 51",
                &[("50", &RINGS_THERE), ("51", &OFFERED)],
            ),
            step(
                "depot",
                "51 rejects the call",
                "at depot reject 51",
                &[("51", &GONE), ("50", &[Mark::Refused, GONE[0], GONE[1]])],
            ),
            step("hq", "is back, and so are its phones", "start hq", &out),
            Step {
                happening: None,
                act: Act {
                    deed: Deed::Drop("20".into()),
                    outcome: outcome(&[("20", &[GONE[0], Mark::Done, GONE[1]]), ("21", &GONE)]),
                },
                ..silent()
            },
        ],
    }
}

fn a_slave_without_standby() -> Scene {
    Scene {
        title: "A slave without a standby is cut off, and found again",
        steps: vec![
            step("kiosk", "is cut off", "stop kiosk", &[("740", &[Mark::OutOfService])]),
            step("kiosk", "is there again", "start kiosk", &[("740", &IN)]),
        ],
    }
}

fn a_call_across_nodes() -> Scene {
    let out: [(&str, &[Mark]); 2] = [("30", &PAIR), ("31", &PAIR)];
    Scene {
        title: "A call across three PBXs and two numbering nodes: the application asks for 20, and \
                its PBX says that 740 dials 920 for it",
        steps: vec![
            Step {
                act: Act {
                    deed: Deed::MakeCall("740".into(), "20".into()),
                    outcome: outcome(&[
                        ("740", &[&[Mark::Done], &RINGS_THERE[..]].concat()),
                        ("20", &OFFERED),
                    ]),
                },
                ..silent()
            },
            Step {
                act: Act {
                    deed: Deed::Answer("20".into()),
                    outcome: outcome(&[("20", &[CONNECTED[0], Mark::Done]), ("740", &CONNECTED)]),
                },
                ..silent()
            },
            step(
                "hq",
                "20 asks 30 at branch",
                "at hq call 20 30",
                &[
                    ("20", &[&[Mark::State(CallState::OnHold)], &RINGS_THERE[..]].concat()),
                    ("740", &CONNECTED),
                    ("30", &OFFERED),
                ],
            ),
            step(
                "branch",
                "30 answers",
                "at branch answer 30",
                &[("30", &CONNECTED), ("20", &CONNECTED)],
            ),
            step(
                "hq",
                "20 joins the other two and leaves",
                "at hq transfer 20",
                &[
                    ("20", &[GONE[0], GONE[0], Mark::Count]),
                    ("740", &CONNECTED),
                    ("30", &[Mark::Info(call_info_state::CONNECTEDID)]),
                ],
            ),
            Step {
                before: vec![Deed::Pbx("stop branch".into())],
                ..step("branch", "fails; branch-standby takes over", "take-over branch", &out)
            },
            step(
                "kiosk",
                "740 puts the call on hold",
                "at kiosk hold 740",
                &[("740", &[Mark::State(CallState::OnHold)]), ("30", &CONNECTED)],
            ),
            step("branch", "is back, and so are its phones", "start branch", &out),
            step("branch", "30 hangs up", "at branch hangup 30", &[("30", &GONE), ("740", &GONE)]),
        ],
    }
}

fn the_other_tree() -> Scene {
    let out: [(&str, &[Mark]); 2] = [("60", &PAIR), ("61", &PAIR)];
    Scene {
        title: "The other tree has a fault of its own; nobody else hears of it",
        steps: vec![
            Step {
                before: vec![Deed::Pbx("stop works".into())],
                ..step("works", "fails; works-standby takes over", "take-over works", &out)
            },
            step("works", "is back, and so are its phones", "start works", &out),
            step("works", "61 hangs up", "at works hangup 61", &[("61", &GONE), ("60", &GONE)]),
        ],
    }
}

fn a_user_moves() -> Scene {
    Scene {
        title: "A user moves through the tree, and keeps the line",
        steps: vec![
            step("depot", "50 moves to kiosk", "move 50 kiosk", &[("50", &IN)]),
            step(
                "kiosk",
                "740 calls 50 there",
                "at kiosk call 740 950",
                &[("740", &RINGS_THERE), ("50", &OFFERED)],
            ),
            step("kiosk", "740 hangs up", "at kiosk hangup 740", &[("740", &GONE), ("50", &GONE)]),
            step("kiosk", "50 moves to depot again", "move 50 depot", &[("50", &IN)]),
        ],
    }
}

fn people_change() -> Scene {
    let at_all = |command: &str| {
        ["branch-standby", "hq", "hq-standby"]
            .map(|pbx| Deed::Pbx(format!("at {pbx} {command}")))
            .to_vec()
    };
    let lea = Actor { extension: "39".into(), name: "Lea Moon".into() };
    Scene {
        title: "Somebody gets another name, somebody comes and goes; ids are never used again",
        steps: vec![
            Step {
                before: at_all("rename 31 Dora Eng-Berg"),
                ..step(
                    "branch",
                    "31 is called Dora Eng-Berg now",
                    "at branch rename 31 Dora Eng-Berg",
                    &[("31", &[Mark::Changed])],
                )
            },
            Step {
                before: vec![Deed::Pbx("at branch add-user 39 Lea Moon".into())],
                cast: Cast::Grows(lea),
                ..step("branch", "39 Lea Moon is new", "move 39 branch", &[])
            },
            Step {
                before: at_all("remove-user 39"),
                ..step(
                    "branch",
                    "39 is deleted",
                    "at branch remove-user 39",
                    &[("39", &[Mark::Removed])],
                )
            },
        ],
    }
}

// ---- what is done in them ----------------------------------------------------------------------

const IN: [Mark; 1] = [Mark::InService];
/// A line lost its PBX and is with it, or its standby, again.
const PAIR: [Mark; 2] = [Mark::OutOfService, Mark::InService];
const CONNECTED: [Mark; 1] = [Mark::State(CallState::Connected)];
const RINGS_THERE: [Mark; 2] = [Mark::State(CallState::Ringback), Mark::Count];
const OFFERED: [Mark; 3] = [Mark::State(CallState::Offering), Mark::Ringing, Mark::Count];
const GONE: [Mark; 2] = [Mark::State(CallState::Idle), Mark::Count];

/// Something happens at a place, by a command.
fn step(place: &str, what: &str, command: &str, marks: &[(&str, &[Mark])]) -> Step {
    Step {
        happening: Some((place.into(), what.into())),
        act: Act { deed: Deed::Pbx(command.into()), outcome: outcome(marks) },
        ..silent()
    }
}

fn silent() -> Step {
    Step {
        happening: None,
        before: Vec::new(),
        act: Act::silent(Deed::Pbx(String::new())),
        cast: Cast::Stays,
    }
}

fn outcome(marks: &[(&str, &[Mark])]) -> Vec<(Extension, Vec<Mark>)> {
    marks.iter().map(|(extension, marks)| ((*extension).to_owned(), marks.to_vec())).collect()
}
