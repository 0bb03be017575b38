//! What happened to the whole: when each PBX could be reached and where, starts of the telephony server,
//! gaps, broken invariants, surprises.

use super::data::{LinkSpan, LinkState, Moment, MomentKind, Text, Texts};
use crate::ladder::surprise_words;
use engine::effect::{Effect, Report};
use engine::fact::{Configuration, Event, HostFact, PbxFact, Record};
use engine::id::PbxId;
use engine::place::Place;
use engine::time::Millis;
use std::collections::BTreeMap;

/// Moments that a report takes; the rest is counted. Breaches and gaps are always taken.
const MOST_MOMENTS: usize = 20_000;
/// Spans of links that a report takes; behind the last one a link stays as it was.
const MOST_SPANS: usize = 20_000;

/// The time line on its way through a log.
#[derive(Default)]
pub(super) struct Timeline {
    moments: Vec<Moment>,
    left_out: u64,
    spans: Vec<LinkSpan>,
    pbxs: BTreeMap<PbxId, Pbx>,
    settings: Option<Configuration>,
    at: Millis,
    seq: u64,
}

/// A time line as the page shows it.
pub(super) struct Drawn {
    /// PBXs by their names.
    pub(super) pbxs: Vec<(u16, String)>,
    pub(super) moments: Vec<Moment>,
    pub(super) spans: Vec<LinkSpan>,
    /// Moments for which there was no room.
    pub(super) left_out: u64,
}

/// One PBX, as far as the time line knows it.
#[derive(Default)]
struct Pbx {
    name: String,
    /// Where it was first reached, which is its own place unless the settings know better.
    home: Option<Place>,
    link: Option<Link>,
}

/// How a PBX can be reached now.
struct Link {
    since: Millis,
    state: LinkState,
    what: Text,
}

impl Timeline {
    /// Takes a record with what it led to; `whom` names the lines that it was about.
    pub(super) fn take(
        &mut self,
        seq: u64,
        record: &Record,
        effects: &[Effect],
        whom: impl Fn() -> String,
        texts: &mut Texts,
    ) {
        self.seq = seq;
        match &record.event {
            Event::Host(fact) => self.host(record.at, fact, texts),
            Event::Pbx(pbx, _, PbxFact::Identified(who)) => {
                self.pbxs.entry(*pbx).or_default().name = who.location.to_string();
            }
            _ => {}
        }
        self.at = record.at;
        for effect in effects {
            if let Effect::Report(report) = effect {
                self.report(report, &whom, texts);
            }
        }
    }

    /// Goes on behind records that are missing.
    pub(super) fn leap(&mut self, next: u64, at: Millis, words: &str, texts: &mut Texts) {
        let since = self.at;
        (self.at, self.seq) = (at, next);
        self.put(MomentKind::Gap, None, words, texts);
        let what = texts.of("records are missing");
        for (pbx, state) in &mut self.pbxs {
            let before = state.link.take();
            if let Some(link) = &before {
                push_span(&mut self.spans, *pbx, link, since);
            }
            let missing = Link { since, state: LinkState::Missing, what };
            push_span(&mut self.spans, *pbx, &missing, at);
            // What is not told otherwise went on.
            state.link = before.map(|link| Link { since: at, ..link });
        }
    }

    /// An invariant that does not hold after a record.
    pub(super) fn breach(&mut self, words: &str, texts: &mut Texts) {
        self.put(MomentKind::Breach, None, words, texts);
    }

    /// Nothing behind the last record can be read.
    pub(super) fn breaks_off(&mut self, words: &str, texts: &mut Texts) {
        self.put(MomentKind::Gap, None, words, texts);
    }

    /// How a PBX is called.
    pub(super) fn name(&self, pbx: PbxId) -> String {
        match self.pbxs.get(&pbx) {
            Some(known) if !known.name.is_empty() => known.name.clone(),
            _ => format!("PBX {}", pbx.0),
        }
    }

    /// All of it.
    pub(super) fn finish(mut self) -> Drawn {
        self.end_links(self.at);
        let pbxs = self.pbxs.keys().map(|pbx| (pbx.0, self.name(*pbx))).collect();
        Drawn { pbxs, moments: self.moments, spans: self.spans, left_out: self.left_out }
    }

