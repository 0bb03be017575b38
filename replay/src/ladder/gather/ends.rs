//! When a conversation is over, and given away.

use super::super::{Ending, Leg};
use super::{Conversation, LINGER_MS, Ladders};
use engine::id::CallId;
use engine::time::Millis;

impl Ladders {
    /// Which of those that the record was about are over now.
    pub(super) fn look_for_ends(&mut self, at: Millis) {
        for id in &self.concerned {
            let Some(conversation) = self.live.get_mut(id) else { continue };
            let requests = &self.requests;
            let waits = conversation
                .requests
                .iter()
                .any(|id| requests.get(id).is_some_and(|asked| asked.is_open));
            let is_over = !waits && conversation.ladder.legs.iter().all(Leg::is_over);
            match (is_over, conversation.over_since) {
                (true, None) => {
                    conversation.over_since = Some(at);
                    self.leaving.push_back((at, *id));
                }
                (false, Some(_)) => conversation.over_since = None,
                _ => {}
            }
        }
    }

    /// Gives away what has been over for long enough.
    pub(super) fn give_away(&mut self, now: Millis) {
        while let Some((since, id)) = self.leaving.front().copied() {
            if now.since(since) < LINGER_MS {
                return;
            }
            self.leaving.pop_front();
            // It may have gone on meanwhile.
            if self.live.get(&id).is_some_and(|live| live.over_since == Some(since)) {
                self.end(id, Ending::Over);
            }
        }
    }

    pub(super) fn end(&mut self, id: u64, ending: Ending) {
        let Some(Conversation { mut ladder, over_since, requests, handles }) =
            self.live.remove(&id)
        else {
            return;
        };
        ladder.ending = if over_since.is_some() { Ending::Over } else { ending };
        if self.by_key.get(&ladder.key) == Some(&id) {
            self.by_key.remove(&ladder.key);
        }
        for leg in &ladder.legs {
            if self.calls.get(&leg.call).is_some_and(|place| place.conversation == id) {
                self.calls.remove(&leg.call);
                self.present.remove(&leg.call);
            }
        }
        for handle in handles {
            let is_known = |call: &CallId| self.calls.contains_key(call);
            if self.handles.get(&handle).is_some_and(|call| !is_known(call)) {
                self.handles.remove(&handle);
            }
        }
        for request in requests {
            let elsewhere = self
                .requests
                .get(&request)
                .is_some_and(|asked| asked.calls.iter().any(|call| self.calls.contains_key(call)));
            if !elsewhere {
                self.requests.remove(&request);
            }
        }
        self.over.push(ladder);
    }

    pub(super) fn end_all(&mut self, ending: Ending) {
        for id in self.live.keys().copied().collect::<Vec<_>>() {
            self.end(id, ending);
        }
        let over = std::mem::take(&mut self.over);
        *self = Ladders { next: self.next, over, ..Ladders::default() };
    }
}
