//! The functions that a telephony server finds by name.
//!
//! None of them trusts its caller: the documents promise checked parameters, but a provider that
//! crashes takes a whole service host with it. Checks are made in one order everywhere: handle,
//! address, pointer, state, then the rest. No panic leaves a function.

mod call;
mod call_params;
mod conference;
mod digits;
mod extension;
mod forward;
mod forward_list;
mod hold;
mod line;
mod park;
mod pickup;
mod provider;
mod request;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod transfer;

pub use call::*;
pub use conference::*;
pub use digits::*;
pub use extension::*;
pub use forward::*;
pub use hold::*;
pub use line::*;
pub use park::*;
pub use pickup::*;
pub use provider::*;
pub use request::*;
pub use transfer::*;

use crate::current::Entered;
use crate::host::HOST;
use engine::dial::Dialable;
use engine::fact::Function;
use engine::id::RequestId;
use engine::pii::Personal;
use engine::tapi::LineErr;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The result of a synchronous function: 0 or a LINEERR.
fn answer(function: impl FnOnce() -> Result<(), LineErr>) -> i32 {
    caught(function).map_or_else(LineErr::code, |()| 0)
}

/// The result of an asynchronous function: its request id, or a LINEERR if there will be no
/// completion.
fn asked(function: Function, ask: impl FnOnce() -> Result<RequestId, LineErr>) -> i32 {
    watched(function, ask).map_or_else(LineErr::code, |request| request.0.cast_signed())
}

/// The result of a function that is a request all the same: 0, or a LINEERR if it was not taken.
fn asked_at_once(function: Function, ask: impl FnOnce() -> Result<(), LineErr>) -> i32 {
    watched(function, ask).map_or_else(LineErr::code, |()| 0)
}

/// Lets the diary and the metrics know of requests that are not taken. Those that are taken are
/// known to the log.
fn watched<T>(function: Function, ask: impl FnOnce() -> Result<T, LineErr>) -> Result<T, LineErr> {
    let _span = tracing::debug_span!("tspi", %function).entered();
    let answer = caught(ask);
    if let Err(error) = &answer {
        tracing::debug!("refused with {error}");
        if let Some(session) = HOST.current.enter() {
            session.metrics().refused(function);
        }
    }
    answer
}

fn caught<T>(function: impl FnOnce() -> Result<T, LineErr>) -> Result<T, LineErr> {
    // Locks are taken in spite of poison, so what a panic leaves behind can be worked with.
    catch_unwind(AssertUnwindSafe(function)).unwrap_or_else(|_| {
        tracing::error!("a fault in a function of the provider; please report");
        Err(LineErr::OperationFailed)
    })
}

/// The session, for a function with the handle of a line: without a session there is none.
fn of_line() -> Result<Entered<'static>, LineErr> {
    HOST.current.enter().ok_or(LineErr::InvalLineHandle)
}

/// The session, for a function with the handle of a call.
fn of_call() -> Result<Entered<'static>, LineErr> {
    HOST.current.enter().ok_or(LineErr::InvalCallHandle)
}

/// The session, for a function with a device id.
fn of_device() -> Result<Entered<'static>, LineErr> {
    HOST.current.enter().ok_or(LineErr::BadDeviceId)
}

/// Every line has the one address 0.
fn check_address(address: u32) -> Result<(), LineErr> {
    if address == 0 { Ok(()) } else { Err(LineErr::InvalAddressId) }
}

/// There are no extensions.
fn check_extension(version: u32) -> Result<(), LineErr> {
    if version == 0 { Ok(()) } else { Err(LineErr::IncompatibleExtVersion) }
}

/// User-user information is not carried.
fn check_user_info(info: *const u8, size: u32) -> Result<(), LineErr> {
    if info.is_null() || size == 0 { Ok(()) } else { Err(LineErr::UserUserInfoTooBig) }
}

/// Writes a result through a pointer of the caller.
///
/// # Safety
/// The pointer is null, or leads to a place for a `T`.
unsafe fn write<T>(place: *mut T, value: T) -> Result<(), LineErr> {
    if place.is_null() {
        return Err(LineErr::InvalPointer);
    }
    // SAFETY: not null, and the caller vouches for the rest; alignment is not taken for granted.
    unsafe { place.write_unaligned(value) };
    Ok(())
}

/// Longest text taken from the caller, in UTF-16 units.
const LONGEST_TEXT: usize = 1024;

/// Reads a UTF-16 text up to its NUL, or up to `longest` units. `None` for a null pointer, for a
/// text that is longer than [`LONGEST_TEXT`], or that is not UTF-16.
///
/// # Safety
/// The pointer is null, or leads to a text with a NUL, or to at least `longest` units.
unsafe fn read_text(text: *const u16, longest: usize) -> Option<String> {
    if text.is_null() {
        return None;
    }
    let mut units = Vec::new();
    while units.len() < longest {
        // SAFETY: all units before were none of them NUL, and fewer than `longest`.
        match unsafe { text.add(units.len()).read_unaligned() } {
            0 => return String::from_utf16(&units).ok(),
            _ if units.len() == LONGEST_TEXT => return None,
            unit => units.push(unit),
        }
    }
    String::from_utf16(&units).ok()
}

/// Reads the whole number that a call is to be sent to.
///
/// # Errors
/// [`LineErr::InvalAddress`] if there is none or it cannot be read, and as [`Dialable::read`].
///
/// # Safety
/// The pointer is null, or leads to a text with a NUL.
unsafe fn read_number(text: *const u16) -> Result<Personal, LineErr> {
    // SAFETY: the caller's promise.
    let text = unsafe { read_text(text, LONGEST_TEXT) }.ok_or(LineErr::InvalAddress)?;
    Dialable::read(&text).map(Dialable::into_number)
}
