//! `tapline capture`: a part of a log as one file, to be looked at elsewhere.

use crate::command_line::Capture;
use crate::lines;
use crate::output::Output;
use crate::replay::Moment;
use crate::rows::Clock;
use crate::trouble::Trouble;
use adapters::excerpt::{self, Excerpt, ExcerptError, Span};
use adapters::trace::Trace;
use adapters::upkeep::{self, UpkeepError};
use engine::time::Millis;
use serde_json::json;
use std::fs::File;
use std::path::Path;

/// Writes the file.
pub(crate) fn take(options: &Capture) -> Result<(), Trouble> {
    let log = lines::log_of(&options.log)?;
    let span = span(options)?;
    let (written, is_live) = write(&log, span, &options.output)?;
    tell(options, &written, is_live)
}

/// Writes a part of a log to a file that must not be there yet.
pub(crate) fn write(log: &Path, span: Span, path: &Path) -> Result<(Excerpt, bool), Trouble> {
    let file = File::create_new(path).map_err(|error| Trouble::file("make", path, error))?;
    upkeep::capture(log, span, file).map_err(|error| {
        // Half a file would be taken for a whole one.
        let _ = std::fs::remove_file(path);
        trouble(error)
    })
}

fn trouble(error: UpkeepError) -> Trouble {
    match error {
        UpkeepError::Excerpt(ExcerptError::Trace(error)) => error.into(),
        UpkeepError::Excerpt(error @ ExcerptError::Empty { .. }) => {
            Trouble::Usage(error.to_string())
        }
        UpkeepError::Excerpt(ExcerptError::Capture(error)) => Trouble::System {
            what: "cannot write the capture file".into(),
            error: std::io::Error::other(error),
        },
        error => lines::trouble(&error),
    }
}

fn span(options: &Capture) -> Result<Span, Trouble> {
    let from = match (options.last, options.from) {
        (Some(Last(ms)), _) => Some(excerpt::Moment::BeforeEnd(ms)),
        (None, from) => from.map(moment).transpose()?,
    };
    Ok(Span { from, to: options.to.map(moment).transpose()? })
}

/// The log may be in use, so its beginning and end are not known here: a time of day is the last
/// one that has come.
fn moment(moment: Moment) -> Result<excerpt::Moment, Trouble> {
    match moment {
        Moment::Seq(seq) => Ok(excerpt::Moment::Seq(seq)),
        Moment::At(at) => Ok(excerpt::Moment::At(at)),
        Moment::OfDay(ms) => {
            const DAY_MS: u64 = 24 * 60 * 60 * 1000;
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let now = now.map_or(0, |now| now.as_millis() as u64);
            let today = now / DAY_MS * DAY_MS + ms;
            Ok(excerpt::Moment::At(Millis(if today > now { today - DAY_MS } else { today })))
        }
        Moment::After(_) => Err(Trouble::Usage(
            "a time after the first record cannot be used here; give a date and a time, a time of \
             day, the number of a record, or --last"
                .into(),
        )),
    }
}

fn tell(options: &Capture, written: &Excerpt, is_live: bool) -> Result<(), Trouble> {
    let path = options.output.display();
    let trace = Trace::open(&options.output)?;
    let begins = trace.records_from(trace.first()).next();
    let (_, _, ends) = trace.extent()?;
    let clock = |at: Millis| {
        let clock = Clock::of(at);
        format!("{} {}", clock.date(), clock.time())
    };
    let begins = begins.map_or(ends, |(_, record)| record.at);
    let Excerpt { first, next, gaps, damage, bytes } = written;
    let missing: u64 = gaps.iter().map(|gap| gap.to - gap.from).sum();
    let count = next - first - missing;
    let summary = json!({
        "summary": {
            "file": path.to_string(),
            "first": first,
            "records": count,
            "from_ms": begins.0,
            "to_ms": ends.0,
            "bytes": bytes,
            "live": is_live,
            "gaps": gaps.iter().map(|gap| json!({
                "from": gap.from, "to": gap.to, "why": gap.why,
            })).collect::<Vec<_>>(),
            "damage": damage,
        }
    });
    let sentence = format!(
        "{count} records from number {first} on, {} to {} (UTC), are in {path}. See them by: \
         tapline replay {path}",
        clock(begins),
        clock(ends)
    );
    Output::new(options.json).summary(&sentence, &summary)?;
    let mut holes: Vec<String> = gaps
        .iter()
        .map(|gap| format!("records {} to {} are missing: {}", gap.from, gap.to - 1, gap.why))
        .collect();
    holes
        .extend(damage.as_ref().map(|why| format!("what follows record {next} is missing: {why}")));
    if holes.is_empty() {
        return Ok(());
    }
    Err(Trouble::Damage(format!(
        "the log is damaged; what is intact is in the file. {}",
        holes.join("; ")
    )))
}

/// A duration such as `10m`, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Last(u64);

impl std::str::FromStr for Last {
    type Err = String;

    fn from_str(text: &str) -> Result<Last, String> {
        let wrong = || format!("{text:?} is no duration such as 90s, 10m, 2h or 3d");
        let unit = text.chars().next_back().ok_or_else(wrong)?;
        let ms = match unit {
            's' => 1_000,
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => 86_400_000,
            _ => return Err(wrong()),
        };
        let number: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        if number == 0 { Err(wrong()) } else { Ok(Last(u64::from(number) * ms)) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, ms) in [("90s", 90_000), ("10m", 600_000), ("2h", 7_200_000), ("1d", 86_400_000)]
        {
            assert_eq!(text.parse(), Ok(Last(ms)));
        }
        for wrong in ["", "10", "m", "0m", "-5m", "1.5h", "10 m", "10w", "5é"] {
            assert!(wrong.parse::<Last>().is_err(), "{wrong}");
        }
    }
}
