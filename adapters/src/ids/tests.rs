#![allow(clippy::unwrap_used)]

use super::*;
use proptest::collection::btree_map;
use proptest::prelude::*;

const A: &str = "1111222233334444555566667777000a";
const B: &str = "1111222233334444555566667777000b";

fn utf16(text: &str) -> Vec<u8> {
    let units = text.replace('\n', "\r\n");
    [0xFF, 0xFE].into_iter().chain(units.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

fn guid(text: &str) -> Guid {
    Guid::read_exact(text).unwrap()
}

fn both(a: u32, b: u32) -> Vec<(Guid, PermanentId)> {
    vec![(guid(A), PermanentId(a)), (guid(B), PermanentId(b))]
}

const KEY: &str = "[HKEY_LOCAL_MACHINE\\SOFTWARE\\innovaphone\\innovaphone® PBX V7 TSP\\lineGUIDs]";

/// A registry file with these values in the table, in UTF-16.
fn registry(values: &str) -> Vec<u8> {
    utf16(&format!(
        "{UNICODE}\n\n{KEY}\n{values}\n\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Other]\n\"1\"=\"{A}\"\n"
    ))
}

const UNICODE: &str = "Windows Registry Editor Version 5.00";

fn fault(bytes: &[u8]) -> (Option<usize>, IdsFault) {
    Ids::parse(bytes).unwrap_err()
}

#[test]
fn a_table_that_was_written_is_read_again() {
    let labelled = |id, guid_text, name| Labelled {
        id: PermanentId(id),
        guid: guid(guid_text),
        number: "20",
        name,
    };
    let mut bytes = Vec::new();
    let rows = [labelled(0, A, "Bob \"the\", <builder>\n5"), labelled(u32::MAX, B, "")];
    write(&mut bytes, rows.into_iter()).unwrap();
    assert_eq!(Ids::parse(&bytes).unwrap().entries, both(0, u32::MAX));
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.starts_with("# tapline ids 1\nid,guid,number,name\n0,1111"), "{text}");
    assert_eq!(text.lines().count(), 4, "a name is one line");
    let as_an_editor_saves_it =
        [&[0xEF, 0xBB, 0xBF], text.replace('\n', "\r\n").as_bytes()].concat();
    assert_eq!(Ids::parse(&as_an_editor_saves_it).unwrap().entries, both(0, u32::MAX));
}

#[test]
fn every_reasonable_kind_of_registry_value_is_read() {
    let braces = "{11112222-3333-4444-5555-66667777000A}";
    let bytes = "11,11,22,22,33,33,44,44,55,\\\n  55,66,66,77,77,00,0a";
    let wide: Vec<String> =
        A.encode_utf16().flat_map(u16::to_le_bytes).map(|byte| format!("{byte:02x}")).collect();
    let wide = wide.join(",");
    for value in [
        format!("\"{A}\"=dword:00000010"),
        format!("\"{braces}\"=dword:00000010"),
        format!("\"{A}\"=\"16\""),
        format!("\"{A}\"=\"0x10\""),
        format!("\"{A}\"=hex:10,00,00,00"),
        format!("\"{A}\"=hex(4):10,00,00,00"),
        format!("\"{A}\"=hex(b):10,00,00,00,00,00,00,00"),
        format!("\"{A}\"=hex(2):31,00,36,00,00,00"),
        format!("\"16\"=\"{A}\""),
        format!("\"0x10\"=\"{braces}\""),
        format!("\"16\"=hex:{bytes}"),
        format!("\"16\"=hex(1):{wide},00,00"),
    ] {
        let ids = Ids::parse(&registry(&value)).unwrap();
        assert_eq!(ids.entries, [(guid(A), PermanentId(16))], "{value}");
        assert!(ids.skipped.is_empty(), "{value}");
    }
}

#[test]
fn an_ansi_registry_file_is_read_whatever_its_code_page() {
    let mut bytes =
        b"REGEDIT4\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\innovaphone\\innovaphone".to_vec();
    bytes.push(0xAE);
    bytes.extend(b" PBX V7 TSP\\lineGUIDs]\r\n");
    bytes.extend(format!("\"{A}\"=dword:00000001\r\n\"{B}\"=dword:00000002\r\n").bytes());
    assert_eq!(Ids::parse(&bytes).unwrap().entries, both(1, 2));
}

#[test]
fn values_about_something_else_are_skipped_and_said() {
    let values = format!(
        "@=\"default\"\n\"next\"=dword:00000007\n\"{A}\"=dword:00000001\n\"{B}\"=-\n\"x\"=hex(7):00"
    );
    let ids = Ids::parse(&registry(&values)).unwrap();
    assert_eq!(ids.entries, [(guid(A), PermanentId(1))]);
    let lines: Vec<_> = ids.skipped.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [4, 5, 7, 8]);
}

