//! A provider and several PBXs that answer what they are asked, in virtual time and under the watch
//! of the invariants: what the tests of trees and standbys share.

use engine::core::Core;
use engine::effect::{Ask, Effect, Interface, Notice, Order, Report, Request, What};
use engine::fact::*;
use engine::id::*;
use engine::invariant::Watch;
use engine::place::Place;
use engine::time::{Millis, Timer};
use engine::view::LineView;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A PBX as far as the provider can tell.
#[derive(Clone, Default)]
pub struct Pbx {
    pub who: Identification,
    pub users: Vec<UserInfo>,
    /// Names of slaves and what `LocationUrl` says of them.
    pub slaves: BTreeMap<String, String>,
    pub is_down: bool,
    /// `Initialize` gives no session.
    pub refuses: bool,
    /// `Initialize` with flags newer than these gives no session.
    pub newest: Option<Interface>,
    /// Its snapshot never comes to its end.
    pub breaks_off: bool,
    /// Only asks with this account are answered, if it is one; see `Configuration::access`.
    pub account: Option<u32>,
    sessions: u32,
}

impl Pbx {
    pub fn named(location: &str) -> Pbx {
        let serial = format!("00-90-33-{location}").as_str().into();
        let (system, location) = ("example".into(), location.into());
        let who = Identification { system, location, serial, ..Identification::default() };
        Pbx { who, ..Pbx::default() }
    }

    pub fn with(mut self, users: &[(&str, &str)]) -> Pbx {
        self.users.extend(users.iter().map(|(cn, loc)| user(cn, loc)));
        self
    }

    /// A slave is registered here, from that host.
    pub fn leading_to(mut self, name: &str, host: &str) -> Pbx {
        self.users.push(location(name, true));
        self.slaves.insert(name.into(), Place::at(host).to_string());
        self
    }
}

/// The provider and its PBXs, by their hosts.
pub struct Grove {
    pub core: Core,
    /// All that was logged.
    pub log: Vec<Record>,
    pub watch: Watch,
    pub now: u64,
    pub pbxs: BTreeMap<String, Pbx>,
    pub settings: Configuration,
    /// What was asked since it was last looked at: the host and the operation.
    pub asked: Vec<(String, String)>,
    pub reports: Vec<Report>,
    pub told: Vec<(LineId, String)>,
    /// What was ordered for applications and lines; it all fails.
    pub orders: Vec<Order>,
    queue: VecDeque<Ask>,
    /// Polls that wait for something to tell; whether the snapshot was given.
    pub polls: BTreeMap<Link, (String, bool)>,
    timers: BTreeSet<(Millis, Timer)>,
    /// With which account each attempt was begun, as an exchange does.
    accounts: BTreeMap<Link, u32>,
    handles: u32,
    /// Probes stay unanswered.
    pub hold: bool,
    pub latest_attempt: u32,
    /// Where each user was monitored last, by Long Name.
    pub monitored: BTreeMap<String, String>,
    handle_of: BTreeMap<String, u32>,
    /// The handle that each user has by that.
    pub monitored_as: BTreeMap<String, u32>,
}

impl Grove {
    pub fn new(masters: &[(&str, Option<&str>)], pbxs: Vec<(&str, Pbx)>) -> Grove {
        let settings = |(master, standby): &(&str, Option<&str>)| PbxSettings {
            master: Place::at(master),
            standby: standby.map(Place::at),
        };
        let mut grove = Grove {
            core: Core::default(),
            log: Vec::new(),
            watch: Watch::default(),
            now: 1_000,
            pbxs: pbxs.into_iter().map(|(host, pbx)| (host.to_owned(), pbx)).collect(),
            settings: Configuration {
                user: "TAPI".into(),
                pbxs: masters.iter().map(settings).collect(),
                name_template: "%c".into(),
                monitor_slaves: true,
                ..Configuration::default()
            },
            asked: Vec::new(),
            reports: Vec::new(),
            told: Vec::new(),
            orders: Vec::new(),
            queue: VecDeque::new(),
            polls: BTreeMap::new(),
            timers: BTreeSet::new(),
            accounts: BTreeMap::new(),
            handles: 0,
            hold: false,
            latest_attempt: 0,
            monitored: BTreeMap::new(),
            handle_of: BTreeMap::new(),
            monitored_as: BTreeMap::new(),
        };
        grove.host(HostFact::Started);
        grove.configure();
        grove
    }

