//! What is seen of a call: its ladder, its states, and what could be read at a moment.

use super::browser::Browser;
use super::{a_report, history, report_of};

#[test]
fn a_call_is_shown_with_its_columns_its_steps_and_its_states() {
    let browser = Browser::open(a_report(), 1440, 900);
    let columns = browser.text(
        "return [...document.querySelectorAll('#ladder .head .name')]
            .map((name) => name.className.split(' ').pop()).join(' ')",
    );
    assert!(columns.starts_with("pbx ") && columns.ends_with(" application"), "{columns}");
    assert!(columns.contains("leg"), "{columns}");
    let steps = browser.text(
        "return [...document.querySelectorAll('#ladder .step')]
            .map((row) => row.getAttribute('aria-label')).join('\\n')",
    );
    for words in ["Event of the PBX, from ", "Callback, from ", " to Application: CALLSTATE"] {
        assert!(steps.contains(words), "no {words:?} in {steps}");
    }
    let bands = browser.text("return document.querySelector('.bands').textContent");
    for state in ["CONNECTED", "ONHOLD"] {
        assert!(bands.contains(state), "no {state} in {bands}");
    }
    assert!(browser.number("return document.querySelectorAll('.story li').length") > 0);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn the_slider_shows_what_could_be_read_at_its_moment() {
    let browser = Browser::open(a_report(), 1440, 900);
    let slide_to = |share: f64| {
        browser.script(&format!(
            "const range = document.getElementById('moment');
             range.value = range.max * {share};
             range.dispatchEvent(new Event('input', {{ bubbles: true }}));"
        ));
    };
    let states = || {
        browser.text(
            "return [...document.querySelectorAll('.card .pill')].map((p) => p.textContent).join()",
        )
    };
    let mut seen = Vec::new();
    for share in 0..=40 {
        slide_to(f64::from(share) / 40.0);
        seen.push(states());
    }
    for state in ["CONNECTED", "ONHOLD", "IDLE"] {
        assert!(seen.iter().any(|states| states.contains(state)), "never {state}: {seen:?}");
    }
    let place = |state: &str| seen.iter().position(|states| states.contains(state));
    assert!(place("ONHOLD") > place("CONNECTED"), "{seen:?}");
    // The step of that moment is marked in the ladder, and brought into view.
    browser.wait_for("document.querySelector('#ladder .row[aria-selected=true]')");
    let moment = browser.text("return document.getElementById('clock').textContent");
    let row = browser
        .text("return document.querySelector('#ladder .row[aria-selected=true]').textContent");
    let record = moment.rsplit(' ').next().unwrap();
    assert!(row.contains(record), "{moment} is not at {row}");
}

#[test]
fn the_steps_of_a_request_are_marked_by_its_id() {
    let browser = Browser::open(a_report(), 1440, 900);
    browser.wait_for("document.querySelector('#ladder .chip')");
    let id = browser.text("return document.querySelector('#ladder .chip').textContent");
    assert!(id.starts_with('r'), "{id}");
    browser.click("#ladder .chip");
    let marked = "[...document.querySelectorAll('#ladder .marked')]";
    let kinds = browser.text(&format!(
        "return {marked}.map((row) => row.className.match(/kind-(\\S+)/)[1]).join(' ')"
    ));
    for kind in ["asked", "ordered", "answered", "completed"] {
        assert!(kinds.contains(kind), "{id} is not {kind}: {kinds}");
    }
    assert!(browser.holds(&format!(
        "{marked}.every((row) => row.querySelector('.chip').textContent === '{id}')"
    )));
    browser.click("#ladder .chip");
    assert!(browser.holds(&format!("{marked}.length === 0")));
}

#[test]
fn link_losses_and_take_overs_are_on_the_time_line_and_in_the_list_of_events() {
    let report = report_of(&history("standby-takes-over"));
    let browser = Browser::open(&report.page, 1440, 900);
    for selector in
        [".link.up", ".link.down", ".link.standby", ".sign.link-lost", ".sign.take-over"]
    {
        let found = format!("document.querySelector('#overview {selector}')");
        assert!(browser.holds(&found), "no {selector}");
    }
    browser.keys(&["3"]);
    let events = browser.text("return document.getElementById('events').textContent");
    for words in ["Link lost", "Take-over", "stands in"] {
        assert!(events.contains(words), "no {words:?} in {events}");
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn one_pane_is_shown_at_a_time_where_there_is_room_for_one() {
    let browser = Browser::open(a_report(), 1440, 900);
    let is_seen = |part: &str| {
        browser.holds(&format!("document.querySelector('{part}').getClientRects().length > 0"))
    };
    assert!(is_seen(".finder") && is_seen("#call"));
    browser.resize(500, 800);
    browser.wait_for("innerWidth < 600");
    assert!(is_seen(".finder") && !is_seen("#call"));
    browser.click("#calls .row");
    assert!(!is_seen(".finder") && is_seen("#call"));
    browser.click("#call .back");
    assert!(is_seen(".finder") && !is_seen("#call"));
    assert!(browser.holds("document.documentElement.scrollWidth <= innerWidth"));
}

#[test]
fn dark_and_light_follow_the_system_until_somebody_chooses() {
    let browser = Browser::open(a_report(), 1440, 900);
    let brightness = || {
        browser.number(
            "const [r, g, b] = getComputedStyle(document.querySelector('.call'))
                .backgroundColor.match(/\\d+/g).map(Number);
             return r + g + b;",
        )
    };
    let first = brightness();
    assert_eq!(browser.text("return document.getElementById('theme').textContent"), "Dark");
    browser.keys(&["d"]);
    assert!(first > 600 && brightness() < 150, "{first}, then {}", brightness());
    browser.click("#theme");
    assert_eq!(brightness(), first);
}

#[test]
fn paper_has_the_whole_call_and_nothing_else() {
    let browser = Browser::open(a_report(), 1440, 900);
    let rows = "document.querySelectorAll('#ladder .row').length";
    let all = browser
        .number("return Number(document.getElementById('ladder').getAttribute('aria-rowcount'))");
    browser.script(
        "window.printed = [];
         addEventListener('beforeprint', () => printed.push(
            document.querySelectorAll('#ladder .row').length));",
    );
    let pdf = browser.print();
    assert!(pdf.starts_with("JVBERi0"), "this is no PDF: {}", &pdf[..16]);
    browser.wait_for("printed.length > 0");
    assert_eq!(browser.number("return printed[0]"), all);
    // And back again, with those rows that are in view.
    assert!(browser.number(&format!("return {rows}")) < all);
}
