//! GUIDs and times as Windows writes them.

use super::{SystemTime, WindowsGuid};
use engine::id::Guid;
use engine::time::Millis;

impl WindowsGuid {
    /// TAPIPROTOCOL_PSTN.
    pub const PROTOCOL_PSTN: WindowsGuid = WindowsGuid {
        data1: 0x831C_E2D6,
        data2: 0x83B5,
        data3: 0x11D1,
        data4: [0xBB, 0x5C, 0x00, 0xC0, 0x4F, 0xB6, 0x80, 0x9F],
    };
}

impl From<Guid> for WindowsGuid {
    fn from(guid: Guid) -> WindowsGuid {
        let [a, b, c, d, e, f, g, h, data4 @ ..] = guid.0;
        WindowsGuid {
            data1: u32::from_be_bytes([a, b, c, d]),
            data2: u16::from_be_bytes([e, f]),
            data3: u16::from_be_bytes([g, h]),
            data4,
        }
    }
}

impl From<Millis> for SystemTime {
    /// The civil calendar by counting days in eras of 400 years from 1 March 0000.
    fn from(time: Millis) -> SystemTime {
        const DAY_MS: u64 = 86_400_000;
        // The type ends with the year 30827; beyond it the last instant is as good as any.
        let days = (time.0 / DAY_MS).min(10_540_167);
        let in_day = time.0 % DAY_MS;
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        // Every part is below 65536 by the bound on days.
        let part = |value: u64| value as u16;
        SystemTime {
            year: part(year),
            month: part(month),
            day_of_week: part((days + 4) % 7),
            day: part(day),
            hour: part(in_day / 3_600_000),
            minute: part(in_day / 60_000 % 60),
            second: part(in_day / 1000 % 60),
            milliseconds: part(in_day % 1000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_the_same_guid_for_windows() {
        let guid = Guid::read("831CE2D6-83B5-11D1-BB5C-00C04FB6809F");
        assert_eq!(WindowsGuid::from(guid), WindowsGuid::PROTOCOL_PSTN);
    }

    #[test]
    fn time_is_given_in_the_civil_calendar() {
        let parts = |millis| {
            let SystemTime { year, month, day_of_week, day, hour, minute, second, milliseconds } =
                SystemTime::from(Millis(millis));
            [year, month, day_of_week, day, hour, minute, second, milliseconds]
        };
        assert_eq!(parts(0), [1970, 1, 4, 1, 0, 0, 0, 0]);
        assert_eq!(parts(951_782_399_999), [2000, 2, 1, 28, 23, 59, 59, 999]);
        assert_eq!(parts(951_782_400_000), [2000, 2, 2, 29, 0, 0, 0, 0]);
        assert_eq!(parts(1_709_251_199_001), [2024, 2, 4, 29, 23, 59, 59, 1]);
        assert_eq!(parts(1_735_689_600_000), [2025, 1, 3, 1, 0, 0, 0, 0]);
        assert_eq!(parts(u64::MAX)[0], 30_827);
    }
}
