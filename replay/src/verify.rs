//! `tapline verify`: whether the settings will work, and why not.

use crate::command_line::Verify;
use crate::output::Output;
use crate::rows::{check_row, indented};
use crate::trouble::Trouble;
use adapters::verification::{self, Pbx, Rank, Row, Verdict};
use serde_json::{Value, json};
use std::time::Duration;

/// Makes all checks and prints a row for each.
///
/// # Errors
/// A check failed; or the system refused something.
pub(crate) fn check(options: &Verify) -> Result<(), Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::System { what: "cannot start a thread".into(), error })?;
    let mut told = Told { output: Output::new(options.json), tally: Tally::default() };
    let (row, verification) = verification::begin(&options.config);
    told.rows(None, &[row])?;
    if let Some(mut verification) = verification {
        while let Some((pbx, rows)) = runtime.block_on(verification.next()) {
            told.rows(Some(&pbx), &rows)?;
        }
    }
    // A name look-up that hangs must not hang us.
    runtime.shutdown_timeout(Duration::from_millis(100));
    told.conclude()
}

/// How many checks ended how.
#[derive(Default)]
struct Tally {
    passed: usize,
    warned: usize,
    failed: usize,
}

/// What was printed so far.
struct Told {
    output: Output,
    tally: Tally,
}

impl Told {
    fn rows(&mut self, pbx: Option<&Pbx>, rows: &[Row]) -> Result<(), Trouble> {
        if let Some(pbx) = pbx {
            self.output.heading(&pbx.to_string())?;
        }
        for row in rows {
            *match row.verdict {
                Verdict::Pass => &mut self.tally.passed,
                Verdict::Warn => &mut self.tally.warned,
                Verdict::Fail => &mut self.tally.failed,
            } += 1;
            self.output.check(&for_people(row), &for_machines(pbx, row))?;
        }
        Ok(())
    }

    fn conclude(mut self) -> Result<(), Trouble> {
        let Tally { passed, warned, failed } = self.tally;
        let sentence = format!("{passed} checks passed, {warned} warned, {failed} failed.");
        let object = json!({ "summary": { "passed": passed, "warned": warned, "failed": failed } });
        self.output.summary(&sentence, &object)?;
        match failed {
            0 => Ok(()),
            1 => Err(Trouble::Verification("a check failed; its row says what to do".into())),
            _ => Err(Trouble::Verification(format!(
                "{failed} checks failed; their rows say what to do"
            ))),
        }
    }
}

fn for_people(row: &Row) -> String {
    let line = check_row(row.verdict, row.check.name(), row.found.text());
    if row.advice.is_empty() { line } else { format!("{line}\n{}", indented(row.advice.text())) }
}

fn for_machines(pbx: Option<&Pbx>, row: &Row) -> Value {
    let (rank, slave) = match pbx.map(|pbx| &pbx.rank) {
        None => (None, None),
        Some(Rank::Master) => (Some("master"), None),
        Some(Rank::Standby) => (Some("standby"), None),
        Some(Rank::Slave(name)) => (Some("slave"), Some(name)),
    };
    json!({
        "pbx": pbx.map(|pbx| pbx.place.to_string()),
        "rank": rank,
        "slave": slave,
        "check": row.check.name(),
        "verdict": row.verdict.name(),
        "found": row.found.text(),
        "advice": (!row.advice.is_empty()).then(|| row.advice.text()),
    })
}
