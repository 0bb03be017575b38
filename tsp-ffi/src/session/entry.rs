//! What a handle stands for.

use crate::abi::{HDrvLine, Version};
use crate::registry::{Entry, WORDS};
use engine::id::{CallId, LineId, Opening};

/// What stands behind an HDRVLINE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenedLine {
    /// Which line.
    pub(crate) line: LineId,
    /// Which opening of it.
    pub(crate) opening: Opening,
    /// The version that the server committed to.
    pub(crate) version: Version,
    /// The device id under which it was opened.
    pub(crate) device: u32,
}

/// What stands behind an HDRVCALL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownCall {
    /// Which call.
    pub(crate) id: CallId,
    /// The line's handle.
    pub(crate) line_handle: HDrvLine,
    /// The line's opening.
    pub(crate) opening: Opening,
    /// The version that the server committed to.
    pub(crate) version: Version,
    /// The line's device id.
    pub(crate) device: u32,
    /// `TSPI_lineMakeCall` has not completed yet.
    pub(crate) is_pending: bool,
    /// Value set by the application, until the view has it, and after.
    pub(crate) app_specific: Option<u32>,
    /// The same of the media mode.
    pub(crate) media: Option<u32>,
}

impl Entry for OpenedLine {
    const KIND: usize = 0;

    fn pack(self) -> [u64; WORDS] {
        [pair(self.line.0, self.opening.0), pair(self.version.number(), self.device), 0, 0, 0, 0]
    }

    fn unpack(words: [u64; WORDS]) -> OpenedLine {
        let (line, opening) = parts(words[0]);
        let (version, device) = parts(words[1]);
        OpenedLine {
            line: LineId(line),
            opening: Opening(opening),
            version: version_of(version),
            device,
        }
    }
}

impl Entry for KnownCall {
    const KIND: usize = 1;

    fn pack(self) -> [u64; WORDS] {
        [
            pair(self.id.line.0, self.id.serial),
            self.line_handle as u64,
            pair(self.opening.0, self.device),
            pair(self.version.number(), u32::from(self.is_pending)),
            optional(self.app_specific),
            optional(self.media),
        ]
    }

    fn unpack(words: [u64; WORDS]) -> KnownCall {
        let (line, serial) = parts(words[0]);
        let (opening, device) = parts(words[2]);
        let (version, pending) = parts(words[3]);
        KnownCall {
            id: CallId { line: LineId(line), serial },
            // Packed from a usize above.
            line_handle: words[1] as usize,
            opening: Opening(opening),
            version: version_of(version),
            device,
            is_pending: pending != 0,
            app_specific: number(words[4]),
            media: number(words[5]),
        }
    }
}

fn pair(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

fn parts(word: u64) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
}

fn optional(value: Option<u32>) -> u64 {
    value.map_or(0, |value| pair(value, 1))
}

fn number(word: u64) -> Option<u32> {
    let (value, is_there) = parts(word);
    (is_there != 0).then_some(value)
}

/// Only versions are packed; the lowest one is as safe as any for what cannot be.
fn version_of(number: u32) -> Version {
    Version::read(number).unwrap_or(Version::V2_0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_as_they_were_packed() {
        for version in Version::ALL {
            let line =
                OpenedLine { line: LineId(7), opening: Opening(u32::MAX), version, device: 3 };
            assert_eq!(OpenedLine::unpack(line.pack()), line);
            for (is_pending, app_specific, media) in
                [(true, None, None), (false, Some(0), Some(4)), (false, Some(u32::MAX), None)]
            {
                let call = KnownCall {
                    id: CallId { line: LineId(u32::MAX), serial: 0x8000_0001 },
                    line_handle: usize::MAX / 3,
                    opening: Opening(2),
                    version,
                    device: u32::MAX,
                    is_pending,
                    app_specific,
                    media,
                };
                assert_eq!(KnownCall::unpack(call.pack()), call);
            }
        }
    }
}
