//! `tapline report`: its page in a real browser, as a support engineer uses it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use adapters::capture::{About, CaptureWriter};
use engine::fact::{Event, PbxFact, Record};
use engine::id::Guid;
use engine::strategy::calls_from_outside;
use serde_json::Value;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

#[path = "report/accessible.rs"]
mod accessible;
#[path = "report/browser.rs"]
mod browser;
#[path = "report/file.rs"]
mod file;
#[path = "report/keyboard.rs"]
mod keyboard;
#[path = "report/large.rs"]
mod large;
#[path = "report/safe.rs"]
mod safe;
#[path = "report/seen.rs"]
mod seen;

fn tapline(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapline"));
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn history(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("tests/histories").join(name).with_extension("tspt")
}

/// A report, and what the command said of it.
struct Report {
    page: PathBuf,
    summary: Value,
    _folder: TempDir,
}

/// Makes a report, which must go well.
fn report_of(log: &Path) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    let output =
        tapline(&["report", log.to_str().unwrap(), "-o", page.to_str().unwrap(), "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    Report { page, summary: summary["summary"].clone(), _folder: folder }
}

/// The report of a history of which one call is held, and which no test changes.
fn a_report() -> &'static Path {
    static REPORT: OnceLock<Report> = OnceLock::new();
    &REPORT.get_or_init(|| report_of(&history("call-hold-unhold"))).page
}

/// A capture of so many calls from outside, one after the other.
fn capture_of_calls(folder: &Path, calls: usize) -> PathBuf {
    let mut records = calls_from_outside((0..calls).map(|n| n as u8));
    for record in &mut records {
        // Each has a key of its own, however many there are.
        if let Event::Pbx(_, _, PbxFact::Call(call)) = &mut record.event {
            call.conf = Guid((u128::from(call.call) << 64).to_be_bytes());
        }
    }
    capture_of(folder, records)
}

fn capture_of(folder: &Path, records: Vec<Record>) -> PathBuf {
    let path = folder.join("calls.tspt");
    let out = BufWriter::new(File::create(&path).unwrap());
    let mut writer = CaptureWriter::new(out, &About::this_program(false)).unwrap();
    for (seq, record) in (0..).zip(records) {
        writer.push(seq, record).unwrap();
    }
    writer.finish().unwrap();
    path
}
