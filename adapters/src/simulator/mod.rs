//! A PBX simulator.
pub mod estate;
pub mod model;
pub mod switches;
