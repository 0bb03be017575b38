//! The way into the provider's log, as far as this crate needs it.

use adapters::runtime::{Busy, Runtime};
use engine::fact::{Event, Told};
use std::time::Duration;

/// Where events go. A seam of its own, so that the callbacks and handles of a session can be
/// tested without a log, and so that the engine can one day live in another process.
pub(crate) trait Intake: Send + Sync + 'static {
    /// See [`Runtime::submit`].
    fn submit(&self, event: Event) -> Result<(), Busy>;
    /// See [`Runtime::told`].
    fn told(&self, told: Vec<Told>);
    /// See [`Runtime::stop`].
    fn stop(self: Box<Self>, within: Duration);
}

impl Intake for Runtime {
    fn submit(&self, event: Event) -> Result<(), Busy> {
        Runtime::submit(self, event)
    }

    fn told(&self, told: Vec<Told>) {
        Runtime::told(self, &told);
    }

    fn stop(self: Box<Self>, within: Duration) {
        Runtime::stop(*self, within);
    }
}
