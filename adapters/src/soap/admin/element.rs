//! A document of which every part can be had as it was written: what is not understood can be
//! given back unharmed.

use super::super::error::SoapError;
use super::super::limit;
use super::super::xml::{Checking, Scanner, Token, attributes, local};
use std::borrow::Cow;
use std::ops::Range;

/// An element and all that is in it.
#[derive(Debug)]
pub(crate) struct Element<'a> {
    name: &'a str,
    attributes: &'a str,
    whole: &'a str,
    children: Vec<Element<'a>>,
}

impl<'a> Element<'a> {
    /// Reads a document up to the end of its root.
    ///
    /// # Errors
    /// If it is not XML, cut off, or beyond a limit.
    pub(crate) fn read(text: &'a str) -> Result<Element<'a>, SoapError> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let mut scanner = Scanner::new(text, Checking::Lenient);
        let mut open: Vec<(&str, Element<'a>)> = Vec::new();
        let mut count = 0;
        loop {
            let ended = match scanner.next()? {
                Token::Open(tag) | Token::Empty(tag) if count == limit::ELEMENTS => {
                    let _ = tag;
                    return Err(SoapError::TooLarge { what: "elements", limit: limit::ELEMENTS });
                }
                Token::Open(_) if open.len() == limit::DEPTH => {
                    return Err(SoapError::TooLarge { what: "depth", limit: limit::DEPTH });
                }
                Token::Open(tag) => {
                    count += 1;
                    open.push((tag.name, Element::begun(tag.name, tag.attributes)));
                    None
                }
                Token::Empty(tag) => {
                    count += 1;
                    let element = Element::begun(tag.name, tag.attributes);
                    Some(element.ended(text, tag.name, scanner.position()))
                }
                Token::Close(name) => match open.pop() {
                    Some((opened, element)) if opened == name.trim_end() => {
                        Some(element.ended(text, opened, scanner.position()))
                    }
                    _ => {
                        let position = scanner.position();
                        let reason = "a tag closes what is not open".into();
                        return Err(SoapError::NotXml { position, reason });
                    }
                },
                Token::Text(_) | Token::Reference(_) => None,
                Token::End => return Err(SoapError::Truncated { bytes: text.len() }),
            };
            match (ended, open.last_mut()) {
                (Some(element), Some((_, parent))) => parent.children.push(element),
                (Some(root), None) => return Ok(root),
                (None, _) => {}
            }
        }
    }

    fn begun(name: &'a str, attributes: &'a str) -> Element<'a> {
        Element { name: local(name), attributes, whole: "", children: Vec::new() }
    }

    fn ended(mut self, text: &'a str, name: &str, end: usize) -> Element<'a> {
        // The name stands behind the `<`.
        let start = place_in(text, name) - 1;
        self.whole = &text[start..end];
        self
    }

    /// Its local name.
    pub(crate) fn name(&self) -> &'a str {
        self.name
    }

    /// All of it as it was written.
    pub(crate) fn whole(&self) -> &'a str {
        self.whole
    }

    /// The elements directly in it, in their order.
    pub(crate) fn children(&self) -> &[Element<'a>] {
        &self.children
    }

    /// The first of these with that local name.
    pub(crate) fn child(&self, name: &str) -> Option<&Element<'a>> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<Cow<'a, str>> {
        self.attributes().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// All attributes, by their names with prefix.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        attributes(self.attributes)
    }

    /// Where in [`Element::whole`] its attributes stand.
    pub(crate) fn attributes_place(&self) -> Range<usize> {
        let start = place_in(self.whole, self.attributes);
        start..start + self.attributes.len()
    }
}

/// Where in a text a part of it begins.
fn place_in(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

/// Where an attribute stands among others.
pub(crate) struct ValuePlace {
    /// With its quotes and one character of white space before it.
    pub(crate) whole: Range<usize>,
    /// Between its quotes.
    pub(crate) value: Range<usize>,
}

/// Finds an attribute in what stands behind the name of an element.
pub(crate) fn value_place(attributes: &str, name: &str) -> Option<ValuePlace> {
    let mut at = 0;
    loop {
        let rest = &attributes[at..];
        let equals = rest.find('=')?;
        let behind = &rest[equals + 1..];
        let gap = behind.len() - behind.trim_start().len();
        let quote = behind[gap..].chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let start = at + equals + 1 + gap + 1;
        let end = start + attributes[start..].find(quote)?;
        if rest[..equals].trim() == name {
            let gap = equals - rest[..equals].trim_start().len();
            return Some(ValuePlace {
                whole: at + gap.saturating_sub(1)..end + 1,
                value: start..end,
            });
        }
        at = end + 1;
    }
}
