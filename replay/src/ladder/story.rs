//! A ladder as a story: plain sentences, each of which names its evidence.

use super::causes::cause;
use super::{Column, Ending, Ground, Key, Ladder, Leg, LegEvent, Mark, Step, StepKind};
use crate::rows::{Parties, Said, words as bits};
use engine::call::PbxState;
use engine::effect::Surprise;
use engine::fact::{Completion, Function};
use engine::line::Rule;
use engine::tapi::{CallState, origin};

/// One sentence about one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sentence {
    /// Index of the step in [`Ladder::steps`].
    pub(crate) step: usize,
    pub(crate) kind: Kind,
    pub(crate) text: String,
    /// The rule that decided, if one did.
    pub(crate) rule: Option<String>,
    /// It follows from the record of the sentence before it.
    pub(crate) follows: bool,
}

/// What a sentence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Asked,
    Ordered,
    Answered,
    Event,
    Completed,
    State,
    Told,
    Deadline,
    Link,
    Closed,
    NotTaken,
    Surprise,
    Breach,
}

impl Kind {
    /// For machines.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Asked => "asked",
            Kind::Ordered => "ordered",
            Kind::Answered => "answered",
            Kind::Event => "event",
            Kind::Completed => "completed",
            Kind::State => "state",
            Kind::Told => "told",
            Kind::Deadline => "deadline",
            Kind::Link => "link",
            Kind::Closed => "closed",
            Kind::NotTaken => "not_taken",
            Kind::Surprise => "surprise",
            Kind::Breach => "breach",
        }
    }
}

/// The life of a conversation: one sentence for each step.
pub(crate) fn story(ladder: &Ladder) -> Vec<Sentence> {
    let mut seq = None;
    let sentences = ladder.steps.iter().enumerate().map(|(index, step)| {
        let (kind, text, rule) = Teller { ladder, step, index }.sentence();
        let follows = seq.replace(step.seq) == Some(step.seq);
        Sentence { step: index, kind, text, rule, follows }
    });
    sentences.collect()
}

/// The whole in one sentence: who called whom, whether it was answered, how it ended.
pub(crate) fn summary(ladder: &Ladder) -> String {
    let mut text = who(ladder);
    let connected = |leg: &Leg| {
        leg.bands.iter().find(|band| band.state == CallState::Connected).map(|band| band.at)
    };
    let answered = ladder.legs.iter().filter_map(connected).max();
    if let Some(at) = answered {
        text.push_str(&format!("; answered after {}", seconds(at.since(ladder.begun.1))));
    } else if !ladder.legs.is_empty() {
        text.push_str("; never answered");
    }
    let ended = ladder.legs.iter().filter_map(|leg| leg.bands.last());
    let ended = ended.filter(|band| band.state == CallState::Idle).map(|band| band.at).max();
    match (ladder.ending, ended, ladder.legs.is_empty()) {
        (_, _, true) => {}
        (Ending::Over, Some(at), _) => {
            let since = answered.unwrap_or(ladder.begun.1);
            text.push_str(&format!("; over {} later", seconds(at.since(since))));
            if let Some(number) = ladder.steps.iter().rev().find_map(last_cause) {
                text.push_str(&format!(" ({})", cause(number)));
            }
        }
        (Ending::Over, None, _) => text.push_str("; over"),
        (Ending::GoingOn, ..) => text.push_str("; it goes on at the end of the log"),
        (Ending::Restarted, ..) => {
            text.push_str("; the telephony server was started anew while it went on");
        }
        (Ending::Unknown, ..) => text.push_str("; then records are missing"),
    }
    text.push('.');
    text
}

/// Who called whom: `20 Anna Berg called 21 Bob`. For a request that is about no call, what it asks.
pub(crate) fn who(ladder: &Ladder) -> String {
    match (ladder.legs.first(), ladder.steps.first()) {
        (Some(leg), _) => who_called(leg),
        (None, Some(Step { what: StepKind::Asked { function, words, .. }, .. })) => {
            format!("{function} {words}").trim_end().to_owned()
        }
        (None, _) => "Nothing is known of it".to_owned(),
    }
}

