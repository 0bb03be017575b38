//! One actor per PBX and one per line, thin shells round the parts of the engine's core.
//!
//! All of them live on the one arbiter of the core thread. A batch of committed records crosses
//! into that thread once; inside, each record is asked through the actors in the order of the log
//! (estate, then PBX, then lines), so effects come out in the order of the log too.
//!
//! This is the only file that names actix. `send().await` is used throughout: `do_send` would
//! ignore the bound of a mailbox.

use crate::views::Views;
use actix::prelude::*;
use engine::core::Core;
use engine::effect::Effects;
use engine::estate::{Estate, Route};
use engine::fact::Record;
use engine::id::{LineId, PbxId};
use engine::line::{Line, LineInput};
use engine::pbx::{Pbx, PbxInput, ToLines};
use engine::time::Millis;
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Runs a future on an arbiter of its own, on the calling thread, until it ends.
pub fn run_on_arbiter(work: impl Future<Output = ()> + 'static) {
    System::new().block_on(work);
}

/// The running core: the estate, and the addresses of everybody else. Make it inside
/// [`run_on_arbiter`].
pub struct Ensemble {
    estate: Estate,
    pbxs: BTreeMap<PbxId, Addr<PbxActor>>,
    /// Lines are numbered densely, so an address is looked up by index.
    lines: Vec<Option<Addr<LineActor>>>,
    views: Arc<Views>,
}

impl Ensemble {
    /// Gives every part of a core an actor. Views of its lines are published from the first record
    /// on: what the core remembers of an earlier session is not how the lines are found in this one.
    #[must_use]
    pub fn start(core: Core, views: Arc<Views>) -> Ensemble {
        let (estate, pbxs, lines) = core.into_parts();
        let pbxs = pbxs.into_iter().map(|(id, pbx)| (id, PbxActor { pbx }.start())).collect();
        let mut ensemble = Ensemble { estate, pbxs, lines: Vec::new(), views };
        lines.into_iter().for_each(|line| ensemble.seat(line));
        ensemble
    }

    /// Folds one record, as `Core::apply` does; effects are added to `out` in order.
    pub async fn apply(&mut self, record: Record, out: &mut Effects) {
        let at = record.at;
        match self.estate.route(record) {
            Route::Nowhere => {}
            Route::Pbx(id, input) => self.pbx(at, id, input, out).await,
            Route::Line(line, input) => self.line(at, line, input, out).await,
            Route::Everyone(line_input, pbx_input) => {
                for index in 0..self.lines.len() {
                    if let Some(address) = &self.lines[index] {
                        deliver(address, at, line_input.clone(), out).await;
                    }
                }
                let ids: Vec<_> = self.pbxs.keys().copied().collect();
                for id in ids {
                    self.pbx(at, id, pbx_input.clone(), out).await;
                }
            }
            Route::Configured(pbxs, lines) => {
                for (line, input) in lines {
                    self.line(at, line, input, out).await;
                }
                for (id, input) in pbxs {
                    self.pbxs.entry(id).or_insert_with(|| PbxActor { pbx: Pbx::new(id) }.start());
                    self.pbx(at, id, input, out).await;
                }
            }
        }
    }

    /// The whole state as one value, for a snapshot.
    pub async fn image(&self) -> Core {
        let mut pbxs = Vec::with_capacity(self.pbxs.len());
        for (id, address) in &self.pbxs {
            if let Ok(pbx) = address.send(PbxImage).await {
                pbxs.push((*id, pbx));
            }
        }
        let mut lines = Vec::with_capacity(self.lines.len());
        for address in self.lines.iter().flatten() {
            if let Ok(line) = address.send(LineImage).await {
                lines.push(line);
            }
        }
        Core::from_parts(self.estate.clone(), pbxs, lines)
    }

    async fn pbx(&mut self, at: Millis, id: PbxId, input: PbxInput, out: &mut Effects) {
        let Some(address) = self.pbxs.get(&id) else { return };
        match address.send(ToPbx { at, input }).await {
            Ok((effects, lines)) => {
                out.extend(effects);
                for (line, input) in lines {
                    self.line(at, line, input, out).await;
                }
            }
            Err(error) => tracing::error!(?id, %error, "the actor of a PBX is gone"),
        }
    }

    async fn line(&mut self, at: Millis, id: LineId, input: LineInput, out: &mut Effects) {
        if let Some(Some(address)) = self.lines.get(id.0 as usize) {
            deliver(address, at, input, out).await;
        } else if let LineInput::Identity(identity) = input {
            let line = Line::new(identity);
            line.announce(out);
            self.views.publish(id, Arc::new(line.view()));
            self.seat(line);
        }
    }

