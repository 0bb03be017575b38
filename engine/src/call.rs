//! The call-state table: what the PBX says of a leg, and what TAPI is told of the call.
//!
//! This is the only place that knows the PBX's state bits and TAPI's legal transitions. It is all
//! pure functions of small values, so the tests walk through every combination.

use crate::tapi::{self, CallState, call_feature, connected_mode, disconnect_mode};
use serde::{Deserialize, Serialize};

/// `CallInfo.state`, taken apart (reference of the PBX, 3.1). Bits not named there are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PbxState(u32);

/// The signalling phase of a leg: the low four bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing has happened yet.
    Init,
    /// Set up, number perhaps incomplete.
    Setup,
    /// The PBX waits for digits.
    Overlap,
    /// Number complete, being routed.
    Proceeding,
    /// The called phone rings.
    Alert,
    /// Answered.
    Connect,
    /// Cleared by the far end or the PBX.
    ClearedByFar,
    /// Cleared by this user.
    ClearedByUser,
    /// Parked here.
    Parked,
    /// A value that no description names.
    Reserved,
}

impl PbxState {
    const INCOMING: u32 = 0x80;
    const HELD: u32 = 0x100;
    const HELD_BY_PEER: u32 = 0x200;

    /// Takes the number as the PBX sends it.
    #[must_use]
    pub const fn new(bits: u32) -> PbxState {
        PbxState(bits)
    }

    /// The signalling phase.
    #[must_use]
    pub const fn phase(self) -> Phase {
        match self.0 & 0x0F {
            0 => Phase::Init,
            1 => Phase::Setup,
            2 => Phase::Overlap,
            3 => Phase::Proceeding,
            4 => Phase::Alert,
            5 => Phase::Connect,
            6 => Phase::ClearedByFar,
            7 => Phase::ClearedByUser,
            8 => Phase::Parked,
            _ => Phase::Reserved,
        }
    }

    /// From the PBX to the terminal: the user is the one called.
    #[must_use]
    pub const fn is_incoming(self) -> bool {
        self.0 & Self::INCOMING != 0
    }

    /// This user put the call on hold.
    #[must_use]
    pub const fn is_held(self) -> bool {
        self.0 & Self::HELD != 0
    }

    /// The other party put this user on hold.
    #[must_use]
    pub const fn is_held_by_peer(self) -> bool {
        self.0 & Self::HELD_BY_PEER != 0
    }

    /// Whether the leg is in its last phase.
    #[must_use]
    pub const fn is_cleared(self) -> bool {
        matches!(self.phase(), Phase::ClearedByFar | Phase::ClearedByUser)
    }
}

/// What else decides how a leg's state reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// Made at this line. Fixed at the birth of the call: a call that we asked for is outgoing
    /// even while the PBX rings the user's own phone first.
    pub outgoing: bool,
    /// Digits are known to be complete or on their way, so that overlap is dialling, not dial tone.
    pub dialled: bool,
    /// An application took it off the hook and has not sent a digit yet.
    pub off_hook: bool,
    /// The call was connected before.
    pub was_connected: bool,
    /// Latest Q.850 cause.
    pub cause: Option<u8>,
}

/// A TAPI state with its mode.
pub type StateAndMode = (CallState, u32);

