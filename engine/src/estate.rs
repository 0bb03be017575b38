//! What concerns more than one line: who is who for ever, names, and calls with several legs.
//!
//! The estate sees each record first and says where it goes. It is the only owner of permanent line
//! ids (invariant I-10: permanent id and GUID are a bijection for ever).

mod sent_on;
mod trunks;

use self::sent_on::SentOn;
use self::trunks::{Trunks, is_trunk};
use crate::fact::{
    CallInfo, Command, Configuration, Event, HostFact, Identification, Msg, PbxFact, Record, Reply,
    Role, UserInfo,
};
use crate::id::{Attempt, CallHandle, Guid, LineId, PbxId};
use crate::line::{LineInput, Unpark};
use crate::name::{self, Place, Subscriber};
use crate::parking::Lot;
use crate::pbx::{CallClue, Clue, PbxInput};
use crate::pii::Personal;
use crate::time::Timer;
use crate::uui;
use crate::view::{Identity, Wide};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most lines an estate can have (I-24).
pub const MAX_LINES: usize = (1 << 20) - 1;

/// What concerns more than one line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estate {
    configuration: Option<Configuration>,
    /// In the order of permanent ids, which count from 1. Shared, so that an image of the state
    /// costs no copy of them.
    members: Vec<Arc<Member>>,
    by_guid: BTreeMap<Guid, LineId>,
    boxes: BTreeMap<PbxId, Identification>,
    trunks: BTreeMap<PbxId, Trunks>,
    hubs: Hubs,
    sent_on: SentOn,
    lot: Lot,
}

/// One PBX user that has, or once had, a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Member {
    home: PbxId,
    subscriber: Subscriber,
    identity: Arc<Identity>,
    /// Deleted at the PBX, or out of scope. The id stays taken.
    defunct: bool,
}

/// Where a record goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Nowhere: it changes nothing.
    Nowhere,
    /// To a PBX, and through it perhaps to lines.
    Pbx(PbxId, PbxInput),
    /// To a line.
    Line(LineId, LineInput),
    /// To all lines, then to all PBXs.
    Everyone(LineInput, PbxInput),
    /// To these lines, whose names changed, then to these PBXs, which are all that the settings
    /// name.
    Configured(Vec<(PbxId, PbxInput)>, Vec<(LineId, LineInput)>),
}

impl Estate {
    /// Takes in what concerns the estate as a whole and says where the record goes.
    pub fn route(&mut self, record: Record) -> Route {
        match record.event {
            Event::Pbx(pbx, attempt, fact) => self.pbx_fact(pbx, attempt, fact),
            // Only the estate knows where a call is parked.
            Event::App(line, opening, id, Command::Unpark { call, from }) => {
                let parked = self.parked_at(&from);
                let unpark = Unpark { call, from, parked };
                Route::Line(line, LineInput::Unpark(opening, id, unpark))
            }
            Event::App(line, opening, id, command) => {
                Route::Line(line, LineInput::Command(opening, id, command))
            }
            Event::Reply(line, ticket, reply) => {
                if let Reply::Record(record) = &reply {
                    self.sent_on.read(line, record);
                }
                Route::Line(line, LineInput::Reply(ticket, reply))
            }
            Event::Due(timer) => match timer {
                Timer::Reconnect(pbx, _) | Timer::PollPause(pbx, _) | Timer::Settled(pbx, _) => {
                    Route::Pbx(pbx, PbxInput::Due(timer))
                }
                Timer::Deadline(line, _) | Timer::Grace(line, _) => {
                    Route::Line(line, LineInput::Due(timer))
                }
                Timer::Ring(call, _) | Timer::NewCallAgain(call, _) => {
                    Route::Line(call.line, LineInput::Due(timer))
                }
            },
            Event::Host(fact) => self.host_fact(fact),
            Event::Told(_) => Route::Nowhere,
        }
    }

    /// Lines that TAPI should know of when a session of the telephony server begins.
    pub fn lines(&self) -> impl Iterator<Item = &Arc<Identity>> {
        self.members.iter().filter(|member| !member.defunct).map(|member| &member.identity)
    }

    fn host_fact(&mut self, fact: HostFact) -> Route {
        let line = match &fact {
            HostFact::Started => {
                self.hubs = Hubs::default();
                self.sent_on = SentOn::default();
                self.lot = Lot::default();
                return Route::Everyone(LineInput::Started, PbxInput::Started);
            }
            HostFact::Stopping => {
                return Route::Everyone(LineInput::Host(fact), PbxInput::Stopping);
            }
            HostFact::Configured(_) => {
                let HostFact::Configured(configuration) = fact else { return Route::Nowhere };
                return self.configure(configuration);
            }
            HostFact::Gap(_) => return Route::Nowhere,
            HostFact::LineOpened { line, .. }
            | HostFact::LineClosed { line, .. }
            | HostFact::StatusMessages { line, .. } => *line,
            HostFact::CallClosed(call)
            | HostFact::AppSpecific(call, _)
            | HostFact::MediaMode(call, _)
            | HostFact::NewCallRefused(call) => call.line,
        };
        Route::Line(line, LineInput::Host(fact))
    }

