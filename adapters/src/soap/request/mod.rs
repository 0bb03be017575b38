//! Requests: written for a PBX, and read back for the simulator.

use super::error::SoapError;
use super::interface::Interface;
use super::operation::{Kind, Operation};
use super::parts::{PartReader, PartWriter};
use super::records;
use super::text::decoded;
use super::tree::{Element, Message, Tree};
use super::xml::local;

/// A request ready to be posted.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Value of the `SOAPAction` header, without the quotes that go round it.
    pub action: String,
    /// The document. May hold names, numbers and session keys.
    pub body: String,
}

impl std::fmt::Debug for Envelope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.action, self.body.len())
    }
}

const OPENING: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n",
    "<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\"",
    " xmlns:SOAP-ENC=\"http://schemas.xmlsoap.org/soap/encoding/\"",
    " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"",
    " xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"",
    " xmlns:inno=\"http://innovaphone.com/pbx\"",
    " SOAP-ENV:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\">",
    "<SOAP-ENV:Body>",
);
const CLOSING: &str = "</SOAP-ENV:Body></SOAP-ENV:Envelope>\n";

const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const PBX: &str = "http://innovaphone.com/pbx";
const BINDING: &str = "http://innovaphone/binding";

impl Kind {
    /// Value of the `SOAPAction` header. One of them is a leftover of the tool with which the
    /// vendor once wrote the WSDL (section 1.5).
    #[must_use]
    pub fn action(self) -> String {
        match self {
            Kind::UserEnd => "capeconnect:pbx:pbxPortType#UserEnd".into(),
            other => format!("{PBX}#{}", other.name()),
        }
    }

    /// Namespace of the request and of its response.
    #[must_use]
    pub const fn namespace(self) -> &'static str {
        match self {
            Kind::Echo | Kind::UserEnd => BINDING,
            _ => PBX,
        }
    }
}

impl Operation {
    /// Writes the request with the parts that the interface has.
    ///
    /// An operation that the interface lacks altogether is written as far as its parts go: whether
    /// to ask a box for it is for the caller to decide, by [`Kind::since`].
    #[must_use]
    pub fn write(&self, interface: Interface) -> Envelope {
        let kind = self.kind();
        let mut out = PartWriter { out: String::with_capacity(1024) };
        out.out.push_str(OPENING);
        // `Echo` and `UserEnd` alone live in another namespace, so the prefix is bound again.
        for piece in ["<op:", kind.name(), " xmlns:op=\"", kind.namespace(), "\">"] {
            out.out.push_str(piece);
        }
        if matches!(kind, Kind::FindUser | Kind::LocationUrl) {
            Flags::of(interface).write(kind, &mut out);
        }
        self.write_parts(interface, &mut out);
        if kind == Kind::Initialize {
            Flags::of(interface).write(kind, &mut out);
        }
        for piece in ["</op:", kind.name(), ">", CLOSING] {
            out.out.push_str(piece);
        }
        Envelope { action: kind.action(), body: out.out }
    }
}

/// The version flags of `Initialize`, `FindUser` and `LocationUrl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Anything newer than the very first interface.
    pub v: bool,
    /// pbx501.
    pub v501: bool,
    /// pbx700.
    pub v700: bool,
    /// pbx800.
    pub v800: bool,
    /// pbx10_00.
    pub vx1000: bool,
    /// pbx11_00, which nobody should ask for: it changes the whole encoding.
    pub vx1100: bool,
}

impl Flags {
    /// Those that select the interface: all up to it.
    #[must_use]
    pub fn of(interface: Interface) -> Flags {
        Flags {
            v: true,
            v501: true,
            v700: interface >= Interface::V700,
            v800: interface >= Interface::V800,
            vx1000: interface >= Interface::V1000Early,
            vx1100: false,
        }
    }

    /// The newest interface they select. The flags cannot tell the two texts of pbx10_00 apart.
    #[must_use]
    pub fn interface(self) -> Interface {
        match self {
            Flags { vx1000: true, .. } | Flags { vx1100: true, .. } => Interface::V1000,
            Flags { v800: true, .. } => Interface::V800,
            Flags { v700: true, .. } => Interface::V700,
            _ => Interface::V501,
        }
    }

    /// In the order of the WSDL. `v` goes with `Initialize` only, where they are booleans; in the
    /// look-ups they are texts of which any but the empty one counts.
    fn write(self, kind: Kind, out: &mut PartWriter) {
        let (simple_type, first) = match kind {
            Kind::Initialize => ("xsd:boolean", 0),
            _ => ("xsd:string", 1),
        };
        let flags = [
            ("v", self.v),
            ("v501", self.v501),
            ("v700", self.v700),
            ("v800", self.v800),
            ("vx1000", self.vx1000),
        ];
        for (name, _) in flags.into_iter().skip(first).filter(|(_, set)| *set) {
            out.simple(name, simple_type, "true");
        }
    }

