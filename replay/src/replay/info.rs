//! `tapline replay info`: what a log or a capture is.

use super::progress::Progress;
use super::records;
use super::reel::{Next, Reel};
use crate::command_line::ReplayInfo;
use crate::output::line;
use crate::playback::Playback;
use crate::rows::{Clock, age, fitted, heading};
use crate::trouble::Trouble;
use adapters::trace::Trace;
use engine::effect::{Effect, Notice, Report, What};
use engine::fact::{Event, HostFact, PbxFact, Record};
use engine::id::PbxId;
use engine::time::Millis;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Shows what a log is.
pub(super) fn show(options: &ReplayInfo) -> Result<(), Trouble> {
    let trace = Trace::open(&options.log)?;
    let about = about(&trace);
    let (mut reel, core, _) = Reel::begin(&trace)?;
    let mut found = Found { images: trace.images().len(), ..Found::default() };
    let mut playback = Playback::from(core);
    let mut progress = Progress::new("records");
    for next in &mut reel {
        let (seq, record) = match next {
            Next::Record(seq, record) => (seq, record),
            Next::Leap(leap) => {
                playback.set_core(leap.core);
                found.missing += leap.missing;
                continue;
            }
        };
        progress.record();
        found.record(seq, &record);
        playback.take(record);
        found.effects(playback.effects());
    }
    found.lines(&playback);
    let damage = reel.damage();
    let damage = damage.as_deref();
    if options.json {
        line(&found.object(&about, damage).to_string())?;
    } else {
        found.print(&about, damage)?;
    }
    reel.end()
}

/// What the file says of itself: of which sort it is, who wrote it, and whether it is anonymised.
struct About {
    kind: &'static str,
    version: Option<String>,
    anonymised: bool,
}

fn about(trace: &Trace) -> About {
    let about = trace.about();
    // A log folder does not say which version wrote it.
    if trace.path().is_dir() {
        return About { kind: "log", version: None, anonymised: false };
    }
    let version = Some(about.version.clone());
    About { kind: "capture", version, anonymised: about.anonymised }
}

/// What is in it.
#[derive(Default)]
struct Found {
    first: Option<(u64, Millis)>,
    last: (u64, Millis),
    records: u64,
    images: usize,
    kinds: BTreeMap<&'static str, u64>,
    sessions: u64,
    unclean: u64,
    is_running: bool,
    missing: u64,
    callbacks: u64,
    calls: u64,
    surprises: u64,
    lines: [usize; 3],
    pbxs: BTreeMap<PbxId, Pbx>,
}

#[derive(Default)]
struct Pbx {
    place: String,
    name: String,
    firmware: String,
    failures: u64,
}

impl Found {
    fn record(&mut self, seq: u64, record: &Record) {
        self.first.get_or_insert((seq, record.at));
        self.last = (seq, record.at);
        self.records += 1;
        *self.kinds.entry(records::kind(record)).or_default() += 1;
        match &record.event {
            Event::Host(HostFact::Started) => {
                self.sessions += 1;
                self.unclean += u64::from(self.is_running);
                self.is_running = true;
            }
            Event::Host(HostFact::Stopping) => self.is_running = false,
            Event::Host(HostFact::Gap(missing)) => self.missing += missing,
            Event::Pbx(pbx, _, fact) => self.pbx(*pbx, fact),
            _ => {}
        }
    }

    fn pbx(&mut self, pbx: PbxId, fact: &PbxFact) {
        let pbx = self.pbxs.entry(pbx).or_default();
        match fact {
            PbxFact::Identified(who) => {
                pbx.name = format!("{} of {}", who.location, who.system);
                pbx.firmware = who.firmware.to_string();
            }
            PbxFact::Initialized { place, .. } => pbx.place = place.to_string(),
            PbxFact::Failed(..) => pbx.failures += 1,
            _ => {}
        }
    }

