//! From the engine's terms to those of SOAP and back.

use super::session_key::SessionKey;
use crate::http::{Answer as HttpAnswer, Repeat};
use crate::soap::admin::{self, AdminError};
use crate::soap::types::UserInfo;
use crate::soap::{Answer, Interface, Kind, Operation, PollCount, SoapError, decode, decode_poll};
use engine::effect::{Order, Request};
use engine::fact::{Event, Failure, PbxFact, Question, Reply};
use engine::id::{LineId, Link, Ticket};
use engine::pii::Personal;
use engine::place::Place;
use std::sync::Arc;
use std::time::Duration;

/// The name of this program as PBXs get it; it turns up in their call records.
const APPL: &str = "Tapline";

/// A source number that begins with this hides the caller (reference of the PBX, 6.3).
const HIDDEN: &str = "R";

/// The longest text of a fault or of a decoder that goes into the log.
const REASON_CHARS_MAX: usize = 200;

/// Who waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    /// The engine itself: the answer is a fact about the PBX.
    Engine(Question),
    /// A line: the answer is a reply to what it has under way.
    Line(LineId, Ticket),
}

/// Who waits for the answer to a request.
fn asker(request: &Request) -> Asker {
    match *request {
        Request::Version => Asker::Engine(Question::Version),
        Request::Initialize { .. } => Asker::Engine(Question::Initialize),
        Request::Echo { .. } => Asker::Engine(Question::Echo),
        Request::Poll { .. } => Asker::Engine(Question::Poll),
        Request::UserInitialize { line, .. } => Asker::Engine(Question::UserInitialize(line)),
        // Nothing is sent for `Leave`; it has no answer that could be missed.
        Request::End { .. } | Request::Leave => Asker::Engine(Question::End),
        Request::LocationUrl { .. } => Asker::Engine(Question::Locate),
        Request::Probe => Asker::Engine(Question::Probe),
        Request::Order { line, ticket, .. } => Asker::Line(line, ticket),
    }
}

/// Whether a request may be sent again when its connection proved dead. Only what changes nothing
/// at the PBX and loses nothing may: a second `Initialize` would leave a session behind, a second
/// `UserInitialize` a handle, and events that a lost answer to `Poll` carried are gone, which a
/// second `Poll` would hide.
pub(super) fn repeat(request: &Request) -> Repeat {
    match request {
        Request::Version
        | Request::Probe
        | Request::LocationUrl { .. }
        | Request::Echo { .. }
        | Request::End { .. }
        | Request::Leave
        | Request::Order { order: Order::ShowUser { .. }, .. } => Repeat::Once,
        Request::Initialize { .. }
        | Request::Poll { .. }
        | Request::UserInitialize { .. }
        | Request::Order { .. } => Repeat::Never,
    }
}

/// What to ask the PBX; `key` is that of the session, if there is one.
pub(crate) fn operation(
    request: &Request,
    interface: Interface,
    place: &Place,
    key: Option<SessionKey>,
) -> Operation {
    match request {
        Request::Version | Request::Probe => Operation::Version {},
        // A parent that is asked with TLS is to say where the slave can be asked with TLS.
        Request::LocationUrl { name, .. } => {
            Operation::LocationUrl { loc: name.clone(), tls: place.https }
        }
        Request::Initialize { user, .. } => {
            Operation::Initialize { user: user.clone(), appl: APPL.into() }
        }
        Request::Echo { session } => {
            Operation::Echo { session: *session, key: SessionKey::shown_for(key, *session) }
        }
        Request::Poll { session } => Operation::Poll { session: *session },
        Request::End { session } => Operation::End { session: *session },
        Request::Leave => Operation::End { session: 0 },
        // Calls that the user transferred away are no longer the line's; and a leg ends at once
        // when it is cleared, whatever the user's phone is.
        Request::UserInitialize { session, cn, .. } => Operation::UserInitialize {
            session: *session,
            user: cn.clone(),
            xfer: false,
            disc: false,
            hw: Personal::default(),
        },
        Request::Order { order, .. } => carried(order, interface),
    }
}

/// Whether an order is about the record of a user.
pub(crate) fn is_administration(order: &Order) -> bool {
    matches!(
        order,
        Order::ShowUser { .. }
            | Order::AddDiversion { .. }
            | Order::RemoveDiversion { .. }
            | Order::SetNoAnswerTime { .. }
    )
}

