//! A developer command that runs in the background while something else mostly waits.

use crate::process::{self, show};
use crate::workspace;
use crate::{During, Problem};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long it may take, from nothing, on a slow machine.
const TIME: Duration = Duration::from_secs(1800);

/// Such a command; ends with this value.
pub(crate) struct Beside {
    child: Child,
    /// What one would type.
    name: String,
    /// What it prints goes here first, so that it does not mix with what is printed meanwhile.
    output: PathBuf,
}

impl Beside {
    /// Starts one of our own commands. It gets what the rest leaves of the processors, so that it
    /// disturbs nothing that keeps an eye on the time.
    pub(crate) fn start(words: &[&str]) -> Result<Beside, Problem> {
        let itself = std::env::current_exe().during("find our own program")?;
        let name = format!("cargo xtask {}", words.join(" "));
        let output = workspace::target_folder()?.join("beside.txt");
        let file = std::fs::File::create(&output).during(format!("make {}", output.display()))?;
        let mut command = Command::new("nice");
        command.args(["-n", "19"]).arg(itself).args(words);
        command.stdin(Stdio::null()).stderr(file.try_clone().during("share a file")?).stdout(file);
        let child = command.spawn().during(format!("run `{}`", show(&command)))?;
        println!("    beside it, at low priority: {name}");
        Ok(Beside { child, name, output })
    }

    /// Waits for its end, and prints what it printed.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        let name = &self.name;
        let status = process::wait(&mut self.child, TIME).during(format!("wait for `{name}`"))?;
        let printed = std::fs::read_to_string(&self.output)
            .during(format!("read {}", self.output.display()))?;
        println!("    what `{name}` printed beside it:\n{}", printed.trim_end());
        match status {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(Problem::new(format!("`{name}` failed ({status})"))),
            None => Err(Problem::new(format!("`{name}` was not over after {} s", TIME.as_secs()))),
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // It is over already, or nobody waits for it any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
