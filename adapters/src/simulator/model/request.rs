//! What clients ask of the PBX: every operation, and what it comes to.

use super::directory::Find;
use super::leg::{LegId, Target};
use super::object::ObjectId;
use super::session::{ConnectionId, Session, Ticket};
use super::{Administered, PbxModel};
use crate::simulator::switches::{AdminAnswer, Fault, IdleStandby, StaleHandle, UnknownSession};
use crate::soap::types::AnyInfo;
use crate::soap::{Answer, Interface, Kind, Operation};
use engine::id::{CallHandle, UserHandle};
use engine::pii::Personal;
use engine::time::Millis;

/// Whose credentials came with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// The account `admin`: may name any user, and may administrate.
    Administrator,
    /// A user: may name only itself as session user.
    User(ObjectId),
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// On which connection.
    pub connection: ConnectionId,
    /// With whose credentials.
    pub account: Account,
    /// The interface that the request names by its flags; means something for `Initialize` and the
    /// look-ups without a session.
    pub interface: Interface,
}

/// What a request comes to.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // there is one at a time
pub enum Outcome {
    /// An answer.
    Answer(Answer),
    /// A `Poll` that has to wait: ask [`PbxModel::poll`].
    Wait(Ticket),
    /// A SOAP fault.
    Fault {
        /// HTTP status.
        status: u16,
        /// `faultstring`.
        text: &'static str,
    },
    /// A bare HTTP status.
    Status(u16),
    /// The wrapper of the answer without any part.
    EmptyElement(Kind),
    /// The connection is closed.
    Close,
    /// Nothing, ever.
    Silence,
}

impl Outcome {
    pub(super) fn invalid_session(status: u16) -> Outcome {
        Outcome::Fault { status, text: "invalid session" }
    }
}

/// What a request comes to, and how to write it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// What it comes to.
    pub outcome: Outcome,
    /// In which interface to write records.
    pub interface: Interface,
    /// What is to go wrong with it.
    pub fault: Option<Fault>,
    /// Send it only after this session has fetched its events, so that they overtake it.
    pub overtaken_by: Option<u32>,
}

/// Why an operation has no answer of its own.
pub(super) enum Astray {
    /// The session is not known.
    Session,
    /// The handle is not known.
    Handle,
}

impl PbxModel {
    /// A client asks. Ends with an answer, or with a `Poll` that waits.
    pub fn request(&mut self, now: Millis, asker: &Asker, operation: &Operation) -> Reply {
        self.advance(now);
        let kind = operation.kind();
        *self.counts.entry(kind).or_default() += 1;
        if let Operation::FindUser { count, .. } = operation {
            self.most_wanted = self.most_wanted.max(*count);
        }
        let fault = self.switches.take_fault(kind);
        let session = self.session_named_by(operation);
        let interface = session.and_then(|number| self.sessions.get_mut(&number)).map_or(
            asker.interface.min(self.switches.interface),
            |session| {
                session.used_by(asker.connection);
                session.interface
            },
        );
        let races = kind == Kind::UserCall && self.switches.ucall_event_before_response;
        let overtaken_by = session.filter(|_| races);
        let outcome = match fault {
            Some(Fault::Status500) => Outcome::Status(500),
            _ => self.act(asker, operation),
        };
        self.settle();
        Reply { outcome, interface, fault, overtaken_by }
    }

    fn act(&mut self, asker: &Asker, operation: &Operation) -> Outcome {
        if let Operation::Poll { session } = operation {
            return match self.begin_poll(*session) {
                Some(ticket) => Outcome::Wait(ticket),
                None => self.astray(operation.kind(), &Astray::Session),
            };
        }
        let begins = matches!(operation, Operation::Initialize { .. });
        if begins && self.stands_by && self.switches.idle_standby == IdleStandby::Fault {
            return Outcome::Fault { status: 500, text: "this PBX stands by" };
        }
        if self.is_silenced(operation) {
            let kind = operation.kind();
            return blank(kind)
                .filter(|_| !matches!(kind, Kind::UserCall | Kind::UserPickup))
                .map_or(Outcome::Silence, Outcome::Answer);
        }
        let answer = match operation {
            Operation::Admin { xml } => return self.asked_to_administrate(asker, xml.text()),
            _ => self.answer(asker, operation),
        };
        match answer {
            Ok(answer) => Outcome::Answer(answer),
            Err(astray) => self.astray(operation.kind(), &astray),
        }
    }

