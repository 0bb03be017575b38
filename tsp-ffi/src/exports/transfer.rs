//! Transfers by a consultation, blind transfers, and redirection of an offered call.

use super::call_params::CallParams;
use super::{asked, of_call, read_number};
use crate::abi::{
    DrvRequestId, HDrvCall, HTapiCall, LINECALLPARAMFLAGS_ONESTEPTRANSFER, LineCallParams,
};
use crate::session::Session;
use engine::dial::Dialable;
use engine::fact::{Command, Function};
use engine::id::{CallId, RequestId};
use engine::pii::Personal;
use engine::tapi::{LineErr, transfer_mode};

/// Puts a call on hold for its transfer, and makes a call to ask whoever is to get it. With
/// LINECALLPARAMFLAGS_ONESTEPTRANSFER its number is in the parameters, else the digits follow.
///
/// # Safety
/// `handle` is null or valid for a write until the request has completed; `params` is null or a
/// buffer of the size in its first member.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineSetupTransfer(
    request: DrvRequestId,
    call: HDrvCall,
    server: HTapiCall,
    handle: *mut HDrvCall,
    params: *const LineCallParams,
) -> i32 {
    asked(Function::SetupTransfer, || {
        let session = of_call()?;
        let known = session.call(call)?;
        // SAFETY: the caller's promise.
        let given = unsafe { CallParams::read(params)? };
        given.check_address()?;
        if handle.is_null() {
            return Err(LineErr::InvalPointer);
        }
        let setup = |made, number| Command::SetupTransfer {
            call: known.id,
            consultation: given.consultation(made, number),
        };
        session.admit(known.id.line, &setup(known.id, Personal::default()))?;
        given.check()?;
        let number = if given.flags() & LINECALLPARAMFLAGS_ONESTEPTRANSFER == 0 {
            Personal::default()
        } else {
            // The page of this function has no errors for numbers; this one is in the parameters.
            let wrong = |_| LineErr::InvalCallParams;
            // SAFETY: the caller's promise.
            let text = unsafe { given.target_address(params) }.map_err(wrong)?;
            Dialable::read(&text).map_err(wrong)?.into_number()
        };
        let command = |made| setup(made, number);
        session.make(request, known.line_handle, server, command, |made| {
            // SAFETY: not null, and the caller vouches for the rest.
            unsafe { handle.write_unaligned(made) };
        })
    })
}

/// Joins the far ends of two calls, or makes a conference of them. Either of them may be the one on
/// hold. `server` and `handle` mean something for a conference only.
///
/// # Safety
/// `handle` is null or valid for a write until the request has completed.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineCompleteTransfer(
    request: DrvRequestId,
    call: HDrvCall,
    consultation: HDrvCall,
    server: HTapiCall,
    handle: *mut HDrvCall,
    mode: u32,
) -> i32 {
    asked(Function::CompleteTransfer, || {
        let session = of_call()?;
        let known = session.call(call)?;
        let other = session.call(consultation).map_err(|_| LineErr::InvalConsultCallHandle)?;
        if known.line_handle != other.line_handle {
            return Err(LineErr::InvalConsultCallHandle);
        }
        let complete = |conference| Command::CompleteTransfer {
            call: known.id,
            consultation: other.id,
            conference,
        };
        if mode != transfer_mode::CONFERENCE {
            session.admit(known.id.line, &complete(None))?;
            if mode != transfer_mode::TRANSFER {
                return Err(LineErr::InvalTransferMode);
            }
            return session.ask(request, call, |_| complete(None));
        }
        session.admit(known.id.line, &complete(Some(known.id)))?;
        if handle.is_null() {
            return Err(LineErr::InvalPointer);
        }
        let confer = |made| complete(Some(made));
        session.make(request, known.line_handle, server, confer, |made| {
            // SAFETY: not null, and the caller vouches for the rest.
            unsafe { handle.write_unaligned(made) };
        })
    })
}

/// Sends a connected call to somebody else.
///
/// # Safety
/// `destination` is null or a text with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineBlindTransfer(
    request: DrvRequestId,
    call: HDrvCall,
    destination: *const u16,
    _country_code: u32,
) -> i32 {
    let transfer = |call, number| Command::BlindTransfer { call, number };
    asked(Function::BlindTransfer, || {
        let session = of_call()?;
        // SAFETY: the caller's promise.
        unsafe { send_away(&session, request, call, destination, transfer) }
    })
}

/// Sends an offered call to somebody else.
///
/// # Safety
/// `destination` is null or a text with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineRedirect(
    request: DrvRequestId,
    call: HDrvCall,
    destination: *const u16,
    _country_code: u32,
) -> i32 {
    let redirect = |call, number| Command::Redirect { call, number };
    asked(Function::Redirect, || {
        let session = of_call()?;
        // SAFETY: the caller's promise.
        unsafe { send_away(&session, request, call, destination, redirect) }
    })
}

/// # Safety
/// `destination` is null or a text with a NUL.
unsafe fn send_away(
    session: &Session,
    request: DrvRequestId,
    call: HDrvCall,
    destination: *const u16,
    command: impl Fn(CallId, Personal) -> Command,
) -> Result<RequestId, LineErr> {
    session.admit_call(call, |call| command(call, Personal::default()))?;
    // SAFETY: the caller's promise.
    let number = unsafe { read_number(destination)? };
    session.ask(request, call, |call| command(call, number))
}