    fn put(&mut self, kind: MomentKind, pbx: Option<PbxId>, words: &str, texts: &mut Texts) {
        let is_vital = matches!(kind, MomentKind::Gap | MomentKind::Breach);
        if self.moments.len() >= MOST_MOMENTS && !is_vital {
            self.left_out += 1;
            return;
        }
        let pbx = pbx.map_or(-1, |pbx| i32::from(pbx.0));
        let what = texts.of(words);
        self.moments.push(Moment { at_ms: self.at.0, seq: self.seq, kind, what, pbx });
    }

    fn host(&mut self, at: Millis, fact: &HostFact, texts: &mut Texts) {
        if let HostFact::Started = fact {
            // Sessions with PBXs of before are void, and nobody held any since the last record.
            self.end_links(self.at);
        }
        self.at = at;
        let (kind, words) = match fact {
            HostFact::Started => (MomentKind::Session, "the telephony server starts".to_owned()),
            HostFact::Stopping => (MomentKind::Session, "the telephony server stops".to_owned()),
            HostFact::Configured(settings) => {
                let words = settings_words(self.settings.as_ref(), settings);
                self.settings = Some(settings.clone());
                (MomentKind::Settings, words)
            }
            HostFact::Gap(missing) => (
                MomentKind::Gap,
                format!("{missing} records are missing: the log could not be written then"),
            ),
            HostFact::LineDismissed(id) => {
                (MomentKind::Estate, format!("line @{} is removed by command", id.0))
            }
            HostFact::IdsImported(ids) => {
                (MomentKind::Estate, format!("{} permanent ids are imported", ids.len()))
            }
            _ => return,
        };
        self.put(kind, None, &words, texts);
    }

    fn report(&mut self, report: &Report, whom: &impl Fn() -> String, texts: &mut Texts) {
        match report {
            Report::SessionUp(pbx, place) => self.up(*pbx, place, texts),
            Report::SessionLost(pbx, place, failure) => {
                self.lost(*pbx, place, &failure.advice(), texts);
            }
            Report::Surprise(surprise) => {
                let words = format!("{}: {}", whom(), surprise_words(surprise));
                self.put(MomentKind::Surprise, None, &words, texts);
            }
            other => {
                if let Report::SlaveFound(pbx, name) = other {
                    // Until it says how it is called itself.
                    self.pbxs.entry(*pbx).or_default().name = name.to_string();
                }
                if let Some((pbx, words)) = self.estate_words(other, whom) {
                    self.put(MomentKind::Estate, pbx, &words, texts);
                }
            }
        }
    }

    fn up(&mut self, pbx: PbxId, place: &Place, texts: &mut Texts) {
        let state = match self.is_own_place(pbx, place) {
            true => LinkState::Up,
            false => LinkState::Standby,
        };
        let before = self.pbxs.entry(pbx).or_default().link.as_ref().map(|link| link.state);
        let name = self.name(pbx);
        let (kind, words) = match (before, state) {
            (_, LinkState::Standby) if before != Some(LinkState::Standby) => {
                (MomentKind::TakeOver, format!("{name}: {place} stands in"))
            }
            (Some(LinkState::Standby), LinkState::Up) => {
                (MomentKind::TakeOver, format!("{name}: back at {place}"))
            }
            _ => (MomentKind::LinkUp, format!("{name}: a session at {place}")),
        };
        self.put(kind, Some(pbx), &words, texts);
        let what = texts.of(&format!("{name} at {place}"));
        self.link(pbx, state, what);
    }

    fn lost(&mut self, pbx: PbxId, place: &Place, why: &str, texts: &mut Texts) {
        let state = self.pbxs.entry(pbx).or_default().link.as_ref().map(|link| link.state);
        if state == Some(LinkState::Down) {
            // One try more of many.
            return;
        }
        let words = format!("{}: no session at {place}: {why}", self.name(pbx));
        self.put(MomentKind::LinkLost, Some(pbx), &words, texts);
        let what = texts.of(&words);
        self.link(pbx, LinkState::Down, what);
    }

