//! What a session promises the telephony server.

mod calls;
mod closing;
mod ending;
mod lines;
mod requests;

use super::testing::{LINE, Said, Stage, call, on_event, state_of, view, wait_for};
use super::{KnownCall, Session};
use crate::abi::{
    HDrvCall, HDrvLine, LINE_ADDRESSSTATE, LINE_CALLINFO, LINE_CALLSTATE, LINE_CREATE,
    LINE_NEWCALL, LINE_REMOVE,
};
use engine::effect::{Notice, Telling, What};
use engine::fact::{Command, HostFact, Outcome};
use engine::id::{CallId, LineId, Opening, RequestId};
use engine::tapi::{CallState, LineErr};
use engine::view::LineView;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const FIRST: Opening = Opening(1);
const FAILED: i32 = LineErr::OperationFailed.code();

fn make_call(stage: &Stage, line: HDrvLine, request: u32) -> Result<HDrvCall, LineErr> {
    let command = |call| Command::MakeCall {
        call,
        number: "21".into(),
        block_id: false,
        country_code: 0,
        call_param_flags: 0,
    };
    let server = stage.server.number + 500;
    let mut handle = 0;
    stage.session.make(request, line, server, command, |made| handle = made)?;
    Ok(handle)
}

fn made_call(stage: &Stage) -> CallId {
    stage.engine.commands().last().and_then(Command::call).expect("a command")
}
