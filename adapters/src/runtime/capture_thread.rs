//! The capture thread: writes what goes into the log into capture files as well, which roll.
//!
//! Frames come as they were written to the log, and go into the file as they are. Nothing waits for
//! this thread: when it does not keep up, what comes is lost to the captures, and a new file begins
//! with the next image. A file is finished when it is large or old, at an image of the state, with
//! which the next one begins.

use crate::capture::{About, CaptureError, CaptureWriter, EXTENSION, RawMessage};
use crate::metrics::Metrics;
use crate::settings::Captures;
use engine::core::Core;
use engine::frame::Frame;
use engine::snapshot::{self, Place};
use std::convert::Infallible;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Batches that may wait for the thread.
const QUEUE: usize = 1024;
/// Bytes that may.
const QUEUE_BYTES: u64 = 32 * 1024 * 1024;
/// What is written is handed to the system after this.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// Bytes of frames that are kept for the file that begins with an image which is under way.
const BACKLOG_BYTES: usize = 64 * 1024 * 1024;
/// After trouble with a file, the next one is begun.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// The beginning of the names of the files; others are left alone.
const PREFIX: &str = "tapline-";

/// What the thread is told.
enum Taken {
    /// Frames, one behind the other, as they were written.
    Frames(Vec<u8>),
    /// An image of this place was asked for; frames from it on are written from now.
    Asked(Place),
    /// Here it is: its chunks, one behind the other, as they were written to the log.
    Image(Place, Vec<u8>),
    /// What a message of a PBX says, without secrets.
    Raw(Vec<u8>),
}

/// The way to the thread.
pub(crate) struct Inlet {
    taken: SyncSender<Taken>,
    metrics: Arc<Metrics>,
    wants_image: Arc<AtomicBool>,
}

/// The running thread. It ends when its inlet is dropped.
pub(crate) struct CaptureThread {
    thread: JoinHandle<()>,
}

impl CaptureThread {
    /// Starts with the state that the provider starts with.
    pub(crate) fn start(
        captures: Captures,
        place: Place,
        core: Core,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<(Inlet, CaptureThread)> {
        let (taken, inlet) = sync_channel(QUEUE);
        let wants_image = Arc::default();
        metrics.capture.is_on.set(1);
        let inlet_of =
            Inlet { taken, metrics: Arc::clone(&metrics), wants_image: Arc::clone(&wants_image) };
        let mut roll = Roll {
            captures,
            file: None,
            backlog: None,
            metrics,
            wants_image,
            is_reported: false,
            not_before: None,
        };
        let thread = thread::Builder::new().name("tapline-capture".into()).spawn(move || {
            roll.clear_away();
            roll.image(place, &chunks_of(&core, place));
            drop(core);
            roll.run(&inlet);
        })?;
        Ok((inlet_of, CaptureThread { thread }))
    }

    pub(crate) fn into_handle(self) -> JoinHandle<()> {
        self.thread
    }
}

impl Inlet {
    /// Takes frames that were written to the log.
    pub(crate) fn frames(&self, bytes: &[u8]) {
        let capture = &self.metrics.capture;
        if capture.waiting.read() < QUEUE_BYTES {
            capture.waiting.raise(bytes.len() as u64);
            self.put(Taken::Frames(bytes.to_vec()));
        } else {
            capture.bytes_lost.add(bytes.len() as u64);
        }
    }

    /// Takes a message of a PBX, without secrets.
    pub(crate) fn raw(&self, message: &RawMessage) {
        if self.metrics.capture.waiting.read() < QUEUE_BYTES {
            let says = message.says();
            self.metrics.capture.waiting.raise(says.len() as u64);
            self.put(Taken::Raw(says));
        }
    }

    /// An image was asked for: what is written from now on follows it.
    pub(crate) fn asked(&self, place: Place) {
        self.put(Taken::Asked(place));
    }

    /// Takes the image: its chunks, one behind the other, as they were written to the log.
    pub(crate) fn image(&self, place: Place, chunks: Vec<u8>) {
        self.put(Taken::Image(place, chunks));
    }