    fn answer(&mut self, asker: &Asker, operation: &Operation) -> Result<Answer, Astray> {
        use Operation as Op;
        match operation {
            Op::Version {} => Ok(Answer::Version(self.identification())),
            Op::Initialize { user, .. } => Ok(self.initialize(asker, user.text())),
            Op::Echo { session, key } => {
                let alive = self.sessions.get(session).is_some_and(|known| known.key == *key);
                Ok(Answer::Echo { alive })
            }
            Op::End { session } => {
                self.session(*session)?;
                self.drop_session(*session);
                Ok(Answer::End)
            }
            Op::License { session, .. } => {
                self.session(*session)?;
                Ok(Answer::License(Personal::default()))
            }
            Op::FindUser { .. }
            | Op::UserFindDestination { .. }
            | Op::LocationUrl { .. }
            | Op::Devices { .. }
            | Op::Calls { .. }
            | Op::UserLocalNum { .. } => self.look_up(operation),
            Op::UserLicense { .. } => Ok(Answer::UserLicense(false)),
            Op::SetPresence { presence, guid, h323, .. } => Ok(Answer::SetPresence {
                done: self.set_presence(presence, guid.text(), h323.text()),
            }),
            Op::UserInitialize { session, user, disc, hw, .. } => {
                self.user_initialize(*session, user.text(), *disc, hw.text())
            }
            Op::UserEnd { user } => self.user_end(*user),
            _ => self.control_call(operation),
        }
    }

    fn look_up(&self, operation: &Operation) -> Result<Answer, Astray> {
        use Operation as Op;
        Ok(match operation {
            Op::FindUser { cn, h323, e164, count, next, nohide } => {
                Answer::FindUser(self.find_users(&Find {
                    cn: cn.text(),
                    h323: h323.text(),
                    e164: e164.text(),
                    count: *count,
                    next: *next != 0,
                    nohide: *nohide,
                }))
            }
            Op::UserFindDestination { user, e164, h323 } => {
                let (_, object, _) = self.user(*user)?;
                let found = self.find(object, &target("", e164.text(), h323.text()));
                let (incomplete, user) = self.destination(&found);
                Answer::UserFindDestination { incomplete, user: user.map(Box::new) }
            }
            Op::LocationUrl { loc, tls } => {
                Answer::LocationUrl(self.location_url(loc.text(), *tls).into())
            }
            Op::Devices { session, user } => {
                self.session(*session)?;
                Answer::Devices(self.devices(user.text()))
            }
            Op::Calls { session, user } => {
                self.session(*session)?;
                Answer::Calls(self.calls_of(user.text()))
            }
            Op::UserLocalNum { user, num } => {
                let (_, object, _) = self.user(*user)?;
                Answer::UserLocalNum(self.local_number(object, num.text()).as_str().into())
            }
            _ => return Err(Astray::Handle),
        })
    }

    fn control_call(&mut self, operation: &Operation) -> Result<Answer, Astray> {
        use Operation as Op;
        match operation {
            Op::UserCall { user, cn, e164, h323, srce164, .. } => {
                self.last_dialled = e164.text().into();
                let target = target(cn.text(), e164.text(), h323.text());
                return self.user_call(*user, target, srce164.text()).map(Answer::UserCall);
            }
            Op::UserPickup { user, cn, call, group, .. } => {
                return self.user_pickup(*user, cn.text(), *call, group.text());
            }
            Op::UserMessage { user, e164, h323, .. } => {
                return self.user_message(*user, &target("", e164.text(), h323.text()));
            }
            Op::UserTransfer { a, b } => {
                let (a, b) = (self.leg(*a)?, self.leg(*b)?);
                self.transfer(a, b);
                return Ok(Answer::UserTransfer);
            }
            Op::UserMediaTransfer { a, b, .. } => {
                // Moves the voice only; no state shows it.
                self.leg(*a)?;
                self.leg(*b)?;
                return Ok(Answer::UserMediaTransfer);
            }
            _ => {}
        }
        let (call, leg) = self.leg_of(operation)?;
        Ok(match operation {
            Op::UserClear { cause, .. } => {
                self.clear(leg, (*cause & 0x7F) as u8);
                Answer::UserClear
            }
            Op::UserConnect { .. } => {
                let device = self.device_watched_by(call);
                self.connect(leg, device);
                Answer::UserConnect
            }
            Op::UserRc { rc, .. } => {
                self.remote_control(leg, *rc);
                Answer::UserRc
            }
            Op::UserInfo { recv, cdpn, .. } => {
                if !*recv && !cdpn.is_empty() {
                    self.dial_on(leg, cdpn.text());
                }
                Answer::UserInfo
            }
            Op::UserDTMF { recv, dtmf, .. } => {
                self.send_dtmf(leg, *recv, dtmf.text());
                Answer::UserDTMF
            }
            Op::UserUUI { recv, uui, .. } => {
                self.send_uui(leg, *recv, uui.text());
                Answer::UserUUI
            }
            // Only rerouting obeys the forwards of the destination.
            Op::UserRedirect { cn, e164, h323, .. } => Answer::UserRedirect(self.redirect(
                leg,
                &target(cn.text(), e164.text(), h323.text()),
                false,
            )),
            Op::UserReroute { cn, e164, h323, .. } => Answer::UserReroute(self.redirect(
                leg,
                &target(cn.text(), e164.text(), h323.text()),
                true,
            )),
            // For the display of the phone; no state shows it.
            Op::UserCtComplete { .. } => Answer::UserCtComplete,
            Op::UserHold { .. } => {
                self.hold(leg);
                Answer::UserHold
            }
            Op::UserRetrieve { .. } => {
                self.retrieve(leg);
                Answer::UserRetrieve
            }
            Op::UserPark { cn, .. } => self.user_park(call, leg, cn.text()),
            _ => return Err(Astray::Handle),
        })
    }

