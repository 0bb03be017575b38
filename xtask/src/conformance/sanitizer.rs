//! The host and the Linux library under AddressSanitizer: whoever touches memory that is freed, or
//! beyond what it allocated, ends the process with a report.
//!
//! Both are instrumented and share the runtime of the Rust toolchain. Rust's own library is not
//! built anew: what it does with memory is watched where it calls the allocator.

use crate::host::{self, System};
use crate::process;
use crate::workspace::{self, cargo};
use crate::{During, Problem};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long building may take, from nothing, on a slow machine.
const BUILD_TIME: Duration = Duration::from_secs(1800);

/// This machine's own target, named: so that only what it gets is watched, and not what is built to
/// run while building.
fn target() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// Builds both.
pub(super) fn build(folder: &Path) -> Result<(), Problem> {
    let target = target();
    let runtime = runtime(&target)?;
    let mut cargo = cargo();
    cargo.args(["build", "--locked", "--package", "tsp-ffi", "--lib", "--target", &target]);
    cargo.arg("--target-dir").arg(target_folder()?);
    // The switch for unreleased features switches nothing else on than the sanitizer.
    cargo.env("RUSTC_BOOTSTRAP", "1");
    let flags = format!("CARGO_TARGET_{}_RUSTFLAGS", target.to_uppercase().replace('-', "_"));
    cargo.env(flags, "-Zsanitizer=address");
    process::succeed(&mut cargo, BUILD_TIME)?;
    host::build(System::Linux, Some(&runtime), folder)
}

/// Where the library is when it is built.
pub(super) fn library() -> Result<PathBuf, Problem> {
    Ok(target_folder()?.join(target()).join("debug").join("libtapline.so"))
}

/// Where cargo builds it, which keeps nobody waiting who builds something else.
fn target_folder() -> Result<PathBuf, Problem> {
    Ok(workspace::target_folder()?.join("sanitized"))
}

/// What the sanitizer is to do beyond its usual.
pub(super) fn environment(command: &mut Command) {
    // The host leaves by _exit() and frees nothing before: what it leaves is no leak.
    command.env("ASAN_OPTIONS", "detect_leaks=0:detect_stack_use_after_return=1:abort_on_error=1");
}

/// The runtime that comes with the toolchain.
fn runtime(target: &str) -> Result<PathBuf, Problem> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut ask = Command::new(rustc);
    ask.current_dir(workspace::root()).args(["--print", "target-libdir", "--target", target]);
    let folder = process::output(&mut ask)
        .ok_or_else(|| Problem::new("rustc does not say where its libraries are"))?;
    let files = std::fs::read_dir(folder.trim()).during(format!("list {}", folder.trim()))?;
    let is_runtime = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with("_rt.asan.a")
    };
    files.flatten().map(|file| file.path()).find(is_runtime).ok_or_else(|| {
        Problem::new(format!(
            "the toolchain has no AddressSanitizer runtime in {}; rustup's toolchains for {target} \
             have it",
            folder.trim()
        ))
    })
}
