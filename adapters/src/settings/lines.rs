//! What the settings say of the lines.

use super::document::{Checked, Section};
use super::rules::template_of;
use engine::fact::Configuration;

pub(super) fn name_template(lines: &Section<'_>) -> Checked<Box<str>> {
    let Some(template) = lines.text("name_template")? else { return Ok("%c".into()) };
    match template_of(template.value) {
        Ok(template) => Ok(template.into()),
        Err(fault) => Err(lines.document.error(Some(template.span), fault)),
    }
}

/// Short enough that an application still waits, long enough for a PBX to answer.
pub(super) fn request_deadline_ms(lines: &Section<'_>) -> Checked<u32> {
    let default = Configuration::REQUEST_DEADLINE_MS.into();
    let ms =
        lines.number("request_deadline_ms", 500..=60_000, "from 500 to 60000 (milliseconds)")?;
    Ok(ms.unwrap_or(default) as u32)
}

/// Long enough for a standby to take over, short enough that a day is not counted as a call.
pub(super) fn calls_kept_ms(lines: &Section<'_>) -> Checked<u32> {
    let default = Configuration::CALLS_KEPT_MS.into();
    let allowed = "from 1000 to 600000 (milliseconds)";
    let ms = lines.number("calls_kept_ms", 1_000..=600_000, allowed)?;
    Ok(ms.unwrap_or(default) as u32)
}

pub(super) fn modify_forwards(lines: &Section<'_>) -> Checked<bool> {
    let meaning = |word: &str| match word {
        "replace" => Some(false),
        "modify" => Some(true),
        _ => None,
    };
    Ok(lines.word("forwarding", "\"replace\" or \"modify\"", meaning)?.unwrap_or(false))
}
