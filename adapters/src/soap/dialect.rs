//! The spellings in which an answer can travel. The PBX's own is the default; where nobody knows
//! it for certain, the simulator can speak every variant (section 10.2 of the PBX's SOAP
//! reference), and the decoder reads them all.

use super::Interface;

/// How to write an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// Which elements a `UserInfo` has, and in which order.
    pub interface: Interface,
    /// What the items of an array are called.
    pub item_names: ItemNames,
    /// What the items of an `info` array are called under [`ItemNames::Wire`].
    pub info_item_name: InfoItemName,
    /// Whether values carry their types.
    pub typed_responses: TypedResponses,
    /// How the response element is bound to its namespace.
    pub response_prefix: ResponsePrefix,
    /// How a boolean is spelt.
    pub bool_style: BoolStyle,
    /// How an empty array is written.
    pub empty_arrays: EmptyArrays,
    /// How texts are encoded.
    pub charset: Charset,
}

/// What the items of an array are called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ItemNames {
    /// As seen: an array inside a structure repeats its own name, one that is the result has `item`.
    #[default]
    Wire,
    /// All `item`, as the WSDL says.
    Item,
}

/// What the items of an `info` array are called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InfoItemName {
    /// By the rule for arrays inside structures.
    #[default]
    Info,
    /// The exception that one client's code hints at.
    Item,
}

/// Whether values carry their types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TypedResponses {
    /// No attributes.
    #[default]
    Off,
    /// `xsi:type` everywhere.
    Types,
    /// And `SOAP-ENC:arrayType` at arrays.
    TypesAndArrays,
}

/// How the response element is bound to its namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponsePrefix {
    /// By a prefix.
    #[default]
    Bound,
    /// By a default namespace, which its parts inherit.
    Default,
    /// Not at all.
    Unqualified,
}

/// How a boolean is spelt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BoolStyle {
    /// `true`, `false`.
    #[default]
    Words,
    /// `1`, `0`.
    Digits,
}

/// How an empty array is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmptyArrays {
    /// As an empty element.
    #[default]
    Element,
    /// Not at all.
    Absent,
    /// As `xsi:nil`.
    Nil,
}

/// How texts are encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8, escaped.
    #[default]
    Utf8,
    /// One byte per character, escaped; what Latin-1 does not have becomes a numeric reference.
    Latin1,
    /// UTF-8 with special characters as they are, as very old firmware does. Not always XML.
    Unescaped,
}
