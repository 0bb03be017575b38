//! The beginning of a log that goes when it is too old or too much.

use super::*;
use engine::id::{Guid, PermanentId};

const STEP: Duration = Duration::from_micros(50);

/// Everything is too old.
const LATER: Millis = Millis(u64::MAX);

fn bytes_in(path: &Path) -> u64 {
    let entries = fs::read_dir(path).unwrap().flatten();
    let size = |entry: fs::DirEntry| {
        let data = entry.metadata().ok()?;
        Some(if data.is_dir() { bytes_in(&entry.path()) } else { data.len() })
    };
    entries.filter_map(size).sum()
}

/// Trims until there is nothing left to trim.
fn trim_all(journal: &mut Journal, now: Millis) {
    journal.look_for_excess(now);
    while journal.has_excess() {
        journal.trim(STEP).unwrap();
    }
}

/// A log of the records with snapshots at the cuts.
fn log_with_snapshots(path: &Path, records: &[Record], size: usize, cuts: &[usize]) -> Journal {
    let mut journal = open(path).0;
    append_all(&mut journal, records, size);
    for cut in cuts {
        journal
            .keep_snapshot(&core_after(&records[..*cut]), place_after(&records[..*cut]))
            .unwrap();
    }
    journal
}

fn ids(core: &Core) -> Vec<(Guid, PermanentId)> {
    core.estate().ids().collect()
}

#[test]
fn a_log_that_is_too_old_begins_at_the_last_snapshot_but_one() {
    let (folder, records) = (folder(), history());
    let mut journal = log_with_snapshots(folder.path(), &records, 16, &[50, 100, 150]);
    trim_all(&mut journal, records.last().unwrap().at);
    assert_eq!(journal.first_seq(), 0, "nothing is too old yet");
    trim_all(&mut journal, LATER);
    assert_eq!(journal.first_seq(), 100);
    assert_eq!(journal.records_from(0).unwrap().next().unwrap().unwrap().0, 96, "a frame is whole");
    journal.append(records.len() as u64, &[small(1)]).unwrap();
    journal.close().unwrap();
    assert_eq!(storage(folder.path()).snapshots().unwrap(), [150, 100]);
    let reader = LogReader::open(folder.path(), PATIENCE).unwrap();
    assert_eq!(reader.first_seq(), 100);
    let (core, _) = reader.image(reader.images().unwrap()[0]).unwrap();
    assert!(core == core_after(&records[..100]));
    drop(reader);
    let (read, error) = read_log(folder.path());
    assert_eq!((read.len(), read[0].0, error), (records.len() - 100 + 1, 100, None));
}

#[test]
fn a_cut_log_goes_on_being_cut_and_snapshots_that_are_damaged_do_not_count() {
    let (folder, records) = (folder(), history());
    let mut journal = log_with_snapshots(folder.path(), &records, 16, &[50, 100]);
    trim_all(&mut journal, LATER);
    assert_eq!(journal.first_seq(), 50);
    journal.keep_snapshot(&core_after(&records[..150]), place_after(&records[..150])).unwrap();
    journal.close().unwrap();
    storage(folder.path()).put_chunk(100, 0, b"not a chunk").unwrap();

    let mut journal = open(folder.path()).0;
    trim_all(&mut journal, LATER);
    assert_eq!(journal.first_seq(), 50, "one good snapshot behind it is not enough");
    journal.keep_snapshot(&core_after(&records[..160]), place_after(&records[..160])).unwrap();
    trim_all(&mut journal, LATER);
    assert_eq!(journal.first_seq(), 150);
    journal.close().unwrap();
    let recovered = open(folder.path()).1;
    assert_eq!((recovered.core, recovered.damage), (core_after(&records), None));
}