    /// The settings as they are now come into force; a second passes.
    pub fn configure(&mut self) {
        self.host(HostFact::Configured(self.settings.clone()));
        self.pass(1_000);
    }

    pub fn host(&mut self, fact: HostFact) {
        self.event(Event::Host(fact));
    }

    pub fn event(&mut self, event: Event) {
        let record = Record { at: Millis(self.now), event };
        let mut effects = Vec::new();
        self.watch.before(&record).unwrap();
        self.core.apply(record.clone(), &mut effects);
        self.log.push(record.clone());
        self.watch.after(&record, &effects, &self.core).unwrap();
        for effect in effects {
            match effect {
                Effect::Ask(ask) => self.queue.push_back(*ask),
                Effect::Wake(at, timer) => drop(self.timers.insert((at, timer))),
                Effect::Report(report) => self.reports.push(report),
                Effect::Tell(telling) => self.told.push((telling.line, words(&telling.what))),
            }
        }
    }

    /// Lets the PBXs answer all that is asked.
    pub fn settle(&mut self) {
        for _ in 0..100_000 {
            let Some(ask) = self.queue.pop_front() else { return };
            self.take(ask);
        }
        panic!("this does not come to an end: {:?}", &self.asked[self.asked.len() - 20..]);
    }

    /// The same until such an operation is asked for, which stays unanswered for now.
    pub fn settle_until(&mut self, operation: &str) {
        while let Some(ask) = self.queue.pop_front() {
            if operation_of(&ask) == operation {
                return self.queue.push_front(ask);
            }
            self.take(ask);
        }
        panic!("nobody asks for {operation}");
    }

    fn take(&mut self, ask: Ask) {
        let host = ask.place.authority.to_string();
        self.asked.push((host.clone(), operation_of(&ask)));
        self.latest_attempt = self.latest_attempt.max(ask.attempt.0);
        if !(self.hold && ask.request == Request::Probe) {
            self.answer(&host, ask);
        }
    }

    fn answer(&mut self, host: &str, ask: Ask) {
        let link = Link { pbx: ask.pbx, attempt: ask.attempt };
        let question = match ask.request {
            Request::Version => Question::Version,
            Request::Probe => Question::Probe,
            Request::LocationUrl { .. } => Question::Locate,
            Request::Initialize { .. } => Question::Initialize,
            Request::Echo { .. } => Question::Echo,
            Request::Poll { .. } => Question::Poll,
            Request::UserInitialize { line, .. } => Question::UserInitialize(line),
            Request::End { .. } => Question::End,
            Request::Order { line, ticket, order, .. } => {
                self.orders.push(order);
                let reply = Reply::Failed(Failure::Status(500));
                return self.event(Event::Reply(line, ticket, reply));
            }
            Request::Leave => return drop(self.polls.remove(&link)),
        };
        let account = *self.accounts.entry(link).or_insert(self.settings.access);
        let Some(pbx) = self.pbxs.get_mut(host).filter(|pbx| !pbx.is_down) else {
            return self.fact(link, PbxFact::Failed(question, Failure::Unreachable));
        };
        if pbx.account.is_some_and(|needed| needed != account) {
            if question == Question::End {
                self.polls.remove(&link);
            }
            return self.fact(link, PbxFact::Failed(question, Failure::AccessDenied));
        }
        let fact = match ask.request {
            Request::Version => PbxFact::Identified(pbx.who.clone()),
            Request::Probe => PbxFact::Probed,
            Request::LocationUrl { name, .. } => {
                let url = pbx.slaves.get(name.text()).map_or("", String::as_str);
                PbxFact::Located(url.into())
            }
            Request::Initialize { interface, .. } => {
                let refuses = pbx.refuses || pbx.newest.is_some_and(|newest| interface > newest);
                pbx.sessions += u32::from(!refuses);
                let session = if refuses { 0 } else { pbx.sessions };
                PbxFact::Initialized { session, place: ask.place }
            }
            Request::Echo { .. } => PbxFact::Echoed(true),
            Request::Poll { .. } => return self.poll(link, host),
            Request::UserInitialize { line, cn, .. } => {
                self.handles += 1;
                self.monitored.insert(cn.text().to_owned(), host.to_owned());
                self.handle_of.insert(cn.text().to_owned(), self.handles);
                self.monitored_as.insert(cn.text().to_owned(), self.handles);
                PbxFact::UserInitialized(line, UserHandle(self.handles))
            }
            _ => {
                self.polls.remove(&link);
                PbxFact::Ended
            }
        };
        self.fact(link, fact);
    }

