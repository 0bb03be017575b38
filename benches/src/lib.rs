//! What the benches share: the traffic of a PBX, a running provider, and figures.
//!
//! A bench prints criterion's figures where criterion fits, and always summary lines of the form
//! `ratio <what> <measured> (limit <to reach>)`. None fails on time: a shared machine would make
//! it a lottery. What is compared is measured in turns in the same run, so that whatever else the
//! machine does meets both alike.

pub mod figures;
pub mod flood;
pub mod provider;
pub mod traffic;
