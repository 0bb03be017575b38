//! `tapline replay check`: every invariant at every record.

use super::progress::Progress;
use super::records;
use super::reel::{Next, Reel};
use crate::command_line::ReplayCheck;
use crate::output::Output;
use crate::rederive::Rederivation;
use crate::rows::Clock;
use crate::trouble::Trouble;
use adapters::trace::Trace;
use engine::core::Core;
use engine::fact::{Event, Record};
use engine::invariant::{Breach, Watch};
use engine::snapshot::{self, Place};
use engine::time::Millis;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

/// After how many records the state is written down and read back; also at each start.
const SNAPSHOT_EVERY: u64 = 1 << 16;
/// Breaches shown; the rest is counted.
const MOST_SHOWN: usize = 50;

/// Checks a log.
pub(super) fn show(options: &ReplayCheck) -> Result<(), Trouble> {
    let trace = Trace::open(&options.log)?;
    let (mut reel, core, next) = Reel::begin(&trace)?;
    let mut output = Output::new(options.json);
    let mut check = Check::going_on(core, next);
    let mut progress = Progress::new("records");
    for next in &mut reel {
        let (seq, record) = match next {
            Next::Record(seq, record) => (seq, record),
            Next::Leap(leap) => {
                check.watch = Watch::going_on(&leap.core);
                check.replay.leap(leap.core, leap.next, leap.missing);
                continue;
            }
        };
        progress.record();
        for breach in check.take(seq, &record) {
            check.tell(&breach, &mut output)?;
        }
    }
    check.conclude(&mut output)?;
    reel.end()
}

/// What a record breaks.
struct Broken {
    seq: u64,
    at: Millis,
    /// The record in words.
    record: String,
    number: u8,
    what: String,
}

/// The checks on their way through a log.
struct Check {
    replay: Rederivation,
    watch: Watch,
    records: u64,
    snapshots: u64,
    /// Invariants broken, and how often.
    broken: BTreeMap<u8, u64>,
    /// What was told of already: a state that stays wrong is wrong once.
    known: BTreeSet<(u8, String)>,
    first: Option<(u64, String)>,
    differs: bool,
}

impl Check {
    fn going_on(core: Core, next: u64) -> Check {
        Check {
            watch: if next == 0 { Watch::default() } else { Watch::going_on(&core) },
            replay: Rederivation::going_on(core, next),
            records: 0,
            snapshots: 0,
            broken: BTreeMap::new(),
            known: BTreeSet::new(),
            first: None,
            differs: false,
        }
    }

    fn take(&mut self, seq: u64, record: &Record) -> Vec<Broken> {
        let mut found = Vec::new();
        if self.is_time_for_a_snapshot(record) {
            found.extend(self.write_down_and_read_back(seq, record.at));
        }
        self.records += 1;
        found.extend(self.watch.before(record).err());
        self.replay.take(seq, record.clone());
        let playback = self.replay.playback();
        let (effects, touched) = (playback.effects(), playback.touched());
        found.extend(self.watch.after_touching(record, effects, playback.core(), touched).err());
        if !self.differs
            && let Some(difference) = self.replay.difference()
        {
            self.differs = true;
            found.push(Breach { number: 16, what: difference.to_string() });
        }
        let playback = self.replay.playback();
        let broken = found.into_iter().map(|breach| Broken {
            seq,
            at: record.at,
            record: records::in_words(record, playback.core()),
            number: breach.number,
            what: breach.what,
        });
        broken.filter(|broken| self.known.insert((broken.number, broken.what.clone()))).collect()
    }

    fn is_time_for_a_snapshot(&self, record: &Record) -> bool {
        let is_start = matches!(record.event, Event::Host(engine::fact::HostFact::Started));
        self.records > 0 && (is_start || self.records.is_multiple_of(SNAPSHOT_EVERY))
    }

    /// As a restart does; the replay goes on with what was read back, so that whatever it lacks
    /// shows in the callbacks as well.
    fn write_down_and_read_back(&mut self, next: u64, last_at: Millis) -> Option<Breach> {
        self.snapshots += 1;
        let core = self.replay.playback().core();
        let breach = |what: String| Some(Breach { number: 15, what });
        let back = match read_back(core, Place { next, last_at }) {
            Ok(back) => back,
            Err(what) => return breach(what),
        };
        if back != *core {
            return breach("the state that was written down reads back as another one".into());
        }
        self.replay.playback_mut().set_core(back);
        None
    }

    fn tell(&mut self, broken: &Broken, output: &mut Output) -> Result<(), Trouble> {
        let Broken { seq, at, record, number, what } = broken;
        *self.broken.entry(*number).or_default() += 1;
        self.first.get_or_insert_with(|| (*seq, format!("I-{number:02}")));
        if self.broken.values().sum::<u64>() as usize > MOST_SHOWN {
            return Ok(());
        }
        let time = Clock::of(*at);
        let row = format!(
            "record {seq}, {}: \x1b[31mI-{number:02}\x1b[0m {what}\n    {record}",
            time.time()
        );
        let object = json!({
            "record": seq,
            "time": time.whole(),
            "breach": format!("I-{number:02}"),
            "what": what,
            "record_says": record,
        });
        output.check(&row, &object)
    }

    fn conclude(&self, output: &mut Output) -> Result<(), Trouble> {
        let Check { records, snapshots, broken, first, .. } = self;
        let count: u64 = broken.values().sum();
        let numbers: Vec<String> = broken.keys().map(|number| format!("I-{number:02}")).collect();
        let sentence = match first {
            None => format!(
                "{records} records checked, the state written down and read back {snapshots} times: \
                 every invariant holds."
            ),
            Some((seq, number)) => format!(
                "{count} breaches in {records} records, of {}; the first is {number}, by record {seq}.",
                numbers.join(", ")
            ),
        };
        let summary = json!({ "summary": {
            "records": records,
            "snapshots": snapshots,
            "breaches": count,
            "broken": numbers,
            "first_record": first.as_ref().map(|first| first.0),
            "callbacks_compared": self.replay.tally().compared,
        } });
        output.summary(&sentence, &summary)?;
        match first {
            None => Ok(()),
            Some(_) => Err(Trouble::Breach(sentence)),
        }
    }
}

fn read_back(core: &Core, place: Place) -> Result<Core, String> {
    let mut chunks = Vec::new();
    snapshot::write(core, place, |_, chunk| {
        chunks.push(chunk.to_vec());
        Ok::<(), Infallible>(())
    })
    .map_err(|error| format!("the state cannot be written down: {error}"))?;
    snapshot::read(|number| chunks.get(number as usize))
        .map(|(core, _)| core)
        .map_err(|error| format!("the state that was written down cannot be read: {error}"))
}
