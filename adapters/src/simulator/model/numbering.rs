//! Which digits lead where: numbers are read in the node of whoever dials them (the PBX's SOAP
//! reference, 4.4).
//!
//! A node may have an escape: then its users reach only each other by their digits, and everything
//! else with the escape before the number from the root. Without one, digits that nobody in the node
//! has are read from the root.

use super::leg::{Party, Target};
use super::object::{Object, ObjectId};
use super::{PbxModel, picture};
use engine::id::Guid;

/// Where digits or names lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// An object of this PBX.
    Object(ObjectId),
    /// Through a trunk to a number beyond it.
    External(ObjectId, String),
    /// To another PBX of the tree.
    Abroad(Abroad),
    /// More digits are needed.
    Incomplete,
    /// Nowhere.
    Unknown,
}

/// A destination at another PBX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Abroad {
    /// Which PBX.
    pub(super) pbx: String,
    /// What to ask it for.
    pub(super) whom: Whom,
    /// Who that is, if it is known here.
    pub(super) party: Option<Party>,
}

/// Whom another PBX is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whom {
    /// A user who is known here as one of that PBX.
    User(Guid),
    /// A number that nobody has here: its parent may know more.
    Number(Dialled),
}

/// Digits, and how they are to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Dialled {
    /// Number of the node that they are dialled in.
    node: String,
    /// What leads out of it; empty if nothing has to.
    escape: String,
    digits: String,
}

impl Dialled {
    /// The numbers from the root that these digits may be, what they mean first coming first.
    fn readings(&self) -> Vec<String> {
        let within = format!("{}{}", self.node, self.digits);
        match (&*self.escape, self.digits.strip_prefix(&*self.escape)) {
            ("", _) if self.node.is_empty() => vec![within],
            ("", _) => vec![within, self.digits.clone()],
            (_, Some(from_root)) => vec![from_root.to_owned()],
            (_, None) => vec![within],
        }
    }
}

impl PbxModel {
    /// Where a target leads when this object calls it.
    pub(super) fn find(&self, from: ObjectId, target: &Target) -> Destination {
        let found = match target {
            Target::ShortName(h323) => self.directory.short_named(h323),
            Target::LongName(cn) => self.directory.named(cn),
            Target::Number(number) => return self.find_number(&self.dialled(from, number)),
        };
        found.map_or(Destination::Unknown, |id| self.way_to(id))
    }

    /// The way to an object: it may be at home at another PBX.
    pub(super) fn way_to(&self, id: ObjectId) -> Destination {
        match self.directory.get(id) {
            Some(object) if !object.loc.is_empty() && object.loc != self.name => {
                Destination::Abroad(Abroad {
                    pbx: object.loc.clone(),
                    whom: Whom::User(object.guid),
                    party: Some(picture::party_of(object)),
                })
            }
            _ => Destination::Object(id),
        }
    }

    /// Where digits lead.
    pub(super) fn find_number(&self, dialled: &Dialled) -> Destination {
        let readings = dialled.readings();
        let trunk = || readings.iter().rev().find_map(|digits| self.directory.trunk_for(digits));
        if let Some((trunk, rest)) = trunk() {
            return match rest {
                "" => Destination::Incomplete,
                rest => Destination::External(trunk, rest.into()),
            };
        }
        let begins = || readings.iter().any(|digits| self.directory.begins_a_number(digits));
        let callable = |id: &ObjectId| !self.directory.get(*id).is_none_or(Object::is_node);
        let reached = |digits: &String| self.directory.numbered(digits).filter(callable);
        match readings.iter().find_map(reached) {
            Some(id) => self.way_to(id),
            None if dialled.digits.is_empty() || begins() => Destination::Incomplete,
            None => match &self.parent {
                Some(parent) => Destination::Abroad(Abroad {
                    pbx: parent.clone(),
                    whom: Whom::Number(dialled.clone()),
                    party: None,
                }),
                None => Destination::Unknown,
            },
        }
    }

    /// What this object means by digits.
    fn dialled(&self, from: ObjectId, digits: &str) -> Dialled {
        let digits = digits.to_owned();
        let Some(object) = self.directory.get(from) else {
            return Dialled { digits, ..Dialled::default() };
        };
        Dialled { node: object.nodenum.clone(), escape: self.escape_of(object).into(), digits }
    }

    /// What users of the node of an object dial before numbers from the root.
    fn escape_of(&self, object: &Object) -> &str {
        let named =
            |name: &str| self.directory.named(name).or_else(|| self.directory.short_named(name));
        let node = named(&object.node).and_then(|id| self.directory.get(id));
        node.map_or("", |node| node.escape.as_str())
    }

    /// `UserLocalNum`: what this user dials to reach a number counted from the root.
    pub(super) fn local_number(&self, user: ObjectId, number: &str) -> String {
        let Some(object) = self.directory.get(user) else { return number.to_owned() };
        match number.strip_prefix(&*object.nodenum) {
            Some(within) => within.to_owned(),
            None => format!("{}{number}", self.escape_of(object)),
        }
    }

    /// What a user dials at the phone to reach a number counted from the root; the number itself, if
    /// nobody has this extension.
    #[must_use]
    pub fn dials(&self, ext: &str, number: &str) -> String {
        let user = self.directory.numbered(ext);
        user.map_or_else(|| number.to_owned(), |user| self.local_number(user, number))
    }

    /// What an object dials to reach a party.
    pub(super) fn number_for(&self, user: ObjectId, party: &Party) -> String {
        let same_node =
            || self.directory.get(user).is_none_or(|object| object.nodenum == party.node);
        if party.e164.is_empty() || same_node() {
            return party.e164.clone();
        }
        self.local_number(user, &format!("{}{}", party.node, party.e164))
    }
}
