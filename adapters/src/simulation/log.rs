//! The log, in memory: real frames in a chain, and real snapshots, so that damage and recovery
//! happen as they do on a disk.

use super::dice::Dice;
use super::finding::Finding;
use engine::core::Core;
use engine::effect::{Effect, Effects};
use engine::fact::Record;
use engine::frame::{Chain, Frame, FrameWriter};
use engine::invariant::Watch;
use engine::snapshot::{self, Place, WriteError};
use engine::time::Millis;
use std::convert::Infallible;

/// The log of a simulated provider.
#[derive(Default)]
pub(super) struct Log {
    frames: Vec<Vec<u8>>,
    chain: Option<Chain>,
    /// What is in the frames; record `n` has number `n`.
    records: Vec<Record>,
    /// What each record led to when it happened.
    effects: Vec<Effects>,
    /// Frames that were flushed.
    safe_frames: usize,
    safe_records: usize,
    snapshot: Option<(Place, Vec<Vec<u8>>)>,
    writer: FrameWriter,
}

/// What a recovery finds.
pub(super) struct Recovered {
    /// The state that the log leads to.
    pub(super) core: Core,
    /// The watch over the invariants, after all records.
    pub(super) watch: Watch,
    /// Time of the last record.
    pub(super) last_at: Millis,
    /// Records that were written and are lost.
    pub(super) lost: usize,
    /// Whether a snapshot was used.
    pub(super) by_snapshot: bool,
}

/// What a crash leaves of what was being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tear {
    /// All of it.
    Whole,
    /// Nothing, from some frame on.
    Missing,
    /// A part of a frame.
    Cut,
    /// A frame with a wrong bit.
    Damaged,
}

impl Tear {
    /// Whether a frame is there that must not be read.
    pub(super) fn is_torn(self) -> bool {
        matches!(self, Tear::Cut | Tear::Damaged)
    }
}

impl Log {
    /// Number of the next record.
    pub(super) fn next(&self) -> u64 {
        self.records.len() as u64
    }

    /// All records.
    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    /// Writes records as frames. They are not safe yet.
    pub(super) fn append(&mut self, records: Vec<Record>) {
        let mut left = &records[..];
        while !left.is_empty() {
            let chain = self.chain.unwrap_or(Chain::START);
            let mut frame = Vec::new();
            // Everything here was made by the engine and the decoder, both of which keep their
            // limits; a record that is too large is a finding of its own.
            match self.writer.write(chain, left, &mut frame) {
                Ok(written) => {
                    self.chain = Some(written.chain);
                    left = &left[written.count..];
                    self.frames.push(frame);
                }
                Err(error) => panic!("a record that the log refuses: {error}"),
            }
        }
        self.records.extend(records);
    }

    /// Keeps what the next record led to.
    pub(super) fn led_to(&mut self, effects: Effects) {
        self.effects.push(effects);
    }

    /// All that was written is on the disk now.
    pub(super) fn flushed(&mut self) {
        self.safe_frames = self.frames.len();
        self.safe_records = self.records.len();
    }

    /// Makes an image of the state, which belongs to the whole log as it is.
    pub(super) fn snapshot(&mut self, core: &Core) {
        let last_at = self.records.last().map_or(Millis(0), |record| record.at);
        let place = Place { next: self.next(), last_at };
        let mut chunks = Vec::new();
        let written = snapshot::write(core, place, |_, chunk| {
            chunks.push(chunk.to_vec());
            Ok::<(), Infallible>(())
        });
        match written {
            Ok(()) => self.snapshot = Some((place, chunks)),
            Err(WriteError::Snapshot(error)) => panic!("a state that no snapshot takes: {error}"),
            Err(WriteError::Store(never)) => match never {},
        }
    }

    /// The machine stops while frames are being written: those that were not flushed may be there,
    /// or damaged, or cut off, or missing. Says which.
    pub(super) fn tear(&mut self, dice: &mut Dice) -> Tear {
        if self.frames.len() == self.safe_frames {
            return Tear::Whole;
        }
        let first = self.safe_frames + dice.below(self.frames.len() - self.safe_frames);
        match dice.below(4) {
            0 => Tear::Whole,
            1 => {
                self.frames.truncate(first);
                Tear::Missing
            }
            2 => {
                let frame = &mut self.frames[first];
                let at = dice.below(frame.len());
                frame.truncate(at);
                Tear::Cut
            }
            _ => {
                let frame = &mut self.frames[first];
                let at = dice.below(frame.len());
                frame[at] ^= 1 << dice.below(8);
                Tear::Damaged
            }
        }
    }

