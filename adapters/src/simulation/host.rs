//! The telephony server with its applications: opens lines, takes callbacks, closes calls. What its
//! applications ask for is in `applications.rs`.

use super::agenda::Step;
use super::finding::Finding;
use super::world::World;
use engine::core::Core;
use engine::effect::{Notice, Telling, What as Said};
use engine::fact::{Command, Event, HostFact, Outcome, Told};
use engine::id::{CallId, LineId, Opening, RequestId};
use engine::tapi::CallState;
use engine::time::Millis;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Most callbacks between two notes about them.
const LOT: usize = 256;

/// The telephony server.
#[derive(Default)]
pub(super) struct Host {
    /// Devices it was told of.
    pub(super) known: BTreeSet<LineId>,
    /// Lines it has opened.
    pub(super) open: BTreeMap<LineId, Opening>,
    /// Calls it has a handle of.
    pub(super) calls: BTreeMap<CallId, Booked>,
    /// Requests that wait for their completion, with the calls that they make.
    requests: BTreeMap<RequestId, Waiting>,
    /// Requests completed by a close before their completion came.
    forced: BTreeSet<RequestId>,
    inbox: VecDeque<(u64, Telling)>,
    is_taking: bool,
    /// It is being shut down.
    pub(super) is_over: bool,
    pub(super) hangs_until: Millis,
    /// It does not take the next new call.
    pub(super) refuses_next: bool,
    last_opening: u32,
    last_request: u32,
    last_made: u32,
    excuses: BTreeMap<LineId, Vec<Option<u32>>>,
}

/// A call that the server has a handle of.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Booked {
    /// The request that makes it has not completed.
    pub(super) is_pending: bool,
    pub(super) state: Option<CallState>,
}

/// A request that was not completed yet.
#[derive(Clone, Debug)]
struct Waiting {
    line: LineId,
    about: Option<CallId>,
    makes: Vec<CallId>,
    /// Name of the command.
    kind: String,
}

/// What a message makes the server do, after a while.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reaction {
    Open(LineId),
    Close(LineId),
    CloseCall(CallId),
    Answer(CallId),
}

impl Host {
    /// A new process: nothing of before is left, but for what it has of the provider's lines.
    pub(super) fn begin(&mut self, core: &Core) {
        let known = core.estate().lines().map(|identity| identity.line).collect();
        let hangs_until = self.hangs_until;
        *self = Host { known, hangs_until, ..Host::default() };
    }

    /// The server is being shut down: whatever waits has its completion.
    pub(super) fn force_all(&mut self) {
        self.is_over = true;
        self.forced.extend(std::mem::take(&mut self.requests).into_keys());
        self.open.clear();
        self.calls.clear();
    }

    /// Whether callbacks wait to be made.
    pub(super) fn has_callbacks(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// Requests that wait for their completion.
    pub(super) fn waiting(&self) -> impl Iterator<Item = RequestId> {
        self.requests.keys().copied()
    }

    pub(super) fn next_request(&mut self) -> RequestId {
        self.last_request += 1;
        RequestId(self.last_request)
    }

    /// A request that returns at once and is no DRV_REQUESTID.
    pub(super) fn next_own_request(&mut self) -> RequestId {
        self.last_request += 1;
        RequestId(RequestId::FIRST_OWN + self.last_request)
    }

    pub(super) fn next_made(&mut self, line: LineId) -> CallId {
        self.last_made += 1;
        CallId { line, serial: CallId::FIRST_MADE + self.last_made }
    }

    /// Books a request.
    pub(super) fn wait_for(
        &mut self,
        request: RequestId,
        line: LineId,
        about: Option<CallId>,
        makes: Vec<CallId>,
        command: &Command,
    ) {
        for made in &makes {
            self.calls.insert(*made, Booked { is_pending: true, state: None });
        }
        let kind = format!("{command:?}").split([' ', '(']).next().unwrap_or_default().to_owned();
        self.requests.insert(request, Waiting { line, about, makes, kind });
    }

    /// A leg that is there at the PBX, but that applications need not see; none if it is not known
    /// which one.
    pub(super) fn excuse(&mut self, line: LineId, leg: Option<u32>) {
        self.excuses.entry(line).or_default().push(leg);
    }

    /// The legs got other names.
    pub(super) fn forget_which_legs(&mut self) {
        self.excuses.values_mut().flatten().for_each(|leg| *leg = None);
    }

    /// The legs of a line that applications need not see.
    pub(super) fn excuses(&self, line: LineId) -> &[Option<u32>] {
        self.excuses.get(&line).map_or(&[], Vec::as_slice)
    }

    /// Completes what concerns a call or a line that is being closed.
    fn force(&mut self, concerns: impl Fn(&Waiting) -> bool) -> Vec<CallId> {
        let gone: Vec<RequestId> = self
            .requests
            .iter()
            .filter(|(_, waiting)| concerns(waiting))
            .map(|(request, _)| *request)
            .collect();
        let mut made = Vec::new();
        for request in gone {
            made.extend(self.requests.remove(&request).into_iter().flat_map(|w| w.makes));
            self.forced.insert(request);
        }
        made
    }
}

impl World<'_> {
    /// A callback is to be made.
    pub(super) fn tell(&mut self, seq: u64, telling: Telling) {
        self.host.inbox.push_back((seq, telling));
        if !self.host.is_taking {
            self.host.is_taking = true;
            let most = if self.is_quiet { 1 } else { self.swarm.callback_ms };
            let takes_ms = self.dice.host.ms(0..=most);
            let hangs_ms = self.host.hangs_until.since(self.now);
            self.machine(takes_ms.max(hangs_ms), Step::Callbacks);
        }
    }

