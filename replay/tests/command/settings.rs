//! `tapline settings`, with the provider at work and without it.

use super::lines::{AtWork, Site, text, wait_for_lines};
use super::*;
use std::path::Path;

/// Settings beside those of the site, with another line of `[lines]`.
fn others(site: &Site, name: &str, lines: &str) -> String {
    let path = site.file(name);
    let settings = std::fs::read_to_string(&site.settings).unwrap();
    std::fs::write(&path, format!("{settings}\n[lines]\n{lines}\n")).unwrap();
    path
}

#[cfg(unix)]
#[test]
fn other_settings_are_shown_as_a_plan_and_come_into_force_without_a_restart() {
    let simulator = Simulator::start(&[]);
    let site = Site::at(&simulator.authority);
    let new = others(&site, "new.toml", "name_template = \"%d at %e\"");
    let provider = AtWork::start(Path::new(&site.settings));
    provider.until("LINE_CREATE");
    let before = wait_for_lines(&site, |lines| {
        lines.iter().filter(|line| line["state"] == "in service").count() == 12
    });

    let plan = run(&["settings", "plan", "--json", "--config", &new]);
    assert_ends(&plan, 0, "");
    let rows: Vec<Value> =
        stdout(&plan).lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    let summary = &rows.last().unwrap()["summary"];
    assert_eq!((&summary["renamed"], &summary["removed"]), (&13.into(), &0.into()), "and TAPI's");
    assert_eq!(summary["at_work"], true);
    assert!(rows.iter().any(|row| row["setting"] == "name_template"));
    let anna = rows.iter().find(|row| row["to"]["number"] == "20").unwrap();
    assert_eq!(anna["from"]["name"], "Anna Berg");
    assert!(text(&anna["to"], "name").ends_with(" at 20"), "{anna}");
    let words = stdout(&run(&["settings", "plan", "--config", &new]));
    assert!(words.contains("Anna Berg") && words.contains("Nothing was changed"), "{words}");
    assert_eq!(wait_for_lines(&site, |lines| lines.len() == 12), before, "nothing has changed");

    // Its own file is read, and no other.
    assert_ends(&run(&["settings", "apply", "--config", &new]), 4, "reads its settings from");
    assert_ends(&site.run(&["settings", "apply"]), 0, "");
    let good = std::fs::read_to_string(&site.settings).unwrap();
    std::fs::write(&site.settings, format!("{good}\ncolour = 1\n")).unwrap();
    assert_ends(&site.run(&["settings", "apply"]), 3, "colour");
    std::fs::write(&site.settings, &good).unwrap();
    assert_eq!(wait_for_lines(&site, |lines| lines.len() == 12), before);
    std::fs::copy(&new, &site.settings).unwrap();
    assert_ends(&site.run(&["settings", "apply"]), 0, "");
    let after = wait_for_lines(&site, |lines| text(&lines[0], "name").ends_with(" at 20"));
    let ids = |lines: &[Value]| lines.iter().map(|line| line["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&after), ids(&before));
    provider.end();
    assert_ends(&site.run(&["settings", "apply"]), 4, "no provider is at work");
    let plan = run(&["settings", "plan", "--config", &new]);
    assert!(stdout(&plan).contains("when the log ended"), "{}", stdout(&plan));
}

#[test]
fn settings_for_a_log_that_does_not_exist_yet_make_all_lines_new() {
    let site = Site::at("127.0.0.1:9");
    let plan = site.run(&["settings", "plan"]);
    assert_ends(&plan, 0, "");
    assert!(stdout(&plan).contains("all lines will be new"), "{}", stdout(&plan));
}
