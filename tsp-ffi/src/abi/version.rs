//! TSPI versions.

use engine::tapi::LineErr;

/// A TSPI version that we speak; it decides the shape of every structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Version {
    /// 2.0
    V2_0 = 0x0002_0000,
    /// 2.1
    V2_1 = 0x0002_0001,
    /// 2.2: LINEDEVCAPS gets a GUID.
    V2_2 = 0x0002_0002,
    /// 3.0: address types.
    V3_0 = 0x0003_0000,
}

impl Version {
    /// All of them, the lowest first.
    pub const ALL: [Version; 4] = [Version::V2_0, Version::V2_1, Version::V2_2, Version::V3_0];

    /// The number as the interface has it.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// Reads a version that the server says was negotiated.
    ///
    /// # Errors
    /// [`LineErr::IncompatibleApiVersion`] if it cannot have been.
    pub fn read(number: u32) -> Result<Version, LineErr> {
        Version::highest_within(number, number)
    }

    /// Negotiates: the highest version of ours within the given limits.
    ///
    /// # Errors
    /// [`LineErr::IncompatibleApiVersion`] if there is none.
    pub fn highest_within(low: u32, high: u32) -> Result<Version, LineErr> {
        Version::ALL
            .into_iter()
            .rev()
            .find(|version| (low..=high).contains(&version.number()))
            .ok_or(LineErr::IncompatibleApiVersion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::tapi::{HIGHEST_VERSION, LOWEST_VERSION};

    #[test]
    fn the_highest_common_version_is_taken() {
        for (low, high, expected) in [
            (0x0001_0003, 0x0003_0001, Ok(Version::V3_0)),
            (0x0002_0000, 0x0002_0002, Ok(Version::V2_2)),
            (0x0002_0001, 0x0002_0001, Ok(Version::V2_1)),
            (0x0001_0003, 0x0002_FFFF, Ok(Version::V2_2)),
            (0x0003_0001, 0x0003_0001, Err(LineErr::IncompatibleApiVersion)),
            (0x0001_0003, 0x0001_0004, Err(LineErr::IncompatibleApiVersion)),
            (0x0003_0000, 0x0002_0000, Err(LineErr::IncompatibleApiVersion)),
            (0, u32::MAX, Ok(Version::V3_0)),
        ] {
            assert_eq!(Version::highest_within(low, high), expected, "{low:#x}..{high:#x}");
        }
    }

    #[test]
    fn only_versions_that_can_be_negotiated_are_read() {
        for version in Version::ALL {
            assert_eq!(Version::read(version.number()), Ok(version));
        }
        for number in [0, 0x0001_0004, 0x0002_0003, 0x0003_0001, 0x0004_0000] {
            assert_eq!(Version::read(number), Err(LineErr::IncompatibleApiVersion));
        }
        assert_eq!(Version::ALL[0].number(), LOWEST_VERSION);
        assert_eq!(Version::ALL[3].number(), HIGHEST_VERSION);
    }
}
