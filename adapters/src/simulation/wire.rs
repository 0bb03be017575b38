//! Between the provider and the PBXs: what is asked travels as the bytes of a SOAP request, what is
//! answered as those of an answer, and on the way things go wrong.
//!
//! Connections are as in `exchange.rs`: one for Polls, one for the records of users that somebody
//! waits for, one for those that are only shown, one for the rest; on each, one ask at a time.

mod pbx_end;

use super::agenda::{Step, What};
use super::coverage::Disturbance;
use super::script::Spoil;
use super::world::World;
use crate::exchange::session_key::SessionKey;
use crate::exchange::{Patience, translation};
use crate::http::Answer as HttpAnswer;
use crate::simulator::model::{ConnectionId, Ticket};
use crate::soap::{Dialect, Interface, Kind, Operation, decode};
use engine::effect::{Ask, Order, Request};
use engine::fact::{Event, Failure, Reply as ToRequest};
use engine::id::{Attempt, Link, PbxId};
use engine::place::Place;
use engine::time::Millis;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// One ask on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ExchangeId(u64);

/// What comes back.
pub(super) type Answered = Result<HttpAnswer, Failure>;

/// What a connection is for, as in `exchange.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Purpose {
    Poll,
    Control,
    Administration,
    Survey,
    Location,
}

/// Which session's connection, to which box, for what.
type LaneKey = (Link, usize, Purpose);

/// Everything on its way.
#[derive(Default)]
pub(super) struct Wire {
    lanes: BTreeMap<LaneKey, Lane>,
    /// Attempts that are under way, and the newest of each PBX.
    attempts: BTreeSet<Link>,
    newest: BTreeMap<PbxId, Attempt>,
    /// The keys of their sessions.
    keys: BTreeMap<Link, SessionKey>,
    open: BTreeMap<ExchangeId, Exchange>,
    last_exchange: u64,
    last_connection: u64,
    /// A scenario has it that the next such answer is spoilt.
    pub(super) spoil: Option<Spoil>,
    pub(super) unreachable_until: Millis,
    pub(super) refused_until: Millis,
}

/// One connection, and what waits to be asked on it.
struct Lane {
    connection: ConnectionId,
    waiting: VecDeque<Ask>,
    busy: Option<ExchangeId>,
    interface: Interface,
}

struct Exchange {
    ask: Ask,
    lane: LaneKey,
    connection: ConnectionId,
    /// Which box it goes to.
    at: usize,
    operation: Operation,
    interface: Interface,
    begun: Millis,
    /// The PBX has it, and lets it wait for events.
    ticket: Option<(Ticket, Dialect)>,
}

