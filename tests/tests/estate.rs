//! An estate of two trees, three levels deep, with standbys: through the real runtime, over HTTP, to
//! a port for each simulated PBX. Each of them is cut and started again in turn; whenever things
//! are quiet, lines and calls are as at the PBXs.
#![allow(clippy::unwrap_used, missing_docs)]

use adapters::runtime::{Audience, Caused, Prepared, Runtime};
use adapters::settings::Settings;
use adapters::simulator::{Estate, Options, Simulator};
use engine::effect::{Notice, What};
use engine::fact::{Event, HostFact};
use engine::id::{Guid, LineId, Opening};
use engine::tapi::CallState;
use engine::view::LineView;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Nothing here takes longer unless it hangs: a pause between attempts is half a minute at most.
const PATIENCE: Duration = Duration::from_secs(90);

/// Lines that the estate has.
const LINES: u32 = 10;

/// Hears all.
#[derive(Default)]
struct Ear(Mutex<Vec<Caused>>);

impl Audience for Ear {
    fn hear(&self, batch: Vec<Caused>) {
        self.0.lock().unwrap().extend(batch);
    }
}

impl Ear {
    fn count(&self, is_it: impl Fn(LineId, &Notice) -> bool) -> usize {
        let heard = self.0.lock().unwrap();
        let is_it = |caused: &&Caused| match &caused.telling.what {
            What::Notice(notice) => is_it(caused.telling.line, notice),
            What::Completed(..) => false,
        };
        heard.iter().filter(is_it).count()
    }
}

/// What a line shows, or should show.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    cn: String,
    in_service: bool,
    /// dwCallID of calls that are not idle.
    calls: Vec<u32>,
}

struct Stage {
    simulator: Simulator,
    runtime: Runtime,
    ear: Arc<Ear>,
    ids: BTreeMap<Guid, LineId>,
    _folder: TempDir,
}

impl Stage {
    fn new(keys: &str) -> Stage {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("estates/two-trees.toml");
        let estate = Estate::read(&file).unwrap();
        let simulator = Simulator::start(&estate, Options::default()).unwrap();
        let folder = TempDir::new().unwrap();
        let addresses: BTreeMap<String, String> = simulator
            .pbxs()
            .into_iter()
            .map(|(pbx, address)| (pbx.name, address.to_string()))
            .collect();
        let text = format!(
            "account = \"_TAPI_\"\npassword = \"secret\"\nuser = \"TAPI\"\n{keys}\
             [[pbx]]\nmaster = \"{}\"\nstandby = \"{}\"\n[[pbx]]\nmaster = \"{}\"\n\
             standby = \"{}\"\n[log]\npath = {:?}\n",
            addresses["hq"],
            addresses["hq-standby"],
            addresses["works"],
            addresses["works-standby"],
            folder.path().join("log"),
        );
        let settings = Settings::parse(&text, Path::new("test.toml")).unwrap();
        let ear = Arc::new(Ear::default());
        let runtime = Prepared::with_settings(settings).unwrap().start(ear.clone()).unwrap();
        Stage { simulator, runtime, ear, ids: BTreeMap::new(), _folder: folder }
    }

