//! `cargo xtask conformance`: the provider, loaded as a telephony server loads it.

use crate::host::{self, Finding, System, Verdict};
use crate::junit;
use crate::packages::{self, Need};
use crate::simulator::{self, Simulator};
use crate::windows::{self, Bits, Profile, Way};
use crate::wine::Wine;
use crate::workspace;
use crate::{During, Problem};
use clap::Args;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// The host gives each item a limit of its own; without a line for longer than the longest of them
/// and the end of its session, the host itself hangs.
const SILENCE: Duration = Duration::from_secs(300);

/// Options of `cargo xtask conformance`.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// The Linux library instead of the Windows one under Wine.
    #[arg(long)]
    pub(crate) linux: bool,
    /// The storm of sixteen threads for 5 seconds instead of 60: for development only.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only these items, for example 57,60-65.
    #[arg(long, value_name = "LIST")]
    pub(crate) item: Option<String>,
    /// Write a JUnit report.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Install what is missing.
    #[arg(long)]
    pub(crate) install: bool,
}

/// Builds everything, runs the items, prints them and the totals.
pub(crate) fn run(options: &Options) -> Result<(), Problem> {
    let folder = workspace::target_folder()?.join("conformance");
    std::fs::create_dir_all(&folder).during(format!("make {}", folder.display()))?;
    needs(options, &folder)?;
    let programs = simulator::build()?;
    let stage = Stage::set(options, &folder, &programs)?;
    let simulator = Simulator::start(&programs)?;
    let findings = stage.play(options, simulator.port)?;
    stage.clear();
    if let Some(file) = &options.junit {
        std::fs::write(file, junit::report(&findings))
            .during(format!("write {}", file.display()))?;
    }
    conclude(&findings)
}

/// What must be there, provided.
fn needs(options: &Options, folder: &Path) -> Result<(), Problem> {
    let mut needs = vec![Need::Gcc, Need::TapiHeaders];
    if !options.linux {
        needs = vec![Need::Wine, Need::Mingw64];
        packages::provide(&needs, options.install)?;
        needs.extend(Way::to(Bits::X64, Some(&Wine::below(folder))).needs(Bits::X64));
    }
    packages::provide(&needs, options.install)
}

/// The host, the provider, and what runs them.
struct Stage {
    wine: Option<Wine>,
    host: PathBuf,
    provider: PathBuf,
    scratch: PathBuf,
}

impl Stage {
    fn set(options: &Options, folder: &Path, programs: &Path) -> Result<Stage, Problem> {
        // Logs of earlier runs are no use to anybody; within a run they are kept for the curious.
        let scratch = folder.join("scratch");
        if scratch.exists() {
            std::fs::remove_dir_all(&scratch).during(format!("empty {}", scratch.display()))?;
        }
        std::fs::create_dir_all(&scratch).during(format!("make {}", scratch.display()))?;
        if options.linux {
            return Ok(Stage {
                wine: None,
                host: host::build(System::Linux, folder)?,
                provider: programs.join("libtapline.so"),
                scratch,
            });
        }
        let wine = Wine::below(folder);
        let provider =
            windows::build(Bits::X64, Way::to(Bits::X64, Some(&wine)), Profile::Release)?;
        let host = host::build(System::Windows, folder)?;
        wine.set_up()?;
        Ok(Stage { wine: Some(wine), host, provider, scratch })
    }

    /// A command that runs the host with these paths.
    fn host(&self) -> Command {
        match &self.wine {
            Some(wine) => {
                let mut command = wine.command();
                command.arg(Wine::path(&self.host));
                command
            }
            None => Command::new(&self.host),
        }
    }

    fn path(&self, path: &Path) -> String {
        match &self.wine {
            Some(_) => Wine::path(path),
            None => path.display().to_string(),
        }
    }

    /// The items that are asked for.
    fn items(&self, list: Option<&str>) -> Result<Vec<(u32, String)>, Problem> {
        let mut command = self.host();
        command.arg("--list");
        if let Some(list) = list {
            command.args(["--item", list]);
        }
        let output = command.stdin(Stdio::null()).output().during("run the host")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let items: Vec<_> = text.lines().filter_map(host::read_item).collect();
        if items.is_empty() {
            let why = String::from_utf8_lossy(&output.stderr);
            return Err(Problem::new(format!("there are no such items; {}", why.trim())));
        }
        Ok(items)
    }

    /// Runs the items. A host that crashes or hangs fails the item it was at, and another one goes
    /// on behind that.
    fn play(&self, options: &Options, port: u16) -> Result<Vec<Finding>, Problem> {
        let items = self.items(options.item.as_deref())?;
        let mut findings: Vec<Finding> = Vec::new();
        while findings.len() < items.len() {
            let rest = &items[findings.len()..];
            let started = findings.len();
            let ending = self.run_host(options, port, rest, &mut findings)?;
            let hung = findings.last().is_some_and(|last| last.verdict == Verdict::Fail);
            if findings.len() < items.len() && !(findings.len() > started && hung && ending.is_hang)
            {
                let (number, title) = items[findings.len()].clone();
                let reason = format!("the provider or the host died here: {}", ending.text);
                let finding =
                    Finding { number, title, verdict: Verdict::Fail, reason, took: ending.since };
                show(&finding);
                findings.push(finding);
            }
        }
        Ok(findings)
    }

    /// Runs one host until it ends.
    fn run_host(
        &self,
        options: &Options,
        port: u16,
        items: &[(u32, String)],
        findings: &mut Vec<Finding>,
    ) -> Result<Ending, Problem> {
        let list = items.iter().map(|(number, _)| number.to_string()).collect::<Vec<_>>().join(",");
        let errors_path = self.scratch.join("stderr.txt");
        let errors = std::fs::File::create(&errors_path)
            .during(format!("write {}", errors_path.display()))?;
        let mut command = self.host();
        command
            .arg("--provider")
            .arg(self.path(&self.provider))
            .arg("--scratch")
            .arg(self.path(&self.scratch))
            .args(["--simulator", &port.to_string(), "--item", &list])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors);
        if options.quick {
            command.arg("--quick");
        }
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
                        show(&finding);
                        findings.push(finding);
                        latest = Instant::now();
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

    /// Ends what Wine leaves behind.
    fn clear(&self) {
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

/// The end of what the host or the provider wrote to the standard error.
fn last_words(errors: &Path) -> String {
    const LINES: usize = 8;
    let bytes = std::fs::read(errors).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let tail = &lines[lines.len().saturating_sub(LINES)..];
    if tail.is_empty() { String::new() } else { format!("; it said: {}", tail.join(" | ")) }
}

fn show(finding: &Finding) {
    let Finding { number, title, verdict, reason, took } = finding;
    let seconds = took.as_secs_f64();
    if reason.is_empty() {
        println!("{} {number} {title} ({seconds:.1} s)", verdict.word());
    } else {
        println!("{} {number} {title} # {reason}", verdict.word());
    }
}

/// The totals; a problem if an item failed.
fn conclude(findings: &[Finding]) -> Result<(), Problem> {
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let (passed, failed, later) =
        (count(Verdict::Pass), count(Verdict::Fail), count(Verdict::NotYet));
    println!("{} items: {passed} passed, {failed} failed, {later} not yet", findings.len());
    if failed == 0 {
        return Ok(());
    }
    let numbers: Vec<String> = findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Fail)
        .map(|finding| finding.number.to_string())
        .collect();
    Err(Problem::new(format!(
        "{failed} items failed; again with `cargo xtask conformance --item {}`",
        numbers.join(",")
    )))
}
