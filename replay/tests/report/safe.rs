//! Names that try to break out, and a page that asks nobody for anything.

use super::browser::Browser;
use super::*;
use engine::fact::Party;
use engine::pii::Personal;

const HOSTILE: [&str; 4] = [
    "</script><script>document.title='broken out'</script>",
    "\"><img src=x onerror=\"document.title='broken out'\">",
    "<!--<script>\u{2028}{{data}}{{script}}\\u003c",
    "' onmouseover='document.title=1' x='&lt;b&gt;",
];

/// The users get these names.
fn with_hostile_names(mut records: Vec<Record>) -> Vec<Record> {
    let mut names = HOSTILE.iter().cycle();
    for record in &mut records {
        match &mut record.event {
            Event::Pbx(_, _, PbxFact::User(user)) if !user.cn.text().is_empty() => {
                let name = names.next().unwrap();
                user.cn = Personal::from(*name);
                user.dn = Personal::from(*name);
            }
            Event::Pbx(_, _, PbxFact::Call(call)) => {
                let hostile = |party: &Party| Party {
                    cn: Personal::from(HOSTILE[0]),
                    dn: Personal::from(HOSTILE[1]),
                    ..party.clone()
                };
                call.parties = call.parties.iter().map(hostile).collect();
            }
            Event::Pbx(_, _, PbxFact::Identified(who)) => who.location = HOSTILE[0].into(),
            _ => {}
        }
    }
    records
}

#[test]
fn hostile_names_are_shown_and_do_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let records = with_hostile_names(calls_from_outside(0..40));
    let report = report_of(&capture_of(folder.path(), records));
    let browser = Browser::open(&report.page, 1440, 900);
    let page = "return document.body.innerText";
    let mut seen = browser.text(page);
    for list in ["2", "3", "1", "]", "?"] {
        browser.keys(&[list]);
        seen.push_str(&browser.text(page));
    }
    assert!(seen.contains("document.title='broken out'"), "the names are not even shown: {seen}");
    assert!(browser.text("return document.title").ends_with("Tapline report"));
    assert!(
        browser.holds(
            "document.querySelectorAll('img, iframe, body script:not([type])').length === 1"
        )
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn nothing_is_asked_of_anybody_and_the_policy_forbids_it() {
    let browser = Browser::open(a_report(), 1440, 900);
    browser.keys(&["2", "3", "1", "]", "d", "?"]);
    let requests = browser.requests();
    let page = format!("file://{}", a_report().display());
    assert!(requests.iter().all(|address| *address == page), "{requests:?}");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    // What somebody smuggled in all the same would not run, and would not get out.
    browser.script(
        "const script = document.createElement('script');
         script.textContent = 'document.title = \"smuggled\"';
         document.body.append(script);
         const image = new Image();
         image.src = 'http://192.0.2.1/';",
    );
    assert!(browser.text("return document.title").ends_with("Tapline report"));
    let refused = browser.complaints_until(|complaints| complaints.len() >= 2);
    assert!(refused.iter().all(|text| text.contains("Content Security Policy")), "{refused:?}");
    assert!(refused.iter().any(|text| text.contains("192.0.2.1")), "{refused:?}");
}
