//! Call forwarding from end to end: the real library, driven through its C interface, against the
//! simulated PBX, which keeps the forwards and obeys them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

use adapters::simulator::{Estate, Options, Simulator};
use engine::tapi::{LineErr, address_feature, address_state};
use serde_json::{Value, json};
use tests::premises::{Premises, settings_for};
use tests::server::{Heard, Server};
use tests::wait_for;

/// Lines of the built-in estate that have a phone.
const LINES: usize = 12;
const NO_ERROR: u32 = 0;
const UNCOND: u32 = 0x1;
const BUSY: u32 = 0x10;
const NOANSW: u32 = 0x100;

/// A PBX, a provider that is in service, and the line of Anna, extension 20.
struct Office {
    pbx: Simulator,
    premises: Premises,
    server: Server,
    anna: u32,
}

impl Office {
    fn open() -> Office {
        Office::with(|settings| settings)
    }

    fn with(settings: impl FnOnce(String) -> String) -> Office {
        let pbx = Simulator::start(&Estate::built_in(), Options::default()).unwrap();
        let premises = Premises::with(&settings(settings_for(&pbx.address().to_string())));
        let mut server = Server::in_service(&premises, LINES);
        let anna = server.device("20");
        let mut office = Office { pbx, premises, server, anna };
        office.wait_for_read();
        office
    }

    /// Waits until what the PBX says of forwards has been read: that a forward is set at the phone
    /// and taken back is told once each.
    fn wait_for_read(&mut self) {
        for (number, expected) in [("29", json!([[BUSY, "", "29"]])), ("off", json!([]))] {
            self.server.forget();
            self.pbx.control(&format!("forward 20 cfb {number}")).unwrap();
            self.wait_for_notice(address_state::FORWARD);
            assert_eq!(self.forwards(), expected);
        }
        self.server.forget();
    }

    /// `lineForward`; gives the error of its completion.
    fn forward(&mut self, what: &str) -> u32 {
        let asked = self.server.ask(&format!("forward {} {what}", self.anna)).well();
        let request = asked["request"].as_u64().unwrap();
        let is_it =
            |heard: &Heard| heard.kind == "completed" && u64::from(heard.numbers[0]) == request;
        self.server.wait_for("the completion of lineForward", is_it).numbers[1]
    }

    fn status(&mut self) -> Value {
        self.server.ask(&format!("address {}", self.anna)).well()
    }

    fn forwards(&mut self) -> Value {
        self.status()["forwards"].clone()
    }

    fn wait_for_forwards(&mut self, expected: &Value) {
        wait_for(&format!("forwards {expected}"), || (self.forwards() == *expected).then_some(()));
    }

    fn wait_for_notice(&mut self, bit: u32) {
        let line = self.anna;
        self.server.wait_for("LINE_ADDRESSSTATE", |heard| {
            let of_line = heard.kind == "address-state" && heard.line == Some(line);
            of_line && heard.numbers[1] & bit != 0
        });
    }

    /// What Anna has of her own at the PBX.
    fn record(&self) -> String {
        self.pbx.control("admin <show><user cn=\"Anna Berg\" config=\"true\"/></show>").unwrap()
    }

    fn diversions(&self) -> Vec<String> {
        let record = self.record();
        let parts = record.split("<cd ").skip(1);
        let ends = parts.map(|part| part.split("</cd>").next().unwrap().to_owned());
        let mut all: Vec<String> = ends.map(|cd| format!("<cd {cd}</cd>")).collect();
        all.sort();
        all
    }

    fn add_child(&self, child: &str) {
        let user = format!("<user cn=\"Anna Berg\">{child}</user>");
        let answer = self.pbx.control(&format!("admin <add-attrib>{user}</add-attrib>"));
        assert_eq!(answer.unwrap(), "<ok/>");
    }

    /// Extensions that have a call.
    fn called(&self) -> Vec<String> {
        let calls: Value = serde_json::from_str(&self.pbx.control("calls").unwrap()).unwrap();
        let legs = calls[0]["legs"].as_array().unwrap().iter();
        legs.map(|leg| leg["ext"].as_str().unwrap().to_owned()).collect()
    }

