//! What a line claims to be able to do, and what it allows right now.
//!
//! One source for the capability structures, the status structures, the messages and the checks
//! before a request is taken, so that a feature shown is a feature claimed and a feature that
//! works (invariant I-08).

mod forwarding;

pub use forwarding::{
    MAX_FORWARD_ENTRIES, MAX_FORWARD_RINGS, MAX_SPECIFIC_ENTRIES, address_features_claimed,
    forward_modes, line_features_claimed, most_forward_entries,
};

use crate::call;
use crate::fact::Command;
use crate::id::CallId;
use crate::tapi::{
    CallState, LineErr, address_feature, address_state, call_feature, call_feature_2,
    call_info_state, connected_mode, line_dev_state, line_feature, park_mode, transfer_mode,
};
use crate::view::{CallView, Counts, LineView};
use forwarding::{ADDRESS_FORWARDS, LINE_FORWARDS, admit_forward, can_forward};

/// LINECALLFEATURE bits that any call may ever show.
pub const CALL_FEATURES: u32 = call_feature::ANSWER
    | call_feature::DIAL
    | call_feature::DROP
    | call_feature::GENERATEDIGITS
    | call_feature::SENDUSERUSER
    | call_feature::SETCALLPARAMS
    | call_feature::HOLD
    | call_feature::PARK
    | CONFERENCES
    | call_feature::UNHOLD
    | call_feature::SWAPHOLD
    | call_feature::SETUPTRANSFER
    | call_feature::COMPLETETRANSF
    | call_feature::BLINDTRANSFER
    | call_feature::REDIRECT;

/// LINECALLFEATURE2 bits: kinds of the functions above.
pub const CALL_FEATURES_2: u32 = call_feature_2::TRANSFERNORM
    | call_feature_2::TRANSFERCONF
    | call_feature_2::ONESTEPTRANSFER
    | PARKS;

/// `TSPI_linePark` in both forms.
const PARKS: u32 = call_feature_2::PARKDIRECT | call_feature_2::PARKNONDIRECT;

/// A telephone mixes its own user and two others.
pub const MOST_IN_CONFERENCE: u32 = 3;

/// dwMaxNumConference and dwMaxNumTransConf. A conference shows several calls as active, so there
/// is none where the setting forbids that.
#[must_use]
pub fn most_in_conference(view: &LineView) -> u32 {
    if confers(view) { MOST_IN_CONFERENCE } else { 0 }
}

/// LINECALLFEATURE bits of conferences.
const CONFERENCES: u32 =
    call_feature::SETUPCONF | call_feature::ADDTOCONF | call_feature::REMOVEFROMCONF;

/// LINECALLFEATURE bits that a line claims.
#[must_use]
pub fn call_features_claimed(view: &LineView) -> u32 {
    CALL_FEATURES & !if confers(view) { 0 } else { CONFERENCES }
}

/// LINECALLFEATURE2 bits that a line claims.
#[must_use]
pub fn call_features_2_claimed(view: &LineView) -> u32 {
    CALL_FEATURES_2 & !if confers(view) { 0 } else { call_feature_2::TRANSFERCONF }
}

/// LINETRANSFERMODE bits that `TSPI_lineCompleteTransfer` takes.
#[must_use]
pub fn transfer_modes(view: &LineView) -> u32 {
    transfer_mode::TRANSFER | if confers(view) { transfer_mode::CONFERENCE } else { 0 }
}

/// Whether conferences can be shown.
fn confers(view: &LineView) -> bool {
    !view.identity.single_active_call
}

/// LINEPARKMODE bits that `TSPI_linePark` takes.
pub const PARK_MODES: u32 = park_mode::DIRECTED | park_mode::NONDIRECTED;

