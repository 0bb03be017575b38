//! User-user information: a text to TAPI, and what a PBX makes of it.
//!
//! From firmware 13r3 on, the PBX carries it url-encoded in both directions (reference of the PBX,
//! 3.6); before, as it is.

use crate::pii::Personal;

/// Most bytes of user-user information that are sent, as the application hands them over. ISDN
/// carries 128 octets, which as UTF-16 are twice as many.
pub const MAX_BYTES: usize = 256;

/// Whether a PBX with this firmware url-encodes user-user information.
#[must_use]
pub fn is_encoded(firmware: &str) -> bool {
    let digits_end = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let text = firmware.trim_start_matches(|c: char| !c.is_ascii_digit());
    let (major, rest) = text.split_at(digits_end(text));
    let release = rest.strip_prefix('r').map_or("", |rest| &rest[..digits_end(rest)]);
    let number = |text: &str| text.parse::<u32>().unwrap_or(0);
    (number(major), number(release)) >= (13, 3)
}

/// What a PBX sent, as a text.
#[must_use]
pub fn received(text: &str, is_encoded: bool) -> Personal {
    if !is_encoded || !text.contains('%') {
        return text.into();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).filter(|_| *first == b'%');
        match pair.and_then(|pair| Some((value(pair[0])?, value(pair[1])?))) {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).as_ref().into()
}

/// A text, as the PBX wants it.
#[must_use]
pub fn to_send(text: &str, is_encoded: bool) -> Personal {
    if !is_encoded {
        return text.into();
    }
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                encoded.push('%');
                encoded.push(char::from(DIGITS[usize::from(byte >> 4)]));
                encoded.push(char::from(DIGITS[usize::from(byte & 0xF)]));
            }
        }
    }
    encoded.as_str().into()
}

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

fn value(digit: u8) -> Option<u8> {
    // A hexadecimal digit fits into a byte.
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn firmware_from_13r3_on_encodes() {
        for firmware in ["13r3", "13r3 sr12", "V13r3 [13.5678]", "13r10", "14r1", "15"] {
            assert!(is_encoded(firmware), "{firmware}");
        }
        for firmware in ["13r2", "13", "12r2", "10.00 sr10", "9.00 hf3", "", "beta"] {
            assert!(!is_encoded(firmware), "{firmware}");
        }
    }

    #[test]
    fn what_only_looks_encoded_is_left_as_it_is() {
        for (text, read) in [("100%", "100%"), ("%4", "%4"), ("%zz", "%zz"), ("%C3%A4%41", "äA")] {
            assert_eq!(received(text, true).text(), read);
            assert_eq!(received(text, false).text(), text);
        }
    }

    proptest! {
        #[test]
        fn a_text_comes_back_as_it_was_sent(text in "\\PC{0,60}", encoded: bool) {
            let sent = to_send(&text, encoded);
            let read = received(sent.text(), encoded);
            prop_assert_eq!(read.text(), text);
        }

        #[test]
        fn any_text_can_be_read(text in "[%0-9a-fA-Fxyz]{0,40}") {
            let _ = received(&text, true);
        }
    }
}