#[test]
fn the_folder_of_a_log_takes_no_more_room_than_it_may() {
    let folder = folder();
    let budget = 40 << 20;
    let mut journal = Journal::open(folder.path(), Durability::Behind, PATIENCE).unwrap().0;
    journal.retain(Retention { bytes: budget, ..Retention::default() });
    let mut written = 0;
    for n in 1..=45 {
        while written < n << 20 {
            let records: Vec<Record> = (0..64).map(|_| large(300)).collect();
            journal.append(journal.next_seq(), &records).unwrap();
            written += 64 * 300;
            journal.trim(STEP).unwrap();
        }
        let place = Place { next: journal.next_seq(), last_at: Millis(n) };
        journal.keep_snapshot(&Core::default(), place).unwrap();
        journal.look_for_excess(Millis(n));
        let bytes = bytes_in(folder.path());
        assert!(bytes <= budget, "{bytes} after {n} MB");
    }
    let first = journal.first_seq();
    assert!(first > 0);
    journal.close().unwrap();
    let (read, error) = read_log(folder.path());
    assert_eq!((read[0].0, error), (first, None));
}

#[test]
fn a_cut_log_whose_storage_cannot_be_opened_is_salvaged_from_where_it_begins() {
    let (folder, records) = (folder(), history());
    let mut journal = log_with_snapshots(folder.path(), &records, 16, &[50, 100, 150]);
    trim_all(&mut journal, LATER);
    journal.close().unwrap();
    // What was removed still lies in the file, but not all of it: one of these frames is damaged.
    let file = Storage::file_in(&folder.path().join("log-1"));
    let mut bytes = fs::read(&file).unwrap();
    let frames: Vec<usize> = (0..bytes.len() - 64)
        .filter(|at| Frame::read(&bytes[*at..]).is_ok_and(|(frame, _)| frame.first() == 32))
        .collect();
    frames.into_iter().for_each(|at| bytes[at + 50] ^= 1);
    fs::write(&file, bytes).unwrap();
    fs::write(folder.path().join("log-1/conf"), b"segment_size: nonsense 1234").unwrap();

    for is_damaged in [true, false] {
        let (journal, recovered) = open(folder.path());
        assert_eq!(recovered.damage.is_some(), is_damaged);
        assert_eq!(recovered.core, core_after(&records));
        assert_eq!((journal.next_seq(), journal.first_seq()), (records.len() as u64, 100));
        journal.close().unwrap();
        let (read, error) = read_log(folder.path());
        assert_eq!((read.len(), read[0].0, error), (records.len() - 100, 100, None));
    }
}

#[test]
fn permanent_ids_outlive_records_and_snapshots_of_another_version() {
    let (folder, records) = (folder(), history());
    let mut journal = log_with_snapshots(folder.path(), &records, 16, &[50, 100, records.len()]);
    trim_all(&mut journal, LATER);
    journal.close().unwrap();
    // As if this program were a later one.
    let storage = storage(folder.path());
    for place in storage.snapshots().unwrap() {
        for number in 0.. {
            let Some(chunk) = storage.chunk(place, number).unwrap() else { break };
            let mut chunk = chunk.to_vec();
            chunk[4] ^= 0x80;
            let crc = crc32fast::hash(&[&chunk[..32], &chunk[36..]].concat());
            chunk[32..36].copy_from_slice(&crc.to_le_bytes());
            storage.put_chunk(place, number, &chunk).unwrap();
        }
    }
    drop(storage);
    let expected = ids(&core_after(&records));
    assert!(!expected.is_empty());
    for salvaged in [false, true] {
        if salvaged {
            fs::write(folder.path().join("log-1/conf"), b"segment_size: nonsense 1234").unwrap();
        }
        let (journal, recovered) = open(folder.path());
        assert_eq!(ids(&recovered.core), expected, "salvaged {salvaged}");
        assert_eq!(journal.next_seq(), records.len() as u64);
        journal.close().unwrap();
    }
}

