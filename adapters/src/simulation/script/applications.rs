//! What applications do in a scenario. A request is about the newest call that admits it.
//!
//! | line | TSPI |
//! |---|---|
//! | `20 make 21`, `20 make` | lineMakeCall, without a number too |
//! | `20 answer`, `drop`, `hold`, `unhold`, `swap`, `secure` | lineAnswer … lineSwapHold, lineSetCallParams |
//! | `20 setup-transfer 22`, `complete-transfer`, `transfer 22` | and lineBlindTransfer |
//! | `20 redirect 22`, `dial 22`, `digits 12#`, `user-info TEXT` | lineGenerateDigits, lineSendUserUserInfo |
//! | `20 pickup`, `pickup 22`, `pickup-group tapi` | linePickup |
//! | `20 park`, `park 23`, `unpark 23` | linePark, lineUnpark |
//! | `20 confer 22`, `join`, `leave`, `complete-conference` | conferences |
//! | `20 forward always\|busy\|no-answer 22`, `forward none` | lineForward |
//! | `20 open`, `close`, `close-call`, `mark 7` | lineOpen, lineClose, lineCloseCall, lineSetAppSpecific |

use super::reading::{Words, nonsense};
use super::{ScriptFault, World};
use engine::capability::admit;
use engine::fact::{Command, Consultation, HostFact, ParkPlace, PickupFrom};
use engine::forwarding::{Callers, Case, Forward, Forwarding};
use engine::id::{CallId, LineId};
use engine::pii::Personal;
use engine::tapi::{CallState, LineErr};
use engine::view::LineView;

/// Something that an application does.
pub(super) struct Deed<'l> {
    name: &'l str,
    /// A number, or whatever the function takes.
    with: &'l str,
}

impl<'l> Deed<'l> {
    pub(super) fn read(words: &mut Words<'l>) -> Result<Deed<'l>, ScriptFault> {
        Ok(Deed { name: words.word("what the application does")?, with: words.rest() })
    }
}

impl World<'_> {
    /// An application does something at the line of that number; the line must admit it.
    pub(super) fn application_does(
        &mut self,
        ext: &str,
        deed: &Deed<'_>,
    ) -> Result<(), ScriptFault> {
        let mut lines = self.provider.core.lines().map(|line| line.view());
        let view = lines.find(|view| !view.removed && view.identity.number.to_text() == ext);
        drop(lines);
        let view = view.ok_or_else(|| ScriptFault::NoLine(ext.to_owned()))?;
        let line = view.identity.line;
        match deed.name {
            "open" => self.open_line(line),
            "close" => self.close_line(line),
            "close-call" => {
                let call = view.calls.last().map(|call| call.id);
                self.close_call(call.ok_or_else(|| ScriptFault::NoCall(deed.name.into()))?);
            }
            "mark" => {
                let call = view.calls.last().map(|call| call.id);
                let call = call.ok_or_else(|| ScriptFault::NoCall(deed.name.into()))?;
                let number = deed.with.parse();
                let number =
                    number.map_err(|_| nonsense(format!("{:?} is no number", deed.with)))?;
                self.note(HostFact::AppSpecific(call, number));
            }
            _ => {
                let command = self.admitted(line, &view, deed)?;
                return Ok(self.ask_for(line, command)?);
            }
        }
        Ok(())
    }

