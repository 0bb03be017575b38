//! Frames written, read, cut, damaged and forged.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::codec::MAX_RECORD_BYTES;
use crate::fact::{Failure, PbxFact, Question};
use crate::id::{Attempt, PbxId};
use crate::strategy::{any_record, histories};
use proptest::collection::vec;
use proptest::prelude::*;

/// Writes records as a log: all frames, one behind the other.
fn log_of(records: &[Record]) -> Vec<u8> {
    let (mut writer, mut chain, mut out) = (FrameWriter::default(), Chain::START, Vec::new());
    let mut rest = records;
    while !rest.is_empty() {
        let written = writer.write(chain, rest, &mut out).unwrap();
        chain = written.chain;
        rest = &rest[written.count..];
    }
    out
}

/// The records up to the first error, and that error.
fn read_all(bytes: &[u8]) -> (Vec<(u64, Record)>, Option<FrameError>) {
    let mut records = Vec::new();
    for frame in Frames::new(bytes, Chain::START) {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => return (records, Some(error)),
        };
        for record in frame.records() {
            match record {
                Ok(record) => records.push(record),
                Err(error) => return (records, Some(error)),
            }
        }
    }
    (records, None)
}

/// How many records lie in frames that end at or before `at`.
fn intact_before(bytes: &[u8], at: usize) -> usize {
    let (mut offset, mut count) = (0, 0);
    while let Ok((frame, len)) = Frame::read(&bytes[offset..]) {
        offset += len;
        if offset > at {
            break;
        }
        count += usize::from(frame.count);
    }
    count
}

fn garbled(len: usize) -> Record {
    let failure = Failure::Garbled("x".repeat(len).into());
    let fact = PbxFact::Failed(Question::Poll, failure);
    Record { at: Millis(0), event: Event::Pbx(PbxId(0), Attempt(1), fact) }
}

fn gap(missing: u64) -> Record {
    Record { at: Millis(0), event: Event::Host(HostFact::Gap(missing)) }
}

#[test]
fn the_layout_is_the_one_written_down() {
    let started = Record { at: Millis(0x0102_0304), event: Event::Host(HostFact::Started) };
    let chain = Chain::at(0x1122, Some(0xAABB_CCDD));
    let mut bytes = Vec::new();
    FrameWriter::default().write(chain, &[started], &mut bytes).unwrap();
    let mut expected = b"TPLF\x01\x00".to_vec();
    expected.extend_from_slice(&0x1122u64.to_le_bytes());
    expected.extend_from_slice(&4u32.to_le_bytes());
    expected.extend_from_slice(&0xAABB_CCDDu32.to_le_bytes());
    expected.extend_from_slice(&0x1181_79F8u32.to_le_bytes());
    expected.extend_from_slice(&1u16.to_le_bytes());
    expected.extend_from_slice(&SCHEMA.to_le_bytes());
    expected.extend_from_slice(&0x0102_0304u64.to_le_bytes());
    expected.extend_from_slice(&[3, 0, 0, 0]);
    assert_eq!(bytes, expected);
}

#[test]
fn a_frame_takes_256_records_or_64_kib_whichever_comes_first() {
    let small = vec![garbled(10); 300];
    let mut out = Vec::new();
    let written = FrameWriter::default().write(Chain::START, &small, &mut out).unwrap();
    assert_eq!((written.count, written.chain.next()), (256, 256));

    let large = vec![garbled(3000); 64];
    out.clear();
    let written = FrameWriter::default().write(Chain::START, &large, &mut out).unwrap();
    assert_eq!(written.count, 21);
    assert!(out.len() <= MAX_SHARED_BYTES);
}

#[test]
fn a_large_record_stands_alone_and_one_too_large_is_refused() {
    let records = [garbled(10), garbled(100_000), garbled(10)];
    let bytes = log_of(&records);
    let counts: Vec<u16> =
        Frames::new(&bytes, Chain::START).map(|frame| frame.unwrap().count).collect();
    assert_eq!(counts, [1, 1, 1]);
    assert_eq!(read_all(&bytes).0.len(), 3);

    let mut out = vec![7];
    let too_large = [garbled(MAX_RECORD_BYTES)];
    let error = FrameWriter::default().write(Chain::at(5, None), &too_large, &mut out);
    let limit = MAX_RECORD_BYTES;
    let refused = FrameError::Refused { seq: 5, error: CodecError::TooLarge { limit } };
    assert_eq!(error, Err(refused));
    assert_eq!(out, [7]);
}

#[test]
fn a_frame_of_a_newer_format_is_told_from_a_damaged_one() {
    let mut bytes = log_of(&[garbled(10)]);
    bytes[4] = FORMAT + 1;
    assert!(matches!(Frame::read(&bytes), Err(FrameError::Damaged(_))));
    let crc = checksum(&bytes);
    bytes[22..26].copy_from_slice(&crc.to_le_bytes());
    let error = Frame::read(&bytes).unwrap_err();
    assert_eq!(error, FrameError::NewerFormat { found: FORMAT + 1, known: FORMAT });
    assert!(error.is_newer());
}

