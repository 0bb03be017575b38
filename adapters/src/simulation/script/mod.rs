//! A scenario: what people, applications and troubles do, written down line by line, played in the
//! simulation instead of what a seed chooses. Golden histories are made so.
//!
//! | line | what it does |
//! |---|---|
//! | `layout NAME` | which PBXs there are; one if not said (before `start`) |
//! | `users N` | users of the first PBX, from 20 on; 4 if not said (before `start`) |
//! | `setting NAME VALUE` | of the provider; after `start` it comes into force at once |
//! | `start` | starts the provider |
//! | `wait DURATION` | lets time pass: `500ms`, `5s`, `2m` |
//! | `phone COMMAND` | a command of the simulator's control language; `phone set SWITCH VALUE` too |
//! | `EXT FUNCTION …` | an application at the line with that number, see `applications.rs` |
//! | `next poll\|answer FAULT` | spoils the next answer: `lost`, `late DURATION`, `cut`, `doubled`, `500` |
//! | `network down DURATION` | nobody can be reached |
//! | `account refused DURATION` | PBXs do not accept the account |
//! | `sessions forgotten` | the PBXs forget all sessions |
//! | `connections broken` | all connections break |
//! | `provider killed\|stopped` | and starts again |
//! | `provider sleeps DURATION` | the machine sleeps |
//! | `host hangs DURATION` | the telephony server does not return from callbacks |
//! | `host refuses` | it does not take the next new call |
//! | `repeat N`, `again` | what is between them is played N times |
//! | `compare` | lines and calls as applications read them must be those of the PBXs |
//!
//! `#` begins a comment. One scenario always plays the same.

mod applications;
mod reading;

use super::Finding;
use super::layout::Layout;
use super::swarm::Swarm;
use super::world::World;
use crate::simulator::control::{ControlError, execute_in};
use engine::fact::{Configuration, Record};
use engine::tapi::LineErr;
use reading::{Line, Words};

/// A scenario longer than this is refused.
const MOST_LINES: usize = 10_000;
/// All chance there is: how long answers travel, what a crash leaves.
const SEED: u64 = 1;

/// Why a scenario cannot be played to its end.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct ScriptError {
    /// Which line of it, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub why: ScriptFault,
}

/// What is wrong with a line of a scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScriptFault {
    /// It makes no sense.
    #[error("{0}")]
    Nonsense(String),
    /// Something that belongs before `start` comes after it, or the other way round.
    #[error("{0} belongs {1} `start`")]
    Order(String, &'static str),
    /// The simulated PBX does not do it.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// No line has this number now.
    #[error("no line has the number {0}")]
    NoLine(String),
    /// The line does not admit the request now.
    #[error("the line does not admit {function} now: {error}")]
    NotAdmitted {
        /// The function of TSPI.
        function: String,
        /// What it would answer.
        error: LineErr,
    },
    /// There is no call for it.
    #[error("the line has no call for {0}")]
    NoCall(String),
    /// Something broke that must hold.
    #[error(transparent)]
    Finding(#[from] Finding),
}

/// Something that is spoilt once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spoil {
    /// The answer to a Poll that brings something, or another answer.
    pub(super) poll: bool,
    pub(super) how: Spoilt,
}

/// How.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoilt {
    /// The connection breaks instead.
    Lost,
    /// It comes so many milliseconds later.
    Late(u64),
    /// It ends in its middle.
    Cut,
    /// All events come twice.
    Doubled,
    /// Status 500 instead.
    Status500,
}