    // ---- administration ------------------------------------------------------------------------

    /// `Admin`. Whether an ordinary account may is not known of a real PBX.
    fn asked_to_administrate(&mut self, asker: &Asker, xml: &str) -> Outcome {
        let may = asker.account == Account::Administrator
            || self.switches.admin != AdminAnswer::Administrators;
        if !may {
            return Outcome::Fault { status: 500, text: "Admin needs an administrator's account" };
        }
        match self.administrate(xml) {
            Administered::Document(xml) => Outcome::Answer(Answer::Admin(xml.as_str().into())),
            Administered::Refused(text) => Outcome::Fault { status: 500, text },
            Administered::Silence => Outcome::Silence,
        }
    }

    // ---- names ---------------------------------------------------------------------------------

    pub(super) fn session(&self, number: u32) -> Result<&Session, Astray> {
        self.sessions.get(&number).ok_or(Astray::Session)
    }

    /// What a user handle stands for: session, object, device.
    pub(super) fn user(
        &self,
        handle: UserHandle,
    ) -> Result<(u32, ObjectId, Option<usize>), Astray> {
        let number = self.handles.session_of(handle).ok_or(Astray::Handle)?;
        let monitor = self.sessions.get(&number).and_then(|session| session.monitor(handle));
        let monitor = monitor.ok_or(Astray::Handle)?;
        Ok((number, monitor.object, monitor.device.flatten()))
    }

    pub(super) fn leg(&self, handle: CallHandle) -> Result<LegId, Astray> {
        self.handles.naming(handle).map(|naming| naming.leg).ok_or(Astray::Handle)
    }

    fn leg_of(&self, operation: &Operation) -> Result<(CallHandle, LegId), Astray> {
        let handle = call_named_by(operation).ok_or(Astray::Handle)?;
        Ok((handle, self.leg(handle)?))
    }

    /// The device that the monitor of this handle is limited to.
    fn device_watched_by(&self, handle: CallHandle) -> Option<usize> {
        let user = self.handles.naming(handle)?.user?;
        self.user(user).ok()?.2
    }

    /// The session that a request belongs to, by number or by handle.
    fn session_named_by(&self, operation: &Operation) -> Option<u32> {
        use Operation as Op;
        match operation {
            Op::Echo { session, .. }
            | Op::End { session }
            | Op::Poll { session }
            | Op::License { session, .. }
            | Op::Devices { session, .. }
            | Op::Calls { session, .. }
            | Op::UserInitialize { session, .. } => Some(*session),
            _ => match (user_named_by(operation), call_named_by(operation)) {
                (Some(user), _) => self.handles.session_of(user),
                (None, Some(call)) => self.handles.naming(call).map(|naming| naming.session),
                (None, None) => None,
            },
        }
    }

    /// Whether the request is for a phone that never acts upon any.
    fn is_silenced(&self, operation: &Operation) -> bool {
        let by_user = match operation {
            Operation::UserCall { user, .. } | Operation::UserPickup { user, .. } => {
                self.user(*user).ok().map(|(_, object, _)| object)
            }
            _ => None,
        };
        let by_call = call_named_by(operation).and_then(|call| self.leg(call).ok());
        let object = by_user.or_else(|| Some(self.legs.get(by_call?)?.object));
        object.and_then(|id| self.directory.get(id)).is_some_and(|object| object.silent)
    }

