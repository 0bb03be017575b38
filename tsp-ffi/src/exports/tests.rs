//! The functions as a telephony server calls them: through their C signatures, with a session in
//! place whose engine and views are made by hand.

use super::*;
use crate::abi::*;
use crate::session::testing::{LINE, Stage, call, on_event, view};
use engine::fact::Command;
use engine::id::{CallId, Opening};
use engine::tapi::{CallState, call_feature};
use engine::view::LineView;
use std::ptr::{null, null_mut};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// There is one place for a session in a process, so these tests take turns.
struct InPlace {
    stage: Stage,
    line: HDrvLine,
    _alone: MutexGuard<'static, ()>,
}

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl InPlace {
    fn new() -> InPlace {
        let alone = alone();
        let stage = Stage::new();
        HOST.current.put(Arc::clone(&stage.session));
        let mut line = 0;
        let server_line = stage.server.number + 1;
        // SAFETY: valid pointers.
        let opened = unsafe {
            TSPI_lineOpen(stage.device(), server_line, &raw mut line, 0x0003_0000, Some(on_event))
        };
        assert_eq!(opened, 0);
        InPlace { stage, line, _alone: alone }
    }

    fn with_call(state: CallState) -> (InPlace, HDrvCall) {
        let here = InPlace::new();
        let call = here.stage.bring(Opening(1), call(1), state);
        (here, call)
    }

    fn make_call(&self, number: &str, params: *const LineCallParams) -> i32 {
        let mut handle = 0;
        let number = wide(number);
        let request = self.stage.request();
        // SAFETY: valid pointers, a text with a NUL, and parameters of the size that they say.
        let asked = unsafe {
            TSPI_lineMakeCall(
                request,
                self.line,
                self.stage.server.number + 500,
                &raw mut handle,
                number.as_ptr(),
                0,
                params,
            )
        };
        assert!(asked == request as i32 || asked < 0, "an id or an error: {asked:#x}");
        assert_eq!(asked > 0, handle != 0);
        asked
    }
}

impl Drop for InPlace {
    fn drop(&mut self) {
        let session = HOST.current.take(Duration::from_secs(5)).unwrap();
        session.end(Duration::from_secs(5));
    }
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

const BAD_DEVICE: i32 = LineErr::BadDeviceId.code();
const NO_LINE: i32 = LineErr::InvalLineHandle.code();
const NO_CALL: i32 = LineErr::InvalCallHandle.code();
const NO_POINTER: i32 = LineErr::InvalPointer.code();

/// A buffer as a server prepares it: its size in front, a pattern everywhere else, and a guard
/// behind it.
struct Buffer {
    bytes: Vec<u8>,
    total: usize,
}

const PATTERN: u8 = 0xC3;

impl Buffer {
    fn new(total: usize) -> Buffer {
        let mut bytes = vec![PATTERN; total + 64];
        bytes[..4].copy_from_slice(&(total as u32).to_le_bytes());
        Buffer { bytes, total }
    }

    fn place<T>(&mut self) -> *mut T {
        self.bytes.as_mut_ptr().cast()
    }

    fn number(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap())
    }

    /// The text of a pair of size and offset.
    fn text(&self, at: usize) -> String {
        let (size, offset) = (self.number(at) as usize, self.number(at + 4) as usize);
        assert!(offset + size <= self.number(8) as usize, "within what is used");
        let units: Vec<u16> = self.bytes[offset..offset + size]
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        assert_eq!(units.last(), if size == 0 { None } else { Some(&0) });
        String::from_utf16(&units).unwrap().trim_end_matches('\0').to_owned()
    }

    fn is_untouched(&self, range: std::ops::Range<usize>) -> bool {
        self.bytes[range].iter().all(|byte| *byte == PATTERN)
    }

    fn guard_is_whole(&self) -> bool {
        self.number(0) as usize == self.total && self.is_untouched(self.total..self.bytes.len())
    }
}

