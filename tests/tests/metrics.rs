//! The metrics page: the real library in a process of its own, on a simulator, read over HTTP as a
//! Prometheus would.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

use adapters::desk::{self, Verdict};
use adapters::simulator::{Estate, Options, Simulator};
use engine::tapi::{CallState, LineErr};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};
use tests::page::{Page, fetch, shown_at};
use tests::premises::{Premises, settings_for};
use tests::server::Server;
use tests::{PATIENCE, wait_for};

/// Lines of the built-in estate that have a phone.
const LINES: usize = 12;

/// A PBX, and a provider that is in service and shows its page.
struct Office {
    pbx: Simulator,
    premises: Premises,
    server: Server,
    page: SocketAddr,
}

impl Office {
    fn open() -> Office {
        let pbx = Simulator::start(&Estate::built_in(), Options::default()).unwrap();
        let premises = Premises::with(&settings(&pbx, "listen = \"127.0.0.1:0\""));
        let server = Server::in_service(&premises, LINES);
        let page = shown_at(&premises, 1);
        Office { pbx, premises, server, page }
    }

    fn page(&self) -> Page {
        Page::at(self.page)
    }

    /// Waits until the page says what is wanted of it.
    fn wait_for(&self, what: &str, is_so: impl Fn(&Page) -> bool) -> Page {
        wait_for(what, || Some(self.page()).filter(&is_so))
    }

    fn reload(&self, settings: &str) -> String {
        self.premises.write(settings);
        let reloaded = desk::reload(self.premises.log(), PATIENCE).unwrap();
        assert_eq!(reloaded.verdict, Verdict::Applied, "{reloaded:?}");
        reloaded.words
    }
}

fn settings(pbx: &Simulator, metrics: &str) -> String {
    format!("{}[metrics]\n{metrics}\n", settings_for(&pbx.address().to_string()))
}

#[test]
fn a_call_raises_what_counts_calls_requests_callbacks_records_and_delays() {
    let mut office = Office::open();
    let before = office.page();
    assert_eq!(before.value("tapline_calls_open"), 0.0);
    assert_eq!(before.value("tapline_pbx_session_up{pbx=\"0\"}"), 1.0);
    assert!(before.value("tapline_lines_in_service") >= LINES as f64);
    let anna = office.server.device("20");
    let call = office.server.make_call(anna, "21");
    office.server.wait_for("ringback", |heard| heard.is_state(CallState::Ringback));
    office.pbx.control("answer 21").unwrap();
    office.server.wait_for("a connected call", |heard| heard.is_state(CallState::Connected));
    let during = office
        .wait_for("an open call", |page| page.value("tapline_calls{state=\"connected\"}") >= 1.0);
    assert!(during.value("tapline_calls_open") >= 1.0);
    office.server.ask(&format!("drop {call}")).well();
    office.server.wait_for("its end", |heard| heard.is_state(CallState::Idle));
    // No number is refused at once.
    office.server.ask(&format!("make {anna} nobody")).refused_with(LineErr::InvalAddress);
    let after = office.wait_for("all that came of it", |page| {
        let callbacks = page.value("tapline_callbacks_ended_total{outcome=\"delivered\"}");
        page.value("tapline_calls_open") == 0.0
            && page.value("tapline_requests_open") == 0.0
            && page.value("tapline_requests_total{function=\"lineDrop\",outcome=\"succeeded\"}")
                == 1.0
            && callbacks > before.value("tapline_callbacks_ended_total{outcome=\"delivered\"}")
    });
    for (name, rise) in [
        ("tapline_requests_total{function=\"lineMakeCall\",outcome=\"succeeded\"}", 1.0),
        ("tapline_requests_total{function=\"lineMakeCall\",outcome=\"refused\"}", 1.0),
        ("tapline_request_duration_seconds_count", 2.0),
        ("tapline_soap_requests_total{operation=\"UserCall\",outcome=\"answered\"}", 1.0),
        ("tapline_log_records_total{source=\"application\"}", 2.0),
        ("tapline_callbacks_total{kind=\"completion\"}", 2.0),
    ] {
        assert_eq!(after.value(name) - before.value(name), rise, "{name}");
    }
    for name in [
        "tapline_callbacks_total{kind=\"call_state\"}",
        "tapline_event_lag_seconds_count",
        "tapline_event_lag_seconds_sum",
        "tapline_log_latency_seconds_count",
        "tapline_log_records_total{source=\"pbx\"}",
        "tapline_log_written_bytes_total",
        "tapline_log_bytes",
        "tapline_log_records",
        "tapline_soap_requests_total{operation=\"Poll\",outcome=\"answered\"}",
    ] {
        assert!(after.value(name) > before.value(name), "{name} rises");
    }
    assert_eq!(after.value("tapline_log_up"), 1.0);
    assert!(after.value("tapline_pbx_poll_age_seconds{pbx=\"0\"}") < PATIENCE.as_secs_f64());
}

