//! TAPI's own words: states, modes and bits, with the values of the public headers.

use serde::{Deserialize, Serialize};

/// LINECALLSTATE: the states this provider can report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u32)]
pub enum CallState {
    /// The call object exists, nothing goes on. Terminal.
    Idle = 0x1,
    /// An inbound call arrived.
    Offering = 0x2,
    /// An offering call was claimed.
    Accepted = 0x4,
    /// Ready for digits.
    DialTone = 0x8,
    /// Collecting digits.
    Dialing = 0x10,
    /// The destination is alerting.
    Ringback = 0x20,
    /// Busy tone.
    Busy = 0x40,
    /// Information tone.
    SpecialInfo = 0x80,
    /// Speech path.
    Connected = 0x100,
    /// Dialled, not yet alerting.
    Proceeding = 0x200,
    /// On hold.
    OnHold = 0x400,
    /// Member of a conference.
    Conferenced = 0x800,
    /// Held while a party is being added.
    OnHoldPendConf = 0x1000,
    /// Held awaiting transfer.
    OnHoldPendTransfer = 0x2000,
    /// The remote party is gone.
    Disconnected = 0x4000,
    /// Not known.
    Unknown = 0x8000,
}

impl CallState {
    /// Every state, for exhaustive tests.
    pub const ALL: [CallState; 16] = [
        CallState::Idle,
        CallState::Offering,
        CallState::Accepted,
        CallState::DialTone,
        CallState::Dialing,
        CallState::Ringback,
        CallState::Busy,
        CallState::SpecialInfo,
        CallState::Connected,
        CallState::Proceeding,
        CallState::OnHold,
        CallState::Conferenced,
        CallState::OnHoldPendConf,
        CallState::OnHoldPendTransfer,
        CallState::Disconnected,
        CallState::Unknown,
    ];

    /// The LINECALLSTATE_ value.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self as u32
    }

    /// The name without its prefix, as people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            CallState::Idle => "IDLE",
            CallState::Offering => "OFFERING",
            CallState::Accepted => "ACCEPTED",
            CallState::DialTone => "DIALTONE",
            CallState::Dialing => "DIALING",
            CallState::Ringback => "RINGBACK",
            CallState::Busy => "BUSY",
            CallState::SpecialInfo => "SPECIALINFO",
            CallState::Connected => "CONNECTED",
            CallState::Proceeding => "PROCEEDING",
            CallState::OnHold => "ONHOLD",
            CallState::Conferenced => "CONFERENCED",
            CallState::OnHoldPendConf => "ONHOLDPENDCONF",
            CallState::OnHoldPendTransfer => "ONHOLDPENDTRANSFER",
            CallState::Disconnected => "DISCONNECTED",
            CallState::Unknown => "UNKNOWN",
        }
    }

    /// Whether the call counts in dwNumOnHoldCalls.
    #[must_use]
    pub const fn counts_as_held(self) -> bool {
        matches!(self, CallState::OnHold)
    }

    /// Whether the call counts in dwNumOnHoldPendCalls.
    #[must_use]
    pub const fn counts_as_hold_pending(self) -> bool {
        matches!(self, CallState::OnHoldPendConf | CallState::OnHoldPendTransfer)
    }

    /// Whether the call counts in dwNumActiveCalls: neither idle nor held.
    #[must_use]
    pub const fn counts_as_active(self) -> bool {
        !matches!(self, CallState::Idle) && !self.counts_as_held() && !self.counts_as_hold_pending()
    }
}

