//! The desk: where a provider at work answers other processes on the same machine.
//!
//! It is a folder beside the log, so it works alike on every system, and whoever may ask is whoever
//! may write there. A question is a small file, `ask-N`; the answer is the file `answer-N`. Both are
//! written under another name first and then renamed, so that nobody reads half of one. What is
//! left when a provider starts is thrown away.

mod provider;
mod question;

use crate::capture;
use crate::excerpt::Span;
use engine::core::Core;
use engine::id::{Guid, PermanentId};
use engine::snapshot;
pub(crate) use provider::{Asked, Desk};
use question::QUESTION_BYTES_MAX;
pub use question::Question;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// The folder, in that of the log.
const FOLDER: &str = "desk";

/// How often a provider looks for questions.
pub const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What came of reading the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// In a word.
    pub verdict: Verdict,
    /// The file that the provider reads.
    pub file: PathBuf,
    /// What happened, for people. Their names and numbers are not in it.
    pub words: String,
}

/// What can come of reading the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are those in force.
    Same,
    /// They are in force now.
    Applied,
    /// They are not, and nothing has changed.
    Refused,
}

impl Verdict {
    const ALL: [Verdict; 3] = [Verdict::Same, Verdict::Applied, Verdict::Refused];

    /// In a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Same => "same",
            Verdict::Applied => "applied",
            Verdict::Refused => "refused",
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The question cannot be written.
    #[error("cannot write to {0}: {1}; this account must be able to write where the log is")]
    Unwritable(PathBuf, io::Error),
    /// Nobody answered in time.
    #[error("nobody answers at {0}; the provider that uses this log may be an older one, or stuck")]
    Silence(PathBuf),
    /// The answer cannot be read.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

/// Has a provider at work read its settings now.
///
/// # Errors
/// See [`NoAnswer`].
pub fn reload(log: &Path, within: Duration) -> Result<Reloaded, NoAnswer> {
    let text = words(ask(log, &Question::Reload, within)?)?;
    Reloaded::read(&text).ok_or_else(|| NoAnswer::Unreadable("another version wrote it".into()))
}

impl Reloaded {
    /// Verdict, file and words, a line each.
    pub(crate) fn text(&self) -> String {
        format!("{}\n{}\n{}", self.verdict.name(), self.file.display(), self.words)
    }