    fn seat(&mut self, line: Line) {
        let index = line.id().0 as usize;
        if self.lines.len() <= index {
            self.lines.resize_with(index + 1, || None);
        }
        self.lines[index] = Some(LineActor { line, views: Arc::clone(&self.views) }.start());
    }
}

async fn deliver(address: &Addr<LineActor>, at: Millis, input: LineInput, out: &mut Effects) {
    match address.send(ToLine { at, input }).await {
        Ok(effects) => out.extend(effects),
        Err(error) => tracing::error!(%error, "the actor of a line is gone"),
    }
}

// ---- the actors ---------------------------------------------------------------------------

struct PbxActor {
    pbx: Pbx,
}

impl Actor for PbxActor {
    type Context = Context<Self>;
}

struct ToPbx {
    at: Millis,
    input: PbxInput,
}

impl Message for ToPbx {
    type Result = (Effects, ToLines);
}

impl Handler<ToPbx> for PbxActor {
    type Result = MessageResult<ToPbx>;

    fn handle(&mut self, message: ToPbx, _: &mut Context<Self>) -> Self::Result {
        let (mut out, mut lines) = (Effects::new(), ToLines::new());
        let ToPbx { at, input } = message;
        guarded("a PBX", || self.pbx.apply(at, input, &mut out, &mut lines));
        MessageResult((out, lines))
    }
}

struct PbxImage;

impl Message for PbxImage {
    type Result = Pbx;
}

impl Handler<PbxImage> for PbxActor {
    type Result = MessageResult<PbxImage>;

    fn handle(&mut self, _: PbxImage, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.pbx.clone())
    }
}

struct LineActor {
    line: Line,
    views: Arc<Views>,
}

impl Actor for LineActor {
    type Context = Context<Self>;
}

struct ToLine {
    at: Millis,
    input: LineInput,
}

impl Message for ToLine {
    type Result = Effects;
}

impl Handler<ToLine> for LineActor {
    type Result = MessageResult<ToLine>;

    /// Publishes the view before the effects can reach anybody (I-07: read your callback).
    fn handle(&mut self, message: ToLine, _: &mut Context<Self>) -> Self::Result {
        let mut out = Effects::new();
        let ToLine { at, input } = message;
        guarded("a line", || self.line.apply(at, input, &mut out));
        self.views.publish(self.line.id(), Arc::new(self.line.view()));
        MessageResult(out)
    }
}

struct LineImage;

impl Message for LineImage {
    type Result = Line;
}

impl Handler<LineImage> for LineActor {
    type Result = MessageResult<LineImage>;

    fn handle(&mut self, _: LineImage, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.line.clone())
    }
}

/// A panic in the engine is our fault, never the input's. It must cost no more than the record
/// that set it off: actix would let the actor die silently.
fn guarded(who: &str, work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        tracing::error!("the reducer of {who} panicked on a record and skipped it; please report");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::strategy::histories;
    use proptest::prelude::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    /// Folds a history through the actors.
    fn through_actors(records: Vec<Record>) -> (Core, Effects, Arc<Views>) {
        let views = Arc::new(Views::default());
        let result = Rc::new(RefCell::new(None));
        let (inside, published) = (Rc::clone(&result), Arc::clone(&views));
        run_on_arbiter(async move {
            let mut ensemble = Ensemble::start(Core::default(), published);
            let mut effects = Effects::new();
            for record in records {
                ensemble.apply(record, &mut effects).await;
            }
            *inside.borrow_mut() = Some((ensemble.image().await, effects));
        });
        let (core, effects) = result.take().expect("the arbiter ran to the end");
        (core, effects, views)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        /// I-16: what the provider does and what a replay does is the same.
        #[test]
        fn the_actors_fold_a_log_exactly_as_the_core_does(records in histories(120)) {
            let mut core = Core::default();
            let mut effects = Effects::new();
            for record in records.clone() {
                core.apply(record, &mut effects);
            }
            let (acted, acted_effects, views) = through_actors(records);
            prop_assert_eq!(&acted_effects, &effects);
            prop_assert_eq!(&acted, &core);
            for line in core.lines() {
                let published = views.read(line.id()).expect("every line is published");
                let published = published.as_ref().expect("read gives only what is there");
                prop_assert_eq!(&**published, &line.view());
            }
        }
    }
}
