//! Reading a capture file.

use super::block::{self, Block, Blocks, Kind, NoBlock};
use super::index::{FrameAt, Gap, GapAt, ImageAt, Index};
use super::{About, CaptureError, RawMessage};
use engine::core::Core;
use engine::fact::Record;
use engine::frame::{Chain, Frame, FrameError, Recent};
use engine::snapshot::{self, Place, SnapshotError};
use engine::time::Millis;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// How much is read at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// How far behind damage an intact block is looked for.
const LOOK_BEHIND_DAMAGE_BYTES: u64 = 64 * 1024 * 1024;

/// The longest reason of a gap that is read.
const WHY_BYTES_MAX: usize = 4096;

type Input = BufReader<File>;

/// A capture file open for reading. It may still be growing; what is written later is not seen.
pub struct CaptureFile {
    path: PathBuf,
    about: About,
    /// Where the first block is.
    blocks_at: u64,
    index: Index,
    gaps: Vec<Gap>,
}

impl CaptureFile {
    /// Reads the header and the index, or looks through the file if that is not there.
    ///
    /// # Errors
    /// See [`CaptureError`]. Damage behind the header is no error: it is met by who reads there.
    pub fn open(path: &Path) -> Result<CaptureFile, CaptureError> {
        let mut input = BufReader::with_capacity(BUFFER_BYTES, File::open(path)?);
        let (about, blocks_at) = About::read(&mut input)?;
        let mut file = CaptureFile {
            path: path.to_owned(),
            about,
            blocks_at,
            index: Index::default(),
            gaps: Vec::new(),
        };
        file.index = match file.index_at_end(&mut input)? {
            Some(index) => index,
            None => Survey::of(file.blocks(blocks_at)?)?,
        };
        file.gaps = file.index.gaps.iter().map(|gap| file.gap(gap)).collect();
        Ok(file)
    }

    /// The index that the file has itself, if it fits the file.
    fn index_at_end(&self, input: &mut Input) -> io::Result<Option<Index>> {
        let len = input.seek(SeekFrom::End(0))?;
        let Some(end_at) = len.checked_sub(block::END_BYTES as u64) else { return Ok(None) };
        input.seek(SeekFrom::Start(end_at))?;
        let mut end = Vec::new();
        block::read_up_to(input, block::END_BYTES, &mut end)?;
        let Some(at) = block::read_end(&end).filter(|at| *at < end_at) else { return Ok(None) };
        input.seek(SeekFrom::Start(at))?;
        let mut blocks = Blocks::new(input, at);
        let Ok(Some(Block::Note(Kind::Index, says))) = blocks.next() else { return Ok(None) };
        let Some(index) = Index::read(says, len) else { return Ok(None) };
        let fits = |entry: Option<&FrameAt>| entry.is_none_or(|entry| self.is_at(entry));
        let is_fit = fits(index.frames.first()) && fits(index.frames.last());
        Ok(is_fit.then_some(index))
    }

    /// Whether this frame is where the index says.
    fn is_at(&self, entry: &FrameAt) -> bool {
        let Ok(mut blocks) = self.blocks(entry.offset) else { return false };
        matches!(blocks.next(), Ok(Some(Block::Frame(frame))) if frame.first() == entry.first)
    }

