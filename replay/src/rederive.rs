//! The messages that a log leads to, compared with those that were told.

use crate::playback::Playback;
use crate::replay::{Progress, Reel};
use crate::trouble::Trouble;
use engine::core::Core;
use engine::fact::Record;
use engine::told::{Difference, Stretch, Tally, Verifier};
use serde_json::{Value, json};

/// What a replay without a difference has shown.
pub(crate) fn verdict(tally: &Tally) -> String {
    let Tally { records, derived, compared, withheld, forced, untold, unknown, .. } = *tally;
    let mut text = format!("{records} records replayed to {derived} callbacks");
    text.push_str(&match compared {
        0 => "; the log does not tell of any, so there is nothing to compare".to_owned(),
        _ => format!("; {compared} compared with those made then: identical"),
    });
    for (count, what) in [
        (withheld, "withheld from a host that had closed the line or the call"),
        (forced, "forced early by a close"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} of them {what}"));
        }
    }
    for (count, what) in [
        (untold, "under way when the log or a session ended"),
        (unknown, "told of records that this log no longer has"),
        (tally.missing_records, "records missing, because the log could not be written"),
    ] {
        if count > 0 {
            text.push_str(&format!("; {count} {what}"));
        }
    }
    text
}

/// A log on its way through the engine, compared with what it says was told.
pub(crate) struct Rederivation {
    playback: Playback,
    verifier: Verifier,
}

impl Rederivation {
    /// Begins with the state before a record, which for the first one of all is an engine that knows
    /// nothing.
    pub(crate) fn going_on(core: Core, next: u64) -> Rederivation {
        Rederivation { playback: Playback::from(core), verifier: Verifier::starting_at(next) }
    }

    /// Takes one record.
    pub(crate) fn take(&mut self, seq: u64, record: Record) {
        self.verifier.take_record(seq, &record);
        self.playback.take(record);
        self.verifier.take_effects(seq, self.playback.effects());
    }

    /// Goes on in stretches, on all cores, as far as they lead without a difference; if no row of
    /// this log is ever wanted.
    pub(crate) fn pass_in_stretches(
        &mut self,
        reel: &mut Reel<'_>,
        progress: &mut Progress,
    ) -> Result<(), Trouble> {
        let verifier = &mut self.verifier;
        let reached = reel.in_stretches(Stretch::starting_at, |stretch| {
            let records = stretch.records();
            let is_taken = verifier.join(stretch);
            progress.records(if is_taken { records } else { 0 });
            is_taken
        })?;
        if let Some(core) = reached {
            self.playback.set_core(core);
        }
        Ok(())
    }

    /// Takes one record, if no row of this log is ever wanted.
    pub(crate) fn pass(&mut self, seq: u64, record: Record) {
        self.verifier.take_record(seq, &record);
        self.playback.pass(record);
        self.verifier.take_effects(seq, self.playback.effects());
    }

    /// Goes on behind records that are missing, with the state there.
    pub(crate) fn leap(&mut self, core: Core, next: u64, missing: u64) {
        self.playback.set_core(core);
        self.verifier.leap(next, missing);
    }

    /// The engine after the last record.
    pub(crate) fn playback(&self) -> &Playback {
        &self.playback
    }

    /// The same, for a caller that does something to it between two records.
    pub(crate) fn playback_mut(&mut self) -> &mut Playback {
        &mut self.playback
    }

    pub(crate) fn tally(&self) -> Tally {
        self.verifier.tally()
    }

    /// The first difference between what was told and what is derived.
    pub(crate) fn difference(&self) -> Option<Trouble> {
        let difference = self.verifier.difference()?;
        Some(if self.verifier.has_gap() {
            // The engine of then knew something that this log does not.
            Trouble::Damage(format!(
                "{difference}. That is no wonder: {} records before it are missing, because the \
                 log could not be written then; up to there all is as it was told",
                self.tally().missing_records
            ))
        } else {
            Trouble::Difference(describe(difference))
        })
    }

    /// The summary as an object.
    pub(crate) fn summary(&self, difference: Option<&str>) -> Value {
        let tally = self.tally();
        json!({
            "summary": {
                "records": tally.records,
                "callbacks": tally.derived,
                "compared": tally.compared,
                "delivered": tally.delivered,
                "withheld": tally.withheld,
                "forced": tally.forced,
                "untold": tally.untold,
                "unknown": tally.unknown,
                "missing_records": tally.missing_records,
                "identical": difference.is_none(),
                "difference": difference,
            }
        })
    }
}

/// What was told then, as far as the log knows it, and what is derived now.
fn describe(difference: &Difference) -> String {
    let (told, derived) = match difference {
        Difference::NotDerived { told, .. } => (Some(told), None),
        Difference::NotTold { derived, .. } => (None, Some(derived)),
        Difference::Content { told, derived, .. } | Difference::Order { told, derived, .. } => {
            (Some(told), Some(derived))
        }
    };
    let told = told.map_or_else(
        || "nothing".to_owned(),
        |told| format!("a callback with checksum {:08x} ({:?})", told.crc, told.outcome),
    );
    let derived = derived.map_or_else(
        || "nothing".to_owned(),
        |derived| {
            let crc = engine::told::crc(&derived.telling);
            format!("one with checksum {crc:08x}: {:?}", derived.telling)
        },
    );
    format!("{difference}\n  told then:   {told}\n  derived now: {derived}")
}
