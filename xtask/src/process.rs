//! Running other programs, always with a limit on how long.

use crate::{During, Problem};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often a running program is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs a program with our own output, and fails unless it succeeds in time.
pub(crate) fn succeed(command: &mut Command, within: Duration) -> Result<(), Problem> {
    let name = show(command);
    let mut child = command.stdin(Stdio::null()).spawn().during(format!("run `{name}`"))?;
    let status = wait(&mut child, within).during(format!("wait for `{name}`"))?;
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(Problem::new(format!("`{name}` failed ({status})"))),
        None => Err(Problem::new(format!("`{name}` was not over after {} s", within.as_secs()))),
    }
}

/// What a short program prints, if it succeeds.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Waits for a program, and ends it when the time is over; `None` then.
pub(crate) fn wait(
    child: &mut Child,
    within: Duration,
) -> std::io::Result<Option<std::process::ExitStatus>> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// The same command with what others leave of the processors.
pub(crate) fn at_low_priority(command: &Command) -> Command {
    let mut nice = Command::new("nice");
    nice.args(["-n", "19"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => nice.env(name, value),
            None => nice.env_remove(name),
        };
    }
    nice
}

/// A command as one would type it.
pub(crate) fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
