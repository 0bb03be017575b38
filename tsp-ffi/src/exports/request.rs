//! What an application may ask of a call, asynchronously.

use super::call_params::{CallParams, check_bearer, check_rates};
use super::{LONGEST_TEXT, asked, check_user_info, of_call, of_line, read_text};
use crate::abi::{DrvRequestId, HDrvCall, HDrvLine, HTapiCall, LineCallParams, LineDialParams};
use engine::capability;
use engine::dial::Dialable;
use engine::fact::{Command, Function};
use engine::tapi::LineErr;

/// Makes a call.
///
/// # Safety
/// `handle` is null or valid for a write until the request has completed; `destination` is null or
/// a text with a NUL; `params` is null or a buffer of the size in its first member.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineMakeCall(
    request: DrvRequestId,
    line: HDrvLine,
    server: HTapiCall,
    handle: *mut HDrvCall,
    destination: *const u16,
    country_code: u32,
    params: *const LineCallParams,
) -> i32 {
    asked(Function::MakeCall, || {
        let session = of_line()?;
        let opened = session.line(line)?;
        // SAFETY: the caller's promise.
        let params = unsafe { CallParams::read(params)? };
        params.check_address()?;
        if handle.is_null() {
            return Err(LineErr::InvalPointer);
        }
        session
            .look(opened.line, capability::admit_make_call)
            .ok_or(LineErr::InvalLineHandle)??;
        // SAFETY: the caller's promise.
        let text = unsafe { read_text(destination, LONGEST_TEXT) };
        // No address at all takes the phone off the hook; digits follow with `TSPI_lineDial`.
        let text = if destination.is_null() { Some(String::new()) } else { text };
        let number = Dialable::begin(&text.ok_or(LineErr::InvalAddress)?)?;
        params.check()?;
        let (block_id, call_param_flags) = (params.blocks_id(), params.flags());
        let command =
            |call| Command::MakeCall { call, number, block_id, country_code, call_param_flags };
        session.make(request, line, server, command, |made| {
            // SAFETY: not null, and the caller vouches for the rest.
            unsafe { handle.write_unaligned(made) };
        })
    })
}

/// Answers a call.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineAnswer(
    request: DrvRequestId,
    call: HDrvCall,
    user_info: *const u8,
    size: u32,
) -> i32 {
    asked(Function::Answer, || {
        let session = of_call()?;
        session.admit_call(call, Command::Answer)?;
        check_user_info(user_info, size)?;
        session.ask(request, call, Command::Answer)
    })
}

/// Hangs up, or rejects a call that is offered.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineDrop(
    request: DrvRequestId,
    call: HDrvCall,
    user_info: *const u8,
    size: u32,
) -> i32 {
    asked(Function::Drop, || {
        let session = of_call()?;
        session.admit_call(call, Command::Drop)?;
        check_user_info(user_info, size)?;
        session.ask(request, call, Command::Drop)
    })
}

/// Changes bearer mode and rate, as long as that changes nothing.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineSetCallParams(
    request: DrvRequestId,
    call: HDrvCall,
    bearer_mode: u32,
    min_rate: u32,
    max_rate: u32,
    _dial_params: *const LineDialParams,
) -> i32 {
    asked(Function::SetCallParams, || {
        let session = of_call()?;
        session.admit_call(call, Command::SetCallParams)?;
        check_bearer(bearer_mode)?;
        check_rates(min_rate, max_rate)?;
        session.ask(request, call, Command::SetCallParams)
    })
}
