//! Whose line a record is about, and where its user is at home.
//!
//! Several PBXs may speak of one user: the one that he is at home at, and others that merely know
//! him. His line is monitored at his home and nowhere else. When he moves, or his PBX fails and
//! another one takes him in, his line moves with him.

use super::claims::NameHash;
use super::names::{Keys, subscriber, unnamed};
use super::tree::{Boxes, ToPbxs};
use super::{Estate, Gone, LineInput, MAX_LINES};
use crate::effect::Report;
use crate::fact::UserInfo;
use crate::id::{Attempt, Guid, LineId, Link, PbxId, PermanentId};
use crate::pbx::{Clue, PbxInput};
use crate::subscriber::Subscriber;
use crate::view::Identity;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most PBXs whose word about one user is kept (I-24).
const MAX_SIGHTINGS: usize = 16;

/// One PBX user that has, or once had, a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    /// The PBX that he is at home at, or else the one whose word about him counts.
    pub(super) home: PbxId,
    /// Whether he is at home there.
    pub(super) at_home: bool,
    pub(super) subscriber: Subscriber,
    pub(super) identity: Arc<Identity>,
    /// Nobody speaks of him any more, or has not yet. The id stays taken.
    pub(super) gone: Option<Gone>,
    pub(super) keys: Keys,
    /// Which of its choices of names the line has.
    pub(super) rank: u8,
    /// Who speaks of him, the first one first.
    sightings: Vec<Sighting>,
}

/// What one PBX says of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sighting {
    pbx: PbxId,
    /// The latest attempt in which it said so.
    attempt: Attempt,
    at_home: bool,
    registered: bool,
    /// Which of the boxes that have been this PBX said so.
    by: Boxes,
    /// Who he is there, if he could be at home there and is somebody else where he is.
    otherwise: Option<Arc<Subscriber>>,
}

/// What came of a record.
pub(super) enum Spoken {
    /// The line is known.
    Known(Clue),
    /// It is not, and there is no room for it.
    TooMany,
}

impl Member {
    /// Whether a PBX that is there now speaks of the user.
    pub(super) fn is_vouched_for(&self, is_present: impl Fn(PbxId) -> bool) -> bool {
        self.sightings.iter().any(|sighting| is_present(sighting.pbx))
    }

    /// The name that the template makes, as far as it has to be told from others.
    pub(super) fn first_choice(&self) -> NameHash {
        self.keys.first_choice()
    }

    /// The PBXs that speak of the user.
    pub(super) fn spoken_of_by(&self) -> impl Iterator<Item = PbxId> {
        self.sightings.iter().map(|sighting| sighting.pbx)
    }

    /// Nobody's word about him counts any more.
    pub(super) fn forget_all(&mut self) {
        self.sightings.clear();
    }

    /// Whether a PBX has spoken of the user in that attempt, or in a later one beside it.
    pub(super) fn is_spoken_of(&self, link: Link) -> bool {
        self.sightings.iter().any(|s| s.pbx == link.pbx && s.attempt >= link.attempt)
    }

    /// Whether one of these boxes of a PBX has ever spoken of the user.
    pub(super) fn is_known_to(&self, pbx: PbxId, boxes: Boxes) -> bool {
        self.sighting(pbx).is_some_and(|sighting| sighting.by.include(boxes))
    }

    /// Whether he, or what was taken for him, has this Short Name, which is in small letters.
    pub(super) fn is_called(&self, short_name: &str) -> bool {
        self.subscriber.h323().to_lowercase() == short_name
    }

    /// What a PBX said of him, as far as it was kept.
    pub(super) fn object(&self, pbx: PbxId) -> UserInfo {
        let who = &self.subscriber;
        UserInfo {
            active: true,
            registered: self.sighting(pbx).is_some_and(|sighting| sighting.registered),
            guid: who.guid,
            cn: who.cn().into(),
            h323: who.h323().into(),
            loc: who.loc().into(),
            ..UserInfo::default()
        }
    }

    /// He is somebody else from now on, as that PBX says. Others that agreed so far still say what
    /// they said.
    fn becomes(&mut self, who: Subscriber, pbx: PbxId) {
        let before = Arc::new(std::mem::replace(&mut self.subscriber, who));
        for other in self.sightings.iter_mut().filter(|s| s.pbx != pbx && s.at_home) {
            other.otherwise = match other.otherwise.take() {
                None => Some(Arc::clone(&before)),
                Some(who) => (*who != self.subscriber).then_some(who),
            };
        }
    }

