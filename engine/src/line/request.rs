//! Requests of applications that are under way: each completes exactly once (invariant I-06).

use crate::id::{CallId, RequestId};
use serde::{Deserialize, Serialize};

/// A request under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) id: RequestId,
    pub(super) call: CallId,
    pub(super) kind: Kind,
    /// The host closed the line or call and had its completion; only the call's fate is awaited.
    pub(super) completed: bool,
}

/// What is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// `UserCall` to answer with a handle.
    MakeCall,
    /// The call to become CONNECTED.
    Answer,
    /// The call to become IDLE.
    Drop,
}

/// How long the PBX may take to answer `UserCall` (TSPI: lost PBX answer).
pub(super) const MAKE_CALL_DEADLINE_MS: u64 = 10_000;
/// How long events may take to prove an answer or a drop.
pub(super) const PROOF_DEADLINE_MS: u64 = 5_000;
