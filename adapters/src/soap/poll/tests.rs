//! The fast path beside the general decoder.

#![allow(clippy::unwrap_used)]

use super::super::types::{self, AnyInfo};
use super::super::{Answer, Dialect, Interface, Kind, any, decode};
use super::*;
use engine::fact::{Msg, Role};
use proptest::prelude::*;
use proptest::sample::{Index, select};

fn poll(bytes: &[u8]) -> Result<(PollCount, Vec<PbxFact>), SoapError> {
    let mut facts = Vec::new();
    decode_poll(bytes, &mut facts).map(|count| (count, facts))
}

/// What the fast path alone makes of it; `None` if it gives up.
fn fast(bytes: &[u8]) -> Option<Vec<PbxFact>> {
    let text = decoded(bytes).ok()?;
    let mut facts = Vec::new();
    let mut plain = Plain { scanner: Scanner::new(&text, Checking::Strict), facts: &mut facts };
    plain.envelope()?;
    Some(facts)
}

/// What the general decoder makes of it.
fn general(bytes: &[u8]) -> Result<Vec<PbxFact>, SoapError> {
    let Answer::Poll(all) = decode(Kind::Poll, bytes)? else { unreachable!() };
    let users = all.user.into_iter().map(|user| PbxFact::User(Box::new(user.into())));
    let calls = all.call.into_iter().map(|call| PbxFact::Call(call.into()));
    Ok(users.chain(calls).collect())
}

/// One user and one call, the call with names that need care.
fn sample() -> Vec<u8> {
    let no = |kind: &str, name: &str| types::No {
        kind: kind.into(),
        cn: name.into(),
        e164: "20".into(),
        ..types::No::default()
    };
    let call = types::CallInfo {
        call: engine::id::CallHandle(7001),
        active: true,
        state: 261,
        no: vec![no("this", "Bob & <Sons>"), no("peer", "張 Ünal 🙂")],
        msg: "update".into(),
        info: vec![types::Info { kind: "cause".into(), vali: 145, vals: "".into() }],
        ..types::CallInfo::default()
    };
    let user = types::UserInfo {
        active: true,
        cn: "R&D".into(),
        state: 1,
        channel: 70_000,
        guid: "11112222333344445555666677770020".into(),
        groups: vec![types::Group { group: "tapi".into(), active: false }],
        ..types::UserInfo::default()
    };
    Answer::Poll(AnyInfo { user: vec![user], call: vec![call], ..AnyInfo::default() })
        .write(&Dialect::default())
}

#[test]
fn users_and_calls_become_facts_in_this_order() {
    let (count, facts) = poll(&sample()).unwrap();
    assert_eq!(count, PollCount { users: 1, calls: 1, skipped: 0 });
    let [PbxFact::User(user), PbxFact::Call(call)] = &facts[..] else { panic!("{facts:?}") };
    assert_eq!(user.cn.text(), "R&D");
    assert!(user.active && user.registered && !user.cfg);
    assert_eq!((user.channel, user.alert), (u16::MAX, 0));
    assert_eq!(user.guid.to_string(), "11112222333344445555666677770020");
    assert_eq!((call.user, call.call, call.state), (0, 7001, 261));
    assert_eq!(call.msg, Msg::Update);
    assert_eq!(call.cause, Some(17), "without the extension bit");
    assert_eq!(call.party(&Role::This).unwrap().cn.text(), "Bob & <Sons>");
    assert_eq!(call.party(&Role::Peer).unwrap().cn.text(), "張 Ünal 🙂");
}

#[test]
fn the_fast_path_is_taken_for_plain_answers() {
    for dialect in [Dialect::default(), Dialect { interface: Interface::V700, ..default() }] {
        let Answer::Poll(all) = decode(Kind::Poll, &sample()).unwrap() else { unreachable!() };
        assert!(fast(&Answer::Poll(all).write(&dialect)).is_some());
    }
}

fn default() -> Dialect {
    Dialect::default()
}

