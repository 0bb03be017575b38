//! What the operations do that have more to them than one step of a call: sessions, monitors, and
//! the calls that a client begins.

use super::leg::{Leg, LegId, Party, Target};
use super::object::{Object, ObjectId};
use super::request::{Account, Asker, Astray};
use super::session::{Monitor, Session};
use super::{PbxModel, Phase, picture};
use crate::simulator::switches::{IdleStandby, ReplayMsg, UnknownFlags, UserCallMode};
use crate::soap::Answer;
use crate::soap::types::{CallInfo, Info, Presence};
use engine::fact::Identification;
use engine::id::{CallHandle, Guid, UserHandle};

impl PbxModel {
    // ---- sessions and monitoring ------------------------------------------------------------

    pub(super) fn identification(&self) -> Identification {
        Identification {
            system: self.system.as_str().into(),
            location: self.name.as_str().into(),
            firmware: self.switches.firmware.as_ref().unwrap_or(&self.firmware).as_str().into(),
            serial: self.serial.as_str().into(),
            wsdl_version: 501,
        }
    }

    pub(super) fn initialize(&mut self, asker: &Asker, cn: &str) -> Answer {
        let refused = Answer::Initialize { session: 0, key: 0 };
        if self.stands_by && self.switches.idle_standby == IdleStandby::Refuse {
            return refused;
        }
        let user = match (self.directory.named(cn), asker.account) {
            (Some(user), Account::Administrator) => user,
            (Some(user), Account::User(own)) if user == own => user,
            _ => return refused,
        };
        let newest = self.switches.interface;
        if asker.interface > newest && self.switches.unknown_v_flags == UnknownFlags::Refuse {
            return refused;
        }
        let snapshot = self.snapshot_of(user);
        let key = self.random.key();
        let mut session = Session::new(key, user, asker.interface.min(newest), snapshot);
        session.used_by(asker.connection);
        let (session, key) = self.open_session(user, session);
        Answer::Initialize { session, key }
    }

    pub(super) fn user_initialize(
        &mut self,
        number: u32,
        cn: &str,
        disc: bool,
        hw: &str,
    ) -> Result<Answer, Astray> {
        let scope = self.session(number)?.user;
        let Some(object) =
            self.directory.named(cn).filter(|object| self.directory.sees(scope, *object))
        else {
            return Ok(Answer::UserInitialize(UserHandle(0)));
        };
        let device = self.directory.get(object).and_then(|object| object.device(hw));
        let device = (!hw.is_empty()).then_some(device);
        let handle = self.handles.new_user(number);
        if let Some(session) = self.sessions.get_mut(&number) {
            session.watch(handle, Monitor { object, disc, device });
        }
        if self.switches.userinit_replay {
            self.replay(number, handle, object);
        }
        Ok(Answer::UserInitialize(handle))
    }

