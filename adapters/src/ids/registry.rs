//! The vendor's table of ids in a registry file.

use super::{Gathered, IdsFault};
use engine::id::{Guid, PermanentId};

/// First line of a registry file in ANSI.
pub(super) const ANSI_HEAD: &str = "REGEDIT4";
const UNICODE_HEAD: &str = "Windows Registry Editor Version 5.00";
/// The key, whatever it lies in: its place depends on version and word size of the system.
const TABLE: &str = "lineGUIDs";

/// What a value says, one way or the other.
enum Meaning {
    Number(u32),
    Guid(Guid),
}

pub(super) fn is_one(text: &str) -> bool {
    let head = text.lines().next().unwrap_or("").trim_end();
    head == ANSI_HEAD || head == UNICODE_HEAD
}

pub(super) fn read(text: &str, gathered: &mut Gathered) -> Result<(), (Option<usize>, IdsFault)> {
    let (mut is_found, mut is_inside) = (false, false);
    for (number, line) in whole_lines(text).skip(1) {
        let line = line.trim();
        if let Some(key) = line.strip_prefix('[') {
            let key = key.strip_suffix(']').unwrap_or(key);
            // One with a minus is to be deleted.
            let name = key.rsplit('\\').next().unwrap_or("");
            is_inside = !key.starts_with('-') && name.eq_ignore_ascii_case(TABLE);
            is_found |= is_inside;
        } else if is_inside && !line.is_empty() && !line.starts_with(';') {
            match entry(line) {
                Ok((guid, id)) => gathered.add(number, guid, id)?,
                Err(why) => gathered.ids.skipped.push((number, why)),
            }
        }
    }
    if is_found { Ok(()) } else { Err((None, IdsFault::NoTable)) }
}

/// Lines, joined where the last character says that the value goes on; with the number of the
/// first one.
fn whole_lines(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut lines = (1..).zip(text.lines());
    std::iter::from_fn(move || {
        let (number, first) = lines.next()?;
        let mut whole = first.trim_end().to_owned();
        // A text in quotes may end so as well, but then the quote comes after.
        while whole.ends_with('\\') {
            whole.pop();
            let Some((_, more)) = lines.next() else { break };
            whole.push_str(more.trim());
        }
        Some((number, whole))
    })
}

fn entry(line: &str) -> Result<(Guid, PermanentId), &'static str> {
    let (name, value) = name_and_value(line).ok_or("this is no named value")?;
    match (meant_by(&name), value_of(value)) {
        (_, None) => Err("this kind of value is not known"),
        (Some(Meaning::Guid(guid)), Some(Meaning::Number(id)))
        | (Some(Meaning::Number(id)), Some(Meaning::Guid(guid))) => Ok((guid, PermanentId(id))),
        _ => Err("not a GUID and a number"),
    }
}

/// `"name"=value`, with `\"` and `\\` in the name.
fn name_and_value(line: &str) -> Option<(String, &str)> {
    let (name, rest) = quoted(line)?;
    Some((name, rest.trim_start().strip_prefix('=')?.trim()))
}

/// A text in quotes, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('"')?;
    let mut content = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((content, &text[at + 1..])),
            '\\' => content.push(chars.next()?.1),
            other => content.push(other),
        }
    }
    None
}

/// A GUID, or a number; as decimal digits or with `0x` in front.
fn meant_by(text: &str) -> Option<Meaning> {
    let text = text.trim();
    if let Some(guid) = Guid::read_exact(text) {
        return Some(Meaning::Guid(guid));
    }
    let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => text.parse(),
    };
    number.ok().map(Meaning::Number)
}

fn value_of(value: &str) -> Option<Meaning> {
    if value.starts_with('"') {
        return meant_by(&quoted(value)?.0);
    }
    let (kind, data) = value.split_once(':')?;
    let kind = kind.trim().to_ascii_lowercase();
    if kind == "dword" {
        return u32::from_str_radix(data.trim(), 16).ok().map(Meaning::Number);
    }
    let bytes: Option<Vec<u8>> = data
        .split(',')
        .map(str::trim)
        .filter(|digits| !digits.is_empty())
        .map(|digits| u8::from_str_radix(digits, 16).ok())
        .collect();
    let bytes = bytes?;
    match &*kind {
        // Text: in UTF-16, or in ANSI in a file of that kind.
        "hex(1)" | "hex(2)" => meant_by(&registry_text(&bytes)),
        "hex" | "hex(0)" | "hex(3)" | "hex(4)" | "hex(b)" => match bytes[..] {
            [a, b, c, d] | [a, b, c, d, 0, 0, 0, 0] => {
                Some(Meaning::Number(u32::from_le_bytes([a, b, c, d])))
            }
            _ if bytes.len() == 16 => bytes.try_into().ok().map(|guid| Meaning::Guid(Guid(guid))),
            _ => meant_by(&registry_text(&bytes)),
        },
        _ => None,
    }
}

fn registry_text(bytes: &[u8]) -> String {
    let is_wide = bytes.len().is_multiple_of(2) && bytes.iter().skip(1).step_by(2).all(|b| *b == 0);
    let step = if is_wide { 2 } else { 1 };
    // All that counts here is ASCII.
    let chars = bytes.iter().step_by(step).map(|byte| char::from(*byte));
    chars.take_while(|c| *c != '\0').collect()
}
