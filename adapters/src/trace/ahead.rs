//! Records decoded on several threads, and given in the order of the log.
//!
//! To decode a record takes about as long as to apply it, and needs nothing of the records before
//! it. So a second thread decodes whole frames ahead, and whoever takes the records decodes one
//! himself whenever the next is not ready: neither waits for the other while there is work.

use super::{End, Frames, Records, Trace};
use engine::fact::Record;
use engine::frame::{Chain, Frame};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// How many bytes of frames are decoded at once: enough that handing them over does not count.
const BATCH_BYTES: usize = 16 * 1024;

/// Batches read ahead for each thread. Decoded they take some ten times their bytes.
const AHEAD: usize = 16;

/// The records of a [`Trace`] with their sequence numbers, as [`Records`], but sooner.
pub struct RecordsAhead<'a> {
    trace: &'a Trace,
    from: u64,
    frames: Option<Frames<'a>>,
    chain: Option<Chain>,
    /// The first record of the last frame that was read, from which on all can be read again.
    last_frame: u64,
    bench: Arc<Bench>,
    threads: Vec<JoinHandle<()>>,
    /// The next batch to read, and the next to give.
    read: u64,
    wanted: u64,
    batch: std::vec::IntoIter<(u64, Record)>,
    next: u64,
    /// What cannot be read ahead is read in the ordinary way, which says why.
    rest: Option<Records<'a>>,
}

impl Trace {
    /// The same as [`Trace::records_from`], decoded on so many further threads; with 0 it is exactly
    /// that. For whoever means to read many.
    #[must_use]
    pub fn records_ahead(&self, seq: u64, further_threads: usize) -> RecordsAhead<'_> {
        let from = seq.max(self.first);
        let bench = Arc::new(Bench::default());
        let threads: Vec<_> = (0..further_threads)
            .map_while(|_| {
                let bench = Arc::clone(&bench);
                let thread = std::thread::Builder::new().name("decode ahead".into());
                // Without it, it only takes longer.
                thread.spawn(move || bench.work()).ok()
            })
            .collect();
        let is_alone = threads.is_empty();
        RecordsAhead {
            trace: self,
            from,
            frames: (!is_alone).then(|| self.frames_from(from)),
            chain: None,
            last_frame: from,
            bench,
            threads,
            read: 0,
            wanted: 0,
            batch: Vec::new().into_iter(),
            next: from,
            rest: is_alone.then(|| self.records_from(from)),
        }
    }
}

impl RecordsAhead<'_> {
    /// How they ended; of any use only when the last one was taken.
    #[must_use]
    pub fn end(mut self) -> End {
        self.rest.take().map_or(End::Complete, Records::end)
    }

    /// The next batch; none if the rest has to be read in the ordinary way.
    fn next_batch(&mut self) -> Option<Vec<(u64, Record)>> {
        self.read_ahead();
        if self.wanted == self.read {
            return None;
        }
        let records = self.bench.fetch(self.wanted)?;
        self.wanted += 1;
        Some(records)
    }

    fn read_ahead(&mut self) {
        while self.read < self.wanted + (AHEAD * (1 + self.threads.len())) as u64 {
            let Some(batch) = self.read_batch() else { return };
            self.bench.put(self.read, batch);
            self.read += 1;
        }
    }

    /// Frames that follow each other; none at the end, and where something is wrong.
    fn read_batch(&mut self) -> Option<Batch> {
        let frames = self.frames.as_mut()?;
        let mut batch = Batch { from: self.from, frames: Vec::new() };
        let mut bytes = 0;
        while bytes < BATCH_BYTES {
            let intact = frames.next().and_then(Result::ok).filter(|frame_bytes| {
                let Ok(frame) = Frame::read_exact(frame_bytes) else { return false };
                let mut chain = self.chain.unwrap_or(Chain::at(frame.first(), None));
                let is_linked = chain.link(&frame).is_ok();
                if is_linked {
                    (self.chain, self.last_frame) = (Some(chain), frame.first());
                }
                is_linked
            });
            let Some(frame) = intact else {
                self.frames = None;
                break;
            };
            bytes += frame.len();
            batch.frames.push(frame);
        }
        (!batch.frames.is_empty()).then_some(batch)
    }
}

impl Iterator for RecordsAhead<'_> {
    type Item = (u64, Record);

    fn next(&mut self) -> Option<(u64, Record)> {
        loop {
            if let Some((seq, record)) = self.batch.next() {
                self.next = seq + 1;
                return Some((seq, record));
            }
            if let Some(rest) = &mut self.rest {
                let next = self.next;
                return rest.find(|(seq, _)| *seq >= next);
            }
            match self.next_batch() {
                Some(records) => self.batch = records.into_iter(),
                // The frame before is read once more, because the next one must follow it.
                None => self.rest = Some(self.trace.records_from(self.last_frame.min(self.next))),
            }
        }
    }
}

impl Drop for RecordsAhead<'_> {
    fn drop(&mut self) {
        self.bench.close();
        for thread in self.threads.drain(..) {
            // It can only have ended; a panic there was printed there.
            let _ = thread.join();
        }
    }
}