    fn say(&self, command: &str) -> String {
        self.simulator.control(command).unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    fn views(&self) -> Vec<LineView> {
        let view = |id| {
            let guard = self.runtime.views().read(LineId(id))?;
            guard.as_ref().map(|view| LineView::clone(view))
        };
        (1..=LINES + 5).filter_map(view).collect()
    }

    fn line(&self, cn: &str) -> LineView {
        self.views().into_iter().find(|view| view.identity.cn.text() == cn).unwrap()
    }

    fn open(&self, cn: &str) -> LineId {
        let line = self.line(cn).identity.line;
        let opening = Opening(line.0);
        let fact = HostFact::LineOpened { line, opening, version: 0x0003_0000 };
        self.runtime.submit(Event::Host(fact)).unwrap();
        let (line_states, address_states) = (0x1FF_FFFF, 0x1FF);
        let fact = HostFact::StatusMessages { line, line_states, address_states };
        self.runtime.submit(Event::Host(fact)).unwrap();
        self.runtime.settle(Instant::now() + PATIENCE);
        line
    }

    /// What is so at the PBXs that phones are registered at.
    fn truth(&self, opened: &[&str]) -> BTreeMap<Guid, Shown> {
        self.simulator.with_site(|site| {
            let mut truth = BTreeMap::new();
            let listed = site.list();
            for (number, pbx) in listed.iter().enumerate() {
                let is_standby = pbx.rank.starts_with("standby");
                let model = site.pbx(number);
                let users = model.users().into_iter();
                for user in users.filter(|user| user.loc.is_empty() && user.ext != "0") {
                    let calls = model.calls();
                    let legs = calls.iter().filter(|call| {
                        call.legs.iter().any(|leg| leg.ext == user.ext)
                            && opened.contains(&user.cn.as_str())
                    });
                    let shown = Shown {
                        in_service: pbx.is_on && user.registered,
                        calls: legs.map(|call| engine_call_id(call.conf)).collect(),
                        cn: user.cn,
                    };
                    // A standby counts while its PBX does not.
                    if !is_standby || shown.in_service {
                        truth.insert(user.guid, shown);
                    }
                }
            }
            truth
        })
    }

    fn shown(&self) -> BTreeMap<Guid, Shown> {
        // The account has no extension, and a line like any other user.
        let is_phone = |view: &LineView| !view.removed && !view.identity.number.is_empty();
        let there = self.views().into_iter().filter(is_phone);
        let shown = |view: LineView| {
            let live = view.calls.iter().filter(|call| call.state != CallState::Idle);
            let shown = Shown {
                cn: view.identity.cn.text().to_owned(),
                in_service: view.in_service,
                calls: live.map(|call| call.info.call_id).collect(),
            };
            (view.identity.guid, shown)
        };
        there.map(shown).collect()
    }

    /// Waits until lines and calls are as at the PBXs; no line has another id than before.
    fn quiet(&mut self, after: &str, opened: &[&str]) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (shown, truth) = (self.shown(), self.truth(opened));
            if shown == truth {
                break;
            }
            assert!(Instant::now() < deadline, "{after}: {shown:#?} is not {truth:#?}");
            std::thread::sleep(Duration::from_millis(5));
        }
        for view in self.views() {
            let known = self.ids.entry(view.identity.guid).or_insert(view.identity.line);
            assert_eq!(*known, view.identity.line, "{after}");
        }
    }

    fn sessions(&self, pbx: &str) -> String {
        self.say(&format!("at {pbx} sessions"))
    }

    fn removals(&self) -> usize {
        self.ear.count(|_, notice| *notice == Notice::LineRemoved)
    }
}

