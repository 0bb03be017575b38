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
mod lookups;
mod names;
mod numbering;
mod plan;
mod register;
mod said;
mod sent_on;
mod tree;
mod trunks;

use self::homes::Member;
use self::hubs::Hubs;
use self::index::{By, key};
pub use self::listing::{Entry, NameUse, Preview};
use self::lookups::Lookups;
use self::numbering::Nodes;
pub use self::numbering::{MAX_NODE_DEPTH, MAX_NODES};
pub use self::plan::{PbxChange, PbxPlan, Plan, Renaming};
pub use self::register::{Gone, ImportPlan, Why};
pub use self::said::is_phone_like;
use self::sent_on::SentOn;
pub use self::tree::{Located, MAX_DEPTH, MAX_PBXS, STAGGER_MS, is_location, location_name};
use self::tree::{ToPbxs, Tree};
use self::trunks::Trunks;
pub use self::trunks::is_trunk;
use crate::fact::{Command, Configuration, Event, HostFact, Record, Reply};
use crate::id::{CallHandle, LineId, PbxId};
use crate::line::{LineInput, Unpark};
use crate::parking::Lot;
use crate::pbx::PbxInput;
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
    #[serde(skip)]
    lookups: Lookups,
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
            Event::App(line, opening, id, command) => {
                let across = self.across(line, &command);
                Route::Line(line, LineInput::Command(opening, id, command, across))
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

    /// The same to be written down: without what follows from the rest, which would be copied as
    /// soon as anything changes while the image is there.
    #[must_use]
    pub fn image(&self) -> Estate {
        Estate {
            configuration: self.configuration.clone(),
            members: self.members.clone(),
            lookups: Lookups::default(),
            shared_names: Vec::new(),
            nodes: self.nodes.clone(),
            tree: self.tree.clone(),
            trunks: self.trunks.clone(),
            hubs: self.hubs.clone(),
            sent_on: self.sent_on.clone(),
            lot: self.lot.clone(),
        }
    }

    /// Makes what is in no image.
    pub(crate) fn complete(&mut self) {
        self.lookups = Lookups::of(&self.members);
    }

    /// Whether its tables say what its members say.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.lookups.are_of(&self.members)
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
        self.numbered(number).find_map(|member| self.lot.at(member.subscriber.cn()))
    }

    /// The lines with this address, or this extension within their node.
    fn numbered(&self, number: &Personal) -> impl Iterator<Item = &Member> {
        let found = self.lookups.index.find(key(By::Number, number.text()));
        let members = found.map(|line| &*self.members[line.0 as usize - 1]);
        members.filter(move |member| {
            member.subscriber.e164() == number.text()
                || member.identity.number.to_text() == number.text()
        })
    }

    /// The lines of users with this Long Name.
    fn named(&self, cn: &Personal) -> impl Iterator<Item = LineId> {
        let found = self.lookups.index.find(key(By::LongName, cn.text()));
        found.filter(|line| self.members[line.0 as usize - 1].subscriber.cn() == cn.text())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::{PbxFact, PbxSettings, UserInfo};
    use crate::id::Attempt;
    use crate::id::Guid;
    use crate::pbx::Clue;
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
        let up = PbxFact::Initialized { session: 1, place };
        take(&mut estate, Event::Pbx(PbxId(0), Attempt(1), up));
        estate
    }

    fn take(estate: &mut Estate, event: Event) -> Route {
        estate.route(Record { at: Millis(0), event })
    }

    fn line_of(estate: &mut Estate, user: UserInfo) -> Option<LineId> {
        let route = take(estate, Event::Pbx(PbxId(0), Attempt(1), PbxFact::User(user.into())));
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
