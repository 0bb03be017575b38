#![allow(clippy::unwrap_used)]

use super::messages::{Talk, heard};
use super::segments::built;
use super::*;
use crate::trace::Trace;
use engine::fact::{CallInfo, Event, PbxFact, Record};
use proptest::prelude::*;
use tempfile::TempDir;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(format!("{}/../tests/traffic/{name}", env!("CARGO_MANIFEST_DIR")))
}

/// Packets of Ethernet, with their times in milliseconds.
type Packets = Vec<(u64, Vec<u8>)>;

fn packets_of(name: &str) -> Packets {
    let mut packets = Packets::new();
    let file = File::open(fixture(name)).unwrap();
    let damage = packets::read(file, |packet| {
        packets.push((packet.at.0, packet.data.to_vec()));
        Ok(())
    });
    assert_eq!(damage.unwrap(), None);
    packets
}

fn pcap(packets: &Packets) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 0x0004_0000, 1] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    for (at, data) in packets {
        let len = data.len() as u32;
        for word in [(at / 1000) as u32, (at % 1000 * 1000) as u32, len, len] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(data);
    }
    file
}

/// In the other byte order, with times in nanoseconds.
fn pcapng(packets: &Packets) -> Vec<u8> {
    fn block(file: &mut Vec<u8>, kind: u32, says: &[u8]) {
        let len = (says.len().next_multiple_of(4) + 12) as u32;
        file.extend_from_slice(&kind.to_be_bytes());
        file.extend_from_slice(&len.to_be_bytes());
        file.extend_from_slice(says);
        file.resize(file.len().next_multiple_of(4), 0);
        file.extend_from_slice(&len.to_be_bytes());
    }
    let mut file = Vec::new();
    let section = [0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0];
    block(&mut file, 0x0a0d_0d0a, &[&section[..], &[0xff; 8]].concat());
    // Ethernet; option 9: units of ten to the power of minus nine.
    block(&mut file, 1, &[0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0]);
    for (at, data) in packets {
        let mut says = vec![0; 4];
        says.extend_from_slice(&(at * 1_000_000).to_be_bytes());
        says.extend_from_slice(&(data.len() as u32).to_be_bytes());
        says.extend_from_slice(&(data.len() as u32).to_be_bytes());
        says.extend_from_slice(data);
        block(&mut file, 6, &says);
    }
    file
}

struct Outcome {
    _folder: TempDir,
    imported: Imported,
    records: Vec<Record>,
}

impl Outcome {
    /// What was told of calls.
    fn calls(&self) -> Vec<CallInfo> {
        let call = |record: &Record| match &record.event {
            Event::Pbx(_, _, PbxFact::Call(call)) => Some(call.clone()),
            _ => None,
        };
        self.records.iter().filter_map(call).collect()
    }

    fn users(&self) -> usize {
        let is_user = |record: &&Record| matches!(&record.event, Event::Pbx(_, _, PbxFact::User(user)) if !user.cn.is_empty());
        self.records.iter().filter(is_user).count()
    }
}

fn imported(file: &[u8], wishes: &Wishes) -> Result<Outcome, TrafficError> {
    let folder = TempDir::new().unwrap();
    let [input, output] = ["in.pcap", "out.tspt"].map(|name| folder.path().join(name));
    std::fs::write(&input, file).unwrap();
    let imported = import(&input, wishes, &output).inspect_err(|_| assert!(!output.exists()))?;
    let trace = Trace::open(&output).unwrap();
    let mut records = trace.records_from(0);
    let all: Vec<Record> = records.by_ref().map(|(_, record)| record).collect();
    assert_eq!(records.end(), crate::trace::End::Complete);
    assert_eq!(all.len() as u64, imported.records);
    Ok(Outcome { _folder: folder, imported, records: all })
}

fn whole(file: &[u8]) -> Outcome {
    imported(file, &Wishes::default()).unwrap()
}

