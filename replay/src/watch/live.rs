//! Records of a log that a provider works on. It keeps its log to itself, so it is asked at its desk,
//! again and again, for what has come since; a thread waits for the answers.

use super::tape::Tape;
use crate::capture;
use crate::trouble::Trouble;
use adapters::excerpt::{Moment, Span};
use adapters::trace::Trace;
use engine::core::Core;
use engine::fact::Record;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;
use tempfile::TempDir;

/// How much of what was before is shown.
const BEFORE_MS: u64 = 10 * 60 * 1000;
/// How long to wait between two questions. A provider looks at its desk twice a second.
const PAUSE: Duration = Duration::from_millis(500);
/// The same while none is at work: looking at its log keeps one that starts waiting for a moment.
const LONG_PAUSE: Duration = Duration::from_secs(3);
/// Most records that wait to be shown.
const WAITING: usize = 4096;

/// What comes from a provider at work.
pub(super) struct Live {
    news: Receiver<News>,
}

/// One piece of it.
pub(super) enum News {
    Record(u64, Box<Record>),
    /// Records are missing; the state behind them, the first that is there, how many are missing.
    Leap(Box<Core>, u64, u64),
    /// Why nothing comes, in words; empty if that is over.
    Note(String),
}

impl Live {
    /// Asks the provider that works on a log for the last minutes; `None` if none does.
    pub(super) fn begin(log: &Path) -> Result<Option<(Live, Tape)>, Trouble> {
        if log.is_file() {
            return Ok(None);
        }
        let trouble = |error| Trouble::System { what: "cannot make a folder".into(), error };
        let folder = tempfile::tempdir().map_err(trouble)?;
        let file = folder.path().join("begin.tspt");
        let span = Span { from: Some(Moment::BeforeEnd(BEFORE_MS)), to: None };
        let (_, is_live) = capture::write(log, span, &file)?;
        if !is_live {
            return Ok(None);
        }
        let trace = Trace::open(&file)?;
        let (core, next) = trace.state_before(trace.first())?;
        let mut tape = Tape::new(core, next);
        let mut last = next.saturating_sub(1);
        for (seq, record) in trace.records_from(next) {
            tape.take(seq, &record);
            last = seq;
        }
        let (to, news) = mpsc::sync_channel(WAITING);
        let asking = Asking { log: log.to_owned(), folder, last, to };
        let thread = std::thread::Builder::new().name("watch".into());
        thread
            .spawn(move || asking.go_on())
            .map_err(|error| Trouble::System { what: "cannot start a thread".into(), error })?;
        Ok(Some((Live { news }, tape)))
    }

    /// What has come since it was asked last.
    pub(super) fn news(&self) -> impl Iterator<Item = News> {
        self.news.try_iter().take(WAITING)
    }
}

/// The thread that asks.
struct Asking {
    log: PathBuf,
    folder: TempDir,
    /// The last record that was given.
    last: u64,
    to: SyncSender<News>,
}

/// Nobody looks any more.
struct Gone;

impl Asking {
    fn go_on(mut self) {
        let mut pause = PAUSE;
        loop {
            std::thread::sleep(pause);
            let note = match self.ask() {
                Ok(Ok(true)) => String::new(),
                Ok(Ok(false)) => "no provider is at work on this log now".to_owned(),
                Ok(Err(trouble)) => format!("the provider does not answer: {trouble}"),
                Err(Gone) => return,
            };
            pause = if note.is_empty() { PAUSE } else { LONG_PAUSE };
            if self.to.send(News::Note(note)).is_err() {
                return;
            }
        }
    }

    /// Asks once, and says whether a provider answered; from the last record on: that one is there, so
    /// there is an answer.
    fn ask(&mut self) -> Result<Result<bool, Trouble>, Gone> {
        let file = self.folder.path().join("next.tspt");
        // Of the time before, if that was left.
        let _ = std::fs::remove_file(&file);
        let span = Span { from: Some(Moment::Seq(self.last)), to: None };
        let is_live = match capture::write(&self.log, span, &file) {
            Ok((_, is_live)) => is_live,
            Err(trouble) => return Ok(Err(trouble)),
        };
        match Trace::open(&file) {
            Ok(trace) => Ok(self.give(&trace)?.map(|()| is_live)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    fn give(&mut self, trace: &Trace) -> Result<Result<(), Trouble>, Gone> {
        let wanted = self.last + 1;
        if trace.first() > wanted {
            // What comes between was let go of by the provider.
            match trace.state_before(trace.first()) {
                Ok((core, next)) => {
                    let missing = next.saturating_sub(wanted);
                    self.to.send(News::Leap(Box::new(core), next, missing)).map_err(|_| Gone)?;
                    self.last = next.saturating_sub(1);
                }
                Err(error) => return Ok(Err(error.into())),
            }
        }
        for (seq, record) in trace.records_from(self.last + 1) {
            self.to.send(News::Record(seq, Box::new(record))).map_err(|_| Gone)?;
            self.last = seq;
        }
        Ok(Ok(()))
    }
}
