//! The legs of calls: what each phone that takes part in a call knows of it.
//!
//! A call is nothing but the legs that are linked with each other; it has two sides, and each leg is
//! on one of them. Usually each side has one leg; the called side has several while several devices
//! ring. All legs of a call show the same conference GUID (`conf`); a transfer moves a leg to another.
//! A party that is at another PBX has a leg here as well, which nobody sees (`abroad.rs`).

use super::object::ObjectId;
use engine::id::Guid;
use engine::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// A leg, by the model's own count. Never used twice, and higher for newer legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LegId(pub u32);

/// Which end of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    /// Where it began.
    A,
    /// Where it went.
    B,
}

impl Side {
    pub(super) fn other(self) -> Side {
        match self {
            Side::A => Side::B,
            Side::B => Side::A,
        }
    }
}

/// How far a leg has come: the low four bits of `state` (section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Begun.
    Setup,
    /// More digits are needed.
    SetupAck,
    /// The number is complete.
    Proceeding,
    /// The far phone, or this one, rings.
    Alerting,
    /// Connected.
    Connected,
    /// The PBX cleared towards this phone.
    ClearedByPbx,
    /// This phone cleared.
    ClearedByUser,
    /// Parked.
    Parked,
}

impl Phase {
    fn bits(self) -> u32 {
        match self {
            Phase::Setup => 1,
            Phase::SetupAck => 2,
            Phase::Proceeding => 3,
            Phase::Alerting => 4,
            Phase::Connected => 5,
            Phase::ClearedByPbx => 6,
            Phase::ClearedByUser => 7,
            Phase::Parked => 8,
        }
    }
}

/// How a party is named to others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Party {
    pub(super) cn: String,
    pub(super) dn: String,
    /// The number of its node, which `e164` counts from.
    pub(super) node: String,
    pub(super) e164: String,
    pub(super) h323: String,
}

/// Where a call is to go: a request names one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A number, as the caller dials it.
    Number(String),
    /// A short name.
    ShortName(String),
    /// A long name.
    LongName(String),
}

/// To whom a leg here is only the picture of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wire {
    /// Which connection between PBXs; both ends have the same.
    pub(super) id: Guid,
    /// The PBX at the other end.
    pub(super) to: String,
}

/// What one phone knows of one call.
#[derive(Clone, Debug)]
pub(super) struct Leg {
    /// What is told of the call that it belongs to.
    pub(super) conf: Guid,
    /// What links it with the other legs of the call at this PBX. A call that comes here twice, by
    /// way of another PBX, has one `conf` and two links.
    pub(super) link: Guid,
    /// Its phone is at another PBX.
    pub(super) wire: Option<Wire>,
    pub(super) side: Side,
    pub(super) object: ObjectId,
    /// Which device of the object; `None` while it may be any.
    pub(super) device: Option<usize>,
    /// The PBX called this phone (bit 0x80).
    pub(super) called: bool,
    pub(super) phase: Phase,
    /// Its user put it on hold.
    pub(super) held: bool,
    /// The far end put it on hold.
    pub(super) held_by_peer: bool,
    /// At a trunk, and for a phone at another PBX: who is there.
    pub(super) external: Option<Party>,
    /// What was dialled so far.
    pub(super) dialled: String,
    /// How this phone is named to others, if not by its object.
    pub(super) alias: Option<Party>,
    /// Present remote end, as far as this phone knows it.
    pub(super) peer: Option<Party>,
    /// Last and first diverting user.
    pub(super) leg2: Option<Party>,
    pub(super) leg2orig: Option<Party>,
    /// Last user that transferred the call.
    pub(super) ct: Option<Party>,
    pub(super) parked_to: Option<Party>,
    /// It came about by a pickup.
    pub(super) picking: bool,
    pub(super) cause: Option<u8>,
    pub(super) uui: Option<String>,
    /// User-user information that this end sent last, as it was written.
    pub(super) uui_sent: String,
    /// Digits heard.
    pub(super) dtmf: String,
    /// The PBX calls this phone first; where to go on from there.
    pub(super) then: Option<Target>,
    /// At a called phone: since when it rings.
    pub(super) ringing_since: Option<Millis>,
    /// How many times its call has gone from one PBX to another.
    pub(super) hops: u8,
    /// Message of the last event.
    pub(super) last_msg: &'static str,
}

impl Leg {
    pub(super) fn new(conf: Guid, side: Side, object: ObjectId) -> Leg {
        Leg {
            conf,
            link: conf,
            wire: None,
            side,
            object,
            device: None,
            called: side == Side::B,
            phase: Phase::Setup,
            held: false,
            held_by_peer: false,
            external: None,
            dialled: String::new(),
            alias: None,
            peer: None,
            leg2: None,
            leg2orig: None,
            ct: None,
            parked_to: None,
            picking: false,
            cause: None,
            uui: None,
            uui_sent: String::new(),
            dtmf: String::new(),
            then: None,
            ringing_since: None,
            hops: 0,
            last_msg: "",
        }
    }

    /// A new leg in the same call.
    pub(super) fn beside(other: &Leg, side: Side, object: ObjectId) -> Leg {
        Leg { link: other.link, ..Leg::new(other.conf, side, object) }
    }

