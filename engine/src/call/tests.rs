use super::*;

fn circumstances() -> impl Iterator<Item = Circumstances> {
    (0..16).flat_map(|bits| {
        [None, Some(16), Some(17), Some(21), Some(127)].map(|cause| Circumstances {
            outgoing: bits & 1 != 0,
            dialled: bits & 2 != 0,
            off_hook: bits & 8 != 0,
            was_connected: bits & 4 != 0,
            cause,
        })
    })
}

#[test]
fn every_pbx_state_reads_as_one_tapi_state_with_a_mode_that_belongs_to_it() {
    for bits in 0..0x1000 {
        for how in circumstances() {
            let Some((state, mode)) = reading(PbxState::new(bits), how) else {
                assert_eq!(PbxState::new(bits).phase(), Phase::Reserved);
                continue;
            };
            let fits = match state {
                CallState::Connected => {
                    mode == connected_mode::ACTIVE || mode == connected_mode::ACTIVEHELD
                }
                CallState::Offering => mode == tapi::OFFERING_ACTIVE && !how.outgoing,
                CallState::DialTone => mode == tapi::DIALTONE_INTERNAL && how.outgoing,
                CallState::Busy => mode == tapi::BUSY_STATION && how.outgoing,
                CallState::Disconnected => {
                    mode.is_power_of_two() && mode & disconnect_mode::ALL == mode
                }
                CallState::Dialing | CallState::Proceeding | CallState::Ringback => {
                    mode == 0 && how.outgoing
                }
                CallState::OnHold => mode == 0,
                other => panic!("{bits:#x} {how:?} reads as {other:?}"),
            };
            assert!(fits, "{bits:#x} {how:?} reads as {state:?} mode {mode:#x}");
        }
    }
}

#[test]
fn the_states_seen_on_real_boxes_read_as_the_reference_says() {
    let outgoing = Circumstances {
        outgoing: true,
        dialled: true,
        off_hook: false,
        was_connected: false,
        cause: None,
    };
    let incoming = Circumstances { outgoing: false, ..outgoing };
    let table = [
        (1, outgoing, CallState::Dialing),
        (2, Circumstances { dialled: false, ..outgoing }, CallState::DialTone),
        (1, Circumstances { off_hook: true, dialled: false, ..outgoing }, CallState::DialTone),
        (2, outgoing, CallState::Dialing),
        (3, outgoing, CallState::Proceeding),
        (4, outgoing, CallState::Ringback),
        (5, outgoing, CallState::Connected),
        (6, outgoing, CallState::Disconnected),
        (7, outgoing, CallState::Disconnected),
        (129, incoming, CallState::Offering),
        (130, incoming, CallState::Offering),
        (131, incoming, CallState::Offering),
        (132, incoming, CallState::Offering),
        (133, incoming, CallState::Connected),
        (134, incoming, CallState::Disconnected),
        (135, incoming, CallState::Disconnected),
        (261, outgoing, CallState::OnHold),
        (389, incoming, CallState::OnHold),
        (517, outgoing, CallState::Connected),
        (645, incoming, CallState::Connected),
        (773, outgoing, CallState::OnHold),
        (901, incoming, CallState::OnHold),
        (263, outgoing, CallState::Disconnected),
        (391, incoming, CallState::Disconnected),
        (1024 + 132, incoming, CallState::Offering),
        // A call that we asked for stays outgoing while the PBX rings our own phone first.
        (129, outgoing, CallState::Dialing),
    ];
    for (bits, how, state) in table {
        assert_eq!(reading(PbxState::new(bits), how).map(|(s, _)| s), Some(state), "{bits}");
    }
}

#[test]
fn every_way_between_two_states_is_made_of_legal_steps() {
    for from in CallState::ALL {
        for to in CallState::ALL {
            match way(from, to) {
                Way::Direct => assert!(may_follow(from, to)),
                Way::Through(passed) => {
                    let mut at = from;
                    for step in passed.into_iter().flatten().chain([to]) {
                        assert!(may_follow(at, step), "{from:?} -> {to:?} via {passed:?}");
                        at = step;
                    }
                }
                Way::Stay => assert!(!may_follow(from, to)),
            }
        }
    }
}

