//! Milliseconds as a date and a time of day, in UTC.

use engine::time::Millis;

/// A point in time as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    /// Days since 1970-01-01.
    pub(crate) day: u64,
    millis_of_day: u64,
}

const MILLIS_OF_A_DAY: u64 = 24 * 60 * 60 * 1000;

impl Clock {
    pub(crate) fn of(at: Millis) -> Clock {
        Clock { day: at.0 / MILLIS_OF_A_DAY, millis_of_day: at.0 % MILLIS_OF_A_DAY }
    }

    /// For example `2026-01-31`.
    pub(crate) fn date(self) -> String {
        let (year, month, day) = civil(self.day);
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// For example `09:05:00.042`.
    pub(crate) fn time(self) -> String {
        let (seconds, millis) = (self.millis_of_day / 1000, self.millis_of_day % 1000);
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        format!("{hours:02}:{minutes:02}:{:02}.{millis:03}", seconds % 60)
    }

    /// For example `2026-01-31T09:05:00.042Z`.
    pub(crate) fn whole(self) -> String {
        format!("{}T{}Z", self.date(), self.time())
    }
}

/// Year, month and day of a day counted from 1970-01-01: years begin in March, so that the leap
/// day is the last, and 400 of them have 146 097 days.
fn civil(day: u64) -> (u64, u64, u64) {
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    (year, month, day - (153 * shifted + 2) / 5 + 1)
}

/// Midnight of a date, the other way round. A day that the month does not have is one of the next.
pub(crate) fn millis_of(year: u64, month: u64, day: u64) -> Millis {
    // Years begin in March, as above.
    let (year, shifted) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year) = (year / 400, year % 400);
    let day = (153 * shifted + 2) / 5 + day - 1;
    let days = era * 146_097 + year * 365 + year / 4 - year / 100 + day - 719_468;
    Millis(days * MILLIS_OF_A_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_over_leap_years_and_centuries() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_798_761_599_042, "2026-12-31T23:59:59.042Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(Clock::of(Millis(millis)).whole(), text);
            let parts: Vec<u64> =
                text[..10].split('-').filter_map(|part| part.parse().ok()).collect();
            let midnight = millis_of(parts[0], parts[1], parts[2]);
            assert_eq!(midnight.0, millis - millis % MILLIS_OF_A_DAY);
        }
    }
}
