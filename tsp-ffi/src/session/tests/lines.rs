//! Lines as the server opens, closes and creates them.

use super::*;

#[test]
fn an_open_line_is_allocated_until_it_is_closed() {
    let (stage, line) = Stage::opened();
    let open = || {
        stage.session.open_line(stage.device(), 1, 0x0003_0000, on_event, |_| panic!("no handle"))
    };
    assert_eq!(open(), Err(LineErr::Allocated));
    assert_eq!(stage.session.close_line(line), Ok(()));
    assert_eq!(stage.session.close_line(line), Err(LineErr::InvalLineHandle));
    assert_ne!(stage.open(), line, "a handle never comes twice");
    let version = 0x0003_0000;
    assert_eq!(
        stage.engine.facts(),
        [
            HostFact::LineOpened { line: LINE, opening: FIRST, version },
            HostFact::LineClosed { line: LINE, opening: FIRST },
            HostFact::LineOpened { line: LINE, opening: Opening(2), version },
        ]
    );
}

#[test]
fn a_line_opens_by_a_known_id_and_version_only() {
    let stage = Stage::new();
    let open = |device, version| {
        stage.session.open_line(device, 1, version, on_event, |_| panic!("no handle"))
    };
    assert_eq!(open(stage.device() + 1, 0x0003_0000), Err(LineErr::BadDeviceId));
    assert_eq!(open(stage.device(), 0x0003_0001), Err(LineErr::IncompatibleApiVersion));
    stage.publish(LineView { removed: true, ..view(LINE, &[]) });
    assert_eq!(open(stage.device(), 0x0003_0000), Err(LineErr::NoDevice));
    assert_eq!(stage.engine.events(), []);
}

#[test]
fn what_is_said_reaches_the_line_that_it_was_meant_for() {
    let (stage, line) = Stage::opened();
    let heard = stage.say(FIRST, Notice::AddressState(0x28));
    assert_eq!(stage.settle(heard), Outcome::Delivered);
    let server_line = stage.server.number + 1;
    assert_eq!(stage.server.log(), [Said::Event(server_line, 0, LINE_ADDRESSSTATE, 0, 0x28)]);

    stage.session.close_line(line).unwrap();
    let late = stage.say(FIRST, Notice::AddressState(0x28));
    assert_eq!(stage.settle(late), Outcome::Withheld);
    stage.open();
    let later_still = stage.say(FIRST, Notice::AddressState(0x28));
    assert_eq!(stage.settle(later_still), Outcome::Withheld, "meant for an earlier opening");
    assert_eq!(stage.server.log().len(), 1);
}

#[test]
fn a_new_line_is_announced_and_lives_under_the_id_that_the_server_gives_it() {
    let stage = Stage::new();
    let (line, device) = (LineId(9), stage.device() + 30);
    let about = |notice| Telling { line, opening: Opening(0), what: What::Notice(notice) };
    stage.show(line, &[]);
    assert_eq!(stage.settle(stage.tell(about(Notice::LineCreated))), Outcome::Delivered);
    let provider = stage.server.number;
    assert_eq!(stage.server.log(), [Said::Event(0, 0, LINE_CREATE, provider, 9)]);
    assert_eq!(stage.session.devices().create(9, device), Ok(()));
    assert_eq!(stage.session.device(device), Ok(line));

    stage.publish(LineView { removed: true, ..view(line, &[]) });
    assert_eq!(stage.settle(stage.tell(about(Notice::LineRemoved))), Outcome::Delivered);
    let removed = Said::Event(0, 0, LINE_REMOVE, device as usize, 0);
    assert_eq!(stage.server.log().last(), Some(&removed));
    assert_eq!(stage.session.device(device), Err(LineErr::NoDevice));
}