    /// Ends the session; the log must lead to what was said, and hold no secret.
    fn close(mut self) {
        self.server.ask("stop").well();
        drop(self.server);
        self.premises.replay().assert_sound();
    }
}

fn cd(kind: &str, to: &str, src: &str) -> String {
    format!("<cd type=\"{kind}\"><ep e164=\"{to}\"/>{src}</cd>")
}

#[test]
fn a_forward_is_set_shown_followed_and_cancelled() {
    let mut office = Office::open();
    assert_eq!(office.forward("0 1,,30"), NO_ERROR);
    office.wait_for_notice(address_state::FORWARD);
    assert_eq!(office.forwards(), json!([[UNCOND, "", "30"]]));
    assert_eq!(office.diversions(), [cd("cfu", "30", "")]);
    office.pbx.control("ring 20 555").unwrap();
    assert!(office.called().contains(&"30".to_owned()), "{:?}", office.called());

    assert_eq!(office.forward("0 10,,31"), NO_ERROR);
    assert_eq!(office.forwards(), json!([[BUSY, "", "31"]]), "what is not in the list is gone");
    assert_eq!(office.diversions(), [cd("cfb", "31", "")]);
    assert_eq!(office.forward("0"), NO_ERROR);
    assert_eq!(office.forward("0"), NO_ERROR, "also when nothing is forwarded");
    assert_eq!(office.forwards(), json!([]));
    assert_eq!(office.diversions(), [""; 0]);
    office.close();
}

#[test]
fn every_mode_becomes_its_diversions() {
    let mut office = Office::open();
    let only = "<src type=\"do\"><ep e164=\"0\"/></src>";
    let only_not = "<src type=\"dont\"><ep e164=\"0\"/></src>";
    let caller = "<src type=\"do\"><ep e164=\"0555\"/></src>";
    assert_eq!(office.status()["forward_modes"], 0xFFF);
    for (row, kind) in ["cfu", "cfb", "cfnr"].into_iter().enumerate() {
        for (bit, src, number) in
            [(1, "", ""), (2, only_not, ""), (4, only, ""), (8, caller, "0555")]
        {
            let mode: u32 = bit << (4 * row);
            assert_eq!(office.forward(&format!("0 {mode:x},{number},30")), NO_ERROR, "{mode:#x}");
            assert_eq!(office.diversions(), [cd(kind, "30", src)], "{mode:#x}");
            assert_eq!(office.forwards(), json!([[mode, number, "30"]]));
        }
    }
    assert_eq!(office.forward("0 2000,,30"), NO_ERROR);
    assert_eq!(office.diversions(), [cd("cfb", "30", only_not), cd("cfnr", "30", only_not)]);
    // Shown as the two that they are.
    assert_eq!(office.forwards(), json!([[BUSY << 1, "", "30"], [NOANSW << 1, "", "30"]]));
    office.close();
}

#[test]
fn rings_are_kept_within_limits_and_in_the_record() {
    let mut office = Office::open();
    assert_eq!(office.forward("99 100,,30"), NO_ERROR);
    assert_eq!(office.status()["rings"], 20);
    assert!(office.record().contains(" cfnr=\"100\""), "{}", office.record());
    assert_eq!(office.forward("3 100,,30"), NO_ERROR);
    assert_eq!(office.status()["rings"], 3);
    assert!(office.record().contains(" cfnr=\"15\""));
    // Without a forward for no answer the number means nothing.
    assert_eq!(office.forward("9 1,,30"), NO_ERROR);
    assert_eq!(office.status()["rings"], 0);
    assert!(office.record().contains(" cfnr=\"15\""));
    office.close();
}

#[test]
fn what_is_set_at_the_phone_is_told_and_shown() {
    let mut office = Office::open();
    office.pbx.control("forward 20 cfnr 27").unwrap();
    office.wait_for_notice(address_state::FORWARD);
    assert_eq!(office.forwards(), json!([[NOANSW, "", "27"]]));
    office.add_child(&cd("cfu", "28", "<src type=\"dont\"><ep e164=\"21\"/></src>"));
    office.wait_for_forwards(&json!([[NOANSW, "", "27"], [0x2_0000, "", "28"]]));
    office.close();
}

