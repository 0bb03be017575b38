//! A pure model of a PBX: it owns the truth about users, calls and sessions.
//!
//! Nothing here knows a clock, a socket or chance: time comes in as [`Millis`], identifiers and
//! keys follow from a seed, and a `Poll` that must wait says until when. So the model can be driven
//! by a server in real time, and by a simulation in virtual time with several PBXs side by side.
//!
//! The grammar of [`PbxModel`]:
//! - asked by clients: [`PbxModel::request`], then [`PbxModel::poll`] while it says to wait;
//! - told of the wire: [`PbxModel::connection_closed`], and [`PbxModel::advance`] when
//!   [`PbxModel::next_due`] has come;
//! - done by people: the functions of `phone.rs`;
//! - done by the administrator: [`PbxModel::add_user`] and the like, [`PbxModel::reboot`].

mod abroad;
mod admin;
mod clear;
mod directory;
mod divert;
mod feature;
mod keys;
mod leg;
mod listing;
mod numbering;
mod object;
mod order;
mod phone;
mod picture;
mod poll;
mod record;
mod request;
mod session;
mod setup;
mod site;
mod telling;
#[cfg(test)]
mod tests;
mod transfer;

pub use abroad::Signal;
pub use admin::Administered;
pub use leg::Phase;
pub use listing::{ListedCall, ListedLeg, ListedUser};
pub use object::ObjectId;
pub use phone::{FarAction, Refusal, Trait};
pub use poll::Polled;
pub use request::{Account, Asker, Outcome, Reply};
pub use session::{ConnectionId, Ticket};
pub use site::Replica;

use crate::simulator::estate::{Estate, Location, User};
use crate::simulator::switches::Switches;
use crate::soap::Kind;
use engine::id::Guid;
use engine::time::Millis;
use leg::Legs;
use object::{Directory, Object};
use session::{Handles, Session};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// One PBX.
#[derive(Clone)]
pub struct PbxModel {
    /// What is not known of a real PBX.
    pub switches: Switches,
    system: String,
    name: String,
    firmware: String,
    serial: String,
    admin_password: String,
    locations: Vec<Location>,
    directory: Directory,
    legs: Legs,
    sessions: BTreeMap<u32, Session>,
    handles: Handles,
    last_session: u32,
    /// The snapshot of a new session runs from the last object to the first.
    reverse: bool,
    /// Objects whose counters may have changed.
    touched: BTreeSet<ObjectId>,
    random: Random,
    now: Millis,
    down_until: Option<Millis>,
    boots: u32,
    counts: BTreeMap<Kind, u64>,
    last_dialled: String,
    /// The most records that a `FindUser` wanted.
    most_wanted: u32,
    /// It stands by for another PBX, which serves.
    stands_by: bool,
    /// The PBX that it is registered at.
    parent: Option<String>,
    /// The PBXs of its tree that calls can go to.
    within_reach: Arc<BTreeSet<String>>,
    /// What other PBXs are to hear.
    signals: Vec<Signal>,
}

impl PbxModel {
    /// A PBX with this estate. The same seed gives the same identifiers and keys.
    #[must_use]
    pub fn new(estate: &Estate, seed: u64) -> PbxModel {
        PbxModel {
            switches: Switches::default(),
            system: estate.system.clone(),
            name: estate.name.clone(),
            firmware: estate.firmware.clone(),
            serial: estate.serial.clone(),
            admin_password: estate.admin_password.clone(),
            locations: estate.locations.clone(),
            directory: Directory::new(estate),
            legs: Legs::default(),
            sessions: BTreeMap::new(),
            handles: Handles::default(),
            last_session: 0,
            reverse: false,
            touched: BTreeSet::new(),
            random: Random(seed),
            now: Millis(0),
            down_until: None,
            boots: 0,
            counts: BTreeMap::new(),
            last_dialled: String::new(),
            most_wanted: 0,
            stands_by: false,
            parent: None,
            within_reach: Arc::default(),
            signals: Vec::new(),
        }
    }