    /// Whether an image is wanted, so that a new file can begin. Says so once.
    pub(crate) fn wants_image(&self) -> bool {
        self.wants_image.swap(false, Ordering::Relaxed)
    }

    fn put(&self, taken: Taken) {
        // When it is full, the thread finds out by the numbers.
        let capture = &self.metrics.capture;
        match self.taken.try_send(taken) {
            Err(TrySendError::Full(Taken::Frames(bytes))) => {
                capture.waiting.lower(bytes.len() as u64);
                capture.bytes_lost.add(bytes.len() as u64);
            }
            Err(TrySendError::Full(Taken::Raw(says))) => capture.waiting.lower(says.len() as u64),
            _ => {}
        }
    }
}

/// The file that is being written.
struct Open {
    path: PathBuf,
    writer: CaptureWriter<BufWriter<File>>,
    begun: Instant,
}

/// What follows an image that is under way.
struct Backlog {
    place: Place,
    frames: Vec<Vec<u8>>,
    bytes: usize,
}

struct Roll {
    captures: Captures,
    file: Option<Open>,
    backlog: Option<Backlog>,
    metrics: Arc<Metrics>,
    wants_image: Arc<AtomicBool>,
    /// Whether the trouble that there is was told.
    is_reported: bool,
    /// When to try again after trouble.
    not_before: Option<Instant>,
}

impl Roll {
    fn run(&mut self, taken: &Receiver<Taken>) {
        let mut flushed = Instant::now();
        loop {
            match taken.recv_timeout(FLUSH_EVERY) {
                Ok(Taken::Frames(bytes)) => {
                    self.metrics.capture.waiting.lower(bytes.len() as u64);
                    self.frames(&bytes);
                }
                Ok(Taken::Raw(says)) => {
                    self.metrics.capture.waiting.lower(says.len() as u64);
                    self.raw(&says);
                }
                Ok(Taken::Asked(place)) => {
                    self.backlog = Some(Backlog { place, frames: Vec::new(), bytes: 0 });
                }
                Ok(Taken::Image(place, chunks)) => self.image(place, &chunks),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if flushed.elapsed() >= FLUSH_EVERY {
                flushed = Instant::now();
                self.flush();
                self.look_at_limits();
            }
        }
        self.finish();
    }

    fn frames(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        // They come from us, one whole one behind the other.
        while let Some(len) = rest.first_chunk().and_then(|header| Frame::len_of(header).ok()) {
            let (frame, behind) = rest.split_at(len.min(rest.len()));
            if let Some(backlog) = &mut self.backlog {
                backlog.frames.push(frame.to_vec());
                backlog.bytes += len;
            }
            self.frame(frame);
            rest = behind;
        }
        if let Some(backlog) = self.backlog.take_if(|backlog| backlog.bytes > BACKLOG_BYTES)
            && self.file.is_none()
        {
            self.metrics.capture.bytes_lost.add(backlog.bytes as u64);
        }
    }

    fn frame(&mut self, bytes: &[u8]) {
        let Some(open) = &mut self.file else {
            // An image costs something, so a folder that cannot be written is not tried all the time.
            let is_due = self.not_before.is_none_or(|at| Instant::now() >= at);
            self.wants_image.store(self.backlog.is_none() && is_due, Ordering::Relaxed);
            if self.backlog.is_none() {
                self.metrics.capture.bytes_lost.add(bytes.len() as u64);
            }
            return;
        };
        let written = open.writer.frame(bytes);
        let of_it = if written.is_ok() {
            &self.metrics.capture.bytes_written
        } else {
            &self.metrics.capture.bytes_lost
        };
        of_it.add(bytes.len() as u64);
        if let Err(error) = written {
            if matches!(error, CaptureError::Frame { .. }) {
                // Something before it was lost on the way here.
                tracing::warn!("the capture did not keep up; it goes on in another file");
            } else {
                self.report(&error);
            }
            self.finish();
        }
    }

    fn raw(&mut self, says: &[u8]) {
        if let Some(open) = &mut self.file
            && let Err(error) = open.writer.raw(says)
        {
            self.report(&error);
            self.finish();
        }
    }

    /// The next file begins with an image, or this one gets another.
    fn image(&mut self, place: Place, chunks: &[u8]) {
        let backlog = self.backlog.take().filter(|backlog| backlog.place == place);
        let goes_on = self.file.as_ref().is_some_and(|open| !self.is_full(open));
        if goes_on && let Some(open) = &mut self.file {
            if let Err(error) = write_chunks(&mut open.writer, chunks) {
                self.report(&error);
                self.finish();
            }
            return;
        }
        self.finish();
        match self.begin(place, chunks) {
            Ok(open) => {
                self.file = Some(open);
                self.metrics.capture.is_writing.set(1);
                self.is_reported = false;
                backlog.into_iter().flat_map(|backlog| backlog.frames).for_each(|f| self.frame(&f));
            }
            Err(error) => self.report(&error),
        }
        self.clear_away();
    }

    fn begin(&self, place: Place, chunks: &[u8]) -> Result<Open, CaptureError> {
        let folder = &self.captures.path;
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{PREFIX}{:020}.{EXTENSION}", place.next));
        let file = BufWriter::with_capacity(256 * 1024, File::create(&path)?);
        let about = About { raw: self.captures.raw, ..About::this_program(false) };
        let mut writer = CaptureWriter::new(file, &about)?;
        if place.next > 0 {
            write_chunks(&mut writer, chunks)?;
        }
        Ok(Open { path, writer, begun: Instant::now() })
    }

    fn is_full(&self, open: &Open) -> bool {
        open.writer.len() >= self.captures.file_bytes
            || open.begun.elapsed() >= self.captures.age / 4
    }

    fn look_at_limits(&mut self) {
        let is_full = self.file.as_ref().is_some_and(|open| self.is_full(open));
        if is_full && self.backlog.is_none() {
            self.wants_image.store(true, Ordering::Relaxed);
        }
    }

    fn flush(&mut self) {
        if let Some(open) = &mut self.file
            && let Err(error) = open.writer.flush()
        {
            self.report(&error);
            self.finish();
        }
    }

    fn finish(&mut self) {
        self.metrics.capture.is_writing.set(0);
        if let Some(open) = self.file.take()
            && let Err(error) = open.writer.finish()
        {
            self.report(&error);
        }
    }

    /// Removes the oldest files, as long as there are too many bytes, and those that are too old.
    fn clear_away(&self) {
        let mut files = files_in(&self.captures.path);
        let mut bytes: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        // With room for the one that is being written.
        let most = self.captures.bytes.saturating_sub(self.captures.file_bytes);
        files.retain(|(path, ..)| self.file.as_ref().is_none_or(|open| open.path != *path));
        for (path, len, age) in files {
            if bytes > most || age > self.captures.age {
                bytes -= len;
                if let Err(error) = fs::remove_file(&path) {
                    tracing::warn!("{} cannot be removed: {error}", path.display());
                }
            }
        }
    }

    fn report(&mut self, error: &CaptureError) {
        self.not_before = Some(Instant::now() + AGAIN_AFTER);
        if !std::mem::replace(&mut self.is_reported, true) {
            let folder = self.captures.path.display();
            tracing::error!("nothing is captured in {folder}: {error}; it is tried again");
        }
    }
}

fn write_chunks(
    writer: &mut CaptureWriter<BufWriter<File>>,
    mut chunks: &[u8],
) -> Result<(), CaptureError> {
    while let Some(found) = snapshot::find_chunk(chunks) {
        let (chunk, rest) = chunks.split_at(found.len);
        writer.chunk(chunk)?;
        chunks = rest;
    }
    Ok(())
}

/// The chunks of a state, one behind the other; none if it is too large, and then the file begins
/// without.
fn chunks_of(core: &Core, place: Place) -> Vec<u8> {
    let mut chunks = Vec::new();
    let written = snapshot::write(core, place, |_, chunk| {
        chunks.extend_from_slice(chunk);
        Ok::<(), Infallible>(())
    });
    if let Err(error) = written {
        tracing::warn!("the captures begin without an image: {error}");
        chunks.clear();
    }
    chunks
}

/// Our capture files with their sizes and ages, the oldest first.
fn files_in(folder: &Path) -> Vec<(PathBuf, u64, Duration)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .filter_map(|entry| {
            let (path, data) = (entry.path(), entry.metadata().ok()?);
            let name = path.file_name()?.to_str()?;
            let is_ours = name.starts_with(PREFIX) && name.ends_with(EXTENSION);
            let age = data.modified().ok()?.elapsed().unwrap_or_default();
            (is_ours && data.is_file()).then_some((path, data.len(), age))
        })
        .collect();
    files.sort();
    files
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::capture::CaptureFile;
    use engine::effect::Effects;
    use engine::fact::Record;
    use engine::frame::{Chain, FrameWriter};
    use engine::strategy::{calls_from_outside, core_after};
    use tempfile::TempDir;