    fn sighting(&self, pbx: PbxId) -> Option<&Sighting> {
        self.sightings.iter().find(|sighting| sighting.pbx == pbx)
    }

    /// Where he is at home now. A user whose PBX is left open is at home at every PBX, and so his
    /// home is where his phone is registered; apart from that it is where it was, as long as that
    /// PBX says so and is there, else at the first one that says so and is there. What a PBX said
    /// before counts as long as the box that serves in its place now could still say it.
    fn choose(&self, is_said_now: impl Fn(PbxId, Attempt) -> bool) -> (PbxId, bool) {
        let is_present = |sighting: &&Sighting| is_said_now(sighting.pbx, sighting.attempt);
        let claims = || self.sightings.iter().filter(|sighting| sighting.at_home);
        let present = || claims().filter(is_present);
        let stays = claims().find(|s| s.pbx == self.home && self.at_home);
        let stays_present = stays.filter(is_present);
        let home = stays_present
            .filter(|sighting| sighting.registered)
            .or_else(|| present().find(|sighting| sighting.registered))
            .or(stays_present)
            .or_else(|| present().next())
            .or(stays)
            .or_else(|| claims().next());
        match (home, self.sighting(self.home), self.sightings.first()) {
            (Some(home), ..) => (home.pbx, true),
            (None, Some(_), _) | (None, None, None) => (self.home, false),
            (None, None, Some(first)) => (first.pbx, false),
        }
    }
}

impl Estate {
    /// A PBX speaks of a user.
    pub(super) fn speak(
        &mut self,
        link: Link,
        user: &UserInfo,
        gone: Gone,
        pbxs: &mut ToPbxs,
    ) -> Spoken {
        let guid = if user.guid.is_nil() { Guid::read(user.cn.text()) } else { user.guid };
        let at_home = self.tree.is_home(link.pbx, user);
        let Some(line) = self.lookups.with_guid(guid) else {
            if !user.active {
                return Spoken::Known(Clue::None);
            }
            self.same_name(link, guid, user, pbxs);
            return self.new_line(link, guid, user, at_home);
        };
        if !user.active {
            return Spoken::Known(self.deleted(link.pbx, line, gone, pbxs));
        }
        let index = line.0 as usize - 1;
        let member = &self.members[index];
        let (before, was_defunct) = ((member.home, member.at_home), member.gone.is_some());
        let now = subscriber(guid, user);
        if member.subscriber.cn() != now.cn() || was_defunct {
            self.same_name(link, guid, user, pbxs);
        }
        let member = &self.members[index];
        let is_here = (member.home, member.at_home) == (link.pbx, at_home);
        let is_held_back = is_here && !was_defunct && self.tree.is_tried(link);
        let otherwise = (at_home && member.subscriber != now).then(|| Arc::new(now.clone()));
        if is_held_back {
            self.tree.hold_back(link, line, otherwise.clone());
        }
        let otherwise = otherwise.filter(|_| !is_held_back);
        let is_new = self.sight(link, line, user, at_home, otherwise);
        let home = self.find_home_but(line, link.pbx, pbxs);
        let says_who =
            home == (link.pbx, at_home) && !is_held_back && self.members[index].subscriber != now;
        if says_who || was_defunct {
            let member = Arc::make_mut(&mut self.members[index]);
            member.becomes(now, link.pbx);
            member.gone = None;
        }
        let may_differ = says_who || was_defunct || home != before;
        let identity = if may_differ { self.name_anew(line) } else { None };
        self.tree.count(link, |changes| {
            changes.added += u32::from(was_defunct);
            changes.renamed += u32::from(identity.is_some() && !was_defunct);
        });
        Spoken::Known(match home {
            (pbx, true) if pbx == link.pbx => Clue::Line { line, identity },
            (pbx, true) if at_home && is_new && user.registered => {
                Clue::Foreign { line, identity, rival: Some(pbx), revived: was_defunct }
            }
            _ => Clue::Foreign { line, identity, rival: None, revived: was_defunct },
        })
    }