#[test]
fn a_line_whose_phone_is_away_is_forwarded_all_the_same() {
    let mut office = Office::open();
    office.pbx.control("register 20 off").unwrap();
    let anna = office.anna;
    wait_for("the line out of service", || {
        let lines = office.server.lines();
        let line = lines.into_iter().find(|line| line.device == anna).unwrap();
        (!line.in_service).then_some(())
    });
    let features = office.status()["features"].as_u64().unwrap();
    assert_eq!(features, u64::from(address_feature::FORWARD | address_feature::FORWARDFWD));
    assert_eq!(office.forward("0 100,,30"), NO_ERROR);
    office.pbx.control("ring 20 555").unwrap();
    assert!(office.called().contains(&"30".to_owned()), "{:?}", office.called());
    office.close();
}

#[test]
fn what_a_template_brings_is_shown_and_stays() {
    let mut office = Office::open();
    office.pbx.control("inherit 20 cfb 27").unwrap();
    office.wait_for_forwards(&json!([[BUSY, "", "27"]]));
    assert_eq!(office.forward("0 1,,30"), NO_ERROR);
    assert_eq!(office.forwards(), json!([[UNCOND, "", "30"], [BUSY, "", "27"]]));
    assert_eq!(office.forward("0"), NO_ERROR);
    assert_eq!(office.forwards(), json!([[BUSY, "", "27"]]));
    assert!(!office.premises.diary_lines("come from a template").is_empty());
    office.close();
}

#[test]
fn what_nobody_understands_stays_as_it_is() {
    let mut office = Office::open();
    let odd = "<phone dnd-ext='1'><!-- by hand --><rec  fkey=\"&#10;\"/></phone>";
    let blocked = cd("cfu", "-", "<src type=\"do\"><ep e164=\"21\"/></src>");
    office.add_child(odd);
    office.add_child(&blocked);
    let modify = office.record().replacen(" pwd=", " pwdx=\"0a1b2c\" odd='&lt;' pwd=", 1);
    office.pbx.control(&format!("admin {}", modify.replace("show>", "modify>"))).unwrap();
    let before = office.record();
    assert!(before.contains("0a1b2c") && before.contains(odd) && before.contains(&blocked));
    assert_eq!(office.forward("4 1,,30 100,,31"), NO_ERROR);
    assert_ne!(office.record(), before);
    assert_eq!(office.forward("0"), NO_ERROR);
    assert_eq!(office.record().replace(" cfnr=\"20\"", ""), before);
    office.server.ask("stop").well();
    for entry in std::fs::read_dir(office.premises.log()).unwrap() {
        assert_no_secret(&entry.unwrap().path(), b"0a1b2c");
    }
    office.close();
}

fn assert_no_secret(path: &std::path::Path, secret: &[u8]) {
    if path.is_dir() {
        std::fs::read_dir(path)
            .unwrap()
            .for_each(|entry| assert_no_secret(&entry.unwrap().path(), secret));
    } else {
        let bytes = std::fs::read(path).unwrap();
        let found = bytes.windows(secret.len()).any(|window| window == secret);
        assert!(!found, "a secret in {}", path.display());
    }
}

#[test]
fn a_setting_keeps_forwards_that_the_list_does_not_name() {
    let mut office =
        Office::with(|settings| format!("{settings}[lines]\nforwarding = \"modify\"\n"));
    assert_eq!(office.forward("0 10,,30"), NO_ERROR);
    assert_eq!(office.forward("0 100,,31"), NO_ERROR);
    assert_eq!(office.diversions(), [cd("cfb", "30", ""), cd("cfnr", "31", "")]);
    assert_eq!(office.forward("0 10,,32"), NO_ERROR);
    assert_eq!(office.diversions(), [cd("cfb", "32", ""), cd("cfnr", "31", "")]);
    assert_eq!(office.forward("0"), NO_ERROR);
    assert_eq!(office.diversions(), [""; 0]);
    office.close();
}

