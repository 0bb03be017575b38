//! What applications can read of a line, field by field: for people, for machines, and to tell
//! which fields have changed.

use crate::playback::Playback;
use crate::rows::{Clock, Parties, harmless, words};
use engine::capability::address_features;
use engine::id::Guid;
use engine::tapi::CallState;
use engine::time::Millis;
use engine::view::{CallView, LineView, PartyId};
use serde_json::{Value, json};

/// One thing that can be read, and what it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// What it is called: `in service`, `call #1 state`.
    pub(super) name: String,
    /// What it reads now.
    pub(super) reads: String,
}

/// All that can be read of a line now.
pub(super) fn fields(view: &LineView, playback: &Playback) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut put = |name: &str, reads: String| {
        fields.push(Field { name: name.to_owned(), reads: harmless(&reads) });
    };
    let counts = view.counts();
    put("name", view.identity.name.to_text());
    put("number", view.identity.number.to_text());
    put("PBX", view.identity.switch.to_text());
    put("connected", yes_or_no(view.connected));
    put("in service", yes_or_no(view.in_service));
    put("ringing", yes_or_no(view.ringing));
    put("removed", yes_or_no(view.removed));
    put("forwards", forwards(view));
    put("features", words::address_features(address_features(view)).join(" "));
    put(
        "calls",
        format!(
            "{} active, {} on hold, {} pending",
            counts.active, counts.held, counts.hold_pending
        ),
    );
    for (at, call) in view.calls.iter().enumerate() {
        let name = call_name(call, at, playback);
        for (what, reads) in call_fields(call, playback.conf_of(call.id)) {
            put(&format!("{name} {what}"), reads);
        }
    }
    fields
}

/// `call #2`; a call that no callback has spoken of yet has no number.
fn call_name(call: &CallView, at: usize, playback: &Playback) -> String {
    match playback.number_of(call.id) {
        Some(number) => format!("call #{number}"),
        None => format!("call ({})", at + 1),
    }
}

fn call_fields(call: &CallView, conf: Option<Guid>) -> Vec<(&'static str, String)> {
    let info = &call.info;
    let mut fields = vec![
        ("state", state_words(call)),
        ("since", Clock::of(call.since).time()),
        ("features", words::call_features(call.features).join(" ")),
        ("call id", format!("{:08x}", info.call_id)),
        ("conf", conf.map_or_else(String::new, |conf| conf.to_string())),
        ("related", format!("{:08x}", info.related_call_id)),
        ("origin", words::origin(info.origin)),
        ("reason", words::reason(info.reason)),
        ("caller", party(&info.caller)),
        ("called", party(&info.called)),
        ("connected", party(&info.connected)),
        ("redirection", party(&info.redirection)),
        ("redirecting", party(&info.redirecting)),
        ("user info", info.uui.to_text()),
    ];
    // What is nearly always so goes without saying.
    fields.retain(|(what, reads)| match *what {
        "related" => info.related_call_id != 0,
        "redirection" | "redirecting" => reads != "UNKNOWN",
        "user info" | "conf" => !reads.is_empty(),
        _ => true,
    });
    fields
}

/// `CONNECTED (ACTIVEHELD)`.
pub(super) fn state_words(call: &CallView) -> String {
    match words::call_state_mode(call.state.bits(), call.mode) {
        Some(mode) => format!("{} ({mode})", call.state.name()),
        None => call.state.name().to_owned(),
    }
}

fn party(party: &PartyId) -> String {
    let text = format!("{} {}", party.number.to_text(), party.name.to_text());
    match text.trim() {
        "" => words::party_flags(party.flags).join(" "),
        text => text.to_owned(),
    }
}

fn forwards(view: &LineView) -> String {
    if view.forwards.refused {
        return "not readable for this account".into();
    }
    let entry = |forward: &engine::view::ForwardView| {
        let mut text = words::forward_mode(forward.mode);
        if !forward.caller.is_empty() {
            text.push_str(&format!(" of {}", forward.caller.to_text()));
        }
        format!("{text} to {}", forward.destination.to_text())
    };
    let entries: Vec<String> = view.forwards.entries.iter().map(entry).collect();
    if entries.is_empty() { "none".into() } else { entries.join(", ") }
}

fn yes_or_no(is: bool) -> String {
    if is { "yes" } else { "no" }.into()
}

/// The calls of a line in a few words: `#1 CONNECTED → 21, #2 ONHOLD`.
pub(super) fn calls_in_brief(view: &LineView, playback: &Playback) -> String {
    let call = |call: &std::sync::Arc<CallView>| {
        let number = playback.number_of(call.id).map_or_else(|| "#?".into(), |n| format!("#{n}"));
        let parties = Parties::from(&*call.info).in_brief();
        format!("{number} {} {parties}", state_words(call)).trim_end().to_owned()
    };
    view.calls.iter().map(call).collect::<Vec<_>>().join(", ")
}

/// For machines: one object of a line.
pub(super) fn object(view: &LineView, playback: &Playback, now: Millis) -> Value {
    let (identity, counts) = (&view.identity, view.counts());
    let calls: Vec<Value> =
        view.calls.iter().map(|call| call_object(call, playback, now)).collect();
    let forwards: Vec<Value> = view
        .forwards
        .entries
        .iter()
        .map(|forward| {
            json!({
                "mode": words::forward_mode(forward.mode),
                "caller": forward.caller.to_text(),
                "destination": forward.destination.to_text(),
            })
        })
        .collect();
    json!({
        "line": {
            "id": identity.permanent.0,
            "name": identity.name.to_text(),
            "number": identity.number.to_text(),
        },
        "guid": identity.guid.to_string(),
        "pbx": identity.switch.to_text(),
        "connected": view.connected,
        "in_service": view.in_service,
        "ringing": view.ringing,
        "removed": view.removed,
        "features": words::address_features(address_features(view)),
        "counts": {
            "active": counts.active,
            "on_hold": counts.held,
            "on_hold_pending": counts.hold_pending,
        },
        "forwards": forwards,
        "calls": calls,
    })
}

fn call_object(call: &CallView, playback: &Playback, now: Millis) -> Value {
    let info = &call.info;
    let party = |party: &PartyId| {
        json!({
            "flags": words::party_flags(party.flags),
            "number": party.number.to_text(),
            "name": party.name.to_text(),
        })
    };
    json!({
        "call": playback.number_of(call.id),
        "state": call.state.name(),
        "mode": words::call_state_mode(call.state.bits(), call.mode),
        "since": Clock::of(call.since).whole(),
        "for_ms": if call.state == CallState::Idle { 0 } else { now.since(call.since) },
        "features": words::call_features(call.features),
        "is_conference": call.is_conference,
        "call_id": info.call_id,
        "conf": playback.conf_of(call.id).map(|conf| conf.to_string()),
        "related_call_id": info.related_call_id,
        "origin": words::origin(info.origin),
        "reason": words::reason(info.reason),
        "media": info.media,
        "app_specific": info.app_specific,
        "caller": party(&info.caller),
        "called": party(&info.called),
        "connected": party(&info.connected),
        "redirection": party(&info.redirection),
        "redirecting": party(&info.redirecting),
        "user_info": info.uui.to_text(),
    })
}
