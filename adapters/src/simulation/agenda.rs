//! What is still to happen, in the order of virtual time.

use super::host::Reaction;
use super::wire::{Answered, ExchangeId};
use crate::simulator::model::ConnectionId;
use engine::fact::Event;
use engine::time::{Millis, Timer};
use std::collections::BTreeMap;

/// One thing that is to happen.
#[derive(Debug)]
pub(super) enum What {
    /// On the machine of the provider.
    Machine(Life, Step),
    /// A request reaches its PBX.
    Reaches(ExchangeId),
    /// A connection to a PBX is closed.
    HungUp(usize, ConnectionId),
    /// Something that a PBX does by itself may be due.
    PbxDue(usize),
    /// People do something at their phones.
    People,
    /// Something goes wrong.
    Trouble(super::trouble::Trouble),
    /// The provider's process is started.
    Start,
}

/// One thing that is to happen on the machine of the provider; none of it outlives the process.
#[derive(Debug)]
pub(super) enum Step {
    /// Something comes to the log.
    Arrives(Vec<Event>),
    /// A timer comes due.
    Due(Timer),
    /// What was written to the log last is safe.
    Safe,
    /// Notes about callbacks have waited long enough for company.
    CatchUp,
    /// The process ends, as it was asked to.
    Stopped,
    /// An answer comes, or the connection breaks.
    Answered(ExchangeId, Answered),
    /// An answer has not come in time.
    GivesUp(ExchangeId),
    /// The telephony server takes the callbacks that wait.
    Callbacks,
    /// An application does something.
    Application,
    /// The telephony server does what a message made it do.
    Reacts(Reaction),
}

/// Which run of the provider's process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Life(pub(super) u32);

/// All that is still to happen. What is due at one time happens in the order in which it was put
/// down.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    entries: BTreeMap<(Millis, u64), What>,
    count: u64,
}

impl Agenda {
    /// Puts something down.
    pub(super) fn put(&mut self, at: Millis, what: What) {
        self.entries.insert((at, self.count), what);
        self.count += 1;
    }

    /// Whether anything is left to happen by then.
    pub(super) fn is_due(&self, by: Millis) -> bool {
        self.entries.first_key_value().is_some_and(|(key, _)| key.0 <= by)
    }

    /// Takes the next thing, if it is due by then.
    pub(super) fn next(&mut self, until: Millis) -> Option<(Millis, What)> {
        let entry = self.entries.first_entry().filter(|entry| entry.key().0 <= until)?;
        let at = entry.key().0;
        Some((at, entry.remove()))
    }
}
