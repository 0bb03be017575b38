//! A log gone through in stretches, several at the same time.
//!
//! What a record leads to depends on all before it, so one core cannot begin where another one has
//! not ended; but for the images. They cut a log into stretches, and each core takes whole ones: it
//! begins with the state that an image says, and at the image where the next one begins it compares
//! the state it has come to with that one, byte for byte. If they are equal all along, each stretch
//! began with what the one before it led to, so all of it is what one pass would have found; and
//! these images are proved as well. Cores have nothing in common but the bytes of the log: a decoded
//! record is applied where it was decoded, as fetching it from another core's cache takes as long as
//! decoding.
//!
//! Only what is proved is taken. At a seam that does not hold (another build was at work then, or
//! something is damaged or missing), one stops, and whoever asked goes on from there in the ordinary
//! way. So there is one way only in which damage, gaps and differences are met and told.

use super::{End, Records, Trace, TraceError};
use engine::core::Core;
use engine::effect::{Effect, Effects};
use engine::fact::Record;
use engine::frame::Chain;
use engine::snapshot::{self, Place};
use engine::told;
use std::collections::VecDeque;
use std::num::NonZero;
use std::thread::{self, ScopedJoinHandle};

/// The shortest stretch that is worth reading an image for, which takes as long as thousands of
/// records.
const RECORDS_MIN: u64 = 10_000;
/// The longest one, so that it is seen how far all has come.
const RECORDS_MAX: u64 = 1_000_000;
/// Most of them at the same time. The states of a hundred thousand lines fill memory.
const AT_A_TIME_MAX: usize = 8;

/// Watches one stretch of a log.
pub trait Witness: Send {
    /// Takes a record before it acts.
    fn take_record(&mut self, seq: u64, record: &Record);
    /// Takes what it led to.
    fn take_effects(&mut self, seq: u64, effects: &[Effect]);
}

impl Witness for told::Stretch {
    fn take_record(&mut self, seq: u64, record: &Record) {
        told::Stretch::take_record(self, seq, record);
    }

    fn take_effects(&mut self, seq: u64, effects: &[Effect]) {
        told::Stretch::take_effects(self, seq, effects);
    }
}

/// How far stretches led.
#[derive(Debug, Default)]
pub struct Reached {
    /// The state before the next record.
    pub core: Core,
    /// Number of the record with which to go on in the ordinary way.
    pub next: u64,
}

/// How many stretches are gone through at the same time: one for each core, but each holds a whole
/// state.
#[must_use]
pub fn at_a_time() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get).min(AT_A_TIME_MAX)
}

impl Trace {
    /// Goes through the records from `from` on, as far as stretches lead: so many at a time, each on a
    /// thread of its own, with a witness that `begin` makes for the number of its first record. `join`
    /// gets the witnesses in the order of the log, and may refuse one: then it is as if that stretch
    /// and those behind it had not been gone through. The state before `from` must be had from the log.
    ///
    /// `None` if it led nowhere, or is not worth it: of a log with few records, or on one core.
    ///
    /// # Errors
    /// [`TraceError::NoState`] if an image is not there any more.
    pub fn in_stretches<W: Witness>(
        &self,
        from: u64,
        at_a_time: usize,
        begin: impl Fn(u64) -> W + Sync,
        join: impl FnMut(W) -> bool,
    ) -> Result<Option<Reached>, TraceError> {
        let records = self.end_of_records()?.saturating_sub(from);
        let each = records.div_ceil(at_a_time.max(1) as u64);
        let each = each.clamp(RECORDS_MIN, RECORDS_MAX);
        self.in_stretches_of(each, from, at_a_time, begin, join)
    }

