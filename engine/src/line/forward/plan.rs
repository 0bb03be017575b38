//! What has to be done to a user's record so that it says what it should.

use crate::diversion::{Diversion, Target, UserRecord};
use crate::pii::Personal;
use serde::{Deserialize, Serialize};

/// What a user's own record should say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Goal {
    /// What an application asked for.
    Asked {
        /// The diversions it asked for; none cancels all.
        diversions: Vec<Diversion>,
        /// Leave alone what it has no word for.
        modify: bool,
        /// Seconds until a call counts as not answered; none leaves them as they are.
        no_answer_s: Option<u32>,
    },
    /// What it said before somebody asked for something that could not be done.
    Before(UserRecord),
}

/// One change of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Step {
    /// Sets the seconds until a call counts as not answered.
    Time(Option<u32>, u32),
    /// Adds a diversion.
    Add(Diversion),
    /// Removes one.
    Remove(Diversion),
}

impl Goal {
    /// A number that was asked for is dialled otherwise.
    pub(super) fn localise(&mut self, number: &Personal, local: &Personal) {
        let Goal::Asked { diversions, .. } = self else { return };
        for diversion in diversions {
            if diversion.to == Target::Number(number.clone()) {
                diversion.to = Target::Number(local.clone());
            }
        }
    }

    /// The steps from this record to the goal, in an order in which there is never less
    /// forwarding than before or after; none if it is reached. The time comes first, because its
    /// step is bound to the record as it was read.
    pub(super) fn steps(&self, record: &UserRecord) -> Vec<Step> {
        match self {
            Goal::Asked { diversions, modify, no_answer_s } => {
                let time = no_answer_s.or(record.no_answer_s);
                let cancels = diversions.is_empty();
                let mut missing = diversions.clone();
                let mut removed = Vec::new();
                for known in record.diversions.iter().filter(|known| known.diverts()) {
                    let spared = *modify
                        && !cancels
                        && !diversions.iter().any(|asked| asked.competes_with(known));
                    match missing.iter().position(|asked| asked.is_like(known)) {
                        Some(found) => drop(missing.remove(found)),
                        None if spared => {}
                        None => removed.push(known.clone()),
                    }
                }
                in_order(record, time, missing, removed)
            }
            Goal::Before(before) => {
                let mut missing = before.diversions.clone();
                let mut removed = Vec::new();
                for known in &record.diversions {
                    match missing.iter().position(|had| had.element == known.element) {
                        Some(found) => drop(missing.remove(found)),
                        None => removed.push(known.clone()),
                    }
                }
                in_order(record, before.no_answer_s, missing, removed)
            }
        }
    }
}

