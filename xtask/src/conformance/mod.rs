//! `cargo xtask conformance`: the provider, loaded as a telephony server loads it.

mod command;
mod sanitizer;
mod stage;
mod table;

use crate::host::{Finding, Verdict};
use crate::junit;
use crate::packages::{self, Need};
use crate::simulator;
use crate::windows::{Bits, Way};
use crate::workspace;
use crate::{During, Problem};
use clap::Args;
use stage::Stage;
use std::path::PathBuf;

/// Options of `cargo xtask conformance`.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// The Linux library instead of the Windows one under Wine.
    #[arg(long)]
    pub(crate) linux: bool,
    /// The Linux library, host and library watched by AddressSanitizer.
    #[arg(long)]
    pub(crate) sanitize: bool,
    /// The storm of sixteen threads for 5 seconds instead of 60: for development only.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only these items, for example 57,60-65.
    #[arg(long, value_name = "LIST")]
    pub(crate) item: Option<String>,
    /// How many generated cases item 140 has.
    #[arg(long, value_name = "N")]
    pub(crate) cases: Option<u32>,
    /// Where the dice of item 140 begin; it names this number when it fails.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// The host takes up to so many milliseconds before and after each callback: whatever rests on its
    /// being quick fails. Some 3 to 10 find most.
    #[arg(long, value_name = "MS")]
    pub(crate) dawdle: Option<u32>,
    /// Write a JUnit report.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write the results into a table such as docs/conformance.md, beside those of the other system.
    #[arg(long, value_name = "FILE")]
    pub(crate) table: Option<PathBuf>,
    /// Install what is missing.
    #[arg(long)]
    pub(crate) install: bool,
    /// Only build the provider and the host.
    #[arg(long)]
    pub(crate) no_run: bool,
    /// Everything is built, by `--no-run` and for the tests, whose simulator is as good.
    #[arg(skip)]
    pub(crate) built: bool,
}

impl Options {
    fn on_linux(&self) -> bool {
        self.linux || self.sanitize
    }
}

/// Builds everything, runs the items, prints them and the totals.
pub(crate) fn run(options: &Options) -> Result<(), Problem> {
    let folder = workspace::target_folder()?.join("conformance");
    std::fs::create_dir_all(&folder).during(format!("make {}", folder.display()))?;
    needs(options)?;
    if options.no_run {
        return Stage::build(options, &folder).map(drop);
    }
    let stage = if options.built {
        Stage::find(options, &folder)?
    } else {
        simulator::build()?;
        Stage::build(options, &folder)?
    };
    stage.set()?;
    let findings = stage.play(options)?;
    let compared = stage.compare(options);
    stage.clear();
    if let Some(file) = &options.junit {
        std::fs::write(file, junit::report(&findings))
            .during(format!("write {}", file.display()))?;
    }
    if let Some(file) = &options.table {
        table::update(file, options.on_linux(), &findings)?;
    }
    conclude(&findings)?;
    compared
}

/// What must be there, provided.
fn needs(options: &Options) -> Result<(), Problem> {
    let mut needs = vec![Need::Gcc, Need::TapiHeaders];
    if !options.on_linux() {
        needs = vec![Need::Wine, Need::Mingw64];
        packages::provide(&needs, options.install)?;
        needs.extend(Way::to_wine(Bits::X64).needs(Bits::X64));
    }
    packages::provide(&needs, options.install)
}

/// The totals; a problem if an item failed.
fn conclude(findings: &[Finding]) -> Result<(), Problem> {
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let (passed, failed, later) =
        (count(Verdict::Pass), count(Verdict::Fail), count(Verdict::NotYet));
    println!("{} items: {passed} passed, {failed} failed, {later} not yet", findings.len());
    if failed == 0 {
        return Ok(());
    }
    let numbers: Vec<String> = findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Fail)
        .map(|finding| finding.number.to_string())
        .collect();
    Err(Problem::new(format!(
        "{failed} items failed; again with `cargo xtask conformance --item {}`",
        numbers.join(",")
    )))
}
