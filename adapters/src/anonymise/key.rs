//! The key, and what looks like chance but follows from it.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// What decides which text stands for which. Whoever has it can find out about a text that he
/// guesses, so it is not kept with a capture.
#[derive(Clone)]
pub struct Key(Vec<u8>);

/// Why something is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It could be guessed.
    #[error(
        "a key has at least {} bytes, or {} hexadecimal digits",
        Key::MIN_BYTES,
        Key::MIN_BYTES * 2
    )]
    TooShort,
    /// It is something else.
    #[error("a key has at most {} bytes", Key::MAX_BYTES)]
    TooLong,
    /// There is something else in it.
    #[error("a key in hexadecimal digits holds nothing but pairs of 0-9 and a-f")]
    NoHex,
    /// The operating system has no randomness for us.
    #[error("the system gives no random numbers for a key: {0}")]
    NoChance(String),
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<key of {} bytes>", self.0.len())
    }
}

impl Key {
    /// Fewest bytes.
    pub const MIN_BYTES: usize = 16;
    /// Most bytes.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// A fresh one, from the operating system.
    ///
    /// # Errors
    /// [`KeyError::NoChance`].
    pub fn random() -> Result<Key, KeyError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| KeyError::NoChance(error.to_string()))?;
        Ok(Key(bytes.into()))
    }

    /// The content of a key file. White space at its end does not count.
    ///
    /// # Errors
    /// [`KeyError::TooShort`], [`KeyError::TooLong`].
    pub fn of_bytes(bytes: &[u8]) -> Result<Key, KeyError> {
        let bytes = bytes.trim_ascii_end();
        match bytes.len() {
            ..Key::MIN_BYTES => Err(KeyError::TooShort),
            Key::MIN_BYTES..=Key::MAX_BYTES => Ok(Key(bytes.into())),
            _ => Err(KeyError::TooLong),
        }
    }

    /// Hexadecimal digits.
    ///
    /// # Errors
    /// All but [`KeyError::NoChance`].
    pub fn of_hex(text: &str) -> Result<Key, KeyError> {
        let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let pairs = text.trim().as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> = pairs
            .map(|pair| match pair {
                [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
                _ => None,
            })
            .collect();
        Key::of_bytes_as_they_are(bytes.ok_or(KeyError::NoHex)?)
    }

    fn of_bytes_as_they_are(bytes: Vec<u8>) -> Result<Key, KeyError> {
        match bytes.len() {
            ..Key::MIN_BYTES => Err(KeyError::TooShort),
            Key::MIN_BYTES..=Key::MAX_BYTES => Ok(Key(bytes)),
            _ => Err(KeyError::TooLong),
        }
    }

    /// Another key that follows from this one.
    pub(super) fn turn(&self, turn: u32) -> Key {
        Key(self.block(b"turn", &[&turn.to_le_bytes()]).into())
    }

    /// An endless row of bytes for one thing of one kind.
    pub(super) fn chance(&self, kind: &[u8], of: &[&[u8]]) -> Chance<'_> {
        Chance { key: self, seed: self.block(kind, of), block: [0; 32], used: 32, number: 0 }
    }

    fn block(&self, kind: &[u8], of: &[&[u8]]) -> [u8; 32] {
        let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(&self.0) else {
            // HMAC takes keys of any length; without this there would be a panic to reason about.
            return [0; 32];
        };
        for part in std::iter::once(&kind).chain(of) {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// Bytes that look like chance.
pub(super) struct Chance<'a> {
    key: &'a Key,
    seed: [u8; 32],
    block: [u8; 32],
    used: usize,
    number: u32,
}

impl Chance<'_> {
    /// The next bytes.
    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    fn byte(&mut self) -> u8 {
        if self.used == self.block.len() {
            self.block = self.key.block(b"row", &[&self.seed, &self.number.to_le_bytes()]);
            (self.used, self.number) = (0, self.number.wrapping_add(1));
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// A number below this one, which is not 0; none more often than another.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        let whole = u32::MAX - u32::MAX % end;
        loop {
            let drawn = u32::from_le_bytes(self.bytes());
            if drawn < whole {
                return drawn % end;
            }
        }
    }

    /// The numbers below this one, shuffled.
    pub(super) fn shuffled(&mut self, end: u32) -> Vec<u32> {
        let mut row: Vec<u32> = (0..end).collect();
        for last in (1..end).rev() {
            row.swap(last as usize, self.below(last + 1) as usize);
        }
        row
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_long_enough_to_be_one_and_does_not_print() {
        assert_eq!(Key::of_hex("00ff").unwrap_err(), KeyError::TooShort);
        assert_eq!(Key::of_hex(&"g0".repeat(16)).unwrap_err(), KeyError::NoHex);
        assert_eq!(Key::of_hex(&format!("{}0", "00".repeat(16))).unwrap_err(), KeyError::NoHex);
        assert_eq!(Key::of_bytes(b"fifteen bytes..\n \n").unwrap_err(), KeyError::TooShort);
        let long = vec![1; Key::MAX_BYTES + 1];
        assert_eq!(Key::of_bytes(&long).unwrap_err(), KeyError::TooLong);
        let (a, b) = (Key::of_bytes(b"sixteen bytes...\n"), Key::of_hex(&"1F".repeat(16)));
        assert_eq!(
            format!("{:?} {:?}", a.unwrap(), b.unwrap()),
            "<key of 16 bytes> <key of 16 bytes>"
        );
    }

    #[test]
    fn what_looks_like_chance_follows_from_key_and_subject() {
        let key = Key::of_bytes(&[7; 16]).unwrap();
        let row = |key: &Key, kind: &[u8], of: &[u8]| key.chance(kind, &[of]).shuffled(10);
        assert_eq!(row(&key, b"a", b"x"), row(&key, b"a", b"x"));
        assert_ne!(row(&key, b"a", b"x"), row(&key, b"a", b"y"));
        assert_ne!(row(&key, b"a", b"x"), row(&key, b"b", b"x"));
        assert_ne!(row(&key, b"a", b"x"), row(&key.turn(1), b"a", b"x"));
        let mut all = row(&key, b"a", b"x");
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
        assert_ne!(Key::random().unwrap().0, Key::random().unwrap().0);
    }

    /// HMAC-SHA-256 of RFC 4231, test case 2, through the pieces that are used here.
    #[test]
    fn the_function_under_it_is_hmac_sha_256() {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(b"Jefe").unwrap();
        mac.update(b"what do ya want for nothing?");
        let sum: [u8; 32] = mac.finalize().into_bytes().into();
        assert_eq!(sum[..4], [0x5b, 0xdc, 0xc1, 0x46]);
    }
}
