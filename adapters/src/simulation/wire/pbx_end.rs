//! The PBXs' end of the wire: what they are asked reaches them, and on the way back an answer may
//! come to harm.

use super::super::agenda::{Step, What};
use super::super::coverage::Disturbance;
use super::super::script::Spoilt;
use super::super::world::World;
use super::{Exchange, ExchangeId};
use crate::http::Answer as HttpAnswer;
use crate::simulator::answers::{double, each_twice, empty_element, fault};
use crate::simulator::model::{Asker, Outcome, Polled, Reply};
use crate::soap::{Answer, Dialect, Request as SoapRequest, Strictness};
use engine::fact::Failure;
use engine::id::CallHandle;
use std::collections::VecDeque;

impl World<'_> {
    /// A request has reached its PBX.
    pub(in crate::simulation) fn reach(&mut self, id: ExchangeId) {
        let Some(exchange) = self.wire.open.get(&id) else { return };
        let (at, now) = (exchange.at, self.now);
        if now < self.wire.unreachable_until
            || at >= self.site.count()
            || self.site.pbx(at).is_down(now)
        {
            return self.fail(id, Failure::Unreachable);
        }
        if now < self.wire.refused_until {
            return self.fail(id, Failure::AccessDenied);
        }
        let model = self.site.pbx(at);
        let Some((account, _)) = model.account("_TAPI_") else { return };
        let (dialect, strict) = (model.switches.dialect, model.switches.strict_requests);
        let strictness = if strict { Strictness::Strict } else { Strictness::Lenient };
        let envelope = exchange.operation.write(exchange.interface);
        let action = format!("\"{}\"", envelope.action);
        let asked = SoapRequest::decode(envelope.body.as_bytes(), Some(&action), strictness);
        let Ok(asked) = asked else {
            return self.reply(id, Outcome::Status(500), &dialect);
        };
        let connection = exchange.connection;
        let asker = Asker { connection, account, interface: asked.flags.interface() };
        let spoilt = !self.is_quiet && self.dice.wire.happens(self.swarm.wire.status_500);
        if spoilt {
            self.disturbed(Disturbance::Status500);
            return self.reply(id, Outcome::Status(500), &dialect);
        }
        let Reply { outcome, interface, overtaken_by, .. } =
            self.site.pbx_mut(at).request(now, &asker, &asked.operation);
        let dialect = Dialect { interface, ..dialect };
        match outcome {
            Outcome::Wait(ticket) => {
                if let Some(exchange) = self.wire.open.get_mut(&id) {
                    exchange.ticket = Some((ticket, dialect));
                }
                self.agenda.put(ticket.until, What::PbxDue(at));
            }
            outcome => {
                self.attend_polls();
                let late_ms = if overtaken_by.is_some() { 2 * self.travel_ms() + 5 } else { 0 };
                self.reply_after(id, outcome, &dialect, late_ms);
            }
        }
        self.attend_polls();
        self.expect_of_boxes(at);
    }

    /// Lets a PBX, and those that heard something from it, say when they will do something by
    /// themselves.
    pub(in crate::simulation) fn expect_of_boxes(&mut self, at: usize) {
        let mut boxes = self.site.take_touched();
        boxes.insert(at);
        boxes.into_iter().for_each(|at| self.expect_of_box(at));
    }

    /// Lets the PBX say when it will do something by itself.
    pub(in crate::simulation) fn expect_of_box(&mut self, at: usize) {
        if let Some(due) = self.site.pbx(at).next_due() {
            self.agenda.put(due.max(self.now + 1), What::PbxDue(at));
        }
    }

    /// Answers the Polls that can be answered now.
    pub(in crate::simulation) fn attend_polls(&mut self) {
        let waiting: Vec<ExchangeId> = self
            .wire
            .open
            .iter()
            .filter(|(_, exchange)| exchange.ticket.is_some())
            .map(|(id, _)| *id)
            .collect();
        for id in waiting {
            let Some(exchange) = self.wire.open.get_mut(&id) else { continue };
            let Some((ticket, dialect)) = exchange.ticket else { continue };
            let Polled::Done(outcome) = self.site.pbx_mut(exchange.at).poll(self.now, ticket)
            else {
                continue;
            };
            exchange.ticket = None;
            self.reply(id, outcome, &dialect);
        }
    }

    /// All connections to a PBX break.
    pub(in crate::simulation) fn break_connections(&mut self, at: usize) {
        let ids: Vec<ExchangeId> = self
            .wire
            .open
            .iter()
            .filter(|(_, exchange)| exchange.at == at)
            .map(|(id, _)| *id)
            .collect();
        ids.into_iter().for_each(|id| self.fail(id, Failure::Broken));
    }

    fn fail(&mut self, id: ExchangeId, failure: Failure) {
        if let Some(exchange) = self.wire.open.get_mut(&id) {
            exchange.ticket = None;
        }
        let travel_ms = self.travel_ms();
        self.machine(travel_ms, Step::Answered(id, Err(failure)));
    }

    fn reply(&mut self, id: ExchangeId, outcome: Outcome, dialect: &Dialect) {
        self.reply_after(id, outcome, dialect, 0);
    }

    /// The PBX answers; on the way the answer may come to harm.
    fn reply_after(&mut self, id: ExchangeId, outcome: Outcome, dialect: &Dialect, late_ms: u64) {
        let mut outcome = outcome;
        let spoilt = self.is_to_be_spoilt(id, &outcome);
        if spoilt == Some(Spoilt::Status500) {
            outcome = Outcome::Status(500);
        } else if spoilt == Some(Spoilt::Doubled) {
            double(&mut outcome);
        }
        self.disturb(&mut outcome);
        let (status, body) = match outcome {
            Outcome::Answer(answer) => (200, answer.write(dialect)),
            Outcome::Fault { status, text } => (status, fault(text).write(dialect)),
            Outcome::EmptyElement(kind) => (200, empty_element(kind, dialect)),
            Outcome::Status(status) => (status, Vec::new()),
            Outcome::Close => return self.fail(id, Failure::Broken),
            // Until the provider gives up.
            Outcome::Silence | Outcome::Wait(_) => return,
        };
        let mut answered = Ok(HttpAnswer { status, body });
        let mut travel_ms = self.travel_ms() + late_ms;
        match (spoilt, &mut answered) {
            (Some(Spoilt::Lost), answered) => *answered = Err(Failure::Broken),
            (Some(Spoilt::Late(ms)), _) => travel_ms += ms,
            (Some(Spoilt::Cut), Ok(answer)) => answer.body.truncate(answer.body.len() / 2),
            _ => {}
        }
        if !self.is_quiet {
            let faults = self.swarm.wire;
            let dice = &mut self.dice.wire;
            let happened = if dice.happens(faults.lost) {
                answered = Err(Failure::Broken);
                Some(Disturbance::PollLost)
            } else if dice.happens(faults.late) {
                travel_ms += dice.ms(9_000..=75_000);
                Some(Disturbance::PollLate)
            } else if dice.happens(faults.cut)
                && let Ok(answer) = &mut answered
            {
                answer.body.truncate(dice.below(answer.body.len()));
                Some(Disturbance::PollCut)
            } else {
                None
            };
            let is_poll = self.wire.open.get(&id).is_some_and(Exchange::is_poll);
            let kind = happened.map(|kind| if is_poll { kind } else { Disturbance::OtherSpoilt });
            kind.into_iter().for_each(|kind| self.disturbed(kind));
        }
        self.machine(travel_ms, Step::Answered(id, answered));
    }

    /// Whether a scenario wants something to happen to this answer.
    fn is_to_be_spoilt(&mut self, id: ExchangeId, outcome: &Outcome) -> Option<Spoilt> {
        let spoil = self.wire.spoil?;
        let is_poll = self.wire.open.get(&id).is_some_and(Exchange::is_poll);
        let brings_something = match outcome {
            Outcome::Answer(Answer::Poll(any)) => !any.user.is_empty() || !any.call.is_empty(),
            _ => !is_poll,
        };
        if spoil.poll != is_poll || !brings_something {
            return None;
        }
        self.wire.spoil = None;
        Some(spoil.how)
    }

    /// Doubles the events of a Poll, or brings those of different calls into another order.
    fn disturb(&mut self, outcome: &mut Outcome) {
        let Outcome::Answer(Answer::Poll(any)) = outcome else { return };
        if self.is_quiet {
            return;
        }
        let has_events = !any.user.is_empty() || !any.call.is_empty();
        if self.dice.wire.happens(self.swarm.wire.doubled) {
            if has_events {
                self.disturbed(Disturbance::PollDoubled);
            }
            each_twice(any);
        }
        if any.call.len() > 1 && self.dice.wire.happens(self.swarm.wire.reordered) {
            let before: Vec<CallHandle> = any.call.iter().map(|call| call.call).collect();
            // The places are dealt anew; within each call the order stays.
            let mut places: Vec<CallHandle> = any.call.iter().map(|call| call.call).collect();
            self.dice.wire.shuffle(&mut places);
            let mut left: VecDeque<_> = std::mem::take(&mut any.call).into();
            for place in places {
                let next = left.iter().position(|call| call.call == place);
                any.call.extend(next.and_then(|next| left.remove(next)));
            }
            if !any.call.iter().map(|call| call.call).eq(before) {
                self.disturbed(Disturbance::Reordered);
            }
        }
    }
}
