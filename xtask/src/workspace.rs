//! Where things are, and cargo on them.

use crate::{During, Problem};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    // The folder above this crate; known when it was built, and it is always built in place.
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(1).unwrap_or(Path::new(".")).to_owned()
}

/// The cargo that runs us, in the root of the workspace.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    // What cargo told us about our own package is no business of what it builds for us.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// What `cargo metadata` says, of all packages that any target could need.
pub(crate) fn metadata() -> Result<serde_json::Value, Problem> {
    let output = cargo()
        .args(["metadata", "--format-version", "1", "--locked"])
        .output()
        .during("run `cargo metadata`")?;
    if !output.status.success() {
        return Err(Problem::new(format!(
            "`cargo metadata` failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )));
    }
    serde_json::from_slice(&output.stdout).during("read what `cargo metadata` says")
}

/// The target folder.
pub(crate) fn target_folder() -> Result<PathBuf, Problem> {
    let output = cargo()
        .args(["metadata", "--format-version", "1", "--locked", "--no-deps"])
        .output()
        .during("run `cargo metadata`")?;
    let value: serde_json::Value =
        serde_json::from_slice(&output.stdout).during("read what `cargo metadata` says")?;
    let folder = value["target_directory"].as_str();
    folder.map(PathBuf::from).ok_or_else(|| Problem::new("`cargo metadata` names no target folder"))
}
