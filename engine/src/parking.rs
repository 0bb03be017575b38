//! Where calls are parked.
//!
//! A parked call is a leg at the object where it is parked, whoever parked it (reference of the PBX,
//! 6.9). It is taken from there by the handle of that leg, which another line than the object's own
//! may want to know. What is kept here only answers that question; no line's state depends on it.

use crate::call::{PbxState, Phase};
use crate::fact::{CallInfo, Msg, Role};
use crate::id::{CallHandle, Link, PbxId};
use crate::pii::Personal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most parked calls known at a time (I-24). A PBX has far fewer positions.
const MAX_PARKED: usize = 4096;

/// All parked calls of the lines that are monitored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lot {
    /// The Long Name of the object where each leg is parked.
    legs: BTreeMap<(Link, CallHandle), Personal>,
}

impl Lot {
    /// Takes in an event of a leg.
    pub(crate) fn take(&mut self, link: Link, info: &CallInfo) {
        let leg = (link, info.handle());
        let parked = PbxState::new(info.state).phase() == Phase::Parked;
        if !info.active || info.msg == Msg::Del || !parked {
            self.legs.remove(&leg);
        } else if let Some(this) = info.party(&Role::This)
            && (self.legs.len() < MAX_PARKED || self.legs.contains_key(&leg))
        {
            self.legs.insert(leg, this.cn.clone());
        }
    }

    /// The leg that was parked first at an object.
    pub(crate) fn at(&self, cn: &str) -> Option<(PbxId, CallHandle)> {
        let mut legs = self.legs.iter().filter(|(_, place)| place.text() == cn);
        legs.next().map(|((link, call), _)| (link.pbx, *call))
    }

    /// Handles of sessions that this is not true of mean nothing any more.
    pub(crate) fn keep(&mut self, holds: impl Fn(Link) -> bool) {
        self.legs.retain(|(link, _), _| holds(*link));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::Party;

    fn parked(call: u32, cn: &str) -> CallInfo {
        let this = Party { role: Role::This, cn: cn.into(), ..Party::default() };
        CallInfo { call, active: true, state: 136, parties: [this].into(), ..CallInfo::default() }
    }

    #[test]
    fn a_parked_call_is_known_until_it_is_taken_or_gone() {
        let (mut lot, pbx) = (Lot::default(), Link::default());
        lot.take(pbx, &parked(9, "Park"));
        lot.take(pbx, &parked(7, "Park"));
        lot.take(pbx, &CallInfo { state: 133, ..parked(8, "Anna") });
        assert_eq!(lot.at("Park"), Some((pbx.pbx, CallHandle(7))));
        assert_eq!(lot.at("Anna"), None);
        lot.take(pbx, &CallInfo { active: false, ..parked(7, "") });
        assert_eq!(lot.at("Park"), Some((pbx.pbx, CallHandle(9))));
        lot.keep(|_| false);
        assert_eq!(lot, Lot::default());
    }

    #[test]
    fn there_are_only_so_many_positions() {
        let mut lot = Lot::default();
        (0..5000).for_each(|call| lot.take(Link::default(), &parked(call, "Park")));
        assert_eq!(lot.legs.len(), MAX_PARKED);
    }
}
