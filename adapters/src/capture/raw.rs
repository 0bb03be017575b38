//! Messages between the provider and PBXs, word by word but without secrets, in a capture file.
//!
//! They lie between the frames and change nothing of what the records lead to. What a note of one
//! says, little-endian: time (8 bytes), PBX (2), attempt (4), kind (1: 0 question, 1 answer), status
//! of HTTP (2, of an answer), length of the operation (1), the operation, the body.

use engine::id::{Attempt, PbxId};
use engine::time::Millis;

/// A message.
#[derive(Clone, PartialEq, Eq)]
pub struct RawMessage {
    /// When it was sent, or had come.
    pub at: Millis,
    /// From or to which PBX.
    pub pbx: PbxId,
    /// Under which attempt.
    pub attempt: Attempt,
    /// Which way.
    pub way: Way,
    /// The operation, such as `Poll`.
    pub operation: String,
    /// The envelope, with secrets blanked.
    pub body: Vec<u8>,
}

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the PBX.
    Question,
    /// From it, with this status of HTTP.
    Answer(u16),
}

impl std::fmt::Debug for RawMessage {
    /// Without the body, which holds names and numbers of people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let RawMessage { at, pbx, attempt, way, operation, body } = self;
        let (pbx, attempt, len) = (pbx.0, attempt.0, body.len());
        write!(f, "{} {operation} {way:?}, PBX {pbx} attempt {attempt}, {len} bytes", at.0)
    }
}

const HEADER_BYTES: usize = 18;

impl RawMessage {
    /// What the note says.
    pub(crate) fn says(&self) -> Vec<u8> {
        let operation =
            &self.operation.as_bytes()[..self.operation.len().min(usize::from(u8::MAX))];
        let (way, status) = match self.way {
            Way::Question => (0, 0),
            Way::Answer(status) => (1, status),
        };
        let mut says = Vec::with_capacity(HEADER_BYTES + operation.len() + self.body.len());
        says.extend_from_slice(&self.at.0.to_le_bytes());
        says.extend_from_slice(&self.pbx.0.to_le_bytes());
        says.extend_from_slice(&self.attempt.0.to_le_bytes());
        says.push(way);
        says.extend_from_slice(&status.to_le_bytes());
        says.push(operation.len() as u8);
        says.extend_from_slice(operation);
        says.extend_from_slice(&self.body);
        says
    }

    /// Reads a note; `None` if it says nothing that makes sense.
    pub(crate) fn read(says: &[u8]) -> Option<RawMessage> {
        let (header, rest) = says.split_first_chunk::<HEADER_BYTES>()?;
        let (operation, body) = rest.split_at_checked(usize::from(header[17]))?;
        let status = u16::from_le_bytes([header[15], header[16]]);
        Some(RawMessage {
            at: Millis(u64::from_le_bytes(*header.first_chunk()?)),
            pbx: PbxId(u16::from_le_bytes([header[8], header[9]])),
            attempt: Attempt(u32::from_le_bytes([header[10], header[11], header[12], header[13]])),
            way: match header[14] {
                0 => Way::Question,
                1 => Way::Answer(status),
                _ => return None,
            },
            operation: String::from_utf8_lossy(operation).into_owned(),
            body: body.to_vec(),
        })
    }
}
