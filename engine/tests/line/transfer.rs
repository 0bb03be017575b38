//! Transfers: by a consultation, blind, and of a call that is only offered.

use crate::site::{Site, born, call, made, party};
use engine::effect::{Effect, Order};
use engine::fact::*;
use engine::id::{CallHandle, LineId, UserHandle};
use engine::tapi::{CallState, call_info_state, origin};
use engine::time::{Millis, Timer};

/// Anna (line 1) talks to Ben.
fn talking() -> Site {
    let mut site = Site::new();
    site.call(101, 132);
    site.call(101, 133);
    site.effects.clear();
    site
}

/// Anna has Ben on hold and hears Cleo's phone ring.
fn held_and_ringing() -> Site {
    let mut site = talking();
    site.app(1, 3, Command::Hold(born(1, 1)));
    site.call(101, 389);
    site.make_call(4, 0);
    site.reply(1, 4, Reply::Calling(CallHandle(102)));
    site.call(102, 1);
    site.call(102, 4);
    site.effects.clear();
    site
}

fn consultation(number: &str) -> Command {
    let consultation = Consultation {
        call: made(1, 1),
        number: number.into(),
        block_id: false,
        call_param_flags: 0,
    };
    Command::SetupTransfer { call: born(1, 1), consultation }
}

/// Anna waits with Ben for Cleo, who is being called.
fn consulting() -> Site {
    let mut site = talking();
    site.app(1, 3, consultation("22"));
    site.call(101, 389);
    site.reply(1, 3, Reply::Calling(CallHandle(102)));
    site.call(102, 4);
    site.effects.clear();
    site
}

fn complete(call: engine::id::CallId, consultation: engine::id::CallId) -> Command {
    Command::CompleteTransfer { call, consultation, conference: None }
}

const ELSEWHERE: Option<u8> = Some(26);

#[test]
fn a_call_that_was_taken_for_transferred_and_lives_on_is_another_one() {
    let mut site = held_and_ringing();
    site.app(1, 5, complete(born(1, 1), made(1, 0)));
    // Somebody parked the consultation meanwhile: it ends here, and was not joined with the other.
    site.cleared(102, 6, ELSEWHERE);
    site.del(102);
    assert_eq!(site.calls_told(1), ["call1 IDLE 0x0", "made0 IDLE 0x0", "5 done"]);
    site.now += 2_000;
    site.call(101, 133);
    assert_eq!(site.calls_told(1), ["new call2", "call2 CONNECTED 0x1"]);
    assert_eq!(site.view(1).call(born(1, 1)).unwrap().state, CallState::Idle, "once and for all");
}

#[test]
fn a_call_that_was_taken_for_transferred_and_of_which_nothing_is_heard_is_another_one_too() {
    let mut site = held_and_ringing();
    site.app(1, 5, complete(born(1, 1), made(1, 0)));
    site.cleared(102, 6, ELSEWHERE);
    site.del(102);
    assert_eq!(site.calls_told(1), ["call1 IDLE 0x0", "made0 IDLE 0x0", "5 done"]);
    let wake =
        Effect::Wake(Millis(site.now - 1 + 1_000), Timer::Deadline(LineId(1), site.ticket(1, 5)));
    assert!(site.effects.contains(&wake), "{:?}", site.effects);
    site.deadline(1, 5);
    assert!(site.calls_told(1).is_empty(), "the second leg may still end");
    site.now += 1_000;
    site.deadline(1, 5);
    assert_eq!(site.calls_told(1), ["new call2", "call2 ONHOLD 0x0"]);
    site.deadline(1, 5);
    site.call(101, 133);
    assert_eq!(site.calls_told(1), ["call2 CONNECTED 0x1"]);
    site.del(101);
    assert_eq!(site.view(1).call(born(1, 2)).unwrap().state, CallState::Idle);
}

#[test]
fn where_both_legs_of_a_transfer_end_nothing_comes_after_it() {
    let mut site = held_and_ringing();
    site.app(1, 5, complete(born(1, 1), made(1, 0)));
    for leg in [102, 101] {
        site.cleared(leg, 6, ELSEWHERE);
        site.del(leg);
    }
    site.calls_told(1);
    site.now += 2_000;
    site.deadline(1, 5);
    assert!(site.calls_told(1).is_empty());
}

