//! The `TSPI_*` exports of Tapline: the only crate that speaks C, and the only one with `unsafe`.
//!
//! No decision about telephony is made here. Synchronous functions read views that the engine
//! published, asynchronous ones check what is cheap and queue a command, and one thread makes all
//! callbacks.

pub mod abi;
mod answers;
#[cfg(any(test, feature = "stand"))]
mod counting;
mod current;
pub mod exports;
mod host;
mod inbox;
mod intake;
mod platform;
mod registry;
mod session;
#[cfg(feature = "stand")]
pub mod stand;
pub mod telephony_server;
mod writer;

#[cfg(test)]
#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;