    fn poll(&mut self, link: Link, host: &str) {
        if self.polls.get(&link).is_some_and(|(at, _)| at == host) {
            return;
        }
        self.polls.insert(link, (host.to_owned(), true));
        let mut users = self.pbxs[host].users.clone();
        if self.pbxs[host].breaks_off {
            users.truncate(1);
            let facts = users.into_iter().map(|user| PbxFact::User(user.into())).collect();
            return self.polled(link, facts);
        }
        let end = UserInfo { active: true, ..UserInfo::default() };
        let facts: Vec<_> =
            users.into_iter().chain([end]).map(|user| PbxFact::User(user.into())).collect();
        self.polled(link, facts);
    }

    fn polled(&mut self, link: Link, facts: Vec<PbxFact>) {
        let count = facts.len() as u32;
        facts.into_iter().for_each(|fact| self.fact(link, fact));
        self.fact(link, PbxFact::Polled { count, elapsed_ms: 1 });
    }

    pub fn fact(&mut self, link: Link, fact: PbxFact) {
        self.event(Event::Pbx(link.pbx, link.attempt, fact));
    }

    /// Time passes; what comes due is done, and everything answered.
    pub fn pass(&mut self, ms: u64) {
        let until = self.now + ms;
        self.settle();
        while let Some((at, timer)) = self.timers.first().copied().filter(|(at, _)| at.0 <= until) {
            self.timers.pop_first();
            self.now = self.now.max(at.0);
            self.event(Event::Due(timer));
            self.settle();
        }
        self.now = until;
    }

    /// Time passes until such an operation is asked for, which stays unanswered for now.
    pub fn pass_until(&mut self, operation: &str) {
        self.settle();
        while let Some((at, timer)) = self.timers.pop_first() {
            self.now = self.now.max(at.0);
            self.event(Event::Due(timer));
            while let Some(ask) = self.queue.pop_front() {
                if operation_of(&ask) == operation {
                    return self.queue.push_front(ask);
                }
                self.take(ask);
            }
        }
        panic!("nobody asks for {operation}");
    }

    /// A PBX tells all who poll it of an object.
    pub fn says(&mut self, host: &str, user: UserInfo) {
        self.begins_to_say(host, user);
        self.settle();
    }

    /// The same, and what is asked because of it waits.
    pub fn begins_to_say(&mut self, host: &str, user: UserInfo) {
        let pbx = self.pbxs.get_mut(host).unwrap();
        pbx.users.retain(|known| known.guid != user.guid);
        if user.active {
            pbx.users.push(user.clone());
        }
        for link in self.polling(host) {
            self.polled(link, vec![PbxFact::User(user.clone().into())]);
        }
    }

    /// A PBX tells all who poll it of a call of a user with this handle.
    pub fn calls(&mut self, host: &str, info: CallInfo) {
        for link in self.polling(host) {
            self.polled(link, vec![PbxFact::Call(info.clone())]);
        }
        self.settle();
    }

    fn polling(&self, host: &str) -> Vec<Link> {
        let at = self.polls.iter().filter(|(_, (at, _))| at == host);
        at.map(|(link, _)| *link).collect()
    }

    /// An attempt of a PBX.
    pub fn link_of(&self, pbx: u16, attempt: u32) -> Link {
        Link { pbx: PbxId(pbx), attempt: Attempt(attempt) }
    }

