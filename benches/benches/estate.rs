//! A site of several PBXs over HTTP on the loopback interface: how soon a loss is seen, how soon a
//! standby has taken over, how soon a line is ready when its PBX has said the last word, how soon
//! all lines are there again without any PBX, and how a large site comes up.
//!
//! Nothing here is a test of speed: each figure stands beside its limit.

use adapters::exchange::Patience;
use adapters::journal::LogReader;
use adapters::runtime::{Audience, Caused, Prepared, Runtime};
use adapters::settings::Settings;
use adapters::simulator::{Estate, Options, Simulator};
use adapters::soap::Kind;
use benches::figures::{are_wanted, median, percentile, resident_bytes};
use benches::provider::Fed;
use engine::core::Core;
use engine::effect::{Effect, Notice, Report, What};
use engine::fact::{Event, HostFact};
use engine::id::{LineId, Opening};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tapline::abi::HDrvCall;
use tapline::stand::{Buffer, Counting, Listener, Stand, bytes_in_use};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Seconds from the last answer of the PBX to the last line in service.
const RESYNC_LIMIT: f64 = 0.150;
/// Seconds from the moment a master refuses connections.
const TAKE_OVER_LIMIT: f64 = 2.0;
/// Seconds until lines are known, named and readable with no PBX reachable.
const START_LIMIT: f64 = 10.0;
/// Bytes a line.
const BYTES_LIMIT: f64 = 2048.0;
/// Most records that `FindUser` may want.
const FIND_LIMIT: u32 = 50;
/// Tells a process of its own whose log to start from, and how many lines are in it.
const LOG: &str = "TAPLINE_BENCH_LOG";
const LINES: &str = "TAPLINE_BENCH_LINES";
/// And how many bytes such a process takes with next to no lines.
const BARE: &str = "TAPLINE_BENCH_BARE";
/// Lines of that one.
const FEW: u32 = 100;
/// Nothing takes longer unless it hangs.
const PATIENCE: Duration = Duration::from_secs(600);

/// A part of this benchmark; whether figures are wanted.
type Run = fn(bool);

fn main() {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse().ok());
    if let (Ok(log), Some(lines)) = (std::env::var(LOG), number(LINES)) {
        return start_again(Path::new(&log), lines, number(BARE).unwrap_or(0));
    }
    let wanted = are_wanted();
    let chosen = |name: &str| {
        let names: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
        names.is_empty() || names.iter().any(|chosen| chosen == name)
    };
    let runs: [(&str, Run); 5] = [
        ("loss", losses),
        ("take-over", take_overs),
        ("resync", resync),
        ("start", starts),
        ("site", site),
    ];
    runs.into_iter().filter(|(name, _)| chosen(name)).for_each(|(_, run)| run(wanted));
}

// ---- a provider at work ------------------------------------------------------------------------

/// The provider with simulated PBXs.
struct Stage {
    simulator: Simulator,
    runtime: Runtime,
    ear: Arc<Ear>,
    folder: tempfile::TempDir,
}

#[allow(clippy::expect_used)] // without them there is nothing to measure
impl Stage {
    fn start(estate: &Estate, options: Options, patience: Patience) -> Stage {
        let simulator = Simulator::start(estate, options).expect("loopback ports");
        Stage::with(simulator, patience)
    }

    fn with(simulator: Simulator, patience: Patience) -> Stage {
        let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = tempfile::tempdir_in(base).expect("a folder beside the build");
        let text = settings(&simulator, &folder.path().join("log"));
        let settings = Settings::parse(&text, Path::new("bench.toml")).expect("good settings");
        let ear = Arc::new(Ear::default());
        let prepared = Prepared::with_settings(settings).expect("a new log");
        let runtime = prepared.with_patience(patience).start(ear.clone()).expect("it starts");
        Stage { simulator, runtime, ear, folder }
    }

    fn say(&self, command: &str) {
        self.simulator.control(command).expect("the simulator understands");
    }

