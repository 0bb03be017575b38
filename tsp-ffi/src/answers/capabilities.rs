//! LINEDEVCAPS and LINEADDRESSCAPS.

use super::RATE;
use crate::abi::{
    LINEADDRESSMODE_ADDRESSID, LINEBEARERMODE_VOICE, LINEDIGITMODE_DTMF, LineAddressCaps,
    LineDevCaps, STRINGFORMAT_UNICODE, Version, WindowsGuid,
};
use crate::writer::Writer;
use engine::capability as claims;
use engine::tapi::{
    BUSY_STATION, DIALTONE_INTERNAL, LineErr, MEDIA_INTERACTIVE_VOICE, OFFERING_ACTIVE,
    disconnect_mode, forward_mode, party_id,
};
use engine::uui;
use engine::view::{LineView, Wide};

/// Fills LINEDEVCAPS.
///
/// # Errors
/// Those of [`Writer::begin`].
///
/// # Safety
/// That of [`Writer::begin`].
pub(crate) unsafe fn line_caps(
    view: &LineView,
    version: Version,
    to: *mut LineDevCaps,
) -> Result<(), LineErr> {
    // SAFETY: the caller's promise.
    let mut writer = unsafe { Writer::begin(to, version)? };
    let who = &view.identity;
    let caps = LineDevCaps {
        provider_info: writer.place(PROVIDER_INFO),
        switch_info: writer.place(who.switch.bytes()),
        permanent_line_id: who.permanent.0,
        line_name: writer.place(who.name.bytes()),
        string_format: STRINGFORMAT_UNICODE,
        address_modes: LINEADDRESSMODE_ADDRESSID,
        num_addresses: 1,
        bearer_modes: LINEBEARERMODE_VOICE,
        max_rate: RATE,
        media_modes: MEDIA_INTERACTIVE_VOICE,
        // All legs of a PBX call have one dwCallID, which is what a call hub is made of.
        dev_cap_flags: if version >= Version::V3_0 { LINEDEVCAPFLAGS_CALLHUB } else { 0 },
        generate_digit_modes: LINEDIGITMODE_DTMF,
        max_num_active_calls: claims::most_active_calls(view),
        uui_send_user_user_info_size: uui::MAX_BYTES as u32,
        uui_call_info_size: (Wide::MAX_UNITS * 2) as u32,
        answer_mode: LINEANSWERMODE_HOLD,
        ring_modes: 1,
        line_states: claims::LINE_STATES,
        line_features: claims::line_features_claimed(view),
        device_classes: writer.place(DEVICE_CLASSES),
        permanent_line_guid: who.guid.into(),
        address_types: LINEADDRESSTYPE_PHONENUMBER,
        protocol_guid: WindowsGuid::PROTOCOL_PSTN,
        ..LineDevCaps::default()
    };
    writer.finish(caps);
    Ok(())
}

/// Fills LINEADDRESSCAPS.
///
/// # Errors
/// Those of [`Writer::begin`].
///
/// # Safety
/// That of [`Writer::begin`].
pub(crate) unsafe fn address_caps(
    view: &LineView,
    device: u32,
    version: Version,
    to: *mut LineAddressCaps,
) -> Result<(), LineErr> {
    // SAFETY: the caller's promise.
    let mut writer = unsafe { Writer::begin(to, version)? };
    let forward_modes = claims::forward_modes(view);
    let caps = LineAddressCaps {
        line_device_id: device,
        address: writer.place(view.identity.number.bytes()),
        address_sharing: LINEADDRESSSHARING_PRIVATE,
        address_states: claims::ADDRESS_STATES,
        call_info_states: claims::CALL_INFO_STATES,
        caller_id_flags: PARTY_ID | party_id::BLOCKED,
        called_id_flags: PARTY_ID,
        connected_id_flags: PARTY_ID,
        redirection_id_flags: PARTY_ID,
        redirecting_id_flags: PARTY_ID,
        call_states: claims::CALL_STATES,
        dial_tone_modes: DIALTONE_INTERNAL,
        busy_modes: BUSY_STATION,
        special_info: LINESPECIALINFO_UNAVAIL,
        disconnect_modes: disconnect_mode::ALL,
        max_num_active_calls: claims::most_active_calls(view),
        max_num_on_hold_calls: claims::MAX_ACTIVE_CALLS,
        max_num_on_hold_pending_calls: 1,
        addr_cap_flags: ADDR_CAP_FLAGS | forward_flags(forward_modes),
        call_features: claims::call_features_claimed(view),
        call_features2: claims::call_features_2_claimed(view),
        transfer_modes: claims::transfer_modes(view),
        max_num_conference: claims::most_in_conference(view),
        max_num_trans_conf: claims::most_in_conference(view),
        remove_from_conf_caps: if claims::most_in_conference(view) == 0 {
            LINEREMOVEFROMCONF_NONE
        } else {
            LINEREMOVEFROMCONF_ANY
        },
        remove_from_conf_state: engine::tapi::CallState::Idle.bits(),
        park_modes: claims::PARK_MODES,
        forward_modes,
        max_forward_entries: claims::most_forward_entries(view),
        max_specific_entries: if forward_modes == 0 {
            0
        } else {
            claims::MAX_SPECIFIC_ENTRIES as u32
        },
        max_fwd_num_rings: if forward_modes == 0 { 0 } else { claims::MAX_FORWARD_RINGS },
        address_features: claims::address_features_claimed(view),
        device_classes: writer.place(DEVICE_CLASSES),
        connected_modes: claims::CONNECTED_MODES,
        offering_modes: OFFERING_ACTIVE,
        available_media_modes: MEDIA_INTERACTIVE_VOICE,
        ..LineAddressCaps::default()
    };
    writer.finish(caps);
    Ok(())
}

