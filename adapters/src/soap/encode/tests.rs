//! The dialects, and that they all mean the same.

#![allow(clippy::unwrap_used)]

use super::super::{any, decode};
use super::*;
use proptest::prelude::*;
use proptest::sample::select;

/// A Latin-1 text may by chance be UTF-8 and mean something else; no reader could tell.
fn is_ambiguous(dialect: &Dialect, bytes: &[u8]) -> bool {
    dialect.charset == Charset::Latin1 && !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn an_answer_in_any_dialect_of_the_newest_interface_decodes_to_itself(
        (answer, dialect) in any::kind()
            .prop_flat_map(|kind| (any::answer(kind), any::dialect(Interface::V1000))),
    ) {
        let bytes = answer.write(&dialect);
        prop_assume!(!is_ambiguous(&dialect, &bytes));
        prop_assert_eq!(decode(answer.kind(), &bytes).unwrap(), answer);
    }

    #[test]
    fn a_decoded_answer_re_encoded_in_any_dialect_decodes_the_same(
        (answer, first, second) in (any::kind(), select(Interface::ALL.as_slice()))
            .prop_flat_map(|(kind, interface)| {
                (any::answer(kind), any::dialect(interface), any::dialect(interface))
            }),
    ) {
        let bytes = answer.write(&first);
        prop_assume!(!is_ambiguous(&first, &bytes));
        let once = decode(answer.kind(), &bytes).unwrap();
        let bytes = once.write(&second);
        prop_assume!(!is_ambiguous(&second, &bytes));
        prop_assert_eq!(decode(answer.kind(), &bytes).unwrap(), once);
    }
}

fn lines(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap().replace("><", ">\n<")
}

fn a_call() -> Answer {
    let party = |kind: &str, name: &str| No {
        kind: kind.into(),
        cn: name.into(),
        dn: name.into(),
        e164: "20".into(),
        h323: "anna".into(),
    };
    Answer::Poll(AnyInfo {
        call: vec![CallInfo {
            user: engine::id::UserHandle(1),
            call: engine::id::CallHandle(7001),
            active: true,
            state: 129,
            no: vec![party("this", "Anna Berg")],
            msg: "r-setup".into(),
            info: vec![Info { kind: "conf".into(), vali: 0, vals: "5d1f".into() }],
            ..CallInfo::default()
        }],
        ..AnyInfo::default()
    })
}

#[test]
fn the_default_dialect_is_that_of_the_worked_traces() {
    let body = "<inno:PollResponse xmlns:inno=\"http://innovaphone.com/pbx\">\n<return>\n\
        <user/>\n<call>\n<call>\n<user>1</user>\n<call>7001</call>\n<reg>0</reg>\n\
        <active>true</active>\n<state>129</state>\n<No>\n<No>\n<type>this</type>\n\
        <cn>Anna Berg</cn>\n<dn>Anna Berg</dn>\n<e164>20</e164>\n<h323>anna</h323>\n</No>\n\
        </No>\n<msg>r-setup</msg>\n<info>\n<info>\n<type>conf</type>\n<vali>0</vali>\n\
        <vals>5d1f</vals>\n</info>\n</info>\n</call>\n</call>\n<reg/>\n<info/>\n</return>\n\
        </inno:PollResponse>";
    let written = lines(&a_call().write(&Dialect::default()));
    assert!(written.contains(body), "{written}");
}

#[test]
fn the_switches_change_what_they_say() {
    let with = |dialect| lines(&a_call().write(&dialect));
    let item = with(Dialect { item_names: ItemNames::Item, ..Dialect::default() });
    assert!(item.contains("<No>\n<item>\n<type>this"), "{item}");
    let info = with(Dialect { info_item_name: InfoItemName::Item, ..Dialect::default() });
    assert!(info.contains("<info>\n<item>\n<type>conf"), "{info}");
    assert!(info.contains("<No>\n<No>\n<type>this"), "{info}");
    let typed = with(Dialect {
        typed_responses: TypedResponses::TypesAndArrays,
        bool_style: BoolStyle::Digits,
        empty_arrays: EmptyArrays::Nil,
        response_prefix: ResponsePrefix::Default,
        ..Dialect::default()
    });
    for part in [
        "<PollResponse xmlns=\"http://innovaphone.com/pbx\">",
        "<user xsi:nil=\"true\"/>",
        "<call xsi:type=\"SOAP-ENC:Array\" SOAP-ENC:arrayType=\"inno:CallInfo[1]\">",
        "<call xsi:type=\"inno:CallInfo\">",
        "<active xsi:type=\"xsd:boolean\">1</active>",
    ] {
        assert!(typed.contains(part), "{part} in {typed}");
    }
    let absent = with(Dialect { empty_arrays: EmptyArrays::Absent, ..Dialect::default() });
    assert!(!absent.contains("<user/>"), "{absent}");
}

#[test]
fn the_operations_of_the_other_namespace_answer_in_it() {
    let written = lines(&Answer::Echo { alive: true }.write(&Dialect::default()));
    assert!(written.contains(
        "<inno:EchoResponse xmlns:inno=\"http://innovaphone/binding\">\n<return>1</return>"
    ));
}

#[test]
fn each_interface_writes_its_own_elements_of_a_user() {
    let user = UserInfo {
        domain: "example.com".into(),
        presence: Some(Presence::default()),
        node: "root".into(),
        ..UserInfo::default()
    };
    let written = |interface| {
        let dialect = Dialect { interface, ..Dialect::default() };
        lines(&Answer::FindUser(vec![user.clone()]).write(&dialect))
    };
    let has =
        |text: &str| ["<presence>", "<node>", "<domain>"].map(|element| text.contains(element));
    assert_eq!(has(&written(Interface::V501)), [false, false, false]);
    assert_eq!(has(&written(Interface::V700)), [false, true, false]);
    assert_eq!(has(&written(Interface::V800)), [true, true, false]);
    assert_eq!(has(&written(Interface::V1000Early)), [true, true, false]);
    assert_eq!(has(&written(Interface::V1000)), [true, true, true]);
    assert!(written(Interface::V700).contains("<item>\n<guid>"));
    assert!(written(Interface::V1000).contains("<item>\n<active>"));
}

#[test]
fn what_a_reader_might_change_is_written_as_a_reference() {
    let answer = Answer::UserLocalNum("a\r\nb]]>".into());
    let written = lines(&answer.write(&Dialect::default()));
    assert!(written.contains("<return>a&#13;\nb]]&gt;</return>"), "{written}");
}

#[test]
fn what_xml_cannot_hold_becomes_the_replacement_character() {
    let answer = Answer::UserLocalNum("a\u{7}b\0c\u{FFFE}".into());
    let read = decode(Kind::UserLocalNum, &answer.write(&Dialect::default())).unwrap();
    assert_eq!(read, Answer::UserLocalNum("a\u{FFFD}b\u{FFFD}c\u{FFFD}".into()));
}
