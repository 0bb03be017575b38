//! `tapline lines`: who is who, what became of whom, and what names another template would make.

use crate::command_line::{Lines, LinesAction, WhichLog};
use crate::output::Output;
use crate::rows::{ColumnWidths, age, cells, heading, state_word};
use crate::trouble::Trouble;
use adapters::settings::{Settings, template_of};
use adapters::trace::Trace;
use adapters::upkeep::{self, State, UpkeepError};
use engine::effect::Effects;
use engine::estate::{Entry, NameUse, Why};
use engine::id::{LineId, PermanentId};
use engine::time::Millis;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Lists lines, or removes one.
pub(crate) fn list(options: &Lines) -> Result<(), Trouble> {
    if let Some(LinesAction::Remove { id, log }) = &options.action {
        return remove(PermanentId(*id), log);
    }
    let Some(log) = &options.log else {
        return Err(Trouble::Usage("name the log: --config FILE, or --log LOG".into()));
    };
    let state = state(&log_of(log)?)?;
    let mut output = Output::new(options.json);
    if !state.is_live {
        output.remark("No provider is at work on this log; this is as the last one left it.")?;
    }
    match &options.preview {
        _ if options.defunct => defunct(&state, &mut output),
        Some(template) => preview(&state, template, &mut output),
        None => present(&state, &mut output),
    }
}

/// The folder of the log, or the capture file, that was named.
pub(crate) fn log_of(which: &WhichLog) -> Result<PathBuf, Trouble> {
    match (&which.log, &which.config) {
        (Some(log), _) => Ok(log.clone()),
        (None, Some(config)) => {
            let settings = Settings::read(config);
            settings.map(|s| s.log).map_err(|error| Trouble::Settings(error.to_string()))
        }
        (None, None) => Err(Trouble::Usage("name the log: --config FILE, or --log LOG".into())),
    }
}

/// How everything is there.
pub(crate) fn state(log: &Path) -> Result<State, Trouble> {
    if log.is_file() {
        return of_capture(log);
    }
    if !log.exists() {
        return Err(Trouble::Log(format!("there is no log {}", log.display())));
    }
    upkeep::state(log).map_err(|error| trouble(&error))
}

/// What a failure of the log or the provider is to the one who called.
pub(crate) fn trouble(error: &UpkeepError) -> Trouble {
    match error {
        UpkeepError::Provider(_) | UpkeepError::Refused(_) => {
            Trouble::Expectation(error.to_string())
        }
        UpkeepError::Log(_) | UpkeepError::Append(_) | UpkeepError::Excerpt(_) => {
            Trouble::Log(error.to_string())
        }
    }
}

fn of_capture(path: &Path) -> Result<State, Trouble> {
    let log = Trace::open(path)?;
    let (mut core, next) = log.state_before(u64::MAX)?;
    let mut records = log.records_from(next);
    let (mut now, mut effects) = (Millis(0), Effects::new());
    for (_, record) in records.by_ref() {
        now = record.at;
        core.apply(record, &mut effects);
        effects.clear();
    }
    Trouble::of_end(records.end())?;
    Ok(State { core, is_live: false, now })
}

// ---- those that are there -----------------------------------------------------------------------

const PRESENT: ColumnWidths<5> =
    [("id", 10), ("name", 32), ("address", 12), ("PBX", 16), ("state", 0)];

fn present(state: &State, output: &mut Output) -> Result<(), Trouble> {
    let entries: Vec<_> = in_order(state, |entry| entry.gone.is_none());
    output.remark(&heading(&cells(&PRESENT, PRESENT.map(|(name, _)| name))))?;
    let mut shared = 0;
    for entry in &entries {
        let id = entry.identity.permanent.0.to_string();
        let (name, number) = (entry.identity.name.to_text(), entry.identity.number.to_text());
        let view = state.core.view(entry.identity.line);
        let word = state_word(view.as_ref());
        let mark = match entry.name {
            NameUse::Plain => String::new(),
            NameUse::Shared(with) => format!("; line {} has the name alone", with.0),
        };
        shared += usize::from(entry.name != NameUse::Plain);
        let row = cells(&PRESENT, [&id, &name, &number, entry.home, &format!("{word}{mark}")]);
        let mut object = common(entry);
        object["state"] = word.into();
        object["name_of"] = shared_with(entry.name);
        output.check(&row, &object)?;
    }
    let sentence = match shared {
        0 => format!("{} lines.", entries.len()),
        shared => {
            format!("{} lines; {shared} could not have the name of their own.", entries.len())
        }
    };
    let summary = json!({ "lines": entries.len(), "shared_names": shared, "live": state.is_live });
    output.summary(&sentence, &json!({ "summary": summary }))
}

fn common(entry: &Entry<'_>) -> Value {
    json!({
        "id": entry.identity.permanent.0,
        "guid": entry.identity.guid.to_string(),
        "name": entry.identity.name.to_text(),
        "number": entry.identity.number.to_text(),
        "extension": entry.subscriber.e164(),
        "long_name": entry.subscriber.cn(),
        "pbx": entry.home,
    })
}

