//! A message as a small tree, for everything but the fast path of `Poll`.
//!
//! It forgives what a document of an old box, or one cut up by many hands, may have: any prefix,
//! declared or not, a bare `&`, references nobody declared, an unescaped `<Name>` inside a text,
//! values kept apart from where they belong (`href`). It does not forgive a missing end.

use super::error::{Fault, SoapError};
use super::limit;
use super::xml::{Checking, Scanner, Tag, Token, attributes, local, prefix, push_reference};
use std::borrow::Cow;

/// References to other elements that are followed in one document. They could otherwise blow up a
/// small document into a large value.
const HREFS: usize = 1000;

/// A document, its elements in document order.
pub(super) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    /// Elements that others refer to, by their `id`; sorted.
    ids: Vec<(Cow<'a, str>, usize)>,
}

struct Node<'a> {
    /// Name with its prefix.
    name: &'a str,
    attributes: &'a str,
    /// Its own characters, without those of its children.
    text: Cow<'a, str>,
    /// Where its descendants end.
    end: usize,
}

impl<'a> Tree<'a> {
    /// Reads a document up to the end of its root.
    ///
    /// # Errors
    /// If it is not XML, cut off, or beyond a limit.
    pub(super) fn read(text: &'a str) -> Result<Tree<'a>, SoapError> {
        let mut scanner = Scanner::new(text, Checking::Lenient);
        let mut tree = Tree { nodes: Vec::new(), ids: Vec::new() };
        let mut open: Vec<usize> = Vec::new();
        let mut hrefs = 0;
        loop {
            match scanner.next()? {
                Token::Open(tag) => {
                    let node = tree.add(tag, &mut hrefs)?;
                    if open.len() == limit::DEPTH {
                        return Err(SoapError::TooLarge { what: "depth", limit: limit::DEPTH });
                    }
                    open.push(node);
                }
                Token::Empty(tag) => {
                    tree.add(tag, &mut hrefs)?;
                }
                Token::Text(piece) => tree.say(open.last(), piece),
                Token::Reference(name) => {
                    if let Some(&node) = open.last() {
                        push_reference(tree.nodes[node].text.to_mut(), name);
                    }
                }
                Token::Close(name) => {
                    tree.close(&mut open, name.trim_end(), scanner.position())?;
                }
                Token::End if tree.nodes.is_empty() && !text.trim().is_empty() => {
                    return Err(SoapError::NotSoap { reason: "no element in it".into() });
                }
                Token::End => return Err(SoapError::Truncated { bytes: text.len() }),
            }
            if open.is_empty() && !tree.nodes.is_empty() {
                break;
            }
        }
        if hrefs > 0 {
            tree.index();
        }
        Ok(tree)
    }

    /// The parts of a SOAP message.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn message(&self) -> Result<Message<'_>, SoapError> {
        let lacking = |reason: &str| SoapError::NotSoap { reason: reason.into() };
        let envelope = Element { tree: self, index: 0 };
        if envelope.name() != "Envelope" {
            return Err(lacking("its root is no Envelope"));
        }
        let body = envelope.child("Body").ok_or_else(|| lacking("there is no Body"))?;
        let content = body.children().next().ok_or_else(|| lacking("its Body is empty"))?;
        Ok(Message { envelope, body, content })
    }

    fn add(&mut self, tag: Tag<'a>, hrefs: &mut usize) -> Result<usize, SoapError> {
        let index = self.nodes.len();
        if index == limit::ELEMENTS {
            return Err(SoapError::TooLarge { what: "elements", limit: limit::ELEMENTS });
        }
        if tag.attributes.contains("href") {
            *hrefs += 1;
            if *hrefs > HREFS {
                return Err(SoapError::TooLarge { what: "references", limit: HREFS });
            }
        }
        let Tag { name, attributes } = tag;
        self.nodes.push(Node { name, attributes, text: Cow::Borrowed(""), end: index + 1 });
        Ok(index)
    }

    fn say(&mut self, innermost: Option<&usize>, piece: &'a str) {
        let Some(&index) = innermost else { return };
        let has_children = self.nodes.len() > index + 1;
        let node = &mut self.nodes[index];
        if node.text.is_empty() {
            node.text = Cow::Borrowed(piece);
        } else if !has_children || !piece.trim_ascii().is_empty() {
            node.text.to_mut().push_str(piece);
        }
    }

