//! Numbers that only the interface needs. Those with a meaning for telephony are in
//! `engine::tapi`.

/// LINE_ADDRESSSTATE.
pub const LINE_ADDRESSSTATE: u32 = 0;
/// LINE_CALLINFO.
pub const LINE_CALLINFO: u32 = 1;
/// LINE_CALLSTATE.
pub const LINE_CALLSTATE: u32 = 2;
/// LINE_CLOSE.
pub const LINE_CLOSE: u32 = 3;
/// LINE_GENERATE.
pub const LINE_GENERATE: u32 = 7;
/// LINE_LINEDEVSTATE.
pub const LINE_LINEDEVSTATE: u32 = 8;
/// LINE_CREATE.
pub const LINE_CREATE: u32 = 19;
/// LINE_REMOVE.
pub const LINE_REMOVE: u32 = 25;
/// LINE_NEWCALL, which exists at the provider's interface only.
pub const LINE_NEWCALL: u32 = 500;

/// The device id with which a server negotiates before there are devices.
pub const INITIALIZE_NEGOTIATION: u32 = 0xFFFF_FFFF;

/// LINECALLSELECT_LINE.
pub const LINECALLSELECT_LINE: u32 = 1;
/// LINECALLSELECT_ADDRESS.
pub const LINECALLSELECT_ADDRESS: u32 = 2;
/// LINECALLSELECT_CALL.
pub const LINECALLSELECT_CALL: u32 = 4;

/// LINEADDRESSMODE_ADDRESSID.
pub const LINEADDRESSMODE_ADDRESSID: u32 = 1;
/// LINEADDRESSMODE_DIALABLEADDR.
pub const LINEADDRESSMODE_DIALABLEADDR: u32 = 2;

/// LINEBEARERMODE_VOICE.
pub const LINEBEARERMODE_VOICE: u32 = 1;
/// All LINEBEARERMODE bits that are defined.
pub const LINEBEARERMODE_ALL: u32 = 0xFF;
/// All LINEMEDIAMODE bits that are defined.
pub const LINEMEDIAMODE_ALL: u32 = 0xFFFE;

/// LINECALLPARAMFLAGS_BLOCKID: hide the number of the caller.
pub const LINECALLPARAMFLAGS_BLOCKID: u32 = 4;
/// LINECALLPARAMFLAGS_ONESTEPTRANSFER: the number of a consultation comes with it.
pub const LINECALLPARAMFLAGS_ONESTEPTRANSFER: u32 = 0x80;

/// LINEDIGITMODE_DTMF.
pub const LINEDIGITMODE_DTMF: u32 = 2;

/// STRINGFORMAT_UNICODE.
pub const STRINGFORMAT_UNICODE: u32 = 3;
/// STRINGFORMAT_BINARY.
pub const STRINGFORMAT_BINARY: u32 = 4;

/// Longest path a server takes from `TSPI_providerUIIdentify`, in UTF-16 units with the NUL.
pub const MAX_PATH: usize = 260;
