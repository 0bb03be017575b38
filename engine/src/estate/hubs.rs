//! Numbers of calls: one DWORD for all legs of a call.

use crate::fact::{CallInfo, Msg};
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
    by_id: BTreeMap<u32, Guid>,
    legs: BTreeMap<(Link, u32), Guid>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Hub {
    id: u32,
    legs: u32,
}

impl Hubs {
    /// Whether a leg is heard of for the first time in this call.
    pub(super) fn is_news(&self, link: Link, info: &CallInfo) -> bool {
        !info.conf.is_nil() && self.legs.get(&(link, info.call)) != Some(&info.conf)
    }

    /// Keeps count of a leg's event and gives the number of its call, 0 if it has none.
    pub(super) fn call_id(&mut self, link: Link, info: &CallInfo) -> u32 {
        let leg = (link, info.call);
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

    fn release(&mut self, leg: (Link, u32)) {
        let Some(conf) = self.legs.remove(&leg) else { return };
        if let Some(hub) = self.by_conf.get_mut(&conf) {
            hub.legs -= 1;
            if hub.legs == 0 {
                self.by_id.remove(&hub.id);
                self.by_conf.remove(&conf);
            }
        }
    }

    /// Handles of sessions that this is not true of mean nothing any more.
    pub(super) fn keep(&mut self, holds: impl Fn(Link) -> bool) {
        let gone: Vec<_> = self.legs.keys().filter(|(link, _)| !holds(*link)).copied().collect();
        for leg in gone {
            self.release(leg);
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
        let first = hubs.call_id(Link::default(), &leg(1, true));
        assert_ne!(first, 0);
        assert_eq!(hubs.call_id(Link::default(), &leg(2, true)), first);
        assert_eq!(hubs.call_id(Link::default(), &leg(1, false)), first);
        assert_eq!(hubs.call_id(Link::default(), &leg(2, false)), first);
        assert_eq!(hubs, Hubs::default());
    }
}
