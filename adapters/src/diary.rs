//! The service's log for people: plain lines in `tapline.log`, beside the journal. Where that
//! cannot be, because the folder cannot be written, it is where the log would be by default; and
//! while the disk is full, the lines wait for room.
//!
//! How much is said is for the settings to say, and may change at any time. What packages say that are
//! not ours is heard up to [`Level::Info`] only: in more detail they quote what they transport.
//!
//! This is the only file that names tracing-subscriber. Names and numbers of people do not get in:
//! they are `Pii`, which prints as its length.

use crate::settings::Settings;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::reload;

/// A file that grew beyond this is renamed to `tapline.log.1`, over the one before.
const MAX_BYTES: u64 = 8 << 20;

/// How much may wait to be written; what comes when this is full is not written at all.
const MAX_WAITING: usize = 64 << 10;

/// Directs the diary to `tapline.log` in a folder, from now on, for the whole process. Trouble with
/// the file is not an error: the provider works without its diary.
pub fn write_to(folder: &Path) {
    Page::turn_to(folder.join(NAME), Settings::default_log().join(NAME));
    detail();
}

/// Says so much from now on.
pub fn say_up_to(level: Level) {
    // It fails only without a subscriber, and then nothing is said at all.
    let _ = detail().modify(|targets| *targets = level.targets());
}

/// How many lines were about errors, and how many were warnings, since the process started.
pub(crate) fn trouble() -> (u64, u64) {
    (ERRORS.load(Ordering::Relaxed), WARNINGS.load(Ordering::Relaxed))
}

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// What somebody has to do something about.
    Error,
    /// And what he may have to.
    Warn,
    /// And what is good to know of a provider at work.
    #[default]
    Info,
    /// And each request of an application, and what PBXs are asked for it.
    Debug,
    /// And each Poll.
    Trace,
}

impl Level {
    /// All of them, the quietest first.
    pub const ALL: [Level; 5] =
        [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace];

    /// As it stands in the settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        }
    }

    fn filter(self) -> LevelFilter {
        match self {
            Level::Error => LevelFilter::ERROR,
            Level::Warn => LevelFilter::WARN,
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
            Level::Trace => LevelFilter::TRACE,
        }
    }

    fn targets(self) -> Targets {
        let ours = OURS.iter().map(|name| (*name, self.filter()));
        // The most of others is the least of both.
        Targets::new().with_default(self.filter().min(LevelFilter::INFO)).with_targets(ours)
    }
}

/// The crates that are ours, by the names that they have in code.
const OURS: [&str; 2] = ["adapters", "tapline"];

const NAME: &str = "tapline.log";

/// Makes the subscriber, the first time, and gives the way to change how much it says.
fn detail() -> &'static Detail {
    static DETAIL: OnceLock<Detail> = OnceLock::new();
    DETAIL.get_or_init(|| {
        let (targets, detail) = reload::Layer::new(Level::default().targets());
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_target(false)
            .with_max_level(LevelFilter::TRACE)
            .with_writer(Diary)
            .finish()
            .with(Trouble)
            .with(targets);
        // A program that has a subscriber of its own keeps it.
        let _ = tracing::subscriber::set_global_default(subscriber);
        detail
    })
}

type Detail = reload::Handle<Targets, Counted>;
type Counted = tracing_subscriber::layer::Layered<Trouble, Written>;
type Written = tracing_subscriber::FmtSubscriber<
    tracing_subscriber::fmt::format::DefaultFields,
    tracing_subscriber::fmt::format::Format,
    LevelFilter,
    Diary,
>;

static ERRORS: AtomicU64 = AtomicU64::new(0);
static WARNINGS: AtomicU64 = AtomicU64::new(0);

/// Counts what is said of trouble.
struct Trouble;

impl<S: Subscriber> Layer<S> for Trouble {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        match *event.metadata().level() {
            tracing::Level::ERROR => ERRORS.fetch_add(1, Ordering::Relaxed),
            tracing::Level::WARN => WARNINGS.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }
}

static PAGE: Mutex<Option<Page>> = Mutex::new(None);

