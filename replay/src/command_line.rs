//! What can be asked of `tapline`, and the help that teaches it.

mod replay;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use crate::capture::Last;
use crate::replay::{Moment, Which};
use clap::{Args, Parser, Subcommand};
pub(crate) use replay::*;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;

/// Tapline: a TAPI service provider for innovaphone PBXs, at work and in replay.
///
/// Tapline reads what a PBX says over HTTP, writes it to a log, and derives from that log what it
/// tells the telephony server. This command shows it at work without Windows: it loads the
/// provider library through its C interface, as the telephony service does.
#[derive(Debug, Parser)]
#[command(
    name = "tapline",
    bin_name = "tapline",
    version,
    propagate_version = true,
    max_term_width = 100
)]
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
  tapline replay state /tmp/demo/log --line 20   what applications read of a line
  tapline replay bisect /tmp/demo/log --until 'calls == 0'   the record that changed that
  tapline simulate                      a PBX to try your own programs on
  tapline verify --config tapline.toml  whether these settings will work, and why not
  tapline run --config tapline.toml     the calls of a real PBX, until Ctrl-C
  tapline lines --config tapline.toml   its lines with their permanent ids
  tapline settings plan --config new.toml  what other settings would change
  tapline capture --last 10m -o calls.tspt --config tapline.toml  what happened, as one file
  tapline report calls.tspt -o report.html   the same as a page for any browser

Exit codes:
  0  all went well
  1  a replay led to something else than was told then, an invariant is broken, nothing was found,
     or a check of `verify` failed
  2  the command line makes no sense
  3  the settings, or the description of a simulated PBX, make no sense
  4  the provider or the PBX did not do what it should
  5  the log cannot be read: it is not there, in use, of a newer version, or no log
  6  the log is damaged; what comes before the damage was replayed and shown
  7  the system refused something: a file, a port, a thread, the output
  8  a simulation found a fault
  130  Ctrl-C ended `report` before its page was there

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
    /// Show what other settings would change, or have them read now.
    ///
    /// A provider at work looks at its settings file every two seconds, and brings what has changed
    /// into force without a restart: calls go on, lines keep their ids. A file that makes no sense
    /// changes nothing; tapline.log beside the log says why.
    #[command(subcommand, after_help = SETTINGS_EXAMPLES)]
    Settings(SettingsCommand),
    /// A simulated PBX, to be reached by the provider or by any SOAP toolkit.
    ///
    /// Calls are placed, answered and cleared by commands: type them, pipe them in, or POST them
    /// to /control. `help` lists them. It ends by `quit`, by Ctrl-C, or by the end of what is
    /// typed; a closed pipe leaves it running.
    #[command(after_help = SIMULATE_EXAMPLES)]
    Simulate(Simulate),
    /// Look at a log or a capture: what it led to, what applications could read at any moment,
    /// which record broke what.
    ///
    /// Takes the folder of a log, or a capture file; needs neither PBX nor Windows. Nothing that
    /// was logged is changed. `tapline replay FILE_OR_LOG` is short for `tapline replay run`.
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(Replay),
    /// Write a part of a log as a capture file: one file that is opened anywhere, on any system.
    ///
    /// From a provider at work, which goes on meanwhile; from the log that a stopped one left; from
    /// a damaged log, of which what is intact is taken and the gap is named; or from another capture.
    /// The file begins with the state at its first record, so it replays by itself. It has the names
    /// and numbers of people in it; their PBX account and password are in no log.
    ///
    /// Times are UTC. Whole frames are taken, so the file may begin a moment earlier.
    #[command(after_help = CAPTURE_EXAMPLES)]
    Capture(Capture),
    /// Write a log or a capture as one page that any browser shows, without network: lines, calls, and
    /// for each call what happened between PBX, lines and applications.
    ///
    /// The page needs nothing but itself, so it opens from a mail. It has the names and numbers of
    /// people in it, as its source has: anonymise that first if others are to see it. With --from,
    /// --to, --line or --number it has the calls that these let through. A record of very many
    /// calls is cut, and the page says so; calls with something odd are kept then.
    #[command(after_help = REPORT_EXAMPLES)]
    Report(Report),
    /// Print what a provider at work has counted: its metrics page, once.
    ///
    /// How old the last word of each PBX is, how many lines are in service and calls open, how
    /// requests ended, how long events and the log took, and what should not have happened. In the
    /// text format of Prometheus; docs/metrics.md says what each number means. The provider is asked
    /// beside its log, so nothing has to listen anywhere; for a page at an address, see [metrics] in
    /// the settings.
    #[command(after_help = METRICS_EXAMPLES)]
    Metrics(Metrics),
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
    ///
    /// With --script, what a file says happens, and nothing else: tests/histories has examples. Its
    /// log is left as a capture file.
    #[command(after_help = SIM_EXAMPLES)]
    Sim(Sim),
    /// List the lines with their permanent ids, and what became of those that are no more.
    ///
    /// Asks the provider at work on the log, or reads the log if none is. Names are those that
    /// applications see; where the template gives two lines one name, the table says which of them
    /// has it. With --preview nothing changes: it shows what the names would be with another
    /// template, or one of the ready-made ones: long-name, name-and-number, user-url.
    #[command(after_help = LINES_EXAMPLES)]
    Lines(Lines),
    /// Take the table of permanent ids out of a log, or into one.
    ///
    /// Applications store these ids, so a site that changes over from another provider keeps its
    /// applications as they are if their ids are imported before the first start: from a table that
    /// `export` wrote, or from the registry key lineGUIDs of the vendor's provider, exported with
    /// regedit. Later too ids can be imported, for users that no PBX has spoken of; an id that
    /// somebody has is never given to another one.
    #[command(after_help = IDS_EXAMPLES)]
    Ids(Ids),
    /// Look at lines, calls and the ladder of a call in this terminal, and step in time.
    ///
    /// Of a capture file or of the log that a provider left; or live, of the log that a provider works
    /// on: then what comes is shown until you step back. Nothing is changed.
    #[command(after_help = WATCH_EXAMPLES)]
    Watch(Watch),
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

