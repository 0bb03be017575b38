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
const COMPILE_TIME: Duration = Duration::from_secs(600);

/// The system for which the host is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    Windows,
    Linux,
}

/// Where the host is when it is built into a folder.
pub(crate) fn program(system: System, sanitized: bool, folder: &Path) -> PathBuf {
    folder.join(match system {
        System::Windows => "conformance.exe",
        System::Linux if sanitized => "conformance-sanitized",
        System::Linux => "conformance",
    })
}

/// Compiles the host into a folder. With the runtime of AddressSanitizer, which Linux only has
/// here, it is watched by that, and so is a library that is built for it.
pub(crate) fn build(system: System, sanitizer: Option<&Path>, into: &Path) -> Result<(), Problem> {
    let sources = sources(system)?;
    let program = program(system, sanitizer.is_some(), into);
    let mut compiler = match system {
        System::Windows => {
            let mut compiler = Command::new(Bits::X64.tool("gcc"));
            compiler.arg("-D__USE_MINGW_ANSI_STDIO=1");
            compiler
        }
        System::Linux => {
            let mut compiler = Command::new("gcc");
            compiler.arg("-I").arg(folder().join("linux")).args(["-idirafter", TAPI_HEADERS]);
            compiler
        }
    };
    compiler.args(["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror"]);
    if let Some(runtime) = sanitizer {
        return build_sanitized(compiler, &sources, runtime, &program);
    }
    compiler.arg("-o").arg(&program).args(sources);
    match system {
        System::Windows => compiler.arg("-lws2_32"),
        System::Linux => compiler.args(["-ldl", "-lpthread"]),
    };
    process::succeed(&mut compiler, COMPILE_TIME)
}

/// Compiles and links in two steps: told to watch while it links, the C compiler would bring the
/// runtime of its own.
fn build_sanitized(
    mut compiler: Command,
    sources: &[PathBuf],
    runtime: &Path,
    program: &Path,
) -> Result<(), Problem> {
    let objects = program.with_file_name("sanitized");
    std::fs::create_dir_all(&objects).during(format!("make {}", objects.display()))?;
    compiler.args(["-fsanitize=address", "-fno-omit-frame-pointer", "-c"]).args(sources);
    process::succeed(compiler.current_dir(&objects), COMPILE_TIME)?;
    let mut linker = Command::new("gcc");
    linker.arg("-o").arg(program).args(
        sources
            .iter()
            .filter_map(|source| Some(objects.join(source.with_extension("o").file_name()?))),
    );
    // The library's calls of the runtime are answered by the program's, which is there as a whole.
    linker.arg("-rdynamic").arg("-Wl,--whole-archive").arg(runtime).arg("-Wl,--no-whole-archive");
    linker.args(["-ldl", "-lpthread", "-lm", "-lrt"]);
    process::succeed(&mut linker, COMPILE_TIME)
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
    /// Functions of the provider that did in it what they are for.
    pub(crate) uses: Vec<String>,
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
            uses: Vec::new(),
        })
    }

    /// Reads the line behind it that says what it used, if it is one.
    pub(crate) fn read_uses(&mut self, line: &str) {
        let prefix = format!("# {} used ", self.number);
        if let Some(names) = line.strip_prefix(&prefix) {
            self.uses = names.split_whitespace().map(str::to_owned).collect();
        }
    }

    /// Prints it for people.
    pub(crate) fn show(&self) {
        let Finding { number, title, verdict, reason, took, .. } = self;
        if reason.is_empty() {
            println!("{} {number} {title} ({:.1} s)", verdict.word(), took.as_secs_f64());
        } else {
            println!("{} {number} {title} # {reason}", verdict.word());
        }
    }
}

/// An item as `--list` prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) number: u32,
    pub(crate) title: String,
    pub(crate) manner: Manner,
}

/// What an item does to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It is soon over.
    Brief,
    /// It mostly waits.
    Waits,
    /// It keeps the machine busy for long.
    Storms,
    /// It wants the simulator to play a site of several PBXs.
    Site,
}

impl Item {
    /// Reads a line of `--list`.
    pub(crate) fn read(line: &str) -> Option<Item> {
        let (number, rest) = line.trim().split_once(' ')?;
        let (manner, title) = rest.split_once(' ')?;
        let manner = match manner {
            "brief" => Manner::Brief,
            "waits" => Manner::Waits,
            "storms" => Manner::Storms,
            "site" => Manner::Site,
            _ => return None,
        };
        Some(Item { number: number.parse().ok()?, title: title.to_owned(), manner })
    }
}

/// Numbers and titles of all items, as the sources have them, in the order of the numbers.
pub(crate) fn listed_items() -> Result<Vec<(u32, String)>, Problem> {
    let mut items = Vec::new();
    for source in sources(System::Linux)? {
        let text = std::fs::read_to_string(&source).during(format!("read {}", source.display()))?;
        items.extend(text.lines().filter_map(table_row));
    }
    items.sort();
    Ok(items)
}

/// The number and title in a row of one of the tables of items.
fn table_row(line: &str) -> Option<(u32, String)> {
    let (number, rest) = line.strip_prefix("    {")?.split_once(", \"")?;
    let (title, _) = rest.split_once("\",")?;
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
        let mut finding = finding;
        finding.read_uses("# 57 used lineOpen lineDrop");
        finding.read_uses("# 58 used lineClose");
        assert_eq!(finding.uses, ["lineOpen", "lineDrop"]);
    }

    #[test]
    fn the_function_set_has_the_forty_names() {
        let names = function_set().unwrap();
        assert_eq!(names.len(), 40);
        assert!(names.contains(&"TSPI_lineMakeCall".to_owned()));
        assert!(!names.contains(&"TSPI_lineAccept".to_owned()));
    }

    #[test]
    fn the_list_of_items_has_numbers_manners_and_titles() {
        let item = Item::read("45 storms sixteen threads").unwrap();
        assert_eq!(
            (item.number, item.manner, &*item.title),
            (45, Manner::Storms, "sixteen threads")
        );
        assert_eq!(Item::read("45 sixteen threads"), None);
        let items = listed_items().unwrap();
        let numbers: Vec<u32> = items.iter().map(|(number, _)| *number).collect();
        assert!((1..=100).all(|number| numbers.contains(&number)), "{numbers:?}");
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
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