    fn is_own_place(&mut self, pbx: PbxId, place: &Place) -> bool {
        let trees = self.settings.iter().flat_map(|settings| &settings.pbxs);
        let mut known = trees.filter_map(|tree| match tree {
            tree if tree.master == *place => Some(true),
            tree if tree.standby.as_ref() == Some(place) => Some(false),
            _ => None,
        });
        let known = known.next();
        let home = &mut self.pbxs.entry(pbx).or_default().home;
        known.unwrap_or_else(|| home.get_or_insert_with(|| place.clone()) == place)
    }

    fn link(&mut self, pbx: PbxId, state: LinkState, what: Text) {
        let (now, entry) = (self.at, self.pbxs.entry(pbx).or_default());
        if let Some(link) = entry.link.replace(Link { since: now, state, what }) {
            push_span(&mut self.spans, pbx, &link, now);
        }
    }

    fn end_links(&mut self, until: Millis) {
        for (pbx, state) in &mut self.pbxs {
            if let Some(link) = state.link.take() {
                push_span(&mut self.spans, *pbx, &link, until);
            }
        }
    }

    /// Reports about PBXs and lines that explain why calls are as they are.
    fn estate_words(
        &self,
        report: &Report,
        whom: &impl Fn() -> String,
    ) -> Option<(Option<PbxId>, String)> {
        let (pbx, words) = match report {
            Report::Synchronised(pbx, lines) => (*pbx, format!("{lines} lines are monitored")),
            Report::UserRefused(pbx) => (*pbx, "no session for the user of the settings".into()),
            Report::SlaveFound(pbx, name) => (*pbx, format!("a slave, known as {name}")),
            Report::PbxLeft(pbx) => (*pbx, "not looked after any more".into()),
            Report::SlaveOffline(pbx, parent) => (*pbx, format!("not registered at {parent}")),
            Report::SlaveAbsent(pbx, parent) => {
                (*pbx, format!("registered at {parent}, which does not say where it is"))
            }
            Report::AtLastPlace(pbx, place) => {
                (*pbx, format!("looked for at {place}, where it was last"))
            }
            Report::BackAtMaster(pbx) => (*pbx, "its master is back".into()),
            Report::Renewed(pbx) => (*pbx, "asked with the changed settings".into()),
            Report::NotRenewed(pbx, place, failure) => {
                (*pbx, format!("{place} refuses the changed settings: {}", failure.advice()))
            }
            Report::Changed(pbx, changes) => (
                *pbx,
                format!(
                    "since it was last seen {} lines are new, {} renamed, {} gone, {} missing",
                    changes.added, changes.renamed, changes.gone, changes.missing
                ),
            ),
            Report::CallsChanged(_, calls) => {
                let words = format!(
                    "{}: while its PBX was not seen {} calls ended, {} began, {} went on otherwise",
                    whom(),
                    calls.ended,
                    calls.begun,
                    calls.changed
                );
                return Some((None, words));
            }
            Report::LimitReached(limit) => {
                return Some((None, format!("a limit is reached: {limit:?}")));
            }
            Report::LineRefused(_) => return Some((None, format!("{} is not monitored", whom()))),
            // What is said of names, numbers and homes explains no call.
            _ => return None,
        };
        Some((Some(pbx), format!("{}: {words}", self.name(pbx))))
    }
}

fn push_span(spans: &mut Vec<LinkSpan>, pbx: PbxId, link: &Link, until: Millis) {
    if spans.len() < MOST_SPANS {
        let (from_ms, to_ms) = (link.since.0, until.0);
        let span = LinkSpan { pbx: pbx.0, from_ms, to_ms, state: link.state, what: link.what };
        spans.push(span);
    }
}

