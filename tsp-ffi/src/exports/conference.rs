//! Conferences of three, mixed by the telephone.

use super::call_params::CallParams;
use super::{asked, of_call};
use crate::abi::{DrvRequestId, HDrvCall, HDrvLine, HTapiCall, LineCallParams};
use engine::capability::MOST_IN_CONFERENCE;
use engine::fact::{Command, Function};
use engine::pii::Personal;
use engine::tapi::LineErr;

/// Makes a conference of a connected call, and another call to the one who is to join it; its digits
/// follow by `TSPI_lineDial`. A conference cannot begin without a first member.
///
/// # Safety
/// `conference` and `consultation` are null or valid for a write until the request has completed;
/// `params` is null or a buffer of the size in its first member.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineSetupConference(
    request: DrvRequestId,
    call: HDrvCall,
    _line: HDrvLine,
    conference_server: HTapiCall,
    conference: *mut HDrvCall,
    consultation_server: HTapiCall,
    consultation: *mut HDrvCall,
    parties: u32,
    params: *const LineCallParams,
) -> i32 {
    asked(Function::SetupConference, || {
        let session = of_call()?;
        let known = session.call(call)?;
        // SAFETY: the caller's promise.
        let given = unsafe { CallParams::read(params)? };
        given.check_address()?;
        if conference.is_null() || consultation.is_null() {
            return Err(LineErr::InvalPointer);
        }
        let setup = |made, conference| Command::SetupConference {
            call: Some(known.id),
            conference,
            consultation: given.consultation(made, Personal::default()),
        };
        session.admit(known.id.line, &setup(known.id, known.id))?;
        if parties > MOST_IN_CONFERENCE {
            return Err(LineErr::ConferenceFull);
        }
        given.check()?;
        let servers = [conference_server, consultation_server];
        let command = |[parent, made]: [_; 2]| setup(made, parent);
        session.make_several(request, known.line_handle, servers, command, |[parent, made]| {
            // SAFETY: not null, and the caller vouches for the rest.
            unsafe {
                conference.write_unaligned(parent);
                consultation.write_unaligned(made);
            }
        })
    })
}

/// Joins a call to the conference that it was made for.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineAddToConference(
    request: DrvRequestId,
    conference: HDrvCall,
    consultation: HDrvCall,
) -> i32 {
    asked(Function::AddToConference, || {
        let session = of_call()?;
        let parent = session.call(conference)?;
        let other = session.call(consultation).map_err(|_| LineErr::InvalConsultCallHandle)?;
        if parent.line_handle != other.line_handle {
            return Err(LineErr::InvalConsultCallHandle);
        }
        let add = |conference| Command::AddToConference { conference, consultation: other.id };
        session.ask(request, conference, add)
    })
}

/// Takes a member out of a conference: it is hung up.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineRemoveFromConference(request: DrvRequestId, call: HDrvCall) -> i32 {
    asked(Function::RemoveFromConference, || {
        of_call()?.ask(request, call, Command::RemoveFromConference)
    })
}
