//! `tapline replay anonymise`: a copy that may leave the house.

use super::progress::Progress;
use crate::command_line::ReplayAnonymise;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::trouble::Trouble;
use adapters::anonymise::{self, AnonymiseError, Anonymised, Key, KeyError};
use adapters::trace::Trace;
use serde_json::json;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Writes the copy, and says what was done.
pub(super) fn write(options: &ReplayAnonymise) -> Result<(), Trouble> {
    let key = key(options)?;
    let trace = Trace::open(&options.log)?;
    let interrupt = Interrupt::listen()?;
    // Each record comes by four times: to be looked at, written, compared, searched.
    let mut progress = Progress::new("looks at records");
    let mut go_on = || {
        progress.record();
        !interrupt.has_come()
    };
    let done = anonymise::anonymise(&trace, &key, &options.output, &mut go_on).map_err(trouble)?;
    tell(options, &done)
}

fn key(options: &ReplayAnonymise) -> Result<Key, Trouble> {
    let wrong = |error: KeyError| match error {
        KeyError::NoChance(_) => Trouble::System {
            what: "cannot make a key".into(),
            error: std::io::Error::other(error),
        },
        error => Trouble::Usage(error.to_string()),
    };
    match (&options.key, &options.key_hex) {
        (Some(path), _) => Key::of_bytes(&read_key(path)?).map_err(wrong),
        (None, Some(hex)) => Key::of_hex(hex).map_err(wrong),
        (None, None) => Key::random().map_err(wrong),
    }
}

/// No more than a key can have: the path may be that of a device that never ends.
fn read_key(path: &Path) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    let read = File::open(path)
        .and_then(|file| file.take(Key::MAX_BYTES as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| Trouble::file("read", path, error))?;
    Ok(bytes)
}

fn trouble(error: AnonymiseError) -> Trouble {
    match error {
        AnonymiseError::Trace(error) => error.into(),
        AnonymiseError::IsThere(_) | AnonymiseError::NoName(_) | AnonymiseError::TooMuch => {
            Trouble::Usage(error.to_string())
        }
        AnonymiseError::Stopped => Trouble::System {
            what: "nothing was written".into(),
            error: ErrorKind::Interrupted.into(),
        },
        AnonymiseError::Io { path, error } => Trouble::file("write", &path, error),
        error => Trouble::Log(error.to_string()),
    }
}

fn tell(options: &ReplayAnonymise, done: &Anonymised) -> Result<(), Trouble> {
    let Anonymised { records, images, bytes, replaced, proof, damage } = done;
    let path = options.output.display();
    let sentence = format!(
        "{records} records are in {path}. Replaced: {} names, {} numbers, {} hosts, {} GUIDs, in \
         {} places. Proved: the same digest {:016x} of {} callbacks, and none of {} texts and GUIDs \
         in any byte{}{}.",
        replaced.names,
        replaced.numbers,
        replaced.hosts,
        replaced.guids,
        replaced.places,
        proof.digest,
        proof.callbacks,
        proof.sought,
        match proof.too_short {
            0 => String::new(),
            count => format!("; {count} are too short to be looked for"),
        },
        match proof.short_numbers_reused {
            0 => String::new(),
            count => format!("; short numbers stand for other short ones in {count} places"),
        },
    );
    let summary = json!({ "summary": {
        "file": path.to_string(),
        "records": records,
        "images": images,
        "bytes": bytes,
        "replaced": {
            "names": replaced.names,
            "numbers": replaced.numbers,
            "hosts": replaced.hosts,
            "user_infos": replaced.user_infos,
            "guids": replaced.guids,
            "places": replaced.places,
        },
        "proof": {
            "digest": format!("{:016x}", proof.digest),
            "records": proof.records,
            "callbacks": proof.callbacks,
            "sought": proof.sought,
            "too_short": proof.too_short,
            "short_numbers_reused": proof.short_numbers_reused,
        },
        "damage": damage,
    } });
    Output::new(options.json).summary(&sentence, &summary)?;
    match damage.as_slice() {
        [] => Ok(()),
        damage => Err(Trouble::Damage(format!(
            "the log is damaged; what is intact is in the file. {}",
            damage.join("; ")
        ))),
    }
}
