//! `tapline settings`: what other settings would change, and to have them read now.

use crate::command_line::{Settings as Options, SettingsCommand};
use crate::lines;
use crate::output::Output;
use crate::rows::{Tone, plan_row};
use crate::trouble::Trouble;
use adapters::desk::Verdict;
use adapters::settings::Settings;
use adapters::upkeep;
use engine::core::Core;
use engine::estate::{PbxChange, PbxPlan, Plan};
use engine::fact::Configuration;
use engine::view::Identity;
use serde_json::{Value, json};
use std::path::Path;

/// Carries out a command about settings.
pub(crate) fn carry_out(command: &SettingsCommand) -> Result<(), Trouble> {
    match command {
        SettingsCommand::Plan(options) => plan(options),
        SettingsCommand::Apply(options) => apply(options),
    }
}

fn plan(options: &Options) -> Result<(), Trouble> {
    let settings = read(options)?;
    let (core, is_at_work) = present(&settings.log)?;
    let in_force = core.estate().configuration();
    // Nobody but the provider knows whether they are others.
    let access = in_force.map_or(0, |in_force| in_force.access);
    let wanted = Configuration { access, ..settings.configuration() };
    let mut output = Output::new(options.json);
    for (row, object) in rows(in_force, &wanted, &core.estate().plan(&wanted)) {
        output.check(&row, &object)?;
    }
    let plan = core.estate().plan(&wanted);
    output.summary(&sentence(in_force, &wanted, &plan, is_at_work), &summary(&plan, is_at_work))
}

fn apply(options: &Options) -> Result<(), Trouble> {
    // Read here too: what is wrong with them ends in the code for that.
    let settings = read(options)?;
    let reloaded = upkeep::reload(&settings.log).map_err(|error| lines::trouble(&error))?;
    let Some(done) = reloaded else {
        return Err(Trouble::Expectation(format!(
            "no provider is at work on the log {}; it reads its settings when it starts",
            settings.log.display()
        )));
    };
    let same_file = |one: &Path, other: &Path| {
        let whole = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        whole(one) == whole(other)
    };
    if !same_file(&done.file, &options.config) {
        return Err(Trouble::Expectation(format!(
            "the provider at work on this log reads its settings from {}, and did so now: {}",
            done.file.display(),
            done.words
        )));
    }
    if done.verdict == Verdict::Refused {
        return Err(Trouble::Settings(done.words));
    }
    let object = json!({ "summary": { "verdict": done.verdict.name(), "words": done.words } });
    Output::new(options.json).summary(&done.words, &object)
}

fn read(options: &Options) -> Result<Settings, Trouble> {
    Settings::read(&options.config).map_err(|error| Trouble::Settings(error.to_string()))
}

/// What the log leads to, and whether a provider is at work on it.
fn present(log: &Path) -> Result<(Core, bool), Trouble> {
    if !log.exists() {
        // It begins with the first start.
        return Ok((Core::default(), false));
    }
    let state = upkeep::state(log).map_err(|error| lines::trouble(&error))?;
    Ok((state.core, state.is_live))
}

// ---- rows -------------------------------------------------------------------------------------

/// Each change as a row for people and an object for machines.
fn rows(
    in_force: Option<&Configuration>,
    wanted: &Configuration,
    plan: &Plan,
) -> Vec<(String, Value)> {
    let mut rows = Vec::new();
    for (key, from, to) in in_force.into_iter().flat_map(|is| keys(is, wanted)) {
        let row = plan_row(Tone::Other, "setting", "changed", &format!("{key}: {from} → {to}"));
        rows.push((row, json!({ "setting": key, "change": "changed", "from": from, "to": to })));
    }
    rows.extend(plan.pbxs.iter().map(pbx_row));
    let lines = [("back", Tone::More, &plan.added), ("removed", Tone::Less, &plan.removed)];
    rows.extend(plan.renamed.iter().map(|renaming| {
        let (from, to) = (&renaming.from, &renaming.to);
        let words = format!("{} → {}", words(from), words(to));
        let row = plan_row(Tone::Other, &tag(to), "renamed", &words);
        let object = json!({
            "line": to.line.0, "change": "renamed", "from": object(from), "to": object(to),
        });
        (row, object)
    }));
    for (change, tone, identities) in lines {
        rows.extend(identities.iter().map(|line| {
            let row = plan_row(tone, &tag(line), change, &words(line));
            (row, json!({ "line": line.line.0, "change": change, "is": object(line) }))
        }));
    }
    rows
}

