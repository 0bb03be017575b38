//! How sessions begin, poll and end.

use super::*;

#[test]
fn the_snapshot_begins_with_the_session_user_and_ends_with_an_empty_name() {
    let mut desk = Desk::with_switches(&[]);
    let any = desk.poll();
    assert_eq!(any.user.len(), 15);
    assert_eq!(any.user[0].cn.text(), "TAPI");
    assert!(any.user[..14].iter().all(|user| !user.cn.is_empty() && user.active));
    assert!(any.user[14].cn.is_empty() && any.user[14].active);
    assert!(desk.pbx.sessions[&desk.session].is_quiet());
}

#[test]
fn the_snapshot_comes_in_batches_of_the_size_that_the_switch_says() {
    for (size, polls) in [("1", 15), ("7", 3), ("15", 1), ("all", 1)] {
        let mut desk = Desk::with_switches(&[("snapshot_batch", size)]);
        let mut count = 0;
        let mut users: Vec<UserInfo> = Vec::new();
        while !users.last().is_some_and(|user| user.cn.is_empty()) {
            users.extend(desk.poll().user);
            count += 1;
        }
        assert_eq!((count, users.len()), (polls, 15), "batches of {size}");
    }
}

#[test]
fn the_snapshot_can_run_the_other_way() {
    let mut desk = Desk::with_switches(&[]);
    desk.pbx.set_reverse_order(true);
    desk.initialize();
    let users = desk.poll().user;
    assert_eq!(users[0].cn.text(), "TAPI");
    assert_eq!(users[1].cn.text(), "Trunk 1");
    assert_eq!(users[13].cn.text(), ANNA);
}

#[test]
fn events_wait_for_the_snapshot_unless_they_may_come_between() {
    for (interleave, early) in [("off", 0), ("on", 3)] {
        let switches = [("snapshot_batch", "1"), ("snapshot_interleave", interleave)];
        let mut desk = Desk::with_switches(&switches);
        desk.watch(ANNA);
        desk.pbx.phone_dials("20", "21").unwrap();
        assert_eq!(desk.poll().call.len(), early, "{interleave}");
        assert_eq!(desk.drain().call.len(), 3 - early);
    }
}

#[test]
fn a_session_is_refused_to_unknown_users_and_to_accounts_of_others() {
    let mut desk = Desk::new();
    let refused = Answer::Initialize { session: 0, key: 0 };
    let nobody = Operation::Initialize { user: "Nobody".into(), appl: "".into() };
    assert_eq!(desk.ask(&nobody), refused);
    let anna = desk.pbx.directory.named(ANNA).unwrap();
    let asker = Asker { account: Account::User(anna), ..Desk::asker() };
    let tapi = Operation::Initialize { user: "TAPI".into(), appl: "".into() };
    let own = Operation::Initialize { user: ANNA.into(), appl: "".into() };
    assert_eq!(desk.pbx.request(desk.now, &asker, &tapi).outcome, Outcome::Answer(refused.clone()));
    assert_ne!(desk.pbx.request(desk.now, &asker, &own).outcome, Outcome::Answer(refused));
}

#[test]
fn a_user_outside_the_scope_cannot_be_monitored_and_is_not_told() {
    let mut desk = Desk::new();
    let own = Operation::Initialize { user: ANNA.into(), appl: "".into() };
    let Answer::Initialize { session, .. } = desk.ask(&own) else { panic!() };
    desk.session = session;
    assert_eq!(desk.drain().user.len(), 2, "itself and the terminator");
    assert_eq!(desk.watch(BOB), UserHandle(0));
    assert_ne!(desk.watch(ANNA), UserHandle(0));
}

#[test]
fn flags_newer_than_the_box_are_ignored_or_refused() {
    let old = ("interface", "v800");
    let desk = Desk::with_switches(&[old]);
    assert_eq!(desk.pbx.sessions[&desk.session].interface, Interface::V800);
    let desk = Desk::with_switches(&[old, ("unknown_v_flags", "return-0")]);
    assert_eq!((desk.session, desk.key), (0, 0));
}

#[test]
fn echo_knows_the_session_by_its_key() {
    let mut desk = Desk::new();
    let (session, key) = (desk.session, desk.key);
    assert_eq!(desk.ask(&Operation::Echo { session, key }), Answer::Echo { alive: true });
    let wrong = Operation::Echo { session, key: key ^ 1 };
    assert_eq!(desk.ask(&wrong), Answer::Echo { alive: false });
    desk.ask(&Operation::End { session });
    assert_eq!(desk.ask(&Operation::Echo { session, key }), Answer::Echo { alive: false });
}

#[test]
fn a_poll_waits_until_the_time_is_over_and_ends_empty() {
    let mut desk = Desk::new();
    let Outcome::Wait(ticket) = desk.outcome(&Operation::Poll { session: desk.session }) else {
        panic!()
    };
    assert_eq!(ticket.until, desk.now + 60_000);
    assert_eq!(desk.pbx.poll(desk.now, ticket), Polled::Wait(ticket.until));
    let empty = Polled::Done(Outcome::Answer(Answer::Poll(AnyInfo::default())));
    assert_eq!(desk.pbx.poll(ticket.until, ticket), empty);
}

