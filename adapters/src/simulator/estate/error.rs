//! Why an estate cannot be used.

use super::{OBJECT_LIMIT, PBX_LIMIT};

/// Why an estate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EstateError {
    /// The file cannot be read.
    #[error("cannot read the estate {path}: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        why: std::io::Error,
    },
    /// The file is larger than 16 MiB.
    #[error("the estate {0} is larger than 16 MiB; split it over several simulators")]
    TooLarge(String),
    /// The text is not TOML, or a key is unknown or wrong; the message names it and its line.
    #[error("the estate does not read: {0}")]
    Malformed(String),
    /// More objects than any PBX holds.
    #[error("the estate has {0} objects; at most {OBJECT_LIMIT} are possible")]
    TooMany(usize),
    /// Two objects have the same name, number or GUID.
    #[error("two objects of the estate have the {what} {value}; it must be unique")]
    Twice {
        /// `cn`, `h323`, `e164` or `guid`.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// An object without a long name.
    #[error("an object of the estate has an empty cn; every object needs a long name")]
    Nameless,
    /// A PBX refers to one that there is not before it.
    #[error(
        "the PBX {pbx} names {other}, which must come before it in the estate and be no standby"
    )]
    NoSuchPbx {
        /// Which PBX.
        pbx: String,
        /// Whom it names.
        other: String,
    },
    /// A standby with users, or one that is a slave as well.
    #[error(
        "the PBX {0} is a standby: it has the users of the PBX it stands by for, and no others"
    )]
    StandbyWithUsers(String),
    /// A PBX has two standbys.
    #[error("the PBX {0} has two standbys; one is possible")]
    TwoStandbys(String),
    /// More PBXs than a site may have.
    #[error("the estate has {0} PBXs; at most {PBX_LIMIT} are possible")]
    TooManyPbxs(usize),
}
