//! What the operating system knows about this library.

use adapters::settings::Settings;
use std::path::PathBuf;

/// Environment variable that names the settings file.
const SETTINGS_VARIABLE: &str = "TAPLINE_CONFIG";

/// The settings file: where the environment says, or else where such a file is on this system.
pub(crate) fn settings_path() -> PathBuf {
    match std::env::var_os(SETTINGS_VARIABLE) {
        Some(path) if !path.is_empty() => path.into(),
        _ => Settings::default_path(),
    }
}

pub(crate) use module::{own_path, pin, ticks_ms};

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
        fn GetTickCount() -> u32;
    }

    /// What LINE_GENERATE calls a tick count: milliseconds since the system began. It wraps round.
    pub(crate) fn ticks_ms() -> u32 {
        // SAFETY: there is nothing that could be wrong about calling it.
        unsafe { GetTickCount() }
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
    use std::ffi::{CStr, OsStr, c_char, c_int, c_long, c_void};
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

    /// timespec of time.h.
    #[repr(C)]
    #[derive(Default)]
    struct TimeSpec {
        seconds: c_long,
        nanoseconds: c_long,
    }

    /// CLOCK_MONOTONIC of time.h.
    const MONOTONIC: c_int = if cfg!(target_os = "macos") { 6 } else { 1 };

    unsafe extern "C" {
        fn dladdr(address: *const c_void, info: *mut DlInfo) -> c_int;
        fn clock_gettime(clock: c_int, time: *mut TimeSpec) -> c_int;
    }

    /// What LINE_GENERATE calls a tick count: milliseconds since the system began. It wraps round.
    pub(crate) fn ticks_ms() -> u32 {
        let mut time = TimeSpec::default();
        // SAFETY: the second parameter is a place for the answer; without one it stays 0.
        unsafe { clock_gettime(MONOTONIC, &raw mut time) };
        (time.seconds as u32).wrapping_mul(1000).wrapping_add((time.nanoseconds / 1_000_000) as u32)
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
    fn ticks_go_on_as_time_does() {
        let (before, begun) = (ticks_ms(), std::time::Instant::now());
        while begun.elapsed().as_millis() < 60 {
            std::thread::yield_now();
        }
        let ticks = ticks_ms().wrapping_sub(before);
        let time = begun.elapsed().as_millis() as u32;
        // The clock of Windows has steps of up to 16 ms.
        assert!((40..=time + 20).contains(&ticks), "{ticks} in {time} ms");
    }

    #[test]
    fn the_library_knows_where_it_lies() {
        let path = own_path(crate::abi::MAX_PATH).unwrap();
        assert_eq!(path.last(), Some(&0));
        let path = PathBuf::from(String::from_utf16(&path[..path.len() - 1]).unwrap());
        assert!(path.is_absolute() && path.is_file(), "{path:?}");
        assert_eq!(own_path(4), None, "never more than there is room for");
    }
}
