//! The process of the provider: what comes in is written down, then acts; it can be killed at any
//! moment, and comes back with what the log has kept.

use super::agenda::{Life, Step, What};
use super::coverage::Disturbance;
use super::finding::Finding;
use super::log::Log;
use super::swarm;
use super::trouble::Trouble;
use super::world::World;
use engine::core::Core;
use engine::effect::{Effect, Effects, Report};
use engine::fact::{Configuration, Event, HostFact, Record};
use engine::frame::MAX_RECORDS;
use engine::id::{CallId, PbxId};
use engine::invariant::Watch;
use engine::line::Line;
use engine::tapi::CallState;
use engine::time::Millis;
use engine::view::CallView;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How long notes about callbacks wait for other records to travel with, as in the running service.
const LAZY_MS: u64 = 200;
/// How long a process takes to end when it is asked to.
const STOPPING_MS: u64 = 500;
/// More records than any seed needs.
const MAX_LOG: usize = 200_000;

/// The process, and what it leaves behind when it ends.
pub(super) struct Provider {
    pub(super) core: Core,
    pub(super) log: Log,
    /// Which run of the process this is.
    pub(super) life: Life,
    pub(super) is_running: bool,
    watch: Watch,
    settings: Configuration,
    /// What waits to be written.
    intake: VecDeque<Event>,
    /// Notes that wait for company.
    lazy: Vec<Event>,
    /// What came of records that are not safe yet; `None` if all are.
    held: Option<Vec<(u64, Effect)>>,
    /// The clock of the machine was set forward by so much.
    clock_ahead_ms: u64,
    /// The clock never runs back within a log.
    last_at: Millis,
    pub(super) asleep_until: Millis,
    /// It is killed during the next write.
    pub(super) is_doomed: bool,
    /// Calls that went on when the session of a PBX was lost.
    orphans: BTreeMap<PbxId, Vec<CallId>>,
}

impl Provider {
    /// A process that was never started.
    pub(super) fn new(settings: Configuration) -> Provider {
        Provider {
            core: Core::default(),
            log: Log::default(),
            life: Life::default(),
            is_running: false,
            watch: Watch::default(),
            settings,
            intake: VecDeque::new(),
            lazy: Vec::new(),
            held: None,
            clock_ahead_ms: 0,
            last_at: Millis(0),
            asleep_until: Millis(0),
            is_doomed: false,
            orphans: BTreeMap::new(),
        }
    }

    /// The settings in force, or to be when it runs.
    pub(super) fn settings(&self) -> &Configuration {
        &self.settings
    }

    /// The watch over the invariants.
    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Whether nothing waits to be written.
    pub(super) fn is_caught_up(&self) -> bool {
        self.intake.is_empty() && self.lazy.is_empty() && self.held.is_none()
    }
}

