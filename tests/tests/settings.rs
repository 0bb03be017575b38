//! Settings that change while the provider works: the real library in a process of its own, driven
//! through its C interface, its settings a real file, its PBXs simulators.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

use adapters::desk::{self, Verdict};
use adapters::simulator::{Estate, Options, Simulator};
use engine::fact::{Event, HostFact};
use engine::tapi::{CallState, line_dev_state};
use std::time::Duration;
use tests::meddler::CLOSED;
use tests::premises::{Premises, settings_for};
use tests::server::{Heard, Server};
use tests::{PATIENCE, wait_for};

/// Lines of the built-in estate that have a phone.
const LINES: usize = 12;

/// A PBX, a provider that is in service, and the line of Anna, extension 20, who speaks with
/// extension 21.
struct Office {
    pbx: Simulator,
    premises: Premises,
    server: Server,
    anna: u32,
}

fn simulator() -> Simulator {
    Simulator::start(&Estate::built_in(), Options::default()).unwrap()
}

impl Office {
    fn open() -> Office {
        let pbx = simulator();
        let premises = Premises::at(pbx.address());
        let mut server = Server::in_service(&premises, LINES);
        let anna = server.device("20");
        let mut office = Office { pbx, premises, server, anna };
        office.pbx.control("call 21 20").unwrap();
        office.pbx.control("answer 20").unwrap();
        office.hear("a connected call", |heard| heard.is_state(CallState::Connected));
        office.server.forget();
        office
    }

    fn settings(&self) -> String {
        settings_for(&self.pbx.address().to_string())
    }

    /// Waits for something about Anna's line.
    fn hear(&mut self, what: &str, is_it: impl Fn(&Heard) -> bool) {
        let anna = self.anna;
        self.server.wait_for(what, |heard| heard.line == Some(anna) && is_it(heard));
    }

    /// Open lines by number, with their permanent ids.
    fn open_ids(&mut self) -> Vec<(String, u32)> {
        let open = self.server.lines().into_iter().filter(|line| line.open);
        let mut ids: Vec<_> = open.map(|line| (line.number, line.permanent_id)).collect();
        ids.sort();
        ids
    }

    fn name(&mut self, number: &str) -> String {
        let lines = self.server.lines();
        lines.into_iter().find(|line| line.number == number).unwrap().name
    }

    /// Asserts that nobody was told of an end of Anna's call, and that it can still be ended.
    fn assert_call_lives(&mut self) {
        let anna = self.anna;
        let is_end = |heard: &&Heard| {
            let over = heard.is_state(CallState::Disconnected) || heard.is_state(CallState::Idle);
            heard.line == Some(anna) && over
        };
        assert_eq!(self.server.heard().iter().find(is_end), None);
        self.server.forget();
        self.pbx.control("hangup 21").unwrap();
        self.hear("the end of the call", |heard| heard.is_state(CallState::Idle));
    }

    /// Ends the session. The log leads to what was told, and holds so many settings and no secret.
    fn close(mut self, configured: usize) {
        self.server.ask("stop").well();
        let replayed = self.premises.replay();
        replayed.assert_sound();
        let is_one = |event: &Event| matches!(event, Event::Host(HostFact::Configured(_)));
        let found = replayed.records.iter().filter(|(_, record)| is_one(&record.event));
        assert_eq!(found.count(), configured);
        let shown = format!("{:?}", replayed.records);
        assert!(!shown.contains("secret") && !shown.contains("sceret"));
    }

    fn reload(&self) -> String {
        let reloaded = desk::reload(self.premises.log(), PATIENCE).unwrap();
        assert_eq!((reloaded.verdict, reloaded.file), (Verdict::Applied, self.premises.settings()));
        reloaded.words
    }
}

#[test]
fn another_template_renames_the_lines_of_running_calls_within_seconds() {
    let mut office = Office::open();
    let ids = office.open_ids();
    assert_eq!(office.name("20"), "Anna Berg");
    let template = "[lines]\nname_template = \"%c (%e)\"\n";
    office.premises.write(&(office.settings() + template));
    office.hear("changed capabilities", |heard| heard.is_line_state(line_dev_state::CAPSCHANGE));
    assert_eq!(office.name("20"), "Anna Berg (20)");
    assert_eq!(office.open_ids(), ids);
    office.premises.assert_said_once("in force: name_template; lines renamed: 13");
    assert!(
        !office
            .server
            .heard()
            .iter()
            .any(|heard| heard.is_line_state(line_dev_state::OUTOFSERVICE))
    );
    office.assert_call_lives();
    office.close(2);
}

