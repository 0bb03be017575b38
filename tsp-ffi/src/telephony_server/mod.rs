//! The telephony server's side of the interface: loads a provider library, opens its lines, and
//! turns its callbacks into messages.
//!
//! Windows has this in its telephony service. Here it is for the `tapline` command and for tests,
//! so that the provider is always driven through its C interface and never round it. Users of
//! this module write no unsafe code.

mod error;
mod library;
mod message;
mod session;
mod structures;

pub use error::{Refusal, ServerError};
pub use message::{Asked, DeviceId, Kind, Message, TapiCall};
pub use structures::{
    AddressCaps, AddressStatus, CallInfo, CallStatus, Forwarded, LineCaps, LineStatus, PartyText,
};

use library::{Exports, WHOLE_PROVIDER};
use session::{Errand, MAKE_CALL, ON_COMPLETION, ON_LINE_EVENT, Session};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// A telephony server with one provider.
///
/// Its grammar: [`load`](Self::load), then any number of sessions, each from
/// [`start`](Self::start) to [`stop`](Self::stop). In a session all lines are open, also those
/// that the provider adds later; what the provider says comes out of [`next`](Self::next) in the
/// order in which it was said. A call ends for the provider when it is closed by
/// [`close_call`](Self::close_call): do that after IDLE, when you have read what you want to know
/// about it. Everything may be used from any thread.
pub struct TelephonyServer {
    exports: Arc<Exports>,
    version: u32,
    line_base: u32,
    running: Mutex<Option<Running>>,
    /// The messages of the running session, or what was left of the last one.
    messages: Mutex<Option<Receiver<Message>>>,
}

struct Running {
    session: Arc<Session>,
    clerk: JoinHandle<()>,
}

/// A line that the telephony server knows.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its device id.
    pub device: DeviceId,
    /// What LINEDEVCAPS said when it was opened.
    pub caps: Arc<LineCaps>,
    /// Its number.
    pub address: Arc<str>,
    /// Whether it is open.
    pub open: bool,
    /// Why it could not be opened.
    pub trouble: Option<Arc<ServerError>>,
}

/// A call that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The number of the request; its completion carries it.
    pub request: u32,
    /// The new call.
    pub call: TapiCall,
}

impl TelephonyServer {
    /// Loads a provider library, which will read its settings from the file given, and agrees
    /// with it on a version.
    ///
    /// The provider learns of the file by the environment variable `TAPLINE_CONFIG`, which this
    /// function sets. On Unix the environment is not made for being changed while C code of other
    /// threads reads it: load before starting threads that may do so.
    ///
    /// # Errors
    /// The library cannot be loaded, is not a provider, or has no version in common with us.
    pub fn load(library: &Path, settings: &Path) -> Result<TelephonyServer, ServerError> {
        let exports = Exports::load(library)?;
        // SAFETY: on Windows always sound. On Unix by the rule above; threads of Rust use the
        // standard library's lock.
        unsafe { std::env::set_var("TAPLINE_CONFIG", settings) };
        let version = exports.negotiate(WHOLE_PROVIDER)?;
        Ok(TelephonyServer {
            exports: Arc::new(exports),
            version,
            line_base: DEFAULT_LINE_BASE,
            running: Mutex::new(None),
            messages: Mutex::new(None),
        })
    }

    /// Gives the lines that the provider knows from the start other device ids, from `line_base`
    /// on.
    #[must_use]
    pub fn with_line_base(mut self, line_base: u32) -> TelephonyServer {
        self.line_base = line_base;
        self
    }

