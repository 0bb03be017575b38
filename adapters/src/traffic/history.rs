//! A history made of what was said: the records that the provider would have had, had it been the
//! client.
//!
//! The engine takes part: what it asks is answered with what the client was answered, so the numbers
//! of attempts are right, and nothing is told before it was asked. Timers come due in between as they
//! would have. What the client asked and the engine would not is in the file word by word only.
//!
//! The telephony server is made up: it opens each line when it appears, wants to hear everything,
//! and closes each call that has become idle. Applications ask nothing; so a call that the client
//! made is one that the line made.

use super::TrafficError;
use super::conversation::{Conversation, Exchange, is_order};
use crate::capture::{CaptureWriter, RawMessage, Way};
use crate::exchange::translation::{answered, operation, polled};
use crate::soap::{self, Interface, Kind, Operation, blanked};
use engine::core::Core;
use engine::effect::{Ask, Effect, Effects, Notice, Order, Request, What};
use engine::fact::{
    Configuration, Event, Failure, HostFact, Identification, PbxFact, PbxSettings, Question,
    Record, Reply, UserInfo,
};
use engine::id::{Attempt, Guid, LineId, Link, Opening, PbxId, UserHandle};
use engine::tapi::{CallState, address_state, line_dev_state};
use engine::time::{Millis, Timer};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Write;
use std::time::Duration;

/// The version of TSPI that the telephony server speaks.
const TSPI_VERSION: u32 = 0x0003_0000;

/// How often what the engine waits for is looked at again before one answer. Three steps lead from
/// any place to any other.
const MOST_STEPS: usize = 12;

/// A history under work.
pub(super) struct History<W: Write> {
    writer: CaptureWriter<W>,
    core: Core,
    effects: Effects,
    at: Millis,
    seq: u64,
    timers: BTreeMap<(Millis, u64), Timer>,
    timers_made: u64,
    /// What comes before anything else.
    next: VecDeque<Event>,
    pbxs: Vec<Pbx>,
    openings: u32,
    is_raw: bool,
    pub(super) lines: u64,
    pub(super) calls: u64,
}

/// A PBX as the engine asks it.
struct Pbx {
    attempt: Attempt,
    /// What was asked and not answered yet.
    asks: Vec<Ask>,
    /// The session that the engine has.
    session: u32,
    /// One that it would not have: the box is known under another address.
    given_up: Option<u32>,
    handles: BTreeMap<String, UserHandle>,
    /// Whether the client reads records of users.
    has_records: bool,
    /// Secrets that messages must not show.
    keys: BTreeSet<String>,
}

impl<W: Write> History<W> {
    /// Begins: the telephony server starts, and the settings name these PBXs.
    pub(super) fn begin(
        writer: CaptureWriter<W>,
        conversations: &[Conversation],
        user: Option<&str>,
        is_raw: bool,
    ) -> Result<History<W>, TrafficError> {
        let exchanges = conversations.iter().flat_map(|known| &known.exchanges);
        let first = exchanges.clone().map(|exchange| exchange.asked_at).min();
        let named = exchanges.clone().find_map(|exchange| match &exchange.operation {
            Operation::Initialize { user, .. } => Some(user.text()),
            _ => None,
        });
        let mut history = History {
            writer,
            core: Core::default(),
            effects: Effects::new(),
            at: first.unwrap_or(Millis(0)),
            seq: 0,
            timers: BTreeMap::new(),
            timers_made: 0,
            next: VecDeque::new(),
            pbxs: conversations.iter().map(Pbx::of).collect(),
            openings: 0,
            is_raw,
            lines: 0,
            calls: 0,
        };
        let place =
            |known: &Conversation| PbxSettings { master: known.place.clone(), standby: None };
        history.tell(Event::Host(HostFact::Started))?;
        history.tell(Event::Host(HostFact::Configured(Configuration {
            user: user.or(named).unwrap_or_default().into(),
            pbxs: conversations.iter().map(place).collect(),
            name_template: "%c".into(),
            ..Configuration::default()
        })))?;
        Ok(history)
    }

    /// Plays all that was said.
    pub(super) fn play(&mut self, conversations: &[Conversation]) -> Result<(), TrafficError> {
        let mut all: Vec<(usize, &Exchange)> = Vec::new();
        for (index, conversation) in conversations.iter().enumerate() {
            all.extend(conversation.exchanges.iter().map(|exchange| (index, exchange)));
        }
        // In each conversation they are in order already.
        all.sort_by_key(|(_, exchange)| exchange.at);
        for (index, exchange) in all {
            self.advance(exchange.at)?;
            self.write_down(index, exchange)?;
            self.take(index, &conversations[index], exchange)?;
        }
        Ok(())
    }

