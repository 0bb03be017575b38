//! What is done within calls: hold, three-party conference, information.

use super::PbxModel;
use super::leg::{LegId, Phase};
use crate::simulator::switches::HoldMsg;

/// Remote control facilities of the phone that the model knows (section 6.12).
const TOGGLE_CONFERENCE: u32 = 4;
const CONFERENCE_ON: u32 = 10;
const CONFERENCE_OFF: u32 = 11;

impl PbxModel {
    /// Puts a connected call on hold; otherwise nothing happens.
    pub(super) fn hold(&mut self, id: LegId) {
        self.set_held(id, true, ["update", "x-hold"], "r-held");
    }

    /// Takes a call back from hold, and puts the one on hold that the phone talks on.
    pub(super) fn retrieve(&mut self, id: LegId) {
        let Some(leg) = self.legs.get(id).filter(|leg| leg.held) else { return };
        let (object, device) = (leg.object, leg.device);
        self.rest_others(object, device, Some(id));
        self.set_held(id, false, ["update", "x-retrieve"], "r-retrieved");
    }

    fn set_held(&mut self, id: LegId, held: bool, own: [&'static str; 2], far: &'static str) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        if leg.phase != Phase::Connected || leg.held == held {
            return;
        }
        leg.held = held;
        let msg = match self.switches.hold_msg {
            HoldMsg::Update => own[0],
            HoldMsg::Hold => own[1],
        };
        self.tell(id, msg);
        for other in self.legs.opposite(id) {
            if let Some(leg) = self.legs.get_mut(other) {
                leg.held_by_peer = held;
            }
            self.tell(other, far);
        }
    }

    /// A remote control facility reaches the phone.
    pub(super) fn remote_control(&mut self, id: LegId, facility: u32) {
        let Some(leg) = self.legs.get(id).filter(|leg| leg.phase == Phase::Connected) else {
            return;
        };
        // Newest first: the two topmost calls of the phone.
        let other = self
            .legs
            .at(leg.object)
            .rfind(|(other, leg)| *other != id && leg.phase == Phase::Connected);
        let Some((other, held)) = other.map(|(other, leg)| (other, leg.held)) else { return };
        match facility {
            TOGGLE_CONFERENCE if held => self.release_hold(other),
            TOGGLE_CONFERENCE => self.hold(other),
            CONFERENCE_ON => self.release_hold(other),
            CONFERENCE_OFF => self.hold(other),
            _ => {}
        }
    }

    /// A phone's own key for the conference of three.
    pub(super) fn confer(&mut self, active: LegId, on: bool) {
        self.remote_control(active, if on { CONFERENCE_ON } else { CONFERENCE_OFF });
    }

    /// Takes a call back from hold without touching another: three talk together.
    fn release_hold(&mut self, id: LegId) {
        self.set_held(id, false, ["update", "x-retrieve"], "r-retrieved");
    }

    /// User-user information, to the far end or to this phone.
    pub(super) fn send_uui(&mut self, id: LegId, to_this_phone: bool, uui: &str) {
        if let Some(leg) = self.legs.get_mut(id).filter(|_| !to_this_phone) {
            leg.uui_sent = uui.into();
        }
        let to = if to_this_phone { vec![id] } else { self.legs.opposite(id) };
        for leg in to {
            if let Some(leg) = self.legs.get_mut(leg) {
                leg.uui = Some(uui.into());
            }
            self.tell(leg, "r-info");
            if let Some(leg) = self.legs.get_mut(leg) {
                leg.uui = None;
            }
        }
    }

    /// Digits, to the far end or to this phone: they are heard, and seen nowhere.
    pub(super) fn send_dtmf(&mut self, id: LegId, to_this_phone: bool, digits: &str) {
        let to = if to_this_phone { vec![id] } else { self.legs.opposite(id) };
        for leg in to {
            self.hear_digits(leg, digits);
        }
    }

    /// The name of the far end becomes known.
    pub(super) fn identify_peer(&mut self, id: LegId, name: &str) {
        if let Some(leg) = self.legs.get_mut(id) {
            leg.peer.get_or_insert_default().dn = name.into();
        }
        for other in self.legs.opposite(id) {
            if let Some(external) = self.legs.get_mut(other).and_then(|leg| leg.external.as_mut()) {
                external.dn = name.into();
            }
        }
        self.tell(id, "update");
    }
}
