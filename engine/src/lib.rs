//! The pure core of Tapline.
//!
//! Everything that can ever influence a line comes in as a [`fact::Record`]; everything that the
//! engine wants done goes out as an [`effect::Effect`]. In between there is no clock, no
//! randomness, no I/O, no thread and no unordered map, so the same log gives the same effects on
//! any machine at any time.

pub mod call;
pub mod capability;
pub mod card;
pub mod codec;
pub mod command;
pub mod core;
pub mod dial;
pub mod diversion;
pub mod effect;
pub mod estate;
pub mod fact;
pub mod forwarding;
pub mod frame;
mod handles;
pub mod id;
pub mod invariant;
pub mod line;
pub mod name;
pub mod order;
pub(crate) mod parking;
mod party;
pub mod pbx;
pub mod pii;
pub mod place;
mod pool;
pub mod snapshot;
#[cfg(any(test, feature = "testing"))]
pub mod strategy;
pub mod subscriber;
pub mod tapi;
pub mod time;
pub mod told;
pub mod uui;
pub mod view;