/// Plays a scenario, and gives the log that it leads to, the first record being number 0.
///
/// # Errors
/// The first line that cannot be played, or what is found to be broken.
pub fn play(text: &str) -> Result<Vec<Record>, ScriptError> {
    let lines: Vec<(usize, &str)> = (1..).zip(text.lines().take(MOST_LINES)).collect();
    let mut stage = Stage::default();
    let (mut at, mut begun) = (0, None);
    while let Some((line, text)) = lines.get(at) {
        at += 1;
        let fault = |why| ScriptError { line: *line, why };
        match (stage.play(text).map_err(fault)?, begun) {
            (Then::On, _) => {}
            (Then::Repeat(times), None) => begun = Some((at, times)),
            (Then::Again, Some((from, left))) => {
                begun = (left > 1).then_some((from, left - 1));
                at = if begun.is_some() { from } else { at };
            }
            (Then::Repeat(_), Some(_)) | (Then::Again, None) => {
                let what = "each `repeat` has its `again`, and no other one between them";
                return Err(fault(ScriptFault::Nonsense(what.into())));
            }
        }
    }
    let end = |why| ScriptError { line: lines.len(), why };
    let Some(mut world) = stage.world else {
        return Err(end(ScriptFault::Nonsense("`start` is missing".into())));
    };
    world.provider.log.prove(&world.provider.core).map_err(|why| end(why.into()))?;
    Ok(world.records().to_vec())
}

/// What comes after a line.
enum Then {
    /// The next one.
    On,
    /// What follows is played so many times.
    Repeat(u32),
    /// It goes back to where that began.
    Again,
}

/// A scenario that is being played.
#[derive(Default)]
struct Stage {
    layout: Option<Layout>,
    users: Option<usize>,
    settings: Configuration,
    /// Commands to the PBXs before the provider starts.
    before: Vec<String>,
    world: Option<World<'static>>,
}

impl Stage {
    fn play(&mut self, text: &str) -> Result<Then, ScriptFault> {
        let mut words = Words::of(text);
        match reading::line(&mut words)? {
            Line::Nothing => {}
            Line::Repeat(times) => return Ok(Then::Repeat(times)),
            Line::Again => return Ok(Then::Again),
            Line::Layout(layout) => {
                self.is_before("layout")?;
                self.layout = Some(layout);
            }
            Line::Users(users) => {
                self.is_before("users")?;
                self.users = Some(users);
            }
            Line::Setting(name, value) => self.set(name, value)?,
            Line::Start => self.start()?,
            Line::Phone(command) if self.world.is_none() => self.before.push(command.to_owned()),
            line => {
                let world = self.world.as_mut();
                let before = || ScriptFault::Order(text.to_owned(), "after");
                world.ok_or_else(before)?.scripted(line)?;
            }
        }
        Ok(Then::On)
    }

    fn is_before(&self, what: &str) -> Result<(), ScriptFault> {
        match self.world {
            None => Ok(()),
            Some(_) => Err(ScriptFault::Order(what.to_owned(), "before")),
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), ScriptFault> {
        let settings = match &mut self.world {
            None => &mut self.settings,
            Some(world) => world.settings(),
        };
        reading::setting(settings, name, value)?;
        match &mut self.world {
            None => Ok(()),
            Some(world) => Ok(world.settings_change()?),
        }
    }

    fn start(&mut self) -> Result<(), ScriptFault> {
        self.is_before("start")?;
        let layout = self.layout.unwrap_or_else(Layout::alone);
        let mut settings = std::mem::take(&mut self.settings);
        settings.user = "TAPI".into();
        settings.pbxs = layout.trees();
        settings.monitor_slaves = true;
        if settings.name_template.is_empty() {
            settings.name_template = "%c".into();
        }
        let swarm = Swarm::calm(layout, self.users.unwrap_or(4), settings);
        let mut world = World::of(swarm, SEED, None);
        world.is_quiet = true;
        world.is_scripted = true;
        for command in &self.before {
            world.phone(command)?;
        }
        world.start()?;
        self.world = Some(world);
        Ok(())
    }
}

impl World<'_> {
    fn scripted(&mut self, line: Line<'_>) -> Result<(), ScriptFault> {
        match line {
            Line::Wait(ms) => self.pass(ms)?,
            Line::Phone(command) => self.phone(command)?,
            Line::Application(ext, deed) => self.application_does(ext, &deed)?,
            Line::Next(spoil) => self.wire.spoil = Some(spoil),
            Line::NetworkDown(ms) => self.wire.unreachable_until = self.now + ms,
            Line::AccountRefused(ms) => self.wire.refused_until = self.now + ms,
            Line::SessionsForgotten => {
                for at in 0..self.site.count() {
                    self.site.pbx_mut(at).forget_sessions();
                }
                self.attend_polls();
            }
            Line::ConnectionsBroken => {
                (0..self.site.count()).for_each(|at| self.break_connections(at));
            }
            Line::ProviderKilled => self.crash(),
            Line::ProviderStopped => self.stop()?,
            Line::ProviderSleeps(ms) => self.sleep(ms),
            Line::HostHangs(ms) => self.host.hangs_until = self.now + ms,
            Line::Compare => {
                let differences = self.differences();
                if !differences.is_empty() {
                    return Err(Finding::NotConverged(differences).into());
                }
            }
            Line::HostRefuses => self.host.refuses_next = true,
            Line::Nothing
            | Line::Repeat(_)
            | Line::Again
            | Line::Layout(_)
            | Line::Users(_)
            | Line::Setting(..)
            | Line::Start => {}
        }
        Ok(())
    }

