//! Handles and the procedures that the telephony server gives us to call.

/// HTAPILINE: the server's handle of an opened line. Never looked into.
pub type HTapiLine = usize;
/// HTAPICALL: the server's handle of a call. Never looked into.
pub type HTapiCall = usize;
/// HDRVLINE: our handle of an opened line; an index with a generation, never a pointer.
pub type HDrvLine = usize;
/// HDRVCALL: our handle of a call; an index with a generation, never a pointer.
pub type HDrvCall = usize;
/// HPROVIDER: the server's name for this provider.
pub type HProvider = usize;
/// DRV_REQUESTID: 1 to 0x7FFFFFFF, unique until completed.
pub type DrvRequestId = u32;

/// LINEEVENT, also the type of the line-create procedure: line, call, message, and three
/// parameters as wide as a pointer. With parameters of 32 bits a 64-bit server would read garbage
/// in their upper halves.
pub type LineEvent = unsafe extern "system" fn(
    line: HTapiLine,
    call: HTapiCall,
    message: u32,
    param1: usize,
    param2: usize,
    param3: usize,
);

/// ASYNC_COMPLETION: the request and 0 or a LINEERR.
pub type AsyncCompletion = unsafe extern "system" fn(request: DrvRequestId, result: i32);