    fn captures(folder: &TempDir, file_bytes: u64, bytes: u64) -> Captures {
        let (path, age) = (folder.path().join("captures"), Duration::from_secs(3600));
        Captures { path, age, bytes, file_bytes, raw: false }
    }

    fn frames_of(records: &[Record]) -> Vec<Vec<u8>> {
        let (mut writer, mut chain) = (FrameWriter::default(), Chain::START);
        let mut frame = |records: &[Record]| {
            let mut bytes = Vec::new();
            chain = writer.write(chain, records, &mut bytes).unwrap().chain;
            bytes
        };
        records.chunks(10).map(&mut frame).collect()
    }

    /// Feeds a thread with the records; an image is asked for after each fifth frame, and comes two
    /// frames later. The answer are its files, the oldest first.
    fn captured(captures: Captures, records: &[Record]) -> Vec<PathBuf> {
        let folder = captures.path.clone();
        let (inlet, thread) =
            CaptureThread::start(captures, Place::default(), Core::default(), Arc::default())
                .unwrap();
        let mut asked = None;
        for (number, frame) in (1..).zip(frames_of(records)) {
            inlet.frames(&frame);
            match number % 5 {
                0 => {
                    let next = (number * 10).min(records.len());
                    let place = Place { next: next as u64, last_at: records[next - 1].at };
                    inlet.asked(place);
                    asked = Some(place);
                }
                2 => {
                    if let Some(place) = asked.take() {
                        let core = core_after(&records[..place.next as usize]);
                        inlet.image(place, chunks_of(&core, place));
                    }
                }
                _ => {}
            }
        }
        drop(inlet);
        thread.into_handle().join().unwrap();
        files_in(&folder).into_iter().map(|(path, ..)| path).collect()
    }

