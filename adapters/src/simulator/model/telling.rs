//! Who is told of what: events go to the queue of every session that may see them.

use super::leg::{Leg, LegId, Party};
use super::object::ObjectId;
use super::session::Happening;
use super::{PbxModel, picture};
use crate::simulator::switches::{DiscEvent, NoContent, SetupProgress};
use crate::soap::types::CallInfo;
use engine::id::{CallHandle, UserHandle};

impl PbxModel {
    /// Tells all who monitor the leg of its present state.
    pub(super) fn tell(&mut self, leg: LegId, msg: &'static str) {
        let Some(known) = self.legs.get_mut(leg) else { return };
        known.last_msg = msg;
        if known.wire.is_some() {
            return self.tell_abroad(leg, msg);
        }
        let (object, silent) = (known.object, self.is_skipped_step(msg));
        self.touched.insert(object);
        if silent {
            return;
        }
        for (session, user) in self.audience(leg) {
            self.tell_one(session, user, leg, msg);
        }
    }

    /// Tells one monitor of the leg.
    pub(super) fn tell_one(&mut self, session: u32, user: UserHandle, leg: LegId, msg: &str) {
        let handle = self.handles.name(session, Some(user), leg);
        let Some(known) = self.legs.get(leg) else { return };
        let mut info = self.call_record(known, msg);
        info.user = user;
        info.call = handle;
        if self.switches.no_content == NoContent::Changed
            && let Some(naming) = self.handles.naming_mut(handle)
        {
            let now = info.no.clone();
            info.no.retain(|party| !naming.told.contains(party));
            naming.told = now;
        }
        self.queue_call(session, info);
    }

    /// A leg as it is told.
    pub(super) fn call_record(&self, leg: &Leg, msg: &str) -> CallInfo {
        let number_for = |party: &Party| self.number_for(leg.object, party);
        picture::call(leg, self.directory.get(leg.object), number_for, msg)
    }

    /// Tells all who know of the leg that it was cleared, and that it is gone. With `linger`,
    /// those who asked for two steps hear of the second one later; returns whether there are any.
    pub(super) fn tell_cleared(&mut self, leg: LegId, msg: &'static str, linger: bool) -> bool {
        let Some(known) = self.legs.get_mut(leg) else { return false };
        known.last_msg = msg;
        let object = known.object;
        self.touched.insert(object);
        let mut waits = false;
        for (session, user) in self.audience(leg) {
            let disc = linger && self.monitor_wants_disc(session, user);
            waits |= disc;
            if disc || self.switches.disc_event == DiscEvent::BeforeDel {
                self.tell_one(session, user, leg, if disc { "r-disc" } else { msg });
            }
            if !disc {
                self.tell_del(session, Some(user), leg);
            }
        }
        waits
    }

    /// Tells the last event of a leg to one monitor, and forgets its handle there.
    pub(super) fn tell_del(&mut self, session: u32, user: Option<UserHandle>, leg: LegId) {
        let Some(handle) = self.handles.known(session, user, leg) else { return };
        let state = self.legs.get(leg).map_or(0, Leg::state);
        if let Some(user) = user {
            self.queue_call(session, gone(user, handle, state));
        }
        self.handles.forget_call(handle);
    }

    /// Tells of an object as it is now.
    pub(super) fn tell_object(&mut self, id: ObjectId, cfg: bool) {
        let counters = self.counters(id);
        let Some(object) = self.directory.get_mut(id) else { return };
        object.told = counters;
        let Some(object) = self.directory.get(id) else { return };
        let mut info = picture::user(object, counters, &self.name, &self.switches);
        info.cfg = cfg;
        for session in self.sessions.values_mut() {
            if self.directory.sees(session.user, id) {
                session.push(Happening::User(Box::new(info.clone())));
            }
        }
    }

    /// Tells, once, that an object is no more.
    pub(super) fn tell_object_gone(&mut self, id: ObjectId) {
        let Some(object) = self.directory.get(id) else { return };
        let mut info = picture::user(object, (0, 0), &self.name, &self.switches);
        info.active = false;
        info.state = 0;
        for (number, session) in &mut self.sessions {
            if self.directory.sees(session.user, id) {
                session.push(Happening::User(Box::new(info.clone())));
            }
            for user in session.watching(id) {
                session.unwatch(user);
                self.handles.forget_user(user);
            }
            debug_assert!(*number > 0);
        }
    }

    /// Tells of the objects whose counters changed. Every public action ends with this.
    pub(super) fn settle(&mut self) {
        for id in std::mem::take(&mut self.touched) {
            let counters = self.counters(id);
            if self.directory.get(id).is_some_and(|object| object.told != counters) {
                self.tell_object(id, false);
            }
        }
    }

    /// How many calls an object has, and how many of them ring there.
    pub(super) fn counters(&self, id: ObjectId) -> (u32, u32) {
        let mut counters = (0, 0);
        for (_, leg) in self.legs.at(id).filter(|(_, leg)| leg.is_live()) {
            counters.0 += 1;
            counters.1 += u32::from(leg.is_ringing());
        }
        counters
    }

    /// The monitors that hear of a leg: session and user handle.
    pub(super) fn audience(&self, leg: LegId) -> Vec<(u32, UserHandle)> {
        let Some(known) = self.legs.get(leg) else { return Vec::new() };
        let mut audience = Vec::new();
        for (number, session) in &self.sessions {
            for user in session.watching(known.object) {
                if session.monitor(user).is_some_and(|monitor| monitor.hears(known.device)) {
                    audience.push((*number, user));
                }
            }
        }
        audience
    }

    fn monitor_wants_disc(&self, session: u32, user: UserHandle) -> bool {
        let monitor = self.sessions.get(&session).and_then(|session| session.monitor(user));
        monitor.is_some_and(|monitor| monitor.disc)
    }

    /// Whether a step between setup and connect is kept from everybody.
    fn is_skipped_step(&self, msg: &str) -> bool {
        self.switches.setup_progress == SetupProgress::SetupConnect
            && matches!(msg, "r-call-proc" | "x-call-proc" | "x-alert" | "r-alert")
    }

    pub(super) fn queue_call(&mut self, session: u32, info: CallInfo) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.push(Happening::Call(info));
        }
    }
}

/// The last event of a leg: nothing but its handles and its last state.
fn gone(user: UserHandle, call: CallHandle, state: u32) -> CallInfo {
    CallInfo { user, call, active: false, state, msg: "del".into(), ..CallInfo::default() }
}
