//! `cargo xtask windows`: the provider as a Windows library.
//!
//! Two ways lead there. Where rustup has the Windows target, plain cargo does. Otherwise Debian's
//! own compiler builds the standard library along with the provider, for the `win7` targets: those
//! run on every Windows since 7, and on a Wine that lacks `bcryptprimitives.dll`.

use crate::packages::{self, DEBIAN_RUSTC, Need};
use crate::process;
use crate::workspace::{self, cargo};
use crate::{During, Problem};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long a build may take, from nothing, on a slow machine.
const BUILD_TIME: Duration = Duration::from_secs(1800);

/// Options of `cargo xtask windows`.
#[derive(Args)]
pub(crate) struct Options {
    /// For 32-bit Windows instead of 64-bit.
    #[arg(long)]
    x86: bool,
    /// Quickly and not optimised: to see that it builds, links and exports.
    #[arg(long)]
    dev: bool,
    /// Install what is missing.
    #[arg(long)]
    install: bool,
}

/// Builds, and says where the library is.
pub(crate) fn run(options: &Options) -> Result<(), Problem> {
    let bits = if options.x86 { Bits::X86 } else { Bits::X64 };
    let way = Way::to(bits, None);
    packages::provide(&way.needs(bits), options.install)?;
    let library = build(bits, way, if options.dev { Profile::Dev } else { Profile::Release })?;
    println!("{}", library.display());
    Ok(())
}

/// Which Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bits {
    X64,
    X86,
}

impl Bits {
    fn processor(self) -> &'static str {
        match self {
            Bits::X64 => "x86_64",
            Bits::X86 => "i686",
        }
    }

    fn mingw(self) -> Need {
        match self {
            Bits::X64 => Need::Mingw64,
            Bits::X86 => Need::Mingw32,
        }
    }

    /// One of mingw-w64's programs.
    pub(crate) fn tool(self, name: &str) -> String {
        format!("{}-w64-mingw32-{name}", self.processor())
    }
}

/// How to get there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The toolchain in use has the target's library.
    Installed,
    /// Debian's compiler builds the library too.
    WithLibrary,
}

impl Way {
    /// The way this machine offers. What is to run under a given Wine must not want what it lacks.
    pub(crate) fn to(bits: Bits, wine: Option<&crate::wine::Wine>) -> Way {
        let good_for_wine = wine.is_none_or(crate::wine::Wine::has_random_numbers);
        if good_for_wine && has_library(&Way::Installed.target(bits)) {
            Way::Installed
        } else {
            Way::WithLibrary
        }
    }

    /// What must be there for it.
    pub(crate) fn needs(self, bits: Bits) -> Vec<Need> {
        match self {
            Way::Installed => vec![bits.mingw()],
            Way::WithLibrary => vec![bits.mingw(), Need::LibrarySource],
        }
    }

    fn target(self, bits: Bits) -> String {
        let system = match self {
            Way::Installed => "pc",
            Way::WithLibrary => "win7",
        };
        format!("{}-{system}-windows-gnu", bits.processor())
    }
}

/// How it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As it is shipped.
    Release,
    /// In less time, to see that it builds, links and exports.
    Dev,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Profile::Release => "release",
            Profile::Dev => "dev",
        }
    }

    /// The folder below the target's.
    fn folder(self) -> &'static str {
        match self {
            Profile::Release => "release",
            Profile::Dev => "debug",
        }
    }
}

