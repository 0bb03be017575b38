//! What to ask of a PBX on behalf of an application's request.

use crate::diversion::Diversion;
use crate::id::{CallHandle, UserHandle};
use crate::pii::Personal;
use serde::{Deserialize, Serialize};

/// One order. Each is one operation of the PBX's SOAP reference, sections 2 and 6, under its name
/// there, with the parts that we fill. None is ever sent twice: it might be obeyed twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Places a call. The answer is [`crate::fact::Reply::Calling`].
    UserCall {
        /// The calling user.
        user: UserHandle,
        /// The number; empty if the digits follow.
        e164: Personal,
        /// Hide the caller's number.
        block_id: bool,
    },
    /// Answers a call.
    UserConnect {
        /// The leg to answer.
        call: CallHandle,
    },
    /// Clears a leg.
    UserClear {
        /// The leg to clear.
        call: CallHandle,
        /// Q.850 cause.
        cause: u8,
    },
    /// Puts a leg on hold.
    UserHold {
        /// The leg.
        call: CallHandle,
    },
    /// Takes a leg back from hold.
    UserRetrieve {
        /// The leg.
        call: CallHandle,
    },
    /// Joins the far ends of two legs of one user.
    UserTransfer {
        /// The leg on hold.
        a: CallHandle,
        /// The leg of the consultation.
        b: CallHandle,
    },
    /// Sends a leg to somebody else. The answer is `Taken` or `Refused`.
    UserRedirect {
        /// The leg.
        call: CallHandle,
        /// Where to.
        e164: Personal,
    },
    /// Picks up a call; give one of the three, or none to leave it to the groups of the user. The
    /// answer is [`crate::fact::Reply::Calling`].
    UserPickup {
        /// Who picks up.
        user: UserHandle,
        /// Long Name of the object where it is ringing; empty for none.
        cn: Personal,
        /// Name of a group; empty for none.
        group: Personal,
        /// The call; 0 for none.
        call: CallHandle,
    },
    /// Parks a leg. The answer is [`crate::fact::Reply::Parked`].
    UserPark {
        /// The leg.
        call: CallHandle,
        /// Long Name of the object to park it at; empty for the user itself.
        cn: Personal,
        /// The position there; -1 leaves it to the PBX.
        position: i32,
    },
    /// Sends DTMF digits to the far end.
    UserDTMF {
        /// The leg.
        call: CallHandle,
        /// The digits.
        digits: Personal,
    },
    /// Sends user-user information to the far end.
    UserUUI {
        /// The leg.
        call: CallHandle,
        /// The information.
        uui: Personal,
    },
    /// Sends more digits to dial.
    UserInfo {
        /// The leg.
        call: CallHandle,
        /// The digits.
        digits: Personal,
    },
    /// Sends a remote control facility to the phone (reference of the PBX, 6.12).
    UserRc {
        /// The leg.
        call: CallHandle,
        /// The facility.
        rc: u32,
    },
    /// Joins the media of two connected legs.
    UserMediaTransfer {
        /// One leg.
        a: CallHandle,
        /// The other leg.
        b: CallHandle,
        /// Join the user's sides.
        user: bool,
        /// Join the far sides.
        peer: bool,
    },
    /// Sends a short message. The answer is [`crate::fact::Reply::Calling`].
    UserMessage {
        /// Who sends.
        user: UserHandle,
        /// Number of the receiver.
        e164: Personal,
        /// The message.
        text: Personal,
    },
    /// Looks for the object that a number leads to: by `UserFindDestination` where the interface
    /// has it, else by `FindUser` for exactly this extension. The answer is
    /// [`crate::fact::Reply::Found`].
    FindUser {
        /// Who would dial the number.
        user: UserHandle,
        /// The number.
        e164: Personal,
    },
    /// `Admin`: asks for what a user's record says about diversions. The answer is
    /// [`crate::fact::Reply::Record`]. It changes nothing, so it may be repeated.
    ShowUser {
        /// Long Name of the user.
        cn: Personal,
        /// Only what the user has of its own, without what comes from templates.
        own: bool,
    },
    /// `Admin`: adds a diversion to a user's record. The answer is `Taken`.
    AddDiversion {
        /// Long Name of the user.
        cn: Personal,
        /// The diversion.
        diversion: Diversion,
    },
    /// `Admin`: removes a diversion from a user's record. The answer is `Taken`, whether it was
    /// there or not.
    RemoveDiversion {
        /// Long Name of the user.
        cn: Personal,
        /// The diversion, with the words of the PBX for it.
        diversion: Diversion,
    },
    /// `Admin`: sets how long a user's phone rings before a call counts as not answered. The
    /// answer is `Taken`; `Refused` if the record was changed since it was read.
    SetNoAnswerTime {
        /// Long Name of the user.
        cn: Personal,
        /// The time in seconds; none for the PBX's own.
        seconds: Option<u32>,
        /// Checksum of the record as it was read, without what comes from templates.
        print: u32,
    },
    /// Another order whose number counts from the root of the numbering: the PBX is asked by
    /// `UserLocalNum` what the user has to dial for it, and then as by that order.
    Across {
        /// Who would dial the number.
        user: UserHandle,
        /// The order, of those with a number.
        order: Box<Order>,
    },
    /// `UserLocalNum`: what a user has to dial for a number that counts from the root of the
    /// numbering. The answer is [`crate::fact::Reply::Found`].
    LocalNumber {
        /// Who would dial it.
        user: UserHandle,
        /// The number from the root.
        e164: Personal,
    },
}

