//! Structures, to the byte.
//!
//! The public headers pack them to one byte, so the alignment is 1 and no reference to a member
//! is ever taken. Each member stands behind its offset, and the compiler checks both that and the
//! size, for every target; the numbers are those of the public headers in their newest shape.
//! Older versions know a first part of that shape only, see [`Answer::fixed_size`].

// The members are described by TSPI under the same names.
#![allow(missing_docs)]

use super::Version;

/// Where an item of variable size lies in its structure. Both are 0 for an absent item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, packed(1))]
pub struct Extent {
    /// Bytes, with the NUL of a string.
    pub size: u32,
    /// From the start of the structure.
    pub offset: u32,
}

/// A structure of variable size that the provider fills.
///
/// # Safety
/// The type is `repr(C, packed(1))` without padding, made of integers only, and begins with
/// total, needed and used size.
pub unsafe trait Answer: Copy + Default {
    /// Bytes that belong to the telephony server, as half-open ranges in ascending order. They
    /// are neither read nor written. The total size is always among them.
    const SERVERS: &'static [(usize, usize)];

    /// How much of the structure the version knows.
    #[must_use]
    fn fixed_size(version: Version) -> usize;

    /// Fills in needed and used size.
    fn set_sizes(&mut self, needed: u32, used: u32);
}

