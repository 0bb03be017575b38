//! Segments put together again: what each end of a connection said, in order.
//!
//! Segments may come twice, overlap, or in another order than they were sent. All of a connection
//! are kept until the file has ended, so nothing has to be guessed. What is missing then was lost
//! where the packets were taken down; the bytes before and behind are told apart.

use super::TrafficError;
use super::segments::Segment;
use engine::time::Millis;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Most bytes of payload that are kept (I-24). What PBXs say in a day is a hundredth of it.
pub(super) const MAX_BYTES: usize = 512 * 1024 * 1024;
/// Most segments that are kept (I-24).
pub(super) const MAX_SEGMENTS: usize = 16 * 1024 * 1024;
/// Most connections (I-24).
pub(super) const MAX_CONNECTIONS: usize = 1024 * 1024;

/// All connections of a file.
#[derive(Default)]
pub(super) struct Streams {
    /// By both ends, the lower one first; the latest last.
    connections: BTreeMap<(SocketAddr, SocketAddr), Vec<Connection>>,
    count: usize,
    bytes: usize,
    segments: usize,
}

/// A connection.
pub(super) struct Connection {
    /// What the lower end said, and the other one.
    pub(super) sides: [Side; 2],
    /// Nothing in it can be read.
    pub(super) is_tls: bool,
}

/// One direction of a connection.
pub(super) struct Side {
    pub(super) from: SocketAddr,
    /// Before its first byte.
    isn: Option<u32>,
    pieces: Vec<Piece>,
    /// It says nothing more.
    pub(super) is_closed: bool,
}

struct Piece {
    /// Which segment of the file it was.
    number: u64,
    at: Millis,
    seq: u32,
    bytes: Box<[u8]>,
}

/// Bytes without a gap between them.
#[derive(Default)]
pub(super) struct Run {
    pub(super) bytes: Vec<u8>,
    /// From which byte on they came with which segment, and when.
    marks: Vec<(usize, u64, Millis)>,
    /// How many are missing before them.
    pub(super) lost: u64,
}

impl Streams {
    /// Takes one segment.
    pub(super) fn take(&mut self, segment: &Segment<'_>) -> Result<(), TrafficError> {
        self.segments += 1;
        self.bytes += segment.payload.len();
        if self.bytes > MAX_BYTES || self.segments > MAX_SEGMENTS {
            return Err(TrafficError::TooLarge);
        }
        let ends = (segment.from.min(segment.to), segment.from.max(segment.to));
        let known = self.connections.entry(ends).or_default();
        let is_from_lower = segment.from == ends.0;
        let is_new = match known.last() {
            None => true,
            // The same ports once more.
            Some(last) => {
                let side = &last.sides[usize::from(!is_from_lower)];
                let begins = segment.begins && !segment.is_answered;
                begins && side.isn != Some(segment.seq) && !side.pieces.is_empty()
            }
        };
        if is_new {
            self.count += 1;
            if self.count > MAX_CONNECTIONS {
                return Err(TrafficError::TooLarge);
            }
            known.push(Connection::between(ends));
        }
        if let Some(connection) = known.last_mut() {
            connection.take(segment, usize::from(!is_from_lower), self.segments as u64);
            if connection.is_tls {
                self.bytes -= segment.payload.len();
            }
        }
        Ok(())
    }

    /// All connections.
    pub(super) fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values().flatten()
    }
}

impl Connection {
    fn between(ends: (SocketAddr, SocketAddr)) -> Connection {
        let side = |from| Side { from, isn: None, pieces: Vec::new(), is_closed: false };
        Connection { sides: [side(ends.0), side(ends.1)], is_tls: false }
    }

    fn take(&mut self, segment: &Segment<'_>, side: usize, number: u64) {
        let side = &mut self.sides[side];
        side.is_closed |= segment.ends;
        if segment.begins {
            side.isn = Some(segment.seq);
        }
        if segment.payload.is_empty() || self.is_tls {
            return;
        }
        if side.pieces.is_empty() && is_tls(segment.payload) {
            self.is_tls = true;
            return;
        }
        let seq = segment.seq.wrapping_add(u32::from(segment.begins));
        let bytes = segment.payload.into();
        side.pieces.push(Piece { number, at: segment.at, seq, bytes });
    }
}

/// Whether bytes are a record of TLS.
fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x14..=0x17, 3, 0..=4, ..])
}

impl Side {
    /// What was said, put together.
    pub(super) fn runs(&self) -> Vec<Run> {
        let mut places = self.places();
        places.sort_by_key(|(start, piece)| (*start, piece.number));
        let mut runs: Vec<Run> = Vec::new();
        let mut next = match self.isn {
            Some(_) => 0,
            None => places.first().map_or(0, |(start, _)| *start),
        };
        for (start, piece) in places {
            let end = start + piece.bytes.len() as i64;
            if end <= next {
                continue;
            }
            if start > next || runs.is_empty() {
                let lost = u64::try_from(start - next).unwrap_or(0);
                runs.push(Run { lost, ..Run::default() });
                next = next.max(start);
            }
            if let Some(run) = runs.last_mut() {
                run.marks.push((run.bytes.len(), piece.number, piece.at));
                let new = usize::try_from(next - start).unwrap_or(0);
                run.bytes.extend_from_slice(piece.bytes.get(new..).unwrap_or(&[]));
            }
            next = end;
        }
        runs
    }

