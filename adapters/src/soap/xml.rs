//! The pull parser of XML: the only file that names it.
//!
//! [`Scanner`] says what kind of token comes next and gives the bytes of the document that make it
//! up. It copies nothing, and everything here is inlined into its callers, so it costs what the
//! parser costs.

use super::error::SoapError;
use quick_xml::Reader;
use quick_xml::errors::{Error, SyntaxError};
use quick_xml::events::Event;
use std::borrow::Cow;
use std::mem::ManuallyDrop;

/// What comes next in a document.
pub(super) enum Token<'a> {
    /// `<name …>`
    Open(Tag<'a>),
    /// `<name …/>`
    Empty(Tag<'a>),
    /// `</name>`, with the prefix.
    Close(&'a str),
    /// Characters that stand for themselves, of a text or of a CDATA section.
    Text(&'a str),
    /// `&name;`, without the marks.
    Reference(&'a str),
    /// The document ends here, complete or not.
    End,
}

/// What stands in an opening tag.
#[derive(Clone, Copy)]
pub(super) struct Tag<'a> {
    /// Name with its prefix.
    pub(super) name: &'a str,
    /// Everything behind the name.
    pub(super) attributes: &'a str,
}

/// Who checks that tags close what is open.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Checking {
    /// The parser; a mismatch or a bare `&` is an error.
    Strict,
    /// The caller; a bare `&` is a text.
    Lenient,
}

/// Goes through a document token by token.
pub(super) struct Scanner<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
}

impl<'a> Scanner<'a> {
    /// At the begin of the document.
    #[inline]
    pub(super) fn new(text: &'a str, checking: Checking) -> Scanner<'a> {
        // The parser skips a byte order mark without counting it.
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let mut reader = Reader::from_str(text);
        if checking == Checking::Lenient {
            let config = reader.config_mut();
            config.allow_dangling_amp = true;
            config.allow_unmatched_ends = true;
            config.check_end_names = false;
        }
        Scanner { text, reader }
    }

    /// The next token. Comments, declarations and processing instructions are passed over.
    #[inline(always)] // a quarter of the time of the fast path otherwise
    pub(super) fn next(&mut self) -> Result<Token<'a>, SoapError> {
        loop {
            let start = self.position();
            // Looked at where it lies, as moving it costs as much as reading a short one; and not
            // dropped, as what is read from a slice borrows all it has.
            let event = ManuallyDrop::new(self.reader.read_event());
            let token = &self.text[start..self.position()];
            return Ok(match &*event {
                Ok(Event::Start(tag)) => Token::Open(split(token, tag.name().0.len(), 1)),
                Ok(Event::End(_)) => Token::Close(&token[2..token.len() - 1]),
                Ok(Event::Text(_)) => Token::Text(token),
                Ok(Event::Empty(tag)) => Token::Empty(split(token, tag.name().0.len(), 2)),
                Ok(Event::GeneralRef(_)) => Token::Reference(&token[1..token.len() - 1]),
                Ok(Event::CData(_)) => {
                    Token::Text(&token["<![CDATA[".len()..token.len() - "]]>".len()])
                }
                Ok(Event::Eof) => Token::End,
                Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {
                    continue;
                }
                Err(_) => return Err(self.blame(ManuallyDrop::into_inner(event).err())),
            });
        }
    }

    /// Bytes read so far.
    #[inline]
    pub(super) fn position(&self) -> usize {
        // An offset into a slice fits a usize.
        self.reader.buffer_position() as usize
    }

    #[cold]
    fn blame(&self, error: Option<Error>) -> SoapError {
        match error {
            // All syntax errors but this one are an end of the document inside of something.
            Some(Error::Syntax(syntax)) if syntax != SyntaxError::InvalidBangMarkup => {
                SoapError::Truncated { bytes: self.text.len() }
            }
            other => SoapError::NotXml {
                position: self.reader.error_position() as usize,
                reason: other.map_or_else(Box::default, |error| error.to_string().into()),
            },
        }
    }
}

/// The inside of a tag; `tail` is the length of its end.
#[inline]
fn split(token: &str, name: usize, tail: usize) -> Tag<'_> {
    Tag { name: &token[1..1 + name], attributes: &token[1 + name..token.len() - tail] }
}

/// A name without its prefix.
#[inline]
pub(super) fn local(name: &str) -> &str {
    match name.as_bytes().iter().position(|&byte| byte == b':') {
        Some(colon) => &name[colon + 1..],
        None => name,
    }
}

/// A name's prefix; empty if it has none.
pub(super) fn prefix(name: &str) -> &str {
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

/// The character that a reference stands for, if there is one.
pub(super) fn referent(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?).filter(|&c| c != '\0')
        }
    }
}

/// Adds what a reference stands for to a text. One that nobody declared is taken for what somebody
/// forgot to escape, and stays as it is.
pub(super) fn push_reference(text: &mut String, name: &str) {
    match referent(name) {
        Some(c) => text.push(c),
        None => {
            text.push('&');
            text.push_str(name);
            text.push(';');
        }
    }
}

/// The attributes of a tag, by their names with prefix.
pub(super) fn attributes(mut rest: &str) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    std::iter::from_fn(move || {
        let (name, behind) = rest.split_once('=')?;
        let behind = behind.trim_start();
        let quote = behind.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let (value, behind) = behind[1..].split_once(quote)?;
        rest = behind;
        Some((name.trim(), unescaped(value)))
    })
}

fn unescaped(value: &str) -> Cow<'_, str> {
    let Some((before, mut rest)) = value.split_once('&') else { return Cow::Borrowed(value) };
    let mut text = String::from(before);
    while let Some((name, behind)) = rest.split_once(';') {
        push_reference(&mut text, name);
        match behind.split_once('&') {
            Some((before, behind)) => {
                text.push_str(before);
                rest = behind;
            }
            None => {
                text.push_str(behind);
                return Cow::Owned(text);
            }
        }
    }
    text.push('&');
    text.push_str(rest);
    Cow::Owned(text)
}

/// Adds a text so that it reads as itself.
///
/// What XML cannot hold at all, not even as a reference, becomes the replacement character: a name
/// with a bell in it must not break the whole message.
pub(super) fn push_escaped(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(must_escape) {
        let (plain, behind) = rest.split_at(at);
        out.push_str(plain);
        let mut characters = behind.chars();
        match characters.next() {
            Some('&') => out.push_str("&amp;"),
            Some('<') => out.push_str("&lt;"),
            Some('>') => out.push_str("&gt;"),
            Some('"') => out.push_str("&quot;"),
            // A reader may turn a bare one into a line feed.
            Some('\r') => out.push_str("&#13;"),
            _ => out.push(char::REPLACEMENT_CHARACTER),
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
}

fn must_escape(c: char) -> bool {
    matches!(c, '&' | '<' | '>' | '"' | '\r' | '\u{FFFE}' | '\u{FFFF}')
        || (c < ' ' && !matches!(c, '\t' | '\n'))
}
