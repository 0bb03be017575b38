//! The text of the settings as tables and values, each with the place that it came from.

use super::error::{SettingsError, SettingsFault};
use super::rules::{meant_by, sound_text};
use super::{PATH_BYTES_MAX, TEXT_BYTES_MAX};
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The text under examination, for the lines of errors.
pub(super) struct Document<'d> {
    pub(super) text: &'d str,
    pub(super) origin: &'d Path,
}

/// One table of it.
pub(super) struct Section<'d> {
    pub(super) document: &'d Document<'d>,
    /// As errors call it: empty for the top, `[log]`, `[[pbx]]`.
    pub(super) name: &'static str,
    pub(super) span: Option<Range<usize>>,
    pub(super) table: &'d DeTable<'d>,
}

/// A value with the place that it came from.
pub(super) struct Found<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

/// A value of the settings, or what is wrong with it.
pub(super) type Checked<T> = Result<T, SettingsError>;

impl<'d> Document<'d> {
    pub(super) fn error(&self, span: Option<Range<usize>>, fault: SettingsFault) -> SettingsError {
        let line = span.and_then(|span| self.text.as_bytes().get(..span.start)).map(line_after);
        SettingsError::new(self.origin, line, fault)
    }
}

impl<'d> Section<'d> {
    pub(super) fn get(&self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.table.get(key)
    }

    /// Refuses keys that are not among the known, the first in the file first.
    pub(super) fn only(&self, known: &[&'static str]) -> Checked<()> {
        let strangers = self.table.keys().filter(|key| !known.contains(&&**key.get_ref()));
        let Some(key) = strangers.min_by_key(|key| key.span().start) else { return Ok(()) };
        let name = key.get_ref();
        let advice = match meant_by(name, known) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("known are {}", known.join(", ")),
        };
        // A key can be anything, also a password that lost its own key: quote what looks like one.
        let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let shown: String = name.chars().filter(|c| bare(*c)).take(40).collect();
        let fault = SettingsFault::UnknownKey { key: shown, section: self.name, advice };
        Err(self.document.error(Some(key.span()), fault))
    }

    pub(super) fn missing(&self, key: &'static str, example: &'static str) -> SettingsError {
        let fault = SettingsFault::Missing { key, section: self.name, example };
        self.document.error(self.span.clone(), fault)
    }

    pub(super) fn wrong(
        &self,
        key: &'static str,
        wanted: &'static str,
        value: &Spanned<DeValue<'_>>,
    ) -> SettingsError {
        let found = kind(value.get_ref());
        let fault = SettingsFault::WrongType { key, wanted, found };
        self.document.error(Some(value.span()), fault)
    }

    pub(super) fn text(&self, key: &'static str) -> Checked<Option<Found<&'d str>>> {
        self.limited_text(key, TEXT_BYTES_MAX)
    }

    pub(super) fn limited_text(
        &self,
        key: &'static str,
        max: usize,
    ) -> Checked<Option<Found<&'d str>>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let text = value.get_ref().as_str();
        let text = text.ok_or_else(|| self.wrong(key, "a text in quotes", value))?;
        sound_text(key, text, max)
            .map_err(|fault| self.document.error(Some(value.span()), fault))?;
        Ok(Some(Found { value: text, span: value.span() }))
    }

    pub(super) fn required(
        &self,
        key: &'static str,
        example: &'static str,
    ) -> Checked<Found<&'d str>> {
        self.text(key)?.ok_or_else(|| self.missing(key, example))
    }

    pub(super) fn flag(&self, key: &'static str, default: bool) -> Checked<bool> {
        let Some(value) = self.get(key) else { return Ok(default) };
        value.get_ref().as_bool().ok_or_else(|| self.wrong(key, "true or false", value))
    }

    /// A whole number, if it is there.
    pub(super) fn number(
        &self,
        key: &'static str,
        allowed: RangeInclusive<u64>,
        allowed_in_words: &'static str,
    ) -> Checked<Option<u64>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let digits = value.get_ref().as_integer().map(|number| number.as_str().replace('_', ""));
        let digits = digits.ok_or_else(|| self.wrong(key, "a whole number", value))?;
        match digits.parse::<u64>() {
            Ok(number) if allowed.contains(&number) => Ok(Some(number)),
            _ => {
                let fault = SettingsFault::NotOneOf { key, allowed: allowed_in_words };
                Err(self.document.error(Some(value.span()), fault))
            }
        }
    }

    /// What one of some words means, if there is one.
    pub(super) fn word<T>(
        &self,
        key: &'static str,
        allowed: &'static str,
        meaning: impl FnOnce(&str) -> Option<T>,
    ) -> Checked<Option<T>> {
        let Some(word) = self.text(key)? else { return Ok(None) };
        let fault = SettingsFault::NotOneOf { key, allowed };
        meaning(word.value).map(Some).ok_or_else(|| self.document.error(Some(word.span), fault))
    }

    /// A path; a relative one starts at the folder of the settings.
    pub(super) fn path(&self, key: &'static str) -> Checked<Option<Found<PathBuf>>> {
        let found = self.limited_text(key, PATH_BYTES_MAX)?;
        let folder = self.document.origin.parent().unwrap_or(Path::new(""));
        Ok(found.map(|Found { value, span }| Found { value: folder.join(value), span }))
    }

    /// A table in this one; an empty one if it is not there.
    pub(super) fn section(&self, key: &'static str, name: &'static str) -> Checked<Section<'d>> {
        static EMPTY: std::sync::LazyLock<DeTable<'static>> =
            std::sync::LazyLock::new(DeTable::new);
        let (span, table) = match self.get(key) {
            None => (None, &*EMPTY),
            Some(value) => {
                let table = value.get_ref().as_table();
                let table = table.ok_or_else(|| self.wrong(key, "a table", value))?;
                (Some(value.span()), table)
            }
        };
        Ok(Section { document: self.document, name, span, table })
    }
}

/// What a value is, in words.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The number of the line that follows these bytes.
fn line_after(before: &[u8]) -> usize {
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}