macro_rules! line_errors {
    ($($(#[$doc:meta])* $name:ident = $value:literal, $word:literal;)*) => {
        /// LINEERR: what a TSPI function or a completion can answer. Append only: the log holds
        /// checksums over completions in which an error counts by its place here.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
        #[repr(u32)]
        pub enum LineErr {
            $($(#[$doc])* #[error($word)] $name = $value,)*
        }

        impl LineErr {
            /// Every error, for tests and tables.
            pub const ALL: &'static [LineErr] = &[$(LineErr::$name,)*];

            /// The name without its prefix.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(LineErr::$name => $word,)* }
            }
        }
    };
}

line_errors! {
    /// The line is open already.
    Allocated = 0x8000_0001, "ALLOCATED";
    /// No such device id was ever given out.
    BadDeviceId = 0x8000_0002, "BADDEVICEID";
    /// A bearer mode that exists but is not ours.
    BearerModeUnavail = 0x8000_0003, "BEARERMODEUNAVAIL";
    /// No free call appearance.
    CallUnavail = 0x8000_0005, "CALLUNAVAIL";
    /// More members than a telephone can join.
    ConferenceFull = 0x8000_0007, "CONFERENCEFULL";
    /// `$` in the number.
    DialBilling = 0x8000_0008, "DIALBILLING";
    /// `W` in the number.
    DialDialtone = 0x8000_0009, "DIALDIALTONE";
    /// `?` in the number.
    DialPrompt = 0x8000_000A, "DIALPROMPT";
    /// `@` in the number.
    DialQuiet = 0x8000_000B, "DIALQUIET";
    /// No common version, or not the negotiated one.
    IncompatibleApiVersion = 0x8000_000C, "INCOMPATIBLEAPIVERSION";
    /// We have no extensions.
    IncompatibleExtVersion = 0x8000_000D, "INCOMPATIBLEEXTVERSION";
    /// The settings cannot be read.
    IniFileCorrupt = 0x8000_000E, "INIFILECORRUPT";
    /// A number that cannot be dialled.
    InvalAddress = 0x8000_0010, "INVALADDRESS";
    /// Every line has the one address 0.
    InvalAddressId = 0x8000_0011, "INVALADDRESSID";
    /// An address mode that we do not offer.
    InvalAddressMode = 0x8000_0012, "INVALADDRESSMODE";
    /// Undefined LINEADDRESSSTATE bits.
    InvalAddressState = 0x8000_0013, "INVALADDRESSSTATE";
    /// Undefined bearer mode.
    InvalBearerMode = 0x8000_0016, "INVALBEARERMODE";
    /// The call handle is 0, unknown or closed.
    InvalCallHandle = 0x8000_0018, "INVALCALLHANDLE";
    /// LINECALLPARAMS points outside itself.
    InvalCallParams = 0x8000_0019, "INVALCALLPARAMS";
    /// Not in this call state.
    InvalCallState = 0x8000_001C, "INVALCALLSTATE";
    /// A way to send digits that a PBX line has not.
    InvalDigitMode = 0x8000_0027, "INVALDIGITMODE";
    /// The line handle is 0, unknown or closed.
    InvalLineHandle = 0x8000_002B, "INVALLINEHANDLE";
    /// The line is out of service, or undefined LINEDEVSTATE bits.
    InvalLineState = 0x8000_002C, "INVALLINESTATE";
    /// A media mode that we do not offer.
    InvalMediaMode = 0x8000_002F, "INVALMEDIAMODE";
    /// A way to park that there is not.
    InvalParkMode = 0x8000_0034, "INVALPARKMODE";
    /// A parameter makes no sense.
    InvalParam = 0x8000_0032, "INVALPARAM";
    /// A pointer that must not be null is.
    InvalPointer = 0x8000_0035, "INVALPOINTER";
    /// A rate range that makes no sense.
    InvalRate = 0x8000_0037, "INVALRATE";
    /// The line was removed, or the device class is not ours.
    NoDevice = 0x8000_0042, "NODEVICE";
    /// The provider is not in a state to work.
    NoDriver = 0x8000_0043, "NODRIVER";
    /// Out of memory.
    NoMem = 0x8000_0044, "NOMEM";
    /// The PBX refused, did not answer, or the unexpected happened.
    OperationFailed = 0x8000_0048, "OPERATIONFAILED";
    /// Not offered by this line.
    OperationUnavail = 0x8000_0049, "OPERATIONUNAVAIL";
    /// A rate that we cannot give.
    RateUnavail = 0x8000_004A, "RATEUNAVAIL";
    /// Too much at once; try again later.
    ResourceUnavail = 0x8000_004B, "RESOURCEUNAVAIL";
    /// The structure is smaller than its fixed part.
    StructureTooSmall = 0x8000_004D, "STRUCTURETOOSMALL";
    /// More user-user information than we can carry.
    UserUserInfoTooBig = 0x8000_0051, "USERUSERINFOTOOBIG";
    /// Another process works on the same log.
    NoMultipleInstance = 0x8000_0056, "NOMULTIPLEINSTANCE";
    /// `:` in the number.
    DialVoiceDetect = 0x8000_005C, "DIALVOICEDETECT";
    /// The consultation's handle is unknown, closed, of another line, or that of the call itself.
    InvalConsultCallHandle = 0x8000_0021, "INVALCONSULTCALLHANDLE";
    /// Not one known transfer mode.
    InvalTransferMode = 0x8000_003F, "INVALTRANSFERMODE";
    /// A group name that cannot be one.
    InvalGroupId = 0x8000_002A, "INVALGROUPID";
}

impl LineErr {
    /// The LINEERR_ value as a TSPI function returns it: negative.
    #[must_use]
    pub const fn code(self) -> i32 {
        (self as u32).cast_signed()
    }
}

/// LINEMEDIAMODE_INTERACTIVEVOICE, the only media mode of a PBX line.
pub const MEDIA_INTERACTIVE_VOICE: u32 = 0x4;
/// LINEMEDIAMODE_UNKNOWN, tolerated beside it.
pub const MEDIA_UNKNOWN: u32 = 0x2;

/// LINECALLINFOSTATE bits.
#[allow(missing_docs)]
pub mod call_info_state {
    pub const BEARERMODE: u32 = 0x4;
    pub const RATE: u32 = 0x8;
    pub const MEDIAMODE: u32 = 0x10;
    pub const APPSPECIFIC: u32 = 0x20;
    pub const CALLID: u32 = 0x40;
    pub const RELATEDCALLID: u32 = 0x80;
    pub const ORIGIN: u32 = 0x100;
    pub const REASON: u32 = 0x200;
    pub const CALLERID: u32 = 0x8000;
    pub const CALLEDID: u32 = 0x1_0000;
    pub const CONNECTEDID: u32 = 0x2_0000;
    pub const REDIRECTIONID: u32 = 0x4_0000;
    pub const REDIRECTINGID: u32 = 0x8_0000;
    pub const USERUSERINFO: u32 = 0x20_0000;
}

/// LINEADDRESSSTATE bits.
#[allow(missing_docs)]
pub mod address_state {
    pub const OTHER: u32 = 0x1;
    pub const INUSEZERO: u32 = 0x4;
    pub const INUSEONE: u32 = 0x8;
    pub const NUMCALLS: u32 = 0x20;
    pub const FORWARD: u32 = 0x40;
    pub const CAPSCHANGE: u32 = 0x100;
    pub const ALL: u32 = 0x1FF;
}

/// LINEDEVSTATE bits.
#[allow(missing_docs)]
pub mod line_dev_state {
    pub const OTHER: u32 = 0x1;
    pub const RINGING: u32 = 0x2;
    pub const CONNECTED: u32 = 0x4;
    pub const DISCONNECTED: u32 = 0x8;
    pub const INSERVICE: u32 = 0x40;
    pub const OUTOFSERVICE: u32 = 0x80;
    pub const NUMCALLS: u32 = 0x800;
    pub const REINIT: u32 = 0x4_0000;
    pub const CAPSCHANGE: u32 = 0x10_0000;
    pub const REMOVED: u32 = 0x100_0000;
    pub const ALL: u32 = 0x1FF_FFFF;
}

/// LINEDEVSTATUSFLAGS bits.
#[allow(missing_docs)]
pub mod line_dev_status {
    pub const CONNECTED: u32 = 0x1;
    pub const INSERVICE: u32 = 0x4;
}

/// LINECALLFEATURE bits that this provider may claim.
#[allow(missing_docs)]
pub mod call_feature {
    pub const ADDTOCONF: u32 = 0x2;
    pub const ANSWER: u32 = 0x4;
    pub const BLINDTRANSFER: u32 = 0x8;
    pub const COMPLETETRANSF: u32 = 0x20;
    pub const DIAL: u32 = 0x40;
    pub const DROP: u32 = 0x80;
    pub const GENERATEDIGITS: u32 = 0x200;
    pub const HOLD: u32 = 0x800;
    pub const PARK: u32 = 0x8000;
    pub const REDIRECT: u32 = 0x2_0000;
    pub const SENDUSERUSER: u32 = 0x10_0000;
    pub const SETCALLPARAMS: u32 = 0x20_0000;
    pub const REMOVEFROMCONF: u32 = 0x4_0000;
    pub const SETUPCONF: u32 = 0x100_0000;
    pub const SETUPTRANSFER: u32 = 0x200_0000;
    pub const SWAPHOLD: u32 = 0x400_0000;
    pub const UNHOLD: u32 = 0x800_0000;
}

/// LINECALLFEATURE2 bits that this provider may claim.
#[allow(missing_docs)]
pub mod call_feature_2 {
    pub const ONESTEPTRANSFER: u32 = 0x2;
    pub const TRANSFERNORM: u32 = 0x40;
    pub const TRANSFERCONF: u32 = 0x80;
    pub const PARKDIRECT: u32 = 0x100;
    pub const PARKNONDIRECT: u32 = 0x200;
}

/// LINEPARKMODE bits.
#[allow(missing_docs)]
pub mod park_mode {
    pub const DIRECTED: u32 = 0x1;
    pub const NONDIRECTED: u32 = 0x2;
}

/// LINETRANSFERMODE bits.
#[allow(missing_docs)]
pub mod transfer_mode {
    pub const TRANSFER: u32 = 0x1;
    pub const CONFERENCE: u32 = 0x2;
}

/// LINEADDRFEATURE bits that this provider may claim.
#[allow(missing_docs)]
pub mod address_feature {
    pub const FORWARD: u32 = 0x1;
    pub const MAKECALL: u32 = 0x2;
    pub const PICKUP: u32 = 0x4;
    pub const UNPARK: u32 = 0x80;
    pub const PICKUPGROUP: u32 = 0x200;
    pub const PICKUPDIRECT: u32 = 0x400;
    pub const FORWARDFWD: u32 = 0x1000;
}

/// LINEFEATURE bits that this provider may claim.
#[allow(missing_docs)]
pub mod line_feature {
    pub const FORWARD: u32 = 0x4;
    pub const MAKECALL: u32 = 0x8;
    pub const FORWARDFWD: u32 = 0x80;
}

/// LINEFORWARDMODE bits.
pub mod forward_mode {
    /// UNCOND, BUSY, NOANSW, each for all callers and for one.
    pub const PLAIN: u32 = 0x999;
    /// The same for callers from inside and from outside.
    pub const BY_ORIGIN: u32 = 0x666;
    /// All modes for one caller.
    pub const SPECIFIC: u32 = 0x8888;
    /// All modes of BUSY.
    pub const BUSY_OF_ANY: u32 = 0xF0;
    /// Calls are forwarded, under conditions that will never be known here.
    pub const UNAVAIL: u32 = 0x2_0000;
}

/// LINEDISCONNECTMODE values.
#[allow(missing_docs)]
pub mod disconnect_mode {
    pub const NORMAL: u32 = 0x1;
    pub const UNKNOWN: u32 = 0x2;
    pub const REJECT: u32 = 0x4;
    pub const PICKUP: u32 = 0x8;
    pub const FORWARDED: u32 = 0x10;
    pub const BUSY: u32 = 0x20;
    pub const NOANSWER: u32 = 0x40;
    pub const BADADDRESS: u32 = 0x80;
    pub const UNREACHABLE: u32 = 0x100;
    pub const CONGESTION: u32 = 0x200;
    pub const INCOMPATIBLE: u32 = 0x400;
    pub const UNAVAIL: u32 = 0x800;
    pub const NUMBERCHANGED: u32 = 0x2000;
    pub const OUTOFORDER: u32 = 0x4000;
    pub const TEMPFAILURE: u32 = 0x8000;
    pub const QOSUNAVAIL: u32 = 0x1_0000;
    pub const BLOCKED: u32 = 0x2_0000;
    pub const CANCELLED: u32 = 0x8_0000;
    /// Every mode this provider reports.
    pub const ALL: u32 = 0xB_EFFF;
}

/// LINECONNECTEDMODE values.
#[allow(missing_docs)]
pub mod connected_mode {
    pub const ACTIVE: u32 = 0x1;
    pub const ACTIVEHELD: u32 = 0x4;
}

/// LINEOFFERINGMODE_ACTIVE.
pub const OFFERING_ACTIVE: u32 = 0x1;
/// LINEDIALTONEMODE_INTERNAL.
pub const DIALTONE_INTERNAL: u32 = 0x4;
/// LINEBUSYMODE_STATION.
pub const BUSY_STATION: u32 = 0x1;

/// LINEGENERATETERM values: how digits ended.
#[allow(missing_docs)]
pub mod generate_term {
    pub const DONE: u32 = 0x1;
    pub const CANCEL: u32 = 0x2;
}

/// LINECALLORIGIN values.
#[allow(missing_docs)]
pub mod origin {
    pub const OUTBOUND: u32 = 0x1;
    pub const INTERNAL: u32 = 0x2;
    pub const EXTERNAL: u32 = 0x4;
    pub const CONFERENCE: u32 = 0x40;
    pub const INBOUND: u32 = 0x80;
}

/// LINECALLREASON values.
#[allow(missing_docs)]
pub mod reason {
    pub const DIRECT: u32 = 0x1;
    pub const FWDBUSY: u32 = 0x2;
    pub const FWDNOANSWER: u32 = 0x4;
    pub const FWDUNCOND: u32 = 0x8;
    pub const PICKUP: u32 = 0x10;
    pub const UNPARK: u32 = 0x20;
    pub const REDIRECT: u32 = 0x40;
    pub const TRANSFER: u32 = 0x100;
    pub const REMINDER: u32 = 0x200;
    pub const UNKNOWN: u32 = 0x400;
    pub const PARKED: u32 = 0x2000;
}

/// LINECALLPARTYID flags.
#[allow(missing_docs)]
pub mod party_id {
    pub const BLOCKED: u32 = 0x1;
    pub const NAME: u32 = 0x4;
    pub const ADDRESS: u32 = 0x8;
    pub const UNKNOWN: u32 = 0x20;
    pub const UNAVAIL: u32 = 0x40;
}

/// TSPI versions: lowest and highest that we negotiate.
pub const LOWEST_VERSION: u32 = 0x0002_0000;
/// TSPI versions: lowest and highest that we negotiate.
pub const HIGHEST_VERSION: u32 = 0x0003_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_state_is_one_bit_and_they_differ() {
        let union = CallState::ALL.iter().fold(0, |bits, state| bits | state.bits());
        assert_eq!(union, 0xFFFF);
        assert!(CallState::ALL.iter().all(|state| state.bits().is_power_of_two()));
    }

    #[test]
    fn every_error_is_negative_and_in_the_range_of_the_header() {
        for error in LineErr::ALL {
            assert!(error.code() < 0, "{error}");
            assert!((0x8000_0001..=0x8000_0061).contains(&(*error as u32)), "{error}");
        }
    }
}