    /// The version that was agreed on, for example 0x00030000.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Begins a session: enumerates the lines, initialises the provider, opens every line with
    /// all status messages on. Lines added later are created and opened by a thread of the server.
    ///
    /// # Errors
    /// Another session runs in this process, or the provider refused; nothing runs then. A line
    /// that cannot be opened is no error: see [`Line::trouble`].
    pub fn start(&self) -> Result<(), ServerError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let (say, hear) = channel();
        let (send, errands) = channel();
        let session = Session::begin(self.line_base, say, send).ok_or(ServerError::SecondServer)?;
        *self.messages.lock().unwrap_or_else(PoisonError::into_inner) = Some(hear);
        let started = self.bring_up(&session).and_then(|()| {
            let desk = Desk { exports: Arc::clone(&self.exports), session: Arc::clone(&session) };
            let clerk = std::thread::Builder::new().name("telephony server".into());
            clerk.spawn(move || desk.work(&errands)).map_err(|error| {
                // The first error is the one to report.
                let _ = self.exports.shutdown(self.version);
                ServerError::Thread(error)
            })
        });
        match started {
            Ok(clerk) => {
                *running = Some(Running { session, clerk });
                Ok(())
            }
            Err(error) => {
                session.end();
                Err(error)
            }
        }
    }

    fn bring_up(&self, session: &Arc<Session>) -> Result<(), ServerError> {
        let devices = self.exports.enumerate(session.number(), ON_LINE_EVENT)?;
        let known: Vec<DeviceId> =
            session.change(|book| (0..devices.lines).map(|_| book.new_device()).collect());
        self.exports.init(self.version, self.line_base, &devices, ON_COMPLETION)?;
        let desk = Desk { exports: Arc::clone(&self.exports), session: Arc::clone(session) };
        for device in known {
            desk.open(device);
        }
        Ok(())
    }

    /// Ends the session as a telephony service does that is stopped: closes the calls and the
    /// lines, then shuts the provider down. Messages that came until then can still be read.
    ///
    /// # Errors
    /// The provider refused to shut down. The session is over all the same.
    pub fn stop(&self) -> Result<(), ServerError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Running { session, clerk }) = running.take() else {
            return Ok(());
        };
        session.end_errands();
        // No line is opened from here on. A panic of the clerk has been printed already.
        let _ = clerk.join();
        let desk = Desk { exports: Arc::clone(&self.exports), session: Arc::clone(&session) };
        let devices: Vec<DeviceId> = session.book().lines.keys().copied().collect();
        for device in devices {
            desk.close(device);
        }
        let result = self.exports.shutdown(self.version);
        session.end();
        result
    }

    /// The next message, or `None` when the deadline has come, or when the session is over and
    /// all its messages were read.
    #[must_use]
    pub fn next(&self, deadline: Instant) -> Option<Message> {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let left = deadline.saturating_duration_since(Instant::now());
        messages.as_ref()?.recv_timeout(left).ok()
    }

    /// The lines, in the order of their device ids.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let Ok(session) = self.session() else {
            return Vec::new();
        };
        session.book().lines.iter().map(|(device, record)| line(*device, record)).collect()
    }

    /// One line.
    #[must_use]
    pub fn line(&self, device: DeviceId) -> Option<Line> {
        let session = self.session().ok()?;
        let book = session.book();
        book.lines.get(&device).map(|record| line(device, record))
    }

    /// Waits until so many lines are open; false if the deadline came first.
    #[must_use]
    pub fn wait_for_lines(&self, count: usize, deadline: Instant) -> bool {
        self.session().is_ok_and(|session| {
            session.wait(deadline, |book| {
                book.lines.values().filter(|line| line.handle != 0).count() >= count
            })
        })
    }

    /// Waits until a line is open, or cannot be opened; false if the deadline came first.
    #[must_use]
    pub fn wait_for_line(&self, device: DeviceId, deadline: Instant) -> bool {
        self.session().is_ok_and(|session| {
            session.wait(deadline, |book| {
                book.lines
                    .get(&device)
                    .is_some_and(|line| line.handle != 0 || line.trouble.is_some())
            })
        })
    }

    /// `lineMakeCall`.
    ///
    /// # Errors
    /// The line is not open, or the provider refused at once.
    pub fn make_call(&self, device: DeviceId, number: &str) -> Result<Placed, ServerError> {
        let session = self.session()?;
        let line = self.line_handle(&session, device)?;
        let (call, request) = session.change(|book| {
            let call = book.new_call(device, 0);
            (call, book.new_request(device, Asked { function: MAKE_CALL, call: Some(call) }))
        });
        let made = self.exports.make_call(request, line, call.0, number);
        session.change(|book| match made {
            Ok(handle) => {
                // A completion that came first may have ended the call already.
                if let Some(record) = book.calls.get_mut(&call) {
                    record.handle = handle;
                }
                Ok(Placed { request, call })
            }
            Err(error) => {
                book.forget_request(request);
                book.calls.remove(&call);
                Err(error)
            }
        })
    }

    /// `lineAnswer`. The answer is the number of the request.
    ///
    /// # Errors
    /// There is no such call, or the provider refused at once.
    pub fn answer(&self, call: TapiCall) -> Result<u32, ServerError> {
        self.ask(call, "lineAnswer", Exports::answer)
    }

    /// `lineDrop`. The answer is the number of the request.
    ///
    /// # Errors
    /// There is no such call, or the provider refused at once.
    pub fn drop_call(&self, call: TapiCall) -> Result<u32, ServerError> {
        self.ask(call, "lineDrop", Exports::drop_call)
    }

    /// `lineForward`: forwards are replaced by these, or cancelled if there are none. The answer is
    /// the number of the request.
    ///
    /// # Errors
    /// The line is not open, or the provider refused at once.
    pub fn forward(
        &self,
        device: DeviceId,
        forwards: &[Forwarded],
        rings: u32,
    ) -> Result<u32, ServerError> {
        let session = self.session()?;
        let line = self.line_handle(&session, device)?;
        let asked = Asked { function: "lineForward", call: None };
        let request = session.change(|book| book.new_request(device, asked));
        self.exports
            .forward(request, line, forwards, rings)
            .inspect_err(|_| session.change(|book| book.forget_request(request)))
            .map(|()| request)
    }

    /// `lineSetAppSpecific`.
    ///
    /// # Errors
    /// There is no such call, or the provider refused.
    pub fn set_app_specific(&self, call: TapiCall, value: u32) -> Result<(), ServerError> {
        self.exports.set_app_specific(self.call_handle(call)?, value)
    }

    /// `TSPI_lineCloseCall`: the call is not needed any more. At the PBX it goes on if it is not
    /// over.
    ///
    /// # Errors
    /// There is no such call, or the provider refused; it is forgotten all the same.
    pub fn close_call(&self, call: TapiCall) -> Result<(), ServerError> {
        let handle = self.call_handle(call)?;
        let closed = self.exports.close_call(handle);
        self.session()?.change(|book| book.calls.remove(&call));
        closed
    }

    /// LINECALLINFO, in any state, until the call is closed.
    ///
    /// # Errors
    /// There is no such call, or the provider refused.
    pub fn call_info(&self, call: TapiCall) -> Result<CallInfo, ServerError> {
        self.exports.call_info(self.call_handle(call)?, self.version)
    }

    /// LINECALLSTATUS, in any state, until the call is closed.
    ///
    /// # Errors
    /// There is no such call, or the provider refused.
    pub fn call_status(&self, call: TapiCall) -> Result<CallStatus, ServerError> {
        self.exports.call_status(self.call_handle(call)?, self.version)
    }

    /// LINEDEVCAPS as it is now.
    ///
    /// # Errors
    /// The provider refused.
    pub fn line_caps(&self, device: DeviceId) -> Result<LineCaps, ServerError> {
        self.exports.line_caps(device.0, self.version)
    }

    /// LINEADDRESSCAPS.
    ///
    /// # Errors
    /// The provider refused.
    pub fn address_caps(&self, device: DeviceId) -> Result<AddressCaps, ServerError> {
        self.exports.address_caps(device.0, self.version)
    }

    /// LINEDEVSTATUS.
    ///
    /// # Errors
    /// The line is not open, or the provider refused.
    pub fn line_status(&self, device: DeviceId) -> Result<LineStatus, ServerError> {
        let line = self.line_handle(&*self.session()?, device)?;
        self.exports.line_status(line, self.version)
    }

    /// LINEADDRESSSTATUS.
    ///
    /// # Errors
    /// The line is not open, or the provider refused.
    pub fn address_status(&self, device: DeviceId) -> Result<AddressStatus, ServerError> {
        let line = self.line_handle(&*self.session()?, device)?;
        self.exports.address_status(line, self.version)
    }

    fn ask(
        &self,
        call: TapiCall,
        function: &'static str,
        ask: impl FnOnce(&Exports, u32, usize) -> Result<(), ServerError>,
    ) -> Result<u32, ServerError> {
        let session = self.session()?;
        let (request, handle) = session
            .change(|book| {
                let (line, handle) =
                    book.calls.get(&call).map(|record| (record.line, record.handle))?;
                let asked = Asked { function, call: Some(call) };
                Some((book.new_request(line, asked), handle))
            })
            .ok_or(ServerError::NoSuchCall)?;
        ask(&self.exports, request, handle)
            .inspect_err(|_| session.change(|book| book.forget_request(request)))
            .map(|()| request)
    }

    fn session(&self) -> Result<Arc<Session>, ServerError> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.as_ref().map(|running| Arc::clone(&running.session)).ok_or(ServerError::NotRunning)
    }

    fn line_handle(&self, session: &Session, device: DeviceId) -> Result<usize, ServerError> {
        let handle = session.book().lines.get(&device).map_or(0, |line| line.handle);
        if handle == 0 { Err(ServerError::NoSuchLine(device)) } else { Ok(handle) }
    }

    fn call_handle(&self, call: TapiCall) -> Result<usize, ServerError> {
        let session = self.session()?;
        let book = session.book();
        book.calls.get(&call).map(|record| record.handle).ok_or(ServerError::NoSuchCall)
    }
}

