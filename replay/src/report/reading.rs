//! What applications could read of a call after each record, kept while the call goes on.

use super::data::READINGS;
use crate::playback::Playback;
use crate::rows::words;
use engine::id::CallId;
use engine::tapi::CallState;
use engine::view::{CallView, LineView, PartyId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Readings of one call that are kept; behind these the last one stands.
const MOST_READINGS: usize = 2_000;

/// From this record on, a call reads so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CallReading {
    pub(super) seq: u64,
    pub(super) fields: [String; READINGS],
}

/// The readings of all calls that go on.
#[derive(Default)]
pub(super) struct Readings {
    calls: BTreeMap<CallId, Kept>,
}

struct Kept {
    last: Seen,
    readings: Vec<CallReading>,
}

/// What the texts are made of, to see cheaply that they would be the same.
#[derive(Clone, PartialEq, Eq)]
struct Seen {
    call: Arc<CallView>,
    connected: bool,
    in_service: bool,
    /// The other calls of the line.
    others: Vec<Arc<CallView>>,
}

impl Readings {
    /// Looks at the lines that the last record was about.
    pub(super) fn take(&mut self, seq: u64, playback: &Playback) {
        for line in playback.touched() {
            if let Some(view) = playback.core().view(*line) {
                self.look(seq, &view, playback);
            }
        }
    }

    /// The readings of a call, which are kept no more.
    pub(super) fn of(&mut self, call: CallId) -> Vec<CallReading> {
        self.calls.remove(&call).map_or_else(Vec::new, |kept| kept.readings)
    }

    /// The readings of a call up to a record, which stay.
    pub(super) fn up_to(&self, seq: u64, call: CallId) -> Vec<CallReading> {
        let readings = self.calls.get(&call).into_iter().flat_map(|kept| &kept.readings);
        readings.take_while(|reading| reading.seq <= seq).cloned().collect()
    }

    fn look(&mut self, seq: u64, view: &LineView, playback: &Playback) {
        for call in &view.calls {
            let others = view.calls.iter().filter(|other| other.id != call.id).cloned();
            let seen = Seen {
                call: Arc::clone(call),
                connected: view.connected,
                in_service: view.in_service,
                others: others.collect(),
            };
            let kept = self.calls.get_mut(&call.id);
            // One that is over, and whose ladder has been written, is not begun again.
            if kept.is_none() && call.state == CallState::Idle {
                continue;
            }
            if kept.as_ref().is_some_and(|kept| kept.last == seen) {
                continue;
            }
            let reading = CallReading { seq, fields: fields(&seen, playback) };
            match kept {
                None => {
                    let kept = Kept { last: seen, readings: vec![reading] };
                    self.calls.insert(call.id, kept);
                }
                Some(kept) => kept.change(seen, reading),
            }
        }
    }
}

impl Kept {
    fn change(&mut self, seen: Seen, reading: CallReading) {
        self.last = seen;
        let is_new = self.readings.last().is_none_or(|last| last.fields != reading.fields);
        if is_new && self.readings.len() < MOST_READINGS {
            self.readings.push(reading);
        }
    }
}

/// In the order of [`READINGS`].
fn fields(seen: &Seen, playback: &Playback) -> [String; READINGS] {
    let (call, info) = (&seen.call, &seen.call.info);
    let line = match (seen.connected, seen.in_service) {
        (true, true) => "connected, in service",
        (true, false) => "connected, out of service",
        (false, _) => "its PBX is not reached",
    };
    let other = |other: &Arc<CallView>| match playback.number_of(other.id) {
        Some(number) => format!("#{number} {}", other.state.name()),
        None => other.state.name().to_owned(),
    };
    let others: Vec<String> = seen.others.iter().map(other).collect();
    [
        line.to_owned(),
        others.join(", "),
        words::call_features(call.features).join(" "),
        party(&info.caller),
        party(&info.called),
        party(&info.connected),
        party(&info.redirecting),
        party(&info.redirection),
        words::origin(info.origin),
        words::reason(info.reason),
    ]
}

/// Number and name; nothing for nobody, as most calls have most parties empty.
fn party(party: &PartyId) -> String {
    format!("{} {}", party.number.to_text(), party.name.to_text()).trim().to_owned()
}
