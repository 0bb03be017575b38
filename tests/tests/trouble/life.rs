//! The life of the library in its process: loaded and unloaded, killed.

use super::*;
use engine::id::LineId;
use std::collections::BTreeMap;
use std::process::Command;
use tests::server::program;

/// Sessions before the first look: pools fill, allocators settle.
const WARM_UP: usize = 30;
const SESSIONS: usize = 100;
/// What a session leaks is there after every session, so each of these spells would show it; what
/// allocators and caches keep comes in one of them, and not again.
const SPELLS: usize = 4;
/// A session has some megabytes; a leak of any of its parts would be more than this.
const KIB_PER_SESSION: u64 = 32;

/// What a process has of what may run out.
#[derive(Debug)]
struct Holdings {
    threads: Vec<String>,
    thread_count: usize,
    open_files: usize,
    memory_kib: u64,
}

impl Holdings {
    /// Those after so many lives of the library.
    fn after(lives: usize, server: &mut Server) -> Holdings {
        for _ in 0..lives {
            server.ask("load").well();
            server.ask("start").within(INIT).well();
            server.ask("stop").within(SHUTDOWN).well();
            server.ask("unload").well();
        }
        Holdings {
            threads: server.threads(),
            thread_count: server.thread_count(),
            open_files: server.open_files(),
            memory_kib: server.resident_kib(),
        }
    }

    #[track_caller]
    fn assert_not_grown_since(&self, before: &Holdings) {
        assert_eq!(self.threads, before.threads);
        // The storage's pool has a few threads more or less.
        assert!(self.thread_count <= before.thread_count + 2, "{self:?}, before {before:?}");
        // The diary is open or not, as there was something to say.
        assert!(self.open_files <= before.open_files + 1, "{self:?}, before {before:?}");
    }
}

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
    let before = Holdings::after(WARM_UP, &mut server);
    Holdings::after(SESSIONS, &mut server).assert_not_grown_since(&before);

    // Without the PBX hardly anything is logged; the storage keeps what it has read and written in
    // memory, up to a bound that would take longer to reach.
    drop(pbx);
    let mut memory_kib = vec![Holdings::after(WARM_UP, &mut server).memory_kib];
    for _ in 0..SPELLS {
        let now = Holdings::after(SESSIONS / SPELLS, &mut server);
        now.assert_not_grown_since(&before);
        memory_kib.push(now.memory_kib);
    }
    let grown = memory_kib.windows(2).map(|spell| spell[1].saturating_sub(spell[0]));
    let limit = KIB_PER_SESSION * (SESSIONS / SPELLS) as u64;
    assert!(grown.min() < Some(limit), "memory grows with every session: {memory_kib:?}");
    let replayed = premises.replay();
    replayed.assert_sound();
    assert_eq!(replayed.permanent_ids().len(), KNOWN);
}

/// Call states that were told before the kill.
const ENOUGH: usize = 60;

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
    let is_state = |heard: &&tests::server::Heard| heard.kind == "call-state";
    wait_for("enough to have happened", || {
        pbx.control("hangup 24").unwrap();
        pbx.control("call 24 25").unwrap();
        pbx.control("answer 25").unwrap();
        (server.heard().iter().filter(is_state).count() > ENOUGH).then_some(())
    });
    let heard = server.kill();

    let replayed = premises.replay();
    assert_eq!(replayed.damage, None);
    assert_eq!(replayed.verifier.difference(), None);
    let mut told: BTreeMap<LineId, Vec<Said>> = BTreeMap::new();
    for heard in heard.iter().filter(|heard| heard.kind == "call-state") {
        let line = lines[&heard.line.unwrap()];
        told.entry(line).or_default().push((heard.numbers[0], heard.numbers[1]));
    }
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
