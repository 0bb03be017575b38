//! `tapline.log` in more detail: one request on its whole way, at the real library in a process of
//! its own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

use adapters::desk::{self, Verdict};
use adapters::simulator::{Estate, Options, Simulator};
use engine::tapi::{CallState, LineErr};
use tests::premises::{Premises, settings_for};
use tests::server::{Heard, Server};
use tests::{PATIENCE, wait_for};

/// Lines of the built-in estate that have a phone.
const LINES: usize = 12;

struct Office {
    pbx: Simulator,
    premises: Premises,
    server: Server,
}

impl Office {
    fn open() -> Office {
        let pbx = Simulator::start(&Estate::built_in(), Options::default()).unwrap();
        let premises = Premises::at(pbx.address());
        let server = Server::in_service(&premises, LINES);
        Office { pbx, premises, server }
    }

    /// Says so much from now on.
    fn say_up_to(&self, level: &str) {
        let settings = settings_for(&self.pbx.address().to_string());
        self.premises.write_with(&settings, &format!("level = \"{level}\""));
        let reloaded = desk::reload(self.premises.log(), PATIENCE).unwrap();
        assert_eq!(reloaded.verdict, Verdict::Applied, "{reloaded:?}");
        assert!(reloaded.words.contains("in force: [log] level"), "{reloaded:?}");
    }

    /// Anna calls and hangs up; waits until that is over.
    fn call(&mut self, number: &str) {
        self.server.forget();
        let anna = self.server.device("20");
        let call = self.server.make_call(anna, number);
        // There may be other calls.
        let is = |heard: &Heard, state| heard.call == Some(call) && heard.is_state(state);
        self.server.wait_for("ringback", |heard| is(heard, CallState::Ringback));
        self.server.ask(&format!("drop {call}")).well();
        self.server.wait_for("the end of it", |heard| is(heard, CallState::Idle));
    }

    fn lines(&self) -> Vec<String> {
        self.premises.diary().lines().map(str::to_owned).collect()
    }
}

/// Waits for a line of the diary with all of these words that is not among the first ones.
fn line_with(office: &Office, after: usize, words: &[&str]) -> String {
    wait_for(&format!("{words:?}"), || {
        let is_it = |line: &&String| words.iter().all(|word| line.contains(word));
        office.lines().iter().skip(after).find(is_it).cloned()
    })
}

#[test]
fn one_id_leads_through_the_whole_way_of_a_request_when_the_settings_want_to_know_it() {
    let mut office = Office::open();
    office.call("21");
    for words in ["DEBUG", "TRACE", "lineMakeCall", "UserCall"] {
        assert!(!office.premises.diary().contains(words), "{words}: not at the usual level");
    }
    office.say_up_to("debug");
    let before = office.lines().len();
    office.call("22");
    let begun = line_with(&office, before, &["lineMakeCall begins"]);
    let id = begun.split_whitespace().find_map(|word| word.strip_suffix(':')).unwrap();
    assert!(id.starts_with('r') && id.contains('.'), "{begun}");
    let _ = line_with(&office, before, &[id, "lineMakeCall ends after", "success"]);
    let _ = line_with(&office, before, &["lineDrop ends after", "success"]);
    let lines = office.lines();
    let way: Vec<&String> = lines[before..].iter().filter(|line| line.contains(id)).collect();
    let stations = [
        "lineMakeCall begins",
        "operation=\"UserCall\" pbx=0 attempt=1}: is asked",
        "operation=\"UserCall\" pbx=0 attempt=1}: is answered with status 200 after",
        "lineMakeCall ends after",
    ];
    for (line, station) in way.iter().zip(stations) {
        assert!(line.contains(station), "{station:?} in {way:#?}");
    }
    assert_eq!(way.len(), stations.len(), "{way:#?}");
    // What the C interface says of it is found by the number that the telephony server gave.
    let (_, number) = begun.split_once("as request ").unwrap();
    let number = number.split(' ').next().unwrap();
    let taken = format!("is taken as request {number}");
    let _ = line_with(&office, before, &["tspi{function=lineMakeCall}", &taken]);
    let _ = line_with(&office, before, &[&format!("request {number} is completed: Ok(())")]);

    let anna = office.server.device("20");
    office.server.ask(&format!("make {anna} nobody")).refused_with(LineErr::InvalAddress);
    let _ = line_with(&office, before, &["tspi{function=lineMakeCall}: refused with INVALADDRESS"]);

    office.say_up_to("info");
    let before = office.lines().len();
    office.call("21");
    let said: Vec<_> = office.lines().split_off(before);
    assert!(!said.iter().any(|line| line.contains("lineMakeCall")), "{said:#?}");
}

#[test]
fn at_no_level_is_anything_said_of_people_or_secrets() {
    let mut office = Office::open();
    office.say_up_to("trace");
    let before = office.lines().len();
    office.pbx.control("call 21 20").unwrap();
    office.server.wait_for("a call", |heard| heard.is_state(CallState::Offering));
    office.call("22");
    // The Poll that waits is lost; or, if it comes just then, whatever is asked while nobody is there.
    office.pbx.control("reboot 2").unwrap();
    let _ = line_with(&office, before, &["operation=", "has no answer"]);
    let _ = line_with(&office, before, &["operation=\"Initialize\"", "is answered"]);
    let _ = line_with(&office, before, &["operation=\"UserInitialize\"", "is answered"]);
    let _ = line_with(&office, before, &["TRACE", "operation=\"Poll\"", "is answered"]);
    office.server.wait_for_service(LINES);
    let said = office.premises.diary();
    for word in ["Anna", "Berg", "secret", "_TAPI_", "Authorization", "<", "e164"] {
        assert!(!said.contains(word), "{word} in {said}");
    }
}
