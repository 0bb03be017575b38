//! Writing answers, for the simulator: the PBX's own spelling, or any other that is thinkable.

use super::answer::Answer;
use super::dialect::{
    BoolStyle, Charset, Dialect, EmptyArrays, InfoItemName, ItemNames, ResponsePrefix,
    TypedResponses,
};
use super::error::Fault;
use super::interface::Interface;
use super::operation::Kind;
use super::types::{AnyInfo, CallInfo, Device, Group, Info, No, Presence, RegInfo, UserInfo};
use super::xml::push_escaped;
use engine::pii::Personal;

impl Answer {
    /// Writes the answer as the body of an HTTP response.
    #[must_use]
    pub fn write(&self, dialect: &Dialect) -> Vec<u8> {
        let mut pen = Pen::new(dialect);
        pen.open_response(self.kind());
        pen.parts(self);
        pen.close_response(self.kind());
        pen.finish()
    }
}

impl Fault {
    /// Writes the fault as the body of an HTTP response; its status should be 500.
    #[must_use]
    pub fn write(&self, dialect: &Dialect) -> Vec<u8> {
        let mut pen = Pen::new(dialect);
        pen.out.push_str("<SOAP-ENV:Fault>");
        for (name, text) in [("faultcode", &self.code), ("faultstring", &self.text)] {
            pen.bare(name, text);
        }
        if !self.detail.is_empty() {
            pen.bare("detail", &self.detail);
        }
        pen.out.push_str("</SOAP-ENV:Fault>");
        pen.finish()
    }
}

/// An answer being written.
struct Pen<'d> {
    out: String,
    dialect: &'d Dialect,
}

/// Where an array stands, which decides what its items are called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is the result itself.
    Result,
    /// It is part of a structure.
    Member,
}

impl<'d> Pen<'d> {
    fn new(dialect: &'d Dialect) -> Pen<'d> {
        let mut out = String::with_capacity(1024);
        out.push_str(concat!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n",
            "<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\"",
        ));
        if dialect.typed_responses != TypedResponses::Off
            || dialect.empty_arrays == EmptyArrays::Nil
        {
            out.push_str(concat!(
                " xmlns:SOAP-ENC=\"http://schemas.xmlsoap.org/soap/encoding/\"",
                " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"",
                " xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"",
                " xmlns:inno=\"http://innovaphone.com/pbx\"",
            ));
        }
        out.push_str(concat!(
            " SOAP-ENV:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\">",
            "<SOAP-ENV:Body>",
        ));
        Pen { out, dialect }
    }

    /// Closes the envelope and turns it to bytes.
    fn finish(mut self) -> Vec<u8> {
        self.out.push_str("</SOAP-ENV:Body></SOAP-ENV:Envelope>\n");
        match self.dialect.charset {
            Charset::Utf8 | Charset::Unescaped => self.out.into_bytes(),
            Charset::Latin1 => latin_1(&self.out),
        }
    }

    fn open_response(&mut self, kind: Kind) {
        let (name, namespace) = (kind.name(), kind.namespace());
        self.out.push_str(&match self.dialect.response_prefix {
            ResponsePrefix::Bound => format!("<inno:{name}Response xmlns:inno=\"{namespace}\">"),
            ResponsePrefix::Default => format!("<{name}Response xmlns=\"{namespace}\">"),
            ResponsePrefix::Unqualified => format!("<{name}Response>"),
        });
    }

    fn close_response(&mut self, kind: Kind) {
        let prefix = match self.dialect.response_prefix {
            ResponsePrefix::Bound => "inno:",
            ResponsePrefix::Default | ResponsePrefix::Unqualified => "",
        };
        for piece in ["</", prefix, kind.name(), "Response>"] {
            self.out.push_str(piece);
        }
    }

