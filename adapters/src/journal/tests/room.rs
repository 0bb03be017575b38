//! Room ahead of a log that grows.

use super::super::room::AHEAD_BYTES;
use super::*;
use std::os::unix::fs::FileExt;

/// How long the end of a file is zeros, in whole pages.
fn zeros_at_end(file: &Path) -> u64 {
    let file = fs::File::open(file).unwrap();
    let len = file.metadata().unwrap().len();
    let mut page = [0; 4096];
    let mut free = 0;
    while free + 4096 <= len {
        file.read_exact_at(&mut page, len - free - 4096).unwrap();
        if page.iter().any(|byte| *byte != 0) {
            break;
        }
        free += 4096;
    }
    free
}

/// A log with room ahead, its records, and its file.
fn log_with_room(path: &Path) -> (Journal, Vec<Record>, PathBuf) {
    let mut journal = open(path).0;
    let file = Storage::file_in(&path.join("log-1"));
    let (mut records, patience) = (Vec::new(), Instant::now() + PATIENCE);
    // Room is made aside, and only when the log has grown by something.
    while zeros_at_end(&file) < AHEAD_BYTES / 2 {
        assert!(Instant::now() < patience, "there is no room after {} records", records.len());
        records.extend((0..64).map(|_| large(1_000)));
        let from = records.len() - 64;
        journal.append(journal.next_seq(), &records[from..]).unwrap();
    }
    (journal, records, file)
}

#[test]
fn a_log_with_room_ahead_is_whole_after_a_crash_and_goes_on() {
    let (at_work, crashed) = (folder(), folder());
    let (journal, mut records, file) = log_with_room(at_work.path());
    // What a crash at this moment leaves on the disk.
    let copy = crashed.path().join("log-1");
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(file.parent().unwrap()).unwrap().flatten() {
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
        }
    }
    journal.close().unwrap();
    for path in [crashed.path(), at_work.path()] {
        let mut again = open(path).0;
        assert_eq!(again.next_seq(), records.len() as u64);
        append_all(&mut again, &[large(7), large(8)], 2);
        again.close().unwrap();
    }
    records.extend([large(7), large(8)]);
    for path in [crashed.path(), at_work.path()] {
        assert_eq!(read_log(path), (numbered(&records), None));
    }
}

#[test]
fn a_log_that_hardly_grows_gets_no_room() {
    let folder = folder();
    let mut journal = open(folder.path()).0;
    append_all(&mut journal, &history(), 16);
    let file = Storage::file_in(&folder.path().join("log-1"));
    journal.close().unwrap();
    assert!(fs::metadata(file).unwrap().len() < AHEAD_BYTES);
}

#[test]
fn a_storage_with_room_ahead_is_salvaged_like_any_other() {
    let folder = folder();
    let (journal, records, file) = log_with_room(folder.path());
    journal.close().unwrap();
    fs::write(file.with_file_name("conf"), b"segment_size: nonsense 1234").unwrap();
    let (journal, recovered) = open(folder.path());
    assert!(recovered.damage.is_some());
    drop(journal);
    assert_eq!(read_log(folder.path()), (numbered(&records), None));
}
