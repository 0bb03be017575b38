//! Dialable strings: what TAPI calls an address, turned into the digits that a PBX can dial
//! (TSPI: Dialable Addresses).

use crate::pii::Personal;
use crate::tapi::LineErr;

/// Digits that can be dialled: `0-9 A-D * #`, with at most one `+` in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialable(Personal);

impl Dialable {
    /// Most digits of one number. E.164 allows 15 and a PBX adds a few prefixes, so this is a
    /// limit against nonsense, not against numbers.
    pub const MAX_DIGITS: usize = 255;

    /// Reads a dialable string. The whole of it is read before anything is said, and the first
    /// character that cannot be obeyed decides the answer.
    ///
    /// Tone and pulse prefixes, pauses and formatting are left out: a PBX line has no use for
    /// them, and applications write them as a matter of habit. A pause mostly stands behind the
    /// prefix of an outside line, where the digits after it belong to the number.
    ///
    /// # Errors
    /// The LINEERR that TSPI assigns to the character, or [`LineErr::InvalAddress`] for a
    /// character that means nothing, a number that is incomplete, empty or too long.
    pub fn read(text: &str) -> Result<Dialable, LineErr> {
        let mut digits = String::new();
        for c in first_address(text).chars() {
            match c {
                '0'..='9' | 'A'..='D' | '*' | '#' => digits.push(c),
                'a'..='d' => digits.push(c.to_ascii_uppercase()),
                '+' if digits.is_empty() => digits.push(c),
                'T' | 't' | 'P' | 'p' | ',' | ' ' | '(' | ')' | '-' | '.' | '/' => {}
                '?' => return Err(LineErr::DialPrompt),
                'W' | 'w' => return Err(LineErr::DialDialtone),
                '@' => return Err(LineErr::DialQuiet),
                '$' => return Err(LineErr::DialBilling),
                ':' => return Err(LineErr::DialVoiceDetect),
                _ => return Err(LineErr::InvalAddress),
            }
            if digits.len() > Self::MAX_DIGITS {
                return Err(LineErr::InvalAddress);
            }
        }
        match digits.as_str() {
            "" | "+" => Err(LineErr::InvalAddress),
            _ => Ok(Dialable(digits.as_str().into())),
        }
    }

    /// The beginning of a number: empty for no address at all, and without the `;` at its end that
    /// says that more digits follow.
    ///
    /// # Errors
    /// As [`Dialable::read`], but an empty number is one.
    pub fn begin(text: &str) -> Result<Personal, LineErr> {
        let address = first_address(text).trim();
        let digits = address.strip_suffix(';').unwrap_or(address);
        if digits.is_empty() {
            return Ok(Personal::default());
        }
        Dialable::read(digits).map(Dialable::into_number)
    }

    /// The digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.0.text()
    }

    /// The digits, to keep.
    #[must_use]
    pub fn into_number(self) -> Personal {
        self.0
    }
}

/// The DTMF digits of a text; what is none is left out, as TAPI has it.
#[must_use]
pub fn dtmf_digits(text: &str) -> Personal {
    let digits = text.chars().map(|c| c.to_ascii_uppercase());
    let digits: String = digits
        .filter(|c| matches!(c, '0'..='9' | 'A'..='D' | '*' | '#'))
        .take(Dialable::MAX_DIGITS)
        .collect();
    digits.as_str().into()
}

