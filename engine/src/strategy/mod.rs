//! Generators for property tests, shared by all crates (feature `testing`).
//!
//! [`any_record`] makes records that need not make sense: for everything that must hold for any
//! bytes or any input. [`histories`] makes what a PBX, a host and applications could really have
//! said, in an order in which they could have said it: for the laws of the reducers.

mod any;
mod history;
mod step;
mod told;

pub use any::{any_event, any_record, any_telling, call_info};
pub use history::{History, calls_from_outside};
pub use step::{Step, histories};
pub use told::and_what_was_told;

use crate::core::Core;
use crate::effect::Effects;
use crate::fact::Record;

/// What records lead to.
#[must_use]
pub fn core_after(records: &[Record]) -> Core {
    let (mut core, mut effects) = (Core::default(), Effects::new());
    for record in records {
        core.apply(record.clone(), &mut effects);
        effects.clear();
    }
    core
}