/// What a page must not hold: who called whom, and what they are called.
#[test]
fn no_number_and_no_name_of_anybody_is_on_the_page() {
    let mut office = Office::open();
    let anna = office.server.device("20");
    let call = office.server.make_call(anna, "0911123456");
    office.server.wait_for("a call", |heard| heard.call == Some(call));
    let body = fetch(office.page, "GET", "/metrics").body;
    for word in ["0911", "Anna", "Berg", "_TAPI_", "secret"] {
        assert!(!body.contains(word), "{word} in\n{body}");
    }
    let pbx = format!("place=\"http://{}", office.pbx.address());
    assert!(body.contains(&pbx), "{pbx} is not in\n{body}");
}

#[test]
fn a_lost_pbx_and_its_return_are_on_the_page() {
    let office = Office::open();
    office.wait_for("the first picture", |page| {
        page.value("tapline_pbx_resyncs_total{pbx=\"0\"}") == 1.0
    });
    office.pbx.control("reboot 1").unwrap();
    let down = office
        .wait_for("no session", |page| page.value("tapline_pbx_session_up{pbx=\"0\"}") == 0.0);
    assert_eq!(down.value("tapline_pbx_sessions_lost_total{pbx=\"0\"}"), 1.0);
    let up = office.wait_for("a second picture", |page| {
        page.value("tapline_pbx_resyncs_total{pbx=\"0\"}") == 2.0
    });
    assert_eq!(up.value("tapline_pbx_sessions_total{pbx=\"0\"}"), 2.0);
    assert_eq!(up.value("tapline_pbx_sessions_lost_total{pbx=\"0\"}"), 1.0);
    assert_eq!(up.value("tapline_pbx_takeovers_total{pbx=\"0\"}"), 0.0, "it is the same box");
    assert!(up.value("tapline_diary_lines_total{level=\"warn\"}") >= 1.0);
}

#[test]
fn whether_captures_are_wanted_and_written_is_on_the_page() {
    let office = Office::open();
    let without = office.page();
    assert_eq!(without.value("tapline_capture_on"), 0.0);
    assert_eq!(without.value("tapline_capture_up"), 0.0);
    drop(office);
    let pbx = Simulator::start(&Estate::built_in(), Options::default()).unwrap();
    let premises =
        Premises::with(&(settings_for(&pbx.address().to_string()) + "[capture]\non = true\n"));
    let _server = Server::in_service(&premises, LINES);
    wait_for("records in a capture file", || {
        let page = Page::read(&desk::metrics(premises.log(), PATIENCE).unwrap());
        let is_so = page.value("tapline_capture_on") == 1.0
            && page.value("tapline_capture_up") == 1.0
            && page.value("tapline_capture_written_bytes_total") > 0.0;
        assert_eq!(page.value("tapline_capture_lost_bytes_total"), 0.0);
        is_so.then_some(())
    });
}

/// A row of a table in the document: name, type, labels.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/metrics.md");
    let text = std::fs::read_to_string(path).unwrap();
    let words = |cell: &str| -> Vec<String> {
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let rows = text.lines().filter(|line| line.starts_with("| `tapline_")).map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        assert!(cells[4].ends_with('.') && cells[4].len() > 10, "{line}");
        let name = words(cells[1]).remove(0);
        (name, (cells[2].to_owned(), words(cells[3]).into_iter().collect()))
    });
    rows.collect()
}

#[test]
fn the_document_has_each_metric_of_the_page_with_its_labels_and_no_other() {
    let office = Office::open();
    let page = office.page();
    let labels = |family: &str| -> BTreeSet<String> {
        let of_it = page.values.keys().filter_map(|series| {
            let (name, labels) = series.split_once('{')?;
            (name == family).then_some(labels)
        });
        let names = of_it.flat_map(|labels| {
            labels.split("=\"").filter_map(|part| {
                let name = part.rsplit([',', '{']).next()?;
                (!name.ends_with('}')).then(|| name.to_owned())
            })
        });
        names.collect()
    };
    let shown: BTreeMap<_, _> = page
        .families
        .iter()
        .map(|(name, kind)| (name.clone(), (kind.clone(), labels(name))))
        .collect();
    assert_eq!(documented(), shown);
}

