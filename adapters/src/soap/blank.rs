//! Messages without the secrets in them, for keeping them word by word.
//!
//! Blanked are the values of elements and attributes whose names say that they are secret, and each
//! value in which one of the known secrets occurs, whatever its name; also in a document within a
//! document, as those of Admin. What is blanked is replaced by as many `x`, or `0` for a number, so
//! that the message can be read as before. Names of elements and attributes stay.

/// Names of secret values, and parts of such names.
const SECRET_NAMES: [&[u8]; 5] = [b"key", b"pw", b"pin", b"ha1", b"response"];
const SECRET_PARTS: [&[u8]; 7] =
    [b"pwd", b"pass", b"secret", b"digest", b"hash", b"nonce", b"token"];

/// Documents within documents are looked into so deep; what is deeper is blanked.
const DEPTH_MAX: usize = 4;

/// Known secrets of so many bytes are blanked wherever they stand, even outside of values.
const CERTAIN_BYTES: usize = 4;

/// The message without secrets: those known, and those whose names say it.
#[must_use]
pub fn blanked(message: &[u8], secrets: &[&str]) -> Vec<u8> {
    let known: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| encodings(secret)).collect();
    let mut blanked = Blanking { known: &known, depth: 0 }.document(message);
    for secret in known.iter().filter(|secret| secret.len() >= CERTAIN_BYTES) {
        let mut from = 0;
        while let Some(at) = find(&blanked[from..], secret) {
            blanked[from + at..from + at + secret.len()].fill(b'x');
            from += at + secret.len();
        }
    }
    blanked
}

/// How a secret may be written: PBXs speak UTF-8 and Latin-1.
fn encodings(secret: &str) -> Vec<Vec<u8>> {
    let latin: Option<Vec<u8>> = secret.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    let mut encodings = vec![secret.as_bytes().to_vec()];
    encodings.extend(latin.filter(|latin| latin != secret.as_bytes()));
    encodings.retain(|secret| !secret.is_empty());
    encodings
}

struct Blanking<'s> {
    known: &'s [Vec<u8>],
    depth: usize,
}

impl Blanking<'_> {
    fn document(&self, mut rest: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(rest.len());
        let mut is_secret = false;
        while !rest.is_empty() {
            let text = rest.iter().position(|c| *c == b'<').unwrap_or(rest.len());
            out.extend(self.value(&rest[..text], is_secret));
            rest = &rest[text..];
            if let Some(data) = rest.strip_prefix(b"<![CDATA[") {
                let end = find(data, b"]]>").unwrap_or(data.len());
                out.extend_from_slice(b"<![CDATA[");
                // Taken for text that has no escapes.
                out.extend(
                    self.plain(&data[..end], is_secret).unwrap_or_else(|| data[..end].into()),
                );
                rest = &data[end..];
                continue;
            }
            let tag = tag_len(rest);
            is_secret = self.tag(&rest[..tag], &mut out);
            rest = &rest[tag..];
        }
        out
    }

    /// Writes a tag; says whether the text behind it is secret by its name.
    fn tag(&self, tag: &[u8], out: &mut Vec<u8>) -> bool {
        let mut rest = tag;
        while let Some(quote_at) = rest.iter().position(|c| matches!(c, b'"' | b'\'')) {
            let (before, quoted) = rest.split_at(quote_at);
            let value = &quoted[1..];
            let end = value.iter().position(|c| *c == quoted[0]).unwrap_or(value.len());
            out.extend_from_slice(before);
            out.push(quoted[0]);
            let is_secret = is_secret_name(attribute_name(before));
            out.extend(self.value(&value[..end], is_secret));
            rest = &value[end..];
            if let Some((quote, behind)) = rest.split_first() {
                out.push(*quote);
                rest = behind;
            }
        }
        out.extend_from_slice(rest);
        let name = tag.strip_prefix(b"<").unwrap_or(tag);
        let end = name.iter().position(|c| c.is_ascii_whitespace() || matches!(c, b'>' | b'/'));
        is_secret_name(&name[..end.unwrap_or(name.len())])
    }

    /// A value as it is written, blanked if need be.
    fn value(&self, value: &[u8], is_secret: bool) -> Vec<u8> {
        let plain = unescaped(value);
        match self.plain(&plain, is_secret) {
            None => value.to_vec(),
            Some(blanked) => escaped(&blanked),
        }
    }

    /// A value without escapes; `None` if it stays as it is.
    fn plain(&self, plain: &[u8], is_secret: bool) -> Option<Vec<u8>> {
        if plain.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        let has_known = |value: &[u8]| self.known.iter().any(|s| find(value, s).is_some());
        if plain.contains(&b'<') && self.depth < DEPTH_MAX && !is_secret {
            let inner = Blanking { depth: self.depth + 1, ..*self }.document(plain);
            // One that looks like a tag may still be there.
            if !has_known(&inner) {
                return (inner != plain).then_some(inner);
            }
        }
        let is_too_deep = plain.contains(&b'<') && self.depth == DEPTH_MAX;
        (is_secret || is_too_deep || has_known(plain)).then(|| {
            let is_number = plain.iter().all(u8::is_ascii_digit);
            vec![if is_number { b'0' } else { b'x' }; plain.len()]
        })
    }
}

