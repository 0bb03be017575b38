//! Names of things: plain numbers that go into the log, none of them a pointer.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// One PBX (a master of the settings with its standby, or a slave that was found), counted from 0
/// as they became known, and never given to another one in the same log.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct PbxId(pub u16);

/// One TAPI line, by our own count: given out once per PBX object, counted from 1 without gaps, and
/// never again in the same log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LineId(pub u32);

/// The permanent line id that TAPI applications store. It belongs to one PBX object for ever
/// (invariant I-10). It is the number of the line, unless it was imported from elsewhere.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct PermanentId(pub u32);

/// One call as seen from one line.
///
/// Calls that the PBX brings are numbered by the line from 1; calls that an application makes are
/// numbered by the provider from [`CallId::FIRST_MADE`], because `TSPI_lineMakeCall` must return a
/// handle before anything reaches the log. The two ranges never meet, and no number is used twice
/// in a session of the telephony server, so a stale handle names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId {
    /// The line whose call this is.
    pub line: LineId,
    /// Serial number on that line.
    pub serial: u32,
}

impl CallId {
    /// Serial numbers from here on belong to calls made by `TSPI_lineMakeCall`.
    pub const FIRST_MADE: u32 = 0x8000_0000;

    /// Whether an application made this call (as opposed to the PBX bringing it).
    #[must_use]
    pub fn is_made(self) -> bool {
        self.serial >= Self::FIRST_MADE
    }
}

/// The DRV_REQUESTID of an asynchronous TSPI function: positive, unique until completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u32);

impl RequestId {
    /// Numbers from here on are no DRV_REQUESTIDs: the provider gives them to what TSPI lets
    /// return at once, but what must go through the log all the same. They have no completion.
    pub const FIRST_OWN: u32 = 0x8000_0000;

    /// Stands for a line itself, where it asks a PBX something without being asked to, or for a
    /// request that takes several questions.
    pub const OF_LINE: RequestId = RequestId(0xC000_0000);

    /// Whether it is a number of the provider's own.
    #[must_use]
    pub fn is_own(self) -> bool {
        self.0 >= Self::FIRST_OWN
    }
}

/// What a line has under way: the name under which a PBX's answer, or a deadline, comes back.
///
/// A DRV_REQUESTID may come again as soon as its request has completed. A ticket does not, so what
/// comes late finds nobody, instead of the next request that happens to have the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ticket {
    /// For which request, or [`RequestId::OF_LINE`].
    pub request: RequestId,
    /// Which command of the line's that was, or which question of its own; counted from 1, and not
    /// from anew when the telephony server is.
    pub turn: u32,
}

impl Ticket {
    /// What a line orders by itself, and where only what the PBX reports afterwards says anything.
    pub const UNASKED: Ticket = Ticket::question(0);

    /// A question of the line's own.
    #[must_use]
    pub const fn question(turn: u32) -> Ticket {
        Ticket { request: RequestId::OF_LINE, turn }
    }
}

/// What ties together a request of an application, the orders to the PBX that it leads to, their
/// answers, the event that proves it, and the completion: one id, which is written `r25.7`.
///
/// The parts are the line's own count, not its permanent id (they differ where that was imported),
/// and the turn of the line that the request was; so it is never given again in the same log, as a
/// DRV_REQUESTID is. What a line orders by itself has an id as well, written `q25.3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Correlation {
    /// Whose request it is.
    pub line: LineId,
    /// Which one.
    pub turn: Turn,
}

/// Which of the things that a line had under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Turn {
    /// The request of an application with this [`Ticket::turn`].
    Request(u32),
    /// A question of the line's own with this [`Ticket::turn`]; 0 is [`Ticket::UNASKED`].
    Own(u32),
}

impl Correlation {
    /// Of what a line has under way under this ticket.
    #[must_use]
    pub const fn new(line: LineId, ticket: Ticket) -> Correlation {
        let turn = match ticket.request {
            RequestId::OF_LINE => Turn::Own(ticket.turn),
            _ => Turn::Request(ticket.turn),
        };
        Correlation { line, turn }
    }

    /// Whether an application asked for it.
    #[must_use]
    pub fn is_request(self) -> bool {
        matches!(self.turn, Turn::Request(_))
    }
}

impl fmt::Display for Correlation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.turn {
            Turn::Request(turn) => write!(f, "r{}.{turn}", self.line.0),
            Turn::Own(turn) => write!(f, "q{}.{turn}", self.line.0),
        }
    }
}

/// The text is no [`Correlation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of a request is written as r25.7: line 25, its 7th request")]
pub struct NoCorrelation;

impl FromStr for Correlation {
    type Err = NoCorrelation;

    fn from_str(text: &str) -> Result<Correlation, NoCorrelation> {
        let (kind, numbers) = text.split_at_checked(1).ok_or(NoCorrelation)?;
        let (line, turn) = numbers.split_once('.').ok_or(NoCorrelation)?;
        // `parse` takes a sign, and zeros in front; written back that would be another text.
        let number = |digits: &str| digits.parse::<u32>().ok().filter(|n| n.to_string() == digits);
        let turn = number(turn).ok_or(NoCorrelation)?;
        let turn = match kind {
            "r" => Turn::Request(turn),
            "q" => Turn::Own(turn),
            _ => return Err(NoCorrelation),
        };
        Ok(Correlation { line: LineId(number(line).ok_or(NoCorrelation)?), turn })
    }
}

