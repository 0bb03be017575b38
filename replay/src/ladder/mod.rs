//! Calls as ladders: what PBX, line and application said to each other about one call, in order.
//!
//! A ladder is one conversation: all lines that took part in one call of the PBX (its conf GUID).
//! Consultations and transfers are conversations of their own, which know of each other.

mod causes;
mod draw;
mod gather;
mod story;
mod words;

pub(crate) use draw::Drawing;
pub(crate) use gather::Ladders;
pub(crate) use story::{Kind, Sentence, odd, story, summary, who};
pub(crate) use words::surprise_words;

use crate::rows::{LineTag, Parties, Said};
use engine::effect::Surprise;
use engine::fact::{Completion, Function, Msg};
use engine::id::{CallId, Correlation, Guid, LineId, PbxId, RequestId};
use engine::line::Rule;
use engine::tapi::CallState;
use engine::time::Millis;
use engine::view::CallCard;
use std::fmt;
use std::sync::Arc;

/// What a conversation is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    /// The PBX's key for the call: a CDR has the same.
    Conf(Guid),
    /// The request that was to make a call, as long as the PBX has shown none; or a request that is
    /// about no call.
    Request(Correlation),
    /// A call of a line whose PBX has not told its key.
    Call(CallId),
}

/// One conversation.
#[derive(Clone, Debug)]
pub(crate) struct Ladder {
    pub(crate) key: Key,
    /// Each line's part in it, in the order in which they appeared.
    pub(crate) legs: Vec<Leg>,
    /// What happened, in the order of the log.
    pub(crate) steps: Vec<Step>,
    /// What the PBXs are called that take part.
    pub(crate) pbxs: Vec<(PbxId, String)>,
    /// Further steps that are not kept, since there are too many.
    pub(crate) left_out: u64,
    /// Conversations that had a leg in common with this one.
    pub(crate) related: Vec<Key>,
    /// The first record of it.
    pub(crate) begun: (u64, Millis),
    /// The last record of it.
    pub(crate) last: (u64, Millis),
    pub(crate) ending: Ending,
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It goes on at the end of the log.
    GoingOn,
    /// All its calls are IDLE, or forgotten.
    Over,
    /// The telephony server was started anew while it went on.
    Restarted,
    /// Records are missing; what became of it is not known.
    Unknown,
}

/// One line's part in a conversation.
#[derive(Clone, Debug)]
pub(crate) struct Leg {
    pub(crate) line: LineId,
    pub(crate) tag: LineTag,
    pub(crate) call: CallId,
    /// The count of the call on its line, from the first callback about it on.
    pub(crate) number: Option<u32>,
    /// The PBX that showed it.
    pub(crate) pbx: Option<PbxId>,
    pub(crate) is_conference: bool,
    /// The conversation in which it goes on, if the PBX gave the call another key.
    pub(crate) goes_on_as: Option<Key>,
    /// What LINECALLINFO says, as last known.
    pub(crate) card: Arc<CallCard>,
    /// Its states, each from a record on.
    pub(crate) bands: Vec<Band>,
}

impl Leg {
    /// dwCallID, 0 if it is not known.
    pub(crate) fn call_id(&self) -> u32 {
        self.card.call_id
    }

    /// Who talks to whom, as last known.
    pub(crate) fn parties(&self) -> Parties {
        Parties::from(&*self.card)
    }

    /// Whether nothing more can happen to it.
    pub(crate) fn is_over(&self) -> bool {
        self.goes_on_as.is_some()
            || self.bands.last().is_some_and(|band| band.state == CallState::Idle)
    }
}

/// From a record on a call has a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Band {
    pub(crate) seq: u64,
    pub(crate) at: Millis,
    pub(crate) state: CallState,
    pub(crate) mode: u32,
    /// Of which kind the record was.
    pub(crate) ground: Ground,
    /// The host was told. It is not where the line is not open, or has closed the call.
    pub(crate) is_told: bool,
}

/// One thing that was said, or happened.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The record that it is, or that led to it.
    pub(crate) seq: u64,
    pub(crate) at: Millis,
    /// Index of the leg in [`Ladder::legs`] that it is about, if it is about one.
    pub(crate) leg: Option<usize>,
    /// The request that it belongs to.
    pub(crate) correlation: Option<Correlation>,
    /// Of which kind the record is.
    pub(crate) ground: Ground,
    pub(crate) from: Column,
    pub(crate) to: Column,
    pub(crate) what: StepKind,
}

/// Who says something to whom; what happens at one place is from and to the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Column {
    Pbx(PbxId),
    /// The provider, for the line of this leg.
    Line(usize),
    Application,
}

/// What was said, or happened.
#[derive(Clone, Debug)]
pub(crate) enum StepKind {
    /// A TSPI request; `words` has what was asked for besides the call.
    Asked { function: Function, request: RequestId, words: String },
    /// A SOAP operation; `words` has its parameters.
    Ordered { operation: &'static str, words: String },
    /// What the PBX answered to one.
    Answered { words: String, is_good: bool },
    /// A call event of the PBX.
    Event(LegEvent),
    /// A request is over.
    Completed {
        function: Option<Function>,
        result: Completion,
        /// The row of the table of proofs that decided.
        rule: Option<&'static Rule>,
        /// Whether the host gets a completion.
        is_told: bool,
    },
    /// A callback.
    Told(Said),
    /// The time for the proof of a request is over.
    Deadline,
    /// What concerns the PBX of the call.
    Mark(Mark),
    /// The host closed its handle.
    Closed,
    /// The host did not take the call.
    NotTaken,
    /// Something that should not happen did, and was handled.
    Surprise(Surprise),
    /// The record breaks this invariant.
    Breach { number: u8, words: String },
}

/// A call event, as far as it says something about the leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LegEvent {
    /// The PBX's handle for the leg.
    pub(crate) leg: u32,
    pub(crate) msg: Msg,
    /// State bits as the PBX sends them.
    pub(crate) state: u32,
    /// Q.850.
    pub(crate) cause: Option<u8>,
    pub(crate) is_last: bool,
}

/// Of which kind a record is, as far as it tells why something ended as it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    /// A request: what it led to was decided without the PBX.
    AtOnce,
    /// The PBX's answer to the order.
    Answer,
    /// A call event.
    Event,
    /// Its deadline.
    Deadline,
    /// The session with the PBX was lost, or the line went.
    LinkLost,
    /// All running calls had been reported again.
    Resync,
    /// The time was over for which calls outlive their session.
    Grace,
    /// The host opened the line.
    Opened,
    /// The host closed the line or the call.
    Closed,
    /// The telephony server stops.
    Stopping,
    /// Something else that happened on the line.
    Other,
}

/// What happens to the PBX of a call while it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The session is lost; where, and why.
    LinkLost(String),
    /// There is a session again; where.
    LinkUp(String),
    /// All lines are known again, and all running calls.
    Resynced,
    /// Records are missing here; how many.
    Gap(u64),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Conf(conf) => conf.fmt(f),
            Key::Request(correlation) => correlation.fmt(f),
            Key::Call(call) => write!(f, "c{}.{}", call.line.0, call.serial),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
