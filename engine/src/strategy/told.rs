//! What was told of a history, as a provider at work would have logged it.

use crate::core::Core;
use crate::effect::{Effect, Effects};
use crate::fact::{Event, HostFact, Outcome, Record, Told};
use crate::told::crc;

/// After so many records it is logged what became of callbacks.
const TOLD_EVERY: usize = 7;

/// The records, and among them what was told, each time half of what waits: so much of it stands far
/// behind the record that led to it.
#[must_use]
pub fn and_what_was_told(history: Vec<Record>) -> Vec<Record> {
    let (mut core, mut records, mut waiting) = (Core::default(), Vec::new(), Vec::new());
    for (number, record) in (1..).zip(history) {
        if record.event == Event::Host(HostFact::Started) {
            waiting.clear();
        }
        let (at, mut effects) = (record.at, Effects::new());
        core.apply(record.clone(), &mut effects);
        for effect in effects {
            let Effect::Tell(telling) = effect else { continue };
            let (seq, crc) = (records.len() as u64, crc(&telling));
            waiting.push(Told { seq, crc, outcome: Outcome::Delivered });
        }
        records.push(record);
        if number % TOLD_EVERY == 0 {
            let told = Event::Told(waiting.drain(..waiting.len().div_ceil(2)).collect());
            records.push(Record { at, event: told });
        }
    }
    records
}
