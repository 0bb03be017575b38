//! The `TSPI_*` exports of Tapline: the only crate that speaks C, and the only one with `unsafe`.
//!
//! No decision about telephony is made here. Synchronous functions read views that the engine
//! published, asynchronous ones check what is cheap and queue a command, and one thread makes all
//! callbacks.

pub mod abi;
mod answers;
mod current;
pub mod exports;
mod host;
mod inbox;
mod intake;
mod platform;
mod registry;
mod session;
pub mod telephony_server;
mod writer;
