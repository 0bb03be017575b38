//! Reading files with a limit, and leaving nothing of them behind.

use super::error::SettingsFault;
use crate::secret::{Secret, wipe};
use std::io::Read;
use std::path::Path;

/// The longest file with a password in its first line.
const PASSWORD_FILE_BYTES_MAX: u64 = 4096;

/// Reads a file, up to a limit.
pub(super) fn bytes_of(path: &Path, what: &str, max: u64) -> Result<Vec<u8>, SettingsFault> {
    let unreadable = |error: std::io::Error| SettingsFault::Unreadable {
        what: what.to_owned(),
        why: error.to_string(),
        missing: error.kind() == std::io::ErrorKind::NotFound,
    };
    // Read with a limit rather than asked for its length first: a device file has none.
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > max {
        wipe(&mut bytes);
        return Err(SettingsFault::TooLarge { what: what.to_owned(), max });
    }
    Ok(bytes)
}

/// A file of text, without the mark that some editors put first.
pub(super) fn text_of(path: &Path, what: &str, max: u64) -> Result<String, SettingsFault> {
    let bytes = bytes_of(path, what, max)?;
    String::from_utf8(bytes).map_err(|error| {
        wipe(&mut error.into_bytes());
        SettingsFault::NotUtf8(what.to_owned())
    })
}

/// The first line of a file, as a password.
pub(super) fn first_line(key: &str, path: &Path) -> Result<Secret, SettingsFault> {
    let what = format!("{key} {}", path.display());
    let mut text = text_of(path, &what, PASSWORD_FILE_BYTES_MAX)?;
    let line = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default();
    let password = Secret::new(line.to_owned());
    wipe_text(&mut text);
    Ok(password)
}

/// Overwrites a text that had a secret in it.
pub(super) fn wipe_text(text: &mut String) {
    wipe(&mut std::mem::take(text).into_bytes());
}
