//! A moment of a log, as people name it: the number of a record, or a time.

use crate::rows::millis_of;
use engine::time::Millis;
use std::str::FromStr;

/// A moment of a log, as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The record with this number.
    Seq(u64),
    /// A date with a time of day, in UTC.
    At(Millis),
    /// A time of day, in milliseconds: the first one in the log.
    OfDay(u64),
    /// Milliseconds since the first record.
    After(u64),
}

/// A moment of a certain log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// The record with this number.
    Seq(u64),
    /// A time.
    At(Millis),
}

const DAY_MS: u64 = 86_400_000;

impl Moment {
    /// In a log whose first record has this time.
    pub(crate) fn in_log(self, first: Millis) -> Point {
        match self {
            Moment::Seq(seq) => Point::Seq(seq),
            Moment::At(at) => Point::At(at),
            Moment::After(ms) => Point::At(first + ms),
            Moment::OfDay(ms) => {
                let today = Millis(first.0 / DAY_MS * DAY_MS + ms);
                // To the second, so that a log can be asked for the time at which it begins.
                let is_over = today.0 + 999 < first.0;
                Point::At(if is_over { today + DAY_MS } else { today })
            }
        }
    }
}

impl Point {
    /// Whether a record is this moment, or comes after it.
    pub(crate) fn has_come(self, seq: u64, at: Millis) -> bool {
        match self {
            Point::Seq(point) => seq >= point,
            Point::At(point) => at >= point,
        }
    }

    /// Whether a record comes after this moment.
    pub(crate) fn is_over(self, seq: u64, at: Millis) -> bool {
        match self {
            Point::Seq(point) => seq > point,
            Point::At(point) => at > point,
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Moment, String> {
        let wrong = || {
            format!(
                "{text:?} is neither the number of a record nor a time such as 12:03:20.5, \
                 2026-01-31T12:03:20Z or +90"
            )
        };
        if let Some(seconds) = text.strip_prefix('+') {
            return millis(seconds).map(Moment::After).ok_or_else(wrong);
        }
        if let Ok(seq) = text.parse() {
            return Ok(Moment::Seq(seq));
        }
        match text.split_once(['T', ' ']) {
            None => of_day(text).map(Moment::OfDay).ok_or_else(wrong),
            Some((date, time)) => {
                let time = of_day(time.strip_suffix('Z').unwrap_or(time)).ok_or_else(wrong)?;
                let date = date_of(date).ok_or_else(wrong)?;
                Ok(Moment::At(date + time))
            }
        }
    }
}

/// `12:03`, `12:03:20` or `12:03:20.5`.
fn of_day(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let (hours, minutes) = (two_digits(parts.next()?, 24)?, two_digits(parts.next()?, 60)?);
    let seconds_ms = parts.next().map_or(Some(0), millis).filter(|ms| *ms < 60_000)?;
    parts.next().is_none().then_some((hours * 60 + minutes) * 60_000 + seconds_ms)
}

fn two_digits(text: &str, below: u64) -> Option<u64> {
    let fits = (1..=2).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|number| fits && *number < below)
}

/// Seconds with up to three decimals.
fn millis(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let fits = !whole.is_empty()
        && whole.len() <= 10
        && part.len() <= 3
        && (whole.bytes().chain(part.bytes())).all(|c| c.is_ascii_digit());
    let whole: u64 = whole.parse().ok().filter(|_| fits)?;
    Some(whole * 1000 + format!("{part:0<3}").parse::<u64>().ok()?)
}

fn date_of(text: &str) -> Option<Millis> {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return None };
    let year = year.parse().ok().filter(|year| (1970..=9999).contains(year))?;
    let (month, day) = (two_digits(month, 13)?, two_digits(day, 32)?);
    (month > 0 && day > 0).then(|| millis_of(year, month, day))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let read = |text: &str| text.parse::<Moment>();
        assert_eq!(read("4711"), Ok(Moment::Seq(4711)));
        assert_eq!(read("12:03"), Ok(Moment::OfDay(43_380_000)));
        assert_eq!(read("12:03:20.5"), Ok(Moment::OfDay(43_400_500)));
        assert_eq!(read("+1.25"), Ok(Moment::After(1250)));
        let whole = Ok(Moment::At(Millis(951_868_800_042)));
        assert_eq!(read("2000-03-01T00:00:00.042Z"), whole);
        assert_eq!(read("2000-03-01 00:00:00.042"), whole);
        for wrong in ["", "noon", "25:00", "12:60", "12:00:61", "+", "+x", "2000-13-01T00:00", "-1"]
        {
            assert!(read(wrong).unwrap_err().contains("number of a record"), "{wrong}");
        }
    }

    #[test]
    fn a_time_of_day_is_the_first_one_in_the_log() {
        let first = Millis(10 * DAY_MS + 43_200_000 + 250);
        let point = |text: &str| text.parse::<Moment>().unwrap().in_log(first);
        assert_eq!(point("13:00"), Point::At(Millis(10 * DAY_MS + 46_800_000)));
        assert_eq!(point("11:00"), Point::At(Millis(11 * DAY_MS + 39_600_000)));
        assert_eq!(point("12:00:00"), Point::At(Millis(10 * DAY_MS + 43_200_000)));
        assert_eq!(point("+2"), Point::At(first + 2000));
    }
}
