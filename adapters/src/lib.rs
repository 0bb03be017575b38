//! The world around the engine. Each outside package is named in one file here.

pub mod actors;
#[cfg(feature = "sharing")]
pub mod anonymise;
pub mod capture;
pub mod clock;
pub mod desk;
pub mod diary;
pub mod excerpt;
pub mod exchange;
pub mod http;
pub mod ids;
pub mod journal;
pub mod metrics;
pub mod runtime;
pub mod secret;
pub mod settings;
#[cfg(feature = "simulator")]
pub mod simulation;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod soap;
pub mod trace;
pub mod upkeep;
pub mod verification;
pub mod views;
