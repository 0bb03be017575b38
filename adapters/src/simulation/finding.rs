//! What a simulation can find, in plain words.

use engine::id::RequestId;
use engine::invariant::Breach;

/// Why a seed fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// An invariant was broken.
    #[error("{0}")]
    Breach(#[from] Breach),
    /// After chaos and quiet, what applications read is not what is so at the PBX.
    #[error("I-18 is broken: after a long quiet time, {}", .0.join("; "))]
    NotConverged(Vec<String>),
    /// A request was completed that was not open.
    #[error("I-06 is broken: {0:?} was completed, but was not open")]
    CompletedTwice(RequestId),
    /// A request was never completed.
    #[error("I-06 is broken: {0:?} was never completed")]
    NeverCompleted(RequestId),
    /// Snapshot and tail lead to another state than the whole log.
    #[error(
        "I-15 is broken: a snapshot and its tail lead to another state than all {records} records"
    )]
    SnapshotDiffers {
        /// Records in the log.
        records: u64,
    },
    /// The log leads to another state than it did.
    #[error("I-16 is broken: the {records} records of the log lead to another state than they did")]
    ReplayDiffers {
        /// Records in the log.
        records: u64,
    },
    /// A record leads to something else than it did.
    #[error("I-16 is broken: record {record} led to {then}, and now to {now}")]
    LeadsElsewhere {
        /// Which one.
        record: usize,
        /// The first effect that is different: then …
        then: String,
        /// … and now.
        now: String,
    },
    /// Records are missing that had been flushed.
    #[error("the log was flushed up to record {flushed}, but only {found} can be read")]
    FlushedIsLost {
        /// Records that can be read.
        found: usize,
        /// Records that were flushed.
        flushed: usize,
    },
    /// A record is read as another one than was written.
    #[error("record {record} is read as another one than was written")]
    ReadsDifferently {
        /// Which one.
        record: usize,
    },
    /// An intact frame or snapshot cannot be read.
    #[error("the log cannot be read: {0}")]
    Unreadable(String),
    /// The program has a fault.
    #[error("the program panicked: {0}")]
    Panic(String),
    /// It went on and on.
    #[error("more than {0} records were written; something goes in circles")]
    Endless(usize),
}
