//! `tapline demo`: calls on a simulated PBX, through the real provider library, and their replay.

mod compare;
mod estate;
mod folder;
mod pbx;
pub(crate) mod stage;
mod story;

use crate::command_line::Demo;
use crate::output::Output;
use crate::provider;
use crate::rederive::{Rederivation, verdict};
use crate::rows::{Happening, Row};
use crate::trouble::Trouble;
use adapters::trace::{End, Trace};
use compare::{Delivered, Heard};
use folder::Folder;
use pbx::SimulatedPbx;
use serde_json::{Value, json};
use stage::Stage;
use std::fs::File;
use std::io::Write;
use story::{Act, Actor, Deed, Mark, Scene};
use tapline::telephony_server::TelephonyServer;

/// Plays the demo.
pub(crate) fn play(options: &Demo) -> Result<(), Trouble> {
    let library = provider::find(options.provider.library.as_deref())?;
    let folder = Folder::make(options.keep.as_deref())?;
    let play = if options.estate { estate::play_in } else { play_in };
    let result = play(options, &library, &folder);
    if result.as_ref().is_err_and(|trouble| !matches!(trouble, Trouble::OutputClosed)) {
        folder.keep_for_inspection();
    }
    result
}

fn play_in(options: &Demo, library: &std::path::Path, folder: &Folder) -> Result<(), Trouble> {
    // The library is loaded before anything starts a thread: see `TelephonyServer::load`.
    let server = TelephonyServer::load(library, &folder.settings())?;
    let pbx = SimulatedPbx::start(options.seed)?;
    folder.write_settings(&[(pbx.authority(), None)])?;
    let mut printer = Printer::new(options.json, folder)?;
    printer.output.remark(&introduction(options.seed, &pbx, library))?;

    server.start()?;
    let heard = perform(options.seed, &server, &pbx, &mut printer)?;
    server.stop()?;
    drop(pbx);

    let proof = prove(folder, &heard)?;
    folder.leave_capture()?;
    let sentence = format!("{}; what this host received is the same.", proof.sentence);
    let summary = json!({
        "summary": {
            "seed": options.seed,
            "messages": heard.len(),
            "records": proof.records,
            "compared": proof.compared,
            "identical": true,
        }
    });
    printer.output.summary(&sentence, &summary)?;
    folder.say_what_is_left(&mut printer.output)
}

fn introduction(seed: u64, pbx: &SimulatedPbx, library: &std::path::Path) -> String {
    format!(
        "A simulated PBX on {} with {} users; the provider is {}. Seed {seed}.",
        pbx.authority(),
        pbx.actors.len(),
        library.display()
    )
}

/// Opens the lines and plays all scenes; the answer is all that was heard.
fn perform(
    seed: u64,
    server: &TelephonyServer,
    pbx: &SimulatedPbx,
    printer: &mut Printer,
) -> Result<Heard, Trouble> {
    let mut stage = Stage::new(server, &pbx.simulator);
    printer.output.heading("The provider finds the users of the PBX; each becomes a line")?;
    let rows = stage.open_lines(&pbx.actors)?;
    printer.rows(&rows)?;
    printer.output.heading("The phones register")?;
    for act in pbx.actors.iter().map(registration) {
        let rows = stage.perform(&act)?;
        printer.rows(&rows)?;
    }
    for (number, scene) in (1..).zip(story::scenes(seed, &pbx.actors, &pbx.trunk)) {
        play_scene(number, &scene, &mut stage, printer)?;
    }
    Ok(Heard::new(&stage.heard, server))
}

fn registration(actor: &Actor) -> Act {
    Act {
        deed: Deed::Pbx(format!("register {} on", actor.extension)),
        outcome: vec![actor.sees(&[Mark::InService])],
    }
}

fn play_scene(
    number: u32,
    scene: &Scene,
    stage: &mut Stage<'_>,
    printer: &mut Printer,
) -> Result<(), Trouble> {
    printer.output.heading(&format!("{number}. {}", scene.title))?;
    for act in &scene.acts {
        let rows = stage.perform(act)?;
        printer.rows(&rows)?;
    }
    let rows = stage.rest();
    printer.rows(&rows)
}

/// What the replay of the demo's log has shown.
struct Proof {
    sentence: String,
    records: u64,
    compared: u64,
}

/// Replays the log, compares it with what it says was told, and that with what we heard.
fn prove(folder: &Folder, heard: &Heard) -> Result<Proof, Trouble> {
    let log = Trace::open(&folder.log())?;
    let (core, next) = log.state_before(log.first())?;
    let mut replay = Rederivation::going_on(core, next);
    let mut delivered = Delivered::default();
    let mut records = log.records_from(next);
    for (seq, record) in &mut records {
        let event = record.event.clone();
        replay.take(seq, record);
        if let Some(trouble) = replay.difference() {
            return Err(trouble);
        }
        delivered.take(&event, replay.playback().effects());
    }
    if let End::Damaged(why) | End::Unusable(why) = records.end() {
        return Err(Trouble::Damage(why));
    }
    heard.compare(&delivered).map_err(Trouble::Difference)?;
    let tally = replay.tally();
    Ok(Proof { sentence: verdict(&tally), records: tally.records, compared: tally.compared })
}

/// Prints rows, and writes them down for later.
struct Printer {
    output: Output,
    messages: Option<File>,
}

impl Printer {
    fn new(json: bool, folder: &Folder) -> Result<Printer, Trouble> {
        Ok(Printer { output: Output::new(json), messages: folder.messages()? })
    }

    /// Something that is no message.
    fn happening(&mut self, happening: &Happening) -> Result<(), Trouble> {
        self.keep(&happening.for_machines())?;
        self.output.happening(happening)
    }

    fn keep(&mut self, object: &Value) -> Result<(), Trouble> {
        let Some(messages) = &mut self.messages else { return Ok(()) };
        writeln!(messages, "{object}")
            .map_err(|error| Trouble::System { what: "cannot write the messages".into(), error })
    }

    fn rows(&mut self, rows: &[Row]) -> Result<(), Trouble> {
        for row in rows {
            // Kept first: whatever was printed is in the file too.
            self.keep(&row.for_machines())?;
            self.output.row(row)?;
        }
        Ok(())
    }
}
