//! Picking up a call that rings elsewhere.

use super::{LONGEST_TEXT, asked, check_address, of_line, read_text};
use crate::abi::{DrvRequestId, HDrvCall, HDrvLine, HTapiCall};
use engine::capability;
use engine::dial::Dialable;
use engine::fact::{Command, Function, PickupFrom};
use engine::id::CallId;
use engine::tapi::LineErr;

/// Picks up the call that rings at a station; without one, at a member of a group; without that
/// either, wherever the groups of the user let it.
///
/// # Safety
/// `handle` is null or valid for a write until the request has completed; `destination` and `group`
/// are null or texts with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_linePickup(
    request: DrvRequestId,
    line: HDrvLine,
    address: u32,
    server: HTapiCall,
    handle: *mut HDrvCall,
    destination: *const u16,
    group: *const u16,
) -> i32 {
    // SAFETY: the caller's promise.
    let place = || unsafe { place(destination, group) };
    let pickup = |call, from| Command::Pickup { call, from };
    // SAFETY: the caller's promise.
    unsafe { take_over(Function::Pickup, request, line, address, server, handle, place, pickup) }
}

/// Asks for a call that rings or is parked elsewhere, in the order of checks that both functions
/// have: the line, where the handle goes, what the line admits, and then the place of the call.
///
/// # Safety
/// `handle` is null or valid for a write until the request has completed.
#[allow(clippy::too_many_arguments)] // those of both functions, and what differs between them
pub(super) unsafe fn take_over<P>(
    function: Function,
    request: DrvRequestId,
    line: HDrvLine,
    address: u32,
    server: HTapiCall,
    handle: *mut HDrvCall,
    place: impl FnOnce() -> Result<P, LineErr>,
    command: impl FnOnce(CallId, P) -> Command,
) -> i32 {
    asked(function, || {
        let session = of_line()?;
        let opened = session.line(line)?;
        check_address(address)?;
        if handle.is_null() {
            return Err(LineErr::InvalPointer);
        }
        session.look(opened.line, capability::admit_pickup).ok_or(LineErr::InvalLineHandle)??;
        let from = place()?;
        session.make(
            request,
            line,
            server,
            |call| command(call, from),
            |made| {
                // SAFETY: not null, and the caller vouches for the rest.
                unsafe { handle.write_unaligned(made) };
            },
        )
    })
}

/// Longest name of a group that is passed on, in bytes: a limit against nonsense, not against names.
const LONGEST_GROUP: usize = 256;

/// Where the call is to be picked up.
///
/// # Safety
/// Each is null or a text with a NUL.
unsafe fn place(destination: *const u16, group: *const u16) -> Result<PickupFrom, LineErr> {
    let text = |from: *const u16, error| {
        if from.is_null() {
            return Ok(String::new());
        }
        // SAFETY: the caller's promise.
        unsafe { read_text(from, LONGEST_TEXT) }.ok_or(error)
    };
    let destination = text(destination, LineErr::InvalAddress)?;
    let group = text(group, LineErr::InvalGroupId)?;
    Ok(match (destination.as_str(), group.as_str()) {
        ("", "") => PickupFrom::Anywhere,
        ("", group) if group.len() > LONGEST_GROUP => return Err(LineErr::InvalGroupId),
        ("", group) => PickupFrom::Group(group.into()),
        (destination, _) => PickupFrom::Station(Dialable::read(destination)?.into_number()),
    })
}
