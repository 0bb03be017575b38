//! What the engine reports, in words for the reader of the diary.
//!
//! Trouble that lasts is told when it begins, when it changes, and from time to time: whoever looks
//! after a night without the PBX must find the beginning of it, not the thousandth repetition.

use engine::effect::{CallChanges, Changes, Limit, Report};
use engine::fact::Failure;
use engine::id::{LineId, PbxId};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// When trouble that stays the same is told again.
const AGAIN: Duration = Duration::from_secs(30 * 60);

/// How many reports are remembered. With more kinds of trouble than this at a time, the oldest ones
/// are told anew.
const REMEMBERED: usize = 256;

/// How many lines are told of whose names had to be changed.
const RENAMED_TOLD: usize = 32;

/// What has been reported, so that it need not be told again.
#[derive(Default)]
pub(super) struct Reports {
    /// What was told of each PBX since its lines were last known, the oldest first.
    told: Vec<Told>,
    /// Lines of which it was told that they cannot be monitored. There are never more than lines.
    refused: BTreeSet<LineId>,
    /// Lines of which it was told that their names had to be changed.
    renamed: BTreeSet<LineId>,
}

struct Told {
    report: Report,
    at: Instant,
    /// How often it came since.
    repeats: u32,
}

impl Reports {
    /// Writes a report into the diary, unless it says nothing new.
    pub(super) fn write_down(&mut self, report: &Report) {
        if let Some(repeats) = self.is_news(report, Instant::now()) {
            write(report, repeats);
        }
    }

    /// Whether to tell a report, and how often it was not told since the last time.
    fn is_news(&mut self, report: &Report, now: Instant) -> Option<u32> {
        match report {
            Report::Surprise(_)
            | Report::ForwardsOfTemplate(..)
            | Report::StillThere(_)
            | Report::IdsNotImported(_)
            | Report::RequestBegun(..)
            | Report::RequestEnded(..) => return Some(0),
            Report::LineRefused(line) => return self.refused.insert(*line).then_some(0),
            Report::NameShared(line, _) => return self.renamed(*line),
            // All is well; from here on everything is news.
            Report::Synchronised(pbx, _) => {
                self.told.retain(|told| of(&told.report) != Some(*pbx));
                return Some(0);
            }
            Report::Changed(..) | Report::CallsChanged(..) => return Some(0),
            Report::SlaveFound(pbx, _)
            | Report::PbxLeft(pbx)
            | Report::BackAtMaster(pbx)
            | Report::Renewed(pbx) => {
                self.told.retain(|told| of(&told.report) != Some(*pbx));
                return Some(0);
            }
            Report::SessionUp(..)
            | Report::SessionLost(..)
            | Report::UserRefused(_)
            | Report::ForwardingUnknown(..)
            | Report::LimitReached(_)
            | Report::SlaveAbsent(..)
            | Report::SlaveOffline(..)
            | Report::AtLastPlace(..)
            | Report::SlaveAstray(..)
            | Report::SlavePlain(..)
            | Report::SameBox(..)
            | Report::ScopeFull(..)
            | Report::NotRenewed(..)
            | Report::NameReused(..)
            | Report::NodeLoop(..)
            | Report::NodesUnseen(..)
            | Report::TwoHomes(..) => {}
        }
        if let Some(told) = self.told.iter_mut().find(|told| is_same(&told.report, report)) {
            if now.duration_since(told.at) < AGAIN {
                told.repeats = told.repeats.saturating_add(1);
                return None;
            }
            told.at = now;
            return Some(std::mem::take(&mut told.repeats));
        }
        if self.told.len() >= REMEMBERED {
            self.told.remove(0);
        }
        self.told.push(Told { report: report.clone(), at: now, repeats: 0 });
        Some(0)
    }
}

impl Reports {
    /// A template that gives all lines one name must not fill the diary.
    fn renamed(&mut self, line: LineId) -> Option<u32> {
        let room = self.renamed.len() < RENAMED_TOLD;
        (room && self.renamed.insert(line)).then(|| {
            if self.renamed.len() == RENAMED_TOLD {
                tracing::warn!(
                    "further lines whose names had to be changed are not told of; `tapline lines` \
                     shows them all"
                );
            }
            0
        })
    }
}

