//! `tapline replay shrink`: the smallest trace that still fails.
//!
//! Delta debugging, from what belongs together to single records: sessions of the telephony server,
//! PBXs, lines, calls with all their legs, requests with their answers and deadlines, Polls, and at
//! last one record after the other. What is left lacks nothing of which it could do without. The
//! order of trials depends on nothing but the trace, so the outcome is always the same.

use super::expectation::{Expectation, Trial, Turn};
use super::written::write_capture;
use crate::command_line::ReplayShrink;
use crate::output::{self, Output};
use crate::trouble::Trouble;
use adapters::trace::Trace;
use engine::core::Core;
use engine::fact::{Event, HostFact, PbxFact, Record};
use engine::id::{LineId, UserHandle};
use engine::time::Timer;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Most records that are kept in memory: some hundreds of megabytes.
const MOST_RECORDS: usize = 1_000_000;
/// Records replayed at most, over all trials: some minutes.
const MOST_REPLAYED: u64 = 300_000_000;
/// How often to say how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// Shrinks a trace.
pub(super) fn show(options: &ReplayShrink) -> Result<(), Trouble> {
    let expectation = Expectation::read(&options.keep)?;
    if options.output.exists() {
        let name = options.output.display();
        return Err(Trouble::Usage(format!("{name} is there already; nothing is overwritten")));
    }
    let trace = Trace::open(&options.log)?;
    let mut output = Output::new(options.json);
    let mut records = trace.records_from(trace.first());
    let mut all: Vec<Record> = Vec::new();
    for (_, record) in &mut records {
        if all.len() == MOST_RECORDS {
            return Err(Trouble::Usage(format!(
                "more than {MOST_RECORDS} records are too many to shrink at once; take the part that                  matters first: tapline capture --from TIME --to TIME"
            )));
        }
        all.push(record);
    }
    let end = records.end();
    let about = trace.about().clone();
    drop(trace);
    let count = all.len();
    let mut shrinking = Shrinking::new(all, &expectation);
    if !shrinking.cut_off_the_end() {
        return Err(Trouble::NotFound(format!(
            "`{}` does not fail here when replayed from nothing, so there is nothing to keep",
            options.keep
        )));
    }
    shrinking.shrink();
    let small: Vec<Record> = shrinking.left();
    write_capture(&options.output, &small, about.anonymised)?;
    let name = options.output.display();
    let sentence = format!(
        "{} of {count} records are left; `{}` still fails. Look at it:  tapline replay bisect {name} \
         --until '{}'",
        small.len(),
        options.keep,
        options.keep
    );
    let summary = json!({ "summary": {
        "records": count,
        "left": small.len(),
        "trials": shrinking.trials,
        "is_minimal": shrinking.is_minimal,
        "output": name.to_string(),
    } });
    output.summary(&sentence, &summary)?;
    // What is intact was enough, or it would not have come to this.
    Trouble::of_end(end)
}

/// A trace on its way to a smaller one.
struct Shrinking<'a> {
    records: Vec<Record>,
    expectation: &'a Expectation,
    /// The records left, by their places.
    left: Vec<usize>,
    trials: u64,
    replayed: u64,
    is_minimal: bool,
    shown: Instant,
}

impl<'a> Shrinking<'a> {
    fn new(records: Vec<Record>, expectation: &'a Expectation) -> Shrinking<'a> {
        // What became of callbacks has no influence on anything.
        let is_told = |record: &Record| matches!(record.event, Event::Told(_));
        let left = (0..records.len()).filter(|at| !is_told(&records[*at])).collect();
        let (trials, replayed, shown) = (0, 0, Instant::now());
        Shrinking { records, expectation, left, trials, replayed, is_minimal: false, shown }
    }

    fn left(&self) -> Vec<Record> {
        self.left.iter().map(|at| self.records[*at].clone()).collect()
    }

    /// What comes after the failure is not needed. False if there is none.
    fn cut_off_the_end(&mut self) -> bool {
        let fails_at = self.fails_at(&self.left.clone());
        if let Some(at) = fails_at {
            self.left.truncate(at + 1);
        }
        fails_at.is_some()
    }

    fn shrink(&mut self) {
        for belongs in [
            Belongs::Session,
            Belongs::Pbx,
            Belongs::Line,
            Belongs::Call,
            Belongs::Request,
            Belongs::Poll,
        ] {
            let units = self.units(belongs);
            self.without(units);
        }
        // Once more as long as it helps: what was needed may not be when something else is gone.
        loop {
            let before = self.left.len();
            let units = self.left.iter().map(|at| vec![*at]).collect();
            self.without(units);
            if self.left.len() == before {
                self.is_minimal = self.replayed < MOST_REPLAYED;
                return;
            }
        }
    }

    /// Leaves out as many of these as it can, in halves, quarters, and so on.
    fn without(&mut self, units: Vec<Vec<usize>>) {
        let mut units = units;
        let mut size = units.len().div_ceil(2);
        while size > 0 && !units.is_empty() {
            let mut at = 0;
            while at < units.len() {
                let end = (at + size).min(units.len());
                let gone: BTreeSet<usize> = units[at..end].iter().flatten().copied().collect();
                let tried: Vec<usize> =
                    self.left.iter().copied().filter(|at| !gone.contains(at)).collect();
                let fails_at = if gone.is_empty() { None } else { self.fails_at(&tried) };
                match fails_at {
                    Some(last) => {
                        self.left = tried;
                        self.left.truncate(last + 1);
                        units.drain(at..end);
                    }
                    None => at = end,
                }
                if self.replayed > MOST_REPLAYED {
                    return;
                }
            }
            size /= 2;
        }
    }

    /// The place of the record after which the expectation fails.
    fn fails_at(&mut self, places: &[usize]) -> Option<usize> {
        self.trials += 1;
        if self.shown.elapsed() > PROGRESS_EVERY {
            self.shown = Instant::now();
            // Nothing is lost if nobody reads how far it is.
            let _ = output::hint(&format!("{} records are left so far", self.left.len()));
        }
        let mut trial = Trial::new(self.expectation, Core::default(), 0);
        for (count, at) in places.iter().enumerate() {
            self.replayed += 1;
            if let Turn::Fails(_) = trial.take(self.records[*at].clone()) {
                return Some(count);
            }
        }
        None
    }

    /// The records left, by what they belong to; those that belong to nothing are not among them.
    fn units(&self, belongs: Belongs) -> Vec<Vec<usize>> {
        let mut kin = Kin::default();
        let mut units: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
        let mut order = Vec::new();
        for at in &self.left {
            let key = kin.key(belongs, &self.records[*at]);
            if let Some(key) = key {
                let unit = units.entry(key).or_default();
                if unit.is_empty() {
                    order.push(key);
                }
                unit.push(*at);
            }
        }
        order.iter().filter_map(|key| units.remove(key)).collect()
    }
}

/// How records belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Belongs {
    /// From one start of the telephony server to the next.
    Session,
    /// What is said by one PBX.
    Pbx,
    /// What is about one line and nobody else.
    Line,
    /// All events of all legs of one call.
    Call,
    /// A request, its answers, its deadline.
    Request,
    /// What one Poll brought.
    Poll,
}

