//! Hold, transfer, redirection and pickup: what is taken, what is refused, and with which error.

use super::*;
use engine::fact::PickupFrom;

/// A line with two calls in the given states.
fn with_calls(first: CallState, second: CallState) -> (InPlace, HDrvCall, HDrvCall) {
    let (here, one) = InPlace::with_call(first);
    let two = here.stage.bring(Opening(1), call(2), second);
    here.stage.show(LINE, &[(call(1), first), (call(2), second)]);
    (here, one, two)
}

/// The call of a line that is not the first one.
fn abroad() -> CallId {
    CallId { line: engine::id::LineId(2), serial: 1 }
}

const WRONG_STATE: i32 = LineErr::InvalCallState.code();
const NO_ADDRESS: i32 = LineErr::InvalAddress.code();
const NO_CONSULTATION: i32 = LineErr::InvalConsultCallHandle.code();

#[test]
fn a_call_is_held_where_it_talks_and_taken_back_where_it_is_held() {
    for state in CallState::ALL {
        let (here, handle) = InPlace::with_call(state);
        let (hold, unhold) = (here.stage.request(), here.stage.request());
        let talks = state == CallState::Connected;
        let expected = if talks { hold.cast_signed() } else { WRONG_STATE };
        assert_eq!(TSPI_lineHold(hold, handle), expected, "{state:?}");
        // A conference that waits for its second member is not held: it has no leg.
        let held = matches!(state, CallState::OnHold | CallState::OnHoldPendTransfer);
        let expected = if held { unhold.cast_signed() } else { WRONG_STATE };
        assert_eq!(TSPI_lineUnhold(unhold, handle), expected, "{state:?}");
    }
}

#[test]
fn two_calls_of_one_line_change_places_and_only_in_their_places() {
    let (here, active, held) = with_calls(CallState::Connected, CallState::OnHold);
    let request = here.stage.request();
    assert_eq!(TSPI_lineSwapHold(request, active, held), request.cast_signed());
    let swap = Command::SwapHold { active: call(1), held: call(2) };
    assert_eq!(here.stage.engine.commands(), [swap]);
    assert_eq!(TSPI_lineSwapHold(here.stage.request(), held, active), WRONG_STATE);
    assert_eq!(TSPI_lineSwapHold(here.stage.request(), active, active), WRONG_STATE);
    assert_eq!(TSPI_lineSwapHold(here.stage.request(), active, 0), NO_CALL);
}

#[test]
fn a_transfer_is_completed_with_either_call_on_hold() {
    let (here, one, two) = with_calls(CallState::OnHold, CallState::Ringback);
    let mut untouched = 0x77;
    let place = &raw mut untouched;
    for (call, consultation) in [(one, two), (two, one)] {
        let request = here.stage.request();
        // SAFETY: a valid pointer.
        let asked = unsafe { TSPI_lineCompleteTransfer(request, call, consultation, 5, place, 1) };
        assert_eq!(asked, request.cast_signed());
    }
    assert_eq!(untouched, 0x77, "no conference");
    let refused = |call, other, mode| {
        // SAFETY: null is allowed.
        unsafe { TSPI_lineCompleteTransfer(here.stage.request(), call, other, 0, null_mut(), mode) }
    };
    assert_eq!(refused(one, two, 3), LineErr::InvalTransferMode.code());
    assert_eq!(refused(one, two, 0), LineErr::InvalTransferMode.code());
    assert_eq!(refused(one, two, 2), WRONG_STATE, "who rings cannot be heard");
    assert_eq!(refused(one, one, 1), NO_CONSULTATION);
    assert_eq!(refused(one, 0, 1), NO_CONSULTATION);
    assert_eq!(refused(0, two, 1), NO_CALL);
    here.stage.show(LINE, &[(call(1), CallState::OnHold), (call(2), CallState::OnHold)]);
    assert_eq!(refused(one, two, 1), WRONG_STATE);
}

