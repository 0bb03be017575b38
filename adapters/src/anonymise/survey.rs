//! The first look: what is in a log that must not leave the house.

use super::AnonymiseError;
use super::key::Key;
use super::parts::{self, is_word};
use super::table::{Subject, Visitor};
use super::texts::{Texts, is_number, is_replaceable};
use engine::id::Guid;
use std::collections::{BTreeMap, BTreeSet};

/// Most different texts and GUIDs that are kept in memory (I-24).
pub(super) const MAX_ORIGINALS: usize = 4_000_000;

/// Keys that are tried until nothing stands for itself, and nothing long for something else.
const MAX_TURNS: u32 = 12;

/// Numbers of more digits than this are not to be found in a file by chance.
pub(super) const SHORT_DIGITS: usize = 6;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Every text that is replaced, with what it was first found to be.
    pub(super) texts: BTreeMap<String, Subject>,
    /// What of them must not be left.
    pub(super) parts: BTreeSet<String>,
    /// Words that stay.
    pub(super) words: BTreeSet<String>,
    /// GUIDs; true for those of calls.
    pub(super) guids: BTreeMap<Guid, bool>,
    /// Numbers with which other numbers may begin.
    pub(super) ahead: BTreeSet<String>,
    /// Places in all, of texts and GUIDs.
    pub(super) places: u64,
}

impl Visitor for Survey {
    fn text(&mut self, subject: Subject, text: &mut String) {
        if subject == Subject::Word && is_word(text) {
            if !self.words.contains(text.as_str()) {
                self.words.insert(text.clone());
            }
            return;
        }
        self.places += u64::from(!text.is_empty());
        let known = self.texts.get(text.as_str()).copied();
        // Whatever else a text is, an authority is one everywhere.
        if known.is_none() || subject == Subject::Authority && known != Some(subject) {
            self.texts.insert(text.clone(), subject);
            self.parts.extend(parts::of(subject, text).into_iter().filter(|part| is_sought(part)));
        }
    }

    fn guid(&mut self, is_call: bool, guid: &mut [u8; 16]) {
        let guid = Guid(*guid);
        if !guid.is_nil() {
            self.places += 1;
            *self.guids.entry(guid).or_insert(is_call) |= is_call;
        }
    }

    fn numbering(&mut self, node: &str, own: &str, object: &str) {
        let leads_on = matches!(object, "node" | "loc" | "trunk" | "gw");
        for number in [Some(node), leads_on.then_some(own)].into_iter().flatten() {
            if !number.is_empty() && !self.ahead.contains(number) {
                self.ahead.insert(number.to_owned());
            }
        }
    }
}

impl Survey {
    /// Whether there is room for more.
    pub(super) fn check(&self) -> Result<(), AnonymiseError> {
        let count = self.texts.len() + self.guids.len();
        if count > MAX_ORIGINALS { Err(AnonymiseError::TooMuch) } else { Ok(()) }
    }

    /// What stands for what, under this key or one that follows from it: one under which nothing
    /// stands for itself, and nothing that can be looked for is found again as a stand-in of
    /// something else. Where a site uses nearly all numbers of some length, the latter cannot be.
    /// Keys are tried from this turn on; the answer says which one it is.
    pub(super) fn texts(&self, key: &Key, from: u32) -> (Texts, u32) {
        let mut best: Option<((usize, usize), Texts, u32)> = None;
        for turn in from..from + MAX_TURNS {
            let mut texts = self.texts_under(key.turn(turn));
            let meetings = self.meetings(&mut texts);
            if best.as_ref().is_none_or(|(least, ..)| meetings < *least) {
                best = Some((meetings, texts, turn));
            }
            if meetings == (0, 0) {
                break;
            }
        }
        let first = || (self.texts_under(key.turn(from)), from);
        best.map_or_else(first, |(_, texts, turn)| (texts, turn))
    }

    fn texts_under(&self, key: Key) -> Texts {
        // Calls need no order; so they have the same stand-ins in every capture under one key.
        let ordered = self.guids.iter().filter(|(_, is_call)| !**is_call).map(|(guid, _)| *guid);
        let mut texts = Texts::new(key, &self.ahead, ordered);
        let (places, rest): (Vec<_>, Vec<_>) =
            self.texts.iter().partition(|(_, subject)| **subject == Subject::Authority);
        for (text, subject) in places.into_iter().chain(rest) {
            texts.stand_in(*subject, text);
        }
        texts
    }

    /// How many texts stand for themselves, and how many for others.
    fn meetings(&self, texts: &mut Texts) -> (usize, usize) {
        let (mut fixed, mut met) = (0, 0);
        for text in &self.parts {
            let other = texts.text(text);
            fixed += usize::from(other == *text);
            met += usize::from(other != *text && self.holds(&other));
        }
        (fixed, met)
    }

    /// Whether a text is one of those that must not be left.
    pub(super) fn holds(&self, text: &str) -> bool {
        self.parts.contains(text) && !self.words.contains(text)
    }
}

/// Whether a text is long enough to be looked for: shorter ones are found everywhere by chance.
pub(super) fn is_sought(text: &str) -> bool {
    const FEWEST: usize = 3;
    is_replaceable(text)
        && text.chars().filter(|c| super::alphabet::is_replaced(*c)).count() >= FEWEST
}

/// Whether a text is a number that stands for another one in a site that uses most numbers of its
/// length, so that finding it tells nothing.
pub(super) fn is_short_number(text: &str) -> bool {
    is_number(text) && text.chars().filter(char::is_ascii_digit).count() <= SHORT_DIGITS
}
