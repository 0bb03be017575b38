//! Which conversation a call belongs to: what the PBX knows it by may be known late, and change.

use super::super::{Band, Column, Ending, Key, Ladder, Leg, Step};
use super::{Asked, Conversation, Handle, Here, Ladders, MAX_LEGS, MAX_STEPS, Place};
use crate::rows::LineTag;
use engine::id::{CallId, Correlation, LineId};
use engine::line::CallTie;
use engine::tapi::CallState;
use std::collections::VecDeque;
use std::sync::Arc;

impl Ladders {
    /// Looks at which calls a line has, and by what the PBX knows them.
    pub(super) fn look_at(&mut self, line: LineId, here: &Here<'_>) {
        let Some(line) = here.playback.core().line_of(line) else { return };
        let link = line.monitored_in();
        for tie in line.ties() {
            let key = match tie.conf.is_nil() {
                true => None,
                false => Some(Key::Conf(tie.conf)),
            };
            match self.calls.get(&tie.id).copied() {
                // Over long ago, and not closed by the host yet; unless all that was kept back of it,
                // from beginning to end, was told at once.
                None if tie.state == CallState::Idle && !here.brings(tie.id) => {}
                None => self.begin_leg(tie.id, key.unwrap_or(Key::Call(tie.id)), here, Some(&tie)),
                Some(place) => {
                    if let Some(key) = key {
                        self.known_as(place, tie.id, key, here, &tie);
                    }
                }
            }
            let Some(place) = self.calls.get(&tie.id).copied() else { continue };
            if let Some(leg) = self.leg_mut(place) {
                if !Arc::ptr_eq(&leg.card, tie.card) {
                    leg.card = Arc::clone(tie.card);
                }
                leg.is_conference = tie.is_conference;
            }
            if let Some(link) = link {
                for leg in tie.leg.iter().chain(tie.forks) {
                    self.named((link.pbx, link.attempt, leg.0), tie.id);
                }
            }
        }
    }