/// dwCallID: the hash of the GUID, as no two calls here share one.
fn engine_call_id(conf: Guid) -> u32 {
    let mut crc = !0_u32;
    for byte in conf.0 {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    (!crc).max(1)
}

#[test]
fn every_pbx_is_cut_and_started_again_in_turn() {
    let mut stage = Stage::new("");
    stage.quiet("the beginning", &[]);
    assert_eq!(stage.ids.len(), LINES as usize + 1, "the account is one of them");
    for pbx in ["hq", "branch", "kiosk", "depot", "works"] {
        assert_eq!(stage.sessions(pbx), "1", "{pbx}");
    }
    for pbx in ["kiosk", "depot", "branch", "works", "hq"] {
        stage.say(&format!("stop {pbx}"));
        stage.quiet(&format!("{pbx} is off"), &[]);
        stage.say(&format!("start {pbx}"));
        stage.quiet(&format!("{pbx} is on"), &[]);
        assert_eq!(stage.sessions(pbx), "1", "{pbx}");
    }
    assert_eq!(stage.removals(), 0);
    stage.runtime.stop(Duration::from_secs(5));
    for pbx in ["hq", "branch", "kiosk", "depot", "works"] {
        let sessions = stage.simulator.control(&format!("at {pbx} sessions")).unwrap();
        assert_eq!(sessions, "0", "{pbx}: its session was ended");
    }
}

#[test]
fn calls_outlive_the_change_to_a_standby_and_back() {
    let opened = ["Anna Berg", "Cleo Stern", "Ida Jung"];
    let mut stage = Stage::new("");
    stage.quiet("the beginning", &[]);
    for cn in opened {
        stage.open(cn);
    }
    for (pbx, from, to, cn) in [
        ("hq", "21", "20", "Anna Berg"),
        ("branch", "31", "30", "Cleo Stern"),
        ("works", "21", "20", "Ida Jung"),
    ] {
        stage.say(&format!("at {pbx} call {from} {to}"));
        stage.say(&format!("at {pbx} answer {to}"));
        stage.quiet("a call", &opened);
        let line = stage.line(cn).identity.line;
        let pairs = |stage: &Stage| {
            stage.ear.count(|of, notice| {
                let service = 0x40 | 0x80;
                of == line
                    && matches!(notice, Notice::LineDevState(bits, ..) if bits & service != 0)
            })
        };
        let wait_for_pair = |stage: &Stage, before: usize| {
            let deadline = Instant::now() + PATIENCE;
            while pairs(stage) < before + 2 {
                assert!(Instant::now() < deadline, "{pbx}: out of and into service");
                std::thread::sleep(Duration::from_millis(2));
            }
        };
        let before = pairs(&stage);
        stage.say(&format!("stop {pbx}"));
        stage.say(&format!("take-over {pbx}"));
        wait_for_pair(&stage, before);
        stage.quiet(&format!("the standby of {pbx} has taken over"), &opened);
        assert_eq!(pairs(&stage) - before, 2, "{pbx}: one pair out of and into service");
        stage.say(&format!("start {pbx}"));
        wait_for_pair(&stage, before + 2);
        stage.quiet(&format!("{pbx} is back"), &opened);
        assert_eq!(pairs(&stage) - before, 4, "{pbx}: and another one");
        assert_eq!(stage.line(cn).calls.len(), 1, "the same call");
        let ended = stage.ear.count(|of, notice| {
            let is_end =
                |state: &CallState| matches!(state, CallState::Idle | CallState::Disconnected);
            of == line && matches!(notice, Notice::CallState { state, .. } if is_end(state))
        });
        assert_eq!(ended, 0, "{pbx}: nobody was told that the call ended");
        stage.say(&format!("at {pbx} hangup {to}"));
        stage.quiet("the call is over", &opened);
    }
    assert_eq!(stage.removals(), 0);
}

#[test]
fn a_standby_may_refuse_sessions_while_it_has_nothing_to_do() {
    for answer in ["return-0", "fault"] {
        let mut stage = Stage::new("");
        stage.quiet("the beginning", &[]);
        stage.say(&format!("at works-standby set idle_standby {answer}"));
        stage.say("stop works");
        stage.quiet("works is off", &[]);
        stage.say("take-over works");
        stage.quiet("its standby has taken over", &[]);
        assert_eq!(stage.sessions("works-standby"), "1");
        stage.say("start works");
        stage.quiet("works is back", &[]);
        assert_eq!(stage.removals(), 0);
    }
}

#[test]
fn a_user_who_moves_through_the_tree_keeps_the_line() {
    let mut stage = Stage::new("");
    stage.quiet("the beginning", &[]);
    let line = stage.open("Gus Hall");
    for (to, other) in [("kiosk", "740"), ("branch", "30"), ("hq", "20"), ("depot", "51")] {
        stage.say(&format!("move 50 {to}"));
        stage.quiet(&format!("50 is at {to}"), &["Gus Hall"]);
        stage.say(&format!("at {to} call 50 {other}"));
        stage.quiet(&format!("a call at {to}"), &["Gus Hall"]);
        stage.say(&format!("at {to} hangup 50"));
        stage.quiet("that call is over", &["Gus Hall"]);
    }
    assert_eq!(stage.line("Gus Hall").identity.line, line);
    assert_eq!(stage.removals(), 0);
}

#[test]
fn slaves_are_left_alone_if_the_settings_say_so() {
    let stage = Stage::new("monitor_slaves = false\n");
    let deadline = Instant::now() + PATIENCE;
    while !stage
        .views()
        .iter()
        .any(|view| view.identity.cn.text() == "Anna Berg" && view.in_service)
    {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!stage.line("Cleo Stern").in_service, "known, and out of service");
    for pbx in ["branch", "kiosk", "depot"] {
        assert_eq!(stage.say(&format!("at {pbx} count Version")), "0");
    }
}

/// How long it takes is for the benchmarks to say; here, that nothing of it grows out of hand.
#[test]
fn forty_slaves_come_into_service_by_themselves() {
    let estate = Estate::with_slaves(40, 25);
    let simulator = Simulator::start(&estate, Options::default()).unwrap();
    let folder = TempDir::new().unwrap();
    let text = format!(
        "account = \"_TAPI_\"\npassword = \"secret\"\nuser = \"TAPI\"\n[[pbx]]\nmaster = \"{}\"\n\
         [log]\npath = {:?}\n",
        simulator.address(),
        folder.path().join("log"),
    );
    let settings = Settings::parse(&text, Path::new("test.toml")).unwrap();
    let ear = Arc::new(Ear::default());
    let runtime = Prepared::with_settings(settings).unwrap().start(ear).unwrap();
    let in_service = || {
        let ids = (1..=41 * 25 + 1).map(LineId);
        ids.filter(|id| {
            let guard = runtime.views().read(*id);
            guard.is_some_and(|guard| guard.as_ref().is_some_and(|view| view.in_service))
        })
        .count()
    };
    let deadline = Instant::now() + PATIENCE;
    while in_service() < 41 * 25 {
        assert!(Instant::now() < deadline, "{} lines", in_service());
        std::thread::sleep(Duration::from_millis(20));
    }
    for (number, (pbx, _)) in simulator.pbxs().iter().enumerate() {
        let sessions = simulator.with_site(|site| site.pbx(number).session_count());
        assert_eq!(sessions, 1, "{}", pbx.name);
    }
    runtime.stop(Duration::from_secs(5));
}