#[test]
fn a_held_call_and_a_made_one_are_joined_and_both_end_at_once() {
    for connected in [false, true] {
        let mut site = held_and_ringing();
        if connected {
            site.call(102, 5);
            site.effects.clear();
        }
        site.app(1, 5, complete(born(1, 1), made(1, 0)));
        let (a, b) = (CallHandle(101), CallHandle(102));
        assert_eq!(site.ordered(), [Order::UserTransfer { a, b }]);
        site.reply(1, 5, Reply::Taken);
        assert!(site.calls_told(1).is_empty());
        // The PBX reports the consultation first; TAPI hears of the original first all the same.
        site.cleared(102, 6, ELSEWHERE);
        assert_eq!(site.calls_told(1), ["call1 IDLE 0x0", "made0 IDLE 0x0", "5 done"]);
        site.del(102);
        site.cleared(101, 134, ELSEWHERE);
        site.del(101);
        assert!(site.told(1).is_empty());
    }
}

#[test]
fn the_handles_of_a_transfer_may_be_given_the_other_way_round() {
    let mut site = held_and_ringing();
    site.app(1, 5, complete(made(1, 0), born(1, 1)));
    site.cleared(101, 134, ELSEWHERE);
    assert_eq!(site.calls_told(1), ["made0 IDLE 0x0", "call1 IDLE 0x0", "5 done"]);
}

#[test]
fn a_pbx_that_gives_no_causes_is_believed_for_each_call_when_it_ends() {
    let mut site = held_and_ringing();
    site.app(1, 5, complete(born(1, 1), made(1, 0)));
    site.del(102);
    assert_eq!(site.calls_told(1), ["made0 IDLE 0x0"]);
    site.del(101);
    assert_eq!(site.calls_told(1), ["call1 IDLE 0x0", "5 done"]);
}

#[test]
fn a_consultation_that_hangs_up_before_the_transfer_leaves_the_original_on_hold() {
    let mut site = held_and_ringing();
    site.app(1, 5, complete(born(1, 1), made(1, 0)));
    site.cleared(102, 6, Some(16));
    site.del(102);
    assert_eq!(site.calls_told(1), ["made0 DISCONNECTED 0x1", "made0 IDLE 0x0"]);
    // The other leg follows at once, or there was no transfer.
    let second = Millis(site.now - 1 + 1_000);
    let deadline = Timer::Deadline(LineId(1), site.ticket(1, 5));
    assert!(site.effects.contains(&Effect::Wake(second, deadline)), "{:?}", site.effects);
    site.deadline(1, 5);
    assert_eq!(site.calls_told(1), ["5 INVALCALLSTATE"]);
    assert_eq!(site.view(1).counts().held, 1);
}

#[test]
fn a_leg_that_reads_hung_up_was_transferred_if_the_other_one_follows_as_given_away() {
    let mut site = held_and_ringing();
    site.app(1, 5, complete(born(1, 1), made(1, 0)));
    site.cleared(102, 6, Some(16));
    site.del(102);
    site.cleared(101, 134, ELSEWHERE);
    let told = site.calls_told(1);
    assert_eq!(told[2..], ["call1 IDLE 0x0", "5 done"], "{told:?}");
}

#[test]
fn two_calls_that_both_hang_up_were_not_transferred() {
    let mut site = held_and_ringing();
    site.app(1, 5, complete(born(1, 1), made(1, 0)));
    site.cleared(102, 6, Some(16));
    site.cleared(101, 134, Some(16));
    let mut told = site.calls_told(1);
    assert_eq!(told.pop().as_deref(), Some("5 INVALCALLSTATE"));
    assert_eq!(told, ["made0 DISCONNECTED 0x1", "call1 DISCONNECTED 0x1"]);
}

#[test]
fn calls_that_are_dropped_under_their_transfer_were_not_transferred() {
    // The drops are proved by events, or only by their deadlines.
    for silent in [false, true] {
        let mut site = held_and_ringing();
        site.app(1, 6, Command::Drop(made(1, 0)));
        site.app(1, 7, Command::Drop(born(1, 1)));
        site.app(1, 5, complete(born(1, 1), made(1, 0)));
        if silent {
            site.deadline(1, 6);
            site.deadline(1, 7);
        } else {
            site.cleared(102, 7, Some(16));
            site.cleared(101, 135, Some(16));
        }
        let told = site.calls_told(1);
        assert!(told.contains(&"5 INVALCALLSTATE".into()), "{told:?}");
        assert!(told.contains(&"6 done".into()) && told.contains(&"7 done".into()), "{told:?}");
    }
}