impl World<'_> {
    /// The engine asks something.
    pub(super) fn ask(&mut self, ask: Ask) {
        let link = Link { pbx: ask.pbx, attempt: ask.attempt };
        if matches!(ask.request, Request::Leave) {
            return self.hang_up(link);
        }
        let newest = self.wire.newest.entry(link.pbx).or_default();
        if link.attempt > *newest {
            *newest = link.attempt;
            self.wire.attempts.insert(link);
        }
        if !self.wire.attempts.contains(&link) {
            return;
        }
        let purpose = match ask.request {
            Request::Poll { .. } => Purpose::Poll,
            Request::LocationUrl { .. } => Purpose::Location,
            Request::Order { order: Order::ShowUser { own: false, .. }, .. } => Purpose::Survey,
            Request::Order { ref order, .. } if translation::is_administration(order) => {
                Purpose::Administration
            }
            _ => Purpose::Control,
        };
        let key = (link, self.box_at(&ask.place), purpose);
        let connection = self.wire.fresh_connection();
        let lane = self.wire.lanes.entry(key).or_insert_with(|| Lane {
            connection,
            waiting: VecDeque::new(),
            busy: None,
            interface: Interface::default(),
        });
        lane.waiting.push_back(ask);
        self.go_on(key);
    }

    /// Sends the next ask on a connection that is free.
    fn go_on(&mut self, key: LaneKey) {
        let Some(lane) = self.wire.lanes.get_mut(&key).filter(|lane| lane.busy.is_none()) else {
            return;
        };
        let Some(ask) = lane.waiting.pop_front() else { return };
        if let Request::Initialize { interface, .. }
        | Request::UserInitialize { interface, .. }
        | Request::LocationUrl { interface, .. } = &ask.request
        {
            lane.interface = (*interface).into();
        }
        let operation = translation::local_number(&ask.request, lane.interface)
            .unwrap_or_else(|| operation(&self.wire.keys, &ask, lane.interface));
        let (connection, interface) = (lane.connection, lane.interface);
        let exchange = Exchange {
            at: key.1,
            lane: key,
            connection,
            operation,
            interface,
            begun: self.now,
            ticket: None,
            ask,
        };
        self.send(exchange);
    }

    fn send(&mut self, exchange: Exchange) {
        let id = self.wire.next_exchange();
        let patience = Patience::default();
        let patience = match exchange.ask.request {
            Request::Poll { .. } => patience.poll,
            _ => patience.control,
        };
        let unsent = !self.is_quiet && self.dice.wire.happens(self.swarm.wire.unsent);
        if let Some(lane) = self.wire.lanes.get_mut(&exchange.lane) {
            lane.busy = Some(id);
        }
        self.tally.exchanges += 1;
        let name = exchange.operation.kind().name();
        let attempt = exchange.ask.attempt.0;
        self.say(|| format!("ASK {:<4} {name} in attempt {attempt}", id.0));
        self.wire.open.insert(id, exchange);
        let travel_ms = self.travel_ms();
        if unsent {
            self.disturbed(Disturbance::Unsent);
            self.machine(travel_ms, Step::Answered(id, Err(Failure::Broken)));
        } else {
            self.agenda.put(self.now + travel_ms, What::Reaches(id));
            let patience_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
            self.machine(patience_ms, Step::GivesUp(id));
        }
    }

    /// Nobody waits for an answer any longer.
    pub(super) fn give_up(&mut self, id: ExchangeId) -> Result<(), super::Finding> {
        if self.wire.open.contains_key(&id) {
            return self.answered(id, Err(Failure::TimedOut));
        }
        Ok(())
    }

    /// An answer comes, or something else that ends the waiting for it.
    pub(super) fn answered(
        &mut self,
        id: ExchangeId,
        answered: Answered,
    ) -> Result<(), super::Finding> {
        let Some(mut exchange) = self.wire.open.remove(&id) else { return Ok(()) };
        self.look_for_lost_clear(&exchange);
        self.say(|| match &answered {
            Ok(answer) => {
                format!("GOT {:<4} status {}, {} bytes", id.0, answer.status, answer.body.len())
            }
            Err(failure) => format!("GOT {:<4} {failure:?}", id.0),
        });
        if answered.is_err() {
            self.renew(&exchange);
        }
        if translation::local_number(&exchange.ask.request, exchange.interface).is_some() {
            return self.localised(exchange, answered);
        }
        if let (
            Request::Order { order: order @ Order::SetNoAnswerTime { .. }, line, ticket, .. },
            0,
        ) = (&exchange.ask.request, self.steps_of(&exchange))
        {
            let shown = answered
                .and_then(|answer| translation::read(&answer, |body| decode(Kind::Admin, body)));
            let second = shown
                .map_err(ToRequest::Failed)
                .and_then(|shown| translation::second(order, shown));
            return match second {
                Ok(operation) => {
                    exchange.operation = operation;
                    self.send(exchange);
                    Ok(())
                }
                Err(reply) => {
                    let reply = Event::Reply(*line, *ticket, reply);
                    self.end(&exchange, vec![reply])
                }
            };
        }
        let Ask { pbx, attempt, request, place } = &exchange.ask;
        let link = Link { pbx: *pbx, attempt: *attempt };
        let events = match request {
            Request::Poll { .. } => {
                let elapsed = Duration::from_millis(self.now.since(exchange.begun));
                let (facts, _) = translation::polled(answered, elapsed);
                facts.into_iter().map(|fact| Event::Pbx(*pbx, *attempt, fact)).collect()
            }
            _ => {
                let kind = exchange.operation.kind();
                let key = answered.as_ref().ok().and_then(|answer| SessionKey::of(kind, answer));
                if let Some(key) = key {
                    self.wire.keys.entry(link).or_insert(key);
                }
                vec![translation::answered(link, place, request, kind, answered)]
            }
        };
        self.end(&exchange, events)
    }

    /// The PBX has said what is dialled for a number of another node, or not: on with the order.
    fn localised(
        &mut self,
        mut exchange: Exchange,
        answered: Answered,
    ) -> Result<(), super::Finding> {
        let said = answered
            .and_then(|answer| translation::read(&answer, |body| decode(Kind::UserLocalNum, body)));
        let ask = &mut exchange.ask;
        ask.request = translation::localised(&ask.request, said.ok());
        exchange.operation = operation(&self.wire.keys, ask, exchange.interface);
        self.send(exchange);
        Ok(())
    }

    /// Of the two questions of one order: how many were answered before.
    fn steps_of(&self, exchange: &Exchange) -> usize {
        let ask = &exchange.ask;
        let first = operation(&self.wire.keys, ask, exchange.interface);
        usize::from(first != exchange.operation)
    }

    fn end(&mut self, exchange: &Exchange, events: Vec<Event>) -> Result<(), super::Finding> {
        if let Some(lane) = self.wire.lanes.get_mut(&exchange.lane) {
            lane.busy = None;
        }
        match exchange.ask.request {
            Request::End { .. } => self.hang_up(exchange.lane.0),
            _ => self.go_on(exchange.lane),
        }
        self.arrive(events)
    }

    /// A connection that failed is closed; the next ask takes a new one.
    fn renew(&mut self, exchange: &Exchange) {
        let connection = self.wire.fresh_connection();
        if let Some(lane) = self.wire.lanes.get_mut(&exchange.lane) {
            lane.connection = connection;
        }
        let at = self.now + self.travel_ms();
        self.agenda.put(at, What::HungUp(exchange.at, exchange.connection));
    }

    /// An attempt is left, or the process ends: what was under way is abandoned.
    fn hang_up(&mut self, link: Link) {
        self.wire.attempts.remove(&link);
        self.wire.keys.remove(&link);
        self.wire.lanes.retain(|key, _| key.0 != link);
        let (gone, kept): (BTreeMap<_, _>, _) = std::mem::take(&mut self.wire.open)
            .into_iter()
            .partition(|(_, exchange)| exchange.lane.0 == link);
        self.wire.open = kept;
        for exchange in gone.into_values() {
            self.look_for_lost_clear(&exchange);
            let at = self.now + self.travel_ms();
            self.agenda.put(at, What::HungUp(exchange.at, exchange.connection));
        }
    }

    /// The process is gone.
    pub(super) fn hang_up_everywhere(&mut self) {
        let links: Vec<Link> = self.wire.attempts.iter().copied().collect();
        links.into_iter().for_each(|link| self.hang_up(link));
        self.wire.newest.clear();
    }

    /// A call that was to be cleared and is not: for applications it is over all the same.
    fn look_for_lost_clear(&mut self, exchange: &Exchange) {
        let Request::Order { order: Order::UserClear { call, .. }, line, .. } =
            exchange.ask.request
        else {
            return;
        };
        let named = |leg: &crate::simulator::model::ListedLeg| {
            leg.handles.iter().any(|(_, handle)| *handle == call.0)
        };
        if exchange.at >= self.site.count() {
            return;
        }
        let calls = self.site.pbx(exchange.at).calls();
        if let Some(spared) = calls.iter().flat_map(|known| &known.legs).find(|leg| named(leg)) {
            self.host.excuse(line, Some(spared.id));
        }
    }

    /// The number of the box at a place; one that there is not, if nobody is there.
    fn box_at(&self, place: &Place) -> usize {
        let count = self.site.count();
        (0..count).find(|at| self.swarm.layout.place(*at) == *place).unwrap_or(count)
    }

    fn travel_ms(&mut self) -> u64 {
        let most = if self.is_quiet { 3 } else { self.swarm.wire.latency_ms };
        self.dice.wire.ms(0..=most)
    }
}

impl Exchange {
    fn is_poll(&self) -> bool {
        matches!(self.ask.request, Request::Poll { .. })
    }
}

impl Wire {
    /// Whether nothing is on its way: all that is open are Polls that wait for events.
    pub(super) fn only_waits(&self) -> bool {
        self.open.values().all(|exchange| exchange.is_poll() && exchange.ticket.is_some())
    }

    fn fresh_connection(&mut self) -> ConnectionId {
        self.last_connection += 1;
        ConnectionId(self.last_connection)
    }

    fn next_exchange(&mut self) -> ExchangeId {
        self.last_exchange += 1;
        ExchangeId(self.last_exchange)
    }
}

/// What to ask the PBX, with the key of the attempt's session.
fn operation(keys: &BTreeMap<Link, SessionKey>, ask: &Ask, interface: Interface) -> Operation {
    let link = Link { pbx: ask.pbx, attempt: ask.attempt };
    translation::operation(&ask.request, interface, &ask.place, keys.get(&link).copied())
}
