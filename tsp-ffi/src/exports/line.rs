//! Lines: open, close, what they can do, how they are.

use super::{
    LONGEST_TEXT, answer, check_address, check_extension, of_device, of_line, read_text, write,
};
use crate::abi::{
    HDrvCall, HDrvLine, HTapiLine, LINEADDRESSMODE_DIALABLEADDR, LINECALLSELECT_ADDRESS,
    LINECALLSELECT_CALL, LINECALLSELECT_LINE, LINEMEDIAMODE_ALL, LineAddressCaps,
    LineAddressStatus, LineDevCaps, LineDevStatus, LineEvent, VarString, Version,
};
use crate::answers;
use crate::host::HOST;
use engine::dial::Dialable;
use engine::tapi::{LineErr, address_state, line_dev_state};

/// Opens a line.
///
/// # Safety
/// `handle` is null or valid for a write; `event` stays callable until `TSPI_lineClose` has
/// returned.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineOpen(
    device: u32,
    server: HTapiLine,
    handle: *mut HDrvLine,
    version: u32,
    event: Option<LineEvent>,
) -> i32 {
    answer(|| {
        let session = of_device()?;
        session.device(device)?;
        let (Some(event), false) = (event, handle.is_null()) else {
            return Err(LineErr::InvalPointer);
        };
        session.open_line(device, server, version, event, |opened| {
            // SAFETY: not null, and the caller vouches for the rest.
            unsafe { handle.write_unaligned(opened) };
        })
    })
}

/// Closes a line. Calls at the PBX go on.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineClose(line: HDrvLine) -> i32 {
    answer(|| HOST.current.share().ok_or(LineErr::InvalLineHandle)?.close_line(line))
}

/// What a line can do.
///
/// # Safety
/// `caps` is null or a buffer of the size in its first member.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineGetDevCaps(
    device: u32,
    version: u32,
    extension: u32,
    caps: *mut LineDevCaps,
) -> i32 {
    answer(|| {
        let session = of_device()?;
        let line = session.device(device)?;
        let version = Version::read(version)?;
        check_extension(extension)?;
        // SAFETY: the caller's promise.
        let fill = |view: &_| unsafe { answers::line_caps(view, version, caps) };
        session.look(line, fill).ok_or(LineErr::NoDevice)?
    })
}

/// What an address of a line can do.
///
/// # Safety
/// `caps` is null or a buffer of the size in its first member.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineGetAddressCaps(
    device: u32,
    address: u32,
    version: u32,
    extension: u32,
    caps: *mut LineAddressCaps,
) -> i32 {
    answer(|| {
        let session = of_device()?;
        let line = session.device(device)?;
        check_address(address)?;
        let version = Version::read(version)?;
        check_extension(extension)?;
        // SAFETY: the caller's promise.
        let fill = |view: &_| unsafe { answers::address_caps(view, device, version, caps) };
        session.look(line, fill).ok_or(LineErr::NoDevice)?
    })
}

/// How a line is.
///
/// # Safety
/// `status` is null or a buffer of the size in its first member.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineGetLineDevStatus(
    line: HDrvLine,
    status: *mut LineDevStatus,
) -> i32 {
    answer(|| {
        let session = of_line()?;
        let opened = session.line(line)?;
        // SAFETY: the caller's promise.
        let fill = |view: &_, counts| unsafe {
            answers::line_status(view, counts, opened.version, status)
        };
        session.look_and_count(opened.line, fill).ok_or(LineErr::InvalLineHandle)?
    })
}

/// How an address of a line is.
///
/// # Safety
/// `status` is null or a buffer of the size in its first member.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineGetAddressStatus(
    line: HDrvLine,
    address: u32,
    status: *mut LineAddressStatus,
) -> i32 {
    answer(|| {
        let session = of_line()?;
        let opened = session.line(line)?;
        check_address(address)?;
        // SAFETY: the caller's promise.
        let fill = |view: &_, counts| unsafe {
            answers::address_status(view, counts, opened.version, status)
        };
        session.look_and_count(opened.line, fill).ok_or(LineErr::InvalLineHandle)?
    })
}

