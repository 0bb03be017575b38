//! Vendor extensions, of which there are none, and what goes with LINEMAPPER.

use super::call_params::CallParams;
use super::{answer, check_extension, of_device, of_line, write};
use crate::abi::{HDrvLine, LineCallParams, LineExtensionId, Version};
use engine::tapi::{LineErr, MEDIA_INTERACTIVE_VOICE, MEDIA_UNKNOWN};

/// Which extensions a line has: an id of zeros says none.
///
/// # Safety
/// `id` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineGetExtensionID(
    device: u32,
    version: u32,
    id: *mut LineExtensionId,
) -> i32 {
    answer(|| {
        of_device()?.device(device)?;
        Version::read(version)?;
        // SAFETY: the caller's promise.
        unsafe { write(id, LineExtensionId::default()) }
    })
}

/// Negotiates the version of extensions: there are none.
///
/// # Safety
/// `extension` is not looked at.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineNegotiateExtVersion(
    device: u32,
    version: u32,
    _low: u32,
    _high: u32,
    _extension: *mut u32,
) -> i32 {
    answer(|| {
        of_device()?.device(device)?;
        Version::read(version)?;
        Err(LineErr::OperationUnavail)
    })
}

/// Selects the version of extensions: 0 deselects.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineSelectExtVersion(line: HDrvLine, extension: u32) -> i32 {
    answer(|| {
        of_line()?.line(line)?;
        check_extension(extension)
    })
}

/// Whether a line could serve an application that looks for any that can. Changes nothing.
///
/// # Safety
/// `params` is null or a buffer of the size in its first member.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineConditionalMediaDetection(
    line: HDrvLine,
    media: u32,
    params: *const LineCallParams,
) -> i32 {
    answer(|| {
        of_line()?.line(line)?;
        if media & !(MEDIA_INTERACTIVE_VOICE | MEDIA_UNKNOWN) != 0 {
            return Err(LineErr::InvalMediaMode);
        }
        // SAFETY: the caller's promise.
        unsafe { CallParams::read(params)? }.check()
    })
}
