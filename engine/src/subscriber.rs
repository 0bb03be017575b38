//! What a PBX said of one of its users, as far as names and numbers are made of it.

use crate::id::Guid;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One user. There are up to a million of them, so the texts are one piece of memory. They are
/// personal, so they print as their lengths.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriber {
    /// Identity of the PBX object.
    pub guid: Guid,
    /// All texts, one after the other.
    texts: Box<str>,
    /// Where each of them ends.
    ends: [u16; TEXTS],
}

/// The texts of a user, each of which may be empty. Not more than [`MAX_TEXT_BYTES`] of each are
/// kept.
#[derive(Clone, Copy, Default)]
pub struct Texts<'a> {
    /// Long Name.
    pub cn: &'a str,
    /// Display name.
    pub dn: &'a str,
    /// Short Name.
    pub h323: &'a str,
    /// Extension within its node.
    pub e164: &'a str,
    /// Home PBX if it is not the one that reported the user.
    pub loc: &'a str,
    /// Its numbering node.
    pub node: &'a str,
    /// Number of that node.
    pub nodenum: &'a str,
}

const TEXTS: usize = 7;

/// Most bytes that are kept of one text; the PBX allows far less.
pub const MAX_TEXT_BYTES: usize = u16::MAX as usize / TEXTS;

impl Subscriber {
    /// A user with these texts.
    #[must_use]
    pub fn new(guid: Guid, texts: Texts<'_>) -> Subscriber {
        let Texts { cn, dn, h323, e164, loc, node, nodenum } = texts;
        let (mut joined, mut ends) = (String::new(), [0; TEXTS]);
        for (text, end) in [cn, dn, h323, e164, loc, node, nodenum].into_iter().zip(&mut ends) {
            let mut lens = (0..=text.len().min(MAX_TEXT_BYTES)).rev();
            let len = lens.find(|len| text.is_char_boundary(*len)).unwrap_or(0);
            joined.push_str(&text[..len]);
            // The limit keeps the sum within 16 bits.
            *end = u16::try_from(joined.len()).unwrap_or(u16::MAX);
        }
        Subscriber { guid, texts: joined.into(), ends }
    }

    /// Long Name.
    #[must_use]
    pub fn cn(&self) -> &str {
        self.text(0)
    }

    /// Display name.
    #[must_use]
    pub fn dn(&self) -> &str {
        self.text(1)
    }

    /// Short Name.
    #[must_use]
    pub fn h323(&self) -> &str {
        self.text(2)
    }

    /// Extension within its node.
    #[must_use]
    pub fn e164(&self) -> &str {
        self.text(3)
    }

    /// Home PBX if it is not the one that reported the user.
    #[must_use]
    pub fn loc(&self) -> &str {
        self.text(4)
    }

    /// Its numbering node.
    #[must_use]
    pub fn node(&self) -> &str {
        self.text(5)
    }

    /// Number of that node.
    #[must_use]
    pub fn nodenum(&self) -> &str {
        self.text(6)
    }

    fn text(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { usize::from(self.ends[index - 1]) };
        self.texts.get(start..usize::from(self.ends[index])).unwrap_or("")
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscriber({}, <{} bytes>)", self.guid, self.texts.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_comes_back_and_none_is_printed() {
        let texts = Texts {
            cn: "Anna Berg",
            dn: "Änne",
            h323: "anna",
            e164: "20",
            loc: "hq",
            node: "",
            nodenum: "5",
        };
        let who = Subscriber::new(Guid::read("a1"), texts);
        let all =
            [who.cn(), who.dn(), who.h323(), who.e164(), who.loc(), who.node(), who.nodenum()];
        assert_eq!(all, ["Anna Berg", "Änne", "anna", "20", "hq", "", "5"]);
        assert!(!format!("{who:?}").contains("Anna"));
    }

    #[test]
    fn texts_beyond_the_limit_are_cut_between_characters() {
        let long = "ü".repeat(10_000);
        let texts = Texts {
            cn: &long,
            dn: &long,
            h323: &long,
            e164: &long,
            loc: &long,
            node: &long,
            nodenum: &long,
        };
        let who = Subscriber::new(Guid::NIL, texts);
        for text in [who.cn(), who.nodenum()] {
            assert_eq!(text, "ü".repeat(MAX_TEXT_BYTES / 2));
        }
    }
}