#[test]
fn settings_that_make_no_sense_change_nothing_and_are_told_once() {
    let mut office = Office::open();
    let wrong = office.settings().replace("user =", "usr =") + "[lines]\nname_template = \"%d\"\n";
    office.premises.write(&wrong);
    let told = office.premises.diary_lines("did you mean \"user\"?");
    assert!(told[0].contains("line 3") && told[0].contains("stay as they are"), "{}", told[0]);
    // Half a file, as an editor might leave it for a moment, or for long.
    std::fs::write(office.premises.settings(), "account = \"_TA").unwrap();
    let _ = office.premises.diary_lines("line 1");
    office.premises.write(&office.settings());
    let _ = office.premises.diary_lines("can be read again");
    office.premises.assert_said_once("did you mean \"user\"?");
    assert_eq!(office.name("20"), "Anna Berg");
    office.assert_call_lives();
    office.close(1);
}

#[test]
fn a_wrong_password_takes_no_line_out_of_service_and_the_right_one_is_used_at_once() {
    let mut office = Office::open();
    office.premises.write(&office.settings().replace("secret", "sceret"));
    let said = office.reload();
    assert!(said.contains("password") && said.contains("other credentials: 1"), "{said}");
    let told = office.premises.diary_lines("the former ones goes on");
    assert!(told[0].contains("account or password is not accepted"), "{}", told[0]);
    assert!(office.server.lines().iter().filter(|line| line.in_service).count() >= LINES);
    office.premises.write(&office.settings());
    office.reload();
    let _ = office.premises.diary_lines("of the changed settings from now on");
    office.server.wait_for_service(LINES);
    office.hear("a line back in service", |heard| heard.is_line_state(line_dev_state::INSERVICE));
    office.assert_call_lives();
    wait_for("one session", || (office.pbx.control("sessions").unwrap() == "1").then_some(()));
    office.close(3);
}

#[test]
fn a_pbx_is_added_and_removed_while_calls_are_up_and_its_lines_keep_their_ids() {
    let mut office = Office::open();
    let ids = office.open_ids();
    let mut estate =
        Estate { system: "elsewhere".into(), name: "other".into(), ..Estate::built_in() };
    for (number, user) in estate.users.iter_mut().enumerate() {
        user.guid = Some(format!("{number:032x}"));
    }
    let other = Simulator::start(&estate, Options::default()).unwrap();
    let second = format!("[[pbx]]\nmaster = \"{}\"\n", other.address());
    let with = office.settings() + &second;
    office.premises.write(&with);
    assert!(office.reload().contains("PBXs added: 1"));
    office.server.wait_for_service(2 * LINES);
    let all = office.open_ids();
    assert!(ids.iter().all(|id| all.contains(id)) && all.len() > 2 * LINES);
    office.premises.write(&office.settings());
    let said = office.reload();
    assert!(said.contains("PBXs that left: 1") && said.contains("lines removed"), "{said}");
    wait_for("the lines of before", || (office.open_ids() == ids).then_some(()));
    // The lines are gone with the settings; the PBX hears of it a moment later.
    wait_for("no session", || (other.control("sessions").unwrap() == "0").then_some(()));
    office.premises.write(&with);
    assert!(office.reload().contains("lines expected back"));
    office.server.wait_for_service(2 * LINES);
    assert_eq!(office.open_ids(), all);
    office.assert_call_lives();
    office.close(4);
}

#[test]
fn what_cannot_be_changed_while_it_runs_is_said_plainly() {
    let mut office = Office::open();
    let elsewhere = office.premises.folder().join("elsewhere");
    std::fs::write(
        office.premises.settings(),
        format!("{}[log]\npath = {elsewhere:?}\n", office.settings()),
    )
    .unwrap();
    assert!(office.reload().contains("starts again: [log] path"));
    assert!(!elsewhere.exists());
    office.premises.write(&office.settings());
    office.assert_call_lives();
    office.close(2);
}

#[test]
fn without_an_answer_from_a_provider_whoever_asks_is_told_so() {
    let premises = Premises::at(CLOSED);
    let mut server = Server::load(&premises);
    server.ask("start").well();
    assert_eq!(desk::reload(premises.log(), PATIENCE).unwrap().verdict, Verdict::Same);
    premises.write("account = 7\n");
    let refused = desk::reload(premises.log(), PATIENCE).unwrap();
    assert_eq!(refused.verdict, Verdict::Refused);
    assert!(refused.words.contains("line 1") && refused.words.contains("stay as they are"));
    assert_eq!(desk::state(premises.log(), PATIENCE).unwrap().lines().count(), 0);
    server.ask("stop").well();
    assert!(desk::reload(premises.log(), Duration::from_millis(600)).is_err());
}
