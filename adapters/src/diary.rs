//! The service's log for people: plain lines in `tapline.log`, beside the journal.
//!
//! This is the only file that names tracing-subscriber. Names and numbers of people do not get in:
//! they are `Pii`, which prints as its length.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use tracing_subscriber::fmt::MakeWriter;

/// A file that grew beyond this is renamed to `tapline.log.1`, over the one before.
const MAX_BYTES: u64 = 8 << 20;

/// Directs the diary to `tapline.log` in a folder, from now on, for the whole process. Trouble with
/// the file is not an error: the provider works without its diary.
pub fn write_to(folder: &Path) {
    static SUBSCRIBER: OnceLock<()> = OnceLock::new();
    let path = folder.join("tapline.log");
    *page().lock().unwrap_or_else(PoisonError::into_inner) = Some(Page { path, file: None });
    SUBSCRIBER.get_or_init(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_target(false)
            .with_max_level(tracing::Level::INFO)
            .with_writer(Diary)
            .finish();
        // A program that has a subscriber of its own keeps it.
        let _ = tracing::subscriber::set_global_default(subscriber);
    });
}

struct Page {
    path: PathBuf,
    file: Option<File>,
}

fn page() -> &'static Mutex<Option<Page>> {
    static PAGE: Mutex<Option<Page>> = Mutex::new(None);
    &PAGE
}

#[derive(Clone, Copy)]
struct Diary;

impl<'a> MakeWriter<'a> for Diary {
    type Writer = Diary;

    fn make_writer(&'a self) -> Diary {
        Diary
    }
}

impl Write for Diary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut page = page().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = page.as_mut() {
            // A diary that cannot be written must not stop the provider.
            let _ = page.write(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            if let Some(folder) = self.path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            self.file = Some(OpenOptions::new().create(true).append(true).open(&self.path)?);
        }
        let Some(file) = self.file.as_mut() else { return Ok(()) };
        file.write_all(bytes)?;
        if file.metadata()?.len() > MAX_BYTES {
            self.file = None;
            std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
        }
        Ok(())
    }
}
