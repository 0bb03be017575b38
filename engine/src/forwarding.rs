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

impl Forward {
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
