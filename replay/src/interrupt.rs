//! Ctrl-C, as a question that can be asked between two messages.

use crate::trouble::Trouble;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Whether the user has pressed Ctrl-C.
pub(crate) struct Interrupt(Arc<AtomicBool>);

/// How often to ask.
pub(crate) const ASK_EVERY: Duration = Duration::from_millis(100);

impl Interrupt {
    /// Listens from now on. A second Ctrl-C ends the program at once.
    pub(crate) fn listen() -> Result<Interrupt, Trouble> {
        let come = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&come);
        let trouble = |error| Trouble::System { what: "cannot listen for Ctrl-C".into(), error };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(trouble)?;
        let listen = async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                if flag.swap(true, Ordering::Relaxed) {
                    std::process::exit(INTERRUPTED);
                }
            }
        };
        let thread = std::thread::Builder::new().name("ctrl-c".into());
        thread.spawn(move || runtime.block_on(listen)).map_err(trouble)?;
        Ok(Interrupt(come))
    }

    pub(crate) fn has_come(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What shells report of a program that Ctrl-C has ended.
const INTERRUPTED: i32 = 130;
