//! The truth, for people and tests to look at.

use super::PbxModel;
use super::leg::{LegId, Party, Phase, Side};
use super::object::{Object, ObjectId};
use engine::id::Guid;
use std::collections::BTreeMap;

/// An object with a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedUser {
    /// Number from the root of the numbering: its node's, and its extension.
    pub ext: String,
    /// Extension within its node.
    pub extension: String,
    /// Long name.
    pub cn: String,
    /// Display name.
    pub dn: String,
    /// Short name.
    pub h323: String,
    /// Identity.
    pub guid: Guid,
    /// The PBX that it is at home at, if that is another one.
    pub loc: String,
    /// Whether a phone is registered.
    pub registered: bool,
    /// Number of calls.
    pub calls: u32,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedCall {
    /// Its GUID.
    pub conf: Guid,
    /// Its legs, oldest first.
    pub legs: Vec<ListedLeg>,
    /// Name and number of the party beyond a trunk, if there is one.
    pub external: Option<(String, String)>,
}

/// A leg of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedLeg {
    /// Which one, for as long as it lasts: it stays the same when its call changes.
    pub id: u32,
    /// Extension of the object it is at.
    pub ext: String,
    /// What its user dials for whoever is at the other end.
    pub peer: String,
    /// State bits as in `CallInfo`.
    pub state: u32,
    /// How far it has come.
    pub phase: Phase,
    /// It is at the end of the call where that began; the others are where it went.
    pub is_of_caller: bool,
    /// Number of the party at the other end, as this end is shown it; empty if it is shown none.
    pub shown_peer: String,
    /// Handles given out for it: session number and call handle.
    pub handles: Vec<(u32, u32)>,
}

impl PbxModel {
    /// All objects that can be called by a number.
    #[must_use]
    pub fn users(&self) -> Vec<ListedUser> {
        let callable = |object: &Object| !object.e164.is_empty() && !object.is_node();
        let numbered = self.directory.iter().filter(|(_, object)| callable(object));
        numbered
            .map(|(id, object)| ListedUser {
                ext: object.full_number(),
                extension: object.e164.clone(),
                cn: object.cn.clone(),
                dn: object.dn.clone(),
                h323: object.h323.clone(),
                guid: object.guid,
                loc: object.loc.clone(),
                registered: object.registered,
                calls: self.counters(id).0,
            })
            .collect()
    }

    /// All calls.
    #[must_use]
    pub fn calls(&self) -> Vec<ListedCall> {
        let mut calls: BTreeMap<Guid, ListedCall> = BTreeMap::new();
        for (id, leg) in self.legs.iter().filter(|(_, leg)| leg.wire.is_none()) {
            let call = calls.entry(leg.conf).or_insert_with(|| ListedCall {
                conf: leg.conf,
                legs: Vec::new(),
                external: None,
            });
            let handles = self.handles.of_leg(id);
            let shown = |peer: &Party| self.number_for(leg.object, peer);
            call.legs.push(ListedLeg {
                id: id.0,
                ext: self.number_of(leg.object),
                peer: self.opposite_number(id, leg.object),
                state: leg.state(),
                phase: leg.phase,
                is_of_caller: leg.side == Side::A,
                shown_peer: leg.peer.as_ref().map_or_else(String::new, shown),
                handles: handles.iter().map(|(handle, session)| (*session, handle.0)).collect(),
            });
            if let Some(external) = &leg.external {
                call.external = Some((external.dn.clone(), external.e164.clone()));
            }
        }
        calls.into_values().collect()
    }

    fn opposite_number(&self, id: LegId, object: ObjectId) -> String {
        let opposite = self.legs.opposite(id).first().copied();
        opposite.map_or_else(String::new, |far| self.number_for(object, &self.party(far)))
    }

    pub(super) fn number_of(&self, id: ObjectId) -> String {
        self.directory.get(id).map_or_else(String::new, super::object::Object::full_number)
    }
}
