//! What a record says about conversations: what it is itself, and what it led to.

use super::super::{Band, Column, Ground, Leg, LegEvent, Mark, Step, StepKind, words};
use super::{Asked, Handle, Heard, Here, Key, Ladders, MAX_EARLY, Way};
use crate::rows::Said;
use engine::effect::{Effect, Notice, Report, Request, Surprise, What};
use engine::fact::{CallInfo, Command, Event, HostFact, PbxFact, Record, Reply};
use engine::id::{CallHandle, CallId, Correlation, LineId, PbxId, RequestId, Ticket};
use engine::line::Rule;
use engine::time::Timer;

impl Ladders {
    /// A request begins. What it makes begins a conversation.
    pub(super) fn asked(&mut self, here: &Here<'_>, request: RequestId, command: &Command) {
        let begun = here.playback.effects().iter().find_map(|effect| match effect {
            Effect::Report(Report::RequestBegun(id, ..)) => Some(*id),
            _ => None,
        });
        // A line that there is not.
        let Some(id) = begun else { return };
        let mut key = Some(Key::Request(id));
        for made in command.makes().into_iter().flatten() {
            let key = key.take().unwrap_or(Key::Call(made));
            self.begin_leg(made, key, here, None);
        }
        let calls: Vec<CallId> = words::calls_of(command)
            .into_iter()
            .filter(|call| self.calls.contains_key(call))
            .collect();
        let conversation = calls.is_empty().then(|| self.conversation(Key::Request(id), here));
        let (function, rule) = (command.function(), Rule::of(command));
        let pbx = here.playback.core().line_of(id.line).and_then(|line| line.monitored_in());
        let pbx = pbx.map_or(PbxId(0), |link| link.pbx);
        let asked = Asked { function, calls, conversation, rule, pbx, is_open: true };
        self.requests.insert(id, asked);
        self.relate(id);
        let what = StepKind::Asked { function, request, words: words::asked(command) };
        self.put_for(id, here.heard(Some(id), Way::FromApplication, what));
    }

    /// What the record itself is.
    pub(super) fn cause(&mut self, record: &Record, here: &Here<'_>) {
        match &record.event {
            Event::Pbx(pbx, attempt, PbxFact::Call(info)) => {
                self.call_event((*pbx, *attempt, info.call), info, here);
            }
            Event::Reply(line, ticket, reply) => self.answer(*line, *ticket, reply, here),
            Event::Due(Timer::Deadline(line, ticket)) => {
                let id = Correlation::new(*line, *ticket);
                if self.requests.get(&id).is_some_and(|asked| asked.is_open) {
                    self.put_for(id, here.heard(Some(id), Way::AtLine, StepKind::Deadline));
                }
            }
            Event::Host(HostFact::CallClosed(call)) => {
                self.put_at(*call, here.heard(None, Way::FromApplication, StepKind::Closed));
            }
            Event::Host(HostFact::NewCallRefused(call)) => {
                self.put_at(*call, here.heard(None, Way::FromApplication, StepKind::NotTaken));
            }
            _ => {}
        }
    }

    pub(super) fn call_event(&mut self, handle: Handle, info: &CallInfo, here: &Here<'_>) {
        let is_last = !info.active || info.msg == engine::fact::Msg::Del;
        let event = LegEvent {
            leg: info.call,
            msg: info.msg.clone(),
            state: info.state,
            cause: info.cause,
            is_last,
        };
        let heard = here.heard(None, Way::FromPbx(handle.0), StepKind::Event(event));
        match self.handles.get(&handle).copied() {
            Some(call) => self.put_at(call, heard),
            None => {
                if self.early.len() == MAX_EARLY {
                    self.early.pop_front();
                }
                self.early.push_back((handle, heard));
            }
        }
    }

