//! A provider library: its exports by their plain names, each behind a safe function.

use super::error::{Refusal, ServerError};
use super::structures::{Forwarded, Structure, query};
use libloading::Library;
use std::ffi::c_void;
use std::path::Path;

/// LINEEVENT.
pub(super) type LineEvent = extern "system" fn(usize, usize, u32, usize, usize, usize);
/// ASYNC_COMPLETION.
pub(super) type AsyncCompletion = extern "system" fn(u32, i32);

macro_rules! exports {
    ($($field:ident = $name:literal ($($argument:ty),*);)*) => {
        /// The functions of a provider that Tapline's telephony server uses.
        pub(super) struct Exports {
            $($field: unsafe extern "system" fn($($argument),*) -> i32,)*
            /// Keeps the functions where they are.
            _library: Library,
        }

        impl Exports {
            fn resolve(library: Library, path: &Path) -> Result<Exports, ServerError> {
                $(
                    // SAFETY: the public header gives a function of this name exactly this type.
                    let $field = unsafe {
                        library.get::<unsafe extern "system" fn($($argument),*) -> i32>($name)
                    };
                    let $field = *$field.map_err(|_| ServerError::NotAProvider {
                        path: path.to_owned(),
                        name: $name,
                    })?;
                )*
                Ok(Exports { $($field,)* _library: library })
            }
        }
    };
}

// Handles are pointer-sized numbers here: neither side may look behind the other's.
exports! {
    negotiate = "TSPI_lineNegotiateTSPIVersion"(u32, u32, u32, *mut u32);
    enumerate = "TSPI_providerEnumDevices"(
        u32, *mut u32, *mut u32, usize, LineEvent, *const c_void
    );
    init = "TSPI_providerInit"(u32, u32, u32, u32, usize, usize, AsyncCompletion, *mut u32);
    shutdown = "TSPI_providerShutdown"(u32, u32);
    create_line_device = "TSPI_providerCreateLineDevice"(usize, u32);
    open = "TSPI_lineOpen"(u32, usize, *mut usize, u32, LineEvent);
    close = "TSPI_lineClose"(usize);
    close_call = "TSPI_lineCloseCall"(usize);
    set_status_messages = "TSPI_lineSetStatusMessages"(usize, u32, u32);
    set_default_media_detection = "TSPI_lineSetDefaultMediaDetection"(usize, u32);
    get_dev_caps = "TSPI_lineGetDevCaps"(u32, u32, u32, *mut u32);
    get_address_caps = "TSPI_lineGetAddressCaps"(u32, u32, u32, u32, *mut u32);
    get_line_dev_status = "TSPI_lineGetLineDevStatus"(usize, *mut u32);
    get_address_status = "TSPI_lineGetAddressStatus"(usize, u32, *mut u32);
    get_call_info = "TSPI_lineGetCallInfo"(usize, *mut u32);
    get_call_status = "TSPI_lineGetCallStatus"(usize, *mut u32);
    make_call = "TSPI_lineMakeCall"(u32, usize, usize, *mut usize, *const u16, u32, *const c_void);
    answer = "TSPI_lineAnswer"(u32, usize, *const u8, u32);
    drop_call = "TSPI_lineDrop"(u32, usize, *const u8, u32);
    forward = "TSPI_lineForward"(u32, usize, u32, u32, *const u8, u32, usize, *mut usize, *const c_void);
    set_app_specific = "TSPI_lineSetAppSpecific"(usize, u32);
}

/// LINEDEVSTATE and LINEADDRESSSTATE bits: all that are defined.
const ALL_LINE_STATES: u32 = engine::tapi::line_dev_state::ALL;
const ALL_ADDRESS_STATES: u32 = engine::tapi::address_state::ALL;

/// INITIALIZE_NEGOTIATION: a negotiation about the provider as a whole.
pub(super) const WHOLE_PROVIDER: u32 = 0xFFFF_FFFF;
/// The versions that a telephony server of today offers.
const OFFERED: (u32, u32) = (0x0001_0003, 0x0003_0001);
/// dwPermanentProviderID: there is one provider.
const PROVIDER_ID: u32 = 1;

/// What `TSPI_providerEnumDevices` counts.
pub(super) struct Devices {
    pub(super) lines: u32,
    pub(super) phones: u32,
}