    /// The request, about the newest call that admits it.
    fn admitted(
        &mut self,
        line: LineId,
        view: &LineView,
        deed: &Deed<'_>,
    ) -> Result<Command, ScriptFault> {
        let made = [self.host.next_made(line), self.host.next_made(line)];
        let mut refusal = None;
        let calls = view.calls.iter().rev().map(|call| Some(call.id));
        for call in calls.chain([None]) {
            let Some(command) = command(deed, call, view, made)? else { continue };
            match admit(view, &command) {
                Ok(()) => return Ok(command),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        Err(match refusal {
            Some(error) => not_admitted(deed.name, error),
            None => ScriptFault::NoCall(deed.name.to_owned()),
        })
    }
}

fn not_admitted(function: &str, error: LineErr) -> ScriptFault {
    ScriptFault::NotAdmitted { function: function.to_owned(), error }
}

/// The request about this call; `None` if it needs one, or another one that is not there.
fn command(
    deed: &Deed<'_>,
    call: Option<CallId>,
    view: &LineView,
    made: [CallId; 2],
) -> Result<Option<Command>, ScriptFault> {
    let number = || Personal::from(deed.with);
    let consultation = |number: Personal| Consultation {
        call: made[0],
        number,
        block_id: false,
        call_param_flags: 0,
    };
    let other = |fits: fn(CallState) -> bool| {
        let found = view.calls.iter().find(|other| Some(other.id) != call && fits(other.state));
        found.map(|other| other.id)
    };
    let held = |state| matches!(state, CallState::OnHold | CallState::OnHoldPendTransfer);
    let live = |state| state != CallState::Idle;
    Ok(match (deed.name, call) {
        ("make", _) => Some(Command::MakeCall {
            call: made[0],
            number: number(),
            block_id: false,
            country_code: 0,
            call_param_flags: 0,
        }),
        ("pickup", _) => {
            let from = match deed.with {
                "" => PickupFrom::Anywhere,
                station => PickupFrom::Station(station.into()),
            };
            Some(Command::Pickup { call: made[0], from })
        }
        ("pickup-group", _) => {
            Some(Command::Pickup { call: made[0], from: PickupFrom::Group(number()) })
        }
        ("unpark", _) => Some(Command::Unpark { call: made[0], from: number() }),
        ("forward", _) => Some(Command::Forward(forwarding(deed.with)?)),
        ("answer", Some(call)) => Some(Command::Answer(call)),
        ("drop", Some(call)) => Some(Command::Drop(call)),
        ("hold", Some(call)) => Some(Command::Hold(call)),
        ("unhold", Some(call)) => Some(Command::Unhold(call)),
        ("secure", Some(call)) => Some(Command::SetCallParams(call)),
        ("swap", Some(active)) => other(held).map(|held| Command::SwapHold { active, held }),
        ("setup-transfer", Some(call)) => {
            Some(Command::SetupTransfer { call, consultation: consultation(number()) })
        }
        ("complete-transfer", Some(consultation)) => other(live)
            .map(|call| Command::CompleteTransfer { call, consultation, conference: None }),
        ("complete-conference", Some(consultation)) => other(live).map(|call| {
            Command::CompleteTransfer { call, consultation, conference: Some(made[0]) }
        }),
        ("transfer", Some(call)) => Some(Command::BlindTransfer { call, number: number() }),
        ("redirect", Some(call)) => Some(Command::Redirect { call, number: number() }),
        ("dial", Some(call)) => Some(Command::Dial { call, number: number() }),
        ("digits", Some(call)) => Some(Command::GenerateDigits { call, digits: number(), tag: 9 }),
        ("user-info", Some(call)) => Some(Command::SendUserUserInfo { call, user_info: number() }),
        ("park", Some(call)) => {
            let at = match deed.with {
                "" => ParkPlace::Nondirected,
                at => ParkPlace::Directed(at.into()),
            };
            Some(Command::Park { call, at })
        }
        ("confer", call) => Some(Command::SetupConference {
            call,
            conference: made[1],
            consultation: consultation(number()),
        }),
        ("join", Some(consultation)) => {
            let conference = view.calls.iter().find(|call| call.is_conference);
            conference.map(|conference| Command::AddToConference {
                conference: conference.id,
                consultation,
            })
        }
        ("leave", Some(call)) => Some(Command::RemoveFromConference(call)),
        (
            "answer"
            | "drop"
            | "hold"
            | "unhold"
            | "secure"
            | "swap"
            | "setup-transfer"
            | "complete-transfer"
            | "complete-conference"
            | "transfer"
            | "redirect"
            | "dial"
            | "digits"
            | "user-info"
            | "park"
            | "join"
            | "leave",
            None,
        ) => None,
        (other, _) => return Err(nonsense(format!("no application does {other:?} in scenarios"))),
    })
}

fn forwarding(text: &str) -> Result<Forwarding, ScriptFault> {
    if text == "none" {
        return Ok(Forwarding::default());
    }
    let wrong = || nonsense(format!("{text:?} is neither `none` nor a case and a number"));
    let (case, to) = text.split_once(' ').ok_or_else(wrong)?;
    let case = match case {
        "always" => Case::Always,
        "busy" => Case::Busy,
        "no-answer" => Case::NoAnswer,
        _ => return Err(wrong()),
    };
    let forward = Forward { case, callers: Callers::All, to: to.trim().into() };
    Ok(Forwarding { forwards: vec![forward], rings: if case == Case::NoAnswer { 3 } else { 0 } })
}
