//! Asks one PBX what the provider would ask it. Nothing is judged here.

use super::date;
use crate::exchange::translation;
use crate::http::{CONNECT_TIMEOUT, Connection, Place, Post, Repeat, Tls};
use crate::secret::Account;
use crate::soap::types::UserInfo;
use crate::soap::{Answer, Interface, Operation, admin};
use engine::fact::{Failure, Identification};
use engine::pii::Personal;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the objects of a session may take to be told, all together.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(60);

/// Objects that are listened to: ten times as many as a PBX shows to one user.
const OBJECTS_MAX: usize = 20_000;

/// The interfaces asked for, the newest first. A PBX that does not know one of them refuses.
const INTERFACES: [Interface; 3] = [Interface::V1000, Interface::V800, Interface::V700];

/// What all PBXs are asked with.
pub(super) struct Manners {
    pub(super) account: Arc<Account>,
    pub(super) tls: Tls,
    pub(super) user: Personal,
}

/// Why a PBX cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unreached {
    /// Nobody knows the name, in the words of the system.
    Name(String),
    /// It takes no connection, in the words of the system.
    Refused(String),
    /// There was no answer to the wish for one.
    Silent,
}

/// What came of the first questions.
#[derive(Clone, Debug)]
pub(super) struct Access {
    /// Where it takes connections.
    pub(super) reached: Result<SocketAddr, Unreached>,
    /// Who it is; `None` if it was not reached.
    pub(super) version: Option<Result<Identification, Failure>>,
    /// Why that failed, in the words of the system or of TLS.
    pub(super) cause: String,
    /// By how many seconds its clock is ahead of ours, if it tells its time.
    pub(super) ahead_s: Option<i64>,
}

/// What came of the wish for a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// Here it is, with this interface.
    Opened(Interface),
    /// There is none, and this is known of the user.
    Refused(Namesake),
    /// The question failed.
    Failed(Failure),
}

/// Whom the PBX knows under the name of the TAPI user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Namesake {
    /// Nobody.
    Nobody,
    /// A user of that Long Name.
    LongName,
    /// The name is the Short Name of this user.
    ShortNameOf(Personal),
    /// It does not say.
    Unknown,
}

/// The objects that the session sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) users: Vec<UserInfo>,
    /// Why it is not complete, if it is not.
    pub(super) broken: Option<Failure>,
}

/// One PBX, and what it has answered so far.
pub(super) struct Asked {
    access: Access,
    connection: Option<Connection>,
    opening: Option<Opening>,
    session: Option<u32>,
    interface: Interface,
    snapshot: Option<Snapshot>,
}

impl Asked {
    /// Connects, and asks who it is.
    pub(super) async fn open(manners: &Manners, place: &Place) -> Asked {
        let reached = reach(place).await;
        let mut asked = Asked {
            access: Access { reached, version: None, cause: String::new(), ahead_s: None },
            connection: None,
            opening: None,
            session: None,
            interface: Interface::default(),
            snapshot: None,
        };
        if asked.access.reached.is_err() {
            return asked;
        }
        match Connection::new(place, Arc::clone(&manners.account), &manners.tls) {
            Ok(connection) => asked.connection = Some(connection),
            Err(error) => {
                asked.access.cause = error.to_string();
                asked.access.version = Some(Err(Failure::Certificate));
                return asked;
            }
        }
        let answer = asked.ask(&Operation::Version {}, Interface::default(), PATIENCE).await;
        asked.access.version = Some(answer.and_then(|answer| match answer {
            Answer::Version(identification) => Ok(identification),
            _ => Err(astray()),
        }));
        if let Some(connection) = &asked.connection {
            asked.access.cause = connection.cause().unwrap_or_default().to_owned();
            asked.access.ahead_s = connection.date().and_then(date::seconds).map(ahead_of_us);
        }
        asked
    }

    pub(super) fn access(&self) -> &Access {
        &self.access
    }

    /// Who it says it is.
    pub(super) fn identification(&self) -> Option<&Identification> {
        self.access.version.as_ref()?.as_ref().ok()
    }

    pub(super) fn opening(&self) -> Option<&Opening> {
        self.opening.as_ref()
    }

    pub(super) fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    /// Asks for a session of the TAPI user, and for what it sees; if the PBX told who it is.
    pub(super) async fn session(&mut self, manners: &Manners) {
        if self.identification().is_none() {
            return;
        }
        let opening = self.initialize(&manners.user).await;
        if matches!(opening, Opening::Opened(_)) {
            self.snapshot = Some(self.listen().await);
        }
        self.opening = Some(opening);
    }

    async fn initialize(&mut self, user: &Personal) -> Opening {
        for interface in INTERFACES {
            let wish = Operation::Initialize { user: user.clone(), appl: "Tapline verify".into() };
            match self.ask(&wish, interface, PATIENCE).await {
                Ok(Answer::Initialize { session, .. }) if session != 0 => {
                    self.session = Some(session);
                    self.interface = interface;
                    return Opening::Opened(interface);
                }
                // An older PBX does not know the flags, and may say so by a fault.
                Ok(_) | Err(Failure::Fault(_)) => {}
                Err(failure) => return Opening::Failed(failure),
            }
        }
        Opening::Refused(self.namesake(user).await)
    }

