//! How calls come about: dialling, finding the way, ringing, answering.

use super::leg::{Leg, LegId, Party, Phase, Side, Target};
use super::numbering::Destination;
use super::object::ObjectId;
use super::{PbxModel, picture};
use crate::simulator::switches::MultiLeg;

/// Causes of calls that come to nothing.
pub(super) const UNALLOCATED: u8 = 1;
pub(super) const NORMAL: u8 = 16;
pub(super) const BUSY: u8 = 17;
pub(super) const ABSENT: u8 = 20;
pub(super) const ELSEWHERE: u8 = 26;
pub(super) const OUT_OF_ORDER: u8 = 27;

impl PbxModel {
    /// A new leg for a phone that is about to call. Nobody is told of it yet.
    pub(super) fn lift(
        &mut self,
        object: ObjectId,
        device: Option<usize>,
        alias: Option<Party>,
    ) -> LegId {
        let mut leg = Leg::new(self.random.guid(), Side::A, object);
        leg.device = device;
        leg.alias = alias;
        self.legs.add(leg)
    }

    /// The phone dials. Its other call, if it is talking, is put on hold.
    pub(super) fn dial(&mut self, id: LegId, target: &Target) {
        let Some(leg) = self.legs.get(id) else { return };
        self.rest_others(leg.object, leg.device, Some(id));
        self.tell(id, "x-setup");
        self.pursue(id, target);
    }

    /// The PBX calls the phone first; it goes on to the target when the phone was answered.
    pub(super) fn call_back(&mut self, id: LegId, target: Target) {
        let Some(object) = self.legs.get(id).map(|leg| leg.object) else { return };
        let peer = self.party_at(&self.find(object, &target));
        if let Some(leg) = self.legs.get_mut(id) {
            leg.called = true;
            leg.peer = peer;
            leg.then = Some(target);
        }
        self.tell(id, "r-setup");
        self.ring_by_itself(id);
    }

    /// Further digits of an incomplete number.
    pub(super) fn dial_on(&mut self, id: LegId, digits: &str) {
        let Some(leg) = self.legs.get(id) else { return };
        if leg.called || leg.phase > Phase::SetupAck {
            return;
        }
        let number = format!("{}{digits}", leg.dialled);
        self.pursue(id, &Target::Number(number));
    }

    /// An external caller comes in by a trunk.
    pub(super) fn come_in(&mut self, trunk: ObjectId, caller: Party, to: ObjectId) {
        let mut leg = Leg::new(self.random.guid(), Side::A, trunk);
        leg.external = Some(caller);
        let id = self.legs.add(leg);
        self.tell(id, "x-setup");
        self.proceed(id, &self.way_to(to));
    }