#[test]
fn calls_before_users_still_come_after_them() {
    let text = String::from_utf8(sample()).unwrap();
    let (head, rest) = text.split_once("<return>").unwrap();
    let (users, rest) = rest.split_once("<call><call>").unwrap();
    let (calls, tail) = rest.split_once("<reg/>").unwrap();
    let turned = format!("{head}<return><call><call>{calls}{users}{tail}");
    assert_eq!(poll(turned.as_bytes()).unwrap(), poll(&sample()).unwrap());
    assert_eq!(fast(turned.as_bytes()), None);
}

#[test]
fn a_record_that_cannot_be_read_costs_only_itself() {
    let text = String::from_utf8(sample()).unwrap();
    let broken = text.replacen("<state>1</state>", "<state>one</state>", 1);
    let (count, facts) = poll(broken.as_bytes()).unwrap();
    assert_eq!(count, PollCount { users: 0, calls: 1, skipped: 1 });
    assert!(matches!(facts[..], [PbxFact::Call(_)]));
}

#[test]
fn what_the_engine_has_no_use_for_spoils_nothing() {
    let text = String::from_utf8(sample()).unwrap();
    let odd = text
        .replace("<reg>0</reg>", "<reg>none</reg>")
        .replace("<active>false</active></groups>", "<active>perhaps</active></groups>");
    assert_ne!(odd, text);
    assert_eq!(poll(odd.as_bytes()).unwrap(), poll(text.as_bytes()).unwrap());
}

#[test]
fn an_answer_without_a_result_is_an_empty_one() {
    for part in ["<return/>", "", "<return><user/><call/></return>", "<return> </return>"] {
        let text = format!(
            "<E:Envelope><E:Body><PollResponse>{part}</PollResponse></E:Body></E:Envelope>"
        );
        assert_eq!(poll(text.as_bytes()).unwrap(), (PollCount::default(), Vec::new()), "{part}");
    }
}

#[test]
fn odd_answers_mean_the_same_to_both_decoders() {
    let user = "<cn> a </cn><guid> 11 </guid><nodenum> 5 </nodenum><type> ep </type>\
                <object> loc </object><loc> b </loc><state> 1 </state><cfg> true </cfg>";
    let call = "<call>7</call><msg> r-ct </msg><No><n><type> peer </type><cn> c </cn></n></No>\
                <info><i><type> cause </type><vali> 17 </vali></i></info>";
    for (result, plain) in [
        // Blanks round words and numbers, which do not count, and round names, which do.
        (format!("<user><u>{user}</u></user><call><c>{call}</c></call>"), true),
        // An element twice: the later one counts, empty or not.
        (format!("<user><u>{user}<cn>b</cn><dn>x</dn><dn/></u></user>"), true),
        (format!("<call><c>{call}{call}</c></call>"), true),
        // Two lists, an unknown one, and elements in elements that nobody needs.
        (format!("<user><u>{user}</u></user><new><a><b/>x</a></new><user><u/></user>"), true),
        (format!("<user><u>{user}<presence><x><y>1</y></x></presence></u></user>"), true),
        // Items that say they are none, items that are texts, texts among items.
        (format!("<user><u xsi:nil='true'/><u>{user}</u></user>"), false),
        (format!("<call><c xsi:nil='1'/><c>{call}</c></call>"), false),
        (format!("<user><u>a</u><u>{user}</u></user>"), false),
        (format!("<user>a<u>{user}</u>&amp;</user>"), false),
        // Elements inside a text.
        (format!("<user><u>{user}<cn>a<b>c</b>d</cn></u></user>"), false),
        // Records that are no items; two results; values apart.
        (format!("<user>{user}</user><user>{user}</user><call>{call}</call>"), false),
        (format!("<user><u>{user}</u></user></return><return><call><c>{call}</c></call>"), false),
        ("<user href='#u'/>".to_owned(), false),
        // Lists that nobody sends.
        ("<reg><r><hw>a</hw></r></reg>".to_owned(), false),
    ] {
        let document = format!(
            "<E:Envelope><E:Body><r><return>{result}</return></r>\
             <q id='u'><u>{user}</u></q></E:Body></E:Envelope>"
        );
        let bytes = document.as_bytes();
        let facts = general(bytes).unwrap();
        assert_eq!(fast(bytes).is_some(), plain, "{document}");
        assert_eq!(fast(bytes).unwrap_or_else(|| facts.clone()), facts, "{document}");
        assert_eq!(poll(bytes).unwrap().1, facts, "{document}");
    }
}

