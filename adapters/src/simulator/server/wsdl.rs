//! The interface as a WSDL document, for SOAP toolkits: rpc/encoded, SOAP 1.1, all operations.
//!
//! The text is our own, made from the tables below; the names and types in it are those of the
//! interface pbx10_00 (the PBX's SOAP reference, sections 2.1 and 2.3).

use crate::soap::Kind;
use std::fmt::Write as _;

/// Parts of a message: name and type. Simple types have no prefix here.
type Parts = &'static [(&'static str, &'static str)];

/// Request and response parts of every operation, in order.
const OPERATIONS: &[(Kind, Parts, Parts)] = &[
    (
        Kind::Version,
        &[],
        &[
            ("WSDLVersion", "int"),
            ("GatekeeperID", "string"),
            ("Location", "string"),
            ("FirmwareVersion", "string"),
            ("SerialNumber", "string"),
        ],
    ),
    (
        Kind::Initialize,
        &[
            ("user", "string"),
            ("appl", "string"),
            ("v", "boolean"),
            ("v501", "boolean"),
            ("v700", "boolean"),
            ("v800", "boolean"),
            ("vx1000", "boolean"),
        ],
        &[("return", "int"), ("key", "int")],
    ),
    (Kind::Echo, &[("session", "int"), ("key", "int")], &[("return", "int")]),
    (Kind::End, &[("session", "int")], &[]),
    (Kind::Poll, &[("session", "int")], &[("return", "AnyInfo")]),
    (Kind::License, &[("session", "int"), ("name", "string")], &[("return", "string")]),
    (Kind::Admin, &[("xml", "string")], &[("return", "string")]),
    (
        Kind::FindUser,
        &[
            ("v501", "string"),
            ("v700", "string"),
            ("v800", "string"),
            ("vx1000", "string"),
            ("cn", "string"),
            ("h323", "string"),
            ("e164", "string"),
            ("count", "int"),
            ("next", "int"),
            ("nohide", "boolean"),
        ],
        &[("return", "UserInfoArray")],
    ),
    (
        Kind::UserFindDestination,
        &[("user", "int"), ("e164", "string"), ("h323", "string")],
        &[("return", "boolean"), ("user", "UserInfo")],
    ),
    (
        Kind::LocationUrl,
        &[
            ("v501", "string"),
            ("v700", "string"),
            ("v800", "string"),
            ("vx1000", "string"),
            ("loc", "string"),
            ("tls", "boolean"),
        ],
        &[("return", "string")],
    ),
    (Kind::Devices, &[("session", "int"), ("user", "string")], &[("return", "DeviceArray")]),
    (Kind::Calls, &[("session", "int"), ("user", "string")], &[("return", "CallInfoArray")]),
    (Kind::UserLocalNum, &[("user", "int"), ("num", "string")], &[("return", "string")]),
    (Kind::UserLicense, &[("guid", "string"), ("type", "string")], &[("return", "boolean")]),
    (
        Kind::SetPresence,
        &[
            ("presence", "Presence"),
            ("im", "boolean"),
            ("contact", "string"),
            ("guid", "string"),
            ("h323", "string"),
        ],
        &[("return", "int")],
    ),
    (
        Kind::UserInitialize,
        &[
            ("session", "int"),
            ("user", "string"),
            ("xfer", "boolean"),
            ("disc", "boolean"),
            ("hw", "string"),
        ],
        &[("return", "int")],
    ),
    (Kind::UserEnd, &[("user", "int")], &[]),
    (
        Kind::UserCall,
        &[
            ("user", "int"),
            ("cn", "string"),
            ("e164", "string"),
            ("h323", "string"),
            ("reg", "int"),
            ("info", "InfoArray"),
            ("rc", "int"),
            ("srce164", "string"),
        ],
        &[("return", "int")],
    ),
    (Kind::UserClear, &[("call", "int"), ("cause", "int"), ("info", "InfoArray")], &[]),
    (Kind::UserConnect, &[("call", "int")], &[]),
    (Kind::UserRc, &[("call", "int"), ("rc", "int")], &[]),
    (
        Kind::UserInfo,
        &[
            ("call", "int"),
            ("recv", "boolean"),
            ("cdpn", "string"),
            ("key", "string"),
            ("dsp", "string"),
        ],
        &[],
    ),
    (Kind::UserDTMF, &[("call", "int"), ("recv", "boolean"), ("dtmf", "string")], &[]),
    (Kind::UserUUI, &[("call", "int"), ("recv", "boolean"), ("uui", "string")], &[]),
    (
        Kind::UserPickup,
        &[
            ("user", "int"),
            ("cn", "string"),
            ("call", "int"),
            ("group", "string"),
            ("reg", "int"),
            ("info", "InfoArray"),
        ],
        &[("return", "int")],
    ),
    (
        Kind::UserRedirect,
        &[
            ("call", "int"),
            ("cn", "string"),
            ("e164", "string"),
            ("h323", "string"),
            ("info", "InfoArray"),
            ("rc", "int"),
        ],
        &[("return", "boolean")],
    ),
    (
        Kind::UserReroute,
        &[
            ("call", "int"),
            ("cn", "string"),
            ("e164", "string"),
            ("h323", "string"),
            ("info", "InfoArray"),
        ],
        &[("return", "boolean")],
    ),
    (Kind::UserTransfer, &[("a", "int"), ("b", "int")], &[]),
    (
        Kind::UserMediaTransfer,
        &[("a", "int"), ("b", "int"), ("user", "boolean"), ("peer", "boolean")],
        &[],
    ),
    (Kind::UserCtComplete, &[("call", "int"), ("e164", "string"), ("h323", "string")], &[]),
    (Kind::UserHold, &[("call", "int"), ("remote", "boolean")], &[]),
    (Kind::UserRetrieve, &[("call", "int")], &[]),
    (
        Kind::UserPark,
        &[("call", "int"), ("cn", "string"), ("position", "int")],
        &[("return", "int")],
    ),
    (
        Kind::UserMessage,
        &[
            ("user", "int"),
            ("e164", "string"),
            ("h323", "string"),
            ("msg", "string"),
            ("src_e164", "string"),
            ("src_h323", "string"),
        ],
        &[("return", "int")],
    ),
];

