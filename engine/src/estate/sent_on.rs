//! Why calls are sent on. The PBX says who diverted a call, but not whether all his calls are
//! diverted, or he was busy, or did not answer (reference of the PBX, 3.5). Where he is one of our
//! users, what is known of him tells: whether the call rang at his phone before, and what came of
//! that; else how he stands, and what his record says of diversions.
//!
//! It is told with the first event of a leg from what was known then, and not changed afterwards:
//! the one thing about a line that depends on what was heard of another one before.

use crate::call::{PbxState, Phase};
use crate::diversion::{Kind, UserRecord};
use crate::fact::{CallInfo, Party, Role, UserInfo};
use crate::forwarding::Case;
use crate::id::{Guid, LineId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Most called legs that are remembered (I-24): a call is sent on at once when it stops to ring.
const MAX_RANG: usize = 256;

/// What is known of users who may send calls on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SentOn {
    /// Called legs of late, the oldest first.
    rang: VecDeque<Rang>,
    users: BTreeMap<LineId, User>,
}

/// A leg of somebody who was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Rang {
    conf: Guid,
    /// Hash of his name.
    who: u32,
    /// Q.850 cause with which it ended, 0 if there was none.
    cause: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct User {
    registered: bool,
    has_calls: bool,
    /// Diversions in the record as last read; all false if it was not.
    always: bool,
    busy: bool,
    no_answer: bool,
}

impl SentOn {
    /// A PBX reported a user.
    pub(super) fn seen(&mut self, line: LineId, info: &UserInfo) {
        let user = self.users.entry(line).or_default();
        user.registered = info.registered;
        user.has_calls = info.channel > 0;
    }

    /// The record of a user was read.
    pub(super) fn read(&mut self, line: LineId, record: &UserRecord) {
        let has =
            |kind| record.diversions.iter().any(|known| known.kind == kind && known.diverts());
        let user = self.users.entry(line).or_default();
        (user.always, user.busy, user.no_answer) =
            (has(Kind::Always), has(Kind::Busy), has(Kind::NoAnswer));
    }

    /// A leg was heard of, for the first time or again.
    pub(super) fn heard(&mut self, info: &CallInfo, is_new: bool) {
        let state = PbxState::new(info.state);
        if !state.is_incoming() || info.conf.is_nil() {
            return;
        }
        let begins =
            is_new && matches!(state.phase(), Phase::Setup | Phase::Proceeding | Phase::Alert);
        let ending = info.cause.filter(|_| state.is_cleared());
        if !begins && ending.is_none() {
            return;
        }
        let Some(this) = info.party(&Role::This) else { return };
        let who = hash(this);
        if begins {
            if self.rang.len() == MAX_RANG {
                self.rang.pop_front();
            }
            self.rang.push_back(Rang { conf: info.conf, who, cause: 0 });
        } else if let (Some(cause), Some(rang)) = (ending, self.find(info.conf, who)) {
            self.rang[rang].cause = cause;
        }
    }

    /// The case for which somebody sent a call on, if there is a way to tell. `line` is his, if he
    /// has one.
    pub(super) fn why(&self, conf: Guid, by: &Party, line: Option<LineId>) -> Option<Case> {
        if let Some(rang) = self.find(conf, hash(by)) {
            return match self.rang[rang].cause {
                CAUSE_BUSY | CAUSE_REJECTED => Some(Case::Busy),
                // Somebody sent it on by hand, or picked it up.
                CAUSE_ELSEWHERE => None,
                _ => Some(Case::NoAnswer),
            };
        }
        let user = self.users.get(&line?)?;
        match () {
            () if user.always => Some(Case::Always),
            () if user.no_answer && !user.registered => Some(Case::NoAnswer),
            () if user.busy => Some(Case::Busy),
            // He may have been busy with another call.
            () if user.has_calls => None,
            () => Some(Case::Always),
        }
    }

    fn find(&self, conf: Guid, who: u32) -> Option<usize> {
        self.rang.iter().rposition(|rang| rang.who == who && rang.conf == conf)
    }
}

/// Names are unique in a PBX; a party that is no object of it diverts nothing that we could know.
fn hash(party: &Party) -> u32 {
    crc32fast::hash(party.cn.text().as_bytes())
}

/// Q.850.
const CAUSE_BUSY: u8 = 17;
const CAUSE_REJECTED: u8 = 21;
const CAUSE_ELSEWHERE: u8 = 26;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diversion::{Diversion, Sources, Target};
    use crate::pii::Personal;

    const BEN: LineId = LineId(2);

    fn party(role: Role) -> Party {
        Party { role, cn: "Ben".into(), ..Party::default() }
    }

    fn leg(state: u32, cause: Option<u8>) -> CallInfo {
        CallInfo {
            state,
            cause,
            conf: Guid::read("1"),
            parties: [party(Role::This)].into(),
            ..CallInfo::default()
        }
    }

    fn why(known: &SentOn) -> Option<Case> {
        known.why(Guid::read("1"), &party(Role::Leg2), Some(BEN))
    }

    fn seen(registered: bool, channel: u16) -> SentOn {
        let mut known = SentOn::default();
        known.seen(BEN, &UserInfo { registered, channel, ..UserInfo::default() });
        known
    }

    fn read(known: &mut SentOn, kind: Kind) {
        let to = Target::Number("30".into());
        let element = Personal::default();
        let diversions = vec![Diversion { kind, to, sources: Sources::All, element }];
        known.read(BEN, &UserRecord { diversions, ..UserRecord::default() });
    }

    #[test]
    fn a_call_that_rang_before_was_not_answered_or_was_rejected_or_sent_on_by_hand() {
        for (cause, expected) in [
            (None, Some(Case::NoAnswer)),
            (Some(23), Some(Case::NoAnswer)),
            (Some(17), Some(Case::Busy)),
            (Some(21), Some(Case::Busy)),
            (Some(26), None),
        ] {
            let mut known = seen(true, 1);
            known.heard(&leg(129, None), true);
            known.heard(&leg(132, None), false);
            known.heard(&leg(134, cause), false);
            assert_eq!(why(&known), expected, "{cause:?}");
        }
    }

    #[test]
    fn a_call_that_did_not_ring_was_diverted_at_once_as_far_as_one_can_know() {
        assert_eq!(why(&SentOn::default()), None, "nobody of ours");
        assert_eq!(why(&seen(true, 0)), Some(Case::Always));
        assert_eq!(why(&seen(true, 1)), None);
        for (registered, channel, kind, case) in [
            (true, 1, Kind::Always, Case::Always),
            (true, 1, Kind::Busy, Case::Busy),
            (true, 0, Kind::Busy, Case::Busy),
            (false, 0, Kind::NoAnswer, Case::NoAnswer),
            (true, 0, Kind::NoAnswer, Case::Always),
        ] {
            let mut known = seen(registered, channel);
            read(&mut known, kind);
            assert_eq!(why(&known), Some(case), "{registered} {channel} {kind:?}");
        }
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let mut known = SentOn::default();
        for number in 0..1000 {
            let conf = Guid::read(&format!("call {number}"));
            known.heard(&CallInfo { conf, ..leg(129, None) }, true);
        }
        assert_eq!(known.rang.len(), MAX_RANG);
    }
}
