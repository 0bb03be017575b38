//! What the provider counts of itself, for those who watch over it: the metrics page.
//!
//! Counting is a change of a single number without a lock, or of a few once per batch of records or
//! answer of a PBX; reading views, which applications do all the time, is not counted at all. What
//! can be found by looking (lines, calls, what waits in queues) is looked for when somebody asks
//! for the page. No value is told of a single line, number or name: how many values a page has
//! depends on the number of PBXs alone.
//!
//! `docs/metrics.md` says what each of them means; a test holds it against the page.

mod lag;
mod numbers;
mod page;
mod pbxs;
mod requests;
mod server;
mod text;

pub(crate) use lag::Arrival;
pub(crate) use page::{Page, Queue};
pub(crate) use requests::{Ended, Requests};
pub(crate) use server::serve;

use crate::http::Answer;
use crate::soap::Kind;
use engine::effect::{Limit, Notice, Report, Surprise, What};
use engine::fact::{Event, Failure, Function, Outcome, Told};
use engine::id::PbxId;
use lag::Lag;
use numbers::{Counter, Gauge, Histogram};
use pbxs::Pbxs;
use std::time::Duration;

/// What was counted since the provider started.
#[derive(Debug, Default)]
pub struct Metrics {
    pub(crate) log: OfLog,
    pub(crate) capture: OfCapture,
    pub(crate) requests: Requests,
    pub(crate) pbxs: Pbxs,
    /// From the answer of a PBX to the callbacks that it led to.
    pub(crate) lag: Lag,
    soap: OfSoap,
    callbacks: [Counter; CALLBACKS.len()],
    outcomes: [Counter; OUTCOMES.len()],
    surprises: [Counter; SURPRISES.len()],
    limits: [Counter; LIMITS.len()],
}

/// Of the log.
#[derive(Debug, Default)]
pub(crate) struct OfLog {
    /// Records, by where they came from.
    records: [Counter; SOURCES.len()],
    /// Bytes of frames that were written.
    pub(crate) bytes_written: Gauge,
    /// From when records are put together until they are in the log, as the settings want it.
    pub(crate) latency: Histogram,
    /// Records that are kept.
    pub(crate) records_kept: Gauge,
    /// Bytes of frames and snapshots that are kept.
    pub(crate) bytes_kept: Gauge,
    /// Records that are in force and not in the log, because the disk would not take them.
    pub(crate) unwritten: Gauge,
    /// The log cannot be written now.
    pub(crate) is_down: Gauge,
}

/// Of the capture files.
#[derive(Debug, Default)]
pub(crate) struct OfCapture {
    /// The settings want them.
    pub(crate) is_on: Gauge,
    /// One is being written.
    pub(crate) is_writing: Gauge,
    /// Bytes that wait to be written.
    pub(crate) waiting: Gauge,
    /// Bytes of frames that went into one.
    pub(crate) bytes_written: Counter,
    /// Bytes of frames that went into none, because they came too quickly or no file could be
    /// written.
    pub(crate) bytes_lost: Counter,
}

/// Of what was asked of PBXs.
#[derive(Debug)]
struct OfSoap {
    /// By operation, and how it ended.
    ended: Box<[[Counter; ANSWERS.len()]]>,
    /// How long answers took, but for those to Polls, which a PBX holds back until it has something
    /// to say.
    took: Histogram,
}

impl Default for OfSoap {
    fn default() -> OfSoap {
        let ended = Kind::ALL.iter().map(|_| Default::default()).collect();
        OfSoap { ended, took: Histogram::default() }
    }
}

/// How a question to a PBX ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// With what was asked for.
    Well,
    /// With a fault, or an error status.
    Refused,
    /// Not at all.
    Never,
}

impl Answered {
    /// Of an answer, which may be a fault.
    pub(crate) fn of(outcome: &Result<Answer, Failure>) -> Answered {
        match outcome {
            Ok(Answer { status: 200..300, .. }) => Answered::Well,
            Ok(_) => Answered::Refused,
            Err(_) => Answered::Never,
        }
    }
}

