//! Functions that a PBX line could have and this provider does not offer yet. No capability bit
//! claims them; whoever calls them all the same hears so, once the handles are right.

use super::{asked, check_address, of_call, of_line};
use crate::abi::{DrvRequestId, HDrvCall, HDrvLine, HTapiCall, LineCallParams, LineForwardList};
use engine::fact::Command;
use engine::forwarding::Forwarding;
use engine::tapi::LineErr;

/// Not offered.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineHold(_request: DrvRequestId, call: HDrvCall) -> i32 {
    unavailable_for_call(call)
}

/// Not offered.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineUnhold(_request: DrvRequestId, call: HDrvCall) -> i32 {
    unavailable_for_call(call)
}

/// Not offered.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineSwapHold(
    _request: DrvRequestId,
    active: HDrvCall,
    held: HDrvCall,
) -> i32 {
    unavailable_for_calls(active, held)
}

/// Not offered.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineBlindTransfer(
    _request: DrvRequestId,
    call: HDrvCall,
    _destination: *const u16,
    _country_code: u32,
) -> i32 {
    unavailable_for_call(call)
}

/// Not offered.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineCompleteTransfer(
    _request: DrvRequestId,
    call: HDrvCall,
    consultation: HDrvCall,
    _conference: HTapiCall,
    _conference_handle: *mut HDrvCall,
    _mode: u32,
) -> i32 {
    unavailable_for_calls(call, consultation)
}

/// Not offered.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineRedirect(
    _request: DrvRequestId,
    call: HDrvCall,
    _destination: *const u16,
    _country_code: u32,
) -> i32 {
    unavailable_for_call(call)
}

/// Not offered.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_linePickup(
    _request: DrvRequestId,
    line: HDrvLine,
    address: u32,
    _server: HTapiCall,
    _handle: *mut HDrvCall,
    _destination: *const u16,
    _group: *const u16,
) -> i32 {
    asked(|| {
        of_line()?.line(line)?;
        check_address(address)?;
        Err(LineErr::OperationUnavail)
    })
}

/// Not offered.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineForward(
    request: DrvRequestId,
    line: HDrvLine,
    all_addresses: u32,
    address: u32,
    _list: *const LineForwardList,
    _rings: u32,
    _consultation: HTapiCall,
    _consultation_handle: *mut HDrvCall,
    _params: *const LineCallParams,
) -> i32 {
    asked(|| {
        let session = of_line()?;
        session.line(line)?;
        if all_addresses == 0 {
            check_address(address)?;
        }
        session.ask_of_line(request, line, Command::Forward(Forwarding::default()))
    })
}

fn unavailable_for_call(call: HDrvCall) -> i32 {
    asked(|| {
        of_call()?.call(call)?;
        Err(LineErr::OperationUnavail)
    })
}

fn unavailable_for_calls(one: HDrvCall, other: HDrvCall) -> i32 {
    asked(|| {
        let session = of_call()?;
        let (one, other) = (session.call(one)?, session.call(other)?);
        if one.line_handle != other.line_handle {
            return Err(LineErr::InvalCallHandle);
        }
        Err(LineErr::OperationUnavail)
    })
}
