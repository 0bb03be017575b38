//! `cargo xtask test`: everything that must hold before a change is shared.

use crate::beside::{Beside, Words};
use crate::conformance;
use crate::dependencies;
use crate::packages::{self, Need};
use crate::process;
use crate::windows::{Bits, Way};
use crate::workspace::cargo;
use crate::{During, Problem};
use clap::Args;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long one step of cargo may take, from nothing, on a slow machine.
const STEP_TIME: Duration = Duration::from_secs(1800);

/// One step, beside which other commands may be at work; a problem if it fails.
type Step = fn(&mut Beside) -> Result<(), Problem>;

/// The Windows library as it is shipped, and the conformance host for Wine.
const WINDOWS: Words = &["conformance", "--no-run"];
/// The Windows command, as the Linux one is that it is compared with: not optimised.
const COMMAND: Words = &["windows", "--command", "--dev"];
/// The Linux library and the conformance host, both watched by a sanitizer.
const SANITIZED: Words = &["conformance", "--sanitize", "--no-run"];
/// The 32-bit library: not optimised, as no 32-bit Wine is to be had to run it.
const WINDOWS_X86: Words = &["windows", "--library", "--x86", "--dev"];

/// Options of `cargo xtask test`.
#[derive(Args)]
pub(crate) struct Options {
    /// Leave out the Windows build and its conformance, where Wine is not to be had.
    #[arg(long)]
    no_windows: bool,
}

/// Runs the steps, and stops at the first that fails.
///
/// Beside them, from the beginning, is built what only the last of them want. Cargo builds one thing
/// at a time in one folder, so what is built there has folders of its own.
pub(crate) fn run(options: &Options) -> Result<(), Problem> {
    let (windows, linux) = (!options.no_windows, cfg!(target_os = "linux"));
    packages::provide(&needs(windows, linux), true)?;
    let mut steps: Vec<(&str, Step)> = vec![
        ("format", |_| format()),
        ("licences and advisories", |_| dependencies::check()),
        ("lints", |_| lints()),
        ("tests, built", |_| build_tests()),
        ("documentation", |_| documentation()),
        ("tests", |_| tests()),
    ];
    let mut beside = Vec::new();
    if windows {
        beside.extend([WINDOWS, COMMAND]);
        steps.push(("Windows library and command, built", |beside| beside.wait_for(COMMAND)));
        steps.push(("conformance of the Windows library", |_| conform_windows()));
    }
    if linux {
        beside.push(SANITIZED);
        steps.push(("sanitized Linux library, built", |beside| beside.wait_for(SANITIZED)));
        steps.push(("conformance of the Linux library, sanitized", |_| conform_sanitized()));
    }
    if windows {
        beside.push(WINDOWS_X86);
        steps.push(("32-bit Windows library, built", |beside| beside.wait_for(WINDOWS_X86)));
    }
    let mut beside = Beside::start(&beside)?;
    let start = Instant::now();
    let count = steps.len();
    for (index, (name, step)) in steps.into_iter().enumerate() {
        println!("==> {name} ({} of {count})", index + 1);
        let begun = Instant::now();
        step(&mut beside).during(format!("go on, `{name}` failed"))?;
        println!("    {name}: {}", seconds(begun.elapsed()));
    }
    println!("all {count} steps passed in {}", seconds(start.elapsed()));
    Ok(())
}

/// What must be there. What is missing is installed, after saying so: whoever runs all tests wants
/// them to run, and in the background nothing can be asked.
fn needs(windows: bool, linux: bool) -> Vec<Need> {
    let mut needs = vec![Need::Rustfmt, Need::Clippy];
    if windows {
        needs.extend([Need::Mingw64, Need::Mingw32, Need::Wine]);
        needs.extend(Way::to_wine(Bits::X64).needs(Bits::X64));
        needs.extend(Way::to_wine(Bits::X86).needs(Bits::X86));
    }
    if linux {
        needs.extend([Need::Chromium, Need::Gcc, Need::TapiHeaders]);
    }
    needs
}

fn format() -> Result<(), Problem> {
    step(cargo().args(["fmt", "--all", "--check"]))
}

fn lints() -> Result<(), Problem> {
    let warnings = ["--", "--deny", "warnings"];
    step(cargo().args(["clippy", "--locked", "--workspace", "--all-targets"]).args(warnings))
}

fn build_tests() -> Result<(), Problem> {
    step(cargo().args(["test", "--locked", "--workspace", "--no-run"]))
}

fn tests() -> Result<(), Problem> {
    step(cargo().args(["test", "--locked", "--workspace"]))
}

fn documentation() -> Result<(), Problem> {
    let mut cargo = cargo();
    cargo.args(["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"]);
    step(cargo.env("RUSTDOCFLAGS", "--deny warnings"))
}

fn conform_windows() -> Result<(), Problem> {
    conformance::run(&conformance::Options { built: true, ..Default::default() })
}

/// Generated cases of wrong arguments: the mass of them where they are fast.
const GENERATED_CASES: u32 = 100_000;

fn conform_sanitized() -> Result<(), Problem> {
    let cases = Some(GENERATED_CASES);
    let options = conformance::Options { sanitize: true, cases, built: true, ..Default::default() };
    conformance::run(&options)
}

fn step(command: &mut Command) -> Result<(), Problem> {
    println!("    {}", process::show(command));
    process::succeed(command, STEP_TIME)
}

fn seconds(span: Duration) -> String {
    let seconds = span.as_secs();
    if seconds < 60 {
        format!("{:.1} s", span.as_secs_f64())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_spans_are_told_in_minutes() {
        assert_eq!(seconds(Duration::from_millis(1250)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(127)), "2 min 07 s");
    }
}
