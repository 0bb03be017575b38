//! The lines of a scenario, read.

use super::applications::Deed;
use super::{ScriptFault, Spoil, Spoilt};
use crate::simulation::layout::Layout;
use engine::fact::Configuration;

/// One line.
pub(super) enum Line<'l> {
    Nothing,
    Repeat(u32),
    Again,
    Layout(Layout),
    Users(usize),
    Setting(&'l str, &'l str),
    Start,
    Wait(u64),
    Phone(&'l str),
    Application(&'l str, Deed<'l>),
    Next(Spoil),
    NetworkDown(u64),
    AccountRefused(u64),
    SessionsForgotten,
    ConnectionsBroken,
    ProviderKilled,
    ProviderStopped,
    ProviderSleeps(u64),
    HostHangs(u64),
    HostRefuses,
    Compare,
}

/// The rest of a line, taken word by word.
pub(super) struct Words<'l> {
    rest: &'l str,
}

impl<'l> Words<'l> {
    pub(super) fn of(text: &'l str) -> Words<'l> {
        let text = text.split_once('#').map_or(text, |(before, _)| before);
        Words { rest: text.trim() }
    }

    /// The next word, if there is one.
    pub(super) fn next(&mut self) -> Option<&'l str> {
        let (word, rest) = self.rest.split_once(char::is_whitespace).unwrap_or((self.rest, ""));
        self.rest = rest.trim_start();
        (!word.is_empty()).then_some(word)
    }

    /// The next word, which must be there.
    pub(super) fn word(&mut self, what: &str) -> Result<&'l str, ScriptFault> {
        self.next().ok_or_else(|| nonsense(format!("{what} is missing")))
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> &'l str {
        std::mem::take(&mut self.rest)
    }

    fn duration(&mut self) -> Result<u64, ScriptFault> {
        let text = self.word("how long, such as 5s,")?;
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit_ms = match unit {
            "ms" => Some(1),
            "s" => Some(1000),
            "m" => Some(60_000),
            _ => None,
        };
        let ms = number.parse::<u64>().ok().zip(unit_ms);
        let ms = ms.and_then(|(number, unit)| number.checked_mul(unit));
        ms.filter(|ms| *ms <= LONGEST_MS)
            .ok_or_else(|| nonsense(format!("{text} is not how long, such as 500ms, 5s, 2m")))
    }
}

/// A day is the longest wait.
const LONGEST_MS: u64 = 86_400_000;

pub(super) fn nonsense(what: String) -> ScriptFault {
    ScriptFault::Nonsense(what)
}

/// Reads one line.
pub(super) fn line<'l>(words: &mut Words<'l>) -> Result<Line<'l>, ScriptFault> {
    let Some(first) = words.next() else { return Ok(Line::Nothing) };
    let read = match first {
        "layout" => {
            let name = words.rest();
            let layout = Layout::named(name).ok_or_else(|| {
                nonsense(format!(
                    "{name:?} is no layout; there are: {}",
                    Layout::names().join("; ")
                ))
            })?;
            Line::Layout(layout)
        }
        "users" => {
            let count = words.word("how many")?;
            let count = count.parse().ok().filter(|count| (1..=12).contains(count));
            Line::Users(count.ok_or_else(|| nonsense("users are 1 to 12".into()))?)
        }
        "setting" => Line::Setting(words.word("which")?, words.rest()),
        "repeat" => {
            let times = words.word("how often")?.parse().ok().filter(|times| *times > 0);
            Line::Repeat(times.ok_or_else(|| nonsense("how often must be a number".into()))?)
        }
        "again" => Line::Again,
        "start" => Line::Start,
        "compare" => Line::Compare,
        "wait" => Line::Wait(words.duration()?),
        "phone" => Line::Phone(words.rest()),
        "next" => {
            let poll = match words.word("poll or answer")? {
                "poll" => true,
                "answer" => false,
                other => return Err(nonsense(format!("{other:?} is neither poll nor answer"))),
            };
            Line::Next(Spoil { poll, how: spoilt(words)? })
        }
        "network" | "account" | "sessions" | "connections" | "provider" | "host" => {
            trouble(first, words)?
        }
        ext if ext.bytes().all(|c| c.is_ascii_digit()) => {
            Line::Application(ext, Deed::read(words)?)
        }
        other => return Err(nonsense(format!("there is no {other:?} in scenarios"))),
    };
    match words.next() {
        None => Ok(read),
        Some(more) => Err(nonsense(format!("{more:?} is too much"))),
    }
}

fn spoilt(words: &mut Words<'_>) -> Result<Spoilt, ScriptFault> {
    Ok(match words.word("how it is spoilt")? {
        "lost" => Spoilt::Lost,
        "late" => Spoilt::Late(words.duration()?),
        "cut" => Spoilt::Cut,
        "doubled" => Spoilt::Doubled,
        "500" => Spoilt::Status500,
        other => {
            let known = "lost, late, cut, doubled or 500";
            return Err(nonsense(format!("{other:?} is none of {known}")));
        }
    })
}

fn trouble<'l>(who: &str, words: &mut Words<'l>) -> Result<Line<'l>, ScriptFault> {
    Ok(match (who, words.word("what happens")?) {
        ("network", "down") => Line::NetworkDown(words.duration()?),
        ("account", "refused") => Line::AccountRefused(words.duration()?),
        ("sessions", "forgotten") => Line::SessionsForgotten,
        ("connections", "broken") => Line::ConnectionsBroken,
        ("provider", "killed") => Line::ProviderKilled,
        ("provider", "stopped") => Line::ProviderStopped,
        ("provider", "sleeps") => Line::ProviderSleeps(words.duration()?),
        ("host", "hangs") => Line::HostHangs(words.duration()?),
        ("host", "refuses") => Line::HostRefuses,
        (who, what) => return Err(nonsense(format!("{who} {what} does not happen in scenarios"))),
    })
}

/// Changes a setting.
pub(super) fn setting(
    settings: &mut Configuration,
    name: &str,
    value: &str,
) -> Result<(), ScriptFault> {
    let wrong = || nonsense(format!("{value:?} is no value of the setting {name}"));
    let switch = || match value {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(wrong()),
    };
    match name {
        "name_template" => settings.name_template = value.into(),
        "pure_node_extensions" => settings.pure_node_extensions = switch()?,
        "single_active_call" => settings.single_active_call = switch()?,
        "monitor_slaves" => settings.monitor_slaves = switch()?,
        "modify_forwards" => settings.modify_forwards = switch()?,
        "request_deadline_ms" => {
            settings.request_deadline_ms = value.parse().map_err(|_| wrong())?;
        }
        "calls_kept_ms" => settings.calls_kept_ms = value.parse().map_err(|_| wrong())?,
        "access" => settings.access = value.parse().map_err(|_| wrong())?,
        _ => return Err(nonsense(format!("there is no setting {name:?} in scenarios"))),
    }
    Ok(())
}
