//! A telephony server as a process of its own, so that a test can count its threads, limit it and
//! kill it. It loads the provider library through its C interface.
//!
//! Usage: `telephony-server LIBRARY SETTINGS`. Commands come on standard input, one a line; each is
//! answered by one line of JSON. What the provider says comes in between, as lines with `heard`.
#![allow(clippy::unwrap_used)]

use engine::tapi::{CallState, line_dev_status};
use serde_json::{Value, json};
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tapline::telephony_server::{
    DeviceId, Forwarded, Kind, Message, ServerError, TapiCall, TelephonyServer,
};

fn main() {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let library = arguments.next().expect("the library is the first argument");
    let settings = arguments.next().expect("the settings are the second argument");
    let mut provider = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let begun = Instant::now();
        let answer = match words[..] {
            ["load"] => match TelephonyServer::load(&library, &settings) {
                Ok(server) => {
                    provider = Some(Loaded::new(server));
                    Ok(json!({}))
                }
                Err(error) => Err(error),
            },
            ["unload"] => {
                provider = None;
                Ok(json!({}))
            }
            _ => carry_out(&provider.as_ref().expect("load comes first").server, &words),
        };
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap();
        say(&match answer {
            Ok(value) => json!({ "done": value, "ms": ms }),
            Err(error) => json!({
                "refused": error.refusal().map_or(0, |refusal| refusal.0),
                "why": error.to_string(),
                "ms": ms,
            }),
        });
    }
}

fn carry_out(server: &TelephonyServer, words: &[&str]) -> Result<Value, ServerError> {
    let number = |word: &str| word.parse::<usize>().unwrap();
    let device = |word: &str| DeviceId(word.parse().unwrap());
    Ok(match words {
        ["start"] => {
            server.start()?;
            json!({ "lines": server.lines().len() })
        }
        ["stop"] => {
            server.stop()?;
            json!({})
        }
        ["lines"] => server.lines().iter().map(|line| show(server, line.device)).collect(),
        ["make", line, to] => {
            let placed = server.make_call(device(line), to)?;
            json!({ "request": placed.request, "call": placed.call.0 })
        }
        ["answer", call] => json!({ "request": server.answer(TapiCall(number(call)))? }),
        ["drop", call] => json!({ "request": server.drop_call(TapiCall(number(call)))? }),
        ["forward", line, rings, forwards @ ..] => {
            let forwards: Vec<Forwarded> = forwards.iter().map(|word| forwarded(word)).collect();
            let rings = rings.parse().unwrap();
            json!({ "request": server.forward(device(line), &forwards, rings)? })
        }
        ["address", line] => {
            let status = server.address_status(device(line))?;
            let caps = server.address_caps(device(line))?;
            let forwards = status.forwards.iter();
            let forwards = forwards.map(|f| json!([f.mode, &f.caller, &f.destination]));
            json!({
                "features": status.features,
                "features_claimed": caps.features,
                "forward_modes": caps.forward_modes,
                "rings": status.rings,
                "forwards": forwards.collect::<Vec<_>>(),
            })
        }
        _ => panic!("unknown command {words:?}"),
    })
}

/// `MODE,CALLER,DESTINATION`, the mode in hexadecimal digits.
fn forwarded(word: &str) -> Forwarded {
    let mut parts = word.split(',');
    let mut part = || parts.next().unwrap().to_owned();
    let (mode, caller, destination) = (part(), part(), part());
    Forwarded { mode: u32::from_str_radix(&mode, 16).unwrap(), caller, destination }
}

fn show(server: &TelephonyServer, device: DeviceId) -> Value {
    let line = server.line(device).unwrap();
    // A line that is closed meanwhile has no status.
    let flags = server.line_status(device).map_or(0, |status| status.flags);
    json!({
        "device": device.0,
        "permanent_id": line.caps.permanent_id,
        "number": &*line.address,
        // As it is now.
        "name": server.line_caps(device).map_or(String::new(), |caps| caps.name),
        "open": line.open,
        "connected": flags & line_dev_status::CONNECTED != 0,
        "in_service": flags & line_dev_status::INSERVICE != 0,
    })
}

/// A loaded provider, and the thread that listens to it.
struct Loaded {
    server: Arc<TelephonyServer>,
    is_over: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Loaded {
    fn new(server: TelephonyServer) -> Loaded {
        let (server, is_over) = (Arc::new(server), Arc::new(AtomicBool::new(false)));
        let (source, end) = (Arc::clone(&server), Arc::clone(&is_over));
        let listener = std::thread::Builder::new().name("listener".into()).spawn(move || {
            while !end.load(Ordering::Acquire) {
                match source.next(Instant::now() + Duration::from_millis(10)) {
                    Some(message) => {
                        say(&json!({ "heard": heard(&message) }));
                        close_if_over(&source, &message);
                    }
                    // There may be no session; and whoever starts one wants the lock.
                    None => std::thread::sleep(Duration::from_millis(2)),
                }
            }
        });
        Loaded { server, is_over, listener: Some(listener.unwrap()) }
    }
}

/// As applications do.
fn close_if_over(server: &TelephonyServer, message: &Message) {
    if let Kind::CallState { call, state, .. } = message.kind
        && state == CallState::Idle.bits()
    {
        // A line that was closed meanwhile took its calls along.
        let _ = server.close_call(call);
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        self.listener.take().unwrap().join().unwrap();
    }
}

fn heard(message: &Message) -> Value {
    let line = message.line.map(|line| line.0);
    let (kind, call, numbers) = match message.kind {
        Kind::LineCreated => ("line-created", None, vec![]),
        Kind::LineRemoved => ("line-removed", None, vec![]),
        Kind::LineClosed => ("line-closed", None, vec![]),
        Kind::NewCall(call) => ("new-call", Some(call), vec![]),
        Kind::CallState { call, state, mode, media } => {
            ("call-state", Some(call), vec![state, mode, media])
        }
        Kind::CallInfo { call, items } => ("call-info", Some(call), vec![items]),
        Kind::AddressState { address, states } => ("address-state", None, vec![address, states]),
        Kind::LineDevState { states, second, third } => {
            ("line-state", None, vec![states, second, third])
        }
        Kind::Generated { call, term, tag } => ("generated", Some(call), vec![term, tag]),
        Kind::Completed { request, result, .. } => {
            let code = result.err().map_or(0, |refusal| refusal.0);
            ("completed", None, vec![request, code.cast_unsigned()])
        }
        Kind::Stray { call, message, .. } => ("stray", Some(TapiCall(call)), vec![message]),
    };
    json!({ "line": line, "kind": kind, "call": call.map(|call| call.0), "numbers": numbers })
}

/// One line, whole, at once: whoever kills us must find what was heard.
fn say(value: &Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}").unwrap();
    out.flush().unwrap();
}
