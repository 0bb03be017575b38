//! The permanent ids that were ever given, beside the log, so that they outlive it.
//!
//! A snapshot has them too. But the shape of snapshots changes with the program, and then the log is
//! folded instead; when its beginning is no longer there, this table is what it goes on from. It only
//! grows, in the order in which lines were first seen. It is cut into parts that name themselves, so
//! that they are found in the bytes of a storage that cannot be opened. All numbers little-endian:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | magic `TPLI` |
//! | 4 | 4 | number of the part, from 0 |
//! | 8 | 4 | how many ids are in it, at most 100 |
//! | 12 | 4 | CRC-32 of everything else |
//! | 16 | 20 each | a GUID (16 bytes) and the id (4 bytes) |

use super::storage::{Storage, StorageError, Stored};
use engine::core::Core;
use engine::effect::Effects;
use engine::fact::{Event, HostFact, Record};
use engine::id::{Guid, PermanentId};
use engine::time::Millis;

/// First bytes of every part.
pub(super) const MAGIC: [u8; 4] = *b"TPLI";

const HEADER_BYTES: usize = 16;
const CRC_AT: usize = 12;
const ENTRY_BYTES: usize = 20;
/// Ids in a full part.
const IN_A_PART: usize = 100;

/// An id and whose it is.
type Entry = (Guid, PermanentId);

/// Adds the ids that are new; `kept` is how many there are already. Not yet flushed.
pub(super) fn keep(storage: &Storage, core: &Core, kept: &mut usize) -> Result<(), StorageError> {
    // The last part is written again, if it was not full.
    let from = *kept / IN_A_PART * IN_A_PART;
    let mut ids = core.estate().ids().skip(from);
    let mut count = from;
    for number in (from / IN_A_PART) as u32.. {
        let part: Vec<Entry> = ids.by_ref().take(IN_A_PART).collect();
        count += part.len();
        if part.is_empty() || count <= *kept {
            break;
        }
        storage.put_ids(number, &stored(number, &part))?;
    }
    *kept = count.max(*kept);
    Ok(())
}

/// How many ids are kept in a storage.
pub(super) fn count(storage: &Storage) -> Result<usize, StorageError> {
    let last = storage.last_ids()?;
    let last = last.as_deref().and_then(read);
    Ok(last.map_or(0, |(number, ids)| number as usize * IN_A_PART + ids.len()))
}

/// A state that knows nothing but the ids; `part` gives the parts of the table.
pub(super) fn state(
    mut part: impl FnMut(u32) -> Result<Option<Stored>, StorageError>,
    at: Millis,
) -> Result<Core, StorageError> {
    let (mut core, mut effects) = (Core::default(), Effects::new());
    for number in 0.. {
        let Some(bytes) = part(number)? else { break };
        let Some((_, ids)) = read(&bytes) else { break };
        for ids in ids.chunks(HostFact::MAX_IDS) {
            let event = Event::Host(HostFact::IdsImported(ids.into()));
            core.apply(Record { at, event }, &mut effects);
            effects.clear();
        }
    }
    Ok(core)
}

fn stored(number: u32, ids: &[Entry]) -> Vec<u8> {
    let mut part = Vec::with_capacity(HEADER_BYTES + ids.len() * ENTRY_BYTES);
    part.extend_from_slice(&MAGIC);
    part.extend_from_slice(&number.to_le_bytes());
    // At most a hundred.
    part.extend_from_slice(&(ids.len() as u32).to_le_bytes());
    part.extend_from_slice(&[0; 4]);
    for (guid, id) in ids {
        part.extend_from_slice(&guid.0);
        part.extend_from_slice(&id.0.to_le_bytes());
    }
    let crc = checksum(&part);
    part[CRC_AT..HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
    part
}

/// The number of the part at the beginning of these bytes, and what is in it.
fn read(bytes: &[u8]) -> Option<(u32, Vec<Entry>)> {
    let (number, len) = find(bytes)?;
    let entry = |bytes: &[u8]| {
        let (guid, id) = bytes.split_first_chunk()?;
        Some((Guid(*guid), PermanentId(u32::from_le_bytes(*id.first_chunk()?))))
    };
    let entries = bytes[HEADER_BYTES..len].chunks_exact(ENTRY_BYTES);
    Some((number, entries.map_while(entry).collect()))
}

/// The number and length of an intact part at the beginning of these bytes, if there is one.
pub(super) fn find(bytes: &[u8]) -> Option<(u32, usize)> {
    let number = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let count = number(8).filter(|count| *count as usize <= IN_A_PART)? as usize;
    let len = HEADER_BYTES + count * ENTRY_BYTES;
    let part = bytes.get(..len).filter(|part| part.starts_with(&MAGIC))?;
    (number(CRC_AT)? == checksum(part)).then_some((number(4)?, len))
}

fn checksum(part: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&part[..CRC_AT]);
    hasher.update(&part[HEADER_BYTES..]);
    hasher.finalize()
}
