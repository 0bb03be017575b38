//! The TSPI_* exports of Tapline.

pub mod telephony_server;