#[test]
fn a_pair_is_joined_in_a_conference_instead_of_being_given_away() {
    let confer = |call, consultation| Command::CompleteTransfer {
        call,
        consultation,
        conference: Some(made(1, 9)),
    };
    for (call, other) in [(born(1, 1), made(1, 1)), (made(1, 1), born(1, 1))] {
        let mut site = consulting();
        site.app(1, 4, confer(call, other));
        assert_eq!(site.calls_told(1), ["4 INVALCALLSTATE"], "nobody hears who rings");
        site.call(102, 5);
        site.effects.clear();
        site.app(1, 5, confer(call, other));
        // On the call that talks, while the other one is on hold.
        assert_eq!(site.ordered(), [Order::UserRc { call: CallHandle(102), rc: 10 }]);
        site.reply(1, 5, Reply::Taken);
        assert!(site.calls_told(1).is_empty(), "told is not done");
        site.call(101, 133);
        let [first, second] = [call, other].map(crate::site::serial);
        assert_eq!(
            site.calls_told(1),
            [
                "5 done".to_owned(),
                "made9 CONNECTED 0x1".into(),
                format!("{first} CONFERENCED 0x80000009"),
                format!("{second} CONFERENCED 0x80000009"),
            ]
        );
        assert_eq!(site.view(1).call(made(1, 9)).unwrap().info.origin, origin::CONFERENCE);
        // As with any conference: who is left talks.
        site.cleared(102, 6, Some(16));
        let told = site.calls_told(1);
        assert_eq!(told, ["made1 DISCONNECTED 0x1", "made9 IDLE 0x0", "call1 CONNECTED 0x1"]);
    }
}

#[test]
fn a_pair_that_the_telephone_does_not_join_stays_as_it_is() {
    let mut site = consulting();
    site.call(102, 5);
    site.effects.clear();
    let (call, consultation) = (born(1, 1), made(1, 1));
    let conference = Some(made(1, 9));
    site.app(1, 5, Command::CompleteTransfer { call, consultation, conference });
    site.asked();
    site.deadline(1, 5);
    assert_eq!(site.ordered(), [Order::UserRc { call: CallHandle(102), rc: 4 }]);
    site.deadline(1, 5);
    assert_eq!(site.calls_told(1), ["5 OPERATIONFAILED"]);
    let states: Vec<_> = site.view(1).calls.iter().map(|call| call.state).collect();
    assert_eq!(states, [CallState::OnHoldPendTransfer, CallState::Connected], "and no third call");
    // It can be given away after all.
    site.app(1, 6, complete(call, consultation));
    site.cleared(101, 134, ELSEWHERE);
    assert_eq!(site.calls_told(1), ["call1 IDLE 0x0", "made1 IDLE 0x0", "6 done"]);
}

#[test]
fn a_conference_that_half_comes_to_pass_shows_what_there_is_at_last() {
    let mut site = consulting();
    site.call(102, 5);
    site.effects.clear();
    let (call, consultation) = (born(1, 1), made(1, 1));
    let conference = Some(made(1, 9));
    site.app(1, 5, Command::CompleteTransfer { call, consultation, conference });
    // The telephone swaps instead.
    site.call(102, 261);
    site.call(101, 133);
    site.deadline(1, 5);
    site.deadline(1, 5);
    let told = site.calls_told(1);
    assert_eq!(told, ["made1 ONHOLD 0x0", "5 OPERATIONFAILED", "call1 CONNECTED 0x1"]);
}

#[test]
fn a_transfer_that_the_pbx_does_not_take_fails_and_changes_nothing() {
    let mut site = held_and_ringing();
    site.app(1, 5, complete(born(1, 1), made(1, 0)));
    site.deadline(1, 5);
    assert_eq!(site.told(1), ["5 OPERATIONFAILED"]);
    site.app(1, 6, complete(born(1, 1), made(1, 0)));
    site.reply(1, 6, Reply::Failed(Failure::Unreachable));
    assert_eq!(site.told(1), ["6 OPERATIONFAILED"]);
}

