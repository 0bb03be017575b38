//! The built `tapline` command, as people and programs meet it.

#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Nothing here takes a tenth of this.
const PATIENCE: Duration = Duration::from_secs(60);

fn tapline() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapline"));
    command.stdin(Stdio::null());
    command
}

/// Runs it to its end, which must come in time.
fn run(arguments: &[&str]) -> Output {
    let mut child =
        tapline().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdout = read_all(child.stdout.take().unwrap());
    let stderr = read_all(child.stderr.take().unwrap());
    let status = wait(&mut child);
    Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

fn read_all(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
fn assert_ends(output: &Output, code: i32, message: &str) {
    let errors = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{errors}");
    assert!(errors.contains(message), "no {message:?} in: {errors}");
}

/// A folder with a settings file for this PBX.
fn settings_for(master: &str, password: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!(
        "account = \"_TAPI_\"\npassword = \"{password}\"\nuser = \"TAPI\"\n\
         [[pbx]]\nmaster = \"{master}\"\n[log]\npath = \"log\"\n"
    );
    std::fs::write(folder.path().join("tapline.toml"), settings).unwrap();
    folder
}

#[path = "command/anonymise.rs"]
mod anonymise;
#[path = "command/bad_input.rs"]
mod bad_input;
#[path = "command/bisect.rs"]
mod bisect;
#[path = "command/capture.rs"]
mod capture;
#[path = "command/command_line.rs"]
mod command_line;
#[path = "command/demo.rs"]
mod demo;
#[path = "command/diff.rs"]
mod diff;
#[path = "command/explain.rs"]
mod explain;
#[path = "command/histories.rs"]
mod histories;
#[path = "command/import.rs"]
mod import;
#[path = "command/lines.rs"]
mod lines;
#[path = "command/metrics.rs"]
mod metrics;
#[path = "command/replay.rs"]
mod replay;
#[path = "command/run_command.rs"]
mod run_command;
#[path = "command/settings.rs"]
mod settings;
#[path = "command/sim.rs"]
mod sim;
#[path = "command/simulate.rs"]
mod simulate;
#[path = "command/step.rs"]
mod step;
#[path = "command/story.rs"]
mod story;
#[path = "command/stretches.rs"]
mod stretches;
#[path = "command/time_machine.rs"]
mod time_machine;
#[path = "command/verify.rs"]
mod verify;
#[path = "command/watch.rs"]
mod watch;

// ---- a simulator in a process of its own ----------------------------------------------------------

struct Simulator {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    authority: String,
}

impl Simulator {
    fn start(arguments: &[&str]) -> Simulator {
        let mut child = tapline()
            .arg("simulate")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        output.read_line(&mut first).unwrap();
        let authority = first.trim().strip_prefix("listening on http://").unwrap().to_owned();
        Simulator { child, output, authority }
    }

    fn typed(&mut self) -> &mut impl Write {
        self.child.stdin.as_mut().unwrap()
    }

    /// The next line it prints that begins so.
    fn printed(&mut self, beginning: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "it prints no more");
            if line.starts_with(beginning) {
                return line.trim().to_owned();
            }
        }
    }

    /// Has a command done over HTTP; the answer is its line.
    fn control(&self, command: &str) -> String {
        let mut stream = TcpStream::connect(&self.authority).unwrap();
        write!(
            stream,
            "POST /control HTTP/1.1\r\nHost: {}\r\nContent-Type: text/plain\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{command}",
            self.authority,
            command.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split("\r\n\r\n").nth(1).unwrap_or_default().trim().to_owned()
    }

    fn wait_for(&self, command: &str, answer: &str) {
        self.wait_until(command, |said| said == answer);
    }

    fn wait_until(&self, command: &str, is_wanted: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = self.control(command);
            if is_wanted(&said) {
                return;
            }
            assert!(Instant::now() < deadline, "{command} never said it, but {said}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a program ended by itself; a program that does not is killed.
fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
