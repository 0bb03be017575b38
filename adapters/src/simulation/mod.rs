//! The whole provider against simulated PBXs, in one thread, under one seed, in virtual time.
//!
//! What is real: the engine; the log's frames, snapshots and recovery; the SOAP of both ends; the
//! models of the PBXs. What is played: time, the network, the process of the provider, the
//! telephony server with its applications, and the people at their phones. One seed always plays
//! the same on every machine.
//!
//! A run is chaos, then a long quiet, then a comparison: lines and calls as applications read them
//! must equal what is so at the PBX (I-18). The invariants of `engine::invariant` are watched after
//! every record; at each recovery, and at the end, the log is folded again, as a whole and from the
//! newest snapshot, and must lead to the same state and the same effects (I-15, I-16).
//!
//! | file | subject |
//! |---|---|
//! | `swarm.rs`, `layout.rs` | what may happen under a seed, how often, and at which PBXs |
//! | `world.rs`, `agenda.rs` | all that takes part, and the order in which it happens |
//! | `provider.rs`, `log.rs` | the process that writes, folds, is killed and recovers |
//! | `wire.rs` | asks and answers on their way, and what befalls them |
//! | `host.rs`, `applications.rs` | the telephony server and what is asked through it |
//! | `people.rs`, `trouble.rs` | phones, administrator; boxes, networks, machines that fail |
//! | `coverage.rs` | what of all that has really happened |
//! | `script/` | a scenario written down, in place of what a seed chooses |
//! | `truth.rs`, `matching.rs`, `finding.rs` | what should be read, and what is wrong if it is not |

mod agenda;
mod applications;
mod coverage;
mod dice;
mod finding;
mod host;
mod layout;
mod log;
mod matching;
mod people;
mod provider;
mod script;
mod swarm;
mod trouble;
mod truth;
mod wire;
mod world;

pub use coverage::{Disturbance, Disturbances, Successes};
pub use dice::Dice;
pub use finding::Finding;
pub use script::{ScriptError, ScriptFault, play};
pub use world::Tally;

use engine::fact::Record;
use std::panic::{AssertUnwindSafe, catch_unwind};
use world::World;

/// What came of a seed.
#[derive(Clone, Debug)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// What could happen under it, in words.
    pub swarm: String,
    /// What happened, in numbers.
    pub tally: Tally,
    /// What is wrong, if something is.
    pub finding: Option<Finding>,
    /// The whole log of a run in which something is wrong, the first record being number 0.
    pub log: Vec<Record>,
}

/// Whoever listens while a seed is played: told how many milliseconds after the beginning what
/// happens.
pub type Listener<'a> = &'a mut dyn FnMut(u64, &str);

/// Plays a seed.
pub fn run(seed: u64, listener: Option<Listener<'_>>) -> Run {
    let mut world = World::new(seed, listener);
    let played = catch_unwind(AssertUnwindSafe(|| world.run()));
    let finding = match played {
        Ok(Ok(())) => None,
        Ok(Err(finding)) => Some(finding),
        Err(panic) => Some(Finding::Panic(words_of(&*panic))),
    };
    let log = match finding {
        Some(_) => world.records().to_vec(),
        None => Vec::new(),
    };
    Run { seed, swarm: world.swarm.to_string(), tally: world.tally, finding, log }
}

/// The log of a seed that ends well.
#[cfg(test)]
pub(crate) fn log_of(seed: u64) -> Vec<Record> {
    let mut world = World::new(seed, None);
    assert!(world.run().is_ok(), "seed {seed}");
    world.records().to_vec()
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no words".into())
}