    /// Closes the innermost element; or the one round it, if the innermost was never meant to be
    /// one, but is part of a name that was not escaped.
    fn close(
        &mut self,
        open: &mut Vec<usize>,
        name: &str,
        position: usize,
    ) -> Result<(), SoapError> {
        /// Envelope, Body and response are not names.
        const SURE: usize = 3;
        let opens = |index: Option<&usize>| index.is_some_and(|&i| self.nodes[i].name == name);
        let closing = if opens(open.last()) {
            1
        } else if open.len() > SURE + 1 && opens(open.get(open.len() - 2)) {
            2
        } else {
            let reason = "a tag closes what is not open".into();
            return Err(SoapError::NotXml { position, reason });
        };
        let end = self.nodes.len();
        for index in open.drain(open.len() - closing..) {
            self.nodes[index].end = end;
        }
        Ok(())
    }

    fn index(&mut self) {
        for (index, node) in self.nodes.iter().enumerate() {
            if let Some((_, id)) = attributes(node.attributes).find(|(name, _)| *name == "id") {
                self.ids.push((id, index));
            }
        }
        self.ids.sort();
    }
}

/// A SOAP message taken apart.
pub(super) struct Message<'t> {
    pub(super) envelope: Element<'t>,
    pub(super) body: Element<'t>,
    /// The first element of the Body: request, response or Fault.
    pub(super) content: Element<'t>,
}

impl<'t> Message<'t> {
    /// The response.
    ///
    /// # Errors
    /// If it is a Fault instead. Its name is not looked at otherwise: whoever asked knows what.
    pub(super) fn response(&self) -> Result<Element<'t>, SoapError> {
        if self.content.name() != "Fault" {
            return Ok(self.content);
        }
        let text = |name| self.content.child(name).map_or("", |part| part.text().trim());
        Err(SoapError::Fault(Fault {
            code: text("faultcode").into(),
            text: text("faultstring").into(),
            detail: text("detail").into(),
        }))
    }
}

/// One element of a tree.
#[derive(Clone, Copy)]
pub(super) struct Element<'t> {
    tree: &'t Tree<'t>,
    index: usize,
}

impl<'t> Element<'t> {
    /// Its local name.
    pub(super) fn name(self) -> &'t str {
        local(self.node().name)
    }

    /// Its prefix; empty if it has none.
    pub(super) fn prefix(self) -> &'t str {
        prefix(self.node().name)
    }

    /// Its own text, untrimmed.
    pub(super) fn text(self) -> &'t str {
        &self.value().node().text
    }

    /// Its children, in document order.
    pub(super) fn children(self) -> impl Iterator<Item = Element<'t>> {
        let parent = self.value();
        let end = parent.node().end;
        let mut index = parent.index + 1;
        std::iter::from_fn(move || {
            let child = (index < end).then_some(Element { tree: self.tree, index })?;
            index = child.node().end;
            Some(child)
        })
    }

    /// Its first child of that local name.
    pub(super) fn child(self, name: &str) -> Option<Element<'t>> {
        self.children().find(|child| child.name() == name)
    }

    /// Whether it has no children.
    pub(super) fn is_leaf(self) -> bool {
        let value = self.value();
        value.node().end == value.index + 1
    }

    /// Whether it says itself that it is not there.
    pub(super) fn is_nil(self) -> bool {
        self.attributes()
            .any(|(name, value)| local(name) == "nil" && matches!(value.trim(), "true" | "1"))
    }

    /// Its attributes, by their names with prefix.
    pub(super) fn attributes(self) -> impl Iterator<Item = (&'t str, Cow<'t, str>)> {
        attributes(self.node().attributes)
    }

    fn node(self) -> &'t Node<'t> {
        &self.tree.nodes[self.index]
    }

    /// The element that holds the value: this one, or the one that it refers to.
    fn value(self) -> Element<'t> {
        if self.tree.ids.is_empty() || !self.node().attributes.contains("href") {
            return self;
        }
        let Some((_, href)) = self.attributes().find(|(name, _)| *name == "href") else {
            return self;
        };
        let id = href.trim_start_matches('#');
        match self.tree.ids.binary_search_by(|(known, _)| known.as_ref().cmp(id)) {
            Ok(found) => Element { tree: self.tree, index: self.tree.ids[found].1 },
            Err(_) => self,
        }
    }
}
