//! `tapline report`: a log as one page for a browser.
//!
//! The log is read once, from its beginning to its end, and what is over is written at once; what is
//! held at any time is what still goes on, and a line for each call in the list.

mod calls;
mod conversation;
mod data;
mod file;
mod json;
mod page;
mod reading;
mod summing_up;
mod timeline;

use crate::command_line::Report as Options;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::playback::Playback;
use crate::replay::{Leap, Next, Point, Progress, Reel};
use crate::trouble::Trouble;
use adapters::trace::Trace;
use calls::{Calls, Filter, Lines};
use data::{About, CALLS_PER_BLOCK, Index, Texts};
use engine::core::Core;
use engine::fact::Record;
use engine::invariant::{Breach, Watch};
use engine::time::Millis;
use file::ReportFile;
use serde_json::json;
use std::path::Path;
use timeline::{Drawn, Timeline};

/// Records between two looks at whether somebody wants it to end.
const LOOK_EVERY: u64 = 1 << 12;

/// Writes a report.
pub(crate) fn write(options: &Options) -> Result<(), Trouble> {
    let trace = Trace::open(&options.log)?;
    let (mut reel, core, next) = Reel::begin(&trace)?;
    let interrupt = Interrupt::listen()?;
    let file = ReportFile::create(&options.output)?;
    let mut report = Report::going_on(core, next, file, options);
    let mut progress = Progress::new("records");
    for next in &mut reel {
        match next {
            Next::Leap(leap) => report.leap(*leap),
            Next::Record(seq, record) => {
                progress.record();
                if report.records.is_multiple_of(LOOK_EVERY) && interrupt.has_come() {
                    return Err(Trouble::Interrupted);
                }
                if report.is_behind_the_end(seq, record.at) {
                    break;
                }
                report.take(seq, &record)?;
            }
        }
    }
    let written = report.finish(&trace, reel.damage())?;
    written.say(options)?;
    reel.end()
}

/// A report on its way through a log.
struct Report<'a> {
    options: &'a Options,
    file: ReportFile,
    playback: Playback,
    watch: Watch,
    timeline: Timeline,
    calls: Calls,
    lines: Lines,
    texts: Texts,
    notes: Vec<String>,
    records: u64,
    breaches: u64,
    first: Option<Millis>,
    /// A leap whose first record has not come yet: how many are missing, and why.
    leapt: Option<(u64, String)>,
    to: Option<Point>,
}

