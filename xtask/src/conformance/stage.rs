//! The host, the provider and the simulator, and how they run.

use super::{Options, command, sanitizer};
use crate::host::{self, Finding, Item, Manner, System, Verdict};
use crate::process;
use crate::simulator::{self, Simulator};
use crate::windows::{self, Bits, Part, Profile, Way};
use crate::wine::Wine;
use crate::workspace;
use crate::{During, Problem};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// The host gives each item a limit of its own; without a line for longer than the longest of them
/// and the end of its session, the host itself hangs.
const SILENCE: Duration = Duration::from_secs(300);

/// The lane whose simulator plays a site of several PBXs.
const SITE: &str = "site";

/// The lane that keeps the machine busy.
const STORMS: &str = "storms";

/// What the host runs on, and with what.
pub(super) struct Stage {
    wine: Option<Wine>,
    host: PathBuf,
    provider: PathBuf,
    /// The Linux command: with `simulate` it is the PBX.
    tapline: PathBuf,
    scratch: PathBuf,
    /// Watched by a sanitizer, which slows everything down.
    sanitized: bool,
}

impl Stage {
    /// Builds what runs, but the Linux command.
    pub(super) fn build(options: &Options, folder: &Path) -> Result<Stage, Problem> {
        if options.sanitize {
            sanitizer::build(folder)?;
        } else if options.linux {
            host::build(System::Linux, None, folder)?;
        } else {
            let way = Way::to_wine(Bits::X64);
            windows::build(Part::Library, Bits::X64, way, Profile::Release)?;
            host::build(System::Windows, None, folder)?;
        }
        Stage::find(options, folder)
    }

    /// Where what was built is.
    pub(super) fn find(options: &Options, folder: &Path) -> Result<Stage, Problem> {
        let (tapline, scratch) = (simulator::program()?, folder.join("scratch"));
        let wine = (!options.on_linux()).then(|| Wine::below(folder));
        let (host, provider) = if options.sanitize {
            (host::program(System::Linux, true, folder), sanitizer::library()?)
        } else if options.linux {
            let library = tapline.with_file_name("libtapline.so");
            (host::program(System::Linux, false, folder), library)
        } else {
            let way = Way::to_wine(Bits::X64);
            let library = windows::find(Part::Library, Bits::X64, way, Profile::Release)?;
            (host::program(System::Windows, false, folder), library)
        };
        Ok(Stage { wine, host, provider, tapline, scratch, sanitized: options.sanitize })
    }

    /// Makes room for a run.
    pub(super) fn set(&self) -> Result<(), Problem> {
        // Logs of earlier runs are no use to anybody; within a run they are kept for the curious.
        let scratch = &self.scratch;
        if scratch.exists() {
            std::fs::remove_dir_all(scratch).during(format!("empty {}", scratch.display()))?;
        }
        std::fs::create_dir_all(scratch).during(format!("make {}", scratch.display()))?;
        self.wine.as_ref().map_or(Ok(()), Wine::set_up)
    }

    /// Runs the items that are asked for, in lanes beside one another: those that mostly wait, in
    /// two; those of a site; the one that storms. The brief ones come first and by themselves, so
    /// that nothing disturbs what they measure; but under a sanitizer they are another lane, as the
    /// one that storms gets what the others leave of the processors.
    pub(super) fn play(&self, options: &Options) -> Result<Vec<Finding>, Problem> {
        let items = self.items(options.item.as_deref())?;
        let of = |manner| -> Vec<Item> {
            items.iter().filter(|item| item.manner == manner).cloned().collect()
        };
        let (mut findings, mut brief) = (Vec::new(), of(Manner::Brief));
        if !self.sanitized {
            findings = self.play_lane(options, "brief", &std::mem::take(&mut brief))?;
        }
        let (mut one, mut other) = (Vec::new(), Vec::new());
        for (index, item) in of(Manner::Waits).into_iter().enumerate() {
            if index % 2 == 0 { one.push(item) } else { other.push(item) }
        }
        let lanes = [
            ("brief", brief),
            ("waits", one),
            ("waits-too", other),
            (STORMS, of(Manner::Storms)),
            (SITE, of(Manner::Site)),
        ];
        let played = std::thread::scope(|scope| {
            let lanes = lanes
                .each_ref()
                .map(|(lane, items)| scope.spawn(move || self.play_lane(options, lane, items)));
            lanes.map(std::thread::ScopedJoinHandle::join)
        });
        for lane in played {
            findings.extend(lane.map_err(|_| Problem::new("a thread of ours panicked"))??);
        }
        findings.sort_by_key(|finding| finding.number);
        Ok(findings)
    }