    fn blocks(&self, offset: u64) -> io::Result<Blocks<Input>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Blocks::new(BufReader::with_capacity(BUFFER_BYTES, file), offset))
    }

    fn gap(&self, at: &GapAt) -> Gap {
        let damaged = || "what is there is damaged".to_owned();
        let why = match self.blocks(at.offset) {
            Ok(mut blocks) if at.offset > 0 => match blocks.next() {
                Ok(Some(Block::Note(Kind::Gap, says))) => why_of(says),
                _ => damaged(),
            },
            _ => damaged(),
        };
        Gap { from: at.from, to: at.to, why }
    }

    /// What the file says of itself.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Sequence number of the first record from which the file is of use.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.index.first()
    }

    /// The last record that can be read, and its time.
    #[must_use]
    pub fn last(&self) -> Option<(u64, Millis)> {
        let from = self.index.frames.last()?.first;
        let records = self.records_from(from).map_while(Result::ok);
        records.last().map(|(seq, record)| (seq, record.at))
    }

    /// The places of which it has an image, in the order of the log.
    #[must_use]
    pub fn images(&self) -> Vec<Place> {
        let mut places: Vec<Place> = self.index.images.iter().map(|image| image.place).collect();
        places.sort_by_key(|place| place.next);
        places.dedup_by_key(|place| place.next);
        places
    }

    /// Where records are missing between others.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// The state at one of the places.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub fn image(&self, place: Place) -> Result<(Core, Place), SnapshotError> {
        let mut chunks = self.chunks(place).ok().flatten();
        snapshot::read(|_| chunks.as_mut()?.next())
    }

    /// The chunks of the image of a place, as they are.
    ///
    /// # Errors
    /// [`CaptureError::Io`].
    pub fn chunks(
        &self,
        place: Place,
    ) -> Result<Option<impl Iterator<Item = Vec<u8>>>, CaptureError> {
        let is_it = |image: &&ImageAt| image.place.next == place.next;
        let Some(image) = self.index.images.iter().find(is_it) else { return Ok(None) };
        let mut blocks = self.blocks(image.offset)?;
        let mut is_over = false;
        Ok(Some(std::iter::from_fn(move || {
            let Ok(Some(Block::Chunk(chunk))) = blocks.next() else { return None };
            let is_behind = std::mem::replace(&mut is_over, chunk.is_last);
            (!is_behind).then(|| blocks.bytes().to_vec())
        })))
    }

    /// The records from a sequence number on, as far as they are intact. Ends after the first error.
    #[must_use]
    pub fn records_from(&self, seq: u64) -> Records {
        let (frames, recent) = (self.frames_from(seq), Recent::default());
        Records { frames, records: Vec::new().into_iter(), recent }
    }

    /// The messages that are in the file word by word, from its beginning, as far as it is intact;
    /// each with the number of the next record behind it. That record, or one soon after it, is what
    /// came of an answer.
    ///
    /// # Errors
    /// [`CaptureError::Io`].
    pub fn raw_messages(
        &self,
    ) -> Result<impl Iterator<Item = (u64, RawMessage)> + use<>, CaptureError> {
        let (mut blocks, mut next) = (self.blocks(self.blocks_at)?, self.first());
        Ok(std::iter::from_fn(move || {
            loop {
                match blocks.next() {
                    Ok(Some(Block::Note(Kind::Raw, says))) => {
                        if let Some(message) = RawMessage::read(says) {
                            return Some((next, message));
                        }
                    }
                    Ok(Some(Block::Frame(frame))) => next = frame.next(),
                    Ok(Some(Block::End)) | Ok(None) | Err(_) => return None,
                    Ok(Some(_)) => {}
                }
            }
        }))
    }

    /// The frames that hold the records from a sequence number on.
    pub(crate) fn frames_from(&self, seq: u64) -> Frames {
        let from = seq.max(self.first());
        let mut error = None;
        if let Some(gap) = self.gaps.iter().find(|gap| (gap.from..gap.to).contains(&from)) {
            error = Some(CaptureError::Gap { next: from, why: gap.why.clone() });
        }
        let offset = self.index.frame_before(from).map_or(self.blocks_at, |entry| entry.offset);
        let blocks = match self.blocks(offset) {
            Ok(blocks) => Some(blocks),
            Err(failure) => {
                error = Some(failure.into());
                None
            }
        };
        Frames { blocks, from, chain: None, error }
    }

    /// The number of the first record that is not earlier than `time`; the one after the last
    /// record if there is none.
    ///
    /// # Errors
    /// [`CaptureError::Io`].
    pub fn seq_at(&self, time: Millis) -> Result<u64, CaptureError> {
        let first = self.first();
        let mut next = self.index.frame_at(time).map_or(first, |frame| frame.first.max(first));
        loop {
            for item in self.records_from(next) {
                let Ok((seq, record)) = item else { break };
                if record.at >= time {
                    return Ok(seq);
                }
                next = seq + 1;
            }
            match self.index.gap_at(next) {
                Some(gap) if gap.to > next => next = gap.to,
                _ => return Ok(next),
            }
        }
    }
}