/// LINECALLFEATURE2 bits that go with LINECALLFEATURE bits; whether the line shows conferences.
#[must_use]
pub fn call_features_2(features: u32, confers: bool) -> u32 {
    let with = |bits, kind| if features & bits == bits { kind } else { 0 };
    // Calls that can be swapped are one that talks and one on hold.
    let talk = call_feature::COMPLETETRANSF | call_feature::SWAPHOLD;
    with(call_feature::COMPLETETRANSF, call_feature_2::TRANSFERNORM)
        | with(talk, if confers { call_feature_2::TRANSFERCONF } else { 0 })
        | with(call_feature::SETUPTRANSFER, call_feature_2::ONESTEPTRANSFER)
        | with(call_feature::PARK, PARKS)
}

/// LINEADDRFEATURE bits that an address may ever show.
pub const ADDRESS_FEATURES: u32 =
    address_feature::MAKECALL | PICKUPS | address_feature::UNPARK | ADDRESS_FORWARDS;

/// `TSPI_linePickup` in all its forms.
const PICKUPS: u32 =
    address_feature::PICKUP | address_feature::PICKUPGROUP | address_feature::PICKUPDIRECT;

/// LINEFEATURE bits that a line may ever show.
pub const LINE_FEATURES: u32 = line_feature::MAKECALL | LINE_FORWARDS;

/// LINECALLSTATE bits that a call may ever be in.
pub const CALL_STATES: u32 = CallState::Idle.bits()
    | CallState::Offering.bits()
    | CallState::DialTone.bits()
    | CallState::Dialing.bits()
    | CallState::Proceeding.bits()
    | CallState::Ringback.bits()
    | CallState::Busy.bits()
    | CallState::Connected.bits()
    | CallState::OnHold.bits()
    | CallState::OnHoldPendTransfer.bits()
    | CallState::OnHoldPendConf.bits()
    | CallState::Conferenced.bits()
    | CallState::Disconnected.bits();

/// LINECALLINFOSTATE bits that LINE_CALLINFO may ever carry.
pub const CALL_INFO_STATES: u32 = call_info_state::MEDIAMODE
    | call_info_state::APPSPECIFIC
    | call_info_state::CALLID
    | call_info_state::RELATEDCALLID
    | call_info_state::ORIGIN
    | call_info_state::REASON
    | call_info_state::CALLERID
    | call_info_state::CALLEDID
    | call_info_state::CONNECTEDID
    | call_info_state::REDIRECTIONID
    | call_info_state::REDIRECTINGID
    | call_info_state::USERUSERINFO;

/// LINEADDRESSSTATE bits that LINE_ADDRESSSTATE may ever carry.
pub const ADDRESS_STATES: u32 = address_state::OTHER
    | address_state::INUSEZERO
    | address_state::INUSEONE
    | address_state::NUMCALLS
    | address_state::FORWARD
    | address_state::CAPSCHANGE;

/// LINEDEVSTATE bits that LINE_LINEDEVSTATE may ever carry.
pub const LINE_STATES: u32 = line_dev_state::OTHER
    | line_dev_state::RINGING
    | line_dev_state::CONNECTED
    | line_dev_state::DISCONNECTED
    | line_dev_state::INSERVICE
    | line_dev_state::OUTOFSERVICE
    | line_dev_state::NUMCALLS
    | line_dev_state::CAPSCHANGE
    | line_dev_state::REMOVED;

/// LINECONNECTEDMODE values that a connected call may have.
pub const CONNECTED_MODES: u32 = connected_mode::ACTIVE | connected_mode::ACTIVEHELD;

/// Calls of a line that may be active at once, and again as many on hold: what the largest
/// telephones of the vendor show.
pub const MAX_ACTIVE_CALLS: u32 = 8;

/// dwMaxNumActiveCalls: what is shown, not what the telephone can do.
#[must_use]
pub fn most_active_calls(view: &LineView) -> u32 {
    if view.identity.single_active_call { 1 } else { MAX_ACTIVE_CALLS }
}

/// LINEADDRFEATURE bits legal right now.
#[must_use]
pub fn address_features(view: &LineView) -> u32 {
    let make = if can_make_call(view) {
        address_feature::MAKECALL | PICKUPS | address_feature::UNPARK
    } else {
        0
    };
    make | if can_forward(view) { ADDRESS_FORWARDS } else { 0 }
}