// A note that holds for every call below. SAFETY: the functions have the types of the public
// header (see `exports!`), pointers lead to locals that live until the function has returned, and
// the library is not unloaded before `self` is gone. Handles are numbers that a provider has to
// check, not pointers of ours.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Exports {
    /// Loads a provider library and finds its exports. Nothing of it runs yet but what its
    /// loading itself does.
    pub(super) fn load(path: &Path) -> Result<Exports, ServerError> {
        let failed = |error: libloading::Error| ServerError::Load {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        // A bare file name would be looked for in the system's folders.
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        // SAFETY: loading runs the initialisers of the library. Whoever names a provider trusts
        // it with the process, as the telephony service does.
        let library = unsafe { Library::new(&whole) }.map_err(failed)?;
        Exports::resolve(library, path)
    }

    /// The version to use, for a line or for [`WHOLE_PROVIDER`].
    pub(super) fn negotiate(&self, device: u32) -> Result<u32, ServerError> {
        const FUNCTION: &str = "TSPI_lineNegotiateTSPIVersion";
        let mut version = 0;
        let (low, high) = OFFERED;
        let answer = unsafe { (self.negotiate)(device, low, high, &raw mut version) };
        done(FUNCTION, answer)?;
        match version {
            0x0002_0000..=0x0003_0001 => Ok(version),
            _ => Err(ServerError::Contract {
                function: FUNCTION,
                fault: "chose a version that was not offered",
            }),
        }
    }

    pub(super) fn enumerate(
        &self,
        session: usize,
        line_create: LineEvent,
    ) -> Result<Devices, ServerError> {
        let mut devices = Devices { lines: 0, phones: 0 };
        let answer = unsafe {
            (self.enumerate)(
                PROVIDER_ID,
                &raw mut devices.lines,
                &raw mut devices.phones,
                session,
                line_create,
                std::ptr::null(),
            )
        };
        done("TSPI_providerEnumDevices", answer).map(|()| devices)
    }

    pub(super) fn init(
        &self,
        version: u32,
        line_base: u32,
        devices: &Devices,
        completion: AsyncCompletion,
    ) -> Result<(), ServerError> {
        let mut options = 0;
        let answer = unsafe {
            (self.init)(
                version,
                PROVIDER_ID,
                line_base,
                0,
                devices.lines as usize,
                devices.phones as usize,
                completion,
                &raw mut options,
            )
        };
        done("TSPI_providerInit", answer)
    }

    pub(super) fn shutdown(&self, version: u32) -> Result<(), ServerError> {
        done("TSPI_providerShutdown", unsafe { (self.shutdown)(version, PROVIDER_ID) })
    }

    pub(super) fn create_line_device(
        &self,
        temporary: usize,
        device: u32,
    ) -> Result<(), ServerError> {
        let answer = unsafe { (self.create_line_device)(temporary, device) };
        done("TSPI_providerCreateLineDevice", answer)
    }

    /// Opens a line and asks for all its messages; the answer is the provider's handle.
    pub(super) fn open(
        &self,
        device: u32,
        line: usize,
        version: u32,
        event: LineEvent,
    ) -> Result<usize, ServerError> {
        let mut handle = 0;
        let answer = unsafe { (self.open)(device, line, &raw mut handle, version, event) };
        done("TSPI_lineOpen", answer)?;
        if handle == 0 {
            let fault = "left no handle";
            return Err(ServerError::Contract { function: "TSPI_lineOpen", fault });
        }
        let media = engine::tapi::MEDIA_INTERACTIVE_VOICE;
        let answer = unsafe { (self.set_default_media_detection)(handle, media) };
        done("TSPI_lineSetDefaultMediaDetection", answer)?;
        let answer =
            unsafe { (self.set_status_messages)(handle, ALL_LINE_STATES, ALL_ADDRESS_STATES) };
        done("TSPI_lineSetStatusMessages", answer)?;
        Ok(handle)
    }

    pub(super) fn close(&self, line: usize) -> Result<(), ServerError> {
        done("TSPI_lineClose", unsafe { (self.close)(line) })
    }

    pub(super) fn close_call(&self, call: usize) -> Result<(), ServerError> {
        done("TSPI_lineCloseCall", unsafe { (self.close_call)(call) })
    }

    pub(super) fn set_app_specific(&self, call: usize, value: u32) -> Result<(), ServerError> {
        done("TSPI_lineSetAppSpecific", unsafe { (self.set_app_specific)(call, value) })
    }

    pub(super) fn line_caps<S: Structure>(
        &self,
        device: u32,
        version: u32,
    ) -> Result<S, ServerError> {
        query(version, |words| unsafe {
            (self.get_dev_caps)(device, version, 0, words.as_mut_ptr())
        })
    }

    pub(super) fn address_caps<S: Structure>(
        &self,
        device: u32,
        version: u32,
    ) -> Result<S, ServerError> {
        query(version, |words| unsafe {
            (self.get_address_caps)(device, 0, version, 0, words.as_mut_ptr())
        })
    }

    pub(super) fn line_status<S: Structure>(
        &self,
        line: usize,
        version: u32,
    ) -> Result<S, ServerError> {
        query(version, |words| unsafe { (self.get_line_dev_status)(line, words.as_mut_ptr()) })
    }

    pub(super) fn address_status<S: Structure>(
        &self,
        line: usize,
        version: u32,
    ) -> Result<S, ServerError> {
        query(version, |words| unsafe { (self.get_address_status)(line, 0, words.as_mut_ptr()) })
    }

    pub(super) fn call_info<S: Structure>(
        &self,
        call: usize,
        version: u32,
    ) -> Result<S, ServerError> {
        query(version, |words| unsafe { (self.get_call_info)(call, words.as_mut_ptr()) })
    }

    pub(super) fn call_status<S: Structure>(
        &self,
        call: usize,
        version: u32,
    ) -> Result<S, ServerError> {
        query(version, |words| unsafe { (self.get_call_status)(call, words.as_mut_ptr()) })
    }

    /// Asks for a call; the answer is the provider's handle for it.
    pub(super) fn make_call(
        &self,
        request: u32,
        line: usize,
        call: usize,
        number: &str,
    ) -> Result<usize, ServerError> {
        const FUNCTION: &str = "TSPI_lineMakeCall";
        let number: Vec<u16> = number.encode_utf16().chain([0]).collect();
        let (mut handle, no_parameters) = (0, std::ptr::null());
        let answer = unsafe {
            (self.make_call)(
                request,
                line,
                call,
                &raw mut handle,
                number.as_ptr(),
                0,
                no_parameters,
            )
        };
        taken(FUNCTION, request, answer)?;
        match handle {
            0 => Err(ServerError::Contract { function: FUNCTION, fault: "left no handle" }),
            handle => Ok(handle),
        }
    }

    pub(super) fn answer(&self, request: u32, call: usize) -> Result<(), ServerError> {
        let answer = unsafe { (self.answer)(request, call, std::ptr::null(), 0) };
        taken("TSPI_lineAnswer", request, answer)
    }

    pub(super) fn drop_call(&self, request: u32, call: usize) -> Result<(), ServerError> {
        let answer = unsafe { (self.drop_call)(request, call, std::ptr::null(), 0) };
        taken("TSPI_lineDrop", request, answer)
    }

    /// Asks for forwards; there must be no consultation call.
    pub(super) fn forward(
        &self,
        request: u32,
        line: usize,
        forwards: &[Forwarded],
        rings: u32,
    ) -> Result<(), ServerError> {
        const FUNCTION: &str = "TSPI_lineForward";
        let list = forward_list(forwards);
        let list = if forwards.is_empty() { std::ptr::null() } else { list.as_ptr() };
        let (mut consultation, no_parameters) = (0, std::ptr::null());
        let answer = unsafe {
            (self.forward)(
                request,
                line,
                1,
                0,
                list,
                rings,
                0,
                &raw mut consultation,
                no_parameters,
            )
        };
        taken(FUNCTION, request, answer)?;
        match consultation {
            0 => Ok(()),
            _ => Err(ServerError::Contract { function: FUNCTION, fault: "made a call" }),
        }
    }
}

