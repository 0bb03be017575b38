//! The parts of a request: how each type of value is written and read.

use super::error::SoapError;
use super::records;
use super::tree::Element;
use super::types::{Info, Presence};
use super::xml::push_escaped;
use engine::id::{CallHandle, UserHandle};
use engine::pii::Personal;

/// A type that a part of a request can have.
pub(super) trait Part: Sized {
    /// Local names of the types it may be declared as; our own is the first.
    const TYPES: &'static [&'static str];

    /// What a part that is not there means.
    fn absent() -> Self;

    /// Takes the part out of a request.
    ///
    /// # Errors
    /// If the part is there and cannot be read.
    fn read(parts: &PartReader<'_>, name: &str) -> Result<Self, SoapError>;

    /// Adds the part to a request.
    fn write(&self, out: &mut PartWriter, name: &str);

    /// Any value.
    #[cfg(test)]
    fn any() -> proptest::strategy::BoxedStrategy<Self>;
}

/// The parts of a request that was read, by their local names.
pub(super) struct PartReader<'t> {
    request: Element<'t>,
}

impl<'t> PartReader<'t> {
    /// The parts of this request.
    pub(super) fn new(request: Element<'t>) -> PartReader<'t> {
        PartReader { request }
    }

    /// The part of that name; one that is nil is not there.
    pub(super) fn part(&self, name: &str) -> Option<Element<'t>> {
        self.request.child(name).filter(|part| !part.is_nil())
    }
}

/// A request being written.
pub(super) struct PartWriter {
    /// The parts so far.
    pub(super) out: String,
}

impl PartWriter {
    /// Adds a part of a simple type.
    pub(super) fn simple(&mut self, name: &str, kind: &str, value: &str) {
        self.open(name, kind);
        push_escaped(&mut self.out, value);
        self.close(name);
    }

    fn open(&mut self, name: &str, kind: &str) {
        for piece in ["<", name, " xsi:type=\"", kind, "\">"] {
            self.out.push_str(piece);
        }
    }

    fn close(&mut self, name: &str) {
        for piece in ["</", name, ">"] {
            self.out.push_str(piece);
        }
    }
}

impl Part for Personal {
    const TYPES: &'static [&'static str] = &["string"];

    fn absent() -> Personal {
        Personal::default()
    }

    fn read(parts: &PartReader<'_>, name: &str) -> Result<Personal, SoapError> {
        Ok(parts.part(name).map_or_else(Personal::default, |part| part.text().into()))
    }

    /// An empty text is written as nil: of the keys and destinations one is given and the others
    /// must not be taken for an empty one, and elsewhere the PBX sees no difference.
    fn write(&self, out: &mut PartWriter, name: &str) {
        if self.is_empty() {
            for piece in ["<", name, " xsi:type=\"xsd:string\" xsi:nil=\"true\"/>"] {
                out.out.push_str(piece);
            }
        } else {
            out.simple(name, "xsd:string", self.text());
        }
    }

    #[cfg(test)]
    fn any() -> proptest::strategy::BoxedStrategy<Personal> {
        super::any::personal()
    }
}

impl Part for bool {
    const TYPES: &'static [&'static str] = &["boolean"];

    fn absent() -> bool {
        false
    }

    fn read(parts: &PartReader<'_>, name: &str) -> Result<bool, SoapError> {
        parts.part(name).map_or(Ok(false), records::boolean)
    }

    fn write(&self, out: &mut PartWriter, name: &str) {
        out.simple(name, "xsd:boolean", if *self { "true" } else { "false" });
    }

    #[cfg(test)]
    fn any() -> proptest::strategy::BoxedStrategy<bool> {
        super::any::any()
    }
}

/// Parts that are numbers on the wire.
macro_rules! integers {
    ($($type:ty: $from:expr, $to:expr;)*) => {$(
        impl Part for $type {
            const TYPES: &'static [&'static str] = &["int"];

            fn absent() -> $type {
                $from(0)
            }

            fn read(parts: &PartReader<'_>, name: &str) -> Result<$type, SoapError> {
                Ok($from(parts.part(name).map_or(Ok(0), records::integer)?))
            }

            fn write(&self, out: &mut PartWriter, name: &str) {
                let number: i32 = $to(*self);
                out.simple(name, "xsd:int", &number.to_string());
            }

            #[cfg(test)]
            fn any() -> proptest::strategy::BoxedStrategy<$type> {
                use proptest::strategy::Strategy;
                super::any::any::<i32>().prop_map($from).boxed()
            }
        }
    )*};
}

integers! {
    i32: |number: i32| number, |number: i32| number;
    u32: i32::cast_unsigned, u32::cast_signed;
    UserHandle: |number: i32| UserHandle(number.cast_unsigned()),
        |handle: UserHandle| handle.0.cast_signed();
    CallHandle: |number: i32| CallHandle(number.cast_unsigned()),
        |handle: CallHandle| handle.0.cast_signed();
}

impl Part for Vec<Info> {
    const TYPES: &'static [&'static str] = &["Array", "InfoArray"];

    fn absent() -> Vec<Info> {
        Vec::new()
    }

    fn read(parts: &PartReader<'_>, name: &str) -> Result<Vec<Info>, SoapError> {
        parts.part(name).map_or(Ok(Vec::new()), records::infos)
    }

    /// An empty list is left out: the PBX ignores these arguments.
    fn write(&self, out: &mut PartWriter, name: &str) {
        if self.is_empty() {
            return;
        }
        out.open(name, &format!("SOAP-ENC:Array\" SOAP-ENC:arrayType=\"inno:Info[{}]", self.len()));
        for info in self {
            out.open("item", "inno:Info");
            out.simple("type", "xsd:string", &info.kind);
            out.simple("vali", "xsd:int", &info.vali.to_string());
            out.simple("vals", "xsd:string", info.vals.text());
            out.close("item");
        }
        out.close(name);
    }

    #[cfg(test)]
    fn any() -> proptest::strategy::BoxedStrategy<Vec<Info>> {
        super::any::infos()
    }
}

impl Part for Presence {
    const TYPES: &'static [&'static str] = &["Presence"];

    fn absent() -> Presence {
        Presence::default()
    }

    fn read(parts: &PartReader<'_>, name: &str) -> Result<Presence, SoapError> {
        parts.part(name).map_or(Ok(Presence::default()), records::presence)
    }

    fn write(&self, out: &mut PartWriter, name: &str) {
        out.open(name, "inno:Presence");
        if let Some(status) = &self.status {
            out.simple("status", "inno:PresenceStatus", status.word());
        }
        if let Some(activity) = &self.activity {
            out.simple("activity", "inno:PresenceActivity", activity.word());
        }
        out.simple("note", "xsd:string", self.note.text());
        out.close(name);
    }

    #[cfg(test)]
    fn any() -> proptest::strategy::BoxedStrategy<Presence> {
        super::any::presence()
    }
}