    fn effects(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Tell(telling) => {
                    self.callbacks += 1;
                    let is_new = matches!(telling.what, What::Notice(Notice::NewCall(_)));
                    self.calls += u64::from(is_new);
                }
                Effect::Report(Report::Surprise(_)) => self.surprises += 1,
                _ => {}
            }
        }
    }

    fn lines(&mut self, playback: &Playback) {
        for line in playback.core().lines() {
            let view = line.view();
            let [there, in_service, gone] = &mut self.lines;
            *there += usize::from(!view.removed);
            *in_service += usize::from(!view.removed && view.in_service);
            *gone += usize::from(view.removed);
        }
    }

    fn object(&self, about: &About, damage: Option<&str>) -> Value {
        let first = self.first.unwrap_or_default();
        let [there, in_service, gone] = self.lines;
        let pbxs: Vec<Value> = self
            .pbxs
            .iter()
            .map(|(id, pbx)| {
                json!({
                    "pbx": id.0,
                    "name": pbx.name,
                    "place": pbx.place,
                    "firmware": pbx.firmware,
                    "failures": pbx.failures,
                })
            })
            .collect();
        json!({
            "is": about.kind,
            "version": about.version,
            "anonymised": about.anonymised,
            "records": self.records,
            "first_record": self.first.map(|first| first.0),
            "last_record": self.first.map(|_| self.last.0),
            "from": self.first.map(|_| Clock::of(first.1).whole()),
            "to": self.first.map(|_| Clock::of(self.last.1).whole()),
            "span_ms": self.last.1.since(first.1),
            "images": self.images,
            "missing_records": self.missing,
            "sessions": self.sessions,
            "sessions_cut_off": self.unclean,
            "records_by_kind": self.kinds,
            "callbacks": self.callbacks,
            "calls_announced": self.calls,
            "surprises": self.surprises,
            "lines": { "there": there, "in_service": in_service, "gone": gone },
            "pbxs": pbxs,
            "damage": damage,
        })
    }

    fn print(&self, about: &About, damage: Option<&str>) -> Result<(), Trouble> {
        let row = |name: &str, text: &str| line(&format!("{}  {text}", fitted(name, 14)));
        let writer =
            about.version.as_ref().map_or_else(String::new, |v| format!(" of Tapline {v}"));
        let hidden = if about.anonymised { ", names and numbers replaced" } else { "" };
        row("is", &format!("a {}{writer}{hidden}", about.kind))?;
        let Some((seq, at)) = self.first else {
            row("records", "none")?;
            return damage.map_or(Ok(()), |why| row("damage", why));
        };
        let span = age(self.last.1.since(at));
        row("from", &Clock::of(at).whole())?;
        row("to", &format!("{}, {span} later", Clock::of(self.last.1).whole()))?;
        row("records", &format!("{}, from {seq} to {}", self.records, self.last.0))?;
        if self.missing > 0 {
            row(
                "missing",
                &format!("{} records, while the log could not be written", self.missing),
            )?;
        }
        row("images", &format!("{} of the state on the way", self.images))?;
        row("sessions", &format!("{}, {} of them cut off", self.sessions, self.unclean))?;
        row("callbacks", &self.callbacks.to_string())?;
        row("calls", &format!("{} announced", self.calls))?;
        let [there, in_service, gone] = self.lines;
        row("lines", &format!("{there}, {in_service} in service at the end; {gone} no more"))?;
        if self.surprises > 0 {
            row("surprises", &self.surprises.to_string())?;
        }
        row("damage", damage.unwrap_or("none"))?;
        for (id, pbx) in &self.pbxs {
            let Pbx { place, name, firmware, failures } = pbx;
            row(
                // By its number, which other commands take.
                &format!("PBX {}", id.0),
                &format!("{name}, {firmware}, {place}; failed {failures} times"),
            )?;
        }
        line("")?;
        line(&heading("Records by kind"))?;
        self.kinds
            .iter()
            .try_for_each(|(kind, count)| line(&format!("{}  {count:>9}", fitted(kind, 26))))
    }
}
