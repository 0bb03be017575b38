//! What synchronous functions answer.

use super::*;
use engine::capability;

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
        assert_eq!(caps.number(236), 8 | 4 | 0x80, "MAKECALL, FORWARD and no more");
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
    assert_eq!(caps.number(108), capability::CALL_FEATURES);
    assert_eq!(caps.number(108) & 0x0C22_08AC, 0x0C22_08AC, "the listed functions");
    assert_eq!((caps.number(92), caps.number(120)), (1, 3), "one transfer pending; TRANSFER");
    let held_or_made = 0x1000 | 0x2000;
    assert_eq!(caps.number(104) & held_or_made, held_or_made, "TRANSFERHELD, TRANSFERMAKE");
    assert_eq!(caps.number(176), 0x1687, "MAKECALL, FORWARD, UNPARK, and PICKUP in its forms");
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
    let offered = call_feature::ANSWER
        | call_feature::DROP
        | call_feature::REDIRECT
        | call_feature::SENDUSERUSER;
    assert_eq!(status.number(24), offered);
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
    assert_eq!((status.number(32), status.number(40), status.number(56)), (8 | 4 | 0x80, 1, 5));
    assert!(status.is_untouched(12..20) && status.is_untouched(80..88));
    // SAFETY: as above.
    let status = check_sizes(64, |buffer| unsafe {
        TSPI_lineGetAddressStatus(here.line, 0, buffer.place())
    });
    assert_eq!((status.number(12), status.number(16), status.number(20)), (1, 1, 1));
    assert_eq!(status.number(28), 0x1687);

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
