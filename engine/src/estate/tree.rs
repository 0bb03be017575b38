//! The PBXs of an estate: those of the settings, the slaves that were found through them, and what
//! is known of each.
//!
//! A number, once given to a PBX, is never given to another one in the same log: a PBX of the
//! settings is known by the address of its master, a slave by its parent and the Short Name of its
//! object there. So the settings may change their order, grow and shrink while all is running.

mod slaves;

pub(super) use self::slaves::Found;
pub use self::slaves::Located;
pub use self::slaves::{is_location, location_name};
use super::PbxInput;
use crate::effect::Limit;
use crate::fact::{Configuration, Identification, UserInfo};
use crate::id::{Attempt, Guid, LineId, Link, PbxId};
use crate::pbx::{Changes, Credentials, Reach};
use crate::place::Place;
use crate::subscriber::Subscriber;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most PBXs that one log can know (I-24), those that are gone included.
pub const MAX_PBXS: usize = 4096;

/// Slaves of slaves of slaves: deeper than this nobody looks (I-24).
pub const MAX_DEPTH: u8 = 16;

/// Slaves that are found together do not all ask at once where they are: each waits so long after
/// the one before it.
pub const STAGGER_MS: u32 = 50;

/// Most sessions of one PBX that are kept in mind: the present one, one on trial, and some whose
/// end was not noticed.
const MAX_SESSIONS: usize = 4;

/// Most boxes of one PBX that are told apart; any further ones count as one.
const MAX_BOXES: usize = 8;

/// Some of the boxes that have been one PBX, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Boxes(u8);

impl Boxes {
    /// The one that was known as the so-manieth, counted from 0.
    pub(super) fn nth(number: usize) -> Boxes {
        Boxes(1 << number.min(MAX_BOXES - 1))
    }

    /// These and those.
    pub(super) fn and(self, others: Boxes) -> Boxes {
        Boxes(self.0 | others.0)
    }

    /// Whether one of those is among these.
    pub(super) fn include(self, others: Boxes) -> bool {
        self.0 & others.0 != 0
    }
}

/// What is to be told to PBXs, in order.
pub(super) type ToPbxs = Vec<(PbxId, PbxInput)>;

/// All PBXs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tree {
    /// In the order of their numbers, which count from 0.
    boxes: Vec<Node>,
    by_key: BTreeMap<Key, PbxId>,
    pub(super) credentials: Credentials,
    follow_slaves: bool,
    allow_plain: bool,
}

/// How a PBX is known again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Key {
    /// Authority and path of its master, in small letters.
    Master(Box<str>, Box<str>),
    /// Its parent, and the Short Name of its object there, in small letters.
    Slave(PbxId, Box<str>),
}

/// One PBX.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Node {
    key: Key,
    /// Slaves between it and the settings.
    depth: u8,
    /// In the settings, or its object is in its parent's view.
    wanted: bool,
    /// A slave that was in view when the telephony server ended: it is looked for if its parent
    /// cannot be asked.
    remembered: bool,
    /// Where it may be: master and standby of the settings; for a slave where its parent last said.
    places: Vec<Arc<Place>>,
    slave: Option<Slave>,
    identified: Option<Identification>,
    /// The name it had when it was identified first, at the address of its master as a rule.
    first_name: Box<str>,
    /// It has told who it is, and has not been lost since.
    alive: bool,
    sessions: Vec<Session>,
    /// The same box under another number is looked after instead.
    double_of: Option<PbxId>,
    /// Whose users were heard of from here.
    lines: BTreeSet<LineId>,
    /// Boxes that have been this PBX: the one itself, those that stood in for it.
    boxes: Vec<Box<str>>,
    /// Names, in small letters, of other PBXs at which objects are said to be at home.
    elsewhere: BTreeSet<Box<str>>,
    /// Objects that are no users', by their Short Names in small letters: one may turn out to stand
    /// for another PBX.
    unclear: BTreeMap<Box<str>, Arc<UserInfo>>,
}

/// What a parent says of a slave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Slave {
    /// Short Name, as spelled.
    name: Box<str>,
    object: Guid,
    /// The latest attempt in which the parent spoke of it.
    seen: Attempt,
    /// Which boxes of the parent did.
    by: Boxes,
    online: bool,
}