impl Order {
    /// The operation of the PBX's SOAP reference that it is, or, where it takes several, that does
    /// what is wanted.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        match self {
            Order::UserCall { .. } => "UserCall",
            Order::UserConnect { .. } => "UserConnect",
            Order::UserClear { .. } => "UserClear",
            Order::UserHold { .. } => "UserHold",
            Order::UserRetrieve { .. } => "UserRetrieve",
            Order::UserTransfer { .. } => "UserTransfer",
            Order::UserRedirect { .. } => "UserRedirect",
            Order::UserPickup { .. } => "UserPickup",
            Order::UserPark { .. } => "UserPark",
            Order::UserDTMF { .. } => "UserDTMF",
            Order::UserUUI { .. } => "UserUUI",
            Order::UserInfo { .. } => "UserInfo",
            Order::UserRc { .. } => "UserRc",
            Order::UserMediaTransfer { .. } => "UserMediaTransfer",
            Order::UserMessage { .. } => "UserMessage",
            Order::FindUser { .. } => "FindUser",
            Order::ShowUser { .. }
            | Order::AddDiversion { .. }
            | Order::RemoveDiversion { .. }
            | Order::SetNoAnswerTime { .. } => "Admin",
            Order::Across { order, .. } => order.operation(),
            Order::LocalNumber { .. } => "UserLocalNum",
        }
    }

    /// The legs that it names.
    #[must_use]
    pub fn legs(&self) -> [Option<CallHandle>; 2] {
        match self {
            Order::UserConnect { call }
            | Order::UserClear { call, .. }
            | Order::UserHold { call }
            | Order::UserRetrieve { call }
            | Order::UserRedirect { call, .. }
            | Order::UserPark { call, .. }
            | Order::UserDTMF { call, .. }
            | Order::UserUUI { call, .. }
            | Order::UserInfo { call, .. }
            | Order::UserRc { call, .. } => [Some(*call), None],
            Order::UserPickup { call, .. } => [(call.0 != 0).then_some(*call), None],
            Order::UserTransfer { a, b } | Order::UserMediaTransfer { a, b, .. } => {
                [Some(*a), Some(*b)]
            }
            Order::Across { order, .. } => order.legs(),
            _ => [None, None],
        }
    }

    /// The number that it leads to, if it has one.
    #[must_use]
    pub fn number(&self) -> Option<&Personal> {
        match self {
            Order::UserCall { e164, .. }
            | Order::UserRedirect { e164, .. }
            | Order::FindUser { e164, .. }
            | Order::LocalNumber { e164, .. } => Some(e164),
            Order::UserInfo { digits, .. } => Some(digits),
            Order::Across { order, .. } => order.number(),
            _ => None,
        }
    }

    /// The same order with another number, if it has one.
    #[must_use]
    pub fn with_number(mut self, number: Personal) -> Order {
        match &mut self {
            Order::UserCall { e164, .. }
            | Order::UserRedirect { e164, .. }
            | Order::FindUser { e164, .. }
            | Order::LocalNumber { e164, .. } => *e164 = number,
            Order::UserInfo { digits, .. } => *digits = number,
            Order::Across { order, .. } => **order = order.as_ref().clone().with_number(number),
            _ => {}
        }
        self
    }
}
