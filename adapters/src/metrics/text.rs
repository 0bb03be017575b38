//! The text format of Prometheus, version 0.0.4.

use super::numbers::Histogram;
use std::fmt::{Display, Write as _};

/// What a page is sent as.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page that is being written.
#[derive(Default)]
pub(super) struct Text(String);

/// The values under one name.
pub(super) struct Family<'t> {
    text: &'t mut String,
    name: &'static str,
}

/// What surrounds the value of a label.
type Labels<'l> = &'l [(&'static str, &'l str)];

impl Text {
    pub(super) fn counter(&mut self, name: &'static str, help: &str) -> Family<'_> {
        debug_assert!(name.ends_with("_total"), "{name}");
        self.family(name, "counter", help)
    }

    pub(super) fn gauge(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "gauge", help)
    }

    /// A whole family: how long something took, in seconds.
    pub(super) fn histogram(&mut self, name: &'static str, help: &str, histogram: &Histogram) {
        debug_assert!(name.ends_with("_seconds"), "{name}");
        let distribution = histogram.read();
        let Family { text, .. } = self.family(name, "histogram", help);
        for (limit, count) in &distribution.up_to {
            line(text, name, "_bucket", &[("le", limit)], count);
        }
        line(text, name, "_bucket", &[("le", "+Inf")], distribution.count);
        line(text, name, "_sum", &[], distribution.sum_s);
        line(text, name, "_count", &[], distribution.count);
    }

    pub(super) fn into_page(self) -> String {
        self.0
    }

    fn family(&mut self, name: &'static str, kind: &str, help: &str) -> Family<'_> {
        let text = &mut self.0;
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(text, "# HELP {name} {}", escaped(help, false));
        let _ = writeln!(text, "# TYPE {name} {kind}");
        Family { text, name }
    }
}

impl Family<'_> {
    /// The only value.
    pub(super) fn is(&mut self, value: impl Display) {
        self.of(&[], value);
    }

    /// One of several.
    pub(super) fn of(&mut self, labels: Labels<'_>, value: impl Display) {
        line(self.text, self.name, "", labels, value);
    }
}

fn line(text: &mut String, name: &str, ending: &str, labels: Labels<'_>, value: impl Display) {
    let _ = write!(text, "{name}{ending}");
    for (index, (label, of)) in labels.iter().enumerate() {
        let before = if index == 0 { '{' } else { ',' };
        let _ = write!(text, "{before}{label}=\"{}\"", escaped(of, true));
    }
    let _ = writeln!(text, "{} {value}", if labels.is_empty() { "" } else { "}" });
}

/// A text as it stands in a line, or, in quotes, in a label.
fn escaped(text: &str, in_quotes: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '"' if in_quotes => escaped.push_str("\\\""),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_page_reads_as_the_format_wants_it() {
        let mut text = Text::default();
        text.gauge("tapline_lines", "Lines.").is(7);
        let mut family = text.counter("tapline_calls_total", "Calls \\ and\nmore \"so\".");
        family.of(&[("kind", "a\"b\\c\nd"), ("of", "x")], 1);
        family.of(&[("kind", "e")], 2);
        let page = "# HELP tapline_lines Lines.\n# TYPE tapline_lines gauge\ntapline_lines 7\n\
                    # HELP tapline_calls_total Calls \\\\ and\\nmore \"so\".\n\
                    # TYPE tapline_calls_total counter\n\
                    tapline_calls_total{kind=\"a\\\"b\\\\c\\nd\",of=\"x\"} 1\n\
                    tapline_calls_total{kind=\"e\"} 2\n";
        assert_eq!(text.into_page(), page);
    }

    #[test]
    fn a_histogram_ends_with_all_their_sum_and_their_count() {
        let (mut text, histogram) = (Text::default(), Histogram::default());
        histogram.observe(Duration::from_millis(3));
        histogram.observe(Duration::from_secs(60));
        text.histogram("tapline_log_seconds", "How long.", &histogram);
        let page = text.into_page();
        for line in [
            "tapline_log_seconds_bucket{le=\"0.0025\"} 0",
            "tapline_log_seconds_bucket{le=\"0.005\"} 1",
            "tapline_log_seconds_bucket{le=\"10\"} 1",
            "tapline_log_seconds_bucket{le=\"+Inf\"} 2",
            "tapline_log_seconds_sum 60.003",
            "tapline_log_seconds_count 2",
        ] {
            assert!(page.lines().any(|of_page| of_page == line), "{line} is not in\n{page}");
        }
    }
}
