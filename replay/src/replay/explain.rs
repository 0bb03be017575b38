//! `tapline replay explain`: the life of one call in plain sentences.

use super::progress::Progress;
use super::reel::{Next, Reel};
use crate::command_line::ReplayExplain;
use crate::ladder::{self, Drawing, Ending, Key, Ladder, Ladders, Leg, Sentence};
use crate::output::{self, Output};
use crate::playback::Playback;
use crate::replay::Which;
use crate::rows::{Clock, harmless};
use crate::trouble::Trouble;
use adapters::trace::Trace;
use engine::id::{Correlation, LineId};
use engine::invariant::Watch;
use serde_json::{Value, json};
use std::str::FromStr;

/// Most conversations that are explained at once.
const MOST: usize = 32;

/// Explains a call.
pub(super) fn show(options: &ReplayExplain) -> Result<(), Trouble> {
    let trace = Trace::open(&options.log)?;
    let (mut reel, core, next) = Reel::begin(&trace)?;
    let mut search = Search { wanted: &options.call, found: Vec::new(), left_out: 0 };
    let mut watch = if next == 0 { Watch::default() } else { Watch::going_on(&core) };
    let (mut playback, mut ladders) = (Playback::from(core), Ladders::default());
    let mut progress = Progress::new("records");
    for next in &mut reel {
        let (seq, record) = match next {
            Next::Record(seq, record) => (seq, record),
            Next::Leap(leap) => {
                ladders.leap(leap.next, playback.at(), leap.missing);
                watch = Watch::going_on(&leap.core);
                playback.set_core(leap.core);
                continue;
            }
        };
        progress.record();
        let mut broken = watch.before(&record).err();
        playback.take(record.clone());
        ladders.take(seq, &record, &playback);
        let (effects, touched) = (playback.effects(), playback.touched());
        broken = broken.or(watch.after_touching(&record, effects, playback.core(), touched).err());
        if let Some(breach) = broken {
            ladders.breach(seq, record.at, breach.number, &breach.what);
        }
        search.look_at(ladders.take_over());
    }
    search.look_at(ladders.finish());
    let found = search.unique(&playback)?;
    let mut output = Output::new(options.json);
    found.iter().try_for_each(|ladder| explain(ladder, options, &mut output))?;
    if search.left_out > 0 {
        output.remark(&format!("{} more like it are not shown.", search.left_out))?;
    }
    reel.end()
}

fn explain(ladder: &Ladder, options: &ReplayExplain, output: &mut Output) -> Result<(), Trouble> {
    let (sentences, odd) = (ladder::story(ladder), ladder::odd(ladder));
    if let Output::Machines = output {
        let mut objects = sentences.iter().map(|sentence| object(ladder, sentence));
        objects.try_for_each(|object| output::line(&object.to_string()))?;
        return output::line(&conclusion(ladder, &odd).to_string());
    }
    output.heading(&heading(ladder))?;
    output.remark(&harmless(&ladder::summary(ladder)))?;
    for leg in &ladder.legs {
        output.remark(&format!("  {}", harmless(&leg_in_words(leg))))?;
    }
    if !ladder.related.is_empty() {
        let related: Vec<String> = ladder.related.iter().map(Key::to_string).collect();
        output.remark(&format!("  It has to do with {}.", related.join(", ")))?;
    }
    output.remark("")?;
    if options.ladder {
        draw(ladder, output)?;
    } else {
        sentences.iter().try_for_each(|sentence| tell(ladder, sentence, output))?;
    }
    output.remark("")?;
    match odd.is_empty() {
        true => output.remark("Nothing about it is odd."),
        false => {
            output.remark("What is odd:")?;
            odd.iter().try_for_each(|odd| output.remark(&format!("  {}", harmless(odd))))
        }
    }
}

fn heading(ladder: &Ladder) -> String {
    let begun = Clock::of(ladder.begun.1);
    format!("{} {}, {} (UTC)", noun(ladder), ladder.key, begun.whole())
}

fn noun(ladder: &Ladder) -> &'static str {
    if ladder.legs.is_empty() { "Request" } else { "Call" }
}

