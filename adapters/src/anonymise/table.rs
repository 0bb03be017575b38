//! What becomes of each thing in a record, an effect or a state: the one table.
//!
//! A text becomes another one unless the table says something else, so a new field is anonymised
//! without anybody having to think of it. A number stays unless the table names it: numbers are
//! handles, counts, times and bits, and those that PBXs or applications made up say nothing about
//! anybody. GUIDs are known by their type.

use super::tree::{Content, Tree};

/// What a text is, and so what is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// A name, a number, or any other text: another one stands for it.
    Text,
    /// Further digits of a number whose beginning is elsewhere.
    MoreDigits,
    /// Host and port.
    Authority,
    /// Path of a URL.
    Path,
    /// A URL, or what a PBX gives for one.
    Url,
    /// A template for names of lines.
    Template,
    /// User-user information.
    UserInfo,
    /// An element of XML.
    Element,
    /// A word of the PBX's vocabulary, if it looks like one; else as any text.
    Word,
}

/// What a number is that does not stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secret {
    /// A checksum of a record with names in it.
    Print,
    /// A checksum of a Long Name.
    NameSum,
    /// Follows from a GUID, or from texts.
    Derived,
}

/// What a text is. `of` is the struct or struct-like variant it is in, and `field` its field; or the
/// enum, and its variant.
fn subject(of: &str, field: &str) -> Subject {
    match (of, field) {
        ("Place", "authority") => Subject::Authority,
        ("Place", "path") => Subject::Path,
        ("PbxFact", "Located") => Subject::Url,
        ("Configuration", "name_template") => Subject::Template,
        ("Identification", "firmware")
        | ("UserInfo", "kind" | "object")
        | ("Msg" | "Role", "Other") => Subject::Word,
        ("CallInfo" | "UserUUI" | "CallCard", "uui") | ("SendUserUserInfo", "user_info") => {
            Subject::UserInfo
        }
        ("Diversion", "element") => Subject::Element,
        // The order by that name; the fact has no such field.
        ("UserInfo", "digits") => Subject::MoreDigits,
        _ => Subject::Text,
    }
}

/// What a number is, if it does not stay.
fn secret(of: &str, field: &str) -> Option<Secret> {
    match (of, field) {
        (_, "print") => Some(Secret::Print),
        ("Rang", "who") => Some(Secret::NameSum),
        ("CallCard", "call_id" | "related_call_id") => Some(Secret::Derived),
        _ => None,
    }
}

/// What meets everything that the table is about.
pub(super) trait Visitor {
    /// A text.
    fn text(&mut self, subject: Subject, text: &mut String);
    /// A GUID, and whether it is that of a call.
    fn guid(&mut self, is_call: bool, guid: &mut [u8; 16]);
    /// A number that does not stay.
    fn secret(&mut self, secret: Secret, number: &mut u64) {
        let _ = (secret, number);
    }
    /// The numbers of an object of the PBX: the one of its node, and its own with the type of the
    /// object that has it.
    fn numbering(&mut self, node: &str, own: &str, object: &str) {
        let _ = (node, own, object);
    }
}

/// Leads a visitor through a tree.
pub(super) fn visit(tree: &mut Tree, visitor: &mut impl Visitor) {
    walk(tree, ("", ""), visitor);
}

type At = (&'static str, &'static str);

