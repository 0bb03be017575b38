//! Setters and asynchronous functions.

use super::*;

#[test]
fn setters_take_what_exists_and_refuse_the_rest() {
    let (here, handle) = InPlace::with_call(CallState::Connected);
    let line = here.line;
    for media in [4, 6, 0, 0x10] {
        assert_eq!(TSPI_lineSetDefaultMediaDetection(line, media), 0);
    }
    let no_media = LineErr::InvalMediaMode.code();
    assert_eq!(TSPI_lineSetDefaultMediaDetection(line, 0x8000_0000), no_media);
    assert_eq!(TSPI_lineSetStatusMessages(line, 0x1FF_FFFF, 0x1FF), 0);
    assert_eq!(TSPI_lineSetStatusMessages(line, 1 << 31, 0), LineErr::InvalLineState.code());
    assert_eq!(TSPI_lineSetStatusMessages(line, 0, 1 << 31), LineErr::InvalAddressState.code());
    assert_eq!(TSPI_lineSetMediaMode(handle, 4), 0);
    assert_eq!(TSPI_lineSetMediaMode(handle, 0x10), no_media);
    assert_eq!(TSPI_lineSetMediaMode(handle, 0), no_media);
    assert_eq!(TSPI_lineSetAppSpecific(handle, 0xCAFE), 0);
    let mut info = Buffer::new(344);
    // SAFETY: a buffer of the size that it says.
    assert_eq!(unsafe { TSPI_lineGetCallInfo(handle, info.place()) }, 0);
    assert_eq!(info.number(36), 0xCAFE);
    assert_eq!(TSPI_lineSelectExtVersion(line, 0), 0);
    assert_eq!(TSPI_lineSelectExtVersion(line, 1), LineErr::IncompatibleExtVersion.code());
}

#[test]
fn an_asynchronous_function_answers_with_its_id_or_an_error() {
    let (here, handle) = InPlace::with_call(CallState::Connected);
    let id = || here.stage.request();
    let ok = |request: u32, answer: i32| assert_eq!(answer, request.cast_signed());
    let request = id();
    ok(request, TSPI_lineSetCallParams(request, handle, 1, 0, 64_000, null()));
    let request = id();
    ok(request, TSPI_lineDrop(request, handle, null(), 5));
    let wrong = [
        (TSPI_lineAnswer(id(), handle, null(), 0), LineErr::InvalCallState),
        (TSPI_lineDrop(id(), handle, b"uui".as_ptr(), 3), LineErr::UserUserInfoTooBig),
        (TSPI_lineDrop(0, handle, null(), 0), LineErr::InvalParam),
        (TSPI_lineSetCallParams(id(), handle, 8, 0, 0, null()), LineErr::BearerModeUnavail),
        (TSPI_lineSetCallParams(id(), handle, 1, 0, 9_600, null()), LineErr::RateUnavail),
    ];
    for (answer, error) in wrong {
        assert_eq!(answer, error.code());
    }
    here.stage.show(LINE, &[(call(1), CallState::Idle)]);
    let answer = TSPI_lineSetCallParams(id(), handle, 1, 0, 64_000, null());
    assert_eq!(answer, LineErr::InvalCallState.code());
    let request = id();
    ok(request, TSPI_lineDrop(request, handle, null(), 0));
    let id_of_call: CallId = call(1);
    assert_eq!(
        here.stage.engine.commands(),
        [Command::SetCallParams(id_of_call), Command::Drop(id_of_call), Command::Drop(id_of_call)]
    );
}

#[test]
fn a_call_is_made_to_what_can_be_dialled() {
    let here = InPlace::new();
    assert!(here.make_call("T1-2 3", null()) > 0);
    let Some(Command::MakeCall { number, block_id, .. }) = here.stage.engine.commands().pop()
    else {
        panic!("a call")
    };
    assert_eq!((number.text(), block_id), ("123", false));
    for (number, error) in [
        ("12?3", LineErr::DialPrompt),
        ("1W2", LineErr::DialDialtone),
        ("1@2$", LineErr::DialQuiet),
        ("T", LineErr::InvalAddress),
        ("1;23", LineErr::InvalAddress),
    ] {
        assert_eq!(here.make_call(number, null()), error.code(), "{number}");
    }
    let too_long = "1".repeat(5000);
    assert_eq!(here.make_call(&too_long, null()), LineErr::InvalAddress.code());
    assert_eq!(here.stage.engine.commands().len(), 1);
}

