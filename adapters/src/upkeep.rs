//! Looking at the state of a log and adding to it from another process, whether the provider is at
//! work on it or not.
//!
//! A provider at work keeps its log to itself, so it is asked at its desk. When none is, the log is
//! read, or an event written to it, here.

use crate::capture::CaptureError;
use crate::clock::Clock;
use crate::desk::{self, NoAnswer, Reloaded};
use crate::excerpt::{self, Excerpt, ExcerptError, Span};
use crate::journal::{AppendError, Durability, Journal, LogReader, OpenError};
use crate::trace::{Trace, TraceError};
use engine::core::Core;
use engine::fact::{Event, HostFact, Record};
use engine::frame::MAX_RECORDS;
use engine::id::{Guid, PermanentId};
use engine::time::Millis;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::time::Duration;

/// How long to wait for a process that is about to let go of the log.
const LET_GO: Duration = Duration::from_millis(300);

/// How long a provider may take to answer. It may have 100 000 lines to show.
const ANSWER: Duration = Duration::from_secs(20);

/// Most ids in one question to a provider.
const IDS_IN_A_QUESTION: usize = 4096;

/// How everything is.
pub struct State {
    /// All of it.
    pub core: Core,
    /// Whether a provider at work said so, or else the log that the last one left.
    pub is_live: bool,
    /// The time now, no earlier than anything in the log.
    pub now: Millis,
}

