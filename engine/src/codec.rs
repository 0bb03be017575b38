//! Records as bytes, and back. The only file that knows which package does it.
//!
//! The bytes of a record are the schema of the log. Enums are written as the index of their
//! variant, so the enums of `fact.rs` are append-only; the golden bytes below fail when one is
//! reordered. When a type must change otherwise, [`SCHEMA`] counts up, the old shape keeps its
//! types for ever, and [`decode`] lifts it to the present one.
//!
//! The bytes of a callback ([`telling_crc`]) are only ever compared, never read again; they are
//! pinned all the same, because the log keeps their checksums.

mod quick;

pub use quick::Recent;

use crate::effect::Telling;
use crate::fact::{Event, Record};
use crate::time::Millis;
use bincode::config::{Configuration, Limit, LittleEndian, NoLimit, Varint};
use bincode::de::read::Reader;
use bincode::enc::write::Writer;
use bincode::error::{DecodeError, EncodeError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Version of the shape of [`Record`]. Written into every frame.
pub const SCHEMA: u16 = 1;

/// Longest record in bytes. A PBX answer that would make a longer one is cut by its reader first,
/// so reaching this means a fault of ours (invariant I-24).
pub const MAX_RECORD_BYTES: usize = 1 << 20;

/// Longest whole-state image in bytes: some two hundred thousand lines.
pub const MAX_STATE_BYTES: usize = 1 << 28;

/// Why bytes and values do not go together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The bytes end before the value does.
    #[error("the value is cut off")]
    Truncated,
    /// There are bytes after the value.
    #[error("{0} bytes too many after the value")]
    Surplus(usize),
    /// The value takes, or claims to take, more than the limit.
    #[error("the value is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The bytes are not a value of this shape.
    #[error("the bytes are not a value of this shape: {0}")]
    Malformed(String),
    /// Written by a newer version of the program.
    #[error(
        "written with schema {found}, but this program knows schemas up to {known}; \
         use the version that wrote it, or a later one"
    )]
    NewerSchema {
        /// The schema found.
        found: u16,
        /// The newest one known here.
        known: u16,
    },
}

/// Appends a record to `out`. Its time is written as the distance from `base`, which makes it one
/// byte in most frames.
///
/// # Errors
/// [`CodecError::TooLarge`] beyond [`MAX_RECORD_BYTES`]; `out` is then as it was. A record earlier
/// than `base` is refused as [`CodecError::Malformed`]: the caller chose the base.
pub fn encode(record: &Record, base: Millis, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let Some(after_ms) = record.at.0.checked_sub(base.0) else {
        return Err(CodecError::Malformed("a record earlier than its frame".into()));
    };
    let start = out.len();
    let appender = Appender { out, limit: start + MAX_RECORD_BYTES };
    bincode::serde::encode_into_writer((after_ms, &record.event), appender, UNLIMITED).map_err(
        |error| {
            out.truncate(start);
            refused(error, MAX_RECORD_BYTES)
        },
    )
}

/// Reads one record that fills `bytes` exactly. `schema` and `base` come from its frame.
///
/// # Errors
/// Every [`CodecError`]; never panics, and allocates at most a small multiple of the limit.
pub fn decode(bytes: &[u8], schema: u16, base: Millis) -> Result<Record, CodecError> {
    decode_knowing(None, bytes, schema, base)
}

/// The same for many records, one after the other, with what was read of late at hand.
pub(crate) fn decode_knowing(
    recent: Option<&mut Recent>,
    bytes: &[u8],
    schema: u16,
    base: Millis,
) -> Result<Record, CodecError> {
    check_schema(schema)?;
    if bytes.len() > MAX_RECORD_BYTES {
        return Err(CodecError::TooLarge { limit: MAX_RECORD_BYTES });
    }
    let (after_ms, event) = match quick::decode(bytes, recent) {
        Some(value) => value,
        None => decode_any(bytes)?,
    };
    let Some(at) = base.0.checked_add(after_ms) else {
        return Err(CodecError::Malformed("a time beyond the end of time".into()));
    };
    Ok(Record { at: Millis(at), event })
}

fn decode_any(bytes: &[u8]) -> Result<(u64, Event), CodecError> {
    let (value, used) = bincode::serde::decode_from_slice(bytes, RECORD_LIMIT)
        .map_err(|error| unreadable(error, MAX_RECORD_BYTES))?;
    match bytes.len() - used {
        0 => Ok(value),
        surplus => Err(CodecError::Surplus(surplus)),
    }
}

/// Says whether records of a schema can be read here.
///
/// # Errors
/// [`CodecError::NewerSchema`], and [`CodecError::Malformed`] for 0, which was never written.
pub fn check_schema(schema: u16) -> Result<(), CodecError> {
    match schema {
        0 => Err(CodecError::Malformed("schema 0".into())),
        1..=SCHEMA => Ok(()),
        _ => Err(CodecError::NewerSchema { found: schema, known: SCHEMA }),
    }
}