/// LINEFEATURE bits legal right now: none out of service (TSPI: LINEDEVSTATUS), although a user
/// without a telephone can be forwarded. That is what the features of the address say.
#[must_use]
pub fn line_features(view: &LineView) -> u32 {
    if !view.in_service {
        return 0;
    }
    let make = if can_make_call(view) { line_feature::MAKECALL } else { 0 };
    make | if can_forward(view) { LINE_FORWARDS } else { 0 }
}

/// Whether a request of an application is legal in what the line shows.
///
/// Asked before a request is taken, so that the application hears at once, and once more when the
/// request is applied, because the line may have changed on the way.
///
/// # Errors
/// The LINEERR that the first broken rule asks for.
pub fn admit(view: &LineView, command: &Command) -> Result<(), LineErr> {
    match command {
        Command::MakeCall { .. } => admit_make_call(view),
        Command::Answer(call) | Command::Redirect { call, .. } => asking_in(view, *call, |state| {
            matches!(state, CallState::Offering | CallState::Accepted)
        }),
        // A second drop succeeds: widely used applications hang up twice and show an error box
        // when the second one is refused.
        Command::Drop(call) => match state_of(view, *call)? {
            CallState::Idle | CallState::Disconnected => Ok(()),
            _ => asking(view),
        },
        Command::SetCallParams(call) => match state_of(view, *call)? {
            CallState::Idle | CallState::Disconnected => Err(LineErr::InvalCallState),
            _ => Ok(()),
        },
        Command::Dial { call, .. } => asking_in(view, *call, call::takes_digits),
        Command::GenerateDigits { call, .. } => {
            asking_in(view, *call, |state| state == CallState::Connected)
        }
        Command::SendUserUserInfo { call, .. } => asking_in(view, *call, call::takes_user_info),
        Command::Forward(forwarding) => admit_forward(view, &forwarding.forwards),
        Command::Hold(call) | Command::BlindTransfer { call, .. } => {
            asking_in(view, *call, |state| state == CallState::Connected)
        }
        Command::Unhold(call) if is_pending_conference(view, *call) => asking(view),
        Command::Unhold(call) => asking_in(view, *call, call::is_on_hold),
        Command::SwapHold { active, held } => {
            let held = state_of(view, *held)?;
            asking_in(view, *active, |active| {
                active == CallState::Connected && call::is_on_hold(held)
            })
        }
        Command::SetupTransfer { call, .. } => {
            asking_in(view, *call, |state| state == CallState::Connected)?;
            nothing_pending(view, *call)?;
            admit_make_call(view)
        }
        Command::CompleteTransfer { call, consultation, conference } => {
            admit_complete_transfer(view, *call, *consultation, conference.is_some())
        }
        Command::SetupConference { call: Some(_), .. } if !confers(view) => {
            Err(LineErr::OperationUnavail)
        }
        Command::SetupConference { call: Some(call), .. } => {
            asking_in(view, *call, |state| state == CallState::Connected)?;
            nothing_pending(view, *call)?;
            no_conference(view)?;
            admit_make_call(view)
        }
        Command::AddToConference { conference, consultation } => {
            let joining =
                state_of(view, *consultation).map_err(|_| LineErr::InvalConsultCallHandle)?;
            match (state_of(view, *conference)?, joining) {
                (CallState::OnHoldPendConf, CallState::Connected) => asking(view),
                _ => Err(LineErr::InvalCallState),
            }
        }
        Command::RemoveFromConference(call) => {
            asking_in(view, *call, |state| state == CallState::Conferenced)
        }
        Command::Park { call, .. } => asking_in(view, *call, |state| state == CallState::Connected),
        Command::Pickup { .. } | Command::Unpark { .. } => admit_pickup(view),
        _ => Err(LineErr::OperationUnavail),
    }
}

