//! The structures that synchronous functions fill, made from views.
//!
//! What is written into them is either said by the view or claimed in `engine::capability`.

mod capabilities;
mod status;

pub(crate) use capabilities::{address_caps, line_caps};
pub(crate) use status::{
    address_status, call_info, call_status, line_status, text_string, var_string,
};

/// Bits a second of a voice call, claimed and reported alike.
pub(crate) const RATE: u32 = 64_000;
