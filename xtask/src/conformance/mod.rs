//! `cargo xtask conformance`: the provider, loaded as a telephony server loads it.

mod sanitizer;
mod stage;
mod table;

use crate::beside::Beside;
use crate::host::{Finding, Verdict};
use crate::junit;
use crate::packages::{self, Need};
use crate::simulator;
use crate::windows::{Bits, Way};
use crate::wine::Wine;
use crate::workspace;
use crate::{During, Problem};
use clap::Args;
use stage::Stage;
use std::path::{Path, PathBuf};

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
    /// Write a JUnit report.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write the results into a table such as docs/conformance.md, beside those of the other system.
    #[arg(long, value_name = "FILE")]
    pub(crate) table: Option<PathBuf>,
    /// Install what is missing.
    #[arg(long)]
    pub(crate) install: bool,
    /// Only build what is to be run.
    #[arg(long)]
    pub(crate) no_run: bool,
    /// Another command of ours, run while the items mostly wait.
    #[arg(skip)]
    pub(crate) beside: Option<&'static [&'static str]>,
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
    needs(options, &folder)?;
    let programs = simulator::build()?;
    let stage = Stage::build(options, &folder, &programs)?;
    if options.no_run {
        return Ok(());
    }
    stage.set()?;
    // Not before everything is built: cargo builds one thing at a time.
    let beside = options.beside.map(Beside::start).transpose()?;
    let findings = stage.play(options)?;
    stage.clear();
    if let Some(file) = &options.junit {
        std::fs::write(file, junit::report(&findings))
            .during(format!("write {}", file.display()))?;
    }
    if let Some(file) = &options.table {
        table::update(file, options.on_linux(), &findings)?;
    }
    conclude(&findings)?;
    beside.map_or(Ok(()), Beside::finish)
}

/// What must be there, provided.
fn needs(options: &Options, folder: &Path) -> Result<(), Problem> {
    let mut needs = vec![Need::Gcc, Need::TapiHeaders];
    if !options.on_linux() {
        needs = vec![Need::Wine, Need::Mingw64];
        packages::provide(&needs, options.install)?;
        needs.extend(Way::to(Bits::X64, Some(&Wine::below(folder))).needs(Bits::X64));
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
