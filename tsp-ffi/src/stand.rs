//! A telephony server that measures: it runs the provider of this process through the exports,
//! from the same side of the C interface as Windows does, and costs next to nothing itself.
//!
//! It opens every line that is announced, gives each call a handle, and closes a call as soon as
//! it is idle. All else it leaves to whoever listens.

pub use crate::counting::{Counting, allocations, bytes_in_use, releases};

use crate::abi::{
    Extent, HDrvCall, LINE_CALLSTATE, LINE_CREATE, LINE_NEWCALL, LineCallInfo, LineCallStatus,
    LineDevCaps, LineEvent,
};
use crate::exports::{
    TSPI_lineCloseCall, TSPI_lineGetCallInfo, TSPI_lineGetCallStatus, TSPI_lineGetDevCaps,
    TSPI_lineOpen, TSPI_providerCreateLineDevice, TSPI_providerShutdown,
};
use crate::host::{HOST, Init};
use adapters::exchange::feeding::{Feed, feed};
use adapters::runtime::Prepared;
use engine::tapi::{CallState, LineErr};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

/// Who is told of callbacks, on the thread that makes them.
pub trait Listener: Send + Sync + 'static {
    /// A line was opened, with this device id; ids count from 0 in the order of the lines.
    fn opened(&self, device: u32);
    /// A message about a call: its line's device id, the provider's handle of the call, and the
    /// message with its first parameter.
    fn heard(&self, device: u32, call: HDrvCall, message: u32, first: usize);
}

/// The provider, running. There can be one at a time in a process.
pub struct Stand(());

impl Stand {
    /// Starts the provider with the PBXs of its settings.
    ///
    /// # Errors
    /// What `TSPI_providerInit` answers.
    pub fn start(settings: &Path, listener: Arc<dyn Listener>) -> Result<Stand, LineErr> {
        Stand::start_by(settings, listener, Prepared::start)
    }

    /// Starts the provider with a PBX that is fed by hand.
    ///
    /// # Errors
    /// What `TSPI_providerInit` answers.
    pub fn start_fed(
        settings: &Path,
        listener: Arc<dyn Listener>,
    ) -> Result<(Stand, Feed), LineErr> {
        let (feed, pbx) = feed();
        let start = |prepared: Prepared, audience| prepared.start_fed(pbx, audience);
        Ok((Stand::start_by(settings, listener, start)?, feed))
    }

    fn start_by(
        settings: &Path,
        listener: Arc<dyn Listener>,
        start: impl FnOnce(
            Prepared,
            Arc<dyn adapters::runtime::Audience>,
        ) -> Result<adapters::runtime::Runtime, adapters::runtime::StartError>,
    ) -> Result<Stand, LineErr> {
        *LISTENER.write().unwrap_or_else(PoisonError::into_inner) = Some(listener);
        let lines = HOST.enumerate(settings, 1, Some(on_event as LineEvent))?;
        let init = Init { version: VERSION, line_base: 0, lines, completion: Some(on_completion) };
        HOST.init_by(settings, &init, start)?;
        (0..lines).for_each(|device| open(device as u32));
        Ok(Stand(()))
    }

    /// `TSPI_lineGetCallInfo` into a buffer, as often as wanted.
    ///
    /// # Errors
    /// The LINEERR.
    #[inline]
    pub fn call_info(&self, call: HDrvCall, into: &mut Buffer) -> Result<(), i32> {
        // SAFETY: the buffer has the size that stands in its first member.
        let answer = unsafe { TSPI_lineGetCallInfo(call, into.bytes.as_mut_ptr().cast()) };
        if answer == 0 { Ok(()) } else { Err(answer) }
    }

    /// `TSPI_lineGetDevCaps` into a buffer.
    ///
    /// # Errors
    /// The LINEERR.
    pub fn line_caps(&self, device: u32, into: &mut Buffer) -> Result<(), i32> {
        let caps = into.bytes.as_mut_ptr().cast();
        // SAFETY: the buffer has the size that stands in its first member.
        let answer = unsafe { TSPI_lineGetDevCaps(device, VERSION, 0, caps) };
        if answer == 0 { Ok(()) } else { Err(answer) }
    }

