//! The two kinds of records of which a log mostly consists, events of calls and what became of
//! callbacks, read straight from their bytes; and the callbacks about calls, written straight.
//!
//! The package that reads all others asks for each field through several layers, which takes five
//! times as long. What is read here is what it would read; whatever looks otherwise than expected,
//! be it damaged or only written in an unusual way, is left to it, and so are all errors.

use super::MAX_TELLING_BYTES;
use crate::effect::{Notice, Telling, What};
use crate::fact::{self, CallInfo, Event, Msg, Outcome, Parties, Party, PbxFact, Role};
use crate::id::{Attempt, CallId, Guid, PbxId};
use crate::pii::Personal;

/// Reads a record that fills `bytes` exactly: its distance from the base of its frame in
/// milliseconds, and the event. `None` leaves it to the ordinary way.
pub(super) fn decode(bytes: &[u8], recent: Option<&mut Recent>) -> Option<(u64, Event)> {
    let mut source = Source(bytes);
    let after_ms = source.long()?;
    let event = match source.byte()? {
        PBX => {
            let (pbx, attempt) = (PbxId(source.half()?), Attempt(source.word()?));
            if source.byte()? != CALL {
                return None;
            }
            Event::Pbx(pbx, attempt, PbxFact::Call(call_info(&mut source, recent)?))
        }
        TOLD => Event::Told(source.list(told)?),
        _ => return None,
    };
    source.0.is_empty().then_some((after_ms, event))
}

// Indices of variants in `fact.rs`, which never change.
const PBX: u8 = 1;
const TOLD: u8 = 5;
const CALL: u8 = 4;

/// A longer list is left to the ordinary way, which counts what it takes in memory.
const MOST_ITEMS: usize = 4096;

/// The parties of calls as they were read of late. The events of a call mostly tell the same of
/// them, and take more time for that than for all the rest.
#[derive(Debug)]
pub struct Recent(Box<[Told]>);

/// What was told of a call, and how it was written.
#[derive(Clone, Debug, Default)]
struct Told {
    bytes: Vec<u8>,
    parties: Parties,
}

impl Default for Recent {
    fn default() -> Recent {
        Recent(vec![Told::default(); RECENT_CALLS].into())
    }
}

impl Recent {
    /// What stands next in the source, of a leg with this handle.
    fn parties(&mut self, call: u32, source: &mut Source<'_>) -> Option<Parties> {
        let told = self.0.get_mut(call as usize % RECENT_CALLS)?;
        if let Some(rest) = source.0.strip_prefix(&*told.bytes).filter(|_| !told.bytes.is_empty()) {
            source.0 = rest;
            return Some(told.parties.clone());
        }
        let before = source.0;
        let parties: Parties = source.list(party)?.into();
        let used = before.len() - source.0.len();
        if used <= MOST_KEPT_BYTES {
            told.bytes.clear();
            told.bytes.extend_from_slice(&before[..used]);
            told.parties = parties.clone();
        }
        Some(parties)
    }
}

/// Handles mostly count on, so that this many calls at a time are not in each other's way.
const RECENT_CALLS: usize = 4096;

/// What takes more is read each time.
const MOST_KEPT_BYTES: usize = 256;

fn call_info(source: &mut Source<'_>, recent: Option<&mut Recent>) -> Option<CallInfo> {
    let (user, call) = (source.word()?, source.word()?);
    Some(CallInfo {
        user,
        call,
        active: source.bool()?,
        state: source.word()?,
        msg: msg(source)?,
        parties: match recent {
            Some(recent) => recent.parties(call, source)?,
            None => source.list(party)?.into(),
        },
        conf: Guid(source.array()?),
        cause: source.option(Source::byte)?,
        uui: source.option(Source::personal)?,
    })
}

fn party(source: &mut Source<'_>) -> Option<Party> {
    Some(Party {
        role: role(source)?,
        cn: source.personal()?,
        dn: source.personal()?,
        e164: source.personal()?,
        h323: source.personal()?,
    })
}

fn told(source: &mut Source<'_>) -> Option<fact::Told> {
    let (seq, crc) = (source.long()?, source.word()?);
    let outcome = match source.byte()? {
        0 => Outcome::Delivered,
        1 => Outcome::Withheld,
        2 => Outcome::Forced,
        _ => return None,
    };
    Some(fact::Told { seq, crc, outcome })
}

fn msg(source: &mut Source<'_>) -> Option<Msg> {
    Some(match source.byte()? {
        0 => Msg::None,
        1 => Msg::Del,
        2 => Msg::RCt,
        3 => Msg::RRel,
        4 => Msg::XSetup,
        5 => Msg::RSetup,
        6 => Msg::RSetupAck,
        7 => Msg::RCallProc,
        8 => Msg::XCallProc,
        9 => Msg::XAlert,
        10 => Msg::RAlert,
        11 => Msg::XConn,
        12 => Msg::RConn,
        13 => Msg::XDisc,
        14 => Msg::RDisc,
        15 => Msg::XRel,
        16 => Msg::Update,
        17 => Msg::RHeld,
        18 => Msg::RRetrieved,
        19 => Msg::Other(source.text()?.into()),
        _ => return None,
    })
}

