//! The functions as a telephony server calls them: through their C signatures, with a session in
//! place whose engine and views are made by hand.

mod asking;
mod conference;
mod digits;
mod forwarding;
mod misuse;
mod park;
mod quick;
mod reading;
mod supplementary;

use super::*;
use crate::abi::*;
use crate::session::testing::{LINE, Stage, call, on_event, view};
use engine::fact::Command;
use engine::id::{CallId, Opening};
use engine::tapi::{CallState, call_feature};
use engine::view::LineView;
use std::ptr::{null, null_mut};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// There is one place for a session in a process, so these tests take turns.
struct InPlace {
    stage: Stage,
    line: HDrvLine,
    _alone: MutexGuard<'static, ()>,
}

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl InPlace {
    fn new() -> InPlace {
        let alone = alone();
        let stage = Stage::new();
        HOST.current.put(Arc::clone(&stage.session));
        let mut line = 0;
        let server_line = stage.server.number + 1;
        // SAFETY: valid pointers.
        let opened = unsafe {
            TSPI_lineOpen(stage.device(), server_line, &raw mut line, 0x0003_0000, Some(on_event))
        };
        assert_eq!(opened, 0);
        InPlace { stage, line, _alone: alone }
    }

    fn with_call(state: CallState) -> (InPlace, HDrvCall) {
        let here = InPlace::new();
        let call = here.stage.bring(Opening(1), call(1), state);
        (here, call)
    }

    fn make_call(&self, number: &str, params: *const LineCallParams) -> i32 {
        let mut handle = 0;
        let number = wide(number);
        let request = self.stage.request();
        // SAFETY: valid pointers, a text with a NUL, and parameters of the size that they say.
        let asked = unsafe {
            TSPI_lineMakeCall(
                request,
                self.line,
                self.stage.server.number + 500,
                &raw mut handle,
                number.as_ptr(),
                0,
                params,
            )
        };
        assert!(asked == request as i32 || asked < 0, "an id or an error: {asked:#x}");
        assert_eq!(asked > 0, handle != 0);
        asked
    }
}

impl Drop for InPlace {
    fn drop(&mut self) {
        let session = HOST.current.take(Duration::from_secs(5)).unwrap();
        session.end(Duration::from_secs(5));
    }
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

const BAD_DEVICE: i32 = LineErr::BadDeviceId.code();
const NO_LINE: i32 = LineErr::InvalLineHandle.code();
const NO_CALL: i32 = LineErr::InvalCallHandle.code();
const NO_POINTER: i32 = LineErr::InvalPointer.code();

/// A buffer as a server prepares it: its size in front, a pattern everywhere else, and a guard
/// behind it.
struct Buffer {
    bytes: Vec<u8>,
    total: usize,
}

const PATTERN: u8 = 0xC3;

impl Buffer {
    fn new(total: usize) -> Buffer {
        let mut bytes = vec![PATTERN; total + 64];
        bytes[..4].copy_from_slice(&(total as u32).to_le_bytes());
        Buffer { bytes, total }
    }

    fn place<T>(&mut self) -> *mut T {
        self.bytes.as_mut_ptr().cast()
    }

    fn number(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap())
    }

    /// The text of a pair of size and offset.
    fn text(&self, at: usize) -> String {
        let (size, offset) = (self.number(at) as usize, self.number(at + 4) as usize);
        assert!(offset + size <= self.number(8) as usize, "within what is used");
        let units: Vec<u16> = self.bytes[offset..offset + size]
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        assert_eq!(units.last(), if size == 0 { None } else { Some(&0) });
        String::from_utf16(&units).unwrap().trim_end_matches('\0').to_owned()
    }

    fn is_untouched(&self, range: std::ops::Range<usize>) -> bool {
        self.bytes[range].iter().all(|byte| *byte == PATTERN)
    }

    fn guard_is_whole(&self) -> bool {
        self.number(0) as usize == self.total && self.is_untouched(self.total..self.bytes.len())
    }
}

/// Asks with exactly the fixed size, with one byte less, with what is needed, and with one byte
/// less than that; returns the full answer.
fn check_sizes(fixed: usize, query: impl Fn(&mut Buffer) -> i32) -> Buffer {
    let mut small = Buffer::new(fixed - 1);
    assert_eq!(query(&mut small), LineErr::StructureTooSmall.code());
    assert!(small.is_untouched(4..small.bytes.len()));

    let mut exact = Buffer::new(fixed);
    assert_eq!(query(&mut exact), 0);
    assert_eq!(exact.number(8) as usize, fixed);
    assert!(exact.guard_is_whole());
    let needed = exact.number(4) as usize;
    assert!(needed >= fixed);

    let mut full = Buffer::new(needed);
    assert_eq!(query(&mut full), 0);
    assert_eq!((full.number(4), full.number(8)), (needed as u32, needed as u32));
    assert!(full.guard_is_whole());

    if needed > fixed {
        let mut almost = Buffer::new(needed - 1);
        assert_eq!(query(&mut almost), 0);
        assert_eq!(almost.number(4) as usize, needed);
        assert!((almost.number(8) as usize) < needed);
        assert!(almost.guard_is_whole());
    }
    full
}