/// What is odd about it, in sentences; empty if nothing is.
pub(crate) fn odd(ladder: &Ladder) -> Vec<String> {
    let mut odd = Vec::new();
    for (index, step) in ladder.steps.iter().enumerate() {
        let is_odd = match &step.what {
            StepKind::Surprise(_) | StepKind::Breach { .. } | StepKind::NotTaken => true,
            StepKind::Mark(Mark::LinkLost(_) | Mark::Gap(_)) | StepKind::Deadline => true,
            StepKind::Completed { result: Err(_), .. } => true,
            StepKind::Answered { is_good, .. } => !is_good,
            _ => false,
        };
        if is_odd {
            let (_, text, _) = Teller { ladder, step, index }.sentence();
            odd.push(format!("record {}: {text}", step.seq));
        }
    }
    for leg in &ladder.legs {
        let end = leg.bands.last().filter(|band| band.state == CallState::Idle);
        let Some(end) = end.filter(|_| leg.goes_on_as.is_none()) else { continue };
        let why = match end.ground {
            Ground::Resync => "nobody saw its end: it was found gone after the session came back",
            Ground::Grace => "nobody saw its end: it was given up while the session was away",
            Ground::Deadline => "it was ended by a deadline, and not by the PBX",
            Ground::LinkLost => "it was ended because the line went",
            _ => continue,
        };
        odd.push(format!("record {}: {}: {why}.", end.seq, leg.name()));
    }
    let ending = match ladder.ending {
        Ending::Over => None,
        Ending::GoingOn => Some("it has not ended when the log ends."),
        Ending::Restarted => Some(
            "the telephony server was started anew before it ended: applications heard no more of \
             it.",
        ),
        Ending::Unknown => Some("what became of it is not known, because records are missing."),
    };
    odd.extend(ending.filter(|_| !ladder.legs.is_empty()).map(str::to_owned));
    if ladder.left_out > 0 {
        odd.push(format!("{} steps are left out, since there are too many.", ladder.left_out));
    }
    odd
}

fn last_cause(step: &Step) -> Option<u8> {
    match &step.what {
        StepKind::Event(event) => event.cause,
        _ => None,
    }
}

/// `20 Anna Berg called 21 Bob`.
fn who_called(leg: &Leg) -> String {
    let Parties { origin, caller, called, connected, .. } = leg.parties();
    let of = |party: &crate::rows::Party| match party.in_words().as_str() {
        "" => "somebody".to_owned(),
        words => words.to_owned(),
    };
    let own = leg.tag.for_people();
    match origin {
        origin::CONFERENCE => format!("A conference at {own}"),
        origin::OUTBOUND => {
            let far = if called.in_words().is_empty() { &connected } else { &called };
            format!("{own} called {}", of(far))
        }
        _ => format!("{} called {own}", of(&caller)),
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}

/// Tells one step.
struct Teller<'a> {
    ladder: &'a Ladder,
    step: &'a Step,
    index: usize,
}

type Told = (Kind, String, Option<String>);

