//! What may be known: everything that can ever influence the state of a line.
//!
//! The log holds inputs, not conclusions. Enums here are append-only, because the order of their
//! variants is the schema of the log (`codec.rs`); each variant has a golden byte string in the
//! tests.

pub use crate::command::{Command, Consultation, Function, ParkPlace, PickupFrom};
use crate::diversion::UserRecord;
use crate::id::{
    Attempt, CallHandle, CallId, Guid, LineId, Opening, PbxId, PermanentId, RequestId, Ticket,
    UserHandle,
};
pub use crate::party::Parties;
use crate::pii::Personal;
use crate::place::Place;
use crate::tapi::LineErr;
use crate::time::{Millis, Timer};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When it became known.
    pub at: Millis,
    /// What became known.
    pub event: Event,
}

/// What became known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// From the host: the telephony server, or the settings.
    Host(HostFact),
    /// From a PBX, in the given attempt to hold a session with it.
    Pbx(PbxId, Attempt, PbxFact),
    /// From an application: an asynchronous request on an opened line.
    App(LineId, Opening, RequestId, Command),
    /// How the PBX answered what we asked on behalf of a request.
    Reply(LineId, Ticket, Reply),
    /// A timer came due.
    Due(Timer),
    /// What became of callbacks that earlier records caused: the evidence for a replay.
    Told(Vec<Told>),
}

// ---- the host -----------------------------------------------------------------------------

/// From the telephony server, or from the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostFact {
    /// A session of the telephony server begins. Openings, calls, requests and PBX sessions of
    /// before are void; lines and their permanent ids stay.
    Started,
    /// The settings in force from now on.
    Configured(Configuration),
    /// `TSPI_lineOpen`.
    LineOpened {
        /// The line.
        line: LineId,
        /// Which opening of it.
        opening: Opening,
        /// The TSPI version the host committed to, for example 0x00030000.
        version: u32,
    },
    /// `TSPI_lineClose`.
    LineClosed {
        /// The line.
        line: LineId,
        /// Which opening of it.
        opening: Opening,
    },
    /// `TSPI_lineCloseCall`: the host forgets the call; at the PBX it goes on.
    CallClosed(CallId),
    /// `TSPI_lineSetStatusMessages`: LINEDEVSTATE and LINEADDRESSSTATE bits wanted from now on.
    StatusMessages {
        /// The line.
        line: LineId,
        /// LINEDEVSTATE bits.
        line_states: u32,
        /// LINEADDRESSSTATE bits.
        address_states: u32,
    },
    /// `TSPI_lineSetAppSpecific`.
    AppSpecific(CallId, u32),
    /// `TSPI_lineSetMediaMode`.
    MediaMode(CallId, u32),
    /// The host left 0 in the HTAPICALL of LINE_NEWCALL: nothing about this call until it takes it.
    NewCallRefused(CallId),
    /// `TSPI_providerShutdown`: complete what is open, end the PBX sessions.
    Stopping,
    /// The log could not be written for a while; so many records are missing before this one.
    Gap(u64),
    /// `tapline lines remove`: a line that no PBX speaks of now is removed. Its id stays its own.
    LineDismissed(PermanentId),
    /// `tapline ids import`: ids of users that no PBX has spoken of so far. At most
    /// [`HostFact::MAX_IDS`] in one record.
    IdsImported(Box<[(Guid, PermanentId)]>),
}

impl HostFact {
    /// Most ids in one record, which keeps it far below what a frame can hold.
    pub const MAX_IDS: usize = 256;
}

/// The settings as far as the engine needs them. No secret is among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// The PBX user (long name) whose groups are the scope.
    pub user: Personal,
    /// PBX trees, in the order of the settings.
    pub pbxs: Vec<PbxSettings>,
    /// How to name lines, see `name.rs`.
    pub name_template: Box<str>,
    /// Report the bare extension as the address, without node prefixes.
    pub pure_node_extensions: bool,
    /// Never show more than one active call on a line.
    pub single_active_call: bool,
    /// Follow slave PBXs.
    pub monitor_slaves: bool,
    /// How long the PBX's events may take to prove what a request asked for, in milliseconds; 0
    /// stands for [`Configuration::REQUEST_DEADLINE_MS`].
    pub request_deadline_ms: u32,
    /// How long the calls of a line are kept while its PBX is not seen, in milliseconds; 0 stands for
    /// [`Configuration::CALLS_KEPT_MS`].
    pub calls_kept_ms: u32,
    /// `TSPI_lineForward` leaves forwards alone for which its list has no word.
    pub modify_forwards: bool,
    /// Ask slaves without TLS although their parent is asked with it: account and password then
    /// travel in the clear.
    pub allow_plain_slaves: bool,
    /// Which account, password and certificates are meant: another number for others. It counts up
    /// while the provider runs; what they are is in no log.
    pub access: u32,
}

impl Configuration {
    /// The deadline of requests if the settings do not say (reference of the PBX, 6.1).
    pub const REQUEST_DEADLINE_MS: u32 = 5_000;

