//! Several trees of PBXs over real sockets: what goes wrong with one is no trouble of another; and
//! trees that are asked with TLS.
#![allow(clippy::unwrap_used, missing_docs)]

use adapters::runtime::{Audience, Caused, Prepared, Runtime};
use adapters::settings::Settings;
use adapters::simulator::{Estate, Options, Simulator, Tls};
use engine::effect::{Notice, What};
use engine::fact::{Event, HostFact};
use engine::id::{LineId, Opening};
use engine::tapi::CallState;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Nothing here takes longer unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Until an application hears of a call, with the work of a busy machine; a PBX that hangs is
/// given up after 10 s, so whoever waits for it is found out.
const PROMPT: Duration = Duration::from_secs(3);

/// Hears all, and lets others wait for it.
#[derive(Default)]
struct Ear {
    heard: Mutex<Vec<Caused>>,
    more: Condvar,
}

impl Audience for Ear {
    fn hear(&self, batch: Vec<Caused>) {
        self.heard.lock().unwrap().extend(batch);
        self.more.notify_all();
    }
}

impl Ear {
    /// Waits until a line has heard of a call state; it is forgotten then.
    fn wait_for(&self, line: LineId, wanted: CallState, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut heard = self.heard.lock().unwrap();
        loop {
            let is_it = |caused: &Caused| {
                caused.telling.line == line
                    && matches!(caused.telling.what,
                        What::Notice(Notice::CallState { state, .. }) if state == wanted)
            };
            if let Some(at) = heard.iter().position(is_it) {
                heard.drain(..=at);
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            heard = self.more.wait_timeout(heard, left).unwrap().0;
        }
    }
}

struct Provider {
    runtime: Runtime,
    ear: Arc<Ear>,
    folder: TempDir,
}

impl Provider {
    /// With these keys, masters, and other tables of the settings; relative names of files are in
    /// a folder that `prepare` may fill.
    fn start(
        keys: &str,
        masters: &[SocketAddr],
        tables: &str,
        prepare: impl FnOnce(&Path),
    ) -> Provider {
        let folder = TempDir::new().unwrap();
        prepare(folder.path());
        let mut text =
            format!("account = \"_TAPI_\"\npassword = \"secret\"\nuser = \"TAPI\"\n{keys}");
        for master in masters {
            text.push_str(&format!("[[pbx]]\nmaster = \"{master}\"\n"));
        }
        text.push_str(&format!("[log]\npath = {:?}\n{tables}", folder.path().join("log")));
        let file = folder.path().join("settings.toml");
        std::fs::write(&file, &text).unwrap();
        let settings = Settings::read(&file).unwrap();
        let ear = Arc::new(Ear::default());
        let runtime = Prepared::with_settings(settings).unwrap().start(ear.clone()).unwrap();
        Provider { runtime, ear, folder }
    }

    fn line(&self, number: &str) -> Option<(LineId, bool)> {
        (1..40).map(LineId).find_map(|id| {
            let guard = self.runtime.views().read(id)?;
            let view = guard.as_ref().filter(|view| view.identity.number.to_text() == number)?;
            Some((id, view.in_service))
        })
    }

