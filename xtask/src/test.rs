//! `cargo xtask test`: everything that must hold before a change is shared.

use crate::beside::Beside;
use crate::conformance;
use crate::dependencies;
use crate::packages::{self, Need};
use crate::process;
use crate::windows::{self, Bits, Profile, Way};
use crate::workspace::{self, cargo};
use crate::{During, Problem};
use clap::Args;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long one step of cargo may take, from nothing, on a slow machine.
const STEP_TIME: Duration = Duration::from_secs(1800);

/// One step; a problem if it fails.
type Step = fn() -> Result<(), Problem>;

/// Options of `cargo xtask test`.
#[derive(Args)]
pub(crate) struct Options {
    /// Leave out the Windows build and its conformance, where Wine is not to be had.
    #[arg(long)]
    no_windows: bool,
}

/// Runs the steps, and stops at the first that fails.
pub(crate) fn run(options: &Options) -> Result<(), Problem> {
    let mut steps: Vec<(&str, Step)> = vec![
        ("format", format),
        ("lints", lints),
        ("licences and advisories", dependencies::check),
        ("tests", if options.no_windows { tests } else { tests_beside_windows }),
        ("documentation", documentation),
    ];
    if options.no_windows {
        provide(&[Need::Rustfmt, Need::Clippy])?;
    } else {
        provide(&[Need::Rustfmt, Need::Clippy, Need::Mingw64, Need::Mingw32, Need::Wine])?;
        steps.push(("Windows library", build_windows));
        steps.push(("conformance of the Windows library", conform_windows));
    }
    if cfg!(target_os = "linux") {
        provide(&[Need::Chromium])?;
        let conform = if options.no_windows { conform_sanitized } else { conform_sanitized_beside };
        steps.push(("conformance of the Linux library, sanitized", conform));
    }
    let start = Instant::now();
    let count = steps.len();
    for (index, (name, step)) in steps.into_iter().enumerate() {
        println!("==> {name} ({} of {count})", index + 1);
        let begun = Instant::now();
        step().during(format!("go on, `{name}` failed"))?;
        println!("    {name}: {}", seconds(begun.elapsed()));
    }
    println!("all {count} steps passed in {}", seconds(start.elapsed()));
    Ok(())
}

/// Installs what is missing, after saying so: whoever runs all tests wants them to run.
fn provide(needs: &[Need]) -> Result<(), Problem> {
    packages::provide(needs, true)
}

fn format() -> Result<(), Problem> {
    step(cargo().args(["fmt", "--all", "--check"]))
}

fn lints() -> Result<(), Problem> {
    let warnings = ["--", "--deny", "warnings"];
    step(cargo().args(["clippy", "--locked", "--workspace", "--all-targets"]).args(warnings))
}

fn tests() -> Result<(), Problem> {
    step(cargo().args(["test", "--locked", "--workspace"]))
}

/// The same; while the tests run, which is waiting for a good part, the Windows library is built.
fn tests_beside_windows() -> Result<(), Problem> {
    let way = way_to_windows()?;
    // In the background nothing can be asked, so what is needed is provided here.
    provide(&[way.needs(Bits::X64), Way::to(Bits::X86, None).needs(Bits::X86)].concat())?;
    // Cargo builds one thing at a time.
    step(cargo().args(["test", "--locked", "--workspace", "--no-run"]))?;
    let windows = Beside::start(&["windows"])?;
    tests()?;
    windows.finish()
}

/// How to build what Wine then runs.
fn way_to_windows() -> Result<Way, Problem> {
    let folder = workspace::target_folder()?.join("conformance");
    Ok(Way::to(Bits::X64, Some(&crate::wine::Wine::below(&folder))))
}

fn documentation() -> Result<(), Problem> {
    let mut cargo = cargo();
    cargo.args(["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"]);
    step(cargo.env("RUSTDOCFLAGS", "--deny warnings"))
}

fn build_windows() -> Result<(), Problem> {
    let way = way_to_windows()?;
    let library = windows::build(Bits::X64, way, Profile::Release)?;
    println!("    {}", library.display());
    Ok(())
}

/// While it mostly waits, the library that comes next is built.
fn conform_windows() -> Result<(), Problem> {
    let beside: &[&str] = &["conformance", "--sanitize", "--no-run"];
    let beside = cfg!(target_os = "linux").then_some(beside);
    conformance::run(&conformance::Options { install: true, beside, ..Default::default() })
}

/// Generated cases of wrong arguments: the mass of them where they are fast.
const GENERATED_CASES: u32 = 100_000;

fn conform_sanitized() -> Result<(), Problem> {
    conformance::run(&sanitized(None))
}

/// While it mostly waits, the 32-bit library is built: not optimised, as no 32-bit Wine is to be
/// had to run it.
fn conform_sanitized_beside() -> Result<(), Problem> {
    conformance::run(&sanitized(Some(&["windows", "--x86", "--dev"])))
}

fn sanitized(beside: Option<&'static [&'static str]>) -> conformance::Options {
    let cases = Some(GENERATED_CASES);
    conformance::Options { sanitize: true, install: true, cases, beside, ..Default::default() }
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
