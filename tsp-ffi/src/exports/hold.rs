//! Hold, back from hold, and both at once.

use super::{asked, of_call};
use crate::abi::{DrvRequestId, HDrvCall};
use engine::fact::{Command, Function};
use engine::tapi::LineErr;

/// Puts a call on hold.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineHold(request: DrvRequestId, call: HDrvCall) -> i32 {
    asked(Function::Hold, || of_call()?.ask(request, call, Command::Hold))
}

/// Takes a call back from hold. If it waited for its transfer, that is given up.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineUnhold(request: DrvRequestId, call: HDrvCall) -> i32 {
    asked(Function::Unhold, || of_call()?.ask(request, call, Command::Unhold))
}

/// Puts the active call on hold and takes the held one back.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineSwapHold(
    request: DrvRequestId,
    active: HDrvCall,
    held: HDrvCall,
) -> i32 {
    asked(Function::SwapHold, || {
        let session = of_call()?;
        let (first, second) = (session.call(active)?, session.call(held)?);
        if first.line_handle != second.line_handle {
            return Err(LineErr::InvalCallHandle);
        }
        session.ask(request, active, |active| Command::SwapHold { active, held: second.id })
    })
}