/// A session that holds, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Session {
    attempt: Attempt,
    /// With the standby, which may hold an older picture of its master.
    standby: bool,
    /// With which of the boxes that have been this PBX.
    with: Boxes,
    /// What is other than before, while the objects are being reported for the first time.
    changes: Option<Changes>,
    /// Who users are as this session says, if it is tried beside another one: an idle box may have an
    /// older picture than the one that serves, and its word counts only once it serves itself.
    held_back: BTreeMap<LineId, Arc<Subscriber>>,
}

impl Node {
    /// Which box this is. What registers in the place of a slave has the slave's address at its
    /// parent, but the serial number of its own; a box that tells none is known by its address.
    fn box_at(&mut self, at: &Place) -> Boxes {
        let serial = self.identified.as_ref().map_or("", |identified| &*identified.serial);
        let is_told = self.slave.is_some() && !serial.is_empty();
        let name = if is_told { serial } else { &*at.authority };
        let known = self.boxes.iter().position(|known| **known == *name);
        let bit = known.unwrap_or_else(|| {
            if self.boxes.len() < MAX_BOXES {
                self.boxes.push(name.into());
            }
            self.boxes.len() - 1
        });
        Boxes::nth(bit)
    }
}

impl Tree {
    /// A session of the telephony server begins: no PBX has one any more.
    pub(super) fn started(&mut self) {
        for node in &mut self.boxes {
            node.remembered |= node.wanted && node.slave.is_some();
            node.wanted = false;
            node.alive = false;
            node.sessions.clear();
            node.double_of = None;
            if let Some(slave) = &mut node.slave {
                slave.online = false;
            }
        }
    }

    /// The settings in force from now on. PBXs that they do not name any more are the second part
    /// of the answer, their slaves before them.
    pub(super) fn configure(&mut self, configuration: &Configuration) -> (ToPbxs, Vec<PbxId>) {
        let mut too_many = None;
        let before: Vec<PbxId> = self.ids().filter(|id| self.is_followed(*id)).collect();
        let (user, access) = (configuration.user.clone(), configuration.access);
        self.credentials = Credentials { user, access };
        self.follow_slaves = configuration.monitor_slaves;
        self.allow_plain = configuration.allow_plain_slaves;
        for node in self.boxes.iter_mut().filter(|node| node.slave.is_none()) {
            node.wanted = false;
        }
        for settings in &configuration.pbxs {
            let master = &settings.master;
            let small = |text: &str| text.to_ascii_lowercase().into_boxed_str();
            let key = Key::Master(small(&master.authority), small(&master.path));
            let Some(id) = self.number(key, 0) else {
                too_many = Some((PbxId(0), PbxInput::Reached(Limit::Pbxs)));
                continue;
            };
            let places = std::iter::once(master).chain(&settings.standby);
            let places: Vec<_> = places.map(|place| Arc::new(place.clone())).collect();
            let node = &mut self.boxes[usize::from(id.0)];
            node.wanted = true;
            if node.places != places {
                node.places = places;
            }
        }
        let begun = self.ids().filter(|id| self.is_followed(*id));
        let begun = begun.filter_map(|id| Some((id, self.beginning(id, 0)?)));
        let begun = begun.chain(too_many).collect();
        // Of a PBX that left the settings while nothing ran, the lines are still known.
        let has_lines = |id: &PbxId| self.node(*id).is_some_and(|node| !node.lines.is_empty());
        let is_known = |id: &PbxId| before.contains(id) || has_lines(id);
        let mut gone: Vec<PbxId> =
            self.ids().filter(|id| !self.may_be_followed(*id) && is_known(id)).collect();
        gone.sort_by_key(|id| std::cmp::Reverse(self.boxes[usize::from(id.0)].depth));
        (begun, gone)
    }

    /// The number of the PBX of this key, given now if it had none; `None` if there are too many.
    fn number(&mut self, key: Key, depth: u8) -> Option<PbxId> {
        if let Some(id) = self.by_key.get(&key) {
            return Some(*id);
        }
        if self.boxes.len() >= MAX_PBXS {
            return None;
        }
        // The limit keeps the number within u16.
        let id = PbxId(u16::try_from(self.boxes.len()).ok()?);
        self.by_key.insert(key.clone(), id);
        self.boxes.push(Node {
            key,
            depth,
            wanted: false,
            remembered: false,
            places: Vec::new(),
            slave: None,
            identified: None,
            first_name: Box::default(),
            alive: false,
            sessions: Vec::new(),
            double_of: None,
            lines: BTreeSet::new(),
            boxes: Vec::new(),
            elsewhere: BTreeSet::new(),
            unclear: BTreeMap::new(),
        });
        Some(id)
    }

