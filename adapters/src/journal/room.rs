//! Room ahead in the storage's file, so that a flush need not make any.
//!
//! Writing behind the end of a file costs the file system a transaction of its own with every sync:
//! the file got longer, and blocks were given to it. Where the blocks are there already and have been
//! written once, a sync takes half the time. So a thread keeps some megabytes of zeros ahead of a log
//! that grows; zeros are also what sled leaves where it has not used a segment to its end.
//!
//! The zeros are *appended* (`O_APPEND`): the system looks for the end of the file and writes there
//! in one step. Whatever sled writes at the same time is either before that end or comes later and
//! overwrites zeros. Nothing depends on the room: where it cannot be made, the log goes on without.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A log gets room ahead once it has grown by so much: most never do while they are open.
pub(super) const FROM_BYTES: u64 = 1024 * 1024;

/// How much room there is to be.
pub(super) const AHEAD_BYTES: u64 = 4 * 1024 * 1024;

/// How much is added at a time. A flush that meets it waits for it, so it is not much.
const SLICE_BYTES: usize = 128 * 1024;
static ZEROS: [u8; SLICE_BYTES] = [0; SLICE_BYTES];

/// Between two of them, as long as there is no hurry.
const PAUSE: Duration = Duration::from_millis(5);

const PAGE_BYTES: usize = 4096;

/// The room ahead of what is in a file.
pub(super) struct Room {
    path: PathBuf,
    file: Arc<File>,
    /// More is wanted once the file is used up to here.
    wanted_from: Arc<AtomicU64>,
    maker: Option<(SyncSender<()>, JoinHandle<()>)>,
}

impl Room {
    /// For a file as it is now.
    pub(super) fn of(path: &Path) -> io::Result<Room> {
        let file = Arc::new(File::open(path)?);
        let from = Arc::new(AtomicU64::new(file.metadata()?.len() + FROM_BYTES));
        Ok(Room { path: path.to_owned(), file, wanted_from: from, maker: None })
    }

    /// Sees to it that room is made if there is little left.
    pub(super) fn look(&mut self) {
        let from = self.wanted_from.load(Relaxed);
        if !matches!(is_used(&self.file, from), Ok(true)) {
            return;
        }
        match &self.maker {
            Some((wake, _)) => {
                // One that is at work already needs no second word.
                let _ = wake.try_send(());
            }
            None => match self.begin(from) {
                Ok(maker) => self.maker = Some(maker),
                Err(error) => give_up(&self.wanted_from, &error),
            },
        }
    }

    fn begin(&self, used: u64) -> io::Result<(SyncSender<()>, JoinHandle<()>)> {
        let (wake, woken) = mpsc::sync_channel(1);
        let appended = File::options().append(true).open(&self.path)?;
        let (file, wanted_from) = (Arc::clone(&self.file), Arc::clone(&self.wanted_from));
        let maker = Maker { file, appended, wanted_from, woken, used };
        let thread = thread::Builder::new().name("tapline-room".into());
        Ok((wake, thread.spawn(move || maker.run())?))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some((wake, thread)) = self.maker.take() {
            drop(wake);
            // If it panicked, there was no room, and nothing else.
            let _ = thread.join();
        }
    }
}

fn give_up(wanted_from: &AtomicU64, error: &io::Error) {
    tracing::debug!(%error, "no room ahead for the log; its flushes take longer");
    // No file is as long as that.
    wanted_from.store(1 << 62, Relaxed);
}

/// Makes room, in a thread of its own, until nobody is left who could wake it.
struct Maker {
    file: Arc<File>,
    appended: File,
    wanted_from: Arc<AtomicU64>,
    woken: Receiver<()>,
    /// Up to about here the file is in use.
    used: u64,
}

impl Maker {
    fn run(mut self) {
        loop {
            match self.slice() {
                Ok(Left::Little) => {}
                Ok(Left::Some) => match self.woken.recv_timeout(PAUSE) {
                    Err(RecvTimeoutError::Disconnected) => return,
                    Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                },
                Ok(Left::Enough) => {
                    self.wanted_from.store(self.used + SLICE_BYTES as u64, Relaxed);
                    if self.woken.recv().is_err() {
                        return;
                    }
                }
                Err(error) => return give_up(&self.wanted_from, &error),
            }
        }
    }

    /// Adds one slice if there is not room enough.
    fn slice(&mut self) -> io::Result<Left> {
        while is_used(&self.file, self.used + SLICE_BYTES as u64)? {
            self.used += SLICE_BYTES as u64;
        }
        let end = self.file.metadata()?.len();
        // The file may have become shorter.
        self.used = self.used.min(end);
        if end - self.used >= AHEAD_BYTES {
            return Ok(Left::Enough);
        }
        self.appended.write_all(&ZEROS)?;
        self.appended.sync_data()?;
        Ok(if end - self.used > AHEAD_BYTES / 2 { Left::Some } else { Left::Little })
    }
}

/// How much room there is.
enum Left {
    Enough,
    Some,
    Little,
}

/// Whether something was written at this place of a file. A page of a log is never all zeros, since
/// its messages are shorter and each begins with a checksum.
fn is_used(file: &File, at: u64) -> io::Result<bool> {
    let mut page = [0; PAGE_BYTES];
    let read = file.read_at(&mut page, at)?;
    Ok(page[..read].iter().any(|byte| *byte != 0))
}
