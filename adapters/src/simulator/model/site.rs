//! What the other PBXs of a site mean to this one: where slaves are registered, users that are at
//! home elsewhere or come home, and phones that turn to a standby and back.

use super::PbxModel;
use super::leg::{Leg, LegId};
use super::object::{Object, ObjectId};
use super::session::Session;
use crate::simulator::estate::Location;
use engine::id::Guid;
use engine::time::Millis;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A user or another object on its way from one PBX to another.
#[derive(Clone)]
pub struct Replica(Object);

impl Replica {
    /// Its identity.
    #[must_use]
    pub fn guid(&self) -> Guid {
        self.0.guid
    }
}

/// Thirty thousand years.
const FOR_GOOD_MS: u64 = 1 << 50;

impl PbxModel {
    /// It is switched off: connections break, nobody answers, sessions are forgotten. Calls go on
    /// between phones, as far as it is known here.
    pub fn switch_off(&mut self, now: Millis) {
        self.reboot(now, FOR_GOOD_MS, false);
    }

    /// It is switched on again.
    pub fn switch_on(&mut self, now: Millis) {
        self.advance(now);
        self.down_until = None;
    }

    /// The name it goes by, its `Location`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A slave registers here, from that address, or is not registered any more.
    pub fn set_location(&mut self, name: &str, url: Option<&str>) {
        let registered = url.is_some();
        let mut moved = false;
        match self.locations.iter_mut().find(|location| location.name == name) {
            Some(known) => {
                known.registered = registered;
                if let Some(url) = url {
                    moved = known.url != url;
                    url.clone_into(&mut known.url);
                }
            }
            None => self.locations.push(Location {
                name: name.to_owned(),
                url: url.unwrap_or_default().to_owned(),
                tls_url: None,
                registered,
            }),
        }
        let Some(id) = self.directory.short_named(name) else { return };
        if moved {
            // Another box, another registration.
            self.register(id, false);
        }
        self.register(id, registered);
    }

    /// The object of a user, to be taken to another PBX.
    #[must_use]
    pub fn replica(&self, guid: Guid) -> Option<Replica> {
        let (_, object) = self.directory.iter().find(|(_, object)| object.guid == guid)?;
        Some(Replica(object.clone()))
    }

    /// Who is at home here under that extension.
    #[must_use]
    pub fn resident(&self, ext: &str) -> Option<Guid> {
        let object = self.directory.get(self.directory.numbered(ext)?)?;
        (object.loc.is_empty() && object.is_phone()).then_some(object.guid)
    }

    /// A user is at home at the PBX of that name from now on, empty for this one. Registered is
    /// where the phone is, so only at home; at a standby nowhere.
    pub fn house(&mut self, replica: &Replica, loc: &str, registered: bool) {
        let known = self.known(replica.0.guid);
        let id = known.unwrap_or_else(|| {
            let object = Object { told: (0, 0), registered: false, ..replica.0.clone() };
            self.directory.add(object)
        });
        if let Some(object) = self.directory.get_mut(id) {
            loc.clone_into(&mut object.loc);
            object.registered = registered;
        }
        if !registered {
            self.forget_calls_at(id);
        }
        self.tell_object(id, true);
        self.settle();
    }

    /// A user is not known here any more.
    pub fn evict(&mut self, guid: Guid) {
        let Some(id) = self.known(guid) else { return };
        self.forget_calls_at(id);
        self.settle();
        self.tell_object_gone(id);
        self.directory.remove(id);
    }

    /// Where it is in the tree of PBXs: the one that it asks for numbers that nobody has here.
    pub fn set_parent(&mut self, parent: Option<&str>) {
        self.parent = parent.map(str::to_owned);
    }

    /// The PBXs that calls can go to from now on.
    pub fn set_within_reach(&mut self, names: &Arc<BTreeSet<String>>) {
        self.within_reach = Arc::clone(names);
    }

    /// It stands by for another PBX from now on, or serves in its place.
    pub fn set_standing_by(&mut self, stands_by: bool) {
        self.stands_by = stands_by;
    }

    /// The phones of another PBX, whose objects are the same, turn to this one, with their calls.
    /// Who monitors them here hears of these as of calls that run already.
    pub fn take_over(&mut self, other: &PbxModel) {
        let phones = other.directory.iter().filter(|(_, object)| object.loc.is_empty());
        let registered: Vec<(Guid, bool)> =
            phones.map(|(_, object)| (object.guid, object.registered)).collect();
        // Nobody was told what became of the calls that they left with: who heard of those cannot be
        // told of others as if nothing had been.
        let is_left = |(_, session): &(&u32, &Session)| session.is_left;
        let left: Vec<u32> = self.sessions.iter().filter(is_left).map(|(id, _)| *id).collect();
        left.into_iter().for_each(|session| self.drop_session(session));
        self.lose_legs();
        for (_, leg) in other.legs.iter() {
            if leg.wire.is_some() {
                self.legs.add(leg.clone());
                continue;
            }
            let guid = other.directory.get(leg.object).map(|object| object.guid);
            if let Some(object) = guid.and_then(|guid| self.known(guid)) {
                self.legs.add(Leg { object, ..leg.clone() });
            }
        }
        for (guid, registered) in registered {
            if let Some(id) = self.known(guid) {
                self.register(id, registered);
            }
        }
        self.leave_lonely();
        // Sessions that were here before the phones hear of their calls as of any others.
        let here = |(_, leg): &(LegId, &Leg)| leg.wire.is_none();
        let legs: Vec<LegId> = self.legs.iter().filter(here).map(|(id, _)| id).collect();
        legs.into_iter().for_each(|id| self.tell(id, "update"));
        self.settle();
    }

    /// The phones turn away, and take their calls with them: nobody is told of the end of these.
    pub fn give_back(&mut self) {
        self.lose_legs();
        self.sessions.values_mut().for_each(|session| session.is_left = true);
        let phones: Vec<ObjectId> = self
            .directory
            .iter()
            .filter(|(_, object)| object.loc.is_empty() && object.object != "loc")
            .map(|(id, _)| id)
            .collect();
        phones.into_iter().for_each(|id| self.register(id, false));
        self.settle();
    }

    /// All calls are gone, and nobody is told. Later ones have other names.
    fn lose_legs(&mut self) {
        self.legs.clear();
        self.handles.forget_all_calls();
    }

    fn register(&mut self, id: ObjectId, registered: bool) {
        let Some(object) = self.directory.get_mut(id) else { return };
        if std::mem::replace(&mut object.registered, registered) != registered {
            self.tell_object(id, false);
        }
    }

    fn forget_calls_at(&mut self, id: ObjectId) {
        for leg in self.legs.at(id).map(|(leg, _)| leg).collect::<Vec<_>>() {
            self.clear_call(leg, 27);
        }
    }

    pub(super) fn known(&self, guid: Guid) -> Option<ObjectId> {
        self.directory.iter().find(|(_, object)| object.guid == guid).map(|(id, _)| id)
    }
}
