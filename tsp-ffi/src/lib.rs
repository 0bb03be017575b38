//! The `TSPI_*` exports of Tapline: the only crate that speaks C, and the only one with `unsafe`.
//!
//! No decision about telephony is made here. Synchronous functions read views that the engine
//! published, asynchronous ones check what is cheap and queue a command, and one thread makes all
//! callbacks.

pub mod abi;
mod current;
mod inbox;
mod intake;
mod registry;
mod session;
mod writer;
