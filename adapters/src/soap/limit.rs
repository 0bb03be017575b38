//! How much is taken from outside before it is refused. All of them are far beyond what a PBX
//! sends; they bound the memory and time that a broken or hostile peer can cost.

/// Bytes of one answer or request.
pub const BODY_BYTES: usize = 4 * 1024 * 1024;

/// Elements inside one another. The WSDL needs 9.
pub const DEPTH: usize = 32;

/// Elements of one document.
pub const ELEMENTS: usize = 400_000;

/// Records of one list: users, calls, devices.
pub const RECORDS: usize = 20_000;

/// Items inside one record: parties, groups, mail addresses, pieces of information.
pub const ITEMS: usize = 256;

/// Bytes of one text inside a record. Names of the PBX have at most 64 characters;
/// user-user information is the longest text known, at some 800 bytes.
pub const TEXT_BYTES: usize = 4096;
