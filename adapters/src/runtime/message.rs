//! What the threads of the runtime say to each other, and how much of it may wait.

use super::showing::Look;
use engine::core::Core;
use engine::fact::{Event, Record};
use engine::snapshot::Place;
use std::time::Instant;
use tokio::sync::oneshot;

/// How much may wait in front of the journal. An answer of a PBX counts as one, in portions of at
/// most [`PORTION`] events, so these are at most some ten thousand events, and usually a few thousand.
pub(crate) const QUEUE: usize = 256;

/// Most events in one portion, so that the queue has a limit in events as well.
pub(crate) const PORTION: usize = 64;

/// What can be put in line for the journal.
pub(crate) enum Intake {
    /// Something became known.
    Event(Event),
    /// These became known together, by an answer of a PBX that had been read at this time; at most
    /// [`PORTION`].
    Events(Vec<Event>, Instant),
    /// Say when everything before has been applied.
    Barrier(oneshot::Sender<()>),
    /// Have the core make an image of itself and write it.
    Snapshot,
    /// Say how everything is, after all before has been applied.
    Show(oneshot::Sender<Core>),
    /// Do something with the log, which takes little time.
    Look(Look),
    /// The image asked for.
    Image(Place, Box<Core>),
    /// Write what is left and end.
    Stop,
}

/// What the journal passes on.
pub(crate) enum ToCore {
    /// Records that are being written to the log, the first with this sequence number. They may be
    /// worked on, but the gate stays shut until they are safe.
    Records { first_seq: u64, records: Vec<Record> },
    /// Say when this point is reached.
    Barrier(oneshot::Sender<()>),
    /// Say how everything is at this point.
    Show(oneshot::Sender<Core>),
    /// Make an image of the state at this place of the log, which is where we are.
    Image(Place),
}
