//! `tapline`: the provider at work on a simulated or a real PBX, and its log replayed.

mod capture;
mod command_line;
mod demo;
mod expression;
mod ids;
mod interrupt;
mod ladder;
mod lines;
mod live;
mod metrics;
mod output;
mod playback;
mod probe;
mod provider;
mod rederive;
mod replay;
mod report;
mod rows;
mod run;
mod settings;
mod sim;
mod simulate;
mod trouble;
mod verify;
mod watch;

use clap::Parser;
use command_line::{Command, CommandLine};
use std::process::ExitCode;
use trouble::Trouble;

fn main() -> ExitCode {
    let command = CommandLine::parse().command;
    let result = match command {
        Command::Demo(demo) => demo::play(&demo),
        Command::Run(run) => run::watch(&run),
        Command::Verify(verify) => verify::check(&verify),
        Command::Settings(command) => settings::carry_out(&command),
        Command::Simulate(simulate) => simulate::serve(&simulate),
        Command::Replay(replay) => replay::carry_out(&replay),
        Command::Capture(capture) => capture::take(&capture),
        Command::Report(report) => report::write(&report),
        Command::Metrics(metrics) => metrics::print(&metrics),
        Command::Sim(sim) => sim::play(&sim),
        Command::Lines(lines) => lines::list(&lines),
        Command::Ids(ids) => ids::carry(&ids),
        Command::Watch(options) => watch::show(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            if !matches!(trouble, Trouble::OutputClosed) {
                // Nobody is left to tell if this fails too.
                let _ = output::complain(&trouble);
            }
            ExitCode::from(trouble.exit_code())
        }
    }
}