/// Elements of every structure, in order; `?` after a name: may be absent.
const STRUCTURES: &[(&str, Parts)] = &[
    ("Info", &[("type", "string"), ("vali", "int"), ("vals", "string")]),
    (
        "No",
        &[
            ("type", "string"),
            ("cn", "string"),
            ("dn", "string"),
            ("e164", "string"),
            ("h323", "string"),
        ],
    ),
    ("Group", &[("group", "string"), ("active", "boolean")]),
    ("Device", &[("hw", "string"), ("text", "string")]),
    (
        "CallInfo",
        &[
            ("user", "int"),
            ("call", "int"),
            ("reg", "int"),
            ("active", "boolean"),
            ("state", "int"),
            ("No", "NoArray"),
            ("msg", "string"),
            ("info", "InfoArray"),
        ],
    ),
    (
        "Presence",
        &[("status?", "PresenceStatus"), ("activity?", "PresenceActivity"), ("note?", "string")],
    ),
    (
        "UserInfo",
        &[
            ("active", "boolean"),
            ("cn", "string"),
            ("dn", "string"),
            ("type", "string"),
            ("e164", "string"),
            ("h323", "string"),
            ("state", "int"),
            ("channel", "int"),
            ("alert", "int"),
            ("guid", "string"),
            ("groups?", "GroupArray"),
            ("loc?", "string"),
            ("node?", "string"),
            ("object?", "string"),
            ("nodenum?", "string"),
            ("cfg?", "boolean"),
            ("presence?", "Presence"),
            ("domain?", "string"),
            ("h323email?", "boolean"),
            ("email?", "EmailArray"),
            ("info?", "InfoArray"),
        ],
    ),
    (
        "RegInfo",
        &[
            ("active", "boolean"),
            ("user", "int"),
            ("reg", "int"),
            ("hw", "string"),
            ("soap", "string"),
            ("info", "InfoArray"),
        ],
    ),
    (
        "AnyInfo",
        &[
            ("user?", "UserInfoArray"),
            ("call?", "CallInfoArray"),
            ("reg?", "RegInfoArray"),
            ("info?", "InfoArray"),
        ],
    ),
];