#[test]
fn a_transfer_completed_as_a_conference_has_a_handle_for_it_at_once() {
    let (here, one, two) = with_calls(CallState::OnHold, CallState::Connected);
    let (mut made, server) = (0, here.stage.server.number + 600);
    let confer = |place| {
        let request = here.stage.request();
        // SAFETY: null or a valid pointer.
        let asked = unsafe { TSPI_lineCompleteTransfer(request, one, two, server, place, 2) };
        (asked, request.cast_signed())
    };
    assert_eq!(confer(null_mut()).0, LineErr::InvalPointer.code());
    let (asked, request) = confer(&raw mut made);
    assert_eq!(asked, request);
    assert_ne!(made, 0);
    assert!(matches!(
        here.stage.engine.commands()[..],
        [Command::CompleteTransfer { call: of, consultation, conference: Some(_) }]
            if (of, consultation) == (call(1), call(2))
    ));
}

#[test]
fn calls_of_two_lines_are_no_pair() {
    let here =
        InPlace { line: 0, _alone: alone(), stage: Stage::with_lines(&[LINE, abroad().line]) };
    HOST.current.put(Arc::clone(&here.stage.session));
    let mut lines = [0, 0];
    for (number, line) in (0..).zip(&mut lines) {
        let server = here.stage.server.number + 1;
        let device = here.stage.device() + number;
        // SAFETY: valid pointers.
        let opened = unsafe { TSPI_lineOpen(device, server, line, 0x0003_0000, Some(on_event)) };
        assert_eq!(opened, 0);
    }
    let one = here.stage.bring(Opening(1), call(1), CallState::Connected);
    here.stage.show(abroad().line, &[(abroad(), CallState::OnHold)]);
    let offered = engine::effect::Telling {
        line: abroad().line,
        opening: Opening(2),
        what: engine::effect::What::Notice(engine::effect::Notice::NewCall(abroad())),
    };
    here.stage.settle(here.stage.tell(offered));
    let two = here.stage.server.last_offered();
    assert_eq!(TSPI_lineSwapHold(here.stage.request(), one, two), NO_CALL);
    let request = here.stage.request();
    // SAFETY: null is allowed.
    let completed = unsafe { TSPI_lineCompleteTransfer(request, one, two, 0, null_mut(), 1) };
    assert_eq!(completed, NO_CONSULTATION);
    assert_eq!(here.stage.engine.commands(), []);
}

#[test]
fn a_call_is_sent_away_to_what_can_be_dialled() {
    let (here, handle) = InPlace::with_call(CallState::Connected);
    let to = |text: &str| {
        let text = wide(text);
        let request = here.stage.request();
        // SAFETY: a text with a NUL.
        let answer = unsafe { TSPI_lineBlindTransfer(request, handle, text.as_ptr(), 0) };
        assert!(answer < 0 || answer == request.cast_signed());
        answer
    };
    assert!(to("T 3-0") > 0);
    let blind = Command::BlindTransfer { call: call(1), number: "30".into() };
    assert_eq!(here.stage.engine.commands(), [blind]);
    assert_eq!(to(""), NO_ADDRESS);
    assert_eq!(to("12?"), LineErr::DialPrompt.code());
    assert_eq!(to(&"1".repeat(5000)), NO_ADDRESS);
    // SAFETY: null is allowed, and refused.
    let (blind, redirect) = unsafe {
        (
            TSPI_lineBlindTransfer(here.stage.request(), handle, null(), 0),
            TSPI_lineRedirect(here.stage.request(), handle, null(), 0),
        )
    };
    assert_eq!((blind, redirect), (NO_ADDRESS, WRONG_STATE));
}

#[test]
fn an_offered_call_is_redirected() {
    let (here, handle) = InPlace::with_call(CallState::Offering);
    let (text, request) = (wide("30"), here.stage.request());
    // SAFETY: a text with a NUL.
    let (redirect, blind) = unsafe {
        (
            TSPI_lineRedirect(request, handle, text.as_ptr(), 0),
            TSPI_lineBlindTransfer(here.stage.request(), handle, text.as_ptr(), 0),
        )
    };
    assert_eq!((redirect, blind), (request.cast_signed(), WRONG_STATE));
    let command = Command::Redirect { call: call(1), number: "30".into() };
    assert_eq!(here.stage.engine.commands(), [command]);
}

/// LINECALLPARAMS of an application that gives a number with the consultation.
fn one_step(flags: u32, target: &str) -> Vec<u8> {
    let text = wide(target);
    let mut params = LineCallParams {
        total_size: 176 + 2 * text.len() as u32,
        call_param_flags: flags,
        ..LineCallParams::default()
    };
    params.target_address = Extent { size: 2 * text.len() as u32, offset: 176 };
    let mut bytes = vec![0; size_of::<LineCallParams>().max(176)];
    // SAFETY: large enough, and made of integers.
    unsafe {
        std::ptr::copy_nonoverlapping(
            (&raw const params).cast::<u8>(),
            bytes.as_mut_ptr(),
            size_of::<LineCallParams>(),
        );
    }
    bytes.truncate(176);
    bytes.extend(text.iter().flat_map(|unit| unit.to_le_bytes()));
    bytes
}

