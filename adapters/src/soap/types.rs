//! The complex types of the PBX's WSDL, as they travel.
//!
//! These are the wire's own terms: GUIDs and signalling messages are still texts, and what the PBX
//! left out is an empty text, an empty list, 0 or false (the PBX's SOAP reference, section 2.3,
//! knows no difference between absent, nil and empty). What the engine needs of them is in
//! `engine::fact`; `facts.rs` goes from the one to the other.
//!
//! Integers are `xsd:int` on the wire. Counters and handles are unsigned here and keep all their
//! 32 bits on the way out and in, so a box that counts past 2³¹ is still answered with its own
//! number.

use engine::id::{CallHandle, UserHandle};
use engine::pii::Personal;

/// Result of `Poll`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnyInfo {
    /// Objects that changed.
    pub user: Vec<UserInfo>,
    /// Events of calls. To be read after the users: the order between the two is lost on the wire.
    pub call: Vec<CallInfo>,
    /// Registrations. No PBX seen so far sends any.
    pub reg: Vec<RegInfo>,
    /// No PBX seen so far sends any.
    pub info: Vec<Info>,
}

/// One event of one leg of a call, or one call of the answer to `Calls`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallInfo {
    /// Handle of the monitored user, as `UserInitialize` gave it out.
    pub user: UserHandle,
    /// Handle of the leg; without meaning in the answer to `Calls`.
    pub call: CallHandle,
    /// Unused; 0.
    pub reg: u32,
    /// False exactly once, in the last event of the leg.
    pub active: bool,
    /// State bits (section 3.1).
    pub state: u32,
    /// Parties of the call.
    pub no: Vec<No>,
    /// The signalling message behind the event (section 3.4).
    pub msg: Box<str>,
    /// `conf`, `cause`, `uui`, … (section 3.6).
    pub info: Vec<Info>,
}

impl Default for CallInfo {
    /// A record of nothing: handles 0, inactive.
    fn default() -> CallInfo {
        CallInfo {
            user: UserHandle(0),
            call: CallHandle(0),
            reg: 0,
            active: false,
            state: 0,
            no: Vec::new(),
            msg: Box::default(),
            info: Vec::new(),
        }
    }
}

/// One party of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct No {
    /// Which part it plays: `this`, `peer`, `leg2`, … (element `type`, section 3.5).
    pub kind: Box<str>,
    /// Long Name; filled if the party is an object of the PBX.
    pub cn: Personal,
    /// Display name.
    pub dn: Personal,
    /// Number as the monitored user would dial it.
    pub e164: Personal,
    /// Short Name.
    pub h323: Personal,
}

/// A further piece of information, named by its type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// What it is (element `type`).
    pub kind: Box<str>,
    /// Its number, if it has one.
    pub vali: i32,
    /// Its text, if it has one.
    pub vals: Personal,
}

/// One object of the PBX: a user, a trunk, another PBX, …
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserInfo {
    /// False in one single last record, when the object is deleted or leaves the scope.
    pub active: bool,
    /// Long Name, unique in the system. Empty in the record that ends the snapshot.
    pub cn: Personal,
    /// Display name.
    pub dn: Personal,
    /// Device class: `ep`, `gw`, … (element `type`).
    pub kind: Box<str>,
    /// Extension, relative to its node.
    pub e164: Personal,
    /// Short Name.
    pub h323: Personal,
    /// Bit 0: registered.
    pub state: u32,
    /// Number of current calls.
    pub channel: u32,
    /// Number of alerting calls.
    pub alert: u32,
    /// Permanent identity, 32 hexadecimal digits.
    pub guid: Box<str>,
    /// Groups it belongs to.
    pub groups: Vec<Group>,
    /// Home PBX, if not the one that sent the record. Since pbx700.
    pub loc: Box<str>,
    /// Name of its numbering node. Since pbx700.
    pub node: Box<str>,
    /// Object type; empty for a plain user. Since pbx700.
    pub object: Box<str>,
    /// Number of the numbering node. Since pbx700.
    pub nodenum: Box<str>,
    /// Its configuration changed. Since pbx700.
    pub cfg: bool,
    /// Presence; the first one, if the box sends several. Since pbx800.
    pub presence: Option<Presence>,
    /// Domain of the mail identity. Since the later pbx10_00.
    pub domain: Box<str>,
    /// The short name is also a mail address. Since the later pbx10_00.
    pub h323email: bool,
    /// Mail addresses. Since the later pbx10_00.
    pub email: Vec<Personal>,
    /// `fake`, and in pbx501 also `loc`.
    pub info: Vec<Info>,
}

