use super::*;
use crate::call::{Circumstances, PbxState, Siblings, features, reading};
use crate::fact::Consultation;
use crate::forwarding::{Forward, Forwarding};
use crate::id::{CallId, Guid, LineId};
use crate::tapi::forward_mode;
use crate::time::Millis;
use crate::view::{CallView, Identity, Wide};
use std::sync::Arc;

const CALL: CallId = CallId { line: LineId(1), serial: 1 };
const OTHER: CallId = CallId { line: LineId(1), serial: 2 };

fn line_with(calls: &[CallState]) -> LineView {
    LineView {
        identity: Arc::new(Identity {
            line: LineId(1),
            permanent: crate::id::PermanentId(1),
            guid: Guid::NIL,
            name: Wide::default(),
            number: Wide::default(),
            switch: Wide::default(),
            cn: "Anna".into(),
            trunks: Arc::default(),
            modify_forwards: false,
            request_deadline_ms: 5_000,
            calls_kept_ms: 15_000,
            single_active_call: false,
            is_uui_encoded: false,
        }),
        forwards: Arc::default(),
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
                    features: features(*state, Siblings::ANY, true),
                    features_2: 0,
                    // Nothing else is ever in this state.
                    is_conference: *state == CallState::OnHoldPendConf,
                    is_masked: false,
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
            let shown = features(state, Siblings::ANY, in_service);
            assert_eq!(shown & !CALL_FEATURES, 0, "{state:?}");
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

/// What an application may ask for because of a feature bit of a call, with another call.
fn asked_for(bit: u32) -> Vec<Command> {
    let number = || "20".into();
    let consultation = Consultation {
        call: CallId { line: LineId(1), serial: 3 },
        number: number(),
        block_id: false,
        call_param_flags: 0,
    };
    let complete =
        |call, consultation| Command::CompleteTransfer { call, consultation, conference: None };
    match bit {
        call_feature::ANSWER => vec![Command::Answer(CALL)],
        call_feature::DROP => vec![Command::Drop(CALL)],
        call_feature::SETCALLPARAMS => vec![Command::SetCallParams(CALL)],
        call_feature::HOLD => vec![Command::Hold(CALL)],
        call_feature::UNHOLD => vec![Command::Unhold(CALL)],
        call_feature::SWAPHOLD => vec![
            Command::SwapHold { active: CALL, held: OTHER },
            Command::SwapHold { active: OTHER, held: CALL },
        ],
        call_feature::SETUPTRANSFER => {
            vec![Command::SetupTransfer { call: CALL, consultation }]
        }
        call_feature::COMPLETETRANSF => vec![complete(CALL, OTHER), complete(OTHER, CALL)],
        call_feature::BLINDTRANSFER => {
            vec![Command::BlindTransfer { call: CALL, number: number() }]
        }
        call_feature::DIAL => vec![Command::Dial { call: CALL, number: number() }],
        call_feature::GENERATEDIGITS => {
            vec![Command::GenerateDigits { call: CALL, digits: number(), tag: 0 }]
        }
        call_feature::SENDUSERUSER => {
            vec![Command::SendUserUserInfo { call: CALL, user_info: number() }]
        }
        call_feature::SETUPCONF => vec![Command::SetupConference {
            call: Some(CALL),
            conference: CallId { line: LineId(1), serial: 4 },
            consultation,
        }],
        call_feature::ADDTOCONF => {
            vec![Command::AddToConference { conference: CALL, consultation: OTHER }]
        }
        call_feature::REMOVEFROMCONF => vec![Command::RemoveFromConference(CALL)],
        call_feature::PARK => {
            vec![Command::Park { call: CALL, at: crate::fact::ParkPlace::Nondirected }]
        }
        call_feature::REDIRECT => vec![Command::Redirect { call: CALL, number: number() }],
        _ => vec![],
    }
}

#[test]
fn a_feature_is_shown_where_and_only_where_a_request_for_it_is_admitted() {
    let bits = (0..32).map(|bit| 1 << bit).filter(|bit| CALL_FEATURES & bit != 0);
    for bit in bits {
        assert!(!asked_for(bit).is_empty(), "{bit:#x} is claimed and not tried");
        for (state, other) in
            CallState::ALL.into_iter().flat_map(|one| CallState::ALL.map(|two| (one, two)))
        {
            let view = line_with(&[state, other]);
            let mut siblings = Siblings::of([other].into_iter());
            siblings.room = true;
            siblings.confers = true;
            let shown = features(state, siblings, true) & bit != 0;
            let admitted = asked_for(bit).iter().any(|command| admit(&view, command).is_ok());
            // A second drop is admitted without being offered; call parameters may be set early.
            let tolerated = matches!(bit, call_feature::DROP | call_feature::SETCALLPARAMS);
            assert!(
                shown == admitted || (admitted && tolerated),
                "{bit:#x} in {state:?} beside {other:?}: shown {shown}, admitted {admitted}"
            );
        }
    }
}

#[test]
fn a_transfer_needs_two_calls_of_the_line() {
    let view = line_with(&[CallState::OnHold, CallState::Connected]);
    let stranger = CallId { line: LineId(1), serial: 9 };
    let complete = |call, consultation, conference| {
        admit(&view, &Command::CompleteTransfer { call, consultation, conference })
    };
    assert_eq!(complete(CALL, OTHER, None), Ok(()));
    assert_eq!(complete(stranger, OTHER, None), Err(LineErr::InvalCallHandle));
    assert_eq!(complete(CALL, stranger, None), Err(LineErr::InvalConsultCallHandle));
    assert_eq!(complete(CALL, CALL, None), Err(LineErr::InvalConsultCallHandle));
}

#[test]
fn a_transfer_becomes_a_conference_where_both_can_be_heard_and_the_line_shows_it() {
    let complete = |view: &LineView| {
        let (call, consultation, conference) = (CALL, OTHER, Some(OTHER));
        admit(view, &Command::CompleteTransfer { call, consultation, conference })
    };
    let pair = line_with(&[CallState::OnHold, CallState::Connected]);
    assert_eq!(complete(&pair), Ok(()));
    assert_eq!(transfer_modes(&pair), transfer_mode::TRANSFER | transfer_mode::CONFERENCE);
    let ringing = line_with(&[CallState::OnHold, CallState::Ringback]);
    assert_eq!(complete(&ringing), Err(LineErr::InvalCallState));
    let mut single = pair.clone();
    let identity = Identity { single_active_call: true, ..(*pair.identity).clone() };
    single.identity = Arc::new(identity);
    assert_eq!(complete(&single), Err(LineErr::OperationUnavail));
    assert_eq!(transfer_modes(&single), transfer_mode::TRANSFER);
    assert_eq!(call_features_2_claimed(&single) & call_feature_2::TRANSFERCONF, 0);

    let waits = |other| features(CallState::OnHold, Siblings::of([other].into_iter()), true);
    let shown = |other, confers| call_features_2(waits(other), confers);
    let both = call_feature_2::TRANSFERNORM | call_feature_2::TRANSFERCONF;
    assert_eq!(shown(CallState::Connected, true), both);
    assert_eq!(shown(CallState::Connected, false), call_feature_2::TRANSFERNORM);
    assert_eq!(shown(CallState::Ringback, true), call_feature_2::TRANSFERNORM);
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
        assert_eq!(line_features(&view) & line_feature::MAKECALL, 0);
        assert_eq!(address_features(&view) & address_feature::MAKECALL, 0);
    }
}

#[test]
fn a_user_without_a_telephone_can_be_forwarded_and_the_address_says_so() {
    let forwarding = Command::Forward(Forwarding::default());
    let unregistered = LineView { in_service: false, ..line_with(&[]) };
    assert_eq!(admit(&unregistered, &forwarding), Ok(()));
    assert_eq!(line_features(&unregistered), 0, "nothing of the line works out of service");
    assert_eq!(address_features(&unregistered), ADDRESS_FORWARDS);
    let away = LineView { connected: false, ..unregistered };
    assert_eq!(admit(&away, &forwarding), Err(LineErr::OperationFailed));
    assert_eq!((line_features(&away), address_features(&away)), (0, 0));
}

#[test]
fn the_longest_list_of_forwards_that_is_claimed_is_taken_and_no_longer_one() {
    let mut view = line_with(&[]);
    for trunks in [vec![], vec!["0".into()]] {
        let identity = Identity { trunks: trunks.into(), ..(*view.identity).clone() };
        view.identity = Arc::new(identity);
        let modes = forward_modes(&view);
        let plain = (0..16).map(|bit| 1 << bit).filter(|mode| modes & mode != 0);
        let plain = plain.filter(|mode| mode & forward_mode::SPECIFIC == 0).map(|mode| (mode, 0));
        let specific = (0..MAX_SPECIFIC_ENTRIES).map(|n| (0x8, n));
        let mut forwards: Vec<_> = plain
            .chain(specific)
            .map(|(mode, n)| Forward::of(mode, n.to_string().as_str().into(), "30".into()).unwrap())
            .collect();
        assert_eq!(forwards.len(), most_forward_entries(&view) as usize);
        let admitted = |forwards: &[Forward]| {
            let forwarding = Forwarding { forwards: forwards.to_vec(), rings: 0 };
            admit(&view, &Command::Forward(forwarding))
        };
        assert_eq!(admitted(&forwards), Ok(()));
        forwards.push(Forward::of(0x80, "99".into(), "30".into()).unwrap());
        assert_eq!(admitted(&forwards), Err(LineErr::InvalParam));
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
    for command in [Command::Answer(OTHER), Command::Drop(OTHER), Command::SetCallParams(OTHER)] {
        let answer = admit(&line_with(&[CallState::Offering]), &command);
        assert_eq!(answer, Err(LineErr::InvalCallHandle));
    }
}