#[test]
fn a_transfer_whose_answer_is_lost_is_done_if_the_pbx_shows_it() {
    let mut site = held_and_ringing();
    site.app(1, 5, complete(born(1, 1), made(1, 0)));
    site.reply(1, 5, Reply::Failed(Failure::Broken));
    assert!(site.told(1).is_empty());
    site.cleared(101, 134, ELSEWHERE);
    assert_eq!(site.calls_told(1), ["call1 IDLE 0x0", "made0 IDLE 0x0", "5 done"]);

    let mut site = talking();
    site.app(1, 6, Command::BlindTransfer { call: born(1, 1), number: "22".into() });
    site.reply(1, 6, Reply::Failed(Failure::TimedOut));
    site.cleared(101, 134, ELSEWHERE);
    assert_eq!(site.calls_told(1), ["call1 IDLE 0x0", "6 done"]);
}

#[test]
fn a_consultation_is_there_when_the_call_is_on_hold_and_its_leg_has_a_name() {
    let tellings = |events: fn(&mut Site)| {
        let mut site = talking();
        site.app(1, 3, consultation("22"));
        let (call, user) = (CallHandle(101), UserHandle(11));
        let e164 = "22".into();
        let orders = [Order::UserHold { call }, Order::UserCall { user, e164, block_id: false }];
        assert_eq!(site.ordered(), orders);
        site.reply(1, 3, Reply::Taken);
        events(&mut site);
        site.calls_told(1)
    };
    let expected = ["call1 ONHOLDPENDTRANSFER 0x0", "3 done", "made1 DIALING 0x0"];
    let named = |site: &mut Site| site.reply(1, 3, Reply::Calling(CallHandle(102)));
    assert_eq!(
        tellings(|site| {
            site.call(101, 389);
            site.reply(1, 3, Reply::Calling(CallHandle(102)));
        }),
        expected
    );
    assert_eq!(
        tellings(|site| {
            site.reply(1, 3, Reply::Calling(CallHandle(102)));
            site.call(101, 389);
        }),
        expected
    );
    let mut site = talking();
    site.app(1, 3, consultation(""));
    site.call(101, 389);
    named(&mut site);
    assert_eq!(
        site.calls_told(1),
        ["call1 ONHOLDPENDTRANSFER 0x0", "3 done", "made1 DIALTONE 0x4"],
        "without a number it waits for digits"
    );
}

#[test]
fn a_consultation_is_joined_with_the_call_that_waits_for_it() {
    let mut site = consulting();
    site.app(1, 5, complete(born(1, 1), made(1, 1)));
    site.cleared(101, 134, ELSEWHERE);
    assert_eq!(site.calls_told(1), ["call1 IDLE 0x0", "made1 IDLE 0x0", "5 done"]);
}

#[test]
fn dropping_the_consultation_leads_back_to_the_call_that_waited() {
    let mut site = consulting();
    site.app(1, 5, Command::Drop(made(1, 1)));
    let orders = [
        Order::UserClear { call: CallHandle(102), cause: 16 },
        Order::UserRetrieve { call: CallHandle(101) },
    ];
    assert_eq!(site.ordered(), orders);
    site.cleared(102, 7, Some(16));
    site.call(101, 133);
    assert_eq!(site.calls_told(1), ["made1 IDLE 0x0", "5 done", "call1 CONNECTED 0x1"]);
}

#[test]
fn taking_back_the_call_that_waits_gives_up_the_consultation() {
    let mut site = consulting();
    site.call(102, 5);
    site.effects.clear();
    site.app(1, 5, Command::Unhold(born(1, 1)));
    let orders = [
        Order::UserClear { call: CallHandle(102), cause: 16 },
        Order::UserRetrieve { call: CallHandle(101) },
    ];
    assert_eq!(site.ordered(), orders);
    // Not before the consultation is over.
    site.call(101, 133);
    site.cleared(102, 7, Some(16));
    assert_eq!(site.calls_told(1), ["made1 IDLE 0x0", "call1 CONNECTED 0x1", "5 done"]);
}

#[test]
fn a_consultation_is_not_itself_transferred_by_a_consultation() {
    let mut site = consulting();
    site.call(102, 5);
    site.effects.clear();
    let consultation = Consultation {
        call: made(1, 2),
        number: "23".into(),
        block_id: false,
        call_param_flags: 0,
    };
    site.app(1, 5, Command::SetupTransfer { call: made(1, 1), consultation });
    assert_eq!(site.told(1), ["5 INVALCALLSTATE"]);
    assert!(site.ordered().is_empty());
}

