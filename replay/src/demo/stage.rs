//! Where scenes are played: acts are performed, and the messages they lead to are waited for.
//!
//! The messages of one line come in an order that depends on nothing but the calls; the order
//! between lines may depend on which of two connections the PBX answered first. So messages are
//! taken line by line, up to the last one that an act must lead to. What an act leads to is
//! thereby the same each time, and so are the rows.

use super::story::{Act, Actor, Deed, Extension, Mark};
use crate::live::LiveRows;
use crate::rows::Row;
use crate::trouble::Trouble;
use adapters::simulator::Simulator;
use engine::tapi::{CallState, line_dev_state};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tapline::telephony_server::{DeviceId, Kind, Message, TapiCall, TelephonyServer};

/// How long an act may take to lead to what it must. Ten times what the slowest machine needs.
const PATIENCE: Duration = Duration::from_secs(20);

/// The stage.
pub(super) struct Stage<'a> {
    server: &'a TelephonyServer,
    simulator: &'a Simulator,
    lines: BTreeMap<Extension, DeviceId>,
    /// What came and was not taken yet, by line.
    waiting: BTreeMap<Option<DeviceId>, Vec<Message>>,
    /// The state each call was last told to be in, the oldest call first.
    states: Vec<(DeviceId, TapiCall, u32)>,
    live: LiveRows,
    /// Everything that came, in the order in which it came.
    pub(super) heard: Vec<Message>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(server: &'a TelephonyServer, simulator: &'a Simulator) -> Stage<'a> {
        Stage {
            server,
            simulator,
            lines: BTreeMap::new(),
            waiting: BTreeMap::new(),
            states: Vec::new(),
            live: LiveRows::new(),
            heard: Vec::new(),
        }
    }

    /// Waits until every actor has a line and all lines are open; the answer is how they came.
    pub(super) fn open_lines(&mut self, actors: &[Actor]) -> Result<Vec<Row>, Trouble> {
        let deadline = Instant::now() + PATIENCE;
        while !actors.iter().all(|actor| self.lines.contains_key(&actor.extension)) {
            self.listen(deadline).map_err(|NothingCame| self.too_few_lines(actors.len()))?;
            let Some(Message { line: Some(device), kind: Kind::LineCreated, .. }) =
                self.heard.last()
            else {
                continue;
            };
            let device = *device;
            let is_open = self.server.wait_for_line(device, deadline);
            match self.server.line(device).filter(|line| is_open && line.open) {
                Some(line) => self.lines.insert(line.address.to_string(), device),
                None => return Err(self.too_few_lines(actors.len())),
            };
        }
        Ok(self.rest())
    }

    fn too_few_lines(&self, wanted: usize) -> Trouble {
        let lines = self.server.lines();
        let open = lines.iter().filter(|line| line.open).count();
        let why = lines.iter().find_map(|line| line.trouble.as_ref());
        let why = why.map_or_else(String::new, |why| format!("; {why}"));
        Trouble::Expectation(format!(
            "the provider opened {open} of {wanted} lines within {} s{why}",
            PATIENCE.as_secs()
        ))
    }

    /// Performs an act and waits for what it must lead to; the answer are the rows of that.
    pub(super) fn perform(&mut self, act: &Act) -> Result<Vec<Row>, Trouble> {
        self.act(&act.deed)?;
        let deadline = Instant::now() + PATIENCE;
        let mut rows = Vec::new();
        for (extension, marks) in &act.outcome {
            let device = self.line(extension)?;
            let messages = self.wait_for(device, marks, deadline).map_err(|NothingCame| {
                let came = self.waiting.get(&Some(device)).map_or(&[][..], Vec::as_slice);
                disappointment(act, extension, marks, came)
            })?;
            rows.push(messages);
        }
        // Parties are read when all has been told: views are never older than messages, but may
        // be newer.
        let messages = rows.iter().flatten();
        let rows = messages.map(|message| self.live.row(self.server, message)).collect();
        self.close_idle_calls();
        Ok(rows)
    }

    /// What came beyond all expectation, line by line.
    pub(super) fn rest(&mut self) -> Vec<Row> {
        while let Some(message) = self.server.next(Instant::now()) {
            self.note(message);
        }
        let rest: Vec<Message> =
            std::mem::take(&mut self.waiting).into_values().flatten().collect();
        let rows = rest.iter().map(|message| self.live.row(self.server, message)).collect();
        self.close_idle_calls();
        rows
    }

    fn act(&mut self, deed: &Deed) -> Result<(), Trouble> {
        match deed {
            Deed::Pbx(command) => self.control(command),
            Deed::MakeCall(extension, number) => {
                self.server.make_call(self.line(extension)?, number)?;
                Ok(())
            }
            Deed::Answer(extension) => {
                let is_offered = |state| state == CallState::Offering.bits();
                self.server.answer(self.newest_call(extension, is_offered)?)?;
                Ok(())
            }
            Deed::Drop(extension) => {
                let is_live = |state| state != CallState::Idle.bits();
                self.server.drop_call(self.newest_call(extension, is_live)?)?;
                Ok(())
            }
        }
    }

    fn control(&self, command: &str) -> Result<(), Trouble> {
        self.simulator
            .control(command)
            .map(drop)
            .map_err(|error| Trouble::Pbx(format!("the simulator refuses `{command}`: {error}")))
    }

    fn line(&self, extension: &str) -> Result<DeviceId, Trouble> {
        self.lines.get(extension).copied().ok_or_else(|| {
            Trouble::Expectation(format!("there is no line with number {extension}"))
        })
    }

    fn newest_call(
        &self,
        extension: &str,
        is_meant: impl Fn(u32) -> bool,
    ) -> Result<TapiCall, Trouble> {
        let line = self.line(extension)?;
        let of_line = self.states.iter().rev().filter(|(device, ..)| *device == line);
        of_line
            .filter(|(_, _, state)| is_meant(*state))
            .map(|(_, call, _)| *call)
            .next()
            .ok_or_else(|| Trouble::Expectation(format!("line {extension} has no such call")))
    }

    /// Takes the messages of a line up to the last of those that are waited for.
    fn wait_for(
        &mut self,
        device: DeviceId,
        marks: &[Mark],
        deadline: Instant,
    ) -> Result<Vec<Message>, NothingCame> {
        loop {
            let came = self.waiting.entry(Some(device)).or_default();
            if let Some(end) = end_of(marks, came) {
                return Ok(came.drain(..end).collect());
            }
            self.listen(deadline)?;
        }
    }

    fn listen(&mut self, deadline: Instant) -> Result<(), NothingCame> {
        let message = self.server.next(deadline).ok_or(NothingCame)?;
        self.note(message);
        Ok(())
    }

    fn note(&mut self, message: Message) {
        if let (Some(line), Kind::CallState { call, state, .. }) = (message.line, &message.kind) {
            match self.states.iter_mut().find(|(_, known, _)| known == call) {
                Some((_, _, known)) => *known = *state,
                None => self.states.push((line, *call, *state)),
            }
        }
        self.heard.push(message.clone());
        self.waiting.entry(message.line).or_default().push(message);
    }

    /// The application deallocates what is over.
    fn close_idle_calls(&mut self) {
        let is_idle = |state: u32| state == CallState::Idle.bits();
        let still_unread = |call: TapiCall| {
            self.waiting.values().flatten().any(|message| message.kind.call() == Some(call))
        };
        let over: Vec<TapiCall> = self
            .states
            .iter()
            .filter(|(_, call, state)| is_idle(*state) && !still_unread(*call))
            .map(|(_, call, _)| *call)
            .collect();
        for call in over {
            // A provider that minds is found out by what it says next.
            let _ = self.server.close_call(call);
            self.states.retain(|(_, known, _)| *known != call);
        }
    }
}

