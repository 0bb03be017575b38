//! Slaves: found through the objects that stand for them, and where they are.

use super::{Key, MAX_DEPTH, MAX_PBXS, STAGGER_MS, Slave, ToPbxs, Tree};
use crate::fact::UserInfo;
use crate::id::{Attempt, Link, PbxId};
use crate::pbx::PbxInput;
use crate::place::Place;
use std::sync::Arc;

/// What came of the answer to `LocationUrl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// There it is.
    At(Arc<Place>),
    /// The parent does not know where it is, although its object says that it is registered.
    Nowhere,
    /// It is not registered at its parent.
    Offline,
    /// The answer is no URL that could be meant.
    Unreadable,
    /// It would have to be asked without TLS although its parent is not, and the settings do not
    /// allow that: account and password would be sent in the clear.
    Plain(Arc<Place>),
}

/// What came of the record of a PBX object.
pub(in crate::estate) enum Found {
    /// Nothing to say about it.
    Known,
    /// There are too many PBXs already.
    TooMany,
    /// It is further from the settings than anybody looks.
    TooDeep,
}

/// Most objects of one PBX that are kept because they may stand for another one (I-24).
const MAX_UNCLEAR: usize = 256;

/// Whether an object says itself that it stands for another PBX.
#[must_use]
pub fn is_location(user: &UserInfo) -> bool {
    !user.cn.is_empty() && &*user.object == "loc"
}

/// The name by which objects at home at a PBX refer to it, if an object stands for that PBX: its
/// Short Name, in small letters. `None` if it has none.
#[must_use]
pub fn location_name(user: &UserInfo) -> Option<Box<str>> {
    let name = user.h323.text();
    (!name.is_empty()).then(|| name.to_lowercase().into())
}

impl Tree {
    /// Whether an object stands for another PBX. Its type should say so; where it says nothing or
    /// something else, the object is known by its Short Name, as soon as somebody is said to be at
    /// home there (the PBX's SOAP reference, 4.5).
    pub(in crate::estate) fn stands_for_pbx(&self, pbx: PbxId, user: &UserInfo) -> bool {
        is_location(user)
            || location_name(user).is_some_and(|name| {
                self.node(pbx).is_some_and(|node| node.elsewhere.contains(&name))
            })
    }

    /// An object may be at home at another PBX; its name if that is heard of for the first time.
    pub(in crate::estate) fn note_home(&mut self, pbx: PbxId, user: &UserInfo) -> Option<Box<str>> {
        if !user.active || user.loc.is_empty() || self.is_home(pbx, user) {
            return None;
        }
        let node = self.node_mut(pbx)?;
        let name: Box<str> = user.loc.to_lowercase().into();
        let is_news = node.elsewhere.len() < MAX_PBXS && node.elsewhere.insert(name.clone());
        is_news.then_some(name)
    }

    /// Keeps an object that is no user's, or forgets it.
    pub(in crate::estate) fn keep_unclear(&mut self, pbx: PbxId, user: &UserInfo) {
        let (Some(node), Some(name)) = (self.node_mut(pbx), location_name(user)) else { return };
        if !user.active {
            node.unclear.remove(&name);
        } else if node.unclear.len() < MAX_UNCLEAR || node.unclear.contains_key(&name) {
            node.unclear.insert(name, Arc::new(user.clone()));
        }
    }

    /// The object of that name that was kept.
    pub(in crate::estate) fn take_unclear(
        &mut self,
        pbx: PbxId,
        name: &str,
    ) -> Option<Arc<UserInfo>> {
        self.node_mut(pbx)?.unclear.remove(name)
    }

    /// Takes in what a PBX says of an object that stands for another one. PBXs that are gone with
    /// it are added to `gone`, slaves before their parents.
    pub(in crate::estate) fn location(
        &mut self,
        parent: PbxId,
        attempt: Attempt,
        user: &UserInfo,
        inputs: &mut ToPbxs,
        gone: &mut Vec<PbxId>,
    ) -> Found {
        let name = if user.h323.is_empty() { &user.cn } else { &user.h323 };
        let own = self.identified(parent).map_or("", |identified| &*identified.location);
        // The object that stands for the PBX itself leads nowhere, and one that is registered at
        // another PBX is for that one to report.
        if name.text().eq_ignore_ascii_case(own) || !self.is_home(parent, user) {
            return Found::Known;
        }
        let key = Key::Slave(parent, name.text().to_lowercase().into());
        if !user.active {
            let by_object = |tree: &Tree, id: &PbxId| {
                let slave = tree.node(*id).and_then(|node| node.slave.as_ref());
                slave.is_some_and(|slave| slave.object == user.guid)
            };
            let known = self.by_key.get(&key).copied();
            if let Some(id) = known.or_else(|| self.children(parent).find(|id| by_object(self, id)))
            {
                self.remove(id, gone);
            }
            return Found::Known;
        }
        let depth = self.node(parent).map_or(0, |node| node.depth) + 1;
        if depth > MAX_DEPTH {
            return Found::TooDeep;
        }
        let Some(id) = self.number(key, depth) else { return Found::TooMany };
        let was_followed = self.is_followed(id);
        let by = self.boxes(Link { pbx: parent, attempt });
        let before = self.children(parent).filter(|other| self.is_followed(*other)).count();
        let Some(node) = self.node_mut(id) else { return Found::Known };
        let before_this = node.slave.as_ref();
        let seen = before_this.map_or(attempt, |slave| slave.seen.max(attempt));
        let by = before_this.map_or(by, |slave| slave.by.and(by));
        let (object, online) = (user.guid, user.registered);
        let slave = Slave { name: name.text().into(), object, seen, by, online };
        let was_online = node.slave.replace(slave).is_some_and(|slave| slave.online);
        node.wanted = true;
        node.remembered = false;
        let online = user.registered;
        if !was_followed && self.is_followed(id) {
            let pause_ms = STAGGER_MS * u32::try_from(before).unwrap_or(0);
            inputs.extend(self.beginning(id, pause_ms).map(|input| (id, input)));
        } else if self.is_followed(id) {
            match (was_online, online) {
                // Perhaps it is another box that registered in its place.
                (_, true) => inputs.push((id, PbxInput::Look)),
                (true, false) => inputs.push((id, PbxInput::Check)),
                (false, false) => {}
            }
        }
        Found::Known
    }