#[test]
fn idle_is_terminal_and_every_other_state_reaches_it() {
    for state in CallState::ALL {
        assert!(!may_follow(CallState::Idle, state));
        if state != CallState::Idle {
            assert!(may_follow(state, CallState::Idle), "{state:?}");
        }
    }
    assert_eq!(way(CallState::Disconnected, CallState::Connected), Way::Stay);
    assert_eq!(way(CallState::Connected, CallState::Ringback), Way::Stay);
}

#[test]
fn every_live_state_but_a_tone_reaches_disconnected_in_one_step() {
    for state in CallState::ALL {
        if !matches!(state, CallState::Idle | CallState::Disconnected) {
            assert!(may_follow(state, CallState::Disconnected), "{state:?}");
        }
    }
}

#[test]
fn a_call_is_answered_only_while_it_is_offered_and_dropped_in_any_live_state() {
    for state in CallState::ALL {
        let offered = matches!(state, CallState::Offering | CallState::Accepted);
        let features = features(state, Siblings::ANY, true);
        assert_eq!(features & call_feature::ANSWER != 0, offered, "{state:?}");
        assert_eq!(features & call_feature::DROP != 0, state != CallState::Idle, "{state:?}");
        let without_pbx = super::features(state, Siblings::ANY, false);
        let over = if state == CallState::Disconnected { call_feature::DROP } else { 0 };
        assert_eq!(without_pbx, over, "{state:?}");
    }
}

#[test]
fn every_cause_gives_exactly_one_disconnect_mode() {
    for cause in 0..=255 {
        let mode = disconnect_mode_of(cause);
        assert!(mode.is_power_of_two(), "{cause}");
        assert_eq!(mode, disconnect_mode_of(cause & 0x7F), "bit 7 is stripped");
    }
}

#[test]
fn the_causes_that_mean_something_to_tapi_are_told_apart() {
    use disconnect_mode as mode;
    let table: [(u32, &[u8]); 15] = [
        (mode::NORMAL, &[0, 7, 16, 26, 31, 86]),
        (mode::REJECT, &[21, 29]),
        (mode::FORWARDED, &[23]),
        (mode::BUSY, &[17]),
        (mode::NOANSWER, &[18, 19, 102]),
        (mode::BADADDRESS, &[1, 5, 28, 91]),
        (mode::UNREACHABLE, &[2, 3, 20]),
        (mode::CONGESTION, &[34, 42]),
        (mode::INCOMPATIBLE, &[57, 58, 62, 65, 66, 69, 70, 79, 88]),
        (mode::UNAVAIL, &[6, 8, 9, 63]),
        (mode::NUMBERCHANGED, &[22]),
        (mode::OUTOFORDER, &[27]),
        (mode::TEMPFAILURE, &[38, 41, 44, 47]),
        (mode::QOSUNAVAIL, &[49]),
        (mode::BLOCKED, &[46, 50, 52, 53, 54, 55, 87, 90]),
    ];
    for cause in 0..=127 {
        let named = table.iter().find(|(_, causes)| causes.contains(&cause));
        let expected = named.map_or(mode::UNKNOWN, |(mode, _)| *mode);
        assert_eq!(disconnect_mode_of(cause), expected, "cause {cause}");
    }
}

#[test]
fn an_offered_call_that_somebody_else_has_now_was_picked_up() {
    let offered = Circumstances {
        outgoing: false,
        dialled: false,
        off_hook: false,
        was_connected: false,
        cause: Some(CAUSE_ELSEWHERE),
    };
    let cleared = PbxState::new(134);
    let mode = |how| ending(cleared, how);
    assert_eq!(mode(offered), disconnect_mode::PICKUP);
    // Transferred away, or silenced by its own telephone.
    assert_eq!(mode(Circumstances { was_connected: true, ..offered }), disconnect_mode::NORMAL);
    assert_eq!(mode(Circumstances { outgoing: true, ..offered }), disconnect_mode::NORMAL);
}
