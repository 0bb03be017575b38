//! `tapline sim`.

use super::*;

#[test]
fn a_seed_that_ends_well_says_what_happened_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let keep = folder.path().to_str().unwrap();
    let output = run(&["sim", "--seed", "3", "--keep", keep]);
    assert_ends(&output, 0, "");
    let said = stdout(&output);
    assert!(said.contains("Seed 3") && said.contains("ended well"), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_happens_is_told_with_the_seconds_since_the_beginning() {
    let said = stdout(&run(&["sim", "--seed", "3", "--verbose"]));
    let first = said.lines().next().unwrap();
    assert!(first.trim_start().starts_with("0.000  PROVIDER starts"), "{first}");
    for word in ["RECORD", "ASK", "GOT", "CALLBACK", "PEOPLE", "HOST"] {
        assert!(said.contains(word), "nothing of {word}");
    }
}

#[test]
fn many_seeds_are_one_object_each_and_a_summary_for_machines() {
    let output = run(&["sim", "--seeds", "3..6", "--json"]);
    assert_ends(&output, 0, "");
    let said = stdout(&output);
    let objects: Vec<Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seeds: Vec<u64> = objects.iter().filter_map(|object| object["seed"].as_u64()).collect();
    assert_eq!(seeds, [3, 4, 5]);
    assert_eq!(objects[3]["summary"]["seeds"], 3);
}

#[test]
fn a_range_without_a_seed_is_refused() {
    assert_ends(&run(&["sim", "--seeds", "6..6"]), 2, "no seed is in 6..6");
    assert_ends(&run(&["sim", "--seeds", "6"]), 2, "0..200");
}
