//! `cargo xtask test`: everything that must hold before a change is shared.

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
        ("tests", tests),
        ("documentation", documentation),
    ];
    if cfg!(target_os = "linux") {
        steps.push(("conformance of the Linux library, sanitized", conform_sanitized));
    }
    if options.no_windows {
        provide(&[Need::Rustfmt, Need::Clippy])?;
    } else {
        provide(&[Need::Rustfmt, Need::Clippy, Need::Mingw64, Need::Mingw32, Need::Wine])?;
        steps.push(("Windows, 64 bits", || build(Bits::X64)));
        steps.push(("Windows, 32 bits", || build(Bits::X86)));
        steps.push(("conformance of the Windows library", conform));
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

fn documentation() -> Result<(), Problem> {
    let mut cargo = cargo();
    cargo.args(["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"]);
    step(cargo.env("RUSTDOCFLAGS", "--deny warnings"))
}

fn build(bits: Bits) -> Result<(), Problem> {
    let folder = workspace::target_folder()?.join("conformance");
    // 32-bit Wine is not to be had; what is built for it is not run.
    let wine = (bits == Bits::X64).then(|| crate::wine::Wine::below(&folder));
    let way = Way::to(bits, wine.as_ref());
    provide(&way.needs(bits))?;
    // What is not run need not be fast.
    let profile = if bits == Bits::X64 { Profile::Release } else { Profile::Dev };
    let library = windows::build(bits, way, profile)?;
    println!("    {}", library.display());
    Ok(())
}

/// Generated cases of wrong arguments: the mass of them where they are fast.
const GENERATED_CASES: u32 = 100_000;

fn conform_sanitized() -> Result<(), Problem> {
    conformance::run(&conformance::Options {
        sanitize: true,
        install: true,
        cases: Some(GENERATED_CASES),
        ..Default::default()
    })
}

fn conform() -> Result<(), Problem> {
    conformance::run(&conformance::Options { install: true, ..Default::default() })
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