impl<'a> Report<'a> {
    fn going_on(core: Core, next: u64, file: ReportFile, options: &'a Options) -> Report<'a> {
        Report {
            options,
            file,
            watch: if next == 0 { Watch::default() } else { Watch::going_on(&core) },
            playback: Playback::from(core),
            timeline: Timeline::default(),
            calls: Calls::new(options.calls),
            lines: Lines::default(),
            texts: Texts::default(),
            notes: Vec::new(),
            records: 0,
            breaches: 0,
            first: None,
            leapt: None,
            to: None,
        }
    }

    /// Whether a record comes after everything that is wanted.
    fn is_behind_the_end(&mut self, seq: u64, at: Millis) -> bool {
        if self.first.is_none() {
            self.first = Some(at);
            let point = |moment: Option<crate::replay::Moment>| moment.map(|m| m.in_log(at));
            self.to = point(self.options.to);
            self.calls.let_through(Filter {
                line: self.options.line.clone(),
                number: self.options.number.clone(),
                from: point(self.options.from),
            });
        }
        self.to.is_some_and(|to| to.is_over(seq, at))
    }

    fn take(&mut self, seq: u64, record: &Record) -> Result<(), Trouble> {
        self.records += 1;
        if let Some((missing, why)) = self.leapt.take() {
            let words = format!("{missing} records before {seq} are missing: {why}");
            self.timeline.leap(seq, record.at, &words, &mut self.texts);
            self.calls.leap(seq, record.at, missing);
            self.notes.push(words);
        }
        let mut breach = self.watch.before(record).err();
        self.playback.take(record.clone());
        let (effects, touched) = (self.playback.effects(), self.playback.touched());
        let core = self.playback.core();
        breach = breach.or(self.watch.after_touching(record, effects, core, touched).err());
        let whom = || calls::names_of(touched, core);
        self.timeline.take(seq, record, effects, whom, &mut self.texts);
        if let Some(breach) = &breach {
            self.breach(breach);
        }
        self.calls.take(seq, record, &self.playback, breach.as_ref());
        let core = self.playback.core();
        self.calls.write_what_is_over(&mut self.file, &mut self.lines, &mut self.texts, core)
    }

    fn breach(&mut self, breach: &Breach) {
        self.breaches += 1;
        let touched = self.playback.touched();
        let whom = calls::names_of(touched, self.playback.core());
        self.timeline.breach(&format!("{breach} ({whom})"), &mut self.texts);
    }

    fn leap(&mut self, leap: Leap) {
        let Leap { core, missing, why, .. } = leap;
        self.watch = Watch::going_on(&core);
        self.playback.set_core(core);
        self.leapt = Some((missing, why));
    }

    fn finish(mut self, trace: &Trace, damage: Option<String>) -> Result<Written, Trouble> {
        let core = self.playback.core();
        self.calls.end(&mut self.file, &mut self.lines, &mut self.texts, core)?;
        let mut notes = self.notes;
        // Gaps are named already, each where it is.
        if let Some(why) = damage.filter(|_| notes.is_empty()) {
            self.timeline.breaks_off(&why, &mut self.texts);
            notes.push(format!("The log is damaged: {why}. What comes before is shown."));
        }
        let Drawn { pbxs, moments, spans, left_out } = self.timeline.finish();
        notes.extend(self.calls.note());
        if left_out > 0 {
            notes.push(format!("{left_out} events more are left out of the list of events."));
        }
        let lines = self.lines.at_the_end(self.playback.core(), &mut self.texts);
        let mut facts = Vec::new();
        if self.breaches > 0 {
            facts.push(format!("{} breaches of invariants", self.breaches));
        }
        if trace.about().anonymised {
            facts.push("names and numbers replaced".to_owned());
        }
        let calls = self.calls.into_entries();
        let summary = Summary {
            records: self.records,
            calls: calls.len(),
            odd: calls.iter().filter(|call| call.odd != data::Text::NONE).count(),
            lines: lines.len(),
            breaches: self.breaches,
        };
        let about = About {
            file: name_of(trace.path()),
            version: env!("CARGO_PKG_VERSION"),
            records: self.records,
            from_ms: self.first.unwrap_or_default().0,
            to_ms: self.playback.at().0.max(self.first.unwrap_or_default().0),
            per_block: CALLS_PER_BLOCK,
            facts,
            notes: notes.clone(),
        };
        let index =
            Index { about, texts: self.texts, pbxs, lines, calls, events: moments, links: spans };
        let bytes = self.file.finish(&index)?;
        Ok(Written { summary, bytes, notes })
    }
}

/// What a log is called in the page: not where it lies, which is nobody else's business. A folder is
/// mostly called `log`, so it is named with the one that it is in.
fn name_of(path: &Path) -> String {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let own = name(path).unwrap_or_else(|| "log".to_owned());
    match path.parent().and_then(name).filter(|_| path.is_dir()) {
        Some(folder) => format!("{folder}/{own}"),
        None => own,
    }
}

/// What is in a report.
struct Summary {
    records: u64,
    calls: usize,
    odd: usize,
    lines: usize,
    breaches: u64,
}

/// A report that is there.
struct Written {
    summary: Summary,
    bytes: u64,
    notes: Vec<String>,
}

impl Written {
    fn say(&self, options: &Options) -> Result<(), Trouble> {
        let Summary { records, calls, odd, lines, breaches } = self.summary;
        let mut output = Output::new(options.json);
        for note in &self.notes {
            output.remark(&crate::rows::harmless(note))?;
        }
        let sentence = format!(
            "{}, {} kB: {records} records, {lines} lines, {calls} calls, {odd} of them odd.",
            options.output.display(),
            self.bytes / 1000
        );
        let object = json!({ "summary": {
            "records": records,
            "calls": calls,
            "odd": odd,
            "lines": lines,
            "breaches": breaches,
            "bytes": self.bytes,
            "notes": self.notes,
        } });
        output.summary(&sentence, &object)
    }
}