fn talks_of(name: &str) -> Vec<Talk> {
    let file = File::open(fixture(name)).unwrap();
    let (streams, _) = streams_of(file).unwrap();
    let mut talks: Vec<Talk> = streams.connections().flat_map(|known| heard(known).talks).collect();
    talks.sort_by_key(|talk| talk.answer.as_ref().map_or(talk.number, |answer| answer.number));
    talks
}

/// Whether this operation is asked for.
fn asks(talk: &Talk, operation: &str) -> bool {
    String::from_utf8_lossy(&talk.question).contains(&format!(":{operation} "))
}

/// How talks travel once more.
#[derive(Clone, Copy, Default)]
struct Way {
    v6: bool,
    vlan: bool,
    is_chunked: bool,
    /// The last number of the PBX's address.
    pbx: u8,
}

/// Packets in which the same is said in another way: each talk has a connection of its own, which
/// ends with it.
fn packets_like(talks: &[Talk], way: Way) -> Packets {
    const PIECE: usize = 700;
    let mut packets = Packets::new();
    for (count, talk) in (0u16..).zip(talks) {
        let Some(answer) = &talk.answer else { continue };
        let head = "POST /PBX0/user.soap HTTP/1.1\r\nHost: pbx\r\nContent-Length:";
        let mut question = format!("{head} {}\r\n\r\n", talk.question.len()).into_bytes();
        question.extend_from_slice(&talk.question);
        let mut said = format!("HTTP/1.1 {} X\r\n", answer.status).into_bytes();
        if way.is_chunked {
            said.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            for chunk in answer.body.chunks(100) {
                said.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                said.extend_from_slice(chunk);
                said.extend_from_slice(b"\r\n");
            }
            said.extend_from_slice(b"0\r\n\r\n");
        } else {
            // Its end is that of the connection.
            said.extend_from_slice(b"\r\n");
            said.extend_from_slice(&answer.body);
        }
        let mut send = |at: Millis, from_pbx: bool, seq: usize, data: &[u8], ends: bool| {
            packets.push((at.0, packet(way, count, from_pbx, seq, data, ends)));
        };
        for (piece, data) in question.chunks(PIECE).enumerate() {
            send(talk.asked_at, false, piece * PIECE, data, false);
        }
        let last = said.len().div_ceil(PIECE) - 1;
        for (piece, data) in said.chunks(PIECE).enumerate() {
            send(answer.at, true, piece * PIECE, data, piece == last);
        }
    }
    packets
}

fn packet(way: Way, count: u16, from_pbx: bool, seq: usize, data: &[u8], ends: bool) -> Vec<u8> {
    let mut ends_of = [([1, 0, 0, 1], 10_000 + count), ([1, 0, 2, way.pbx], 80)];
    if from_pbx {
        ends_of.reverse();
    }
    let seq = u32::MAX.wrapping_sub(300).wrapping_add(seq as u32);
    built(way.v6, way.vlan, ends_of, seq, data, ends)
}

/// `replay/tests/command/import.rs` compares what it leads to with what that provider told.
#[test]
fn the_traffic_of_our_own_provider_becomes_lines_and_calls() {
    let outcome = whole(&std::fs::read(fixture("phone-calls.pcap")).unwrap());
    assert_eq!((outcome.calls().len(), outcome.users()), (29, 28));
    let Imported { lines, calls, lost_bytes, tls, damage, pbxs, .. } = outcome.imported;
    assert_eq!((lines, calls, lost_bytes, tls, damage), (13, 5, 0, 0, None));
    assert_eq!((pbxs.len(), pbxs[0].sessions), (1, 2));
}

#[test]
fn no_key_of_a_session_and_no_account_is_in_the_capture() {
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("out.tspt");
    import(&fixture("phone-calls.pcap"), &Wishes::default(), &output).unwrap();
    let bytes = std::fs::read(&output).unwrap();
    let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has("Anna Berg") && !has("uthorization") && !has("Digest"));
    let begins = talks_of("phone-calls.pcap").into_iter().filter(|talk| asks(talk, "Initialize"));
    let mut keys = 0;
    for answer in begins.filter_map(|talk| talk.answer) {
        if let Ok(crate::soap::Answer::Initialize { key, .. }) =
            crate::soap::decode(crate::soap::Kind::Initialize, &answer.body)
        {
            assert!(!has(&key.to_string()));
            assert!(!bytes.windows(4).any(|part| part == key.to_le_bytes()));
            keys += 1;
        }
    }
    assert_eq!(keys, 2);
}

