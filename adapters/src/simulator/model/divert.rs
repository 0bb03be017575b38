//! Calls that are diverted (the PBX's SOAP reference, 7.3).

use super::PbxModel;
use super::leg::{LegId, Phase, Target};
use super::numbering::Destination;
use super::object::ObjectId;
use super::setup::{ABSENT, BUSY};
use engine::diversion::{self, Diversion, Kind, Sources};
use engine::time::Millis;

/// How the PBX ends a leg whose call it diverts: with Q.850, redirection to a new destination.
pub(super) const DIVERTED: Ending = (Phase::ClearedByPbx, "r-rel", 23);

/// Phase, message and cause.
pub(super) type Ending = (Phase, &'static str, u8);

/// How long a phone rings before a call is not answered, if its record does not say.
const NO_ANSWER_S: u64 = 15;

/// Diversions that one call follows at most.
const HOPS: usize = 8;

impl PbxModel {
    /// Where a call really goes: follows diversions that act at once. The leg is told who diverted
    /// it.
    pub(super) fn diverted(&mut self, id: LegId, destination: Destination) -> Destination {
        let mut destination = destination;
        let mut seen = Vec::new();
        while let Destination::Object(at) = destination {
            seen.push(at);
            let kind = match self.obstacle(&destination) {
                Some(BUSY) => Kind::Busy,
                Some(ABSENT) => Kind::NoAnswer,
                _ => Kind::Always,
            };
            let next =
                [Kind::Always, kind].into_iter().find_map(|kind| self.diversion(id, at, kind));
            match next {
                Some(next) if !is_among(&next, &seen) && seen.len() <= HOPS => {
                    self.note_diversion(id, at);
                    destination = next;
                }
                _ => break,
            }
        }
        destination
    }

    /// Diverts a call that rings at a phone, if there is a diversion of this kind; its leg ends in
    /// the way given.
    pub(super) fn divert_ringing(&mut self, ringing: LegId, kind: Kind, how: Ending) -> bool {
        let Some(leg) = self.legs.get(ringing).filter(|leg| leg.is_ringing()) else { return false };
        let at = leg.object;
        let Some(caller) = self.legs.opposite(ringing).first().copied() else { return false };
        if leg.then.is_some() {
            return false;
        }
        let Some(next) = self.diversion(caller, at, kind) else { return false };
        let before = self.legs.get(caller).map(|leg| (leg.leg2.clone(), leg.leg2orig.clone()));
        self.note_diversion(caller, at);
        let next = self.diverted(caller, next);
        if self.obstacle(&next).is_some() || matches!(next, Destination::Object(id) if id == at) {
            if let (Some(leg), Some(before)) = (self.legs.get_mut(caller), before) {
                (leg.leg2, leg.leg2orig) = before;
            }
            return false;
        }
        let siblings = self.legs.siblings(ringing);
        let (phase, msg, cause) = how;
        self.end(ringing, phase, msg, cause);
        let (_, msg, cause) = DIVERTED;
        for sibling in siblings {
            self.release(sibling, msg, cause);
        }
        let peer = self.party_at(&next);
        if let Some(caller) = self.legs.get_mut(caller) {
            caller.peer = peer;
        }
        let offered = self.offer(caller, &next);
        self.tell(caller, "update");
        self.ring_all(&offered);
        true
    }

    /// Diverts calls that have rung for long enough.
    pub(super) fn divert_unanswered(&mut self) {
        let due: Vec<LegId> =
            self.waiting().filter(|(_, at)| *at <= self.now).map(|(id, _)| id).collect();
        for id in due {
            if let Some(leg) = self.legs.get_mut(id) {
                leg.ringing_since = None;
            }
            self.divert_ringing(id, Kind::NoAnswer, DIVERTED);
        }
        self.settle();
    }

    /// When the next call will have rung for long enough.
    pub(super) fn next_unanswered(&self) -> Option<Millis> {
        self.waiting().map(|(_, at)| at).min()
    }

    /// The calls that ring where a call that nobody answers is diverted, and until when they do.
    fn waiting(&self) -> impl Iterator<Item = (LegId, Millis)> {
        self.legs.iter().filter_map(|(id, leg)| {
            let since = leg.ringing_since.filter(|_| leg.is_ringing())?;
            let record = &self.directory.get(leg.object)?.record;
            let diverts = record.diversions().iter().any(|known| known.kind == Kind::NoAnswer);
            let seconds = record.no_answer_s().unwrap_or(NO_ANSWER_S);
            diverts.then(|| (id, since + seconds * 1000))
        })
    }

    /// Where a diversion of an object sends the call of a leg. One with a filter that fits wins
    /// over one without.
    fn diversion(&self, caller: LegId, at: ObjectId, kind: Kind) -> Option<Destination> {
        let leg = self.legs.get(caller)?;
        let from = leg.leg2.clone().unwrap_or_else(|| self.party(caller));
        let number = self.number_for(at, &from);
        // Whoever is known by name is at a phone of some PBX.
        let external = leg.external.as_ref().is_some_and(|party| party.cn.is_empty());
        let record = &self.directory.get(at)?.record;
        let fits = |known: &&Diversion| known.kind == kind && fits(known, &number, external);
        let all = record.diversions();
        let fitting: Vec<&Diversion> = all.iter().filter(fits).collect();
        let filtered = fitting.iter().find(|known| known.sources != Sources::All);
        let chosen = filtered.or(fitting.first())?;
        let target = match &chosen.to {
            diversion::Target::Number(number) => Target::Number(number.text().into()),
            diversion::Target::Name(name) => Target::ShortName(name.text().into()),
            diversion::Target::Nowhere => return None,
        };
        match self.find(at, &target) {
            Destination::Unknown | Destination::Incomplete => None,
            found => Some(found),
        }
    }

    fn note_diversion(&mut self, id: LegId, at: ObjectId) {
        let Some(diverter) = self.party_at(&Destination::Object(at)) else { return };
        if let Some(leg) = self.legs.get_mut(id) {
            leg.leg2orig.get_or_insert_with(|| diverter.clone());
            leg.leg2 = Some(diverter);
        }
    }

    /// A called phone began to ring.
    pub(super) fn note_ringing(&mut self, id: LegId) {
        let now = self.now;
        if let Some(leg) = self.legs.get_mut(id).filter(|leg| leg.phase == Phase::Alerting) {
            leg.ringing_since = Some(now);
        }
    }
}

fn is_among(destination: &Destination, seen: &[ObjectId]) -> bool {
    matches!(destination, Destination::Object(id) if seen.contains(id))
}

/// Numbers match from their begin.
fn fits(diversion: &Diversion, number: &str, external: bool) -> bool {
    let begins = |numbers: &[engine::pii::Personal]| {
        numbers.iter().any(|begin| number.starts_with(begin.text()))
    };
    match &diversion.sources {
        Sources::All => true,
        Sources::Only(numbers) => begins(numbers),
        Sources::OnlyNot(numbers) => !begins(numbers),
        Sources::External => external,
        Sources::Internal => !external,
        Sources::Other => false,
    }
}