    fn read(kind: Kind, parts: &PartReader<'_>) -> Result<Flags, SoapError> {
        let flag = |name| match parts.part(name) {
            None => Ok(false),
            Some(part) if kind == Kind::Initialize => records::boolean(part),
            Some(part) => Ok(!part.text().trim().is_empty()),
        };
        Ok(Flags {
            v: flag("v")?,
            v501: flag("v501")?,
            v700: flag("v700")?,
            v800: flag("v800")?,
            vx1000: flag("vx1000")?,
            vx1100: flag("vx1100")?,
        })
    }
}

/// How closely a request must follow the WSDL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// As the PBX: by local names, whatever else is there.
    #[default]
    Lenient,
    /// Namespaces, `SOAPAction` and types must be right, and every part known.
    Strict,
}

/// A request as a PBX sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub operation: Operation,
    /// The version flags that came with it; none for operations that take none.
    pub flags: Flags,
}

impl Request {
    /// Reads a request. `action` is the value of the `SOAPAction` header, with or without quotes.
    ///
    /// # Errors
    /// If it is not a SOAP request for an operation of the PBX; if a number or boolean in it is
    /// none; if it is beyond a limit; and, if strict, if it breaks any rule of the WSDL.
    pub fn decode(
        bytes: &[u8],
        action: Option<&str>,
        strictness: Strictness,
    ) -> Result<Request, SoapError> {
        let text = decoded(bytes)?;
        let tree = Tree::read(&text)?;
        let message = tree.message()?;
        let name = message.content.name();
        let kind =
            Kind::named(name).ok_or_else(|| SoapError::UnknownOperation { name: name.into() })?;
        let parts = PartReader::new(message.content);
        let request = Request {
            operation: kind.read(&parts)?,
            flags: match kind {
                Kind::Initialize | Kind::FindUser | Kind::LocationUrl => Flags::read(kind, &parts)?,
                _ => Flags::default(),
            },
        };
        if strictness == Strictness::Strict {
            check(&message, kind, action)?;
        }
        Ok(request)
    }
}

/// Holds a request against the rules that the PBX itself does not seem to enforce.
fn check(message: &Message<'_>, kind: Kind, action: Option<&str>) -> Result<(), SoapError> {
    let broken = |reason: String| Err(SoapError::NotStrict { reason: reason.into() });
    let wanted = kind.action();
    match action.map(|action| action.trim().trim_matches('"')) {
        Some(action) if action == wanted => {}
        found => return broken(format!("SOAPAction {found:?} instead of {wanted}")),
    }
    let scope = [message.content, message.body, message.envelope];
    let places = [
        (message.envelope, &scope[2..], ENVELOPE),
        (message.body, &scope[1..], ENVELOPE),
        (message.content, &scope[..], kind.namespace()),
    ];
    for (element, scope, wanted) in places {
        if namespace(element.prefix(), scope).as_deref() != Some(wanted) {
            return broken(format!("{} is not in the namespace {wanted}", element.name()));
        }
    }
    for part in message.content.children() {
        let name = part.name();
        if !part.prefix().is_empty() {
            return broken(format!("the part {name} has a namespace"));
        }
        let Some(types) = types(kind, name) else {
            return broken(format!("there is no part {name}"));
        };
        let declared = part.attributes().find(|(name, _)| local(name) == "type");
        let apart = part.attributes().any(|(name, _)| name == "href");
        match declared.map(|(_, value)| local(&value).to_owned()) {
            Some(declared) if types.contains(&declared.as_str()) => {}
            None if apart => {}
            Some(declared) => return broken(format!("the part {name} is no {declared}")),
            None => return broken(format!("the part {name} has no xsi:type")),
        }
    }
    Ok(())
}

/// The types that a part may be declared as; none if there is no such part.
fn types(kind: Kind, name: &str) -> Option<&'static [&'static str]> {
    let own = kind.parts().iter().find(|(part, _)| *part == name).map(|(_, types)| *types);
    let flag: Option<&[&str]> = match (kind, name) {
        (Kind::Initialize, "v" | "v501" | "v700" | "v800" | "vx1000") => Some(&["boolean"]),
        (Kind::FindUser | Kind::LocationUrl, "v501" | "v700" | "v800" | "vx1000") => {
            Some(&["string"])
        }
        _ => None,
    };
    own.or(flag)
}

/// The namespace that a prefix stands for, looked up from the inside out.
fn namespace(prefix: &str, scope: &[Element<'_>]) -> Option<String> {
    let attribute = if prefix.is_empty() { "xmlns".into() } else { format!("xmlns:{prefix}") };
    scope.iter().find_map(|element| {
        element.attributes().find(|(name, _)| *name == attribute).map(|(_, uri)| uri.into_owned())
    })
}

#[cfg(test)]
mod tests;
