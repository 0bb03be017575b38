//! Time as data: the engine is told what time it is, and asks to be woken.

use crate::id::{CallId, LineId, PbxId, Ticket};
use serde::{Deserialize, Serialize};
use std::ops::Add;

/// Milliseconds since 1970-01-01 00:00 UTC. Never runs back within a log (invariant I-23).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Millis(pub u64);

impl Millis {
    /// How long after `earlier` this is; 0 if it is not.
    #[must_use]
    pub fn since(self, earlier: Millis) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<u64> for Millis {
    type Output = Millis;

    fn add(self, milliseconds: u64) -> Millis {
        Millis(self.0.saturating_add(milliseconds))
    }
}

/// A timer by name. Whoever asks for it (`Effect::Wake`) gets it back as `Event::Due`; there is no
/// cancelling: the owner compares what came due with what it still waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Timer {
    /// Try again to reach a PBX. The number is the attempt that ended.
    Reconnect(PbxId, u32),
    /// Pause before the next Poll of this attempt, against a PBX that answers empty at once.
    PollPause(PbxId, u32),
    /// The replay of running calls after a new session should be over.
    Settled(PbxId, u32),
    /// A request of an application has waited long enough.
    Deadline(LineId, Ticket),
    /// The next ring of an alerting call.
    Ring(CallId, u32),
    /// A call whose PBX is gone has been kept long enough. The number is the lost attempt.
    Grace(LineId, u32),
    /// Offer a call again that the host refused with LINE_NEWCALL. The number counts the refusals.
    NewCallAgain(CallId, u32),
    /// See whether the master of a PBX is there again while its standby serves. The number is that
    /// of the plan.
    Probe(PbxId, u32),
}
