//! `tapline verify`.

use super::*;

fn verify(authority: &str, password: &str, more: &[&str]) -> Output {
    let folder = settings_for(authority, password);
    let path = folder.path().join("tapline.toml");
    run(&[&["verify", "--config", path.to_str().unwrap()], more].concat())
}

#[test]
fn settings_that_work_end_with_0_and_a_row_for_each_check() {
    let simulator = Simulator::start(&[]);
    let output = verify(&simulator.authority, "secret", &[]);
    assert_ends(&output, 0, "");
    let rows = stdout(&output);
    for check in ["settings", "reach", "credentials", "session", "users", "trunk", "nodes"] {
        assert!(
            rows.contains(&format!("\npass  {check} "))
                || rows.starts_with(&format!("pass  {check} ")),
            "{check}: {rows}"
        );
    }
    assert!(rows.contains(&format!("master http://{}", simulator.authority)), "{rows}");
    assert!(rows.ends_with(" warned, 0 failed.\n") && !rows.contains('\x1b'), "{rows}");
}

#[test]
fn a_check_that_fails_says_what_to_do_and_ends_with_1() {
    let simulator = Simulator::start(&[]);
    let output = verify(&simulator.authority, "wrong", &[]);
    assert_ends(&output, 1, "a check failed");
    let rows = stdout(&output);
    let after = rows.split("fail  credentials ").nth(1).unwrap();
    assert!(after.lines().nth(1).unwrap().contains("→ correct account and password"), "{rows}");
}

#[test]
fn for_machines_there_is_one_object_a_check_and_a_summary_last() {
    let simulator = Simulator::start(&[]);
    let output = verify(&simulator.authority, "wrong", &["--json"]);
    let mut objects: Vec<Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = objects.pop().unwrap();
    assert_eq!(summary["summary"]["failed"], 1);
    let failed: Vec<&Value> = objects.iter().filter(|row| row["verdict"] == "fail").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (&failed[0]["check"], &failed[0]["rank"]),
        (&"credentials".into(), &"master".into())
    );
    assert!(failed[0]["advice"].is_string() && objects[0]["advice"].is_null());
}

#[test]
fn a_settings_file_that_is_not_there_is_a_check_that_failed() {
    let output = run(&["verify", "--config", "/no/such/file.toml"]);
    assert_ends(&output, 1, "a check failed");
    assert!(stdout(&output).starts_with("fail  settings "), "{}", stdout(&output));
}
