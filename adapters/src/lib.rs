//! The world around the engine. Each outside package is named in one file here.

pub mod actors;
pub mod clock;
pub mod diary;
pub mod runtime;
pub mod views;