/// Every array, and what it is made of.
const ARRAYS: &[(&str, &str)] = &[
    ("InfoArray", "Info"),
    ("NoArray", "No"),
    ("GroupArray", "Group"),
    ("EmailArray", "string"),
    ("DeviceArray", "Device"),
    ("CallInfoArray", "CallInfo"),
    ("UserInfoArray", "UserInfo"),
    ("RegInfoArray", "RegInfo"),
];

/// The little of the encoding's own schema that the document refers to.
pub(super) const ENCODING: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n",
    "<xsd:schema targetNamespace=\"http://schemas.xmlsoap.org/soap/encoding/\"\n",
    "  xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">\n",
    "  <xsd:attribute name=\"arrayType\" type=\"xsd:string\"/>\n",
    "  <xsd:complexType name=\"Array\"><xsd:sequence>\n",
    "    <xsd:any minOccurs=\"0\" maxOccurs=\"unbounded\" processContents=\"lax\"/>\n",
    "  </xsd:sequence></xsd:complexType>\n",
    "</xsd:schema>\n",
);

/// The document, for a PBX at this address.
pub(super) fn document(url: &str) -> String {
    let mut out = String::from(concat!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n",
        "<definitions name=\"pbx\" targetNamespace=\"http://innovaphone.com/pbx\"\n",
        "  xmlns=\"http://schemas.xmlsoap.org/wsdl/\"\n",
        "  xmlns:soap=\"http://schemas.xmlsoap.org/wsdl/soap/\"\n",
        "  xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\"\n",
        "  xmlns:enc=\"http://schemas.xmlsoap.org/soap/encoding/\"\n",
        "  xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"\n",
        "  xmlns:pbx=\"http://innovaphone.com/pbx\">\n",
        "  <documentation>Interface of Tapline's PBX simulator, after pbx10_00.</documentation>\n",
        "  <types>\n",
        "    <xsd:schema targetNamespace=\"http://innovaphone.com/pbx\">\n",
        // Some toolkits would fetch this one from the Internet, if they were not told where it is.
        "      <xsd:import namespace=\"http://schemas.xmlsoap.org/soap/encoding/\"",
        " schemaLocation=\"soap-encoding.xsd\"/>\n",
    ));
    types(&mut out);
    out.push_str("    </xsd:schema>\n  </types>\n");
    messages(&mut out);
    port_type(&mut out);
    binding(&mut out);
    let url = url.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    let _ = write!(
        out,
        "  <service name=\"pbx\">\n    <port name=\"pbxPort\" binding=\"pbx:pbxBinding\">\n      \
         <soap:address location=\"{url}\"/>\n    </port>\n  </service>\n</definitions>\n"
    );
    out
}

fn types(out: &mut String) {
    let activities = crate::soap::types::PresenceActivity::LISTED.iter().map(|word| word.word());
    let states = crate::soap::types::PresenceStatus::LISTED.iter().map(|word| word.word());
    words(out, "PresenceStatus", states);
    words(out, "PresenceActivity", activities);
    for (name, elements) in STRUCTURES {
        let _ = writeln!(out, "      <xsd:complexType name=\"{name}\"><xsd:sequence>");
        for (element, of) in *elements {
            let (element, optional) = match element.strip_suffix('?') {
                Some(element) => (element, " minOccurs=\"0\""),
                None => (*element, ""),
            };
            let of = qualified(of);
            let _ =
                writeln!(out, "        <xsd:element name=\"{element}\" type=\"{of}\"{optional}/>");
        }
        out.push_str("      </xsd:sequence></xsd:complexType>\n");
    }
    for (name, of) in ARRAYS {
        let of = qualified(of);
        let _ = writeln!(
            out,
            "      <xsd:complexType name=\"{name}\"><xsd:complexContent>\n        \
             <xsd:restriction base=\"enc:Array\">\n          <xsd:sequence>\
             <xsd:element name=\"item\" type=\"{of}\" minOccurs=\"0\" maxOccurs=\"unbounded\"/>\
             </xsd:sequence>\n          \
             <xsd:attribute ref=\"enc:arrayType\" wsdl:arrayType=\"{of}[]\"/>\n        \
             </xsd:restriction>\n      </xsd:complexContent></xsd:complexType>"
        );
    }
}

