//! `tapline replay`: a log or a capture looked at, without PBX and without Windows.

mod anonymise;
mod bisect;
mod check;
mod diff;
mod expectation;
mod explain;
mod golden;
mod import;
mod info;
mod moment;
mod progress;
mod raw;
mod reading;
mod records;
mod reel;
mod run;
mod shrink;
mod state;
mod stats;
mod step;
mod which;
mod written;

pub(crate) use explain::CallName;
pub(crate) use golden::SCENARIO;
pub(crate) use moment::{Moment, Point};
pub(crate) use progress::Progress;
pub(crate) use records::{answer as answer_words, kind as record_kind, msg as msg_words, pbx_name};
pub(crate) use reel::{Leap, Next, Reel};
pub(crate) use which::Which;
pub(crate) use written::write_capture;

use crate::command_line::{Replay, ReplayCommand, ReplayRun};
use crate::trouble::Trouble;

/// Does what was asked.
pub(crate) fn carry_out(options: &Replay) -> Result<(), Trouble> {
    match &options.what {
        Some(ReplayCommand::Info(info)) => info::show(info),
        Some(ReplayCommand::Run(run)) => run::show(run),
        Some(ReplayCommand::State(state)) => state::show(state),
        Some(ReplayCommand::Check(check)) => check::show(check),
        Some(ReplayCommand::Stats(stats)) => stats::show(stats),
        Some(ReplayCommand::Step(step)) => step::show(step),
        Some(ReplayCommand::Diff(diff)) => diff::show(diff),
        Some(ReplayCommand::Explain(explain)) => explain::show(explain),
        Some(ReplayCommand::Bisect(bisect)) => bisect::show(bisect),
        Some(ReplayCommand::Shrink(shrink)) => shrink::show(shrink),
        Some(ReplayCommand::ToTest(to_test)) => golden::to_test(to_test),
        Some(ReplayCommand::Golden(golden)) => golden::play(golden),
        Some(ReplayCommand::Anonymise(options)) => anonymise::write(options),
        Some(ReplayCommand::Import(options)) => import::write(options),
        Some(ReplayCommand::Raw(options)) => raw::show(options),
        None => run::show(&ReplayRun {
            // The command line lets nothing through without it.
            log: options.log.clone().unwrap_or_default(),
            json: options.json,
            quiet: options.quiet,
            ..ReplayRun::default()
        }),
    }
}