/// Membership in a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Name of the group.
    pub group: Box<str>,
    /// An active member sees the others.
    pub active: bool,
}

/// A device configured for a user, registered or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Hardware id: what the device registers with.
    pub hw: Personal,
    /// What the administrator wrote beside it.
    pub text: Personal,
}

/// A registration. No PBX seen so far sends any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegInfo {
    /// Whether it exists.
    pub active: bool,
    /// Handle of the user.
    pub user: UserHandle,
    /// Handle of the registration.
    pub reg: u32,
    /// Hardware id.
    pub hw: Personal,
    /// Purpose unknown.
    pub soap: Box<str>,
    /// Further information.
    pub info: Vec<Info>,
}

impl Default for RegInfo {
    /// A record of nothing: handles 0, inactive.
    fn default() -> RegInfo {
        RegInfo {
            active: false,
            user: UserHandle(0),
            reg: 0,
            hw: Personal::default(),
            soap: Box::default(),
            info: Vec::new(),
        }
    }
}

/// Presence of a user. Since pbx800.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// Open or closed; optional in the later pbx10_00.
    pub status: Option<PresenceStatus>,
    /// What the user is doing.
    pub activity: Option<PresenceActivity>,
    /// In the user's own words.
    pub note: Personal,
}

/// An enumeration of the WSDL: its words, and whatever else a newer box may say.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$word_doc])* $variant,)*
            /// A word that the published interface does not have.
            Other(Box<str>),
        }

        impl $name {
            /// All that the WSDL lists.
            pub const LISTED: &[$name] = &[$($name::$variant),*];

            /// Reads the word.
            #[must_use]
            pub fn read(word: &str) -> $name {
                match word {
                    $($word => $name::$variant,)*
                    other => $name::Other(other.into()),
                }
            }

            /// The word on the wire.
            #[must_use]
            pub fn word(&self) -> &str {
                match self {
                    $($name::$variant => $word,)*
                    $name::Other(other) => other,
                }
            }
        }
    };
}

words! {
    /// Whether the user can be reached at all.
    PresenceStatus {
        /// Can be reached.
        Open = "open",
        /// Cannot.
        Closed = "closed",
    }
}

words! {
    /// What the user is doing; the words are those of RFC 4480 and of the WSDL.
    #[allow(missing_docs)] // each variant says its word and nothing more
    PresenceActivity {
        Appointment = "appointment",
        Away = "away",
        Breakfast = "breakfast",
        Busy = "busy",
        Dinner = "dinner",
        Holiday = "holiday",
        InTransit = "in-transit",
        LookingForWork = "looking-for-work",
        Lunch = "lunch",
        Meal = "meal",
        Meeting = "meeting",
        OnThePhone = "on-the-phone",
        Performance = "performance",
        PermanentAbsence = "permanent-absence",
        Playing = "playing",
        Presentation = "presentation",
        Shopping = "shopping",
        Sleeping = "sleeping",
        Spectator = "spectator",
        Steering = "steering",
        Travel = "travel",
        Tv = "tv",
        Unknown = "unknown",
        Unspecified = "other",
        Vacation = "vacation",
        Working = "working",
        Worship = "worship",
        DoNotDisturb = "dnd",
    }
}