/// How a leg's state reads in TAPI; `None` if it says nothing new.
#[must_use]
pub fn reading(pbx: PbxState, how: Circumstances) -> Option<StateAndMode> {
    let state = match (pbx.phase(), how.outgoing) {
        (Phase::Reserved, _) => return None,
        (Phase::Connect, _) if pbx.is_held() => (CallState::OnHold, 0),
        (Phase::Connect, _) if pbx.is_held_by_peer() => {
            (CallState::Connected, connected_mode::ACTIVEHELD)
        }
        (Phase::Connect, _) => (CallState::Connected, connected_mode::ACTIVE),
        (Phase::Parked, _) => (CallState::OnHold, 0),
        (Phase::ClearedByFar, true) if how.cause == Some(17) && !how.was_connected => {
            (CallState::Busy, tapi::BUSY_STATION)
        }
        (Phase::ClearedByFar, _) => (CallState::Disconnected, cleared_by_far(how)),
        (Phase::ClearedByUser, _) => (CallState::Disconnected, cleared_by_user(how)),
        (Phase::Init | Phase::Setup, true) if how.off_hook => {
            (CallState::DialTone, tapi::DIALTONE_INTERNAL)
        }
        (Phase::Overlap, true) if !how.dialled => (CallState::DialTone, tapi::DIALTONE_INTERNAL),
        (Phase::Init | Phase::Setup | Phase::Overlap, true) => (CallState::Dialing, 0),
        (Phase::Proceeding, true) => (CallState::Proceeding, 0),
        (Phase::Alert, true) => (CallState::Ringback, 0),
        (Phase::Init | Phase::Setup | Phase::Overlap | Phase::Proceeding | Phase::Alert, false) => {
            (CallState::Offering, tapi::OFFERING_ACTIVE)
        }
    };
    Some(state)
}

/// The mode of DISCONNECTED for a leg that is gone (`del`), whatever came before.
#[must_use]
pub fn ending(pbx: PbxState, how: Circumstances) -> u32 {
    match pbx.phase() {
        Phase::ClearedByUser => cleared_by_user(how),
        _ => cleared_by_far(how),
    }
}

fn cleared_by_far(how: Circumstances) -> u32 {
    match how.cause {
        // It was offered here and goes on elsewhere.
        Some(CAUSE_ELSEWHERE) if !how.outgoing && !how.was_connected => disconnect_mode::PICKUP,
        cause => cause.map_or(disconnect_mode::NORMAL, disconnect_mode_of),
    }
}

/// Q.850: the call was given to somebody else ("non-selected user clearing").
pub const CAUSE_ELSEWHERE: u8 = 26;

fn cleared_by_user(how: Circumstances) -> u32 {
    if how.outgoing && !how.was_connected {
        disconnect_mode::CANCELLED
    } else {
        disconnect_mode::NORMAL
    }
}

/// LINEDISCONNECTMODE of a Q.850 cause (TSPI: disconnect modes; where that names none, reference of
/// the PBX, 8.3).
#[must_use]
pub fn disconnect_mode_of(cause: u8) -> u32 {
    use disconnect_mode as mode;
    match cause & 0x7F {
        0 | 7 | 16 | 26 | 31 | 86 => mode::NORMAL,
        1 | 5 | 28 | 91 => mode::BADADDRESS,
        2 | 3 | 20 => mode::UNREACHABLE,
        6 | 8 | 9 | 63 => mode::UNAVAIL,
        17 => mode::BUSY,
        18 | 19 | 102 => mode::NOANSWER,
        21 | 29 => mode::REJECT,
        22 => mode::NUMBERCHANGED,
        23 => mode::FORWARDED,
        27 => mode::OUTOFORDER,
        34 | 42 => mode::CONGESTION,
        38 | 41 | 44 | 47 => mode::TEMPFAILURE,
        46 | 50 | 52..=55 | 87 | 90 => mode::BLOCKED,
        49 => mode::QOSUNAVAIL,
        57 | 58 | 62 | 65 | 66 | 69 | 70 | 79 | 88 => mode::INCOMPATIBLE,
        _ => mode::UNKNOWN,
    }
}

/// Whether a call is on hold, waiting for a transfer or not.
#[must_use]
pub const fn is_on_hold(state: CallState) -> bool {
    matches!(state, CallState::OnHold | CallState::OnHoldPendTransfer)
}

/// Whether a call takes further digits to dial.
#[must_use]
pub const fn takes_digits(state: CallState) -> bool {
    matches!(state, CallState::DialTone | CallState::Dialing)
}

