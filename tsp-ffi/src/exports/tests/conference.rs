//! Conferences of three.

use super::*;
use crate::session::testing::Said;
use engine::effect::Notice;

fn setup(here: &InPlace, call: usize, parties: u32) -> (i32, usize, usize) {
    let (mut parent, mut made) = (0, 0);
    let (server, request) = (here.stage.server.number, here.stage.request());
    // SAFETY: valid pointers; null is allowed.
    let answer = unsafe {
        TSPI_lineSetupConference(
            request,
            call,
            here.line,
            server + 601,
            &raw mut parent,
            server + 602,
            &raw mut made,
            parties,
            null(),
        )
    };
    (answer, parent, made)
}

#[test]
fn a_conference_has_two_new_handles_and_its_members_name_the_servers_handle_of_it() {
    let (here, first) = InPlace::with_call(CallState::Connected);
    let (request, parent, made) = setup(&here, first, 3);
    assert!(request > 0 && parent != 0 && made != 0 && parent != made);
    let Some(Command::SetupConference { call: Some(of), conference, consultation }) =
        here.stage.engine.commands().pop()
    else {
        panic!("a conference")
    };
    assert_eq!(of, call(1));
    assert_ne!(conference, consultation.call);
    here.stage.complete(Opening(1), request as u32, Ok(()));
    let state = Notice::CallState {
        call: call(1),
        state: CallState::Conferenced,
        mode: conference.serial,
        media: 4,
    };
    here.stage.settle(here.stage.say(Opening(1), state));
    let parent_at_server = here.stage.server.number + 601;
    let said = here.stage.server.log().pop();
    let conferenced = CallState::Conferenced.bits() as usize;
    assert!(
        matches!(said, Some(Said::Event(_, _, LINE_CALLSTATE, p1, p2))
            if (p1, p2) == (conferenced, parent_at_server)),
        "{said:?}"
    );
}

#[test]
fn the_mode_of_a_member_is_not_shown_in_its_status() {
    let (_here, member) = InPlace::with_call(CallState::Conferenced);
    let mut status = Buffer::new(56);
    // SAFETY: a buffer of the size that it says.
    assert_eq!(unsafe { TSPI_lineGetCallStatus(member, status.place()) }, 0);
    assert_eq!((status.number(12), status.number(16)), (CallState::Conferenced.bits(), 0));
}

#[test]
fn what_is_no_conference_is_refused_by_its_name() {
    let (here, call) = InPlace::with_call(CallState::Connected);
    assert_eq!(setup(&here, call, 4).0, LineErr::ConferenceFull.code());
    for stranger in [0, 1, usize::MAX, here.line] {
        assert_eq!(setup(&here, stranger, 3), (NO_CALL, 0, 0));
        let request = here.stage.request();
        assert_eq!(TSPI_lineAddToConference(request, stranger, call), NO_CALL);
        assert_eq!(TSPI_lineRemoveFromConference(request, stranger), NO_CALL);
        let answer = TSPI_lineAddToConference(request, call, stranger);
        assert_eq!(answer, LineErr::InvalConsultCallHandle.code());
    }
    let request = here.stage.request();
    let wrong = LineErr::InvalCallState.code();
    assert_eq!(TSPI_lineAddToConference(request, call, call), wrong);
    assert_eq!(TSPI_lineRemoveFromConference(request, call), wrong);
    assert_eq!(here.stage.engine.commands(), []);
}
