//! Parking calls, and taking them from where they are parked.

use super::pickup::take_over;
use super::{asked, of_call, read_number};
use crate::abi::{DrvRequestId, HDrvCall, HDrvLine, HTapiCall, VarString};
use crate::answers;
use engine::fact::{Command, Function, ParkPlace};
use engine::tapi::{LineErr, park_mode};

/// Parks a call: at an address, or at the line's own, which is then written where the server wants
/// to find it.
///
/// # Safety
/// `destination` is null or a text with a NUL; `place` is null or a buffer of the size in its first
/// member.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_linePark(
    request: DrvRequestId,
    call: HDrvCall,
    mode: u32,
    destination: *const u16,
    place: *mut VarString,
) -> i32 {
    asked(Function::Park, || {
        let session = of_call()?;
        let known = session.call(call)?;
        let nowhere = |call| Command::Park { call, at: ParkPlace::Nondirected };
        session.admit_call(call, nowhere)?;
        match mode {
            park_mode::DIRECTED => {
                // SAFETY: the caller's promise.
                let at = ParkPlace::Directed(unsafe { read_number(destination)? });
                session.ask(request, call, |call| Command::Park { call, at })
            }
            park_mode::NONDIRECTED => {
                let own = session.look(known.id.line, |view| view.identity.number.clone());
                let own = own.ok_or(LineErr::InvalCallHandle)?;
                // The address is known before the PBX is asked, so it is not written later.
                // SAFETY: the caller's promise.
                unsafe { answers::text_string(&own, known.version, place)? };
                session.ask(request, call, nowhere)
            }
            _ => Err(LineErr::InvalParkMode),
        }
    })
}

/// Takes the call that is parked at an address.
///
/// # Safety
/// `handle` is null or valid for a write until the request has completed; `destination` is null or
/// a text with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineUnpark(
    request: DrvRequestId,
    line: HDrvLine,
    address: u32,
    server: HTapiCall,
    handle: *mut HDrvCall,
    destination: *const u16,
) -> i32 {
    // SAFETY: the caller's promise.
    let place = || unsafe { read_number(destination) };
    let unpark = |call, from| Command::Unpark { call, from };
    // SAFETY: the caller's promise.
    unsafe { take_over(Function::Unpark, request, line, address, server, handle, place, unpark) }
}