/// How many addresses a line has: one.
///
/// # Safety
/// `count` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineGetNumAddressIDs(line: HDrvLine, count: *mut u32) -> i32 {
    answer(|| {
        of_line()?.line(line)?;
        // SAFETY: the caller's promise.
        unsafe { write(count, 1) }
    })
}

/// Which address of a line has the given number.
///
/// # Safety
/// `id` is null or valid for a write; `address` is null or a text with a NUL. Whether `size`
/// counts bytes or characters is not told, so it is only a bound.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineGetAddressID(
    line: HDrvLine,
    id: *mut u32,
    mode: u32,
    address: *const u16,
    size: u32,
) -> i32 {
    answer(|| {
        let session = of_line()?;
        let opened = session.line(line)?;
        if id.is_null() || address.is_null() {
            return Err(LineErr::InvalPointer);
        }
        if mode != LINEADDRESSMODE_DIALABLEADDR {
            return Err(LineErr::InvalAddressMode);
        }
        // SAFETY: the caller's promise.
        let text = unsafe { read_text(address, size as usize) }.ok_or(LineErr::InvalAddress)?;
        let own = session.look(opened.line, |view| view.identity.number.to_text());
        let own = own.ok_or(LineErr::InvalLineHandle)?;
        if is_same_number(&own, &text) {
            // SAFETY: the caller's promise.
            unsafe { write(id, 0) }
        } else {
            Err(LineErr::InvalAddress)
        }
    })
}

/// Whether two texts dial the same.
fn is_same_number(one: &str, other: &str) -> bool {
    match (Dialable::read(one), Dialable::read(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// The device of a line, address or call in a device class; we have only lines.
///
/// # Safety
/// `device` is null or a buffer of the size in its first member; `class` is null or a text with a
/// NUL.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineGetID(
    line: HDrvLine,
    address: u32,
    call: HDrvCall,
    select: u32,
    device: *mut VarString,
    class: *const u16,
    _target_process: usize,
) -> i32 {
    answer(|| {
        let session = of_line().map_err(|error| match select {
            LINECALLSELECT_CALL => LineErr::InvalCallHandle,
            _ => error,
        })?;
        let (id, version) = match select {
            LINECALLSELECT_LINE | LINECALLSELECT_ADDRESS => {
                let opened = session.line(line)?;
                if select == LINECALLSELECT_ADDRESS {
                    check_address(address)?;
                }
                (opened.device, opened.version)
            }
            LINECALLSELECT_CALL => {
                let known = session.call(call)?;
                (known.device, known.version)
            }
            _ => return Err(LineErr::InvalParam),
        };
        if device.is_null() || class.is_null() {
            return Err(LineErr::InvalPointer);
        }
        // SAFETY: the caller's promise.
        let class = unsafe { read_text(class, LONGEST_TEXT) }.ok_or(LineErr::NoDevice)?;
        if !class.eq_ignore_ascii_case("tapi/line") {
            return Err(LineErr::NoDevice);
        }
        // SAFETY: the caller's promise.
        unsafe { answers::var_string(&id.to_le_bytes(), version, device) }
    })
}

/// Which media modes the server looks for. Calls are reported whatever it says, because
/// applications that only watch look for none.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineSetDefaultMediaDetection(line: HDrvLine, media: u32) -> i32 {
    answer(|| {
        of_line()?.line(line)?;
        if media & !LINEMEDIAMODE_ALL == 0 { Ok(()) } else { Err(LineErr::InvalMediaMode) }
    })
}

/// Which status messages the server wants from now on.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineSetStatusMessages(
    line: HDrvLine,
    line_states: u32,
    address_states: u32,
) -> i32 {
    answer(|| {
        let session = of_line()?;
        session.line(line)?;
        if line_states & !line_dev_state::ALL != 0 {
            return Err(LineErr::InvalLineState);
        }
        if address_states & !address_state::ALL != 0 {
            return Err(LineErr::InvalAddressState);
        }
        session.set_status_messages(line, line_states, address_states)
    })
}

/// Obsolete: where the computer stands does not matter to a PBX.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_lineSetCurrentLocation(_location: u32) -> i32 {
    0
}
