//! HTTP to one PBX: one connection, one request at a time, authenticated, limited, never repeated
//! behind the caller's back.
//!
//! Only this file names `reqwest`. What it is told, and why:
//! - HTTP/1.1 only, no proxy, no redirects: a PBX is spoken to directly or not at all.
//! - It repeats nothing by itself. The connection pool underneath does take back a request that it
//!   had queued for a connection found closed, and puts it on a new one; that request has not
//!   begun to be written, so the PBX cannot have seen it (`tests/http.rs` proves it on a server
//!   that closes at the worst moments).
//! - At most one idle connection is kept: small boxes have few sockets.

mod authentication;
mod tls;

use crate::secret::Account;
use authentication::{Credentials, Scheme};
use engine::fact::Failure;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Client, ClientBuilder, Response, StatusCode, Url};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
pub use tls::{CertificateDer, Trust, TrustError};

/// How long a connection may take to be made: name, TCP and TLS together. Small boxes that reboot
/// are black holes for a while (reference of the PBX, 1.8).
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest answer taken, in bytes; more could not be decoded anyway. Some 8000 users fit into
/// one Poll, far more than a box sends at once.
pub const ANSWER_BYTES_MAX: usize = crate::soap::limit::BODY_BYTES;

/// Silence on a connection for this long makes the system ask whether the other side still lives;
/// a box that lost its power is noticed within a minute although a Poll may be silent for long.
const KEEPALIVE: Duration = Duration::from_secs(15);

pub use engine::place::Place;

/// The address of a place, if it is one.
fn url_of(place: &Place) -> Option<Url> {
    Url::parse(&place.to_string()).ok()
}

/// Whether a place can be an address at all: a host, perhaps a port, a path, and nothing else.
#[must_use]
pub fn is_sound(place: &Place) -> bool {
    let Some(url) = url_of(place) else { return false };
    url.has_host()
        && url.port() != Some(0)
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.path() == &*place.path
}

/// One request. It prints without its body, which holds names and numbers of people.
#[derive(Clone)]
pub struct Post {
    /// Value of SOAPAction, without quotes.
    pub action: Box<str>,
    /// The envelope.
    pub body: Vec<u8>,
    /// How long the answer may take, everything included.
    pub within: Duration,
    /// Whether it may be sent a second time.
    pub repeat: Repeat,
}

/// Whether a request may be sent a second time after the first was lost with its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Never: it creates something, or its lost answer cannot be had again.
    Never,
    /// Once, if the connection had been used before and so may have died of age.
    Once,
}

/// What the PBX answered. It prints without its body, which holds names and numbers of people.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status; anything but 401 and 403.
    pub status: u16,
    /// The body, complete.
    pub body: Vec<u8>,
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.action, self.body.len())
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.status, self.body.len())
    }
}

/// How PBXs are to be believed, prepared once for all connections.
#[derive(Clone)]
pub struct Tls {
    prepared: Prepared,
    pinned: Option<CertificateDer<'static>>,
}

#[cfg(windows)]
use tls::Trust as Prepared;
#[cfg(not(windows))]
use tls::with_rustls::Configuration as Prepared;

/// One keep-alive connection's worth of client: it holds at most one connection open, and opens a
/// new one when that has died.
///
/// ```text
/// Connection = { post }        one at a time, hence `&mut`
/// ```
pub struct Connection {
    client: Client,
    url: Url,
    account: Arc<Account>,
    /// How we authenticate, once the PBX has said how.
    scheme: Option<Scheme>,
    /// The only certificate to accept, if there is one. The TLS package was told; looking again
    /// costs little, and that of Windows would also take one that the pinned one has issued.
    pinned: Option<CertificateDer<'static>>,
    /// The last exchange ended well, so there may be an open connection that has since died.
    warm: bool,
    /// Why the last request failed, in the words of the package.
    cause: Option<String>,
    /// What the last answer that came said of the time.
    date: Option<HeaderValue>,
}

