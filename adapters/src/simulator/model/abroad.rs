//! Calls to phones at other PBXs of the tree.
//!
//! Such a phone has a leg here, at no object, which nobody monitors: whatever that leg is told goes
//! over a wire to its PBX, and is told there to the phone. At the other end of the wire is such a leg
//! for the phone here. A call may come through several PBXs: then it has two of these legs and none
//! of a phone at those in the middle.

use super::PbxModel;
use super::leg::{Leg, LegId, Party, Phase, Side, Wire};
use super::numbering::{Abroad, Destination, Whom};
use super::object::ObjectId;
use super::setup::{OUT_OF_ORDER, UNALLOCATED};
use crate::simulator::switches::CtState;
use engine::id::Guid;

/// The object of legs whose phone is elsewhere: none has this number.
const NOWHERE: ObjectId = ObjectId(0);

/// How many times a call may go from one PBX to another: users may divert to each other in a circle.
const MOST_HOPS: u8 = 8;

/// Digits that are remembered as heard.
const DTMF_LIMIT: usize = 256;

/// Causes, by Q.850, of calls that lead in a circle, and of numbers that are not complete.
const ROUTING_ERROR: u8 = 25;
const INCOMPLETE: u8 = 28;

/// What one PBX says to another about a call.
#[derive(Clone, Debug)]
pub struct Signal {
    /// Who says it.
    pub from: String,
    /// To whom.
    pub to: String,
    wire: Guid,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// A call begins.
    Setup(Box<Setup>),
    /// What the phone is to be told.
    Told(Box<Told>),
    /// The phone hears digits.
    Digits(String),
    /// The call is over, with a message and a cause.
    Released(&'static str, u8),
}

#[derive(Clone, Debug)]
struct Setup {
    whom: Whom,
    conf: Guid,
    caller: Party,
    leg2: Option<Party>,
    leg2orig: Option<Party>,
    ct: Option<Party>,
    hops: u8,
}

#[derive(Clone, Debug)]
struct Told {
    msg: &'static str,
    conf: Guid,
    phase: Phase,
    held_by_peer: bool,
    peer: Option<Party>,
    leg2: Option<Party>,
    leg2orig: Option<Party>,
    ct: Option<Party>,
    uui: Option<String>,
}

impl Signal {
    /// Whether it begins a call.
    #[must_use]
    pub fn is_setup(&self) -> bool {
        matches!(self.what, What::Setup(_))
    }
}

// ---- what is said ------------------------------------------------------------------------------

impl PbxModel {
    /// What other PBXs are to hear, in order; each is given out once.
    pub fn take_signals(&mut self) -> Vec<Signal> {
        std::mem::take(&mut self.signals)
    }

    /// Whether another PBX is to hear something.
    #[must_use]
    pub fn has_signals(&self) -> bool {
        !self.signals.is_empty()
    }

    /// The connections to other PBXs: to which, and which.
    pub fn wires(&self) -> impl Iterator<Item = (&str, Guid)> {
        let wires = self.legs.abroad().filter_map(|(_, leg)| leg.wire.as_ref());
        wires.map(|wire| (wire.to.as_str(), wire.id))
    }

    /// Whether it has its end of a connection.
    #[must_use]
    pub fn has_wire(&self, wire: Guid) -> bool {
        self.legs.on_wire(wire).is_some()
    }

    /// Offers the call of a leg to somebody at another PBX.
    pub(super) fn offer_abroad(&mut self, from: LegId, leg: &Leg, to: &Abroad) -> LegId {
        let caller = self.party(from);
        let mut new = Leg::offered(leg, caller.clone(), NOWHERE);
        new.wire = Some(Wire { id: self.random.guid(), to: to.pbx.clone() });
        new.external = Some(to.party.clone().unwrap_or_default());
        let setup = Setup {
            whom: to.whom.clone(),
            conf: leg.conf,
            caller,
            leg2: leg.leg2.clone(),
            leg2orig: leg.leg2orig.clone(),
            ct: leg.ct.clone(),
            hops: leg.hops + 1,
        };
        let id = self.legs.add(new);
        self.say(id, What::Setup(Box::new(setup)));
        id
    }

    /// Tells a phone at another PBX of its call. What it does itself it knows.
    pub(super) fn tell_abroad(&mut self, id: LegId, msg: &'static str) {
        let Some(leg) = self.legs.get(id).filter(|_| !msg.starts_with("x-")) else { return };
        let told = Told {
            msg,
            conf: leg.conf,
            phase: leg.phase,
            held_by_peer: leg.held_by_peer,
            peer: leg.peer.clone(),
            leg2: leg.leg2.clone(),
            leg2orig: leg.leg2orig.clone(),
            ct: leg.ct.clone(),
            uui: leg.uui.clone(),
        };
        self.say(id, What::Told(Box::new(told)));
    }

    /// Ends the call of a phone at another PBX.
    pub(super) fn end_abroad(&mut self, id: LegId, msg: &'static str, cause: u8) {
        self.say(id, What::Released(msg, cause));
        self.bury(id);
    }

    /// A phone hears digits.
    pub(super) fn hear_digits(&mut self, id: LegId, digits: &str) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        if leg.wire.is_some() {
            self.say(id, What::Digits(digits.to_owned()));
        } else if leg.dtmf.len() < DTMF_LIMIT {
            leg.dtmf.push_str(digits);
        }
    }

