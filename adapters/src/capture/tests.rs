//! Capture files, whole and damaged.

#![allow(clippy::unwrap_used)]

use super::*;
use engine::effect::Effects;
use engine::fact::{Event, HostFact, Record};
use engine::frame::{Chain, Frame, Frames, missing_before};
use engine::snapshot::Place;
use engine::strategy::{any_record, calls_from_outside, core_after, histories};
use engine::time::Millis;
use proptest::collection::vec;
use proptest::prelude::*;
use std::path::PathBuf;
use std::sync::LazyLock;
use tempfile::TempDir;

fn started(at: u64) -> Record {
    Record { at: Millis(at), event: Event::Host(HostFact::Started) }
}

fn capture_of(first: u64, records: &[Record]) -> Vec<u8> {
    let mut writer = CaptureWriter::new(Vec::new(), &About::this_program(false)).unwrap();
    let mut seq = first;
    for record in records {
        seq += missing_before(record).unwrap_or(0);
        writer.push(seq, record.clone()).unwrap();
        seq += 1;
    }
    writer.finish().unwrap()
}

/// A file with these bytes.
struct Filed {
    _folder: TempDir,
    path: PathBuf,
}

fn filed(bytes: &[u8]) -> Filed {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("calls.tspt");
    std::fs::write(&path, bytes).unwrap();
    Filed { _folder: folder, path }
}

fn open(bytes: &[u8]) -> Result<(CaptureFile, Filed), CaptureError> {
    let filed = filed(bytes);
    CaptureFile::open(&filed.path).map(|file| (file, filed))
}

fn read_from(file: &CaptureFile, seq: u64) -> (Vec<(u64, Record)>, Option<CaptureError>) {
    let (mut records, mut error) = (Vec::new(), None);
    for item in file.records_from(seq) {
        match item {
            Ok(record) => records.push(record),
            Err(stop) => error = Some(stop),
        }
    }
    (records, error)
}

fn read_all(bytes: &[u8]) -> (Vec<(u64, Record)>, Option<CaptureError>) {
    let (file, _filed) = open(bytes).unwrap();
    read_from(&file, 0)
}

fn place_at(records: &[Record], cut: usize) -> Place {
    Place { next: cut as u64, last_at: records[cut - 1].at }
}

/// A plausible history of some thousand records.
fn long_history() -> Vec<Record> {
    static PLAYED: LazyLock<Vec<Record>> = LazyLock::new(|| {
        let records = calls_from_outside((0..3).flat_map(|_| 0..120));
        assert!(records.len() > 900, "only {} records", records.len());
        records
    });
    PLAYED.clone()
}

/// A capture of the records from `cuts[0]` on, with an image at each cut.
fn with_images(records: &[Record], cuts: &[usize]) -> Vec<u8> {
    let mut writer = CaptureWriter::new(Vec::new(), &About::this_program(false)).unwrap();
    for seq in cuts[0]..records.len() {
        if cuts.contains(&seq) && seq > 0 {
            writer.image(&core_after(&records[..seq]), place_at(records, seq)).unwrap();
        }
        writer.push(seq as u64, records[seq].clone()).unwrap();
    }
    writer.finish().unwrap()
}

/// The same file without its index and end, as a process that was killed leaves it.
fn without_index(bytes: &[u8]) -> Vec<u8> {
    let at = block::read_end(&bytes[bytes.len() - block::END_BYTES..]).unwrap();
    bytes[..at as usize].to_vec()
}

/// Where frames begin.
fn frames_at(bytes: &[u8]) -> Vec<usize> {
    let is_frame = |at: &usize| Frame::read(&bytes[*at..]).is_ok();
    (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"TPLF")).filter(is_frame).collect()
}

#[test]
fn a_file_says_what_it_is_and_who_wrote_it() {
    for (anonymised, raw) in [(false, false), (true, false), (false, true)] {
        let about = About { anonymised, raw, version: "1.2.3".into() };
        let bytes = CaptureWriter::new(Vec::new(), &about).unwrap().finish().unwrap();
        let (file, _filed) = open(&bytes).unwrap();
        assert_eq!(*file.about(), about);
        assert_eq!(file.records_from(0).count(), 0);
    }
    let about = About { anonymised: false, raw: false, version: "é".repeat(400) };
    let bytes = CaptureWriter::new(Vec::new(), &about).unwrap().finish().unwrap();
    assert_eq!(open(&bytes).unwrap().0.about().version, "é".repeat(127));
}

#[test]
fn other_files_other_formats_and_damaged_headers_are_told_apart() {
    let refused = |bytes: &[u8]| open(bytes).err().unwrap();
    assert!(matches!(refused(b"SQLite format 3"), CaptureError::Foreign));
    assert!(matches!(refused(b""), CaptureError::Foreign));
    let mut bytes = About::this_program(false).header();
    for cut in 1..bytes.len() {
        assert!(matches!(refused(&bytes[..cut]), CaptureError::DamagedHeader), "cut at {cut}");
    }
    bytes[8] ^= 1;
    assert!(matches!(refused(&bytes), CaptureError::DamagedHeader));
    bytes[4] = 9;
    let end = bytes.len() - 4;
    let crc = crc32fast::hash(&bytes[..end]);
    bytes[end..].copy_from_slice(&crc.to_le_bytes());
    assert!(matches!(refused(&bytes), CaptureError::OtherFormat { found: 9 }));
}