    /// How long calls are kept if the settings do not say: until a standby has taken over, or a PBX
    /// that was started anew is back.
    pub const CALLS_KEPT_MS: u32 = 15_000;

    /// How long requests may take, in milliseconds.
    #[must_use]
    pub fn deadline_ms(&self) -> u32 {
        or_else(self.request_deadline_ms, Configuration::REQUEST_DEADLINE_MS)
    }

    /// How long calls are kept, in milliseconds.
    #[must_use]
    pub fn kept_ms(&self) -> u32 {
        or_else(self.calls_kept_ms, Configuration::CALLS_KEPT_MS)
    }
}

/// 0 stands for the other value.
fn or_else(given: u32, default: u32) -> u32 {
    if given == 0 { default } else { given }
}

/// One PBX tree of the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PbxSettings {
    /// Where its master is.
    pub master: Place,
    /// Where the standby of that is, if it has one.
    pub standby: Option<Place>,
}

/// What became of one callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Sequence number of the record that caused it.
    pub seq: u64,
    /// CRC-32 of the callback as derived, in the bytes of `codec.rs`.
    pub crc: u32,
    /// What was done with it.
    pub outcome: Outcome,
}

/// What was done with a derived callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The host's procedure was called with it.
    Delivered,
    /// The host closed the line or call while it was on its way, or has not taken the call yet.
    Withheld,
    /// A completion that a close or shutdown had already delivered before it could wait for this.
    Forced,
}

// ---- the PBX ------------------------------------------------------------------------------

/// From a PBX.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PbxFact {
    /// Answer to `Version`: which box this is.
    Identified(Identification),
    /// Answer to `Initialize`. `session` 0 means refused: unknown user or unknown interface flags.
    Initialized {
        /// Session number, 0 if refused.
        session: u32,
        /// Where it was asked for.
        place: Arc<Place>,
    },
    /// Answer to `Echo`: whether the session still exists.
    Echoed(bool),
    /// One `UserInfo` of a Poll.
    User(Box<UserInfo>),
    /// One `CallInfo` of a Poll.
    Call(CallInfo),
    /// A Poll ended well, after all its users and calls.
    Polled {
        /// How many users and calls it brought.
        count: u32,
        /// How long it took.
        elapsed_ms: u32,
    },
    /// Answer to `UserInitialize`. Handle 0 means refused.
    UserInitialized(LineId, UserHandle),
    /// Asking the PBX failed.
    Failed(Question, Failure),
    /// Answer to `End`, or the time allowed for it is over.
    Ended,
    /// Answer to `LocationUrl`, asked of a slave's parent: the URL of the slave, empty if it is not
    /// known or not registered there.
    Located(Box<str>),
    /// A master that was left for its standby answers again.
    Probed,
}

/// What was asked when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// `Version`.
    Version,
    /// `Initialize`.
    Initialize,
    /// `Echo`.
    Echo,
    /// `Poll`.
    Poll,
    /// `UserInitialize` for a line.
    UserInitialize(LineId),
    /// `End`.
    End,
    /// `LocationUrl`.
    Locate,
    /// `Version`, to see whether a master is there again.
    Probe,
}

/// Why asking failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// The host name is unknown, the connection was refused, or nobody answered it.
    Unreachable,
    /// The TLS handshake failed: wrong or untrusted certificate, or no common version.
    Certificate,
    /// 401 or 403: the account or its password is not accepted.
    AccessDenied,
    /// The connection broke while we waited for the answer.
    Broken,
    /// No answer in time.
    TimedOut,
    /// Another HTTP status.
    Status(u16),
    /// A SOAP fault, with its text.
    Fault(Box<str>),
    /// The answer was not SOAP, was cut off, or was larger than allowed.
    Garbled(Box<str>),
}

impl Failure {
    /// Whether the PBX may have obeyed all the same: it was asked, and only its answer is lost.
    #[must_use]
    pub fn leaves_it_open(&self) -> bool {
        matches!(self, Failure::Broken | Failure::TimedOut | Failure::Garbled(_))
    }

    /// What happened and what to do about it, in a sentence for the one who runs the provider.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Failure::Unreachable => "nobody answers there; check host and port in the settings, \
                 and that the PBX is running"
                .into(),
            Failure::Certificate => "its certificate is not trusted; name the right one in the \
                 settings ([tls] certificate_file or ca_file), or check the host name"
                .into(),
            Failure::AccessDenied => {
                "account or password is not accepted; correct them in the settings".into()
            }
            Failure::Broken => "the connection broke".into(),
            Failure::TimedOut => "it did not answer in time".into(),
            Failure::Status(status) => format!("it answered with HTTP status {status}"),
            Failure::Fault(text) => format!("it answered with a fault: {text}"),
            Failure::Garbled(text) => {
                format!("its answer cannot be read ({text}); is this an innovaphone PBX?")
            }
        }
    }
}

/// Answer to `Version`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identification {
    /// System name (GatekeeperID).
    pub system: Box<str>,
    /// PBX name (Location).
    pub location: Box<str>,
    /// Firmware, trimmed.
    pub firmware: Box<str>,
    /// Serial number.
    pub serial: Box<str>,
    /// Version of the interface.
    pub wsdl_version: u32,
}