fn carried(order: &Order, interface: Interface) -> Operation {
    let nothing = Personal::default;
    match order.clone() {
        Order::Across { order, .. } => carried(&order, interface),
        Order::LocalNumber { user, e164 } => Operation::UserLocalNum { user, num: e164 },
        Order::UserCall { user, e164, block_id } => Operation::UserCall {
            user,
            cn: nothing(),
            e164,
            h323: nothing(),
            reg: 0,
            info: Vec::new(),
            rc: 0,
            srce164: if block_id { HIDDEN.into() } else { nothing() },
        },
        Order::UserConnect { call } => Operation::UserConnect { call },
        Order::UserClear { call, cause } => {
            Operation::UserClear { call, cause: u32::from(cause), info: Vec::new() }
        }
        // The held party hears music, and the user's phone shows what it shows for a hold of its
        // own; so it has always been, and older interfaces know nothing else.
        Order::UserHold { call } => Operation::UserHold { call, remote: false },
        Order::UserRetrieve { call } => Operation::UserRetrieve { call },
        Order::UserTransfer { a, b } => Operation::UserTransfer { a, b },
        Order::UserRedirect { call, e164 } => Operation::UserRedirect {
            call,
            cn: nothing(),
            e164,
            h323: nothing(),
            info: Vec::new(),
            rc: 0,
        },
        Order::UserPickup { user, cn, group, call } => {
            Operation::UserPickup { user, cn, call, group, reg: 0, info: Vec::new() }
        }
        Order::UserPark { call, cn, position } => Operation::UserPark { call, cn, position },
        Order::UserDTMF { call, digits } => Operation::UserDTMF { call, recv: false, dtmf: digits },
        Order::UserUUI { call, uui } => Operation::UserUUI { call, recv: false, uui },
        Order::UserInfo { call, digits } => {
            Operation::UserInfo { call, recv: false, cdpn: digits, key: nothing(), dsp: nothing() }
        }
        Order::UserRc { call, rc } => Operation::UserRc { call, rc },
        Order::UserMediaTransfer { a, b, user, peer } => {
            Operation::UserMediaTransfer { a, b, user, peer }
        }
        Order::UserMessage { user, e164, text } => Operation::UserMessage {
            user,
            e164,
            h323: nothing(),
            msg: text,
            src_e164: nothing(),
            src_h323: nothing(),
        },
        Order::FindUser { user, e164 } if interface >= Interface::V1000Early => {
            Operation::UserFindDestination { user, e164, h323: nothing() }
        }
        Order::FindUser { e164, .. } => Operation::FindUser {
            cn: nothing(),
            h323: nothing(),
            e164,
            count: 1,
            next: 0,
            nohide: true,
        },
        Order::ShowUser { cn, own } => Operation::Admin { xml: admin::show(cn.text(), own) },
        Order::AddDiversion { cn, diversion } => {
            Operation::Admin { xml: admin::add(cn.text(), &diversion) }
        }
        Order::RemoveDiversion { cn, diversion } => {
            Operation::Admin { xml: admin::remove(cn.text(), &diversion) }
        }
        // The first of two questions: the second is made from its answer.
        Order::SetNoAnswerTime { cn, .. } => Operation::Admin { xml: admin::show(cn.text(), true) },
    }
}