#[test]
fn a_roll_of_many_ids_is_added_to_and_read_in_order() {
    let folder = folder();
    let table: Vec<(Guid, PermanentId)> = (0..1_234)
        .map(|n: u32| (Guid(u128::from(n + 1).to_be_bytes()), PermanentId(n * 3)))
        .collect();
    let core_with = |count: usize| {
        let mut core = Core::default();
        for ids in table[..count].chunks(HostFact::MAX_IDS) {
            let event = Event::Host(HostFact::IdsImported(ids.into()));
            core.apply(Record { at: Millis(0), event }, &mut Vec::new());
        }
        core
    };
    let storage = Storage::open(&folder.path().join("log-1"), Instant::now() + PATIENCE).unwrap();
    let mut kept = 0;
    for count in [0, 1, 99, 100, 101, 700, 1_234, 1_234] {
        roll::keep(&storage, &core_with(count), &mut kept).unwrap();
        assert_eq!((kept, roll::count(&storage).unwrap()), (count, count));
        let state = roll::state(|number| storage.ids(number), Millis(0)).unwrap();
        assert_eq!(ids(&state), table[..count]);
    }
}

#[test]
fn storages_left_behind_count_and_go_when_there_is_too_much_or_they_are_old() {
    let (folder, records) = (folder(), history());
    log_of(folder.path(), &records);
    fs::write(folder.path().join("log-1/conf"), b"segment_size: nonsense 1234").unwrap();
    let mut journal = open(folder.path()).0;
    let kept = folder.path().join("log-1");
    fs::write(kept.join("evidence"), vec![0; 3 << 20]).unwrap();
    trim_all(&mut journal, Millis(0));
    assert!(kept.exists());
    let bytes = Retention::on_disk(0) + (3 << 20);
    journal.retain(Retention { bytes, ..Retention::default() });
    journal.look_for_excess(Millis(0));
    let deadline = Instant::now() + PATIENCE;
    while kept.exists() {
        assert!(Instant::now() < deadline, "it stays");
        std::thread::yield_now();
    }
    assert_eq!(journal.records_from(0).unwrap().count(), records.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Invariants I-10 and I-15: whatever is removed, state and ids stay, and so does every record
    /// behind the place.
    #[test]
    fn any_history_cut_anywhere_leads_to_the_same_state(
        records in histories(40), size in 1..80usize,
        snapshots in prop::collection::vec(any::<prop::sample::Index>(), 2..5),
        steps in 0..6usize,
    ) {
        let folder = folder();
        let mut cuts: Vec<usize> = snapshots.iter().map(|at| 1 + at.index(records.len())).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let mut journal = log_with_snapshots(folder.path(), &records, size, &cuts);
        journal.look_for_excess(LATER);
        // It may be interrupted in any step.
        for _ in 0..steps {
            journal.trim(Duration::ZERO).unwrap();
        }
        let first = journal.first_seq();
        journal.close().unwrap();
        for is_done in [false, true] {
            let (mut journal, recovered) = open(folder.path());
            prop_assert_eq!(recovered.next_seq, records.len() as u64);
            prop_assert_eq!(&recovered.core, &core_after(&records));
            prop_assert_eq!(journal.first_seq(), if is_done { journal.first_seq().max(first) } else { first });
            trim_all(&mut journal, LATER);
            let begins = journal.first_seq();
            journal.close().unwrap();
            let reader = LogReader::open(folder.path(), PATIENCE).unwrap();
            prop_assert_eq!(reader.first_seq(), begins);
            let (mut core, next) = match reader.images().unwrap().first() {
                Some(place) if begins > 0 => reader.image(*place).map(|(core, p)| (core, p.next)).unwrap(),
                _ => (Core::default(), 0),
            };
            let read: Result<Vec<_>, _> = reader.records_from(next).collect();
            let read = read.unwrap();
            let expected: Vec<_> = numbered(&records).into_iter().skip(next as usize).collect();
            prop_assert_eq!(&read, &expected);
            read.into_iter().for_each(|(_, record)| core.apply(record, &mut Vec::new()));
            prop_assert_eq!(core, core_after(&records));
        }
    }
}