    /// The parts of a response, the result first.
    fn parts(&mut self, answer: &Answer) {
        match answer {
            Answer::Version(box_) => {
                self.unsigned("WSDLVersion", box_.wsdl_version);
                self.text("GatekeeperID", &box_.system);
                self.text("Location", &box_.location);
                self.text("FirmwareVersion", &box_.firmware);
                self.text("SerialNumber", &box_.serial);
            }
            Answer::Initialize { session, key } => {
                self.unsigned("return", *session);
                self.unsigned("key", *key);
            }
            Answer::Echo { alive: yes } | Answer::SetPresence { done: yes } => {
                self.unsigned("return", u32::from(*yes));
            }
            Answer::Poll(all) => self.any_info(all),
            Answer::License(text) | Answer::Admin(text) | Answer::UserLocalNum(text) => {
                self.personal("return", text);
            }
            Answer::LocationUrl(url) => self.text("return", url),
            Answer::FindUser(users) => {
                self.array(Place::Result, "return", "UserInfo", users, Self::user_info);
            }
            Answer::Devices(devices) => {
                self.array(Place::Result, "return", "Device", devices, Self::device);
            }
            Answer::Calls(calls) => {
                self.array(Place::Result, "return", "CallInfo", calls, Self::call_info);
            }
            Answer::UserFindDestination { incomplete, user } => {
                self.flag("return", *incomplete);
                if let Some(user) = user {
                    self.user_info("user", user);
                }
            }
            Answer::UserLicense(yes) | Answer::UserRedirect(yes) | Answer::UserReroute(yes) => {
                self.flag("return", *yes);
            }
            Answer::UserInitialize(user) => self.unsigned("return", user.0),
            Answer::UserCall(call)
            | Answer::UserPickup(call)
            | Answer::UserPark(call)
            | Answer::UserMessage(call) => self.unsigned("return", call.0),
            Answer::End
            | Answer::UserEnd
            | Answer::UserClear
            | Answer::UserConnect
            | Answer::UserRc
            | Answer::UserInfo
            | Answer::UserDTMF
            | Answer::UserUUI
            | Answer::UserTransfer
            | Answer::UserMediaTransfer
            | Answer::UserCtComplete
            | Answer::UserHold
            | Answer::UserRetrieve => {}
        }
    }

    // ---- structures -----------------------------------------------------------------------

    fn any_info(&mut self, all: &AnyInfo) {
        self.open("return", "inno:AnyInfo");
        self.array(Place::Member, "user", "UserInfo", &all.user, Self::user_info);
        self.array(Place::Member, "call", "CallInfo", &all.call, Self::call_info);
        self.array(Place::Member, "reg", "RegInfo", &all.reg, Self::reg_info);
        self.array(Place::Member, "info", "Info", &all.info, Self::info);
        self.close("return");
    }

    fn call_info(&mut self, name: &str, call: &CallInfo) {
        self.open(name, "inno:CallInfo");
        self.unsigned("user", call.user.0);
        self.unsigned("call", call.call.0);
        self.unsigned("reg", call.reg);
        self.flag("active", call.active);
        self.unsigned("state", call.state);
        self.array(Place::Member, "No", "No", &call.no, Self::no);
        self.text("msg", &call.msg);
        self.array(Place::Member, "info", "Info", &call.info, Self::info);
        self.close(name);
    }

    fn no(&mut self, name: &str, no: &No) {
        self.open(name, "inno:No");
        self.text("type", &no.kind);
        self.personal("cn", &no.cn);
        self.personal("dn", &no.dn);
        self.personal("e164", &no.e164);
        self.personal("h323", &no.h323);
        self.close(name);
    }

    fn info(&mut self, name: &str, info: &Info) {
        self.open(name, "inno:Info");
        self.text("type", &info.kind);
        self.integer("vali", info.vali);
        self.personal("vals", &info.vals);
        self.close(name);
    }

