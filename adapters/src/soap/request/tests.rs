//! What we write, and what others have been seen to write.

#![allow(clippy::unwrap_used)]

use super::super::any;
use super::super::types::{Info, Presence};
use super::super::{Flags, Interface, Kind, Operation, Request, SoapError, Strictness};
use engine::id::{CallHandle, UserHandle};
use proptest::prelude::*;
use proptest::sample::select;

fn read(body: &str) -> Result<Request, SoapError> {
    Request::decode(body.as_bytes(), None, Strictness::Lenient)
}

/// The element of the operation as written, one tag a line.
fn written(operation: &Operation, interface: Interface) -> String {
    let body = operation.write(interface).body;
    let (_, from_body) = body.split_once("<SOAP-ENV:Body>").unwrap();
    let (inside, _) = from_body.split_once("</SOAP-ENV:Body>").unwrap();
    inside.replace("><", ">\n<")
}

fn a_call() -> Operation {
    Operation::UserCall {
        user: UserHandle(1),
        cn: "".into(),
        e164: "0<21>&".into(),
        h323: "".into(),
        reg: 0,
        info: Vec::new(),
        rc: 0,
        srce164: "".into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_request_decodes_to_itself_less_what_its_interface_leaves_out(
        operation in select(Kind::ALL).prop_flat_map(Kind::any),
        interface in select(Interface::ALL.as_slice()),
    ) {
        let envelope = operation.write(interface);
        let flags = match operation.kind() {
            Kind::Initialize => Flags::of(interface),
            Kind::FindUser | Kind::LocationUrl => Flags { v: false, ..Flags::of(interface) },
            _ => Flags::default(),
        };
        let expected = Request { operation: operation.within(interface), flags };
        for strictness in [Strictness::Lenient, Strictness::Strict] {
            let action = format!("\"{}\"", envelope.action);
            let request = Request::decode(envelope.body.as_bytes(), Some(&action), strictness);
            prop_assert_eq!(request.as_ref(), Ok(&expected));
        }
    }

    #[test]
    fn a_request_cut_off_or_made_up_is_an_error(
        operation in select(Kind::ALL).prop_flat_map(Kind::any),
        cut in any::any::<prop::sample::Index>(),
        noise in prop::collection::vec(any::any::<u8>(), 0..200),
    ) {
        let body = operation.write(Interface::V1000).body;
        let cut = cut.index(body.len() - "\n".len());
        let decode = |bytes: &[u8]| Request::decode(bytes, None, Strictness::Lenient);
        // A cut inside a character leaves no text; that is an error by Latin-1 as well.
        prop_assert!(decode(&body.as_bytes()[..cut]).is_err());
        prop_assert!(decode(&noise).is_err());
    }
}

#[test]
fn within_the_newest_interface_nothing_is_left_out() {
    let call = a_call();
    assert_eq!(call.clone().within(Interface::V1000), call);
    let hold = Operation::UserHold { call: CallHandle(7), remote: true };
    let plain = Operation::UserHold { call: CallHandle(7), remote: false };
    assert_eq!(hold.within(Interface::V800), plain);
}

#[test]
fn a_request_has_the_shape_of_the_worked_traces() {
    assert_eq!(
        Operation::Poll { session: 41 }.write(Interface::V1000).body,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:SOAP-ENC=\"http://schemas.xmlsoap.org/soap/encoding/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
         xmlns:inno=\"http://innovaphone.com/pbx\" \
         SOAP-ENV:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\">\
         <SOAP-ENV:Body><op:Poll xmlns:op=\"http://innovaphone.com/pbx\">\
         <session xsi:type=\"xsd:int\">41</session></op:Poll>\
         </SOAP-ENV:Body></SOAP-ENV:Envelope>\n"
    );
    assert_eq!(
        written(&a_call(), Interface::V1000),
        "<op:UserCall xmlns:op=\"http://innovaphone.com/pbx\">\n\
         <user xsi:type=\"xsd:int\">1</user>\n\
         <cn xsi:type=\"xsd:string\" xsi:nil=\"true\"/>\n\
         <e164 xsi:type=\"xsd:string\">0&lt;21&gt;&amp;</e164>\n\
         <h323 xsi:type=\"xsd:string\" xsi:nil=\"true\"/>\n\
         <reg xsi:type=\"xsd:int\">0</reg>\n\
         <rc xsi:type=\"xsd:int\">0</rc>\n\
         <srce164 xsi:type=\"xsd:string\" xsi:nil=\"true\"/>\n\
         </op:UserCall>"
    );
    let message = Operation::UserMessage {
        user: UserHandle(1),
        e164: "20".into(),
        h323: "".into(),
        msg: "hi".into(),
        src_e164: "".into(),
        src_h323: "".into(),
    };
    assert!(!written(&message, Interface::V700).contains("src_"));
    assert!(written(&message, Interface::V800).contains("src_h323"));
}

#[test]
fn structures_and_arrays_are_typed() {
    let info = vec![Info { kind: "a".into(), vali: -1, vals: "b".into() }];
    let clear = Operation::UserClear { call: CallHandle(7), cause: 26, info };
    assert_eq!(
        written(&clear, Interface::V1000),
        "<op:UserClear xmlns:op=\"http://innovaphone.com/pbx\">\n\
         <call xsi:type=\"xsd:int\">7</call>\n<cause xsi:type=\"xsd:int\">26</cause>\n\
         <info xsi:type=\"SOAP-ENC:Array\" SOAP-ENC:arrayType=\"inno:Info[1]\">\n\
         <item xsi:type=\"inno:Info\">\n<type xsi:type=\"xsd:string\">a</type>\n\
         <vali xsi:type=\"xsd:int\">-1</vali>\n<vals xsi:type=\"xsd:string\">b</vals>\n\
         </item>\n</info>\n</op:UserClear>"
    );
    let presence = Operation::SetPresence {
        presence: Presence::default(),
        im: false,
        contact: "".into(),
        guid: "*".into(),
        h323: "anna".into(),
    };
    assert!(written(&presence, Interface::V1000).contains("<presence xsi:type=\"inno:Presence\">"));
}

#[test]
fn the_flags_select_the_interface() {
    let initialize = Operation::Initialize { user: "TAPI".into(), appl: "Tapline".into() };
    let flags = |interface| {
        written(&initialize, interface)
            .lines()
            .filter_map(|line| {
                line.strip_suffix("xsi:type=\"xsd:boolean\">true</vx1000>")
                    .or(line.split_once(" xsi:type=\"xsd:boolean\">true<").map(|(name, _)| name))
            })
            .map(|name| name.trim().trim_start_matches('<').to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(flags(Interface::V501), ["v", "v501"]);
    assert_eq!(flags(Interface::V700), ["v", "v501", "v700"]);
    assert_eq!(flags(Interface::V800), ["v", "v501", "v700", "v800"]);
    assert_eq!(flags(Interface::V1000), ["v", "v501", "v700", "v800", "vx1000"]);
    for interface in Interface::ALL {
        let seen = Flags::of(interface).interface();
        let told = if interface == Interface::V1000Early { Interface::V1000 } else { interface };
        assert_eq!(seen, told);
    }
    let find = Operation::LocationUrl { loc: "branch".into(), tls: true };
    assert!(written(&find, Interface::V700).starts_with(
        "<op:LocationUrl xmlns:op=\"http://innovaphone.com/pbx\">\n\
         <v501 xsi:type=\"xsd:string\">true</v501>\n<v700 xsi:type=\"xsd:string\">true</v700>\n\
         <loc xsi:type=\"xsd:string\">branch</loc>\n</op:"
    ));
}

#[test]
fn actions_and_namespaces_are_those_of_the_wsdl() {
    for &kind in Kind::ALL {
        let (action, namespace) = match kind {
            Kind::Echo => ("http://innovaphone.com/pbx#Echo", "http://innovaphone/binding"),
            Kind::UserEnd => ("capeconnect:pbx:pbxPortType#UserEnd", "http://innovaphone/binding"),
            _ => ("", "http://innovaphone.com/pbx"),
        };
        let usual = format!("http://innovaphone.com/pbx#{}", kind.name());
        assert_eq!(kind.action(), if action.is_empty() { &usual } else { action });
        assert_eq!(kind.namespace(), namespace);
        assert_eq!(Kind::named(kind.name()), Some(kind));
    }
    assert_eq!(Kind::ALL.len(), 34);
}

#[test]
fn the_requests_of_known_clients_are_understood() {
    let mut expected = a_call();
    if let Operation::UserCall { e164, .. } = &mut expected {
        *e164 = "21".into();
    }
    for body in [
        // As PHP writes it.
        "<SOAP-ENV:Envelope SOAP-ENV:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\">\
         <SOAP-ENV:Body><ns1:UserCall xmlns:ns1=\"http://innovaphone.com/pbx\">\
         <user xsi:type=\"xsd:int\">1</user><cn xsi:nil=\"true\"/>\
         <e164 xsi:type=\"xsd:string\">21</e164><h323 xsi:nil=\"true\"/>\
         <reg xsi:type=\"xsd:int\">0</reg>\
         <info SOAP-ENC:arrayType=\"ns1:Info[0]\" xsi:type=\"ns1:InfoArray\"/>\
         <rc xsi:type=\"xsd:int\">0</rc><srce164 xsi:nil=\"true\"/></ns1:UserCall>\
         </SOAP-ENV:Body></SOAP-ENV:Envelope>",
        // As a Go client does: a prefix without a namespace, an empty header, only what matters.
        "<SOAP-ENV:Envelope><SOAP-ENV:Header></SOAP-ENV:Header><SOAP-ENV:Body>\
         <inno:UserCall><user>1</user><e164>21</e164></inno:UserCall></SOAP-ENV:Body>\
         </SOAP-ENV:Envelope>",
        // As .NET does: structures apart from their places.
        "<soap:Envelope><soap:Body><q1:UserCall xmlns:q1=\"http://innovaphone.com/pbx\">\
         <user xsi:type=\"xsd:int\">1</user><e164 xsi:type=\"xsd:string\">21</e164>\
         <info href=\"#id1\"/></q1:UserCall>\
         <soapenc:Array id=\"id1\" soapenc:arrayType=\"q1:Info[0]\"/></soap:Body></soap:Envelope>",
        // In another order, and with a part that nobody knows.
        "<Envelope><Body><UserCall><e164>21</e164><tone>5</tone><user> 1 </user></UserCall></Body>\
         </Envelope>",
    ] {
        assert_eq!(read(body).unwrap().operation, expected, "{body}");
    }
}

#[test]
fn arrays_apart_from_their_place_are_read() {
    let body = "<e:Envelope><e:Body><o:UserClear><call>7</call><cause>16</cause>\
                <info href=\"#id1\"/></o:UserClear><a:Array id=\"id1\"><Item href=\"#id2\"/>\
                </a:Array><o:Info id=\"id2\"><type>x</type><vali>1</vali><vals/></o:Info></e:Body>\
                </e:Envelope>";
    let info = vec![Info { kind: "x".into(), vali: 1, vals: "".into() }];
    let expected = Operation::UserClear { call: CallHandle(7), cause: 16, info };
    assert_eq!(read(body).unwrap().operation, expected);
}

#[test]
fn any_text_in_a_flag_of_a_look_up_counts() {
    let find = |flag: &str| {
        let body = format!(
            "<E:Envelope><E:Body><FindUser>{flag}<cn>a</cn><count>5</count><next>true</next>\
             </FindUser></E:Body></E:Envelope>"
        );
        read(&body.replace("<next>true</next>", "<next>1</next>")).unwrap().flags
    };
    assert!(find("<v501>x</v501>").v501);
    assert!(!find("<v501/>").v501);
    assert!(!find("<v501 xsi:nil=\"true\"/>").v501);
    assert_eq!(find("<vx1000>true</vx1000>").interface(), Interface::V1000);
}

#[test]
fn a_request_that_makes_no_sense_is_refused_with_the_reason() {
    let reason = |body: &str| read(body).unwrap_err().to_string();
    let request =
        |inside: &str| reason(&format!("<E:Envelope><E:Body>{inside}</E:Body></E:Envelope>"));
    assert_eq!(request("<UserDance/>"), "there is no operation UserDance");
    assert_eq!(
        request("<Poll><session>many</session></Poll>"),
        "the element session should hold a number"
    );
    assert_eq!(
        request("<UserHold><call>1</call><remote>perhaps</remote></UserHold>"),
        "the element remote should hold true or false"
    );
}

#[test]
fn a_strict_reader_refuses_what_a_pbx_would_take() {
    let operation = Operation::Echo { session: 1, key: 2 };
    let envelope = operation.write(Interface::V1000);
    let strict = |action: Option<&str>, body: &str| {
        Request::decode(body.as_bytes(), action, Strictness::Strict)
            .map(|request| request.operation)
            .map_err(|error| error.to_string())
    };
    let action = Some(envelope.action.as_str());
    let body = envelope.body.as_str();
    assert_eq!(strict(action, body), Ok(operation));
    for (action, body, reason) in [
        (None, body.to_owned(), "SOAPAction None"),
        (Some("#Echo"), body.to_owned(), "SOAPAction Some(\"#Echo\")"),
        (action, body.replace("innovaphone/binding", "innovaphone.com/pbx"), "Echo is not in"),
        (action, body.replace(" xmlns:op=\"http://innovaphone/binding\"", ""), "Echo is not in"),
        (action, body.replace("soap/envelope/", "soap12/"), "Envelope is not in"),
        (action, body.replace(" xsi:type=\"xsd:int\">2", ">2"), "the part key has no xsi:type"),
        (
            action,
            body.replace("<key ", "<op:key ").replace("</key", "</op:key"),
            "the part key has",
        ),
        (action, body.replace("key", "kee"), "there is no part kee"),
        (action, body.replace("xsd:int\">2", "xsd:long\">2"), "the part key is no long"),
    ] {
        let refusal = strict(action, &body).unwrap_err();
        assert!(refusal.starts_with(&format!("not by the rules: {reason}")), "{refusal}");
    }
}

#[test]
fn a_request_does_not_tell_its_content_when_printed() {
    let envelope = a_call().write(Interface::V1000);
    assert!(!format!("{envelope:?} {:?}", a_call()).contains("21"));
}