    /// Whether a PBX and all above it are to be looked after.
    pub(super) fn is_followed(&self, id: PbxId) -> bool {
        let Some(node) = self.node(id) else { return false };
        match &node.key {
            Key::Master(..) => node.wanted,
            Key::Slave(parent, _) => node.wanted && self.follow_slaves && self.is_followed(*parent),
        }
    }

    /// Whether the settings leave it open that a PBX is looked after.
    fn may_be_followed(&self, id: PbxId) -> bool {
        match self.node(id).map(|node| (&node.key, node.wanted)) {
            None => false,
            Some((Key::Master(..), wanted)) => wanted,
            Some((Key::Slave(parent, _), _)) => self.follow_slaves && self.may_be_followed(*parent),
        }
    }

    /// Whether a PBX is looked after, or may be found, that was not before.
    pub(super) fn is_new_against(&self, before: &Tree, id: PbxId) -> bool {
        self.may_be_followed(id) && !before.may_be_followed(id)
    }

    /// Where a PBX may be.
    pub(super) fn places(&self, id: PbxId) -> &[Arc<Place>] {
        self.node(id).map_or(&[], |node| &node.places)
    }

    /// With what a PBX begins, or goes on.
    fn beginning(&self, id: PbxId, pause_ms: u32) -> Option<PbxInput> {
        let node = self.node(id)?;
        let reach = match (&node.key, &node.slave, &node.places[..]) {
            (Key::Master(..), _, [master, rest @ ..]) => {
                Reach::Direct { master: Arc::clone(master), standby: rest.first().cloned() }
            }
            (Key::Slave(parent, _), Some(slave), places) => Reach::Through {
                parents: self.node(*parent)?.places.clone(),
                name: slave.name.clone(),
                last: places.first().filter(|place| !self.is_too_plain(id, place)).cloned(),
            },
            _ => return None,
        };
        let credentials = self.credentials.clone();
        Some(PbxInput::Configured { reach, credentials, pause_ms })
    }

    /// Whether a PBX is to be looked after, and no other one in its place.
    pub(super) fn is_wanted(&self, id: PbxId) -> bool {
        self.is_followed(id) && self.node(id).is_some_and(|node| node.double_of.is_none())
    }

    fn node(&self, id: PbxId) -> Option<&Node> {
        self.boxes.get(usize::from(id.0))
    }

    fn node_mut(&mut self, id: PbxId) -> Option<&mut Node> {
        self.boxes.get_mut(usize::from(id.0))
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = PbxId> + use<> {
        // MAX_PBXS is within u16.
        (0..self.boxes.len() as u16).map(PbxId)
    }

    fn children(&self, parent: PbxId) -> impl Iterator<Item = PbxId> {
        let from = Key::Slave(parent, Box::default());
        let of_parent = move |key: &Key| matches!(key, Key::Slave(of, _) if *of == parent);
        self.by_key.range(from..).take_while(move |(key, _)| of_parent(key)).map(|(_, id)| *id)
    }
}

// ---- what PBXs say of themselves --------------------------------------------------------------

impl Tree {
    /// What a PBX said of itself last.
    pub(super) fn identified(&self, id: PbxId) -> Option<&Identification> {
        self.node(id)?.identified.as_ref()
    }

    /// Where a PBX is reached, its master rather than its standby.
    pub(super) fn place(&self, id: PbxId) -> Option<&Place> {
        self.node(id)?.places.first().map(|place| &**place)
    }

    /// The PBX of the settings that a PBX was found through, or is.
    pub(super) fn root(&self, id: PbxId) -> PbxId {
        let mut root = id;
        // Slaves of slaves have an end.
        for _ in 0..=MAX_DEPTH {
            match self.node(root).map(|node| &node.key) {
                Some(Key::Slave(parent, _)) => root = *parent,
                _ => break,
            }
        }
        root
    }