/// CRC-32 of a callback, as `fact::Told` records it. Allocates nothing.
#[must_use]
pub fn telling_crc(telling: &Telling) -> u32 {
    if let Some(short) = quick::telling(telling) {
        return crc32fast::hash(short.bytes());
    }
    let mut bytes = [0; MAX_TELLING_BYTES];
    let used = bincode::serde::encode_into_slice(telling, &mut bytes, UNLIMITED);
    // A callback is a dozen numbers at most.
    debug_assert!(used.is_ok(), "{telling:?}");
    crc32fast::hash(&bytes[..used.unwrap_or(MAX_TELLING_BYTES)])
}

/// Longest callback in bytes: no more than twelve numbers, of up to five bytes each.
const MAX_TELLING_BYTES: usize = 64;

/// Appends a part of the state to `sink` piece by piece, for a snapshot.
///
/// # Errors
/// [`CodecError::TooLarge`] beyond [`MAX_STATE_BYTES`].
pub(crate) fn encode_state<T: Serialize>(
    value: &T,
    sink: &mut impl FnMut(&[u8]),
) -> Result<(), CodecError> {
    let pieces = Pieces { sink, left: MAX_STATE_BYTES };
    bincode::serde::encode_into_writer(value, pieces, UNLIMITED)
        .map_err(|error| refused(error, MAX_STATE_BYTES))
}

/// Reads a part of the state; `source` fills the whole slice it is given, or says that it cannot.
///
/// # Errors
/// Every [`CodecError`] but the one about schemas.
pub(crate) fn decode_state<T: DeserializeOwned>(
    source: &mut impl FnMut(&mut [u8]) -> bool,
) -> Result<T, CodecError> {
    bincode::serde::decode_from_reader(Source(source), STATE_LIMIT)
        .map_err(|error| unreadable(error, MAX_STATE_BYTES))
}

const UNLIMITED: Configuration<LittleEndian, Varint, NoLimit> = bincode::config::standard();
const RECORD_LIMIT: Configuration<LittleEndian, Varint, Limit<MEMORY_PER_RECORD>> =
    bincode::config::standard().with_limit();
const STATE_LIMIT: Configuration<LittleEndian, Varint, Limit<MEMORY_PER_STATE>> =
    bincode::config::standard().with_limit();

/// The limit of the package counts what values take in memory (a number of one byte on disk may
/// count as eight), so it is a multiple of the limit on disk.
const MEMORY_PER_RECORD: usize = MAX_RECORD_BYTES * 8;
const MEMORY_PER_STATE: usize = MAX_STATE_BYTES * 8;

struct Appender<'a> {
    out: &'a mut Vec<u8>,
    limit: usize,
}

impl Writer for Appender<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        if self.out.len() + bytes.len() > self.limit {
            return Err(EncodeError::UnexpectedEnd);
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }
}

struct Pieces<'a, F> {
    sink: &'a mut F,
    left: usize,
}

impl<F: FnMut(&[u8])> Writer for Pieces<'_, F> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let Some(left) = self.left.checked_sub(bytes.len()) else {
            return Err(EncodeError::UnexpectedEnd);
        };
        self.left = left;
        (self.sink)(bytes);
        Ok(())
    }
}

struct Source<'a, F>(&'a mut F);

impl<F: FnMut(&mut [u8]) -> bool> Reader for Source<'_, F> {
    #[inline]
    fn read(&mut self, bytes: &mut [u8]) -> Result<(), DecodeError> {
        if (self.0)(bytes) { Ok(()) } else { Err(DecodeError::UnexpectedEnd { additional: 1 }) }
    }
}

/// Our writers refuse for one reason only: the limit.
fn refused(error: EncodeError, limit: usize) -> CodecError {
    match error {
        EncodeError::UnexpectedEnd => CodecError::TooLarge { limit },
        other => CodecError::Malformed(other.to_string()),
    }
}

fn unreadable(error: DecodeError, limit: usize) -> CodecError {
    match error {
        DecodeError::UnexpectedEnd { .. } => CodecError::Truncated,
        DecodeError::LimitExceeded => CodecError::TooLarge { limit },
        other => CodecError::Malformed(other.to_string()),
    }
}

