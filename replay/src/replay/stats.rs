//! `tapline replay stats`: a log in numbers.

use super::progress::Progress;
use super::records;
use super::reel::{Next, Reel};
use crate::command_line::ReplayStats;
use crate::output::line;
use crate::playback::Playback;
use crate::rows::{fitted, heading};
use crate::trouble::Trouble;
use adapters::trace::Trace;
use engine::effect::{Effect, Notice, What};
use engine::fact::{Event, HostFact, Record};
use engine::id::{CallId, RequestId};
use engine::tapi::CallState;
use engine::time::Millis;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

/// Counts a log.
pub(super) fn show(options: &ReplayStats) -> Result<(), Trouble> {
    let trace = Trace::open(&options.log)?;
    let (mut reel, core, _) = Reel::begin(&trace)?;
    let mut stats = Stats::default();
    let mut playback = Playback::from(core);
    let mut progress = Progress::new("records");
    let begun = Instant::now();
    for next in &mut reel {
        let record = match next {
            Next::Record(_, record) => record,
            Next::Leap(leap) => {
                playback.set_core(leap.core);
                stats.asked.clear();
                stats.live.clear();
                continue;
            }
        };
        progress.record();
        stats.record(&record);
        playback.take(record);
        stats.effects(&playback);
    }
    let seconds = begun.elapsed().as_secs_f64().max(1e-9);
    let per_second = (stats.count as f64 / seconds) as u64;
    if options.json {
        line(&stats.object(per_second).to_string())?;
    } else {
        stats.print(per_second)?;
    }
    reel.end()
}

#[derive(Default)]
struct Stats {
    count: u64,
    records: BTreeMap<&'static str, u64>,
    callbacks: BTreeMap<String, u64>,
    asked: BTreeMap<RequestId, (&'static str, Millis)>,
    /// By function.
    requests: BTreeMap<&'static str, Asked>,
    /// When calls began that are not idle.
    live: BTreeMap<CallId, (Millis, Option<Millis>)>,
    calls: u64,
    most_at_once: usize,
    talked_ms: Vec<u64>,
}

/// How the requests of one function ended.
#[derive(Default)]
struct Asked {
    done: u64,
    /// By error.
    refused: BTreeMap<String, u64>,
    took_ms: Vec<u64>,
}

impl Stats {
    fn record(&mut self, record: &Record) {
        self.count += 1;
        *self.records.entry(records::kind(record)).or_default() += 1;
        match &record.event {
            Event::App(_, _, request, command) => {
                self.asked.insert(*request, (command.function().name(), record.at));
            }
            Event::Host(HostFact::Started) => {
                self.asked.clear();
                self.live.clear();
            }
            _ => {}
        }
    }

    fn effects(&mut self, playback: &Playback) {
        let at = playback.at();
        for effect in playback.effects() {
            let Effect::Tell(telling) = effect else { continue };
            let name = match &telling.what {
                What::Completed(request, result) => {
                    if let Some((function, asked_at)) = self.asked.remove(request) {
                        let asked = self.requests.entry(function).or_default();
                        match result {
                            Ok(()) => asked.done += 1,
                            Err(error) => {
                                *asked.refused.entry(error.to_string()).or_default() += 1;
                            }
                        }
                        asked.took_ms.push(at.since(asked_at));
                    }
                    "ASYNC_COMPLETION".to_owned()
                }
                What::Notice(notice) => self.notice(at, notice),
            };
            *self.callbacks.entry(name).or_default() += 1;
        }
        self.most_at_once = self.most_at_once.max(self.live.len());
    }

    fn notice(&mut self, at: Millis, notice: &Notice) -> String {
        match notice {
            Notice::CallState { call, state, .. } => {
                match state {
                    CallState::Idle => {
                        if let Some((_, Some(connected))) = self.live.remove(call) {
                            self.talked_ms.push(at.since(connected));
                        }
                    }
                    state => {
                        let is_new = !self.live.contains_key(call);
                        self.calls += u64::from(is_new);
                        let (_, connected) = self.live.entry(*call).or_insert((at, None));
                        if *state == CallState::Connected {
                            connected.get_or_insert(at);
                        }
                    }
                }
                format!("CALLSTATE {}", state.name())
            }
            Notice::LineCreated => "CREATE".into(),
            Notice::LineRemoved => "REMOVE".into(),
            Notice::NewCall(_) => "NEWCALL".into(),
            Notice::CallInfo(..) => "CALLINFO".into(),
            Notice::AddressState(_) => "ADDRESSSTATE".into(),
            Notice::LineDevState(..) => "LINEDEVSTATE".into(),
            Notice::Generated { .. } => "GENERATE".into(),
        }
    }

    fn object(&self, per_second: u64) -> Value {
        let requests: Vec<Value> = self
            .requests
            .iter()
            .map(|(function, Asked { done, refused, took_ms })| {
                json!({
                    "function": function,
                    "done": done,
                    "refused": refused,
                    "median_ms": median(took_ms),
                    "longest_ms": took_ms.iter().max(),
                })
            })
            .collect();
        json!({
            "records": self.count,
            "records_by_kind": self.records,
            "callbacks": self.callbacks,
            "requests": requests,
            "calls": {
                "seen": self.calls,
                "most_at_once": self.most_at_once,
                "talked": self.talked_ms.len(),
                "median_talk_ms": median(&self.talked_ms),
                "longest_talk_ms": self.talked_ms.iter().max(),
            },
            "records_per_second": per_second,
        })
    }

    fn print(&self, per_second: u64) -> Result<(), Trouble> {
        let counts = |title: &str, counts: Vec<(&str, u64)>| {
            line(&heading(title))?;
            let print = |(name, count)| line(&format!("{}  {count:>9}", fitted(name, 30)));
            counts.into_iter().try_for_each(print)?;
            line("")
        };
        counts("Records", self.records.iter().map(|(kind, count)| (*kind, *count)).collect())?;
        let callbacks = self.callbacks.iter().map(|(kind, count)| (kind.as_str(), *count));
        counts("Callbacks", callbacks.collect())?;
        line(&heading("Requests"))?;
        for (function, Asked { done, refused, took_ms }) in &self.requests {
            let total: u64 = refused.values().sum();
            let refused: Vec<String> =
                refused.iter().map(|(error, count)| format!("{count} {error}")).collect();
            line(&format!(
                "{}  {done:>6} done, {} refused; median {} ms, longest {} ms  {}",
                fitted(function, 24),
                total,
                median(took_ms),
                took_ms.iter().max().unwrap_or(&0),
                refused.join(", ")
            ))?;
        }
        line("")?;
        line(&format!(
            "{} calls of lines, at most {} at once; {} were connected, half of them for more than \
             {} s. Replayed at {per_second} records a second.",
            self.calls,
            self.most_at_once,
            self.talked_ms.len(),
            median(&self.talked_ms) / 1000
        ))
    }
}

fn median(numbers: &[u64]) -> u64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}
