//! Reading a storage that sled cannot open any more.
//!
//! Frames, the pieces of large ones, and snapshot chunks carry their own magic and length, and sled
//! keeps each of them together. So they are found by looking through the bytes of its file,
//! wherever they lie. A page that sled has rewritten leaves copies behind; they are the same frame
//! and are taken once. What was removed at the beginning of the log may still lie there in parts, and
//! is passed over.

use super::piece::{self, Piece};
use super::roll;
use super::storage::{StorageError, Stored};
use engine::frame::{self, Chain, Frame};
use engine::snapshot;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

/// Everything intact in the file of a storage.
pub(super) struct Salvaged {
    file: File,
    /// One chain of frames, by first record.
    frames: BTreeMap<u64, Places>,
    /// Frames behind the end of that chain.
    islands: BTreeMap<u64, Places>,
    /// After the last frame found, whether it is in the chain or not.
    reach: u64,
    /// Chunks, by place of the snapshot and number.
    chunks: BTreeMap<(u64, u32), Place>,
    /// Parts of the roll of ids, by number.
    ids: BTreeMap<u32, Place>,
    /// Where the log begins.
    first: u64,
}

/// Where bytes lie in the file.
#[derive(Clone, Copy, Debug)]
struct Place {
    offset: u64,
    len: usize,
}

/// Where the parts of a frame lie; nearly always there is one.
type Places = Vec<Place>;

/// A frame that was found.
#[derive(Clone, Debug)]
struct Found {
    places: Places,
    crc: u32,
}

impl Salvaged {
    /// Looks through a file for all that is intact of a log that begins with record `first`.
    pub(super) fn scan(path: &Path, first: u64) -> io::Result<Salvaged> {
        let mut file = File::open(path)?;
        let mut finds = Finds { first, ..Finds::default() };
        let (mut window, mut offset, mut is_more) = (Vec::new(), 0, true);
        while is_more {
            let wanted = (WINDOW_BYTES - window.len()) as u64;
            is_more = file.by_ref().take(wanted).read_to_end(&mut window)? > 0;
            let used = finds.look_through(&window, offset, !is_more);
            window.drain(..used);
            offset += used as u64;
        }
        finds.join_pieces(&mut file)?;
        let (frames, islands) = chains(&mut file, &finds.frames)?;
        let Finds { reach, chunks, ids, .. } = finds;
        Ok(Salvaged { file, frames, islands, reach, chunks, ids, first })
    }

    /// The records that are missing before the first frame behind the damage.
    pub(super) fn first_hole(&self) -> Option<Range<u64>> {
        let (_, last) = self.frame_up_to(u64::MAX).ok()??;
        let end = Frame::read_exact(&last).ok()?.next();
        self.islands.keys().next().map(|first| end..*first)
    }

    /// With what is intact behind the damage as well.
    pub(super) fn with_islands(mut self) -> Salvaged {
        self.frames.append(&mut self.islands);
        self
    }

    /// Where the log begins.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// A part of the roll of permanent ids.
    pub(super) fn ids(&self, number: u32) -> Result<Option<Stored>, StorageError> {
        self.ids.get(&number).map(|place| self.bytes(&[*place])).transpose()
    }

    /// How far the log once went: the sequence number after the last intact frame, even if frames
    /// before it are lost.
    pub(super) fn reach(&self) -> u64 {
        self.reach
    }

    /// The first frame that begins with this record or a later one.
    pub(super) fn frame_from(&self, seq: u64) -> Result<Option<(u64, Stored)>, StorageError> {
        self.read_frame(self.frames.range(seq..).next())
    }

    /// The last frame that begins with this record or an earlier one.
    pub(super) fn frame_up_to(&self, seq: u64) -> Result<Option<(u64, Stored)>, StorageError> {
        self.read_frame(self.frames.range(..=seq).next_back())
    }

    /// The places of all snapshots, latest first.
    pub(super) fn snapshots(&self) -> Vec<u64> {
        let mut places: Vec<u64> = self.chunks.keys().rev().map(|(place, _)| *place).collect();
        places.dedup();
        places
    }

    /// A chunk of the snapshot at a place.
    pub(super) fn chunk(&self, place: u64, number: u32) -> Result<Option<Stored>, StorageError> {
        let place = self.chunks.get(&(place, number));
        place.map(|place| self.bytes(&[*place])).transpose()
    }

    fn read_frame(
        &self,
        entry: Option<(&u64, &Places)>,
    ) -> Result<Option<(u64, Stored)>, StorageError> {
        entry.map(|(first, places)| Ok((*first, self.bytes(places)?))).transpose()
    }

    fn bytes(&self, places: &[Place]) -> Result<Stored, StorageError> {
        read_at(&mut &self.file, places)
            .map(Stored::from)
            .map_err(|error| StorageError::Io(error.to_string()))
    }
}

const WINDOW_BYTES: usize = 8 * 1024 * 1024;

/// What was found so far.
#[derive(Default)]
struct Finds {
    reach: u64,
    frames: BTreeMap<u64, Vec<Found>>,
    /// Beginnings of frames that are stored in pieces, by first record.
    beginnings: Vec<(u64, Place)>,
    /// The bytes of the other pieces, by first record and number.
    pieces: BTreeMap<(u64, u16), Place>,
    chunks: BTreeMap<(u64, u32), Place>,
    ids: BTreeMap<u32, Place>,
    /// Where the log begins.
    first: u64,
}