fn settings_words(before: Option<&Configuration>, now: &Configuration) -> String {
    let pbxs = now.pbxs.len();
    let pbxs = if pbxs == 1 { "one PBX".to_owned() } else { format!("{pbxs} PBXs") };
    match before {
        None => format!("settings with {pbxs}"),
        Some(before) if before == now => format!("the same settings again, with {pbxs}"),
        Some(_) => format!("other settings come into force, with {pbxs}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::fact::{Failure, PbxSettings};
    use engine::id::Attempt;
    use std::sync::Arc;

    const PBX: PbxId = PbxId(0);

    type Told = (MomentKind, String);
    type Span = (LinkState, u64, u64);

    fn settings() -> Event {
        let pbx = PbxSettings { master: Place::at("master"), standby: Some(Place::at("standby")) };
        let settings = Configuration { pbxs: vec![pbx], ..Configuration::default() };
        Event::Host(HostFact::Configured(settings))
    }

    /// The time line of reports, one a second, behind the settings.
    fn timeline(reports: Vec<Report>) -> (Vec<Told>, Vec<Span>) {
        let (mut timeline, mut texts) = (Timeline::default(), Texts::default());
        let nobody = || "nobody".to_owned();
        let configured = Record { at: Millis(0), event: settings() };
        timeline.take(0, &configured, &[], nobody, &mut texts);
        for (seq, report) in (1..).zip(reports) {
            let event = Event::Pbx(PBX, Attempt(0), PbxFact::Probed);
            let record = Record { at: Millis(seq * 1000), event };
            timeline.take(seq, &record, &[Effect::Report(report)], nobody, &mut texts);
        }
        let Drawn { moments, spans, .. } = timeline.finish();
        let moments =
            moments.iter().map(|moment| (moment.kind, texts.text(moment.what).to_owned()));
        let spans = spans.iter().map(|span| (span.state, span.from_ms, span.to_ms));
        (moments.collect(), spans.collect())
    }

    fn at(place: &str) -> Arc<Place> {
        Arc::new(Place::at(place))
    }

    #[test]
    fn a_standby_that_stands_in_and_the_way_back_are_take_overs() {
        let (moments, spans) = timeline(vec![
            Report::SessionUp(PBX, at("master")),
            Report::SessionLost(PBX, at("master"), Failure::Broken),
            Report::SessionLost(PBX, at("master"), Failure::Unreachable),
            Report::SessionUp(PBX, at("standby")),
            Report::SessionUp(PBX, at("master")),
            Report::Synchronised(PBX, 12),
        ]);
        let kinds: Vec<MomentKind> = moments.iter().map(|moment| moment.0).collect();
        use MomentKind::{Estate, LinkLost, LinkUp, Settings, TakeOver};
        assert_eq!(kinds, [Settings, LinkUp, LinkLost, TakeOver, TakeOver, Estate]);
        assert!(moments[3].1.ends_with("stands in") && moments[4].1.contains("back at"));
        assert_eq!(
            spans,
            [
                (LinkState::Up, 1000, 2000),
                (LinkState::Down, 2000, 4000),
                (LinkState::Standby, 4000, 5000),
                (LinkState::Up, 5000, 6000),
            ]
        );
    }

    #[test]
    fn a_gap_cuts_the_links_and_what_was_goes_on_behind_it() {
        let (mut timeline, mut texts) = (Timeline::default(), Texts::default());
        let event = Event::Pbx(PBX, Attempt(0), PbxFact::Probed);
        let up = [Effect::Report(Report::SessionUp(PBX, at("master")))];
        timeline.take(7, &Record { at: Millis(10), event }, &up, String::new, &mut texts);
        timeline.leap(90, Millis(50), "82 records are missing", &mut texts);
        let Drawn { moments, spans, .. } = timeline.finish();
        assert_eq!((moments[1].kind, moments[1].seq), (MomentKind::Gap, 90));
        let spans: Vec<_> = spans.iter().map(|s| (s.state, s.from_ms, s.to_ms)).collect();
        assert_eq!(
            spans,
            [(LinkState::Up, 10, 10), (LinkState::Missing, 10, 50), (LinkState::Up, 50, 50)]
        );
    }

    #[test]
    fn a_flood_of_surprises_is_cut_and_counted_but_breaches_stay() {
        let (mut timeline, mut texts) = (Timeline::default(), Texts::default());
        for _ in 0..MOST_MOMENTS + 3 {
            timeline.put(MomentKind::Surprise, None, "again", &mut texts);
        }
        timeline.breach("I-01 is broken", &mut texts);
        let Drawn { moments, left_out, .. } = timeline.finish();
        assert_eq!((moments.len(), left_out), (MOST_MOMENTS + 1, 3));
    }
}
