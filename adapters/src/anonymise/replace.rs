//! Records and states with other texts in them.

use super::survey::Survey;
use super::table::{self, Secret, Subject, Visitor};
use super::texts::Texts;
use super::tree::{NoTree, tree_of, value_of};
use engine::core::Core;
use engine::fact::{Command, Event, HostFact, PbxFact, Record};
use engine::id::{CallId, Guid};
use engine::snapshot::Place;
use std::collections::BTreeMap;

/// Replaces what may not leave the house.
pub(super) struct Replacing {
    texts: Texts,
    /// Checksums of Long Names.
    sums: BTreeMap<u32, u32>,
    /// What was dialled so far, of calls that are dialled piece by piece.
    dialled: BTreeMap<CallId, String>,
}

impl Replacing {
    pub(super) fn new(survey: &Survey, texts: Texts) -> Replacing {
        let sum = |text: &str| crc32fast::hash(text.as_bytes());
        let names = survey.texts.iter().filter(|(_, subject)| **subject == Subject::Text);
        let mut texts = texts;
        let sums = names.map(|(text, _)| (sum(text), sum(&texts.text(text)))).collect();
        Replacing { texts, sums, dialled: BTreeMap::new() }
    }

    /// A record with other texts in it.
    pub(super) fn record(&mut self, record: &Record) -> Result<Record, NoTree> {
        if matches!(record.event, Event::Told(_) | Event::Due(_)) {
            // A callback has no texts in it, and so neither has its checksum.
            return Ok(record.clone());
        }
        let digits = self.more_digits(&record.event);
        let guid = guid_of_name(&record.event);
        let mut tree = tree_of(record)?;
        table::visit(&mut tree, self);
        let mut other: Record = value_of(tree)?;
        match &mut other.event {
            Event::App(_, _, _, Command::Dial { number, .. }) => {
                *number = digits.unwrap_or_default().as_str().into();
            }
            Event::Pbx(_, _, PbxFact::User(user)) => {
                // Without a GUID the name decides who somebody is. What stands for the name would
                // come in another place in the order of GUIDs.
                user.guid = guid.map_or(user.guid, |guid| self.texts.guid(guid));
            }
            _ => {}
        }
        Ok(other)
    }

    /// A state with other texts in it.
    pub(super) fn state(&mut self, core: &Core, place: Place) -> Result<Core, NoTree> {
        let mut tree = tree_of(core)?;
        table::visit(&mut tree, self);
        let core: Core = value_of(tree)?;
        Ok(core.with_other_texts(place.last_at))
    }

    /// What stands for further digits of a call, which are part of a number.
    fn more_digits(&mut self, event: &Event) -> Option<String> {
        if *event == Event::Host(HostFact::Started) {
            self.dialled.clear();
        }
        let Event::App(_, _, _, command) = event else { return None };
        match command {
            Command::Dial { call, number } => {
                let before = self.dialled.entry(*call).or_default();
                let digits = self.texts.more(before, number.text());
                before.push_str(number.text());
                Some(digits)
            }
            Command::MakeCall { call, number, .. } => {
                self.dialled.insert(*call, number.text().to_owned());
                None
            }
            Command::SetupTransfer { consultation, .. }
            | Command::SetupConference { consultation, .. }
            | Command::PrepareAddToConference { consultation, .. } => {
                self.dialled.insert(consultation.call, consultation.number.text().to_owned());
                None
            }
            _ => None,
        }
    }
}

/// The GUID that the engine makes of a Long Name where a PBX gives none.
pub(super) fn guid_of_name(event: &Event) -> Option<Guid> {
    match event {
        Event::Pbx(_, _, PbxFact::User(user)) if user.guid.is_nil() && !user.cn.is_empty() => {
            Some(Guid::read(user.cn.text()))
        }
        _ => None,
    }
}

impl Visitor for Replacing {
    fn text(&mut self, subject: Subject, text: &mut String) {
        *text = self.texts.stand_in(subject, text);
    }

    fn guid(&mut self, _: bool, guid: &mut [u8; 16]) {
        *guid = self.texts.guid(Guid(*guid)).0;
    }

    fn secret(&mut self, secret: Secret, number: &mut u64) {
        // All of them are numbers of 32 bits.
        let before = *number as u32;
        *number = match secret {
            Secret::Print => self.texts.secret(b"print", before),
            Secret::NameSum => {
                let known = self.sums.get(&before).copied();
                known.unwrap_or_else(|| self.texts.secret(b"name", before))
            }
            // Numbers of calls are checksums of random GUIDs, and only have to differ.
            Secret::Derived => before,
        }
        .into();
    }
}
