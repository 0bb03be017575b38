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
use crate::view::LineView;
use std::collections::BTreeMap;

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
    by_guid: BTreeMap<Guid, LineId>,
    /// The setting that never two calls of a line are CONNECTED.
    single_active_call: bool,
    readings: Readings,
    /// It began in the middle of a session of the telephony server: what was opened and asked before
    /// is not known, so nothing is held against those who speak of it.
    joined_late: bool,
}

type Verdict = Result<(), Breach>;

impl Watch {
    /// Begins in the middle of a log, with the state there. What hangs on openings and requests of
    /// before is not checked until the next session of the telephony server.
    #[must_use]
    pub fn going_on(core: &Core) -> Watch {
        let settings = core.estate().configuration();
        let views: Vec<LineView> = core.lines().map(|line| line.view()).collect();
        let calls = views.iter().flat_map(|view| &view.calls);
        Watch {
            calls: calls.map(|call| (call.id, Some(call.state))).collect(),
            guids: views.iter().map(|view| (view.identity.line, view.identity.guid)).collect(),
            by_guid: views.iter().map(|view| (view.identity.guid, view.identity.line)).collect(),
            single_active_call: settings.is_some_and(|settings| settings.single_active_call),
            joined_late: true,
            ..Watch::default()
        }
    }

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
                *self = Watch {
                    at: self.at,
                    guids: std::mem::take(&mut self.guids),
                    by_guid: std::mem::take(&mut self.by_guid),
                    single_active_call: self.single_active_call,
                    ..Watch::default()
                };
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
        let said = self.told(record, effects)?;
        core.lines().try_for_each(|line| self.view(&line.view(), &said))?;
        self.requests()
    }

    /// The same at the cost of the lines that the record touched (`Core::apply_noting`): the others
    /// read as they did.
    ///
    /// # Errors
    /// The first [`Breach`].
    pub fn after_touching(
        &mut self,
        record: &Record,
        effects: &[Effect],
        core: &Core,
        touched: &[LineId],
    ) -> Verdict {
        if let Event::Host(HostFact::Configured(_)) = &record.event {
            // Other settings, other rules, for all lines.
            return self.after(record, effects, core);
        }
        let said = self.told(record, effects)?;
        let mut views = touched.iter().filter_map(|line| core.view(*line));
        views.try_for_each(|view| self.view(&view, &said))?;
        self.requests()
    }

    fn told(&mut self, record: &Record, effects: &[Effect]) -> Result<Said, Breach> {
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
        Ok(said)
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
        if self.joined_late {
            self.open.entry(line).or_insert(telling.opening);
        }
        let open = self.open.get(&line) == Some(&telling.opening);
        check(11, open, || format!("{telling:?} to a line that is not open"))?;
        match telling.what {
            What::Completed(request, result) => {
                let pending = self.requests.remove(&(line, request));
                check(6, pending.is_some() || self.joined_late, || {
                    format!("{request:?} completed once too often")
                })?;
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
                check(1, known.is_none() || self.joined_late, || {
                    format!("{call:?} was announced twice")
                })?;
            }
            What::Notice(Notice::CallState { call, state, .. }) => self.state(call, state)?,
            What::Notice(Notice::CallInfo(call, _) | Notice::Generated { call, .. }) => {
                match self.calls.get(&call) {
                    Some(Some(CallState::Idle)) => {
                        return check(2, false, || format!("{call:?}: {telling:?} after IDLE"));
                    }
                    Some(Some(_)) => {}
                    _ if self.joined_late => {}
                    _ => return check(1, false, || format!("{telling:?} before a state")),
                }
            }
            What::Notice(_) => {}
        }
        Ok(())
    }

    fn state(&mut self, call: CallId, state: CallState) -> Verdict {
        if self.joined_late {
            self.calls.entry(call).or_insert(None);
        }
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
        let of_line = CallId { serial: 0, ..call }..=CallId { serial: u32::MAX, ..call };
        let states = self.calls.range(of_line).map(|(_, state)| *state);
        let at_once = states.filter(|state| *state == Some(CallState::Connected)).count();
        // Where the setting has just been switched on, the others go on hold one after the other.
        let one_more = state == CallState::Connected && self.single_active_call;
        check(19, at_once <= 1 || !one_more, || {
            format!("{at_once} calls of {:?} are connected at once", call.line)
        })
    }

    fn view(&mut self, view: &LineView, said: &Said) -> Verdict {
        let (id, now) = (view.identity.line, view.identity.guid);
        let guid = *self.guids.entry(id).or_insert(now);
        let owner = *self.by_guid.entry(now).or_insert(id);
        check(10, guid == now && owner == id, || format!("{id:?} and {now:?} of {owner:?}"))?;
        let total = view.calls.len();
        check(24, total <= MAX_CALLS, || format!("{total} calls on {id:?}"))?;
        let counts = view.counts();
        let live = view.calls.iter().filter(|call| call.state != CallState::Idle).count();
        let counted = (counts.active + counts.held + counts.hold_pending) as usize;
        check(9, live == counted, || format!("{live} calls, {counted} counted"))?;
        let connected = view.calls.iter().filter(|call| call.state == CallState::Connected).count();
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
        // What the host wants to hear hangs on openings, too.
        if self.joined_late { Ok(()) } else { self.readings.line(view, said, &self.calls) }
    }

    fn requests(&self) -> Verdict {
        let requests = self.requests.len();
        let most = MAX_REQUESTS * self.open.len().max(1);
        check(24, requests <= most, || format!("{requests} requests open"))
    }
}

fn check(number: u8, holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Breach { number, what: what() }) }
}
