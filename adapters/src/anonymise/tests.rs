#![allow(clippy::unwrap_used)]

use super::*;
use crate::excerpt::{self, Moment, Span};
use engine::strategy::calls_from_outside;
use engine::told::Verifier;
use tempfile::TempDir;

fn key() -> Key {
    Key::of_bytes(b"the same key for all tests").unwrap()
}

fn anonymise(trace: &Trace, key: &Key, output: &Path) -> Result<Anonymised, AnonymiseError> {
    super::anonymise(trace, key, output, &mut || true)
}

fn histories() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/histories");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "tspt")).collect()
}

/// Replays a capture, and compares its callbacks with those it tells of.
fn verified(path: &Path) -> Verifier {
    let trace = Trace::open(path).unwrap();
    let (mut core, next) = trace.state_before(trace.first()).unwrap();
    let (mut verifier, mut effects) = (Verifier::starting_at(next), Effects::new());
    for (seq, record) in trace.records_from(next) {
        core.apply(record.clone(), &mut effects);
        verifier.take(seq, &record, &effects);
        effects.clear();
    }
    verifier
}

#[test]
fn every_golden_history_behaves_as_before_and_nothing_of_it_is_left() {
    let folder = TempDir::new().unwrap();
    let histories = histories();
    assert!(histories.len() >= 40);
    for path in histories {
        let output = folder.path().join(path.file_name().unwrap());
        let trace = Trace::open(&path).unwrap();
        let done = anonymise(&trace, &key(), &output)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let records = trace.records_from(0).count() as u64;
        assert_eq!((done.records, done.proof.records), (records, records), "{}", path.display());
        assert!(done.replaced.names > 0 && done.replaced.guids > 0 && done.replaced.hosts > 0);
        let (old, new) = (verified(&path), verified(&output));
        assert_eq!(old.tally(), new.tally(), "{}", path.display());
        assert_eq!(new.difference(), None, "{}", path.display());
    }
}

#[test]
fn a_part_that_begins_with_a_state_is_anonymised_as_well() {
    let folder = TempDir::new().unwrap();
    for path in histories() {
        let whole = Trace::open(&path).unwrap();
        let (_, last, _) = whole.extent().unwrap();
        for share in [3, 2] {
            let part = folder.path().join("part.tspt");
            let from = Some(Moment::Seq(last / share));
            let span = Span { from, ..Span::default() };
            let (_, bytes) = excerpt::write(&whole, span, Vec::new()).unwrap();
            std::fs::write(&part, bytes).unwrap();
            let output = folder.path().join("out.tspt");
            let done = anonymise(&Trace::open(&part).unwrap(), &key(), &output)
                .unwrap_or_else(|error| panic!("{} from {from:?}: {error}", path.display()));
            assert!(done.images >= 1 || done.records > 0);
            std::fs::remove_file(&output).unwrap();
        }
    }
}

#[test]
fn the_same_key_makes_the_same_file_and_another_one_another() {
    let folder = TempDir::new().unwrap();
    let trace = Trace::open(&histories()[0]).unwrap();
    let written = |name: &str, key: &Key| {
        let output = folder.path().join(name);
        anonymise(&trace, key, &output).unwrap();
        std::fs::read(output).unwrap()
    };
    assert_eq!(written("a", &key()), written("b", &key()));
    assert_ne!(written("c", &key()), written("d", &Key::random().unwrap()));
}