/// How long the tag is that begins here; a `>` in quotes does not end it.
fn tag_len(bytes: &[u8]) -> usize {
    let mut quote = None;
    for (at, c) in bytes.iter().enumerate() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, b'"' | b'\'') => quote = Some(c),
            (None, b'>') => return at + 1,
            _ => {}
        }
    }
    bytes.len()
}

/// The name before the `=` that these bytes end with.
fn attribute_name(before: &[u8]) -> &[u8] {
    let name = before.trim_ascii_end().strip_suffix(b"=").unwrap_or(b"").trim_ascii_end();
    let start = name.iter().rposition(|c| c.is_ascii_whitespace()).map_or(0, |at| at + 1);
    &name[start..]
}

fn is_secret_name(name: &[u8]) -> bool {
    let local = name.iter().rposition(|c| *c == b':').map_or(name, |at| &name[at + 1..]);
    let local = local.to_ascii_lowercase();
    SECRET_NAMES.contains(&&local[..])
        || SECRET_PARTS.iter().any(|part| find(&local, part).is_some())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = wanted.first()?;
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|c| c == first) {
        if bytes[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

const ESCAPES: [(&[u8], u8); 5] =
    [(b"&lt;", b'<'), (b"&gt;", b'>'), (b"&quot;", b'"'), (b"&apos;", b'\''), (b"&amp;", b'&')];

fn unescaped(value: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((c, behind)) = rest.split_first() {
        if *c == b'&' {
            let named = ESCAPES.iter().find_map(|(name, c)| Some((rest.strip_prefix(*name)?, *c)));
            if let Some((after, c)) = named {
                plain.push(c);
                rest = after;
                continue;
            }
            if let Some((after, c)) = reference(rest) {
                plain.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after;
                continue;
            }
        }
        plain.push(*c);
        rest = behind;
    }
    plain
}

/// The character that a reference such as `&#x41;` stands for, and what follows it.
fn reference(bytes: &[u8]) -> Option<(&[u8], char)> {
    let digits = bytes.strip_prefix(b"&#")?;
    let end = digits.iter().take(9).position(|c| *c == b';')?;
    let number = std::str::from_utf8(&digits[..end]).ok()?;
    let number = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    Some((&digits[end + 1..], char::from_u32(number)?))
}

fn escaped(plain: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(plain.len());
    for c in plain {
        match ESCAPES.iter().find(|(_, plain)| plain == c) {
            Some((name, _)) => value.extend_from_slice(name),
            None => value.push(*c),
        }
    }
    value
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::soap::{Answer, Interface, Kind, Operation, decode};
    use engine::pii::Personal;
    use proptest::prelude::*;

    fn text(message: &str, secrets: &[&str]) -> String {
        String::from_utf8(blanked(message.as_bytes(), secrets)).unwrap()
    }

    #[test]
    fn what_is_no_secret_stays_byte_by_byte() {
        for message in [
            "",
            "<a b='1' c=\"Zo&#xEB; &amp; S\"><!-- x --><d>22</d>\n<e/></a>",
            "<return>&lt;show&gt;&lt;user cn=&quot;Anna&quot;/&gt;&lt;/show&gt;</return>",
            "not XML at all, 2 > 1 & so on",
            "<cut",
        ] {
            assert_eq!(text(message, &["hunter2", "_TAPI_"]), message);
        }
    }

    #[test]
    fn secrets_are_blanked_by_name_and_by_value() {
        for (message, expected) in [
            ("<key>4711</key><s>4711</s>", "<key>0000</key><s>4711</s>"),
            ("<n:Key t='u'> 12ab </n:Key>", "<n:Key t='u'>xxxxxx</n:Key>"),
            ("<user pwd=\"ge heim\" cn='A'/>", "<user pwd=\"xxxxxxx\" cn='A'/>"),
            ("<a>my hunter2</a>", "<a>xxxxxxxxxx</a>"),
            ("<a b='h&#117;nter2'/>", "<a b='xxxxxxx'/>"),
            ("<![CDATA[hunter2]]>", "<![CDATA[xxxxxxx]]>"),
            ("broken hunter2 <", "xxxxxxxxxxxxxxx<"),
            ("<hunter2", "<xxxxxxx"),
            (
                "<r>&lt;user pwd=&quot;p&amp;amp;q&quot; cn=&quot;A&quot;/&gt;</r>",
                "<r>&lt;user pwd=&quot;xxx&quot; cn=&quot;A&quot;/&gt;</r>",
            ),
        ] {
            assert_eq!(text(message, &["hunter2"]), expected);
        }
        assert_eq!(blanked(b"<a>gr\xFC\xDF e</a>", &["gr\u{FC}\u{DF}"]), b"<a>xxxxxx</a>");
    }

    #[test]
    fn an_answer_with_its_key_blanked_can_still_be_read() {
        let answer = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>\
            <InitializeResponse><return>17</return><key>123456</key></InitializeResponse>\
            </e:Body></e:Envelope>";
        let read = |body: &[u8]| match decode(Kind::Initialize, body) {
            Ok(Answer::Initialize { session, key }) => (session, key),
            other => panic!("{other:?}"),
        };
        assert_eq!(read(answer.as_bytes()), (17, 123_456));
        assert_eq!(read(&blanked(answer.as_bytes(), &[])), (17, 0));
    }

    #[test]
    fn no_key_leaves_in_a_question() {
        let question = Operation::Echo { session: 3, key: 987_654 }.write(Interface::default());
        assert!(question.body.contains("987654"));
        assert!(!text(&question.body, &[]).contains("987654"));
    }

    proptest! {
        /// Invariant I-25.
        #[test]
        fn no_secret_is_left_wherever_it_stands(
            password in "[ -~äöüß€]{4,20}", before in ".{0,20}", depth in 0..6usize,
        ) {
            let secret = Personal::from(format!("{before}{password}").as_str());
            let mut xml = format!("<user text='{}'/>", escape(secret.text()));
            for _ in 0..depth {
                xml = format!("<x>{}</x>", escape(&xml));
            }
            let message = Operation::Admin { xml: Personal::from(xml.as_str()) };
            let body = message.write(Interface::default()).body;
            let out = blanked(body.as_bytes(), &[&password]);
            let mut plain = out;
            for _ in 0..depth + 3 {
                prop_assert_eq!(find(&plain, password.as_bytes()), None);
                plain = unescaped(&plain);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, secret in ".{0,6}") {
            let _ = blanked(&bytes, &[&secret]);
        }
    }

    fn escape(text: &str) -> String {
        String::from_utf8(escaped(text.as_bytes())).unwrap()
    }
}
