//! Call forwards in TAPI's terms, parsed.

use crate::pii::Personal;
use serde::{Deserialize, Serialize};

/// What a line is to forward from now on; what it forwarded before is forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forwarding {
    /// The forwards; none cancels all.
    pub forwards: Vec<Forward>,
    /// After how many rings a call counts as not answered; 0 leaves it to the PBX.
    pub rings: u32,
}

/// One forward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// In which case.
    pub case: Case,
    /// Whose calls.
    pub callers: Callers,
    /// Where to; empty for "do not disturb".
    pub to: Personal,
}

/// In which case a call is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Case {
    /// LINEFORWARDMODE_UNCOND…
    Always,
    /// LINEFORWARDMODE_BUSY…
    Busy,
    /// LINEFORWARDMODE_NOANSW…
    NoAnswer,
    /// LINEFORWARDMODE_BUSYNA…
    BusyOrNoAnswer,
}

/// Whose calls are forwarded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Callers {
    /// Everybody's.
    All,
    /// Those from inside the PBX.
    Internal,
    /// Those from outside.
    External,
    /// Those of this caller.
    Specific(Personal),
}

impl Callers {
    /// The number of the one caller; empty for the other kinds.
    #[must_use]
    pub fn number(&self) -> &str {
        match self {
            Callers::Specific(caller) => caller.text(),
            Callers::All | Callers::Internal | Callers::External => "",
        }
    }
}

impl Forward {
    /// The forward that a LINEFORWARDMODE means; none if it is not one that can be asked for. The
    /// caller counts only for the modes of one caller.
    #[must_use]
    pub fn of(mode: u32, caller: Personal, to: Personal) -> Option<Forward> {
        let one_bit = mode.is_power_of_two() && mode < 0x1_0000;
        let bit = mode.trailing_zeros();
        let case = match bit / 4 {
            0 => Case::Always,
            1 => Case::Busy,
            2 => Case::NoAnswer,
            _ => Case::BusyOrNoAnswer,
        };
        let callers = match bit % 4 {
            0 => Callers::All,
            1 => Callers::Internal,
            2 => Callers::External,
            _ => Callers::Specific(caller),
        };
        one_bit.then_some(Forward { case, callers, to })
    }

    /// Whether both are for the same case, or one of both, and the same callers.
    #[must_use]
    pub fn competes_with(&self, other: &Forward) -> bool {
        let same_case = match (self.case, other.case) {
            (Case::BusyOrNoAnswer, Case::Busy | Case::NoAnswer)
            | (Case::Busy | Case::NoAnswer, Case::BusyOrNoAnswer) => true,
            (one, other) => one == other,
        };
        same_case && self.callers == other.callers
    }

    /// Its LINEFORWARDMODE bit.
    #[must_use]
    pub fn mode(&self) -> u32 {
        let first = match self.case {
            Case::Always => 0x1,
            Case::Busy => 0x10,
            Case::NoAnswer => 0x100,
            Case::BusyOrNoAnswer => 0x1000,
        };
        match self.callers {
            Callers::All => first,
            Callers::Internal => first << 1,
            Callers::External => first << 2,
            Callers::Specific(_) => first << 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_is_one_forward_and_nothing_else_is() {
        let of = |mode| Forward::of(mode, "23".into(), "30".into());
        for bit in 0..16 {
            assert_eq!(of(1 << bit).map(|forward| forward.mode()), Some(1 << bit));
        }
        for mode in [0, 3, 0x1_0000, 0x2_0000, u32::MAX] {
            assert_eq!(of(mode), None, "{mode:#x}");
        }
    }

    #[test]
    fn busy_or_no_answer_competes_with_each_of_both() {
        let of = |mode| Forward::of(mode, "23".into(), "30".into()).expect("a mode");
        for (one, other, competes) in
            [(0x1000, 0x10, true), (0x1000, 0x100, true), (0x1000, 0x1, false), (0x10, 0x20, false)]
        {
            assert_eq!(of(one).competes_with(&of(other)), competes);
            assert_eq!(of(other).competes_with(&of(one)), competes);
        }
    }
}
