//! Bytes to text.

use super::error::SoapError;
use super::limit;
use std::borrow::Cow;

/// The text of a message: UTF-8, or else Latin-1, as old firmware writes names. Whatever the
/// document declares: those that declare wrongly are the ones that need it.
///
/// # Errors
/// If there is too much of it.
pub(super) fn decoded(bytes: &[u8]) -> Result<Cow<'_, str>, SoapError> {
    if bytes.len() > limit::BODY_BYTES {
        return Err(SoapError::TooLarge { what: "message", limit: limit::BODY_BYTES });
    }
    Ok(match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect()),
    })
}