    /// All objects have been reported once in that attempt: slaves that were not are gone.
    pub(in crate::estate) fn end(
        &mut self,
        parent: PbxId,
        attempt: Attempt,
        gone: &mut Vec<PbxId>,
    ) {
        let speaks = self.boxes(Link { pbx: parent, attempt });
        // A box that stands in for its PBX may not know yet what that has told.
        let is_unseen = |id: &PbxId| {
            let slave = self.node(*id).and_then(|node| node.slave.as_ref());
            slave.is_some_and(|slave| slave.seen < attempt && slave.by.include(speaks))
        };
        let unseen: Vec<PbxId> = self.children(parent).filter(is_unseen).collect();
        unseen.into_iter().for_each(|id| self.remove(id, gone));
    }

    /// A slave is gone, and all that were found through it.
    fn remove(&mut self, id: PbxId, gone: &mut Vec<PbxId>) {
        let below: Vec<PbxId> = self.children(id).collect();
        below.into_iter().for_each(|child| self.remove(child, gone));
        let Some(node) = self.node_mut(id) else { return };
        node.remembered = false;
        let known = std::mem::take(&mut node.wanted) || !node.lines.is_empty();
        if known {
            gone.push(id);
        }
    }

    /// A PBX is not looked after any more.
    pub(in crate::estate) fn leave(&mut self, id: PbxId) {
        let Some(node) = self.node_mut(id) else { return };
        node.alive = false;
        node.sessions.clear();
        node.double_of = None;
    }

    /// Whether account and password of a slave would be sent in the clear there, although its parent
    /// is asked over TLS, and the settings do not allow that.
    pub(super) fn is_too_plain(&self, id: PbxId, place: &Place) -> bool {
        let parent = match self.node(id).map(|node| &node.key) {
            Some(Key::Slave(parent, _)) => self.node(*parent),
            _ => None,
        };
        let is_secret = parent.is_some_and(|parent| parent.places.iter().any(|p| p.https));
        is_secret && !place.https && !self.allow_plain
    }

    /// A PBX without a session could not be asked, or does not know where it is itself: its slaves
    /// of the last session of the telephony server are looked for where they were.
    pub(in crate::estate) fn recall(&mut self, parent: PbxId) -> ToPbxs {
        if self.is_present(parent) || self.node(parent).is_none_or(|node| node.double_of.is_some())
        {
            return ToPbxs::new();
        }
        let is_remembered = |id: &PbxId| self.node(*id).is_some_and(|node| node.remembered);
        let slaves: Vec<PbxId> = self.children(parent).filter(is_remembered).collect();
        let mut inputs = ToPbxs::new();
        for (before, id) in (0..).zip(slaves) {
            let Some(node) = self.node_mut(id) else { continue };
            (node.wanted, node.remembered) = (true, false);
            if self.is_followed(id) {
                let beginning = self.beginning(id, STAGGER_MS.saturating_mul(before));
                inputs.extend(beginning.map(|input| (id, input)));
            }
        }
        inputs
    }

    /// Takes in where a slave's parent says that it is. Its own slaves have to ask there.
    pub(in crate::estate) fn locate(
        &mut self,
        id: PbxId,
        url: &str,
        inputs: &mut ToPbxs,
    ) -> Located {
        if url.trim().is_empty() {
            let slave = self.node(id).and_then(|node| node.slave.as_ref());
            let is_online = slave.is_some_and(|slave| slave.online);
            return if is_online { Located::Nowhere } else { Located::Offline };
        }
        let Some(place) = Place::read(url).map(Arc::new) else { return Located::Unreadable };
        if self.is_too_plain(id, &place) {
            return Located::Plain(place);
        }
        let Some(node) = self.node_mut(id) else { return Located::Nowhere };
        if node.places != [Arc::clone(&place)] {
            node.places = vec![Arc::clone(&place)];
            let children: Vec<PbxId> = self.children(id).collect();
            let children = children.into_iter().filter(|child| self.is_followed(*child));
            inputs.extend(children.filter_map(|child| Some((child, self.beginning(child, 0)?))));
        }
        Located::At(place)
    }
}