#[test]
fn who_was_transferred_hears_when_the_new_far_end_answers() {
    let connected = |site: &mut Site| {
        let told = site.calls_told(1);
        let bits = told.iter().filter_map(|words| words.strip_prefix("call1 info 0x"));
        bits.map(|bits| u32::from_str_radix(bits, 16).unwrap() & call_info_state::CONNECTEDID)
            .collect::<Vec<_>>()
    };
    let again = vec![call_info_state::CONNECTEDID];
    let mut site = talking();
    let cleo = |msg| CallInfo {
        msg,
        parties: [party(Role::Peer, "Cleo", "22"), party(Role::Ct, "Ben", "21")].into(),
        ..call(101, 133)
    };
    // Cleo's telephone rings, and the transferred call stays connected meanwhile.
    site.pbx(PbxFact::Call(cleo(Msg::RCt)));
    assert_eq!(connected(&mut site), again);
    site.pbx(PbxFact::Call(cleo(Msg::RCt)));
    assert!(connected(&mut site).is_empty(), "nothing new");
    site.pbx(PbxFact::Call(cleo(Msg::RConn)));
    assert_eq!(connected(&mut site), again, "she has answered");
    site.pbx(PbxFact::Call(cleo(Msg::RConn)));
    assert!(connected(&mut site).is_empty(), "nothing new");
}

#[test]
fn a_consultation_given_up_before_it_has_a_name_is_cleared_as_soon_as_it_has_one() {
    let mut site = talking();
    site.app(1, 3, consultation("22"));
    site.call(101, 389);
    site.app(1, 4, Command::Unhold(born(1, 1)));
    site.call(101, 133);
    site.asked();
    site.reply(1, 3, Reply::Calling(CallHandle(102)));
    assert_eq!(site.ordered(), [Order::UserClear { call: CallHandle(102), cause: 16 }]);
    site.cleared(102, 7, Some(16));
    let mut told = site.calls_told(1);
    told.retain(|words| !words.contains("info"));
    assert_eq!(
        told,
        [
            "call1 ONHOLDPENDTRANSFER 0x0",
            "call1 CONNECTED 0x1",
            "4 done",
            "3 done",
            "made1 DIALING 0x0",
            "made1 IDLE 0x0"
        ]
    );
}

#[test]
fn a_pair_that_changes_places_still_waits_for_its_transfer() {
    let mut site = consulting();
    site.call(102, 5);
    site.effects.clear();
    site.app(1, 5, Command::SwapHold { active: made(1, 1), held: born(1, 1) });
    site.call(102, 261);
    site.call(101, 133);
    assert_eq!(
        site.calls_told(1),
        ["made1 ONHOLDPENDTRANSFER 0x0", "call1 CONNECTED 0x1", "5 done"]
    );
    site.app(1, 6, complete(made(1, 1), born(1, 1)));
    site.cleared(102, 6, ELSEWHERE);
    assert_eq!(site.calls_told(1), ["made1 IDLE 0x0", "call1 IDLE 0x0", "6 done"]);
}

#[test]
fn a_consultation_that_the_pbx_refuses_takes_the_call_back() {
    let mut site = talking();
    site.app(1, 3, consultation("22"));
    site.call(101, 389);
    site.asked();
    site.reply(1, 3, Reply::Calling(CallHandle(0)));
    assert_eq!(site.ordered(), [Order::UserRetrieve { call: CallHandle(101) }]);
    site.call(101, 133);
    assert_eq!(
        site.calls_told(1),
        [
            "call1 ONHOLDPENDTRANSFER 0x0",
            "3 OPERATIONFAILED",
            "call1 ONHOLD 0x0",
            "call1 CONNECTED 0x1"
        ]
    );
    assert_eq!(site.view(1).calls.len(), 1);
}

#[test]
fn a_consultation_that_nobody_answers_for_fails_at_its_deadline_and_is_new_if_it_comes_late() {
    let mut site = talking();
    site.app(1, 3, consultation("22"));
    site.call(102, 1);
    site.deadline(1, 3);
    let told = site.calls_told(1);
    assert_eq!(told, ["3 OPERATIONFAILED", "new call2", "call2 DIALING 0x0"]);
}