/// Asks with exactly the fixed size, with one byte less, with what is needed, and with one byte
/// less than that; returns the full answer.
fn check_sizes(fixed: usize, query: impl Fn(&mut Buffer) -> i32) -> Buffer {
    let mut small = Buffer::new(fixed - 1);
    assert_eq!(query(&mut small), LineErr::StructureTooSmall.code());
    assert!(small.is_untouched(4..small.bytes.len()));

    let mut exact = Buffer::new(fixed);
    assert_eq!(query(&mut exact), 0);
    assert_eq!(exact.number(8) as usize, fixed);
    assert!(exact.guard_is_whole());
    let needed = exact.number(4) as usize;
    assert!(needed >= fixed);

    let mut full = Buffer::new(needed);
    assert_eq!(query(&mut full), 0);
    assert_eq!((full.number(4), full.number(8)), (needed as u32, needed as u32));
    assert!(full.guard_is_whole());

    if needed > fixed {
        let mut almost = Buffer::new(needed - 1);
        assert_eq!(query(&mut almost), 0);
        assert_eq!(almost.number(4) as usize, needed);
        assert!((almost.number(8) as usize) < needed);
        assert!(almost.guard_is_whole());
    }
    full
}

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
                TSPI_lineCompleteTransfer(request, call, call, 0, number, 1),
                TSPI_lineRedirect(request, call, text.as_ptr(), 0),
            ]
        };
        assert_eq!(answers, [NO_CALL; 17], "{call:#x}");
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
fn the_version_is_negotiated_for_the_provider_and_for_each_line() {
    let here = InPlace::new();
    let negotiate = |device, low, high| {
        let mut version = 0xAAAA_AAAA;
        // SAFETY: a valid pointer.
        let answer = unsafe { TSPI_lineNegotiateTSPIVersion(device, low, high, &raw mut version) };
        (answer, version)
    };
    for device in [INITIALIZE_NEGOTIATION, here.stage.device()] {
        assert_eq!(negotiate(device, 0x0001_0003, 0x0003_0001), (0, 0x0003_0000));
        assert_eq!(negotiate(device, 0x0002_0000, 0x0002_0002), (0, 0x0002_0002));
        let none = (LineErr::IncompatibleApiVersion.code(), 0xAAAA_AAAA);
        assert_eq!(negotiate(device, 0x0003_0001, 0x0003_0001), none);
        assert_eq!(negotiate(device, 0x0001_0003, 0x0001_0004), none);
    }
    assert_eq!(negotiate(here.stage.device() + 1, 0, u32::MAX).0, BAD_DEVICE);
    // SAFETY: null is allowed.
    let answer =
        unsafe { TSPI_lineNegotiateTSPIVersion(INITIALIZE_NEGOTIATION, 0, u32::MAX, null_mut()) };
    assert_eq!(answer, NO_POINTER);
}

#[test]
fn capabilities_fit_every_version_and_every_size() {
    let here = InPlace::new();
    let device = here.stage.device();
    for (version, fixed) in
        [(0x0002_0000, 252), (0x0002_0001, 252), (0x0002_0002, 268), (0x0003_0000, 292)]
    {
        // SAFETY: a buffer of the size that it says.
        let caps = check_sizes(fixed, |buffer| unsafe {
            TSPI_lineGetDevCaps(device, version, 0, buffer.place())
        });
        assert_eq!(caps.number(16) as usize, fixed, "the first text follows the fixed part");
        assert!(caps.text(12).starts_with("Tapline "));
        assert_eq!(caps.text(20), "IP6000 10.00");
        assert_eq!(caps.text(32), "Bob & <Sons> Müßig 李 📞");
        assert_eq!((caps.number(28), caps.number(48)), (1, 1));
        assert_eq!(caps.number(60), 4, "voice only");
        assert_eq!(caps.number(112) & (0x200 | 0x20), 0, "no media provider, no drop on close");
        assert_eq!(caps.number(236), 8, "MAKECALL and no more");
        assert_eq!(&caps.text(244), "tapi/line");
        assert_eq!(caps.number(244), 22);
        if fixed >= 268 {
            assert_eq!(&caps.bytes[252..260], &[0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66]);
        }
    }
    // SAFETY: a buffer of the size that it says.
    let caps = check_sizes(228, |buffer| unsafe {
        TSPI_lineGetAddressCaps(device, 0, 0x0003_0000, 0, buffer.place())
    });
    assert_eq!(caps.number(12), device);
    assert_eq!(caps.text(16), "20");
    assert_eq!(caps.number(108), call_feature::ANSWER | call_feature::DROP | 0x20_0000);
    assert_eq!(caps.number(128), 0, "no forwarding");
    assert_eq!(caps.number(176), 2, "MAKECALL and no more");
}