impl Drop for TelephonyServer {
    fn drop(&mut self) {
        // Who wants to know how it ended calls `stop`.
        let _ = self.stop();
    }
}

/// Device ids begin beyond 0, so that a provider that takes them for indexes is found out.
const DEFAULT_LINE_BASE: u32 = 3;

fn line(device: DeviceId, record: &session::LineRecord) -> Line {
    Line {
        device,
        caps: Arc::clone(&record.caps),
        address: Arc::clone(&record.address),
        open: record.handle != 0,
        trouble: record.trouble.clone(),
    }
}

/// Where lines are opened and closed.
struct Desk {
    exports: Arc<Exports>,
    session: Arc<Session>,
}

impl Desk {
    /// Does what the callbacks ask for, until the session is over.
    fn work(&self, errands: &Receiver<Errand>) {
        for errand in errands {
            match errand {
                Errand::Adopt { temporary, device } => self.adopt(temporary, device),
                Errand::Close(device) => self.close(device),
                Errand::End => break,
            }
        }
    }

    fn adopt(&self, temporary: usize, device: DeviceId) {
        match self.exports.create_line_device(temporary, device.0) {
            Ok(()) => self.open(device),
            Err(trouble) => self.note_trouble(device, trouble),
        }
    }

    fn open(&self, device: DeviceId) {
        if let Err(trouble) = self.try_open(device) {
            self.note_trouble(device, trouble);
        }
    }

