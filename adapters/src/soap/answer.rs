//! The answers of the PBX, one per operation.

use super::Kind;
use super::types::{AnyInfo, CallInfo, Device, UserInfo};
use engine::fact::Identification;
use engine::id::{CallHandle, UserHandle};
use engine::pii::Personal;

/// What the PBX answered.
///
/// Most operations only say that the order was taken; what became of it comes with a later `Poll`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Which box this is.
    Version(Identification),
    /// A session; both are 0 if it was refused.
    Initialize {
        /// Session number.
        session: u32,
        /// Its key.
        key: u32,
    },
    /// Whether the session exists and the key fits.
    Echo {
        /// It does.
        alive: bool,
    },
    /// Done.
    End,
    /// What happened, or nothing within the time of a poll.
    Poll(AnyInfo),
    /// For the vendor's own use.
    License(Personal),
    /// A document, or `<ok/>`.
    Admin(Personal),
    /// Objects from the starting point on.
    FindUser(Vec<UserInfo>),
    /// Where a number leads.
    UserFindDestination {
        /// The number or name is not complete yet.
        incomplete: bool,
        /// The object it leads to.
        user: Option<Box<UserInfo>>,
    },
    /// Address of the PBX, ready for use; empty if it is not known or not registered.
    LocationUrl(Box<str>),
    /// Devices configured.
    Devices(Vec<Device>),
    /// Present calls; their handles mean nothing.
    Calls(Vec<CallInfo>),
    /// What to dial.
    UserLocalNum(Personal),
    /// Undocumented.
    UserLicense(bool),
    /// Whether it was done.
    SetPresence {
        /// It was.
        done: bool,
    },
    /// Handle of the user; 0 if the user is not known here.
    UserInitialize(UserHandle),
    /// Done.
    UserEnd,
    /// Handle of the new leg; 0 if refused.
    UserCall(CallHandle),
    /// Taken.
    UserClear,
    /// Taken.
    UserConnect,
    /// Taken.
    UserRc,
    /// Taken.
    UserInfo,
    /// Taken.
    UserDTMF,
    /// Taken.
    UserUUI,
    /// Handle of the new leg; 0 if refused.
    UserPickup(CallHandle),
    /// Whether the order was taken.
    UserRedirect(bool),
    /// Whether the order was taken.
    UserReroute(bool),
    /// Taken.
    UserTransfer,
    /// Taken.
    UserMediaTransfer,
    /// Taken.
    UserCtComplete,
    /// Taken.
    UserHold,
    /// Taken.
    UserRetrieve,
    /// Handle of the parked call; 0 if refused.
    UserPark(CallHandle),
    /// Handle of the message's leg; 0 if refused.
    UserMessage(CallHandle),
}

impl Answer {
    /// Which operation it answers.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Answer::Version(_) => Kind::Version,
            Answer::Initialize { .. } => Kind::Initialize,
            Answer::Echo { .. } => Kind::Echo,
            Answer::End => Kind::End,
            Answer::Poll(_) => Kind::Poll,
            Answer::License(_) => Kind::License,
            Answer::Admin(_) => Kind::Admin,
            Answer::FindUser(_) => Kind::FindUser,
            Answer::UserFindDestination { .. } => Kind::UserFindDestination,
            Answer::LocationUrl(_) => Kind::LocationUrl,
            Answer::Devices(_) => Kind::Devices,
            Answer::Calls(_) => Kind::Calls,
            Answer::UserLocalNum(_) => Kind::UserLocalNum,
            Answer::UserLicense(_) => Kind::UserLicense,
            Answer::SetPresence { .. } => Kind::SetPresence,
            Answer::UserInitialize(_) => Kind::UserInitialize,
            Answer::UserEnd => Kind::UserEnd,
            Answer::UserCall(_) => Kind::UserCall,
            Answer::UserClear => Kind::UserClear,
            Answer::UserConnect => Kind::UserConnect,
            Answer::UserRc => Kind::UserRc,
            Answer::UserInfo => Kind::UserInfo,
            Answer::UserDTMF => Kind::UserDTMF,
            Answer::UserUUI => Kind::UserUUI,
            Answer::UserPickup(_) => Kind::UserPickup,
            Answer::UserRedirect(_) => Kind::UserRedirect,
            Answer::UserReroute(_) => Kind::UserReroute,
            Answer::UserTransfer => Kind::UserTransfer,
            Answer::UserMediaTransfer => Kind::UserMediaTransfer,
            Answer::UserCtComplete => Kind::UserCtComplete,
            Answer::UserHold => Kind::UserHold,
            Answer::UserRetrieve => Kind::UserRetrieve,
            Answer::UserPark(_) => Kind::UserPark,
            Answer::UserMessage(_) => Kind::UserMessage,
        }
    }
}
