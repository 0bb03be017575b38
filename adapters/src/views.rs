//! The views of all lines, published by the core and read by anyone without a lock.

use arc_swap::{ArcSwapOption, Guard};
use engine::id::LineId;
use engine::view::LineView;
use std::sync::{Arc, OnceLock};

/// A growing table of line views. Reading takes no lock and allocates nothing.
///
/// Lines are numbered densely from 1, so the table is a fixed directory of chunks, each made when
/// the first line in it appears and kept for ever.
pub struct Views {
    chunks: Box<[OnceLock<Box<Chunk>>]>,
}

type Chunk = [ArcSwapOption<LineView>; CHUNK_LINES];

const CHUNK_LINES: usize = 256;

/// Most lines a provider can have (invariant I-24).
pub const MAX_LINES: usize = 1 << 20;

impl Default for Views {
    fn default() -> Self {
        Views { chunks: (0..MAX_LINES / CHUNK_LINES).map(|_| OnceLock::new()).collect() }
    }
}

impl Views {
    /// Makes a view the one that readers see from now on. A line beyond [`MAX_LINES`] is not shown.
    pub fn publish(&self, line: LineId, view: Arc<LineView>) {
        let index = line.0 as usize;
        if let Some(chunk) = self.chunks.get(index / CHUNK_LINES) {
            let chunk = chunk
                .get_or_init(|| Box::new([const { ArcSwapOption::const_empty() }; CHUNK_LINES]));
            chunk[index % CHUNK_LINES].store(Some(view));
        }
    }

    /// The present view of a line, without touching its reference count: cheap, but not to be kept.
    #[must_use]
    pub fn read(&self, line: LineId) -> Option<Guard<Option<Arc<LineView>>>> {
        let index = line.0 as usize;
        let guard = self.chunks.get(index / CHUNK_LINES)?.get()?[index % CHUNK_LINES].load();
        guard.is_some().then_some(guard)
    }

    /// Shows the present view of each line, one after the other, to somebody who takes his time.
    pub fn each(&self, mut see: impl FnMut(&LineView)) {
        for line in self.chunks.iter().filter_map(OnceLock::get).flat_map(|chunk| chunk.iter()) {
            if let Some(view) = line.load().as_deref() {
                see(view);
            }
        }
    }
}
