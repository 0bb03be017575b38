//! What single values must be like.

use super::error::SettingsFault;
use super::{PLACEHOLDERS, PRESETS};
use crate::http::Place;

/// Refuses a text that is empty, too long, or holds what no text of settings holds.
pub(super) fn sound_text(key: &'static str, text: &str, max: usize) -> Result<(), SettingsFault> {
    if text.trim().is_empty() {
        Err(SettingsFault::Empty(key))
    } else if text.len() > max {
        Err(SettingsFault::TooLong { key, max })
    } else if text.chars().any(char::is_control) {
        Err(SettingsFault::Forbidden { key, what: "a control character" })
    } else {
        Ok(())
    }
}

/// Why an address is none, if so.
pub(super) fn address_fault(place: &Place) -> Option<&'static str> {
    let authority = &*place.authority;
    let port = match authority.strip_prefix('[') {
        Some(literal) => literal.rsplit_once(']').map_or("", |(_, after)| after),
        None if authority.matches(':').count() > 1 => {
            return Some("an IPv6 address goes in brackets, such as [2001:db8::1]:8080");
        }
        None => authority.find(':').map_or("", |at| &authority[at..]),
    };
    if authority.contains("//") {
        Some("leave out http:// and https://; \"https\" chooses between them")
    } else if authority.contains('/') {
        Some("leave out the path; if it is not the usual one, \"path\" names it")
    } else if authority.contains('@') {
        Some("leave out the account; \"account\" and \"password\" name it")
    } else if !port.is_empty()
        && !port.strip_prefix(':').is_some_and(|digits| {
            digits.bytes().all(|byte| byte.is_ascii_digit())
                && digits.parse::<u16>().is_ok_and(|port| port != 0)
        })
    {
        Some("the port must be a number from 1 to 65535")
    } else if !crate::http::is_sound(place) {
        Some("this is no host name or address")
    } else {
        None
    }
}

/// The key that was meant by a misspelt one: the nearest, if no more than two letters are wrong,
/// missing, or too many.
pub(super) fn meant_by<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let key: Vec<char> = key.to_lowercase().chars().take(40).collect();
    let near = known.iter().map(|known| (distance(&key, known), *known));
    let (distance, nearest) = near.min()?;
    (distance <= 2 && distance < nearest.len()).then_some(nearest)
}

/// How many letters must be changed, put in, or taken out, to get from one word to the other.
fn distance(from: &[char], to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.iter().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

/// The name template that a text stands for: itself, or the one of the preset of that name.
///
/// # Errors
/// [`SettingsFault`] names a placeholder that is none, or a template that gives all lines one name.
pub fn template_of(text: &str) -> Result<&str, SettingsFault> {
    if let Some(template) = engine::name::preset(text) {
        return Ok(template);
    }
    let allowed = || {
        let allowed: Vec<_> = PLACEHOLDERS.chars().map(|letter| format!("%{letter}")).collect();
        allowed.join(" ")
    };
    let (mut letters, mut placeholders) = (text.chars(), 0);
    while letters.any(|letter| letter == '%') {
        let found = match letters.next() {
            // A percent sign.
            Some('%') => continue,
            Some(letter) if PLACEHOLDERS.contains(letter) => {
                placeholders += 1;
                continue;
            }
            Some(letter) => format!("the unknown placeholder %{letter}"),
            None => "a % with nothing after it".to_owned(),
        };
        return Err(SettingsFault::BadPlaceholder { found, allowed: allowed() });
    }
    if placeholders == 0 {
        let presets: Vec<_> = PRESETS.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let presets = presets.join(", ");
        return Err(SettingsFault::NoPlaceholder { allowed: allowed(), presets });
    }
    Ok(text)
}
