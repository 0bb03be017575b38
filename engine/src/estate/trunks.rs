//! The numbers of trunks: with one of them begins the number of a caller from outside, and so they
//! tell inside from outside where calls are forwarded (reference of the PBX, 7.4).

use crate::fact::UserInfo;
use crate::id::Guid;
use crate::pii::Personal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most trunks of one PBX whose numbers are kept (I-24); a diversion has room for as many.
const MAX_TRUNKS: usize = crate::diversion::MAX_SOURCES;

/// The trunks of one PBX that the session may see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trunks {
    by_guid: BTreeMap<Guid, Trunk>,
    /// Their numbers, in order and each once; shared by all lines of the PBX.
    numbers: Arc<[Personal]>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Trunk {
    number: Personal,
    /// Not reported in the present session so far.
    unseen: bool,
}

impl Trunks {
    /// Their numbers: a caller from outside begins with one of them.
    pub(super) fn numbers(&self) -> Arc<[Personal]> {
        Arc::clone(&self.numbers)
    }

    /// A session begins.
    pub(super) fn begin(&mut self) {
        self.by_guid.values_mut().for_each(|trunk| trunk.unseen = true);
    }

    /// All objects have been reported once. Returns whether the numbers are others now.
    pub(super) fn end(&mut self) -> bool {
        self.by_guid.retain(|_, trunk| !trunk.unseen);
        self.count()
    }

    /// Takes in what a PBX says of a trunk. Returns whether the numbers are others now.
    pub(super) fn note(&mut self, user: &UserInfo) -> bool {
        let guid = if user.guid.is_nil() { Guid::read(user.cn.text()) } else { user.guid };
        let number = format!("{}{}", user.nodenum, user.e164.text());
        if user.active && !user.e164.is_empty() {
            if self.by_guid.len() < MAX_TRUNKS || self.by_guid.contains_key(&guid) {
                let number = number.as_str().into();
                self.by_guid.insert(guid, Trunk { number, unseen: false });
            }
        } else {
            self.by_guid.remove(&guid);
        }
        self.count()
    }

    fn count(&mut self) -> bool {
        let numbers: BTreeSet<&Personal> =
            self.by_guid.values().map(|trunk| &trunk.number).collect();
        let changed = !numbers.iter().copied().eq(self.numbers.iter());
        if changed {
            self.numbers = numbers.into_iter().cloned().collect();
        }
        changed
    }
}

/// Whether an object leads out of the PBX.
#[must_use]
pub fn is_trunk(user: &UserInfo) -> bool {
    !user.cn.is_empty()
        && (matches!(&*user.object, "trunk" | "gw")
            || user.object.is_empty() && &*user.kind == "gw")
}