    /// A new leg on the other side, which is to hear of the call of this one.
    pub(super) fn offered(from: &Leg, caller: Party, to: ObjectId) -> Leg {
        Leg {
            called: true,
            peer: Some(caller),
            leg2: from.leg2.clone(),
            leg2orig: from.leg2orig.clone(),
            ct: from.ct.clone(),
            hops: from.hops,
            ..Leg::beside(from, from.side.other(), to)
        }
    }

    /// Whether somebody beyond a trunk is at it.
    pub(super) fn is_external(&self) -> bool {
        self.external.is_some() && self.wire.is_none()
    }

    /// `CallInfo.state`.
    pub(super) fn state(&self) -> u32 {
        self.phase.bits()
            | if self.called { 0x80 } else { 0 }
            | if self.held { 0x100 } else { 0 }
            | if self.held_by_peer { 0x200 } else { 0 }
    }

    /// Whether it goes on: neither cleared nor parked.
    pub(super) fn is_live(&self) -> bool {
        self.phase <= Phase::Connected
    }

    /// Offered to this phone and not answered.
    pub(super) fn is_ringing(&self) -> bool {
        self.called && self.phase <= Phase::Alerting
    }
}

/// All legs, with the ways to find them.
#[derive(Clone, Default)]
pub(super) struct Legs {
    all: BTreeMap<LegId, Leg>,
    at: BTreeSet<(ObjectId, LegId)>,
    linked: BTreeSet<(Guid, LegId)>,
    wires: BTreeMap<Guid, LegId>,
    last: u32,
}

const FIRST: LegId = LegId(0);
const LAST: LegId = LegId(u32::MAX);

impl Legs {
    pub(super) fn add(&mut self, leg: Leg) -> LegId {
        self.last += 1;
        let id = LegId(self.last);
        self.at.insert((leg.object, id));
        self.linked.insert((leg.link, id));
        self.wires.extend(leg.wire.as_ref().map(|wire| (wire.id, id)));
        self.all.insert(id, leg);
        id
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        *self = Legs { last: self.last, ..Legs::default() };
    }

    pub(super) fn remove(&mut self, id: LegId) -> Option<Leg> {
        let leg = self.all.remove(&id)?;
        self.at.remove(&(leg.object, id));
        self.linked.remove(&(leg.link, id));
        if let Some(wire) = &leg.wire {
            self.wires.remove(&wire.id);
        }
        Some(leg)
    }

    pub(super) fn get(&self, id: LegId) -> Option<&Leg> {
        self.all.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: LegId) -> Option<&mut Leg> {
        self.all.get_mut(&id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (LegId, &Leg)> {
        self.all.iter().map(|(id, leg)| (*id, leg))
    }

    /// The legs at an object, oldest first.
    pub(super) fn at(&self, object: ObjectId) -> impl DoubleEndedIterator<Item = (LegId, &Leg)> {
        let range = self.at.range((object, FIRST)..=(object, LAST));
        range.filter_map(|(_, id)| Some((*id, self.all.get(id)?)))
    }

    /// The legs of a call, oldest first.
    fn linked(&self, link: Guid) -> impl Iterator<Item = (LegId, &Leg)> {
        let range = self.linked.range((link, FIRST)..=(link, LAST));
        range.filter_map(|(_, id)| Some((*id, self.all.get(id)?)))
    }

    /// The legs at the other end that were not cleared.
    pub(super) fn opposite(&self, id: LegId) -> Vec<LegId> {
        let Some(leg) = self.all.get(&id) else { return Vec::new() };
        self.on(leg.link, leg.side.other(), id)
    }

    /// The other legs at this end that were not cleared.
    pub(super) fn siblings(&self, id: LegId) -> Vec<LegId> {
        let Some(leg) = self.all.get(&id) else { return Vec::new() };
        self.on(leg.link, leg.side, id)
    }

    fn on(&self, link: Guid, side: Side, except: LegId) -> Vec<LegId> {
        self.linked(link)
            .filter(|(id, leg)| {
                *id != except
                    && leg.side == side
                    && !matches!(leg.phase, Phase::ClearedByPbx | Phase::ClearedByUser)
            })
            .map(|(id, _)| id)
            .collect()
    }

    /// Moves a leg to the other side of that one, and so to its call.
    pub(super) fn join(&mut self, id: LegId, opposite: LegId) {
        let Some(other) = self.all.get(&opposite) else { return };
        let (conf, link, side) = (other.conf, other.link, other.side.other());
        let Some(leg) = self.all.get_mut(&id) else { return };
        self.linked.remove(&(leg.link, id));
        (leg.conf, leg.link, leg.side) = (conf, link, side);
        self.linked.insert((link, id));
    }

    /// Another GUID is told of a call from now on.
    pub(super) fn rename(&mut self, id: LegId, conf: Guid) {
        let Some(leg) = self.all.get(&id).filter(|leg| leg.conf != conf) else { return };
        let ids: Vec<LegId> = self.linked(leg.link).map(|(id, _)| id).collect();
        for id in ids {
            if let Some(leg) = self.all.get_mut(&id) {
                leg.conf = conf;
            }
        }
    }

    /// The leg whose phone is at the other end of a connection to another PBX.
    pub(super) fn on_wire(&self, wire: Guid) -> Option<LegId> {
        self.wires.get(&wire).copied()
    }

    /// All legs whose phone is at another PBX.
    pub(super) fn abroad(&self) -> impl Iterator<Item = (LegId, &Leg)> {
        self.wires.values().filter_map(|id| Some((*id, self.all.get(id)?)))
    }
}
