//! A tree as the value that it is of.

use super::{Content, NoTree, Tree};
use serde::de::value::U32Deserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer,
    MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

/// The value of a tree.
pub(in super::super) fn value_of<T: DeserializeOwned>(tree: Tree) -> Result<T, NoTree> {
    T::deserialize(tree)
}

impl<'de> Deserializer<'de> for Tree {
    type Error = NoTree;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NoTree> {
        match self {
            Tree::Unit => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(value),
            Tree::Unsigned(value) => visitor.visit_u64(value),
            Tree::Signed(value) => visitor.visit_i64(value),
            Tree::Text(value) => visitor.visit_string(value),
            Tree::None => visitor.visit_none(),
            Tree::Some(inner) => visitor.visit_some(*inner),
            Tree::List(trees) | Tree::Tuple(_, trees) => visitor.visit_seq(Elements::of(trees)),
            Tree::Map(pairs) => visitor.visit_map(Pairs { pairs: pairs.into_iter(), value: None }),
            Tree::Struct(_, fields) => visitor.visit_seq(Elements::of_fields(fields)),
            Tree::Variant(variant, content) => {
                visitor.visit_enum(Chosen { index: variant.index, content })
            }
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, NoTree> {
        match self {
            Tree::Tuple(_, mut trees) if trees.len() == 1 => match trees.pop() {
                Some(inner) => visitor.visit_newtype_struct(inner),
                None => Err(NoTree::custom("nothing in it")),
            },
            other => visitor.visit_newtype_struct(other),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Elements(std::vec::IntoIter<Tree>);

impl Elements {
    fn of(trees: Vec<Tree>) -> Elements {
        Elements(trees.into_iter())
    }

    fn of_fields(fields: Vec<(&'static str, Tree)>) -> Elements {
        Elements::of(fields.into_iter().map(|(_, tree)| tree).collect())
    }
}

impl<'de> SeqAccess<'de> for Elements {
    type Error = NoTree;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, NoTree> {
        self.0.next().map(|tree| seed.deserialize(tree)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Pairs {
    pairs: std::vec::IntoIter<(Tree, Tree)>,
    value: Option<Tree>,
}

impl<'de> MapAccess<'de> for Pairs {
    type Error = NoTree;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, NoTree> {
        let Some((key, value)) = self.pairs.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, NoTree> {
        let value = self.value.take().ok_or_else(|| NoTree::custom("a key without a value"))?;
        seed.deserialize(value)
    }
}

struct Chosen {
    index: u32,
    content: Content,
}

impl<'de> EnumAccess<'de> for Chosen {
    type Error = NoTree;
    type Variant = Chosen;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Chosen), NoTree> {
        let index: U32Deserializer<NoTree> = self.index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl Chosen {
    fn other<T>() -> Result<T, NoTree> {
        Err(NoTree::custom("a variant of another shape"))
    }
}

impl<'de> VariantAccess<'de> for Chosen {
    type Error = NoTree;

    fn unit_variant(self) -> Result<(), NoTree> {
        if self.content == Content::Nothing { Ok(()) } else { Chosen::other() }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, NoTree> {
        match self.content {
            Content::One(tree) => seed.deserialize(*tree),
            _ => Chosen::other(),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, NoTree> {
        match self.content {
            Content::Tuple(trees) => visitor.visit_seq(Elements::of(trees)),
            _ => Chosen::other(),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NoTree> {
        match self.content {
            Content::Struct(fields) => visitor.visit_seq(Elements::of_fields(fields)),
            _ => Chosen::other(),
        }
    }
}
