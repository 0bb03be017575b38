//! The world around the engine. Each outside package is named in one file here.

pub mod capture;
pub mod journal;
pub mod runtime;
pub mod views;
