//! Parking calls, and taking them from where they are parked.

use super::*;
use engine::fact::ParkPlace;

fn park(here: &InPlace, call: usize, mode: u32, to: &str, place: Option<&mut Buffer>) -> i32 {
    let text = wide(to);
    let place = place.map_or(null_mut(), Buffer::place);
    // SAFETY: a text with a NUL; null, or a buffer of the size that it says.
    unsafe { TSPI_linePark(here.stage.request(), call, mode, text.as_ptr(), place) }
}

fn unpark(here: &InPlace, from: &str) -> i32 {
    let (text, mut handle) = (wide(from), 0);
    let request = here.stage.request();
    // SAFETY: a text with a NUL and a valid pointer.
    let answer =
        unsafe { TSPI_lineUnpark(request, here.line, 0, 500, &raw mut handle, text.as_ptr()) };
    assert_eq!(answer > 0, handle != 0);
    answer
}

#[test]
fn a_call_is_parked_at_an_address_or_at_the_lines_own() {
    let (here, call) = InPlace::with_call(CallState::Connected);
    assert!(park(&here, call, 1, "2-2", None) > 0);
    let last = here.stage.engine.commands().pop();
    assert!(matches!(
        last, Some(Command::Park { at: ParkPlace::Directed(to), .. }) if to.text() == "22"
    ));
    let mut place = Buffer::new(24 + 6);
    assert!(park(&here, call, 2, "", Some(&mut place)) > 0);
    assert_eq!((place.number(4), place.number(8), place.number(12)), (30, 30, 3));
    assert_eq!(place.text(16), "20");
    assert!(place.guard_is_whole());
}

#[test]
fn a_park_address_must_have_room_as_a_whole() {
    let (here, call) = InPlace::with_call(CallState::Connected);
    for (size, needed) in [(23, None), (24, Some(30)), (29, Some(30))] {
        let mut place = Buffer::new(size);
        let answer = park(&here, call, 2, "", Some(&mut place));
        assert_eq!(answer, LineErr::StructureTooSmall.code(), "{size}");
        assert_eq!(needed, (size >= 24).then(|| place.number(4)));
        assert!(place.guard_is_whole());
    }
    assert_eq!(park(&here, call, 2, "", None), NO_POINTER);
    assert_eq!(here.stage.engine.commands(), []);
}

#[test]
fn what_cannot_be_parked_is_refused_by_its_name() {
    let (here, call) = InPlace::with_call(CallState::Connected);
    for mode in [0, 3, 4, u32::MAX] {
        assert_eq!(park(&here, call, mode, "22", None), LineErr::InvalParkMode.code());
    }
    assert_eq!(park(&here, call, 1, "", None), LineErr::InvalAddress.code());
    let held = here.stage.bring(Opening(1), super::call(2), CallState::OnHold);
    assert_eq!(park(&here, held, 1, "22", None), LineErr::InvalCallState.code());
    for stranger in [0, 1, usize::MAX, here.line] {
        assert_eq!(park(&here, stranger, 1, "22", None), NO_CALL);
    }
}

#[test]
fn a_parked_call_is_asked_for_by_its_address() {
    let here = InPlace::new();
    assert!(unpark(&here, "T22") > 0);
    let last = here.stage.engine.commands().pop();
    assert!(matches!(last, Some(Command::Unpark { from, .. }) if from.text() == "22"));
    assert_eq!(unpark(&here, ""), LineErr::InvalAddress.code());
    assert_eq!(unpark(&here, "x"), LineErr::InvalAddress.code());
    let text = wide("22");
    let ask = |line, address, handle| {
        // SAFETY: a text with a NUL; null or a valid pointer.
        unsafe { TSPI_lineUnpark(here.stage.request(), line, address, 5, handle, text.as_ptr()) }
    };
    let mut handle = 0;
    assert_eq!(ask(here.line, 0, null_mut()), NO_POINTER);
    assert_eq!(ask(here.line, 1, &raw mut handle), LineErr::InvalAddressId.code());
    assert_eq!(ask(0, 0, &raw mut handle), NO_LINE);
    assert_eq!(handle, 0);
}
