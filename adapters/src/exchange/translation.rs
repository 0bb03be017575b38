//! From the engine's terms to those of SOAP and back.

use crate::http::{Answer as HttpAnswer, Repeat};
use crate::soap::{Answer, Operation, SoapError};
use engine::effect::Request;
use engine::fact::{Failure, PbxFact, Question, Reply};
use engine::id::{LineId, RequestId};
use engine::pii::Personal;

/// The name of this program as PBXs get it; it turns up in their call records.
const APPL: &str = "Tapline";

/// A source number that begins with this hides the caller (reference of the PBX, 6.3).
const HIDDEN: &str = "R";

/// The longest text of a fault or of a decoder that goes into the log.
const REASON_CHARS_MAX: usize = 200;

/// Who waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// The engine itself: the answer is a fact about the PBX.
    Engine(Question),
    /// A request of an application on a line: the answer is a reply to it.
    Application(LineId, RequestId),
}

/// Who waits for the answer to a request.
pub(super) fn asker(request: &Request) -> Asker {
    match *request {
        Request::Version => Asker::Engine(Question::Version),
        Request::Initialize { .. } => Asker::Engine(Question::Initialize),
        Request::Echo { .. } => Asker::Engine(Question::Echo),
        Request::Poll { .. } => Asker::Engine(Question::Poll),
        Request::UserInitialize { line, .. } => Asker::Engine(Question::UserInitialize(line)),
        Request::End { .. } => Asker::Engine(Question::End),
        Request::UserCall { line, request, .. }
        | Request::UserConnect { line, request, .. }
        | Request::UserClear { line, request, .. } => Asker::Application(line, request),
    }
}

/// Whether a request may be sent again when its connection proved dead. Only what changes nothing
/// at the PBX and loses nothing may: a second `Initialize` would leave a session behind, a second
/// `UserInitialize` a handle, and events that a lost answer to `Poll` carried are gone, which a
/// second `Poll` would hide.
pub(super) fn repeat(request: &Request) -> Repeat {
    match request {
        Request::Version | Request::Echo { .. } | Request::End { .. } => Repeat::Once,
        Request::Initialize { .. }
        | Request::Poll { .. }
        | Request::UserInitialize { .. }
        | Request::UserCall { .. }
        | Request::UserConnect { .. }
        | Request::UserClear { .. } => Repeat::Never,
    }
}

/// What to ask the PBX.
pub(super) fn operation(request: &Request) -> Operation {
    match request {
        Request::Version => Operation::Version {},
        Request::Initialize { user, .. } => {
            Operation::Initialize { user: user.clone(), appl: APPL.into() }
        }
        Request::Echo { session, key } => Operation::Echo { session: *session, key: *key },
        Request::Poll { session } => Operation::Poll { session: *session },
        Request::End { session } => Operation::End { session: *session },
        // Calls that the user transferred away are no longer the line's; and a leg ends at once
        // when it is cleared, whatever the user's phone is.
        Request::UserInitialize { session, cn, .. } => Operation::UserInitialize {
            session: *session,
            user: cn.clone(),
            xfer: false,
            disc: false,
            hw: Personal::default(),
        },
        Request::UserCall { user, e164, block_id, .. } => Operation::UserCall {
            user: *user,
            cn: Personal::default(),
            e164: e164.clone(),
            h323: Personal::default(),
            reg: 0,
            info: Vec::new(),
            rc: 0,
            srce164: if *block_id { HIDDEN.into() } else { Personal::default() },
        },
        Request::UserConnect { call, .. } => Operation::UserConnect { call: *call },
        Request::UserClear { call, cause, .. } => {
            Operation::UserClear { call: *call, cause: u32::from(*cause), info: Vec::new() }
        }
    }
}

/// Reads the body of an answer with a decoder. A fault counts under any HTTP status; otherwise an
/// error status says more than whatever page came with it.
pub(super) fn read<T>(
    answer: &HttpAnswer,
    decoder: impl FnOnce(&[u8]) -> Result<T, SoapError>,
) -> Result<T, Failure> {
    let success = (200..300).contains(&answer.status);
    match decoder(&answer.body) {
        Ok(decoded) if success => Ok(decoded),
        Err(SoapError::Fault(fault)) => Err(Failure::Fault(reason(&fault))),
        Err(error) if success => Err(Failure::Garbled(reason(&error))),
        _ => Err(Failure::Status(answer.status)),
    }
}

fn reason(why: &dyn std::fmt::Display) -> Box<str> {
    why.to_string().chars().take(REASON_CHARS_MAX).collect()
}

/// The fact that an answer to a question of the engine is.
pub(super) fn fact(question: Question, answer: Answer) -> Result<PbxFact, Failure> {
    Ok(match (question, answer) {
        (Question::Version, Answer::Version(identification)) => PbxFact::Identified(identification),
        (Question::Initialize, Answer::Initialize { session, key }) => {
            PbxFact::Initialized { session, key }
        }
        (Question::Echo, Answer::Echo { alive }) => PbxFact::Echoed(alive),
        (Question::UserInitialize(line), Answer::UserInitialize(user)) => {
            PbxFact::UserInitialized(line, user)
        }
        (Question::End, Answer::End) => PbxFact::Ended,
        // The decoder gives the answer of the operation that it was told, so this is our own
        // fault; the engine will treat it as a PBX that talks nonsense.
        _ => return Err(Failure::Garbled("an answer to something else".into())),
    })
}

/// The reply to an application's request. Only a new leg has more to say than that it was taken.
pub(super) fn reply(answer: &Answer) -> Reply {
    match answer {
        Answer::UserCall(call) => Reply::Calling(*call),
        _ => Reply::Taken,
    }
}