#[test]
fn a_second_poll_ends_the_first() {
    let mut desk = three();
    let poll = Operation::Poll { session: desk.session };
    let (Outcome::Wait(first), Outcome::Wait(second)) = (desk.outcome(&poll), desk.outcome(&poll))
    else {
        panic!()
    };
    desk.pbx.phone_dials("20", "21").unwrap();
    let empty = Polled::Done(Outcome::Answer(Answer::Poll(AnyInfo::default())));
    assert_eq!(desk.pbx.poll(desk.now, first), empty);
    assert!(matches!(desk.pbx.poll(desk.now, second), Polled::Done(_)));
}

#[test]
fn a_poll_whose_session_is_ended_gets_what_the_switch_says() {
    let empty = Outcome::Answer(Answer::Poll(AnyInfo::default()));
    for (value, wanted) in
        [("empty", empty), ("fault", Outcome::invalid_session(500)), ("close", Outcome::Close)]
    {
        let mut desk = Desk::with_switches(&[("end_pending_poll", value)]);
        desk.drain();
        let session = desk.session;
        let Outcome::Wait(ticket) = desk.outcome(&Operation::Poll { session }) else { panic!() };
        desk.ask(&Operation::End { session });
        assert_eq!(desk.pbx.poll(desk.now, ticket), Polled::Done(wanted));
    }
}

#[test]
fn an_unknown_session_is_answered_in_seven_ways() {
    let empty = Outcome::Answer(Answer::Poll(AnyInfo::default()));
    for (value, wanted) in [
        ("fault-500", Outcome::invalid_session(500)),
        ("fault-200", Outcome::invalid_session(200)),
        ("http-404", Outcome::Status(404)),
        ("http-400", Outcome::Status(400)),
        ("empty-poll", empty),
        ("empty-element", Outcome::EmptyElement(Kind::Poll)),
        ("close", Outcome::Close),
    ] {
        let mut desk = Desk::with_switches(&[("unknown_session", value)]);
        assert_eq!(desk.outcome(&Operation::Poll { session: 99_999 }), wanted, "{value}");
    }
}

#[test]
fn a_session_dies_some_time_after_its_last_connection() {
    let mut desk = Desk::new();
    desk.pbx.connection_closed(ConnectionId(1), Millis(5_000));
    assert_eq!(desk.pbx.next_due(), Some(Millis(15_000)));
    desk.pbx.advance(Millis(14_999));
    assert_eq!(desk.pbx.session_count(), 1);
    desk.pbx.advance(Millis(15_000));
    assert_eq!(desk.pbx.session_count(), 0);
    assert_eq!(desk.pbx.next_due(), None);
}

#[test]
fn a_session_lives_while_any_connection_that_used_it_is_open() {
    let mut desk = Desk::new();
    let other = Asker { connection: ConnectionId(2), ..Desk::asker() };
    let echo = Operation::Echo { session: desk.session, key: desk.key };
    desk.pbx.request(desk.now, &other, &echo);
    desk.pbx.connection_closed(ConnectionId(1), Millis(5_000));
    desk.pbx.connection_closed(ConnectionId(3), Millis(5_000));
    assert_eq!(desk.pbx.next_due(), None);
    desk.pbx.connection_closed(ConnectionId(2), Millis(6_000));
    assert_eq!(desk.pbx.next_due(), Some(Millis(16_000)));
}

#[test]
fn a_connection_that_comes_in_time_keeps_the_session() {
    let mut desk = Desk::new();
    desk.pbx.connection_closed(ConnectionId(1), Millis(5_000));
    desk.now = Millis(10_000);
    let echo = Operation::Echo { session: desk.session, key: desk.key };
    assert_eq!(desk.ask(&echo), Answer::Echo { alive: true });
    desk.pbx.advance(Millis(60_000));
    assert_eq!(desk.pbx.session_count(), 1);
}

#[test]
fn a_reboot_forgets_sessions_and_handles_and_keeps_calls() {
    let mut desk = talking();
    let (session, key) = (desk.session, desk.key);
    let before = desk.pbx.calls();
    desk.pbx.reboot(desk.now, 5_000, false);
    assert!(desk.pbx.is_down(desk.now) && !desk.pbx.is_down(desk.now + 5_000));
    desk.now = desk.now + 5_000;
    desk.initialize();
    assert_eq!(desk.session, session, "session numbers start again");
    assert_ne!(desk.key, key);
    assert_eq!(desk.ask(&Operation::Echo { session, key }), Answer::Echo { alive: false });
    desk.drain();
    assert_eq!(desk.watch(BOB), UserHandle(1));
    let replayed = desk.drain().call;
    assert_eq!(replayed.iter().map(line).collect::<Vec<_>>(), ["7001 133 update"]);
    assert_eq!(conf(&replayed[0]), before[0].conf.to_string(), "the call is known by its conf");
}

#[test]
fn calls_can_get_lost_in_a_reboot() {
    let mut desk = talking();
    desk.pbx.reboot(desk.now, 0, true);
    assert!(desk.pbx.is_idle());
}

#[test]
fn a_session_of_before_the_phones_turned_away_does_not_outlive_their_return() {
    let mut desk = Desk::new();
    let other = desk.pbx.clone();
    desk.pbx.give_back();
    assert_eq!(desk.pbx.session_count(), 1, "it sees that nobody is registered any more");
    desk.pbx.take_over(&other);
    assert_eq!(desk.pbx.session_count(), 0, "nobody told it what became of the calls");
    desk.initialize();
    desk.pbx.take_over(&other);
    assert_eq!(desk.pbx.session_count(), 1, "this one began before the phones came");
}
