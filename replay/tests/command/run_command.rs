//! `tapline run`.

use super::*;

#[test]
fn a_slip_in_the_settings_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tapline.toml");
    std::fs::write(&path, "acount = \"x\"\n").unwrap();
    let output = run(&["run", "--config", path.to_str().unwrap()]);
    assert_ends(&output, 3, "acount");
    assert!(stderr(&output).contains("line 1"), "{}", stderr(&output));
    assert_ends(&run(&["run", "--config", "/no/such/file.toml"]), 3, "/no/such/file.toml");
}

#[test]
fn a_host_that_nobody_answers_at_is_said_at_once() {
    // A port that was free a moment ago: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = settings_for(&port.to_string(), "secret");
    let output = run(&["run", "--config", folder.path().join("tapline.toml").to_str().unwrap()]);
    assert_ends(&output, 4, &port.to_string());
}

#[test]
fn a_wrong_password_is_said_at_once() {
    let simulator = Simulator::start(&[]);
    let folder = settings_for(&simulator.authority, "wrong");
    let output = run(&["run", "--config", folder.path().join("tapline.toml").to_str().unwrap()]);
    assert_ends(&output, 4, "password");
}

#[test]
fn a_user_that_the_pbx_does_not_know_is_said_at_once() {
    let simulator = Simulator::start(&[]);
    let folder = settings_for(&simulator.authority, "secret");
    let path = folder.path().join("tapline.toml");
    let settings = std::fs::read_to_string(&path).unwrap().replace("\"TAPI\"", "\"Nobody\"");
    std::fs::write(&path, settings).unwrap();
    assert_ends(&run(&["run", "--config", path.to_str().unwrap()]), 4, "Nobody");
}

#[cfg(unix)]
#[test]
fn it_shows_the_calls_of_a_pbx_and_ends_the_session_at_ctrl_c() {
    let simulator = Simulator::start(&[]);
    let folder = settings_for(&simulator.authority, "secret");
    let mut child = tapline()
        .args(["run", "--json", "--config"])
        .arg(folder.path().join("tapline.toml"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut until = |wanted: &str| {
        lines.by_ref().map(Result::unwrap).find(|line| line.contains(wanted)).unwrap()
    };
    for _ in 0..12 {
        until("LINE_CREATE");
    }
    simulator.wait_for("sessions", "ok 1");
    simulator.control("call 20 21");
    let offering = until("OFFERING");
    assert!(offering.contains("Anna Berg"), "{offering}");
    // SAFETY-free way to press Ctrl-C: the shell's own.
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(wait(&mut child).code(), Some(0));
    assert_eq!(simulator.control("sessions"), "ok 0");
}
