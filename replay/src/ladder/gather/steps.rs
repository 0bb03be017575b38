//! Steps and states, put where they belong.

use super::super::{Band, Column, Leg, Step};
use super::{Heard, Here, Ladders, MAX_STEPS, Place, Way};
use engine::id::{CallId, Correlation, LineId};
use engine::tapi::CallState;
use std::collections::BTreeSet;

impl Ladders {
    /// Puts a step to all conversations that a request is about.
    pub(super) fn put_for(&mut self, id: Correlation, heard: Heard) {
        let Some(asked) = self.requests.get(&id) else { return };
        let mut put = BTreeSet::new();
        let places: Vec<Place> =
            asked.calls.iter().filter_map(|call| self.calls.get(call).copied()).collect();
        let of_no_call = asked.conversation;
        for place in places {
            if put.insert(place.conversation) {
                self.put(place.conversation, Some(place.leg), heard.clone());
            }
        }
        if let Some(conversation) = of_no_call {
            self.put(conversation, None, heard);
        }
    }

    pub(super) fn put_at(&mut self, call: CallId, heard: Heard) {
        if let Some(place) = self.calls.get(&call).copied() {
            self.put(place.conversation, Some(place.leg), heard);
        }
    }

    pub(super) fn put(&mut self, id: u64, leg: Option<usize>, heard: Heard) {
        let Some(conversation) = self.live.get_mut(&id) else { return };
        self.concerned.insert(id);
        let Heard { seq, at, ground, correlation, way, what } = heard;
        let line = Column::Line(leg.unwrap_or(0));
        let (from, to) = match way {
            Way::FromPbx(pbx) => (Column::Pbx(pbx), line),
            Way::ToPbx(pbx) => (line, Column::Pbx(pbx)),
            Way::FromApplication => (Column::Application, line),
            Way::ToApplication => (line, Column::Application),
            Way::AtLine => (line, line),
            Way::AtPbx(pbx) => (Column::Pbx(pbx), Column::Pbx(pbx)),
        };
        let ladder = &mut conversation.ladder;
        ladder.begun = ladder.begun.min((seq, at));
        ladder.last = ladder.last.max((seq, at));
        if ladder.steps.len() == MAX_STEPS {
            ladder.left_out += 1;
            return;
        }
        let step = Step { seq, at, leg, correlation, ground, from, to, what };
        for column in [from, to] {
            if let Column::Pbx(pbx) = column
                && ladder.pbxs.iter().all(|(known, _)| *known != pbx)
            {
                ladder.pbxs.push((pbx, String::new()));
            }
        }
        // What was heard before its leg was known goes to its place.
        let position = ladder.steps.partition_point(|known| known.seq <= seq);
        ladder.steps.insert(position, step);
    }

    pub(super) fn leg_mut(&mut self, place: Place) -> Option<&mut Leg> {
        self.live.get_mut(&place.conversation)?.ladder.legs.get_mut(place.leg)
    }

    /// The states that calls have, told or not.
    pub(super) fn states(&mut self, line: LineId, here: &Here<'_>) {
        let Some(known) = here.playback.core().line_of(line) else { return };
        let mut ties = Vec::new();
        for tie in known.ties() {
            ties.push(tie.id);
            if let Some(place) = self.calls.get(&tie.id).copied() {
                let (state, mode) = (tie.state, tie.mode);
                self.enter(
                    place,
                    Band {
                        seq: here.seq,
                        at: here.at,
                        state,
                        mode,
                        ground: here.ground,
                        is_told: false,
                    },
                );
            }
        }
        let all = CallId { line, serial: 0 }..=CallId { line, serial: u32::MAX };
        let gone = self.present.range(all).copied().filter(|call| !ties.contains(call));
        for call in gone.collect::<Vec<_>>() {
            self.present.remove(&call);
            let Some(place) = self.calls.get(&call).copied() else { continue };
            let state = CallState::Idle;
            self.enter(
                place,
                Band {
                    seq: here.seq,
                    at: here.at,
                    state,
                    mode: 0,
                    ground: here.ground,
                    is_told: false,
                },
            );
        }
    }

    pub(super) fn enter(&mut self, place: Place, band: Band) {
        let Some(leg) = self.leg_mut(place) else { return };
        let is_full = leg.bands.len() == MAX_STEPS;
        match leg.bands.last_mut() {
            Some(last) if (last.state, last.mode) == (band.state, band.mode) => {
                last.is_told |= band.is_told;
            }
            // A state that the host was told of is over with its end, whatever it hears.
            Some(last) if last.state == CallState::Idle && !band.is_told => {}
            _ if is_full => {}
            _ => {
                leg.bands.push(band);
                self.concerned.insert(place.conversation);
            }
        }
    }
}
