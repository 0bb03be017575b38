//! Asynchronous requests and small setters.

use super::book::{About, Book, BookedCall, OpenRequest};
use super::{KnownCall, OpenedLine, Session};
use crate::abi::{DrvRequestId, HDrvCall, HDrvLine, HTapiCall};
use engine::capability;
use engine::fact::{Command, Event, HostFact};
use engine::id::{CallId, LineId, RequestId};
use engine::tapi::LineErr;

impl Session {
    /// Takes a request about a call. What needs another call as well looks it up itself.
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
        self.admit(call.id.line, &command)?;
        let mut book = self.book();
        // It may have been closed since.
        self.call(handle)?;
        let about = About::Call(call.id);
        let open = OpenRequest { opening: call.opening, about, makes: [None; 2] };
        self.take(&mut book, request, call.id.line, open, command)
    }

    /// Takes a request about a line as a whole.
    ///
    /// # Errors
    /// [`LineErr::InvalLineHandle`], and as [`Session::ask`].
    pub(crate) fn ask_of_line(
        &self,
        request: DrvRequestId,
        handle: HDrvLine,
        command: Command,
    ) -> Result<RequestId, LineErr> {
        let OpenedLine { line, opening, .. } = self.line(handle)?;
        self.admit(line, &command)?;
        let mut book = self.book();
        // It may have been closed since.
        self.line(handle)?;
        let open = OpenRequest { opening, about: About::Line(line), makes: [None; 2] };
        self.take(&mut book, request, line, open, command)
    }

    /// Takes a request that makes a call. `command` gets the name of the call; `give` hands its
    /// handle to the server, before anything can be said about it.
    ///
    /// # Errors
    /// [`LineErr::InvalLineHandle`], and as [`Session::ask`].
    pub(crate) fn make(
        &self,
        request: DrvRequestId,
        handle: HDrvLine,
        server: HTapiCall,
        command: impl FnOnce(CallId) -> Command,
        give: impl FnOnce(HDrvCall),
    ) -> Result<RequestId, LineErr> {
        let command = |[made]: [CallId; 1]| command(made);
        self.make_several(request, handle, [server], command, |[made]| give(made))
    }

    /// Takes a request about a call that TSPI answers at once, and that has no completion.
    ///
    /// # Errors
    /// As [`Session::ask`].
    pub(crate) fn ask_at_once(
        &self,
        handle: HDrvCall,
        command: impl FnOnce(CallId) -> Command,
    ) -> Result<(), LineErr> {
        let call = self.call(handle)?;
        let command = command(call.id);
        self.admit(call.id.line, &command)?;
        if self.inbox.is_full() {
            return Err(LineErr::ResourceUnavail);
        }
        let mut book = self.book();
        // It may have been closed since.
        self.call(handle)?;
        let event = Event::App(call.id.line, call.opening, book.next_own_request(), command);
        self.submit(event).map_err(|_| LineErr::ResourceUnavail)
    }

    /// [`Session::make`] for one or two calls at once.
    ///
    /// # Errors
    /// As [`Session::make`].
    pub(crate) fn make_several<const N: usize>(
        &self,
        request: DrvRequestId,
        handle: HDrvLine,
        servers: [HTapiCall; N],
        command: impl FnOnce([CallId; N]) -> Command,
        give: impl FnOnce([HDrvCall; N]),
    ) -> Result<RequestId, LineErr> {
        let opened = self.line(handle)?;
        let mut book = self.book();
        // It may have been closed since.
        self.line(handle)?;
        let names = [(); N].map(|()| book.next_made_call(opened.line));
        let command = command(names);
        self.admit(opened.line, &command)?;
        let made = self.prepare(&mut book, handle, opened, names, servers)?;
        give(made);
        // It ends with the call that was there before, or with the one that it makes.
        let about = command.call().map_or(About::Line(opened.line), About::Call);
        let open = OpenRequest { opening: opened.opening, about, makes: command.makes() };
        let taken = self.take(&mut book, request, opened.line, open, command);
        if taken.is_err() {
            self.withdraw_made(&mut book, names, made);
        }
        taken
    }

    /// Enters calls that are only being made; all of them or none.
    fn prepare<const N: usize>(
        &self,
        book: &mut Book,
        line_handle: HDrvLine,
        opened: OpenedLine,
        names: [CallId; N],
        servers: [HTapiCall; N],
    ) -> Result<[HDrvCall; N], LineErr> {
        let OpenedLine { opening, version, device, .. } = opened;
        let known = |id| KnownCall {
            id,
            line_handle,
            opening,
            version,
            device,
            is_pending: true,
            app_specific: None,
            media: None,
        };
        let entered = names.map(|id| self.calls.insert(known(id)));
        if entered.contains(&None) {
            for handle in entered.into_iter().flatten() {
                self.calls.remove(handle);
            }
            return Err(LineErr::ResourceUnavail);
        }
        // None of them is missing.
        let handles = entered.map(Option::unwrap_or_default);
        for ((id, handle), server) in names.into_iter().zip(handles).zip(servers) {
            self.making.begin(id);
            book.add_call(id, BookedCall { handle, server });
        }
        Ok(handles)
    }

    fn withdraw_made<const N: usize>(
        &self,
        book: &mut Book,
        names: [CallId; N],
        handles: [HDrvCall; N],
    ) {
        for (id, handle) in names.into_iter().zip(handles) {
            book.remove_call(id);
            self.calls.remove(handle);
        }
    }

    /// Whether a command is legal in what its line shows.
    ///
    /// # Errors
    /// What [`capability::admit`] says.
    pub(crate) fn admit(&self, line: LineId, command: &Command) -> Result<(), LineErr> {
        self.look(line, |view| capability::admit(view, command))
            .unwrap_or(Err(LineErr::OperationFailed))
    }

    /// [`Session::admit`] for a command about one call.
    ///
    /// # Errors
    /// [`LineErr::InvalCallHandle`], or what [`capability::admit`] says.
    pub(crate) fn admit_call(
        &self,
        handle: HDrvCall,
        command: impl FnOnce(CallId) -> Command,
    ) -> Result<(), LineErr> {
        let call = self.call(handle)?.id;
        self.admit(call.line, &command(call))
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
        book: &mut Book,
        request: DrvRequestId,
        line: LineId,
        open: OpenRequest,
        command: Command,
    ) -> Result<RequestId, LineErr> {
        let id = RequestId(request);
        if request == 0 || id.is_own() || book.requests.contains_key(&id) {
            return Err(LineErr::InvalParam);
        }
        if self.inbox.is_full() {
            return Err(LineErr::ResourceUnavail);
        }
        let function = command.function();
        book.requests.insert(id, open);
        if self.submit(Event::App(line, open.opening, id, command)).is_err() {
            book.requests.remove(&id);
            return Err(LineErr::ResourceUnavail);
        }
        tracing::debug!("{function} for line {} is taken as request {}", line.0, id.0);
        Ok(id)
    }
}
