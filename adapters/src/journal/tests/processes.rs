//! The journal in processes that die, or must make do with little room.

use super::*;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

const CHILD_FOLDER: &str = "TAPLINE_TEST_FOLDER";

/// Runs one of the ignored tests below in a process of its own.
fn child(test: &str, folder: &Path, shell: &str) -> Child {
    let test = format!("journal::tests::processes::{test}");
    Command::new("sh")
        .args(["-c", &format!("{shell} exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &test, "--ignored", "--nocapture", "--test-threads=1"])
        .env(CHILD_FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills a child that says how much of its log is safe, as soon as that is so many records: what it
/// said then, and the lines that it said after that.
fn kill_when_safe(child: &mut Child, target: u64) -> (u64, impl Iterator<Item = String> + use<>) {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut safe = 0;
    while safe < target {
        let line = lines.next().expect("the child goes on");
        if let Some(seq) = line.strip_prefix("safe ") {
            safe = seq.parse().unwrap();
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    (safe, lines)
}

fn child_folder() -> PathBuf {
    std::env::var_os(CHILD_FOLDER).expect("run by another test").into()
}

#[test]
#[ignore = "run by another test in a process of its own"]
#[allow(clippy::print_stdout)]
fn child_that_appends_until_it_is_killed() {
    let (mut journal, recovered) = open(&child_folder());
    let mut seq = recovered.next_seq;
    loop {
        let batch: Vec<Record> = (seq..seq + 1 + seq % 70).map(small).collect();
        journal.append(seq, &batch).unwrap();
        seq += batch.len() as u64;
        println!("\nsafe {seq}");
        if seq % 5 == 0 {
            let place = Place { next: seq, last_at: Millis(seq) };
            journal.keep_snapshot(&Core::default(), place).unwrap();
        }
    }
}

#[test]
fn after_a_kill_in_the_middle_everything_told_safe_is_there() {
    let folder = folder();
    let mut safe = 0;
    for round in 1..=4u64 {
        let mut child = child("child_that_appends_until_it_is_killed", folder.path(), "");
        let rest;
        (safe, rest) = kill_when_safe(&mut child, safe + 500 * round);
        // What was said between the last line read and the kill is safe as well.
        let last = rest.filter_map(|line| line.strip_prefix("safe ")?.parse().ok()).last();
        safe = last.unwrap_or(safe);

        let (records, error) = read_log(folder.path());
        assert_eq!(error, None);
        assert!(records.len() as u64 >= safe, "{} of {safe}", records.len());
        assert!(records.iter().all(|(seq, record)| *record == small(*seq)));
        let recovered = open(folder.path()).1;
        assert_eq!((recovered.next_seq, recovered.missing), (records.len() as u64, 0));
        assert_eq!(recovered.damage, None);
    }
}

#[test]
#[ignore = "run by another test in a process of its own"]
#[allow(clippy::print_stdout)]
fn child_that_removes_what_is_old_until_it_is_killed() {
    let (mut journal, recovered) = open(&child_folder());
    journal.retain(Retention { age: Duration::ZERO, ..Retention::default() });
    let mut seq = recovered.next_seq;
    loop {
        let batch: Vec<Record> = (seq..seq + 1 + seq % 70).map(small).collect();
        journal.append(seq, &batch).unwrap();
        seq += batch.len() as u64;
        journal.trim(Duration::ZERO).unwrap();
        println!("\nsafe {seq}");
        if seq % 5 == 0 {
            let place = Place { next: seq, last_at: Millis(seq) };
            journal.keep_snapshot(&core_of(seq), place).unwrap();
            journal.look_for_excess(Millis(u64::MAX));
        }
    }
}

/// A state by which one can tell after which record it was.
fn core_of(seq: u64) -> Core {
    let id = engine::id::PermanentId(u32::try_from(seq).unwrap());
    let ids = [(engine::id::Guid(u128::from(seq).to_be_bytes()), id)];
    let mut core = Core::default();
    let event = Event::Host(HostFact::IdsImported(ids.into()));
    core.apply(Record { at: Millis(0), event }, &mut Vec::new());
    core
}

#[test]
fn after_a_kill_in_the_middle_of_removing_the_log_begins_with_a_snapshot_and_is_whole() {
    let folder = folder();
    let (mut safe, mut began) = (0, 0);
    for round in 1..=5u64 {
        let name = "child_that_removes_what_is_old_until_it_is_killed";
        let mut child = child(name, folder.path(), "");
        safe = kill_when_safe(&mut child, safe + 300 * round + round).0;

        let reader = LogReader::open(folder.path(), PATIENCE).unwrap();
        let first = reader.first_seq();
        assert!(first >= began, "{first} after {began}");
        began = first;
        let records: Result<Vec<_>, _> = reader.records_from(first).collect();
        let records = records.unwrap();
        assert_eq!(records[0].0, first);
        assert!(records.last().unwrap().0 + 1 >= safe);
        assert!(records.iter().all(|(seq, record)| *record == small(*seq)));
        let images = reader.images().unwrap();
        assert!(first == 0 || images.len() >= 2 && images[0].next == first, "{images:?}");
        for place in images {
            assert!(reader.image(place).unwrap().0 == core_of(place.next));
        }
        drop(reader);
        let (journal, recovered) = open(folder.path());
        assert_eq!((recovered.damage, recovered.missing, journal.first_seq()), (None, 0, first));
        journal.close().unwrap();
    }
    assert!(began > 0);
}

#[test]
#[ignore = "run by another test in a process of its own"]
#[allow(clippy::print_stdout)]
fn child_whose_files_may_not_grow() {
    let (mut journal, _) = open(&child_folder());
    let mut seq = 0;
    let error = loop {
        let batch: Vec<Record> = (0..8).map(|_| large(2000)).collect();
        match journal.append(seq, &batch) {
            Ok(()) => seq += 8,
            Err(error) => break error,
        }
    };
    println!("\nsafe {seq}");
    println!("error {error}");
    assert!(journal.is_down());
    assert_eq!(journal.append(seq, &[small(0)]), Err(AppendError::Down));
    // As long as there is no room, resuming fails or the next write does.
    let still = journal.resume(NO_PATIENCE).is_err()
        || journal.append(journal.next_seq(), &[large(9_000_000 / 10)]).is_err();
    println!("still {still}");
    // Someone makes room.
    let id = std::process::id().to_string();
    assert!(
        Command::new("prlimit")
            .args(["--pid", &id, "--fsize=unlimited"])
            .status()
            .unwrap()
            .success()
    );
    let next = journal.resume(PATIENCE).unwrap();
    let missing = 1000 + seq - next;
    journal.append(1000 + seq, &[gap(missing), small(1)]).unwrap();
    println!("resumed {next}");
}

#[test]
fn a_write_that_fails_is_told_and_the_log_resumes_when_there_is_room() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        return;
    }
    let folder = folder();
    // 8 MiB in blocks of 512 bytes; the signal would end the process before it sees the error.
    let limits = "trap '' XFSZ; ulimit -S -f 16384;";
    let mut child = child("child_whose_files_may_not_grow", folder.path(), limits);
    let mut output = String::new();
    child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    assert!(child.wait().unwrap().success(), "{output}");
    let said = |what: &str| {
        let line = output.lines().find_map(|line| line.strip_prefix(what));
        line.unwrap_or_else(|| panic!("no {what:?} in {output}")).to_owned()
    };
    let safe: u64 = said("safe ").parse().unwrap();
    let resumed: u64 = said("resumed ").parse().unwrap();
    assert!(safe > 0 && resumed >= safe, "{output}");
    assert_eq!(said("still "), "true");
    assert!(said("error ").contains("cannot be written"), "{output}");
    let (records, error) = read_log(folder.path());
    assert_eq!(error, None);
    let numbers: Vec<u64> = records.iter().map(|(seq, _)| *seq).collect();
    let expected: Vec<u64> = (0..resumed).chain([1000 + safe, 1001 + safe]).collect();
    assert_eq!(numbers, expected);
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by another test in a process of its own"]
#[allow(clippy::print_stdout)]
fn child_that_closes_its_log() {
    let names = || {
        let tasks = fs::read_dir("/proc/self/task").unwrap();
        let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).unwrap();
        tasks.map(|task| name(task.unwrap()).trim().to_owned()).collect::<Vec<_>>()
    };
    let before = names();
    for _ in 0..20 {
        let mut journal = open(&child_folder()).0;
        append_all(&mut journal, &(0..500).map(small).collect::<Vec<_>>(), 16);
        journal.close().unwrap();
    }
    let mut left = names();
    left.retain(|name| !before.contains(name));
    println!("\nleft {}", left.join(" "));
}

/// The storage's own threads cannot be ended; what can be had is that they are few, do not grow
/// with the number of openings, and are no others.
#[cfg(target_os = "linux")]
#[test]
fn a_closed_log_leaves_only_the_storages_few_pool_threads() {
    let folder = folder();
    let mut child = child("child_that_closes_its_log", folder.path(), "");
    let mut output = String::new();
    child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    assert!(child.wait().unwrap().success(), "{output}");
    let left = output.lines().find_map(|line| line.strip_prefix("left ")).unwrap();
    let left: Vec<&str> = left.split_whitespace().collect();
    assert!(left.iter().all(|name| name.starts_with("sled-io-")), "{left:?}");
    assert!((1..=8).contains(&left.len()), "{left:?}");
}