#[test]
fn a_file_that_begins_in_the_middle_begins_with_the_state_there() {
    let records = long_history();
    for (cut, is_whole) in [(300, true), (300, false), (1, true)] {
        let bytes = with_images(&records, &[cut]);
        let bytes = if is_whole { bytes } else { without_index(&bytes) };
        let (file, _filed) = open(&bytes).unwrap();
        assert_eq!(file.first(), cut as u64);
        assert_eq!(file.images(), [place_at(&records, cut)]);
        let (core, place) = file.image(file.images()[0]).unwrap();
        assert!(core == core_after(&records[..cut]));
        assert_eq!(place, place_at(&records, cut));
        let (read, error) = read_from(&file, 0);
        assert_eq!(read.len(), records.len() - cut);
        assert_eq!(read[0].0, cut as u64);
        assert_eq!(error.is_none(), is_whole, "{error:?}");
    }
}

#[test]
fn any_record_and_any_time_are_found_with_the_index_and_without_it() {
    let records = long_history();
    let whole = with_images(&records, &[0, 300, 600]);
    for bytes in [whole.clone(), without_index(&whole)] {
        let (file, _filed) = open(&bytes).unwrap();
        assert_eq!(file.images().len(), 2);
        for from in [0, 1, 255, 256, 300, 511, 600, records.len()] {
            let read = read_from(&file, from as u64).0;
            let expected: Vec<_> = (0u64..).zip(records.iter().cloned()).skip(from).collect();
            assert_eq!(read, expected, "from {from}");
        }
        for at in records.iter().step_by(50).flat_map(|record| [record.at, record.at + 1]) {
            let expected = records.iter().filter(|record| record.at < at).count() as u64;
            assert_eq!(file.seq_at(at).unwrap(), expected, "at {at:?}");
        }
    }
}

#[test]
fn behind_damage_one_goes_on_at_the_next_image() {
    let records = long_history();
    let whole = with_images(&records, &[0, 300, 600]);
    for bytes in [whole.clone(), without_index(&whole)] {
        let mut bytes = bytes;
        let second = frames_at(&bytes)[1];
        bytes[second + 60] ^= 1;
        let (file, _filed) = open(&bytes).unwrap();
        let (read, error) = read_from(&file, 0);
        assert_eq!(read.len(), 256);
        assert!(error.unwrap().to_string().contains("intact up to record 256"));
        let place = *file.images().last().unwrap();
        assert_eq!(file.images().len(), 2);
        assert_eq!(place.next, 600);
        let mut core = file.image(place).unwrap().0;
        let (tail, _) = read_from(&file, place.next);
        tail.iter().for_each(|(_, record)| core.apply(record.clone(), &mut Effects::new()));
        assert!(core == core_after(&records));
    }
}

#[test]
fn frames_in_another_order_end_the_records_before_them() {
    let records = long_history();
    let whole = with_images(&records, &[0]);
    let at = frames_at(&whole);
    let swapped =
        [&whole[..at[0]], &whole[at[1]..at[2]], &whole[at[0]..at[1]], &whole[at[2]..]].concat();
    for bytes in [swapped.clone(), without_index(&swapped)] {
        let (file, _filed) = open(&bytes).unwrap();
        let (read, error) = read_from(&file, file.first());
        let numbers: Vec<u64> = read.iter().map(|(seq, _)| *seq).collect();
        assert!(numbers.is_sorted() && read.len() <= 512, "{} records", read.len());
        assert!(read.iter().all(|(seq, record)| *record == records[*seq as usize]));
        assert!(matches!(error, Some(CaptureError::Frame { .. })), "{error:?}");
    }
}

#[test]
fn a_gap_is_named_and_what_follows_it_is_there() {
    let records = long_history();
    let mut writer = CaptureWriter::new(Vec::new(), &About::this_program(false)).unwrap();
    for (seq, record) in (0..).zip(&records[..100]) {
        writer.push(seq, record.clone()).unwrap();
    }
    writer.gap(300, "a page of the storage cannot be read").unwrap();
    writer.image(&core_after(&records[..300]), place_at(&records, 300)).unwrap();
    for (seq, record) in (300..).zip(&records[300..]) {
        writer.push(seq, record.clone()).unwrap();
    }
    let whole = writer.finish().unwrap();
    for bytes in [whole.clone(), without_index(&whole)] {
        let (file, _filed) = open(&bytes).unwrap();
        let why = "a page of the storage cannot be read".to_owned();
        assert_eq!(file.gaps(), [Gap { from: 100, to: 300, why }]);
        for from in [0, 100, 299] {
            let (read, error) = read_from(&file, from);
            assert_eq!(read.len() as u64, 100_u64.saturating_sub(from));
            let error = error.unwrap().to_string();
            assert!(error.contains("a page of the storage"), "{error}");
        }
        assert_eq!(read_from(&file, 300).0.len(), records.len() - 300);
        assert_eq!(file.seq_at(records[200].at).unwrap(), 300);
    }
}