#[test]
fn no_file_is_overwritten_and_nothing_unproved_is_left() {
    let folder = TempDir::new().unwrap();
    let trace = Trace::open(&histories()[0]).unwrap();
    let output = folder.path().join("out.tspt");
    anonymise(&trace, &key(), &output).unwrap();
    let before = std::fs::read(&output).unwrap();
    assert!(matches!(anonymise(&trace, &key(), &output), Err(AnonymiseError::IsThere(_))));
    assert_eq!(std::fs::read(&output).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing unproved is left");
}

#[test]
fn a_log_with_images_between_its_records_keeps_them() {
    let folder = TempDir::new().unwrap();
    let (path, records) = (folder.path().join("long.tspt"), calls_from_outside(0..40));
    let file = File::create(&path).unwrap();
    let mut writer = CaptureWriter::new(file, &About::this_program(false)).unwrap();
    let (mut core, mut effects) = (Core::default(), Effects::new());
    for (seq, record) in (0..).zip(records) {
        if seq == 50 {
            writer.image(&core, Place { next: 50, last_at: record.at }).unwrap();
        }
        core.apply(record.clone(), &mut effects);
        writer.push(seq, record).unwrap();
    }
    writer.finish().unwrap();
    let output = folder.path().join("out.tspt");
    let done = anonymise(&Trace::open(&path).unwrap(), &key(), &output).unwrap();
    assert_eq!(done.images, 1);
    let new = Trace::open(&output).unwrap();
    assert!(new.about().anonymised);
    assert_eq!(new.images().iter().map(|place| place.next).collect::<Vec<_>>(), [50]);
    let (from_image, next) = new.state_before(50).unwrap();
    assert_eq!(next, 50);
    let mut folded = Core::default();
    for (_, record) in new.records_from(0).take(50) {
        folded.apply(record, &mut effects);
    }
    assert_eq!(from_image, folded);
}

#[test]
fn of_a_capture_that_was_cut_off_what_is_intact_is_taken() {
    let folder = TempDir::new().unwrap();
    let bytes = std::fs::read(&histories()[0]).unwrap();
    let path = folder.path().join("cut.tspt");
    std::fs::write(&path, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let done = anonymise(&Trace::open(&path).unwrap(), &key(), &folder.path().join("o")).unwrap();
    assert!(!done.damage.is_empty());
}

#[test]
fn a_file_in_which_something_is_left_or_that_behaves_otherwise_is_not_kept() {
    let [one, other] = ["call-answered.tspt", "call-busy.tspt"].map(|name| {
        let path = histories().into_iter().find(|path| path.ends_with(name));
        path.unwrap()
    });
    let trace = Trace::open(&one).unwrap();
    let survey = survey(&trace, &mut || true).unwrap();
    let left = proof::prove(&trace, &survey, &one, &mut || true);
    assert!(matches!(left, Err(AnonymiseError::Left { .. })), "{left:?}");
    let otherwise = proof::prove(&trace, &survey, &other, &mut || true);
    assert!(matches!(otherwise, Err(AnonymiseError::Otherwise { .. })), "{otherwise:?}");
}

#[test]
fn whoever_stops_it_at_any_time_finds_no_file() {
    let folder = TempDir::new().unwrap();
    let trace = Trace::open(&histories()[0]).unwrap();
    let records = trace.records_from(0).count();
    // While it is looked through, written, compared, searched.
    for part in 0..4 {
        let mut left = records * part + records / 2;
        let mut go_on = || {
            left = left.saturating_sub(1);
            left > 0
        };
        let stopped = super::anonymise(&trace, &key(), &folder.path().join("o"), &mut go_on);
        assert!(matches!(stopped, Err(AnonymiseError::Stopped)), "{part}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{part}");
    }
}

/// Sites of several PBXs, standbys, people who move, and all that can go wrong.
#[cfg(feature = "simulator")]
#[test]
fn simulated_sites_behave_as_before_in_whole_and_from_the_middle() {
    let folder = TempDir::new().unwrap();
    let place = |name: &str| folder.path().join(name);
    for seed in 1..=6 {
        let log = crate::simulation::log_of(seed);
        let mut writer =
            CaptureWriter::new(File::create(place("log")).unwrap(), &About::this_program(false))
                .unwrap();
        let mut seq = 0;
        for record in &log {
            seq += engine::frame::missing_before(record).unwrap_or(0);
            writer.push(seq, record.clone()).unwrap();
            seq += 1;
        }
        writer.finish().unwrap();
        let whole = Trace::open(&place("log")).unwrap();
        let span = Span { from: Some(Moment::Seq(seq / 2)), ..Span::default() };
        std::fs::write(place("half"), excerpt::write(&whole, span, Vec::new()).unwrap().1).unwrap();
        for (name, output) in [("log", "a"), ("half", "b")] {
            let trace = Trace::open(&place(name)).unwrap();
            let done = anonymise(&trace, &key(), &place(output))
                .unwrap_or_else(|error| panic!("seed {seed}, {name}: {error}"));
            assert!(done.proof.callbacks > 0, "seed {seed}, {name}");
            std::fs::remove_file(place(output)).unwrap();
        }
    }
}
