//! Digits to dial, DTMF and user-user information.

use crate::site::{Site, born, call};
use engine::effect::Order;
use engine::fact::*;
use engine::id::*;
use engine::tapi::{CallState, call_info_state};

/// The provider's own number for digits.
const OWN: u32 = RequestId::FIRST_OWN + 1;

fn taken(site: &mut Site, line: u32, request: u32) {
    site.reply(line, request, Reply::Taken);
}

fn digits(digits: &str, tag: u32) -> Command {
    Command::GenerateDigits { call: born(1, 1), digits: digits.into(), tag }
}

fn talking() -> Site {
    let mut site = Site::new();
    site.call(101, 5);
    site.told(1);
    site
}

// ---- dial ----------------------------------------------------------------------------------

#[test]
fn a_call_made_without_a_number_has_dial_tone_and_takes_digits_one_by_one() {
    let mut site = Site::new();
    let id = CallId { line: LineId(1), serial: CallId::FIRST_MADE };
    let number = "".into();
    let (block_id, country_code, call_param_flags) = (false, 0, 0);
    let make = Command::MakeCall { call: id, number, block_id, country_code, call_param_flags };
    site.app(1, 7, make);
    assert!(matches!(&site.ordered()[..], [Order::UserCall { e164, .. }] if e164.is_empty()));
    site.reply(1, 7, Reply::Calling(CallHandle(101)));
    assert_eq!(site.calls_told(1), ["7 done", "made0 DIALTONE 0x4"]);
    let first = call(101, 1).parties[..1].to_vec();
    let bare = |state| CallInfo { parties: first.clone().into(), ..call(101, state) };
    site.pbx(PbxFact::Call(bare(1)));
    site.pbx(PbxFact::Call(bare(2)));
    assert!(site.calls_told(1).iter().all(|words| words.contains("info")), "still dial tone");

    site.app(1, 8, Command::Dial { call: id, number: "2".into() });
    assert!(matches!(&site.ordered()[..], [Order::UserInfo { call: CallHandle(101), .. }]));
    let called = format!("made0 info {:#x}", call_info_state::CALLEDID);
    assert_eq!(site.calls_told(1), std::slice::from_ref(&called));
    taken(&mut site, 1, 8);
    assert_eq!(site.calls_told(1), ["made0 DIALING 0x0", "8 done"]);
    site.app(1, 9, Command::Dial { call: id, number: "1".into() });
    taken(&mut site, 1, 9);
    assert_eq!(site.calls_told(1), [called, "9 done".into()]);
    assert_eq!(site.view(1).calls[0].info.called.number.to_text(), "21");
    site.call(101, 3);
    let told = site.calls_told(1);
    assert_eq!(told.last().unwrap(), "made0 PROCEEDING 0x0");
    site.app(1, 10, Command::Dial { call: id, number: "1".into() });
    assert_eq!(site.calls_told(1), ["10 INVALCALLSTATE"], "the number is complete");
}

// ---- digits --------------------------------------------------------------------------------

#[test]
fn digits_are_generated_with_their_tag_and_no_completion() {
    let mut site = talking();
    site.app(1, OWN, digits("12#", 77));
    assert!(matches!(
        &site.ordered()[..],
        [Order::UserDTMF { call: CallHandle(101), digits }] if digits.text() == "12#"
    ));
    assert!(site.told(1).is_empty());
    taken(&mut site, 1, OWN);
    assert_eq!(site.told(1), ["call1 generated 1 77"]);
    taken(&mut site, 1, OWN);
    assert!(site.told(1).is_empty());
}

#[test]
fn digits_that_the_pbx_does_not_take_are_cancelled() {
    let mut site = talking();
    site.app(1, OWN, digits("1", 7));
    let failed = Reply::Failed(Failure::Broken);
    site.reply(1, OWN, failed);
    assert_eq!(site.told(1), ["call1 generated 2 7"]);
    site.app(1, OWN, digits("2", 8));
    site.deadline(1, OWN);
    assert_eq!(site.told(1), ["call1 generated 2 8"]);
}

#[test]
fn new_digits_or_none_cancel_those_that_are_on_their_way() {
    let mut site = talking();
    site.app(1, OWN, digits("1", 7));
    site.app(1, OWN + 1, digits("2", 8));
    assert_eq!(site.told(1), ["call1 generated 2 7"]);
    site.app(1, OWN + 2, digits("", 9));
    assert_eq!(site.told(1), ["call1 generated 2 8"]);
    assert_eq!(site.ordered().len(), 2);
}

#[test]
fn digits_for_a_call_that_is_over_are_cancelled_before_it_is_idle() {
    let mut site = talking();
    site.app(1, OWN, digits("1", 7));
    site.call(101, 6);
    assert_eq!(site.calls_told(1), ["call1 DISCONNECTED 0x1", "call1 generated 2 7"]);
    site.app(1, OWN + 1, digits("2", 8));
    assert_eq!(site.calls_told(1), ["call1 generated 2 8"], "there is nobody to hear them");
    site.del(101);
    assert_eq!(site.calls_told(1), ["call1 IDLE 0x0"]);
    site.app(1, OWN + 2, digits("3", 9));
    assert!(site.calls_told(1).is_empty(), "nothing after IDLE");
}

#[test]
fn a_closed_line_hears_no_more_of_its_digits() {
    let mut site = talking();
    site.app(1, OWN, digits("1", 7));
    site.host(HostFact::LineClosed { line: LineId(1), opening: Opening(1) });
    taken(&mut site, 1, OWN);
    assert!(site.told(1).is_empty());
}

// ---- user-user information -----------------------------------------------------------------

#[test]
fn user_user_information_is_sent_as_the_firmware_writes_it() {
    for (firmware, written) in [("12r2", "Grüße & 1%"), ("13r3", "Gr%C3%BC%C3%9Fe%20%26%201%25")]
    {
        let mut site = talking();
        site.pbx(PbxFact::Identified(Identification {
            firmware: firmware.into(),
            ..Identification::default()
        }));
        site.told(1);
        let text = "Grüße & 1%".into();
        site.app(1, 5, Command::SendUserUserInfo { call: born(1, 1), user_info: text });
        assert!(matches!(
            &site.ordered()[..],
            [Order::UserUUI { call: CallHandle(101), uui }] if uui.text() == written
        ));
        taken(&mut site, 1, 5);
        assert_eq!(site.told(1), ["5 done"]);

        let told = CallInfo { uui: Some(written.into()), ..call(101, 5) };
        site.pbx(PbxFact::Call(told));
        assert_eq!(site.told(1), [format!("call1 info {:#x}", call_info_state::USERUSERINFO)]);
        assert_eq!(site.view(1).calls[0].info.uui.to_text(), "Grüße & 1%");
    }
}

#[test]
fn user_user_information_needs_somebody_at_the_other_end() {
    let mut site = Site::new();
    let send =
        |request| (request, Command::SendUserUserInfo { call: born(1, 1), user_info: "x".into() });
    for (state, accepted) in
        [(1, false), (3, false), (4, true), (5, true), (261, false), (6, false)]
    {
        site.call(101, state);
        site.told(1);
        let (request, command) = send(state);
        site.app(1, request, command);
        let refused = site.calls_told(1) == [format!("{state} INVALCALLSTATE")];
        assert_eq!(!refused, accepted, "{state}");
    }
    assert_eq!(site.view(1).calls[0].state, CallState::Disconnected);
}
