//! The lines as a list for people: who is who, what became of whom, what a name template would make
//! of them.

use super::homes::Member;
use super::register::Gone;
use super::{Estate, LineInput};
use crate::id::{Guid, LineId, PbxId, PermanentId};
use crate::subscriber::Subscriber;
use crate::view::Identity;
use std::collections::BTreeMap;

/// One line, or what is left of one.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Who it is, as applications read it. Of a line whose id was imported and whose user was not
    /// seen yet, only id and GUID are known.
    pub identity: &'a Identity,
    /// What the PBX said of its user last.
    pub subscriber: &'a Subscriber,
    /// Name of the PBX that its user is at home at; empty if that is not known.
    pub home: &'a str,
    /// Its user is at home there, rather than only known there.
    pub at_home: bool,
    /// Since when it is no more, and why; `None` for a line that is there.
    pub gone: Option<Gone>,
    /// Whether its name is what the template makes.
    pub name: NameUse,
}

/// Whether a name is what the template makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameUse {
    /// It is.
    Plain,
    /// The line with this id bears that one; here something was added.
    Shared(PermanentId),
}

/// What a line would be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Which line.
    pub line: LineId,
    /// The name.
    pub name: String,
    /// Whether it is what the template makes.
    pub name_use: NameUse,
}

impl Estate {
    /// All lines that there are or ever were, in the order of their numbers.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.members.iter().map(|member| self.entry(member))
    }

    /// What a PBX is called, whoever stands in for it: the name of its object, for a slave, or what it
    /// first said of itself; before that, where it is looked for. `None` if nothing is known of it.
    #[must_use]
    pub fn pbx_name(&self, pbx: PbxId) -> Option<&str> {
        let place = || self.tree.first_place(pbx).map(|place| &*place.authority);
        Some(self.tree.name(pbx)).filter(|name| !name.is_empty()).or_else(place)
    }

    fn entry<'a>(&'a self, member: &'a Member) -> Entry<'a> {
        let who = &member.subscriber;
        let known = if member.at_home { self.tree.name(member.home) } else { who.loc() };
        Entry {
            identity: &member.identity,
            subscriber: who,
            home: if known.is_empty() { self.tree.name(member.home) } else { known },
            at_home: member.at_home,
            gone: member.gone,
            name: self.name_use(member),
        }
    }

    fn name_use(&self, member: &Member) -> NameUse {
        let bearer = (member.rank > 0 && member.gone.is_none())
            .then(|| self.lookups.claims.bearer(member.first_choice()))
            .flatten()
            .and_then(|(_, guid)| self.lookups.with_guid(guid));
        bearer.map_or(NameUse::Plain, |line| {
            NameUse::Shared(self.members[line.0 as usize - 1].identity.permanent)
        })
    }

    /// The ids and whose they are, for the export.
    pub fn ids(&self) -> impl Iterator<Item = (Guid, PermanentId)> {
        self.members.iter().map(|member| (member.identity.guid, member.identity.permanent))
    }

    /// What the lines that are there would be called if this were the template. Nothing changes.
    #[must_use]
    pub fn preview(&self, template: &str) -> Vec<Preview> {
        let mut other = self.clone();
        let mut configuration = other.configuration.take().unwrap_or_default();
        configuration.name_template = template.into();
        other.configuration = Some(configuration);
        let renamed = other.rename(|member| member.gone.is_none());
        let names: BTreeMap<LineId, String> = renamed
            .into_iter()
            .filter_map(|(line, input)| match input {
                LineInput::Identity(identity) => Some((line, identity.name.to_text())),
                _ => None,
            })
            .collect();
        let there = other.members.iter().filter(|member| member.gone.is_none());
        let preview = |member: &Member| {
            let line = member.identity.line;
            let name = names.get(&line).cloned();
            let name = name.unwrap_or_else(|| member.identity.name.to_text());
            Preview { line, name, name_use: other.name_use(member) }
        };
        there.map(|member| preview(member)).collect()
    }
}
