//! What ties the calls of a line to those of the PBX: for tools that look back at a log.
//! Applications read none of it.

use super::Line;
use super::call::Call;
use crate::id::{CallHandle, CallId, Guid, Link};
use crate::tapi::CallState;
use crate::view::CallCard;
use std::sync::Arc;

/// A call of a line, and what the PBX knows it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTie<'a> {
    /// Its name.
    pub id: CallId,
    /// The PBX's key for the call, equal on all its legs; NIL as long as it is not known.
    pub conf: Guid,
    /// What LINECALLINFO says, or would say.
    pub card: &'a Arc<CallCard>,
    /// The leg that carries it, in the line's present session.
    pub leg: Option<CallHandle>,
    /// Further legs of the same offered call.
    pub forks: &'a [CallHandle],
    /// LINECALLSTATE, told or not.
    pub state: CallState,
    /// The mode that goes with it.
    pub mode: u32,
    /// TAPI has a handle for it.
    pub is_visible: bool,
    /// It is a conference, which the PBX knows nothing of.
    pub is_conference: bool,
    /// The session that showed it is gone.
    pub is_orphaned: bool,
}

impl Line {
    /// Its calls, also those that TAPI does not know of.
    pub fn ties(&self) -> impl Iterator<Item = CallTie<'_>> {
        self.calls.iter().map(Call::tie)
    }

    /// The session in which its calls are reported.
    #[must_use]
    pub fn monitored_in(&self) -> Option<Link> {
        self.monitor.map(|monitor| monitor.link)
    }
}

impl Call {
    fn tie(&self) -> CallTie<'_> {
        CallTie {
            id: self.id,
            conf: self.conf,
            card: &self.card,
            leg: self.leg,
            forks: &self.forks,
            state: self.state,
            mode: self.mode,
            is_visible: self.is_visible(),
            is_conference: self.is_conference,
            is_orphaned: self.orphaned,
        }
    }
}