/// The PBX that a report is about.
fn of(report: &Report) -> Option<PbxId> {
    match *report {
        Report::SessionUp(pbx, _)
        | Report::SessionLost(pbx, ..)
        | Report::UserRefused(pbx)
        | Report::ForwardingUnknown(pbx, _)
        | Report::Synchronised(pbx, _)
        | Report::SlaveFound(pbx, _)
        | Report::PbxLeft(pbx)
        | Report::SlaveAbsent(pbx, _)
        | Report::SlaveOffline(pbx, _)
        | Report::AtLastPlace(pbx, _)
        | Report::SlaveAstray(pbx, _)
        | Report::SlavePlain(pbx, _)
        | Report::SameBox(pbx, _)
        | Report::Changed(pbx, _)
        | Report::ScopeFull(pbx, _)
        | Report::NotRenewed(pbx, ..)
        | Report::Renewed(pbx)
        | Report::NameReused(pbx, _)
        | Report::NodeLoop(pbx, _)
        | Report::NodesUnseen(pbx, _)
        | Report::BackAtMaster(pbx) => Some(pbx),
        Report::LineRefused(_)
        | Report::ForwardsOfTemplate(..)
        | Report::CallsChanged(..)
        | Report::LimitReached(_)
        | Report::TwoHomes(..)
        | Report::NameShared(..)
        | Report::StillThere(_)
        | Report::IdsNotImported(_)
        | Report::RequestBegun(..)
        | Report::RequestEnded(..)
        | Report::Surprise(_) => None,
    }
}

/// Whether two reports tell the reader the same. Numbers in the text of a PBX may differ.
fn is_same(one: &Report, other: &Report) -> bool {
    match (one, other) {
        (
            Report::SessionLost(pbx, place, failure),
            Report::SessionLost(other_pbx, other_place, other_failure),
        )
        | (
            Report::NotRenewed(pbx, place, failure),
            Report::NotRenewed(other_pbx, other_place, other_failure),
        ) => (pbx, place) == (other_pbx, other_place) && is_same_failure(failure, other_failure),
        (
            Report::ForwardingUnknown(pbx, failure),
            Report::ForwardingUnknown(other_pbx, other_failure),
        ) => pbx == other_pbx && is_same_failure(failure, other_failure),
        (one, other) => one == other,
    }
}

fn is_same_failure(one: &Failure, other: &Failure) -> bool {
    match (one, other) {
        (Failure::Fault(one), Failure::Fault(other))
        | (Failure::Garbled(one), Failure::Garbled(other)) => {
            without_digits(one).eq(without_digits(other))
        }
        (one, other) => one == other,
    }
}

fn without_digits(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| !c.is_ascii_digit())
}

fn write(report: &Report, repeats: u32) {
    let again = match repeats {
        0 => String::new(),
        times => format!(" (and {times} times since this was last said)"),
    };
    match report {
        Report::SessionUp(pbx, place) => {
            tracing::info!("PBX {}: session with {place} is up{again}", pbx.0);
        }
        Report::SessionLost(pbx, place, failure) => {
            let advice = failure.advice();
            tracing::warn!("PBX {}: no session with {place}: {advice}{again}", pbx.0);
        }
        Report::ForwardingUnknown(pbx, failure) => tracing::warn!(
            "PBX {}: call forwards cannot be read: {}{again}",
            pbx.0,
            failure.advice()
        ),
        Report::ForwardsOfTemplate(line, count) => tracing::info!(
            "line {}: {count} call forwards come from a template of the PBX and stay in force",
            line.0
        ),
        Report::UserRefused(pbx) => tracing::error!(
            "PBX {}: does not open a session for the user in the settings; check `user` (the long \
             name), and that the account may act for it{again}",
            pbx.0
        ),
        Report::LineRefused(line) => tracing::warn!(
            "line {}: the PBX does not let us monitor its user; is it homed on another PBX?",
            line.0
        ),
        Report::TwoHomes(line, first, second) => tracing::warn!(
            "line {}: PBX {} and PBX {} both say that its user is at home there, and the first \
             counts; if he was not just moved, correct the PBX field of the user{again}",
            line.0,
            first.0,
            second.0
        ),
        Report::Synchronised(pbx, lines) => {
            tracing::info!("PBX {}: {lines} lines known and monitored", pbx.0);
        }
        Report::LimitReached(limit) => {
            tracing::error!("{}{again}", advice(*limit));
        }
        Report::CallsChanged(line, CallChanges { ended, begun, changed }) => tracing::info!(
            "line {}: while its PBX was not seen {ended} calls ended, {begun} began, {changed} \
             went on otherwise",
            line.0
        ),
        Report::Surprise(surprise) => tracing::debug!(?surprise, "handled a surprise"),
        // Told where they are counted (`requests.rs`).
        Report::RequestBegun(..) | Report::RequestEnded(..) => {}
        Report::NameShared(..)
        | Report::NameReused(..)
        | Report::NodeLoop(..)
        | Report::NodesUnseen(..)
        | Report::StillThere(_)
        | Report::IdsNotImported(_) => write_of_names(report, &again),
        about_the_tree => write_of_tree(about_the_tree, &again),
    }
}

