//! A value as a tree.

use super::{Content, NoTree, Tree, Variant};
use serde::Serialize;
use serde::ser::{self, Error, Serializer};

/// The tree of a value.
pub(in super::super) fn tree_of<T: Serialize + ?Sized>(value: &T) -> Result<Tree, NoTree> {
    value.serialize(Planter)
}

struct Planter;

/// Several trees that become one.
struct Growing<F> {
    trees: Vec<Tree>,
    done: F,
}

/// Several trees with names.
struct Named<F> {
    fields: Vec<(&'static str, Tree)>,
    done: F,
}

struct Pairs {
    pairs: Vec<(Tree, Tree)>,
    key: Option<Tree>,
}

type List = Growing<fn(Vec<Tree>) -> Tree>;
type Tuple = Growing<Box<dyn FnOnce(Vec<Tree>) -> Tree>>;
type Fields = Named<Box<dyn FnOnce(Vec<(&'static str, Tree)>) -> Tree>>;

impl Planter {
    fn list(len: usize) -> List {
        Growing { trees: Vec::with_capacity(len), done: Tree::List }
    }

    fn variant(of: &'static str, index: u32, name: &'static str) -> Variant {
        Variant { of, name, index }
    }
}

impl Serializer for Planter {
    type Ok = Tree;
    type Error = NoTree;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = Tuple;
    type SerializeTupleVariant = Tuple;
    type SerializeMap = Pairs;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Fields;

    fn is_human_readable(&self) -> bool {
        // As in a log.
        false
    }

    fn serialize_bool(self, value: bool) -> Result<Tree, NoTree> {
        Ok(Tree::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Result<Tree, NoTree> {
        Ok(Tree::Signed(value.into()))
    }

    fn serialize_i16(self, value: i16) -> Result<Tree, NoTree> {
        Ok(Tree::Signed(value.into()))
    }

    fn serialize_i32(self, value: i32) -> Result<Tree, NoTree> {
        Ok(Tree::Signed(value.into()))
    }

    fn serialize_i64(self, value: i64) -> Result<Tree, NoTree> {
        Ok(Tree::Signed(value))
    }

    fn serialize_u8(self, value: u8) -> Result<Tree, NoTree> {
        Ok(Tree::Unsigned(value.into()))
    }

    fn serialize_u16(self, value: u16) -> Result<Tree, NoTree> {
        Ok(Tree::Unsigned(value.into()))
    }

    fn serialize_u32(self, value: u32) -> Result<Tree, NoTree> {
        Ok(Tree::Unsigned(value.into()))
    }

    fn serialize_u64(self, value: u64) -> Result<Tree, NoTree> {
        Ok(Tree::Unsigned(value))
    }

    fn serialize_f32(self, _: f32) -> Result<Tree, NoTree> {
        Err(NoTree::custom("a log holds no fractions"))
    }

    fn serialize_f64(self, _: f64) -> Result<Tree, NoTree> {
        Err(NoTree::custom("a log holds no fractions"))
    }

    fn serialize_char(self, value: char) -> Result<Tree, NoTree> {
        Ok(Tree::Text(value.into()))
    }

    fn serialize_str(self, value: &str) -> Result<Tree, NoTree> {
        Ok(Tree::Text(value.into()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Tree, NoTree> {
        Ok(Tree::List(value.iter().map(|byte| Tree::Unsigned((*byte).into())).collect()))
    }

    fn serialize_none(self) -> Result<Tree, NoTree> {
        Ok(Tree::None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree, NoTree> {
        Ok(Tree::Some(Box::new(tree_of(value)?)))
    }

    fn serialize_unit(self) -> Result<Tree, NoTree> {
        Ok(Tree::Unit)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Tree, NoTree> {
        Ok(Tree::Unit)
    }

    fn serialize_unit_variant(
        self,
        of: &'static str,
        index: u32,
        name: &'static str,
    ) -> Result<Tree, NoTree> {
        Ok(Tree::Variant(Planter::variant(of, index, name), Content::Nothing))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Tree, NoTree> {
        Ok(Tree::Tuple(name, vec![tree_of(value)?]))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        of: &'static str,
        index: u32,
        name: &'static str,
        value: &T,
    ) -> Result<Tree, NoTree> {
        let content = Content::One(Box::new(tree_of(value)?));
        Ok(Tree::Variant(Planter::variant(of, index, name), content))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<List, NoTree> {
        Ok(Planter::list(len.unwrap_or(0)))
    }

    fn serialize_tuple(self, len: usize) -> Result<List, NoTree> {
        Ok(Planter::list(len))
    }

    fn serialize_tuple_struct(self, name: &'static str, len: usize) -> Result<Tuple, NoTree> {
        let done = Box::new(move |trees| Tree::Tuple(name, trees));
        Ok(Growing { trees: Vec::with_capacity(len), done })
    }

    fn serialize_tuple_variant(
        self,
        of: &'static str,
        index: u32,
        name: &'static str,
        len: usize,
    ) -> Result<Tuple, NoTree> {
        let variant = Planter::variant(of, index, name);
        let done = Box::new(move |trees| Tree::Variant(variant, Content::Tuple(trees)));
        Ok(Growing { trees: Vec::with_capacity(len), done })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Pairs, NoTree> {
        Ok(Pairs { pairs: Vec::with_capacity(len.unwrap_or(0)), key: None })
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Fields, NoTree> {
        let done = Box::new(move |fields| Tree::Struct(name, fields));
        Ok(Named { fields: Vec::with_capacity(len), done })
    }

    fn serialize_struct_variant(
        self,
        of: &'static str,
        index: u32,
        name: &'static str,
        len: usize,
    ) -> Result<Fields, NoTree> {
        let variant = Planter::variant(of, index, name);
        let done = Box::new(move |fields| Tree::Variant(variant, Content::Struct(fields)));
        Ok(Named { fields: Vec::with_capacity(len), done })
    }
}

impl<F: FnOnce(Vec<Tree>) -> Tree> Growing<F> {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoTree> {
        self.trees.push(tree_of(value)?);
        Ok(())
    }

    fn finish(self) -> Tree {
        (self.done)(self.trees)
    }
}

impl ser::SerializeSeq for List {
    type Ok = Tree;
    type Error = NoTree;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoTree> {
        self.push(value)
    }

    fn end(self) -> Result<Tree, NoTree> {
        Ok(self.finish())
    }
}

impl ser::SerializeTuple for List {
    type Ok = Tree;
    type Error = NoTree;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoTree> {
        self.push(value)
    }

    fn end(self) -> Result<Tree, NoTree> {
        Ok(self.finish())
    }
}

impl ser::SerializeTupleStruct for Tuple {
    type Ok = Tree;
    type Error = NoTree;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoTree> {
        self.push(value)
    }

    fn end(self) -> Result<Tree, NoTree> {
        Ok(self.finish())
    }
}

impl ser::SerializeTupleVariant for Tuple {
    type Ok = Tree;
    type Error = NoTree;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoTree> {
        self.push(value)
    }

    fn end(self) -> Result<Tree, NoTree> {
        Ok(self.finish())
    }
}

impl ser::SerializeMap for Pairs {
    type Ok = Tree;
    type Error = NoTree;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NoTree> {
        self.key = Some(tree_of(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoTree> {
        let key = self.key.take().ok_or_else(|| NoTree::custom("a value without a key"))?;
        self.pairs.push((key, tree_of(value)?));
        Ok(())
    }

    fn end(self) -> Result<Tree, NoTree> {
        Ok(Tree::Map(self.pairs))
    }
}

impl Fields {
    fn push<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), NoTree> {
        self.fields.push((name, tree_of(value)?));
        Ok(())
    }
}

impl ser::SerializeStruct for Fields {
    type Ok = Tree;
    type Error = NoTree;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NoTree> {
        self.push(name, value)
    }

    fn end(self) -> Result<Tree, NoTree> {
        Ok((self.done)(self.fields))
    }
}

impl ser::SerializeStructVariant for Fields {
    type Ok = Tree;
    type Error = NoTree;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NoTree> {
        self.push(name, value)
    }

    fn end(self) -> Result<Tree, NoTree> {
        Ok((self.done)(self.fields))
    }
}