fn leg_in_words(leg: &Leg) -> String {
    let mut text = format!("{}: permanent id {}", leg.name(), leg.tag.id);
    if leg.call_id() != 0 {
        text.push_str(&format!(", dwCallID {:08x}", leg.call_id()));
    }
    if leg.bands.iter().all(|band| !band.is_told) {
        text.push_str("; no application was told of it");
    }
    if let Some(key) = leg.goes_on_as {
        text.push_str(&format!("; it goes on as {key}"));
    }
    text
}

/// A sentence with its evidence: the number of its record and the time, and the rule.
fn tell(ladder: &Ladder, sentence: &Sentence, output: &mut Output) -> Result<(), Trouble> {
    let step = &ladder.steps[sentence.step];
    let place = match sentence.follows {
        true => " ".repeat(20),
        false => format!("{:>7} {}", step.seq, Clock::of(step.at).time()),
    };
    output.remark(&format!("{place}  {}", harmless(&sentence.text)))?;
    match &sentence.rule {
        None => Ok(()),
        Some(rule) => {
            output.remark(&format!("{}\x1b[2m[{}]\x1b[0m", " ".repeat(24), harmless(rule)))
        }
    }
}

fn draw(ladder: &Ladder, output: &mut Output) -> Result<(), Trouble> {
    let drawing = Drawing::of(ladder);
    output.remark(&drawing.header)?;
    drawing.rungs.iter().try_for_each(|rung| output.remark(&rung.text))
}

fn object(ladder: &Ladder, sentence: &Sentence) -> Value {
    let step = &ladder.steps[sentence.step];
    let leg = step.leg.and_then(|leg| ladder.legs.get(leg));
    json!({
        "conversation": ladder.key.to_string(),
        "record": step.seq,
        "time": Clock::of(step.at).whole(),
        "line": leg.map(|leg| json!({
            "id": leg.tag.id, "name": leg.tag.name, "number": leg.tag.number,
        })),
        "call": leg.and_then(|leg| leg.number),
        "correlation": step.correlation.map(|id| id.to_string()),
        "kind": sentence.kind.name(),
        "says": sentence.text,
        "rule": sentence.rule,
    })
}

fn conclusion(ladder: &Ladder, odd: &[String]) -> Value {
    let legs = ladder.legs.iter().map(|leg| {
        json!({
            "line": leg.tag.id,
            "call": leg.number,
            "call_id": leg.call_id(),
            "states": leg.bands.iter().map(|band| json!({
                "record": band.seq, "state": band.in_words(), "told": band.is_told,
            })).collect::<Vec<Value>>(),
        })
    });
    json!({ "summary": {
        "conversation": ladder.key.to_string(),
        "conf": match ladder.key { Key::Conf(conf) => Some(conf.to_string()), _ => None },
        "says": ladder::summary(ladder),
        "begun": Clock::of(ladder.begun.1).whole(),
        "records": [ladder.begun.0, ladder.last.0],
        "ending": match ladder.ending {
            Ending::Over => "over",
            Ending::GoingOn => "going on",
            Ending::Restarted => "restarted",
            Ending::Unknown => "unknown",
        },
        "legs": legs.collect::<Vec<Value>>(),
        "related": ladder.related.iter().map(Key::to_string).collect::<Vec<String>>(),
        "steps_left_out": ladder.left_out,
        "odd": odd,
    } })
}

// ---- which call -------------------------------------------------------------------------------

/// Which call is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallName {
    /// By the beginning of its conf GUID, or by its dwCallID in eight digits.
    Hex(String),
    /// The N-th call of a line.
    OfLine(Which, u32),
    /// Whatever a request is about.
    Request(Correlation),
}

impl CallName {
    fn names(&self, ladder: &Ladder) -> bool {
        match self {
            CallName::Hex(hex) => {
                let is_conf = matches!(ladder.key, Key::Conf(_))
                    && ladder.key.to_string().starts_with(hex.as_str());
                let is_number =
                    |leg: &Leg| leg.call_id() != 0 && format!("{:08x}", leg.call_id()) == *hex;
                is_conf || ladder.legs.iter().any(is_number)
            }
            CallName::OfLine(which, number) => {
                ladder.legs.iter().any(|leg| which.names(&leg.tag) && leg.number == Some(*number))
            }
            CallName::Request(id) => ladder.steps.iter().any(|step| step.correlation == Some(*id)),
        }
    }
}

