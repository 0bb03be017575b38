//! A call in a row of the list: who with whom, what became of it, and what is odd.

use crate::ladder::{Ending, Ground, Key, Ladder, Leg, Mark, StepKind};
use crate::rows::{Parties, Party};
use engine::id::LineId;
use engine::tapi::{CallState, disconnect_mode, origin};
use engine::time::Millis;

/// `20 Anna Berg → 31 Söhne & Töchter`; `name_of` names lines that have no part in a call.
pub(super) fn title(ladder: &Ladder, name_of: impl Fn(LineId) -> String) -> String {
    let line = |leg: &Leg| format!("{} {}", leg.tag.number, leg.tag.name).trim().to_owned();
    let asked = ladder.steps.first().map(|step| &step.what);
    match (ladder.legs.first(), ladder.key, asked) {
        (None, Key::Request(id), Some(StepKind::Asked { function, .. })) => {
            return format!("{}: {function}", name_of(id.line));
        }
        (Some(leg), ..) if ladder.legs.iter().all(|leg| leg.is_conference) => {
            return format!("{}: a conference", line(leg));
        }
        _ => {}
    }
    let is_outbound = |leg: &&Leg| origin_of(leg) & origin::OUTBOUND != 0;
    let calling = ladder.legs.iter().find(is_outbound);
    let called = ladder.legs.iter().find(|leg| !is_outbound(leg) && !leg.is_conference);
    let party = |leg: Option<&Leg>, of: fn(&Parties) -> &Party| {
        let parties = leg?.parties();
        let party = of(&parties);
        let text = format!("{} {}", party.number, party.name).trim().to_owned();
        Some(text).filter(|text| !text.is_empty())
    };
    let from = calling.map(line).or_else(|| party(called, |parties| &parties.caller));
    let to = called.map(line).or_else(|| party(calling, |parties| &parties.called));
    let known = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
    format!("{} → {}", known(from), known(to))
}

fn origin_of(leg: &Leg) -> u32 {
    leg.card.origin
}

/// What became of it, in a few words.
pub(super) fn outcome(ladder: &Ladder) -> String {
    if ladder.legs.is_empty() {
        return outcome_of_request(ladder).to_owned();
    }
    match (talked_ms(ladder), ladder.ending) {
        (Some(ms), Ending::Over) => format!("talked {}", span(ms)),
        (None, Ending::Over) => not_answered(ladder).to_owned(),
        // How long it went on after the last word is not known.
        (talked, ending) => {
            let answered = if talked.is_some() { "answered" } else { "not answered" };
            let how = match ending {
                Ending::Over | Ending::GoingOn => "goes on at the end",
                Ending::Restarted => "cut off by a start",
                Ending::Unknown => "then records are missing",
            };
            format!("{answered}, {how}")
        }
    }
}

/// Of a request that is about no call.
fn outcome_of_request(ladder: &Ladder) -> &'static str {
    let mut results = ladder.steps.iter().filter_map(|step| match &step.what {
        StepKind::Completed { result, .. } => Some(result.is_ok()),
        _ => None,
    });
    match results.next_back() {
        Some(true) => "done",
        Some(false) => "failed",
        None => "never completed",
    }
}

/// From the first connection to the last end.
fn talked_ms(ladder: &Ladder) -> Option<u64> {
    let bands = || ladder.legs.iter().flat_map(|leg| &leg.bands);
    let connected = bands().filter(|band| band.state == CallState::Connected);
    let begin = connected.map(|band| band.at).min()?;
    let is_end = |state| matches!(state, CallState::Disconnected | CallState::Idle);
    let ends = ladder.legs.iter().filter_map(|leg| {
        let was = leg.bands.iter().any(|band| band.state == CallState::Connected);
        let end = leg.bands.iter().find(|band| is_end(band.state)).filter(|_| was);
        end.map(|band| band.at)
    });
    let end: Millis = ends.max().unwrap_or(ladder.last.1);
    Some(end.since(begin))
}

fn not_answered(ladder: &Ladder) -> &'static str {
    let bands = || ladder.legs.iter().flat_map(|leg| &leg.bands);
    if bands().any(|band| band.state == CallState::Busy) {
        return "busy";
    }
    let ended = bands().filter(|band| band.state == CallState::Disconnected);
    match ended.map(|band| band.mode).next_back() {
        Some(disconnect_mode::BUSY) => "busy",
        Some(disconnect_mode::REJECT) => "rejected",
        Some(disconnect_mode::PICKUP) => "picked up elsewhere",
        Some(disconnect_mode::FORWARDED) => "forwarded",
        Some(disconnect_mode::BADADDRESS) => "no such number",
        Some(disconnect_mode::UNREACHABLE) => "not reached",
        _ => "not answered",
    }
}

/// As the page writes it.
fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    match (seconds / 3600, seconds / 60) {
        (0, 0) => format!("{}.{} s", seconds, ms % 1000 / 100),
        (0, minutes) => format!("{minutes} min {:02} s", seconds % 60),
        (hours, minutes) => format!("{hours} h {:02} min", minutes % 60),
    }
}

/// What is worth a look, in a word or two; the gravest if there is more.
pub(super) fn odd(ladder: &Ladder) -> Option<String> {
    let steps = ladder.steps.iter();
    let gravest = steps.filter_map(|step| match &step.what {
        StepKind::Breach { number, .. } => Some((0, format!("I-{number:02}"))),
        StepKind::Surprise(_) => Some((1, "surprise".into())),
        StepKind::Completed { result: Err(_), .. } if step.ground == Ground::Deadline => {
            Some((2, "deadline".into()))
        }
        StepKind::Mark(Mark::Gap(_)) => Some((4, "records missing".into())),
        StepKind::Mark(Mark::LinkLost(_)) => Some((5, "link lost".into())),
        StepKind::Completed { result: Err(_), .. } => Some((6, "request failed".into())),
        _ => None,
    });
    let ends = ladder.legs.iter().filter(|leg| leg.goes_on_as.is_none());
    let unseen = ends.filter_map(|leg| leg.bands.last()).filter(|band| {
        band.state == CallState::Idle && matches!(band.ground, Ground::Resync | Ground::Grace)
    });
    let unseen = unseen.map(|_| (3, "end not seen".to_owned()));
    gravest.chain(unseen).min().map(|(_, words)| words)
}
