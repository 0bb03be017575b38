//! The desk as the provider has it: questions are taken from it, answers are put on it.

use super::question::{QUESTION_BYTES_MAX, Question};
use super::{FOLDER, put};
use engine::core::Core;
use engine::snapshot::{self, Place};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Most questions that are answered in one look.
const AT_ONCE: usize = 16;

/// An answer that nobody has fetched is thrown away after this.
const FETCHED_WITHIN: Duration = Duration::from_secs(120);

/// A question that was asked.
pub(crate) struct Asked {
    pub(crate) question: Question,
    answer: PathBuf,
}

/// The desk of a provider.
pub(crate) struct Desk {
    folder: PathBuf,
}

impl Desk {
    /// Puts up the desk beside a log. Where that cannot be, nobody can ask, and nothing else is
    /// the worse for it.
    pub(crate) fn beside(log: &Path) -> Desk {
        let folder = log.join(FOLDER);
        if let Err(error) = fs::create_dir_all(&folder) {
            tracing::warn!("nobody can ask at {}: {error}", folder.display());
        }
        let desk = Desk { folder };
        desk.throw_away(|_| true);
        desk
    }

    /// Questions that were asked since the last look. They are taken off the desk.
    pub(crate) fn questions(&self) -> Vec<Asked> {
        let asked = self.files().filter_map(|path| {
            let number = path.file_name()?.to_str()?.strip_prefix("ask-")?.to_owned();
            // Not one that is being written.
            number.bytes().all(|c| c.is_ascii_digit()).then_some((number, path))
        });
        let mut questions = Vec::new();
        for (number, path) in asked.take(AT_ONCE) {
            let words = read(&path);
            if fs::remove_file(&path).is_err() {
                // It would be answered again and again.
                continue;
            }
            let answer = self.folder.join(format!("answer-{number}"));
            questions.extend(Question::read(&words).map(|question| Asked { question, answer }));
        }
        self.throw_away(|path| {
            let age = path.metadata().and_then(|data| data.modified()).map(|at| at.elapsed());
            matches!(age, Ok(Ok(age)) if age > FETCHED_WITHIN)
        });
        questions
    }

    fn files(&self) -> impl Iterator<Item = PathBuf> {
        fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path())
    }

    fn throw_away(&self, which: impl Fn(&Path) -> bool) {
        for path in self.files().filter(|path| which(path)) {
            // What cannot be removed now is tried again.
            let _ = fs::remove_file(path);
        }
    }
}

impl Asked {
    /// Answers by words.
    pub(crate) fn say(&self, words: &str) {
        self.give(|file| file.write_all(words.as_bytes()));
    }

    /// Answers by a state.
    pub(crate) fn show(&self, core: &Core) {
        self.give(|file| {
            let store = |_, chunk: &[u8]| {
                // A chunk has 2 KiB at most.
                file.write_all(&(chunk.len() as u32).to_le_bytes())?;
                file.write_all(chunk)
            };
            snapshot::write(core, Place::default(), store)
                .map_err(|error| io::Error::other(error.to_string()))
        });
    }

    /// Answers by a part of the log, or by why there is none.
    pub(crate) fn part<E: std::fmt::Display>(
        &self,
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) {
        let mut refused = None;
        let written = put(&self.answer, |file| {
            write(file).map_err(|error| {
                refused = Some(error.to_string());
                io::Error::other(error.to_string())
            })
        });
        match (refused, written) {
            (Some(why), _) => self.say(&why),
            (None, Err(error)) => {
                tracing::warn!("cannot answer at {}: {error}", self.answer.display());
            }
            (None, Ok(())) => {}
        }
    }

    fn give(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if let Err(error) = put(&self.answer, write) {
            tracing::warn!("cannot answer at {}: {error}", self.answer.display());
        }
    }
}

/// A small file as text; what is none is read as nothing.
fn read(path: &Path) -> String {
    let mut text = String::new();
    let _ =
        File::open(path).and_then(|file| file.take(QUESTION_BYTES_MAX).read_to_string(&mut text));
    text
}