/// The number of the first address: without subaddress (`|`) and name (`^`), and without the
/// further addresses that inverse multiplexing would use.
fn first_address(text: &str) -> &str {
    text.split(['|', '^', '\r', '\n']).next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<String, LineErr> {
        Dialable::read(text).map(|number| number.digits().to_owned())
    }

    #[test]
    fn habits_of_applications_are_left_out() {
        for text in ["123", "T123", "T1-2 3", "P (1) 2.3", "1/2,3", "tp123"] {
            assert_eq!(read(text).as_deref(), Ok("123"), "{text}");
        }
        assert_eq!(read("*21#ab").as_deref(), Ok("*21#AB"));
    }

    #[test]
    fn a_plus_is_kept_in_front_and_nowhere_else() {
        assert_eq!(read("+49 (7031) 73009-0").as_deref(), Ok("+497031730090"));
        assert_eq!(read("T+49").as_deref(), Ok("+49"));
        assert_eq!(read("4+9"), Err(LineErr::InvalAddress));
        assert_eq!(read("+"), Err(LineErr::InvalAddress));
    }

    #[test]
    fn the_first_character_that_cannot_be_obeyed_decides() {
        assert_eq!(read("12?3"), Err(LineErr::DialPrompt));
        assert_eq!(read("1W2"), Err(LineErr::DialDialtone));
        assert_eq!(read("1w2?"), Err(LineErr::DialDialtone));
        assert_eq!(read("1@2$"), Err(LineErr::DialQuiet));
        assert_eq!(read("1$2@"), Err(LineErr::DialBilling));
        assert_eq!(read("1:2"), Err(LineErr::DialVoiceDetect));
        assert_eq!(read("1x2?"), Err(LineErr::InvalAddress));
        assert_eq!(read("1!2"), Err(LineErr::InvalAddress));
    }

    #[test]
    fn a_number_that_is_not_whole_is_refused() {
        for text in ["", "T", " - ", "123;", ";", "|77", "^Bob", "\r\n123"] {
            assert_eq!(read(text), Err(LineErr::InvalAddress), "{text:?}");
        }
    }

    #[test]
    fn subaddress_name_and_further_addresses_are_not_dialled() {
        assert_eq!(read("123|45^Bob W? @\r\n678").as_deref(), Ok("123"));
        assert_eq!(read("123^Bob?").as_deref(), Ok("123"));
        assert_eq!(read("123\r\n4?5").as_deref(), Ok("123"));
    }

    #[test]
    fn a_number_has_a_longest_length() {
        assert!(read(&"1".repeat(Dialable::MAX_DIGITS)).is_ok());
        assert_eq!(read(&"1".repeat(Dialable::MAX_DIGITS + 1)), Err(LineErr::InvalAddress));
        assert!(read(&"-1".repeat(Dialable::MAX_DIGITS)).is_ok());
    }

    #[test]
    fn a_number_may_begin_with_nothing_and_go_on_later() {
        let begin = |text| Dialable::begin(text).map(|number| number.text().to_owned());
        for (text, digits) in [("", ""), (";", ""), ("T12;", "12"), ("12", "12"), ("1-2 ;", "12")] {
            assert_eq!(begin(text).as_deref(), Ok(digits), "{text:?}");
        }
        for text in ["1;2", "T;", "+;", ";;"] {
            assert_eq!(begin(text), Err(LineErr::InvalAddress), "{text:?}");
        }
        assert_eq!(begin("1?;"), Err(LineErr::DialPrompt));
    }

    #[test]
    fn what_is_no_dtmf_digit_is_left_out() {
        assert_eq!(dtmf_digits("1,2a *x#!").text(), "12A*#");
        assert_eq!(dtmf_digits(&"1".repeat(9999)).text().len(), Dialable::MAX_DIGITS);
    }

    #[test]
    fn a_number_stays_out_of_logs() {
        assert!(!format!("{:?}", Dialable::read("4711")).contains("4711"));
    }

    proptest! {
        #[test]
        fn whatever_is_read_can_be_dialled_and_reads_the_same_again(text in "[ -~\r\n]{0,40}") {
            if let Ok(number) = Dialable::read(&text) {
                let digits = number.digits();
                prop_assert!(digits.chars().all(|c| "0123456789ABCD*#+".contains(c)));
                prop_assert_eq!(Dialable::read(digits), Ok(number.clone()));
            }
        }
    }
}