    fn in_stretches_of<W: Witness>(
        &self,
        records: u64,
        from: u64,
        at_a_time: usize,
        begin: impl Fn(u64) -> W + Sync,
        mut join: impl FnMut(W) -> bool,
    ) -> Result<Option<Reached>, TraceError> {
        let mut stretches = self.cut(records, from, self.end_of_records()?);
        if at_a_time < 2 || stretches.len() < 2 {
            return Ok(None);
        }
        let (mut next, mut end, mut seam) = (from, None, None);
        let begin = &begin;
        thread::scope(|scope| {
            let mut on_their_way: VecDeque<ScopedJoinHandle<'_, _>> = VecDeque::new();
            loop {
                while on_their_way.len() < at_a_time
                    && let Some((from, to)) = stretches.pop_front()
                {
                    let work = move || self.go_through(from, to, begin(from));
                    let thread = thread::Builder::new().name("stretch".into());
                    match thread.spawn_scoped(scope, work) {
                        Ok(thread) => on_their_way.push_back(thread),
                        // The rest only takes longer.
                        Err(_) => stretches.clear(),
                    }
                }
                // Who panicked has found nothing out; the ordinary way will lead there again.
                let done = on_their_way.pop_front().and_then(|thread| thread.join().ok().flatten());
                let Some(Done { witness, begins, ends, came_to }) = done else { break };
                if seam.replace(ends).is_some_and(|before| before != begins) || !join(witness) {
                    break;
                }
                (next, end) = came_to;
                if end.is_some() {
                    break;
                }
            }
        });
        match end {
            Some(core) => Ok(Some(Reached { core, next })),
            None if next == from => Ok(None),
            None => self.state_at(next).map(|core| Some(Reached { core, next })),
        }
    }

    /// The number behind that of the last record.
    fn end_of_records(&self) -> Result<u64, TraceError> {
        self.extent().map(|(_, last, _)| last.saturating_add(1))
    }

    /// From which record to which image each of the stretches goes, of about so many records; the
    /// last one to the end. None begins behind a gap.
    fn cut(&self, each: u64, from: u64, end: u64) -> VecDeque<(u64, Option<Place>)> {
        let gap = self.gaps().iter().map(|gap| gap.from).find(|gap| *gap >= from);
        let is_there =
            |place: &&Place| place.next > from && gap.is_none_or(|gap| place.next <= gap);
        let mut images = self.images.iter().filter(is_there).peekable();
        let (mut stretches, mut from, mut wanted) =
            (VecDeque::new(), from, from.saturating_add(each));
        while let Some(place) = images.next().filter(|_| wanted < end) {
            let next = images.peek().map_or(end, |next| next.next);
            if place.next.abs_diff(wanted) <= next.abs_diff(wanted) {
                stretches.push_back((from, Some(*place)));
                from = place.next;
                wanted = wanted.saturating_add(each).max(from.saturating_add(1));
            }
        }
        stretches.push_back((from, None));
        stretches
    }

    /// Goes through one stretch. `None` if the state before it is not to be had, or the log does not
    /// go so far, or not in order.
    fn go_through<W: Witness>(
        &self,
        from: u64,
        to: Option<Place>,
        mut witness: W,
    ) -> Option<Done<W>> {
        let mut core = self.state_at(from).ok()?;
        let (mut records, mut effects) = (self.records_from(from), Effects::new());
        let (mut next, mut begins) = (from, None);
        let ends = loop {
            let Some((seq, record)) = records.next() else { break None };
            begins = begins.or_else(|| records.link(seq));
            // The first one behind it is read too, because it must follow this stretch.
            if to.is_some_and(|to| seq >= to.next) {
                break records.link(seq);
            }
            witness.take_record(seq, &record);
            effects.clear();
            core.apply(record, &mut effects);
            witness.take_effects(seq, &effects);
            next = seq + 1;
        };
        if ends.is_none() && records.end() != End::Complete {
            return None;
        }
        let came_to = match to {
            Some(place) if place.next != next => return None,
            Some(place) if self.has_image(place, &core) => (next, None),
            _ => (next, Some(core)),
        };
        Some(Done { witness, begins, ends, came_to })
    }

    /// The state before a record for which there is an image, or which is the first one of all.
    fn state_at(&self, seq: u64) -> Result<Core, TraceError> {
        match self.state_before(seq)? {
            (core, next) if next == seq => Ok(core),
            _ => {
                let why = format!("the image before record {seq} cannot be read");
                Err(TraceError::NoState { path: self.path.clone(), first: self.first, why })
            }
        }
    }

    /// Whether the image of a place is this state: written down now, it is the same bytes.
    fn has_image(&self, place: Place, core: &Core) -> bool {
        let Ok(mut chunks) = self.chunks(place) else { return false };
        let mut is_next = |chunk: &[u8]| chunks.next().is_some_and(|kept| kept == chunk);
        snapshot::write(core, place, |_, chunk| is_next(chunk).then_some(()).ok_or(())).is_ok()
    }
}