    /// What a PBX is called, whoever stands in for it.
    pub(super) fn name(&self, id: PbxId) -> &str {
        let node = self.node(id);
        let slave = node.and_then(|node| node.slave.as_ref());
        slave.map_or(node.map_or("", |node| &node.first_name), |slave| &slave.name)
    }

    /// Where a PBX is looked for first.
    pub(super) fn first_place(&self, id: PbxId) -> Option<&Arc<Place>> {
        self.node(id)?.places.first()
    }

    /// Takes in what a PBX says of itself. Returns whether that is news.
    pub(super) fn identify(&mut self, id: PbxId, identification: &Identification) -> bool {
        let Some(node) = self.node_mut(id) else { return false };
        node.alive = true;
        if node.first_name.is_empty() {
            node.first_name = identification.location.clone();
        }
        let is_news = node.identified.as_ref() != Some(identification);
        if is_news {
            node.identified = Some(identification.clone());
        }
        is_news
    }

    /// Whether another PBX is the same box; then one of the two is to be left alone: the one that
    /// is further from the settings, or came later. The first of the answer is that one.
    pub(super) fn double(&mut self, id: PbxId) -> Option<(PbxId, PbxId)> {
        let this = self.node(id)?;
        let same = self.ids().find(|other| {
            *other != id && self.node(*other).is_some_and(|other| is_same_box(this, other))
        })?;
        let other = self.node(same)?;
        let (left, kept) = if this.depth < other.depth { (same, id) } else { (id, same) };
        let node = self.node_mut(left)?;
        node.double_of = Some(kept);
        node.alive = false;
        Some((left, kept))
    }

    /// PBXs that were left alone because of this one are worth another look.
    pub(super) fn undouble(&mut self, of: PbxId) -> ToPbxs {
        let doubles = self.doubles_of(of);
        for double in &doubles {
            self.boxes[usize::from(double.0)].double_of = None;
        }
        doubles.into_iter().map(|double| (double, PbxInput::Look)).collect()
    }

    /// PBXs that are left alone because of this one.
    pub(super) fn doubles_of(&self, of: PbxId) -> Vec<PbxId> {
        let is_double = |id: &PbxId| self.node(*id).is_some_and(|node| node.double_of == Some(of));
        self.ids().filter(is_double).collect()
    }

    /// A session begins.
    pub(super) fn session(&mut self, id: PbxId, attempt: Attempt, at: &Place) {
        let Some(node) = self.node_mut(id) else { return };
        let standby =
            node.slave.is_none() && node.places.get(1).is_some_and(|place| **place == *at);
        let with = node.box_at(at);
        node.alive = true;
        node.sessions.retain(|session| session.attempt != attempt);
        if node.sessions.len() >= MAX_SESSIONS {
            node.sessions.remove(0);
        }
        let (changes, held_back) = (Some(Changes::default()), BTreeMap::new());
        node.sessions.push(Session { attempt, standby, with, changes, held_back });
    }

    /// Whether that attempt has a session.
    pub(super) fn has_session(&self, id: PbxId, attempt: Attempt) -> bool {
        let sessions = self.node(id).map_or(&[][..], |node| &node.sessions);
        sessions.iter().any(|session| session.attempt == attempt)
    }

    /// Something is other than before; counted until all objects have been reported.
    pub(super) fn count(&mut self, link: Link, count: impl FnOnce(&mut Changes)) {
        if let Some(changes) = self.session_mut(link).and_then(|known| known.changes.as_mut()) {
            count(changes);
        }
    }

    /// All objects have been reported: what was counted.
    pub(super) fn counted(&mut self, link: Link) -> Changes {
        self.session_mut(link).and_then(|known| known.changes.take()).unwrap_or_default()
    }

    fn session_mut(&mut self, link: Link) -> Option<&mut Session> {
        let sessions = &mut self.node_mut(link.pbx)?.sessions;
        sessions.iter_mut().find(|session| session.attempt == link.attempt)
    }

    /// Whether that attempt's session is tried beside one that is older, and in use.
    pub(super) fn is_tried(&self, link: Link) -> bool {
        let sessions = self.node(link.pbx).map_or(&[][..], |node| &node.sessions);
        sessions.iter().any(|session| session.attempt < link.attempt)
    }

