//! Commands that concern more than one PBX of a site.

use super::json::{array, json};
use super::words::{Words, split, without_comment};
use super::{ControlError, LINE_LIMIT, Said, execute};
use crate::simulator::site::{Listed, Site};
use engine::time::Millis;
use std::fmt::Write as _;

/// Does one command at a site: at the PBX of that number, or at the one that it names. Says at
/// which.
///
/// # Errors
/// See [`ControlError`]; nothing is changed then.
pub fn execute_in(
    line: &str,
    site: &mut Site,
    number: usize,
    now: Millis,
) -> Result<(usize, Said), ControlError> {
    if line.len() > LINE_LIMIT {
        return Err(ControlError::TooLong);
    }
    let (name, rest) = split(without_comment(line));
    let Some(command) = COMMANDS.iter().find(|(usage, ..)| split(usage).0 == name) else {
        return Ok((number, execute(line, &mut site.pbx_mut(number), now)?));
    };
    let (usage, _, run) = *command;
    run(site, &mut Words { rest, usage }, now)
}

pub(super) type Run = fn(&mut Site, &mut Words<'_>, Millis) -> Result<(usize, Said), ControlError>;

/// Usage of the commands that concern more than one PBX, what they do, and how.
pub(super) const COMMANDS: &[(&str, &str, Run)] = &[
    ("pbxs", "all PBXs of the site, as JSON", |site, words, _| {
        words.end()?;
        Ok((0, Said::Value(pbxs(&site.list()))))
    }),
    ("at PBX COMMAND", "does the command at another PBX", |site, words, now| {
        let number = site.number(words.word()?)?;
        let command = words.rest_of_line()?;
        execute_in(command, site, number, now)
    }),
    ("stop PBX", "switches a PBX off: its parent loses it", |site, words, now| {
        let number = site.number(words.last()?)?;
        site.stop(number, now)?;
        Ok((number, Said::Done))
    }),
    ("start PBX", "switches it on again: phones at its standby come back", |site, words, now| {
        let number = site.number(words.last()?)?;
        site.start(number, now)?;
        Ok((number, Said::Done))
    }),
    (
        "take-over PBX",
        "the phones of a PBX turn to its standby, with their calls",
        |site, words, _| {
            let number = site.number(words.last()?)?;
            site.take_over(number)?;
            Ok((number, Said::Done))
        },
    ),
    (
        "move EXT PBX",
        "a user is at home at another PBX of the tree from now on",
        |site, words, _| {
            let ext = words.word()?;
            let number = site.number(words.last()?)?;
            site.move_user(ext, number)?;
            Ok((number, Said::Done))
        },
    ),
];

/// The list of these commands, or one of them.
pub(super) fn help(about: Option<&str>) -> String {
    let mut text = String::new();
    let wanted = |usage: &str| about.is_none_or(|name| name == split(usage).0);
    for (usage, what, _) in COMMANDS.iter().filter(|(usage, ..)| wanted(usage)) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{usage:44} {what}");
    }
    text
}

fn pbxs(pbxs: &[Listed]) -> String {
    array(pbxs.iter().map(|pbx| {
        format!(
            "{{\"name\":{},\"rank\":{},\"url\":{},\"on\":{},\"serves\":{}}}",
            json(&pbx.name),
            json(&pbx.rank),
            json(&pbx.url),
            pbx.is_on,
            pbx.serves
        )
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::simulator::Estate;

    const SITE: &str = "[[user]]\ncn = \"Anna\"\ne164 = \"20\"\n[[pbx]]\nname = \"branch\"\n\
        slave_of = \"hq\"\n[[pbx.user]]\ncn = \"Ben\"\ne164 = \"30\"\n\
        [[pbx]]\nname = \"hq2\"\nstandby_of = \"hq\"\n";

    #[test]
    fn commands_go_to_the_pbx_that_they_name() {
        let mut site = Site::new(&Estate::parse(SITE).unwrap(), 1);
        let mut said = |line: &str| match execute_in(line, &mut site, 0, Millis(1)) {
            Ok((number, Said::Value(value))) => format!("{number}: {value}"),
            Ok((number, _)) => format!("{number}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(said("at branch sessions"), "1: 0");
        assert_eq!(said("at nowhere sessions"), "there is no PBX nowhere; `pbxs` lists them");
        assert_eq!(said("stop branch"), "1");
        assert_eq!(said("stop branch"), "branch is off already");
        assert_eq!(said("move 20 branch"), "1");
        assert!(said("at branch users").contains("\"ext\":\"20\""));
        assert_eq!(said("take-over branch"), "branch has no standby");
        assert_eq!(said("take-over hq"), "0");
        assert!(said("pbxs").contains("\"rank\":\"standby of hq\""));
        assert!(said("help take-over").contains("take-over PBX"));
        assert_eq!(said("sessions"), "0: 0");
    }
}