/// [`admit`] for `TSPI_lineCompleteTransfer`. It does not matter which of the two is on hold: the
/// PBX joins their far ends all the same.
fn admit_complete_transfer(
    view: &LineView,
    call: CallId,
    consultation: CallId,
    to_conference: bool,
) -> Result<(), LineErr> {
    let first = view.call(call).ok_or(LineErr::InvalCallHandle)?;
    let second = view.call(consultation).ok_or(LineErr::InvalConsultCallHandle)?;
    if call == consultation {
        return Err(LineErr::InvalConsultCallHandle);
    }
    if to_conference && !confers(view) {
        return Err(LineErr::OperationUnavail);
    }
    // Who only rings can be given a call, but nobody can be heard with.
    let talks = |call: &CallView| match call.state {
        CallState::Connected => !call.is_conference,
        CallState::Ringback => !to_conference,
        _ => false,
    };
    let waits = |call: &CallView| call::is_on_hold(call.state) && !call.is_masked;
    let pair = |held, other| waits(held) && talks(other);
    if pair(first, second) || pair(second, first) {
        if to_conference {
            no_conference(view)?;
        }
        asking(view)
    } else {
        Err(LineErr::InvalCallState)
    }
}

/// [`admit`] for `TSPI_linePickup`, whose page knows no error for the state of a line.
///
/// # Errors
/// [`LineErr::OperationFailed`] out of service, [`LineErr::ResourceUnavail`] without a free
/// appearance.
pub fn admit_pickup(view: &LineView) -> Result<(), LineErr> {
    admit_make_call(view).map_err(|error| match error {
        LineErr::CallUnavail => LineErr::ResourceUnavail,
        _ => LineErr::OperationFailed,
    })
}

/// [`admit`] for `TSPI_lineMakeCall`, which has nothing to look at but the line.
///
/// # Errors
/// [`LineErr::InvalLineState`] out of service, [`LineErr::CallUnavail`] without a free appearance.
pub fn admit_make_call(view: &LineView) -> Result<(), LineErr> {
    if view.removed || !view.connected || !view.in_service {
        Err(LineErr::InvalLineState)
    } else if !has_free_appearance(view.counts()) {
        Err(LineErr::CallUnavail)
    } else {
        Ok(())
    }
}

fn can_make_call(view: &LineView) -> bool {
    admit_make_call(view).is_ok()
}

pub(crate) fn has_free_appearance(counts: Counts) -> bool {
    counts.active < MAX_ACTIVE_CALLS
}

/// Whether there is a PBX to ask.
fn asking(view: &LineView) -> Result<(), LineErr> {
    if view.connected { Ok(()) } else { Err(LineErr::OperationFailed) }
}

/// Whether a call is in a state in which something may be asked, and there is a PBX to ask.
fn asking_in(
    view: &LineView,
    call: CallId,
    legal: impl FnOnce(CallState) -> bool,
) -> Result<(), LineErr> {
    let call = view.call(call).ok_or(LineErr::InvalCallHandle)?;
    // A conference has no leg of its own.
    if legal(call.state) && !call.is_conference {
        asking(view)
    } else {
        Err(LineErr::InvalCallState)
    }
}

/// A conference that waits for the call which was made to join it.
fn is_pending_conference(view: &LineView, call: CallId) -> bool {
    view.call(call)
        .is_some_and(|call| call.is_conference && call.state == CallState::OnHoldPendConf)
}

/// A telephone has one conference.
fn no_conference(view: &LineView) -> Result<(), LineErr> {
    let live = |call: &CallView| call.is_conference && call.state != CallState::Idle;
    if view.calls.iter().any(|call| live(call)) { Err(LineErr::InvalCallState) } else { Ok(()) }
}

/// dwMaxNumOnHoldPendingCalls: one call waits for what comes of a consultation, and no call for a
/// consultation of the consultation.
fn nothing_pending(view: &LineView, call: CallId) -> Result<(), LineErr> {
    let waits = |other: &CallView| other.id != call && other.state.counts_as_hold_pending();
    if view.calls.iter().any(|other| waits(other)) { Err(LineErr::InvalCallState) } else { Ok(()) }
}

fn state_of(view: &LineView, call: CallId) -> Result<CallState, LineErr> {
    view.call(call).map(|call| call.state).ok_or(LineErr::InvalCallHandle)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
