//! One message of a provider as one row for people, or one JSON object for machines.
//!
//! The demo and `run` have messages of a telephony server, a replay has effects of the engine;
//! both become a [`Row`], so that both look the same.

mod clock;
mod columns;
mod words;

pub(crate) use clock::Clock;
pub(crate) use columns::harmless;

use engine::effect::{Notice, What};
use engine::tapi::{CallState, origin};
use engine::time::Millis;
use engine::view::{CallCard, PartyId};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
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
    /// Who talks to whom, if it is about a call and something is known.
    pub(crate) parties: Option<Parties>,
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

// ---- where rows come from -------------------------------------------------------------------

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
#[derive(Debug)]
pub(crate) struct CallCount<Line, Call> {
    of_line: BTreeMap<Line, u32>,
    known: BTreeMap<Call, u32>,
}

impl<Line: Ord, Call: Ord> CallCount<Line, Call> {
    pub(crate) fn new() -> Self {
        CallCount { of_line: BTreeMap::new(), known: BTreeMap::new() }
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

// ---- for people -------------------------------------------------------------------------------

/// Widths of the columns.
const LINE_COLUMNS: usize = 20;
const CALL_COLUMNS: usize = 4;
const SAID_COLUMNS: usize = 36;

/// The words above the columns.
pub(crate) fn header() -> String {
    let line = columns::fitted("line", LINE_COLUMNS);
    let call = columns::fitted("call", CALL_COLUMNS);
    let said = columns::fitted("message", SAID_COLUMNS);
    format!("{:<12}  {line}  {call}  {said}  parties", "time (UTC)")
}

/// The styles of a terminal, as escape sequences that `anstream` strips where they are not wanted.
const PLAIN: &str = "\x1b[0m";
const DIM: &str = "\x1b[2m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const RED: &str = "\x1b[31m";
const BOLD: &str = "\x1b[1m";

/// A heading between rows.
pub(crate) fn heading(text: &str) -> String {
    format!("{BOLD}{}{PLAIN}", harmless(text))
}

impl Row {
    /// One row of a table, without a line break.
    pub(crate) fn for_people(&self) -> String {
        let line = self.line.as_ref().map_or_else(|| "?".to_owned(), LineTag::for_people);
        let call = self.call.map_or_else(String::new, |call| format!("#{call}"));
        let parties = self.parties.as_ref().map_or_else(String::new, Parties::for_people);
        let style = self.said.style();
        let row = format!(
            "{}  {}  {}  {style}{}{PLAIN}  {}",
            Clock::of(self.at).time(),
            columns::fitted(&harmless(&line), LINE_COLUMNS),
            columns::fitted(&call, CALL_COLUMNS),
            columns::fitted(&harmless(&self.said.for_people()), SAID_COLUMNS),
            harmless(&parties),
        );
        row.trim_end().to_owned()
    }

    /// One JSON object, without a line break.
    pub(crate) fn for_machines(&self) -> Value {
        let mut row = Map::new();
        row.insert("time".into(), Clock::of(self.at).whole().into());
        if let Some(line) = &self.line {
            let LineTag { id, name, number } = line;
            row.insert("line".into(), json!({ "id": id, "name": name, "number": number }));
        }
        if let Some(call) = self.call {
            row.insert("call".into(), call.into());
        }
        self.said.fill(&mut row);
        if let Some(parties) = &self.parties {
            parties.fill(&mut row);
        }
        Value::Object(row)
    }
}

impl LineTag {
    fn for_people(&self) -> String {
        match (self.number.is_empty(), self.name.is_empty()) {
            (true, _) => self.name.clone(),
            (_, true) => self.number.clone(),
            _ => format!("{} {}", self.number, self.name),
        }
    }
}

impl Said {
    fn style(&self) -> &'static str {
        let state = match *self {
            Said::CallState { state, .. } => state,
            Said::NewCall => return PLAIN,
            Said::Completed { result: Ok(()), .. } | Said::Created => return PLAIN,
            Said::Completed { result: Err(_), .. } | Said::Stray { .. } => return RED,
            _ => return DIM,
        };
        match CallState::ALL.into_iter().find(|known| known.bits() == state) {
            Some(CallState::Offering | CallState::Accepted | CallState::Ringback) => YELLOW,
            Some(CallState::Connected) => GREEN,
            Some(CallState::Busy | CallState::Disconnected | CallState::SpecialInfo) => RED,
            Some(CallState::Idle) => DIM,
            _ => PLAIN,
        }
    }

    /// The name of the message without LINE_, and what it brings.
    fn for_people(&self) -> String {
        match self {
            Said::Created => "CREATE".into(),
            Said::Removed => "REMOVE".into(),
            Said::Closed => "CLOSE".into(),
            Said::NewCall => "NEWCALL".into(),
            Said::CallState { state, mode } => {
                let mut text = format!("CALLSTATE {}", words::call_state(*state));
                if let Some(mode) = words::call_state_mode(*state, *mode) {
                    let _ = write!(text, " ({mode})");
                }
                text
            }
            Said::CallInfo(items) => format!("CALLINFO {}", words::call_info(*items).join(" ")),
            Said::AddressState(states) => {
                format!("ADDRESSSTATE {}", words::address(*states).join(" "))
            }
            Said::LineDevState(states, second, third) => {
                let mut text = format!("LINEDEVSTATE {}", words::line_dev(*states).join(" "));
                if states & engine::tapi::line_dev_state::RINGING != 0 {
                    let _ = write!(text, " {third}");
                } else if (*second, *third) != (0, 0) {
                    let _ = write!(text, " {second} {third}");
                }
                text
            }
            Said::Completed { request, function, result } => {
                let function = function.unwrap_or("?");
                match result {
                    Ok(()) => format!("REPLY {request}: {function} done"),
                    Err(refusal) => {
                        let name =
                            refusal.name().map_or_else(|| refusal.to_string(), str::to_owned);
                        format!("REPLY {request}: {function} {name}")
                    }
                }
            }
            Said::Stray { message, parameters: [a, b, c] } => {
                format!("message {message} out of place ({a:#x} {b:#x} {c:#x})")
            }
        }
    }

    fn fill(&self, row: &mut Map<String, Value>) {
        let mut put = |key: &str, value: Value| row.insert(key.into(), value);
        match self {
            Said::Created => put("message", "LINE_CREATE".into()),
            Said::Removed => put("message", "LINE_REMOVE".into()),
            Said::Closed => put("message", "LINE_CLOSE".into()),
            Said::NewCall => put("message", "LINE_NEWCALL".into()),
            Said::CallState { state, mode } => {
                put("message", "LINE_CALLSTATE".into());
                put("state", words::call_state(*state).into());
                put("mode", (*mode).into())
            }
            Said::CallInfo(items) => {
                put("message", "LINE_CALLINFO".into());
                put("items", words::call_info(*items).into())
            }
            Said::AddressState(states) => {
                put("message", "LINE_ADDRESSSTATE".into());
                put("states", words::address(*states).into())
            }
            Said::LineDevState(states, second, third) => {
                put("message", "LINE_LINEDEVSTATE".into());
                put("states", words::line_dev(*states).into());
                put("parameters", json!([second, third]))
            }
            Said::Completed { request, function, result } => {
                put("message", "ASYNC_COMPLETION".into());
                put("request", (*request).into());
                put("function", json!(function));
                put("error", json!(result.err().map(|refusal| refusal.to_string())))
            }
            Said::Stray { message, parameters } => {
                put("message", (*message).into());
                put("parameters", json!(parameters))
            }
        };
    }
}

impl Parties {
    /// `→ called`, `← caller`; who diverted the call behind it.
    fn for_people(&self) -> String {
        let is_outbound = self.origin & origin::OUTBOUND != 0;
        let first = if is_outbound { &self.called } else { &self.caller };
        let arrow = if is_outbound { '→' } else { '←' };
        let mut text = String::new();
        if !first.is_empty() {
            text = format!("{arrow} {}", first.for_people());
        }
        if !self.connected.is_empty() && !self.connected.is_same_as(first) {
            let _ = write!(text, " ↔ {}", self.connected.for_people());
        }
        if !self.redirecting.is_empty() {
            let _ = write!(text, " (from {})", self.redirecting.for_people());
        }
        text.trim_start().to_owned()
    }

    fn fill(&self, row: &mut Map<String, Value>) {
        let origins = [
            (origin::OUTBOUND, "OUTBOUND"),
            (origin::INTERNAL, "INTERNAL"),
            (origin::EXTERNAL, "EXTERNAL"),
        ];
        if let Some((_, name)) = origins.iter().find(|(bit, _)| self.origin == *bit) {
            row.insert("origin".into(), (*name).into());
        }
        for (key, party) in [
            ("caller", &self.caller),
            ("called", &self.called),
            ("connected", &self.connected),
            ("redirecting", &self.redirecting),
            ("redirection", &self.redirection),
        ] {
            if !party.is_empty() {
                let Party { number, name } = party;
                row.insert(key.into(), json!({ "number": number, "name": name }));
            }
        }
    }
}

impl Party {
    fn is_empty(&self) -> bool {
        self.number.is_empty() && self.name.is_empty()
    }

    /// The same end, whether its name is known here or not.
    fn is_same_as(&self, other: &Party) -> bool {
        if self.number.is_empty() { self.name == other.name } else { self.number == other.number }
    }

    fn for_people(&self) -> String {
        match (self.number.is_empty(), self.name.is_empty()) {
            (_, true) => self.number.clone(),
            (true, _) => self.name.clone(),
            _ => format!("{} {}", self.number, self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    fn party(number: &str, name: &str) -> Party {
        Party { number: number.into(), name: name.into() }
    }

    fn row(name: &str, said: Said) -> Row {
        let line = LineTag { id: 7, name: name.into(), number: "20".into() };
        Row { at: Millis(3_723_004), line: Some(line), call: Some(2), said, parties: None }
    }

    /// The row as a terminal shows it without colour.
    fn plain(row: &Row) -> String {
        anstream::adapter::strip_str(&row.for_people()).to_string()
    }

    #[test]
    fn a_row_reads_from_left_to_right() {
        let mut row = row("Zoë Ünal", Said::CallState { state: 2, mode: 1 });
        row.parties = Some(Parties {
            origin: origin::EXTERNAL,
            caller: party("0301234567", "Café Zoë"),
            called: party("20", ""),
            ..Parties::default()
        });
        let words: Vec<String> =
            plain(&row).split("  ").map(str::trim).map(str::to_owned).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).filter(|w| !w.is_empty()).collect();
        assert_eq!(
            words,
            ["01:02:03.004", "20 Zoë Ünal", "#2", "CALLSTATE OFFERING", "← 0301234567 Café Zoë"]
        );
    }

    #[test]
    fn the_parties_stand_in_one_column_whatever_the_script_of_the_line() {
        let width = |name: &str| {
            let mut row = row(name, Said::NewCall);
            row.parties = Some(Parties { caller: party("21", ""), ..Parties::default() });
            plain(&row).split('←').next().map(UnicodeWidthStr::width)
        };
        let expected = width("Bob");
        for name in ["李小龍", "Ann 📞", "Zoë Ünal", "A name that is far too long for its column"]
        {
            assert_eq!(width(name), expected, "{name}");
        }
    }

    #[test]
    fn the_far_end_is_named_once_unless_it_is_another() {
        let mut parties = Parties {
            origin: origin::OUTBOUND,
            caller: party("20", "Zoë"),
            called: party("21", ""),
            connected: party("21", "Bob"),
            ..Parties::default()
        };
        assert_eq!(parties.for_people(), "→ 21");
        parties.connected = party("22", "Ann");
        parties.redirecting = party("21", "Bob");
        assert_eq!(parties.for_people(), "→ 21 ↔ 22 Ann (from 21 Bob)");
        assert_eq!(Parties::default().for_people(), "");
    }

    #[test]
    fn messages_are_written_as_in_the_headers() {
        for (said, text) in [
            (Said::AddressState(0x28), "ADDRESSSTATE INUSEONE NUMCALLS"),
            (Said::LineDevState(2, 1, 3), "LINEDEVSTATE RINGING 3"),
            (Said::LineDevState(0x44, 0, 0), "LINEDEVSTATE CONNECTED INSERVICE"),
            (Said::CallInfo(0x2_0000), "CALLINFO CONNECTEDID"),
            (Said::CallState { state: 0x4000, mode: 4 }, "CALLSTATE DISCONNECTED (REJECT)"),
            (
                Said::Completed { request: 5, function: Some("lineMakeCall"), result: Ok(()) },
                "REPLY 5: lineMakeCall done",
            ),
            (
                Said::Completed {
                    request: 5,
                    function: Some("lineDrop"),
                    result: Err(Refusal(0x8000_0048_u32.cast_signed())),
                },
                "REPLY 5: lineDrop OPERATIONFAILED",
            ),
        ] {
            assert_eq!(said.for_people(), text);
        }
    }

    #[test]
    fn the_widest_usual_message_fits_its_column() {
        let widest = [
            Said::AddressState(0x24),
            Said::CallState { state: 0x4000, mode: 0x8000 },
            Said::Completed { request: 99, function: Some("lineMakeCall"), result: Ok(()) },
        ];
        for said in widest {
            assert!(said.for_people().width() <= SAID_COLUMNS, "{}", said.for_people());
        }
    }

    #[test]
    fn a_machine_gets_the_full_names_and_all_parties() {
        let mut row = row("李小龍", Said::CallState { state: 0x100, mode: 1 });
        row.parties = Some(Parties {
            origin: origin::OUTBOUND,
            called: party("21", "Bob & <Sons>"),
            ..Parties::default()
        });
        let expected = json!({
            "time": "1970-01-01T01:02:03.004Z",
            "line": { "id": 7, "name": "李小龍", "number": "20" },
            "call": 2,
            "message": "LINE_CALLSTATE",
            "state": "CONNECTED",
            "mode": 1,
            "origin": "OUTBOUND",
            "called": { "number": "21", "name": "Bob & <Sons>" },
        });
        assert_eq!(row.for_machines(), expected);
    }

    #[test]
    fn calls_are_counted_by_line_in_the_order_of_their_appearance() {
        let mut count = CallCount::new();
        assert_eq!(
            [count.of(1, 'a'), count.of(2, 'b'), count.of(1, 'c'), count.of(1, 'a')],
            [1, 1, 2, 1]
        );
    }
}
