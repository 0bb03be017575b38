//! `tapline replay`: a log or a capture looked at, without PBX and without Windows.

mod check;
mod info;
mod moment;
mod progress;
mod reading;
mod records;
mod run;
mod state;
mod stats;
mod which;

pub(crate) use moment::Moment;
pub(crate) use which::Which;

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
        None => run::show(&ReplayRun {
            // The command line lets nothing through without it.
            log: options.log.clone().unwrap_or_default(),
            json: options.json,
            quiet: options.quiet,
            ..ReplayRun::default()
        }),
    }
}
