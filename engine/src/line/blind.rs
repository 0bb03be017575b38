//! What became of a line's calls while nobody could see: from the loss of its session until all
//! running calls have been reported in another one.

use super::Line;
use super::call::Call;
use crate::effect::{Effect, Effects, Report};
use crate::tapi::CallState;
use crate::view::PartyId;
use serde::{Deserialize, Serialize};

/// What is other about a line's calls than when its PBX was last seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallChanges {
    /// Calls that are over.
    pub ended: u16,
    /// Calls that were not there.
    pub begun: u16,
    /// Calls that go on in another state, or with somebody else.
    pub changed: u16,
}

/// What applications last knew of a call.
pub(super) struct Known(CallState, PartyId);

impl Known {
    pub(super) fn of(call: &Call) -> Known {
        Known(call.state, call.card.connected.clone())
    }
}

impl Line {
    /// Nobody sees the calls from now on.
    pub(super) fn goes_blind(&mut self) {
        self.blind.get_or_insert_default();
    }

    /// Calls are over of which nobody saw the end.
    pub(super) fn ended_unseen(&mut self) {
        let over = self.calls.iter().filter(|call| call.orphaned && call.is_live()).count();
        if let Some(changes) = &mut self.blind {
            changes.ended = changes.ended.saturating_add(u16::try_from(over).unwrap_or(u16::MAX));
        }
    }

    /// A call is there that was not.
    pub(super) fn begun_unseen(&mut self) {
        if let Some(changes) = &mut self.blind {
            changes.begun = changes.begun.saturating_add(1);
        }
    }

    /// A call is seen again, which was known as this.
    pub(super) fn seen_again(&mut self, index: usize, known: &Known) {
        let call = &self.calls[index];
        let is_same = call.state == known.0 && call.card.connected == known.1;
        if let Some(changes) = self.blind.as_mut().filter(|_| !is_same) {
            let count = if call.is_live() { &mut changes.changed } else { &mut changes.ended };
            *count = count.saturating_add(1);
        }
    }

    /// All calls have been seen: says what is other than before.
    pub(super) fn sees_again(&mut self, out: &mut Effects) {
        let changes = self.blind.take().filter(|changes| *changes != CallChanges::default());
        out.extend(changes.map(|changes| Effect::Report(Report::CallsChanged(self.id(), changes))));
    }
}