    /// Ids of lines that are known.
    fn lines(&self) -> u32 {
        (1..).take_while(|id| self.is(LineId(*id), |_| true)).last().unwrap_or(0)
    }

    fn is(&self, line: LineId, so: impl Fn(&engine::view::LineView) -> bool) -> bool {
        let guard = self.runtime.views().read(line);
        guard.is_some_and(|guard| guard.as_ref().is_some_and(|view| so(view)))
    }

    fn in_service(&self, lines: u32) -> u32 {
        let is = |id: &u32| self.is(LineId(*id), |view| view.in_service);
        (1..=lines).filter(is).count() as u32
    }

    fn wait(&self, what: &str, condition: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition() {
            assert!(Instant::now() < deadline, "{what}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Opens a line, so that it is told what happens.
    fn open(&self, line: LineId) {
        let opening = Opening(line.0);
        let opened = HostFact::LineOpened { line, opening, version: 0x0003_0000 };
        let messages =
            HostFact::StatusMessages { line, line_states: 0x1FF_FFFF, address_states: 0x1FF };
        for fact in [opened, messages] {
            self.runtime.submit(Event::Host(fact)).expect("the provider is not busy");
        }
        self.runtime.settle(Instant::now() + PATIENCE);
    }

    fn line_of(&self, cn: &str) -> LineId {
        let lines = self.lines();
        let found = (1..=lines).find(|id| self.is(LineId(*id), |v| v.identity.cn.text() == cn));
        LineId(found.expect("there is such a user"))
    }

    /// What was reported in this session, from its log.
    fn reports(self) -> Vec<Report> {
        self.runtime.stop(Duration::from_secs(30));
        let log = LogReader::open(&self.folder.path().join("log"), Duration::from_secs(30))
            .expect("the log is there");
        let (mut core, mut effects, mut reports) = (Core::default(), Vec::new(), Vec::new());
        let first = log.first_seq();
        for record in log.records_from(first) {
            let (_, record) = record.expect("the log is whole");
            effects.clear();
            core.apply(record, &mut effects);
            reports.extend(effects.drain(..).filter_map(|effect| match effect {
                Effect::Report(report) => Some(report),
                _ => None,
            }));
        }
        reports
    }
}

/// All masters with their standbys.
fn settings(simulator: &Simulator, log: &Path) -> String {
    let pbxs = simulator.pbxs();
    let mut text = String::from("account = '_TAPI_'\npassword = 'secret'\nuser = 'TAPI'\n");
    for (master, address) in pbxs.iter().filter(|(pbx, _)| pbx.rank == "master") {
        text += &format!("[[pbx]]\nmaster = '{address}'\n");
        let rank = format!("standby of {}", master.name);
        if let Some((_, standby)) = pbxs.iter().find(|(pbx, _)| pbx.rank == rank) {
            text += &format!("standby = '{standby}'\n");
        }
    }
    text + &format!("[log]\npath = '{}'\n", log.display())
}

/// Hears when a line is told of a loss, or is in service.
#[derive(Default)]
struct Ear {
    heard: Mutex<Vec<(Instant, LineId, u32)>>,
    news: Condvar,
}

const DISCONNECTED: u32 = engine::tapi::line_dev_state::DISCONNECTED;
const IN_SERVICE: u32 = engine::tapi::line_dev_state::INSERVICE;

impl Audience for Ear {
    fn hear(&self, batch: Vec<Caused>) {
        let now = Instant::now();
        let states = batch.iter().filter_map(|caused| match caused.telling.what {
            What::Notice(Notice::LineDevState(states, ..)) => {
                Some((now, caused.telling.line, states))
            }
            _ => None,
        });
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).extend(states);
        self.news.notify_all();
    }
}

impl Ear {
    /// Seconds from an instant until a line is first told this.
    fn wait_for(&self, line: LineId, bits: u32, since: Instant) -> f64 {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let found = heard
                .iter()
                .find(|(at, of, states)| *at >= since && *of == line && states & bits != 0);
            if let Some((at, ..)) = found {
                return (*at - since).as_secs_f64();
            }
            let waited = self.news.wait_timeout(heard, PATIENCE);
            let (guard, timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
            assert!(!timed_out.timed_out(), "line {} was not told {bits:#x}", line.0);
            heard = guard;
        }
    }
}

// ---- a link is lost ----------------------------------------------------------------------------

/// A PBX that refuses connections, and one that falls silent.
#[allow(clippy::print_stdout)]
fn losses(wanted: bool) {
    let rounds = if wanted { 9 } else { 1 };
    let stage = Stage::start(&Estate::built_in(), Options::default(), Patience::default());
    stage.wait("the lines are in service", || stage.in_service(20) == 12);
    let line = stage.line_of("Anna Berg");
    stage.open(line);
    let refused = |_| {
        let begin = Instant::now();
        stage.say("stop hq");
        let lost = stage.ear.wait_for(line, DISCONNECTED, begin);
        stage.say("start hq");
        stage.wait("it is back", || stage.is(line, |view| view.in_service));
        lost
    };
    let lost: Vec<f64> = (0..rounds).map(refused).collect();
    println!(
        "ratio estate/loss-refused {:.1} ms (limit: the first connection that is refused)",
        median(lost) * 1e3
    );

    // Its Polls take a sixth of the time that we wait for them.
    let poll = Duration::from_millis(1_200);
    let options = Options { poll_timeout_ms: 200, ..Options::default() };
    let patience = Patience { poll, control: poll };
    let mut lost = Vec::new();
    for round in 0..rounds {
        let stage = Stage::start(&Estate::built_in(), options.clone(), patience);
        stage.wait("the lines are in service", || stage.in_service(20) == 12);
        let line = stage.line_of("Anna Berg");
        stage.open(line);
        std::thread::sleep(Duration::from_millis(200) * round / rounds);
        let polls = || stage.simulator.with_model(|model| model.request_count(Kind::Poll));
        let before = stage.simulator.with_model(|model| {
            for operation in ["Poll", "Echo", "Version", "Initialize"] {
                let fault = format!("{operation}=delay:600s");
                assert!(model.switches.set("fault_injection", &fault).is_ok());
            }
            model.request_count(Kind::Poll)
        });
        // The Poll that waits is still answered; that is the last word.
        stage.wait("the next Poll comes", || polls() > before);
        let begin = Instant::now();
        lost.push(stage.ear.wait_for(line, DISCONNECTED, begin) / poll.as_secs_f64());
    }
    println!(
        "ratio estate/loss-silent {:.3} of a Poll's time-out after the last word, at most {:.3} (limit \
         1, and the time to tell it)",
        median(lost.clone()),
        percentile(lost, 1.0)
    );
}

// ---- a standby takes over ----------------------------------------------------------------------

/// The master is switched off and its phones turn to the standby; then it is there again.
#[allow(clippy::print_stdout, clippy::expect_used)]
fn take_overs(wanted: bool) {
    let rounds = if wanted { 9 } else { 1 };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/estates/two-trees.toml");
    let estate = Estate::read(&file).expect("the estate of the tests");
    let stage = Stage::start(&estate, Options::default(), Patience::default());
    stage.wait("the lines are in service", || stage.in_service(20) == 10);
    for (pbx, user) in [("hq", "Anna Berg"), ("branch", "Cleo Stern"), ("works", "Ida Jung")] {
        let line = stage.line_of(user);
        stage.open(line);
        let (mut over, mut back) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let begin = Instant::now();
            stage.say(&format!("stop {pbx}"));
            stage.say(&format!("take-over {pbx}"));
            over.push(stage.ear.wait_for(line, IN_SERVICE, begin));
            stage.wait("the standby serves", || stage.in_service(20) == 10);
            let begin = Instant::now();
            stage.say(&format!("start {pbx}"));
            back.push(stage.ear.wait_for(line, IN_SERVICE, begin));
            stage.wait("the master serves", || stage.in_service(20) == 10);
        }
        let worst = percentile(over.clone(), 1.0);
        println!(
            "ratio estate/take-over-{pbx} {:.3} s, at most {worst:.3} s, {:.3} of the limit (limit \
             {TAKE_OVER_LIMIT} s); back at the master {:.2} s after it is there (no limit set)",
            median(over),
            worst / TAKE_OVER_LIMIT,
            median(back)
        );
    }
}

// ---- all lines of a PBX again ------------------------------------------------------------------

/// A PBX of 2000 users boots. Its last word is its answer to the last `UserInitialize`.
#[allow(clippy::print_stdout)]
fn resync(wanted: bool) {
    let (rounds, users) = if wanted { (7, 2_000) } else { (1, 20) };
    let estate = Estate::with_users(users as usize);
    let stage = Stage::start(&estate, Options::default(), Patience::default());
    stage.wait("the lines are in service", || stage.in_service(users + 1) == users);
    let asked = || stage.simulator.with_model(|model| model.request_count(Kind::UserInitialize));
    let (mut after, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let before = asked();
        let begin = Instant::now();
        stage.say("reboot 0.1");
        stage.wait("the loss is seen", || stage.in_service(users + 1) == 0);
        while asked() < before + u64::from(users) {
            std::thread::sleep(Duration::from_micros(200));
        }
        let last = Instant::now();
        stage.wait("the lines are in service", || stage.in_service(users + 1) == users);
        after.push(last.elapsed().as_secs_f64());
        whole.push(begin.elapsed().as_secs_f64());
    }
    let worst = percentile(after.clone(), 1.0);
    println!(
        "ratio estate/resync-{users} {:.1} ms after the last answer, at most {:.1} ms, {:.2} of the \
         limit (limit {:.0} ms); {:.2} s since the PBX went, 0.1 s of it down",
        median(after) * 1e3,
        worst * 1e3,
        worst / RESYNC_LIMIT,
        RESYNC_LIMIT * 1e3,
        median(whole)
    );
}

// ---- without any PBX ---------------------------------------------------------------------------

/// A provider has worked with so many lines; other processes start from its log.
fn starts(wanted: bool) {
    let bare = start_again_and_again(FEW, 0, 1);
    if wanted {
        start_again_and_again(100_000, bare, 3);
    }
}

/// How many bytes the last of these processes has.
#[allow(clippy::expect_used)]
fn start_again_and_again(lines: u32, bare: u64, times: u32) -> u64 {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let kept = Fed::start(base, Arc::new(Nobody)).with_lines(lines).stop_and_keep();
    // When it can be opened, the one who wrote it is done with it.
    let log = LogReader::open(&kept.path().join("log"), PATIENCE).expect("a log");
    drop(log);
    let itself = std::env::current_exe().expect("a program knows where it lies");
    for _ in 0..times {
        let mut command = Command::new(&itself);
        command.env(LOG, kept.path()).env(LINES, lines.to_string()).env(BARE, bare.to_string());
        assert!(command.status().is_ok_and(|status| status.success()), "it did not start");
    }
    let bytes = std::fs::read_to_string(kept.path().join("bytes")).unwrap_or_default();
    bytes.parse().unwrap_or(0)
}

/// Starts in this process, which is new, opens all lines and reads the names of all.
#[allow(clippy::print_stdout, clippy::expect_used)]
fn start_again(folder: &Path, lines: u32, bare: u32) {
    let begin = Instant::now();
    let opened = Arc::new(Opened::default());
    let listener: Arc<dyn Listener> = opened.clone();
    let stand = Stand::start(&settings_in(folder), listener).expect("the provider starts");
    let known = begin.elapsed().as_secs_f64();
    let mut buffer = Buffer::new(2048);
    for device in 0..lines {
        stand.line_caps(device, &mut buffer).expect("the line is readable");
        assert!(buffer.name_bytes() > 2, "line {device} has a name");
    }
    let readable = begin.elapsed().as_secs_f64();
    assert_eq!(opened.0.load(Ordering::Relaxed), lines, "all lines are open");
    // What was told is noted in the log.
    std::thread::sleep(Duration::from_millis(1_000));
    let resident = resident_bytes().unwrap_or_default();
    std::fs::write(folder.join("bytes"), format!("{resident:.0}")).expect("the folder is there");
    if bare > 0 {
        let each = |bytes: f64| bytes / f64::from(lines - FEW);
        let resident = each(resident - f64::from(bare));
        println!(
            "ratio estate/start-{lines} {known:.2} s until all are known and open, {readable:.2} s \
             until each was read, {:.2} of the limit (limit {START_LIMIT} s); {resident:.0} bytes a \
             line, {:.2} of the limit (limit {BYTES_LIMIT}), allocated {:.0} of them",
            readable / START_LIMIT,
            resident / BYTES_LIMIT,
            each(bytes_in_use() as f64)
        );
    }
    drop(stand);
}

fn settings_in(folder: &Path) -> PathBuf {
    folder.join("tapline.toml")
}

/// Counts lines that were opened.
#[derive(Default)]
struct Opened(AtomicU32);

impl Listener for Opened {
    fn opened(&self, _device: u32) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn heard(&self, _device: u32, _call: HDrvCall, _message: u32, _first: usize) {}
}

/// Listens to nothing.
struct Nobody;

impl Listener for Nobody {
    fn opened(&self, _device: u32) {}

