//! What the demo plays: scenes of one or two calls, chosen by a seed.
//!
//! A scene is a list of acts. An act is one thing that somebody does, and what it must lead to on
//! each line: the messages to wait for before the next act. Nothing here depends on time, so one
//! seed always gives the same story.

use adapters::simulation::Dice;
use engine::tapi::{CallState, call_info_state};

/// Some calls that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scene {
    /// What happens, in a sentence.
    pub(crate) title: String,
    pub(crate) acts: Vec<Act>,
}

/// One thing that somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) deed: Deed,
    /// What it leads to; the lines in the order in which their rows are to be read.
    pub(crate) outcome: Vec<(Extension, Vec<Mark>)>,
}

/// A phone number of the simulated PBX.
pub(crate) type Extension = String;

/// What somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// At a phone, or beyond the trunk: a control command of the simulator.
    Pbx(String),
    /// An application asks by `lineMakeCall`.
    MakeCall(Extension, String),
    /// An application asks by `lineAnswer`, for the call that is offered.
    Answer(Extension),
    /// An application asks by `lineDrop`, for the newest call that is not over.
    Drop(Extension),
}

/// A message to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// LINE_LINEDEVSTATE with INSERVICE.
    InService,
    /// LINE_LINEDEVSTATE with OUTOFSERVICE.
    OutOfService,
    /// LINE_LINEDEVSTATE with CAPSCHANGE: the line has another name.
    Changed,
    /// LINE_REMOVE.
    Removed,
    /// LINE_CALLSTATE with this state.
    State(CallState),
    /// LINE_CALLSTATE with BUSY or DISCONNECTED: the way to the called one ends there.
    Refused,
    /// LINE_CALLINFO with these bits.
    Info(u32),
    /// LINE_LINEDEVSTATE with RINGING.
    Ringing,
    /// LINE_LINEDEVSTATE with NUMCALLS: the last word about a call that came, went or was held.
    Count,
    /// ASYNC_COMPLETION.
    Done,
}

/// A user of the simulated PBX who takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Actor {
    pub(crate) extension: Extension,
    pub(crate) name: String,
}

/// The scenes of a seed. There must be at least three actors.
pub(crate) fn scenes(seed: u64, actors: &[Actor], trunk: &str) -> Vec<Scene> {
    let mut dice = Dice::new(seed);
    let mut plots = PLOTS.to_vec();
    dice.shuffle(&mut plots);
    let mut cast = Cast { actors, waiting: Vec::new(), trunk, dice };
    plots.into_iter().map(|plot| plot(&mut cast)).collect()
}

type Plot = fn(&mut Cast<'_>) -> Scene;

/// What is played, in an order chosen by the seed.
const PLOTS: [Plot; 19] = [
    answered_at_the_phone,
    answered_at_the_phone,
    answered_by_an_application,
    made_by_an_application,
    made_by_an_application,
    made_and_abandoned,
    busy,
    busy_for_an_application,
    abandoned,
    abandoned,
    rejected_at_the_phone,
    rejected_by_an_application,
    unanswered,
    two_at_once,
    two_at_once,
    from_outside,
    from_outside_with_a_late_name,
    to_the_outside,
    to_a_busy_number_outside,
];

/// Deals out the parts: everybody plays before anybody plays again.
struct Cast<'a> {
    actors: &'a [Actor],
    waiting: Vec<Actor>,
    trunk: &'a str,
    dice: Dice,
}

impl Cast<'_> {
    fn next<const N: usize>(&mut self) -> [Actor; N] {
        if self.waiting.len() < N {
            // Who still waits must not be dealt twice into one scene.
            let mut fresh: Vec<Actor> =
                self.actors.iter().filter(|actor| !self.waiting.contains(actor)).cloned().collect();
            self.dice.shuffle(&mut fresh);
            fresh.append(&mut self.waiting);
            self.waiting = fresh;
        }
        // With fewer actors than parts somebody has to play twice.
        std::array::from_fn(|part| {
            self.waiting.pop().unwrap_or_else(|| self.actors[part % self.actors.len()].clone())
        })
    }

    fn outside(&mut self) -> (&'static str, &'static str) {
        self.dice.choose(&OUTSIDE)
    }
}

/// Parties beyond the trunk.
const OUTSIDE: [(&str, &str); 5] = [
    ("03031890", "Café Zoë"),
    ("0891234567", "Müller & Söhne"),
    ("0081312345678", "株式会社 東京"),
    ("00442079460000", "Ann 📞 Exchange"),
    ("0170555123", "Łukasz Żak"),
];

