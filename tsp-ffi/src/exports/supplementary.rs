//! Functions that a PBX line could have and this provider does not offer yet. No capability bit
//! claims them; whoever calls them all the same hears so, once the handles are right.

use super::{asked, check_address, of_line};
use crate::abi::{DrvRequestId, HDrvCall, HDrvLine, HTapiCall, LineCallParams, LineForwardList};
use engine::fact::Command;
use engine::forwarding::Forwarding;

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
