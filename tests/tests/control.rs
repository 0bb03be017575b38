//! Hold, transfers, redirection and pickup from end to end: the runtime with all its threads,
//! against the simulated PBX; what every line hears is checked, not only the one that asked.
#![allow(clippy::unwrap_used, missing_docs)]

use adapters::journal::LogReader;
use adapters::runtime::{Audience, Caused, Prepared, Runtime};
use adapters::settings::Settings;
use adapters::simulator::{Estate, Options, Simulator};
use engine::core::Core;
use engine::effect::{Notice, What};
use engine::fact::{Command, Completion, Consultation, Event, HostFact, PickupFrom};
use engine::id::{CallId, LineId, Opening, RequestId};
use engine::invariant::Watch;
use engine::tapi::{CallState, LineErr, call_info_state, disconnect_mode, reason};
use engine::view::{CallView, LineView};
use std::cell::Cell;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

/// What was said about a line, in the order in which it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    State(CallId, CallState, u32),
    Info(CallId, u32),
    New(CallId),
    Done(u32, Completion),
}

#[derive(Default)]
struct Ear {
    heard: Mutex<Vec<(LineId, Said)>>,
    more: Condvar,
}

impl Audience for Ear {
    fn hear(&self, batch: Vec<Caused>) {
        let said = batch.into_iter().filter_map(|caused| {
            let said = match caused.telling.what {
                What::Notice(Notice::CallState { call, state, mode, .. }) => {
                    Said::State(call, state, mode)
                }
                What::Notice(Notice::CallInfo(call, bits)) => Said::Info(call, bits),
                What::Notice(Notice::NewCall(call)) => Said::New(call),
                What::Completed(id, result) => Said::Done(id.0, result),
                What::Notice(_) => return None,
            };
            Some((caused.telling.line, said))
        });
        self.heard.lock().unwrap().extend(said);
        self.more.notify_all();
    }
}

/// A PBX, and a provider of which the lines of Anna (20), Ben (21), Cleo (22) and Dora (23) are
/// open.
struct Office {
    pbx: Simulator,
    runtime: Option<Runtime>,
    ear: Arc<Ear>,
    folder: TempDir,
    lines: Vec<(u32, LineId)>,
    requests: Cell<u32>,
}

impl Office {
    fn open() -> Office {
        let pbx = Simulator::start(&Estate::built_in(), Options::default()).unwrap();
        let folder = TempDir::new().unwrap();
        let text = format!(
            "account = \"_TAPI_\"\npassword = \"secret\"\nuser = \"TAPI\"\n\
             [[pbx]]\nmaster = \"{}\"\n[log]\npath = {:?}\n",
            pbx.address(),
            folder.path().join("log")
        );
        let settings = Settings::parse(&text, Path::new("test.toml")).unwrap();
        let ear = Arc::new(Ear::default());
        let runtime = Prepared::with_settings(settings).unwrap().start(ear.clone()).unwrap();
        let mut office = Office {
            pbx,
            runtime: Some(runtime),
            ear,
            folder,
            lines: Vec::new(),
            requests: Cell::new(1),
        };
        for number in 20..=23 {
            let line = office.line_in_service(number);
            let opening = Opening(line.0);
            let fact = HostFact::LineOpened { line, opening, version: 0x0003_0000 };
            office.runtime().submit(Event::Host(fact)).unwrap();
            office.lines.push((number, line));
        }
        office.runtime().settle(Instant::now() + PATIENCE);
        office
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().unwrap()
    }

