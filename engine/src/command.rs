//! What applications may ask: the requests of TSPI, parsed.

use crate::forwarding::Forwarding;
use crate::id::CallId;
use crate::pii::Personal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A request of an application. All but `GenerateDigits` are asynchronous in TSPI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// `TSPI_lineMakeCall`.
    MakeCall {
        /// The handle's name, given out before the request is logged.
        call: CallId,
        /// Digits to dial, already stripped of everything that is not dialled.
        number: Personal,
        /// Hide the caller's number.
        block_id: bool,
        /// Country code as given, reported back in LINECALLINFO.
        country_code: u32,
        /// LINECALLPARAMS.dwCallParamFlags, reported back in LINECALLINFO.
        call_param_flags: u32,
    },
    /// `TSPI_lineAnswer`.
    Answer(CallId),
    /// `TSPI_lineDrop`.
    Drop(CallId),
    /// `TSPI_lineSetCallParams`, already found to ask for nothing that the call does not have.
    SetCallParams(CallId),
    /// `TSPI_lineHold`.
    Hold(CallId),
    /// `TSPI_lineUnhold`.
    Unhold(CallId),
    /// `TSPI_lineSwapHold`.
    SwapHold {
        /// The call that goes on hold.
        active: CallId,
        /// The call that comes back.
        held: CallId,
    },
    /// `TSPI_lineSetupTransfer`.
    SetupTransfer {
        /// The call to transfer.
        call: CallId,
        /// The call to make meanwhile.
        consultation: Consultation,
    },
    /// `TSPI_lineCompleteTransfer`.
    CompleteTransfer {
        /// The call to transfer.
        call: CallId,
        /// The call whose far end gets it.
        consultation: CallId,
        /// For LINETRANSFERMODE_CONFERENCE the name of the conference that both calls join; none
        /// for LINETRANSFERMODE_TRANSFER.
        conference: Option<CallId>,
    },
    /// `TSPI_lineBlindTransfer`.
    BlindTransfer {
        /// The call to transfer.
        call: CallId,
        /// Where to.
        number: Personal,
    },
    /// `TSPI_lineRedirect`.
    Redirect {
        /// The call that is offered.
        call: CallId,
        /// Where to.
        number: Personal,
    },
    /// `TSPI_linePickup`.
    Pickup {
        /// The name of the call that it brings.
        call: CallId,
        /// Where the call to pick up is ringing.
        from: PickupFrom,
    },
    /// `TSPI_lineDial`.
    Dial {
        /// The call.
        call: CallId,
        /// More digits to dial.
        number: Personal,
    },
    /// `TSPI_lineGenerateDigits`. TSPI lets it return at once, so its request id is one of the
    /// provider's own ([`crate::id::RequestId::FIRST_OWN`]), and LINE_GENERATE ends it.
    GenerateDigits {
        /// The call.
        call: CallId,
        /// The digits; empty to break off what is being sent.
        digits: Personal,
        /// dwEndToEndID, given back in LINE_GENERATE.
        tag: u32,
    },
    /// `TSPI_lineSendUserUserInfo`.
    SendUserUserInfo {
        /// The call.
        call: CallId,
        /// The information, as the PBX takes it.
        user_info: Personal,
    },
    /// `TSPI_linePark`.
    Park {
        /// The call.
        call: CallId,
        /// Where to.
        at: ParkPlace,
    },
    /// `TSPI_lineUnpark`.
    Unpark {
        /// The name of the call that it brings.
        call: CallId,
        /// The address it is parked at.
        from: Personal,
    },
    /// `TSPI_lineSetupConference`.
    SetupConference {
        /// The first member; none if the conference begins with the next one.
        call: Option<CallId>,
        /// The name of the conference.
        conference: CallId,
        /// The call to make to the next member.
        consultation: Consultation,
    },
    /// `TSPI_linePrepareAddToConference`.
    PrepareAddToConference {
        /// The conference.
        conference: CallId,
        /// The call to make to the next member.
        consultation: Consultation,
    },
    /// `TSPI_lineAddToConference`.
    AddToConference {
        /// The conference.
        conference: CallId,
        /// The call that joins it.
        consultation: CallId,
    },
    /// `TSPI_lineRemoveFromConference`.
    RemoveFromConference(CallId),
    /// `TSPI_lineForward`.
    Forward(Forwarding),
}