#[test]
fn what_a_client_ordered_is_in_it_word_by_word_even_if_nothing_else_is() {
    let folder = TempDir::new().unwrap();
    for (without_raw, polls) in [(false, true), (true, false)] {
        let output = folder.path().join(format!("{without_raw}.tspt"));
        let wishes = Wishes { without_raw, ..Wishes::default() };
        import(&fixture("orders.pcap"), &wishes, &output).unwrap();
        let trace = Trace::open(&output).unwrap();
        let said: Vec<String> =
            trace.raw_messages().unwrap().map(|(_, message)| message.operation).collect();
        assert!(said.iter().any(|operation| operation == "UserCall"));
        assert_eq!(said.iter().any(|operation| operation == "Poll"), polls);
    }
}

#[test]
fn the_same_over_other_wires_tells_the_same() {
    let talks = talks_of("phone-calls.pcap");
    let expected = whole(&std::fs::read(fixture("phone-calls.pcap")).unwrap());
    for (v6, vlan, is_chunked) in
        [(false, false, true), (true, false, false), (false, true, false), (true, true, true)]
    {
        let packets = packets_like(&talks, Way { v6, vlan, is_chunked, pbx: 1 });
        for file in [pcap(&packets), pcapng(&packets)] {
            let outcome = whole(&file);
            assert_eq!(outcome.calls(), expected.calls(), "v6 {v6} vlan {vlan}");
            assert_eq!(outcome.users(), expected.users());
            assert_eq!(outcome.imported.lines, expected.imported.lines);
            assert_eq!(&*outcome.imported.pbxs[0].place.authority, "pbx");
        }
    }
}

#[test]
fn doubled_and_reordered_packets_change_nothing() {
    let mut packets = packets_of("phone-calls.pcap");
    let expected = whole(&pcap(&packets));
    let double = |(at, packet): (usize, &(u64, Vec<u8>))| {
        // Each third one comes again.
        std::iter::repeat_n(packet.clone(), if at % 3 == 0 { 2 } else { 1 }).collect::<Vec<_>>()
    };
    packets = packets.iter().enumerate().flat_map(double).collect();
    for at in (0..packets.len() - 1).step_by(2) {
        packets.swap(at, at + 1);
    }
    let outcome = whole(&pcap(&packets));
    assert_eq!(outcome.users(), expected.users());
    assert_eq!(outcome.calls(), expected.calls());
}

#[test]
fn two_pbxs_are_two_trees_and_one_of_them_can_be_chosen() {
    let talks = talks_of("phone-calls.pcap");
    let mut packets = packets_like(&talks, Way { pbx: 1, ..Way::default() });
    // Or it would be known for the same box.
    let others: Vec<Talk> = talks.into_iter().filter(|talk| !asks(talk, "Version")).collect();
    packets.extend(packets_like(&others, Way { pbx: 2, ..Way::default() }));
    packets.sort_by_key(|(at, _)| *at);
    let both = whole(&pcap(&packets));
    assert_eq!(both.imported.pbxs.len(), 2);
    let of = |pbx: u16| {
        both.records.iter().filter(move |record| {
            matches!(&record.event, Event::Pbx(id, _, PbxFact::Call(_)) if id.0 == pbx)
        })
    };
    assert!(of(0).count() > 10);
    assert_eq!(of(0).count(), of(1).count(), "{:?}", both.imported);
    let wishes = Wishes { pbxs: vec!["1.0.2.2".into()], ..Wishes::default() };
    let one = imported(&pcap(&packets), &wishes).unwrap();
    assert_eq!(one.imported.pbxs.len(), 1);
    let nobody = Wishes { pbxs: vec!["elsewhere".into()], ..Wishes::default() };
    assert!(matches!(imported(&pcap(&packets), &nobody), Err(TrafficError::Nothing { .. })));
}