/// Builds the provider; the path of `tapline.tsp`.
pub(crate) fn build(bits: Bits, way: Way, profile: Profile) -> Result<PathBuf, Problem> {
    let target = way.target(bits);
    let mut cargo = cargo();
    cargo.args(["build", "--profile", profile.name(), "--target", &target]);
    cargo.args(["--locked", "--package", "tsp-ffi", "--lib"]);
    if profile == Profile::Dev {
        // It is not run, so no time is spent on making packages fast, or on what a debugger needs.
        let quickly = ["profile.dev.package.\"*\".opt-level=0", "profile.dev.debug=false"];
        cargo.args(quickly.iter().flat_map(|setting| ["--config", setting]));
    }
    let linker = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
    cargo.env(linker, bits.tool("gcc"));
    if way == Way::WithLibrary {
        // The compiler and the source of its library are of one release, so that the switch for
        // unreleased features switches nothing else on than building that library.
        cargo.args(["-Zbuild-std=std,panic_unwind"]);
        cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
        cargo.env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTC_WRAPPER");
    }
    process::succeed(&mut cargo, BUILD_TIME)?;
    let folder = workspace::target_folder()?.join(&target).join(profile.folder());
    let (built, named) = (folder.join("tapline.dll"), folder.join("tapline.tsp"));
    check_library(bits, &built)?;
    std::fs::copy(&built, &named).during(format!("copy {}", built.display()))?;
    Ok(named)
}

/// The exports by their plain names, and no library wanted that Windows does not bring.
fn check_library(bits: Bits, library: &Path) -> Result<(), Problem> {
    let listing = process::output(Command::new(bits.tool("objdump")).arg("-p").arg(library))
        .ok_or_else(|| Problem::new(format!("cannot list what {} exports", library.display())))?;
    let missing = missing_exports(&listing, &crate::host::function_set()?);
    if !missing.is_empty() {
        return Err(Problem::new(format!(
            "{} does not export {}",
            library.display(),
            missing.join(", ")
        )));
    }
    match foreign_libraries(&listing).as_slice() {
        [] => Ok(()),
        foreign => Err(Problem::new(format!(
            "{} wants {}, which comes with a compiler and not with Windows",
            library.display(),
            foreign.join(", ")
        ))),
    }
}

/// Which of the functions are not in objdump's list of exports, by their undecorated names.
fn missing_exports(listing: &str, functions: &[String]) -> Vec<String> {
    let table = listing.split("[Ordinal/Name Pointer] Table").nth(1).unwrap_or_default();
    let names: Vec<&str> =
        table.lines().filter_map(|line| line.split_whitespace().next_back()).collect();
    functions.iter().filter(|name| !names.contains(&name.as_str())).cloned().collect()
}

/// Libraries of compilers among those the library wants.
fn foreign_libraries(listing: &str) -> Vec<&str> {
    let wanted = listing.lines().filter_map(|line| line.trim().strip_prefix("DLL Name: "));
    wanted.filter(|name| name.starts_with("lib")).collect()
}

/// Whether the toolchain in use has the library of a target.
fn has_library(target: &str) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let folder = process::output(Command::new(rustc).current_dir(workspace::root()).args([
        "--print",
        "target-libdir",
        "--target",
        target,
    ]));
    let Some(folder) = folder else { return false };
    let Ok(files) = std::fs::read_dir(folder.trim()) else { return false };
    files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "\tDLL Name: KERNEL32.dll\n\tDLL Name: libgcc_s_dw2-1.dll\n\
        [Ordinal/Name Pointer] Table\n\t[   0] TSPI_lineDrop\n\t[   1] TSPI_lineHold@8\n";

    #[test]
    fn an_export_counts_only_by_its_plain_name() {
        let functions = ["TSPI_lineDrop".to_owned(), "TSPI_lineHold".to_owned()];
        assert_eq!(missing_exports(LISTING, &functions), ["TSPI_lineHold"]);
        assert_eq!(missing_exports("", &functions[..1]), ["TSPI_lineDrop"]);
    }

    #[test]
    fn a_library_that_a_compiler_brings_is_foreign() {
        assert_eq!(foreign_libraries(LISTING), ["libgcc_s_dw2-1.dll"]);
    }

    #[test]
    fn the_targets_have_the_names_that_rustc_knows() {
        assert_eq!(Way::Installed.target(Bits::X64), "x86_64-pc-windows-gnu");
        assert_eq!(Way::WithLibrary.target(Bits::X86), "i686-win7-windows-gnu");
    }
}
