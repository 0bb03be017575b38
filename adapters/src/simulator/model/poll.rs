//! `Poll`: what waits for a session, or until when to wait.

use super::request::Outcome;
use super::session::{BATCH_LIMIT, Happening, Ticket};
use super::{PbxModel, picture};
use crate::simulator::switches::EndPendingPoll;
use crate::soap::Answer;
use crate::soap::types::AnyInfo;
use engine::time::Millis;

/// What a `Poll` has come to.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // there is one at a time
pub enum Polled {
    /// It ends with this.
    Done(Outcome),
    /// Nothing yet. Ask again when something was done to the model, and at this time.
    Wait(Millis),
}

impl PbxModel {
    /// Begins a `Poll`; one that the session has pending already will end empty.
    pub(super) fn begin_poll(&mut self, session: u32) -> Option<Ticket> {
        let until = self.now + self.switches.poll_timeout_ms;
        let known = self.sessions.get_mut(&session)?;
        known.polls += 1;
        Some(Ticket { session, key: known.key, serial: known.polls, until })
    }

    /// Looks whether a `Poll` can end.
    pub fn poll(&mut self, now: Millis, ticket: Ticket) -> Polled {
        self.advance(now);
        let known = self.sessions.get(&ticket.session).filter(|known| known.key == ticket.key);
        let Some(known) = known else {
            return Polled::Done(match self.switches.end_pending_poll {
                EndPendingPoll::Empty => Outcome::Answer(Answer::Poll(AnyInfo::default())),
                EndPendingPoll::Fault => Outcome::invalid_session(500),
                EndPendingPoll::Close => Outcome::Close,
            });
        };
        let superseded = known.polls != ticket.serial;
        if superseded || known.is_quiet() && ticket.until <= self.now {
            return Polled::Done(Outcome::Answer(Answer::Poll(AnyInfo::default())));
        }
        if known.is_quiet() {
            return Polled::Wait(ticket.until);
        }
        Polled::Done(Outcome::Answer(Answer::Poll(self.fetch(ticket.session))))
    }

    /// Takes the next batch of events off a session's queue.
    fn fetch(&mut self, number: u32) -> AnyInfo {
        let mut any = AnyInfo::default();
        self.fetch_snapshot(number, &mut any);
        let Some(session) = self.sessions.get_mut(&number) else { return any };
        if session.snapshot.is_some() && !self.switches.snapshot_interleave {
            return any;
        }
        for _ in 0..BATCH_LIMIT {
            match session.pop() {
                Some(Happening::User(info)) => any.user.push(*info),
                Some(Happening::Call(info)) => any.call.push(info),
                None => break,
            }
        }
        any
    }

    /// The next records of the snapshot; the last one is the terminator.
    fn fetch_snapshot(&mut self, number: u32, any: &mut AnyInfo) {
        let batch = self.switches.snapshot_batch.unwrap_or(u32::MAX);
        let waiting = |session: &mut super::Session| Some(session.snapshot.as_mut()?.pop_front());
        for _ in 0..batch {
            let Some(next) = self.sessions.get_mut(&number).and_then(waiting) else { return };
            let Some(id) = next else {
                any.user.push(picture::terminator());
                if let Some(session) = self.sessions.get_mut(&number) {
                    session.snapshot = None;
                }
                return;
            };
            if let Some(object) = self.directory.get(id) {
                any.user.push(self.record(id, object));
            }
        }
    }
}
