//! What can be asked at the desk, and the words for it.

use crate::excerpt::{Moment, Span};
use engine::id::{Guid, PermanentId};
use engine::time::Millis;
use std::fmt::Write as _;

/// The longest question, in bytes.
pub(super) const QUESTION_BYTES_MAX: u64 = 256 * 1024;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// How everything is.
    State,
    /// Read the settings now, and bring them into force.
    Reload,
    /// Remove a line.
    Dismiss(PermanentId),
    /// A part of the log, as a capture file.
    Part(Span),
    /// Take in ids of users that no PBX has spoken of so far.
    Import(Vec<(Guid, PermanentId)>),
    /// The metrics page.
    Metrics,
}

impl Question {
    /// Beginning and version of every question.
    const HEAD: &str = "tapline 1 ";

    /// As it lies on the desk.
    pub(super) fn words(&self) -> String {
        let words = match self {
            Question::State => "state".to_owned(),
            Question::Reload => "reload".to_owned(),
            Question::Metrics => "metrics".to_owned(),
            Question::Dismiss(line) => format!("dismiss {}", line.0),
            Question::Part(span) => {
                format!("part {} {}", moment_words(span.from), moment_words(span.to))
            }
            Question::Import(ids) => {
                ids.iter().fold("import".to_owned(), |mut words, (guid, id)| {
                    // Writing to a String cannot fail.
                    let _ = write!(words, " {guid}={}", id.0);
                    words
                })
            }
        };
        format!("{}{words}", Question::HEAD)
    }

    /// Reads what [`Question::words`] wrote; everything else is none.
    pub(super) fn read(words: &str) -> Option<Question> {
        let words = words.strip_prefix(Question::HEAD)?;
        let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
        match verb {
            "state" if rest.is_empty() => Some(Question::State),
            "reload" if rest.is_empty() => Some(Question::Reload),
            "metrics" if rest.is_empty() => Some(Question::Metrics),
            "part" => {
                let (from, to) = rest.split_once(' ')?;
                Some(Question::Part(Span { from: read_moment(from)?, to: read_moment(to)? }))
            }
            "dismiss" => Some(Question::Dismiss(PermanentId(rest.parse().ok()?))),
            "import" => {
                let ids = rest.split_ascii_whitespace().map(|word| {
                    let (guid, id) = word.split_once('=')?;
                    Some((Guid::read_exact(guid)?, PermanentId(id.parse().ok()?)))
                });
                ids.collect::<Option<_>>().map(Question::Import)
            }
            _ => None,
        }
    }
}

/// A moment in a word.
fn moment_words(moment: Option<Moment>) -> String {
    match moment {
        None => "-".into(),
        Some(Moment::Seq(seq)) => format!("seq={seq}"),
        Some(Moment::At(at)) => format!("at={}", at.0),
        Some(Moment::BeforeEnd(ms)) => format!("before-end={ms}"),
    }
}

fn read_moment(word: &str) -> Option<Option<Moment>> {
    if word == "-" {
        return Some(None);
    }
    let (kind, number) = word.split_once('=')?;
    let number = number.parse().ok()?;
    match kind {
        "seq" => Some(Some(Moment::Seq(number))),
        "at" => Some(Some(Moment::At(Millis(number)))),
        "before-end" => Some(Some(Moment::BeforeEnd(number))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_is_read_as_it_was_written() {
        let ids = (0..4096).map(|n| (Guid([n as u8; 16]), PermanentId(u32::MAX - n)));
        for question in [
            Question::State,
            Question::Reload,
            Question::Metrics,
            Question::Dismiss(PermanentId(7)),
            Question::Import(ids.collect()),
            Question::Import(Vec::new()),
            Question::Part(Span::default()),
            Question::Part(Span { from: Some(Moment::BeforeEnd(600_000)), to: None }),
            Question::Part(Span { from: Some(Moment::At(Millis(7))), to: Some(Moment::Seq(8)) }),
        ] {
            let words = question.words();
            assert!(words.len() as u64 <= QUESTION_BYTES_MAX);
            assert_eq!(Question::read(&words), Some(question));
        }
        for words in [
            "dismiss",
            "dismiss x",
            "import 12=3",
            "import",
            "state now",
            "metrics all",
            "part seq=1",
            "part seq=x -",
            "State",
        ] {
            let read = Question::read(&format!("{}{words}", Question::HEAD));
            assert_eq!(read, (words == "import").then(|| Question::Import(Vec::new())), "{words}");
        }
    }
}