/// What is said of names, numbers and ids.
fn write_of_names(report: &Report, again: &str) {
    match report {
        Report::NameShared(line, bearer) => tracing::warn!(
            "line {}: the name template gives it the name of line {}, so something was added to \
             it; choose a template with %N or %e in it if names must be told apart{again}",
            line.0,
            bearer.0
        ),
        Report::NameReused(pbx, line) => tracing::warn!(
            "PBX {}: somebody new has the long name of the user of line {}, who is still there; \
             each has a line of his own{again}",
            pbx.0,
            line.0
        ),
        Report::NodeLoop(pbx, node) => tracing::error!(
            "PBX {}: the numbering nodes above {node} lead back to themselves, or are too many; \
             numbers in them have only that of their own node in front; correct the nodes at the \
             PBX{again}",
            pbx.0
        ),
        Report::NodesUnseen(pbx, lines) => tracing::info!(
            "PBX {}: {lines} lines lie in numbering nodes that are not in view, so their numbers \
             may lack digits of the nodes above; put the node objects into the groups of the user \
             in the settings{again}",
            pbx.0
        ),
        Report::StillThere(line) => tracing::warn!(
            "line {}: it was not removed, because a PBX reports its user; take him out of the \
             groups of the user in the settings first",
            line.0
        ),
        Report::IdsNotImported(count) => tracing::warn!(
            "{count} permanent ids were not imported: the users have others here, or they belong \
             to others; nothing was changed"
        ),
        _ => {}
    }
}

/// What is said of slaves and standbys.
fn write_of_tree(report: &Report, again: &str) {
    match report {
        Report::SlaveFound(pbx, name) => {
            tracing::info!("PBX {}: this is the slave {name}", pbx.0);
        }
        Report::PbxLeft(pbx) => tracing::info!(
            "PBX {}: not looked after any more; it left the settings, or its object left the \
             groups of the user in the settings",
            pbx.0
        ),
        Report::SlaveAbsent(pbx, parent) => tracing::warn!(
            "PBX {}: it is registered at {parent}, but that does not say where it is; check how it \
             registers{again}",
            pbx.0
        ),
        Report::SlaveOffline(pbx, parent) => tracing::info!(
            "PBX {}: not registered at {parent} now; its lines come into service when it \
             is{again}",
            pbx.0
        ),
        Report::AtLastPlace(pbx, place) => tracing::info!(
            "PBX {}: the PBX that it is registered at cannot be asked where it is; looking for it at \
             {place}, where it was last{again}",
            pbx.0
        ),
        Report::SlaveAstray(pbx, parent) => tracing::error!(
            "PBX {}: what {parent} says of where it is makes no sense{again}",
            pbx.0
        ),
        Report::SlavePlain(pbx, place) => tracing::error!(
            "PBX {}: {place} would get account and password without TLS, so it is not asked; let \
             the slave offer HTTPS, or set allow_plain_slaves under [tls]{again}",
            pbx.0
        ),
        Report::SameBox(pbx, other) => tracing::warn!(
            "PBX {}: the same box as PBX {}, so it is left alone; is it named twice, or does a \
             slave lead back to its master?{again}",
            pbx.0,
            other.0
        ),
        Report::ScopeFull(pbx, objects) => tracing::warn!(
            "PBX {}: it reports {objects} objects, and a PBX reports no more than some 2000 of the \
             groups of one user; if lines are missing, leave others out of these groups{again}",
            pbx.0
        ),
        Report::Changed(pbx, Changes { added, renamed, gone, missing }) => {
            tracing::info!(
                "PBX {}: since it was last seen {added} lines are new, {renamed} have other names \
                 or numbers, {gone} are gone",
                pbx.0
            );
            if *missing > 0 {
                tracing::warn!(
                    "PBX {}: the standby that serves does not know the users of {missing} lines, \
                     as its copy of them is older; these lines stay, and are out of service until \
                     their own PBX is back",
                    pbx.0
                );
            }
        }
        Report::BackAtMaster(pbx) => {
            tracing::info!("PBX {}: the master is back, the standby is left", pbx.0);
        }
        Report::Renewed(pbx) => tracing::info!(
            "PBX {}: asked with account, password and user of the changed settings from now on",
            pbx.0
        ),
        Report::NotRenewed(pbx, place, failure) => tracing::error!(
            "PBX {}: no session with {place} by account, password and user of the changed \
             settings: {} The session with the former ones goes on for now{again}",
            pbx.0,
            sentence(&failure.advice())
        ),
        _ => {}
    }
}

