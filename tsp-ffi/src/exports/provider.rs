//! The provider as a whole.

use super::{answer, of_device, write};
use crate::abi::{
    AsyncCompletion, HProvider, INITIALIZE_NEGOTIATION, LineEvent, MAX_PATH, Version,
};
use crate::host::{HOST, Init};
use crate::platform;
use engine::tapi::LineErr;

/// Negotiates the version of the interface, for the provider or for a line.
///
/// # Safety
/// `version` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineNegotiateTSPIVersion(
    device: u32,
    low: u32,
    high: u32,
    version: *mut u32,
) -> i32 {
    answer(|| {
        if device != INITIALIZE_NEGOTIATION {
            of_device()?.device(device)?;
        }
        let highest = Version::highest_within(low, high)?;
        // SAFETY: the caller's promise.
        unsafe { write(version, highest.number()) }
    })
}

/// Counts the lines that are known before any PBX has answered; the rest comes by LINE_CREATE.
///
/// # Safety
/// `lines` and `phones` are null or valid for a write; `create` is null or stays callable until
/// `TSPI_providerShutdown` has returned.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_providerEnumDevices(
    _permanent_provider: u32,
    lines: *mut u32,
    phones: *mut u32,
    provider: HProvider,
    create: Option<LineEvent>,
    _create_phone: Option<LineEvent>,
) -> i32 {
    answer(|| {
        if lines.is_null() || phones.is_null() {
            return Err(LineErr::InvalPointer);
        }
        let count = HOST.enumerate(&platform::settings_path(), provider, create)?;
        // SAFETY: the caller's promise.
        unsafe {
            write(lines, u32::try_from(count).unwrap_or(u32::MAX))?;
            write(phones, 0)
        }
    })
}

/// Starts a session. Does not wait for any PBX.
///
/// # Safety
/// `options` is null or valid for a write; `completion` stays callable until
/// `TSPI_providerShutdown` has returned.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_providerInit(
    version: u32,
    _permanent_provider: u32,
    line_base: u32,
    _phone_base: u32,
    lines: usize,
    _phones: usize,
    completion: Option<AsyncCompletion>,
    options: *mut u32,
) -> i32 {
    answer(|| {
        let init = Init { version, line_base, lines, completion };
        HOST.init(&platform::settings_path(), &init)?;
        if options.is_null() {
            // A server that does not ask for our wishes gets what it would have got: none.
            return Ok(());
        }
        // SAFETY: the caller's promise.
        unsafe { write(options, 0) }
    })
}

/// Ends the session. No callback is made once it has returned.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_providerShutdown(_version: u32, _permanent_provider: u32) -> i32 {
    answer(|| {
        HOST.shutdown();
        Ok(())
    })
}

/// The server gives a line that was announced by LINE_CREATE its device id.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_providerCreateLineDevice(temporary: usize, device: u32) -> i32 {
    answer(|| of_device()?.devices().create(temporary, device))
}

/// The library that has the user interface: this one.
///
/// # Safety
/// `name` is null or valid for [`MAX_PATH`] units.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_providerUIIdentify(name: *mut u16) -> i32 {
    answer(|| {
        if name.is_null() {
            return Err(LineErr::InvalPointer);
        }
        let path = platform::own_path(MAX_PATH).ok_or(LineErr::OperationFailed)?;
        // SAFETY: the path has at most MAX_PATH units, for which the caller vouches.
        unsafe { std::ptr::copy_nonoverlapping(path.as_ptr(), name, path.len()) };
        Ok(())
    })
}

/// Obsolete; its presence tells the control panel that the provider can be added.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_providerInstall(_owner: usize, _permanent_provider: u32) -> i32 {
    0
}

/// Obsolete; its presence tells the control panel that the provider can be removed.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_providerRemove(_owner: usize, _permanent_provider: u32) -> i32 {
    0
}

/// Obsolete; its presence tells the control panel that the provider can be configured.
#[unsafe(no_mangle)]
pub extern "system" fn TSPI_providerConfig(_owner: usize, _permanent_provider: u32) -> i32 {
    0
}