/// A call to make beside another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consultation {
    /// Its name.
    pub call: CallId,
    /// What to dial; empty if the digits will follow with `TSPI_lineDial`.
    pub number: Personal,
    /// Hide the caller's number.
    pub block_id: bool,
    /// LINECALLPARAMS.dwCallParamFlags, reported back in LINECALLINFO.
    pub call_param_flags: u32,
}

/// Where a call to pick up is ringing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PickupFrom {
    /// Wherever the groups of the user let it.
    Anywhere,
    /// At the station with this number.
    Station(Personal),
    /// At a member of the group with this name.
    Group(Personal),
}

/// Where to park a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParkPlace {
    /// LINEPARKMODE_DIRECTED: at this address.
    Directed(Personal),
    /// LINEPARKMODE_NONDIRECTED: the PBX chooses.
    Nondirected,
}

impl Command {
    /// The call that it needs to be there, or, if it needs none, the call that it makes.
    #[must_use]
    pub fn call(&self) -> Option<CallId> {
        match self {
            Command::MakeCall { call, .. }
            | Command::Answer(call)
            | Command::Drop(call)
            | Command::SetCallParams(call)
            | Command::Hold(call)
            | Command::Unhold(call)
            | Command::SwapHold { active: call, .. }
            | Command::SetupTransfer { call, .. }
            | Command::CompleteTransfer { call, .. }
            | Command::BlindTransfer { call, .. }
            | Command::Redirect { call, .. }
            | Command::Pickup { call, .. }
            | Command::Dial { call, .. }
            | Command::GenerateDigits { call, .. }
            | Command::SendUserUserInfo { call, .. }
            | Command::Park { call, .. }
            | Command::Unpark { call, .. }
            | Command::PrepareAddToConference { conference: call, .. }
            | Command::AddToConference { conference: call, .. }
            | Command::RemoveFromConference(call) => Some(*call),
            Command::SetupConference { call, conference, .. } => Some(call.unwrap_or(*conference)),
            Command::Forward(_) => None,
        }
    }

    /// The calls that it makes: the host gets their handles before the request completes, and
    /// hears of them from its completion on.
    #[must_use]
    pub fn makes(&self) -> [Option<CallId>; 2] {
        match self {
            Command::MakeCall { call, .. }
            | Command::Pickup { call, .. }
            | Command::Unpark { call, .. } => [Some(*call), None],
            Command::SetupTransfer { consultation, .. }
            | Command::PrepareAddToConference { consultation, .. } => {
                [Some(consultation.call), None]
            }
            Command::CompleteTransfer { conference, .. } => [*conference, None],
            Command::SetupConference { conference, consultation, .. } => {
                [Some(*conference), Some(consultation.call)]
            }
            _ => [None, None],
        }
    }

    /// Which function of TSPI it is.
    #[must_use]
    pub fn function(&self) -> Function {
        match self {
            Command::MakeCall { .. } => Function::MakeCall,
            Command::Answer(_) => Function::Answer,
            Command::Drop(_) => Function::Drop,
            Command::SetCallParams(_) => Function::SetCallParams,
            Command::Hold(_) => Function::Hold,
            Command::Unhold(_) => Function::Unhold,
            Command::SwapHold { .. } => Function::SwapHold,
            Command::SetupTransfer { .. } => Function::SetupTransfer,
            Command::CompleteTransfer { .. } => Function::CompleteTransfer,
            Command::BlindTransfer { .. } => Function::BlindTransfer,
            Command::Redirect { .. } => Function::Redirect,
            Command::Pickup { .. } => Function::Pickup,
            Command::Dial { .. } => Function::Dial,
            Command::GenerateDigits { .. } => Function::GenerateDigits,
            Command::SendUserUserInfo { .. } => Function::SendUserUserInfo,
            Command::Park { .. } => Function::Park,
            Command::Unpark { .. } => Function::Unpark,
            Command::SetupConference { .. } => Function::SetupConference,
            Command::PrepareAddToConference { .. } => Function::PrepareAddToConference,
            Command::AddToConference { .. } => Function::AddToConference,
            Command::RemoveFromConference(_) => Function::RemoveFromConference,
            Command::Forward(_) => Function::Forward,
        }
    }
}