/// A stretch that was gone through.
struct Done<W> {
    witness: W,
    /// Its first record, and the one behind it.
    begins: Option<Link>,
    ends: Option<Link>,
    /// The next record; and the state, if no image has it: then no other stretch begins with it.
    came_to: (u64, Option<Core>),
}

/// A record and the chain of frames up to it: equal only in the same place of the same log.
type Link = (u64, Option<Chain>);

impl Records<'_> {
    fn link(&self, seq: u64) -> Option<Link> {
        Some((seq, self.chain_so_far()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tests::log_and_capture;
    use super::*;
    use crate::capture::{About, CaptureWriter};
    use engine::fact::Event;
    use engine::strategy::{History, Step, and_what_was_told, calls_from_outside, core_after};
    use engine::told::{Stretch, Verifier};
    use std::fs::File;
    use std::path::{Path, PathBuf};
    use tempfile::TempDir;

    /// Calls on open lines over two sessions of the telephony server.
    fn calls() -> Vec<Record> {
        let call = |n| {
            let [advance, again] = [Step::Advance(n), Step::Advance(n)];
            [Step::CallFromOutside(n), advance, again, Step::HangUp(n, n), Step::Delete(n)]
        };
        let session = || (0..8).map(Step::Open).chain((0..20).flat_map(call));
        let restart = [Step::Restart, Step::Connect];
        History::play(&session().chain(restart).chain(session()).collect::<Vec<_>>())
    }

    /// What was found out on the way through a log.
    #[derive(Debug, PartialEq)]
    struct Found {
        core: Core,
        next: u64,
        verifier: Verifier,
        end: End,
    }

    fn go_on(trace: &Trace, from: Reached, mut verifier: Verifier) -> Found {
        let Reached { mut core, mut next } = from;
        let mut records = trace.records_from(next);
        for (seq, record) in records.by_ref() {
            let mut effects = Effects::new();
            core.apply(record.clone(), &mut effects);
            verifier.take(seq, &record, &effects);
            next = seq + 1;
        }
        Found { core, next, verifier, end: records.end() }
    }

    fn in_one_pass(trace: &Trace) -> Found {
        let (core, next) = trace.state_before(trace.first()).unwrap();
        go_on(trace, Reached { core, next }, Verifier::starting_at(next))
    }

    /// Where stretches alone led, and what was found when all was read.
    fn in_stretches(trace: &Trace, at_a_time: usize) -> (u64, Found) {
        let (core, first) = trace.state_before(trace.first()).unwrap();
        let mut verifier = Verifier::starting_at(first);
        let join = |stretch| verifier.join(stretch);
        let reached =
            trace.in_stretches_of(1, first, at_a_time, Stretch::starting_at, join).unwrap();
        let reached = reached.unwrap_or(Reached { core, next: first });
        (reached.next, go_on(trace, reached, verifier))
    }

    /// A capture with an image before each of these records, of the state there or of what else it
    /// says.
    fn capture(
        folder: &TempDir,
        records: &[Record],
        images: &[usize],
        state: impl Fn(usize) -> Core,
    ) -> PathBuf {
        let path = folder.path().join("made.tspt");
        let about = About::this_program(false);
        let mut writer = CaptureWriter::new(File::create(&path).unwrap(), &about).unwrap();
        for (seq, record) in records.iter().enumerate() {
            if images.contains(&seq) {
                let place = Place { next: seq as u64, last_at: records[seq - 1].at };
                writer.image(&state(seq), place).unwrap();
            }
            writer.push(seq as u64, record.clone()).unwrap();
        }
        writer.finish().unwrap();
        path
    }

    fn flip(path: &Path, whole: &[u8], place: usize) -> Option<Trace> {
        let mut bytes = whole.to_vec();
        bytes[place] ^= 0x10;
        std::fs::write(path, bytes).unwrap();
        Trace::open(path).ok()
    }

    #[test]
    fn stretches_lead_to_what_one_pass_leads_to() {
        let (folder, records) = (TempDir::new().unwrap(), and_what_was_told(calls()));
        for path in log_and_capture(&folder, &records) {
            let trace = Trace::open(&path).unwrap();
            let expected = in_one_pass(&trace);
            assert!(expected.core == core_after(&records), "{path:?}");
            assert_eq!(expected.verifier.difference(), None);
            assert!(expected.verifier.tally().compared > 50);
            for at_a_time in [2, 3, 7] {
                let (reached, found) = in_stretches(&trace, at_a_time);
                assert_eq!(reached, records.len() as u64, "{path:?}");
                assert!(found == expected, "{path:?}, {at_a_time} at a time");
            }
        }
    }

    #[test]
    fn one_core_or_one_stretch_is_not_worth_it() {
        let (folder, records) = (TempDir::new().unwrap(), and_what_was_told(calls()));
        let [_, path] = log_and_capture(&folder, &records);
        let trace = Trace::open(&path).unwrap();
        assert_eq!(in_stretches(&trace, 1).0, 0);
        let none =
            trace.in_stretches(0, 2, Stretch::starting_at, |_| panic!("no stretch is short"));
        assert!(none.unwrap().is_none());
    }

    #[test]
    fn at_an_image_of_another_state_stretches_end() {
        let (folder, records) = (TempDir::new().unwrap(), and_what_was_told(calls()));
        let state = |seq| core_after(&records[..if seq == 90 { 80 } else { seq }]);
        let path = capture(&folder, &records, &[30, 60, 90, 120], state);
        let trace = Trace::open(&path).unwrap();
        let (reached, found) = in_stretches(&trace, 2);
        assert_eq!(reached, 90);
        assert!(found == in_one_pass(&trace));
    }

    #[test]
    fn at_an_image_of_another_log_stretches_end() {
        let (folder, records) = (TempDir::new().unwrap(), and_what_was_told(calls()));
        let others = calls_from_outside(3..40);
        let path = capture(&folder, &records, &[30, 60], |seq| core_after(&others[..seq]));
        let trace = Trace::open(&path).unwrap();
        let (reached, found) = in_stretches(&trace, 2);
        assert_eq!(reached, 30);
        assert!(found == in_one_pass(&trace));
    }

    #[test]
    fn a_difference_is_the_one_that_one_pass_meets() {
        let (folder, mut records) = (TempDir::new().unwrap(), and_what_was_told(calls()));
        let told = |record: &Record| matches!(&record.event, Event::Told(told) if told.len() > 1);
        let wrong = (70..).find(|seq| told(&records[*seq])).unwrap();
        if let Event::Told(told) = &mut records[wrong].event {
            told[1].crc ^= 1;
        }
        let images: Vec<usize> = (20..records.len()).step_by(20).collect();
        let path = capture(&folder, &records, &images, |seq| core_after(&records[..seq]));
        let trace = Trace::open(&path).unwrap();
        let (reached, found) = in_stretches(&trace, 2);
        assert_eq!(reached, wrong as u64 / 20 * 20);
        assert!(found.verifier.difference().is_some());
        assert!(found == in_one_pass(&trace));
    }

    #[test]
    fn whoever_refuses_a_stretch_gets_none_of_those_behind_it() {
        let (folder, records) = (TempDir::new().unwrap(), and_what_was_told(calls()));
        let path = capture(&folder, &records, &[30, 60, 90], |seq| core_after(&records[..seq]));
        let trace = Trace::open(&path).unwrap();
        let mut taken = Vec::new();
        let join = |stretch: Stretch| {
            taken.push(stretch.records());
            taken.len() < 3
        };
        let reached = trace.in_stretches_of(1, 0, 2, Stretch::starting_at, join).unwrap().unwrap();
        assert_eq!((reached.next, taken), (60, vec![30; 3]));
        assert!(reached.core == core_after(&records[..60]));
    }

    #[test]
    fn damage_is_met_at_the_same_record_and_told_alike() {
        let (folder, records) = (TempDir::new().unwrap(), and_what_was_told(calls()));
        let images: Vec<usize> = (40..records.len()).step_by(40).collect();
        let path = capture(&folder, &records, &images, |seq| core_after(&records[..seq]));
        let whole = std::fs::read(&path).unwrap();
        let (mut met, mut in_part) = (0, 0);
        for place in (40..whole.len()).step_by(whole.len() / 150) {
            let Some(trace) = flip(&path, &whole, place) else { continue };
            let expected = in_one_pass(&trace);
            let (reached, found) = in_stretches(&trace, 2);
            met += u32::from(expected.end != End::Complete);
            in_part += u32::from(reached > 0 && reached < records.len() as u64);
            assert!(found == expected, "byte {place} was changed");
        }
        assert!(met > 50 && in_part > 20, "{met} were met, {in_part} of them behind a stretch");
    }
}
