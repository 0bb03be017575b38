use super::*;
use engine::diversion::{Kind, Sources, Target};
use proptest::prelude::*;
use proptest::sample::select;

/// What a PBX shows of a user (reference, 9.9).
const SHOWN: &str = "<show><user guid=\"11112222333344445555666677770020\" cn=\"Anna Berg\" \
    dn=\"Anna Berg\" h323=\"anna\" e164=\"20\" loc=\"hq\" node=\"root\" pwd=\"********\" \
    cfnr=\"15\"><device hw=\"anna\" text=\"Phone\"/><grp name=\"tapi\"/><cd type=\"cfu\">\
    <ep e164=\"30\"/><src type=\"do\"><ep e164=\"0\"/></src></cd></user></show>";

fn plain(kind: Kind, to: &str, sources: Sources) -> Diversion {
    Diversion { kind, to: Target::Number(to.into()), sources, element: Personal::default() }
}

fn one(cd: &str) -> Diversion {
    let record = read(&format!("<show><user cn=\"A\">{cd}</user></show>")).unwrap();
    assert_eq!(record.diversions.len(), 1, "{cd}");
    record.diversions.into_iter().next().unwrap()
}

#[test]
fn the_record_of_the_reference_is_read() {
    let record = read(SHOWN).unwrap();
    assert_eq!(record.no_answer_s, Some(15));
    let expected = plain(Kind::Always, "30", Sources::Only(vec!["0".into()]));
    assert_eq!(record.diversions.len(), 1);
    assert!(record.diversions[0].is_like(&expected));
    assert_eq!(
        record.diversions[0].element.text(),
        "<cd type=\"cfu\"><ep e164=\"30\"/><src type=\"do\"><ep e164=\"0\"/></src></cd>"
    );
}

#[test]
fn the_command_of_the_reference_is_written() {
    let diversion = plain(Kind::Always, "30", Sources::Only(vec!["0".into()]));
    assert_eq!(
        add("Anna Berg", &diversion).text(),
        "<add-attrib><user cn=\"Anna Berg\"><cd type=\"cfu\"><ep e164=\"30\"/><src type=\"do\">\
         <ep e164=\"0\"/></src></cd></user></add-attrib>"
    );
    assert_eq!(
        show("R&D \"1\"", true).text(),
        "<show><user cn=\"R&amp;D &quot;1&quot;\" config=\"true\"/></show>"
    );
    assert_eq!(show("A", false).text(), "<show><user cn=\"A\"/></show>");
}

#[test]
fn a_diversion_is_removed_in_the_words_of_the_pbx() {
    let cd = "<cd  type='cfb' new=\"x &gt; y\" ><ep h323=\"bob\"/><!-- by hand --><odd/></cd >";
    let diversion = one(cd);
    assert_eq!(diversion.to, Target::Name("bob".into()));
    let expected = format!("<del-attrib><user cn=\"A\">{cd}</user></del-attrib>");
    assert_eq!(remove("A", &diversion).text(), expected);
}

#[test]
fn every_form_of_diversion_is_understood_or_known_not_to_be() {
    let only = |numbers: &[&str]| numbers.iter().map(|number| Personal::from(*number)).collect();
    for (inside, sources) in [
        ("", Sources::All),
        ("<src/>", Sources::All),
        ("<src type=\"do\"/>", Sources::All),
        (
            "<src type=\"do\"><ep e164=\"0\"/><ep e164=\"81\"/></src>",
            Sources::Only(only(&["0", "81"])),
        ),
        ("<src type=\"dont\"><ep e164=\" 0 \" clid=\"x\"/></src>", Sources::OnlyNot(only(&["0"]))),
        ("<src type=\"do\"><ep ext=\"true\"/></src>", Sources::External),
        ("<src type=\"dont\"><ep ext=\"1\"/></src>", Sources::Internal),
        ("<src type=\"do\"><ep ext=\"true\" e164=\"0\"/></src>", Sources::Other),
        ("<src type=\"do\"><ep h323=\"bob\"/></src>", Sources::Other),
        ("<src type=\"do\"><ep e164=\"1\" fwd=\"fwd\"/></src>", Sources::Other),
        ("<src type=\"perhaps\"><ep e164=\"1\"/></src>", Sources::Other),
        ("<src type=\"do\"><ep e164=\"1\"/></src><src type=\"dont\"/>", Sources::Other),
    ] {
        let diversion = one(&format!("<cd type=\"cfnr\"><ep e164=\"30\"/>{inside}</cd>"));
        assert_eq!(diversion.sources, sources, "{inside}");
        assert_eq!((diversion.kind, diversion.diverts()), (Kind::NoAnswer, true));
    }
    let switched = one("<cd type=\"cfu\" bool=\"night\"><ep e164=\"30\"/></cd>");
    assert_eq!(switched.sources, Sources::Other);
    for nowhere in ["<ep e164=\"-\"/>", "<ep/>", "", "<ep e164=\"\"/><ep e164=\"30\"/>"] {
        assert!(!one(&format!("<cd type=\"cfu\">{nowhere}</cd>")).diverts(), "{nowhere}");
    }
}

