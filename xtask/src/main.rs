//! Developer commands, called as `cargo xtask …`.
//!
//! `test` is everything that must hold before a change is shared; `windows` builds the provider
//! for Windows; `conformance` loads it as a telephony server would and asserts its behaviour.
#![allow(clippy::print_stdout, clippy::print_stderr)] // it talks to people at a terminal

mod beside;
mod conformance;
mod dependencies;
mod host;
mod junit;
mod packages;
mod process;
mod simulator;
mod test;
mod windows;
mod wine;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer commands of Tapline")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything that must hold: format, lints, tests, documentation, licences and advisories, the
    /// Windows build and its conformance. Installs what that needs, and says so.
    Test(test::Options),
    /// Builds tapline.tsp for Windows, below target/, in the release folder of the Windows target.
    Windows(windows::Options),
    /// Runs the conformance host on the provider, with the PBX simulator behind it.
    Conformance(conformance::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Test(options) => test::run(&options),
        Command::Windows(options) => windows::run(&options),
        Command::Conformance(options) => conformance::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// What went wrong and what to do about it, in words for the person at the terminal.
#[derive(Debug)]
pub(crate) struct Problem(String);

impl Problem {
    pub(crate) fn new(text: impl Into<String>) -> Problem {
        Problem(text.into())
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Adds what was attempted to a system error.
pub(crate) trait During<T> {
    /// `what` reads as "cannot …".
    fn during(self, what: impl std::fmt::Display) -> Result<T, Problem>;
}

impl<T, E: std::fmt::Display> During<T> for Result<T, E> {
    fn during(self, what: impl std::fmt::Display) -> Result<T, Problem> {
        self.map_err(|error| Problem(format!("cannot {what}: {error}")))
    }
}