impl Teller<'_> {
    fn sentence(&self) -> Told {
        let (leg, id) = (self.leg(), self.id());
        match &self.step.what {
            StepKind::Asked { function, request, words } => {
                let text = format!(
                    "The application asks {function}{} for {leg} (request {}, {id}).",
                    after_blank(words),
                    request.0
                );
                (Kind::Asked, text, None)
            }
            StepKind::Ordered { operation, words } => {
                let text = format!(
                    "The provider orders {operation}{} of {}{}.",
                    in_brackets(words),
                    self.pbx(),
                    for_request(&id)
                );
                (Kind::Ordered, text, None)
            }
            StepKind::Answered { words, is_good: true } => {
                (Kind::Answered, format!("{} answers {id}: {words}.", self.pbx()), None)
            }
            StepKind::Answered { words, is_good: false } => {
                let text = format!("The order for {id} fails at {}: {words}.", self.pbx());
                (Kind::Answered, text, None)
            }
            StepKind::Event(event) => (Kind::Event, self.event(event), None),
            StepKind::Completed { function, result, rule, is_told } => {
                self.completed(*function, *result, *rule, *is_told)
            }
            StepKind::Told(said) => self.told(said),
            StepKind::Deadline => {
                (Kind::Deadline, format!("The time in which {id} had to be proved is over."), None)
            }
            StepKind::Mark(mark) => (Kind::Link, self.mark(mark), None),
            StepKind::Closed => {
                (Kind::Closed, format!("The application closes its handle of {leg}."), None)
            }
            StepKind::NotTaken => {
                let text =
                    format!("The telephony server does not take {leg}; it is offered again.");
                (Kind::NotTaken, text, None)
            }
            StepKind::Surprise(surprise) => (
                Kind::Surprise,
                format!("A surprise, which was handled: {}.", self.surprise(*surprise)),
                None,
            ),
            StepKind::Breach { number, words } => {
                (Kind::Breach, format!("This breaks invariant I-{number:02}: {words}."), None)
            }
        }
    }

    fn event(&self, event: &LegEvent) -> String {
        let message = event.message();
        let mut evidence = Vec::new();
        if !message.is_empty() {
            evidence.push(message);
        }
        if !event.is_last {
            evidence.push(format!("state {:#x}", event.state));
        }
        evidence.extend(event.cause.map(cause));
        let said = match event.is_last {
            true => "is gone".to_owned(),
            false => format!("is {}", event.phase()),
        };
        let said = said.replace("is begins", "begins").replace("is waits", "waits");
        format!(
            "{} says that leg {} of {} {said}{}.",
            self.pbx(),
            event.leg,
            self.leg(),
            in_brackets(&evidence.join(", "))
        )
    }

    fn completed(
        &self,
        function: Option<Function>,
        result: Completion,
        rule: Option<&Rule>,
        is_told: bool,
    ) -> Told {
        let name = function.map_or("The request", |function| function.name());
        let why = match (self.step.ground, result.is_ok()) {
            (Ground::AtOnce, true) => "there was nothing that the PBX had to be asked for",
            (Ground::AtOnce, false) => {
                "the provider refuses it, since the line and its calls do not allow it now"
            }
            (Ground::Answer, true) => "the PBX's answer is the last thing that was missing",
            (Ground::Answer, false) => "what came of its order refutes it",
            (Ground::Event, true) => "this call event proves it",
            (Ground::Event, false) => "this call event refutes it",
            (Ground::Deadline, _) => "nothing has proved it in time",
            (Ground::LinkLost, _) => {
                "the session with the PBX, or the line, is gone, and nothing can prove it any more"
            }
            (Ground::Resync, _) => "the running calls, told again, decide it",
            (Ground::Closed, _) => "the host closes the line or the call, and gets its completions",
            (Ground::Stopping, _) => "the telephony server stops",
            (Ground::Grace | Ground::Opened | Ground::Other, _) => {
                "what else happened on the line decides it"
            }
        };
        let how = match result {
            Ok(()) => "is done".to_owned(),
            Err(error) => format!("fails with {error}"),
        };
        let note = if is_told { "" } else { " No completion is made for it." };
        let text = format!("{name} ({}) {how}: {why}.{note}", self.id());
        let rule = rule.filter(|_| self.step.ground != Ground::AtOnce).map(|rule| {
            let part = match (self.step.ground, result.is_ok()) {
                (Ground::Deadline, _) => format!("at its deadline: {}", rule.at_deadline),
                (_, true) => format!("proved by: {}", rule.proved_by),
                (_, false) => format!("refuted by: {}", rule.refuted_by),
            };
            format!("table of proofs, \"{}\", {part}", rule.request)
        });
        (Kind::Completed, text, rule)
    }

    fn told(&self, said: &Said) -> Told {
        let leg = self.leg();
        let (state, mode) = match *said {
            Said::CallState { state, mode } => (state, mode),
            Said::NewCall => {
                return (Kind::Told, format!("The application hears of {leg}: a new call."), None);
            }
            _ => {
                let said = said.in_brief();
                return (Kind::Told, format!("The application is told of {leg}: {said}."), None);
            }
        };
        let mut words = bits::call_state(state);
        if let Some(mode) = bits::call_state_mode(state, mode) {
            words.push_str(&format!(" ({mode})"));
        }
        let why = match self.step.ground {
            Ground::Resync => ": found gone or otherwise after the session came back",
            Ground::Grace => ": the session has been away for too long to go on waiting",
            Ground::Deadline => ": the deadline has passed",
            Ground::LinkLost => ": the line or its session is gone",
            Ground::Opened => ": as it is when the line is opened",
            _ => "",
        };
        let text = format!("The application hears that {leg} is {words}{why}.");
        (Kind::State, text, self.state_rule(&words))
    }

    /// What the table of call states reads from the event of the same record.
    fn state_rule(&self, state: &str) -> Option<String> {
        let before = self.ladder.steps[..self.index].iter().rev();
        let mut of_record = before.take_while(|step| step.seq == self.step.seq);
        let event = of_record.find_map(|step| match &step.what {
            StepKind::Event(event) if step.leg == self.step.leg => Some(event),
            _ => None,
        })?;
        if event.is_last {
            return Some(format!("table of call states: a leg that is gone ends, {state}"));
        }
        let direction = match PbxState::new(event.state).is_incoming() {
            true => "to the user",
            false => "from the user",
        };
        Some(format!("table of call states: a leg {direction}, {}, reads {state}", event.phase()))
    }

    fn mark(&self, mark: &Mark) -> String {
        let pbx = self.pbx();
        match mark {
            Mark::LinkLost(words) => {
                format!("The session with {pbx} is lost ({words}). Nobody sees the call meanwhile.")
            }
            Mark::LinkUp(place) => format!("There is a session with {pbx} again, at {place}."),
            Mark::Resynced => format!("{pbx} has told all its users again."),
            Mark::Gap(missing) => format!("{missing} records are missing here."),
        }
    }

    fn surprise(&self, surprise: Surprise) -> String {
        super::words::surprise_words(&surprise)
    }

    fn leg(&self) -> String {
        match self.step.leg.and_then(|leg| self.ladder.legs.get(leg)) {
            Some(leg) => leg.name(),
            None => match self.ladder.key {
                Key::Request(id) => format!("line {}", id.line.0),
                _ => "the call".to_owned(),
            },
        }
    }

    fn id(&self) -> String {
        self.step.correlation.map_or_else(String::new, |id| id.to_string())
    }

    fn pbx(&self) -> String {
        match (self.step.from, self.step.to) {
            (Column::Pbx(pbx), _) | (_, Column::Pbx(pbx)) => self.ladder.pbx_name(pbx),
            _ => "the PBX".to_owned(),
        }
    }
}

fn after_blank(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(" {words}") }
}

fn in_brackets(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(" ({words})") }
}

fn for_request(id: &str) -> String {
    if id.is_empty() { String::new() } else { format!(" for {id}") }
}
