//! The parts of a text that are replaced each for itself, where the rest of it has to stay.

use super::table::Subject;
use engine::name::PLACEHOLDERS;
use engine::place::Place;

/// What stands for a part.
pub(super) type Part<'a> = dyn FnMut(&str) -> String + 'a;

/// The text with something else for each of its parts.
pub(super) fn replace(subject: Subject, text: &str, part: &mut Part<'_>) -> String {
    match subject {
        Subject::Word if is_word(text) => text.to_owned(),
        Subject::Text | Subject::MoreDigits | Subject::Word => part(text),
        Subject::Authority => authority(text, part),
        Subject::Path => path(text, part),
        Subject::Url => url(text, part),
        Subject::Template => template(text, part),
        Subject::UserInfo => user_info(text, part),
        Subject::Element => element(text, part),
    }
}

/// The parts of a text.
pub(super) fn of(subject: Subject, text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    replace(subject, text, &mut |part| {
        parts.push(part.to_owned());
        part.to_owned()
    });
    parts
}

/// Whether it can be a word of a PBX's vocabulary or a version, and nothing else.
pub(super) fn is_word(text: &str) -> bool {
    const LONGEST: usize = 48;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " .-_[]()".contains(c);
    text.len() <= LONGEST && text.chars().all(is_plain)
}

/// `host` or `host:port`, an IPv6 address in brackets; the port stays.
fn authority(text: &str, part: &mut Part<'_>) -> String {
    let v6 = text.strip_prefix('[').and_then(|text| text.split_once(']'));
    match (v6, text.rsplit_once(':')) {
        (Some((address, after)), _) => format!("[{}]{after}", part(address)),
        (None, Some((host, port))) if !host.ends_with(':') => format!("{}:{port}", part(host)),
        _ => part(text),
    }
}

/// A path; the words that every PBX has in it stay.
fn path(text: &str, part: &mut Part<'_>) -> String {
    let is_usual = |step: &str| {
        let number = step.strip_prefix("PBX").or_else(|| step.strip_prefix("pbx"));
        number.is_some_and(|rest| rest.bytes().all(|c| c.is_ascii_digit())) || step == "user.soap"
    };
    let steps = text.split('/');
    let steps = steps.map(|step| if is_usual(step) { step.to_owned() } else { part(step) });
    steps.collect::<Vec<_>>().join("/")
}

/// What should be a URL. One that is none stays none.
fn url(text: &str, part: &mut Part<'_>) -> String {
    let pieces = text.split_once("://").and_then(|(scheme, rest)| {
        Place::read(text)?;
        Some((scheme, rest.split_at(rest.find('/')?)))
    });
    match pieces {
        Some((scheme, (host, rest))) => {
            format!("{scheme}://{}{}", authority(host, part), path(rest, part))
        }
        None => part(text),
    }
}

/// A template for names: placeholders stay.
fn template(text: &str, part: &mut Part<'_>) -> String {
    let (mut other, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('%') {
        other.push_str(&part(&rest[..at]));
        let is_placeholder = |c: &char| PLACEHOLDERS.contains(*c) || *c == '%';
        let next = rest[at + 1..].chars().next().filter(is_placeholder);
        let len = 1 + next.map_or(0, char::len_utf8);
        other.push_str(&rest[at..at + len]);
        rest = &rest[at + len..];
    }
    other.push_str(&part(rest));
    other
}

/// User-user information, in which characters may be written as `%` and two digits.
fn user_info(text: &str, part: &mut Part<'_>) -> String {
    let mut other = coded_text(text, part).into_bytes();
    // A `%` that codes nothing must not come to stand before two letters that are digits.
    let (mut at, source) = (0, text.as_bytes());
    while let Some(behind) = source[at..].iter().position(|c| *c == b'%').map(|gap| at + gap + 1) {
        let codes = |text: &[u8]| text.get(behind..behind + 2).and_then(hexadecimal).is_some();
        at = if codes(source) { behind + 2 } else { behind };
        if at == behind && codes(&other) {
            other[behind] = b'x';
        }
    }
    // What is changed here is a digit, which is a character by itself.
    String::from_utf8(other).unwrap_or_default()
}

fn coded_text(text: &str, part: &mut Part<'_>) -> String {
    let (mut bytes, mut is_coded) = (Vec::new(), Vec::new());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let coded = after.get(..2).filter(|_| *first == b'%').and_then(hexadecimal);
        bytes.push(coded.unwrap_or(*first));
        is_coded.push(coded.is_some());
        rest = if coded.is_some() { &after[2..] } else { after };
    }
    let (mut other, mut at) = (String::with_capacity(text.len()), 0);
    for chunk in bytes.utf8_chunks() {
        for c in part(chunk.valid()).chars() {
            let (mut bytes, is_coded) = ([0; 4], is_coded.get(at) == Some(&true));
            let bytes = c.encode_utf8(&mut bytes).as_bytes();
            if is_coded {
                code(bytes, &mut other);
            } else {
                other.push(c);
            }
            at += bytes.len();
        }
        // Half a character reads as one that nobody knows, and so does another half of its length.
        code(HALVES[chunk.invalid().len()], &mut other);
        at += chunk.invalid().len();
    }
    other
}

fn code(bytes: &[u8], text: &mut String) {
    bytes.iter().for_each(|byte| text.push_str(&format!("%{byte:02X}")));
}

