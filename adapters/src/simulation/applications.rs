//! What applications ask for. As in the library, a request is taken only if the line, as it reads
//! now, admits it; the line may have changed before the request is applied.

use super::agenda::Step;
use super::finding::Finding;
use super::world::World;
use crate::simulator::model::Phase;
use engine::capability::admit;
use engine::fact::{Command, Consultation, Event, HostFact, ParkPlace, PickupFrom};
use engine::forwarding::{Callers, Case, Forward, Forwarding};
use engine::id::{CallId, LineId};
use engine::pii::Personal;
use engine::tapi::CallState;
use engine::view::{CallView, LineView};
use std::sync::Arc;

/// Something that an application may do. Which of them it never does is a matter of the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    MakeCall,
    MakeCallWithoutNumber,
    Answer,
    Drop,
    Hold,
    Unhold,
    Swap,
    SetupTransfer,
    CompleteTransfer,
    BlindTransfer,
    Redirect,
    Pickup,
    Park,
    Unpark,
    Confer,
    AddToConference,
    RemoveFromConference,
    Dial,
    Digits,
    UserInfo,
    Forward,
    SetSomething,
    CloseCall,
    CloseLine,
    OpenLine,
}

impl World<'_> {
    /// Lets applications act from now on.
    pub(super) fn expect_applications(&mut self) {
        let pause_ms = self.dice.host.pause_ms(self.swarm.applications_ms);
        self.machine(pause_ms, Step::Application);
        for line in self.host.known.clone() {
            self.machine(pause_ms, Step::Reacts(super::host::Reaction::Open(line)));
        }
    }

    /// An application does something.
    pub(super) fn application(&mut self) -> Result<(), Finding> {
        if self.is_quiet || self.host.is_over {
            return Ok(());
        }
        let pause_ms = self.dice.host.pause_ms(self.swarm.applications_ms);
        self.machine(pause_ms, Step::Application);
        if self.dice.conferences.happens(300)
            && let Some((line, command)) =
                self.for_a_conference().or_else(|| self.for_a_parked_call())
        {
            return self.ask_for(line, command);
        }
        let known: Vec<LineId> = self.host.known.iter().copied().collect();
        let Some(line) = self.dice.host.pick(&known).copied() else { return Ok(()) };
        let Some(view) = self.provider.core.view(line) else { return Ok(()) };
        let calls: Vec<_> =
            view.calls.iter().filter(|call| self.is_at_hand(call.id)).cloned().collect();
        // What goes on is more interesting than what could begin.
        let call = if self.dice.host.happens(700) { self.dice.host.pick(&calls) } else { None };
        let deed = match call {
            Some(call) => self.deed_in(call),
            None => self.dice.host.choose(&OF_A_LINE),
        };
        if self.swarm.not_by_applications >> (deed as u32) & 1 == 1 {
            return Ok(());
        }
        self.act(deed, line, &view, call)
    }

    /// Whoever talks now and then wants a third one to join, and that is a matter of seconds: the
    /// next step, at whatever line that is, would hardly ever be chosen among all others.
    fn for_a_conference(&mut self) -> Option<(LineId, Command)> {
        let is_off = |deed: Deed| self.swarm.not_by_applications >> (deed as u32) & 1 == 1;
        if is_off(Deed::Confer) || is_off(Deed::AddToConference) {
            return None;
        }
        let lines = self.host.open.keys().filter_map(|line| self.provider.core.view(*line));
        let views: Vec<LineView> = lines.collect();
        for view in &views {
            let Some(pending) = view.calls.iter().find(|call| is_pending(call)) else { continue };
            let waits = view.calls.iter().rev().find(|call| {
                !call.is_conference
                    && matches!(call.state, CallState::Ringback | CallState::Connected)
            });
            let Some(waits) = waits else { continue };
            if waits.state == CallState::Connected {
                let command =
                    Command::AddToConference { conference: pending.id, consultation: waits.id };
                return Some((view.identity.line, command));
            }
            let rings = |call: &&Arc<CallView>| {
                call.state == CallState::Offering && call.info.call_id == waits.info.call_id
            };
            let called = views.iter().flat_map(|view| &view.calls).find(rings);
            if let Some(called) = called.filter(|called| self.is_at_hand(called.id)) {
                return Some((called.id.line, Command::Answer(called.id)));
            }
        }
        let talks = |view: &LineView| {
            let call = view.calls.iter().find(|call| call.state == CallState::Connected)?;
            let line = view.identity.line;
            (!view.calls.iter().any(|call| call.is_conference)).then_some((line, call.id))
        };
        let talking: Vec<(LineId, CallId)> = views.iter().filter_map(talks).collect();
        let wanted = self.dice.conferences.happens(200);
        let (line, call) = self.dice.conferences.pick(&talking).copied().filter(|_| wanted)?;
        let others: Vec<Personal> = views
            .iter()
            .filter(|view| view.identity.line != line && view.calls.is_empty())
            .map(|view| view.identity.number.to_text().as_str().into())
            .collect();
        let number = self.dice.conferences.pick(&others).cloned()?;
        let conference = self.host.next_made(line);
        let consultation = self.consultation(line, number);
        Some((line, Command::SetupConference { call: Some(call), conference, consultation }))
    }

    /// A call is parked somewhere: few would happen to ask for it there, and while it lasts.
    fn for_a_parked_call(&mut self) -> Option<(LineId, Command)> {
        if self.swarm.not_by_applications >> (Deed::Unpark as u32) & 1 == 1 {
            return None;
        }
        let from = self.parked_at()?;
        let open: Vec<LineId> = self.host.open.keys().copied().collect();
        let wanted = self.dice.conferences.happens(150);
        let line = self.dice.conferences.pick(&open).copied().filter(|_| wanted)?;
        Some((line, Command::Unpark { call: self.host.next_made(line), from }))
    }

    /// `TSPI_lineAnswer`, because it rings.
    pub(super) fn answer(&mut self, call: CallId) -> Result<(), Finding> {
        self.ask_for(call.line, Command::Answer(call))
    }

    fn is_at_hand(&self, call: CallId) -> bool {
        self.host.calls.get(&call).is_some_and(|booked| !booked.is_pending)
    }

    fn deed_in(&mut self, call: &CallView) -> Deed {
        use CallState as S;
        let deeds: &[Deed] = match call.state {
            S::Offering | S::Accepted => {
                &[Deed::Answer, Deed::Answer, Deed::Redirect, Deed::Drop, Deed::UserInfo]
            }
            S::DialTone | S::Dialing => &[Deed::Dial, Deed::Dial, Deed::Drop],
            S::Connected => &[
                Deed::Hold,
                Deed::Swap,
                Deed::SetupTransfer,
                Deed::CompleteTransfer,
                Deed::BlindTransfer,
                Deed::Park,
                Deed::Confer,
                Deed::AddToConference,
                Deed::Digits,
                Deed::UserInfo,
                Deed::Drop,
            ],
            S::OnHold | S::OnHoldPendTransfer => {
                &[Deed::Unhold, Deed::Swap, Deed::CompleteTransfer, Deed::Drop]
            }
            S::OnHoldPendConf => &[Deed::AddToConference, Deed::AddToConference, Deed::Drop],
            S::Conferenced => &[Deed::RemoveFromConference, Deed::Drop],
            S::Idle => &[Deed::CloseCall, Deed::Drop],
            _ => &[Deed::Drop, Deed::CompleteTransfer, Deed::UserInfo],
        };
        // Now and then a handle is closed on a call that goes on.
        if self.dice.host.happens(30) {
            return self.dice.host.choose(&[Deed::CloseCall, Deed::SetSomething]);
        }
        self.dice.host.pick(deeds).copied().unwrap_or(Deed::Drop)
    }

    fn act(
        &mut self,
        deed: Deed,
        line: LineId,
        view: &LineView,
        call: Option<&Arc<CallView>>,
    ) -> Result<(), Finding> {
        match (deed, call) {
            (Deed::OpenLine, _) => self.open_line(line),
            (Deed::CloseLine, _) => self.close_line(line),
            (Deed::CloseCall, Some(call)) => self.close_call(call.id),
            (Deed::SetSomething, call) => self.set_something(line, call.map(|call| call.id)),
            (deed, _) => {
                if let Some(command) = self.command(deed, line, view, call.map(|call| call.id)) {
                    return self.ask_for(line, command);
                }
            }
        }
        Ok(())
    }

    fn set_something(&mut self, line: LineId, call: Option<CallId>) {
        let fact = match call {
            Some(call) if self.dice.host.happens(500) => HostFact::AppSpecific(call, 7),
            Some(call) => HostFact::MediaMode(call, 4),
            None if self.host.open.contains_key(&line) => {
                HostFact::StatusMessages { line, line_states: 0x1FF_FFFF, address_states: 0x1FF }
            }
            None => return,
        };
        self.note(fact);
    }

    /// What an application asks for; `None` if it lacks what that needs.
    fn command(
        &mut self,
        deed: Deed,
        line: LineId,
        view: &LineView,
        call: Option<CallId>,
    ) -> Option<Command> {
        let number = self.number();
        let held = |state| matches!(state, CallState::OnHold | CallState::OnHoldPendTransfer);
        let other = |fits: &dyn Fn(CallState) -> bool| {
            let found = view.calls.iter().find(|other| Some(other.id) != call && fits(other.state));
            found.map(|other| other.id)
        };
        Some(match deed {
            Deed::MakeCall => self.make_call(line, number),
            Deed::MakeCallWithoutNumber => self.make_call(line, Personal::default()),
            Deed::Answer => Command::Answer(call?),
            Deed::Drop => Command::Drop(call?),
            Deed::Hold => Command::Hold(call?),
            Deed::Unhold => Command::Unhold(call?),
            Deed::Swap if call.is_some_and(|call| is_connected(view, call)) => {
                Command::SwapHold { active: call?, held: other(&held)? }
            }
            Deed::Swap => Command::SwapHold {
                active: other(&|state| state == CallState::Connected)?,
                held: call?,
            },
            Deed::SetupTransfer => {
                let consultation = self.consultation(line, number);
                Command::SetupTransfer { call: call?, consultation }
            }
            Deed::CompleteTransfer => Command::CompleteTransfer {
                call: other(&held).or_else(|| other(&|state| state != CallState::Idle))?,
                consultation: call?,
                conference: None,
            },
            Deed::BlindTransfer => Command::BlindTransfer { call: call?, number },
            Deed::Redirect => Command::Redirect { call: call?, number },
            Deed::Pickup => {
                let from = match self.dice.host.below(3) {
                    0 => PickupFrom::Anywhere,
                    1 => PickupFrom::Group("tapi".into()),
                    _ => PickupFrom::Station(number),
                };
                Command::Pickup { call: self.host.next_made(line), from }
            }
            Deed::Park => {
                let nondirected = self.dice.host.happens(500);
                let at = match nondirected {
                    true => ParkPlace::Nondirected,
                    false => ParkPlace::Directed(number),
                };
                Command::Park { call: call?, at }
            }
            Deed::Unpark => {
                let call = self.host.next_made(line);
                Command::Unpark { call, from: self.parked_at().unwrap_or(number) }
            }
            Deed::Confer => {
                let conference = self.host.next_made(line);
                let consultation = self.consultation(line, number);
                Command::SetupConference { call, conference, consultation }
            }
            Deed::AddToConference => Command::AddToConference {
                conference: view.calls.iter().find(|call| is_pending(call))?.id,
                consultation: view
                    .calls
                    .iter()
                    .find(|call| call.state == CallState::Connected && !call.is_conference)?
                    .id,
            },
            Deed::RemoveFromConference => Command::RemoveFromConference(call?),
            Deed::Dial => Command::Dial { call: call?, number },
            Deed::Digits => Command::GenerateDigits { call: call?, digits: "12#".into(), tag: 9 },
            Deed::UserInfo => Command::SendUserUserInfo { call: call?, user_info: "hello".into() },
            Deed::Forward => Command::Forward(self.forwarding(number)),
            Deed::SetSomething | Deed::CloseCall | Deed::CloseLine | Deed::OpenLine => return None,
        })
    }

    /// Takes a request, if the line admits it now.
    pub(super) fn ask_for(&mut self, line: LineId, command: Command) -> Result<(), Finding> {
        let Some(opening) = self.host.open.get(&line).copied() else { return Ok(()) };
        let Some(view) = self.provider.core.view(line) else { return Ok(()) };
        let is_named =
            |call: CallId| self.is_at_hand(call) || command.makes().contains(&Some(call));
        if admit(&view, &command).is_err() || !command.call().is_none_or(is_named) {
            return Ok(());
        }
        self.tally.requests += 1;
        let request = match command {
            Command::GenerateDigits { .. } => self.host.next_own_request(),
            _ => {
                let request = self.host.next_request();
                let makes: Vec<CallId> = command.makes().into_iter().flatten().collect();
                let about = command.call().filter(|call| !makes.contains(call));
                self.host.wait_for(request, line, about, makes, &command);
                request
            }
        };
        self.say(|| format!("HOST     {request:?} on {line:?}: {command:?}"));
        self.send_to_log(Event::App(line, opening, request, command));
        Ok(())
    }

    fn make_call(&mut self, line: LineId, number: Personal) -> Command {
        Command::MakeCall {
            call: self.host.next_made(line),
            number,
            block_id: self.dice.host.happens(200),
            country_code: 0,
            call_param_flags: 0,
        }
    }

    fn consultation(&mut self, line: LineId, number: Personal) -> Consultation {
        Consultation {
            call: self.host.next_made(line),
            number,
            block_id: false,
            call_param_flags: 0,
        }
    }

    fn forwarding(&mut self, to: Personal) -> Forwarding {
        let case = self.dice.host.choose(&[Case::Always, Case::Busy, Case::NoAnswer]);
        let forward = Forward { case, callers: Callers::All, to };
        let none = self.dice.host.happens(500);
        Forwarding { forwards: if none { Vec::new() } else { vec![forward] }, rings: 3 }
    }

    /// Where a call is parked.
    fn parked_at(&self) -> Option<Personal> {
        let calls = (0..self.site.count()).flat_map(|at| self.site.pbx(at).calls());
        let mut legs = calls.flat_map(|call| call.legs);
        legs.find(|leg| leg.phase == Phase::Parked).map(|leg| leg.ext.as_str().into())
    }

    /// A number to dial: mostly somebody's.
    fn number(&mut self) -> Personal {
        let own = self.numbers();
        let other = ["05551234", "99", "2", "0"];
        let number = match self.dice.host.happens(800) {
            true => self.dice.host.pick(&own).cloned(),
            false => self.dice.host.pick(&other).map(|number| (*number).to_owned()),
        };
        number.unwrap_or_default().as_str().into()
    }
}

const OF_A_LINE: [Deed; 14] = [
    Deed::MakeCall,
    Deed::MakeCall,
    Deed::MakeCall,
    Deed::MakeCall,
    Deed::MakeCallWithoutNumber,
    Deed::Pickup,
    Deed::Unpark,
    Deed::Forward,
    Deed::SetSomething,
    Deed::CloseLine,
    Deed::OpenLine,
    Deed::OpenLine,
    Deed::OpenLine,
    Deed::OpenLine,
];

/// A conference that waits for the second of its members.
fn is_pending(call: &CallView) -> bool {
    call.is_conference && call.state == CallState::OnHoldPendConf
}

fn is_connected(view: &LineView, call: CallId) -> bool {
    view.call(call).is_some_and(|call| call.state == CallState::Connected)
}
