//! The table of permanent ids: which belongs to whom for ever (I-10), what came into it from
//! elsewhere, and which lines are no more.

use super::names::subscriber;
use super::tree::ToPbxs;
use super::{Estate, LineInput, MAX_LINES, Route};
use crate::effect::{Limit, Report};
use crate::fact::UserInfo;
use crate::id::{Guid, LineId, PbxId, PermanentId};
use crate::pbx::PbxInput;
use crate::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Since when a line is no more, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// Since when.
    pub since: Millis,
    /// Why.
    pub why: Why,
}

/// Why a line is no more. A PBX says the same of a user who was deleted and of one who left the
/// groups that the session may see (the PBX's SOAP reference, 4.2), so they are not told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// The PBX said so: deleted, or out of scope.
    Deleted,
    /// It was not among the users when the PBX was seen again: deleted or out of scope meanwhile.
    Unlisted,
    /// Its PBX left the settings, or the view of the PBX that led to it.
    PbxLeft,
    /// Removed by command.
    Dismissed,
    /// Its id was imported, and no PBX has spoken of it yet.
    Awaited,
}

/// What an import of ids would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportPlan {
    /// New ones, to be taken in.
    pub new: Vec<(Guid, PermanentId)>,
    /// Known with the same id.
    pub known: usize,
    /// The user has another id here: which. It stays.
    pub other_id: Vec<(Guid, PermanentId, PermanentId)>,
    /// The id belongs to another user here: to whom. It stays.
    pub taken: Vec<(Guid, PermanentId, Guid)>,
    /// So many would go beyond the limit of lines.
    pub too_many: usize,
}

impl Estate {
    /// What an import of these ids would do. Of two entries with one id, or one GUID, the first
    /// counts.
    #[must_use]
    pub fn plan_import(&self, ids: &[(Guid, PermanentId)]) -> ImportPlan {
        let mut plan = ImportPlan::default();
        let mut new_guids: BTreeMap<Guid, PermanentId> = BTreeMap::new();
        let mut new_ids: BTreeMap<PermanentId, Guid> = BTreeMap::new();
        for (guid, id) in ids.iter().copied() {
            let own = self.permanent_of(guid).or_else(|| new_guids.get(&guid).copied());
            let owner = self.owner_of(id).or_else(|| new_ids.get(&id).copied());
            match (own, owner) {
                (Some(own), _) if own == id => plan.known += 1,
                (Some(own), _) => plan.other_id.push((guid, id, own)),
                (None, Some(owner)) => plan.taken.push((guid, id, owner)),
                (None, None) if self.members.len() + plan.new.len() >= MAX_LINES => {
                    plan.too_many += 1;
                }
                (None, None) => {
                    new_guids.insert(guid, id);
                    new_ids.insert(id, guid);
                    plan.new.push((guid, id));
                }
            }
        }
        plan
    }

    fn permanent_of(&self, guid: Guid) -> Option<PermanentId> {
        let line = self.lookups.with_guid(guid)?;
        Some(self.members[line.0 as usize - 1].identity.permanent)
    }

    fn owner_of(&self, id: PermanentId) -> Option<Guid> {
        let line = self.line_with(id)?;
        Some(self.members[line.0 as usize - 1].subscriber.guid)
    }

    /// The id of the next line: its number, or where that was imported for somebody else, one
    /// beyond all that are taken.
    pub(super) fn free_id(&self) -> PermanentId {
        // MAX_LINES keeps the number of members within u32.
        let number = PermanentId(u32::try_from(self.members.len() + 1).unwrap_or(u32::MAX));
        if self.line_with(number).is_none() {
            return number;
        }
        let last = self.lookups.last_permanent().map_or(0, |last| last.0);
        let is_free = |id: &PermanentId| self.line_with(*id).is_none();
        last.checked_add(1).map_or_else(
            // Somebody imported the very last one. There are far fewer lines than numbers.
            || (1..=u32::MAX).map(PermanentId).find(is_free).unwrap_or(number),
            PermanentId,
        )
    }

    /// Takes in ids from elsewhere, for users that no PBX has spoken of so far.
    pub(super) fn import(&mut self, at: Millis, ids: &[(Guid, PermanentId)]) -> Route {
        let plan = self.plan_import(ids);
        let gone = Gone { since: at, why: Why::Awaited };
        for (guid, id) in &plan.new {
            let nobody = subscriber(*guid, &UserInfo::default());
            self.add_member(*id, nobody, PbxId(0), false, Some(gone));
        }
        let refused = plan.other_id.len() + plan.taken.len();
        let mut pbxs = ToPbxs::new();
        if refused > 0 {
            let refused = u32::try_from(refused).unwrap_or(u32::MAX);
            pbxs.push((PbxId(0), PbxInput::Say(Report::IdsNotImported(refused))));
        }
        if plan.too_many > 0 {
            pbxs.push((PbxId(0), PbxInput::Reached(Limit::Lines)));
        }
        if pbxs.is_empty() { Route::Nowhere } else { Route::Several(pbxs, Vec::new()) }
    }

    /// Removes a line by command. One that a PBX vouches for now stays: it would be back at once.
    pub(super) fn dismiss(&mut self, at: Millis, id: PermanentId) -> Route {
        let Some(line) = self.line_with(id) else { return Route::Nowhere };
        let index = line.0 as usize - 1;
        let member = &self.members[index];
        let home = member.home;
        if member.is_vouched_for(|pbx| self.tree.is_present(pbx)) {
            let report = (home, PbxInput::Say(Report::StillThere(line)));
            return Route::Several(vec![report], Vec::new());
        }
        let was_there = member.gone.is_none();
        for pbx in member.spoken_of_by().collect::<Vec<_>>() {
            self.tree.note_line(pbx, line, false);
        }
        let member = Arc::make_mut(&mut self.members[index]);
        member.forget_all();
        member.at_home = false;
        member.gone = Some(Gone { since: at, why: Why::Dismissed });
        if !was_there {
            return Route::Nowhere;
        }
        self.delist(line);
        let mut pbxs = vec![(home, PbxInput::Leave(line))];
        let mut lines = vec![(line, LineInput::Removed)];
        self.settle_names(&mut pbxs, &mut lines);
        Route::Several(pbxs, lines)
    }

    /// The line with a permanent id.
    #[must_use]
    pub fn line_with(&self, id: PermanentId) -> Option<LineId> {
        self.lookups.with_permanent(id, &self.members)
    }
}
