//! What a log leads to, as far as it does not depend on what texts say.

use super::super::AnonymiseError;
use super::super::journey::Step;
use super::super::table::{self, Secret, Subject, Visitor};
use super::super::tree::{Tree, tree_of};
use engine::core::Core;
use engine::effect::{Effect, Effects};
use engine::fact::Event;
use engine::id::{Guid, LineId};
use engine::view::{CallView, LineView};
use serde::Serialize;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

/// A log on its way through the engine.
#[derive(Default)]
pub(super) struct Behaviour {
    core: Core,
    effects: Effects,
    touched: Vec<LineId>,
    blind: Blind,
    digest: Fnv,
    pub(super) records: u64,
    pub(super) callbacks: u64,
}

impl Behaviour {
    /// Takes one step; the answer stands for what it led to.
    pub(super) fn take(&mut self, step: Step) -> Result<u64, AnonymiseError> {
        let mut sum = Fnv::default();
        match step {
            Step::Begins(core, place) => {
                self.core = *core;
                place.next.hash(&mut sum);
                let lines: Vec<LineId> = self.core.estate().lines().map(|line| line.line).collect();
                lines.into_iter().try_for_each(|line| self.view(line, &mut sum))?;
            }
            Step::Record(seq, record) => {
                self.records += 1;
                (seq, record.at.0).hash(&mut sum);
                if let Event::Told(told) = &record.event {
                    told.len().hash(&mut sum);
                    told.iter().for_each(|told| (told.seq, told.crc).hash(&mut sum));
                }
                self.effects.clear();
                self.core.apply_noting(record, &mut self.effects, &mut self.touched);
                let is_callback = |effect: &&Effect| matches!(effect, Effect::Tell(_));
                self.callbacks += self.effects.iter().filter(is_callback).count() as u64;
                let effects = tree_of(&self.effects)?;
                self.blind.hash(effects, &mut sum);
                for line in std::mem::take(&mut self.touched) {
                    self.view(line, &mut sum)?;
                }
            }
            Step::Gap(to, _) => (1, to).hash(&mut sum),
            Step::Damage(next, _) => (2, next).hash(&mut sum),
        }
        sum.finish().hash(&mut self.digest);
        Ok(sum.finish())
    }

    /// Stands for all that was led to.
    pub(super) fn digest(&self) -> u64 {
        self.digest.finish()
    }

    fn view(&mut self, line: LineId, sum: &mut Fnv) -> Result<(), AnonymiseError> {
        let Some(view) = self.core.view(line) else { return Ok(()) };
        let LineView { identity, connected, in_service, removed, ringing, forwards, calls } = view;
        let calls: Vec<_> = calls.iter().map(|call| call_parts(call)).collect();
        let flags = (connected, in_service, removed, ringing);
        let tree = tree_of(&(&*identity, flags, &*forwards, calls))?;
        self.blind.hash(tree, sum);
        Ok(())
    }
}

/// All that can be read of a call.
fn call_parts(call: &CallView) -> impl Serialize {
    let CallView { id, state, mode, features, features_2, is_conference, is_masked, since, info } =
        call.clone();
    (id, state, [mode, features, features_2], [is_conference, is_masked], since, info)
}

/// Sees of a text only which one it is and how long.
#[derive(Default)]
struct Blind {
    texts: BTreeMap<String, usize>,
    guids: BTreeMap<Guid, usize>,
}

impl Blind {
    fn hash(&mut self, mut tree: Tree, sum: &mut Fnv) {
        table::visit(&mut tree, self);
        tree.hash(sum);
    }
}

impl Visitor for Blind {
    fn text(&mut self, subject: Subject, text: &mut String) {
        let count = self.texts.len();
        let units = text.encode_utf16().count();
        *text = match subject {
            // They are a part of what stands for a whole number.
            Subject::MoreDigits => format!("{units}"),
            _ if text.is_empty() => String::new(),
            _ => {
                let which = *self.texts.entry(std::mem::take(text)).or_insert(count);
                format!("{units} {which}")
            }
        };
    }

    fn guid(&mut self, _: bool, guid: &mut [u8; 16]) {
        let count = self.guids.len() + 1;
        let which =
            if Guid(*guid).is_nil() { 0 } else { *self.guids.entry(Guid(*guid)).or_insert(count) };
        *guid = (which as u128).to_be_bytes();
    }

    fn secret(&mut self, _: Secret, number: &mut u64) {
        *number = u64::from(*number != 0);
    }
}

/// FNV-1a, 64 bit: the same for everybody at all times, which the hashes of the standard library do
/// not promise.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
