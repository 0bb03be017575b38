//! The objects of a PBX and how they are found: by name, by number, by group.

use super::record::Record;
use crate::simulator::estate::{Device, Estate, User};
use crate::soap::types::Presence;
use engine::id::Guid;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// An object, by the model's own count. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectId(pub u32);

/// A user, a trunk, another PBX: anything with a name.
#[derive(Clone)]
pub(super) struct Object {
    pub(super) guid: Guid,
    pub(super) cn: String,
    pub(super) dn: String,
    pub(super) h323: String,
    pub(super) e164: String,
    pub(super) password: Option<String>,
    pub(super) kind: String,
    pub(super) object: String,
    pub(super) groups: BTreeMap<String, bool>,
    pub(super) devices: Vec<Device>,
    pub(super) registered: bool,
    pub(super) loc: String,
    pub(super) node: String,
    pub(super) nodenum: String,
    /// Of a node: what its users dial before numbers from the root.
    pub(super) escape: String,
    pub(super) hidden: bool,
    pub(super) presence: Option<Presence>,
    /// The rest of its configuration.
    pub(super) record: Record,
    /// Calls to it fail with cause 17.
    pub(super) busy: bool,
    /// `UserCall` by it returns 0.
    pub(super) refuses: bool,
    /// Requests for it are never acted upon.
    pub(super) silent: bool,
    /// Its phone rings as soon as a call is offered.
    pub(super) auto_alert: bool,
    /// Counters as last told: current calls, alerting ones.
    pub(super) told: (u32, u32),
}

impl Object {
    pub(super) fn new(user: &User) -> Object {
        let passive = user.groups.iter().map(|group| (group.clone(), false));
        let active = user.active_groups.iter().map(|group| (group.clone(), true));
        let mut object = Object {
            guid: user.identity(),
            cn: user.cn.clone(),
            dn: user.display_name(),
            h323: user.short_name(),
            e164: user.e164.clone(),
            password: user.password.clone(),
            kind: user.kind.clone(),
            object: user.object.clone(),
            groups: passive.chain(active).collect(),
            devices: user.devices.clone(),
            registered: user.registered,
            loc: user.loc.clone(),
            node: user.node.clone(),
            nodenum: user.nodenum.clone(),
            escape: user.escape.clone(),
            hidden: user.hidden,
            presence: None,
            record: Record::default(),
            busy: false,
            refuses: false,
            silent: false,
            auto_alert: true,
            told: (0, 0),
        };
        // What is behind a trunk rings when the control says so.
        object.auto_alert = !object.is_trunk();
        object
    }

    /// Whether calls through it leave the PBX.
    pub(super) fn is_trunk(&self) -> bool {
        matches!(self.object.as_str(), "trunk" | "gw")
    }

    /// Whether it only stands for digits that numbers begin with.
    pub(super) fn is_node(&self) -> bool {
        self.object == "node"
    }

    /// Whether a person with one pair of ears is behind it.
    pub(super) fn is_phone(&self) -> bool {
        self.object.is_empty()
    }

    /// Its number from the root of the numbering.
    pub(super) fn full_number(&self) -> String {
        format!("{}{}", self.nodenum, self.e164)
    }

    /// The place of a device among its devices.
    pub(super) fn device(&self, hw: &str) -> Option<usize> {
        self.devices.iter().position(|device| device.hw == hw)
    }
}

/// All objects, with the ways to find them.
#[derive(Clone, Default)]
pub(super) struct Directory {
    all: BTreeMap<ObjectId, Object>,
    by_cn: BTreeMap<String, ObjectId>,
    by_h323: BTreeMap<String, ObjectId>,
    by_number: BTreeMap<String, ObjectId>,
    members: BTreeMap<String, BTreeSet<ObjectId>>,
    last: u32,
}

impl Directory {
    pub(super) fn new(estate: &Estate) -> Directory {
        let mut directory = Directory::default();
        for user in &estate.users {
            directory.add(Object::new(user));
        }
        directory
    }

    pub(super) fn add(&mut self, object: Object) -> ObjectId {
        self.last += 1;
        let id = ObjectId(self.last);
        self.by_cn.insert(object.cn.clone(), id);
        self.by_h323.insert(object.h323.clone(), id);
        if !object.e164.is_empty() {
            self.by_number.insert(object.full_number(), id);
        }
        for group in object.groups.keys() {
            self.members.entry(group.clone()).or_default().insert(id);
        }
        self.all.insert(id, object);
        id
    }