    fn try_open(&self, device: DeviceId) -> Result<(), ServerError> {
        let version = self.exports.negotiate(device.0)?;
        let caps: LineCaps = self.exports.line_caps(device.0, version)?;
        let address: AddressCaps = self.exports.address_caps(device.0, version)?;
        // Names first: the line may speak before it is open for us.
        let ours = self.session.change(|book| {
            if let Some(line) = book.lines.get_mut(&device) {
                line.caps = Arc::new(caps);
                line.address = address.address.into();
            }
            book.new_opening(device)
        });
        let opened = self.exports.open(device.0, ours, version, ON_LINE_EVENT);
        self.session.change(|book| match opened {
            Ok(handle) => {
                if let Some(line) = book.lines.get_mut(&device) {
                    (line.handle, line.version) = (handle, version);
                }
                Ok(())
            }
            Err(error) => {
                book.forget_opening(device);
                Err(error)
            }
        })
    }

    /// Closes the calls of a line and the line. What the provider answers does not matter: it is
    /// closed for us.
    fn close(&self, device: DeviceId) {
        let (line, calls) = {
            let book = self.session.book();
            let of_line = book.calls.values().filter(|call| call.line == device);
            let calls: Vec<usize> = of_line.map(|call| call.handle).collect();
            (book.lines.get(&device).map_or(0, |line| line.handle), calls)
        };
        if line == 0 {
            return;
        }
        for call in calls.into_iter().filter(|call| *call != 0) {
            let _ = self.exports.close_call(call);
        }
        let _ = self.exports.close(line);
        self.session.change(|book| book.forget_opening(device));
    }

    fn note_trouble(&self, device: DeviceId, trouble: ServerError) {
        self.session.change(|book| {
            if let Some(line) = book.lines.get_mut(&device) {
                line.trouble = Some(Arc::new(trouble));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telephony_server_can_be_shared_between_threads() {
        fn is_shared<T: Send + Sync>() {}
        is_shared::<TelephonyServer>();
    }
}