/// Frames to decode, and from which record on.
struct Batch {
    from: u64,
    frames: Vec<Vec<u8>>,
}

impl Batch {
    /// All records, or none if one of them cannot be read.
    fn decode(&self) -> Option<Vec<(u64, Record)>> {
        let mut records = Vec::new();
        for bytes in &self.frames {
            let frame = Frame::read_exact(bytes).ok()?;
            records.reserve(frame.len());
            for item in frame.records() {
                let (seq, record) = item.ok()?;
                if seq >= self.from {
                    records.push((seq, record));
                }
            }
        }
        Some(records)
    }
}

/// Where batches wait to be decoded, and then to be taken.
#[derive(Default)]
struct Bench {
    lies: Mutex<Lies>,
    changed: Condvar,
}

#[derive(Default)]
struct Lies {
    raw: VecDeque<(u64, Batch)>,
    done: BTreeMap<u64, Option<Vec<(u64, Record)>>>,
    is_closed: bool,
}

impl Bench {
    fn put(&self, number: u64, batch: Batch) {
        self.lies().raw.push_back((number, batch));
        self.changed.notify_all();
    }

    /// Decodes until it is closed.
    fn work(&self) {
        let mut lies = self.lies();
        while !lies.is_closed {
            lies = match lies.raw.pop_front() {
                Some((number, batch)) => {
                    drop(lies);
                    let records = batch.decode();
                    let mut lies = self.lies();
                    lies.done.insert(number, records);
                    self.changed.notify_all();
                    lies
                }
                None => self.changed.wait(lies).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// The records of a batch that was put here; decodes what lies about until they are there.
    fn fetch(&self, wanted: u64) -> Option<Vec<(u64, Record)>> {
        let mut lies = self.lies();
        loop {
            if let Some(records) = lies.done.remove(&wanted) {
                return records;
            }
            lies = match lies.raw.pop_front() {
                Some((number, batch)) => {
                    drop(lies);
                    let records = batch.decode();
                    if number == wanted {
                        return records;
                    }
                    let mut lies = self.lies();
                    lies.done.insert(number, records);
                    lies
                }
                None => self.changed.wait(lies).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn close(&self) {
        self.lies().is_closed = true;
        self.changed.notify_all();
    }

    /// Whoever panicked held nothing half-done.
    fn lies(&self) -> MutexGuard<'_, Lies> {
        self.lies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tests::log_and_capture;
    use super::*;
    use engine::strategy::calls_from_outside;
    use tempfile::TempDir;

    /// Enough for several batches.
    fn many() -> Vec<Record> {
        let lap = calls_from_outside(0..=255);
        let span = lap.last().unwrap().at.0 - lap[0].at.0 + 1;
        let at =
            |record: &Record, lap: u64| Record { at: record.at + lap * span, ..record.clone() };
        (0..8).flat_map(|number| lap.iter().map(move |record| at(record, number))).collect()
    }

    fn read(trace: &Trace, from: u64, threads: usize) -> (Vec<(u64, Record)>, End) {
        let mut records = trace.records_ahead(from, threads);
        (records.by_ref().collect(), records.end())
    }

    #[test]
    fn records_come_in_order_however_many_threads_decode_them() {
        let (folder, records) = (TempDir::new().unwrap(), many());
        for path in log_and_capture(&folder, &records) {
            let trace = Trace::open(&path).unwrap();
            for from in [0, 9, 10, records.len() as u64 - 1, records.len() as u64] {
                let expected = read(&trace, from, 0);
                assert_eq!(expected.0.len() as u64, records.len() as u64 - from);
                for threads in [1, 3] {
                    assert!(read(&trace, from, threads) == expected, "{path:?} from {from}");
                }
            }
        }
    }

    #[test]
    fn damage_is_met_at_the_same_record_and_told_alike() {
        let (folder, records) = (TempDir::new().unwrap(), calls_from_outside(0..200));
        let [_, capture] = log_and_capture(&folder, &records);
        let whole = std::fs::read(&capture).unwrap();
        let mut damaged = 0;
        for place in (40..whole.len()).step_by(whole.len() / 40) {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x10;
            std::fs::write(&capture, bytes).unwrap();
            let Ok(trace) = Trace::open(&capture) else { continue };
            let expected = read(&trace, 0, 0);
            damaged += u32::from(expected.1 != End::Complete);
            assert!(read(&trace, 0, 2) == expected, "byte {place} was changed");
        }
        assert!(damaged > 10, "only {damaged} of them were met");
    }

    #[test]
    fn whoever_stops_early_leaves_no_thread() {
        let (folder, records) = (TempDir::new().unwrap(), many());
        let [_, capture] = log_and_capture(&folder, &records);
        let trace = Trace::open(&capture).unwrap();
        let mut some = trace.records_ahead(0, 2);
        assert_eq!(some.next().unwrap().0, 0);
        let bench = Arc::downgrade(&some.bench);
        drop(some);
        assert!(bench.upgrade().is_none());
    }
}
