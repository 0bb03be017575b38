//! Captures that may leave the house: other names, numbers, GUIDs and hosts in place of the true
//! ones, and the same behaviour.
//!
//! A key decides what stands for what, and the same key makes the same file again. What is replaced is
//! in one table (`table.rs`), how in `texts.rs`. Lengths, beginnings that numbers have in common,
//! equality, order of GUIDs and the structure of numbering nodes stay; so a replay makes the same
//! decisions. Messages of PBXs word by word are left out.
//!
//! Afterwards it is proved (`proof.rs`): the new file is read back, replayed beside the old one,
//! and searched for everything that was replaced. A file that fails is not kept.
//!
//! What is still told: times, how many lines and calls there are and who calls whom, lengths and
//! scripts of names, which firmware the PBXs have. Who has both an anonymised capture and enough
//! knowledge of who called when, can find people in it.

mod alphabet;
mod error;
mod journey;
mod key;
mod parts;
mod proof;
mod replace;
mod survey;
mod table;
mod texts;
mod tree;

pub use error::AnonymiseError;
pub use key::{Key, KeyError};
pub use proof::Proof;

use crate::capture::{About, CaptureWriter};
use crate::trace::Trace;
use engine::core::Core;
use engine::effect::Effects;
use engine::fact::{Event, Record};
use engine::snapshot::Place;
use journey::{Journey, Step};
use replace::{Replacing, guid_of_name};
use std::fs::File;
use std::io::{BufWriter, ErrorKind};
use std::path::{Path, PathBuf};
use survey::Survey;
use table::Subject;
use texts::{Texts, is_number};

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anonymised {
    /// Records in the file.
    pub records: u64,
    /// Images of the state in it.
    pub images: u64,
    /// How long it is, in bytes.
    pub bytes: u64,
    /// What was replaced.
    pub replaced: Replaced,
    /// That it behaves as before, and that nothing is left.
    pub proof: Proof,
    /// Why it ends before the log does, or what is missing in between.
    pub damage: Vec<String>,
}

/// How many different things were replaced, by kind, and in how many places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replaced {
    /// Numbers.
    pub numbers: usize,
    /// Names, and all other texts.
    pub names: usize,
    /// Hosts.
    pub hosts: usize,
    /// User-user information.
    pub user_infos: usize,
    /// GUIDs of objects and calls.
    pub guids: usize,
    /// Places in all.
    pub places: u64,
}

/// Is asked between two records, of which each comes by several times: whether to go on.
pub type GoOn<'a> = dyn FnMut() -> bool + 'a;

/// Writes an anonymised copy of a log or capture, and proves it. `output` must not be there yet.
///
/// # Errors
/// See [`AnonymiseError`]; then there is no file.
pub fn anonymise(
    trace: &Trace,
    key: &Key,
    output: &Path,
    go_on: &mut GoOn<'_>,
) -> Result<Anonymised, AnonymiseError> {
    if output.exists() {
        return Err(AnonymiseError::IsThere(output.to_owned()));
    }
    let survey = survey(trace, go_on)?;
    let (mut turn, mut tries) = (0, 0);
    loop {
        let (texts, used) = survey.texts(key, turn);
        tries += 1;
        match attempt(trace, &survey, texts, output, go_on) {
            // It may have to do with the order of texts, which is another one under another key.
            Err(AnonymiseError::Otherwise { .. } | AnonymiseError::Left { .. })
                if tries < MAX_TRIES =>
            {
                turn = used + 1;
            }
            other => return other,
        }
    }
}

/// Writes a copy with these stand-ins, and proves it.
fn attempt(
    trace: &Trace,
    survey: &Survey,
    texts: Texts,
    output: &Path,
    go_on: &mut GoOn<'_>,
) -> Result<Anonymised, AnonymiseError> {
    let (unproved, file) = Unproved::beside(output)?;
    let mut writing = Writing::new(trace, Replacing::new(survey, texts), file)?;
    for step in Journey::through(trace) {
        writing.take(step?)?;
        ask(go_on)?;
    }
    let (records, images, damage) = (writing.records, writing.images, writing.damage);
    writing.writer.finish()?.into_inner().map_err(|error| unproved.error(error.into_error()))?;
    let proof = proof::prove(trace, survey, &unproved.path, go_on)?;
    let bytes = unproved.keep(output)?;
    let replaced = survey.replaced();
    Ok(Anonymised { records, images, bytes, replaced, proof, damage })
}

/// Keys that follow from the one given, and are tried if a copy fails its proof.
const MAX_TRIES: u32 = 6;

/// Looks for all that must not leave the house.
fn survey(trace: &Trace, go_on: &mut GoOn<'_>) -> Result<Survey, AnonymiseError> {
    let mut survey = Survey::default();
    for step in Journey::through(trace) {
        match step? {
            Step::Begins(core, _) => survey.state(&core)?,
            Step::Record(_, record) => survey.record(&record)?,
            Step::Gap(..) | Step::Damage(..) => {}
        }
        survey.check()?;
        ask(go_on)?;
    }
    Ok(survey)
}

