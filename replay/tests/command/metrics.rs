//! `tapline metrics`, with a provider at work and without one.

use super::lines::{AtWork, Site, wait_for_lines};
use super::*;
use std::path::Path;

#[cfg(unix)]
#[test]
fn the_page_of_a_provider_at_work_is_printed_although_nothing_listens() {
    let simulator = Simulator::start(&[]);
    let site = Site::at(&simulator.authority);
    assert_ends(&site.run(&["metrics"]), 5, "there is no log");
    let provider = AtWork::start(Path::new(&site.settings));
    provider.until("LINE_CREATE");
    wait_for_lines(&site, |lines| {
        lines.iter().filter(|line| line["state"] == "in service").count() == 12
    });
    let output = site.run(&["metrics"]);
    assert_ends(&output, 0, "");
    let page = stdout(&output);
    for line in [
        "# TYPE tapline_lines_in_service gauge",
        "tapline_lines_in_service 12",
        "tapline_pbx_session_up{pbx=\"0\"} 1",
        "tapline_calls_open 0",
    ] {
        assert!(page.lines().any(|of_page| of_page == line), "{line} is not in {page}");
    }
    assert!(page.ends_with('\n') && !page.contains("Anna"));
    provider.end();
    assert_ends(&site.run(&["metrics"]), 4, "no provider is at work");
}