/// What can stand alone.
fn sentence(words: &str) -> String {
    format!("{}.", words.trim_end_matches('.'))
}

fn advice(limit: Limit) -> &'static str {
    match limit {
        Limit::Lines => {
            "there are more users than this provider keeps lines for; leave some of them out of \
             the groups of the user in the settings"
        }
        Limit::Calls => {
            "a line has more calls than are kept for it, and some are not shown; does an \
             application not close its calls?"
        }
        Limit::Requests => {
            "a line has more requests under way than are kept, and some were refused; does the PBX \
             answer?"
        }
        Limit::Pbxs => {
            "there are more PBXs than this provider keeps numbers for, and some are not looked \
             after; start with a new log if many of them are long gone"
        }
        Limit::Depth => {
            "a slave is too many slaves away from the settings and is not looked after; name it \
             there"
        }
        Limit::Nodes => {
            "there are more numbering nodes than are kept, and some numbers may lack digits; leave \
             node objects that no line lies in out of the groups of the user in the settings"
        }
        Limit::EarlyEvents => {
            "more call events came before the answer that tells whose they are than are kept; a request \
             that waited for the leg of its call was given up; is the PBX slow to answer?"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::place::Place;
    use std::sync::Arc;

    const PBX: PbxId = PbxId(0);

    fn lost(failure: Failure) -> Report {
        Report::SessionLost(PBX, Arc::new(Place::at("master")), failure)
    }

    fn up() -> Report {
        Report::SessionUp(PBX, Arc::new(Place::at("master")))
    }

    #[test]
    fn the_same_trouble_is_told_once_and_another_at_once() {
        let (mut reports, now) = (Reports::default(), Instant::now());
        assert_eq!(reports.is_news(&lost(Failure::Unreachable), now), Some(0));
        for _ in 0..9 {
            assert_eq!(reports.is_news(&lost(Failure::Unreachable), now), None);
        }
        assert_eq!(reports.is_news(&lost(Failure::TimedOut), now), Some(0));
        let elsewhere =
            Report::SessionLost(PBX, Arc::new(Place::at("standby")), Failure::Unreachable);
        assert_eq!(reports.is_news(&elsewhere, now), Some(0), "another address");
        let other = Report::SessionLost(PbxId(1), Arc::default(), Failure::Unreachable);
        assert_eq!(reports.is_news(&other, now), Some(0), "another PBX");
        assert_eq!(reports.is_news(&lost(Failure::Unreachable), now), None);
    }

    #[test]
    fn trouble_that_lasts_is_told_again_with_how_often_it_came() {
        let (mut reports, now) = (Reports::default(), Instant::now());
        reports.is_news(&Report::UserRefused(PBX), now);
        for _ in 0..3 {
            reports.is_news(&Report::UserRefused(PBX), now);
        }
        assert_eq!(reports.is_news(&Report::UserRefused(PBX), now + AGAIN), Some(3));
        assert_eq!(reports.is_news(&Report::UserRefused(PBX), now + AGAIN), None);
    }

    #[test]
    fn sessions_that_come_and_go_are_told_once_until_one_holds() {
        let (mut reports, now) = (Reports::default(), Instant::now());
        let garbled = |text: &str| lost(Failure::Garbled(text.into()));
        assert_eq!(reports.is_news(&up(), now), Some(0));
        assert_eq!(reports.is_news(&garbled("byte 7"), now), Some(0));
        assert_eq!(reports.is_news(&up(), now), None);
        assert_eq!(reports.is_news(&garbled("byte 81"), now), None, "only a number differs");
        assert_eq!(reports.is_news(&Report::Synchronised(PBX, 9), now), Some(0));
        assert_eq!(reports.is_news(&garbled("byte 7"), now), Some(0));
        assert_eq!(reports.is_news(&up(), now), Some(0));
    }

    #[test]
    fn each_line_is_told_once_and_what_is_remembered_has_a_bound() {
        let (mut reports, now) = (Reports::default(), Instant::now());
        for _ in 0..2 {
            for line in 0..1000 {
                reports.is_news(&Report::LineRefused(LineId(line)), now);
            }
        }
        assert_eq!(reports.refused.len(), 1000);
        assert_eq!(reports.is_news(&Report::LineRefused(LineId(3)), now), None);
        for number in 0..1000 {
            reports.is_news(&Report::UserRefused(PbxId(number)), now);
            reports.is_news(&Report::LimitReached(Limit::Lines), now);
        }
        assert_eq!(reports.told.len(), REMEMBERED);
    }
}
