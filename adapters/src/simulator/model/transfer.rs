//! Sending calls elsewhere: redirection, transfer, pickup, park.

use super::PbxModel;
use super::leg::{Leg, LegId, Phase, Target};
use super::numbering::Destination;
use super::object::ObjectId;
use super::setup::ELSEWHERE;
use crate::simulator::switches::{CtState, TransferOrder};

impl PbxModel {
    /// Blind transfer of a connected call, or deflection of a ringing one; with `obey`, diversions
    /// of the destination apply. Says whether it was taken.
    pub(super) fn redirect(&mut self, id: LegId, target: &Target, obey: bool) -> bool {
        let Some(leg) = self.legs.get(id).cloned() else { return false };
        let others = self.legs.opposite(id);
        let mut destination = self.find(leg.object, target);
        if let (true, Some(far)) = (obey, others.first()) {
            destination = self.diverted(*far, destination);
        }
        let taken = (leg.phase == Phase::Connected || leg.is_ringing())
            && leg.then.is_none()
            && self.obstacle(&destination).is_none();
        let (true, Some(far)) = (taken, others.first().copied()) else { return false };
        let sender = self.party(id);
        let siblings = self.legs.siblings(id);
        for leg in std::iter::once(id).chain(siblings) {
            self.release(leg, "r-rel", ELSEWHERE);
        }
        let ringing = leg.is_ringing();
        if let Some(far) = self.legs.get_mut(far) {
            if ringing {
                far.leg2orig = far.leg2orig.take().or_else(|| Some(sender.clone()));
                far.leg2 = far.leg2.take().filter(|_| obey).or(Some(sender));
            } else {
                far.ct = Some(sender);
                far.held_by_peer = false;
            }
        }
        let offered = self.offer(far, &destination);
        let peer = self.party_at(&destination);
        if let Some(far) = self.legs.get_mut(far) {
            far.peer = peer;
        }
        if ringing {
            self.tell(far, "update");
        } else {
            self.fall_back(far);
            self.tell(far, "r-ct");
        }
        self.ring_all(&offered);
        true
    }

    /// Joins the far ends of two calls of one user, who loses both.
    pub(super) fn transfer(&mut self, a: LegId, b: LegId) {
        let (Some(first), Some(second)) = (self.legs.get(a), self.legs.get(b)) else { return };
        let talking = |leg: &Leg| leg.phase == Phase::Connected;
        // Whoever calls himself, be it by way of another PBX, has two legs of one call.
        if first.object != second.object || first.conf == second.conf {
            return;
        }
        // The connected one is kept; the other may still ring.
        let (kept, moved) = match (talking(first), talking(second)) {
            (true, _) => (a, b),
            (false, true) => (b, a),
            (false, false) => return,
        };
        let (Some(near), targets) =
            (self.legs.opposite(kept).first().copied(), self.legs.opposite(moved))
        else {
            return;
        };
        let Some(target) = targets.first().copied() else { return };
        let (sender, caller, called) = (self.party(kept), self.party(near), self.party(target));
        let answered = self.legs.get(target).is_some_and(talking);
        if let Some(leg) = self.legs.get_mut(near) {
            leg.peer = Some(called);
            leg.ct = Some(sender.clone());
            leg.held_by_peer = false;
        }
        if !answered {
            self.fall_back(near);
        }
        for target in &targets {
            self.legs.join(*target, near);
            if let Some(leg) = self.legs.get_mut(*target) {
                leg.peer = Some(caller.clone());
                leg.ct = Some(sender.clone());
                leg.held_by_peer = false;
            }
        }
        self.tell_transferred(near, [kept, moved], &targets);
    }

    /// Tells all three of a transfer, in the order that the switch says.
    fn tell_transferred(&mut self, near: LegId, lost: [LegId; 2], targets: &[LegId]) {
        let first = self.switches.transfer_event_order;
        if first == TransferOrder::Transferor {
            lost.into_iter().for_each(|leg| self.release(leg, "r-rel", ELSEWHERE));
        }
        if first == TransferOrder::Target {
            targets.iter().for_each(|leg| self.tell(*leg, "r-ct"));
        }
        self.tell(near, "r-ct");
        if first != TransferOrder::Target {
            targets.iter().for_each(|leg| self.tell(*leg, "r-ct"));
        }
        if first != TransferOrder::Transferor {
            lost.into_iter().for_each(|leg| self.release(leg, "r-rel", ELSEWHERE));
        }
    }

    /// A transferred end hears ringing again, if the switch says so.
    fn fall_back(&mut self, id: LegId) {
        if self.switches.ct_state == CtState::Fall {
            self.set_phase(id, Phase::Alerting);
        }
    }

    /// Takes a call that rings or is parked elsewhere. Returns the new leg.
    pub(super) fn pick_up(
        &mut self,
        user: ObjectId,
        device: Option<usize>,
        robbed: LegId,
    ) -> Option<LegId> {
        let leg = self.legs.get(robbed)?.clone();
        let parked = leg.phase == Phase::Parked;
        if !parked && (!leg.is_ringing() || leg.then.is_some() || leg.object == user) {
            return None;
        }
        let (place, others) = (self.party(robbed), self.legs.opposite(robbed));
        self.rest_others(user, device, None);
        let mut new = Leg::beside(&leg, leg.side, user);
        new.called = true;
        new.device = device.or(Some(0));
        new.phase = Phase::Connected;
        new.peer.clone_from(&leg.peer);
        new.ct = Some(place);
        new.picking = true;
        let id = self.legs.add(new);
        for old in self.legs.siblings(id) {
            self.release(old, "r-rel", ELSEWHERE);
        }
        self.tell(id, "x-conn");
        let party = self.party(id);
        for other in others {
            if let Some(leg) = self.legs.get_mut(other) {
                leg.phase = Phase::Connected;
                leg.held_by_peer = false;
                leg.peer = Some(party.clone());
            }
            self.tell(other, if parked { "r-retrieved" } else { "r-conn" });
        }
        Some(id)
    }

    /// A call that this user may pick up: ringing, or parked, at one of these objects.
    pub(super) fn find_pickup(&self, places: &[ObjectId]) -> Option<LegId> {
        let waits =
            |leg: &Leg| leg.is_ringing() && leg.then.is_none() || leg.phase == Phase::Parked;
        places
            .iter()
            .find_map(|place| self.legs.at(*place).find(|(_, leg)| waits(leg)).map(|(id, _)| id))
    }

    /// Parks a connected call. Returns the parked leg.
    pub(super) fn park(&mut self, id: LegId, at: ObjectId) -> Option<LegId> {
        let leg = self.legs.get(id).filter(|leg| leg.phase == Phase::Connected)?.clone();
        let place = self.party_at(&Destination::Object(at))?;
        let others = self.legs.opposite(id);
        let mut parked = Leg::beside(&leg, leg.side, at);
        parked.called = true;
        parked.phase = Phase::Parked;
        parked.peer.clone_from(&leg.peer);
        let new = self.legs.add(parked);
        self.tell(new, "update");
        if let Some(leg) = self.legs.get_mut(id) {
            leg.parked_to = Some(place.clone());
        }
        self.release(id, "r-rel", ELSEWHERE);
        for other in others {
            if let Some(leg) = self.legs.get_mut(other) {
                leg.held_by_peer = true;
                leg.peer = Some(place.clone());
            }
            self.tell(other, "r-held");
        }
        Some(new)
    }
}
