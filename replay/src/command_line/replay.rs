//! `tapline replay`: the family of commands that look at a log or a capture.

mod examples;

use crate::expression;
use crate::replay::{CallName, Moment, Which};
use clap::{Args, Subcommand};
use engine::id::{Correlation, Guid};
#[cfg(test)]
pub(super) use examples::ALL_EXAMPLES;
pub(super) use examples::REPLAY_EXAMPLES;
use examples::{
    ANONYMISE_EXAMPLES, BISECT_EXAMPLES, CHECK_EXAMPLES, DIFF_EXAMPLES, EXPLAIN_EXAMPLES,
    GOLDEN_EXAMPLES, IMPORT_EXAMPLES, INFO_EXAMPLES, RAW_EXAMPLES, RUN_EXAMPLES, SHRINK_EXAMPLES,
    STATE_EXAMPLES, STATS_EXAMPLES, STEP_EXAMPLES, TO_TEST_EXAMPLES,
};
use std::path::PathBuf;
use std::str::FromStr;

/// The short form, or one of the family.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Replay {
    #[command(subcommand)]
    pub(crate) what: Option<ReplayCommand>,
    /// The folder of a log, or a capture file
    #[arg(value_name = "FILE_OR_LOG", required = true)]
    pub(crate) log: Option<PathBuf>,
    /// Print one JSON object per message, and a summary as the last
    #[arg(long)]
    pub(crate) json: bool,
    /// Show nothing but what it comes to
    #[arg(long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReplayCommand {
    /// Say what a log or capture is: what it spans, records by kind, lines, PBXs, calls, sessions,
    /// damage.
    #[command(after_help = INFO_EXAMPLES)]
    Info(ReplayInfo),
    /// Derive the messages of a log again, and compare them with those that were told then.
    ///
    /// With a filter only some of them are shown; all are compared all the same.
    #[command(after_help = RUN_EXAMPLES)]
    Run(ReplayRun),
    /// Show what applications would have read after a record or at a time: lines, their status,
    /// their calls with what LINECALLINFO says.
    #[command(after_help = STATE_EXAMPLES)]
    State(ReplayState),
    /// Check every invariant at every record, and name the records that break one.
    ///
    /// The state is also written down and read back again and again on the way, as a restart does:
    /// what follows must not differ. ARCHITECTURE.md lists the invariants.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(ReplayCheck),
    /// Count: records and callbacks by kind, requests by how they ended, calls and how long they
    /// were, how fast this machine replays.
    #[command(after_help = STATS_EXAMPLES)]
    Stats(ReplayStats),
    /// Walk through a log, forward and back: each record, what it led to, and which fields of which
    /// lines read otherwise then.
    #[command(after_help = STEP_EXAMPLES)]
    Step(ReplayStep),
    /// Show where two replays part, with what came before, and why: of two logs, of one log under two
    /// settings files, or under two builds of this program.
    ///
    /// Lines are compared one by one; when a message came, and how the line is called, does not
    /// matter. Under other settings the records of the log stay, but for timers; which PBXs there are
    /// stays as well.
    #[command(after_help = DIFF_EXAMPLES)]
    Diff(ReplayDiff),
    /// Tell the life of one call in plain sentences: what the PBX said, what was asked and ordered,
    /// what applications heard, by which rule, and what is odd about it.
    ///
    /// Each sentence has its record and its time. A call is all that the lines had of one call of the
    /// PBX; consultations and transfers are named.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ReplayExplain),
    /// Find the first record after which an expectation fails, and show what it was and why.
    #[command(after_help = format!("{BISECT_EXAMPLES}{}", expression::GRAMMAR))]
    Bisect(ReplayBisect),
    /// Make the smallest trace that still fails: first sessions, PBXs, lines, calls and requests are
    /// left out as a whole, then Polls, then single records.
    #[command(after_help = SHRINK_EXAMPLES)]
    Shrink(ReplayShrink),
    /// Make a test of this project out of a log or capture: the history, and beside it the callbacks
    /// that it leads to today.
    #[command(after_help = TO_TEST_EXAMPLES)]
    ToTest(ReplayToTest),
    /// Play all histories of a folder, and name the first callback of each that is another one.
    ///
    /// NAME.tspt is a history, NAME.txt has the callbacks that it must lead to, and NAME.scene, if
    /// there is one, is the scenario that it was made from.
    #[command(after_help = GOLDEN_EXAMPLES)]
    Golden(ReplayGolden),
    /// Make a copy that may leave the house: other names, numbers, GUIDs and hosts, the same
    /// behaviour.
    ///
    /// The copy is replayed beside the original, and all its bytes are searched for what was replaced;
    /// one that fails is not kept. Messages of PBXs word by word are left out.
    #[command(after_help = ANONYMISE_EXAMPLES)]
    Anonymise(ReplayAnonymise),
    /// Make a capture of traffic between a PBX and any client, from a file of packets (pcap, pcapng)
    /// with SOAP over plain HTTP.
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(ReplayImport),
    /// List what the provider and PBXs said to each other, or print it word by word.
    #[command(after_help = RAW_EXAMPLES)]
    Raw(ReplayRaw),
}