    /// Writes what is left.
    pub(super) fn finish(self) -> Result<(u64, Millis, W), TrafficError> {
        Ok((self.seq, self.at, self.writer.finish()?))
    }

    fn take(
        &mut self,
        index: usize,
        conversation: &Conversation,
        exchange: &Exchange,
    ) -> Result<(), TrafficError> {
        match exchange.operation.kind() {
            Kind::Initialize => self.initialized(index, conversation, exchange),
            Kind::Poll => self.polled(index, conversation, exchange),
            Kind::End => self.lose(index),
            // Users have their handles as soon as they are asked for.
            Kind::UserInitialize => Ok(()),
            _ => self.answer(index, exchange),
        }
    }

    /// An answer to something that the engine may have asked as well.
    fn answer(&mut self, index: usize, exchange: &Exchange) -> Result<(), TrafficError> {
        let Some(answer) = exchange.answer.clone() else { return Ok(()) };
        let is_it = |ask: &Ask| {
            let wanted = operation(&ask.request, Interface::default(), &ask.place, None);
            match (&wanted, &exchange.operation) {
                (Operation::Echo { .. }, Operation::Echo { .. }) => true,
                (wanted, asked) => wanted == asked,
            }
        };
        let Some(ask) = self.pbxs[index].take(is_it) else { return Ok(()) };
        let link = Link { pbx: ask.pbx, attempt: ask.attempt };
        let kind = exchange.operation.kind();
        self.tell(answered(link, &ask.place, &ask.request, kind, Ok(answer)))
    }

    /// A session begins.
    fn initialized(
        &mut self,
        index: usize,
        conversation: &Conversation,
        exchange: &Exchange,
    ) -> Result<(), TrafficError> {
        let Some(soap::Answer::Initialize { session, .. }) = exchange.decoded() else {
            return Ok(());
        };
        self.begin_session(index, conversation, session)
    }

    fn begin_session(
        &mut self,
        index: usize,
        conversation: &Conversation,
        session: u32,
    ) -> Result<(), TrafficError> {
        for _ in 0..MOST_STEPS {
            let pbx = &mut self.pbxs[index];
            if let Some(ask) = pbx.take(|ask| matches!(ask.request, Request::Initialize { .. })) {
                pbx.session = session;
                let handles = conversation.handles.get(&session).cloned();
                pbx.handles = handles.unwrap_or_default();
                let fact = PbxFact::Initialized { session, place: ask.place };
                return self.tell(Event::Pbx(ask.pbx, ask.attempt, fact));
            }
            if let Some(ask) = pbx.take(|ask| matches!(ask.request, Request::Version)) {
                let fact = PbxFact::Identified(Identification::default());
                self.tell(Event::Pbx(ask.pbx, ask.attempt, fact))?;
            } else if !self.wake(index, |timer| matches!(timer, Timer::Reconnect(..)))? {
                self.lose(index)?;
            }
        }
        Ok(())
    }

    /// The session of the engine is over.
    fn lose(&mut self, index: usize) -> Result<(), TrafficError> {
        let pbx = &mut self.pbxs[index];
        if pbx.session == 0 {
            return Ok(());
        }
        pbx.session = 0;
        let (id, attempt) = (pbx_id(index), pbx.attempt);
        pbx.asks.retain(|ask| ask.attempt != attempt);
        self.tell(Event::Pbx(id, attempt, PbxFact::Failed(Question::Poll, Failure::Broken)))?;
        let echo = self.pbxs[index].take(|ask| matches!(ask.request, Request::Echo { .. }));
        match echo {
            Some(ask) => self.tell(Event::Pbx(ask.pbx, ask.attempt, PbxFact::Echoed(false))),
            None => Ok(()),
        }
    }