/// An asynchronous function of TSPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Function {
    /// `TSPI_lineMakeCall`.
    MakeCall,
    /// `TSPI_lineAnswer`.
    Answer,
    /// `TSPI_lineDrop`.
    Drop,
    /// `TSPI_lineSetCallParams`.
    SetCallParams,
    /// `TSPI_lineHold`.
    Hold,
    /// `TSPI_lineUnhold`.
    Unhold,
    /// `TSPI_lineSwapHold`.
    SwapHold,
    /// `TSPI_lineSetupTransfer`.
    SetupTransfer,
    /// `TSPI_lineCompleteTransfer`.
    CompleteTransfer,
    /// `TSPI_lineBlindTransfer`.
    BlindTransfer,
    /// `TSPI_lineRedirect`.
    Redirect,
    /// `TSPI_linePickup`.
    Pickup,
    /// `TSPI_lineDial`.
    Dial,
    /// `TSPI_lineGenerateDigits`.
    GenerateDigits,
    /// `TSPI_lineSendUserUserInfo`.
    SendUserUserInfo,
    /// `TSPI_linePark`.
    Park,
    /// `TSPI_lineUnpark`.
    Unpark,
    /// `TSPI_lineSetupConference`.
    SetupConference,
    /// `TSPI_linePrepareAddToConference`.
    PrepareAddToConference,
    /// `TSPI_lineAddToConference`.
    AddToConference,
    /// `TSPI_lineRemoveFromConference`.
    RemoveFromConference,
    /// `TSPI_lineForward`.
    Forward,
}

impl Function {
    /// All of them.
    pub const ALL: [Function; 22] = [
        Function::MakeCall,
        Function::Answer,
        Function::Drop,
        Function::SetCallParams,
        Function::Hold,
        Function::Unhold,
        Function::SwapHold,
        Function::SetupTransfer,
        Function::CompleteTransfer,
        Function::BlindTransfer,
        Function::Redirect,
        Function::Pickup,
        Function::Dial,
        Function::GenerateDigits,
        Function::SendUserUserInfo,
        Function::Park,
        Function::Unpark,
        Function::SetupConference,
        Function::PrepareAddToConference,
        Function::AddToConference,
        Function::RemoveFromConference,
        Function::Forward,
    ];

    /// Its name in TSPI, without the prefix.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Function::MakeCall => "lineMakeCall",
            Function::Answer => "lineAnswer",
            Function::Drop => "lineDrop",
            Function::SetCallParams => "lineSetCallParams",
            Function::Hold => "lineHold",
            Function::Unhold => "lineUnhold",
            Function::SwapHold => "lineSwapHold",
            Function::SetupTransfer => "lineSetupTransfer",
            Function::CompleteTransfer => "lineCompleteTransfer",
            Function::BlindTransfer => "lineBlindTransfer",
            Function::Redirect => "lineRedirect",
            Function::Pickup => "linePickup",
            Function::Dial => "lineDial",
            Function::GenerateDigits => "lineGenerateDigits",
            Function::SendUserUserInfo => "lineSendUserUserInfo",
            Function::Park => "linePark",
            Function::Unpark => "lineUnpark",
            Function::SetupConference => "lineSetupConference",
            Function::PrepareAddToConference => "linePrepareAddToConference",
            Function::AddToConference => "lineAddToConference",
            Function::RemoveFromConference => "lineRemoveFromConference",
            Function::Forward => "lineForward",
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
