//! What can be asked of `tapline`, and the help that teaches it.

use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;

/// Tapline: a TAPI service provider for innovaphone PBXs, at work and in replay.
///
/// Tapline reads what a PBX says over HTTP, writes it to a log, and derives from that log what it
/// tells the telephony server. This command shows it at work without Windows: it loads the
/// provider library through its C interface, as the telephony service does.
#[derive(Debug, Parser)]
#[command(name = "tapline", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = AFTER_HELP, after_long_help = AFTER_LONG_HELP)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Begin with:  tapline demo
More about a command:  tapline help COMMAND";

const AFTER_LONG_HELP: &str = "\
Examples:
  tapline demo                          twenty calls on a simulated PBX, then their replay
  tapline demo --estate                 two trees of PBXs that fail, come back and take over
  tapline demo --keep /tmp/demo         the same, leaving settings, log and messages
  tapline replay /tmp/demo/log          what that log leads to, compared with what was told
  tapline simulate                      a PBX to try your own programs on
  tapline verify --config tapline.toml  whether these settings will work, and why not
  tapline run --config tapline.toml     the calls of a real PBX, until Ctrl-C

Exit codes:
  0  all went well
  1  a replay led to something else than was told then, or a check of `verify` failed
  2  the command line makes no sense
  3  the settings, or the description of a simulated PBX, make no sense
  4  the provider or the PBX did not do what it should
  5  the log cannot be read: it is not there, in use, of a newer version, or no log
  6  the log is damaged; what comes before the damage was replayed and shown
  7  the system refused something: a file, a port, a thread, the output
  8  a simulation found a fault

Colour is used on terminals that can show it; NO_COLOR=1 switches it off.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Play some twenty calls on a simulated PBX, then replay the log to the same messages.
    ///
    /// Starts the PBX simulator on a free port of this machine, loads the provider library as a
    /// telephony server would, opens all lines and plays calls: answered and abandoned ones, busy
    /// and rejected ones, two at once on one line, to and from the outside. Each message that the
    /// provider sends is printed as a row, in groups: what one thing that somebody did led to,
    /// line by line. Then the log is replayed, and its messages are compared with those told.
    ///
    /// One seed always gives the same rows, but for the times.
    ///
    /// With --estate, two trees of PBXs are played instead: slaves found by themselves, boxes that
    /// fail and come back, standbys that take over with the calls that go on, a user who moves,
    /// others who come, go and get another name. What happens at a PBX has a row of its own, and
    /// after each scene all lines and calls are compared with those of the PBXs.
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(Demo),
    /// Show the calls of a real PBX until Ctrl-C.
    ///
    /// Loads the provider library with your settings, as the telephony service would, and prints
    /// each message it sends. Nothing is dialled, answered or hung up.
    #[command(after_help = RUN_EXAMPLES)]
    Run(Run),
    /// Check whether the settings will work, and say what to do if not.
    ///
    /// Reads the settings and asks each PBX that they name, and each slave that is found there,
    /// what the provider would ask it: the name and the connection, the certificate, account and
    /// password, the SOAP interface, the clock, a session for the TAPI user, its groups, the users
    /// that it sees and may read, trunks, PBX objects, and where slaves are. Each check is a row: pass, warn (it
    /// will work, but perhaps not as meant) or fail, and what to do. A check that an earlier
    /// failure makes impossible has no row. Sessions that were opened are ended; nothing is
    /// changed at any PBX.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(Verify),
    /// A simulated PBX, to be reached by the provider or by any SOAP toolkit.
    ///
    /// Calls are placed, answered and cleared by commands: type them, pipe them in, or POST them
    /// to /control. `help` lists them. It ends by `quit`, by Ctrl-C, or by the end of what is
    /// typed; a closed pipe leaves it running.
    #[command(after_help = SIMULATE_EXAMPLES)]
    Simulate(Simulate),
    /// Derive the messages of a log again, and compare them with those that were told then.
    ///
    /// Takes the folder of a log, or a capture file. Nothing that was logged is changed.
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(Replay),
    /// Play the provider against a simulated PBX in virtual time, with everything that can go
    /// wrong, and check that it ends well.
    ///
    /// A seed chooses who is there, what people and applications do, and what goes wrong: answers
    /// lost, late, doubled, cut; sessions forgotten; boxes that boot; a process that is killed
    /// while it writes. Then it is quiet, and lines and calls as applications read them must equal
    /// what is so at the PBX. The invariants are watched after every record, and at the end the log
    /// must lead to the same state and the same effects again.
    ///
    /// One seed always plays the same. One that fails leaves a capture file, which `tapline replay`
    /// plays.
    #[command(after_help = SIM_EXAMPLES)]
    Sim(Sim),
}

