//! One request and its answer.

use super::access::Visitor;
use super::body::AnswerBody;
use super::{Campus, House, not_idle, wsdl};
use crate::simulator::answers::{double, empty_element, fault};
use crate::simulator::control::{ControlError, Said};
use crate::simulator::model::{Asker, ConnectionId, Outcome, PbxModel, Polled, Reply, Ticket};
use crate::simulator::switches::Fault as Trouble;
use crate::soap::{Dialect, Kind, Request as SoapRequest, SoapError, Strictness, limit};
use engine::time::Millis;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Request, Response, StatusCode};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// Bytes of a control request.
const CONTROL_LIMIT: usize = 1 << 20;

/// With the switch for it, the answer to `UserCall` waits so long for its events to be fetched…
const OVERTAKING: Duration = Duration::from_secs(1);

/// … and then so long for them to arrive.
const ARRIVING: Duration = Duration::from_millis(50);

/// The connection that a request came on.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) id: ConnectionId,
    pub(super) peer: SocketAddr,
    /// Set, to end the connection with a reset.
    pub(super) reset: Arc<AtomicBool>,
    /// Changes when the PBX reboots: its connections break, whatever was to be answered on them.
    pub(super) boots: watch::Receiver<u32>,
}

impl Caller {
    /// Breaks the connection if the PBX has been rebooted since it was accepted.
    fn unless_rebooted(&self) -> io::Result<()> {
        // The sender is a part of the campus, which outlives its connections.
        if self.boots.has_changed().unwrap_or(true) {
            self.reset.store(true, Ordering::Relaxed);
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

type Answered = Response<AnswerBody>;

/// Answers a request. An error closes the connection without an answer.
pub(super) async fn respond(
    house: Arc<House>,
    caller: Caller,
    request: Request<Incoming>,
) -> Result<Answered, io::Error> {
    let path = request.uri().path();
    let (soap, control) = (path == house.path, path == "/control");
    let wsdl = matches!(path, "/pbx10_00.wsdl" | "/pbx900.wsdl" | "/soap-encoding.xsd");
    match (request.method().as_str(), soap, control, wsdl) {
        ("POST", true, ..) => {
            let answered = soap_exchange(&house, &caller, request).await?;
            caller.unless_rebooted()?;
            Ok(answered)
        }
        ("POST", _, true, _) => Ok(control_exchange(&house, &caller, request).await),
        ("GET", _, _, true) => Ok(wsdl_exchange(&house, &request)),
        (_, false, false, false) => Ok(bare(StatusCode::NOT_FOUND)),
        _ => Ok(bare(StatusCode::METHOD_NOT_ALLOWED)),
    }
}

// ---- SOAP --------------------------------------------------------------------------------------

async fn soap_exchange(
    house: &House,
    caller: &Caller,
    request: Request<Incoming>,
) -> Result<Answered, io::Error> {
    let (head, body) = request.into_parts();
    // The body is read in any case: a connection with an unread body could not be used again.
    let Some(body) = whole(body, limit::BODY_BYTES).await else {
        return Ok(bare(StatusCode::PAYLOAD_TOO_LARGE));
    };
    let visitor = Visitor {
        method: head.method.as_str(),
        uri: head.uri.path(),
        authorization: head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()),
    };
    let admitted = {
        let mut gate = house.gate.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        gate.admit(&visitor, &house.lock())
    };
    let account = match admitted {
        Ok(account) => account,
        Err(challenges) => return Ok(challenged(&challenges)),
    };
    let (strictness, dialect) = {
        let model = house.lock();
        let strict = model.switches.strict_requests;
        (if strict { Strictness::Strict } else { Strictness::Lenient }, model.switches.dialect)
    };
    let action = head.headers.get("SOAPAction").and_then(|value| value.to_str().ok());
    let asked = match SoapRequest::decode(&body, action, strictness) {
        Ok(asked) => asked,
        Err(error) => return Ok(misunderstood(&error, &dialect)),
    };
    let kind = asked.operation.kind();
    let _burden = (kind != Kind::Poll).then(|| house.load.begin());
    let asker = Asker { connection: caller.id, account, interface: asked.flags.interface() };
    let reply = house.with_model(|model, now| model.request(now, &asker, &asked.operation));
    deliver(house, caller, kind, reply, dialect).await
}

/// Writes a reply, with whatever is to go wrong with it.
async fn deliver(
    house: &House,
    caller: &Caller,
    kind: Kind,
    reply: Reply,
    dialect: Dialect,
) -> Result<Answered, io::Error> {
    let dialect = Dialect { interface: reply.interface, ..dialect };
    let mut outcome = match reply.outcome {
        Outcome::Wait(ticket) => wait(house, ticket).await,
        other => other,
    };
    if let Some(session) = reply.overtaken_by {
        // If nobody polls, the answer has to go out all the same.
        let _ = wait_until(house, OVERTAKING, |model| model.is_fetched(session)).await;
        tokio::time::sleep(ARRIVING).await;
    }
    match reply.fault {
        Some(Trouble::Delay(millis)) => tokio::time::sleep(Duration::from_millis(millis)).await,
        Some(Trouble::Duplicate) => double(&mut outcome),
        _ => {}
    }
    let (status, document) = match outcome {
        Outcome::Answer(answer) => (200, answer.write(&dialect)),
        Outcome::Fault { status, text } => (status, fault(text).write(&dialect)),
        Outcome::EmptyElement(kind) => (200, empty_element(kind, &dialect)),
        Outcome::Status(status) => (status, Vec::new()),
        Outcome::Close => return Err(io::ErrorKind::ConnectionAborted.into()),
        // Until the client gives up.
        Outcome::Silence | Outcome::Wait(_) => std::future::pending().await,
    };
    tracing::trace!("simulator: {} answered with {status}", kind.name());
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if document.is_empty() {
        return Ok(bare(status));
    }
    let body = match reply.fault {
        Some(Trouble::Reset) => {
            caller.reset.store(true, Ordering::Relaxed);
            AnswerBody::cut(document, 0)
        }
        Some(Trouble::Truncate) => {
            let half = document.len() / 2;
            AnswerBody::cut(document, half)
        }
        _ => AnswerBody::whole(document),
    };
    Ok(with_type(status, "text/xml; charset=utf-8", body))
}

/// Waits until a `Poll` can end.
async fn wait(house: &House, ticket: Ticket) -> Outcome {
    loop {
        let changed = house.signals().changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let polled = {
            let now = house.now();
            let mut model = house.lock();
            let polled = model.poll(now, ticket);
            model.let_others_hear(&house.campus);
            polled
        };
        match polled {
            Polled::Done(outcome) => {
                // Somebody may wait for all events to be fetched.
                house.campus.settled.notify_all();
                house.signals().changed.notify_waiters();
                return outcome;
            }
            Polled::Wait(until) => {
                tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep(until_then(house, until)) => {}
                }
            }
        }
    }
}

fn until_then(house: &House, until: Millis) -> Duration {
    Duration::from_millis(until.since(house.now()))
}

fn misunderstood(error: &SoapError, dialect: &Dialect) -> Answered {
    let status = match error {
        SoapError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let document = fault(&error.to_string()).write(dialect);
    with_type(status, "text/xml; charset=utf-8", AnswerBody::whole(document))
}

// ---- the rest ----------------------------------------------------------------------------------

fn wsdl_exchange(house: &House, request: &Request<Incoming>) -> Answered {
    if request.uri().path() == "/soap-encoding.xsd" {
        let document = AnswerBody::whole(wsdl::ENCODING);
        return with_type(StatusCode::OK, "text/xml; charset=utf-8", document);
    }
    // The address by which the client came is the one by which it can come again.
    let host = request.headers().get("Host").and_then(|host| host.to_str().ok());
    let host = host.map_or_else(|| house.address.to_string(), str::to_owned);
    let document = wsdl::document(&format!("{}://{host}{}", house.scheme, house.path));
    with_type(StatusCode::OK, "text/xml; charset=utf-8", AnswerBody::whole(document))
}

async fn control_exchange(house: &House, caller: &Caller, request: Request<Incoming>) -> Answered {
    if !caller.peer.ip().is_loopback() {
        return bare(StatusCode::FORBIDDEN);
    }
    let Some(body) = whole(request.into_body(), CONTROL_LIMIT).await else {
        return bare(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let commands = String::from_utf8_lossy(&body);
    let (mut said, mut status) = (String::new(), StatusCode::OK);
    for line in commands.lines() {
        match command(house, line).await {
            Ok(value) if value.is_empty() => said.push_str("ok\n"),
            Ok(value) => said.push_str(&format!("ok {value}\n")),
            Err(error) => {
                said.push_str(&format!("error: {error}\n"));
                status = StatusCode::BAD_REQUEST;
            }
        }
    }
    with_type(status, "text/plain; charset=utf-8", AnswerBody::whole(said))
}

async fn command(house: &House, line: &str) -> Result<String, ControlError> {
    let (number, said) = house.campus.obey(house.number, line)?;
    match said {
        Said::Done => Ok(String::new()),
        Said::Value(value) => Ok(value),
        Said::WaitIdle(millis) => wait_idle(house, number, millis).await,
        Said::Quit => {
            house.campus.stop.send_replace(true);
            Ok(String::new())
        }
    }
}

async fn wait_idle(house: &House, number: usize, millis: u64) -> Result<String, ControlError> {
    let campus = &house.campus;
    if wait_at(campus, number, Duration::from_millis(millis), PbxModel::is_idle).await {
        return Ok(String::new());
    }
    Err(not_idle(campus.lock().pbx(number), millis))
}

/// Waits until something is true of the model; says whether it became so in time.
async fn wait_until(house: &House, within: Duration, holds: impl Fn(&PbxModel) -> bool) -> bool {
    wait_at(&house.campus, house.number, within, holds).await
}

async fn wait_at(
    campus: &Campus,
    number: usize,
    within: Duration,
    holds: impl Fn(&PbxModel) -> bool,
) -> bool {
    let deadline = tokio::time::Instant::now() + within;
    loop {
        let changed = campus.signals[number].changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        if holds(campus.lock().pbx(number)) {
            return true;
        }
        if tokio::time::timeout_at(deadline, changed).await.is_err() {
            return false;
        }
    }
}

/// The body of a request; `None` if it is too large, or announced to be, or breaks off.
async fn whole(body: Incoming, limit: usize) -> Option<Bytes> {
    if body.size_hint().lower() > limit as u64 {
        return None;
    }
    Limited::new(body, limit).collect().await.ok().map(http_body_util::Collected::to_bytes)
}

fn challenged(challenges: &[String]) -> Answered {
    let mut answer = bare(StatusCode::UNAUTHORIZED);
    for challenge in challenges {
        if let Ok(value) = HeaderValue::from_str(challenge) {
            answer.headers_mut().append(WWW_AUTHENTICATE, value);
        }
    }
    answer
}

fn bare(status: StatusCode) -> Answered {
    let mut answer = Response::new(AnswerBody::whole(Vec::new()));
    *answer.status_mut() = status;
    answer
}

fn with_type(status: StatusCode, content_type: &'static str, body: AnswerBody) -> Answered {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