/// Whether user-user information can be sent with a call.
#[must_use]
pub const fn takes_user_info(state: CallState) -> bool {
    matches!(
        state,
        CallState::Offering | CallState::Accepted | CallState::Ringback | CallState::Connected
    )
}

/// Whether TAPI lets `to` follow `from` (TSPI: legal transitions). A state may follow itself only
/// as CONNECTED with another mode.
#[must_use]
pub const fn may_follow(from: CallState, to: CallState) -> bool {
    use CallState as S;
    match from {
        S::Idle => false,
        S::Unknown => true,
        S::DialTone => matches!(to, S::Dialing | S::Idle | S::Disconnected),
        S::Dialing => matches!(
            to,
            S::Proceeding
                | S::Ringback
                | S::Connected
                | S::Busy
                | S::SpecialInfo
                | S::Disconnected
                | S::Idle
        ),
        S::Proceeding => matches!(
            to,
            S::Ringback
                | S::Connected
                | S::Busy
                | S::SpecialInfo
                | S::Disconnected
                | S::Idle
                | S::OnHold
        ),
        S::Ringback => {
            matches!(to, S::Connected | S::Busy | S::Disconnected | S::Idle | S::Proceeding)
        }
        S::Busy | S::SpecialInfo => {
            matches!(to, S::Idle | S::Disconnected | S::Ringback | S::Proceeding)
        }
        S::Offering => matches!(to, S::Accepted | S::Connected | S::Disconnected | S::Idle),
        S::Accepted => matches!(to, S::Connected | S::Disconnected | S::Idle),
        S::Connected => matches!(
            to,
            S::OnHold
                | S::OnHoldPendTransfer
                | S::OnHoldPendConf
                | S::Conferenced
                | S::Disconnected
                | S::Idle
                | S::Connected
        ),
        S::OnHold => matches!(
            to,
            S::Connected
                | S::Disconnected
                | S::Idle
                | S::OnHoldPendTransfer
                | S::Conferenced
                | S::Offering
        ),
        S::OnHoldPendTransfer => {
            matches!(to, S::Connected | S::OnHold | S::Idle | S::Disconnected | S::Conferenced)
        }
        S::OnHoldPendConf => matches!(to, S::Connected | S::OnHold | S::Idle | S::Disconnected),
        S::Conferenced => matches!(to, S::Connected | S::Idle | S::Disconnected | S::OnHold),
        S::Disconnected => matches!(to, S::Idle),
    }
}

/// Whether a call may be born in this state (TSPI: legal transitions, rows "new").
#[must_use]
pub const fn may_begin(outgoing: bool, state: CallState) -> bool {
    use CallState as S;
    if outgoing {
        matches!(
            state,
            S::DialTone
                | S::Dialing
                | S::Proceeding
                | S::Ringback
                | S::Connected
                | S::Busy
                | S::Disconnected
                | S::OnHold
        )
    } else {
        matches!(state, S::Offering | S::Connected | S::OnHold)
    }
}

/// The way from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// One legal step.
    Direct,
    /// Legal only through these states, in order; `None` pads.
    Through([Option<CallState>; 2]),
    /// There is no legal way: stay.
    Stay,
}

/// Finds the legal way from one state to another, through at most two states that a call passes
/// anyhow (invariant I-03: what is not direct is a surprise, and counted by the caller).
#[must_use]
pub fn way(from: CallState, to: CallState) -> Way {
    /// States that a call may be said to have passed without anybody being misled.
    const PASSED: [CallState; 3] =
        [CallState::Connected, CallState::Dialing, CallState::Proceeding];
    if may_follow(from, to) {
        return Way::Direct;
    }
    if from == to {
        return Way::Stay;
    }
    for first in PASSED {
        if first != to && may_follow(from, first) && may_follow(first, to) {
            return Way::Through([Some(first), None]);
        }
    }
    for first in PASSED {
        for second in PASSED {
            if first != second
                && may_follow(from, first)
                && may_follow(first, second)
                && may_follow(second, to)
            {
                return Way::Through([Some(first), Some(second)]);
            }
        }
    }
    Way::Stay
}

