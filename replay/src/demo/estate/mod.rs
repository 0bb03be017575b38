//! `tapline demo --estate`: a site of several PBXs that fail, come back and hand users over, seen
//! through the provider. After each scene all lines and calls are compared with those of the PBXs.

mod premises;
mod scenes;
mod truth;

use super::folder::Folder;
use super::stage::Stage;
use super::story::{Act, Actor};
use super::{Heard, Printer, prove};
use crate::command_line::Demo;
use crate::rows::{Happened, Happening, Row};
use crate::trouble::Trouble;
use adapters::clock::Clock;
use engine::time::Millis;
use premises::Premises;
use scenes::{Cast, Scene, Step};
use serde_json::json;
use std::path::Path;
use tapline::telephony_server::TelephonyServer;
use truth::{Comparison, Found};

/// Plays it in a folder that was made for it.
pub(super) fn play_in(options: &Demo, library: &Path, folder: &Folder) -> Result<(), Trouble> {
    // The library is loaded before anything starts a thread: see `TelephonyServer::load`.
    let server = TelephonyServer::load(library, &folder.settings())?;
    let premises = Premises::start(options.seed)?;
    folder.write_settings(&premises.trees())?;
    let mut printer = Printer::new(options.json, folder)?;
    printer.output.remark(&format!(
        "Two unrelated trees of simulated PBXs; the provider is {}.\n",
        library.display()
    ))?;
    for row in premises.drawing() {
        printer.output.remark(&row)?;
    }
    server.start()?;
    let mut play = Play {
        stage: Stage::new(&server, &premises.simulator),
        comparison: Comparison::new(&server, &premises.simulator),
        clock: Clock::after(Millis(0)),
        printer: &mut printer,
        compared: 0,
        latest: Millis(0),
    };
    play.open_lines(&premises.actors())?;
    for (number, scene) in (1..).zip(scenes::all()) {
        play.scene(number, &scene)?;
    }
    let (heard, compared) = (Heard::new(&play.stage.heard, &server), play.compared);
    server.stop()?;
    drop(premises);

    let proof = prove(folder, &heard)?;
    folder.leave_capture()?;
    let sentence = format!(
        "{compared} times all lines and calls were as at the PBXs, and no line had another id \
         than before.\n{}; what this host received is the same.",
        proof.sentence
    );
    let summary = json!({
        "summary": {
            "messages": heard.len(),
            "comparisons": compared,
            "records": proof.records,
            "compared": proof.compared,
            "identical": true,
        }
    });
    printer.output.summary(&sentence, &summary)?;
    folder.say_what_is_left(&mut printer.output)
}

struct Play<'a> {
    stage: Stage<'a>,
    comparison: Comparison<'a>,
    clock: Clock,
    printer: &'a mut Printer,
    /// How often lines and calls were compared.
    compared: u32,
    /// The time of the latest row.
    latest: Millis,
}

impl Play<'_> {
    fn open_lines(&mut self, actors: &[Actor]) -> Result<(), Trouble> {
        self.printer.output.heading(
            "The provider finds the slaves of the masters by itself; each user becomes a line",
        )?;
        let rows = self.stage.open_lines(actors)?;
        self.rows(&rows)?;
        self.compare()
    }

    fn scene(&mut self, number: u32, scene: &Scene) -> Result<(), Trouble> {
        self.printer.output.heading(&format!("{number}. {}", scene.title))?;
        for step in &scene.steps {
            self.step(step)?;
        }
        let rows = self.stage.rest();
        self.rows(&rows)?;
        self.compare()
    }

    fn step(&mut self, step: &Step) -> Result<(), Trouble> {
        if let Some((pbx, event)) = step.happening.clone() {
            self.happened(Happened::AtPbx { pbx, event })?;
        }
        for deed in &step.before {
            self.stage.perform(&Act::silent(deed.clone()))?;
        }
        let rows = self.stage.perform(&step.act)?;
        self.rows(&rows)?;
        if let Cast::Grows(actor) = &step.cast {
            let rows = self.stage.open_lines(std::slice::from_ref(actor))?;
            self.rows(&rows)?;
        }
        Ok(())
    }

    /// Shows that everything reads as it is.
    fn compare(&mut self) -> Result<(), Trouble> {
        let found = self.comparison.wait_until_equal()?;
        self.compared += 1;
        // What came meanwhile belongs to what was done.
        let rows = self.stage.rest();
        self.rows(&rows)?;
        let Found { lines, in_service, with_calls } = found;
        self.happened(Happened::Compared { lines, in_service, with_calls })
    }

    fn rows(&mut self, rows: &[Row]) -> Result<(), Trouble> {
        self.latest = rows.iter().map(|row| row.at).fold(self.latest, Millis::max);
        self.printer.rows(rows)
    }

    /// The host has a clock of its own; what happens now is no earlier than what was told before.
    fn happened(&mut self, what: Happened) -> Result<(), Trouble> {
        self.latest = self.clock.now().max(self.latest);
        self.printer.happening(&Happening { at: self.latest, what })
    }
}