    /// A command to a PBX, which must be done.
    fn phone(&mut self, command: &str) -> Result<(), ScriptFault> {
        let now = self.now;
        let (at, _) = execute_in(command, &mut self.site, 0, now)?;
        if command.contains("reboot") {
            self.break_connections(at);
        }
        for number in 0..self.site.count() {
            if !self.is_on(number) {
                self.break_connections(number);
            }
            self.expect_of_box(number);
        }
        self.attend_polls();
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use engine::fact::{Command, Event};

    const CALL: &str = "
        # 20 calls 21, who answers at the phone
        start
        wait 5s
        20 make 21
        wait 1s
        phone answer 21
        wait 2s
        20 drop
        wait 5s";

    #[test]
    fn a_scenario_always_leads_to_the_same_log() {
        let log = play(CALL).unwrap();
        assert_eq!(log, play(CALL).unwrap());
        let asks = |wanted: &str| {
            let is_it = |record: &&Record| matches!(&record.event, Event::App(_, _, _, command) if command.function().name() == wanted);
            log.iter().filter(is_it).count()
        };
        assert_eq!((asks("lineMakeCall"), asks("lineDrop")), (1, 1));
        let made = log.iter().find_map(|record| match &record.event {
            Event::App(_, _, _, Command::MakeCall { number, .. }) => Some(number.text()),
            _ => None,
        });
        assert_eq!(made, Some("21"));
    }

    #[test]
    fn what_is_repeated_is_played_so_many_times() {
        let once = play("start\nwait 5s\n20 make 21\nwait 1s\n20 drop\nwait 5s").unwrap();
        let text =
            "start\nwait 5s\nrepeat 3\n20 make 21\nwait 1s\n20 drop\nwait 5s\nagain\nwait 1s";
        let thrice = play(text).unwrap();
        let calls = |log: &[Record]| {
            let is_request = |record: &&Record| matches!(record.event, Event::App(..));
            log.iter().filter(is_request).count()
        };
        assert_eq!((calls(&once), calls(&thrice)), (2, 6));
    }

    #[test]
    fn a_line_that_cannot_be_played_is_named() {
        for (text, line, says) in [
            ("start\nwait soon", 2, "how long"),
            ("wait 5s\nstart", 1, "after `start`"),
            ("start\nusers 3", 2, "before `start`"),
            ("start\nwait 5s\n20 fly", 3, "fly"),
            ("start\nwait 5s\n20 drop", 3, "no call"),
            ("start\nwait 5s\n99 make 20", 3, "99"),
            ("start\nphone answer 20", 2, ""),
            ("layout a castle", 1, "one PBX"),
            ("setting colour on", 1, "colour"),
            ("nonsense", 1, "nonsense"),
            ("start\nagain", 2, "`repeat`"),
            ("start\nrepeat 2\nrepeat 2", 3, "`again`"),
            ("start\nrepeat never", 2, "how often"),
            ("", 0, "`start` is missing"),
        ] {
            let error = play(text).unwrap_err();
            assert_eq!(error.line, line, "{text}: {error}");
            assert!(error.to_string().contains(says), "{text}: {error}");
        }
    }
}