#[derive(Debug, Args)]
pub(crate) struct ReplayInfo {
    /// The folder of a log, or a capture file
    #[arg(value_name = "FILE_OR_LOG")]
    pub(crate) log: PathBuf,
    /// Print it as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args, Default)]
pub(crate) struct ReplayRun {
    /// The folder of a log, or a capture file
    #[arg(value_name = "FILE_OR_LOG")]
    pub(crate) log: PathBuf,
    /// Print one JSON object per message, and a summary as the last
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// Show with each message the number of the record that led to it
    #[arg(long, conflicts_with_all = ["json", "quiet"])]
    pub(crate) records: bool,
    /// Show nothing but what it comes to
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// Which messages are shown.
#[derive(Debug, Args, Default)]
pub(crate) struct Filter {
    /// Only this line: its number, its name, or its permanent id after an @ (@17)
    #[arg(long, value_name = "LINE")]
    pub(crate) line: Option<Which>,
    /// Only this call: the number after the # in the column `call`, of each line; or its conf GUID
    #[arg(long, value_name = "N|GUID")]
    pub(crate) call: Option<CallFilter>,
    /// Only what belongs to this request, such as r25.7
    #[arg(long, value_name = "REQUEST")]
    pub(crate) request: Option<Correlation>,
    /// Only what is about a party with this number, or a line that has it
    #[arg(long, value_name = "NUMBER")]
    pub(crate) number: Option<String>,
    /// Only from this record or time on
    #[arg(long, value_name = "SEQ|TIME")]
    pub(crate) from: Option<Moment>,
    /// Only up to this record or time
    #[arg(long, value_name = "SEQ|TIME")]
    pub(crate) to: Option<Moment>,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayState {
    /// The folder of a log, or a capture file
    #[arg(value_name = "FILE_OR_LOG")]
    pub(crate) log: PathBuf,
    /// After this record, or at this time; without it, at the end
    #[arg(long, value_name = "SEQ|TIME")]
    pub(crate) at: Option<Moment>,
    /// Only this line, with all that can be read of it: its number, its name, or its permanent id
    /// after an @
    #[arg(long, value_name = "LINE")]
    pub(crate) line: Option<Which>,
    /// Print one JSON object per line, and a summary as the last
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayCheck {
    /// The folder of a log, or a capture file
    #[arg(value_name = "FILE_OR_LOG")]
    pub(crate) log: PathBuf,
    /// Print one JSON object per breach, and a summary as the last
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayStats {
    /// The folder of a log, or a capture file
    #[arg(value_name = "FILE_OR_LOG")]
    pub(crate) log: PathBuf,
    /// Print it as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayStep {
    /// The folder of a log, or a capture file
    #[arg(value_name = "FILE_OR_LOG")]
    pub(crate) log: PathBuf,
    /// Begin at this record or time
    #[arg(long, value_name = "SEQ|TIME")]
    pub(crate) at: Option<Moment>,
    /// Look at this line only: its number, its name, or its permanent id after an @
    #[arg(long, value_name = "LINE")]
    pub(crate) line: Option<Which>,
    /// Print one JSON object per place
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayDiff {
    /// The folder of a log, or a capture file
    #[arg(value_name = "A")]
    pub(crate) a: PathBuf,
    /// Another one, or the output of `tapline replay run --json`
    #[arg(value_name = "B", required_unless_present = "settings")]
    pub(crate) b: Option<PathBuf>,
    /// Compare with A under the settings of this file
    #[arg(long, value_name = "FILE", conflicts_with = "b")]
    pub(crate) settings: Option<PathBuf>,
    /// Print it as one JSON object, and a summary as the last
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayExplain {
    /// The folder of a log, or a capture file
    #[arg(value_name = "FILE_OR_LOG")]
    pub(crate) log: PathBuf,
    /// Which call, or which request
    #[arg(value_name = "CALL")]
    pub(crate) call: CallName,
    /// Draw it as a ladder instead
    #[arg(long, conflicts_with = "json")]
    pub(crate) ladder: bool,
    /// Print one JSON object per sentence, and a summary as the last
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayBisect {
    /// The folder of a log, or a capture file
    #[arg(value_name = "FILE_OR_LOG")]
    pub(crate) log: PathBuf,
    /// What is expected
    #[arg(long, value_name = "EXPR")]
    pub(crate) until: String,
    /// Look from this record or time on
    #[arg(long, value_name = "SEQ|TIME")]
    pub(crate) from: Option<Moment>,
    /// Print it as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayShrink {
    /// The folder of a log, or a capture file
    #[arg(value_name = "FILE_OR_LOG")]
    pub(crate) log: PathBuf,
    /// The expectation that must still fail
    #[arg(long, value_name = "I-nn|EXPR")]
    pub(crate) keep: String,
    /// Where to write what is left; it must not be there yet
    #[arg(long, short, value_name = "OUT.tspt")]
    pub(crate) output: PathBuf,
    /// Print a summary as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayToTest {
    /// What the test is called: small letters, digits and hyphens
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The folder of a log, or a capture file, from the first record on
    #[arg(value_name = "FILE_OR_LOG")]
    pub(crate) log: PathBuf,
    /// The folder of the histories
    #[arg(long, value_name = "DIR", default_value = "tests/histories")]
    pub(crate) into: PathBuf,
    /// As it would have gone under the settings of this file, PBXs and user aside
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// Print a summary as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayGolden {
    /// The folder of the histories
    #[arg(value_name = "DIR", default_value = "tests/histories")]
    pub(crate) folder: PathBuf,
    /// First play all scenarios (*.scene) of the folder anew, and take their logs for histories
    #[arg(long)]
    pub(crate) renew: bool,
    /// Take what they lead to now for what they should lead to
    #[arg(long)]
    pub(crate) accept: bool,
    /// Print one JSON object per difference, and a summary as the last
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayAnonymise {
    /// The folder of a log, or a capture file
    #[arg(value_name = "FILE_OR_LOG")]
    pub(crate) log: PathBuf,
    /// Where to write the copy; it must not be there yet
    #[arg(long, short, value_name = "OUT.tspt")]
    pub(crate) output: PathBuf,
    /// A file with at least 16 bytes that nobody can guess
    #[arg(long, value_name = "FILE", conflicts_with = "key_hex")]
    pub(crate) key: Option<PathBuf>,
    /// The same as hexadecimal digits, at least 32; others on this machine may see them
    #[arg(long, value_name = "HEX")]
    pub(crate) key_hex: Option<String>,
    /// Print what was done as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayImport {
    /// The file of packets
    #[arg(value_name = "TRAFFIC.pcap")]
    pub(crate) traffic: PathBuf,
    /// Where to write the capture; it must not be there yet
    #[arg(long, short, value_name = "OUT.tspt")]
    pub(crate) output: PathBuf,
    /// Only this PBX: its host name as the client used it, or its address; may be given again
    #[arg(long, value_name = "HOST")]
    pub(crate) pbx: Vec<String>,
    /// The PBX user whose groups are the scope, if the beginning of the session is missing
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Leave out what was said word by word, but for orders
    #[arg(long)]
    pub(crate) no_raw: bool,
    /// Print what was found as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayRaw {
    /// A capture file
    #[arg(value_name = "FILE")]
    pub(crate) log: PathBuf,
    /// Only from this record or time on
    #[arg(long, value_name = "SEQ|TIME")]
    pub(crate) from: Option<Moment>,
    /// Only up to this record or time
    #[arg(long, value_name = "SEQ|TIME")]
    pub(crate) to: Option<Moment>,
    /// Only what was said with this PBX: its number, from 0
    #[arg(long, value_name = "N")]
    pub(crate) pbx: Option<u16>,
    /// Only this operation, such as Poll
    #[arg(long, value_name = "NAME")]
    pub(crate) operation: Option<String>,
    /// Print the messages themselves
    #[arg(long)]
    pub(crate) full: bool,
    /// Print one JSON object per message, and a summary as the last
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which call of each line, or which call of the PBX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallFilter {
    /// Counted on each line.
    Number(u32),
    /// By the PBX's key.
    Conf(Guid),
}

impl FromStr for CallFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<CallFilter, String> {
        if let Some(conf) = Guid::read_exact(text) {
            return Ok(CallFilter::Conf(conf));
        }
        let digits = text.strip_prefix('#').unwrap_or(text);
        let number = digits.parse().ok().filter(|number| *number > 0).map(CallFilter::Number);
        number.ok_or_else(|| {
            "calls of a line are counted from 1, such as 3 or #3; calls of the PBX have a GUID of 32 \
             digits"
                .to_owned()
        })
    }
}
