//! A message as one JSON object, for machines.

use super::{Clock, Happened, Happening, LineTag, Parties, Party, Row, Said, words};
use engine::tapi::{generate_term, origin};
use serde_json::{Map, Value, json};

impl Row {
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
        if let Some(conf) = self.conf {
            row.insert("conf".into(), conf.to_string().into());
        }
        if let Some(correlation) = self.correlation {
            row.insert("correlation".into(), correlation.to_string().into());
        }
        self.said.fill(&mut row);
        if let Some(parties) = &self.parties {
            parties.fill(&mut row);
        }
        Value::Object(row)
    }
}

impl Happening {
    /// One JSON object, without a line break.
    pub(crate) fn for_machines(&self) -> Value {
        let time = Clock::of(self.at).whole();
        match &self.what {
            Happened::AtPbx { pbx, event } => json!({ "time": time, "pbx": pbx, "event": event }),
            Happened::Compared { lines, in_service, with_calls } => json!({
                "time": time,
                "as_at_the_pbxs": {
                    "lines": lines, "in_service": in_service, "with_calls": with_calls,
                },
            }),
        }
    }
}

impl Said {
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
            Said::Generated { term, tag } => {
                put("message", "LINE_GENERATE".into());
                put("done", (*term == generate_term::DONE).into());
                put("tag", (*tag).into())
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

#[cfg(test)]
mod tests {
    use super::super::testing::{party, row};
    use super::*;

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
}