    #[test]
    fn one_file_holds_everything_that_was_written_and_images_of_it() {
        let (folder, records) = (TempDir::new().unwrap(), calls_from_outside(0..100));
        let files = captured(captures(&folder, 1 << 40, u64::MAX), &records);
        assert_eq!(files.len(), 1);
        let file = CaptureFile::open(&files[0]).unwrap();
        let read: Vec<_> = file.records_from(0).map(Result::unwrap).collect();
        assert_eq!(read, (0..).zip(records.iter().cloned()).collect::<Vec<_>>());
        assert!(file.images().len() > 5);
        let place = file.images()[3];
        assert!(file.image(place).unwrap().0 == core_after(&records[..place.next as usize]));
        assert_eq!(file.records_from(place.next).count() as u64, records.len() as u64 - place.next);
    }

    #[test]
    fn files_that_are_full_are_followed_by_others_each_of_which_replays_by_itself() {
        let (folder, records) = (TempDir::new().unwrap(), calls_from_outside(0..100));
        let files = captured(captures(&folder, 1, u64::MAX), &records);
        assert!(files.len() > 5, "{files:?}");
        let mut last = 0;
        for path in &files {
            let file = CaptureFile::open(path).unwrap();
            let (first, mut core) = match file.images().first() {
                Some(place) => (place.next, file.image(*place).unwrap().0),
                None => (0, Core::default()),
            };
            assert!(first <= last, "nothing is missing between two files");
            for item in file.records_from(first) {
                let (seq, record) = item.unwrap();
                assert_eq!(record, records[seq as usize]);
                core.apply(record, &mut Effects::new());
                last = seq + 1;
            }
            assert!(core == core_after(&records[..last as usize]), "{path:?}");
        }
        assert_eq!(last, records.len() as u64);
    }

