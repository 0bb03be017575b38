//! The gate between what came of records and those who may see it.
//!
//! Records are folded while they are written. Nobody may see anything of them before they are folded
//! *and* safe; whichever of the two threads is done last opens the gate, so that no further thread
//! has to be woken for it.

use super::io_thread::Outlet;
use super::reports::Reports;
use super::{Audience, Caused, requests};
use crate::metrics::Metrics;
use crate::views::Views;
use engine::effect::{Ask, Effect, Report};
use engine::id::LineId;
use engine::time::{Millis, Timer};
use engine::view::LineView;
use std::sync::{Arc, Mutex, PoisonError};

/// What came of records.
#[derive(Default)]
pub(crate) struct Outcome {
    /// In order; the latest view of a line is last.
    views: Vec<(LineId, Arc<LineView>)>,
    tellings: Vec<Caused>,
    asks: Vec<Ask>,
    wishes: Vec<(Millis, Timer)>,
    reports: Vec<Report>,
}

impl Outcome {
    /// Of views in their order, and effects, each with the number of its record after `first_seq`.
    pub(crate) fn of(
        views: Vec<(LineId, Arc<LineView>)>,
        first_seq: u64,
        effects: impl Iterator<Item = (usize, Effect)>,
    ) -> Outcome {
        let mut outcome = Outcome { views, ..Outcome::default() };
        outcome.tellings.reserve(effects.size_hint().0);
        for (index, effect) in effects {
            match effect {
                Effect::Tell(telling) => {
                    outcome.tellings.push(Caused { seq: first_seq + index as u64, telling });
                }
                Effect::Ask(ask) => outcome.asks.push(*ask),
                Effect::Wake(at, timer) => outcome.wishes.push((at, timer)),
                Effect::Report(report) => outcome.reports.push(report),
            }
        }
        outcome
    }

    fn append(&mut self, mut later: Outcome) {
        self.views.append(&mut later.views);
        self.tellings.append(&mut later.tellings);
        self.asks.append(&mut later.asks);
        self.wishes.append(&mut later.wishes);
        self.reports.append(&mut later.reports);
    }
}

/// Shared by the thread that folds and the one that writes.
pub(crate) struct Gate {
    views: Arc<Views>,
    audience: Arc<dyn Audience>,
    outlet: Outlet,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// All records before this one are folded.
    folded: u64,
    /// All records before this one are in the log, as the settings want it.
    safe: u64,
    /// What nobody may see yet.
    held: Outcome,
    reports: Reports,
}

impl Gate {
    pub(crate) fn new(
        views: Arc<Views>,
        audience: Arc<dyn Audience>,
        outlet: Outlet,
        metrics: Arc<Metrics>,
    ) -> Gate {
        Gate { views, audience, outlet, metrics, state: Mutex::default() }
    }

    /// All records before `next` are folded; this came of the last of them.
    pub(crate) fn folded(&self, next: u64, outcome: Outcome) {
        self.change(|state| {
            state.folded = next;
            state.held.append(outcome);
        });
    }

    /// All records before `next` are safe.
    pub(crate) fn safe(&self, next: u64) {
        self.change(|state| state.safe = next);
    }

    /// The lock is held until all is handed over, or the outcomes of two batches could change places.
    fn change(&self, change: impl FnOnce(&mut State)) {
        // Nothing in here is left half done by a panic but what is handed over.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        if state.folded <= state.safe {
            let outcome = std::mem::take(&mut state.held);
            self.open(outcome, &mut state.reports);
        }
    }

    /// Views first: whoever is told something reads at least that (I-07).
    fn open(&self, outcome: Outcome, reports: &mut Reports) {
        for (line, view) in outcome.views {
            self.views.publish(line, view);
        }
        for report in &outcome.reports {
            if !requests::note(report, &self.metrics.requests) {
                self.metrics.reported(report);
                reports.write_down(report);
            }
        }
        self.metrics.caused(outcome.tellings.iter().map(|caused| &caused.telling.what));
        self.outlet.ask(outcome.asks);
        self.outlet.wake(outcome.wishes);
        if !outcome.tellings.is_empty() {
            self.audience.hear(outcome.tellings);
        }
    }
}