    /// The leg parked at the line with this number.
    fn parked_at(&self, number: &Personal) -> Option<(PbxId, CallHandle)> {
        let has_it = |member: &&Arc<Member>| {
            member.subscriber.e164 == *number || member.identity.number.to_text() == number.text()
        };
        self.members.iter().filter(has_it).find_map(|member| self.lot.at(&member.subscriber.cn))
    }

    fn configure(&mut self, configuration: Configuration) -> Route {
        let pbxs = (0u16..).zip(&configuration.pbxs).map(|(id, settings)| {
            let user = configuration.user.clone();
            (PbxId(id), PbxInput::Configured { settings: settings.clone(), user })
        });
        let pbxs = pbxs.collect();
        self.configuration = Some(configuration);
        Route::Configured(pbxs, self.rename(|_| true))
    }

    fn pbx_fact(&mut self, pbx: PbxId, attempt: Attempt, fact: PbxFact) -> Route {
        let clue = match &fact {
            PbxFact::User(user) => {
                let clue = self.user(pbx, user);
                if let Clue::Line { line, .. } = clue {
                    self.sent_on.seen(line, user);
                }
                clue
            }
            PbxFact::Call(info) => {
                self.lot.take(pbx, info);
                Clue::Call(self.call(pbx, info))
            }
            PbxFact::Identified(identification) => {
                if self.boxes.get(&pbx) != Some(identification) {
                    self.boxes.insert(pbx, identification.clone());
                    Clue::Renamed(self.rename(|member| member.home == pbx))
                } else {
                    Clue::None
                }
            }
            PbxFact::Initialized { .. } => {
                self.hubs.forget(pbx);
                self.lot.forget(pbx);
                if let Some(trunks) = self.trunks.get_mut(&pbx) {
                    trunks.begin();
                }
                Clue::None
            }
            _ => Clue::None,
        };
        Route::Pbx(pbx, PbxInput::Fact(attempt, fact, clue))
    }

    fn call(&mut self, pbx: PbxId, info: &CallInfo) -> CallClue {
        let is_new = self.hubs.is_news(pbx, info);
        let call_id = self.hubs.call_id(pbx, info);
        self.sent_on.heard(info, is_new);
        let by = info.party(&Role::Leg2).filter(|by| is_new && !by.cn.is_empty());
        let forwarded = by.and_then(|by| self.sent_on.why(info.conf, by, self.line_of(&by.cn)));
        CallClue { call_id, forwarded }
    }

    /// The line of the user with this Long Name.
    fn line_of(&self, cn: &Personal) -> Option<LineId> {
        let is_it = |member: &&Arc<Member>| !member.defunct && member.subscriber.cn == *cn;
        self.members.iter().find(is_it).map(|member| member.identity.line)
    }

    /// Finds or makes the line of a user, or keeps the number of a trunk.
    fn user(&mut self, pbx: PbxId, user: &UserInfo) -> Clue {
        if user.cn.is_empty() {
            return self.trunk(pbx, Trunks::end);
        }
        if is_trunk(user) {
            return self.trunk(pbx, |trunks| trunks.note(user));
        }
        if !is_phone_like(user) {
            return Clue::None;
        }
        let guid = if user.guid.is_nil() { Guid::read(user.cn.text()) } else { user.guid };
        let Some(line) = self.by_guid.get(&guid).copied() else {
            if !user.active {
                return Clue::None;
            }
            if self.members.len() >= MAX_LINES {
                return Clue::TooManyLines;
            }
            // The limit keeps the number of members within u32.
            let line = LineId(u32::try_from(self.members.len() + 1).unwrap_or(u32::MAX));
            let subscriber = subscriber(guid, user);
            let identity = Arc::new(self.identity(line, pbx, &subscriber));
            self.by_guid.insert(guid, line);
            let known = Arc::clone(&identity);
            let member = Member { home: pbx, subscriber, identity, defunct: false };
            self.members.push(Arc::new(member));
            return Clue::Line { line, identity: Some(known) };
        };
        let index = line.0 as usize - 1;
        let member = &self.members[index];
        let (home, was_defunct) = (member.home, member.defunct);
        let now = subscriber(guid, user);
        if !user.active {
            Arc::make_mut(&mut self.members[index]).defunct = home == pbx || was_defunct;
            return Clue::Line { line, identity: None };
        }
        let changed = member.subscriber != now || home != pbx || was_defunct;
        if !changed {
            return Clue::Line { line, identity: None };
        }
        let identity = Arc::new(self.identity(line, pbx, &now));
        let member = Arc::make_mut(&mut self.members[index]);
        member.home = pbx;
        member.defunct = false;
        member.subscriber = now;
        let renamed = *member.identity != *identity;
        if renamed {
            member.identity = Arc::clone(&identity);
        }
        Clue::Line { line, identity: renamed.then_some(identity) }
    }

