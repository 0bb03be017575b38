//! The provider of this process, with a PBX that is fed by hand.

use crate::figures::wait_for;
use crate::traffic;
use adapters::exchange::feeding::Feed;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tapline::abi::HDrvCall;
use tapline::stand::{Listener, Stand};
use tempfile::TempDir;

/// A provider whose lines are all open and in service.
pub struct Fed {
    /// The telephony server.
    pub stand: Stand,
    /// Where answers are put in.
    pub feed: Feed,
    opened: Arc<Opened>,
    /// Settings and log.
    folder: TempDir,
}

impl Fed {
    /// Starts it without lines, with the log in a new folder under `base`.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    #[allow(clippy::expect_used)]
    pub fn start(base: &Path, listener: Arc<dyn Listener>) -> Fed {
        Fed::start_with(base, "", listener)
    }

    /// The same with further settings.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    #[allow(clippy::expect_used)]
    pub fn start_with(base: &Path, more: &str, listener: Arc<dyn Listener>) -> Fed {
        let folder = tempfile::tempdir_in(base).expect("a folder beside the build");
        let settings = settings(folder.path(), "127.0.0.1:9");
        let text = std::fs::read_to_string(&settings).expect("it was just written");
        std::fs::write(&settings, text + more).expect("settings beside the build");
        let opened = Arc::new(Opened { count: AtomicU32::new(0), next: listener });
        let listener = Arc::<Opened>::clone(&opened);
        let (stand, feed) = Stand::start_fed(&settings, listener).expect("the provider starts");
        Fed { stand, feed, opened, folder }
    }

    /// Has the PBX report users until there are so many, and waits until their lines are open.
    ///
    /// # Panics
    /// If the lines do not come.
    #[must_use]
    pub fn with_lines(self, lines: u32) -> Fed {
        let opened = || self.opened.count.load(Ordering::Relaxed);
        let new = opened()..lines;
        for answer in traffic::users(new.clone()) {
            assert!(self.feed.answer(answer), "the provider runs");
        }
        for facts in traffic::monitored(new) {
            assert!(self.feed.facts(facts), "the provider runs");
        }
        assert!(wait_for(|| opened() == lines), "only {} of {lines} lines are open", opened());
        self
    }
}

impl Fed {
    /// Ends the provider and leaves settings and log in the folder, until that is dropped.
    #[must_use]
    pub fn stop_and_keep(self) -> TempDir {
        let Fed { stand, feed, folder, .. } = self;
        drop(stand);
        drop(feed);
        folder
    }
}

/// Settings with their log in the same folder.
///
/// # Panics
/// If they cannot be written.
#[must_use]
#[allow(clippy::expect_used)]
pub fn settings(folder: &Path, pbx: &str) -> PathBuf {
    let path = folder.join("tapline.toml");
    let text = format!(
        "account = '_TAPI_'\npassword = 'secret'\nuser = 'TAPI'\n\
         [[pbx]]\nmaster = '{pbx}'\n[log]\npath = 'log'\n"
    );
    std::fs::write(&path, text).expect("settings beside the build");
    path
}

/// Counts the lines that were opened.
struct Opened {
    count: AtomicU32,
    next: Arc<dyn Listener>,
}

impl Listener for Opened {
    fn opened(&self, device: u32) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.next.opened(device);
    }

    fn heard(&self, device: u32, call: HDrvCall, message: u32, first: usize) {
        self.next.heard(device, call, message, first);
    }
}
