//! One actor per PBX and one per line, thin shells round the parts of the engine's core.
//!
//! All of them live on the one arbiter of the core thread. A batch of committed records crosses
//! into that thread once, and inside it goes round the actors once: the estate says where each
//! record goes; each PBX is asked once, with all that is for it; then each line is asked once, all
//! lines at the same time. This changes nothing, because each of these parts depends on nothing
//! but its own inputs in their order (I-14), and the effects are put back into the order of the
//! log. It saves most of the messages.
//!
//! The actor of a line is there while the line has something to do. A line without calls and
//! requests hands its state back, and its actor ends; the next input starts another one round the
//! same state. Most lines of a site are idle most of the time, and an idle actor with its mailbox
//! would cost as much memory as all the rest of the line.
//!
//! This is the only file that names actix. `send().await` is used throughout: `do_send` would
//! ignore the bound of a mailbox.

use actix::prelude::*;
use engine::core::Core;
use engine::effect::{Effect, Effects};
use engine::estate::{Estate, Route};
use engine::fact::Record;
use engine::id::{LineId, PbxId};
use engine::line::{Line, LineInput};
use engine::pbx::{Pbx, PbxInput, ToLines};
use engine::time::Millis;
use engine::view::LineView;
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
    /// Lines are numbered densely, so a line is looked up by index.
    lines: Vec<Seat>,
    /// Views that came of the records applied, in order, and were not taken yet.
    unpublished: Vec<(LineId, Arc<LineView>)>,
}

/// Where a line is.
enum Seat {
    /// Nobody has heard of it.
    Empty,
    /// It has nothing to do.
    Asleep(Arc<Line>),
    /// It is about something.
    Awake(Addr<LineActor>),
}

/// Most inputs of lines that are on their way at the same time. One fact can concern all lines.
const AT_ONCE: usize = 256;

impl Ensemble {
    /// Gives every part of a core an actor. There are views of its lines from the first record
    /// on: what the core remembers of an earlier session is not how the lines are found in this one.
    #[must_use]
    pub fn start(core: Core) -> Ensemble {
        let (estate, pbxs, lines) = core.into_parts();
        let pbxs = pbxs.into_iter().map(|(id, pbx)| (id, PbxActor { pbx }.start())).collect();
        let mut ensemble = Ensemble { estate, pbxs, lines: Vec::new(), unpublished: Vec::new() };
        lines.into_iter().for_each(|line| ensemble.seat(line));
        ensemble
    }

    /// The views that came of the records applied since this was last asked, in order.
    pub fn take_views(&mut self) -> Vec<(LineId, Arc<LineView>)> {
        std::mem::take(&mut self.unpublished)
    }

    /// Folds records as `Core::apply` does one after the other. The effects are added to `out` in
    /// the order of the records, each with the number of its record, counted from 0. Views wait to
    /// be taken.
    pub async fn apply(&mut self, records: Vec<Record>, out: &mut Vec<(usize, Effect)>) {
        let mut round = Round::default();
        for (index, record) in records.into_iter().enumerate() {
            let at = record.at;
            match self.estate.route(record) {
                Route::Nowhere => {}
                Route::Pbx(id, input) => round.pbx(id, Item { index, at, input }),
                Route::Line(line, input) => round.lines.push((line, Item { index, at, input })),
                Route::Everyone(line_input, pbx_input) => {
                    self.go(&mut round, out).await;
                    for line in (0..).map(LineId).take(self.lines.len()) {
                        round.lines.push((line, Item { index, at, input: line_input.clone() }));
                        if round.lines.len() == AT_ONCE {
                            self.go(&mut round, out).await;
                        }
                    }
                    self.go(&mut round, out).await;
                    let ids: Vec<_> = self.pbxs.keys().copied().collect();
                    for id in ids {
                        round.pbx(id, Item { index, at, input: pbx_input.clone() });
                        self.go(&mut round, out).await;
                    }
                }
                Route::Several(pbxs, lines) => {
                    self.go(&mut round, out).await;
                    let items = lines.into_iter();
                    round.lines.extend(items.map(|(id, input)| (id, Item { index, at, input })));
                    self.go(&mut round, out).await;
                    for (id, input) in pbxs {
                        let new = || PbxActor { pbx: Pbx::new(id) }.start();
                        self.pbxs.entry(id).or_insert_with(new);
                        round.pbx(id, Item { index, at, input });
                        self.go(&mut round, out).await;
                    }
                }
            }
        }
        self.go(&mut round, out).await;
    }

