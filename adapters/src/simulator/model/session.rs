//! Sessions: what each client may see, what it monitors, and the events that wait for it.

use super::leg::LegId;
use super::object::ObjectId;
use crate::soap::Interface;
use crate::soap::types::{CallInfo, No, UserInfo};
use engine::id::{CallHandle, UserHandle};
use engine::time::Millis;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Events that may wait for one session; a client that never polls loses it beyond that.
pub(super) const QUEUE_LIMIT: usize = 200_000;

/// Events besides the snapshot in one result of `Poll`.
pub(super) const BATCH_LIMIT: usize = 200;

/// A connection, as the server counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// A `Poll` that waits for events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub(super) session: u32,
    /// Tells this session from one of the same number after a reboot.
    pub(super) key: u32,
    /// Which Poll of the session: a newer one takes its place.
    pub(super) serial: u32,
    /// When it gets an empty result.
    pub until: Millis,
}

/// Something to be told by `Poll`.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    User(Box<UserInfo>),
    Call(CallInfo),
}

/// A user whose calls are told to a session.
#[derive(Clone, Debug)]
pub(super) struct Monitor {
    pub(super) object: ObjectId,
    /// Legs are cleared in two steps.
    pub(super) disc: bool,
    /// Only the legs of this device. The outer `None` is all; the inner one is a device that the
    /// user does not have.
    pub(super) device: Option<Option<usize>>,
}

impl Monitor {
    /// Whether it is told of a leg that is at this device, or at any.
    pub(super) fn hears(&self, device: Option<usize>) -> bool {
        match (self.device, device) {
            (None, _) => true,
            (Some(None), _) => false,
            (Some(Some(_)), None) => true,
            (Some(Some(wanted)), Some(device)) => wanted == device,
        }
    }
}

/// One client's view of the PBX.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) key: u32,
    pub(super) user: ObjectId,
    pub(super) interface: Interface,
    queue: VecDeque<Happening>,
    /// Objects of the snapshot that were not told yet; `None` when it has ended.
    pub(super) snapshot: Option<VecDeque<ObjectId>>,
    monitors: BTreeMap<UserHandle, Monitor>,
    by_object: BTreeSet<(ObjectId, UserHandle)>,
    connections: BTreeSet<ConnectionId>,
    /// Since when no connection is open that used it.
    pub(super) alone_since: Option<Millis>,
    /// Serial number of the newest Poll.
    pub(super) polls: u32,
    pub(super) overflowed: bool,
    /// The phones have turned away from the box since it began.
    pub(super) is_left: bool,
}

impl Session {
    pub(super) fn new(
        key: u32,
        user: ObjectId,
        interface: Interface,
        snapshot: VecDeque<ObjectId>,
    ) -> Session {
        Session {
            key,
            user,
            interface,
            queue: VecDeque::new(),
            snapshot: Some(snapshot),
            monitors: BTreeMap::new(),
            by_object: BTreeSet::new(),
            connections: BTreeSet::new(),
            alone_since: None,
            polls: 0,
            overflowed: false,
            is_left: false,
        }
    }

