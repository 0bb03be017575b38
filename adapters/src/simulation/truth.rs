//! What is so at the PBX, what applications read, and whether the one is the picture of the other
//! (invariant I-18).
//!
//! The picture is drawn here once more, from the phases of the legs and without the engine's table,
//! so that a fault in the table shows.

use super::matching::pairs;
use super::world::World;
use crate::simulator::model::{ListedCall, ListedLeg, ListedUser, Phase};
use engine::id::{Guid, LineId};
use engine::tapi::{CallState, connected_mode, origin};
use engine::view::{CallView, LineView};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a call of a line may read as.
struct Expected {
    id: u32,
    call_id: u32,
    states: Vec<CallState>,
    /// LINECONNECTEDMODE, if the PBX has it connected.
    mode: Option<u32>,
    /// With whom, if the PBX has it connected.
    peer: Option<String>,
    /// For whoever reads the finding.
    leg: String,
    /// It rings at the other end of the same call as another one, since both ends were sent to one
    /// user. That is one call to TAPI or two, as it was learnt.
    is_twin: bool,
}

/// dwCallID of a call with this GUID. Two live calls may share a hash, and then are told apart; in a
/// simulated site of a few calls it does not happen.
fn call_id(conf: Guid) -> u32 {
    crc32fast::hash(&conf.0).max(1)
}

