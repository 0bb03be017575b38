//! What the engine does with several PBXs: which lines there are, how they are called, where they are
//! at home, and what becomes of them when a PBX goes and another takes over.
#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, missing_docs, unreachable_pub)]

mod across;
mod grove;
mod homes;
mod names;
mod pauses;
mod settings;
mod standby;
mod tree;
