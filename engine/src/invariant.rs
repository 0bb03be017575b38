//! The invariants that can be seen from outside the engine, as functions.
//!
//! A [`Watch`] sees every record, its effects and the state after it, and says which invariant was
//! broken first. Tests, simulation and replay run it; the provider does not. The numbers are those
//! of ARCHITECTURE.md. What can only be proved by comparing two runs (I-13 to I-16) is in the
//! property tests, what concerns bytes (I-21, I-22) beside the writers.

mod readings;

use self::readings::{Readings, Said};
use crate::call::{self, Siblings, may_follow};
use crate::core::Core;
use crate::effect::{Effect, Notice, Telling, What};
use crate::fact::{Command, Event, HostFact, Record};
use crate::id::{CallId, Guid, LineId, Opening, RequestId};
use crate::line::{MAX_CALLS, MAX_REQUESTS};
use crate::tapi::CallState;
use crate::time::{Millis, Timer};
use std::collections::{BTreeMap, BTreeSet};

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("I-{number:02} is broken: {what}")]
pub struct Breach {
    /// Its number.
    pub number: u8,
    /// What was seen.
    pub what: String,
}

/// Watches a fold from its beginning.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    at: Millis,
    open: BTreeMap<LineId, Opening>,
    /// Calls that TAPI was told of in the present opening, and the state it was told last.
    calls: BTreeMap<CallId, Option<CallState>>,
    /// Requests accepted and not completed; for `MakeCall` the call it creates.
    requests: BTreeMap<(LineId, RequestId), [Option<CallId>; 2]>,
    /// The two calls of each transfer that is to be completed.
    transfers: BTreeMap<(LineId, RequestId), [CallId; 2]>,
    guids: BTreeMap<LineId, Guid>,
    /// The setting that never two calls of a line are CONNECTED.
    single_active_call: bool,
    readings: Readings,
}

type Verdict = Result<(), Breach>;

