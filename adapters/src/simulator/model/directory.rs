//! Looking things up: objects, devices, calls, numbers, other PBXs. None of it changes anything.

use super::numbering::{Destination, Whom};
use super::object::{Object, ObjectId};
use super::{PbxModel, picture};
use crate::soap::types::{CallInfo, Device, UserInfo};

/// More than this many records of `FindUser` may crash a real PBX; here it is the most there are.
const FIND_LIMIT: usize = 50;

impl PbxModel {
    /// `FindUser`: the key that is given says where an alphabetical list begins.
    pub(super) fn find_users(&self, find: &Find<'_>) -> Vec<UserInfo> {
        let count = (find.count as usize).min(FIND_LIMIT);
        if !find.h323.is_empty() {
            let list = self.directory.short_names_from(find.h323);
            self.records(list, find.h323, find, count)
        } else if !find.e164.is_empty() {
            let start = self.number_in_node_of(find.cn, find.e164);
            self.records(self.directory.numbers_from(&start), &start, find, count)
        } else {
            self.records(self.directory.names_from(find.cn), find.cn, find, count)
        }
    }

    fn records<'d>(
        &'d self,
        list: impl Iterator<Item = (&'d str, ObjectId)>,
        start: &str,
        find: &Find<'_>,
        count: usize,
    ) -> Vec<UserInfo> {
        list.filter(|(key, _)| !(find.next && *key == start))
            .filter_map(|(_, id)| Some((id, self.directory.get(id)?)))
            .filter(|(_, object)| find.nohide || !object.hidden)
            .take(count)
            .map(|(id, object)| self.record(id, object))
            .collect()
    }

    pub(super) fn record(&self, id: ObjectId, object: &Object) -> UserInfo {
        picture::user(object, self.counters(id), &self.name, &self.switches)
    }

    /// A number is read in the node of the user whose name goes with it.
    fn number_in_node_of(&self, cn: &str, e164: &str) -> String {
        let node = self.directory.named(cn).and_then(|id| self.directory.get(id));
        format!("{}{e164}", node.map_or("", |object| object.nodenum.as_str()))
    }

    /// `UserFindDestination`: whether more digits are needed, and the object they lead to.
    pub(super) fn destination(&self, found: &Destination) -> (bool, Option<UserInfo>) {
        match found {
            Destination::Object(id) | Destination::External(id, _) => {
                (false, self.directory.get(*id).map(|object| self.record(*id, object)))
            }
            Destination::Abroad(abroad) => {
                let known = match &abroad.whom {
                    Whom::User(guid) => self.known(*guid),
                    Whom::Number(_) => None,
                };
                let object = known.and_then(|id| Some((id, self.directory.get(id)?)));
                (false, object.map(|(id, object)| self.record(id, object)))
            }
            Destination::Incomplete => (true, None),
            Destination::Unknown => (false, None),
        }
    }

    /// `Devices`.
    pub(super) fn devices(&self, cn: &str) -> Vec<Device> {
        let object = self.directory.named(cn).and_then(|id| self.directory.get(id));
        let devices = object.map_or(&[][..], |object| &object.devices);
        devices
            .iter()
            .map(|device| Device {
                hw: device.hw.as_str().into(),
                text: device.text.as_str().into(),
            })
            .collect()
    }

    /// `Calls`: its handles are none that any other operation takes.
    pub(super) fn calls_of(&self, cn: &str) -> Vec<CallInfo> {
        let Some(id) = self.directory.named(cn) else { return Vec::new() };
        self.legs.at(id).map(|(_, leg)| self.call_record(leg, leg.last_msg)).collect()
    }

    /// `LocationUrl`: empty if the PBX is not known or not registered.
    #[must_use]
    pub fn location_url(&self, loc: &str, tls: bool) -> String {
        let known = self.locations.iter().find(|location| location.name == loc);
        let Some(location) = known.filter(|location| location.registered) else {
            return String::new();
        };
        match (&location.tls_url, tls) {
            (Some(url), true) => url.clone(),
            (None, true) => location.url.replacen("http:", "https:", 1),
            (_, false) => location.url.clone(),
        }
    }
}

/// What `FindUser` was asked for.
pub(super) struct Find<'a> {
    pub(super) cn: &'a str,
    pub(super) h323: &'a str,
    pub(super) e164: &'a str,
    pub(super) count: u32,
    pub(super) next: bool,
    pub(super) nohide: bool,
}
