//! The whole engine as one value: feed it the log, take out the effects.

use crate::effect::Effects;
use crate::fact::Record;
use crate::id::LineId;
use crate::view::LineView;
use serde::{Deserialize, Serialize};

/// The whole state that a log leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Core {}

impl Core {
    /// Takes one record of the log. Total: takes every record, never fails, never panics on input.
    pub fn apply(&mut self, seq: u64, record: Record, out: &mut Effects) {
        let _ = (seq, record, out);
    }

    /// What applications may read of a line; `None` if there never was such a line.
    #[must_use]
    pub fn view(&self, line: LineId) -> Option<LineView> {
        let _ = line;
        None
    }
}
