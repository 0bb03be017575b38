//! What clients asked PBXs, and were answered, in SOAP.

use super::messages::{Heard, Talk, heard};
use super::streams::Streams;
use crate::http::Answer;
use crate::soap::{self, Kind, Operation, SoapError, Strictness, decode};
use engine::fact::PbxFact;
use engine::id::UserHandle;
use engine::place::Place;
use engine::time::Millis;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// One client of one PBX.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Party {
    pub(super) server: SocketAddr,
    pub(super) client: IpAddr,
}

/// What a client and a PBX said to each other, in the order of the answers.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) party: Party,
    pub(super) place: Place,
    pub(super) exchanges: Vec<Exchange>,
    /// The sessions that were begun here.
    pub(super) begun: BTreeSet<u32>,
    /// Handles of users by their Long Names, in each session.
    pub(super) handles: BTreeMap<u32, BTreeMap<String, UserHandle>>,
}

/// A question to a PBX and its answer.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) asked_at: Millis,
    /// When all of the answer had come; when it was asked if none came.
    pub(super) at: Millis,
    /// By which it is told what came first.
    number: u64,
    pub(super) operation: Operation,
    pub(super) question: Vec<u8>,
    pub(super) answer: Option<Answer>,
    /// Whether the connection ended before an answer came.
    pub(super) is_broken: bool,
}

/// What is in the connections of a file.
#[derive(Default)]
pub(super) struct Conversations {
    /// The ones to look at: of each PBX that with the client that asked most.
    pub(super) all: Vec<Conversation>,
    /// Clients beside those.
    pub(super) other_clients: usize,
    pub(super) connections: usize,
    pub(super) tls: usize,
    /// HTTP messages that were pairs.
    pub(super) talks: u64,
    /// Bytes that are missing in connections to PBXs.
    pub(super) lost: u64,
}

/// Reads all connections. If `wanted` names hosts or addresses, others are passed over.
pub(super) fn conversations(streams: &Streams, wanted: &[String]) -> Conversations {
    let mut found = Conversations::default();
    let mut by_party: BTreeMap<Party, Conversation> = BTreeMap::new();
    for connection in streams.connections() {
        found.connections += 1;
        if connection.is_tls {
            found.tls += 1;
            continue;
        }
        let Heard { talks, lost } = heard(connection);
        found.talks += talks.len() as u64;
        let taken = talks.into_iter().filter_map(|talk| take(talk, wanted, &mut by_party));
        found.lost += if taken.count() > 0 { lost } else { 0 };
    }
    let mut of_server: BTreeMap<SocketAddr, Conversation> = BTreeMap::new();
    for conversation in by_party.into_values() {
        let server = conversation.party.server;
        let known = of_server.get(&server).map_or(0, |known| known.exchanges.len());
        found.other_clients += usize::from(known > 0);
        if conversation.exchanges.len() > known {
            of_server.insert(server, conversation);
        }
    }
    found.all = of_server.into_values().collect();
    for conversation in &mut found.all {
        conversation.exchanges.sort_by_key(|exchange| exchange.number);
        conversation.handles = conversation.handles();
        conversation.begun = conversation.begun();
    }
    // Those that were asked first are the first PBXs.
    found.all.sort_by_key(|conversation| conversation.exchanges.first().map(|first| first.number));
    let mut places = BTreeSet::new();
    for Conversation { party, place, .. } in &mut found.all {
        // Two boxes under one name are two PBXs.
        if !places.insert(place.to_string().to_lowercase()) {
            place.authority = party.server.to_string().into();
        }
    }
    found
}

