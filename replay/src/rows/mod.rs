//! One message of a provider as one row for people, or one JSON object for machines.
//!
//! The demo and `run` have messages of a telephony server, a replay has effects of the engine;
//! both become a [`Row`], so that both look the same.

mod checks;
mod clock;
mod columns;
mod lists;
mod machines;
mod people;
mod plans;
pub(crate) mod words;

pub(crate) use checks::{check_row, indented};
pub(crate) use clock::{Clock, millis_of};
pub(crate) use columns::{fitted, harmless};
pub(crate) use lists::{ColumnWidths, age, cells, state_word};
pub(crate) use people::{header, heading};
pub(crate) use plans::{Tone, plan_row};

use engine::effect::{Notice, What};
use engine::id::{Correlation, Guid};
use engine::time::Millis;
use engine::view::{CallCard, PartyId};
use std::collections::BTreeMap;
use tapline::telephony_server::{CallInfo, Kind, PartyText, Refusal};

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) at: Millis,
    /// The line it is about; `None` for a line that there is not.
    pub(crate) line: Option<LineTag>,
    /// Which call of that line, counted from 1 in the order in which they appeared.
    pub(crate) call: Option<u32>,
    pub(crate) said: Said,
    /// The request that it completes or belongs to, where that is known.
    pub(crate) correlation: Option<Correlation>,
    /// The PBX's key for the call, where that is known.
    pub(crate) conf: Option<Guid>,
    /// Who talks to whom, if it is about a call and something is known.
    pub(crate) parties: Option<Parties>,
}

/// Something between the rows that is no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Happening {
    pub(crate) at: Millis,
    pub(crate) what: Happened,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    /// Something happens at a PBX.
    AtPbx { pbx: String, event: String },
    /// Lines and calls were compared with those of the PBXs, and are the same.
    Compared { lines: usize, in_service: usize, with_calls: usize },
}

/// Which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineTag {
    /// Its permanent id.
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) number: String,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Created,
    Removed,
    Closed,
    NewCall,
    CallState { state: u32, mode: u32 },
    CallInfo(u32),
    AddressState(u32),
    LineDevState(u32, u32, u32),
    Generated { term: u32, tag: u32 },
    Completed { request: u32, function: Option<&'static str>, result: Result<(), Refusal> },
    Stray { message: u32, parameters: [usize; 3] },
}

/// Who talks to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parties {
    /// LINECALLORIGIN.
    pub(crate) origin: u32,
    pub(crate) caller: Party,
    pub(crate) called: Party,
    pub(crate) connected: Party,
    pub(crate) redirecting: Party,
    pub(crate) redirection: Party,
}

/// A party, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Party {
    pub(crate) number: String,
    pub(crate) name: String,
}

impl Said {
    /// From a callback that a telephony server got.
    pub(crate) fn heard(kind: &Kind) -> Said {
        match *kind {
            Kind::LineCreated => Said::Created,
            Kind::LineRemoved => Said::Removed,
            Kind::LineClosed => Said::Closed,
            Kind::NewCall(_) => Said::NewCall,
            Kind::CallState { state, mode, .. } => Said::CallState { state, mode },
            Kind::CallInfo { items, .. } => Said::CallInfo(items),
            Kind::AddressState { states, .. } => Said::AddressState(states),
            Kind::LineDevState { states, second, third } => {
                Said::LineDevState(states, second, third)
            }
            Kind::Generated { term, tag, .. } => Said::Generated { term, tag },
            Kind::Completed { request, asked, result } => {
                Said::Completed { request, function: asked.map(|asked| asked.function), result }
            }
            Kind::Stray { message, parameters, .. } => Said::Stray { message, parameters },
        }
    }

    /// From a callback that the engine derived; `function` is what a completed request asked.
    pub(crate) fn derived(what: &What, function: Option<&'static str>) -> Said {
        match *what {
            What::Notice(Notice::LineCreated) => Said::Created,
            What::Notice(Notice::LineRemoved) => Said::Removed,
            What::Notice(Notice::NewCall(_)) => Said::NewCall,
            What::Notice(Notice::CallState { state, mode, .. }) => {
                Said::CallState { state: state.bits(), mode }
            }
            What::Notice(Notice::CallInfo(_, items)) => Said::CallInfo(items),
            What::Notice(Notice::AddressState(states)) => Said::AddressState(states),
            What::Notice(Notice::LineDevState(states, second, third)) => {
                Said::LineDevState(states, second, third)
            }
            What::Notice(Notice::Generated { term, tag, .. }) => Said::Generated { term, tag },
            What::Completed(request, result) => Said::Completed {
                request: request.0,
                function,
                result: result.map_err(Refusal::from),
            },
        }
    }
}

impl From<&CallInfo> for Parties {
    fn from(info: &CallInfo) -> Self {
        let party =
            |party: &PartyText| Party { number: party.number.clone(), name: party.name.clone() };
        Parties {
            origin: info.origin,
            caller: party(&info.caller),
            called: party(&info.called),
            connected: party(&info.connected),
            redirecting: party(&info.redirecting),
            redirection: party(&info.redirection),
        }
    }
}

impl From<&CallCard> for Parties {
    fn from(card: &CallCard) -> Self {
        let party =
            |party: &PartyId| Party { number: party.number.to_text(), name: party.name.to_text() };
        Parties {
            origin: card.origin,
            caller: party(&card.caller),
            called: party(&card.called),
            connected: party(&card.connected),
            redirecting: party(&card.redirecting),
            redirection: party(&card.redirection),
        }
    }
}

/// Counts the calls of each line in the order in which they appear, whatever they are called by
/// those who speak of them.
#[derive(Clone, Debug)]
pub(crate) struct CallCount<Line, Call> {
    of_line: BTreeMap<Line, u32>,
    known: BTreeMap<Call, u32>,
}

impl<Line: Ord, Call: Ord> CallCount<Line, Call> {
    pub(crate) fn new() -> Self {
        CallCount { of_line: BTreeMap::new(), known: BTreeMap::new() }
    }

    /// The count of a call, if it has appeared.
    pub(crate) fn known(&self, call: &Call) -> Option<u32> {
        self.known.get(call).copied()
    }

    /// The count of a call on its line.
    pub(crate) fn of(&mut self, line: Line, call: Call) -> u32 {
        *self.known.entry(call).or_insert_with(|| {
            let count = self.of_line.entry(line).or_default();
            *count += 1;
            *count
        })
    }
}

impl Party {
    fn is_empty(&self) -> bool {
        self.number.is_empty() && self.name.is_empty()
    }
}

#[cfg(test)]
mod testing {
    use super::*;

    pub(super) fn party(number: &str, name: &str) -> Party {
        Party { number: number.into(), name: name.into() }
    }

    pub(super) fn row(name: &str, said: Said) -> Row {
        let line = LineTag { id: 7, name: name.into(), number: "20".into() };
        Row {
            at: Millis(3_723_004),
            line: Some(line),
            call: Some(2),
            said,
            correlation: None,
            conf: None,
            parties: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_line_in_the_order_of_their_appearance() {
        let mut count = CallCount::new();
        assert_eq!(
            [count.of(1, 'a'), count.of(2, 'b'), count.of(1, 'c'), count.of(1, 'a')],
            [1, 1, 2, 1]
        );
    }
}