    /// Compares the Windows command with the Linux one, unless only some items are asked for.
    pub(super) fn compare(&self, options: &Options) -> Result<(), Problem> {
        let (Some(wine), None) = (&self.wine, &options.item) else { return Ok(()) };
        let way = Way::to_wine(Bits::X64);
        if !options.built {
            windows::build(Part::Command, Bits::X64, way, Profile::Dev)?;
        }
        let command = windows::find(Part::Command, Bits::X64, way, Profile::Dev)?;
        let windows = command::Windows { wine, command: &command, library: &self.provider };
        command::compare(&windows, &self.tapline, &self.scratch.join("command"))
    }

    /// The items that are asked for.
    fn items(&self, list: Option<&str>) -> Result<Vec<Item>, Problem> {
        let mut command = self.host();
        command.arg("--list");
        if let Some(list) = list {
            command.args(["--item", list]);
        }
        let output = command.stdin(Stdio::null()).output().during("run the host")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let items: Vec<_> = text.lines().filter_map(Item::read).collect();
        if items.is_empty() {
            let why = String::from_utf8_lossy(&output.stderr);
            return Err(Problem::new(format!("there are no such items; {}", why.trim())));
        }
        Ok(items)
    }

    /// Runs items one after the other, with a simulator of their own. A host that crashes or hangs
    /// fails the item it was at, and another one goes on behind that.
    fn play_lane(
        &self,
        options: &Options,
        lane: &str,
        items: &[Item],
    ) -> Result<Vec<Finding>, Problem> {
        let mut findings: Vec<Finding> = Vec::new();
        if items.is_empty() {
            return Ok(findings);
        }
        let estate = workspace::root().join("tests/estates/two-trees.toml");
        let estate = (lane == SITE).then_some(estate.as_path());
        let simulator = Simulator::start(&self.tapline, estate)?;
        while findings.len() < items.len() {
            let started = findings.len();
            let rest = &items[started..];
            let ending = self.run_host(options, lane, simulator.port, rest, &mut findings)?;
            let hung = findings.last().is_some_and(|last| last.verdict == Verdict::Fail);
            if findings.len() < items.len() && !(findings.len() > started && hung && ending.is_hang)
            {
                let Item { number, title, .. } = items[findings.len()].clone();
                let reason = format!("the provider or the host died here: {}", ending.text);
                let verdict = Verdict::Fail;
                let took = ending.since;
                let finding = Finding { number, title, verdict, reason, took, uses: Vec::new() };
                finding.show();
                findings.push(finding);
            }
        }
        Ok(findings)
    }

