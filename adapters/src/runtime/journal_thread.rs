//! The journal thread: stamps what comes in, writes it, and only then lets it act.
//!
//! Group commit sizes itself: what has queued up while the last frame was being flushed becomes
//! the next one. No timer, no knob; latency is one flush. The core works on the records while they
//! are being flushed; what comes of it waits at the gate until they are safe.

use super::capture_thread::Inlet;
use super::gate::Gate;
use super::message::{Intake, ToCore};
use crate::clock::Clock;
use crate::journal::{AppendError, Framed, Journal};
use crate::metrics::{Arrival, Metrics};
use engine::core::Core;
use engine::fact::{Event, HostFact, Record};
use engine::frame::{FrameError, MAX_RECORDS};
use engine::snapshot::Place;
use engine::time::Millis;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How long notes about callbacks (`Told`) may wait for something to be written along with, and
/// how long unflushed records may lie (durability "behind").
const LAZY: Duration = Duration::from_millis(200);

/// How many records are kept in memory while the log cannot be written.
const MAX_UNWRITTEN: usize = 100_000;

/// How long to wait before trying again to write a log that could not be written.
const WRITE_AGAIN: Duration = Duration::from_secs(2);

/// How often to look whether the log has become too old or too much.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How long to remove what is, between two batches, and while nothing comes.
const TRIM_BETWEEN: Duration = Duration::from_micros(300);
const TRIM_ASIDE: Duration = Duration::from_millis(5);

/// A log is cut at snapshots, so there is one a day at least.
const SNAPSHOT_AGE_MS: u64 = 24 * 60 * 60 * 1000;

/// The running thread.
pub(crate) struct JournalThread {
    thread: std::thread::JoinHandle<()>,
}

impl JournalThread {
    #[allow(clippy::too_many_arguments)] // each is the way to another thread, or where to begin
    pub(crate) fn start(
        journal: Journal,
        next_seq: u64,
        last_at: Millis,
        clock: Clock,
        queue: mpsc::Receiver<Intake>,
        core: mpsc::Sender<ToCore>,
        gate: Arc<Gate>,
        capture: Option<Arc<Inlet>>,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<JournalThread> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let writer = Writer {
            journal,
            clock,
            core,
            gate,
            capture,
            metrics,
            next_seq,
            last_at,
            batch: Vec::with_capacity(MAX_RECORDS),
            arrivals: Vec::new(),
            lazy: Vec::new(),
            unwritten: VecDeque::new(),
            try_again: Instant::now(),
            look_again: Instant::now(),
            began_at: clock.now().max(last_at),
        };
        let thread = std::thread::Builder::new()
            .name("tapline-journal".into())
            .spawn(move || runtime.block_on(writer.run(queue)))?;
        Ok(JournalThread { thread })
    }

    pub(crate) fn into_handle(self) -> std::thread::JoinHandle<()> {
        self.thread
    }
}

