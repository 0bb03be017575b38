//! Names, roles and contrast, for those who do not see the page, or see it badly.

use super::a_report;
use super::browser::Browser;

#[test]
fn every_control_has_a_name_and_every_part_a_role() {
    let browser = Browser::open(a_report(), 1440, 900);
    browser.keys(&["?"]);
    let nameless = browser.text(
        "return [...document.querySelectorAll('button, input, [role=tab], [role=listbox], [role=grid]')]
            .filter((node) => !(node.getAttribute('aria-label') || node.textContent.trim()
                || node.labels?.length))
            .map((node) => node.outerHTML.slice(0, 200)).join('\\n')",
    );
    assert_eq!(nameless, "");
    for (selector, role) in [
        ("#calls", "listbox"),
        ("#calls .row", "option"),
        ("#ladder", "grid"),
        ("#ladder .rows", "rowgroup"),
        ("#ladder .row", "row"),
        ("#ladder .head .time", "columnheader"),
        ("#tab-calls", "tab"),
        ("#panel-calls", "tabpanel"),
        ("#overview", "img"),
        ("#found", "status"),
    ] {
        let is = browser.text(&format!("return document.querySelector('{selector}').role"));
        assert_eq!(is, role, "{selector}");
    }
    // The current row is named to those who hear the page.
    let current = "document.getElementById(document.getElementById('ladder')
        .getAttribute('aria-activedescendant'))";
    assert!(browser.holds(&format!("{current}.getAttribute('aria-label').length > 20")));
}

#[test]
fn the_focus_is_seen_wherever_it_is() {
    let browser = Browser::open(a_report(), 1440, 900);
    let tab = "\u{e004}";
    for _ in 0..12 {
        browser.keys(&[tab]);
        let outline = browser.text(
            "const node = document.activeElement, style = getComputedStyle(node);
             return node === document.body ? 'body'
                : `${style.outlineStyle} ${parseFloat(style.outlineWidth) > 0}`",
        );
        assert!(outline == "body" || outline == "solid true", "{outline}");
    }
}

/// WCAG 2.1, 1.4.3: at least 4.5 to 1.
#[test]
fn text_stands_out_from_what_is_behind_it_in_dark_and_light() {
    let browser = Browser::open(a_report(), 1440, 900);
    for _ in ["light", "dark"] {
        let weak = browser.text(CONTRAST);
        assert_eq!(weak, "");
        browser.keys(&["d"]);
    }
}

const CONTRAST: &str = "
    const channel = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const behind = (node) => {
        for (; node; node = node.parentElement) {
            const colour = rgb(getComputedStyle(node).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const found = new Set();
    for (const node of document.querySelectorAll('body *')) {
        const says = [...node.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim());
        if (!says || !node.getClientRects().length || node.closest('script, style, noscript, .track')) continue;
        const [a, b] = [light(rgb(getComputedStyle(node).color)), light(behind(node))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) found.add(`${node.tagName}.${node.className} ${ratio.toFixed(2)}`);
    }
    return [...found].join('\\n');";
