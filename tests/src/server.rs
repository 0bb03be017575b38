//! A telephony server in a process of its own, with the provider library loaded.

use crate::premises::Premises;
use crate::{PATIENCE, wait_for};
use engine::tapi::{CallState, LineErr};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// The process; it is killed when dropped.
pub struct Server {
    child: Child,
    commands: ChildStdin,
    lines: Receiver<Value>,
    /// Everything the provider said, in order.
    heard: Vec<Heard>,
}

/// One callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The device id it was about.
    pub line: Option<u32>,
    /// What kind of message: `call-state`, `line-state`, `completed` …
    pub kind: String,
    /// HTAPICALL, if it was about a call.
    pub call: Option<u64>,
    /// The parameters of the message.
    pub numbers: Vec<u32>,
}

impl Heard {
    /// LINE_CALLSTATE with this state.
    #[must_use]
    pub fn is_state(&self, state: CallState) -> bool {
        self.kind == "call-state" && self.numbers[0] == state.bits()
    }

    /// LINE_LINEDEVSTATE with this bit.
    #[must_use]
    pub fn is_line_state(&self, bit: u32) -> bool {
        self.kind == "line-state" && self.numbers[0] & bit != 0
    }
}

/// How a command to the server ended.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What came of it.
    pub result: Result<Value, i32>,
    /// How long it took.
    pub took: Duration,
}

impl Answer {
    /// The result of what must go well.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn well(self) -> Value {
        self.result.unwrap_or_else(|code| panic!("refused with {}", name(code)))
    }

    /// Asserts that it was refused with this error.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    pub fn refused_with(&self, error: LineErr) {
        match &self.result {
            Ok(value) => panic!("not refused with {error} but {value}"),
            Err(code) => assert_eq!(name(*code), error.name()),
        }
    }

    /// Asserts that it took less than this.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    pub fn within(self, limit: Duration) -> Answer {
        assert!(self.took < limit, "took {:?}", self.took);
        self
    }
}

fn name(code: i32) -> String {
    let known = LineErr::ALL.iter().find(|error| error.code() == code);
    known.map_or_else(|| format!("0x{code:08X}"), |error| error.name().to_owned())
}

/// A line as the server sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Device id.
    pub device: u32,
    /// Permanent id.
    pub permanent_id: u32,
    /// Number.
    pub number: String,
    /// Name, as LINEDEVCAPS says now.
    pub name: String,
    /// Whether it is open.
    pub open: bool,
    /// LINEDEVSTATUSFLAGS_CONNECTED and LINEDEVSTATUSFLAGS_INSERVICE.
    pub connected: bool,
    /// LINEDEVSTATUSFLAGS_INSERVICE.
    pub in_service: bool,
}

impl Server {
    /// Starts the process and loads the provider.
    #[must_use]
    pub fn load(premises: &Premises) -> Server {
        Server::by(Command::new(program()), premises)
    }