macro_rules! structure {
    (
        $(#[$doc:meta])*
        pub struct $name:ident, $size:literal { $($offset:literal $member:ident: $kind:ty,)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[repr(C, packed(1))]
        pub struct $name { $(pub $member: $kind,)* }

        const _: () = {
            $(assert!(std::mem::offset_of!($name, $member) == $offset);)*
            assert!(size_of::<$name>() == $size);
            assert!(align_of::<$name>() == 1);
        };
    };
}

macro_rules! answer {
    ($name:ident, servers: $servers:expr, $($from:ident => $size:literal),+) => {
        // SAFETY: made by `structure!` of integers and of types that are so made, and its first
        // three members are the sizes, which the assignments below would not compile without.
        unsafe impl Answer for $name {
            const SERVERS: &'static [(usize, usize)] = &$servers;

            fn fixed_size(version: Version) -> usize {
                let mut size = 0;
                $(if version >= Version::$from { size = $size; })+
                size
            }

            fn set_sizes(&mut self, needed: u32, used: u32) {
                self.needed_size = needed;
                self.used_size = used;
            }
        }
    };
}

structure! {
    /// LINEDEVCAPS: what a line can do.
    pub struct LineDevCaps, 292 {
        0 total_size: u32,
        4 needed_size: u32,
        8 used_size: u32,
        12 provider_info: Extent,
        20 switch_info: Extent,
        28 permanent_line_id: u32,
        32 line_name: Extent,
        40 string_format: u32,
        44 address_modes: u32,
        48 num_addresses: u32,
        52 bearer_modes: u32,
        56 max_rate: u32,
        60 media_modes: u32,
        64 generate_tone_modes: u32,
        68 generate_tone_max_num_freq: u32,
        72 generate_digit_modes: u32,
        76 monitor_tone_max_num_freq: u32,
        80 monitor_tone_max_num_entries: u32,
        84 monitor_digit_modes: u32,
        88 gather_digits_min_timeout: u32,
        92 gather_digits_max_timeout: u32,
        96 med_ctl_digit_max_list_size: u32,
        100 med_ctl_media_max_list_size: u32,
        104 med_ctl_tone_max_list_size: u32,
        108 med_ctl_call_state_max_list_size: u32,
        112 dev_cap_flags: u32,
        116 max_num_active_calls: u32,
        120 answer_mode: u32,
        124 ring_modes: u32,
        128 line_states: u32,
        132 uui_accept_size: u32,
        136 uui_answer_size: u32,
        140 uui_make_call_size: u32,
        144 uui_drop_size: u32,
        148 uui_send_user_user_info_size: u32,
        152 uui_call_info_size: u32,
        156 min_dial_params: LineDialParams,
        172 max_dial_params: LineDialParams,
        188 default_dial_params: LineDialParams,
        204 num_terminals: u32,
        208 terminal_caps: Extent,
        216 terminal_text_entry_size: u32,
        220 terminal_text: Extent,
        228 dev_specific: Extent,
        236 line_features: u32,
        240 settable_dev_status: u32,
        244 device_classes: Extent,
        252 permanent_line_guid: WindowsGuid,
        268 address_types: u32,
        272 protocol_guid: WindowsGuid,
        288 available_tracking: u32,
    }
}

structure! {
    /// LINEADDRESSCAPS: what an address of a line can do.
    pub struct LineAddressCaps, 228 {
        0 total_size: u32,
        4 needed_size: u32,
        8 used_size: u32,
        12 line_device_id: u32,
        16 address: Extent,
        24 dev_specific: Extent,
        32 address_sharing: u32,
        36 address_states: u32,
        40 call_info_states: u32,
        44 caller_id_flags: u32,
        48 called_id_flags: u32,
        52 connected_id_flags: u32,
        56 redirection_id_flags: u32,
        60 redirecting_id_flags: u32,
        64 call_states: u32,
        68 dial_tone_modes: u32,
        72 busy_modes: u32,
        76 special_info: u32,
        80 disconnect_modes: u32,
        84 max_num_active_calls: u32,
        88 max_num_on_hold_calls: u32,
        92 max_num_on_hold_pending_calls: u32,
        96 max_num_conference: u32,
        100 max_num_trans_conf: u32,
        104 addr_cap_flags: u32,
        108 call_features: u32,
        112 remove_from_conf_caps: u32,
        116 remove_from_conf_state: u32,
        120 transfer_modes: u32,
        124 park_modes: u32,
        128 forward_modes: u32,
        132 max_forward_entries: u32,
        136 max_specific_entries: u32,
        140 min_fwd_num_rings: u32,
        144 max_fwd_num_rings: u32,
        148 max_call_completions: u32,
        152 call_completion_conds: u32,
        156 call_completion_modes: u32,
        160 num_completion_messages: u32,
        164 completion_msg_text_entry_size: u32,
        168 completion_msg_text: Extent,
        176 address_features: u32,
        180 predictive_auto_transfer_states: u32,
        184 num_call_treatments: u32,
        188 call_treatment_list: Extent,
        196 device_classes: Extent,
        204 max_call_data_size: u32,
        208 call_features2: u32,
        212 max_no_answer_timeout: u32,
        216 connected_modes: u32,
        220 offering_modes: u32,
        224 available_media_modes: u32,
    }
}

structure! {
    /// LINECALLINFO: what is known of a call.
    pub struct LineCallInfo, 344 {
        0 total_size: u32,
        4 needed_size: u32,
        8 used_size: u32,
        12 line: u32,
        16 line_device_id: u32,
        20 address_id: u32,
        24 bearer_mode: u32,
        28 rate: u32,
        32 media_mode: u32,
        36 app_specific: u32,
        40 call_id: u32,
        44 related_call_id: u32,
        48 call_param_flags: u32,
        52 call_states: u32,
        56 monitor_digit_modes: u32,
        60 monitor_media_modes: u32,
        64 dial_params: LineDialParams,
        80 origin: u32,
        84 reason: u32,
        88 completion_id: u32,
        92 num_owners: u32,
        96 num_monitors: u32,
        100 country_code: u32,
        104 trunk: u32,
        108 caller_id_flags: u32,
        112 caller_id: Extent,
        120 caller_id_name: Extent,
        128 called_id_flags: u32,
        132 called_id: Extent,
        140 called_id_name: Extent,
        148 connected_id_flags: u32,
        152 connected_id: Extent,
        160 connected_id_name: Extent,
        168 redirection_id_flags: u32,
        172 redirection_id: Extent,
        180 redirection_id_name: Extent,
        188 redirecting_id_flags: u32,
        192 redirecting_id: Extent,
        200 redirecting_id_name: Extent,
        208 app_name: Extent,
        216 displayable_address: Extent,
        224 called_party: Extent,
        232 comment: Extent,
        240 display: Extent,
        248 user_user_info: Extent,
        256 high_level_comp: Extent,
        264 low_level_comp: Extent,
        272 charging_info: Extent,
        280 terminal_modes: Extent,
        288 dev_specific: Extent,
        296 call_treatment: u32,
        300 call_data: Extent,
        308 sending_flowspec: Extent,
        316 receiving_flowspec: Extent,
        324 caller_id_address_type: u32,
        328 called_id_address_type: u32,
        332 connected_id_address_type: u32,
        336 redirection_id_address_type: u32,
        340 redirecting_id_address_type: u32,
    }
}

structure! {
    /// LINECALLSTATUS: the state of a call.
    pub struct LineCallStatus, 56 {
        0 total_size: u32,
        4 needed_size: u32,
        8 used_size: u32,
        12 call_state: u32,
        16 call_state_mode: u32,
        20 call_privilege: u32,
        24 call_features: u32,
        28 dev_specific: Extent,
        36 call_features2: u32,
        40 state_entry_time: SystemTime,
    }
}

structure! {
    /// LINEDEVSTATUS: the state of a line.
    pub struct LineDevStatus, 88 {
        0 total_size: u32,
        4 needed_size: u32,
        8 used_size: u32,
        12 num_opens: u32,
        16 open_media_modes: u32,
        20 num_active_calls: u32,
        24 num_on_hold_calls: u32,
        28 num_on_hold_pend_calls: u32,
        32 line_features: u32,
        36 num_call_completions: u32,
        40 ring_mode: u32,
        44 signal_level: u32,
        48 battery_level: u32,
        52 roam_mode: u32,
        56 dev_status_flags: u32,
        60 terminal_modes: Extent,
        68 dev_specific: Extent,
        76 available_media_modes: u32,
        80 app_info: Extent,
    }
}

structure! {
    /// LINEADDRESSSTATUS: the state of an address.
    pub struct LineAddressStatus, 64 {
        0 total_size: u32,
        4 needed_size: u32,
        8 used_size: u32,
        12 num_in_use: u32,
        16 num_active_calls: u32,
        20 num_on_hold_calls: u32,
        24 num_on_hold_pend_calls: u32,
        28 address_features: u32,
        32 num_rings_no_answer: u32,
        36 forward_num_entries: u32,
        40 forward: Extent,
        48 terminal_modes: Extent,
        56 dev_specific: Extent,
    }
}

structure! {
    /// LINECALLPARAMS: how an application wants a call to be made.
    pub struct LineCallParams, 180 {
        0 total_size: u32,
        4 bearer_mode: u32,
        8 min_rate: u32,
        12 max_rate: u32,
        16 media_mode: u32,
        20 call_param_flags: u32,
        24 address_mode: u32,
        28 address_id: u32,
        32 dial_params: LineDialParams,
        48 orig_address: Extent,
        56 displayable_address: Extent,
        64 called_party: Extent,
        72 comment: Extent,
        80 user_user_info: Extent,
        88 high_level_comp: Extent,
        96 low_level_comp: Extent,
        104 dev_specific: Extent,
        112 predictive_auto_transfer_states: u32,
        116 target_address: Extent,
        124 sending_flowspec: Extent,
        132 receiving_flowspec: Extent,
        140 device_class: Extent,
        148 device_config: Extent,
        156 call_data: Extent,
        164 no_answer_timeout: u32,
        168 calling_party_id: Extent,
        176 address_type: u32,
    }
}

structure! {
    /// LINEFORWARD: one forwarding. Its last two members exist from version 3.1 on.
    pub struct LineForward, 32 {
        0 forward_mode: u32,
        4 caller_address_size: u32,
        8 caller_address_offset: u32,
        12 dest_country_code: u32,
        16 dest_address_size: u32,
        20 dest_address_offset: u32,
        24 caller_address_type: u32,
        28 dest_address_type: u32,
    }
}

structure! {
    /// LINEFORWARDLIST with its first entry; up to version 3.0 an entry has 24 bytes.
    pub struct LineForwardList, 40 {
        0 total_size: u32,
        4 num_entries: u32,
        8 forward_list: LineForward,
    }
}

structure! {
    /// VARSTRING: a string, or bytes, of variable size.
    pub struct VarString, 24 {
        0 total_size: u32,
        4 needed_size: u32,
        8 used_size: u32,
        12 string_format: u32,
        16 string: Extent,
    }
}

structure! {
    /// LINEDIALPARAMS: timing of dialling.
    pub struct LineDialParams, 16 {
        0 dial_pause: u32,
        4 dial_speed: u32,
        8 digit_duration: u32,
        12 wait_for_dialtone: u32,
    }
}

structure! {
    /// LINEEXTENSIONID: identity of vendor extensions; all zero for none.
    pub struct LineExtensionId, 16 {
        0 extension_id0: u32,
        4 extension_id1: u32,
        8 extension_id2: u32,
        12 extension_id3: u32,
    }
}

structure! {
    /// SYSTEMTIME, in UTC.
    pub struct SystemTime, 16 {
        0 year: u16,
        2 month: u16,
        4 day_of_week: u16,
        6 day: u16,
        8 hour: u16,
        10 minute: u16,
        12 second: u16,
        14 milliseconds: u16,
    }
}

structure! {
    /// GUID. Its first three members are numbers, so their bytes lie the other way round than
    /// the text has them.
    pub struct WindowsGuid, 16 {
        0 data1: u32,
        4 data2: u16,
        6 data3: u16,
        8 data4: [u8; 8],
    }
}

answer!(LineDevCaps, servers: [(0, 4)], V2_0 => 252, V2_2 => 268, V3_0 => 292);
answer!(LineAddressCaps, servers: [(0, 4)], V2_0 => 228);
// Beside the total size: hLine, monitoring modes, number of owners and monitors, and the four
// texts that the server keeps from LINECALLPARAMS.
answer!(
    LineCallInfo,
    servers: [(0, 4), (12, 16), (56, 64), (92, 100), (208, 240)],
    V2_0 => 324, V3_0 => 344
);
// Beside the total size: dwCallPrivilege.
answer!(LineCallStatus, servers: [(0, 4), (20, 24)], V2_0 => 56);
// Beside the total size: dwNumOpens, dwOpenMediaModes, dwAppInfo.
answer!(LineDevStatus, servers: [(0, 4), (12, 20), (80, 88)], V2_0 => 88);
answer!(LineAddressStatus, servers: [(0, 4)], V2_0 => 64);
answer!(VarString, servers: [(0, 4)], V2_0 => 24);

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes by version, in the order of [`Version::ALL`].
    fn sizes<T: Answer>() -> [usize; 4] {
        Version::ALL.map(T::fixed_size)
    }

    #[test]
    fn each_version_knows_its_part_of_a_structure() {
        assert_eq!(sizes::<LineDevCaps>(), [252, 252, 268, 292]);
        assert_eq!(sizes::<LineAddressCaps>(), [228; 4]);
        assert_eq!(sizes::<LineCallInfo>(), [324, 324, 324, 344]);
        assert_eq!(sizes::<LineCallStatus>(), [56; 4]);
        assert_eq!(sizes::<LineDevStatus>(), [88; 4]);
        assert_eq!(sizes::<LineAddressStatus>(), [64; 4]);
        assert_eq!(sizes::<VarString>(), [24; 4]);
    }

    #[test]
    fn handles_are_as_wide_as_pointers() {
        assert_eq!(size_of::<crate::abi::HDrvCall>(), size_of::<*const ()>());
        assert_eq!(size_of::<crate::abi::LineEvent>(), size_of::<*const ()>());
    }

    #[test]
    fn what_belongs_to_the_server_lies_within_every_version_and_in_order() {
        fn check<T: Answer>() {
            assert_eq!(T::SERVERS[0], (0, 4));
            assert!(T::SERVERS.is_sorted_by(|a, b| a.1 <= b.0));
            assert!(T::SERVERS.iter().all(|(from, to)| from < to && from % 4 == 0 && to % 4 == 0));
            assert!(T::SERVERS.iter().all(|(_, to)| *to <= T::fixed_size(Version::V2_0)));
        }
        check::<LineDevCaps>();
        check::<LineAddressCaps>();
        check::<LineCallInfo>();
        check::<LineCallStatus>();
        check::<LineDevStatus>();
        check::<LineAddressStatus>();
        check::<VarString>();
    }
}
