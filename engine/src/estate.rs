//! What concerns more than one line: who is who for ever, names, and calls with several legs.
//!
//! The estate sees each record first and says where it goes. It is the only owner of permanent line
//! ids (invariant I-10: permanent id and GUID are a bijection for ever), and of the numbers of PBXs
//! (`tree.rs`).

mod across;
mod claims;
mod homes;
mod hubs;
mod index;
mod listing;
mod names;
mod numbering;
mod plan;
mod register;
mod sent_on;
mod tree;
mod trunks;

use self::claims::Claims;
use self::homes::{Member, Spoken};
use self::hubs::Hubs;
use self::index::{By, Index, key};
pub use self::listing::{Entry, NameUse, Preview};
pub use self::numbering::{MAX_NODE_DEPTH, MAX_NODES};
use self::numbering::{Nodes, is_node};
pub use self::plan::{PbxChange, PbxPlan, Plan, Renaming};
pub use self::register::{Gone, ImportPlan, Why};
use self::sent_on::SentOn;
use self::tree::{Found, ToPbxs, Tree};
pub use self::tree::{Located, MAX_DEPTH, MAX_PBXS, STAGGER_MS, is_location, location_name};
use self::trunks::Trunks;
pub use self::trunks::is_trunk;
use crate::effect::Limit;
use crate::fact::{
    CallInfo, Command, Configuration, Event, HostFact, PbxFact, Record, Reply, Role, UserInfo,
};
use crate::id::{Attempt, CallHandle, Guid, LineId, Link, PbxId, PermanentId};
use crate::line::{LineInput, Unpark};
use crate::parking::Lot;
use crate::pbx::{CallClue, Clue, PbxInput, ends_session};
use crate::pii::Personal;
use crate::pool::Pool;
use crate::time::{Millis, Timer};
use crate::view::Identity;
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
    permanents: BTreeMap<PermanentId, LineId>,
    index: Index,
    claims: Claims,
    /// Lines that got another name than their first choice, with the one that bears that. Empty
    /// between records.
    #[serde(skip)]
    shared_names: Vec<(LineId, LineId)>,
    nodes: Nodes,
    tree: Tree,
    trunks: BTreeMap<PbxId, Trunks>,
    hubs: Hubs,
    sent_on: SentOn,
    lot: Lot,
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
    /// To these lines, then to these PBXs, one after the other; those that are unknown begin.
    Several(Vec<(PbxId, PbxInput)>, Vec<(LineId, LineInput)>),
}

impl Estate {
    /// Takes in what concerns the estate as a whole and says where the record goes.
    pub fn route(&mut self, record: Record) -> Route {
        let at = record.at;
        match record.event {
            Event::Pbx(pbx, attempt, fact) => self.pbx_fact(at, pbx, attempt, fact),
            // Only the estate knows where a call is parked.
            Event::App(line, opening, id, Command::Unpark { call, from }) => {
                let parked = self.parked_at(&from);
                let unpark = Unpark { call, from, parked };
                Route::Line(line, LineInput::Unpark(opening, id, unpark))
            }
            Event::App(line, opening, id, command) if self.calls_across(line, &command) => {
                Route::Line(line, LineInput::Across(opening, id, command))
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
                Timer::Reconnect(pbx, _)
                | Timer::PollPause(pbx, _)
                | Timer::Settled(pbx, _)
                | Timer::Probe(pbx, _) => Route::Pbx(pbx, PbxInput::Due(timer)),
                Timer::Deadline(line, _) | Timer::Grace(line, _) => {
                    Route::Line(line, LineInput::Due(timer))
                }
                Timer::Ring(call, _) | Timer::NewCallAgain(call, _) => {
                    Route::Line(call.line, LineInput::Due(timer))
                }
            },
            Event::Host(fact) => self.host_fact(at, fact),
            Event::Told(_) => Route::Nowhere,
        }
    }

    /// Lines that TAPI should know of when a session of the telephony server begins.
    pub fn lines(&self) -> impl Iterator<Item = &Arc<Identity>> {
        self.members.iter().filter(|member| member.gone.is_none()).map(|member| &member.identity)
    }