    /// The callbacks that wait are made, one after the other.
    pub(super) fn make_callbacks(&mut self) -> Result<(), Finding> {
        self.host.is_taking = false;
        let count = self.host.inbox.len().min(LOT);
        let mut told = Vec::with_capacity(count);
        for (seq, telling) in self.host.inbox.drain(..count).collect::<Vec<_>>() {
            let outcome = self.deliver(&telling)?;
            self.tally.callbacks += 1;
            self.say(|| format!("CALLBACK {telling:?} {outcome:?}"));
            told.push(Told { seq, crc: engine::told::crc(&telling), outcome });
        }
        if let Some((seq, telling)) = self.host.inbox.pop_front() {
            self.tell(seq, telling);
        }
        self.arrive_some_time(Event::Told(told));
        Ok(())
    }

    fn deliver(&mut self, telling: &Telling) -> Result<Outcome, Finding> {
        let line = telling.line;
        let notice = match telling.what {
            Said::Completed(request, result) => {
                return self.complete(request, result.is_ok());
            }
            Said::Notice(notice) => notice,
        };
        match notice {
            Notice::LineCreated => {
                self.host.known.insert(line);
                self.react(1..=2_000, Reaction::Open(line));
                return Ok(Outcome::Delivered);
            }
            Notice::LineRemoved => {
                self.host.known.remove(&line);
                self.react(1..=500, Reaction::Close(line));
                return Ok(Outcome::Delivered);
            }
            _ => {}
        }
        if self.host.open.get(&line) != Some(&telling.opening) {
            return Ok(Outcome::Withheld);
        }
        match notice {
            Notice::NewCall(call) => Ok(self.offered(call)),
            Notice::CallState { call, state, .. } => Ok(self.heard_state(call, state)),
            Notice::CallInfo(call, _) | Notice::Generated { call, .. } => {
                let known = self.host.calls.contains_key(&call);
                Ok(if known { Outcome::Delivered } else { Outcome::Withheld })
            }
            _ => Ok(Outcome::Delivered),
        }
    }

    fn complete(&mut self, request: RequestId, went_well: bool) -> Result<Outcome, Finding> {
        if self.host.forced.remove(&request) {
            return Ok(Outcome::Forced);
        }
        let Some(waiting) = self.host.requests.remove(&request) else {
            return Err(Finding::CompletedTwice(request));
        };
        self.tally.completions += 1;
        if went_well {
            self.tally.successes.count(&waiting.kind);
        }
        for made in waiting.makes {
            if went_well {
                if let Some(booked) = self.host.calls.get_mut(&made) {
                    booked.is_pending = false;
                }
            } else {
                self.host.calls.remove(&made);
            }
        }
        Ok(Outcome::Delivered)
    }