    /// Starts the process by a command of one's own, which ends with the program and to which the
    /// arguments are added.
    #[must_use]
    pub fn by(mut command: Command, premises: &Premises) -> Server {
        let mut child = command
            .arg(library())
            .arg(premises.settings())
            // Where the diary goes that has no log to lie beside.
            .env("HOME", premises.folder())
            .env("XDG_STATE_HOME", premises.folder().join("state"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                // A last line may have been cut off by a kill.
                let Ok(value) = serde_json::from_str(&line) else { break };
                if send.send(value).is_err() {
                    break;
                }
            }
        });
        let commands = child.stdin.take().unwrap();
        let mut server = Server { child, commands, lines, heard: Vec::new() };
        server.ask("load").well();
        server
    }

    /// Starts the process, loads the provider, begins a session, and waits until the PBX has
    /// reported all lines.
    #[must_use]
    pub fn in_service(premises: &Premises, lines: usize) -> Server {
        let mut server = Server::load(premises);
        server.ask("start").well();
        server.wait_for_service(lines);
        server
    }

    /// Waits until so many lines are open and in service.
    pub fn wait_for_service(&mut self, count: usize) {
        wait_for(&format!("{count} lines in service"), || {
            let lines = self.lines();
            (lines.iter().filter(|line| line.open && line.in_service).count() >= count)
                .then_some(())
        });
    }

    /// Has the process do something.
    pub fn ask(&mut self, command: &str) -> Answer {
        writeln!(self.commands, "{command}").unwrap();
        let value = self.receive(Instant::now() + PATIENCE).expect("the process answers");
        let took = Duration::from_millis(value["ms"].as_u64().unwrap());
        let result = match value["refused"].as_i64() {
            None => Ok(value["done"].clone()),
            Some(code) => Err(i32::try_from(code).unwrap()),
        };
        Answer { result, took }
    }

    /// The next answer; what is heard before it is kept.
    fn receive(&mut self, deadline: Instant) -> Option<Value> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(value) if value.get("heard").is_some() => self.heard.push(read(&value["heard"])),
                Ok(value) => return Some(value),
                Err(_) => return None,
            }
        }
    }

    /// The lines.
    pub fn lines(&mut self) -> Vec<Line> {
        let lines = self.ask("lines").well();
        let lines = lines.as_array().unwrap().iter().map(|line| Line {
            device: u32::try_from(line["device"].as_u64().unwrap()).unwrap(),
            permanent_id: u32::try_from(line["permanent_id"].as_u64().unwrap()).unwrap(),
            number: line["number"].as_str().unwrap().to_owned(),
            name: line["name"].as_str().unwrap().to_owned(),
            open: line["open"].as_bool().unwrap(),
            connected: line["connected"].as_bool().unwrap(),
            in_service: line["in_service"].as_bool().unwrap(),
        });
        lines.collect()
    }

    /// The lines by number, with their permanent ids.
    pub fn permanent_ids(&mut self) -> Vec<(String, u32)> {
        let lines = self.lines().into_iter();
        let mut ids: Vec<_> = lines.map(|line| (line.number, line.permanent_id)).collect();
        ids.sort();
        ids
    }

    /// The device id of the line with a number.
    pub fn device(&mut self, number: &str) -> u32 {
        let lines = self.lines();
        let line = lines.iter().find(|line| line.number == number);
        line.unwrap_or_else(|| panic!("no line {number} in {lines:?}")).device
    }

    /// Has a line make a call; the answer is HTAPICALL.
    pub fn make_call(&mut self, device: u32, number: &str) -> u64 {
        let placed = self.ask(&format!("make {device} {number}")).well();
        placed["call"].as_u64().unwrap()
    }

    /// What was heard so far.
    pub fn heard(&mut self) -> &[Heard] {
        while let Ok(value) = self.lines.try_recv() {
            self.heard.push(read(&value["heard"]));
        }
        &self.heard
    }

    /// Waits for a callback; looks at those that came since the last `forget`.
    ///
    /// # Panics
    /// If it does not come.
    pub fn wait_for(&mut self, what: &str, is_it: impl Fn(&Heard) -> bool) -> Heard {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = self.heard().iter().find(|heard| is_it(heard)) {
                return found.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(value) => self.heard.push(read(&value["heard"])),
                Err(_) => panic!("never heard {what} in {:#?}", self.heard),
            }
        }
    }

    /// Forgets what was heard.
    pub fn forget(&mut self) {
        self.heard();
        self.heard.clear();
    }

    /// Kills the process at once, and gives all that it has heard from the provider.
    #[must_use]
    pub fn kill(mut self) -> Vec<Heard> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let deadline = Instant::now() + PATIENCE;
        // Ends when the pipe is empty.
        while self.receive(deadline).is_some() {}
        std::mem::take(&mut self.heard)
    }

    /// The number of the process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// The names of the threads of the process, sorted, but for those that belong to the storage's
    /// pool, which serves the whole process and has a bound of its own.
    #[must_use]
    pub fn threads(&self) -> Vec<String> {
        let main = std::fs::read_to_string(self.proc("comm")).unwrap().trim().to_owned();
        // A new thread has the name of the first one until it runs and takes its own.
        let mut names = wait_for("a name for every thread", || {
            let names: Vec<String> = std::fs::read_dir(self.proc("task"))
                .unwrap()
                // A thread may end while we look.
                .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
                .map(|name| name.trim().to_owned())
                .collect();
            (names.iter().filter(|name| **name == main).count() == 1).then_some(names)
        });
        names.retain(|name| !name.starts_with("sled-io"));
        names.sort();
        names
    }

    /// How many threads there are, all of them counted.
    #[must_use]
    pub fn thread_count(&self) -> usize {
        std::fs::read_dir(self.proc("task")).unwrap().count()
    }

    /// How many files are open.
    #[must_use]
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(self.proc("fd")).unwrap().count()
    }

    /// Memory in use, in KiB.
    #[must_use]
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(self.proc("status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn proc(&self, what: &str) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join(what)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(heard: &Value) -> Heard {
    let numbers = heard["numbers"].as_array().unwrap().iter();
    Heard {
        line: heard["line"].as_u64().map(|line| u32::try_from(line).unwrap()),
        kind: heard["kind"].as_str().unwrap().to_owned(),
        call: heard["call"].as_u64(),
        numbers: numbers.map(|n| u32::try_from(n.as_u64().unwrap()).unwrap()).collect(),
    }
}

/// The program that is started: Cargo builds it for the tests of this package and puts it above
/// the folder in which the tests are.
#[must_use]
pub fn program() -> PathBuf {
    built(&format!("telephony-server{}", std::env::consts::EXE_SUFFIX))
}

/// The provider library, which Cargo leaves among the dependencies.
fn library() -> PathBuf {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    built(&format!("deps/{DLL_PREFIX}tapline{DLL_SUFFIX}"))
}

fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().parent().unwrap().join(name);
    assert!(path.is_file(), "{} was not built", path.display());
    path
}