    fn astray(&self, kind: Kind, astray: &Astray) -> Outcome {
        match (astray, self.switches.unknown_session) {
            (Astray::Handle, _) => match (self.switches.stale_call_handle, blank(kind)) {
                (StaleHandle::Ignore, Some(answer)) => Outcome::Answer(answer),
                _ => Outcome::Fault { status: 500, text: "invalid handle" },
            },
            (Astray::Session, UnknownSession::Fault500) => Outcome::invalid_session(500),
            (Astray::Session, UnknownSession::Fault200) => Outcome::invalid_session(200),
            (Astray::Session, UnknownSession::NotFound) => Outcome::Status(404),
            (Astray::Session, UnknownSession::BadRequest) => Outcome::Status(400),
            (Astray::Session, UnknownSession::EmptyElement) => Outcome::EmptyElement(kind),
            (Astray::Session, UnknownSession::Close) => Outcome::Close,
            (Astray::Session, UnknownSession::EmptyPoll) => {
                blank(kind).map_or(Outcome::EmptyElement(kind), Outcome::Answer)
            }
        }
    }
}

/// The answer of a PBX that does nothing.
fn blank(kind: Kind) -> Option<Answer> {
    Some(match kind {
        Kind::End => Answer::End,
        Kind::Poll => Answer::Poll(AnyInfo::default()),
        Kind::License => Answer::License(Personal::default()),
        Kind::UserFindDestination => Answer::UserFindDestination { incomplete: false, user: None },
        Kind::Devices => Answer::Devices(Vec::new()),
        Kind::Calls => Answer::Calls(Vec::new()),
        Kind::UserLocalNum => Answer::UserLocalNum(Personal::default()),
        Kind::UserInitialize => Answer::UserInitialize(UserHandle(0)),
        Kind::UserEnd => Answer::UserEnd,
        Kind::UserCall => Answer::UserCall(CallHandle(0)),
        Kind::UserClear => Answer::UserClear,
        Kind::UserConnect => Answer::UserConnect,
        Kind::UserRc => Answer::UserRc,
        Kind::UserInfo => Answer::UserInfo,
        Kind::UserDTMF => Answer::UserDTMF,
        Kind::UserUUI => Answer::UserUUI,
        Kind::UserPickup => Answer::UserPickup(CallHandle(0)),
        Kind::UserRedirect => Answer::UserRedirect(false),
        Kind::UserReroute => Answer::UserReroute(false),
        Kind::UserTransfer => Answer::UserTransfer,
        Kind::UserMediaTransfer => Answer::UserMediaTransfer,
        Kind::UserCtComplete => Answer::UserCtComplete,
        Kind::UserHold => Answer::UserHold,
        Kind::UserRetrieve => Answer::UserRetrieve,
        Kind::UserPark => Answer::UserPark(CallHandle(0)),
        Kind::UserMessage => Answer::UserMessage(CallHandle(0)),
        _ => return None,
    })
}

/// One of the three ways to name a destination; the first that is given counts.
fn target(cn: &str, e164: &str, h323: &str) -> Target {
    match (e164, h323, cn) {
        ("", "", "") => Target::Number(String::new()),
        ("", "", cn) => Target::LongName(cn.into()),
        ("", h323, _) => Target::ShortName(h323.into()),
        (e164, ..) => Target::Number(e164.into()),
    }
}

fn user_named_by(operation: &Operation) -> Option<UserHandle> {
    use Operation as Op;
    match operation {
        Op::UserFindDestination { user, .. }
        | Op::UserLocalNum { user, .. }
        | Op::UserEnd { user }
        | Op::UserCall { user, .. }
        | Op::UserPickup { user, .. }
        | Op::UserMessage { user, .. } => Some(*user),
        _ => None,
    }
}

fn call_named_by(operation: &Operation) -> Option<CallHandle> {
    use Operation as Op;
    match operation {
        Op::UserClear { call, .. }
        | Op::UserConnect { call }
        | Op::UserRc { call, .. }
        | Op::UserInfo { call, .. }
        | Op::UserDTMF { call, .. }
        | Op::UserUUI { call, .. }
        | Op::UserRedirect { call, .. }
        | Op::UserReroute { call, .. }
        | Op::UserCtComplete { call, .. }
        | Op::UserHold { call, .. }
        | Op::UserRetrieve { call }
        | Op::UserPark { call, .. } => Some(*call),
        Op::UserTransfer { a, .. } | Op::UserMediaTransfer { a, .. } => Some(*a),
        _ => None,
    }
}
