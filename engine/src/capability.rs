//! What a line claims to be able to do, and what it allows right now.
//!
//! One source for the capability structures, the status structures, the messages and the checks
//! before a request is taken, so that a feature shown is a feature claimed and a feature that
//! works (invariant I-08).

use crate::fact::Command;
use crate::id::CallId;
use crate::line::errand;
use crate::tapi::{
    CallState, LineErr, address_feature, address_state, call_feature, call_info_state,
    connected_mode, line_dev_state, line_feature,
};
use crate::view::{Counts, LineView};

/// LINECALLFEATURE bits that any call may ever show.
pub const CALL_FEATURES: u32 = call_feature::ANSWER
    | call_feature::DIAL
    | call_feature::DROP
    | call_feature::GENERATEDIGITS
    | call_feature::SENDUSERUSER
    | call_feature::SETCALLPARAMS;

/// LINEADDRFEATURE bits that an address may ever show.
pub const ADDRESS_FEATURES: u32 = address_feature::MAKECALL;

/// LINEFEATURE bits that a line may ever show.
pub const LINE_FEATURES: u32 = line_feature::MAKECALL;

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

/// LINEFORWARDMODE bits accepted by `TSPI_lineForward`: none, it is not offered.
pub const FORWARD_MODES: u32 = 0;

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
    if can_make_call(view) { address_feature::MAKECALL } else { 0 }
}

/// LINEFEATURE bits legal right now.
#[must_use]
pub fn line_features(view: &LineView) -> u32 {
    if can_make_call(view) { line_feature::MAKECALL } else { 0 }
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
        Command::Answer(call) => match state_of(view, *call)? {
            CallState::Offering | CallState::Accepted => asking(view),
            _ => Err(LineErr::InvalCallState),
        },
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
        Command::Dial { call, .. } => asking_in(view, *call, errand::can_dial),
        Command::GenerateDigits { call, .. } => {
            asking_in(view, *call, |state| state == CallState::Connected)
        }
        Command::SendUserUserInfo { call, .. } => {
            asking_in(view, *call, errand::can_send_user_info)
        }
        _ => Err(LineErr::OperationUnavail),
    }
}

