//! Which line is meant: by number, by name, or by permanent id.

use crate::rows::LineTag;
use engine::view::Identity;
use std::fmt;
use std::str::FromStr;

/// Which line is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one with this permanent id, written `@17`.
    Id(u32),
    /// The ones with this number, or this name.
    Called(String),
}

impl Which {
    /// Whether a row is about it.
    pub(crate) fn names(&self, line: &LineTag) -> bool {
        match self {
            Which::Id(id) => line.id == *id,
            Which::Called(text) => line.number == *text || line.name == *text,
        }
    }

    /// Whether this one is.
    pub(crate) fn is(&self, identity: &Identity) -> bool {
        match self {
            Which::Id(id) => identity.permanent.0 == *id,
            Which::Called(text) => {
                identity.number.to_text() == *text || identity.name.to_text() == *text
            }
        }
    }
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Which, String> {
        match text.strip_prefix('@') {
            Some(id) => match id.parse() {
                Ok(id) => Ok(Which::Id(id)),
                Err(_) => Err("after an @ stands the permanent id of a line, such as @17".into()),
            },
            None if text.is_empty() => Err("which line?".into()),
            None => Ok(Which::Called(text.to_owned())),
        }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Which::Id(id) => write!(f, "@{id}"),
            Which::Called(text) if text.chars().all(char::is_alphanumeric) => f.write_str(text),
            Which::Called(text) => write!(f, "\"{text}\""),
        }
    }
}