fn pbx_row(planned: &PbxPlan) -> (String, Value) {
    let tone = match planned.change {
        PbxChange::Added => Tone::More,
        PbxChange::Left => Tone::Less,
        PbxChange::Moved | PbxChange::Renewed => Tone::Other,
    };
    let place = planned.place.as_ref().map(ToString::to_string);
    let words = place.as_deref().unwrap_or("not found yet");
    let change = planned.change.name();
    let row = plan_row(tone, &format!("PBX {}", planned.pbx.0), change, words);
    (row, json!({ "pbx": planned.pbx.0, "change": change, "place": place }))
}

fn tag(line: &Identity) -> String {
    format!("line {}", line.line.0)
}

fn words(line: &Identity) -> String {
    format!("{} {}", line.number.to_text(), line.name.to_text()).trim_start().to_owned()
}

fn object(line: &Identity) -> Value {
    json!({ "name": line.name.to_text(), "number": line.number.to_text() })
}

/// Keys with other values, apart from those that PBXs and lines show.
pub(crate) fn keys(
    is: &Configuration,
    wanted: &Configuration,
) -> Vec<(&'static str, String, String)> {
    let of = |settings: &Configuration| {
        let forwarding = if settings.modify_forwards { "modify" } else { "replace" };
        [
            ("user", settings.user.text().to_owned()),
            ("monitor_slaves", settings.monitor_slaves.to_string()),
            ("name_template", settings.name_template.to_string()),
            ("pure_node_extensions", settings.pure_node_extensions.to_string()),
            ("single_active_call", settings.single_active_call.to_string()),
            ("request_deadline_ms", settings.deadline_ms().to_string()),
            ("calls_kept_ms", settings.kept_ms().to_string()),
            ("forwarding", forwarding.to_owned()),
            ("allow_plain_slaves", settings.allow_plain_slaves.to_string()),
        ]
    };
    let pairs = of(is).into_iter().zip(of(wanted));
    let others = pairs.filter(|(is, wanted)| is != wanted);
    others.map(|((key, from), (_, to))| (key, from, to)).collect()
}

fn sentence(
    in_force: Option<&Configuration>,
    wanted: &Configuration,
    plan: &Plan,
    is_at_work: bool,
) -> String {
    let Some(in_force) = in_force else {
        return "Nothing was ever started with this log; all lines will be new.".into();
    };
    let found = match (plan.is_empty(), keys(in_force, wanted).is_empty()) {
        (true, true) => "Nothing but perhaps account and password would change".to_owned(),
        (true, false) => "No line and no PBX would be other than now".to_owned(),
        (false, _) => format!(
            "{} lines renamed, {} removed, {} expected back; {} changes of PBXs",
            plan.renamed.len(),
            plan.removed.len(),
            plan.added.len(),
            plan.pbxs.len()
        ),
    };
    let compared = match is_at_work {
        true => "compared with the provider at work",
        false => "compared with what was when the log ended",
    };
    format!("{found}, {compared}. Nothing was changed.")
}

fn summary(plan: &Plan, is_at_work: bool) -> Value {
    json!({ "summary": {
        "renamed": plan.renamed.len(),
        "removed": plan.removed.len(),
        "back": plan.added.len(),
        "pbxs": plan.pbxs.len(),
        "at_work": is_at_work,
    } })
}