impl Connection {
    /// Prepares a connection. Nothing is sent yet.
    ///
    /// # Errors
    /// [`TrustError`] if the place is no address, or the TLS package refuses its settings.
    pub fn new(place: &Place, account: Arc<Account>, tls: &Tls) -> Result<Connection, TrustError> {
        let refuse = |error: &dyn fmt::Display| TrustError::System(error.to_string());
        let url = url_of(place).ok_or_else(|| refuse(&format_args!("{place} is no address")))?;
        let client = tls
            .applied(Client::builder())?
            .http1_only()
            .no_proxy()
            .referer(false)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(None)
            .tcp_nodelay(true)
            .tcp_keepalive(KEEPALIVE)
            // Header names as the boxes of that time knew them, and patience with theirs.
            .http1_title_case_headers()
            .http1_ignore_invalid_headers_in_responses(true)
            .tls_info(tls.pinned.is_some())
            .user_agent(concat!("Tapline/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| refuse(&cause(&error)))?;
        let pinned = tls.pinned.clone().filter(|_| place.https);
        let (scheme, warm, cause, date) = (None, false, None, None);
        Ok(Connection { client, url, account, scheme, pinned, warm, cause, date })
    }

    /// Sends a request and reads its answer.
    ///
    /// A request that the PBX refuses with 401 is sent once more with authentication: it was
    /// refused unread. Apart from that, [`Post::repeat`] decides.
    ///
    /// # Errors
    /// - [`Failure::AccessDenied`]: 401 again after authentication, or 403.
    /// - [`Failure::Unreachable`], [`Failure::Certificate`]: no connection.
    /// - [`Failure::Broken`]: the connection ended before the answer did.
    /// - [`Failure::TimedOut`]: no complete answer in time; the connection is closed.
    /// - [`Failure::Garbled`]: the answer is no HTTP, or longer than [`ANSWER_BYTES_MAX`].
    pub async fn post(&mut self, post: &Post) -> Result<Answer, Failure> {
        let was_warm = std::mem::replace(&mut self.warm, false);
        self.cause = None;
        let outcome = match tokio::time::timeout(post.within, self.exchange(post, was_warm)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::TimedOut),
        };
        self.warm = matches!(outcome, Ok(_) | Err(Failure::AccessDenied));
        outcome
    }

    /// Why the last request failed, if the system or TLS had words for it. For people to read.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// What time it is by the last answer that came, as the PBX wrote it.
    #[must_use]
    pub fn date(&self) -> Option<&str> {
        self.date.as_ref()?.to_str().ok()
    }

    async fn exchange(&mut self, post: &Post, was_warm: bool) -> Result<Answer, Failure> {
        let first = match self.send(post).await {
            Err(Failure::Broken) if was_warm && post.repeat == Repeat::Once => {
                self.send(post).await?
            }
            other => other?,
        };
        let Outcome::Challenged(scheme) = first else { return first.answer() };
        self.scheme = Some(scheme);
        let second = self.send(post).await?;
        if matches!(second, Outcome::Challenged(_)) {
            self.scheme = None;
        }
        second.answer()
    }

    /// Sends once.
    async fn send(&mut self, post: &Post) -> Result<Outcome, Failure> {
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "text/xml; charset=utf-8")
            .header("SOAPAction", format!("\"{}\"", post.action));
        let request = match self.credentials(&post.body) {
            None => request,
            Some(Credentials::Basic) => {
                request.basic_auth(&self.account.name, Some(self.account.password.reveal()))
            }
            Some(Credentials::Header(value)) => request.header(AUTHORIZATION, sensitive(&value)?),
        };
        let sent = request.body(post.body.clone()).send().await;
        let response = sent.map_err(|error| self.failure(&error))?;
        if !self.is_the_pinned(&response) {
            return Err(Failure::Certificate);
        }
        self.date = response.headers().get(DATE).cloned();
        let status = response.status();
        let challenge = (status == StatusCode::UNAUTHORIZED).then(|| {
            let fields = response.headers().get_all(WWW_AUTHENTICATE);
            Scheme::strongest(fields.iter().map(HeaderValue::as_bytes))
        });
        let body = read(response).await.map_err(|error| match error {
            Unread::Broken(error) => self.failure(&error),
            Unread::TooLong => {
                Failure::Garbled(format!("longer than {ANSWER_BYTES_MAX} bytes").into())
            }
        })?;
        settle().await;
        match challenge {
            Some(Some(scheme)) => Ok(Outcome::Challenged(scheme)),
            Some(None) => Ok(Outcome::Denied),
            None if status == StatusCode::FORBIDDEN => Ok(Outcome::Denied),
            None => Ok(Outcome::Answered(Answer { status: status.as_u16(), body })),
        }
    }

    /// Whether an answer came from the holder of the pinned certificate, if one is pinned. As no
    /// request carries credentials before a challenge was answered, a stranger is found
    /// out here before it is told any; one that comes later, in the place of the right one, must
    /// hold a certificate issued by the pinned one.
    fn is_the_pinned(&self, response: &Response) -> bool {
        self.pinned.as_ref().is_none_or(|pinned| {
            let peer = response.extensions().get::<reqwest::tls::TlsInfo>();
            peer.and_then(reqwest::tls::TlsInfo::peer_certificate) == Some(pinned)
        })
    }

    fn credentials(&mut self, body: &[u8]) -> Option<Credentials> {
        let scheme = self.scheme.as_mut()?;
        let credentials = scheme.credentials(&self.account, self.url.path(), body);
        if credentials.is_none() {
            self.scheme = None;
        }
        credentials
    }