fn why_of(says: &[u8]) -> String {
    let why = says.get(16..).unwrap_or_default();
    String::from_utf8_lossy(&why[..why.len().min(WHY_BYTES_MAX)]).into_owned()
}

// ---- frames and records -----------------------------------------------------------------------

/// Frames as they are, in the order of the file. Ends after the first error.
pub(crate) struct Frames {
    /// `None` when it is over.
    blocks: Option<Blocks<Input>>,
    from: u64,
    chain: Option<Chain>,
    error: Option<CaptureError>,
}

impl Frames {
    /// Gives the next frame that has a wanted record to `take`, with its bytes; `None` at the end.
    pub(crate) fn next_with<T>(
        &mut self,
        take: impl FnOnce(&Frame<'_>, &[u8]) -> Result<T, FrameError>,
    ) -> Option<Result<T, CaptureError>> {
        if let Some(error) = self.error.take() {
            self.blocks = None;
            return Some(Err(error));
        }
        let item = self.find(take);
        if !matches!(item, Some(Ok(_))) {
            self.blocks = None;
        }
        item
    }

    fn find<T>(
        &mut self,
        take: impl FnOnce(&Frame<'_>, &[u8]) -> Result<T, FrameError>,
    ) -> Option<Result<T, CaptureError>> {
        let blocks = self.blocks.as_mut()?;
        let next = |chain: Option<Chain>, from: u64| chain.map_or(from, |c| c.next().max(from));
        loop {
            let block = match blocks.next() {
                Ok(block) => block,
                Err(why) => return Some(Err(why.at(next(self.chain, self.from)))),
            };
            match block {
                None => {
                    return Some(Err(CaptureError::CutOff { next: next(self.chain, self.from) }));
                }
                Some(Block::End | Block::Note(Kind::Index, _)) => return None,
                Some(Block::Note(Kind::Gap, says)) => {
                    let (next, why) = (next(self.chain, self.from), why_of(says));
                    return Some(Err(CaptureError::Gap { next, why }));
                }
                Some(Block::Chunk(_) | Block::Note(..)) => {}
                Some(Block::Frame(frame)) => {
                    // One may begin anywhere in a log.
                    let mut chain = self.chain.unwrap_or(Chain::at(frame.first(), None));
                    let before = next(self.chain, self.from);
                    let linked = chain.link(&frame);
                    if linked.is_ok() && frame.next() <= self.from {
                        self.chain = Some(chain);
                        continue;
                    }
                    let bytes = frame.bytes();
                    let taken = linked.and_then(|()| take(&frame, bytes));
                    self.chain = Some(chain);
                    return Some(
                        taken.map_err(|error| CaptureError::Frame { next: before, error }),
                    );
                }
            }
        }
    }
}

impl NoBlock {
    fn at(self, next: u64) -> CaptureError {
        match self {
            NoBlock::Io(error) => CaptureError::Io(error),
            NoBlock::Frame(error) => CaptureError::Frame { next, error },
            NoBlock::Damaged(what) => CaptureError::Damaged { next, what: what.to_owned() },
        }
    }
}

/// Records of a capture file with their sequence numbers. Ends after the first error.
pub struct Records {
    frames: Frames,
    records: std::vec::IntoIter<(u64, Record)>,
    recent: Recent,
}

impl Records {
    /// The chain up to the frame of the last record that was taken.
    pub(crate) fn chain_so_far(&self) -> Option<Chain> {
        self.frames.chain
    }
}

impl Iterator for Records {
    type Item = Result<(u64, Record), CaptureError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.records.next() {
                return Some(Ok(record));
            }
            let (from, recent) = (self.frames.from, &mut self.recent);
            let records = self.frames.next_with(|frame, _| {
                let mut records = Vec::with_capacity(frame.len());
                for item in frame.records_knowing(recent) {
                    let (seq, record) = item?;
                    if seq >= from {
                        records.push((seq, record));
                    }
                }
                Ok(records)
            })?;
            match records {
                Ok(records) => self.records = records.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

// ---- a file without an index ------------------------------------------------------------------

/// Looks through a file for what is where.
struct Survey {
    index: Index,
    chain: Option<Chain>,
    /// Whether damage was met, and no intact frame since.
    is_behind_damage: bool,
    /// How much may still be searched behind damage.
    search_left: u64,
}

impl Survey {
    fn of(mut blocks: Blocks<Input>) -> io::Result<Index> {
        let (index, search_left) = (Index::default(), LOOK_BEHIND_DAMAGE_BYTES);
        let mut survey = Survey { index, chain: None, is_behind_damage: false, search_left };
        loop {
            let offset = blocks.offset();
            match blocks.next() {
                Ok(Some(Block::End)) | Ok(None) => return Ok(survey.index),
                Ok(Some(block)) => survey.take(&block, offset),
                Err(NoBlock::Io(error)) => return Err(error),
                Err(_) => match survey.search(blocks, offset + 1)? {
                    Some(found) => blocks = found,
                    None => return Ok(survey.index),
                },
            }
        }
    }

    fn take(&mut self, block: &Block<'_>, offset: u64) {
        match block {
            Block::Frame(frame) => self.frame(frame, offset),
            Block::Chunk(chunk) if chunk.number == 0 => {
                self.index.image(ImageAt { place: chunk.place, offset });
            }
            Block::Note(Kind::Gap, says) => {
                let number = |at: usize| Some(u64::from_le_bytes(*says.get(at..)?.first_chunk()?));
                if let (Some(from), Some(to)) = (number(0), number(8)) {
                    self.index.gap(GapAt { from, to, offset });
                    self.chain = None;
                }
            }
            _ => {}
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, offset: u64) {
        let is_behind_damage = std::mem::take(&mut self.is_behind_damage);
        let mut chain = self.chain.unwrap_or_else(|| match self.index.images.last() {
            Some(image) if is_behind_damage => Chain::at(image.place.next.min(frame.first()), None),
            None if is_behind_damage => Chain::at(0, None),
            _ => Chain::at(frame.first(), None),
        });
        match chain.link(frame) {
            Ok(()) => {}
            // Out of its place; what should be here may be damaged or elsewhere.
            Err(_) if frame.first() < chain.next() => return,
            Err(_) => {
                self.index.gap(GapAt { from: chain.next(), to: frame.first(), offset: 0 });
                chain = Chain::at(frame.first(), None);
                // It is the first one of this chain.
                let _ = chain.link(frame);
            }
        }
        self.chain = Some(chain);
        self.index.frame(FrameAt { first: frame.first(), at: frame.at(), offset });
    }

    /// Looks for the next block that is intact.
    fn search(&mut self, blocks: Blocks<Input>, from: u64) -> io::Result<Option<Blocks<Input>>> {
        self.is_behind_damage = true;
        let mut input = blocks.into_input();
        let mut at = from;
        input.seek(SeekFrom::Start(at))?;
        let mut window = Vec::new();
        while self.search_left > 0 {
            let before = window.len();
            block::read_up_to(&mut input, BUFFER_BYTES, &mut window)?;
            if window.len() == before {
                return Ok(None);
            }
            self.search_left = self.search_left.saturating_sub((window.len() - before) as u64);
            let found = (0..window.len().saturating_sub(3))
                .filter(|n| window[*n..].starts_with(b"TPL"))
                .find(|n| is_block_at(&mut input, at + *n as u64));
            if let Some(found) = found {
                at += found as u64;
                input.seek(SeekFrom::Start(at))?;
                return Ok(Some(Blocks::new(input, at)));
            }
            // The next one may begin across the edge.
            let kept = window.len().min(3);
            at += (window.len() - kept) as u64;
            window.drain(..window.len() - kept);
            input.seek(SeekFrom::Start(at + kept as u64))?;
        }
        Ok(None)
    }
}

fn is_block_at(input: &mut Input, offset: u64) -> bool {
    input.seek(SeekFrom::Start(offset)).is_ok()
        && matches!(
            Blocks::new(input.by_ref(), offset).next(),
            Ok(Some(Block::Frame(_) | Block::Chunk(_)))
        )
}
