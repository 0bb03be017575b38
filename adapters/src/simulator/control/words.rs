//! The words of a command line.

use super::{ControlError, Diversion};

/// The rest of a command line, taken word by word.
pub(super) struct Words<'l> {
    pub(super) rest: &'l str,
    pub(super) usage: &'static str,
}

impl<'l> Words<'l> {
    pub(super) fn optional(&mut self) -> Option<&'l str> {
        let (word, rest) = split(self.rest);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    pub(super) fn word(&mut self) -> Result<&'l str, ControlError> {
        self.optional().ok_or(ControlError::Usage(self.usage))
    }

    pub(super) fn last(&mut self) -> Result<&'l str, ControlError> {
        let word = self.word()?;
        self.end()?;
        Ok(word)
    }

    pub(super) fn end(&self) -> Result<(), ControlError> {
        if self.rest.is_empty() { Ok(()) } else { Err(ControlError::Usage(self.usage)) }
    }

    pub(super) fn remainder(&mut self) -> &'l str {
        std::mem::take(&mut self.rest)
    }

    pub(super) fn rest_of_line(&mut self) -> Result<&'l str, ControlError> {
        match self.remainder() {
            "" => Err(ControlError::Usage(self.usage)),
            rest => Ok(rest),
        }
    }

    pub(super) fn choice(&mut self, yes: &str, no: &str) -> Result<bool, ControlError> {
        match self.last()? {
            word if word == yes => Ok(true),
            word if word == no => Ok(false),
            _ => Err(ControlError::Usage(self.usage)),
        }
    }

    /// EXT cfu|cfb|cfnr NUMBER|off
    pub(super) fn diversion(
        &mut self,
    ) -> Result<(&'l str, Diversion, Option<&'l str>), ControlError> {
        let ext = self.word()?;
        let kind = match self.word()? {
            "cfu" => Diversion::Always,
            "cfb" => Diversion::Busy,
            "cfnr" => Diversion::NoAnswer,
            other => return Err(self.bad(other, "cfu, cfb or cfnr")),
        };
        let to = self.last()?;
        let dialable = |c: char| c.is_ascii_digit() || matches!(c, '*' | '#' | '+' | '-');
        if to != "off" && !to.chars().all(dialable) {
            return Err(self.bad(to, "a number or off"));
        }
        Ok((ext, kind, Some(to).filter(|to| *to != "off")))
    }

    pub(super) fn cause(&mut self, default: u8) -> Result<u8, ControlError> {
        let Some(word) = self.optional() else { return Ok(default) };
        self.end()?;
        let cause = word.parse().ok().filter(|cause| *cause <= 127);
        cause.ok_or_else(|| self.bad(word, "a Q.850 cause from 0 to 127"))
    }

    pub(super) fn bad(&self, given: &str, wanted: &'static str) -> ControlError {
        ControlError::Value { given: given.into(), wanted, usage: self.usage }
    }
}

/// A comment begins with `#` at the start of a word: numbers may end in one.
pub(super) fn without_comment(line: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| line[..*at].ends_with(char::is_whitespace) || *at == 0;
    let comment = line.match_indices('#').find(begins);
    comment.map_or(line, |(at, _)| &line[..at])
}

/// The first word and the rest, both trimmed.
pub(super) fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim())
}
