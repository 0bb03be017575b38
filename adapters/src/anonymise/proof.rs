//! The proof: an anonymised capture behaves as the log that it was made of, and nothing of that is
//! left in it.
//!
//! Both are replayed side by side. After each record they must have led to the same: the same
//! callbacks, questions, timers and reports, and lines that read the same, where each text counts as
//! which one it is (equal to which others) and how long. Then the new file is searched. Each text in
//! it must be none of those that were replaced, and longer ones must not be part of one. Its bytes,
//! all of them, must hold no longer text in UTF-8 or UTF-16, and no GUID as bytes (in both orders)
//! or digits.
//!
//! Texts of less than three letters and digits are replaced too, but not looked for. A number of up
//! to six digits is looked for as a whole text; at a site that uses most numbers of some length one
//! stands for another, and those are counted.

mod behaviour;
mod needles;

use super::journey::{Journey, Step};
use super::parts::is_word;
use super::survey::{Survey, is_short_number, is_sought};
use super::table::{self, Subject, Visitor};
use super::texts::{is_number, is_replaceable};
use super::tree::tree_of;
use super::{AnonymiseError, GoOn, ask};
use crate::trace::Trace;
use behaviour::Behaviour;
use engine::id::Guid;
use needles::Needles;
use std::fs::File;
use std::path::Path;

/// What was shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// What both lead to: equal for both, whatever the texts.
    pub digest: u64,
    /// Records compared.
    pub records: u64,
    /// Callbacks that they led to.
    pub callbacks: u64,
    /// Texts and GUIDs looked for.
    pub sought: usize,
    /// Those too short to be looked for.
    pub too_short: usize,
    /// Numbers of up to six digits that stand for others at this site now.
    pub short_numbers_reused: usize,
}

/// Proves a file.
pub(super) fn prove(
    old: &Trace,
    survey: &Survey,
    path: &Path,
    go_on: &mut GoOn<'_>,
) -> Result<Proof, AnonymiseError> {
    let new = Trace::open(path)?;
    let mut proof = compare(old, &new, go_on)?;
    let mut left = Left { survey, needles: Needles::of(survey), kind: None, reused: 0 };
    for step in Journey::through(&new) {
        let mut tree = match step? {
            Step::Begins(_, place) if place.next == 0 => continue,
            Step::Begins(core, _) => tree_of(&*core)?,
            Step::Record(_, record) => tree_of(&record)?,
            Step::Gap(..) | Step::Damage(..) => continue,
        };
        table::visit(&mut tree, &mut left);
        ask(go_on)?;
    }
    let file = File::open(path).map_err(|error| io(path, error))?;
    let in_bytes = left.needles.find_in(file).map_err(|error| io(path, error))?;
    if let Some(kind) = left.kind.or(in_bytes) {
        return Err(AnonymiseError::Left { kind });
    }
    let is_short = |text: &&String| is_replaceable(text) && !is_sought(text);
    proof.sought = survey.parts.len() + survey.guids.len();
    proof.too_short = survey.texts.keys().filter(is_short).count();
    proof.short_numbers_reused = left.reused;
    Ok(proof)
}

fn io(path: &Path, error: std::io::Error) -> AnonymiseError {
    AnonymiseError::Io { path: path.to_owned(), error }
}

/// Replays both.
fn compare(old: &Trace, new: &Trace, go_on: &mut GoOn<'_>) -> Result<Proof, AnonymiseError> {
    let (mut before, mut after) = (Behaviour::default(), Behaviour::default());
    let mut proof = Proof::default();
    let mut journey = Journey::through(new);
    for step in Journey::through(old) {
        let (step, other) = (step?, journey.next().transpose()?);
        let seq = match &step {
            Step::Begins(_, place) => place.next,
            Step::Record(seq, _) | Step::Gap(seq, _) | Step::Damage(seq, _) => *seq,
        };
        let Some(other) = other else { return Err(AnonymiseError::Otherwise { seq }) };
        if before.take(step)? != after.take(other)? {
            return Err(AnonymiseError::Otherwise { seq });
        }
        ask(go_on)?;
    }
    if let Some(Step::Record(seq, _)) = journey.next().transpose()? {
        return Err(AnonymiseError::Otherwise { seq });
    }
    (proof.digest, proof.records, proof.callbacks) =
        (before.digest(), before.records, before.callbacks);
    Ok(proof)
}

/// Looks at each text of the new file.
struct Left<'a> {
    survey: &'a Survey,
    needles: Needles,
    /// What was found first.
    kind: Option<&'static str>,
    reused: usize,
}

impl Visitor for Left<'_> {
    fn text(&mut self, subject: Subject, text: &mut String) {
        if subject == Subject::Word && is_word(text) {
            return;
        }
        if self.survey.holds(text) {
            if is_short_number(text) {
                self.reused += 1;
            } else {
                self.kind = self.kind.or(Some(kind(text)));
            }
        }
        self.kind = self.kind.or_else(|| self.needles.find(text.as_bytes()));
    }

    fn guid(&mut self, _: bool, guid: &mut [u8; 16]) {
        if self.survey.guids.contains_key(&Guid(*guid)) {
            self.kind = self.kind.or(Some("a GUID"));
        }
    }
}

fn kind(text: &str) -> &'static str {
    if is_number(text) { "a number" } else { "a name" }
}
