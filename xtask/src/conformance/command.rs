//! The Windows command beside the Linux one: asked the same, both say and write the same bytes.
//!
//! Both work in a folder of their own, on golden histories, and on two logs of today: one that the
//! Windows library wrote, one that the Linux library wrote.

use crate::process;
use crate::wine::Wine;
use crate::workspace;
use crate::{During, Problem};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long one answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// The histories of which they are asked.
const HISTORIES: &[&str] =
    &["call-answered", "hang-up-lost-in-a-standby-switch", "transfer-with-consultation"];

/// What one of them is called here as well: letters that no code page of Windows has together.
const FOREIGN: &str = "Büro 王小明.tspt";

/// What makes a log in a folder called `demo`.
const DEMO: &[&str] = &["demo", "--keep", "demo"];

/// What both are asked. `/` in a path is `\` on Windows.
const QUESTIONS: &[&[&str]] = &[
    &["--help"],
    &["replay", "golden", "all"],
    &["replay", "golden", "--json", "all"],
    &["replay", "info", "call-answered.tspt"],
    &["replay", "info", "no-such-file.tspt"],
    &["replay", "info", "ids.txt"],
    &["replay", "run", FOREIGN, "--json"],
    &["replay", "run", "all/call-answered.tspt"],
    &["replay", "state", "call-answered.tspt", "--at", "40"],
    &["replay", "check", "transfer-with-consultation.tspt"],
    &["replay", "explain", "transfer-with-consultation.tspt", "20#1", "--ladder"],
    &["replay", "diff", "call-answered.tspt", "transfer-with-consultation.tspt"],
    &["replay", "bisect", "call-answered.tspt", "--until", "no call longer than 2s"],
    &["replay", "bisect", "call-answered.tspt", "--until", "call #1 of 20 is CONECTED"],
    &["replay", "anonymise", FOREIGN, "-o", "sent.tspt", "--key", "ids.txt"],
    &["report", FOREIGN, "-o", "Büro.html"],
    &["sim", "--seeds", "1..3"],
    &["replay", "check", "log-of-windows"],
    &["replay", "run", "log-of-windows", "--json"],
    &["capture", "--log", "log-of-windows", "-o", "windows.tspt"],
    &["report", "log-of-linux", "-o", "linux.html"],
    &["replay", "run", "log-of-linux", "--json"],
    &["capture", "--log", "log-of-linux", "-o", "linux.tspt"],
    &["ids", "import", "ids.txt", "--log", "new-log"],
    &["ids", "export", "ids-again.txt", "--log", "new-log"],
];

/// What an application may import, and a key that is good enough for two files that go nowhere.
const IDS: &str = "# tapline ids 1\nid,guid,number,name\n7,0123456789abcdef0123456789abcdef,,\n";

/// The Windows command, and the library that it loads.
pub(super) struct Windows<'a> {
    pub(super) wine: &'a Wine,
    pub(super) command: &'a Path,
    pub(super) library: &'a Path,
}

