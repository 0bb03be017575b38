//! The C host program: where it is, how it is compiled, what it says.

use crate::packages::TAPI_HEADERS;
use crate::process;
use crate::windows::Bits;
use crate::workspace;
use crate::{During, Problem};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long compiling it may take.
const COMPILE_TIME: Duration = Duration::from_secs(120);

/// The system for which the host is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    Windows,
    Linux,
}

/// Compiles the host into a folder; the path of the program.
pub(crate) fn build(system: System, into: &Path) -> Result<PathBuf, Problem> {
    let sources = sources(system)?;
    let (mut compiler, program) = match system {
        System::Windows => {
            let mut compiler = Command::new(Bits::X64.tool("gcc"));
            compiler.arg("-D__USE_MINGW_ANSI_STDIO=1");
            (compiler, into.join("conformance.exe"))
        }
        System::Linux => {
            let mut compiler = Command::new("gcc");
            compiler.arg("-I").arg(folder().join("linux")).args(["-idirafter", TAPI_HEADERS]);
            (compiler, into.join("conformance"))
        }
    };
    compiler.args(["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-o"]);
    compiler.arg(&program).args(sources);
    match system {
        System::Windows => compiler.arg("-lws2_32"),
        System::Linux => compiler.args(["-ldl", "-lpthread"]),
    };
    process::succeed(&mut compiler, COMPILE_TIME)?;
    Ok(program)
}

/// The functions a provider must export, from the host's own list.
pub(crate) fn function_set() -> Result<Vec<String>, Problem> {
    let header = folder().join("provider.h");
    let text = std::fs::read_to_string(&header).during(format!("read {}", header.display()))?;
    let list = text.split("OPTIONAL_FUNCTIONS").next().unwrap_or_default();
    let names = list.lines().filter_map(|line| line.trim().strip_prefix("X("));
    Ok(names.filter_map(|rest| Some(format!("TSPI_{}", rest.split_once(')')?.0))).collect())
}

/// What the host says of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) number: u32,
    pub(crate) title: String,
    pub(crate) verdict: Verdict,
    /// Why, if it did not pass.
    pub(crate) reason: String,
    pub(crate) took: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    Fail,
    NotYet,
}

impl Verdict {
    /// As the host writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Verdict::Pass => "ok",
            Verdict::Fail => "not ok",
            Verdict::NotYet => "not yet",
        }
    }
}

impl Finding {
    /// Reads one of the host's lines; `None` for a line that is about no item.
    pub(crate) fn read(line: &str, took: Duration) -> Option<Finding> {
        let verdicts = [Verdict::NotYet, Verdict::Fail, Verdict::Pass];
        let (verdict, rest) = verdicts.iter().find_map(|verdict| {
            Some((*verdict, line.strip_prefix(verdict.word())?.strip_prefix(' ')?))
        })?;
        let (number, rest) = rest.split_once(' ')?;
        let (title, reason) = rest.split_once(" # ").unwrap_or((rest, ""));
        Some(Finding {
            number: number.parse().ok()?,
            title: title.to_owned(),
            verdict,
            reason: reason.to_owned(),
            took,
        })
    }
}

/// An item as `--list` prints it: its number and title.
pub(crate) fn read_item(line: &str) -> Option<(u32, String)> {
    let (number, title) = line.trim().split_once(' ')?;
    Some((number.parse().ok()?, title.to_owned()))
}

fn folder() -> PathBuf {
    workspace::root().join("tests/conformance")
}

/// The C files, without the layer of the other system.
fn sources(system: System) -> Result<Vec<PathBuf>, Problem> {
    let other = match system {
        System::Windows => "platform_linux.c",
        System::Linux => "platform_windows.c",
    };
    let files = std::fs::read_dir(folder()).during("list tests/conformance")?;
    let mut sources: Vec<PathBuf> = files
        .flatten()
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .filter(|path| path.file_name().is_some_and(|name| name != other))
        .collect();
    sources.sort();
    Ok(sources)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_host_is_read_with_its_reason() {
        let read = |line| Finding::read(line, Duration::ZERO);
        let finding = read("not ok 57 a title # incoming.c:7: x # y").unwrap();
        assert_eq!((finding.number, finding.verdict), (57, Verdict::Fail));
        assert_eq!((&*finding.title, &*finding.reason), ("a title", "incoming.c:7: x # y"));
        assert_eq!(read("ok 1 t").unwrap().verdict, Verdict::Pass);
        assert_eq!(read("not yet 80 t # why").unwrap().verdict, Verdict::NotYet);
        assert_eq!(read("# 3 passed, 0 failed, 1 not yet"), None);
        assert_eq!(read("okay 1 t"), None);
    }

    #[test]
    fn the_function_set_has_the_forty_names() {
        let names = function_set().unwrap();
        assert_eq!(names.len(), 40);
        assert!(names.contains(&"TSPI_lineMakeCall".to_owned()));
        assert!(!names.contains(&"TSPI_lineAccept".to_owned()));
    }

    #[test]
    fn every_source_is_compiled_but_the_other_systems_layer() {
        let windows = sources(System::Windows).unwrap();
        let linux = sources(System::Linux).unwrap();
        assert_eq!(windows.len(), linux.len());
        assert!(windows.iter().any(|path| path.ends_with("platform_windows.c")));
        assert!(!windows.iter().any(|path| path.ends_with("platform_linux.c")));
    }
}