    /// A user is somebody else from now on, as his home says; the identity of his line if that is
    /// another one now.
    pub(super) fn becomes(
        &mut self,
        line: LineId,
        pbx: PbxId,
        who: Arc<Subscriber>,
    ) -> Option<Arc<Identity>> {
        let member = self.members.get_mut(line.0 as usize - 1)?;
        if (member.home, member.at_home) != (pbx, true) || member.subscriber == *who {
            return None;
        }
        Arc::make_mut(member).becomes(Arc::unwrap_or_clone(who), pbx);
        self.name_anew(line)
    }

    fn new_line(&mut self, link: Link, guid: Guid, user: &UserInfo, at_home: bool) -> Spoken {
        let permanent = self.free_id();
        let subscriber = subscriber(guid, user);
        let Some(line) = self.add_member(permanent, subscriber, link.pbx, at_home, None) else {
            return Spoken::TooMany;
        };
        let known = self.name_anew(line);
        self.sight(link, line, user, at_home, None);
        self.tree.count(link, |changes| changes.added += 1);
        Spoken::Known(if at_home {
            Clue::Line { line, identity: known }
        } else {
            Clue::Foreign { line, identity: known, rival: None, revived: false }
        })
    }

    /// The line of a user whom nobody spoke of before; `None` if there are too many.
    pub(super) fn add_member(
        &mut self,
        permanent: PermanentId,
        subscriber: Subscriber,
        home: PbxId,
        at_home: bool,
        gone: Option<Gone>,
    ) -> Option<LineId> {
        if self.members.len() >= MAX_LINES {
            return None;
        }
        // The limit keeps the number of members within u32.
        let line = LineId(u32::try_from(self.members.len() + 1).unwrap_or(u32::MAX));
        self.lookups.add(line, subscriber.guid, permanent);
        let identity = Arc::new(unnamed(line, permanent, subscriber.guid));
        self.members.push(Arc::new(Member {
            home,
            at_home,
            subscriber,
            identity,
            gone,
            keys: Keys::default(),
            rank: 0,
            sightings: Vec::new(),
        }));
        Some(line)
    }

    /// A user has a Long Name that the same PBX gave to somebody else, who is still there.
    fn same_name(&self, link: Link, guid: Guid, user: &UserInfo, pbxs: &mut ToPbxs) {
        let others = self.named(&user.cn).map(|line| &self.members[line.0 as usize - 1]);
        for other in others.filter(|other| other.subscriber.guid != guid) {
            if other.sighting(link.pbx).is_some() {
                let reused = Report::NameReused(link.pbx, other.identity.line);
                pbxs.push((link.pbx, PbxInput::Say(reused)));
            }
        }
    }

    /// Keeps what a PBX says. Returns whether it did not say so before.
    fn sight(
        &mut self,
        link: Link,
        line: LineId,
        user: &UserInfo,
        at_home: bool,
        otherwise: Option<Arc<Subscriber>>,
    ) -> bool {
        let pbx = link.pbx;
        let index = line.0 as usize - 1;
        let member = &self.members[index];
        let known = member.sightings.iter().position(|sighting| sighting.pbx == pbx);
        // Of two sessions side by side the one that is being tried is the later one.
        let attempt = known.map_or(link.attempt, |k| link.attempt.max(member.sightings[k].attempt));
        let by = self.tree.boxes(link);
        let by = known.map_or(by, |known| member.sightings[known].by.and(by));
        let registered = user.registered;
        let now = Sighting { pbx, attempt, at_home, registered, by, otherwise };
        match known {
            Some(known) if member.sightings[known] == now => false,
            Some(known) => {
                let sightings = &mut Arc::make_mut(&mut self.members[index]).sightings;
                let before = std::mem::replace(&mut sightings[known], now);
                (before.at_home, before.registered) != (at_home, user.registered)
            }
            None => {
                if member.sightings.len() < MAX_SIGHTINGS {
                    let sightings = &mut Arc::make_mut(&mut self.members[index]).sightings;
                    sightings.reserve_exact(1);
                    sightings.push(now);
                    self.tree.note_line(pbx, line, true);
                }
                true
            }
        }
    }