#[test]
fn frames_and_images_are_copied_as_they_are() {
    let records = long_history();
    let whole = with_images(&records, &[300, 600]);
    let (file, _filed) = open(&whole).unwrap();
    let mut writer = CaptureWriter::new(Vec::new(), &About::this_program(false)).unwrap();
    let copy = |writer: &mut CaptureWriter<Vec<u8>>, place| {
        file.chunks(place).unwrap().unwrap().for_each(|chunk| writer.chunk(&chunk).unwrap());
    };
    copy(&mut writer, file.images()[0]);
    let mut frames = file.frames_from(0);
    while let Some(frame) = frames.next_with(|_, bytes| Ok(bytes.to_vec())) {
        writer.frame(&frame.unwrap()).unwrap();
    }
    copy(&mut writer, file.images()[1]);
    let (again, _again) = open(&writer.finish().unwrap()).unwrap();
    assert_eq!(again.images(), file.images());
    assert!(again.image(again.images()[1]).unwrap().0 == core_after(&records[..600]));
    assert_eq!(read_from(&again, 0).0, read_from(&file, 0).0);
}

#[test]
fn a_file_of_ten_gigabytes_of_nothing_behind_its_records_is_read_up_to_there() {
    let records = long_history();
    let (file, filed) = open(&without_index(&with_images(&records, &[0]))).unwrap();
    drop(file);
    let sparse = std::fs::OpenOptions::new().write(true).open(&filed.path).unwrap();
    if sparse.set_len(10 << 30).is_err() {
        return; // a file system that cannot
    }
    let file = CaptureFile::open(&filed.path).unwrap();
    let (read, error) = read_from(&file, 0);
    assert_eq!(read.len(), records.len());
    assert!(error.unwrap().to_string().contains(&format!("up to record {}", records.len())));
}

#[test]
fn the_numbers_of_the_records_must_follow_one_another() {
    let mut writer = CaptureWriter::new(Vec::new(), &About::this_program(false)).unwrap();
    writer.push(7, started(0)).unwrap();
    let error = writer.push(9, started(1)).unwrap_err();
    assert!(matches!(error, CaptureError::OutOfOrder { expected: 8, found: 9 }));
    let gap = Record { at: Millis(2), event: Event::Host(HostFact::Gap(4)) };
    writer.push(12, gap).unwrap();
    let bytes = writer.finish().unwrap();
    let numbers: Vec<u64> = read_all(&bytes).0.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, [7, 12]);
}

proptest! {
    #[test]
    fn any_records_from_any_place_of_a_log_come_back(
        first in 0..1u64 << 40, records in vec(any_record(), 1..150),
    ) {
        let (read, error) = read_all(&capture_of(first, &records));
        prop_assert!(error.is_none());
        let records_read: Vec<&Record> = read.iter().map(|(_, record)| record).collect();
        prop_assert_eq!(records_read, records.iter().collect::<Vec<_>>());
    }

    #[test]
    fn damage_to_any_byte_of_the_frames_leaves_records_before_it(
        records in histories(12), at: prop::sample::Index, flip in 1..=255u8, is_whole: bool,
    ) {
        let mut bytes = capture_of(0, &records);
        let index = without_index(&bytes).len();
        let header = About::this_program(false).header().len();
        let at = header + at.index(index - header);
        // Whole frames before the damage, and nothing else.
        let intact: usize = Frames::new(&bytes[header..at], Chain::START)
            .map_while(Result::ok)
            .map(|frame| frame.records().count())
            .sum();
        bytes[at] ^= flip;
        let (read, error) = read_all(if is_whole { &bytes } else { &bytes[..index] });
        prop_assert!(error.is_some());
        prop_assert_eq!(read.len(), intact);
        prop_assert!(read.iter().zip(&records).all(|((_, read), record)| read == record));
    }

    #[test]
    fn a_file_cut_anywhere_holds_what_is_before_the_cut(cut: prop::sample::Index) {
        static WHOLE: LazyLock<Vec<u8>> =
            LazyLock::new(|| with_images(&long_history(), &[0, 300]));
        let whole = &*WHOLE;
        let header = About::this_program(false).header().len();
        let cut = header + cut.index(whole.len() - header);
        let ends = frames_at(whole).into_iter().filter_map(|at| {
            let (frame, len) = Frame::read(&whole[at..]).ok()?;
            (at + len <= cut).then_some(frame.next())
        });
        let expected = ends.max().unwrap_or(0);
        let (read, error) = read_all(&whole[..cut]);
        prop_assert_eq!(read.len() as u64, expected);
        // Without the last bytes of the end only the index is lost.
        prop_assert_eq!(error.is_some(), cut < whole.len() - block::END_BYTES);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        let file = [About::this_program(false).header(), bytes.clone()].concat();
        let _ = read_all(&file);
        let _ = open(&bytes);
    }
}