/// Whether a call is in a state in which something may be asked, and whether there is a PBX.
fn asking_in(
    view: &LineView,
    call: CallId,
    may: impl FnOnce(CallState) -> bool,
) -> Result<(), LineErr> {
    if may(state_of(view, call)?) { asking(view) } else { Err(LineErr::InvalCallState) }
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

fn has_free_appearance(counts: Counts) -> bool {
    counts.active < MAX_ACTIVE_CALLS
}

/// Whether there is a PBX to ask.
fn asking(view: &LineView) -> Result<(), LineErr> {
    if view.connected { Ok(()) } else { Err(LineErr::OperationFailed) }
}

fn state_of(view: &LineView, call: CallId) -> Result<CallState, LineErr> {
    view.call(call).map(|call| call.state).ok_or(LineErr::InvalCallHandle)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::call::{Circumstances, PbxState, features, reading};
    use crate::id::{Guid, LineId};
    use crate::time::Millis;
    use crate::view::{CallView, Identity, Wide};
    use std::sync::Arc;

    const CALL: CallId = CallId { line: LineId(1), serial: 1 };
    const OTHER: CallId = CallId { line: LineId(1), serial: 2 };

    fn line_with(calls: &[CallState]) -> LineView {
        LineView {
            identity: Arc::new(Identity {
                line: LineId(1),
                guid: Guid::NIL,
                name: Wide::default(),
                number: Wide::default(),
                switch: Wide::default(),
                single_active_call: false,
                is_uui_encoded: false,
            }),
            connected: true,
            in_service: true,
            removed: false,
            ringing: false,
            calls: (1..)
                .zip(calls)
                .map(|(serial, state)| {
                    Arc::new(CallView {
                        id: CallId { line: LineId(1), serial },
                        state: *state,
                        mode: 0,
                        features: features(*state, true),
                        since: Millis(0),
                        info: Arc::default(),
                    })
                })
                .collect(),
        }
    }

    fn make_call() -> Command {
        Command::MakeCall {
            call: OTHER,
            number: "20".into(),
            block_id: false,
            country_code: 0,
            call_param_flags: 0,
        }
    }

    #[test]
    fn a_feature_shown_is_a_feature_claimed() {
        for state in CallState::ALL {
            for in_service in [true, false] {
                assert_eq!(features(state, in_service) & !CALL_FEATURES, 0, "{state:?}");
            }
        }
        let view = line_with(&[]);
        assert_eq!(line_features(&view) & !LINE_FEATURES, 0);
        assert_eq!(address_features(&view) & !ADDRESS_FEATURES, 0);
    }

    #[test]
    fn a_state_reported_is_a_state_claimed() {
        for bits in 0..=0xFFF {
            for flags in 0..16 {
                let how = Circumstances {
                    outgoing: flags & 1 != 0,
                    dialled: flags & 2 != 0,
                    off_hook: flags & 8 != 0,
                    was_connected: flags & 4 != 0,
                    cause: Some(17),
                };
                if let Some((state, mode)) = reading(PbxState::new(bits), how) {
                    assert_ne!(state.bits() & CALL_STATES, 0, "{state:?}");
                    assert!(state != CallState::Connected || mode & !CONNECTED_MODES == 0);
                }
            }
        }
    }

    #[test]
    fn a_feature_shown_is_a_request_admitted() {
        for state in CallState::ALL {
            for in_service in [true, false] {
                let view = LineView { in_service, ..line_with(&[state]) };
                let features = features(state, in_service);
                for (bit, command) in [
                    (call_feature::ANSWER, Command::Answer(CALL)),
                    (call_feature::DROP, Command::Drop(CALL)),
                    (call_feature::SETCALLPARAMS, Command::SetCallParams(CALL)),
                    (call_feature::DIAL, Command::Dial { call: CALL, number: "1".into() }),
                    (
                        call_feature::GENERATEDIGITS,
                        Command::GenerateDigits { call: CALL, digits: "1".into(), tag: 0 },
                    ),
                    (
                        call_feature::SENDUSERUSER,
                        Command::SendUserUserInfo { call: CALL, user_info: "1".into() },
                    ),
                ] {
                    if features & bit != 0 {
                        assert_eq!(admit(&view, &command), Ok(()), "{state:?} {command:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn only_a_call_that_waits_for_it_can_be_answered() {
        for state in CallState::ALL {
            let answered = admit(&line_with(&[state]), &Command::Answer(CALL));
            let waits = matches!(state, CallState::Offering | CallState::Accepted);
            let expected = if waits { Ok(()) } else { Err(LineErr::InvalCallState) };
            assert_eq!(answered, expected, "{state:?}");
        }
    }

    #[test]
    fn every_call_can_be_dropped_and_an_idle_one_again() {
        for state in CallState::ALL {
            assert_eq!(admit(&line_with(&[state]), &Command::Drop(CALL)), Ok(()), "{state:?}");
        }
    }

    #[test]
    fn call_parameters_belong_to_a_call_that_still_runs() {
        for state in CallState::ALL {
            let set = admit(&line_with(&[state]), &Command::SetCallParams(CALL));
            let over = matches!(state, CallState::Idle | CallState::Disconnected);
            assert_eq!(set.is_err(), over, "{state:?}");
        }
    }

    #[test]
    fn a_line_out_of_service_makes_no_calls_and_says_so_in_its_features() {
        let well = line_with(&[]);
        assert_eq!(admit(&well, &make_call()), Ok(()));
        assert_eq!(line_features(&well), LINE_FEATURES);
        for view in [
            LineView { connected: false, ..well.clone() },
            LineView { in_service: false, ..well.clone() },
            LineView { removed: true, ..well },
        ] {
            assert_eq!(admit(&view, &make_call()), Err(LineErr::InvalLineState));
            assert_eq!((line_features(&view), address_features(&view)), (0, 0));
        }
    }

    #[test]
    fn a_line_with_all_appearances_in_use_has_none_for_a_new_call() {
        let full = vec![CallState::Connected; MAX_ACTIVE_CALLS as usize];
        assert_eq!(admit(&line_with(&full), &make_call()), Err(LineErr::CallUnavail));
        let over = vec![CallState::Idle; MAX_ACTIVE_CALLS as usize];
        assert_eq!(admit(&line_with(&over), &make_call()), Ok(()));
    }

    #[test]
    fn without_its_pbx_a_call_cannot_be_answered_or_dropped_but_what_is_over_can() {
        let lost = |state| LineView { connected: false, ..line_with(&[state]) };
        let failed = Err(LineErr::OperationFailed);
        assert_eq!(admit(&lost(CallState::Offering), &Command::Answer(CALL)), failed);
        assert_eq!(admit(&lost(CallState::Connected), &Command::Drop(CALL)), failed);
        assert_eq!(admit(&lost(CallState::Disconnected), &Command::Drop(CALL)), Ok(()));
        assert_eq!(
            admit(&lost(CallState::Connected), &Command::Answer(CALL)),
            Err(LineErr::InvalCallState)
        );
    }

    #[test]
    fn a_call_that_is_not_on_the_line_is_no_call() {
        for command in [Command::Answer(OTHER), Command::Drop(OTHER), Command::SetCallParams(OTHER)]
        {
            let answer = admit(&line_with(&[CallState::Offering]), &command);
            assert_eq!(answer, Err(LineErr::InvalCallHandle));
        }
    }
}