    /// Reads the log as a starting provider does, by the snapshot and the tail, and once more as a
    /// whole: both must lead to the same (I-15), and nothing that was flushed may be missing.
    pub(super) fn recover(&mut self) -> Result<Recovered, Finding> {
        let written = self.records.len();
        self.read_back()?;
        let lost = written - self.records.len();
        self.effects.truncate(self.records.len());
        let (whole, watch) = self.fold_whole()?;
        let (tail, by_snapshot) = self.fold_tail()?;
        // What is in no snapshot has to be the same as well.
        let is_sound = whole.estate().is_sound() && tail.estate().is_sound();
        if tail != whole || !is_sound {
            return Err(Finding::SnapshotDiffers { records: self.next() });
        }
        let last_at = self.records.last().map_or(Millis(0), |record| record.at);
        Ok(Recovered { core: tail, watch, last_at, lost, by_snapshot })
    }

    /// Takes the intact prefix of the frames for the whole log.
    fn read_back(&mut self) -> Result<(), Finding> {
        let mut chain = Chain::START;
        let mut records = Vec::with_capacity(self.records.len());
        let mut intact = 0;
        for bytes in &self.frames {
            let Ok(frame) = Frame::read_exact(bytes) else { break };
            if chain.link(&frame).is_err() {
                break;
            }
            for record in frame.records() {
                let (_, record) = record.map_err(|error| Finding::Unreadable(error.to_string()))?;
                records.push(record);
            }
            intact += 1;
        }
        if records.len() < self.safe_records {
            return Err(Finding::FlushedIsLost {
                found: records.len(),
                flushed: self.safe_records,
            });
        }
        if let Some(at) = records.iter().zip(&self.records).position(|(read, was)| read != was) {
            return Err(Finding::ReadsDifferently { record: at });
        }
        self.frames.truncate(intact);
        self.records = records;
        self.chain = Some(chain);
        self.flushed();
        if self.snapshot.as_ref().is_some_and(|(place, _)| place.next > self.next()) {
            self.snapshot = None;
        }
        Ok(())
    }

    /// Folds all records, and compares what they lead to with what they led to then (I-16).
    pub(super) fn fold_whole(&self) -> Result<(Core, Watch), Finding> {
        let (mut core, mut watch) = (Core::default(), Watch::default());
        let mut effects = Effects::new();
        for (seq, (record, then)) in self.records.iter().zip(&self.effects).enumerate() {
            effects.clear();
            watch.before(record)?;
            core.apply(record.clone(), &mut effects);
            watch.after(record, &effects, &core)?;
            if effects != *then {
                return Err(Finding::LeadsElsewhere {
                    record: seq,
                    then: first_difference(then, &effects),
                    now: first_difference(&effects, then),
                });
            }
        }
        Ok((core, watch))
    }

    /// Folds the newest snapshot and what follows it.
    fn fold_tail(&self) -> Result<(Core, bool), Finding> {
        let (mut core, from) = match &self.snapshot {
            None => (Core::default(), 0),
            Some((_, chunks)) => {
                let read = snapshot::read(|number| chunks.get(number as usize));
                let (core, place) = read.map_err(|error| Finding::Unreadable(error.to_string()))?;
                (core, place.next as usize)
            }
        };
        let mut effects = Effects::new();
        for record in &self.records[from..] {
            core.apply(record.clone(), &mut effects);
            effects.clear();
        }
        Ok((core, self.snapshot.is_some()))
    }

    /// The same at the end of a run: the log must lead to this state.
    pub(super) fn prove(&mut self, live: &Core) -> Result<(), Finding> {
        let recovered = self.recover()?;
        if recovered.core == *live {
            Ok(())
        } else {
            Err(Finding::ReplayDiffers { records: self.next() })
        }
    }
}

/// The first effect that the other list does not have in its place, in words.
fn first_difference(of: &[Effect], other: &[Effect]) -> String {
    let at = (0..of.len()).find(|at| other.get(*at) != of.get(*at));
    at.map_or_else(|| "nothing".to_owned(), |at| format!("{:?}", of[at]))
}