/// Reads the body of an answer with a decoder. A fault counts under any HTTP status; otherwise an
/// error status says more than whatever page came with it.
pub(crate) fn read<T>(
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

/// The facts of a Poll with the one that ends it, or the one that it failed; and what could be read
/// of it.
pub(crate) fn polled(
    outcome: Result<HttpAnswer, Failure>,
    elapsed: Duration,
) -> (Vec<PbxFact>, Option<PollCount>) {
    let mut facts = Vec::new();
    let counted = outcome.and_then(|answer| read(&answer, |body| decode_poll(body, &mut facts)));
    match counted {
        Ok(counted) => {
            facts.push(PbxFact::Polled {
                count: counted.users + counted.calls + counted.skipped,
                elapsed_ms: u32::try_from(elapsed.as_millis()).unwrap_or(u32::MAX),
            });
            (facts, Some(counted))
        }
        Err(failure) => (vec![PbxFact::Failed(Question::Poll, failure)], None),
    }
}

/// What came of anything but a Poll.
pub(crate) fn answered(
    link: Link,
    place: &Arc<Place>,
    request: &Request,
    kind: Kind,
    outcome: Result<HttpAnswer, Failure>,
) -> Event {
    let outcome = outcome.and_then(|answer| read(&answer, |body| decode(kind, body)));
    match asker(request) {
        Asker::Engine(question) => {
            let fact = outcome.and_then(|answer| fact(question, answer, place));
            let fact = fact.unwrap_or_else(|failure| PbxFact::Failed(question, failure));
            Event::Pbx(link.pbx, link.attempt, fact)
        }
        Asker::Line(line, ticket) => Event::Reply(
            line,
            ticket,
            outcome.map_or_else(Reply::Failed, |answer| reply(request, answer)),
        ),
    }
}

/// The fact that an answer to a question of the engine is.
fn fact(question: Question, answer: Answer, place: &Arc<Place>) -> Result<PbxFact, Failure> {
    Ok(match (question, answer) {
        (Question::Version, Answer::Version(identification)) => PbxFact::Identified(identification),
        (Question::Initialize, Answer::Initialize { session, .. }) => {
            PbxFact::Initialized { session, place: Arc::clone(place) }
        }
        (Question::Echo, Answer::Echo { alive }) => PbxFact::Echoed(alive),
        (Question::UserInitialize(line), Answer::UserInitialize(user)) => {
            PbxFact::UserInitialized(line, user)
        }
        (Question::End, Answer::End) => PbxFact::Ended,
        (Question::Locate, Answer::LocationUrl(url)) => PbxFact::Located(short(&url)),
        (Question::Probe, Answer::Version(_)) => PbxFact::Probed,
        // The decoder gives the answer of the operation that it was told, so this is our own
        // fault; the engine will treat it as a PBX that talks nonsense.
        _ => return Err(Failure::Garbled("an answer to something else".into())),
    })
}

/// A URL, but not more of it than the engine would read.
fn short(url: &str) -> Box<str> {
    url.chars().take(Place::MAX_URL + 1).collect()
}

/// The reply to an order.
fn reply(request: &Request, answer: Answer) -> Reply {
    match answer {
        Answer::UserCall(call) | Answer::UserPickup(call) | Answer::UserMessage(call) => {
            Reply::Calling(call)
        }
        Answer::UserPark(call) => Reply::Parked(call),
        Answer::UserRedirect(false) | Answer::UserReroute(false) => Reply::Refused,
        Answer::FindUser(users) => Reply::Found(found(request, users)),
        Answer::UserFindDestination { incomplete, user } => {
            Reply::Found(user.filter(|user| !incomplete && !user.cn.is_empty()).map(|user| user.cn))
        }
        Answer::UserLocalNum(local) => Reply::Found(is_given(&local).then_some(local)),
        Answer::Admin(document) => administered(request, document.text()),
        _ => Reply::Taken,
    }
}

/// What an answer to `Admin` says.
fn administered(request: &Request, document: &str) -> Reply {
    let reading = matches!(request, Request::Order { order: Order::ShowUser { .. }, .. });
    let read = if reading {
        admin::read(document).map(Reply::Record)
    } else {
        admin::done(document).map(|()| Reply::Taken)
    };
    read.unwrap_or_else(|error| refused(&error))
}

/// The first question of [`Order::Across`]: what the user dials for the number.
pub(crate) fn local_number(request: &Request, interface: Interface) -> Option<Operation> {
    let Request::Order { order: Order::Across { user, order }, .. } = request else { return None };
    // `FindUser` looks for numbers that count from the root.
    let is_local = !matches!(carried(order, interface), Operation::FindUser { .. });
    let num = order.number().filter(|_| is_local)?.clone();
    Some(Operation::UserLocalNum { user: *user, num })
}

/// The same request with the number that the PBX gives for it; as it is if it gives none.
pub(crate) fn localised(request: &Request, answer: Option<Answer>) -> Request {
    let Request::Order { line, ticket, correlation, order: Order::Across { order, .. } } = request
    else {
        return request.clone();
    };
    let mut order = order.as_ref().clone();
    if let Some(Answer::UserLocalNum(local)) = answer
        && is_given(&local)
    {
        order = order.with_number(local);
    }
    Request::Order { line: *line, ticket: *ticket, correlation: *correlation, order }
}

fn is_given(number: &Personal) -> bool {
    !number.text().trim().is_empty()
}

/// The second question of [`Order::SetNoAnswerTime`]: the record as it was shown, but for the time.
///
/// # Errors
/// The reply, if there is no second question.
pub(crate) fn second(order: &Order, shown: Answer) -> Result<Operation, Reply> {
    let (Order::SetNoAnswerTime { seconds, print, .. }, Answer::Admin(shown)) = (order, shown)
    else {
        return Err(Reply::Failed(Failure::Garbled("an answer to something else".into())));
    };
    let xml = admin::with_no_answer(shown.text(), *seconds, *print);
    xml.map(|xml| Operation::Admin { xml }).map_err(|error| refused(&error))
}

/// The reply to an order that the PBX refuses, or answers in no way that can be understood.
fn refused(error: &AdminError) -> Reply {
    match error {
        AdminError::Changed => Reply::Refused,
        AdminError::NoUser | AdminError::Refused(_) => Reply::Failed(Failure::Fault(reason(error))),
        AdminError::Unreadable(_) | AdminError::TooMany => {
            Reply::Failed(Failure::Garbled(reason(error)))
        }
    }
}

/// The list begins at the extension asked for, or at the next one if nobody has it.
fn found(request: &Request, users: Vec<UserInfo>) -> Option<Personal> {
    let Request::Order { order, .. } = request else { return None };
    let number = order.number()?;
    let from_root = |user: &UserInfo| format!("{}{}", user.nodenum, user.e164.text());
    let is_it = |user: &UserInfo| match order {
        Order::Across { .. } => from_root(user) == number.text(),
        _ => user.e164 == *number,
    };
    users.into_iter().find(is_it).map(|user| user.cn)
}