    /// Who a line is.
    pub(crate) fn who_is(&self, line: LineId) -> Option<&Arc<Identity>> {
        let index = (line.0 as usize).checked_sub(1)?;
        self.members.get(index).map(|member| &member.identity)
    }

    /// Makes one of what lines have in common: what is said of their PBX, and its trunks.
    pub(crate) fn share(&mut self) {
        let (mut switches, mut trunks) = (Pool::default(), Pool::default());
        for member in &mut self.members {
            let identity = Arc::make_mut(&mut Arc::make_mut(member).identity);
            switches.share(&mut identity.switch);
            trunks.share(&mut identity.trunks);
        }
    }

    fn host_fact(&mut self, at: Millis, fact: HostFact) -> Route {
        let line = match &fact {
            HostFact::Started => {
                self.hubs = Hubs::default();
                self.sent_on = SentOn::default();
                self.lot = Lot::default();
                self.tree.started();
                return Route::Everyone(LineInput::Started, PbxInput::Started);
            }
            HostFact::Stopping => {
                return Route::Everyone(LineInput::Host(fact), PbxInput::Stopping);
            }
            HostFact::Configured(_) => {
                let HostFact::Configured(configuration) = fact else { return Route::Nowhere };
                return self.configure(at, configuration);
            }
            HostFact::LineDismissed(line) => return self.dismiss(at, *line),
            HostFact::IdsImported(ids) => return self.import(at, ids),
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
        self.numbered(number).find_map(|member| self.lot.at(&member.subscriber.cn))
    }

    /// The lines with this address, or this extension within their node.
    fn numbered(&self, number: &Personal) -> impl Iterator<Item = &Member> {
        let found = self.index.find(key(By::Number, number.text()));
        let members = found.map(|line| &*self.members[line.0 as usize - 1]);
        members.filter(move |member| {
            member.subscriber.e164 == *number || member.identity.number.to_text() == number.text()
        })
    }

    /// The lines of users with this Long Name.
    fn named(&self, cn: &Personal) -> impl Iterator<Item = LineId> {
        let found = self.index.find(key(By::LongName, cn.text()));
        found.filter(|line| self.members[line.0 as usize - 1].subscriber.cn == *cn)
    }

    fn configure(&mut self, at: Millis, configuration: Configuration) -> Route {
        let (mut pbxs, gone) = self.tree.configure(&configuration);
        self.configuration = Some(configuration);
        let mut lines = self.leave(gone, Gone { since: at, why: Why::PbxLeft }, &mut pbxs);
        lines.extend(self.rename(|member| member.gone.is_none()));
        self.settle_names(&mut pbxs, &mut lines);
        self.settle(&mut pbxs);
        Route::Several(pbxs, lines)
    }

    /// Looks after PBXs no more, and says what that means to lines and to other PBXs.
    fn leave(
        &mut self,
        gone: Vec<PbxId>,
        why: Gone,
        pbxs: &mut ToPbxs,
    ) -> Vec<(LineId, LineInput)> {
        let mut lines = Vec::new();
        // All of them first: a user of one that is gone has no home at another that is gone too.
        gone.iter().for_each(|id| self.tree.leave(*id));
        for id in gone {
            self.trunks.remove(&id);
            for line in self.tree.lines(id).collect::<Vec<_>>() {
                self.unspoken(id, line, why, pbxs, &mut lines);
            }
            let nodes = self.nodes.leave(id);
            lines.extend(self.renumber(nodes));
            pbxs.push((id, PbxInput::Gone));
            pbxs.extend(self.tree.undouble(id));
        }
        lines
    }
}

// ---- what PBXs say ----------------------------------------------------------------------------

impl Estate {
    fn pbx_fact(&mut self, at: Millis, pbx: PbxId, attempt: Attempt, fact: PbxFact) -> Route {
        let link = Link { pbx, attempt };
        let (mut pbxs, mut lines) = (ToPbxs::new(), Vec::new());
        let clue = match &fact {
            // What comes late from a session that is over, nobody would be told of.
            PbxFact::User(_) | PbxFact::Call(_) if !self.tree.has_session(pbx, attempt) => {
                return Route::Nowhere;
            }
            PbxFact::User(user) => {
                let clue = self.user(at, link, user, &mut pbxs, &mut lines);
                if let Clue::Line { line, .. } = clue {
                    self.sent_on.seen(line, user);
                }
                clue
            }
            PbxFact::Call(info) => {
                self.lot.take(link, info);
                Clue::Call(self.call(link, info))
            }
            PbxFact::Identified(identification) => {
                let is_news = self.tree.identify(pbx, identification);
                match self.tree.double(pbx) {
                    Some((left, kept)) if left == pbx => Clue::Double(kept),
                    double => {
                        pbxs.extend(double.map(|(left, _)| (left, PbxInput::Double(pbx))));
                        let renamed = is_news.then(|| self.rename(|member| member.home == pbx));
                        renamed.map_or(Clue::None, Clue::Renamed)
                    }
                }
            }
            PbxFact::Initialized { session: 1.., place, .. } => {
                self.begin_session(link, place);
                Clue::None
            }
            PbxFact::Located(url) => Clue::Located(self.tree.locate(pbx, url, &mut pbxs)),
            fact if ends_session(fact) => {
                self.lose_session(link, &mut pbxs, &mut lines);
                Clue::None
            }
            _ => Clue::None,
        };
        self.settle_names(&mut pbxs, &mut lines);
        self.settle(&mut pbxs);
        let input = PbxInput::Fact(attempt, fact, clue);
        if pbxs.is_empty() && lines.is_empty() {
            return Route::Pbx(pbx, input);
        }
        pbxs.insert(0, (pbx, input));
        Route::Several(pbxs, lines)
    }