impl World<'_> {
    /// What is not as it should be, in plain words; nothing if all lines and calls are as at the
    /// PBX.
    pub(super) fn differences(&self) -> Vec<String> {
        let mut differences = Vec::new();
        let mut lines: BTreeMap<Guid, LineView> = BTreeMap::new();
        for line in self.provider.core.lines() {
            let view = line.view();
            lines.insert(view.identity.guid, view);
        }
        let known = self.records_of_users();
        for (guid, records) in &known {
            // Somebody whom no PBX that is there speaks of cannot be known, nor be gone.
            let there: Vec<&(usize, ListedUser)> =
                records.iter().filter(|(at, _)| self.serves(*at)).collect();
            let is_own = |at: usize| !self.swarm.layout.is_standby(at);
            let removed = lines.get(guid).filter(|view| view.removed);
            if let Some(view) = removed.filter(|_| records.iter().any(|(at, _)| is_own(*at))) {
                differences.push(format!("{} is removed, and somebody is there", name_of(view)));
            }
            let Some((_, any)) = there.first() else { continue };
            let home = there.iter().find(|(_, user)| user.loc.is_empty());
            match (lines.get(guid), home) {
                (None, _) => differences.push(format!("{} has no line", any.ext)),
                (Some(view), Some((at, user))) => {
                    self.compare(user, &self.site.pbx(*at).calls(), view, &mut differences);
                }
                (Some(view), None) => lost(any, view, &mut differences),
            }
        }
        let all_are_on = (0..self.site.count()).all(|at| self.is_on(at));
        for view in lines.values() {
            let is_known = self.host.known.contains(&view.identity.line);
            if is_known == view.removed {
                let (name, removed) = (name_of(view), view.removed);
                differences.push(format!(
                    "{name} reads removed {removed}, and the server knows of it: {is_known}"
                ));
            }
        }
        for view in lines.values().filter(|_| all_are_on) {
            let has_number = !view.identity.number.is_empty();
            if has_number && !known.contains_key(&view.identity.guid) && !view.removed {
                differences.push(format!("{} is gone, and its line is not", name_of(view)));
            }
        }
        differences
    }

    /// All legs at the PBXs and all calls that applications read, for whoever looks for the reason of
    /// a difference.
    pub(super) fn both_sides(&self) -> Vec<String> {
        let mut sides = Vec::new();
        for at in 0..self.site.count() {
            for call in self.site.pbx(at).calls() {
                for leg in call.legs {
                    let ListedLeg { id, ext, state, handles, .. } = leg;
                    let call = call_id(call.conf);
                    sides.push(format!(
                        "TRUTH    PBX {at}: {ext} has leg {id} of {call:#x} in state {state:#x}; \
                         sessions and handles {handles:?}"
                    ));
                }
            }
        }
        for view in self.provider.core.lines().map(|line| line.view()) {
            for call in &view.calls {
                let (number, state) = (call.info.call_id, call.state.name());
                let who = name_of(&view);
                sides.push(format!("READS    {who}: {:?} of {number:#x} is {state}", call.id));
            }
            let excuses = self.host.excuses(view.identity.line);
            if !excuses.is_empty() {
                sides.push(format!("READS    {}: need not show {excuses:?}", name_of(&view)));
            }
        }
        sides
    }

    /// What each PBX says of each user. A trunk has a number, too, and is no line.
    fn records_of_users(&self) -> BTreeMap<Guid, Vec<(usize, ListedUser)>> {
        let mut records: BTreeMap<Guid, Vec<(usize, ListedUser)>> = BTreeMap::new();
        for at in 0..self.site.count() {
            for user in self.site.pbx(at).users().into_iter().filter(|user| user.ext != "0") {
                records.entry(user.guid).or_default().push((at, user));
            }
        }
        records
    }

    /// Whether phones are registered at a PBX.
    fn serves(&self, at: usize) -> bool {
        self.site.list().get(at).is_some_and(|listed| listed.serves)
    }

    fn compare(
        &self,
        user: &ListedUser,
        calls: &[ListedCall],
        view: &LineView,
        differences: &mut Vec<String>,
    ) {
        let line = view.identity.line;
        let mut differ = |what: String| differences.push(format!("{}: {what}", user.ext));
        if view.removed || !view.connected {
            differ(format!(
                "the line reads removed {}, connected {}",
                view.removed, view.connected
            ));
        }
        if view.in_service != user.registered {
            let (reads, is) = (view.in_service, user.registered);
            differ(format!("the line reads in service {reads}, and the phone is registered {is}"));
        }
        let address = match self.provider.settings().pure_node_extensions {
            true => &user.extension,
            false => &user.ext,
        };
        if view.identity.number.to_text() != *address || view.identity.cn.text() != user.cn {
            differ(format!("the line is still {}", name_of(view)));
        }
        let expected = match self.host.open.contains_key(&line) {
            true => self.expected(user, calls, view),
            false => Vec::new(),
        };
        self.compare_calls(line, &expected, view, &mut differ);
    }

    /// The leg at the PBX that is a call of a line; `None` if there is none, or more than one that it
    /// may be: one who calls himself has two, and a transfer may turn both the same way.
    pub(super) fn leg_of(&self, view: &LineView, call: &CallView) -> Option<u32> {
        let records = self.records_of_users();
        let ext = &records.get(&view.identity.guid)?.first()?.1.ext;
        let calls = (0..self.site.count()).flat_map(|at| self.site.pbx(at).calls());
        let is_it = |known: &ListedCall| call_id(known.conf) == call.info.call_id;
        let legs = calls.filter(is_it).flat_map(|call| call.legs);
        let mut legs: Vec<ListedLeg> = legs.filter(|leg| leg.ext == *ext).collect();
        if let Some(leg) = self.provider.core.leg(call.id) {
            let is_known = |known: &ListedLeg| known.handles.iter().any(|(_, h)| *h == leg.0);
            return legs.iter().find(|known| is_known(known)).map(|known| known.id);
        }
        let outgoing = call.info.origin == origin::OUTBOUND;
        let narrows: [&dyn Fn(&ListedLeg) -> bool; 2] =
            [&|leg| self.states(leg, view).contains(&call.state), &|leg| {
                (leg.state & 0x80 == 0) == outgoing
            }];
        for fits in narrows.iter() {
            if legs.len() > 1 && legs.iter().any(fits) {
                legs.retain(fits);
            }
        }
        match &legs[..] {
            [leg] => Some(leg.id),
            _ => None,
        }
    }

    /// Which calls the line should have.
    fn expected(&self, user: &ListedUser, calls: &[ListedCall], view: &LineView) -> Vec<Expected> {
        let mut expected: Vec<Expected> = Vec::new();
        for call in calls {
            let legs = call.legs.iter().filter(|leg| leg.ext == user.ext);
            let mut rings = Vec::new();
            for leg in legs.filter(|leg| is_told(leg)) {
                let is_ringing = leg.state & 0x80 != 0 && leg.phase <= Phase::Alerting;
                let is_twin = is_ringing && !rings.is_empty();
                // Several devices that ring for one call are one call.
                if is_ringing && rings.contains(&leg.is_of_caller) {
                    continue;
                }
                rings.extend(is_ringing.then_some(leg.is_of_caller));
                // Who is shown nobody keeps whom he was shown; of who calls himself it cannot be told
                // which leg is which call.
                let is_alone = call.legs.iter().filter(|leg| leg.ext == user.ext).count() == 1;
                let talks = leg.phase == Phase::Connected;
                expected.push(Expected {
                    id: leg.id,
                    call_id: call_id(call.conf),
                    states: self.states(leg, view),
                    mode: match leg.state & 0x200 {
                        _ if leg.phase != Phase::Connected => None,
                        0 => Some(connected_mode::ACTIVE),
                        _ => Some(connected_mode::ACTIVEHELD),
                    },
                    peer: Some(leg.shown_peer.clone())
                        .filter(|p| !p.is_empty() && is_alone && talks),
                    leg: format!("{:?}, state {:#x}", leg.phase, leg.state),
                    is_twin,
                });
            }
        }
        expected
    }

    /// As what a leg may read.
    fn states(&self, leg: &ListedLeg, view: &LineView) -> Vec<CallState> {
        use CallState as S;
        let (called, held) = (leg.state & 0x80 != 0, leg.state & 0x100 != 0);
        let is = |name, value| self.swarm.switches.contains(&(name, value));
        let confers = view.calls.iter().any(|call| call.is_conference && call.state != S::Idle);
        let waits = [S::OnHold, S::OnHoldPendTransfer];
        let mut states = match leg.phase {
            Phase::Parked => vec![S::OnHold],
            Phase::Connected if held => waits.to_vec(),
            Phase::Connected if view.identity.single_active_call => {
                vec![S::Connected, S::OnHold, S::OnHoldPendTransfer]
            }
            Phase::Connected => vec![S::Connected],
            _ if called => vec![S::Offering],
            Phase::Setup | Phase::SetupAck => vec![S::Dialing, S::DialTone],
            Phase::Proceeding => vec![S::Proceeding],
            _ => vec![S::Ringback],
        };
        if leg.phase == Phase::Connected && confers {
            states.push(S::Conferenced);
        }
        if called && leg.phase <= Phase::Alerting && is("ucall_mode", "pbx-calls-first") {
            // An application made it, and its own phone rings first.
            states.extend([S::DialTone, S::Dialing, S::Proceeding, S::Ringback]);
        }
        if leg.phase == Phase::Alerting && is("ct_state", "fall") {
            // It was transferred to somebody who has not answered; TAPI has no word for that.
            states.extend([S::Connected, S::OnHold, S::OnHoldPendTransfer, S::Conferenced]);
        }
        if is("setup_progress", "setup-connect") {
            // The steps before an answer are not told.
            states.extend([S::DialTone, S::Dialing, S::Proceeding, S::Ringback]);
        }
        states
    }

    fn compare_calls(
        &self,
        line: LineId,
        expected: &[Expected],
        view: &LineView,
        differ: &mut impl FnMut(String),
    ) {
        let mut excuses = self.host.excuses(line).to_vec();
        let is_live = |call: &&Arc<CallView>| call.state != CallState::Idle && !call.is_conference;
        let live: Vec<_> = view.calls.iter().filter(is_live).collect();
        let is_needed: Vec<bool> =
            expected.iter().map(|leg| !leg.is_twin && !excuses.contains(&Some(leg.id))).collect();
        for call in live.iter().filter(|call| !self.host.calls.contains_key(&call.id)) {
            differ(format!("{:?} can be read, and the server has no handle of it", call.id));
        }
        let has_conference =
            view.calls.iter().any(|call| call.is_conference && call.state != CallState::Idle);
        let has_members = view.calls.iter().any(|call| call.state == CallState::Conferenced);
        let is_pending = view.calls.iter().any(|call| call.state == CallState::OnHoldPendConf);
        if has_conference != (has_members || is_pending) {
            let is = if has_conference { "has no members" } else { "is over, and its members not" };
            differ(format!("a conference {is}"));
        }
        let pairs = pairs(live.len(), &is_needed, |call, leg| expected[leg].fits(live[call]));
        for (call, leg) in live.iter().zip(&pairs) {
            let peer = leg.and_then(|leg| expected[leg].peer.as_deref()).filter(|peer| {
                call.state == CallState::Connected && *peer != call.info.connected.number.to_text()
            });
            if let Some(peer) = peer {
                differ(format!("{:?} reads as one with another party than {peer}", call.id));
            }
        }
        for call in (0..live.len()).filter(|call| pairs[*call].is_none()).map(|call| live[call]) {
            let number = call.info.call_id;
            let known = expected.iter().filter(|leg| leg.call_id == number);
            let known: Vec<&str> = known.map(|expected| expected.leg.as_str()).collect();
            let known = if known.is_empty() { "none".into() } else { known.join(" and ") };
            differ(format!(
                "{:?} (dwCallID {number:#x}) reads {} in mode {:#x}, and the PBX has {known}",
                call.id,
                call.state.name(),
                call.mode,
            ));
        }
        for leg in (0..expected.len()).filter(|leg| !pairs.contains(&Some(*leg))) {
            let missing = &expected[leg];
            if missing.is_twin {
                continue;
            }
            let known = excuses.iter().position(|excuse| *excuse == Some(missing.id));
            let found = known.or_else(|| excuses.iter().position(Option::is_none));
            match found {
                Some(found) => drop(excuses.swap_remove(found)),
                None => differ(format!(
                    "the PBX has a leg of the call with dwCallID {:#x} ({}), and applications do not",
                    missing.call_id, missing.leg
                )),
            }
        }
    }
}

impl Expected {
    /// Whether a call may be this leg.
    fn fits(&self, call: &CallView) -> bool {
        self.call_id == call.info.call_id
            && self.states.contains(&call.state)
            && (call.state != CallState::Connected
                || self.mode.is_none_or(|mode| mode == call.mode))
    }
}

/// A line whose user is at home where nobody answers.
fn lost(user: &ListedUser, view: &LineView, differences: &mut Vec<String>) {
    let live = view.calls.iter().filter(|call| call.state != CallState::Idle).count();
    if view.in_service || live > 0 {
        let in_service = view.in_service;
        differences.push(format!(
            "{} is at a PBX that is off; its line reads in service {in_service}, with {live} calls",
            user.ext
        ));
    }
}

/// Whether applications hear of a leg: not of one that only waits for its receiver to be put down.
fn is_told(leg: &ListedLeg) -> bool {
    !matches!(leg.phase, Phase::ClearedByPbx | Phase::ClearedByUser)
}

fn name_of(view: &LineView) -> String {
    let identity = &view.identity;
    format!("{} {} ({:?})", identity.number.to_text(), identity.cn.text(), identity.line)
}