    /// Lines, removed ones included.
    #[must_use]
    pub fn line_count(&self) -> u64 {
        self.lines.len() as u64
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
        for seat in &self.lines {
            match seat {
                Seat::Empty => {}
                Seat::Asleep(line) => lines.push(Arc::clone(line)),
                Seat::Awake(address) => lines.extend(address.send(LineImage).await),
            }
        }
        Core::from_parts(self.estate.image(), pbxs, lines)
    }

    /// Takes what was collected round the actors, and leaves nothing collected. The records are
    /// for one PBX or one line each, or all of them for one PBX, or all for lines.
    async fn go(&mut self, round: &mut Round, out: &mut Vec<(usize, Effect)>) {
        let mut effects = Vec::new();
        for (id, items) in std::mem::take(&mut round.pbxs) {
            let Some(address) = self.pbxs.get(&id) else { continue };
            match address.send(ToPbx(items)).await {
                Ok((of_pbx, for_lines)) => {
                    effects.extend(of_pbx);
                    if round.lines.is_empty() {
                        // Often all lines of a site; no second copy of that.
                        round.lines = for_lines;
                    } else {
                        round.lines.extend(for_lines);
                    }
                }
                Err(error) => tracing::error!(?id, %error, "the actor of a PBX is gone"),
            }
        }
        // No two of these are of the same record but those that are already in order.
        round.lines.sort_by_key(|(_, item)| item.index);
        let mut inputs = (1..).zip(round.lines.drain(..)).peekable();
        while inputs.peek().is_some() {
            self.ask_lines(inputs.by_ref().take(AT_ONCE), &mut effects).await;
        }
        effects.sort_by_key(|effect| (effect.index, effect.turn));
        out.extend(effects.into_iter().map(|Placed { index, effect, .. }| (index, effect)));
    }

    /// Takes inputs, each with its turn, to their lines.
    async fn ask_lines(
        &mut self,
        inputs: impl Iterator<Item = (u32, (LineId, Item<LineInput>))>,
        effects: &mut Vec<Placed>,
    ) {
        let mut by_line: BTreeMap<LineId, Vec<(u32, Item<LineInput>)>> = BTreeMap::new();
        for (turn, (id, item)) in inputs {
            if self.lines.get(id.0 as usize).is_some_and(|seat| !matches!(seat, Seat::Empty)) {
                by_line.entry(id).or_default().push((turn, item));
            } else if let LineInput::Identity(identity) = item.input {
                let (line, mut announced) = (Line::new(identity), Effects::new());
                line.announce(&mut announced);
                effects.extend(placed(item.index, turn, announced));
                self.unpublished.push((id, Arc::new(line.view())));
                self.seat(Arc::new(line));
            }
        }
        // All of them have their message before the first answer is waited for.
        let mut answers = Vec::with_capacity(by_line.len());
        for (id, items) in by_line {
            if let Some(address) = self.wake(id) {
                answers.push((id, address.send(ToLine(items))));
            }
        }
        for (id, answer) in answers {
            match answer.await {
                Ok(FromLine { effects: of_line, view, at_rest }) => {
                    effects.extend(of_line);
                    self.unpublished.push((id, view));
                    if let Some(line) = at_rest {
                        self.seat(line);
                    }
                }
                Err(error) => tracing::error!(%error, "the actor of a line is gone"),
            }
        }
    }

    fn seat(&mut self, line: Arc<Line>) {
        let index = line.id().0 as usize;
        if self.lines.len() <= index {
            self.lines.resize_with(index + 1, || Seat::Empty);
        }
        self.lines[index] = Seat::Asleep(line);
    }

    /// The actor of a line, started if need be.
    fn wake(&mut self, id: LineId) -> Option<&Addr<LineActor>> {
        let seat = self.lines.get_mut(id.0 as usize)?;
        if let Seat::Asleep(line) = seat {
            *seat = Seat::Awake(LineActor { line: Arc::clone(line) }.start());
        }
        if let Seat::Awake(address) = seat { Some(address) } else { None }
    }
}

