//! The world around the engine. Each outside package is named in one file here.

pub mod runtime;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod soap;
pub mod views;
