//! The world around the engine. Each outside package is named in one file here.

pub mod runtime;
pub mod soap;
pub mod views;
#[cfg(feature = "simulator")]
pub mod simulator;
