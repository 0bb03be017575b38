//! The liberties that answers may take, and those they may not.

#![allow(clippy::unwrap_used)]

use super::super::types::{CallInfo, UserInfo};
use super::super::{Answer, Charset, Dialect, Fault, Kind, SoapError, decode, limit};
use engine::id::{CallHandle, UserHandle};

/// An answer with this inside of its response element, as the PBX itself would write it.
fn response(parts: &str) -> String {
    format!(
        "<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\">\
         <SOAP-ENV:Body><inno:XResponse xmlns:inno=\"http://innovaphone.com/pbx\">{parts}\
         </inno:XResponse></SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )
}

fn users(parts: &str) -> Vec<UserInfo> {
    match decode(Kind::FindUser, response(parts).as_bytes()).unwrap() {
        Answer::FindUser(users) => users,
        other => panic!("{other:?}"),
    }
}

fn calls(parts: &str) -> Vec<CallInfo> {
    match decode(Kind::Poll, response(parts).as_bytes()).unwrap() {
        Answer::Poll(all) => all.call,
        other => panic!("{other:?}"),
    }
}

/// The long name of the only user in this text of a `cn` element, tags included.
fn name_in(cn: &str) -> String {
    let [user] = &users(&format!("<return><item>{cn}<dn>after</dn></item></return>"))[..] else {
        panic!("not one user in {cn}")
    };
    assert_eq!(user.dn.text(), "after");
    user.cn.text().into()
}

fn number(document: &str) -> Result<Answer, SoapError> {
    decode(Kind::UserCall, document.as_bytes())
}

// ---- structure ----------------------------------------------------------------------------

#[test]
fn the_envelope_may_be_spelt_in_any_way() {
    let seven = Answer::UserCall(CallHandle(7));
    for document in [
        // Any prefix, bound or not.
        "<s:Envelope><s:Body><n:UserCallResponse><return>7</return></n:UserCallResponse></s:Body></s:Envelope>",
        // Default namespaces.
        "<Envelope xmlns=\"http://schemas.xmlsoap.org/soap/envelope/\"><Body>\
         <UserCallResponse xmlns=\"http://innovaphone.com/pbx\"><return>7</return>\
         </UserCallResponse></Body></Envelope>",
        // A declaration, a byte order mark, comments, blanks, a header, a prefix on the part.
        "\u{FEFF}<?xml version='1.0'?>\r\n<!-- hello -->\n<e:Envelope>\n <e:Header><x><Body/></x>\
         </e:Header>\n <e:Body>\n\t<r>\n<ns1:return xsi:type='xsd:int'> 7\n</ns1:return >\
         </r></e:Body></e:Envelope>\n\n",
        // A result that is kept apart from its place.
        "<e:Envelope><e:Body><r><return href=\"#id0\"/></r>\
         <multiRef id=\"id0\" xsi:type=\"xsd:int\">7</multiRef></e:Body></e:Envelope>",
        // Whatever comes behind the end.
        "<Envelope><Body><r><return>7</return></r></Body></Envelope>\0\0 junk <",
    ] {
        assert_eq!(number(document).as_ref(), Ok(&seven), "{document}");
    }
}

#[test]
fn a_fault_is_a_fault_in_any_spelling() {
    let fault = |code: &str, text: &str, detail: &str| {
        Err(SoapError::Fault(Fault { code: code.into(), text: text.into(), detail: detail.into() }))
    };
    assert_eq!(
        number(
            "<S:Envelope><S:Body><S:Fault><faultcode>S:Server</faultcode>\
             <faultstring> no such call </faultstring><detail>7001</detail></S:Fault></S:Body></S:Envelope>"
        ),
        fault("S:Server", "no such call", "7001")
    );
    assert_eq!(number("<Envelope><Body><Fault/></Body></Envelope>"), fault("", "", ""));
}

#[test]
fn an_answer_that_says_nothing_says_no() {
    for parts in ["", "<return/>", "<return xsi:nil=\"true\"/>", "<other>1</other>"] {
        let document = response(parts);
        assert_eq!(number(&document), Ok(Answer::UserCall(CallHandle(0))), "{parts}");
        let refused = Answer::Initialize { session: 0, key: 0 };
        assert_eq!(decode(Kind::Initialize, document.as_bytes()), Ok(refused));
        assert_eq!(decode(Kind::FindUser, document.as_bytes()), Ok(Answer::FindUser(Vec::new())));
        assert_eq!(
            decode(Kind::UserRedirect, document.as_bytes()),
            Ok(Answer::UserRedirect(false))
        );
    }
}

#[test]
fn array_items_may_have_any_name() {
    let (one, two) = ("<cn>a</cn><guid>1</guid>", "<guid>2</guid><cn>b</cn>");
    for parts in [
        format!("<return><item>{one}</item><item>{two}</item></return>"),
        format!("<return><user>{one}</user><user>{two}</user></return>"),
        format!(
            "<return><x:UserInfo xsi:type='x:UserInfo'>{one}</x:UserInfo><e>{two}</e></return>"
        ),
        format!("<return><i>{one}</i><i xsi:nil='true'/><i>{two}</i></return>"),
        format!(
            "<return><i href='#a'/><i href='#b'/></return><q id='b'>{two}</q><q id='a'>{one}</q>"
        ),
    ] {
        let names: Vec<_> = users(&parts).iter().map(|user| user.cn.text().to_owned()).collect();
        assert_eq!(names, ["a", "b"], "{parts}");
    }
}

#[test]
fn lists_without_an_array_round_them_are_read_too() {
    // The document/literal interface of newer boxes.
    let call = |handle: u32| {
        format!(
            "<call><user>1</user><call>{handle}</call><No><type>this</type><h323>a</h323></No>\
             <No><type>peer</type><h323>b</h323></No><msg>x-conn</msg>\
             <info><type>conf</type><vals>5d1f</vals></info></call>"
        )
    };
    let calls = calls(&format!("<return>{}{}</return>", call(5), call(6)));
    let handles: Vec<_> = calls.iter().map(|call| (call.user, call.call)).collect();
    assert_eq!(handles, [(UserHandle(1), CallHandle(5)), (UserHandle(1), CallHandle(6))]);
    let roles: Vec<_> = calls[0].no.iter().map(|no| &*no.kind).collect();
    assert_eq!(roles, ["this", "peer"]);
    assert_eq!(&*calls[1].info[0].kind, "conf");
}

#[test]
fn fields_may_come_in_any_order_and_strange_ones_are_passed_over() {
    let [call] = &calls(
        "<return><new><call>1</call></new><call><call><info/><msg> r-ct </msg><state>\n5 </state>\
         <extra><state>9</state></extra><call>+7</call><active> 1 </active><user>1</user></call>\
         </call></return>",
    )[..] else {
        panic!("not one call")
    };
    assert_eq!((call.user, call.call), (UserHandle(1), CallHandle(7)));
    assert_eq!((call.state, call.active, &*call.msg), (5, true, "r-ct"));
}

#[test]
fn one_presence_or_a_list_of_them_is_read() {
    let word = "<presence><status>open</status><activity>dnd</activity><note>x</note></presence>";
    for presence in [word.to_owned(), format!("<presence>{word}{word}</presence>")] {
        let users = users(&format!("<return><item>{presence}</item></return>"));
        let presence = users[0].presence.as_ref().unwrap();
        assert_eq!(presence.activity.as_ref().unwrap().word(), "dnd");
        assert_eq!(presence.note.text(), "x");
    }
}

#[test]
fn a_record_that_cannot_be_read_is_left_out() {
    for bad in [
        "<item><cn>b</cn><active>perhaps</active></item>".to_owned(),
        "<item><cn>b</cn><state>99999999999</state></item>".to_owned(),
        format!("<item><cn>{}</cn></item>", "b".repeat(limit::TEXT_BYTES + 1)),
        "<item>b</item>".to_owned(),
    ] {
        let good = |name: &str| format!("<item><cn>{name}</cn></item>");
        let users = users(&format!("<return>{}{bad}{}</return>", good("a"), good("c")));
        let names: Vec<_> = users.iter().map(|user| user.cn.text()).collect();
        assert_eq!(names, ["a", "c"]);
    }
}

#[test]
fn handles_beyond_31_bits_keep_their_bits() {
    for (written, handle) in [("4294967295", u32::MAX), ("-1", u32::MAX), ("2147483648", 1 << 31)] {
        let document = response(&format!("<return>{written}</return>"));
        assert_eq!(number(&document), Ok(Answer::UserCall(CallHandle(handle))));
    }
    for written in ["4294967296", "-2147483649", "7a", "0x7", "1.0"] {
        let error = number(&response(&format!("<return>{written}</return>"))).unwrap_err();
        assert_eq!(error.to_string(), "the element return should hold a number");
    }
}

// ---- texts --------------------------------------------------------------------------------

#[test]
fn names_come_through_however_they_are_escaped() {
    for cn in [
        "<cn>Bob &amp; &lt;Sons&gt;</cn>",
        "<cn><![CDATA[Bob & <Sons>]]></cn>",
        "<cn>Bob <![CDATA[&]]> &#60;Sons&#x3e;</cn>",
        "<cn xsi:type=\"xsd:string\">Bob &#38; &#x3C;<!-- and -->Sons&gt;</cn>",
        "<cn><![CDATA[Bob & ]]><![CDATA[<Sons>]]></cn>",
    ] {
        assert_eq!(name_in(cn), "Bob & <Sons>", "{cn}");
    }
    for name in ["Zoë Ünal-Groß", "張偉", "Anna 🙂", " two  blanks ", ""] {
        assert_eq!(name_in(&format!("<cn>{name}</cn>")), name);
    }
    assert_eq!(name_in("<cn/>"), "");
    assert_eq!(name_in("<cn xsi:nil='1'/>"), "");
}

#[test]
fn names_that_nobody_escaped_do_the_least_harm() {
    assert_eq!(name_in("<cn>Bob & Sons</cn>"), "Bob & Sons");
    assert_eq!(name_in("<cn>A & B; C</cn>"), "A & B; C");
    assert_eq!(name_in("<cn>AT&T</cn>"), "AT&T");
    assert_eq!(name_in("<cn>&nbsp;&#0;&#xD800;</cn>"), "&nbsp;&#0;&#xD800;");
    assert_eq!(name_in("<cn>Bob & <Sons></cn>"), "Bob & ");
}

#[test]
fn latin_1_is_read_where_utf_8_fails() {
    let answer = Answer::UserLocalNum("Müßig & Söhne 張".into());
    let bytes = answer.write(&Dialect { charset: Charset::Latin1, ..Dialect::default() });
    assert!(bytes.contains(&0xFC), "a single byte for the u with dots");
    assert_eq!(decode(Kind::UserLocalNum, &bytes), Ok(answer));
}

#[test]
fn unescaped_answers_of_very_old_boxes_are_read_as_far_as_possible() {
    let answer = Answer::UserLocalNum("R&D \"Lab\" > 1".into());
    let bytes = answer.write(&Dialect { charset: Charset::Unescaped, ..Dialect::default() });
    assert_eq!(decode(Kind::UserLocalNum, &bytes), Ok(answer));
}

// ---- refusals -----------------------------------------------------------------------------

#[test]
fn what_is_not_soap_is_refused_with_the_reason() {
    let refusal = |document: &str| number(document).unwrap_err().to_string();
    let advice = "is this the address of a PBX?";
    for (document, reason) in [
        ("hello", "not a SOAP message: no element in it"),
        ("<html><body>Login</body></html>", "not a SOAP message: its root is no Envelope"),
        ("<Envelope/>", "not a SOAP message: there is no Body"),
        ("<Envelope><Body> </Body></Envelope>", "not a SOAP message: its Body is empty"),
    ] {
        assert_eq!(refusal(document), format!("{reason}; {advice}"));
    }
    assert!(refusal("<Envelope><Body></r></Body></Envelope>").starts_with("not XML at byte "));
    assert!(refusal("<Envelope><!x></Envelope>").starts_with("not XML at byte "));
    assert_eq!(refusal(""), "the message is cut off after 0 bytes");
}

#[test]
fn an_answer_cut_off_anywhere_is_refused() {
    let document = response("<return xsi:type=\"xsd:int\"><!-- a --><![CDATA[7]]></return>");
    assert_eq!(number(&document), Ok(Answer::UserCall(CallHandle(7))));
    for cut in 0..document.len() {
        number(&document[..cut]).unwrap_err();
    }
    let cut = document.len() - 1;
    assert_eq!(number(&document[..cut]), Err(SoapError::Truncated { bytes: cut }));
}

#[test]
fn everything_has_a_limit() {
    let too_large = |kind, document: String| match decode(kind, document.as_bytes()) {
        Err(SoapError::TooLarge { what, limit }) => (what, limit),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        too_large(Kind::Admin, response(&" ".repeat(limit::BODY_BYTES))),
        ("message", limit::BODY_BYTES)
    );
    assert_eq!(
        too_large(Kind::Poll, response(&"<return>".repeat(limit::DEPTH))),
        ("depth", limit::DEPTH)
    );
    assert_eq!(
        too_large(Kind::Poll, response(&"<a/>".repeat(limit::ELEMENTS))),
        ("elements", limit::ELEMENTS)
    );
    let records = "<u><cn/></u>".repeat(limit::RECORDS + 1);
    assert_eq!(
        too_large(Kind::FindUser, response(&format!("<return>{records}</return>"))),
        ("records", limit::RECORDS)
    );
    // In pieces as well.
    let half = format!("<user>{}</user>", "<u><cn/></u>".repeat(limit::RECORDS / 2 + 1));
    assert_eq!(
        too_large(Kind::Poll, response(&format!("<return>{half}{half}</return>"))),
        ("records", limit::RECORDS)
    );
    assert_eq!(too_large(Kind::Poll, response(&"<a href='#a'/>".repeat(1001))).0, "references");
}

#[test]
fn a_long_text_that_is_no_record_may_be_long() {
    let xml = "x".repeat(100 * limit::TEXT_BYTES);
    let document = response(&format!("<return>{xml}</return>"));
    assert_eq!(decode(Kind::Admin, document.as_bytes()), Ok(Answer::Admin(xml.as_str().into())));
}

#[test]
fn references_in_a_circle_come_to_an_end() {
    let document = "<Envelope><Body><r><return href='#a'/></r><a id='a'><user href='#a'/>\
                    <call href='#b'/></a><b id='b' href='#b'/></Body></Envelope>";
    assert!(decode(Kind::Poll, document.as_bytes()).is_ok());
}
