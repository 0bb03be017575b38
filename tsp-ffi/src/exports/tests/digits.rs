//! Digits and texts that go with a call.

use super::*;
use crate::session::testing::Said;
use engine::effect::Notice;
use engine::fact::Event;

fn bring(here: &InPlace, state: CallState) -> HDrvCall {
    here.stage.bring(Opening(1), call(2), state)
}

fn dial(here: &InPlace, call: usize, digits: &str) -> i32 {
    let text = wide(digits);
    // SAFETY: a text with a NUL.
    unsafe { TSPI_lineDial(here.stage.request(), call, text.as_ptr(), 0) }
}

fn generate(call: usize, mode: u32, digits: Option<&str>) -> i32 {
    let text = digits.map(wide);
    let place = text.as_ref().map_or(null(), |text| text.as_ptr());
    // SAFETY: null or a text with a NUL.
    unsafe { TSPI_lineGenerateDigits(call, 7, mode, place, 100) }
}

fn send(here: &InPlace, call: usize, info: &[u8]) -> i32 {
    let request = here.stage.request();
    // SAFETY: as many bytes as it says.
    unsafe { TSPI_lineSendUserUserInfo(request, call, info.as_ptr(), info.len() as u32) }
}

#[test]
fn a_call_without_a_number_is_made_and_takes_its_digits_later() {
    let here = InPlace::new();
    for (text, number) in [("", ""), (";", ""), ("12;", "12")] {
        assert!(here.make_call(text, null()) > 0, "{text:?}");
        let Some(Command::MakeCall { number: made, .. }) = here.stage.engine.commands().pop()
        else {
            panic!("a call")
        };
        assert_eq!(made.text(), number);
    }
    let call = bring(&here, CallState::DialTone);
    assert!(dial(&here, call, "T2-1;") > 0);
    let last = here.stage.engine.commands().pop();
    assert!(matches!(last, Some(Command::Dial { number, .. }) if number.text() == "21"));
    for (digits, error) in [
        ("", LineErr::InvalAddress),
        (";", LineErr::InvalAddress),
        ("1?", LineErr::DialPrompt),
        ("x", LineErr::InvalAddress),
    ] {
        assert_eq!(dial(&here, call, digits), error.code(), "{digits:?}");
    }
    // SAFETY: null is allowed.
    let nothing = unsafe { TSPI_lineDial(here.stage.request(), call, null(), 0) };
    assert_eq!(nothing, LineErr::InvalAddress.code());
}

#[test]
fn digits_are_dialled_only_while_the_call_waits_for_them() {
    for state in CallState::ALL {
        let (here, call) = InPlace::with_call(state);
        let waits = matches!(state, CallState::DialTone | CallState::Dialing);
        let answer = dial(&here, call, "1");
        assert_eq!(answer > 0, waits, "{state:?}");
        assert!(waits || answer == LineErr::InvalCallState.code(), "{state:?}");
    }
}

#[test]
fn dtmf_is_generated_on_a_connected_call_and_returns_at_once() {
    let (here, call) = InPlace::with_call(CallState::Connected);
    assert_eq!(generate(call, 2, Some("12,a#")), 0);
    let event = here.stage.engine.events().pop();
    let Some(Event::App(_, _, request, Command::GenerateDigits { digits, tag, .. })) = event else {
        panic!("digits")
    };
    assert!(request.is_own());
    assert_eq!((digits.text(), tag), ("12A#", 7));
    assert_eq!(generate(call, 2, None), 0, "no digits break off");
    assert_eq!(generate(call, 1, Some("1")), LineErr::InvalDigitMode.code());
    assert_eq!(generate(call, 6, Some("1")), LineErr::InvalDigitMode.code());
    assert_eq!(generate(call, 2, Some("xyz")), LineErr::OperationFailed.code());
    let call = bring(&here, CallState::OnHold);
    assert_eq!(generate(call, 2, Some("1")), LineErr::InvalCallState.code());
}

#[test]
fn the_end_of_digits_is_told_with_their_tag_and_a_tick_count() {
    let (here, _) = InPlace::with_call(CallState::Connected);
    let generated = Notice::Generated { call: call(1), term: 1, tag: 77 };
    here.stage.settle(here.stage.say(Opening(1), generated));
    let said = here.stage.server.log().pop();
    assert!(matches!(said, Some(Said::Event(_, _, LINE_GENERATE, 1, 77))), "{said:?}");
}

#[test]
fn user_user_information_is_copied_and_has_a_longest_length() {
    let (here, call) = InPlace::with_call(CallState::Connected);
    let mut info = "Zoë\0".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    assert!(send(&here, call, &info) > 0);
    info.fill(0xFF);
    let last = here.stage.engine.commands().pop();
    assert!(matches!(
        last, Some(Command::SendUserUserInfo { user_info, .. }) if user_info.text() == "Zoë"
    ));
    assert!(send(&here, call, &[b'x'; 256]) > 0);
    assert_eq!(send(&here, call, &[b'x'; 257]), LineErr::UserUserInfoTooBig.code());
    assert_eq!(send(&here, call, &[0xFF; 3]), LineErr::OperationFailed.code());
    // SAFETY: null is allowed.
    let nothing = unsafe { TSPI_lineSendUserUserInfo(here.stage.request(), call, null(), 9) };
    assert_eq!(nothing, LineErr::InvalPointer.code());
    let call = bring(&here, CallState::Dialing);
    assert_eq!(send(&here, call, b"x\0"), LineErr::InvalCallState.code());
}

#[test]
fn handles_that_mean_nothing_get_their_error() {
    let (here, stale) = InPlace::with_call(CallState::Connected);
    assert_eq!(TSPI_lineCloseCall(stale), 0);
    for call in [0, 1, usize::MAX, stale, here.line, stale ^ 1] {
        assert_eq!(dial(&here, call, "1"), NO_CALL);
        assert_eq!(generate(call, 2, Some("1")), NO_CALL);
        assert_eq!(send(&here, call, b"x\0"), NO_CALL);
    }
    assert_eq!(here.stage.engine.commands(), []);
}