    /// Ends calls of phones elsewhere with whom nobody here talks any more.
    pub(super) fn leave_lonely(&mut self) {
        let lonely = |(id, _): &(LegId, &Leg)| self.legs.opposite(*id).is_empty();
        let lonely: Vec<LegId> = self.legs.abroad().filter(lonely).map(|(id, _)| id).collect();
        lonely.into_iter().for_each(|id| self.end_abroad(id, "r-rel", OUT_OF_ORDER));
    }

    fn say(&mut self, id: LegId, what: What) {
        let Some(wire) = self.legs.get(id).and_then(|leg| leg.wire.as_ref()) else { return };
        let (from, to, wire) = (self.name.clone(), wire.to.clone(), wire.id);
        self.signals.push(Signal { from, to, wire, what });
    }
}

// ---- what is heard -----------------------------------------------------------------------------

impl PbxModel {
    /// Another PBX says something.
    pub fn hear(&mut self, signal: Signal) {
        let Signal { from, wire, what, .. } = signal;
        match (what, self.legs.on_wire(wire)) {
            (What::Setup(setup), _) => self.hear_setup(Wire { id: wire, to: from }, *setup),
            (What::Told(told), Some(id)) => self.hear_told(id, &told),
            (What::Digits(digits), Some(id)) => {
                self.legs.opposite(id).into_iter().for_each(|leg| self.hear_digits(leg, &digits));
            }
            (What::Released(msg, cause), Some(id)) => self.hear_released(id, msg, cause),
            (_, None) => {}
        }
        self.settle();
    }

    /// The other end of a connection is gone, or there is nobody to hear what was said.
    pub fn lose_wire(&mut self, wire: Guid) {
        if let Some(id) = self.legs.on_wire(wire) {
            self.hear_released(id, "r-rel", OUT_OF_ORDER);
            self.settle();
        }
    }

    /// Nobody is there who could hear that.
    pub fn unheard(&mut self, signal: &Signal) {
        self.lose_wire(signal.wire);
    }

    fn hear_setup(&mut self, wire: Wire, setup: Setup) {
        let mut leg = Leg::new(setup.conf, Side::A, NOWHERE);
        // The same call may have come here before.
        leg.link = self.random.guid();
        leg.wire = Some(wire);
        leg.external = Some(setup.caller);
        (leg.leg2, leg.leg2orig, leg.ct) = (setup.leg2, setup.leg2orig, setup.ct);
        leg.hops = setup.hops;
        let id = self.legs.add(leg);
        let found = match &setup.whom {
            Whom::User(guid) => {
                self.known(*guid).map_or(Destination::Unknown, |user| self.way_to(user))
            }
            Whom::Number(dialled) => self.find_number(dialled),
        };
        match found {
            _ if setup.hops > MOST_HOPS => self.fail(id, ROUTING_ERROR),
            Destination::Unknown => self.fail(id, UNALLOCATED),
            Destination::Incomplete => self.fail(id, INCOMPLETE),
            found => self.proceed(id, &found),
        }
    }

    /// What the phones here are told of a call with a phone elsewhere.
    fn hear_told(&mut self, id: LegId, told: &Told) {
        self.legs.rename(id, told.conf);
        let Some(leg) = self.legs.get_mut(id) else { return };
        if let Some(peer) = &told.peer {
            leg.external = Some(peer.clone());
        }
        match told.msg {
            "r-setup" => {}
            "r-alert" if leg.called => self.alert(id),
            "r-conn" if leg.is_ringing() => self.connect(id, None),
            msg => {
                if msg == "r-conn" {
                    leg.phase = Phase::Connected;
                }
                for other in self.legs.opposite(id) {
                    self.pass_on(other, told);
                }
            }
        }
    }

    fn pass_on(&mut self, id: LegId, told: &Told) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        let peer = told.peer.clone().or_else(|| leg.peer.clone());
        let is_news = (&peer, &told.leg2) != (&leg.peer, &leg.leg2);
        leg.peer = peer;
        leg.leg2.clone_from(&told.leg2);
        leg.leg2orig.clone_from(&told.leg2orig);
        leg.ct.clone_from(&told.ct);
        leg.held_by_peer = told.held_by_peer;
        match (told.msg, told.phase, leg.phase) {
            ("r-conn", ..) => {
                leg.phase = Phase::Connected;
                leg.called &= leg.then.take().is_none();
            }
            // A transferred end hears ringing again, if the switch says so.
            ("r-ct", Phase::Alerting, Phase::Connected)
                if self.switches.ct_state == CtState::Fall =>
            {
                leg.phase = Phase::Alerting;
            }
            _ => {}
        }
        leg.uui.clone_from(&told.uui);
        match told.msg {
            // It has heard that before it went on to the other PBX.
            "r-call-proc" if is_news => self.tell(id, "update"),
            "r-call-proc" => {}
            msg => self.tell(id, msg),
        }
        if let Some(leg) = self.legs.get_mut(id) {
            leg.uui = None;
        }
    }

    fn hear_released(&mut self, id: LegId, msg: &'static str, cause: u8) {
        let ringing = self.legs.get(id).is_some_and(Leg::is_ringing);
        let (others, siblings) = (self.legs.opposite(id), self.legs.siblings(id));
        self.bury(id);
        // Another one rings on.
        if ringing && !siblings.is_empty() {
            return;
        }
        others.into_iter().for_each(|other| self.release(other, msg, cause));
    }
}
