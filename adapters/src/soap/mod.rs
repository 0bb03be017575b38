//! SOAP as the PBX speaks it: typed requests and answers, both directions of both.
//!
//! The provider writes an [`Operation`] with [`Operation::write`] and reads the answer with
//! [`decode()`], or with [`decode_poll`], which goes straight to the engine's facts. The simulator
//! reads a [`Request`] and writes an [`Answer`] or a [`Fault`] in any [`Dialect`].
//!
//! The PBX publishes a WSDL (rpc/encoded, SOAP 1.1) and takes liberties with it; what is known of
//! them is in the PBX's SOAP reference, sections 1.4 to 1.8. So what is written here is exact, and
//! what is read is taken by local names and by position, in any spelling that means the same.
//! Everything read has a limit ([`limit`]), and nothing read can panic.

pub mod admin;
mod answer;
#[cfg(test)]
mod any;
mod blank;
mod decode;
mod dialect;
mod encode;
mod error;
mod facts;
mod interface;
pub mod limit;
mod operation;
mod parts;
mod poll;
mod records;
mod request;
mod text;
mod tree;
pub mod types;
mod xml;

pub use answer::Answer;
pub use blank::blanked;
pub use decode::decode;
pub use dialect::{
    BoolStyle, Charset, Dialect, EmptyArrays, InfoItemName, ItemNames, ResponsePrefix,
    TypedResponses,
};
pub use error::{Fault, SoapError};
pub use interface::Interface;
pub use operation::{Kind, Operation};
pub use poll::{PollCount, decode_poll};
pub use request::{Envelope, Flags, Request, Strictness};