#[test]
fn a_frame_of_a_newer_schema_is_told_from_a_damaged_one() {
    let mut bytes = log_of(&[garbled(10)]);
    bytes[28..30].copy_from_slice(&(SCHEMA + 1).to_le_bytes());
    let crc = checksum(&bytes);
    bytes[22..26].copy_from_slice(&crc.to_le_bytes());
    assert!(Frame::read(&bytes).unwrap_err().is_newer());
}

#[test]
fn other_bytes_are_foreign() {
    for bytes in [&b"SQLite format 3\0"[..], b"<?xml", b"\0"] {
        assert_eq!(Frame::read(bytes).unwrap_err(), FrameError::Foreign);
    }
    assert_eq!(Frame::read(b"TP").unwrap_err(), FrameError::Truncated);
}

#[test]
fn a_frame_from_elsewhere_breaks_the_chain() {
    let one = log_of(&[garbled(1)]);
    let other = log_of(&[garbled(2), gap(0), garbled(3)]);
    let (_, first_len) = Frame::read(&other).unwrap();
    let mixed = [&one[..], &other[first_len..]].concat();
    let (records, error) = read_all(&mixed);
    assert_eq!(records.len(), 1);
    assert_eq!(error, Some(FrameError::ChainBroken(Break::Predecessor)));
}

#[test]
fn a_frame_too_few_or_too_early_breaks_the_chain() {
    let mut bytes = Vec::new();
    FrameWriter::default().write(Chain::at(7, None), &[garbled(1)], &mut bytes).unwrap();
    let (frame, _) = Frame::read(&bytes).unwrap();
    for next in [6, 8] {
        let error = Chain::at(next, None).link(&frame).unwrap_err();
        let broken = Break::Sequence { expected: next, found: 7 };
        assert_eq!(error, FrameError::ChainBroken(broken));
    }
}

#[test]
fn records_may_be_missing_where_the_log_says_so() {
    let bytes = log_of(&[garbled(1), gap(41), garbled(2)]);
    let (records, error) = read_all(&bytes);
    let numbers: Vec<u64> = records.iter().map(|(seq, _)| *seq).collect();
    assert_eq!((numbers, error), (vec![0, 42, 43], None));
}

proptest! {
    #[test]
    fn any_records_come_back_numbered(records in vec(any_record(), 1..150)) {
        let bytes = log_of(&records);
        let (read, error) = read_all(&bytes);
        prop_assert_eq!(error, None);
        prop_assert!(read.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let read: Vec<Record> = read.into_iter().map(|(_, record)| record).collect();
        prop_assert_eq!(read, records);
    }

    #[test]
    fn the_frames_of_a_log_are_within_their_limits(records in vec(any_record(), 1..150)) {
        for frame in Frames::new(&log_of(&records), Chain::START) {
            let frame = frame.unwrap();
            let len = HEADER_BYTES + frame.payload.len();
            prop_assert!((1..=MAX_RECORDS).contains(&usize::from(frame.count)));
            prop_assert!(len <= MAX_SHARED_BYTES || frame.count == 1);
        }
    }

    #[test]
    fn damage_to_any_byte_leaves_exactly_the_frames_before_it(
        records in histories(12), at: prop::sample::Index, flip in 1..=255u8,
    ) {
        let mut bytes = log_of(&records);
        let at = at.index(bytes.len());
        let intact = intact_before(&bytes, at);
        bytes[at] ^= flip;
        let (read, error) = read_all(&bytes);
        prop_assert!(error.is_some());
        prop_assert_eq!(read.len(), intact);
        prop_assert!(read.iter().zip(&records).all(|((_, read), record)| read == record));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(mut bytes: Vec<u8>, is_ours: bool) {
        if is_ours && bytes.len() >= HEADER_BYTES {
            // With magic and checksum right, everything behind them is reached.
            bytes[..4].copy_from_slice(&MAGIC);
            let len = (bytes.len() - HEADER_BYTES) as u32;
            bytes[14..18].copy_from_slice(&len.to_le_bytes());
            let crc = checksum(&bytes);
            bytes[22..26].copy_from_slice(&crc.to_le_bytes());
        }
        let _ = read_all(&bytes);
    }
}

#[test]
fn a_log_cut_at_any_byte_leaves_exactly_the_frames_before_the_cut() {
    let records: Vec<Record> = (0..200).map(|n| garbled(n % 40)).collect();
    let bytes = log_of(&records);
    for cut in 0..bytes.len() {
        let (read, error) = read_all(&bytes[..cut]);
        let intact = intact_before(&bytes, cut);
        assert_eq!(read.len(), intact, "cut at {cut}");
        let is_between_frames = intact_before(&bytes[..cut], cut) == intact
            && Frames::new(&bytes[..cut], Chain::START).all(|frame| frame.is_ok());
        assert_eq!(error.is_none(), is_between_frames, "cut at {cut}");
    }
}
