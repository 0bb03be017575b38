//! Calls: what is known of them, small setters, close.

use super::{answer, of_call, write};
use crate::abi::{HDrvCall, LineCallInfo, LineCallStatus};
use crate::answers;
use crate::host::HOST;
use crate::session::{KnownCall, Session};
use engine::tapi::{LineErr, MEDIA_INTERACTIVE_VOICE, MEDIA_UNKNOWN};
use engine::view::CallView;

/// Forgets a call. At the PBX it goes on.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineCloseCall(call: HDrvCall) -> i32 {
    answer(|| HOST.current.share().ok_or(LineErr::InvalCallHandle)?.close_call(call))
}

/// What is known of a call.
///
/// # Safety
/// `info` is null or a buffer of the size in its first member.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineGetCallInfo(call: HDrvCall, info: *mut LineCallInfo) -> i32 {
    answer(|| {
        let session = of_call()?;
        let known = session.call(call)?;
        // SAFETY: the caller's promise.
        look(&session, &known, |view| unsafe { answers::call_info(view, &known, info) })
    })
}

/// The state of a call.
///
/// # Safety
/// `status` is null or a buffer of the size in its first member.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineGetCallStatus(
    call: HDrvCall,
    status: *mut LineCallStatus,
) -> i32 {
    answer(|| {
        let session = of_call()?;
        let known = session.call(call)?;
        // SAFETY: the caller's promise.
        look(&session, &known, |view| unsafe { answers::call_status(view, known.version, status) })
    })
}

/// On which address of its line a call is: there is one.
///
/// # Safety
/// `address` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineGetCallAddressID(call: HDrvCall, address: *mut u32) -> i32 {
    answer(|| {
        of_call()?.call(call)?;
        // SAFETY: the caller's promise.
        unsafe { write(address, 0) }
    })
}

/// Address and call ids, as LINECALLINFO has them.
///
/// # Safety
/// Each pointer is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineGetCallIDs(
    call: HDrvCall,
    address: *mut u32,
    call_id: *mut u32,
    related_call_id: *mut u32,
) -> i32 {
    answer(|| {
        let session = of_call()?;
        let known = session.call(call)?;
        if address.is_null() || call_id.is_null() || related_call_id.is_null() {
            return Err(LineErr::InvalPointer);
        }
        look(&session, &known, |view| {
            // SAFETY: the caller's promise.
            unsafe {
                write(address, 0)?;
                write(call_id, view.info.call_id)?;
                write(related_call_id, view.info.related_call_id)
            }
        })
    })
}

/// Remembers a number for the application.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineSetAppSpecific(call: HDrvCall, value: u32) -> i32 {
    answer(|| of_call()?.set_app_specific(call, value))
}

/// Says what is heard on a call. On a PBX line that is a voice.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineSetMediaMode(call: HDrvCall, media: u32) -> i32 {
    answer(|| {
        let session = of_call()?;
        session.call(call)?;
        if media == 0 || media & !(MEDIA_INTERACTIVE_VOICE | MEDIA_UNKNOWN) != 0 {
            return Err(LineErr::InvalMediaMode);
        }
        session.set_media(call, media)
    })
}

/// Looks at a call in the view of its line. One that is not there was closed a moment ago.
fn look(
    session: &Session,
    known: &KnownCall,
    at: impl FnOnce(&CallView) -> Result<(), LineErr>,
) -> Result<(), LineErr> {
    session
        .look(known.id.line, |line| match line.call(known.id) {
            Some(view) => at(view),
            None => Err(LineErr::InvalCallHandle),
        })
        .unwrap_or(Err(LineErr::InvalCallHandle))
}