impl FromStr for CallName {
    type Err = String;

    fn from_str(text: &str) -> Result<CallName, String> {
        if let Ok(id) = text.parse() {
            return Ok(CallName::Request(id));
        }
        if let Some((line, number)) = text.rsplit_once('#') {
            let number = number.parse().ok().filter(|number| *number > 0);
            let number = number.ok_or("calls of a line are counted from 1, such as 20#3")?;
            return Ok(CallName::OfLine(line.trim().parse()?, number));
        }
        let hex: String = text
            .trim_start_matches("0x")
            .chars()
            .filter(|c| !matches!(c, '-' | '{' | '}'))
            .collect::<String>()
            .to_lowercase();
        let is_hex = (4..=32).contains(&hex.len()) && hex.bytes().all(|c| c.is_ascii_hexdigit());
        is_hex.then_some(CallName::Hex(hex)).ok_or_else(|| {
            format!(
                "{text:?} is no call: give its conf GUID or the beginning of it, its dwCallID in \
                 eight hexadecimal digits, LINE#N such as 20#3, or a request such as r25.7"
            )
        })
    }
}

struct Search<'a> {
    wanted: &'a CallName,
    found: Vec<Ladder>,
    left_out: usize,
}

impl Search<'_> {
    fn look_at(&mut self, ladders: Vec<Ladder>) {
        for ladder in ladders.into_iter().filter(|ladder| self.wanted.names(ladder)) {
            if self.found.len() < MOST { self.found.push(ladder) } else { self.left_out += 1 }
        }
    }

    /// What was found, if it is what one can mean: a request may be about several calls, any other
    /// name should be of one.
    fn unique(&self, playback: &Playback) -> Result<Vec<&Ladder>, Trouble> {
        if self.found.is_empty() {
            return Err(Trouble::NotFound(self.nothing(playback)));
        }
        let mut found: Vec<&Ladder> = self.found.iter().collect();
        found.sort_by_key(|ladder| ladder.begun);
        let is_one = found.iter().all(|ladder| ladder.key == found[0].key);
        if is_one || matches!(self.wanted, CallName::Request(_)) {
            return Ok(found);
        }
        let which: Vec<String> = found
            .iter()
            .map(|ladder| {
                let time = Clock::of(ladder.begun.1).time();
                format!("  {}  {time}  {}", ladder.key, harmless(&ladder::summary(ladder)))
            })
            .collect();
        Err(Trouble::Usage(format!("that may be any of these calls:\n{}", which.join("\n"))))
    }

    fn nothing(&self, playback: &Playback) -> String {
        match self.wanted {
            CallName::Hex(hex) => format!("no call in it has a conf GUID or dwCallID {hex}"),
            CallName::OfLine(which, number) => {
                let is_there = playback.core().lines().any(|line| which.is(&line.view().identity));
                match is_there {
                    true => format!("line {which} has no call #{number} in it"),
                    false => format!("there is no line {which} in it"),
                }
            }
            CallName::Request(Correlation { line: LineId(line), .. }) => {
                format!("line {line} had no such request in it")
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_named_in_four_ways() {
        let read = |text: &str| text.parse::<CallName>().unwrap();
        assert_eq!(read("r25.7"), CallName::Request("r25.7".parse().unwrap()));
        assert_eq!(read("BEEB8DA1"), CallName::Hex("beeb8da1".into()));
        assert_eq!(read("0xc529f53d"), CallName::Hex("c529f53d".into()));
        let guid = "{11112222-3333-4444-5555-666677770A0B}";
        assert_eq!(read(guid), CallName::Hex("11112222333344445555666677770a0b".into()));
        assert_eq!(read("20#3"), CallName::OfLine("20".parse().unwrap(), 3));
        assert_eq!(read("@17#1"), CallName::OfLine(Which::Id(17), 1));
        assert_eq!(read("Anna Berg #2"), CallName::OfLine(Which::Called("Anna Berg".into()), 2));
        for wrong in ["", "20", "20#", "20#0", "#1", "xyz", "abc", "r25"] {
            assert!(wrong.parse::<CallName>().is_err(), "{wrong}");
        }
    }
}