impl Finds {
    /// Takes what lies in the window; says how much of it need not be looked at again.
    fn look_through(&mut self, window: &[u8], offset: u64, is_last: bool) -> usize {
        // What begins near the end may end in the next window.
        let end =
            if is_last { window.len() } else { window.len().saturating_sub(piece::MAX_BYTES) };
        let mut at = 0;
        while let Some(next) = window[at..].iter().position(|byte| *byte == frame::MAGIC[0]) {
            at += next;
            if at >= end {
                break;
            }
            at += self.take(&window[at..], offset + at as u64).unwrap_or(1);
        }
        end.max(at).min(window.len())
    }

    /// Takes what begins here, and says how long it is.
    fn take(&mut self, bytes: &[u8], offset: u64) -> Option<usize> {
        let bytes = &bytes[..bytes.len().min(piece::MAX_BYTES)];
        if let Some(piece) = Piece::read(bytes) {
            let len = piece.bytes.len();
            let place = Place { offset: offset + (piece.stored_len() - len) as u64, len };
            self.pieces.insert((piece.first, piece.number), place);
            return Some(piece.stored_len());
        }
        if let Some(header) = bytes.first_chunk().filter(|header| header.starts_with(&frame::MAGIC))
        {
            if Frame::len_of(header).ok()? > piece::MAX_BYTES {
                let place = Place { offset, len: bytes.len() };
                self.beginnings.push((Frame::claimed_first(header), place));
                return None;
            }
            let (frame, len) = Frame::read(bytes).ok()?;
            self.take_frame(&frame, vec![Place { offset, len }]);
            return Some(len);
        }
        if bytes.starts_with(&snapshot::MAGIC) {
            let chunk = snapshot::find_chunk(bytes)?;
            let place = Place { offset, len: chunk.len };
            if chunk.place.next >= self.first {
                self.chunks.insert((chunk.place.next, chunk.number), place);
            }
            return Some(chunk.len);
        }
        if let Some((number, len)) = roll::find(bytes) {
            // The roll only grows, so the longest copy of a part is the latest one.
            let part = self.ids.entry(number).or_insert(Place { offset, len });
            if part.len < len {
                *part = Place { offset, len };
            }
            return Some(len);
        }
        None
    }

    fn take_frame(&mut self, frame: &Frame<'_>, places: Places) {
        if frame.next() <= self.first {
            return;
        }
        self.reach = self.reach.max(frame.next());
        let same_first = self.frames.entry(frame.first()).or_default();
        if same_first.iter().all(|other| other.crc != frame.crc()) {
            same_first.push(Found { places, crc: frame.crc() });
        }
    }

    /// Puts frames together whose pieces were found one by one.
    fn join_pieces(&mut self, file: &mut File) -> io::Result<()> {
        for (first, beginning) in std::mem::take(&mut self.beginnings) {
            let pieces = self.pieces.range((first, 1)..=(first, u16::MAX));
            let places: Places =
                std::iter::once(beginning).chain(pieces.map(|(_, p)| *p)).collect();
            let bytes = read_at(file, &places)?;
            if let Ok(frame) = Frame::read_exact(&bytes) {
                self.take_frame(&frame, places);
            }
        }
        Ok(())
    }
}

/// A frame that may follow, and the chain after it.
type Follower<'a> = (u64, &'a Places, Chain);

/// The frames that follow one another from the oldest on, and those behind the end of that chain,
/// again as far as they follow one another.
fn chains(
    file: &mut File,
    found: &BTreeMap<u64, Vec<Found>>,
) -> io::Result<(BTreeMap<u64, Places>, BTreeMap<u64, Places>)> {
    let (mut frames, mut islands) = (BTreeMap::new(), BTreeMap::new());
    let Some(oldest) = found.keys().next() else { return Ok((frames, islands)) };
    let start = if *oldest == 0 { Chain::START } else { Chain::at(*oldest, None) };
    let mut end = longest_chain(file, found, start, &mut frames)?;
    while let Some((first, _)) = found.range(end..).next() {
        let behind = longest_chain(file, found, Chain::at(*first, None), &mut islands)?;
        end = behind.max(first + 1);
    }
    Ok((frames, islands))
}

/// Picks from the frames found those that follow one another from a place on; the answer is where
/// they end. Where two claim the same place in the chain (a write that failed may have left one
/// behind), the one goes on that has a successor.
fn longest_chain(
    file: &mut File,
    found: &BTreeMap<u64, Vec<Found>>,
    mut chain: Chain,
    chosen: &mut BTreeMap<u64, Places>,
) -> io::Result<u64> {
    loop {
        let candidates = followers(file, found, chain)?;
        let mut best = candidates.first().copied();
        for candidate in candidates.iter().skip(1) {
            if !followers(file, found, candidate.2)?.is_empty() {
                best = Some(*candidate);
            }
        }
        let Some((first, places, next)) = best else { return Ok(chain.next()) };
        chosen.insert(first, places.clone());
        chain = next;
    }
}

/// The frames that may follow.
fn followers<'a>(
    file: &mut File,
    found: &'a BTreeMap<u64, Vec<Found>>,
    chain: Chain,
) -> io::Result<Vec<Follower<'a>>> {
    let mut followers = Vec::new();
    // The next frame in number; only behind a gap it is not the very next one.
    let Some((first, frames)) = found.range(chain.next()..).next() else { return Ok(followers) };
    for Found { places, .. } in frames {
        let bytes = read_at(file, places)?;
        let mut after = chain;
        if Frame::read_exact(&bytes).and_then(|frame| after.link(&frame)).is_ok() {
            followers.push((*first, places, after));
        }
    }
    Ok(followers)
}

/// The bytes at these places, one behind the other.
fn read_at(file: &mut (impl Read + Seek), places: &[Place]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for place in places {
        let start = bytes.len();
        bytes.resize(start + place.len, 0);
        file.seek(SeekFrom::Start(place.offset))?;
        file.read_exact(&mut bytes[start..])?;
    }
    Ok(bytes)
}