    /// Whom the PBX knows under a name. It lists objects from the name on, in the alphabet.
    async fn namesake(&mut self, name: &Personal) -> Namesake {
        let nothing = Personal::default;
        let find = |cn: Personal, h323: Personal| Operation::FindUser {
            cn,
            h323,
            e164: nothing(),
            count: 1,
            next: 0,
            nohide: true,
        };
        let by_long = self.ask(&find(name.clone(), nothing()), Interface::V1000, PATIENCE).await;
        let by_short = self.ask(&find(nothing(), name.clone()), Interface::V1000, PATIENCE).await;
        let (Ok(Answer::FindUser(by_long)), Ok(Answer::FindUser(by_short))) = (by_long, by_short)
        else {
            return Namesake::Unknown;
        };
        if by_long.iter().any(|user| user.cn == *name) {
            return Namesake::LongName;
        }
        let same = |user: &UserInfo| user.h323.text().eq_ignore_ascii_case(name.text());
        match by_short.into_iter().find(same) {
            Some(user) => Namesake::ShortNameOf(user.cn),
            None => Namesake::Nobody,
        }
    }

    /// Polls until the PBX has told of all objects.
    async fn listen(&mut self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        let Some(session) = self.session else { return snapshot };
        let deadline = Instant::now() + SNAPSHOT_PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now()).min(PATIENCE);
            let polled = self.ask(&Operation::Poll { session }, self.interface, left).await;
            let users = match polled {
                Ok(Answer::Poll(any)) => any.user,
                Ok(_) => return Snapshot { broken: Some(astray()), ..snapshot },
                Err(failure) => return Snapshot { broken: Some(failure), ..snapshot },
            };
            for user in users {
                if user.cn.is_empty() {
                    return snapshot;
                }
                snapshot.users.push(user);
            }
            if snapshot.users.len() > OBJECTS_MAX {
                let why = format!("more than {OBJECTS_MAX} objects");
                return Snapshot { broken: Some(Failure::Garbled(why.into())), ..snapshot };
            }
        }
    }

    /// Asks for the record of a user, of which nothing is kept.
    pub(super) async fn record(&mut self, cn: &Personal) -> Result<(), Failure> {
        let wish = Operation::Admin { xml: admin::show(cn.text(), false) };
        match self.ask(&wish, self.interface, PATIENCE).await? {
            Answer::Admin(document) => match admin::read(document.text()) {
                Ok(_) => Ok(()),
                Err(error) => Err(Failure::Fault(error.to_string().into())),
            },
            _ => Err(astray()),
        }
    }

    /// Where the slave of that Short Name can be asked; empty if the PBX does not know.
    pub(super) async fn location_url(
        &mut self,
        name: &str,
        tls: bool,
    ) -> Result<Box<str>, Failure> {
        let wish = Operation::LocationUrl { loc: name.into(), tls };
        match self.ask(&wish, self.interface, PATIENCE).await? {
            Answer::LocationUrl(url) => Ok(url),
            _ => Err(astray()),
        }
    }

    /// Ends the session. One that cannot be ended is forgotten by the PBX after a while.
    pub(super) async fn end(mut self) {
        if let Some(session) = self.session.take() {
            let _ = self.ask(&Operation::End { session }, self.interface, PATIENCE).await;
        }
    }

    async fn ask(
        &mut self,
        operation: &Operation,
        interface: Interface,
        within: Duration,
    ) -> Result<Answer, Failure> {
        let connection = self.connection.as_mut().ok_or(Failure::Unreachable)?;
        let envelope = operation.write(interface);
        let post = Post {
            action: envelope.action.into(),
            body: envelope.body.into_bytes(),
            within,
            repeat: Repeat::Never,
        };
        let answer = connection.post(&post).await?;
        translation::read(&answer, |body| crate::soap::decode(operation.kind(), body))
    }
}

/// Looks the name up and makes a connection, which is closed again.
async fn reach(place: &Place) -> Result<SocketAddr, Unreached> {
    let authority = &*place.authority;
    // What follows a bracket is after an IPv6 address.
    let has_port = authority.rsplit(']').next().is_some_and(|after| after.contains(':'));
    let host = match has_port {
        true => authority.to_owned(),
        false => format!("{authority}:{}", if place.https { 443 } else { 80 }),
    };
    let found = timeout(CONNECT_TIMEOUT, tokio::net::lookup_host(host)).await;
    let addresses: Vec<SocketAddr> = match found {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => return Err(Unreached::Name(error.to_string())),
        Err(_) => return Err(Unreached::Name("no name server answers".to_owned())),
    };
    let mut last = Unreached::Name("it has no address".to_owned());
    let deadline = Instant::now() + CONNECT_TIMEOUT;
    for address in addresses {
        match tokio::time::timeout_at(deadline, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(address),
            Ok(Err(error)) => last = Unreached::Refused(error.to_string()),
            Err(_) => return Err(Unreached::Silent),
        }
    }
    Err(last)
}

fn ahead_of_us(theirs_s: i64) -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    theirs_s - i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The decoder gives the answer of the operation that it was told, so this is our own fault.
fn astray() -> Failure {
    Failure::Garbled("an answer to something else".into())
}