#[test]
fn diversions_of_an_unknown_kind_are_left_alone() {
    let record = read("<show><user><cd type=\"cfx\"><ep e164=\"1\"/></cd><cd/></user></show>");
    assert_eq!(record.unwrap().diversions, []);
}

#[test]
fn an_answer_that_is_no_record_is_refused_without_repeating_it() {
    for (answer, expected) in [
        ("<show/>", AdminError::NoUser),
        ("<show><user-list/></show>", AdminError::NoUser),
        ("<error pwd=\"secret\">no right</error>", AdminError::Refused("error".into())),
        ("<ok/>", AdminError::Refused("ok".into())),
    ] {
        assert_eq!(read(answer), Err(expected), "{answer}");
    }
    for garbled in ["", "   ", "nonsense", "<show><user cn=\"A\">", "<show></user></show>", "<"] {
        assert!(matches!(read(garbled), Err(AdminError::Unreadable(_))), "{garbled:?}");
    }
    assert_eq!(done(" \r\n<ok/>\n"), Ok(()));
    assert_eq!(done("<?xml version=\"1.0\"?><ok></ok>"), Ok(()));
    let error = done("<nok pwd=\"secret\"/>").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret"));
    assert!(done("").is_err());
}

#[test]
fn a_record_beyond_its_limits_is_refused() {
    let record =
        |count: usize, cd: &str| format!("<show><user cn=\"A\">{}</user></show>", cd.repeat(count));
    let cd = "<cd type=\"cfu\"><ep e164=\"1\"/></cd>";
    assert!(read(&record(MAX_DIVERSIONS, cd)).is_ok());
    assert_eq!(read(&record(MAX_DIVERSIONS + 1, cd)), Err(AdminError::TooMany));
    let sources = "<ep e164=\"1\"/>".repeat(65);
    let wide = format!("<cd type=\"cfu\"><ep e164=\"1\"/><src type=\"do\">{sources}</src></cd>");
    assert!(matches!(read(&record(1, &wide)), Err(AdminError::Unreadable(_))));
    let long = format!("<cd type=\"cfu\" note=\"{}\"/>", "x".repeat(9000));
    assert!(matches!(read(&record(1, &long)), Err(AdminError::Unreadable(_))));
    let deep = "<a>".repeat(40);
    assert!(matches!(read(&deep), Err(AdminError::Unreadable(SoapError::TooLarge { .. }))));
}

#[test]
fn only_the_time_is_changed_in_a_record_that_goes_back() {
    let print = read(SHOWN).unwrap().print;
    let inside = SHOWN.strip_prefix("<show>").unwrap().strip_suffix("</show>").unwrap();
    let modify = |user: &str| format!("<modify>{user}</modify>");
    let with = |seconds| with_no_answer(SHOWN, seconds, print).unwrap();
    assert_eq!(with(Some(15)).text(), modify(inside));
    assert_eq!(with(Some(40)).text(), modify(&inside.replace("cfnr=\"15\"", "cfnr=\"40\"")));
    assert_eq!(with(None).text(), modify(&inside.replace(" cfnr=\"15\"", "")));
    let bare = SHOWN.replace(" cfnr=\"15\"", "");
    let print = read(&bare).unwrap().print;
    let added = with_no_answer(&bare, Some(20), print).unwrap();
    assert_eq!(added.text(), modify(&inside.replace(" cfnr=\"15\"", " cfnr=\"20\"")));
}

#[test]
fn a_record_that_was_changed_meanwhile_does_not_go_back() {
    let print = read(SHOWN).unwrap().print;
    let changed = SHOWN.replace("Phone", "Telephone");
    assert_eq!(with_no_answer(&changed, Some(20), print), Err(AdminError::Changed));
}

