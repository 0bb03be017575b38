//! What a line claims and admits of call forwarding.

use super::{ADDRESS_FEATURES, LINE_FEATURES};
use crate::forwarding::{Callers, Forward};
use crate::tapi::{LineErr, address_feature, forward_mode, line_feature};
use crate::view::LineView;

/// Most entries in one list of `TSPI_lineForward` that are about one caller each.
pub const MAX_SPECIFIC_ENTRIES: usize = 16;

/// Most entries in one list, whatever the line: these, and one for each of three cases and three
/// kinds of callers. A longer list names something twice.
pub const MAX_FORWARD_ENTRIES: usize = MAX_SPECIFIC_ENTRIES + 9;

/// Most rings until a call counts as not answered: more than any caller waits for. The least is 0,
/// which leaves it to the PBX.
pub const MAX_FORWARD_RINGS: u32 = 20;

/// LINEFORWARDMODE bits that a line claims: inside and outside only where a trunk tells them
/// apart; nothing where the PBX does not let us. "Busy or no answer" is taken although it is not
/// claimed, because both are there one by one.
#[must_use]
pub fn forward_modes(view: &LineView) -> u32 {
    match (view.forwards.refused, view.identity.trunks.is_empty()) {
        (true, _) => 0,
        (false, true) => forward_mode::PLAIN,
        (false, false) => forward_mode::PLAIN | forward_mode::BY_ORIGIN,
    }
}

/// dwMaxForwardEntries: the longest list that the line takes.
#[must_use]
pub fn most_forward_entries(view: &LineView) -> u32 {
    match forward_modes(view) {
        0 => 0,
        modes => MAX_SPECIFIC_ENTRIES as u32 + (modes & !forward_mode::SPECIFIC).count_ones(),
    }
}

/// What an address can do about forwarding: send calls to another number. Not to be disturbed is a
/// thing of the telephones here, which nobody can set for them.
pub(super) const ADDRESS_FORWARDS: u32 = address_feature::FORWARD | address_feature::FORWARDFWD;

/// The same of a line.
pub(super) const LINE_FORWARDS: u32 = line_feature::FORWARD | line_feature::FORWARDFWD;

/// LINEADDRFEATURE bits that this address claims.
#[must_use]
pub fn address_features_claimed(view: &LineView) -> u32 {
    ADDRESS_FEATURES & !if view.forwards.refused { ADDRESS_FORWARDS } else { 0 }
}

/// LINEFEATURE bits that this line claims.
#[must_use]
pub fn line_features_claimed(view: &LineView) -> u32 {
    LINE_FEATURES & !if view.forwards.refused { LINE_FORWARDS } else { 0 }
}

/// [`admit`](super::admit) for `TSPI_lineForward`: all of the list, or nothing.
pub(super) fn admit_forward(view: &LineView, forwards: &[Forward]) -> Result<(), LineErr> {
    if view.removed || !view.connected {
        return Err(LineErr::OperationFailed);
    }
    if view.forwards.refused {
        return Err(LineErr::OperationUnavail);
    }
    let modes = forward_modes(view);
    let either = (modes & forward_mode::BUSY_OF_ANY) << 8;
    let callers = forwards.iter().map(|forward| forward.callers.number());
    let specific = callers.filter(|number| !number.is_empty()).count();
    if forwards.len() > MAX_FORWARD_ENTRIES || specific > MAX_SPECIFIC_ENTRIES {
        return Err(LineErr::InvalParam);
    }
    for (index, forward) in forwards.iter().enumerate() {
        let nobody = matches!(&forward.callers, Callers::Specific(caller) if caller.is_empty());
        let twice = forwards[..index].iter().any(|earlier| earlier.competes_with(forward));
        if (modes | either) & forward.mode() == 0 || nobody || twice {
            return Err(LineErr::InvalParam);
        }
        if forward.to.is_empty() {
            // FORWARDDND is not claimed.
            return Err(LineErr::InvalAddress);
        }
    }
    Ok(())
}

/// Forwarding is the PBX's, so it does not take a registered device.
pub(super) fn can_forward(view: &LineView) -> bool {
    !view.removed && view.connected && !view.forwards.refused
}
