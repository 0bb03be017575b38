//! `tapline metrics`: what a provider at work has counted.

use crate::command_line::Metrics;
use crate::lines::{log_of, trouble};
use crate::output;
use crate::trouble::Trouble;
use adapters::upkeep;

/// Prints the page once.
pub(crate) fn print(options: &Metrics) -> Result<(), Trouble> {
    let log = log_of(&options.log)?;
    if !log.exists() {
        return Err(Trouble::Log(format!("there is no log {}", log.display())));
    }
    match upkeep::metrics(&log).map_err(|error| trouble(&error))? {
        Some(page) => output::line(page.trim_end()),
        None => Err(Trouble::Expectation(format!(
            "no provider is at work on the log {}, so nothing is counted",
            log.display()
        ))),
    }
}