    fn trunk(&mut self, pbx: PbxId, note: impl FnOnce(&mut Trunks) -> bool) -> Clue {
        if note(self.trunks.entry(pbx).or_default()) {
            Clue::Renamed(self.rename(|member| member.home == pbx))
        } else {
            Clue::None
        }
    }

    /// Makes the identities of some members anew and tells those lines whose changed.
    fn rename(&mut self, which: impl Fn(&Member) -> bool) -> Vec<(LineId, LineInput)> {
        let mut changed = Vec::new();
        for index in 0..self.members.len() {
            let member = &self.members[index];
            if !which(member) {
                continue;
            }
            let line = member.identity.line;
            let identity = self.identity(line, member.home, &member.subscriber);
            if identity != *member.identity {
                let identity = Arc::new(identity);
                Arc::make_mut(&mut self.members[index]).identity = Arc::clone(&identity);
                changed.push((line, LineInput::Identity(identity)));
            }
        }
        changed
    }

    fn identity(&self, line: LineId, pbx: PbxId, who: &Subscriber) -> Identity {
        let known = self.boxes.get(&pbx);
        let settings = self.configuration.as_ref();
        let place = Place {
            master: settings
                .and_then(|settings| settings.pbxs.get(usize::from(pbx.0)))
                .map_or("", |settings| &settings.master),
            reported_by: known.map_or("", |known| &known.location),
        };
        let pure = settings.is_some_and(|settings| settings.pure_node_extensions);
        let template = settings.map_or("%c", |settings| &settings.name_template);
        let number = name::address(who, pure);
        let name = name::expand(template, who, &number, place);
        let switch = known.map_or(String::new(), |known| {
            format!("{} {} {}", known.system, known.location, known.firmware)
        });
        Identity {
            line,
            guid: who.guid,
            name: Wide::from_text(&name),
            number: Wide::from_text(&number),
            switch: self.shared(Wide::from_text(switch.trim())),
            cn: who.cn.clone(),
            trunks: self.trunks.get(&pbx).map(Trunks::numbers).unwrap_or_default(),
            modify_forwards: settings.is_some_and(|settings| settings.modify_forwards),
            is_uui_encoded: known.is_some_and(|known| uui::is_encoded(&known.firmware)),
            request_deadline_ms: settings.map_or(Configuration::REQUEST_DEADLINE_MS, |settings| {
                match settings.request_deadline_ms {
                    0 => Configuration::REQUEST_DEADLINE_MS,
                    given => given,
                }
            }),
            single_active_call: settings.is_some_and(|settings| settings.single_active_call),
        }
    }

    /// The same text as the latest line has, if it is equal: all lines of a PBX say the same of it.
    fn shared(&self, switch: Wide) -> Wide {
        match self.members.last() {
            Some(member) if member.identity.switch == switch => member.identity.switch.clone(),
            _ => switch,
        }
    }
}

fn subscriber(guid: Guid, user: &UserInfo) -> Subscriber {
    Subscriber {
        guid,
        cn: user.cn.clone(),
        dn: user.dn.clone(),
        h323: user.h323.clone(),
        e164: user.e164.clone(),
        loc: user.loc.clone(),
        nodenum: user.nodenum.clone(),
    }
}

/// Whether an object is a person's or a phone's, and so gets a line: trunks, nodes, waiting queues
/// and the like have calls of their own that are no TAPI calls (reference of the PBX, 3.7, 4.3).
fn is_phone_like(user: &UserInfo) -> bool {
    matches!(&*user.object, "" | "executive") && matches!(&*user.kind, "" | "ep" | "executive")
}

/// The DWORD that stands for the conf GUID of a call, equal on all its legs at all PBXs.
///
/// It starts from a hash of the GUID, so that it does not depend on which leg was heard first; two
/// live calls that meet on one hash are told apart by counting on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Hubs {
    by_conf: BTreeMap<Guid, Hub>,
    by_id: BTreeMap<u32, Guid>,
    legs: BTreeMap<(PbxId, u32), Guid>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Hub {
    id: u32,
    legs: u32,
}

impl Hubs {
    /// Whether a leg is heard of for the first time in this call.
    fn is_news(&self, pbx: PbxId, info: &CallInfo) -> bool {
        !info.conf.is_nil() && self.legs.get(&(pbx, info.call)) != Some(&info.conf)
    }

