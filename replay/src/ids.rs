//! `tapline ids`: the table of permanent ids, out and in.

use crate::command_line::{Ids, IdsAction, WhichLog};
use crate::lines::{log_of, state, trouble};
use crate::output::line;
use crate::trouble::Trouble;
use adapters::ids::{self, Labelled};
use adapters::upkeep;
use engine::core::Core;
use engine::estate::ImportPlan;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// How many conflicts of a kind are printed one by one.
const SHOWN: usize = 20;

/// Writes or reads a table.
pub(crate) fn carry(options: &Ids) -> Result<(), Trouble> {
    match &options.action {
        IdsAction::Export { file, log } => export(file, log),
        IdsAction::Import { file, log } => import(file, log),
    }
}

fn export(file: &Path, which: &WhichLog) -> Result<(), Trouble> {
    let state = state(&log_of(which)?)?;
    let mut entries: Vec<_> = state
        .core
        .estate()
        .entries()
        .map(|entry| {
            let texts = (entry.identity.number.to_text(), entry.identity.name.to_text());
            (entry.identity.permanent, entry.identity.guid, texts)
        })
        .collect();
    entries.sort_unstable_by_key(|(id, ..)| *id);
    let rows = entries.iter().map(|(id, guid, (number, name))| Labelled {
        id: *id,
        guid: *guid,
        number,
        name,
    });
    let cannot = |error| Trouble::file("write", file, error);
    // A table that is there already may be the only one.
    let mut out = BufWriter::new(File::create_new(file).map_err(cannot)?);
    ids::write(&mut out, rows).and_then(|()| out.flush()).map_err(cannot)?;
    line(&format!("{} ids are in {}.", entries.len(), file.display()))
}

fn import(file: &Path, which: &WhichLog) -> Result<(), Trouble> {
    let table = ids::Ids::read(file).map_err(|error| Trouble::Usage(error.to_string()))?;
    let log = log_of(which)?;
    if log.is_file() {
        return Err(Trouble::Usage("a capture file cannot be changed; name the log itself".into()));
    }
    for (number, why) in table.skipped.iter().take(SHOWN) {
        line(&format!("Line {number} of the file is left out: {why}."))?;
    }
    // Before the first start there is no log.
    let before = if log.exists() { state(&log)?.core } else { Core::default() };
    let plan = before.estate().plan_import(&table.entries);
    tell_conflicts(&plan)?;
    let was_live =
        !plan.new.is_empty() && upkeep::import(&log, &plan.new).map_err(|error| trouble(&error))?;
    let after = if plan.new.is_empty() { before } else { state(&log)?.core };
    let missing = after.estate().plan_import(&plan.new).new.len();
    if missing > 0 {
        return Err(Trouble::Expectation(format!("{missing} ids were not taken in")));
    }
    line(&format!(
        "{} ids are imported{}, {} were there already, {} are left out because of what is here.",
        plan.new.len(),
        if was_live { " by the provider at work" } else { "" },
        plan.known,
        conflicts(&plan)
    ))?;
    match conflicts(&plan) {
        0 => Ok(()),
        _ => Err(Trouble::Verification(
            "not all ids could be imported; nothing that was here is changed. To begin with the \
             table, import it into a new log before the first start"
                .into(),
        )),
    }
}

fn conflicts(plan: &ImportPlan) -> usize {
    plan.other_id.len() + plan.taken.len() + plan.too_many
}

fn tell_conflicts(plan: &ImportPlan) -> Result<(), Trouble> {
    for (guid, wanted, own) in plan.other_id.iter().take(SHOWN) {
        line(&format!(
            "{guid} should get the id {}, but has {} here and keeps it.",
            wanted.0, own.0
        ))?;
    }
    for (guid, wanted, owner) in plan.taken.iter().take(SHOWN) {
        line(&format!("{guid} should get the id {}, but here that belongs to {owner}.", wanted.0))?;
    }
    if plan.too_many > 0 {
        line(&format!("{} ids are more than there can be lines.", plan.too_many))?;
    }
    let untold = plan.other_id.len().saturating_sub(SHOWN) + plan.taken.len().saturating_sub(SHOWN);
    if untold > 0 {
        line(&format!("And {untold} more like these."))?;
    }
    Ok(())
}