#[test]
fn a_call_is_made_with_what_can_be_had() {
    let here = InPlace::new();
    let with = |change: fn(&mut LineCallParams)| {
        let mut params = LineCallParams { total_size: 180, ..LineCallParams::default() };
        change(&mut params);
        here.make_call("21", &raw const params)
    };
    assert!(with(|_| ()) > 0);
    assert_eq!(with(|p| p.media_mode = 0x10), LineErr::InvalMediaMode.code());
    assert_eq!(with(|p| p.bearer_mode = 8), LineErr::BearerModeUnavail.code());
    assert_eq!(with(|p| p.address_id = 1), LineErr::InvalAddressId.code());
    assert_eq!(with(|p| p.total_size = 20), LineErr::InvalCallParams.code());
    assert!(with(|p| p.call_param_flags = LINECALLPARAMFLAGS_BLOCKID) > 0);
    let last = here.stage.engine.commands().pop();
    assert!(matches!(last, Some(Command::MakeCall { block_id: true, call_param_flags: 4, .. })));
    let number = wide("21");
    // SAFETY: null is allowed.
    let answer = unsafe {
        TSPI_lineMakeCall(
            here.stage.request(),
            here.line,
            5,
            null_mut(),
            number.as_ptr(),
            0,
            null(),
        )
    };
    assert_eq!(answer, NO_POINTER);
    here.stage.publish(LineView { in_service: false, ..view(LINE, &[]) });
    assert_eq!(here.make_call("12?", null()), LineErr::InvalLineState.code());
    here.stage.show(LINE, &[]);
    here.stage.engine.is_busy.store(true, Ordering::Relaxed);
    let mut handle = 0;
    // SAFETY: valid pointers.
    let answer = unsafe {
        let request = here.stage.request();
        TSPI_lineMakeCall(request, here.line, 5, &raw mut handle, number.as_ptr(), 0, null())
    };
    assert_eq!(answer, LineErr::ResourceUnavail.code());
    assert_eq!(TSPI_lineCloseCall(handle), NO_CALL);
}

#[test]
fn what_is_not_offered_says_so_and_touches_nothing() {
    let (here, handle) = InPlace::with_call(CallState::Connected);
    let other = here.stage.bring(Opening(1), call(2), CallState::OnHold);
    // A line that shows one active call has no conferences.
    let calls = [(call(1), CallState::Connected), (call(2), CallState::OnHold)];
    let mut view = crate::session::testing::view(LINE, &calls);
    std::sync::Arc::make_mut(&mut view.identity).single_active_call = true;
    here.stage.publish(view);
    let (request, mut untouched) = (here.stage.request(), 0);
    // SAFETY: a valid pointer.
    let answer =
        unsafe { TSPI_lineCompleteTransfer(request, handle, other, 7, &raw mut untouched, 2) };
    assert_eq!(answer, LineErr::OperationUnavail.code());
    assert_eq!(untouched, 0);
    assert_eq!(here.stage.engine.commands(), []);
}

#[test]
fn a_line_has_no_extensions() {
    let here = InPlace::new();
    let device = here.stage.device();
    let mut id = LineExtensionId { extension_id0: 7, ..LineExtensionId::default() };
    let mut version = 7;
    // SAFETY: valid pointers.
    unsafe {
        assert_eq!(TSPI_lineGetExtensionID(device, 0x0003_0000, &raw mut id), 0);
        assert_eq!(id, LineExtensionId::default());
        let answer = TSPI_lineNegotiateExtVersion(device, 0x0003_0000, 0, 9, &raw mut version);
        assert_eq!((answer, version), (LineErr::OperationUnavail.code(), 7));
        assert_eq!(TSPI_lineConditionalMediaDetection(here.line, 4, null()), 0);
        let fax = TSPI_lineConditionalMediaDetection(here.line, 0x20, null());
        assert_eq!(fax, LineErr::InvalMediaMode.code());
    }
}
