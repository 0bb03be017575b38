//! `tapline watch` in a true terminal: `script`, which every Linux has, lends one.

use super::*;

#[test]
fn without_a_terminal_it_says_what_to_use_instead() {
    let log = super::time_machine::history("call-answered");
    assert_ends(&run(&["watch", &log]), 2, "replay explain");
    assert_ends(&run(&["watch"]), 2, "--config");
}

#[cfg(target_os = "linux")]
mod in_a_terminal {
    use super::super::lines::{AtWork, Site};
    use super::*;
    use std::sync::{Arc, Mutex};

    /// A terminal of 120 columns and 32 rows, and what was written to it.
    struct Terminal {
        child: Child,
        keys: std::process::ChildStdin,
        shown: Arc<Mutex<Vec<u8>>>,
    }

    impl Terminal {
        fn watch(what: &str) -> Terminal {
            let program = env!("CARGO_BIN_EXE_tapline");
            let line = format!("stty cols 120 rows 32; exec '{program}' watch {what}");
            let mut child = Command::new("script")
                .args(["--quiet", "--flush", "--return", "--command", &line, "/dev/null"])
                .env("TERM", "xterm")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut output = child.stdout.take().unwrap();
            let shown = Arc::new(Mutex::new(Vec::new()));
            let keep = Arc::clone(&shown);
            std::thread::spawn(move || {
                let mut piece = [0; 4096];
                while let Ok(len @ 1..) = output.read(&mut piece) {
                    keep.lock().unwrap().extend_from_slice(&piece[..len]);
                }
            });
            Terminal { keys: child.stdin.take().unwrap(), child, shown }
        }

        fn press(&mut self, keys: &str) {
            self.keys.write_all(keys.as_bytes()).unwrap();
            self.keys.flush().unwrap();
        }

        /// Waits until this is on the screen.
        fn until(&self, wanted: &str) {
            let deadline = Instant::now() + PATIENCE;
            loop {
                let screen = screen(&String::from_utf8_lossy(&self.shown.lock().unwrap()));
                if screen.contains(wanted) {
                    return;
                }
                assert!(Instant::now() < deadline, "{wanted:?} is not shown:\n{screen}");
                std::thread::sleep(Duration::from_millis(20));
            }
        }

        fn end(mut self) {
            self.press("q");
            assert_eq!(wait(&mut self.child).code(), Some(0));
        }
    }

    /// What a terminal shows that was sent this: only what has changed is sent, from place to place.
    fn screen(sent: &str) -> String {
        let mut cells = vec![vec![' '; 120]; 32];
        let (mut row, mut column) = (0, 0);
        let mut rest = sent.chars();
        while let Some(c) = rest.next() {
            if c != '\u{1b}' {
                if let Some(cell) = cells.get_mut(row).and_then(|row| row.get_mut(column)) {
                    *cell = c;
                }
                column += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
                continue;
            }
            let mut sequence = Vec::new();
            for c in rest.by_ref() {
                sequence.push(c);
                // The letter ends it.
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
            let is_parameter = |c: &&char| c.is_ascii_digit() || **c == ';';
            let parameters: String = sequence.iter().filter(is_parameter).collect();
            match sequence.last() {
                Some('H') => {
                    let mut numbers = parameters.split(';').map(|n| n.parse().unwrap_or(1usize));
                    (row, column) = (numbers.next().unwrap() - 1, numbers.next().unwrap_or(1) - 1);
                }
                Some('J') => cells.iter_mut().for_each(|row| row.fill(' ')),
                _ => {}
            }
        }
        let rows = cells.into_iter().map(|row| row.into_iter().collect::<String>());
        rows.collect::<Vec<_>>().join("\n")
    }

    impl Drop for Terminal {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    #[test]
    fn one_steps_through_a_file() {
        let log = super::super::time_machine::history("call-answered");
        let mut terminal = Terminal::watch(&format!("'{log}'"));
        terminal.until("of 57");
        terminal.press("g");
        terminal.until("to come");
        terminal.press("]");
        terminal.until("DIALING");
        terminal.press("]");
        terminal.until("PROCEEDING");
        terminal.end();
    }

    #[test]
    fn what_happens_at_a_provider_at_work_is_shown_while_it_goes_on() {
        let simulator = Simulator::start(&[]);
        let site = Site::at(&simulator.authority);
        let provider = AtWork::start(std::path::Path::new(&site.settings));
        provider.until("LINE_CREATE");
        simulator.control("register 20 on");
        simulator.control("register 21 on");
        let mut terminal = Terminal::watch(&format!("--config '{}'", site.settings));
        terminal.until("live");
        simulator.control("call 20 21");
        terminal.until("RINGBACK");
        simulator.control("hangup 20");
        terminal.until("IDLE");
        terminal.press("h");
        terminal.until("stands");
        provider.end();
        terminal.until("no provider is at work");
        terminal.end();
    }
}
