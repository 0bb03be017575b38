//! `tapline replay import`: traffic as a capture.

use crate::command_line::ReplayImport;
use crate::output::Output;
use crate::rows::{Clock, harmless};
use crate::trouble::Trouble;
use adapters::traffic::{self, Imported, PbxSeen, TrafficError, Wishes};
use engine::time::Millis;
use serde_json::{Value, json};

/// Writes the capture, and says what is in it.
pub(super) fn write(options: &ReplayImport) -> Result<(), Trouble> {
    let wishes = Wishes {
        pbxs: options.pbx.clone(),
        user: options.user.clone(),
        without_raw: options.no_raw,
    };
    let imported = traffic::import(&options.traffic, &wishes, &options.output);
    tell(options, &imported.map_err(|error| trouble(options, error))?)
}

fn trouble(options: &ReplayImport, error: TrafficError) -> Trouble {
    let name = options.traffic.display();
    match error {
        TrafficError::Io { path, is_output, error } => {
            Trouble::file(if is_output { "make" } else { "read" }, &path, error)
        }
        TrafficError::TooManyPbxs => Trouble::Usage(error.to_string()),
        error => Trouble::Log(format!("{name}: {error}")),
    }
}

fn tell(options: &ReplayImport, imported: &Imported) -> Result<(), Trouble> {
    let Imported { packets, segments, connections, tls, lost_bytes, .. } = imported;
    let Imported { other_clients, records, lines, calls, from, to, damage, .. } = imported;
    let path = options.output.display();
    let clock = |at: &Millis| {
        let clock = Clock::of(*at);
        format!("{} {}", clock.date(), clock.time())
    };
    let pbx = |seen: &PbxSeen| {
        let PbxSeen { id, place, client, questions, unanswered, sessions } = seen;
        let place = harmless(&place.to_string());
        let mut words = format!(
            "PBX {}: {place}, asked {questions} times by {client}, {sessions} sessions",
            id.0
        );
        if *unanswered > 0 {
            words.push_str(&format!(", {unanswered} questions without an answer"));
        }
        words
    };
    let mut sentences: Vec<String> = imported.pbxs.iter().map(pbx).collect();
    if *tls > 0 {
        sentences.push(format!("{tls} of {connections} connections have TLS and cannot be read"));
    }
    if *lost_bytes > 0 {
        sentences.push(format!(
            "{lost_bytes} bytes were lost where the packets were taken down; what they told is not \
             in it"
        ));
    }
    if *other_clients > 0 {
        sentences.push(format!(
            "{other_clients} other clients of the same PBXs are left out; give a file with theirs \
             alone to see them"
        ));
    }
    sentences.push(format!(
        "{records} records of {lines} lines and {calls} calls, {} to {} (UTC), are in {path}. See \
         them by: tapline replay {path}",
        clock(from),
        clock(to)
    ));
    let summary = json!({ "summary": {
        "file": path.to_string(),
        "packets": packets,
        "segments": segments,
        "connections": connections,
        "tls": tls,
        "lost_bytes": lost_bytes,
        "other_clients": other_clients,
        "pbxs": imported.pbxs.iter().map(object).collect::<Vec<_>>(),
        "records": records,
        "lines": lines,
        "calls": calls,
        "from_ms": from.0,
        "to_ms": to.0,
        "damage": damage,
    } });
    Output::new(options.json).summary(&sentences.join("\n"), &summary)?;
    match damage {
        None => Ok(()),
        Some(why) => Err(Trouble::Damage(format!(
            "{}: {why}; what comes before is in the capture",
            options.traffic.display()
        ))),
    }
}

fn object(seen: &PbxSeen) -> Value {
    json!({
        "pbx": seen.id.0,
        "place": seen.place.to_string(),
        "client": seen.client.to_string(),
        "questions": seen.questions,
        "unanswered": seen.unanswered,
        "sessions": seen.sessions,
    })
}