    /// Keeps who a user is as a session says that is only tried; `None` if he is who he was.
    pub(super) fn hold_back(&mut self, link: Link, line: LineId, who: Option<Arc<Subscriber>>) {
        let Some(session) = self.session_mut(link) else { return };
        match who {
            Some(who) => drop(session.held_back.insert(line, who)),
            None => drop(session.held_back.remove(&line)),
        }
    }

    /// The session that was tried is the only one now: what it said of users counts from now on.
    pub(super) fn take_held_back(&mut self, id: PbxId) -> BTreeMap<LineId, Arc<Subscriber>> {
        match self.node_mut(id).map(|node| &mut node.sessions[..]) {
            Some([session]) => std::mem::take(&mut session.held_back),
            _ => BTreeMap::new(),
        }
    }

    /// A PBX is asked who it is only when it has no session: those of attempts before are over, even
    /// if one of them was answered after it had been given up.
    pub(super) fn supersede(&mut self, link: Link) {
        if let Some(node) = self.node_mut(link.pbx) {
            node.sessions.retain(|session| session.attempt >= link.attempt);
        }
    }

    /// Whether that attempt has a session with a standby.
    pub(super) fn is_standby(&self, id: PbxId, attempt: Attempt) -> bool {
        let sessions = self.node(id).map_or(&[][..], |node| &node.sessions);
        sessions.iter().any(|session| session.attempt == attempt && session.standby)
    }

    /// With which of the boxes that have been this PBX that attempt has its session.
    pub(super) fn boxes(&self, link: Link) -> Boxes {
        let sessions = self.node(link.pbx).map_or(&[][..], |node| &node.sessions);
        let known = sessions.iter().find(|session| session.attempt == link.attempt);
        known.map_or(Boxes::default(), |session| session.with)
    }

    /// Whether a PBX has a session at all.
    pub(super) fn is_present(&self, id: PbxId) -> bool {
        self.node(id).is_some_and(|node| !node.sessions.is_empty())
    }

    /// Whether what a PBX said in that attempt still counts: it has a session, and has said so in it
    /// or has not told all of its objects yet. A standby may not know whom the box before it knew.
    pub(super) fn may_still_say(&self, id: PbxId, attempt: Attempt) -> bool {
        let sessions = self.node(id).map_or(&[][..], |node| &node.sessions);
        sessions.iter().any(|session| attempt >= session.attempt || session.changes.is_some())
    }

    /// An attempt is over. Returns whether the PBX is gone with it.
    pub(super) fn lost(&mut self, id: PbxId, attempt: Attempt) -> bool {
        let Some(node) = self.node_mut(id) else { return false };
        node.sessions.retain(|session| session.attempt != attempt);
        let is_gone = node.sessions.is_empty() && node.alive;
        node.alive = !node.sessions.is_empty();
        is_gone
    }

    /// Whether a record of this PBX is about an object of its own (the PBX's SOAP reference, 4.5).
    pub(super) fn is_home(&self, id: PbxId, user: &UserInfo) -> bool {
        let Some(node) = self.node(id) else { return true };
        let known = node.identified.as_ref().map_or("", |identified| &*identified.location);
        let names = [known, &node.first_name, node.slave.as_ref().map_or("", |slave| &*slave.name)];
        user.loc.is_empty()
            // A box that does not say who it is cannot be told from others.
            || known.is_empty()
            || names.iter().any(|name| user.loc.eq_ignore_ascii_case(name))
    }

    /// The lines that were heard of from a PBX.
    pub(super) fn lines(&self, id: PbxId) -> impl Iterator<Item = LineId> {
        self.node(id).into_iter().flat_map(|node| node.lines.iter().copied())
    }

    /// A line was heard of from a PBX, or is not any more.
    pub(super) fn note_line(&mut self, id: PbxId, line: LineId, there: bool) {
        let Some(node) = self.node_mut(id) else { return };
        if there {
            node.lines.insert(line);
        } else {
            node.lines.remove(&line);
        }
    }
}

fn is_same_box(one: &Node, other: &Node) -> bool {
    let (Some(a), Some(b)) = (&one.identified, &other.identified) else { return false };
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    other.alive
        && other.double_of.is_none()
        && !a.location.is_empty()
        && same(&a.system, &b.system)
        && same(&a.location, &b.location)
        && (a.serial.is_empty() || b.serial.is_empty() || same(&a.serial, &b.serial))
}