#[test]
fn the_page_comes_moves_and_goes_with_the_settings_while_calls_go_on() {
    let pbx = Simulator::start(&Estate::built_in(), Options::default()).unwrap();
    let without = settings_for(&pbx.address().to_string());
    let premises = Premises::with(&without);
    let server = Server::in_service(&premises, LINES);
    assert!(!premises.diary().contains("metrics"), "nothing listens unless it is wanted");
    let mut office = Office { page: SocketAddr::from(([0; 4], 0)), pbx, premises, server };
    office.pbx.control("call 21 20").unwrap();
    office.pbx.control("answer 20").unwrap();
    office.server.wait_for("a connected call", |heard| heard.is_state(CallState::Connected));

    let said = office.reload(&settings(&office.pbx, "listen = \"127.0.0.1:0\""));
    assert!(said.contains("in force: [metrics] listen"), "{said}");
    let first = shown_at(&office.premises, 1);
    assert_eq!(Page::at(first).value("tapline_calls{state=\"connected\"}"), 2.0);

    office.reload(&settings(&office.pbx, "listen = \"[::1]:0\""));
    let second = shown_at(&office.premises, 2);
    assert!(second.is_ipv6());
    assert_eq!(Page::at(second).value("tapline_calls{state=\"connected\"}"), 2.0);
    wait_for("nobody at the first place", || TcpStream::connect(first).is_err().then_some(()));

    office.reload(&without);
    wait_for("nobody at the second place", || TcpStream::connect(second).is_err().then_some(()));
    let lost = office.server.heard().iter().any(|heard| heard.is_state(CallState::Idle));
    assert!(!lost, "the call goes on");
    office.server.ask("stop").well();
    office.premises.replay().assert_sound();
}

#[test]
fn an_address_that_others_reach_has_to_be_allowed() {
    let office = Office::open();
    office.premises.write(&settings(&office.pbx, "listen = \"0.0.0.0:0\""));
    let refused = desk::reload(office.premises.log(), PATIENCE).unwrap();
    assert_eq!(refused.verdict, Verdict::Refused);
    assert!(refused.words.contains("allow_remote = true"), "{refused:?}");
    let _ = office.page();
    office.reload(&settings(&office.pbx, "listen = \"0.0.0.0:0\"\nallow_remote = true"));
    let port = shown_at(&office.premises, 2).port();
    let _ = Page::at(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
}

#[test]
fn a_port_of_somebody_else_is_told_once_harms_nothing_and_is_taken_when_it_is_free() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap();
    let pbx = Simulator::start(&Estate::built_in(), Options::default()).unwrap();
    let premises = Premises::with(&settings(&pbx, &format!("listen = \"{address}\"")));
    let server = Server::in_service(&premises, LINES);
    let fragment = format!("the metrics page cannot be shown at {address}");
    let told = premises.diary_lines(&fragment);
    assert!(told[0].contains("ERROR") && told[0].contains("tried again"), "{told:?}");
    drop(taken);
    assert_eq!(shown_at(&premises, 1), address);
    premises.assert_said_once(&fragment);
    assert!(Page::at(address).value("tapline_lines_in_service") >= LINES as f64);
    drop(server);
}

#[test]
fn nothing_but_the_page_is_to_be_had_and_only_to_be_read() {
    let office = Office::open();
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/metrics/", 404),
        ("GET", "/../metrics", 404),
        ("POST", "/metrics", 405),
        ("PUT", "/metrics", 405),
        ("DELETE", "/metrics", 405),
        ("OPTIONS", "/metrics", 405),
        ("GET", "/metrics?x=1", 200),
    ] {
        let fetched = fetch(office.page, method, path);
        assert_eq!(fetched.status, status, "{method} {path}");
        assert_eq!(fetched.head.contains("allow: get"), status == 405, "{fetched:?}");
    }
}

/// What is sent to a client until it is hung up on, and how long that takes.
fn until_hung_up(at: SocketAddr, says: &[u8]) -> (String, Duration) {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let begun = Instant::now();
    // It may be hung up on while it speaks.
    let _ = stream.write_all(says);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    (String::from_utf8_lossy(&answer).into_owned(), begun.elapsed())
}

#[test]
fn whoever_is_rude_is_hung_up_on() {
    let office = Office::open();
    let long = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(100_000));
    let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "X: a\r\n".repeat(10_000));
    for says in [&long[..], &many, "\x16\x03\x01\x02\0\x01\0", "GARBAGE\r\n\r\n", "\r\n\r\n\r\n"] {
        let (answer, took) = until_hung_up(office.page, says.as_bytes());
        assert!(!answer.contains("tapline_lines"), "{answer}");
        assert!(took < Duration::from_secs(25), "{took:?}");
    }
    let _ = office.page();
}

#[test]
fn clients_that_say_nothing_hold_up_neither_the_page_nor_the_provider_for_long() {
    let mut office = Office::open();
    let silent: Vec<TcpStream> =
        (0..15).map(|_| TcpStream::connect(office.page).unwrap()).collect();
    // There is still room for one.
    let _ = office.page();
    let more: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(office.page).unwrap()).collect();
    // The provider does not notice.
    let anna = office.server.device("20");
    office.server.make_call(anna, "21");
    office.server.wait_for("ringback", |heard| heard.is_state(CallState::Ringback));
    // They are hung up on, all of them.
    for mut stream in silent.into_iter().chain(more) {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty());
    }
    let _ = office.page();
}