/// One opening of a line, from `TSPI_lineOpen` to `TSPI_lineClose`, counted by the provider from 1.
/// What was meant for an earlier opening is not delivered to a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Opening(pub u32);

/// Our own count of attempts to hold a session with one PBX. Facts carry the number of the attempt
/// they belong to, so that an answer that comes too late is known for what it is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Attempt(pub u32);

/// One attempt to hold a session with one PBX: what handles are valid in.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Link {
    /// The PBX.
    pub pbx: PbxId,
    /// The attempt.
    pub attempt: Attempt,
}

/// The PBX's handle for a monitored user, valid in one session only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UserHandle(pub u32);

/// The PBX's handle for one leg of a call, valid in one session only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallHandle(pub u32);

/// A GUID as the PBX writes it: 32 hexadecimal digits. PBX objects and calls (`conf`) have one.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Guid(pub [u8; 16]);

/// As its bytes are ordered, but compared at one blow: the tables of calls ask for it all the time.
impl Ord for Guid {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        u128::from_be_bytes(self.0).cmp(&u128::from_be_bytes(other.0))
    }
}

impl PartialOrd for Guid {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Guid {
    /// The GUID of nothing.
    pub const NIL: Guid = Guid([0; 16]);

    /// Reads a GUID in any spelling: dashes, braces and letter case do not matter.
    ///
    /// Total by design: a text that is not a GUID still names one thing, so it gets 16 bytes of a
    /// hash, and equal texts stay equal. An empty text is [`Guid::NIL`].
    #[must_use]
    pub fn read(text: &str) -> Guid {
        let mut bytes = [0u8; 16];
        let mut digits = 0usize;
        let mut hex = true;
        for c in text.bytes() {
            let digit = match c {
                b'0'..=b'9' => c - b'0',
                b'a'..=b'f' => c - b'a' + 10,
                b'A'..=b'F' => c - b'A' + 10,
                b'-' | b'{' | b'}' | b' ' | b'\t' | b'\r' | b'\n' => continue,
                _ => {
                    hex = false;
                    break;
                }
            };
            if digits < 32 {
                bytes[digits / 2] = bytes[digits / 2] << 4 | digit;
            }
            digits += 1;
        }
        match (hex, digits) {
            (true, 0) => Guid::NIL,
            (true, 32) => Guid(bytes),
            _ => Guid::hash_of(text.trim()),
        }
    }

    /// Reads a GUID and nothing else: 32 hexadecimal digits, with or without dashes and braces.
    #[must_use]
    pub fn read_exact(text: &str) -> Option<Guid> {
        let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
        let is_guid = digits == 32
            && text.bytes().all(|c| c.is_ascii_hexdigit() || matches!(c, b'-' | b'{' | b'}'));
        is_guid.then(|| Guid::read(text))
    }

    /// FNV-1a, 128 bit: a stable name for a text that should have been a GUID.
    fn hash_of(text: &str) -> Guid {
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013B;
        let mut state: u128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D;
        for byte in text.bytes() {
            state = (state ^ u128::from(byte.to_ascii_lowercase())).wrapping_mul(PRIME);
        }
        Guid(state.to_be_bytes())
    }

    /// Whether this is the GUID of nothing.
    #[must_use]
    pub fn is_nil(self) -> bool {
        self == Guid::NIL
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_reads_the_same_in_every_spelling() {
        let plain = Guid::read("11112222333344445555666677770a0b");
        assert_eq!(plain, Guid::read("{11112222-3333-4444-5555-666677770A0B}"));
        assert_eq!(plain.to_string(), "11112222333344445555666677770a0b");
    }

    #[test]
    fn what_belongs_together_has_one_id_that_reads_back() {
        for text in ["r25.7", "r1.1", "q25.0", "r4294967295.4294967295"] {
            assert_eq!(text.parse::<Correlation>().map(|id| id.to_string()), Ok(text.to_owned()));
        }
        let ticket = Ticket { request: RequestId(900), turn: 7 };
        assert_eq!(Correlation::new(LineId(25), ticket).to_string(), "r25.7");
        assert_eq!(Correlation::new(LineId(25), Ticket::question(3)).to_string(), "q25.3");
        for text in
            ["", "r", "r25", "25.7", "x25.7", "r25.", "r.7", "r+5.7", "r05.7", "r1.2.3", "é1.2"]
        {
            assert_eq!(text.parse::<Correlation>(), Err(NoCorrelation), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_guid_still_names_one_thing() {
        assert_eq!(Guid::read("call 7"), Guid::read(" CALL 7 "));
        assert_ne!(Guid::read("call 7"), Guid::read("call 8"));
        assert!(Guid::read("").is_nil());
        assert!(!Guid::read("123").is_nil());
    }
}
