//! What is listed, as JSON.

use crate::simulator::model::{ListedCall, ListedUser};
use std::fmt::Write as _;

pub(super) fn users(users: &[ListedUser]) -> String {
    array(users.iter().map(|user| {
        format!(
            "{{\"ext\":{},\"extension\":{},\"cn\":{},\"dn\":{},\"h323\":{},\"guid\":\"{}\",\"loc\":{},\"registered\":{},\"calls\":{}}}",
            json(&user.ext),
            json(&user.extension),
            json(&user.cn),
            json(&user.dn),
            json(&user.h323),
            user.guid,
            json(&user.loc),
            user.registered,
            user.calls
        )
    }))
}

pub(super) fn calls(calls: &[ListedCall]) -> String {
    array(calls.iter().map(|call| {
        let legs = array(call.legs.iter().map(|leg| {
            let handles =
                array(leg.handles.iter().map(|(session, handle)| {
                    format!("{{\"session\":{session},\"call\":{handle}}}")
                }));
            format!(
                "{{\"ext\":{},\"peer\":{},\"state\":{},\"handles\":{handles}}}",
                json(&leg.ext),
                json(&leg.peer),
                leg.state
            )
        }));
        let external = call.external.as_ref().map_or_else(
            || "null".to_owned(),
            |(name, number)| format!("{{\"name\":{},\"number\":{}}}", json(name), json(number)),
        );
        format!("{{\"conf\":\"{}\",\"legs\":{legs},\"external\":{external}}}", call.conf)
    }))
}

pub(super) fn array(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

/// A text as a JSON string.
pub(super) fn json(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