/// What begins like a character of UTF-8 and then breaks off, by its length.
const HALVES: [&[u8]; 4] = [&[], &[0xFF], &[0xE1, 0x80], &[0xF1, 0x80, 0x80]];

fn hexadecimal(pair: &[u8]) -> Option<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)
}

/// An element of XML: values and texts are replaced, its structure stays.
fn element(text: &str, part: &mut Part<'_>) -> String {
    let (mut other, mut run) = (String::new(), String::new());
    let (mut is_tag, mut quote) = (false, None);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let entity = entity(rest).filter(|_| !is_tag || quote.is_some());
        let is_markup = match (is_tag, quote) {
            _ if entity.is_some() => true,
            (true, Some(mark)) => c == mark,
            (true, None) => true,
            (false, _) => c == '<',
        };
        let taken = entity.map_or(c.len_utf8(), str::len);
        if is_markup {
            other.push_str(&part(&std::mem::take(&mut run)));
            other.push_str(&rest[..taken]);
            match c {
                '<' if !is_tag => is_tag = true,
                '>' if quote.is_none() => is_tag = false,
                '"' | '\'' if is_tag && quote.is_none() => quote = Some(c),
                c if Some(c) == quote => quote = None,
                _ => {}
            }
        } else {
            run.push(c);
        }
        rest = &rest[taken..];
    }
    other.push_str(&part(&run));
    other
}

/// The entity at the beginning of a text.
fn entity(text: &str) -> Option<&str> {
    const LONGEST: usize = 10;
    let end = text.starts_with('&').then(|| text.find(';')).flatten()?;
    let name = &text[1..end];
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '#');
    (end <= LONGEST && !name.is_empty() && is_name).then_some(&text[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::uui;
    use proptest::prelude::*;

    /// Each letter and digit becomes the next one.
    fn turned(text: &str) -> String {
        let next = |c: char| match c {
            'z' => 'a',
            'Z' => 'A',
            '9' => '0',
            c if c.is_ascii_alphanumeric() => char::from(c as u8 + 1),
            c => c,
        };
        text.chars().map(next).collect()
    }

    fn replaced(subject: Subject, text: &str) -> String {
        replace(subject, text, &mut turned)
    }

    #[test]
    fn what_has_to_stay_stays() {
        for (subject, text, expected) in [
            (Subject::Text, "Anna 20", "Boob 31"),
            (Subject::Word, "ep", "ep"),
            (Subject::UserInfo, "%ZZ", "%xA"),
            (Subject::UserInfo, "50%9z%4a", "61%xa%4B"),
            (Subject::UserInfo, "%%ZZ%", "%%xA%"),
            (Subject::Word, "ep=Anna", "fq=Boob"),
            (Subject::Authority, "pbx.example.com", "qcy.fybnqmf.dpn"),
            (Subject::Authority, "pbx:8080", "qcy:8080"),
            (Subject::Authority, "[2001:db8::1]:443", "[3112:ec9::2]:443"),
            (Subject::Authority, "[2001:db8::1]", "[3112:ec9::2]"),
            (Subject::Path, "/PBX0/user.soap", "/PBX0/user.soap"),
            (Subject::Path, "/acme/user.soap", "/bdnf/user.soap"),
            (Subject::Url, "http://pbx:80/PBX0/user.soap", "http://qcy:80/PBX0/user.soap"),
            (Subject::Url, "branch", "csbodi"),
            (Subject::Template, "Acme %c (%N) 100%% %q%", "Bdnf %c (%N) 211%% %r%"),
            (Subject::UserInfo, "a%20b%4", "b%20c%5"),
            (Subject::UserInfo, "a%FFb", "b%FFc"),
            (
                Subject::Element,
                r#"<cd type="cfu"><ep e164='4711' cn="A &amp; B>"/>Anna</cd>"#,
                r#"<cd type="dgv"><ep e164='5822' cn="B &amp; C>"/>Boob</cd>"#,
            ),
        ] {
            assert_eq!(replaced(subject, text), expected, "{text}");
        }
        assert_eq!(Place::read(&replaced(Subject::Url, "http://pbx:0/PBX0/user.soap")), None);
    }

    #[test]
    fn only_what_is_replaced_is_a_part() {
        assert_eq!(of(Subject::Authority, "pbx:8080"), ["pbx"]);
        assert_eq!(of(Subject::Path, "/PBX0/user.soap"), [""]);
        assert_eq!(of(Subject::Word, "ep"), [""; 0]);
        assert_eq!(of(Subject::UserInfo, "%41nna"), ["Anna"]);
    }

    proptest! {
        #[test]
        fn user_information_reads_as_what_stands_for_it(
            text in r"(\PC|%[0-9A-Za-z]{2}){0,20}", encoded: bool,
        ) {
            let sent = uui::to_send(&text, true);
            let read = uui::received(&replaced(Subject::UserInfo, sent.text()), true);
            prop_assert_eq!(read.text(), turned(&text));
            let plain = replaced(Subject::UserInfo, &text);
            let length = |text: &str| uui::received(text, encoded).text().encode_utf16().count();
            prop_assert_eq!(length(&plain), length(&text));
        }

        #[test]
        fn any_text_keeps_its_length(text in "[<>\"'&;a-c= 1/%:]{0,40}") {
            for subject in [Subject::Element, Subject::Url, Subject::Template, Subject::Path] {
                prop_assert_eq!(replaced(subject, &text).len(), text.len());
            }
        }
    }
}