    fn polled(
        &mut self,
        index: usize,
        conversation: &Conversation,
        exchange: &Exchange,
    ) -> Result<(), TrafficError> {
        let session = exchange.session().unwrap_or(0);
        let outcome = match &exchange.answer {
            Some(answer) => Ok(answer.clone()),
            None if exchange.is_broken => Err(Failure::Broken),
            // It was lost where the packets were taken down; the client has it.
            None => return Ok(()),
        };
        if self.pbxs[index].session != session {
            // Of one that was begun here, it is the end.
            let is_begun = conversation.begun.contains(&session);
            if is_begun || self.pbxs[index].given_up == Some(session) {
                return Ok(());
            }
            self.begin_session(index, conversation, session)?;
            if self.pbxs[index].session != session {
                self.pbxs[index].given_up = Some(session);
                return Ok(());
            }
            self.make_up_users(index, conversation, session)?;
        }
        let Some(ask) = self.ask_to_poll(index)? else { return Ok(()) };
        let elapsed = Duration::from_millis(exchange.at.0.saturating_sub(exchange.asked_at.0));
        for fact in polled(outcome, elapsed).0 {
            self.tell(Event::Pbx(ask.pbx, ask.attempt, fact))?;
        }
        Ok(())
    }

    /// Brings the engine to where it waits for a Poll.
    fn ask_to_poll(&mut self, index: usize) -> Result<Option<Ask>, TrafficError> {
        for _ in 0..MOST_STEPS {
            let pbx = &mut self.pbxs[index];
            if let Some(ask) = pbx.take(|ask| matches!(ask.request, Request::Poll { .. })) {
                return Ok(Some(ask));
            }
            if let Some(ask) = pbx.take(|ask| matches!(ask.request, Request::Echo { .. })) {
                self.tell(Event::Pbx(ask.pbx, ask.attempt, PbxFact::Echoed(true)))?;
            } else if !self.wake(index, |timer| matches!(timer, Timer::PollPause(..)))? {
                break;
            }
        }
        Ok(None)
    }

    /// Of a session whose beginning is missing, the users whose calls are told of.
    fn make_up_users(
        &mut self,
        index: usize,
        conversation: &Conversation,
        session: u32,
    ) -> Result<(), TrafficError> {
        let users = conversation.users_by_calls(session);
        let Some(ask) = self.ask_to_poll(index)? else { return Ok(()) };
        let handles = users.iter().map(|(handle, party)| (party.cn.text().to_owned(), *handle));
        self.pbxs[index].handles.extend(handles);
        let count = u32::try_from(users.len()).unwrap_or(u32::MAX);
        let told = users.into_iter().map(|(_, party)| UserInfo {
            active: true,
            registered: true,
            guid: Guid::read(party.cn.text()),
            cn: party.cn,
            dn: party.dn,
            h323: party.h323,
            e164: party.e164,
            ..UserInfo::default()
        });
        // The last one ends the list.
        let end = UserInfo { active: true, ..UserInfo::default() };
        for user in told.chain([end]) {
            self.tell(Event::Pbx(ask.pbx, ask.attempt, PbxFact::User(user.into())))?;
        }
        let ended = PbxFact::Polled { count, elapsed_ms: 0 };
        self.tell(Event::Pbx(ask.pbx, ask.attempt, ended))
    }

    /// Has a timer of a PBX come due now; says whether there was one.
    fn wake(&mut self, index: usize, which: impl Fn(&Timer) -> bool) -> Result<bool, TrafficError> {
        let of_pbx = |timer: &Timer| match timer {
            Timer::Reconnect(pbx, _) | Timer::PollPause(pbx, _) => *pbx == pbx_id(index),
            _ => false,
        };
        let found = self.timers.iter().find(|(_, timer)| of_pbx(timer) && which(timer));
        let Some((key, timer)) = found.map(|(key, timer)| (*key, *timer)) else {
            return Ok(false);
        };
        self.timers.remove(&key);
        self.tell(Event::Due(timer))?;
        Ok(true)
    }

    /// Time goes on, and timers come due.
    fn advance(&mut self, to: Millis) -> Result<(), TrafficError> {
        while let Some((key, timer)) = self.timers.first_key_value().map(|(k, t)| (*k, *t)) {
            if key.0 > to {
                break;
            }
            self.timers.remove(&key);
            self.at = self.at.max(key.0);
            // While nobody answers, nobody is asked: that is when the client asks again.
            if !matches!(timer, Timer::Reconnect(..)) {
                self.tell(Event::Due(timer))?;
            } else {
                self.timers_made += 1;
                self.timers.insert((Millis(u64::MAX), self.timers_made), timer);
            }
        }
        self.at = self.at.max(to);
        Ok(())
    }

    /// Adds a record, and then whatever follows from it at once.
    fn tell(&mut self, event: Event) -> Result<(), TrafficError> {
        self.next.push_back(event);
        while let Some(event) = self.next.pop_front() {
            let record = Record { at: self.at, event };
            self.writer.push(self.seq, record.clone())?;
            self.seq += 1;
            self.core.apply(record, &mut self.effects);
            for effect in std::mem::take(&mut self.effects) {
                self.follow(effect);
            }
        }
        Ok(())
    }

