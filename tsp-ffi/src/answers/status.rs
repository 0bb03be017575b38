//! LINECALLINFO, LINECALLSTATUS, LINEDEVSTATUS, LINEADDRESSSTATUS and VARSTRING.

use super::RATE;
use crate::abi::{
    LINEBEARERMODE_VOICE, LineAddressStatus, LineCallInfo, LineCallStatus, LineDevStatus,
    STRINGFORMAT_BINARY, STRINGFORMAT_UNICODE, VarString, Version,
};
use crate::session::KnownCall;
use crate::writer::Writer;
use engine::capability as claims;
use engine::tapi::{CallState, LineErr, MEDIA_INTERACTIVE_VOICE, line_dev_status, line_feature};
use engine::view::{CallView, Counts, ForwardView, LineView, PartyId, Wide};

/// Fills LINECALLINFO.
///
/// # Errors
/// Those of [`Writer::begin`].
///
/// # Safety
/// That of [`Writer::begin`].
pub(crate) unsafe fn call_info(
    view: &CallView,
    known: &KnownCall,
    to: *mut LineCallInfo,
) -> Result<(), LineErr> {
    // SAFETY: the caller's promise.
    let mut writer = unsafe { Writer::begin(to, known.version)? };
    let card = &*view.info;
    let info = LineCallInfo {
        line_device_id: known.device,
        bearer_mode: LINEBEARERMODE_VOICE,
        rate: RATE,
        media_mode: known.media.unwrap_or(card.media),
        app_specific: known.app_specific.unwrap_or(card.app_specific),
        call_id: card.call_id,
        related_call_id: card.related_call_id,
        call_param_flags: card.call_param_flags,
        call_states: claims::CALL_STATES,
        origin: card.origin,
        reason: card.reason,
        country_code: card.country_code,
        trunk: TRUNK_UNKNOWN,
        caller_id_flags: card.caller.flags,
        caller_id: writer.place(card.caller.number.bytes()),
        caller_id_name: writer.place(card.caller.name.bytes()),
        caller_id_address_type: address_type(&card.caller),
        called_id_flags: card.called.flags,
        called_id: writer.place(card.called.number.bytes()),
        called_id_name: writer.place(card.called.name.bytes()),
        called_id_address_type: address_type(&card.called),
        connected_id_flags: card.connected.flags,
        connected_id: writer.place(card.connected.number.bytes()),
        connected_id_name: writer.place(card.connected.name.bytes()),
        connected_id_address_type: address_type(&card.connected),
        redirection_id_flags: card.redirection.flags,
        redirection_id: writer.place(card.redirection.number.bytes()),
        redirection_id_name: writer.place(card.redirection.name.bytes()),
        redirection_id_address_type: address_type(&card.redirection),
        redirecting_id_flags: card.redirecting.flags,
        redirecting_id: writer.place(card.redirecting.number.bytes()),
        redirecting_id_name: writer.place(card.redirecting.name.bytes()),
        redirecting_id_address_type: address_type(&card.redirecting),
        user_user_info: writer.place(card.uui.bytes()),
        ..LineCallInfo::default()
    };
    writer.finish(info);
    Ok(())
}

/// Fills LINECALLSTATUS.
///
/// # Errors
/// Those of [`Writer::begin`].
///
/// # Safety
/// That of [`Writer::begin`].
pub(crate) unsafe fn call_status(
    view: &CallView,
    version: Version,
    to: *mut LineCallStatus,
) -> Result<(), LineErr> {
    // SAFETY: the caller's promise.
    let writer = unsafe { Writer::begin(to, version)? };
    writer.finish(LineCallStatus {
        call_state: view.state.bits(),
        call_state_mode: match view.state {
            // What goes with it is the server's handle of the conference, which is no mode.
            CallState::Conferenced => 0,
            _ => view.mode,
        },
        call_features: view.features,
        call_features2: view.features_2,
        state_entry_time: view.since.into(),
        ..LineCallStatus::default()
    });
    Ok(())
}

/// Fills LINEDEVSTATUS.
///
/// # Errors
/// Those of [`Writer::begin`].
///
/// # Safety
/// That of [`Writer::begin`].
pub(crate) unsafe fn line_status(
    view: &LineView,
    counts: Counts,
    version: Version,
    to: *mut LineDevStatus,
) -> Result<(), LineErr> {
    // SAFETY: the caller's promise.
    let writer = unsafe { Writer::begin(to, version)? };
    let features = claims::line_features(view);
    writer.finish(LineDevStatus {
        num_active_calls: counts.active,
        num_on_hold_calls: counts.held,
        num_on_hold_pend_calls: counts.hold_pending,
        line_features: features,
        ring_mode: u32::from(view.ringing),
        signal_level: LEVEL_NOT_APPLICABLE,
        battery_level: LEVEL_NOT_APPLICABLE,
        roam_mode: LINEROAMMODE_UNAVAIL,
        dev_status_flags: if view.connected { line_dev_status::CONNECTED } else { 0 }
            | if view.in_service { line_dev_status::INSERVICE } else { 0 },
        available_media_modes: if features & line_feature::MAKECALL == 0 {
            0
        } else {
            MEDIA_INTERACTIVE_VOICE
        },
        ..LineDevStatus::default()
    });
    Ok(())
}

