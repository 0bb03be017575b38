//! The command line itself: what makes no sense, and the help.

use super::*;

#[test]
fn without_a_command_it_teaches_what_to_begin_with() {
    assert_ends(&run(&[]), 2, "tapline demo");
}

#[test]
fn what_makes_no_sense_is_said_and_ends_with_code_2() {
    assert_ends(&run(&["dmeo"]), 2, "demo");
    assert_ends(&run(&["demo", "--seed", "many"]), 2, "many");
    assert_ends(&run(&["replay"]), 2, "FILE_OR_LOG");
    assert_ends(&run(&["run"]), 2, "--config");
    assert_ends(&run(&["verify"]), 2, "--config");
    assert_ends(&run(&["simulate", "--listen", "nowhere"]), 2, "nowhere");
}

#[test]
fn the_help_has_exit_codes_and_every_command_has_examples() {
    let help = run(&["help"]);
    assert_eq!(help.status.code(), Some(0));
    for code in ["0  all went well", "1  a replay", "6  the log is damaged"] {
        assert!(stdout(&help).contains(code), "{}", stdout(&help));
    }
    for command in ["demo", "run", "verify", "simulate", "replay", "lines", "ids"] {
        let help = stdout(&run(&["help", command]));
        assert!(help.contains("Examples:\n  tapline "), "{help}");
    }
}

#[test]
fn whoever_stops_reading_gets_no_complaint_but_no_success_either() {
    let mut child =
        tapline().arg("demo").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    drop(stdout);
    let stderr = read_all(child.stderr.take().unwrap());
    assert_eq!(wait(&mut child).code(), Some(7));
    assert_eq!(String::from_utf8(stderr.join().unwrap()).unwrap(), "");
}