/// LINEADDRCAPFLAGS of a line with these LINEFORWARDMODE bits: each kind may have a target of its
/// own, the number of rings can be set, and what is shown is what the PBX says.
fn forward_flags(modes: u32) -> u32 {
    let by_origin = if modes & forward_mode::BY_ORIGIN == 0 { 0 } else { FWDINTEXTADDR };
    if modes == 0 { 0 } else { FWDNUMRINGS | FWDSTATUSVALID | FWDBUSYNAADDR | by_origin }
}

const FWDNUMRINGS: u32 = 0x1;
const FWDSTATUSVALID: u32 = 0x2_0000;
const FWDINTEXTADDR: u32 = 0x4_0000;
const FWDBUSYNAADDR: u32 = 0x8_0000;

/// A party may be known by number, by name, not yet, or never.
const PARTY_ID: u32 = party_id::ADDRESS | party_id::NAME | party_id::UNKNOWN | party_id::UNAVAIL;

const LINEDEVCAPFLAGS_CALLHUB: u32 = 0x400;
const LINEANSWERMODE_HOLD: u32 = 4;
const LINEADDRESSTYPE_PHONENUMBER: u32 = 1;
const LINEADDRESSSHARING_PRIVATE: u32 = 1;
const LINESPECIALINFO_UNAVAIL: u32 = 0x10;
const LINEADDRCAPFLAGS_BLOCKIDOVERRIDE: u32 = 0x10;
const LINEADDRCAPFLAGS_DIALED: u32 = 0x20;
const LINEADDRCAPFLAGS_ORIGOFFHOOK: u32 = 0x40;
const LINEADDRCAPFLAGS_AUTORECONNECT: u32 = 0x400;
const LINEADDRCAPFLAGS_TRANSFERHELD: u32 = 0x1000;
const LINEADDRCAPFLAGS_TRANSFERMAKE: u32 = 0x2000;
const LINEADDRCAPFLAGS_PARTIALDIAL: u32 = 0x1_0000;
const LINEREMOVEFROMCONF_NONE: u32 = 1;
const LINEREMOVEFROMCONF_ANY: u32 = 3;

/// Any held call can be transferred to any call made; a consultation that is dropped leads back to
/// the call it was for. A call is made by the telephone, which goes off the hook for it by itself.
const ADDR_CAP_FLAGS: u32 = LINEADDRCAPFLAGS_DIALED
    | LINEADDRCAPFLAGS_BLOCKIDOVERRIDE
    | LINEADDRCAPFLAGS_ORIGOFFHOOK
    | LINEADDRCAPFLAGS_AUTORECONNECT
    | LINEADDRCAPFLAGS_TRANSFERHELD
    | LINEADDRCAPFLAGS_TRANSFERMAKE
    | LINEADDRCAPFLAGS_PARTIALDIAL;

/// What the provider is.
const PROVIDER_INFO: &[u8] = &wide::<{ PROVIDER.len() * 2 }>(PROVIDER);
const PROVIDER: &str = concat!("Tapline ", env!("CARGO_PKG_VERSION"), " for innovaphone PBX\0");

/// A list of one class: each ends with a NUL, and so does the list.
const DEVICE_CLASSES: &[u8] = &wide::<22>("tapi/line\0\0");

/// An ASCII text in UTF-16, little-endian.
const fn wide<const BYTES: usize>(text: &str) -> [u8; BYTES] {
    assert!(text.is_ascii() && text.len() * 2 == BYTES);
    let mut bytes = [0; BYTES];
    let mut index = 0;
    while index < text.len() {
        bytes[index * 2] = text.as_bytes()[index];
        index += 1;
    }
    bytes
}