    /// A PBX deleted a user, or he left its scope there.
    fn deleted(&mut self, pbx: PbxId, line: LineId, gone: Gone, pbxs: &mut ToPbxs) -> Clue {
        match self.silence(pbx, line, gone) {
            Silence::Unchanged => Clue::None,
            Silence::Defunct => Clue::Removed(line),
            Silence::LessSaid => {
                self.find_home_but(line, pbx, pbxs);
                let identity = self.name_anew(line);
                Clue::Foreign { line, identity, rival: None, revived: false }
            }
        }
    }

    /// A PBX does not speak of a user any more, and has no session in which it could say so.
    pub(super) fn unspoken(
        &mut self,
        pbx: PbxId,
        line: LineId,
        gone: Gone,
        pbxs: &mut ToPbxs,
        lines: &mut Vec<(LineId, LineInput)>,
    ) {
        match self.silence(pbx, line, gone) {
            Silence::Unchanged => {}
            Silence::Defunct => lines.push((line, LineInput::Removed)),
            Silence::LessSaid => {
                self.find_home_but(line, pbx, pbxs);
                let renamed = self.name_anew(line);
                lines.extend(renamed.map(|identity| (line, LineInput::Identity(identity))));
            }
        }
    }

    fn silence(&mut self, pbx: PbxId, line: LineId, gone: Gone) -> Silence {
        let index = line.0 as usize - 1;
        let Some(member) = self.members.get_mut(index) else { return Silence::Unchanged };
        if member.sighting(pbx).is_none() {
            return Silence::Unchanged;
        }
        let member = Arc::make_mut(member);
        member.sightings.retain(|sighting| sighting.pbx != pbx);
        self.tree.note_line(pbx, line, false);
        let member = Arc::make_mut(&mut self.members[index]);
        if member.sightings.is_empty() {
            member.gone = Some(gone);
            member.at_home = false;
            self.delist(line);
            return Silence::Defunct;
        }
        Silence::LessSaid
    }

    /// Finds out where a user is at home now, and tells the PBXs that this changes something for.
    pub(super) fn find_home(&mut self, line: LineId, pbxs: &mut ToPbxs) -> (PbxId, bool) {
        let Some(member) = self.members.get(line.0 as usize - 1) else { return (PbxId(0), false) };
        let before = (member.home, member.at_home);
        let now = member.choose(|pbx, attempt| self.tree.may_still_say(pbx, attempt));
        if now == before {
            return now;
        }
        let member = Arc::make_mut(&mut self.members[line.0 as usize - 1]);
        (member.home, member.at_home) = now;
        // Who he is at his new home is not always who he was at the old one.
        let there = member.sightings.iter_mut().find(|sighting| sighting.pbx == now.0);
        if let Some(who) = there.and_then(|sighting| sighting.otherwise.take()) {
            member.becomes(Arc::unwrap_or_clone(who), now.0);
        }
        if before.1 && before.0 != now.0 {
            pbxs.push((before.0, PbxInput::Leave(line)));
        }
        // One that has no session speaks of him when it has one again.
        let sighting = member.sighting(now.0);
        let is_there = sighting.is_some_and(|s| self.tree.may_still_say(s.pbx, s.attempt));
        if now.1 && is_there {
            let registered = sighting.is_some_and(|sighting| sighting.registered);
            let cn = member.subscriber.cn().into();
            pbxs.push((now.0, PbxInput::Take { line, cn, registered }));
        }
        now
    }

    /// One record can move a home more than once: only the last one counts.
    pub(super) fn settle(&self, pbxs: &mut ToPbxs) {
        pbxs.retain(|(pbx, input)| match input {
            PbxInput::Take { line, .. } => {
                let member = self.members.get(line.0 as usize - 1);
                member.is_some_and(|m| m.home == *pbx && m.at_home && m.gone.is_none())
            }
            _ => true,
        });
    }

    /// The same when the fact itself tells one of the PBXs.
    fn find_home_but(&mut self, line: LineId, told: PbxId, pbxs: &mut ToPbxs) -> (PbxId, bool) {
        let mut others = ToPbxs::new();
        let home = self.find_home(line, &mut others);
        pbxs.extend(others.into_iter().filter(|(pbx, _)| *pbx != told));
        home
    }
}

/// What it means that a PBX does not speak of a user any more.
enum Silence {
    /// It never did.
    Unchanged,
    /// Others do.
    LessSaid,
    /// Nobody does.
    Defunct,
}