    pub(super) fn push(&mut self, happening: Happening) {
        if self.queue.len() >= QUEUE_LIMIT {
            self.overflowed = true;
        } else {
            self.queue.push_back(happening);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Happening> {
        self.queue.pop_front()
    }

    /// Whether everything was fetched.
    pub(super) fn is_quiet(&self) -> bool {
        self.queue.is_empty() && self.snapshot.is_none()
    }

    pub(super) fn used_by(&mut self, connection: ConnectionId) {
        self.connections.insert(connection);
        self.alone_since = None;
    }

    pub(super) fn left_by(&mut self, connection: ConnectionId, now: Millis) {
        if self.connections.remove(&connection) && self.connections.is_empty() {
            self.alone_since = Some(now);
        }
    }

    pub(super) fn watch(&mut self, handle: UserHandle, monitor: Monitor) {
        self.by_object.insert((monitor.object, handle));
        self.monitors.insert(handle, monitor);
    }

    pub(super) fn unwatch(&mut self, handle: UserHandle) -> Option<Monitor> {
        let monitor = self.monitors.remove(&handle)?;
        self.by_object.remove(&(monitor.object, handle));
        Some(monitor)
    }

    pub(super) fn monitor(&self, handle: UserHandle) -> Option<&Monitor> {
        self.monitors.get(&handle)
    }

    /// Handles of an object, oldest first.
    pub(super) fn watching(&self, object: ObjectId) -> Vec<UserHandle> {
        let range = (object, UserHandle(0))..=(object, UserHandle(u32::MAX));
        self.by_object.range(range).map(|(_, handle)| *handle).collect()
    }
}

/// What a leg is called in one session.
#[derive(Clone, Debug)]
pub(super) struct Naming {
    pub(super) session: u32,
    /// The user handle it belongs to; `None` for a parked call at somebody not monitored.
    pub(super) user: Option<UserHandle>,
    pub(super) leg: LegId,
    /// Parties of the last event, for those who are told changes only.
    pub(super) told: Vec<No>,
}

/// All handles given out. They are unique over the sessions, because most operations name a
/// handle and no session; after a boot the count starts again.
#[derive(Clone, Debug, Default)]
pub(super) struct Handles {
    users: BTreeMap<UserHandle, u32>,
    names: BTreeMap<CallHandle, Naming>,
    of: BTreeMap<(u32, Option<UserHandle>, LegId), CallHandle>,
    last_user: u32,
    last_call: u32,
}

/// Call handles start here, so that a mistaken user handle names no call.
const FIRST_CALL: u32 = 7000;

impl Handles {
    pub(super) fn new_user(&mut self, session: u32) -> UserHandle {
        self.last_user += 1;
        self.users.insert(UserHandle(self.last_user), session);
        UserHandle(self.last_user)
    }

    /// The session that a user handle belongs to.
    pub(super) fn session_of(&self, user: UserHandle) -> Option<u32> {
        self.users.get(&user).copied()
    }

    /// The handle of a leg, new if it had none.
    pub(super) fn name(
        &mut self,
        session: u32,
        user: Option<UserHandle>,
        leg: LegId,
    ) -> CallHandle {
        if let Some(handle) = self.of.get(&(session, user, leg)) {
            return *handle;
        }
        let handle = self.new_call();
        self.of.insert((session, user, leg), handle);
        self.names.insert(handle, Naming { session, user, leg, told: Vec::new() });
        handle
    }

    /// A handle of nothing that lasts.
    pub(super) fn new_call(&mut self) -> CallHandle {
        self.last_call += 1;
        CallHandle(FIRST_CALL + self.last_call)
    }

    /// The handle of a leg, if it has one.
    pub(super) fn known(
        &self,
        session: u32,
        user: Option<UserHandle>,
        leg: LegId,
    ) -> Option<CallHandle> {
        self.of.get(&(session, user, leg)).copied()
    }

    pub(super) fn naming(&self, handle: CallHandle) -> Option<&Naming> {
        self.names.get(&handle)
    }

    pub(super) fn naming_mut(&mut self, handle: CallHandle) -> Option<&mut Naming> {
        self.names.get_mut(&handle)
    }

    /// The handles of a leg, in all sessions.
    pub(super) fn of_leg(&self, leg: LegId) -> Vec<(CallHandle, u32)> {
        let named = self.names.iter().filter(|(_, naming)| naming.leg == leg);
        named.map(|(handle, naming)| (*handle, naming.session)).collect()
    }

    pub(super) fn forget_call(&mut self, handle: CallHandle) {
        if let Some(naming) = self.names.remove(&handle) {
            self.of.remove(&(naming.session, naming.user, naming.leg));
        }
    }

    pub(super) fn forget_user(&mut self, user: UserHandle) {
        self.users.remove(&user);
        self.forget_calls(|naming| naming.user == Some(user));
    }

    pub(super) fn forget_session(&mut self, session: u32) {
        self.users.retain(|_, of| *of != session);
        self.forget_calls(|naming| naming.session == session);
    }

    pub(super) fn forget_all_calls(&mut self) {
        self.forget_calls(|_| true);
    }

    pub(super) fn forget_leg(&mut self, leg: LegId) {
        self.forget_calls(|naming| naming.leg == leg);
    }

    fn forget_calls(&mut self, matches: impl Fn(&Naming) -> bool) {
        let gone: Vec<CallHandle> =
            self.names.iter().filter(|(_, n)| matches(n)).map(|(handle, _)| *handle).collect();
        for handle in gone {
            self.forget_call(handle);
        }
    }
}
