//! The journal on real files.

#![allow(clippy::unwrap_used)]

#[cfg(unix)]
mod processes;
mod retention;
#[cfg(target_os = "linux")]
mod room;

use super::storage::Storage;
use super::*;
use engine::fact::{Event, Failure, HostFact, PbxFact, Question};
use engine::frame::{Frame, MAX_SHARED_BYTES};
use engine::id::{Attempt, PbxId};
use engine::strategy::{History, Step, core_after, histories};
use engine::time::Millis;
use proptest::prelude::*;
use std::fs;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);
const NO_PATIENCE: Duration = Duration::ZERO;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(path: &Path) -> (Journal, Recovered) {
    Journal::open(path, Durability::BeforeCallback, PATIENCE).unwrap()
}

/// A plausible history of some hundred records.
fn history() -> Vec<Record> {
    let mut steps = Vec::new();
    for n in 0..40u8 {
        steps.extend([Step::CallFromOutside(n), Step::Advance(n), Step::Advance(n)]);
        steps.extend([Step::HangUp(n, n), Step::Delete(n), Step::Open(n), Step::MakeCall(n, n)]);
        steps.extend([Step::Reply(n.wrapping_mul(41)), Step::CallInside(n, n + 1)]);
    }
    History::play(&steps)
}

fn small(n: u64) -> Record {
    let fact = PbxFact::Polled { count: n as u32, elapsed_ms: 7 };
    Record { at: Millis(n), event: Event::Pbx(PbxId(0), Attempt(1), fact) }
}

fn large(len: usize) -> Record {
    let failure = Failure::Garbled("x".repeat(len).into());
    let fact = PbxFact::Failed(Question::Poll, failure);
    Record { at: Millis(0), event: Event::Pbx(PbxId(0), Attempt(1), fact) }
}

fn gap(missing: u64) -> Record {
    Record { at: Millis(0), event: Event::Host(HostFact::Gap(missing)) }
}

fn place_after(records: &[Record]) -> Place {
    Place { next: records.len() as u64, last_at: records.last().unwrap().at }
}

/// Appends in batches of `size`.
fn append_all(journal: &mut Journal, records: &[Record], size: usize) {
    for batch in records.chunks(size) {
        journal.append(journal.next_seq(), batch).unwrap();
    }
}

/// Makes a log of the records in the folder and closes it.
fn log_of(path: &Path, records: &[Record]) {
    let mut journal = open(path).0;
    append_all(&mut journal, records, 16);
    journal.close().unwrap();
}

fn read_log(path: &Path) -> (Vec<(u64, Record)>, Option<ReadError>) {
    let reader = LogReader::open(path, PATIENCE).unwrap();
    let (mut records, mut error) = (Vec::new(), None);
    for item in reader.records_from(reader.first_seq()) {
        match item {
            Ok(record) => records.push(record),
            Err(stop) => error = Some(stop),
        }
    }
    (records, error)
}

fn numbered(records: &[Record]) -> Vec<(u64, Record)> {
    (0..).zip(records.iter().cloned()).collect()
}

/// The storage under a log that nobody has open, for damaging it.
fn storage(path: &Path) -> Storage {
    Storage::open(&path.join("log-1"), Instant::now() + PATIENCE).unwrap()
}

#[test]
fn a_new_log_is_empty() {
    let folder = folder();
    let (journal, recovered) = open(folder.path());
    assert_eq!((journal.next_seq(), recovered.next_seq, recovered.folded), (0, 0, 0));
    assert_eq!((recovered.core, recovered.damage), (Core::default(), None));
    assert_eq!(journal.records_from(0).unwrap().count(), 0);
}

#[test]
fn what_was_appended_is_there_when_the_log_is_opened_again() {
    let (folder, records) = (folder(), history());
    log_of(folder.path(), &records);
    let (journal, recovered) = open(folder.path());
    assert_eq!(journal.next_seq(), records.len() as u64);
    assert_eq!(recovered.next_seq, records.len() as u64);
    assert_eq!(recovered.last_at, records.last().unwrap().at);
    assert_eq!(recovered.core, core_after(&records));
    assert_eq!((recovered.missing, recovered.damage), (0, None));
    let read: Result<Vec<_>, _> = journal.records_from(0).unwrap().collect();
    assert_eq!(read.unwrap(), numbered(&records));
}

#[test]
fn reading_can_begin_at_any_record() {
    let (folder, records) = (folder(), history());
    log_of(folder.path(), &records);
    let reader = LogReader::open(folder.path(), PATIENCE).unwrap();
    for from in [0, 1, 15, 16, 17, 100, records.len() as u64, 10_000] {
        let read: Result<Vec<_>, _> = reader.records_from(from).collect();
        let expected = numbered(&records).into_iter().filter(|(seq, _)| *seq >= from);
        assert_eq!(read.unwrap(), expected.collect::<Vec<_>>(), "from {from}");
    }
}