/// Fills LINEADDRESSSTATUS.
///
/// # Errors
/// Those of [`Writer::begin`].
///
/// # Safety
/// That of [`Writer::begin`].
pub(crate) unsafe fn address_status(
    view: &LineView,
    counts: Counts,
    version: Version,
    to: *mut LineAddressStatus,
) -> Result<(), LineErr> {
    // SAFETY: the caller's promise.
    let mut writer = unsafe { Writer::begin(to, version)? };
    let entries = &view.forwards.entries;
    let in_use = counts.active + counts.held + counts.hold_pending > 0;
    let forward = writer.place_with(forwards_size(entries), |place, offset| {
        write_forwards(entries, place, offset);
    });
    writer.finish(LineAddressStatus {
        num_in_use: u32::from(in_use),
        num_active_calls: counts.active,
        num_on_hold_calls: counts.held,
        num_on_hold_pend_calls: counts.hold_pending,
        address_features: claims::address_features(view),
        num_rings_no_answer: view.forwards.rings,
        forward_num_entries: entries.len() as u32,
        forward,
        ..LineAddressStatus::default()
    });
    Ok(())
}

/// Fills VARSTRING with bytes.
///
/// # Errors
/// Those of [`Writer::begin`].
///
/// # Safety
/// That of [`Writer::begin`].
pub(crate) unsafe fn var_string(
    bytes: &[u8],
    version: Version,
    to: *mut VarString,
) -> Result<(), LineErr> {
    // SAFETY: the caller's promise.
    let mut writer = unsafe { Writer::begin(to, version)? };
    let string = writer.place(bytes);
    writer.finish(VarString { string_format: STRINGFORMAT_BINARY, string, ..VarString::default() });
    Ok(())
}

/// Fills a VARSTRING with a text.
///
/// # Errors
/// Those of [`Writer::begin`], and [`LineErr::StructureTooSmall`] if the text has no room; then the
/// structure says how much it needs.
///
/// # Safety
/// That of [`Writer::begin`].
pub(crate) unsafe fn text_string(
    text: &Wide,
    version: Version,
    to: *mut VarString,
) -> Result<(), LineErr> {
    // SAFETY: the caller's promise.
    let mut writer = unsafe { Writer::begin(to, version)? };
    let string = writer.place(text.bytes());
    let has_room = string.size as usize == text.bytes().len();
    writer.finish(VarString {
        string_format: STRINGFORMAT_UNICODE,
        string,
        ..VarString::default()
    });
    if has_room { Ok(()) } else { Err(LineErr::StructureTooSmall) }
}

/// Bytes of a list of LINEFORWARD with its texts.
fn forwards_size(entries: &[ForwardView]) -> usize {
    let texts =
        entries.iter().map(|entry| entry.caller.bytes().len() + entry.destination.bytes().len());
    entries.len() * FORWARD_BYTES + texts.sum::<usize>()
}

/// Writes entries and, behind all of them, their texts. Offsets count from the begin of the
/// structure that holds the list.
fn write_forwards(entries: &[ForwardView], place: &mut [u8], offset: u32) {
    let (list, texts) = place.split_at_mut(entries.len() * FORWARD_BYTES);
    let first = offset + list.len() as u32;
    let mut used = 0;
    for (entry, place) in entries.iter().zip(list.chunks_exact_mut(FORWARD_BYTES)) {
        let mut put = |at: usize, value: u32| {
            place[at..at + 4].copy_from_slice(&value.to_le_bytes());
        };
        put(0, entry.mode);
        for (at, text) in [(4, entry.caller.bytes()), (16, entry.destination.bytes())] {
            if !text.is_empty() {
                texts[used..used + text.len()].copy_from_slice(text);
                put(at, text.len() as u32);
                put(at + 4, first + used as u32);
                used += text.len();
            }
        }
    }
}

/// LINEFORWARD in all versions that we speak.
const FORWARD_BYTES: usize = 24;

/// LINEADDRESSTYPE_PHONENUMBER where there is a number.
fn address_type(party: &PartyId) -> u32 {
    u32::from(!party.number.is_empty())
}

/// No trunk is known.
const TRUNK_UNKNOWN: u32 = 0xFFFF_FFFF;
/// For levels of radio devices, on a line that has none.
const LEVEL_NOT_APPLICABLE: u32 = 0xFFFF;
const LINEROAMMODE_UNAVAIL: u32 = 2;
