//! `tapline replay`: a log derived again, whole, damaged or none at all.

use super::*;
use adapters::capture::{About, CaptureWriter};
use adapters::journal::LogReader;
use engine::fact::{Event, Record};
use engine::frame::HEADER_BYTES;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The log of a demo, made once.
fn demo_log() -> PathBuf {
    static KEPT: OnceLock<tempfile::TempDir> = OnceLock::new();
    let kept = KEPT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let output = run(&["demo", "--keep", folder.path().to_str().unwrap()]);
        assert_ends(&output, 0, "");
        folder
    });
    kept.path().join("log")
}

/// A copy of it, to be damaged.
fn copied_log() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&demo_log(), folder.path());
    folder
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The records of the demo's log as a capture file.
fn capture(change: impl FnMut(&mut Record)) -> (tempfile::TempDir, PathBuf) {
    let log = copied_log();
    let reader = LogReader::open(log.path(), PATIENCE).unwrap();
    let mut records: Vec<(u64, Record)> = reader.records_from(0).collect::<Result<_, _>>().unwrap();
    records.iter_mut().map(|(_, record)| record).for_each(change);
    let mut writer = CaptureWriter::new(Vec::new(), &About::this_program(false)).unwrap();
    for (seq, record) in records {
        writer.push(seq, record).unwrap();
    }
    let path = log.path().join("calls.tspt");
    std::fs::write(&path, writer.finish().unwrap()).unwrap();
    (log, path)
}

fn replay(path: &Path) -> Output {
    run(&["replay", path.to_str().unwrap()])
}

#[test]
fn a_log_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nothing");
    assert_ends(&replay(&path), 5, "nothing");
    assert!(!path.exists());
}

#[test]
fn a_file_that_is_no_log_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.txt");
    std::fs::write(&path, "Dear Tapline, this is not a log. ".repeat(100)).unwrap();
    assert_ends(&replay(&path), 5, "letter.txt");
    assert_ends(&replay(folder.path()), 5, "no log");
}

#[test]
fn a_log_that_another_process_works_on_is_left_alone() {
    let log = copied_log();
    let _other = LogReader::open(log.path(), PATIENCE).unwrap();
    assert_ends(&replay(log.path()), 5, "another process");
}

#[test]
fn a_log_with_damage_in_it_is_shown_up_to_there() {
    let whole = stdout(&replay(&demo_log()));
    let log = copied_log();
    let damaged = damage_frame_in_the_middle(&log.path().join("log-1").join("db"));
    let output = replay(log.path());
    assert_ends(&output, 6, &format!("intact up to record {damaged}"));
    let shown = stdout(&output);
    let rows: Vec<&str> = shown.lines().take_while(|line| !line.contains("records")).collect();
    assert!(rows.len() > 100, "{shown}");
    assert!(whole.starts_with(&rows.join("\n")), "{shown}");
    // Looking at it has not made it any worse.
    assert_ends(&replay(log.path()), 6, &format!("intact up to record {damaged}"));
}

/// Damages one frame wherever the storage has a copy of it; the answer is its first record.
fn damage_frame_in_the_middle(path: &Path) -> u64 {
    let mut bytes = std::fs::read(path).unwrap();
    let first_at =
        |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at + 6..at + 14].try_into().unwrap());
    let frames: Vec<usize> =
        (0..bytes.len() - 64).filter(|at| bytes[*at..].starts_with(b"TPLF")).collect();
    let mut firsts: Vec<u64> = frames.iter().map(|at| first_at(&bytes, *at)).collect();
    firsts.sort_unstable();
    firsts.dedup();
    let middle = firsts[firsts.len() / 2];
    for at in frames {
        if first_at(&bytes, at) == middle {
            // The first byte of its first record: the smallest frame has no more than that.
            bytes[at + HEADER_BYTES + 1] ^= 0x40;
        }
    }
    std::fs::write(path, bytes).unwrap();
    middle
}

#[test]
fn a_capture_file_shows_the_same_as_the_log_it_was_made_from() {
    let (_folder, path) = capture(|_| ());
    let output = replay(&path);
    assert_ends(&output, 0, "");
    assert_eq!(stdout(&output), stdout(&replay(&demo_log())));
}

#[test]
fn the_first_difference_from_what_was_told_ends_it_with_code_1() {
    let mut is_first = true;
    let (_folder, path) = capture(|record| {
        if let Event::Told(told) = &mut record.event
            && std::mem::take(&mut is_first)
        {
            told[0].crc ^= 1;
        }
    });
    let output = replay(&path);
    assert_ends(&output, 1, "told then");
    assert!(stderr(&output).contains("derived now: one with checksum"), "{}", stderr(&output));

    let output = run(&["replay", "--json", path.to_str().unwrap()]);
    let last: Value = serde_json::from_str(stdout(&output).lines().last().unwrap()).unwrap();
    assert_eq!(last["summary"]["identical"], false);
}

#[test]
fn a_capture_file_that_was_cut_off_is_shown_up_to_there() {
    let (_folder, path) = capture(|_| ());
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let output = replay(&path);
    assert_ends(&output, 6, "intact up to record");
    assert!(stdout(&output).contains("CALLSTATE"), "{}", stdout(&output));
}

#[test]
fn a_capture_file_of_a_newer_version_is_named_as_that() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.tspt");
    let mut header = [b"TSPT".as_slice(), &[9, 0, 3], b"9.0"].concat();
    header.extend(crc32(&header).to_le_bytes());
    std::fs::write(&path, header).unwrap();
    assert_ends(&replay(&path), 5, "format 9");
}

/// CRC-32 as in Ethernet and zip.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}