fn shared_with(name: NameUse) -> Value {
    match name {
        NameUse::Plain => Value::Null,
        NameUse::Shared(with) => with.0.into(),
    }
}

fn in_order<'a>(state: &'a State, which: impl Fn(&Entry<'_>) -> bool) -> Vec<Entry<'a>> {
    let mut entries: Vec<_> = state.core.estate().entries().filter(which).collect();
    entries.sort_by_key(|entry| entry.identity.permanent);
    entries
}

// ---- those that are no more ---------------------------------------------------------------------

const DEFUNCT: ColumnWidths<5> =
    [("id", 10), ("name", 32), ("address", 12), ("for", 8), ("why", 0)];

fn defunct(state: &State, output: &mut Output) -> Result<(), Trouble> {
    let entries: Vec<_> = in_order(state, |entry| entry.gone.is_some());
    output.remark(&heading(&cells(&DEFUNCT, DEFUNCT.map(|(name, _)| name))))?;
    for entry in &entries {
        let Some(gone) = entry.gone else { continue };
        let id = entry.identity.permanent.0.to_string();
        let (name, number) = (entry.identity.name.to_text(), entry.identity.number.to_text());
        let (word, words) = reason(gone.why);
        let age_ms = state.now.since(gone.since);
        let row = cells(&DEFUNCT, [&id, &name, &number, &age(age_ms), words]);
        let mut object = common(entry);
        object["reason"] = word.into();
        object["since_ms"] = gone.since.0.into();
        object["age_ms"] = age_ms.into();
        output.check(&row, &object)?;
    }
    let sentence = format!("{} ids belong to lines that are not there.", entries.len());
    let summary = json!({ "defunct": entries.len(), "live": state.is_live });
    output.summary(&sentence, &json!({ "summary": summary }))
}

/// For machines, and for people.
fn reason(why: Why) -> (&'static str, &'static str) {
    match why {
        Why::Deleted => ("deleted", "deleted at the PBX, or out of the groups of the TAPI user"),
        Why::Unlisted => {
            ("unlisted", "not among the users of the PBX any more when that was seen again")
        }
        Why::PbxLeft => ("pbx-left", "its PBX left the settings, or the view of its master"),
        Why::Dismissed => ("removed", "removed by command"),
        Why::Awaited => ("imported", "the id was imported; its user was not seen yet"),
    }
}

fn remove(id: PermanentId, which: &WhichLog) -> Result<(), Trouble> {
    let log = log_of(which)?;
    let before = state(&log)?;
    if log.is_file() {
        return Err(Trouble::Usage("a capture file cannot be changed; name the log itself".into()));
    }
    if before.core.estate().line_with(id).is_none() {
        return Err(Trouble::Usage(format!(
            "there is no line with the id {}; `tapline lines` and `tapline lines --defunct` list \
             them",
            id.0
        )));
    }
    let was_live = upkeep::dismiss(&log, id).map_err(|error| trouble(&error))?;
    let then =
        if was_live { "applications were told" } else { "it is not there at the next start" };
    crate::output::line(&format!(
        "Line {} is removed; {then}. Its id stays its own: should its user be seen again, he has it.",
        id.0
    ))
}

// ---- other names --------------------------------------------------------------------------------

const PREVIEW: ColumnWidths<4> = [("id", 10), ("name now", 32), ("name then", 32), ("", 0)];

fn preview(state: &State, template: &str, output: &mut Output) -> Result<(), Trouble> {
    let template = template_of(template).map_err(|fault| Trouble::Usage(fault.to_string()))?;
    let estate = state.core.estate();
    let then: BTreeMap<LineId, _> =
        estate.preview(template).into_iter().map(|preview| (preview.line, preview)).collect();
    output.remark(&heading(&cells(&PREVIEW, PREVIEW.map(|(name, _)| name))))?;
    let (mut changed, mut shared) = (0, 0);
    let entries = in_order(state, |entry| entry.gone.is_none());
    for entry in &entries {
        let Some(preview) = then.get(&entry.identity.line) else { continue };
        let (id, now) = (entry.identity.permanent.0.to_string(), entry.identity.name.to_text());
        let is_changed = now != preview.name;
        let mut mark = if is_changed { "changes" } else { "" }.to_owned();
        if let NameUse::Shared(with) = preview.name_use {
            mark = format!("{mark}; line {} has the name alone", with.0);
        }
        changed += usize::from(is_changed);
        shared += usize::from(preview.name_use != NameUse::Plain);
        let row = cells(&PREVIEW, [&id, &now, &preview.name, mark.trim_start_matches("; ")]);
        let mut object = common(entry);
        object["preview"] = preview.name.clone().into();
        object["changes"] = is_changed.into();
        object["name_of"] = shared_with(preview.name_use);
        output.check(&row, &object)?;
    }
    let sentence = format!(
        "With the template {template}, {changed} of {} names change, and {shared} lines cannot have \
         the name of their own.",
        entries.len()
    );
    let summary = json!({
        "template": template,
        "lines": entries.len(),
        "changes": changed,
        "shared_names": shared,
        "live": state.is_live,
    });
    output.summary(&sentence, &json!({ "summary": summary }))
}
