//! What the operating system knows about this library.

use adapters::settings::Settings;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Instant;

/// Environment variable that names the settings file.
const SETTINGS_VARIABLE: &str = "TAPLINE_CONFIG";

/// The settings file: where the environment says, or else where such a file is on this system.
pub(crate) fn settings_path() -> PathBuf {
    match std::env::var_os(SETTINGS_VARIABLE) {
        Some(path) if !path.is_empty() => path.into(),
        _ => Settings::default_path(),
    }
}

/// What LINE_GENERATE calls a tick count: milliseconds since some moment, which only differences
/// have a meaning of.
pub(crate) fn ticks_ms() -> u32 {
    static BEGINNING: OnceLock<Instant> = OnceLock::new();
    // Wraps round as the system's own count does.
    BEGINNING.get_or_init(Instant::now).elapsed().as_millis() as u32
}

pub(crate) use module::{own_path, pin};

/// Any address inside this library finds its module.
fn own_address() -> *const core::ffi::c_void {
    (own_address as fn() -> *const core::ffi::c_void) as *const core::ffi::c_void
}

#[cfg(windows)]
mod module {
    use std::ffi::c_void;

    const PIN: u32 = 0x1;
    const UNCHANGED_REFCOUNT: u32 = 0x2;
    const FROM_ADDRESS: u32 = 0x4;

    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetModuleHandleExW(flags: u32, address: *const c_void, module: *mut *mut c_void) -> i32;
        fn GetModuleFileNameW(module: *mut c_void, name: *mut u16, size: u32) -> u32;
    }

    /// Keeps the library in memory until the process ends: some threads of the log's storage
    /// outlive a session and would run into nothing.
    pub(crate) fn pin() {
        if find(PIN).is_none() {
            tracing::error!("the library cannot be kept in memory; do not unload it");
        }
    }

    /// The full path of this library, in UTF-16 with its NUL; `None` if it has more than
    /// `longest` units.
    pub(crate) fn own_path(longest: usize) -> Option<Vec<u16>> {
        let module = find(UNCHANGED_REFCOUNT)?;
        let mut name = vec![0_u16; longest];
        let size = u32::try_from(longest).ok()?;
        // SAFETY: the buffer has `size` units.
        let length = unsafe { GetModuleFileNameW(module, name.as_mut_ptr(), size) } as usize;
        // A name that does not fit is cut and fills the buffer.
        if length == 0 || length >= longest {
            return None;
        }
        name.truncate(length + 1);
        Some(name)
    }

    fn find(flags: u32) -> Option<*mut c_void> {
        let mut module = std::ptr::null_mut();
        // SAFETY: with FROM_ADDRESS the second parameter is an address inside a module, which
        // this function's own is; the third is a place for the answer.
        let found = unsafe {
            GetModuleHandleExW(flags | FROM_ADDRESS, super::own_address(), &raw mut module)
        };
        (found != 0).then_some(module)
    }
}

#[cfg(not(windows))]
mod module {
    use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
    use std::os::unix::ffi::OsStrExt;
    use std::path::PathBuf;
    use std::sync::Once;

    /// Dl_info of dlfcn.h.
    #[repr(C)]
    struct DlInfo {
        file_name: *const c_char,
        base: *mut c_void,
        symbol_name: *const c_char,
        symbol: *mut c_void,
    }

    unsafe extern "C" {
        fn dladdr(address: *const c_void, info: *mut DlInfo) -> c_int;
    }

    /// Keeps the library in memory until the process ends: some threads of the log's storage
    /// outlive a session and would run into nothing.
    pub(crate) fn pin() {
        static PINNED: Once = Once::new();
        PINNED.call_once(|| {
            // Linked into a program instead of loaded, it stays anyway, and this does nothing.
            let Some(path) = own_file() else { return };
            let mode = libloading::os::unix::RTLD_NOW;
            // SAFETY: this very library is loaded already, so no initialiser runs.
            let own = unsafe { libloading::os::unix::Library::open(Some(path), mode) };
            // Never closed, hence never unloaded.
            own.map(std::mem::forget).unwrap_or_default();
        });
    }

    /// The full path of this library, in UTF-16 with its NUL; `None` if it has more than
    /// `longest` units.
    pub(crate) fn own_path(longest: usize) -> Option<Vec<u16>> {
        let wide: Vec<u16> = own_file()?.to_str()?.encode_utf16().chain([0]).collect();
        (wide.len() <= longest).then_some(wide)
    }

    fn own_file() -> Option<PathBuf> {
        let mut info = DlInfo {
            file_name: std::ptr::null(),
            base: std::ptr::null_mut(),
            symbol_name: std::ptr::null(),
            symbol: std::ptr::null_mut(),
        };
        // SAFETY: any address may be asked for; the second parameter is a place for the answer.
        let found = unsafe { dladdr(super::own_address(), &raw mut info) };
        if found == 0 || info.file_name.is_null() {
            return None;
        }
        // SAFETY: what was found has a file name that ends with a NUL and stays while the library
        // is loaded, in which we run.
        let name = unsafe { CStr::from_ptr(info.file_name) };
        std::fs::canonicalize(OsStr::from_bytes(name.to_bytes())).ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_library_knows_where_it_lies() {
        let path = own_path(crate::abi::MAX_PATH).unwrap();
        assert_eq!(path.last(), Some(&0));
        let path = PathBuf::from(String::from_utf16(&path[..path.len() - 1]).unwrap());
        assert!(path.is_absolute() && path.is_file(), "{path:?}");
        assert_eq!(own_path(4), None, "never more than there is room for");
    }
}
