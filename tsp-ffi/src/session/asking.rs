//! Asynchronous requests and small setters.

use super::book::{BookedCall, OpenRequest};
use super::{KnownCall, OpenedLine, Session};
use crate::abi::{DrvRequestId, HDrvCall, HDrvLine, HTapiCall};
use engine::capability;
use engine::fact::{Command, Event, HostFact};
use engine::id::{CallId, RequestId};
use engine::pii::Personal;
use engine::tapi::LineErr;

/// What `TSPI_lineMakeCall` asks for, already read and checked.
pub(crate) struct MakeCall {
    /// What to dial.
    pub(crate) number: Personal,
    /// Hide the caller's number.
    pub(crate) block_id: bool,
    /// As given.
    pub(crate) country_code: u32,
    /// As given.
    pub(crate) call_param_flags: u32,
}

impl Session {
    /// Takes a request about a call.
    ///
    /// # Errors
    /// [`LineErr::InvalCallHandle`]; what [`capability::admit`] says; [`LineErr::InvalParam`] for
    /// a request id that cannot be one or has not completed; [`LineErr::ResourceUnavail`] if too
    /// much is waiting.
    pub(crate) fn ask(
        &self,
        request: DrvRequestId,
        handle: HDrvCall,
        command: impl FnOnce(CallId) -> Command,
    ) -> Result<RequestId, LineErr> {
        let call = self.call(handle)?;
        let command = command(call.id);
        self.admit(&command)?;
        let mut book = self.book();
        // It may have been closed since.
        self.call(handle)?;
        let open = OpenRequest { opening: call.opening, call: call.id, makes_call: false };
        self.take(&mut book, request, open, command)
    }

    /// Takes a request for a new call. `give` hands the call's handle to the server, before
    /// anything can be said about it.
    ///
    /// # Errors
    /// [`LineErr::InvalLineHandle`], and as [`Session::ask`].
    pub(crate) fn make_call(
        &self,
        request: DrvRequestId,
        handle: HDrvLine,
        server: HTapiCall,
        wish: MakeCall,
        give: impl FnOnce(HDrvCall),
    ) -> Result<RequestId, LineErr> {
        let OpenedLine { line, opening, version, device } = self.line(handle)?;
        let mut book = self.book();
        // It may have been closed since.
        self.line(handle)?;
        let id = book.next_made_call(line);
        let MakeCall { number, block_id, country_code, call_param_flags } = wish;
        let command =
            Command::MakeCall { call: id, number, block_id, country_code, call_param_flags };
        self.admit(&command)?;
        let known = KnownCall {
            id,
            line_handle: handle,
            opening,
            version,
            device,
            is_pending: true,
            app_specific: None,
            media: None,
        };
        let call = self.calls.insert(known).ok_or(LineErr::ResourceUnavail)?;
        book.add_call(id, BookedCall { handle: call, server });
        give(call);
        let open = OpenRequest { opening, call: id, makes_call: true };
        let taken = self.take(&mut book, request, open, command);
        if taken.is_err() {
            book.remove_call(id);
            self.calls.remove(call);
        }
        taken
    }

    /// Whether a command is legal in what the line shows.
    ///
    /// # Errors
    /// What [`capability::admit`] says.
    pub(crate) fn admit(&self, command: &Command) -> Result<(), LineErr> {
        self.look(command.call().line, |view| capability::admit(view, command))
            .unwrap_or(Err(LineErr::OperationFailed))
    }

    /// Remembers a value that the application gave a call. It can be read at once.
    ///
    /// # Errors
    /// [`LineErr::InvalCallHandle`].
    pub(crate) fn set_app_specific(&self, handle: HDrvCall, value: u32) -> Result<(), LineErr> {
        self.set(
            handle,
            |call| call.app_specific = Some(value),
            |id| HostFact::AppSpecific(id, value),
        )
    }

    /// The same of the media mode.
    ///
    /// # Errors
    /// [`LineErr::InvalCallHandle`].
    pub(crate) fn set_media(&self, handle: HDrvCall, media: u32) -> Result<(), LineErr> {
        self.set(handle, |call| call.media = Some(media), |id| HostFact::MediaMode(id, media))
    }

    fn set(
        &self,
        handle: HDrvCall,
        change: impl FnOnce(&mut KnownCall),
        fact: impl FnOnce(CallId) -> HostFact,
    ) -> Result<(), LineErr> {
        let _book = self.book();
        let call = self.call(handle)?;
        self.calls.update(handle, change).ok_or(LineErr::InvalCallHandle)?;
        self.note(fact(call.id));
        Ok(())
    }

    fn take(
        &self,
        book: &mut super::book::Book,
        request: DrvRequestId,
        open: OpenRequest,
        command: Command,
    ) -> Result<RequestId, LineErr> {
        let id = RequestId(request);
        if request == 0 || request > i32::MAX as u32 || book.requests.contains_key(&id) {
            return Err(LineErr::InvalParam);
        }
        if self.inbox.is_full() {
            return Err(LineErr::ResourceUnavail);
        }
        book.requests.insert(id, open);
        if self.submit(Event::App(open.call.line, open.opening, id, command)).is_err() {
            book.requests.remove(&id);
            return Err(LineErr::ResourceUnavail);
        }
        Ok(id)
    }
}