#[test]
fn capabilities_are_refused_for_what_does_not_exist() {
    let here = InPlace::new();
    let device = here.stage.device();
    let mut buffer = Buffer::new(1000);
    let p = buffer.place::<u32>();
    // SAFETY: valid pointers.
    unsafe {
        let line_caps = |device, version, ext| TSPI_lineGetDevCaps(device, version, ext, p.cast());
        assert_eq!(line_caps(device + 1, 0x0003_0000, 0), BAD_DEVICE);
        let no_version = LineErr::IncompatibleApiVersion.code();
        assert_eq!(line_caps(device, 0x0004_0000, 0), no_version);
        assert_eq!(line_caps(device, 0x0001_0004, 0), no_version);
        assert_eq!(line_caps(device, 0x0003_0000, 1), LineErr::IncompatibleExtVersion.code());
        assert_eq!(TSPI_lineGetDevCaps(device, 0x0003_0000, 0, null_mut()), NO_POINTER);
        let other_address = TSPI_lineGetAddressCaps(device, 1, 0x0003_0000, 0, p.cast());
        assert_eq!(other_address, LineErr::InvalAddressId.code());
        here.stage.publish(LineView { removed: true, ..view(LINE, &[]) });
        assert_eq!(line_caps(device, 0x0003_0000, 0), LineErr::NoDevice.code());
    }
    assert!(buffer.is_untouched(4..buffer.bytes.len()));
}

#[test]
fn call_info_and_call_status_say_what_the_view_says() {
    let (here, handle) = InPlace::with_call(CallState::Offering);
    // SAFETY: a buffer of the size that it says.
    let info = check_sizes(344, |buffer| unsafe { TSPI_lineGetCallInfo(handle, buffer.place()) });
    assert_eq!(info.number(16), here.stage.device());
    assert_eq!((info.number(24), info.number(28), info.number(32)), (1, 64_000, 4));
    assert_eq!((info.number(40), info.number(44)), (77, 66));
    assert_eq!((info.number(80), info.number(84)), (2, 1));
    assert_eq!(
        (info.number(108), info.text(112), info.text(120)),
        (0xC, "21".into(), "Zoë Ünal".into())
    );
    assert_eq!((info.number(128), info.text(132)), (8, "20".into()));
    assert_eq!((info.number(148), info.number(152), info.number(156)), (0x20, 0, 0));
    assert_eq!((info.number(324), info.number(332)), (1, 0));
    for servers in [12..16, 56..64, 92..100, 208..240] {
        assert!(info.is_untouched(servers.clone()), "{servers:?} is the server's");
    }
    // SAFETY: as above.
    let status =
        check_sizes(56, |buffer| unsafe { TSPI_lineGetCallStatus(handle, buffer.place()) });
    assert_eq!((status.number(12), status.number(16)), (2, 1));
    assert_eq!(status.number(24), call_feature::ANSWER | call_feature::DROP);
    assert!(status.is_untouched(20..24));
    assert_eq!(&status.bytes[40..48], &[0xD0, 0x07, 2, 0, 2, 0, 29, 0], "29 February 2000");
    let (mut address, mut id, mut related) = (9, 9, 9);
    // SAFETY: valid pointers.
    unsafe {
        let answer = TSPI_lineGetCallIDs(handle, &raw mut address, &raw mut id, &raw mut related);
        assert_eq!((answer, address, id, related), (0, 0, 77, 66));
        address = 9;
        assert_eq!((TSPI_lineGetCallAddressID(handle, &raw mut address), address), (0, 0));
        assert_eq!(TSPI_lineGetCallIDs(handle, null_mut(), null_mut(), null_mut()), NO_POINTER);
        assert_eq!(TSPI_lineGetCallInfo(handle, null_mut()), NO_POINTER);
    }
}

#[test]
fn line_and_address_status_count_the_calls() {
    let (here, _) = InPlace::with_call(CallState::Offering);
    here.stage.show(LINE, &[(call(1), CallState::Offering), (call(2), CallState::OnHold)]);
    // SAFETY: a buffer of the size that it says.
    let status =
        check_sizes(88, |buffer| unsafe { TSPI_lineGetLineDevStatus(here.line, buffer.place()) });
    assert_eq!((status.number(20), status.number(24), status.number(28)), (1, 1, 0));
    assert_eq!((status.number(32), status.number(40), status.number(56)), (8, 1, 5));
    assert!(status.is_untouched(12..20) && status.is_untouched(80..88));
    // SAFETY: as above.
    let status = check_sizes(64, |buffer| unsafe {
        TSPI_lineGetAddressStatus(here.line, 0, buffer.place())
    });
    assert_eq!((status.number(12), status.number(16), status.number(20)), (1, 1, 1));
    assert_eq!(status.number(28), 2);

    here.stage.publish(LineView { connected: false, in_service: false, ..view(LINE, &[]) });
    // SAFETY: as above.
    let status =
        check_sizes(88, |buffer| unsafe { TSPI_lineGetLineDevStatus(here.line, buffer.place()) });
    assert_eq!((status.number(32), status.number(56), status.number(76)), (0, 0, 0));
}

