//! The little of the Admin language that this model knows: showing one object.

use super::object::Object;
use std::fmt::Write as _;

/// The long name in `<show><user cn="…"/></show>`, if the command is of that form.
pub(super) fn asked_for(xml: &str) -> Option<String> {
    let xml = xml.trim();
    let xml = match xml.strip_prefix("<?") {
        Some(rest) => rest.split_once("?>")?.1.trim_start(),
        None => xml,
    };
    let user = xml.strip_prefix("<show>")?.trim_start().strip_prefix("<user")?;
    let (_, after) = user.split_once(" cn=")?;
    let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (name, rest) = after[1..].split_once(quote)?;
    rest.contains("</show>").then(|| unescape(name))
}

/// The answer to it; without a child if there is no such object.
pub(super) fn show(object: Option<&Object>, here: &str) -> String {
    let Some(object) = object else { return "<show/>".into() };
    let loc = if object.loc.is_empty() { here } else { &object.loc };
    let mut xml = String::from("<show><user");
    let attributes = [
        ("guid", object.guid.to_string()),
        ("cn", object.cn.clone()),
        ("dn", object.dn.clone()),
        ("h323", object.h323.clone()),
        ("e164", object.e164.clone()),
        ("loc", loc.to_owned()),
        ("node", object.node.clone()),
        ("pwd", "********".to_owned()),
    ];
    for (name, value) in attributes.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = write!(xml, " {name}=\"{}\"", escape(value));
    }
    xml.push('>');
    for device in &object.devices {
        let (hw, text) = (escape(&device.hw), escape(&device.text));
        let _ = write!(xml, "<device hw=\"{hw}\" text=\"{text}\"/>");
    }
    for (group, active) in &object.groups {
        let mode = if *active { " mode=\"active\"" } else { "" };
        let _ = write!(xml, "<grp name=\"{}\"{mode}/>", escape(group));
    }
    if !object.object.is_empty() {
        let _ = write!(xml, "<pseudo type=\"{}\"/>", escape(&object.object));
    }
    xml.push_str("</user></show>");
    xml
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn unescape(text: &str) -> String {
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}
