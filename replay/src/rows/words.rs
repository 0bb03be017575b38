//! TAPI's bits in the words that people write, without their prefixes.

use engine::tapi::{
    CallState, address_feature, address_state, call_feature, call_info_state, connected_mode,
    disconnect_mode, line_dev_state, origin, party_id, reason,
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

const CALL_FEATURES: &[Word] = &[
    (call_feature::ADDTOCONF, "ADDTOCONF"),
    (call_feature::ANSWER, "ANSWER"),
    (call_feature::BLINDTRANSFER, "BLINDTRANSFER"),
    (call_feature::COMPLETETRANSF, "COMPLETETRANSF"),
    (call_feature::DIAL, "DIAL"),
    (call_feature::DROP, "DROP"),
    (call_feature::GENERATEDIGITS, "GENERATEDIGITS"),
    (call_feature::HOLD, "HOLD"),
    (call_feature::PARK, "PARK"),
    (call_feature::REDIRECT, "REDIRECT"),
    (call_feature::SENDUSERUSER, "SENDUSERUSER"),
    (call_feature::SETCALLPARAMS, "SETCALLPARAMS"),
    (call_feature::REMOVEFROMCONF, "REMOVEFROMCONF"),
    (call_feature::SETUPCONF, "SETUPCONF"),
    (call_feature::SETUPTRANSFER, "SETUPTRANSFER"),
    (call_feature::SWAPHOLD, "SWAPHOLD"),
    (call_feature::UNHOLD, "UNHOLD"),
];

const ADDRESS_FEATURES: &[Word] = &[
    (address_feature::FORWARD, "FORWARD"),
    (address_feature::MAKECALL, "MAKECALL"),
    (address_feature::PICKUP, "PICKUP"),
    (address_feature::UNPARK, "UNPARK"),
    (address_feature::PICKUPGROUP, "PICKUPGROUP"),
    (address_feature::PICKUPDIRECT, "PICKUPDIRECT"),
    (address_feature::FORWARDFWD, "FORWARDFWD"),
];

const ORIGINS: &[Word] = &[
    (origin::OUTBOUND, "OUTBOUND"),
    (origin::INTERNAL, "INTERNAL"),
    (origin::EXTERNAL, "EXTERNAL"),
    (origin::CONFERENCE, "CONFERENCE"),
    (origin::INBOUND, "INBOUND"),
];

const REASONS: &[Word] = &[
    (reason::DIRECT, "DIRECT"),
    (reason::FWDBUSY, "FWDBUSY"),
    (reason::FWDNOANSWER, "FWDNOANSWER"),
    (reason::FWDUNCOND, "FWDUNCOND"),
    (reason::PICKUP, "PICKUP"),
    (reason::UNPARK, "UNPARK"),
    (reason::REDIRECT, "REDIRECT"),
    (reason::TRANSFER, "TRANSFER"),
    (reason::REMINDER, "REMINDER"),
    (reason::UNKNOWN, "UNKNOWN"),
    (reason::PARKED, "PARKED"),
];

const PARTY_FLAGS: &[Word] = &[
    (party_id::BLOCKED, "BLOCKED"),
    (party_id::NAME, "NAME"),
    (party_id::ADDRESS, "ADDRESS"),
    (party_id::UNKNOWN, "UNKNOWN"),
    (party_id::UNAVAIL, "UNAVAIL"),
];

/// The modes of LINEFORWARD, from the bit 1 on.
const FORWARD_MODES: &[Word] = &[
    (0x1, "UNCOND"),
    (0x2, "UNCONDINTERNAL"),
    (0x4, "UNCONDEXTERNAL"),
    (0x8, "UNCONDSPECIFIC"),
    (0x10, "BUSY"),
    (0x20, "BUSYINTERNAL"),
    (0x40, "BUSYEXTERNAL"),
    (0x80, "BUSYSPECIFIC"),
    (0x100, "NOANSW"),
    (0x200, "NOANSWINTERNAL"),
    (0x400, "NOANSWEXTERNAL"),
    (0x800, "NOANSWSPECIFIC"),
    (0x1000, "BUSYNA"),
    (0x2000, "BUSYNAINTERNAL"),
    (0x4000, "BUSYNAEXTERNAL"),
    (0x8000, "BUSYNASPECIFIC"),
    (0x1_0000, "UNKNOWN"),
    (0x2_0000, "UNAVAIL"),
];

/// LINECALLFEATURE bits.
pub(crate) fn call_features(bits: u32) -> Vec<String> {
    words(bits, CALL_FEATURES)
}

/// LINEADDRFEATURE bits.
pub(crate) fn address_features(bits: u32) -> Vec<String> {
    words(bits, ADDRESS_FEATURES)
}

/// LINECALLORIGIN.
pub(crate) fn origin(bits: u32) -> String {
    words(bits, ORIGINS).join(" ")
}

/// LINECALLREASON.
pub(crate) fn reason(bits: u32) -> String {
    words(bits, REASONS).join(" ")
}

/// LINECALLPARTYID flags.
pub(crate) fn party_flags(bits: u32) -> Vec<String> {
    words(bits, PARTY_FLAGS)
}

/// LINEFORWARDMODE.
pub(crate) fn forward_mode(bits: u32) -> String {
    words(bits, FORWARD_MODES).join(" ")
}

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
        // The handle of the conference, which is a number of ours.
        state if state == CallState::Conferenced.bits() => return None,
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
        for table in [
            CALL_INFO_STATES,
            ADDRESS_STATES,
            LINE_DEV_STATES,
            CONNECTED_MODES,
            DISCONNECT_MODES,
            CALL_FEATURES,
            ADDRESS_FEATURES,
            ORIGINS,
            REASONS,
            PARTY_FLAGS,
            FORWARD_MODES,
        ] {
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