/// LINEFORWARDLIST with entries of 24 bytes, as it is up to version 3.0.
fn forward_list(forwards: &[Forwarded]) -> Vec<u8> {
    let fixed = 8 + 24 * forwards.len();
    let (mut list, mut texts) = (Vec::new(), Vec::new());
    for forwarded in forwards {
        let mut place = |text: &str| -> [u32; 2] {
            if text.is_empty() {
                return [0, 0];
            }
            let offset = fixed + texts.len();
            texts.extend(text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
            [fixed + texts.len() - offset, offset].map(|number| number as u32)
        };
        let ([caller_size, caller], [size, destination]) =
            (place(&forwarded.caller), place(&forwarded.destination));
        list.extend([forwarded.mode, caller_size, caller, 0, size, destination]);
    }
    let head = [(fixed + texts.len()) as u32, forwards.len() as u32];
    head.into_iter().chain(list).flat_map(u32::to_le_bytes).chain(texts).collect()
}

/// What a synchronous function answered.
fn done(function: &'static str, answer: i32) -> Result<(), ServerError> {
    match answer {
        0 => Ok(()),
        ..0 => Err(ServerError::Refused { function, refusal: Refusal(answer) }),
        _ => Err(ServerError::Contract { function, fault: "answered a positive number" }),
    }
}

/// What an asynchronous function answered: the request's own number means that it was taken.
fn taken(function: &'static str, request: u32, answer: i32) -> Result<(), ServerError> {
    match answer {
        ..0 => Err(ServerError::Refused { function, refusal: Refusal(answer) }),
        _ if answer.cast_unsigned() == request => Ok(()),
        _ => Err(ServerError::Contract {
            function,
            fault: "answered neither an error nor the request's number",
        }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_library_is_refused_with_its_path() {
        let error = Exports::load(Path::new("no/such/libtapline.so")).err().unwrap();
        assert!(error.to_string().contains("no/such/libtapline.so"), "{error}");
    }

    #[test]
    fn an_asynchronous_function_must_answer_the_requests_own_number() {
        assert!(taken("TSPI_lineDrop", 7, 7).is_ok());
        for wrong in [0, 8] {
            let error = taken("TSPI_lineDrop", 7, wrong).unwrap_err();
            assert!(matches!(error, ServerError::Contract { .. }), "{error}");
        }
        let code = engine::tapi::LineErr::InvalCallState.code();
        let refusal = taken("TSPI_lineDrop", 7, code).unwrap_err().refusal();
        assert_eq!(refusal, Some(Refusal(code)));
    }
}
