//! A real browser without a window: Chromium, driven by WebDriver.
//!
//! WebDriver is JSON over HTTP to a process of this machine, and these tests need eight of its
//! commands. The packages that know all of them bring more than they save here: two generations of
//! Unicode tables and of HTTP, or a licence that nothing else of the project has.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Nothing here takes a tenth of this, unless the machine is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Browsers at the same time: each is a handful of processes.
static TURNS: [Mutex<()>; 2] = [Mutex::new(()), Mutex::new(())];

/// Keys that have no letter, as WebDriver writes them.
pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const SHIFT: &str = "\u{e008}";
pub(crate) const ESCAPE: &str = "\u{e00c}";
pub(crate) const END: &str = "\u{e010}";
pub(crate) const HOME: &str = "\u{e011}";
pub(crate) const LEFT: &str = "\u{e012}";
pub(crate) const RIGHT: &str = "\u{e014}";
pub(crate) const DOWN: &str = "\u{e015}";

/// A browser with one page. Its profile is new, and goes when it does.
pub(crate) struct Browser {
    driver: Child,
    authority: String,
    session: String,
    _profile: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Browser {
    /// Opens a file in a window of this size, and waits until it is there.
    pub(crate) fn open(page: &Path, width: u32, height: u32) -> Browser {
        let turn = turn();
        let (driver, authority) = start_driver();
        let profile = tempfile::tempdir().unwrap();
        let mut browser =
            Browser { driver, authority, session: String::new(), _profile: profile, _turn: turn };
        let wanted = browser.capabilities(width, height);
        let session = browser.ask("POST", "/session", &wanted);
        let id = session["sessionId"].as_str();
        browser.session = format!("/session/{}", id.expect("a session has an id"));
        // The page that a new window shows by itself asks for its own parts.
        browser.command("POST", "/url", &json!({ "url": "about:blank" }));
        browser.requests();
        browser.command("POST", "/url", &json!({ "url": format!("file://{}", page.display()) }));
        browser
    }

    fn capabilities(&self, width: u32, height: u32) -> Value {
        let size = format!("--window-size={width},{height}");
        let profile = format!("--user-data-dir={}", self._profile.path().display());
        let arguments = [
            "--headless=new",
            // Tests may run as root, whom the sandbox refuses; the page is ours.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--disable-sync",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--hide-scrollbars",
            &size,
            &profile,
        ];
        json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        } } })
    }

    /// What a piece of script returns.
    pub(crate) fn script(&self, script: &str) -> Value {
        self.command("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The text that a piece of script returns.
    pub(crate) fn text(&self, script: &str) -> String {
        let value = self.script(script);
        value.as_str().unwrap_or_else(|| panic!("{script} gives no text: {value}")).to_owned()
    }

    /// The number that a piece of script returns.
    pub(crate) fn number(&self, script: &str) -> u64 {
        let value = self.script(script);
        value.as_f64().unwrap_or_else(|| panic!("{script} gives no number: {value}")) as u64
    }

    /// Whether a condition of the page holds.
    pub(crate) fn holds(&self, condition: &str) -> bool {
        self.script(&format!("return Boolean({condition})")) == Value::Bool(true)
    }

    /// Waits until a condition of the page holds.
    #[track_caller]
    pub(crate) fn wait_for(&self, condition: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.holds(condition) {
            assert!(Instant::now() < deadline, "never came true: {condition}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Types, as somebody at the keyboard would; each part is a key or a text.
    pub(crate) fn keys(&self, parts: &[&str]) {
        let keys = parts.iter().flat_map(|part| part.chars());
        let press = |key: char| {
            let key = key.to_string();
            [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })]
        };
        self.act(&keys.flat_map(press).collect::<Vec<_>>());
    }

    /// Presses a key while Shift is held.
    pub(crate) fn shifted(&self, key: &str) {
        let act = |kind: &str, key: &str| json!({ "type": kind, "value": key });
        self.act(&[
            act("keyDown", SHIFT),
            act("keyDown", key),
            act("keyUp", key),
            act("keyUp", SHIFT),
        ]);
    }

    fn act(&self, actions: &[Value]) {
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.command("POST", "/actions", &json!({ "actions": [keyboard] }));
    }

    /// Clicks at the middle of the first element that a selector finds.
    pub(crate) fn click(&self, selector: &str) {
        let element = self.command(
            "POST",
            "/element",
            &json!({ "using": "css selector", "value": selector }),
        );
        let id = element.as_object().and_then(|object| object.values().next()).unwrap().clone();
        let path = format!("/element/{}/click", id.as_str().unwrap());
        self.command("POST", &path, &json!({}));
    }

    /// Makes the window as large as this.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        self.command("POST", "/window/rect", &json!({ "width": width, "height": height }));
    }

    /// The page as it would be printed, as a PDF in Base64.
    pub(crate) fn print(&self) -> String {
        let printed = self.command("POST", "/print", &json!({ "background": true }));
        printed.as_str().expect("a printed page").to_owned()
    }

    /// What the page and the browser have complained about since the last time.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let entries = self.command("POST", "/se/log", &json!({ "type": "browser" }));
        let entries = entries.as_array().expect("a list of entries");
        entries.iter().map(|entry| entry["message"].to_string()).collect()
    }

    /// Waits until the complaints are as expected, and gives them.
    #[track_caller]
    pub(crate) fn complaints_until(&self, is_it: impl Fn(&[String]) -> bool) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut complaints = self.complaints();
        while !is_it(&complaints) {
            assert!(Instant::now() < deadline, "no more than {complaints:?}");
            std::thread::sleep(Duration::from_millis(20));
            complaints.extend(self.complaints());
        }
        complaints
    }

    /// Addresses that were asked for since the last time.
    pub(crate) fn requests(&self) -> Vec<String> {
        let entries = self.command("POST", "/se/log", &json!({ "type": "performance" }));
        let message = |entry: &Value| -> Value {
            serde_json::from_str(entry["message"].as_str().unwrap_or("null")).unwrap()
        };
        let messages = entries.as_array().expect("a list of entries").iter().map(message);
        let sent =
            messages.filter(|entry| entry["message"]["method"] == "Network.requestWillBeSent");
        sent.map(|entry| entry["message"]["params"]["request"]["url"].as_str().unwrap().to_owned())
            .collect()
    }

    #[track_caller]
    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        self.ask(method, &format!("{}{path}", self.session), body)
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = exchange(&self.authority, method, path, &body.to_string());
        let answer: Value = serde_json::from_str(&answer).expect("the driver answers in JSON");
        assert_eq!(status, 200, "{path}: {}", answer["value"]["message"]);
        answer["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver closes the browser with the session, and dies with us in any case.
        if !self.session.is_empty() && !std::thread::panicking() {
            exchange(&self.authority, "DELETE", &self.session, "");
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Waits until not too many browsers are open.
fn turn() -> MutexGuard<'static, ()> {
    let free = TURNS.iter().find_map(|turn| match turn.try_lock() {
        Ok(turn) => Some(turn),
        // A test that failed is over as well.
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    });
    free.unwrap_or_else(|| TURNS[0].lock().unwrap_or_else(PoisonError::into_inner))
}

/// Starts the driver, which finds a free port by itself and says which. It wants the same one for both
/// versions of IP, and gives up if another has taken one of them meanwhile; so it is tried again.
fn start_driver() -> (Child, String) {
    (0..10).find_map(|_| try_to_start_driver()).expect("the driver starts")
}

fn try_to_start_driver() -> Option<(Child, String)> {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect(
            "the report is tested in a real browser: install chromium and chromium-driver, as \
             `cargo xtask test` does",
        );
    let mut output = BufReader::new(driver.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("started successfully on port") {
        line.clear();
        if output.read_line(&mut line).unwrap() == 0 {
            let _ = driver.kill();
            let _ = driver.wait();
            return None;
        }
    }
    let port = line.trim().trim_end_matches('.').rsplit(' ').next().unwrap();
    Some((driver, format!("127.0.0.1:{port}")))
}

/// One request and its answer: status and body.
fn exchange(authority: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(authority).expect("the driver listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let mut line = String::new();
        assert_ne!(reader.read_line(&mut line).unwrap(), 0, "the driver hangs up");
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, String::from_utf8(body).unwrap())
}