    fn reg_info(&mut self, name: &str, reg: &RegInfo) {
        self.open(name, "inno:RegInfo");
        self.flag("active", reg.active);
        self.unsigned("user", reg.user.0);
        self.unsigned("reg", reg.reg);
        self.personal("hw", &reg.hw);
        self.text("soap", &reg.soap);
        self.array(Place::Member, "info", "Info", &reg.info, Self::info);
        self.close(name);
    }

    fn device(&mut self, name: &str, device: &Device) {
        self.open(name, "inno:Device");
        self.personal("hw", &device.hw);
        self.personal("text", &device.text);
        self.close(name);
    }

    fn group(&mut self, name: &str, group: &Group) {
        self.open(name, "inno:Group");
        self.text("group", &group.group);
        self.flag("active", group.active);
        self.close(name);
    }

    fn presence(&mut self, name: &str, presence: &Presence) {
        self.open(name, "inno:Presence");
        if let Some(status) = &presence.status {
            self.value("status", "inno:PresenceStatus", status.word());
        }
        if let Some(activity) = &presence.activity {
            self.value("activity", "inno:PresenceActivity", activity.word());
        }
        self.personal("note", &presence.note);
        self.close(name);
    }

    /// The order of the elements changed with the later pbx10_00.
    fn user_info(&mut self, name: &str, user: &UserInfo) {
        self.open(name, "inno:UserInfo");
        if self.dialect.interface == Interface::V1000 {
            self.flag("active", user.active);
            self.names(user);
            self.counters(user);
            self.text("guid", &user.guid);
            self.groups(user);
            self.place(user);
            self.text("object", &user.object);
            self.text("nodenum", &user.nodenum);
            self.flag("cfg", user.cfg);
            self.some_presence(user);
            self.mail(user);
        } else {
            self.text("guid", &user.guid);
            self.flag("active", user.active);
            self.counters(user);
            self.names(user);
            if self.dialect.interface >= Interface::V800 {
                self.some_presence(user);
            }
            if self.dialect.interface >= Interface::V700 {
                self.place(user);
                self.text("nodenum", &user.nodenum);
                self.text("object", &user.object);
                self.flag("cfg", user.cfg);
            }
            self.groups(user);
        }
        if !user.info.is_empty() {
            self.array(Place::Member, "info", "Info", &user.info, Self::info);
        }
        self.close(name);
    }

    fn names(&mut self, user: &UserInfo) {
        self.personal("cn", &user.cn);
        self.personal("dn", &user.dn);
        self.text("type", &user.kind);
        self.personal("e164", &user.e164);
        self.personal("h323", &user.h323);
    }

    fn counters(&mut self, user: &UserInfo) {
        self.unsigned("state", user.state);
        self.unsigned("channel", user.channel);
        self.unsigned("alert", user.alert);
    }

    fn groups(&mut self, user: &UserInfo) {
        self.array(Place::Member, "groups", "Group", &user.groups, Self::group);
    }

    fn place(&mut self, user: &UserInfo) {
        self.text("loc", &user.loc);
        self.text("node", &user.node);
    }

    fn some_presence(&mut self, user: &UserInfo) {
        if let Some(presence) = &user.presence {
            self.presence("presence", presence);
        }
    }

    /// Only what there is: most boxes have no mail identities at all.
    fn mail(&mut self, user: &UserInfo) {
        if !user.domain.is_empty() {
            self.text("domain", &user.domain);
        }
        if user.h323email {
            self.flag("h323email", true);
        }
        if !user.email.is_empty() {
            let address = |pen: &mut Self, name: &str, address: &Personal| {
                pen.personal(name, address);
            };
            self.list(Place::Member, "email", "xsd:string", &user.email, address);
        }
    }

    // ---- arrays and values ----------------------------------------------------------------

    /// An array of structures of that name.
    fn array<T>(
        &mut self,
        place: Place,
        name: &str,
        structure: &str,
        items: &[T],
        write: impl Fn(&mut Self, &str, &T),
    ) {
        self.list(place, name, &format!("inno:{structure}"), items, write);
    }

