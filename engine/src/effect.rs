//! What may be wanted: the only things the engine can ask of the world.

use crate::fact::{Completion, Function};
use crate::id::{Attempt, CallId, Correlation, LineId, Opening, PbxId, RequestId, Ticket};
pub use crate::line::CallChanges;
pub use crate::order::Order;
pub use crate::pbx::Changes;
use crate::pii::Personal;
use crate::place::Place;
use crate::tapi::CallState;
use crate::time::{Millis, Timer};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Tell the telephony server something.
    Tell(Telling),
    /// Ask a PBX something.
    Ask(Box<Ask>),
    /// Come back with `Event::Due`.
    Wake(Millis, Timer),
    /// Write a line for the reader of the service's log; no decision hangs on it.
    Report(Report),
}

/// A callback to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    /// The line it is about.
    pub line: LineId,
    /// The opening it is meant for; `Opening(0)` for what goes to the provider as a whole.
    pub opening: Opening,
    /// What to say.
    pub what: What,
}

/// What to say to the telephony server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// LINEEVENT, or the line-create procedure for the first two kinds of notice.
    Notice(Notice),
    /// ASYNC_COMPLETION.
    Completed(RequestId, Completion),
}

/// A message to the telephony server, in TSPI's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// LINE_CREATE: there is a new line.
    LineCreated,
    /// LINE_REMOVE: the line is gone for good.
    LineRemoved,
    /// LINE_NEWCALL: here is a call that you did not make.
    NewCall(CallId),
    /// LINE_CALLSTATE.
    CallState {
        /// The call.
        call: CallId,
        /// Its state.
        state: CallState,
        /// The mode that goes with the state, 0 if it has none.
        mode: u32,
        /// Media mode.
        media: u32,
    },
    /// LINE_CALLINFO with LINECALLINFOSTATE bits.
    CallInfo(CallId, u32),
    /// LINE_ADDRESSSTATE of address 0 with LINEADDRESSSTATE bits.
    AddressState(u32),
    /// LINE_LINEDEVSTATE with LINEDEVSTATE bits and its two parameters.
    LineDevState(u32, u32, u32),
    /// LINE_GENERATE: digits that were asked for have been sent, or will not be.
    Generated {
        /// The call.
        call: CallId,
        /// LINEGENERATETERM.
        term: u32,
        /// dwEndToEndID of the request.
        tag: u32,
    },
}

impl Notice {
    /// The call it is about, if it is about one.
    #[must_use]
    pub fn call(&self) -> Option<CallId> {
        match *self {
            Notice::NewCall(call)
            | Notice::CallState { call, .. }
            | Notice::CallInfo(call, _)
            | Notice::Generated { call, .. } => Some(call),
            _ => None,
        }
    }
}

/// A question to a PBX.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Whom.
    pub pbx: PbxId,
    /// In which attempt; the answer comes back with it.
    pub attempt: Attempt,
    /// Where. For a slave that is being located that is its parent.
    pub place: Arc<Place>,
    /// What.
    pub request: Request,
}

/// Which interface version to ask for (reference of the PBX, 0.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Interface {
    /// pbx700.
    V7,
    /// pbx800.
    V8,
    /// pbx10_00.
    #[default]
    V10,
}

impl Interface {
    /// The one before it, which an older box may know.
    #[must_use]
    pub fn older(self) -> Option<Interface> {
        match self {
            Interface::V10 => Some(Interface::V8),
            Interface::V8 => Some(Interface::V7),
            Interface::V7 => None,
        }
    }
}

/// What to ask a PBX. The answer to an order is an `Event::Reply` to the request named;
/// to anything else a `PbxFact`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// `Version`.
    Version,
    /// `Initialize`.
    Initialize {
        /// The PBX user on whose behalf.
        user: Personal,
        /// The interface to select.
        interface: Interface,
    },
    /// `Echo`.
    Echo {
        /// Session number.
        session: u32,
    },
    /// `Poll`.
    Poll {
        /// Session number.
        session: u32,
    },
    /// `UserInitialize`.
    UserInitialize {
        /// Session number.
        session: u32,
        /// For which line.
        line: LineId,
        /// Long Name of its user.
        cn: Personal,
        /// The interface selected.
        interface: Interface,
    },
    /// `End`.
    End {
        /// Session number.
        session: u32,
    },
    /// An order given on behalf of a request, never repeated.
    Order {
        /// Which line waits for the answer.
        line: LineId,
        /// The name under which its answer comes back.
        ticket: Ticket,
        /// Which request of an application it serves; its own id if it serves none.
        correlation: Correlation,
        /// What is to be done.
        order: Order,
    },
    /// `LocationUrl`: where a slave is.
    LocationUrl {
        /// Short Name of its object.
        name: Personal,
        /// The interface to select.
        interface: Interface,
    },
    /// `Version`, to see whether a master is there again.
    Probe,
    /// Nothing more is asked in this attempt: its connections can be closed. There is no answer.
    /// After `End` the same is understood.
    Leave,
}

