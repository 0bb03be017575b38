//! The element `cd`, both ways (the PBX's SOAP reference, 7.3).

use super::super::error::SoapError;
use super::super::xml::push_escaped;
use super::Element;
use engine::diversion::{Diversion, Kind, MAX_ELEMENT_BYTES, MAX_SOURCES, Sources, Target};
use engine::pii::Personal;

/// A destination that keeps calls from being diverted.
const BLOCKED: &str = "-";

/// Adds a diversion to a document: as the PBX wrote it, if it did.
pub(super) fn push(xml: &mut String, diversion: &Diversion) {
    if !diversion.element.is_empty() {
        return xml.push_str(diversion.element.text());
    }
    xml.push_str("<cd type=\"");
    xml.push_str(match diversion.kind {
        Kind::Always => "cfu",
        Kind::Busy => "cfb",
        Kind::NoAnswer => "cfnr",
    });
    xml.push_str("\">");
    match &diversion.to {
        Target::Number(number) => push_end_point(xml, "e164", number.text()),
        Target::Name(name) => push_end_point(xml, "h323", name.text()),
        Target::Nowhere => push_end_point(xml, "e164", BLOCKED),
    }
    match &diversion.sources {
        Sources::All | Sources::Other => {}
        Sources::Only(numbers) => push_sources(xml, "do", numbers),
        Sources::OnlyNot(numbers) => push_sources(xml, "dont", numbers),
        Sources::External => xml.push_str("<src type=\"do\"><ep ext=\"true\"/></src>"),
        Sources::Internal => xml.push_str("<src type=\"dont\"><ep ext=\"true\"/></src>"),
    }
    xml.push_str("</cd>");
}

fn push_sources(xml: &mut String, which: &str, numbers: &[Personal]) {
    xml.push_str("<src type=\"");
    xml.push_str(which);
    xml.push_str("\">");
    for number in numbers {
        push_end_point(xml, "e164", number.text());
    }
    xml.push_str("</src>");
}

fn push_end_point(xml: &mut String, key: &str, value: &str) {
    xml.push_str("<ep ");
    xml.push_str(key);
    xml.push_str("=\"");
    push_escaped(xml, value);
    xml.push_str("\"/>");
}

/// Reads a diversion; nothing if it is of a kind that does not exist.
///
/// # Errors
/// If it is larger than anybody needs.
pub(super) fn read(cd: &Element<'_>) -> Result<Option<Diversion>, SoapError> {
    let kind = match cd.attribute("type").as_deref().map(str::trim) {
        Some("cfu") => Kind::Always,
        Some("cfb") => Kind::Busy,
        Some("cfnr") => Kind::NoAnswer,
        _ => return Ok(None),
    };
    if cd.whole().len() > MAX_ELEMENT_BYTES {
        return Err(SoapError::TooLarge { what: "bytes of a diversion", limit: MAX_ELEMENT_BYTES });
    }
    let (to, sources) = (target(cd), sources(cd)?);
    Ok(Some(Diversion { kind, to, sources, element: cd.whole().into() }))
}

/// Only the first end point counts.
fn target(cd: &Element<'_>) -> Target {
    let Some(ep) = cd.child("ep") else { return Target::Nowhere };
    match (given(ep, "e164"), given(ep, "h323")) {
        (Some(number), _) if number.text() == BLOCKED => Target::Nowhere,
        (Some(number), _) => Target::Number(number),
        (None, Some(name)) => Target::Name(name),
        (None, None) => Target::Nowhere,
    }
}

fn sources(cd: &Element<'_>) -> Result<Sources, SoapError> {
    // On newer boxes a switch of its own may be the condition.
    if ["bool", "bool-not"].iter().any(|name| given(cd, name).is_some()) {
        return Ok(Sources::Other);
    }
    let mut all = cd.children().iter().filter(|child| child.name() == "src");
    let Some(src) = all.next() else { return Ok(Sources::All) };
    if all.next().is_some() {
        return Ok(Sources::Other);
    }
    let end_points = src.children().iter().filter(|child| child.name() == "ep");
    if end_points.clone().count() > MAX_SOURCES {
        return Err(SoapError::TooLarge { what: "sources of a diversion", limit: MAX_SOURCES });
    }
    let mut numbers = Vec::new();
    let mut external = false;
    for ep in end_points {
        let by_diverter = matches!(ep.attribute("fwd").as_deref(), Some("fwd"));
        let is_external = matches!(ep.attribute("ext").as_deref(), Some("true" | "1"));
        match (given(ep, "e164"), given(ep, "h323")) {
            (Some(number), None) if !by_diverter && !is_external => numbers.push(number),
            (None, None) if !by_diverter && is_external => external = true,
            _ => return Ok(Sources::Other),
        }
    }
    if numbers.is_empty() && !external {
        return Ok(Sources::All);
    }
    let only = match src.attribute("type").as_deref() {
        Some("do") => true,
        Some("dont") => false,
        _ => return Ok(Sources::Other),
    };
    Ok(match (only, external, numbers.is_empty()) {
        (_, true, false) => Sources::Other,
        (true, true, true) => Sources::External,
        (false, true, true) => Sources::Internal,
        (true, false, _) => Sources::Only(numbers),
        (false, false, _) => Sources::OnlyNot(numbers),
    })
}

fn given(element: &Element<'_>, name: &str) -> Option<Personal> {
    let value = element.attribute(name)?;
    let value = value.trim();
    (!value.is_empty()).then(|| value.into())
}