#[test]
fn of_a_session_whose_beginning_is_missing_calls_are_seen_all_the_same() {
    let talks = talks_of("phone-calls.pcap");
    let expected = whole(&pcap(&packets_like(&talks, Way { pbx: 1, ..Way::default() })));
    let is_call = |talk: &Talk| {
        let mut facts = Vec::new();
        let body = talk.answer.as_ref().map(|answer| &*answer.body).unwrap_or_default();
        asks(talk, "Poll")
            && crate::soap::decode_poll(body, &mut facts).is_ok_and(|told| told.calls > 0)
    };
    let first = talks.iter().position(is_call).unwrap();
    let late = whole(&pcap(&packets_like(&talks[first..], Way { pbx: 1, ..Way::default() })));
    assert_eq!(late.calls(), expected.calls());
    assert_eq!(late.imported.calls, expected.imported.calls);
    assert!(late.imported.lines >= 2 && late.imported.lines < expected.imported.lines);
}

#[test]
fn tls_is_said_to_be_unreadable() {
    let hello = [0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3];
    let way = Way { pbx: 1, ..Way::default() };
    let packets = vec![(1_000, packet(way, 1, false, 0, &hello, false))];
    let nothing = imported(&pcap(&packets), &Wishes::default()).err().unwrap();
    assert!(matches!(nothing, TrafficError::Nothing { packets: 1, connections: 1, tls: 1 }));
    assert!(nothing.to_string().contains("TLS, which cannot be read"), "{nothing}");
    let mut mixed = packets_like(&talks_of("phone-calls.pcap"), way);
    mixed.extend(vec![(2_000, packet(way, 9_999, false, 0, &hello, false))]);
    assert_eq!(whole(&pcap(&mixed)).imported.tls, 1);
}

#[test]
fn what_is_no_file_of_packets_is_said_to_be_none() {
    for file in [&b""[..], b"no packets", &[0; 4096], b"\x0a\x0d\x0d\x0a"] {
        let error = imported(file, &Wishes::default()).err().unwrap();
        assert!(matches!(error, TrafficError::Foreign), "{error:?}");
    }
    let empty = imported(&pcap(&Packets::new()), &Wishes::default()).err().unwrap();
    assert!(matches!(empty, TrafficError::Nothing { packets: 0, .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn of_a_file_that_was_cut_off_or_is_damaged_what_is_there_is_used(
        share in 0.0..1.0f64, flips in proptest::collection::vec((0.0..1.0f64, any::<u8>()), 0..6),
    ) {
        let mut bytes = std::fs::read(fixture("phone-calls.pcap")).unwrap();
        let whole = whole(&bytes).calls();
        bytes.truncate((bytes.len() as f64 * share) as usize);
        let is_damaged = !flips.is_empty();
        let len = bytes.len();
        for (at, value) in flips {
            let place = bytes.get_mut((len as f64 * at) as usize);
            place.into_iter().for_each(|byte| *byte = value);
        }
        // It must not panic, and invent nothing.
        if let Ok(outcome) = imported(&bytes, &Wishes::default())
            && !is_damaged
        {
            let calls = outcome.calls();
            prop_assert_eq!(&calls[..], &whole[..calls.len()]);
        }
    }

    #[test]
    fn lost_packets_lose_what_they_told_and_nothing_else(
        lost in proptest::collection::btree_set(0usize..400, 1..12),
    ) {
        let packets = packets_of("phone-calls.pcap");
        let whole = whole(&pcap(&packets)).calls();
        let left = packets.into_iter().enumerate().filter(|(at, _)| !lost.contains(at));
        let left: Packets = left.map(|(_, packet)| packet).collect();
        if let Ok(outcome) = imported(&pcap(&left), &Wishes::default()) {
            // Each is one that was told, in the same order.
            let mut all = whole.iter();
            for call in outcome.calls() {
                prop_assert!(all.any(|told| *told == call));
            }
        }
    }
}
