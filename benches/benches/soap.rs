//! An answer to `Poll`, from bytes to the engine's facts, beside the limit: the XML parser reading
//! the same bytes and keeping nothing. What counts is the ratio of the two in one run.

use adapters::soap::types::{AnyInfo, CallInfo, Info, No};
use adapters::soap::{Answer, Dialect, decode_poll};
use criterion::{Criterion, Throughput};
use engine::fact::PbxFact;
use engine::id::{CallHandle, UserHandle};
use quick_xml::Reader;
use quick_xml::events::Event;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The ratio to reach.
const LIMIT: f64 = 0.65;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for calls in [1, 20] {
        let answer = answer(calls);
        let mut group = criterion.benchmark_group(format!("soap/{calls}-call"));
        group.throughput(Throughput::Bytes(answer.len() as u64));
        group.bench_function("bare drain", |bencher| bencher.iter(|| drain(black_box(&answer))));
        let mut facts = Vec::new();
        group.bench_function("decode_poll", |bencher| {
            bencher.iter(|| decode(black_box(&answer), &mut facts));
        });
        group.finish();
    }
    criterion.final_summary();
    if std::env::args().any(|argument| argument == "--bench") {
        for calls in [1, 20] {
            report(calls);
        }
    }
}

/// Prints the ratio of the best of many short runs of each, in turn: whatever else the machine does
/// meets both alike, and can only make a run slower.
#[allow(clippy::print_stdout)] // that is what it is for
fn report(calls: u32) {
    const ROUNDS: u32 = 500;
    let answer = answer(calls);
    let times = 400 / calls;
    let mut facts = Vec::new();
    let (mut drained, mut decoded) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        drained = drained.min(timed(times, || drain(black_box(&answer))));
        decoded = decoded.min(timed(times, || decode(black_box(&answer), &mut facts)));
    }
    let ratio = drained.as_secs_f64() / decoded.as_secs_f64();
    println!("ratio soap/{calls}-call {ratio:.2} (limit {LIMIT})");
}

fn timed(times: u32, mut work: impl FnMut()) -> Duration {
    let begin = Instant::now();
    for _ in 0..times {
        work();
    }
    begin.elapsed()
}

/// The parser alone.
fn drain(answer: &[u8]) {
    let mut reader = Reader::from_reader(answer);
    loop {
        if matches!(black_box(&reader.read_event()), Ok(Event::Eof) | Err(_)) {
            break;
        }
    }
}

/// The decoder, its facts made and dropped.
fn decode(answer: &[u8], facts: &mut Vec<PbxFact>) {
    facts.clear();
    let count = decode_poll(answer, facts);
    assert!(count.is_ok_and(|count| count.calls as usize == facts.len()));
    black_box(facts);
}

/// An answer with so many calls, each between two users, in the spelling of a real PBX.
fn answer(calls: u32) -> Vec<u8> {
    let party = |kind: &str, name: &str, number: u32| No {
        kind: kind.into(),
        cn: name.into(),
        dn: name.into(),
        e164: number.to_string().as_str().into(),
        h323: name.to_lowercase().replace(' ', ".").as_str().into(),
    };
    let call = |number: u32| CallInfo {
        user: UserHandle(1 + number),
        call: CallHandle(7000 + number),
        reg: 0,
        active: true,
        state: 133,
        no: vec![party("this", "Anna Berg", 20 + number), party("peer", "Ben Cole", 40 + number)],
        msg: "x-conn".into(),
        info: vec![Info {
            kind: "conf".into(),
            vali: 0,
            vals: "5d1f0a72e309d311a0c20090333c01aa".into(),
        }],
    };
    Answer::Poll(AnyInfo { call: (0..calls).map(call).collect(), ..AnyInfo::default() })
        .write(&Dialect::default())
}