type Key = (u64, u64, u64);

/// What is known on the way, to tell kin from others.
#[derive(Default)]
struct Kin {
    sessions: u64,
    polls: u64,
    /// Which line a monitored user is, in one attempt with one PBX.
    lines: BTreeMap<(u16, u32, UserHandle), LineId>,
    requests: BTreeMap<(LineId, u32), u64>,
    count: u64,
}

impl Kin {
    fn key(&mut self, belongs: Belongs, record: &Record) -> Option<Key> {
        self.learn(record);
        match belongs {
            Belongs::Session => Some((self.sessions, 0, 0)),
            Belongs::Pbx => match &record.event {
                Event::Pbx(pbx, ..) => Some((u64::from(pbx.0), 0, 0)),
                _ => None,
            },
            Belongs::Line => self.line_of(record).map(|line| (u64::from(line.0), 0, 0)),
            Belongs::Call => match &record.event {
                Event::Pbx(pbx, attempt, PbxFact::Call(call)) => {
                    let [a, b] = halves(call.conf.0);
                    let leg = u64::from(call.call) << 32 | u64::from(attempt.0) << 16;
                    Some(match call.conf.is_nil() {
                        true => (u64::from(pbx.0), leg, u64::MAX),
                        false => (a, b, 0),
                    })
                }
                _ => None,
            },
            Belongs::Request => {
                let (line, request) = match &record.event {
                    Event::App(line, _, request, _) => (line, request),
                    Event::Reply(line, ticket, _) | Event::Due(Timer::Deadline(line, ticket)) => {
                        (line, &ticket.request)
                    }
                    _ => return None,
                };
                let turn = self.requests.get(&(*line, request.0)).copied().unwrap_or(0);
                Some((u64::from(line.0), u64::from(request.0), turn))
            }
            Belongs::Poll => match &record.event {
                Event::Pbx(
                    pbx,
                    _,
                    PbxFact::User(_) | PbxFact::Call(_) | PbxFact::Polled { .. },
                ) => Some((u64::from(pbx.0), self.polls, 0)),
                _ => None,
            },
        }
    }

    fn learn(&mut self, record: &Record) {
        match &record.event {
            Event::Host(HostFact::Started) => self.sessions += 1,
            Event::Pbx(pbx, attempt, PbxFact::UserInitialized(line, handle)) => {
                self.lines.insert((pbx.0, attempt.0, *handle), *line);
            }
            // A request may have the number of one that has completed.
            Event::App(line, _, request, _) => {
                self.count += 1;
                self.requests.insert((*line, request.0), self.count);
            }
            Event::Pbx(_, _, PbxFact::Polled { .. }) => self.polls += 1,
            _ => {}
        }
    }

    fn line_of(&self, record: &Record) -> Option<LineId> {
        match &record.event {
            Event::Host(fact) => match fact {
                HostFact::LineOpened { line, .. }
                | HostFact::LineClosed { line, .. }
                | HostFact::StatusMessages { line, .. } => Some(*line),
                HostFact::CallClosed(call)
                | HostFact::AppSpecific(call, _)
                | HostFact::MediaMode(call, _)
                | HostFact::NewCallRefused(call) => Some(call.line),
                _ => None,
            },
            Event::App(line, ..) | Event::Reply(line, ..) => Some(*line),
            Event::Due(timer) => match timer {
                Timer::Deadline(line, _) | Timer::Grace(line, _) => Some(*line),
                Timer::Ring(call, _) | Timer::NewCallAgain(call, _) => Some(call.line),
                _ => None,
            },
            Event::Pbx(pbx, attempt, fact) => match fact {
                PbxFact::UserInitialized(line, _) => Some(*line),
                PbxFact::Call(call) => {
                    self.lines.get(&(pbx.0, attempt.0, call.user_handle())).copied()
                }
                _ => None,
            },
            Event::Told(_) => None,
        }
    }
}

fn halves(guid: [u8; 16]) -> [u64; 2] {
    let whole = u128::from_be_bytes(guid);
    [(whole >> 64) as u64, whole as u64]
}
