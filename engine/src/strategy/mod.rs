//! Generators for property tests, shared by all crates (feature `testing`).
//!
//! [`any_record`] makes records that need not make sense: for everything that must hold for any
//! bytes or any input. [`histories`] makes what a PBX, a host and applications could really have
//! said, in an order in which they could have said it: for the laws of the reducers.

mod any;
mod history;
mod step;

pub use any::{any_event, any_record, any_telling};
pub use history::History;
pub use step::{Step, histories};