const DEMO_EXAMPLES: &str = "\
Examples:
  tapline demo --seed 7
  tapline demo --estate
  tapline demo --json | jq 'select(.state == \"CONNECTED\")'
  tapline demo --keep /tmp/demo && tapline replay /tmp/demo/log";

const RUN_EXAMPLES: &str = "\
Examples:
  tapline run --config tapline.toml
  tapline run --config tapline.toml --json >> calls.jsonl

The settings:
  account = \"_TAPI_\"
  password_file = \"/etc/tapline/password\"
  user = \"TAPI\"                  # the PBX user whose groups are the scope
  [[pbx]]
  master = \"pbx.example.com\"";

const VERIFY_EXAMPLES: &str = "\
Examples:
  tapline verify --config tapline.toml
  tapline verify --config tapline.toml --json | jq 'select(.verdict == \"fail\")'

Exit codes:
  0  every check passed or warned
  1  a check failed
  2  the command line makes no sense
  7  the system refused something: a thread, the output";

const SIMULATE_EXAMPLES: &str = "\
Examples:
  tapline simulate
  tapline simulate --listen 127.0.0.1:8080 --estate office.toml
  curl --data 'call 20 21' http://127.0.0.1:8080/control";

const REPLAY_EXAMPLES: &str = "\
Examples:
  tapline replay /tmp/demo/log
  tapline replay --json /tmp/demo/log > messages.jsonl";

const SIM_EXAMPLES: &str = "\
Examples:
  tapline sim --seed 7 --verbose
  tapline sim --seeds 0..1000 --keep /tmp/found
  tapline sim --seeds 0..200 --json | jq 'select(.finding)'";

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Play a site of several PBXs instead, which fail, come back and hand users over
    #[arg(long)]
    pub(crate) estate: bool,
    /// Chooses the calls; the same number plays the same ones
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Print one JSON object per message, and a summary as the last
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave settings, log and messages in this folder, which must be new or empty
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) provider: Provider,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The settings file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Print one JSON object per message
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) provider: Provider,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The settings file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Print one JSON object per check, and a summary as the last
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Provider {
    /// The provider library; without this, the one beside the program
    #[arg(long, value_name = "FILE")]
    pub(crate) library: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// Describes users, groups and trunks (TOML); without this, twelve users with a trunk
    #[arg(long, value_name = "FILE")]
    pub(crate) estate: Option<PathBuf>,
    /// Where to listen; port 0 takes any free one. The control commands have no password, so
    /// keep to a loopback address
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The folder of a log, or a capture file
    #[arg(value_name = "FILE_OR_LOG")]
    pub(crate) log: PathBuf,
    /// Print one JSON object per message, and a summary as the last
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Sim {
    /// Plays this seed
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "seeds")]
    pub(crate) seed: u64,
    /// Plays the seeds from A on, up to but not including B
    #[arg(long, value_name = "A..B", value_parser = read_seeds)]
    pub(crate) seeds: Option<Range<u64>>,
    /// Print what happens, with the seconds since the beginning
    #[arg(long, conflicts_with = "json")]
    pub(crate) verbose: bool,
    /// Print one JSON object per seed, and a summary as the last
    #[arg(long)]
    pub(crate) json: bool,
    /// Where to leave the captures of seeds that fail
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) keep: PathBuf,
}

fn read_seeds(text: &str) -> Result<Range<u64>, String> {
    let (first, end) = text.split_once("..").ok_or("two numbers with two dots, such as 0..200")?;
    let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is no number"));
    let (first, end) = (number(first)?, number(end)?);
    if first < end { Ok(first..end) } else { Err(format!("no seed is in {first}..{end}")) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_example_in_the_help_is_a_command_that_is_understood() {
        let mut examples = 0;
        for help in [
            AFTER_LONG_HELP,
            DEMO_EXAMPLES,
            RUN_EXAMPLES,
            VERIFY_EXAMPLES,
            SIMULATE_EXAMPLES,
            REPLAY_EXAMPLES,
            SIM_EXAMPLES,
        ] {
            for line in help.lines().filter_map(|line| line.strip_prefix("  tapline ")) {
                let command = line.split("  ").next().unwrap();
                for part in command.split(" && tapline ") {
                    let words =
                        part.split_whitespace().take_while(|w| !["|", ">", ">>"].contains(w));
                    let parsed =
                        CommandLine::try_parse_from(std::iter::once("tapline").chain(words));
                    assert!(parsed.is_ok(), "tapline {part}: {}", parsed.unwrap_err());
                    examples += 1;
                }
            }
        }
        assert!(examples >= 19, "{examples}");
    }
}