#[test]
fn a_batch_of_any_size_is_cut_into_frames() {
    let folder = folder();
    let records: Vec<Record> = (0..1000).map(small).collect();
    let mut journal = open(folder.path()).0;
    append_all(&mut journal, &records, 1000);
    journal.append(1000, &[]).unwrap();
    let read: Result<Vec<_>, _> = journal.records_from(0).unwrap().collect();
    assert_eq!(read.unwrap(), numbered(&records));
}

#[test]
fn records_larger_than_a_frame_come_back() {
    let folder = folder();
    let lengths = [10, MAX_SHARED_BYTES - 60, MAX_SHARED_BYTES, 100_000, 10, 1_000_000];
    let records: Vec<Record> = lengths.map(large).into();
    log_of(folder.path(), &records);
    assert_eq!(read_log(folder.path()), (numbered(&records), None));
    let blobs = folder.path().join("log-1/blobs");
    assert_eq!(fs::read_dir(blobs).unwrap().count(), 0, "such files are never synced");
}

#[test]
fn a_record_too_large_is_refused_and_its_batch_with_it() {
    let folder = folder();
    let mut journal = open(folder.path()).0;
    let batch = [small(0), large(2_000_000), small(1)];
    let error = journal.append(0, &batch).unwrap_err();
    assert!(matches!(error, AppendError::Refused(_)), "{error}");
    journal.append(0, &[small(0), small(1)]).unwrap();
    assert_eq!(journal.records_from(0).unwrap().count(), 2);
}

#[test]
fn records_out_of_order_are_refused() {
    let folder = folder();
    let mut journal = open(folder.path()).0;
    journal.append(0, &[small(0)]).unwrap();
    for found in [0, 2] {
        let error = journal.append(found, &[small(1)]).unwrap_err();
        assert_eq!(error, AppendError::OutOfOrder { expected: 1, found });
    }
}

#[test]
fn numbers_may_be_left_out_where_a_gap_says_so() {
    let folder = folder();
    let mut journal = open(folder.path()).0;
    journal.append(0, &[small(0)]).unwrap();
    journal.append(10, &[gap(9), small(1)]).unwrap();
    assert_eq!(journal.next_seq(), 12);
    journal.close().unwrap();
    let (records, error) = read_log(folder.path());
    assert_eq!(records.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [0, 10, 11]);
    assert_eq!(error, None);
    assert_eq!(open(folder.path()).1.next_seq, 12);
}

#[test]
fn recovery_begins_at_the_newest_snapshot() {
    let (folder, records) = (folder(), history());
    let mut journal = open(folder.path()).0;
    for cut in [50, 100, 150] {
        append_all(&mut journal, &records[cut - 50..cut], 16);
        journal.keep_snapshot(&core_after(&records[..cut]), place_after(&records[..cut])).unwrap();
    }
    append_all(&mut journal, &records[150..], 16);
    journal.close().unwrap();
    assert_eq!(storage(folder.path()).snapshots().unwrap(), [150, 100, 50]);
    let recovered = open(folder.path()).1;
    assert_eq!(recovered.folded, records.len() as u64 - 150);
    assert_eq!(recovered.core, core_after(&records));
}

#[test]
fn a_snapshot_in_the_middle_of_a_frame_is_as_good_as_any() {
    let (folder, records) = (folder(), history());
    let mut journal = open(folder.path()).0;
    append_all(&mut journal, &records, 64);
    journal.keep_snapshot(&core_after(&records[..100]), place_after(&records[..100])).unwrap();
    journal.close().unwrap();
    let recovered = open(folder.path()).1;
    assert_eq!(recovered.folded, records.len() as u64 - 100);
    assert_eq!(recovered.core, core_after(&records));
}

#[test]
fn the_older_snapshot_serves_when_the_newer_one_is_damaged() {
    let (folder, records) = (folder(), history());
    let mut journal = open(folder.path()).0;
    append_all(&mut journal, &records, 64);
    for cut in [100, 150] {
        journal.keep_snapshot(&core_after(&records[..cut]), place_after(&records[..cut])).unwrap();
    }
    journal.close().unwrap();
    storage(folder.path()).put_chunk(150, 0, b"not a chunk").unwrap();
    let recovered = open(folder.path()).1;
    assert_eq!(recovered.folded, records.len() as u64 - 100);
    assert_eq!(recovered.core, core_after(&records));
}

