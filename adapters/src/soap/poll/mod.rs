//! The fast path of `Poll`: from bytes to the engine's facts in one pass, without a tree.
//!
//! An answer that is written plainly, as every PBX does that is not asked to do otherwise, is read
//! here. Whatever is out of the ordinary (a fault, a bare `&`, a value apart from its place, a
//! record that cannot be read, the lists in the wrong order, a missing end) is given up at once
//! and read again by the general decoder, which also has the words for what is wrong. So there is
//! one opinion about odd answers, and this file stays simple.

use super::decode::decode_any_info;
use super::error::SoapError;
use super::records::{read_boolean, read_integer};
use super::text::decoded;
use super::xml::{Checking, Scanner, Tag, Token, local, push_reference};
use super::{facts, limit};
use engine::fact::{CallInfo, Party, PbxFact, UserInfo};
use engine::id::Guid;
use std::borrow::Cow;

/// How much an answer to `Poll` brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollCount {
    /// Objects.
    pub users: u32,
    /// Events of calls.
    pub calls: u32,
    /// Records that could not be read, and were left out.
    pub skipped: u32,
}

/// Reads the answer to `Poll` and appends a fact for each record: first the users, then the calls,
/// each in the order of the document. The facts are the same as those of the general decoder's
/// `Answer::Poll`.
///
/// # Errors
/// As [`super::decode()`]; then nothing has been appended.
pub fn decode_poll(bytes: &[u8], facts: &mut Vec<PbxFact>) -> Result<PollCount, SoapError> {
    let text = decoded(bytes)?;
    let begin = facts.len();
    // Under this size there cannot be too many elements; the shortest is `<a/>`.
    if text.len() < 4 * limit::ELEMENTS {
        let mut plain = Plain { scanner: Scanner::new(&text, Checking::Strict), facts };
        if let Some(count) = plain.envelope() {
            return Ok(count);
        }
        facts.truncate(begin);
    }
    by_tree(&text, facts)
}

/// The same by way of the general decoder.
#[cold]
pub(super) fn by_tree(text: &str, facts: &mut Vec<PbxFact>) -> Result<PollCount, SoapError> {
    let all = decode_any_info(text)?;
    let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
    let counts = PollCount {
        users: count(all.read.user.len()),
        calls: count(all.read.call.len()),
        skipped: count(all.skipped),
    };
    facts.extend(all.read.user.into_iter().map(|user| PbxFact::User(Box::new(user.into()))));
    facts.extend(all.read.call.into_iter().map(|call| PbxFact::Call(call.into())));
    Ok(counts)
}

/// Reads a plain answer. Everything returns `None` to give up.
struct Plain<'a, 'f> {
    scanner: Scanner<'a>,
    facts: &'f mut Vec<PbxFact>,
}

/// A child that was opened, and must be read to its end before the next one.
struct Child<'a> {
    name: &'a str,
    attributes: &'a str,
    /// Written as one tag, so that its end is already read.
    empty: bool,
}

/// Deepest nesting inside an element that is passed over.
const SKIP_DEPTH: usize = 16;

