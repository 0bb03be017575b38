//! How fast a log is replayed: every record decoded and applied, every callback derived again and
//! compared with the one that was made. On one core and on two, beside decoding alone.

use adapters::trace::{Reached, Trace};
use benches::figures::{are_wanted, median};
use benches::flood;
use engine::core::Core;
use engine::effect::Effects;
use engine::fact::Record;
use engine::told::{Stretch, Verifier};
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

/// Records a second, in millions, on one core.
const RATE_LIMIT: f64 = 2.5;
/// How many times as much two cores do.
const TWO_CORES_LIMIT: f64 = 1.7;

#[allow(clippy::expect_used)]
fn main() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (rounds, lap) = match are_wanted() {
        true => (7, Duration::from_secs(6)),
        false => (1, Duration::ZERO),
    };
    let kept = tempfile::tempdir_in(folder).expect("a folder beside the build");
    let file = kept.path().join("flood.tspt");
    flood::capture(folder, lap, &file);
    report(&file, rounds);
}

/// Prints the rates, measured in turns.
#[allow(clippy::print_stdout, clippy::expect_used)] // that is what it is for
fn report(file: &Path, rounds: usize) {
    let trace = Trace::open(file).expect("it was just written");
    let (mut decoded, mut replayed, mut by_two) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        decoded.push(rate(|| decode(trace.records_from(0))));
        replayed.push(rate(|| replay(Verifier::default(), Core::default(), trace.records_from(0))));
        by_two.push(rate(|| replay_in_stretches(&trace)));
    }
    let (decoded, replayed, by_two) = (median(decoded), median(replayed), median(by_two));
    println!("replay/decode alone {decoded:.2} M records/s");
    println!("replay/one core {replayed:.2} M records/s, {:.2} of decoding", replayed / decoded);
    println!("replay/two cores {by_two:.2} M records/s");
    println!("ratio replay/rate {replayed:.2} (limit {RATE_LIMIT} M records/s)");
    println!("ratio replay/two-cores {:.2} (limit {TWO_CORES_LIMIT})", by_two / replayed);
}

fn decode(records: impl Iterator<Item = (u64, Record)>) -> u64 {
    records.map(|record| u64::from(black_box(record).0 < u64::MAX)).sum()
}

fn replay(
    mut verifier: Verifier,
    mut core: Core,
    records: impl Iterator<Item = (u64, Record)>,
) -> u64 {
    let mut effects = Effects::new();
    for (seq, record) in records {
        verifier.take_record(seq, &record);
        effects.clear();
        core.apply(record, &mut effects);
        verifier.take_effects(seq, &effects);
    }
    let tally = verifier.tally();
    assert_eq!(verifier.difference(), None, "what is derived is what was told");
    assert!(tally.compared > tally.records / 4, "callbacks are compared: {tally:?}");
    tally.records
}

/// The same in stretches, two at a time, as far as they lead; as `tapline replay run --quiet` does.
#[allow(clippy::expect_used)]
fn replay_in_stretches(trace: &Trace) -> u64 {
    let mut verifier = Verifier::default();
    let join = |stretch| verifier.join(stretch);
    let reached = trace.in_stretches(0, 2, Stretch::starting_at, join).expect("it has its images");
    let Reached { core, next } = reached.unwrap_or_default();
    replay(verifier, core, trace.records_from(next))
}

/// Millions a second.
fn rate(work: impl FnOnce() -> u64) -> f64 {
    let begin = Instant::now();
    let count = work();
    count as f64 / begin.elapsed().as_secs_f64() / 1e6
}
