//! Passwords: values that never print and do not linger.

use std::fmt;

/// A password. It prints as `<secret>`, compares with nothing, is written into no log, and its
/// bytes are overwritten when it is dropped.
///
/// The wiping is best effort: copies that other packages make while they parse the settings or
/// compute an answer to a challenge are out of our hands.
#[derive(Clone, Default)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes a text over as a secret. Its bytes are kept where they are, so no copy stays behind.
    #[must_use]
    pub fn new(text: String) -> Secret {
        Secret(text.into_bytes())
    }

    /// The secret itself, for the one place that must send it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        // It was made from a `String` and never changed; an empty text is the answer to the
        // impossible.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Overwrites bytes that carried a secret.
pub(crate) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    // The compiler must believe that somebody looks at the zeros, or it leaves them out.
    std::hint::black_box(&*bytes);
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// The account that all connections to the PBXs use.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its name, as the operator wrote it: an administrator, or a PBX user's short name.
    pub name: Box<str>,
    /// Its password.
    pub password: Secret,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_nothing_but_the_word() {
        let account =
            Account { name: "_TAPI_".into(), password: Secret::new("hunter2".to_owned()) };
        assert_eq!(format!("{:?}", account.password), "<secret>");
        assert!(!format!("{account:#?}").contains("hunter2"));
        assert_eq!(account.password.reveal(), "hunter2");
    }

    #[test]
    fn wiping_leaves_only_zeros() {
        let mut bytes = *b"hunter2";
        wipe(&mut bytes);
        assert_eq!(bytes, [0; 7]);
    }
}
