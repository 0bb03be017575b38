//! Opening lines.

use super::book::BookedLine;
use super::{OpenedLine, Session};
use crate::abi::{HDrvLine, HTapiLine, LineEvent, Version};
use engine::fact::HostFact;
use engine::tapi::LineErr;

impl Session {
    /// Opens a line. `give` hands the handle to the server before anything can be said about the
    /// line; telling the engine is the last thing that is done, so that the function has as good
    /// as returned when the first callback is made.
    ///
    /// # Errors
    /// Those of [`Session::device`]; [`LineErr::IncompatibleApiVersion`]; [`LineErr::Allocated`]
    /// if the line is open; [`LineErr::ResourceUnavail`] if there are no more handles, or the
    /// server is far behind with its callbacks.
    pub(crate) fn open_line(
        &self,
        device: u32,
        server: HTapiLine,
        version: u32,
        event: LineEvent,
        give: impl FnOnce(HDrvLine),
    ) -> Result<(), LineErr> {
        let line = self.device(device)?;
        let version = Version::read(version)?;
        let mut book = self.book();
        if book.lines.contains_key(&line) {
            return Err(LineErr::Allocated);
        }
        let opening = book.next_opening();
        let opened = OpenedLine { line, opening, version, device };
        let handle = self.lines.insert(opened).ok_or(LineErr::ResourceUnavail)?;
        let calls = Vec::new();
        book.lines.insert(line, BookedLine { handle, opening, server, event, calls });
        give(handle);
        self.note(HostFact::LineOpened { line, opening, version: version.number() });
        Ok(())
    }

    /// Which status messages the server wants for a line from now on.
    ///
    /// # Errors
    /// [`LineErr::InvalLineHandle`].
    pub(crate) fn set_status_messages(
        &self,
        handle: HDrvLine,
        line_states: u32,
        address_states: u32,
    ) -> Result<(), LineErr> {
        let _book = self.book();
        let line = self.line(handle)?.line;
        self.note(HostFact::StatusMessages { line, line_states, address_states });
        Ok(())
    }
}
