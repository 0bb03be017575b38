//! `tapline simulate`: the PBX simulator by itself, with a prompt.

use crate::command_line::Simulate;
use crate::interrupt::{ASK_EVERY, Interrupt};
use crate::output;
use crate::trouble::Trouble;
use adapters::simulator::{Estate, Options, Simulator};
use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

/// Serves until it is told to end.
pub(crate) fn serve(options: &Simulate) -> Result<(), Trouble> {
    let estate = match &options.estate {
        Some(path) => Estate::read(path).map_err(|error| Trouble::Settings(error.to_string()))?,
        None => Estate::built_in(),
    };
    let interrupt = Interrupt::listen()?;
    let listen = Options { listen: options.listen, ..Options::default() };
    let simulator = Simulator::start(&estate, listen).map_err(|error| Trouble::System {
        what: "cannot simulate a PBX".into(),
        error: io::Error::other(error),
    })?;
    introduce(&simulator, &estate)?;
    let is_terminal = io::stdin().is_terminal();
    let result = obey(&simulator, &interrupt, is_terminal);
    simulator.stop();
    result
}

/// The first line is for programs that start us: it says where we listen.
fn introduce(simulator: &Simulator, estate: &Estate) -> Result<(), Trouble> {
    let base = format!("http://{}", simulator.address());
    output::line(&format!("listening on {base}"))?;
    output::line(&format!("SOAP:     {}", simulator.url()))?;
    for (pbx, _) in simulator.pbxs().iter().skip(1) {
        output::line(&format!("{}: {} ({})", pbx.name, pbx.url, pbx.rank))?;
    }
    output::line(&format!("WSDL:     {base}/pbx10_00.wsdl"))?;
    output::line(&format!("control:  POST to {base}/control, or type commands here; try `help`"))?;
    for user in estate.users.iter().filter(|user| !user.active_groups.is_empty()) {
        if let Some(password) = &user.password {
            output::line(&format!(
                "account:  {} with password {}; it monitors on behalf of the user {}",
                user.short_name(),
                password,
                user.cn
            ))?;
        }
    }
    Ok(())
}

/// Does what is typed, until `quit`, Ctrl-C, or the end of what is typed. A pipe that ends leaves
/// the simulator running: whoever started it in the background has no more to say.
fn obey(simulator: &Simulator, interrupt: &Interrupt, is_terminal: bool) -> Result<(), Trouble> {
    let lines = typed_lines()?;
    let mut lines = Some(lines);
    prompt(is_terminal)?;
    while !interrupt.has_come() && !simulator.is_stopping() {
        let Some(typed) = &lines else {
            std::thread::sleep(ASK_EVERY);
            continue;
        };
        match typed.recv_timeout(ASK_EVERY) {
            Ok(line) => {
                answer(simulator, &line)?;
                if !simulator.is_stopping() {
                    prompt(is_terminal)?;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) if is_terminal => break,
            Err(RecvTimeoutError::Disconnected) => lines = None,
        }
    }
    Ok(())
}

fn answer(simulator: &Simulator, line: &str) -> Result<(), Trouble> {
    match simulator.control(line) {
        Ok(value) if value.is_empty() => output::line("ok"),
        Ok(value) => output::line(&format!("ok {value}")),
        Err(error) => output::line(&format!("error: {error}")),
    }
}

fn prompt(is_terminal: bool) -> Result<(), Trouble> {
    if !is_terminal {
        return Ok(());
    }
    let mut stdout = io::stdout().lock();
    write!(stdout, "> ").and_then(|()| stdout.flush()).map_err(Trouble::output)
}

/// Reading cannot be interrupted, so it has a thread of its own, which ends with the program.
fn typed_lines() -> Result<Receiver<String>, Trouble> {
    let (send, typed) = channel();
    let thread = std::thread::Builder::new().name("prompt".into());
    thread
        .spawn(move || {
            for line in io::stdin().lock().lines() {
                let Ok(line) = line else { break };
                if send.send(line).is_err() {
                    break;
                }
            }
        })
        .map_err(|error| Trouble::System { what: "cannot read what is typed".into(), error })?;
    Ok(typed)
}
