//! What other settings would change, before they do.
//!
//! The plan is made by applying them to a copy of the estate, so it cannot say anything else than
//! what will be. The users of a PBX that nobody has asked yet are not known, and so not in it.

use super::tree::Tree;
use super::{Estate, Member, Why};
use crate::fact::Configuration;
use crate::id::PbxId;
use crate::place::Place;
use crate::time::Millis;
use crate::view::Identity;
use std::sync::Arc;

/// What other settings would change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// PBXs that would be looked after otherwise than now, by number.
    pub pbxs: Vec<PbxPlan>,
    /// Lines that are there again if their PBX still has their users.
    pub added: Vec<Arc<Identity>>,
    /// Lines with another name or number.
    pub renamed: Vec<Renaming>,
    /// Lines that are gone. Their ids stay theirs.
    pub removed: Vec<Arc<Identity>>,
}

/// A line before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renaming {
    /// As it is.
    pub from: Arc<Identity>,
    /// As it would be.
    pub to: Arc<Identity>,
}

/// What would become of a PBX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PbxPlan {
    /// Its number.
    pub pbx: PbxId,
    /// Where it is, as far as is known: its master, after the change if there is one then.
    pub place: Option<Arc<Place>>,
    /// What would become of it.
    pub change: PbxChange,
}

/// What can become of a PBX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PbxChange {
    /// It is looked after from then on.
    Added,
    /// It is not looked after any more.
    Left,
    /// Its standby is another one, or it is asked by HTTPS instead of HTTP or the other way.
    Moved,
    /// A session with other credentials takes the place of the present one.
    Renewed,
}

impl PbxChange {
    /// In a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            PbxChange::Added => "added",
            PbxChange::Left => "left",
            PbxChange::Moved => "changed",
            PbxChange::Renewed => "renewed",
        }
    }
}

impl Plan {
    /// Whether nothing changes that can be seen in lines or PBXs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Plan::default()
    }
}

impl Estate {
    /// The settings in force.
    #[must_use]
    pub fn configuration(&self) -> Option<&Configuration> {
        self.configuration.as_ref()
    }

    /// What these settings would change.
    #[must_use]
    pub fn plan(&self, configuration: &Configuration) -> Plan {
        let mut after = self.clone();
        // Where it would go is told by what has changed.
        let _ = after.configure(Millis::default(), configuration.clone());
        let mut plan = Plan { pbxs: self.tree.plan(&after.tree), ..Plan::default() };
        for (was, is) in self.members.iter().zip(&after.members) {
            match (was.gone.is_some(), is.gone.is_some()) {
                (false, true) => plan.removed.push(Arc::clone(&was.identity)),
                (false, false) if is_renamed(was, is) => plan.renamed.push(Renaming {
                    from: Arc::clone(&was.identity),
                    to: Arc::clone(&is.identity),
                }),
                (true, true)
                    if is.gone.is_some_and(|gone| gone.why == Why::PbxLeft)
                        && after.tree.is_new_against(&self.tree, is.home) =>
                {
                    plan.added.push(Arc::clone(&is.identity));
                }
                _ => {}
            }
        }
        plan
    }
}

fn is_renamed(was: &Member, is: &Member) -> bool {
    (&was.identity.name, &was.identity.number) != (&is.identity.name, &is.identity.number)
}

impl Tree {
    fn plan(&self, after: &Tree) -> Vec<PbxPlan> {
        let change = |id: PbxId| match (self.is_followed(id), after.is_followed(id)) {
            (false, true) => Some(PbxChange::Added),
            (true, false) => Some(PbxChange::Left),
            (true, true) if self.places(id) != after.places(id) => Some(PbxChange::Moved),
            (true, true) if self.credentials != after.credentials => Some(PbxChange::Renewed),
            _ => None,
        };
        let planned = after.ids().filter_map(|pbx| {
            let place = after.places(pbx).first().cloned();
            Some(PbxPlan { pbx, place, change: change(pbx)? })
        });
        planned.collect()
    }
}
