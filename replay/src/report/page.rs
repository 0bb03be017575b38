//! The page that a report is: one file, hand-written, that needs nothing from anywhere.
//!
//! Its parts lie beside this file as they are: no build step, no outside package. The policy in its
//! head names style and script by their hashes, so a browser runs and applies these and nothing else,
//! and lets nothing be loaded or sent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/style.css");

/// In the order in which they build on each other.
const SCRIPTS: [&str; 12] = [
    include_str!("page/dom.js"),
    include_str!("page/clock.js"),
    include_str!("page/states.js"),
    include_str!("page/data.js"),
    include_str!("page/virtual.js"),
    include_str!("page/overview.js"),
    include_str!("page/finder.js"),
    include_str!("page/ladder.js"),
    include_str!("page/moment.js"),
    include_str!("page/call.js"),
    include_str!("page/keys.js"),
    concat!(include_str!("page/theme.js"), include_str!("page/main.js")),
];

/// What stands in the page before the data, and what behind them.
pub(super) fn around_the_data() -> (String, String) {
    let script = format!("\"use strict\";\n(() => {{\n{}}})();\n", SCRIPTS.concat());
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
        hash(&script),
        hash(STYLE)
    );
    let (before, behind) = PAGE.split_once("{{data}}").unwrap_or((PAGE, ""));
    let before = before.replacen("{{policy}}", &policy, 1).replacen("{{style}}", STYLE, 1);
    (before, behind.replacen("{{script}}", &script, 1))
}

/// As a Content-Security-Policy names a part of a page.
fn hash(part: &str) -> String {
    format!("sha256-{}", BASE64.encode(Sha256::digest(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_named_by_its_hash_as_browsers_compute_it() {
        // The example of the CSP standard, section 8.4.
        let expected = "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=";
        assert_eq!(hash("alert('Hello, world.');"), expected);
    }

    #[test]
    fn every_blank_of_the_page_is_filled() {
        let (before, behind) = around_the_data();
        for part in [&before, &behind] {
            assert!(!part.contains("{{"), "{}", &part[part.find("{{").unwrap_or(0)..]);
        }
        assert!(before.find("Content-Security-Policy") < before.find("<style>"));
        assert!(behind.ends_with("</html>\n"));
    }

    #[test]
    fn the_scripts_never_take_a_text_for_html_and_never_leave_the_page() {
        for script in SCRIPTS {
            for banned in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "Function(",
                "fetch(",
                "XMLHttpRequest",
                "import(",
                "WebSocket",
                "localStorage",
                "</script",
            ] {
                assert!(!script.contains(banned), "{banned}");
            }
        }
    }
}