/// Inputs on their way to the actors.
#[derive(Default)]
struct Round {
    pbxs: BTreeMap<PbxId, Vec<Item<PbxInput>>>,
    lines: Vec<(LineId, Item<LineInput>)>,
}

impl Round {
    fn pbx(&mut self, id: PbxId, item: Item<PbxInput>) {
        self.pbxs.entry(id).or_default().push(item);
    }
}

/// An input, with the number of its record.
struct Item<T> {
    index: usize,
    at: Millis,
    input: T,
}

/// An effect with its place: the number of its record, and of the input of a line in the round; 0
/// for a PBX, which comes before the lines.
struct Placed {
    index: usize,
    turn: u32,
    effect: Effect,
}

fn placed(index: usize, turn: u32, effects: Effects) -> impl Iterator<Item = Placed> {
    effects.into_iter().map(move |effect| Placed { index, turn, effect })
}

// ---- the actors ---------------------------------------------------------------------------

struct PbxActor {
    pbx: Pbx,
}

impl Actor for PbxActor {
    type Context = Context<Self>;
}

struct ToPbx(Vec<Item<PbxInput>>);

impl Message for ToPbx {
    type Result = (Vec<Placed>, Vec<(LineId, Item<LineInput>)>);
}

impl Handler<ToPbx> for PbxActor {
    type Result = MessageResult<ToPbx>;

    fn handle(&mut self, message: ToPbx, _: &mut Context<Self>) -> Self::Result {
        let (mut effects, mut inputs) = (Vec::new(), Vec::with_capacity(message.0.len()));
        let mut lines = ToLines::new();
        for Item { index, at, input } in message.0 {
            let mut out = Effects::new();
            guarded("a PBX", || self.pbx.apply(at, input, &mut out, &mut lines));
            effects.extend(placed(index, 0, out));
            let items = lines.drain(..);
            inputs.extend(items.map(|(line, input)| (line, Item { index, at, input })));
        }
        MessageResult((effects, inputs))
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
    /// Shared with an image of the state while there is one; the next input then makes a copy.
    line: Arc<Line>,
}

impl Actor for LineActor {
    type Context = Context<Self>;
}

/// Inputs, each with its turn in the round.
struct ToLine(Vec<(u32, Item<LineInput>)>);

impl Message for ToLine {
    type Result = FromLine;
}

/// What came of them.
struct FromLine {
    effects: Vec<Placed>,
    view: Arc<LineView>,
    /// The line itself, if it has nothing more to do; its actor has then ended.
    at_rest: Option<Arc<Line>>,
}

impl Handler<ToLine> for LineActor {
    type Result = MessageResult<ToLine>;

    fn handle(&mut self, message: ToLine, context: &mut Context<Self>) -> Self::Result {
        let mut effects = Vec::new();
        for (turn, Item { index, at, input }) in message.0 {
            let mut out = Effects::new();
            guarded("a line", || Arc::make_mut(&mut self.line).apply(at, input, &mut out));
            effects.extend(placed(index, turn, out));
        }
        let at_rest = self.line.is_at_rest().then(|| {
            context.stop();
            Arc::clone(&self.line)
        });
        MessageResult(FromLine { effects, view: Arc::new(self.line.view()), at_rest })
    }
}

struct LineImage;

impl Message for LineImage {
    type Result = Arc<Line>;
}

impl Handler<LineImage> for LineActor {
    type Result = MessageResult<LineImage>;