impl Request {
    /// `LocationUrl` for the slave of that Short Name. All versions of the interface know it alike.
    #[must_use]
    pub fn locate(name: &str) -> Request {
        Request::LocationUrl { name: name.into(), interface: Interface::V10 }
    }
}

/// A line for the reader of the service's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// A session with a PBX is up.
    SessionUp(PbxId, Arc<Place>),
    /// A session could not be had, or was lost.
    SessionLost(PbxId, Arc<Place>, crate::fact::Failure),
    /// The PBX does not know the user, or does not let this account use it.
    UserRefused(PbxId),
    /// The PBX does not let us monitor a line.
    LineRefused(LineId),
    /// All lines of a PBX are known and monitored; how many.
    Synchronised(PbxId, u32),
    /// A PBX does not let us read call forwards, or the attempt failed.
    ForwardingUnknown(PbxId, crate::fact::Failure),
    /// So many forwards of a line come from a template, or from somebody else meanwhile, and stay.
    ForwardsOfTemplate(LineId, u32),
    /// A limit was reached and something left out; which limit.
    LimitReached(Limit),
    /// Something that should not happen did, and was handled; what.
    Surprise(Surprise),
    /// A slave is looked after from now on, under the Short Name of its object.
    SlaveFound(PbxId, Box<str>),
    /// A PBX is not looked after any more: it left the settings, or its parent's view.
    PbxLeft(PbxId),
    /// The parent of a slave at that place does not know where it is, although it is registered
    /// there.
    SlaveAbsent(PbxId, Arc<Place>),
    /// A slave is not registered at its parent, which is at that place.
    SlaveOffline(PbxId, Arc<Place>),
    /// The parent of a slave cannot be asked where that is: it is looked for where it was last.
    AtLastPlace(PbxId, Arc<Place>),
    /// What the parent of a slave at that place says of where it is makes no sense.
    SlaveAstray(PbxId, Arc<Place>),
    /// A slave would have to be asked without TLS although its parent is asked with it.
    SlavePlain(PbxId, Arc<Place>),
    /// Two PBXs are the same box; the first is left alone.
    SameBox(PbxId, PbxId),
    /// A PBX that was reached through its standby is reached at its master again.
    BackAtMaster(PbxId),
    /// A PBX reports as many objects as it can for one user; there may be more.
    ScopeFull(PbxId, u32),
    /// What is other than when a PBX was last seen.
    Changed(PbxId, Changes),
    /// What became of a line's calls while its PBX was not seen.
    CallsChanged(LineId, CallChanges),
    /// Two PBXs say that a line's user is at home there: the first, whose word counts, and the
    /// second.
    TwoHomes(LineId, PbxId, PbxId),
    /// A PBX is asked with the account, password and user of changed settings from now on.
    Renewed(PbxId),
    /// There is no session with those at that place; the one with the former ones goes on.
    NotRenewed(PbxId, Arc<Place>, crate::fact::Failure),
    /// A line cannot have the name that the template makes, because the other one has it.
    NameShared(LineId, LineId),
    /// A PBX gives a Long Name to somebody new that it still gives to the user of a line.
    NameReused(PbxId, LineId),
    /// Numbering nodes lead back to themselves, or too far; one of them. What lies in them has the
    /// number of its node alone in front.
    NodeLoop(PbxId, Box<str>),
    /// So many lines of a PBX belong to numbering nodes that are not in view, or lie in such.
    NodesUnseen(PbxId, u32),
    /// A line that should be removed is one that a PBX reports.
    StillThere(LineId),
    /// So many ids were not imported, because the user, or the id, has another one here.
    IdsNotImported(u32),
    /// A request of an application begins; its DRV_REQUESTID, and its function.
    RequestBegun(Correlation, RequestId, Function),
    /// A request of an application is over, and how. The record that leads to this one proves it,
    /// refutes it, or ends the waiting.
    RequestEnded(Correlation, RequestId, Completion),
}

/// Limits on what comes from outside (invariant I-24).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Limit {
    /// Lines.
    Lines,
    /// Calls on one line.
    Calls,
    /// Requests of applications open on one line.
    Requests,
    /// Events that wait for the answer to a `UserCall`.
    EarlyEvents,
    /// PBXs.
    Pbxs,
    /// Slaves of slaves.
    Depth,
    /// Numbering nodes.
    Nodes,
}

/// Things that should not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Surprise {
    /// A call state that may not follow the one before it; a legal path was taken instead.
    IllegalTransition(CallState, CallState),
    /// A call event for a user we do not monitor.
    UnknownUser,
    /// A call at the line that no event ended; the resync found it gone.
    Zombie,
}

/// Effects of one record, in order. Reused, so that a record costs no allocation of its own.
pub type Effects = Vec<Effect>;
