//! Where a provider lives: a folder with its settings, its log, and the diary beside the log.

use crate::{PATIENCE, wait_for};
use adapters::journal::LogReader;
use engine::core::Core;
use engine::effect::{Effect, Effects, Notice, Telling, What};
use engine::fact::Record;
use engine::id::LineId;
use engine::told::Verifier;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with settings and a log; it is removed when dropped.
pub struct Premises {
    folder: TempDir,
    log: PathBuf,
}

impl Premises {
    /// Settings for the PBX at this host and port, with the account of the built-in estate.
    #[must_use]
    pub fn at(master: impl std::fmt::Display) -> Premises {
        Premises::with(&settings_for(&master.to_string()))
    }

    /// Settings of one's own, but for the log, which is `log` in the folder.
    #[must_use]
    pub fn with(settings: &str) -> Premises {
        let folder = TempDir::new().unwrap();
        let log = folder.path().join("log");
        let premises = Premises { folder, log };
        premises.write(settings);
        premises
    }

    /// The same with the log somewhere else.
    #[must_use]
    pub fn with_log(mut self, log: &Path) -> Premises {
        let settings = std::fs::read_to_string(self.settings()).unwrap();
        let settings = settings.split("[log]").next().unwrap().to_owned();
        self.log = log.to_owned();
        self.write(&settings);
        self
    }

    /// Writes other settings over those that are there.
    pub fn write(&self, settings: &str) {
        self.write_with(settings, "");
    }

    /// The same with something more to say of the log, such as `level = "debug"`.
    pub fn write_with(&self, settings: &str, of_log: &str) {
        let mut text = settings.to_owned();
        writeln!(text, "[log]\npath = {:?}\n{of_log}", self.log).unwrap();
        std::fs::write(self.settings(), text).unwrap();
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The settings file.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.folder.path().join("tapline.toml")
    }

    /// The folder of the log.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// What the service has said for people to read, so far; nothing if there is no such file.
    #[must_use]
    pub fn diary(&self) -> String {
        std::fs::read_to_string(self.log.join("tapline.log")).unwrap_or_default()
    }

    /// Waits for a line of the diary, and gives all lines that contain this.
    ///
    /// # Panics
    /// If there is none in time.
    #[must_use]
    pub fn diary_lines(&self, fragment: &str) -> Vec<String> {
        let what = format!("{fragment:?} in {}", self.log.join("tapline.log").display());
        wait_for(&what, || {
            let diary = self.diary();
            let lines: Vec<String> =
                diary.lines().filter(|line| line.contains(fragment)).map(str::to_owned).collect();
            (!lines.is_empty()).then_some(lines)
        })
    }

    /// Asserts that the diary says this, and says it once.
    ///
    /// # Panics
    /// If it does not, or repeats itself.
    pub fn assert_said_once(&self, fragment: &str) {
        let lines = self.diary_lines(fragment);
        assert_eq!(lines.len(), 1, "said more than once:\n{}", self.diary());
    }

    /// Replays the log from its beginning.
    ///
    /// # Panics
    /// If it cannot be opened.
    #[must_use]
    pub fn replay(&self) -> Replayed {
        Replayed::of(&self.log)
    }
}

/// Settings for a PBX, but for the log.
#[must_use]
pub fn settings_for(master: &str) -> String {
    format!(
        "account = \"_TAPI_\"\npassword = \"secret\"\nuser = \"TAPI\"\n\
         [[pbx]]\nmaster = \"{master}\"\n"
    )
}

/// What a log leads to.
pub struct Replayed {
    /// All that can be read of it.
    pub records: Vec<(u64, Record)>,
    /// Why reading ended before the end, if it did.
    pub damage: Option<String>,
    /// The state at the end.
    pub core: Core,
    /// Every callback that it leads to, in order.
    pub tellings: Vec<Telling>,
    /// The comparison with the callbacks that the log says were made.
    pub verifier: Verifier,
}

impl Replayed {
    /// Replays the log in this folder, or one storage of a log.
    ///
    /// # Panics
    /// If it cannot be opened.
    #[must_use]
    pub fn of(log: &Path) -> Replayed {
        let reader = LogReader::open(log, PATIENCE).unwrap();
        let mut replayed = Replayed {
            records: Vec::new(),
            damage: None,
            core: Core::default(),
            tellings: Vec::new(),
            verifier: Verifier::default(),
        };
        for record in reader.records_from(0) {
            match record {
                Ok((seq, record)) => replayed.take(seq, record),
                Err(error) => replayed.damage = Some(error.to_string()),
            }
        }
        replayed
    }

    fn take(&mut self, seq: u64, record: Record) {
        let mut effects = Effects::new();
        self.core.apply(record.clone(), &mut effects);
        self.verifier.take(seq, &record, &effects);
        self.records.push((seq, record));
        self.tellings.extend(effects.into_iter().filter_map(|effect| match effect {
            Effect::Tell(telling) => Some(telling),
            _ => None,
        }));
    }

    /// Asserts that nothing is missing from the log and that it leads to the callbacks made.
    ///
    /// # Panics
    /// If not.
    pub fn assert_sound(&self) {
        assert_eq!(self.damage, None);
        assert_eq!(self.verifier.difference(), None);
        assert_eq!(self.verifier.tally().missing_records, 0);
    }

    /// The lines by number, with their permanent ids.
    #[must_use]
    pub fn permanent_ids(&self) -> Vec<(String, u32)> {
        let lines = self.core.lines().map(|line| line.view());
        let mut ids: Vec<_> =
            lines.map(|view| (view.identity.number.to_text(), view.identity.line.0)).collect();
        ids.sort();
        ids
    }

    /// Every call state that the log leads to for a line, in order: state and mode.
    #[must_use]
    pub fn call_states(&self, line: LineId) -> Vec<(u32, u32)> {
        let of_line = self.tellings.iter().filter(|telling| telling.line == line);
        of_line
            .filter_map(|telling| match telling.what {
                What::Notice(Notice::CallState { state, mode, .. }) => Some((state.bits(), mode)),
                _ => None,
            })
            .collect()
    }
}
