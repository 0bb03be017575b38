//! `tapline simulate`.

use super::*;

#[test]
fn the_first_line_says_where_it_listens_and_commands_are_answered() {
    let mut simulator = Simulator::start(&[]);
    assert_eq!(simulator.control("call 20 21"), "ok");
    assert!(simulator.control("calls").contains("\"20\""));
    assert!(simulator.control("nonsense").starts_with("error: "));
    writeln!(simulator.typed(), "sessions").unwrap();
    assert_eq!(simulator.printed("ok"), "ok 0");
    writeln!(simulator.typed(), "quit").unwrap();
    assert_eq!(wait(&mut simulator.child).code(), Some(0));
}

#[test]
fn a_pipe_that_ends_leaves_it_running() {
    let mut simulator = Simulator::start(&[]);
    drop(simulator.child.stdin.take());
    // Long enough for a program that would end to have ended: it looks every 100 ms.
    let watched = Instant::now() + Duration::from_millis(500);
    while Instant::now() < watched {
        assert_eq!(simulator.child.try_wait().unwrap(), None);
        assert_eq!(simulator.control("sessions"), "ok 0");
    }
    simulator.control("quit");
    assert_eq!(wait(&mut simulator.child).code(), Some(0));
}

#[test]
fn a_slip_in_the_estate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("estate.toml");
    std::fs::write(&path, "[[user]]\ncn = \"Anna\"\nextension = \"20\"\n").unwrap();
    assert_ends(&run(&["simulate", "--estate", path.to_str().unwrap()]), 3, "extension");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_ends(&run(&["simulate", "--listen", &address]), 7, &address);
}
