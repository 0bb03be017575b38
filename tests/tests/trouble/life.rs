//! The life of the library in its process: loaded and unloaded, killed.

use super::*;
use engine::id::LineId;
use std::collections::BTreeMap;
use std::process::Command;
use tests::server::program;

/// Sessions before the first look: pools fill, allocators settle.
const WARM_UP: usize = 150;
const SESSIONS: usize = 100;
/// Allocators keep some memory back; what one session leaks would be there a hundred times.
const KIB_PER_SESSION: u64 = 32;

#[test]
fn a_hundred_lives_of_the_library_leave_nothing_behind() {
    let pbx = simulator();
    let premises = Premises::at(pbx.address());
    // Each thread would have a pool of memory of its own, which grows to its own size.
    let mut command = Command::new(program());
    command.env("MALLOC_ARENA_MAX", "1");
    let mut server = Server::by(command, &premises);
    server.ask("start").well();
    server.wait_for_service(LINES);
    server.ask("stop").well();
    server.ask("unload").well();
    let mut live = |count: usize| {
        for _ in 0..count {
            server.ask("load").well();
            server.ask("start").within(INIT).well();
            server.ask("stop").within(SHUTDOWN).well();
            server.ask("unload").well();
        }
        (server.threads(), server.thread_count(), server.open_files(), server.resident_kib())
    };
    let (threads, thread_count, files, memory) = live(WARM_UP);
    let after = live(SESSIONS);
    assert_eq!(after.0, threads);
    assert!(after.1 <= thread_count + 2, "{} threads, before {thread_count}", after.1);
    assert_eq!(after.2, files, "open files");
    let grown = after.3.saturating_sub(memory);
    assert!(grown < KIB_PER_SESSION * SESSIONS as u64, "{grown} KiB more after {SESSIONS} lives");
    let replayed = premises.replay();
    replayed.assert_sound();
    assert_eq!(replayed.permanent_ids().len(), KNOWN);
}

/// What a line was told, as far as log and host can both name it.
type Said = (u32, u32);

#[test]
fn a_process_killed_in_the_middle_of_calls_has_logged_all_that_it_told() {
    let pbx = simulator();
    let premises = Premises::at(pbx.address());
    let mut server = Server::in_service(&premises, LINES);
    let lines: BTreeMap<u32, LineId> =
        server.lines().iter().map(|line| (line.device, LineId(line.permanent_id))).collect();
    // Calls come and go; some are up, some ring.
    for (from, to) in [(20, 21), (22, 23), (24, 25), (26, 27), (28, 29)] {
        pbx.control(&format!("call {from} {to}")).unwrap();
        pbx.control(&format!("answer {to}")).unwrap();
    }
    pbx.control("hangup 20").unwrap();
    pbx.control("ring 30 301234567").unwrap();
    let device = server.device("31");
    server.make_call(device, "20");
    let busy = Instant::now() + Duration::from_millis(150);
    while Instant::now() < busy {
        pbx.control("hangup 24").unwrap();
        pbx.control("call 24 25").unwrap();
        pbx.control("answer 25").unwrap();
    }
    let heard = server.kill();

    let replayed = premises.replay();
    assert_eq!(replayed.damage, None);
    assert_eq!(replayed.verifier.difference(), None);
    let mut told: BTreeMap<LineId, Vec<Said>> = BTreeMap::new();
    for heard in heard.iter().filter(|heard| heard.kind == "call-state") {
        let line = lines[&heard.line.unwrap()];
        told.entry(line).or_default().push((heard.numbers[0], heard.numbers[1]));
    }
    assert!(told.values().map(Vec::len).sum::<usize>() > 40, "too little happened: {told:?}");
    for (line, told) in told {
        let logged = replayed.call_states(line);
        assert!(logged.starts_with(&told), "{line:?} was told {told:?}, but logged is {logged:?}");
    }
    // The next process goes on from there.
    let mut server = Server::in_service(&premises, LINES);
    super::log::a_call(&pbx, &mut server);
    server.ask("stop").well();
    let replayed = premises.replay();
    assert_eq!(replayed.verifier.difference(), None);
    assert_eq!(replayed.permanent_ids().len(), KNOWN);
}