impl World<'_> {
    // ---- life ------------------------------------------------------------------------------

    /// The process starts with what the log has kept.
    pub(super) fn start(&mut self) -> Result<(), Finding> {
        let recovered = self.provider.log.recover()?;
        self.tally.recoveries += 1;
        let how = if recovered.by_snapshot { "a snapshot and what follows" } else { "all of it" };
        self.say(|| format!("PROVIDER starts; reads {how}; {} records are lost", recovered.lost));
        let provider = &mut self.provider;
        provider.core = recovered.core;
        provider.watch = recovered.watch;
        provider.last_at = recovered.last_at;
        provider.life.0 += 1;
        provider.is_running = true;
        if !self.is_scripted && self.dice.provider.happens(300) {
            // Somebody sets the clock between two runs, forward or back.
            provider.clock_ahead_ms = self.dice.provider.choose(&[0, 5_000, 3_600_000]);
        }
        // As `clock.rs` does: no earlier than the log ended, and then on at its pace.
        let clock = (self.now + provider.clock_ahead_ms).max(provider.last_at);
        provider.clock_ahead_ms = clock.since(self.now);
        self.host.begin(&self.provider.core);
        let configured = HostFact::Configured(self.provider.settings.clone());
        self.arrive(vec![Event::Host(HostFact::Started), Event::Host(configured)])?;
        self.expect_applications();
        Ok(())
    }

    /// The process is gone, and with it all that was not written.
    fn end_process(&mut self) {
        let provider = &mut self.provider;
        provider.is_running = false;
        provider.intake.clear();
        provider.lazy.clear();
        provider.held = None;
        provider.is_doomed = false;
        provider.orphans.clear();
        provider.asleep_until = self.now;
        self.hang_up_everywhere();
        let at = self.now + self.dice.provider.ms(10..=5_000);
        self.agenda.put(at, What::Start);
    }

    /// The process is killed, perhaps while it writes.
    pub(super) fn crash(&mut self) {
        if !self.provider.is_running {
            return;
        }
        self.tally.crashes += 1;
        self.disturbed(Disturbance::Crash);
        if self.provider.held.is_some() || self.host.has_callbacks() {
            self.disturbed(Disturbance::CrashBeforeCallbacks);
        }
        let log = self.provider.log.tear(&mut self.dice.provider);
        if log.is_torn() {
            self.disturbed(Disturbance::TornLog);
        }
        self.say(|| format!("PROVIDER is killed; what was being written: {log:?}"));
        self.end_process();
    }

    /// The service is stopped as it should be.
    pub(super) fn stop(&mut self) -> Result<(), Finding> {
        if !self.provider.is_running {
            return Ok(());
        }
        self.say(|| "PROVIDER is stopped".to_owned());
        self.disturbed(Disturbance::Restart);
        self.host.force_all();
        self.arrive(vec![Event::Host(HostFact::Stopping)])?;
        self.machine(STOPPING_MS, Step::Stopped);
        Ok(())
    }

    /// What was asked of it is done: the process ends.
    pub(super) fn stopped(&mut self) -> Result<(), Finding> {
        // Everything is written before the process ends.
        while !self.provider.is_caught_up() {
            self.safe()?;
            self.catch_up()?;
        }
        self.provider.watch.all_completed()?;
        self.provider.log.snapshot(&self.provider.core);
        self.end_process();
        Ok(())
    }

    /// The machine sleeps: nothing happens in it, then everything that has come meanwhile.
    pub(super) fn sleep(&mut self, asleep_ms: u64) {
        self.provider.asleep_until = self.now + asleep_ms;
        self.say(|| format!("PROVIDER sleeps for {} s", asleep_ms / 1000));
    }

    /// Other settings from now on.
    pub(super) fn change_settings(&mut self) -> Result<(), Finding> {
        self.provider.settings = swarm::settings(self.swarm.layout, &mut self.dice.trouble);
        self.settings_change()
    }

    /// The settings in force, or those of the next start.
    pub(super) fn settings(&mut self) -> &mut Configuration {
        &mut self.provider.settings
    }

    /// Settings that were changed come into force.
    pub(super) fn settings_change(&mut self) -> Result<(), Finding> {
        let settings = self.provider.settings.clone();
        self.say(|| {
            let Configuration { name_template, single_active_call, .. } = &settings;
            format!("PROVIDER gets settings: names {name_template}, single {single_active_call}")
        });
        if self.provider.is_running {
            self.arrive(vec![Event::Host(HostFact::Configured(settings))])?;
        }
        Ok(())
    }

    // ---- the log ---------------------------------------------------------------------------

    /// Something comes in. It is written at once if nothing else is being written.
    pub(super) fn arrive(&mut self, events: Vec<Event>) -> Result<(), Finding> {
        if !self.provider.is_running {
            return Ok(());
        }
        self.provider.intake.extend(events);
        if self.provider.held.is_none() { self.commit() } else { Ok(()) }
    }

    /// A note that waits for company.
    pub(super) fn arrive_some_time(&mut self, event: Event) {
        self.provider.lazy.push(event);
        self.machine(LAZY_MS, Step::CatchUp);
    }

    /// Writes what has waited long enough.
    pub(super) fn catch_up(&mut self) -> Result<(), Finding> {
        let waits = !self.provider.lazy.is_empty() && self.provider.held.is_none();
        if waits { self.commit() } else { Ok(()) }
    }

    /// Writes all that has come in, and folds it while it is being written; what comes of it is
    /// held back until it is safe.
    fn commit(&mut self) -> Result<(), Finding> {
        let provider = &mut self.provider;
        let at = (self.now + provider.clock_ahead_ms).max(provider.last_at);
        provider.last_at = at;
        let count = provider.intake.len().min(MAX_RECORDS);
        let events = provider.intake.drain(..count).chain(provider.lazy.drain(..));
        let records: Vec<Record> = events.map(|event| Record { at, event }).collect();
        if provider.log.records().len() > MAX_LOG {
            return Err(Finding::Endless(MAX_LOG));
        }
        let first = provider.log.next();
        for (seq, record) in (first..).zip(&records) {
            self.say(|| format!("RECORD {seq} {:?}", record.event));
        }
        let provider = &mut self.provider;
        provider.log.append(records.clone());
        let mut held = provider.held.take().unwrap_or_default();
        for (seq, record) in (first..).zip(records) {
            let mut effects = Effects::new();
            provider.watch.before(&record)?;
            provider.core.apply(record.clone(), &mut effects);
            provider.log.led_to(effects.clone());
            provider.watch.after(&record, &effects, &provider.core)?;
            held.extend(effects.into_iter().map(|effect| (seq, effect)));
        }
        provider.held = Some(held);
        self.tally.frames += 1;
        let flush_ms = self.dice.provider.ms(0..=self.swarm.flush_ms);
        self.machine(flush_ms, Step::Safe);
        if std::mem::take(&mut self.provider.is_doomed) {
            let at = self.now + self.dice.provider.ms(0..=flush_ms);
            self.agenda.put(at, What::Trouble(Trouble::Dies));
        }
        Ok(())
    }

    /// What was written is safe: what came of it goes out.
    pub(super) fn safe(&mut self) -> Result<(), Finding> {
        let Some(held) = self.provider.held.take() else { return Ok(()) };
        self.provider.log.flushed();
        if self.dice.provider.happens(3) {
            self.provider.log.snapshot(&self.provider.core);
        }
        let clock = self.now + self.provider.clock_ahead_ms;
        for (seq, effect) in held {
            match effect {
                Effect::Tell(telling) => self.tell(seq, telling),
                Effect::Ask(ask) => self.ask(*ask),
                Effect::Wake(at, timer) => self.machine(at.since(clock), Step::Due(timer)),
                Effect::Report(report) => {
                    self.tally.reports += 1;
                    self.look_for_survivors(&report);
                    self.say(|| format!("REPORT   {report:?}"));
                }
            }
        }
        if self.provider.intake.is_empty() { Ok(()) } else { self.commit() }
    }

    /// Counts the calls that are the same ones after a session was lost and all has been read anew.
    fn look_for_survivors(&mut self, report: &Report) {
        let Provider { core, orphans, .. } = &mut self.provider;
        let is_live = |call: &Arc<CallView>| call.state != CallState::Idle;
        match report {
            Report::SessionLost(pbx, ..) => {
                let blind = core.lines().map(Line::view).filter(|view| !view.connected);
                let calls = blind.flat_map(|view| view.calls).filter(|call| is_live(call));
                orphans.insert(*pbx, calls.map(|call| call.id).collect());
            }
            Report::Synchronised(pbx, _) => {
                for call in orphans.remove(pbx).unwrap_or_default() {
                    let view = core.view(call.line).filter(|view| view.connected);
                    let survives = view.is_some_and(|view| view.call(call).is_some_and(is_live));
                    self.tally.survivals += u64::from(survives);
                }
            }
            Report::Renewed(_) => self.tally.renewals += 1,
            Report::BackAtMaster(_) => self.tally.returns += 1,
            _ => {}
        }
    }
}