// ---- the plots --------------------------------------------------------------------------------

fn answered_at_the_phone(cast: &mut Cast<'_>) -> Scene {
    let [a, b] = cast.next();
    let caller_ends = cast.dice.below(2) == 0;
    let (ends, other) = if caller_ends { (&a, &b) } else { (&b, &a) };
    Scene {
        title: format!("{a} calls {b}, who answers; {} hangs up", ends.extension),
        acts: vec![a.dials(&b), b.picks_up(&[&a]), ends.hangs_up_on(other)],
    }
}

fn answered_by_an_application(cast: &mut Cast<'_>) -> Scene {
    let [a, b] = cast.next();
    Scene {
        title: format!("{a} calls {b}; lineAnswer takes the call, lineDrop ends it"),
        acts: vec![a.dials(&b), b.answers(&[&a]), b.drops(vec![a.sees(&GONE)])],
    }
}

fn made_by_an_application(cast: &mut Cast<'_>) -> Scene {
    let [a, b] = cast.next();
    Scene {
        title: format!("lineMakeCall of {a} to {b}, who answers; lineDrop ends the call"),
        acts: vec![a.makes_a_call_to(&b), b.picks_up(&[&a]), a.drops(vec![b.sees(&GONE)])],
    }
}

fn made_and_abandoned(cast: &mut Cast<'_>) -> Scene {
    let [a, b] = cast.next();
    Scene {
        title: format!("lineMakeCall of {a} to {b}; lineDrop before anybody answers"),
        acts: vec![a.makes_a_call_to(&b), a.drops(vec![b.sees(&GONE)])],
    }
}

fn busy(cast: &mut Cast<'_>) -> Scene {
    let [a, b] = cast.next();
    let call = Deed::Pbx(format!("call {} {}", a.extension, b.extension));
    busy_scene(&a, &b, format!("{a} calls {b}, who is busy"), call, &BUSY)
}

fn busy_for_an_application(cast: &mut Cast<'_>) -> Scene {
    let [a, b] = cast.next();
    let call = Deed::MakeCall(a.extension.clone(), b.extension.clone());
    let title = format!("lineMakeCall of {a} to {b}, who is busy");
    busy_scene(&a, &b, title, call, &[&[Mark::Done], &BUSY[..]].concat())
}

fn busy_scene(a: &Actor, b: &Actor, title: String, call: Deed, marks: &[Mark]) -> Scene {
    let set = |to| Act::silent(Deed::Pbx(format!("busy {} {to}", b.extension)));
    let call = Act { deed: call, outcome: vec![a.sees(marks)] };
    Scene { title, acts: vec![set("on"), call, set("off")] }
}

fn abandoned(cast: &mut Cast<'_>) -> Scene {
    let [a, b] = cast.next();
    let hang_up = Deed::Pbx(format!("hangup {}", a.extension));
    Scene {
        title: format!("{a} calls {b}, but hangs up before anybody answers"),
        acts: vec![a.dials(&b), Act { deed: hang_up, outcome: vec![a.sees(&GONE), b.sees(&GONE)] }],
    }
}

fn rejected_at_the_phone(cast: &mut Cast<'_>) -> Scene {
    let [a, b] = cast.next();
    let reject = Deed::Pbx(format!("reject {}", b.extension));
    let outcome = vec![b.sees(&GONE), a.sees(&REFUSED)];
    Scene {
        title: format!("{a} calls {b}, who rejects the call"),
        acts: vec![a.dials(&b), Act { deed: reject, outcome }],
    }
}

fn rejected_by_an_application(cast: &mut Cast<'_>) -> Scene {
    let [a, b] = cast.next();
    Scene {
        title: format!("{a} calls {b}; lineDrop rejects the call"),
        acts: vec![a.dials(&b), b.drops(vec![a.sees(&REFUSED)])],
    }
}

fn unanswered(cast: &mut Cast<'_>) -> Scene {
    let [a, b] = cast.next();
    let give_up = Deed::Pbx(format!("give-up {}", b.extension));
    let outcome = vec![b.sees(&GONE), a.sees(&REFUSED)];
    Scene {
        title: format!("{a} calls {b}; nobody answers, and the PBX gives up"),
        acts: vec![a.dials(&b), Act { deed: give_up, outcome }],
    }
}

