//! The core thread: folds records through the actors.

use super::gate::{Gate, Outcome};
use super::message::{Intake, ToCore};
use crate::actors::{Ensemble, run_on_arbiter};
use engine::core::Core;
use engine::effect::Effect;
use engine::fact::Record;
use engine::snapshot::Place;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Batches that may wait for the core.
const QUEUE: usize = 16;

/// A snapshot is made after so many records, or after so many for each line if that is more:
/// writing it costs as much as so many records, and reading them at the next start takes less than
/// a second.
const SNAPSHOT_EVERY: u64 = 50_000;
const SNAPSHOT_EVERY_FOR_A_LINE: u64 = 4;

/// The running thread.
pub(crate) struct CoreThread {
    inlet: mpsc::Sender<ToCore>,
    thread: std::thread::JoinHandle<()>,
}

impl CoreThread {
    pub(crate) fn start(
        core: Core,
        gate: Arc<Gate>,
        intake: mpsc::Sender<Intake>,
    ) -> std::io::Result<CoreThread> {
        let (inlet, batches) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new().name("tapline-core".into()).spawn(move || {
            run_on_arbiter(async move {
                let (ensemble, intake) = (Ensemble::start(core), intake.downgrade());
                Folding { ensemble, gate, intake, since_snapshot: 0 }.run(batches).await;
            });
        })?;
        Ok(CoreThread { inlet, thread })
    }

    /// Where the journal puts what it has committed.
    pub(crate) fn inlet(&self) -> mpsc::Sender<ToCore> {
        self.inlet.clone()
    }

    pub(crate) fn into_handle(self) -> std::thread::JoinHandle<()> {
        self.thread
    }
}

struct Folding {
    ensemble: Ensemble,
    gate: Arc<Gate>,
    /// Weak, so that this way back does not keep the journal waiting for more.
    intake: mpsc::WeakSender<Intake>,
    since_snapshot: u64,
}

impl Folding {
    async fn run(mut self, mut batches: mpsc::Receiver<ToCore>) {
        let mut effects = Vec::new();
        while let Some(batch) = batches.recv().await {
            match batch {
                ToCore::Records { first_seq, records } => {
                    self.fold(first_seq, records, &mut effects).await;
                    self.wish_for_snapshot();
                }
                ToCore::Barrier(done) => {
                    // The one who asked may have given up waiting.
                    let _ = done.send(());
                }
                ToCore::Show(to) => {
                    let _ = to.send(self.ensemble.image().await);
                }
                ToCore::Image(place) => self.image(place).await,
            }
        }
    }

    async fn fold(
        &mut self,
        first_seq: u64,
        records: Vec<Record>,
        effects: &mut Vec<(usize, Effect)>,
    ) {
        let count = records.len() as u64;
        self.since_snapshot += count;
        self.ensemble.apply(records, effects).await;
        let outcome = Outcome::of(self.ensemble.take_views(), first_seq, effects.drain(..));
        self.gate.folded(first_seq + count, outcome);
    }

    fn wish_for_snapshot(&mut self) {
        let every = SNAPSHOT_EVERY.max(SNAPSHOT_EVERY_FOR_A_LINE * self.ensemble.line_count());
        // A full queue only postpones it to the next batch.
        if self.since_snapshot >= every
            && let Some(intake) = self.intake.upgrade()
            && intake.try_send(Intake::Snapshot).is_ok()
        {
            self.since_snapshot = 0;
        }
    }

    async fn image(&mut self, place: Place) {
        self.since_snapshot = 0;
        let core = Box::new(self.ensemble.image().await);
        if let Some(intake) = self.intake.upgrade() {
            // Not awaited here: the journal may be waiting for this thread to take a batch.
            send_aside(intake, Intake::Image(place, core));
        }
    }
}

/// Sends from a task of its own, so that the core goes on taking batches meanwhile.
fn send_aside(intake: mpsc::Sender<Intake>, what: Intake) {
    tokio::task::spawn_local(async move {
        // Only a journal that has ended does not take it, and then nobody needs it.
        let _ = intake.send(what).await;
    });
}