#[test]
fn a_snapshot_newer_than_the_log_is_used_and_the_loss_is_told() {
    let (folder, records) = (folder(), history());
    let mut journal = open(folder.path()).0;
    append_all(&mut journal, &records[..90], 16);
    journal.keep_snapshot(&core_after(&records[..100]), place_after(&records[..100])).unwrap();
    journal.close().unwrap();
    let (mut journal, recovered) = open(folder.path());
    // The log says it itself, in a record of its own.
    assert_eq!((recovered.next_seq, recovered.missing), (101, 10));
    assert_eq!(recovered.core, core_after(&records[..100]));
    journal.append(101, &[small(1)]).unwrap();
    journal.close().unwrap();
    let recovered = open(folder.path()).1;
    assert_eq!((recovered.next_seq, recovered.missing, recovered.damage), (102, 0, None));
    let numbers: Vec<u64> = read_log(folder.path()).0.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (0..90).chain([100, 101]).collect::<Vec<_>>());
}

#[test]
fn a_damaged_frame_ends_the_log_and_the_log_goes_on_elsewhere() {
    let (folder, records) = (folder(), history());
    log_of(folder.path(), &records);
    let damaged = storage(folder.path());
    let (first, bytes) = damaged.frame_from(64).unwrap().unwrap();
    let mut bytes = bytes.to_vec();
    bytes[60] ^= 1;
    damaged.put_frame(first, &bytes).unwrap();
    drop(damaged);

    let (mut journal, recovered) = open(folder.path());
    let damage = recovered.damage.unwrap();
    assert_eq!((damage.next, recovered.next_seq), (64, 64));
    assert_eq!(damage.kept_in, folder.path().join("log-1"));
    assert_eq!(recovered.core, core_after(&records[..64]));
    journal.append(64, &[small(1)]).unwrap();
    journal.close().unwrap();

    let mut expected = numbered(&records[..64]);
    expected.push((64, small(1)));
    assert_eq!(read_log(folder.path()), (expected, None));
    let (kept, error) = read_log(&damage.kept_in);
    assert_eq!((kept, error.unwrap().next), (numbered(&records[..64]), 64));
    assert_eq!(open(folder.path()).1.damage, None, "told once");
}

#[test]
fn reading_a_damaged_log_ends_with_the_place_of_the_damage_and_changes_nothing() {
    let (folder, records) = (folder(), history());
    log_of(folder.path(), &records);
    let damaged = storage(folder.path());
    damaged.put_frame(48, b"TPLF and then nonsense").unwrap();
    drop(damaged);
    for _ in 0..2 {
        let (read, error) = read_log(folder.path());
        assert_eq!((read, error.unwrap().next), (numbered(&records[..48]), 48));
    }
    assert!(!folder.path().join("log-2").exists());
}

#[test]
fn a_storage_that_cannot_be_opened_any_more_is_salvaged_up_to_the_damage() {
    let (folder, records) = (folder(), history());
    log_of(folder.path(), &records);
    let file = Storage::file_in(&folder.path().join("log-1"));
    let good = fs::read(&file).unwrap();
    // Where frames lie is the storage's business, so the damage is spread over the whole file.
    let mut was_lost = false;
    for at in (0..good.len()).step_by(good.len() / 12) {
        let copy = self::folder();
        let dir = copy.path().join("log-1");
        fs::create_dir_all(dir.join("blobs")).unwrap();
        fs::copy(folder.path().join("log-1/conf"), dir.join("conf")).unwrap();
        let mut damaged = good.clone();
        let end = damaged.len().min(at + 700);
        damaged[at..end].fill(0x55);
        fs::write(Storage::file_in(&dir), &damaged).unwrap();

        let (mut journal, recovered) = open(copy.path());
        let next = recovered.next_seq as usize;
        was_lost |= next < records.len();
        // Nothing tells a last frame that is damaged from one that was never finished.
        let is_told = recovered.damage.is_some() || next + 16 >= records.len();
        assert!(is_told, "damaged at {at}, {next} of {}", records.len());
        assert_eq!(recovered.core, core_after(&records[..next]), "damaged at {at}");
        journal.append(next as u64, &[small(1)]).unwrap();
        journal.close().unwrap();
        let mut expected = numbered(&records[..next]);
        expected.push((next as u64, small(1)));
        assert_eq!(read_log(copy.path()), (expected, None), "damaged at {at}");
    }
    assert!(was_lost, "the damage never met a frame");
}