#[test]
fn of_a_consultation_whose_original_is_closed_before_it_is_made_nothing_is_ever_told() {
    let mut site = talking();
    site.app(1, 3, consultation("22"));
    site.host(HostFact::CallClosed(born(1, 1)));
    assert_eq!(site.calls_told(1), ["3 OPERATIONFAILED"]);
    site.call(101, 389);
    site.reply(1, 3, Reply::Calling(CallHandle(102)));
    site.call(102, 4);
    assert!(site.calls_told(1).is_empty());
}

#[test]
fn a_swap_is_completed_when_the_held_call_is_closed_under_it() {
    let mut site = held_and_ringing();
    site.call(102, 5);
    site.effects.clear();
    site.app(1, 5, Command::SwapHold { active: made(1, 0), held: born(1, 1) });
    site.host(HostFact::CallClosed(born(1, 1)));
    assert_eq!(site.calls_told(1), ["5 OPERATIONFAILED"]);
}

#[test]
fn a_blind_transfer_is_done_when_the_pbx_said_yes_and_the_call_is_gone() {
    let blind = || Command::BlindTransfer { call: born(1, 1), number: "22".into() };
    let mut site = talking();
    site.app(1, 3, blind());
    let order = Order::UserRedirect { call: CallHandle(101), e164: "22".into() };
    assert_eq!(site.ordered(), [order]);
    site.reply(1, 3, Reply::Taken);
    assert!(site.told(1).is_empty());
    site.cleared(101, 134, ELSEWHERE);
    assert_eq!(site.calls_told(1), ["call1 IDLE 0x0", "3 done"]);

    let mut site = talking();
    site.app(1, 3, blind());
    site.cleared(101, 134, ELSEWHERE);
    site.del(101);
    site.reply(1, 3, Reply::Taken);
    assert_eq!(site.calls_told(1), ["call1 IDLE 0x0", "3 done"], "the answer may come last");
}

#[test]
fn a_blind_transfer_that_the_pbx_refuses_leaves_the_call_connected() {
    for reply in [Reply::Refused, Reply::Failed(Failure::Fault("busy".into()))] {
        let mut site = talking();
        site.app(1, 3, Command::BlindTransfer { call: born(1, 1), number: "99".into() });
        site.reply(1, 3, reply);
        assert_eq!(site.told(1), ["3 OPERATIONFAILED"]);
        assert_eq!(site.view(1).counts().active, 1);
    }
}

#[test]
fn a_far_end_that_hangs_up_before_a_blind_transfer_is_told_so() {
    let mut site = talking();
    site.app(1, 3, Command::BlindTransfer { call: born(1, 1), number: "22".into() });
    site.cleared(101, 134, Some(16));
    site.del(101);
    site.reply(1, 3, Reply::Refused);
    assert_eq!(
        site.calls_told(1),
        ["call1 DISCONNECTED 0x1", "call1 IDLE 0x0", "3 OPERATIONFAILED"]
    );
}

#[test]
fn an_offered_call_is_redirected_and_only_an_offered_one() {
    let mut site = Site::new();
    site.call(101, 132);
    site.effects.clear();
    site.app(1, 3, Command::Redirect { call: born(1, 1), number: "22".into() });
    site.reply(1, 3, Reply::Taken);
    site.cleared(101, 134, ELSEWHERE);
    assert_eq!(site.calls_told(1), ["call1 IDLE 0x0", "3 done"]);

    let mut site = talking();
    site.app(1, 3, Command::Redirect { call: born(1, 1), number: "22".into() });
    assert_eq!(site.told(1), ["3 INVALCALLSTATE"]);
}

#[test]
fn a_closed_line_has_its_completions_and_hears_of_no_consultation() {
    let mut site = talking();
    site.app(1, 3, consultation("22"));
    let (line, opening) = (engine::id::LineId(1), engine::id::Opening(1));
    site.host(HostFact::LineClosed { line, opening });
    assert_eq!(site.told(1), ["3 OPERATIONFAILED"]);
    site.call(101, 389);
    site.reply(1, 3, Reply::Calling(CallHandle(102)));
    site.call(102, 4);
    assert!(site.told(1).is_empty());
}
