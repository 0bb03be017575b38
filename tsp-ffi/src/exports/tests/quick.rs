//! Reads of calls and line status are quick: they take no lock and allocate nothing.

use super::*;
use crate::counting::{allocations, releases};
use std::sync::mpsc;
use std::thread;

/// The functions that an application may call thousands of times a second.
fn read_all(line: HDrvLine, call: HDrvCall, buffer: &mut Buffer) -> [i32; 5] {
    let (mut address, mut id, mut related) = (0, 0, 0);
    // SAFETY: a buffer of the size that it says, and valid pointers.
    unsafe {
        [
            TSPI_lineGetCallInfo(call, buffer.place()),
            TSPI_lineGetCallStatus(call, buffer.place()),
            TSPI_lineGetCallIDs(call, &raw mut address, &raw mut id, &raw mut related),
            TSPI_lineGetLineDevStatus(line, buffer.place()),
            TSPI_lineGetAddressStatus(line, 0, buffer.place()),
        ]
    }
}

#[test]
fn reads_allocate_nothing() {
    let (here, call) = InPlace::with_call(CallState::Connected);
    let mut buffer = Buffer::new(1024);
    // The first read of a thread makes a note of the thread, once.
    assert_eq!(read_all(here.line, call, &mut buffer), [0; 5]);
    let before = (allocations(), releases());
    for _ in 0..100 {
        assert_eq!(read_all(here.line, call, &mut buffer), [0; 5]);
    }
    assert_eq!((allocations(), releases()), before);
}

#[test]
fn reads_go_on_while_every_lock_of_the_provider_is_held() {
    let (here, call) = InPlace::with_call(CallState::Connected);
    let (line, (done, is_done)) = (here.line, mpsc::channel());
    let reader = HOST.with_stage_held(|| {
        here.stage.session.with_all_locks_held(|| {
            let reader = thread::spawn(move || {
                let answers = read_all(line, call, &mut Buffer::new(1024));
                // Nobody waits any more if it took too long.
                let _ = done.send(answers);
            });
            assert_eq!(is_done.recv_timeout(Duration::from_secs(10)), Ok([0; 5]));
            reader
        })
    });
    reader.join().unwrap();
}
