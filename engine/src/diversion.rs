//! Call diversions as a PBX keeps them: `cd` elements of a user's record (reference of the PBX,
//! 7.3), and what they are in TAPI's terms.
//!
//! The PBX knows three kinds of diversion. Whose calls one concerns it tells by numbers with which
//! the caller's begins, "Only" and "Only Not"; a caller from outside has a number that begins with
//! that of the trunk. So "external" is Only the trunk, "internal" is Only Not the trunk, and a
//! single caller is Only his number.

use crate::forwarding::{Callers, Case, Forward};
use crate::pii::Personal;
use crate::tapi::forward_mode;
use serde::{Deserialize, Serialize};

/// Most diversions in one record (I-24). Every rule a user can make by hand fits many times.
pub const MAX_DIVERSIONS: usize = 128;
/// Most numbers in one Only or Only Not (I-24).
pub const MAX_SOURCES: usize = 64;
/// Most bytes of one diversion as the PBX writes it (I-24).
pub const MAX_ELEMENT_BYTES: usize = 8 * 1024;

/// What a user's record says about diversions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    /// In the order of the record.
    pub diversions: Vec<Diversion>,
    /// Seconds until a call counts as not answered, if the record says so.
    pub no_answer_s: Option<u32>,
    /// Checksum of the whole record, to notice that it was changed.
    pub print: u32,
}

impl UserRecord {
    /// The checksum of a record as the PBX wrote it.
    #[must_use]
    pub fn print_of(text: &str) -> u32 {
        crc32fast::hash(text.as_bytes())
    }
}

/// One diversion.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Diversion {
    /// In which case.
    pub kind: Kind,
    /// Where to.
    pub to: Target,
    /// Whose calls.
    pub sources: Sources,
    /// The element as the PBX wrote it; empty for one that is ours to write. To remove a diversion
    /// one has to quote it exactly.
    pub element: Personal,
}

/// In which case a diversion acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// `cfu`.
    Always,
    /// `cfb`: busy, or rejected.
    Busy,
    /// `cfnr`: no answer, or not registered.
    NoAnswer,
}

/// Where a diversion leads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Target {
    /// To a number.
    Number(Personal),
    /// To an object by its Short Name.
    Name(Personal),
    /// Nowhere: it keeps calls from being diverted, or it is not complete.
    Nowhere,
}

/// Whose calls a diversion concerns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Sources {
    /// Everybody's.
    All,
    /// Only those whose number begins with one of these.
    Only(Vec<Personal>),
    /// Only those whose number begins with none of these.
    OnlyNot(Vec<Personal>),
    /// Calls from inside, in the way of newer firmware.
    Internal,
    /// Calls from outside, in the way of newer firmware.
    External,
    /// Under conditions that TAPI has no words for.
    Other,
}

impl Diversion {
    /// The diversions that make up a forward; two for "busy or no answer". None if it takes a
    /// trunk to tell inside from outside and there is none.
    #[must_use]
    pub fn of(forward: &Forward, trunks: &[Personal]) -> Option<Vec<Diversion>> {
        let kinds: &[Kind] = match forward.case {
            Case::Always => &[Kind::Always],
            Case::Busy => &[Kind::Busy],
            Case::NoAnswer => &[Kind::NoAnswer],
            Case::BusyOrNoAnswer => &[Kind::Busy, Kind::NoAnswer],
        };
        let sources = match &forward.callers {
            Callers::All => Sources::All,
            Callers::Specific(caller) => Sources::Only(vec![caller.clone()]),
            Callers::Internal | Callers::External if trunks.is_empty() => return None,
            Callers::Internal => Sources::OnlyNot(trunks.to_vec()),
            Callers::External => Sources::Only(trunks.to_vec()),
        };
        let diversion = |kind: &Kind| Diversion {
            kind: *kind,
            to: Target::Number(forward.to.clone()),
            sources: sources.clone(),
            element: Personal::default(),
        };
        Some(kinds.iter().map(diversion).collect())
    }

    /// Whether it diverts calls at all.
    #[must_use]
    pub fn diverts(&self) -> bool {
        self.to != Target::Nowhere
    }

    /// Whether both do the same, however they are written.
    #[must_use]
    pub fn is_like(&self, other: &Diversion) -> bool {
        self.sources != Sources::Other
            && (self.kind, &self.to, &self.sources) == (other.kind, &other.to, &other.sources)
    }

    /// Whether both are for the same case and the same callers, wherever they lead.
    #[must_use]
    pub fn competes_with(&self, other: &Diversion) -> bool {
        self.kind == other.kind && self.sources == other.sources
    }