    /// The leg of a call is known: what was heard of it before belongs there.
    pub(super) fn named(&mut self, handle: Handle, call: CallId) {
        if self.handles.insert(handle, call) == Some(call) {
            return;
        }
        let Some(place) = self.calls.get(&call).copied() else { return };
        if let Some(conversation) = self.live.get_mut(&place.conversation) {
            conversation.handles.push(handle);
        }
        if let Some(leg) = self.leg_mut(place) {
            leg.pbx = Some(handle.0);
        }
        if self.early.iter().all(|(early, _)| *early != handle) {
            return;
        }
        let (mine, others): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.early).into_iter().partition(|(early, _)| *early == handle);
        self.early = others;
        for (_, heard) in mine {
            self.put_at(call, heard);
        }
    }

    /// A call that was not there.
    pub(super) fn begin_leg(
        &mut self,
        call: CallId,
        key: Key,
        here: &Here<'_>,
        tie: Option<&CallTie<'_>>,
    ) {
        let conversation = self.conversation(key, here);
        let Some(live) = self.live.get_mut(&conversation) else { return };
        if live.ladder.legs.len() == MAX_LEGS {
            live.ladder.left_out += 1;
            return;
        }
        let core = here.playback.core();
        let tag = core.view(call.line).as_ref().map(LineTag::from);
        let link = core.line_of(call.line).and_then(|line| line.monitored_in());
        live.ladder.legs.push(Leg {
            line: call.line,
            tag: tag.unwrap_or(LineTag { id: 0, name: String::new(), number: String::new() }),
            call,
            number: here.playback.number_of(call),
            pbx: link.map(|link| link.pbx),
            is_conference: tie.is_some_and(|tie| tie.is_conference),
            goes_on_as: None,
            card: tie.map_or_else(Arc::default, |tie| Arc::clone(tie.card)),
            bands: Vec::new(),
        });
        live.over_since = None;
        let leg = live.ladder.legs.len() - 1;
        self.calls.insert(call, Place { conversation, leg });
        self.present.insert(call);
        self.concerned.insert(conversation);
    }

    /// The conversation of that key; a new one if there is none.
    pub(super) fn conversation(&mut self, key: Key, here: &Here<'_>) -> u64 {
        if let Some(id) = self.by_key.get(&key) {
            return *id;
        }
        let id = self.next;
        self.next += 1;
        let ladder = Ladder {
            key,
            legs: Vec::new(),
            steps: Vec::new(),
            pbxs: Vec::new(),
            left_out: 0,
            related: Vec::new(),
            begun: (here.seq, here.at),
            last: (here.seq, here.at),
            ending: Ending::GoingOn,
        };
        let conversation =
            Conversation { ladder, over_since: None, requests: Vec::new(), handles: Vec::new() };
        self.live.insert(id, conversation);
        self.by_key.insert(key, id);
        id
    }

    /// The PBX knows a call by that key now.
    pub(super) fn known_as(
        &mut self,
        place: Place,
        call: CallId,
        key: Key,
        here: &Here<'_>,
        tie: &CallTie<'_>,
    ) {
        let Some(conversation) = self.live.get(&place.conversation) else { return };
        let before = conversation.ladder.key;
        if before == key {
            return;
        }
        if let Key::Conf(_) = before {
            // It goes on in another call of the PBX, as after a transfer.
            let state = conversation.ladder.legs[place.leg].bands.last().cloned();
            self.begin_leg(call, key, here, Some(tie));
            if let Some(leg) = self.leg_mut(place) {
                leg.goes_on_as = Some(key);
            }
            if let Some(next) = self.calls.get(&call).copied().filter(|next| *next != place) {
                let number = here.playback.number_of(call);
                if let Some(leg) = self.leg_mut(next) {
                    leg.number = number;
                    leg.bands.extend(state.map(|band| Band { seq: here.seq, at: here.at, ..band }));
                }
                self.relate_two(place.conversation, next.conversation);
            }
            return;
        }
        match self.by_key.get(&key).copied() {
            None => self.rename(place.conversation, key),
            Some(other) => self.unite(place.conversation, other, key),
        }
    }

    pub(super) fn rename(&mut self, id: u64, key: Key) {
        let Some(conversation) = self.live.get_mut(&id) else { return };
        let before = std::mem::replace(&mut conversation.ladder.key, key);
        let related = conversation.ladder.related.clone();
        self.by_key.remove(&before);
        self.by_key.insert(key, id);
        self.rename_in_relations(before, key, &related);
    }

    /// Relations are mutual, so those that know a conversation are those that it knows.
    fn rename_in_relations(&mut self, before: Key, after: Key, related: &[Key]) {
        for key in related {
            let live = self.by_key.get(key).and_then(|id| self.live.get_mut(id));
            let live = live.map(|conversation| &mut conversation.ladder);
            let over = self.over.iter_mut().find(|ladder| ladder.key == *key);
            for known in live.into_iter().chain(over).flat_map(|ladder| &mut ladder.related) {
                if *known == before {
                    *known = after;
                }
            }
        }
    }

    /// Two are one: the older one takes in the younger, so that its legs come first.
    fn unite(&mut self, one: u64, other: u64, key: Key) {
        let begun = |id: u64| self.live.get(&id).map(|live| live.ladder.begun);
        if begun(one) < begun(other) {
            self.join(other, one);
            self.rename(one, key);
        } else {
            self.join(one, other);
        }
    }

    /// What was taken for a conversation of its own belongs to another one.
    fn join(&mut self, id: u64, into: u64) {
        let Some(Conversation { ladder, requests, handles, .. }) = self.live.remove(&id) else {
            return;
        };
        self.by_key.remove(&ladder.key);
        self.concerned.remove(&id);
        let Some(other) = self.live.get_mut(&into) else { return };
        let shift = other.ladder.legs.len();
        for (leg, moved) in ladder.legs.iter().enumerate() {
            self.calls.insert(moved.call, Place { conversation: into, leg: leg + shift });
        }
        for id in &requests {
            if let Some(asked) = self.requests.get_mut(id) {
                asked.conversation = asked.conversation.map(|_| into);
            }
        }
        let (before, related) = (ladder.key, ladder.related.clone());
        other.absorb(ladder, shift);
        other.requests.extend(requests);
        other.handles.extend(handles);
        let key = other.ladder.key;
        self.concerned.insert(into);
        self.rename_in_relations(before, key, &related);
    }

    /// The conversations of the calls of a request have to do with each other.
    pub(super) fn relate(&mut self, id: Correlation) {
        let Some(asked) = self.requests.get(&id) else { return };
        let conversations = self.conversations_of(asked);
        for conversation in &conversations {
            if let Some(live) = self.live.get_mut(conversation) {
                live.requests.push(id);
                live.over_since = None;
            }
        }
        for pair in conversations.windows(2) {
            self.relate_two(pair[0], pair[1]);
        }
    }

    pub(super) fn relate_two(&mut self, one: u64, other: u64) {
        let key = |id: u64| self.live.get(&id).map(|conversation| conversation.ladder.key);
        let (Some(first), Some(second)) = (key(one), key(other)) else { return };
        for (id, related) in [(one, second), (other, first)] {
            if let Some(conversation) = self.live.get_mut(&id)
                && one != other
                && !conversation.ladder.related.contains(&related)
            {
                conversation.ladder.related.push(related);
            }
        }
    }

    pub(super) fn conversations_of(&self, asked: &Asked) -> Vec<u64> {
        let of_calls = asked.calls.iter().filter_map(|call| self.calls.get(call));
        let mut ids: Vec<u64> = of_calls.map(|place| place.conversation).collect();
        ids.extend(asked.conversation);
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

impl Conversation {
    pub(super) fn absorb(&mut self, ladder: Ladder, shift: usize) {
        let moved = |column: Column| match column {
            Column::Line(leg) => Column::Line(leg + shift),
            other => other,
        };
        let steps = ladder.steps.into_iter().map(|step| Step {
            leg: step.leg.map(|leg| leg + shift),
            from: moved(step.from),
            to: moved(step.to),
            ..step
        });
        let mine = &mut self.ladder;
        mine.steps.extend(steps);
        // Stable, so steps of one record stay in their order.
        mine.steps.sort_by_key(|step| step.seq);
        mine.left_out += ladder.left_out + mine.steps.len().saturating_sub(MAX_STEPS) as u64;
        mine.steps.truncate(MAX_STEPS);
        mine.legs.extend(ladder.legs);
        let related = ladder.related.into_iter().filter(|key| *key != mine.key);
        let related: Vec<Key> = related.filter(|key| !mine.related.contains(key)).collect();
        mine.related.extend(related);
        mine.begun = mine.begun.min(ladder.begun);
        mine.last = mine.last.max(ladder.last);
        self.over_since = None;
    }
}