#[test]
fn a_storage_cut_off_in_the_middle_is_salvaged_up_to_the_cut() {
    let (folder, records) = (folder(), history());
    let many: Vec<Record> = records.iter().cloned().cycle().take(40_000).collect();
    let (mut journal, _) = Journal::open(folder.path(), Durability::Behind, PATIENCE).unwrap();
    append_all(&mut journal, &many, 64);
    journal.close().unwrap();
    let file = Storage::file_in(&folder.path().join("log-1"));
    // Behind it lies room ahead, more or less of it, whose loss is none.
    let used = fs::read(&file).unwrap().iter().rposition(|byte| *byte != 0).unwrap() as u64;
    assert!(used > 4 << 20, "several segments");
    fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(used * 3 / 5).unwrap();
    let recovered = open(folder.path()).1;
    let damage = recovered.damage.unwrap();
    assert_eq!(damage.next, recovered.next_seq);
    let (read, error) = read_log(folder.path());
    assert_eq!((read.len() as u64, error), (damage.next, None));
    assert!(read.len() > 10_000, "only {} of 40000 records", read.len());
    assert!(read.iter().zip(&many).all(|((_, read), record)| read == record));
}

#[test]
fn a_storage_whose_settings_are_damaged_is_salvaged_whole() {
    let (folder, records) = (folder(), history());
    log_of(folder.path(), &records);
    fs::write(folder.path().join("log-1/conf"), b"segment_size: nonsense 1234").unwrap();
    let (journal, recovered) = open(folder.path());
    assert_eq!(recovered.core, core_after(&records));
    assert_eq!(journal.next_seq(), records.len() as u64);
    assert!(recovered.damage.is_some());
    assert_eq!(journal.records_from(0).unwrap().count(), records.len());
}

#[test]
fn records_larger_than_a_frame_are_salvaged_too() {
    let folder = folder();
    let records: Vec<Record> = [10, 40_000, 10, 300_000, 10].map(large).into();
    log_of(folder.path(), &records);
    fs::write(folder.path().join("log-1/conf"), b"segment_size: nonsense 1234").unwrap();
    let (journal, recovered) = open(folder.path());
    assert!(recovered.damage.is_some());
    let read: Result<Vec<_>, _> = journal.records_from(0).unwrap().collect();
    assert_eq!(read.unwrap(), numbered(&records));
}

#[test]
fn snapshots_are_salvaged_too() {
    let (folder, records) = (folder(), history());
    let mut journal = open(folder.path()).0;
    append_all(&mut journal, &records, 16);
    journal.keep_snapshot(&core_after(&records[..100]), place_after(&records[..100])).unwrap();
    journal.close().unwrap();
    fs::write(folder.path().join("log-1/conf"), b"segment_size: nonsense 1234").unwrap();
    let recovered = open(folder.path()).1;
    assert_eq!(recovered.folded, records.len() as u64 - 100);
    assert_eq!(recovered.core, core_after(&records));
}

#[test]
fn a_snapshot_behind_the_damage_leads_on_and_only_what_is_damaged_is_lost() {
    let (folder, records) = (folder(), history());
    let mut journal = open(folder.path()).0;
    append_all(&mut journal, &records, 16);
    journal.keep_snapshot(&core_after(&records[..100]), place_after(&records[..100])).unwrap();
    journal.close().unwrap();
    let file = Storage::file_in(&folder.path().join("log-1"));
    let mut bytes = fs::read(&file).unwrap();
    let frames: Vec<usize> = (0..bytes.len() - 64)
        .filter(|at| Frame::read(&bytes[*at..]).is_ok_and(|(frame, _)| frame.first() == 48))
        .collect();
    frames.into_iter().for_each(|at| bytes[at + 50] ^= 1);
    fs::write(&file, bytes).unwrap();
    let (mut journal, recovered) = open(folder.path());
    assert_eq!(recovered.core, core_after(&records));
    assert_eq!((recovered.next_seq, recovered.missing), (records.len() as u64, 0));
    let damage = recovered.damage.unwrap().to_string();
    assert!(damage.contains("records 48 to 63 cannot be read"), "{damage}");
    journal.append(records.len() as u64, &[small(1)]).unwrap();
    journal.close().unwrap();
    let recovered = open(folder.path()).1;
    assert_eq!((recovered.damage, recovered.next_seq), (None, records.len() as u64 + 1));
    let (read, error) = read_log(folder.path());
    assert_eq!((read.len(), error.unwrap().next), (48, 48), "the hole is there for who reads");
    let reader = LogReader::open(folder.path(), PATIENCE).unwrap();
    assert_eq!(reader.records_from(100).count(), records.len() - 100 + 1);
}