/// Asks both, and fails at the first difference. Both work below `folder`.
pub(super) fn compare(windows: &Windows<'_>, linux: &Path, folder: &Path) -> Result<(), Problem> {
    let begun = Instant::now();
    let sides = [
        Side { wine: Some(windows.wine), program: windows.command, folder: folder.join("windows") },
        Side { wine: None, program: linux, folder: folder.join("linux") },
    ];
    let library = Wine::path(windows.library);
    at_once(&sides, |side| {
        side.prepare()?;
        side.play_demo(side.wine.map(|_| &*library))
    })?;
    for side in &sides {
        for (maker, log) in sides.iter().zip(["log-of-windows", "log-of-linux"]) {
            copy(&maker.folder.join("demo/log"), &side.folder.join(log))?;
        }
    }
    let answers = at_once(&sides, |side| {
        QUESTIONS.iter().map(|question| side.answer(question)).collect::<Result<Vec<_>, _>>()
    })?;
    for (question, (windows, linux)) in QUESTIONS.iter().zip(answers[0].iter().zip(&answers[1])) {
        if let Some(difference) = difference(windows, linux) {
            let question = question.join(" ");
            let problem = format!("`tapline {question}` is another on Windows: {difference}");
            return Err(Problem::new(problem));
        }
    }
    let [windows, linux] = [sides[0].files()?, sides[1].files()?];
    let names: Vec<&String> = windows.keys().chain(linux.keys()).collect();
    if let Some(name) = names.into_iter().find(|name| windows.get(*name) != linux.get(*name)) {
        return Err(Problem::new(format!(
            "{name} is another where tapline.exe wrote it; both are below {}",
            folder.display()
        )));
    }
    println!(
        "tapline.exe says and writes what the Linux command does: {} questions, {} files ({:.1} s)",
        QUESTIONS.len(),
        windows.len(),
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Has both do something at the same time.
fn at_once<T: Send>(
    sides: &[Side<'_>; 2],
    deed: impl Fn(&Side<'_>) -> Result<T, Problem> + Sync,
) -> Result<[T; 2], Problem> {
    let [windows, linux] = std::thread::scope(|scope| {
        let running = sides.each_ref().map(|side| scope.spawn(|| deed(side)));
        running.map(std::thread::ScopedJoinHandle::join)
    });
    let panicked = |_| Problem::new("a thread of ours panicked");
    Ok([windows.map_err(panicked)??, linux.map_err(panicked)??])
}

/// One of the two commands, and where it works.
struct Side<'a> {
    wine: Option<&'a Wine>,
    program: &'a Path,
    folder: PathBuf,
}

/// What somebody at a terminal sees of an answer.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    code: Option<i32>,
    output: Vec<u8>,
    errors: Vec<u8>,
}

impl Side<'_> {
    /// Makes its folder, with the histories that the questions are about.
    fn prepare(&self) -> Result<(), Problem> {
        let (folder, histories) = (&self.folder, workspace::root().join("tests/histories"));
        copy(&histories, &folder.join("all"))?;
        for history in HISTORIES {
            let file = format!("{history}.tspt");
            copy(&histories.join(&file), &folder.join(&file))?;
        }
        copy(&histories.join("call-answered.tspt"), &folder.join(FOREIGN))?;
        let ids = folder.join("ids.txt");
        std::fs::write(&ids, IDS).during(format!("write {}", ids.display()))
    }

    /// Has it load a library, or the one beside it, and make a log.
    fn play_demo(&self, library: Option<&str>) -> Result<(), Problem> {
        let named = library.map(|library| ["--library", library]);
        let question = [DEMO, named.as_ref().map_or(&[], |words| words)].concat();
        let Answer { code, errors, .. } = self.answer(&question)?;
        if code == Some(0) {
            return Ok(());
        }
        let (name, why) = (self.program.display(), String::from_utf8_lossy(&errors));
        Err(Problem::new(format!("`{name} demo` failed ({code:?}): {}", why.trim())))
    }

    /// What it answers.
    fn answer(&self, question: &[&str]) -> Result<Answer, Problem> {
        let mut command = match self.wine {
            Some(wine) => {
                let mut command = wine.command();
                command.arg(Wine::path(self.program));
                command.args(question.iter().map(|word| word.replace('/', "\\")));
                command
            }
            None => {
                let mut command = Command::new(self.program);
                command.args(question);
                command
            }
        };
        // Wine takes the bytes of arguments for letters of this locale.
        command.current_dir(&self.folder).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        // Into files, so that an answer of any length is waited for with a limit.
        let [output, errors] =
            ["said.txt", "said-of-errors.txt"].map(|name| self.folder.join(name));
        let create =
            |path: &Path| std::fs::File::create(path).during(format!("write {}", path.display()));
        let read = |path: &Path| {
            let bytes = std::fs::read(path).during(format!("read {}", path.display()));
            std::fs::remove_file(path).during(format!("remove {}", path.display()))?;
            bytes
        };
        let name = process::show(&command);
        let mut child = command
            .stdout(create(&output)?)
            .stderr(create(&errors)?)
            .spawn()
            .during(format!("run `{name}`"))?;
        let status = process::wait(&mut child, ANSWER_TIME).during(format!("wait for `{name}`"))?;
        let status = status.ok_or_else(|| Problem::new(format!("`{name}` does not end")))?;
        Ok(Answer { code: status.code(), output: read(&output)?, errors: read(&errors)? })
    }

    /// The files in its folder, not those of logs: storages may lie as they like.
    fn files(&self) -> Result<BTreeMap<String, Vec<u8>>, Problem> {
        let entries =
            std::fs::read_dir(&self.folder).during(format!("list {}", self.folder.display()))?;
        let mut files = BTreeMap::new();
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()) {
            let bytes = std::fs::read(&path).during(format!("read {}", path.display()))?;
            files
                .insert(path.file_name().unwrap_or_default().to_string_lossy().into_owned(), bytes);
        }
        Ok(files)
    }
}

/// Copies a file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<(), Problem> {
    let trouble = || format!("copy {} to {}", from.display(), to.display());
    if from.is_file() {
        return std::fs::copy(from, to).map(drop).during(trouble());
    }
    std::fs::create_dir_all(to).during(trouble())?;
    for entry in std::fs::read_dir(from).during(trouble())? {
        let entry = entry.during(trouble())?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// In what the Windows answer is another than the Linux one.
fn difference(windows: &Answer, linux: &Answer) -> Option<String> {
    let parts =
        [("output", &windows.output, &linux.output), ("errors", &windows.errors, &linux.errors)];
    for (name, windows, linux) in parts {
        let mut lines = [windows, linux].map(|bytes| bytes.split(|byte| *byte == b'\n'));
        for number in 1.. {
            let [windows, linux] = lines.each_mut().map(Iterator::next);
            if windows != linux {
                let [windows, linux] = [windows, linux].map(|line| match line {
                    Some(line) => format!("{:?}", String::from_utf8_lossy(line)),
                    None => "the end".to_owned(),
                });
                return Some(format!("line {number} of its {name} is {windows}, not {linux}"));
            }
            if windows.is_none() {
                break;
            }
        }
    }
    (windows.code != linux.code)
        .then(|| format!("it ends with {:?}, not {:?}", windows.code, linux.code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: i32, output: &str, errors: &str) -> Answer {
        Answer { code: Some(code), output: output.into(), errors: errors.into() }
    }

    #[test]
    fn the_first_line_that_is_another_is_named() {
        let linux = answer(0, "one\ntwo\n", "");
        assert_eq!(difference(&answer(0, "one\ntwo\n", ""), &linux), None);
        let says = |windows: &Answer| difference(windows, &linux).unwrap_or_default();
        assert_eq!(
            says(&answer(0, "one\ntwo\r\n", "")),
            r#"line 2 of its output is "two\r", not "two""#
        );
        assert_eq!(says(&answer(0, "one\n", "")), r#"line 2 of its output is "", not "two""#);
        assert_eq!(says(&answer(0, "one\ntwo\n", "x")), r#"line 1 of its errors is "x", not """#);
        assert_eq!(says(&answer(5, "one\ntwo\n", "")), "it ends with Some(5), not Some(0)");
    }
}