/// Where records come from, as `Event` has them.
const SOURCES: [&str; 6] = ["host", "pbx", "application", "reply", "timer", "told"];
/// Callbacks by the message of TAPI, as `Notice` has them; the last is ASYNC_COMPLETION.
const CALLBACKS: [&str; 9] = [
    "line_create",
    "line_remove",
    "new_call",
    "call_state",
    "call_info",
    "address_state",
    "line_dev_state",
    "generate",
    "completion",
];
/// What became of callbacks, as `Outcome` has it.
const OUTCOMES: [&str; 3] = ["delivered", "withheld", "forced"];
/// What should not happen, as `Surprise` has it.
const SURPRISES: [&str; 3] = ["illegal_transition", "unknown_user", "zombie"];
/// Limits, as `Limit` has them.
const LIMITS: [&str; 7] = ["lines", "calls", "requests", "early_events", "pbxs", "depth", "nodes"];
/// How questions to a PBX end, as [`Answered`] has it.
const ANSWERS: [&str; 3] = ["answered", "refused", "failed"];

impl Metrics {
    /// A function of the C interface was answered with an error at once.
    pub fn refused(&self, function: Function) {
        self.requests.refused(function);
    }

    /// Records that go into the log.
    pub(crate) fn logged<'e>(&self, events: impl Iterator<Item = &'e Event>) {
        let mut counts = [0; SOURCES.len()];
        for event in events {
            counts[source(event)] += 1;
        }
        add(&self.log.records, &counts);
    }

    /// Callbacks that are to be made.
    pub(crate) fn caused<'w>(&self, callbacks: impl Iterator<Item = &'w What>) {
        let mut counts = [0; CALLBACKS.len()];
        for what in callbacks {
            counts[callback(what)] += 1;
        }
        add(&self.callbacks, &counts);
    }

    /// What became of callbacks, in the order of the log.
    pub(crate) fn told(&self, told: &[Told]) {
        let mut counts = [0; OUTCOMES.len()];
        for Told { outcome, .. } in told {
            counts[fate(*outcome)] += 1;
        }
        add(&self.outcomes, &counts);
        self.lag.told(told);
    }

    /// Something that the engine reports.
    pub(crate) fn reported(&self, report: &Report) {
        match report {
            Report::Surprise(surprise) => self.surprises[unexpected(*surprise)].add(1),
            Report::LimitReached(limit) => self.limits[limited(*limit)].add(1),
            report => self.pbxs.reported(report),
        }
    }

    /// A PBX was asked something, and it took so long.
    pub(crate) fn asked(&self, pbx: PbxId, kind: Kind, answered: Answered, took: Duration) {
        if let Some(ended) = Kind::ALL.iter().position(|of| *of == kind) {
            self.soap.ended[ended][answered as usize].add(1);
        }
        match (kind, answered) {
            (Kind::Poll, Answered::Well) => self.pbxs.polled(pbx),
            (Kind::Poll, _) => {}
            _ => self.soap.took.observe(took),
        }
    }
}

fn add<const N: usize>(counters: &[Counter; N], counts: &[u64; N]) {
    for (counter, count) in counters.iter().zip(counts).filter(|(_, count)| **count > 0) {
        counter.add(*count);
    }
}

fn source(event: &Event) -> usize {
    match event {
        Event::Host(_) => 0,
        Event::Pbx(..) => 1,
        Event::App(..) => 2,
        Event::Reply(..) => 3,
        Event::Due(_) => 4,
        Event::Told(_) => 5,
    }
}

fn callback(what: &What) -> usize {
    match what {
        What::Notice(Notice::LineCreated) => 0,
        What::Notice(Notice::LineRemoved) => 1,
        What::Notice(Notice::NewCall(_)) => 2,
        What::Notice(Notice::CallState { .. }) => 3,
        What::Notice(Notice::CallInfo(..)) => 4,
        What::Notice(Notice::AddressState(_)) => 5,
        What::Notice(Notice::LineDevState(..)) => 6,
        What::Notice(Notice::Generated { .. }) => 7,
        What::Completed(..) => 8,
    }
}

fn fate(outcome: Outcome) -> usize {
    match outcome {
        Outcome::Delivered => 0,
        Outcome::Withheld => 1,
        Outcome::Forced => 2,
    }
}

fn unexpected(surprise: Surprise) -> usize {
    match surprise {
        Surprise::IllegalTransition(..) => 0,
        Surprise::UnknownUser => 1,
        Surprise::Zombie => 2,
    }
}

fn limited(limit: Limit) -> usize {
    match limit {
        Limit::Lines => 0,
        Limit::Calls => 1,
        Limit::Requests => 2,
        Limit::EarlyEvents => 3,
        Limit::Pbxs => 4,
        Limit::Depth => 5,
        Limit::Nodes => 6,
    }
}
