//! The shape of a type as serde sees it: names of fields and variants, in their order.
//!
//! A snapshot is bytes without names, so one of another shape could be read as nonsense without
//! anyone noticing. This finds out the shape, so that a test can insist on a new version for it.

use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One line for each struct and each variant that a value of type `T` can hold.
pub(super) fn shape_of<'de, T: Deserialize<'de>>() -> String {
    let mut tracer = Tracer::default();
    // An enum shows one variant each time it is met, so everything is built until nothing new
    // appears for long.
    let (mut seen, mut runs_without_news) = (0, 0);
    while runs_without_news < 200 {
        T::deserialize(&mut tracer).map(drop).expect("every type of the state can be built");
        runs_without_news = if tracer.lines.len() == seen { runs_without_news + 1 } else { 0 };
        seen = tracer.lines.len();
    }
    tracer.lines.into_iter().collect::<Vec<_>>().join("\n")
}

/// A deserializer that makes up values and notes what it was asked for.
#[derive(Default)]
struct Tracer {
    lines: BTreeSet<String>,
    next_variant: BTreeMap<&'static str, usize>,
    /// What was built last.
    last: String,
}

#[derive(Debug)]
struct Impossible(String);

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Impossible {}

impl Error for Impossible {
    fn custom<T: fmt::Display>(message: T) -> Impossible {
        Impossible(message.to_string())
    }
}

/// Makes up the given number of elements, and keeps what they were.
struct Elements<'a> {
    tracer: &'a mut Tracer,
    left: usize,
    kinds: Vec<String>,
}

impl Tracer {
    fn elements(&mut self, left: usize) -> Elements<'_> {
        Elements { tracer: self, left, kinds: Vec::new() }
    }

    fn fields(names: &[&str], kinds: &[String]) -> String {
        let pairs = names.iter().zip(kinds).map(|(name, kind)| format!("{name}: {kind}"));
        pairs.collect::<Vec<_>>().join(", ")
    }
}

impl Elements<'_> {
    fn element<'de, S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Impossible> {
        let value = seed.deserialize(&mut *self.tracer)?;
        self.kinds.push(self.tracer.last.clone());
        Ok(value)
    }
}

impl<'de> SeqAccess<'de> for &mut Elements<'_> {
    type Error = Impossible;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Impossible> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        self.element(seed).map(Some)
    }
}

impl<'de> MapAccess<'de> for &mut Elements<'_> {
    type Error = Impossible;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Impossible> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, Impossible> {
        self.element(seed)
    }
}

/// The content of one variant.
struct Variant<'a> {
    tracer: &'a mut Tracer,
    name: String,
}

impl<'a, 'de> EnumAccess<'de> for Variant<'a> {
    type Error = Impossible;
    type Variant = Variant<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Variant<'a>), Impossible> {
        let variant = self.name.rsplit(' ').next().unwrap_or_default().to_owned();
        Ok((seed.deserialize(StrDeserializer::new(&variant))?, self))
    }
}

impl Variant<'_> {
    fn note(self, content: &str) {
        self.tracer.lines.insert(format!("{}({content})", self.name));
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Impossible;

    fn unit_variant(self) -> Result<(), Impossible> {
        self.note("");
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, Impossible> {
        let value = seed.deserialize(&mut *self.tracer)?;
        let kind = self.tracer.last.clone();
        self.note(&kind);
        Ok(value)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Impossible> {
        let mut elements = self.tracer.elements(len);
        let value = visitor.visit_seq(&mut elements)?;
        let content = elements.kinds.join(", ");
        self.note(&content);
        Ok(value)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Impossible> {
        let mut elements = self.tracer.elements(fields.len());
        let value = visitor.visit_seq(&mut elements)?;
        let content = Tracer::fields(fields, &elements.kinds);
        self.note(&content);
        Ok(value)
    }
}

macro_rules! made_up {
    ($($method:ident $visit:ident $value:expr;)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Impossible> {
            self.last = stringify!($method)["deserialize_".len()..].to_owned();
            visitor.$visit($value)
        }
    )+};
}

impl<'de> Deserializer<'de> for &mut Tracer {
    type Error = Impossible;

    made_up! {
        deserialize_bool visit_bool true;
        deserialize_i8 visit_i8 1;
        deserialize_i16 visit_i16 1;
        deserialize_i32 visit_i32 1;
        deserialize_i64 visit_i64 1;
        deserialize_u8 visit_u8 1;
        deserialize_u16 visit_u16 1;
        deserialize_u32 visit_u32 1;
        deserialize_u64 visit_u64 1;
        deserialize_u128 visit_u128 1;
        deserialize_f32 visit_f32 1.0;
        deserialize_f64 visit_f64 1.0;
        deserialize_char visit_char 'a';
        deserialize_str visit_str "a";
        deserialize_string visit_str "a";
        deserialize_bytes visit_bytes b"a";
        deserialize_byte_buf visit_bytes b"a";
        deserialize_identifier visit_u64 0;
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Impossible> {
        Err(Impossible("bytes without names cannot hold just any type".into()))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Impossible> {
        self.deserialize_any(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Impossible> {
        self.last = "unit".into();
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Impossible> {
        self.last = name.into();
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Impossible> {
        let value = visitor.visit_some(&mut *self)?;
        self.last = format!("{}?", self.last);
        Ok(value)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Impossible> {
        let value = visitor.visit_newtype_struct(&mut *self)?;
        self.last = format!("{name}({})", self.last);
        Ok(value)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Impossible> {
        let value = visitor.visit_seq(&mut self.elements(1))?;
        self.last = format!("[{}]", self.last);
        Ok(value)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Impossible> {
        let mut elements = self.elements(1);
        let value = visitor.visit_map(&mut elements)?;
        self.last = format!("[{}]", elements.kinds.join(" to "));
        Ok(value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Impossible> {
        let mut elements = self.elements(len);
        let value = visitor.visit_seq(&mut elements)?;
        self.last = format!("({})", elements.kinds.join(", "));
        Ok(value)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Impossible> {
        let value = Deserializer::deserialize_tuple(&mut *self, len, visitor)?;
        self.last = format!("{name}{}", self.last);
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Impossible> {
        let mut elements = self.elements(fields.len());
        let value = visitor.visit_seq(&mut elements)?;
        let line = format!("{name} {{{}}}", Tracer::fields(fields, &elements.kinds));
        self.lines.insert(line);
        self.last = name.into();
        Ok(value)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Impossible> {
        let next = self.next_variant.entry(name).or_default();
        let index = *next % variants.len();
        *next += 1;
        let variant =
            Variant { name: format!("{name} {index} {}", variants[index]), tracer: &mut *self };
        let value = visitor.visit_enum(variant)?;
        self.last = name.into();
        Ok(value)
    }
}
