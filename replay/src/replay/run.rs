//! `tapline replay run`: the messages that a log leads to, compared with those that were told.

use super::moment::Point;
use super::progress::Progress;
use super::raw;
use super::reel::{Leap, Next, Reel};
use crate::command_line::{CallFilter, Filter, ReplayRun};
use crate::output::{self, Output};
use crate::rederive::{Rederivation, verdict};
use crate::rows::{Clock, Parties, Row};
use crate::trouble::Trouble;
use adapters::trace::Trace;
use engine::fact::{Event, HostFact, Record};
use engine::time::Millis;

/// Replays a log and shows what it leads to.
pub(super) fn show(options: &ReplayRun) -> Result<(), Trouble> {
    let trace = Trace::open(&options.log)?;
    let (mut reel, core, next) = Reel::begin(&trace)?;
    let mut output = Output::new(options.json);
    let mut replay = Rederivation::going_on(core, next);
    let mut filter = None;
    let mut progress = Progress::new("records");
    if options.quiet {
        replay.pass_in_stretches(&mut reel, &mut progress)?;
    }
    // What was said word by word is referred to where it stands.
    let mut said =
        options.records.then(|| trace.raw_messages()).transpose()?.map(Iterator::peekable);
    while let Some(next) = reel.next() {
        let (seq, record) = match next {
            Next::Record(seq, record) => (seq, record),
            Next::Leap(leap) => {
                let Leap { core, next, missing, why } = *leap;
                output.heading(&format!("{missing} records before {next} are missing: {why}"))?;
                replay.leap(core, next, missing);
                if options.quiet {
                    replay.pass_in_stretches(&mut reel, &mut progress)?;
                }
                continue;
            }
        };
        progress.record();
        let filter = filter.get_or_insert_with(|| Shown::new(&options.filter, record.at));
        let (at, is_shown) = (record.at, !options.quiet && filter.is_time(seq, record.at));
        let starts = is_shown && is_start(&record);
        if options.quiet {
            replay.pass(seq, record);
        } else {
            replay.take(seq, record);
        }
        if starts {
            let clock = Clock::of(at).whole();
            output.heading(&format!("The telephony server starts at {clock}"))?;
        }
        if let Some(said) = &mut said {
            while let Some((_, message)) = said.next_if(|(next, _)| *next <= seq) {
                if is_shown {
                    output::line(&format!("{:>7}  {}", "raw", raw::in_brief(&message)))?;
                }
            }
        }
        if is_shown {
            let rows = replay.playback().rows().filter(|row| filter.lets_through(row));
            rows.into_iter().try_for_each(|row| print(&mut output, seq, &row, options.records))?;
        }
        if let Some(trouble) = replay.difference() {
            output.summary("", &replay.summary(Some(&trouble.to_string())))?;
            return Err(trouble);
        }
    }
    output.summary(&verdict(&replay.tally()), &replay.summary(None))?;
    reel.end()
}

fn is_start(record: &Record) -> bool {
    record.event == Event::Host(HostFact::Started)
}

fn print(output: &mut Output, seq: u64, row: &Row, with_records: bool) -> Result<(), Trouble> {
    match output {
        Output::Machines => {
            let mut object = row.for_machines();
            object["record"] = seq.into();
            output::line(&object.to_string())
        }
        Output::People { .. } if with_records => output.row_of(seq, row),
        Output::People { .. } => output.row(row),
    }
}

/// Which messages of a certain log are shown.
struct Shown<'a> {
    filter: &'a Filter,
    from: Option<Point>,
    to: Option<Point>,
}

impl<'a> Shown<'a> {
    fn new(filter: &'a Filter, first: Millis) -> Shown<'a> {
        let point = |moment: Option<super::Moment>| moment.map(|moment| moment.in_log(first));
        Shown { filter, from: point(filter.from), to: point(filter.to) }
    }

    fn is_time(&self, seq: u64, at: Millis) -> bool {
        self.from.is_none_or(|from| from.has_come(seq, at))
            && self.to.is_none_or(|to| !to.is_over(seq, at))
    }

    fn lets_through(&self, row: &Row) -> bool {
        let Filter { line, call, request, number, .. } = self.filter;
        let is_call = |wanted: CallFilter| match wanted {
            CallFilter::Number(number) => row.call == Some(number),
            CallFilter::Conf(conf) => row.conf == Some(conf),
        };
        line.as_ref().is_none_or(|which| row.line.as_ref().is_some_and(|line| which.names(line)))
            && call.is_none_or(is_call)
            && request.is_none_or(|request| row.correlation == Some(request))
            && number.as_ref().is_none_or(|number| is_about(row, number))
    }
}

/// Whether the line has this number, or a party does.
fn is_about(row: &Row, number: &str) -> bool {
    let of_line = row.line.as_ref().is_some_and(|line| line.number == number);
    of_line || row.parties.as_ref().is_some_and(|parties| parties.have(number))
}

impl Parties {
    /// Whether somebody has this number.
    pub(crate) fn have(&self, number: &str) -> bool {
        let Parties { caller, called, connected, redirecting, redirection, .. } = self;
        let parties = [caller, called, connected, redirecting, redirection];
        parties.into_iter().any(|party| party.number == number)
    }
}
