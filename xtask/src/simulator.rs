//! The PBX simulator behind the provider.

use crate::process;
use crate::workspace;
use crate::{During, Problem};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long it may take to say where it listens.
const START_TIME: Duration = Duration::from_secs(20);
/// How long building it may take, from nothing, on a slow machine.
const BUILD_TIME: Duration = Duration::from_secs(1800);

/// A simulator that runs; ends with this value.
pub(crate) struct Simulator {
    child: Child,
    pub(crate) port: u16,
}

/// Builds the `tapline` command and the provider library beside it.
pub(crate) fn build() -> Result<(), Problem> {
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--locked", "--package", "replay", "--package", "tsp-ffi"]);
    process::succeed(&mut cargo, BUILD_TIME)
}

/// Where the `tapline` command is when it is built.
pub(crate) fn program() -> Result<PathBuf, Problem> {
    Ok(workspace::target_folder()?.join("debug").join("tapline"))
}

impl Simulator {
    /// Starts `tapline simulate` on a free port: of the built-in estate, or of one in a file.
    pub(crate) fn start(tapline: &Path, estate: Option<&Path>) -> Result<Simulator, Problem> {
        let mut command = Command::new(tapline);
        command.args(["simulate", "--listen", "127.0.0.1:0"]);
        if let Some(estate) = estate {
            command.arg("--estate").arg(estate);
        }
        // Its prompt reads what we never write; when we end, it reads the end.
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .during("start `tapline simulate`")?;
        let output = child.stdout.take();
        let (said, heard) = mpsc::channel();
        std::thread::spawn(move || {
            let Some(output) = output else { return };
            let mut output = BufReader::new(output);
            let mut line = String::new();
            // What it prints later is read and forgotten, so that it never waits for us.
            if output.read_line(&mut line).is_ok() && said.send(line).is_ok() {
                let _ = output.read_to_end(&mut Vec::new());
            }
        });
        let line = heard.recv_timeout(START_TIME).unwrap_or_default();
        let mut simulator = Simulator { child, port: 0 };
        simulator.port = port_in(&line).ok_or_else(|| {
            Problem::new(format!("`tapline simulate` did not say where it listens, but {line:?}"))
        })?;
        Ok(simulator)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The port in `listening on http://127.0.0.1:PORT`.
fn port_in(line: &str) -> Option<u16> {
    let (_, address) = line.split_once("listening on http://")?;
    let (_, port) = address.trim().trim_end_matches('/').rsplit_once(':')?;
    port.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_from_its_first_line() {
        assert_eq!(port_in("listening on http://127.0.0.1:4711\n"), Some(4711));
        assert_eq!(port_in("listening on http://127.0.0.1:4711/\n"), Some(4711));
        assert_eq!(port_in("error: the port is taken"), None);
        assert_eq!(port_in(""), None);
    }
}
