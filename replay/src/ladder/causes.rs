//! Causes of Q.850 in words.

/// What a cause says, in the words of Q.850; none for a number that it does not define.
pub(crate) fn cause_words(cause: u8) -> Option<&'static str> {
    Some(match cause & 0x7F {
        1 => "unallocated number",
        2 => "no route to the transit network",
        3 => "no route to the destination",
        5 => "misdialled trunk prefix",
        6 => "channel unacceptable",
        7 => "call awarded in an established channel",
        16 => "normal call clearing",
        17 => "user busy",
        18 => "no user responding",
        19 => "no answer from the user",
        20 => "subscriber absent",
        21 => "call rejected",
        22 => "number changed",
        23 => "redirection to a new destination",
        26 => "non-selected user clearing: the call went elsewhere",
        27 => "destination out of order",
        28 => "invalid number format",
        29 => "facility rejected",
        30 => "response to a status enquiry",
        31 => "normal, unspecified",
        34 => "no circuit or channel available",
        38 => "network out of order",
        41 => "temporary failure",
        42 => "switching equipment congestion",
        43 => "access information discarded",
        44 => "requested channel not available",
        46 => "precedence call blocked",
        47 => "resource unavailable, unspecified",
        49 => "quality of service unavailable",
        50 => "requested facility not subscribed",
        53 => "outgoing calls barred",
        55 => "incoming calls barred",
        57 => "bearer capability not authorized",
        58 => "bearer capability not presently available",
        63 => "service or option not available, unspecified",
        65 => "bearer capability not implemented",
        66 => "channel type not implemented",
        69 => "requested facility not implemented",
        70 => "only restricted digital information available",
        79 => "service or option not implemented, unspecified",
        81 => "invalid call reference value",
        86 => "call having the requested identity has been cleared",
        87 => "user not a member of the closed user group",
        88 => "incompatible destination",
        91 => "invalid transit network selection",
        95 => "invalid message, unspecified",
        96 => "mandatory information element missing",
        97 => "message type unknown or not implemented",
        98 => "message not compatible with the call state",
        99 => "information element unknown or not implemented",
        100 => "invalid contents of an information element",
        101 => "message not compatible with the call state",
        102 => "recovery on timer expiry",
        111 => "protocol error, unspecified",
        127 => "interworking, unspecified",
        _ => return None,
    })
}

/// A cause by its number, and in words where there are some.
pub(super) fn cause(cause: u8) -> String {
    match cause_words(cause) {
        Some(words) => format!("cause {cause}: {words}"),
        None => format!("cause {cause}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::call::disconnect_mode_of;
    use engine::tapi::disconnect_mode;

    /// A cause that means something to TAPI has words, whatever else it may mean.
    #[test]
    fn every_cause_with_a_disconnect_mode_of_its_own_is_named() {
        // These have a mode by the PBX's reference, and no name in Q.850.
        let unnamed = [0, 8, 9, 52, 54, 62, 90];
        for number in 0..=127 {
            let is_known = disconnect_mode_of(number) != disconnect_mode::UNKNOWN;
            if is_known && !unnamed.contains(&number) {
                assert!(cause_words(number).is_some(), "{number}");
            }
        }
        assert_eq!(cause(17), "cause 17: user busy");
        assert_eq!(cause(125), "cause 125");
        assert_eq!(cause_words(16 | 0x80), cause_words(16));
    }
}