    fn read(text: &str) -> Option<Reloaded> {
        let (verdict, rest) = text.split_once('\n')?;
        let (file, words) = rest.split_once('\n')?;
        let verdict = Verdict::ALL.into_iter().find(|known| known.name() == verdict)?;
        Some(Reloaded { verdict, file: file.into(), words: words.to_owned() })
    }
}

/// Has a provider at work remove a line. The answer is why it does not, if so.
///
/// # Errors
/// See [`NoAnswer`].
pub fn dismiss(
    log: &Path,
    line: PermanentId,
    within: Duration,
) -> Result<Option<String>, NoAnswer> {
    refusal(words(ask(log, &Question::Dismiss(line), within)?)?)
}

/// Has a provider at work take in ids; at most some 5 000 at a time. The answer is why it does not,
/// if so.
///
/// # Errors
/// See [`NoAnswer`].
pub fn import(
    log: &Path,
    ids: &[(Guid, PermanentId)],
    within: Duration,
) -> Result<Option<String>, NoAnswer> {
    refusal(words(ask(log, &Question::Import(ids.to_vec()), within)?)?)
}

/// What was done is answered by this word.
pub(crate) const DONE: &str = "done";

fn refusal(answer: String) -> Result<Option<String>, NoAnswer> {
    Ok((answer != DONE).then_some(answer))
}

fn words(bytes: Vec<u8>) -> Result<String, NoAnswer> {
    String::from_utf8(bytes).map_err(|error| NoAnswer::Unreadable(error.to_string()))
}

/// How everything is at a provider at work.
///
/// # Errors
/// See [`NoAnswer`].
pub fn state(log: &Path, within: Duration) -> Result<Core, NoAnswer> {
    let bytes = ask(log, &Question::State, within)?;
    let mut rest = &bytes[..];
    let (core, _) = snapshot::read(|_| {
        let (len, after) = rest.split_first_chunk::<4>()?;
        let (chunk, after) = after.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        rest = after;
        Some(chunk)
    })
    .map_err(|error| NoAnswer::Unreadable(error.to_string()))?;
    Ok(core)
}

/// The metrics page of a provider at work, whether it is shown anywhere or not.
///
/// # Errors
/// See [`NoAnswer`].
pub fn metrics(log: &Path, within: Duration) -> Result<String, NoAnswer> {
    words(ask(log, &Question::Metrics, within)?)
}

/// Has a provider at work write a part of its log as a capture file, which begins at the image
/// before it. The file is the one who asked's to remove.
///
/// # Errors
/// See [`NoAnswer`].
pub fn part(log: &Path, span: Span, within: Duration) -> Result<Result<PathBuf, String>, NoAnswer> {
    let answer = wait_for_answer(log, &Question::Part(span), within)?;
    let mut beginning = Vec::new();
    File::open(&answer)
        .and_then(|file| file.take(QUESTION_BYTES_MAX).read_to_end(&mut beginning))
        .map_err(|error| NoAnswer::Unreadable(error.to_string()))?;
    if beginning.starts_with(&capture::MAGIC) {
        return Ok(Ok(answer));
    }
    // It is thrown away in any case, later.
    let _ = fs::remove_file(&answer);
    words(beginning).map(Err)
}

fn ask(log: &Path, question: &Question, within: Duration) -> Result<Vec<u8>, NoAnswer> {
    let answer = wait_for_answer(log, question, within)?;
    let bytes = fs::read(&answer).map_err(|error| NoAnswer::Unreadable(error.to_string()));
    // It is thrown away in any case, later.
    let _ = fs::remove_file(&answer);
    bytes
}

/// Puts a question on the desk; the answer is the file with the answer.
fn wait_for_answer(log: &Path, question: &Question, within: Duration) -> Result<PathBuf, NoAnswer> {
    let folder = log.join(FOLDER);
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let number = format!("{}{}", since_1970.as_nanos(), std::process::id());
    let (asked, answer) =
        (folder.join(format!("ask-{number}")), folder.join(format!("answer-{number}")));
    put(&asked, |file| file.write_all(question.words().as_bytes()))
        .map_err(|error| NoAnswer::Unwritable(folder.clone(), error))?;
    let mut deadline = Instant::now() + within;
    let mut written = 0;
    loop {
        if answer.exists() {
            return Ok(answer);
        }
        if Instant::now() >= deadline {
            // A long answer is still being written.
            let so_far = answer.with_extension("draft").metadata().map_or(0, |data| data.len());
            if so_far <= written {
                let _ = fs::remove_file(&asked);
                return Err(NoAnswer::Silence(folder));
            }
            (written, deadline) = (so_far, Instant::now() + within);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Writes a file that is there as a whole or not at all.
fn put(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut file = io::BufWriter::new(File::create(&draft)?);
    let written = write(&mut file).and_then(|()| file.flush());
    drop(file);
    written.and_then(|()| fs::rename(&draft, path)).inspect_err(|_| {
        // The error before this one is the one to tell.
        let _ = fs::remove_file(&draft);
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// Answers the first question that is asked, as the provider would.
    fn answer(folder: &TempDir) -> std::thread::JoinHandle<Question> {
        let desk = Desk::beside(folder.path());
        std::thread::spawn(move || {
            loop {
                if let Some(asked) = desk.questions().first() {
                    match asked.question {
                        Question::State => asked.show(&Core::default()),
                        Question::Reload => asked.say(&done().text()),
                        _ => asked.say(DONE),
                    }
                    return asked.question.clone();
                }
                std::thread::yield_now();
            }
        })
    }

    fn done() -> Reloaded {
        let words = "done,\nand well".to_owned();
        Reloaded { verdict: Verdict::Applied, file: "tapline.toml".into(), words }
    }

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn a_question_is_answered_and_nothing_is_left_on_the_desk() {
        let folder = TempDir::new().unwrap();
        let provider = answer(&folder);
        assert_eq!(reload(folder.path(), PATIENCE).unwrap(), done());
        assert_eq!(provider.join().unwrap(), Question::Reload);
        let provider = answer(&folder);
        assert!(state(folder.path(), PATIENCE).unwrap() == Core::default());
        assert_eq!(provider.join().unwrap(), Question::State);
        assert_eq!(fs::read_dir(folder.path().join(FOLDER)).unwrap().count(), 0);
    }

    #[test]
    fn where_nobody_answers_the_question_is_taken_back() {
        let folder = TempDir::new().unwrap();
        let missing = reload(folder.path(), Duration::ZERO);
        assert!(matches!(missing, Err(NoAnswer::Unwritable(..))));
        let _desk = Desk::beside(folder.path());
        let silence = reload(folder.path(), Duration::ZERO);
        assert!(matches!(silence, Err(NoAnswer::Silence(_))));
        assert_eq!(fs::read_dir(folder.path().join(FOLDER)).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_question_is_cleared_away_without_an_answer() {
        let folder = TempDir::new().unwrap();
        let desk = Desk::beside(folder.path());
        let long = "tapline 1 reload".repeat(20_000);
        for (name, text) in [("ask-1", "tapline 9 dance"), ("ask-2", ""), ("ask-3", &long)] {
            fs::write(folder.path().join(FOLDER).join(name), text).unwrap();
        }
        assert!(desk.questions().is_empty());
        assert_eq!(fs::read_dir(folder.path().join(FOLDER)).unwrap().count(), 0);
    }
}