    fn line_in_service(&self, number: u32) -> LineId {
        let found = || {
            (1..=20).map(LineId).find(|line| {
                self.runtime().views().read(*line).is_some_and(|guard| {
                    guard.as_ref().is_some_and(|view| {
                        view.in_service && view.identity.number.to_text() == number.to_string()
                    })
                })
            })
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(line) = found() {
                return line;
            }
            assert!(Instant::now() < deadline, "line {number} does not come into service");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn line(&self, number: u32) -> LineId {
        self.lines.iter().find(|(known, _)| *known == number).unwrap().1
    }

    fn view(&self, number: u32) -> LineView {
        let guard = self.runtime().views().read(self.line(number)).unwrap();
        LineView::clone(guard.as_ref().unwrap())
    }

    fn call(&self, call: CallId) -> Arc<CallView> {
        let guard = self.runtime().views().read(call.line).unwrap();
        Arc::clone(guard.as_ref().unwrap().call(call).unwrap())
    }

    fn control(&self, command: &str) {
        self.pbx.control(command).unwrap();
    }

    /// A name for a call to be made at a line.
    fn made(&self, number: u32) -> CallId {
        let serial = CallId::FIRST_MADE + self.requests.get();
        CallId { line: self.line(number), serial }
    }

    /// Asks, and waits for the completion.
    fn ask(&self, number: u32, command: Command) -> Completion {
        let id = self.submit(number, command);
        self.wait(number, "a completion", |said| match said {
            Said::Done(done, result) if *done == id => Some(*result),
            _ => None,
        })
    }

    fn submit(&self, number: u32, command: Command) -> u32 {
        let id = self.requests.replace(self.requests.get() + 1);
        let line = self.line(number);
        let event = Event::App(line, Opening(line.0), RequestId(id), command);
        self.runtime().submit(event).unwrap();
        id
    }

    fn make_call(&self, number: u32, to: &str) -> CallId {
        let call = self.made(number);
        let command = Command::MakeCall {
            call,
            number: to.into(),
            block_id: false,
            country_code: 0,
            call_param_flags: 0,
        };
        assert_eq!(self.ask(number, command), Ok(()));
        call
    }

    /// Waits for the first thing said about a line that fits.
    fn wait<T>(&self, number: u32, what: &str, fits: impl Fn(&Said) -> Option<T>) -> T {
        let line = self.line(number);
        let deadline = Instant::now() + PATIENCE;
        let mut heard = self.ear.heard.lock().unwrap();
        loop {
            let found = heard.iter().filter(|(of, _)| *of == line).find_map(|(_, said)| fits(said));
            if let Some(found) = found {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{number}: no {what} in {heard:#?}");
            heard = self.ear.more.wait_timeout(heard, left).unwrap().0;
        }
    }

    /// Waits until a call of a line is in a state, and gives the call.
    fn wait_for(&self, number: u32, state: CallState) -> CallId {
        self.wait(number, state.name(), |said| match said {
            Said::State(call, reached, _) if *reached == state => Some(*call),
            _ => None,
        })
    }

    fn wait_for_call(&self, call: CallId, state: CallState) -> u32 {
        let number = self.lines.iter().find(|(_, line)| *line == call.line).unwrap().0;
        self.wait(number, state.name(), |said| match said {
            Said::State(of, reached, mode) if *of == call && *reached == state => Some(*mode),
            _ => None,
        })
    }

    /// Calls from now on.
    fn forget(&self) {
        self.ear.heard.lock().unwrap().clear();
    }

    /// What was said about calls of a line, call info left out.
    fn said(&self, number: u32) -> Vec<Said> {
        let line = self.line(number);
        let heard = self.ear.heard.lock().unwrap();
        let of_line = heard.iter().filter(|(of, said)| *of == line && !is_info(said));
        of_line.map(|(_, said)| said.clone()).collect()
    }

    /// LINECALLINFOSTATE bits that a line heard.
    fn info(&self, number: u32) -> u32 {
        let line = self.line(number);
        let heard = self.ear.heard.lock().unwrap();
        heard.iter().fold(0, |bits, (of, said)| match said {
            Said::Info(_, more) if *of == line => bits | more,
            _ => bits,
        })
    }

    /// One user calls another one at the phone, who answers; gives both ends of the call.
    fn talk(&self, from: u32, to: u32) -> (CallId, CallId) {
        self.forget();
        self.control(&format!("call {from} {to}"));
        self.wait_for(to, CallState::Offering);
        self.control(&format!("answer {to}"));
        let ends =
            (self.wait_for(from, CallState::Connected), self.wait_for(to, CallState::Connected));
        self.forget();
        ends
    }

    /// Ends the session. The log, folded once more, must keep every invariant.
    fn close(mut self) {
        self.runtime.take().unwrap().stop(Duration::from_secs(5));
        let log = LogReader::open(&self.folder.path().join("log"), PATIENCE).unwrap();
        let (mut core, mut watch) = (Core::default(), Watch::default());
        for record in log.records_from(0) {
            let (_, record) = record.unwrap();
            let mut effects = Vec::new();
            watch.before(&record).unwrap();
            core.apply(record.clone(), &mut effects);
            watch.after(&record, &effects, &core).unwrap();
        }
        watch.all_completed().unwrap();
    }
}

fn is_info(said: &Said) -> bool {
    matches!(said, Said::Info(..))
}

fn complete(call: CallId, consultation: CallId) -> Command {
    Command::CompleteTransfer { call, consultation, conference: None }
}

const HELD: u32 = engine::tapi::connected_mode::ACTIVEHELD;
const ACTIVE: u32 = engine::tapi::connected_mode::ACTIVE;
const NORMAL: u32 = disconnect_mode::NORMAL;

#[test]
fn a_call_is_held_and_taken_back_and_the_other_end_hears_both() {
    let office = Office::open();
    let (anna, ben) = office.talk(20, 21);
    assert_eq!(office.ask(20, Command::Hold(anna)), Ok(()));
    assert_eq!(office.call(anna).state, CallState::OnHold, "the completion is true");
    let counts = office.view(20).counts();
    assert_eq!((counts.active, counts.held), (0, 1));
    assert_eq!(office.wait_for_call(ben, CallState::Connected), HELD);
    office.forget();
    assert_eq!(office.ask(20, Command::Unhold(anna)), Ok(()));
    assert_eq!(office.call(anna).state, CallState::Connected);
    assert_eq!(office.wait_for_call(ben, CallState::Connected), ACTIVE);
    assert_eq!(office.ask(20, Command::Unhold(anna)), Err(LineErr::InvalCallState));
    office.control("hold 20");
    office.wait_for_call(anna, CallState::OnHold);
    office.close();
}

#[test]
fn calls_change_places_and_a_second_one_is_answered() {
    let office = Office::open();
    let (_, ben) = office.talk(20, 21);
    office.control("call 22 21");
    let second = office.wait_for(21, CallState::Offering);
    office.forget();
    assert_eq!(office.ask(21, Command::Answer(second)), Ok(()));
    let done = office.requests.get() - 1;
    let expected = [
        Said::State(ben, CallState::OnHold, 0),
        Said::State(second, CallState::Connected, ACTIVE),
        Said::Done(done, Ok(())),
    ];
    assert_eq!(office.said(21), expected);
    office.forget();
    assert_eq!(office.ask(21, Command::SwapHold { active: second, held: ben }), Ok(()));
    let expected = [
        Said::State(second, CallState::OnHold, 0),
        Said::State(ben, CallState::Connected, ACTIVE),
        Said::Done(done + 1, Ok(())),
    ];
    assert_eq!(office.said(21), expected);
    office.forget();
    office.control("hangup 22");
    assert_eq!(office.wait_for_call(second, CallState::Disconnected), NORMAL);
    office.close();
}

#[test]
fn a_held_call_and_a_made_one_are_joined_while_ringing_and_when_connected() {
    for connected in [false, true] {
        let office = Office::open();
        let (anna, ben) = office.talk(20, 21);
        assert_eq!(office.ask(21, Command::Hold(ben)), Ok(()));
        let consultation = office.make_call(21, "22");
        office.wait_for_call(consultation, CallState::Ringback);
        let cleo = office.wait_for(22, CallState::Offering);
        if connected {
            office.control("answer 22");
            office.wait_for_call(consultation, CallState::Connected);
            office.wait_for_call(cleo, CallState::Connected);
        }
        office.forget();
        assert_eq!(office.ask(21, complete(ben, consultation)), Ok(()));
        let done = office.requests.get() - 1;
        let expected = [
            Said::State(ben, CallState::Idle, 0),
            Said::State(consultation, CallState::Idle, 0),
            Said::Done(done, Ok(())),
        ];
        assert_eq!(office.said(21), expected, "connected {connected}");
        if !connected {
            office.control("answer 22");
            office.wait_for_call(cleo, CallState::Connected);
        }
        let of = |call: CallId| {
            let info = Arc::clone(&office.call(call).info);
            (info.connected.number.to_text(), info.redirecting.number.to_text(), info.call_id)
        };
        tests::wait_for("both ends to know each other", || {
            let both = of(anna).0 == "22" && of(cleo).0 == "20";
            (both && of(anna).2 == of(cleo).2).then_some(())
        });
        assert_eq!((of(anna).1, of(cleo).1), ("21".into(), "21".into()));
        assert_eq!(office.call(anna).state, CallState::Connected);
        assert_ne!(office.info(20) & call_info_state::CONNECTEDID, 0);
        office.close();
    }
}

#[test]
fn a_consultation_set_up_for_its_transfer_is_completed_or_given_up() {
    let office = Office::open();
    let (anna, _) = office.talk(20, 21);
    let set_up = |call| {
        let consultation =
            Consultation { call, number: "22".into(), block_id: false, call_param_flags: 0x80 };
        Command::SetupTransfer { call: anna, consultation }
    };
    let given_up = office.made(20);
    assert_eq!(office.ask(20, set_up(given_up)), Ok(()));
    let done = office.requests.get() - 1;
    let said = office.said(20);
    let expected = [Said::State(anna, CallState::OnHoldPendTransfer, 0), Said::Done(done, Ok(()))];
    assert_eq!(said[..2], expected);
    office.wait_for_call(given_up, CallState::Ringback);
    assert_eq!(office.view(20).counts().hold_pending, 1);
    office.forget();
    assert_eq!(office.ask(20, Command::Drop(given_up)), Ok(()));
    office.wait_for_call(anna, CallState::Connected);
    office.forget();

    let taken_back = office.made(20);
    assert_eq!(office.ask(20, set_up(taken_back)), Ok(()));
    office.wait_for_call(taken_back, CallState::Ringback);
    assert_eq!(office.ask(20, Command::Unhold(anna)), Ok(()));
    office.wait_for_call(taken_back, CallState::Idle);
    assert_eq!(office.call(anna).state, CallState::Connected);
    office.forget();

    let consultation = office.made(20);
    assert_eq!(office.ask(20, set_up(consultation)), Ok(()));
    office.wait_for_call(consultation, CallState::Ringback);
    assert_eq!(office.ask(20, complete(anna, consultation)), Ok(()));
    for call in [anna, consultation] {
        assert_eq!(office.call(call).state, CallState::Idle);
    }
    office.close();
}

#[test]
fn a_blind_transfer_ends_the_call_here_and_offers_it_there() {
    let office = Office::open();
    let (anna, ben) = office.talk(20, 21);
    office.control("busy 23 on");
    let blind = |to: &str| Command::BlindTransfer { call: ben, number: to.into() };
    assert_eq!(office.ask(21, blind("23")), Err(LineErr::OperationFailed));
    assert_eq!(office.call(ben).state, CallState::Connected, "refused, and nothing changed");
    assert_eq!(office.ask(21, blind("22")), Ok(()));
    let done = office.requests.get() - 1;
    let said = office.said(21);
    let expected = [Said::State(ben, CallState::Idle, 0), Said::Done(done, Ok(()))];
    assert_eq!(said[said.len() - 2..], expected);
    let cleo = office.wait_for(22, CallState::Offering);
    let info = Arc::clone(&office.call(cleo).info);
    assert_eq!((info.reason, info.caller.number.to_text()), (reason::TRANSFER, "20".into()));
    assert_eq!(info.redirecting.number.to_text(), "21");
    office.control("answer 22");
    office.wait_for_call(cleo, CallState::Connected);
    tests::wait_for("Anna to know whom she talks to", || {
        (office.call(anna).info.connected.number.to_text() == "22").then_some(())
    });
    assert_ne!(office.info(20) & call_info_state::CONNECTEDID, 0);
    office.close();
}

#[test]
fn an_offered_call_is_redirected() {
    let office = Office::open();
    office.control("call 20 21");
    let ben = office.wait_for(21, CallState::Offering);
    let redirect = Command::Redirect { call: ben, number: "22".into() };
    assert_eq!(office.ask(21, redirect), Ok(()));
    assert_eq!(office.call(ben).state, CallState::Idle);
    let disconnected = |said: &Said| matches!(said, Said::State(_, CallState::Disconnected, _));
    assert!(!office.said(21).iter().any(disconnected));
    let cleo = office.wait_for(22, CallState::Offering);
    let info = Arc::clone(&office.call(cleo).info);
    assert_eq!((info.reason, info.redirecting.number.to_text()), (reason::REDIRECT, "21".into()));
    assert_eq!(info.caller.number.to_text(), "20");
    office.close();
}

#[test]
fn a_call_is_picked_up_by_station_by_group_and_wherever_it_rings() {
    for from in
        [PickupFrom::Station("21".into()), PickupFrom::Group("tapi".into()), PickupFrom::Anywhere]
    {
        let office = Office::open();
        office.control("call 20 21");
        let robbed = office.wait_for(21, CallState::Offering);
        office.forget();
        let dora = office.made(23);
        assert_eq!(office.ask(23, Command::Pickup { call: dora, from: from.clone() }), Ok(()));
        office.wait_for_call(dora, CallState::Connected);
        let done = office.requests.get() - 1;
        assert_eq!(office.said(23)[0], Said::Done(done, Ok(())), "{from:?}: the completion first");
        let info = Arc::clone(&office.call(dora).info);
        assert_eq!((info.reason, info.caller.number.to_text()), (reason::PICKUP, "20".into()));
        assert_eq!(info.called.number.to_text(), "21");
        let mode = office.wait_for_call(robbed, CallState::Disconnected);
        assert_eq!(mode, disconnect_mode::PICKUP);
        office.wait_for_call(robbed, CallState::Idle);
        office.close();
    }
}

#[test]
fn where_nothing_rings_nothing_is_picked_up() {
    let office = Office::open();
    let pick = |from| {
        let call = office.made(23);
        office.ask(23, Command::Pickup { call, from })
    };
    assert_eq!(pick(PickupFrom::Anywhere), Err(LineErr::OperationFailed));
    assert_eq!(pick(PickupFrom::Station("21".into())), Err(LineErr::OperationFailed));
    assert_eq!(pick(PickupFrom::Station("77".into())), Err(LineErr::InvalAddress));
    assert!(office.view(23).calls.is_empty());
    office.close();
}

/// What the documents leave open about a PBX, one by one.
const VARIANTS: [&str; 11] = [
    "hold_msg x-hold",
    "disc_event only-del",
    "own_clear_state 6",
    "no_content changed",
    "setup_progress setup-connect",
    "ct_state fall",
    "ucall_event_before_response on",
    "transfer_event_order b-first",
    "transfer_event_order c-first",
    "fault_injection UserHold=duplicate*1",
    "fault_injection UserTransfer=reset*1",
];

#[test]
fn calls_are_held_swapped_and_transferred_with_every_variant_of_a_pbx() {
    for variant in VARIANTS {
        let office = Office::open();
        office.control(&format!("set {variant}"));
        let (anna, ben) = office.talk(20, 21);
        assert_eq!(office.ask(21, Command::Hold(ben)), Ok(()), "{variant}");
        let second = office.make_call(21, "22");
        let cleo = office.wait_for(22, CallState::Offering);
        office.control("answer 22");
        office.wait_for_call(second, CallState::Connected);
        let swap = Command::SwapHold { active: second, held: ben };
        assert_eq!(office.ask(21, swap), Ok(()), "{variant}");
        assert_eq!(office.call(second).state, CallState::OnHold, "{variant}");
        assert_eq!(office.ask(21, complete(second, ben)), Ok(()), "{variant}");
        for call in [ben, second] {
            assert_eq!(office.call(call).state, CallState::Idle, "{variant}");
        }
        for (end, other) in [(anna, "22"), (cleo, "20")] {
            tests::wait_for("the ends to know each other", || {
                (office.call(end).info.connected.number.to_text() == other).then_some(())
            });
            assert_eq!(office.call(end).state, CallState::Connected, "{variant}");
        }
        office.close();
    }
}

#[test]
fn a_pbx_that_stays_silent_fails_a_hold_when_its_deadline_has_passed() {
    let office = Office::open();
    let (anna, _) = office.talk(20, 21);
    office.control("silent 20 on");
    assert_eq!(office.ask(20, Command::Hold(anna)), Err(LineErr::OperationFailed));
    assert_eq!(office.call(anna).state, CallState::Connected);
    office.close();
}