fn two_at_once(cast: &mut Cast<'_>) -> Scene {
    let [a, b, c] = cast.next();
    let connected = Mark::State(CallState::Connected);
    let take_second = Act {
        deed: Deed::Answer(b.extension.clone()),
        outcome: vec![
            b.sees(&[Mark::State(CallState::OnHold), Mark::Count, connected, Mark::Done]),
            a.sees(&[connected]),
            c.sees(&[connected]),
        ],
    };
    let retrieve = Act {
        deed: Deed::Pbx(format!("retrieve {}", b.extension)),
        outcome: vec![b.sees(&[connected, Mark::Count]), a.sees(&[connected])],
    };
    Scene {
        title: format!("{a} talks to {b}; {c} calls too, and lineAnswer takes it"),
        acts: vec![
            a.dials(&b),
            b.picks_up(&[&a]),
            c.dials(&b),
            take_second,
            c.hangs_up_on(&b),
            retrieve,
            a.hangs_up_on(&b),
        ],
    }
}

fn from_outside(cast: &mut Cast<'_>) -> Scene {
    let [b] = cast.next();
    let (number, name) = cast.outside();
    Scene {
        title: format!("{number} {name} calls {b} from outside"),
        acts: vec![
            b.is_rung_by(&format!("{number} {name}")),
            b.picks_up(&[]),
            b.far_end("hangup", &GONE),
        ],
    }
}

fn from_outside_with_a_late_name(cast: &mut Cast<'_>) -> Scene {
    let [b] = cast.next();
    let (number, name) = cast.outside();
    let identify = Act {
        deed: Deed::Pbx(format!("identify {} {name}", b.extension)),
        outcome: vec![b.sees(&[Mark::Info(call_info_state::CALLERID)])],
    };
    Scene {
        title: format!("{number} calls {b} from outside; the name {name} becomes known later"),
        acts: vec![b.is_rung_by(number), identify, b.answers(&[]), b.drops(Vec::new())],
    }
}

fn to_the_outside(cast: &mut Cast<'_>) -> Scene {
    let [a] = cast.next();
    let (number, _) = cast.outside();
    Scene {
        title: format!("lineMakeCall of {a} to {number} outside, answered there"),
        acts: vec![
            a.makes_a_call_outside(cast.trunk, number),
            a.far_end("alert", &[Mark::State(CallState::Ringback)]),
            a.far_end("answer", &[Mark::State(CallState::Connected)]),
            a.drops(Vec::new()),
        ],
    }
}

fn to_a_busy_number_outside(cast: &mut Cast<'_>) -> Scene {
    let [a] = cast.next();
    let (number, _) = cast.outside();
    Scene {
        title: format!("lineMakeCall of {a} to {number} outside, which is busy"),
        acts: vec![a.makes_a_call_outside(cast.trunk, number), a.far_end("busy", &REFUSED)],
    }
}

// ---- what is done in them -----------------------------------------------------------------------

/// A call is over, and no longer counted.
const GONE: [Mark; 2] = [Mark::State(CallState::Idle), Mark::Count];
/// The other one does not want the call, or cannot have it; so it is over.
const REFUSED: [Mark; 3] = [Mark::Refused, GONE[0], GONE[1]];
/// A call that is refused as soon as it is there: it came, and went.
const BUSY: [Mark; 4] = [Mark::Count, Mark::Refused, GONE[0], GONE[1]];
/// A call rings at a phone.
const OFFERED: [Mark; 3] = [Mark::State(CallState::Offering), Mark::Ringing, Mark::Count];

impl Act {
    /// Nothing is told of it.
    pub(crate) fn silent(deed: Deed) -> Act {
        Act { deed, outcome: Vec::new() }
    }
}

impl Actor {
    pub(crate) fn sees(&self, marks: &[Mark]) -> (Extension, Vec<Mark>) {
        (self.extension.clone(), marks.to_vec())
    }

    fn dials(&self, other: &Actor) -> Act {
        let rings_there = [Mark::State(CallState::Ringback), Mark::Count];
        Act {
            deed: Deed::Pbx(format!("call {} {}", self.extension, other.extension)),
            outcome: vec![self.sees(&rings_there), other.sees(&OFFERED)],
        }
    }

    fn makes_a_call_to(&self, other: &Actor) -> Act {
        let rings_there = [Mark::Done, Mark::State(CallState::Ringback), Mark::Count];
        Act {
            deed: Deed::MakeCall(self.extension.clone(), other.extension.clone()),
            outcome: vec![self.sees(&rings_there), other.sees(&OFFERED)],
        }
    }

    fn makes_a_call_outside(&self, trunk: &str, number: &str) -> Act {
        let on_its_way = [Mark::Done, Mark::State(CallState::Proceeding), Mark::Count];
        Act {
            deed: Deed::MakeCall(self.extension.clone(), format!("{trunk}{number}")),
            outcome: vec![self.sees(&on_its_way)],
        }
    }

