//! What PBXs say: whose record it is, what it means to other PBXs, and where it goes.

use super::homes::Spoken;
use super::hubs::Heard;
use super::numbering::is_node;
use super::tree::{Found, ToPbxs};
use super::trunks::{Trunks, is_trunk};
use super::{Estate, Gone, Located, Route, Why};
use crate::effect::Limit;
use crate::fact::{CallInfo, PbxFact, Question, Role, UserInfo};
use crate::id::{Attempt, LineId, Link, PbxId};
use crate::line::LineInput;
use crate::pbx::{CallClue, Clue, PbxInput, ends_session};
use crate::pii::Personal;
use crate::time::Millis;
use std::sync::Arc;

impl Estate {
    pub(super) fn pbx_fact(
        &mut self,
        at: Millis,
        pbx: PbxId,
        attempt: Attempt,
        fact: PbxFact,
    ) -> Route {
        let link = Link { pbx, attempt };
        let (mut pbxs, mut lines) = (ToPbxs::new(), Vec::new());
        if matches!(fact, PbxFact::Identified(_) | PbxFact::Failed(Question::Version, _)) {
            self.tree.supersede(link);
        }
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
            PbxFact::Initialized { session: 1.., place, .. } if self.tree.is_wanted(pbx) => {
                self.begin_session(link, place);
                Clue::None
            }
            PbxFact::Located(url) => {
                let located = self.tree.locate(pbx, url, &mut pbxs);
                if !matches!(located, Located::At(_)) {
                    pbxs.extend(self.tree.recall(pbx));
                }
                Clue::Located(located)
            }
            fact if ends_session(fact) => {
                self.lose_session(link, &mut pbxs, &mut lines);
                pbxs.extend(self.tree.recall(pbx));
                Clue::None
            }
            PbxFact::Failed(..) => {
                pbxs.extend(self.tree.recall(pbx));
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
        self.hubs.retain(holds);
        self.lot.keep(holds);
        if let Some(trunks) = self.trunks.get_mut(&link.pbx) {
            trunks.begin();
        }
    }

    /// Users of a PBX that is gone may have another home by now; those of one whose session takes the
    /// place of another one may have another name.
    fn lose_session(
        &mut self,
        link: Link,
        pbxs: &mut ToPbxs,
        lines: &mut Vec<(LineId, LineInput)>,
    ) {
        if !self.tree.lost(link.pbx, link.attempt) {
            for (line, who) in self.tree.take_held_back(link.pbx) {
                let renamed = self.becomes(line, link.pbx, who);
                lines.extend(renamed.map(|identity| (line, LineInput::Identity(identity))));
            }
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
        let Heard { call_id, is_new } = self.hubs.hear(link, info);
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
            let nodes = self.nodes.end(link, self.tree.boxes(link));
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