    #[test]
    fn the_oldest_files_go_when_there_are_too_many_and_others_are_left_alone() {
        let (folder, records) = (TempDir::new().unwrap(), calls_from_outside(0..100));
        let all = captured(captures(&folder, 1, u64::MAX), &records);
        let bytes: u64 = all.iter().map(|path| path.metadata().unwrap().len()).sum();
        let folder = TempDir::new().unwrap();
        let limited = captures(&folder, 1, bytes / 2);
        fs::create_dir_all(&limited.path).unwrap();
        let mine = limited.path.join("mine.tspt");
        fs::write(&mine, vec![0; 100_000]).unwrap();
        let files = captured(limited, &records);
        assert!(mine.exists());
        assert!(
            files.len() < all.len()
                && files.last().map(|p| p.file_name()) == all.last().map(|p| p.file_name())
        );
        let left: u64 = files.iter().map(|path| path.metadata().unwrap().len()).sum();
        assert!(left <= bytes / 2 + bytes / all.len() as u64 * 2, "{left} of {bytes}");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_left_in_peace_for_a_while() {
        let (folder, records) = (TempDir::new().unwrap(), calls_from_outside(0..100));
        let captures = captures(&folder, 1 << 40, u64::MAX);
        fs::write(&captures.path, "here first").unwrap();
        let (inlet, thread) =
            CaptureThread::start(captures, Place::default(), Core::default(), Arc::default())
                .unwrap();
        frames_of(&records).iter().for_each(|frame| inlet.frames(frame));
        let CaptureThread { thread } = thread;
        let wants_image = Arc::clone(&inlet.wants_image);
        drop(inlet);
        thread.join().unwrap();
        assert!(!wants_image.load(Ordering::Relaxed));
    }

    #[test]
    fn frames_that_were_lost_on_the_way_end_a_file_and_the_next_image_begins_another() {
        let (folder, records) = (TempDir::new().unwrap(), calls_from_outside(0..100));
        let captures = captures(&folder, 1 << 40, u64::MAX);
        let path = captures.path.clone();
        let (inlet, thread) =
            CaptureThread::start(captures, Place::default(), Core::default(), Arc::default())
                .unwrap();
        let frames = frames_of(&records);
        [0, 1, 3, 4].iter().for_each(|n| inlet.frames(&frames[*n]));
        let deadline = Instant::now() + Duration::from_secs(20);
        while !inlet.wants_image() {
            assert!(Instant::now() < deadline, "it never asks for an image");
            thread::yield_now();
        }
        let place = Place { next: 50, last_at: records[49].at };
        inlet.asked(place);
        inlet.frames(&frames[5]);
        inlet.image(place, chunks_of(&core_after(&records[..50]), place));
        inlet.frames(&frames[6]);
        drop(inlet);
        thread.into_handle().join().unwrap();
        let spans = files_in(&path).into_iter().map(|(path, ..)| {
            let file = CaptureFile::open(&path).unwrap();
            let numbers: Vec<u64> = file.records_from(0).map(|item| item.unwrap().0).collect();
            (numbers[0], numbers.len())
        });
        assert_eq!(spans.collect::<Vec<_>>(), [(0, 20), (50, 20)]);
    }
}
