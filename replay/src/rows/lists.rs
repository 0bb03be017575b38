//! Lists of lines as tables, for people.

use super::columns::{fitted, harmless};
use engine::view::LineView;

/// The columns of a table: their headings and widths; 0 for as wide as it gets.
pub(crate) type ColumnWidths<const N: usize> = [(&'static str, usize); N];

/// One row of a table.
pub(crate) fn cells<const N: usize>(columns: &ColumnWidths<N>, texts: [&str; N]) -> String {
    let cell = |((_, width), text): (&(&str, usize), &str)| match width {
        0 => harmless(text),
        width => fitted(&harmless(text), *width),
    };
    let row: Vec<String> = columns.iter().zip(texts).map(cell).collect();
    row.join("  ").trim_end().to_owned()
}

/// How a line is, in words.
pub(crate) fn state_word(view: Option<&LineView>) -> &'static str {
    match view {
        None => "unknown",
        Some(view) if !view.connected => "no PBX",
        Some(view) if !view.in_service => "out of service",
        Some(view) if !view.calls.is_empty() => "in a call",
        Some(_) => "in service",
    }
}

/// A span of time as people say it.
pub(crate) fn age(ms: u64) -> String {
    let seconds = ms / 1000;
    match (seconds / 86_400, seconds / 3600, seconds / 60) {
        (days @ 2.., ..) => format!("{days} d"),
        (_, hours @ 2.., _) => format!("{hours} h"),
        (_, _, minutes @ 2..) => format!("{minutes} min"),
        _ => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_the_unit_that_fits() {
        let ages = [(999, "0 s"), (90_000, "90 s"), (300_000, "5 min"), (7_200_000, "2 h")];
        for (ms, words) in ages {
            assert_eq!(age(ms), words);
        }
        assert_eq!(age(40 * 86_400_000), "40 d");
    }

    #[test]
    fn a_row_has_its_columns_whatever_the_names() {
        let columns = [("a", 4), ("b", 0)];
        assert_eq!(cells(&columns, ["李小龍", "x"]), "李…   x");
        assert_eq!(cells(&columns, ["a\x1b[2J", ""]), "a\u{fffd}[…");
    }
}
