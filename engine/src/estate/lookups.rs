//! Tables by which members are found. They follow from the members, so they are in no image of the
//! state: what is not written down needs neither room in a snapshot nor a copy while one is written.

use super::claims::Claims;
use super::homes::Member;
use super::index::Index;
use crate::id::{Guid, LineId, PermanentId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Members by what they are known by.
#[derive(Clone, Debug, Default)]
pub(super) struct Lookups {
    by_guid: BTreeMap<Guid, LineId>,
    /// Those whose permanent id is another number than that of their line.
    permanents: BTreeMap<PermanentId, LineId>,
    pub(super) index: Index,
    pub(super) claims: Claims,
}

/// They follow from the members, which are compared.
impl PartialEq for Lookups {
    fn eq(&self, _: &Lookups) -> bool {
        true
    }
}

impl Eq for Lookups {}

impl Lookups {
    /// The tables for these members.
    pub(super) fn of(members: &[Arc<Member>]) -> Lookups {
        let mut lookups = Lookups::default();
        for member in members {
            let line = member.identity.line;
            lookups.add(line, member.subscriber.guid, member.identity.permanent);
            member.keys.indexed().into_iter().for_each(|key| lookups.index.change(line, 0, key));
            lookups.claims.restore(member.subscriber.guid, member.keys.claimed());
        }
        lookups
    }

    /// Whether they are those for these members.
    pub(super) fn are_of(&self, members: &[Arc<Member>]) -> bool {
        let Lookups { by_guid, permanents, index, claims } = Lookups::of(members);
        by_guid == self.by_guid
            && permanents == self.permanents
            && index == self.index
            && claims == self.claims
    }

    /// There is a new member.
    pub(super) fn add(&mut self, line: LineId, guid: Guid, permanent: PermanentId) {
        self.by_guid.insert(guid, line);
        if permanent.0 != line.0 {
            self.permanents.insert(permanent, line);
        }
    }

    /// Whose line is that of a PBX object.
    pub(super) fn with_guid(&self, guid: Guid) -> Option<LineId> {
        self.by_guid.get(&guid).copied()
    }

    /// The line of a permanent id, of so many members.
    pub(super) fn with_permanent(
        &self,
        id: PermanentId,
        members: &[Arc<Member>],
    ) -> Option<LineId> {
        let own = || {
            let index = (id.0 as usize).checked_sub(1)?;
            let identity = &members.get(index)?.identity;
            (identity.permanent == id).then_some(identity.line)
        };
        self.permanents.get(&id).copied().or_else(own)
    }

    /// The largest permanent id that is not the number of its line.
    pub(super) fn last_permanent(&self) -> Option<PermanentId> {
        self.permanents.keys().next_back().copied()
    }
}