#[cfg(test)]
mod golden;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::effect::{Notice, What};
    use crate::fact::{CallInfo, Parties, PbxFact};
    use crate::id::{Attempt, CallId, LineId, Opening, PbxId};
    use crate::strategy::{any_record, any_telling, call_info};
    use crate::tapi::CallState;
    use proptest::prelude::*;

    #[test]
    fn a_record_from_a_newer_schema_is_told_from_a_broken_one() {
        let error = decode(&[0, 0, 0], SCHEMA + 1, Millis(0)).unwrap_err();
        assert_eq!(error, CodecError::NewerSchema { found: SCHEMA + 1, known: SCHEMA });
        assert!(matches!(check_schema(0), Err(CodecError::Malformed(_))));
    }

    #[test]
    fn a_record_beyond_the_limit_is_refused_and_leaves_nothing_behind() {
        let text = "x".repeat(MAX_RECORD_BYTES);
        let fact = crate::fact::PbxFact::Failed(
            crate::fact::Question::Poll,
            crate::fact::Failure::Garbled(text.into()),
        );
        let event = Event::Pbx(crate::id::PbxId(0), crate::id::Attempt(1), fact);
        let mut out = vec![1, 2, 3];
        let error = encode(&Record { at: Millis(0), event }, Millis(0), &mut out).unwrap_err();
        assert_eq!(error, CodecError::TooLarge { limit: MAX_RECORD_BYTES });
        assert_eq!(out, [1, 2, 3]);
    }

    #[test]
    fn a_length_that_claims_the_world_allocates_nothing_of_it() {
        // Event::Reply, failed with a fault whose text claims 2^63 bytes.
        let mut bytes = vec![0, 3, 1, 1, 2, 6, 253];
        bytes.extend_from_slice(&(1u64 << 63).to_le_bytes());
        let error = decode(&bytes, SCHEMA, Millis(0)).unwrap_err();
        assert!(!matches!(error, CodecError::Surplus(_)), "{error}");
    }

    #[test]
    fn the_largest_callbacks_fit_into_the_bytes_set_aside_for_them() {
        let most = u32::MAX;
        let (line, call) = (LineId(most), CallId { line: LineId(most), serial: most });
        let state = CallState::Conferenced;
        for notice in [
            Notice::CallState { call, state, mode: most, media: most },
            Notice::LineDevState(most, most, most),
            Notice::Generated { call, term: most, tag: most },
        ] {
            let telling = Telling { line, opening: Opening(most), what: What::Notice(notice) };
            let bytes = bincode::serde::encode_to_vec(&telling, UNLIMITED).unwrap();
            assert!(bytes.len() <= MAX_TELLING_BYTES, "{} bytes", bytes.len());
            assert_eq!(telling_crc(&telling), crc32fast::hash(&bytes));
        }
    }

    proptest! {
        #[test]
        fn any_record_comes_back(record in any_record(), earlier in any::<u64>()) {
            let base = Millis(record.at.0.min(earlier));
            let mut bytes = Vec::new();
            encode(&record, base, &mut bytes).unwrap();
            prop_assert_eq!(decode(&bytes, SCHEMA, base).unwrap(), record);
        }

        #[test]
        fn a_record_cut_anywhere_or_with_bytes_added_is_refused(record in any_record(), at: prop::sample::Index) {
            let mut bytes = Vec::new();
            encode(&record, Millis(0), &mut bytes).unwrap();
            let cut = at.index(bytes.len());
            prop_assert!(decode(&bytes[..cut], SCHEMA, Millis(0)).is_err());
            bytes.push(0);
            prop_assert_eq!(decode(&bytes, SCHEMA, Millis(0)), Err(CodecError::Surplus(1)));
        }

        #[test]
        fn what_is_read_quickly_is_what_the_package_reads(
            record in any_record(), at: prop::sample::Index, byte: u8, is_changed: bool,
        ) {
            let mut bytes = Vec::new();
            encode(&record, Millis(0), &mut bytes).unwrap();
            if is_changed {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let quickly = quick::decode(&bytes, None);
            let is_frequent = matches!(record.event, Event::Told(_) | Event::Pbx(_, _, PbxFact::Call(_)));
            prop_assert!(is_changed || quickly.is_some() == is_frequent);
            if let Some(value) = quickly {
                prop_assert_eq!(decode_any(&bytes), Ok(value));
            }
        }

        /// Three legs that are in each other's way; many events tell what the one before told.
        #[test]
        fn what_was_read_of_late_is_what_would_be_read_again(
            told in prop::collection::vec((call_info(), 0u32..3, any::<bool>()), 2..40),
        ) {
            let mut recent = Recent::default();
            let mut parties = Parties::NONE;
            for (info, call, is_news) in told {
                if is_news {
                    parties = info.parties.clone();
                }
                let info = CallInfo { call: call * 4096, parties: parties.clone(), ..info };
                let event = Event::Pbx(PbxId(0), Attempt(0), PbxFact::Call(info));
                let record = Record { at: Millis(0), event };
                let mut bytes = Vec::new();
                encode(&record, Millis(0), &mut bytes).unwrap();
                let read = decode_knowing(Some(&mut recent), &bytes, SCHEMA, Millis(0));
                prop_assert_eq!(read, Ok(record));
            }
        }

        #[test]
        fn the_checksum_of_a_callback_is_that_of_what_the_package_writes(telling in any_telling()) {
            let bytes = bincode::serde::encode_to_vec(&telling, UNLIMITED).unwrap();
            prop_assert_eq!(telling_crc(&telling), crc32fast::hash(&bytes));
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes, SCHEMA, Millis(u64::MAX / 2));
        }
    }
}