const SETTINGS_EXAMPLES: &str = "\
Examples:
  tapline settings plan --config new.toml
  tapline settings plan --config new.toml --json | jq 'select(.change == \"renamed\")'
  tapline settings apply --config tapline.toml";

const SIMULATE_EXAMPLES: &str = "\
Examples:
  tapline simulate
  tapline simulate --listen 127.0.0.1:8080 --estate office.toml
  curl --data 'call 20 21' http://127.0.0.1:8080/control";

const CAPTURE_EXAMPLES: &str = "\
Examples:
  tapline capture --last 10m -o calls.tspt --config tapline.toml
  tapline capture --from 2026-01-31T12:03 --to 2026-01-31T12:10 -o calls.tspt --config tapline.toml
  tapline capture --from 4000 --to 5000 -o calls.tspt --log /var/lib/tapline/log
  tapline capture --last 2h -o part.tspt --log whole.tspt

Exit codes:
  0  the file is written
  2  nothing is in that part of the log
  4  the provider at work does not answer
  5  the log cannot be read
  6  the log is damaged; what is intact is in the file, and the file says what is missing
  7  the file is there already, or cannot be written";

const REPORT_EXAMPLES: &str = "\
Examples:
  tapline report calls.tspt -o report.html
  tapline report /var/lib/tapline/log -o monday.html --from 2026-01-31T08:00 --to 2026-01-31T12:00
  tapline report calls.tspt -o anna.html --line 'Anna Berg'

Exit codes:
  0  the page is written
  5  the log cannot be read
  6  the log is damaged; what is intact is in the page, and the page says what is missing
  7  the page cannot be written";

const SIM_EXAMPLES: &str = "\
Examples:
  tapline sim --seed 7 --verbose
  tapline sim --seeds 0..1000 --keep /tmp/found
  tapline sim --seeds 0..200 --json | jq 'select(.finding)'
  tapline sim --script tests/histories/call-hold-unhold.scene --into /tmp
  tapline sim --script tests/histories";

const METRICS_EXAMPLES: &str = "\
Examples:
  tapline metrics --config tapline.toml
  tapline metrics --log /var/lib/tapline/log | grep -v '^#' | grep pbx";

const LINES_EXAMPLES: &str = "\
Examples:
  tapline lines --config tapline.toml
  tapline lines --config tapline.toml --preview '%d_(%N)'
  tapline lines --log /var/lib/tapline/log --defunct --json
  tapline lines remove 17 --config tapline.toml";

const IDS_EXAMPLES: &str = "\
Examples:
  tapline ids export ids.csv --config tapline.toml
  tapline ids import lineGUIDs.reg --config tapline.toml

Exit codes:
  0  every id of the table is in the log now
  1  some are not, because of ids that were there; nothing of these was changed
  2  the file makes no sense; nothing of it was imported
  5  the log cannot be used";

const WATCH_EXAMPLES: &str = "\
Examples:
  tapline watch day.tspt
  tapline watch --config tapline.toml
  tapline watch --log /var/lib/tapline/log

Keys:
  h l, arrows     one record back, on           [ ]   to the last, next change of the call
  H L, page keys  a hundred                     g G   to the beginning, to the end (and follow it)
  j k, arrows     select in the pane            Tab   the other pane
  n p             the next, previous call       /     search lines; Esc ends it
  q               quit";

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