    /// Runs one host until it ends.
    fn run_host(
        &self,
        options: &Options,
        lane: &str,
        port: u16,
        items: &[Item],
        findings: &mut Vec<Finding>,
    ) -> Result<Ending, Problem> {
        let errors_path = self.scratch.join(format!("{lane}-stderr.txt"));
        let errors = std::fs::File::create(&errors_path)
            .during(format!("write {}", errors_path.display()))?;
        let mut command = self.host();
        if self.sanitized && lane == STORMS {
            command = process::at_low_priority(&command);
        }
        command
            .args(self.arguments(options, port, items))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors);
        let mut child = command.spawn().during("run the host")?;
        let output = child.stdout.take();
        let (said, heard) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.into_iter().flat_map(|output| BufReader::new(output).lines()) {
                if line.is_err() || said.send(line.unwrap_or_default()).is_err() {
                    break;
                }
            }
        });
        let mut latest = Instant::now();
        let mut text = loop {
            match heard.recv_timeout(SILENCE) {
                Ok(line) => {
                    if let Some(finding) = Finding::read(&line, latest.elapsed()) {
                        finding.show();
                        findings.push(finding);
                        latest = Instant::now();
                    } else if line.starts_with("# note ") {
                        println!("{line}");
                    } else if let Some(last) = findings.last_mut() {
                        last.read_uses(&line);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break String::new(),
                Err(RecvTimeoutError::Timeout) => {
                    child.kill().during("end the host")?;
                    break format!("nothing was heard for {} s", SILENCE.as_secs());
                }
            }
        };
        let status = child.wait().during("wait for the host")?;
        if text.is_empty() {
            text = format!("{status}{}", last_words(&errors_path));
        }
        Ok(Ending { text, since: latest.elapsed(), is_hang: status.code() == Some(HUNG) })
    }

    /// A command that runs the host.
    fn host(&self) -> Command {
        match &self.wine {
            Some(wine) => {
                let mut command = wine.command();
                command.arg(Wine::path(&self.host));
                command
            }
            None => {
                let mut command = Command::new(&self.host);
                sanitizer::environment(&mut command);
                command
            }
        }
    }

    /// What the host is told.
    fn arguments(&self, options: &Options, port: u16, items: &[Item]) -> Vec<String> {
        let list = items.iter().map(|item| item.number.to_string()).collect::<Vec<_>>().join(",");
        let mut arguments = vec![
            "--provider".to_owned(),
            self.path(&self.provider),
            "--scratch".into(),
            self.path(&self.scratch),
            "--simulator".into(),
            port.to_string(),
            "--item".into(),
            list,
        ];
        if options.quick {
            arguments.push("--quick".into());
        }
        if let Some(cases) = options.cases {
            arguments.extend(["--cases".into(), cases.to_string()]);
        }
        if let Some(most_ms) = options.dawdle {
            arguments.extend(["--dawdle".into(), most_ms.to_string()]);
        }
        if let Some(seed) = options.seed {
            arguments.extend(["--seed".into(), seed.to_string()]);
        }
        arguments
    }

    fn path(&self, path: &Path) -> String {
        match &self.wine {
            Some(_) => Wine::path(path),
            None => path.display().to_string(),
        }
    }

    /// Ends what Wine leaves behind.
    pub(super) fn clear(&self) {
        if let Some(wine) = &self.wine {
            wine.tear_down();
        }
    }
}

/// The host's exit code when an item hung: that item has its line.
const HUNG: i32 = 3;

/// How a host ended.
struct Ending {
    text: String,
    /// Time since its last line.
    since: Duration,
    is_hang: bool,
}

/// Why the host or the provider died, as they wrote it to the standard error.
fn last_words(errors: &Path) -> String {
    let bytes = std::fs::read(errors).unwrap_or_default();
    let words = words_of(&String::from_utf8_lossy(&bytes));
    if words.is_empty() { String::new() } else { format!("; it said: {words}") }
}

/// The end of a text. Of a sanitizer's report, which ends in a table of its shadow memory, only what
/// happened and where, and which generated case it was.
fn words_of(text: &str) -> String {
    const LINES: usize = 8;
    const FRAMES: [&str; 4] = ["#0 ", "#1 ", "#2 ", "#3 "];
    let mut lines: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if let Some(begin) = lines.iter().position(|line| line.contains("ERROR: AddressSanitizer")) {
        let case = lines.last().copied().filter(|line| line.starts_with("seed "));
        // The first stack is that of the fault; others tell where the memory came from.
        let report = lines[begin..].iter().copied();
        let stack = report.clone().skip(1).skip_while(|line| !line.starts_with("#0 "));
        let frames = stack.take_while(|line| line.starts_with('#'));
        let frames = frames.filter(|line| FRAMES.iter().any(|frame| line.starts_with(frame)));
        lines = report.take(1).chain(frames).chain(case).collect();
    }
    lines[lines.len().saturating_sub(LINES)..].join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_sanitizers_report_the_fault_is_told_and_not_its_table_of_memory() {
        let report = "thread 'x' says something\n\
            ==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x1 at pc 0x2\n\
            READ of size 4 at 0x1 thread T2\n    #0 0x3 in TSPI_lineDrop (lib.so+0x3)\n    \
            #1 0x4 in main\nfreed by thread T1 here:\n    #0 0x5 in free\n\
            SUMMARY: AddressSanitizer: heap-use-after-free\n  Container overflow:  fc\n\
            ==7==ABORTING\nseed 5, case 74, TSPI_lineDrop\n";
        let words = words_of(report);
        let expected = "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x1 at pc 0x2 \
            | #0 0x3 in TSPI_lineDrop (lib.so+0x3) | #1 0x4 in main \
            | seed 5, case 74, TSPI_lineDrop";
        assert_eq!(words, expected);
        assert_eq!(words_of("one\n\n two \n"), "one | two");
    }
}