#[test]
fn moving_on_that_was_interrupted_is_done_again() {
    let (folder, records) = (folder(), history());
    log_of(folder.path(), &records);
    let unfinished = Storage::open(&folder.path().join("log-2"), Instant::now()).unwrap();
    unfinished.put_frame(0, b"TPLF").unwrap();
    drop(unfinished);
    let recovered = open(folder.path()).1;
    assert_eq!((recovered.core, recovered.damage), (core_after(&records), None));
}

#[test]
fn a_log_of_a_newer_version_is_left_alone() {
    let (folder, records) = (folder(), history());
    log_of(folder.path(), &records);
    let newer = storage(folder.path());
    let (first, bytes) = newer.frame_up_to(u64::MAX).unwrap().unwrap();
    let mut bytes = bytes.to_vec();
    bytes[28] = 99;
    let crc = [crc32fast::hash(&[&bytes[..22], &bytes[26..]].concat())];
    bytes[22..26].copy_from_slice(&crc[0].to_le_bytes());
    assert!(Frame::read_exact(&bytes).unwrap_err().is_newer());
    newer.put_frame(first, &bytes).unwrap();
    drop(newer);
    let error = Journal::open(folder.path(), Durability::default(), PATIENCE).err().unwrap();
    assert!(matches!(error, OpenError::Newer { .. }), "{error}");
    assert!(error.to_string().contains("Install the version that wrote it"), "{error}");
    assert!(!folder.path().join("log-2").exists());
}

#[test]
fn a_storage_of_a_newer_format_is_left_alone() {
    let folder = folder();
    drop(open(folder.path()));
    storage(folder.path()).set_format(2).unwrap();
    let error = Journal::open(folder.path(), Durability::default(), PATIENCE).err().unwrap();
    assert!(matches!(error, OpenError::Newer { .. }), "{error}");
}

#[test]
fn a_log_in_use_is_waited_for_and_then_refused() {
    let folder = folder();
    let journal = open(folder.path()).0;
    let error = Journal::open(folder.path(), Durability::default(), NO_PATIENCE).err().unwrap();
    assert_eq!(error, OpenError::InUse { path: folder.path().to_owned() });
    let started = Instant::now();
    let wait = Duration::from_millis(200);
    assert!(Journal::open(folder.path(), Durability::default(), wait).is_err());
    assert!(started.elapsed() >= wait);

    let path = folder.path().to_owned();
    let waiting = std::thread::spawn(move || {
        Journal::open(&path, Durability::default(), PATIENCE).map(|(journal, _)| journal.next_seq())
    });
    journal.close().unwrap();
    assert_eq!(waiting.join().unwrap(), Ok(0));
}

#[test]
fn a_folder_that_cannot_be_made_or_holds_no_log_is_named() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "here first").unwrap();
    let error = Journal::open(&file, Durability::default(), NO_PATIENCE).err().unwrap();
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    for path in [folder.path(), &folder.path().join("nowhere")] {
        let error = LogReader::open(path, NO_PATIENCE).err().unwrap();
        assert!(matches!(error, OpenError::Unreadable { .. }), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "reading makes nothing");
}

#[test]
fn behind_means_that_a_flush_is_still_to_come() {
    let folder = folder();
    let (mut journal, _) = Journal::open(folder.path(), Durability::Behind, PATIENCE).unwrap();
    assert_eq!(journal.unflushed_since(), None);
    journal.append(0, &[small(0)]).unwrap();
    assert!(journal.unflushed_since().is_some());
    journal.flush().unwrap();
    assert_eq!(journal.unflushed_since(), None);
    let deadline = Instant::now() + PATIENCE;
    journal.append(1, &[small(1)]).unwrap();
    while journal.unflushed_since().is_some() {
        assert!(Instant::now() < deadline, "it was never flushed");
        journal.append(journal.next_seq(), &[small(2)]).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Invariants I-15 and I-22, through the files.
    #[test]
    fn any_history_in_any_batches_with_snapshots_anywhere_is_recovered(
        records in histories(40), size in 1..80usize, snapshots in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let folder = folder();
        let mut journal = open(folder.path()).0;
        append_all(&mut journal, &records, size);
        let mut cuts: Vec<usize> = snapshots.iter().map(|at| 1 + at.index(records.len())).collect();
        cuts.sort_unstable();
        for cut in cuts {
            journal.keep_snapshot(&core_after(&records[..cut]), place_after(&records[..cut])).unwrap();
        }
        journal.close().unwrap();
        prop_assert_eq!(read_log(folder.path()), (numbered(&records), None));
        let recovered = open(folder.path()).1;
        prop_assert_eq!(recovered.next_seq, records.len() as u64);
        prop_assert_eq!(recovered.core, core_after(&records));
    }
}
