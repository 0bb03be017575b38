//! What must never crash the service: handles, pointers and sessions that are not there.

use super::*;

#[test]
fn handles_that_mean_nothing_get_their_error_from_every_function() {
    let (here, stale_call) = InPlace::with_call(CallState::Connected);
    let mut other_line = 0;
    assert_eq!(TSPI_lineCloseCall(stale_call), 0);
    let kept = here.line;
    let wrong_lines = [0, 1, 2, 0x10300, usize::MAX, stale_call, kept + 2, kept ^ 1];
    let wrong_calls = [0, 1, 2, 0x101EE, usize::MAX, stale_call, kept, stale_call ^ 1];
    let (mut buffer, text) = (Buffer::new(1000), wide("tapi/line"));
    let (p, number, request) = (buffer.place::<u32>(), &raw mut other_line, here.stage.request());
    for line in wrong_lines {
        // SAFETY: the pointers are valid, and none of them should be used.
        let answers = unsafe {
            [
                TSPI_lineClose(line),
                TSPI_lineGetLineDevStatus(line, p.cast()),
                TSPI_lineGetAddressStatus(line, 0, p.cast()),
                TSPI_lineGetNumAddressIDs(line, p),
                TSPI_lineGetAddressID(line, p, 2, text.as_ptr(), 10),
                TSPI_lineGetID(line, 0, 0, 1, p.cast(), text.as_ptr(), 0),
                TSPI_lineSetDefaultMediaDetection(line, 4),
                TSPI_lineConditionalMediaDetection(line, 4, null()),
                TSPI_lineSetStatusMessages(line, 0, 0),
                TSPI_lineSelectExtVersion(line, 0),
                TSPI_lineMakeCall(request, line, 5, number, text.as_ptr(), 0, null()),
                TSPI_linePickup(request, line, 0, 5, number, null(), null()),
                TSPI_lineForward(request, line, 1, 0, null(), 0, 0, number, null()),
            ]
        };
        assert_eq!(answers, [NO_LINE; 13], "{line:#x}");
    }
    for call in wrong_calls {
        // SAFETY: as above.
        let answers = unsafe {
            [
                TSPI_lineCloseCall(call),
                TSPI_lineGetCallInfo(call, p.cast()),
                TSPI_lineGetCallStatus(call, p.cast()),
                TSPI_lineGetCallAddressID(call, p),
                TSPI_lineGetCallIDs(call, p, p, p),
                TSPI_lineGetID(kept, 0, call, 4, p.cast(), text.as_ptr(), 0),
                TSPI_lineSetAppSpecific(call, 1),
                TSPI_lineSetMediaMode(call, 4),
                TSPI_lineSetCallParams(request, call, 1, 0, 64_000, null()),
                TSPI_lineAnswer(request, call, null(), 0),
                TSPI_lineDrop(request, call, null(), 0),
                TSPI_lineHold(request, call),
                TSPI_lineUnhold(request, call),
                TSPI_lineSwapHold(request, call, call),
                TSPI_lineBlindTransfer(request, call, text.as_ptr(), 0),
                TSPI_lineSetupTransfer(request, call, 5, number, null()),
                TSPI_lineCompleteTransfer(request, call, call, 0, number, 1),
                TSPI_lineRedirect(request, call, text.as_ptr(), 0),
            ]
        };
        assert_eq!(answers, [NO_CALL; 18], "{call:#x}");
    }
    assert!(buffer.is_untouched(4..buffer.bytes.len()));
    assert_eq!(here.stage.engine.commands(), []);
}

#[test]
fn without_a_session_nothing_is_known_and_nothing_crashes() {
    let _alone = alone();
    let mut buffer = Buffer::new(1000);
    let p = buffer.place::<u32>();
    // SAFETY: valid pointers.
    unsafe {
        assert_eq!(TSPI_lineGetDevCaps(0, 0x0003_0000, 0, p.cast()), BAD_DEVICE);
        assert_eq!(TSPI_lineGetAddressCaps(0, 0, 0x0003_0000, 0, p.cast()), BAD_DEVICE);
        assert_eq!(TSPI_lineNegotiateTSPIVersion(0, 0x0002_0000, 0x0003_0000, p), BAD_DEVICE);
        assert_eq!(TSPI_lineGetExtensionID(0, 0x0003_0000, p.cast()), BAD_DEVICE);
        assert_eq!(TSPI_lineNegotiateExtVersion(0, 0x0003_0000, 0, 0, p), BAD_DEVICE);
        assert_eq!(TSPI_lineOpen(0, 1, null_mut(), 0x0003_0000, Some(on_event)), BAD_DEVICE);
        assert_eq!(TSPI_lineGetNumAddressIDs(77, p), NO_LINE);
        assert_eq!(TSPI_lineGetCallInfo(77, p.cast()), NO_CALL);
        assert_eq!(TSPI_lineGetID(0, 0, 77, 4, p.cast(), null(), 0), NO_CALL);
    }
    assert_eq!(TSPI_providerCreateLineDevice(1, 1), BAD_DEVICE);
    assert_eq!(TSPI_lineClose(77), NO_LINE);
    assert_eq!(TSPI_lineCloseCall(77), NO_CALL);
    assert_eq!(TSPI_lineSetCurrentLocation(1), 0);
    assert!(buffer.is_untouched(4..buffer.bytes.len()));
}

#[test]
fn a_line_opened_through_the_interface_needs_its_pointers() {
    let here = InPlace::new();
    let device = here.stage.device();
    let mut handle = 0;
    // SAFETY: valid pointers, or null.
    unsafe {
        let open = |handle, event| TSPI_lineOpen(device, 1, handle, 0x0003_0000, event);
        assert_eq!(open(null_mut(), Some(on_event)), NO_POINTER);
        assert_eq!(open(&raw mut handle, None), NO_POINTER);
        assert_eq!(open(&raw mut handle, Some(on_event)), LineErr::Allocated.code());
        assert_eq!(TSPI_lineClose(here.line), 0);
        assert_eq!(open(&raw mut handle, Some(on_event)), 0);
    }
    assert_ne!(handle, 0);
}

#[test]
fn a_panic_does_not_leave_a_function() {
    let failed = LineErr::OperationFailed.code();
    assert_eq!(answer(|| panic!("on purpose")), failed);
    assert_eq!(asked(Function::Hold, || panic!("on purpose")), failed);
}

#[test]
fn threads_that_read_while_sessions_come_and_go_see_a_session_or_none() {
    let _alone = alone();
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut buffer = Buffer::new(1000);
                while !over.load(Ordering::Relaxed) {
                    // SAFETY: a buffer of the size that it says.
                    let answer = unsafe { TSPI_lineGetLineDevStatus(77, buffer.place()) };
                    assert_eq!(answer, NO_LINE);
                }
            });
        }
        for _ in 0..50 {
            let stage = Stage::new();
            HOST.current.put(Arc::clone(&stage.session));
            let session = HOST.current.take(Duration::from_secs(5)).unwrap();
            session.end(Duration::from_secs(5));
            drop(session);
            assert_eq!(Arc::strong_count(&stage.session), 1, "nobody keeps it");
        }
        over.store(true, Ordering::Relaxed);
    });
}