    pub(super) fn remove(&mut self, id: ObjectId) {
        let Some(object) = self.all.remove(&id) else { return };
        self.by_cn.remove(&object.cn);
        self.by_h323.remove(&object.h323);
        self.by_number.remove(&object.full_number());
        for members in self.members.values_mut() {
            members.remove(&id);
        }
    }

    pub(super) fn rename(&mut self, id: ObjectId, cn: &str) {
        let Some(object) = self.all.get_mut(&id) else { return };
        self.by_cn.remove(&object.cn);
        if object.dn == object.cn {
            object.dn = cn.into();
        }
        object.cn = cn.into();
        self.by_cn.insert(cn.into(), id);
    }

    pub(super) fn get(&self, id: ObjectId) -> Option<&Object> {
        self.all.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: ObjectId) -> Option<&mut Object> {
        self.all.get_mut(&id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ObjectId, &Object)> {
        self.all.iter().map(|(id, object)| (*id, object))
    }

    pub(super) fn named(&self, cn: &str) -> Option<ObjectId> {
        self.by_cn.get(cn).copied()
    }

    pub(super) fn short_named(&self, h323: &str) -> Option<ObjectId> {
        self.by_h323.get(h323).copied()
    }

    pub(super) fn numbered(&self, number: &str) -> Option<ObjectId> {
        self.by_number.get(number).copied()
    }

    /// Whether some number begins with these digits and goes on.
    pub(super) fn begins_a_number(&self, digits: &str) -> bool {
        let longer = (Bound::Excluded(digits.to_owned()), Bound::Unbounded);
        self.by_number.range(longer).next().is_some_and(|(number, _)| number.starts_with(digits))
    }

    /// The trunk whose number these digits begin with, and what remains to be dialled there.
    pub(super) fn trunk_for<'d>(&self, digits: &'d str) -> Option<(ObjectId, &'d str)> {
        (1..=digits.len()).filter(|end| digits.is_char_boundary(*end)).find_map(|end| {
            let id = self.numbered(&digits[..end])?;
            self.all.get(&id)?.is_trunk().then(|| (id, &digits[end..]))
        })
    }

    /// Some trunk: the one that external callers come in by.
    pub(super) fn any_trunk(&self) -> Option<ObjectId> {
        self.iter().find(|(_, object)| object.is_trunk()).map(|(id, _)| id)
    }

    /// Whether `observer` may see `other`: itself, and the members of the groups that it is an
    /// active member of.
    pub(super) fn sees(&self, observer: ObjectId, other: ObjectId) -> bool {
        let (Some(from), Some(to)) = (self.get(observer), self.get(other)) else { return false };
        observer == other
            || from.groups.iter().any(|(name, active)| *active && to.groups.contains_key(name))
    }

    /// All that `observer` sees, itself first.
    pub(super) fn scope(&self, observer: ObjectId) -> Vec<ObjectId> {
        let Some(object) = self.get(observer) else { return Vec::new() };
        let mut others = BTreeSet::new();
        for (group, active) in &object.groups {
            if *active && let Some(members) = self.members.get(group) {
                others.extend(members.iter().copied());
            }
        }
        others.remove(&observer);
        std::iter::once(observer).chain(others).collect()
    }

    /// The members of a group.
    pub(super) fn members(&self, group: &str) -> impl Iterator<Item = ObjectId> {
        self.members.get(group).into_iter().flatten().copied()
    }

    /// Objects in the order of their long names, from a starting point on.
    pub(super) fn names_from(&self, start: &str) -> impl Iterator<Item = (&str, ObjectId)> {
        from(&self.by_cn, start)
    }

    /// The same by short names.
    pub(super) fn short_names_from(&self, start: &str) -> impl Iterator<Item = (&str, ObjectId)> {
        from(&self.by_h323, start)
    }

    /// The same by numbers.
    pub(super) fn numbers_from(&self, start: &str) -> impl Iterator<Item = (&str, ObjectId)> {
        from(&self.by_number, start)
    }
}

fn from<'m>(
    map: &'m BTreeMap<String, ObjectId>,
    start: &str,
) -> impl Iterator<Item = (&'m str, ObjectId)> {
    map.range(start.to_owned()..).map(|(key, id)| (key.as_str(), *id))
}
