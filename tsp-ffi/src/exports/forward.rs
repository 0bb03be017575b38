//! Call forwarding (TSPI: section 4).

use super::forward_list::ForwardList;
use super::{asked, check_address, of_line};
use crate::abi::{DrvRequestId, HDrvCall, HDrvLine, HTapiCall, LineCallParams, LineForwardList};
use engine::fact::{Command, Function};
use engine::forwarding::Forwarding;

/// Forwards calls of a line, or cancels that. No consultation call is ever needed.
///
/// # Safety
/// `list` is null or a buffer of the size in its first member; `consultation` is null or valid for
/// a write.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineForward(
    request: DrvRequestId,
    line: HDrvLine,
    all_addresses: u32,
    address: u32,
    list: *const LineForwardList,
    rings: u32,
    _consultation: HTapiCall,
    consultation_handle: *mut HDrvCall,
    _params: *const LineCallParams,
) -> i32 {
    asked(Function::Forward, || {
        let session = of_line()?;
        session.line(line)?;
        if all_addresses == 0 {
            check_address(address)?;
        }
        // SAFETY: the caller's promise.
        let forwards = unsafe { ForwardList::read(list) }?;
        if !consultation_handle.is_null() {
            // SAFETY: not null, and the caller vouches for the rest.
            unsafe { consultation_handle.write_unaligned(HDrvCall::default()) };
        }
        session.ask_of_line(request, line, Command::Forward(Forwarding { forwards, rings }))
    })
}