/// One object of the PBX that the session may see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserInfo {
    /// False exactly once, when the object was deleted or left the scope.
    pub active: bool,
    /// Registered (bit 0 of `state`).
    pub registered: bool,
    /// Number of current calls.
    pub channel: u16,
    /// Number of alerting calls.
    pub alert: u16,
    /// The configuration changed.
    pub cfg: bool,
    /// Permanent identity of the object.
    pub guid: Guid,
    /// Long Name. Empty in the record that ends the snapshot.
    pub cn: Personal,
    /// Display name.
    pub dn: Personal,
    /// Short Name.
    pub h323: Personal,
    /// Extension, relative to its node.
    pub e164: Personal,
    /// Device class: `ep`, `gw`, …
    pub kind: Box<str>,
    /// Object type: empty for a plain user, `trunk`, `loc`, …
    pub object: Box<str>,
    /// Home PBX, if it is another one than that which sent the record.
    pub loc: Box<str>,
    /// Name of the numbering node.
    pub node: Box<str>,
    /// Number of that node.
    pub nodenum: Box<str>,
}

/// One event of one leg of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallInfo {
    /// The monitored user whose leg it is.
    pub user: u32,
    /// The leg.
    pub call: u32,
    /// False exactly once, in the last event.
    pub active: bool,
    /// State bits, see `call.rs`.
    pub state: u32,
    /// The signalling message behind the event.
    pub msg: Msg,
    /// Parties known.
    pub parties: Parties,
    /// GUID of the call, equal on all its legs; NIL if not told.
    pub conf: Guid,
    /// Latest Q.850 cause, 7 bits.
    pub cause: Option<u8>,
    /// User-user information received.
    pub uui: Option<Personal>,
}

impl CallInfo {
    /// The leg's user handle.
    #[must_use]
    pub fn user_handle(&self) -> UserHandle {
        UserHandle(self.user)
    }

    /// The leg's handle.
    #[must_use]
    pub fn handle(&self) -> CallHandle {
        CallHandle(self.call)
    }

    /// The party with the given role.
    #[must_use]
    pub fn party(&self, role: &Role) -> Option<&Party> {
        self.parties.iter().find(|party| party.role == *role)
    }
}

/// Signalling messages. Only three of them carry meaning for us (reference of the PBX, 3.4); the
/// rest is kept for the reader of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Msg {
    /// None given.
    #[default]
    None,
    /// `del`: the leg is gone.
    Del,
    /// `r-ct`: the peer changed by a transfer.
    RCt,
    /// `r-rel`: released towards the terminal.
    RRel,
    /// `x-setup`.
    XSetup,
    /// `r-setup`.
    RSetup,
    /// `r-setup-ack`.
    RSetupAck,
    /// `r-call-proc`.
    RCallProc,
    /// `x-call-proc`.
    XCallProc,
    /// `x-alert`.
    XAlert,
    /// `r-alert`.
    RAlert,
    /// `x-conn`.
    XConn,
    /// `r-conn`.
    RConn,
    /// `x-disc`.
    XDisc,
    /// `r-disc`.
    RDisc,
    /// `x-rel`.
    XRel,
    /// `update`.
    Update,
    /// `r-held`.
    RHeld,
    /// `r-retrieved`.
    RRetrieved,
    /// Any other.
    Other(Box<str>),
}

/// One party of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Which part it plays.
    pub role: Role,
    /// Long Name; filled if the party is a PBX object.
    pub cn: Personal,
    /// Display name.
    pub dn: Personal,
    /// Number as the monitored user would dial it.
    pub e164: Personal,
    /// Short Name.
    pub h323: Personal,
}

/// Which part a party plays in a call (reference of the PBX, 3.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// The monitored object.
    #[default]
    This,
    /// Present remote end.
    Peer,
    /// Last diverting user.
    Leg2,
    /// First diverting user.
    Leg2Orig,
    /// Call forward or blind transfer to the calling end.
    Leg1,
    /// Last user that transferred the call.
    Ct,
    /// Where the call was transferred to.
    Xfer,
    /// Where the call was parked.
    ParkedTo,
    /// Present on the new call of a picking endpoint.
    Picking,
    /// Any other.
    Other(Box<str>),
}

// ---- applications -------------------------------------------------------------------------

/// How the PBX answered an order given on behalf of an application's request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// `UserCall`, `UserPickup`: handle of the new leg; 0 means refused.
    Calling(CallHandle),
    /// A void operation was taken, or one with a yes or no was answered yes.
    Taken,
    /// Asking failed.
    Failed(Failure),
    /// An operation with a yes or no was answered no.
    Refused,
    /// `UserPark`: handle of the parked call; 0 means refused.
    Parked(CallHandle),
    /// Looking for a number: Long Name of the object that it leads to, if there is one.
    Found(Option<Personal>),
    /// `Admin`: what a user's record says about diversions.
    Record(UserRecord),
}

/// How a request of an application ended.
pub type Completion = Result<(), LineErr>;
