//! What several tests need to drive the provider as it is driven in the field: a telephony server
//! in a process of its own, its settings and its log, and a PBX that misbehaves.
//!
//! Everything here panics when it cannot go on, because that is how a test fails.
#![allow(clippy::unwrap_used)]

pub mod meddler;
pub mod page;
pub mod premises;
pub mod server;

use std::time::{Duration, Instant};

/// How long a test waits for what must happen. Nothing takes a tenth of this on a quiet machine.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// Waits until there is an answer.
///
/// # Panics
/// If none comes within [`PATIENCE`]; `what` says what was waited for.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "this never came: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