#[test]
fn a_consultation_gets_its_number_at_once_or_later() {
    let (here, handle) = InPlace::with_call(CallState::Connected);
    let setup = |params: *const LineCallParams| {
        let (mut made, request) = (0, here.stage.request());
        // SAFETY: valid pointers, and parameters of the size that they say.
        let answer = unsafe { TSPI_lineSetupTransfer(request, handle, 500, &raw mut made, params) };
        assert_eq!(answer > 0, made != 0);
        answer
    };
    let number = || match here.stage.engine.commands().pop() {
        Some(Command::SetupTransfer { call: original, consultation }) => {
            assert_eq!(original, call(1));
            assert!(consultation.call.is_made());
            consultation.number.text().to_owned()
        }
        other => panic!("{other:?}"),
    };
    assert!(setup(null()) > 0);
    assert_eq!(number(), "");
    assert!(setup(one_step(0, "30").as_ptr().cast()) > 0);
    assert_eq!(number(), "", "a number that nobody asked to dial");
    assert!(setup(one_step(0x80, "3-0").as_ptr().cast()) > 0);
    assert_eq!(number(), "30");
    for wrong in ["", "1?", "x"] {
        let answer = setup(one_step(0x80, wrong).as_ptr().cast());
        assert_eq!(answer, LineErr::InvalCallParams.code(), "{wrong}");
    }
    // SAFETY: null is allowed, and refused.
    let nowhere =
        unsafe { TSPI_lineSetupTransfer(here.stage.request(), handle, 500, null_mut(), null()) };
    assert_eq!(nowhere, NO_POINTER);
    here.stage.show(LINE, &[(call(1), CallState::Offering)]);
    assert_eq!(setup(null()), WRONG_STATE);
}

#[test]
fn a_call_is_picked_up_by_station_by_group_and_wherever_it_rings() {
    let here = InPlace::new();
    let pick = |destination: Option<&str>, group: Option<&str>| {
        let texts = [destination, group].map(|text| text.map(wide));
        let [to, of] = texts.each_ref().map(|text| text.as_ref().map_or(null(), |t| t.as_ptr()));
        let (mut made, request) = (0, here.stage.request());
        // SAFETY: valid pointers, and texts with a NUL.
        let answer = unsafe { TSPI_linePickup(request, here.line, 0, 500, &raw mut made, to, of) };
        assert_eq!(answer > 0, made != 0);
        let command = here.stage.engine.commands().pop();
        match (answer > 0, command) {
            (true, Some(Command::Pickup { from, .. })) => Ok(from),
            _ => Err(answer),
        }
    };
    assert_eq!(pick(None, None), Ok(PickupFrom::Anywhere));
    assert_eq!(pick(Some(""), Some("")), Ok(PickupFrom::Anywhere));
    assert_eq!(pick(None, Some("sales")), Ok(PickupFrom::Group("sales".into())));
    assert_eq!(pick(Some("2-1"), Some("sales")), Ok(PickupFrom::Station("21".into())));
    assert_eq!(pick(Some("no number"), None), Err(NO_ADDRESS));
    assert_eq!(pick(None, Some(&"x".repeat(5000))), Err(LineErr::InvalGroupId.code()));
    // SAFETY: null is allowed, and refused.
    unsafe {
        let request = here.stage.request();
        let nowhere = TSPI_linePickup(request, here.line, 0, 500, null_mut(), null(), null());
        assert_eq!(nowhere, NO_POINTER);
        let mut made = 0;
        let p = &raw mut made;
        let elsewhere = TSPI_linePickup(request, here.line, 1, 500, p, null(), null());
        assert_eq!((elsewhere, made), (LineErr::InvalAddressId.code(), 0));
        here.stage.publish(LineView { in_service: false, ..view(LINE, &[]) });
        let idle = TSPI_linePickup(request, here.line, 0, 500, p, null(), null());
        assert_eq!((idle, made), (LineErr::OperationFailed.code(), 0));
    }
}
