//! The binary interface between a telephony server and a provider: handles, procedures,
//! structures, numbers.
//!
//! Everything here is as the public headers have it, for 64 and for 32 bits. Names are TSPI's own
//! without their Hungarian prefixes, so that `dwCallerIDOffset` is found as `caller_id.offset`.

mod conversion;
mod message;
mod procedure;
mod structure;
mod version;

pub use message::*;
pub use procedure::*;
pub use structure::*;
pub use version::Version;
