//! What the commands need beyond a Rust toolchain, and how to get it.
//!
//! Nothing is installed silently: what is missing is named with the command that installs it, and
//! that command is run only where the caller asked for it, after it was shown.

use crate::process;
use crate::workspace;
use crate::{During, Problem};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How long a package manager may take.
const INSTALL_TIME: Duration = Duration::from_secs(600);

/// Something that must be on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// rustfmt, for the toolchain in use.
    Rustfmt,
    /// Clippy, for the toolchain in use.
    Clippy,
    /// The C compiler and linker for 64-bit Windows; brings TAPI's headers with it.
    Mingw64,
    /// The same for 32-bit Windows.
    Mingw32,
    /// TAPI's headers alone.
    TapiHeaders,
    /// A Rust compiler with the matching source of its library, to build that for Windows.
    LibrarySource,
    /// Wine, to run what was built.
    Wine,
    /// A C compiler for this machine.
    Gcc,
    /// A browser, and its driver: the page of a report is tested in it.
    Chromium,
}

/// The Debian compiler whose library source can be built.
pub(crate) const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// Wine's own program; the script around it wants a 32-bit Wine that nobody needs here.
pub(crate) const WINE: &str = "/usr/lib/wine/wine64";
/// Where Debian keeps TAPI's headers.
pub(crate) const TAPI_HEADERS: &str = "/usr/share/mingw-w64/include";

impl Need {
    fn is_met(self) -> bool {
        match self {
            Need::Rustfmt => {
                process::output(workspace::cargo().args(["fmt", "--version"])).is_some()
            }
            Need::Clippy => {
                process::output(workspace::cargo().args(["clippy", "--version"])).is_some()
            }
            Need::Mingw64 => {
                on_path("x86_64-w64-mingw32-gcc") && on_path("x86_64-w64-mingw32-objdump")
            }
            Need::Mingw32 => on_path("i686-w64-mingw32-gcc") && on_path("i686-w64-mingw32-objdump"),
            Need::TapiHeaders => Path::new(TAPI_HEADERS).join("tspi.h").is_file(),
            Need::LibrarySource => library_source_is_there(),
            Need::Wine => Path::new(WINE).is_file(),
            Need::Gcc => on_path("gcc"),
            Need::Chromium => on_path("chromium") && on_path("chromedriver"),
        }
    }

    /// Debian's names of what meets it; none for what rustup brings.
    fn debian_packages(self) -> &'static [&'static str] {
        match self {
            Need::Rustfmt | Need::Clippy => &[],
            Need::Mingw64 => &["gcc-mingw-w64-x86-64"],
            Need::Mingw32 => &["gcc-mingw-w64-i686"],
            Need::TapiHeaders => &["mingw-w64-common"],
            Need::LibrarySource => &["rustc-web", "rust-web-src"],
            Need::Wine => &["wine64"],
            Need::Gcc => &["gcc", "libc6-dev"],
            Need::Chromium => &["chromium", "chromium-driver"],
        }
    }

    fn rustup_component(self) -> Option<&'static str> {
        match self {
            Need::Rustfmt => Some("rustfmt"),
            Need::Clippy => Some("clippy"),
            _ => None,
        }
    }
}

/// Makes sure that everything is there: installs what is missing if `install`, else says how.
pub(crate) fn provide(needs: &[Need], install: bool) -> Result<(), Problem> {
    let missing: Vec<Need> = needs.iter().copied().filter(|need| !need.is_met()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let commands = commands_for(&missing);
    if !install {
        return Err(Problem::new(format!(
            "{} missing; install with\n    {}\nor let --install do it",
            if missing.len() == 1 { "something is" } else { "some things are" },
            commands.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join("\n    ")
        )));
    }
    println!("Installing what is missing:");
    for words in &commands {
        println!("    {}", words.join(" "));
    }
    for words in &commands {
        run_as_administrator(words)?;
    }
    match missing.iter().find(|need| !need.is_met()) {
        None => Ok(()),
        Some(need) => Err(Problem::new(format!(
            "{need:?} is still missing; on a system other than Debian install what corresponds to \
             {} by hand",
            need.debian_packages().join(", ")
        ))),
    }
}

/// The commands that install these.
fn commands_for(missing: &[Need]) -> Vec<Vec<&'static str>> {
    let mut commands = Vec::new();
    let components: Vec<_> = missing.iter().filter_map(|need| need.rustup_component()).collect();
    if !components.is_empty() {
        commands.push([vec!["rustup", "component", "add"], components].concat());
    }
    let packages: Vec<_> =
        missing.iter().flat_map(|need| need.debian_packages()).copied().collect();
    if !packages.is_empty() {
        commands.push(vec!["apt-get", "update"]);
        let install = vec!["apt-get", "install", "--yes", "--no-install-recommends"];
        commands.push([install, packages].concat());
    }
    commands
}

/// Runs a command; one of the package manager with the rights it needs.
fn run_as_administrator(words: &[&str]) -> Result<(), Problem> {
    let is_root = process::output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    let needs_rights = words[0] == "apt-get" && !is_root;
    let mut command = Command::new(if needs_rights { "sudo" } else { words[0] });
    if needs_rights {
        command.args(["--non-interactive", "--preserve-env=DEBIAN_FRONTEND"]).arg(words[0]);
    }
    command.args(&words[1..]).env("DEBIAN_FRONTEND", "noninteractive");
    process::succeed(&mut command, INSTALL_TIME)
        .during(format!("install what is missing; do it by hand with `{}`", words.join(" ")))
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn library_source_is_there() -> bool {
    let sysroot = process::output(Command::new(DEBIAN_RUSTC).args(["--print", "sysroot"]));
    sysroot.is_some_and(|sysroot| {
        Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/Cargo.lock").is_file()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_installed_with_one_command_each() {
        let commands = commands_for(&[Need::Clippy, Need::Mingw64, Need::Wine, Need::Rustfmt]);
        let lines: Vec<String> = commands.iter().map(|words| words.join(" ")).collect();
        assert_eq!(
            lines,
            [
                "rustup component add clippy rustfmt",
                "apt-get update",
                "apt-get install --yes --no-install-recommends gcc-mingw-w64-x86-64 wine64",
            ]
        );
    }

    #[test]
    fn nothing_is_run_when_nothing_is_missing() {
        assert!(commands_for(&[]).is_empty());
    }
}