#[test]
fn a_fault_says_what_the_pbx_said() {
    let fault = super::super::Fault {
        code: "SOAP-ENV:Client".into(),
        text: "no such session".into(),
        ..Default::default()
    };
    assert_eq!(poll(&fault.write(&default())), Err(SoapError::Fault(fault)));
}

#[test]
fn an_answer_cut_off_anywhere_is_an_error_and_no_fact() {
    let whole = sample();
    let end = whole.len() - "\n".len();
    assert!(poll(&whole[..end]).is_ok());
    for cut in 0..end {
        let mut facts = vec![PbxFact::Ended];
        let result = decode_poll(&whole[..cut], &mut facts);
        assert!(result.is_err(), "cut at {cut}: {result:?}");
        assert_eq!(facts, [PbxFact::Ended], "cut at {cut}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn both_decoders_make_the_same_facts_of_any_answer(
        (all, dialect) in select(Interface::ALL.as_slice())
            .prop_flat_map(|interface| (any::any_info(), any::dialect(interface))),
    ) {
        let plain = all.reg.is_empty() && all.info.is_empty();
        let bytes = Answer::Poll(all).write(&dialect);
        let facts = general(&bytes).unwrap();
        let quickly = fast(&bytes);
        prop_assert!(quickly.is_some() || !plain, "no reason to give up");
        prop_assert!(quickly.is_none_or(|quickly| quickly == facts));
        prop_assert_eq!(poll(&bytes).unwrap().1, facts);
    }

    #[test]
    fn both_decoders_are_of_one_opinion_about_any_damage(
        damage in prop::collection::vec(
            (any::any::<Index>(), select(b"<>/&;!-[]\"'= acdeghlnoNru1\0\xFC".as_slice()), 0..3),
            1..6,
        ),
    ) {
        let mut bytes = sample();
        for (place, byte, how) in damage {
            let place = place.index(bytes.len());
            match how {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => {
                    bytes.remove(place);
                }
            }
        }
        match (general(&bytes), fast(&bytes)) {
            (Ok(facts), Some(quickly)) => prop_assert_eq!(facts, quickly),
            (Err(error), Some(_)) => prop_assert!(false, "taken in spite of {}", error),
            (Ok(facts), None) => prop_assert_eq!(poll(&bytes).unwrap().1, facts),
            (Err(error), None) => prop_assert_eq!(poll(&bytes), Err(error)),
        }
    }

    #[test]
    fn random_bytes_are_an_error(bytes in prop::collection::vec(any::any::<u8>(), 0..300)) {
        prop_assert!(poll(&bytes).is_err());
    }

    #[test]
    fn random_markup_is_read_alike_or_refused(
        pieces in prop::collection::vec(select(vec![
            "<a>", "</a>", "<user>", "</user>", "<call>", "</call>", "<cn>", "</cn>", "<b/>",
            "<info>", "</info>", "<guid>", "</guid>", "x", "1", " ", "&amp;", "&", "&#x41;",
            "&u;", "<![CDATA[<]]>", "<!-- - -->", "<?p?>", "<!DOCTYPE a>", "<No x='>'>",
            "</No>", "<msg>", "</msg>", "<active>", "</active>", "true", "<No/>", "<user/>",
            "<x href='#y'/>", "<n xsi:nil='1'/>", "<", ">", "]]>",
        ]), 0..30),
    ) {
        let text = format!(
            "<Envelope><Body><r><return>{}</return></r></Body></Envelope>",
            pieces.concat(),
        );
        if let Some(quickly) = fast(text.as_bytes()) {
            prop_assert_eq!(general(text.as_bytes()).unwrap(), quickly);
        } else {
            let _ = poll(text.as_bytes());
        }
    }
}