    /// Waits until the line with this number is in service, and opens it.
    fn open(&self, number: &str) -> LineId {
        let deadline = Instant::now() + PATIENCE;
        let line = loop {
            match self.line(number) {
                Some((line, true)) => break line,
                found => assert!(Instant::now() < deadline, "{number}: {found:?}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let fact = HostFact::LineOpened { line, opening: Opening(1), version: 0x0003_0000 };
        self.runtime.submit(Event::Host(fact)).unwrap();
        line
    }

    /// Calls ring and end, and applications hear of each soon.
    fn calls_come_promptly(&self, pbx: &Simulator, line: LineId, trouble: &str) {
        for _ in 0..10 {
            pbx.control("call 21 20").unwrap();
            assert!(self.ear.wait_for(line, CallState::Offering, PROMPT), "{trouble}: it rings");
            pbx.control("hangup 21").unwrap();
            assert!(self.ear.wait_for(line, CallState::Idle, PROMPT), "{trouble}: it is over");
        }
    }
}

fn simulator(options: Options) -> Simulator {
    Simulator::start(&Estate::built_in(), options).unwrap()
}

// ---- trees that fail ----------------------------------------------------------------------------

/// Somebody who listens where a PBX should be.
struct Impostor {
    address: SocketAddr,
    visitors: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Impostor {
    /// Each connection is read once, then answered with this, and kept open.
    fn answering(answer: &'static [u8]) -> Impostor {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (visitors, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, over) = (visitors.clone(), is_over.clone());
        let thread = std::thread::spawn(move || {
            let mut kept = Vec::new();
            while let Ok((mut visitor, _)) = listener.accept() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                count.fetch_add(1, Ordering::SeqCst);
                if !answer.is_empty() {
                    // Whatever becomes of it, it was said.
                    let _ = visitor.read(&mut [0; 4096]);
                    let _ = visitor.write_all(answer);
                }
                kept.push(visitor);
            }
        });
        Impostor { address, visitors, is_over, thread: Some(thread) }
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes it.
        let _ = std::net::TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

#[test]
fn a_tree_that_hangs_or_speaks_nonsense_delays_nothing_of_another_one() {
    for (what, answer) in [
        ("it accepts and never answers", &b""[..]),
        ("it is no web server", b"\xff\xfe\x00 SSH-2.0-nonsense \r\n\r\n"),
        ("it answers with nonsense", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<<<<&&&>>"),
        ("its answer never ends", b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n<a><b>"),
    ] {
        let impostor = Impostor::answering(answer);
        let pbx = simulator(Options::default());
        let masters = [impostor.address, pbx.address()];
        let provider = Provider::start("", &masters, "", |_| {});
        let line = provider.open("20");
        let deadline = Instant::now() + PATIENCE;
        while impostor.visitors.load(Ordering::SeqCst) == 0 {
            assert!(Instant::now() < deadline, "{what}: nobody asks it");
            std::thread::sleep(Duration::from_millis(5));
        }
        provider.calls_come_promptly(&pbx, line, what);
        provider.runtime.stop(Duration::from_secs(5));
    }
}

#[test]
fn a_tree_that_refuses_connections_delays_nothing_of_another_one() {
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let pbx = simulator(Options::default());
    let provider = Provider::start("", &[refusing, pbx.address()], "", |_| {});
    let line = provider.open("20");
    provider.calls_come_promptly(&pbx, line, "it refuses");
    provider.runtime.stop(Duration::from_secs(5));
}

/// A PBX of its own, with phones 60 to 67.
fn works() -> Estate {
    let mut text = String::from(
        "system = \"example\"\nname = \"works\"\n[[user]]\ncn = \"TAPI\"\n\
         h323 = \"_TAPI_\"\npassword = \"secret\"\nactive_groups = [\"tapi\"]\n\
         registered = false\n",
    );
    for ext in 60..68 {
        text.push_str(&format!(
            "[[user]]\ncn = \"Works {ext}\"\ne164 = \"{ext}\"\ngroups = [\"tapi\"]\n\
             devices = [{{ hw = \"w{ext}\" }}]\n"
        ));
    }
    Estate::parse(&text).unwrap()
}

#[test]
fn a_tree_that_floods_delays_little_of_another_one() {
    let pbx = simulator(Options::default());
    let flooding = Simulator::start(&works(), Options::default()).unwrap();
    let masters = [flooding.address(), pbx.address()];
    let provider = Provider::start("", &masters, "", |_| {});
    let line = provider.open("20");
    provider.open("60");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let flood = scope.spawn(|| {
            let mut said = 0_u32;
            while !is_over.load(Ordering::SeqCst) {
                for on in ["off", "on"] {
                    for ext in 61..68 {
                        flooding.control(&format!("register {ext} {on}")).unwrap();
                        said += 1;
                    }
                }
            }
            said
        });
        provider.calls_come_promptly(&pbx, line, "the other one floods");
        is_over.store(true, Ordering::SeqCst);
        assert!(flood.join().unwrap() > 500, "that is no flood");
    });
    provider.runtime.stop(Duration::from_secs(5));
}

// ---- TLS ----------------------------------------------------------------------------------------

/// A tree of three levels that is asked with HTTPS, its certificate pinned.
#[test]
fn a_tree_is_followed_over_tls_with_the_pinned_certificate() {
    let estate = Path::new(env!("CARGO_MANIFEST_DIR")).join("estates/two-trees.toml");
    let options = Options { tls: Some(Tls::SelfSigned), ..Options::default() };
    let site = Simulator::start(&Estate::read(&estate).unwrap(), options).unwrap();
    let masters: Vec<SocketAddr> = site
        .pbxs()
        .into_iter()
        .filter(|(pbx, _)| pbx.name == "hq")
        .map(|(_, address)| address)
        .collect();
    let tables = "[tls]\ncertificate_file = \"pbx.pem\"\n";
    let provider = Provider::start("https = true\n", &masters, tables, |folder| {
        std::fs::write(folder.join("pbx.pem"), site.certificate_pem().unwrap()).unwrap();
    });
    for (number, pbx) in [("20", "hq"), ("30", "branch"), ("740", "kiosk")] {
        provider.open(number);
        assert_eq!(site.control(&format!("at {pbx} sessions")).unwrap(), "1", "{pbx}");
    }
    provider.runtime.stop(Duration::from_secs(5));
}

#[test]
fn a_plain_slave_of_a_secure_master_is_asked_only_if_the_settings_allow_it() {
    for allowed in [false, true] {
        let slave = Estate { name: "branch".into(), ..Estate::built_in() };
        let slave = Simulator::start(&slave, Options::default()).unwrap();
        let url = format!("http://{}/PBX0/user.soap", slave.address());
        let estate = format!(
            "system = \"example\"\nname = \"hq\"\n\
             [[user]]\ncn = \"TAPI\"\nh323 = \"_TAPI_\"\npassword = \"secret\"\n\
             active_groups = [\"tapi\"]\nregistered = false\n\
             [[user]]\ncn = \"Head\"\ne164 = \"70\"\ngroups = [\"tapi\"]\n\
             devices = [{{ hw = \"head\" }}]\n\
             [[user]]\ncn = \"PBX branch\"\nh323 = \"branch\"\nobject = \"loc\"\n\
             groups = [\"tapi\"]\n\
             [[location]]\nname = \"branch\"\nurl = \"{url}\"\ntls_url = \"{url}\"\n"
        );
        let options = Options { tls: Some(Tls::SelfSigned), ..Options::default() };
        let master = Simulator::start(&Estate::parse(&estate).unwrap(), options).unwrap();
        let tables = format!(
            "[tls]\ncertificate_file = \"pbx.pem\"\n{}",
            if allowed { "allow_plain_slaves = true\n" } else { "" }
        );
        let provider = Provider::start("https = true\n", &[master.address()], &tables, |folder| {
            std::fs::write(folder.join("pbx.pem"), master.certificate_pem().unwrap()).unwrap();
        });
        provider.open("70");
        let deadline = Instant::now() + PATIENCE;
        while master.control("count LocationUrl").unwrap() == "0" {
            assert!(Instant::now() < deadline, "the master is asked where its slave is");
            std::thread::sleep(Duration::from_millis(5));
        }
        if allowed {
            provider.open("20");
        } else {
            assert_eq!(provider.line("20"), None);
            assert_eq!(slave.control("count Version").unwrap(), "0", "not a word to it");
        }
        provider.runtime.stop(Duration::from_secs(5));
        drop(provider.folder);
    }
}
