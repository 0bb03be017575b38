//! `tapline replay step`, with its commands from a pipe.

use super::time_machine::history;
use super::*;

/// Walks, and gives what is printed.
fn walk(arguments: &[&str], commands: &str) -> Output {
    let mut child = tapline()
        .args(["replay", "step"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // It may have ended before it has read everything.
    let _ = stdin.write_all(commands.as_bytes());
    drop(stdin);
    let stdout = read_all(child.stdout.take().unwrap());
    let stderr = read_all(child.stderr.take().unwrap());
    let status = wait(&mut child);
    Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

fn places(arguments: &[&str], commands: &str) -> Vec<Value> {
    let output = walk(&[arguments, &["--json"]].concat(), commands);
    assert_ends(&output, 0, "");
    stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn one_walks_forward_and_back_and_sees_at_each_place_the_same() {
    let log = history("transfer-with-consultation");
    let there = places(&[&log], &"n\n".repeat(60));
    let numbers: Vec<u64> = there.iter().map(|place| place["record"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..60).collect::<Vec<u64>>());
    assert!(
        there.iter().filter(|place| !place["changes"].as_array().unwrap().is_empty()).count() > 20
    );
    // Back record by record, by number, and in a leap.
    let back = places(&[&log], &format!("n 60\n{}", "b\n".repeat(59)));
    assert_eq!(back.into_iter().rev().collect::<Vec<_>>(), there);
    let leaps = places(&[&log], "g 40\ng 12\nb 5\nn\nn 3\n");
    assert_eq!(leaps, [40, 12, 7, 8, 11].map(|at| there[at].clone()));
    let end = places(&[&log], "e\nb 1000000\nn\n");
    assert_eq!(end[1], there[0]);
}

#[test]
fn one_goes_on_to_the_next_change_of_a_field_or_of_a_claim() {
    let log = history("transfer-with-consultation");
    let states =
        places(&[&log, "--line", "21"], "c call #1 state\nc call #1 state\nc call #1 state\n");
    let after = |place: &Value| {
        let changes = place["changes"].as_array().unwrap().clone();
        let state = changes.into_iter().find(|change| change["field"] == "call #1 state");
        state.unwrap()["after"].as_str().unwrap().to_owned()
    };
    let states: Vec<String> = states.iter().map(after).collect();
    assert_eq!(states, ["OFFERING", "CONNECTED", "ONHOLDPENDTRANSFER"]);

    let turned = places(&[&log], "u call #2 of 21 is CONNECTED\nu call #2 of 21 is CONNECTED\n");
    let bisect =
        run(&["replay", "bisect", &log, "--json", "--until", "call #2 of 21 is CONNECTED"]);
    let bisect: Value = serde_json::from_str(stdout(&bisect).trim()).unwrap();
    // First it is said at all: it is not so while the call is dialled.
    assert!(turned[0]["record"].as_u64() <= bisect["held_from"].as_u64());

    let words =
        stdout(&walk(&[&log, "--line", "20"], "c in service\nc in service\ns\nc nothing at all\n"));
    assert!(
        words.contains("in service: no → yes") && words.contains("This is the end."),
        "{words}"
    );
}

#[test]
fn a_command_that_makes_no_sense_ends_a_script_with_code_2() {
    let log = history("call-answered");
    assert_ends(&walk(&[&log], "fly\n"), 2, "h lists them");
    assert_ends(&walk(&[&log], "g noon\n"), 2, "number of a record");
    assert_ends(&walk(&[&log], "u line 20 in-servce\n"), 2, "did you mean in-service?");
    assert_ends(&walk(&[&log], "q\nfly\n"), 0, "");
}
