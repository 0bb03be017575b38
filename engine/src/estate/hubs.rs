//! Numbers of calls: one DWORD for all legs of a call.

use crate::fact::{CallInfo, Msg};
use crate::handles::Handles;
use crate::id::{Guid, Link};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The DWORD that stands for the conf GUID of a call, equal on all its legs at all PBXs.
///
/// It starts from a hash of the GUID, so that it does not depend on which leg was heard first; two
/// live calls that meet on one hash are told apart by counting on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hubs {
    by_conf: BTreeMap<Guid, Hub>,
    by_id: Handles<Guid>,
    /// The legs of each session; none of a session without one.
    sessions: BTreeMap<Link, Handles<Leg>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Hub {
    id: u32,
    legs: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Leg {
    conf: Guid,
    /// The number of that call. Nearly every event asks for it, and nothing else.
    id: u32,
}

/// What is known of a leg when an event of it is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    /// The number of its call, 0 if it has none.
    pub(super) call_id: u32,
    /// It is heard of for the first time in this call.
    pub(super) is_new: bool,
}

impl Hubs {
    /// Keeps count of a leg's event.
    pub(super) fn hear(&mut self, link: Link, info: &CallInfo) -> Heard {
        let legs = self.sessions.get(&link);
        let known = legs.and_then(|legs| legs.get(info.call));
        let is_other = known.is_none_or(|leg| leg.conf != info.conf);
        let is_new = is_other && !info.conf.is_nil();
        let ends = !info.active || info.msg == Msg::Del;
        if ends || is_new && known.is_some() {
            self.release(link, info.call);
        }
        let call_id = match known {
            _ if is_new && !ends => self.keep(link, info),
            Some(leg) => leg.id,
            None => 0,
        };
        Heard { call_id, is_new }
    }

    fn keep(&mut self, link: Link, info: &CallInfo) -> u32 {
        let conf = info.conf;
        let id = self.id_for(conf);
        self.by_conf.entry(conf).or_insert(Hub { id, legs: 0 }).legs += 1;
        self.sessions.entry(link).or_default().insert(info.call, Leg { conf, id });
        id
    }

    fn id_for(&mut self, conf: Guid) -> u32 {
        if let Some(hub) = self.by_conf.get(&conf) {
            return hub.id;
        }
        let mut id = crc32fast::hash(&conf.0).max(1);
        while self.by_id.get(id).is_some() {
            id = id.wrapping_add(1).max(1);
        }
        self.by_id.insert(id, conf);
        id
    }

    fn release(&mut self, link: Link, call: u32) {
        let Some(legs) = self.sessions.get_mut(&link) else { return };
        let leg = legs.remove(call);
        if legs.is_empty() {
            self.sessions.remove(&link);
        }
        self.leave(leg);
    }

    fn leave(&mut self, legs: impl IntoIterator<Item = Leg>) {
        for leg in legs {
            let Some(hub) = self.by_conf.get_mut(&leg.conf) else { continue };
            hub.legs -= 1;
            if hub.legs == 0 {
                self.by_conf.remove(&leg.conf);
                self.by_id.remove(leg.id);
            }
        }
    }

    /// Handles of sessions that this is not true of mean nothing any more.
    pub(super) fn retain(&mut self, holds: impl Fn(Link) -> bool) {
        let over: Vec<_> = self.sessions.keys().filter(|link| !holds(**link)).copied().collect();
        for link in over {
            let legs = self.sessions.remove(&link).unwrap_or_default();
            self.leave(legs.in_order().into_values());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_legs_of_a_call_have_one_number_and_it_is_freed_with_the_last() {
        let mut hubs = Hubs::default();
        let leg = |call: u32, active: bool| CallInfo {
            call,
            active,
            conf: Guid::read("5d1f0a72e309d311a0c20090333c01aa"),
            ..CallInfo::default()
        };
        let mut hear = |call, active| hubs.hear(Link::default(), &leg(call, active));
        let first = hear(1, true);
        assert!(first.call_id != 0 && first.is_new);
        assert_eq!(hear(1, true), Heard { is_new: false, ..first });
        assert_eq!(hear(2, true), first);
        assert_eq!(hear(1, false).call_id, first.call_id);
        assert_eq!(hear(2, false).call_id, first.call_id);
        assert_eq!(hubs, Hubs::default());
    }
}
