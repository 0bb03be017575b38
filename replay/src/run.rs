//! `tapline run`: the provider on a real PBX, until Ctrl-C.

use crate::command_line::Run;
use crate::interrupt::{ASK_EVERY, Interrupt};
use crate::live::LiveRows;
use crate::output::Output;
use crate::provider;
use crate::trouble::Trouble;
use adapters::settings::Settings;
use engine::tapi::{CallState, LineErr};
use std::path::Path;
use std::time::{Duration, Instant};
use tapline::telephony_server::{Kind, Message, ServerError, TelephonyServer};

/// Prints what the provider says until Ctrl-C.
pub(crate) fn watch(options: &Run) -> Result<(), Trouble> {
    // Read here too, for the message: the provider itself can only answer with a number.
    let settings =
        Settings::read(&options.config).map_err(|error| Trouble::Settings(error.to_string()))?;
    let library = provider::find(options.provider.library.as_deref())?;
    // Before any thread: see `TelephonyServer::load`.
    let server = TelephonyServer::load(&library, &absolute(&options.config))?;
    let interrupt = Interrupt::listen()?;
    for absent in crate::probe::look(&settings)? {
        // Nothing is lost if the warning is: its lines show that they are out of service.
        let _ = crate::output::hint(&format!("not seen yet: {absent}"));
    }
    let mut output = Output::new(options.json);
    server.start().map_err(|error| cannot_start(error, &settings))?;
    output.remark(&format!(
        "{} lines are known from before; waiting for the PBX. Ctrl-C ends this.",
        server.lines().len()
    ))?;
    let mut live = LiveRows::new();
    while !interrupt.has_come() {
        if let Some(message) = server.next(Instant::now() + ASK_EVERY) {
            show(&server, &message, &mut live, &mut output)?;
        }
    }
    output.remark("Ending the session with the PBX.")?;
    server.stop()?;
    Ok(())
}

fn absolute(path: &Path) -> std::path::PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// How long a new line may take to get its name: it is opened by another thread.
const NAME_PATIENCE: Duration = Duration::from_secs(2);

fn show(
    server: &TelephonyServer,
    message: &Message,
    live: &mut LiveRows,
    output: &mut Output,
) -> Result<(), Trouble> {
    if let (Kind::LineCreated, Some(device)) = (&message.kind, message.line) {
        // Without its name the row is still true.
        let _ = server.wait_for_line(device, Instant::now() + NAME_PATIENCE);
    }
    output.row(&live.row(server, message))?;
    match message.kind {
        Kind::CallState { call, state, .. } if state == CallState::Idle.bits() => {
            // The call is over; there is nothing to do if the provider minds.
            let _ = server.close_call(call);
        }
        _ => {}
    }
    Ok(())
}

/// The provider's number in words.
fn cannot_start(error: ServerError, settings: &Settings) -> Trouble {
    let log = settings.log.display();
    let is = |wanted: LineErr| error.refusal() == Some(wanted.into());
    if is(LineErr::NoMultipleInstance) {
        return Trouble::Log(format!(
            "another process works on the log {log}; stop it, or give this one a log of its own \
             ([log] path in the settings)"
        ));
    }
    if is(LineErr::IniFileCorrupt) {
        return Trouble::Settings(format!(
            "the provider cannot use its settings; see {log}/tapline.log"
        ));
    }
    match error.refusal() {
        Some(refusal) => Trouble::Expectation(format!(
            "the provider does not start ({refusal}); it says why in {log}/tapline.log"
        )),
        None => error.into(),
    }
}
