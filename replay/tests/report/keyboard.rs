//! The page without a mouse.

use super::browser::{Browser, DOWN, END, ENTER, ESCAPE, HOME, LEFT, RIGHT};
use super::{a_report, history, report_of};

const TITLE: &str = "return document.querySelector('#call h2').textContent";
const MOMENT: &str = "return document.getElementById('clock').textContent";

#[test]
fn a_call_is_searched_and_opened_by_keyboard() {
    let report = report_of(&history("two-calls-at-one-line"));
    let browser = Browser::open(&report.page, 1440, 900);
    let all = browser.number("return document.querySelectorAll('#calls .row').length");
    assert!(all >= 2, "{all} calls");
    let wanted = browser
        .text("return [...document.querySelectorAll('#calls .row .title')].pop().textContent");
    let number = wanted.split(' ').find(|word| word.parse::<u64>().is_ok()).unwrap();
    browser.keys(&["/", number]);
    assert!(browser.holds("document.activeElement.id === 'search'"));
    let found = browser.text("return document.getElementById('found').textContent");
    assert!(found.contains(&format!("of {all} calls")), "{found}");
    assert!(browser.holds(&format!(
        "[...document.querySelectorAll('#calls .row')].every((row) =>
            (row.textContent + row.title).includes('{number}'))"
    )));
    browser.keys(&[ENTER, END, ENTER]);
    assert_eq!(browser.text(TITLE), wanted);
    assert!(browser.holds("document.activeElement.id === 'ladder'"));
    browser.keys(&[ESCAPE]);
    assert!(browser.holds("document.activeElement.id === 'calls'"));
    browser.keys(&["/", "nobody has this name"]);
    assert!(browser.holds("document.querySelectorAll('#calls .row').length === 0"));
    browser.keys(&[ESCAPE]);
    assert_eq!(browser.number("return document.querySelectorAll('#calls .row').length"), all);
}

#[test]
fn brackets_go_from_call_to_call() {
    let report = report_of(&history("two-calls-at-one-line"));
    let browser = Browser::open(&report.page, 1440, 900);
    let first = browser.text(TITLE);
    browser.keys(&["]"]);
    assert_ne!(browser.text(TITLE), first);
    browser.keys(&["["]);
    assert_eq!(browser.text(TITLE), first);
}

#[test]
fn arrows_go_from_step_to_step_and_with_shift_from_state_to_state() {
    let browser = Browser::open(a_report(), 1440, 900);
    let row =
        "return Number(document.querySelector('#ladder .row[aria-selected=true]').dataset.row)";
    assert_eq!(browser.number(row), 0);
    browser.keys(&[RIGHT, RIGHT]);
    assert_eq!(browser.number(row), 2);
    browser.keys(&[LEFT]);
    assert_eq!(browser.number(row), 1);
    browser.shifted(RIGHT);
    let has_pill = "document.querySelector('#ladder .row[aria-selected=true] .pill')";
    assert!(browser.holds(has_pill));
    // In the ladder itself, arrows go up and down.
    browser.keys(&["l", HOME, DOWN]);
    assert_eq!(browser.number(row), 1);
    let before = browser.text(MOMENT);
    browser.keys(&[END]);
    assert_ne!(browser.text(MOMENT), before);
    // The slider obeys arrows as well, and says where it is.
    browser.script("document.getElementById('moment').focus()");
    let words = "return document.getElementById('moment').getAttribute('aria-valuetext')";
    let at = browser.text(words);
    browser.keys(&[LEFT]);
    assert_ne!(browser.text(words), at);
}

#[test]
fn the_keys_are_listed_in_the_page() {
    let browser = Browser::open(a_report(), 1440, 900);
    browser.keys(&["?"]);
    assert!(browser.holds("document.getElementById('help').open"));
    let help = browser.text("return document.getElementById('help').textContent");
    for words in ["Search", "Mark all steps of the request", "Esc"] {
        assert!(help.contains(words), "{help}");
    }
    browser.keys(&[ESCAPE]);
    assert!(!browser.holds("document.getElementById('help').open"));
}

#[test]
fn the_calls_of_a_line_are_found_by_the_line() {
    let browser = Browser::open(a_report(), 1440, 900);
    browser.keys(&["2"]);
    assert!(browser.holds("!document.getElementById('panel-lines').hidden"));
    browser.script("document.getElementById('lines').focus()");
    browser.keys(&[DOWN, ENTER]);
    assert!(browser.holds("!document.getElementById('panel-calls').hidden"));
    let found = browser.text("return document.getElementById('found').textContent");
    assert!(found.contains(" of "), "{found}");
}