struct Writer {
    journal: Journal,
    clock: Clock,
    core: mpsc::Sender<ToCore>,
    gate: Arc<Gate>,
    /// Where captures are written, if they are.
    capture: Option<Arc<Inlet>>,
    metrics: Arc<Metrics>,
    next_seq: u64,
    last_at: Millis,
    batch: Vec<Record>,
    /// Which answers of PBXs the batch has.
    arrivals: Vec<Arrival>,
    /// Notes that wait for company.
    lazy: Vec<Record>,
    /// Records that are in force but not on disk, because the disk would not take them.
    unwritten: VecDeque<Record>,
    /// When to try again to write them.
    try_again: Instant,
    /// When to look again whether the log has become too old or too much.
    look_again: Instant,
    /// When the provider started.
    began_at: Millis,
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Intake>) {
        let mut arrived = Vec::with_capacity(MAX_RECORDS);
        loop {
            let next = queue.recv_many(&mut arrived, MAX_RECORDS);
            let count = if self.has_something_waiting() {
                match tokio::time::timeout(LAZY, next).await {
                    Ok(count) => count,
                    Err(_) => {
                        self.catch_up().await;
                        continue;
                    }
                }
            } else {
                next.await
            };
            if count == 0 {
                break;
            }
            for intake in arrived.drain(..) {
                if self.take(intake).await.is_break() {
                    return self.end().await;
                }
            }
            self.commit().await;
            self.keep_within_limits().await;
        }
        self.end().await;
    }

    fn has_something_waiting(&self) -> bool {
        !self.lazy.is_empty()
            || !self.unwritten.is_empty()
            || self.journal.unflushed_since().is_some()
            || self.journal.has_excess()
    }

    /// Does what was put off, now that nothing else comes.
    async fn catch_up(&mut self) {
        if !self.lazy.is_empty() {
            self.batch.append(&mut self.lazy);
            self.commit().await;
        }
        if let Err(error) = self.journal.flush() {
            self.went_down(&error);
        }
        self.write_what_was_kept();
        self.trim(TRIM_ASIDE);
        self.measure();
    }

    /// Sees to it that the log does not grow for ever: a little at a time, so that nothing waits.
    async fn keep_within_limits(&mut self) {
        if Instant::now() >= self.look_again {
            self.look_again = Instant::now() + LOOK_EVERY;
            self.journal.look_for_excess(self.last_at);
            let newest =
                self.journal.newest_snapshot().map_or(self.began_at, |place| place.last_at);
            if self.last_at.since(newest.max(self.began_at)) > SNAPSHOT_AGE_MS {
                self.ask_for_image().await;
            }
        }
        if self.capture.as_ref().is_some_and(|capture| capture.wants_image()) {
            self.ask_for_image().await;
        }
        self.trim(TRIM_BETWEEN);
    }

    fn trim(&mut self, within: Duration) {
        if self.journal.has_excess()
            && let Err(error) = self.journal.trim(within)
        {
            self.went_down(&error);
        }
    }

    async fn ask_for_image(&mut self) {
        self.batch.append(&mut self.lazy);
        self.commit().await;
        let place = Place { next: self.next_seq, last_at: self.last_at };
        if let Some(capture) = &self.capture {
            capture.asked(place);
        }
        self.pass_on(ToCore::Image(place)).await;
    }

    async fn end(mut self) {
        self.try_again = Instant::now();
        self.catch_up().await;
        if !self.unwritten.is_empty() {
            tracing::error!("{} records could not be written to the log", self.unwritten.len());
        }
        if let Err(error) = self.journal.close() {
            tracing::error!("{error}");
        }
    }

    async fn take(&mut self, intake: Intake) -> ControlFlow<()> {
        match intake {
            Intake::Event(event @ Event::Told(_)) => {
                let record = self.stamp(event);
                self.lazy.push(record);
            }
            Intake::Event(event) => {
                self.make_room(1).await;
                let record = self.stamp(event);
                self.batch.push(record);
            }
            Intake::Events(events, arrived) => {
                self.make_room(events.len()).await;
                let at = self.now();
                let first = self.next_seq + self.batch.len() as u64;
                let count = events.len() as u64;
                self.arrivals.push(Arrival { first, count, at: arrived });
                self.batch.extend(events.into_iter().map(|event| Record { at, event }));
            }
            Intake::Barrier(done) => {
                self.commit().await;
                self.pass_on(ToCore::Barrier(done)).await;
            }
            Intake::Show(to) => {
                self.commit().await;
                self.pass_on(ToCore::Show(to)).await;
            }
            Intake::Snapshot => self.ask_for_image().await,
            Intake::Look(look) => look(&self.journal),
            Intake::Image(place, core) => self.keep_image(place, &core),
            Intake::Stop => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }

    fn keep_image(&mut self, place: Place, core: &Core) {
        // A picture of records that are not in the log would hide that they are missing.
        if !self.unwritten.is_empty() || self.journal.is_down() {
            return;
        }
        let mut image = Vec::new();
        let is_captured = self.capture.is_some();
        let kept = self.journal.keep_and_give(core, place, |chunk| {
            if is_captured {
                image.extend_from_slice(chunk);
            }
        });
        match kept {
            Ok(()) => {
                if let Some(capture) = &self.capture {
                    capture.image(place, image);
                }
                self.journal.look_for_excess(self.last_at);
            }
            Err(error) => self.went_down(&error),
        }
    }

    /// What came together stays together.
    async fn make_room(&mut self, count: usize) {
        if self.batch.len() + self.lazy.len() + count > MAX_RECORDS {
            self.commit().await;
        }
    }

    fn stamp(&mut self, event: Event) -> Record {
        Record { at: self.now(), event }
    }

    fn now(&mut self) -> Millis {
        self.last_at = self.last_at.max(self.clock.now());
        self.last_at
    }

    /// Writes the batch, flushes it, and lets it act. Notes that waited go along.
    async fn commit(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let begun = Instant::now();
        self.batch.append(&mut self.lazy);
        // Notes were stamped before what they travel behind; time must not run back (I-23).
        let mut last = Millis(0);
        for record in &mut self.batch {
            last = last.max(record.at);
            record.at = last;
        }
        let first_seq = self.next_seq;
        self.next_seq += self.batch.len() as u64;
        self.metrics.lag.arrived(&mut self.arrivals);
        let framed = self.frame(first_seq);
        self.metrics.logged(self.batch.iter().map(|record| &record.event));
        if framed.is_none() {
            self.keep_unwritten(self.batch.clone());
        }
        let records = std::mem::replace(&mut self.batch, Vec::with_capacity(MAX_RECORDS));
        self.pass_on(ToCore::Records { first_seq, records }).await;
        if let Some(framed) = framed
            && let Err(error) = self.journal.write(framed)
        {
            self.went_down(&error);
            self.keep_unwritten(self.journal.framed());
        }
        self.write_what_was_kept();
        self.metrics.log.latency.observe(begun.elapsed());
        self.gate.safe(self.next_seq);
        self.journal.make_room();
        self.measure();
    }

    /// Lets the metrics have what they cannot count by themselves.
    fn measure(&self) {
        let log = &self.metrics.log;
        log.records_kept.set(self.journal.next_seq().saturating_sub(self.journal.first_seq()));
        log.bytes_kept.set(self.journal.bytes());
        log.bytes_written.set(self.journal.bytes_written());
        log.unwritten.set(self.unwritten.len() as u64);
        log.is_down.set(u64::from(self.journal.is_down()));
    }

    /// Makes frames of the batch. `None` if it cannot be written now.
    fn frame(&mut self, first_seq: u64) -> Option<Framed> {
        while self.unwritten.is_empty() && !self.journal.is_down() {
            match self.journal.frame(first_seq, &self.batch) {
                Ok(framed) => return Some(framed),
                Err(AppendError::Refused(FrameError::Refused { seq, error })) => {
                    tracing::error!("{error}; the record is left out, also of what acts");
                    match self.batch.get_mut((seq - first_seq) as usize) {
                        // A note about nothing: what is not in the log must not act.
                        Some(record) => record.event = Event::Told(Vec::new()),
                        None => break,
                    }
                }
                Err(error) => {
                    self.went_down(&error);
                    break;
                }
            }
        }
        None
    }

    /// Storage trouble never stops a ringing phone: the PBX is the authority, the log is memory.
    fn went_down(&mut self, error: &AppendError) {
        tracing::error!("{error}; calls go on, and the log is tried again every few seconds");
        self.try_again = Instant::now() + WRITE_AGAIN;
    }

    fn keep_unwritten(&mut self, records: Vec<Record>) {
        self.unwritten.extend(records);
        let excess = self.unwritten.len().saturating_sub(MAX_UNWRITTEN);
        self.unwritten.drain(..excess);
    }

    /// Writes the records that are in force but not in the log, if the disk takes them again.
    fn write_what_was_kept(&mut self) {
        if self.unwritten.is_empty() && !self.journal.is_down() || Instant::now() < self.try_again {
            return;
        }
        self.try_again = Instant::now() + WRITE_AGAIN;
        // Another process cannot have taken the log meanwhile, or it would be worth the wait.
        let Ok(expected) = self.journal.resume(Duration::ZERO) else { return };
        let mut seq = self.next_seq - self.unwritten.len() as u64;
        while seq < expected && self.unwritten.pop_front().is_some() {
            seq += 1;
        }
        if let (Some(first), true) = (self.unwritten.front_mut(), seq > expected) {
            first.event = Event::Host(HostFact::Gap(seq - expected));
        }
        while !self.unwritten.is_empty() {
            let count = self.unwritten.len().min(MAX_RECORDS);
            let chunk: Vec<Record> = self.unwritten.iter().take(count).cloned().collect();
            if self.journal.append(seq, &chunk).is_err() {
                return;
            }
            self.unwritten.drain(..count);
            seq += count as u64;
        }
        tracing::info!("the log is written again, up to record {seq}");
    }

    async fn pass_on(&self, what: ToCore) {
        if self.core.send(what).await.is_err() {
            tracing::error!("the core thread is gone");
        }
    }
}