    /// Tells a new monitor of the calls that run already.
    fn replay(&mut self, session: u32, handle: UserHandle, object: ObjectId) {
        let heard = |leg: &Leg| {
            let monitor = self.sessions.get(&session).and_then(|s| s.monitor(handle));
            leg.phase != Phase::ClearedByPbx
                && monitor.is_some_and(|monitor| monitor.hears(leg.device))
        };
        let running: Vec<(LegId, &'static str)> = self
            .legs
            .at(object)
            .filter(|(_, leg)| heard(leg))
            .map(|(id, leg)| (id, leg.last_msg))
            .collect();
        for (leg, last) in running {
            let msg = match self.switches.userinit_replay_msg {
                ReplayMsg::Update => "update",
                ReplayMsg::LastMsg => last,
                ReplayMsg::Empty => "",
            };
            self.tell_one(session, handle, leg, msg);
        }
    }

    pub(super) fn user_end(&mut self, handle: UserHandle) -> Result<Answer, Astray> {
        let (session, ..) = self.user(handle)?;
        if let Some(session) = self.sessions.get_mut(&session) {
            session.unwatch(handle);
        }
        self.handles.forget_user(handle);
        self.sweep_lingering();
        Ok(Answer::UserEnd)
    }

    // ---- calls ------------------------------------------------------------------------------

    pub(super) fn user_call(
        &mut self,
        handle: UserHandle,
        target: Target,
        source: &str,
    ) -> Result<CallHandle, Astray> {
        let (session, object, device) = self.user(handle)?;
        let Some(caller) = self.directory.get(object) else { return Err(Astray::Handle) };
        if caller.refuses || !caller.registered {
            return Ok(CallHandle(0));
        }
        let alias = alias(caller, source);
        let leg = self.lift(object, device, alias);
        // Named before anything happens: a call that fails at once is gone when we answer.
        let call = self.handles.name(session, Some(handle), leg);
        match self.switches.ucall_mode {
            UserCallMode::PhoneDials => self.dial(leg, &target),
            UserCallMode::PbxCallsFirst => self.call_back(leg, target),
        }
        Ok(call)
    }

    pub(super) fn user_pickup(
        &mut self,
        handle: UserHandle,
        cn: &str,
        call: CallHandle,
        group: &str,
    ) -> Result<Answer, Astray> {
        let (session, user, device) = self.user(handle)?;
        let robbed = if call != CallHandle(0) {
            Some(self.leg(call)?)
        } else if !cn.is_empty() {
            self.directory.named(cn).and_then(|place| self.find_pickup(&[place]))
        } else {
            self.find_pickup(&self.pickup_places(user, group))
        };
        let new = robbed.and_then(|robbed| self.pick_up(user, device, robbed));
        Ok(Answer::UserPickup(match new {
            Some(leg) => self.handles.name(session, Some(handle), leg),
            None => CallHandle(0),
        }))
    }

    /// Where a user may pick up without saying a name: in a group, or in all groups shared.
    fn pickup_places(&self, user: ObjectId, group: &str) -> Vec<ObjectId> {
        let own = self.directory.get(user).map(|object| object.groups.keys().cloned());
        let groups: Vec<String> = own.into_iter().flatten().collect();
        groups
            .iter()
            .filter(|name| group.is_empty() || *name == group)
            .flat_map(|name| self.directory.members(name))
            .filter(|place| *place != user)
            .collect()
    }

    pub(super) fn user_park(&mut self, call: CallHandle, leg: LegId, cn: &str) -> Answer {
        let naming = self.handles.naming(call).map(|naming| naming.session);
        let own = self.legs.get(leg).map(|leg| leg.object);
        let place = if cn.is_empty() { own } else { self.directory.named(cn) };
        let (Some(session), Some(place)) = (naming, place) else {
            return Answer::UserPark(CallHandle(0));
        };
        let Some(parked) = self.park(leg, place) else { return Answer::UserPark(CallHandle(0)) };
        let watching = self.sessions.get(&session).map(|session| session.watching(place));
        let user = watching.and_then(|handles| handles.first().copied());
        Answer::UserPark(self.handles.name(session, user, parked))
    }

    /// A text message: nobody's phone shows a call, the sender hears that it was delivered.
    pub(super) fn user_message(
        &mut self,
        handle: UserHandle,
        target: &Target,
    ) -> Result<Answer, Astray> {
        let (session, user, _) = self.user(handle)?;
        let destination = self.find(user, target);
        if self.obstacle(&destination).is_some() {
            return Ok(Answer::UserMessage(CallHandle(0)));
        }
        let call = self.handles.new_call();
        let conf = self.random.guid().to_string();
        let sent = CallInfo {
            user: handle,
            call,
            active: true,
            state: 5,
            msg: "msg-sent".into(),
            info: vec![Info { kind: "conf".into(), vali: 0, vals: conf.as_str().into() }],
            ..CallInfo::default()
        };
        let del = CallInfo { active: false, msg: "del".into(), info: Vec::new(), ..sent.clone() };
        self.queue_call(session, sent);
        self.queue_call(session, del);
        Ok(Answer::UserMessage(call))
    }

    pub(super) fn set_presence(&mut self, presence: &Presence, guid: &str, h323: &str) -> bool {
        let found = self.directory.short_named(h323).or_else(|| {
            let guid = Guid::read(guid);
            self.directory.iter().find(|(_, object)| object.guid == guid).map(|(id, _)| id)
        });
        let Some(id) = found else { return false };
        if let Some(object) = self.directory.get_mut(id) {
            object.presence = Some(presence.clone());
        }
        self.tell_object(id, false);
        true
    }
}

/// How a caller wants to be named: by another number, or not at all.
fn alias(caller: &Object, source: &str) -> Option<Party> {
    match source.chars().next() {
        None => None,
        Some('r' | 'R') => Some(Party::default()),
        Some(_) => Some(Party { e164: source.into(), ..picture::party_of(caller) }),
    }
}
