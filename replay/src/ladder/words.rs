//! The steps of a ladder in words: short ones, to stand at an arrow.

use super::{Column, Ground, Ladder, Leg, LegEvent, Mark, Step, StepKind};
use crate::replay::{answer_words, msg_words};
use crate::rows::words as bits;
use engine::call::{PbxState, Phase};
use engine::effect::Surprise;
use engine::fact::{Command, Msg, ParkPlace, PickupFrom, Reply};
use engine::id::{CallId, PbxId};
use engine::order::Order;

/// The calls that a request is about, the one first that it needs.
pub(super) fn calls_of(command: &Command) -> Vec<CallId> {
    let mut calls: Vec<CallId> = command.call().into_iter().collect();
    let other = match command {
        Command::SwapHold { held, .. } => Some(*held),
        Command::CompleteTransfer { consultation, .. }
        | Command::AddToConference { consultation, .. } => Some(*consultation),
        _ => None,
    };
    calls.extend(other);
    calls.extend(command.makes().into_iter().flatten());
    let mut seen = std::collections::BTreeSet::new();
    calls.retain(|call| seen.insert(*call));
    calls
}

/// What was asked for besides the call: a number, a place, digits.
pub(super) fn asked(command: &Command) -> String {
    let to = |number: &engine::pii::Personal| match number.text() {
        "" => String::new(),
        number => format!("to {number}"),
    };
    match command {
        Command::MakeCall { number, .. }
        | Command::BlindTransfer { number, .. }
        | Command::Redirect { number, .. } => to(number),
        Command::SetupTransfer { consultation, .. }
        | Command::SetupConference { consultation, .. }
        | Command::PrepareAddToConference { consultation, .. } => to(&consultation.number),
        Command::CompleteTransfer { conference: Some(_), .. } => "as a conference".into(),
        Command::Dial { number, .. } => format!("digits {}", number.text()),
        Command::GenerateDigits { digits, .. } if digits.is_empty() => "no more digits".into(),
        Command::GenerateDigits { digits, .. } => format!("digits {}", digits.text()),
        Command::Pickup { from: PickupFrom::Station(number), .. } => {
            format!("from {}", number.text())
        }
        Command::Pickup { from: PickupFrom::Group(name), .. } => {
            format!("from the group {}", name.text())
        }
        Command::Park { at: ParkPlace::Directed(number), .. } => format!("at {}", number.text()),
        Command::Unpark { from, .. } => format!("from {}", from.text()),
        Command::Forward(forwarding) => match forwarding.forwards.len() {
            0 => "with no forward".into(),
            1 => "with one forward".into(),
            several => format!("with {several} forwards"),
        },
        _ => String::new(),
    }
}

/// The parameters of an order.
pub(super) fn order(order: &Order) -> String {
    let number = |number: &engine::pii::Personal| number.text().to_owned();
    match order {
        Order::UserCall { e164, .. } if e164.is_empty() => "without a number".into(),
        Order::UserCall { e164, .. } => number(e164),
        Order::UserClear { call, cause } => format!("leg {}, cause {cause}", call.0),
        Order::UserTransfer { a, b } | Order::UserMediaTransfer { a, b, .. } => {
            format!("legs {} and {}", a.0, b.0)
        }
        Order::UserRedirect { call, e164 } => format!("leg {} to {}", call.0, number(e164)),
        Order::UserPickup { cn, group, call, .. } => match (cn.text(), group.text(), call.0) {
            ("", "", 0) => "anywhere".into(),
            ("", "", leg) => format!("leg {leg}"),
            ("", group, _) => format!("group {group}"),
            (cn, ..) => format!("at {cn}"),
        },
        Order::UserPark { call, cn, .. } => match cn.text() {
            "" => format!("leg {}", call.0),
            cn => format!("leg {} at {cn}", call.0),
        },
        Order::UserDTMF { call, digits } | Order::UserInfo { call, digits } => {
            format!("leg {}, digits {}", call.0, number(digits))
        }
        Order::UserRc { call, rc } => format!("leg {}, facility {rc}", call.0),
        Order::UserMessage { e164, .. }
        | Order::FindUser { e164, .. }
        | Order::LocalNumber { e164, .. } => number(e164),
        Order::ShowUser { cn, own: true } => format!("own record of {}", number(cn)),
        Order::ShowUser { cn, .. } => format!("record of {}", number(cn)),
        Order::AddDiversion { cn, .. } => format!("adds a diversion of {}", number(cn)),
        Order::RemoveDiversion { cn, .. } => format!("removes a diversion of {}", number(cn)),
        Order::SetNoAnswerTime { cn, .. } => format!("time without answer of {}", number(cn)),
        Order::Across { order, .. } => self::order(order),
        Order::UserConnect { call }
        | Order::UserHold { call }
        | Order::UserRetrieve { call }
        | Order::UserUUI { call, .. } => format!("leg {}", call.0),
    }
}

/// What the PBX answered.
pub(super) fn answer(reply: &Reply) -> String {
    answer_words(reply)
}

impl LegEvent {
    /// What the PBX says of the leg: `alerting`, `connected, held`.
    pub(crate) fn phase(&self) -> String {
        let state = PbxState::new(self.state);
        let phase = match state.phase() {
            Phase::Init => "begins",
            Phase::Setup => "set up",
            Phase::Overlap => "waits for digits",
            Phase::Proceeding => "proceeding",
            Phase::Alert => "alerting",
            Phase::Connect => "connected",
            Phase::ClearedByFar => "cleared by the far end",
            Phase::ClearedByUser => "cleared by the user",
            Phase::Parked => "parked",
            Phase::Reserved => "in a state that has no name",
        };
        let mut text = phase.to_owned();
        for (is, word) in [(state.is_held(), "held"), (state.is_held_by_peer(), "held by the peer")]
        {
            if is {
                text.push_str(&format!(", {word}"));
            }
        }
        text
    }