    /// Takes a caller's leg as far as its digits or names lead.
    fn pursue(&mut self, id: LegId, target: &Target) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        if let Target::Number(number) = target {
            leg.dialled.clone_from(number);
        }
        let object = leg.object;
        match self.find(object, target) {
            Destination::Incomplete => {
                self.set_phase(id, Phase::SetupAck);
                self.tell(id, "r-setup-ack");
            }
            Destination::Unknown => self.fail(id, UNALLOCATED),
            found => self.proceed(id, &found),
        }
    }

    /// The number is complete: on to the destination.
    pub(super) fn proceed(&mut self, id: LegId, dialled: &Destination) {
        let destination = &self.diverted(id, dialled.clone());
        let peer = self.party_at(destination);
        if let Some(leg) = self.legs.get_mut(id) {
            let is_other = leg.peer != peer;
            leg.peer = peer;
            if leg.phase < Phase::Proceeding {
                leg.phase = Phase::Proceeding;
                self.tell(id, "r-call-proc");
            } else if leg.phase == Phase::Connected && is_other {
                // The phone was called first, and its call is diverted only now.
                self.tell(id, "update");
            }
        }
        match self.obstacle(destination) {
            Some(cause) => self.fail(id, cause),
            None => {
                let offered = self.offer(id, destination);
                self.ring_all(&offered);
            }
        }
    }

    /// What keeps a call from being offered there.
    pub(super) fn obstacle(&self, destination: &Destination) -> Option<u8> {
        let id = match destination {
            Destination::Object(id) | Destination::External(id, _) => *id,
            Destination::Abroad(abroad) => {
                return (!self.within_reach.contains(&abroad.pbx)).then_some(OUT_OF_ORDER);
            }
            Destination::Incomplete | Destination::Unknown => return Some(UNALLOCATED),
        };
        let object = self.directory.get(id)?;
        match () {
            () if object.busy => Some(BUSY),
            () if !object.registered => Some(ABSENT),
            () => None,
        }
    }

    /// Offers the call of a leg to a destination: new legs on the other side, told but not ringing.
    pub(super) fn offer(&mut self, from: LegId, destination: &Destination) -> Vec<LegId> {
        let Some(leg) = self.legs.get(from).cloned() else { return Vec::new() };
        let (to, external) = match destination {
            Destination::Object(to) => (*to, None),
            Destination::External(to, _) => (*to, self.party_at(destination)),
            Destination::Abroad(abroad) => return vec![self.offer_abroad(from, &leg, abroad)],
            Destination::Incomplete | Destination::Unknown => return Vec::new(),
        };
        let devices = self.directory.get(to).map_or(0, |object| object.devices.len());
        let one_each = self.switches.multi_leg == MultiLeg::PerDevice && devices > 1;
        let places: Vec<Option<usize>> =
            if one_each { (0..devices).map(Some).collect() } else { vec![None] };
        let caller = self.party(from);
        let mut offered = Vec::new();
        for device in places {
            let mut new = Leg::offered(&leg, caller.clone(), to);
            new.device = device;
            new.external.clone_from(&external);
            let id = self.legs.add(new);
            self.tell(id, "r-setup");
            offered.push(id);
        }
        offered
    }

    /// Lets the phones ring that do so by themselves.
    pub(super) fn ring_all(&mut self, offered: &[LegId]) {
        for id in offered {
            self.ring_by_itself(*id);
        }
    }

    fn ring_by_itself(&mut self, id: LegId) {
        let object = self.legs.get(id).and_then(|leg| self.directory.get(leg.object));
        if object.is_some_and(|object| object.auto_alert) {
            self.alert(id);
        }
    }

    /// A called phone rings.
    pub(super) fn alert(&mut self, id: LegId) {
        if !self.legs.get(id).is_some_and(|leg| leg.called && leg.phase < Phase::Alerting) {
            return;
        }
        self.set_phase(id, Phase::Alerting);
        self.note_ringing(id);
        self.tell(id, "x-alert");
        for other in self.legs.opposite(id) {
            if self.legs.get(other).is_some_and(|leg| leg.phase < Phase::Alerting) {
                self.set_phase(other, Phase::Alerting);
                self.tell(other, "r-alert");
            }
        }
    }

    /// A called phone is answered, at this device if it is known.
    pub(super) fn connect(&mut self, id: LegId, device: Option<usize>) {
        let Some(leg) = self.legs.get(id).filter(|leg| leg.is_ringing()) else { return };
        let (object, then) = (leg.object, leg.then.clone());
        self.rest_others(object, device, Some(id));
        self.settle_on_device(id, device);
        for sibling in self.legs.siblings(id) {
            self.release(sibling, "r-rel", ELSEWHERE);
        }
        self.set_phase(id, Phase::Connected);
        self.tell(id, "x-conn");
        if let Some(target) = then {
            return self.go_on(id, object, &target);
        }
        let party = self.party(id);
        for other in self.legs.opposite(id) {
            if let Some(leg) = self.legs.get_mut(other) {
                leg.phase = Phase::Connected;
                // A phone that the PBX had called first is the caller now that they are joined.
                leg.called &= leg.then.take().is_none();
                leg.peer = Some(party.clone());
            }
            self.tell(other, "r-conn");
        }
    }

    /// The phone that the PBX called first was answered: on to the destination.
    fn go_on(&mut self, id: LegId, object: ObjectId, target: &Target) {
        match self.find(object, target) {
            Destination::Incomplete | Destination::Unknown => self.fail(id, UNALLOCATED),
            found => self.proceed(id, &found),
        }
    }

    /// A leg that rang at any device goes on at one; who watches only others hears no more of it.
    fn settle_on_device(&mut self, id: LegId, device: Option<usize>) {
        let before = self.audience(id);
        let Some(leg) = self.legs.get(id) else { return };
        if leg.device.is_some() {
            return;
        }
        let devices = self.directory.get(leg.object).map_or(0, |object| object.devices.len());
        let device = device.or_else(|| (devices > 0).then_some(0));
        let outside: Vec<_> = before
            .into_iter()
            .filter(|(session, user)| {
                let monitor = self.sessions.get(session).and_then(|s| s.monitor(*user));
                !monitor.is_some_and(|monitor| monitor.hears(device))
            })
            .collect();
        for (session, user) in outside {
            self.tell_del(session, Some(user), id);
        }
        if let Some(leg) = self.legs.get_mut(id) {
            leg.device = device;
        }
    }

    /// Puts the calls on hold that a phone is talking on, but for one.
    pub(super) fn rest_others(
        &mut self,
        object: ObjectId,
        device: Option<usize>,
        except: Option<LegId>,
    ) {
        if !self.directory.get(object).is_some_and(super::object::Object::is_phone) {
            return;
        }
        let device = device.unwrap_or(0);
        let talking: Vec<LegId> = self
            .legs
            .at(object)
            .filter(|(id, leg)| {
                Some(*id) != except
                    && leg.phase == Phase::Connected
                    && !leg.held
                    && leg.device.unwrap_or(0) == device
            })
            .map(|(id, _)| id)
            .collect();
        for id in talking {
            self.hold(id);
        }
    }

    // ---- parties ---------------------------------------------------------------------------

    /// How the party at a destination is named.
    pub(super) fn party_at(&self, destination: &Destination) -> Option<Party> {
        match destination {
            Destination::Object(id) => self.directory.get(*id).map(picture::party_of),
            Destination::External(trunk, number) => {
                let prefix = self.directory.get(*trunk)?.full_number();
                Some(Party { e164: format!("{prefix}{number}"), ..Party::default() })
            }
            Destination::Abroad(abroad) => abroad.party.clone(),
            Destination::Incomplete | Destination::Unknown => None,
        }
    }

    /// How the party of a leg is named to the other side.
    pub(super) fn party(&self, id: LegId) -> Party {
        let Some(leg) = self.legs.get(id) else { return Party::default() };
        let by_object = || self.directory.get(leg.object).map(picture::party_of);
        leg.external.clone().or_else(|| leg.alias.clone()).or_else(by_object).unwrap_or_default()
    }

    pub(super) fn set_phase(&mut self, id: LegId, phase: Phase) {
        if let Some(leg) = self.legs.get_mut(id) {
            leg.phase = phase;
        }
    }
}
