//! What the PBXs of a site say to each other about calls.
//!
//! Phones go on talking while a PBX is off, as they do within one; so what they do is heard at the
//! other end as long as the phone there is known to some box. Only a new call needs a PBX that is on.

use super::{Member, Site};
use crate::simulator::model::{PbxModel, Signal};
use engine::id::Guid;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// One thing leads to another at most so often: a limit that only a fault of the model reaches.
const ROUNDS: usize = 10_000;

/// A PBX of a site, to do something with. What that means to others they hear when it is let go.
pub struct Hand<'a> {
    site: &'a mut Site,
    number: usize,
}

impl Deref for Hand<'_> {
    type Target = PbxModel;

    fn deref(&self) -> &PbxModel {
        self.site.pbx(self.number)
    }
}

impl DerefMut for Hand<'_> {
    fn deref_mut(&mut self) -> &mut PbxModel {
        self.site.model_mut(self.number)
    }
}

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        self.site.carry();
    }
}

impl Site {
    /// A PBX to do something with.
    pub fn pbx_mut(&mut self, number: usize) -> Hand<'_> {
        Hand { site: self, number }
    }

    /// The PBXs to which something was done by others since this was asked last.
    pub fn take_touched(&mut self) -> BTreeSet<usize> {
        std::mem::take(&mut self.touched)
    }

    /// How many calls went from one PBX to another.
    #[must_use]
    pub fn calls_across(&self) -> u64 {
        self.calls_across
    }

    /// Lets all PBXs hear what others have to say, until nobody says anything any more.
    pub(in crate::simulator) fn carry(&mut self) {
        for _ in 0..ROUNDS {
            let speaks = |number: &usize| self.boxes[*number].model.has_signals();
            if let Some(number) = (0..self.boxes.len()).find(speaks) {
                for signal in self.boxes[number].model.take_signals() {
                    self.deliver(number, signal);
                }
            } else if let Some((number, wire)) = self.broken_wire() {
                self.touched.insert(number);
                self.boxes[number].model.lose_wire(wire);
            } else {
                return;
            }
        }
        debug_assert!(false, "the PBXs of a site never stop talking");
    }

    fn deliver(&mut self, from: usize, signal: Signal) {
        // Where the phones turned away from, nobody is left who could do anything.
        if !self.boxes[from].serves {
            return;
        }
        let heard = self.serving(from, &signal.to);
        match heard.filter(|number| !signal.is_setup() || !self.boxes[*number].is_off) {
            Some(number) => {
                self.touched.insert(number);
                self.calls_across += u64::from(signal.is_setup());
                self.boxes[number].model.hear(signal);
            }
            None => self.boxes[from].model.unheard(&signal),
        }
    }

    /// A connection of which one end is left: the other box has lost its calls, or its picture is
    /// older and it does not know who was talking.
    fn broken_wire(&self) -> Option<(usize, Guid)> {
        let serving = self.boxes.iter().enumerate().filter(|(_, one)| one.serves);
        serving.into_iter().find_map(|(number, one)| {
            let is_broken = |(to, wire): &(&str, Guid)| {
                let other = self.serving(number, to);
                !other.is_some_and(|other| self.boxes[other].model.has_wire(*wire))
            };
            one.model.wires().find(is_broken).map(|(_, wire)| (number, wire))
        })
    }

    /// The box that the phones of a PBX of the same tree are registered at.
    fn serving(&self, from: usize, name: &str) -> Option<usize> {
        let is_it = |one: &Member| one.serves && one.model.name() == name;
        let root = self.root(from);
        (0..self.boxes.len()).find(|n| is_it(&self.boxes[*n]) && self.root(*n) == root)
    }

    /// Each PBX knows which others of its tree calls can go to, and the one above it.
    pub(super) fn tell_reach(&mut self) {
        let mut within_reach: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        for (number, one) in self.boxes.iter().enumerate() {
            let names = within_reach.entry(self.root(number)).or_default();
            names.extend((one.serves && !one.is_off).then(|| one.model.name().to_owned()));
        }
        let within_reach: BTreeMap<usize, Arc<BTreeSet<String>>> =
            within_reach.into_iter().map(|(root, names)| (root, Arc::new(names))).collect();
        for number in 0..self.boxes.len() {
            if let Some(names) = within_reach.get(&self.root(number)) {
                self.boxes[number].model.set_within_reach(names);
            }
        }
    }

    pub(in crate::simulator) fn model_mut(&mut self, number: usize) -> &mut PbxModel {
        &mut self.boxes[number].model
    }
}