/// The deadline came first.
struct NothingCame;

fn disappointment(act: &Act, extension: &str, marks: &[Mark], came: &[Message]) -> Trouble {
    let came: Vec<String> = came.iter().map(|message| format!("{:?}", message.kind)).collect();
    Trouble::Expectation(format!(
        "after {:?} line {extension} should have told {marks:?} within {} s, but told {}",
        act.deed,
        PATIENCE.as_secs(),
        if came.is_empty() { "nothing".to_owned() } else { came.join(", ") }
    ))
}

/// Where the last of the marks is, so that each has a message of its own.
fn end_of(marks: &[Mark], messages: &[Message]) -> Option<usize> {
    let mut taken = vec![false; messages.len()];
    let mut end = 0;
    for mark in marks {
        let at = (0..messages.len()).find(|at| !taken[*at] && mark.is(&messages[*at].kind))?;
        taken[at] = true;
        end = end.max(at + 1);
    }
    Some(end)
}

impl Mark {
    fn is(self, kind: &Kind) -> bool {
        let is_line_state =
            |bit: u32| matches!(kind, Kind::LineDevState { states, .. } if states & bit != 0);
        match self {
            Mark::InService => is_line_state(line_dev_state::INSERVICE),
            Mark::OutOfService => is_line_state(line_dev_state::OUTOFSERVICE),
            Mark::Changed => is_line_state(line_dev_state::CAPSCHANGE),
            Mark::Removed => matches!(kind, Kind::LineRemoved),
            Mark::Ringing => is_line_state(line_dev_state::RINGING),
            Mark::Count => is_line_state(line_dev_state::NUMCALLS),
            Mark::State(wanted) => {
                matches!(kind, Kind::CallState { state, .. } if *state == wanted.bits())
            }
            Mark::Refused => {
                let ends = CallState::Busy.bits() | CallState::Disconnected.bits();
                matches!(kind, Kind::CallState { state, .. } if state & ends != 0)
            }
            Mark::Info(bits) => {
                matches!(kind, Kind::CallInfo { items, .. } if items & bits == bits)
            }
            Mark::Done => matches!(kind, Kind::Completed { result: Ok(()), .. }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::time::Millis;

    fn message(kind: Kind) -> Message {
        Message { at: Millis(0), line: Some(DeviceId(3)), kind }
    }

    fn state(state: CallState) -> Message {
        let call = TapiCall(1);
        message(Kind::CallState { call, state: state.bits(), mode: 0, media: 4 })
    }

    #[test]
    fn an_act_ends_with_the_last_message_it_must_lead_to() {
        let count =
            message(Kind::LineDevState { states: line_dev_state::NUMCALLS, second: 0, third: 0 });
        let mut came = vec![message(Kind::NewCall(TapiCall(1))), state(CallState::Dialing)];
        let marks = [Mark::State(CallState::Ringback), Mark::Count];
        assert_eq!(end_of(&marks, &came), None);
        came.push(count);
        assert_eq!(end_of(&marks, &came), None);
        came.extend([state(CallState::Ringback), state(CallState::Connected)]);
        assert_eq!(end_of(&marks, &came), Some(4));
    }

    #[test]
    fn each_mark_needs_a_message_of_its_own() {
        let marks = [Mark::State(CallState::Connected); 2];
        assert_eq!(end_of(&marks, &[state(CallState::Connected)]), None);
        assert_eq!(
            end_of(&marks, &[state(CallState::Connected), state(CallState::Connected)]),
            Some(2)
        );
        assert_eq!(end_of(&[], &[]), Some(0));
    }

    #[test]
    fn a_request_that_failed_is_not_what_was_waited_for() {
        let result = Err(tapline::telephony_server::Refusal(-1));
        let failed = Kind::Completed { request: 1, asked: None, result };
        assert!(!Mark::Done.is(&failed));
        assert!(Mark::Done.is(&Kind::Completed { request: 1, asked: None, result: Ok(()) }));
    }
}
