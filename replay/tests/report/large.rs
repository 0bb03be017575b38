//! Ten thousand calls.

use super::browser::{Browser, END};
use super::{capture_of_calls, report_of};
use std::time::{Duration, Instant};

/// Rows that may be in the page at once: those in view, and some beyond each edge.
const MOST_ROWS: u64 = 120;

#[test]
fn ten_thousand_calls_stay_fluid() {
    let folder = tempfile::tempdir().unwrap();
    let report = report_of(&capture_of_calls(folder.path(), 10_000));
    assert_eq!(report.summary["calls"], 10_000);
    let browser = Browser::open(&report.page, 1440, 900);
    let rows = "return document.querySelectorAll('.row').length";
    assert!(browser.number(rows) < MOST_ROWS);
    let count = "return document.querySelector('#calls .row').getAttribute('aria-setsize')";
    assert_eq!(browser.text(count), "10000");
    browser.script("document.getElementById('calls').focus()");
    browser.keys(&[END]);
    browser.wait_for("document.querySelector('#calls [data-row=\"9999\"][aria-selected=true]')");
    assert!(browser.number(rows) < MOST_ROWS);
    // By the wheel as well: scrolled to anywhere, what is in view is drawn.
    for share in [0.1, 0.5, 0.93] {
        browser.script(&format!(
            "const list = document.getElementById('calls'); list.scrollTop = list.scrollHeight * {share};"
        ));
        browser.wait_for(
            "(() => {
                const list = document.getElementById('calls').getBoundingClientRect();
                const at = document.elementFromPoint(list.left + 60, list.top + list.height / 2);
                return at.closest('#calls .row');
            })()",
        );
        assert!(browser.number(rows) < MOST_ROWS);
    }
    let begin = Instant::now();
    browser.keys(&["/", "9"]);
    browser.wait_for("document.getElementById('found').textContent.includes(' of ')");
    assert!(begin.elapsed() < Duration::from_secs(10), "a search takes {:?}", begin.elapsed());
    assert!(browser.number(rows) < MOST_ROWS);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
