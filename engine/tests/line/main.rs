//! What the engine does with one PBX and its lines: calls, requests, forwards, from the PBX's words to
//! the messages of applications.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod calls;
mod conference;
mod errands;
mod forward;
mod hold;
mod one_active_call;
mod overtaking;
mod parking;
mod pickup;
mod proof;
mod site;
mod transfer;
