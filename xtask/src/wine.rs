//! Wine, which runs Windows programs here.

use crate::packages::WINE;
use crate::process;
use crate::{During, Problem};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long setting up a prefix may take.
const SET_UP_TIME: Duration = Duration::from_secs(180);

/// Ends the Wine server of a prefix; beside the program itself.
const WINE_SERVER: &str = "/usr/lib/wine/wineserver64";

/// Where Debian's Wine keeps its own libraries.
const WINE_LIBRARIES: &str = "/usr/lib/x86_64-linux-gnu/wine/x86_64-windows";

/// Wine with a prefix of its own, so that nobody's settings play a part.
pub(crate) struct Wine {
    prefix: PathBuf,
}

impl Wine {
    /// Uses the prefix below a folder.
    pub(crate) fn below(folder: &Path) -> Wine {
        Wine { prefix: folder.join("wine") }
    }

    /// Makes the prefix, once.
    pub(crate) fn set_up(&self) -> Result<(), Problem> {
        let done = self.prefix.join("set-up-is-done");
        if done.is_file() {
            return Ok(());
        }
        std::fs::create_dir_all(&self.prefix).during(format!("make {}", self.prefix.display()))?;
        let mut boot = self.command();
        boot.args(["wineboot", "--init"]).stdout(Stdio::null()).stderr(Stdio::null());
        process::succeed(&mut boot, SET_UP_TIME)?;
        std::fs::write(&done, "").during(format!("write {}", done.display()))
    }

    /// A command that runs a Windows program given as its first argument.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(WINE);
        command
            .env("WINEPREFIX", &self.prefix)
            .env("WINEDEBUG", "-all")
            // Neither .NET nor a browser is wanted; without this Wine asks whether to fetch them.
            .env("WINEDLLOVERRIDES", "mscoree=;mshtml=")
            .env_remove("DISPLAY");
        command
    }

    /// Whether it has the library from which newer Windows targets take random numbers.
    pub(crate) fn has_random_numbers() -> bool {
        Path::new(WINE_LIBRARIES).join("bcryptprimitives.dll").is_file()
    }

    /// A path as programs under Wine see it.
    pub(crate) fn path(path: &Path) -> String {
        format!("Z:{}", path.display().to_string().replace('/', "\\"))
    }

    /// Ends what is left of this prefix's programs.
    pub(crate) fn tear_down(&self) {
        let mut end = Command::new(WINE_SERVER);
        end.arg("-k").env("WINEPREFIX", &self.prefix).stdout(Stdio::null()).stderr(Stdio::null());
        // There may be nothing left to end, which it reports as a failure.
        let _ = process::succeed(&mut end, SET_UP_TIME);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_on_the_drive_of_the_whole_system() {
        assert_eq!(Wine::path(Path::new("/tmp/a b/c.dll")), r"Z:\tmp\a b\c.dll");
    }
}
