//! How calls end.

use super::PbxModel;
use super::divert::DIVERTED;
use super::leg::{Leg, LegId, Phase};
use super::setup::NORMAL;
use crate::simulator::switches::OwnClearState;
use engine::diversion::Kind;

impl PbxModel {
    /// The user of a leg clears it, and with it the call.
    pub(super) fn clear(&mut self, id: LegId, cause: u8) {
        let Some(leg) = self.legs.get(id) else { return };
        if leg.phase == Phase::ClearedByPbx {
            return self.go_on_hook(id);
        }
        let unanswered = leg.is_ringing() && leg.then.is_none();
        // A rejected call counts as one to a busy phone.
        let (phase, msg) = match self.switches.own_clear_state {
            OwnClearState::Received => (Phase::ClearedByUser, "x-rel"),
            OwnClearState::Sent => (Phase::ClearedByPbx, "r-rel"),
        };
        if unanswered && self.divert_ringing(id, Kind::Busy, (phase, msg, cause)) {
            return;
        }
        let others_ring = unanswered && !self.legs.siblings(id).is_empty();
        let (others, siblings) = (self.legs.opposite(id), self.legs.siblings(id));
        self.end(id, phase, msg, cause);
        if others_ring {
            return;
        }
        // Before an answer the far end gets a tone and a reason, afterwards it is just released.
        let towards = if unanswered { "r-disc" } else { "r-rel" };
        for other in others {
            self.release(other, towards, cause);
        }
        for sibling in siblings {
            self.release(sibling, "r-rel", cause);
        }
    }

    /// The PBX ends all legs of a call.
    pub(super) fn clear_call(&mut self, id: LegId, cause: u8) {
        let (others, siblings) = (self.legs.opposite(id), self.legs.siblings(id));
        for leg in std::iter::once(id).chain(others).chain(siblings) {
            self.release(leg, "r-rel", cause);
        }
    }

    /// The PBX gives up a call that nobody answered: it is diverted, or the caller hears the cause
    /// and the called phone just stops ringing.
    pub(super) fn give_up(&mut self, id: LegId, cause: u8) {
        if self.divert_ringing(id, Kind::NoAnswer, DIVERTED) {
            return;
        }
        let (others, siblings) = (self.legs.opposite(id), self.legs.siblings(id));
        for leg in std::iter::once(id).chain(siblings).chain(others) {
            let called = self.legs.get(leg).is_some_and(Leg::is_ringing);
            if called {
                self.release(leg, "r-rel", NORMAL);
            } else {
                self.release(leg, "r-disc", cause);
            }
        }
    }

    /// The PBX ends an attempt to call.
    pub(super) fn fail(&mut self, id: LegId, cause: u8) {
        self.release(id, "r-disc", cause);
    }

    /// The PBX releases one leg.
    pub(super) fn release(&mut self, id: LegId, msg: &'static str, cause: u8) {
        self.end(id, Phase::ClearedByPbx, msg, cause);
    }

    pub(super) fn end(&mut self, id: LegId, phase: Phase, msg: &'static str, cause: u8) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        if leg.phase == Phase::ClearedByPbx {
            return self.go_on_hook(id);
        }
        // Somebody has the receiver in his hand: he is talking, or he was dialling.
        let off_hook = leg.phase == Phase::Connected || !leg.called;
        if leg.wire.is_some() {
            return self.end_abroad(id, msg, cause);
        }
        leg.phase = phase;
        leg.held = false;
        leg.held_by_peer = false;
        leg.cause = Some(cause);
        let object = leg.object;
        let phone = self.directory.get(object).is_some_and(super::object::Object::is_phone);
        // With cause 26 the phone is silent at once.
        let linger = msg != "x-rel" && off_hook && phone && cause != super::setup::ELSEWHERE;
        if !self.tell_cleared(id, msg, linger) {
            self.bury(id);
        }
    }

    /// The receiver is put down on a leg that lasted until then.
    fn go_on_hook(&mut self, id: LegId) {
        for (handle, session) in self.handles.of_leg(id) {
            let user = self.handles.naming(handle).and_then(|naming| naming.user);
            self.tell_del(session, user, id);
        }
        self.bury(id);
    }

    /// Legs that lasted only for monitors which are gone now.
    pub(super) fn sweep_lingering(&mut self) {
        let cleared: Vec<LegId> = self
            .legs
            .iter()
            .filter(|(_, leg)| leg.phase == Phase::ClearedByPbx)
            .map(|(id, _)| id)
            .collect();
        for id in cleared {
            if self.handles.of_leg(id).is_empty() {
                self.bury(id);
            }
        }
    }

    pub(super) fn bury(&mut self, id: LegId) {
        if let Some(leg) = self.legs.remove(id) {
            self.touched.insert(leg.object);
        }
        self.handles.forget_leg(id);
    }
}
