//! Every operation of the PBX, in one table: what it takes, in which order, and since when.
//!
//! The table is read in both directions: `request.rs` writes an [`Operation`] for a PBX and reads
//! one back for the simulator. It follows sections 2.1 and 2.2 of the PBX's SOAP reference.

use super::error::SoapError;
use super::interface::Interface;
use super::parts::{Part, PartReader, PartWriter};
use super::types::{Info, Presence};
use engine::id::{CallHandle, UserHandle};
use engine::pii::Personal;

/// Builds `Operation` and `Kind` and both directions between them and the parts of a request.
///
/// One row: `Name since Interface { field: Type = "part" since Interface, … }`, in the order of
/// the WSDL. The version flags (`v501` …) are no fields: they follow from the interface.
macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident since $since:ident {
        $($(#[$part_doc:meta])* $field:ident: $type:ty = $part:literal since $part_since:ident,)*
    })*) => {
        /// A request to the PBX. An empty text means "not given".
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Operation {
            $($(#[$doc])* $name { $($(#[$part_doc])* $field: $type,)* },)*
        }

        /// Which operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            /// All operations.
            pub const ALL: &[Kind] = &[$(Kind::$name),*];

            /// Its name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Kind::$name => stringify!($name),)*
                }
            }

            /// The first interface that has it.
            #[must_use]
            pub const fn since(self) -> Interface {
                match self {
                    $(Kind::$name => Interface::$since,)*
                }
            }

            /// The operation of that name.
            #[must_use]
            pub fn named(name: &str) -> Option<Kind> {
                match name {
                    $(stringify!($name) => Some(Kind::$name),)*
                    _ => None,
                }
            }

            /// The names of its parts, each with the types that the WSDL allows it.
            pub(super) fn parts(self) -> &'static [(&'static str, &'static [&'static str])] {
                match self {
                    $(Kind::$name => &[$(($part, <$type as Part>::TYPES)),*],)*
                }
            }

            /// Takes the parts of a request of this kind; what is absent is empty, 0 or false.
            pub(super) fn read(self, parts: &PartReader<'_>) -> Result<Operation, SoapError> {
                Ok(match self {
                    $(Kind::$name => Operation::$name {
                        $($field: <$type as Part>::read(parts, $part)?,)*
                    },)*
                })
            }

            /// Any request of this kind.
            #[cfg(test)]
            pub(super) fn any(self) -> proptest::strategy::BoxedStrategy<Operation> {
                use proptest::strategy::{Just, Strategy};
                match self {
                    $(Kind::$name => (Just(()), $(<$type as Part>::any(),)*)
                        .prop_map(|((), $($field,)*)| Operation::$name { $($field,)* })
                        .boxed(),)*
                }
            }
        }

        impl Operation {
            /// Which operation it is.
            #[must_use]
            pub const fn kind(&self) -> Kind {
                match self {
                    $(Operation::$name { .. } => Kind::$name,)*
                }
            }

            /// What is left of it for a PBX that knows no newer interface than this one.
            #[must_use]
            pub fn within(self, interface: Interface) -> Operation {
                match self {
                    $(Operation::$name { $($field,)* } => Operation::$name {
                        $($field: if interface >= Interface::$part_since {
                            $field
                        } else {
                            <$type as Part>::absent()
                        },)*
                    },)*
                }
            }

            /// Writes the parts that the interface has, in the order of the WSDL.
            pub(super) fn write_parts(&self, interface: Interface, out: &mut PartWriter) {
                match self {
                    $(Operation::$name { $($field,)* } => {
                        $(if interface >= Interface::$part_since {
                            $field.write(out, $part);
                        })*
                    })*
                }
            }
        }
    };
}