/// The mode that goes with a state which a call only passes.
#[must_use]
pub const fn passing_mode(state: CallState) -> u32 {
    match state {
        CallState::Connected => connected_mode::ACTIVE,
        CallState::Offering => tapi::OFFERING_ACTIVE,
        _ => 0,
    }
}

/// What else goes on at the line of a call, as far as it decides what may be asked of the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Siblings {
    /// Another call is on hold, and could be taken back.
    pub held: bool,
    /// It could be transferred, too.
    pub transferable: bool,
    /// Another call, or a conference, waits for one that was made for it.
    pub pending: bool,
    /// Another call is connected.
    pub connected: bool,
    /// Another call, made here, is ringing.
    pub ringback: bool,
    /// There is room for one more call.
    pub room: bool,
    /// The line shows several calls that are connected at once.
    pub confers: bool,
}

impl Siblings {
    /// Whatever may go on.
    pub const ANY: Siblings = Siblings {
        held: true,
        transferable: true,
        pending: false,
        connected: true,
        ringback: true,
        room: true,
        confers: true,
    };

    /// What the states of the other calls come to, `room` left out.
    #[must_use]
    pub fn of(states: impl Iterator<Item = CallState>) -> Siblings {
        let mut siblings = Siblings::default();
        for state in states {
            siblings.held |= is_on_hold(state);
            siblings.transferable |= is_on_hold(state);
            siblings.pending |=
                matches!(state, CallState::OnHoldPendTransfer | CallState::OnHoldPendConf);
            siblings.connected |= state == CallState::Connected;
            siblings.ringback |= state == CallState::Ringback;
        }
        siblings
    }
}

/// LINECALLFEATURE bits that are legal in a state (TSPI: dwCallFeatures per state; invariant
/// I-08). Only functions that this provider really offers are claimed.
#[must_use]
pub const fn features(state: CallState, siblings: Siblings, in_service: bool) -> u32 {
    use call_feature as may;
    const fn when(condition: bool, bits: u32) -> u32 {
        if condition { bits } else { 0 }
    }
    if !in_service {
        // What is over can be cleared away without the PBX.
        return when(matches!(state, CallState::Disconnected), may::DROP);
    }
    let Siblings { held, transferable, pending, connected, ringback, room, confers } = siblings;
    match state {
        CallState::Idle => 0,
        CallState::Offering | CallState::Accepted => {
            may::ANSWER | may::DROP | may::REDIRECT | may::SENDUSERUSER
        }
        CallState::DialTone | CallState::Dialing => may::DROP | may::DIAL,
        CallState::Ringback => {
            may::DROP | may::SENDUSERUSER | when(transferable, may::COMPLETETRANSF)
        }
        CallState::Connected => {
            may::DROP
                | may::SETCALLPARAMS
                | may::HOLD
                | may::BLINDTRANSFER
                | may::GENERATEDIGITS
                | may::PARK
                | may::SENDUSERUSER
                | when(held, may::SWAPHOLD)
                | when(transferable, may::COMPLETETRANSF)
                // A consultation is not itself transferred.
                | when(room && !pending, may::SETUPTRANSFER)
                | when(room && !pending && confers, may::SETUPCONF)
        }
        CallState::OnHold | CallState::OnHoldPendTransfer => {
            may::DROP
                | may::UNHOLD
                | when(connected, may::SWAPHOLD)
                | when(connected || ringback, may::COMPLETETRANSF)
        }
        CallState::OnHoldPendConf => may::DROP | may::UNHOLD | when(connected, may::ADDTOCONF),
        CallState::Conferenced => may::DROP | may::REMOVEFROMCONF,
        _ => may::DROP,
    }
}

#[cfg(test)]
mod tests;
