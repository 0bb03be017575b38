//! Which characters may stand for which: those of the same script, the same kind and the same
//! length in UTF-8 (and so in UTF-16). A capital stands for a capital, and the pair of both cases
//! for a pair, so that what differs in case only still does.

use super::key::Key;
use std::sync::LazyLock;

/// Scripts, roughly: first and last character. What lies in none of them stays as it is, as does
/// whatever is neither letter nor digit: spaces and punctuation keep their places.
const SCRIPTS: [(u32, u32); 23] = [
    (0x30, 0x39),
    (0x41, 0x7A),
    (0x80, 0x24F),
    (0x250, 0x36F),
    (0x370, 0x3FF),
    (0x400, 0x52F),
    (0x530, 0x58F),
    (0x590, 0x5FF),
    (0x600, 0x7FF),
    (0x800, 0xDFF),
    (0xE00, 0x1DFF),
    (0x1E00, 0x1EFF),
    (0x1F00, 0x1FFF),
    (0x2000, 0x2FFF),
    (0x3000, 0x33FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xA000, 0xABFF),
    (0xAC00, 0xD7A3),
    (0xF900, 0xFFFD),
    (0x1_0000, 0x1_EFFF),
    PICTURES,
    (0x2_0000, 0x2_FFFF),
];

/// Emoji and their like, which are no letters but may be somebody's name.
const PICTURES: (u32, u32) = (0x1_F000, 0x1_FAFF);

/// An alphabet of more characters than this is turned, where a smaller one is shuffled.
const MOST_SHUFFLED: usize = 512;

/// Where a character is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    alphabet: usize,
    index: usize,
    is_capital: bool,
}

struct Alphabets {
    /// Characters in order, each with its capital if it has one.
    all: Vec<Vec<(char, Option<char>)>>,
    /// Where each character is, in the order of characters.
    places: Vec<(char, Place)>,
}

static ALPHABETS: LazyLock<Alphabets> = LazyLock::new(Alphabets::new);

/// Whether something else stands for a character.
pub(super) fn is_replaced(c: char) -> bool {
    ALPHABETS.place(c).is_some() || is_odd(c)
}

/// The character that stands for `c` behind these others, which are in small letters.
pub(super) fn stand_in(key: &Key, before: &str, c: char) -> char {
    let Some(place) = ALPHABETS.place(c) else { return odd(key, before, c) };
    let alphabet = &ALPHABETS.all[place.alphabet];
    let number = (place.alphabet as u32).to_le_bytes();
    let mut chance = key.chance(b"character", &[before.as_bytes(), &number]);
    // No alphabet has more characters than there are.
    let len = alphabet.len() as u32;
    let index = if alphabet.len() <= MOST_SHUFFLED {
        chance.shuffled(len)[place.index]
    } else {
        (place.index as u32 + chance.below(len)) % len
    };
    match alphabet[index as usize] {
        (_, Some(capital)) if place.is_capital => capital,
        (small, _) => small,
    }
}

/// A capital without a small letter of the same length, and the like: there are a few dozen. Any
/// character of its length stands for it.
fn odd(key: &Key, before: &str, c: char) -> char {
    let others = match c.len_utf8() {
        _ if !is_odd(c) => return c,
        2 => 'א'..='ת',
        3 => '一'..='丿',
        _ => '𠀀'..='𠁿',
    };
    let mut chance = key.chance(b"odd", &[before.as_bytes(), c.to_string().as_bytes()]);
    let all: Vec<char> = others.collect();
    all[chance.below(all.len() as u32) as usize]
}

fn is_odd(c: char) -> bool {
    !c.is_ascii() && c.is_alphanumeric() && ALPHABETS.place(c).is_none()
}

/// The small letter of a character, if that is one of the same length.
pub(super) fn small(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(small), None) => small,
        _ => c,
    }
}

fn capital(c: char) -> Option<char> {
    let mut upper = c.to_uppercase();
    let capital = upper.next().filter(|_| upper.next().is_none())?;
    let is_pair = capital != c
        && capital.len_utf8() == c.len_utf8()
        && small(c) == c
        && capital.to_lowercase().eq([c]);
    is_pair.then_some(capital)
}

impl Alphabets {
    fn new() -> Alphabets {
        let mut alphabets = Alphabets { all: Vec::new(), places: Vec::new() };
        for (first, last) in SCRIPTS {
            for utf8_bytes in 1..=4 {
                let chars = (first..=last).filter_map(char::from_u32);
                let is_wanted = |c: &char| c.is_alphanumeric() || (first, last) == PICTURES;
                let chars: Vec<char> = chars
                    .filter(|c| c.len_utf8() == utf8_bytes && is_wanted(c) && small(*c) == *c)
                    .filter(|c| c.to_lowercase().eq([*c]))
                    .collect();
                let capitals = chars.iter().map(|c| (*c, capital(*c)));
                let (pairs, rest): (Vec<_>, Vec<_>) = capitals.partition(|(_, c)| c.is_some());
                alphabets.add(pairs);
                alphabets.add(rest);
            }
        }
        alphabets.places.sort_unstable_by_key(|(c, _)| *c);
        alphabets
    }

    fn add(&mut self, chars: Vec<(char, Option<char>)>) {
        // A character that is alone in its alphabet would stand for itself; it is odd.
        if chars.len() < 2 {
            return;
        }
        let alphabet = self.all.len();
        for (index, (small, capital)) in chars.iter().enumerate() {
            let place = |is_capital| Place { alphabet, index, is_capital };
            self.places.push((*small, place(false)));
            self.places.extend(capital.map(|capital| (capital, place(true))));
        }
        self.all.push(chars);
    }

    fn place(&self, c: char) -> Option<Place> {
        let at = self.places.binary_search_by_key(&c, |(c, _)| *c).ok()?;
        Some(self.places[at].1)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn key() -> Key {
        Key::of_bytes(&[3; 16]).unwrap()
    }

    #[test]
    fn each_character_is_in_one_alphabet_at_most() {
        let places = &ALPHABETS.places;
        assert!(places.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for c in "azAZ09äÖčŽΩяЖאعกあ漢한ế🦀".chars() {
            assert!(is_replaced(c), "{c}");
        }
        for c in " -_.,;:%&<>\"'\t\0\u{301}€".chars() {
            assert!(!is_replaced(c), "{c:?}");
            assert_eq!(stand_in(&key(), "", c), c);
        }
    }

    #[test]
    fn what_stands_for_a_character_is_like_it_and_both_cases_stay_a_pair() {
        let key = key();
        for c in "aZ5äÖčŽΩяЖאعกあ漢한ếẾ🦀İKẞǅ".chars() {
            let other = stand_in(&key, "be", c);
            assert_eq!(other.len_utf8(), c.len_utf8(), "{c} {other}");
            assert_eq!(other.is_ascii_digit(), c.is_ascii_digit(), "{c} {other}");
            if ALPHABETS.place(c).is_some() {
                assert_eq!(stand_in(&key, "be", small(c)), small(other), "{c} {other}");
                assert_eq!(small(other) == other, small(c) == c, "{c} {other}");
            }
        }
    }

    #[test]
    fn different_characters_stay_different() {
        let key = key();
        for (first, last) in [(0x30, 0x39), (0x41, 0x7A), (0x80, 0x24F), (0x400, 0x52F)] {
            let chars = (first..=last).filter_map(char::from_u32);
            let all: Vec<char> = chars.filter(|c| ALPHABETS.place(*c).is_some()).collect();
            let others: BTreeSet<char> = all.iter().map(|c| stand_in(&key, "x", *c)).collect();
            assert_eq!(others.len(), all.len());
        }
    }
}
