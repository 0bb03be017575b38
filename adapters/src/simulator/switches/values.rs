//! What switches can be set to. The first value of each is the default.

use crate::soap::{
    BoolStyle, Charset, EmptyArrays, InfoItemName, ItemNames, ResponsePrefix, TypedResponses,
};

/// A switch with a few named values, the first of them the default.
macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $first:ident = $first_word:literal: $first_doc:literal,
        $($variant:ident = $word:literal: $variant_doc:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name {
            #[doc = $first_doc]
            #[default]
            $first,
            $(#[doc = $variant_doc] $variant,)*
        }

        impl Choice for $name {
            const WORDS: &'static [&'static str] = &[$first_word, $($word),*];

            fn read(word: &str) -> Option<$name> {
                match word {
                    $first_word => Some($name::$first),
                    $($word => Some($name::$variant),)*
                    _ => None,
                }
            }
        }
    )*};
}

/// A switch that is read from one of a few words.
pub(super) trait Choice: Sized {
    const WORDS: &'static [&'static str];
    fn read(word: &str) -> Option<Self>;
}

impl Choice for bool {
    const WORDS: &'static [&'static str] = &["off", "on"];

    fn read(word: &str) -> Option<bool> {
        match word {
            "off" => Some(false),
            "on" => Some(true),
            _ => None,
        }
    }
}

/// The words for the variants of a switch that the SOAP writer defines.
macro_rules! words {
    ($($name:ident { $($word:literal => $variant:ident,)* })*) => {$(
        impl Choice for $name {
            const WORDS: &'static [&'static str] = &[$($word),*];

            fn read(word: &str) -> Option<$name> {
                match word {
                    $($word => Some($name::$variant),)*
                    _ => None,
                }
            }
        }
    )*};
}

words! {
    ItemNames { "wire" => Wire, "all-item" => Item, }
    InfoItemName { "info" => Info, "item" => Item, }
    TypedResponses { "off" => Off, "xsi:type" => Types, "xsi:type+arrayType" => TypesAndArrays, }
    ResponsePrefix { "inno" => Bound, "default-namespace" => Default, "unqualified" => Unqualified, }
    BoolStyle { "true-false" => Words, "1-0" => Digits, }
    EmptyArrays { "empty-element" => Element, "absent" => Absent, "nil" => Nil, }
    Charset { "utf-8" => Utf8, "latin-1" => Latin1, "unescaped" => Unescaped, }
}

choices! {
    /// What becomes of a request that names a session the PBX does not know.
    UnknownSession {
        Fault500 = "fault-500": "A SOAP fault with status 500.",
        Fault200 = "fault-200": "A SOAP fault with status 200.",
        NotFound = "http-404": "Status 404 without a body.",
        BadRequest = "http-400": "Status 400 without a body.",
        EmptyPoll = "empty-poll": "An answer as if nothing had happened, at once.",
        EmptyElement = "empty-element": "The wrapper of the answer without any part.",
        Close = "close": "The connection is closed without an answer.",
    }
    /// What becomes of a request that names a leg or user handle the PBX does not know.
    StaleHandle {
        Ignore = "ignore": "The normal empty answer; nothing happens.",
        Fault = "fault": "A SOAP fault.",
    }
    /// What `Initialize` does with flags newer than the PBX.
    UnknownFlags {
        Ignore = "ignore": "The session speaks the newest interface the PBX has.",
        Refuse = "return-0": "No session.",
    }
    /// Message of the events that replay running calls after `UserInitialize`.
    ReplayMsg {
        Update = "update": "`update`.",
        LastMsg = "last-msg": "That of the last event.",
        Empty = "empty": "None.",
    }
    /// Parties in an event.
    NoContent {
        Full = "full": "All, each time.",
        Changed = "changed": "Only those that changed.",
    }
    /// Whether a disconnect comes before `del`.
    DiscEvent {
        BeforeDel = "before-del": "An event of state 6 or 7, then `del`.",
        OnlyDel = "only-del": "Only `del`.",
    }
    /// State of a leg that its own user cleared.
    OwnClearState {
        Received = "7": "Disconnect received from the terminal.",
        Sent = "6": "Disconnect sent to it: the PBX clears towards both ends.",
    }
    /// Steps of a call before it is connected.
    SetupProgress {
        AllSteps = "all-steps": "Proceeding and alerting are told.",
        SetupConnect = "setup-connect": "From setup straight to connect.",
    }
    /// How `UserCall` is carried out.
    UserCallMode {
        PhoneDials = "phone-dials": "The phone dials by itself.",
        PbxCallsFirst = "pbx-calls-first": "The PBX calls the phone; when answered, the destination.",
    }
    /// Legs of a call to a user with several devices.
    MultiLeg {
        One = "one": "One.",
        PerDevice = "per-device": "One for each device.",
    }
    /// What `Initialize` does at a standby while its PBX serves.
    IdleStandby {
        Session = "session": "A session in which nobody is registered.",
        Refuse = "return-0": "No session.",
        Fault = "fault": "A SOAP fault.",
    }
    /// `loc` of objects at home on this PBX.
    LocStyle {
        Empty = "empty": "Empty.",
        OwnName = "own-name": "The name of this PBX.",
    }
    /// What a pending `Poll` gets when its session is ended.
    EndPendingPoll {
        Empty = "empty": "An empty result.",
        Fault = "fault": "A SOAP fault.",
        Close = "close": "The connection is closed.",
    }
    /// Message of the user's own hold and retrieve.
    HoldMsg {
        Update = "update": "`update` for both.",
        Hold = "x-hold": "`x-hold` and `x-retrieve`.",
    }
    /// Who may use `Admin`, and what it answers.
    AdminAnswer {
        Normal = "normal": "Every account may; it does what it is told.",
        Administrators = "administrators-only": "A fault for all other accounts.",
        Error = "error": "A document that is neither a record nor `<ok/>`.",
        Garbled = "garbled": "A document that is cut off.",
        Huge = "huge": "A document of 5 MiB.",
        Silent = "silent": "Nothing, ever.",
        Deaf = "deaf": "`<ok/>`, but nothing is changed.",
    }
    /// Who hears first of a transfer by consultation: the far end of the call that was held (A),
    /// the user who transfers (B), or the far end of the consultation (C).
    TransferOrder {
        Caller = "a-first": "A, then C, then B.",
        Transferor = "b-first": "B, then A, then C.",
        Target = "c-first": "C, then A, then B.",
    }
    /// State of the far end of a blind transfer until the target answers.
    CtState {
        Stay = "stay": "It stays connected.",
        Fall = "fall": "It falls back to alerting.",
    }
}