    pub(super) fn answer(&mut self, line: LineId, ticket: Ticket, reply: &Reply, here: &Here<'_>) {
        let id = match self.questions.remove(&(line, ticket)) {
            Some(id) => id,
            None => Correlation::new(line, ticket),
        };
        let pbx = self.requests.get(&id).map_or(PbxId(0), |asked| asked.pbx);
        let what = StepKind::Answered { words: words::answer(reply), is_good: is_good(reply) };
        self.put_for(id, here.heard(Some(id), Way::FromPbx(pbx), what));
    }

    /// What the record led to.
    pub(super) fn effects(&mut self, here: &Here<'_>) {
        let mut about = here.playback.told();
        for effect in here.playback.effects() {
            match effect {
                Effect::Tell(telling) => {
                    let (_, call) = about.next().unzip();
                    if let (Some(Some(call)), What::Notice(notice)) = (call, &telling.what) {
                        self.told(call, notice, &telling.what, here);
                    }
                }
                Effect::Ask(ask) => {
                    if let Request::Order { line, ticket, correlation, order } = &ask.request {
                        if ticket.request == RequestId::OF_LINE {
                            self.questions.insert((*line, *ticket), *correlation);
                        }
                        let (operation, words) = (order.operation(), words::order(order));
                        let what = StepKind::Ordered { operation, words };
                        let heard = here.heard(Some(*correlation), Way::ToPbx(ask.pbx), what);
                        let handle = |leg: CallHandle| (ask.pbx, ask.attempt, leg.0);
                        self.ordered(
                            *correlation,
                            ask.pbx,
                            order.legs().map(|l| l.map(handle)),
                            heard,
                        );
                    }
                }
                Effect::Report(report) => self.report(report, here),
                Effect::Wake(..) => {}
            }
        }
    }

    pub(super) fn ordered(
        &mut self,
        id: Correlation,
        pbx: PbxId,
        legs: [Option<Handle>; 2],
        heard: Heard,
    ) {
        if let Some(asked) = self.requests.get_mut(&id) {
            asked.pbx = pbx;
            return self.put_for(id, heard);
        }
        // The line orders it by itself.
        let known = legs.into_iter().flatten().find_map(|leg| self.handles.get(&leg).copied());
        if let Some(call) = known {
            self.put_at(call, heard);
        }
    }

    pub(super) fn told(&mut self, call: CallId, notice: &Notice, what: &What, here: &Here<'_>) {
        let Some(place) = self.calls.get(&call).copied() else { return };
        let correlation = self.ended_here(call, here);
        let said = StepKind::Told(Said::derived(what, None));
        self.put_at(call, here.heard(correlation, Way::ToApplication, said));
        if let Notice::CallState { state, mode, .. } = notice {
            let band = Band {
                seq: here.seq,
                at: here.at,
                state: *state,
                mode: *mode,
                ground: here.ground,
                is_told: true,
            };
            self.enter(place, band);
            self.present.insert(call);
        }
        if let Some(leg) = self.leg_mut(place) {
            leg.number = here.playback.number_of(call).or(leg.number);
        }
    }

    /// The request about a call that this record ends.
    pub(super) fn ended_here(&self, call: CallId, here: &Here<'_>) -> Option<Correlation> {
        here.playback.effects().iter().find_map(|effect| match effect {
            Effect::Report(Report::RequestEnded(id, ..))
                if self.requests.get(id).is_some_and(|asked| asked.calls.contains(&call)) =>
            {
                Some(*id)
            }
            _ => None,
        })
    }

    fn report(&mut self, report: &Report, here: &Here<'_>) {
        match report {
            Report::RequestEnded(id, request, result) => {
                let is_told = here.is_told(id.line, *request);
                let asked = self.requests.get_mut(id);
                let (function, rule) = asked.map_or((None, None), |asked| {
                    asked.is_open = false;
                    (Some(asked.function), asked.rule)
                });
                let what = StepKind::Completed { function, result: *result, rule, is_told };
                self.put_for(*id, here.heard(Some(*id), Way::ToApplication, what));
            }
            Report::Surprise(surprise) => {
                for id in self.concerned.clone() {
                    // Of several lines in one conversation the same is reported for each.
                    if self.is_said(id, here.seq, surprise) {
                        continue;
                    }
                    let what = StepKind::Surprise(*surprise);
                    self.put(id, None, here.heard(None, Way::AtLine, what));
                }
            }
            Report::SessionLost(pbx, place, failure) => {
                let mark = Mark::LinkLost(format!("{place}: {}", failure.advice()));
                self.mark(*pbx, &mark, here);
            }
            Report::SessionUp(pbx, place) => {
                self.mark(*pbx, &Mark::LinkUp(place.to_string()), here);
            }
            Report::Synchronised(pbx, _) => self.mark(*pbx, &Mark::Resynced, here),
            _ => {}
        }
    }

