//! A log under other settings. What PBXs and applications said stays; the settings are others, and
//! with them the times at which timers come due.
//!
//! The log's timers are those that the engine asked for under the settings of then. They are let
//! through where it asks for them now as well; those that it asks for only now come due at their
//! time, between two records.

use super::side::for_this_log;
use engine::core::Core;
use engine::effect::{Effect, Effects};
use engine::fact::{Configuration, Event, HostFact, Record};
use engine::time::{Millis, Timer};
use std::collections::{BTreeMap, BTreeSet};

/// A log under other settings.
pub(super) struct Retimed {
    settings: Configuration,
    /// What the engine came to under the settings of then.
    then: Core,
    effects: Effects,
    /// What it waited for then.
    wished_then: BTreeSet<(Timer, Millis)>,
    /// What it waits for now, and since when that is so at each time.
    wished_now: BTreeMap<Timer, Millis>,
    last_at: Millis,
}

/// Timers that fire one after the other between two records; more would go in circles.
const MOST_BETWEEN: usize = 1000;

/// All records of a log from its first on, as they would be under other settings.
pub(in crate::replay) fn under(settings: Configuration, records: Vec<Record>) -> Vec<Record> {
    let mut retimed = Retimed::new(Core::default(), settings);
    let (mut core, mut effects, mut played) = (Core::default(), Effects::new(), Vec::new());
    for record in records {
        for record in retimed.take(record) {
            effects.clear();
            core.apply(record.clone(), &mut effects);
            retimed.wished(&effects);
            played.push(record);
        }
    }
    played
}

impl Retimed {
    pub(super) fn new(then: Core, settings: Configuration) -> Retimed {
        Retimed {
            settings,
            then,
            effects: Effects::new(),
            wished_then: BTreeSet::new(),
            wished_now: BTreeMap::new(),
            last_at: Millis(0),
        }
    }

    /// The records to be played for the next one of the log: timers that have come due meanwhile,
    /// and the record, if it happens now too.
    pub(super) fn take(&mut self, record: Record) -> Vec<Record> {
        let mut records = self.due_before(record.at);
        self.fold_then(&record);
        self.last_at = record.at;
        match record.event {
            Event::Due(timer) => {
                let is_wished = self.wished_now.get(&timer).is_some_and(|at| *at <= record.at);
                if is_wished {
                    self.wished_now.remove(&timer);
                    records.push(record);
                }
            }
            Event::Host(HostFact::Configured(was)) => {
                let settings = for_this_log(&self.settings, &was);
                let event = Event::Host(HostFact::Configured(settings));
                records.push(Record { at: record.at, event });
            }
            // Checksums of what was told then mean nothing now.
            Event::Told(_) => {}
            _ => records.push(record),
        }
        records
    }

    /// What a record that was played has asked for.
    pub(super) fn wished(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Wake(at, timer) = effect {
                self.wished_now.insert(*timer, *at);
            }
        }
    }

    fn fold_then(&mut self, record: &Record) {
        self.effects.clear();
        self.then.apply(record.clone(), &mut self.effects);
        if let Event::Due(timer) = record.event {
            let first = (timer, Millis(0));
            let gone: Vec<_> =
                self.wished_then.range(first..=(timer, record.at)).copied().collect();
            for wish in gone {
                self.wished_then.remove(&wish);
            }
        }
        if record.event == Event::Host(HostFact::Started) {
            self.wished_then.clear();
            self.wished_now.clear();
        }
        for effect in &self.effects {
            if let Effect::Wake(at, timer) = effect {
                self.wished_then.insert((*timer, *at));
            }
        }
    }

    /// Timers that are due before that time, and are asked for only now.
    fn due_before(&mut self, time: Millis) -> Vec<Record> {
        let is_of_now = |(timer, at): &(&Timer, &Millis)| {
            **at < time && !self.wished_then.contains(&(**timer, **at))
        };
        let mut due: Vec<(Millis, Timer)> =
            self.wished_now.iter().filter(is_of_now).map(|(timer, at)| (*at, *timer)).collect();
        due.sort_unstable();
        due.truncate(MOST_BETWEEN);
        for (_, timer) in &due {
            self.wished_now.remove(timer);
        }
        let record = |(at, timer): (Millis, Timer)| Record {
            at: at.max(self.last_at),
            event: Event::Due(timer),
        };
        due.into_iter().map(record).collect()
    }
}