    /// What it is in TAPI's terms: nothing if it does not divert, several if it names several
    /// callers.
    #[must_use]
    pub fn forwards(&self, trunks: &[Personal]) -> Vec<Shown> {
        let (Target::Number(to) | Target::Name(to)) = &self.to else { return Vec::new() };
        let case = match self.kind {
            Kind::Always => Case::Always,
            Kind::Busy => Case::Busy,
            Kind::NoAnswer => Case::NoAnswer,
        };
        let is_trunk = |number: &Personal| trunks.contains(number);
        let shown = |callers| {
            let forward = Forward { case, callers, to: to.clone() };
            Shown { mode: forward.mode(), forward }
        };
        // Where no trunk tells inside from outside, the line does not claim to.
        let unclaimed = || vec![Shown { mode: forward_mode::UNAVAIL, ..shown(Callers::All) }];
        match &self.sources {
            Sources::All => vec![shown(Callers::All)],
            Sources::Internal | Sources::External if trunks.is_empty() => unclaimed(),
            Sources::Internal => vec![shown(Callers::Internal)],
            Sources::External => vec![shown(Callers::External)],
            Sources::Only(numbers) if !trunks.is_empty() && numbers.iter().all(is_trunk) => {
                vec![shown(Callers::External)]
            }
            Sources::Only(numbers) => {
                numbers.iter().map(|number| shown(Callers::Specific(number.clone()))).collect()
            }
            Sources::OnlyNot(numbers) if !trunks.is_empty() && numbers.iter().all(is_trunk) => {
                vec![shown(Callers::Internal)]
            }
            Sources::OnlyNot(_) | Sources::Other => unclaimed(),
        }
    }
}

/// A forward with the LINEFORWARDMODE it is shown under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// LINEFORWARDMODE.
    pub mode: u32,
    /// What is known of it.
    pub forward: Forward,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::select;

    fn trunks() -> Vec<Personal> {
        vec!["0".into(), "81".into()]
    }

    fn any_forward() -> impl Strategy<Value = Forward> {
        let case = select(vec![Case::Always, Case::Busy, Case::NoAnswer, Case::BusyOrNoAnswer]);
        let callers = prop_oneof![
            Just(Callers::All),
            Just(Callers::Internal),
            Just(Callers::External),
            "[1-7][0-9]{0,6}".prop_map(|number| Callers::Specific(number.as_str().into())),
        ];
        (case, callers, "[0-9]{1,9}").prop_map(|(case, callers, to)| Forward {
            case,
            callers,
            to: to.as_str().into(),
        })
    }

    proptest! {
        // What was asked for is what is shown afterwards; the two halves of "busy or no answer" are
        // shown one by one.
        #[test]
        fn a_forward_comes_back_from_its_diversions(forward in any_forward()) {
            let diversions = Diversion::of(&forward, &trunks()).unwrap();
            let shown: Vec<Forward> = diversions
                .iter()
                .flat_map(|diversion| diversion.forwards(&trunks()))
                .inspect(|shown| assert_eq!(shown.mode, shown.forward.mode()))
                .map(|shown| shown.forward)
                .collect();
            let cases = match forward.case {
                Case::BusyOrNoAnswer => vec![Case::Busy, Case::NoAnswer],
                case => vec![case],
            };
            let expected: Vec<Forward> =
                cases.into_iter().map(|case| Forward { case, ..forward.clone() }).collect();
            prop_assert_eq!(shown, expected);
        }
    }

    #[test]
    fn without_a_trunk_inside_and_outside_cannot_be_told_apart() {
        for callers in [Callers::Internal, Callers::External] {
            let forward = Forward { case: Case::Always, callers, to: "30".into() };
            assert_eq!(Diversion::of(&forward, &[]), None);
        }
        // What the PBX itself tells apart is shown, but not under a mode that the line does not
        // claim.
        for sources in [Sources::Internal, Sources::External, Sources::OnlyNot(trunks())] {
            let (kind, element) = (Kind::Always, Personal::default());
            let to = Target::Number("30".into());
            let shown = Diversion { kind, to, sources, element }.forwards(&[]);
            assert_eq!(
                shown.iter().map(|shown| shown.mode).collect::<Vec<_>>(),
                [forward_mode::UNAVAIL]
            );
        }
    }

    #[test]
    fn what_tapi_has_no_words_for_is_shown_as_never_to_be_known() {
        for sources in [Sources::Other, Sources::OnlyNot(vec!["23".into()])] {
            let diversion = Diversion {
                kind: Kind::Busy,
                to: Target::Number("30".into()),
                sources,
                element: Personal::default(),
            };
            let shown = diversion.forwards(&trunks());
            assert_eq!(shown.len(), 1);
            assert_eq!(shown[0].mode, forward_mode::UNAVAIL);
            assert_eq!(shown[0].forward.to.text(), "30");
        }
    }

    #[test]
    fn several_callers_of_one_diversion_are_shown_one_by_one_and_nowhere_not_at_all() {
        let two = Diversion {
            kind: Kind::Always,
            to: Target::Name("bob".into()),
            sources: Sources::Only(vec!["23".into(), "0".into()]),
            element: Personal::default(),
        };
        let modes: Vec<u32> = two.forwards(&trunks()).iter().map(|shown| shown.mode).collect();
        assert_eq!(modes, [0x8, 0x8]);
        assert!(Diversion { to: Target::Nowhere, ..two }.forwards(&trunks()).is_empty());
    }
}