    /// The latest user handle given out.
    pub fn last_handle(&self) -> u32 {
        self.handles
    }

    /// The latest handle of a user.
    pub fn handle_of(&self, cn: &str) -> u32 {
        self.handle_of[cn]
    }

    /// A PBX is gone: what is pending there breaks.
    pub fn cut(&mut self, host: &str) {
        self.pbxs.get_mut(host).unwrap().is_down = true;
        for link in self.polling(host) {
            self.polls.remove(&link);
            self.fact(link, PbxFact::Failed(Question::Poll, Failure::Broken));
        }
        self.settle();
    }

    pub fn restore(&mut self, host: &str) {
        self.pbxs.get_mut(host).unwrap().is_down = false;
    }

    /// How many sessions are polled at a host.
    pub fn sessions_at(&self, host: &str) -> usize {
        self.polling(host).len()
    }

    pub fn lines(&self) -> BTreeMap<String, LineView> {
        let views = self.core.lines().map(|line| line.view());
        views.map(|view| (view.identity.cn.text().to_owned(), view)).collect()
    }

    pub fn line(&self, cn: &str) -> LineView {
        self.lines().remove(cn).unwrap()
    }

    /// Long Names of lines in service, with the host where they are monitored.
    pub fn in_service(&self) -> Vec<(String, String)> {
        let lines = self.lines();
        let there = lines.iter().filter(|(_, view)| view.in_service);
        there.map(|(cn, _)| (cn.clone(), self.monitored[cn].clone())).collect()
    }

    pub fn open(&mut self, cn: &str) {
        let line = self.line(cn).identity.line;
        let opening = Opening(line.0);
        self.host(HostFact::LineOpened { line, opening, version: 0x0003_0000 });
        let (line_states, address_states) = (0x1FF_FFFF, 0x1FF);
        self.host(HostFact::StatusMessages { line, line_states, address_states });
        self.told.clear();
    }

    /// What was told about a line since it was last looked at.
    pub fn told_of(&mut self, cn: &str) -> Vec<String> {
        let line = self.line(cn).identity.line;
        let told = self.told.iter().filter(|(of, _)| *of == line).map(|(_, words)| words.clone());
        let told = told.collect();
        self.told.retain(|(of, _)| *of != line);
        told
    }
}

fn operation_of(ask: &Ask) -> String {
    let operation = format!("{:?}", ask.request);
    operation.split([' ', '{', '(']).next().unwrap().to_owned()
}

pub fn user(cn: &str, loc: &str) -> UserInfo {
    UserInfo {
        active: true,
        registered: loc.is_empty(),
        cn: cn.into(),
        e164: "20".into(),
        kind: "ep".into(),
        guid: Guid::read(cn),
        loc: loc.into(),
        ..UserInfo::default()
    }
}

pub fn location(name: &str, registered: bool) -> UserInfo {
    UserInfo {
        active: true,
        registered,
        cn: format!("PBX {name}").as_str().into(),
        h323: name.into(),
        object: "loc".into(),
        guid: Guid::read(&format!("location {name}")),
        ..UserInfo::default()
    }
}

pub fn gone(user: UserInfo) -> UserInfo {
    UserInfo { active: false, registered: false, ..user }
}

pub fn at(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(cn, host)| ((*cn).to_owned(), (*host).to_owned())).collect()
}

/// LINEDEVSTATE bits about the way to the line.
const LINK: u32 = 0xCC;

fn words(what: &What) -> String {
    match what {
        What::Notice(Notice::LineCreated) => "created".into(),
        What::Notice(Notice::LineRemoved) => "removed".into(),
        What::Notice(Notice::LineDevState(bits, ..)) if bits & LINK != 0 => {
            let names = [(0x4, "connected"), (0x8, "disconnected"), (0x40, "in"), (0x80, "out")];
            let told = names.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name);
            told.collect::<Vec<_>>().join(" ")
        }
        What::Notice(Notice::LineDevState(0x10_0000, ..)) => "capabilities".into(),
        What::Notice(Notice::CallState { state, .. }) => state.name().into(),
        other => format!("{other:?}"),
    }
}
