//! Calls of lines that are closed and opened again.

use super::*;

#[test]
fn calls_found_when_a_line_is_opened_are_announced_as_they_are() {
    let mut site = Site::closed();
    site.call(101, 5);
    site.call(102, 261);
    site.effects.clear();
    site.open(1);
    assert_eq!(
        site.calls_told(1),
        ["new call1", "call1 CONNECTED 0x1", "new call2", "call2 ONHOLD 0x0"]
    );
}

#[test]
fn a_call_whose_handle_was_closed_is_not_announced_again_until_the_line_is_reopened() {
    let mut site = Site::new();
    site.call(101, 5);
    site.told(1);
    site.host(HostFact::CallClosed(born(1, 1)));
    site.told(1);
    site.call(101, 261);
    assert!(site.calls_told(1).is_empty());
    site.host(HostFact::LineClosed { line: LineId(1), opening: Opening(1) });
    site.open(1);
    assert_eq!(site.calls_told(1), ["new call1", "call1 ONHOLD 0x0"]);
}

#[test]
fn closing_a_line_completes_what_is_open_and_nothing_is_told_after() {
    let mut site = Site::new();
    site.make_call(7, 0);
    site.call(102, 5);
    site.told(1);
    site.host(HostFact::LineClosed { line: LineId(1), opening: Opening(1) });
    assert_eq!(site.told(1), ["7 OPERATIONFAILED"]);
    site.reply(1, 7, Reply::Calling(CallHandle(101)));
    site.call(101, 4);
    site.call(102, 6);
    assert!(site.told(1).is_empty());
}

#[test]
fn a_call_made_before_the_line_was_closed_is_a_new_one_when_the_line_is_open_again() {
    let mut site = Site::new();
    site.make_call(7, 0);
    site.host(HostFact::LineClosed { line: LineId(1), opening: Opening(1) });
    assert_eq!(site.calls_told(1), ["7 OPERATIONFAILED"]);
    site.open(1);
    assert!(site.calls_told(1).is_empty(), "nothing is known of it yet");
    // The PBX is slow: only now it names the leg.
    site.reply(1, 7, Reply::Calling(CallHandle(101)));
    site.call(101, 4);
    let told = site.calls_told(1);
    let (first, last) = (told.first().unwrap(), told.last().unwrap());
    assert!(first.starts_with("new "), "{told:?}");
    assert!(last.contains("RINGBACK"), "{told:?}");
}

#[test]
fn a_dropped_call_that_the_pbx_never_cleared_is_another_one_when_the_line_is_open_again() {
    let mut site = Site::new();
    site.call(101, 5);
    site.app(1, 7, Command::Drop(born(1, 1)));
    site.deadline(1, 7);
    assert!(site.told(1).contains(&"7 done".to_owned()), "nobody waits for ever");
    site.host(HostFact::LineClosed { line: LineId(1), opening: Opening(1) });
    site.open(1);
    assert_eq!(site.calls_told(1), ["new call2", "call2 CONNECTED 0x1"]);
}

#[test]
fn a_drop_that_the_pbx_ignored_is_ordered_again_when_the_line_is_open_again() {
    let mut site = Site::new();
    site.call(201, 132);
    site.app(2, 3, Command::Drop(born(2, 1)));
    assert_eq!(site.ordered().len(), 1);
    site.reply(2, 3, Reply::Taken);
    site.host(HostFact::LineClosed { line: LineId(2), opening: Opening(2) });
    site.open(2);
    site.app(2, 4, Command::Drop(born(2, 1)));
    assert!(matches!(site.ordered()[..], [Order::UserClear { call: CallHandle(201), .. }]));
    site.app(2, 5, Command::Drop(born(2, 1)));
    assert!(site.ordered().is_empty(), "once while it is under way");
}

#[test]
fn a_call_dropped_before_the_pbx_reports_it_again_is_cleared_when_it_does() {
    let mut site = Site::new();
    site.call(101, 5);
    site.pbx(PbxFact::Failed(Question::Poll, Failure::Broken));
    site.event(Event::Due(Timer::Reconnect(PBX, 1)));
    site.attempt = Attempt(2);
    site.session(20);
    site.ordered();
    site.app(1, 7, Command::Drop(born(1, 1)));
    assert!(site.ordered().is_empty(), "it has no leg yet");
    let again = CallInfo { call: 301, user: 21, ..call(101, 5) };
    site.pbx(PbxFact::Call(again));
    assert_eq!(site.ordered(), [Order::UserClear { call: CallHandle(301), cause: 16 }]);
}
