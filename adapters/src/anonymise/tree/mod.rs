//! A record or a state as a tree of what serde sees: the names of its types and fields, and its
//! values. It becomes the same value again, with other texts in it.

mod read;
mod write;

pub(super) use read::value_of;
pub(super) use write::tree_of;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Tree {
    Unit,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Text(String),
    None,
    Some(Box<Tree>),
    /// A list, a set, or a tuple without a name.
    List(Vec<Tree>),
    Map(Vec<(Tree, Tree)>),
    /// A struct, with the name of its type.
    Struct(&'static str, Vec<(&'static str, Tree)>),
    /// A struct whose fields have no names; a single one is no list.
    Tuple(&'static str, Vec<Tree>),
    /// A variant of an enum.
    Variant(Variant, Content),
}

/// Which variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Variant {
    pub(super) of: &'static str,
    pub(super) name: &'static str,
    pub(super) index: u32,
}

/// What a variant holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Content {
    Nothing,
    One(Box<Tree>),
    Tuple(Vec<Tree>),
    Struct(Vec<(&'static str, Tree)>),
}

/// Why a value is no tree, or a tree not that value.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NoTree(String);

impl serde::ser::Error for NoTree {
    fn custom<T: std::fmt::Display>(message: T) -> NoTree {
        NoTree(message.to_string())
    }
}

impl serde::de::Error for NoTree {
    fn custom<T: std::fmt::Display>(message: T) -> NoTree {
        NoTree(message.to_string())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use engine::core::Core;
    use engine::fact::Record;
    use engine::strategy::{calls_from_outside, core_after};

    #[test]
    fn records_and_states_become_trees_and_themselves_again() {
        let records = calls_from_outside(0..30);
        for record in &records {
            let again: Record = value_of(tree_of(record).unwrap()).unwrap();
            assert_eq!(again, *record);
        }
        let core = core_after(&records);
        let again: Core = value_of(tree_of(&core).unwrap()).unwrap();
        assert_eq!(again, core);
    }

    #[test]
    fn a_tree_of_one_type_is_refused_by_another() {
        let tree = tree_of(&("a text", 7u8)).unwrap();
        assert!(value_of::<Record>(tree).is_err());
    }
}