    fn follow(&mut self, effect: Effect) {
        match effect {
            Effect::Ask(ask) => self.asked(*ask),
            Effect::Wake(at, timer) => {
                self.timers_made += 1;
                self.timers.insert((at, self.timers_made), timer);
            }
            Effect::Tell(telling) => match telling.what {
                What::Notice(Notice::LineCreated) => self.open(telling.line),
                What::Notice(Notice::NewCall(_)) => self.calls += 1,
                What::Notice(Notice::CallState { call, state: CallState::Idle, .. }) => {
                    self.next.push_back(Event::Host(HostFact::CallClosed(call)));
                }
                _ => {}
            },
            Effect::Report(_) => {}
        }
    }

    fn open(&mut self, line: LineId) {
        self.lines += 1;
        self.openings += 1;
        let opening = Opening(self.openings);
        let (line_states, address_states) = (line_dev_state::ALL, address_state::ALL);
        self.next.extend([
            Event::Host(HostFact::LineOpened { line, opening, version: TSPI_VERSION }),
            Event::Host(HostFact::StatusMessages { line, line_states, address_states }),
        ]);
    }

    fn asked(&mut self, ask: Ask) {
        let Some(pbx) = self.pbxs.get_mut(usize::from(ask.pbx.0)) else { return };
        if ask.attempt > pbx.attempt {
            pbx.attempt = ask.attempt;
            pbx.asks.clear();
        }
        match &ask.request {
            Request::Leave => {}
            Request::End { .. } => {
                self.next.push_back(Event::Pbx(ask.pbx, ask.attempt, PbxFact::Ended));
            }
            Request::UserInitialize { line, cn, .. } => {
                let handle = pbx.handles.get(cn.text()).copied().unwrap_or(UserHandle(0));
                let fact = PbxFact::UserInitialized(*line, handle);
                self.next.push_back(Event::Pbx(ask.pbx, ask.attempt, fact));
            }
            Request::Order { line, ticket, order, .. } => match order {
                Order::ShowUser { .. } if pbx.has_records => pbx.asks.push(ask),
                _ => {
                    let reply = Reply::Failed(Failure::AccessDenied);
                    self.next.push_back(Event::Reply(*line, *ticket, reply));
                }
            },
            _ => pbx.asks.push(ask),
        }
    }

    /// Writes down what was said, without secrets.
    fn write_down(&mut self, index: usize, exchange: &Exchange) -> Result<(), TrafficError> {
        let kind = exchange.operation.kind();
        let pbx = &mut self.pbxs[index];
        if let Some(soap::Answer::Initialize { key, .. }) = exchange.decoded() {
            pbx.keys.insert(key.to_string());
        }
        if !self.is_raw && !is_order(kind) {
            return Ok(());
        }
        let known: Vec<&str> = pbx.keys.iter().map(String::as_str).collect();
        let (pbx, attempt) = (pbx_id(index), pbx.attempt);
        let message = |at, way, body: &[u8]| RawMessage {
            at,
            pbx,
            attempt,
            way,
            operation: kind.name().to_owned(),
            body: blanked(body, &known),
        };
        let question = message(exchange.asked_at, Way::Question, &exchange.question);
        self.writer.raw(&question.says())?;
        if let Some(answer) = &exchange.answer {
            let answer = message(exchange.at, Way::Answer(answer.status), &answer.body);
            self.writer.raw(&answer.says())?;
        }
        Ok(())
    }
}

impl Pbx {
    fn of(conversation: &Conversation) -> Pbx {
        let is_admin = |exchange: &Exchange| exchange.operation.kind() == Kind::Admin;
        Pbx {
            attempt: Attempt(0),
            asks: Vec::new(),
            session: 0,
            given_up: None,
            handles: BTreeMap::new(),
            has_records: conversation.exchanges.iter().any(is_admin),
            keys: BTreeSet::new(),
        }
    }

    /// Takes out what was asked last of these.
    fn take(&mut self, which: impl Fn(&Ask) -> bool) -> Option<Ask> {
        let at = self.asks.iter().position(which)?;
        Some(self.asks.remove(at))
    }
}

/// The PBXs have the numbers of their places in the settings.
fn pbx_id(index: usize) -> PbxId {
    PbxId(u16::try_from(index).unwrap_or(u16::MAX))
}