    fn heard(&self, _device: u32, _call: HDrvCall, _message: u32, _first: usize) {}
}

// ---- a large site ------------------------------------------------------------------------------

/// A master with 49 slaves, and 2000 users at each.
#[allow(clippy::print_stdout)]
fn site(wanted: bool) {
    let (slaves, users) = if wanted { (49, 2_000) } else { (3, 10) };
    let simulator = slow_site(slaves, users);
    let all = ((slaves + 1) * users) as u32;
    let begin = Instant::now();
    let stage = Stage::with(simulator, Patience::default());
    // A line for the account as well.
    stage.wait("all are known", || stage.is(LineId(all + 1), |_| true));
    let known = begin.elapsed().as_secs_f64();
    let deadline = begin + PATIENCE;
    while stage.in_service(all + 1) < all {
        assert!(Instant::now() < deadline, "{} are in service", stage.in_service(all + 1));
        std::thread::sleep(Duration::from_millis(50));
    }
    let up = begin.elapsed().as_secs_f64();
    let found_at_once = stage.simulator.with_site(|site| {
        (0..site.count()).map(|number| site.pbx(number).most_wanted()).max().unwrap_or(0)
    });
    assert!(found_at_once <= FIND_LIMIT, "FindUser wants {found_at_once} records");
    println!(
        "ratio estate/site-{}x{users} {known:.1} s until all lines are known, {up:.1} s until all are \
         in service (no limit set); at most {} requests at a time at one PBX; FindUser wants at \
         most {found_at_once} records (limit {FIND_LIMIT})",
        slaves + 1,
        stage.simulator.most_at_once()
    );
    let full = |report: &Report| matches!(report, Report::ScopeFull(..));
    let full = stage.reports().iter().filter(|report| full(report)).count();
    println!("estate/site: {full} PBXs report as many objects as they can, as was told");
}

/// What these PBXs are asked takes them a moment, so that requests which come together are seen
/// together.
#[allow(clippy::expect_used)]
fn slow_site(slaves: usize, users: usize) -> Simulator {
    let estate = Estate::with_slaves(slaves, users);
    let simulator = Simulator::start(&estate, Options::default()).expect("loopback ports");
    simulator.with_site(|site| {
        for number in 0..site.count() {
            let mut pbx = site.pbx_mut(number);
            for slow in ["UserInitialize", "Version", "Initialize", "LocationUrl", "Echo"] {
                let fault = format!("{slow}=delay:1");
                pbx.switches.set("fault_injection", &fault).expect("the simulator can do that");
            }
        }
    });
    simulator
}