    fn begin_session(&mut self, link: Link, at: &crate::place::Place) {
        self.tree.session(link.pbx, link.attempt, at);
        let tree = &self.tree;
        let holds = |known: Link| {
            known.pbx != link.pbx || known != link && tree.has_session(known.pbx, known.attempt)
        };
        self.hubs.keep(holds);
        self.lot.keep(holds);
        if let Some(trunks) = self.trunks.get_mut(&link.pbx) {
            trunks.begin();
        }
    }

    /// Users of a PBX that is gone may have another home by now.
    fn lose_session(
        &mut self,
        link: Link,
        pbxs: &mut ToPbxs,
        lines: &mut Vec<(LineId, LineInput)>,
    ) {
        if !self.tree.lost(link.pbx, link.attempt) {
            return;
        }
        for line in self.tree.lines(link.pbx).collect::<Vec<_>>() {
            self.find_home(line, pbxs);
            let renamed = self.name_anew(line);
            lines.extend(renamed.map(|identity| (line, LineInput::Identity(identity))));
        }
        pbxs.extend(self.tree.undouble(link.pbx));
    }

    fn call(&mut self, link: Link, info: &CallInfo) -> CallClue {
        let is_new = self.hubs.is_news(link, info);
        let call_id = self.hubs.call_id(link, info);
        self.sent_on.heard(info, is_new);
        let by = info.party(&Role::Leg2).filter(|by| is_new && !by.cn.is_empty());
        let forwarded = by.and_then(|by| self.sent_on.why(info.conf, by, self.line_of(&by.cn)));
        CallClue { call_id, forwarded }
    }

    /// The line of the user with this Long Name.
    fn line_of(&self, cn: &Personal) -> Option<LineId> {
        self.named(cn).next()
    }

    /// Finds or makes the line of a user, keeps the number of a trunk, finds another PBX.
    fn user(
        &mut self,
        at: Millis,
        link: Link,
        user: &UserInfo,
        pbxs: &mut ToPbxs,
        lines: &mut Vec<(LineId, LineInput)>,
    ) -> Clue {
        if user.cn.is_empty() {
            return self.end_of_snapshot(at, link, pbxs, lines);
        }
        if is_node(user) {
            self.numbering_node(link, user, pbxs, lines);
        }
        if let Some(name) = self.tree.note_home(link.pbx, user) {
            self.reveal(at, link, &name, pbxs, lines);
        }
        if self.tree.stands_for_pbx(link.pbx, user) {
            return self.location(at, link, user, pbxs, lines);
        }
        if !is_phone_like(user) {
            self.tree.keep_unclear(link.pbx, user);
        }
        if is_trunk(user) {
            return self.trunk(link.pbx, |trunks| trunks.note(user));
        }
        if !is_phone_like(user) {
            return Clue::None;
        }
        match self.speak(link, user, Gone { since: at, why: Why::Deleted }, pbxs) {
            Spoken::Known(clue) => clue,
            Spoken::TooMany => Clue::Limit(Limit::Lines),
        }
    }