#[test]
fn two_entries_with_one_id_or_one_guid_are_named_and_one_said_twice_is_one() {
    let same_id = format!("\"{A}\"=dword:00000001\n\"{B}\"=dword:00000001");
    assert_eq!(fault(&registry(&same_id)), (Some(5), IdsFault::SameId { id: 1, first: 4 }));
    let same_guid = format!("# tapline ids 1\n1,{A}\n2,{A}\n");
    let expected = IdsFault::SameGuid { guid: guid(A), first: 2 };
    assert_eq!(fault(same_guid.as_bytes()), (Some(3), expected));
    let twice = format!("# tapline ids 1\n1,{A}\n1,{A}\n2,{B}\n");
    assert_eq!(Ids::parse(twice.as_bytes()).unwrap().entries, both(1, 2));
}

#[test]
fn what_is_no_table_is_refused_with_the_line_and_the_reason() {
    assert_eq!(fault(b""), (None, IdsFault::Unknown));
    assert_eq!(fault(b"id,guid\n"), (None, IdsFault::Unknown));
    assert_eq!(fault(b"# tapline ids 2\n"), (Some(1), IdsFault::OtherVersion));
    assert_eq!(fault(b"\x00\xD8\xFF"), (None, IdsFault::NotText));
    assert_eq!(fault(&[0xFF, 0xFE, 0x41]), (None, IdsFault::NotText));
    assert_eq!(
        fault(&utf16(&format!("{UNICODE}\n[HKEY_CURRENT_USER\\x]\n"))),
        (None, IdsFault::NoTable)
    );
    let deleted = KEY.replace('[', "[-");
    assert_eq!(fault(&utf16(&format!("{UNICODE}\n{deleted}\n"))), (None, IdsFault::NoTable));
    for line in ["x,1", "1", "4294967296,0", "-1,0", "1,1234"] {
        let (at, fault) = fault(format!("# tapline ids 1\n\n{line}\n").as_bytes());
        assert!(matches!((at, fault), (Some(3), IdsFault::Line(_))), "{line}");
    }
    let long = format!("# tapline ids 1\n1,{A},\"{}\"\n", "x".repeat(LINE_BYTES_MAX));
    assert_eq!(fault(long.as_bytes()), (Some(2), IdsFault::LineTooLong));
}

#[test]
fn there_is_a_limit_to_the_number_of_ids() {
    let mut gathered = Gathered::default();
    gathered.ids.entries = vec![(Guid::NIL, PermanentId(0)); MAX_LINES];
    assert_eq!(gathered.add(9, guid(A), PermanentId(1)), Err((Some(9), IdsFault::TooMany)));
}

proptest! {
    /// Whatever the bytes: an answer, and never twice the same id or GUID.
    #[test]
    fn any_bytes_are_read_or_refused(
        head in 0..4usize,
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let heads = ["", "# tapline ids 1\n", "REGEDIT4\n[a\\lineGUIDs]\n", "\u{feff}"];
        let bytes = [heads[head].as_bytes(), &bytes].concat();
        if let Ok(ids) = Ids::parse(&bytes) {
            let guids: std::collections::BTreeSet<_> = ids.entries.iter().map(|e| e.0).collect();
            prop_assert_eq!(guids.len(), ids.entries.len());
        }
    }

    /// The way out and in again changes nothing.
    #[test]
    fn every_table_comes_back(
        table in btree_map(any::<u32>(), any::<[u8; 16]>(), 0..20),
        name in ".{0,20}",
    ) {
        let mut seen = std::collections::BTreeSet::new();
        let table: Vec<_> = table
            .into_iter()
            .filter(|(_, guid)| seen.insert(*guid))
            .map(|(id, guid)| (Guid(guid), PermanentId(id)))
            .collect();
        let rows = table.iter().map(|(guid, id)| Labelled {
            id: *id,
            guid: *guid,
            number: "",
            name: &name,
        });
        let mut bytes = Vec::new();
        write(&mut bytes, rows).unwrap();
        prop_assert_eq!(Ids::parse(&bytes).unwrap().entries, table);
    }
}