/// Puts what was said to its conversation; `None` if it is nothing to do with a PBX that is wanted.
fn take(talk: Talk, wanted: &[String], by_party: &mut BTreeMap<Party, Conversation>) -> Option<()> {
    let request = soap::Request::decode(&talk.question, None, Strictness::Lenient).ok()?;
    let place = place(&talk);
    let host = host_of(&place.authority);
    let address = talk.server.ip().to_string();
    if !wanted.is_empty()
        && !wanted.iter().any(|name| [&*place.authority, host, &address].contains(&name.as_str()))
    {
        return None;
    }
    let party = Party { server: talk.server, client: talk.client.ip() };
    let conversation = by_party.entry(party).or_insert_with(|| Conversation {
        party,
        place,
        exchanges: Vec::new(),
        begun: BTreeSet::new(),
        handles: BTreeMap::new(),
    });
    let (at, number) = match &talk.answer {
        Some(answer) => (answer.at, answer.number),
        None => (talk.asked_at, talk.number),
    };
    let answer = talk.answer.map(|answer| Answer { status: answer.status, body: answer.body });
    // The client has only said nothing yet of who it is, and says it next.
    if answer.as_ref().is_some_and(|answer| answer.status == 401) {
        return Some(());
    }
    conversation.exchanges.push(Exchange {
        asked_at: talk.asked_at,
        at,
        number,
        operation: request.operation,
        question: talk.question,
        is_broken: answer.is_none() && talk.is_over,
        answer,
    });
    Some(())
}

/// Where the PBX was asked: as the question says it if that makes sense, else by its address.
fn place(talk: &Talk) -> Place {
    let path = if talk.target.starts_with('/') { &talk.target } else { Place::PATH };
    let of = |authority: &str| Place::read(&format!("http://{authority}{path}"));
    let by_address = talk.server.to_string();
    let usual = by_address.strip_suffix(":80").unwrap_or(&by_address);
    let named = talk.host.as_deref().and_then(of);
    named.or_else(|| of(usual)).unwrap_or_else(|| Place::at(usual))
}

fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    }
}

impl Exchange {
    /// What was answered, if it makes sense.
    pub(super) fn decoded(&self) -> Option<soap::Answer> {
        let answer = self.answer.as_ref().filter(|answer| answer.status == 200)?;
        decode(self.operation.kind(), &answer.body).ok()
    }

    /// The session that it belongs to, if it says so.
    pub(super) fn session(&self) -> Option<u32> {
        match &self.operation {
            Operation::Poll { session }
            | Operation::Echo { session, .. }
            | Operation::End { session }
            | Operation::UserInitialize { session, .. } => Some(*session),
            _ => None,
        }
    }
}

impl Conversation {
    /// Which handle each user has, as `UserInitialize` was answered. Of a session whose beginning is
    /// missing, as the events of calls tell it.
    fn handles(&self) -> BTreeMap<u32, BTreeMap<String, UserHandle>> {
        let mut handles: BTreeMap<u32, BTreeMap<String, UserHandle>> = BTreeMap::new();
        for exchange in &self.exchanges {
            if let (
                Operation::UserInitialize { session, user, .. },
                Some(soap::Answer::UserInitialize(handle)),
            ) = (&exchange.operation, exchange.decoded())
            {
                let users = handles.entry(*session).or_default();
                users.entry(user.text().to_owned()).or_insert(handle);
            }
        }
        handles
    }

    fn begun(&self) -> BTreeSet<u32> {
        let session = |exchange: &Exchange| match exchange.decoded() {
            Some(soap::Answer::Initialize { session, .. }) => Some(session),
            _ => None,
        };
        self.exchanges.iter().filter_map(session).collect()
    }

    /// Users of a session whose beginning is missing, as far as events of their calls tell of them.
    pub(super) fn users_by_calls(&self, session: u32) -> Vec<(UserHandle, engine::fact::Party)> {
        let mut users: BTreeMap<u32, engine::fact::Party> = BTreeMap::new();
        let polls = self.exchanges.iter().filter(|exchange| {
            matches!(exchange.operation, Operation::Poll { session: of } if of == session)
        });
        for answer in polls.filter_map(|poll| poll.answer.as_ref()) {
            let mut facts = Vec::new();
            let read: Result<_, SoapError> = soap::decode_poll(&answer.body, &mut facts);
            for fact in facts.into_iter().filter(|_| read.is_ok()) {
                let PbxFact::Call(call) = fact else { continue };
                let this = call.party(&engine::fact::Role::This);
                if let Some(this) = this.filter(|this| !this.cn.is_empty()) {
                    users.entry(call.user).or_insert_with(|| this.clone());
                }
            }
        }
        users.into_iter().map(|(handle, party)| (UserHandle(handle), party)).collect()
    }
}

/// Whether a kind of question is an order: something that a client wants done.
pub(super) fn is_order(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Version
            | Kind::Initialize
            | Kind::Echo
            | Kind::Poll
            | Kind::End
            | Kind::UserInitialize
            | Kind::LocationUrl
    )
}