fn words<'w>(out: &mut String, name: &str, words: impl Iterator<Item = &'w str>) {
    let _ = writeln!(
        out,
        "      <xsd:simpleType name=\"{name}\"><xsd:restriction base=\"xsd:string\">"
    );
    for word in words {
        let _ = writeln!(out, "        <xsd:enumeration value=\"{word}\"/>");
    }
    out.push_str("      </xsd:restriction></xsd:simpleType>\n");
}

fn messages(out: &mut String) {
    for (kind, request, response) in OPERATIONS {
        for (suffix, parts) in [("Request", request), ("Response", response)] {
            let _ = writeln!(out, "  <message name=\"{}{suffix}\">", kind.name());
            for (part, of) in *parts {
                let of = qualified(of);
                let _ = writeln!(out, "    <part name=\"{part}\" type=\"{of}\"/>");
            }
            out.push_str("  </message>\n");
        }
    }
}

fn port_type(out: &mut String) {
    out.push_str("  <portType name=\"pbxPortType\">\n");
    for (kind, ..) in OPERATIONS {
        let name = kind.name();
        let _ = writeln!(
            out,
            "    <operation name=\"{name}\">\n      <input message=\"pbx:{name}Request\"/>\n      \
             <output message=\"pbx:{name}Response\"/>\n    </operation>"
        );
    }
    out.push_str("  </portType>\n");
}

fn binding(out: &mut String) {
    out.push_str(concat!(
        "  <binding name=\"pbxBinding\" type=\"pbx:pbxPortType\">\n",
        "    <soap:binding style=\"rpc\" transport=\"http://schemas.xmlsoap.org/soap/http\"/>\n",
    ));
    for (kind, ..) in OPERATIONS {
        let body = format!(
            "<soap:body use=\"encoded\" namespace=\"{}\" \
             encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"/>",
            kind.namespace()
        );
        let _ = writeln!(
            out,
            "    <operation name=\"{}\">\n      <soap:operation soapAction=\"{}\"/>\n      \
             <input>{body}</input>\n      <output>{body}</output>\n    </operation>",
            kind.name(),
            kind.action()
        );
    }
    out.push_str("  </binding>\n");
}

/// A type with its prefix: those of our own tables are in the namespace of the PBX.
fn qualified(name: &str) -> String {
    match name {
        "string" | "int" | "boolean" => format!("xsd:{name}"),
        own => format!("pbx:{own}"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::soap::{Interface, Request, Strictness};

    #[test]
    fn every_operation_is_in_the_document_once() {
        assert_eq!(OPERATIONS.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert_eq!(OPERATIONS.iter().filter(|(listed, ..)| listed == kind).count(), 1);
        }
    }

    #[test]
    fn every_type_that_is_used_is_defined() {
        let document = document("http://192.0.2.1/PBX0/user.soap");
        let used =
            document.split("\"pbx:").skip(1).filter_map(|rest| rest.split(['"', '[']).next());
        for name in used {
            assert!(document.contains(&format!("name=\"{name}\"")), "{name} is used, not defined");
        }
    }

    #[test]
    fn every_request_that_the_provider_writes_has_the_parts_of_the_document_in_their_order() {
        for (kind, parts, _) in OPERATIONS {
            let name = kind.name();
            let asked =
                format!("<e:Envelope xmlns:e=\"x\"><e:Body><{name}/></e:Body></e:Envelope>");
            let asked = Request::decode(asked.as_bytes(), None, Strictness::Lenient).unwrap();
            let written = asked.operation.write(Interface::V1000).body;
            let mut rest = written.split_once(&format!("<op:{name} ")).unwrap().1;
            // What is not simple is left out by the writer when it is empty.
            let simple = parts.iter().filter(|(_, of)| qualified(of).starts_with("xsd:"));
            let count = rest.matches(" xsi:type=\"xsd:").count();
            assert!(count == simple.clone().count() || *kind == Kind::SetPresence, "{written}");
            for (part, of) in simple {
                let tag = format!("<{part} xsi:type=\"xsd:{of}\"");
                rest = rest.split_once(&tag).unwrap_or_else(|| panic!("no {tag} in {rest}")).1;
            }
        }
    }
}
