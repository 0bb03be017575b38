//! Developer commands that run in the background, one after the other, beside what is done here.

use crate::process::{self, show};
use crate::workspace;
use crate::{During, Problem};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long each may take, from nothing, on a slow machine.
const TIME: Duration = Duration::from_secs(1800);

/// How often the one at work is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What one would type behind `cargo xtask`.
pub(crate) type Words = &'static [&'static str];

/// Such commands; they end with this value.
pub(crate) struct Beside {
    /// Those whose end nobody has waited for so far, in their order.
    unawaited: VecDeque<Words>,
    endings: Receiver<Ending>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// How one of them ended.
struct Ending {
    outcome: Result<(), Problem>,
    /// What it printed, which was kept apart so that it does not mix with what was printed here.
    output: PathBuf,
    took: Duration,
}

impl Beside {
    /// Starts the first of them; each gets what the rest leaves of the processors, so that it
    /// disturbs nothing that keeps an eye on the time. After one that fails there is no next.
    pub(crate) fn start(commands: &[Words]) -> Result<Beside, Problem> {
        let folder = workspace::target_folder()?.join("beside");
        std::fs::create_dir_all(&folder).during(format!("make {}", folder.display()))?;
        let itself = std::env::current_exe().during("find our own program")?;
        let (ended, endings) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        for words in commands {
            println!("    beside the steps, at low priority: {}", typed(words));
        }
        let (unawaited, stopped) = (VecDeque::from(commands.to_vec()), Arc::clone(&stop));
        let work = unawaited.clone();
        let thread = std::thread::spawn(move || {
            in_turn(&work, &itself, &folder, &stopped, &ended);
        });
        Ok(Beside { unawaited, endings, stop, thread: Some(thread) })
    }

    /// Waits until one of them is over, and prints what it and those before it printed.
    pub(crate) fn wait_for(&mut self, words: Words) -> Result<(), Problem> {
        while self.unawaited.contains(&words) {
            let Some(next) = self.unawaited.pop_front() else { break };
            let name = typed(next);
            let ending = self.endings.recv().during(format!("learn how `{name}` ended"))?;
            let printed = std::fs::read_to_string(&ending.output)
                .during(format!("read {}", ending.output.display()))?;
            let seconds = ending.took.as_secs();
            println!("    `{name}`, in {seconds} s beside the steps:\n{}", printed.trim_end());
            ending.outcome?;
        }
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A thread of ours that panicked has said so.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Runs them one after the other, and tells how each ended.
fn in_turn(
    commands: &VecDeque<Words>,
    itself: &Path,
    folder: &Path,
    stop: &AtomicBool,
    ended: &Sender<Ending>,
) {
    for (index, words) in commands.iter().enumerate() {
        let (output, begun) = (folder.join(format!("{index}.txt")), Instant::now());
        let outcome = carry_out(words, itself, &output, stop);
        let failed = outcome.is_err();
        let told = ended.send(Ending { outcome, output, took: begun.elapsed() });
        if failed || told.is_err() {
            return;
        }
    }
}

/// Runs one of them to its end.
fn carry_out(words: Words, itself: &Path, output: &Path, stop: &AtomicBool) -> Result<(), Problem> {
    let name = typed(words);
    let file = std::fs::File::create(output).during(format!("make {}", output.display()))?;
    let mut command = process::at_low_priority(Command::new(itself).args(words));
    command.stdin(Stdio::null()).stderr(file.try_clone().during("share a file")?).stdout(file);
    let mut child = command.spawn().during(format!("run `{}`", show(&command)))?;
    let begun = Instant::now();
    loop {
        match child.try_wait().during(format!("wait for `{name}`"))? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(Problem::new(format!("`{name}` failed ({status})"))),
            None if stop.load(Ordering::Relaxed) => {
                end(&mut child);
                return Err(Problem::new(format!("nobody wants `{name}` any more")));
            }
            None if begun.elapsed() >= TIME => {
                end(&mut child);
                let seconds = TIME.as_secs();
                return Err(Problem::new(format!("`{name}` was not over after {seconds} s")));
            }
            None => std::thread::sleep(LOOK_EVERY),
        }
    }
}

/// Ends a command of ours with the programs that it runs.
fn end(child: &mut Child) {
    // Without this program, a compiler at work ends its work.
    let _ = Command::new("pkill").arg("-P").arg(child.id().to_string()).status();
    // It is over already, or is now.
    let _ = child.kill();
    let _ = child.wait();
}

/// A command as one would type it.
fn typed(words: Words) -> String {
    format!("cargo xtask {}", words.join(" "))
}