impl Watch {
    /// Sees a record before it is applied.
    ///
    /// # Errors
    /// [`Breach`] of I-23.
    pub fn before(&mut self, record: &Record) -> Verdict {
        check(23, record.at >= self.at, || format!("{:?} after {:?}", record.at, self.at))?;
        self.at = record.at;
        if let Event::Host(fact) = &record.event {
            self.readings.host(fact);
        }
        match &record.event {
            Event::Host(HostFact::Started) => {
                let guids = std::mem::take(&mut self.guids);
                let single_active_call = self.single_active_call;
                *self = Watch { at: self.at, guids, single_active_call, ..Watch::default() };
            }
            Event::Host(HostFact::Configured(configuration)) => {
                self.single_active_call = configuration.single_active_call;
            }
            Event::Host(HostFact::LineOpened { line, opening, .. }) => {
                self.open.insert(*line, *opening);
                self.calls.retain(|call, _| call.line != *line);
            }
            // The host does not have the call; it will be offered again.
            Event::Host(HostFact::NewCallRefused(call)) => {
                self.calls.remove(call);
            }
            Event::App(line, opening, request, command)
                if self.open.get(line) == Some(opening) && !request.is_own() =>
            {
                self.requests.insert((*line, *request), command.makes());
                self.transfers.remove(&(*line, *request));
                if let Command::CompleteTransfer { call, consultation, conference: None } = command
                {
                    self.transfers.insert((*line, *request), [*call, *consultation]);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Sees what the record led to.
    ///
    /// # Errors
    /// The first [`Breach`].
    pub fn after(&mut self, record: &Record, effects: &[Effect], core: &Core) -> Verdict {
        for effect in effects {
            if let Effect::Tell(telling) = effect {
                self.telling(telling)?;
            }
        }
        match &record.event {
            Event::Host(HostFact::LineClosed { line, opening })
                if self.open.get(line) == Some(opening) =>
            {
                let left = self.requests.keys().find(|(of, _)| of == line);
                check(6, left.is_none(), || format!("{left:?} is open on a closed line"))?;
                self.open.remove(line);
                self.calls.retain(|call, _| call.line != *line);
            }
            Event::Host(HostFact::CallClosed(call)) => {
                self.calls.remove(call);
            }
            _ => {}
        }
        let mut said = Said::of(effects);
        if let Event::Due(Timer::NewCallAgain(call, _)) = record.event {
            said.repeats(call);
        }
        self.views(core, &said)
    }

    /// Checks that nothing is under way any more: at the end of a run that was given time to end.
    ///
    /// # Errors
    /// [`Breach`] of I-06 or I-04.
    pub fn at_rest(&self) -> Verdict {
        self.all_completed()?;
        let stuck = self.calls.iter().find(|(_, state)| **state == Some(CallState::Disconnected));
        check(4, stuck.is_none(), || format!("{stuck:?} never became IDLE"))
    }

    /// Checks that no request is open any more: after all deadlines have passed.
    ///
    /// # Errors
    /// [`Breach`] of I-06.
    pub fn all_completed(&self) -> Verdict {
        let open = self.requests.keys().next();
        check(6, open.is_none(), || format!("{open:?} was never completed"))
    }

    fn telling(&mut self, telling: &Telling) -> Verdict {
        let line = telling.line;
        match telling.what {
            What::Notice(Notice::LineCreated) => return Ok(()),
            What::Notice(Notice::LineRemoved) => {
                let live = self
                    .calls
                    .iter()
                    .find(|(call, state)| call.line == line && **state != Some(CallState::Idle));
                return check(12, live.is_none(), || format!("{live:?} on a removed line"));
            }
            _ => {}
        }
        let open = self.open.get(&line) == Some(&telling.opening);
        check(11, open, || format!("{telling:?} to a line that is not open"))?;
        match telling.what {
            What::Completed(request, result) => {
                let pending = self.requests.remove(&(line, request));
                check(6, pending.is_some(), || format!("{request:?} completed once too often"))?;
                let pair = self.transfers.remove(&(line, request));
                if let (Some(pair), Ok(())) = (pair, result) {
                    let left = pair.into_iter().find(|call| {
                        matches!(self.calls.get(call), Some(Some(state)) if *state != CallState::Idle)
                    });
                    check(20, left.is_none(), || format!("{left:?} outlives its transfer"))?;
                }
                if let (Some(made), Ok(())) = (pending, result) {
                    self.calls.extend(made.into_iter().flatten().map(|call| (call, None)));
                }
            }
            What::Notice(Notice::NewCall(call)) => {
                let known = self.calls.insert(call, None);
                check(1, known.is_none(), || format!("{call:?} was announced twice"))?;
            }
            What::Notice(Notice::CallState { call, state, .. }) => self.state(call, state)?,
            What::Notice(Notice::CallInfo(call, _) | Notice::Generated { call, .. }) => {
                match self.calls.get(&call) {
                    Some(Some(CallState::Idle)) => {
                        return check(2, false, || format!("{call:?}: {telling:?} after IDLE"));
                    }
                    Some(Some(_)) => {}
                    _ => return check(1, false, || format!("{telling:?} before a state")),
                }
            }
            What::Notice(_) => {}
        }
        Ok(())
    }

    fn state(&mut self, call: CallId, state: CallState) -> Verdict {
        let Some(last) = self.calls.get_mut(&call) else {
            let number = if call.is_made() { 5 } else { 1 };
            return check(number, false, || format!("{call:?}: {state:?} before it was announced"));
        };
        if let Some(last) = *last {
            check(2, last != CallState::Idle, || format!("{call:?}: {state:?} after IDLE"))?;
            let terminal = last != CallState::Disconnected || state == CallState::Idle;
            check(4, terminal, || format!("{call:?}: DISCONNECTED, then {state:?}"))?;
            check(3, may_follow(last, state), || format!("{call:?}: {last:?} to {state:?}"))?;
        }
        *last = Some(state);
        let connected = |(of, state): &(&CallId, &Option<CallState>)| {
            of.line == call.line && **state == Some(CallState::Connected)
        };
        let at_once = self.calls.iter().filter(connected).count();
        // Where the setting has just been switched on, the others go on hold one after the other.
        let one_more = state == CallState::Connected && self.single_active_call;
        check(19, at_once <= 1 || !one_more, || {
            format!("{at_once} calls of {:?} are connected at once", call.line)
        })
    }

    fn views(&mut self, core: &Core, said: &Said) -> Verdict {
        let mut seen = BTreeSet::new();
        for line in core.lines() {
            let view = line.view();
            let id = view.identity.line;
            let guid = *self.guids.entry(id).or_insert(view.identity.guid);
            let same = guid == view.identity.guid && seen.insert(guid);
            check(10, same, || format!("{id:?} and {:?}", view.identity.guid))?;
            let total = view.calls.len();
            check(24, total <= MAX_CALLS, || format!("{total} calls on {id:?}"))?;
            let counts = view.counts();
            let live = view.calls.iter().filter(|call| call.state != CallState::Idle).count();
            let counted = (counts.active + counts.held + counts.hold_pending) as usize;
            check(9, live == counted, || format!("{live} calls, {counted} counted"))?;
            let connected =
                view.calls.iter().filter(|call| call.state == CallState::Connected).count();
            check(19, connected <= 1 || !self.single_active_call, || {
                format!("{connected} calls read CONNECTED on {id:?}")
            })?;
            for call in &view.calls {
                let legal = call::features(call.state, Siblings::ANY, view.in_service);
                check(8, call.features & !legal == 0, || format!("{:?}", call.features))?;
                if let Some(Some(told)) = self.calls.get(&call.id) {
                    check(7, *told == call.state, || {
                        format!("{:?} was told {told:?} and reads {:?}", call.id, call.state)
                    })?;
                }
            }
            self.readings.line(&view, said, &self.calls)?;
        }
        let requests = self.requests.len();
        let most = MAX_REQUESTS * self.open.len().max(1);
        check(24, requests <= most, || format!("{requests} requests open"))
    }
}

fn check(number: u8, holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Breach { number, what: what() }) }
}
