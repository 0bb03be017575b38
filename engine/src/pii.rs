//! Personal data: names and numbers of people. The type keeps them out of logs by accident.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A value that tells something about a person. It prints as its length only; whoever means to
/// show it says so by [`Pii::show`].
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pii<T>(T);

impl<T> Pii<T> {
    /// Marks a value as personal.
    pub const fn new(value: T) -> Pii<T> {
        Pii(value)
    }

    /// The value itself, for a reader who is entitled to it: the application, the user's screen.
    pub const fn show(&self) -> &T {
        &self.0
    }

    /// Takes the value out.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl Personal {
    /// The text as a slice.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Personal {
    fn from(text: &str) -> Self {
        Pii(text.into())
    }
}

impl<T: AsRef<str>> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} characters>", self.0.as_ref().chars().count())
    }
}

impl<T: AsRef<str>> fmt::Display for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A text about a person. Nearly all names and numbers are short, and then lie where the value lies:
/// a call event has a dozen of them, and each would be a piece of memory to make, to find and to free.
pub type Personal = Pii<CompactString>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_prints_as_its_length_only() {
        let name = Personal::from("Zoë Ünal");
        assert_eq!(format!("{name} {name:?}"), "<8 characters> <8 characters>");
        assert_eq!(name.text(), "Zoë Ünal");
    }
}