    /// The message behind it as the PBX writes it; empty if there is none.
    pub(crate) fn message(&self) -> String {
        match &self.msg {
            Msg::None => String::new(),
            Msg::Other(text) => text.to_string(),
            msg => msg_words(msg),
        }
    }

    fn in_brief(&self) -> String {
        let mut text = format!("leg {}", self.leg);
        let message = self.message();
        if !message.is_empty() {
            text.push_str(&format!(" {message}"));
        }
        // The last event says nothing about the state.
        let phase = if self.is_last { "gone".to_owned() } else { self.phase() };
        text.push_str(&format!(": {phase}"));
        if let Some(cause) = self.cause {
            text.push_str(&format!(", cause {cause}"));
        }
        text
    }
}

impl Step {
    /// A few words to stand at its arrow, without the request's id.
    pub(crate) fn label(&self) -> String {
        let with = |name: &str, words: &str| match words {
            "" => name.to_owned(),
            words => format!("{name} {words}"),
        };
        match &self.what {
            StepKind::Asked { function, words, .. } => with(function.name(), words),
            StepKind::Ordered { operation, words } => with(operation, words),
            StepKind::Answered { words, .. } => words.clone(),
            StepKind::Event(event) => event.in_brief(),
            StepKind::Completed { function, result, is_told, .. } => {
                let name = function.map_or("request", |function| function.name());
                let result = match result {
                    Ok(()) => "done".to_owned(),
                    Err(error) => error.to_string(),
                };
                let note = if *is_told { "" } else { " (not told)" };
                format!("{name} {result}{note}")
            }
            StepKind::Told(said) => said.in_brief(),
            StepKind::Deadline => "the time for a proof is over".into(),
            StepKind::Mark(mark) => mark.in_brief(),
            StepKind::Closed => "lineCloseCall".into(),
            StepKind::NotTaken => "LINE_NEWCALL not taken".into(),
            StepKind::Surprise(surprise) => surprise_words(surprise),
            StepKind::Breach { number, words } => format!("I-{number:02} {words}"),
        }
    }
}

impl Mark {
    fn in_brief(&self) -> String {
        match self {
            Mark::LinkLost(_) => "session lost".into(),
            Mark::LinkUp(_) => "session again".into(),
            Mark::Resynced => "all running calls told again".into(),
            Mark::Gap(missing) => format!("{missing} records missing"),
        }
    }
}

/// Something that should not happen, in words.
pub(crate) fn surprise_words(surprise: &Surprise) -> String {
    match surprise {
        Surprise::IllegalTransition(from, to) => {
            format!("{} cannot follow {}: another way was taken", to.name(), from.name())
        }
        Surprise::UnknownUser => "a call event of a user who is not monitored".into(),
        Surprise::Zombie => "a call that no event ended was found gone".into(),
    }
}

impl Ground {
    /// What decided, to follow "by".
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Ground::AtOnce => "the request itself",
            Ground::Answer => "the PBX's answer",
            Ground::Event => "the call event",
            Ground::Deadline => "the deadline",
            Ground::LinkLost => "the loss of the session with the PBX",
            Ground::Resync => "the calls that the PBX told again",
            Ground::Grace => "the end of the time for which calls outlive their session",
            Ground::Opened => "the opening of the line",
            Ground::Closed => "the close by the host",
            Ground::Stopping => "the stop of the telephony server",
            Ground::Other => "another record",
        }
    }
}

impl Leg {
    /// The line, and which of its calls: `20 Anna Berg #1`.
    pub(crate) fn name(&self) -> String {
        let line = self.tag.for_people();
        match self.number {
            Some(number) => format!("{line} #{number}"),
            None => line,
        }
    }

    /// The state it has after a record; none before its first.
    pub(crate) fn state_at(&self, seq: u64) -> Option<&super::Band> {
        let known = self.bands.partition_point(|band| band.seq <= seq);
        self.bands[..known].last()
    }
}

impl super::Band {
    /// `CONNECTED (ACTIVEHELD)`.
    pub(crate) fn in_words(&self) -> String {
        match bits::call_state_mode(self.state.bits(), self.mode) {
            Some(mode) => format!("{} ({mode})", self.state.name()),
            None => self.state.name().to_owned(),
        }
    }
}

impl Ladder {
    /// What a PBX that takes part is called.
    pub(crate) fn pbx_name(&self, pbx: PbxId) -> String {
        let known = self.pbxs.iter().find(|(known, _)| *known == pbx);
        known.map_or_else(|| format!("PBX {}", pbx.0), |(_, name)| name.clone())
    }

    /// The PBXs, lines and the application, in the order of columns.
    pub(crate) fn columns(&self) -> Vec<Column> {
        let of_steps = self.steps.iter().flat_map(|step| [step.from, step.to]);
        let pbxs = self.legs.iter().filter_map(|leg| leg.pbx).map(Column::Pbx);
        let mut pbxs: Vec<Column> =
            of_steps.filter(|column| matches!(column, Column::Pbx(_))).chain(pbxs).collect();
        pbxs.sort_unstable();
        pbxs.dedup();
        let lines = (0..self.legs.len().max(1)).map(Column::Line);
        pbxs.into_iter().chain(lines).chain([Column::Application]).collect()
    }
}
