//! `tapline sim`: the provider against simulated PBXs, in virtual time, under seeds.

use crate::command_line::Sim;
use crate::output::{self, Output};
use crate::replay::{SCENARIO, write_capture};
use crate::trouble::Trouble;
use adapters::capture::EXTENSION;
use adapters::simulation::{self, Disturbance, Run, Tally};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often to say how far it has come.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// Plays one seed or many.
pub(crate) fn play(options: &Sim) -> Result<(), Trouble> {
    if let Some(script) = &options.script {
        return play_scripts(script, options);
    }
    let seeds = options.seeds.clone().unwrap_or(options.seed..options.seed.saturating_add(1));
    let mut output = Output::new(options.json);
    let (mut played, mut failed, mut shown) = (0u64, Vec::new(), Instant::now());
    let count = seeds.end - seeds.start;
    for seed in seeds {
        let run = play_one(seed, options.verbose)?;
        played += 1;
        let capture = match run.finding {
            Some(_) => Some(keep(&run, &options.keep)?),
            None => None,
        };
        if options.json {
            output::line(&as_json(&run, capture.as_deref()).to_string())?;
        } else if capture.is_some() || count == 1 {
            output.remark(&in_words(&run, capture.as_deref()))?;
        }
        failed.extend(capture.map(|_| seed));
        if shown.elapsed() > PROGRESS_EVERY {
            shown = Instant::now();
            // Nothing is lost if nobody reads how far it is.
            let _ = output::hint(&format!("{played} of {count} seeds, {} failed", failed.len()));
        }
    }
    conclude(&mut output, count, &failed)
}

/// Plays scenarios, and leaves their logs.
fn play_scripts(script: &Path, options: &Sim) -> Result<(), Trouble> {
    let mut scripts = vec![script.to_owned()];
    if script.is_dir() {
        let trouble = |error| Trouble::file("read", script, error);
        let entries = fs::read_dir(script).map_err(trouble)?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        scripts = paths.collect::<Result<Vec<_>, _>>().map_err(trouble)?;
        scripts.retain(|path| path.extension().is_some_and(|ending| ending == SCENARIO));
        scripts.sort();
    }
    if let Some(into) = &options.into {
        fs::create_dir_all(into).map_err(|error| Trouble::file("make", into, error))?;
    }
    let mut output = Output::new(options.json);
    for script in &scripts {
        let text =
            fs::read_to_string(script).map_err(|error| Trouble::file("read", script, error))?;
        let log = simulation::play(&text)
            .map_err(|error| Trouble::Simulation(format!("{}, {error}", script.display())))?;
        let beside = script.with_extension(EXTENSION);
        let path = match (&options.into, beside.file_name()) {
            (Some(folder), Some(name)) => folder.join(name),
            _ => beside,
        };
        write_capture(&path, &log, false)?;
        let row = format!("{}: {} records in {}", script.display(), log.len(), path.display());
        let object = json!({
            "script": script.display().to_string(),
            "records": log.len(),
            "capture": path.display().to_string(),
        });
        output.check(&row, &object)?;
    }
    let sentence = format!("{} scenarios ended well.", scripts.len());
    output.summary(&sentence, &json!({ "summary": { "scripts": scripts.len() } }))
}

fn conclude(output: &mut Output, count: u64, failed: &[u64]) -> Result<(), Trouble> {
    let sentence = match failed {
        [] if count == 1 => "The seed ended well.".to_owned(),
        [] => format!("All {count} seeds ended well."),
        _ => format!("{} of {count} seeds failed: {failed:?}", failed.len()),
    };
    output.summary(&sentence, &json!({ "summary": { "seeds": count, "failed": failed } }))?;
    match failed {
        [] => Ok(()),
        _ => Err(Trouble::Simulation(sentence)),
    }
}

fn play_one(seed: u64, verbose: bool) -> Result<Run, Trouble> {
    let mut trouble = None;
    let mut tell = |ms: u64, what: &str| {
        let (seconds, ms) = (ms / 1000, ms % 1000);
        if trouble.is_none() {
            trouble = output::line(&format!("{seconds:>5}.{ms:03}  {what}")).err();
        }
    };
    let run = simulation::run(seed, if verbose { Some(&mut tell) } else { None });
    trouble.map_or(Ok(run), Err)
}

/// Writes the log of a run as a capture file.
fn keep(run: &Run, folder: &Path) -> Result<PathBuf, Trouble> {
    let path = folder.join(format!("sim-{}.{EXTENSION}", run.seed));
    fs::create_dir_all(folder).map_err(|error| Trouble::file("write", &path, error))?;
    write_capture(&path, &run.log, false)?;
    Ok(path)
}

fn in_words(run: &Run, capture: Option<&Path>) -> String {
    let Run { seed, swarm, tally, finding, .. } = run;
    let Tally { records, callbacks, requests, exchanges, deeds, crashes, .. } = tally;
    let mut text = format!(
        "Seed {seed}: {swarm}.\n{records} records, {callbacks} callbacks, {requests} requests of \
         applications, {deeds} deeds of people, {exchanges} questions to the PBX, killed {crashes} \
         times."
    );
    if let (Some(finding), Some(capture)) = (finding, capture) {
        let name = capture.display();
        text.push_str(&format!(
            "\nFAILED: {finding}\nSee it happen:  tapline sim --seed {seed} --verbose\nReplay it:      \
             tapline replay {name}"
        ));
    }
    text
}

/// How often each kind of disturbance happened.
fn disturbances(tally: &Tally) -> Value {
    let count = |kind| (format!("{kind:?}"), json!(tally.disturbances.of(kind)));
    Value::Object(Disturbance::ALL.into_iter().map(count).collect())
}

fn as_json(run: &Run, capture: Option<&Path>) -> Value {
    let Run { seed, swarm, tally, finding, .. } = run;
    json!({
        "seed": seed,
        "swarm": swarm,
        "records": tally.records,
        "frames": tally.frames,
        "callbacks": tally.callbacks,
        "requests": tally.requests,
        "completions": tally.completions,
        "deeds": tally.deeds,
        "exchanges": tally.exchanges,
        "reports": tally.reports,
        "troubles": tally.troubles,
        "crashes": tally.crashes,
        "recoveries": tally.recoveries,
        "survivals": tally.survivals,
        "renewals": tally.renewals,
        "returns": tally.returns,
        "successes": tally.successes.each().collect::<BTreeMap<_, _>>(),
        "disturbances": disturbances(tally),
        "finding": finding.as_ref().map(ToString::to_string),
        "capture": capture.map(|path| path.display().to_string()),
    })
}