    /// Keeps count of a leg's event and gives the number of its call, 0 if it has none.
    fn call_id(&mut self, pbx: PbxId, info: &CallInfo) -> u32 {
        let leg = (pbx, info.call);
        if !info.active || info.msg == Msg::Del {
            let id =
                self.legs.get(&leg).and_then(|conf| self.by_conf.get(conf)).map_or(0, |h| h.id);
            self.release(leg);
            return id;
        }
        if info.conf.is_nil() {
            return self.legs.get(&leg).and_then(|conf| self.by_conf.get(conf)).map_or(0, |h| h.id);
        }
        if self.legs.get(&leg) != Some(&info.conf) {
            self.release(leg);
            self.legs.insert(leg, info.conf);
            let id = self.id_for(info.conf);
            self.by_conf.entry(info.conf).or_insert(Hub { id, legs: 0 }).legs += 1;
        }
        self.by_conf.get(&info.conf).map_or(0, |hub| hub.id)
    }

    fn id_for(&mut self, conf: Guid) -> u32 {
        if let Some(hub) = self.by_conf.get(&conf) {
            return hub.id;
        }
        let mut id = crc32fast::hash(&conf.0).max(1);
        while self.by_id.contains_key(&id) {
            id = id.wrapping_add(1).max(1);
        }
        self.by_id.insert(id, conf);
        id
    }

    fn release(&mut self, leg: (PbxId, u32)) {
        let Some(conf) = self.legs.remove(&leg) else { return };
        if let Some(hub) = self.by_conf.get_mut(&conf) {
            hub.legs -= 1;
            if hub.legs == 0 {
                self.by_id.remove(&hub.id);
                self.by_conf.remove(&conf);
            }
        }
    }

    /// Handles of an earlier session of this PBX mean nothing any more.
    fn forget(&mut self, pbx: PbxId) {
        let gone: Vec<_> = self.legs.keys().filter(|(p, _)| *p == pbx).copied().collect();
        for leg in gone {
            self.release(leg);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Millis;

    fn user(cn: &str, guid: &str, e164: &str) -> UserInfo {
        UserInfo {
            active: true,
            cn: cn.into(),
            guid: Guid::read(guid),
            e164: e164.into(),
            kind: "ep".into(),
            ..UserInfo::default()
        }
    }

    fn line_of(estate: &mut Estate, user: UserInfo) -> Option<LineId> {
        let event = Event::Pbx(PbxId(0), Attempt(1), PbxFact::User(user));
        match estate.route(Record { at: Millis(0), event }) {
            Route::Pbx(_, PbxInput::Fact(_, _, Clue::Line { line, .. })) => Some(line),
            _ => None,
        }
    }

    #[test]
    fn a_user_keeps_its_line_through_renaming_and_deletion() {
        let mut estate = Estate::default();
        let anna = line_of(&mut estate, user("Anna", "a1", "20"));
        let ben = line_of(&mut estate, user("Ben", "b1", "21"));
        assert_eq!((anna, ben), (Some(LineId(1)), Some(LineId(2))));
        assert_eq!(line_of(&mut estate, user("Anna Berg", "A1", "25")), anna);
        let gone = UserInfo { active: false, ..user("Anna Berg", "a1", "25") };
        assert_eq!(line_of(&mut estate, gone), anna);
        assert_eq!(estate.lines().count(), 1);
        // Another object with the same name is another line.
        assert_eq!(line_of(&mut estate, user("Anna Berg", "a2", "25")), Some(LineId(3)));
        assert_eq!(line_of(&mut estate, user("Anna Berg", "a1", "25")), anna);
    }

    #[test]
    fn trunks_nodes_and_the_end_of_the_snapshot_are_no_lines() {
        let mut estate = Estate::default();
        let trunk = UserInfo { object: "trunk".into(), kind: "gw".into(), ..user("T", "1", "0") };
        let node = UserInfo { object: "loc".into(), kind: "".into(), ..user("branch", "2", "5") };
        for object in [trunk, node, UserInfo::default()] {
            assert_eq!(line_of(&mut estate, object), None);
        }
    }

    #[test]
    fn both_legs_of_a_call_have_one_number_and_it_is_freed_with_the_last() {
        let mut hubs = Hubs::default();
        let leg = |call: u32, active: bool| CallInfo {
            call,
            active,
            conf: Guid::read("5d1f0a72e309d311a0c20090333c01aa"),
            ..CallInfo::default()
        };
        let first = hubs.call_id(PbxId(0), &leg(1, true));
        assert_ne!(first, 0);
        assert_eq!(hubs.call_id(PbxId(0), &leg(2, true)), first);
        assert_eq!(hubs.call_id(PbxId(0), &leg(1, false)), first);
        assert_eq!(hubs.call_id(PbxId(0), &leg(2, false)), first);
        assert_eq!(hubs, Hubs::default());
    }
}
