//! TAPI's bits in the words that people write, without their prefixes.

use engine::tapi::{
    CallState, address_state, call_info_state, connected_mode, disconnect_mode, line_dev_state,
};

/// A bit and its name.
type Word = (u32, &'static str);

const CALL_INFO_STATES: &[Word] = &[
    (call_info_state::BEARERMODE, "BEARERMODE"),
    (call_info_state::RATE, "RATE"),
    (call_info_state::MEDIAMODE, "MEDIAMODE"),
    (call_info_state::APPSPECIFIC, "APPSPECIFIC"),
    (call_info_state::CALLID, "CALLID"),
    (call_info_state::RELATEDCALLID, "RELATEDCALLID"),
    (call_info_state::ORIGIN, "ORIGIN"),
    (call_info_state::REASON, "REASON"),
    (call_info_state::CALLERID, "CALLERID"),
    (call_info_state::CALLEDID, "CALLEDID"),
    (call_info_state::CONNECTEDID, "CONNECTEDID"),
    (call_info_state::REDIRECTIONID, "REDIRECTIONID"),
    (call_info_state::REDIRECTINGID, "REDIRECTINGID"),
    (call_info_state::USERUSERINFO, "USERUSERINFO"),
];

const ADDRESS_STATES: &[Word] = &[
    (address_state::OTHER, "OTHER"),
    (address_state::INUSEZERO, "INUSEZERO"),
    (address_state::INUSEONE, "INUSEONE"),
    (address_state::NUMCALLS, "NUMCALLS"),
    (address_state::FORWARD, "FORWARD"),
    (address_state::CAPSCHANGE, "CAPSCHANGE"),
];

const LINE_DEV_STATES: &[Word] = &[
    (line_dev_state::OTHER, "OTHER"),
    (line_dev_state::RINGING, "RINGING"),
    (line_dev_state::CONNECTED, "CONNECTED"),
    (line_dev_state::DISCONNECTED, "DISCONNECTED"),
    (line_dev_state::INSERVICE, "INSERVICE"),
    (line_dev_state::OUTOFSERVICE, "OUTOFSERVICE"),
    (line_dev_state::NUMCALLS, "NUMCALLS"),
    (line_dev_state::REINIT, "REINIT"),
    (line_dev_state::CAPSCHANGE, "CAPSCHANGE"),
    (line_dev_state::REMOVED, "REMOVED"),
];

const CONNECTED_MODES: &[Word] =
    &[(connected_mode::ACTIVE, "ACTIVE"), (connected_mode::ACTIVEHELD, "ACTIVEHELD")];

const DISCONNECT_MODES: &[Word] = &[
    (disconnect_mode::NORMAL, "NORMAL"),
    (disconnect_mode::UNKNOWN, "UNKNOWN"),
    (disconnect_mode::REJECT, "REJECT"),
    (disconnect_mode::PICKUP, "PICKUP"),
    (disconnect_mode::FORWARDED, "FORWARDED"),
    (disconnect_mode::BUSY, "BUSY"),
    (disconnect_mode::NOANSWER, "NOANSWER"),
    (disconnect_mode::BADADDRESS, "BADADDRESS"),
    (disconnect_mode::UNREACHABLE, "UNREACHABLE"),
    (disconnect_mode::CONGESTION, "CONGESTION"),
    (disconnect_mode::INCOMPATIBLE, "INCOMPATIBLE"),
    (disconnect_mode::UNAVAIL, "UNAVAIL"),
    (disconnect_mode::NUMBERCHANGED, "NUMBERCHANGED"),
    (disconnect_mode::OUTOFORDER, "OUTOFORDER"),
    (disconnect_mode::TEMPFAILURE, "TEMPFAILURE"),
    (disconnect_mode::QOSUNAVAIL, "QOSUNAVAIL"),
    (disconnect_mode::BLOCKED, "BLOCKED"),
    (disconnect_mode::CANCELLED, "CANCELLED"),
];

/// LINECALLINFOSTATE bits.
pub(crate) fn call_info(bits: u32) -> Vec<String> {
    words(bits, CALL_INFO_STATES)
}

/// LINEADDRESSSTATE bits.
pub(crate) fn address(bits: u32) -> Vec<String> {
    words(bits, ADDRESS_STATES)
}

/// LINEDEVSTATE bits.
pub(crate) fn line_dev(bits: u32) -> Vec<String> {
    words(bits, LINE_DEV_STATES)
}

/// LINECALLSTATE.
pub(crate) fn call_state(bits: u32) -> String {
    let known = CallState::ALL.iter().find(|state| state.bits() == bits);
    known.map_or_else(|| format!("0x{bits:X}"), |state| state.name().to_owned())
}

/// The mode of a call state; `None` where it goes without saying.
pub(crate) fn call_state_mode(state: u32, mode: u32) -> Option<String> {
    let table = match state {
        _ if mode == 0 => return None,
        state if state == CallState::Connected.bits() => CONNECTED_MODES,
        state if state == CallState::Disconnected.bits() => DISCONNECT_MODES,
        // One mode each is all that this provider reports.
        state if state == CallState::Offering.bits() && mode == engine::tapi::OFFERING_ACTIVE => {
            return None;
        }
        state if state == CallState::Busy.bits() && mode == engine::tapi::BUSY_STATION => {
            return None;
        }
        state if state == CallState::DialTone.bits() && mode == engine::tapi::DIALTONE_INTERNAL => {
            return None;
        }
        _ => &[],
    };
    match (mode, table) {
        (connected_mode::ACTIVE, CONNECTED_MODES) => None,
        _ => Some(words(mode, table).join(" ")),
    }
}

/// The names of the bits set, and the rest as a number.
fn words(bits: u32, table: &[Word]) -> Vec<String> {
    let named = table.iter().filter(|(bit, _)| bits & bit != 0);
    let mut words: Vec<String> = named.clone().map(|(_, name)| (*name).to_owned()).collect();
    let rest = named.fold(bits, |rest, (bit, _)| rest & !bit);
    if rest != 0 {
        words.push(format!("0x{rest:X}"));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_is_named_once_or_shown_as_a_number() {
        for table in
            [CALL_INFO_STATES, ADDRESS_STATES, LINE_DEV_STATES, CONNECTED_MODES, DISCONNECT_MODES]
        {
            let union = table.iter().fold(0, |bits, (bit, _)| {
                assert!(bit.is_power_of_two() && bits & bit == 0, "{bit:#x}");
                bits | bit
            });
            assert_eq!(words(union, table).len(), table.len());
        }
        assert_eq!(address(0x8000_0028), ["INUSEONE", "NUMCALLS", "0x80000000"]);
    }

    #[test]
    fn the_usual_mode_goes_without_saying() {
        let mode = |state: CallState, mode| call_state_mode(state.bits(), mode);
        assert_eq!(mode(CallState::Connected, connected_mode::ACTIVE), None);
        assert_eq!(
            mode(CallState::Connected, connected_mode::ACTIVEHELD).as_deref(),
            Some("ACTIVEHELD")
        );
        assert_eq!(
            mode(CallState::Disconnected, disconnect_mode::NORMAL).as_deref(),
            Some("NORMAL")
        );
        assert_eq!(mode(CallState::Offering, 1), None);
        assert_eq!(mode(CallState::Idle, 0), None);
        assert_eq!(mode(CallState::Idle, 9).as_deref(), Some("0x9"));
    }
}
