//! The whole engine as one value: feed it the log, take out the effects.
//!
//! The parts (estate, PBXs, lines) are the same that the actors own one by one in the running
//! provider. Here they stand side by side in one thread, for recovery, replay and tests.

mod lines;

use self::lines::Lines;
use crate::effect::Effects;
use crate::estate::{Estate, Route};
use crate::fact::Record;
use crate::id::{CallHandle, CallId, LineId, PbxId};
use crate::line::{Line, LineInput, LinePools};
use crate::pbx::{Pbx, PbxInput, ToLines};
use crate::time::Millis;
use crate::view::LineView;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The whole state that a log leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Core {
    estate: Estate,
    pbxs: BTreeMap<PbxId, Pbx>,
    lines: Lines,
    /// What a PBX passes on to lines. Empty between records, and kept because nearly every one
    /// fills it.
    #[serde(skip)]
    passed_on: ToLines,
}

/// The parts of a core: the estate, its PBXs, its lines.
pub type Parts = (Estate, Vec<(PbxId, Pbx)>, Vec<Arc<Line>>);

impl Core {
    /// Puts a core together from its parts.
    #[must_use]
    pub fn from_parts(estate: Estate, pbxs: Vec<(PbxId, Pbx)>, lines: Vec<Arc<Line>>) -> Core {
        Core {
            estate,
            pbxs: pbxs.into_iter().collect(),
            lines: lines.into_iter().collect(),
            passed_on: ToLines::new(),
        }
    }

    /// Takes a core apart, for the actors.
    #[must_use]
    pub fn into_parts(self) -> Parts {
        (self.estate, self.pbxs.into_iter().collect(), self.lines.into_vec())
    }

    /// Takes one record of the log. Total: takes every record, never fails, never panics on input;
    /// surprises become reports.
    pub fn apply(&mut self, record: Record, out: &mut Effects) {
        self.fold(record, out, &mut |_| {});
    }

    /// The same, and puts down which lines were given something, each once and by number, instead of
    /// what stood there: no other line can read otherwise than before.
    pub fn apply_noting(&mut self, record: Record, out: &mut Effects, touched: &mut Vec<LineId>) {
        touched.clear();
        self.fold(record, out, &mut |line| touched.push(line));
        touched.sort_unstable();
        touched.dedup();
    }

    fn fold(&mut self, record: Record, out: &mut Effects, touched: &mut impl FnMut(LineId)) {
        let at = record.at;
        match self.estate.route(record) {
            Route::Nowhere => {}
            Route::Pbx(id, input) => self.pbx(at, id, input, out, touched),
            Route::Line(line, input) => self.line(at, line, input, out, touched),
            Route::Everyone(line_input, pbx_input) => {
                for line in self.lines.iter_mut() {
                    touched(line.id());
                    Arc::make_mut(line).apply(at, line_input.clone(), out);
                }
                let ids: Vec<_> = self.pbxs.keys().copied().collect();
                for id in ids {
                    self.pbx(at, id, pbx_input.clone(), out, touched);
                }
            }
            Route::Several(pbxs, lines) => {
                for (line, input) in lines {
                    self.line(at, line, input, out, touched);
                }
                for (id, input) in pbxs {
                    self.pbxs.entry(id).or_insert_with(|| Pbx::new(id));
                    self.pbx(at, id, input, out, touched);
                }
            }
        }
    }

    fn pbx(
        &mut self,
        at: Millis,
        id: PbxId,
        input: PbxInput,
        out: &mut Effects,
        touched: &mut impl FnMut(LineId),
    ) {
        let mut lines = std::mem::take(&mut self.passed_on);
        if let Some(pbx) = self.pbxs.get_mut(&id) {
            pbx.apply(at, input, out, &mut lines);
        }
        for (line, input) in lines.drain(..) {
            self.line(at, line, input, out, touched);
        }
        self.passed_on = lines;
    }

    fn line(
        &mut self,
        at: Millis,
        id: LineId,
        input: LineInput,
        out: &mut Effects,
        touched: &mut impl FnMut(LineId),
    ) {
        touched(id);
        if let Some(line) = self.lines.get_mut(id) {
            Arc::make_mut(line).apply(at, input, out);
        } else if let LineInput::Identity(identity) = input {
            let line = Line::new(identity);
            line.announce(out);
            self.lines.put(Arc::new(line));
        }
    }

    /// What applications may read of a line; `None` if there never was such a line.
    #[must_use]
    pub fn view(&self, line: LineId) -> Option<LineView> {
        self.lines.get(line).map(|line| line.view())
    }

    /// A line by its own count.
    #[must_use]
    pub fn line_of(&self, line: LineId) -> Option<&Line> {
        self.lines.get(line).map(|line| &**line)
    }

    /// The leg that a call is at its PBX, as far as it is known: for whoever has to explain it.
    #[must_use]
    pub fn leg(&self, call: CallId) -> Option<CallHandle> {
        self.lines.get(call.line)?.leg(call)
    }

    /// All lines, by permanent id.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().map(|line| &**line)
    }

    /// What concerns more than one line.
    #[must_use]
    pub fn estate(&self) -> &Estate {
        &self.estate
    }

    /// Makes whole a state in which texts of PBXs were replaced by others: what follows from them is
    /// worked out anew, above all how lines are called. Nobody is told.
    #[must_use]
    pub fn with_other_texts(mut self, at: Millis) -> Core {
        self.complete();
        let mut effects = Effects::new();
        for (line, input) in self.estate.name_all_anew() {
            self.line(at, line, input, &mut effects, &mut |_| {});
            effects.clear();
        }
        self.complete();
        self
    }

    /// Makes whole what was read back: what is equal and was one is one again (a copy for everybody
    /// is half the memory of a hundred thousand lines again), and what follows from the rest is
    /// there.
    pub(crate) fn complete(&mut self) {
        self.estate.share();
        self.estate.complete();
        let mut pools = LinePools::default();
        for line in self.lines.iter_mut() {
            let identity = self.estate.who_is(line.id());
            Arc::make_mut(line).share(identity, &mut pools);
        }
    }
}