fn role(source: &mut Source<'_>) -> Option<Role> {
    Some(match source.byte()? {
        0 => Role::This,
        1 => Role::Peer,
        2 => Role::Leg2,
        3 => Role::Leg2Orig,
        4 => Role::Leg1,
        5 => Role::Ct,
        6 => Role::Xfer,
        7 => Role::ParkedTo,
        8 => Role::Picking,
        9 => Role::Other(source.text()?.into()),
        _ => return None,
    })
}

/// Writes a callback about a call as the package would. `None` leaves it to that.
pub(super) fn telling(telling: &Telling) -> Option<Short> {
    let What::Notice(notice) = telling.what else { return None };
    let mut short = Short { bytes: [0; MAX_TELLING_BYTES], used: 0 };
    short.put_all(&[telling.line.0, telling.opening.0, NOTICE]);
    let mut put = |kind: u32, call: CallId, rest: &[u32]| {
        short.put_all(&[kind, call.line.0, call.serial]);
        short.put_all(rest);
    };
    match notice {
        Notice::NewCall(call) => put(NEW_CALL, call, &[]),
        Notice::CallState { call, state, mode, media } => {
            put(CALL_STATE, call, &[(state as u32).trailing_zeros(), mode, media]);
        }
        Notice::CallInfo(call, bits) => put(CALL_INFO, call, &[bits]),
        _ => return None,
    }
    Some(short)
}

// Indices of variants in `effect.rs`.
const NOTICE: u32 = 0;
const NEW_CALL: u32 = 2;
const CALL_STATE: u32 = 3;
const CALL_INFO: u32 = 4;

/// A callback, written.
pub(super) struct Short {
    bytes: [u8; MAX_TELLING_BYTES],
    used: usize,
}

impl Short {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    #[inline]
    fn put_all(&mut self, numbers: &[u32]) {
        numbers.iter().for_each(|number| self.put(*number));
    }

    /// There is room for twelve numbers of the largest kind; nobody puts more than nine.
    #[inline]
    fn put(&mut self, number: u32) {
        let [a, b, c, d] = number.to_le_bytes();
        let (bytes, used) = match number {
            ..251 => ([a, 0, 0, 0, 0], 1),
            251..65536 => ([251, a, b, 0, 0], 3),
            _ => ([252, a, b, c, d], 5),
        };
        if let Some(place) = self.bytes.get_mut(self.used..self.used + bytes.len()) {
            place.copy_from_slice(&bytes);
            self.used += used;
        }
    }
}

/// What is left of the bytes.
struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    #[inline]
    fn bool(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    /// A number of up to 16 bits: itself below 251, else 251 and two bytes.
    #[inline]
    fn half(&mut self) -> Option<u16> {
        match self.byte()? {
            byte @ ..251 => Some(byte.into()),
            251 => Some(u16::from_le_bytes(self.array()?)),
            _ => None,
        }
    }

    /// The same of up to 32 bits, or 252 and four bytes.
    #[inline]
    fn word(&mut self) -> Option<u32> {
        match self.0.first()? {
            252 => {
                self.byte()?;
                Some(u32::from_le_bytes(self.array()?))
            }
            _ => self.half().map(u32::from),
        }
    }

    /// The same of up to 64 bits, or 253 and eight bytes.
    #[inline]
    fn long(&mut self) -> Option<u64> {
        match self.0.first()? {
            253 => {
                self.byte()?;
                Some(u64::from_le_bytes(self.array()?))
            }
            _ => self.word().map(u64::from),
        }
    }

    #[inline]
    fn text(&mut self) -> Option<&'a str> {
        match self.word()? as usize {
            0 => Some(""),
            len => {
                let (text, rest) = self.0.split_at_checked(len)?;
                self.0 = rest;
                std::str::from_utf8(text).ok()
            }
        }
    }

    #[inline]
    fn personal(&mut self) -> Option<Personal> {
        Some(match self.text()? {
            "" => Personal::default(),
            text => text.into(),
        })
    }

    #[inline]
    fn option<T>(&mut self, value: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => value(self).map(Some),
            _ => None,
        }
    }

    /// As many items as it says, if they can be there: none takes less than a byte.
    #[inline]
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let len = self.word()? as usize;
        if len > self.0.len().min(MOST_ITEMS) {
            return None;
        }
        let mut items = Vec::with_capacity(len);
        for _ in 0..len {
            items.push(item(self)?);
        }
        Some(items)
    }
}
