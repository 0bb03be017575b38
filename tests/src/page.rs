//! The metrics page as whoever watches over a provider sees it: fetched over HTTP, and read as
//! strictly as the text format of Prometheus, version 0.0.4, is written down.

use crate::premises::Premises;
use crate::wait_for;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Where the diary says that the page is shown, at the n-th time, once it does.
///
/// # Panics
/// If it does not in time.
#[must_use]
pub fn shown_at(premises: &Premises, time: usize) -> SocketAddr {
    const WORDS: &str = "the metrics page is shown at http://";
    wait_for("the page to be shown", || {
        let diary = premises.diary();
        let (_, rest) = diary.lines().filter_map(|line| line.split_once(WORDS)).nth(time - 1)?;
        rest.strip_suffix("/metrics")?.parse().ok()
    })
}

/// An answer to a request over HTTP.
#[derive(Debug)]
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// All lines before the body, in lower case.
    pub head: String,
    /// The body.
    pub body: String,
}

/// Asks for something, in a connection of its own.
///
/// # Panics
/// If there is no answer that is HTTP.
#[must_use]
pub fn fetch(at: SocketAddr, method: &str, path: &str) -> Fetched {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(crate::PATIENCE)).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: {at}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Fetched { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// A page that was read.
#[derive(Debug, Default)]
pub struct Page {
    /// Families by name, with their type.
    pub families: BTreeMap<String, String>,
    /// Values by name and labels, as they stand in the page: `name{label="of it"}`.
    pub values: BTreeMap<String, f64>,
}

impl Page {
    /// Fetches the page.
    ///
    /// # Panics
    /// If it is not there, or not as the format wants it.
    #[must_use]
    pub fn at(address: SocketAddr) -> Page {
        let fetched = fetch(address, "GET", "/metrics");
        assert_eq!(fetched.status, 200, "{fetched:?}");
        assert!(fetched.head.contains("content-type: text/plain; version=0.0.4"), "{fetched:?}");
        Page::read(&fetched.body)
    }

    /// Reads a page.
    ///
    /// # Panics
    /// If it is not as the format wants it.
    #[must_use]
    pub fn read(text: &str) -> Page {
        assert!(text.ends_with('\n'), "the last line ends as all do");
        let mut page = Page::default();
        let mut helped = BTreeSet::new();
        let mut family = String::new();
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').unwrap();
                assert!(!words.trim().is_empty() && is_name(name), "{line}");
                assert!(helped.insert(name.to_owned()), "helped twice: {line}");
                family = name.to_owned();
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert_eq!(name, family, "HELP and TYPE go together");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                let before = page.families.insert(name.to_owned(), kind.to_owned());
                assert_eq!(before, None, "a family is in one piece: {line}");
            } else {
                page.take(line, &family);
            }
        }
        page.families.iter().filter(|(_, kind)| *kind == "histogram").for_each(|(name, _)| {
            page.check_histogram(name);
        });
        page
    }

    /// A value, by its name and labels as they stand in the page.
    ///
    /// # Panics
    /// If it is not there.
    #[must_use]
    #[track_caller]
    pub fn value(&self, name: &str) -> f64 {
        *self.values.get(name).unwrap_or_else(|| panic!("no {name} in {:#?}", self.values.keys()))
    }

    fn take(&mut self, line: &str, family: &str) {
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?}"));
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line:?}"));
        let (name, labels) = match series.split_once('{') {
            None => (series, Vec::new()),
            Some((name, rest)) => (name, labels_of(rest.strip_suffix('}').expect(line))),
        };
        let kind = self.families.get(family).unwrap_or_else(|| panic!("before its TYPE: {line}"));
        let endings: &[&str] =
            if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        let is_of_it = endings.iter().any(|ending| name == format!("{family}{ending}"));
        assert!(is_of_it && is_name(name), "{line} is not of {family}");
        assert!(labels.iter().all(|(label, _)| is_name(label)), "{line}");
        let unique: BTreeSet<_> = labels.iter().map(|(label, _)| label).collect();
        assert_eq!(unique.len(), labels.len(), "a label twice: {line}");
        assert!(value >= 0.0 && value.is_finite(), "{line}");
        assert_eq!(self.values.insert(series.to_owned(), value), None, "twice: {line}");
    }

    /// The classes of a histogram hold each other, and the last one holds all.
    fn check_histogram(&self, name: &str) {
        let mut before = (f64::NEG_INFINITY, 0.0);
        let mut classes: Vec<(f64, f64)> = Vec::new();
        for (series, count) in &self.values {
            let le = series.strip_prefix(&format!("{name}_bucket{{le=\""));
            if let Some(limit) = le.and_then(|le| le.strip_suffix("\"}")) {
                let limit = if limit == "+Inf" { f64::INFINITY } else { limit.parse().unwrap() };
                classes.push((limit, *count));
            }
        }
        classes.sort_by(|one, other| one.0.total_cmp(&other.0));
        for (limit, count) in classes {
            assert!(limit > before.0 && count >= before.1, "{name}: {limit}");
            before = (limit, count);
        }
        assert_eq!(before, (f64::INFINITY, self.value(&format!("{name}_count"))));
        let _ = self.value(&format!("{name}_sum"));
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Labels with their values, in which quotes, line ends and backslashes are escaped.
fn labels_of(mut text: &str) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    loop {
        let (label, rest) = text.split_once("=\"").unwrap_or_else(|| panic!("{text}"));
        let (mut value, mut rest) = (String::new(), rest.chars());
        loop {
            match rest.next().unwrap_or_else(|| panic!("no end of {text}")) {
                '"' => break,
                '\\' => value.push(match rest.next() {
                    Some('n') => '\n',
                    Some(c @ ('\\' | '"')) => c,
                    other => panic!("\\{other:?} in {text}"),
                }),
                c => value.push(c),
            }
        }
        labels.push((label.to_owned(), value));
        text = match rest.as_str() {
            "" => return labels,
            more => more.strip_prefix(',').unwrap_or_else(|| panic!("{more}")),
        };
    }
}