fn walk(tree: &mut Tree, at: At, visitor: &mut impl Visitor) {
    match tree {
        Tree::Unit | Tree::None | Tree::Bool(_) | Tree::Signed(_) => {}
        Tree::Unsigned(number) => {
            if let Some(secret) = secret(at.0, at.1) {
                visitor.secret(secret, number);
            }
        }
        Tree::Text(text) => match at {
            // Authority and path of a PBX of the settings, in small letters.
            ("Key", "Master") if text.starts_with('/') => visitor.text(Subject::Path, text),
            ("Key", "Master") => visitor.text(Subject::Authority, text),
            (of, field) => visitor.text(subject(of, field), text),
        },
        Tree::Some(inner) => walk(inner, at, visitor),
        Tree::List(trees) => trees.iter_mut().for_each(|tree| walk(tree, at, visitor)),
        Tree::Map(pairs) => pairs.iter_mut().for_each(|(key, value)| {
            walk(key, at, visitor);
            walk(value, at, visitor);
        }),
        Tree::Struct("Subscriber", fields) => subscriber(fields, visitor),
        Tree::Struct(name, fields) => {
            numbering(name, fields, visitor);
            fields.iter_mut().for_each(|(field, tree)| walk(tree, (name, field), visitor));
        }
        Tree::Tuple("Guid", trees) => guid(trees, at == ("CallInfo", "conf"), visitor),
        Tree::Tuple("Wide", trees) => trees.iter_mut().for_each(|tree| wide(tree, at, visitor)),
        Tree::Tuple(_, trees) => trees.iter_mut().for_each(|tree| walk(tree, at, visitor)),
        Tree::Variant(variant, content) => match content {
            Content::Nothing => {}
            Content::One(tree) => walk(tree, (variant.of, variant.name), visitor),
            Content::Tuple(trees) => {
                let at = (variant.of, variant.name);
                trees.iter_mut().for_each(|tree| walk(tree, at, visitor));
            }
            Content::Struct(fields) => fields
                .iter_mut()
                .for_each(|(field, tree)| walk(tree, (variant.name, field), visitor)),
        },
    }
}

fn guid(trees: &mut [Tree], is_call: bool, visitor: &mut impl Visitor) {
    let Some(Tree::List(bytes)) = trees.first_mut() else { return };
    let mut guid: [u8; 16] = std::array::from_fn(|at| match bytes.get(at) {
        Some(Tree::Unsigned(byte)) => *byte as u8,
        _ => 0,
    });
    visitor.guid(is_call, &mut guid);
    *bytes = guid.iter().map(|byte| Tree::Unsigned((*byte).into())).collect();
}

/// A text as applications get it: UTF-16, little-endian, with a NUL at its end.
fn wide(tree: &mut Tree, at: At, visitor: &mut impl Visitor) {
    let Tree::Some(inner) = tree else { return };
    let Tree::List(bytes) = inner.as_mut() else { return };
    let byte = |tree: &Tree| match tree {
        Tree::Unsigned(byte) => *byte as u8,
        _ => 0,
    };
    let units =
        bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([byte(&pair[0]), byte(&pair[1])]));
    let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    let mut text = String::from_utf16_lossy(&units);
    visitor.text(subject(at.0, at.1), &mut text);
    let units = text.encode_utf16().chain([0]);
    *bytes = units.flat_map(u16::to_le_bytes).map(|byte| Tree::Unsigned(byte.into())).collect();
}

/// The texts of a user, which are one text and say where each of them ends.
fn subscriber(fields: &mut [(&'static str, Tree)], visitor: &mut impl Visitor) {
    let [(_, guid), (_, Tree::Text(joined)), (_, Tree::List(ends))] = fields else { return };
    walk(guid, ("Subscriber", "guid"), visitor);
    let (mut texts, mut start) = (Vec::new(), 0);
    for end in ends.iter() {
        let Tree::Unsigned(end) = end else { return };
        let end = *end as usize;
        texts.push(joined.get(start..end).unwrap_or("").to_owned());
        start = end;
    }
    // As in `engine::subscriber`: the fourth is the extension, the last one the number of the node.
    if let [_, _, _, own, _, _, node] = texts.as_slice() {
        visitor.numbering(node, own, "");
    }
    texts.iter_mut().for_each(|text| visitor.text(Subject::Text, text));
    // What stands for a text is as long as that, so the ends stay.
    *joined = texts.concat();
}

/// Says what an object's numbers are.
fn numbering(name: &str, fields: &[(&'static str, Tree)], visitor: &mut impl Visitor) {
    let text = |wanted: &str| {
        fields.iter().find_map(|(field, tree)| match tree {
            Tree::Text(text) if *field == wanted => Some(text.as_str()),
            _ => None,
        })
    };
    match name {
        "UserInfo" => {
            if let (Some(node), Some(own), Some(object)) =
                (text("nodenum"), text("e164"), text("object"))
            {
                visitor.numbering(node, own, object);
            }
        }
        // A numbering node of the state, and a trunk.
        "Node" => {
            if let (Some(node), Some(own)) = (text("parent_number"), text("number")) {
                visitor.numbering(node, own, "node");
            }
        }
        "Trunk" => visitor.numbering("", text("number").unwrap_or(""), "trunk"),
        _ => {}
    }
}
