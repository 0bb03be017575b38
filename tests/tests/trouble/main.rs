//! What can go wrong from outside, and what becomes of it. The provider is the real library in a
//! process of its own, its log a real folder, its PBX the simulator, where need be with somebody
//! in between who spoils answers.
//!
//! In each case: the right error or state, one line in the diary that says what to do, every
//! thread ended at shutdown, and nothing lost that was logged.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod disk;
mod life;
mod log;
mod pbx;
mod settings;

use adapters::simulator::{Estate, Options, Simulator};
use std::time::{Duration, Instant};
use tests::premises::Premises;
use tests::server::Server;
use tests::wait_for;

/// `TSPI_providerInit` waits for no PBX.
const INIT: Duration = Duration::from_secs(1);
/// `TSPI_providerShutdown` does not keep a service from stopping.
const SHUTDOWN: Duration = Duration::from_secs(5);
/// Lines of the built-in estate that have a phone, and all of them.
const LINES: usize = 12;
const KNOWN: usize = 13;

fn simulator() -> Simulator {
    Simulator::start(&Estate::built_in(), Options::default()).unwrap()
}

/// Ends the session, and asserts that no thread of the provider outlives it.
#[track_caller]
fn shut_down(server: &mut Server, before: &[String]) {
    server.ask("stop").within(SHUTDOWN).well();
    assert_eq!(server.threads(), before, "threads outlive the session");
}

/// Starts a session without a PBX that could report a line, and ends it when the diary has said
/// what is wrong.
fn session_without_lines(premises: &Premises, says: &str) {
    let mut server = Server::load(premises);
    let before = server.threads();
    server.ask("start").within(INIT).well();
    premises.assert_said_once(says);
    assert!(server.lines().is_empty());
    shut_down(&mut server, &before);
    premises.assert_said_once(says);
    premises.replay().assert_sound();
}