operations! {
    // ---- session and administration ------------------------------------------------------

    /// Which box this is. Needs no session.
    Version since V501 {}

    /// Begins a session. The interface is picked by the flags that go with it.
    Initialize since V501 {
        /// Long Name of the PBX user whose groups are the scope.
        user: Personal = "user" since V501,
        /// Name of this program, for the reader of the PBX's call records.
        appl: Personal = "appl" since V501,
    }

    /// Asks whether a session still exists.
    Echo since V501 {
        /// Session number.
        session: u32 = "session" since V501,
        /// Its key.
        key: u32 = "key" since V501,
    }

    /// Ends a session.
    End since V501 {
        /// Session number.
        session: u32 = "session" since V501,
    }

    /// Waits up to 60 s for events.
    Poll since V501 {
        /// Session number.
        session: u32 = "session" since V501,
    }

    /// For the vendor's own use.
    License since V501 {
        /// Session number.
        session: u32 = "session" since V501,
        /// Name of the licence.
        name: Personal = "name" since V501,
    }

    /// Administration by a document of its own (section 7). Needs an administrator's account.
    Admin since V501 {
        /// The document. May hold names, numbers and passwords.
        xml: Personal = "xml" since V501,
    }

    // ---- look-ups ------------------------------------------------------------------------

    /// Lists objects from a starting point on. Give one of the three keys.
    FindUser since V501 {
        /// Long Name to start at.
        cn: Personal = "cn" since V501,
        /// Short Name to start at.
        h323: Personal = "h323" since V501,
        /// Extension to start at.
        e164: Personal = "e164" since V501,
        /// How many at most; never above 50, a box may crash.
        count: u32 = "count" since V501,
        /// Not 0: leave out the starting point itself.
        next: u32 = "next" since V501,
        /// Show also what is hidden from the directory.
        nohide: bool = "nohide" since V1000,
    }

    /// Which object a number or name leads to.
    UserFindDestination since V1000Early {
        /// The user who would dial it.
        user: UserHandle = "user" since V1000Early,
        /// The number.
        e164: Personal = "e164" since V1000Early,
        /// Or the name.
        h323: Personal = "h323" since V1000Early,
    }

    /// Where another PBX of the system answers.
    LocationUrl since V501 {
        /// Short Name of the PBX object.
        loc: Personal = "loc" since V501,
        /// Ask for an https address.
        tls: bool = "tls" since V1000,
    }

    /// The devices configured for a user.
    Devices since V800 {
        /// Session number.
        session: u32 = "session" since V800,
        /// Long Name.
        user: Personal = "user" since V800,
    }

    /// The present calls of a user. The handles in the answer mean nothing.
    Calls since V501 {
        /// Session number.
        session: u32 = "session" since V501,
        /// Long Name.
        user: Personal = "user" since V501,
    }

    /// What a user must dial to reach a number.
    UserLocalNum since V501 {
        /// The user.
        user: UserHandle = "user" since V501,
        /// The number.
        num: Personal = "num" since V501,
    }

    /// Undocumented.
    UserLicense since V1000 {
        /// GUID of the user.
        guid: Personal = "guid" since V1000,
        /// Kind of licence.
        license: Personal = "type" since V1000,
    }

    /// Sets the presence of a user, named by GUID (`*` if not known) or Short Name.
    SetPresence since V1000 {
        /// The presence to set.
        presence: Presence = "presence" since V1000,
        /// For instant messaging.
        im: bool = "im" since V1000,
        /// Contact.
        contact: Personal = "contact" since V1000,
        /// GUID of the user, or `*`.
        guid: Personal = "guid" since V1000,
        /// Short Name of the user.
        h323: Personal = "h323" since V1000,
    }

    // ---- monitoring and call control -----------------------------------------------------

    /// Begins to report the calls of a user.
    UserInitialize since V501 {
        /// Session number.
        session: u32 = "session" since V501,
        /// Long Name.
        user: Personal = "user" since V501,
        /// Go on reporting calls that the user transferred away.
        xfer: bool = "xfer" since V501,
        /// Clear legs in two steps, so that they last until the user hangs up.
        disc: bool = "disc" since V700,
        /// Report only the legs of this device; empty for all.
        hw: Personal = "hw" since V800,
    }

    /// Ends reporting; the calls go on.
    UserEnd since V501 {
        /// The user.
        user: UserHandle = "user" since V501,
    }

    /// Places a call. Give one of the three destinations.
    UserCall since V501 {
        /// Who calls.
        user: UserHandle = "user" since V501,
        /// Long Name of the destination.
        cn: Personal = "cn" since V501,
        /// Number, as the user would dial it.
        e164: Personal = "e164" since V501,
        /// Short Name of the destination.
        h323: Personal = "h323" since V501,
        /// Unused; 0.
        reg: u32 = "reg" since V501,
        /// Ignored by the PBX.
        info: Vec<Info> = "info" since V501,
        /// Remote control facility, normally 0.
        rc: u32 = "rc" since V700,
        /// Overrides the caller's extension; one that begins with `R` hides it.
        srce164: Personal = "srce164" since V700,
    }

    /// Clears a leg.
    UserClear since V501 {
        /// The leg.
        call: CallHandle = "call" since V501,
        /// Q.850 cause, 7 bits.
        cause: u32 = "cause" since V501,
        /// Ignored by the PBX.
        info: Vec<Info> = "info" since V501,
    }

    /// Answers a call.
    UserConnect since V501 {
        /// The leg.
        call: CallHandle = "call" since V501,
    }

    /// Sends a remote control facility to the phone.
    UserRc since V700 {
        /// The leg.
        call: CallHandle = "call" since V700,
        /// The facility.
        rc: u32 = "rc" since V700,
    }

    /// Sends digits, keys or a text for the display.
    UserInfo since V700 {
        /// The leg.
        call: CallHandle = "call" since V700,
        /// As if received from the user, instead of sent to the user.
        recv: bool = "recv" since V700,
        /// Digits.
        cdpn: Personal = "cdpn" since V700,
        /// Keys.
        key: Personal = "key" since V700,
        /// Text for the display.
        dsp: Personal = "dsp" since V700,
    }

    /// Sends DTMF digits.
    UserDTMF since V700 {
        /// The leg.
        call: CallHandle = "call" since V700,
        /// As if received from the user, instead of sent to the user.
        recv: bool = "recv" since V700,
        /// Digits.
        dtmf: Personal = "dtmf" since V700,
    }

    /// Sends user-user information.
    UserUUI since V700 {
        /// The leg.
        call: CallHandle = "call" since V700,
        /// As if received from the user, instead of sent to the user.
        recv: bool = "recv" since V700,
        /// The information.
        uui: Personal = "uui" since V700,
    }

    /// Picks up a call that rings or waits elsewhere.
    UserPickup since V501 {
        /// Who picks up.
        user: UserHandle = "user" since V501,
        /// Long Name of the object it rings or is parked at.
        cn: Personal = "cn" since V501,
        /// The call, or the parking position.
        call: CallHandle = "call" since V501,
        /// Group to pick up from.
        group: Personal = "group" since V501,
        /// Unused; 0.
        reg: u32 = "reg" since V501,
        /// Ignored by the PBX.
        info: Vec<Info> = "info" since V501,
    }

    /// Sends a call to somebody else, who cannot forward it.
    UserRedirect since V501 {
        /// The leg.
        call: CallHandle = "call" since V501,
        /// Long Name of the destination.
        cn: Personal = "cn" since V501,
        /// Number of the destination.
        e164: Personal = "e164" since V501,
        /// Short Name of the destination.
        h323: Personal = "h323" since V501,
        /// Ignored by the PBX.
        info: Vec<Info> = "info" since V501,
        /// Remote control facility, normally 0.
        rc: u32 = "rc" since V700,
    }

    /// Sends a call to somebody else, whose forwards apply.
    UserReroute since V501 {
        /// The leg.
        call: CallHandle = "call" since V501,
        /// Long Name of the destination.
        cn: Personal = "cn" since V501,
        /// Number of the destination.
        e164: Personal = "e164" since V501,
        /// Short Name of the destination.
        h323: Personal = "h323" since V501,
        /// Ignored by the PBX.
        info: Vec<Info> = "info" since V501,
    }

    /// Joins the far ends of two calls of one user.
    UserTransfer since V501 {
        /// One leg.
        a: CallHandle = "a" since V501,
        /// The other leg.
        b: CallHandle = "b" since V501,
    }

    /// Joins the media of two connected calls.
    UserMediaTransfer since V700 {
        /// One leg.
        a: CallHandle = "a" since V700,
        /// The other leg.
        b: CallHandle = "b" since V700,
        /// Join the user's sides.
        user: bool = "user" since V700,
        /// Join the far sides.
        peer: bool = "peer" since V700,
    }

    /// Tells the phone of another far end, for its display.
    UserCtComplete since V501 {
        /// The leg.
        call: CallHandle = "call" since V501,
        /// Number of the new far end.
        e164: Personal = "e164" since V501,
        /// Short Name of the new far end.
        h323: Personal = "h323" since V501,
    }

    /// Puts a call on hold.
    UserHold since V501 {
        /// The leg.
        call: CallHandle = "call" since V501,
        /// Music for the held party only.
        remote: bool = "remote" since V1000Early,
    }

    /// Takes a call back from hold.
    UserRetrieve since V501 {
        /// The leg.
        call: CallHandle = "call" since V501,
    }

    /// Parks a call.
    UserPark since V501 {
        /// The leg.
        call: CallHandle = "call" since V501,
        /// Long Name of the object to park it at.
        cn: Personal = "cn" since V501,
        /// Parking position there; -1 leaves the choice to the PBX.
        position: i32 = "position" since V501,
    }

    /// Sends a short message.
    UserMessage since V700 {
        /// Who sends.
        user: UserHandle = "user" since V700,
        /// Number of the receiver.
        e164: Personal = "e164" since V700,
        /// Short Name of the receiver.
        h323: Personal = "h323" since V700,
        /// The message.
        msg: Personal = "msg" since V700,
        /// Number of the sender to show.
        src_e164: Personal = "src_e164" since V800,
        /// Short Name of the sender to show.
        src_h323: Personal = "src_h323" since V800,
    }
}