    /// The pieces with the number of their first byte. Sequence numbers begin anew after 4 GiB, so
    /// each is taken for the nearest one to that of the piece before.
    fn places(&self) -> Vec<(i64, &Piece)> {
        let Some(first) = self.pieces.first() else { return Vec::new() };
        let origin = self.isn.map_or(first.seq, |isn| isn.wrapping_add(1));
        let (mut seq, mut place) = (origin, 0i64);
        let step = |piece: &'_ Piece| {
            // The distance as a signed number of 32 bits.
            place += i64::from(piece.seq.wrapping_sub(seq) as i32);
            seq = piece.seq;
            place
        };
        let starts: Vec<i64> = self.pieces.iter().map(step).collect();
        starts.into_iter().zip(&self.pieces).collect()
    }
}

impl Run {
    /// With which segment the byte at a place came, and when.
    pub(super) fn came(&self, at: usize) -> (u64, Millis) {
        let index = self.marks.partition_point(|(start, ..)| *start <= at).saturating_sub(1);
        self.marks.get(index).map_or((0, Millis(0)), |(_, number, at)| (*number, *at))
    }

    /// When the last of these bytes had come.
    pub(super) fn complete(&self, from: usize, to: usize) -> Millis {
        let within = self.marks.iter().filter(|(start, ..)| *start < to.max(from + 1));
        let within = within.skip_while(|(start, ..)| *start < from).map(|(.., at)| *at);
        within.max().unwrap_or(Millis(0)).max(self.came(from).1)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ends() -> (SocketAddr, SocketAddr) {
        (([192, 0, 2, 1], 5000).into(), ([192, 0, 2, 2], 80).into())
    }

    fn segment(seq: u32, payload: &[u8]) -> Segment<'_> {
        let (from, to) = ends();
        let (at, begins) = (Millis(u64::from(seq)), false);
        Segment { at, from, to, seq, begins, is_answered: true, ends: false, payload }
    }

    fn said(segments: &[Segment<'_>]) -> Vec<(u64, String)> {
        let mut streams = Streams::default();
        segments.iter().for_each(|segment| streams.take(segment).unwrap());
        let connection = streams.connections().next().unwrap();
        let runs = connection.sides[0].runs().into_iter();
        runs.map(|run| (run.lost, String::from_utf8(run.bytes).unwrap())).collect()
    }

    #[test]
    fn segments_that_overlap_or_come_twice_or_late_say_it_once() {
        let all = [
            segment(10, b"abc"),
            segment(16, b"ghi"),
            segment(13, b"def"),
            segment(10, b"abc"),
            segment(14, b"efgh"),
            segment(18, b"ijk"),
        ];
        assert_eq!(said(&all), [(0, "abcdefghijk".to_owned())]);
    }

    #[test]
    fn what_is_missing_divides_what_is_there() {
        let begin = Segment { begins: true, is_answered: false, ..segment(u32::MAX - 1, b"") };
        let all = [begin, segment(u32::MAX, b"abc"), segment(7, b"xyz")];
        assert_eq!(said(&all), [(0, "abc".to_owned()), (5, "xyz".to_owned())]);
        let late = [Segment { begins: true, ..segment(9, b"") }, segment(12, b"abc")];
        assert_eq!(said(&late), [(2, "abc".to_owned())]);
    }

    #[test]
    fn the_same_ports_once_more_are_another_connection_and_tls_is_not_kept() {
        let begin = |seq| Segment { begins: true, is_answered: false, ..segment(seq, b"") };
        let mut streams = Streams::default();
        for segment in [begin(1), begin(1), segment(2, b"one"), begin(900), segment(901, b"two")] {
            streams.take(&segment).unwrap();
        }
        let said = streams.connections().map(|c| c.sides[0].runs()[0].bytes.clone());
        assert_eq!(said.collect::<Vec<_>>(), [b"one", b"two"]);
        let mut streams = Streams::default();
        streams.take(&segment(1, &[0x16, 3, 1, 0, 5, 1])).unwrap();
        streams.take(&segment(7, b"more")).unwrap();
        let connection = streams.connections().next().unwrap();
        assert!(connection.is_tls && connection.sides[0].runs().is_empty());
    }

    proptest! {
        #[test]
        fn in_whatever_order_and_pieces_it_came_it_is_the_same(
            start: u32,
            cuts in proptest::collection::vec((0usize..60, 1usize..20), 1..40),
            seed: u64,
        ) {
            let text: Vec<u8> = (0..80u8).map(|n| b'0' + n % 64).collect();
            // Once all of it, and any pieces of it beside, in any order.
            let mut all: Vec<(usize, usize)> = (0..8).map(|n| (n * 10, 10)).collect();
            all.extend(cuts);
            let len = all.len();
            for at in 0..len {
                all.swap(at, (seed.rotate_left(at as u32) % len as u64) as usize);
            }
            let piece = |(at, len): &(usize, usize)| {
                let seq = start.wrapping_add(1).wrapping_add(*at as u32);
                segment(seq, &text[*at..at + len])
            };
            let begin = Segment { begins: true, ..segment(start, b"") };
            let segments: Vec<Segment<'_>> =
                std::iter::once(begin).chain(all.iter().map(piece)).collect();
            let found = said(&segments);
            prop_assert_eq!(found, [(0, String::from_utf8(text.clone()).unwrap())]);
        }
    }
}
