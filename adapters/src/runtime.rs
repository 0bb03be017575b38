//! The provider at work: intake → journal → core → audience, and the exchanges with the PBXs.

use crate::views::Views;
use engine::effect::Telling;
use engine::fact::{Event, Told};
use engine::view::LineView;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A callback with the record that caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caused {
    /// Sequence number of the record.
    pub seq: u64,
    /// What to tell.
    pub telling: Telling,
}

/// Whoever makes the callbacks. `hear` is called by the core thread, in the order of the log, and
/// must not block: it queues. Views published before are at least as new as the tellings.
pub trait Audience: Send + Sync + 'static {
    /// Takes the callbacks of a committed batch.
    fn hear(&self, batch: Vec<Caused>);
}

/// A log that was opened and read, before anything runs: what `TSPI_providerEnumDevices` needs.
pub struct Prepared {}

impl Prepared {
    /// Reads the settings, opens the log and recovers the lines from it.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn open(settings: &Path) -> Result<Prepared, StartError> {
        let _ = settings;
        Ok(Prepared {})
    }

    /// The lines known from earlier sessions, by permanent id.
    #[must_use]
    pub fn lines(&self) -> Vec<Arc<LineView>> {
        Vec::new()
    }

    /// Starts the threads. Does not wait for any PBX.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(self, audience: Arc<dyn Audience>) -> Result<Runtime, StartError> {
        let _ = audience;
        Ok(Runtime { views: Arc::new(Views::default()) })
    }
}

/// Why the provider cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings are wrong; says the file, the line and the key.
    #[error("{0}")]
    Settings(String),
    /// Another process has the log.
    #[error("another process works on the log {0}; stop it, or give this one a log of its own")]
    InUse(String),
    /// The log cannot be used; says why and what to do.
    #[error("{0}")]
    Log(String),
}

/// The queue of the journal is full: the request cannot be taken now (LINEERR_RESOURCEUNAVAIL).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much is waiting to be logged; try again later")]
pub struct Busy;

/// The running provider.
pub struct Runtime {
    views: Arc<Views>,
}

impl Runtime {
    /// What applications may read.
    #[must_use]
    pub fn views(&self) -> &Arc<Views> {
        &self.views
    }

    /// Puts an event from the host or an application in line for the log.
    ///
    /// # Errors
    /// [`Busy`] if an application's request finds the queue full. Facts of the host are always
    /// taken.
    pub fn submit(&self, event: Event) -> Result<(), Busy> {
        let _ = event;
        Ok(())
    }

    /// Notes for the log what became of callbacks; written along with the next frame.
    pub fn told(&self, told: Vec<Told>) {
        let _ = told;
    }

    /// Completes what is open, ends the PBX sessions, writes a snapshot and stops all threads.
    pub fn stop(self, within: Duration) {
        let _ = within;
    }
}