    // ---- time ------------------------------------------------------------------------------

    /// Lets time pass: ends sessions whose last connection closed long ago, diverts calls that
    /// nobody answered, and boots.
    pub fn advance(&mut self, now: Millis) {
        self.now = self.now.max(now);
        if self.down_until.is_some_and(|until| until <= self.now) {
            self.down_until = None;
        }
        let linger = self.switches.session_linger_ms;
        let dead = |session: &Session| {
            session.overflowed
                || session.alone_since.is_some_and(|since| since + linger <= self.now)
        };
        let dead: Vec<u32> =
            self.sessions.iter().filter(|(_, s)| dead(s)).map(|(number, _)| *number).collect();
        for session in dead {
            self.drop_session(session);
        }
        self.divert_unanswered();
    }

    /// When [`PbxModel::advance`] would next do something.
    #[must_use]
    pub fn next_due(&self) -> Option<Millis> {
        let linger = self.switches.session_linger_ms;
        let reaping = self.sessions.values().filter_map(|session| session.alone_since);
        let reaping = reaping.map(|since| since + linger);
        reaping.chain(self.down_until).chain(self.next_unanswered()).min()
    }

    /// A connection closed. A session ends some time after the last connection that used it.
    pub fn connection_closed(&mut self, connection: ConnectionId, now: Millis) {
        self.advance(now);
        for session in self.sessions.values_mut() {
            session.left_by(connection, self.now);
        }
    }

    /// Drops all sessions and is not there until `seconds` have passed; session numbers and
    /// handles start again. Calls go on, as they do between phones; with `lose_calls` they are
    /// gone, and nobody is told.
    pub fn reboot(&mut self, now: Millis, down_ms: u64, lose_calls: bool) {
        self.advance(now);
        self.boots += 1;
        self.down_until = Some(self.now + down_ms);
        self.sessions.clear();
        self.handles = Handles::default();
        self.last_session = 0;
        if lose_calls {
            self.legs = Legs::default();
        }
    }

    /// Forgets all sessions, as a box does that has run out of something. Nobody is told.
    pub fn forget_sessions(&mut self) {
        for session in self.sessions.keys().copied().collect::<Vec<_>>() {
            self.drop_session(session);
        }
    }

    /// Whether it is booting.
    #[must_use]
    pub fn is_down(&self, now: Millis) -> bool {
        self.down_until.is_some_and(|until| now < until)
    }

    /// How often it was rebooted: when this changes, all connections break.
    #[must_use]
    pub fn boots(&self) -> u32 {
        self.boots
    }

    // ---- the administrator -----------------------------------------------------------------

    /// Adds a user to the groups that the other users are in.
    ///
    /// # Errors
    /// [`Refusal`] if the number or the name is taken.
    pub fn add_user(&mut self, extension: &str, cn: &str) -> Result<(), Refusal> {
        if self.directory.numbered(extension).is_some() {
            return Err(Refusal::Taken { what: "extension", value: extension.into() });
        }
        if cn.is_empty() || self.directory.named(cn).is_some() {
            return Err(Refusal::Taken { what: "name", value: cn.into() });
        }
        let h323 = format!("user{extension}");
        if self.directory.short_named(&h323).is_some() {
            return Err(Refusal::Taken { what: "short name", value: h323 });
        }
        let phones = self.directory.iter().filter(|(_, object)| object.is_phone());
        let groups = phones.flat_map(|(_, object)| object.groups.keys().cloned());
        let user = User {
            cn: cn.into(),
            h323: Some(h323.clone()),
            e164: extension.into(),
            // A new identity each time, also for a name that was there before.
            guid: Some(self.random.guid().to_string()),
            kind: "ep".into(),
            groups: groups.collect::<BTreeSet<_>>().into_iter().collect(),
            devices: vec![crate::simulator::estate::Device { hw: h323, text: "Phone".into() }],
            registered: true,
            node: "root".into(),
            ..User::default()
        };
        let object = self.directory.add(Object::new(&user));
        self.tell_object(object, false);
        Ok(())
    }