    /// `TSPI_lineGetCallStatus` into a buffer, as often as wanted.
    ///
    /// # Errors
    /// The LINEERR.
    #[inline]
    pub fn call_status(&self, call: HDrvCall, into: &mut Buffer) -> Result<(), i32> {
        // SAFETY: the buffer has the size that stands in its first member.
        let answer = unsafe { TSPI_lineGetCallStatus(call, into.bytes.as_mut_ptr().cast()) };
        if answer == 0 { Ok(()) } else { Err(answer) }
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        TSPI_providerShutdown(VERSION, 1);
        *LISTENER.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Room for a structure of variable size, with its own size in front.
pub struct Buffer {
    bytes: Box<[u8]>,
}

impl Buffer {
    /// A buffer of so many bytes, of which LINECALLINFO and LINECALLSTATUS need a few hundred.
    #[must_use]
    pub fn new(bytes: u32) -> Buffer {
        let mut room = vec![0; bytes.max(4) as usize].into_boxed_slice();
        room[..4].copy_from_slice(&bytes.to_le_bytes());
        Buffer { bytes: room }
    }

    /// dwCallState of a LINECALLSTATUS.
    #[must_use]
    pub fn call_state(&self) -> u32 {
        self.number(std::mem::offset_of!(LineCallStatus, call_state))
    }

    /// How many bytes the caller's number and name take in a LINECALLINFO.
    #[must_use]
    pub fn caller_bytes(&self) -> u32 {
        let number = std::mem::offset_of!(LineCallInfo, caller_id);
        let name = std::mem::offset_of!(LineCallInfo, caller_id_name);
        let size = std::mem::offset_of!(Extent, size);
        self.number(number + size) + self.number(name + size)
    }

    /// How many bytes the name of the line takes in a LINEDEVCAPS.
    #[must_use]
    pub fn name_bytes(&self) -> u32 {
        let name = std::mem::offset_of!(LineDevCaps, line_name);
        self.number(name + std::mem::offset_of!(Extent, size))
    }

    fn number(&self, at: usize) -> u32 {
        let bytes = self.bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u32::from_le_bytes)
    }
}

const VERSION: u32 = 0x0003_0000;

static LISTENER: RwLock<Option<Arc<dyn Listener>>> = RwLock::new(None);

fn tell(what: impl FnOnce(&dyn Listener)) {
    if let Some(listener) = &*LISTENER.read().unwrap_or_else(PoisonError::into_inner) {
        what(&**listener);
    }
}

/// LINEEVENT. The server's names are: for a line its device id + 1, for a call the provider's own
/// handle of it.
unsafe extern "system" fn on_event(
    line: usize,
    call: usize,
    message: u32,
    first: usize,
    second: usize,
    _third: usize,
) {
    match message {
        LINE_CREATE => {
            // Lines come in the order of their ids, which count from 1 and are the temporary ones.
            let device = (second - 1) as u32;
            if TSPI_providerCreateLineDevice(second, device) == 0 {
                open(device);
            }
        }
        LINE_NEWCALL => {
            let place = std::ptr::with_exposed_provenance_mut::<usize>(second);
            // SAFETY: LINE_NEWCALL comes with the address of a cell for our handle.
            unsafe { place.write(first) };
            tell(|listener| listener.heard((line - 1) as u32, first, message, first));
        }
        _ => {
            tell(|listener| listener.heard((line - 1) as u32, call, message, first));
            if message == LINE_CALLSTATE && first == CallState::Idle.bits() as usize {
                TSPI_lineCloseCall(call);
            }
        }
    }
}

unsafe extern "system" fn on_completion(_request: u32, _result: i32) {}

fn open(device: u32) {
    let (mut handle, server) = (0, device as usize + 1);
    // SAFETY: a valid place for the handle, and a procedure that lives as long as the process.
    let opened = unsafe { TSPI_lineOpen(device, server, &raw mut handle, VERSION, Some(on_event)) };
    if opened == 0 {
        tell(|listener| listener.opened(device));
    }
}
