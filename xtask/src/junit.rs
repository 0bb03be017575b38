//! Findings as a JUnit report, which build servers read.

use crate::host::{Finding, Verdict};
use std::fmt::Write as _;

/// The whole report.
pub(crate) fn report(findings: &[Finding]) -> String {
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let seconds: f64 = findings.iter().map(|finding| finding.took.as_secs_f64()).sum();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"conformance\" \
         tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{seconds:.3}\">\n",
        findings.len(),
        count(Verdict::Fail),
        count(Verdict::NotYet)
    );
    for finding in findings {
        let name = escape(&format!("{} {}", finding.number, finding.title));
        let _ = write!(
            text,
            "  <testcase classname=\"conformance\" name=\"{name}\" time=\"{:.3}\"",
            finding.took.as_secs_f64()
        );
        let reason = escape(&finding.reason);
        let _ = match finding.verdict {
            Verdict::Pass => writeln!(text, "/>"),
            Verdict::Fail => writeln!(text, "><failure message=\"{reason}\"/></testcase>"),
            Verdict::NotYet => writeln!(text, "><skipped message=\"{reason}\"/></testcase>"),
        };
    }
    text + "</testsuite>\n"
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c < ' ' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_failure_carries_its_reason_escaped() {
        let finding = |verdict, reason: &str| Finding {
            number: 7,
            title: "a < b".into(),
            verdict,
            reason: reason.into(),
            took: Duration::from_millis(1500),
            uses: Vec::new(),
        };
        let text = report(&[finding(Verdict::Pass, ""), finding(Verdict::Fail, "saw \"x\" & y")]);
        assert!(text.contains("tests=\"2\" failures=\"1\" skipped=\"0\" time=\"3.000\""), "{text}");
        assert!(text.contains("name=\"7 a &lt; b\" time=\"1.500\"/>"), "{text}");
        assert!(text.contains("<failure message=\"saw &quot;x&quot; &amp; y\"/>"), "{text}");
    }
}