fn ask(go_on: &mut GoOn<'_>) -> Result<(), AnonymiseError> {
    if go_on() { Ok(()) } else { Err(AnonymiseError::Stopped) }
}

impl Survey {
    fn state(&mut self, core: &Core) -> Result<(), AnonymiseError> {
        if *core != Core::default() {
            table::visit(&mut tree::tree_of(core)?, self);
        }
        Ok(())
    }

    fn record(&mut self, record: &Record) -> Result<(), AnonymiseError> {
        if matches!(record.event, Event::Told(_) | Event::Due(_)) {
            return Ok(());
        }
        table::visit(&mut tree::tree_of(record)?, self);
        if let Some(guid) = guid_of_name(&record.event) {
            self.guids.entry(guid).or_insert(false);
        }
        Ok(())
    }

    fn replaced(&self) -> Replaced {
        let mut replaced =
            Replaced { guids: self.guids.len(), places: self.places, ..Replaced::default() };
        for (text, subject) in self.texts.iter().filter(|(text, _)| texts::is_replaceable(text)) {
            match subject {
                Subject::Authority | Subject::Url | Subject::Path => replaced.hosts += 1,
                Subject::UserInfo => replaced.user_infos += 1,
                _ if is_number(text) => replaced.numbers += 1,
                _ => replaced.names += 1,
            }
        }
        replaced
    }
}

/// A file under work.
struct Writing<'t> {
    trace: &'t Trace,
    writer: CaptureWriter<BufWriter<File>>,
    replacing: Replacing,
    core: Core,
    /// Where the state was written that all goes on from.
    begun: u64,
    effects: Effects,
    last: Place,
    records: u64,
    images: u64,
    damage: Vec<String>,
}

impl<'t> Writing<'t> {
    fn new(
        trace: &'t Trace,
        replacing: Replacing,
        file: File,
    ) -> Result<Writing<'t>, AnonymiseError> {
        let writer = CaptureWriter::new(BufWriter::new(file), &About::this_program(true))?;
        Ok(Writing {
            trace,
            writer,
            replacing,
            core: Core::default(),
            begun: 0,
            effects: Effects::new(),
            last: Place::default(),
            records: 0,
            images: 0,
            damage: Vec::new(),
        })
    }

    fn take(&mut self, step: Step) -> Result<(), AnonymiseError> {
        match step {
            Step::Begins(core, place) => {
                (self.begun, self.last) = (place.next, place);
                self.core = Core::default();
                if place.next > 0 {
                    self.core = self.replacing.state(&core, place)?;
                    self.image()?;
                }
            }
            Step::Record(seq, record) => {
                let is_kept = seq != self.begun;
                if is_kept && self.trace.images().iter().any(|place| place.next == seq) {
                    self.image()?;
                }
                let other = self.replacing.record(&record)?;
                self.writer.push(seq, other.clone())?;
                self.last = Place { next: seq + 1, last_at: other.at };
                self.core.apply(other, &mut self.effects);
                self.effects.clear();
                self.records += 1;
            }
            Step::Gap(to, why) => {
                self.writer.gap(to, GAP)?;
                self.damage.push(why);
            }
            Step::Damage(next, why) => {
                self.writer.gap(next, GAP)?;
                self.damage.push(why);
            }
        }
        Ok(())
    }

    /// Writes the state as the new records have made it.
    fn image(&mut self) -> Result<(), AnonymiseError> {
        self.images += 1;
        Ok(self.writer.image(&self.core, self.last)?)
    }
}

/// What a file says of a gap: the true words may have the path of a log in them.
const GAP: &str = "records are missing in the log that this was made of";

/// A file that is nothing yet.
struct Unproved {
    path: PathBuf,
}

impl Unproved {
    fn beside(output: &Path) -> Result<(Unproved, File), AnonymiseError> {
        let name = output.file_name().ok_or_else(|| AnonymiseError::NoName(output.to_owned()))?;
        let mut unproved = name.to_owned();
        unproved.push(".unproved");
        let path = output.with_file_name(unproved);
        match File::create_new(&path) {
            Ok(file) => Ok((Unproved { path }, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(AnonymiseError::IsThere(path))
            }
            Err(error) => Err(AnonymiseError::Io { path, error }),
        }
    }

    fn error(&self, error: std::io::Error) -> AnonymiseError {
        AnonymiseError::Io { path: self.path.clone(), error }
    }

    /// Gives it its name.
    fn keep(self, output: &Path) -> Result<u64, AnonymiseError> {
        let kept = std::fs::metadata(&self.path)
            .and_then(|about| std::fs::rename(&self.path, output).map(|()| about.len()));
        kept.map_err(|error| self.error(error))
    }
}

impl Drop for Unproved {
    fn drop(&mut self) {
        // If it has its name, there is nothing here; if not, nobody may take it for one that has.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests;