    /// LINE_NEWCALL: the server takes the call, or cannot now.
    fn offered(&mut self, call: CallId) -> Outcome {
        if self.host.calls.contains_key(&call) {
            return Outcome::Withheld;
        }
        let refuses = std::mem::take(&mut self.host.refuses_next);
        if refuses || !self.is_quiet && self.dice.host.happens(self.swarm.refused_calls) {
            self.note(HostFact::NewCallRefused(call));
        } else {
            self.host.calls.insert(call, Booked::default());
        }
        Outcome::Delivered
    }

    fn heard_state(&mut self, call: CallId, state: CallState) -> Outcome {
        let Some(booked) = self.host.calls.get_mut(&call) else { return Outcome::Withheld };
        booked.state = Some(state);
        match state {
            CallState::Idle if self.is_quiet || !self.dice.host.happens(100) => {
                self.react(1..=3_000, Reaction::CloseCall(call));
            }
            CallState::Offering if !self.is_quiet && self.dice.host.happens(400) => {
                self.react(200..=5_000, Reaction::Answer(call));
            }
            _ => {}
        }
        Outcome::Delivered
    }

    // ---- what the server does by itself ----------------------------------------------------

    fn react(&mut self, after_ms: std::ops::RangeInclusive<u64>, reaction: Reaction) {
        let after_ms = self.dice.host.ms(after_ms);
        self.machine(after_ms, Step::Reacts(reaction));
    }

    /// Does what a message made the server do.
    pub(super) fn reacts(&mut self, reaction: Reaction) -> Result<(), Finding> {
        if self.host.is_over {
            return Ok(());
        }
        match reaction {
            Reaction::Open(line) => self.open_line(line),
            Reaction::Close(line) => self.close_line(line),
            Reaction::CloseCall(call) => self.close_call(call),
            Reaction::Answer(call) => return self.answer(call),
        }
        Ok(())
    }

    /// `TSPI_lineOpen`, and what the server does then.
    pub(super) fn open_line(&mut self, line: LineId) {
        if !self.host.known.contains(&line) || self.host.open.contains_key(&line) {
            return;
        }
        self.host.last_opening += 1;
        let opening = Opening(self.host.last_opening);
        self.host.open.insert(line, opening);
        self.host.excuses.remove(&line);
        self.say(|| format!("HOST     opens {line:?}"));
        self.note(HostFact::LineOpened { line, opening, version: 0x0003_0000 });
        let all = self.is_scripted || self.dice.host.happens(700);
        let (line_states, address_states) = if all { (0x1FF_FFFF, 0x1FF) } else { (0x3, 0) };
        self.note(HostFact::StatusMessages { line, line_states, address_states });
    }

    /// `TSPI_lineClose`.
    pub(super) fn close_line(&mut self, line: LineId) {
        let Some(opening) = self.host.open.remove(&line) else { return };
        self.host.calls.retain(|call, _| call.line != line);
        self.host.force(|waiting| waiting.line == line);
        self.say(|| format!("HOST     closes {line:?}"));
        self.note(HostFact::LineClosed { line, opening });
    }

    /// `TSPI_lineCloseCall`.
    pub(super) fn close_call(&mut self, call: CallId) {
        if self.host.calls.remove(&call).is_none() {
            return;
        }
        let view = self.provider.core.view(call.line);
        let known = view.as_ref().and_then(|view| Some((view, view.call(call)?)));
        if known.is_none_or(|(_, call)| call.state != CallState::Idle) {
            let leg = known.and_then(|(view, call)| self.leg_of(view, call));
            self.host.excuse(call.line, leg);
        }
        self.say(|| format!("HOST     closes {call:?}"));
        self.note(HostFact::CallClosed(call));
        let concerns =
            |waiting: &Waiting| waiting.about == Some(call) || waiting.makes.contains(&call);
        for made in self.host.force(concerns).into_iter().filter(|made| *made != call) {
            self.host.calls.remove(&made);
            self.host.excuse(made.line, None);
            self.note(HostFact::CallClosed(made));
        }
    }

    /// Something of the host's goes to the log.
    pub(super) fn note(&mut self, fact: HostFact) {
        self.send_to_log(Event::Host(fact));
    }

    /// In the order in which it was done: the queue to the log keeps it.
    pub(super) fn send_to_log(&mut self, event: Event) {
        self.machine(0, Step::Arrives(vec![event]));
    }
}
