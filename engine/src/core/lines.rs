//! The lines of an estate, where their numbers say.

use crate::estate::MAX_LINES;
use crate::id::LineId;
use crate::line::Line;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Lines by number. Numbers count from 1 without gaps, so that a line lies where its number says:
/// nearly every record asks for one. Written down as a map.
///
/// Shared, so that an image of the state costs no copy of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lines(Vec<Option<Arc<Line>>>);

impl Lines {
    pub(super) fn get(&self, id: LineId) -> Option<&Arc<Line>> {
        self.0.get(place(id)?)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: LineId) -> Option<&mut Arc<Line>> {
        self.0.get_mut(place(id)?)?.as_mut()
    }

    /// Puts a line where its number says. There is no place for one with a number that no estate
    /// gives.
    pub(super) fn put(&mut self, line: Arc<Line>) {
        let Some(place) = place(line.id()) else { return };
        if place >= self.0.len() {
            self.0.resize(place + 1, None);
        }
        self.0[place] = Some(line);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Line>> {
        self.0.iter().flatten()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Arc<Line>> {
        self.0.iter_mut().flatten()
    }

    pub(super) fn into_vec(self) -> Vec<Arc<Line>> {
        self.0.into_iter().flatten().collect()
    }
}

fn place(id: LineId) -> Option<usize> {
    (id.0 as usize).checked_sub(1).filter(|place| *place < MAX_LINES)
}

impl FromIterator<Arc<Line>> for Lines {
    fn from_iter<I: IntoIterator<Item = Arc<Line>>>(lines: I) -> Lines {
        let mut by_number = Lines::default();
        lines.into_iter().for_each(|line| by_number.put(line));
        by_number
    }
}

impl Serialize for Lines {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Counted first: a map of a length not known beforehand cannot be written.
        let lines: Vec<&Arc<Line>> = self.iter().collect();
        serializer.collect_map(lines.into_iter().map(|line| (line.id(), line)))
    }
}

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Lines, D::Error> {
        let lines = BTreeMap::<LineId, Arc<Line>>::deserialize(deserializer)?;
        let is_at_its_place =
            |(id, line): (&LineId, &Arc<Line>)| place(*id).is_some() && line.id() == *id;
        if !lines.iter().all(is_at_its_place) {
            return Err(D::Error::custom("a line with a number that is not its own"));
        }
        Ok(lines.into_values().collect())
    }
}
