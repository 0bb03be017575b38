//! What the settings say of the log and of the capture files beside it.

use super::Captures;
use super::document::{Checked, Section};
use crate::journal::{Durability, Retention};
use std::path::Path;
use std::time::Duration;

pub(super) fn durability(log: &Section<'_>) -> Checked<Durability> {
    let meaning = |word: &str| match word {
        "before-callback" => Some(Durability::BeforeCallback),
        "behind" => Some(Durability::Behind),
        _ => None,
    };
    let word = log.word("durability", "\"before-callback\" or \"behind\"", meaning)?;
    Ok(word.unwrap_or_default())
}

/// Long enough for somebody to look into what happened last week, and room for two snapshots of
/// a large site.
pub(super) fn retention(log: &Section<'_>) -> Checked<Retention> {
    let mut retention = Retention::default();
    let days = log.number("keep_days", 1..=36_500, "from 1 to 36500 (days)")?;
    if let Some(days) = days {
        retention.age = Duration::from_secs(days * 24 * 60 * 60);
    }
    let mb = log.number("keep_mb", 128..=1_048_576, "from 128 to 1048576 (megabytes)")?;
    if let Some(mb) = mb {
        retention.bytes = mb * 1024 * 1024;
    }
    Ok(retention)
}

pub(super) fn captures(top: &Section<'_>, log: &Path) -> Checked<Option<Captures>> {
    let capture = top.section("capture", "[capture]")?;
    capture.only(&["on", "path", "keep_hours", "keep_mb", "raw"])?;
    let path = capture.path("path")?.map_or_else(|| log.join("captures"), |path| path.value);
    let hours = capture.number("keep_hours", 1..=87_600, "from 1 to 87600 (hours)")?;
    let mb = capture.number("keep_mb", 8..=1_048_576, "from 8 to 1048576 (megabytes)")?;
    let age = Duration::from_secs(hours.unwrap_or(72) * 60 * 60);
    let bytes = mb.unwrap_or(256) * 1024 * 1024;
    let raw = capture.flag("raw", false)?;
    let captures = Captures { path, age, bytes, file_bytes: bytes / 8, raw };
    Ok(capture.flag("on", false)?.then_some(captures))
}
