//! What a provider said, as owned values.

use super::error::Refusal;
use engine::time::Millis;
use std::fmt;

/// dwDeviceID: the telephony server's number of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u32);

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// HTAPICALL: the telephony server's number of a call, never used twice in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TapiCall(pub usize);

/// One callback that the provider made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// When it came.
    pub at: Millis,
    /// The line it is about; `None` if it named a line that there is not.
    pub line: Option<DeviceId>,
    /// What it said.
    pub kind: Kind,
}

/// What a callback said. Numbers are as they came; what they mean is in `engine::tapi`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// LINE_CREATE. The line is opened by another thread, a little later.
    LineCreated,
    /// LINE_REMOVE. The line is closed by another thread, a little later.
    LineRemoved,
    /// LINE_CLOSE. The line is closed by another thread, a little later.
    LineClosed,
    /// LINE_NEWCALL.
    NewCall(TapiCall),
    /// LINE_CALLSTATE.
    CallState {
        /// The call.
        call: TapiCall,
        /// LINECALLSTATE.
        state: u32,
        /// The mode that goes with the state.
        mode: u32,
        /// LINEMEDIAMODE.
        media: u32,
    },
    /// LINE_CALLINFO.
    CallInfo {
        /// The call.
        call: TapiCall,
        /// LINECALLINFOSTATE bits.
        items: u32,
    },
    /// LINE_ADDRESSSTATE.
    AddressState {
        /// The address, 0 on a line with one.
        address: u32,
        /// LINEADDRESSSTATE bits.
        states: u32,
    },
    /// LINE_LINEDEVSTATE.
    LineDevState {
        /// LINEDEVSTATE bits.
        states: u32,
        /// Second parameter; the ring mode of RINGING.
        second: u32,
        /// Third parameter; the ring count of RINGING.
        third: u32,
    },
    /// LINE_GENERATE.
    Generated {
        /// The call.
        call: TapiCall,
        /// LINEGENERATETERM.
        term: u32,
        /// dwEndToEndID of the request.
        tag: u32,
    },
    /// ASYNC_COMPLETION.
    Completed {
        /// dwRequestID.
        request: u32,
        /// What was asked; `None` if nobody asked.
        asked: Option<Asked>,
        /// How it ended.
        result: Result<(), Refusal>,
    },
    /// Any other message, one about a call or line that there is not, or one whose parameters do
    /// not fit: the provider should not send it.
    Stray {
        /// The call handle it named.
        call: usize,
        /// The number of the message.
        message: u32,
        /// Its parameters.
        parameters: [usize; 3],
    },
}

impl Kind {
    /// The call it is about, if it is about one.
    #[must_use]
    pub fn call(&self) -> Option<TapiCall> {
        match *self {
            Kind::NewCall(call)
            | Kind::CallState { call, .. }
            | Kind::CallInfo { call, .. }
            | Kind::Generated { call, .. }
            | Kind::Completed { asked: Some(Asked { call: Some(call), .. }), .. } => Some(call),
            _ => None,
        }
    }
}

/// What an asynchronous request asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The name of the TAPI function, for example `lineMakeCall`.
    pub function: &'static str,
    /// The call it is about, if it is about one.
    pub call: Option<TapiCall>,
}