    fn is_said(&self, id: u64, seq: u64, surprise: &Surprise) -> bool {
        let steps = self.live.get(&id).map_or(&[][..], |live| &live.ladder.steps);
        let of_record = steps.iter().rev().take_while(|step| step.seq == seq);
        of_record
            .into_iter()
            .any(|step| matches!(&step.what, StepKind::Surprise(said) if said == surprise))
    }

    /// Something happens to a PBX: it concerns all calls there that go on.
    pub(super) fn mark(&mut self, pbx: PbxId, mark: &Mark, here: &Here<'_>) {
        let is_there = |leg: &Leg| leg.pbx == Some(pbx) && !leg.is_over();
        // What is lost is not lost again when it cannot be had back.
        let is_news = |steps: &[Step]| !(mark.is_loss() && is_lost(steps, pbx));
        let concerned = self
            .live
            .iter()
            .map(|(id, conversation)| (*id, &conversation.ladder))
            .filter(|(_, ladder)| ladder.legs.iter().any(is_there) && is_news(&ladder.steps))
            .map(|(id, _)| id);
        for id in concerned.collect::<Vec<_>>() {
            let what = StepKind::Mark(mark.clone());
            self.put(id, None, here.heard(None, Way::AtPbx(pbx), what));
        }
    }
}

/// Whether the last that was heard of the session with a PBX is that it was lost.
fn is_lost(steps: &[Step], pbx: PbxId) -> bool {
    let marks = steps.iter().rev().filter(|step| step.from == Column::Pbx(pbx));
    let last = marks.into_iter().find_map(|step| match &step.what {
        StepKind::Mark(mark @ (Mark::LinkLost(_) | Mark::LinkUp(_))) => Some(mark),
        _ => None,
    });
    last.is_some_and(Mark::is_loss)
}

impl Mark {
    fn is_loss(&self) -> bool {
        matches!(self, Mark::LinkLost(_))
    }
}

impl Ground {
    pub(super) fn of(record: &Record) -> Ground {
        match &record.event {
            Event::App(..) => Ground::AtOnce,
            Event::Reply(..) => Ground::Answer,
            Event::Pbx(_, _, PbxFact::Call(_)) => Ground::Event,
            // Also the user who is gone, or at home elsewhere.
            Event::Pbx(
                _,
                _,
                PbxFact::Failed(..) | PbxFact::Echoed(false) | PbxFact::Ended | PbxFact::User(_),
            ) => Ground::LinkLost,
            Event::Due(Timer::Deadline(..)) => Ground::Deadline,
            Event::Due(Timer::Settled(..)) => Ground::Resync,
            Event::Due(Timer::Grace(..)) => Ground::Grace,
            Event::Host(HostFact::LineOpened { .. }) => Ground::Opened,
            Event::Host(HostFact::LineClosed { .. } | HostFact::CallClosed(_)) => Ground::Closed,
            Event::Host(HostFact::Stopping) => Ground::Stopping,
            _ => Ground::Other,
        }
    }
}

fn is_good(reply: &Reply) -> bool {
    match reply {
        Reply::Calling(handle) | Reply::Parked(handle) => handle.0 != 0,
        Reply::Taken | Reply::Record(_) => true,
        Reply::Found(found) => found.is_some(),
        Reply::Failed(_) | Reply::Refused => false,
    }
}
