//! The command language of the simulator: people at phones, the administrator, the switches. The
//! same lines come from the prompt of `tapline simulate`, from `POST /control`, and from tests.

mod json;
mod site;
mod words;

pub use site::execute_in;

use self::json::{calls, users};
use self::words::{Words, split, without_comment};
use super::model::{Administered, FarAction, PbxModel, Refusal, Trait};
use super::site::SiteError;
use super::switches::{SwitchError, Switches};
use crate::soap::Kind;
use engine::diversion::Kind as Diversion;
use engine::time::Millis;
use std::fmt::Write as _;

/// A command longer than this is refused.
const LINE_LIMIT: usize = 4096;

/// What a command comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Done.
    Done,
    /// Done, and this is the answer.
    Value(String),
    /// To be answered when the model is idle, or after so many milliseconds.
    WaitIdle(u64),
    /// The simulator is to stop.
    Quit,
}

/// Why a command was not done. The message is for the person who typed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// There is no such command.
    #[error("there is no command {0}; try help")]
    Unknown(String),
    /// The command needs something else after it.
    #[error("usage: {0}")]
    Usage(&'static str),
    /// A number was expected.
    #[error("{given:?} is not {wanted}; usage: {usage}")]
    Value {
        /// What was given.
        given: String,
        /// What was wanted.
        wanted: &'static str,
        /// The form of the command.
        usage: &'static str,
    },
    /// It cannot be done now.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It cannot be done at this site.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// The switch does not exist or does not take that.
    #[error(transparent)]
    Switch(#[from] SwitchError),
    /// Calls are left, or events were not fetched, when the time was over.
    #[error("not idle after {0} ms: {1}")]
    NotIdle(u64, String),
    /// The line is longer than any command.
    #[error("the line is longer than {LINE_LIMIT} bytes")]
    TooLong,
}

/// Does one command. An empty line and a comment do nothing.
///
/// # Errors
/// See [`ControlError`]; nothing is changed then.
pub fn execute(line: &str, model: &mut PbxModel, now: Millis) -> Result<Said, ControlError> {
    if line.len() > LINE_LIMIT {
        return Err(ControlError::TooLong);
    }
    let (name, rest) = split(without_comment(line));
    if name.is_empty() {
        return Ok(Said::Done);
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        return Err(ControlError::Unknown(name.into()));
    };
    let mut words = Words { rest, usage: command.usage };
    model.advance(now);
    (command.run)(model, &mut words, now)
}

/// What a command is called, how it is used, what it does.
struct Command {
    name: &'static str,
    usage: &'static str,
    what: &'static str,
    run: fn(&mut PbxModel, &mut Words<'_>, Millis) -> Result<Said, ControlError>,
}

/// A command: its name is the first word of its usage.
macro_rules! commands {
    ($($name:literal $usage:literal $what:literal $run:expr;)*) => {
        const COMMANDS: &[Command] = &[$(Command {
            name: $name,
            usage: concat!($name, $usage),
            what: $what,
            run: $run,
        }),*];
    };
}

commands! {
    "help" " [COMMAND]" "this list, or one command"
        |_, words, _| Ok(Said::Value(help(words.optional())));
    "users" "" "all extensions, as JSON"
        |model, words, _| { words.end()?; Ok(Said::Value(users(&model.users()))) };
    "calls" "" "all calls, as JSON"
        |model, words, _| { words.end()?; Ok(Said::Value(calls(&model.calls()))) };
    "call" " FROM TO" "FROM's phone dials TO: an extension, or the trunk's number and an external one"
        |model, words, _| {
            let (from, to) = (words.word()?, words.word()?);
            words.end()?;
            done(model.phone_dials(from, to))
        };
    "ring" " TO NUMBER [NAME]" "an external caller rings TO over the trunk; - is a hidden number"
        |model, words, _| {
            let (to, number) = (words.word()?, words.word()?);
            done(model.external_calls(to, if number == "-" { "" } else { number }, words.remainder()))
        };
    "answer" " EXT" "EXT answers its ringing call at the phone"
        |model, words, _| { let ext = words.last()?; done(model.phone_answers(ext)) };
    "reject" " EXT [CAUSE]" "EXT rejects its ringing call (cause 21)"
        |model, words, _| {
            let ext = words.word()?;
            let cause = words.cause(21)?;
            done(model.phone_rejects(ext, cause))
        };
    "hangup" " EXT|all" "EXT hangs up its newest call; with all, everybody hangs up every call"
        |model, words, _| match words.last()? {
            "all" => { model.everybody_hangs_up(); Ok(Said::Done) }
            ext => done(model.phone_hangs_up(ext)),
        };
    "hold" " EXT" "EXT puts its call on hold at the phone"
        |model, words, _| { let ext = words.last()?; done(model.phone_holds(ext)) };
    "retrieve" " EXT" "EXT takes its call back from hold at the phone"
        |model, words, _| { let ext = words.last()?; done(model.phone_retrieves(ext)) };
    "conference" " EXT on|off" "EXT joins its call and the one it holds to a conference of three, or holds one again"
        |model, words, _| {
            let ext = words.word()?;
            let on = words.choice("on", "off")?;
            done(model.phone_confers(ext, on))
        };
    "transfer" " EXT" "EXT joins the far ends of its two calls at the phone"
        |model, words, _| { let ext = words.last()?; done(model.phone_transfers(ext)) };
    "redirect" " EXT TO" "EXT sends its ringing or connected call to TO"
        |model, words, _| { let (ext, to) = (words.word()?, words.last()?); done(model.phone_sends_away(ext, to)) };
    "pickup" " EXT AT" "EXT takes the call that rings at AT"
        |model, words, _| { let (ext, at) = (words.word()?, words.last()?); done(model.phone_picks_up(ext, at, false)) };
    "park" " EXT [AT]" "EXT parks its call at AT, or at its own extension"
        |model, words, _| {
            let (ext, at) = (words.word()?, words.optional());
            words.end()?;
            done(model.phone_parks(ext, at))
        };
    "unpark" " EXT AT" "EXT takes the call that is parked at AT"
        |model, words, _| { let (ext, at) = (words.word()?, words.last()?); done(model.phone_picks_up(ext, at, true)) };
    "dial" " EXT DIGITS" "EXT's phone dials further digits of its incomplete call"
        |model, words, _| { let (ext, digits) = (words.word()?, words.last()?); done(model.phone_dials_on(ext, digits)) };
    "uui" " EXT TEXT" "user-user information reaches EXT's newest call, as the PBX writes it"
        |model, words, _| { let ext = words.word()?; let text = words.rest_of_line()?; done(model.user_info_arrives(ext, text)) };
    "uui-sent" " EXT" "the user-user information last sent in EXT's newest call, as the client wrote it"
        |model, words, _| { let ext = words.last()?; Ok(Said::Value(model.user_info_sent(ext)?.to_owned())) };
    "heard" " EXT" "the DTMF digits heard in EXT's newest call"
        |model, words, _| { let ext = words.last()?; Ok(Said::Value(model.digits_heard(ext)?.to_owned())) };
    "far" " alert|answer|busy|hangup EXT [CAUSE]" "the external party at the other end of EXT's newest call does that"
        |model, words, _| far(model, words);
    "give-up" " EXT [CAUSE]" "the PBX gives up EXT's unanswered call: the caller hears CAUSE (19)"
        |model, words, _| {
            let ext = words.word()?;
            let cause = words.cause(19)?;
            done(model.gives_up(ext, cause))
        };
    "identify" " EXT NAME" "the display name of the far end of EXT's newest call becomes known"
        |model, words, _| { let ext = words.word()?; let name = words.rest_of_line()?; done(model.identifies(ext, name)) };
    "busy" " EXT on|off" "calls to EXT fail with cause 17"
        |model, words, _| set_trait(model, words, Trait::Busy);
    "refuse" " EXT on|off" "UserCall by EXT returns 0"
        |model, words, _| set_trait(model, words, Trait::Refuses);
    "silent" " EXT on|off" "requests for EXT are never acted upon; UserCall and UserPickup are never answered"
        |model, words, _| set_trait(model, words, Trait::Silent);
    "register" " EXT on|off" "the phone of EXT registers or unregisters"
        |model, words, _| set_trait(model, words, Trait::Registered);
    "phone" " EXT auto-alert|no-alert" "whether EXT's phone rings as soon as a call is offered"
        |model, words, _| {
            let ext = words.word()?;
            let on = words.choice("auto-alert", "no-alert")?;
            done(model.set_trait(ext, Trait::AutoAlert, on))
        };
    "add-user" " EXT CN" "a new user in the groups of the others"
        |model, words, _| { let ext = words.word()?; let cn = words.rest_of_line()?; done(model.add_user(ext, cn)) };
    "remove-user" " EXT" "removes the user; its calls end"
        |model, words, _| { let ext = words.last()?; done(model.remove_user(ext)) };
    "rename" " EXT CN" "gives the user another long name"
        |model, words, _| { let ext = words.word()?; let cn = words.rest_of_line()?; done(model.rename(ext, cn)) };
    "forward" " EXT cfu|cfb|cfnr NUMBER|off" "EXT diverts all its calls at the phone: at once, if busy, if nobody answers"
        |model, words, _| { let (ext, kind, to) = words.diversion()?; done(model.phone_diverts(ext, kind, to)) };
    "inherit" " EXT cfu|cfb|cfnr NUMBER|off" "the same by a template that the user's record is made from"
        |model, words, _| { let (ext, kind, to) = words.diversion()?; done(model.template_diverts(ext, kind, to)) };
    "admin" " XML" "does an Admin command as the administrator would, and shows its answer"
        |model, words, _| admin(model, words);
    "order" " normal|reverse" "order of the objects in later snapshots"
        |model, words, _| {
            let normal = words.choice("normal", "reverse")?;
            model.set_reverse_order(!normal);
            Ok(Said::Done)
        };
    "set" " SWITCH VALUE" "sets a switch; `help set` lists them"
        |model, words, _| { let name = words.word()?; let value = words.last()?; Ok(model.switches.set(name, value).map(|()| Said::Done)?) };
    "reboot" " [SECONDS] [lose-calls]" "drops connections, refuses new ones for that long, forgets sessions"
        |model, words, now| reboot(model, words, now);
    "sessions" "" "number of live sessions"
        |model, words, _| { words.end()?; Ok(Said::Value(model.session_count().to_string())) };
    "session-keys" "" "keys of the live sessions"
        |model, words, _| {
            words.end()?;
            let keys: Vec<_> = model.session_keys().iter().map(u32::to_string).collect();
            Ok(Said::Value(keys.join(" ")))
        };
    "count" " OPERATION" "how many such requests came since the start, for example count UserCall"
        |model, words, _| {
            let name = words.last()?;
            let kind = Kind::named(name).ok_or_else(|| words.bad(name, "an operation"))?;
            Ok(Said::Value(model.request_count(kind).to_string()))
        };
    "last-dialled" "" "number of the latest UserCall"
        |model, words, _| { words.end()?; Ok(Said::Value(model.last_dialled().to_owned())) };
    "wait-idle" " MS" "answers when no call is left and all events were fetched"
        |_, words, _| {
            let given = words.last()?;
            let millis = given.parse().ok().filter(|millis| *millis <= 600_000);
            Ok(Said::WaitIdle(millis.ok_or_else(|| words.bad(given, "a number of milliseconds up to 600000"))?))
        };
    "quit" "" "stops the simulator"
        |_, words, _| { words.end()?; Ok(Said::Quit) };
}

fn done(result: Result<(), Refusal>) -> Result<Said, ControlError> {
    Ok(result.map(|()| Said::Done)?)
}

fn set_trait(
    model: &mut PbxModel,
    words: &mut Words<'_>,
    which: Trait,
) -> Result<Said, ControlError> {
    let ext = words.word()?;
    let on = words.choice("on", "off")?;
    done(model.set_trait(ext, which, on))
}

fn far(model: &mut PbxModel, words: &mut Words<'_>) -> Result<Said, ControlError> {
    let (what, ext) = (words.word()?, words.word()?);
    let action = match what {
        "alert" => FarAction::Alert,
        "answer" => FarAction::Answer,
        "busy" => FarAction::Busy,
        "hangup" => FarAction::HangUp(words.cause(16)?),
        other => return Err(words.bad(other, "alert, answer, busy or hangup")),
    };
    words.end()?;
    done(model.far_end(ext, action))
}

fn admin(model: &mut PbxModel, words: &mut Words<'_>) -> Result<Said, ControlError> {
    let xml = words.rest_of_line()?;
    match model.administrate(xml) {
        Administered::Document(answer) => Ok(Said::Value(answer)),
        Administered::Refused(_) | Administered::Silence => {
            Err(words.bad(xml, "an Admin command that is answered"))
        }
    }
}

fn reboot(model: &mut PbxModel, words: &mut Words<'_>, now: Millis) -> Result<Said, ControlError> {
    let mut down_ms = model.switches.boot_time_ms;
    let mut lose_calls = false;
    while let Some(word) = words.optional() {
        if word == "lose-calls" {
            lose_calls = true;
            continue;
        }
        // Fractions are welcome: tests do not want to wait for a second.
        let seconds = word.parse::<f64>().ok().filter(|s| (0.0..=3600.0).contains(s));
        let seconds = seconds.ok_or_else(|| words.bad(word, "a number of seconds up to 3600"))?;
        down_ms = (seconds * 1000.0) as u64;
    }
    model.reboot(now, down_ms, lose_calls);
    Ok(Said::Done)
}

fn help(about: Option<&str>) -> String {
    let mut text = String::new();
    for command in COMMANDS.iter().filter(|command| about.is_none_or(|name| name == command.name)) {
        let _ = writeln!(text, "{:44} {}", command.usage, command.what);
    }
    text.push_str(&site::help(about));
    match about {
        None => text.push_str("EXT is an extension such as 20; # begins a comment.\n"),
        Some("set") => text.push_str(&Switches::help()),
        Some(_) if text.is_empty() => text.push_str("there is no such command; try help\n"),
        Some(_) => {}
    }
    text.trim_end().to_owned()
}

// ---- JSON --------------------------------------------------------------------------------------

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::simulator::estate::Estate;

    fn desk() -> PbxModel {
        PbxModel::new(&Estate::built_in(), 1)
    }

    fn say(model: &mut PbxModel, line: &str) -> Result<Said, ControlError> {
        execute(line, model, Millis(0))
    }

    #[test]
    fn a_call_can_be_played_from_the_prompt() {
        let model = &mut desk();
        for line in ["call 20 21", "answer 21", "hold 21", "retrieve 21", "hangup 20", "# done", ""]
        {
            assert_eq!(say(model, line), Ok(Said::Done), "{line}");
        }
        assert!(model.is_idle());
    }

    #[test]
    fn everybody_hangs_up_at_once() {
        let model = &mut desk();
        for line in ["call 20 21", "answer 21", "call 20 22", "ring 23 0301234567", "call 24 00301"]
        {
            assert_eq!(say(model, line), Ok(Said::Done), "{line}");
        }
        say(model, "hangup all").unwrap();
        assert_eq!(say(model, "calls"), Ok(Said::Value("[]".into())));
    }

    #[test]
    fn three_confer_when_the_phone_joins_its_calls() {
        let model = &mut desk();
        for line in ["call 21 20", "answer 20", "hold 20", "call 22 20", "answer 20"] {
            assert_eq!(say(model, line), Ok(Said::Done), "{line}");
        }
        let held = |model: &PbxModel| {
            let calls = model.calls();
            calls.iter().flat_map(|call| &call.legs).filter(|leg| leg.state & 0x100 != 0).count()
        };
        assert_eq!(held(model), 1);
        say(model, "conference 20 on").unwrap();
        assert_eq!(held(model), 0);
        say(model, "conference 20 off").unwrap();
        assert_eq!(held(model), 1);
        assert!(say(model, "conference 21 on").is_err(), "21 has nobody to join");
    }

    #[test]
    fn a_number_may_end_in_the_sign_that_begins_a_comment() {
        let model = &mut desk();
        say(model, "call 20 0*21# # by a feature code").unwrap();
        assert!(model.calls()[0].external.as_ref().is_some_and(|(_, number)| number == "0*21#"));
    }

    #[test]
    fn an_external_caller_comes_in_with_a_name_of_several_words() {
        let model = &mut desk();
        say(model, "ring 20 301234567 Ada \"L\" King").unwrap();
        let Said::Value(calls) = say(model, "calls").unwrap() else { panic!() };
        assert!(
            calls.contains(r#""external":{"name":"Ada \"L\" King","number":"0301234567"}"#),
            "{calls}"
        );
    }

    #[test]
    fn mistakes_are_answered_with_what_would_be_right() {
        let model = &mut desk();
        for (line, part) in [
            ("cal 20 21", "try help"),
            ("call 20", "usage: call FROM TO"),
            ("answer 20 21", "usage: answer EXT"),
            ("answer 99", "no extension 99"),
            ("answer 20", "20 has no call"),
            ("busy 20 maybe", "on|off"),
            ("reject 20 500", "Q.850"),
            ("set unheard on", "the switches are"),
            ("reboot soon", "seconds"),
            ("count Dance", "an operation"),
            ("add-user 20 Eva", "taken"),
            ("far answer 20", "20 has no call"),
        ] {
            let error = say(model, line).unwrap_err().to_string();
            assert!(error.contains(part), "{line}: {error}");
        }
        let long = "x".repeat(LINE_LIMIT + 1);
        assert_eq!(say(model, &long), Err(ControlError::TooLong));
    }

    #[test]
    fn help_names_every_command_and_every_switch() {
        let model = &mut desk();
        let Said::Value(text) = say(model, "help").unwrap() else { panic!() };
        assert_eq!(text.lines().count(), COMMANDS.len() + site::COMMANDS.len() + 1);
        let Said::Value(text) = say(model, "help set").unwrap() else { panic!() };
        assert!(text.contains("unknown_session") && text.contains("http-404"), "{text}");
    }

    #[test]
    fn users_are_listed_as_json() {
        let model = &mut desk();
        let Said::Value(text) = say(model, "users").unwrap() else { panic!() };
        assert!(
            text.starts_with("[{\"ext\":\"20\",\"extension\":\"20\",\"cn\":\"Anna Berg\""),
            "{text}"
        );
        assert!(text.contains(r#""cn":"Pat \"Ace\" O'Neil""#), "{text}");
    }

    #[test]
    fn users_come_go_and_change_their_names() {
        let model = &mut desk();
        say(model, "add-user 40 Eva de la Cruz").unwrap();
        let before = model.users().into_iter().find(|user| user.ext == "40").unwrap();
        assert_eq!(before.cn, "Eva de la Cruz");
        say(model, "rename 40 Eva Cruz").unwrap();
        say(model, "call 40 20").unwrap();
        say(model, "remove-user 40").unwrap();
        assert!(model.calls().is_empty());
        say(model, "add-user 40 Eva Cruz").unwrap();
        let after = model.users().into_iter().find(|user| user.ext == "40").unwrap();
        assert_ne!(after.guid, before.guid, "a new user has a new identity");
    }
}