    fn handle(&mut self, _: LineImage, _: &mut Context<Self>) -> Self::Result {
        MessageResult(Arc::clone(&self.line))
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
    use crate::views::Views;
    use engine::fact::{Configuration, Event, HostFact, PbxSettings};
    use engine::place::Place;
    use engine::strategy::histories;
    use proptest::prelude::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    /// Folds a history through the actors, in batches of these sizes in turn.
    fn through_actors(
        mut records: Vec<Record>,
        sizes: Vec<usize>,
    ) -> (Core, Vec<(usize, Effect)>, Arc<Views>) {
        let views = Arc::new(Views::default());
        let result = Rc::new(RefCell::new(None));
        let (inside, published) = (Rc::clone(&result), Arc::clone(&views));
        run_on_arbiter(async move {
            let mut ensemble = Ensemble::start(Core::default());
            let (mut effects, mut done) = (Vec::new(), 0);
            for size in sizes.into_iter().cycle() {
                let batch: Vec<_> = records.drain(..size.min(records.len())).collect();
                if batch.is_empty() {
                    break;
                }
                let (count, mut out) = (batch.len(), Vec::new());
                ensemble.apply(batch, &mut out).await;
                for (line, view) in ensemble.take_views() {
                    published.publish(line, view);
                }
                effects.extend(out.into_iter().map(|(index, effect)| (done + index, effect)));
                done += count;
            }
            *inside.borrow_mut() = Some((ensemble.image().await, effects));
        });
        let (core, effects) = result.take().expect("the arbiter ran to the end");
        (core, effects, views)
    }

    /// I-16: what the provider does and what a replay does is the same.
    fn agree(records: Vec<Record>, sizes: Vec<usize>) -> Result<(), TestCaseError> {
        let mut core = Core::default();
        let mut effects = Vec::new();
        for (index, record) in records.iter().enumerate() {
            let mut out = Effects::new();
            core.apply(record.clone(), &mut out);
            effects.extend(out.into_iter().map(|effect| (index, effect)));
        }
        let (acted, acted_effects, views) = through_actors(records, sizes);
        prop_assert_eq!(&acted_effects, &effects);
        prop_assert_eq!(&acted, &core);
        for line in core.lines() {
            let published = views.read(line.id()).expect("every line is published");
            let published = published.as_ref().expect("read gives only what is there");
            prop_assert_eq!(&**published, &line.view());
        }
        Ok(())
    }

    /// Settings that somebody may write for the PBX of the histories: other names, other ways to
    /// show calls, another account; with a standby, beside another PBX, or without it.
    fn settings() -> impl Strategy<Value = Configuration> {
        let place = |host: &str| Place::at(host);
        let own = move |standby: Option<&str>| PbxSettings {
            master: place("pbx.example.com"),
            standby: standby.map(place),
        };
        let other = PbxSettings { master: place("other.example.com"), standby: None };
        let pbxs = prop::sample::select(vec![
            vec![own(None)],
            vec![own(Some("standby.example.com"))],
            vec![other.clone(), own(None)],
            vec![other],
            Vec::new(),
        ]);
        let template = prop::sample::select(vec!["%c", "%d (%e)", "%u", "%h %N"]);
        let times = prop::sample::select(vec![(0, 0), (2_000, 3_000)]);
        (pbxs, template, any::<[bool; 4]>(), times, 0..3_u32).prop_map(
            |(pbxs, template, [pure, single, slaves, modify], times, access)| {
                let (request_deadline_ms, calls_kept_ms) = times;
                Configuration {
                    user: "TAPI".into(),
                    pbxs,
                    name_template: template.into(),
                    pure_node_extensions: pure,
                    single_active_call: single,
                    monitor_slaves: slaves,
                    modify_forwards: modify,
                    request_deadline_ms,
                    calls_kept_ms,
                    access,
                    ..Configuration::default()
                }
            },
        )
    }

    /// The same history with other settings coming into force in the middle of it.
    fn with_settings(
        mut records: Vec<Record>,
        changes: Vec<(prop::sample::Index, Configuration)>,
    ) -> Vec<Record> {
        for (at, configuration) in changes {
            let at = at.index(records.len());
            let time = records[at].at;
            let event = Event::Host(HostFact::Configured(configuration));
            records.insert(at + 1, Record { at: time, event });
        }
        records
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        #[test]
        fn the_actors_fold_a_log_exactly_as_the_core_does_in_batches_of_any_size(
            records in histories(120),
            sizes in prop::collection::vec(1..70_usize, 1..5),
        ) {
            agree(records, sizes)?;
        }

        #[test]
        fn so_they_do_when_the_settings_change_while_events_flow(
            records in histories(80),
            changes in prop::collection::vec((any::<prop::sample::Index>(), settings()), 1..6),
            sizes in prop::collection::vec(1..70_usize, 1..5),
        ) {
            agree(with_settings(records, changes), sizes)?;
        }
    }
}