    /// Removes a user; its calls end first.
    ///
    /// # Errors
    /// [`Refusal`] if there is none.
    pub fn remove_user(&mut self, extension: &str) -> Result<(), Refusal> {
        let object = self.extension(extension)?;
        for leg in self.legs.at(object).map(|(id, _)| id).collect::<Vec<_>>() {
            self.clear_call(leg, 27);
        }
        self.settle();
        self.tell_object_gone(object);
        self.directory.remove(object);
        Ok(())
    }

    /// Gives a user another long name; its identity stays.
    ///
    /// # Errors
    /// [`Refusal`] if there is no such user, or the name is taken.
    pub fn rename(&mut self, extension: &str, cn: &str) -> Result<(), Refusal> {
        let object = self.extension(extension)?;
        if cn.is_empty() || self.directory.named(cn).is_some() {
            return Err(Refusal::Taken { what: "name", value: cn.into() });
        }
        self.directory.rename(object, cn);
        self.tell_object(object, true);
        Ok(())
    }

    /// Chooses the order of later snapshots.
    pub fn set_reverse_order(&mut self, reverse: bool) {
        self.reverse = reverse;
    }

    // ---- what tests and the control want to know -----------------------------------------------

    /// Number of live sessions.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// The keys of the live sessions.
    #[must_use]
    pub fn session_keys(&self) -> Vec<u32> {
        self.sessions.values().map(|session| session.key).collect()
    }

    /// How many requests of this kind came.
    #[must_use]
    pub fn request_count(&self, kind: Kind) -> u64 {
        self.counts.get(&kind).copied().unwrap_or(0)
    }

    /// The most records that a `FindUser` wanted at once, 0 if none came: more than 50 may crash a
    /// real PBX.
    #[must_use]
    pub fn most_wanted(&self) -> u32 {
        self.most_wanted
    }

    /// Number of the latest `UserCall`.
    #[must_use]
    pub fn last_dialled(&self) -> &str {
        &self.last_dialled
    }

    /// Whether no call is left, and every session has fetched all its events.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.legs.is_empty() && self.sessions.values().all(Session::is_quiet)
    }

    /// Whether a session has fetched all its events, or is gone.
    #[must_use]
    pub fn is_fetched(&self, session: u32) -> bool {
        self.sessions.get(&session).is_none_or(Session::is_quiet)
    }

    /// The password of an account, and whose it is. Accounts are `admin`, and the short names of
    /// users that have a password.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<(Account, &str)> {
        if name == "admin" {
            return Some((Account::Administrator, &self.admin_password));
        }
        let id = self.directory.short_named(name)?;
        let password = self.directory.get(id)?.password.as_deref()?;
        Some((Account::User(id), password))
    }

    // ---- sessions --------------------------------------------------------------------------

    fn open_session(&mut self, user: ObjectId, session: Session) -> (u32, u32) {
        debug_assert_eq!(user, session.user);
        self.last_session += 1;
        let key = session.key;
        self.sessions.insert(self.last_session, session);
        (self.last_session, key)
    }

    fn drop_session(&mut self, number: u32) {
        self.sessions.remove(&number);
        self.handles.forget_session(number);
        self.sweep_lingering();
        self.settle();
    }

    /// The objects of a snapshot, in order: the session user first.
    fn snapshot_of(&self, user: ObjectId) -> VecDeque<ObjectId> {
        let mut scope = self.directory.scope(user);
        if self.reverse && scope.len() > 1 {
            scope[1..].reverse();
        }
        scope.into()
    }
}

/// A source of identifiers: the same seed gives the same ones (splitmix64).
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn guid(&mut self) -> Guid {
        let (high, low) = (self.next().to_be_bytes(), self.next().to_be_bytes());
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high);
        bytes[8..].copy_from_slice(&low);
        Guid(bytes)
    }

    /// A session key: positive, 31 bits.
    fn key(&mut self) -> u32 {
        (self.next() as u32 & 0x7FFF_FFFF).max(1)
    }
}