fn any_sources() -> impl Strategy<Value = Sources> {
    let numbers = || {
        let number = "[0-9*#<&\"']{1,12}".prop_map(|number| Personal::from(number.as_str()));
        proptest::collection::vec(number, 1..5)
    };
    prop_oneof![
        Just(Sources::All),
        Just(Sources::Internal),
        Just(Sources::External),
        numbers().prop_map(Sources::Only),
        numbers().prop_map(Sources::OnlyNot),
    ]
}

/// White space, comments, attributes and children that nobody knows, in any spelling.
fn any_other() -> impl Strategy<Value = String> {
    let pieces = [
        "\r\n  ",
        "<!-- cfnr=\"1\" -->",
        "<phone dnd-ext='1'><rec fkey=\"&#10;&amp;\"/></phone>",
        "<x:odd xmlns:x=\"u\">a &lt; b</x:odd>",
        "<![CDATA[<cd type=\"cfu\"/>]]>",
        "<device hw=\"anna\"  text='a > b' />",
        "<ü ö=\"ä\"/>",
        "<deep><cd type=\"cfu\"/></deep>",
    ];
    proptest::collection::vec(select(pieces.to_vec()), 0..6).prop_map(|pieces| pieces.concat())
}

fn any_attributes() -> impl Strategy<Value = String> {
    let pieces = [
        " pwd=\"********\"",
        " pwdx='0a1b'",
        "\n cfnr-x=\"7\"",
        " text = \"a=b cfnr='9'\"",
        " xcfnr=\"3\"",
        " dn=\"R&amp;D &#x1F4DE;\"",
        " ",
    ];
    proptest::collection::vec(select(pieces.to_vec()), 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_diversion_reads_as_it_was_written(
        kind in select(vec![Kind::Always, Kind::Busy, Kind::NoAnswer]),
        to in "[0-9+*#<&\"]{1,12}",
        by_name in any::<bool>(),
        sources in any_sources(),
    ) {
        let to: Personal = to.as_str().into();
        let to = if by_name { Target::Name(to) } else { Target::Number(to) };
        let diversion = Diversion { kind, to, sources, element: Personal::default() };
        let command = add("A", &diversion);
        let cd = command.text();
        let cd = &cd[cd.find("<cd").unwrap()..cd.find("</user>").unwrap()];
        let back = one(cd);
        prop_assert!(back.is_like(&diversion), "{}", cd);
        prop_assert_eq!(back.element.text(), cd);
    }

    // Whatever else is in a record, it goes back byte for byte.
    #[test]
    fn what_is_not_understood_survives(
        before in any_attributes(),
        after in any_attributes(),
        time in proptest::option::of(0..900u32),
        children in any_other(),
        new in proptest::option::of(1..900u32),
    ) {
        let user = |time: Option<u32>| {
            let time = time.map_or_else(String::new, |time| format!(" cfnr=\"{time}\""));
            format!("<user cn=\"A\"{before}{time}{after} x=\"y\">{children}</user>")
        };
        let shown = format!("<?xml version=\"1.0\"?>\n<show>{}</show>", user(time));
        let record = read(&shown).unwrap();
        prop_assert_eq!(record.no_answer_s, time);
        prop_assert_eq!(&record.diversions, &[]);
        let modified = with_no_answer(&shown, new, record.print).unwrap();
        let expected = match (time, new) {
            (None, Some(new)) => {
                let all = user(None);
                all.replacen(" x=\"y\">", &format!(" x=\"y\" cfnr=\"{new}\">"), 1)
            }
            (_, new) => user(new),
        };
        prop_assert_eq!(modified.text(), format!("<modify>{expected}</modify>"));
        let again = modified.text().replace("modify>", "show>");
        prop_assert_eq!(read(&again).unwrap().no_answer_s, new);
    }

    #[test]
    fn nothing_that_may_be_answered_makes_it_panic(answer in "[<>/a-z\"'= &;!-]{0,80}") {
        let _ = (read(&answer), done(&answer), with_no_answer(&answer, Some(1), 0));
    }

    #[test]
    fn a_record_cut_anywhere_is_no_record(at in 0..SHOWN.len()) {
        prop_assert!(read(&SHOWN[..at]).is_err());
    }
}
