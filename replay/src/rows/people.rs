//! A message as one row of a table, for people.

use super::columns::{fitted, harmless};
use super::{Clock, Happened, Happening, LineTag, Parties, Party, Row, Said, words};
use engine::tapi::{CallState, generate_term, line_dev_state, origin};
use std::fmt::Write as _;

/// Widths of the columns.
const LINE_COLUMNS: usize = 20;
const CALL_COLUMNS: usize = 4;
const SAID_COLUMNS: usize = 36;

/// The words above the columns.
pub(crate) fn header() -> String {
    let line = fitted("line", LINE_COLUMNS);
    let call = fitted("call", CALL_COLUMNS);
    let said = fitted("message", SAID_COLUMNS);
    format!("{:<12}  {line}  {call}  {said}  parties", "time (UTC)")
}

/// The styles of a terminal, as escape sequences that `anstream` strips where they are not wanted.
pub(super) const PLAIN: &str = "\x1b[0m";
pub(super) const DIM: &str = "\x1b[2m";
pub(super) const GREEN: &str = "\x1b[32m";
pub(super) const YELLOW: &str = "\x1b[33m";
pub(super) const RED: &str = "\x1b[31m";
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
        let mut said = harmless(&self.said.for_people());
        if let (Said::Completed { .. }, Some(correlation)) = (&self.said, self.correlation) {
            let _ = write!(said, " {correlation}");
        }
        let said = match parties.as_str() {
            "" => said,
            _ => fitted(&said, SAID_COLUMNS),
        };
        let row = format!(
            "{}  {}  {}  {}{said}{PLAIN}  {}",
            Clock::of(self.at).time(),
            fitted(&harmless(&line), LINE_COLUMNS),
            fitted(&call, CALL_COLUMNS),
            self.said.style(),
            harmless(&parties),
        );
        row.trim_end().to_owned()
    }
}

impl Happening {
    /// One row of the same table, without a line break.
    pub(crate) fn for_people(&self) -> String {
        let (style, place, text) = match &self.what {
            Happened::AtPbx { pbx, event } => (BOLD, harmless(pbx), harmless(event)),
            Happened::Compared { lines, in_service, with_calls } => {
                let text = format!(
                    "{lines} lines, {in_service} in service, {with_calls} with calls: as at the PBXs"
                );
                (GREEN, "=".into(), text)
            }
        };
        let time = Clock::of(self.at).time();
        format!("{time}  {style}{}  {text}{PLAIN}", fitted(&place, LINE_COLUMNS))
    }
}

impl LineTag {
    /// `20 Anna Berg`.
    pub(crate) fn for_people(&self) -> String {
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
    pub(crate) fn in_brief(&self) -> String {
        self.for_people()
    }

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
                if states & line_dev_state::RINGING != 0 {
                    let _ = write!(text, " {third}");
                } else if (*second, *third) != (0, 0) {
                    let _ = write!(text, " {second} {third}");
                }
                text
            }
            Said::Generated { term: generate_term::DONE, tag } => format!("GENERATE {tag} done"),
            Said::Generated { tag, .. } => format!("GENERATE {tag} cancelled"),
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
}

impl Parties {
    /// The same as in the column of a row.
    pub(crate) fn in_brief(&self) -> String {
        harmless(&self.for_people())
    }

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
}

impl Party {
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
    use super::super::testing::{party, row};
    use super::*;
    use tapline::telephony_server::Refusal;
    use unicode_width::UnicodeWidthStr;

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
}