    /// Somebody is at home at a PBX of that name: an object that was told before and has it as its
    /// Short Name stands for that PBX, whatever it was taken for.
    fn reveal(
        &mut self,
        at: Millis,
        link: Link,
        name: &str,
        pbxs: &mut ToPbxs,
        lines: &mut Vec<(LineId, LineInput)>,
    ) {
        let object = self.tree.take_unclear(link.pbx, name).or_else(|| {
            let named = |line: &LineId| self.members[line.0 as usize - 1].is_called(name);
            let line = self.tree.lines(link.pbx).find(named)?;
            let object = self.members[line.0 as usize - 1].object(link.pbx);
            self.unspoken(link.pbx, line, Gone { since: at, why: Why::Unlisted }, pbxs, lines);
            pbxs.push((link.pbx, PbxInput::Leave(line)));
            Some(Arc::new(object))
        });
        let Some(object) = object else { return };
        if is_trunk(&object) {
            let none = UserInfo { active: false, ..UserInfo::clone(&object) };
            if let Clue::Renamed(renamed) = self.trunk(link.pbx, |trunks| trunks.note(&none)) {
                lines.extend(renamed);
            }
        }
        if let Clue::Limit(limit) = self.location(at, link, &object, pbxs, lines) {
            pbxs.push((link.pbx, PbxInput::Reached(limit)));
        }
    }

    fn location(
        &mut self,
        at: Millis,
        link: Link,
        user: &UserInfo,
        pbxs: &mut ToPbxs,
        lines: &mut Vec<(LineId, LineInput)>,
    ) -> Clue {
        let mut gone = Vec::new();
        let found = self.tree.location(link.pbx, link.attempt, user, pbxs, &mut gone);
        lines.extend(self.leave(gone, Gone { since: at, why: Why::PbxLeft }, pbxs));
        match found {
            Found::Known => Clue::None,
            Found::TooMany => Clue::Limit(Limit::Pbxs),
            Found::TooDeep => Clue::Limit(Limit::Depth),
        }
    }

    /// All objects in scope have been reported once. What was not is gone, unless a box spoke that
    /// never knew it: a standby, whose picture may be older than that of the box it stands in for.
    /// From the standby of the settings that is not taken in any case.
    fn end_of_snapshot(
        &mut self,
        at: Millis,
        link: Link,
        pbxs: &mut ToPbxs,
        lines: &mut Vec<(LineId, LineInput)>,
    ) -> Clue {
        let before = lines.len();
        let is_standby = self.tree.is_standby(link.pbx, link.attempt);
        let why = Gone { since: at, why: Why::Unlisted };
        if !is_standby {
            let mut gone = Vec::new();
            self.tree.end(link.pbx, link.attempt, &mut gone);
            lines.extend(self.leave(gone, Gone { since: at, why: Why::PbxLeft }, pbxs));
            for double in self.tree.doubles_of(link.pbx) {
                for line in self.tree.lines(double).collect::<Vec<_>>() {
                    self.unspoken(double, line, why, pbxs, lines);
                }
            }
            let nodes = self.nodes.end(link);
            lines.extend(self.renumber(nodes));
        }
        let unknown = self.leave_unspoken(link, is_standby, why, pbxs, lines);
        let missing = self.missing_nodes(link.pbx);
        pbxs.extend(missing.map(|report| (link.pbx, PbxInput::Say(report))));
        let removed = lines[before..].iter().filter(|(_, input)| *input == LineInput::Removed);
        let removed = u32::try_from(removed.count()).unwrap_or(u32::MAX);
        self.tree.count(link, |changes| changes.gone += removed);
        let changes = self.tree.counted(link);
        // What was said of them before counts no more where another PBX says it now.
        for line in unknown {
            self.find_home(line, pbxs);
            let renamed = self.name_anew(line);
            lines.extend(renamed.map(|identity| (line, LineInput::Identity(identity))));
        }
        match self.trunk(link.pbx, Trunks::end) {
            Clue::Renamed(renamed) => Clue::End(changes, renamed),
            _ => Clue::End(changes, Vec::new()),
        }
    }