#[test]
fn a_call_that_ended_can_be_read_until_it_is_closed() {
    let (here, handle) = InPlace::with_call(CallState::Connected);
    here.stage.show(LINE, &[(call(1), CallState::Idle)]);
    let mut status = Buffer::new(56);
    // SAFETY: a buffer of the size that it says.
    assert_eq!(unsafe { TSPI_lineGetCallStatus(handle, status.place()) }, 0);
    assert_eq!((status.number(12), status.number(24)), (1, 0));
    assert_eq!(TSPI_lineCloseCall(handle), 0);
    // SAFETY: as above.
    assert_eq!(unsafe { TSPI_lineGetCallStatus(handle, status.place()) }, NO_CALL);
}

#[test]
fn a_line_tells_its_id_and_knows_its_number() {
    let (here, handle) = InPlace::with_call(CallState::Connected);
    let device = here.stage.device();
    let get_id = |select, class: &str| {
        let mut buffer = Buffer::new(28);
        let class = wide(class);
        // SAFETY: a buffer of the size that it says, and a text with a NUL.
        let answer = unsafe {
            TSPI_lineGetID(here.line, 0, handle, select, buffer.place(), class.as_ptr(), 0)
        };
        (answer, buffer)
    };
    for select in [1, 2, 4] {
        let (answer, buffer) = get_id(select, "TAPI/Line");
        assert_eq!(answer, 0);
        assert_eq!([4, 8, 12, 16, 20, 24].map(|at| buffer.number(at)), [28, 28, 4, 4, 24, device]);
    }
    assert_eq!(get_id(1, "wave/in").0, LineErr::NoDevice.code());
    assert_eq!(get_id(8, "tapi/line").0, LineErr::InvalParam.code());

    let address_of = |mode, number: &str| {
        let (mut id, number) = (7, wide(number));
        let size = number.len() as u32;
        // SAFETY: valid pointers and a text with a NUL.
        let answer =
            unsafe { TSPI_lineGetAddressID(here.line, &raw mut id, mode, number.as_ptr(), size) };
        (answer, id)
    };
    assert_eq!(address_of(2, "20"), (0, 0));
    assert_eq!(address_of(2, "2-0"), (0, 0));
    assert_eq!(address_of(2, "21"), (LineErr::InvalAddress.code(), 7));
    assert_eq!(address_of(2, ""), (LineErr::InvalAddress.code(), 7));
    assert_eq!(address_of(1, "20"), (LineErr::InvalAddressMode.code(), 7));
}

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
        ("", LineErr::InvalAddress),
        ("123;", LineErr::InvalAddress),
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
    let (request, mut untouched) = (here.stage.request(), 0);
    let p = &raw mut untouched;
    let answers = [
        TSPI_lineHold(request, handle),
        TSPI_lineUnhold(request, handle),
        TSPI_lineSwapHold(request, handle, handle),
        TSPI_lineBlindTransfer(request, handle, null(), 0),
        TSPI_lineCompleteTransfer(request, handle, handle, 0, p, 1),
        TSPI_lineRedirect(request, handle, null(), 0),
        TSPI_linePickup(request, here.line, 0, 5, p, null(), null()),
        TSPI_lineForward(request, here.line, 0, 0, null(), 0, 0, p, null()),
    ];
    assert_eq!(answers, [LineErr::OperationUnavail.code(); 8]);
    assert_eq!(untouched, 0);
    let other_address = TSPI_linePickup(request, here.line, 1, 5, p, null(), null());
    assert_eq!(other_address, LineErr::InvalAddressId.code());
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
fn the_provider_says_where_its_user_interface_is() {
    let mut path = vec![0xFFFF_u16; MAX_PATH];
    // SAFETY: room for MAX_PATH units, or null.
    unsafe {
        assert_eq!(TSPI_providerUIIdentify(path.as_mut_ptr()), 0);
        assert_eq!(TSPI_providerUIIdentify(null_mut()), NO_POINTER);
    }
    let length = path.iter().position(|unit| *unit == 0).unwrap();
    let path = std::path::PathBuf::from(String::from_utf16(&path[..length]).unwrap());
    assert!(path.is_absolute() && path.is_file());
    assert_eq!(TSPI_providerInstall(0, 1), 0);
    assert_eq!(TSPI_providerConfig(0, 1), 0);
    assert_eq!(TSPI_providerRemove(0, 1), 0);
}

#[test]
fn a_panic_does_not_leave_a_function() {
    let failed = LineErr::OperationFailed.code();
    assert_eq!(answer(|| panic!("on purpose")), failed);
    assert_eq!(asked(|| panic!("on purpose")), failed);
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
