//! One or two requests under way at a line, and how they end.

use super::cases::Case;
use crate::site::Site;
use engine::fact::*;
use engine::id::*;
use engine::tapi::CallState;
use engine::time::Timer;
use std::collections::BTreeSet;

/// The number of a request, and of the one that races with it.
pub const REQUEST: u32 = 5;
pub const RIVAL: u32 = 6;

impl Case {
    /// The request under way; what completed it so far.
    pub fn begun(&self) -> Play {
        let mut play = Play { site: (self.stage)(), ended: Default::default() };
        play.ask(self, REQUEST);
        play
    }
}

/// A site, and how the two requests ended so far.
pub struct Play {
    pub site: Site,
    pub ended: [Vec<String>; 2],
}

impl Play {
    pub fn ask(&mut self, case: &Case, request: u32) {
        let mut command = (case.ask)();
        rename(&mut command, request);
        self.site.app(1, number_of(&command, request), command);
        self.hear();
    }

    /// What completed meanwhile. LINE_GENERATE is the completion of digits; its tag tells of which.
    pub fn hear(&mut self) {
        for words in self.site.told(1) {
            for (request, ended) in [REQUEST, RIVAL].into_iter().zip(&mut self.ended) {
                let tag = request.to_string();
                let words: Vec<&str> = words.split(' ').collect();
                match words[..] {
                    [id, how] if id == tag => ended.push(how.to_owned()),
                    [_, "generated", how, id] if id == tag => {
                        ended.push(if how == "1" { "done" } else { "cancelled" }.to_owned());
                    }
                    _ => {}
                }
            }
        }
    }

    pub fn prove(&mut self, case: &Case, request: u32) {
        (case.prove)(&mut self.site, number_of(&(case.ask)(), request));
        self.hear();
    }

    /// The far ends of all calls hang up.
    pub fn hang_up(&mut self) {
        for leg in self.legs() {
            self.site.cleared(leg, 134, Some(16));
            self.site.del(leg);
        }
        self.hear();
    }

    /// Anna's legs that the PBX has reported and not ended.
    fn legs(&self) -> BTreeSet<u32> {
        self.site.legs.iter().copied().filter(|leg| *leg / 100 == 1).collect()
    }

    /// The PBX refuses whatever was asked for the request.
    pub fn refuse(&mut self, case: &Case, request: u32) {
        let no = match (case.ask)() {
            command if command.makes()[0].is_some() => Reply::Calling(CallHandle(0)),
            _ => Reply::Refused,
        };
        self.site.reply(1, number_of(&(case.ask)(), request), no);
        self.hear();
    }

    /// All timers that may still come.
    pub fn wait(&mut self) {
        for _ in 0..2 {
            for ticket in self.site.tickets(1) {
                self.site.event(Event::Due(Timer::Deadline(LineId(1), ticket)));
            }
            self.hear();
        }
    }

    /// Whatever else comes, nothing completes again, and nothing stays.
    pub fn end(mut self, what: &str) -> [Vec<String>; 2] {
        self.wait();
        self.hang_up();
        self.wait();
        let calls: Vec<CallId> = self.site.view(1).calls.iter().map(|call| call.id).collect();
        for call in calls {
            let state = self.site.view(1).call(call).map(|call| call.state);
            assert_eq!(state, Some(CallState::Idle), "{what}: {call:?} lives for ever");
            self.site.host(HostFact::CallClosed(call));
        }
        let line = self.site.core.lines().next().expect("the first line is Anna's");
        assert!(line.is_at_rest(), "{what}: something is left behind: {line:?}");
        self.ended
    }
}

/// The requests of TSPI that have no completion have numbers of the provider's own.
pub fn number_of(command: &Command, request: u32) -> u32 {
    match command {
        Command::GenerateDigits { .. } => RequestId::FIRST_OWN + request,
        _ => request,
    }
}

/// The same for the second of two requests: what it makes has other names.
fn rename(command: &mut Command, request: u32) {
    let shift = 100 * (request - REQUEST);
    match command {
        Command::MakeCall { call, .. }
        | Command::Pickup { call, .. }
        | Command::Unpark { call, .. }
        | Command::SetupTransfer { consultation: Consultation { call, .. }, .. }
        | Command::CompleteTransfer { conference: Some(call), .. } => call.serial += shift,
        Command::SetupConference { conference, consultation, .. } => {
            conference.serial += shift;
            consultation.call.serial += shift;
        }
        Command::GenerateDigits { tag, .. } => *tag = request,
        _ => {}
    }
}

/// The leg of what a request makes.
pub fn leg_for(request: u32) -> CallHandle {
    CallHandle(98 + request)
}