    fn list<T>(
        &mut self,
        place: Place,
        name: &str,
        item_type: &str,
        items: &[T],
        write: impl Fn(&mut Self, &str, &T),
    ) {
        match self.dialect.empty_arrays {
            EmptyArrays::Absent if items.is_empty() => return,
            EmptyArrays::Nil if items.is_empty() => {
                self.out.push_str(&format!("<{name} xsi:nil=\"true\"/>"));
                return;
            }
            _ => {}
        }
        self.out.push_str(&match self.dialect.typed_responses {
            TypedResponses::Off => format!("<{name}"),
            TypedResponses::Types => format!("<{name} xsi:type=\"SOAP-ENC:Array\""),
            TypedResponses::TypesAndArrays => format!(
                "<{name} xsi:type=\"SOAP-ENC:Array\" SOAP-ENC:arrayType=\"{item_type}[{}]\"",
                items.len()
            ),
        });
        if items.is_empty() {
            self.out.push_str("/>");
            return;
        }
        self.out.push('>');
        let item_name = self.item_name(place, name);
        for item in items {
            write(self, item_name, item);
        }
        self.close(name);
    }

    fn item_name<'n>(&self, place: Place, array: &'n str) -> &'n str {
        let exception = array == "info" && self.dialect.info_item_name == InfoItemName::Item;
        if place == Place::Result || self.dialect.item_names == ItemNames::Item || exception {
            "item"
        } else {
            array
        }
    }

    fn text(&mut self, name: &str, text: &str) {
        self.value(name, "xsd:string", text);
    }

    fn personal(&mut self, name: &str, text: &Personal) {
        self.value(name, "xsd:string", text.text());
    }

    fn flag(&mut self, name: &str, yes: bool) {
        let word = match (self.dialect.bool_style, yes) {
            (BoolStyle::Words, true) => "true",
            (BoolStyle::Words, false) => "false",
            (BoolStyle::Digits, true) => "1",
            (BoolStyle::Digits, false) => "0",
        };
        self.value(name, "xsd:boolean", word);
    }

    fn unsigned(&mut self, name: &str, number: u32) {
        self.integer(name, number.cast_signed());
    }

    fn integer(&mut self, name: &str, number: i32) {
        self.value(name, "xsd:int", &number.to_string());
    }

    fn value(&mut self, name: &str, simple_type: &str, text: &str) {
        self.open(name, simple_type);
        self.characters(text);
        self.close(name);
    }

    /// A value without a type whatever the dialect: those of a fault.
    fn bare(&mut self, name: &str, text: &str) {
        self.out.push_str(&format!("<{name}>"));
        self.characters(text);
        self.close(name);
    }

    fn characters(&mut self, text: &str) {
        match self.dialect.charset {
            Charset::Utf8 | Charset::Latin1 => push_escaped(&mut self.out, text),
            Charset::Unescaped => self.out.push_str(text),
        }
    }

    fn open(&mut self, name: &str, value_type: &str) {
        match self.dialect.typed_responses {
            TypedResponses::Off => self.out.push_str(&format!("<{name}>")),
            TypedResponses::Types | TypedResponses::TypesAndArrays => {
                self.out.push_str(&format!("<{name} xsi:type=\"{value_type}\">"));
            }
        }
    }

    fn close(&mut self, name: &str) {
        self.out.push_str(&format!("</{name}>"));
    }
}

/// One byte per character, though the document declares UTF-8, as a box that does this does. What Latin-1 does not have can only be part of a text, where a numeric
/// reference does as well.
fn latin_1(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u8::try_from(u32::from(c)) {
            Ok(byte) => bytes.push(byte),
            Err(_) => bytes.extend_from_slice(format!("&#{};", u32::from(c)).as_bytes()),
        }
    }
    bytes
}

#[cfg(test)]
mod tests;