#[test]
fn a_bad_list_is_refused_and_what_was_forwarded_stays() {
    let mut office = Office::open();
    assert_eq!(office.forward("0 1,,30"), NO_ERROR);
    for (list, error) in [
        ("3,,31", LineErr::InvalParam),
        ("10000,,31", LineErr::InvalParam),
        ("1,,31 1,,32", LineErr::InvalParam),
        ("1000,,31 10,,32", LineErr::InvalParam),
        ("8,,31", LineErr::InvalParam),
        ("10,,31 1,,3?2", LineErr::InvalAddress),
        ("1,,", LineErr::InvalAddress),
    ] {
        office.server.ask(&format!("forward {} 0 {list}", office.anna)).refused_with(error);
    }
    let many: Vec<String> = (0..33).map(|n| format!("8,{n},31")).collect();
    let many = format!("forward {} 0 {}", office.anna, many.join(" "));
    office.server.ask(&many).refused_with(LineErr::InvalParam);
    assert_eq!(office.forwards(), json!([[UNCOND, "", "30"]]));
    assert_eq!(office.diversions(), [cd("cfu", "30", "")]);
    office.close();
}

#[test]
fn answers_that_make_no_sense_fail_the_request_and_leave_calls_alone() {
    let mut office = Office::open();
    assert_eq!(office.forward("0 1,,30"), NO_ERROR);
    let failed = LineErr::OperationFailed.code().cast_unsigned();
    for spoilt in ["garbled", "huge", "deaf"] {
        office.pbx.control(&format!("set admin {spoilt}")).unwrap();
        assert_eq!(office.forward("0 10,,31"), failed, "{spoilt}");
        assert_eq!(office.forwards(), json!([[UNCOND, "", "30"]]), "{spoilt}");
    }
    for fault in ["500", "reset", "truncate"] {
        office.pbx.control("set admin normal").unwrap();
        office.pbx.control(&format!("set fault_injection Admin={fault}")).unwrap();
        assert_eq!(office.forward("0 10,,31"), failed, "{fault}");
        office.pbx.control("set fault_injection off").unwrap();
    }
    assert_eq!(office.diversions(), [cd("cfu", "30", "")]);
    office.pbx.control("set admin silent").unwrap();
    let number = |asked: Value| u32::try_from(asked["request"].as_u64().unwrap()).unwrap();
    let forward = format!("forward {} 0 10,,31", office.anna);
    let forward = number(office.server.ask(&forward).well());
    // A PBX that is silent about records is not silent about calls.
    let make = number(office.server.ask(&format!("make {} 21", office.anna)).well());
    let is_end_of = |request: u32| {
        move |heard: &Heard| heard.kind == "completed" && heard.numbers[0] == request
    };
    office.server.wait_for("the completion of lineMakeCall", is_end_of(make));
    assert!(!office.server.heard().iter().any(is_end_of(forward)));
    let done = office.server.wait_for("the completion of lineForward", is_end_of(forward));
    assert_eq!(done.numbers[1], failed);
    office.pbx.control("set admin normal").unwrap();
    assert_eq!(office.diversions(), [cd("cfu", "30", "")]);
    office.close();
}

#[test]
fn without_the_right_to_forward_nothing_is_offered_and_calls_go_on() {
    let pbx = Simulator::start(&Estate::built_in(), Options::default()).unwrap();
    pbx.control("set admin administrators-only").unwrap();
    let premises = Premises::at(pbx.address());
    let server = Server::in_service(&premises, LINES);
    let mut office = Office { pbx, premises, server, anna: 0 };
    office.anna = office.server.device("20");
    let bits = u64::from(address_feature::FORWARD);
    wait_for("no offer of forwarding", || {
        let status = office.status();
        let none = status["forward_modes"] == 0 && status["features"].as_u64().unwrap() & bits == 0;
        none.then_some(())
    });
    let command = format!("forward {} 0 1,,30", office.anna);
    office.server.ask(&command).refused_with(LineErr::OperationUnavail);
    assert_eq!(office.premises.diary_lines("call forwards cannot be read").len(), 1);
    office.server.make_call(office.anna, "21");
    office.close();
}
