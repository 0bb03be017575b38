//! Where the provider library is.

use crate::trouble::Trouble;
use std::path::{Path, PathBuf};

/// What the library is called on this system.
const NAMES: &[&str] = if cfg!(windows) {
    &["tapline.tsp", "tapline.dll"]
} else if cfg!(target_os = "macos") {
    &["libtapline.dylib"]
} else {
    &["libtapline.so"]
};

/// The library that was named, or the one beside the program.
///
/// Cargo leaves the library of a dependency in `deps`, and does not copy it to where the program
/// is; what lies there may be older.
pub(crate) fn find(named: Option<&Path>) -> Result<PathBuf, Trouble> {
    if let Some(named) = named {
        let candidates = vec![named.to_owned()];
        return first_file(candidates);
    }
    let program = std::env::current_exe()
        .map_err(|error| Trouble::System { what: "cannot tell where I am".into(), error })?;
    let folder = program.parent().unwrap_or(Path::new("."));
    let folders = [folder.join("deps"), folder.to_owned()];
    first_file(
        folders.iter().flat_map(|folder| NAMES.iter().map(|name| folder.join(name))).collect(),
    )
}

fn first_file(candidates: Vec<PathBuf>) -> Result<PathBuf, Trouble> {
    match candidates.iter().find(|candidate| candidate.is_file()) {
        Some(found) => Ok(found.clone()),
        None => Err(Trouble::NoLibrary(candidates)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_not_there_is_named_with_what_to_do() {
        let trouble = find(Some(Path::new("/no/such/provider.so"))).unwrap_err();
        let text = trouble.to_string();
        assert!(text.contains("/no/such/provider.so") && text.contains("cargo build -p tsp-ffi"));
        assert_eq!(trouble.exit_code(), 4);
    }
}