    /// What an error of the package means; its words are kept.
    fn failure(&mut self, error: &reqwest::Error) -> Failure {
        self.cause = Some(cause(error));
        classified(error)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

/// How one sending ended, if an answer came.
enum Outcome {
    Answered(Answer),
    /// 401 with a challenge that can be answered.
    Challenged(Scheme),
    /// 401 without one, or 403.
    Denied,
}

impl Outcome {
    fn answer(self) -> Result<Answer, Failure> {
        match self {
            Outcome::Answered(answer) => Ok(answer),
            Outcome::Challenged(_) | Outcome::Denied => Err(Failure::AccessDenied),
        }
    }
}

fn sensitive(value: &str) -> Result<HeaderValue, Failure> {
    // Only an account name or realm with control characters in it can fail here.
    let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| Failure::AccessDenied)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Why a body could not be read.
enum Unread {
    Broken(reqwest::Error),
    TooLong,
}

/// Reads a body, and stops at the limit instead of after it.
async fn read(mut response: Response) -> Result<Vec<u8>, Unread> {
    let announced = response.content_length().unwrap_or(0);
    if announced > ANSWER_BYTES_MAX as u64 {
        return Err(Unread::TooLong);
    }
    // At most ANSWER_BYTES_MAX, see above. Not more than a page on the word of the other side.
    let mut body = Vec::with_capacity((announced as usize).min(4096));
    while let Some(chunk) = response.chunk().await.map_err(Unread::Broken)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(Unread::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Lets the task of the connection put it back into the pool before the next request looks there.
/// Without this, a request that follows at once opens a second connection in vain.
async fn settle() {
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
}

/// What an error of the package means.
fn classified(error: &reqwest::Error) -> Failure {
    if chain(error).any(tls::is_refusal) {
        Failure::Certificate
    } else if error.is_connect() {
        Failure::Unreachable
    } else if error.is_timeout() {
        Failure::TimedOut
    } else if speaks_no_http(error) {
        Failure::Garbled("no HTTP".into())
    } else {
        Failure::Broken
    }
}

/// The error and what it came from. An `io::Error` that wraps another does not name it as its
/// source, so it is opened.
fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    fn beneath<'a>(error: &&'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
        let error = *error;
        match error.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref()) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        }
    }
    std::iter::successors(Some(error as &(dyn Error + 'static)), beneath)
}

/// The innermost words of an error, which say what happened; the outer ones repeat the address.
fn cause(error: &reqwest::Error) -> String {
    chain(error).last().map_or_else(String::new, ToString::to_string)
}

/// Whether something answered that is no HTTP. The package below `reqwest` tells this only in
/// words: all of its messages about a head that it cannot read begin like this, and it is pinned.
fn speaks_no_http(error: &reqwest::Error) -> bool {
    let words = cause(error);
    ["invalid HTTP", "invalid content-length", "unexpected transfer-encoding", "message head"]
        .iter()
        .any(|beginning| words.starts_with(beginning))
}

impl Tls {
    /// Prepares TLS.
    ///
    /// # Errors
    /// [`TrustError`] if the certificates cannot be used.
    pub fn new(trust: &Trust) -> Result<Tls, TrustError> {
        #[cfg(not(windows))]
        let prepared = tls::with_rustls::configuration(trust)?;
        #[cfg(windows)]
        let prepared = trust.clone();
        let pinned = match trust {
            Trust::Pinned(certificate) => Some(certificate.clone()),
            Trust::System | Trust::Authorities(_) => None,
        };
        Ok(Tls { prepared, pinned })
    }

    /// For connections without TLS: believes nobody, and asks nothing of a system that may have no
    /// authorities at all.
    ///
    /// # Errors
    /// [`TrustError`] if the TLS package refuses to work on this machine.
    pub fn unused() -> Result<Tls, TrustError> {
        Tls::new(&Trust::Authorities(Vec::new()))
    }

    #[cfg(not(windows))]
    fn applied(&self, builder: ClientBuilder) -> Result<ClientBuilder, TrustError> {
        Ok(builder.tls_backend_preconfigured(self.prepared.clone()))
    }

    /// Windows brings its own TLS, which can also speak the old versions of old firmware. A pinned
    /// certificate is made the only root, so that nobody but the holder of its key can answer, and
    /// the host name, which it need not carry, is not looked at.
    #[cfg(windows)]
    fn applied(&self, builder: ClientBuilder) -> Result<ClientBuilder, TrustError> {
        let (certificates, check_name) = match &self.prepared {
            Trust::System => return Ok(builder),
            Trust::Authorities(certificates) => (&certificates[..], true),
            Trust::Pinned(certificate) => (std::slice::from_ref(certificate), false),
        };
        let roots: Result<Vec<_>, _> =
            certificates.iter().map(|der| reqwest::Certificate::from_der(der)).collect();
        let roots = roots.map_err(|error| TrustError::Damaged(cause(&error)))?;
        Ok(builder.tls_certs_only(roots).tls_danger_accept_invalid_hostnames(!check_name))
    }
}