    fn is_rung_by(&self, caller: &str) -> Act {
        Act {
            deed: Deed::Pbx(format!("ring {} {caller}", self.extension)),
            outcome: vec![self.sees(&OFFERED)],
        }
    }

    fn far_end(&self, does: &str, marks: &[Mark]) -> Act {
        Act {
            deed: Deed::Pbx(format!("far {does} {}", self.extension)),
            outcome: vec![self.sees(marks)],
        }
    }

    fn picks_up(&self, others: &[&Actor]) -> Act {
        let deed = Deed::Pbx(format!("answer {}", self.extension));
        self.connects(deed, &[Mark::State(CallState::Connected)], others)
    }

    fn answers(&self, others: &[&Actor]) -> Act {
        let marks = [Mark::State(CallState::Connected), Mark::Done];
        self.connects(Deed::Answer(self.extension.clone()), &marks, others)
    }

    fn connects(&self, deed: Deed, marks: &[Mark], others: &[&Actor]) -> Act {
        let mut outcome = vec![self.sees(marks)];
        outcome.extend(others.iter().map(|other| other.sees(&[Mark::State(CallState::Connected)])));
        Act { deed, outcome }
    }

    fn hangs_up_on(&self, other: &Actor) -> Act {
        Act {
            deed: Deed::Pbx(format!("hangup {}", self.extension)),
            outcome: vec![self.sees(&GONE), other.sees(&GONE)],
        }
    }

    fn drops(&self, others: Vec<(Extension, Vec<Mark>)>) -> Act {
        let mut outcome = vec![self.sees(&[GONE[0], Mark::Done, GONE[1]])];
        outcome.extend(others);
        Act { deed: Deed::Drop(self.extension.clone()), outcome }
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.extension, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn twelve() -> Vec<Actor> {
        (20..32)
            .map(|extension| Actor { extension: extension.to_string(), name: "Somebody".into() })
            .collect()
    }

    #[test]
    fn one_seed_always_tells_the_same_story_and_another_another() {
        let actors = twelve();
        assert_eq!(scenes(7, &actors, "0"), scenes(7, &actors, "0"));
        let stories: Vec<_> = (0..20).map(|seed| scenes(seed, &actors, "0")).collect();
        for (one, story) in stories.iter().enumerate() {
            assert!(!stories[..one].contains(story));
        }
    }

    #[test]
    fn every_story_has_every_kind_of_call_and_everybody_in_it() {
        let actors = twelve();
        for seed in 0..50 {
            let story = scenes(seed, &actors, "0");
            let titles: String = story.iter().map(|scene| scene.title.as_str()).collect();
            for kind in
                ["answers", "lineMakeCall", "busy", "hangs up before", "rejects", "gives up", "too"]
            {
                assert!(titles.contains(kind), "{kind}: {titles}");
            }
            let playing: BTreeSet<&str> = story
                .iter()
                .flat_map(|scene| &scene.acts)
                .flat_map(|act| &act.outcome)
                .map(|(extension, _)| extension.as_str())
                .collect();
            assert_eq!(playing.len(), actors.len(), "seed {seed}");
        }
    }

    #[test]
    fn nobody_plays_two_parts_in_one_scene() {
        let actors = twelve();
        for seed in 0..200 {
            let mut cast =
                Cast { actors: &actors, waiting: Vec::new(), trunk: "0", dice: Dice::new(seed) };
            for _ in 0..30 {
                let [a, b, c] = cast.next();
                assert!(a != b && b != c && a != c);
            }
        }
    }

    #[test]
    fn every_call_that_begins_on_a_line_ends_there() {
        for scene in scenes(3, &twelve(), "0") {
            let outcomes = || scene.acts.iter().flat_map(|act| &act.outcome);
            let lines: BTreeSet<&str> = outcomes().map(|(line, _)| line.as_str()).collect();
            for line in lines {
                let count = |mark: Mark| {
                    outcomes().filter(|(of, marks)| of == line && marks.contains(&mark)).count()
                };
                let idle = count(Mark::State(CallState::Idle));
                let begun = count(Mark::State(CallState::Offering))
                    + count(Mark::State(CallState::Ringback))
                        .max(usize::from(count(Mark::State(CallState::Proceeding)) > 0));
                // A call to somebody who is busy begins and is refused in one act.
                assert!(idle >= 1 && idle >= begun, "{}: line {line}", scene.title);
            }
        }
    }
}
