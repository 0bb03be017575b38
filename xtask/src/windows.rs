//! `cargo xtask windows`: the provider as a Windows library, and the `tapline` command beside it.
//!
//! Two ways lead there. Where rustup has the Windows target, plain cargo does. Otherwise Debian's
//! own compiler builds the standard library along with the provider, for the `win7` targets: those
//! run on every Windows since 7, and on a Wine that lacks `bcryptprimitives.dll`.

use crate::packages::{self, DEBIAN_RUSTC, Need};
use crate::process;
use crate::wine::Wine;
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
    /// The library alone.
    #[arg(long, conflicts_with = "command")]
    library: bool,
    /// The command alone.
    #[arg(long)]
    command: bool,
    /// Install what is missing.
    #[arg(long)]
    install: bool,
}

/// Builds, and says where the library and the command are.
pub(crate) fn run(options: &Options) -> Result<(), Problem> {
    let bits = if options.x86 { Bits::X86 } else { Bits::X64 };
    let profile = if options.dev { Profile::Dev } else { Profile::Release };
    // What is not shipped is for Wine.
    let way = if options.dev { Way::to_wine(bits) } else { Way::to(bits) };
    packages::provide(&way.needs(bits), options.install)?;
    for part in [Part::Library, Part::Command] {
        let other = if part == Part::Library { options.command } else { options.library };
        if !other {
            build(part, bits, way, profile)?;
            println!("{}", find(part, bits, way, profile)?.display());
        }
    }
    Ok(())
}

/// What is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The provider, `tapline.tsp`.
    Library,
    /// `tapline.exe`.
    Command,
}

impl Part {
    fn package(self) -> &'static str {
        match self {
            Part::Library => "tsp-ffi",
            Part::Command => "replay",
        }
    }

    /// As cargo leaves it.
    fn file(self) -> &'static str {
        match self {
            Part::Library => "tapline.dll",
            Part::Command => "tapline.exe",
        }
    }

    /// Where cargo builds it. The command has the simulator in it, and on the way to it cargo makes
    /// another library, which must not lie in the place of the one that is shipped. And what is only
    /// tried keeps nobody waiting who builds for this system.
    fn target_folder(self, profile: Profile) -> Result<PathBuf, Problem> {
        let folder = workspace::target_folder()?;
        Ok(match (self, profile) {
            (Part::Library, Profile::Release) => folder,
            (Part::Command, Profile::Release) => folder.join("command"),
            (_, Profile::Dev) => folder.join("trial"),
        })
    }
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
    /// The way this machine offers.
    pub(crate) fn to(bits: Bits) -> Way {
        let is_installed = has_library(&Way::Installed.target(bits));
        if is_installed { Way::Installed } else { Way::WithLibrary }
    }

    /// The same for what is to run under Wine, and so must not want what that lacks.
    pub(crate) fn to_wine(bits: Bits) -> Way {
        if Wine::has_random_numbers() { Way::to(bits) } else { Way::WithLibrary }
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
    /// In less time, to see that it builds and links, or to ask it something.
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

/// Where a part is when it is built: the command beside the library, unless it is not to be shipped.
pub(crate) fn find(part: Part, bits: Bits, way: Way, profile: Profile) -> Result<PathBuf, Problem> {
    let below = |folder: PathBuf| folder.join(way.target(bits)).join(profile.folder());
    Ok(match (part, profile) {
        (Part::Library, _) => below(part.target_folder(profile)?).join("tapline.tsp"),
        (Part::Command, Profile::Release) => {
            below(Part::Library.target_folder(profile)?).join(part.file())
        }
        (Part::Command, Profile::Dev) => below(part.target_folder(profile)?).join(part.file()),
    })
}

/// Builds a part.
pub(crate) fn build(part: Part, bits: Bits, way: Way, profile: Profile) -> Result<(), Problem> {
    let (target, folder) = (way.target(bits), part.target_folder(profile)?);
    let mut cargo = cargo();
    cargo.args(["build", "--profile", profile.name(), "--target", &target]);
    cargo.args(["--locked", "--package", part.package(), "--target-dir"]).arg(&folder);
    if profile == Profile::Dev {
        // No time is spent on making it fast, or on what a debugger needs.
        let quickly = [
            "profile.dev.package.\"*\".opt-level=0",
            "profile.dev.package.engine.opt-level=0",
            "profile.dev.debug=false",
        ];
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
    let built = folder.join(&target).join(profile.folder()).join(part.file());
    check(part, bits, &built)?;
    let shown = find(part, bits, way, profile)?;
    if shown == built {
        return Ok(());
    }
    let to = shown.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(to).during(format!("make {}", to.display()))?;
    std::fs::copy(&built, &shown).map(drop).during(format!("copy {}", built.display()))
}

/// No library is wanted that Windows does not bring; and the provider has its exports, by their plain
/// names.
fn check(part: Part, bits: Bits, file: &Path) -> Result<(), Problem> {
    let listing = process::output(Command::new(bits.tool("objdump")).arg("-p").arg(file))
        .ok_or_else(|| Problem::new(format!("cannot list what {} has", file.display())))?;
    let missing = match part {
        Part::Library => missing_exports(&listing, &crate::host::function_set()?),
        Part::Command => Vec::new(),
    };
    if !missing.is_empty() {
        let (file, missing) = (file.display(), missing.join(", "));
        return Err(Problem::new(format!("{file} does not export {missing}")));
    }
    match foreign_libraries(&listing).as_slice() {
        [] => Ok(()),
        foreign => Err(Problem::new(format!(
            "{} wants {}, which comes with a compiler and not with Windows",
            file.display(),
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