struct Page {
    path: PathBuf,
    /// Where to write if nothing can be written there.
    instead: PathBuf,
    /// With the path that it has.
    file: Option<(File, PathBuf)>,
    waiting: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Diary;

impl<'a> MakeWriter<'a> for Diary {
    type Writer = Diary;

    fn make_writer(&'a self) -> Diary {
        Diary
    }
}

impl Write for Diary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut page = PAGE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = page.as_mut() {
            // A diary that cannot be written must not stop the provider.
            let _ = page.write(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Page {
    /// Begins a page, with what still waits of the one before if it is the same.
    fn turn_to(path: PathBuf, instead: PathBuf) {
        let mut page = PAGE.lock().unwrap_or_else(PoisonError::into_inner);
        let before = page.take().filter(|page| page.path == path);
        let waiting = before.map_or_else(Vec::new, |page| page.waiting);
        *page = Some(Page { path, instead, file: None, waiting });
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.waiting.len() + bytes.len() <= MAX_WAITING {
            self.waiting.extend_from_slice(bytes);
        }
        let (file, _) = match &mut self.file {
            Some(open) => open,
            none => none.insert(open(&self.path).or_else(|_| open(&self.instead))?),
        };
        while !self.waiting.is_empty() {
            let written = file.write(&self.waiting)?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.waiting.drain(..written);
        }
        if file.metadata()?.len() > MAX_BYTES
            && let Some((_, path)) = self.file.take()
        {
            std::fs::rename(&path, path.with_extension("log.1"))?;
        }
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<(File, PathBuf)> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    Ok((file, path.to_owned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn page(path: PathBuf, instead: PathBuf) -> Page {
        Page { path, instead, file: None, waiting: Vec::new() }
    }

    #[test]
    fn packages_of_others_are_never_heard_in_more_detail_than_usual() {
        use tracing::Level as Of;
        for (level, ours, of_others) in [
            (Level::Error, Of::ERROR, Of::ERROR),
            (Level::Warn, Of::WARN, Of::WARN),
            (Level::Info, Of::INFO, Of::INFO),
            (Level::Debug, Of::DEBUG, Of::INFO),
            (Level::Trace, Of::TRACE, Of::INFO),
        ] {
            for (target, most) in [
                ("adapters::exchange", ours),
                ("tapline::session", ours),
                ("hyper::proto", of_others),
                ("sled", of_others),
            ] {
                for detail in [Of::ERROR, Of::WARN, Of::INFO, Of::DEBUG, Of::TRACE] {
                    let is_heard = level.targets().would_enable(target, &detail);
                    assert_eq!(is_heard, detail <= most, "{level:?} {target} {detail}");
                }
            }
        }
    }

    #[test]
    fn where_a_page_cannot_be_the_other_place_is_taken() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let instead = folder.path().join("new").join(NAME);
        let mut page = page(file.join(NAME), instead.clone());
        page.write(b"one\n").unwrap();
        page.write(b"two\n").unwrap();
        assert_eq!(std::fs::read_to_string(instead).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn what_cannot_be_written_waits_up_to_a_bound() {
        let folder = TempDir::new().unwrap();
        let late = folder.path().join("late");
        std::fs::write(&late, "").unwrap();
        let mut page = page(late.join(NAME), late.join(NAME));
        assert!(page.write(b"one\n").is_err());
        for _ in 0..MAX_WAITING {
            assert!(page.write(b"more\n").is_err());
        }
        assert!(page.waiting.len() <= MAX_WAITING);
        std::fs::remove_file(&late).unwrap();
        page.write(b"last, and lost, because too much waits\n").unwrap();
        let text = std::fs::read_to_string(late.join(NAME)).unwrap();
        assert!(text.starts_with("one\nmore\n") && text.ends_with("more\n"));
        page.write(b"after\n").unwrap();
        assert!(std::fs::read_to_string(late.join(NAME)).unwrap().ends_with("after\n"));
    }

    #[test]
    fn a_long_page_is_put_aside_under_its_own_name() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join(NAME);
        let mut page = page(path.clone(), path.clone());
        std::fs::write(&path, vec![b'.'; MAX_BYTES as usize]).unwrap();
        page.write(b"one\n").unwrap();
        assert!(!path.exists() && folder.path().join("tapline.log.1").exists());
        page.write(b"two\n").unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "two\n");
    }
}