fn in_order(
    record: &UserRecord,
    time: Option<u32>,
    missing: Vec<Diversion>,
    removed: Vec<Diversion>,
) -> Vec<Step> {
    let time = (record.no_answer_s != time).then_some(Step::Time(time, record.print));
    let added = missing.into_iter().map(Step::Add);
    time.into_iter().chain(added).chain(removed.into_iter().map(Step::Remove)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diversion::{Kind, Sources, Target};
    use crate::pii::Personal;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    /// A record as a PBX keeps it: what is added gets words of its own, what is removed is found
    /// by its words.
    #[derive(Clone, Debug)]
    struct Kept {
        record: UserRecord,
        count: u32,
    }

    impl Kept {
        fn new(diversions: Vec<Diversion>, no_answer_s: Option<u32>) -> Kept {
            let record = UserRecord { diversions: Vec::new(), no_answer_s, print: 1 };
            let mut kept = Kept { record, count: 0 };
            diversions.into_iter().for_each(|diversion| kept.do_step(Step::Add(diversion)));
            kept
        }

        fn do_step(&mut self, step: Step) {
            self.count += 1;
            match step {
                Step::Time(seconds, print) if print == self.record.print => {
                    self.record.no_answer_s = seconds;
                }
                Step::Time(..) => {}
                Step::Add(mut diversion) => {
                    if diversion.element.is_empty() {
                        diversion.element = format!("<cd n=\"{}\"/>", self.count).as_str().into();
                    }
                    self.record.diversions.push(diversion);
                }
                Step::Remove(diversion) => {
                    let words = |known: &Diversion| known.element == diversion.element;
                    if let Some(found) = self.record.diversions.iter().position(words) {
                        self.record.diversions.remove(found);
                    }
                }
            }
            self.record.print += 1;
        }

        fn follow(&mut self, goal: &Goal) {
            goal.steps(&self.record).into_iter().for_each(|step| self.do_step(step));
        }

        /// What it does, however it is written.
        fn sense(&self) -> Vec<(Kind, Target, Sources)> {
            let known = self.record.diversions.iter();
            let mut sense: Vec<_> =
                known.map(|d| (d.kind, d.to.clone(), d.sources.clone())).collect();
            sense.sort();
            sense
        }
    }

    fn any_diversion() -> impl Strategy<Value = Diversion> {
        let kind = select(vec![Kind::Always, Kind::Busy, Kind::NoAnswer]);
        let to = prop_oneof![
            4 => "[0-9]{1,2}".prop_map(|number| Target::Number(number.as_str().into())),
            1 => Just(Target::Nowhere),
        ];
        let sources = select(vec![
            Sources::All,
            Sources::Only(vec!["0".into()]),
            Sources::OnlyNot(vec!["0".into()]),
            Sources::Only(vec!["23".into()]),
            Sources::Other,
        ]);
        (kind, to, sources).prop_map(|(kind, to, sources)| Diversion {
            kind,
            to,
            sources,
            element: Personal::default(),
        })
    }

    /// What may be asked for: no two for one case and the same callers.
    fn any_asked() -> impl Strategy<Value = Vec<Diversion>> {
        vec(any_diversion(), 0..5).prop_map(|all| {
            let mut asked: Vec<Diversion> = Vec::new();
            for one in all {
                let sayable = one.diverts() && one.sources != Sources::Other;
                if sayable && !asked.iter().any(|known| known.competes_with(&one)) {
                    asked.push(one);
                }
            }
            asked
        })
    }

    fn any_kept() -> impl Strategy<Value = Kept> {
        (vec(any_diversion(), 0..6), proptest::option::of(1..90u32))
            .prop_map(|(diversions, time)| Kept::new(diversions, time))
    }

    proptest! {
        #[test]
        fn the_steps_lead_to_the_goal_and_then_there_are_none(
            kept in any_kept(),
            diversions in any_asked(),
            modify in any::<bool>(),
            no_answer_s in proptest::option::of(1..90u32),
        ) {
            let mut kept = kept;
            let goal = Goal::Asked { diversions: diversions.clone(), modify, no_answer_s };
            let before = kept.clone();
            kept.follow(&goal);
            prop_assert_eq!(goal.steps(&kept.record), vec![]);
            prop_assert_eq!(kept.record.no_answer_s, no_answer_s.or(before.record.no_answer_s));

            let spared = |known: &&Diversion| {
                !known.diverts()
                    || modify
                        && !diversions.is_empty()
                        && !diversions.iter().any(|asked| asked.competes_with(known))
            };
            let stays = before.record.diversions.iter().filter(spared);
            let expected = Kept::new(stays.chain(&diversions).cloned().collect(), None);
            prop_assert_eq!(kept.sense(), expected.sense());
        }

        // What cannot be done is undone: also when only the first steps were taken.
        #[test]
        fn what_was_before_comes_back(
            kept in any_kept(),
            diversions in any_asked(),
            no_answer_s in proptest::option::of(1..90u32),
            taken in 0..8usize,
        ) {
            let mut kept = kept;
            let before = kept.clone();
            let goal = Goal::Asked { diversions, modify: false, no_answer_s };
            for step in goal.steps(&kept.record).into_iter().take(taken) {
                kept.do_step(step);
            }
            let back = Goal::Before(before.record.clone());
            kept.follow(&back);
            prop_assert_eq!(back.steps(&kept.record), vec![]);
            prop_assert_eq!(kept.sense(), before.sense());
            prop_assert_eq!(kept.record.no_answer_s, before.record.no_answer_s);
        }
    }

    #[test]
    fn the_same_forwarding_again_changes_nothing() {
        let diversion = Diversion {
            kind: Kind::Always,
            to: Target::Number("30".into()),
            sources: Sources::All,
            element: Personal::default(),
        };
        let kept = Kept::new(vec![diversion.clone()], Some(15));
        let goal =
            Goal::Asked { diversions: vec![diversion], modify: false, no_answer_s: Some(15) };
        assert_eq!(goal.steps(&kept.record), []);
    }
}
