//! A part of the log of a provider at work, for somebody who asks at its desk.
//!
//! The journal thread owns the log. It is asked for a little at a time, so that what comes in
//! meanwhile waits no longer than for a flush.

use crate::capture::{About, CaptureError, CaptureWriter};
use crate::excerpt::Span;
use crate::journal::Journal;
use engine::frame::Frame;
use engine::snapshot::Place;
use std::io::Write;

/// Something to be done with the log by the thread that owns it. Takes little time.
pub(crate) type Look = Box<dyn FnOnce(&Journal) + Send>;

/// Chunks of an image that are asked for at a time.
const CHUNKS: u32 = 64;
/// Bytes of frames that are asked for at a time, and how many frames at most.
const FRAME_BYTES: usize = 128 * 1024;
const FRAMES: usize = 128;

/// Why there is no part of the log to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoPart {
    #[error("the provider is about to stop; ask again when it has")]
    Stopping,
    #[error("the log cannot be read now: {0}")]
    Log(String),
    #[error("the log holds nothing yet")]
    Empty,
    #[error(transparent)]
    Capture(#[from] CaptureError),
}

/// Writes the part as a capture file that begins with the image before it. `look` hands something to
/// the journal thread, or says that this is no longer there.
pub(crate) fn show(
    span: Span,
    look: &dyn Fn(Look) -> bool,
    out: &mut dyn Write,
) -> Result<(), NoPart> {
    let part = ask(look, move |journal| Part::of(journal, span))??;
    let mut writer = CaptureWriter::new(out, &About::this_program(false))?;
    if let Some(place) = part.image {
        copy_image(place, look, &mut writer)?;
    }
    let mut next = part.image.map_or(0, |place| place.next);
    while next < part.to {
        let frames = ask(look, move |journal| frames_from(journal, next))?;
        if frames.is_empty() {
            break;
        }
        for frame in frames {
            let frame = frame.map_err(NoPart::Log)?;
            if Frame::read_exact(&frame).is_ok_and(|frame| frame.first() >= part.to) {
                break;
            }
            writer.frame(&frame)?;
        }
        // The same number again means that it had what was wanted.
        if std::mem::replace(&mut next, writer.next_seq()) == writer.next_seq() {
            break;
        }
    }
    writer.finish()?;
    Ok(())
}

/// Where a part of the log begins and ends.
struct Part {
    image: Option<Place>,
    to: u64,
}

impl Part {
    fn of(journal: &Journal, span: Span) -> Result<Part, NoPart> {
        let (last, last_at) = journal.last().map_err(NoPart::Log)?.ok_or(NoPart::Empty)?;
        let at = |time| journal.seq_at(time).map_err(NoPart::Log);
        let from = span.from.map_or(Ok(0), |moment| moment.seq(last_at, at))?.min(last);
        let to = span.to.map_or(Ok(u64::MAX), |moment| moment.seq_behind(last_at, at))?;
        let places = journal.snapshots();
        let image = places.iter().rev().find(|place| place.next <= from);
        // A log that was cut begins with one.
        let first = (journal.first_seq() > 0).then(|| places.first()).flatten();
        Ok(Part { image: image.or(first).copied(), to: to.min(last + 1) })
    }
}

fn copy_image(
    place: Place,
    look: &dyn Fn(Look) -> bool,
    writer: &mut CaptureWriter<&mut dyn Write>,
) -> Result<(), NoPart> {
    for from in (0..).step_by(CHUNKS as usize) {
        let chunks = ask(look, move |journal| {
            let chunks = (from..from + CHUNKS).map_while(|n| journal.chunk(place, n));
            chunks.collect::<Vec<_>>()
        })?;
        for chunk in &chunks {
            writer.chunk(chunk)?;
        }
        if chunks.len() < CHUNKS as usize {
            break;
        }
    }
    Ok(())
}

fn frames_from(journal: &Journal, mut next: u64) -> Vec<Result<Vec<u8>, String>> {
    let (mut frames, mut bytes) = (Vec::new(), 0);
    while frames.len() < FRAMES && bytes < FRAME_BYTES {
        let frame = match journal.frame_with(next) {
            Ok(None) => break,
            Ok(Some(frame)) => frame,
            Err(error) => {
                frames.push(Err(error));
                break;
            }
        };
        bytes += frame.len();
        let read = Frame::read_exact(&frame).map(|frame| frame.next());
        match read {
            Ok(after) => next = after,
            Err(error) => {
                frames.push(Err(error.to_string()));
                break;
            }
        }
        frames.push(Ok(frame));
    }
    frames
}

/// Has the journal thread answer a question.
fn ask<T: Send + 'static>(
    look: &dyn Fn(Look) -> bool,
    question: impl FnOnce(&Journal) -> T + Send + 'static,
) -> Result<T, NoPart> {
    let (to, answer) = std::sync::mpsc::sync_channel(1);
    let asked = look(Box::new(move |journal| {
        // Whoever asked waits for it.
        let _ = to.send(question(journal));
    }));
    if !asked {
        return Err(NoPart::Stopping);
    }
    answer.recv().map_err(|_| NoPart::Stopping)
}
