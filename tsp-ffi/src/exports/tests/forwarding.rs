//! Call forwarding.

use super::*;
use engine::forwarding::Forwarding;
use engine::view::{ForwardView, ForwardsView, Identity, LineView, Wide};
use std::sync::Arc;

/// A line whose PBX has a trunk, with these forwards.
fn forwarding(entries: &[(u32, &str, &str)]) -> LineView {
    let plain = view(LINE, &[]);
    let entry = |(mode, caller, destination): &(u32, &str, &str)| ForwardView {
        mode: *mode,
        caller: Wide::from_text(caller),
        destination: Wide::from_text(destination),
    };
    LineView {
        identity: Arc::new(Identity {
            trunks: Arc::new(["0".into()]),
            ..(*plain.identity).clone()
        }),
        forwards: Arc::new(ForwardsView {
            refused: false,
            rings: 4,
            entries: entries.iter().map(entry).collect(),
        }),
        ..plain
    }
}

/// One entry of 24 bytes and its destination.
fn list(mode: u32, destination: &str) -> Vec<u8> {
    let text: Vec<u8> = wide(destination).into_iter().flat_map(u16::to_le_bytes).collect();
    let size = text.len() as u32;
    let numbers = [32 + size, 1, mode, 0, 0, 0, size, 32];
    numbers.into_iter().flat_map(u32::to_le_bytes).chain(text).collect()
}

fn forward(here: &InPlace, list: &[u8], rings: u32) -> i32 {
    let mut consultation = 7;
    let request = here.stage.request();
    // SAFETY: a list of the size that it says, and a place for a handle.
    let answer = unsafe {
        let list = list.as_ptr().cast();
        TSPI_lineForward(request, here.line, 1, 9, list, rings, 5, &raw mut consultation, null())
    };
    if answer > 0 {
        assert_eq!((answer, consultation), (request.cast_signed(), 0));
    }
    answer
}

#[test]
fn forwards_are_asked_for_and_there_is_no_consultation_call() {
    let here = InPlace::new();
    assert!(forward(&here, &list(0x100, "T3-0"), 99) > 0);
    let Some(Command::Forward(Forwarding { forwards, rings })) = here.stage.engine.commands().pop()
    else {
        panic!("forwarding")
    };
    assert_eq!((forwards.len(), forwards[0].mode(), forwards[0].to.text()), (1, 0x100, "30"));
    assert_eq!(rings, 99);
    let request = here.stage.request();
    // SAFETY: null is allowed.
    let answer =
        unsafe { TSPI_lineForward(request, here.line, 0, 0, null(), 0, 0, null_mut(), null()) };
    assert_eq!(answer, request.cast_signed());
    assert_eq!(here.stage.engine.commands().pop(), Some(Command::Forward(Forwarding::default())));
}

#[test]
fn what_cannot_be_forwarded_is_refused_at_once() {
    let here = InPlace::new();
    for (mode, destination, error) in [
        (3, "30", LineErr::InvalParam),
        (0x1_0000, "30", LineErr::InvalParam),
        (1, "3?0", LineErr::InvalAddress),
        (1, "", LineErr::InvalAddress),
        // No trunk is known.
        (2, "30", LineErr::InvalParam),
        (0x4000, "30", LineErr::InvalParam),
        // Nobody is named.
        (8, "30", LineErr::InvalParam),
    ] {
        assert_eq!(forward(&here, &list(mode, destination), 0), error.code(), "{mode:#x}");
    }
    assert_eq!(here.stage.engine.commands(), []);
    let request = here.stage.request();
    // SAFETY: null is allowed.
    let other_address =
        unsafe { TSPI_lineForward(request, here.line, 0, 1, null(), 0, 0, null_mut(), null()) };
    assert_eq!(other_address, LineErr::InvalAddressId.code());

    here.stage.publish(forwarding(&[]));
    for mode in [2, 0x40, 0x2000] {
        assert!(forward(&here, &list(mode, "30"), 0) > 0, "{mode:#x}");
    }
    let refused = ForwardsView { refused: true, ..ForwardsView::default() };
    here.stage.publish(LineView { forwards: Arc::new(refused), ..view(LINE, &[]) });
    let unavailable = LineErr::OperationUnavail.code();
    assert_eq!(forward(&here, &list(1, "30"), 0), unavailable);
    here.stage.publish(LineView { connected: false, ..view(LINE, &[]) });
    assert_eq!(forward(&here, &list(1, "30"), 0), LineErr::OperationFailed.code());
}

#[test]
fn the_status_of_an_address_lists_its_forwards() {
    let here = InPlace::new();
    here.stage.publish(forwarding(&[(1, "", "30"), (8, "0555", "31"), (0x2_0000, "", "32")]));
    let read = |total| {
        let mut buffer = Buffer::new(total);
        // SAFETY: a buffer of the size that it says.
        let answer = unsafe { TSPI_lineGetAddressStatus(here.line, 0, buffer.place()) };
        assert_eq!(answer, 0);
        buffer
    };
    let needed = 64 + 3 * 24 + 6 + 10 + 6 + 6;
    for total in [needed, needed + 30] {
        let status = read(total);
        assert_eq!((status.number(4) as usize, status.number(8) as usize), (needed, needed));
        assert_eq!((status.number(32), status.number(36)), (4, 3));
        assert_eq!((status.number(40) as usize, status.number(44)), (needed - 64, 64));
        let entry = |index: usize| {
            let at = 64 + index * 24;
            (status.number(at), status.text(at + 4), status.text(at + 16))
        };
        assert_eq!(entry(0), (1, String::new(), "30".into()));
        assert_eq!(entry(1), (8, "0555".into(), "31".into()));
        assert_eq!(entry(2), (0x2_0000, String::new(), "32".into()));
        assert_eq!(status.number(64 + 12), 0, "no country");
    }
    for total in 64..needed {
        let status = read(total);
        assert_eq!((status.number(4) as usize, status.number(8)), (needed, 64), "{total}");
        assert_eq!((status.number(36), status.number(40), status.number(44)), (3, 0, 0));
        assert!(status.is_untouched(64..total), "{total}");
    }
}

#[test]
fn what_a_line_claims_depends_on_its_trunk_and_on_the_rights_of_the_account() {
    let here = InPlace::new();
    let claims = || {
        let mut caps = Buffer::new(1000);
        // SAFETY: a buffer of the size that it says.
        let answer = unsafe {
            TSPI_lineGetAddressCaps(here.stage.device(), 0, 0x0003_0000, 0, caps.place())
        };
        assert_eq!(answer, 0);
        let forward_flags = caps.number(104) & 0xE_0101;
        [128, 132, 136, 140, 144]
            .map(|at| caps.number(at))
            .into_iter()
            .chain([forward_flags])
            .collect::<Vec<_>>()
    };
    assert_eq!(claims(), [0x999, 19, 16, 0, 20, 0xA_0001]);
    here.stage.publish(forwarding(&[]));
    assert_eq!(claims(), [0xFFF, 25, 16, 0, 20, 0xE_0001]);
    let refused = ForwardsView { refused: true, ..ForwardsView::default() };
    here.stage.publish(LineView { forwards: Arc::new(refused), ..view(LINE, &[]) });
    assert_eq!(claims(), [0; 6]);
    let mut status = Buffer::new(64);
    // SAFETY: a buffer of the size that it says.
    assert_eq!(unsafe { TSPI_lineGetAddressStatus(here.line, 0, status.place()) }, 0);
    assert_eq!(status.number(28) & 1, 0);
}
