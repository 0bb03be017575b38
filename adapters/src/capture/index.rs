//! What is where in a capture file.
//!
//! As a note it is a list of entries of 25 bytes: kind (0 frame, 1 image, 2 gap), sequence number,
//! time (of a gap: the first number behind it), offset.

use engine::snapshot::Place;
use engine::time::Millis;

/// A frame has an entry if the one before it is so many bytes away; and behind an image or a gap.
const ENTRY_EVERY_BYTES: u64 = 64 * 1024;
/// With more entries for frames than these, every other one is dropped.
const FRAMES_MAX: usize = 256 * 1024;
/// Images and gaps that are kept in mind; the first ones are.
const MARKS_MAX: usize = 64 * 1024;

const ENTRY_BYTES: usize = 25;
const FRAME: u8 = 0;
const IMAGE: u8 = 1;
const GAP: u8 = 2;

/// Records that a capture file has not got, between others that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Sequence number of the first record that is missing.
    pub from: u64,
    /// Sequence number of the first record behind it.
    pub to: u64,
    /// Why they are.
    pub why: String,
}

/// Where a frame begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameAt {
    pub(super) first: u64,
    pub(super) at: Millis,
    pub(super) offset: u64,
}

/// Where an image begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ImageAt {
    pub(super) place: Place,
    pub(super) offset: u64,
}

/// Where a gap is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GapAt {
    pub(super) from: u64,
    pub(super) to: u64,
    /// 0 if the file does not note it itself.
    pub(super) offset: u64,
}

/// All of it, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) frames: Vec<FrameAt>,
    pub(super) images: Vec<ImageAt>,
    pub(super) gaps: Vec<GapAt>,
    every: u64,
}

impl Default for Index {
    fn default() -> Index {
        let (frames, images, gaps) = (Vec::new(), Vec::new(), Vec::new());
        Index { frames, images, gaps, every: ENTRY_EVERY_BYTES }
    }
}

impl Index {
    /// A frame was written, or found.
    pub(super) fn frame(&mut self, frame: FrameAt) {
        let behind_gap = self.gaps.last().is_some_and(|gap| gap.to == frame.first);
        let image_at = self.images.last().map_or(0, |image| image.offset);
        let is_far =
            |last: &FrameAt| frame.offset >= last.offset + self.every || last.offset < image_at;
        if behind_gap || self.frames.last().is_none_or(is_far) {
            self.frames.push(frame);
        }
        if self.frames.len() > FRAMES_MAX {
            let mut number = 0_usize;
            self.frames.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.every *= 2;
        }
    }

    pub(super) fn image(&mut self, image: ImageAt) {
        if self.images.len() < MARKS_MAX {
            self.images.push(image);
        }
    }

    /// Records are missing. Images of places among them lead nowhere.
    pub(super) fn gap(&mut self, gap: GapAt) {
        if self.gaps.len() < MARKS_MAX {
            self.gaps.push(gap);
        }
        self.images.retain(|image| {
            !(gap.from..gap.to).contains(&image.place.next) || image.place.next == gap.from
        });
    }

    /// What stands in the note.
    pub(super) fn says(&self) -> Vec<u8> {
        let count = self.frames.len() + self.images.len() + self.gaps.len();
        let mut says = Vec::with_capacity(count * ENTRY_BYTES);
        let mut push = |kind: u8, seq: u64, time: u64, offset: u64| {
            says.push(kind);
            for number in [seq, time, offset] {
                says.extend_from_slice(&number.to_le_bytes());
            }
        };
        self.frames.iter().for_each(|f| push(FRAME, f.first, f.at.0, f.offset));
        self.images.iter().for_each(|i| push(IMAGE, i.place.next, i.place.last_at.0, i.offset));
        self.gaps.iter().for_each(|gap| push(GAP, gap.from, gap.to, gap.offset));
        says
    }

    /// Reads the note. `None` if it is none of ours, or contradicts itself.
    pub(super) fn read(says: &[u8], file_len: u64) -> Option<Index> {
        if !says.len().is_multiple_of(ENTRY_BYTES) {
            return None;
        }
        let mut index = Index::default();
        for entry in says.chunks_exact(ENTRY_BYTES) {
            let number = |at: usize| Some(u64::from_le_bytes(*entry[at..].first_chunk()?));
            let (seq, time, offset) = (number(1)?, number(9)?, number(17)?);
            if offset >= file_len {
                return None;
            }
            match entry[0] {
                FRAME => index.frames.push(FrameAt { first: seq, at: Millis(time), offset }),
                IMAGE => {
                    let place = Place { next: seq, last_at: Millis(time) };
                    index.images.push(ImageAt { place, offset });
                }
                GAP => index.gaps.push(GapAt { from: seq, to: time, offset }),
                _ => return None,
            }
        }
        let ascending = index.frames.is_sorted_by(|one, other| one.first < other.first);
        ascending.then_some(index)
    }

    /// The frame from which to read so as to find this record, if it is there.
    pub(super) fn frame_before(&self, seq: u64) -> Option<FrameAt> {
        let behind = self.frames.partition_point(|frame| frame.first <= seq);
        self.frames[..behind].last().copied().or_else(|| self.frames.first().copied())
    }

    /// The last frame that begins before this time, or the first one.
    pub(super) fn frame_at(&self, time: Millis) -> Option<FrameAt> {
        let behind = self.frames.partition_point(|frame| frame.at < time);
        self.frames[..behind].last().copied().or_else(|| self.frames.first().copied())
    }

    /// The gap that this record is in.
    pub(super) fn gap_at(&self, seq: u64) -> Option<GapAt> {
        self.gaps.iter().find(|gap| (gap.from..gap.to).contains(&seq)).copied()
    }

    /// The first record from which the file is of use.
    pub(super) fn first(&self) -> u64 {
        let beginning = self.frames.first().map(|frame| (frame.offset, frame.first));
        let image = self.images.first().map(|image| (image.offset, image.place.next));
        let first = beginning.into_iter().chain(image).min().map_or(0, |(_, seq)| seq);
        // What should come first may be damaged.
        self.gaps.first().map_or(first, |gap| gap.from.min(first))
    }
}