impl<'a> Plain<'a, '_> {
    fn envelope(&mut self) -> Option<PollCount> {
        let envelope = self.child()??;
        let body = self.find(&envelope, "Envelope", "Body")?;
        let response = self.child()??;
        if body.empty || response.name == "Fault" {
            return None;
        }
        let mut count = PollCount::default();
        let mut has_result = false;
        while let Some(part) = self.next(&response)? {
            match part.name {
                "return" if has_result => return None,
                "return" => {
                    has_result = true;
                    count = self.result(&part)?;
                }
                _ => self.skip(&part)?,
            }
        }
        while let Some(apart) = self.child()? {
            self.skip(&apart)?;
        }
        while let Some(more) = self.child()? {
            self.skip(&more)?;
        }
        Some(count)
    }

    /// Goes into the child `wanted` of the element `parent`, passing over those before it.
    fn find(&mut self, parent: &Child<'a>, name: &str, wanted: &str) -> Option<Child<'a>> {
        if parent.name != name {
            return None;
        }
        while let Some(child) = self.next(parent)? {
            if child.name == wanted {
                return Some(child);
            }
            self.skip(&child)?;
        }
        None
    }

    fn result(&mut self, result: &Child<'a>) -> Option<PollCount> {
        let mut count = PollCount::default();
        while let Some(list) = self.next(result)? {
            match list.name {
                "user" if count.calls == 0 => {
                    while let Some(item) = self.item(&list, "guid")? {
                        let user = self.user(&item)?;
                        self.facts.push(PbxFact::User(user.into()));
                        count.users += 1;
                    }
                }
                "call" => {
                    while let Some(item) = self.item(&list, "msg")? {
                        let call = self.call(&item)?;
                        self.facts.push(PbxFact::Call(call));
                        count.calls += 1;
                    }
                }
                // Users behind calls; registrations, which nobody has seen.
                "user" | "reg" | "info" => {
                    if self.next(&list)?.is_some() {
                        return None;
                    }
                }
                _ => self.skip(&list)?,
            }
        }
        let most = limit::RECORDS as u32;
        (count.users <= most && count.calls <= most).then_some(count)
    }

    fn user(&mut self, item: &Child<'a>) -> Option<UserInfo> {
        let mut user = UserInfo::default();
        while let Some(part) = self.next(item)? {
            match part.name {
                "active" => user.active = self.boolean(&part)?,
                "cn" => user.cn = self.text(&part)?.as_ref().into(),
                "dn" => user.dn = self.text(&part)?.as_ref().into(),
                "type" => user.kind = self.text(&part)?.trim().into(),
                "e164" => user.e164 = self.text(&part)?.as_ref().into(),
                "h323" => user.h323 = self.text(&part)?.as_ref().into(),
                "state" => user.registered = facts::registered(self.unsigned(&part)?),
                "channel" => user.channel = facts::count(self.unsigned(&part)?),
                "alert" => user.alert = facts::count(self.unsigned(&part)?),
                "guid" => user.guid = Guid::read(self.text(&part)?.trim()),
                "loc" => user.loc = self.text(&part)?.as_ref().into(),
                "node" => user.node = self.text(&part)?.as_ref().into(),
                "object" => user.object = self.text(&part)?.trim().into(),
                "nodenum" => user.nodenum = self.text(&part)?.trim().into(),
                "cfg" => user.cfg = self.boolean(&part)?,
                _ => self.skip(&part)?,
            }
        }
        Some(user)
    }

    fn call(&mut self, item: &Child<'a>) -> Option<CallInfo> {
        let mut call = CallInfo::default();
        // Nearly always the two ends, and nobody else.
        let mut parties = Vec::with_capacity(2);
        let mut infos = 0;
        while let Some(part) = self.next(item)? {
            match part.name {
                "user" => call.user = self.unsigned(&part)?,
                "call" => call.call = self.unsigned(&part)?,
                "active" => call.active = self.boolean(&part)?,
                "state" => call.state = self.unsigned(&part)?,
                "No" => {
                    while let Some(no) = self.item(&part, "h323")? {
                        parties.push(self.party(&no)?);
                    }
                }
                "msg" => call.msg = facts::msg(self.text(&part)?.trim()),
                "info" => {
                    while let Some(info) = self.item(&part, "vals")? {
                        self.info(&info, &mut call)?;
                        infos += 1;
                    }
                }
                _ => self.skip(&part)?,
            }
        }
        let is_short = parties.len() <= limit::ITEMS && infos <= limit::ITEMS;
        call.parties = parties.into();
        is_short.then_some(call)
    }

    fn party(&mut self, item: &Child<'a>) -> Option<Party> {
        let mut party = Party::default();
        let mut kind = Cow::Borrowed("");
        while let Some(part) = self.next(item)? {
            match part.name {
                "type" => kind = self.text(&part)?,
                "cn" => party.cn = self.text(&part)?.as_ref().into(),
                "dn" => party.dn = self.text(&part)?.as_ref().into(),
                "e164" => party.e164 = self.text(&part)?.as_ref().into(),
                "h323" => party.h323 = self.text(&part)?.as_ref().into(),
                _ => self.skip(&part)?,
            }
        }
        party.role = facts::role(kind.trim());
        Some(party)
    }

    fn info(&mut self, item: &Child<'a>, call: &mut CallInfo) -> Option<()> {
        let (mut kind, mut number, mut text) = (Cow::Borrowed(""), 0, Cow::Borrowed(""));
        while let Some(part) = self.next(item)? {
            match part.name {
                "type" => kind = self.text(&part)?,
                "vali" => number = read_integer(&self.text(&part)?)?,
                "vals" => text = self.text(&part)?,
                _ => self.skip(&part)?,
            }
        }
        facts::add_info(call, kind.trim(), number, &text);
        Some(())
    }

    // ---- values ---------------------------------------------------------------------------

    #[inline]
    fn boolean(&mut self, part: &Child<'a>) -> Option<bool> {
        read_boolean(&self.text(part)?)
    }

    #[inline]
    fn unsigned(&mut self, part: &Child<'a>) -> Option<u32> {
        read_integer(&self.text(part)?).map(i32::cast_unsigned)
    }

    /// The characters of an element that has nothing else in it.
    #[inline]
    fn text(&mut self, part: &Child<'a>) -> Option<Cow<'a, str>> {
        if part.empty {
            return Some(Cow::Borrowed(""));
        }
        let text = match self.scanner.next().ok()? {
            Token::Close(_) => return Some(Cow::Borrowed("")),
            Token::Text(text) => text,
            Token::Reference(name) => {
                let mut text = String::new();
                push_reference(&mut text, name);
                return self.rest_of_text(text);
            }
            _ => return None,
        };
        match self.scanner.next().ok()? {
            Token::Close(_) => (text.len() <= limit::TEXT_BYTES).then_some(Cow::Borrowed(text)),
            Token::Reference(name) => {
                let mut text = String::from(text);
                push_reference(&mut text, name);
                self.rest_of_text(text)
            }
            Token::Text(more) => self.rest_of_text([text, more].concat()),
            _ => None,
        }
    }

    /// A text that comes in pieces.
    #[cold]
    fn rest_of_text(&mut self, mut text: String) -> Option<Cow<'a, str>> {
        loop {
            match self.scanner.next().ok()? {
                Token::Close(_) => {
                    return (text.len() <= limit::TEXT_BYTES).then_some(Cow::Owned(text));
                }
                Token::Text(more) => text.push_str(more),
                Token::Reference(name) => push_reference(&mut text, name),
                _ => return None,
            }
        }
    }

    // ---- structure ------------------------------------------------------------------------

    /// The next item of an array, whatever its name; but `sign` is the name of a value that only a
    /// record has, so then this is no array.
    #[inline]
    fn item(&mut self, array: &Child<'a>, sign: &str) -> Option<Option<Child<'a>>> {
        let item = self.next(array)?;
        match &item {
            Some(item) if item.name == sign || item.attributes.contains("nil") => None,
            _ => Some(item),
        }
    }

    /// The next child of an element that was opened.
    #[inline]
    fn next(&mut self, parent: &Child<'a>) -> Option<Option<Child<'a>>> {
        if parent.empty { Some(None) } else { self.child() }
    }

    /// The next child of the innermost open element, or its end.
    #[inline]
    fn child(&mut self) -> Option<Option<Child<'a>>> {
        loop {
            return match self.scanner.next().ok()? {
                Token::Open(tag) => Some(Some(child(tag, false)?)),
                Token::Empty(tag) => Some(Some(child(tag, true)?)),
                Token::Close(_) => Some(None),
                Token::Text(text) if text.trim_ascii().is_empty() => continue,
                Token::Text(_) | Token::Reference(_) | Token::End => None,
            };
        }
    }

    /// Passes over an element that nobody needs.
    fn skip(&mut self, child: &Child<'a>) -> Option<()> {
        if child.empty {
            return Some(());
        }
        let mut depth = 1;
        while depth > 0 {
            match self.scanner.next().ok()? {
                Token::Open(_) if depth == SKIP_DEPTH => return None,
                Token::Open(_) => depth += 1,
                Token::Close(_) => depth -= 1,
                Token::End => return None,
                Token::Empty(_) | Token::Text(_) | Token::Reference(_) => {}
            }
        }
        Some(())
    }
}

#[inline]
fn child(tag: Tag<'_>, empty: bool) -> Option<Child<'_>> {
    if !tag.attributes.is_empty() && tag.attributes.contains("href") {
        return None;
    }
    Some(Child { name: local(tag.name), attributes: tag.attributes, empty })
}

#[cfg(test)]
mod tests;