    /// Users whom a whole snapshot left out are gone, if the box that spoke had ever known them.
    /// Returns the lines of those whom it had not.
    fn leave_unspoken(
        &mut self,
        link: Link,
        is_standby: bool,
        why: Gone,
        pbxs: &mut ToPbxs,
        lines: &mut Vec<(LineId, LineInput)>,
    ) -> Vec<LineId> {
        let speaks = self.tree.boxes(link);
        let mut unknown = Vec::new();
        for line in self.tree.lines(link.pbx).collect::<Vec<_>>() {
            let member = &self.members[line.0 as usize - 1];
            if member.is_spoken_of(link) {
                continue;
            }
            if is_standby || !member.is_known_to(link.pbx, speaks) {
                let is_here = member.home == link.pbx && member.at_home;
                self.tree.count(link, |changes| changes.missing += u32::from(is_here));
                unknown.push(line);
            } else {
                self.unspoken(link.pbx, line, why, pbxs, lines);
            }
        }
        unknown
    }

    fn trunk(&mut self, pbx: PbxId, note: impl FnOnce(&mut Trunks) -> bool) -> Clue {
        if note(self.trunks.entry(pbx).or_default()) {
            Clue::Renamed(self.rename(|member| member.home == pbx))
        } else {
            Clue::None
        }
    }
}

/// Whether an object is a person's or a phone's, and so gets a line: trunks, nodes, waiting queues
/// and the like have calls of their own that are no TAPI calls (reference of the PBX, 3.7, 4.3).
#[must_use]
pub fn is_phone_like(user: &UserInfo) -> bool {
    matches!(&*user.object, "" | "executive") && matches!(&*user.kind, "" | "ep" | "executive")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::PbxSettings;
    use crate::place::Place;
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

    /// An estate of one PBX, which has a session.
    fn estate() -> Estate {
        let mut estate = Estate::default();
        let pbxs = vec![PbxSettings { master: Place::at("pbx"), standby: None }];
        let configuration = Configuration { pbxs, ..Configuration::default() };
        take(&mut estate, Event::Host(HostFact::Configured(configuration)));
        let place = Arc::new(Place::at("pbx"));
        let up = PbxFact::Initialized { session: 1, key: 1, place };
        take(&mut estate, Event::Pbx(PbxId(0), Attempt(1), up));
        estate
    }

    fn take(estate: &mut Estate, event: Event) -> Route {
        estate.route(Record { at: Millis(0), event })
    }

    fn line_of(estate: &mut Estate, user: UserInfo) -> Option<LineId> {
        let route = take(estate, Event::Pbx(PbxId(0), Attempt(1), PbxFact::User(user)));
        let input = match route {
            Route::Pbx(_, input) => input,
            Route::Several(pbxs, _) => pbxs.into_iter().next()?.1,
            _ => return None,
        };
        match input {
            PbxInput::Fact(_, _, Clue::Line { line, .. } | Clue::Removed(line)) => Some(line),
            _ => None,
        }
    }

    #[test]
    fn a_user_keeps_its_line_through_renaming_and_deletion() {
        let mut estate = estate();
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
        let mut estate = estate();
        let trunk = UserInfo { object: "trunk".into(), kind: "gw".into(), ..user("T", "1", "0") };
        let node = UserInfo { object: "loc".into(), kind: "".into(), ..user("branch", "2", "5") };
        for object in [trunk, node, UserInfo::default()] {
            assert_eq!(line_of(&mut estate, object), None);
        }
    }
}