/// Why that cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The log.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// The provider at work.
    #[error(transparent)]
    Provider(#[from] NoAnswer),
    /// What was to be added.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// A part of it as a capture file.
    #[error(transparent)]
    Excerpt(#[from] ExcerptError),
    /// The provider at work will not.
    #[error("{0}")]
    Refused(String),
}

/// How everything is at a log.
///
/// # Errors
/// See [`UpkeepError`].
pub fn state(log: &Path) -> Result<State, UpkeepError> {
    match LogReader::open(log, LET_GO).and_then(|reader| reader.state()) {
        Ok((core, last)) => Ok(State { core, is_live: false, now: Clock::after(last).now() }),
        Err(OpenError::InUse { .. }) => {
            let core = desk::state(log, ANSWER)?;
            Ok(State { core, is_live: true, now: Clock::after(Millis(0)).now() })
        }
        Err(error) => Err(error.into()),
    }
}

/// Has the provider at work on a log read its settings now; `None` if none is.
///
/// # Errors
/// See [`UpkeepError`].
pub fn reload(log: &Path) -> Result<Option<Reloaded>, UpkeepError> {
    match LogReader::open(log, LET_GO) {
        Ok(_) => Ok(None),
        Err(OpenError::InUse { .. }) => Ok(Some(desk::reload(log, ANSWER)?)),
        Err(error) => Err(error.into()),
    }
}

/// The metrics page of the provider at work on a log; `None` if none is.
///
/// # Errors
/// See [`UpkeepError`].
pub fn metrics(log: &Path) -> Result<Option<String>, UpkeepError> {
    match LogReader::open(log, LET_GO) {
        Ok(_) => Ok(None),
        Err(OpenError::InUse { .. }) => Ok(Some(desk::metrics(log, ANSWER)?)),
        Err(error) => Err(error.into()),
    }
}

/// Removes a line. Returns whether a provider at work did it.
///
/// # Errors
/// See [`UpkeepError`].
pub fn dismiss(log: &Path, line: PermanentId) -> Result<bool, UpkeepError> {
    add(log, vec![HostFact::LineDismissed(line)], || match desk::dismiss(log, line, ANSWER)? {
        None => Ok(()),
        Some(why) => Err(UpkeepError::Refused(why)),
    })
}

/// Takes in ids of users that no PBX has spoken of so far; makes the log if there is none yet.
/// Returns whether a provider at work did it.
///
/// # Errors
/// See [`UpkeepError`].
pub fn import(log: &Path, ids: &[(Guid, PermanentId)]) -> Result<bool, UpkeepError> {
    let facts = ids.chunks(HostFact::MAX_IDS).map(|ids| HostFact::IdsImported(ids.into()));
    add(log, facts.collect(), || {
        for ids in ids.chunks(IDS_IN_A_QUESTION) {
            if let Some(why) = desk::import(log, ids, ANSWER)? {
                return Err(UpkeepError::Refused(why));
            }
        }
        Ok(())
    })
}

/// Writes a part of a log as a capture file: of a stopped provider's log, damaged or not, of one at
/// work, or of another capture file. Returns also whether a provider at work gave it.
///
/// # Errors
/// See [`UpkeepError`].
pub fn capture(log: &Path, span: Span, out: File) -> Result<(Excerpt, bool), UpkeepError> {
    let out = BufWriter::new(out);
    match Trace::open(log) {
        Err(TraceError::Log(OpenError::InUse { .. })) => {}
        Err(error) => return Err(ExcerptError::from(error).into()),
        Ok(trace) => {
            let (written, out) = excerpt::write(&trace, span, out)?;
            return Ok((keep(written, out)?, false));
        }
    }
    let given = desk::part(log, span, ANSWER)?.map_err(UpkeepError::Refused)?;
    let written = Trace::open(&given).map_err(ExcerptError::from);
    let written = written.and_then(|trace| excerpt::write(&trace, span, out));
    // It is thrown away in any case, later.
    let _ = std::fs::remove_file(&given);
    let (written, out) = written?;
    Ok((keep(written, out)?, true))
}

/// Sees to it that a file outlives a power loss.
fn keep(written: Excerpt, out: BufWriter<File>) -> Result<Excerpt, UpkeepError> {
    let file = out.into_inner().map_err(|error| error.into_error());
    file.and_then(|file| file.sync_all())
        .map_err(|error| UpkeepError::Excerpt(CaptureError::from(error).into()))?;
    Ok(written)
}

/// Writes to the log, or has the provider that works on it do so.
fn add(
    log: &Path,
    facts: Vec<HostFact>,
    ask: impl FnOnce() -> Result<(), UpkeepError>,
) -> Result<bool, UpkeepError> {
    let (mut journal, recovered) = match Journal::open(log, Durability::BeforeCallback, LET_GO) {
        Ok(opened) => opened,
        Err(OpenError::InUse { .. }) => return ask().map(|()| true),
        Err(error) => return Err(error.into()),
    };
    let at = Clock::after(recovered.last_at).now();
    let mut next = recovered.next_seq;
    let records = facts.into_iter().map(|fact| Record { at, event: Event::Host(fact) });
    let records: Vec<Record> = records.collect();
    for batch in records.chunks(MAX_RECORDS) {
        journal.append(next, batch)?;
        next += batch.len() as u64;
    }
    journal.close()?;
    Ok(false)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use engine::estate::Why;
    use engine::snapshot::Place;
    use tempfile::TempDir;

    fn table(count: u32) -> Vec<(Guid, PermanentId)> {
        (0..count).map(|n| (Guid(u128::from(n + 1).to_be_bytes()), PermanentId(n * 7))).collect()
    }

    fn ids(log: &Path) -> Vec<(Guid, PermanentId)> {
        state(log).unwrap().core.estate().ids().collect()
    }

    #[test]
    fn ids_are_the_same_after_a_restart_from_a_snapshot_and_without_it() {
        let folder = TempDir::new().unwrap();
        let (log, table) = (folder.path().join("log"), table(1_000));
        assert!(!import(&log, &table).unwrap(), "no provider is at work");
        assert_eq!(ids(&log), table);
        let (mut journal, recovered) =
            Journal::open(&log, Durability::BeforeCallback, LET_GO).unwrap();
        let place = Place { next: recovered.next_seq, last_at: recovered.last_at };
        journal.keep_snapshot(&recovered.core, place).unwrap();
        journal.close().unwrap();
        assert_eq!(ids(&log), table, "from the snapshot");
        assert!(!dismiss(&log, PermanentId(14)).unwrap());
        let state = state(&log).unwrap();
        let gone: Vec<_> = state.core.estate().entries().filter_map(|entry| entry.gone).collect();
        assert_eq!(gone.len(), 1_000);
        assert_eq!(gone[2].why, Why::Dismissed);
        assert!(gone[2].since <= state.now);
        assert!(gone.iter().filter(|gone| gone.why == Why::Awaited).count() == 999);
        assert_eq!(ids(&log), table, "and what followed it");
    }

    #[test]
    fn a_log_that_is_not_there_is_not_made_by_looking() {
        let folder = TempDir::new().unwrap();
        let log = folder.path().join("log");
        assert!(matches!(state(&log), Err(UpkeepError::Log(_))));
        assert!(!log.exists());
    }
}