#[derive(Debug, Subcommand)]
pub(crate) enum SettingsCommand {
    /// Show what these settings would change: lines renamed, removed or expected back, PBXs added,
    /// left, or reached otherwise. Nothing is changed.
    ///
    /// They are compared with what the log they name leads to, whether a provider is at work on it
    /// or not. Account and password are not compared: no log holds them. Users of a PBX that nobody
    /// has asked yet are not known, and so not shown.
    Plan(Settings),
    /// Have the provider at work read its settings file now, and say what came of it.
    ///
    /// It does so by itself within seconds; this waits for it, and is for files that are written in
    /// many steps, or on shares whose clocks cannot be trusted.
    Apply(Settings),
}

#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// The settings file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Print one JSON object per change, and a summary as the last
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
pub(crate) struct Capture {
    #[command(flatten)]
    pub(crate) log: WhichLog,
    /// The last 90s, 10m, 2h or 3d before its last record
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["from", "to"])]
    pub(crate) last: Option<Last>,
    /// From this moment on: a time such as 2026-01-31T12:03:20, a time of day (the last one that has
    /// come), or the number of a record
    #[arg(long, value_name = "TIME|SEQ")]
    pub(crate) from: Option<Moment>,
    /// Up to this moment
    #[arg(long, value_name = "TIME|SEQ")]
    pub(crate) to: Option<Moment>,
    /// The file; it must not be there yet
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Print what is in it as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The folder of a log, or a capture file
    #[arg(value_name = "FILE_OR_LOG")]
    pub(crate) log: PathBuf,
    /// The page; one that is there already is replaced, anything else is not
    #[arg(short, long, value_name = "FILE.html")]
    pub(crate) output: PathBuf,
    /// Only calls with this line: its number, its name, or its permanent id after an @ (@17)
    #[arg(long, value_name = "LINE")]
    pub(crate) line: Option<Which>,
    /// Only calls with a party or a line that has this number
    #[arg(long, value_name = "NUMBER")]
    pub(crate) number: Option<String>,
    /// Only calls that went on at this record or time, or later
    #[arg(long, value_name = "SEQ|TIME")]
    pub(crate) from: Option<Moment>,
    /// Only calls that had begun at this record or time
    #[arg(long, value_name = "SEQ|TIME")]
    pub(crate) to: Option<Moment>,
    /// How many calls the page has at most; each takes some four kilobytes
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) calls: usize,
    /// Print what is in it as one JSON object
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
    /// Play this scenario instead, or all (*.scene) of this folder
    #[arg(long, value_name = "FILE_OR_DIR", conflicts_with_all = ["seed", "seeds", "keep"])]
    pub(crate) script: Option<PathBuf>,
    /// Where to leave the logs of scenarios, as NAME.tspt each; without it, beside the scenario
    #[arg(long, value_name = "DIR", requires = "script")]
    pub(crate) into: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// A capture file, or the folder of a log
    #[arg(value_name = "FILE_OR_LOG", conflicts_with_all = ["config", "log"])]
    pub(crate) file: Option<PathBuf>,
    /// The settings file, which names the log
    #[arg(long, value_name = "FILE", required_unless_present_any = ["file", "log"])]
    pub(crate) config: Option<PathBuf>,
    /// The folder of the log
    #[arg(long, value_name = "LOG", conflicts_with = "config")]
    pub(crate) log: Option<PathBuf>,
}

/// Whose log.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct WhichLog {
    /// The settings file, which names the log
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The folder of the log
    #[arg(long, value_name = "LOG")]
    pub(crate) log: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Metrics {
    #[command(flatten)]
    pub(crate) log: WhichLog,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Lines {
    #[command(subcommand)]
    pub(crate) action: Option<LinesAction>,
    #[command(flatten)]
    pub(crate) log: Option<WhichLog>,
    /// What names this template would make
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "defunct")]
    pub(crate) preview: Option<String>,
    /// The lines that are no more, why, and for how long
    #[arg(long)]
    pub(crate) defunct: bool,
    /// Print one JSON object per line, and a summary as the last
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LinesAction {
    /// Remove a line that no PBX reports now; applications are told. Its id stays its own
    Remove {
        /// Its permanent id
        id: u32,
        #[command(flatten)]
        log: WhichLog,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Ids {
    #[command(subcommand)]
    pub(crate) action: IdsAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IdsAction {
    /// Write all ids, those of lines that are no more included, to a new file
    Export {
        /// The file; it must not be there yet
        file: PathBuf,
        #[command(flatten)]
        log: WhichLog,
    },
    /// Take in the ids of a table, or of a registry file
    Import {
        /// The file
        file: PathBuf,
        #[command(flatten)]
        log: WhichLog,
    },
}

fn read_seeds(text: &str) -> Result<Range<u64>, String> {
    let (first, end) = text.split_once("..").ok_or("two numbers with two dots, such as 0..200")?;
    let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is no number"));
    let (first, end) = (number(first)?, number(end)?);
    if first < end { Ok(first..end) } else { Err(format!("no seed is in {first}..{end}")) }
}
